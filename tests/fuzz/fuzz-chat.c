/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is a conversation: turns separated by 0xFF, each with a first byte for role, media and
 * documents. Every family renders it.  Checked: the specials in the encoded prompt are exactly
 * those of the scaffold, so the same conversation with harmless texts has as many.
 */
#include <string.h>

#include "engine/chat/chat.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/gguf-build.h"

#define MAX_TURNS 16
#define MAX_MEDIA 3 /* of a turn */

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
        g_byte_array_free(file, FALSE); /* the tokenizer reads the file as long as it lives */
    }
    return t;
}

/* Special tokens (but <think>, which Qwen3 writes around thoughts it finds) and media of the
 * rendered and encoded conversation. */
static guint count_specials(const char *family, const lw_chat_turn *turns, gsize n, guint *n_media)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    GArray *spans = g_array_new(FALSE, FALSE, sizeof(lw_span));
    const lw_chat_params params = {.add_generation = TRUE, .date = 1};
    lw_chat *c = lw_chat_new_family(family);
    guint n_specials = 0;
    lw_chat_prompt r;

    *n_media = 0;
    fuzz_require(lw_chat_render(c, turns, n, &params, &r, NULL));
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
        fuzz_require(
            lw_tokenizer_encode(fixed(), (const lw_span *)spans->data, spans->len, ids, NULL));
        g_array_set_size(spans, 0);
    }
    for (guint i = 0; i < ids->len; i++)
        n_specials += g_array_index(ids, gint32, i) >= TINY_FIRST_SPECIAL &&
                      g_array_index(ids, gint32, i) != TINY_THINK;
    lw_chat_prompt_clear(&r);
    lw_chat_free(c);
    g_array_unref(spans);
    g_array_unref(ids);
    return n_specials;
}

/* The same conversation with letters for all that might matter: as long and with the same line
 * ends, so that families which look at content (thoughts, empty texts) see the same but for the
 * specials. */
static char *harmless(const char *text)
{
    char *copy = g_strdup(text);

    for (char *p = copy; *p; p++) {
        if (*p == '<' || *p == '|' || *p == '>' || *p == '[')
            *p = '_';
    }
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *const *names = lw_chat_family_names();
    lw_chat_turn turns[MAX_TURNS], plain[MAX_TURNS];
    lw_document documents[MAX_TURNS], plain_documents[MAX_TURNS];
    gsize n_turns = 0, n_media = 0, media_at[MAX_TURNS][MAX_MEDIA];

    for (size_t i = 0; i < n && n_turns < MAX_TURNS; n_turns++) {
        const uint8_t *end = memchr(data + i, 0xFF, n - i);
        size_t length = end != NULL ? (size_t)(end - (data + i)) : n - i;
        uint8_t head = length > 0 ? data[i] : 0;
        char *text = g_strndup((const char *)data + i + (length > 0), length - (length > 0));

        /* Every second turn is also a document with its text for a name. */
        documents[n_turns] = (lw_document){text, text};
        /* An answer has no media: Qwen3 would take them for thoughts. */
        turns[n_turns] = (lw_chat_turn){.role = (lw_role)(head % 4),
                                        .text = text,
                                        .n_media = head % 4 == LW_ROLE_ASSISTANT ? 0 : head / 4 % 4,
                                        .documents = &documents[n_turns],
                                        .n_documents = head / 16 % 2};
        /* Media inside the text, on its borders and in it. */
        for (gsize k = 0; k < MAX_MEDIA; k++)
            media_at[n_turns][k] = strlen(text) * k / (MAX_MEDIA - 1);
        if (head / 32 % 2)
            turns[n_turns].media_at = media_at[n_turns];
        plain[n_turns] = turns[n_turns];
        plain[n_turns].text = harmless(text);
        plain_documents[n_turns] = (lw_document){plain[n_turns].text, plain[n_turns].text};
        plain[n_turns].documents = &plain_documents[n_turns];
        n_media += turns[n_turns].n_media;
        i += length + 1;
    }
    for (gsize i = 0; names[i] != NULL; i++) {
        guint media, media_plain;
        guint specials = count_specials(names[i], turns, n_turns, &media);

        fuzz_require(specials == count_specials(names[i], plain, n_turns, &media_plain));
        fuzz_require(media == n_media && media_plain == n_media);
    }
    for (gsize i = 0; i < n_turns; i++) {
        g_free((char *)turns[i].text);
        g_free((char *)plain[i].text);
    }
    return 0;
}
