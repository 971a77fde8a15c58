/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Panels of 16 weight rows (layout: kernels.h) against many activation rows.
 */
#include "engine/kernels/kernels-private.h"

#include <string.h>

/* Where column i of row r lies in the 512 bytes of one block. */
static inline gsize place(int r, int i)
{
    return (gsize)(i / 4) * (LW_PANEL_ROWS * 4) + (gsize)r * 4 + i % 4;
}

static void pack_q8_0(const void *w, gsize row_bytes, int n_rows, int k, uint8_t *panel, float *scale)
{
    for (int b = 0; b < k / LW_QK; b++) {
        for (int r = 0; r < LW_PANEL_ROWS; r++) {
            const lw_block_q8_0 *row = (const void *)((const char *)w + (gsize)r * row_bytes);
            scale[r] = r < n_rows ? lw_f16_to_f32(row[b].d) : 0.0f;
            for (int i = 0; i < LW_QK; i++)
                panel[place(r, i)] = r < n_rows ? (uint8_t)(row[b].q[i] + 128) : 128;
        }
        panel += LW_PANEL_ROWS * LW_QK;
        scale += LW_PANEL_ROWS;
    }
}

static void pack_q4_0(const void *w, gsize row_bytes, int n_rows, int k, uint8_t *panel, float *scale)
{
    for (int b = 0; b < k / LW_QK; b++) {
        for (int r = 0; r < LW_PANEL_ROWS; r++) {
            const lw_block_q4_0 *row = (const void *)((const char *)w + (gsize)r * row_bytes);
            scale[r] = r < n_rows ? lw_f16_to_f32(row[b].d) : 0.0f;
            for (int i = 0; i < 16; i++) {
                uint8_t byte = r < n_rows ? row[b].q[i] : 0x88;
                panel[place(r, i)] = (byte & 15) + 120;
                panel[place(r, i + 16)] = (byte >> 4) + 120;
            }
        }
        panel += LW_PANEL_ROWS * LW_QK;
        scale += LW_PANEL_ROWS;
    }
}

#define PACK(name, type, load)                                                                     \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, float *panel)              \
    {                                                                                              \
        for (int r = 0; r < LW_PANEL_ROWS; r++) {                                                  \
            const type *row = (const type *)((const char *)w + (gsize)r * row_bytes);              \
            for (int i = 0; i < k; i++)                                                            \
                panel[(gsize)i * LW_PANEL_ROWS + r] = r < n_rows ? load(row[i]) : 0.0f;            \
        }                                                                                          \
    }

PACK(pack_f32, float, )
PACK(pack_f16, lw_f16, lw_f16_to_f32)
PACK(pack_bf16, lw_bf16, lw_bf16_to_f32)

static void panel_i8(const lw_panel_mul *a)
{
    int n_blocks = a->k / LW_QK;

    for (int i = 0; i < a->rows; i++) {
        const int8_t *q = a->q + (gsize)i * a->k;
        const float *scale = a->scale + (gsize)i * n_blocks;
        const int32_t *qsum = a->qsum + (gsize)i * n_blocks;
        for (int c = 0; c < a->cols; c++) {
            float sum = 0;
            for (int b = 0; b < n_blocks; b++) {
                const uint8_t *p = (const uint8_t *)a->panel + (gsize)b * LW_PANEL_ROWS * LW_QK;
                int32_t dot = qsum[b];
                for (int j = 0; j < LW_QK; j++)
                    dot += p[place(c, j)] * q[b * LW_QK + j];
                sum += (float)dot * (a->panel_scale[b * LW_PANEL_ROWS + c] * scale[b]);
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
                sum += (double)panel[(gsize)j * LW_PANEL_ROWS + c] * x[j];
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
