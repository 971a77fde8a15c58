/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Integers: half a panel (8 rows) at a time against 4 activation rows; the block's float sums wait
 * in memory between blocks.  Floats: 6 activation rows x 16 outputs.
 */
#include "engine/kernels/x86/avx2.h"

/* -- unpacking --------------------------------------------------------------------------------- */

/* v: 32 columns of 8 rows; out: 8 groups of 8 rows x 4 columns, 64 bytes apart. */
LW_INLINE void store_half(uint8_t *panel, __m256i v[8], __m256i flip)
{
    __m256 t[8];

    LW_UNROLL
    for (int r = 0; r < 8; r++)
        t[r] = _mm256_castsi256_ps(_mm256_xor_si256(v[r], flip));
    lw_transpose8(t);
    LW_UNROLL
    for (int g = 0; g < 8; g++)
        _mm256_store_si256((void *)(panel + g * 64), _mm256_castps_si256(t[g]));
}

LW_INLINE __m256i load_q8_0(const lw_block_q8_0 *b)
{
    return _mm256_loadu_si256((const void *)b->q);
}

LW_INLINE __m256i load_q4_0(const lw_block_q4_0 *b)
{
    __m128i q = _mm_loadu_si128((const void *)b->q);
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
            for (int h = 0; h < 16; h += 8) {                                                      \
                uint16_t d[8];                                                                     \
                __m256i v[8];                                                                      \
                for (int r = 0; r < 8; r++) {                                                      \
                    const type *block = (const type *)(const void *)row[h + r] + b;                \
                    d[r] = block->d;                                                               \
                    v[r] = load(block);                                                            \
                }                                                                                  \
                store_half(panel + h * 4, v, flip);                                                \
                _mm256_store_ps(scale + h, lw_load_f16(d));                                        \
            }                                                                                      \
        }                                                                                          \
    }

PACK_INT(pack_q8_0, lw_block_q8_0, load_q8_0, _mm256_set1_epi8((char)128))
PACK_INT(pack_q4_0, lw_block_q4_0, load_q4_0, _mm256_setzero_si256())

/* 8 columns from i on of 8 rows; n of them exist. */
#define PACK_8(type, load)                                                                         \
    {                                                                                              \
        __m256 t[8];                                                                               \
        LW_UNROLL                                                                                  \
        for (int r = 0; r < 8; r++)                                                                \
            t[r] = load((const type *)(const void *)row[r] + i);                                   \
        lw_transpose8(t);                                                                          \
        LW_UNROLL                                                                                  \
        for (int c = 0; c < 8; c++)                                                                \
            if (c < n)                                                                             \
                _mm256_store_ps(panel + (gsize)(i + c) * LW_PANEL_F32_ROWS + h, t[c]);             \
    }

#define PACK_FLOAT(name, type, load8, load_n)                                                      \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, float *panel)              \
    {                                                                                              \
        for (int h = 0; h < LW_PANEL_F32_ROWS; h += 8) {                                           \
            const char *row[8];                                                                    \
            int i = 0, n = 8;                                                                      \
            for (int r = 0; r < 8; r++)                                                            \
                row[r] = (const char *)w + (gsize)MIN(h + r, n_rows - 1) * row_bytes;              \
            for (; i + 8 <= k; i += 8)                                                             \
                PACK_8(type, load8)                                                                \
            n = k - i;                                                                             \
            if (n > 0)                                                                             \
                PACK_8(type, load_n)                                                               \
        }                                                                                          \
    }

#define REST_F32(p) lw_load_n_f32(p, n)
#define REST_F16(p) lw_load_n_f16(p, n)
#define REST_BF16(p) lw_load_n_bf16(p, n)

PACK_FLOAT(pack_f32, float, _mm256_loadu_ps, REST_F32)
PACK_FLOAT(pack_f16, lw_f16, lw_load_f16, REST_F16)
PACK_FLOAT(pack_bf16, lw_bf16, lw_load_bf16, REST_BF16)

/* -- products ---------------------------------------------------------------------------------- */

LW_INLINE __m256i broadcast4(const int8_t *p)
{
    int32_t v;
    memcpy(&v, p, 4);
    return _mm256_set1_epi32(v);
}

