/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx512.h"

#include <math.h>

static void quant_q8(const float *x, int8_t *q, float *scale, int n)
{
    const __m512 inf = _mm512_set1_ps(INFINITY);

    for (int b = 0; b < n / LW_QK; b++, x += LW_QK, q += LW_QK) {
        __m512 x0 = _mm512_loadu_ps(x), x1 = _mm512_loadu_ps(x + 16);
        __m512 a0 = _mm512_abs_ps(x0), a1 = _mm512_abs_ps(x1);
        gboolean broken = (_mm512_cmp_ps_mask(a0, inf, _CMP_NLT_UQ) |
                           _mm512_cmp_ps_mask(a1, inf, _CMP_NLT_UQ)) != 0;
        float amax = _mm512_reduce_max_ps(_mm512_max_ps(a0, a1));

        if (G_UNLIKELY(broken || amax < LW_QUANT_TINY)) {
            _mm256_storeu_si256((void *)q, _mm256_setzero_si256());
            scale[b] = broken ? NAN : 0.0f;
            continue;
        }
        __m512 inv = _mm512_set1_ps(127.0f / amax);
        __m512i q0 = _mm512_cvtps_epi32(_mm512_mul_ps(x0, inv));
        __m512i q1 = _mm512_cvtps_epi32(_mm512_mul_ps(x1, inv));
        _mm_storeu_si128((void *)q, _mm512_cvtepi32_epi8(q0));
        _mm_storeu_si128((void *)(q + 16), _mm512_cvtepi32_epi8(q1));
        scale[b] = amax / 127.0f;
    }
}

static void qsum_q8(const int8_t *q, int32_t *sum, int n)
{
    const __m256i w = _mm256_set1_epi8((char)128);

    for (int b = 0; b < n / LW_QK; b++, q += LW_QK) {
        __m256i s =
            _mm256_dpbusd_epi32(_mm256_setzero_si256(), w, _mm256_loadu_si256((const void *)q));
        __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4e));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0xb1));
        sum[b] = -_mm_cvtsi128_si32(t);
    }
}

void lw_quant_init_avx512(lw_kernels *k)
{
    k->quant_q8 = quant_q8;
    k->qsum_q8 = qsum_q8;
}
