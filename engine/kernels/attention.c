/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One online-softmax step; the arguments and the recurrence are in kernels.h.
 */
#include "engine/kernels/kernels-private.h"

#include <math.h>

#define ATTN_STEP(name, type, load)                                                                \
    static void name(const lw_attn_step *a)                                                        \
    {                                                                                              \
        const type *keys = a->k, *values = a->v;                                                   \
        float s[LW_ATTN_TILE];                                                                     \
        for (int r = 0; r < a->rows; r++) {                                                        \
            const float *q = a->q + (gsize)r * a->q_stride;                                        \
            float *o = a->o + (gsize)r * a->d;                                                     \
            int n = a->visible ? MIN(a->visible[r], a->n_keys) : a->n_keys;                        \
            int j0 = a->first ? MAX(a->first[r], 0) : 0;                                           \
            if (n <= j0)                                                                           \
                continue;                                                                          \
            float m = a->m[r];                                                                     \
            for (int j = j0; j < n; j++) {                                                         \
                const type *key = keys + (gsize)j * a->kv_stride;                                  \
                float dot = 0;                                                                     \
                for (int i = 0; i < a->d; i++)                                                     \
                    dot += q[i] * load(key[i]);                                                    \
                s[j] = dot * a->scale;                                                             \
                m = s[j] > m ? s[j] : m;                                                           \
            }                                                                                      \
            float keep = expf(a->m[r] - m), l = a->l[r] * keep;                                    \
            for (int i = 0; i < a->d; i++)                                                         \
                o[i] *= keep;                                                                      \
            for (int j = j0; j < n; j++) {                                                         \
                const type *value = values + (gsize)j * a->kv_stride;                              \
                float p = expf(s[j] - m);                                                          \
                l += p;                                                                            \
                for (int i = 0; i < a->d; i++)                                                     \
                    o[i] += p * load(value[i]);                                                    \
            }                                                                                      \
            a->m[r] = m;                                                                           \
            a->l[r] = l;                                                                           \
        }                                                                                          \
    }

ATTN_STEP(attn_step_f16, lw_f16, lw_f16_to_f32)
ATTN_STEP(attn_step_f32, float, )

void lw_attention_init_c(lw_kernels *k)
{
    k->attn_step_f16 = attn_step_f16;
    k->attn_step_f32 = attn_step_f32;
}
