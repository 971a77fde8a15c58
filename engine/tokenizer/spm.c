/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SentencePiece's BPE (tokenizer.ggml.model "llama"): neighbours merge when their text is a token,
 * the pair of highest score first.  Characters that are no token are written as bytes, <0xHH>.
 *
 * A space is U+2581 in the file and a space here: tokens are translated once instead of every text.
 * A text that holds U+2581 itself has it read as a space, as SentencePiece does.
 *
 * The method merges a whole text at once.  It is cut between two characters that are neighbours in
 * no token, since no merge can cross there; nearly all words come out as pieces, which the encoder
 * remembers.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/tokenizer/cover.h"
#include "engine/tokenizer/unicode.h"

static const char scores_key[] = "tokenizer.ggml.scores";
static const char space_mark[] = "\xe2\x96\x81"; /* U+2581 */
#define SPACE_MARK_BYTES 3

/* Tokens of at most this many bytes are found by a number that is bytes and length. */
#define SHORT_TOKEN 7

typedef struct {
    guint64 key; /* bytes | length << 56; 0: free */
    gint32 rank, symbol;
} short_token;

typedef struct {
    lw_symbols symbols;
    short_token *short_tokens; /* hash table of short_mask + 1 slots */
    gsize short_mask;
    lw_filter short_filter; /* hashes of their keys */
    lw_pair *ascii_merges;  /* [128][128] tokens of two ASCII characters, once more */
    gint32 *ranks;          /* [n_tokens] lower for higher scores, equal for equal ones */
    gint32 ascii[128];      /* symbols of single characters */
    guint64 ascii_pairs[128][2];
    lw_filter pairs; /* those that are not both ASCII, by hash */
} spm;

/* ---- Reading ---- */

static gboolean init(lw_tokenizer *t, GError **error)
{
    lw_gguf_str s;

    t->own = g_new0(spm, 1);
    t->bos = 1;
    t->eos = 2;
    t->unknown = 0;
    t->add_bos = TRUE;
    t->space_prefix = TRUE;
    /* No key says so; Phi-3's published tokenizer marks its specials this way. */
    t->strip_right = lw_gguf_get_str(t->gguf, "general.architecture", &s, NULL) && s.n == 4 &&
                     memcmp(s.bytes, "phi3", 4) == 0;
    if (!lw_gguf_has(t->gguf, scores_key))
        return lw_tokenizer_missing(t, error, NULL, scores_key);
    return TRUE;
}

/* Text of a token or of a stretch with spaces for U+2581. */
static gsize read_spaces(const char *text, gsize n, char *out)
{
    gsize n_out = 0;

    for (gsize i = 0; i < n;) {
        if (n - i >= SPACE_MARK_BYTES && memcmp(text + i, space_mark, SPACE_MARK_BYTES) == 0) {
            out[n_out++] = ' ';
            i += SPACE_MARK_BYTES;
        } else {
            out[n_out++] = text[i++];
        }
    }
    return n_out;
}

static gssize token_bytes(const char *text, gsize n, char *out)
{
    /* A real space in the file: SentencePiece never sees one in a text. */
    return memchr(text, ' ', n) != NULL ? -1 : (gssize)read_spaces(text, n, out);
}

/* Order of floats as order of integers, higher first.  Not for NaN. */
static gint32 rank_of(float score)
{
    gint32 bits;

    score += 0.0f; /* -0 and 0 are equal */
    memcpy(&bits, &score, sizeof bits);
    return ~(bits >= 0 ? bits : bits ^ G_MAXINT32);
}

static int compare_keys(const void *a, const void *b)
{
    guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;

    return x < y ? -1 : x > y;
}

/* Numbers in the order of the scores become 0, 1, 2 ..., as merging wants ranks. */
static gboolean pack_ranks(gint32 *ranks, gsize n, GError **error)
{
    guint64 *keys = lw_alloc_try(n * sizeof *keys, "the scores", error);
    gboolean sorted = TRUE;
    gint32 rank = -1;

    if (keys == NULL)
        return FALSE;
    for (gsize i = 0; i < n; i++) {
        keys[i] = (guint64)((guint32)ranks[i] ^ 0x80000000u) << 32 | i;
        sorted = sorted && (i == 0 || keys[i - 1] < keys[i]);
    }
    if (!sorted)
        qsort(keys, n, sizeof *keys, compare_keys);
    for (gsize i = 0; i < n; i++) {
        if (i == 0 || keys[i] >> 32 != keys[i - 1] >> 32)
            rank++;
        ranks[(guint32)keys[i]] = rank;
    }
    lw_free(keys);
    return TRUE;
}

