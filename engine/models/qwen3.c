/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * qwen3: Qwen3's dense models (transformers models/qwen3).  Tensors as in decoder.h, with
 * attn_q_norm and attn_k_norm, without biases.
 *
 * Pitfalls: queries and keys are normalised head by head before they are rotated; heads are 128
 * wide whatever the embedding is (0.6B: 16 heads of 128 over 1,024), so the file's key_length
 * counts, and attn_output is not square.
 */
#include "engine/models/decoder.h"

extern const lw_arch lw_arch_qwen3;

static gboolean read_hparams(const lw_gguf *g, lw_hparams *h, GError **error)
{
    return lw_hparams_read(g, "qwen3", h, error) &&
           lw_hparams_read_rope(g, "qwen3", 1e6f, NULL, h, error);
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
        lw_decoder_add(&d,
                       lw_decoder_mlp(&d, lw_decoder_norm(&d, d.x, "ffn_norm"), lw_graph_swiglu));
    }
    return lw_decoder_end(&d, error);
}

const lw_arch lw_arch_qwen3 = {
    .name = "qwen3",
    .read_hparams = read_hparams,
    .build = build,
};
