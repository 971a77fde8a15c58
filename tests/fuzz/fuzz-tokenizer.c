/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * First byte: 'G': the rest is a GGUF file with a vocabulary.  Otherwise a text for a fixed vocabulary
 * (its lowest bit picks the pre-tokenizer), where each byte 0xF8 begins a trusted and each 0xF9 an
 * untrusted span.  Checked: untrusted bytes become no special token, the tokens' bytes are the text, and
 * decoding gives valid UTF-8 after every token.
 */
#include <string.h>

#include "engine/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/gguf-build.h"

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

/* ---- A vocabulary from the input ---- */

static void fuzz_vocabulary(const uint8_t *data, size_t n)
{
    static const char text[] = "Hello wörld e\xcc\x81 123\n\n <|im_start|>user <think> \xff\xfe it's";
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
                    fuzz_require(!lw_tokenizer_is_control(t, g_array_index(ids, gint32, i)));
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

static const lw_tokenizer *fixed(gboolean nfc)
{
    static lw_tokenizer *tokenizers[2];

    if (tokenizers[0] == NULL) {
        for (guint i = 0; i < 2; i++) {
            gguf_build *b = gguf_build_new();
            GByteArray *file;
            lw_gguf *g;

            gguf_build_vocab(b, i == 0 ? "gpt-2" : "qwen2");
            file = gguf_build_finish(b);
            g = lw_gguf_open_bytes(file->data, file->len, "fixed.gguf", NULL);
            tokenizers[i] = lw_tokenizer_new(g, NULL);
            fuzz_require(tokenizers[i] != NULL);
            g_byte_array_free(file, FALSE); /* the tokenizer reads the file as long as it lives */
        }
    }
    return tokenizers[nfc];
}

static void fuzz_text(gboolean nfc, const uint8_t *data, size_t n)
{
    const lw_tokenizer *t = fixed(nfc);
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

        fuzz_require(any_trusted || id < TINY_FIRST_SPECIAL);
        g_byte_array_append(back, (const guint8 *)bytes, (guint)k);
    }
    if (!nfc) {
        fuzz_require(back->len == joined->len);
        fuzz_require(joined->len == 0 || memcmp(back->data, joined->data, joined->len) == 0);
    } else if (joined->len > 0 && memchr(joined->data, 0, joined->len) == NULL &&
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
        fuzz_text(FALSE, data, 0);
    else if (data[0] == 'G')
        fuzz_vocabulary(data + 1, n - 1);
    else
        fuzz_text(data[0] & 1, data + 1, n - 1);
    return 0;
}
