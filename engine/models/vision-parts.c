/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/models/vision-parts.h"

#include <math.h>

#define KEY "clip.vision."

static gboolean read_float3(const lw_gguf *g, const char *key, float out[3], GError **error)
{
    g_autofree float *v = NULL;
    gsize n = 0;
    GError *err = NULL;

    if (!lw_gguf_get_f32_array(g, key, &v, &n, &err)) {
        if (err)
            g_propagate_error(error, err);
        else
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING, "%s: key %s is missing",
                        lw_gguf_path(g), key);
        return FALSE;
    }
    for (gsize i = 0; i < n && i < 3; i++)
        out[i] = v[i];
    if (n != 3 || !isfinite(out[0] + out[1] + out[2])) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: %s has %" G_GSIZE_FORMAT " numbers, must be 3 finite ones",
                    lw_gguf_path(g), key, n);
        return FALSE;
    }
    return TRUE;
}

/* The converters of 2024 wrote a feed-forward length of 0; the first block's shape has it. */
static guint32 ff_of_tensors(const lw_gguf *g, guint32 width)
{
    const lw_gguf_tensor *up = lw_gguf_find_tensor(g, "v.blk.0.ffn_up.weight");
    guint64 n = !up ? 0 : up->dims[0] == width ? up->dims[1] : up->dims[0];

    return n <= LW_MAX_EMBD * 8 ? (guint32)n : 0;
}

gboolean lw_vision_read_common(const lw_gguf *g, lw_vision_hparams *h, GError **error)
{
    guint32 patch = (guint32)h->spec.patch_size, merge = 2;
    guint32 min_pixels = (guint32)h->spec.min_pixels, max_pixels = (guint32)h->spec.max_pixels;

    if (!lw_require_u32(g, KEY "block_count", 1, LW_MAX_LAYERS, &h->n_layer, error) ||
        !lw_require_u32(g, KEY "embedding_length", 1, LW_MAX_EMBD, &h->width, error) ||
        !lw_require_u32(g, KEY "feed_forward_length", 0, LW_MAX_EMBD * 8, &h->n_ff, error) ||
        !lw_require_u32(g, KEY "attention.head_count", 1, LW_MAX_EMBD, &h->n_head, error) ||
        !lw_require_u32(g, KEY "projection_dim", 1, LW_MAX_EMBD, &h->projection_dim, error) ||
        !lw_require_f32(g, KEY "attention.layer_norm_epsilon", &h->eps, error) ||
        !lw_optional_u32(g, KEY "patch_size", 4, 64, &patch, error) ||
        !lw_optional_u32(g, KEY "spatial_merge_size", 1, 8, &merge, error) ||
        !lw_optional_u32(g, KEY "image_min_pixels", 1, G_MAXINT32, &min_pixels, error) ||
        !lw_optional_u32(g, KEY "image_max_pixels", 1, G_MAXINT32, &max_pixels, error))
        return FALSE;
    if (h->n_ff == 0 && (h->n_ff = ff_of_tensors(g, h->width)) == 0) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: " KEY "feed_forward_length is 0, and no v.blk.0.ffn_up.weight says more",
                    lw_gguf_path(g));
        return FALSE;
    }
    if (h->width % h->n_head || h->width / h->n_head % 8 ||
        h->width / h->n_head > LW_MAX_HEAD_DIM || min_pixels > max_pixels) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: vision tower of width %u with %u heads, %u to %u pixels makes no sense",
                    lw_gguf_path(g), h->width, h->n_head, min_pixels, max_pixels);
        return FALSE;
    }
    h->full_every = 1;
    h->window = LW_WINDOW_ALL;
    h->spec.patch_size = (int)patch;
    h->spec.merge_size = (int)merge;
    h->spec.temporal_patch_size = 2;
    h->spec.min_pixels = min_pixels;
    h->spec.max_pixels = max_pixels;
    return read_float3(g, KEY "image_mean", h->spec.mean, error) &&
           read_float3(g, KEY "image_std", h->spec.std, error);
}

/* The file has the time slices apart, so their rows are interleaved once at load; this is the
 * tower's smallest matrix. */
