/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/kernels-private.h"

#include <math.h>

static void add(float *y, const float *x, gsize n)
{
    for (gsize i = 0; i < n; i++)
        y[i] += x[i];
}

static void add_scaled(float *y, const float *x, float s, gsize n)
{
    for (gsize i = 0; i < n; i++)
        y[i] += s * x[i];
}

static void swiglu(const float *gate, const float *up, float *y, gsize n)
{
    for (gsize i = 0; i < n; i++)
        y[i] = gate[i] / (1.0f + expf(-gate[i])) * up[i];
}

static void gelu_erf(const float *x, float *y, gsize n)
{
    for (gsize i = 0; i < n; i++)
        y[i] = 0.5f * x[i] * (1.0f + erff(x[i] * (float)M_SQRT1_2));
}

/* (1 + tanh u) / 2 is the sigmoid of 2 u */
static float gelu_by_tanh(float x)
{
    float u = 0.79788456f * x * (1.0f + 0.044715f * x * x);

    return x / (1.0f + expf(-2.0f * u));
}

static void gelu_tanh(const float *x, float *y, gsize n)
{
    for (gsize i = 0; i < n; i++)
        y[i] = gelu_by_tanh(x[i]);
}

static void geglu(const float *gate, const float *up, float *y, gsize n)
{
    for (gsize i = 0; i < n; i++)
        y[i] = gelu_by_tanh(gate[i]) * up[i];
}

static void gelu_quick(const float *x, float *y, gsize n)
{
    for (gsize i = 0; i < n; i++)
        y[i] = x[i] / (1.0f + expf(-1.702f * x[i]));
}

void lw_activation_init_c(lw_kernels *k)
{
    k->add = add;
    k->add_scaled = add_scaled;
    k->swiglu = swiglu;
    k->gelu_erf = gelu_erf;
    k->gelu_tanh = gelu_tanh;
    k->gelu_quick = gelu_quick;
    k->geglu = geglu;
}
