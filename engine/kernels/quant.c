/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/kernels-private.h"

#include <math.h>

static void quant_q8(const float *x, int8_t *q, float *scale, int n)
{
    for (int b = 0; b < n / LW_QK; b++, x += LW_QK, q += LW_QK) {
        float amax = 0;
        gboolean broken = FALSE;

        for (int i = 0; i < LW_QK; i++) {
            float a = fabsf(x[i]);
            broken |= !(a < INFINITY);
            amax = a > amax ? a : amax;
        }
        float inv = broken || amax < LW_QUANT_TINY ? 0.0f : 127.0f / amax;
        for (int i = 0; i < LW_QK; i++)
            q[i] = inv == 0.0f ? 0 : (int8_t)rintf(x[i] * inv);
        scale[b] = broken ? NAN : inv == 0.0f ? 0.0f : amax / 127.0f;
    }
}

static void sums_q8(const int8_t *q, int32_t *sum, int n)
{
    for (int g = 0; g < n / 16; g++, q += 16) {
        sum[g] = 0;
        for (int i = 0; i < 16; i++)
            sum[g] += q[i];
    }
}

void lw_quant_init_c(lw_kernels *k)
{
    k->quant_q8 = quant_q8;
    k->sums_q8 = sums_q8;
}
