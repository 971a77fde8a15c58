/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sidebar: conversations, the most recently used first, with rename and delete.
 *
 * Signals: "opened" (LwConversation *); "rename" and "delete" (LwConversation *).
 */
#pragma once

#include <gtk/gtk.h>

#include "app/lw-conversation.h"

G_BEGIN_DECLS

#define LW_TYPE_CONVERSATION_LIST (lw_conversation_list_get_type ())
G_DECLARE_FINAL_TYPE (LwConversationList, lw_conversation_list, LW, CONVERSATION_LIST, GtkWidget)

/* conversations: of LwConversation, in any order. */
void lw_conversation_list_set_model (LwConversationList *self, GListModel *conversations);
/* Times of update have changed. */
void lw_conversation_list_resort (LwConversationList *self);
/* Show which one is open; NULL: none that is listed. */
void lw_conversation_list_select (LwConversationList *self, LwConversation *conversation);

G_END_DECLS
