/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Panels in registers.  Integers: the 8 vectors of a block (16 rows x 32 columns) stay in registers
 * while up to 16 activation rows pass; each row is 8 vpdpbusd with a broadcast operand, one
 * conversion, one product of scales and one fma.  Floats: 8 activation rows x 32 outputs.
 */
#include "engine/kernels/x86/avx512.h"

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

/* n rows of one tile, from row r0 of it on; `parts` scales per 32 columns. */
LW_INLINE void int_rows(const lw_panel_mul *a, gsize tile, int r0, const int n, const int parts,
                        const gboolean minima)
{
    gsize n_blocks = (gsize)a->k / LW_QK, at = tile * n_blocks * LW_TILE_ROWS;
    const int8_t *q = a->q + (at + r0) * LW_QK;
    const float *scale = a->scale + at + r0, *wscale = a->panel_scale, *wmin = a->panel_min;
    const int32_t *start = minima ? NULL : a->start + at * parts + r0;
    const float *xsum = minima ? a->sum + at * parts + r0 : NULL;
    const uint8_t *panel = a->panel;
    const int per_part = 8 / parts;
    __m512 sum[LW_TILE_ROWS];

    LW_UNROLL
    for (int r = 0; r < n; r++)
        sum[r] = _mm512_setzero_ps();
    for (gsize b = 0; b < n_blocks; b++) {
        LW_UNROLL
        for (int part = 0; part < parts; part++) {
            __m512i w[8];
            __m512 d = _mm512_load_ps(wscale), wm = _mm512_setzero_ps();
            if (minima)
                wm = _mm512_load_ps(wmin);
            LW_UNROLL
            for (int g = 0; g < per_part; g++)
                w[g] = _mm512_load_si512(panel + g * 64);
            LW_UNROLL
            for (int r = 0; r < n; r += 4) { /* four chains at a time hide vpdpbusd's latency */
                __m512i dot[4];
                const int m = MIN(4, n - r);
                LW_UNROLL
                for (int i = 0; i < m; i++)
                    dot[i] = minima ? _mm512_setzero_si512() : _mm512_set1_epi32(start[r + i]);
                LW_UNROLL
                for (int g = 0; g < per_part; g++) {
                    LW_UNROLL
                    for (int i = 0; i < m; i++)
                        dot[i] = dot_broadcast(dot[i], w[g],
                                               q + (r + i) * LW_QK + (part * per_part + g) * 4);
                }
                LW_UNROLL
                for (int i = 0; i < m; i++)
                    sum[r + i] =
                        _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[i]),
                                        _mm512_mul_ps(d, _mm512_set1_ps(scale[r + i])), sum[r + i]);
                if (minima) {
                    LW_UNROLL
                    for (int i = 0; i < m; i++)
                        sum[r + i] = _mm512_fmadd_ps(wm, _mm512_set1_ps(xsum[r + i]), sum[r + i]);
                }
            }
            panel += per_part * 64;
            wscale += LW_PANEL_I8_ROWS;
            if (minima) {
                wmin += LW_PANEL_I8_ROWS;
                xsum += LW_TILE_ROWS;
            } else {
                start += LW_TILE_ROWS;
            }
        }
        q += LW_TILE_ROWS * LW_QK;
        scale += LW_TILE_ROWS;
    }

    __mmask16 m = lw_mask16(a->cols);
    __m512 bias = a->bias ? _mm512_maskz_loadu_ps(m, a->bias) : _mm512_setzero_ps();
    float *y = a->y + (tile * LW_TILE_ROWS + r0) * a->y_stride;
    LW_UNROLL
    for (int r = 0; r < n; r++)
        _mm512_mask_storeu_ps(y + r * a->y_stride, m, _mm512_add_ps(sum[r], bias));
}

#define PANEL_I8(name, parts, minima)                                                              \
    static void name(const lw_panel_mul *a)                                                        \
    {                                                                                              \
        int i = 0;                                                                                 \
        for (; i + LW_TILE_ROWS <= a->rows; i += LW_TILE_ROWS)                                     \
            int_rows(a, i / LW_TILE_ROWS, 0, LW_TILE_ROWS, parts, minima);                         \
        gsize tile = i / LW_TILE_ROWS;                                                             \
        int left = a->rows - i, r = 0;                                                             \
        if (left & 8)                                                                              \
            int_rows(a, tile, r, 8, parts, minima), r += 8;                                        \
        if (left & 4)                                                                              \
            int_rows(a, tile, r, 4, parts, minima), r += 4;                                        \
        if (left & 2)                                                                              \
            int_rows(a, tile, r, 2, parts, minima), r += 2;                                        \
        if (left & 1)                                                                              \
            int_rows(a, tile, r, 1, parts, minima);                                                \
    }

PANEL_I8(panel_i8_32, 1, FALSE)
PANEL_I8(panel_i8_16, 2, FALSE)
PANEL_I8(panel_i8_32_min, 1, TRUE)
PANEL_I8(panel_i8_16_min, 2, TRUE)

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
    k->panel_i8_32 = panel_i8_32;
    k->panel_i8_16 = panel_i8_16;
    k->panel_i8_32_min = panel_i8_32_min;
    k->panel_i8_16_min = panel_i8_16_min;
    k->panel_f32 = panel_f32;
}
