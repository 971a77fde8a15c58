/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A task's rows lie one after the other in the file.  They are not read front to back: a core has only so
 * many lines of one place on their way, and the machine's own prefetcher stops at every page.  So the rows
 * are cut into a few runs that are read side by side.  Each row's sum is made as if it were alone.
 */
#include "engine/kernels/x86/avx512.h"

/* Runs read at once: what the registers hold. */
#define RUNS_32 8
#define RUNS_256 4
#define RUNS_FLOAT 4

/* Bytes ahead of the loads, in every run. */
#define AHEAD 1024

LW_INLINE void fetch_ahead(const void *p, gsize n)
{
    for (gsize c = 0; c < n; c += 64)
        _mm_prefetch((const char *)p + AHEAD + c, _MM_HINT_T0);
}

/* matvec_NAME out of rows_NAME: rows r, r + apart, .. together, what is left over one by one. */
#define SPREAD(name, runs, block, activation)                                                      \
    static void matvec_##name(const void *w, gsize row_bytes, int n_rows, int k, activation x,     \
                              float *y)                                                            \
    {                                                                                              \
        int apart = n_rows / (runs), r = 0;                                                        \
        for (; r < apart; r++) {                                                                   \
            const block *row[runs];                                                                \
            float sum[runs];                                                                       \
            for (int i = 0; i < (runs); i++)                                                       \
                row[i] = (const void *)((const char *)w + (gsize)(r + i * apart) * row_bytes);     \
            rows_##name(row, k, x, sum, runs);                                                     \
            for (int i = 0; i < (runs); i++)                                                       \
                y[r + i * apart] = sum[i];                                                         \
        }                                                                                          \
        for (r = apart * (runs); r < n_rows; r++) {                                                \
            const block *row = (const void *)((const char *)w + (gsize)r * row_bytes);             \
            rows_##name(&row, k, x, y + r, 1);                                                     \
        }                                                                                          \
    }

#define MATVEC(name, type, load, maskload)                                                         \
    LW_INLINE void rows_##name(const type *const row[], int k, const float *x, float sum[],        \
                               const int n)                                                        \
    {                                                                                              \
        __m512 s[RUNS_FLOAT][4];                                                                   \
        int i = 0;                                                                                 \
        LW_UNROLL                                                                                  \
        for (int r = 0; r < n; r++)                                                                \
            s[r][0] = s[r][1] = s[r][2] = s[r][3] = _mm512_setzero_ps();                           \
        for (; i + 64 <= k; i += 64)                                                               \
            LW_UNROLL                                                                              \
        for (int r = 0; r < n; r++) {                                                              \
            fetch_ahead(row[r] + i, 64 * sizeof(type));                                            \
            LW_UNROLL                                                                              \
            for (int j = 0; j < 4; j++)                                                            \
                s[r][j] = _mm512_fmadd_ps(load(row[r] + i + 16 * j),                               \
                                          _mm512_loadu_ps(x + i + 16 * j), s[r][j]);               \
        }                                                                                          \
        for (; i < k; i += 16) {                                                                   \
            __mmask16 m = lw_mask16(k - i);                                                        \
            LW_UNROLL                                                                              \
            for (int r = 0; r < n; r++)                                                            \
                s[r][0] = _mm512_fmadd_ps(maskload(m, row[r] + i),                                 \
                                          _mm512_maskz_loadu_ps(m, x + i), s[r][0]);               \
        }                                                                                          \
        LW_UNROLL                                                                                  \
        for (int r = 0; r < n; r++)                                                                \
            sum[r] = _mm512_reduce_add_ps(                                                         \
                _mm512_add_ps(_mm512_add_ps(s[r][0], s[r][1]), _mm512_add_ps(s[r][2], s[r][3])));  \
    }                                                                                              \
    SPREAD(name, RUNS_FLOAT, type, const float *)

MATVEC(f32, float, _mm512_loadu_ps, _mm512_maskz_loadu_ps)
MATVEC(f16, lw_f16, lw_load_f16, lw_maskload_f16)
MATVEC(bf16, lw_bf16, lw_load_bf16, lw_maskload_bf16)

/* -- quantised types: 64 columns at a time ----------------------------------------------------- */

/* pair_NAME(b, p): 64 codes as u8 in the order of their columns; code + bias where codes are
 * signed. Of a block of 256 the p-th quarter; of blocks of 32 the ones at b and, if p, at b + 1.
 * The bias is taken off again with one more dot product, of the activations and the bias itself. */

