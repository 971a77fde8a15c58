/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx512.h"

static void rope_half(float *x, int n_heads, int stride, int d, const float *cos, const float *sin)
{
    int half = d / 2;

    for (int i = 0; i < half; i += 16) {
        __mmask16 m = lw_mask16(half - i);
        __m512 c = _mm512_maskz_loadu_ps(m, cos + i), s = _mm512_maskz_loadu_ps(m, sin + i);
        float *p = x + i;
        for (int h = 0; h < n_heads; h++, p += stride) {
            __m512 a = _mm512_maskz_loadu_ps(m, p), b = _mm512_maskz_loadu_ps(m, p + half);
            _mm512_mask_storeu_ps(p, m, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)));
            _mm512_mask_storeu_ps(p + half, m, _mm512_fmadd_ps(b, c, _mm512_mul_ps(a, s)));
        }
    }
}

static void rope_adjacent(float *x, int n_heads, int stride, int d, const float *cos, const float *sin)
{
    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);

    for (int i = 0; i < d; i += 16) {
        __mmask16 m = lw_mask16(d - i), pairs = lw_mask16(MIN(d - i, 16) / 2);
        __m512 c = _mm512_permutexvar_ps(twice, _mm512_maskz_loadu_ps(pairs, cos + i / 2));
        __m512 s = _mm512_permutexvar_ps(twice, _mm512_maskz_loadu_ps(pairs, sin + i / 2));
        float *p = x + i;
        for (int h = 0; h < n_heads; h++, p += stride) {
            __m512 v = _mm512_maskz_loadu_ps(m, p);
            __m512 turned = _mm512_mul_ps(_mm512_permute_ps(v, 0xb1), s); /* b sin, a sin, ... */
            _mm512_mask_storeu_ps(p, m, _mm512_fmaddsub_ps(v, c, turned));
        }
    }
}

void lw_rope_init_avx512(lw_kernels *k)
{
    k->rope_half = rope_half;
    k->rope_adjacent = rope_adjacent;
}
