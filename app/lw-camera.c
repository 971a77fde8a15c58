/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-camera.h"

#include <gio/gio.h>
#include <glib/gi18n.h>

#ifdef LW_HAVE_CAMERA
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include "app/lw-camera-doubles.h"
#endif

/* How long a camera may send no picture, at first or later, before it counts as failed: microseconds. */
#define PATIENCE (10 * G_USEC_PER_SEC)

/* More of either is a broken driver. */
#define MAX_DEVICES 64
#define MAX_SIDE 16384

struct _LwCameraDevice
{
  GObject parent_instance;
  char *name;
  char *description; /* of the source, in place of a device */
#ifdef LW_HAVE_CAMERA
  GstDevice *device;
#endif
};

G_DEFINE_FINAL_TYPE (LwCameraDevice, lw_camera_device, G_TYPE_OBJECT)

static void
lw_camera_device_finalize (GObject *object)
{
  LwCameraDevice *self = LW_CAMERA_DEVICE (object);

  g_free (self->name);
  g_free (self->description);
#ifdef LW_HAVE_CAMERA
  gst_clear_object (&self->device);
#endif
  G_OBJECT_CLASS (lw_camera_device_parent_class)->finalize (object);
}

static void
lw_camera_device_class_init (LwCameraDeviceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lw_camera_device_finalize;
}

static void
lw_camera_device_init (LwCameraDevice *self)
{
}

const char *
lw_camera_device_get_name (LwCameraDevice *self)
{
  g_return_val_if_fail (LW_IS_CAMERA_DEVICE (self), NULL);
  return self->name;
}

#ifdef LW_HAVE_CAMERA

/* Decoded, at most 15 pictures a second, as the texture wants them.  A second that cannot be shown is not
 * kept for later.  What cameras send is named: before a decoder that takes anything, PipeWire's source waits
 * for ever for somebody to say what it shall send. */
#define SINK                                                                                                \
  " ! video/x-raw;image/jpeg;video/x-h264 ! decodebin"                                                      \
  " ! videorate drop-only=true max-rate=15 ! videoconvert ! video/x-raw,format=RGB"                         \
  " ! appsink name=sink max-buffers=1 drop=true sync=false"

/* ---- Finding ---- */

static void
add_described (GListStore *list, const char *sources)
{
  g_auto (GStrv) all = g_strsplit (sources, ";", MAX_DEVICES);

  for (int i = 0; all[i]; i++)
    {
      g_autoptr (LwCameraDevice) d = g_object_new (LW_TYPE_CAMERA_DEVICE, NULL);

      if (!*g_strstrip (all[i]))
        continue;
      d->name = g_strdup (all[i]);
      d->description = g_strdup (all[i]);
      g_list_store_append (list, d);
    }
}

/* Borrowed; NULL: nothing looks for cameras here.  It is never stopped, for PipeWire 0.3.65 then frees twice
 * what it knows.  Meanwhile it follows what is connected and taken away. */
static GstDeviceMonitor *
running_monitor (void)
{
  static GMutex lock;
  static GstDeviceMonitor *running;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  if (!running)
    {
      g_autoptr (GstDeviceMonitor) monitor = gst_device_monitor_new ();
      g_autoptr (GstBus) bus = gst_device_monitor_get_bus (monitor);

      gst_device_monitor_add_filter (monitor, "Video/Source", NULL);
      if (!gst_device_monitor_start (monitor))
        return NULL;
      /* Nobody reads its news, which must not pile up. */
      gst_bus_set_flushing (bus, TRUE);
      running = g_steal_pointer (&monitor);
    }
  return running;
}

static void
add_devices (GListStore *list)
{
  GstDeviceMonitor *monitor = running_monitor ();
  GList *devices;
  int n = 0;

  if (!monitor)
    return;
  devices = lw_camera_without_doubles (gst_device_monitor_get_devices (monitor));
  for (GList *l = devices; l && n < MAX_DEVICES; l = l->next, n++)
    {
      g_autoptr (LwCameraDevice) d = g_object_new (LW_TYPE_CAMERA_DEVICE, NULL);

      d->name = gst_device_get_display_name (l->data);
      d->device = gst_object_ref (l->data);
      g_list_store_append (list, d);
    }
  g_list_free_full (devices, gst_object_unref);
}

