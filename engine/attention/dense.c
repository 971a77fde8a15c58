/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Dense causal attention over the paged cache, as FlashAttention orders it: query tiles stay, key
 * tiles pass, the softmax is kept online.  All heads of a GQA group share one pass over their keys.
 * Pages that lie outside the window of every query of a tile are not read.
 *
 * Many rows: one task per (KV head, tile of query positions).  Few rows (decode): the keys are split
 * into runs of fixed length, one task per (KV head, run), and the partial results are merged in order;
 * the run length depends on nothing but constants, so results do not depend on the thread count.
 */
#include "engine/attention/attention.h"

#include "engine/attention/crude.h"

#include <math.h>

#define TILE_ROWS 256 /* rows of a step wanted, for many query positions */
#define SPLIT_PAGES 8 /* pages per decode task: 512 keys */
#define FEW_ROWS 8    /* up to here the split path is taken */

static gsize align64(gsize n)
{
    return (n + 63) & ~(gsize)63;
}

/* Query positions per task; times the group size they are the rows of a step, which all share what is prepared
 * of a tile of keys. */
static gsize tile_positions(guint group)
{
    return CLAMP(TILE_ROWS / group / 16 * 16, 32, 128);
}

/* Per-thread scratch: the kernel's own two, then gathered queries, accumulators, m, l, and the
 * first and end of the visible keys. */
static gsize tile_rows_max(guint group)
{
    return tile_positions(group) * group;
}

static gsize thread_bytes(guint group, gsize d)
{
    gsize rows = tile_rows_max(group);

    return LW_ATTN_SCRATCH + align64(LW_ATTN_Q_WORK(rows, d)) + 2 * align64(rows * d * sizeof(float)) +
           4 * align64(rows * sizeof(float));
}

gsize lw_attention_scratch_bytes(const lw_kv_shape *shape, guint n_head, gsize max_rows, gsize max_ctx,
                                 int n_threads)
{
    guint group = n_head / shape->n_head_kv;
    gsize splits = max_ctx / (SPLIT_PAGES * LW_KV_PAGE) + 1;
    gsize partial = splits * FEW_ROWS * n_head * (shape->head_dim + 2) * sizeof(float);

    return MAX((gsize)n_threads * thread_bytes(group, shape->head_dim) + align64(partial),
               lw_crude_scratch_bytes(shape, n_head, n_threads));
}

typedef struct {
    float *q, *o, *m, *l;
    gint32 *first, *visible;
    void *kernel, *q_work;
} tile_scratch;

static tile_scratch carve(char *p, gsize rows, gsize d)
{
    tile_scratch t;

    t.kernel = p;
    p += LW_ATTN_SCRATCH;
    t.q_work = p;
    p += align64(LW_ATTN_Q_WORK(rows, d));
    t.q = (float *)p;
    p += align64(rows * d * sizeof(float));
    t.o = (float *)p;
    p += align64(rows * d * sizeof(float));
    t.m = (float *)p;
    p += align64(rows * sizeof(float));
    t.l = (float *)p;
    p += align64(rows * sizeof(float));
    t.first = (gint32 *)p;
    p += align64(rows * sizeof(float));
    t.visible = (gint32 *)p;
    return t;
}

typedef struct {
    const lw_attend *call;
    guint group, head_dim, n_head_kv;
    gsize thread_bytes;
    /* split path */
    gsize split0, n_splits; /* the first split that anybody sees, and how many */
    float *partial_o, *partial_m, *partial_l; /* [n_splits][n_head_kv][rows * group] (x d) */
} dense_ctx;

/* Queries of positions [p0, p0 + n) of one group, rows ordered (position, head of group). */
static void gather_queries(const dense_ctx *c, guint kv_head, gsize p0, gsize n, float *q)
{
    const lw_attend *a = c->call;
    gsize d = c->head_dim, row = (gsize)a->n_head * d;

    for (gsize i = 0; i < n; i++)
        memcpy(q + i * c->group * d, a->q + (p0 + i) * row + (gsize)kv_head * c->group * d,
               c->group * d * sizeof(float));
}

/* The first key that the query of row p sees. */
static gsize first_key(const lw_attend *a, gsize p)
{
    gsize end = a->start + p + 1;

    return a->window && a->window < end ? end - a->window : 0;
}

