/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 8-bit keys are multiplied as integers, with q as integers too.  The weights stay floats: a softmax has
 * tails that a few bits would cut.
 * Values are widened on the way, one block of 32 columns for all rows at a time.
 */
#include "engine/kernels/x86/attention_q8_avx512.h"

#define ROWS 7 /* 7 rows x 2 vectors x (hi, lo) of sums, 2 operands, 1 broadcast: 31 registers */

LW_INLINE __m512i broadcast4(const int8_t *p)
{
    int32_t x;

    memcpy(&x, p, 4);
    return _mm512_set1_epi32(x);
}

/* s[r][64] = scale * q_r . k, 32 keys at a time */
LW_INLINE void scores(const lw_attn_step *a, q_codes w, int r0, float *s, const int n)
{
    const gsize d = (gsize)a->d, blocks = d / LW_QK;
    ahead next = ahead_of(a->k, a->ahead_k, LW_TILE_Q8_BYTES(d));

    for (int j = 0; j < TILE; j += 32) {
        for (gsize b = 0; b < blocks; b++) {
            const uint8_t *k = (const uint8_t *)a->k + b * LW_QK * TILE + j * 4;
            const int8_t *q = w.code + (gsize)r0 * 2 * d + b * LW_QK;
            const gsize at = (gsize)r0 * blocks + b;
            __m512i hi0[ROWS], hi1[ROWS], lo0[ROWS], lo1[ROWS];
            LW_UNROLL
            for (int r = 0; r < n; r++) {
                hi0[r] = hi1[r] = _mm512_setzero_si512();
                lo0[r] = lo1[r] = _mm512_set1_epi32(w.start[at + r * blocks]);
            }
            for (int g = 0; g < LW_QK / 4; g++, k += TILE * 4, q += 4) {
                __m512i k0 = _mm512_loadu_si512(k), k1 = _mm512_loadu_si512(k + 64);
                if (g % 2 == 0)
                    fetch(&next);
                LW_UNROLL
                for (int r = 0; r < n; r++) {
                    __m512i x = broadcast4(q + r * 2 * d);
                    hi0[r] = _mm512_dpbusd_epi32(hi0[r], k0, x);
                    hi1[r] = _mm512_dpbusd_epi32(hi1[r], k1, x);
                    x = broadcast4(q + r * 2 * d + d);
                    lo0[r] = _mm512_dpbusd_epi32(lo0[r], k0, x);
                    lo1[r] = _mm512_dpbusd_epi32(lo1[r], k1, x);
                }
            }
            const lw_f16 *ks = scales_of(a->k, a->d, (int)b) + j;
            if (j == 0)
                fetch(&next);
            __m512 ks0 = lw_load_f16(ks), ks1 = lw_load_f16(ks + 16);
            LW_UNROLL
            for (int r = 0; r < n; r++) {
                __m512 scale = _mm512_set1_ps(w.scale[at + r * blocks]);
                __m512 x0 = _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_slli_epi32(hi0[r], 7), lo0[r]));
                __m512 x1 = _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_slli_epi32(hi1[r], 7), lo1[r]));
                float *out = s + r * TILE + j;
                __m512 y0 = b ? _mm512_load_ps(out) : _mm512_setzero_ps();
                __m512 y1 = b ? _mm512_load_ps(out + 16) : _mm512_setzero_ps();
                _mm512_store_ps(out, _mm512_fmadd_ps(_mm512_mul_ps(x0, ks0), scale, y0));
                _mm512_store_ps(out + 16, _mm512_fmadd_ps(_mm512_mul_ps(x1, ks1), scale, y1));
            }
        }
    }
}

/* o = o * keep + p v; t: [ROWS][64] for the weights with the values' scales */
LW_INLINE void add_values(const lw_attn_step *a, int r0, const float *s, const float *keep, float *t,
                          int j0, int n_seen, const int n)
{
    ahead next = ahead_of(a->v, a->ahead_v, LW_TILE_Q8_BYTES(a->d));

    for (int b = 0; b < a->d; b += LW_QK) {
        const int8_t *v = (const int8_t *)a->v + b;
        const lw_f16 *vs = scales_of(a->v, a->d, b / LW_QK);
        float *o = a->o + (gsize)r0 * a->d + b;
        __m512 s0[ROWS], s1[ROWS];
        for (int j = 0; j < n_seen; j += 16) {
            __m512 scale = lw_load_f16(vs + j);
            LW_UNROLL
            for (int r = 0; r < n; r++)
                _mm512_store_ps(t + r * TILE + j, _mm512_mul_ps(_mm512_load_ps(s + r * TILE + j), scale));
        }
        fetch(&next);
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            __m512 k = _mm512_set1_ps(keep[r]);
            s0[r] = _mm512_mul_ps(k, _mm512_loadu_ps(o + (gsize)r * a->d));
            s1[r] = _mm512_mul_ps(k, _mm512_loadu_ps(o + (gsize)r * a->d + 16));
        }
        for (int j = j0; j < n_seen; j++) {
            const int8_t *x = v + (gsize)j * a->d;
            if (j % 8 == 0)
                fetch(&next);
            __m512 x0 = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)x)));
            __m512 x1 = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)(x + 16))));
            LW_UNROLL
            for (int r = 0; r < n; r++) {
                __m512 p = _mm512_set1_ps(t[r * TILE + j]);
                s0[r] = _mm512_fmadd_ps(p, x0, s0[r]);
                s1[r] = _mm512_fmadd_ps(p, x1, s1[r]);
            }
        }
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            _mm512_storeu_ps(o + (gsize)r * a->d, s0[r]);
            _mm512_storeu_ps(o + (gsize)r * a->d + 16, s1[r]);
        }
    }
}

LW_INLINE void some_rows(const lw_attn_step *a, q_codes w, int r0, const int n)
{
    float *s = a->scratch, *t = s + ROWS * TILE, keep[ROWS];
    int j0 = a->n_keys, n_seen = 0;

    LW_UNROLL
    for (int r = 0; r < n; r++) {
        int first = first_of(a, r0 + r), end = visible_of(a, r0 + r);
        j0 = end > first ? MIN(j0, first) : j0;
        n_seen = end > first ? MAX(n_seen, end) : n_seen;
    }
    if (n_seen == 0)
        return;
    scores(a, w, r0, s, n);
    LW_UNROLL
    for (int r = 0; r < n; r++)
        keep[r] = softmax_row(s + r * TILE, first_of(a, r0 + r), visible_of(a, r0 + r), &a->m[r0 + r],
                              &a->l[r0 + r]);
    add_values(a, r0, s, keep, t, j0, n_seen, n);
}

static void attn_step_q8_0(const lw_attn_step *a)
{
    q_codes w = q_codes_of(a);

    if (!a->same_q)
        quantise_q(a, w);
    /* Blocks of about the same size: 8 rows are 4 and 4, not 7 and 1. */
    for (int r = 0, parts = (a->rows + ROWS - 1) / ROWS; parts > 0; parts--) {
        int n = (a->rows - r + parts - 1) / parts;
#define CALL(n) some_rows(a, w, r, n)
        LW_CALL_TO_7(n, CALL)
#undef CALL
        r += n;
    }
}

void lw_attention_q8_init_avx512(lw_kernels *k)
{
    k->attn_step_q8_0 = attn_step_q8_0;
}
