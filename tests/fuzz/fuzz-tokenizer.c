/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * First byte: 'G': the rest is a GGUF file with a vocabulary.  Otherwise a text for a fixed
 * vocabulary (its two lowest bits pick which), where each byte 0xF8 begins a trusted and each 0xF9
 * an untrusted span. Checked: untrusted bytes become no special token, the tokens' bytes are the
 * text, merging in blocks is merging at once, and decoding gives valid UTF-8 after every token.
 */
#include <string.h>

#include "engine/tokenizer/tokenizer-private.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/vocab-build.h"

static void check_decoding(const lw_tokenizer *t, const GArray *ids)
{
    lw_detokenizer *d = lw_detokenizer_new(t);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < ids->len; i++) {
        gint32 id = g_array_index(ids, gint32, i);
        gsize before = out->len;

        fuzz_require(id >= 0 && id < lw_tokenizer_n_tokens(t));
        lw_detokenizer_push(d, id, out);
        fuzz_require(g_utf8_validate(out->str + before, (gssize)(out->len - before), NULL));
    }
    lw_detokenizer_finish(d, out);
    fuzz_require(g_utf8_validate(out->str, (gssize)out->len, NULL));
    lw_detokenizer_free(d);
    g_string_free(out, TRUE);
}

/* What untrusted text may become: anything but specials.  The unknown token is the answer to words
 * that a vocabulary lacks. */
static gboolean is_plain(const lw_tokenizer *t, gint32 id)
{
    guint8 type = t->kinds[id] & LW_TOKEN_TYPE_MASK;

    return id == t->unknown || (t->kinds[id] & LW_TOKEN_LAYOUT) != 0 ||
           (type != LW_TOKEN_CONTROL && type != LW_TOKEN_USER);
}

/* ---- A vocabulary from the input ---- */

static void fuzz_vocabulary(const uint8_t *data, size_t n)
{
    static const char text[] =
        "Hello wörld e\xcc\x81 123\n\n <|im_start|>user <think> \xff\xfe it's";
    lw_gguf *g = lw_gguf_open_bytes(data, n, "fuzz.gguf", NULL);
    GError *error = NULL;
    lw_tokenizer *t;
    GArray *ids;

    if (g == NULL)
        return;
    t = lw_tokenizer_new(g, &error);
    fuzz_require((t == NULL) == (error != NULL));
    g_clear_error(&error);
    if (t != NULL) {
        ids = g_array_new(FALSE, FALSE, sizeof(gint32));
        for (guint trusted = 0; trusted < 2; trusted++) {
            guint first = ids->len;

            if (lw_tokenizer_encode_text(t, text, sizeof text - 1, trusted != 0, ids, NULL)) {
                for (guint i = first; i < ids->len && !trusted; i++)
                    fuzz_require(is_plain(t, g_array_index(ids, gint32, i)));
            } else {
                fuzz_require(ids->len == first);
            }
        }
        check_decoding(t, ids);
        for (gint32 i = 0; i < lw_tokenizer_n_tokens(t); i++) {
            gsize k;

            lw_tokenizer_token_bytes(t, i, &k);
            lw_tokenizer_is_eog(t, i);
        }
        g_array_unref(ids);
    }
    lw_tokenizer_free(t);
    lw_gguf_free(g);
}

/* ---- A text from the input ---- */

enum {
    GPT2,
    QWEN2,
    SPM,
    BERT,
    N_FIXED,
};

static gguf_build *build_fixed(guint which)
{
    gguf_build *b;

    if (which == BERT)
        return vocab_build_bert();
    if (which == SPM) {
        b = vocab_build_spm("gemma3");
        gguf_build_bool(b, "tokenizer.ggml.add_space_prefix", FALSE);
        return b;
    }
    b = gguf_build_new();
    gguf_build_vocab(b, which == GPT2 ? "gpt-2" : "qwen2");
    return b;
}

static const lw_tokenizer *fixed(guint which)
{
    static lw_tokenizer *tokenizers[N_FIXED];

    if (tokenizers[which] == NULL) {
        GByteArray *file = gguf_build_finish(build_fixed(which));
        lw_gguf *g = lw_gguf_open_bytes(file->data, file->len, "fixed.gguf", NULL);

        tokenizers[which] = lw_tokenizer_new(g, NULL);
        fuzz_require(tokenizers[which] != NULL);
        g_byte_array_free(file, FALSE); /* the tokenizer reads the file as long as it lives */
    }
    return tokenizers[which];
}

