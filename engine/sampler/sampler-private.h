/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the sampler's files share: the candidates, the history, and one function a step.
 */
#pragma once

#include "engine/sampler/sampler.h"

typedef struct {
    float logit;
    gint32 id;
} lw_candidate;

/* The last tokens, as a ring. */
typedef struct {
    gint32 *tokens; /* [size] */
    gsize size, n, next;
} lw_history;

struct lw_sampler {
    lw_sampler_params params; /* bias and breakers point to copies */
    gint32 n_vocab;
    guint64 state, stream; /* PCG32 */

    lw_candidate *candidates; /* [n_vocab], of which n are left */
    gsize n;
    gboolean by_id;        /* the candidates are in id order */
    lw_candidate *scratch; /* [n_vocab] for top-p and typical, NULL without them */

    lw_history last; /* for the penalties */
    guint32 *counts; /* [n_vocab] how often each token is in it */
    float *bias;     /* [n_vocab], NULL: none */

    lw_history dry;
    gint32 *dry_tokens;   /* [dry.size] the newest first, at the time of a step */
    guint32 *dry_match;   /* [dry.size] the Z function of it */
    guint32 *dry_longest; /* [n_vocab] longest repetition that a token would go on with; 0 between
                             steps */
    guint8 *dry_breaker;  /* [n_vocab] */
};

/* A total order: higher logit first, of equal ones the lower id. */
static inline gboolean lw_likelier(lw_candidate a, lw_candidate b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

static inline gboolean lw_lower_id(lw_candidate a, lw_candidate b)
{
    return a.id < b.id;
}

/* A heap whose root comes last in the order. */
static inline void lw_sift_down(lw_candidate *heap, gsize n, gsize i,
                                gboolean (*before)(lw_candidate, lw_candidate))
{
    lw_candidate x = heap[i];

    for (;;) {
        gsize child = 2 * i + 1;

        if (child >= n)
            break;
        if (child + 1 < n && before(heap[child], heap[child + 1]))
            child++;
        if (!before(x, heap[child]))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = x;
}

static inline void lw_make_heap(lw_candidate *c, gsize n,
                                gboolean (*before)(lw_candidate, lw_candidate))
{
    for (gsize i = n / 2; i-- > 0;)
        lw_sift_down(c, n, i, before);
}

/* Heap sort, because qsort() may allocate. */
static inline void lw_sort(lw_candidate *c, gsize n, gboolean (*before)(lw_candidate, lw_candidate))
{
    lw_make_heap(c, n, before);
    while (n-- > 1) {
        lw_candidate last = c[0];

        c[0] = c[n];
        c[n] = last;
        lw_sift_down(c, n, 0, before);
    }
}

/* Uniform in [0, 1) with 53 bits. */
double lw_sampler_random(lw_sampler *s);

/* penalties.c */
void lw_history_add(lw_history *h, gint32 token,
                    gint32 *dropped); /* *dropped: -1, or what fell out */
float lw_sampler_penalised(const lw_sampler *s, gint32 id, float logit);
/* Set dry_longest for the tokens that would go on with a repetition; clear it again. */
void lw_sampler_dry_begin(lw_sampler *s);
void lw_sampler_dry_end(lw_sampler *s);

/* filters.c: each drops candidates and leaves at least one.  max: the best logit. */
void lw_filter_top_n_sigma(lw_sampler *s, float max);
void lw_filter_top_k(lw_sampler *s);
void lw_filter_typical(lw_sampler *s, float max);
void lw_filter_top_p(lw_sampler *s, float max);
void lw_filter_min_p(lw_sampler *s, float max);
void lw_filter_xtc(lw_sampler *s, float max);