LW_INLINE __m512i both_halves(const void *p)
{
    return _mm512_broadcast_i64x4(_mm256_loadu_si256(p));
}

LW_INLINE __m512i join(__m256i lo, __m256i hi)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1);
}

/* A shift of each 16 bits: lo in the first 32 bytes, hi in the others. */
LW_INLINE __m512i shifts(int lo, int hi)
{
    return join(_mm256_set1_epi16((short)lo), _mm256_set1_epi16((short)hi));
}

LW_INLINE __m512i bits(__m512i v, int mask)
{
    return _mm512_and_si512(v, _mm512_set1_epi8((char)mask));
}

/* Two times 16 bytes, 32 low nibbles before 32 high ones each. */
LW_INLINE __m512i pair_nibbles(const uint8_t *q0, const uint8_t *q1, int both)
{
    const __m512i twice = _mm512_setr_epi64(0, 1, 0, 1, 2, 3, 2, 3);
    const __m512i shift = _mm512_setr_epi64(0, 0, 0x4000400040004, 0x4000400040004, 0, 0,
                                            0x4000400040004, 0x4000400040004);
    __m128i w0 = _mm_loadu_si128((const void *)q0);
    __m128i w1 = both ? _mm_loadu_si128((const void *)q1) : _mm_setzero_si128();
    __m512i w = _mm512_castsi256_si512(_mm256_inserti128_si256(_mm256_castsi128_si256(w0), w1, 1));
    return bits(_mm512_srlv_epi16(_mm512_permutexvar_epi64(twice, w), shift), 15);
}

LW_INLINE __mmask64 pair_bits(const uint8_t *h0, const uint8_t *h1, int both)
{
    uint32_t lo, hi = 0;
    memcpy(&lo, h0, 4);
    if (both)
        memcpy(&hi, h1, 4);
    return _cvtu64_mask64(lo | (uint64_t)hi << 32);
}

LW_INLINE __m512i look_up_512(const int8_t table[16], __m512i n, int bias)
{
    __m512i t = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)table));
    return _mm512_shuffle_epi8(_mm512_add_epi8(t, _mm512_set1_epi8((char)bias)), n);
}

LW_INLINE __m512i pair_q8_0(const lw_block_q8_0 *b, int p)
{
    __m256i hi = p ? _mm256_loadu_si256((const void *)b[1].q) : _mm256_setzero_si256();
    return _mm512_xor_si512(join(_mm256_loadu_si256((const void *)b[0].q), hi),
                            _mm512_set1_epi8((char)128));
}

LW_INLINE __m512i pair_q4_0(const lw_block_q4_0 *b, int p)
{
    return pair_nibbles(b[0].q, b[1].q, p);
}

LW_INLINE __m512i pair_q4_1(const lw_block_q4_1 *b, int p)
{
    return pair_nibbles(b[0].q, b[1].q, p);
}

LW_INLINE __m512i pair_q5_0(const lw_block_q5_0 *b, int p)
{
    __m512i n = pair_nibbles(b[0].q, b[1].q, p);
    return _mm512_mask_add_epi8(n, pair_bits(b[0].high, b[1].high, p), n, _mm512_set1_epi8(16));
}

LW_INLINE __m512i pair_q5_1(const lw_block_q5_1 *b, int p)
{
    __m512i n = pair_nibbles(b[0].q, b[1].q, p);
    return _mm512_mask_add_epi8(n, pair_bits(b[0].high, b[1].high, p), n, _mm512_set1_epi8(16));
}

LW_INLINE __m512i pair_iq4_nl(const lw_block_iq4_nl *b, int p)
{
    return look_up_512(lw_values_iq4, pair_nibbles(b[0].q, b[1].q, p), 127);
}

LW_INLINE __m512i pair_mxfp4(const lw_block_mxfp4 *b, int p)
{
    return look_up_512(lw_values_mxfp4, pair_nibbles(b[0].q, b[1].q, p), 12);
}

/* Quarters 0 and 1 lie in the first 32 bytes, two bits at 0, 2 and 4, 6; 2 and 3 in the others. */
LW_INLINE __m512i pair_q2_k(const lw_block_q2_k *b, int p)
{
    int at = p % 2 * 4;
    return bits(_mm512_srlv_epi16(both_halves(b->q + p / 2 * 32), shifts(at, at + 2)), 3);
}

