/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The vocabulary is never sorted as a whole: top-k selects with a heap of k, top-p sorts only the
 * candidates near its border.  Before the draw the survivors are put back into id order.
 */
#include "engine/sampler/sampler.h"

#include <math.h>

#include "engine/base/alloc.h"
#include "engine/lw-error.h"

/* Tokens that penalties may look back at. */
#define MAX_LAST_N (1 << 20)
/* Largest vocabulary: bounds the memory of a sampler. */
#define MAX_VOCAB (1 << 24)

typedef struct {
    float logit;
    gint32 id;
} candidate;

struct lw_sampler {
    lw_sampler_params params;
    gint32 n_vocab;
    guint64 state, stream; /* PCG32 */

    candidate *candidates; /* [n_vocab], of which n are left */
    gsize n;
    gboolean by_id; /* the candidates are in id order */
    candidate *scratch; /* [n_vocab] for top-p, NULL without it */

    gint32 *last; /* ring of the last tokens; [last_n] */
    gsize last_n, n_last, next;
    guint32 *counts; /* [n_vocab] how often each token is in the ring */
};

lw_sampler_params lw_sampler_params_default(void)
{
    return (lw_sampler_params){
        .temperature = 0.8f,
        .top_k = 40,
        .top_p = 0.95f,
        .min_p = 0.05f,
        .repeat_penalty = 1.0f,
        .penalty_last_n = 64,
    };
}

/* ---- The generator: PCG32 (XSH RR), 64 bits of state ---- */

static guint32 random_u32(lw_sampler *s)
{
    guint64 old = s->state;
    guint32 shifted = (guint32)((old >> 18 ^ old) >> 27), turn = (guint32)(old >> 59);

    s->state = old * G_GUINT64_CONSTANT(6364136223846793005) + s->stream;
    return shifted >> turn | shifted << (-turn & 31);
}

static void seed_generator(lw_sampler *s, guint64 seed)
{
    s->stream = G_GUINT64_CONSTANT(0x14057B7EF767814F);
    s->state = 0;
    random_u32(s);
    s->state += seed;
    random_u32(s);
}

/* Uniform in [0, 1) with 53 bits. */
static double random_double(lw_sampler *s)
{
    guint64 high = random_u32(s) >> 5, low = random_u32(s) >> 6;

    return (double)(high << 26 | low) * 0x1p-53;
}

/* ---- Life ---- */

static gboolean invalid(GError **error, const char *name, double value, const char *range)
{
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s is %g, it must be %s", name, value,
                range);
    return FALSE;
}

static gboolean check_params(const lw_sampler_params *p, gint32 n_vocab, GError **error)
{
    if (n_vocab <= 0 || n_vocab > MAX_VOCAB)
        return invalid(error, "the vocabulary's size", n_vocab, "from 1 to 16777216");
    if (!isfinite(p->temperature))
        return invalid(error, "temperature", p->temperature, "a finite number");
    if (!(p->top_p > 0 && p->top_p <= 1))
        return invalid(error, "top-p", p->top_p, "above 0 and at most 1");
    if (!(p->min_p >= 0 && p->min_p < 1))
        return invalid(error, "min-p", p->min_p, "at least 0 and below 1");
    if (!(p->repeat_penalty > 0 && isfinite(p->repeat_penalty)))
        return invalid(error, "the repeat penalty", p->repeat_penalty, "a finite number above 0");
    if (!isfinite(p->presence_penalty))
        return invalid(error, "the presence penalty", p->presence_penalty, "a finite number");
    if (!isfinite(p->frequency_penalty))
        return invalid(error, "the frequency penalty", p->frequency_penalty, "a finite number");
    if (p->penalty_last_n < 0 || p->penalty_last_n > MAX_LAST_N)
        return invalid(error, "the penalties' window", p->penalty_last_n, "from 0 to 1048576 tokens");
    return TRUE;
}

static gboolean has_penalties(const lw_sampler_params *p)
{
    return p->penalty_last_n > 0 &&
           (p->repeat_penalty != 1 || p->presence_penalty != 0 || p->frequency_penalty != 0);
}

lw_sampler *lw_sampler_new(gint32 n_vocab, const lw_sampler_params *params, GError **error)
{
    lw_sampler *s;

    if (!check_params(params, n_vocab, error))
        return NULL;
    s = g_new0(lw_sampler, 1);
    s->params = *params;
    s->n_vocab = n_vocab;
    s->last_n = has_penalties(params) ? (gsize)params->penalty_last_n : 0;
    seed_generator(s, params->seed);

    s->candidates = lw_alloc_try((gsize)n_vocab * sizeof *s->candidates, "the sampler", error);
    if (s->candidates == NULL)
        goto fail;
    if (params->top_p < 1) {
        s->scratch = lw_alloc_try((gsize)n_vocab * sizeof *s->scratch, "the sampler", error);
        if (s->scratch == NULL)
            goto fail;
    }
    if (s->last_n > 0) {
        s->last = lw_alloc0_array_try(s->last_n, sizeof *s->last, "the sampler", error);
        if (s->last == NULL)
            goto fail;
        s->counts = lw_alloc0_array_try((gsize)n_vocab, sizeof *s->counts, "the sampler", error);
        if (s->counts == NULL)
            goto fail;
    }
    return s;
fail:
    lw_sampler_free(s);
    return NULL;
}

void lw_sampler_free(lw_sampler *s)
{
    if (s == NULL)
        return;
    lw_free(s->candidates);
    lw_free(s->scratch);
    lw_free(s->last);
    lw_free(s->counts);
    g_free(s);
}

