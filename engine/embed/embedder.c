/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Texts -> vectors.  Models that only embed see whole texts, several in one run, each a segment that attends
 * to itself; decoders read one text after the other through a cache, without their output matrix.  What
 * the tokens of a text became is pooled and brought to length 1, in double.
 */
#include "engine/base/alloc.h"
#include "engine/lw-engine.h"
#include "engine/models/model.h"
#include "engine/session/fit.h"

#include <math.h>
#include <string.h>

/* Rows of one run: of several short texts, or a stretch of a decoder's long one. */
#define RUN_ROWS 512

struct lw_embedder {
    lw_model *model;
    const lw_backend *backend;
    lw_device *device;
    lw_graph *graph; /* of a decoder, without its output; NULL: the model's own */
    lw_kv_cache *cache; /* of a decoder */
    const lw_attention_method *method;
    lw_attention *attention;
    lw_exec *exec; /* planned for max_rows */
    gsize max_rows;
    lw_pooling pooling;
    guint32 n_ctx;
    float *cos[LW_ROPE_TABLES], *sin[LW_ROPE_TABLES]; /* [max_rows][n_rot / 2] */
    gint32 *pos;      /* [max_rows][3] */
    gint32 *out_rows; /* [max_rows] */
    gint32 *bounds;   /* [max_rows + 1] */
    double *sum;      /* [n_embd] */
};

const char *lw_pooling_name(lw_pooling p)
{
    static const char *const names[] = {NULL, "mean", "cls", "last"};

    return p < G_N_ELEMENTS(names) ? names[p] : NULL;
}

/* ---- Lifecycle ---- */

static void free_buffers(lw_embedder *e)
{
    if (e->exec)
        e->backend->free_plan(e->exec);
    e->exec = NULL;
    e->max_rows = 0;
    for (int i = 0; i < LW_ROPE_TABLES; i++) {
        g_clear_pointer(&e->cos[i], lw_free);
        g_clear_pointer(&e->sin[i], lw_free);
    }
    g_clear_pointer(&e->pos, lw_free);
    g_clear_pointer(&e->out_rows, lw_free);
    g_clear_pointer(&e->bounds, lw_free);
}

/* Room for runs of up to `rows`; a plan that is too small is made anew. */
static gboolean ensure_rows(lw_embedder *e, gsize rows, GError **error)
{
    const lw_hparams *h = lw_model_get_hparams(e->model);
    const lw_kv_shape *shape = e->cache ? lw_kv_cache_shape(e->cache) : NULL;
    const lw_graph *graph = e->graph ? e->graph : lw_model_get_graph(e->model);
    const char *what = "embedding texts";

    if (rows <= e->max_rows)
        return TRUE;
    free_buffers(e);
    for (guint i = 0; i < h->n_rope; i++) {
        gsize n = rows * (gsize)h->rope[i].n_rot / 2;
        if (!(e->cos[i] = lw_alloc0_array_try(n, sizeof(float), what, error)) ||
            !(e->sin[i] = lw_alloc0_array_try(n, sizeof(float), what, error)))
            return FALSE;
    }
    if (!(e->pos = lw_alloc0_array_try(rows, 3 * sizeof(gint32), what, error)) ||
        !(e->out_rows = lw_alloc0_array_try(rows, sizeof(gint32), what, error)) ||
        !(e->bounds = lw_alloc0_array_try(rows + 1, sizeof(gint32), what, error)))
        return FALSE;
    e->exec = e->backend->plan(e->device, graph, shape, rows, rows, e->n_ctx, error);
    if (!e->exec)
        return FALSE;
    e->max_rows = rows;
    return TRUE;
}

void lw_embedder_free(lw_embedder *e)
{
    if (!e)
        return;
    free_buffers(e);
    lw_kv_cache_free(e->cache);
    if (e->attention)
        e->method->free(e->attention);
    if (e->device)
        e->backend->close(e->device);
    lw_graph_free(e->graph);
    g_free(e->sum);
    lw_model_unref(e->model);
    g_free(e);
}

/* A decoder's graph up to its last norm, and what it attends through. */
static gboolean set_up_decoder(lw_embedder *e, lw_kv_type kv_type, GError **error)
{
    const lw_hparams *h = lw_model_get_hparams(e->model);
    const lw_kv_shape shape = {h->n_layer, h->n_head_kv, h->head_dim, kv_type};
    lw_binder b = {lw_model_get_gguf(e->model), e->graph = lw_graph_new()};

    if (!lw_kv_shape_check(&shape, error) || !lw_model_get_arch(e->model)->build(&b, h, error))
        return FALSE;
    lw_graph_drop_output(e->graph);
    e->method = lw_attention_methods[0];
    if (e->method->new && !(e->attention = e->method->new(&shape, error)))
        return FALSE;
    e->cache = lw_kv_cache_new(&shape, e->backend->kv_storage, e->n_ctx);
    return TRUE;
}

