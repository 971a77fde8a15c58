/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * First fit over lifetimes: a value lives from the node that makes it to the last node that reads (or
 * changes) it.  MERGE shares its operand's memory.
 */
#include "engine/graph/graph.h"

typedef struct {
    gsize offset, bytes;
    int last; /* index of the last node that uses it */
} placed;

static int last_use(const lw_graph *g, lw_val v)
{
    int last = -1;

    for (guint i = 0; i < g->nodes->len; i++) {
        const lw_node *n = &g_array_index(g->nodes, lw_node, i);
        gboolean used = n->a == v || n->b == v || n->c == v;
        for (int k = 0; k < n->n_out; k++)
            used |= n->out[k] == v;
        if (!used)
            continue;
        last = (int)i;
        if (n->op == LW_OP_MERGE && n->a == v)
            last = MAX(last, last_use(g, n->out[0]));
    }
    return v == g->result ? G_MAXINT : last;
}

/* Lowest offset where n bytes fit beside everything alive. */
static gsize first_fit(GArray *live, gsize bytes)
{
    gsize at = 0;

    for (gboolean moved = TRUE; moved;) {
        moved = FALSE;
        for (guint i = 0; i < live->len; i++) {
            const placed *p = &g_array_index(live, placed, i);
            if (at < p->offset + p->bytes && p->offset < at + bytes) {
                at = p->offset + p->bytes;
                moved = TRUE;
            }
        }
    }
    return at;
}

lw_plan *lw_plan_new(const lw_graph *g, gsize max_rows, gsize max_out, GError **error)
{
    lw_plan *p = g_new0(lw_plan, 1);
    g_autoptr(GArray) live = g_array_new(FALSE, FALSE, sizeof(placed));
    gboolean overflow = FALSE;

    p->max_rows = max_rows;
    p->max_out = max_out;
    p->offset = g_new0(gsize, g->values->len);
    for (guint i = 0; i < g->nodes->len; i++) {
        const lw_node *n = &g_array_index(g->nodes, lw_node, i);

        for (guint k = 0; k < live->len;) {
            if (g_array_index(live, placed, k).last < (int)i)
                g_array_remove_index_fast(live, k);
            else
                k++;
        }
        if (n->op == LW_OP_MERGE) {
            p->offset[n->out[0]] = p->offset[n->a];
            continue;
        }
        for (int k = 0; k < n->n_out; k++) {
            const lw_value *v = &g_array_index(g->values, lw_value, n->out[k]);
            gsize rows = lw_graph_rows(g, n->out[k], max_rows, max_out), bytes;
            if (!g_size_checked_mul(&bytes, rows, (gsize)v->cols * sizeof(float)) ||
                bytes > G_MAXSIZE / 4) {
                overflow = TRUE;
                bytes = 0;
            }
            placed at = {.bytes = MAX((bytes + 63) & ~(gsize)63, 64), .last = last_use(g, n->out[k])};
            at.offset = p->offset[n->out[k]] = first_fit(live, at.bytes);
            g_array_append_val(live, at);
            p->arena_bytes = MAX(p->arena_bytes, at.offset + at.bytes);
        }
        if (n->op == LW_OP_LINEAR) {
            p->linear_rows = MAX(p->linear_rows, lw_graph_rows(g, n->a, max_rows, max_out));
            p->linear_cols = MAX(p->linear_cols, (gsize)n->w[0]->n_in);
        }
    }
    if (overflow) {
        lw_plan_free(p);
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                    "%" G_GSIZE_FORMAT " rows at once need more memory than can be addressed", max_rows);
        return NULL;
    }
    return p;
}

void lw_plan_free(lw_plan *p)
{
    if (!p)
        return;
    g_free(p->offset);
    g_free(p);
}
