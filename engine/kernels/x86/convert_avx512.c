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

/* 16 signed bytes times d, the first n stored. */
LW_INLINE void store_scaled(float *dst, gint64 n, __m128i q, __m512 d)
{
    if (n > 0)
        _mm512_mask_storeu_ps(dst, lw_mask16(n),
                              _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q))));
}

static void dequant_q8_0(const void *src, float *dst, gsize n)
{
    const lw_block_q8_0 *b = src;

    for (gsize i = 0; i < n; i += LW_QK, b++) {
        __m512 d = _mm512_set1_ps(_cvtsh_ss(b->d));
        store_scaled(dst + i, n - i, _mm_loadu_si128((const void *)b->q), d);
        store_scaled(dst + i + 16, (gint64)(n - i) - 16, _mm_loadu_si128((const void *)(b->q + 16)),
                     d);
    }
}

static void dequant_q4_0(const void *src, float *dst, gsize n)
{
    const lw_block_q4_0 *b = src;
    const __m128i low = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);

    for (gsize i = 0; i < n; i += LW_QK, b++) {
        __m512 d = _mm512_set1_ps(_cvtsh_ss(b->d));
        __m128i q = _mm_loadu_si128((const void *)b->q);
        __m128i lo = _mm_sub_epi8(_mm_and_si128(q, low), eight);
        __m128i hi = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(q, 4), low), eight);
        store_scaled(dst + i, n - i, lo, d);
        store_scaled(dst + i + 16, (gint64)(n - i) - 16, hi, d);
    }
}

void lw_convert_init_avx512(lw_kernels *k)
{
    k->f16_to_f32 = f16_to_f32;
    k->f32_to_f16 = f32_to_f16;
    k->bf16_to_f32 = bf16_to_f32;
    k->dequant_q8_0 = dequant_q8_0;
    k->dequant_q4_0 = dequant_q4_0;
}
