/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sidebar: pinned conversations, folders, then all others by date; and the search over all messages.
 *
 * Signals: "opened", "rename", "folder" and "delete" (LwConversation *); "export" (LwConversation *, gboolean
 * as_markdown); "hit" (const char *conversation, const char *message).
 */
#pragma once

#include <gtk/gtk.h>

#include "app/lw-conversation.h"

G_BEGIN_DECLS

#define LW_TYPE_CONVERSATION_LIST (lw_conversation_list_get_type ())
G_DECLARE_FINAL_TYPE (LwConversationList, lw_conversation_list, LW, CONVERSATION_LIST, GtkWidget)

/* conversations: of LwConversation, in any order. */
void lw_conversation_list_set_model (LwConversationList *self, GListModel *conversations);
/* For the search. */
void lw_conversation_list_set_store (LwConversationList *self, LwStoreService *store);
/* Times of update, pins or folders have changed. */
void lw_conversation_list_resort (LwConversationList *self);
/* Show which one is open; NULL: none that is listed. */
void lw_conversation_list_select (LwConversationList *self, LwConversation *conversation);
/* Put the cursor into the search field. */
void lw_conversation_list_start_search (LwConversationList *self);

G_END_DECLS
