/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The session: one timeline of tokens, its KV cache, and the decision what of a new prompt is already
 * there.
 */
#include "engine/base/alloc.h"
#include "engine/base/memory.h"
#include "engine/models/model.h"
#include "engine/session/fit.h"
#include "engine/session/media-cache.h"
#include "engine/session/prompt.h"

#include <string.h>

/* Tokens per prefill step.  Large enough that weights are read rarely, small enough that progress and
 * working memory stay reasonable. */
#define CHUNK 512
/* The same when logits of every token are kept: each row has a whole vocabulary. */
#define CHUNK_ALL_LOGITS 32

struct lw_session {
    lw_model *model;
    const lw_backend *backend;
    lw_device *device;
    lw_exec *prefill; /* CHUNK rows, one output row */
    lw_exec *all;     /* CHUNK_ALL_LOGITS rows, as many outputs; made when asked for */
    const lw_attention_method *method;
    lw_attention *attention;
    lw_kv_cache *cache;
    lw_kv_seq *kv;
    lw_timeline timeline; /* exactly what kv holds */
    lw_encoder *encoder;  /* NULL without vision */
    lw_media_cache *media;

    guint32 n_ctx;
    gsize n_reused;
    float *logits; /* [n_vocab] of the last token */
    gboolean have_logits;
    gboolean keep_all;
    GArray *all_logits; /* float */
    gsize all_rows;
    float *cos[LW_ROPE_TABLES], *sin[LW_ROPE_TABLES]; /* [CHUNK][n_rot / 2] of the model's tables */
    const float **rows;   /* [CHUNK] */
};

/* ---- Lifecycle ---- */

void lw_session_free(lw_session *s)
{
    if (!s)
        return;
    lw_media_cache_free(s->media);
    lw_encoder_free(s->encoder);
    lw_kv_seq_free(s->kv);
    lw_kv_cache_free(s->cache);
    if (s->attention)
        s->method->free(s->attention);
    if (s->prefill)
        s->backend->free_plan(s->prefill);
    if (s->all)
        s->backend->free_plan(s->all);
    if (s->device)
        s->backend->close(s->device);
    lw_timeline_clear(&s->timeline);
    if (s->all_logits)
        g_array_unref(s->all_logits);
    lw_free(s->logits);
    for (int i = 0; i < LW_ROPE_TABLES; i++) {
        lw_free(s->cos[i]);
        lw_free(s->sin[i]);
    }
    g_free(s->rows);
    lw_model_unref(s->model);
    g_free(s);
}

lw_session *lw_session_new(lw_model *m, const lw_session_params *params, GError **error)
{
    static const lw_session_params defaults = {0};
    const lw_session_params *p = params ? params : &defaults;
    const lw_hparams *h = lw_model_get_hparams(m);
    lw_kv_shape shape = {h->n_layer, h->n_head_kv, h->head_dim, p->kv_type};
    lw_session *s = g_new0(lw_session, 1);

    s->model = lw_model_ref(m);
    lw_timeline_init(&s->timeline);
    s->rows = g_new0(const float *, CHUNK);
    if (!lw_fit_context(lw_model_get_info(m), p->n_ctx, p->kv_type, lw_memory_available(),
                        lw_memory_total(), &s->n_ctx, error))
        goto fail;
    s->method = lw_attention_find(p->attention, error);
    if (!s->method)
        goto fail;
    if (s->method->new && !(s->attention = s->method->new(&shape, error)))
        goto fail;
    s->backend = lw_backend_find(p->backend, error);
    if (!s->backend || !(s->device = s->backend->open(p->n_threads, error)))
        goto fail;
    s->prefill = s->backend->plan(s->device, lw_model_get_graph(m), &shape, CHUNK, 1, s->n_ctx, error);
    if (!s->prefill)
        goto fail;
    s->cache = lw_kv_cache_new(&shape, s->backend->kv_storage, s->n_ctx);
    s->kv = lw_kv_seq_new(s->cache);
    if (lw_model_get_vision(m)) {
        s->encoder = lw_encoder_new(lw_model_get_vision(m), s->backend, s->device);
        s->media = lw_media_cache_new(s->encoder, h->n_embd, LW_MEDIA_CACHE_BYTES);
    }
    if (!(s->logits = lw_alloc0_array_try(h->n_vocab, sizeof(float), "the logits", error)))
        goto fail;
    for (guint i = 0; i < h->n_rope; i++) {
        gsize n = CHUNK * (gsize)h->rope[i].n_rot / 2;
        if (!(s->cos[i] = lw_alloc0_array_try(n, sizeof(float), "position tables", error)) ||
            !(s->sin[i] = lw_alloc0_array_try(n, sizeof(float), "position tables", error)))
            goto fail;
    }
    lw_gguf_prefetch(lw_model_get_gguf(m));
    return s;

fail:
    lw_session_free(s);
    return NULL;
}

/* ---- Progress ---- */

