/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A turn, from the draft to the end of the answer.
 */
#include "app/lw-conversation-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/count.h"
#include "app/lw-attachment.h"
#include "app/lw-chat-options.h"
#include "app/lw-long-paste.h"
#include "app/lw-problem.h"

static gboolean
save_now (gpointer data)
{
  LwConversation *self = data;

  self->save_source = 0;
  if (self->answer)
    lw_conversation_put_message (self, self->answer);
  return G_SOURCE_REMOVE;
}

void
lw_conversation_save_partial (LwConversation *self)
{
  g_clear_handle_id (&self->save_source, g_source_remove);
  save_now (self);
}

static void
touch (LwConversation *self)
{
  self->updated = g_get_real_time ();
  g_object_notify (G_OBJECT (self), "updated");
}

/* What was restored for the first question of a chat is that of another one, which began the same. */
static gboolean
goes_on (LwConversation *self)
{
  g_autoptr (LwMessage) first = g_list_model_get_item (G_LIST_MODEL (self->messages), 0);

  return first != self->question;
}

static char *
describe_progress (LwConversation *self, const lw_progress *p)
{
  g_autofree char *head = NULL;
  g_autofree char *left = NULL;
  g_autofree char *done = lw_count (p->done), *total = lw_count (p->total);

  if (p->stage == LW_STAGE_VISION)
    /* Translators: pictures are being encoded, "12 of 300 tokens" */
    head = g_strdup_printf (_("Looking: %s of %s tokens"), done, total);
  else
    /* Translators: the question is being read, "12 of 300 tokens" */
    head = g_strdup_printf (_("Reading: %s of %s tokens"), done, total);
  if (p->restored && goes_on (self))
    {
      g_autofree char *reading = g_steal_pointer (&head), *restored = lw_count (p->restored);
      /* Translators: after a restart the chat so far was found on disk; first: "Reading: 12 of 300 tokens" */
      head = g_strdup_printf (_("%s · picked up where we left off (%s tokens)"), reading, restored);
    }
  if (p->seconds_left < 1)
    return g_steal_pointer (&head);
  if (p->seconds_left < 90)
    left = g_strdup_printf (_("about %d s left"), (int)(p->seconds_left + 0.5));
  else
    left = g_strdup_printf (_("about %d min left"), (int)(p->seconds_left / 60 + 0.5));
  return g_strdup_printf ("%s · %s", head, left);
}

static void
on_update (gpointer user_data, LwEngineStage stage, const char *text, const lw_progress *progress)
{
  LwConversation *self = user_data;

  if (!self->answer)
    return;
  if (stage == LW_ENGINE_OPENING)
    {
      lw_message_set_progress (self->answer, LW_PHASE_WAITING, _("Opening the model"), -1);
    }
  else if (stage == LW_ENGINE_READING && progress)
    {
      g_autofree char *status = describe_progress (self, progress);
      double fraction
          = progress->total ? CLAMP ((double)progress->done / (double)progress->total, 0, 1) : -1;

      lw_message_set_progress (self->answer, LW_PHASE_READING, status, fraction);
    }
  else
    {
      lw_message_set_progress (self->answer, LW_PHASE_WRITING, NULL, -1);
    }
  if (*text)
    {
      lw_message_append (self->answer, text);
      if (!self->save_source)
        self->save_source = g_timeout_add (LW_MEM_PARTIAL_SAVE_MS, save_now, self);
    }
}

static void
remove_message (LwConversation *self, LwMessage *message)
{
  guint position;

  if (g_list_store_find (self->messages, message, &position))
    g_list_store_remove (self->messages, position);
  lw_store_service_delete_message (self->store, lw_message_get_id (message));
  lw_conversation_update_last (self);
}

void
lw_conversation_fill_draft (LwConversation *self, const char *text, GListModel *attachments)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);
  guint old = g_list_model_get_n_items (G_LIST_MODEL (self->draft_attachments));
  GtkTextIter end;

  for (guint i = 0; attachments && i < g_list_model_get_n_items (attachments); i++)
    g_ptr_array_add (items, g_list_model_get_item (attachments, i));
  g_list_store_splice (self->draft_attachments, 0, old, items->pdata, items->len);
  lw_long_paste_finish (self->draft);
  gtk_text_buffer_set_text (self->draft, text, -1);
  gtk_text_buffer_get_end_iter (self->draft, &end);
  gtk_text_buffer_place_cursor (self->draft, &end);
}

