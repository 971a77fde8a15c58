/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/kernels-private.h"

#include <math.h>

static void rmsnorm(const float *x, const float *w, float *y, int n, float eps)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    float inv = (float)(1.0 / sqrt(sum / n + eps));
    for (int i = 0; i < n; i++)
        y[i] = x[i] * inv * w[i];
}

static void layernorm(const float *x, const float *w, const float *b, float *y, int n, float eps)
{
    double sum = 0, square = 0;

    for (int i = 0; i < n; i++)
        sum += x[i];
    double mean = sum / n;
    for (int i = 0; i < n; i++)
        square += ((double)x[i] - mean) * ((double)x[i] - mean);
    float inv = (float)(1.0 / sqrt(square / n + eps)), m = (float)mean;
    for (int i = 0; i < n; i++)
        y[i] = (x[i] - m) * inv * w[i] + b[i];
}

void lw_norm_init_c(lw_kernels *k)
{
    k->rmsnorm = rmsnorm;
    k->layernorm = layernorm;
}
