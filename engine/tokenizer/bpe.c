/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Byte-pair merging of one piece: the pair of lowest rank first, the leftmost of equal ones.  Words
 * take the array form, which is quadratic but short; long pieces a heap, O(n log n) whatever the text.
 */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/lw-error.h"
#include "engine/tokenizer/tokenizer-private.h"

/* Pieces up to this many bytes are merged in an array on the stack. */
#define SHORT_PIECE 48
/* Longest piece, in bytes.  Merging needs up to 20 bytes of memory for each. */
#define MAX_PIECE (64 * 1024 * 1024)

#define NO_RANK G_MAXUINT32

/* A symbol's ids: itself when it is a token, else one for each of its bytes. */
static gboolean emit(const lw_tokenizer *t, gint32 symbol, const guint8 *bytes, gsize n, GArray *ids,
                     GError **error)
{
    if (symbol < t->n_tokens) {
        g_array_append_val(ids, symbol);
        return TRUE;
    }
    for (gsize i = 0; i < n; i++) {
        gint32 id = t->byte_token[bytes[i]];

        if (id < 0) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                        "the vocabulary cannot express the byte 0x%02x", bytes[i]);
            return FALSE;
        }
        g_array_append_val(ids, id);
    }
    return TRUE;
}

static gboolean merge_short(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                            GError **error)
{
    gint32 symbol[SHORT_PIECE], result[SHORT_PIECE];
    guint32 rank[SHORT_PIECE]; /* of symbols i and i + 1 */
    gsize count = n;

    for (gsize i = 0; i < n; i++)
        symbol[i] = t->byte_symbol[piece[i]];
    for (gsize i = 0; i + 1 < n; i++) {
        const lw_merge *m = lw_tokenizer_merge(t, symbol[i], symbol[i + 1]);

        rank[i] = m != NULL ? m->rank : NO_RANK;
        result[i] = m != NULL ? m->result : -1;
    }
    while (count > 1) {
        gsize best = 0;

        for (gsize i = 1; i + 1 < count; i++) {
            if (rank[i] < rank[best])
                best = i;
        }
        if (rank[best] == NO_RANK)
            break;
        symbol[best] = result[best];
        count--;
        /* Symbol best + 1 goes, and with it the pair that it began. */
        memmove(symbol + best + 1, symbol + best + 2, (count - best - 1) * sizeof *symbol);
        if (best + 1 < count) {
            memmove(rank + best, rank + best + 1, (count - best - 1) * sizeof *rank);
            memmove(result + best, result + best + 1, (count - best - 1) * sizeof *result);
        }
        for (gsize i = best > 0 ? best - 1 : 0; i <= best && i + 1 < count; i++) {
            const lw_merge *m = lw_tokenizer_merge(t, symbol[i], symbol[i + 1]);

            rank[i] = m != NULL ? m->rank : NO_RANK;
            result[i] = m != NULL ? m->result : -1;
        }
    }
    for (gsize i = 0, at = 0; i < count; i++) {
        gsize k = t->symbol_bytes[symbol[i]];

        if (!emit(t, symbol[i], piece + at, k, ids, error))
            return FALSE;
        at += k;
    }
    return TRUE;
}

/* ---- Long pieces ---- */

/* One cell a byte: where a symbol begins, the symbol; at the last byte of a longer symbol, minus its
 * length; INSIDE elsewhere.  So both neighbours of a symbol are one step away, without links. */
#define INSIDE G_MININT32

typedef struct {
    const lw_tokenizer *t;
    gint32 *cell;
    gsize n;
    guint64 *heap; /* smallest first: rank << 32 | place of the left symbol */
    gsize n_heap, room;
} long_piece;

