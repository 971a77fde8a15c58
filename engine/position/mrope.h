/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rotary position tables.  Positions are three ids per token (t, h, w); text has all three equal, so
 * plain RoPE is the same thing with one section.  Qwen2-VL's M-RoPE: frequency pair i takes the id of
 * the section it falls into, the frequency index stays i.  Qwen3-VL deals the ids out in turn instead:
 * t, h, w, t, h, w, ..., and t alone where h and w have had theirs.  The vision tower's 2-D RoPE: the first half
 * of the pairs turns with the patch's row, the second with its column.
 *
 * Angles are computed in double and stored as f32 cos and sin, [rows][n_rot / 2].  Which two values make
 * a pair is the kernel's business.  scaling.h changes a table for longer contexts.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    int n_rot;         /* rotated values of a head: even, <= 512 */
    double base;       /* theta, e.g. 1e6 */
    double magnitude;  /* of the rotated values: cos and sin are multiplied by it, 1 unless scaled */
    double inv_freq[256]; /* [n_rot / 2] */
    guint8 axis[256];     /* [n_rot / 2] which id turns the pair: 0 t, 1 h, 2 w */
} lw_rope;

/* Fill inv_freq.  sections: pairs turned by t, h, w, with n_rot / 2 as their sum; NULL: all turn with t. */
void lw_rope_init(lw_rope *r, int n_rot, double base, const gint32 *sections);
/* Deal the pairs out in turn (transformers models/qwen3_vl): pair i goes to h when i % 3 = 1 and
 * i < 3 sections[1], to w when i % 3 = 2 and i < 3 sections[2], else to t.  ggml's kernel leaves the last
 * pairs unturned where sections differ (61 and 62 of 24, 20, 20): 4e-7 times the position, not ours. */
void lw_rope_interleave(lw_rope *r, const gint32 sections[3]);

/* pos: [n][3]; cos, sin: [n][n_rot / 2]. */
void lw_rope_tables(const lw_rope *r, const gint32 *pos, gsize n, float *cos_out, float *sin_out);

/* 2-D RoPE: rc is [n][2] (row, column); frequencies 10000^(-2j / (head_dim / 2)), j < head_dim / 4. */
void lw_rope_tables_2d(int head_dim, const gint32 *rc, gsize n, float *cos_out, float *sin_out);

/* Append the ids of a run of n text tokens starting at *next; *next moves behind them.
 * out: GArray of gint32, three per token. */
void lw_mrope_text(GArray *out, gint64 *next, gsize n);

/* Append the ids of one medium with grid_t temporal grids of rows x cols merged cells (get_rope_index
 * of Qwen2.5-VL): t = start + floor(grid * t_step), h = start + row, w = start + column; *next becomes the
 * largest id + 1. t_step = seconds per grid * tokens per second, 0 for a picture. */
void lw_mrope_media(GArray *out, gint64 *next, int grid_t, int rows, int cols, double t_step);

G_END_DECLS
