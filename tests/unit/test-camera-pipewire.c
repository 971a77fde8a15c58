/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cameras as a desktop offers them: a PipeWire of this test's own with cameras that are not there, which are
 * processes of this same program.  Needs a session bus, by which PipeWire's session manager connects.
 * Skipped where PipeWire or its part of GStreamer is not installed. */
#include <gst/gst.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "app/lw-camera.h"
#include "tests/unit/remove-tree.h"

#define DEADLINE (60 * G_USEC_PER_SEC)

/* ---- A camera that is not there ---- */

/* Runs until it is killed. */
static int
be_camera (const char *name, const char *pattern)
{
  g_autofree char *description
      = g_strdup_printf ("videotestsrc is-live=true pattern=%s"
                         " ! video/x-raw,format=YUY2,width=64,height=48,framerate=15/1"
                         " ! pipewiresink mode=provide"
                         " stream-properties=p,media.class=Video/Source,node.name=%s,node.description=%s",
                         pattern, name, name);
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gst_message_unref (gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR));
  return 1;
}

/* ---- The session ---- */

/* None of them outlives this program. */
static void
die_with_parent (gpointer unused)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GSubprocess *
start (const char *program, const char *name, const char *pattern)
{
  const char *arguments[] = { program, name, pattern, NULL };
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, arguments, &error);
  g_assert_no_error (error);
  return process;
}

