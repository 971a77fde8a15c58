/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * WordPiece (tokenizer.ggml.model "bert"): the text is cleaned and split into words, each of which
 * is covered from the left by the longest tokens; one that cannot be is a single unknown token.
 *
 * In the file a token that begins a word carries U+2581 in front, the others (BERT's ##) nothing.
 * The mark is a space here, and words are matched with a space in front.
 *
 * Cleaning is that of the published uncased tokenizers: controls go, accents go (canonical
 * decomposition without non-spacing marks), letters become lower-case, punctuation and CJK
 * characters are words of their own. No key says whether a vocabulary is cased: one that has all
 * capital letters is, and keeps accents too.
 */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/tokenizer/tokenizer-private.h"
#include "engine/tokenizer/unicode.h"

/* Longer words are unknown. */
#define MAX_WORD_CHARS 100
/* A space and the characters. */
#define MAX_WORD_BYTES (1 + 4 * MAX_WORD_CHARS)

static const char space_mark[] = "\xe2\x96\x81"; /* U+2581 */

enum {
    CHAR_WORD,
    CHAR_SPACE,
    CHAR_ALONE, /* a word of its own */
    CHAR_DROP,
};

typedef struct {
    lw_symbols symbols;
    lw_filter prefixes; /* running hashes of all symbols */
    gboolean cased;
} wordpiece;

/* ---- Reading ---- */

static gboolean init(lw_tokenizer *t, GError **error)
{
    t->own = g_new0(wordpiece, 1);
    t->bos = 101; /* [CLS] and [SEP] */
    t->eos = 102;
    t->unknown = 100;
    t->add_bos = t->add_eos = TRUE;
    return TRUE;
}

static gssize token_bytes(const char *text, gsize n, char *out)
{
    gsize n_mark = strlen(space_mark);

    if (n >= n_mark && memcmp(text, space_mark, n_mark) == 0) {
        out[0] = ' ';
        memcpy(out + 1, text + n_mark, n - n_mark);
        return (gssize)(n - n_mark + 1);
    }
    memcpy(out, text, n);
    return (gssize)n;
}

/* Hash of a text from the hash of the text without its last byte; of nothing: 0. */
static inline guint64 next_hash(const lw_tokenizer *t, guint64 hash, guint8 byte)
{
    return (hash ^ byte ^ t->hash_key[0]) * (t->hash_key[1] | 1);
}

static gboolean add_filter(lw_tokenizer *t, GError **error)
{
    wordpiece *own = t->own;

    if (!lw_filter_init(&own->prefixes, (gsize)t->n_tokens, error))
        return FALSE;
    for (gint32 i = 0; i < t->n_tokens; i++) {
        guint64 hash = 0;

        if (!lw_token_is_symbol(t, i) || t->offsets[i + 1] - t->offsets[i] > MAX_WORD_BYTES)
            continue;
        for (guint32 k = t->offsets[i]; k < t->offsets[i + 1]; k++)
            hash = next_hash(t, hash, (guint8)t->bytes[k]);
        lw_filter_add(&own->prefixes, hash);
    }
    return TRUE;
}

static gboolean prepare(lw_tokenizer *t, GError **error)
{
    wordpiece *own = t->own;

    if (!lw_symbols_init(&own->symbols, t, 0, 0, error))
        return FALSE;
    if (!add_filter(t, error)) {
        lw_symbols_clear(&own->symbols);
        return FALSE;
    }
    own->cased = TRUE;
    for (char c = 'A'; c <= 'Z'; c++) {
        const char word[] = {' ', c};

        own->cased &= lw_symbols_find(&own->symbols, word, sizeof word) >= 0;
    }
    return TRUE;
}

static void clear(lw_tokenizer *t)
{
    wordpiece *own = t->own;

    lw_symbols_clear(&own->symbols);
    lw_filter_clear(&own->prefixes);
    g_free(own);
}

/* ---- Characters ---- */

static gboolean is_cjk(guint32 c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
           (c >= 0x2B740 && c <= 0x2B81F) ||
           (c >= 0x2B920 &&
            c <= 0x2CEAF) || /* 2B820 is meant; the published tokenizers say 2B920 */
           (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x2F800 && c <= 0x2FA1F);
}

/* What a character does to the text, before it is decomposed. */
static guint class_of(guint32 c)
{
    if (c == '\t' || c == '\n' || c == '\r' || c == ' ')
        return CHAR_SPACE;
    if (c < 0x80)
        return c < 0x20 || c == 0x7F      ? CHAR_DROP
               : g_ascii_ispunct((char)c) ? CHAR_ALONE
                                          : CHAR_WORD;
    if (c == LW_UNI_INVALID || c == 0xFFFD)
        return CHAR_DROP;
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
        return CHAR_DROP;
    case G_UNICODE_CONNECT_PUNCTUATION:
    case G_UNICODE_DASH_PUNCTUATION:
    case G_UNICODE_CLOSE_PUNCTUATION:
    case G_UNICODE_FINAL_PUNCTUATION:
    case G_UNICODE_INITIAL_PUNCTUATION:
    case G_UNICODE_OTHER_PUNCTUATION:
    case G_UNICODE_OPEN_PUNCTUATION:
        return CHAR_ALONE;
    default:
        return (lw_unicode_class(c) & LW_UNI_SPACE) != 0 ? CHAR_SPACE
               : is_cjk(c)                               ? CHAR_ALONE
                                                         : CHAR_WORD;
    }
}