const lw_weight *lw_vision_bind_patches(lw_binder *b, const lw_vision_hparams *h,
                                        gboolean with_bias, GError **error)
{
    gsize area = (gsize)h->spec.patch_size * (gsize)h->spec.patch_size;
    const lw_gguf_tensor *slice[2];
    static const char *const names[2] = {"v.patch_embd.weight", "v.patch_embd.weight.1"};

    for (int t = 0; t < 2; t++) {
        slice[t] = lw_gguf_find_tensor(b->g, names[t]);
        if (!slice[t]) {
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING, "%s: tensor %s is missing",
                        lw_gguf_path(b->g), names[t]);
            return NULL;
        }
        if (slice[t]->dims[0] * slice[t]->dims[1] != area || slice[t]->dims[2] != 3 ||
            slice[t]->dims[3] != h->width) {
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                        "%s: tensor %s is not %d x %d x 3 x %u", lw_gguf_path(b->g), names[t],
                        h->spec.patch_size, h->spec.patch_size, h->width);
            return NULL;
        }
        if (slice[t]->type != LW_TYPE_F32 && slice[t]->type != LW_TYPE_F16 &&
            slice[t]->type != LW_TYPE_BF16) {
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                        "%s: unsupported type %s in tensor %s", lw_gguf_path(b->g),
                        lw_type_get_info(slice[t]->type)->name, names[t]);
            return NULL;
        }
    }

    const float *bias = with_bias ? lw_bind_vector(b, h->width, error, "v.patch_embd.bias") : NULL;
    if (with_bias && !bias)
        return NULL;
    gsize n_in = 3 * 2 * area;
    float *m = g_try_malloc_n(h->width, n_in * sizeof(float));
    if (!m) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                    "no memory for the patch embedding (%u x %" G_GSIZE_FORMAT ")", h->width, n_in);
        return NULL;
    }
    g_ptr_array_add(b->graph->weights, m);
    const lw_kernels *k = lw_kernels_get();
    for (gsize row = 0; row < h->width; row++) {
        for (gsize c = 0; c < 3; c++) {
            for (gsize t = 0; t < 2; t++) {
                float *dst = m + row * n_in + (c * 2 + t) * area;
                gsize at = (row * 3 + c) * area;
                if (slice[t]->type == LW_TYPE_F32)
                    memcpy(dst, (const float *)slice[t]->data + at, area * sizeof(float));
                else if (slice[t]->type == LW_TYPE_F16)
                    k->f16_to_f32((const lw_f16 *)slice[t]->data + at, dst, area);
                else
                    k->bf16_to_f32((const lw_bf16 *)slice[t]->data + at, dst, area);
            }
        }
    }

    lw_weight *w = g_new0(lw_weight, 1);
    g_ptr_array_add(b->graph->weights, w);
    w->type = LW_TYPE_F32;
    w->n_in = (int)n_in;
    w->n_out = (int)h->width;
    w->data = m;
    w->bias = bias;
    w->row_bytes = n_in * sizeof(float);
    return w;
}

gboolean lw_vision_bind_qkv(lw_binder *b, const lw_vision_hparams *h, guint32 il,
                            const lw_weight *qkv[3], GError **error)
{
    static const char *const names[3] = {"q", "k", "v"};
    g_autofree char *fused = g_strdup_printf("v.blk.%u.attn_qkv.weight", il);

    if (lw_gguf_find_tensor(b->g, fused)) {
        const lw_weight *w = lw_bind(b, TRUE, h->width, 3 * h->width, error, "%s", fused);
        if (!w)
            return FALSE;
        for (guint32 i = 0; i < 3; i++)
            qkv[i] = lw_bind_rows(b, w, i * h->width, h->width);
        return TRUE;
    }
    for (int i = 0; i < 3; i++) {
        qkv[i] =
            lw_bind(b, TRUE, h->width, h->width, error, "v.blk.%u.attn_%s.weight", il, names[i]);
        if (!qkv[i])
            return FALSE;
    }
    return TRUE;
}

gboolean lw_vision_ffn_swapped(lw_binder *b, const lw_vision_hparams *h, guint32 il)
{
    g_autofree char *name = g_strdup_printf("v.blk.%u.ffn_up.weight", il);
    const lw_gguf_tensor *up = lw_gguf_find_tensor(b->g, name);

    return h->n_ff != h->width && up && up->dims[0] == h->n_ff;
}

