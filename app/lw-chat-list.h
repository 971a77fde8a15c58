/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The rows of a conversation.  Only what is in sight, and half a screen around it, are widgets, however long
 * the conversation is.  Where the view is, is remembered as a row and how far it is from the top, or as "at
 * the end", so nothing moves when rows above turn out higher than was guessed, and text that arrives is
 * followed only by someone who is at the end.
 *
 * (GtkListView makes some two hundred rows for any list, which takes a second for messages, and in GTK 4.8
 * it cannot stay at its end.)
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LW_TYPE_CHAT_LIST (lw_chat_list_get_type ())
G_DECLARE_FINAL_TYPE (LwChatList, lw_chat_list, LW, CHAT_LIST, GtkWidget)

/* model: of LwMessage, or NULL.  Shows its end. */
void lw_chat_list_set_model (LwChatList *self, GListModel *model);

void lw_chat_list_scroll_to_end (LwChatList *self);
/* Bring a row into sight, near the top. */
void lw_chat_list_scroll_to (LwChatList *self, guint position);

G_END_DECLS