/* Bit 2p of byte l for column l, 2p + 1 for column 32 + l. */
LW_INLINE __mmask64 quarter_bits(const uint8_t high[32], int p)
{
    __m512i bit = join(_mm256_set1_epi8((char)(1 << 2 * p)), _mm256_set1_epi8((char)(2 << 2 * p)));
    return _mm512_test_epi8_mask(both_halves(high), bit);
}

LW_INLINE __m512i pair_q3_k(const lw_block_q3_k *b, int p)
{
    int at = p % 2 * 4;
    __m512i n = bits(_mm512_srlv_epi16(both_halves(b->q + p / 2 * 32), shifts(at, at + 2)), 3);
    return _mm512_mask_add_epi8(n, quarter_bits(b->high, p), n, _mm512_set1_epi8(4));
}

LW_INLINE __m512i pair_q4_k(const lw_block_q4_k *b, int p)
{
    return bits(_mm512_srlv_epi16(both_halves(b->q + p * 32), shifts(0, 4)), 15);
}

LW_INLINE __m512i pair_q5_k(const lw_block_q5_k *b, int p)
{
    __m512i n = bits(_mm512_srlv_epi16(both_halves(b->q + p * 32), shifts(0, 4)), 15);
    return _mm512_mask_add_epi8(n, quarter_bits(b->high, p), n, _mm512_set1_epi8(16));
}

/* Even quarters take low nibbles, odd ones high nibbles of the same 64 bytes; their two high bits
 * stand at 0, 2 and 4, 6 of 32 bytes and go to 4 and 5. */
LW_INLINE __m512i pair_q6_k(const lw_block_q6_k *b, int p)
{
    const __m512i low = _mm512_set1_epi8(15);
    __m512i q = _mm512_loadu_si512(b->q + p / 2 * 64), h = both_halves(b->high + p / 2 * 32);

    if (p % 2 == 0) {
        h = _mm512_sllv_epi16(h, shifts(4, 2));
    } else {
        q = _mm512_srli_epi16(q, 4);
        h = _mm512_srlv_epi16(h, shifts(0, 2));
    }
    return _mm512_ternarylogic_epi64(low, q, bits(h, 0x30), 0xca); /* low ? q : h */
}

LW_INLINE __m512i pair_iq4_xs(const lw_block_iq4_xs *b, int p)
{
    return look_up_512(lw_values_iq4, pair_nibbles(b->q + p * 32, b->q + p * 32 + 16, 1), 127);
}

enum {
    BIAS_q8_0 = 128,
    BIAS_q4_0 = 8,
    BIAS_q4_1 = 0,
    BIAS_q5_0 = 16,
    BIAS_q5_1 = 0,
    BIAS_iq4_nl = 127,
    BIAS_mxfp4 = 12,
    BIAS_q2_k = 0,
    BIAS_q3_k = 4,
    BIAS_q4_k = 0,
    BIAS_q5_k = 0,
    BIAS_q6_k = 32,
    BIAS_iq4_xs = 127,
};

/* What the bias of the codes adds to 16 sums of four products, taken off. */
LW_INLINE __m512i unbias(__m512i a, const int bias)
{
    const __m512i zero = _mm512_setzero_si512();

    if (!bias)
        return zero;
    return _mm512_sub_epi32(zero, _mm512_dpbusd_epi32(zero, _mm512_set1_epi8((char)bias), a));
}

/* 16 sums of four products of signed codes. */
LW_INLINE __m512 dot_64(__m512i code, __m512i a, __m512i start)
{
    return _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(start, code, a));
}

/* What stands first in up to 16 blocks of 32, stride bytes apart, in 4 bytes each. */
LW_INLINE __m512i heads(const void *row, int stride, __mmask16 m)
{
    __m512i at =
        _mm512_mullo_epi32(_mm512_set1_epi32(stride),
                           _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), m, at, row, 1);
}

LW_INLINE __m512 low_f16(__m512i v)
{
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(v));
}

LW_INLINE __m512 high_f16(__m512i v)
{
    return low_f16(_mm512_srli_epi32(v, 16));
}

LW_INLINE __m512 byte_exponent(__m512i v)
{
    __m512i e = _mm512_and_si512(v, _mm512_set1_epi32(255)), one = _mm512_set1_epi32(1);
    __m512i big = _mm512_slli_epi32(_mm512_sub_epi32(e, one), 23);
    __mmask16 tiny = _mm512_cmple_epu32_mask(e, one);
    return _mm512_castsi512_ps(_mm512_mask_sllv_epi32(big, tiny, _mm512_set1_epi32(0x00200000), e));
}

