/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The CPU backend: walks the nodes and hands each to its kernel, rows spread over the pool.
 */
#include "engine/backend/backend.h"

#include "engine/base/alloc.h"
#include "engine/base/cpu.h"
#include "engine/kernels/weight.h"
#include "engine/kv/store.h"

#include <math.h>

extern const lw_backend lw_backend_cpu;

struct lw_device {
    lw_pool *pool;
    const lw_kernels *kernels;
    char *description;
};

struct lw_exec {
    lw_device *device;
    const lw_graph *graph;
    lw_plan *plan;
    char *arena;
    char *linear_scratch;
    char *attention_scratch;
};

static gboolean cpu_available(char **why)
{
    return TRUE;
}

static lw_device *cpu_open(int n_threads, GError **error)
{
    lw_device *d = g_new0(lw_device, 1);

    d->pool = lw_pool_new(n_threads);
    d->kernels = lw_kernels_get();
    d->description = g_strdup_printf("CPU, %d thread%s, %s", lw_pool_n_threads(d->pool),
                                     lw_pool_n_threads(d->pool) == 1 ? "" : "s",
                                     lw_cpu_describe(lw_cpu_flags_get()));
    return d;
}

static void cpu_close(lw_device *d)
{
    lw_pool_free(d->pool);
    g_free(d->description);
    g_free(d);
}

static const char *cpu_describe(const lw_device *d)
{
    return d->description;
}

/* Cleared: pages are written to disk whole, and what was in this memory before is nobody's business there. */
static void *page_alloc(gsize n, GError **error)
{
    return lw_alloc0_array_try(n, 1, "a page of the KV cache", error);
}

static void page_copy(void *dst, const void *src, gsize n)
{
    memcpy(dst, src, n);
}

static const lw_kv_storage cpu_kv_storage = {page_alloc, lw_free, page_copy};

static void cpu_free_plan(lw_exec *e)
{
    if (!e)
        return;
    lw_plan_free(e->plan);
    lw_free(e->arena);
    lw_free(e->linear_scratch);
    lw_free(e->attention_scratch);
    g_free(e);
}

static lw_exec *cpu_plan(lw_device *d, const lw_graph *g, const lw_kv_shape *kv, gsize max_rows,
                         gsize max_out, gsize max_ctx, GError **error)
{
    lw_exec *e = g_new0(lw_exec, 1);
    int n_threads = lw_pool_n_threads(d->pool);
    gsize attention = kv ? lw_attention_scratch_bytes(kv, (guint)g->n_head, max_rows, max_ctx, n_threads)
                         : lw_attend_segments_scratch_bytes(g->head_dim, n_threads);

    e->device = d;
    e->graph = g;
    e->plan = lw_plan_new(g, max_rows, max_out, error);
    if (!e->plan)
        goto fail;
    e->arena = lw_alloc_try(e->plan->arena_bytes, "the working memory of the model", error);
    if (!e->arena)
        goto fail;
    e->linear_scratch = lw_alloc_try(
        lw_linear_scratch_bytes((int)e->plan->linear_rows, (int)e->plan->linear_cols, n_threads),
        "the working memory of the matrix products", error);
    if (!e->linear_scratch)
        goto fail;
    e->attention_scratch = lw_alloc_try(attention, "the working memory of attention", error);
    if (!e->attention_scratch)
        goto fail;
    return e;

fail:
    cpu_free_plan(e);
    return NULL;
}

/* ---- Row-parallel ops ---- */

#define ROWS_PER_TASK 16

typedef struct {
    lw_exec *e;
    const lw_node *n;
    const lw_step *step;
    gsize rows;
} row_ctx;

static float *value_data(const lw_exec *e, lw_val v)
{
    return (float *)(e->arena + e->plan->offset[v]);
}

static gsize value_cols(const lw_exec *e, lw_val v)
{
    return (gsize)g_array_index(e->graph->values, lw_value, v).cols;
}

/* One row of a token table in any type, times scale. */
static void embed_row(const lw_kernels *k, const lw_weight *w, gint32 token, float scale, float *dst)
{
    const char *row = (const char *)w->data + (gsize)token * w->row_bytes;
    gsize n = (gsize)w->n_in;

    lw_weight_type_get(w->type)->dequant(k, row, dst, n);
    if (scale != 1)
        for (gsize i = 0; i < n; i++)
            dst[i] *= scale;
}

