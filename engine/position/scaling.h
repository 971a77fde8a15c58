/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How publishers stretch rotary positions beyond the context a model was first trained with.  Each
 * of these changes a filled lw_rope (mrope.h): its frequencies, and for two of them the magnitude
 * of cos and sin, which makes attention as sharp over many keys as it was over few.
 */
#pragma once

#include "engine/position/mrope.h"

G_BEGIN_DECLS

/* Positions divided by `factor` (> 0). */
void lw_rope_scale_linear(lw_rope *r, double factor);

/* YaRN (arXiv 2309.00071): pairs that turn more than beta_fast times within the original context
 * keep their frequency, those below beta_slow turns are divided by factor, a ramp lies between. The
 * magnitude becomes 1 + 0.1 ln(factor) (1 for factors up to 1).  original: tokens > 0; factor > 0.
 */
void lw_rope_scale_yarn(lw_rope *r, double factor, double original, double beta_fast,
                        double beta_slow);

/* Every frequency divided by its own factor: [n_rot / 2], finite and > 0.  Llama 3.1's rope_freqs
 * and LongRoPE's two sets are such factors. */
void lw_rope_divide(lw_rope *r, const float *factors);

/* LongRoPE's magnitude (arXiv 2402.13753): sqrt(1 + ln(context / original) / ln(original)), 1 when
 * the context is not longer.  original > 1. */
double lw_longrope_magnitude(double context, double original);

G_END_DECLS
