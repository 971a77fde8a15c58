/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Byte-level BPE (tokenizer.ggml.model "gpt2"): a text is split into pieces by the pattern that
 * tokenizer.ggml.pre names, and the bytes of each piece are merged by the file's list.
 */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/tokenizer/byte-alphabet.h"
#include "engine/tokenizer/cover.h"
#include "engine/tokenizer/filter.h"
#include "engine/tokenizer/pretokenize.h"
#include "engine/tokenizer/unicode.h"

/* The largest real list has about 600,000 merges. */
#define MAX_MERGES (1 << 22)
#define MAX_MERGE_BYTES (2 * LW_MAX_TOKEN_BYTES)
#define MAX_ALL_MERGE_BYTES ((gsize)1 << 30)

static const char merges_key[] = "tokenizer.ggml.merges";

/* left + right -> result. */
typedef struct {
    guint64 key; /* left << 32 | right; G_MAXUINT64: free */
    lw_pair pair;
} merge;

typedef struct {
    const lw_pretokenizer *pre;
    lw_symbols symbols; /* kept for patterns that look whole pieces up */
    gint32 byte_symbol[256];
    lw_pair *byte_pairs; /* [256][256] merges of two single bytes, again: half of all look-ups */
    merge *merges;       /* hash table of merge_mask + 1 slots */
    gsize merge_mask;
    lw_filter merged; /* hashes of their keys */
} gpt2;

static inline guint64 merge_hash(const lw_tokenizer *t, guint64 key)
{
    return (key ^ t->hash_key[0]) * (t->hash_key[1] | 1);
}

static inline gsize merge_slot(const gpt2 *own, guint64 hash)
{
    return (hash >> 32 ^ hash >> 15) & own->merge_mask;
}

/* ---- Reading ---- */

static gboolean init(lw_tokenizer *t, GError **error)
{
    static const char key[] = "tokenizer.ggml.pre";
    GError *local = NULL;
    gpt2 *own = t->own = g_new0(gpt2, 1);
    lw_gguf_str s;

    if (!lw_gguf_get_str(t->gguf, key, &s, &local))
        return lw_tokenizer_missing(t, error, local, key);
    own->pre = lw_pretokenizer_find(s.bytes, s.n);
    if (own->pre == NULL) {
        char *names = lw_pretokenizer_names();

        lw_tokenizer_fail(t, error, LW_MODEL_ERROR_UNSUPPORTED,
                          "pre-tokenizer '%.*s' is not supported, these are: %s", (int)MIN(s.n, 40),
                          s.bytes, names);
        g_free(names);
        return FALSE;
    }
    if (!lw_gguf_has(t->gguf, merges_key))
        return lw_tokenizer_missing(t, error, NULL, merges_key);
    t->add_bos = own->pre->add_bos;
    return TRUE;
}

static gboolean check_merges(lw_tokenizer *t, const lw_gguf_str *merges, gsize n, gsize *total,
                             GError **error)
{
    *total = 0;
    if (n > MAX_MERGES)
        return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                 "%" G_GSIZE_FORMAT " merges, the limit is %d", n, MAX_MERGES);
    for (gsize i = 0; i < n; i++) {
        if (merges[i].n > MAX_MERGE_BYTES)
            return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                     "merge %" G_GSIZE_FORMAT " has %" G_GSIZE_FORMAT
                                     " bytes, the limit is %d",
                                     i, merges[i].n, MAX_MERGE_BYTES);
        *total += merges[i].n;
    }
    if (*total > MAX_ALL_MERGE_BYTES)
        return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                 "merges of %" G_GSIZE_FORMAT
                                 " bytes in all, the limit is %" G_GSIZE_FORMAT,
                                 *total, MAX_ALL_MERGE_BYTES);
    return TRUE;
}

static void add_bytes(lw_tokenizer *t)
{
    gpt2 *own = t->own;

    for (gint i = 0; i < 256; i++) {
        char byte = (char)i;

        own->byte_symbol[i] = lw_symbols_intern(&own->symbols, &byte, 1);
        if (own->byte_symbol[i] < t->n_tokens)
            t->byte_token[i] = own->byte_symbol[i];
    }
}

