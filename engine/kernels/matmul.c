/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Panels of weight rows (layouts: kernels.h) against many activation rows.
 */
#include "engine/kernels/kernels-private.h"

#include <string.h>

/* Where column i of row r lies in the 512 bytes of one block. */
static inline gsize place(int r, int i)
{
    return (gsize)(i / 4) * (LW_PANEL_I8_ROWS * 4) + (gsize)r * 4 + i % 4;
}

static void pack_q8_0(const void *w, gsize row_bytes, int n_rows, int k, uint8_t *panel,
                      float *scale)
{
    for (int b = 0; b < k / LW_QK; b++) {
        for (int r = 0; r < LW_PANEL_I8_ROWS; r++) {
            const lw_block_q8_0 *row =
                (const void *)((const char *)w + MIN(r, n_rows - 1) * row_bytes);
            scale[r] = lw_f16_to_f32(row[b].d);
            for (int i = 0; i < LW_QK; i++)
                panel[place(r, i)] = (uint8_t)(row[b].q[i] + 128);
        }
        panel += LW_PANEL_I8_ROWS * LW_QK;
        scale += LW_PANEL_I8_ROWS;
    }
}

static void pack_q4_0(const void *w, gsize row_bytes, int n_rows, int k, uint8_t *panel,
                      float *scale)
{
    for (int b = 0; b < k / LW_QK; b++) {
        for (int r = 0; r < LW_PANEL_I8_ROWS; r++) {
            const lw_block_q4_0 *row =
                (const void *)((const char *)w + MIN(r, n_rows - 1) * row_bytes);
            scale[r] = lw_f16_to_f32(row[b].d);
            for (int i = 0; i < 16; i++) {
                panel[place(r, i)] = (row[b].q[i] & 15) + 120;
                panel[place(r, i + 16)] = (row[b].q[i] >> 4) + 120;
            }
        }
        panel += LW_PANEL_I8_ROWS * LW_QK;
        scale += LW_PANEL_I8_ROWS;
    }
}

#define PACK(name, type, load)                                                                     \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, float *panel)              \
    {                                                                                              \
        for (int r = 0; r < LW_PANEL_F32_ROWS; r++) {                                              \
            const type *row = (const type *)((const char *)w + MIN(r, n_rows - 1) * row_bytes);    \
            for (int i = 0; i < k; i++)                                                            \
                panel[(gsize)i * LW_PANEL_F32_ROWS + r] = load(row[i]);                            \
        }                                                                                          \
    }

PACK(pack_f32, float, )
PACK(pack_f16, lw_f16, lw_f16_to_f32)
PACK(pack_bf16, lw_bf16, lw_bf16_to_f32)

static void panel_i8(const lw_panel_mul *a)
{
    int n_blocks = a->k / LW_QK;

    for (int i = 0; i < a->rows; i++) {
        gsize at = (gsize)(i / LW_TILE_ROWS) * n_blocks * LW_TILE_ROWS + i % LW_TILE_ROWS;
        for (int c = 0; c < a->cols; c++) {
            float sum = 0;
            for (int b = 0; b < n_blocks; b++) {
                const uint8_t *p = (const uint8_t *)a->panel + (gsize)b * LW_PANEL_I8_ROWS * LW_QK;
                gsize ib = at + (gsize)b * LW_TILE_ROWS;
                int32_t dot = a->qsum[ib];
                for (int j = 0; j < LW_QK; j++)
                    dot += p[place(c, j)] * a->q[ib * LW_QK + j];
                sum += (float)dot * (a->panel_scale[b * LW_PANEL_I8_ROWS + c] * a->scale[ib]);
            }
            a->y[(gsize)i * a->y_stride + c] = a->bias ? sum + a->bias[c] : sum;
        }
    }
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
    k->pack_q8_0 = pack_q8_0;
    k->pack_q4_0 = pack_q4_0;
    k->pack_f32 = pack_f32;
    k->pack_f16 = pack_f16;
    k->pack_bf16 = pack_bf16;
    k->panel_i8 = panel_i8;
    k->panel_f32 = panel_f32;
}
