/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The session: one timeline of tokens, its KV cache, and the decision what of a new prompt is
 * already there, in memory or on disk.
 */
#define G_LOG_DOMAIN "longwave"

#include "engine/base/alloc.h"
#include "engine/base/memory.h"
#include "engine/models/model.h"
#include "engine/session/fit.h"
#include "engine/session/media-cache.h"
#include "engine/session/identity.h"
#include "engine/session/prompt.h"
#include "engine/session/session.h"
#include "engine/session/snapshot.h"
#include "engine/session/snapshot-folder.h"

#include <string.h>

/* Tokens per prefill step.  Large enough that weights are read rarely, small enough that progress
 * and working memory stay reasonable. */
#define CHUNK 512
/* The same when logits of every token are kept: each row has a whole vocabulary. */
#define CHUNK_ALL_LOGITS 32
/* Tokens that a timeline has room for from the start, so that a generated one allocates nothing: 24
 * bytes each, which the machine only hands out as they are written. */
#define RESERVE_TOKENS (1u << 20)

/* What a session shares with its forks.  One thread uses them all, so nothing here is locked. */
typedef struct {
    guint refs;
    lw_model *model;
    const lw_backend *backend;
    lw_device *device;
    lw_exec *prefill; /* CHUNK rows, one output row */
    lw_exec *all;     /* CHUNK_ALL_LOGITS rows, as many outputs; made when asked for */
    lw_attention_choice attention;
    const lw_attention_method *method; /* of it */
    lw_kv_cache *cache;
    lw_encoder *encoder; /* NULL without vision */
    lw_media_cache *media;
    guint32 n_ctx;
    float *cos[LW_ROPE_TABLES], *sin[LW_ROPE_TABLES]; /* [CHUNK][n_rot / 2] of the model's tables */
    const float **rows;                               /* [CHUNK] */
} session_core;

struct lw_session {
    session_core *core;
    lw_attention *attention;
    lw_kv_seq *kv;
    lw_timeline timeline; /* exactly what kv holds */

    gsize n_reused, n_restored;
    float *logits; /* [n_vocab] of the last token */
    gboolean have_logits;
    gboolean keep_all;
    float *all_logits; /* [all_rows][n_vocab] of the last sync */
    gsize all_rows;

    lw_snapshots *snapshots; /* NULL: none are kept */
    lw_snapshot_link *link;  /* what of kv is on disk; NULL: nothing */
    gboolean save_failed;    /* and that was said */
    lw_attention_watch watch; /* fn NULL: nobody looks on */
    gboolean is_fork;
};

/* ---- Lifecycle ---- */

static void core_unref(session_core *c)
{
    if (!c || --c->refs > 0)
        return;
    lw_media_cache_free(c->media);
    lw_encoder_free(c->encoder);
    lw_kv_cache_free(c->cache);
    if (c->prefill)
        c->backend->free_plan(c->prefill);
    if (c->all)
        c->backend->free_plan(c->all);
    if (c->device)
        c->backend->close(c->device);
    for (int i = 0; i < LW_ROPE_TABLES; i++) {
        lw_free(c->cos[i]);
        lw_free(c->sin[i]);
    }
    g_free(c->rows);
    lw_attention_choice_clear(&c->attention);
    lw_model_unref(c->model);
    g_free(c);
}

void lw_session_free(lw_session *s)
{
    if (!s)
        return;
    lw_snapshot_link_free(s->link);
    lw_snapshots_free(s->snapshots);
    lw_kv_seq_free(s->kv);
    if (s->attention)
        s->core->method->free(s->attention);
    lw_timeline_clear(&s->timeline);
    lw_free(s->all_logits);
    lw_free(s->logits);
    lw_free(s->watch.p);
    core_unref(s->core);
    g_free(s);
}

/* Everything that decides what the bytes of a page mean, besides the tokens: the model, the
 * program, the shape of the cache and what filled it. */
