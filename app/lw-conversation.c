/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-conversation-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/lw-attachment.h"
#include "app/lw-chat-options.h"
#include "app/lw-token-count.h"
#include "app/title.h"

/* Characters of the first question that make the title. */
#define TITLE_CHARS 42

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_UPDATED,
  PROP_BUSY,
  PROP_LOADED,
  PROP_EDITING,
  PROP_PINNED,
  PROP_FOLDER,
  N_PROPS
};

enum
{
  SIGNAL_FAILED,
  SIGNAL_DELETED,
  SIGNAL_CONTEXT,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwConversation, lw_conversation, G_TYPE_OBJECT)

static void
lw_conversation_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LwConversation *self = LW_CONVERSATION (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_UPDATED:
      g_value_set_int64 (value, self->updated);
      break;
    case PROP_BUSY:
      g_value_set_boolean (value, self->answer != NULL);
      break;
    case PROP_LOADED:
      g_value_set_boolean (value, self->loaded);
      break;
    case PROP_EDITING:
      g_value_set_object (value, self->editing);
      break;
    case PROP_PINNED:
      g_value_set_boolean (value, self->pinned);
      break;
    case PROP_FOLDER:
      g_value_set_string (value, self->folder);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
lw_conversation_finalize (GObject *object)
{
  LwConversation *self = LW_CONVERSATION (object);

  g_clear_handle_id (&self->save_source, g_source_remove);
  g_clear_handle_id (&self->count_source, g_source_remove);
  g_clear_handle_id (&self->title_source, g_source_remove);
  g_clear_pointer (&self->title_request, lw_engine_request_unref);
  if (self->title_answer)
    g_string_free (self->title_answer, TRUE);
  g_clear_pointer (&self->request, lw_engine_request_unref);
  g_clear_object (&self->question);
  g_clear_object (&self->answer);
  g_clear_object (&self->editing);
  g_clear_pointer (&self->saved_attachments, g_ptr_array_unref);
  g_free (self->saved_draft);
  g_free (self->restore);
  g_free (self->folder);
  g_clear_object (&self->messages);
  g_clear_object (&self->draft);
  g_clear_object (&self->draft_attachments);
  g_clear_object (&self->store);
  g_clear_object (&self->engine);
  g_free (self->id);
  g_free (self->title);
  g_free (self->model);
  g_free (self->request_model);
  G_OBJECT_CLASS (lw_conversation_parent_class)->finalize (object);
}

static void
lw_conversation_class_init (LwConversationClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = lw_conversation_get_property;
  object_class->finalize = lw_conversation_finalize;
  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  props[PROP_UPDATED] = g_param_spec_int64 ("updated", NULL, NULL, 0, G_MAXINT64, 0, flags);
  props[PROP_BUSY] = g_param_spec_boolean ("busy", NULL, NULL, FALSE, flags);
  props[PROP_LOADED] = g_param_spec_boolean ("loaded", NULL, NULL, FALSE, flags);
  props[PROP_EDITING] = g_param_spec_object ("editing", NULL, NULL, LW_TYPE_MESSAGE, flags);
  props[PROP_PINNED] = g_param_spec_boolean ("pinned", NULL, NULL, FALSE, flags);
  props[PROP_FOLDER] = g_param_spec_string ("folder", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
  signals[SIGNAL_CONTEXT]
      = g_signal_new ("context-changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_DELETED]
      = g_signal_new ("deleted", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_UINT);
  signals[SIGNAL_FAILED]
      = g_signal_new ("failed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 1, G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
}

/* ---- What it costs ---- */

/* How long typing must pause before it is counted, milliseconds. */
#define COUNT_DELAY_MS 300

static void
context_changed (LwConversation *self)
{
  g_signal_emit (self, signals[SIGNAL_CONTEXT], 0);
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
  context_changed (c->self);
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
  c->number = ++self->count_number;
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
  context_changed (self);
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
  context_changed (self);
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

static void
lw_conversation_init (LwConversation *self)
{
  self->messages = g_list_store_new (LW_TYPE_MESSAGE);
  self->draft = gtk_text_buffer_new (NULL);
  self->draft_attachments = g_list_store_new (LW_TYPE_ATTACHMENT);
  g_signal_connect_object (self->draft, "changed", G_CALLBACK (count_soon), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->draft_attachments, "items-changed",
                           G_CALLBACK (attachments_changed), self, 0);
}

LwConversation *
lw_conversation_new (LwStoreService *store, LwEngineService *engine)
{
  LwConversation *self = g_object_new (LW_TYPE_CONVERSATION, NULL);

  self->store = g_object_ref (store);
  self->engine = g_object_ref (engine);
  self->id = lw_mem_new_id ();
  self->title = g_strdup ("");
  self->folder = g_strdup ("");
  self->created = self->updated = g_get_real_time ();
  self->loaded = TRUE;
  return self;
}

LwConversation *
lw_conversation_new_for_record (LwStoreService *store, LwEngineService *engine,
                                const lw_mem_conversation *record)
{
  LwConversation *self = g_object_new (LW_TYPE_CONVERSATION, NULL);

  self->store = g_object_ref (store);
  self->engine = g_object_ref (engine);
  self->id = g_strdup (record->id);
  self->title = g_strdup (record->title);
  self->model = g_strdup (record->model);
  self->folder = g_strdup (record->folder ? record->folder : "");
  self->titled = record->titled;
  self->pinned = record->pinned;
  self->model_chosen = TRUE;
  self->created = record->created;
  self->updated = record->updated;
  return self;
}

const char *
lw_conversation_get_id (LwConversation *self)
{
  return self->id;
}

const char *
lw_conversation_get_title (LwConversation *self)
{
  return self->title;
}

const char *
lw_conversation_get_model (LwConversation *self)
{
  return self->model;
}

gboolean
lw_conversation_has_model (LwConversation *self)
{
  return self->model_chosen;
}

gint64
lw_conversation_get_updated (LwConversation *self)
{
  return self->updated;
}

gboolean
lw_conversation_get_busy (LwConversation *self)
{
  return self->answer != NULL;
}

GListModel *
lw_conversation_get_messages (LwConversation *self)
{
  return G_LIST_MODEL (self->messages);
}

gboolean
lw_conversation_get_loaded (LwConversation *self)
{
  return self->loaded;
}

GtkTextBuffer *
lw_conversation_get_draft (LwConversation *self)
{
  return self->draft;
}

GListStore *
lw_conversation_get_draft_attachments (LwConversation *self)
{
  return self->draft_attachments;
}

/* ---- Saving ---- */

static void
put_conversation (LwConversation *self)
{
  lw_mem_conversation *record = g_new0 (lw_mem_conversation, 1);

  record->id = g_strdup (self->id);
  record->title = g_strdup (self->title);
  record->model = g_strdup (self->model);
  record->created = self->created;
  record->updated = self->updated;
  record->titled = self->titled;
  record->pinned = self->pinned;
  record->folder = g_strdup (self->folder);
  lw_store_service_put_conversation (self->store, record);
}

static void
put_message (LwConversation *self, LwMessage *message)
{
  guint position;

  if (g_list_store_find (self->messages, message, &position))
    lw_store_service_put_message (self->store,
                                  lw_message_to_record (message, self->id, (int)position));
}

static gboolean
save_now (gpointer data)
{
  LwConversation *self = data;

  self->save_source = 0;
  if (self->answer)
    put_message (self, self->answer);
  return G_SOURCE_REMOVE;
}

static void
set_title (LwConversation *self, const char *title)
{
  g_free (self->title);
  self->title = g_strdup (title);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TITLE]);
}

void
lw_conversation_rename (LwConversation *self, const char *title)
{
  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (g_strcmp0 (title, self->title) == 0)
    return;
  set_title (self, title);
  self->titled = LW_MEM_TITLED_BY_USER;
  put_conversation (self);
}

gboolean
lw_conversation_get_pinned (LwConversation *self)
{
  return self->pinned;
}

void
lw_conversation_set_pinned (LwConversation *self, gboolean pinned)
{
  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (self->pinned == pinned)
    return;
  self->pinned = pinned;
  put_conversation (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PINNED]);
}

const char *
lw_conversation_get_folder (LwConversation *self)
{
  return self->folder;
}

void
lw_conversation_set_folder (LwConversation *self, const char *folder)
{
  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (g_strcmp0 (folder, self->folder) == 0)
    return;
  g_free (self->folder);
  self->folder = g_strdup (folder ? folder : "");
  put_conversation (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_FOLDER]);
}

void
lw_conversation_set_model (LwConversation *self, const char *path)
{
  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (self->model_chosen && g_strcmp0 (path, self->model) == 0)
    return;
  g_free (self->model);
  self->model = g_strdup (path);
  self->model_chosen = TRUE;
  /* One without a message is not saved. */
  if (g_list_model_get_n_items (G_LIST_MODEL (self->messages)))
    put_conversation (self);
}

void
lw_conversation_save_partial (LwConversation *self)
{
  g_clear_handle_id (&self->save_source, g_source_remove);
  save_now (self);
}

/* ---- Loading ---- */

/* Only the last message can be gone on with. */
static void
update_last (LwConversation *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));

  for (guint i = n > 3 ? n - 3 : 0; i < n; i++)
    {
      g_autoptr (LwMessage) m = g_list_model_get_item (G_LIST_MODEL (self->messages), i);

      lw_message_set_last (m, i + 1 == n);
    }
}

