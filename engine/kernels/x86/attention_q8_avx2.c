/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 8-bit tiles become floats once per step, scales multiplied in.  Keys lie side by side already: each of
 * the four bytes of a 32-bit lane is an element of one key, so nothing is transposed.
 */
#include "engine/kernels/x86/attention_avx2.h"

LW_INLINE const lw_f16 *scales_of(const void *tile, int d, int block)
{
    return (const lw_f16 *)(const void *)((const char *)tile + LW_TILE_Q8_SCALES(d)) + block * TILE;
}

/* kt: [d][64], finite also past n_keys. */
LW_INLINE void widen_keys(const lw_attn_step *a, float *kt)
{
    const __m256i low = _mm256_set1_epi32(0xff), zero = _mm256_set1_epi32(128);

    for (int b = 0; b < a->d; b += LW_QK) {
        const lw_f16 *scales = scales_of(a->k, a->d, b / LW_QK);
        for (int j = 0; j < a->n_keys; j += 8) {
            __m256 scale = lw_load_f16(scales + j);
            scale = _mm256_and_ps(scale, _mm256_castsi256_ps(lw_mask8(a->n_keys - j)));
            for (int i = b; i < b + LW_QK; i += 4) {
                __m256i x = _mm256_loadu_si256((const void *)((const char *)a->k + (i * TILE + j * 4)));
                LW_UNROLL
                for (int c = 0; c < 4; c++) {
                    __m256i code = _mm256_and_si256(_mm256_srli_epi32(x, 8 * c), low);
                    __m256 f = _mm256_cvtepi32_ps(_mm256_sub_epi32(code, zero));
                    _mm256_store_ps(kt + (i + c) * TILE + j, _mm256_mul_ps(f, scale));
                }
            }
        }
    }
}

/* vf: [n_keys][d]; d is a multiple of 32. */
LW_INLINE void widen_values(const lw_attn_step *a, float *vf)
{
    for (int j = 0; j < a->n_keys; j++)
        for (int b = 0; b < a->d; b += LW_QK) {
            __m256 scale = _mm256_set1_ps(lw_f16_to_f32(scales_of(a->v, a->d, b / LW_QK)[j]));
            const int8_t *v = (const int8_t *)a->v + (gsize)j * a->d + b;
            for (int i = 0; i < LW_QK; i += 8) {
                __m256i x = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)(v + i)));
                _mm256_store_ps(vf + (gsize)j * a->d + b + i, _mm256_mul_ps(_mm256_cvtepi32_ps(x), scale));
            }
        }
}

static void attn_step_q8_0(const lw_attn_step *a)
{
    float *s = a->scratch, *vf = s + ROWS * TILE, *kt = vf + (gsize)a->d * TILE;

    widen_keys(a, kt);
    widen_values(a, vf);
    all_rows(a, kt, vf, a->d, s);
}

void lw_attention_q8_init_avx2(lw_kernels *k)
{
    k->attn_step_q8_0 = attn_step_q8_0;
}
