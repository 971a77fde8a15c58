/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx512.h"

static void rope_half(float *x, int n_heads, int d, const float *cos, const float *sin)
{
    int half = d / 2;

    for (int i = 0; i < half; i += 16) {
        __mmask16 m = lw_mask16(half - i);
        __m512 c = _mm512_maskz_loadu_ps(m, cos + i), s = _mm512_maskz_loadu_ps(m, sin + i);
        float *p = x + i;
        for (int h = 0; h < n_heads; h++, p += d) {
            __m512 a = _mm512_maskz_loadu_ps(m, p), b = _mm512_maskz_loadu_ps(m, p + half);
            _mm512_mask_storeu_ps(p, m, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)));
            _mm512_mask_storeu_ps(p + half, m, _mm512_fmadd_ps(b, c, _mm512_mul_ps(a, s)));
        }
    }
}

void lw_rope_init_avx512(lw_kernels *k)
{
    k->rope_half = rope_half;
}
