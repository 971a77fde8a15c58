/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys and values of the tile are widened once, keys transposed unless the query rows are few; then
 * both products run 6 query rows x 16 at a time.
 */
#include "engine/kernels/x86/attention_avx2.h"

#define FEW 3

/* 8 elements at p + at; d is a multiple of 8, so there are no tails. */
LW_INLINE __m256 load_kv(const void *p, gsize at, const gboolean f16)
{
    return f16 ? lw_load_f16((const lw_f16 *)p + at) : _mm256_loadu_ps((const float *)p + at);
}

/* kt: [d][64]; keys past n_keys repeat the last one. */
LW_INLINE void widen_keys(const lw_attn_step *a, float *kt, const gboolean f16)
{
    for (int j = 0; j < a->n_keys; j += 8) {
        for (int i = 0; i < a->d; i += 8) {
            __m256 t[8];
            LW_UNROLL
            for (int r = 0; r < 8; r++)
                t[r] = load_kv(a->k, (gsize)MIN(j + r, a->n_keys - 1) * a->kv_stride + i, f16);
            lw_transpose8(t);
            LW_UNROLL
            for (int c = 0; c < 8; c++)
                _mm256_store_ps(kt + (gsize)(i + c) * TILE + j, t[c]);
        }
    }
}

/* vf: [n_keys][d rounded up to 16], the columns past d zero. */
LW_INLINE void widen_values(const lw_attn_step *a, float *vf, int vstride, const gboolean f16)
{
    for (int j = 0; j < a->n_keys; j++) {
        for (int i = 0; i < a->d; i += 8)
            _mm256_store_ps(vf + (gsize)j * vstride + i,
                            load_kv(a->v, (gsize)j * a->kv_stride + i, f16));
        for (int i = a->d; i < vstride; i += 8)
            _mm256_store_ps(vf + (gsize)j * vstride + i, _mm256_setzero_ps());
    }
}

/* Scores of few rows, straight from the keys. */
LW_INLINE void few_scores(const lw_attn_step *a, float *s, const gboolean f16)
{
    for (int j = 0; j < a->n_keys; j++) {
        for (int r = 0; r < a->rows; r++) {
            const float *q = a->q + (gsize)r * a->q_stride;
            __m256 s0 = _mm256_setzero_ps(), s1 = s0;
            int i = 0;
            for (; i + 16 <= a->d; i += 16) {
                s0 = _mm256_fmadd_ps(_mm256_loadu_ps(q + i),
                                     load_kv(a->k, (gsize)j * a->kv_stride + i, f16), s0);
                s1 = _mm256_fmadd_ps(_mm256_loadu_ps(q + i + 8),
                                     load_kv(a->k, (gsize)j * a->kv_stride + i + 8, f16), s1);
            }
            if (i < a->d)
                s0 = _mm256_fmadd_ps(_mm256_loadu_ps(q + i),
                                     load_kv(a->k, (gsize)j * a->kv_stride + i, f16), s0);
            s[r * TILE + j] = a->scale * lw_sum8(_mm256_add_ps(s0, s1));
        }
    }
}

LW_INLINE void attn_step(const lw_attn_step *a, const gboolean f16)
{
    int vstride = (a->d + 15) / 16 * 16, r = 0;
    float *s = a->scratch, *vf = s + ROWS * TILE, *kt = vf + (gsize)vstride * TILE;

    widen_values(a, vf, vstride, f16);
    if (a->rows <= FEW) {
        few_scores(a, s, f16);
        for (; r < a->rows; r++)
            some_rows(a, r, NULL, vf, vstride, s + r * TILE, 1);
        return;
    }
    widen_keys(a, kt, f16);
    all_rows(a, kt, vf, vstride, s);
}

static void attn_step_f16(const lw_attn_step *a)
{
    attn_step(a, TRUE);
}

static void attn_step_f32(const lw_attn_step *a)
{
    attn_step(a, FALSE);
}

void lw_attention_init_avx2(lw_kernels *k)
{
    k->attn_step_f16 = attn_step_f16;
    k->attn_step_f32 = attn_step_f32;
}
