/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How sure is a mean?  Three answers, all of them reproducible (the resampling is seeded by a constant):
 *
 *   right or wrong answers   Wilson's interval for a share.  It takes the answers for independent; those
 *                            about one context are not quite, so it is a little too narrow.
 *   graded answers           the bootstrap over sessions: whole sessions are drawn again with replacement,
 *                            because answers about one context hang together; percentiles of the mean.  Where
 *                            all sessions are alike that says nothing, and Wilson's interval is taken.
 *   two modes, same samples  the bootstrap over sessions of the difference, and for right or wrong answers
 *                            McNemar's exact test of the pairs that disagree.
 *
 * Thread: pure functions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_EVAL_RESAMPLES 2000

/* Both ends NaN: there is too little to say (no answer, or a bootstrap over fewer than two sessions). */
typedef struct {
  double low, high;
} LwEvalInterval;

/* 95 % interval of `right` out of n; right may be a sum of grades. */
LwEvalInterval lw_eval_wilson (double right, guint n);

/* 95 % interval of the mean of values[n]; groups[i] is the session that answer i belongs to, ascending. */
LwEvalInterval lw_eval_bootstrap (const double *values, const int *groups, guint n);

/* Two-sided exact probability, under equal chances, that pairs which disagree are split at least as
 * unevenly as `better` to `worse`; 1 when none disagree. */
double lw_eval_mcnemar (guint better, guint worse);

double lw_eval_mean (const double *values, guint n);   /* NaN for none */
double lw_eval_median (const double *values, guint n); /* NaN for none */

G_END_DECLS
