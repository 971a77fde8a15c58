/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * qwen2vl: the text decoder of Qwen2-VL and Qwen2.5-VL (transformers models/qwen2_5_vl).
 *
 *   token_embd.weight                      [vocab][embd]
 *   blk.N.attn_norm.weight                 [embd]
 *   blk.N.attn_{q,k,v}.{weight,bias}       [heads * head_dim][embd], k and v with KV heads
 *   blk.N.attn_output.weight               [embd][heads * head_dim]
 *   blk.N.ffn_norm.weight                  [embd]
 *   blk.N.ffn_{gate,up}.weight             [ff][embd],  ffn_down [embd][ff]
 *   output_norm.weight, output.weight      (absent: tied to token_embd)
 *
 * Pitfalls: biases on q, k, v only; M-RoPE pairs are half-split; the cell count and the next position
 * differ after pictures; sections in the file have a fourth entry, always 0.
 */
#include "engine/models/arch.h"

extern const lw_arch lw_arch_qwen2vl;

static gboolean read_hparams(const lw_gguf *g, lw_hparams *h, GError **error)
{
    g_autofree gint32 *sections = NULL;
    gsize n_sections = 0;
    float base;
    GError *err = NULL;

    if (!lw_require_u32(g, "qwen2vl.block_count", 1, LW_MAX_LAYERS, &h->n_layer, error) ||
        !lw_require_u32(g, "qwen2vl.embedding_length", 1, LW_MAX_EMBD, &h->n_embd, error) ||
        !lw_require_u32(g, "qwen2vl.feed_forward_length", 1, LW_MAX_EMBD * 8, &h->n_ff, error) ||
        !lw_require_u32(g, "qwen2vl.context_length", 1, 1u << 30, &h->n_ctx_train, error) ||
        !lw_require_u32(g, "qwen2vl.attention.head_count", 1, LW_MAX_EMBD, &h->n_head, error) ||
        !lw_require_f32(g, "qwen2vl.attention.layer_norm_rms_epsilon", &h->eps, error))
        return FALSE;

    h->n_head_kv = h->n_head;
    if (!lw_optional_u32(g, "qwen2vl.attention.head_count_kv", 1, h->n_head, &h->n_head_kv, error))
        return FALSE;
    if (h->n_head % h->n_head_kv || h->n_head / h->n_head_kv > LW_MAX_GROUP) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: %u heads cannot share %u KV heads (a whole number up to %d per KV head)",
                    lw_gguf_path(g), h->n_head, h->n_head_kv, LW_MAX_GROUP);
        return FALSE;
    }
    h->head_dim = h->n_embd / h->n_head;
    if (!lw_optional_u32(g, "qwen2vl.attention.key_length", 1, LW_MAX_HEAD_DIM, &h->head_dim, error))
        return FALSE;
    if (h->head_dim % 8 || h->head_dim == 0 || h->head_dim > LW_MAX_HEAD_DIM) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: head size %u is not a multiple of 8 up to %d", lw_gguf_path(g), h->head_dim,
                    LW_MAX_HEAD_DIM);
        return FALSE;
    }

    base = 1e6f;
    if (lw_gguf_has(g, "qwen2vl.rope.freq_base") &&
        !lw_require_f32(g, "qwen2vl.rope.freq_base", &base, error))
        return FALSE;
    if (!lw_gguf_get_i32_array(g, "qwen2vl.rope.dimension_sections", &sections, &n_sections, &err)) {
        if (err)
            g_propagate_error(error, err);
        else
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING,
                        "%s: key qwen2vl.rope.dimension_sections is missing", lw_gguf_path(g));
        return FALSE;
    }
    gint64 sum = 0;
    gboolean ok = n_sections >= 3 && n_sections <= 4;
    for (gsize i = 0; ok && i < n_sections; i++) {
        ok = sections[i] >= 0 && sections[i] <= LW_MAX_HEAD_DIM && !(i == 3 && sections[i]);
        sum += sections[i];
    }
    if (!ok || sum != h->head_dim / 2) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: qwen2vl.rope.dimension_sections (%" G_GSIZE_FORMAT " entries, sum %" G_GINT64_FORMAT
                    ") must be three whose sum is half the head size, %u",
                    lw_gguf_path(g), n_sections, sum, h->head_dim / 2);
        return FALSE;
    }
    lw_rope_init(&h->rope, (int)h->head_dim, base, sections);
    return TRUE;
}

