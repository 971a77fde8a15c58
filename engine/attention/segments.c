/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bidirectional attention inside row segments: the vision tower's windows and full layers.
 */
#include "engine/attention/attention.h"

#include <math.h>

#define TILE_ROWS 64

typedef struct {
    const lw_kernels *kernels;
    const float *q, *k, *v;
    gsize stride;
    float *out;
    guint n_head;
    int head_dim;
    const gint32 *tiles; /* [n_tiles][3]: first row, end, segment */
    const gint32 *bounds;
    char *scratch;
    gsize thread_bytes;
} segments_ctx;

gsize lw_attend_segments_scratch_bytes(int head_dim, int n_threads)
{
    gsize per = LW_ATTN_SCRATCH + (TILE_ROWS * ((gsize)head_dim + 2) * sizeof(float) + 63) / 64 * 64;

    return per * (gsize)n_threads;
}

static void segment_task(void *user, int task, int worker)
{
    const segments_ctx *c = user;
    const gint32 *tile = c->tiles + (gsize)task / c->n_head * 3;
    gsize head = (gsize)task % c->n_head, d = (gsize)c->head_dim;
    int rows = tile[1] - tile[0];
    char *p = c->scratch + (gsize)worker * c->thread_bytes;
    float *o = (float *)(p + LW_ATTN_SCRATCH), *m = o + TILE_ROWS * d, *l = m + TILE_ROWS;
    lw_attn_step step = {
        .q = c->q + (gsize)tile[0] * c->stride + head * d,
        .q_stride = c->stride,
        .kv_stride = c->stride,
        .rows = rows,
        .d = c->head_dim,
        .scale = 1.0f / sqrtf((float)c->head_dim),
        .m = m,
        .l = l,
        .o = o,
        .scratch = p,
    };

    for (int r = 0; r < rows; r++) {
        m[r] = -INFINITY;
        l[r] = 0;
    }
    memset(o, 0, (gsize)rows * d * sizeof(float));
    int end = c->bounds[tile[2] + 1];
    for (int first = c->bounds[tile[2]]; first < end; first += LW_ATTN_TILE) {
        step.n_keys = MIN(LW_ATTN_TILE, end - first);
        step.k = c->k + (gsize)first * c->stride + head * d;
        step.v = c->v + (gsize)first * c->stride + head * d;
        c->kernels->attn_step_f32(&step);
    }
    for (int r = 0; r < rows; r++) {
        float inv = 1.0f / l[r];
        float *dst = c->out + ((gsize)(tile[0] + r) * c->n_head + head) * d;
        for (gsize k = 0; k < d; k++)
            dst[k] = o[(gsize)r * d + k] * inv;
    }
}

gboolean lw_attend_segments(lw_pool *pool, const lw_kernels *k, const float *q, const float *key,
                            const float *value, gsize stride, float *out, guint n_head, int head_dim,
                            const gint32 *bounds, int n_segments, char *scratch, const gint *cancel)
{
    GArray *tiles = g_array_new(FALSE, FALSE, 3 * sizeof(gint32));

    for (int s = 0; s < n_segments; s++) {
        for (gint32 r = bounds[s]; r < bounds[s + 1]; r += TILE_ROWS) {
            gint32 t[3] = {r, MIN(r + TILE_ROWS, bounds[s + 1]), s};
            g_array_append_vals(tiles, t, 1);
        }
    }
    segments_ctx c = {
        .kernels = k,
        .q = q,
        .k = key,
        .v = value,
        .stride = stride,
        .out = out,
        .n_head = n_head,
        .head_dim = head_dim,
        .tiles = (const gint32 *)tiles->data,
        .bounds = bounds,
        .scratch = scratch,
        .thread_bytes = lw_attend_segments_scratch_bytes(head_dim, 1),
    };
    gboolean ok = lw_pool_run(pool, (int)(tiles->len * n_head), segment_task, &c, cancel);
    g_array_unref(tiles);
    return ok;
}
