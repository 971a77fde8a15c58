/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the file's tokenizer.ggml.* keys to tokens, their kinds and the ids with a meaning.  What
 * only encoding needs is built by the model's own file at the first text.
 */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/tokenizer/tokenizer-private.h"

/* Limits on a vocabulary.  The largest real ones have 262,144 tokens of a few MiB. */
#define MAX_TOKENS (1 << 22)
#define MAX_ALL_BYTES (G_GUINT64_CONSTANT(1) << 31)
/* Longest control or user-defined token.  It bounds the work at each byte of a trusted text. */
#define MAX_SPECIAL_BYTES 1024

static const lw_tokenizer_model *const models[] = {
    &lw_tokenizer_gpt2,
    &lw_tokenizer_spm,
    &lw_tokenizer_wordpiece,
};

/* Texts that are control tokens whatever type the file gives them: they shape the prompt or end a
 * turn. */
static const struct {
    const char *text;
    gboolean ends_turn;
} known_control[] = {
    {"<|im_end|>", TRUE},
    {"<|endoftext|>", TRUE},
    {"<|eot_id|>", TRUE},
    {"<|eom_id|>", TRUE},
    {"<|end|>", TRUE},
    {"<|end_of_text|>", TRUE},
    {"<end_of_turn>", TRUE},
    {"<end_of_utterance>", TRUE},
    {"<｜end▁of▁sentence｜>", TRUE},
    {"<|im_start|>", FALSE},
    {"<|vision_start|>", FALSE},
    {"<|vision_end|>", FALSE},
    {"<|vision_pad|>", FALSE},
    {"<|image_pad|>", FALSE},
    {"<|video_pad|>", FALSE},
    {"<|object_ref_start|>", FALSE},
    {"<|object_ref_end|>", FALSE},
    {"<|box_start|>", FALSE},
    {"<|box_end|>", FALSE},
    {"<|quad_start|>", FALSE},
    {"<|quad_end|>", FALSE},
    {"<start_of_turn>", FALSE},
    {"<|start_header_id|>", FALSE},
    {"<|end_header_id|>", FALSE},
    {"<|begin_of_text|>", FALSE},
};
/* Ends a turn where the file says that it is a control token. */
static const char sentencepiece_end[] = "</s>";

gboolean lw_tokenizer_fail(const lw_tokenizer *t, GError **error, lw_model_error code,
                           const char *format, ...)
{
    va_list args;
    char *what;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, LW_MODEL_ERROR, code, "%s: %s", lw_gguf_path(t->gguf), what);
    g_free(what);
    return FALSE;
}

gboolean lw_tokenizer_missing(const lw_tokenizer *t, GError **error, GError *local, const char *key)
{
    if (local != NULL) {
        g_propagate_error(error, local);
        return FALSE;
    }
    return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_MISSING, "key '%s' is missing", key);
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
    if (n >= 4) {
        guint32 head, tail;

        memcpy(&head, p, 4);
        memcpy(&tail, p + n - 4, 4);
        h = (h ^ ((guint64)head << 32 | tail)) * (t->hash_key[1] | 1);
        h ^= h >> 29;
    } else if (n > 0) {
        w = (guint64)p[0] | (guint64)p[n / 2] << 8 | (guint64)p[n - 1] << 16;
        h = (h ^ w) * (t->hash_key[1] | 1);
        h ^= h >> 29;
    }
    h *= t->hash_key[0] | 1;
    return h ^ h >> 32;
}

/* ---- Tokens ---- */

static gboolean is_space_only(lw_gguf_str s)
{
    for (gsize i = 0; i < s.n; i++) {
        if (strchr(" \t\n\r", s.bytes[i]) == NULL || s.bytes[i] == '\0')
            return FALSE;
    }
    return s.n > 0;
}

