/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx2.h"

#include <math.h>

LW_INLINE double sum4(__m256d s)
{
    __m128d t = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
    return _mm_cvtsd_f64(_mm_add_sd(t, _mm_unpackhi_pd(t, t)));
}

static void rmsnorm(const float *x, const float *w, float *y, int n, float eps)
{
    __m256d s0 = _mm256_setzero_pd(), s1 = _mm256_setzero_pd();

    for (int i = 0; i < n; i += 8) {
        __m256 v = lw_load_n_f32(x + i, n - i);
        __m256d a = _mm256_cvtps_pd(_mm256_castps256_ps128(v));
        __m256d b = _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));
        s0 = _mm256_fmadd_pd(a, a, s0);
        s1 = _mm256_fmadd_pd(b, b, s1);
    }
    double sum = sum4(_mm256_add_pd(s0, s1));
    __m256 inv = _mm256_set1_ps((float)(1.0 / sqrt(sum / n + eps)));
    for (int i = 0; i < n; i += 8) {
        __m256 v = _mm256_mul_ps(lw_load_n_f32(x + i, n - i), inv);
        _mm256_maskstore_ps(y + i, lw_mask8(n - i), _mm256_mul_ps(v, lw_load_n_f32(w + i, n - i)));
    }
}

/* x - mean in double, of four f32 of which the first n count. */
LW_INLINE __m256d centred(__m128 x, __m256d mean, gint64 n)
{
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    __m256d d = _mm256_sub_pd(_mm256_cvtps_pd(x), mean);
    return _mm256_and_pd(d, _mm256_castsi256_pd(_mm256_cmpgt_epi64(_mm256_set1_epi64x(n), lane)));
}

static void layernorm(const float *x, const float *w, const float *b, float *y, int n, float eps)
{
    __m256d s0 = _mm256_setzero_pd(), s1 = _mm256_setzero_pd();

    for (int i = 0; i < n; i += 8) {
        __m256 v = lw_load_n_f32(x + i, n - i);
        s0 = _mm256_add_pd(s0, _mm256_cvtps_pd(_mm256_castps256_ps128(v)));
        s1 = _mm256_add_pd(s1, _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)));
    }
    double mean = sum4(_mm256_add_pd(s0, s1)) / n;
    __m256d md = _mm256_set1_pd(mean);

    s0 = s1 = _mm256_setzero_pd();
    for (int i = 0; i < n; i += 8) {
        __m256 v = lw_load_n_f32(x + i, n - i);
        __m256d lo = centred(_mm256_castps256_ps128(v), md, n - i);
        __m256d hi = centred(_mm256_extractf128_ps(v, 1), md, n - i - 4);
        s0 = _mm256_fmadd_pd(lo, lo, s0);
        s1 = _mm256_fmadd_pd(hi, hi, s1);
    }
    double square = sum4(_mm256_add_pd(s0, s1));
    __m256 inv = _mm256_set1_ps((float)(1.0 / sqrt(square / n + eps))),
           m = _mm256_set1_ps((float)mean);
    for (int i = 0; i < n; i += 8) {
        __m256 v = _mm256_mul_ps(_mm256_sub_ps(lw_load_n_f32(x + i, n - i), m), inv);
        v = _mm256_fmadd_ps(v, lw_load_n_f32(w + i, n - i), lw_load_n_f32(b + i, n - i));
        _mm256_maskstore_ps(y + i, lw_mask8(n - i), v);
    }
}

void lw_norm_init_avx2(lw_kernels *k)
{
    k->rmsnorm = rmsnorm;
    k->layernorm = layernorm;
}
