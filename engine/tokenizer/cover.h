/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Merging a long piece without merging: it is covered with tokens from the left.
 *
 * Write E(s) for the symbols that s ends as.  A sequence of symbols is E of its text if each is E
 * of its own and every two neighbours a, b are stable, E(ab) = a b (merge.c says why).  So the
 * longest token is put at each place that is stable beside the one before, shorter ones after it,
 * and where none is, the token before is taken back.  There is only one E, so a place that was
 * reached once and led nowhere never has to be tried again, and whatever covers the piece is right.
 *
 * Whether two tokens are stable is seen without merging, by undoing their merges from the border
 * outwards, the later one first: at each moment the two symbols that meet at the border must not be
 * a pair that would have been merged before one of them went on.  This needs merges that came later
 * to have higher ranks, within one token; it holds for trained vocabularies, tokens for which it
 * does not hold are not used.  What cannot be covered (tokens that are left out, texts made to be
 * slow) is merged in blocks.
 */
#pragma once

#include "engine/tokenizer/merge-short.h"
#include "engine/tokenizer/trie.h"

G_BEGIN_DECLS

/* How far back tokens may be taken, in bytes; a power of two. */
#define LW_COVER_WINDOW 4096
/* Work for each byte, in looks at pairs and tokens, before it is given up. */
#define LW_COVER_WORK 24
/* Pairs whose stability is remembered: 1 << so many. */
#define LW_COVER_PAIR_BITS 17
/* After how many looks at them it is asked whether that pays, and bytes that are merged if not. */
#define LW_COVER_LOOKS 8192
#define LW_COVER_PAUSE (256 * 1024)

enum {
    LW_COVER_UNKNOWN, /* not looked at yet */
    LW_COVER_USED,
    LW_COVER_UNUSED, /* E is something else, or the ranks have another order */
};

/* How a token came to be.  Tokens are places in the tree's list here. */
typedef struct {
    gint32 left, right; /* its last merge */
    gint32 rank;        /* -1: a single character */
    guint32 state;      /* LW_COVER_* */
} lw_cover_token;

struct lw_cover {
    const lw_trie *trie;
    lw_cover_token *tokens;             /* [n_tokens] of the tree */
    guint64 dead[LW_COVER_WINDOW / 64]; /* places that lead nowhere, modulo the window */
    gsize work;
    guint n_looks, n_new; /* pairs asked for lately, and those of them that were not remembered */
    gboolean begun;       /* the first pairs are behind, which are all new */
    gsize pause;          /* bytes that are not even tried */
    guint bits;           /* of a token's place plus one */
    guint64 mask;         /* 2 * bits ones */
    guint32 pairs[1 << LW_COVER_PAIR_BITS]; /* whether they are stable, see lw_cover_fits() */
};

static inline lw_part lw_cover_part(const lw_cover *c, gint32 token)
{
    return (lw_part){c->trie->tokens[token].id, c->trie->tokens[token].n};
}

/* Of two tokens that are E of themselves: is E of their text the two?  Or, if they are the halves
 * of a token, does nothing come before their merge? */
G_ALWAYS_INLINE static inline gboolean lw_cover_stable(const lw_tokenizer *t, lw_cover *c,
                                                       const guint8 *border, gint32 left,
                                                       gint32 right, gboolean halves,
                                                       lw_short_pair pair)
{
    gint32 limit = LW_NO_RANK, result;

    for (;; halves = FALSE) {
        const lw_cover_token *a = &c->tokens[left], *b = &c->tokens[right];
        gboolean undo_left = a->rank > b->rank; /* of equal ranks the left one was first */
        lw_part left_part = lw_cover_part(c, left);

        c->work++;
        if (!halves &&
            pair(t, border - left_part.n, left_part, lw_cover_part(c, right), &result) < limit)
            return FALSE;
        if (!undo_left && b->rank < 0)
            return TRUE;
        limit = undo_left ? a->rank : b->rank + 1;
        left = undo_left ? a->right : left;
        right = undo_left ? right : b->left;
    }
}

/* Find out how a token came to be.  first and pair must be constants. */
static inline void lw_cover_learn(const lw_tokenizer *t, lw_cover *c, gint32 place,
                                  lw_short_first first, lw_short_pair pair)
{
    guint8 bytes[LW_TRIE_BYTES + LW_TEXT_PADDING];
    const lw_trie_token *tokens = c->trie->tokens;
    gint32 id = tokens[place].id;
    guint32 n = tokens[place].n, n_first;
    lw_cover_token *token = &c->tokens[place];

    token->state = LW_COVER_UNUSED;
    memcpy(bytes, t->bytes + t->offsets[id], n);
    memset(bytes + n, 0, LW_TEXT_PADDING);
    if (first(t, bytes, bytes + n, &n_first) == id && n_first == n) {
        token->rank = -1;
        token->state = LW_COVER_USED;
        return;
    }
    for (gint32 left = tokens[place].shorter; left >= 0; left = tokens[left].shorter) {
        const guint8 *border = bytes + tokens[left].n;
        gint32 right = lw_trie_longest(c->trie, border, bytes + n), rank, result;

        c->work++;
        if (right < 0 || tokens[left].n + tokens[right].n != n)
            continue;
        rank = pair(t, bytes, lw_cover_part(c, left), lw_cover_part(c, right), &result);
        if (rank == LW_NO_RANK || result != id)
            continue;
        if (c->tokens[left].state == LW_COVER_UNKNOWN)
            lw_cover_learn(t, c, left, first, pair);
        if (c->tokens[right].state == LW_COVER_UNKNOWN)
            lw_cover_learn(t, c, right, first, pair);
        if (c->tokens[left].state != LW_COVER_USED || c->tokens[right].state != LW_COVER_USED ||
            c->tokens[left].rank > rank || c->tokens[right].rank > rank ||
            !lw_cover_stable(t, c, border, left, right, TRUE, pair))
            continue;
        *token = (lw_cover_token){left, right, rank, LW_COVER_USED};
        return;
    }
}

