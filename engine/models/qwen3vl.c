/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * qwen3vl: the text decoder of Qwen3-VL (transformers models/qwen3_vl).  Tensors as in decoder.h, with
 * queries and keys normalised head by head and no biases.
 *
 * Pitfalls: M-RoPE deals the pairs out in turn (mrope.h); a medium's row has n_deepstack further parts,
 * of which part i is added behind layer i; the head size does not follow from width and heads.
 */
#include "engine/models/decoder.h"

extern const lw_arch lw_arch_qwen3vl;

static gboolean read_hparams(const lw_gguf *g, lw_hparams *h, GError **error)
{
    gint32 sections[3];

    if (!lw_hparams_read(g, "qwen3vl", h, error) ||
        !lw_hparams_read_sections(g, "qwen3vl", h, sections, error) ||
        !lw_hparams_read_rope(g, "qwen3vl", 5e6f, sections, h, error))
        return FALSE;
    lw_rope_interleave(&h->rope[0], sections);
    return lw_optional_u32(g, "qwen3vl.n_deepstack_layers", 0, MIN(h->n_layer, LW_MAX_DEEPSTACK),
                           &h->n_deepstack, error);
}

static gboolean build(lw_binder *b, const lw_hparams *h, GError **error)
{
    lw_decoder d;

    lw_decoder_begin(&d, b, h, 1);
    for (; d.layer < h->n_layer; d.layer++) {
        lw_val qkv[3];
        lw_decoder_qkv(&d, lw_decoder_norm(&d, d.x, "attn_norm"), LW_BIAS_NONE, qkv);
        lw_decoder_qk_norm(&d, qkv);
        lw_decoder_add(&d, lw_decoder_attention(&d, qkv, (lw_rope_params){0}, (lw_attend_params){0},
                                                LW_BIAS_NONE));
        lw_decoder_add(&d, lw_decoder_mlp(&d, lw_decoder_norm(&d, d.x, "ffn_norm"), lw_graph_swiglu));
        if (d.layer < h->n_deepstack && !d.error)
            lw_graph_add_media(d.g, d.x, 1 + d.layer);
    }
    return lw_decoder_end(&d, error);
}

const lw_arch lw_arch_qwen3vl = {
    .name = "qwen3vl",
    .sees = TRUE,
    .read_hparams = read_hparams,
    .build = build,
};
