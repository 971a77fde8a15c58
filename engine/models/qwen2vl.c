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

static gboolean read_sections(const lw_gguf *g, const lw_hparams *h, gint32 sections[3],
                              GError **error)
{
    g_autofree gint32 *s = NULL;
    gsize n = 0;
    gint64 sum = 0;
    GError *err = NULL;

    if (!lw_gguf_get_i32_array(g, "qwen2vl.rope.dimension_sections", &s, &n, &err)) {
        if (err)
            g_propagate_error(error, err);
        else
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING,
                        "%s: key qwen2vl.rope.dimension_sections is missing", lw_gguf_path(g));
        return FALSE;
    }
    gboolean ok = n >= 3 && n <= 4;
    for (gsize i = 0; ok && i < n; i++) {
        ok = s[i] >= 0 && s[i] <= LW_MAX_HEAD_DIM && !(i == 3 && s[i]);
        sum += s[i];
    }
    if (!ok || sum != h->head_dim / 2) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: qwen2vl.rope.dimension_sections (%" G_GSIZE_FORMAT
                    " entries, sum %" G_GINT64_FORMAT
                    ") must be three whose sum is half the head size, %u",
                    lw_gguf_path(g), n, sum, h->head_dim / 2);
        return FALSE;
    }
    memcpy(sections, s, 3 * sizeof *sections);
    return TRUE;
}

static gboolean read_hparams(const lw_gguf *g, lw_hparams *h, GError **error)
{
    gint32 sections[3];

    return lw_hparams_read(g, "qwen2vl", h, error) && read_sections(g, h, sections, error) &&
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
