/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/attention/watch.h"

#include "engine/kv/store.h"

#include <math.h>

#define MAX_HEAD 512 /* elements; no kernel takes larger ones */

typedef struct {
    const lw_attend *call;
    gsize row; /* of the call */
    gsize group, d, n_keys;
    float *p; /* [n_head][n_keys] */
} job;

/* All heads that share the keys of one KV head. */
static void kv_head_task(void *user, int task, int worker)
{
    const job *j = user;
    const lw_attend *a = j->call;
    gsize first = a->window && a->window < j->n_keys ? j->n_keys - a->window : 0;
    const float *q = a->q + (j->row * a->n_head + (gsize)task * j->group) * j->d;
    float *p = j->p + (gsize)task * j->group * j->n_keys, key[MAX_HEAD];

    for (gsize k = 0; k < j->n_keys; k++) {
        if (k >= first)
            lw_kv_load_k(a->kv, a->layer, (guint)task, k, key);
        for (gsize g = 0; g < j->group; g++) {
            float dot = 0;
            for (gsize e = 0; e < j->d; e++)
                dot += q[g * j->d + e] * key[e];
            p[g * j->n_keys + k] = k >= first ? dot * a->scale : -INFINITY;
        }
    }
    for (gsize g = 0; g < j->group; g++) {
        float *row = p + g * j->n_keys, max = -INFINITY;
        double sum = 0;
        for (gsize k = first; k < j->n_keys; k++)
            max = MAX(max, row[k]);
        for (gsize k = 0; k < j->n_keys; k++)
            sum += row[k] = k >= first ? expf(row[k] - max) : 0;
        for (gsize k = first; k < j->n_keys; k++)
            row[k] = (float)(row[k] / sum);
    }
}

gboolean lw_attention_watch_run(const lw_attention_watch *w, const lw_attend *a)
{
    const lw_kv_shape *shape = lw_kv_seq_shape(a->kv);
    gsize from = MAX(w->from, a->start), to = MIN(w->to, a->start + a->n_rows);
    job j = {.call = a, .group = a->n_head / shape->n_head_kv, .d = shape->head_dim, .p = w->p};

    g_return_val_if_fail(j.d <= MAX_HEAD, FALSE);
    for (gsize r = from; r < to; r++) {
        j.row = r - a->start;
        j.n_keys = r + 1;
        if (!lw_pool_run(a->pool, (int)shape->n_head_kv, kv_head_task, &j, a->cancel))
            return FALSE;
        for (guint h = 0; h < a->n_head; h++) {
            lw_attention_row row = {a->layer, h, r, j.n_keys, j.p + h * j.n_keys};
            w->fn(w->user, &row);
        }
    }
    return TRUE;
}
