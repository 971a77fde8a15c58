/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Merging a short piece: arrays on the stack, quadratic but tiny.  Nearly all of the time of an
 * unknown text is spent here, so each model that merges has this loop compiled with its own way to
 * look neighbours up, inlined, and the lowest pair is found without a branch: a rank and a place
 * are one number.
 */
#pragma once

#include <string.h>

#include "engine/tokenizer/tokenizer-private.h"

G_BEGIN_DECLS

/* Longest piece, in bytes; a multiple of 16, and places have to fit below a rank. */
#define LW_SHORT_PIECE 64
#define LW_SHORT_BITS 6

/* The symbol that begins at p < end and its length. */
typedef gint32 (*lw_short_first)(const lw_tokenizer *t, const guint8 *p, const guint8 *end,
                                 guint32 *n);
/* Rank of what two neighbours at `bytes` become, and the result; LW_NO_RANK: nothing. */
typedef gint32 (*lw_short_pair)(const lw_tokenizer *t, const guint8 *bytes, lw_part left,
                                lw_part right, gint32 *result);

/* The lowest of n keys, n a multiple of 16. */
static inline gint32 lw_short_lowest(const gint32 *key, guint n)
{
    gint32 low[16], lowest;

    memcpy(low, key, sizeof low);
    for (guint k = 16; k < n; k += 16) {
        for (guint i = 0; i < 16; i++)
            low[i] = MIN(low[i], key[k + i]);
    }
    for (guint i = 0; i < 8; i++)
        low[i] = MIN(low[i], low[i + 8]);
    for (guint i = 0; i < 4; i++)
        low[i] = MIN(low[i], low[i + 4]);
    lowest = MIN(low[0], low[1]);
    lowest = MIN(lowest, low[2]);
    return MIN(lowest, low[3]);
}

/* What `piece` ends as, 1 <= n <= LW_SHORT_PIECE; parts has room for n.  Returns how many there
 * are.  `first` and `pair` must be constants. */
G_ALWAYS_INLINE static inline gsize lw_merge_short(const lw_tokenizer *t, const guint8 *piece,
                                                   gsize n, lw_part *parts, lw_short_first first,
                                                   lw_short_pair pair)
{
    const gint32 none = LW_NO_RANK << LW_SHORT_BITS;
    gint32 key[LW_SHORT_PIECE];    /* rank of a symbol with the next << LW_SHORT_BITS | its place */
    gint32 result[LW_SHORT_PIECE]; /* what the two become */
    guint8 bytes[LW_SHORT_PIECE + LW_TEXT_PADDING];
    guint8 at[LW_SHORT_PIECE + 1], next[LW_SHORT_PIECE + 1], before[LW_SHORT_PIECE + 1];
    guint count = 0, padded;
    gsize n_parts = 0;

    memcpy(bytes, piece, n);
    memset(bytes + n, 0, LW_TEXT_PADDING);
    for (gsize p = 0; p < n; p += parts[count].n, count++) {
        parts[count].symbol = first(t, bytes + p, bytes + n, &parts[count].n);
        at[count] = (guint8)p;
        next[count] = (guint8)(count + 1);
        before[count + 1] = (guint8)count;
    }
    before[0] = 0;
    at[count] = (guint8)n;
    padded = (count + 15) & ~15u;
    for (guint i = 0; i + 1 < count; i++)
        key[i] =
            pair(t, bytes + at[i], parts[i], parts[i + 1], &result[i]) << LW_SHORT_BITS | (gint32)i;
    for (guint i = count - 1; i < padded; i++)
        key[i] = none;
    for (;;) {
        gint32 lowest = lw_short_lowest(key, padded);
        guint i, j, h;

        if (lowest >= none)
            break;
        i = (guint)lowest % LW_SHORT_PIECE;
        j = next[i];
        parts[i].symbol = result[i];
        parts[i].n += parts[j].n;
        next[i] = next[j];
        before[next[j]] = (guint8)i;
        key[j] = none;
        key[i] = none;
        /* The two pairs that the new symbol is in. */
        if (next[i] < count)
            key[i] = pair(t, bytes + at[i], parts[i], parts[next[i]], &result[i]) << LW_SHORT_BITS |
                     (gint32)i;
        if (i > 0) {
            h = before[i];
            key[h] =
                pair(t, bytes + at[h], parts[h], parts[i], &result[h]) << LW_SHORT_BITS | (gint32)h;
        }
    }
    for (guint i = 0; i < count; i = next[i])
        parts[n_parts++] = parts[i];
    return n_parts;
}

G_END_DECLS
