/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A camera that GStreamer finds by two ways, the kernel's and PipeWire's, is one camera.
 *
 * Thread: any.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* devices: of GstDevice, taken.  Of two that are the same camera the one that is opened directly stays: it needs
 * no PipeWire to run.  What only PipeWire knows (cameras by libcamera, other programs' pictures) stays. */
GList *lw_camera_without_doubles (GList *devices);

G_END_DECLS