static gboolean build(lw_binder *b, const lw_hparams *h, GError **error)
{
    lw_graph *g = b->graph;
    guint32 q_dim = h->n_head * h->head_dim, kv_dim = h->n_head_kv * h->head_dim;
    const lw_weight *embd = lw_bind(b, FALSE, h->n_embd, h->n_vocab, error, "token_embd.weight");

    if (!embd)
        return FALSE;
    g->n_head = (int)h->n_head;
    g->head_dim = (int)h->head_dim;

    lw_val x = lw_graph_embed(g, embd);
    for (guint32 il = 0; il < h->n_layer; il++) {
        const float *attn_norm = lw_bind_vector(b, h->n_embd, error, "blk.%u.attn_norm.weight", il);
        const float *ffn_norm = attn_norm ? lw_bind_vector(b, h->n_embd, error, "blk.%u.ffn_norm.weight", il)
                                          : NULL;
        if (!ffn_norm)
            return FALSE;

        const lw_weight *qkv[3], *gate_up[2], *o, *down;
        if (!(qkv[0] = lw_bind(b, TRUE, h->n_embd, q_dim, error, "blk.%u.attn_q.weight", il)) ||
            !(qkv[1] = lw_bind(b, TRUE, h->n_embd, kv_dim, error, "blk.%u.attn_k.weight", il)) ||
            !(qkv[2] = lw_bind(b, TRUE, h->n_embd, kv_dim, error, "blk.%u.attn_v.weight", il)) ||
            !(o = lw_bind(b, FALSE, q_dim, h->n_embd, error, "blk.%u.attn_output.weight", il)) ||
            !(gate_up[0] = lw_bind(b, FALSE, h->n_embd, h->n_ff, error, "blk.%u.ffn_gate.weight", il)) ||
            !(gate_up[1] = lw_bind(b, FALSE, h->n_embd, h->n_ff, error, "blk.%u.ffn_up.weight", il)) ||
            !(down = lw_bind(b, FALSE, h->n_ff, h->n_embd, error, "blk.%u.ffn_down.weight", il)))
            return FALSE;

        lw_val v[3], f[2];
        lw_graph_linear_n(g, lw_graph_rmsnorm(g, x, attn_norm, h->eps), qkv, 3, v);
        lw_graph_rope(g, v[0], (int)h->n_head);
        lw_graph_rope(g, v[1], (int)h->n_head_kv);
        lw_graph_store_kv(g, il, v[1], v[2]);
        lw_graph_add(g, x, lw_graph_linear(g, lw_graph_attend(g, il, v[0], (int)h->n_head), o));

        lw_graph_linear_n(g, lw_graph_rmsnorm(g, x, ffn_norm, h->eps), gate_up, 2, f);
        lw_graph_add(g, x, lw_graph_linear(g, lw_graph_swiglu(g, f[0], f[1]), down));
    }

    const float *norm = lw_bind_vector(b, h->n_embd, error, "output_norm.weight");
    if (!norm)
        return FALSE;
    const lw_weight *output = embd;
    if (lw_gguf_find_tensor(b->g, "output.weight")) {
        output = lw_bind(b, FALSE, h->n_embd, h->n_vocab, error, "output.weight");
        if (!output)
            return FALSE;
    }
    g->result = lw_graph_linear(g, lw_graph_rmsnorm(g, lw_graph_select(g, x), norm, h->eps), output);
    return TRUE;
}

const lw_arch lw_arch_qwen2vl = {
    .name = "qwen2vl",
    .read_hparams = read_hparams,
    .build = build,
};
