/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/position/scaling.h"

#include <math.h>

void lw_rope_scale_linear(lw_rope *r, double factor)
{
    for (int i = 0; i < r->n_rot / 2; i++)
        r->inv_freq[i] /= factor;
}

/* The pair that turns `turns` times within `original` tokens, as a fraction. */
static double pair_of_turns(const lw_rope *r, double original, double turns)
{
    return r->n_rot * log(original / (turns * 2 * G_PI)) / (2 * log(r->base));
}

void lw_rope_scale_yarn(lw_rope *r, double factor, double original, double beta_fast,
                        double beta_slow)
{
    double low = fmax(floor(pair_of_turns(r, original, beta_fast)), 0);
    double high = fmin(ceil(pair_of_turns(r, original, beta_slow)), r->n_rot - 1);
    double width = high > low ? high - low : 0.001;

    for (int i = 0; i < r->n_rot / 2; i++) {
        double keep = 1 - CLAMP((i - low) / width, 0.0, 1.0);
        r->inv_freq[i] = r->inv_freq[i] / factor * (1 - keep) + r->inv_freq[i] * keep;
    }
    r->magnitude = factor > 1 ? 1 + 0.1 * log(factor) : 1;
}

void lw_rope_divide(lw_rope *r, const float *factors)
{
    for (int i = 0; i < r->n_rot / 2; i++)
        r->inv_freq[i] /= (double)factors[i];
}

double lw_longrope_magnitude(double context, double original)
{
    return context > original ? sqrt(1 + log(context / original) / log(original)) : 1;
}
