/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-conversation-private.h"

#include "app/lw-attachment.h"

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

static void
lw_conversation_init (LwConversation *self)
{
  self->messages = g_list_store_new (LW_TYPE_MESSAGE);
  self->draft = gtk_text_buffer_new (NULL);
  self->draft_attachments = g_list_store_new (LW_TYPE_ATTACHMENT);
  lw_conversation_watch_draft (self);
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

LwStoreService *
lw_conversation_get_store (LwConversation *self)
{
  return self->store;
}

gboolean
lw_conversation_is_temporary (LwConversation *self)
{
  return lw_store_service_is_temporary (self->store);
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

void
lw_conversation_put (LwConversation *self)
{
  lw_mem_conversation *record;

  if (self->forgotten)
    return;
  record = g_new0 (lw_mem_conversation, 1);
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

void
lw_conversation_put_message (LwConversation *self, LwMessage *message)
{
  guint position;

  if (!self->forgotten && g_list_store_find (self->messages, message, &position))
    lw_store_service_put_message (self->store,
                                  lw_message_to_record (message, self->id, (int)position));
}

void
lw_conversation_set_title (LwConversation *self, const char *title)
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
  lw_conversation_set_title (self, title);
  self->titled = LW_MEM_TITLED_BY_USER;
  lw_conversation_put (self);
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
  lw_conversation_put (self);
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
  lw_conversation_put (self);
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
    lw_conversation_put (self);
}

/* ---- Loading ---- */

/* Only the last message can be gone on with. */
void
lw_conversation_update_last (LwConversation *self)
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
  lw_conversation_update_last (self);
  lw_conversation_context_changed (self);
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
  lw_conversation_update_last (self);
}

void
lw_conversation_append (LwConversation *self, LwMessage *message, int branch, int n_branches)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  g_autoptr (LwMessage) before
      = n ? g_list_model_get_item (G_LIST_MODEL (self->messages), n - 1) : NULL;

  lw_message_set_place (message, before ? lw_message_get_id (before) : NULL, branch, n_branches);
  g_list_store_append (self->messages, message);
  lw_conversation_update_last (self);
}

void
lw_conversation_forget (LwConversation *self)
{
  g_return_if_fail (LW_IS_CONVERSATION (self));

  self->forgotten = TRUE;
  g_clear_handle_id (&self->title_source, g_source_remove);
  if (self->title_request)
    lw_engine_request_cancel (self->title_request);
  lw_conversation_stop (self);
}