lw_embedder *lw_embedder_new(lw_model *m, const lw_embedder_params *params, GError **error)
{
    static const lw_embedder_params defaults = {0};
    const lw_embedder_params *p = params ? params : &defaults;
    const lw_model_info *info = lw_model_get_info(m);
    lw_embedder *e = g_new0(lw_embedder, 1);

    e->model = lw_model_ref(m);
    e->pooling = p->pooling != LW_POOLING_NONE ? p->pooling : info->pooling;
    e->n_ctx = p->n_ctx ? p->n_ctx : info->n_ctx_train;
    e->sum = g_new(double, info->n_embd);
    if (!lw_pooling_name(e->pooling)) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "%s was not made for embeddings: its file does not say how the vectors of a text's "
                    "tokens become one (%s.pooling_type); name a way: mean, cls or last",
                    info->name, info->arch);
        goto fail;
    }
    if (info->only_embeds && e->n_ctx > info->n_ctx_train) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "%s takes texts of at most %u tokens, %u were asked for", info->name, info->n_ctx_train,
                    e->n_ctx);
        goto fail;
    }
    e->backend = lw_backend_find(p->backend, error);
    if (!e->backend || !(e->device = e->backend->open(p->n_threads, error)) ||
        (!info->only_embeds && !set_up_decoder(e, p->kv_type, error)))
        goto fail;
    return e;

fail:
    lw_embedder_free(e);
    return NULL;
}

guint32 lw_embedder_get_n_embd(const lw_embedder *e)
{
    return lw_model_get_info(e->model)->n_embd;
}

guint32 lw_embedder_get_n_ctx(const lw_embedder *e)
{
    return e->n_ctx;
}

lw_pooling lw_embedder_get_pooling(const lw_embedder *e)
{
    return e->pooling;
}

/* ---- Pooling ---- */

/* Which of a text's rows [from, to) of n are wanted; returns how many from *first. */
static gsize wanted_rows(lw_pooling pooling, gsize from, gsize to, gsize n, gsize *first)
{
    switch (pooling) {
    case LW_POOLING_CLS:
        *first = 0;
        return from == 0;
    case LW_POOLING_LAST:
        *first = n - 1;
        return to == n;
    default:
        *first = from;
        return to - from;
    }
}

static void add_rows(double *sum, const float *rows, gsize n_rows, gsize n_embd)
{
    for (gsize r = 0; r < n_rows; r++, rows += n_embd)
        for (gsize k = 0; k < n_embd; k++)
            sum[k] += (double)rows[k];
}

/* The sum's direction; dividing by the number of rows would change nothing.  A sum of zeros stays. */
static void normalise(const double *sum, float *out, gsize n_embd)
{
    double square = 0;

    for (gsize k = 0; k < n_embd; k++)
        square += sum[k] * sum[k];
    for (gsize k = 0; k < n_embd; k++)
        out[k] = (float)(square > 0 ? sum[k] / sqrt(square) : sum[k]);
}

/* ---- Runs ---- */

static gboolean run(lw_embedder *e, lw_step *step, const float **result, GError **error)
{
    const lw_hparams *h = lw_model_get_hparams(e->model);

    for (guint i = 0; i < h->n_rope; i++) {
        lw_rope_tables(lw_hparams_get_rope(h, i, e->n_ctx), e->pos, step->n_rows, e->cos[i], e->sin[i]);
        step->cos[i] = e->cos[i];
        step->sin[i] = e->sin[i];
    }
    return e->backend->run(e->exec, step, result, error);
}

static void set_positions(lw_embedder *e, gsize row, gsize first, gsize n)
{
    for (gsize i = 0; i < n; i++)
        for (int axis = 0; axis < 3; axis++)
            e->pos[3 * (row + i) + (gsize)axis] = (gint32)(first + i);
}

/* Texts [i, end) of a model that only embeds, in one run. */
static gboolean run_packed(lw_embedder *e, const gint32 *ids, const gsize *bounds, gsize i, gsize end,
                           float *out, const gint *cancel, GError **error)
{
    gsize n_embd = lw_embedder_get_n_embd(e), start = bounds[i], rows = bounds[end] - start, n_out = 0, first;
    const float *result;

    if (!ensure_rows(e, rows, error))
        return FALSE;
    for (gsize t = i; t <= end; t++)
        e->bounds[t - i] = (gint32)(bounds[t] - start);
    g_autofree gint32 *at = g_new(gint32, rows); /* positions alone: the table's rows */
    for (gsize t = i; t < end; t++) {
        gsize n = bounds[t + 1] - bounds[t], row = bounds[t] - start;
        gsize wanted = wanted_rows(e->pooling, 0, n, n, &first);
        set_positions(e, row, 0, n);
        for (gsize r = 0; r < n; r++)
            at[row + r] = (gint32)r;
        for (gsize r = 0; r < wanted; r++)
            e->out_rows[n_out++] = (gint32)(row + first + r);
    }
    lw_step step = {
        .n_rows = rows,
        .tokens = ids + start,
        .table_rows = at,
        .table_mix = 1,
        .n_out = n_out,
        .out_rows = e->out_rows,
        .bounds = {e->bounds, e->bounds},
        .n_segments = {(int)(end - i), (int)(end - i)},
        .cancel = cancel,
    };
    if (!run(e, &step, &result, error))
        return FALSE;
    for (gsize t = i; t < end; t++) {
        gsize n = bounds[t + 1] - bounds[t], wanted = wanted_rows(e->pooling, 0, n, n, &first);
        memset(e->sum, 0, n_embd * sizeof *e->sum);
        add_rows(e->sum, result, wanted, n_embd);
        normalise(e->sum, out + t * n_embd, n_embd);
        result += wanted * n_embd;
    }
    return TRUE;
}

