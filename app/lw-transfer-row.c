/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-transfer-row.h"

#include <glib/gi18n.h>

struct _LwTransferRow
{
  AdwPreferencesRow parent_instance;
  LwTransfer *transfer;
  GtkWidget *bar, *status, *toggle, *discard;
};

enum
{
  SIGNAL_DISCARD,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwTransferRow, lw_transfer_row, ADW_TYPE_PREFERENCES_ROW)

static void
toggled (LwTransferRow *self)
{
  if (lw_transfer_get_state (self->transfer) == LW_TRANSFER_RUNNING)
    lw_transfer_pause (self->transfer);
  else
    lw_transfer_start (self->transfer);
}

static void
discarded (LwTransferRow *self)
{
  g_signal_emit (self, signals[SIGNAL_DISCARD], 0);
}

static void
name_button (GtkWidget *button, const char *icon, const char *label)
{
  gtk_button_set_icon_name (GTK_BUTTON (button), icon);
  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static void
update (LwTransferRow *self)
{
  LwTransferState state = lw_transfer_get_state (self->transfer);
  double fraction = lw_transfer_get_fraction (self->transfer);
  gboolean runs = state == LW_TRANSFER_RUNNING;

  gtk_label_set_label (GTK_LABEL (self->status), lw_transfer_get_status (self->transfer));
  if (state == LW_TRANSFER_FAILED)
    gtk_widget_add_css_class (self->status, "error");
  else
    gtk_widget_remove_css_class (self->status, "error");
  if (fraction >= 0)
    gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar), CLAMP (fraction, 0, 1));
  else if (runs)
    gtk_progress_bar_pulse (GTK_PROGRESS_BAR (self->bar));
  name_button (self->toggle,
               runs ? "media-playback-pause-symbolic" : "media-playback-start-symbolic",
               runs ? _("Pause the download") : _("Go on with the download"));
  gtk_widget_set_sensitive (self->toggle, state != LW_TRANSFER_PAUSING);
  gtk_widget_set_sensitive (self->discard, !runs && state != LW_TRANSFER_PAUSING);
}

LwTransfer *
lw_transfer_row_get_transfer (LwTransferRow *self)
{
  return self->transfer;
}

static void
lw_transfer_row_dispose (GObject *object)
{
  g_clear_object (&LW_TRANSFER_ROW (object)->transfer);
  G_OBJECT_CLASS (lw_transfer_row_parent_class)->dispose (object);
}

static void
lw_transfer_row_class_init (LwTransferRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lw_transfer_row_dispose;
  signals[SIGNAL_DISCARD] = g_signal_new ("discard", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                          NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static GtkWidget *
make_button (LwTransferRow *self, GCallback clicked)
{
  GtkWidget *button = gtk_button_new ();

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  g_signal_connect_swapped (button, "clicked", clicked, self);
  return button;
}

static void
lw_transfer_row_init (LwTransferRow *self)
{
  GtkWidget *all = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *column = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *title = gtk_label_new (NULL);

  self->bar = gtk_progress_bar_new ();
  self->status = gtk_label_new (NULL);
  self->toggle = make_button (self, G_CALLBACK (toggled));
  self->discard = make_button (self, G_CALLBACK (discarded));
  name_button (self->discard, "user-trash-symbolic", _("Discard the download"));
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_ellipsize (GTK_LABEL (title), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_xalign (GTK_LABEL (self->status), 0);
  gtk_label_set_wrap (GTK_LABEL (self->status), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (self->status), PANGO_WRAP_WORD_CHAR);
  gtk_widget_add_css_class (self->status, "caption");
  gtk_widget_add_css_class (self->status, "numeric");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->bar), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("Download"), -1);
  g_object_bind_property (self, "title", title, "label", G_BINDING_SYNC_CREATE);
  gtk_widget_set_hexpand (column, TRUE);
  gtk_widget_set_valign (column, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (column), title);
  gtk_box_append (GTK_BOX (column), self->bar);
  gtk_box_append (GTK_BOX (box), column);
  gtk_box_append (GTK_BOX (box), self->toggle);
  gtk_box_append (GTK_BOX (box), self->discard);
  /* Not beside the buttons: what went wrong is a long text, which GTK 4.8 would break into lines hundreds of times
   * there (app/lw-quick-layout.h). */
  gtk_widget_set_margin_end (self->status, 6);
  gtk_box_append (GTK_BOX (all), box);
  gtk_box_append (GTK_BOX (all), self->status);
  gtk_widget_set_margin_start (all, 12);
  gtk_widget_set_margin_end (all, 6);
  gtk_widget_set_margin_top (all, 9);
  gtk_widget_set_margin_bottom (all, 9);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), all);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), FALSE);
}

GtkWidget *
lw_transfer_row_new (LwTransfer *transfer)
{
  LwTransferRow *self = g_object_new (LW_TYPE_TRANSFER_ROW, NULL);

  self->transfer = g_object_ref (transfer);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), lw_transfer_get_title (transfer));
  g_signal_connect_object (transfer, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
  return GTK_WIDGET (self);
}
