/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The samples of an evaluation, asked by several threads: each takes the next sample, makes it, asks it in every
 * attention mode, and hands over its answers as they come.
 */
#pragma once

#include "app/eval/record.h"
#include "app/eval/runner.h"
#include "app/eval/task.h"

G_BEGIN_DECLS

/* A mode of --attn. */
typedef struct {
    char *label; /* in tables; that of a mode given twice ends in "#2" */
    char *mode;  /* for the engine; NULL: the default */
} lw_cli_eval_mode;

typedef struct {
    const LwEvalTask *task;
    int size, session; /* size: tokens at most, or units */
    guint64 seed;
    const char *file; /* published sessions: where from; `session` is the row there.  NULL: made from the seed */
    gboolean *done;   /* [n_modes]: an earlier run did these */
} lw_cli_eval_unit;

typedef struct {
    lw_model *model; /* NULL: an oracle answers */
    LwEvalWho who;
    LwEvalMode how;
    gboolean by_units, own_answers;
    LwEvalOptions options;
    lw_session_params session; /* attention is set from modes */
    const lw_cli_eval_mode *modes;
    guint n_modes;
    int n_jobs;

    GArray *units;        /* of lw_cli_eval_unit; those of a file together, by row */
    LwEvalRecord *record; /* NULL: results are only kept in memory */

    /* Grow. */
    GPtrArray *results;   /* of LwEvalResult */
    GPtrArray *manifests; /* of LwEvalManifest */
    guint n_done;         /* units of this run, wholly asked */
    guint n_skipped;      /* units that cannot be made so short, or that a file has longer */
} lw_cli_eval_plan;

/* Ask everything that is not done; shows progress on stderr.  Errors: CANCELLED after Ctrl-C, or the first error
 * of a thread, upon which the others stop as well; results so far are kept in both cases. */
gboolean lw_cli_eval_run(lw_cli_eval_plan *e, GError **error);

G_END_DECLS
