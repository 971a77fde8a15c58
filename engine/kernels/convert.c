/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/kernels-private.h"

static void f16_to_f32(const lw_f16 *src, float *dst, gsize n)
{
    for (gsize i = 0; i < n; i++)
        dst[i] = lw_f16_to_f32(src[i]);
}

static void f32_to_f16(const float *src, lw_f16 *dst, gsize n)
{
    for (gsize i = 0; i < n; i++)
        dst[i] = lw_f32_to_f16(src[i]);
}

static void bf16_to_f32(const lw_bf16 *src, float *dst, gsize n)
{
    for (gsize i = 0; i < n; i++)
        dst[i] = lw_bf16_to_f32(src[i]);
}

/* The sum is rounded, the product is exact: see blocks.h. */
#define DEQUANT(X, name, NAME, elems, group, minima)                                               \
    static void dequant_##name(const void *src, float *dst, gsize n)                               \
    {                                                                                              \
        const lw_block_##name *b = src;                                                            \
        lw_codes c = {{0}};                                                                        \
        for (gsize i = 0; i < n; i++) {                                                            \
            int j = (int)(i % (elems));                                                            \
            if (j == 0)                                                                            \
                lw_codes_##name(b++, &c);                                                          \
            dst[i] = c.scale[j / (group)] * c.code[j];                                             \
            if (minima)                                                                            \
                dst[i] += c.min[j / (group)];                                                      \
        }                                                                                          \
    }

LW_BLOCK_TYPES(DEQUANT, )

void lw_convert_init_c(lw_kernels *k)
{
    k->f16_to_f32 = f16_to_f32;
    k->f32_to_f16 = f32_to_f16;
    k->bf16_to_f32 = bf16_to_f32;
#define SET(X, name, ...) k->dequant_##name = dequant_##name;
    LW_BLOCK_TYPES(SET, )
#undef SET
}
