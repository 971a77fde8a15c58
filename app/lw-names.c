/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-names.h"

#include <glib/gi18n.h>

static const struct
{
  const char *icon, *name;
} names[] = {
  { "window-close-symbolic", N_ ("Close") },
  { "edit-find-symbolic", N_ ("Search") },
  { "go-previous-symbolic", N_ ("Back") },
};

/* The icon of a button that shows nothing else, or NULL. */
static const char *
icon_of (GtkWidget *button)
{
  GtkWidget *child = gtk_widget_get_first_child (button);

  if (child && GTK_IS_IMAGE (child) && !gtk_widget_get_next_sibling (child)
      && gtk_image_get_storage_type (GTK_IMAGE (child)) == GTK_IMAGE_ICON_NAME)
    return gtk_image_get_icon_name (GTK_IMAGE (child));
  return NULL;
}

void
lw_name_icon_buttons (GtkWidget *widget)
{
  if (GTK_IS_BUTTON (widget))
    {
      const char *icon = icon_of (widget);

      for (gsize i = 0; icon && i < G_N_ELEMENTS (names); i++)
        if (g_str_equal (icon, names[i].icon))
          {
            /* A tooltip is no name for GTK 4.8. */
            if (!gtk_widget_get_tooltip_text (widget))
              gtk_widget_set_tooltip_text (widget, _(names[i].name));
            gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                            _(names[i].name), -1);
          }
      return;
    }
  for (GtkWidget *w = gtk_widget_get_first_child (widget); w; w = gtk_widget_get_next_sibling (w))
    lw_name_icon_buttons (w);
}

static void
children_changed (GListModel *children, guint position, guint removed, guint added, gpointer data)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (GtkWidget) child = g_list_model_get_item (children, i);

      lw_name_icon_buttons (child);
    }
}

void
lw_name_icon_buttons_to_come (GtkWidget *widget)
{
  GListModel *children = gtk_widget_observe_children (widget);

  g_signal_connect (children, "items-changed", G_CALLBACK (children_changed), NULL);
  /* The widget only borrows it. */
  g_object_set_data_full (G_OBJECT (widget), "lw-children", children, g_object_unref);
}

/* ---- Said once ---- */

static gboolean
is_called (GtkWidget *widget, const char *name)
{
  g_autofree char *other
      = gtk_test_accessible_check_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, NULL);

  return !other;
}

static void
say_once (GtkWidget *button)
{
  const char *label = gtk_button_get_label (GTK_BUTTON (button));

  /* Only a text that can have a mnemonic is said to be the name of its button as well.  What somebody else has
   * called it stays. */
  if (label && gtk_button_get_use_underline (GTK_BUTTON (button)) && is_called (button, label))
    gtk_accessible_reset_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL);
  /* Its picture has no name but "GtkImage", which screen readers say before the button's. */
  if (gtk_button_get_icon_name (GTK_BUTTON (button)))
    gtk_accessible_reset_relation (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
}

static gboolean
mapped (GSignalInvocationHint *hint, guint n_values, const GValue *values, gpointer data)
{
  gpointer widget = g_value_get_object (values);

  if (GTK_IS_BUTTON (widget))
    say_once (widget);
  return TRUE; /* go on */
}

void
lw_name_buttons_once (void)
{
  g_autoptr (GTypeClass) widgets = g_type_class_ref (GTK_TYPE_WIDGET); /* has the signal */

  g_signal_add_emission_hook (g_signal_lookup ("map", GTK_TYPE_WIDGET), 0, mapped, NULL, NULL);
}
