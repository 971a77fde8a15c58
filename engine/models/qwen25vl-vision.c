/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * qwen2.5vl_merger: the vision tower of Qwen2.5-VL (transformers models/qwen2_5_vl, llama.cpp's mmproj
 * names).
 *
 *   v.patch_embd.weight, .weight.1       the two time slices of the Conv3d, [width][3][14][14] each
 *   v.blk.N.{ln1,ln2}.weight             RMSNorm
 *   v.blk.N.attn_{q,k,v} or attn_qkv, attn_out, ffn_{gate,up,down}   each .weight and .bias
 *   v.post_ln.weight                     RMSNorm before the merger
 *   mm.0, mm.2                           merge^2 * width -> same -> projection, GELU (erf) between
 *
 * Pitfalls: old files have ffn_up and ffn_down swapped (told by the shape); n_wa_pattern absent means
 * full attention everywhere; the merger's GELU is erf here, some engines use tanh.
 */
#include "engine/models/arch.h"

#include <math.h>

extern const lw_projector lw_projector_qwen25vl;

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
                    "%s: %s has %" G_GSIZE_FORMAT " numbers, must be 3 finite ones", lw_gguf_path(g), key,
                    n);
        return FALSE;
    }
    return TRUE;
}

static gboolean read_hparams(const lw_gguf *g, lw_vision_hparams *h, GError **error)
{
    guint32 patch = 14, merge = 2, window = 112, min_pixels = 56 * 56, max_pixels = 12845056;

    if (!lw_require_u32(g, KEY "block_count", 1, LW_MAX_LAYERS, &h->n_layer, error) ||
        !lw_require_u32(g, KEY "embedding_length", 1, LW_MAX_EMBD, &h->width, error) ||
        !lw_require_u32(g, KEY "feed_forward_length", 1, LW_MAX_EMBD * 8, &h->n_ff, error) ||
        !lw_require_u32(g, KEY "attention.head_count", 1, LW_MAX_EMBD, &h->n_head, error) ||
        !lw_require_u32(g, KEY "projection_dim", 1, LW_MAX_EMBD, &h->projection_dim, error) ||
        !lw_require_f32(g, KEY "attention.layer_norm_epsilon", &h->eps, error) ||
        !lw_optional_u32(g, KEY "patch_size", 4, 64, &patch, error) ||
        !lw_optional_u32(g, KEY "spatial_merge_size", 1, 8, &merge, error) ||
        !lw_optional_u32(g, KEY "window_size", 1, 4096, &window, error) ||
        !lw_optional_u32(g, KEY "image_min_pixels", 1, G_MAXINT32, &min_pixels, error) ||
        !lw_optional_u32(g, KEY "image_max_pixels", 1, G_MAXINT32, &max_pixels, error))
        return FALSE;

    h->full_every = 1;
    if (!lw_optional_u32(g, KEY "n_wa_pattern", 0, LW_MAX_LAYERS, &h->full_every, error))
        return FALSE;
    h->full_every = MAX(h->full_every, 1);
    h->window = window / patch / merge;
    if (h->window == 0 || h->width % h->n_head || h->width / h->n_head % 8 ||
        h->width / h->n_head > LW_MAX_HEAD_DIM || min_pixels > max_pixels) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: vision tower of width %u with %u heads, window %u px, %u to %u pixels makes no sense",
                    lw_gguf_path(g), h->width, h->n_head, window, min_pixels, max_pixels);
        return FALSE;
    }
    h->spec = (lw_vision_spec){
        .patch_size = (int)patch,
        .merge_size = (int)merge,
        .temporal_patch_size = 2,
        .min_pixels = min_pixels,
        .max_pixels = max_pixels,
        .tokens_per_second = 2,
    };
    return read_float3(g, KEY "image_mean", h->spec.mean, error) &&
           read_float3(g, KEY "image_std", h->spec.std, error);
}

/* The Conv3d as one matrix [width][channel][time][y][x]: the file has the time slices apart, so their
 * rows are interleaved once at load; this is the tower's smallest matrix. */
static const lw_weight *bind_patch_embedding(lw_binder *b, const lw_vision_hparams *h, GError **error)
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
    w->row_bytes = n_in * sizeof(float);
    return w;
}

