/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Notices that an answer has fallen into a loop.
 *
 * For every period p up to LW_REPETITION_MAX_PERIOD the length of the tail is known in which each token equals the
 * one p places before.  The answer repeats itself once such a tail, the first period included, has as many tokens as
 * asked for, and LW_REPETITION_MIN_PERIODS periods at least.  That is exact: one token that differs, such as a row's
 * number, begins the count anew.  So it does not see loops whose turns differ (counting on for ever) or are longer
 * than the longest period; the context's end is what stops those.
 *
 * No allocation after lw_repetition_new(); LW_REPETITION_MAX_PERIOD comparisons per token.  One thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_REPETITION_MAX_PERIOD 512 /* tokens */
#define LW_REPETITION_MIN_PERIODS 4

typedef struct lw_repetition lw_repetition;

/* n_tokens > 0: the length of the tail from which on it counts. */
lw_repetition *lw_repetition_new(guint n_tokens);
void lw_repetition_free(lw_repetition *r);

/* The next token of the answer.  TRUE: the answer repeats itself. */
gboolean lw_repetition_push(lw_repetition *r, gint32 token);

G_END_DECLS