/* What is the same at the beginning keeps its rows. */
void
lw_conversation_show_records (LwConversation *self, GPtrArray *records)
{
  guint old = g_list_model_get_n_items (G_LIST_MODEL (self->messages)), same = 0;
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);

  for (; same < old && same < records->len; same++)
    {
      const lw_mem_message *r = records->pdata[same];
      g_autoptr (LwMessage) m = g_list_model_get_item (G_LIST_MODEL (self->messages), same);

      if (!g_str_equal (lw_message_get_id (m), r->id))
        break;
      lw_message_set_place (m, r->parent, r->branch, r->n_branches);
      lw_message_set_last (m, FALSE);
    }
  for (guint i = same; i < records->len; i++)
    g_ptr_array_add (items, lw_message_new_for_record (records->pdata[i]));
  g_list_store_splice (self->messages, same, old - same, items->pdata, items->len);
  update_last (self);
  context_changed (self);
}

static void
messages_loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwConversation) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records
      = lw_store_service_messages_finish (LW_STORE_SERVICE (source), result, &error);

  self->loading = FALSE;
  if (records && !self->answer)
    lw_conversation_show_records (self, records);
  self->loaded = self->loaded || records;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_LOADED]);
  if (error)
    g_signal_emit (self, signals[SIGNAL_FAILED], 0, error);
}