static lw_snapshot_owner snapshot_owner(const session_core *c, const lw_kv_shape *shape)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    lw_snapshot_owner owner = {.page_bytes = lw_kv_page_bytes(shape)};
    guint8 identity[32];
    gsize n = sizeof owner.key;

    lw_model_identity(c->model, identity);
    g_autofree char *rest = g_strdup_printf(
        "%s %s %s layout %d page %d byte order %d layers %u heads %u dim %u type %s", LW_VERSION,
        c->backend->name, c->attention.name, LW_KV_LAYOUT, LW_KV_PAGE, G_BYTE_ORDER, shape->n_layer,
        shape->n_head_kv, shape->head_dim, lw_kv_type_name(shape->type));
    g_checksum_update(sum, identity, sizeof identity);
    g_checksum_update(sum, (const guchar *)rest, -1);
    /* Some models turn by other frequencies in a long context. */
    const lw_hparams *h = lw_model_get_hparams(c->model);
    for (guint i = 0; i < h->n_rope; i++) {
        const lw_rope *r = lw_hparams_get_rope(h, i, c->n_ctx);
        g_checksum_update(sum, (const guchar *)r->inv_freq, (gssize)sizeof(double) * r->n_rot / 2);
        g_checksum_update(sum, (const guchar *)&r->magnitude, sizeof r->magnitude);
    }
    g_checksum_get_digest(sum, owner.key, &n);
    return owner;
}

/* A session without tokens on a core that is complete; takes the reference. */
static lw_session *session_on(session_core *c, GError **error)
{
    lw_session *s = g_new0(lw_session, 1);
    const lw_kv_shape *shape = lw_kv_cache_shape(c->cache);

    s->core = c;
    lw_timeline_init(&s->timeline);
    lw_timeline_reserve(&s->timeline, MIN(c->n_ctx, RESERVE_TOKENS));
    s->kv = lw_kv_seq_new(c->cache);
    if ((c->method->new && !(s->attention = c->method->new (shape, error))) ||
        !(s->logits = lw_alloc0_array_try(lw_model_get_hparams(c->model)->n_vocab, sizeof(float),
                                          "the logits", error)))
        g_clear_pointer(&s, lw_session_free);
    return s;
}

lw_session *lw_session_new(lw_model *m, const lw_session_params *params, GError **error)
{
    static const lw_session_params defaults = {0};
    const lw_session_params *p = params ? params : &defaults;
    const lw_hparams *h = lw_model_get_hparams(m);
    lw_kv_shape shape = {h->n_layer, h->n_head_kv, h->head_dim, p->kv_type};

    if (lw_model_get_info(m)->only_embeds) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "%s only makes embeddings (%s): it reads texts and cannot answer",
                    lw_model_get_info(m)->name, lw_model_get_info(m)->arch);
        return NULL;
    }
    session_core *c = g_new0(session_core, 1);
    c->refs = 1;
    c->model = lw_model_ref(m);
    c->rows = g_new0(const float *, CHUNK);
    if (!lw_kv_shape_check(&shape, error) ||
        !lw_fit_context(lw_model_get_info(m), p->n_ctx, p->kv_type, lw_memory_available(),
                        lw_memory_total(), &c->n_ctx, error))
        goto fail;
    if (!lw_attention_choose(p->attention, &c->attention, error))
        goto fail;
    c->method = c->attention.method;
    c->backend = lw_backend_find(p->backend, error);
    if (!c->backend || !(c->device = c->backend->open(p->n_threads, error)))
        goto fail;
    c->prefill =
        c->backend->plan(c->device, lw_model_get_graph(m), &shape, CHUNK, 1, c->n_ctx, error);
    if (!c->prefill)
        goto fail;
    c->cache = lw_kv_cache_new(&shape, c->backend->kv_storage, c->n_ctx);
    if (lw_model_get_vision(m)) {
        c->encoder = lw_encoder_new(lw_model_get_vision(m), c->backend, c->device);
        c->media = lw_media_cache_new(c->encoder, (1 + h->n_deepstack) * (gsize)h->n_embd,
                                      LW_MEDIA_CACHE_BYTES);
    }
    for (guint i = 0; i < h->n_rope; i++) {
        gsize n = CHUNK * (gsize)h->rope[i].n_rot / 2;
        if (!(c->cos[i] = lw_alloc0_array_try(n, sizeof(float), "position tables", error)) ||
            !(c->sin[i] = lw_alloc0_array_try(n, sizeof(float), "position tables", error)))
            goto fail;
    }
    lw_session *s = session_on(c, error);
    if (s && p->snapshots && !c->backend->kv_storage->on_device) {
        lw_snapshot_owner owner = snapshot_owner(c, &shape);
        s->snapshots = lw_snapshots_new(p->snapshots, p->snapshot_bytes, &owner);
    }
    if (s)
        lw_gguf_prefetch(lw_model_get_gguf(m));
    return s;

