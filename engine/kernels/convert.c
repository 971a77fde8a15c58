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

static void dequant_q8_0(const void *src, float *dst, gsize n)
{
    const lw_block_q8_0 *b = src;

    for (gsize i = 0; i < n; i++)
        dst[i] = lw_f16_to_f32(b[i / LW_QK].d) * b[i / LW_QK].q[i % LW_QK];
}

static void dequant_q4_0(const void *src, float *dst, gsize n)
{
    const lw_block_q4_0 *b = src;

    for (gsize i = 0; i < n; i++) {
        gsize j = i % LW_QK;
        uint8_t byte = b[i / LW_QK].q[j % 16];
        dst[i] = lw_f16_to_f32(b[i / LW_QK].d) * ((j < 16 ? byte & 15 : byte >> 4) - 8);
    }
}

void lw_convert_init_c(lw_kernels *k)
{
    k->f16_to_f32 = f16_to_f32;
    k->f32_to_f16 = f32_to_f16;
    k->bf16_to_f32 = bf16_to_f32;
    k->dequant_q8_0 = dequant_q8_0;
    k->dequant_q4_0 = dequant_q4_0;
}