static void
end (GSubprocess **process)
{
  g_subprocess_force_exit (*process);
  g_subprocess_wait (*process, NULL, NULL);
  g_clear_object (process);
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

/* What is found now; NULL: no camera. */
static GListModel *
look (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GListModel *found;

  lw_camera_list_async (NULL, keep_result, &result);
  while (!result)
    g_main_context_iteration (NULL, TRUE);
  found = lw_camera_list_finish (result, &error);
  if (!found)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  return found;
}

static LwCameraDevice *
find (const char *name)
{
  g_autoptr (GListModel) found = look ();

  for (guint i = 0; found && i < g_list_model_get_n_items (found); i++)
    {
      g_autoptr (LwCameraDevice) d = g_list_model_get_item (found, i);

      if (g_str_equal (lw_camera_device_get_name (d), name))
        return g_steal_pointer (&d);
    }
  return NULL;
}

static LwCameraDevice *
wait_to_find (const char *name)
{
  gint64 last = g_get_monotonic_time () + DEADLINE;
  LwCameraDevice *device;

  while (!(device = find (name)) && g_get_monotonic_time () < last)
    g_usleep (50000);
  if (!device)
    g_error ("%s was not found", name);
  return device;
}

static void
wait_to_be_gone (const char *name)
{
  gint64 last = g_get_monotonic_time () + DEADLINE;
  LwCameraDevice *device;

  while ((device = find (name)) && g_get_monotonic_time () < last)
    {
      g_object_unref (device);
      g_usleep (50000);
    }
  g_assert_null (device);
}

/* ---- In use ---- */

typedef struct
{
  guint n_frames;
  guint32 colour; /* of the newest, as GDK_MEMORY_DEFAULT has it */
  int width, height;
  GError *error;
} Seen;

static void
update (gpointer user_data, GdkTexture *frame, const GError *error)
{
  Seen *seen = user_data;

  g_assert_null (seen->error);
  if (error)
    {
      seen->error = g_error_copy (error);
      return;
    }
  seen->width = gdk_texture_get_width (frame);
  seen->height = gdk_texture_get_height (frame);
  g_autofree guchar *pixels = g_malloc ((gsize)seen->width * seen->height * 4);
  gdk_texture_download (frame, pixels, (gsize)seen->width * 4);
  memcpy (&seen->colour, pixels, 4);
  seen->n_frames++;
}

static gboolean
wake (gpointer unused)
{
  return G_SOURCE_CONTINUE;
}

/* n pictures, or an error. */
static void
wait_to_see (Seen *seen, guint n)
{
  gint64 last = g_get_monotonic_time () + DEADLINE;
  guint timer = g_timeout_add (100, wake, NULL);

  while (seen->n_frames < n && !seen->error && g_get_monotonic_time () < last)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
}

/* Its pictures come one after the other, and are of this colour: red or blue, nearly. */
static void
check_preview (const char *name, gboolean red)
{
  g_autoptr (LwCameraDevice) device = wait_to_find (name);
  Seen seen = { 0 };
  g_autoptr (LwCamera) camera = lw_camera_open (device, update, &seen);

  wait_to_see (&seen, 5);
  g_assert_no_error (seen.error);
  g_assert_cmpuint (seen.n_frames, >=, 5);
  g_assert_cmpint (seen.width, ==, 64);
  g_assert_cmpint (seen.height, ==, 48);
  g_assert_cmphex (seen.colour & 0x800080, ==, red ? 0x800000 : 0x000080);
}

static void
test_preview (void)
{
  GSubprocess *red = start ("/proc/self/exe", "RedCamera", "red");
  GSubprocess *blue = start ("/proc/self/exe", "BlueCamera", "blue");

  check_preview ("RedCamera", TRUE);
  check_preview ("BlueCamera", FALSE);
  check_preview ("RedCamera", TRUE);
  end (&red);
  end (&blue);
  wait_to_be_gone ("RedCamera");
  wait_to_be_gone ("BlueCamera");
}

/* What is pulled out while it is in use says so, and another one does not take its place. */
static void
test_pulled_out (void)
{
  GSubprocess *red = start ("/proc/self/exe", "RedCamera", "red");
  GSubprocess *blue = start ("/proc/self/exe", "BlueCamera", "blue");
  g_autoptr (LwCameraDevice) device = wait_to_find ("RedCamera");
  Seen seen = { 0 };
  LwCamera *camera = lw_camera_open (device, update, &seen);

  g_object_unref (wait_to_find ("BlueCamera"));
  wait_to_see (&seen, 3);
  g_assert_no_error (seen.error);
  end (&red);
  wait_to_see (&seen, G_MAXUINT);
  g_assert_nonnull (seen.error);
  g_test_message ("%s", seen.error->message);
  g_assert_cmphex (seen.colour & 0x800080, ==, 0x800000);
  lw_camera_close (camera);
  g_clear_error (&seen.error);
  check_preview ("BlueCamera", FALSE);
  end (&blue);
  wait_to_be_gone ("BlueCamera");
}

static void
test_two_users (void)
{
  GSubprocess *red = start ("/proc/self/exe", "RedCamera", "red");
  g_autoptr (LwCameraDevice) device = wait_to_find ("RedCamera");
  Seen seen = { 0 };
  g_autoptr (LwCamera) camera = lw_camera_open (device, update, &seen);

  wait_to_see (&seen, 3);
  check_preview ("RedCamera", TRUE);
  seen.n_frames = 0;
  wait_to_see (&seen, 3);
  g_assert_no_error (seen.error);
  g_assert_cmpuint (seen.n_frames, >=, 3);
  lw_camera_close (g_steal_pointer (&camera));
  end (&red);
  wait_to_be_gone ("RedCamera");
}

static const char *
what_is_missing (void)
{
  const char *tools[] = { "pipewire", "wireplumber" };

  for (gsize i = 0; i < G_N_ELEMENTS (tools); i++)
    {
      g_autofree char *path = g_find_program_in_path (tools[i]);

      if (!path)
        return tools[i];
    }
  g_autoptr (GstElementFactory) sink = gst_element_factory_find ("pipewiresink");
  return sink ? NULL : "gstreamer1.0-pipewire";
}

int
main (int argc, char **argv)
{
  static const char *const homes[]
      = { "HOME", "PIPEWIRE_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME" };
  g_autofree char *folder = NULL;
  g_autofree char *socket = NULL;
  const char *missing;
  GSubprocess *pipewire, *manager;
  gint64 last;
  int status;

  if (argc == 3 && *argv[1] != '-')
    {
      gst_init (NULL, NULL);
      return be_camera (argv[1], argv[2]);
    }
  folder = g_dir_make_tmp ("lw-camera-XXXXXX", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (homes); i++)
    g_setenv (homes[i], folder, TRUE);
  g_unsetenv ("PIPEWIRE_REMOTE");
  g_unsetenv ("LW_CAMERA");
  g_test_init (&argc, &argv, NULL);
  gst_init (NULL, NULL);
  missing = what_is_missing ();
  if (missing)
    {
      g_print ("1..0 # SKIP %s is not installed\n", missing);
      remove_tree (folder);
      return 0;
    }
  socket = g_build_filename (folder, "pipewire-0", NULL);
  pipewire = start ("pipewire", NULL, NULL);
  last = g_get_monotonic_time () + DEADLINE;
  while (!g_file_test (socket, G_FILE_TEST_EXISTS) && g_get_monotonic_time () < last)
    g_usleep (20000);
  if (!g_file_test (socket, G_FILE_TEST_EXISTS))
    {
      g_print ("1..0 # SKIP pipewire does not start here\n");
      end (&pipewire);
      remove_tree (folder);
      return 0;
    }
  manager = start ("wireplumber", NULL, NULL);
  g_test_add_func ("/camera-pipewire/preview", test_preview);
  g_test_add_func ("/camera-pipewire/pulled-out", test_pulled_out);
  g_test_add_func ("/camera-pipewire/two-users", test_two_users);
  status = g_test_run ();
  end (&manager);
  end (&pipewire);
  remove_tree (folder);
  return status;
}
