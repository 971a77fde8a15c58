/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sample of at most so many tokens: generators count in units, so the number of units is bisected, with the
 * model's own tokenizer and chat template.
 *
 * Thread: one at a time.
 */
#pragma once

#include "app/eval/layout.h"
#include "app/eval/task.h"

G_BEGIN_DECLS

typedef struct {
  lw_model *model; /* NULL: tokens are guessed from the task's tokens_per_unit */
  const gint *cancel; /* may be NULL */
} LwEvalRuler;

/* The largest sample whose session (lw_eval_layout_room()) takes at most `length` tokens: up to 1 % less, or
 * much less when the task makes no larger one or the model sees no larger picture.
 * *n_tokens: what it takes; 0 without a model.  Errors: LW_EVAL_ERROR_ROOM when even the smallest is longer,
 * with both numbers; LW_ENGINE_ERROR: CANCELLED; what generators and layouts say. */
LwEvalSample *lw_eval_sample_of_length (const LwEvalRuler *ruler, const LwEvalTask *task, guint64 seed,
                                        LwEvalSide side, gint64 length, const LwEvalOptions *options,
                                        gint64 *n_tokens, GError **error);

/* A sample of exactly so many units, and what it takes. */
LwEvalSample *lw_eval_sample_of_units (const LwEvalRuler *ruler, const LwEvalTask *task, guint64 seed,
                                       LwEvalSide side, int units, const LwEvalOptions *options,
                                       gint64 *n_tokens, GError **error);

G_END_DECLS
