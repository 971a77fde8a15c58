/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/kernels-private.h"

#include <math.h>

static void add(float *y, const float *x, gsize n)
{
    for (gsize i = 0; i < n; i++)
        y[i] += x[i];
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

void lw_activation_init_c(lw_kernels *k)
{
    k->add = add;
    k->swiglu = swiglu;
    k->gelu_erf = gelu_erf;
}
