/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Integers: half a panel (8 rows) at a time against 4 activation rows; the block's float sums wait
 * in memory between blocks.  Floats: 6 activation rows x 16 outputs.
 */
#include "engine/kernels/x86/avx2.h"

LW_INLINE __m256i broadcast4(const int8_t *p)
{
    int32_t v;
    memcpy(&v, p, 4);
    return _mm256_set1_epi32(v);
}

/* Eight rows' sums of 4 columns.  Codes that may be negative go in as a magnitude (u8), their sign
 * onto the activation: see matvec_avx2.c. */
LW_INLINE __m256i add_dots(__m256i dot, __m256i w, __m256i size, __m256i x, const gboolean minima)
{
    const __m256i ones = _mm256_set1_epi16(1);

    x = minima ? x : _mm256_sign_epi8(x, w);
    return _mm256_add_epi32(dot, _mm256_madd_epi16(_mm256_maddubs_epi16(size, x), ones));
}

/* n rows of one tile from row r0 on, panel rows h .. h + 7; `parts` scales per 32 columns. */
LW_INLINE void int_rows(const lw_panel_mul *a, gsize tile, int r0, int h, const int n,
                        const int parts, const gboolean minima)
{
    const __m256i flip = _mm256_set1_epi8((char)128);
    gsize n_blocks = (gsize)a->k / LW_QK, at = tile * n_blocks * LW_TILE_ROWS;
    const int8_t *q = a->q + (at + r0) * LW_QK;
    const float *scale = a->scale + at + r0, *wscale = a->panel_scale + h;
    const float *wmin = minima ? a->panel_min + h : NULL;
    const float *xsum = minima ? a->sum + at * parts + r0 : NULL;
    const uint8_t *panel = (const uint8_t *)a->panel + h * 4;
    const int per_part = 8 / parts;
    __m256 sum[4];

    LW_UNROLL
    for (int r = 0; r < n; r++)
        sum[r] = _mm256_setzero_ps();
    for (gsize b = 0; b < n_blocks; b++) {
        LW_UNROLL
        for (int part = 0; part < parts; part++) {
            __m256i dot[4];
            LW_UNROLL
            for (int r = 0; r < n; r++)
                dot[r] = _mm256_setzero_si256();
            LW_UNROLL
            for (int i = 0; i < per_part; i++) {
                int g = part * per_part + i;
                __m256i w = _mm256_load_si256((const void *)(panel + g * 64)), size = w;
                if (!minima) {
                    w = _mm256_xor_si256(w, flip);
                    size = _mm256_abs_epi8(w);
                }
                LW_UNROLL
                for (int r = 0; r < n; r++)
                    dot[r] = add_dots(dot[r], w, size, broadcast4(q + r * LW_QK + g * 4), minima);
            }
            __m256 d = _mm256_load_ps(wscale);
            LW_UNROLL
            for (int r = 0; r < n; r++)
                sum[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[r]),
                                         _mm256_mul_ps(d, _mm256_set1_ps(scale[r])), sum[r]);
            wscale += LW_PANEL_I8_ROWS;
            if (minima) {
                __m256 m = _mm256_load_ps(wmin);
                LW_UNROLL
                for (int r = 0; r < n; r++)
                    sum[r] = _mm256_fmadd_ps(m, _mm256_set1_ps(xsum[r]), sum[r]);
                wmin += LW_PANEL_I8_ROWS;
                xsum += LW_TILE_ROWS;
            }
        }
        panel += 512;
        q += LW_TILE_ROWS * LW_QK;
        scale += LW_TILE_ROWS;
    }

    __m256i m = lw_mask8(a->cols - h);
    __m256 bias = a->bias ? _mm256_maskload_ps(a->bias + h, m) : _mm256_setzero_ps();
    float *y = a->y + (tile * LW_TILE_ROWS + r0) * a->y_stride + h;
    for (int r = 0; r < n; r++)
        _mm256_maskstore_ps(y + r * a->y_stride, m, _mm256_add_ps(sum[r], bias));
}

#define PANEL_I8(name, parts, minima)                                                              \
    static void name(const lw_panel_mul *a)                                                        \
    {                                                                                              \
        for (int i = 0; i < a->rows; i += 4) {                                                     \
            gsize tile = i / LW_TILE_ROWS;                                                         \
            int r0 = i % LW_TILE_ROWS, left = a->rows - i;                                         \
            for (int h = 0; h < a->cols; h += 8) {                                                 \
                if (left >= 4) {                                                                   \
                    int_rows(a, tile, r0, h, 4, parts, minima);                                    \
                } else {                                                                           \
                    if (left & 2)                                                                  \
                        int_rows(a, tile, r0, h, 2, parts, minima);                                \
                    if (left & 1)                                                                  \
                        int_rows(a, tile, r0 + (left & 2), h, 1, parts, minima);                   \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

PANEL_I8(panel_i8_32, 1, FALSE)
PANEL_I8(panel_i8_16, 2, FALSE)
PANEL_I8(panel_i8_32_min, 1, TRUE)
PANEL_I8(panel_i8_16_min, 2, TRUE)

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
    k->panel_i8_32 = panel_i8_32;
    k->panel_i8_16 = panel_i8_16;
    k->panel_i8_32_min = panel_i8_32_min;
    k->panel_i8_16_min = panel_i8_16_min;
    k->panel_f32 = panel_f32;
}
