/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text <-> token ids, for three kinds of vocabulary: byte-level BPE (tokenizer.ggml.model "gpt2", with the
 * pre-tokenizers of pretokenize.h), SentencePiece's BPE ("llama") and WordPiece ("bert").  Ids are those of
 * the tokenizers that the models are published with.
 *
 * Security rule: control and user-defined tokens are only ever matched inside *trusted* bytes.
 * A text is a list of spans with a trust flag; the pre-tokenizer runs over the whole stretch between
 * two matched specials (scaffold and user bytes together), so ids equal those of a tokenizer that was
 * given the joined string, except that untrusted bytes can never become a special token.
 *
 * One exception, for files that list runs of white space as user-defined tokens (Gemma): such tokens are
 * layout, shape no prompt and are matched everywhere.
 *
 * Thread: a tokenizer is immutable; any thread.  A decoder belongs to one thread.
 */
#pragma once

#include "engine/gguf/gguf.h"

G_BEGIN_DECLS

typedef struct lw_tokenizer lw_tokenizer;

/* Read tokenizer.ggml.* from g (borrowed: must outlive the tokenizer).  Tokens, their kinds and all ids
 * with a meaning are read and checked; merges and scores are when the first text is encoded.
 * Errors: LW_MODEL_ERROR: MISSING, CORRUPT, UNSUPPORTED (unknown model or `pre`, named). */
lw_tokenizer *lw_tokenizer_new(const lw_gguf *g, GError **error);
void lw_tokenizer_free(lw_tokenizer *t);

/* Do now what the first encoding would do (tens of milliseconds for a large vocabulary).  Later calls cost
 * nothing.  Errors: LW_MODEL_ERROR: MISSING, CORRUPT, IO; LW_ENGINE_ERROR: NO_MEMORY. */
gboolean lw_tokenizer_prepare(const lw_tokenizer *t, GError **error);

typedef struct {
    const char *bytes; /* UTF-8 expected; invalid bytes are encoded as bytes, never rejected */
    gsize n;
    gboolean trusted; /* may contain special tokens */
} lw_span;

/* Append the ids of the spans to `ids` (GArray of gint32).  Limits: 256 MiB of text in all, 64 MiB in one
 * word without a break.  On failure ids is as it was.  Nothing is put around the text.
 * Errors: LW_ENGINE_ERROR: INVALID (over a limit, a byte that the vocabulary cannot express), NO_MEMORY;
 * at the first call what lw_tokenizer_prepare() gives. */
gboolean lw_tokenizer_encode(const lw_tokenizer *t, const lw_span *spans, gsize n_spans, GArray *ids,
                             GError **error);

/* The same for a whole text: with the tokens around it that the file asks for (BOS, EOS; BERT's [CLS] and
 * [SEP]). */
gboolean lw_tokenizer_encode_whole(const lw_tokenizer *t, const lw_span *spans, gsize n_spans, GArray *ids,
                                   GError **error);

/* One untrusted or trusted text. */
gboolean lw_tokenizer_encode_text(const lw_tokenizer *t, const char *text, gssize n, gboolean trusted,
                                  GArray *ids, GError **error);

gint32 lw_tokenizer_n_tokens(const lw_tokenizer *t);
/* The bytes a token stands for (byte-level alphabet undone, U+2581 as a space); control tokens give their
 * literal text.
 * Borrowed; *n bytes. */
const char *lw_tokenizer_token_bytes(const lw_tokenizer *t, gint32 id, gsize *n);
/* Id of a special token by its exact text, or -1. */
gint32 lw_tokenizer_find_special(const lw_tokenizer *t, const char *text);
gboolean lw_tokenizer_is_control(const lw_tokenizer *t, gint32 id);
/* Ends a generation: the file's eos/eot ids and the known end-of-turn texts. */
gboolean lw_tokenizer_is_eog(const lw_tokenizer *t, gint32 id);
gint32 lw_tokenizer_bos(const lw_tokenizer *t); /* -1: none; BERT's [CLS] */
gint32 lw_tokenizer_eos(const lw_tokenizer *t); /* -1: none; BERT's [SEP] */
/* Whether a whole text begins, ends with them. */
gboolean lw_tokenizer_add_bos(const lw_tokenizer *t);
gboolean lw_tokenizer_add_eos(const lw_tokenizer *t);

/* Streaming decoder: never emits half a character.  Control tokens render as nothing, and so does the space
 * that a vocabulary puts before the first word. */
typedef struct lw_detokenizer lw_detokenizer;
lw_detokenizer *lw_detokenizer_new(const lw_tokenizer *t);
void lw_detokenizer_free(lw_detokenizer *d);
void lw_detokenizer_reset(lw_detokenizer *d);
/* Add a token; append what is complete UTF-8 to out.  Invalid sequences become U+FFFD, and so does NUL,
 * which would end the text for whoever holds it as a C string. */
void lw_detokenizer_push(lw_detokenizer *d, gint32 id, GString *out);
/* Flush an incomplete tail as U+FFFD. */
void lw_detokenizer_finish(lw_detokenizer *d, GString *out);

G_END_DECLS