static void add_merge(const lw_tokenizer *t, gpt2 *own, gint32 left, gint32 right, gint32 rank,
                      gint32 result)
{
    guint64 key = (guint64)(guint32)left << 32 | (guint32)right;
    guint64 hash = merge_hash(t, key);
    gsize i = merge_slot(own, hash);

    lw_filter_add(&own->merged, hash);
    while (own->merges[i].key != G_MAXUINT64 && own->merges[i].key != key)
        i = (i + 1) & own->merge_mask;
    if (own->merges[i].key != key) /* the first of equal merges counts */
        own->merges[i] = (merge){key, {rank, result}};
}

static inline lw_pair *byte_pair(const gpt2 *own, guint8 left, guint8 right)
{
    return &own->byte_pairs[(gsize)left << 8 | right];
}

static gboolean add_merges(lw_tokenizer *t, const lw_gguf_str *merges, gsize n, char *text,
                           GError **error)
{
    gpt2 *own = t->own;
    gint32 expected = 0; /* trained vocabularies list results in the order of merges */

    for (gsize i = 0; i < n; i++) {
        lw_gguf_str m = merges[i];
        const char *space = m.n > 1 ? memchr(m.bytes + 1, ' ', m.n - 1) : NULL;
        gsize n_first = space != NULL ? (gsize)(space - m.bytes) : 0;
        gssize n_left, n_right;
        gint32 left, right, result;

        if (space == NULL || n_first + 1 == m.n)
            return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                     "merge %" G_GSIZE_FORMAT " does not consist of two parts", i);
        n_left = lw_byte_alphabet_decode(m.bytes, n_first, text);
        if (n_left < 0)
            continue; /* no text can reach it */
        n_right = lw_byte_alphabet_decode(space + 1, m.n - n_first - 1, text + n_left);
        if (n_right < 0)
            continue;
        if (!lw_symbols_reserve(&own->symbols, 3, error))
            return FALSE;
        left = lw_symbols_intern(&own->symbols, text, (gsize)n_left);
        right = lw_symbols_intern(&own->symbols, text + n_left, (gsize)n_right);
        if (lw_symbols_is(&own->symbols, expected, text, (gsize)(n_left + n_right)))
            result = expected;
        else
            result = lw_symbols_intern(&own->symbols, text, (gsize)(n_left + n_right));
        expected = result + 1;
        add_merge(t, own, left, right, (gint32)i, result);
        if (n_left == 1 && n_right == 1) {
            lw_pair *p = byte_pair(own, (guint8)text[0], (guint8)text[1]);

            if (p->rank == LW_NO_RANK)
                *p = (lw_pair){(gint32)i, result};
        }
    }
    return TRUE;
}

static gboolean prepare(lw_tokenizer *t, GError **error)
{
    gpt2 *own = t->own;
    lw_gguf_str *merges = NULL;
    gsize n = 0, total, n_slots = 1024;
    GError *local = NULL;
    gboolean ok = FALSE;
    char *text = NULL;

    if (!lw_gguf_get_str_array(t->gguf, merges_key, &merges, &n, &local))
        return lw_tokenizer_missing(t, error, local, merges_key);
    if (!check_merges(t, merges, n, &total, error) ||
        !lw_symbols_init(&own->symbols, t, 3 * n + 256, 2 * total + 256, error))
        goto out;
    while (n_slots < n * 3 / 2)
        n_slots *= 2;
    own->merge_mask = n_slots - 1;
    own->merges = lw_alloc_try(n_slots * sizeof *own->merges, "the merges", error);
    own->byte_pairs = own->merges != NULL
                          ? lw_alloc_try(256 * 256 * sizeof *own->byte_pairs, "the merges", error)
                          : NULL;
    if (own->byte_pairs == NULL || !lw_filter_init(&own->merged, n, error) ||
        !lw_symbols_reserve(&own->symbols, 256, error))
        goto out;
    memset(own->merges, 0xff, n_slots * sizeof *own->merges);
    for (gsize i = 0; i < 256 * 256; i++)
        own->byte_pairs[i] = (lw_pair){LW_NO_RANK, -1};
    add_bytes(t);
    text = g_malloc(MAX_MERGE_BYTES);
    ok = add_merges(t, merges, n, text, error);
out:
    if (!ok || !own->pre->whole_pieces)
        lw_symbols_clear(&own->symbols);
    if (!ok) {
        lw_filter_clear(&own->merged);
        lw_free(own->merges);
        lw_free(own->byte_pairs);
        own->merges = NULL;
        own->byte_pairs = NULL;
    }
    g_free(text);
    lw_free(merges);
    return ok;
}

