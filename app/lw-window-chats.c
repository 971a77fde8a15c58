/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the sidebar asks of the window: folders, files, and going to a hit of the search; screenshots and
 * photos.
 */
#include "app/lw-window-private.h"

#include <glib/gi18n.h>

#include "app/lw-file-chooser.h"
#include "app/lw-photo-dialog.h"
#include "app/lw-screenshot.h"

/* ---- Folders ---- */

static void
folder_response (AdwMessageDialog *dialog, const char *response, LwConversation *conversation)
{
  GtkEditable *entry = GTK_EDITABLE (g_object_get_data (G_OBJECT (dialog), "entry"));
  g_autofree char *folder = g_strstrip (g_strdup (gtk_editable_get_text (entry)));

  if (g_str_equal (response, "move"))
    lw_conversation_set_folder (conversation, folder);
  else if (g_str_equal (response, "none"))
    lw_conversation_set_folder (conversation, "");
}

static void
folder_chosen (GtkButton *button, GtkEditable *entry)
{
  gtk_editable_set_text (entry, gtk_button_get_label (button));
}

/* The folders there are, as buttons that fill the entry. */
static GtkWidget *
make_folder_buttons (LwWindow *self, GtkWidget *entry)
{
  GtkWidget *box = gtk_flow_box_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->conversations));

  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (box), GTK_SELECTION_NONE);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwConversation) c = g_list_model_get_item (G_LIST_MODEL (self->conversations), i);
      const char *folder = lw_conversation_get_folder (c);
      GtkWidget *button;

      if (!*folder || !g_hash_table_add (seen, (gpointer)folder))
        continue;
      button = gtk_button_new_with_label (folder);
      g_signal_connect (button, "clicked", G_CALLBACK (folder_chosen), entry);
      gtk_flow_box_append (GTK_FLOW_BOX (box), button);
    }
  gtk_widget_set_visible (box, g_hash_table_size (seen) > 0);
  return box;
}

static void
choose_folder (LwWindow *self, LwConversation *conversation)
{
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), _("Move to Folder"), NULL);
  GtkWidget *entry = gtk_entry_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);

  gtk_editable_set_text (GTK_EDITABLE (entry), lw_conversation_get_folder (conversation));
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_entry_set_placeholder_text (GTK_ENTRY (entry), _("Name of the folder"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("Folder"), -1);
  gtk_box_append (GTK_BOX (box), entry);
  gtk_box_append (GTK_BOX (box), make_folder_buttons (self, entry));
  g_object_set_data (G_OBJECT (dialog), "entry", entry);
  adw_message_dialog_set_extra_child (message, box);
  adw_message_dialog_add_responses (message, "cancel", _("_Cancel"), "none", _("_No Folder"), "move",
                                    _("_Move"), NULL);
  adw_message_dialog_set_response_appearance (message, "move", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (message, "move");
  adw_message_dialog_set_close_response (message, "cancel");
  adw_message_dialog_set_response_enabled (message, "none",
                                           *lw_conversation_get_folder (conversation) != 0);
  g_signal_connect_object (dialog, "response", G_CALLBACK (folder_response), conversation, 0);
  gtk_window_present (GTK_WINDOW (dialog));
  gtk_widget_grab_focus (entry);
}

/* ---- Files ---- */

static void
exported (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  if (lw_store_service_export_finish (LW_STORE_SERVICE (source), result, &error))
    lw_window_show_toast (self, _("Chat exported"));
  else
    lw_window_show_error (self, GTK_MESSAGE_ERROR, error, LW_REMEDY_NONE);
}

static void
export_response (GtkNativeDialog *dialog, int response, LwWindow *self)
{
  if (response == GTK_RESPONSE_ACCEPT && self->store)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      g_autofree char *path = g_file_get_path (file);
      gboolean markdown = g_object_get_data (G_OBJECT (dialog), "markdown") != NULL;
      LwConversation *chat = g_object_get_data (G_OBJECT (dialog), "chat");

      if (path)
        lw_store_service_export_async (lw_conversation_get_store (chat), lw_conversation_get_id (chat), markdown,
                                       path, exported, g_object_ref (self));
    }
  g_object_unref (dialog);
}

static void
export_chat (LwWindow *self, LwConversation *conversation, gboolean markdown)
{
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (_("Export Chat"), GTK_WINDOW (self),
                                     GTK_FILE_CHOOSER_ACTION_SAVE, _("_Export"), _("_Cancel"));
  g_autofree char *name = g_strdup (lw_conversation_get_title (conversation));
  g_autofree char *file = NULL;

  g_strdelimit (name, "/\\\n\r\t", ' ');
  file = g_strconcat (*name ? name : _("Chat"), markdown ? ".md" : ".json", NULL);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), file);
  g_object_set_data (G_OBJECT (dialog), "markdown", GINT_TO_POINTER (markdown));
  g_object_set_data_full (G_OBJECT (dialog), "chat", g_object_ref (conversation), g_object_unref);
  g_signal_connect_object (dialog, "response", G_CALLBACK (export_response), self, 0);
  lw_file_chooser_show (dialog);
}