static void
list_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_autoptr (GListStore) list = g_list_store_new (LW_TYPE_CAMERA_DEVICE);
  const char *described = g_getenv ("LW_CAMERA");
  GError *error = NULL;

  if (!gst_init_check (NULL, NULL, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (described)
    add_described (list, described);
  else
    add_devices (list);
  if (g_list_model_get_n_items (G_LIST_MODEL (list)))
    g_task_return_pointer (task, g_steal_pointer (&list), g_object_unref);
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s",
                             _("No camera was found. Connect one and try again."));
}

/* ---- In use ---- */

struct _LwCamera
{
  gatomicrefcount refs;
  LwCameraDevice *device;
  LwCameraUpdate update; /* UI thread; NULL once closed */
  gpointer user_data;

  GMutex lock;
  GCond ended;       /* quit or error came */
  gboolean quit;     /* under lock, as what follows */
  GError *error;
  GdkTexture *frame; /* the newest that was not handed over */
  gboolean pending;  /* a hand-over is */
  gint64 last_frame; /* when it came: monotonic, in microseconds; 0: none did */
};

static void
camera_unref (gpointer data)
{
  LwCamera *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_object (&self->frame);
  g_clear_error (&self->error);
  g_object_unref (self->device);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->ended);
  g_free (self);
}

static LwCamera *
camera_ref (LwCamera *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static gboolean
hand_over (gpointer data)
{
  LwCamera *self = data;
  g_autoptr (GdkTexture) frame = NULL;
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->lock);
  self->pending = FALSE;
  frame = g_steal_pointer (&self->frame);
  if (self->error)
    error = g_error_copy (self->error);
  g_mutex_unlock (&self->lock);
  if (self->update && (frame || error))
    self->update (self->user_data, error ? NULL : frame, error);
  return G_SOURCE_REMOVE;
}

/* Under the lock.  One at a time, so that a fast camera does not flood the main loop. */
static void
hand_over_soon (LwCamera *self)
{
  if (self->pending || self->quit)
    return;
  self->pending = TRUE;
  g_idle_add_full (G_PRIORITY_DEFAULT, hand_over, camera_ref (self), camera_unref);
}

/* Takes the error; the first one counts. */
static void
fail (LwCamera *self, GError *error)
{
  g_mutex_lock (&self->lock);
  if (!self->error)
    {
      self->error = error;
      g_cond_signal (&self->ended);
      hand_over_soon (self);
    }
  else
    {
      g_error_free (error);
    }
  g_mutex_unlock (&self->lock);
}

static GdkTexture *
texture_of (GstSample *sample)
{
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstCaps *caps = gst_sample_get_caps (sample);
  GstVideoInfo info;
  GstVideoFrame frame;
  GdkTexture *texture;

  if (!buffer || !caps || !gst_video_info_from_caps (&info, caps)
      || GST_VIDEO_INFO_WIDTH (&info) > MAX_SIDE || GST_VIDEO_INFO_HEIGHT (&info) > MAX_SIDE
      || GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_RGB
      || !gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ))
    return NULL;

  gsize stride = (gsize)GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
  g_autoptr (GBytes) bytes = g_bytes_new (GST_VIDEO_FRAME_PLANE_DATA (&frame, 0),
                                          stride * (gsize)GST_VIDEO_FRAME_HEIGHT (&frame));
  texture = gdk_memory_texture_new (GST_VIDEO_FRAME_WIDTH (&frame), GST_VIDEO_FRAME_HEIGHT (&frame),
                                    GDK_MEMORY_R8G8B8, bytes, stride);
  gst_video_frame_unmap (&frame);
  return texture;
}

/* Streaming thread. */
static GstFlowReturn
on_sample (GstAppSink *sink, gpointer user_data)
{
  LwCamera *self = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  g_autoptr (GdkTexture) texture = sample ? texture_of (sample) : NULL;

  if (!texture)
    return GST_FLOW_OK;
  g_mutex_lock (&self->lock);
  g_set_object (&self->frame, texture);
  self->last_frame = g_get_monotonic_time ();
  hand_over_soon (self);
  g_mutex_unlock (&self->lock);
  return GST_FLOW_OK;
}

/* Whichever thread has a message. */
static GstBusSyncReply
on_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  GError *error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, _("The camera sends nothing any more"));
  if (error)
    fail (user_data, error);
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static GstElement *
make_source (const LwCameraDevice *device, GError **error)
{
  GstElement *source;

  if (device->description)
    return gst_parse_bin_from_description_full (device->description, TRUE, NULL,
                                                GST_PARSE_FLAG_FATAL_ERRORS, error);
  source = gst_device_create_element (device->device, NULL);
  if (!source)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("%s cannot be opened"), device->name);
  /* Not each of PipeWire's cameras says when a picture was taken; without, the rate cannot be kept. */
  else if (g_object_class_find_property (G_OBJECT_GET_CLASS (source), "do-timestamp"))
    g_object_set (source, "do-timestamp", TRUE, NULL);
  return source;
}

