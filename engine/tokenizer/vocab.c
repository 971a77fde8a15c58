/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the file's tokenizer.ggml.* keys to the tables the encoder and the decoder read.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/lw-error.h"
#include "engine/tokenizer/tokenizer-private.h"

/* Limits on a vocabulary.  The largest real ones have 262,144 tokens and 600,000 merges. */
#define MAX_TOKENS (1 << 22)
#define MAX_MERGES (1 << 22)
#define MAX_TOKEN_BYTES (64 * 1024)
/* Longest control or user-defined token.  It bounds the work at each byte of a trusted text. */
#define MAX_SPECIAL_BYTES 1024

/* Texts that are control tokens whatever type the file gives them: they shape the prompt or end a turn. */
static const struct {
    const char *text;
    gboolean ends_turn;
} known_control[] = {
    {"<|im_end|>", TRUE},        {"<|endoftext|>", TRUE},     {"<|eot_id|>", TRUE},
    {"<|eom_id|>", TRUE},        {"<|end|>", TRUE},           {"<|end_of_text|>", TRUE},
    {"<end_of_turn>", TRUE},     {"<|im_start|>", FALSE},     {"<|vision_start|>", FALSE},
    {"<|vision_end|>", FALSE},   {"<|vision_pad|>", FALSE},   {"<|image_pad|>", FALSE},
    {"<|video_pad|>", FALSE},    {"<|object_ref_start|>", FALSE}, {"<|object_ref_end|>", FALSE},
    {"<|box_start|>", FALSE},    {"<|box_end|>", FALSE},      {"<|quad_start|>", FALSE},
    {"<|quad_end|>", FALSE},
};
/* Ends a turn where the file says that it is a control token. */
static const char sentencepiece_end[] = "</s>";

/* What exists only while a tokenizer is built: the way from bytes to a symbol. */
typedef struct {
    lw_tokenizer *t;
    const char *path;
    GError **error;
    lw_gguf_str *tokens, *merges;
    gsize n_tokens, n_merges;

    guint64 *slots; /* hash table of hash << 32 | symbol + 1; 0: free */
    gsize mask, n_used;
    char *extra; /* bytes of the symbols that are no tokens */
    gsize extra_used;
    gsize *extra_offsets; /* [n_symbols - n_tokens + 1] */
} builder;

static gboolean G_GNUC_PRINTF(3, 4)
fail(builder *b, lw_model_error code, const char *format, ...)
{
    va_list args;
    char *what;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(b->error, LW_MODEL_ERROR, code, "%s: %s", b->path, what);
    g_free(what);
    return FALSE;
}

/* A key that must be there: an error of the read itself is kept.  `local` is a pointer because the
 * read is an argument too. */
static gboolean required(builder *b, gboolean found, GError **local, const char *key)
{
    if (found)
        return TRUE;
    if (*local != NULL) {
        g_propagate_error(b->error, *local);
        return FALSE;
    }
    return fail(b, LW_MODEL_ERROR_MISSING, "key '%s' is missing", key);
}

static gboolean is_str(lw_gguf_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.bytes, text, s.n) == 0;
}

guint64 lw_tokenizer_hash(const lw_tokenizer *t, const void *bytes, gsize n)
{
    const guint8 *p = bytes;
    guint64 h = t->hash_key[0] ^ n, w;

    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&w, p, 8);
        h = (h ^ w) * (t->hash_key[1] | 1);
        h ^= h >> 32;
    }
    if (n > 0) {
        w = 0;
        memcpy(&w, p, n);
        h = (h ^ w) * (t->hash_key[1] | 1);
        h ^= h >> 29;
    }
    h *= t->hash_key[0] | 1;
    return h ^ h >> 32;
}

/* ---- The byte alphabet ---- */

/* The byte a character of the GPT-2 alphabet stands for, -1 for other characters.  Printable Latin-1
 * stands for itself, the other 68 bytes are U+0100 onward in order. */
