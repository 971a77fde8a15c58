/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stacks are hash-consed: a stack is the number of its top cell {node to return to, stack below},
 * so a configuration is two numbers and equal stacks have equal numbers.  A call in tail position
 * pushes nothing, so lists written as recursion stay flat.
 */
#include "engine/grammar/constraint.h"

#include <string.h>

#include "engine/grammar/grammar-private.h"

#define MAX_STACK 1024        /* return nodes on one stack */
#define MAX_CONFIGS (1 << 12) /* in one state */
#define MAX_CELLS (1 << 20)
#define MAX_STATES (1 << 16)

typedef struct {
    guint32 node, below, depth;
} cell;

typedef struct {
    guint32 *next;    /* [256] state + 1, 0: not known yet; NULL until the first step */
    guint32 first, n; /* its configurations in `configs`, sorted */
    gboolean may_end;
} state;

struct lw_matcher {
    lw_grammar *grammar;
    GArray *cells;        /* cell; 0 is the empty stack */
    GHashTable *cell_of;  /* node << 32 | below -> index */
    GArray *configs;      /* guint64 node << 32 | stack, of all states */
    GArray *states;       /* state; 0 is the dead one */
    GHashTable *state_of; /* hash -> GArray of candidates; see intern_state() */
    gsize bytes;
    gboolean hit_limit;

    /* The set that is being built. */
    GArray *todo;     /* guint64, the closure's list of work */
    GHashTable *seen; /* guint64 */
    GArray *built;    /* guint64 */
    gboolean built_end;
};

static guint hash64(gconstpointer p)
{
    guint64 v = *(const guint64 *)p * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15);
    return (guint)(v >> 32);
}

static gboolean equal64(gconstpointer a, gconstpointer b)
{
    return *(const guint64 *)a == *(const guint64 *)b;
}

static guint64 *box(guint64 v)
{
    guint64 *p = g_new(guint64, 1);
    *p = v;
    return p;
}

static void init_tables(lw_matcher *m)
{
    cell empty = {0, 0, 0};
    state dead = {NULL, 0, 0, FALSE};

    m->cells = g_array_new(FALSE, FALSE, sizeof(cell));
    m->cell_of = g_hash_table_new_full(hash64, equal64, g_free, NULL);
    m->configs = g_array_new(FALSE, FALSE, sizeof(guint64));
    m->states = g_array_new(FALSE, FALSE, sizeof(state));
    m->state_of =
        g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, (GDestroyNotify)g_array_unref);
    g_array_append_val(m->cells, empty);
    g_array_append_val(m->states, dead);
    m->bytes = 0;
}

static void clear_tables(lw_matcher *m)
{
    for (guint i = 0; i < m->states->len; i++)
        g_free(g_array_index(m->states, state, i).next);
    g_array_unref(m->cells);
    g_hash_table_unref(m->cell_of);
    g_array_unref(m->configs);
    g_array_unref(m->states);
    g_hash_table_unref(m->state_of);
}

lw_matcher *lw_matcher_new(lw_grammar *g)
{
    lw_matcher *m = g_new0(lw_matcher, 1);

    m->grammar = lw_grammar_ref(g);
    m->todo = g_array_new(FALSE, FALSE, sizeof(guint64));
    m->built = g_array_new(FALSE, FALSE, sizeof(guint64));
    m->seen = g_hash_table_new_full(hash64, equal64, g_free, NULL);
    init_tables(m);
    return m;
}

void lw_matcher_free(lw_matcher *m)
{
    if (!m)
        return;
    clear_tables(m);
    g_array_unref(m->todo);
    g_array_unref(m->built);
    g_hash_table_unref(m->seen);
    lw_grammar_unref(m->grammar);
    g_free(m);
}

/* The stack with `node` put on `below`; FALSE at a limit. */
static gboolean push(lw_matcher *m, guint32 node, guint32 below, guint32 *stack)
{
    guint64 key = (guint64)node << 32 | below;
    gpointer known = g_hash_table_lookup(m->cell_of, &key);
    guint32 depth = g_array_index(m->cells, cell, below).depth + 1;

    if (known) {
        *stack = GPOINTER_TO_UINT(known);
        return TRUE;
    }
    if (depth > MAX_STACK || m->cells->len >= MAX_CELLS) {
        m->hit_limit = TRUE;
        return FALSE;
    }
    g_array_append_val(m->cells, ((cell){node, below, depth}));
    *stack = m->cells->len - 1;
    g_hash_table_insert(m->cell_of, box(key), GUINT_TO_POINTER(*stack));
    m->bytes += sizeof(cell) + 48;
    return TRUE;
}

static void want(lw_matcher *m, guint32 node, guint32 stack)
{
    guint64 config = (guint64)node << 32 | stack;
    g_array_append_val(m->todo, config);
}

static void begin_set(lw_matcher *m)
{
    g_array_set_size(m->todo, 0);
    g_array_set_size(m->built, 0);
    g_hash_table_remove_all(m->seen);
    m->built_end = FALSE;
}