#define HEAD_q8_0 low_f16
#define HEAD_q4_0 low_f16
#define HEAD_q4_1 low_f16
#define HEAD_q5_0 low_f16
#define HEAD_q5_1 low_f16
#define HEAD_iq4_nl low_f16
#define HEAD_mxfp4 byte_exponent

/* Blocks b (and, if both, b + 1) of n rows, added to s; at: the lanes of d with their scales. */
#define PAIR_32(name)                                                                              \
    LW_INLINE void add_pair_##name(const lw_block_##name *const row[], int b, const int both,      \
                                   const lw_quant_row *x, const __m512 d[], __m512i at,            \
                                   __m512 s[], const int n)                                        \
    {                                                                                              \
        __m512i a = _mm512_maskz_loadu_epi64(both ? 0xff : 0x0f, x->q + (gsize)b * 32);            \
        __m512i start = unbias(a, BIAS_##name);                                                    \
        LW_UNROLL                                                                                  \
        for (int r = 0; r < n; r++) {                                                              \
            fetch_ahead(row[r] + b, 1); /* a line or less a pair */                                \
            s[r] = _mm512_fmadd_ps(dot_64(pair_##name(row[r] + b, both), a, start),                \
                                   _mm512_permutexvar_ps(at, d[r]), s[r]);                         \
        }                                                                                          \
    }

/* n rows, each of its own place in memory, side by side. */
#define ROWS_32(name, minima)                                                                      \
    LW_INLINE void rows_##name(const lw_block_##name *const row[], int k, const lw_quant_row *x,   \
                               float sum[], const int n)                                           \
    {                                                                                              \
        const __m512i two = _mm512_set1_epi32(2);                                                  \
        int n_blocks = k / 32;                                                                     \
        __m512 even[RUNS_32], odd[RUNS_32], mins[RUNS_32], d[RUNS_32];                             \
        LW_UNROLL                                                                                  \
        for (int r = 0; r < n; r++)                                                                \
            even[r] = odd[r] = mins[r] = _mm512_setzero_ps();                                      \
        for (int b0 = 0; b0 < n_blocks; b0 += 16) {                                                \
            int b = b0, end = MIN(n_blocks, b0 + 16);                                              \
            __mmask16 m = lw_mask16(end - b0);                                                     \
            __m512 scale = _mm512_maskz_loadu_ps(m, x->scale + b0);                                \
            __m512i at = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);        \
            LW_UNROLL                                                                              \
            for (int r = 0; r < n; r++) {                                                          \
                __m512i head = heads(row[r] + b0, sizeof *row[r], m);                              \
                d[r] = _mm512_mul_ps(HEAD_##name(head), scale);                                    \
                if (minima)                                                                        \
                    mins[r] = _mm512_fmadd_ps(                                                     \
                        high_f16(head), _mm512_maskz_loadu_ps(m, x->sum32 + b0), mins[r]);         \
            }                                                                                      \
            for (; b + 4 <= end; b += 4) {                                                         \
                add_pair_##name(row, b, 1, x, d, at, even, n);                                     \
                at = _mm512_add_epi32(at, two);                                                    \
                add_pair_##name(row, b + 2, 1, x, d, at, odd, n);                                  \
                at = _mm512_add_epi32(at, two);                                                    \
            }                                                                                      \
            if (b + 2 <= end) {                                                                    \
                add_pair_##name(row, b, 1, x, d, at, even, n);                                     \
                at = _mm512_add_epi32(at, two);                                                    \
                if (b + 2 < end)                                                                   \
                    add_pair_##name(row, b + 2, 0, x, d, at, odd, n);                              \
            } else if (b < end) {                                                                  \
                add_pair_##name(row, b, 0, x, d, at, even, n);                                     \
            }                                                                                      \
        }                                                                                          \
        LW_UNROLL                                                                                  \
        for (int r = 0; r < n; r++)                                                                \
            sum[r] = _mm512_reduce_add_ps(                                                         \
                _mm512_add_ps(_mm512_add_ps(even[r], odd[r]), mins[r]));                           \
    }

#define MATVEC_32(name, group, minima)                                                             \
    PAIR_32(name)                                                                                  \
    ROWS_32(name, minima)                                                                          \
    SPREAD(name, RUNS_32, lw_block_##name, const lw_quant_row *)

/* Scales of one block of 256 times the activations', as 16 lanes: groups of 16, or groups of 32
 * twice over; minima times sums are added to *mins. */
LW_INLINE __m512 times_act_16(const __m256 s[2], const float *scale)
{
    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    __m512 a = _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(scale)));
    return _mm512_mul_ps(_mm512_insertf32x8(_mm512_castps256_ps512(s[0]), s[1], 1), a);
}