void
lw_conversation_reload (LwConversation *self)
{
  self->loading = TRUE;
  lw_store_service_messages_async (self->store, self->id, messages_loaded, g_object_ref (self));
}

void
lw_conversation_load (LwConversation *self)
{
  g_return_if_fail (LW_IS_CONVERSATION (self));

  if (!self->loaded && !self->loading)
    lw_conversation_reload (self);
}

void
lw_conversation_fail (LwConversation *self, const GError *error)
{
  g_signal_emit (self, signals[SIGNAL_FAILED], 0, error);
}

void
lw_conversation_notify_editing (LwConversation *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_EDITING]);
}

void
lw_conversation_truncate (LwConversation *self, guint position)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));

  if (position < n)
    g_list_store_splice (self->messages, position, n - position, NULL, 0);
  update_last (self);
}

void
lw_conversation_append (LwConversation *self, LwMessage *message, int branch, int n_branches)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  g_autoptr (LwMessage) before
      = n ? g_list_model_get_item (G_LIST_MODEL (self->messages), n - 1) : NULL;

  lw_message_set_place (message, before ? lw_message_get_id (before) : NULL, branch, n_branches);
  g_list_store_append (self->messages, message);
  update_last (self);
}

/* ---- A turn ---- */

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

static void
touch (LwConversation *self)
{
  self->updated = g_get_real_time ();
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_UPDATED]);
}

static char *
describe_progress (const lw_progress *p)
{
  g_autofree char *head = NULL;
  g_autofree char *left = NULL;

  if (p->stage == LW_STAGE_VISION)
    /* Translators: pictures are being encoded, "12 of 300 tokens" */
    head = g_strdup_printf (_("Looking: %d of %d tokens"), (int)p->done, (int)p->total);
  else
    /* Translators: the question is being read, "12 of 300 tokens" */
    head = g_strdup_printf (_("Reading: %d of %d tokens"), (int)p->done, (int)p->total);
  if (p->restored)
    {
      g_autofree char *reading = g_steal_pointer (&head);
      /* Translators: after a restart the chat so far was found on disk; first: "Reading: 12 of 300 tokens" */
      head = g_strdup_printf (_("%s · picked up where we left off (%'d tokens)"), reading,
                              (int)p->restored);
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
      g_autofree char *status = describe_progress (progress);
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
  update_last (self);
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
    g_ptr_array_add (items, g_list_model_get_item (list, i));
  g_list_store_splice (self->draft_attachments, 0, 0, items->pdata, items->len);

  remove_message (self, self->answer);
  remove_message (self, self->question);
  if (!g_list_model_get_n_items (G_LIST_MODEL (self->messages)))
    {
      self->withdrawn = TRUE;
      set_title (self, "");
      lw_store_service_bin_conversation (self->store, self->id, TRUE);
    }
}

static GPtrArray *collect_turns (LwConversation *self);

/* ---- A title ---- */

/* How long nothing must happen before a title is thought of, milliseconds. */
#define TITLE_DELAY_MS 4000
#define TITLE_TOKENS 32

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
  set_title (self, title);
  self->titled = LW_MEM_TITLED_BY_MODEL;
  put_conversation (self);
}

