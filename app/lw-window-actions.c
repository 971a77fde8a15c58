/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the menus and keys of the window do, and the two dialogs they open.
 */
#include "app/lw-window-private.h"

#include <glib/gi18n.h>

#include "app/lw-options-dialog.h"

static void
action_new_chat (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lw_window_new_chat (LW_WINDOW (widget), FALSE);
}

static void
action_new_temporary_chat (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lw_window_new_chat (LW_WINDOW (widget), TRUE);
}

static void
action_attach (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lw_composer_choose_files (LW_WINDOW (widget)->composer);
}

static void
action_stop (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LwWindow *self = LW_WINDOW (widget);

  if (self->current)
    lw_conversation_stop (self->current);
}

static void
action_toggle_sidebar (GtkWidget *widget, const char *name, GVariant *parameter)
{
  AdwFlap *flap = LW_WINDOW (widget)->flap;

  adw_flap_set_reveal_flap (flap, !adw_flap_get_reveal_flap (flap));
}

static void
action_models (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lw_window_show_models (LW_WINDOW (widget));
}

static void
action_use_model (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lw_window_choose_model (LW_WINDOW (widget), g_variant_get_string (parameter, NULL));
}

static void
action_chat_options (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LwWindow *self = LW_WINDOW (widget);
  LwOptionsDialog *dialog;

  if (!self->current)
    return;
  dialog = lw_options_dialog_new (lw_store_service_get_options (lw_conversation_get_store (self->current)),
                                  lw_conversation_get_id (self->current), self->model_path,
                                  gtk_label_get_label (self->subtitle));
  gtk_window_set_transient_for (GTK_WINDOW (dialog), GTK_WINDOW (self));
  gtk_window_set_destroy_with_parent (GTK_WINDOW (dialog), TRUE);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* Nobody gets to the toast's button with Tab while it is there. */
static void
action_undo_delete (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LwWindow *self = LW_WINDOW (widget);
  g_autoptr (AdwToast) toast = self->undo ? g_object_ref (self->undo) : NULL;

  if (!toast)
    return;
  g_signal_emit_by_name (toast, "button-clicked");
  adw_toast_dismiss (toast);
}

void
lw_window_install_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.new-chat", NULL, action_new_chat);
  gtk_widget_class_install_action (widget_class, "win.new-temporary-chat", NULL, action_new_temporary_chat);
  gtk_widget_class_install_action (widget_class, "win.attach", NULL, action_attach);
  gtk_widget_class_install_action (widget_class, "win.stop", NULL, action_stop);
  gtk_widget_class_install_action (widget_class, "win.toggle-sidebar", NULL,
                                   action_toggle_sidebar);
  gtk_widget_class_install_action (widget_class, "win.models", NULL, action_models);
  gtk_widget_class_install_action (widget_class, "win.chat-options", NULL, action_chat_options);
  gtk_widget_class_install_action (widget_class, "win.use-model", "s", action_use_model);
  gtk_widget_class_install_action (widget_class, "win.undo-delete", NULL, action_undo_delete);
  /* A text that can undo something itself comes first. */
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_z, GDK_CONTROL_MASK, "win.undo-delete", NULL);
}

/* ---- Rename ---- */

static void
rename_response (AdwMessageDialog *dialog, const char *response, LwConversation *conversation)
{
  GtkEditable *entry = GTK_EDITABLE (adw_message_dialog_get_extra_child (dialog));
  g_autofree char *title = g_strstrip (g_strdup (gtk_editable_get_text (entry)));

  if (g_str_equal (response, "rename") && *title)
    lw_conversation_rename (conversation, title);
}

