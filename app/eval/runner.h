/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One sample, asked in one session of the engine, greedily.  Two ways to share a context between questions:
 *
 *   turns     one conversation.  What the model says is cut off again and the gold reply read in its place, so
 *             that an error does not breed more; with own_answers it stays.
 *   requests  the context is read once, before any question is known; each question goes to a fork of that
 *             session, which is dropped.  (An attention mode that keeps a state of its own cannot be forked:
 *             there the session is cut back to the context instead.)
 *
 * Thread: one at a time per call; several calls may share a model.
 */
#pragma once

#include "app/eval/layout.h"

G_BEGIN_DECLS

typedef enum {
  LW_EVAL_MODE_TURNS,
  LW_EVAL_MODE_REQUESTS,
} LwEvalMode;

/* Who answers.  The oracles need no model; they show what the pipeline makes of right and of no answers. */
typedef enum {
  LW_EVAL_WHO_MODEL,
  LW_EVAL_WHO_PERFECT, /* the gold answer */
  LW_EVAL_WHO_EMPTY,   /* nothing */
} LwEvalWho;

typedef struct {
  guint turn;
  const char *reply;   /* UTF-8, borrowed for the call */
  const char *stop;    /* "end", "length", "context", "oracle" */
  gint64 n_prompt, n_shared, n_reused, n_generated; /* as in LwEvalResult */
  gint64 kv_bytes;
  double first_token, vision_seconds, prefill_seconds, generate_seconds;
} LwEvalAnswer;

typedef struct {
  LwEvalWho who;
  lw_model *model;     /* NULL for an oracle */
  LwEvalMode mode;
  gboolean own_answers;
  lw_session_params session; /* n_ctx is set by the runner */
  const gint *cancel;

  /* An answer; FALSE ends the run with *error set. */
  gboolean (*on_answer) (gpointer user, const LwEvalAnswer *answer, GError **error);
  /* Share of the sample that is done, 0..1; may be NULL. */
  void (*on_progress) (gpointer user, double done);
  gpointer user;
} LwEvalRunner;

/* n_tokens: lw_eval_layout_room() of the sample.
 * Errors: CANCELLED (answers given so far stay good), those of the engine, of opening media and of on_answer. */
gboolean lw_eval_run (const LwEvalRunner *runner, const LwEvalSample *sample, gint64 n_tokens, GError **error);

G_END_DECLS
