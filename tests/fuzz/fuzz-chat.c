/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is a conversation: turns separated by 0xFF, each with a first byte for role and media.
 * Every family renders it.  Checked: the specials in the encoded prompt are exactly those of the
 * scaffold, so the same conversation with other texts has as many.  The input is also tried as a
 * template's text.
 */
#include <string.h>

#include "engine/tokenizer/chat.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/gguf-build.h"

#define MAX_TURNS 16

static const lw_tokenizer *fixed(void)
{
    static lw_tokenizer *t;

    if (t == NULL) {
        gguf_build *b = gguf_build_new();
        GByteArray *file;
        lw_gguf *g;

        gguf_build_vocab(b, "qwen2");
        file = gguf_build_finish(b);
        g = lw_gguf_open_bytes(file->data, file->len, "fixed.gguf", NULL);
        t = lw_tokenizer_new(g, NULL);
        fuzz_require(t != NULL);
        lw_gguf_free(g); /* the tokenizer keeps copies */
        g_byte_array_unref(file);
    }
    return t;
}

/* Special tokens and media of the rendered and encoded conversation. */
static guint count_specials(const lw_chat_template *family, const lw_chat_turn *turns, gsize n,
                            guint *n_media)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    GArray *spans = g_array_new(FALSE, FALSE, sizeof(lw_span));
    guint n_specials = 0;
    lw_chat_render r;

    *n_media = 0;
    lw_chat_render_init(&r);
    family->render(turns, n, TRUE, &r);
    for (guint i = 0; i <= r.pieces->len; i++) {
        const lw_chat_piece *p = NULL;

        if (i < r.pieces->len)
            p = &g_array_index(r.pieces, lw_chat_piece, i);
        if (p != NULL && !p->is_media) {
            g_array_append_val(spans, p->span);
            continue;
        }
        /* The stretch before a medium, or the last one. */
        *n_media += p != NULL;
        fuzz_require(lw_tokenizer_encode(fixed(), (const lw_span *)spans->data, spans->len, ids, NULL));
        g_array_set_size(spans, 0);
    }
    for (guint i = 0; i < ids->len; i++)
        n_specials += g_array_index(ids, gint32, i) >= TINY_FIRST_SPECIAL;
    lw_chat_render_clear(&r);
    g_array_unref(spans);
    g_array_unref(ids);
    return n_specials;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    lw_chat_turn turns[MAX_TURNS], empty[MAX_TURNS];
    char *texts[MAX_TURNS];
    gsize n_turns = 0, n_media = 0;

    for (size_t i = 0; i < n && n_turns < MAX_TURNS; n_turns++) {
        const uint8_t *end = memchr(data + i, 0xFF, n - i);
        size_t length = end != NULL ? (size_t)(end - (data + i)) : n - i;
        uint8_t head = length > 0 ? data[i] : 0;

        texts[n_turns] = g_strndup((const char *)data + i + (length > 0), length - (length > 0));
        turns[n_turns] = (lw_chat_turn){.role = (lw_role)(head % 3), .text = texts[n_turns],
                                        .n_media = head / 3 % 4};
        empty[n_turns] = turns[n_turns];
        empty[n_turns].text = "";
        n_media += turns[n_turns].n_media;
        i += length + 1;
    }
    for (gsize i = 0; lw_chat_templates[i] != NULL; i++) {
        guint media, media_empty;
        guint specials = count_specials(lw_chat_templates[i], turns, n_turns, &media);

        fuzz_require(specials == count_specials(lw_chat_templates[i], empty, n_turns, &media_empty));
        fuzz_require(media == n_media && media_empty == n_media);
        lw_chat_templates[i]->matches((const char *)data, n);
    }
    for (gsize i = 0; i < n_turns; i++)
        g_free(texts[i]);
    return 0;
}
