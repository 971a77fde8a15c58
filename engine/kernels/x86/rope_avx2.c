/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx2.h"

static void rope_half(float *x, int n_heads, int d, const float *cos, const float *sin)
{
    int half = d / 2;

    for (int i = 0; i < half; i += 8) {
        __m256i m = lw_mask8(half - i);
        __m256 c = _mm256_maskload_ps(cos + i, m), s = _mm256_maskload_ps(sin + i, m);
        float *p = x + i;
        for (int h = 0; h < n_heads; h++, p += d) {
            __m256 a = _mm256_maskload_ps(p, m), b = _mm256_maskload_ps(p + half, m);
            _mm256_maskstore_ps(p, m, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
            _mm256_maskstore_ps(p + half, m, _mm256_fmadd_ps(b, c, _mm256_mul_ps(a, s)));
        }
    }
}

void lw_rope_init_avx2(lw_kernels *k)
{
    k->rope_half = rope_half;
}
