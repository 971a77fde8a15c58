/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-file-chooser.h"

static void
hide_arrows (GtkWidget *widget)
{
  /* GTK has no name for this type in its headers. */
  gboolean bar = g_str_equal (G_OBJECT_TYPE_NAME (widget), "GtkPathBar");

  for (GtkWidget *w = gtk_widget_get_first_child (widget); w; w = gtk_widget_get_next_sibling (w))
    if (!bar)
      hide_arrows (w);
    /* Those of the path are toggle buttons. */
    else if (G_OBJECT_TYPE (w) == GTK_TYPE_BUTTON)
      gtk_widget_set_child_visible (w, FALSE);
}

void
lw_file_chooser_show (GtkFileChooserNative *chooser)
{
  GListModel *windows = gtk_window_get_toplevels ();
  guint n = g_list_model_get_n_items (windows);

  /* The chooser does not tell which dialog is its own; those that are shown already have their paths. */
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      if (GTK_IS_FILE_CHOOSER_DIALOG (window) && !gtk_widget_get_mapped (window))
        hide_arrows (window);
    }
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (chooser), TRUE);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (chooser));
}
