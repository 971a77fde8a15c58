/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Does a model fit this machine, and how much context can it have?
 */
#pragma once

#include "engine/lw-engine.h"

G_BEGIN_DECLS

/* Share of the memory that is available now which weights and cache may take together. */
#define LW_FIT_SHARE 0.9
/* A context shorter than this is not worth starting. */
#define LW_FIT_MIN_CTX 512

/* Tokens of context: `asked` (0: what the model was trained for), less when memory is short and nothing
 * was asked for.  Errors: NO_MEMORY naming the model, what it needs and what there is. */
gboolean lw_fit_context(const lw_model_info *info, guint32 asked, lw_kv_type type, guint64 available,
                        guint64 total, guint32 *n_ctx, GError **error);

G_END_DECLS
