/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Merging neighbours: the pair of lowest rank first, the leftmost of equal ones, until nothing
 * merges.  What a pair becomes is the model's business (byte pairs by a list, SentencePiece by
 * scores).
 *
 * Three sizes of piece:
 * - up to SHORT bytes: arrays on the stack, see merge-short.h;
 * - longer: blocks of a fixed size, each merged alone and joined to the one before;
 * - as a last resort: one heap over the whole piece, n log n.
 *
 * Why blocks may be joined.  Write E(s) for the symbols that s ends as.  (1) Where E(s) has a
 * border, the text on either side was merged without regard to the other: E(s) = E(left) E(right).
 * (2) A sequence of symbols is E of its text if every two neighbours a, b are stable, E(ab) = a b:
 * take the first merge that would cross a border; until then each side was merged as if it were
 * alone, and so it would be the first to cross in E(ab) as well.  So given E of the text up to some
 * place, we may take any border p in it, merge a fresh block that begins at p, and if the two
 * symbols that meet at p are stable the whole is E of the text up to the block's end.  Blocks
 * overlap, since the end of each was merged without knowing what follows.
 */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/tokenizer/merge-short.h"

#define SHORT LW_SHORT_PIECE
/* Longest piece, in bytes.  As one block it needs up to 32 bytes of memory for each. */
#define MAX_PIECE (64 * 1024 * 1024)
/* Block sizes: the next one is tried when a border cannot be found. */
static const gsize block_sizes[] = {SHORT, 1024, 16384};
/* Borders that are tried between two blocks. */
#define MAX_BORDERS 4
/* Blocks that overlap by three sixteenths and not by two, after a border that did not hold. */
#define CAREFUL 16

