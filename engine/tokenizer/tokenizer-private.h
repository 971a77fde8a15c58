/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tokenizer's files share.  vocab.c builds a tokenizer; everything else only reads it.
 *
 * Three things are kept apart: a *token* is an id of the file, its *bytes* are what it stands for
 * in a text (byte alphabet undone, U+2581 as a space), and a *symbol* is a byte string that merging
 * or matching may find in a text.  Symbols below n_tokens are the normal tokens; a model may add
 * others.  Control and user-defined tokens are never symbols, so no text can become one except
 * through the search for specials.
 */
#pragma once

#include "engine/lw-error.h"
#include "engine/tokenizer/symbols.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/trie.h"

G_BEGIN_DECLS

/* Longest token, in bytes of the file. */
#define LW_MAX_TOKEN_BYTES (64 * 1024)

/* The file's token types, and what we make of them. */
enum {
    LW_TOKEN_NORMAL = 1,
    LW_TOKEN_UNKNOWN = 2,
    LW_TOKEN_CONTROL = 3,
    LW_TOKEN_USER = 4,
    LW_TOKEN_UNUSED = 5,
    LW_TOKEN_BYTE = 6,
    LW_TOKEN_TYPE_MASK = 7,
    LW_TOKEN_EOG = 8, /* ends a generation */
    LW_TOKEN_UNREACHABLE =
        16,               /* no text can become it: it is not written in the model's alphabet */
    LW_TOKEN_LAYOUT = 32, /* user-defined and nothing but white space: matched in any text */
};

/* Which specials begin with a byte. */
enum {
    LW_FIRST_ANY = 1,
    LW_FIRST_LAYOUT = 2,
};

/* Bytes that may be read behind a text. */
#define LW_TEXT_PADDING 8

/* Above all ranks. */
#define LW_NO_RANK (1 << 24)

/* What two neighbours merge into.  Lower ranks first, the leftmost of equal ones. */
typedef struct {
    gint32 rank; /* 0 to LW_NO_RANK - 1 */
    gint32 result;
} lw_pair;

/* A symbol in a text and its bytes there. */
typedef struct {
    gint32 symbol; /* -1: a character that no token holds */
    guint32 n;
} lw_part;

/* One call of lw_tokenizer_encode(). */
typedef struct lw_encoder lw_encoder;

/* What covering a piece with tokens needs (cover.h); belongs to one call. */
typedef struct lw_cover lw_cover;

/* A kind of vocabulary, as tokenizer.ggml.model names it.  One file each. */
typedef struct {
    const char *name;
    gboolean
        spaced_words; /* a word's first token begins with a space, the text's first one's too */
    /* Read the model's own keys and set defaults (bos, add_bos, ...) before the general keys are
     * read. Cheap: whoever only wants to know about a file waits for it. */
    gboolean (*init)(lw_tokenizer *t, GError **error);
    /* The bytes that a normal token's text stands for, at most n of them; -1: no text can become
     * it. */
    gssize (*token_bytes)(const char *text, gsize n, char *out);
    /* Build what encoding needs, once, before the first text. */
    gboolean (*prepare)(lw_tokenizer *t, GError **error);
    void (*clear)(lw_tokenizer *t);
    /* Append the ids of the text between two specials (n > 0). */
    gboolean (*encode_stretch)(lw_encoder *e, const guint8 *text, gsize n);
    /* Append the ids of one piece of a stretch. */
    gboolean (*encode_piece)(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                             GError **error);

    /* For models that merge (else NULL): the symbol that begins at p < end and its length ... */
    gint32 (*first)(const lw_tokenizer *t, const guint8 *p, const guint8 *end, guint32 *n);
    /* ... what two neighbours at `bytes` become, FALSE: nothing ... */
    gboolean (*pair)(const lw_tokenizer *t, const guint8 *bytes, lw_part left, lw_part right,
                     lw_pair *out);
    /* ... what a piece of at most LW_SHORT_PIECE bytes ends as (see merge-short.h) ... */
    gsize (*merge_short)(const lw_tokenizer *t, const guint8 *piece, gsize n, lw_part *parts);
    /* ... the same for a piece of any length with LW_TEXT_PADDING zeros behind it, appended as ids,
     * FALSE: it has to be merged (see cover.h) ... */
    gboolean (*cover)(const lw_tokenizer *t, lw_cover *c, const guint8 *piece, gsize n,
                      GArray *ids);
    /* ... and the ids of a symbol that is no token. */
    gboolean (*spell)(const lw_tokenizer *t, lw_part part, const guint8 *bytes, GArray *ids,
                      GError **error);
} lw_tokenizer_model;