/* One text of a decoder, through a cache of its own. */
static gboolean run_decoder(lw_embedder *e, const gint32 *ids, gsize n, float *out, const gint *cancel,
                            GError **error)
{
    gsize n_embd = lw_embedder_get_n_embd(e), first;
    lw_kv_seq *kv = lw_kv_seq_new(e->cache);
    gboolean ok = ensure_rows(e, MIN(n, RUN_ROWS), error);

    memset(e->sum, 0, n_embd * sizeof *e->sum);
    for (gsize at = 0; ok && at < n;) {
        gsize rows = MIN(RUN_ROWS, n - at), wanted = wanted_rows(e->pooling, at, at + rows, n, &first);
        const lw_modality_run text = {.start = 0, .n = at + rows};
        const float *result;
        set_positions(e, 0, at, rows);
        for (gsize r = 0; r < wanted; r++)
            e->out_rows[r] = (gint32)(first - at + r);
        lw_step step = {
            .n_rows = rows,
            .tokens = ids + at,
            .n_out = wanted,
            .out_rows = e->out_rows,
            .kv = kv,
            .method = e->method,
            .attention = e->attention,
            .runs = &text,
            .n_runs = 1,
            .cancel = cancel,
        };
        ok = lw_kv_seq_reserve(kv, rows, error) && run(e, &step, &result, error);
        if (ok) {
            lw_kv_seq_commit(kv, rows);
            add_rows(e->sum, result, wanted, n_embd);
        }
        at += rows;
    }
    if (ok)
        normalise(e->sum, out, n_embd);
    lw_kv_seq_free(kv);
    if (e->attention && e->method->truncated)
        e->method->truncated(e->attention, 0);
    return ok;
}

/* Every text fits and has tokens. */
static gboolean check(const lw_embedder *e, const gint32 *ids, const gsize *bounds, gsize n, GError **error)
{
    gint32 n_vocab = (gint32)lw_model_get_info(e->model)->n_vocab;

    for (gsize t = 0; t < n; t++) {
        gsize len = bounds[t + 1] - bounds[t];
        if (len == 0) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                        "text %" G_GSIZE_FORMAT " is empty: there is nothing to embed", t + 1);
            return FALSE;
        }
        if (len > e->n_ctx) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL,
                        "text %" G_GSIZE_FORMAT " is %" G_GSIZE_FORMAT
                        " tokens long, %s takes %u at once; nothing is cut: divide it",
                        t + 1, len, lw_model_get_info(e->model)->name, e->n_ctx);
            return FALSE;
        }
        for (gsize i = bounds[t]; i < bounds[t + 1]; i++) {
            if (ids[i] < 0 || ids[i] >= n_vocab) {
                g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                            "token id %d is outside the vocabulary (0 to %d)", ids[i], n_vocab - 1);
                return FALSE;
            }
        }
    }
    return TRUE;
}

gboolean lw_embedder_run_tokens(lw_embedder *e, const gint32 *ids, const gsize *bounds, gsize n, float *out,
                                const gint *cancel, GError **error)
{
    gboolean packed = e->cache == NULL;

    if (!check(e, ids, bounds, n, error))
        return FALSE;
    for (gsize t = 0; t < n;) {
        gsize end = t + 1;
        while (packed && end < n && bounds[end + 1] - bounds[t] <= RUN_ROWS)
            end++;
        gboolean ok = packed ? run_packed(e, ids, bounds, t, end, out, cancel, error)
                             : run_decoder(e, ids + bounds[t], bounds[end] - bounds[t],
                                           out + t * lw_embedder_get_n_embd(e), cancel, error);
        if (!ok)
            return FALSE;
        t = end;
    }
    if (!lw_gguf_is_intact(lw_model_get_gguf(e->model))) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_IO,
                    "%s became shorter while it was in use; open the model again",
                    lw_gguf_path(lw_model_get_gguf(e->model)));
        return FALSE;
    }
    return TRUE;
}

gboolean lw_embedder_run(lw_embedder *e, const char *const *texts, gsize n, float *out, const gint *cancel,
                         GError **error)
{
    const lw_tokenizer *t = lw_model_get_tokenizer(e->model);
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    g_autofree gsize *bounds = g_new0(gsize, n + 1);

    for (gsize i = 0; i < n; i++) {
        const lw_span span = {texts[i], strlen(texts[i]), FALSE};
        if (!lw_tokenizer_encode_whole(t, &span, 1, ids, error)) {
            g_prefix_error(error, "text %" G_GSIZE_FORMAT ": ", i + 1);
            return FALSE;
        }
        bounds[i + 1] = ids->len;
    }
    return lw_embedder_run_tokens(e, (const gint32 *)ids->data, bounds, n, out, cancel, error);
}
