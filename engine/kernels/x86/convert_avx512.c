/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx512.h"

static void f16_to_f32(const lw_f16 *src, float *dst, gsize n)
{
    gsize i = 0;

    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(dst + i, lw_load_f16(src + i));
    if (i < n)
        _mm512_mask_storeu_ps(dst + i, lw_mask16(n - i),
                              lw_maskload_f16(lw_mask16(n - i), src + i));
}

static void f32_to_f16(const float *src, lw_f16 *dst, gsize n)
{
    for (gsize i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        __m512 x = _mm512_maskz_loadu_ps(m, src + i);
        _mm256_mask_storeu_epi16(dst + i, m, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
    }
}

static void bf16_to_f32(const lw_bf16 *src, float *dst, gsize n)
{
    gsize i = 0;

    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(dst + i, lw_load_bf16(src + i));
    if (i < n)
        _mm512_mask_storeu_ps(dst + i, lw_mask16(n - i),
                              lw_maskload_bf16(lw_mask16(n - i), src + i));
}

LW_BLOCK_TYPES(LW_DEQUANT, )

void lw_convert_init_avx512(lw_kernels *k)
{
    k->f16_to_f32 = f16_to_f32;
    k->f32_to_f16 = f32_to_f16;
    k->bf16_to_f32 = bf16_to_f32;
#define SET(X, name, ...) k->dequant_##name = dequant_##name;
    LW_BLOCK_TYPES(SET, )
#undef SET
}