typedef struct {
    lw_progress_fn fn;
    void *user;
    gint64 start; /* microseconds */
    lw_progress p;
} reporter;

/* The stage that begins now; r may be NULL. */
static void report(reporter *r, lw_stage stage)
{
    if (!r || !r->fn)
        return;
    double elapsed = (double)(g_get_monotonic_time() - r->start) * 1e-6;
    r->p.stage = stage;
    /* Attention makes later tokens dearer; this is an estimate. */
    r->p.seconds_left =
        r->p.done ? elapsed / (double)r->p.done * (double)(r->p.total - r->p.done) : -1;
    r->fn(r->user, &r->p);
}

/* ---- Steps ---- */

static void cut(lw_session *s, gsize n)
{
    if (n >= lw_timeline_len(&s->timeline))
        return;
    lw_timeline_truncate(&s->timeline, n);
    lw_kv_seq_truncate(s->kv, n);
    if (s->method->truncated)
        s->method->truncated(s->attention, n);
    s->have_logits = FALSE;
}

/* Fill s->rows for tokens [from, from + n) of the timeline, encoding what is not cached. */
static gboolean media_rows(lw_session *s, gsize from, gsize n, gboolean *any, reporter *r,
                           const gint *cancel, GError **error)
{
    gsize n_embd = lw_model_get_hparams(s->model)->n_embd;

    *any = FALSE;
    for (gsize i = 0; i < n; i++) {
        lw_token_source src = lw_timeline_source(&s->timeline, from + i);
        s->rows[i] = NULL;
        if (src.media < 0)
            continue;
        if (!*any)
            report(r, LW_STAGE_VISION);
        lw_media *m = s->timeline.media->pdata[src.media];
        guint32 per_grid = (guint32)lw_media_grid_tokens(m);
        const float *grid = lw_media_cache_get(s->media, m, (int)(src.row / per_grid), cancel, error);
        if (!grid)
            return FALSE;
        s->rows[i] = grid + (gsize)(src.row % per_grid) * n_embd;
        *any = TRUE;
    }
    return TRUE;
}

/* A mapped file that was cut short under us reads as zeros: what was computed since means nothing. */
static gboolean check_files(const lw_session *s, GError **error)
{
    const lw_vision *vision = lw_model_get_vision(s->model);
    const lw_gguf *files[2] = {lw_model_get_gguf(s->model), vision ? lw_vision_get_gguf(vision) : NULL};

    for (int i = 0; i < 2; i++) {
        if (files[i] && !lw_gguf_is_intact(files[i])) {
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_IO,
                        "%s became shorter while it was in use; open the model again",
                        lw_gguf_path(files[i]));
            return FALSE;
        }
    }
    return TRUE;
}

/* Compute the last n tokens of the timeline, which the cache does not hold yet.  On failure the timeline
 * is cut back to what the cache holds. */
static gboolean compute(lw_session *s, gsize n, lw_exec *exec, const gint32 *out_rows, gsize n_out,
                        const float **result, reporter *r, const gint *cancel, GError **error)
{
    gsize from = lw_timeline_len(&s->timeline) - n;
    gboolean any_media = FALSE, ok;

    s->have_logits = FALSE;
    ok = lw_kv_seq_reserve(s->kv, n, error) && media_rows(s, from, n, &any_media, r, cancel, error);
    if (ok) {
        report(r, LW_STAGE_PREFILL);
        const lw_hparams *h = lw_model_get_hparams(s->model);
        for (guint i = 0; i < h->n_rope; i++)
            lw_rope_tables(lw_hparams_get_rope(h, i, s->n_ctx),
                           &g_array_index(s->timeline.pos, gint32, 3 * from), n, s->cos[i], s->sin[i]);
        lw_step step = {
            .n_rows = n,
            .tokens = &g_array_index(s->timeline.ids, gint32, from),
            .row = any_media ? s->rows : NULL,
            .cos = {s->cos[0], s->cos[1]},
            .sin = {s->sin[0], s->sin[1]},
            .n_out = n_out,
            .out_rows = out_rows,
            .kv = s->kv,
            .method = s->method,
            .attention = s->attention,
            .runs = (const lw_modality_run *)s->timeline.runs->data,
            .n_runs = s->timeline.runs->len,
            .cancel = cancel,
        };
        ok = s->backend->run(exec, &step, result, error) && check_files(s, error);
    }
    if (s->media)
        lw_media_cache_unpin(s->media);
    if (ok) {
        lw_kv_seq_commit(s->kv, n);
    } else {
        lw_kv_seq_truncate(s->kv, from); /* gives reserved pages back */
        cut(s, from);
    }
    return ok;
}

/* ---- Sync ---- */

static gboolean ensure_all_exec(lw_session *s, GError **error)
{
    if (!s->all)
        s->all = s->backend->plan(s->device, lw_model_get_graph(s->model), lw_kv_cache_shape(s->cache),
                                  CHUNK_ALL_LOGITS, CHUNK_ALL_LOGITS, s->n_ctx, error);
    return s->all != NULL;
}