static guint8 kind_of(lw_gguf_str text, gint32 type)
{
    guint8 kind = (guint8)(type == 0 ? LW_TOKEN_NORMAL : type);

    if (kind == LW_TOKEN_USER && is_space_only(text))
        return LW_TOKEN_USER | LW_TOKEN_LAYOUT;
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

gboolean lw_parse_byte_token(lw_gguf_str s, char *out)
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

/* The bytes of token i, at most s.n of them. */
static gboolean decode_token(lw_tokenizer *t, gsize i, lw_gguf_str s, char *out, gsize *n_out,
                             GError **error)
{
    gssize n;

    switch (t->kinds[i] & LW_TOKEN_TYPE_MASK) {
    case LW_TOKEN_NORMAL:
        n = t->model->token_bytes(s.bytes, s.n, out);
        if (n > 0) {
            *n_out = (gsize)n;
            return TRUE;
        }
        t->kinds[i] |= LW_TOKEN_UNREACHABLE;
        break;
    case LW_TOKEN_BYTE:
        if (!lw_parse_byte_token(s, out))
            return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                     "byte token %" G_GSIZE_FORMAT " is not of the form <0xHH>", i);
        *n_out = 1;
        return TRUE;
    case LW_TOKEN_CONTROL:
    case LW_TOKEN_USER:
    case LW_TOKEN_UNKNOWN:
        if (s.n > MAX_SPECIAL_BYTES)
            return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                     "special token %" G_GSIZE_FORMAT " has %" G_GSIZE_FORMAT
                                     " bytes, the limit is %d",
                                     i, s.n, MAX_SPECIAL_BYTES);
        break;
    default:
        break;
    }
    memcpy(out, s.bytes, s.n);
    *n_out = s.n;
    return TRUE;
}

static gboolean decode_tokens(lw_tokenizer *t, const lw_gguf_str *tokens, const gint32 *types,
                              GError **error)
{
    for (gint32 i = 0; i < t->n_tokens; i++) {
        gint32 type = types != NULL ? types[i] : LW_TOKEN_NORMAL;
        gsize n = 0;

        if (type < 0 || type > LW_TOKEN_BYTE)
            return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                     "token %d has the unknown type %d", i, type);
        t->kinds[i] = kind_of(tokens[i], type);
        if (!decode_token(t, (gsize)i, tokens[i], t->bytes + t->offsets[i], &n, error))
            return FALSE;
        t->offsets[i + 1] = t->offsets[i] + (guint32)n;
    }
    return TRUE;
}

static gboolean check_sizes(lw_tokenizer *t, const lw_gguf_str *tokens, gsize n, gsize *total,
                            GError **error)
{
    *total = 0;
    if (n == 0 || n > MAX_TOKENS)
        return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                 "%" G_GSIZE_FORMAT " tokens, 1 to %d are possible", n, MAX_TOKENS);
    for (gsize i = 0; i < n; i++) {
        if (tokens[i].n > LW_MAX_TOKEN_BYTES)
            return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                     "token %" G_GSIZE_FORMAT " has %" G_GSIZE_FORMAT
                                     " bytes, the limit is %d",
                                     i, tokens[i].n, LW_MAX_TOKEN_BYTES);
        *total += tokens[i].n;
    }
    if (*total > MAX_ALL_BYTES)
        return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                 "tokens of %" G_GSIZE_FORMAT
                                 " bytes in all, the limit is %" G_GUINT64_FORMAT,
                                 *total, MAX_ALL_BYTES);
    return TRUE;
}

static gboolean read_tokens(lw_tokenizer *t, GError **error)
{
    static const char key[] = "tokenizer.ggml.tokens", type_key[] = "tokenizer.ggml.token_type";
    lw_gguf_str *tokens = NULL;
    gint32 *types = NULL;
    gsize n = 0, n_types = 0, total;
    GError *local = NULL;
    gboolean ok = FALSE;

    if (!lw_gguf_get_str_array(t->gguf, key, &tokens, &n, &local))
        return lw_tokenizer_missing(t, error, local, key);
    if (!check_sizes(t, tokens, n, &total, error))
        goto out;
    if (!lw_gguf_get_i32_array(t->gguf, type_key, &types, &n_types, &local) && local != NULL) {
        g_propagate_error(error, local);
        goto out;
    }
    if (types != NULL && n_types != n) {
        lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                          "%" G_GSIZE_FORMAT " token types for %" G_GSIZE_FORMAT " tokens", n_types,
                          n);
        goto out;
    }
    t->n_tokens = (gint32)n;
    t->kinds = lw_alloc0_array_try(n, 1, "the token types", error);
    t->offsets = t->kinds != NULL
                     ? lw_alloc_try((n + 1) * sizeof *t->offsets, "the vocabulary", error)
                     : NULL;
    t->bytes = t->offsets != NULL ? lw_alloc_try(total, "the vocabulary", error) : NULL;
    if (t->bytes == NULL)
        goto out;
    t->offsets[0] = 0;
    ok = decode_tokens(t, tokens, types, error);
