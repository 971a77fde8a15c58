/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * qwen2.5vl_merger: the vision tower of Qwen2.5-VL (transformers models/qwen2_5_vl, llama.cpp's
 * mmproj names).
 *
 *   v.patch_embd.weight, .weight.1       the two time slices of the Conv3d, [width][3][14][14] each
 *   v.blk.N.{ln1,ln2}.weight             RMSNorm
 *   v.blk.N.attn_{q,k,v} or attn_qkv, attn_out, ffn_{gate,up,down}   each .weight and .bias
 *   v.post_ln.weight                     RMSNorm before the merger
 *   mm.0, mm.2                           merge^2 * width -> same -> projection, GELU (erf) between
 *
 * Pitfalls: old files have ffn_up and ffn_down swapped (told by the shape); n_wa_pattern absent
 * means full attention everywhere; the merger's GELU is erf here, some engines use tanh.
 */
#include "engine/models/vision-parts.h"

extern const lw_projector lw_projector_qwen25vl;

static gboolean read_hparams(const lw_gguf *g, lw_vision_hparams *h, GError **error)
{
    guint32 window = 112;

    h->spec = (lw_vision_spec){
        .patch_size = 14,
        .min_pixels = 4 * 28 * 28,
        .max_pixels = 16384 * 28 * 28,
        .tokens_per_second = 2,
    };
    if (!lw_vision_read_common(g, h, error) ||
        !lw_optional_u32(g, "clip.vision.window_size", 1, 4096, &window, error) ||
        !lw_optional_u32(g, "clip.vision.n_wa_pattern", 0, LW_MAX_LAYERS, &h->full_every, error))
        return FALSE;
    h->full_every = MAX(h->full_every, 1);
    h->window = window / (guint32)(h->spec.patch_size * h->spec.merge_size);
    if (h->window == 0) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: a window of %u pixels is smaller than a merged cell of %d",
                    lw_gguf_path(g), window, h->spec.patch_size * h->spec.merge_size);
        return FALSE;
    }
    return TRUE;
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
        const float *ln1 = lw_bind_vector(b, h->width, error, "v.blk.%u.ln1.weight", il);
        const float *ln2 =
            ln1 ? lw_bind_vector(b, h->width, error, "v.blk.%u.ln2.weight", il) : NULL;
        if (!ln2)
            return FALSE;

        gboolean swapped = lw_vision_ffn_swapped(b, h, il);
        const lw_weight *gate_up[2], *down;
        if (!(gate_up[0] =
                  lw_bind(b, TRUE, h->width, h->n_ff, error, "v.blk.%u.ffn_gate.weight", il)) ||
            !(gate_up[1] = lw_bind(b, TRUE, h->width, h->n_ff, error, "v.blk.%u.ffn_%s.weight", il,
                                   swapped ? "down" : "up")) ||
            !(down = lw_bind(b, TRUE, h->n_ff, h->width, error, "v.blk.%u.ffn_%s.weight", il,
                             swapped ? "up" : "down")))
            return FALSE;

        guint list = (il + 1) % h->full_every == 0 ? 1 : 0;
        lw_val f[2];
        if (!lw_vision_attend(b, h, il, x, lw_graph_rmsnorm(g, x, ln1, h->eps), list, error))
            return FALSE;
        lw_graph_linear_n(g, lw_graph_rmsnorm(g, x, ln2, h->eps), gate_up, 2, f);
        lw_graph_add(g, x, lw_graph_linear(g, lw_graph_swiglu(g, f[0], f[1]), down));
    }

    const float *post = lw_bind_vector(b, h->width, error, "v.post_ln.weight");
    if (!post)
        return FALSE;
    lw_val m = lw_graph_merge(g, lw_graph_rmsnorm(g, x, post, h->eps), (int)group);
    g->result = lw_vision_merge_mlp(b, m, group * h->width, h->projection_dim, "mm.0.weight",
                                    "mm.2.weight", error);
    return g->result != LW_NO_VAL;
}

const lw_projector lw_projector_qwen25vl = {
    .name = "qwen2.5vl_merger",
    .read_hparams = read_hparams,
    .build = build,
};
