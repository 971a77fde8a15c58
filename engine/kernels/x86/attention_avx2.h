/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One tile against query rows once its keys are floats, transposed, and its values floats: what the
 * attention kernels of every KV type share.  Only files compiled with AVX2 may include this.
 */
#pragma once

#include "engine/kernels/x86/avx2.h"

#include <math.h>

#define TILE LW_ATTN_TILE
#define ROWS 6

/* s[r][64] = scale * q_r . k */
LW_INLINE void scores(const lw_attn_step *a, int r0, const float *kt, float *s, const int n)
{
    const float *q = a->q + (gsize)r0 * a->q_stride;
    const __m256 scale = _mm256_set1_ps(a->scale);

    for (int j = 0; j < a->n_keys; j += 16) {
        const float *k = kt + j;
        __m256 s0[ROWS], s1[ROWS];
        LW_UNROLL
        for (int r = 0; r < n; r++)
            s0[r] = s1[r] = _mm256_setzero_ps();
        for (int i = 0; i < a->d; i++, k += TILE) {
            __m256 k0 = _mm256_load_ps(k), k1 = _mm256_load_ps(k + 8);
            LW_UNROLL
            for (int r = 0; r < n; r++) {
                __m256 x = _mm256_broadcast_ss(q + (gsize)r * a->q_stride + i);
                s0[r] = _mm256_fmadd_ps(x, k0, s0[r]);
                s1[r] = _mm256_fmadd_ps(x, k1, s1[r]);
            }
        }
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            _mm256_store_ps(s + r * TILE + j, _mm256_mul_ps(s0[r], scale));
            _mm256_store_ps(s + r * TILE + j + 8, _mm256_mul_ps(s1[r], scale));
        }
    }
}

LW_INLINE int visible_of(const lw_attn_step *a, int r)
{
    return a->visible ? CLAMP(a->visible[r], 0, a->n_keys) : a->n_keys;
}

LW_INLINE int first_of(const lw_attn_step *a, int r)
{
    return a->first ? CLAMP(a->first[r], 0, a->n_keys) : 0;
}

/* Scores of one row become weights; returns what the old sums are multiplied with. */
LW_INLINE float softmax_row(float *s, int first, int visible, float *m, float *l)
{
    const __m256 none = _mm256_set1_ps(-INFINITY);
    __m256 max = none, sum = _mm256_setzero_ps();

    for (int j = 0; j < TILE; j += 8) {
        __m256 see = _mm256_castsi256_ps(
            _mm256_andnot_si256(lw_mask8(first - j), lw_mask8(visible - j)));
        max = _mm256_max_ps(max, _mm256_blendv_ps(none, _mm256_load_ps(s + j), see));
    }
    float now = visible > first ? MAX(lw_max8(max), *m) : *m;
    for (int j = 0; j < TILE; j += 8) {
        __m256 see = _mm256_castsi256_ps(
            _mm256_andnot_si256(lw_mask8(first - j), lw_mask8(visible - j)));
        __m256 p = lw_exp(_mm256_sub_ps(_mm256_load_ps(s + j), _mm256_set1_ps(now)));
        p = _mm256_and_ps(p, see);
        _mm256_store_ps(s + j, p);
        sum = _mm256_add_ps(sum, p);
    }
    if (visible <= first)
        return 1.0f;
    float keep = _mm256_cvtss_f32(lw_exp(_mm256_set1_ps(*m - now)));
    *l = *l * keep + lw_sum8(sum);
    *m = now;
    return keep;
}

/* o = o * keep + p v */
LW_INLINE void add_values(const lw_attn_step *a, int r0, const float *s, const float *keep,
                          const float *vf, int vstride, int n_seen, const int n)
{
    for (int c = 0; c < a->d; c += 16) {
        float *o = a->o + (gsize)r0 * a->d + c;
        const float *v = vf + c;
        __m256i m1 = lw_mask8(a->d - c - 8);
        __m256 s0[ROWS], s1[ROWS];
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            __m256 k = _mm256_set1_ps(keep[r]);
            s0[r] = _mm256_mul_ps(k, _mm256_loadu_ps(o + (gsize)r * a->d));
            s1[r] = _mm256_mul_ps(k, _mm256_maskload_ps(o + (gsize)r * a->d + 8, m1));
        }
        for (int j = 0; j < n_seen; j++, v += vstride) {
            __m256 v0 = _mm256_load_ps(v), v1 = _mm256_load_ps(v + 8);
            LW_UNROLL
            for (int r = 0; r < n; r++) {
                __m256 p = _mm256_broadcast_ss(s + r * TILE + j);
                s0[r] = _mm256_fmadd_ps(p, v0, s0[r]);
                s1[r] = _mm256_fmadd_ps(p, v1, s1[r]);
            }
        }
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            _mm256_storeu_ps(o + (gsize)r * a->d, s0[r]);
            _mm256_maskstore_ps(o + (gsize)r * a->d + 8, m1, s1[r]);
        }
    }
}

/* kt NULL: the scores are in s already. */
LW_INLINE void some_rows(const lw_attn_step *a, int r0, const float *kt, const float *vf,
                         int vstride, float *s, const int n)
{
    float keep[ROWS];
    int n_seen = 0;

    for (int r = 0; r < n; r++)
        n_seen = visible_of(a, r0 + r) > first_of(a, r0 + r) ? MAX(n_seen, visible_of(a, r0 + r)) : n_seen;
    if (n_seen == 0)
        return;
    if (kt != NULL)
        scores(a, r0, kt, s, n);
    for (int r = 0; r < n; r++)
        keep[r] = softmax_row(s + r * TILE, first_of(a, r0 + r), visible_of(a, r0 + r), &a->m[r0 + r],
                              &a->l[r0 + r]);
    add_values(a, r0, s, keep, vf, vstride, n_seen, n);
}

/* s: [ROWS][64] of scratch. */
LW_INLINE void all_rows(const lw_attn_step *a, const float *kt, const float *vf, int vstride, float *s)
{
    int r = 0;

    for (; r + ROWS <= a->rows; r += ROWS)
        some_rows(a, r, kt, vf, vstride, s, ROWS);
    if (a->rows - r >= 3)
        some_rows(a, r, kt, vf, vstride, s, 3), r += 3;
    for (; r < a->rows; r++)
        some_rows(a, r, kt, vf, vstride, s, 1);
}