/* An answer that was asked for again, or to an edited question, failed: the branch it should have replaced
 * comes back.  An edited question goes back where it was edited. */
static void
restore_branch (LwConversation *self)
{
  remove_message (self, self->answer);
  if (self->edited)
    {
      lw_conversation_fill_draft (
          self, lw_message_get_text (self->question),
          G_LIST_MODEL (lw_message_get_attachments (self->question)));
      remove_message (self, self->question);
    }
  lw_store_service_choose_branch (self->store, self->restore);
  g_clear_object (&self->answer);
  lw_conversation_reload (self);
}

/* Put the question back where it was written.  What has been typed meanwhile comes after it. */
static void
return_question (LwConversation *self)
{
  const char *text = lw_message_get_text (self->question);
  GListModel *list = G_LIST_MODEL (lw_message_get_attachments (self->question));
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);
  GtkTextIter start, end;

  gtk_text_buffer_get_start_iter (self->draft, &start);
  if (gtk_text_buffer_get_char_count (self->draft))
    gtk_text_buffer_insert (self->draft, &start, "\n", -1);
  gtk_text_buffer_get_start_iter (self->draft, &start);
  gtk_text_buffer_insert (self->draft, &start, text, -1);
  gtk_text_buffer_get_end_iter (self->draft, &end);
  gtk_text_buffer_place_cursor (self->draft, &end);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (LwAttachment) a = g_list_model_get_item (list, i);

      /* What cannot be used has been said. */
      if (!lw_attachment_is_useless (a))
        g_ptr_array_add (items, g_steal_pointer (&a));
    }
  g_list_store_splice (self->draft_attachments, 0, 0, items->pdata, items->len);

  remove_message (self, self->answer);
  remove_message (self, self->question);
  if (!g_list_model_get_n_items (G_LIST_MODEL (self->messages)))
    {
      self->withdrawn = TRUE;
      lw_conversation_set_title (self, "");
      lw_store_service_bin_conversation (self->store, self->id, TRUE);
    }
}

/* The answer has ended: error NULL, or why. */
static void
end_turn (LwConversation *self, const lw_generate_result *result, const GError *error)
{
  gboolean cancelled = g_error_matches (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED);
  g_autoptr (GError) full = NULL;

  g_clear_handle_id (&self->save_source, g_source_remove);
  if (self->request)
    {
      g_autofree char *details = NULL, *notes = lw_engine_request_dup_notes (self->request, &details);
      lw_message_set_note (self->question, notes, details);
    }
  if (result)
    {
      double speed = result->generate_seconds > 0
                         ? (double)result->n_generated / result->generate_seconds
                         : 0;

      lw_message_set_figures (self->answer, (int)result->n_prompt, (int)result->n_reused,
                              (int)result->n_generated, speed);
      lw_message_set_restored (self->answer, goes_on (self) ? (int)result->n_restored : 0);
      if (result->stop == LW_STOP_CONTEXT)
        {
          g_autofree char *count = lw_count ((gint64)result->n_prompt + (gint64)result->n_generated);

          full = g_error_new (LW_APP_ERROR, LW_APP_ERROR_CONTEXT_FULL,
                              _("The answer ends early: the model's context is full after %s tokens"), count);
        }
    }
  if (error && !cancelled && !*lw_message_get_text (self->answer))
    {
      if (self->restore)
        restore_branch (self);
      else
        return_question (self);
    }
  else
    {
      lw_mem_state state = LW_MEM_STATE_DONE;

      if (error || full || (result && result->stop == LW_STOP_CANCELLED))
        state = LW_MEM_STATE_STOPPED;
      else if (result && result->stop == LW_STOP_REPEATS)
        state = LW_MEM_STATE_REPEATED;
      lw_message_settle (self->answer, state);
      lw_conversation_put_message (self, self->answer);
    }
  g_clear_object (&self->question);
  g_clear_object (&self->answer);
  g_clear_pointer (&self->restore, g_free);
  self->edited = FALSE;
  g_clear_pointer (&self->request, lw_engine_request_unref);
  g_object_notify (G_OBJECT (self), "busy");
  lw_conversation_context_changed (self);
  g_clear_handle_id (&self->title_source, g_source_remove);
  if (result)
    lw_conversation_think_of_title_later (self);
  if (full)
    lw_conversation_fail (self, full);
  else if (error && !cancelled)
    lw_conversation_fail (self, error);
}