fail:
    core_unref(c);
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
    lw_snapshot_link_cut(s->link, n);
    if (s->core->method->truncated)
        s->core->method->truncated(s->attention, n);
    s->have_logits = FALSE;
}

/* Fill s->core->rows for tokens [from, from + n) of the timeline, encoding what is not cached. */
static gboolean media_rows(lw_session *s, gsize from, gsize n, gboolean *any, reporter *r,
                           const gint *cancel, GError **error)
{
    const lw_hparams *h = lw_model_get_hparams(s->core->model);
    gsize cols = (1 + h->n_deepstack) * (gsize)h->n_embd;

    *any = FALSE;
    for (gsize i = 0; i < n; i++) {
        lw_token_source src = lw_timeline_source(&s->timeline, from + i);
        s->core->rows[i] = NULL;
        if (src.media < 0)
            continue;
        if (!*any)
            report(r, LW_STAGE_VISION);
        lw_media *m = s->timeline.media->pdata[src.media];
        guint32 per_grid = (guint32)lw_media_grid_tokens(m);
        const float *grid =
            lw_media_cache_get(s->core->media, m, (int)(src.row / per_grid), cancel, error);
        if (!grid)
            return FALSE;
        s->core->rows[i] = grid + (gsize)(src.row % per_grid) * cols;
        *any = TRUE;
    }
    return TRUE;
}

/* A mapped file that was cut short under us reads as zeros: what was computed since means nothing.
 */
static gboolean check_files(const lw_session *s, GError **error)
{
    const lw_vision *vision = lw_model_get_vision(s->core->model);
    const lw_gguf *files[2] = {lw_model_get_gguf(s->core->model),
                               vision ? lw_vision_get_gguf(vision) : NULL};

    for (int i = 0; i < 2; i++) {
        if (files[i] && !lw_gguf_is_intact(files[i])) {
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_IO,
                        "%s became shorter while it was in use; open the model again",
                        lw_gguf_path(files[i]));
            return FALSE;
        }
    }
    if (!lw_kv_seq_is_intact(s->kv)) {
        g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                            "the snapshot of the conversation became shorter while it was in use");
        return FALSE;
    }
    return TRUE;
}

/* Compute the last n tokens of the timeline, which the cache does not hold yet.  On failure the
 * timeline is cut back to what the cache holds. */
static gboolean compute(lw_session *s, gsize n, lw_exec *exec, const gint32 *out_rows, gsize n_out,
                        const float **result, reporter *r, const gint *cancel, GError **error)
{
    gsize from = lw_timeline_len(&s->timeline) - n;
    gboolean any_media = FALSE, ok;

    s->have_logits = FALSE;
    ok = lw_kv_seq_reserve(s->kv, n, error) && media_rows(s, from, n, &any_media, r, cancel, error);
    if (ok) {
        report(r, LW_STAGE_PREFILL);
        const lw_hparams *h = lw_model_get_hparams(s->core->model);
        for (guint i = 0; i < h->n_rope; i++)
            lw_rope_tables(lw_hparams_get_rope(h, i, s->core->n_ctx),
                           &g_array_index(s->timeline.pos, gint32, 3 * from), n, s->core->cos[i],
                           s->core->sin[i]);
        lw_step step = {
            .n_rows = n,
            .tokens = &g_array_index(s->timeline.ids, gint32, from),
            .row = any_media ? s->core->rows : NULL,
            .cos = {s->core->cos[0], s->core->cos[1]},
            .sin = {s->core->sin[0], s->core->sin[1]},
            .n_out = n_out,
            .out_rows = out_rows,
            .kv = s->kv,
            .method = s->core->method,
            .method_params = s->core->attention.params,
            .attention = s->attention,
            .watch = s->watch.fn ? &s->watch : NULL,
            .runs = (const lw_modality_run *)s->timeline.runs->data,
            .n_runs = s->timeline.runs->len,
            .cancel = cancel,
        };
        ok = s->core->backend->run(exec, &step, result, error) && check_files(s, error);
    }
    if (s->core->media)
        lw_media_cache_unpin(s->core->media);
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
    if (!s->core->all)
        s->core->all = s->core->backend->plan(s->core->device, lw_model_get_graph(s->core->model),
                                              lw_kv_cache_shape(s->core->cache), CHUNK_ALL_LOGITS,
                                              CHUNK_ALL_LOGITS, s->core->n_ctx, error);
    return s->core->all != NULL;
}

