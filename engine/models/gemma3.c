/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * gemma3: Gemma 3's text models (transformers models/gemma3).  Tensors as in decoder.h, with
 * attn_q_norm and attn_k_norm, without biases, tied; and
 *
 *   blk.N.post_attention_norm.weight       [embd], before attention is added
 *   blk.N.post_ffw_norm.weight             [embd], before the feed-forward is added
 *
 * Pitfalls: transformers multiplies with 1 + norm, files hold the sum; embeddings are multiplied by
 * sqrt(embd), rows of pictures are not; five layers slide and turn with base 10,000 unscaled, the
 * sixth sees everything and turns with the file's base and factor; the 27B divides scores by
 * sqrt(embd / heads), which its files do not say.
 */
#include "engine/models/decoder.h"

#include <math.h>

extern const lw_arch lw_arch_gemma3;

#define FULL_EVERY 6        /* every sixth layer sees everything */
#define LOCAL_BASE 10000.0f /* of the others */
#define LAYERS_27B 62

enum { FULL, LOCAL }; /* position tables */

static gboolean read_hparams(const lw_gguf *g, lw_hparams *h, GError **error)
{
    guint32 every = FULL_EVERY;
    float local = LOCAL_BASE;

    if (!lw_hparams_read(g, "gemma3", h, error) ||
        !lw_hparams_read_rope(g, "gemma3", 1e6f, NULL, h, error) ||
        !lw_require_u32(g, "gemma3.attention.sliding_window", 1, G_MAXUINT32, &h->window, error) ||
        !lw_optional_u32(g, "gemma3.attention.sliding_window_pattern", 1, LW_MAX_LAYERS, &every,
                         error) ||
        !lw_optional_f32(g, "gemma3.rope.freq_base_swa", &local, error))
        return FALSE;
    if (every != FULL_EVERY) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: gemma3.attention.sliding_window_pattern is %u, only %d is supported",
                    lw_gguf_path(g), every, FULL_EVERY);
        return FALSE;
    }
    lw_rope_init(&h->rope[LOCAL], h->rope[FULL].n_rot, local, NULL);
    h->n_rope = 2;
    if (h->n_layer == LAYERS_27B)
        h->attn_scale = 1.0f / sqrtf((float)(h->n_embd / h->n_head));
    return lw_optional_f32(g, "gemma3.attention.scale", &h->attn_scale, error);
}

static gboolean build(lw_binder *b, const lw_hparams *h, GError **error)
{
    lw_decoder d;

    lw_decoder_begin(&d, b, h, sqrtf((float)h->n_embd));
    for (; d.layer < h->n_layer; d.layer++) {
        gboolean full = (d.layer + 1) % FULL_EVERY == 0;
        lw_rope_params rope = {.table = full ? FULL : LOCAL};
        lw_attend_params attend = {.window = full ? 0 : h->window};
        lw_val qkv[3], a;

        lw_decoder_qkv(&d, lw_decoder_norm(&d, d.x, "attn_norm"), LW_BIAS_NONE, qkv);
        lw_decoder_qk_norm(&d, qkv);
        a = lw_decoder_attention(&d, qkv, rope, attend, LW_BIAS_NONE);
        lw_decoder_add(&d, lw_decoder_norm(&d, a, "post_attention_norm"));
        a = lw_decoder_mlp(&d, lw_decoder_norm(&d, d.x, "ffn_norm"), lw_graph_geglu);
        lw_decoder_add(&d, lw_decoder_norm(&d, a, "post_ffw_norm"));
    }
    return lw_decoder_end(&d, error);
}

const lw_arch lw_arch_gemma3 = {
    .name = "gemma3",
    .read_hparams = read_hparams,
    .build = build,
};