static gint alphabet_byte(gunichar c)
{
    if ((c >= 0x21 && c <= 0x7E) || (c >= 0xA1 && c <= 0xAC) || (c >= 0xAE && c <= 0xFF))
        return (gint)c;
    if (c >= 0x100 && c < 0x100 + 33)
        return (gint)(c - 0x100);
    if (c >= 0x100 + 33 && c < 0x100 + 67)
        return (gint)(c - 0x100 - 33 + 0x7F);
    return c == 0x100 + 67 ? 0xAD : -1;
}

gssize lw_byte_alphabet_decode(const char *text, gsize n, char *out)
{
    gsize n_out = 0;

    for (gsize i = 0; i < n;) {
        guint8 lead = (guint8)text[i];
        gint byte;

        /* The alphabet ends at U+0143: one or two bytes a character. */
        if (lead < 0x80) {
            byte = alphabet_byte(lead);
            i++;
        } else if (lead >= 0xC2 && lead < 0xE0 && i + 1 < n && ((guint8)text[i + 1] & 0xC0) == 0x80) {
            byte = alphabet_byte((gunichar)(lead & 0x1F) << 6 | ((guint8)text[i + 1] & 0x3F));
            i += 2;
        } else {
            return -1;
        }
        if (byte < 0)
            return -1;
        out[n_out++] = (char)byte;
    }
    return (gssize)n_out;
}

/* ---- Tokens ---- */

static guint8 kind_of(lw_gguf_str text, gint32 type)
{
    guint8 kind = (guint8)(type == 0 ? LW_TOKEN_NORMAL : type);

    if (text.n < 3 || text.bytes[0] != '<')
        return kind;
    for (gsize i = 0; i < G_N_ELEMENTS(known_control); i++) {
        if (is_str(text, known_control[i].text))
            return LW_TOKEN_CONTROL | (known_control[i].ends_turn ? LW_TOKEN_EOG : 0);
    }
    if (kind == LW_TOKEN_CONTROL && is_str(text, sentencepiece_end))
        kind |= LW_TOKEN_EOG;
    return kind;
}

/* "<0xHH>" exactly. */
static gboolean parse_byte_token(lw_gguf_str s, char *out)
{
    gint high, low;

    if (s.n != 6 || memcmp(s.bytes, "<0x", 3) != 0 || s.bytes[5] != '>')
        return FALSE;
    high = g_ascii_xdigit_value(s.bytes[3]);
    low = g_ascii_xdigit_value(s.bytes[4]);
    if (high < 0 || low < 0)
        return FALSE;
    *out = (char)(high << 4 | low);
    return TRUE;
}

static gboolean decode_token(builder *b, gsize i, char *out, gsize *n_out)
{
    lw_tokenizer *t = b->t;
    lw_gguf_str s = b->tokens[i];
    gssize n;

    switch (t->kinds[i] & LW_TOKEN_TYPE_MASK) {
    case LW_TOKEN_NORMAL:
        n = lw_byte_alphabet_decode(s.bytes, s.n, out);
        if (n > 0) {
            *n_out = (gsize)n;
            return TRUE;
        }
        t->kinds[i] |= LW_TOKEN_UNREACHABLE;
        break;
    case LW_TOKEN_BYTE:
        if (!parse_byte_token(s, out))
            return fail(b, LW_MODEL_ERROR_CORRUPT, "byte token %" G_GSIZE_FORMAT " is not of the form <0xHH>",
                        i);
        *n_out = 1;
        return TRUE;
    case LW_TOKEN_CONTROL:
    case LW_TOKEN_USER:
        if (s.n > MAX_SPECIAL_BYTES)
            return fail(b, LW_MODEL_ERROR_CORRUPT,
                        "special token %" G_GSIZE_FORMAT " has %" G_GSIZE_FORMAT
                        " bytes, the limit is %d",
                        i, s.n, MAX_SPECIAL_BYTES);
        if (s.n > 0)
            t->n_specials++;
        break;
    default:
        break;
    }
    memcpy(out, s.bytes, s.n);
    *n_out = s.n;
    return TRUE;
}

