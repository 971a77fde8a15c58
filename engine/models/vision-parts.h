/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the Qwen-VL towers have in common: the same kind of file (llama.cpp's mmproj), the Conv3d patch
 * embedding in two time slices, query, key and value with 2-D RoPE, and a merger of merge^2 patches into
 * one row.  What differs (norms, activations, windows, position table) is in each tower's own file.
 */
#pragma once

#include "engine/models/arch.h"

G_BEGIN_DECLS

/* The window of a tower without windows: larger than any grid. */
#define LW_WINDOW_ALL (1u << 20)

/* Keys that every tower has, and their checks.  patch_size and the pixel limits in h->spec are the
 * defaults for files without the key; h->window and h->full_every are left at "no windows". */
gboolean lw_vision_read_common(const lw_gguf *g, lw_vision_hparams *h, GError **error);

/* The Conv3d as one matrix [width][channel][time][y][x], with v.patch_embd.bias if the tower has one. */
const lw_weight *lw_vision_bind_patches(lw_binder *b, const lw_vision_hparams *h, gboolean with_bias,
                                        GError **error);
/* q, k, v of block il as three matrices, from separate tensors or rows of a fused one. */
gboolean lw_vision_bind_qkv(lw_binder *b, const lw_vision_hparams *h, guint32 il, const lw_weight *qkv[3],
                            GError **error);
/* Files of early converters have the names of up and down exchanged: told by the shape. */
gboolean lw_vision_ffn_swapped(lw_binder *b, const lw_vision_hparams *h, guint32 il);

/* clip.use_gelu (by tanh), clip.use_silu or neither (quick GELU) -> h->activation.  Errors: UNSUPPORTED for
 * SiLU, CORRUPT for both. */
gboolean lw_vision_read_activation(const lw_gguf *g, lw_vision_hparams *h, GError **error);

/* LayerNorm of a value by NAME.weight and NAME.bias; LW_NO_VAL on error. */
lw_val lw_vision_layernorm(lw_binder *b, lw_val x, guint32 cols, float eps, GError **error,
                           const char *name_format, ...) G_GNUC_PRINTF(6, 7);
/* fc2(gelu(fc1 x)), GELU by erf: what every merger ends with.  The names end in ".weight".  LW_NO_VAL on
 * error. */
lw_val lw_vision_merge_mlp(lw_binder *b, lw_val x, guint32 in, guint32 out, const char *fc1, const char *fc2,
                           GError **error);
/* x + attention of block il inside segment list `list` (0: windows, 1: the whole grid); `normed` is what
 * the block's first norm made of x. */
gboolean lw_vision_attend(lw_binder *b, const lw_vision_hparams *h, guint32 il, lw_val x, lw_val normed,
                          guint list, GError **error);
/* One block of a tower with LayerNorm, full attention and fc-activation-fc, in place on x. */
gboolean lw_vision_layernorm_block(lw_binder *b, const lw_vision_hparams *h, guint32 il, lw_val x,
                                   GError **error);

G_END_DECLS
