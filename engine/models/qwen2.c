/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * qwen2: Qwen1.5, Qwen2 and Qwen2.5 (transformers models/qwen2), and R1's distillations of them.
 * Tensors as in decoder.h, with biases on q, k, v.
 *
 * Pitfalls: the output matrix has no bias although q, k, v have; small models are tied, large ones
 * are not.
 */
#include "engine/models/decoder.h"

extern const lw_arch lw_arch_qwen2;

static gboolean read_hparams(const lw_gguf *g, lw_hparams *h, GError **error)
{
    return lw_hparams_read(g, "qwen2", h, error) &&
           lw_hparams_read_rope(g, "qwen2", 10000.0f, NULL, h, error);
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

const lw_arch lw_arch_qwen2 = {
    .name = "qwen2",
    .read_hparams = read_hparams,
    .build = build,
};
