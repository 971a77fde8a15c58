/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/graph/graph.h"

lw_graph *lw_graph_new(void)
{
    lw_graph *g = g_new0(lw_graph, 1);

    g->nodes = g_array_new(FALSE, TRUE, sizeof(lw_node));
    g->values = g_array_new(FALSE, TRUE, sizeof(lw_value));
    g->weights = g_ptr_array_new_with_free_func(g_free);
    g->result = LW_NO_VAL;
    g->merge = 1;
    return g;
}

void lw_graph_free(lw_graph *g)
{
    if (!g)
        return;
    g_array_unref(g->nodes);
    g_array_unref(g->values);
    g_ptr_array_unref(g->weights);
    g_free(g);
}

static const lw_value *value(const lw_graph *g, lw_val v)
{
    return &g_array_index(g->values, lw_value, v);
}

static lw_val new_value(lw_graph *g, lw_row_class rows, int cols)
{
    lw_value v = {rows, cols};

    g_array_append_val(g->values, v);
    return (lw_val)g->values->len - 1;
}

/* Append a node whose operands are a, b, c; the caller fills in the rest. */
static lw_node *new_node(lw_graph *g, lw_op op, lw_val a, lw_val b, lw_val c)
{
    lw_node n = {.op = op, .a = a, .b = b, .c = c, .out = {LW_NO_VAL, LW_NO_VAL, LW_NO_VAL, LW_NO_VAL}};

    g_array_append_val(g->nodes, n);
    return &g_array_index(g->nodes, lw_node, g->nodes->len - 1);
}

static lw_val set_out(lw_graph *g, lw_node *n, lw_row_class rows, int cols)
{
    n->out[0] = new_value(g, rows, cols);
    n->n_out = 1;
    return n->out[0];
}

/* A node with the shape of its first operand. */
static lw_val like(lw_graph *g, lw_op op, lw_val a, lw_val b, lw_val c)
{
    return set_out(g, new_node(g, op, a, b, c), value(g, a)->rows, value(g, a)->cols);
}

lw_val lw_graph_input(lw_graph *g, int cols)
{
    return set_out(g, new_node(g, LW_OP_INPUT, LW_NO_VAL, LW_NO_VAL, LW_NO_VAL), LW_ROWS_ALL, cols);
}

lw_val lw_graph_embed(lw_graph *g, const lw_weight *table, float scale)
{
    lw_node *n = new_node(g, LW_OP_EMBED, LW_NO_VAL, LW_NO_VAL, LW_NO_VAL);

    n->w[0] = table;
    n->scale = scale;
    return set_out(g, n, LW_ROWS_ALL, table->n_in);
}

lw_val lw_graph_rmsnorm(lw_graph *g, lw_val a, const float *norm, float eps)
{
    lw_node *n = new_node(g, LW_OP_RMSNORM, a, LW_NO_VAL, LW_NO_VAL);

    n->norm = norm;
    n->eps = eps;
    return set_out(g, n, value(g, a)->rows, value(g, a)->cols);
}

lw_val lw_graph_layernorm(lw_graph *g, lw_val a, const float *norm, const float *bias, float eps)
{
    lw_node *n = new_node(g, LW_OP_LAYERNORM, a, LW_NO_VAL, LW_NO_VAL);

    n->norm = norm;
    n->bias = bias;
    n->eps = eps;
    return set_out(g, n, value(g, a)->rows, value(g, a)->cols);
}

void lw_graph_linear_n(lw_graph *g, lw_val a, const lw_weight *const *w, int n, lw_val *out)
{
    lw_node *node = new_node(g, LW_OP_LINEAR, a, LW_NO_VAL, LW_NO_VAL);

    for (int i = 0; i < n; i++) {
        node->w[i] = w[i];
        node->out[i] = out[i] = new_value(g, value(g, a)->rows, w[i]->n_out);
    }
    node->n_out = n;
}

lw_val lw_graph_linear(lw_graph *g, lw_val a, const lw_weight *w)
{
    lw_val out;

    lw_graph_linear_n(g, a, &w, 1, &out);
    return out;
}

void lw_graph_head_norm(lw_graph *g, lw_val a, int n_heads, const float *norm, float eps)
{
    lw_node *n = new_node(g, LW_OP_HEAD_NORM, a, LW_NO_VAL, LW_NO_VAL);

    n->n_heads = n_heads;
    n->norm = norm;
    n->eps = eps;
}

void lw_graph_rope(lw_graph *g, lw_val a, int n_heads)
{
    lw_graph_rope_with(g, a, n_heads, (lw_rope_params){0});
}

void lw_graph_rope_with(lw_graph *g, lw_val a, int n_heads, lw_rope_params params)
{
    lw_node *n = new_node(g, LW_OP_ROPE, a, LW_NO_VAL, LW_NO_VAL);

    n->n_heads = n_heads;
    n->rope = params;
}