out:
    lw_free(types);
    lw_free(tokens);
    return ok;
}

/* ---- The keys ---- */

static gboolean find_model(lw_tokenizer *t, GError **error)
{
    static const char key[] = "tokenizer.ggml.model";
    GError *local = NULL;
    GString *names;
    lw_gguf_str s;

    if (!lw_gguf_get_str(t->gguf, key, &s, &local))
        return lw_tokenizer_missing(t, error, local, key);
    for (gsize i = 0; i < G_N_ELEMENTS(models); i++) {
        if (is_str(s, models[i]->name)) {
            t->model = models[i];
            return TRUE;
        }
    }
    names = g_string_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(models); i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", models[i]->name);
    lw_tokenizer_fail(t, error, LW_MODEL_ERROR_UNSUPPORTED,
                      "tokenizer model '%.*s' is not supported, these are: %s", (int)MIN(s.n, 40),
                      s.bytes, names->str);
    g_string_free(names, TRUE);
    return FALSE;
}

/* A key names this token: if it looks like a marker it is one, whatever its type. */
static void force_control(lw_tokenizer *t, gint32 id)
{
    gsize n;
    const char *text = lw_tokenizer_token_bytes(t, id, &n);

    if (n >= 3 &&
        ((text[0] == '<' && text[n - 1] == '>') || (text[0] == '[' && text[n - 1] == ']')))
        t->kinds[id] = (guint8)((t->kinds[id] & ~LW_TOKEN_TYPE_MASK) | LW_TOKEN_CONTROL);
}

/* An optional key that holds a token id; *id stays as it is when the key is absent. */
static gboolean read_id(lw_tokenizer *t, const char *key, gint32 *id, GError **error)
{
    GError *local = NULL;
    guint32 v;

    if (!lw_gguf_get_u32(t->gguf, key, &v, &local)) {
        if (local != NULL)
            g_propagate_error(error, local);
        return local == NULL;
    }
    if (v >= (guint32)t->n_tokens)
        return lw_tokenizer_fail(t, error, LW_MODEL_ERROR_CORRUPT,
                                 "key '%s' is %u, but there are %d tokens", key, v, t->n_tokens);
    *id = (gint32)v;
    if (id != &t->unknown)
        force_control(t, *id);
    return TRUE;
}

static gboolean read_bool(lw_tokenizer *t, const char *key, gboolean *value, GError **error)
{
    GError *local = NULL;

    if (lw_gguf_get_bool(t->gguf, key, value, &local) || local == NULL)
        return TRUE;
    g_propagate_error(error, local);
    return FALSE;
}