gboolean lw_spell_bytes(const lw_tokenizer *t, lw_part part, const guint8 *bytes, GArray *ids,
                        GError **error)
{
    for (guint32 i = 0; i < part.n; i++) {
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

static gboolean emit(const lw_tokenizer *t, const guint8 *bytes, const lw_part *parts, gsize n,
                     GArray *ids, GError **error)
{
    for (gsize i = 0; i < n; i++) {
        if (parts[i].symbol >= 0 && parts[i].symbol < t->n_tokens)
            g_array_append_val(ids, parts[i].symbol);
        else if (!t->model->spell(t, parts[i], bytes, ids, error))
            return FALSE;
        bytes += parts[i].n;
    }
    return TRUE;
}

/* ---- Longer ones: a heap ---- */

/* Where a symbol begins, the symbol and its length; at the last byte of a longer one, minus its
 * length as n; n is 0 elsewhere.  So both neighbours of a symbol are one step away, without links.
 */
typedef struct {
    gint32 symbol, n;
} cell;

typedef struct {
    const lw_tokenizer *t;
    const guint8 *bytes;
    gsize n;
    cell *cells;
    guint64
        *heap; /* smallest first: rank (moved to be unsigned) << 32 | place of the left symbol */
    gsize n_heap, room;
} heap_merge;

static gboolean push(heap_merge *h, guint64 item, GError **error)
{
    gsize i = h->n_heap;

    if (i == h->room) {
        gsize room = h->room * 2;
        guint64 *heap = lw_alloc_try(room * sizeof *heap, "merging a long word", error);

        if (heap == NULL)
            return FALSE;
        memcpy(heap, h->heap, i * sizeof *heap);
        lw_free(h->heap);
        h->heap = heap;
        h->room = room;
    }
    h->n_heap++;
    for (; i > 0 && h->heap[(i - 1) / 2] > item; i = (i - 1) / 2)
        h->heap[i] = h->heap[(i - 1) / 2];
    h->heap[i] = item;
    return TRUE;
}

static guint64 pop(heap_merge *h)
{
    guint64 top = h->heap[0], last = h->heap[--h->n_heap];
    gsize i = 0;

    for (;;) {
        gsize child = 2 * i + 1;

        if (child >= h->n_heap)
            break;
        if (child + 1 < h->n_heap && h->heap[child + 1] < h->heap[child])
            child++;
        if (h->heap[child] >= last)
            break;
        h->heap[i] = h->heap[child];
        i = child;
    }
    h->heap[i] = last;
    return top;
}

static lw_part part_at(const heap_merge *h, gsize at)
{
    return (lw_part){h->cells[at].symbol, (guint32)h->cells[at].n};
}

/* The merge of the symbol at `at` with the next one. */
static gboolean pair_at(const heap_merge *h, gsize at, lw_pair *pair)
{
    lw_part left = part_at(h, at);
    gsize next = at + left.n;

    return next < h->n && h->t->model->pair(h->t, h->bytes + at, left, part_at(h, next), pair);
}

static guint64 heap_item(lw_pair pair, gsize at)
{
    return (guint64)((guint32)pair.rank ^ 0x80000000u) << 32 | at;
}

static gboolean push_pair(heap_merge *h, gsize at, GError **error)
{
    lw_pair pair;

    return !pair_at(h, at, &pair) || push(h, heap_item(pair, at), error);
}

static void set_cell(heap_merge *h, gsize at, lw_part part)
{
    h->cells[at] = (cell){part.symbol, (gint32)part.n};
    if (part.n > 1)
        h->cells[at + part.n - 1] = (cell){-1, -(gint32)part.n};
}

/* E(bytes), into cells. */
static gboolean run_heap(heap_merge *h, GError **error)
{
    memset(h->cells, 0, h->n * sizeof *h->cells);
    h->n_heap = 0;
    for (gsize at = 0; at < h->n;) {
        lw_part part;

        part.symbol = h->t->model->first(h->t, h->bytes + at, h->bytes + h->n, &part.n);
        set_cell(h, at, part);
        at += part.n;
    }
    for (gsize at = 0; at < h->n; at += (gsize)h->cells[at].n) {
        if (!push_pair(h, at, error))
            return FALSE;
    }
    while (h->n_heap > 0) {
        guint64 item = pop(h);
        gsize at = (guint32)item, next;
        lw_pair pair;

        /* Stale: the symbol is gone or its neighbour has changed. */
        if (h->cells[at].n <= 0 || !pair_at(h, at, &pair) || heap_item(pair, at) != item)
            continue;
        next = at + (gsize)h->cells[at].n;
        lw_part merged = {pair.result, (guint32)(h->cells[at].n + h->cells[next].n)};

        h->cells[next - 1] = (cell){-1, 0};
        h->cells[next] = (cell){-1, 0};
        set_cell(h, at, merged);
        if (!push_pair(h, at, error))
            return FALSE;
        if (at > 0) {
            gint32 n = h->cells[at - 1].n;

            if (!push_pair(h, n > 0 ? at - 1 : at - (gsize)(-n), error))
                return FALSE;
        }
    }
    return TRUE;
}

static gboolean heap_init(heap_merge *h, const lw_tokenizer *t, gsize max_bytes, GError **error)
{
    *h = (heap_merge){.t = t, .room = max_bytes};
    h->cells = lw_alloc_try(max_bytes * sizeof *h->cells, "merging a long word", error);
    h->heap = h->cells != NULL
                  ? lw_alloc_try(h->room * sizeof *h->heap, "merging a long word", error)
                  : NULL;
    return h->heap != NULL;
}

static void heap_clear(heap_merge *h)
{
    lw_free(h->cells);
    lw_free(h->heap);
}

static gboolean emit_cells(const heap_merge *h, GArray *ids, GError **error)
{
    for (gsize at = 0; at < h->n;) {
        lw_part part = part_at(h, at);

        if (!emit(h->t, h->bytes + at, &part, 1, ids, error))
            return FALSE;
        at += part.n;
    }
    return TRUE;
}

static gboolean merge_whole(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                            GError **error)
{
    heap_merge h;
    gboolean ok = heap_init(&h, t, n, error);

    h.bytes = piece;
    h.n = n;
    ok = ok && run_heap(&h, error) && emit_cells(&h, ids, error);
    heap_clear(&h);
    return ok;
}

/* ---- Blocks ---- */

typedef enum {
    BLOCKS_DONE,
    BLOCKS_FAILED,   /* an error is set */
    BLOCKS_UNSTABLE, /* no border was found: try larger ones */
} blocks_result;

typedef struct {
    const lw_tokenizer *t;
    gsize size;
    guint careful;   /* blocks to come that overlap more, since two did not meet at a border */
    heap_merge heap; /* used for more than SHORT bytes */
    lw_part *parts, *fresh; /* [2 * size] */
} blocks;

/* E(bytes) for at most 2 * size bytes. */
static gboolean merge_block(blocks *b, const guint8 *bytes, gsize n, lw_part *parts, gsize *n_parts,
                            GError **error)
{
    if (n <= SHORT) {
        *n_parts = b->t->model->merge_short(b->t, bytes, n, parts);
        return TRUE;
    }
    b->heap.bytes = bytes;
    b->heap.n = n;
    if (!run_heap(&b->heap, error))
        return FALSE;
    *n_parts = 0;
    for (gsize at = 0; at < n; at += parts[(*n_parts)++].n)
        parts[*n_parts] = part_at(&b->heap, at);
    return TRUE;
}

/* Is E of the text of two neighbours the two? */
static gboolean is_stable(blocks *b, const guint8 *bytes, lw_part left, lw_part right,
                          gboolean *stable, GError **error)
{
    lw_part on_stack[SHORT];
    gsize n = (gsize)left.n + right.n, n_parts;

    if (n <= SHORT) {
        n_parts = b->t->model->merge_short(b->t, bytes, n, on_stack);
        *stable = n_parts == 2 && on_stack[0].n == left.n;
        return TRUE;
    }
    b->heap.bytes = bytes;
    b->heap.n = n;
    if (!run_heap(&b->heap, error))
        return FALSE;
    *stable = (gsize)b->heap.cells[0].n == left.n && (gsize)b->heap.cells[left.n].n == right.n;
    return TRUE;
}

static blocks_result merge_blocks(blocks *b, const guint8 *piece, gsize n, GArray *ids,
                                  GError **error)
{
    gsize at = 0, n_parts, size = MIN(b->size, n);

    if (!merge_block(b, piece, size, b->parts, &n_parts, error))
        return BLOCKS_FAILED;
    while (at + size < n) {
        gsize keep = 0, kept_bytes = 0, fresh_size = 0, n_fresh = 0;
        gboolean stable = FALSE;

        gsize overlap = size * (b->careful > 0 ? 3 : 2) / 16;

        /* The last border that leaves the overlap to be merged again, but not the first. */
        b->careful -= b->careful > 0;
        do
            kept_bytes += b->parts[keep++].n;
        while (keep < n_parts && kept_bytes + b->parts[keep].n <= size - overlap);
        for (guint tries = 0; !stable; tries++) {
            if (tries > 0) {
                if (tries == MAX_BORDERS || keep == 1)
                    return BLOCKS_UNSTABLE;
                b->careful = CAREFUL;
                kept_bytes -= b->parts[--keep].n;
            }
            fresh_size = MIN(b->size, n - at - kept_bytes);
            if (!merge_block(b, piece + at + kept_bytes, fresh_size, b->fresh, &n_fresh, error) ||
                !is_stable(b, piece + at + kept_bytes - b->parts[keep - 1].n, b->parts[keep - 1],
                           b->fresh[0], &stable, error))
                return BLOCKS_FAILED;
        }
        if (!emit(b->t, piece + at, b->parts, keep, ids, error))
            return BLOCKS_FAILED;
        at += kept_bytes;
        size = fresh_size;
        n_parts = n_fresh;
        lw_part *other = b->parts;

        b->parts = b->fresh;
        b->fresh = other;
    }
    return emit(b->t, piece + at, b->parts, n_parts, ids, error) ? BLOCKS_DONE : BLOCKS_FAILED;
}

static blocks_result merge_in_blocks_of(const lw_tokenizer *t, gsize size, const guint8 *piece,
                                        gsize n, GArray *ids, GError **error)
{
    blocks b = {.t = t, .size = size};
    blocks_result result = BLOCKS_FAILED;

    if (heap_init(&b.heap, t, 2 * size, error)) {
        b.parts = lw_alloc_try(2 * size * sizeof *b.parts, "merging a long word", error);
        b.fresh = b.parts != NULL
                      ? lw_alloc_try(2 * size * sizeof *b.fresh, "merging a long word", error)
                      : NULL;
        if (b.fresh != NULL)
            result = merge_blocks(&b, piece, n, ids, error);
    }
    heap_clear(&b.heap);
    lw_free(b.parts);
    lw_free(b.fresh);
    return result;
}

static gboolean check_length(gsize n, GError **error)
{
    if (n <= MAX_PIECE)
        return TRUE;
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                "a word of %" G_GSIZE_FORMAT " bytes without a break, the limit is %d", n,
                MAX_PIECE);
    return FALSE;
}

gboolean lw_merge_encode(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                         GError **error)
{
    guint first = ids->len;

    if (n <= SHORT) {
        lw_part parts[SHORT];

        return emit(t, piece, parts, t->model->merge_short(t, piece, n, parts), ids, error);
    }
    if (!check_length(n, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(block_sizes) && block_sizes[i] < n; i++) {
        blocks_result result = merge_in_blocks_of(t, block_sizes[i], piece, n, ids, error);

        if (result != BLOCKS_UNSTABLE)
            return result == BLOCKS_DONE;
        g_array_set_size(ids, first);
    }
    return merge_whole(t, piece, n, ids, error);
}

gboolean lw_merge_encode_whole(const lw_tokenizer *t, const guint8 *piece, gsize n, GArray *ids,
                               GError **error)
{
    return check_length(n, error) && merge_whole(t, piece, n, ids, error);
}
