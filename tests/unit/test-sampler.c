/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sampling chain against a naive reference that sorts everything, and the draw's statistics with
 * fixed seeds.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/lw-error.h"
#include "engine/sampler/sampler.h"

static lw_sampler_params plain(void)
{
    lw_sampler_params p = lw_sampler_params_default();

    p.temperature = 1;
    p.top_k = 0;
    p.top_p = 1;
    p.min_p = 0;
    return p;
}

static lw_sampler *new_sampler(gint32 n, const lw_sampler_params *p)
{
    GError *error = NULL;
    lw_sampler *s = lw_sampler_new(n, p, &error);

    g_assert_no_error(error);
    return s;
}

static void test_defaults(void)
{
    lw_sampler_params p = lw_sampler_params_default();

    g_assert_cmpfloat(p.temperature, ==, 0.8f);
    g_assert_cmpint(p.top_k, ==, 40);
    g_assert_cmpfloat(p.top_p, ==, 0.95f);
    g_assert_cmpfloat(p.min_p, ==, 0.05f);
    g_assert_cmpfloat(p.repeat_penalty, ==, 1);
    g_assert_cmpint(p.penalty_last_n, ==, 64);
    g_assert_cmpuint(p.seed, ==, 0);
}

static void expect_invalid(gint32 n, lw_sampler_params p, const char *part)
{
    GError *error = NULL;

    g_assert_null(lw_sampler_new(n, &p, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    if (strstr(error->message, part) == NULL)
        g_error("the message \"%s\" does not say \"%s\"", error->message, part);
    g_error_free(error);
}

static void test_invalid(void)
{
    lw_sampler_params p = plain();

    expect_invalid(0, p, "vocabulary's size is 0");
    expect_invalid(-1, p, "-1");
    p.top_p = 0;
    expect_invalid(8, p, "top-p is 0");
    p.top_p = 1.5f;
    expect_invalid(8, p, "top-p is 1.5");
    p.top_p = NAN;
    expect_invalid(8, p, "top-p");
    p = plain();
    p.min_p = 1;
    expect_invalid(8, p, "min-p is 1");
    p.min_p = -0.5f;
    expect_invalid(8, p, "min-p is -0.5");
    p = plain();
    p.repeat_penalty = 0;
    expect_invalid(8, p, "repeat penalty is 0");
    p = plain();
    p.typical_p = 0;
    expect_invalid(8, p, "typical-p is 0");
    p = plain();
    p.xtc_probability = 2;
    expect_invalid(8, p, "XTC probability is 2");
    p = plain();
    p.dry_base = 0.5f;
    expect_invalid(8, p, "DRY base is 0.5");
    p = plain();
    p.bias = &(lw_logit_bias){8, 0};
    p.n_bias = 1;
    expect_invalid(8, p, "bias's token is 8");
    p = plain();
    p.temperature = NAN;
    expect_invalid(8, p, "temperature");
    p = plain();
    p.presence_penalty = INFINITY;
    expect_invalid(8, p, "presence");
    p = plain();
    p.frequency_penalty = -INFINITY;
    expect_invalid(8, p, "frequency");
    p = plain();
    p.penalty_last_n = -1;
    expect_invalid(8, p, "window is -1");
}

static void test_greedy(void)
{
    const float logits[] = {0, 3, -1, 3, NAN, 2};
    const float nothing[] = {-INFINITY, NAN, -INFINITY, NAN, NAN, NAN};
    const float certain[] = {0, 5, INFINITY, INFINITY, NAN, 5};
    lw_sampler_params p = plain();
    lw_sampler *s;

    for (guint i = 0; i < 3; i++) {
        p.temperature = (float)i - 1; /* -1, 0: greedy; 1: only the special cases */
        s = new_sampler(6, &p);
        if (i < 2)
            g_assert_cmpint(lw_sampler_sample(s, logits, NULL), ==, 1);
        g_assert_cmpint(lw_sampler_sample(s, nothing, NULL), ==, 0);
        g_assert_cmpint(lw_sampler_sample(s, certain, NULL), ==, 2);
        lw_sampler_free(s);
    }
}

/* ---- The naive reference: probabilities after the whole chain ---- */

typedef struct {
    double logit;
    gint32 id;
} entry;

static int by_logit(const void *a, const void *b)
{
    const entry *x = a, *y = b;

    if (x->logit != y->logit)
        return x->logit > y->logit ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static void reference(const float *logits, gint32 n, const lw_sampler_params *p, double *probability)
{
    entry *e = g_new(entry, n);
    gsize kept = (gsize)n, end;
    double sum = 0, total = 0;

    for (gint32 i = 0; i < n; i++)
        e[i] = (entry){isnan(logits[i]) ? -INFINITY : logits[i], i};
    qsort(e, kept, sizeof *e, by_logit);
    if (p->top_k > 0)
        kept = MIN(kept, (gsize)p->top_k);
    if (p->top_p < 1) {
        for (gsize i = 0; i < kept; i++)
            total += exp(e[i].logit - e[0].logit);
        for (end = 0; end < kept;) {
            sum += exp(e[end++].logit - e[0].logit) / total;
            if (sum >= p->top_p)
                break;
        }
        kept = end;
    }
    if (p->min_p > 0) {
        for (end = 0; end < kept && exp(e[end].logit - e[0].logit) >= p->min_p; end++)
            ;
        kept = MAX(end, 1);
    }
    total = 0;
    for (gsize i = 0; i < kept; i++)
        total += exp((e[i].logit - e[0].logit) / p->temperature);
    for (gint32 i = 0; i < n; i++)
        probability[i] = 0;
    for (gsize i = 0; i < kept; i++)
        probability[e[i].id] = exp((e[i].logit - e[0].logit) / p->temperature) / total;
    g_free(e);
}

/* Draw often; every count must be within five standard deviations of what is expected, and a few more
 * for the long tail of rare tokens. */
static void check_distribution(const float *logits, gint32 n, const lw_sampler_params *p)
{
    const guint n_draws = 5000;
    double *probability = g_new(double, n);
    guint *count = g_new0(guint, n);
    lw_sampler *s = new_sampler(n, p);

    reference(logits, n, p, probability);
    for (guint i = 0; i < n_draws; i++) {
        gint32 id = lw_sampler_sample(s, logits, NULL);

        g_assert_cmpint(id, >=, 0);
        g_assert_cmpint(id, <, n);
        count[id]++;
    }
    for (gint32 i = 0; i < n; i++) {
        double expected = probability[i] * n_draws;
        double deviation = sqrt(expected * (1 - probability[i]));

        if (probability[i] == 0)
            g_assert_cmpuint(count[i], ==, 0);
        else
            g_assert_cmpfloat(fabs(count[i] - expected), <=, 5 * deviation + 4);
    }
    lw_sampler_free(s);
    g_free(probability);
    g_free(count);
}

static void random_logits(GRand *rand, float *logits, gint32 n, gboolean hostile)
{
    for (gint32 i = 0; i < n; i++) {
        logits[i] = (float)g_rand_double_range(rand, -6, 6);
        /* Ties, and values that no model should give. */
        if (hostile && g_rand_int_range(rand, 0, 4) == 0)
            logits[i] = g_rand_boolean(rand) ? 2 : g_rand_boolean(rand) ? NAN : -INFINITY;
    }
}

static void test_chain(void)
{
    static const struct {
        gint32 top_k;
        float top_p, min_p, temperature;
    } cases[] = {
        {0, 1, 0, 1},      {0, 1, 0, 0.5f},   {0, 1, 0, 3},         {5, 1, 0, 1},      {1, 1, 0, 1},
        {500, 1, 0, 1},    {0, 0.5f, 0, 1},   {0, 0.9f, 0, 1},      {0, 0.01f, 0, 1},  {0, 0.999f, 0, 1},
        {0, 1, 0.1f, 1},   {0, 1, 0.999f, 1}, {40, 0.95f, 0.05f, 0.8f}, {10, 0.7f, 0.2f, 2},
        {3, 0.999f, 0, 1}, {0, 0.9f, 0.01f, 0.7f},
    };
    GRand *rand = g_rand_new_with_seed(3);
    float logits[200];

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (guint round = 0; round < 4; round++) {
            lw_sampler_params p = plain();
            gint32 n = round == 0 ? 200 : g_rand_int_range(rand, 1, 200);

            p.top_k = cases[i].top_k;
            p.top_p = cases[i].top_p;
            p.min_p = cases[i].min_p;
            p.temperature = cases[i].temperature;
            p.seed = i * 100 + round;
            random_logits(rand, logits, n, round % 2 == 1);
            logits[0] = 1; /* at least one that can be drawn */
            check_distribution(logits, n, &p);
        }
    }
    g_rand_free(rand);
}

/* top-p keeps the token that crosses p, and only up to it. */
static void test_top_p_border(void)
{
    /* Probabilities 0.5, 0.25, 0.125, 0.125. */
    const float logits[] = {(float)G_LN2 * 2, (float)G_LN2, 0, 0};
    lw_sampler_params p = plain();
    gboolean seen[4] = {FALSE};
    lw_sampler *s;

    p.top_p = 0.6f;
    s = new_sampler(4, &p);
    for (guint i = 0; i < 2000; i++)
        seen[lw_sampler_sample(s, logits, NULL)] = TRUE;
    g_assert_true(seen[0] && seen[1]);
    g_assert_false(seen[2] || seen[3]);
    lw_sampler_free(s);
}

/* Of equal logits top-k keeps the lower ids. */
static void test_top_k_ties(void)
{
    float logits[100];
    lw_sampler_params p = plain();
    lw_sampler *s;

    for (guint i = 0; i < 100; i++)
        logits[i] = 1;
    p.top_k = 7;
    s = new_sampler(100, &p);
    for (guint i = 0; i < 1000; i++)
        g_assert_cmpint(lw_sampler_sample(s, logits, NULL), <, 7);
    lw_sampler_free(s);
}

/* Extreme temperatures and logits neither overflow nor draw what is impossible. */
static void test_extremes(void)
{
    const float logits[] = {-G_MAXFLOAT, G_MAXFLOAT, 0, G_MAXFLOAT};
    lw_sampler_params p = plain();
    lw_sampler *s;

    p.temperature = 1e-38f;
    s = new_sampler(4, &p);
    for (guint i = 0; i < 100; i++)
        g_assert_cmpint(lw_sampler_sample(s, logits, NULL) % 2, ==, 1);
    lw_sampler_free(s);
    p.temperature = G_MAXFLOAT;
    p.top_p = 0.5f;
    s = new_sampler(4, &p);
    for (guint i = 0; i < 100; i++)
        g_assert_cmpint(lw_sampler_sample(s, logits, NULL), >=, 0);
    lw_sampler_free(s);
}

/* A full-size vocabulary: the selected set equals the sorted one. */
static void test_large(void)
{
    const gint32 n = 151936;
    float *logits = g_new(float, n);
    double *probability = g_new(double, n);
    GRand *rand = g_rand_new_with_seed(9);
    lw_sampler_params p = lw_sampler_params_default();
    lw_sampler *s;

    random_logits(rand, logits, n, TRUE);
    for (guint i = 0; i < 4; i++) {
        p.top_k = i % 2 == 0 ? 40 : 0;
        p.top_p = i < 2 ? 0.95f : 0.2f;
        reference(logits, n, &p, probability);
        s = new_sampler(n, &p);
        for (guint k = 0; k < 20; k++)
            g_assert_cmpfloat(probability[lw_sampler_sample(s, logits, NULL)], >, 0);
        lw_sampler_free(s);
    }
    g_rand_free(rand);
    g_free(probability);
    g_free(logits);
}

/* ---- Penalties ---- */

static void test_penalties(void)
{
    lw_sampler_params p = plain();
    lw_sampler *s;

    p.temperature = 0;
    p.repeat_penalty = 2;
    p.penalty_last_n = 3;
    s = new_sampler(3, &p);
    {
        const float logits[] = {5, 3, 2}, negative[] = {-1, -1.5f, -3};

        g_assert_cmpint(lw_sampler_sample(s, logits, NULL), ==, 0);
        lw_sampler_accept(s, 0);
        lw_sampler_accept(s, 0); /* once per seen token, not per occurrence: 5/2 > 2 still */
        g_assert_cmpint(lw_sampler_sample(s, logits, NULL), ==, 1);
        g_assert_cmpint(lw_sampler_sample(s, negative, NULL), ==, 1); /* -1*2 = -2 */
        lw_sampler_accept(s, 1);
        g_assert_cmpint(lw_sampler_sample(s, logits, NULL), ==, 0); /* 2.5, 1.5, 2 */
        /* The window slides: after three others the first tokens are forgotten. */
        lw_sampler_accept(s, 2);
        lw_sampler_accept(s, 2);
        g_assert_cmpint(lw_sampler_sample(s, logits, NULL), ==, 0); /* 5, 1.5, 1 */
    }
    lw_sampler_free(s);

    p.repeat_penalty = 1;
    p.presence_penalty = 1;
    p.frequency_penalty = 0.5f;
    p.penalty_last_n = 64;
    s = new_sampler(2, &p);
    {
        const float a[] = {2, 0.6f}, b[] = {2, 0.4f};

        lw_sampler_accept(s, 0);
        g_assert_cmpint(lw_sampler_sample(s, a, NULL), ==, 1); /* 2 - 1.5 < 0.6 */
        g_assert_cmpint(lw_sampler_sample(s, b, NULL), ==, 0);
        lw_sampler_accept(s, 0);
        g_assert_cmpint(lw_sampler_sample(s, b, NULL), ==, 1); /* 2 - 2 < 0.4 */
    }
    lw_sampler_free(s);

    /* No penalty, no memory of tokens. */
    p = plain();
    p.temperature = 0;
    s = new_sampler(2, &p);
    for (guint i = 0; i < 100; i++)
        lw_sampler_accept(s, 0);
    {
        const float logits[] = {1, 0.999f};

        g_assert_cmpint(lw_sampler_sample(s, logits, NULL), ==, 0);
    }
    lw_sampler_free(s);
}

/* ---- Reproducibility ---- */

static void test_seeds(void)
{
    float logits[50];
    lw_sampler_params p = plain();
    gint32 first[64];
    guint n_same = 0;
    lw_sampler *s;

    for (guint i = 0; i < 50; i++)
        logits[i] = (float)(i % 7) * 0.3f;
    p.seed = 42;
    s = new_sampler(50, &p);
    for (guint i = 0; i < 64; i++)
        first[i] = lw_sampler_sample(s, logits, NULL);
    lw_sampler_free(s);
    s = new_sampler(50, &p);
    for (guint i = 0; i < 64; i++)
        g_assert_cmpint(lw_sampler_sample(s, logits, NULL), ==, first[i]);
    lw_sampler_free(s);
    p.seed = 43;
    s = new_sampler(50, &p);
    for (guint i = 0; i < 64; i++)
        n_same += lw_sampler_sample(s, logits, NULL) == first[i];
    lw_sampler_free(s);
    g_assert_cmpuint(n_same, <, 20);
}

/* The input is not changed. */
static void test_const_logits(void)
{
    float logits[300], copy[300];
    GRand *rand = g_rand_new_with_seed(1);
    lw_sampler_params p = lw_sampler_params_default();
    lw_sampler *s;

    p.repeat_penalty = 1.3f;
    random_logits(rand, logits, 300, TRUE);
    memcpy(copy, logits, sizeof logits);
    s = new_sampler(300, &p);
    for (guint i = 0; i < 50; i++)
        lw_sampler_accept(s, lw_sampler_sample(s, logits, NULL));
    g_assert_cmpmem(logits, sizeof logits, copy, sizeof copy);
    lw_sampler_free(s);
    g_rand_free(rand);
}

static void test_out_of_memory(void)
{
    lw_sampler_params p = plain();

    p.repeat_penalty = 2;
    p.top_p = 0.9f;
    for (int k = 0; k < 4; k++) {
        GError *error = NULL;

        lw_alloc_fail_at(k);
        g_assert_null(lw_sampler_new(10, &p, &error));
        lw_alloc_fail_at(-1);
        g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);
        g_error_free(error);
    }
}

/* ---- The later steps ---- */

/* Tokens ever drawn, as a bit set of the first 64. */
static guint64 drawn(lw_sampler_params p, const float *logits, gint32 n, const gint32 *said, gsize n_said)
{
    lw_sampler *s = new_sampler(n, &p);
    guint64 seen = 0;

    for (gsize i = 0; i < n_said; i++)
        lw_sampler_accept(s, said[i]);
    for (guint i = 0; i < 4000; i++)
        seen |= (guint64)1 << lw_sampler_sample(s, logits, NULL);
    lw_sampler_free(s);
    return seen;
}

static void test_typical(void)
{
    /* 0.4, 0.3, 0.2, 0.1: entropy 1.2799; surprises 0.916, 1.204, 1.609, 2.303; nearest first: 1, 2, 0, 3. */
    const float logits[] = {logf(0.4f), logf(0.3f), logf(0.2f), logf(0.1f)};
    lw_sampler_params p = plain();

    p.typical_p = 0.3f - 1e-4f;
    g_assert_cmphex(drawn(p, logits, 4, NULL, 0), ==, 1 << 1);
    p.typical_p = 0.45f;
    g_assert_cmphex(drawn(p, logits, 4, NULL, 0), ==, 1 << 1 | 1 << 2);
    p.typical_p = 0.7f;
    g_assert_cmphex(drawn(p, logits, 4, NULL, 0), ==, 1 << 0 | 1 << 1 | 1 << 2);
    p.typical_p = 0.95f;
    g_assert_cmphex(drawn(p, logits, 4, NULL, 0), ==, 0xF);
}

static void test_top_n_sigma(void)
{
    /* Mean 3, deviation sqrt(2). */
    const float logits[] = {1, 2, 3, 4, 5};
    lw_sampler_params p = plain();

    p.top_n_sigma = 1;
    g_assert_cmphex(drawn(p, logits, 5, NULL, 0), ==, 1 << 3 | 1 << 4);
    p.top_n_sigma = 0.1f;
    g_assert_cmphex(drawn(p, logits, 5, NULL, 0), ==, 1 << 4);
    p.top_n_sigma = 1.5f;
    g_assert_cmphex(drawn(p, logits, 5, NULL, 0), ==, 1 << 2 | 1 << 3 | 1 << 4);
}

static void test_xtc(void)
{
    const float logits[] = {logf(0.4f), logf(0.3f), logf(0.2f), logf(0.1f)};
    lw_sampler_params p = plain();

    p.xtc_probability = 1;
    p.xtc_threshold = 0.15f;
    g_assert_cmphex(drawn(p, logits, 4, NULL, 0), ==, 1 << 2 | 1 << 3);
    p.xtc_threshold = 0.35f; /* only one is above: nothing goes */
    g_assert_cmphex(drawn(p, logits, 4, NULL, 0), ==, 0xF);
    p.xtc_threshold = 0.15f;
    p.xtc_probability = 0.5f;
    g_assert_cmphex(drawn(p, logits, 4, NULL, 0), ==, 0xF);
}

static void test_bias(void)
{
    const float logits[] = {0, 1, 2, 3};
    const lw_logit_bias bias[] = {{3, -INFINITY}, {0, 4}, {0, 1}};
    lw_sampler_params p = plain();

    p.temperature = 0;
    p.bias = bias;
    p.n_bias = G_N_ELEMENTS(bias);
    g_assert_cmphex(drawn(p, logits, 4, NULL, 0), ==, 1 << 0);
    p.n_bias = 1;
    g_assert_cmphex(drawn(p, logits, 4, NULL, 0), ==, 1 << 2);
}

static void test_mask(void)
{
    float logits[70];
    guint32 allowed[3] = {0, 1u << 3 | 1u << 31, 1u << 5};
    lw_sampler_params p = plain();
    guint64 seen = 0;

    for (guint i = 0; i < 70; i++)
        logits[i] = i == 20 ? INFINITY : i == 69 ? NAN : 0;
    for (gint greedy = 0; greedy < 2; greedy++) {
        p.temperature = greedy ? 0 : 1;
        lw_sampler *s = new_sampler(70, &p);
        for (guint i = 0; i < 1000; i++) {
            gint32 id = lw_sampler_sample(s, logits, allowed);
            g_assert_true(allowed[id / 32] >> id % 32 & 1);
            seen |= (guint64)(id == 35) | (guint64)(id == 63) << 1;
        }
        lw_sampler_free(s);
    }
    g_assert_cmphex(seen, ==, 3);
    /* Nothing but hopeless ones: the first of them. */
    for (guint i = 0; i < 70; i++)
        logits[i] = i == 20 ? 1 : -INFINITY;
    lw_sampler *s = new_sampler(70, &p);
    g_assert_cmpint(lw_sampler_sample(s, logits, allowed), ==, 35);
    lw_sampler_free(s);
}

/* Longest repetition that `next` would go on with, the slow way. */
static guint naive_repetition(const gint32 *said, gsize n, gint32 next, const gboolean *breaker)
{
    guint longest = 0;

    if (breaker[next])
        return 0;
    for (gsize end = 0; end + 1 < n + 1; end++) { /* said[end] == next; compare what is before it */
        guint m = 0;
        if (end == n || said[end] != next)
            continue;
        while (m < end && said[end - 1 - m] == said[n - 1 - m] && !breaker[said[n - 1 - m]])
            m++;
        longest = MAX(longest, m);
    }
    return longest;
}

static void test_dry(void)
{
    GRand *rand = g_rand_new_with_seed(5);
    lw_sampler_params p = plain();
    const gint32 breakers[] = {4};
    const gboolean breaker[5] = {FALSE, FALSE, FALSE, FALSE, TRUE};
    guint n_long = 0;

    p.temperature = 0;
    p.dry_multiplier = 1;
    p.dry_base = 2;
    p.dry_allowed = 2;
    p.dry_last_n = 64;
    p.dry_breakers = breakers;
    p.n_dry_breakers = 1;
    for (guint round = 0; round < 400; round++) {
        lw_sampler *s = new_sampler(5, &p);
        gint32 said[64];
        gsize n = (gsize)g_rand_int_range(rand, 1, 64);
        float logits[5], expected[5];
        gint32 best = 0;

        for (gsize i = 0; i < n; i++) {
            said[i] = g_rand_int_range(rand, 0, 12) == 0 ? 4 : g_rand_int_range(rand, 0, 2 + round % 2);
            lw_sampler_accept(s, said[i]);
        }
        for (gint32 t = 0; t < 5; t++) {
            guint m = naive_repetition(said, n, t, breaker);
            n_long += m >= 4;
            logits[t] = (float)g_rand_double_range(rand, 0, 8);
            expected[t] = logits[t] - (m >= 2 ? powf(2, (float)(m - 2)) : 0);
            if (expected[t] > expected[best])
                best = t;
        }
        for (guint again = 0; again < 2; again++)
            g_assert_cmpint(lw_sampler_sample(s, logits, NULL), ==, best);
        lw_sampler_free(s);
    }
    g_assert_cmpuint(n_long, >, 50);
    g_rand_free(rand);
}

static void test_logprobs(void)
{
    const float logits[] = {logf(0.1f) + 7, logf(0.4f) + 7, NAN, logf(0.4f) + 7, logf(0.1f) + 7};
    const float hopeless[] = {-INFINITY, NAN};
    lw_logprob top[8];

    g_assert_cmpfloat_with_epsilon(lw_logprob_of(logits, 5, 1), logf(0.4f), 1e-6);
    g_assert_cmpfloat_with_epsilon(lw_logprob_of(logits, 5, 4), logf(0.1f), 1e-6);
    g_assert_cmpfloat(lw_logprob_of(logits, 5, 2), ==, -INFINITY);
    g_assert_cmpuint(lw_logprob_top(logits, 5, top, 3), ==, 3);
    g_assert_cmpint(top[0].token, ==, 1);
    g_assert_cmpint(top[1].token, ==, 3);
    g_assert_cmpint(top[2].token, ==, 0);
    g_assert_cmpfloat_with_epsilon(top[2].logprob, logf(0.1f), 1e-6);
    g_assert_cmpuint(lw_logprob_top(logits, 5, top, 8), ==, 5);
    g_assert_cmpint(top[4].token, ==, 2);
    g_assert_cmpuint(lw_logprob_top(logits, 5, top, 0), ==, 0);
    g_assert_cmpfloat(lw_logprob_of(hopeless, 2, 0), ==, 0); /* no model says this; it must not trap */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sampler/defaults", test_defaults);
    g_test_add_func("/sampler/invalid", test_invalid);
    g_test_add_func("/sampler/greedy", test_greedy);
    g_test_add_func("/sampler/chain", test_chain);
    g_test_add_func("/sampler/top-p-border", test_top_p_border);
    g_test_add_func("/sampler/top-k-ties", test_top_k_ties);
    g_test_add_func("/sampler/extremes", test_extremes);
    g_test_add_func("/sampler/large", test_large);
    g_test_add_func("/sampler/penalties", test_penalties);
    g_test_add_func("/sampler/seeds", test_seeds);
    g_test_add_func("/sampler/const-logits", test_const_logits);
    g_test_add_func("/sampler/out-of-memory", test_out_of_memory);
    g_test_add_func("/sampler/typical", test_typical);
    g_test_add_func("/sampler/top-n-sigma", test_top_n_sigma);
    g_test_add_func("/sampler/xtc", test_xtc);
    g_test_add_func("/sampler/bias", test_bias);
    g_test_add_func("/sampler/mask", test_mask);
    g_test_add_func("/sampler/dry", test_dry);
    g_test_add_func("/sampler/logprobs", test_logprobs);
    return g_test_run();
}
