/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * llama: Llama 1 to 3.x and Mistral (transformers models/llama, models/mistral).  Tensors as in
 * decoder.h; biases on q, k, v and output where the file has them; rope_freqs.weight [head_dim / 2]
 * since Llama 3.1.
 *
 * Pitfalls: conversion reorders the rows of q and k, so that adjacent values make a pair, where
 * every other family splits a head in halves; rope_freqs holds divisors and is used as it stands,
 * never computed again; whole heads turn.  Mistral's first models slide over 4,096 tokens: common
 * files do not say so (and then every token is seen, as other engines do), our converter does.
 */
#include "engine/models/decoder.h"

extern const lw_arch lw_arch_llama;

static gboolean read_hparams(const lw_gguf *g, lw_hparams *h, GError **error)
{
    if (!lw_hparams_read(g, "llama", h, error) ||
        !lw_hparams_read_rope(g, "llama", 10000.0f, NULL, h, error) ||
        !lw_optional_u32(g, "llama.attention.sliding_window", 0, G_MAXUINT32, &h->window, error))
        return FALSE;
    if (h->rope[0].n_rot != (int)h->head_dim) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: llama.rope.dimension_count is %d, only whole heads of %u are rotated",
                    lw_gguf_path(g), h->rope[0].n_rot, h->head_dim);
        return FALSE;
    }
    return TRUE;
}

static gboolean build(lw_binder *b, const lw_hparams *h, GError **error)
{
    lw_rope_params rope = {.adjacent = TRUE};
    lw_attend_params attend = {.window = h->window};
    lw_decoder d;

    lw_decoder_begin(&d, b, h, 1);
    for (; d.layer < h->n_layer; d.layer++) {
        lw_val qkv[3];
        lw_decoder_qkv(&d, lw_decoder_norm(&d, d.x, "attn_norm"), LW_BIAS_OPTIONAL, qkv);
        lw_decoder_add(&d, lw_decoder_attention(&d, qkv, rope, attend, LW_BIAS_OPTIONAL));
        lw_decoder_add(&d,
                       lw_decoder_mlp(&d, lw_decoder_norm(&d, d.x, "ffn_norm"), lw_graph_swiglu));
    }
    return lw_decoder_end(&d, error);
}

const lw_arch lw_arch_llama = {
    .name = "llama",
    .read_hparams = read_hparams,
    .build = build,
};