/* ---- Words ---- */

typedef struct {
    lw_encoder *e;
    gsize n, n_chars; /* more than MAX_WORD_CHARS: the rest is not kept */
    guint8 bytes[MAX_WORD_BYTES];
} word;

static gboolean add_unknown(const lw_tokenizer *t, GArray *ids, GError **error)
{
    if (t->unknown < 0) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "the vocabulary lacks a word and has no unknown token");
        return FALSE;
    }
    g_array_append_val(ids, t->unknown);
    return TRUE;
}

static gboolean end_word(word *w)
{
    gsize n = w->n, n_chars = w->n_chars;

    w->n = 1;
    w->n_chars = 0;
    if (n_chars == 0)
        return TRUE;
    if (n_chars > MAX_WORD_CHARS)
        return add_unknown(lw_encoder_tokenizer(w->e), lw_encoder_ids(w->e),
                           lw_encoder_error(w->e));
    return lw_encoder_piece(w->e, w->bytes, n);
}

static void add_char(word *w, guint32 c)
{
    if (++w->n_chars <= MAX_WORD_CHARS)
        w->n += (gsize)g_unichar_to_utf8(c, (char *)w->bytes + w->n);
}

static gboolean add_alone(word *w, guint32 c)
{
    if (!end_word(w))
        return FALSE;
    add_char(w, c);
    return end_word(w);
}

/* A character that is not ASCII. */
static gboolean add_other(word *w, guint32 c, guint class)
{
    gunichar parts[G_UNICHAR_MAX_DECOMPOSITION_LENGTH];
    gboolean cased = ((const wordpiece *)lw_encoder_tokenizer(w->e)->own)->cased;
    gsize n = cased ? 1 : g_unichar_fully_decompose(c, FALSE, parts, G_N_ELEMENTS(parts));

    if (cased)
        parts[0] = c;
    if (class == CHAR_ALONE && !end_word(w))
        return FALSE;
    for (gsize i = 0; i < n; i++) {
        if (!cased) {
            if (g_unichar_type(parts[i]) == G_UNICODE_NON_SPACING_MARK)
                continue;
            parts[i] = g_unichar_tolower(parts[i]);
        }
        /* Some characters decompose into punctuation. */
        if (parts[i] != c && class_of(parts[i]) == CHAR_ALONE) {
            if (!add_alone(w, parts[i]))
                return FALSE;
        } else {
            add_char(w, parts[i]);
        }
    }
    return class != CHAR_ALONE || end_word(w);
}

static gboolean encode_stretch(lw_encoder *e, const guint8 *text, gsize n)
{
    const lw_tokenizer *t = lw_encoder_tokenizer(e);
    const wordpiece *own = t->own;
    const guint8 *p = text, *end = text + n;
    word w = {.e = e, .n = 1, .bytes = " "};

    while (p < end) {
        guint32 c = *p;
        guint class;

        if (g_ascii_isalnum((char)c)) {
            if (++w.n_chars <= MAX_WORD_CHARS)
                w.bytes[w.n++] = own->cased ? (guint8)c : (guint8)g_ascii_tolower((char)c);
            p++;
            continue;
        }
        p += lw_utf8_read(p, end, &c);
        class = class_of(c);
        if (class == CHAR_SPACE) {
            if (!end_word(&w))
                return FALSE;
        } else if (c < 0x80) {
            if (class == CHAR_ALONE && !add_alone(&w, c))
                return FALSE;
        } else if (class != CHAR_DROP && !add_other(&w, c, class)) {
            return FALSE;
        }
    }
    return end_word(&w);
}

/* One word with its space: the longest token at each place, from the left. */
static gboolean encode_piece(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                             GError **error)
{
    const wordpiece *own = t->own;
    guint before = ids->len;

    for (gsize at = 0; at < n;) {
        gsize k = MIN(n - at, own->symbols.max_bytes);
        guint64 hashes[MAX_WORD_BYTES + 1];
        gint32 id = -1;

        hashes[0] = 0;
        for (gsize i = 0; i < k; i++)
            hashes[i + 1] = next_hash(t, hashes[i], piece[at + i]);
        for (; k > 0 && id < 0; k--) {
            if (lw_filter_may_have(&own->prefixes, hashes[k]))
                id = lw_symbols_find(&own->symbols, piece + at, k);
        }
        if (id < 0) {
            g_array_set_size(ids, before);
            return add_unknown(t, ids, error);
        }
        g_array_append_val(ids, id);
        at += k + 1;
    }
    return TRUE;
}

const lw_tokenizer_model lw_tokenizer_wordpiece = {
    .name = "bert",
    .spaced_words = TRUE,
    .init = init,
    .token_bytes = token_bytes,
    .prepare = prepare,
    .clear = clear,
    .encode_stretch = encode_stretch,
    .encode_piece = encode_piece,
};
