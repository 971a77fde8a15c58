/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/check.h"

#include <math.h>
#include <string.h>

#include "engine/base/pool.h"
#include "engine/kernels/weight.h"
#include "engine/lw-error.h"

/* Values at a time: a whole number of blocks of every type. */
#define CHUNK 4096

typedef struct {
    const lw_gguf_tensor *t;
    const lw_weight_type *type;
    gsize n_values;
    gint64 bad[LW_POOL_MAX_THREADS][8]; /* a cache line each */
} job;

static void check_chunk(void *ctx, int task, int worker)
{
    job *j = ctx;
    float values[CHUNK];
    gsize first = (gsize)task * CHUNK, n = MIN((gsize)CHUNK, j->n_values - first);
    gint64 bad = 0;

    j->type->dequant(lw_kernels_get(),
                     (const guint8 *)j->t->data + first / j->type->elems * j->type->block_bytes,
                     values, n);
    for (gsize i = 0; i < n; i++)
        bad += !isfinite(values[i]);
    j->bad[worker][0] += bad;
}

gboolean lw_cli_check_weights(const lw_gguf *g, const gint *cancel, lw_cli_check *out,
                              GError **error)
{
    g_autofree job *j = g_new(job, 1);
    lw_pool *pool = lw_pool_new(0);
    gboolean ok = TRUE;

    *out = (lw_cli_check){0};
    for (gsize i = 0; ok && i < lw_gguf_n_tensors(g); i++) {
        const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
        const lw_weight_type *type = lw_weight_type_get(t->type);
        if (!type) {
            out->n_skipped++;
            continue;
        }
        memset(j, 0, sizeof *j);
        j->t = t;
        j->type = type;
        j->n_values = t->n_bytes / type->block_bytes * type->elems;
        gint64 bad = 0;
        ok = lw_pool_run(pool, (int)MIN((j->n_values + CHUNK - 1) / CHUNK, (gsize)G_MAXINT),
                         check_chunk, j, cancel);
        for (int w = 0; w < LW_POOL_MAX_THREADS; w++)
            bad += j->bad[w][0];
        out->n_values += (gint64)j->n_values;
        out->n_bad += bad;
        if (bad && !out->tensor) {
            out->tensor = t->name;
            out->tensor_bad = bad;
        }
    }
    lw_pool_free(pool);
    if (!ok)
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED,
                    "%s: stopped before all weights were read", lw_gguf_path(g));
    else if (!lw_gguf_is_intact(g)) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_IO,
                    "%s: the file became shorter while it was read", lw_gguf_path(g));
        ok = FALSE;
    }
    return ok;
}
