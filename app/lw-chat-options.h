/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How models are asked: instructions (the system prompt) and sampling of a chat, else of its model, and
 * presets of both.  All of it is read once at the start; what is put is saved by the store.
 *
 * Signal "changed".  Thread: UI.
 */
#pragma once

#include "app/lw-engine-service.h"
#include "app/lw-store-service.h"

G_BEGIN_DECLS

#define LW_TYPE_CHAT_OPTIONS (lw_chat_options_get_type ())
G_DECLARE_FINAL_TYPE (LwChatOptions, lw_chat_options, LW, CHAT_OPTIONS, GObject)

/* store: borrowed, it owns this.  shared: whose presets and options of models count and are changed here too, so that
 * only those of chats are kept here; or NULL. */
LwChatOptions *lw_chat_options_new (LwStoreService *store, LwChatOptions *shared);

/* Borrowed, NULL: none.  owner of a model: its path, NULL for the default one. */
const lw_mem_options *lw_chat_options_get (LwChatOptions *self, lw_mem_options_kind kind,
                                           const char *owner);
/* What counts for a chat: its own, its model's or the usual ones.  Free with lw_mem_options_free(). */
lw_mem_options *lw_chat_options_resolve (LwChatOptions *self, const char *chat, const char *model);
/* Of lw_mem_options, borrowed, by name; g_ptr_array_unref(). */
GPtrArray *lw_chat_options_list_presets (LwChatOptions *self);

/* options: taken over. */
void lw_chat_options_put (LwChatOptions *self, lw_mem_options *options);
void lw_chat_options_remove (LwChatOptions *self, lw_mem_options_kind kind, const char *owner);

/* The store forgets everything. */
void lw_chat_options_forget (LwChatOptions *self);

/* Tell a request what counts for its chat. */
void lw_chat_options_apply (LwChatOptions *self, const char *chat, const char *model,
                            LwEngineRequest *request);

G_END_DECLS
