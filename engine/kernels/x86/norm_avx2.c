/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx2.h"

#include <math.h>

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
    s0 = _mm256_add_pd(s0, s1);
    __m128d t = _mm_add_pd(_mm256_castpd256_pd128(s0), _mm256_extractf128_pd(s0, 1));
    double sum = _mm_cvtsd_f64(_mm_add_sd(t, _mm_unpackhi_pd(t, t)));
    __m256 inv = _mm256_set1_ps((float)(1.0 / sqrt(sum / n + eps)));
    for (int i = 0; i < n; i += 8) {
        __m256 v = _mm256_mul_ps(lw_load_n_f32(x + i, n - i), inv);
        _mm256_maskstore_ps(y + i, lw_mask8(n - i), _mm256_mul_ps(v, lw_load_n_f32(w + i, n - i)));
    }
}

void lw_norm_init_avx2(lw_kernels *k)
{
    k->rmsnorm = rmsnorm;
}
