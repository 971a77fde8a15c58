/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One row at a time: the rows of a task lie one after the other in the file, so memory is read
 * front to back, which is what its bandwidth is measured with.
 */
#include "engine/kernels/x86/avx512.h"

/* Bytes ahead of the loads; the hardware's prefetcher stops at every 4 KiB page. */
#define AHEAD 4096

#define MATVEC(name, type, load, maskload)                                                         \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, const float *x, float *y)  \
    {                                                                                              \
        for (int r = 0; r < n_rows; r++) {                                                         \
            const type *row = (const type *)((const char *)w + (gsize)r * row_bytes);              \
            __m512 s[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),          \
                           _mm512_setzero_ps()};                                                   \
            int i = 0;                                                                             \
            for (; i + 64 <= k; i += 64) {                                                         \
                for (gsize c = 0; c < 64 * sizeof(type); c += 64)                                  \
                    _mm_prefetch((const char *)(row + i) + AHEAD + c, _MM_HINT_T0);                \
                for (int j = 0; j < 4; j++)                                                        \
                    s[j] = _mm512_fmadd_ps(load(row + i + 16 * j),                                 \
                                           _mm512_loadu_ps(x + i + 16 * j), s[j]);                 \
            }                                                                                      \
            for (; i < k; i += 16) {                                                               \
                __mmask16 m = lw_mask16(k - i);                                                    \
                s[0] =                                                                             \
                    _mm512_fmadd_ps(maskload(m, row + i), _mm512_maskz_loadu_ps(m, x + i), s[0]);  \
            }                                                                                      \
            y[r] = _mm512_reduce_add_ps(                                                           \
                _mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3])));              \
        }                                                                                          \
    }

MATVEC(matvec_f32, float, _mm512_loadu_ps, _mm512_maskz_loadu_ps)
MATVEC(matvec_f16, lw_f16, lw_load_f16, lw_maskload_f16)
MATVEC(matvec_bf16, lw_bf16, lw_load_bf16, lw_maskload_bf16)

/* Products of weight and activation scale of up to 16 blocks, stride bytes apart. */
LW_INLINE __m512 scales16(const void *row, int stride, int n, const float *scale)
{
    __mmask16 m = lw_mask16(n);
    __m512i at =
        _mm512_mullo_epi32(_mm512_set1_epi32(stride),
                           _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    /* Reads 4 bytes per block: the two after the scale belong to the same block. */
    __m512i d = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), m, at, row, 1);
    return _mm512_mul_ps(_mm512_cvtph_ps(_mm512_cvtepi32_epi16(d)),
                         _mm512_maskz_loadu_ps(m, scale));
}

/* Two blocks as u8 = w + bias, in the order of 64 activations; the second one may be missing. */
LW_INLINE __m512i pair_q8_0(const lw_block_q8_0 *b, gboolean both)
{
    __m256i w0 = _mm256_loadu_si256((const void *)b[0].q);
    __m256i w1 = both ? _mm256_loadu_si256((const void *)b[1].q) : _mm256_setzero_si256();
    return _mm512_xor_si512(_mm512_inserti64x4(_mm512_castsi256_si512(w0), w1, 1),
                            _mm512_set1_epi8((char)128));
}

LW_INLINE __m512i pair_q4_0(const lw_block_q4_0 *b, gboolean both)
{
    const __m512i twice = _mm512_setr_epi64(0, 1, 0, 1, 2, 3, 2, 3);
    const __m512i shift = _mm512_setr_epi64(0, 0, 0x4000400040004, 0x4000400040004, 0, 0,
                                            0x4000400040004, 0x4000400040004);
    __m128i w0 = _mm_loadu_si128((const void *)b[0].q);
    __m128i w1 = both ? _mm_loadu_si128((const void *)b[1].q) : _mm_setzero_si128();
    __m512i w = _mm512_castsi256_si512(_mm256_inserti128_si256(_mm256_castsi128_si256(w0), w1, 1));
    w = _mm512_srlv_epi16(_mm512_permutexvar_epi64(twice, w), shift);
    return _mm512_and_si512(w, _mm512_set1_epi8(15));
}

/* The bias is taken off again with one more dot product, of the activations and the bias itself. */
#define MATVEC_INT(name, type, pair, bias)                                                         \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, const int8_t *q,           \
                     const float *scale, float *y)                                                 \
    {                                                                                              \
        const __m512i two = _mm512_set1_epi32(2), zero = _mm512_setzero_si512();                   \
        int n_blocks = k / LW_QK;                                                                  \
        for (int r = 0; r < n_rows; r++) {                                                         \
            const type *row = (const void *)((const char *)w + (gsize)r * row_bytes);              \
            __m512 s0 = _mm512_setzero_ps(), s1 = _mm512_setzero_ps();                             \
            for (int b0 = 0; b0 < n_blocks; b0 += 16) {                                            \
                int n = MIN(n_blocks - b0, 16);                                                    \
                __m512 d = scales16(row + b0, sizeof(type), n, scale + b0);                        \
                __m512i at = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);    \
                for (int b = b0; b < b0 + n; b += 2) {                                             \
                    gboolean both = b + 1 < n_blocks;                                              \
                    __m512i a =                                                                    \
                        _mm512_maskz_loadu_epi64(both ? 0xff : 0x0f, q + (gsize)b * LW_QK);        \
                    _mm_prefetch((const char *)(row + b) + AHEAD, _MM_HINT_T0);                    \
                    __m512i off = _mm512_dpbusd_epi32(zero, _mm512_set1_epi8((char)bias), a);      \
                    __m512i dot = _mm512_dpbusd_epi32(zero, pair(row + b, both), a);               \
                    __m512 f = _mm512_cvtepi32_ps(_mm512_sub_epi32(dot, off));                     \
                    s1 = _mm512_fmadd_ps(f, _mm512_permutexvar_ps(at, d), s1);                     \
                    at = _mm512_add_epi32(at, two);                                                \
                    __m512 t = s0;                                                                 \
                    s0 = s1;                                                                       \
                    s1 = t;                                                                        \
                }                                                                                  \
            }                                                                                      \
            y[r] = _mm512_reduce_add_ps(_mm512_add_ps(s0, s1));                                    \
        }                                                                                          \
    }

MATVEC_INT(matvec_q8_0, lw_block_q8_0, pair_q8_0, 128)
MATVEC_INT(matvec_q4_0, lw_block_q4_0, pair_q4_0, 8)

void lw_matvec_init_avx512(lw_kernels *k)
{
    k->matvec_f32 = matvec_f32;
    k->matvec_f16 = matvec_f16;
    k->matvec_bf16 = matvec_bf16;
    k->matvec_q8_0 = matvec_q8_0;
    k->matvec_q4_0 = matvec_q4_0;
}
