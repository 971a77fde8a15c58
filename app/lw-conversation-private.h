/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by lw-conversation.c (the object, what is kept of it and what is shown), -answer.c (a turn, from the
 * draft to the end of the answer), -branches.c (what is done to messages that are there), -context.c (what it
 * costs) and -title.c.
 */
#pragma once

#include "app/lw-conversation.h"

#include "app/lw-engine-service.h"
#include "app/lw-message.h"
#include "app/lw-store-service.h"

G_BEGIN_DECLS

struct _LwConversation
{
  GObject parent_instance;
  LwStoreService *store;
  LwEngineService *engine;

  char *id, *title, *model, *folder;
  gboolean model_chosen; /* model says so; NULL is the default one */
  lw_mem_titled titled;
  gboolean pinned;
  gint64 created, updated;
  GListStore *messages;
  gboolean loading, loaded;
  gboolean forgotten; /* nothing of it is saved any more */
  gboolean withdrawn; /* in the store's bin because its only question came back */

  GtkTextBuffer *draft;
  GListStore *draft_attachments;
  gint64 draft_tokens;   /* of its text, as counted last */
  guint count_source, count_number;

  /* The turn being made. */
  LwMessage *question, *answer;
  LwEngineRequest *request;
  char *request_model;
  guint next_attachment; /* of the question, to be kept */
  gboolean stopped;      /* before the request existed */
  guint save_source;
  gboolean edited;       /* the question is an edited one */
  char *restore;         /* the message whose branch comes back when the turn fails, or NULL */

  /* A better title, made when nothing else is to be done. */
  guint title_source;
  LwEngineRequest *title_request;
  GString *title_answer;

  /* A question that is being edited, and the draft that waits meanwhile. */
  LwMessage *editing;
  char *saved_draft;
  GPtrArray *saved_attachments;
};

/* ---- lw-conversation.c ---- */

/* Into the store, as it is now. */
void lw_conversation_put (LwConversation *self);
void lw_conversation_put_message (LwConversation *self, LwMessage *message);
void lw_conversation_set_title (LwConversation *self, const char *title);
/* Only the last message can be gone on with: tell the last ones whether they are. */
void lw_conversation_update_last (LwConversation *self);
/* Drop the messages from this position on; they stay in the store. */
void lw_conversation_truncate (LwConversation *self, guint position);
/* Append to what is shown, in its place in the tree. */
void lw_conversation_append (LwConversation *self, LwMessage *message, int branch, int n_branches);
/* Show what the store has. */
void lw_conversation_reload (LwConversation *self);
void lw_conversation_show_records (LwConversation *self, GPtrArray *records);
void lw_conversation_fail (LwConversation *self, const GError *error);
void lw_conversation_notify_editing (LwConversation *self);

/* ---- lw-conversation-answer.c ---- */

/* Replace the draft; attachments: of LwAttachment. */
void lw_conversation_fill_draft (LwConversation *self, const char *text, GListModel *attachments);

/* Ask the question again that is now the last message: make the answer. */
void lw_conversation_start_answer (LwConversation *self, LwMessage *question, LwMessage *answer,
                                   const char *model_path);
/* The messages shown, without the answer being made, as the engine takes them: of LwTurn. */
GPtrArray *lw_conversation_collect_turns (LwConversation *self);

/* ---- lw-conversation-context.c ---- */

/* Count what is written and attached, from now on. */
void lw_conversation_watch_draft (LwConversation *self);
void lw_conversation_context_changed (LwConversation *self);

/* ---- lw-conversation-title.c ---- */

void lw_conversation_title_by_question (LwConversation *self, LwMessage *question);
/* After the first answer: ask the model for a title as soon as nothing else is to be done. */
void lw_conversation_think_of_title_later (LwConversation *self);

G_END_DECLS
