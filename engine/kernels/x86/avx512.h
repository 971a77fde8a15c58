/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pieces shared by the AVX-512 kernels.  Only files compiled with their flags may include this.
 */
#pragma once

#include <immintrin.h>

#include "engine/kernels/x86/codes256.h"

/* The first n (0..16) of 16 lanes. */
LW_INLINE __mmask16 lw_mask16(gint64 n)
{
    return n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
}

LW_INLINE __m512 lw_load_f16(const lw_f16 *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
}

LW_INLINE __m512 lw_maskload_f16(__mmask16 m, const lw_f16 *p)
{
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(m, p));
}

LW_INLINE __m512 lw_load_bf16(const lw_bf16 *p)
{
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p)), 16));
}

LW_INLINE __m512 lw_maskload_bf16(__mmask16 m, const lw_bf16 *p)
{
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, p)), 16));
}

/* e^x within 1.5 ulp; overflows to infinity and underflows through the denormals to 0; NaN stays.
 * x = n ln 2 + f, |f| <= ln 2 / 2; e^f = 1 + f + f^2 P(f), P interpolated at Chebyshev nodes. */
LW_INLINE __m512 lw_exp(__m512 x)
{
    /* Far enough for both ends; keeps n ln 2 exact below.  The operand order lets NaN through. */
    x = _mm512_max_ps(_mm512_set1_ps(-110.0f), _mm512_min_ps(_mm512_set1_ps(100.0f), x));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(0x1.715476p+0f)),
                                    _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 f = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.62e400p-1f), x);
    f = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.7f7d1cp-20f), f);
    __m512 p = _mm512_set1_ps(0.0013926204f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.008363195f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.041666556f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.16666576f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.5f));
    p = _mm512_fmadd_ps(_mm512_mul_ps(f, f), p, f);
    return _mm512_scalef_ps(_mm512_add_ps(p, _mm512_set1_ps(1.0f)), n);
}

/* Transpose 16 x 16 f32: t[i] lane j <-> t[j] lane i. */
LW_INLINE void lw_transpose16(__m512 t[16])
{
    __m512 u[16];

    for (int i = 0; i < 16; i += 4) { /* 4x4 within each 128-bit lane */
        __m512 a = _mm512_unpacklo_ps(t[i], t[i + 1]), b = _mm512_unpackhi_ps(t[i], t[i + 1]);
        __m512 c = _mm512_unpacklo_ps(t[i + 2], t[i + 3]),
               d = _mm512_unpackhi_ps(t[i + 2], t[i + 3]);
        u[i + 0] = _mm512_shuffle_ps(a, c, 0x44);
        u[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
        u[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
        u[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
    for (int i = 0; i < 4; i++) { /* then the 4x4 of lanes */
        __m512 a = _mm512_shuffle_f32x4(u[i], u[i + 4], 0x44);
        __m512 b = _mm512_shuffle_f32x4(u[i], u[i + 4], 0xee);
        __m512 c = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0x44);
        __m512 d = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0xee);
        t[i + 0] = _mm512_shuffle_f32x4(a, c, 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(a, c, 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(b, d, 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}
