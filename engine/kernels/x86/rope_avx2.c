/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx2.h"

static void rope_half(float *x, int n_heads, int stride, int d, const float *cos, const float *sin)
{
    int half = d / 2;

    for (int i = 0; i < half; i += 8) {
        __m256i m = lw_mask8(half - i);
        __m256 c = _mm256_maskload_ps(cos + i, m), s = _mm256_maskload_ps(sin + i, m);
        float *p = x + i;
        for (int h = 0; h < n_heads; h++, p += stride) {
            __m256 a = _mm256_maskload_ps(p, m), b = _mm256_maskload_ps(p + half, m);
            _mm256_maskstore_ps(p, m, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
            _mm256_maskstore_ps(p + half, m, _mm256_fmadd_ps(b, c, _mm256_mul_ps(a, s)));
        }
    }
}

static void rope_adjacent(float *x, int n_heads, int stride, int d, const float *cos, const float *sin)
{
    const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);

    for (int i = 0; i < d; i += 8) {
        __m256i m = lw_mask8(d - i);
        __m256 c = _mm256_permutevar8x32_ps(lw_load_n_f32(cos + i / 2, MIN(d - i, 8) / 2), twice);
        __m256 s = _mm256_permutevar8x32_ps(lw_load_n_f32(sin + i / 2, MIN(d - i, 8) / 2), twice);
        float *p = x + i;
        for (int h = 0; h < n_heads; h++, p += stride) {
            __m256 v = _mm256_maskload_ps(p, m);
            __m256 turned = _mm256_mul_ps(_mm256_permute_ps(v, 0xb1), s); /* b sin, a sin, ... */
            _mm256_maskstore_ps(p, m, _mm256_fmaddsub_ps(v, c, turned));
        }
    }
}

void lw_rope_init_avx2(lw_kernels *k)
{
    k->rope_half = rope_half;
    k->rope_adjacent = rope_adjacent;
}