static gboolean read_ranks(lw_tokenizer *t, GError **error)
{
    spm *own = t->own;
    float *scores = NULL;
    gsize n = 0;
    GError *local = NULL;
    gboolean ok = FALSE;

    if (!lw_gguf_get_f32_array(t->gguf, scores_key, &scores, &n, &local))
        return lw_tokenizer_missing(t, error, local, scores_key);
    if (n != (gsize)t->n_tokens) {
        lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                          "%" G_GSIZE_FORMAT " scores for %d tokens", n, t->n_tokens);
        goto out;
    }
    own->ranks = lw_alloc_try(n * sizeof *own->ranks, "the scores", error);
    if (own->ranks == NULL)
        goto out;
    for (gsize i = 0; i < n; i++) {
        if (scores[i] != scores[i]) {
            lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                              "the score of token %" G_GSIZE_FORMAT " is not a number", i);
            goto out;
        }
        own->ranks[i] = rank_of(scores[i]);
    }
    ok = pack_ranks(own->ranks, n, error);
out:
    lw_free(scores);
    return ok;
}

/* ---- Neighbours ---- */

/* A character as a number; invalid bytes have numbers of their own. */
static inline gsize read_unit(const guint8 *p, const guint8 *end, guint32 *unit)
{
    gsize n;

    if (*p < 0x80) {
        *unit = *p;
        return 1;
    }
    n = lw_utf8_read(p, end, unit);
    if (*unit == LW_UNI_INVALID)
        *unit = 0x110000u + *p;
    return n;
}

static inline guint64 pair_hash(guint32 a, guint32 b)
{
    return ((guint64)a << 32 | b) * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15);
}

static inline gboolean are_neighbours(const spm *own, guint32 a, guint32 b)
{
    if ((a | b) < 0x80)
        return (own->ascii_pairs[a][b / 64] >> b % 64 & 1) != 0;
    return lw_filter_may_have(&own->pairs, pair_hash(a, b));
}

static void add_neighbours(spm *own, const guint8 *p, const guint8 *end)
{
    guint32 a, b;

    for (p += read_unit(p, end, &a); p < end; a = b) {
        p += read_unit(p, end, &b);
        if ((a | b) < 0x80)
            own->ascii_pairs[a][b / 64] |= G_GUINT64_CONSTANT(1) << b % 64;
        else
            lw_filter_add(&own->pairs, pair_hash(a, b));
    }
}

static gboolean find_neighbours(lw_tokenizer *t, GError **error)
{
    spm *own = t->own;

    /* Many pairs are in several tokens: a quarter of the bytes is room enough. */
    if (!lw_filter_init(&own->pairs, t->offsets[t->n_tokens] / 4, error))
        return FALSE;
    for (gint32 i = 0; i < t->n_tokens; i++) {
        if (lw_token_is_symbol(t, i) && t->offsets[i + 1] > t->offsets[i])
            add_neighbours(own, (const guint8 *)t->bytes + t->offsets[i],
                           (const guint8 *)t->bytes + t->offsets[i + 1]);
    }
    return TRUE;
}

/* ---- Short tokens ---- */

/* n <= SHORT_TOKEN bytes, of which 8 may be read. */
static inline guint64 short_key(const guint8 *bytes, gsize n)
{
    guint64 w;

    memcpy(&w, bytes, sizeof w);
    w = GUINT64_FROM_LE(w);
    return (w & ((G_GUINT64_CONSTANT(1) << 8 * n) - 1)) | (guint64)n << 56;
}

static inline guint64 short_hash(const lw_tokenizer *t, guint64 key)
{
    key ^= t->hash_key[0];
    return (key ^ key >> 32) * (t->hash_key[1] | 1);
}

static inline gsize short_slot(const spm *own, guint64 hash)
{
    return (hash >> 32 ^ hash >> 15) & own->short_mask;
}

