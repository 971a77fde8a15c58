/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pieces shared by the AVX2 kernels.  Only files compiled with their flags may include this.
 */
#pragma once

#include <immintrin.h>

#include "engine/kernels/x86/codes256.h"

/* The first n (any number) of 8 lanes, for maskload and maskstore. */
LW_INLINE __m256i lw_mask8(gint64 n)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)CLAMP(n, 0, 8)), lane);
}

/* The first n (1..8) halfs at p, the rest zero.  There is no masked 16-bit load: copy. */
LW_INLINE __m128i lw_load_u16(const uint16_t *p, gint64 n)
{
    uint16_t t[8] = {0};

    if (n >= 8)
        return _mm_loadu_si128((const void *)p);
    for (gint64 i = 0; i < n; i++)
        t[i] = p[i];
    return _mm_loadu_si128((const void *)t);
}

LW_INLINE __m256 lw_f32_of_bf16(__m128i h)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

LW_INLINE __m256 lw_load_f16(const lw_f16 *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}

LW_INLINE __m256 lw_load_bf16(const lw_bf16 *p)
{
    return lw_f32_of_bf16(_mm_loadu_si128((const void *)p));
}

/* n (1..8) elements of each type, the rest zero. */
LW_INLINE __m256 lw_load_n_f32(const float *p, gint64 n)
{
    return _mm256_maskload_ps(p, lw_mask8(n));
}

LW_INLINE __m256 lw_load_n_f16(const lw_f16 *p, gint64 n)
{
    return _mm256_cvtph_ps(lw_load_u16(p, n));
}

LW_INLINE __m256 lw_load_n_bf16(const lw_bf16 *p, gint64 n)
{
    return lw_f32_of_bf16(lw_load_u16(p, n));
}

LW_INLINE float lw_sum8(__m256 x)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

LW_INLINE float lw_max8(__m256 x)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* 2^n for integral n in -126..127. */
LW_INLINE __m256 lw_pow2(__m256i n)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

/* As in avx512.h; 2^n is applied in two halves, so that both ends come out right. */
LW_INLINE __m256 lw_exp(__m256 x)
{
    x = _mm256_max_ps(_mm256_set1_ps(-110.0f), _mm256_min_ps(_mm256_set1_ps(100.0f), x));
    __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(0x1.715476p+0f)),
                               _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 f = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.62e400p-1f), x);
    f = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.7f7d1cp-20f), f);
    __m256 p = _mm256_set1_ps(0.0013926204f);
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.008363195f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.041666556f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.16666576f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.5f));
    p = _mm256_fmadd_ps(_mm256_mul_ps(f, f), p, f);
    p = _mm256_add_ps(p, _mm256_set1_ps(1.0f));
    __m256i i = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(i, 1);
    p = _mm256_mul_ps(p, lw_pow2(half));
    return _mm256_mul_ps(p, lw_pow2(_mm256_sub_epi32(i, half)));
}
