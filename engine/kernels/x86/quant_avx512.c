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

static void sums_q8(const int8_t *q, int32_t *sum, int n)
{
    const __m256i one = _mm256_set1_epi8(1);

    for (int b = 0; b < n / LW_QK; b++, q += LW_QK) {
        __m256i s =
            _mm256_dpbusd_epi32(_mm256_setzero_si256(), one, _mm256_loadu_si256((const void *)q));
        s = _mm256_add_epi32(s, _mm256_shuffle_epi32(s, 0x4e));
        s = _mm256_add_epi32(s, _mm256_shuffle_epi32(s, 0xb1));
        sum[2 * b] = _mm256_cvtsi256_si32(s);
        sum[2 * b + 1] = _mm256_extract_epi32(s, 4);
    }
}

void lw_quant_init_avx512(lw_kernels *k)
{
    k->quant_q8 = quant_q8;
    k->sums_q8 = sums_q8;
}
