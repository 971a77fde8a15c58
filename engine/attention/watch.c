/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scores of a few rows, a page of keys at a time; then the softmax of each row.
 */
#include "engine/attention/watch.h"

#include "engine/kv/store.h"

#include <math.h>
#include <string.h>

typedef struct {
    const lw_attend *call;
    gsize row, n_rows;  /* of the call */
    gsize n_keys;       /* of the last of them */
    gsize stride;       /* of p: keys */
    gsize group, d, n_head_kv;
    float *p;           /* [n_rows][n_head][stride] */
    float *tiles;       /* [n_threads][LW_KV_PAGE][d] */
} job;

/* n keys of a page as floats. */
static void unpack(const job *j, guint kv_head, gsize page, gsize n, float *tile)
{
    const lw_attend *a = j->call;

    if (lw_kv_seq_shape(a->kv)->type == LW_KV_F16) {
        a->kernels->f16_to_f32(lw_kv_seq_k(a->kv, a->layer, kv_head, page), tile, n * j->d);
        return;
    }
    for (gsize i = 0; i < n; i++)
        lw_kv_load_k(a->kv, a->layer, kv_head, page * LW_KV_PAGE + i, tile + i * j->d);
}

static void score_task(void *user, int task, int worker)
{
    const job *j = user;
    const lw_attend *a = j->call;
    guint kv_head = (guint)((gsize)task % j->n_head_kv);
    gsize page = (gsize)task / j->n_head_kv, first = page * LW_KV_PAGE, n = MIN((gsize)LW_KV_PAGE, j->n_keys - first);
    float *tile = j->tiles + (gsize)worker * LW_KV_PAGE * j->d;

    unpack(j, kv_head, page, n, tile);
    for (gsize r = 0; r < j->n_rows; r++)
        for (gsize g = 0; g < j->group; g++) {
            gsize head = kv_head * j->group + g;
            float *p = j->p + (r * a->n_head + head) * j->stride + first;
            a->kernels->matvec_f32(tile, j->d * sizeof(float), (int)n, (int)j->d,
                                   a->q + ((j->row + r) * a->n_head + head) * j->d, p);
        }
}

static void softmax_task(void *user, int task, int worker)
{
    const job *j = user;
    const lw_attend *a = j->call;
    gsize end = a->start + j->row + (gsize)task / a->n_head + 1;
    gsize first = a->window && a->window < end ? end - a->window : 0;
    float *p = j->p + (gsize)task * j->stride, max = -INFINITY;
    double sum = 0;

    for (gsize k = first; k < end; k++)
        max = MAX(max, p[k]);
    for (gsize k = first; k < end; k++)
        sum += p[k] = expf((p[k] - max) * a->scale);
    for (gsize k = first; k < end; k++)
        p[k] = (float)(p[k] / sum);
    memset(p, 0, first * sizeof(float));
}

gboolean lw_attention_watch_run(const lw_attention_watch *w, const lw_attend *a)
{
    const lw_kv_shape *shape = lw_kv_seq_shape(a->kv);
    gsize from = MAX(w->from, a->start), to = MIN(w->to, a->start + a->n_rows);
    gboolean ok = TRUE;

    if (from >= to)
        return TRUE;
    job j = {
        .call = a,
        .stride = w->to,
        .group = a->n_head / shape->n_head_kv,
        .d = shape->head_dim,
        .n_head_kv = shape->n_head_kv,
        .p = w->p,
        .tiles = g_new(float, (gsize)lw_pool_n_threads(a->pool) * LW_KV_PAGE * shape->head_dim),
    };
    for (gsize at = from; ok && at < to; at += j.n_rows) {
        j.row = at - a->start;
        j.n_rows = MIN((gsize)LW_WATCH_ROWS, to - at);
        j.n_keys = at + j.n_rows;
        gsize n_pages = (j.n_keys + LW_KV_PAGE - 1) / LW_KV_PAGE;
        ok = lw_pool_run(a->pool, (int)(n_pages * j.n_head_kv), score_task, &j, a->cancel) &&
             lw_pool_run(a->pool, (int)(j.n_rows * a->n_head), softmax_task, &j, a->cancel);
        for (guint i = 0; ok && i < j.n_rows * a->n_head; i++) {
            gsize row = at + i / a->n_head;
            lw_attention_row seen = {a->layer, i % a->n_head, row, row + 1, j.p + i * j.stride};
            w->fn(w->user, &seen);
        }
    }
    g_free(j.tiles);
    return ok;
}