static gboolean
think_of_title (gpointer data)
{
  LwConversation *self = data;
  GPtrArray *turns;

  self->title_source = 0;
  if (self->answer || self->title_request || self->titled != LW_MEM_TITLED_BY_QUESTION)
    return G_SOURCE_REMOVE;
  turns = collect_turns (self);
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

/* The answer has ended: error NULL, or why. */
static void
end_turn (LwConversation *self, const lw_generate_result *result, const GError *error)
{
  gboolean cancelled = g_error_matches (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED);
  gboolean returned = FALSE;
  g_autoptr (GError) full = NULL;

  g_clear_handle_id (&self->save_source, g_source_remove);
  if (self->request)
    {
      g_autofree char *notes = lw_engine_request_dup_notes (self->request);
      lw_message_set_note (self->question, notes);
    }
  if (result)
    {
      double speed = result->generate_seconds > 0
                         ? (double)result->n_generated / result->generate_seconds
                         : 0;

      lw_message_set_figures (self->answer, (int)result->n_prompt, (int)result->n_reused,
                              (int)result->n_generated, speed);
      lw_message_set_restored (self->answer, (int)result->n_restored);
      if (result->stop == LW_STOP_CONTEXT)
        full = g_error_new (LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL,
                            _("The answer ends early: the model's context is full after %d tokens"),
                            (int)(result->n_prompt + result->n_generated));
    }
  if (error && !cancelled && !*lw_message_get_text (self->answer))
    {
      if (self->restore)
        restore_branch (self);
      else
        return_question (self);
      returned = TRUE;
    }
  else
    {
      gboolean stopped = error || full || (result && result->stop == LW_STOP_CANCELLED);

      lw_message_settle (self->answer, stopped ? LW_MEM_STATE_STOPPED : LW_MEM_STATE_DONE);
      put_message (self, self->answer);
    }
  g_clear_object (&self->question);
  g_clear_object (&self->answer);
  g_clear_pointer (&self->restore, g_free);
  self->edited = FALSE;
  g_clear_pointer (&self->request, lw_engine_request_unref);
  if (!returned)
    touch (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_BUSY]);
  context_changed (self);
  g_clear_handle_id (&self->title_source, g_source_remove);
  if (result && self->titled == LW_MEM_TITLED_BY_QUESTION
      && g_list_model_get_n_items (G_LIST_MODEL (self->messages)) == 2)
    self->title_source = g_timeout_add (TITLE_DELAY_MS, think_of_title, self);
  if (full)
    g_signal_emit (self, signals[SIGNAL_FAILED], 0, full);
  else if (error && !cancelled)
    g_signal_emit (self, signals[SIGNAL_FAILED], 0, error);
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

static GPtrArray *
collect_turns (LwConversation *self)
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
  put_conversation (self);
  put_message (self, self->question);
  if (self->stopped)
    {
      g_autoptr (GError) error = g_error_new_literal (
          LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED, _("Stopped"));
      end_turn (self, NULL, error);
      return;
    }
  self->request
      = lw_engine_request_new (self->request_model, collect_turns (self), on_update, self);
  if (*lw_message_get_text (self->answer))
    lw_engine_request_set_begun (self->request, lw_message_get_text (self->answer));
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
    {
      g_autofree char *title = make_title (text, G_LIST_MODEL (attachments));
      set_title (self, title);
    }
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
  lw_message_set_progress (answer, LW_PHASE_WAITING, _("Waiting"), -1);
  touch (self);
  g_free (self->request_model);
  self->request_model = g_strdup (model_path);
  g_free (self->model);
  self->model = g_strdup (model_path);
  self->model_chosen = TRUE;
  self->next_attachment = 0;
  self->stopped = FALSE;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_BUSY]);
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