/* Whether a token may stand behind another (-1: none), remembered. */
G_ALWAYS_INLINE static inline gboolean lw_cover_fits(const lw_tokenizer *t, lw_cover *c,
                                                     const guint8 *border, gint32 left,
                                                     gint32 right, lw_short_first first,
                                                     lw_short_pair pair)
{
    /* The two are one number, stirred in a way that can be undone: its lower bits are a place, the
     * others and the answer are what stands there. */
    guint64 mix = ((guint64)(guint32)(left + 1) << c->bits | (guint32)right) *
                  G_GUINT64_CONSTANT(0x9E3779B97F4A7C15);
    guint32 *slot, wanted;

    mix &= c->mask;
    mix ^= mix >> c->bits;
    slot = &c->pairs[mix % (1 << LW_COVER_PAIR_BITS)];
    wanted = ((guint32)(mix >> LW_COVER_PAIR_BITS) + 1) << 1;
    c->n_looks++;
    if ((*slot & ~1u) != wanted) {
        c->n_new++;
        const lw_cover_token *token = &c->tokens[right];

        if (token->state == LW_COVER_UNKNOWN)
            lw_cover_learn(t, c, right, first, pair);
        *slot = wanted | (token->state == LW_COVER_USED &&
                          (left < 0 || lw_cover_stable(t, c, border, left, right, FALSE, pair)));
    }
    return (gboolean)(*slot & 1);
}

/* Text whose pairs hardly ever come again, as random letters, is merged faster than covered. */
static inline gboolean lw_cover_pays(lw_cover *c)
{
    gboolean pays = !c->begun || c->n_new < c->n_looks / 5 * 4;

    if (c->n_looks < LW_COVER_LOOKS)
        return TRUE;
    c->begun = pays;
    c->n_looks = c->n_new = 0;
    if (!pays)
        c->pause = LW_COVER_PAUSE;
    return pays;
}

/* Whether a place is known to lead nowhere. */
G_ALWAYS_INLINE static inline gboolean lw_cover_is_dead(const lw_cover *c, gsize at, gsize top)
{
    return at <= top && (c->dead[at % LW_COVER_WINDOW / 64] >> at % 64 & 1) != 0;
}

/* Append E(piece); FALSE: it was not found this way, ids are as before. */
G_ALWAYS_INLINE static inline gboolean lw_cover_piece(const lw_tokenizer *t, lw_cover *c,
                                                      const guint8 *piece, gsize n, GArray *ids,
                                                      lw_short_first first, lw_short_pair pair)
{
    const lw_trie_token *tokens = c->trie->tokens;
    const gsize max_work = n * LW_COVER_WORK + 4096;
    const guint before = ids->len;
    guint count = before, room = before;
    gsize at = 0, top = 0; /* top: the furthest place so far */
    gint32 last = -1, token = lw_trie_longest(c->trie, piece, piece + n);

    if (c->pause >= n) {
        c->pause -= n;
        return FALSE;
    }
    c->pause = 0;
    c->work = 0;
    for (;;) {
        while (token >= 0 && (lw_cover_is_dead(c, at + tokens[token].n, top) ||
                              !lw_cover_fits(t, c, piece + at, last, token, first, pair)))
            token = tokens[token].shorter;
        if (token >= 0) {
            if (count == room) {
                if (!lw_cover_pays(c) || c->work > max_work)
                    break;
                room += 1024;
                g_array_set_size(ids, room);
            }
            /* A place in the list for now. */
            g_array_index(ids, gint32, count++) = token;
            last = token;
            at += tokens[token].n;
            if (at == n)
                break;
            for (; top < at; top++)
                c->dead[(top + 1) % LW_COVER_WINDOW / 64] &=
                    ~(G_GUINT64_CONSTANT(1) << (top + 1) % 64);
            token = lw_trie_longest(c->trie, piece + at, piece + n);
        } else {
            /* Nowhere to go from here: a shorter one for the last token. */
            if (count == before || top - at >= LW_COVER_WINDOW - LW_TRIE_BYTES ||
                c->work > max_work)
                break;
            c->dead[at % LW_COVER_WINDOW / 64] |= G_GUINT64_CONSTANT(1) << at % 64;
            at -= tokens[last].n;
            token = tokens[last].shorter;
            count--;
            last = count > before ? g_array_index(ids, gint32, count - 1) : -1;
        }
    }
    for (guint i = before; at == n && i < count; i++)
        g_array_index(ids, gint32, i) = tokens[g_array_index(ids, gint32, i)].id;
    g_array_set_size(ids, at == n ? count : before);
    return at == n;
}

G_END_DECLS
