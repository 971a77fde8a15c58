/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rotary position tables.  Positions are three ids per token (t, h, w); text has all three equal, so
 * plain RoPE is the same thing with one section.  Qwen2-VL's M-RoPE: frequency pair i takes the id of
 * the section it falls into, the frequency index stays i.  The vision tower's 2-D RoPE: the first half
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
    int sections[3];   /* pairs turned by t, h, w; their sum is n_rot / 2 */
    double inv_freq[256]; /* [n_rot / 2] */
} lw_rope;

/* Fill inv_freq.  sections may be NULL: all pairs turn with t. */
void lw_rope_init(lw_rope *r, int n_rot, double base, const gint32 *sections);

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