void
lw_window_rename (LwWindow *self, LwConversation *conversation)
{
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), _("Rename Chat"), NULL);
  GtkWidget *entry = gtk_entry_new ();
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);

  gtk_editable_set_text (GTK_EDITABLE (entry), lw_conversation_get_title (conversation));
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("Name"), -1);
  adw_message_dialog_set_extra_child (message, entry);
  adw_message_dialog_add_responses (message, "cancel", _("_Cancel"), "rename", _("_Rename"), NULL);
  adw_message_dialog_set_response_appearance (message, "rename", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (message, "rename");
  adw_message_dialog_set_close_response (message, "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (rename_response), conversation, 0);
  gtk_window_present (GTK_WINDOW (dialog));
  gtk_widget_grab_focus (entry);
}

/* ---- Delete, with undo ---- */

typedef struct
{
  LwWindow *self;
  LwConversation *conversation;
  char *message; /* of the conversation, or NULL: the conversation itself */
  guint n_forgotten; /* of the window, then */
  gboolean undone;
} Deletion;

static void
deletion_free (gpointer data, GClosure *closure)
{
  Deletion *d = data;

  g_object_unref (d->self);
  g_object_unref (d->conversation);
  g_free (d->message);
  g_free (d);
}

static void
undo_clicked (AdwToast *toast, gpointer data)
{
  Deletion *d = data;

  if (d->undone)
    return;
  d->undone = TRUE;
  if (!d->self->store || d->n_forgotten != d->self->n_forgotten)
    return;
  if (d->message)
    {
      lw_conversation_undelete (d->conversation, d->message);
      return;
    }
  lw_store_service_bin_conversation (lw_conversation_get_store (d->conversation),
                                     lw_conversation_get_id (d->conversation), FALSE);
  g_list_store_append (d->self->conversations, d->conversation);
  lw_window_open_conversation (d->self, d->conversation);
  lw_conversation_list_select (d->self->list, d->conversation);
}

static void
toast_dismissed (AdwToast *toast, gpointer data)
{
  Deletion *d = data;

  if (d->self->undo == toast)
    {
      g_clear_weak_pointer (&d->self->undo);
      gtk_widget_action_set_enabled (GTK_WIDGET (d->self), "win.undo-delete", FALSE);
    }
  /* The store only removes what is still in its bin.  Messages wait there for the next start: the undo of
   * another one may still be on offer. */
  if (!d->undone && !d->message && d->self->store)
    lw_store_service_purge (lw_conversation_get_store (d->conversation),
                            lw_conversation_get_id (d->conversation));
}

static void
offer_undo (LwWindow *self, LwConversation *conversation, const char *message, const char *title)
{
  Deletion *d = g_new0 (Deletion, 1);
  AdwToast *toast = adw_toast_new (title);

  d->self = g_object_ref (self);
  d->conversation = g_object_ref (conversation);
  d->message = g_strdup (message);
  d->n_forgotten = self->n_forgotten;
  adw_toast_set_button_label (toast, _("Undo"));
  g_signal_connect (toast, "button-clicked", G_CALLBACK (undo_clicked), d);
  g_signal_connect_data (toast, "dismissed", G_CALLBACK (toast_dismissed), d, deletion_free, 0);
  adw_toast_overlay_add_toast (self->toasts, toast);
  g_set_weak_pointer (&self->undo, toast);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "win.undo-delete", TRUE);
}

void
lw_window_messages_deleted (LwWindow *self, const char *message, guint n,
                            LwConversation *conversation)
{
  g_autofree char *title
      = g_strdup_printf (ngettext ("%u message deleted", "%u messages deleted", n), n);

  offer_undo (self, conversation, message, title);
}

void
lw_window_delete (LwWindow *self, LwConversation *conversation)
{
  g_autofree char *escaped = NULL, *title = NULL;
  GList *windows = gtk_application_get_windows (gtk_window_get_application (GTK_WINDOW (self)));
  gboolean busy = lw_conversation_get_busy (conversation);
  guint position;

  lw_conversation_stop (conversation);
  lw_store_service_bin_conversation (lw_conversation_get_store (conversation),
                                     lw_conversation_get_id (conversation), TRUE);
  if (g_list_store_find (self->conversations, conversation, &position))
    g_list_store_remove (self->conversations, position);
  /* The end of its answer would leave a snapshot. */
  if (busy && !lw_conversation_is_temporary (conversation))
    lw_engine_service_forget (self->engine);
  for (GList *l = windows; l; l = l->next)
    if (LW_IS_WINDOW (l->data))
      lw_window_forget (l->data, conversation);

  escaped = g_markup_escape_text (lw_conversation_get_title (conversation), -1);
  /* Translators: %s is the title of a chat */
  title = g_strdup_printf (_("“%s” deleted"), escaped);
  offer_undo (self, conversation, NULL, title);
}