static void check_cover(const lw_tokenizer *t, const GByteArray *text, const GArray *expected)
{
    guint8 *padded = g_malloc0(text->len + LW_TEXT_PADDING);
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    lw_cover *c;

    memcpy(padded, text->data, text->len);
    fuzz_require(lw_tokenizer_prepare_trie(t, NULL));
    c = lw_cover_new(t, NULL);
    if (t->model->cover(t, c, padded, text->len, ids))
        fuzz_require(ids->len == expected->len &&
                     memcmp(ids->data, expected->data, ids->len * sizeof(gint32)) == 0);
    else
        fuzz_require(ids->len == 0);
    lw_cover_free(c);
    g_array_unref(ids);
    g_free(padded);
}

/* Blocks and covering against one heap, on the whole text as if it were one piece. */
static void check_merging(const lw_tokenizer *t, const GByteArray *text)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32)),
           *whole = g_array_new(FALSE, FALSE, sizeof(gint32));

    if (text->len > 0) {
        fuzz_require(lw_merge_encode(t, text->data, text->len, ids, NULL));
        fuzz_require(lw_merge_encode_whole(t, text->data, text->len, whole, NULL));
        fuzz_require(ids->len == whole->len &&
                     memcmp(ids->data, whole->data, ids->len * sizeof(gint32)) == 0);
        check_cover(t, text, whole);
    }
    g_array_unref(ids);
    g_array_unref(whole);
}

/* U+2581 as spaces, as SentencePiece reads it. */
static void read_marks(GByteArray *text)
{
    guint n = 0;

    for (guint i = 0; i < text->len;) {
        if (text->len - i >= 3 && memcmp(text->data + i, MARK, 3) == 0) {
            text->data[n++] = ' ';
            i += 3;
        } else {
            text->data[n++] = text->data[i++];
        }
    }
    g_byte_array_set_size(text, n);
}

static void fuzz_text(guint which, const uint8_t *data, size_t n)
{
    const lw_tokenizer *t = fixed(which);
    GArray *spans = g_array_new(FALSE, TRUE, sizeof(lw_span));
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    GByteArray *joined = g_byte_array_new(), *back = g_byte_array_new();
    gboolean trusted = FALSE, any_trusted = FALSE;

    for (size_t i = 0; i < n;) {
        lw_span span = {0};
        size_t end;

        if (data[i] == 0xF8 || data[i] == 0xF9) {
            trusted = data[i++] == 0xF8;
            continue;
        }
        for (end = i; end < n && data[end] != 0xF8 && data[end] != 0xF9; end++)
            ;
        span.bytes = (const char *)data + i;
        span.n = end - i;
        span.trusted = trusted;
        any_trusted |= trusted;
        g_array_append_val(spans, span);
        g_byte_array_append(joined, data + i, (guint)span.n);
        i = end;
    }
    fuzz_require(lw_tokenizer_encode(t, (const lw_span *)spans->data, spans->len, ids, NULL));
    for (guint i = 0; i < ids->len; i++) {
        gint32 id = g_array_index(ids, gint32, i);
        gsize k;
        const char *bytes = lw_tokenizer_token_bytes(t, id, &k);

        fuzz_require(any_trusted || is_plain(t, id));
        g_byte_array_append(back, (const guint8 *)bytes, (guint)k);
    }
    if (which != BERT)
        check_merging(t, joined);
    if (which == SPM)
        read_marks(joined);
    if (which == GPT2 || (which == SPM && !any_trusted)) {
        fuzz_require(back->len == joined->len);
        fuzz_require(joined->len == 0 || memcmp(back->data, joined->data, joined->len) == 0);
    } else if (which == QWEN2 && joined->len > 0 && memchr(joined->data, 0, joined->len) == NULL &&
               g_utf8_validate((const char *)joined->data, joined->len, NULL) && !any_trusted) {
        char *normal = g_utf8_normalize((const char *)joined->data, joined->len, G_NORMALIZE_NFC);

        fuzz_require(back->len == strlen(normal) && memcmp(back->data, normal, back->len) == 0);
        g_free(normal);
    }
    check_decoding(t, ids);
    g_byte_array_unref(joined);
    g_byte_array_unref(back);
    g_array_unref(spans);
    g_array_unref(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        fuzz_text(GPT2, data, 0);
    else if (data[0] == 'G')
        fuzz_vocabulary(data + 1, n - 1);
    else
        fuzz_text(data[0] % N_FIXED, data + 1, n - 1);
    return 0;
}
