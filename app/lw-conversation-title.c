/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A title: the beginning of the first question, at once; and a better one from the model, when nothing else
 * is to be done and the model is large enough for it (LW_ENGINE_IDLE_PARAMS; the one that comes with
 * Longwave is not).  Whoever renames a chat has the last word.
 */
#include "app/lw-conversation-private.h"

#include <glib/gi18n.h>

#include "app/lw-attachment.h"
#include "app/title.h"

/* How long nothing must happen before a title is thought of, milliseconds. */
#define TITLE_DELAY_MS 4000
#define TITLE_TOKENS 32

void
lw_conversation_title_by_question (LwConversation *self, LwMessage *question)
{
  GListModel *attachments = G_LIST_MODEL (lw_message_get_attachments (question));
  g_autoptr (LwAttachment) first = g_list_model_get_item (attachments, 0);
  g_autofree char *title = lw_title_from_question (lw_message_get_text (question));

  if (!title)
    title = g_strdup (first ? lw_attachment_get_label (first) : _("New Chat"));
  lw_conversation_set_title (self, title);
}

static void
on_title_update (gpointer user_data, LwEngineStage stage, const char *text,
                 const lw_progress *progress)
{
  LwConversation *self = user_data;

  if (self->title_answer)
    g_string_append (self->title_answer, text);
}

static void
title_generated (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwConversation) self = user_data;
  lw_generate_result out;
  gboolean ok = lw_engine_service_generate_finish (LW_ENGINE_SERVICE (source), result, &out, NULL);
  g_autofree char *title
      = ok && out.stop != LW_STOP_CANCELLED ? lw_title_from_answer (self->title_answer->str) : NULL;

  g_string_free (g_steal_pointer (&self->title_answer), TRUE);
  g_clear_pointer (&self->title_request, lw_engine_request_unref);
  /* Somebody may have chosen one meanwhile. */
  if (!title || self->titled != LW_MEM_TITLED_BY_QUESTION)
    return;
  lw_conversation_set_title (self, title);
  self->titled = LW_MEM_TITLED_BY_MODEL;
  lw_conversation_put (self);
}

static gboolean
think_of_title (gpointer data)
{
  LwConversation *self = data;
  GPtrArray *turns;

  self->title_source = 0;
  if (self->answer || self->title_request || self->titled != LW_MEM_TITLED_BY_QUESTION)
    return G_SOURCE_REMOVE;
  turns = lw_conversation_collect_turns (self);
  /* In the language of the chat, not of the program: the model is to answer in it. */
  g_ptr_array_add (turns, lw_turn_new (LW_ROLE_USER,
                                       "Give this conversation a title of at most six words, in the "
                                       "language it is in. Answer with the title only."));
  self->title_answer = g_string_new (NULL);
  self->title_request = lw_engine_request_new (self->request_model, turns, on_title_update, self);
  lw_engine_request_set_idle (self->title_request, TITLE_TOKENS);
  lw_engine_request_set_private (self->title_request, lw_conversation_is_temporary (self));
  lw_engine_service_generate_async (self->engine, self->title_request, title_generated,
                                    g_object_ref (self));
  return G_SOURCE_REMOVE;
}

void
lw_conversation_think_of_title_later (LwConversation *self)
{
  g_clear_handle_id (&self->title_source, g_source_remove);
  if (self->titled == LW_MEM_TITLED_BY_QUESTION
      && g_list_model_get_n_items (G_LIST_MODEL (self->messages)) == 2)
    self->title_source = g_timeout_add (TITLE_DELAY_MS, think_of_title, self);
}