/* Take from disk what memory does not have; returns the tokens that are there now. */
static gsize restore(lw_session *s, const lw_timeline *want, gsize keep)
{
    g_autoptr(GError) error = NULL;

    /* A page more is the least that is worth a look; a method's own state cannot be restored. */
    if (!s->snapshots || s->core->method->new || lw_timeline_len(want) < keep + LW_KV_PAGE)
        return keep;
    lw_snapshot_find *f = lw_snapshots_search(s->snapshots, want, keep + LW_KV_PAGE - 1);
    if (!f)
        return keep;
    cut(s, 0);
    g_clear_pointer(&s->link, lw_snapshot_link_free);
    if (lw_snapshot_find_use(f, s->kv, &s->link, &error)) {
        s->n_restored = lw_snapshot_find_n_tokens(f);
        lw_timeline_append(&s->timeline, want, 0, s->n_restored);
    } else {
        g_message("a snapshot was not used: %s", error->message);
    }
    lw_snapshot_find_free(f);
    return s->n_restored;
}

/* Was it a snapshot that was lost under us?  Then nothing that is held means anything: forget it.
 */
static gboolean recover(lw_session *s, GError **error)
{
    if (lw_kv_seq_is_intact(s->kv))
        return FALSE;
    g_message("%s; it is computed again", (*error)->message);
    g_clear_error(error);
    cut(s, 0);
    g_clear_pointer(&s->link, lw_snapshot_link_free);
    s->n_restored = s->n_reused = 0;
    return TRUE;
}

/* Tokens [keep, n) of the prompt, in chunks. */
static gboolean extend(lw_session *s, const lw_timeline *want, gsize keep, reporter *r,
                       const gint *cancel, GError **error)
{
    gsize n = lw_timeline_len(want), n_vocab = lw_model_get_hparams(s->core->model)->n_vocab;
    gsize chunk = s->keep_all ? CHUNK_ALL_LOGITS : CHUNK;
    gint32 out_rows[CHUNK_ALL_LOGITS];

    r->p.total = n - keep;
    r->p.reused = keep;
    r->p.restored = s->n_restored;
    if (s->keep_all) {
        s->all_rows = 0;
        lw_free(s->all_logits);
        s->all_logits = lw_alloc0_array_try(n * n_vocab, sizeof(float), "the logits of every token", error);
        if (!s->all_logits)
            return FALSE;
    }
    for (gsize at = keep; at < n;) {
        gsize len = MIN(chunk, n - at), n_out = 0;
        const float *result = NULL;

        r->p.done = at - keep;
        if (s->keep_all) {
            for (n_out = 0; n_out < len; n_out++)
                out_rows[n_out] = (gint32)n_out;
        } else if (at + len == n) {
            out_rows[n_out++] = (gint32)len - 1;
        }
        lw_timeline_append(&s->timeline, want, at, len);
        if (!compute(s, len, s->keep_all ? s->core->all : s->core->prefill, out_rows, n_out,
                     &result, r, cancel, error))
            return FALSE;
        at += len;
        if (s->keep_all) {
            memcpy(s->all_logits + s->all_rows * n_vocab, result, len * n_vocab * sizeof(float));
            s->all_rows += len;
        }
        if (at == n) {
            memcpy(s->logits, result + (n_out - 1) * n_vocab, n_vocab * sizeof(float));
            s->have_logits = TRUE;
        }
    }
    r->p.done = n - keep;
    report(r, LW_STAGE_PREFILL);
    return TRUE;
}

