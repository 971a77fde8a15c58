/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Codes and scales of the quantised types in 256-bit registers, for the files of both instruction
 * sets (blocks.h says what they mean).  For a type NAME:
 *
 *   codes_NAME(b, j)       32 codes of group j of a block (j = 0 where a block has 32)
 *   scales_NAME(b, s, m)   its scales and minima: 8 groups of 32 in s[0], 16 of 16 in s[0] and
 * s[1]; a block of 32 has its only one in every lane.  m only where there are minima.
 */
#pragma once

#include <immintrin.h>

#include "engine/kernels/kernels-private.h"

#ifndef LW_INLINE
#define LW_INLINE static inline __attribute__((always_inline, unused))
#endif

/* Transpose 8 x 8 f32: t[i] lane j <-> t[j] lane i. */
LW_INLINE void lw_transpose8(__m256 t[8])
{
    __m256 u[8];

    LW_UNROLL
    for (int i = 0; i < 8; i += 4) { /* 4x4 within each 128-bit lane */
        __m256 a = _mm256_unpacklo_ps(t[i], t[i + 1]), b = _mm256_unpackhi_ps(t[i], t[i + 1]);
        __m256 c = _mm256_unpacklo_ps(t[i + 2], t[i + 3]),
               d = _mm256_unpackhi_ps(t[i + 2], t[i + 3]);
        u[i + 0] = _mm256_shuffle_ps(a, c, 0x44);
        u[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
        u[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
        u[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
    }
    LW_UNROLL
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
        t[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
}

/* -- codes ------------------------------------------------------------------------------------- */

LW_INLINE __m256i load32(const void *p)
{
    return _mm256_loadu_si256(p);
}

/* The 32 values of 16 bytes: low nibbles, then high ones. */
LW_INLINE __m256i nibbles(const uint8_t q[16])
{
    __m128i v = _mm_loadu_si128((const void *)q);
    __m256i w = _mm256_inserti128_si256(_mm256_castsi128_si256(v), _mm_srli_epi16(v, 4), 1);
    return _mm256_and_si256(w, _mm256_set1_epi8(15));
}

/* Bits i of 32 as bytes of 0 or 16. */
LW_INLINE __m256i fifth_bits(const uint8_t high[4])
{
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                            2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((gint64)0x8040201008040201);
    int32_t v;
    memcpy(&v, high, 4);
    __m256i b = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(v), spread), bit);
    return _mm256_and_si256(_mm256_cmpeq_epi8(b, bit), _mm256_set1_epi8(16));
}

/* Bit j of 32 bytes as 0xff or 0. */
LW_INLINE __m256i bit_of(const uint8_t high[32], int j)
{
    __m256i bit = _mm256_set1_epi8((char)(1 << j));
    return _mm256_cmpeq_epi8(_mm256_and_si256(load32(high), bit), bit);
}

/* Bits n .. n + width - 1 of 32 bytes. */
LW_INLINE __m256i bits_of(const uint8_t *q, int n, int mask)
{
    return _mm256_and_si256(_mm256_srl_epi16(load32(q), _mm_cvtsi32_si128(n)),
                            _mm256_set1_epi8((char)mask));
}

LW_INLINE __m256i look_up(const int8_t table[16], __m256i n)
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table)),
                               n);
}

LW_INLINE __m256i codes_q8_0(const lw_block_q8_0 *b, int j)
{
    return load32(b->q);
}

LW_INLINE __m256i codes_q4_0(const lw_block_q4_0 *b, int j)
{
    return _mm256_sub_epi8(nibbles(b->q), _mm256_set1_epi8(8));
}

LW_INLINE __m256i codes_q4_1(const lw_block_q4_1 *b, int j)
{
    return nibbles(b->q);
}

LW_INLINE __m256i codes_q5_0(const lw_block_q5_0 *b, int j)
{
    return _mm256_sub_epi8(_mm256_or_si256(nibbles(b->q), fifth_bits(b->high)),
                           _mm256_set1_epi8(16));
}

LW_INLINE __m256i codes_q5_1(const lw_block_q5_1 *b, int j)
{
    return _mm256_or_si256(nibbles(b->q), fifth_bits(b->high));
}

LW_INLINE __m256i codes_iq4_nl(const lw_block_iq4_nl *b, int j)
{
    return look_up(lw_values_iq4, nibbles(b->q));
}

LW_INLINE __m256i codes_mxfp4(const lw_block_mxfp4 *b, int j)
{
    return look_up(lw_values_mxfp4, nibbles(b->q));
}

LW_INLINE __m256i codes_q2_k(const lw_block_q2_k *b, int j)
{
    return bits_of(b->q + j / 4 * 32, j % 4 * 2, 3);
}

LW_INLINE __m256i codes_q3_k(const lw_block_q3_k *b, int j)
{
    __m256i four = _mm256_andnot_si256(bit_of(b->high, j), _mm256_set1_epi8(4));
    return _mm256_sub_epi8(bits_of(b->q + j / 4 * 32, j % 4 * 2, 3), four);
}