/* NULL: there is none. */
static inline const short_token *find_short(const lw_tokenizer *t, const guint8 *bytes, gsize n)
{
    const spm *own = t->own;
    guint64 key = short_key(bytes, n), hash = short_hash(t, key);

    if (!lw_filter_may_have(&own->short_filter, hash))
        return NULL;
    for (gsize i = short_slot(own, hash);; i = (i + 1) & own->short_mask) {
        if (own->short_tokens[i].key == key)
            return &own->short_tokens[i];
        if (own->short_tokens[i].key == 0)
            return NULL;
    }
}

static gboolean is_short(const lw_tokenizer *t, gint32 id)
{
    guint32 n = t->offsets[id + 1] - t->offsets[id];

    return lw_token_is_symbol(t, id) && n > 0 && n <= SHORT_TOKEN;
}

static gboolean add_short_tokens(lw_tokenizer *t, GError **error)
{
    spm *own = t->own;
    gsize n = 0, n_slots = 1024;

    for (gint32 id = 0; id < t->n_tokens; id++)
        n += is_short(t, id);
    while (n_slots < n * 3 / 2)
        n_slots *= 2;
    own->short_mask = n_slots - 1;
    own->short_tokens =
        lw_alloc0_array_try(n_slots, sizeof *own->short_tokens, "the vocabulary's index", error);
    own->ascii_merges =
        own->short_tokens != NULL
            ? lw_alloc_try(128 * 128 * sizeof *own->ascii_merges, "the vocabulary's index", error)
            : NULL;
    if (own->ascii_merges == NULL || !lw_filter_init(&own->short_filter, n, error))
        return FALSE;
    for (gsize i = 0; i < 128 * 128; i++)
        own->ascii_merges[i] = (lw_pair){LW_NO_RANK, -1};
    for (gint32 id = 0; id < t->n_tokens; id++) {
        guint8 padded[8] = {0};
        guint64 key, hash;
        gsize i;

        if (!is_short(t, id))
            continue;
        n = t->offsets[id + 1] - t->offsets[id];
        memcpy(padded, t->bytes + t->offsets[id], n);
        key = short_key(padded, n);
        hash = short_hash(t, key);
        lw_filter_add(&own->short_filter, hash);
        i = short_slot(own, hash);
        while (own->short_tokens[i].key != 0 && own->short_tokens[i].key != key)
            i = (i + 1) & own->short_mask;
        own->short_tokens[i] = (short_token){key, own->ranks[id], id}; /* the last of equal ones */
        if (n == 2 && (padded[0] | padded[1]) < 0x80)
            own->ascii_merges[padded[0] << 7 | padded[1]] = (lw_pair){own->ranks[id], id};
    }
    return TRUE;
}

/* ---- Preparation ---- */

static void reset(spm *own)
{
    lw_symbols_clear(&own->symbols);
    lw_free(own->short_tokens);
    lw_filter_clear(&own->short_filter);
    lw_free(own->ascii_merges);
    lw_free(own->ranks);
    lw_filter_clear(&own->pairs);
    *own = (spm){0};
}

static gboolean prepare(lw_tokenizer *t, GError **error)
{
    spm *own = t->own;

    if (!read_ranks(t, error) || !lw_symbols_init(&own->symbols, t, 0, 0, error) ||
        !lw_symbols_add_filter(&own->symbols, error) || !find_neighbours(t, error) ||
        !add_short_tokens(t, error)) {
        reset(own);
        return FALSE;
    }
    for (gint i = 0; i < 128; i++) {
        char c = (char)i;

        own->ascii[i] = lw_symbols_find(&own->symbols, &c, 1);
    }
    return TRUE;
}

static void clear(lw_tokenizer *t)
{
    reset(t->own);
    g_free(t->own);
}

/* ---- Encoding ---- */

static gboolean encode_pieces(lw_encoder *e, const guint8 *p, const guint8 *end)
{
    const spm *own = lw_encoder_tokenizer(e)->own;
    const guint8 *start = p;
    guint32 a, b;

    for (p += read_unit(p, end, &a); p < end; a = b) {
        gsize n = read_unit(p, end, &b);

        if (!are_neighbours(own, a, b)) {
            if (!lw_encoder_piece_soon(e, start, (gsize)(p - start)))
                return FALSE;
            start = p;
        }
        p += n;
    }
    return lw_encoder_piece_soon(e, start, (gsize)(p - start)) && lw_encoder_flush(e);
}