gboolean lw_session_sync(lw_session *s, const lw_prompt *prompt, lw_progress_fn progress,
                         void *user, const gint *cancel, GError **error)
{
    const lw_timeline *want = &prompt->timeline;
    gsize n = lw_timeline_len(want);
    GError *err = NULL;

    if (n == 0) {
        g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "the prompt is empty");
        return FALSE;
    }
    if (n > s->core->n_ctx) {
        lw_fit_choices choices;
        lw_session_get_choices(s, n, &choices);
        g_autofree char *todo = lw_fit_choices_describe(&choices), *needed = lw_fit_group(n),
                        *room = lw_fit_group(s->core->n_ctx);
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL,
                    "the conversation is %s tokens long, the context holds %s; %s", needed, room, todo);
        return FALSE;
    }
    if (want->media->len && !s->core->media) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s",
                    lw_model_get_info(s->core->model)->vision_missing);
        return FALSE;
    }
    if (s->keep_all && !ensure_all_exec(s, error))
        return FALSE;

    s->n_restored = 0;
    gsize keep = s->keep_all ? 0 : lw_timeline_common(&s->timeline, want);
    if (!s->keep_all)
        keep = restore(s, want, keep);
    /* The last token's logits are needed: compute at least it, unless they are still there. */
    if (keep == n && !(s->have_logits && lw_timeline_len(&s->timeline) == n))
        keep = n - 1;
    cut(s, keep);
    s->n_reused = keep;

    reporter r = {progress, user, g_get_monotonic_time(), {0}};
    gboolean ok = extend(s, want, keep, &r, cancel, &err);
    if (!ok && recover(s, &err))
        ok = extend(s, want, 0, &r, cancel, &err);
    if (err)
        g_propagate_error(error, err);
    return ok;
}

/* Decode when the snapshot that the session was restored from is lost: compute everything again. */
static gboolean decode_again(lw_session *s, gint32 token, GError **lost, const float **logits,
                             const gint *cancel, GError **error)
{
    reporter r = {NULL, NULL, g_get_monotonic_time(), {0}};
    lw_timeline all;

    lw_timeline_init(&all);
    lw_timeline_append(&all, &s->timeline, 0, lw_timeline_len(&s->timeline));
    lw_timeline_add_text(&all, &token, 1);
    recover(s, lost);
    gboolean ok = extend(s, &all, 0, &r, cancel, error);
    lw_timeline_clear(&all);
    if (ok && logits)
        *logits = s->logits;
    return ok;
}

gboolean lw_session_decode(lw_session *s, gint32 token, const float **logits, const gint *cancel,
                           GError **error)
{
    const lw_hparams *h = lw_model_get_hparams(s->core->model);
    const gint32 out_row = 0;
    const float *result;

    if (token < 0 || (guint32)token >= h->n_vocab) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "token id %d is outside the vocabulary (0 to %u)", token, h->n_vocab - 1);
        return FALSE;
    }
    if (lw_timeline_len(&s->timeline) >= s->core->n_ctx) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL,
                    "the context of %u tokens is full", s->core->n_ctx);
        return FALSE;
    }
    lw_timeline_add_text(&s->timeline, &token, 1);
    GError *err = NULL;
    if (!compute(s, 1, s->core->prefill, &out_row, 1, &result, NULL, cancel, &err)) {
        if (lw_kv_seq_is_intact(s->kv)) {
            g_propagate_error(error, err);
            return FALSE;
        }
        return decode_again(s, token, &err, logits, cancel, error);
    }
    memcpy(s->logits, result, h->n_vocab * sizeof(float));
    s->have_logits = TRUE;
    if (logits)
        *logits = s->logits;
    return TRUE;
}

/* ---- Snapshots ---- */

char *lw_session_default_snapshots(void)
{
    return g_build_filename(g_get_user_cache_dir(), "longwave", "kv", NULL);
}

void lw_session_clear_snapshots(const char *folder)
{
    g_autofree char *own = folder ? NULL : lw_session_default_snapshots();

    lw_snapshot_clear(folder ? folder : own);
}

guint64 lw_session_measure_snapshots(const char *folder)
{
    g_autofree char *own = folder ? NULL : lw_session_default_snapshots();

    return lw_snapshot_used(folder ? folder : own);
}

