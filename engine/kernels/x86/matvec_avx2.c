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

/* Eight sums of four products.  Codes with minima are unsigned and go in as they are.  Of signed
 * ones |w| goes in as u8 (128 for -128), the sign onto the activation, which never is -128: each
 * 16-bit pair is at most 2 * 128 * 127 and does not saturate. */
LW_INLINE __m256 dot4(__m256i w, const int8_t *q, const gboolean minima)
{
    __m256i a = _mm256_loadu_si256((const void *)q);
    __m256i s = minima ? _mm256_maddubs_epi16(w, a)
                       : _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(s, _mm256_set1_epi16(1)));
}

/* Bytes of a block are asked for before they are needed, one request per line. */
LW_INLINE void prefetch(const void *block, gsize n_bytes)
{
    for (gsize c = 0; c < n_bytes; c += 64)
        _mm_prefetch((const char *)block + AHEAD + c, _MM_HINT_T0);
}

LW_INLINE float first(__m256 v)
{
    return _mm256_cvtss_f32(v);
}

#define ADD_BLOCK(name, minima, b, sum)                                                            \
    {                                                                                              \
        float d = first(from_raw_##name(_mm_cvtsi32_si128(raw_scale_##name(row + (b)))));          \
        __m256 f = dot4(codes_##name(row + (b), 0), x->q + (b)*LW_QK, minima);                     \
        sum = _mm256_fmadd_ps(f, _mm256_set1_ps(d * x->scale[b]), sum);                            \
        if (minima)                                                                                \
            mins += _cvtsh_ss(raw_min_##name(row + (b))) * x->sum32[b];                            \
    }

#define MATVEC_32(name, group, minima)                                                             \
    static void matvec_##name(const void *w, gsize row_bytes, int n_rows, int k,                   \
                              const lw_quant_row *x, float *y)                                     \
    {                                                                                              \
        gsize n_blocks = (gsize)k / 32;                                                            \
        for (int r = 0; r < n_rows; r++) {                                                         \
            const lw_block_##name *row = (const void *)((const char *)w + (gsize)r * row_bytes);   \
            __m256 s0 = _mm256_setzero_ps(), s1 = s0;                                              \
            float mins = 0;                                                                        \
            gsize b = 0;                                                                           \
            for (; b + 2 <= n_blocks; b += 2) {                                                    \
                _mm_prefetch((const char *)(row + b) + AHEAD, _MM_HINT_T0);                        \
                ADD_BLOCK(name, minima, b, s0)                                                     \
                ADD_BLOCK(name, minima, b + 1, s1)                                                 \
            }                                                                                      \
            if (b < n_blocks)                                                                      \
                ADD_BLOCK(name, minima, b, s0)                                                     \
            y[r] = lw_sum8(_mm256_add_ps(s0, s1)) + mins;                                          \
        }                                                                                          \
    }

/* The products of scales of one block of 256 as floats in memory: one per 32 or 16 columns. */
LW_INLINE void scale_products(float *out, const __m256 s[2], const float *scale, const int group)
{
    __m256 a = _mm256_loadu_ps(scale);

    if (group == 32) {
        _mm256_storeu_ps(out, _mm256_mul_ps(s[0], a));
        return;
    }
    __m256 lo = _mm256_permutevar8x32_ps(a, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
    __m256 hi = _mm256_permutevar8x32_ps(a, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7));
    _mm256_storeu_ps(out, _mm256_mul_ps(s[0], lo));
    _mm256_storeu_ps(out + 8, _mm256_mul_ps(s[1], hi));
}

/* Of group j, for the 8 lanes of its dot product. */
LW_INLINE __m256 lane_scales(const float *d, int j, const int group)
{
    if (group == 32)
        return _mm256_broadcast_ss(d + j);
    return _mm256_setr_m128(_mm_broadcast_ss(d + 2 * j), _mm_broadcast_ss(d + 2 * j + 1));
}

#define MATVEC_256(name, group, minima)                                                            \
    static void matvec_##name(const void *w, gsize row_bytes, int n_rows, int k,                   \
                              const lw_quant_row *x, float *y)                                     \
    {                                                                                              \
        for (int r = 0; r < n_rows; r++) {                                                         \
            const lw_block_##name *row = (const void *)((const char *)w + (gsize)r * row_bytes);   \
            __m256 s0 = _mm256_setzero_ps(), s1 = s0, mins = s0;                                   \
            for (gsize b = 0; b < (gsize)k / 256; b++) {                                           \
                const int8_t *q = x->q + b * 256;                                                  \
                __m256 sc[2], mn[2];                                                               \
                float d[16];                                                                       \
                prefetch(row + b, sizeof *row);                                                    \
                scales_##name(row + b, sc, mn);                                                    \
                scale_products(d, sc, x->scale + b * 8, group);                                    \
                if (minima) {                                                                      \
                    const float *sum = (group) == 32 ? x->sum32 + b * 8 : x->sum16 + b * 16;       \
                    for (int i = 0; i < 256 / (group) / 8; i++)                                    \
                        mins = _mm256_fmadd_ps(mn[i], _mm256_loadu_ps(sum + 8 * i), mins);         \
                }                                                                                  \
                LW_UNROLL                                                                          \
                for (int j = 0; j < 8; j += 2) {                                                   \
                    __m256 f0 = dot4(codes_##name(row + b, j), q + j * 32, minima);                \
                    __m256 f1 = dot4(codes_##name(row + b, j + 1), q + j * 32 + 32, minima);       \
                    s0 = _mm256_fmadd_ps(f0, lane_scales(d, j, group), s0);                        \
                    s1 = _mm256_fmadd_ps(f1, lane_scales(d, j + 1, group), s1);                    \
                }                                                                                  \
            }                                                                                      \
            y[r] = lw_sum8(_mm256_add_ps(_mm256_add_ps(s0, s1), mins));                            \
        }                                                                                          \
    }

#define MATVEC_BLOCKS(X, name, NAME, elems, group, minima) MATVEC_##elems(name, group, minima)

LW_BLOCK_TYPES(MATVEC_BLOCKS, )

void lw_matvec_init_avx2(lw_kernels *k)
{
    k->matvec_f32 = matvec_f32;
    k->matvec_f16 = matvec_f16;
    k->matvec_bf16 = matvec_bf16;
#define SET(X, name, ...) k->matvec_##name = matvec_##name;
    LW_BLOCK_TYPES(SET, )
#undef SET
}