static void
imported (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  lw_mem_conversation *record
      = lw_store_service_import_finish (LW_STORE_SERVICE (source), result, &error);

  if (record && self->store)
    {
      g_autoptr (LwConversation) c
          = lw_conversation_new_for_record (self->store, self->engine, record);

      lw_window_watch_conversation (self, c);
      g_list_store_insert (self->conversations, 0, c);
      lw_window_open_conversation (self, c);
      lw_window_show_toast (self, _("Chat imported"));
    }
  else if (error)
    {
      lw_window_show_error (self, GTK_MESSAGE_ERROR, error, LW_REMEDY_NONE);
    }
  lw_mem_conversation_free (record);
}

static void
import_response (GtkNativeDialog *dialog, int response, LwWindow *self)
{
  if (response == GTK_RESPONSE_ACCEPT && self->store)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      g_autofree char *path = g_file_get_path (file);

      if (path)
        lw_store_service_import_async (self->store, path, imported, g_object_ref (self));
    }
  g_object_unref (dialog);
}

static void
action_import (GtkWidget *widget, const char *name, GVariant *parameter)
{
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (_("Import Chat"), GTK_WINDOW (widget),
                                     GTK_FILE_CHOOSER_ACTION_OPEN, _("_Import"), _("_Cancel"));
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, _("Exported chats"));
  gtk_file_filter_add_suffix (filter, "json");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), filter);
  g_signal_connect_object (dialog, "response", G_CALLBACK (import_response), widget, 0);
  lw_file_chooser_show (dialog);
}

/* ---- Search ---- */

static void
action_search (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LwWindow *self = LW_WINDOW (widget);

  lw_window_reveal_sidebar (self);
  lw_conversation_list_start_search (self->list);
}

static void
open_hit (LwWindow *self, const char *conversation, const char *message)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->conversations));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwConversation) c = g_list_model_get_item (G_LIST_MODEL (self->conversations), i);

      if (!g_str_equal (lw_conversation_get_id (c), conversation))
        continue;
      lw_window_open_conversation (self, c);
      if (message) /* else its title is what was found */
        lw_chat_view_show_message (self->chat, message);
      if (adw_flap_get_folded (self->flap))
        adw_flap_set_reveal_flap (self->flap, FALSE);
      return;
    }
}

/* ---- Screenshots ---- */

static void
screenshot_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LwWindow *self = LW_WINDOW (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = lw_screenshot_finish (result, &error);

  if (file && self->store)
    {
      lw_composer_add_file (self->composer, file);
    }
  else if (error && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_autofree char *message
          /* Translators: %s says why */
          = g_strdup_printf (_("No screenshot could be taken: %s"), error->message);

      lw_window_show_banner (self, GTK_MESSAGE_ERROR, message, LW_REMEDY_NONE);
    }
}

static void
action_screenshot (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lw_screenshot_async (GTK_WINDOW (widget), screenshot_taken, NULL);
}

/* ---- Photos ---- */

static void
photo_taken (LwWindow *self, GdkTexture *photo)
{
  if (!self->store)
    return;
  /* Translators: the name of a picture that was taken with the camera */
  lw_composer_add_texture (self->composer, photo, _("Photo"));
  lw_composer_focus (self->composer);
}

static void
action_photo (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LwPhotoDialog *dialog = lw_photo_dialog_new (GTK_WINDOW (widget));

  g_signal_connect_object (dialog, "taken", G_CALLBACK (photo_taken), widget, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* ---- Enter ---- */

static void
enter_sends_changed (GSimpleAction *action, GVariant *value, LwWindow *self)
{
  g_simple_action_set_state (action, value);
  lw_settings_set_boolean (self->settings, "enter-sends", g_variant_get_boolean (value));
  lw_composer_set_enter_sends (self->composer, g_variant_get_boolean (value));
}

void
lw_window_add_enter_action (LwWindow *self)
{
  gboolean sends = lw_settings_get_boolean (self->settings, "enter-sends");
  g_autoptr (GSimpleAction) action
      = g_simple_action_new_stateful ("enter-sends", NULL, g_variant_new_boolean (sends));

  g_signal_connect_object (action, "change-state", G_CALLBACK (enter_sends_changed), self, 0);
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (action));
  lw_composer_set_enter_sends (self->composer, sends);
}

void
lw_window_install_chats (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.import", NULL, action_import);
  gtk_widget_class_install_action (widget_class, "win.screenshot", NULL, action_screenshot);
  gtk_widget_class_install_action (widget_class, "win.photo", NULL, action_photo);
  gtk_widget_class_install_action (widget_class, "win.search", NULL, action_search);
  gtk_widget_class_bind_template_callback (widget_class, choose_folder);
  gtk_widget_class_bind_template_callback (widget_class, export_chat);
  gtk_widget_class_bind_template_callback (widget_class, open_hit);
}
