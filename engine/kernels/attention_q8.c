/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The step of attention.c over tiles of 8-bit keys and values; their layout is in kernels.h.
 */
#include "engine/kernels/kernels-private.h"

#include <math.h>

static float tile_scale(const void *tile, int d, int token, int i)
{
    const lw_f16 *scales = (const void *)((const char *)tile + LW_TILE_Q8_SCALES(d));

    return lw_f16_to_f32(scales[i / LW_QK * LW_ATTN_TILE + token]);
}

static void attn_step_q8_0(const lw_attn_step *a)
{
    const uint8_t *keys = a->k;
    const int8_t *values = a->v;
    float s[LW_ATTN_TILE];

    for (int r = 0; r < a->rows; r++) {
        const float *q = a->q + (gsize)r * a->q_stride;
        float *o = a->o + (gsize)r * a->d;
        int n = a->visible ? MIN(a->visible[r], a->n_keys) : a->n_keys;
        int j0 = a->first ? MAX(a->first[r], 0) : 0;
        if (n <= j0)
            continue;
        float m = a->m[r];
        for (int j = j0; j < n; j++) {
            float dot = 0;
            for (int b = 0; b < a->d; b += LW_QK) {
                float sum = 0;
                for (int i = b; i < b + LW_QK; i++)
                    sum += q[i] * (float)(keys[(i / 4 * LW_ATTN_TILE + j) * 4 + i % 4] - 128);
                dot += sum * tile_scale(a->k, a->d, j, b);
            }
            s[j] = dot * a->scale;
            m = s[j] > m ? s[j] : m;
        }
        float keep = expf(a->m[r] - m), l = a->l[r] * keep;
        for (int i = 0; i < a->d; i++)
            o[i] *= keep;
        for (int j = j0; j < n; j++) {
            float p = expf(s[j] - m);
            l += p;
            for (int i = 0; i < a->d; i++)
                o[i] += p * tile_scale(a->v, a->d, j, i) * (float)values[(gsize)j * a->d + i];
        }
        a->m[r] = m;
        a->l[r] = l;
    }
}

void lw_attention_q8_init_c(lw_kernels *k)
{
    k->attn_step_q8_0 = attn_step_q8_0;
}
