/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-chats.h"

#include "app/lw-conversation.h"
#include "app/lw-engine-service.h"
#include "app/lw-store-service.h"

struct _LwChats
{
  GObject parent_instance;
  LwStoreService *store, *temporary; /* temporary: NULL before there is such a chat */
  LwEngineService *engine;
  GListStore *list;
  gboolean loaded;
};

enum
{
  SIGNAL_LOADED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwChats, lw_chats, G_TYPE_OBJECT)

static void
lw_chats_finalize (GObject *object)
{
  LwChats *self = LW_CHATS (object);

  g_clear_object (&self->list);
  g_clear_object (&self->store);
  g_clear_object (&self->temporary);
  g_clear_object (&self->engine);
  G_OBJECT_CLASS (lw_chats_parent_class)->finalize (object);
}

static void
lw_chats_class_init (LwChatsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lw_chats_finalize;
  signals[SIGNAL_LOADED] = g_signal_new ("loaded", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 1, G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
lw_chats_init (LwChats *self)
{
  self->list = g_list_store_new (LW_TYPE_CONVERSATION);
}

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwChats) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records = lw_store_service_list_finish (LW_STORE_SERVICE (source), result, &error);
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->list));

  for (guint i = 0; records && i < records->len; i++)
    g_ptr_array_add (items, lw_conversation_new_for_record (self->store, self->engine, records->pdata[i]));
  self->loaded = TRUE;
  g_list_store_splice (self->list, n, 0, items->pdata, items->len);
  g_signal_emit (self, signals[SIGNAL_LOADED], 0, error);
}

LwChats *
lw_chats_new (LwStoreService *store, LwEngineService *engine)
{
  LwChats *self = g_object_new (LW_TYPE_CHATS, NULL);

  self->store = g_object_ref (store);
  self->engine = g_object_ref (engine);
  lw_store_service_purge (store, NULL);
  lw_store_service_list_async (store, listed, g_object_ref (self));
  return self;
}

gboolean
lw_chats_get_loaded (LwChats *self)
{
  return self->loaded;
}

GListStore *
lw_chats_get_list (LwChats *self)
{
  return self->list;
}

LwConversation *
lw_chats_create (LwChats *self, gboolean temporary)
{
  g_return_val_if_fail (LW_IS_CHATS (self), NULL);

  if (temporary && !self->temporary)
    self->temporary = lw_store_service_new_temporary (self->store);
  return lw_conversation_new (temporary ? self->temporary : self->store, self->engine);
}

void
lw_chats_shutdown (LwChats *self)
{
  g_return_if_fail (LW_IS_CHATS (self));

  if (self->temporary)
    lw_store_service_shutdown (self->temporary);
}

void
lw_chats_delete_all (LwChats *self)
{
  guint n;

  g_return_if_fail (LW_IS_CHATS (self));

  n = g_list_model_get_n_items (G_LIST_MODEL (self->list));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwConversation) c = g_list_model_get_item (G_LIST_MODEL (self->list), i);

      lw_conversation_forget (c);
    }
  g_list_store_remove_all (self->list);
  lw_store_service_delete_all (self->store);
  if (self->temporary)
    lw_store_service_delete_all (self->temporary);
  lw_engine_service_forget (self->engine);
}
