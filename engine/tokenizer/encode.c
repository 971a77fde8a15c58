/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Spans -> special tokens and the stretches between them; the model makes ids of those.
 *
 * Specials are looked for in the raw bytes and inside trusted runs only.  From then on trust plays
 * no part: a stretch joins trusted and untrusted bytes, and merging has no way to a special token.
 */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/tokenizer/tokenizer-private.h"

/* All text of one call. */
#define MAX_TEXT ((gsize)256 * 1024 * 1024)

/* Texts from this size on remember the pieces that they have met: a slot for each so many bytes of
 * text, within limits. */
#define CACHE_FROM 4096
#define CACHE_BYTES_A_SLOT 32
#define CACHE_SLOTS_MIN 1024
#define CACHE_SLOTS_MAX 131072

/* One piece that was encoded before.  64 bytes: a line. */
#define CACHED_BYTES 23
#define CACHED_IDS 8
typedef struct {
    guint8 n_bytes, n_ids;
    guint8 bytes[CACHED_BYTES];
    gint32 ids[CACHED_IDS];
} cached_piece;

/* A longer one: words of scripts with three bytes a character.  Two lines; a quarter as many. */
#define CACHED_LONG_BYTES 62
#define CACHED_LONG_IDS 16
#define LONG_SLOTS(n) ((n) / 4)
typedef struct {
    guint8 n_bytes, n_ids;
    guint8 bytes[CACHED_LONG_BYTES];
    gint32 ids[CACHED_LONG_IDS];
} cached_long_piece;

/* Texts from this size on have their longer pieces covered with tokens instead of merged: it takes
 * a tree of all tokens, which is made for the first of them. */
#define COVER_FROM (64 * 1024)
#define COVERED_BYTES 24

struct lw_encoder {
    const lw_tokenizer *t;
    lw_cover *cover;               /* NULL: a short text */
    cached_piece *cache;           /* NULL: a short text */
    cached_long_piece *long_cache; /* NULL: the same */
    gsize n_slots;                 /* of cache, a power of two */
    const guint8 *waiting;         /* a piece whose slot is on its way, NULL: none */
    gsize n_waiting;
    guint64 waiting_hash;
    GArray *ids;
    GError **error;
};

const lw_tokenizer *lw_encoder_tokenizer(const lw_encoder *e)
{
    return e->t;
}

GArray *lw_encoder_ids(lw_encoder *e)
{
    return e->ids;
}

GError **lw_encoder_error(lw_encoder *e)
{
    return e->error;
}

static gboolean encode_unknown(lw_encoder *e, const guint8 *piece, gsize n)
{
    if (e->cover != NULL && n > COVERED_BYTES &&
        e->t->model->cover(e->t, e->cover, piece, n, e->ids))
        return TRUE;
    return e->t->model->encode_piece(e->t, piece, n, e->ids, e->error);
}

/* Encode a piece and, if its ids are few enough, write them to a slot. */
static gboolean encode_and_keep(lw_encoder *e, const guint8 *piece, gsize n, guint8 *n_bytes,
                                guint8 *bytes, guint8 *n_slot_ids, gint32 *ids, guint max_ids)
{
    guint first = e->ids->len, n_ids;

    if (!encode_unknown(e, piece, n))
        return FALSE;
    n_ids = e->ids->len - first;
    if (n_ids <= max_ids) {
        *n_bytes = (guint8)n;
        *n_slot_ids = (guint8)n_ids;
        memcpy(bytes, piece, n);
        memcpy(ids, &g_array_index(e->ids, gint32, first), n_ids * sizeof *ids);
    }
    return TRUE;
}