LW_INLINE __m256i codes_q4_k(const lw_block_q4_k *b, int j)
{
    return bits_of(b->q + j / 2 * 32, j % 2 * 4, 15);
}

LW_INLINE __m256i codes_q5_k(const lw_block_q5_k *b, int j)
{
    __m256i high = _mm256_and_si256(bit_of(b->high, j), _mm256_set1_epi8(16));
    return _mm256_or_si256(bits_of(b->q + j / 2 * 32, j % 2 * 4, 15), high);
}

LW_INLINE __m256i codes_q6_k(const lw_block_q6_k *b, int j)
{
    int t = j % 4;
    __m256i low = bits_of(b->q + j / 4 * 64 + t % 2 * 32, t / 2 * 4, 15);
    __m256i high = _mm256_slli_epi16(bits_of(b->high + j / 4 * 32, t * 2, 3), 4);
    return _mm256_sub_epi8(_mm256_or_si256(low, high), _mm256_set1_epi8(32));
}

LW_INLINE __m256i codes_iq4_xs(const lw_block_iq4_xs *b, int j)
{
    return look_up(lw_values_iq4, nibbles(b->q + j * 16));
}

/* -- scales ------------------------------------------------------------------------------------ */

/* 2^(e - 128), the smallest two denormal. */
LW_INLINE __m256 power_of_exponent(__m256i e)
{
    __m256i big = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
    __m256i tiny = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
    return _mm256_castsi256_ps(
        _mm256_blendv_epi8(tiny, big, _mm256_cmpgt_epi32(e, _mm256_set1_epi32(1))));
}

/* Of a block of 32: what stands for the scale in the file, and 8 of those as floats. */
#define RAW_F16(name)                                                                              \
    LW_INLINE uint16_t raw_scale_##name(const lw_block_##name *b)                                  \
    {                                                                                              \
        return b->d;                                                                               \
    }                                                                                              \
    LW_INLINE __m256 from_raw_##name(__m128i raw)                                                  \
    {                                                                                              \
        return _mm256_cvtph_ps(raw);                                                               \
    }

RAW_F16(q8_0)
RAW_F16(q4_0)
RAW_F16(q4_1)
RAW_F16(q5_0)
RAW_F16(q5_1)
RAW_F16(iq4_nl)

LW_INLINE uint16_t raw_scale_mxfp4(const lw_block_mxfp4 *b)
{
    return b->e;
}

LW_INLINE __m256 from_raw_mxfp4(__m128i raw)
{
    return power_of_exponent(_mm256_cvtepu16_epi32(raw));
}

#define NO_MINIMUM(name)                                                                           \
    LW_INLINE uint16_t raw_min_##name(const lw_block_##name *b)                                    \
    {                                                                                              \
        return 0;                                                                                  \
    }
#define MINIMUM(name)                                                                              \
    LW_INLINE uint16_t raw_min_##name(const lw_block_##name *b)                                    \
    {                                                                                              \
        return b->m;                                                                               \
    }

NO_MINIMUM(q8_0)
NO_MINIMUM(q4_0)
MINIMUM(q4_1)
NO_MINIMUM(q5_0)
MINIMUM(q5_1)
NO_MINIMUM(iq4_nl)
NO_MINIMUM(mxfp4)

