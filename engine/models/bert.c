/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * bert: BERT and what was trained from it for embeddings (transformers models/bert; bge, e5, MiniLM, ...).
 * nomic-bert: the same with rotated positions and a gated feed-forward (transformers models/nomic_bert).
 *
 *   token_embd.weight, token_types.weight    [vocab][embd], [types][embd]: row 0 is added everywhere
 *   position_embd.weight                     [context][embd]                              bert
 *   token_embd_norm.{weight,bias}            LayerNorm
 *   blk.N.attn_{q,k,v} or attn_qkv, attn_output    with biases where the file has them
 *   blk.N.attn_output_norm.{weight,bias}     LayerNorm of x + attention
 *   blk.N.ffn_{up,down}                      with biases where the file has them; GELU (erf)  bert
 *   blk.N.ffn_{gate,up,down}                 silu(gate) * up                              nomic-bert
 *   blk.N.layer_output_norm.{weight,bias}    LayerNorm of x + feed-forward
 *
 * Pitfalls: norms come after the residual sum; attention sees the whole text both ways; the GELU is by erf
 * (some engines take tanh); nomic's rotation base is in the file (1,000).
 */
#include "engine/models/arch.h"

extern const lw_arch lw_arch_bert;
extern const lw_arch lw_arch_nomic_bert;

static gboolean read_common(const lw_gguf *g, const char *arch, lw_hparams *h, GError **error)
{
    const struct {
        const char *name;
        guint32 max, *out;
    } keys[] = {
        {"block_count", LW_MAX_LAYERS, &h->n_layer},
        {"embedding_length", LW_MAX_EMBD, &h->n_embd},
        {"context_length", 1u << 20, &h->n_ctx_train},
        {"feed_forward_length", LW_MAX_EMBD * 8, &h->n_ff},
        {"attention.head_count", LW_MAX_EMBD, &h->n_head},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *key = g_strdup_printf("%s.%s", arch, keys[i].name);
        if (!lw_require_u32(g, key, 1, keys[i].max, keys[i].out, error))
            return FALSE;
    }
    g_autofree char *eps = g_strdup_printf("%s.attention.layer_norm_epsilon", arch);
    if (!lw_require_f32(g, eps, &h->eps, error))
        return FALSE;
    h->n_head_kv = h->n_head;
    h->head_dim = h->n_embd / h->n_head;
    if (h->n_embd % h->n_head || h->head_dim % 8 || h->head_dim > LW_MAX_HEAD_DIM) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: %u columns in %u heads: the head size must be a multiple of 8 up to %d",
                    lw_gguf_path(g), h->n_embd, h->n_head, LW_MAX_HEAD_DIM);
        return FALSE;
    }
    return TRUE;
}

static gboolean read_bert(const lw_gguf *g, lw_hparams *h, GError **error)
{
    return read_common(g, "bert", h, error);
}

static gboolean read_nomic(const lw_gguf *g, lw_hparams *h, GError **error)
{
    return read_common(g, "nomic-bert", h, error) &&
           lw_hparams_read_rope(g, "nomic-bert", 1000.0f, NULL, h, error);
}

static gboolean has(const lw_binder *b, guint32 il, const char *name)
{
    g_autofree char *full = g_strdup_printf("blk.%u.%s", il, name);

    return lw_gguf_find_tensor(b->g, full) != NULL;
}

/* blk.N.NAME.weight, with a bias where the file has one. */
static const lw_weight *bind(lw_binder *b, guint32 il, const char *name, guint32 n_in, guint32 n_out,
                             GError **error)
{
    g_autofree char *bias = g_strdup_printf("%s.bias", name);

    return lw_bind(b, has(b, il, bias), n_in, n_out, error, "blk.%u.%s.weight", il, name);
}

/* LayerNorm by NAME.weight and NAME.bias. */
static lw_val norm(lw_binder *b, const lw_hparams *h, lw_val x, const char *name, GError **error)
{
    const float *w = lw_bind_vector(b, h->n_embd, error, "%s.weight", name);
    const float *bias = w ? lw_bind_vector(b, h->n_embd, error, "%s.bias", name) : NULL;

    return bias ? lw_graph_layernorm(b->graph, x, w, bias, h->eps) : LW_NO_VAL;
}

