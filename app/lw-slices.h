/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Work that is more than a frame has room for is done in slices: so much that the window never looks as if it hung,
 * and not more.  What counts is what the thread computes, not the time that passes: a busy machine takes longer for
 * the same, and smaller slices would only make that worse.
 *
 * Thread: UI.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* What one slice may compute, microseconds: with laying out and painting what it made it fits in a 60th of a
 * second. */
#define LW_SLICE_US 4000

/* For work in the frame that the widget's clock is in (a tick, a layout): FALSE once it has computed LW_SLICE_US,
 * by whatever part of the program.  TRUE outside of frames and for a widget that has no clock. */
gboolean lw_slices_frame_has_room (GtkWidget *widget);

/* One step of some work, well below LW_SLICE_US.  FALSE: it was the last. */
typedef gboolean (*LwSliceStep) (gpointer data);

/* Calls step until it returns FALSE, as often in a turn of the main loop as a slice has room for, and only while
 * there is no frame to be drawn.  Returns the id of a source, which is destroyed after the last step;
 * g_source_remove() ends it earlier, from within a step too.  data is borrowed until then. */
guint lw_slices_add (LwSliceStep step, gpointer data);

G_END_DECLS
