/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names for the buttons with an icon alone that GTK 4.8 and libadwaita 1.2 put into their own widgets (toasts,
 * info bars, preferences, shortcuts) and leave without one, so that a screen reader says "button" only; and one
 * name instead of two for all buttons: GTK 4.8 names those with a mnemonic by their label as it is written
 * ("_Models…") and by the text that is shown, and those with an icon by the class of their picture as well ("GtkImage
 * Delete message").
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Those below the widget that are there now.  Call it again when more have come. */
void lw_name_icon_buttons (GtkWidget *widget);

/* Those in its children that come later as well, such as toasts. */
void lw_name_icon_buttons_to_come (GtkWidget *widget);

/* No button is announced twice, whoever makes it, from the first time it is shown.  Once, when the program starts. */
void lw_name_buttons_once (void);

G_END_DECLS
