/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The steps that drop unlikely tokens.  The vocabulary is never sorted as a whole where it can be
 * avoided: top-k selects with a heap of k, top-p sorts only the candidates near its border.
 */
#include "engine/sampler/sampler-private.h"

#include <math.h>
#include <string.h>

static double weight(float logit, float max)
{
    return exp((double)logit - (double)max);
}

/* Keep what `keep` says, in order. */
#define KEEP_IF(s, c, condition)                                                                   \
    do {                                                                                           \
        gsize kept = 0;                                                                            \
        for (gsize i = 0; i < (s)->n; i++) {                                                       \
            lw_candidate c = (s)->candidates[i];                                                   \
            if (condition)                                                                         \
                (s)->candidates[kept++] = c;                                                       \
        }                                                                                          \
        (s)->n = kept;                                                                             \
    } while (0)

void lw_filter_top_n_sigma(lw_sampler *s, float max)
{
    double sum = 0, squares = 0;
    gsize n = 0;

    if (s->params.top_n_sigma <= 0)
        return;
    for (gsize i = 0; i < s->n; i++) {
        double x = (double)s->candidates[i].logit - (double)max;
        if (isfinite(x)) {
            sum += x;
            squares += x * x;
            n++;
        }
    }
    double mean = sum / (double)n, variance = squares / (double)n - mean * mean;
    float limit = max - s->params.top_n_sigma * (float)sqrt(MAX(variance, 0));
    KEEP_IF(s, c, c.logit >= limit);
}

/* The k likeliest candidates, in order, at the front: a heap of k whose root is the worst of them.
 */
static void select_likeliest(lw_sampler *s, gsize k)
{
    lw_candidate *c = s->candidates;

    lw_make_heap(c, k, lw_likelier);
    for (gsize i = k; i < s->n; i++) {
        if (lw_likelier(c[i], c[0])) {
            lw_candidate worst = c[0];

            c[0] = c[i];
            c[i] = worst;
            lw_sift_down(c, k, 0, lw_likelier);
        }
    }
    lw_sort(c, k, lw_likelier);
    s->by_id = FALSE;
}

void lw_filter_top_k(lw_sampler *s)
{
    gsize k = s->params.top_k > 0 ? (gsize)s->params.top_k : s->n;

    if (k >= s->n)
        return;
    select_likeliest(s, k);
    s->n = k;
}

/* Sorted by how far a token's surprise is from the expected one; nearest first. */
void lw_filter_typical(lw_sampler *s, float max)
{
    double total = 0, entropy = 0, sum = 0;
    gsize n = 0;

    if (s->params.typical_p >= 1)
        return;
    for (gsize i = 0; i < s->n; i++)
        total += weight(s->candidates[i].logit, max);
    for (gsize i = 0; i < s->n; i++) {
        double p = weight(s->candidates[i].logit, max) / total;
        if (p > 0)
            entropy -= p * log(p);
    }
    for (gsize i = 0; i < s->n;
         i++) { /* in scratch: minus the distance, and where the candidate is */
        double surprise = log(total) - ((double)s->candidates[i].logit - (double)max);
        s->scratch[i] = (lw_candidate){.logit = -(float)fabs(surprise - entropy), .id = (gint32)i};
    }
    lw_sort(s->scratch, s->n, lw_likelier);
    while (n < s->n && sum < (double)s->params.typical_p * total)
        sum += weight(s->candidates[s->scratch[n++].id].logit, max);
    for (gsize i = 0; i < n; i++)
        s->scratch[i] = s->candidates[s->scratch[i].id];
    memcpy(s->candidates, s->scratch, n * sizeof *s->candidates);
    s->n = n;
    s->by_id = FALSE;
}

/* Buckets of 1/32 of a logit below the best one; the last takes all the rest. */
#define N_BUCKETS 1024

static gsize bucket_of(float logit, float max)
{
    float below = (max - logit) * 32;

    return below < N_BUCKETS - 1 ? (gsize)below : N_BUCKETS - 1;
}

/* The smallest head whose probability reaches p, the token that crosses it included.  The mass by
 * buckets tells in which one that token is; only this one is sorted. */
void lw_filter_top_p(lw_sampler *s, float max)
{
    double mass[N_BUCKETS] = {0}, total = 0, sum = 0, wanted;
    lw_candidate *inside = s->scratch;
    gsize crossing = 0, n_inside = 0, n = 0;

    if (s->params.top_p >= 1)
        return;
    for (gsize i = 0; i < s->n; i++)
        mass[bucket_of(s->candidates[i].logit, max)] += weight(s->candidates[i].logit, max);
    for (gsize i = 0; i < N_BUCKETS; i++)
        total += mass[i];
    wanted = (double)s->params.top_p * total;
    while (crossing < N_BUCKETS - 1 && sum + mass[crossing] < wanted)
        sum += mass[crossing++];

    for (gsize i = 0; i < s->n; i++) {
        if (bucket_of(s->candidates[i].logit, max) == crossing)
            inside[n_inside++] = s->candidates[i];
    }
    lw_sort(inside, n_inside, lw_likelier);
    while (n < n_inside && sum < wanted)
        sum += weight(inside[n++].logit, max);
    if (n == 0) /* rounding: the mass was reached before this bucket */
        return;
    inside[0] = inside[n - 1];

    KEEP_IF(s, c, !lw_likelier(inside[0], c));
}

/* Keep what is at least min_p times as likely as the best one. */
void lw_filter_min_p(lw_sampler *s, float max)
{
    float limit = max + logf(s->params.min_p);

    if (s->params.min_p <= 0)
        return;
    KEEP_IF(s, c, c.logit >= limit);
}

/* Sometimes the obvious goes: of the tokens above the threshold only the least likely stays. */
void lw_filter_xtc(lw_sampler *s, float max)
{
    double total = 0;
    lw_candidate least = {INFINITY, -1};
    gsize above = 0;

    if (s->params.xtc_probability <= 0 || lw_sampler_random(s) >= (double)s->params.xtc_probability)
        return;
    for (gsize i = 0; i < s->n; i++)
        total += weight(s->candidates[i].logit, max);
    for (gsize i = 0; i < s->n; i++) {
        if (weight(s->candidates[i].logit, max) < (double)s->params.xtc_threshold * total)
            continue;
        if (above++ == 0 || lw_likelier(least, s->candidates[i]))
            least = s->candidates[i];
    }
    if (above < 2)
        return;
    KEEP_IF(s, c, !lw_likelier(c, least));
}
