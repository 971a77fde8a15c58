/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Showing a file dialog.  Without a portal it is GTK's own.  The path bar in it has two arrows, for paths
 * that are too long; GTK 4.8 shows them from the beginning and gives them a place only when the folder has
 * been looked up, in a thread.  A frame that is painted earlier makes GTK warn of each.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Modal.  The arrows stay hidden until the path bar itself says which of them it needs. */
void lw_file_chooser_show (GtkFileChooserNative *chooser);

G_END_DECLS