static gboolean push(long_piece *p, guint64 item, GError **error)
{
    gsize i = p->n_heap;

    if (i == p->room) {
        gsize room = p->room * 2;
        guint64 *heap = lw_alloc_try(room * sizeof *heap, "merging a long word", error);

        if (heap == NULL)
            return FALSE;
        memcpy(heap, p->heap, i * sizeof *heap);
        lw_free(p->heap);
        p->heap = heap;
        p->room = room;
    }
    p->n_heap++;
    for (; i > 0 && p->heap[(i - 1) / 2] > item; i = (i - 1) / 2)
        p->heap[i] = p->heap[(i - 1) / 2];
    p->heap[i] = item;
    return TRUE;
}

static guint64 pop(long_piece *p)
{
    guint64 top = p->heap[0], last = p->heap[--p->n_heap];
    gsize i = 0;

    for (;;) {
        gsize child = 2 * i + 1;

        if (child >= p->n_heap)
            break;
        if (child + 1 < p->n_heap && p->heap[child + 1] < p->heap[child])
            child++;
        if (p->heap[child] >= last)
            break;
        p->heap[i] = p->heap[child];
        i = child;
    }
    p->heap[i] = last;
    return top;
}

static gsize symbol_end(const long_piece *p, gsize at)
{
    return at + p->t->symbol_bytes[p->cell[at]];
}

/* The merge of the symbol at `at` with the next one. */
static const lw_merge *merge_at(const long_piece *p, gsize at)
{
    gsize next = symbol_end(p, at);

    return next < p->n ? lw_tokenizer_merge(p->t, p->cell[at], p->cell[next]) : NULL;
}

static gboolean push_pair(long_piece *p, gsize at, GError **error)
{
    const lw_merge *m = merge_at(p, at);

    return m == NULL || push(p, (guint64)m->rank << 32 | at, error);
}

static gboolean merge_all(long_piece *p, GError **error)
{
    for (gsize i = 0; i + 1 < p->n; i++) {
        if (!push_pair(p, i, error))
            return FALSE;
    }
    while (p->n_heap > 0) {
        guint64 item = pop(p);
        gsize at = (guint32)item, next, end;
        const lw_merge *m = p->cell[at] >= 0 ? merge_at(p, at) : NULL;

        /* Stale: the symbol is gone or its neighbour has changed. */
        if (m == NULL || m->rank != item >> 32)
            continue;
        next = symbol_end(p, at);
        end = symbol_end(p, next);
        p->cell[at] = m->result;
        p->cell[next] = INSIDE;
        p->cell[end - 1] = -(gint32)(end - at);
        if (!push_pair(p, at, error))
            return FALSE;
        if (at > 0) {
            gint32 before = p->cell[at - 1];

            if (!push_pair(p, before >= 0 ? at - 1 : at - (gsize)(-before), error))
                return FALSE;
        }
    }
    return TRUE;
}

static gboolean merge_long(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                           GError **error)
{
    long_piece p = {.t = t, .n = n, .room = n};
    gboolean ok = FALSE;

    if (n > MAX_PIECE) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "a word of %" G_GSIZE_FORMAT " bytes without a break, the limit is %d", n, MAX_PIECE);
        return FALSE;
    }
    p.cell = lw_alloc_try(n * sizeof *p.cell, "merging a long word", error);
    if (p.cell == NULL)
        return FALSE;
    p.heap = lw_alloc_try(p.room * sizeof *p.heap, "merging a long word", error);
    if (p.heap == NULL)
        goto out;
    for (gsize i = 0; i < n; i++)
        p.cell[i] = t->byte_symbol[piece[i]];
    if (!merge_all(&p, error))
        goto out;
    for (gsize at = 0; at < n;) {
        gsize end = symbol_end(&p, at);

        if (!emit(t, p.cell[at], piece + at, end - at, ids, error))
            goto out;
        at = end;
    }
    ok = TRUE;
out:
    lw_free(p.cell);
    lw_free(p.heap);
    return ok;
}

gboolean lw_bpe_encode_piece(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                             GError **error)
{
    return n <= SHORT_PIECE ? merge_short(t, piece, n, ids, error)
                            : merge_long(t, piece, n, ids, error);
}
