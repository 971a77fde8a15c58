/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Spans -> special tokens and the stretches between them -> normal form -> pieces -> ids.
 *
 * Specials are looked for in the raw bytes and inside trusted runs only.  From then on trust plays no
 * part: a stretch joins trusted and untrusted bytes, and merging has no way to a special token.
 */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/lw-error.h"
#include "engine/tokenizer/tokenizer-private.h"
#include "engine/tokenizer/unicode.h"

/* All text of one call. */
#define MAX_TEXT ((gsize)256 * 1024 * 1024)

/* Texts from this size on remember the pieces they have met. */
#define CACHE_FROM 4096
#define CACHE_SLOTS 8192
#define CACHED_BYTES 23
#define CACHED_IDS 8

/* One piece that was encoded before.  64 bytes: a line. */
typedef struct {
    guint8 n_bytes, n_ids;
    guint8 bytes[CACHED_BYTES];
    gint32 ids[CACHED_IDS];
} cached_piece;

typedef struct {
    const lw_tokenizer *t;
    cached_piece *cache; /* NULL: a short text */
    GArray *ids;
    GError **error;
} encoder;

static gboolean encode_piece(encoder *e, const guint8 *piece, gsize n)
{
    cached_piece *c;
    guint first = e->ids->len, n_ids;

    if (e->cache == NULL || n > CACHED_BYTES)
        return lw_bpe_encode_piece(e->t, piece, n, e->ids, e->error);
    c = &e->cache[lw_tokenizer_hash(e->t, piece, n) % CACHE_SLOTS];
    if (c->n_bytes == n && memcmp(c->bytes, piece, n) == 0) {
        g_array_append_vals(e->ids, c->ids, c->n_ids);
        return TRUE;
    }
    if (!lw_bpe_encode_piece(e->t, piece, n, e->ids, e->error))
        return FALSE;
    n_ids = e->ids->len - first;
    if (n_ids <= CACHED_IDS) {
        c->n_bytes = (guint8)n;
        c->n_ids = (guint8)n_ids;
        memcpy(c->bytes, piece, n);
        memcpy(c->ids, &g_array_index(e->ids, gint32, first), n_ids * sizeof *c->ids);
    }
    return TRUE;
}

static gboolean encode_pieces(encoder *e, const guint8 *text, gsize n)
{
    const guint8 *p = text, *end = text + n;

    while (p < end) {
        gsize k = e->t->pre->piece(p, end);

        if (!encode_piece(e, p, k))
            return FALSE;
        p += k;
    }
    return TRUE;
}

/* The text between two specials. */
static gboolean encode_stretch(encoder *e, const guint8 *text, gsize n)
{
    guint8 *normal;
    gboolean ok;

    if (n == 0)
        return TRUE;
    if (!e->t->pre->nfc || lw_nfc_is_plain(text, n))
        return encode_pieces(e, text, n);
    normal = lw_alloc_try(n * LW_NFC_GROWTH, "normalising text", e->error);
    if (normal == NULL)
        return FALSE;
    ok = encode_pieces(e, normal, lw_nfc(text, n, normal));
    lw_free(normal);
    return ok;
}

/* End of the run of spans of one trust that begins in span i; *offset is where span i begins. */
static gsize trusted_run(const lw_span *spans, gsize n_spans, gsize *i, gsize offset)
{
    gboolean trusted = spans[*i].trusted;

    while (*i < n_spans && (spans[*i].n == 0 || !spans[*i].trusted == !trusted))
        offset += spans[(*i)++].n;
    return offset;
}

static gboolean encode_joined(encoder *e, const guint8 *text, const lw_span *spans, gsize n_spans)
{
    gsize done = 0, at = 0;

    for (gsize i = 0; i < n_spans;) {
        gboolean trusted = spans[i].trusted;
        gsize end = trusted_run(spans, n_spans, &i, at);

        while (trusted && at < end) {
            gsize n;
            gint32 id = lw_tokenizer_match_special(e->t, text + at, end - at, &n);

            if (id < 0) {
                at++;
                continue;
            }
            if (!encode_stretch(e, text + done, at - done))
                return FALSE;
            g_array_append_val(e->ids, id);
            at += n;
            done = at;
        }
        at = end;
    }
    return encode_stretch(e, text + done, at - done);
}

gboolean lw_tokenizer_encode(const lw_tokenizer *t, const lw_span *spans, gsize n_spans, GArray *ids,
                             GError **error)
{
    encoder e = {.t = t, .ids = ids, .error = error};
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
    if (total >= CACHE_FROM) {
        e.cache = lw_alloc0_array_try(CACHE_SLOTS, sizeof *e.cache, "the tokenizer's cache", error);
        if (e.cache == NULL)
            return FALSE;
    }
    if (n_spans == 1) {
        ok = encode_joined(&e, (const guint8 *)spans[0].bytes, spans, 1);
    } else if (n_spans > 1) {
        joined = lw_alloc_try(total, "joining the prompt's text", error);
        if (joined == NULL)
            goto out;
        for (gsize i = 0; i < n_spans; i++) {
            if (spans[i].n > 0)
                memcpy(joined + at, spans[i].bytes, spans[i].n);
            at += spans[i].n;
        }
        ok = encode_joined(&e, joined, spans, n_spans);
    } else {
        ok = TRUE;
    }
out:
    if (!ok)
        g_array_set_size(ids, before);
    lw_free(joined);
    lw_free(e.cache);
    return ok;
}

gboolean lw_tokenizer_encode_text(const lw_tokenizer *t, const char *text, gssize n, gboolean trusted,
                                  GArray *ids, GError **error)
{
    lw_span span = {.bytes = text, .n = n < 0 ? strlen(text) : (gsize)n, .trusted = trusted};

    return lw_tokenizer_encode(t, &span, 1, ids, error);
}
