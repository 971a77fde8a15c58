/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `lw eval mass`: how concentrated a model's attention is, per layer and head.
 */
#pragma once

#include "app/cli/eval-jobs.h"

G_BEGIN_DECLS

/* tasks: of LwEvalTask; sizes: of int (tokens, or units when e->by_units). */
gboolean lw_cli_eval_mass(const lw_cli_eval_plan *e, const GPtrArray *tasks, const GArray *sizes, int sessions,
                          guint64 seed, gboolean json, GError **error);

G_END_DECLS
