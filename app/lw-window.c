/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-window-private.h"

#include <glib/gi18n.h>

#include "app/lw-application.h"
#include "app/lw-attention.h"
#include "app/lw-names.h"
#include "app/lw-problem.h"

G_DEFINE_FINAL_TYPE (LwWindow, lw_window, ADW_TYPE_APPLICATION_WINDOW)

/* ---- Banners and toasts ---- */

void
lw_window_show_toast (LwWindow *self, const char *message)
{
  g_autofree char *escaped = g_markup_escape_text (message, -1);

  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (escaped));
}

static LwRemedy
remedy_for (LwWindow *self, const GError *error)
{
  if (g_error_matches (error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING) && !self->model_path)
    return LW_REMEDY_ADD_MODEL;
  if (error->domain == LW_MODEL_ERROR
      || g_error_matches (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY)
      || g_error_matches (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID)
      || g_error_matches (error, LW_APP_ERROR, LW_APP_ERROR_CANNOT_SEE))
    return LW_REMEDY_CHOOSE_MODEL;
  if (g_error_matches (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL)
      || g_error_matches (error, LW_APP_ERROR, LW_APP_ERROR_CONTEXT_FULL))
    return lw_window_remedies_when_full (self);
  return LW_REMEDY_NONE;
}

static void
attach_problem (LwWindow *self, const char *message)
{
  lw_window_show_banner (self, GTK_MESSAGE_ERROR, message, LW_REMEDY_NONE);
}

/* ---- Model ---- */

static void
model_described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (LwModelSummary) model
      = lw_engine_service_describe_finish (LW_ENGINE_SERVICE (source), result, &error);
  g_autofree char *problem = error ? lw_problem_describe (error) : NULL;

  if (!self->engine)
    return;
  g_free (self->described_path);
  self->described_path = g_strdup (model ? model->path : self->model_path);
  lw_chat_view_set_model (self->chat, model, problem);
  if (self->current)
    lw_conversation_recount (self->current);
  if (model && model->chat_warning)
    lw_window_show_banner (self, GTK_MESSAGE_WARNING, model->chat_warning, LW_REMEDY_CHOOSE_MODEL);
  gtk_label_set_label (self->subtitle, model ? model->name : _("Choose a model"));
  lw_model_list_set_current (self->models, model ? model->path : self->model_path);
  if (self->models_dialog)
    lw_models_dialog_set_current (self->models_dialog, model ? model->path : self->model_path);
  if (error && !g_error_matches (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED))
    lw_window_show_error (self, GTK_MESSAGE_ERROR, error, remedy_for (self, error));
}

/* Have this model answer in the window, whoever chose it. */
static void
open_model (LwWindow *self, const char *path)
{
  g_autofree char *wanted = path && *path ? g_strdup (path) : NULL;

  g_free (self->model_path);
  self->model_path = g_steal_pointer (&wanted);
  lw_engine_service_describe_async (self->engine, self->model_path, model_described,
                                    g_object_ref (self));
}

/* For the chat that is open, and for new ones. */
void
lw_window_choose_model (LwWindow *self, const char *path)
{
  LwModelItem *item = lw_model_library_find (self->library, path);
  /* The program's own is not remembered by its path, which an update may change. */
  gboolean standard = !path || !*path || (item && lw_model_item_get_entry (item)->is_default);
  g_autofree char *wanted = standard ? NULL : g_strdup (path);

  lw_window_hide_banners (self);
  lw_settings_set_string (self->settings, "last-model", wanted);
  if (self->current)
    lw_conversation_set_model (self->current, wanted);
  open_model (self, wanted);
}

/* The chat's own, or for a new one the one chosen last. */
static void
follow_conversation (LwWindow *self)
{
  g_autofree char *last = lw_settings_dup_string (self->settings, "last-model");
  const char *wanted = lw_conversation_has_model (self->current)
                           ? lw_conversation_get_model (self->current)
                       : *last ? last
                               : NULL;

  if (g_strcmp0 (wanted, self->model_path) != 0)
    open_model (self, wanted);
}

