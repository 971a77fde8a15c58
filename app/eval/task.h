/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The roster of evaluation tasks: one file each under tasks/, one line each in registry.c.
 */
#pragma once

#include "app/eval/sample.h"

G_BEGIN_DECLS

/* A context always holds what the turns ask for: a task that is given too few units makes more, and the
 * sample's `units` says how many. */
#define LW_EVAL_TURNS_MAX 64
#define LW_EVAL_UNITS_MAX 4000000

typedef struct {
  int turns;            /* questions about one context, 1 to LW_EVAL_TURNS_MAX */
  gboolean hard;        /* decoys one character away, longer chains: see each task */
  const char *variant;  /* a task's own choice, or NULL for its default: e.g. vt "repeat" */
} LwEvalOptions;

typedef struct {
  const char *name;     /* as typed: kv, prefix_suffix, vt, ... */
  const char *title;    /* one line for people */
  gboolean visual;
  int least_units;
  double tokens_per_unit; /* a first guess for bisection (Longwave Mini's tokenizer) */
  /* Returns a sample, or NULL with LW_EVAL_ERROR_OPTION naming the option and the number.  Any thread. */
  LwEvalSample *(*make) (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options,
                         GError **error);
} LwEvalTask;

/* What every `make` checks first: turns, units, and that the variant is NULL, one of `variants`
 * (NULL-terminated; NULL for none) or, when `fixed_depth` is not NULL, "at=N" with N from 0 to 100: all golds
 * as near as possible to that percentage of the context.  *fixed_depth is -1 without one. */
gboolean lw_eval_options_check (const char *task, int units, const LwEvalOptions *options,
                                const char *const *variants, int *fixed_depth, GError **error);

/* NULL-terminated; static. */
const LwEvalTask *const *lw_eval_tasks (void);
const LwEvalTask *lw_eval_task_find (const char *name);

G_END_DECLS
