/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * qwen2vl_merger: the vision tower of Qwen2-VL (transformers models/qwen2_vl, llama.cpp's mmproj
 * names).
 *
 *   v.patch_embd.weight, .weight.1       the two time slices of the Conv3d, [width][3][14][14] each
 *   v.blk.N.{ln1,ln2}                    LayerNorm, .weight and .bias
 *   v.blk.N.attn_{q,k,v} or attn_qkv, attn_out, ffn_{up,down}   each .weight and .bias
 *   v.post_ln                            LayerNorm before the merger
 *   mm.0, mm.2                           merge^2 * width -> same -> projection, GELU (erf) between
 *
 * Pitfalls: clip.use_gelu and clip.use_silu both absent or false mean quick GELU; files of 2024
 * have ffn_up and ffn_down exchanged and a feed-forward length of 0; a film's temporal ids advance
 * by one a grid, whatever its speed.
 */
#include "engine/models/vision-parts.h"

extern const lw_projector lw_projector_qwen2vl;

static gboolean read_hparams(const lw_gguf *g, lw_vision_hparams *h, GError **error)
{
    h->spec = (lw_vision_spec){
        .patch_size = 14,
        .min_pixels = 4 * 28 * 28,
        .max_pixels = 16384 * 28 * 28,
        .tokens_per_second = 0,
    };
    return lw_vision_read_common(g, h, error) && lw_vision_read_activation(g, h, error);
}

static gboolean build(lw_binder *b, const lw_vision_hparams *h, GError **error)
{
    lw_graph *g = b->graph;
    guint32 group = (guint32)(h->spec.merge_size * h->spec.merge_size);
    const lw_weight *patch = lw_vision_bind_patches(b, h, FALSE, error);

    if (!patch)
        return FALSE;
    g->n_head = (int)h->n_head;
    g->head_dim = (int)(h->width / h->n_head);

    lw_val x = lw_graph_linear(g, lw_graph_input(g, patch->n_in), patch);
    for (guint32 il = 0; il < h->n_layer; il++) {
        if (!lw_vision_layernorm_block(b, h, il, x, error))
            return FALSE;
    }
    lw_val post = lw_vision_layernorm(b, x, h->width, h->eps, error, "v.post_ln");
    if (post == LW_NO_VAL)
        return FALSE;
    g->result = lw_vision_merge_mlp(b, lw_graph_merge(g, post, (int)group), group * h->width,
                                    h->projection_dim, "mm.0.weight", "mm.2.weight", error);
    return g->result != LW_NO_VAL;
}

const lw_projector lw_projector_qwen2vl = {
    .name = "qwen2vl_merger",
    .read_hparams = read_hparams,
    .build = build,
};
