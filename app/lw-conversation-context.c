/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How full the context is, and what the draft and each file attached to it would cost.
 */
#include "app/lw-conversation-private.h"

#include "app/lw-attachment.h"
#include "app/lw-token-count.h"

/* How long typing must pause before it is counted, milliseconds. */
#define COUNT_DELAY_MS 300

void
lw_conversation_context_changed (LwConversation *self)
{
  g_signal_emit_by_name (self, "context-changed");
}

typedef struct
{
  LwConversation *self;
  LwAttachment *attachment; /* NULL: the text */
  guint number;
} Counting;

static void
counted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Counting *c = user_data;
  gint64 n = lw_token_count_finish (result, NULL);

  if (c->attachment)
    lw_attachment_set_cost (c->attachment, n);
  else if (c->number == c->self->count_number)
    c->self->draft_tokens = MAX (n, 0);
  lw_conversation_context_changed (c->self);
  g_clear_object (&c->attachment);
  g_object_unref (c->self);
  g_free (c);
}

static void
count (LwConversation *self, LwAttachment *attachment, const char *text)
{
  Counting *c;

  if (attachment && !lw_attachment_get_ready (attachment))
    return;
  c = g_new0 (Counting, 1);
  c->self = g_object_ref (self);
  c->attachment = attachment ? g_object_ref (attachment) : NULL;
  c->number = attachment ? 0 : ++self->count_number;
  lw_token_count_async (self->engine, attachment ? lw_attachment_get_path (attachment) : NULL,
                        attachment ? lw_attachment_get_original (attachment) : NULL,
                        attachment ? lw_attachment_get_kind (attachment) : LW_MEM_DOCUMENT, text,
                        counted, c);
}

static gboolean
count_draft (gpointer data)
{
  LwConversation *self = data;
  g_autofree char *text = NULL;
  GtkTextIter start, end;

  self->count_source = 0;
  gtk_text_buffer_get_bounds (self->draft, &start, &end);
  text = gtk_text_buffer_get_text (self->draft, &start, &end, FALSE);
  count (self, NULL, text);
  return G_SOURCE_REMOVE;
}

static void
count_soon (LwConversation *self)
{
  g_clear_handle_id (&self->count_source, g_source_remove);
  self->count_source = g_timeout_add (COUNT_DELAY_MS, count_draft, self);
}

static void
attachment_ready (LwAttachment *attachment, GParamSpec *pspec, LwConversation *self)
{
  guint position;

  if (g_list_store_find (self->draft_attachments, attachment, &position))
    count (self, attachment, NULL);
}

static void
attachments_changed (GListModel *list, guint position, guint removed, guint added,
                     LwConversation *self)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (LwAttachment) a = g_list_model_get_item (list, i);

      g_signal_handlers_disconnect_by_func (a, attachment_ready, self);
      g_signal_connect_object (a, "notify::ready", G_CALLBACK (attachment_ready), self, 0);
      if (lw_attachment_get_cost (a) < 0)
        count (self, a, NULL);
    }
  lw_conversation_context_changed (self);
}

void
lw_conversation_recount (LwConversation *self)
{
  GListModel *list = G_LIST_MODEL (self->draft_attachments);

  g_return_if_fail (LW_IS_CONVERSATION (self));

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (LwAttachment) a = g_list_model_get_item (list, i);

      lw_attachment_set_cost (a, -1);
      count (self, a, NULL);
    }
  if (gtk_text_buffer_get_char_count (self->draft))
    count_soon (self);
  lw_conversation_context_changed (self);
}

void
lw_conversation_get_context (LwConversation *self, LwContextUse *use)
{
  GListModel *messages = G_LIST_MODEL (self->messages), *list = G_LIST_MODEL (self->draft_attachments);

  g_return_if_fail (LW_IS_CONVERSATION (self));

  use->used = 0;
  for (guint i = g_list_model_get_n_items (messages); i-- > 0 && !use->used;)
    {
      g_autoptr (LwMessage) m = g_list_model_get_item (messages, i);

      use->used = lw_message_get_n_tokens (m);
    }
  use->draft = self->draft_tokens;
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (LwAttachment) a = g_list_model_get_item (list, i);

      use->draft += MAX (lw_attachment_get_cost (a), 0);
    }
  use->room = lw_engine_service_get_context (self->engine);
}

void
lw_conversation_watch_draft (LwConversation *self)
{
  g_signal_connect_object (self->draft, "changed", G_CALLBACK (count_soon), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->draft_attachments, "items-changed",
                           G_CALLBACK (attachments_changed), self, 0);
}