static gboolean read_tokens(builder *b, const lw_gguf *g)
{
    static const char key[] = "tokenizer.ggml.tokens", type_key[] = "tokenizer.ggml.token_type";
    lw_tokenizer *t = b->t;
    gint32 *types = NULL;
    gsize n_types = 0, total = 0;
    GError *local = NULL;
    gboolean ok = FALSE;

    if (!required(b, lw_gguf_get_str_array(g, key, &b->tokens, &b->n_tokens, &local), &local, key))
        return FALSE;
    if (b->n_tokens == 0 || b->n_tokens > MAX_TOKENS)
        return fail(b, LW_MODEL_ERROR_CORRUPT, "%" G_GSIZE_FORMAT " tokens, 1 to %d are possible",
                    b->n_tokens, MAX_TOKENS);
    if (!lw_gguf_get_i32_array(g, type_key, &types, &n_types, &local) && local != NULL) {
        g_propagate_error(b->error, local);
        return FALSE;
    }
    if (types != NULL && n_types != b->n_tokens) {
        fail(b, LW_MODEL_ERROR_CORRUPT, "%" G_GSIZE_FORMAT " token types for %" G_GSIZE_FORMAT " tokens",
             n_types, b->n_tokens);
        goto out;
    }
    for (gsize i = 0; i < b->n_tokens; i++) {
        if (b->tokens[i].n > MAX_TOKEN_BYTES) {
            fail(b, LW_MODEL_ERROR_CORRUPT,
                 "token %" G_GSIZE_FORMAT " has %" G_GSIZE_FORMAT " bytes, the limit is %d", i,
                 b->tokens[i].n, MAX_TOKEN_BYTES);
            goto out;
        }
        total += b->tokens[i].n;
    }

    t->n_tokens = (gint32)b->n_tokens;
    t->kinds = lw_alloc0_array_try(b->n_tokens, 1, "the token types", b->error);
    t->offsets = lw_alloc0_array_try(b->n_tokens + 1, sizeof *t->offsets, "the vocabulary", b->error);
    if (t->kinds == NULL || t->offsets == NULL)
        goto out;
    t->bytes = lw_alloc_try(total, "the vocabulary", b->error);
    if (t->bytes == NULL)
        goto out;
    for (gsize i = 0; i < b->n_tokens; i++) {
        gint32 type = types != NULL ? types[i] : LW_TOKEN_NORMAL;
        gsize n = 0;

        if (type < 0 || type > LW_TOKEN_BYTE) {
            fail(b, LW_MODEL_ERROR_CORRUPT, "token %" G_GSIZE_FORMAT " has the unknown type %d", i, type);
            goto out;
        }
        t->kinds[i] = kind_of(b->tokens[i], type);
        if (!decode_token(b, i, t->bytes + t->offsets[i], &n))
            goto out;
        t->offsets[i + 1] = t->offsets[i] + n;
    }
    ok = TRUE;
out:
    lw_free(types);
    return ok;
}

/* ---- Special tokens ---- */

/* Bytewise, a prefix before what it begins; equal texts by id. */
static int compare_specials(const void *a, const void *b, void *user)
{
    const lw_tokenizer *t = user;
    gint32 x = *(const gint32 *)a, y = *(const gint32 *)b;
    gsize nx = 0, ny = 0;
    const char *px = lw_tokenizer_token_bytes(t, x, &nx), *py = lw_tokenizer_token_bytes(t, y, &ny);
    int order = memcmp(px, py, MIN(nx, ny));

    if (order == 0 && nx != ny)
        order = nx < ny ? -1 : 1;
    return order != 0 ? order : (x > y) - (x < y);
}

static gboolean index_specials(builder *b)
{
    lw_tokenizer *t = b->t;
    gsize n = 0;

    t->specials = lw_alloc0_array_try(t->n_specials, sizeof *t->specials, "the special tokens", b->error);
    if (t->specials == NULL)
        return FALSE;
    for (gint32 i = 0; i < t->n_tokens; i++) {
        guint8 type = t->kinds[i] & LW_TOKEN_TYPE_MASK;

        if ((type == LW_TOKEN_CONTROL || type == LW_TOKEN_USER) && t->offsets[i + 1] > t->offsets[i]) {
            t->specials[n++] = i;
            t->special_first[(guint8)t->bytes[t->offsets[i]]] = 1;
        }
    }
    qsort_r(t->specials, n, sizeof *t->specials, compare_specials, t);
    return TRUE;
}

