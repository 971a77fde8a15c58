/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Log-probabilities of a row of logits: sums in double, NaN counts as -infinity.
 */
#include "engine/sampler/sampler-private.h"

#include <math.h>

static float clean(float x)
{
    return isnan(x) ? -INFINITY : x;
}

/* ln sum e^logit. */
static double log_sum(const float *logits, gint32 n)
{
    float max = -INFINITY;
    double sum = 0;

    for (gint32 i = 0; i < n; i++)
        max = MAX(max, clean(logits[i]));
    if (isinf(max))
        return max;
    for (gint32 i = 0; i < n; i++)
        sum += exp((double)clean(logits[i]) - (double)max);
    return (double)max + log(sum);
}

float lw_logprob_of(const float *logits, gint32 n_vocab, gint32 token)
{
    g_return_val_if_fail(token >= 0 && token < n_vocab, 0);
    double sum = log_sum(logits, n_vocab);

    return isinf(sum) ? (clean(logits[token]) == (float)sum ? 0 : -INFINITY)
                      : (float)((double)clean(logits[token]) - sum);
}

gsize lw_logprob_top(const float *logits, gint32 n_vocab, lw_logprob *out, gsize n)
{
    double sum = log_sum(logits, n_vocab);
    gsize kept = 0;

    for (gint32 id = 0; id < n_vocab && n > 0; id++) {
        float x = clean(logits[id]);
        gsize at = kept;
        if (kept == n && !(x > out[n - 1].logprob))
            continue;
        /* Insertion: n is small, and ids come in order, so that equal ones stay in it. */
        for (at = MIN(kept, n - 1); at > 0 && x > out[at - 1].logprob; at--)
            out[at] = out[at - 1];
        out[at] = (lw_logprob){id, x};
        kept = MIN(kept + 1, n);
    }
    for (gsize i = 0; i < kept; i++)
        out[i].logprob = isinf(sum) ? (out[i].logprob == (float)sum ? 0 : -INFINITY)
                                    : (float)((double)out[i].logprob - sum);
    return kept;
}
