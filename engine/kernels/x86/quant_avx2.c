/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx2.h"

#include <math.h>

static void quant_q8(const float *x, int8_t *q, float *scale, int n)
{
    const __m256 sign = _mm256_set1_ps(-0.0f), inf = _mm256_set1_ps(INFINITY);

    for (int b = 0; b < n / LW_QK; b++, x += LW_QK, q += LW_QK) {
        __m256 v[4], max = _mm256_setzero_ps(), bad = _mm256_setzero_ps();

        LW_UNROLL
        for (int i = 0; i < 4; i++) {
            v[i] = _mm256_loadu_ps(x + 8 * i);
            __m256 a = _mm256_andnot_ps(sign, v[i]);
            bad = _mm256_or_ps(bad, _mm256_cmp_ps(a, inf, _CMP_NLT_UQ));
            max = _mm256_max_ps(max, a);
        }
        gboolean broken = _mm256_movemask_ps(bad) != 0;
        float amax = lw_max8(max);
        if (G_UNLIKELY(broken || amax < LW_QUANT_TINY)) {
            _mm256_storeu_si256((void *)q, _mm256_setzero_si256());
            scale[b] = broken ? NAN : 0.0f;
            continue;
        }
        __m256 inv = _mm256_set1_ps(127.0f / amax);
        __m256i t[4];
        LW_UNROLL
        for (int i = 0; i < 4; i++)
            t[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inv));
        /* The packs work within 128-bit lanes; one permutation puts the groups of 4 back in order.
         */
        __m256i p =
            _mm256_packs_epi16(_mm256_packs_epi32(t[0], t[1]), _mm256_packs_epi32(t[2], t[3]));
        p = _mm256_permutevar8x32_epi32(p, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        _mm256_storeu_si256((void *)q, p);
        scale[b] = amax / 127.0f;
    }
}

static void sums_q8(const int8_t *q, int32_t *sum, int n)
{
    const __m256i bytes = _mm256_set1_epi8(1), words = _mm256_set1_epi16(1);

    for (int b = 0; b < n / LW_QK; b++, q += LW_QK) {
        __m256i s = _mm256_maddubs_epi16(bytes, _mm256_loadu_si256((const void *)q));
        s = _mm256_madd_epi16(s, words);
        s = _mm256_add_epi32(s, _mm256_shuffle_epi32(s, 0x4e));
        s = _mm256_add_epi32(s, _mm256_shuffle_epi32(s, 0xb1));
        sum[2 * b] = _mm256_cvtsi256_si32(s);
        sum[2 * b + 1] = _mm256_extract_epi32(s, 4);
    }
}

void lw_quant_init_avx2(lw_kernels *k)
{
    k->quant_q8 = quant_q8;
    k->sums_q8 = sums_q8;
}
