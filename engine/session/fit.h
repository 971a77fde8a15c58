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

/* Tokens of context: `asked` (0: what the model was trained for), less when memory is short and
 * nothing was asked for.  Errors: NO_MEMORY naming the model, what it needs and what there is. */
gboolean lw_fit_context(const lw_model_info *info, guint32 asked, lw_kv_type type,
                        guint64 available, guint64 total, guint32 *n_ctx, GError **error);

/* The largest context that memory allows with this type of cache, a multiple of 64; 0: none, or the
 * model cannot have this type.  Not limited by what the model was trained for. */
guint32 lw_fit_largest(const lw_model_info *info, lw_kv_type type, guint64 available);

/* What can be done about a prompt that does not fit.  type: of the cache in use; available: memory,
 * counting the cache as free. */
void lw_fit_choose(const lw_model_info *info, guint32 n_ctx, lw_kv_type type, guint64 available,
                   gsize n_needed, lw_fit_choices *out);

/* "3,447,104", whatever the language: for messages of the engine, which are English.  Free with g_free(). */
char *lw_fit_group(guint64 n);

G_END_DECLS
