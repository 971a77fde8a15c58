/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Walking a grammar along an answer: which tokens may come next?
 *
 * The grammar's automaton is made deterministic as it is used: a *state* is the set of all
 * configurations (node, stack of return nodes) that the bytes so far lead to, found once and
 * numbered, and a byte's step from a state is remembered.  The tokens allowed in a state are found
 * by running the sorted vocabulary through it, where tokens share the work of their common
 * beginnings; the resulting bit set is kept for the state.  Control tokens are never allowed, but
 * for those that end a generation, and they exactly where the grammar may end.
 *
 * One thread at a time.
 */
#pragma once

#include "engine/grammar/grammar.h"
#include "engine/tokenizer/tokenizer.h"

G_BEGIN_DECLS

/* ---- The matcher: bytes only ---- */

typedef struct lw_matcher lw_matcher;

/* Where an answer stands; 0 is "no answer begins like this".  Valid until the matcher forgets
 * (lw_matcher_forget(), freeing). */
typedef guint32 lw_matcher_state;

lw_matcher *lw_matcher_new(lw_grammar *g);
void lw_matcher_free(lw_matcher *m);
lw_matcher_state lw_matcher_start(lw_matcher *m);
lw_matcher_state lw_matcher_step(lw_matcher *m, lw_matcher_state s, guint8 byte);
/* May the answer end here? */
gboolean lw_matcher_may_end(const lw_matcher *m, lw_matcher_state s);
/* A limit was hit since the last lw_matcher_forget(): stacks deeper than 1,024, more than 4,096
 * configurations at once, or too much memory; what it cut off counts as "does not match". */
gboolean lw_matcher_hit_limit(const lw_matcher *m);
/* Bytes held.  Past some megabytes the owner should forget. */
gsize lw_matcher_bytes(const lw_matcher *m);
/* Drop all states but s; returns its new number. */
lw_matcher_state lw_matcher_forget(lw_matcher *m, lw_matcher_state s);

/* ---- Tokens ---- */

typedef struct lw_constraint lw_constraint;

/* The tokenizer is borrowed; the grammar is referenced.  Sorts the vocabulary: some 50 ms for
 * 150,000 tokens.  Errors: NO_MEMORY. */
lw_constraint *lw_constraint_new(lw_grammar *g, const lw_tokenizer *t, GError **error);
void lw_constraint_free(lw_constraint *c);

/* Back to the beginning of an answer. */
void lw_constraint_reset(lw_constraint *c);
/* Bit i of word i / 32: token i may come next.  Borrowed until the next call.
 * Errors: INVALID when no token may (the grammar wants a byte that the vocabulary lacks, or a
 * limit). */
const guint32 *lw_constraint_allowed(lw_constraint *c, GError **error);
/* The answer goes on with an allowed token (one that ends it changes nothing).  FALSE: it was not
 * allowed, and nothing changed. */
gboolean lw_constraint_accept(lw_constraint *c, gint32 token);
/* May the answer end here? */
gboolean lw_constraint_may_end(const lw_constraint *c);

G_END_DECLS
