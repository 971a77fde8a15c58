/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The roster of evaluation tasks: one file each under tasks/, one line each in registry.c.
 */
#pragma once

#include "app/eval/sample.h"

G_BEGIN_DECLS

typedef struct {
  int turns;            /* questions about one context, 1 to 64 */
  gboolean hard;        /* decoys one character away, longer chains: see each task */
  const char *variant;  /* a task's own choice, or NULL for its default: e.g. vt "repeat" */
} LwEvalOptions;

typedef struct {
  const char *name;     /* as typed: kv, prefix_suffix, vt, ... */
  const char *title;    /* one line for people */
  gboolean visual;
  int least_units;
  double tokens_per_unit; /* a first guess for bisection (Longwave Mini's tokenizer) */
  /* Returns a sample, or NULL with G_IO_ERROR_INVALID_ARGUMENT naming the option and the number. */
  LwEvalSample *(*make) (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options,
                         GError **error);
} LwEvalTask;

/* NULL-terminated; static. */
const LwEvalTask *const *lw_eval_tasks (void);
const LwEvalTask *lw_eval_task_find (const char *name);

G_END_DECLS
