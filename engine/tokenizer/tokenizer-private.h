/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tokenizer's files share.  vocab.c builds this once; everything else only reads it.
 *
 * A *symbol* is a byte string that merging may produce: ids below n_tokens are tokens, the others are
 * strings that occur in merges without being tokens a text may become (they end as single bytes).
 * Control and user-defined tokens are never symbols, so merging cannot produce them from any text.
 */
#pragma once

#include "engine/tokenizer/pretokenize.h"
#include "engine/tokenizer/tokenizer.h"

G_BEGIN_DECLS

/* The file's token types, and what we make of them. */
enum {
    LW_TOKEN_NORMAL = 1,
    LW_TOKEN_UNKNOWN = 2,
    LW_TOKEN_CONTROL = 3,
    LW_TOKEN_USER = 4,
    LW_TOKEN_UNUSED = 5,
    LW_TOKEN_BYTE = 6,
    LW_TOKEN_TYPE_MASK = 7,
    LW_TOKEN_EOG = 8,       /* ends a generation */
    LW_TOKEN_UNREACHABLE = 16, /* no text merges into it: a later token has its bytes, or it is not
                                * written in the byte alphabet */
};

/* left + right -> result. */
typedef struct {
    guint64 pair; /* left << 32 | right; G_MAXUINT64: free */
    guint32 rank; /* lower merges first */
    gint32 result;
} lw_merge;

struct lw_tokenizer {
    const lw_pretokenizer *pre;
    gint32 n_tokens;
    char *bytes;      /* all tokens' bytes, one after the other */
    gsize *offsets;   /* [n_tokens + 1] into bytes */
    guint8 *kinds;    /* [n_tokens] type and flags */
    gint32 bos;
    gboolean add_bos;

    gint32 *specials; /* control and user-defined ids, sorted by bytes */
    gsize n_specials;
    guint8 special_first[256]; /* a special begins with this byte */

    gint32 byte_symbol[256];
    gint32 byte_token[256]; /* -1: the vocabulary lacks it */
    guint32 *symbol_bytes;  /* [n_symbols] lengths */
    gint32 n_symbols;
    lw_merge *merges; /* hash table of merge_mask + 1 slots */
    gsize merge_mask;
    guint64 hash_key[2]; /* random: no file and no text can choose collisions */
};

/* Keyed hash of any bytes. */
guint64 lw_tokenizer_hash(const lw_tokenizer *t, const void *bytes, gsize n);

/* The merge of two symbols, NULL when there is none. */
static inline const lw_merge *lw_tokenizer_merge(const lw_tokenizer *t, gint32 left, gint32 right)
{
    guint64 pair = (guint64)(guint32)left << 32 | (guint32)right;
    guint64 h = (pair ^ t->hash_key[0]) * (t->hash_key[1] | 1);

    for (gsize i = (h >> 32 ^ h >> 15) & t->merge_mask;; i = (i + 1) & t->merge_mask) {
        if (t->merges[i].pair == pair)
            return &t->merges[i];
        if (t->merges[i].pair == G_MAXUINT64)
            return NULL;
    }
}

/* The longest special token at the beginning of text, or -1; *n gets its length. */
gint32 lw_tokenizer_match_special(const lw_tokenizer *t, const guint8 *text, gsize n_text, gsize *n);

/* bpe.c: append the ids of one piece of the pre-tokenizer.  Errors as lw_tokenizer_encode(). */
gboolean lw_bpe_encode_piece(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                             GError **error);

/* The GPT-2 alphabet: each byte as a printable character.  -1: the text is not in it. */
gssize lw_byte_alphabet_decode(const char *text, gsize n, char *out);

G_END_DECLS