/* A K and a V row into the pages: [n_head_kv][head_dim] goes to one token of every head's tile. */
static void store_rows(const lw_kernels *k, const lw_step *s, guint layer, gsize row, const float *key,
                       const float *value)
{
    const lw_kv_shape *shape = lw_kv_seq_shape(s->kv);
    gsize at = lw_kv_seq_len(s->kv) + row, d = shape->head_dim;

    for (guint h = 0; h < shape->n_head_kv; h++) {
        lw_kv_store_k(k, s->kv, layer, h, at, key + h * d);
        lw_kv_store_v(k, s->kv, layer, h, at, value + h * d);
    }
}

/* One row's mix of table rows: a position, or what lies between up to four of them. */
static void add_table_row(const lw_kernels *k, const lw_step *s, gsize row, const float *table, float *dst,
                          gsize cols)
{
    gsize mix = (gsize)s->table_mix;
    const gint32 *at = s->table_rows + row * mix;
    const float *share = s->table_shares ? s->table_shares + row * mix : NULL;

    for (gsize i = 0; i < mix; i++) {
        if (share)
            k->add_scaled(dst, table + (gsize)at[i] * cols, share[i], cols);
        else
            k->add(dst, table + (gsize)at[i] * cols, cols);
    }
}

static void row_task(void *user, int task, int worker)
{
    const row_ctx *c = user;
    lw_exec *e = c->e;
    const lw_node *n = c->n;
    const lw_step *s = c->step;
    const lw_kernels *k = e->device->kernels;
    gsize r0 = (gsize)task * ROWS_PER_TASK, r1 = MIN(r0 + ROWS_PER_TASK, c->rows);
    const float *a = n->a >= 0 ? value_data(e, n->a) : NULL, *b = n->b >= 0 ? value_data(e, n->b) : NULL;
    float *out = n->n_out ? value_data(e, n->out[0]) : NULL;
    gsize cols = value_cols(e, n->a >= 0 ? n->a : n->out[0]);
    gsize head_dim = n->n_heads ? cols / (gsize)n->n_heads : 0;
    gsize half = (n->rope.n_rot ? (gsize)n->rope.n_rot : head_dim) / 2;

    for (gsize r = r0; r < r1; r++) {
        switch (n->op) {
        case LW_OP_INPUT:
            memcpy(out + r * cols, s->input + (s->input_order ? (gsize)s->input_order[r] : r) * cols,
                   cols * sizeof(float));
            break;
        case LW_OP_EMBED:
            if (s->row && s->row[r])
                memcpy(out + r * cols, s->row[r], cols * sizeof(float));
            else
                embed_row(k, n->w[0], s->tokens[r], n->scale, out + r * cols);
            break;
        case LW_OP_RMSNORM:
            k->rmsnorm(a + r * cols, n->norm, out + r * cols, (int)cols, n->eps);
            break;
        case LW_OP_HEAD_NORM:
            for (gsize h = 0; h < cols; h += head_dim)
                k->rmsnorm(a + r * cols + h, n->norm, (float *)a + r * cols + h, (int)head_dim, n->eps);
            break;
        case LW_OP_ROPE:
            (n->rope.adjacent ? k->rope_adjacent : k->rope_half)(
                (float *)a + r * cols, n->n_heads, (int)head_dim, (int)half * 2,
                s->cos[n->rope.table] + r * half, s->sin[n->rope.table] + r * half);
            break;
        case LW_OP_STORE_KV:
            store_rows(k, s, n->layer, r, a + r * cols, b + r * cols);
            break;
        case LW_OP_LAYERNORM:
            k->layernorm(a + r * cols, n->norm, n->bias, out + r * cols, (int)cols, n->eps);
            break;
        case LW_OP_ADD:
            k->add((float *)a + r * cols, b + r * cols, cols);
            break;
        case LW_OP_ADD_VECTOR:
            k->add((float *)a + r * cols, n->norm, cols);
            break;
        case LW_OP_ADD_TABLE:
            add_table_row(k, s, r, n->norm, (float *)a + r * cols, cols);
            break;
        case LW_OP_ADD_MEDIA:
            if (s->row && s->row[r])
                k->add((float *)a + r * cols, s->row[r] + n->layer * cols, cols);
            break;
        case LW_OP_SWIGLU:
            k->swiglu(a + r * cols, b + r * cols, out + r * cols, cols);
            break;
        case LW_OP_GEGLU:
            k->geglu(a + r * cols, b + r * cols, out + r * cols, cols);
            break;
        case LW_OP_GELU:
            k->gelu_erf(a + r * cols, out + r * cols, cols);
            break;
        case LW_OP_GELU_TANH:
            k->gelu_tanh(a + r * cols, out + r * cols, cols);
            break;
        case LW_OP_GELU_QUICK:
            k->gelu_quick(a + r * cols, out + r * cols, cols);
            break;
        case LW_OP_CONCAT: {
            gsize more = value_cols(e, n->b);
            memcpy(out + r * (cols + more), a + r * cols, cols * sizeof(float));
            memcpy(out + r * (cols + more) + cols, b + r * more, more * sizeof(float));
            break;
        }
        case LW_OP_SELECT:
            memcpy(out + r * cols, a + (gsize)s->out_rows[r] * cols, cols * sizeof(float));
            break;
        default:
            break;
        }
    }
}