static gboolean encode_stretch(lw_encoder *e, const guint8 *text, gsize n)
{
    const lw_tokenizer *t = lw_encoder_tokenizer(e);
    gsize n_copy = 0;
    char *copy;
    gboolean ok;

    copy = lw_alloc_try(1 + n + LW_TEXT_PADDING, "the text", lw_encoder_error(e));
    if (copy == NULL)
        return FALSE;
    if (t->space_prefix)
        copy[n_copy++] = ' ';
    if (memmem(text, n, space_mark, SPACE_MARK_BYTES) != NULL) {
        n_copy += read_spaces((const char *)text, n, copy + n_copy);
    } else {
        memcpy(copy + n_copy, text, n);
        n_copy += n;
    }
    memset(copy + n_copy, 0, LW_TEXT_PADDING);
    ok = encode_pieces(e, (const guint8 *)copy, (const guint8 *)copy + n_copy);
    lw_free(copy);
    return ok;
}

static gint32 first(const lw_tokenizer *t, const guint8 *p, const guint8 *end, guint32 *n)
{
    const spm *own = t->own;
    guint32 unit;

    if (*p < 0x80) {
        *n = 1;
        return own->ascii[*p];
    }
    *n = (guint32)read_unit(p, end, &unit);
    return lw_symbols_find(&own->symbols, p, *n);
}

static gboolean pair(const lw_tokenizer *t, const guint8 *bytes, lw_part left, lw_part right,
                     lw_pair *out)
{
    const spm *own = t->own;
    gint32 id = lw_symbols_find(&own->symbols, bytes, (gsize)left.n + right.n);

    if (id < 0)
        return FALSE;
    *out = (lw_pair){own->ranks[id], id};
    return TRUE;
}

/* The same two for merge-short.h and cover.h, where 8 bytes may be read at any place. */
static inline gint32 short_first(const lw_tokenizer *t, const guint8 *p, const guint8 *end,
                                 guint32 *n)
{
    const spm *own = t->own;
    const short_token *token;
    guint32 unit;

    if (*p < 0x80) {
        *n = 1;
        return own->ascii[*p];
    }
    *n = (guint32)read_unit(p, end, &unit);
    token = find_short(t, p, *n);
    return token != NULL ? token->symbol : -1;
}

static inline gint32 short_pair(const lw_tokenizer *t, const guint8 *bytes, lw_part left,
                                lw_part right, gint32 *result)
{
    const spm *own = t->own;
    gsize n = (gsize)left.n + right.n;

    if (n == 2 && (bytes[0] | bytes[1]) < 0x80) {
        const lw_pair *p = &own->ascii_merges[bytes[0] << 7 | bytes[1]];

        *result = p->result;
        return p->rank;
    }
    if (n <= SHORT_TOKEN) {
        const short_token *token = find_short(t, bytes, n);

        if (token == NULL)
            return LW_NO_RANK;
        *result = token->symbol;
        return token->rank;
    }
    *result = lw_symbols_find(&own->symbols, bytes, n);
    return *result >= 0 ? own->ranks[*result] : LW_NO_RANK;
}

static gsize merge_short(const lw_tokenizer *t, const guint8 *piece, gsize n, lw_part *parts)
{
    return lw_merge_short(t, piece, n, parts, short_first, short_pair);
}

static gboolean cover(const lw_tokenizer *t, lw_cover *c, const guint8 *piece, gsize n, GArray *ids)
{
    return lw_cover_piece(t, c, piece, n, ids, short_first, short_pair);
}

static gboolean spell(const lw_tokenizer *t, lw_part part, const guint8 *bytes, GArray *ids,
                      GError **error)
{
    gboolean any_missing = FALSE;

    for (guint32 i = 0; i < part.n; i++)
        any_missing |= t->byte_token[bytes[i]] < 0;
    /* Vocabularies without byte tokens have one token for all that is unknown. */
    if (any_missing && t->unknown >= 0) {
        g_array_append_val(ids, t->unknown);
        return TRUE;
    }
    return lw_spell_bytes(t, part, bytes, ids, error);
}

const lw_tokenizer_model lw_tokenizer_spm = {
    .name = "llama",
    .init = init,
    .token_bytes = token_bytes,
    .prepare = prepare,
    .clear = clear,
    .encode_stretch = encode_stretch,
    .encode_piece = lw_merge_encode,
    .first = first,
    .pair = pair,
    .merge_short = merge_short,
    .cover = cover,
    .spell = spell,
};
