/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A title: from the first question, and a better one from the model when nothing else is to be done.
 */
#include "app/lw-conversation-private.h"

#include <glib/gi18n.h>

#include "app/lw-attachment.h"
#include "app/title.h"

/* How long nothing must happen before a title is thought of, milliseconds. */
#define TITLE_DELAY_MS 4000
#define TITLE_TOKENS 32

/* Characters of the first question that make the title. */
#define TITLE_CHARS 42

static char *
make_title (const char *text, GListModel *attachments)
{
  g_autofree char *flat = g_strdup (text);
  const char *cut, *space;

  g_strdelimit (flat, "\n\r\t", ' ');
  g_strstrip (flat);
  if (!*flat)
    {
      g_autoptr (LwAttachment) first = g_list_model_get_item (attachments, 0);
      return g_strdup (first ? lw_attachment_get_label (first) : _("New Chat"));
    }
  if (g_utf8_strlen (flat, -1) <= TITLE_CHARS)
    return g_steal_pointer (&flat);
  cut = g_utf8_offset_to_pointer (flat, TITLE_CHARS);
  space = g_strrstr_len (flat, cut - flat, " ");
  if (space && space - flat > (cut - flat) / 2)
    cut = space;
  return g_strdup_printf ("%.*s…", (int)(cut - flat), flat);
}

void
lw_conversation_title_by_question (LwConversation *self, LwMessage *question)
{
  g_autofree char *title = make_title (lw_message_get_text (question),
                                       G_LIST_MODEL (lw_message_get_attachments (question)));

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