/* First index in [low, high) whose text's byte at `depth` is at least `byte` (texts that end before
 * `depth` come first). */
static gsize lower_bound(const lw_tokenizer *t, gsize low, gsize high, gsize depth, guint byte)
{
    while (low < high) {
        gsize mid = low + (high - low) / 2, n = 0;
        const char *text = lw_tokenizer_token_bytes(t, t->specials[mid], &n);

        if (n <= depth || (guint8)text[depth] < byte)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

gint32 lw_tokenizer_match_special(const lw_tokenizer *t, const guint8 *text, gsize n_text, gsize *n)
{
    gsize low = 0, high = t->n_specials;
    gint32 best = -1;

    if (n_text == 0 || !t->special_first[text[0]])
        return -1;
    /* [low, high) are the specials that begin with the bytes read so far; a text equal to them sorts
     * first. */
    for (gsize depth = 0; depth < n_text && low < high; depth++) {
        gsize length = 0;

        low = lower_bound(t, low, high, depth, text[depth]);
        high = lower_bound(t, low, high, depth, (guint)text[depth] + 1);
        if (low == high)
            break;
        lw_tokenizer_token_bytes(t, t->specials[low], &length);
        if (length == depth + 1) {
            best = t->specials[low];
            *n = length;
        }
    }
    return best;
}

/* ---- Symbols and merges ---- */

static const char *symbol_text(const builder *b, gint32 symbol, gsize *n)
{
    gsize k;

    if (symbol < b->t->n_tokens)
        return lw_tokenizer_token_bytes(b->t, symbol, n);
    k = (gsize)(symbol - b->t->n_tokens);
    *n = b->extra_offsets[k + 1] - b->extra_offsets[k];
    return b->extra + b->extra_offsets[k];
}

static gboolean symbol_is(const builder *b, gint32 symbol, const char *text, gsize n)
{
    gsize n_symbol = 0;
    const char *s = symbol_text(b, symbol, &n_symbol);

    return n_symbol == n && memcmp(s, text, n) == 0;
}

/* 32 bits of hash: they choose the slot and spare most comparisons of other symbols' bytes. */
static guint64 slot_hash(const builder *b, const char *text, gsize n)
{
    return lw_tokenizer_hash(b->t, text, n) >> 32;
}

/* The slot that holds these bytes, or the free one where they belong. */
static guint64 *find_slot(const builder *b, const char *text, gsize n, guint64 hash)
{
    for (gsize i = hash & b->mask;; i = (i + 1) & b->mask) {
        guint64 slot = b->slots[i];

        if (slot == 0 || (slot >> 32 == hash && symbol_is(b, (gint32)((guint32)slot - 1), text, n)))
            return &b->slots[i];
    }
}

/* Make room for n more symbols at a load of at most two thirds. */
static gboolean reserve_slots(builder *b, gsize n)
{
    gsize n_slots = b->slots != NULL ? b->mask + 1 : 1024;
    guint64 *slots;

    while ((b->n_used + n) * 3 > n_slots * 2)
        n_slots *= 2;
    if (b->slots != NULL && n_slots == b->mask + 1)
        return TRUE;
    slots = lw_alloc0_array_try(n_slots, sizeof *slots, "the vocabulary's index", b->error);
    if (slots == NULL)
        return FALSE;
    for (gsize k = 0; b->slots != NULL && k <= b->mask; k++) {
        gsize i = b->slots[k] >> 32 & (n_slots - 1);

        if (b->slots[k] == 0)
            continue;
        while (slots[i] != 0)
            i = (i + 1) & (n_slots - 1);
        slots[i] = b->slots[k];
    }
    lw_free(b->slots);
    b->slots = slots;
    b->mask = n_slots - 1;
    return TRUE;
}

/* The symbol of these bytes, made when there is none yet; a slot was reserved. */
static gint32 intern(builder *b, const char *text, gsize n)
{
    guint64 hash = slot_hash(b, text, n), *slot = find_slot(b, text, n, hash);

    if (*slot == 0) {
        gsize k = (gsize)(b->t->n_symbols - b->t->n_tokens);

        memcpy(b->extra + b->extra_used, text, n);
        b->extra_used += n;
        b->extra_offsets[k + 1] = b->extra_used;
        *slot = hash << 32 | (guint32)(b->t->n_symbols + 1);
        b->n_used++;
        b->t->n_symbols++;
    }
    return (gint32)((guint32)*slot - 1);
}

static gboolean is_symbol(const lw_tokenizer *t, gint32 token)
{
    return t->kinds[token] == LW_TOKEN_NORMAL;
}

/* Room for every string that the merges could add to the tokens. */
static gboolean prepare_symbols(builder *b)
{
    gsize n_extra = 3 * b->n_merges + 256, merge_bytes = 0;

    for (gsize i = 0; i < b->n_merges; i++) {
        if (b->merges[i].n > 2 * MAX_TOKEN_BYTES)
            return fail(b, LW_MODEL_ERROR_CORRUPT,
                        "merge %" G_GSIZE_FORMAT " has %" G_GSIZE_FORMAT " bytes, the limit is %d", i,
                        b->merges[i].n, 2 * MAX_TOKEN_BYTES);
        merge_bytes += b->merges[i].n;
    }
    if (!reserve_slots(b, b->n_tokens + 256))
        return FALSE;
    b->extra = lw_alloc_try(2 * merge_bytes + 256, "the vocabulary's index", b->error);
    b->extra_offsets = lw_alloc_try((n_extra + 1) * sizeof *b->extra_offsets, "the vocabulary's index",
                                    b->error);
    if (b->extra == NULL || b->extra_offsets == NULL)
        return FALSE;
    b->extra_offsets[0] = 0;
    b->t->n_symbols = b->t->n_tokens;
    return TRUE;
}

static void add_token_symbols(builder *b)
{
    lw_tokenizer *t = b->t;

    for (gint32 i = 0; i < t->n_tokens; i++) {
        gsize n;
        const char *text = lw_tokenizer_token_bytes(t, i, &n);
        guint64 hash, *slot;

        if (!is_symbol(t, i))
            continue;
        hash = slot_hash(b, text, n);
        slot = find_slot(b, text, n, hash);
        if (*slot != 0)
            t->kinds[(guint32)*slot - 1] |= LW_TOKEN_UNREACHABLE;
        else
            b->n_used++;
        *slot = hash << 32 | (guint32)(i + 1);
    }
    for (gint i = 0; i < 256; i++) {
        char byte = (char)i;

        t->byte_symbol[i] = intern(b, &byte, 1);
        t->byte_token[i] = t->byte_symbol[i] < t->n_tokens ? t->byte_symbol[i] : -1;
    }
    for (gint32 i = 0; i < t->n_tokens; i++) {
        guint8 byte = (guint8)t->bytes[t->offsets[i]];

        if (t->kinds[i] == LW_TOKEN_BYTE && t->byte_token[byte] < 0)
            t->byte_token[byte] = i;
    }
}

static void add_merge(lw_tokenizer *t, gint32 left, gint32 right, guint32 rank, gint32 result)
{
    guint64 pair = (guint64)(guint32)left << 32 | (guint32)right;
    guint64 h = (pair ^ t->hash_key[0]) * (t->hash_key[1] | 1);
    gsize i = (h >> 32 ^ h >> 15) & t->merge_mask;

    while (t->merges[i].pair != G_MAXUINT64 && t->merges[i].pair != pair)
        i = (i + 1) & t->merge_mask;
    if (t->merges[i].pair == pair) /* the first of equal merges counts */
        return;
    t->merges[i] = (lw_merge){.pair = pair, .rank = rank, .result = result};
}

static gboolean add_merges(builder *b)
{
    lw_tokenizer *t = b->t;
    gsize n_slots = 1024;
    gint32 expected = 0; /* trained vocabularies list results in the order of merges */
    char *text;

    while (n_slots < b->n_merges * 3 / 2)
        n_slots *= 2;
    t->merge_mask = n_slots - 1;
    t->merges = lw_alloc_try(n_slots * sizeof *t->merges, "the merges", b->error);
    if (t->merges == NULL)
        return FALSE;
    memset(t->merges, 0xff, n_slots * sizeof *t->merges);

    text = g_malloc(2 * MAX_TOKEN_BYTES);
    for (gsize i = 0; i < b->n_merges; i++) {
        lw_gguf_str m = b->merges[i];
        const char *space = m.n > 1 ? memchr(m.bytes + 1, ' ', m.n - 1) : NULL;
        gsize n_first = space != NULL ? (gsize)(space - m.bytes) : 0;
        gssize n_left, n_right;
        gint32 left, right, result;

        if (space == NULL || n_first + 1 == m.n) {
            g_free(text);
            return fail(b, LW_MODEL_ERROR_CORRUPT,
                        "merge %" G_GSIZE_FORMAT " does not consist of two parts", i);
        }
        n_left = lw_byte_alphabet_decode(m.bytes, n_first, text);
        if (n_left < 0)
            continue; /* no text can reach it */
        n_right = lw_byte_alphabet_decode(space + 1, m.n - n_first - 1, text + n_left);
        if (n_right < 0)
            continue;
        if (!reserve_slots(b, 3)) {
            g_free(text);
            return FALSE;
        }
        left = intern(b, text, (gsize)n_left);
        right = intern(b, text + n_left, (gsize)n_right);
        if (expected < t->n_tokens && is_symbol(t, expected) &&
            symbol_is(b, expected, text, (gsize)(n_left + n_right)))
            result = expected;
        else
            result = intern(b, text, (gsize)(n_left + n_right));
        expected = result + 1;
        add_merge(t, left, right, (guint32)i, result);
    }
    g_free(text);
    return TRUE;
}

static gboolean build_symbols(builder *b, const lw_gguf *g)
{
    static const char key[] = "tokenizer.ggml.merges";
    lw_tokenizer *t = b->t;
    GError *local = NULL;

    if (!required(b, lw_gguf_get_str_array(g, key, &b->merges, &b->n_merges, &local), &local, key))
        return FALSE;
    if (b->n_merges > MAX_MERGES)
        return fail(b, LW_MODEL_ERROR_CORRUPT, "%" G_GSIZE_FORMAT " merges, the limit is %d", b->n_merges,
                    MAX_MERGES);
    if (!prepare_symbols(b))
        return FALSE;
    add_token_symbols(b);
    if (!add_merges(b))
        return FALSE;
    t->symbol_bytes = lw_alloc0_array_try((gsize)t->n_symbols, sizeof *t->symbol_bytes, "the vocabulary",
                                          b->error);
    if (t->symbol_bytes == NULL)
        return FALSE;
    for (gint32 i = 0; i < t->n_symbols; i++) {
        gsize n;

        symbol_text(b, i, &n);
        t->symbol_bytes[i] = (guint32)n;
    }
    return TRUE;
}

/* ---- The tokenizer ---- */

static gboolean read_model(builder *b, const lw_gguf *g)
{
    static const char model_key[] = "tokenizer.ggml.model", pre_key[] = "tokenizer.ggml.pre";
    GError *local = NULL;
    lw_gguf_str s;

    if (!required(b, lw_gguf_get_str(g, model_key, &s, &local), &local, model_key))
        return FALSE;
    if (!is_str(s, "gpt2"))
        return fail(b, LW_MODEL_ERROR_UNSUPPORTED,
                    "tokenizer model '%.*s' is not supported, only gpt2 (byte-level BPE) is",
                    (int)MIN(s.n, 40), s.bytes);
    if (!required(b, lw_gguf_get_str(g, pre_key, &s, &local), &local, pre_key))
        return FALSE;
    b->t->pre = lw_pretokenizer_find(s.bytes, s.n);
    if (b->t->pre == NULL) {
        char *names = lw_pretokenizer_names();

        fail(b, LW_MODEL_ERROR_UNSUPPORTED, "pre-tokenizer '%.*s' is not supported, these are: %s",
             (int)MIN(s.n, 40), s.bytes, names);
        g_free(names);
        return FALSE;
    }
    return TRUE;
}

/* An optional key that holds a token id; *id stays as it is when the key is absent. */
static gboolean read_id(builder *b, const lw_gguf *g, const char *key, gint32 *id)
{
    GError *local = NULL;
    guint32 v;

    if (!lw_gguf_get_u32(g, key, &v, &local)) {
        if (local != NULL)
            g_propagate_error(b->error, local);
        return local == NULL;
    }
    if (v >= (guint32)b->t->n_tokens)
        return fail(b, LW_MODEL_ERROR_CORRUPT, "key '%s' is %u, but there are %d tokens", key, v,
                    b->t->n_tokens);
    *id = (gint32)v;
    return TRUE;
}

static gboolean read_ids(builder *b, const lw_gguf *g)
{
    static const char *const ends[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    GError *local = NULL;

    b->t->bos = -1;
    if (!read_id(b, g, "tokenizer.ggml.bos_token_id", &b->t->bos))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        gint32 id = -1;

        if (!read_id(b, g, ends[i], &id))
            return FALSE;
        if (id >= 0)
            b->t->kinds[id] |= LW_TOKEN_EOG;
    }
    if (!lw_gguf_get_bool(g, "tokenizer.ggml.add_bos_token", &b->t->add_bos, &local) && local != NULL) {
        g_propagate_error(b->error, local);
        return FALSE;
    }
    return TRUE;
}

lw_tokenizer *lw_tokenizer_new(const lw_gguf *g, GError **error)
{
    lw_tokenizer *t = g_new0(lw_tokenizer, 1);
    builder b = {.t = t, .path = lw_gguf_path(g), .error = error};
    gboolean ok;

    for (gsize i = 0; i < G_N_ELEMENTS(t->hash_key); i++)
        t->hash_key[i] = (guint64)g_random_int() << 32 | g_random_int();
    ok = read_model(&b, g) && read_tokens(&b, g) && index_specials(&b) && build_symbols(&b, g) &&
         read_ids(&b, g);
    lw_free(b.tokens);
    lw_free(b.merges);
    lw_free(b.slots);
    lw_free(b.extra);
    lw_free(b.extra_offsets);
    if (!ok)
        g_clear_pointer(&t, lw_tokenizer_free);
    return t;
}

void lw_tokenizer_free(lw_tokenizer *t)
{
    if (t == NULL)
        return;
    lw_free(t->bytes);
    lw_free(t->offsets);
    lw_free(t->kinds);
    lw_free(t->specials);
    lw_free(t->symbol_bytes);
    lw_free(t->merges);
    g_free(t);
}

gint32 lw_tokenizer_n_tokens(const lw_tokenizer *t)
{
    return t->n_tokens;
}

const char *lw_tokenizer_token_bytes(const lw_tokenizer *t, gint32 id, gsize *n)
{
    *n = 0;
    g_return_val_if_fail(id >= 0 && id < t->n_tokens, "");
    *n = t->offsets[id + 1] - t->offsets[id];
    return t->bytes + t->offsets[id];
}

gint32 lw_tokenizer_find_special(const lw_tokenizer *t, const char *text)
{
    gsize n = strlen(text), n_match = 0;
    gint32 id = lw_tokenizer_match_special(t, (const guint8 *)text, n, &n_match);

    return n_match == n ? id : -1;
}

gboolean lw_tokenizer_is_control(const lw_tokenizer *t, gint32 id)
{
    g_return_val_if_fail(id >= 0 && id < t->n_tokens, FALSE);
    return (t->kinds[id] & LW_TOKEN_TYPE_MASK) == LW_TOKEN_CONTROL;
}

gboolean lw_tokenizer_is_eog(const lw_tokenizer *t, gint32 id)
{
    g_return_val_if_fail(id >= 0 && id < t->n_tokens, FALSE);
    return (t->kinds[id] & LW_TOKEN_EOG) != 0;
}

gint32 lw_tokenizer_bos(const lw_tokenizer *t)
{
    return t->bos;
}

gboolean lw_tokenizer_add_bos(const lw_tokenizer *t)
{
    return t->add_bos;
}
