/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One conversation: its messages, the question being written (the draft, so that switching loses
 * nothing), and the answer being made.
 *
 * When a request fails before the first word, the question goes back into the draft and "failed" is
 * emitted; after the first word the text stays and only the signal comes.
 *
 * Signals: "failed" (GError *error).  Thread: UI.
 */
#pragma once

#include <gtk/gtk.h>

#include "app/lw-types.h"
#include "memory/lw-memory.h"

G_BEGIN_DECLS

#define LW_TYPE_CONVERSATION (lw_conversation_get_type ())
G_DECLARE_FINAL_TYPE (LwConversation, lw_conversation, LW, CONVERSATION, GObject)

LwConversation *lw_conversation_new (LwStoreService *store, LwEngineService *engine);
LwConversation *lw_conversation_new_for_record (LwStoreService *store, LwEngineService *engine,
                                                const lw_mem_conversation *record);

const char *lw_conversation_get_id (LwConversation *self);

/* Property "title"; "" before the first question. */
const char *lw_conversation_get_title (LwConversation *self);
void lw_conversation_rename (LwConversation *self, const char *title);

/* Property "updated": microseconds since 1970. */
gint64 lw_conversation_get_updated (LwConversation *self);

/* Property "busy": an answer is being made. */
gboolean lw_conversation_get_busy (LwConversation *self);

/* Of LwMessage. */
GListModel *lw_conversation_get_messages (LwConversation *self);
/* Read the messages from the store, once.  Property "loaded" tells when they are there. */
void lw_conversation_load (LwConversation *self);
gboolean lw_conversation_get_loaded (LwConversation *self);

GtkTextBuffer *lw_conversation_get_draft (LwConversation *self);
/* Of LwAttachment. */
GListStore *lw_conversation_get_draft_attachments (LwConversation *self);

/* Ask what the draft says.  model_path: NULL for the default model.  FALSE when there is nothing to
 * ask or an answer is still being made. */
gboolean lw_conversation_send (LwConversation *self, const char *model_path);
/* End the answer; its text stays. */
void lw_conversation_stop (LwConversation *self);
/* For the end of the program: save what an unfinished answer says so far. */
void lw_conversation_save_partial (LwConversation *self);

G_END_DECLS
