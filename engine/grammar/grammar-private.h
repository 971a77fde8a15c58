/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A compiled grammar is a graph of nodes, the program of a pushdown automaton over bytes.  Node 0
 * is RETURN.  No rule can reach itself without taking a byte first (left recursion is refused), so
 * what a configuration can do next is always a finite set.
 */
#pragma once

#include "engine/grammar/grammar.h"

typedef enum {
    LW_NODE_RETURN, /* the rule ends */
    LW_NODE_BYTE,   /* take one byte in [lo, hi], go to a */
    LW_NODE_SPLIT,  /* go to a or to b */
    LW_NODE_CALL,   /* run the rule whose entry is a, then go to b */
} lw_node_kind;

typedef struct {
    guint8 kind, lo, hi;
    guint32 a, b;
} lw_grammar_node;

struct lw_grammar {
    gatomicrefcount refs;
    lw_grammar_node *nodes;
    guint32 n_nodes;
    guint32 root; /* entry of the rule root */
};
