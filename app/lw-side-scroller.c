/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-side-scroller.h"

static gboolean
scrolled (GtkEventControllerScroll *controller, double dx, double dy, GtkScrolledWindow *self)
{
  GtkAdjustment *sideways = gtk_scrolled_window_get_hadjustment (self);
  GdkModifierType held
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller));

  if (!(held & GDK_SHIFT_MASK) || dy == 0)
    return GDK_EVENT_PROPAGATE;
  gtk_adjustment_set_value (sideways, gtk_adjustment_get_value (sideways)
                                          + dy * gtk_adjustment_get_step_increment (sideways));
  return GDK_EVENT_STOP;
}

/* The scrolled window's own controllers. */
static void
only_sideways (GtkWidget *self)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (self);
  guint n = g_list_model_get_n_items (controllers);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GtkEventController) c = g_list_model_get_item (controllers, i);

      if (GTK_IS_EVENT_CONTROLLER_SCROLL (c))
        {
          GtkEventControllerScroll *scroll = GTK_EVENT_CONTROLLER_SCROLL (c);
          GtkEventControllerScrollFlags flags = gtk_event_controller_scroll_get_flags (scroll);

          gtk_event_controller_scroll_set_flags (
              scroll, flags & (GtkEventControllerScrollFlags)~GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);
        }
    }
}

GtkWidget *
lw_side_scroller_new (GtkWidget *child, gboolean ltr)
{
  GtkWidget *self = gtk_scrolled_window_new ();
  GtkEventController *wheel;

  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self), GTK_POLICY_AUTOMATIC, GTK_POLICY_NEVER);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self), child);
  /* Its own too: it begins at the end of the line otherwise. */
  if (ltr)
    {
      gtk_widget_set_direction (self, GTK_TEXT_DIR_LTR);
      gtk_widget_set_direction (child, GTK_TEXT_DIR_LTR);
    }
  only_sideways (self);
  wheel = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
  g_signal_connect_object (wheel, "scroll", G_CALLBACK (scrolled), self, 0);
  gtk_widget_add_controller (self, wheel);
  return self;
}