static void
generated (GObject *source, GAsyncResult *async_result, gpointer user_data)
{
  g_autoptr (LwConversation) self = user_data;
  g_autoptr (GError) error = NULL;
  lw_generate_result result;
  gboolean ok = lw_engine_service_generate_finish (LW_ENGINE_SERVICE (source), async_result,
                                                   &result, &error);

  end_turn (self, ok ? &result : NULL, error);
}

GPtrArray *
lw_conversation_collect_turns (LwConversation *self)
{
  GPtrArray *turns = g_ptr_array_new_with_free_func ((GDestroyNotify)lw_turn_free);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwMessage) m = g_list_model_get_item (G_LIST_MODEL (self->messages), i);
      gboolean user = lw_message_get_role (m) == LW_MEM_ROLE_USER;
      GListModel *list = G_LIST_MODEL (lw_message_get_attachments (m));
      LwTurn *turn;

      /* An answer that was stopped before its first word says nothing. */
      if (m == self->answer || (!user && !*lw_message_get_text (m)))
        continue;
      turn = lw_turn_new (user ? LW_ROLE_USER : LW_ROLE_ASSISTANT, lw_message_get_text (m));
      for (guint j = 0; j < g_list_model_get_n_items (list); j++)
        {
          g_autoptr (LwAttachment) a = g_list_model_get_item (list, j);

          if (lw_attachment_is_document (a))
            {
              g_ptr_array_add (turn->documents, g_strdup (lw_attachment_get_path (a)));
              g_ptr_array_add (turn->documents, g_strdup (lw_attachment_get_label (a)));
            }
          else
            {
              g_ptr_array_add (turn->media, g_strdup (lw_attachment_get_path (a)));
              g_ptr_array_add (turn->names, g_strdup (lw_attachment_get_label (a)));
            }
        }
      g_ptr_array_add (turns, turn);
    }
  return turns;
}

static void
start_request (LwConversation *self)
{
  if (self->withdrawn)
    lw_store_service_bin_conversation (self->store, self->id, FALSE);
  self->withdrawn = FALSE;
  lw_conversation_put (self);
  lw_conversation_put_message (self, self->question);
  if (self->stopped)
    {
      g_autoptr (GError) error = g_error_new_literal (
          LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED, _("Stopped"));
      end_turn (self, NULL, error);
      return;
    }
  self->request
      = lw_engine_request_new (self->request_model, lw_conversation_collect_turns (self), on_update, self);
  if (*lw_message_get_text (self->answer))
    lw_engine_request_set_begun (self->request, lw_message_get_text (self->answer));
  lw_engine_request_set_private (self->request, lw_conversation_is_temporary (self));
  lw_chat_options_apply (lw_store_service_get_options (self->store), self->id, self->request_model,
                         self->request);
  lw_engine_service_generate_async (self->engine, self->request, generated, g_object_ref (self));
}

static void keep_next (LwConversation *self);

static void
kept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwConversation) self = user_data;
  g_autoptr (GError) error = NULL;
  lw_mem_attachment *record
      = lw_store_service_keep_finish (LW_STORE_SERVICE (source), result, &error);
  GListModel *list = G_LIST_MODEL (lw_message_get_attachments (self->question));
  g_autoptr (LwAttachment) a = g_list_model_get_item (list, self->next_attachment);

  if (record)
    {
      lw_attachment_set_record (a, record);
    }
  else if (lw_attachment_get_path (a))
    {
      /* It could not be copied; the question can still be asked, with the file where it is. */
      lw_mem_attachment plain = { .kind = lw_attachment_get_kind (a),
                                  .label = (char *)lw_attachment_get_label (a),
                                  .path = (char *)lw_attachment_get_path (a) };
      g_autofree char *path = g_strdup (plain.path);

      plain.path = path;
      lw_attachment_set_record (a, &plain);
    }
  else
    {
      end_turn (self, NULL, error);
      return;
    }
  lw_mem_attachment_free (record);
  self->next_attachment++;
  keep_next (self);
}

/* It is known now what it is, or that it cannot be used. */
static void
attachment_settled (LwAttachment *attachment, GParamSpec *pspec, LwConversation *self)
{
  g_autoptr (GError) error = NULL;

  g_signal_handlers_disconnect_by_func (attachment, attachment_settled, self);
  if (!self->answer)
    return;
  if (lw_attachment_get_ready (attachment))
    {
      keep_next (self);
      return;
    }
  error = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_INVAL, lw_attachment_get_problem (attachment));
  end_turn (self, NULL, error);
}