/* From the list below the title, which gave the focus back to its button: what comes next is a question. */
static void
model_picked (LwWindow *self, const char *path)
{
  lw_window_choose_model (self, path);
  lw_composer_focus (self->composer);
}

static void
models_chosen (LwWindow *self, const char *path)
{
  lw_window_choose_model (self, path);
}

LwModelsDialog *
lw_window_show_models (LwWindow *self)
{
  if (!self->models_dialog)
    {
      g_set_weak_pointer (&self->models_dialog, lw_models_dialog_new (self->library));
      gtk_window_set_transient_for (GTK_WINDOW (self->models_dialog), GTK_WINDOW (self));
      gtk_window_set_destroy_with_parent (GTK_WINDOW (self->models_dialog), TRUE);
      lw_models_dialog_set_current (self->models_dialog, self->described_path);
      g_signal_connect_object (self->models_dialog, "chosen", G_CALLBACK (models_chosen), self,
                               G_CONNECT_SWAPPED);
    }
  gtk_window_present (GTK_WINDOW (self->models_dialog));
  return self->models_dialog;
}

static void
model_removed (LwWindow *self, const char *path)
{
  if (g_strcmp0 (path, self->model_path) == 0)
    lw_window_choose_model (self, NULL);
}

static void
model_arrived (LwWindow *self, const char *path, const char *name)
{
  g_autofree char *escaped = g_markup_escape_text (name, -1);
  /* Translators: a model has been downloaded */
  g_autofree char *title = g_strdup_printf (_("“%s” is here"), escaped);
  AdwToast *toast = adw_toast_new (title);

  adw_toast_set_button_label (toast, _("Use"));
  adw_toast_set_action_name (toast, "win.use-model");
  adw_toast_set_action_target (toast, "s", path);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

/* ---- Conversations ---- */

static void
update_title (LwWindow *self)
{
  const char *title = self->current ? lw_conversation_get_title (self->current) : "";
  gboolean temporary = self->current && lw_conversation_is_temporary (self->current);

  gtk_widget_set_visible (self->temporary_note, temporary);
  gtk_label_set_label (self->title, *title ? title : temporary ? _("Temporary Chat") : _("New Chat"));
  gtk_window_set_title (GTK_WINDOW (self), *title ? title : _("Longwave"));
}

/* What happens to a chat is said in the windows that show it, else in the first one. */
static gboolean
is_about_us (LwWindow *self, LwConversation *conversation)
{
  GtkApplication *app = gtk_window_get_application (GTK_WINDOW (self));
  LwWindow *first = NULL;

  /* A window that has been closed. */
  if (!self->store || !app)
    return FALSE;
  if (conversation == self->current)
    return TRUE;
  for (GList *l = gtk_application_get_windows (app); l; l = l->next)
    {
      if (!LW_IS_WINDOW (l->data))
        continue;
      if (LW_WINDOW (l->data)->current == conversation)
        return FALSE;
      if (!first || gtk_application_window_get_id (l->data)
                        < gtk_application_window_get_id (GTK_APPLICATION_WINDOW (first)))
        first = l->data;
    }
  return self == first;
}

static void
conversation_failed (LwWindow *self, const GError *error, LwConversation *conversation)
{
  guint position;

  if (!is_about_us (self, conversation))
    return;
  lw_window_show_error (self, GTK_MESSAGE_ERROR, error, remedy_for (self, error));
  /* Nothing of it is left to list: its only question is in the composer again. */
  if (lw_conversation_get_loaded (conversation)
      && !g_list_model_get_n_items (lw_conversation_get_messages (conversation))
      && g_list_store_find (self->conversations, conversation, &position))
    {
      if (conversation != self->current)
        lw_window_open_conversation (self, conversation);
      g_list_store_remove (self->conversations, position);
    }
  if (conversation == self->current)
    lw_composer_focus (self->composer);
}

static void
messages_deleted (LwWindow *self, const char *message, guint n, LwConversation *conversation)
{
  if (is_about_us (self, conversation))
    lw_window_messages_deleted (self, message, n, conversation);
}

static void
conversation_updated (LwWindow *self)
{
  if (!self->store)
    return;
  lw_conversation_list_resort (self->list);
}

void
lw_window_watch_conversation (LwWindow *self, LwConversation *conversation)
{
  if (g_signal_handler_find (conversation, G_SIGNAL_MATCH_FUNC | G_SIGNAL_MATCH_DATA, 0, 0, NULL,
                             (gpointer)conversation_failed, self))
    return;
  g_signal_connect_object (conversation, "failed", G_CALLBACK (conversation_failed), self,
                           G_CONNECT_SWAPPED);
  if (gtk_window_get_application (GTK_WINDOW (self)))
    lw_attention_watch (lw_application_get_attention (LW_APPLICATION (
                            gtk_window_get_application (GTK_WINDOW (self)))),
                        conversation);
  g_signal_connect_object (conversation, "deleted", G_CALLBACK (messages_deleted), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (conversation, "notify::updated", G_CALLBACK (conversation_updated),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (conversation, "notify::pinned", G_CALLBACK (conversation_updated), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (conversation, "notify::folder", G_CALLBACK (conversation_updated), self,
                           G_CONNECT_SWAPPED);
}

static void
busy_changed (LwWindow *self)
{
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "win.stop",
                                 self->current && lw_conversation_get_busy (self->current));
}

void
lw_window_open_conversation (LwWindow *self, LwConversation *conversation)
{
  guint position;

  if (!g_set_object (&self->current, conversation))
    return;
  g_signal_group_set_target (self->current_signals, conversation);
  lw_conversation_load (conversation);
  lw_chat_view_set_conversation (self->chat, conversation);
  lw_composer_set_conversation (self->composer, conversation);
  lw_conversation_list_select (
      self->list,
      g_list_store_find (self->conversations, conversation, &position) ? conversation : NULL);
  if (!lw_conversation_is_temporary (conversation))
    lw_settings_set_string (self->settings, "last-conversation", lw_conversation_get_id (conversation));
  follow_conversation (self);
  update_title (self);
  busy_changed (self);
}

static void
conversation_opened (LwWindow *self, LwConversation *conversation)
{
  lw_window_open_conversation (self, conversation);
  if (adw_flap_get_folded (self->flap))
    adw_flap_set_reveal_flap (self->flap, FALSE);
  lw_composer_focus (self->composer);
}

/* An empty one is as good as new. */
static gboolean
is_empty (LwConversation *conversation)
{
  return conversation && lw_conversation_get_loaded (conversation)
         && !g_list_model_get_n_items (lw_conversation_get_messages (conversation));
}

static void
open_new_chat (LwWindow *self, gboolean temporary)
{
  LwConversation **unasked = temporary ? &self->unasked_temporary : &self->unasked;
  guint position;

  if (!is_empty (self->current) || lw_conversation_is_temporary (self->current) != temporary)
    {
      /* What was written there and has not been asked yet is there again. */
      if (!is_empty (*unasked) || g_list_store_find (self->conversations, *unasked, &position))
        {
          g_autoptr (LwConversation) c = lw_chats_create (self->chats, temporary);

          lw_window_watch_conversation (self, c);
          g_set_object (unasked, c);
        }
      lw_window_open_conversation (self, *unasked);
    }
  if (adw_flap_get_folded (self->flap))
    adw_flap_set_reveal_flap (self->flap, FALSE);
  lw_composer_focus (self->composer);
}

void
lw_window_new_chat (LwWindow *self, gboolean temporary)
{
  /* What is told about its draft comes with it. */
  lw_window_hide_banners (self);
  open_new_chat (self, temporary);
}

static void
send (LwWindow *self)
{
  guint position;

  if (!lw_conversation_send (self->current, self->model_path))
    return;
  lw_window_hide_banners (self);
  if (!g_list_store_find (self->conversations, self->current, &position))
    g_list_store_insert (self->conversations, 0, self->current);
  lw_conversation_list_select (self->list, self->current);
}

static void
regenerate (LwWindow *self, LwMessage *answer)
{
  lw_window_hide_banners (self);
  lw_conversation_regenerate (self->current, answer, self->model_path);
}

static void
continue_answer (LwWindow *self)
{
  lw_window_hide_banners (self);
  lw_conversation_continue (self->current, self->model_path);
}

static void
stop (LwWindow *self)
{
  if (self->current)
    lw_conversation_stop (self->current);
}

static gboolean
is_model (GFile *file)
{
  g_autofree char *base = g_file_get_basename (file);
  g_autofree char *lower = base ? g_ascii_strdown (base, -1) : NULL;

  return lower && g_str_has_suffix (lower, ".gguf");
}

/* Models are installed, all else is attached. */
static void
take_files (LwWindow *self, GSList *files)
{
  GSList *models = NULL;

  for (GSList *l = files; l; l = l->next)
    if (is_model (l->data))
      models = g_slist_append (models, l->data);
    else
      lw_composer_add_file (self->composer, l->data);
  if (models)
    lw_models_dialog_add_files (lw_window_show_models (self), models);
  g_slist_free (models);
}

static void
attach_pending (LwWindow *self)
{
  GSList *files = NULL;

  for (guint i = self->pending_files->len; i-- > 0;)
    files = g_slist_prepend (files, self->pending_files->pdata[i]);
  take_files (self, files);
  g_slist_free (files);
  g_ptr_array_set_size (self->pending_files, 0);
}

void
lw_window_attach (LwWindow *self, GFile **files, int n_files)
{
  g_return_if_fail (LW_IS_WINDOW (self));

  for (int i = 0; i < n_files; i++)
    g_ptr_array_add (self->pending_files, g_object_ref (files[i]));
  if (self->listed)
    attach_pending (self);
}

void
lw_window_open_chat (LwWindow *self, const char *id)
{
  guint n;

  g_return_if_fail (LW_IS_WINDOW (self));

  if (!self->listed)
    {
      g_free (self->pending_chat);
      self->pending_chat = g_strdup (id);
      return;
    }
  n = g_list_model_get_n_items (G_LIST_MODEL (self->conversations));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwConversation) c = g_list_model_get_item (G_LIST_MODEL (self->conversations), i);

      if (g_str_equal (lw_conversation_get_id (c), id))
        {
          lw_window_open_conversation (self, c);
          return;
        }
    }
  lw_window_show_toast (self, _("That chat is not there any more"));
}

void
lw_window_forget (LwWindow *self, LwConversation *conversation)
{
  g_return_if_fail (LW_IS_WINDOW (self));

  if (!conversation)
    {
      /* Nothing that was deleted before can come back: its rows are gone. */
      self->n_forgotten++;
      if (self->undo)
        adw_toast_dismiss (self->undo);
    }
  if (self->current && (!conversation || self->current == conversation))
    lw_window_new_chat (self, FALSE);
}

static void
conversations_changed (LwWindow *self, guint position, guint removed, guint added)
{
  for (guint i = position; self->conversations && i < position + added; i++)
    {
      g_autoptr (LwConversation) c = g_list_model_get_item (G_LIST_MODEL (self->conversations), i);

      lw_window_watch_conversation (self, c);
    }
}

static void
chats_loaded (LwWindow *self, const GError *error)
{
  g_autofree char *last = NULL;
  const char *wanted;
  g_autoptr (LwConversation) open = NULL;
  guint n;

  if (self->listed || !self->store)
    return;
  last = lw_settings_dup_string (self->settings, "last-conversation");
  wanted = self->pending_chat ? self->pending_chat : self->first ? last : "";
  n = g_list_model_get_n_items (G_LIST_MODEL (self->conversations));
  for (guint i = 0; i < n && !open; i++)
    {
      g_autoptr (LwConversation) c = g_list_model_get_item (G_LIST_MODEL (self->conversations), i);

      if (g_str_equal (lw_conversation_get_id (c), wanted))
        open = g_steal_pointer (&c);
    }
  g_clear_pointer (&self->pending_chat, g_free);
  /* That nothing can be saved is said by the store itself. */
  if (error && !g_error_matches (error, LW_MEM_ERROR, LW_MEM_ERROR_READ_ONLY))
    lw_window_show_error (self, GTK_MESSAGE_WARNING, error, LW_REMEDY_NONE);
  self->listed = TRUE;
  /* Files from the command line belong to a new question; and somebody may have begun one already. */
  if (open && !self->pending_files->len && !self->current)
    lw_window_open_conversation (self, open);
  else
    /* What was said of the model meanwhile stays. */
    open_new_chat (self, FALSE);
  attach_pending (self);
  lw_composer_focus (self->composer);
}

static gboolean
show_loaded (gpointer data)
{
  chats_loaded (data, NULL);
  return G_SOURCE_REMOVE;
}

/* ---- Drop ---- */

/* Not only transparent: screen readers would find it. */
static void
veil_changed (LwWindow *self)
{
  if (!gtk_revealer_get_reveal_child (self->drop_veil)
      && !gtk_revealer_get_child_revealed (self->drop_veil))
    gtk_widget_set_visible (GTK_WIDGET (self->drop_veil), FALSE);
}

static gboolean
dropped (LwWindow *self, const GValue *value)
{
  gtk_revealer_set_reveal_child (self->drop_veil, FALSE);
  if (G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST))
    {
      GSList *files = g_value_get_boxed (value);

      for (GSList *l = files; l; l = l->next)
        if (is_model (l->data))
          {
            take_files (self, files);
            return TRUE;
          }
    }
  lw_composer_focus (self->composer);
  return lw_composer_add_value (self->composer, value);
}

