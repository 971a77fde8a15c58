/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One row at a time, as in matvec_avx512.c.
 */
#include "engine/kernels/x86/avx2.h"

#define AHEAD 4096

#define MATVEC(name, type, load, load_n)                                                           \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, const float *x, float *y)  \
    {                                                                                              \
        for (int r = 0; r < n_rows; r++) {                                                         \
            const type *row = (const type *)((const char *)w + (gsize)r * row_bytes);              \
            __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;                            \
            int i = 0;                                                                             \
            for (; i + 32 <= k; i += 32) {                                                         \
                for (gsize c = 0; c < 32 * sizeof(type); c += 64)                                  \
                    _mm_prefetch((const char *)(row + i) + AHEAD + c, _MM_HINT_T0);                \
                s0 = _mm256_fmadd_ps(load(row + i), _mm256_loadu_ps(x + i), s0);                   \
                s1 = _mm256_fmadd_ps(load(row + i + 8), _mm256_loadu_ps(x + i + 8), s1);           \
                s2 = _mm256_fmadd_ps(load(row + i + 16), _mm256_loadu_ps(x + i + 16), s2);         \
                s3 = _mm256_fmadd_ps(load(row + i + 24), _mm256_loadu_ps(x + i + 24), s3);         \
            }                                                                                      \
            for (; i < k; i += 8)                                                                  \
                s0 = _mm256_fmadd_ps(load_n(row + i, k - i), lw_load_n_f32(x + i, k - i), s0);     \
            y[r] = lw_sum8(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3)));           \
        }                                                                                          \
    }

MATVEC(matvec_f32, float, _mm256_loadu_ps, lw_load_n_f32)
MATVEC(matvec_f16, lw_f16, lw_load_f16, lw_load_n_f16)
MATVEC(matvec_bf16, lw_bf16, lw_load_bf16, lw_load_n_bf16)

/* Eight sums of four products.  |w| goes in as u8 (128 for -128), the sign onto the activation,
 * which never is -128: each 16-bit pair is at most 2 * 128 * 127 and does not saturate. */
LW_INLINE __m256i dot4(__m256i w, __m256i a)
{
    __m256i s = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
    return _mm256_madd_epi16(s, _mm256_set1_epi16(1));
}

LW_INLINE __m256i load_q8_0(const lw_block_q8_0 *b)
{
    return _mm256_loadu_si256((const void *)b->q);
}

LW_INLINE __m256i load_q4_0(const lw_block_q4_0 *b)
{
    __m128i q = _mm_loadu_si128((const void *)b->q);
    __m256i w = _mm256_inserti128_si256(_mm256_castsi128_si256(q), _mm_srli_epi16(q, 4), 1);
    return _mm256_sub_epi8(_mm256_and_si256(w, _mm256_set1_epi8(15)), _mm256_set1_epi8(8));
}

LW_INLINE __m256 add_block(__m256 sum, __m256i w, lw_f16 d, const int8_t *q, float scale)
{
    __m256 f = _mm256_cvtepi32_ps(dot4(w, _mm256_loadu_si256((const void *)q)));
    return _mm256_fmadd_ps(f, _mm256_set1_ps(_cvtsh_ss(d) * scale), sum);
}

#define MATVEC_INT(name, type, load)                                                               \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, const int8_t *q,           \
                     const float *scale, float *y)                                                 \
    {                                                                                              \
        int n_blocks = k / LW_QK;                                                                  \
        for (int r = 0; r < n_rows; r++) {                                                         \
            const type *row = (const void *)((const char *)w + (gsize)r * row_bytes);              \
            __m256 s0 = _mm256_setzero_ps(), s1 = s0;                                              \
            int b = 0;                                                                             \
            for (; b + 2 <= n_blocks; b += 2) {                                                    \
                _mm_prefetch((const char *)(row + b) + AHEAD, _MM_HINT_T0);                        \
                s0 = add_block(s0, load(row + b), row[b].d, q + b * LW_QK, scale[b]);              \
                s1 = add_block(s1, load(row + b + 1), row[b + 1].d, q + (b + 1) * LW_QK,           \
                               scale[b + 1]);                                                      \
            }                                                                                      \
            if (b < n_blocks)                                                                      \
                s0 = add_block(s0, load(row + b), row[b].d, q + b * LW_QK, scale[b]);              \
            y[r] = lw_sum8(_mm256_add_ps(s0, s1));                                                 \
        }                                                                                          \
    }

MATVEC_INT(matvec_q8_0, lw_block_q8_0, load_q8_0)
MATVEC_INT(matvec_q4_0, lw_block_q4_0, load_q4_0)

void lw_matvec_init_avx2(lw_kernels *k)
{
    k->matvec_f32 = matvec_f32;
    k->matvec_f16 = matvec_f16;
    k->matvec_bf16 = matvec_bf16;
    k->matvec_q8_0 = matvec_q8_0;
    k->matvec_q4_0 = matvec_q4_0;
}