static void clear(lw_tokenizer *t)
{
    gpt2 *own = t->own;

    lw_symbols_clear(&own->symbols);
    lw_filter_clear(&own->merged);
    lw_free(own->merges);
    lw_free(own->byte_pairs);
    g_free(own);
}

/* ---- Encoding ---- */

static gboolean encode_pieces(lw_encoder *e, const guint8 *text, gsize n)
{
    const gpt2 *own = lw_encoder_tokenizer(e)->own;
    const guint8 *p = text, *end = text + n;

    while (p < end) {
        gsize k = own->pre->piece(p, end);

        if (!lw_encoder_piece_soon(e, p, k))
            return FALSE;
        p += k;
    }
    return lw_encoder_flush(e);
}

static gboolean encode_stretch(lw_encoder *e, const guint8 *text, gsize n)
{
    const gpt2 *own = lw_encoder_tokenizer(e)->own;
    guint8 *normal;
    gboolean ok;

    if (!own->pre->nfc || lw_nfc_is_plain(text, n))
        return encode_pieces(e, text, n);
    normal = lw_alloc_try(n * LW_NFC_GROWTH, "normalising text", lw_encoder_error(e));
    if (normal == NULL)
        return FALSE;
    ok = encode_pieces(e, normal, lw_nfc(text, n, normal));
    lw_free(normal);
    return ok;
}

static gboolean encode_piece(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                             GError **error)
{
    const gpt2 *own = t->own;

    if (own->pre->whole_pieces) {
        gint32 id = lw_symbols_find(&own->symbols, piece, n);

        if (id >= 0 && id < t->n_tokens) {
            g_array_append_val(ids, id);
            return TRUE;
        }
    }
    return lw_merge_encode(t, piece, n, ids, error);
}

static inline gint32 first(const lw_tokenizer *t, const guint8 *p, const guint8 *end, guint32 *n)
{
    const gpt2 *own = t->own;

    *n = 1;
    return own->byte_symbol[*p];
}

static inline gint32 pair_rank(const lw_tokenizer *t, const guint8 *bytes, lw_part left,
                               lw_part right, gint32 *result)
{
    const gpt2 *own = t->own;
    guint64 key, hash;

    if (left.n + right.n == 2) {
        const lw_pair *p = byte_pair(own, bytes[0], bytes[1]);

        *result = p->result;
        return p->rank;
    }
    key = (guint64)(guint32)left.symbol << 32 | (guint32)right.symbol;
    hash = merge_hash(t, key);
    if (!lw_filter_may_have(&own->merged, hash))
        return LW_NO_RANK;
    for (gsize i = merge_slot(own, hash);; i = (i + 1) & own->merge_mask) {
        if (own->merges[i].key == key) {
            *result = own->merges[i].pair.result;
            return own->merges[i].pair.rank;
        }
        if (own->merges[i].key == G_MAXUINT64)
            return LW_NO_RANK;
    }
}

static gboolean pair(const lw_tokenizer *t, const guint8 *bytes, lw_part left, lw_part right,
                     lw_pair *out)
{
    out->rank = pair_rank(t, bytes, left, right, &out->result);
    return out->rank != LW_NO_RANK;
}

static gsize merge_short(const lw_tokenizer *t, const guint8 *piece, gsize n, lw_part *parts)
{
    return lw_merge_short(t, piece, n, parts, first, pair_rank);
}

static gboolean cover(const lw_tokenizer *t, lw_cover *c, const guint8 *piece, gsize n, GArray *ids)
{
    const gpt2 *own = t->own;

    /* A piece that is a token as it stands is found by encode_piece(). */
    if (own->pre->whole_pieces && n <= own->symbols.max_bytes)
        return FALSE;
    return lw_cover_piece(t, c, piece, n, ids, first, pair_rank);
}

const lw_tokenizer_model lw_tokenizer_gpt2 = {
    .name = "gpt2",
    .init = init,
    .token_bytes = lw_byte_alphabet_decode,
    .prepare = prepare,
    .clear = clear,
    .encode_stretch = encode_stretch,
    .encode_piece = encode_piece,
    .first = first,
    .pair = pair,
    .merge_short = merge_short,
    .cover = cover,
    .spell = lw_spell_bytes,
};
