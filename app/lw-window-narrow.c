/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the window leaves out, or puts elsewhere, where there is little room.
 */
#include "app/lw-window-private.h"

#include <glib/gi18n.h>

#include "app/lw-names.h"

/* Shortcuts stand in one column in a window of this width, pixels. */
#define ONE_COLUMN 600
/* Rows of a column, as GTK counts them: GTK's own number, and all there are. */
#define ROWS 15
#define ALL_ROWS 60

/* One of the two buttons for a new chat is enough; without the sidebar a narrow header needs the room for the
 * title. */
void
lw_window_sidebar_changed (LwWindow *self)
{
  gtk_widget_set_visible (self->new_button,
                          !adw_flap_get_reveal_flap (self->flap) && !adw_flap_get_folded (self->flap));
}

void
lw_window_reveal_sidebar (LwWindow *self)
{
  GtkSettings *settings = gtk_widget_get_settings (GTK_WIDGET (self));
  gboolean animated;

  /* Sliding in, it would be there a frame later, and without the first letter. */
  g_object_get (settings, "gtk-enable-animations", &animated, NULL);
  g_object_set (settings, "gtk-enable-animations", FALSE, NULL);
  adw_flap_set_reveal_flap (self->flap, TRUE);
  g_object_set (settings, "gtk-enable-animations", animated, NULL);
}

static void
set_rows (GtkWidget *widget, int rows)
{
  if (GTK_IS_SHORTCUTS_SECTION (widget))
    {
      g_object_set (widget, "max-height", rows, NULL);
      return;
    }
  for (GtkWidget *w = gtk_widget_get_first_child (widget); w; w = gtk_widget_get_next_sibling (w))
    set_rows (w, rows);
}

static void
overlay_realized (GtkWidget *overlay, LwWindow *self)
{
  lw_name_icon_buttons (overlay);
  set_rows (overlay, gtk_widget_get_width (GTK_WIDGET (self)) < ONE_COLUMN ? ALL_ROWS : ROWS);
}

void
lw_window_prepare_shortcuts (LwWindow *self)
{
  GtkShortcutsWindow *overlay
      = gtk_application_window_get_help_overlay (GTK_APPLICATION_WINDOW (self));

  if (!overlay)
    return;
  /* It shows a title of its own, and has none for screen readers. */
  gtk_window_set_title (GTK_WINDOW (overlay), _("Keyboard Shortcuts"));
  g_signal_connect_object (overlay, "realize", G_CALLBACK (overlay_realized), self, 0);
}
