/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-chat-options.h"

struct _LwChatOptions
{
  GObject parent_instance;
  LwStoreService *store; /* borrowed */
  LwChatOptions *shared; /* or NULL */
  GHashTable *all;       /* key -> lw_mem_options */
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwChatOptions, lw_chat_options, G_TYPE_OBJECT)

static char *
key_of (lw_mem_options_kind kind, const char *owner)
{
  return g_strdup_printf ("%d %s", kind, owner ? owner : "");
}

/* Who keeps options of this kind. */
static LwChatOptions *
keeper_of (LwChatOptions *self, lw_mem_options_kind kind)
{
  return self->shared && kind != LW_MEM_OPTIONS_CHAT ? self->shared : self;
}

static void
changed (LwChatOptions *self)
{
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwChatOptions) self = user_data;
  /* That the database cannot be opened is told by the list of chats. */
  g_autoptr (GPtrArray) list
      = lw_store_service_list_options_finish (LW_STORE_SERVICE (source), result, NULL);

  for (guint i = 0; list && i < list->len; i++)
    {
      const lw_mem_options *o = list->pdata[i];
      char *key = key_of (o->kind, o->owner);

      /* What was put meanwhile is newer. */
      if (g_hash_table_contains (self->all, key))
        g_free (key);
      else
        g_hash_table_insert (self->all, key, lw_mem_options_copy (o));
    }
  changed (self);
}

const lw_mem_options *
lw_chat_options_get (LwChatOptions *self, lw_mem_options_kind kind, const char *owner)
{
  g_autofree char *key = key_of (kind, owner);

  return g_hash_table_lookup (keeper_of (self, kind)->all, key);
}

lw_mem_options *
lw_chat_options_resolve (LwChatOptions *self, const char *chat, const char *model)
{
  const lw_mem_options *o = lw_chat_options_get (self, LW_MEM_OPTIONS_CHAT, chat);

  if (!o)
    o = lw_chat_options_get (self, LW_MEM_OPTIONS_MODEL, model);
  return o ? lw_mem_options_copy (o) : lw_mem_options_new (LW_MEM_OPTIONS_CHAT, chat);
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  const lw_mem_options *x = *(lw_mem_options *const *)a, *y = *(lw_mem_options *const *)b;

  return g_utf8_collate (x->name ? x->name : "", y->name ? y->name : "");
}

GPtrArray *
lw_chat_options_list_presets (LwChatOptions *self)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer o;

  g_hash_table_iter_init (&iter, keeper_of (self, LW_MEM_OPTIONS_PRESET)->all);
  while (g_hash_table_iter_next (&iter, NULL, &o))
    if (((lw_mem_options *)o)->kind == LW_MEM_OPTIONS_PRESET)
      g_ptr_array_add (list, o);
  g_ptr_array_sort (list, by_name);
  return list;
}

void
lw_chat_options_put (LwChatOptions *self, lw_mem_options *options)
{
  g_return_if_fail (LW_IS_CHAT_OPTIONS (self));

  self = keeper_of (self, options->kind);
  if (options->system && !*options->system)
    g_clear_pointer (&options->system, g_free);
  lw_store_service_put_options (self->store, lw_mem_options_copy (options));
  g_hash_table_replace (self->all, key_of (options->kind, options->owner), options);
  changed (self);
}

void
lw_chat_options_remove (LwChatOptions *self, lw_mem_options_kind kind, const char *owner)
{
  g_autofree char *key = key_of (kind, owner);

  g_return_if_fail (LW_IS_CHAT_OPTIONS (self));

  self = keeper_of (self, kind);
  lw_store_service_delete_options (self->store, kind, owner ? owner : "");
  if (g_hash_table_remove (self->all, key))
    changed (self);
}

void
lw_chat_options_forget (LwChatOptions *self)
{
  g_return_if_fail (LW_IS_CHAT_OPTIONS (self));

  g_hash_table_remove_all (self->all);
  changed (self);
}

void
lw_chat_options_apply (LwChatOptions *self, const char *chat, const char *model,
                       LwEngineRequest *request)
{
  lw_mem_options *o = lw_chat_options_resolve (self, chat, model);
  LwSampling sampling = { .own = o->own,
                          .temperature = o->temperature,
                          .top_k = o->top_k,
                          .top_p = o->top_p,
                          .min_p = o->min_p,
                          .repeat_penalty = o->repeat_penalty,
                          .max_tokens = (guint)MAX (o->max_tokens, 0),
                          .seed = o->seed };

  lw_engine_request_set_options (request, o->system, &sampling);
  lw_mem_options_free (o);
}

static void
lw_chat_options_finalize (GObject *object)
{
  LwChatOptions *self = LW_CHAT_OPTIONS (object);

  g_hash_table_unref (self->all);
  g_clear_object (&self->shared);
  G_OBJECT_CLASS (lw_chat_options_parent_class)->finalize (object);
}

static void
lw_chat_options_class_init (LwChatOptionsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lw_chat_options_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
lw_chat_options_init (LwChatOptions *self)
{
  self->all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                     (GDestroyNotify)lw_mem_options_free);
}

LwChatOptions *
lw_chat_options_new (LwStoreService *store, LwChatOptions *shared)
{
  LwChatOptions *self = g_object_new (LW_TYPE_CHAT_OPTIONS, NULL);

  self->store = store;
  if (g_set_object (&self->shared, shared))
    g_signal_connect_object (shared, "changed", G_CALLBACK (changed), self, G_CONNECT_SWAPPED);
  lw_store_service_list_options_async (store, listed, g_object_ref (self));
  return self;
}