/* n rows of one tile from row r0 on, panel rows h .. h + 7. */
LW_INLINE void int_rows(const lw_panel_mul *a, gsize tile, int r0, int h, const int n)
{
    const __m256i ones = _mm256_set1_epi16(1), flip = _mm256_set1_epi8((char)128);
    gsize n_blocks = (gsize)a->k / LW_QK, at = tile * n_blocks * LW_TILE_ROWS + r0;
    const int8_t *q = a->q + at * LW_QK;
    const float *scale = a->scale + at, *wscale = a->panel_scale + h;
    const uint8_t *panel = (const uint8_t *)a->panel + h * 4;
    __m256 sum[4];

    LW_UNROLL
    for (int r = 0; r < n; r++)
        sum[r] = _mm256_setzero_ps();
    for (gsize b = 0; b < n_blocks; b++) {
        __m256i dot[4];
        LW_UNROLL
        for (int r = 0; r < n; r++)
            dot[r] = _mm256_setzero_si256();
        LW_UNROLL
        for (int g = 0; g < 8; g++) {
            /* The magnitude as u8, the sign onto the activation: see matvec_avx2.c. */
            __m256i w = _mm256_xor_si256(_mm256_load_si256((const void *)(panel + g * 64)), flip);
            __m256i size = _mm256_abs_epi8(w);
            LW_UNROLL
            for (int r = 0; r < n; r++) {
                __m256i x = _mm256_sign_epi8(broadcast4(q + r * LW_QK + g * 4), w);
                x = _mm256_madd_epi16(_mm256_maddubs_epi16(size, x), ones);
                dot[r] = _mm256_add_epi32(dot[r], x);
            }
        }
        __m256 d = _mm256_load_ps(wscale);
        LW_UNROLL
        for (int r = 0; r < n; r++)
            sum[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[r]),
                                     _mm256_mul_ps(d, _mm256_set1_ps(scale[r])), sum[r]);
        panel += 512;
        wscale += 16;
        q += LW_TILE_ROWS * LW_QK;
        scale += LW_TILE_ROWS;
    }

    __m256i m = lw_mask8(a->cols - h);
    __m256 bias = a->bias ? _mm256_maskload_ps(a->bias + h, m) : _mm256_setzero_ps();
    float *y = a->y + (tile * LW_TILE_ROWS + r0) * a->y_stride + h;
    for (int r = 0; r < n; r++)
        _mm256_maskstore_ps(y + r * a->y_stride, m, _mm256_add_ps(sum[r], bias));
}

static void panel_i8(const lw_panel_mul *a)
{
    for (int i = 0; i < a->rows; i += 4) {
        gsize tile = i / LW_TILE_ROWS;
        int r0 = i % LW_TILE_ROWS, left = a->rows - i;
        for (int h = 0; h < a->cols; h += 8) {
            if (left >= 4) {
                int_rows(a, tile, r0, h, 4);
            } else {
                if (left & 2)
                    int_rows(a, tile, r0, h, 2);
                if (left & 1)
                    int_rows(a, tile, r0 + (left & 2), h, 1);
            }
        }
    }
}

LW_INLINE void float_rows(const lw_panel_mul *a, int r0, int h, const int n)
{
    const float *x[6], *panel = (const float *)a->panel + h;
    __m256 s0[6], s1[6];

    LW_UNROLL
    for (int r = 0; r < n; r++) {
        x[r] = a->x + (gsize)(r0 + r) * a->x_stride;
        s0[r] = s1[r] = _mm256_setzero_ps();
    }
    for (gsize j = 0; j < (gsize)a->k; j++, panel += LW_PANEL_F32_ROWS) {
        __m256 w0 = _mm256_load_ps(panel), w1 = _mm256_load_ps(panel + 8);
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            __m256 v = _mm256_broadcast_ss(x[r] + j);
            s0[r] = _mm256_fmadd_ps(w0, v, s0[r]);
            s1[r] = _mm256_fmadd_ps(w1, v, s1[r]);
        }
    }

    __m256i m0 = lw_mask8(a->cols - h), m1 = lw_mask8(a->cols - h - 8);
    __m256 b0 = _mm256_setzero_ps(), b1 = b0;
    if (a->bias) {
        b0 = _mm256_maskload_ps(a->bias + h, m0);
        b1 = _mm256_maskload_ps(a->bias + h + 8, m1);
    }
    LW_UNROLL
    for (int r = 0; r < n; r++) {
        float *y = a->y + (gsize)(r0 + r) * a->y_stride + h;
        _mm256_maskstore_ps(y, m0, _mm256_add_ps(s0[r], b0));
        _mm256_maskstore_ps(y + 8, m1, _mm256_add_ps(s1[r], b1));
    }
}

static void panel_f32(const lw_panel_mul *a)
{
    for (int i = 0; i < a->rows; i += 6) {
        int left = a->rows - i;
        for (int h = 0; h < a->cols; h += 16) {
            int r = i;
            if (left >= 6) {
                float_rows(a, r, h, 6);
                continue;
            }
            if (left & 4)
                float_rows(a, r, h, 4), r += 4;
            if (left & 2)
                float_rows(a, r, h, 2), r += 2;
            if (left & 1)
                float_rows(a, r, h, 1);
        }
    }
}

void lw_matmul_init_avx2(lw_kernels *k)
{
    k->pack_q8_0 = pack_q8_0;
    k->pack_q4_0 = pack_q4_0;
    k->pack_f32 = pack_f32;
    k->pack_f16 = pack_f16;
    k->pack_bf16 = pack_bf16;
    k->panel_i8 = panel_i8;
    k->panel_f32 = panel_f32;
}