/* Copy the question's pictures one after the other, then ask. */
static void
keep_next (LwConversation *self)
{
  GListModel *list = G_LIST_MODEL (lw_message_get_attachments (self->question));
  g_autoptr (LwAttachment) a = NULL;

  while ((a = g_list_model_get_item (list, self->next_attachment))
         && lw_attachment_get_record (a))
    {
      g_clear_object (&a);
      self->next_attachment++;
    }
  if (!a)
    {
      start_request (self);
      return;
    }
  /* Sent before it was looked at: its kind is not known, and a text has no file. */
  if (!lw_attachment_get_ready (a) && !lw_attachment_get_problem (a))
    {
      g_signal_connect_object (a, "notify::ready", G_CALLBACK (attachment_settled), self, 0);
      g_signal_connect_object (a, "notify::problem", G_CALLBACK (attachment_settled), self, 0);
      return;
    }
  lw_store_service_keep_async (self->store, lw_attachment_get_path (a),
                               lw_attachment_get_kind (a),
                               lw_attachment_get_original (a), lw_attachment_get_label (a), kept,
                               g_object_ref (self));
}

gboolean
lw_conversation_send (LwConversation *self, const char *model_path)
{
  g_autofree char *text = NULL;
  GListModel *draft = G_LIST_MODEL (self->draft_attachments);
  GListStore *attachments;
  g_autoptr (LwMessage) question = NULL, answer = NULL;
  GtkTextIter start, end;
  int n_branches = 1;
  guint position;

  g_return_val_if_fail (LW_IS_CONVERSATION (self), FALSE);

  lw_long_paste_finish (self->draft);
  gtk_text_buffer_get_bounds (self->draft, &start, &end);
  text = gtk_text_buffer_get_text (self->draft, &start, &end, FALSE);
  g_strchomp (text);
  if (self->answer || !self->loaded || (!*text && !g_list_model_get_n_items (draft)))
    return FALSE;

  question = lw_message_new (LW_MEM_ROLE_USER, text);
  attachments = lw_message_get_attachments (question);
  for (guint i = 0; i < g_list_model_get_n_items (draft); i++)
    {
      g_autoptr (LwAttachment) a = g_list_model_get_item (draft, i);
      g_list_store_append (attachments, a);
    }
  if (!*self->title)
    lw_conversation_title_by_question (self, question);
  if (self->editing && g_list_store_find (self->messages, self->editing, &position))
    {
      lw_message_get_branch (self->editing, &n_branches);
      lw_store_service_set_head (self->store, self->id, lw_message_get_parent (self->editing));
      self->restore = g_strdup (lw_message_get_id (self->editing));
      self->edited = TRUE;
      lw_conversation_truncate (self, position);
      n_branches++;
    }
  if (self->editing)
    {
      lw_conversation_cancel_edit (self);
    }
  else
    {
      g_list_store_remove_all (self->draft_attachments);
      gtk_text_buffer_set_text (self->draft, "", 0);
    }
  answer = lw_message_new (LW_MEM_ROLE_ASSISTANT, "");
  lw_conversation_append (self, question, n_branches, n_branches);
  lw_conversation_append (self, answer, 1, 1);
  lw_conversation_start_answer (self, question, answer, model_path);
  return TRUE;
}

void
lw_conversation_start_answer (LwConversation *self, LwMessage *question, LwMessage *answer,
                              const char *model_path)
{
  self->question = g_object_ref (question);
  self->answer = g_object_ref (answer);
  lw_message_set_progress (answer, LW_PHASE_WAITING,
                           lw_engine_service_is_answering (self->engine) ? _("Waiting for another answer")
                                                                         : _("Waiting"),
                           -1);
  touch (self);
  g_free (self->request_model);
  self->request_model = g_strdup (model_path);
  g_free (self->model);
  self->model = g_strdup (model_path);
  self->model_chosen = TRUE;
  self->next_attachment = 0;
  self->stopped = FALSE;
  g_object_notify (G_OBJECT (self), "busy");
  keep_next (self);
}

void
lw_conversation_stop (LwConversation *self)
{
  g_return_if_fail (LW_IS_CONVERSATION (self));

  self->stopped = TRUE;
  if (self->request)
    lw_engine_request_cancel (self->request);
}
