/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small vocabularies of the kinds that are not byte-level BPE (gguf-build.h has one of those).
 */
#pragma once

#include "tests/unit/gguf-build.h"

#define MARK "\xe2\x96\x81" /* U+2581 */

enum {
    SPM_UNK,
    SPM_BOS,
    SPM_EOS,
    SPM_FIRST_BYTE, /* 256 of them */
    SPM_SPACE = SPM_FIRST_BYTE + 256,
    SPM_A,
    SPM_B,
    SPM_C,
    SPM_AB,
    SPM_BC,
    SPM_ABC,
    SPM_SPACE_A,
    SPM_SPACES,
    SPM_TURN,  /* <|user|> */
    SPM_LINES, /* two line breaks, user-defined */
    SPM_TOOL,  /* <tool>, user-defined */
    SPM_N,
};

/* SentencePiece: bytes, a few merges of a, b and c, and specials. */
static inline gguf_build *vocab_build_spm(const char *arch)
{
    static const char *const texts[] = {MARK,  "a",      "b",       "c",        "ab",   "bc",
                                        "abc", MARK "a", MARK MARK, "<|user|>", "\n\n", "<tool>"};
    float scores[SPM_N] = {0};
    gint32 types[SPM_N];
    gguf_build *b = gguf_build_new();

    gguf_build_str(b, "general.architecture", arch);
    gguf_build_str(b, "tokenizer.ggml.model", "llama");
    gguf_build_array(b, "tokenizer.ggml.tokens", LW_GGUF_STRING, SPM_N);
    gguf_put_str(b->keys, "<unk>");
    gguf_put_str(b->keys, "<s>");
    gguf_put_str(b->keys, "</s>");
    for (gint i = 0; i < SPM_N; i++)
        types[i] = i < SPM_FIRST_BYTE ? 3
                   : i < SPM_SPACE    ? 6
                   : i < SPM_TURN     ? 1
                   : i == SPM_TURN    ? 3
                                      : 4;
    types[SPM_UNK] = 2;
    for (guint i = 0; i < 256; i++) {
        char text[8];

        g_snprintf(text, sizeof text, "<0x%02X>", i);
        gguf_put_str(b->keys, text);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        gguf_put_str(b->keys, texts[i]);
    for (gint i = SPM_SPACE; i < SPM_TURN; i++)
        scores[i] = -(float)i;
    scores[SPM_BC] = -1; /* before "ab" */
    gguf_build_f32s(b, "tokenizer.ggml.scores", scores, SPM_N);
    gguf_build_i32s(b, "tokenizer.ggml.token_type", types, SPM_N);
    return b;
}

enum {
    BERT_PAD,
    BERT_UNK,
    BERT_CLS,
    BERT_SEP,
    BERT_HELLO,
    BERT_HE,
    BERT_LLO,
    BERT_COMMA,
    BERT_E,
    BERT_SS,
    BERT_TOOL, /* user-defined */
    BERT_N,
};

/* WordPiece. */
static inline gguf_build *vocab_build_bert(void)
{
    static const char *const tokens[] = {"[PAD]",      "[UNK]",   "[CLS]", "[SEP]",
                                         MARK "hello", MARK "he", "llo",   MARK ",",
                                         MARK "e",     "s",       "<tool>"};
    static const gint32 types[] = {3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 4};
    gguf_build *b = gguf_build_new();

    gguf_build_str(b, "tokenizer.ggml.model", "bert");
    gguf_build_strs(b, "tokenizer.ggml.tokens", tokens, BERT_N);
    gguf_build_i32s(b, "tokenizer.ggml.token_type", types, BERT_N);
    gguf_build_u32(b, "tokenizer.ggml.unknown_token_id", BERT_UNK);
    gguf_build_u32(b, "tokenizer.ggml.cls_token_id", BERT_CLS);
    gguf_build_u32(b, "tokenizer.ggml.seperator_token_id", BERT_SEP);
    return b;
}