static GstElement *
make_pipeline (LwCamera *self, GError **error)
{
  const GstAppSinkCallbacks callbacks = { .new_sample = on_sample };
  g_autoptr (GError) failed = NULL;
  GstElement *source, *rest, *pipeline, *sink;

  source = make_source (self->device, &failed);
  rest = source ? gst_parse_launch_full ("identity name=entry" SINK, NULL, GST_PARSE_FLAG_FATAL_ERRORS,
                                         &failed)
                : NULL;
  if (!rest)
    {
      if (source)
        gst_object_unref (gst_object_ref_sink (source));
      if (g_error_matches (failed, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT))
        /* Translators: %s says which one */
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                     _("A part of GStreamer that cameras need is not installed: %s"), failed->message);
      else
        g_propagate_error (error, g_steal_pointer (&failed));
      return NULL;
    }
  pipeline = rest;
  gst_bin_add (GST_BIN (pipeline), source);
  {
    g_autoptr (GstElement) entry = gst_bin_get_by_name (GST_BIN (pipeline), "entry");

    if (!gst_element_link (source, entry))
      {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("%s sends no pictures"), self->device->name);
        gst_object_unref (pipeline);
        return NULL;
      }
  }
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), (GstAppSinkCallbacks *)&callbacks, camera_ref (self),
                              camera_unref);
  gst_object_unref (sink);
  return pipeline;
}

/* Until it is closed or has failed.  One that was pulled out may just fall silent. */
static void
wait_for_end (LwCamera *self)
{
  const gint64 opened = g_get_monotonic_time ();
  gint64 patient_until = opened + PATIENCE;
  GError *silence = NULL;

  g_mutex_lock (&self->lock);
  while (!self->quit && !self->error && g_get_monotonic_time () < patient_until)
    {
      g_cond_wait_until (&self->ended, &self->lock, patient_until);
      patient_until = MAX (opened, self->last_frame) + PATIENCE;
    }
  if (!self->quit && !self->error)
    silence = self->last_frame
                  ? g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                                         _("The camera sends nothing any more"))
                  : g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _("%s sends no pictures"),
                                 self->device->name);
  g_mutex_unlock (&self->lock);
  if (silence)
    fail (self, silence);
}

static gpointer
camera_thread (gpointer data)
{
  LwCamera *self = data;
  GError *error = NULL;
  g_autoptr (GstElement) pipeline = make_pipeline (self, &error);

  if (pipeline)
    {
      g_autoptr (GstBus) bus = gst_pipeline_get_bus (GST_PIPELINE (pipeline));

      gst_bus_set_sync_handler (bus, on_message, camera_ref (self), camera_unref);
      if (gst_element_set_state (pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        fail (self, g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, _("%s cannot be opened"),
                                 self->device->name));
      wait_for_end (self);
      gst_element_set_state (pipeline, GST_STATE_NULL);
      gst_bus_set_sync_handler (bus, NULL, NULL, NULL);
    }
  else
    {
      fail (self, error);
    }
  camera_unref (self);
  return NULL;
}

LwCamera *
lw_camera_open (LwCameraDevice *device, LwCameraUpdate update, gpointer user_data)
{
  LwCamera *self = g_new0 (LwCamera, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  g_cond_init (&self->ended);
  self->device = g_object_ref (device);
  self->update = update;
  self->user_data = user_data;
  g_thread_unref (g_thread_new ("lw-camera", camera_thread, camera_ref (self)));
  return self;
}

void
lw_camera_close (LwCamera *self)
{
  self->update = NULL;
  g_mutex_lock (&self->lock);
  self->quit = TRUE;
  g_cond_signal (&self->ended);
  g_mutex_unlock (&self->lock);
  camera_unref (self);
}

#else

static void
list_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s",
                           _("This Longwave was built without GStreamer, which takes photos"));
}

/* Without a device nobody comes here. */
LwCamera *
lw_camera_open (LwCameraDevice *device, LwCameraUpdate update, gpointer user_data)
{
  g_return_val_if_reached (NULL);
}

void
lw_camera_close (LwCamera *self)
{
}

#endif

void
lw_camera_list_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, lw_camera_list_async);
  g_task_run_in_thread (task, list_in_thread);
}

GListModel *
lw_camera_list_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
