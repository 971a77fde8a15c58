/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sampler's life, the order of the steps and the draw.  Before the draw the survivors are put
 * back into id order.
 */
#include "engine/sampler/sampler-private.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/lw-error.h"

/* Tokens that penalties may look back at. */
#define MAX_LAST_N (1 << 20)
/* Largest vocabulary: bounds the memory of a sampler. */
#define MAX_VOCAB (1 << 24)
#define MAX_BIAS (1 << 20)

lw_sampler_params lw_sampler_params_default(void)
{
    return (lw_sampler_params){
        .temperature = 0.8f,
        .top_k = 40,
        .top_p = 0.95f,
        .min_p = 0.05f,
        .typical_p = 1.0f,
        .xtc_threshold = 0.1f,
        .repeat_penalty = 1.0f,
        .penalty_last_n = 64,
        .dry_base = 1.75f,
        .dry_allowed = 2,
        .dry_last_n = 1024,
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
double lw_sampler_random(lw_sampler *s)
{
    guint64 high = random_u32(s) >> 5, low = random_u32(s) >> 6;

    return (double)(high << 26 | low) * 0x1p-53;
}

/* ---- Life ---- */

static gboolean invalid(GError **error, const char *name, double value, const char *range)
{
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s is %g, it must be %s", name,
                value, range);
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
    if (!(p->typical_p > 0 && p->typical_p <= 1))
        return invalid(error, "typical-p", p->typical_p, "above 0 and at most 1");
    if (!(p->top_n_sigma >= 0 && isfinite(p->top_n_sigma)))
        return invalid(error, "top-n-sigma", p->top_n_sigma, "a finite number, at least 0");
    if (!(p->xtc_probability >= 0 && p->xtc_probability <= 1))
        return invalid(error, "the XTC probability", p->xtc_probability, "from 0 to 1");
    if (!(p->xtc_threshold > 0 && p->xtc_threshold <= 1))
        return invalid(error, "the XTC threshold", p->xtc_threshold, "above 0 and at most 1");
    if (!(p->dry_multiplier >= 0 && isfinite(p->dry_multiplier)))
        return invalid(error, "the DRY multiplier", p->dry_multiplier,
                       "a finite number, at least 0");
    if (!(p->dry_base >= 1 && p->dry_base <= 16))
        return invalid(error, "the DRY base", p->dry_base, "from 1 to 16");
    if (p->dry_allowed < 1 || p->dry_allowed > MAX_LAST_N)
        return invalid(error, "the DRY allowed length", p->dry_allowed, "from 1 to 1048576 tokens");
    if (p->dry_last_n < 0 || p->dry_last_n > MAX_LAST_N)
        return invalid(error, "the DRY window", p->dry_last_n, "from 0 to 1048576 tokens");
    if (p->n_bias > MAX_BIAS)
        return invalid(error, "the number of biases", (double)p->n_bias, "at most 1048576");
    for (gsize i = 0; i < p->n_bias; i++) {
        if (p->bias[i].token < 0 || p->bias[i].token >= n_vocab)
            return invalid(error, "a bias's token", p->bias[i].token, "one of the vocabulary");
        if (isnan(p->bias[i].bias) || p->bias[i].bias == INFINITY)
            return invalid(error, "a bias", (double)p->bias[i].bias, "a number below infinity");
    }
    for (gsize i = 0; i < p->n_dry_breakers; i++) {
        if (p->dry_breakers[i] < 0 || p->dry_breakers[i] >= n_vocab)
            return invalid(error, "a DRY breaker's token", p->dry_breakers[i],
                           "one of the vocabulary");
    }
    if (!(p->repeat_penalty > 0 && isfinite(p->repeat_penalty)))
        return invalid(error, "the repeat penalty", p->repeat_penalty, "a finite number above 0");
    if (!isfinite(p->presence_penalty))
        return invalid(error, "the presence penalty", p->presence_penalty, "a finite number");
    if (!isfinite(p->frequency_penalty))
        return invalid(error, "the frequency penalty", p->frequency_penalty, "a finite number");
    if (p->penalty_last_n < 0 || p->penalty_last_n > MAX_LAST_N)
        return invalid(error, "the penalties' window", p->penalty_last_n,
                       "from 0 to 1048576 tokens");
    return TRUE;
}

static gboolean has_penalties(const lw_sampler_params *p)
{
    return p->penalty_last_n > 0 &&
           (p->repeat_penalty != 1 || p->presence_penalty != 0 || p->frequency_penalty != 0);
}

/* n elements of memory for one of the parts, cleared. */
static gboolean room(gpointer out, gsize n, gsize size, GError **error)
{
    void *p = lw_alloc0_array_try(n, size, "the sampler", error);

    memcpy(out, &p, sizeof p);
    return p != NULL;
}

static gboolean init_penalties(lw_sampler *s, GError **error)
{
    s->last.size = (gsize)s->params.penalty_last_n;
    return room(&s->last.tokens, s->last.size, sizeof(gint32), error) &&
           room(&s->counts, (gsize)s->n_vocab, sizeof(guint32), error);
}

static gboolean init_dry(lw_sampler *s, GError **error)
{
    const lw_sampler_params *p = &s->params;

    s->dry.size = (gsize)p->dry_last_n;
    if (!room(&s->dry.tokens, s->dry.size, sizeof(gint32), error) ||
        !room(&s->dry_tokens, s->dry.size, sizeof(gint32), error) ||
        !room(&s->dry_match, s->dry.size, sizeof(guint32), error) ||
        !room(&s->dry_longest, (gsize)s->n_vocab, sizeof(guint32), error) ||
        !room(&s->dry_breaker, (gsize)s->n_vocab, 1, error))
        return FALSE;
    for (gsize i = 0; i < p->n_dry_breakers; i++)
        s->dry_breaker[p->dry_breakers[i]] = 1;
    return TRUE;
}

static gboolean init_bias(lw_sampler *s, GError **error)
{
    if (!room(&s->bias, (gsize)s->n_vocab, sizeof(float), error))
        return FALSE;
    for (gsize i = 0; i < s->params.n_bias; i++)
        s->bias[s->params.bias[i].token] += s->params.bias[i].bias;
    return TRUE;
}

lw_sampler *lw_sampler_new(gint32 n_vocab, const lw_sampler_params *params, GError **error)
{
    lw_sampler *s;

    if (!check_params(params, n_vocab, error))
        return NULL;
    s = g_new0(lw_sampler, 1);
    s->params = *params;
    s->n_vocab = n_vocab;
    seed_generator(s, params->seed);
    if (!room(&s->candidates, (gsize)n_vocab, sizeof *s->candidates, error) ||
        ((params->top_p < 1 || params->typical_p < 1) &&
         !room(&s->scratch, (gsize)n_vocab, sizeof *s->scratch, error)) ||
        (has_penalties(params) && !init_penalties(s, error)) ||
        (params->dry_multiplier > 0 && params->dry_last_n > 0 && !init_dry(s, error)) ||
        (params->n_bias > 0 && !init_bias(s, error))) {
        lw_sampler_free(s);
        return NULL;
    }
    s->params.bias = NULL; /* both were copied */
    s->params.dry_breakers = NULL;
    return s;
}

void lw_sampler_free(lw_sampler *s)
{
    if (s == NULL)
        return;
    lw_free(s->candidates);
    lw_free(s->scratch);
    lw_free(s->last.tokens);
    lw_free(s->counts);
    lw_free(s->bias);
    lw_free(s->dry.tokens);
    lw_free(s->dry_tokens);
    lw_free(s->dry_match);
    lw_free(s->dry_longest);
    lw_free(s->dry_breaker);
    g_free(s);
}

void lw_sampler_accept(lw_sampler *s, gint32 token)
{
    gint32 dropped;

    g_return_if_fail(token >= 0 && token < s->n_vocab);
    lw_history_add(&s->dry, token, &dropped);
    if (s->last.size == 0)
        return;
    lw_history_add(&s->last, token, &dropped);
    if (dropped >= 0)
        s->counts[dropped]--;
    s->counts[token]++;
}

/* ---- A step ---- */

/* All tokens that may be chosen; returns the likeliest. */
static lw_candidate fill(lw_sampler *s, const float *logits, const guint32 *allowed)
{
    gboolean changes = s->bias || s->counts || s->dry_longest;
    lw_candidate best = {-INFINITY, -1};

    s->n = 0;
    for (gint32 i = 0; i < s->n_vocab; i++) {
        float x = isnan(logits[i]) ? -INFINITY : logits[i];

        if (allowed && !(allowed[i / 32] >> i % 32 & 1))
            continue;
        if (changes)
            x = lw_sampler_penalised(s, i, x);
        s->candidates[s->n++] = (lw_candidate){.logit = x, .id = i};
        if (best.id < 0 || x > best.logit)
            best = (lw_candidate){x, i};
    }
    s->by_id = TRUE;
    return best;
}

static gint32 draw(lw_sampler *s, float max)
{
    double total = 0, sum = 0, point;
    gint32 last = s->candidates[0].id;

    if (!s->by_id)
        lw_sort(s->candidates, s->n, lw_lower_id);
    for (gsize i = 0; i < s->n; i++) {
        float above = s->candidates[i].logit - max; /* <= 0 */

        total += exp((double)above / (double)s->params.temperature);
    }
    point = lw_sampler_random(s) * total;
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

gint32 lw_sampler_sample(lw_sampler *s, const float *logits, const guint32 *allowed)
{
    if (s->dry_longest)
        lw_sampler_dry_begin(s);
    lw_candidate best = fill(s, logits, allowed);
    if (s->dry_longest)
        lw_sampler_dry_end(s);

    g_return_val_if_fail(best.id >= 0, 0);
    /* Nothing to weigh: greedy, or no finite logit at all, or one infinitely likely token. */
    if (s->params.temperature <= 0 || isinf(best.logit))
        return best.id;
    lw_filter_top_n_sigma(s, best.logit);
    lw_filter_top_k(s);
    lw_filter_typical(s, best.logit);
    lw_filter_top_p(s, best.logit);
    lw_filter_min_p(s, best.logit);
    lw_filter_xtc(s, best.logit);
    return draw(s, best.logit);
}
