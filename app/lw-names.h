/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names for the buttons with an icon alone that GTK 4.8 and libadwaita 1.2 put into their own widgets (toasts,
 * info bars, preferences, shortcuts) and leave without one, so that a screen reader says "button" only.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Those below the widget that are there now.  Call it again when more have come. */
void lw_name_icon_buttons (GtkWidget *widget);

/* Those in its children that come later as well, such as toasts. */
void lw_name_icon_buttons_to_come (GtkWidget *widget);

G_END_DECLS
