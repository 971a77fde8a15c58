/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The planner: values that are alive together never overlap.
 */
#include "engine/graph/graph.h"

#include "engine/gguf/gguf.h"
#include "engine/lw-error.h"

static lw_weight weight(int n_in, int n_out)
{
    return (lw_weight){.type = LW_TYPE_F32, .n_in = n_in, .n_out = n_out};
}

/* First and last node that touches a value; a merged value keeps its source alive. */
static void lifetime(const lw_graph *g, lw_val v, int *first, int *last)
{
    *first = *last = -1;
    for (guint i = 0; i < g->nodes->len; i++) {
        const lw_node *n = &g_array_index(g->nodes, lw_node, i);
        gboolean used = n->a == v || n->b == v || n->c == v;
        for (int k = 0; k < n->n_out; k++)
            used |= n->out[k] == v;
        if (used && *first < 0)
            *first = (int)i;
        if (used)
            *last = (int)i;
    }
    if (v == g->result)
        *last = (int)g->nodes->len;
}

static gboolean is_merge_of(const lw_graph *g, lw_val a, lw_val b)
{
    for (guint i = 0; i < g->nodes->len; i++) {
        const lw_node *n = &g_array_index(g->nodes, lw_node, i);
        if (n->op == LW_OP_MERGE && ((n->a == a && n->out[0] == b) || (n->a == b && n->out[0] == a)))
            return TRUE;
    }
    return FALSE;
}

static void check_no_overlap(const lw_graph *g, const lw_plan *p)
{
    for (lw_val a = 0; a < (lw_val)g->values->len; a++) {
        for (lw_val b = a + 1; b < (lw_val)g->values->len; b++) {
            int fa, la, fb, lb;
            lifetime(g, a, &fa, &la);
            lifetime(g, b, &fb, &lb);
            if (la < fb || lb < fa || is_merge_of(g, a, b))
                continue;
            gsize na = lw_graph_rows(g, a, p->max_rows, p->max_out) *
                       (gsize)g_array_index(g->values, lw_value, a).cols * sizeof(float);
            gsize nb = lw_graph_rows(g, b, p->max_rows, p->max_out) *
                       (gsize)g_array_index(g->values, lw_value, b).cols * sizeof(float);
            gboolean apart = p->offset[a] + na <= p->offset[b] || p->offset[b] + nb <= p->offset[a];
            g_assert_true(apart || na == 0 || nb == 0);
            g_assert_cmpuint(p->offset[a] + na, <=, p->arena_bytes);
            g_assert_cmpuint(p->offset[a] % 64, ==, 0);
        }
    }
}

static void test_no_overlap(void)
{
    lw_weight e = weight(96, 300), q = weight(96, 96), kv = weight(96, 32), up = weight(96, 200),
              down = weight(200, 96), big = weight(384, 17);
    const lw_weight *qkv[3] = {&q, &kv, &kv}, *gu[2] = {&up, &up};
    float norm[400] = {0};
    g_autoptr(GError) error = NULL;
    lw_graph *g = lw_graph_new();
    lw_val x = lw_graph_embed(g, &e, 1), v[3], f[2];

    for (guint il = 0; il < 3; il++) {
        lw_graph_linear_n(g, lw_graph_rmsnorm(g, x, norm, 1e-6f), qkv, 3, v);
        lw_graph_rope(g, v[0], 4);
        lw_graph_store_kv(g, il, v[1], v[2]);
        lw_graph_add(g, x, lw_graph_linear(g, lw_graph_attend(g, il, v[0], 4), &q));
        lw_graph_linear_n(g, lw_graph_rmsnorm(g, x, norm, 1e-6f), gu, 2, f);
        lw_graph_add(g, x, lw_graph_linear(g, lw_graph_swiglu(g, f[0], f[1]), &down));
    }
    lw_val m = lw_graph_merge(g, lw_graph_rmsnorm(g, x, norm, 1e-6f), 4);
    lw_val merged = lw_graph_gelu(g, lw_graph_linear(g, m, &big));
    lw_graph_add_vector(g, merged, norm);
    /* The merged view is read once more, long after what it views was last used itself. */
    g->result = lw_graph_concat(g, lw_graph_gelu_tanh(g, merged), lw_graph_layernorm(g, m, norm, norm, 1e-6f));

    lw_plan *p = lw_plan_new(g, 32, 4, &error);
    g_assert_no_error(error);
    check_no_overlap(g, p);
    /* Space is reused: three layers need no more than one. */
    gsize all = 0;
    for (lw_val i = 0; i < (lw_val)g->values->len; i++)
        all += lw_graph_rows(g, i, 32, 4) * (gsize)g_array_index(g->values, lw_value, i).cols * 4;
    g_assert_cmpuint(p->arena_bytes * 2, <, all);
    g_assert_cmpuint(p->linear_rows, ==, 32);
    g_assert_cmpuint(p->linear_cols, ==, 384);
    lw_plan_free(p);

    g_assert_null(lw_plan_new(g, G_MAXSIZE / 8, 1, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);
    lw_graph_free(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/no-overlap", test_no_overlap);
    return g_test_run();
}