void lw_session_trim_snapshots(const char *folder, guint64 bytes)
{
    g_autofree char *own = folder ? NULL : lw_session_default_snapshots();
    const char *root = folder ? folder : own;

    lw_snapshot_evict(root, lw_snapshot_budget(root, bytes, lw_snapshot_used(root)), NULL);
}

gboolean lw_session_save(lw_session *s, GError **error)
{
    if (!s->snapshots) {
        g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                            "this session keeps no snapshots");
        return FALSE;
    }
    if (s->core->method->new)
        return TRUE;
    return lw_snapshots_save(s->snapshots, &s->timeline, s->kv, &s->link, NULL, error);
}

void lw_session_save_turn(lw_session *s)
{
    g_autoptr(GError) error = NULL;

    if (s->snapshots && !s->is_fork && !lw_session_save(s, &error) && !s->save_failed) {
        s->save_failed = TRUE;
        g_message("the conversation is not kept for the next start: %s", error->message);
    }
}

/* ---- Forks ---- */

gboolean lw_session_can_fork(const lw_session *s)
{
    return !s->core->method->new;
}

lw_session *lw_session_fork(lw_session *s, GError **error)
{
    session_core *c = s->core;

    if (!lw_session_can_fork(s)) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "a session with %s attention cannot be forked", c->method->name);
        return NULL;
    }
    c->refs++;
    lw_session *f = session_on(c, error);
    if (!f)
        return NULL;
    lw_kv_seq_free(f->kv);
    f->kv = lw_kv_seq_fork(s->kv);
    f->is_fork = TRUE;
    lw_timeline_append(&f->timeline, &s->timeline, 0, lw_timeline_len(&s->timeline));
    if (s->have_logits) {
        memcpy(f->logits, s->logits, lw_model_get_hparams(c->model)->n_vocab * sizeof(float));
        f->have_logits = TRUE;
    }
    return f;
}

void lw_session_truncate(lw_session *s, gsize n)
{
    cut(s, n);
}

gboolean lw_session_watch(lw_session *s, gsize from, gsize to, lw_attention_row_fn fn, void *user,
                          GError **error)
{
    guint n_head = lw_model_get_info(s->core->model)->n_head;

    lw_free(s->watch.p);
    s->watch = (lw_attention_watch){0};
    if (!fn)
        return TRUE;
    to = MIN(to, s->core->n_ctx);
    float *p = lw_alloc0_array_try(to, LW_WATCH_ROWS * n_head * sizeof(float), "attention that is watched", error);
    if (p)
        s->watch = (lw_attention_watch){from, to, fn, user, p};
    return p != NULL;
}

/* ---- Queries ---- */

void lw_session_get_choices(const lw_session *s, gsize n_needed, lw_fit_choices *out)
{
    /* What the cache takes now would be free for another one. */
    lw_fit_choose(lw_model_get_info(s->core->model), s->core->n_ctx,
                  lw_kv_cache_shape(s->core->cache)->type,
                  lw_memory_available() + lw_kv_cache_bytes(s->core->cache), n_needed, out);
}

const float *lw_session_get_logits(const lw_session *s)
{
    return s->have_logits ? s->logits : NULL;
}

void lw_session_keep_all_logits(lw_session *s, gboolean keep)
{
    s->keep_all = keep;
}

const float *lw_session_get_all_logits(const lw_session *s, gsize *n_rows)
{
    *n_rows = s->all_rows;
    return s->all_rows ? s->all_logits : NULL;
}

gsize lw_session_get_n_tokens(const lw_session *s)
{
    return lw_timeline_len(&s->timeline);
}

guint32 lw_session_get_n_ctx(const lw_session *s)
{
    return s->core->n_ctx;
}

gsize lw_session_get_n_reused(const lw_session *s)
{
    return s->n_reused;
}

gsize lw_session_get_n_restored(const lw_session *s)
{
    return s->n_restored;
}

gsize lw_session_get_kv_bytes(const lw_session *s)
{
    return lw_kv_cache_bytes(s->core->cache);
}

const char *lw_session_get_device(const lw_session *s)
{
    return s->core->backend->describe(s->core->device);
}

lw_model *lw_session_get_model(const lw_session *s)
{
    return s->core->model;
}