void lw_graph_store_kv(lw_graph *g, guint layer, lw_val k, lw_val v)
{
    new_node(g, LW_OP_STORE_KV, k, v, LW_NO_VAL)->layer = layer;
}

lw_val lw_graph_attend(lw_graph *g, guint layer, lw_val q, int n_heads)
{
    return lw_graph_attend_with(g, layer, q, n_heads, (lw_attend_params){0});
}

lw_val lw_graph_attend_with(lw_graph *g, guint layer, lw_val q, int n_heads, lw_attend_params params)
{
    lw_node *n = new_node(g, LW_OP_ATTEND, q, LW_NO_VAL, LW_NO_VAL);

    n->layer = layer;
    n->n_heads = n_heads;
    n->attend = params;
    return set_out(g, n, value(g, q)->rows, value(g, q)->cols);
}

lw_val lw_graph_attend_segments(lw_graph *g, guint list, lw_val q, lw_val k, lw_val v, int n_heads)
{
    lw_node *n = new_node(g, LW_OP_ATTEND_SEGMENTS, q, k, v);

    n->layer = list;
    n->n_heads = n_heads;
    return set_out(g, n, value(g, q)->rows, value(g, q)->cols);
}

void lw_graph_add(lw_graph *g, lw_val a, lw_val b)
{
    new_node(g, LW_OP_ADD, a, b, LW_NO_VAL);
}

void lw_graph_add_vector(lw_graph *g, lw_val a, const float *v)
{
    new_node(g, LW_OP_ADD_VECTOR, a, LW_NO_VAL, LW_NO_VAL)->norm = v;
}

void lw_graph_add_table(lw_graph *g, lw_val a, const float *table)
{
    new_node(g, LW_OP_ADD_TABLE, a, LW_NO_VAL, LW_NO_VAL)->norm = table;
}

void lw_graph_add_media(lw_graph *g, lw_val a, guint part)
{
    new_node(g, LW_OP_ADD_MEDIA, a, LW_NO_VAL, LW_NO_VAL)->layer = part;
}

lw_val lw_graph_swiglu(lw_graph *g, lw_val gate, lw_val up)
{
    return like(g, LW_OP_SWIGLU, gate, up, LW_NO_VAL);
}

lw_val lw_graph_geglu(lw_graph *g, lw_val gate, lw_val up)
{
    return like(g, LW_OP_GEGLU, gate, up, LW_NO_VAL);
}

lw_val lw_graph_gelu(lw_graph *g, lw_val a)
{
    return like(g, LW_OP_GELU, a, LW_NO_VAL, LW_NO_VAL);
}

lw_val lw_graph_gelu_tanh(lw_graph *g, lw_val a)
{
    return like(g, LW_OP_GELU_TANH, a, LW_NO_VAL, LW_NO_VAL);
}

lw_val lw_graph_gelu_quick(lw_graph *g, lw_val a)
{
    return like(g, LW_OP_GELU_QUICK, a, LW_NO_VAL, LW_NO_VAL);
}

lw_val lw_graph_concat(lw_graph *g, lw_val a, lw_val b)
{
    return set_out(g, new_node(g, LW_OP_CONCAT, a, b, LW_NO_VAL), value(g, a)->rows,
                   value(g, a)->cols + value(g, b)->cols);
}

lw_val lw_graph_select(lw_graph *g, lw_val a)
{
    return set_out(g, new_node(g, LW_OP_SELECT, a, LW_NO_VAL, LW_NO_VAL), LW_ROWS_OUT,
                   value(g, a)->cols);
}

lw_val lw_graph_merge(lw_graph *g, lw_val a, int merge)
{
    g->merge = merge;
    return set_out(g, new_node(g, LW_OP_MERGE, a, LW_NO_VAL, LW_NO_VAL), LW_ROWS_MERGED,
                   value(g, a)->cols * merge);
}

void lw_graph_drop_output(lw_graph *g)
{
    const lw_node *last = &g_array_index(g->nodes, lw_node, g->nodes->len - 1);

    g_return_if_fail(last->op == LW_OP_LINEAR && last->n_out == 1 && last->out[0] == g->result);
    g->result = last->a;
    g_array_set_size(g->nodes, g->nodes->len - 1);
}

gsize lw_graph_rows(const lw_graph *g, lw_val v, gsize n_rows, gsize n_out)
{
    switch (value(g, v)->rows) {
    case LW_ROWS_OUT:
        return n_out;
    case LW_ROWS_MERGED:
        return n_rows / (gsize)g->merge;
    case LW_ROWS_ALL:
        break;
    }
    return n_rows;
}
