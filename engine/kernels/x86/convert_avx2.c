/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx2.h"

static void f16_to_f32(const lw_f16 *src, float *dst, gsize n)
{
    gsize i = 0;

    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(dst + i, lw_load_f16(src + i));
    if (i < n)
        _mm256_maskstore_ps(dst + i, lw_mask8(n - i), lw_load_n_f16(src + i, n - i));
}

static void f32_to_f16(const float *src, lw_f16 *dst, gsize n)
{
    gsize i = 0;

    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((void *)(dst + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(src + i), _MM_FROUND_TO_NEAREST_INT));
    for (; i < n; i++)
        dst[i] = _cvtss_sh(src[i], _MM_FROUND_TO_NEAREST_INT);
}

static void bf16_to_f32(const lw_bf16 *src, float *dst, gsize n)
{
    gsize i = 0;

    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(dst + i, lw_load_bf16(src + i));
    if (i < n)
        _mm256_maskstore_ps(dst + i, lw_mask8(n - i), lw_load_n_bf16(src + i, n - i));
}

LW_BLOCK_TYPES(LW_DEQUANT, )

void lw_convert_init_avx2(lw_kernels *k)
{
    k->f16_to_f32 = f16_to_f32;
    k->f32_to_f16 = f32_to_f16;
    k->bf16_to_f32 = bf16_to_f32;
#define SET(X, name, ...) k->dequant_##name = dequant_##name;
    LW_BLOCK_TYPES(SET, )
#undef SET
}