static GdkDragAction
drag_entered (LwWindow *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self->drop_veil), TRUE);
  gtk_revealer_set_reveal_child (self->drop_veil, TRUE);
  return GDK_ACTION_COPY;
}

static void
drag_left (LwWindow *self)
{
  gtk_revealer_set_reveal_child (self->drop_veil, FALSE);
}

/* Before the text view, which would take a file's name as text. */
static void
add_drop_target (LwWindow *self)
{
  GType types[] = { GDK_TYPE_FILE_LIST, G_TYPE_FILE, GDK_TYPE_TEXTURE };
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_INVALID, GDK_ACTION_COPY);

  gtk_drop_target_set_gtypes (target, types, G_N_ELEMENTS (types));
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (target), GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (target, "drop", G_CALLBACK (dropped), self);
  g_signal_connect_swapped (target, "enter", G_CALLBACK (drag_entered), self);
  g_signal_connect_swapped (target, "leave", G_CALLBACK (drag_left), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

/* ---- Typing ---- */

/* Whoever begins to write means the question, wherever the focus is; but not in an open menu. */
static gboolean
key_pressed (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType held,
             LwWindow *self)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));

  if (focus && (gtk_widget_get_native (focus) != GTK_NATIVE (self) || GTK_IS_EDITABLE (focus)
                || GTK_IS_TEXT_VIEW (focus)))
    return GDK_EVENT_PROPAGATE;
  return lw_composer_take_key (self->composer, controller, key, held);
}