#define SCALES_OF_ONE(name)                                                                        \
    LW_INLINE void scales_##name(const lw_block_##name *b, __m256 *s, __m256 *m)                   \
    {                                                                                              \
        s[0] = from_raw_##name(_mm_set1_epi16((short)raw_scale_##name(b)));                        \
        m[0] = _mm256_cvtph_ps(_mm_set1_epi16((short)raw_min_##name(b)));                          \
    }

SCALES_OF_ONE(q8_0)
SCALES_OF_ONE(q4_0)
SCALES_OF_ONE(q4_1)
SCALES_OF_ONE(q5_0)
SCALES_OF_ONE(q5_1)
SCALES_OF_ONE(iq4_nl)
SCALES_OF_ONE(mxfp4)

/* d times 8 signed bytes, in the low half of v or its high one. */
LW_INLINE __m256 times_bytes(lw_f16 d, __m128i v)
{
    return _mm256_mul_ps(_mm256_set1_ps(_cvtsh_ss(d)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(v)));
}

LW_INLINE void times_16_bytes(lw_f16 d, __m128i v, __m256 *s)
{
    s[0] = times_bytes(d, v);
    s[1] = times_bytes(d, _mm_unpackhi_epi64(v, v));
}

/* Q4_K and Q5_K: 8 scales, then 8 minima, six bits each. */
LW_INLINE __m128i scale_bytes_k(const uint8_t s[12])
{
    uint32_t u[3];
    memcpy(u, s, 12);
    uint64_t sc = ((u[2] & 0x0f0f0f0f) | (u[0] >> 2 & 0x30303030)),
             mn = ((u[2] >> 4 & 0x0f0f0f0f) | (u[1] >> 2 & 0x30303030));
    return _mm_set_epi64x((gint64)(mn << 32 | (u[1] & 0x3f3f3f3f)),
                          (gint64)(sc << 32 | (u[0] & 0x3f3f3f3f)));
}

LW_INLINE void scales_q4_k(const lw_block_q4_k *b, __m256 *s, __m256 *m)
{
    __m128i v = scale_bytes_k(b->sc);
    s[0] = times_bytes(b->d, v);
    m[0] = times_bytes(b->m ^ 0x8000, _mm_unpackhi_epi64(v, v));
}

LW_INLINE void scales_q5_k(const lw_block_q5_k *b, __m256 *s, __m256 *m)
{
    __m128i v = scale_bytes_k(b->sc);
    s[0] = times_bytes(b->d, v);
    m[0] = times_bytes(b->m ^ 0x8000, _mm_unpackhi_epi64(v, v));
}

LW_INLINE void scales_q2_k(const lw_block_q2_k *b, __m256 *s, __m256 *m)
{
    __m128i v = _mm_loadu_si128((const void *)b->sc), low = _mm_set1_epi8(15);
    times_16_bytes(b->d, _mm_and_si128(v, low), s);
    times_16_bytes(b->m ^ 0x8000, _mm_and_si128(_mm_srli_epi16(v, 4), low), m);
}

LW_INLINE __m128i scale_bytes_q3_k(const lw_block_q3_k *b)
{
    uint64_t low;
    uint32_t h;
    memcpy(&low, b->sc, 8);
    memcpy(&h, b->sc + 8, 4);
    uint64_t h0 = (uint64_t)(h >> 2 & 0x03030303) << 32 | (h & 0x03030303);
    uint64_t h1 = (uint64_t)(h >> 6 & 0x03030303) << 32 | (h >> 4 & 0x03030303);
    __m128i v = _mm_set_epi64x((gint64)((low >> 4 & 0x0f0f0f0f0f0f0f0f) | h1 << 4),
                               (gint64)((low & 0x0f0f0f0f0f0f0f0f) | h0 << 4));
    return _mm_sub_epi8(v, _mm_set1_epi8(32));
}

LW_INLINE void scales_q3_k(const lw_block_q3_k *b, __m256 *s, __m256 *m)
{
    times_16_bytes(b->d, scale_bytes_q3_k(b), s);
}

LW_INLINE void scales_q6_k(const lw_block_q6_k *b, __m256 *s, __m256 *m)
{
    times_16_bytes(b->d, _mm_loadu_si128((const void *)b->sc), s);
}

LW_INLINE __m128i scale_bytes_iq4_xs(const lw_block_iq4_xs *b)
{
    uint32_t low;
    memcpy(&low, b->scl, 4);
    uint64_t v = _pdep_u64(low, 0x0f0f0f0f0f0f0f0f) |
                 _pdep_u64((uint64_t)(b->sch[0] | b->sch[1] << 8), 0x3030303030303030);
    return _mm_sub_epi8(_mm_cvtsi64_si128((gint64)v), _mm_set1_epi8(32));
}

LW_INLINE void scales_iq4_xs(const lw_block_iq4_xs *b, __m256 *s, __m256 *m)
{
    s[0] = times_bytes(b->d, scale_bytes_iq4_xs(b));
}

/* -- dequantisation ---------------------------------------------------------------------------- */

/* Eight values at a time through memory: nothing that is done often calls this. */
#define LW_DEQUANT(X, name, NAME, elems, group, minima)                                            \
    static void dequant_##name(const void *src, float *dst, gsize n)                               \
    {                                                                                              \
        const lw_block_##name *b = src;                                                            \
        for (gsize i = 0; i < n; i += (elems), b++) {                                              \
            __m256 s[2], m[2];                                                                     \
            float scale[16], min[16] = {0}, value[32];                                             \
            scales_##name(b, s, m);                                                                \
            for (int g = 0; g < (elems) / (group); g += 8) {                                       \
                _mm256_storeu_ps(scale + g, s[g / 8]);                                             \
                if (minima)                                                                        \
                    _mm256_storeu_ps(min + g, m[g / 8]);                                           \
            }                                                                                      \
            for (gsize j = 0; j < (elems) && i + j < n; j += 32) {                                 \
                int8_t code[32];                                                                   \
                _mm256_storeu_si256((void *)code, codes_##name(b, (int)j / 32));                   \
                for (int l = 0; l < 32; l++) {                                                     \
                    gsize g = (j + l) / (group);                                                   \
                    value[l] = scale[g] * code[l];                                                 \
                    if (minima)                                                                    \
                        value[l] += min[g];                                                        \
                }                                                                                  \
                memcpy(dst + i + j, value, MIN(32, n - i - j) * sizeof(float));                    \
            }                                                                                      \
        }                                                                                          \
    }
