/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sample as messages: the first message of the user is the context, a blank line (when the context ends
 * with text) and the first question; later ones are the question alone.  Training lays out the same.
 *
 * Thread: one at a time.
 */
#pragma once

#include "app/eval/sample.h"
#include "engine/lw-engine.h"

G_BEGIN_DECLS

/* A sample on its way into one model.  Borrows both. */
typedef struct _LwEvalLayout LwEvalLayout;

/* Errors: LW_ENGINE_ERROR_INVALID when there is something to see and the model cannot; LW_EVAL_ERROR_ROOM when a
 * picture or frame has more pixels than the model looks at (it would be made smaller); what opening a medium
 * says. */
LwEvalLayout *lw_eval_layout_new (lw_model *model, const LwEvalSample *sample, GError **error);
void lw_eval_layout_free (LwEvalLayout *layout);

/* The conversation up to question `turn`, with replies[0] to replies[turn - 1] in between. */
lw_prompt *lw_eval_layout_turn (const LwEvalLayout *layout, const char *const *replies, guint turn,
                                GError **error);
/* The context and question `turn`, as if it were the only one. */
lw_prompt *lw_eval_layout_request (const LwEvalLayout *layout, guint turn, GError **error);
/* What of a request is the same whatever is asked: the context without a question. */
lw_prompt *lw_eval_layout_context (const LwEvalLayout *layout, GError **error);

/* Tokens of a text as a part of a message.  < 0: error. */
gint64 lw_eval_layout_count (const LwEvalLayout *layout, const char *text, GError **error);

/* Tokens of the whole session: the last prompt, with room for every reply as long as its cap.  < 0: error. */
gint64 lw_eval_layout_room (const LwEvalLayout *layout, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwEvalLayout, lw_eval_layout_free)

G_END_DECLS