/* ---- Object ---- */

static gboolean
is_only_window (LwWindow *self)
{
  GList *windows = gtk_application_get_windows (gtk_window_get_application (GTK_WINDOW (self)));

  for (GList *l = windows; l; l = l->next)
    if (LW_IS_WINDOW (l->data) && l->data != (gpointer)self)
      return FALSE;
  return TRUE;
}

static gboolean
lw_window_close_request (GtkWindow *window)
{
  LwWindow *self = LW_WINDOW (window);
  int width, height;
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->conversations));

  gtk_window_get_default_size (window, &width, &height);
  lw_settings_set_int (self->settings, "window-width", width);
  lw_settings_set_int (self->settings, "window-height", height);
  lw_settings_set_boolean (self->settings, "window-maximized", gtk_window_is_maximized (window));
  if (!adw_flap_get_folded (self->flap))
    lw_settings_set_boolean (self->settings, "sidebar-visible",
                             adw_flap_get_reveal_flap (self->flap));
  /* What is written goes on in the other windows. */
  for (guint i = 0; i < n && is_only_window (self); i++)
    {
      g_autoptr (LwConversation) c = g_list_model_get_item (G_LIST_MODEL (self->conversations), i);

      lw_conversation_save_partial (c);
      lw_conversation_stop (c);
    }
  return GTK_WINDOW_CLASS (lw_window_parent_class)->close_request (window);
}

