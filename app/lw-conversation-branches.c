/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-conversation-private.h"

#include "app/lw-attachment.h"
#include "app/lw-long-paste.h"

static LwMessage *
message_at (LwConversation *self, guint position)
{
  return g_list_model_get_item (G_LIST_MODEL (self->messages), position);
}

static gboolean
idle (LwConversation *self)
{
  return self->loaded && !self->answer;
}

void
lw_conversation_regenerate (LwConversation *self, LwMessage *answer, const char *model_path)
{
  g_autoptr (LwMessage) question = NULL, again = NULL;
  guint position;
  int n_branches;

  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (!idle (self) || !g_list_store_find (self->messages, answer, &position) || position == 0
      || lw_message_get_role (answer) != LW_MEM_ROLE_ASSISTANT)
    return;
  question = message_at (self, position - 1);
  if (lw_message_get_role (question) != LW_MEM_ROLE_USER)
    return;
  lw_conversation_cancel_edit (self);
  g_free (self->restore);
  self->restore = g_strdup (lw_message_get_id (answer));
  lw_message_get_branch (answer, &n_branches);
  again = lw_message_new (LW_MEM_ROLE_ASSISTANT, "");
  lw_store_service_set_head (self->store, self->id, lw_message_get_id (question));
  lw_conversation_truncate (self, position);
  lw_conversation_append (self, again, n_branches + 1, n_branches + 1);
  lw_conversation_start_answer (self, question, again, model_path);
}

void
lw_conversation_continue (LwConversation *self, const char *model_path)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  g_autoptr (LwMessage) question = NULL, answer = NULL;

  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (!idle (self) || n < 2)
    return;
  question = message_at (self, n - 2);
  answer = message_at (self, n - 1);
  if (lw_message_get_role (question) != LW_MEM_ROLE_USER
      || lw_message_get_role (answer) != LW_MEM_ROLE_ASSISTANT)
    return;
  lw_conversation_start_answer (self, question, answer, model_path);
}

/* ---- Editing a question ---- */

LwMessage *
lw_conversation_get_editing (LwConversation *self)
{
  return self->editing;
}

void
lw_conversation_edit (LwConversation *self, LwMessage *question)
{
  GtkTextIter start, end;

  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (!idle (self) || lw_message_get_role (question) != LW_MEM_ROLE_USER)
    return;
  if (!self->editing)
    {
      GListModel *list = G_LIST_MODEL (self->draft_attachments);

      lw_long_paste_finish (self->draft);
      gtk_text_buffer_get_bounds (self->draft, &start, &end);
      self->saved_draft = gtk_text_buffer_get_text (self->draft, &start, &end, FALSE);
      self->saved_attachments = g_ptr_array_new_with_free_func (g_object_unref);
      for (guint i = 0; i < g_list_model_get_n_items (list); i++)
        g_ptr_array_add (self->saved_attachments, g_list_model_get_item (list, i));
    }
  g_set_object (&self->editing, question);
  lw_conversation_fill_draft (self, lw_message_get_text (question),
                              G_LIST_MODEL (lw_message_get_attachments (question)));
  lw_conversation_notify_editing (self);
}

void
lw_conversation_cancel_edit (LwConversation *self)
{
  g_autoptr (GListStore) saved = NULL;

  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (!self->editing)
    return;
  saved = g_list_store_new (LW_TYPE_ATTACHMENT);
  for (guint i = 0; i < self->saved_attachments->len; i++)
    g_list_store_append (saved, self->saved_attachments->pdata[i]);
  lw_conversation_fill_draft (self, self->saved_draft, G_LIST_MODEL (saved));
  g_clear_pointer (&self->saved_attachments, g_ptr_array_unref);
  g_clear_pointer (&self->saved_draft, g_free);
  g_clear_object (&self->editing);
  lw_conversation_notify_editing (self);
}

/* ---- Deleting, and other branches ---- */

void
lw_conversation_delete (LwConversation *self, LwMessage *message)
{
  guint position, n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  g_autofree char *id = g_strdup (lw_message_get_id (message));

  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (!idle (self) || !g_list_store_find (self->messages, message, &position))
    return;
  lw_conversation_cancel_edit (self);
  lw_store_service_bin_message (self->store, id, TRUE);
  lw_conversation_truncate (self, position);
  lw_conversation_reload (self);
  g_signal_emit_by_name (self, "deleted", id, n - position);
}

void
lw_conversation_undelete (LwConversation *self, const char *message)
{
  g_return_if_fail (LW_IS_CONVERSATION (self));

  lw_store_service_bin_message (self->store, message, FALSE);
  if (idle (self))
    lw_conversation_reload (self);
}

static void
branch_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwConversation) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records
      = lw_store_service_messages_finish (LW_STORE_SERVICE (source), result, &error);

  if (records && !self->answer)
    lw_conversation_show_records (self, records);
  else if (error)
    lw_conversation_fail (self, error);
}

void
lw_conversation_step_branch (LwConversation *self, LwMessage *message, int step)
{
  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (!idle (self))
    return;
  lw_conversation_cancel_edit (self);
  lw_store_service_step_branch_async (self->store, self->id, lw_message_get_id (message), step,
                                      branch_read, g_object_ref (self));
}

void
lw_conversation_show_message (LwConversation *self, const char *message)
{
  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (self->answer)
    return;
  lw_store_service_choose_branch (self->store, message);
  lw_conversation_reload (self);
}