static lw_val embed(lw_binder *b, const lw_hparams *h, gboolean positions, GError **error)
{
    lw_graph *g = b->graph;
    const lw_weight *table = lw_bind(b, FALSE, h->n_embd, h->n_vocab, error, "token_embd.weight");
    const float *types = table ? lw_bind_table(b, h->n_embd, 0, NULL, error, "token_types.weight") : NULL;
    const float *places = NULL;

    if (!types)
        return LW_NO_VAL;
    if (positions &&
        !(places = lw_bind_table(b, h->n_embd, h->n_ctx_train, NULL, error, "position_embd.weight")))
        return LW_NO_VAL;
    lw_val x = lw_graph_embed(g, table, 1);
    lw_graph_add_vector(g, x, types); /* row 0: there is one sentence */
    if (places)
        lw_graph_add_table(g, x, places);
    return norm(b, h, x, "token_embd_norm", error);
}

static gboolean attend(lw_binder *b, const lw_hparams *h, guint32 il, lw_val x, gboolean rotate, GError **error)
{
    static const char *const names[3] = {"attn_q", "attn_k", "attn_v"};
    lw_graph *g = b->graph;
    const lw_weight *w[3], *fused = NULL, *out;
    lw_val v[3];

    if (has(b, il, "attn_qkv.weight") &&
        !(fused = bind(b, il, "attn_qkv", h->n_embd, 3 * h->n_embd, error)))
        return FALSE;
    for (guint32 i = 0; i < 3; i++) {
        w[i] = fused ? lw_bind_rows(b, fused, i * h->n_embd, h->n_embd)
                     : bind(b, il, names[i], h->n_embd, h->n_embd, error);
        if (!w[i])
            return FALSE;
    }
    if (!(out = bind(b, il, "attn_output", h->n_embd, h->n_embd, error)))
        return FALSE;
    lw_graph_linear_n(g, x, w, 3, v);
    for (int i = 0; rotate && i < 2; i++)
        lw_graph_rope(g, v[i], (int)h->n_head);
    lw_graph_add(g, x, lw_graph_linear(g, lw_graph_attend_segments(g, 0, v[0], v[1], v[2], (int)h->n_head), out));
    return TRUE;
}

static gboolean feed_forward(lw_binder *b, const lw_hparams *h, guint32 il, lw_val x, gboolean gated,
                             GError **error)
{
    lw_graph *g = b->graph;
    const lw_weight *w[2] = {NULL, NULL}, *down;
    lw_val f[2];

    if ((gated && !(w[0] = bind(b, il, "ffn_gate", h->n_embd, h->n_ff, error))) ||
        !(w[1] = bind(b, il, "ffn_up", h->n_embd, h->n_ff, error)) ||
        !(down = bind(b, il, "ffn_down", h->n_ff, h->n_embd, error)))
        return FALSE;
    if (gated) {
        lw_graph_linear_n(g, x, w, 2, f);
        f[0] = lw_graph_swiglu(g, f[0], f[1]);
    } else {
        f[0] = lw_graph_gelu(g, lw_graph_linear(g, x, w[1]));
    }
    lw_graph_add(g, x, lw_graph_linear(g, f[0], down));
    return TRUE;
}

static gboolean build(lw_binder *b, const lw_hparams *h, gboolean nomic, GError **error)
{
    lw_val x = embed(b, h, !nomic, error);

    b->graph->n_head = (int)h->n_head;
    b->graph->head_dim = (int)h->head_dim;
    for (guint32 il = 0; il < h->n_layer && x != LW_NO_VAL; il++) {
        g_autofree char *after_attention = g_strdup_printf("blk.%u.attn_output_norm", il);
        g_autofree char *after_layer = g_strdup_printf("blk.%u.layer_output_norm", il);
        if (!attend(b, h, il, x, nomic, error) ||
            (x = norm(b, h, x, after_attention, error)) == LW_NO_VAL ||
            !feed_forward(b, h, il, x, nomic, error))
            return FALSE;
        x = norm(b, h, x, after_layer, error);
    }
    if (x == LW_NO_VAL)
        return FALSE;
    b->graph->result = lw_graph_select(b->graph, x);
    return TRUE;
}

static gboolean build_bert(lw_binder *b, const lw_hparams *h, GError **error)
{
    return build(b, h, FALSE, error);
}

static gboolean build_nomic(lw_binder *b, const lw_hparams *h, GError **error)
{
    return build(b, h, TRUE, error);
}

const lw_arch lw_arch_bert = {
    .name = "bert",
    .embeds = TRUE,
    .read_hparams = read_bert,
    .build = build_bert,
};

const lw_arch lw_arch_nomic_bert = {
    .name = "nomic-bert",
    .embeds = TRUE,
    .read_hparams = read_nomic,
    .build = build_nomic,
};