static void (*step_of(const lw_kernels *k, lw_kv_type type))(const lw_attn_step *)
{
    switch (type) {
    case LW_KV_F16:
        return k->attn_step_f16;
    case LW_KV_F32:
        return k->attn_step_f32;
    case LW_KV_Q8_0:
        return k->attn_step_q8_0;
    }
    g_return_val_if_reached(NULL);
}

/* Pass the pages [page0, page1) over the rows of positions [p0, p0 + n). */
static void visit_pages(const dense_ctx *c, guint kv_head, gsize p0, gsize n, gsize page0, gsize page1,
                        tile_scratch *t, float *o, float *m, float *l)
{
    const lw_attend *a = c->call;
    gsize rows = n * c->group;
    gsize n_keys_total = a->start + a->n_rows;
    lw_attn_step step = {
        .q = t->q,
        .q_stride = c->head_dim,
        .kv_stride = c->head_dim,
        .rows = (int)rows,
        .d = (int)c->head_dim,
        .scale = a->scale,
        .m = m,
        .l = l,
        .o = o,
        .scratch = t->kernel,
        .q_work = t->q_work,
    };
    void (*run)(const lw_attn_step *) = step_of(a->kernels, lw_kv_seq_shape(a->kv)->type);

    for (gsize r = 0; r < rows; r++) {
        m[r] = -INFINITY;
        l[r] = 0;
    }
    memset(o, 0, rows * c->head_dim * sizeof(float));

    /* Position p sees keys up to start + p: part of a tile, or all of it. */
    gsize end = MIN(page1, (a->start + p0 + n - 1) / LW_KV_PAGE + 1);
    for (gsize page = MAX(page0, first_key(a, p0) / LW_KV_PAGE); page < end; page++) {
        gsize first = page * LW_KV_PAGE;
        step.n_keys = (int)MIN((gsize)LW_KV_PAGE, n_keys_total - first);
        step.first = step.visible = NULL;
        if (first + (gsize)step.n_keys > a->start + p0 + 1 || first_key(a, p0 + n - 1) > first) {
            for (gsize i = 0; i < n; i++) {
                gint64 see = (gint64)(a->start + p0 + i + 1) - (gint64)first;
                gint64 from = (gint64)first_key(a, p0 + i) - (gint64)first;
                for (guint g = 0; g < c->group; g++) {
                    t->visible[i * c->group + g] = (gint32)CLAMP(see, 0, step.n_keys);
                    t->first[i * c->group + g] = (gint32)CLAMP(from, 0, step.n_keys);
                }
            }
            step.first = t->first;
            step.visible = t->visible;
        }
        step.k = lw_kv_seq_k(a->kv, a->layer, kv_head, page);
        step.v = lw_kv_seq_v(a->kv, a->layer, kv_head, page);
        /* Past the run's end too: with as many threads as KV heads the same thread mostly goes on there. */
        for (gsize i = 0; i < LW_ATTN_AHEAD; i++) {
            gsize next = MIN(page + 1 + i, (n_keys_total - 1) / LW_KV_PAGE);
            step.ahead_k[i] = lw_kv_seq_k(a->kv, a->layer, kv_head, next);
            step.ahead_v[i] = lw_kv_seq_v(a->kv, a->layer, kv_head, next);
        }
        step.last = page + 1 == end;
        run(&step);
        step.same_q = TRUE;
    }
}

/* o / l into the output rows. */
static void write_rows(const dense_ctx *c, guint kv_head, gsize p0, gsize n, const float *o,
                       const float *l)
{
    const lw_attend *a = c->call;
    gsize d = c->head_dim;

    for (gsize i = 0; i < n; i++) {
        float *dst = a->out + ((p0 + i) * a->n_head + (gsize)kv_head * c->group) * d;
        for (guint g = 0; g < c->group; g++, dst += d) {
            gsize r = i * c->group + g;
            float inv = l[r] > 0 ? 1.0f / l[r] : 0.0f;
            for (gsize k = 0; k < d; k++)
                dst[k] = o[r * d + k] * inv;
        }
    }
}

static void tile_task(void *user, int task, int worker)
{
    const dense_ctx *c = user;
    const lw_attend *a = c->call;
    gsize positions = tile_positions(c->group), n_tiles = (a->n_rows + positions - 1) / positions;
    /* Later tiles see more keys: start with them, so that the threads finish together. */
    gsize tile = n_tiles - 1 - (gsize)task / c->n_head_kv;
    guint kv_head = (guint)((gsize)task % c->n_head_kv);
    gsize p0 = tile * positions, n = MIN(positions, a->n_rows - p0);
    tile_scratch t = carve(a->scratch + (gsize)worker * c->thread_bytes, tile_rows_max(c->group),
                           c->head_dim);

    gather_queries(c, kv_head, p0, n, t.q);
    visit_pages(c, kv_head, p0, n, 0, G_MAXSIZE, &t, t.o, t.m, t.l);
    write_rows(c, kv_head, p0, n, t.o, t.l);
}

