/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the attention kernels over 8-bit tiles share: q as integers.  Each row of q becomes 15-bit codes per
 * block of 32, split into two signed bytes (q = 128 hi + lo), so the error of a score stays near 2^-15 of its
 * terms, far below that of the keys themselves.
 */
#pragma once

#include "engine/kernels/x86/attention_avx512.h"

#define Q_MAX 16319 /* 127 * 128 + 63 */

/* q in q_work: codes [rows][2][d], then per row and block the scale (with the step's own) and
 * -128 * (sum of codes): keys are stored as code + 128. */
typedef struct {
    int8_t *code;
    float *scale;
    int32_t *start;
} q_codes;

LW_INLINE q_codes q_codes_of(const lw_attn_step *a)
{
    gsize n = (gsize)a->rows * a->d;
    int8_t *code = a->q_work;
    float *scale = (float *)(void *)(code + (n * 2 + 63) / 64 * 64);

    return (q_codes){code, scale, (int32_t *)(scale + n / LW_QK)};
}

LW_INLINE void quantise_q(const lw_attn_step *a, q_codes w)
{
    for (int r = 0; r < a->rows; r++) {
        const float *q = a->q + (gsize)r * a->q_stride;
        int8_t *hi = w.code + (gsize)r * 2 * a->d, *lo = hi + a->d;
        for (int b = 0; b < a->d / LW_QK; b++, q += LW_QK, hi += LW_QK, lo += LW_QK) {
            gsize at = (gsize)r * (a->d / LW_QK) + b;
            __m512 x0 = _mm512_loadu_ps(q), x1 = _mm512_loadu_ps(q + 16);
            float amax = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(x0), _mm512_abs_ps(x1)));
            __mmask16 bad = _mm512_cmp_ps_mask(_mm512_add_ps(x0, x1), _mm512_add_ps(x0, x1), _CMP_UNORD_Q);
            gboolean broken = bad != 0 || !(amax < INFINITY);
            float inv = broken || amax < LW_QUANT_TINY ? 0.0f : Q_MAX / amax;
            __m512 v = _mm512_set1_ps(inv);
            __m512i sum = _mm512_setzero_si512();
            LW_UNROLL
            for (int k = 0; k < 2; k++) {
                __m512i c = _mm512_cvtps_epi32(_mm512_mul_ps(k ? x1 : x0, v));
                __m512i h = _mm512_srai_epi32(_mm512_add_epi32(c, _mm512_set1_epi32(64)), 7);
                if (inv == 0.0f)
                    c = h = _mm512_setzero_si512();
                _mm_storeu_si128((void *)(hi + 16 * k), _mm512_cvtepi32_epi8(h));
                _mm_storeu_si128((void *)(lo + 16 * k),
                                 _mm512_cvtepi32_epi8(_mm512_sub_epi32(c, _mm512_slli_epi32(h, 7))));
                sum = _mm512_add_epi32(sum, c);
            }
            w.scale[at] = broken ? NAN : amax / Q_MAX * a->scale;
            w.start[at] = -128 * _mm512_reduce_add_epi32(sum);
        }
    }
}

LW_INLINE const lw_f16 *scales_of(const void *tile, int d, int block)
{
    return (const lw_f16 *)(const void *)((const char *)tile + LW_TILE_Q8_SCALES(d)) + block * TILE;
}
