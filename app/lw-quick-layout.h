/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pages of preferences that are laid out in a third of the time.  Text that is broken into lines is what it goes to:
 * GTK 4.8 asks what lies side by side how wide it is at a height, and the answer of such a text, or of a column of
 * them, is found by breaking it at twenty widths and more; libadwaita 1.2 puts the title of each group and of each
 * row beside something, most often beside nothing.
 *
 * Thread: UI.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* What is below the widget now.  Call it before that is shown, and again for what has come. */
void lw_quick_layout (GtkWidget *widget);

G_END_DECLS
