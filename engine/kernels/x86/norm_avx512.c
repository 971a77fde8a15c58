/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx512.h"

#include <math.h>

static void rmsnorm(const float *x, const float *w, float *y, int n, float eps)
{
    __m512d s0 = _mm512_setzero_pd(), s1 = _mm512_setzero_pd();

    for (int i = 0; i < n; i += 16) {
        __m512 v = _mm512_maskz_loadu_ps(lw_mask16(n - i), x + i);
        __m512d a = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
        __m512d b = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
        s0 = _mm512_fmadd_pd(a, a, s0);
        s1 = _mm512_fmadd_pd(b, b, s1);
    }
    double sum = _mm512_reduce_add_pd(_mm512_add_pd(s0, s1));
    __m512 inv = _mm512_set1_ps((float)(1.0 / sqrt(sum / n + eps)));
    for (int i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(m, x + i), inv);
        _mm512_mask_storeu_ps(y + i, m, _mm512_mul_ps(v, _mm512_maskz_loadu_ps(m, w + i)));
    }
}

static void layernorm(const float *x, const float *w, const float *b, float *y, int n, float eps)
{
    __m512d s0 = _mm512_setzero_pd(), s1 = _mm512_setzero_pd();

    for (int i = 0; i < n; i += 16) {
        __m512 v = _mm512_maskz_loadu_ps(lw_mask16(n - i), x + i);
        s0 = _mm512_add_pd(s0, _mm512_cvtps_pd(_mm512_castps512_ps256(v)));
        s1 = _mm512_add_pd(s1, _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)));
    }
    double mean = _mm512_reduce_add_pd(_mm512_add_pd(s0, s1)) / n;
    __m512d md = _mm512_set1_pd(mean);

    s0 = s1 = _mm512_setzero_pd();
    for (int i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        __m512 v = _mm512_maskz_loadu_ps(m, x + i);
        __m512d a = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
        __m512d c = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
        a = _mm512_maskz_sub_pd((__mmask8)m, a, md);
        c = _mm512_maskz_sub_pd((__mmask8)(m >> 8), c, md);
        s0 = _mm512_fmadd_pd(a, a, s0);
        s1 = _mm512_fmadd_pd(c, c, s1);
    }
    double square = _mm512_reduce_add_pd(_mm512_add_pd(s0, s1));
    __m512 inv = _mm512_set1_ps((float)(1.0 / sqrt(square / n + eps))),
           mf = _mm512_set1_ps((float)mean);
    for (int i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        __m512 v = _mm512_mul_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(m, x + i), mf), inv);
        v = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(m, w + i), _mm512_maskz_loadu_ps(m, b + i));
        _mm512_mask_storeu_ps(y + i, m, v);
    }
}

void lw_norm_init_avx512(lw_kernels *k)
{
    k->rmsnorm = rmsnorm;
    k->layernorm = layernorm;
}