gboolean lw_vision_read_activation(const lw_gguf *g, lw_vision_hparams *h, GError **error)
{
    gboolean gelu = FALSE, silu = FALSE;
    GError *err = NULL;

    if ((!lw_gguf_get_bool(g, "clip.use_gelu", &gelu, &err) && err) ||
        (!lw_gguf_get_bool(g, "clip.use_silu", &silu, &err) && err)) {
        g_propagate_error(error, err);
        return FALSE;
    }
    if (silu) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: clip.use_silu is set, the feed-forward of this kind of tower has a GELU",
                    lw_gguf_path(g));
        return FALSE;
    }
    h->activation = gelu ? LW_VISION_GELU_TANH : LW_VISION_GELU_QUICK;
    return TRUE;
}

lw_val lw_vision_layernorm(lw_binder *b, lw_val x, guint32 cols, float eps, GError **error,
                           const char *name_format, ...)
{
    va_list ap;

    va_start(ap, name_format);
    g_autofree char *name = g_strdup_vprintf(name_format, ap);
    va_end(ap);
    const float *w = lw_bind_vector(b, cols, error, "%s.weight", name);
    const float *bias = w ? lw_bind_vector(b, cols, error, "%s.bias", name) : NULL;
    return bias ? lw_graph_layernorm(b->graph, x, w, bias, eps) : LW_NO_VAL;
}

lw_val lw_vision_merge_mlp(lw_binder *b, lw_val x, guint32 in, guint32 out, const char *fc1,
                           const char *fc2, GError **error)
{
    const lw_weight *w1 = lw_bind(b, TRUE, in, in, error, "%s", fc1);
    const lw_weight *w2 = w1 ? lw_bind(b, TRUE, in, out, error, "%s", fc2) : NULL;

    if (!w2)
        return LW_NO_VAL;
    return lw_graph_linear(b->graph, lw_graph_gelu(b->graph, lw_graph_linear(b->graph, x, w1)), w2);
}

gboolean lw_vision_attend(lw_binder *b, const lw_vision_hparams *h, guint32 il, lw_val x,
                          lw_val normed, guint list, GError **error)
{
    lw_graph *g = b->graph;
    const lw_weight *qkv[3], *out;
    lw_val v[3];

    if (!lw_vision_bind_qkv(b, h, il, qkv, error) ||
        !(out = lw_bind(b, TRUE, h->width, h->width, error, "v.blk.%u.attn_out.weight", il)))
        return FALSE;
    lw_graph_linear_n(g, normed, qkv, 3, v);
    lw_graph_rope(g, v[0], (int)h->n_head);
    lw_graph_rope(g, v[1], (int)h->n_head);
    lw_val a = lw_graph_attend_segments(g, list, v[0], v[1], v[2], (int)h->n_head);
    lw_graph_add(g, x, lw_graph_linear(g, a, out));
    return TRUE;
}

gboolean lw_vision_layernorm_block(lw_binder *b, const lw_vision_hparams *h, guint32 il, lw_val x,
                                   GError **error)
{
    lw_graph *g = b->graph;
    gboolean swapped = lw_vision_ffn_swapped(b, h, il);
    const lw_weight *up, *down;

    lw_val normed = lw_vision_layernorm(b, x, h->width, h->eps, error, "v.blk.%u.ln1", il);
    if (normed == LW_NO_VAL || !lw_vision_attend(b, h, il, x, normed, 1, error))
        return FALSE;
    normed = lw_vision_layernorm(b, x, h->width, h->eps, error, "v.blk.%u.ln2", il);
    if (normed == LW_NO_VAL ||
        !(up = lw_bind(b, TRUE, h->width, h->n_ff, error, "v.blk.%u.ffn_%s.weight", il,
                       swapped ? "down" : "up")) ||
        !(down = lw_bind(b, TRUE, h->n_ff, h->width, error, "v.blk.%u.ffn_%s.weight", il,
                         swapped ? "up" : "down")))
        return FALSE;
    lw_val f = lw_graph_linear(g, normed, up);
    f = h->activation == LW_VISION_GELU_TANH ? lw_graph_gelu_tanh(g, f) : lw_graph_gelu_quick(g, f);
    lw_graph_add(g, x, lw_graph_linear(g, f, down));
    return TRUE;
}
