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

#define MATVEC_BLOCKS(X, name, NAME, elems, group, minima)                                         \
    static void matvec_##name(const void *w, gsize row_bytes, int n_rows, int k,                   \
                              const lw_quant_row *x, float *y)                                     \
    {                                                                                              \
        const float *x_sum = (group) == 16 ? x->sum16 : x->sum32;                                  \
        for (int r = 0; r < n_rows; r++) {                                                         \
            const lw_block_##name *row = (const void *)((const char *)w + (gsize)r * row_bytes);   \
            double sum = 0;                                                                        \
            for (int i = 0; i < k; i += (elems)) {                                                 \
                lw_codes c;                                                                        \
                lw_codes_##name(row + i / (elems), &c);                                            \
                for (int j = 0; j < (elems); j += (group)) {                                       \
                    int32_t dot = 0;                                                               \
                    for (int l = j; l < j + (group); l++)                                          \
                        dot += c.code[l] * x->q[i + l];                                            \
                    sum += (double)dot * c.scale[j / (group)] * x->scale[(i + j) / LW_QK];         \
                    if (minima)                                                                    \
                        sum += (double)c.min[j / (group)] * x_sum[(i + j) / (group)];              \
                }                                                                                  \
            }                                                                                      \
            y[r] = (float)sum;                                                                     \
        }                                                                                          \
    }

LW_BLOCK_TYPES(MATVEC_BLOCKS, )

void lw_matvec_init_c(lw_kernels *k)
{
    k->matvec_f32 = matvec_f32;
    k->matvec_f16 = matvec_f16;
    k->matvec_bf16 = matvec_bf16;
#define SET(X, name, ...) k->matvec_##name = matvec_##name;
    LW_BLOCK_TYPES(SET, )
#undef SET
}