static gboolean read_ids(lw_tokenizer *t, GError **error)
{
    static const char *const ends[] = {"tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    gint32 *const known[] = {&t->bos, &t->eos, &t->unknown};

    /* A model's defaults are for its usual vocabulary. */
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (*known[i] >= t->n_tokens)
            *known[i] = -1;
    }
    /* BERT's names; "seperator" is how files spell it. */
    if (!read_id(t, "tokenizer.ggml.cls_token_id", &t->bos, error) ||
        !read_id(t, "tokenizer.ggml.seperator_token_id", &t->eos, error) ||
        !read_id(t, "tokenizer.ggml.bos_token_id", &t->bos, error) ||
        !read_id(t, "tokenizer.ggml.eos_token_id", &t->eos, error) ||
        !read_id(t, "tokenizer.ggml.unknown_token_id", &t->unknown, error) ||
        !read_bool(t, "tokenizer.ggml.add_bos_token", &t->add_bos, error) ||
        !read_bool(t, "tokenizer.ggml.add_eos_token", &t->add_eos, error) ||
        !read_bool(t, "tokenizer.ggml.add_space_prefix", &t->space_prefix, error))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        gint32 id = -1;

        if (!read_id(t, ends[i], &id, error))
            return FALSE;
        if (id >= 0)
            t->kinds[id] |= LW_TOKEN_EOG;
    }
    if (t->eos >= 0)
        t->kinds[t->eos] |= LW_TOKEN_EOG;
    for (gint i = 0; i < 256; i++)
        t->byte_token[i] = -1;
    for (gint32 i = 0; i < t->n_tokens; i++) {
        guint8 byte = (guint8)t->bytes[t->offsets[i]];

        if ((t->kinds[i] & LW_TOKEN_TYPE_MASK) == LW_TOKEN_BYTE && t->byte_token[byte] < 0)
            t->byte_token[byte] = i;
    }
    return TRUE;
}

/* ---- The tokenizer ---- */

lw_tokenizer *lw_tokenizer_new(const lw_gguf *g, GError **error)
{
    lw_tokenizer *t = g_new0(lw_tokenizer, 1);

    g_mutex_init(&t->lock);
    t->gguf = g;
    t->bos = t->eos = t->unknown = -1;
    for (gsize i = 0; i < G_N_ELEMENTS(t->hash_key); i++)
        t->hash_key[i] = (guint64)g_random_int() << 32 | g_random_int();
    if (!find_model(t, error) || !t->model->init(t, error) || !read_tokens(t, error) ||
        !read_ids(t, error) || !lw_specials_index(t, error))
        g_clear_pointer(&t, lw_tokenizer_free);
    return t;
}

void lw_tokenizer_free(lw_tokenizer *t)
{
    if (t == NULL)
        return;
    if (t->own != NULL)
        t->model->clear(t);
    lw_trie_clear(&t->trie);
    lw_free(t->bytes);
    lw_free(t->offsets);
    lw_free(t->kinds);
    lw_free(t->specials);
    g_mutex_clear(&t->lock);
    g_free(t);
}

gboolean lw_tokenizer_prepare(const lw_tokenizer *t, GError **error)
{
    lw_tokenizer *w = (lw_tokenizer *)t; /* immutable but for this one step */
    gboolean ok = TRUE;

    if (g_atomic_int_get(&w->ready))
        return TRUE;
    g_mutex_lock(&w->lock);
    if (!g_atomic_int_get(&w->ready)) {
        ok = w->model->prepare(w, error);
        if (ok && !lw_gguf_is_intact(w->gguf))
            ok = lw_tokenizer_fail(t, error, LW_MODEL_ERROR_IO,
                                   "the file became shorter while it was read");
        g_atomic_int_set(&w->ready, ok);
    }
    g_mutex_unlock(&w->lock);
    return ok;
}

gboolean lw_tokenizer_prepare_trie(const lw_tokenizer *t, GError **error)
{
    lw_tokenizer *w = (lw_tokenizer *)t; /* the other step */
    gboolean ok = TRUE;

    if (g_atomic_int_get(&w->trie_ready))
        return TRUE;
    g_mutex_lock(&w->lock);
    if (!g_atomic_int_get(&w->trie_ready)) {
        ok = lw_trie_init(&w->trie, t, error);
        g_atomic_int_set(&w->trie_ready, ok);
    }
    g_mutex_unlock(&w->lock);
    return ok;
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
    gint32 id = lw_specials_match(t, (const guint8 *)text, n, n, &n_match);

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

gint32 lw_tokenizer_eos(const lw_tokenizer *t)
{
    return t->eos;
}

gboolean lw_tokenizer_add_eos(const lw_tokenizer *t)
{
    return t->add_eos;
}
