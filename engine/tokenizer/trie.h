/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tokens that a text begins with, found by walking a tree of bytes.
 *
 * The tree is one array ("double array"): a node's child for a byte is at its base ^ byte if that
 * place names the node as its parent.  So a step is one look at one place, and leaving the tree is
 * the only branch.  Shorter tokens are reached from the longest one by links.
 *
 * Tokens are known here by their place in the order of their bytes: those that a script or a
 * language uses lie together, and what is kept for each stays in the cache.
 */
#pragma once

#include "engine/lw-error.h"

G_BEGIN_DECLS

struct lw_tokenizer;

/* Longer tokens are left out. */
#define LW_TRIE_BYTES 128

typedef struct {
    guint32 base;   /* of its children << 1 | whether a token ends here */
    guint32 parent; /* LW_TRIE_FREE: no node */
} lw_trie_node;

#define LW_TRIE_FREE G_MAXUINT32

typedef struct {
    gint32 id;
    gint32 shorter; /* the longest other one that it begins with, -1: none */
    guint32 n;      /* bytes */
} lw_trie_token;

typedef struct {
    lw_trie_node *nodes; /* the first is the root; a multiple of 256 of them */
    gint32 *ends;        /* [n] of nodes where a token ends: its place in tokens */
    gsize n, room;
    gsize free_from;       /* all nodes before are in use */
    lw_trie_token *tokens; /* in the order of their bytes */
    gint32 n_tokens;
} lw_trie;

/* All symbols of at most LW_TRIE_BYTES bytes; of equal ones the last.  Errors: NO_MEMORY. */
gboolean lw_trie_init(lw_trie *trie, const struct lw_tokenizer *t, GError **error);
void lw_trie_clear(lw_trie *trie);

/* The longest token that p < end begins with; -1: none. */
static inline gint32 lw_trie_longest(const lw_trie *trie, const guint8 *p, const guint8 *end)
{
    const lw_trie_node *nodes = trie->nodes;
    guint32 at = 0, hit = 0;

    while (p < end) {
        guint32 child = nodes[at].base >> 1 ^ *p++;

        if (nodes[child].parent != at)
            break;
        at = child;
        hit = (nodes[at].base & 1) != 0 ? at : hit;
    }
    return hit != 0 ? trie->ends[hit] : -1;
}

G_END_DECLS
