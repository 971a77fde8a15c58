/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cameras of this computer, through GStreamer.  One thread opens, runs and closes a camera: a driver may
 * take seconds for each.  It is named "lw-camera" and is there exactly while a camera is in use.  From the
 * first search on, GStreamer's own threads follow what is connected; they take no pictures.
 *
 * For tests LW_CAMERA lists sources in place of the real ones: GStreamer descriptions between semicolons,
 * such as "videotestsrc pattern=ball;videotestsrc pattern=smpte"; empty: this computer has no camera.
 */
#pragma once

#include <gdk/gdk.h>

G_BEGIN_DECLS

/* What can be opened.  Immutable, reference-counted. */
#define LW_TYPE_CAMERA_DEVICE (lw_camera_device_get_type ())
G_DECLARE_FINAL_TYPE (LwCameraDevice, lw_camera_device, LW, CAMERA_DEVICE, GObject)

/* For people. */
const char *lw_camera_device_get_name (LwCameraDevice *self);

/* Look for cameras, on a worker: a GListModel of LwCameraDevice that is never empty, or an error that says
 * why there is none. */
void lw_camera_list_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GListModel *lw_camera_list_finish (GAsyncResult *result, GError **error);

/* A camera in use.  All of it on the UI thread. */
typedef struct _LwCamera LwCamera;

/* frame: the newest picture (older ones are left out when the UI is slower than the camera), or NULL when
 * the camera failed or sent no picture for ten seconds: error says why, and nothing more comes. */
typedef void (*LwCameraUpdate) (gpointer user_data, GdkTexture *frame, const GError *error);

LwCamera *lw_camera_open (LwCameraDevice *device, LwCameraUpdate update, gpointer user_data);
/* Consumes it; update is not called any more.  The camera is switched off at once, on its own thread. */
void lw_camera_close (LwCamera *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwCamera, lw_camera_close)

G_END_DECLS
