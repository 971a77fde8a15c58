/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One activation row against rows of weights as they lie in the file.
 */
#include "engine/kernels/kernels-private.h"

/* Sums in double: this is what the vector versions are measured against. */
#define MATVEC(name, type, load)                                                                   \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, const float *x, float *y)  \
    {                                                                                              \
        for (int r = 0; r < n_rows; r++) {                                                         \
            const type *row = (const type *)((const char *)w + (gsize)r * row_bytes);              \
            double sum = 0;                                                                        \
            for (int i = 0; i < k; i++)                                                            \
                sum += (double)load(row[i]) * x[i];                                                \
            y[r] = (float)sum;                                                                     \
        }                                                                                          \
    }

MATVEC(matvec_f32, float, )
MATVEC(matvec_f16, lw_f16, lw_f16_to_f32)
MATVEC(matvec_bf16, lw_bf16, lw_bf16_to_f32)

static void matvec_q8_0(const void *w, gsize row_bytes, int n_rows, int k, const int8_t *q,
                        const float *scale, float *y)
{
    for (int r = 0; r < n_rows; r++) {
        const lw_block_q8_0 *row = (const void *)((const char *)w + (gsize)r * row_bytes);
        float sum = 0;
        for (int b = 0; b < k / LW_QK; b++) {
            int32_t dot = 0;
            for (int i = 0; i < LW_QK; i++)
                dot += row[b].q[i] * q[b * LW_QK + i];
            sum += (float)dot * (lw_f16_to_f32(row[b].d) * scale[b]);
        }
        y[r] = sum;
    }
}

static void matvec_q4_0(const void *w, gsize row_bytes, int n_rows, int k, const int8_t *q,
                        const float *scale, float *y)
{
    for (int r = 0; r < n_rows; r++) {
        const lw_block_q4_0 *row = (const void *)((const char *)w + (gsize)r * row_bytes);
        float sum = 0;
        for (int b = 0; b < k / LW_QK; b++) {
            const int8_t *qb = q + b * LW_QK;
            int32_t dot = 0;
            for (int i = 0; i < 16; i++)
                dot += ((row[b].q[i] & 15) - 8) * qb[i] + ((row[b].q[i] >> 4) - 8) * qb[i + 16];
            sum += (float)dot * (lw_f16_to_f32(row[b].d) * scale[b]);
        }
        y[r] = sum;
    }
}

void lw_matvec_init_c(lw_kernels *k)
{
    k->matvec_f32 = matvec_f32;
    k->matvec_f16 = matvec_f16;
    k->matvec_bf16 = matvec_bf16;
    k->matvec_q8_0 = matvec_q8_0;
    k->matvec_q4_0 = matvec_q4_0;
}
