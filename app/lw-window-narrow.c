/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the window leaves out, or puts elsewhere, where there is little room.
 */
#include "app/lw-window-private.h"

#include <glib/gi18n.h>

#include "app/lw-names.h"

/* Shortcuts stand in one column in a window of this width, pixels. */
#define ONE_COLUMN 600

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

/* Columns of shortcuts side by side, as GTK makes them. */
static gboolean
holds_columns (GtkWidget *widget)
{
  GtkWidget *column = GTK_IS_BOX (widget) ? gtk_widget_get_first_child (widget) : NULL;

  return column && GTK_IS_BOX (column) && GTK_IS_SHORTCUTS_GROUP (gtk_widget_get_first_child (column));
}

static void
set_columns (GtkWidget *widget, GtkOrientation orientation)
{
  if (holds_columns (widget))
    {
      gtk_orientable_set_orientation (GTK_ORIENTABLE (widget), orientation);
      return;
    }
  /* The field to search in and the page of what was found are wider than a narrow window. */
  if (GTK_IS_STACK (widget))
    gtk_stack_set_hhomogeneous (GTK_STACK (widget), orientation == GTK_ORIENTATION_HORIZONTAL);
  if (GTK_IS_SEARCH_ENTRY (widget) && orientation == GTK_ORIENTATION_VERTICAL)
    gtk_editable_set_width_chars (GTK_EDITABLE (widget), 0);
  for (GtkWidget *w = gtk_widget_get_first_child (widget); w; w = gtk_widget_get_next_sibling (w))
    set_columns (w, orientation);
}

/* What does not fit can be scrolled to; GTK's window would cut it off. */
static void
make_scrollable (GtkWindow *overlay)
{
  GtkWidget *content = gtk_window_get_child (overlay), *scroller;

  if (!content)
    return;
  scroller = gtk_scrolled_window_new ();
  g_object_ref (content);
  gtk_window_set_child (overlay, NULL);
  gtk_scrolled_window_set_propagate_natural_width (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), content);
  gtk_window_set_child (overlay, scroller);
  g_object_unref (content);
}

/* Before it is shown: a window that changes while it is mapped is lost to screen readers with GTK 4.8. */
static void
overlay_realized (GtkWidget *overlay, LwWindow *self)
{
  int width = gtk_widget_get_width (GTK_WIDGET (self)), height = gtk_widget_get_height (GTK_WIDGET (self));
  gboolean narrow = width < ONE_COLUMN;

  lw_name_icon_buttons (overlay);
  set_columns (overlay, narrow ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
  if (narrow)
    gtk_widget_add_css_class (overlay, "one-column");
  else
    gtk_widget_remove_css_class (overlay, "one-column");
  gtk_window_set_resizable (GTK_WINDOW (overlay), narrow);
  gtk_window_set_default_size (GTK_WINDOW (overlay), narrow ? width : -1, narrow ? height : -1);
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
  make_scrollable (GTK_WINDOW (overlay));
  g_signal_connect_object (overlay, "realize", G_CALLBACK (overlay_realized), self, 0);
}
