/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How concentrated attention is: for every layer and head, the share of its probability that lies on the few
 * keys it looks at most.  Measured on the rows that matter: a question about a long context, and the gold reply
 * as it would be written.
 */
#pragma once

#include "app/eval/length.h"

G_BEGIN_DECLS

/* Shares of the keys, the smallest first: 0.1 %, 1 %, 5 %. */
#define LW_EVAL_MASS_SHARES 3
extern const double lw_eval_mass_shares[LW_EVAL_MASS_SHARES];

/* Sums over rows. */
typedef struct {
  double top[LW_EVAL_MASS_SHARES]; /* probability on the likeliest keys; at least one key counts */
  double edges;                    /* on the first and the last 64 keys */
  guint n;
} LwEvalMass;

typedef struct {
  guint n_layer, n_head;
  LwEvalMass *question, *answer; /* [n_layer][n_head]: rows of the question; rows that choose the reply's tokens */
} LwEvalMassTable;

LwEvalMassTable *lw_eval_mass_table_new (const lw_model_info *info);
void lw_eval_mass_table_free (LwEvalMassTable *table);

/* Add the rows of a sample's first question; it has at least two.  progress may be NULL.
 * Errors: those of the engine. */
gboolean lw_eval_mass_add (LwEvalMassTable *table, lw_model *model, const lw_session_params *params,
                           const LwEvalSample *sample, gint64 n_tokens, lw_progress_fn progress, void *user,
                           const gint *cancel, GError **error);

/* One row: what its likeliest keys hold.  p: [n], reordered. */
void lw_eval_mass_row (LwEvalMass *mass, float *p, gsize n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwEvalMassTable, lw_eval_mass_table_free)

G_END_DECLS
