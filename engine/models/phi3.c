/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * phi3: Phi-3, Phi-3.5 and Phi-4 (transformers models/phi3).  Tensors as in decoder.h: attn_qkv and
 * ffn_up are fused, no biases; rope_factors_{short,long}.weight [n_rot / 2] in models for long
 * contexts.
 *
 * Pitfalls: which set of factors counts is decided by the session's context, not by the text's
 * length, as a cache holds rotated keys; the magnitude is the same for both sets, also below the
 * original context; Phi-4-mini turns three quarters of a head; every layer slides, and files from
 * before the key existed mean 2,047 tokens when the model was trained for 4,096.
 */
#include "engine/models/decoder.h"

extern const lw_arch lw_arch_phi3;

static gboolean read_hparams(const lw_gguf *g, lw_hparams *h, GError **error)
{
    if (!lw_hparams_read(g, "phi3", h, error) ||
        !lw_hparams_read_rope(g, "phi3", 10000.0f, NULL, h, error))
        return FALSE;
    if (h->n_ctx_train == 4096 && (h->n_layer == 32 || h->n_layer == 40))
        h->window = 2047;
    return lw_optional_u32(g, "phi3.attention.sliding_window", 0, G_MAXUINT32, &h->window, error);
}

static gboolean build(lw_binder *b, const lw_hparams *h, GError **error)
{
    lw_attend_params attend = {.window = h->window};
    lw_decoder d;

    lw_decoder_begin(&d, b, h, 1);
    for (; d.layer < h->n_layer; d.layer++) {
        lw_val qkv[3];
        lw_decoder_qkv(&d, lw_decoder_norm(&d, d.x, "attn_norm"), LW_BIAS_NONE, qkv);
        lw_decoder_add(&d,
                       lw_decoder_attention(&d, qkv, (lw_rope_params){0}, attend, LW_BIAS_NONE));
        lw_decoder_add(&d,
                       lw_decoder_mlp(&d, lw_decoder_norm(&d, d.x, "ffn_norm"), lw_graph_swiglu));
    }
    return lw_decoder_end(&d, error);
}

const lw_arch lw_arch_phi3 = {
    .name = "phi3",
    .read_hparams = read_hparams,
    .build = build,
};