static void
lw_window_dispose (GObject *object)
{
  LwWindow *self = LW_WINDOW (object);

  g_clear_object (&self->current_signals);
  g_clear_object (&self->current);
  g_clear_object (&self->unasked);
  g_clear_object (&self->unasked_temporary);
  g_clear_object (&self->conversations);
  g_clear_object (&self->chats);
  g_clear_object (&self->settings);
  g_clear_object (&self->store);
  g_clear_object (&self->engine);
  g_clear_object (&self->library);
  g_clear_weak_pointer (&self->models_dialog);
  g_clear_weak_pointer (&self->undo);
  g_clear_pointer (&self->described_path, g_free);
  g_clear_pointer (&self->pending_chat, g_free);
  g_clear_pointer (&self->pending_files, g_ptr_array_unref);
  g_clear_pointer (&self->model_path, g_free);
  G_OBJECT_CLASS (lw_window_parent_class)->dispose (object);
}

static void
lw_window_class_init (LwWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_window_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = lw_window_close_request;
  g_type_ensure (LW_TYPE_CHAT_VIEW);
  g_type_ensure (LW_TYPE_COMPOSER);
  g_type_ensure (LW_TYPE_CONVERSATION_LIST);
  g_type_ensure (LW_TYPE_MODEL_LIST);
  gtk_widget_class_set_template_from_resource (widget_class, LW_RESOURCE_BASE "/lw-window.ui");
  gtk_widget_class_bind_template_child (widget_class, LwWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, flap);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, list);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, header);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, title_button);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, menu_button);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, title);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, subtitle);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, models);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, new_button);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, banners);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, temporary_note);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, chat);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, composer);
  gtk_widget_class_bind_template_child (widget_class, LwWindow, drop_veil);
  gtk_widget_class_bind_template_callback (widget_class, conversation_opened);
  gtk_widget_class_bind_template_callback (widget_class, lw_window_rename);
  gtk_widget_class_bind_template_callback (widget_class, lw_window_delete);
  gtk_widget_class_bind_template_callback (widget_class, send);
  gtk_widget_class_bind_template_callback (widget_class, stop);
  gtk_widget_class_bind_template_callback (widget_class, regenerate);
  gtk_widget_class_bind_template_callback (widget_class, continue_answer);
  gtk_widget_class_bind_template_callback (widget_class, attach_problem);
  gtk_widget_class_bind_template_callback (widget_class, veil_changed);
  gtk_widget_class_bind_template_callback (widget_class, lw_window_sidebar_changed);
  lw_window_install_actions (widget_class);
  lw_window_install_chats (widget_class);
}

