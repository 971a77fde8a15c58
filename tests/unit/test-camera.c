/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-camera-doubles.h"

/* ---- A device that is not there ---- */

#define TEST_TYPE_DEVICE (test_device_get_type ())
G_DECLARE_FINAL_TYPE (TestDevice, test_device, TEST, DEVICE, GstDevice)

struct _TestDevice
{
  GstDevice parent_instance;
};

G_DEFINE_FINAL_TYPE (TestDevice, test_device, GST_TYPE_DEVICE)

static void
test_device_class_init (TestDeviceClass *klass)
{
}

static void
test_device_init (TestDevice *self)
{
}

static GList *
add (GList *list, const char *name, GstStructure *properties)
{
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("video/x-raw");
  GstDevice *device = g_object_new (TEST_TYPE_DEVICE, "display-name", name, "caps", caps, "device-class",
                                    "Video/Source", "properties", properties, NULL);

  if (properties)
    gst_structure_free (properties);
  return g_list_append (list, gst_object_ref_sink (device));
}

static GstStructure *
direct (const char *node)
{
  return gst_structure_new ("v4l2deviceprovider", "device.api", G_TYPE_STRING, "v4l2", "device.path",
                            G_TYPE_STRING, node, NULL);
}

static GstStructure *
by_pipewire (const char *node)
{
  return gst_structure_new ("pipewire-proplist", "device.api", G_TYPE_STRING, "v4l2", "api.v4l2.path",
                            G_TYPE_STRING, node, "media.class", G_TYPE_STRING, "Video/Source", NULL);
}

static void
check (GList *list, const char *expected)
{
  g_autoptr (GString) names = g_string_new (NULL);

  list = lw_camera_without_doubles (list);
  for (GList *l = list; l; l = l->next)
    {
      g_autofree char *name = gst_device_get_display_name (l->data);
      g_string_append_printf (names, "%s%s", l == list ? "" : ", ", name);
    }
  g_list_free_full (list, gst_object_unref);
  g_assert_cmpstr (names->str, ==, expected);
}

/* ---- Tests ---- */

static void
test_doubles (void)
{
  GList *list = NULL;

  check (NULL, "");
  list = add (list, "direct 0", direct ("/dev/video0"));
  list = add (list, "pipewire 0", by_pipewire ("/dev/video0"));
  check (list, "direct 0");

  /* The other way round, with others between them; the order stays. */
  list = add (NULL, "pipewire 0", by_pipewire ("/dev/video0"));
  list = add (list, "pipewire 2", by_pipewire ("/dev/video2"));
  list = add (list, "direct 2", direct ("/dev/video2"));
  list = add (list, "direct 0", direct ("/dev/video0"));
  list = add (list, "direct 4", direct ("/dev/video4"));
  check (list, "direct 0, direct 2, direct 4");
}

static void
test_others (void)
{
  GList *list = add (NULL, "by libcamera", gst_structure_new ("pipewire-proplist", "api.libcamera.path",
                                                               G_TYPE_STRING, "_SB_.PCI0", NULL));

  list = add (list, "tells nothing", NULL);
  list = add (list, "tells nothing", NULL);
  list = add (list, "pipewire 1", by_pipewire ("/dev/video1"));
  list = add (list, "pipewire 1 again", by_pipewire ("/dev/video1"));
  check (list, "by libcamera, tells nothing, tells nothing, pipewire 1");
}

int
main (int argc, char *argv[])
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/camera/doubles", test_doubles);
  g_test_add_func ("/camera/others", test_others);
  return g_test_run ();
}