static gboolean run_rows(lw_exec *e, const lw_node *n, const lw_step *s)
{
    lw_val shape = n->op == LW_OP_SELECT || n->a < 0 ? n->out[0] : n->a;
    row_ctx c = {e, n, s, lw_graph_rows(e->graph, shape, s->n_rows, s->n_out)};

    if (c.rows == 1) { /* a single token: not worth waking anybody */
        row_task(&c, 0, 0);
        return TRUE;
    }
    return lw_pool_run(e->device->pool, (int)((c.rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK), row_task, &c,
                       s->cancel);
}

static gboolean run_linear(lw_exec *e, const lw_node *n, const lw_step *s)
{
    gsize rows = lw_graph_rows(e->graph, n->a, s->n_rows, s->n_out), cols = value_cols(e, n->a);
    float *y[4];
    gsize stride[4];

    if (rows == 0)
        return TRUE;
    for (int i = 0; i < n->n_out; i++) {
        y[i] = value_data(e, n->out[i]);
        stride[i] = value_cols(e, n->out[i]);
    }
    return lw_linear(e->device->pool, e->device->kernels, n->w, n->n_out, value_data(e, n->a), cols,
                     (int)rows, y, stride, e->linear_scratch, s->cancel);
}

static gboolean run_attend(lw_exec *e, const lw_node *n, const lw_step *s)
{
    lw_attend call = {
        .layer = n->layer,
        .start = lw_kv_seq_len(s->kv),
        .n_rows = s->n_rows,
        .q = value_data(e, n->a),
        .out = value_data(e, n->out[0]),
        .n_head = (guint)n->n_heads,
        .scale = n->attend.scale != 0 ? n->attend.scale : 1.0f / sqrtf((float)e->graph->head_dim),
        .window = n->attend.window,
        .kv = s->kv,
        .runs = s->runs,
        .n_runs = s->n_runs,
        .params = s->method_params,
        .pool = e->device->pool,
        .kernels = e->device->kernels,
        .scratch = e->attention_scratch,
        .cancel = s->cancel,
    };
    return s->method->run(s->attention, &call) && (!s->watch || lw_attention_watch_run(s->watch, &call));
}

static gboolean run_node(lw_exec *e, const lw_node *n, const lw_step *s)
{
    switch (n->op) {
    case LW_OP_LINEAR:
        return run_linear(e, n, s);
    case LW_OP_ATTEND:
        return run_attend(e, n, s);
    case LW_OP_ATTEND_SEGMENTS:
        return lw_attend_segments(e->device->pool, e->device->kernels, value_data(e, n->a),
                                  value_data(e, n->b), value_data(e, n->c), value_cols(e, n->a),
                                  value_data(e, n->out[0]), (guint)n->n_heads, e->graph->head_dim,
                                  s->bounds[n->layer], s->n_segments[n->layer], e->attention_scratch,
                                  s->cancel);
    case LW_OP_STORE_KV:
        if (!run_rows(e, n, s))
            return FALSE;
        if (s->method->stored)
            s->method->stored(s->attention, n->layer, s->kv, s->n_rows);
        return TRUE;
    case LW_OP_MERGE:
        return TRUE;
    default:
        return run_rows(e, n, s);
    }
}

static gboolean cpu_run(lw_exec *e, const lw_step *s, const float **result, GError **error)
{
    g_return_val_if_fail(s->n_rows >= 1 && s->n_rows <= e->plan->max_rows, FALSE);
    g_return_val_if_fail(s->n_out <= e->plan->max_out, FALSE);

    for (guint i = 0; i < e->graph->nodes->len; i++) {
        if ((s->cancel && g_atomic_int_get(s->cancel)) ||
            !run_node(e, &g_array_index(e->graph->nodes, lw_node, i), s)) {
            g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED, "stopped");
            return FALSE;
        }
    }
    *result = lw_graph_rows(e->graph, e->graph->result, s->n_rows, s->n_out)
                  ? value_data(e, e->graph->result)
                  : NULL;
    return TRUE;
}

const lw_backend lw_backend_cpu = {
    .name = "cpu",
    .available = cpu_available,
    .open = cpu_open,
    .close = cpu_close,
    .describe = cpu_describe,
    .kv_storage = &cpu_kv_storage,
    .plan = cpu_plan,
    .free_plan = cpu_free_plan,
    .run = cpu_run,
};
