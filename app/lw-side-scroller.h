/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A scrolled window for what is wider than the chat: it takes sideways scrolling, and leaves the wheel to the
 * chat around it.  GTK's own would keep the wheel to itself wherever the pointer happens to be over it.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* With child in it, which reads from left to right in every language when ltr.  The wheel with Shift scrolls it sideways. */
GtkWidget *lw_side_scroller_new (GtkWidget *child, gboolean ltr);

G_END_DECLS