extern const lw_tokenizer_model lw_tokenizer_gpt2, lw_tokenizer_spm, lw_tokenizer_wordpiece;

struct lw_tokenizer {
    const lw_tokenizer_model *model;
    const lw_gguf *gguf; /* borrowed: merges and scores are read at first use */

    gint32 n_tokens;
    char *bytes;              /* all tokens' bytes, one after the other */
    guint32 *offsets;         /* [n_tokens + 1] into bytes */
    guint8 *kinds;            /* [n_tokens] type and flags */
    gint32 bos, eos, unknown; /* -1: none */
    gboolean add_bos, add_eos;
    gboolean space_prefix; /* a text begins with a space that is not there */
    gboolean strip_right;  /* white space after a special belongs to it */

    gint32 *specials; /* what is looked for before anything else, sorted by bytes */
    gsize n_specials;
    gboolean any_layout;       /* some are LW_TOKEN_LAYOUT */
    guint8 special_first[256]; /* LW_FIRST_* */

    gint32 byte_token[256]; /* single bytes, -1: the vocabulary lacks it */
    guint64 hash_key[2];    /* random: no file and no text can choose collisions */

    void *own; /* the model's */

    lw_trie trie; /* all symbols; made for the first long text */

    GMutex lock; /* of the first preparation */
    gint ready, trie_ready;
};

/* "PATH: what". */
gboolean lw_tokenizer_fail(const lw_tokenizer *t, GError **error, lw_model_error code,
                           const char *format, ...) G_GNUC_PRINTF(4, 5);
/* Turns a failed read of a key that must be there into an error; `local` is the read's own, if any.
 */
gboolean lw_tokenizer_missing(const lw_tokenizer *t, GError **error, GError *local,
                              const char *key);

/* A token that a text may become by merging or matching. */
static inline gboolean lw_token_is_symbol(const lw_tokenizer *t, gint32 id)
{
    return (t->kinds[id] & (LW_TOKEN_TYPE_MASK | LW_TOKEN_UNREACHABLE)) == LW_TOKEN_NORMAL;
}

/* Keyed hash of any bytes. */
guint64 lw_tokenizer_hash(const lw_tokenizer *t, const void *bytes, gsize n);

/* specials.c: sort the specials and note their first bytes. */
gboolean lw_specials_index(lw_tokenizer *t, GError **error);
/* The longest special at the beginning of text, or -1; *n gets its length.  Only the first
 * n_trusted bytes may hold one of any kind; specials that are layout may reach on to n_text. */
gint32 lw_specials_match(const lw_tokenizer *t, const guint8 *text, gsize n_trusted, gsize n_text,
                         gsize *n);

/* encode.c: one piece, remembered if it was met before in this call. */
gboolean lw_encoder_piece(lw_encoder *e, const guint8 *piece, gsize n);
/* The same, one piece late: memory that remembers this one is fetched while the one before is
 * encoded.  Both may set an error.  Whoever calls this has to flush before the bytes go away. */
gboolean lw_encoder_piece_soon(lw_encoder *e, const guint8 *piece, gsize n);
gboolean lw_encoder_flush(lw_encoder *e);
const lw_tokenizer *lw_encoder_tokenizer(const lw_encoder *e);
GArray *lw_encoder_ids(lw_encoder *e);
GError **lw_encoder_error(lw_encoder *e);

/* merge.c: merge one piece and append its ids.  Linear time for all texts but ones made to prevent
 * it, n log n then.  Errors: INVALID (over 64 MiB, a byte that cannot be expressed), NO_MEMORY. */
gboolean lw_merge_encode(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                         GError **error);
/* For tests: the same without blocks, by the heap alone. */
gboolean lw_merge_encode_whole(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                               GError **error);

/* A part as the ids of its bytes. */
gboolean lw_spell_bytes(const lw_tokenizer *t, lw_part part, const guint8 *bytes, GArray *ids,
                        GError **error);

/* The tree of symbols, made now if there is none.  Any thread.  Errors: NO_MEMORY. */
gboolean lw_tokenizer_prepare_trie(const lw_tokenizer *t, GError **error);
/* cover.c: free with lw_cover_free(), NULL is allowed.  The tree is there.  Errors: NO_MEMORY. */
lw_cover *lw_cover_new(const lw_tokenizer *t, GError **error);
void lw_cover_free(lw_cover *c);

/* "<0xHH>" exactly. */
gboolean lw_parse_byte_token(lw_gguf_str s, char *out);

G_END_DECLS
