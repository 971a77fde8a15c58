/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/kernels-private.h"

static void rope_half(float *x, int n_heads, int stride, int d, const float *cos, const float *sin)
{
    int half = d / 2;

    for (int h = 0; h < n_heads; h++, x += stride) {
        for (int i = 0; i < half; i++) {
            float a = x[i], b = x[i + half];
            x[i] = a * cos[i] - b * sin[i];
            x[i + half] = b * cos[i] + a * sin[i];
        }
    }
}

static void rope_adjacent(float *x, int n_heads, int stride, int d, const float *cos, const float *sin)
{
    for (int h = 0; h < n_heads; h++, x += stride) {
        for (int i = 0; i < d / 2; i++) {
            float a = x[2 * i], b = x[2 * i + 1];
            x[2 * i] = a * cos[i] - b * sin[i];
            x[2 * i + 1] = b * cos[i] + a * sin[i];
        }
    }
}

void lw_rope_init_c(lw_kernels *k)
{
    k->rope_half = rope_half;
    k->rope_adjacent = rope_adjacent;
}
