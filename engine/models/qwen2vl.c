/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * qwen2vl: the text decoder of Qwen2-VL and Qwen2.5-VL (transformers models/qwen2_5_vl).  Tensors
 * as in decoder.h, with biases on q, k, v.
 *
 * Pitfalls: M-RoPE pairs are half-split; the cell count and the next position differ after
 * pictures; sections in the file have a fourth entry, always 0.
 */
#include "engine/models/decoder.h"

extern const lw_arch lw_arch_qwen2vl;

static gboolean read_hparams(const lw_gguf *g, lw_hparams *h, GError **error)
{
    gint32 sections[3];

    return lw_hparams_read(g, "qwen2vl", h, error) && lw_hparams_read_sections(g, "qwen2vl", h, sections, error) &&
           lw_hparams_read_rope(g, "qwen2vl", 1e6f, sections, h, error);
}

static gboolean build(lw_binder *b, const lw_hparams *h, GError **error)
{
    lw_decoder d;

    lw_decoder_begin(&d, b, h, 1);
    for (; d.layer < h->n_layer; d.layer++) {
        lw_val qkv[3];
        lw_decoder_qkv(&d, lw_decoder_norm(&d, d.x, "attn_norm"), LW_BIAS_REQUIRED, qkv);
        lw_decoder_add(&d, lw_decoder_attention(&d, qkv, (lw_rope_params){0}, (lw_attend_params){0},
                                                LW_BIAS_NONE));
        lw_decoder_add(&d,
                       lw_decoder_mlp(&d, lw_decoder_norm(&d, d.x, "ffn_norm"), lw_graph_swiglu));
    }
    return lw_decoder_end(&d, error);
}

const lw_arch lw_arch_qwen2vl = {
    .name = "qwen2vl",
    .sees = TRUE,
    .read_hparams = read_hparams,
    .build = build,
};