static void
lw_window_init (LwWindow *self)
{
  GtkEventController *keys;

  self->pending_files = g_ptr_array_new_with_free_func (g_object_unref);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->current_signals = g_signal_group_new (LW_TYPE_CONVERSATION);
  g_signal_group_connect_swapped (self->current_signals, "notify::title",
                                  G_CALLBACK (update_title), self);
  g_signal_group_connect_swapped (self->current_signals, "notify::busy",
                                  G_CALLBACK (busy_changed), self);
  g_signal_connect_swapped (self->models, "chosen", G_CALLBACK (model_picked), self);
  add_drop_target (self);
  keys = gtk_event_controller_key_new ();
  g_signal_connect (keys, "key-pressed", G_CALLBACK (key_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
  busy_changed (self);
  lw_window_sidebar_changed (self);
  lw_name_icon_buttons_to_come (GTK_WIDGET (self->toasts));
}

static void
settings_changed (LwWindow *self, const char *key)
{
  gboolean sends = lw_settings_get_boolean (self->settings, "enter-sends");
  g_autoptr (GVariant) state = NULL;

  if (!g_str_equal (key, "enter-sends"))
    return;
  /* The menu's item follows, and tells the composer. */
  state = g_action_group_get_action_state (G_ACTION_GROUP (self), "enter-sends");
  if (state && g_variant_get_boolean (state) != sends)
    g_action_group_change_action_state (G_ACTION_GROUP (self), "enter-sends",
                                        g_variant_new_boolean (sends));
}

LwWindow *
lw_window_new (GtkApplication *app, LwSettings *settings, LwStoreService *store,
               LwEngineService *engine, LwModelLibrary *library, LwChats *chats)
{
  LwWindow *self = g_object_new (LW_TYPE_WINDOW, "application", app, NULL);
  g_autofree char *model = lw_settings_dup_string (settings, "last-model");

  self->settings = g_object_ref (settings);
  self->store = g_object_ref (store);
  self->engine = g_object_ref (engine);
  self->library = g_object_ref (library);
  self->chats = g_object_ref (chats);
  self->conversations = g_object_ref (lw_chats_get_list (chats));
  self->first = is_only_window (self);
  lw_conversation_list_set_model (self->list, G_LIST_MODEL (self->conversations));
  conversations_changed (self, 0, 0, g_list_model_get_n_items (G_LIST_MODEL (self->conversations)));
  g_signal_connect_object (self->conversations, "items-changed", G_CALLBACK (conversations_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (settings, "changed", G_CALLBACK (settings_changed), self,
                           G_CONNECT_SWAPPED);
  lw_model_list_set_library (self->models, library);
  lw_model_library_refresh (library);
  g_signal_connect_object (library, "removed", G_CALLBACK (model_removed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (library, "arrived", G_CALLBACK (model_arrived), self, G_CONNECT_SWAPPED);
  gtk_window_set_default_size (GTK_WINDOW (self),
                               MAX (360, lw_settings_get_int (settings, "window-width")),
                               MAX (400, lw_settings_get_int (settings, "window-height")));
  if (lw_settings_get_boolean (settings, "window-maximized"))
    gtk_window_maximize (GTK_WINDOW (self));
  adw_flap_set_reveal_flap (self->flap, lw_settings_get_boolean (settings, "sidebar-visible"));
  g_signal_connect_object (store, "notice", G_CALLBACK (lw_window_store_notice), self,
                           G_CONNECT_SWAPPED);
  lw_conversation_list_set_store (self->list, store);
  lw_window_prepare_shortcuts (self);
  lw_window_add_enter_action (self);
  open_model (self, model);
  /* Later: a window that is given the focus before it is shown has no role for screen readers. */
  if (lw_chats_get_loaded (chats))
    g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, show_loaded, g_object_ref (self), g_object_unref);
  else
    g_signal_connect_object (chats, "loaded", G_CALLBACK (chats_loaded), self, G_CONNECT_SWAPPED);
  return self;
}