void lw_sampler_accept(lw_sampler *s, gint32 token)
{
    g_return_if_fail(token >= 0 && token < s->n_vocab);
    if (s->last_n == 0)
        return;
    if (s->n_last == s->last_n)
        s->counts[s->last[s->next]]--;
    else
        s->n_last++;
    s->last[s->next] = token;
    s->counts[token]++;
    s->next = (s->next + 1) % s->last_n;
}

/* ---- Steps ---- */

static float penalised(const lw_sampler *s, gint32 id, float logit)
{
    const lw_sampler_params *p = &s->params;
    float count = (float)s->counts[id];

    if (s->counts[id] == 0)
        return logit;
    logit = logit <= 0 ? logit * p->repeat_penalty : logit / p->repeat_penalty;
    return logit - count * p->frequency_penalty - p->presence_penalty;
}

static gint32 fill(lw_sampler *s, const float *logits)
{
    gint32 best = 0;
    float best_logit = -INFINITY;

    for (gint32 i = 0; i < s->n_vocab; i++) {
        float x = isnan(logits[i]) ? -INFINITY : logits[i];

        if (s->last_n > 0) {
            x = penalised(s, i, x);
            if (isnan(x)) /* infinity minus infinity */
                x = -INFINITY;
        }
        s->candidates[i] = (candidate){.logit = x, .id = i};
        if (x > best_logit) {
            best_logit = x;
            best = i;
        }
    }
    s->n = (gsize)s->n_vocab;
    s->by_id = TRUE;
    return best;
}

/* A total order: higher logit first, of equal ones the lower id. */
static gboolean likelier(candidate a, candidate b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

static gboolean lower_id(candidate a, candidate b)
{
    return a.id < b.id;
}

/* A heap whose root comes last in the order. */
static inline void sift_down(candidate *heap, gsize n, gsize i,
                             gboolean (*before)(candidate, candidate))
{
    candidate x = heap[i];

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

static inline void make_heap(candidate *c, gsize n, gboolean (*before)(candidate, candidate))
{
    for (gsize i = n / 2; i-- > 0;)
        sift_down(c, n, i, before);
}

/* Heap sort, because qsort() may allocate. */
static inline void sort_heap(candidate *c, gsize n, gboolean (*before)(candidate, candidate))
{
    while (n-- > 1) {
        candidate last = c[0];

        c[0] = c[n];
        c[n] = last;
        sift_down(c, n, 0, before);
    }
}

/* The k likeliest candidates, in order, at the front: a heap of k whose root is the worst of them. */
static void select_likeliest(lw_sampler *s, gsize k)
{
    candidate *c = s->candidates;

    make_heap(c, k, likelier);
    for (gsize i = k; i < s->n; i++) {
        if (likelier(c[i], c[0])) {
            candidate worst = c[0];

            c[0] = c[i];
            c[i] = worst;
            sift_down(c, k, 0, likelier);
        }
    }
    sort_heap(c, k, likelier);
    s->by_id = FALSE;
}

static void top_k(lw_sampler *s)
{
    gsize k = s->params.top_k > 0 ? (gsize)s->params.top_k : s->n;

    if (k >= s->n)
        return;
    select_likeliest(s, k);
    s->n = k;
}

static double weight(float logit, float max)
{
    return exp((double)logit - (double)max);
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
static void top_p(lw_sampler *s, float max)
{
    double mass[N_BUCKETS] = {0}, total = 0, sum = 0, wanted;
    candidate *inside = s->scratch;
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
    make_heap(inside, n_inside, likelier);
    sort_heap(inside, n_inside, likelier);
    while (n < n_inside && sum < wanted)
        sum += weight(inside[n++].logit, max);
    if (n == 0) /* rounding: the mass was reached before this bucket */
        return;
    inside[0] = inside[n - 1];

    n = 0;
    for (gsize i = 0; i < s->n; i++) {
        if (!likelier(inside[0], s->candidates[i]))
            s->candidates[n++] = s->candidates[i];
    }
    s->n = n;
}

/* Keep what is at least min_p times as likely as the best one. */
static void min_p(lw_sampler *s, float max)
{
    float limit = max + logf(s->params.min_p);
    gsize n = 0;

    if (s->params.min_p <= 0)
        return;
    for (gsize i = 0; i < s->n; i++) {
        if (s->candidates[i].logit >= limit)
            s->candidates[n++] = s->candidates[i];
    }
    s->n = n;
}

static gint32 draw(lw_sampler *s, float max)
{
    double total = 0, sum = 0, point;
    gint32 last = s->candidates[0].id;

    if (!s->by_id) {
        make_heap(s->candidates, s->n, lower_id);
        sort_heap(s->candidates, s->n, lower_id);
    }
    for (gsize i = 0; i < s->n; i++) {
        float above = s->candidates[i].logit - max; /* <= 0 */

        total += exp((double)above / (double)s->params.temperature);
    }
    point = random_double(s) * total;
    for (gsize i = 0; i < s->n; i++) {
        float above = s->candidates[i].logit - max;
        double w = exp((double)above / (double)s->params.temperature);

        sum += w;
        if (w > 0)
            last = s->candidates[i].id;
        if (sum > point)
            return s->candidates[i].id;
    }
    return last; /* the sum was rounded below the point */
}

gint32 lw_sampler_sample(lw_sampler *s, const float *logits)
{
    gint32 best = fill(s, logits);
    float max = s->candidates[best].logit;

    /* Nothing to weigh: greedy, or no finite logit at all, or one infinitely likely token. */
    if (s->params.temperature <= 0 || isinf(max))
        return best;
    top_k(s);
    top_p(s, max);
    min_p(s, max);
    return draw(s, max);
}