/* q, k, v as three matrices, from separate tensors or rows of a fused one. */
static gboolean bind_qkv(lw_binder *b, const lw_vision_hparams *h, guint32 il, const lw_weight *qkv[3],
                         GError **error)
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
        qkv[i] = lw_bind(b, TRUE, h->width, h->width, error, "v.blk.%u.attn_%s.weight", il, names[i]);
        if (!qkv[i])
            return FALSE;
    }
    return TRUE;
}

static gboolean build(lw_binder *b, const lw_vision_hparams *h, GError **error)
{
    lw_graph *g = b->graph;
    guint32 merged = h->width * (guint32)(h->spec.merge_size * h->spec.merge_size);
    const lw_weight *patch = bind_patch_embedding(b, h, error);

    if (!patch)
        return FALSE;
    g->n_head = (int)h->n_head;
    g->head_dim = (int)(h->width / h->n_head);

    lw_val x = lw_graph_linear(g, lw_graph_input(g, patch->n_in), patch);
    for (guint32 il = 0; il < h->n_layer; il++) {
        const float *ln1 = lw_bind_vector(b, h->width, error, "v.blk.%u.ln1.weight", il);
        const float *ln2 = ln1 ? lw_bind_vector(b, h->width, error, "v.blk.%u.ln2.weight", il) : NULL;
        if (!ln2)
            return FALSE;

        /* Files of early converters have the names of up and down exchanged. */
        g_autofree char *up_name = g_strdup_printf("v.blk.%u.ffn_up.weight", il);
        const lw_gguf_tensor *up_tensor = lw_gguf_find_tensor(b->g, up_name);
        gboolean swapped = h->n_ff != h->width && up_tensor && up_tensor->dims[0] == h->n_ff;

        const lw_weight *qkv[3], *out, *gate_up[2], *down;
        if (!bind_qkv(b, h, il, qkv, error) ||
            !(out = lw_bind(b, TRUE, h->width, h->width, error, "v.blk.%u.attn_out.weight", il)) ||
            !(gate_up[0] = lw_bind(b, TRUE, h->width, h->n_ff, error, "v.blk.%u.ffn_gate.weight", il)) ||
            !(gate_up[1] = lw_bind(b, TRUE, h->width, h->n_ff, error, "v.blk.%u.ffn_%s.weight", il,
                                   swapped ? "down" : "up")) ||
            !(down = lw_bind(b, TRUE, h->n_ff, h->width, error, "v.blk.%u.ffn_%s.weight", il,
                             swapped ? "up" : "down")))
            return FALSE;

        /* Segment list 0 holds the windows, list 1 the whole grid. */
        guint list = (il + 1) % h->full_every == 0 ? 1 : 0;
        lw_val v[3], f[2];
        lw_graph_linear_n(g, lw_graph_rmsnorm(g, x, ln1, h->eps), qkv, 3, v);
        lw_graph_rope(g, v[0], (int)h->n_head);
        lw_graph_rope(g, v[1], (int)h->n_head);
        lw_val a = lw_graph_attend_segments(g, list, v[0], v[1], v[2], (int)h->n_head);
        lw_graph_add(g, x, lw_graph_linear(g, a, out));

        lw_graph_linear_n(g, lw_graph_rmsnorm(g, x, ln2, h->eps), gate_up, 2, f);
        lw_graph_add(g, x, lw_graph_linear(g, lw_graph_swiglu(g, f[0], f[1]), down));
    }

    const float *post = lw_bind_vector(b, h->width, error, "v.post_ln.weight");
    const lw_weight *fc1 = post ? lw_bind(b, TRUE, merged, merged, error, "mm.0.weight") : NULL;
    const lw_weight *fc2 = fc1 ? lw_bind(b, TRUE, merged, h->projection_dim, error, "mm.2.weight") : NULL;
    if (!fc2)
        return FALSE;
    lw_val m = lw_graph_merge(g, lw_graph_rmsnorm(g, x, post, h->eps),
                              h->spec.merge_size * h->spec.merge_size);
    g->result = lw_graph_linear(g, lw_graph_gelu(g, lw_graph_linear(g, m, fc1)), fc2);
    return TRUE;
}

const lw_projector lw_projector_qwen25vl = {
    .name = "qwen2.5vl_merger",
    .read_hparams = read_hparams,
    .build = build,
};
