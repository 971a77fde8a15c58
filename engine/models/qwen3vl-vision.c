/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * qwen3vl_merger: the vision tower of Qwen3-VL (transformers models/qwen3_vl, llama.cpp's mmproj names).
 *
 *   v.patch_embd.weight, .weight.1, .bias    the two time slices of the Conv3d, [width][3][16][16] each
 *   v.position_embd.weight                   [48 * 48][width], stretched over the patches
 *   v.blk.N.{ln1,ln2}                        LayerNorm, .weight and .bias
 *   v.blk.N.attn_qkv, attn_out, ffn_{up,down}    each .weight and .bias
 *   v.post_ln, mm.0, mm.2                    LayerNorm, merge, fc - GELU (erf) - fc
 *   v.deepstack.N.{norm,fc1,fc2}             behind block N: merge, LayerNorm, fc - GELU (erf) - fc
 *
 * A row is what the merger makes, then what each deepstack merger makes, in order of the blocks.
 *
 * Pitfalls: the deepstack mergers normalise after merging, the last one before; the blocks' GELU is by
 * tanh, the mergers' by erf; the table's corners are the grid's (align_corners); N counts blocks.
 */
#include "engine/models/vision-parts.h"

extern const lw_projector lw_projector_qwen3vl;

static const lw_gguf_tensor *deepstack_fc1(const lw_gguf *g, guint32 block)
{
    g_autofree char *name = g_strdup_printf("v.deepstack.%u.fc1.weight", block);

    return lw_gguf_find_tensor(g, name);
}

static gboolean read_hparams(const lw_gguf *g, lw_vision_hparams *h, GError **error)
{
    const lw_gguf_tensor *table = lw_gguf_find_tensor(g, "v.position_embd.weight");

    h->spec = (lw_vision_spec){
        .patch_size = 16,
        .min_pixels = 65536,
        .max_pixels = 16777216,
        .film_by_grid = TRUE,
    };
    if (!lw_vision_read_common(g, h, error) || !lw_vision_read_activation(g, h, error))
        return FALSE;
    for (guint32 il = 0; il < h->n_layer; il++)
        h->n_deepstack += deepstack_fc1(g, il) != NULL;
    if (h->n_deepstack > LW_MAX_DEEPSTACK) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: %u blocks have a merger of their own (v.deepstack), at most %d are supported",
                    lw_gguf_path(g), h->n_deepstack, LW_MAX_DEEPSTACK);
        return FALSE;
    }
    while (table && h->table_side < 4096 && (guint64)h->table_side * h->table_side < table->dims[1])
        h->table_side++;
    if (table && (guint64)h->table_side * h->table_side != table->dims[1]) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: v.position_embd.weight has %" G_GUINT64_FORMAT
                    " rows, which is no square of a side up to 4096",
                    lw_gguf_path(g), table->dims[1]);
        return FALSE;
    }
    return TRUE; /* without a table build() says so */
}

/* Behind block il: a further part of every row. */
static lw_val deepstack(lw_binder *b, const lw_vision_hparams *h, guint32 il, lw_val x, GError **error)
{
    guint32 group = (guint32)(h->spec.merge_size * h->spec.merge_size), cols = group * h->width;
    g_autofree char *fc1 = g_strdup_printf("v.deepstack.%u.fc1.weight", il);
    g_autofree char *fc2 = g_strdup_printf("v.deepstack.%u.fc2.weight", il);
    lw_val m = lw_vision_layernorm(b, lw_graph_merge(b->graph, x, (int)group), cols, h->eps, error,
                                   "v.deepstack.%u.norm", il);

    return m == LW_NO_VAL ? m : lw_vision_merge_mlp(b, m, cols, h->projection_dim, fc1, fc2, error);
}

static gboolean build(lw_binder *b, const lw_vision_hparams *h, GError **error)
{
    lw_graph *g = b->graph;
    guint32 group = (guint32)(h->spec.merge_size * h->spec.merge_size), n_parts = 0;
    lw_val parts[LW_MAX_DEEPSTACK];
    const lw_weight *patch = lw_vision_bind_patches(b, h, TRUE, error);
    const float *table = !patch ? NULL
                                : lw_bind_table(b, h->width, h->table_side * h->table_side, NULL, error,
                                                "v.position_embd.weight");

    if (!table)
        return FALSE;
    g->n_head = (int)h->n_head;
    g->head_dim = (int)(h->width / h->n_head);

    lw_val x = lw_graph_linear(g, lw_graph_input(g, patch->n_in), patch);
    lw_graph_add_table(g, x, table);
    for (guint32 il = 0; il < h->n_layer; il++) {
        if (!lw_vision_layernorm_block(b, h, il, x, error))
            return FALSE;
        if (deepstack_fc1(b->g, il) && (parts[n_parts++] = deepstack(b, h, il, x, error)) == LW_NO_VAL)
            return FALSE;
    }
    lw_val post = lw_vision_layernorm(b, x, h->width, h->eps, error, "v.post_ln");
    if (post == LW_NO_VAL)
        return FALSE;
    g->result = lw_vision_merge_mlp(b, lw_graph_merge(g, post, (int)group), group * h->width,
                                    h->projection_dim, "mm.0.weight", "mm.2.weight", error);
    for (guint32 i = 0; i < n_parts && g->result != LW_NO_VAL; i++)
        g->result = lw_graph_concat(g, g->result, parts[i]);
    return g->result != LW_NO_VAL;
}

const lw_projector lw_projector_qwen3vl = {
    .name = "qwen3vl_merger",
    .read_hparams = read_hparams,
    .build = build,
};