static gboolean encode_hashed(lw_encoder *e, const guint8 *piece, gsize n, guint64 hash)
{
    if (e->cache == NULL || n > CACHED_LONG_BYTES)
        return encode_unknown(e, piece, n);
    if (n <= CACHED_BYTES) {
        cached_piece *c = &e->cache[hash & (e->n_slots - 1)];

        if (c->n_bytes != n || memcmp(c->bytes, piece, n) != 0)
            return encode_and_keep(e, piece, n, &c->n_bytes, c->bytes, &c->n_ids, c->ids,
                                   CACHED_IDS);
        g_array_append_vals(e->ids, c->ids, c->n_ids);
    } else {
        cached_long_piece *c = &e->long_cache[hash & (LONG_SLOTS(e->n_slots) - 1)];

        if (c->n_bytes != n || memcmp(c->bytes, piece, n) != 0)
            return encode_and_keep(e, piece, n, &c->n_bytes, c->bytes, &c->n_ids, c->ids,
                                   CACHED_LONG_IDS);
        g_array_append_vals(e->ids, c->ids, c->n_ids);
    }
    return TRUE;
}

gboolean lw_encoder_piece(lw_encoder *e, const guint8 *piece, gsize n)
{
    return encode_hashed(e, piece, n, lw_tokenizer_hash(e->t, piece, n));
}

gboolean lw_encoder_flush(lw_encoder *e)
{
    const guint8 *piece = e->waiting;

    e->waiting = NULL;
    return piece == NULL || encode_hashed(e, piece, e->n_waiting, e->waiting_hash);
}

gboolean lw_encoder_piece_soon(lw_encoder *e, const guint8 *piece, gsize n)
{
    guint64 hash = 0;

    if (e->cache != NULL && n <= CACHED_LONG_BYTES) {
        hash = lw_tokenizer_hash(e->t, piece, n);
        if (n <= CACHED_BYTES) {
            __builtin_prefetch(&e->cache[hash & (e->n_slots - 1)]);
        } else {
            const cached_long_piece *c = &e->long_cache[hash & (LONG_SLOTS(e->n_slots) - 1)];

            __builtin_prefetch(c);
            __builtin_prefetch(c->ids);
        }
    }
    if (!lw_encoder_flush(e))
        return FALSE;
    e->waiting = piece;
    e->n_waiting = n;
    e->waiting_hash = hash;
    return TRUE;
}

/* ---- Runs of trust ---- */

/* Neighbouring spans of one trust. */
typedef struct {
    const lw_span *spans;
    gsize n_spans, next; /* the span after the run */
    gsize end;           /* of the run, in the joined text */
    gboolean trusted;
} run;

static void next_run(run *r)
{
    r->trusted = r->spans[r->next].trusted;
    while (r->next < r->n_spans &&
           (r->spans[r->next].n == 0 || !r->spans[r->next].trusted == !r->trusted))
        r->end += r->spans[r->next++].n;
}

/* Some models' specials swallow the white space to their right, all but those that may begin a
 * text. */
static gboolean strips_right(const lw_tokenizer *t, gint32 id)
{
    static const char *const kept[] = {"<s>", "<unk>", "<|endoftext|>"};
    gsize n;
    const char *text;

    if (!t->strip_right)
        return FALSE;
    text = lw_tokenizer_token_bytes(t, id, &n);
    for (gsize i = 0; i < G_N_ELEMENTS(kept); i++) {
        if (strlen(kept[i]) == n && memcmp(kept[i], text, n) == 0)
            return FALSE;
    }
    return TRUE;
}

static gboolean encode_joined(lw_encoder *e, const guint8 *text, gsize total, const lw_span *spans,
                              gsize n_spans)
{
    const lw_tokenizer *t = e->t;
    run r = {.spans = spans, .n_spans = n_spans};
    gsize done = 0, at = 0;

    while (at < total) {
        guint8 wanted;
        gsize n, limit;
        gint32 id;

        while (at >= r.end)
            next_run(&r);
        wanted = r.trusted ? LW_FIRST_ANY : t->any_layout ? LW_FIRST_LAYOUT : 0;
        limit = r.end;
        if (wanted == 0)
            at = limit;
        while (at < limit && (t->special_first[text[at]] & wanted) == 0)
            at++;
        if (at == limit)
            continue;
        id = lw_specials_match(t, text + at, r.trusted ? limit - at : 0, total - at, &n);
        if (id < 0) {
            at++;
            continue;
        }
        if (at > done && !t->model->encode_stretch(e, text + done, at - done))
            return FALSE;
        g_array_append_val(e->ids, id);
        at += n;
        while (at < total && strips_right(t, id) && g_ascii_isspace(text[at]))
            at++;
        done = at;
    }
    return total == done || t->model->encode_stretch(e, text + done, total - done);
}

