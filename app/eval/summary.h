/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From answers to a table: a cell for each task, size and attention mode, and a pair for each two modes that
 * were asked the same.
 *
 * Thread: pure functions.
 */
#pragma once

#include "app/eval/result.h"
#include "app/eval/stats.h"

G_BEGIN_DECLS

#define LW_EVAL_DEPTH_BINS 5

typedef struct {
  double sum;
  guint n;
} LwEvalTally;

/* NaN for none. */
static inline double
lw_eval_tally_mean (const LwEvalTally *t)
{
  return t->n ? t->sum / t->n : (double) __builtin_nanf ("");
}

typedef struct {
  const char *task, *attention; /* borrowed from the results */
  int size;
  guint n, n_sessions;  /* answers, samples */
  double mean;
  LwEvalInterval interval; /* 95 % */
  gboolean bootstrap;   /* the interval is the bootstrap over sessions, else Wilson's */
  guint n_turns;
  LwEvalTally by_turn[LW_EVAL_MAX_TURNS];
  LwEvalTally by_depth[LW_EVAL_DEPTH_BINS]; /* equal parts of the context; spread golds are in none */
  double first_token[LW_EVAL_MAX_TURNS];    /* seconds, median of each turn */
  double tokens_per_second; /* of all answers together; NaN: nothing was generated */
  gint64 kv_bytes;          /* the largest */
  double reused;            /* share of all prompt tokens that came from the cache; NaN: no prompts */
  double reused_later;      /* the same without each session's first turn */
  gint64 missed;            /* most tokens that one prompt shared with what was read before and were read again */
} LwEvalCell;

typedef struct {
  const char *task, *a, *b; /* borrowed; modes */
  int size;
  guint n;                  /* questions that both answered */
  double difference;        /* mean of score of b - score of a */
  LwEvalInterval interval;  /* 95 %, bootstrap over sessions */
  gboolean graded;          /* no p */
  guint better, worse;      /* questions where b scores higher, lower */
  double p;                 /* McNemar */
} LwEvalPair;

/* results: sorted, no two for the same question (lw_eval_results_tidy()).  Cells come in the order of `tasks`
 * and `attentions` (NULL-terminated), by size in between; what these do not name comes last.  Of LwEvalCell. */
GArray *lw_eval_summarise (GPtrArray *results, gboolean strict, const char *const *tasks,
                           const char *const *attentions);

/* Each of `attentions` but the first against the first, in the order of `tasks` and of sizes.  Of LwEvalPair. */
GArray *lw_eval_compare (GPtrArray *results, gboolean strict, const char *const *tasks,
                         const char *const *attentions);

G_END_DECLS