gboolean lw_session_sync(lw_session *s, const lw_prompt *prompt, lw_progress_fn progress, void *user,
                         const gint *cancel, GError **error)
{
    const lw_timeline *want = &prompt->timeline;
    gsize n = lw_timeline_len(want), n_vocab = lw_model_get_hparams(s->model)->n_vocab;

    if (n == 0) {
        g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "the prompt is empty");
        return FALSE;
    }
    if (n > s->n_ctx) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL,
                    "the conversation is %" G_GSIZE_FORMAT " tokens long, the context holds %u", n,
                    s->n_ctx);
        return FALSE;
    }
    if (want->media->len && !s->media) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s",
                    lw_model_get_info(s->model)->vision_missing);
        return FALSE;
    }
    if (s->keep_all && !ensure_all_exec(s, error))
        return FALSE;

    gsize keep = s->keep_all ? 0 : lw_timeline_common(&s->timeline, want);
    /* The last token's logits are needed: compute at least it, unless they are still there. */
    if (keep == n && !(s->have_logits && lw_timeline_len(&s->timeline) == n))
        keep = n - 1;
    cut(s, keep);
    s->n_reused = keep;

    reporter r = {progress, user, g_get_monotonic_time(), {.total = n - keep, .reused = keep}};
    gsize chunk = s->keep_all ? CHUNK_ALL_LOGITS : CHUNK;
    gint32 out_rows[CHUNK_ALL_LOGITS];
    if (s->keep_all) {
        s->all_rows = 0;
        g_array_set_size(s->all_logits, 0);
    }
    for (gsize at = keep; at < n;) {
        gsize len = MIN(chunk, n - at), n_out = 0;
        const float *result = NULL;

        r.p.done = at - keep;
        if (s->keep_all) {
            for (n_out = 0; n_out < len; n_out++)
                out_rows[n_out] = (gint32)n_out;
        } else if (at + len == n) {
            out_rows[n_out++] = (gint32)len - 1;
        }
        lw_timeline_append(&s->timeline, want, at, len);
        if (!compute(s, len, s->keep_all ? s->all : s->prefill, out_rows, n_out, &result, &r, cancel,
                     error))
            return FALSE;
        at += len;
        if (s->keep_all) {
            g_array_append_vals(s->all_logits, result, (guint)(len * n_vocab));
            s->all_rows += len;
        }
        if (at == n) {
            memcpy(s->logits, result + (n_out - 1) * n_vocab, n_vocab * sizeof(float));
            s->have_logits = TRUE;
        }
    }
    r.p.done = n - keep;
    report(&r, LW_STAGE_PREFILL);
    return TRUE;
}

gboolean lw_session_decode(lw_session *s, gint32 token, const float **logits, const gint *cancel,
                           GError **error)
{
    const lw_hparams *h = lw_model_get_hparams(s->model);
    const gint32 out_row = 0;
    const float *result;

    if (token < 0 || (guint32)token >= h->n_vocab) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "token id %d is outside the vocabulary (0 to %u)", token, h->n_vocab - 1);
        return FALSE;
    }
    if (lw_timeline_len(&s->timeline) >= s->n_ctx) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL,
                    "the context of %u tokens is full", s->n_ctx);
        return FALSE;
    }
    lw_timeline_add_text(&s->timeline, &token, 1);
    if (!compute(s, 1, s->prefill, &out_row, 1, &result, NULL, cancel, error))
        return FALSE;
    memcpy(s->logits, result, h->n_vocab * sizeof(float));
    s->have_logits = TRUE;
    if (logits)
        *logits = s->logits;
    return TRUE;
}

/* ---- Queries ---- */

const float *lw_session_get_logits(const lw_session *s)
{
    return s->have_logits ? s->logits : NULL;
}

void lw_session_keep_all_logits(lw_session *s, gboolean keep)
{
    s->keep_all = keep;
    if (keep && !s->all_logits)
        s->all_logits = g_array_new(FALSE, FALSE, sizeof(float));
}

const float *lw_session_get_all_logits(const lw_session *s, gsize *n_rows)
{
    *n_rows = s->all_rows;
    return s->all_rows ? (const float *)s->all_logits->data : NULL;
}

gsize lw_session_get_n_tokens(const lw_session *s)
{
    return lw_timeline_len(&s->timeline);
}

guint32 lw_session_get_n_ctx(const lw_session *s)
{
    return s->n_ctx;
}

gsize lw_session_get_n_reused(const lw_session *s)
{
    return s->n_reused;
}

gsize lw_session_get_kv_bytes(const lw_session *s)
{
    return lw_kv_cache_bytes(s->cache);
}

const char *lw_session_get_device(const lw_session *s)
{
    return s->backend->describe(s->device);
}

lw_model *lw_session_get_model(const lw_session *s)
{
    return s->model;
}
