/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One message, the item behind a row.  Everything a row shows is here, because rows are recycled.
 * Thread: UI.
 */
#pragma once

#include <gio/gio.h>

#include "app/lw-types.h"
#include "memory/lw-memory.h"

G_BEGIN_DECLS

#define LW_TYPE_MESSAGE (lw_message_get_type ())
G_DECLARE_FINAL_TYPE (LwMessage, lw_message, LW, MESSAGE, GObject)

/* What is happening to an answer. */
typedef enum
{
  LW_PHASE_SETTLED, /* nothing any more */
  LW_PHASE_WAITING, /* queued, or the model is being opened */
  LW_PHASE_READING, /* the prompt, with progress */
  LW_PHASE_WRITING, /* text arrives */
} LwPhase;

LwMessage *lw_message_new (lw_mem_role role, const char *text);
LwMessage *lw_message_new_for_record (const lw_mem_message *record);

const char *lw_message_get_id (LwMessage *self);
lw_mem_role lw_message_get_role (LwMessage *self);
/* GListStore of LwAttachment. */
GListStore *lw_message_get_attachments (LwMessage *self);

/* Its place in the tree: the message before it (NULL: none), and which of how many branches it begins.
 * Property "branches" (how many) is notified. */
void lw_message_set_place (LwMessage *self, const char *parent, int branch, int n_branches);
const char *lw_message_get_parent (LwMessage *self);
int lw_message_get_branch (LwMessage *self, int *n_branches);

/* Property "last": nothing comes after it. */
void lw_message_set_last (LwMessage *self, gboolean last);
gboolean lw_message_get_last (LwMessage *self);

/* Draw attention to it for a moment: property "pointed-out". */
void lw_message_point_out (LwMessage *self);
gboolean lw_message_is_pointed_out (LwMessage *self);

/* Property "text". */
const char *lw_message_get_text (LwMessage *self);
void lw_message_append (LwMessage *self, const char *text);

/* Properties "phase", "status" (a line about it, or NULL) and "fraction" (0..1, < 0: unknown). */
LwPhase lw_message_get_phase (LwMessage *self);
const char *lw_message_get_status (LwMessage *self);
double lw_message_get_fraction (LwMessage *self);
void lw_message_set_progress (LwMessage *self, LwPhase phase, const char *status, double fraction);

/* How it ended; sets the phase to settled. */
void lw_message_settle (LwMessage *self, lw_mem_state state);
lw_mem_state lw_message_get_state (LwMessage *self);
void lw_message_set_figures (LwMessage *self, int n_prompt, int n_reused, int n_generated,
                             double tokens_per_second);

/* An answer: this many tokens of its prompt came from a snapshot on disk.  Not stored. */
void lw_message_set_restored (LwMessage *self, int n_restored);
/* An answer: tokens of the conversation up to its end; 0: not known. */
gint64 lw_message_get_n_tokens (LwMessage *self);

/* A question's footer: what its media cost.  details: how they are looked at, for lw_message_dup_details().
 * NULL: nothing to say.  Not stored. */
void lw_message_set_note (LwMessage *self, const char *note, const char *details);

/* Property "footer": an answer's end and speed, a question's note, or NULL. */
const char *lw_message_get_footer (LwMessage *self);
/* What the footer's tooltip adds: how much an answer's prompt was.  NULL: nothing.  Free with g_free(). */
char *lw_message_dup_details (LwMessage *self);

/* A snapshot for the store.  Free with lw_mem_message_free(). */
lw_mem_message *lw_message_to_record (LwMessage *self, const char *conversation, int position);

G_END_DECLS
