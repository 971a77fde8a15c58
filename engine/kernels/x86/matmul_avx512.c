/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Panels in registers.  Integers: the 8 vectors of a block (16 rows x 32 columns) stay in registers
 * while up to 16 activation rows pass; each row is 8 vpdpbusd with a broadcast operand, one
 * conversion, one product of scales and one fma.  Floats: 8 activation rows x 32 outputs.
 */
#include "engine/kernels/x86/avx512.h"

/* -- unpacking --------------------------------------------------------------------------------- */

/* v[i]: columns 4j..4j+3, j = 0..7, of rows i (low 256 bits) and i + 8 (high) -> panel order. */
LW_INLINE void store_block(uint8_t *panel, __m512i v[8], __m512i flip)
{
    const __m512i even =
        _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
    const __m512i odd =
        _mm512_setr_epi32(4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    __m512i u[8];

    for (int i = 0; i < 8; i += 4) { /* 4x4 of 32 bits within each 128-bit lane */
        __m512i a = _mm512_unpacklo_epi32(v[i], v[i + 1]),
                b = _mm512_unpackhi_epi32(v[i], v[i + 1]);
        __m512i c = _mm512_unpacklo_epi32(v[i + 2], v[i + 3]);
        __m512i d = _mm512_unpackhi_epi32(v[i + 2], v[i + 3]);
        u[i + 0] = _mm512_unpacklo_epi64(a, c);
        u[i + 1] = _mm512_unpackhi_epi64(a, c);
        u[i + 2] = _mm512_unpacklo_epi64(b, d);
        u[i + 3] = _mm512_unpackhi_epi64(b, d);
    }
    LW_UNROLL
    for (int g = 0; g < 4; g++) {
        __m512i lo = _mm512_permutex2var_epi32(u[g], even, u[g + 4]);
        __m512i hi = _mm512_permutex2var_epi32(u[g], odd, u[g + 4]);
        _mm512_store_si512(panel + g * 64, _mm512_xor_si512(lo, flip));
        _mm512_store_si512(panel + (g + 4) * 64, _mm512_xor_si512(hi, flip));
    }
}

LW_INLINE __m256i load_q8_0(const void *block)
{
    return _mm256_loadu_si256((const void *)((const lw_block_q8_0 *)block)->q);
}

/* n + 120, which is (n - 8) + 128. */
LW_INLINE __m256i load_q4_0(const void *block)
{
    __m128i q = _mm_loadu_si128((const void *)((const lw_block_q4_0 *)block)->q);
    __m256i w = _mm256_inserti128_si256(_mm256_castsi128_si256(q), _mm_srli_epi16(q, 4), 1);
    return _mm256_add_epi8(_mm256_and_si256(w, _mm256_set1_epi8(15)), _mm256_set1_epi8(120));
}

#define PACK_INT(name, type, load, flip)                                                           \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, uint8_t *panel,            \
                     float *scale)                                                                 \
    {                                                                                              \
        const char *row[16];                                                                       \
        for (int r = 0; r < 16; r++)                                                               \
            row[r] = (const char *)w + (gsize)MIN(r, n_rows - 1) * row_bytes;                      \
        for (gsize b = 0; b < (gsize)k / LW_QK; b++, panel += 512, scale += 16) {                  \
            gsize at = b * sizeof(type);                                                           \
            uint16_t d[16];                                                                        \
            __m512i v[8];                                                                          \
            for (int r = 0; r < 16; r++)                                                           \
                d[r] = ((const type *)(const void *)(row[r] + at))->d;                             \
            for (int r = 0; r < 8; r++)                                                            \
                v[r] = _mm512_inserti64x4(_mm512_castsi256_si512(load(row[r] + at)),               \
                                          load(row[r + 8] + at), 1);                               \
            store_block(panel, v, flip);                                                           \
            _mm512_store_ps(scale, lw_load_f16(d));                                                \
        }                                                                                          \
    }

PACK_INT(pack_q8_0, lw_block_q8_0, load_q8_0, _mm512_set1_epi8((char)128))
PACK_INT(pack_q4_0, lw_block_q4_0, load_q4_0, _mm512_setzero_si512())

#define PACK_FLOAT(name, type, maskload)                                                           \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, float *panel)              \
    {                                                                                              \
        for (int h = 0; h < LW_PANEL_F32_ROWS; h += 16) {                                          \
            for (int i = 0; i < k; i += 16) {                                                      \
                __m512 t[16];                                                                      \
                for (int r = 0; r < 16; r++) {                                                     \
                    gsize at = (gsize)MIN(h + r, n_rows - 1) * row_bytes;                          \
                    t[r] = maskload(lw_mask16(k - i),                                              \
                                    (const type *)(const void *)((const char *)w + at) + i);       \
                }                                                                                  \
                lw_transpose16(t);                                                                 \
                for (int c = 0; c < MIN(16, k - i); c++)                                           \
                    _mm512_store_ps(panel + (gsize)(i + c) * LW_PANEL_F32_ROWS + h, t[c]);         \
            }                                                                                      \
        }                                                                                          \
    }

PACK_FLOAT(pack_f32, float, _mm512_maskz_loadu_ps)
PACK_FLOAT(pack_f16, lw_f16, lw_maskload_f16)
PACK_FLOAT(pack_bf16, lw_bf16, lw_maskload_bf16)

/* -- products ---------------------------------------------------------------------------------- */

/* sum + four products per lane, the same four activations for every lane.  gcc 12 splits the
 * broadcast off the instruction when given intrinsics, which costs a fifth of the speed. */
LW_INLINE __m512i dot_broadcast(__m512i sum, __m512i w, const int8_t *p)
{
#if defined(__GNUC__) && !defined(__clang__)
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(w), "m"(*(const int8_t(*)[4])p));
    return sum;