#define ACT_SCALES(name, group, minima)                                                            \
    LW_INLINE __m512 act_scales_##name(const lw_block_##name *b, const lw_quant_row *x, gsize i,   \
                                       __m512 *mins)                                               \
    {                                                                                              \
        __m256 s[2], m[2];                                                                         \
        scales_##name(b, s, m);                                                                    \
        if (minima) {                                                                              \
            const float *sum = (group) == 32 ? x->sum32 + i * 8 : x->sum16 + i * 16;               \
            __m512 t = _mm512_castps256_ps512(_mm256_mul_ps(m[0], _mm256_loadu_ps(sum)));          \
            if ((group) == 16)                                                                     \
                t = _mm512_insertf32x8(t, _mm256_mul_ps(m[1], _mm256_loadu_ps(sum + 8)), 1);       \
            *mins = _mm512_mask_add_ps(*mins, (group) == 32 ? 0xff : 0xffff, *mins, t);            \
        }                                                                                          \
        if ((group) == 16)                                                                         \
            return times_act_16(s, x->scale + i * 8);                                              \
        return _mm512_castps256_ps512(_mm256_mul_ps(s[0], _mm256_loadu_ps(x->scale + i * 8)));     \
    }

/* The scale of each of the 16 sums of quarter p. */
LW_INLINE __m512i lanes_of(int p, const int group)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_add_epi32(_mm512_srli_epi32(lane, group == 32 ? 3 : 2),
                            _mm512_set1_epi32(p * 64 / group));
}

#define ROWS_256(name, group, minima)                                                              \
    ACT_SCALES(name, group, minima)                                                                \
    LW_INLINE void rows_##name(const lw_block_##name *const row[], int k, const lw_quant_row *x,   \
                               float sum[], const int n)                                           \
    {                                                                                              \
        __m512 even[RUNS_256], odd[RUNS_256], mins[RUNS_256], d[RUNS_256];                             \
        LW_UNROLL                                                                                  \
        for (int r = 0; r < n; r++)                                                                \
            even[r] = odd[r] = mins[r] = _mm512_setzero_ps();                                      \
        for (gsize b = 0; b < (gsize)k / 256; b++) {                                               \
            LW_UNROLL                                                                              \
            for (int r = 0; r < n; r++) {                                                          \
                fetch_ahead(row[r] + b, sizeof(lw_block_##name));                                  \
                d[r] = act_scales_##name(row[r] + b, x, b, &mins[r]);                              \
            }                                                                                      \
            LW_UNROLL                                                                              \
            for (int p = 0; p < 4; p++) {                                                          \
                __m512i a = _mm512_loadu_si512(x->q + b * 256 + p * 64);                           \
                __m512i start = unbias(a, BIAS_##name), at = lanes_of(p, group);                   \
                __m512 *s = p % 2 ? odd : even;                                                    \
                LW_UNROLL                                                                          \
                for (int r = 0; r < n; r++)                                                        \
                    s[r] = _mm512_fmadd_ps(dot_64(pair_##name(row[r] + b, p), a, start),           \
                                           _mm512_permutexvar_ps(at, d[r]), s[r]);                 \
            }                                                                                      \
        }                                                                                          \
        LW_UNROLL                                                                                  \
        for (int r = 0; r < n; r++)                                                                \
            sum[r] = _mm512_reduce_add_ps(                                                         \
                _mm512_add_ps(_mm512_add_ps(even[r], odd[r]), mins[r]));                           \
    }

#define MATVEC_256(name, group, minima)                                                            \
    ROWS_256(name, group, minima)                                                                  \
    SPREAD(name, RUNS_256, lw_block_##name, const lw_quant_row *)

#define MATVEC_BLOCKS(X, name, NAME, elems, group, minima) MATVEC_##elems(name, group, minima)

LW_BLOCK_TYPES(MATVEC_BLOCKS, )

void lw_matvec_init_avx512(lw_kernels *k)
{
    k->matvec_f32 = matvec_f32;
    k->matvec_f16 = matvec_f16;
    k->matvec_bf16 = matvec_bf16;
#define SET(X, name, ...) k->matvec_##name = matvec_##name;
    LW_BLOCK_TYPES(SET, )
#undef SET
}
