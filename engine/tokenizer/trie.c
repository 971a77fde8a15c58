/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/tokenizer/trie.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/tokenizer/tokenizer-private.h"

static const char what[] = "the vocabulary's index";

/* Places that are tried for a node with several children before it gets new ones. */
#define MAX_TRIES 32
#define BLOCK 256

/* A token in the order of bytes. */
typedef struct {
    guint64 key; /* the eight bytes after the second, zeros behind the end */
    const guint8 *bytes;
    guint32 n;
    gint32 id;
} entry;

static int compare(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    order = memcmp(x->bytes, y->bytes, MIN(x->n, y->n));
    if (order != 0)
        return order;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static gboolean is_in(const lw_tokenizer *t, gint32 id)
{
    guint32 n = t->offsets[id + 1] - t->offsets[id];

    return lw_token_is_symbol(t, id) && n > 0 && n <= LW_TRIE_BYTES;
}

/* By the first two bytes; a token of one stands before those that it begins. */
static guint bucket(const guint8 *bytes, guint32 n)
{
    return n == 1 ? (guint)bytes[0] * 257 : (guint)bytes[0] * 257 + 1 + bytes[1];
}

#define N_BUCKETS (256 * 257)

/* All tokens, sorted; how many.  starts has N_BUCKETS + 1. */
static gsize sort_tokens(const lw_tokenizer *t, entry *entries, guint32 *starts)
{
    memset(starts, 0, (N_BUCKETS + 1) * sizeof *starts);
    for (gint32 id = 0; id < t->n_tokens; id++) {
        if (is_in(t, id))
            starts[bucket((const guint8 *)t->bytes + t->offsets[id],
                          t->offsets[id + 1] - t->offsets[id]) +
                   1]++;
    }
    for (guint i = 0; i < N_BUCKETS; i++)
        starts[i + 1] += starts[i];
    /* Filling moves each start to the next one. */
    for (gint32 id = 0; id < t->n_tokens; id++) {
        const guint8 *bytes = (const guint8 *)t->bytes + t->offsets[id];
        guint32 n = t->offsets[id + 1] - t->offsets[id];
        guint64 key = 0;

        if (!is_in(t, id))
            continue;
        if (n > 2)
            memcpy(&key, bytes + 2, MIN(n - 2, sizeof key));
        entries[starts[bucket(bytes, n)]++] = (entry){GUINT64_FROM_BE(key), bytes, n, id};
    }
    for (guint i = 0; i < N_BUCKETS; i++) {
        guint32 first = i > 0 ? starts[i - 1] : 0;

        if (starts[i] > first + 1)
            qsort(entries + first, starts[i] - first, sizeof *entries, compare);
    }
    return starts[N_BUCKETS - 1];
}

/* Another block of free places. */
static gboolean add_block(lw_trie *trie, GError **error)
{
    if (trie->n + BLOCK > trie->room) {
        gsize room = trie->room > 0 ? 2 * trie->room : 64 * BLOCK;
        lw_trie_node *nodes = lw_alloc_try(room * sizeof *nodes, what, error);
        gint32 *ends = nodes != NULL ? lw_alloc_try(room * sizeof *ends, what, error) : NULL;

        if (ends == NULL) {
            lw_free(nodes);
            return FALSE;
        }
        if (trie->n > 0) {
            memcpy(nodes, trie->nodes, trie->n * sizeof *nodes);
            memcpy(ends, trie->ends, trie->n * sizeof *ends);
        }
        lw_free(trie->nodes);
        lw_free(trie->ends);
        trie->nodes = nodes;
        trie->ends = ends;
        trie->room = room;
    }
    for (guint i = 0; i < BLOCK; i++)
        trie->nodes[trie->n++] = (lw_trie_node){0, LW_TRIE_FREE};
    return TRUE;
}

static gboolean is_free(const lw_trie *trie, gsize at)
{
    return trie->nodes[at].parent == LW_TRIE_FREE;
}

/* A base with free places for all of these bytes.  A base stays within its block. */
static gboolean find_base(lw_trie *trie, const guint8 *bytes, guint n, gsize *base, GError **error)
{
    guint tries = 0;

    while (trie->free_from < trie->n && !is_free(trie, trie->free_from))
        trie->free_from++;
    for (gsize at = trie->free_from; at < trie->n && tries < MAX_TRIES; at++) {
        guint i = 1;

        if (!is_free(trie, at))
            continue;
        *base = at ^ bytes[0];
        while (i < n && is_free(trie, *base ^ bytes[i]))
            i++;
        if (i == n)
            return TRUE;
        tries++;
    }
    *base = trie->n;
    return add_block(trie, error);
}

/* Children of the node at `at`, where the tokens e[0..n) have come together after `depth` bytes;
 * `above` is the longest token on the way there. */
static gboolean add_children(lw_trie *trie, gsize at, const entry *e, gsize n, guint32 depth,
                             gint32 above, GError **error)
{
    guint8 bytes[BLOCK];
    guint n_bytes;
    gsize i = 0, base;

    while (i < n && e[i].n == depth)
        i++;
    if (i > 0) {
        trie->tokens[trie->n_tokens] = (lw_trie_token){e[i - 1].id, above, depth};
        above = trie->n_tokens++;
        trie->ends[at] = above;
        trie->nodes[at].base = 1;
    }
    if (i == n)
        return TRUE;
    bytes[0] = e[i].bytes[depth];
    n_bytes = 1;
    for (gsize k = i + 1; k < n; k++) {
        if (e[k].bytes[depth] != e[k - 1].bytes[depth])
            bytes[n_bytes++] = e[k].bytes[depth];
    }
    if (!find_base(trie, bytes, n_bytes, &base, error))
        return FALSE;
    trie->nodes[at].base |= (guint32)base << 1;
    for (guint k = 0; k < n_bytes; k++)
        trie->nodes[base ^ bytes[k]] = (lw_trie_node){0, (guint32)at};
    for (guint k = 0; k < n_bytes; k++) {
        gsize first = i;

        while (i < n && e[i].bytes[depth] == bytes[k])
            i++;
        if (!add_children(trie, base ^ bytes[k], e + first, i - first, depth + 1, above, error))
            return FALSE;
    }
    return TRUE;
}

gboolean lw_trie_init(lw_trie *trie, const lw_tokenizer *t, GError **error)
{
    entry *entries = lw_alloc_try((gsize)t->n_tokens * sizeof *entries, what, error);
    guint32 *starts =
        entries != NULL ? lw_alloc_try((N_BUCKETS + 1) * sizeof *starts, what, error) : NULL;
    gboolean ok = FALSE;

    *trie = (lw_trie){0};
    if (starts == NULL)
        goto out;
    trie->tokens = lw_alloc_try((gsize)t->n_tokens * sizeof *trie->tokens, what, error);
    if (trie->tokens == NULL || !add_block(trie, error))
        goto out;
    trie->nodes[0] = (lw_trie_node){0, LW_TRIE_FREE - 1};
    ok = add_children(trie, 0, entries, sort_tokens(t, entries, starts), 0, -1, error);
out:
    if (!ok)
        lw_trie_clear(trie);
    lw_free(entries);
    lw_free(starts);
    return ok;
}

void lw_trie_clear(lw_trie *trie)
{
    lw_free(trie->nodes);
    lw_free(trie->ends);
    lw_free(trie->tokens);
    *trie = (lw_trie){0};
}