#else
    int32_t v;
    memcpy(&v, p, 4);
    return _mm512_dpbusd_epi32(sum, w, _mm512_set1_epi32(v));
#endif
}

/* n rows of one tile, from row r0 of it on. */
LW_INLINE void int_rows(const lw_panel_mul *a, gsize tile, int r0, const int n)
{
    gsize n_blocks = (gsize)a->k / LW_QK, at = tile * n_blocks * LW_TILE_ROWS + r0;
    const int8_t *q = a->q + at * LW_QK;
    const float *scale = a->scale + at, *wscale = a->panel_scale;
    const int32_t *qsum = a->qsum + at;
    const uint8_t *panel = a->panel;
    __m512 sum[LW_TILE_ROWS];

    LW_UNROLL
    for (int r = 0; r < n; r++)
        sum[r] = _mm512_setzero_ps();
    for (gsize b = 0; b < n_blocks; b++) {
        __m512i w[8];
        __m512 d = _mm512_load_ps(wscale);
        LW_UNROLL
        for (int g = 0; g < 8; g++)
            w[g] = _mm512_load_si512(panel + g * 64);
        LW_UNROLL
        for (int r = 0; r < n; r += 4) { /* four chains at a time hide vpdpbusd's latency */
            __m512i dot[4];
            const int m = MIN(4, n - r);
            LW_UNROLL
            for (int i = 0; i < m; i++)
                dot[i] = _mm512_set1_epi32(qsum[r + i]);
            LW_UNROLL
            for (int g = 0; g < 8; g++) {
                LW_UNROLL
                for (int i = 0; i < m; i++)
                    dot[i] = dot_broadcast(dot[i], w[g], q + (r + i) * LW_QK + g * 4);
            }
            LW_UNROLL
            for (int i = 0; i < m; i++)
                sum[r + i] =
                    _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[i]),
                                    _mm512_mul_ps(d, _mm512_set1_ps(scale[r + i])), sum[r + i]);
        }
        panel += 512;
        wscale += 16;
        q += LW_TILE_ROWS * LW_QK;
        scale += LW_TILE_ROWS;
        qsum += LW_TILE_ROWS;
    }

    __mmask16 m = lw_mask16(a->cols);
    __m512 bias = a->bias ? _mm512_maskz_loadu_ps(m, a->bias) : _mm512_setzero_ps();
    float *y = a->y + (tile * LW_TILE_ROWS + r0) * a->y_stride;
    LW_UNROLL
    for (int r = 0; r < n; r++)
        _mm512_mask_storeu_ps(y + r * a->y_stride, m, _mm512_add_ps(sum[r], bias));
}

static void panel_i8(const lw_panel_mul *a)
{
    int i = 0;

    for (; i + LW_TILE_ROWS <= a->rows; i += LW_TILE_ROWS)
        int_rows(a, i / LW_TILE_ROWS, 0, LW_TILE_ROWS);
    gsize tile = i / LW_TILE_ROWS;
    int left = a->rows - i, r = 0;
    if (left & 8)
        int_rows(a, tile, r, 8), r += 8;
    if (left & 4)
        int_rows(a, tile, r, 4), r += 4;
    if (left & 2)
        int_rows(a, tile, r, 2), r += 2;
    if (left & 1)
        int_rows(a, tile, r, 1);
}

LW_INLINE void float_rows(const lw_panel_mul *a, int r0, const int n)
{
    const float *x[8], *panel = a->panel;
    __m512 s0[8], s1[8];

    LW_UNROLL
    for (int r = 0; r < n; r++) {
        x[r] = a->x + (gsize)(r0 + r) * a->x_stride;
        s0[r] = s1[r] = _mm512_setzero_ps();
    }
    for (gsize j = 0; j < (gsize)a->k; j++, panel += LW_PANEL_F32_ROWS) {
        __m512 w0 = _mm512_load_ps(panel), w1 = _mm512_load_ps(panel + 16);
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            __m512 v = _mm512_set1_ps(x[r][j]);
            s0[r] = _mm512_fmadd_ps(w0, v, s0[r]);
            s1[r] = _mm512_fmadd_ps(w1, v, s1[r]);
        }
    }

    __mmask16 m0 = lw_mask16(a->cols), m1 = lw_mask16(MAX(a->cols - 16, 0));
    __m512 b0 = _mm512_setzero_ps(), b1 = b0;
    if (a->bias) {
        b0 = _mm512_maskz_loadu_ps(m0, a->bias);
        b1 = _mm512_maskz_loadu_ps(m1, a->bias + 16);
    }
    LW_UNROLL
    for (int r = 0; r < n; r++) {
        float *y = a->y + (gsize)(r0 + r) * a->y_stride;
        _mm512_mask_storeu_ps(y, m0, _mm512_add_ps(s0[r], b0));
        if (m1)
            _mm512_mask_storeu_ps(y + 16, m1, _mm512_add_ps(s1[r], b1));
    }
}

static void panel_f32(const lw_panel_mul *a)
{
    int i = 0;

    for (; i + 8 <= a->rows; i += 8)
        float_rows(a, i, 8);
    if (a->rows - i >= 4)
        float_rows(a, i, 4), i += 4;
    if (a->rows - i >= 2)
        float_rows(a, i, 2), i += 2;
    if (i < a->rows)
        float_rows(a, i, 1);
}

void lw_matmul_init_avx512(lw_kernels *k)
{
    k->pack_q8_0 = pack_q8_0;
    k->pack_q4_0 = pack_q4_0;
    k->pack_f32 = pack_f32;
    k->pack_f16 = pack_f16;
    k->pack_bf16 = pack_bf16;
    k->panel_i8 = panel_i8;
    k->panel_f32 = panel_f32;
}
