/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One conversation: its messages, the question being written (the draft, so that switching loses
 * nothing), and the answer being made.
 *
 * When a request fails before the first word, the question goes back into the draft and "failed" is
 * emitted; after the first word the text stays and only the signal comes.
 *
 * It is a tree: a question that is edited and an answer that is asked for again become branches beside what
 * was there, and nothing is lost.
 *
 * Signals: "failed" (GError *error); "deleted" (const char *message, guint n_messages).  Thread: UI.
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
/* Where it is kept.  Borrowed. */
LwStoreService *lw_conversation_get_store (LwConversation *self);
/* Nothing of it is written to the disk, and it is gone when the program ends. */
gboolean lw_conversation_is_temporary (LwConversation *self);

/* Property "title"; "" before the first question. */
const char *lw_conversation_get_title (LwConversation *self);
void lw_conversation_rename (LwConversation *self, const char *title);

/* The model that answers here: a path, NULL for the default one.  A new conversation has not chosen. */
gboolean lw_conversation_has_model (LwConversation *self);
const char *lw_conversation_get_model (LwConversation *self);
void lw_conversation_set_model (LwConversation *self, const char *path);

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

/* How full the context is.  Signal "context-changed". */
typedef struct
{
  gint64 used;   /* tokens of the turns so far, as the last answer was made; 0: not known */
  gint64 draft;  /* of the draft and what is attached to it, as far as known */
  gint64 room;   /* of the context; 0: not known */
} LwContextUse;

void lw_conversation_get_context (LwConversation *self, LwContextUse *use);
/* Another model may count otherwise. */
void lw_conversation_recount (LwConversation *self);

/* Ask what the draft says.  model_path: NULL for the default model.  FALSE when there is nothing to
 * ask or an answer is still being made. */
gboolean lw_conversation_send (LwConversation *self, const char *model_path);
/* End the answer; its text stays. */
void lw_conversation_stop (LwConversation *self);
/* It has been deleted for good: end the answer, and save nothing of it any more. */
void lw_conversation_forget (LwConversation *self);
/* ---- What is there already; nothing happens while busy ---- */

/* Write the answer again, as a branch beside it. */
void lw_conversation_regenerate (LwConversation *self, LwMessage *answer, const char *model_path);
/* Go on with the last answer. */
void lw_conversation_continue (LwConversation *self, const char *model_path);
/* Put a question into the draft; sending it makes a branch beside it.  Property "editing": the question, or
 * NULL.  What was in the draft comes back afterwards. */
void lw_conversation_edit (LwConversation *self, LwMessage *question);
void lw_conversation_cancel_edit (LwConversation *self);
LwMessage *lw_conversation_get_editing (LwConversation *self);
/* Into the bin, with all that follows; "deleted" tells, lw_conversation_undelete() brings it back. */
void lw_conversation_delete (LwConversation *self, LwMessage *message);
void lw_conversation_undelete (LwConversation *self, const char *message);
/* The branch beside a message that was written next (step > 0) or before. */
void lw_conversation_step_branch (LwConversation *self, LwMessage *message, int step);
/* Show a branch that contains this message. */
void lw_conversation_show_message (LwConversation *self, const char *message);

/* Properties "pinned" and "folder" ("": none). */
gboolean lw_conversation_get_pinned (LwConversation *self);
void lw_conversation_set_pinned (LwConversation *self, gboolean pinned);
const char *lw_conversation_get_folder (LwConversation *self);
void lw_conversation_set_folder (LwConversation *self, const char *folder);

/* For the end of the program: save what an unfinished answer says so far. */
void lw_conversation_save_partial (LwConversation *self);

G_END_DECLS
