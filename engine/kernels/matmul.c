/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Panels of weight rows (layouts: kernels.h) times many activation rows.
 */
#include "engine/kernels/kernels-private.h"

/* One block of 32 columns from column j0 on: n columns that share a scale. */
static int32_t dot_of(const uint8_t *block, int row, const int8_t *q, int j0, int n)
{
    int32_t dot = 0;

    for (int j = j0; j < j0 + n; j++)
        dot += block[j / 4 * (LW_PANEL_I8_ROWS * 4) + row * 4 + j % 4] * q[j];
    return dot;
}

static inline void panel_i8(const lw_panel_mul *a, int group, gboolean minima)
{
    int n_groups = a->k / group, per_block = LW_QK / group;

    for (int i = 0; i < a->rows; i++) {
        gsize tile = (gsize)(i / LW_TILE_ROWS) * LW_TILE_ROWS, r = i % LW_TILE_ROWS;
        for (int c = 0; c < a->cols; c++) {
            float sum = 0;
            for (int g = 0; g < n_groups; g++) {
                gsize b = (gsize)(g / per_block),
                      at = tile * n_groups + (gsize)g * LW_TILE_ROWS + r;
                gsize ib = tile * (a->k / LW_QK) + b * LW_TILE_ROWS + r;
                int32_t dot = dot_of((const uint8_t *)a->panel + b * LW_PANEL_I8_ROWS * LW_QK, c,
                                     a->q + ib * LW_QK, g % per_block * group, group);
                gsize ip = (gsize)g * LW_PANEL_I8_ROWS + c;
                if (!minima)
                    dot += a->start[at];
                sum += (float)dot * (a->panel_scale[ip] * a->scale[ib]);
                if (minima)
                    sum += a->panel_min[ip] * a->sum[at];
            }
            a->y[(gsize)i * a->y_stride + c] = a->bias ? sum + a->bias[c] : sum;
        }
    }
}

static void panel_i8_32(const lw_panel_mul *a)
{
    panel_i8(a, 32, FALSE);
}

static void panel_i8_16(const lw_panel_mul *a)
{
    panel_i8(a, 16, FALSE);
}

static void panel_i8_32_min(const lw_panel_mul *a)
{
    panel_i8(a, 32, TRUE);
}

static void panel_i8_16_min(const lw_panel_mul *a)
{
    panel_i8(a, 16, TRUE);
}

static void panel_f32(const lw_panel_mul *a)
{
    const float *panel = a->panel;

    for (int i = 0; i < a->rows; i++) {
        const float *x = a->x + (gsize)i * a->x_stride;
        for (int c = 0; c < a->cols; c++) {
            double sum = 0;
            for (int j = 0; j < a->k; j++)
                sum += (double)panel[(gsize)j * LW_PANEL_F32_ROWS + c] * x[j];
            a->y[(gsize)i * a->y_stride + c] = (float)(a->bias ? sum + a->bias[c] : sum);
        }
    }
}

void lw_matmul_init_c(lw_kernels *k)
{
    k->panel_f32 = panel_f32;
    k->panel_i8_32 = panel_i8_32;
    k->panel_i8_16 = panel_i8_16;
    k->panel_i8_32_min = panel_i8_32_min;
    k->panel_i8_16_min = panel_i8_16_min;
}