static gboolean make_cache(lw_encoder *e, gsize total)
{
    e->n_slots = CACHE_SLOTS_MIN;
    while (e->n_slots < CACHE_SLOTS_MAX && e->n_slots * CACHE_BYTES_A_SLOT < total)
        e->n_slots *= 2;
    e->cache = lw_alloc0_array_try(e->n_slots, sizeof *e->cache, "the tokenizer's cache", e->error);
    e->long_cache = e->cache != NULL
                        ? lw_alloc0_array_try(LONG_SLOTS(e->n_slots), sizeof *e->long_cache,
                                              "the tokenizer's cache", e->error)
                        : NULL;
    return e->long_cache != NULL;
}

gboolean lw_tokenizer_encode(const lw_tokenizer *t, const lw_span *spans, gsize n_spans,
                             GArray *ids, GError **error)
{
    lw_encoder e = {.t = t, .ids = ids, .error = error};
    guint before = ids->len;
    gsize total = 0, at = 0;
    guint8 *joined = NULL;
    gboolean ok = FALSE;

    for (gsize i = 0; i < n_spans; i++) {
        if (spans[i].n > MAX_TEXT - total) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                        "a text of more than %" G_GSIZE_FORMAT " bytes, the limit", MAX_TEXT);
            return FALSE;
        }
        total += spans[i].n;
    }
    if (!lw_tokenizer_prepare(t, error))
        return FALSE;
    if (total >= CACHE_FROM && !make_cache(&e, total))
        goto out;
    if (total >= COVER_FROM && t->model->cover != NULL) {
        if (!lw_tokenizer_prepare_trie(t, error))
            goto out;
        e.cover = lw_cover_new(t, error);
        if (e.cover == NULL)
            goto out;
    }
    if (n_spans == 1) {
        ok = encode_joined(&e, (const guint8 *)spans[0].bytes, total, spans, 1);
    } else if (n_spans > 1) {
        joined = lw_alloc_try(total, "joining the prompt's text", error);
        if (joined == NULL)
            goto out;
        for (gsize i = 0; i < n_spans; i++) {
            if (spans[i].n > 0)
                memcpy(joined + at, spans[i].bytes, spans[i].n);
            at += spans[i].n;
        }
        ok = encode_joined(&e, joined, total, spans, n_spans);
    } else {
        ok = TRUE;
    }
out:
    if (!ok)
        g_array_set_size(ids, before);
    lw_free(joined);
    lw_free(e.cache);
    lw_free(e.long_cache);
    lw_cover_free(e.cover);
    return ok;
}

gboolean lw_tokenizer_encode_text(const lw_tokenizer *t, const char *text, gssize n,
                                  gboolean trusted, GArray *ids, GError **error)
{
    lw_span span = {.bytes = text, .n = n < 0 ? strlen(text) : (gsize)n, .trusted = trusted};

    return lw_tokenizer_encode(t, &span, 1, ids, error);
}

gboolean lw_tokenizer_encode_whole(const lw_tokenizer *t, const lw_span *spans, gsize n_spans,
                                   GArray *ids, GError **error)
{
    guint before = ids->len;

    if (t->add_bos && t->bos >= 0)
        g_array_append_val(ids, t->bos);
    if (!lw_tokenizer_encode(t, spans, n_spans, ids, error)) {
        g_array_set_size(ids, before);
        return FALSE;
    }
    if (t->add_eos && t->eos >= 0)
        g_array_append_val(ids, t->eos);
    return TRUE;
}