/* Follow everything in `todo` that takes no byte. */
static void close_set(lw_matcher *m)
{
    const lw_grammar_node *nodes = m->grammar->nodes;

    while (m->todo->len) {
        guint64 config = g_array_index(m->todo, guint64, m->todo->len - 1);
        guint32 at = (guint32)(config >> 32), stack = (guint32)config;
        const lw_grammar_node *n = &nodes[at];

        g_array_set_size(m->todo, m->todo->len - 1);
        if (g_hash_table_contains(m->seen, &config))
            continue;
        if (g_hash_table_size(m->seen) >= 8 * MAX_CONFIGS) {
            m->hit_limit = TRUE;
            return;
        }
        g_hash_table_add(m->seen, box(config));
        switch ((lw_node_kind)n->kind) {
        case LW_NODE_BYTE:
            if (m->built->len >= MAX_CONFIGS) {
                m->hit_limit = TRUE;
                return;
            }
            g_array_append_val(m->built, config);
            break;
        case LW_NODE_SPLIT:
            want(m, n->a, stack);
            want(m, n->b, stack);
            break;
        case LW_NODE_CALL: {
            guint32 inner = stack;
            if (n->b == 0 || push(m, n->b, stack, &inner))
                want(m, n->a, inner);
            break;
        }
        case LW_NODE_RETURN:
            if (stack == 0)
                m->built_end = TRUE;
            else
                want(m, g_array_index(m->cells, cell, stack).node,
                     g_array_index(m->cells, cell, stack).below);
            break;
        }
    }
}

static int compare64(gconstpointer a, gconstpointer b)
{
    guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;
    return x < y ? -1 : x > y;
}

/* The number of the state in `built`. */
static lw_matcher_state intern_state(lw_matcher *m)
{
    guint n = m->built->len;
    guint64 hash = n * 2 + (m->built_end != FALSE);

    if (n == 0 && !m->built_end)
        return 0;
    g_array_sort(m->built, compare64);
    for (guint i = 0; i < n; i++)
        hash =
            (hash ^ g_array_index(m->built, guint64, i)) * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15) >>
                7 ^
            hash << 9;

    gpointer key = GUINT_TO_POINTER((guint)(hash ^ hash >> 32));
    GArray *same = g_hash_table_lookup(m->state_of, key);
    for (guint i = 0; same && i < same->len; i++) {
        guint32 id = g_array_index(same, guint32, i);
        const state *s = &g_array_index(m->states, state, id);
        if (s->n == n && s->may_end == m->built_end &&
            (n == 0 || memcmp(&g_array_index(m->configs, guint64, s->first), m->built->data,
                              n * sizeof(guint64)) == 0))
            return id;
    }
    if (m->states->len >= MAX_STATES) {
        m->hit_limit = TRUE;
        return 0;
    }
    state s = {NULL, m->configs->len, n, m->built_end};
    guint32 id = m->states->len;
    g_array_append_vals(m->configs, m->built->data, n);
    g_array_append_val(m->states, s);
    if (!same) {
        same = g_array_new(FALSE, FALSE, sizeof(guint32));
        g_hash_table_insert(m->state_of, key, same);
    }
    g_array_append_val(same, id);
    m->bytes += n * sizeof(guint64) + sizeof(state) + 64;
    return id;
}

lw_matcher_state lw_matcher_start(lw_matcher *m)
{
    begin_set(m);
    want(m, m->grammar->root, 0);
    close_set(m);
    return intern_state(m);
}

lw_matcher_state lw_matcher_step(lw_matcher *m, lw_matcher_state id, guint8 byte)
{
    state *s = &g_array_index(m->states, state, id);

    if (id == 0)
        return 0;
    if (!s->next) {
        s->next = g_new0(guint32, 256);
        m->bytes += 256 * sizeof(guint32);
    }
    if (s->next[byte])
        return s->next[byte] - 1;

    begin_set(m);
    for (guint i = 0; i < s->n; i++) {
        guint64 config = g_array_index(m->configs, guint64, s->first + i);
        const lw_grammar_node *n = &m->grammar->nodes[config >> 32];
        if (byte >= n->lo && byte <= n->hi)
            want(m, n->a, (guint32)config);
    }
    close_set(m);
    lw_matcher_state to = intern_state(m); /* may move the states */
    g_array_index(m->states, state, id).next[byte] = to + 1;
    return to;
}

gboolean lw_matcher_may_end(const lw_matcher *m, lw_matcher_state s)
{
    return g_array_index(m->states, state, s).may_end;
}

gboolean lw_matcher_hit_limit(const lw_matcher *m)
{
    return m->hit_limit;
}

gsize lw_matcher_bytes(const lw_matcher *m)
{
    return m->bytes;
}

/* A stack of the old tables, cell by cell from the bottom, in the new ones. */
static guint32 move_stack(lw_matcher *m, const GArray *old, guint32 stack)
{
    guint32 path[MAX_STACK], n = 0, moved = 0;

    for (; stack != 0; stack = g_array_index(old, cell, stack).below)
        path[n++] = g_array_index(old, cell, stack).node;
    while (n-- > 0)
        push(m, path[n], moved, &moved);
    return moved;
}

lw_matcher_state lw_matcher_forget(lw_matcher *m, lw_matcher_state id)
{
    lw_matcher old = *m;
    state s = g_array_index(m->states, state, id);

    init_tables(m);
    m->hit_limit = FALSE;
    begin_set(m);
    for (guint i = 0; i < s.n; i++) {
        guint64 config = g_array_index(old.configs, guint64, s.first + i);
        guint64 moved = config >> 32 << 32 | move_stack(m, old.cells, (guint32)config);
        g_array_append_val(m->built, moved);
    }
    m->built_end = s.may_end;
    clear_tables(&old);
    return intern_state(m);
}