static void split_task(void *user, int task, int worker)
{
    const dense_ctx *c = user;
    const lw_attend *a = c->call;
    gsize i = (gsize)task / c->n_head_kv, split = c->split0 + i;
    guint kv_head = (guint)((gsize)task % c->n_head_kv);
    gsize rows = a->n_rows * c->group, at = (i * c->n_head_kv + kv_head) * rows;
    tile_scratch t = carve(a->scratch + (gsize)worker * c->thread_bytes, tile_rows_max(c->group),
                           c->head_dim);

    gather_queries(c, kv_head, 0, a->n_rows, t.q);
    visit_pages(c, kv_head, 0, a->n_rows, split * SPLIT_PAGES, (split + 1) * SPLIT_PAGES, &t, t.o, t.m, t.l);
    /* m and l change with every tile, and those of two tasks share cache lines: they travel once. */
    memcpy(c->partial_o + at * c->head_dim, t.o, rows * c->head_dim * sizeof(float));
    memcpy(c->partial_m + at, t.m, rows * sizeof(float));
    memcpy(c->partial_l + at, t.l, rows * sizeof(float));
}

/* Merge the splits of one KV head, in order, into the first one's accumulators. */
static void merge_task(void *user, int task, int worker)
{
    const dense_ctx *c = user;
    const lw_attend *a = c->call;
    gsize d = c->head_dim, rows = a->n_rows * c->group;
    gsize base = (gsize)task * rows;

    for (gsize s = 1; s < c->n_splits; s++) {
        gsize at = (s * c->n_head_kv + (gsize)task) * rows;
        for (gsize r = 0; r < rows; r++) {
            float m0 = c->partial_m[base + r], m1 = c->partial_m[at + r];
            if (m1 == -INFINITY)
                continue;
            float m = MAX(m0, m1);
            float w0 = m0 == -INFINITY ? 0.0f : expf(m0 - m), w1 = expf(m1 - m);
            float *o0 = c->partial_o + (base + r) * d;
            const float *o1 = c->partial_o + (at + r) * d;
            for (gsize k = 0; k < d; k++)
                o0[k] = o0[k] * w0 + o1[k] * w1;
            c->partial_l[base + r] = c->partial_l[base + r] * w0 + c->partial_l[at + r] * w1;
            c->partial_m[base + r] = m;
        }
    }
    write_rows(c, (guint)task, 0, a->n_rows, c->partial_o + base * d, c->partial_l + base);
}

static gboolean dense_run(lw_attention *state, const lw_attend *a)
{
    const lw_kv_shape *shape = lw_kv_seq_shape(a->kv);
    dense_ctx c = {
        .call = a,
        .group = a->n_head / shape->n_head_kv,
        .head_dim = shape->head_dim,
        .n_head_kv = shape->n_head_kv,
    };

    c.thread_bytes = thread_bytes(c.group, c.head_dim);
    if (a->n_rows > FEW_ROWS) {
        gsize positions = tile_positions(c.group), n_tiles = (a->n_rows + positions - 1) / positions;
        return lw_pool_run(a->pool, (int)(n_tiles * c.n_head_kv), tile_task, &c, a->cancel);
    }

    gsize split_keys = SPLIT_PAGES * LW_KV_PAGE;
    c.split0 = first_key(a, 0) / split_keys;
    c.n_splits = (a->start + a->n_rows + split_keys - 1) / split_keys - c.split0;
    gsize n = c.n_splits * c.n_head_kv * a->n_rows * c.group;
    c.partial_o = (float *)(a->scratch + (gsize)lw_pool_n_threads(a->pool) * c.thread_bytes);
    c.partial_m = c.partial_o + n * c.head_dim;
    c.partial_l = c.partial_m + n;
    return lw_pool_run(a->pool, (int)(c.n_splits * c.n_head_kv), split_task, &c, a->cancel) &&
           lw_pool_run(a->pool, (int)c.n_head_kv, merge_task, &c, a->cancel);
}

const lw_attention_method lw_attention_dense = {
    .name = "dense",
    .summary = "every query sees every key before it (exact)",
    .run = dense_run,
};
