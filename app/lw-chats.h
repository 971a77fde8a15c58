/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The chats there are, one object each for all windows: two windows that show the same one show the same
 * messages, the same answer being written and the same draft.
 *
 * Signal: "loaded" (GError *error or NULL), once.  Thread: UI.
 */
#pragma once

#include <gio/gio.h>

#include "app/lw-types.h"

G_BEGIN_DECLS

#define LW_TYPE_CHATS (lw_chats_get_type ())
G_DECLARE_FINAL_TYPE (LwChats, lw_chats, LW, CHATS, GObject)

/* Begins to read them. */
LwChats *lw_chats_new (LwStoreService *store, LwEngineService *engine);

gboolean lw_chats_get_loaded (LwChats *self);
/* Of LwConversation; new ones are put here when their first question is asked.  Borrowed. */
GListStore *lw_chats_get_list (LwChats *self);

/* A new chat, in no list before its first question is asked.  temporary: nothing of it is written to the disk, and it
 * is gone when the program ends.  Free with g_object_unref(). */
LwConversation *lw_chats_create (LwChats *self, gboolean temporary);
/* What is temporary goes.  Blocks; for the end of the program. */
void lw_chats_shutdown (LwChats *self);

/* Everything goes, for good; what is being written ends and leaves nothing. */
void lw_chats_delete_all (LwChats *self);

G_END_DECLS
