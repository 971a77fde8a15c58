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

/* 32 signed bytes times d, the first n stored. */
LW_INLINE void store_scaled(float *dst, gint64 n, const __m256i q, __m256 d)
{
    int8_t b[LW_QK];

    _mm256_storeu_si256((void *)b, q);
    for (int i = 0; i < LW_QK && i < n; i += 8) {
        __m256i v = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)(b + i)));
        _mm256_maskstore_ps(dst + i, lw_mask8(n - i), _mm256_mul_ps(d, _mm256_cvtepi32_ps(v)));
    }
}

static void dequant_q8_0(const void *src, float *dst, gsize n)
{
    const lw_block_q8_0 *b = src;

    for (gsize i = 0; i < n; i += LW_QK, b++)
        store_scaled(dst + i, n - i, _mm256_loadu_si256((const void *)b->q),
                     _mm256_set1_ps(_cvtsh_ss(b->d)));
}

static void dequant_q4_0(const void *src, float *dst, gsize n)
{
    const lw_block_q4_0 *b = src;

    for (gsize i = 0; i < n; i += LW_QK, b++) {
        __m128i q = _mm_loadu_si128((const void *)b->q);
        __m256i w = _mm256_inserti128_si256(_mm256_castsi128_si256(q), _mm_srli_epi16(q, 4), 1);
        w = _mm256_sub_epi8(_mm256_and_si256(w, _mm256_set1_epi8(15)), _mm256_set1_epi8(8));
        store_scaled(dst + i, n - i, w, _mm256_set1_ps(_cvtsh_ss(b->d)));
    }
}

void lw_convert_init_avx2(lw_kernels *k)
{
    k->f16_to_f32 = f16_to_f32;
    k->f32_to_f16 = f32_to_f16;
    k->bf16_to_f32 = bf16_to_f32;
    k->dequant_q8_0 = dequant_q8_0;
    k->dequant_q4_0 = dequant_q4_0;
}
