/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Attention methods over the paged cache against a plain softmax in double: chunks and single
 * tokens, sliding windows, scales, every KV type; and the same bits for every number of threads.
 */
#include "engine/attention/crude.h"
#include "engine/attention/watch.h"

#include "engine/base/alloc.h"
#include "engine/kv/store.h"

#include <math.h>
#include <string.h>

#define N_LAYER 2
#define LAYER 1 /* the one that is attended to */

typedef struct {
    lw_kv_type type;
    guint n_head, n_head_kv, head_dim;
    gsize start, n_rows; /* tokens before, new tokens */
    gsize window;
    float scale;
    const char *method; /* NULL: the default */
} attend_case;

static void *page_alloc(gsize n, GError **error)
{
    return lw_alloc_try(n, "a page", error);
}

static void page_copy(void *dst, const void *src, gsize n)
{
    memcpy(dst, src, n);
}

static const lw_kv_storage storage = {page_alloc, lw_free, page_copy};

/* -1..1, the same for the same seed. */
static float random_float(guint32 *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(gint32)*seed / 2147483648.0f;
}

typedef struct {
    gsize start, n_head, n;
    float *p; /* [rows][n_head][n] */
} watched;

static void keep_row(void *user, const lw_attention_row *r)
{
    watched *w = user;

    g_assert_cmpuint(r->layer, ==, LAYER);
    memcpy(w->p + ((r->row - w->start) * w->n_head + r->head) * w->n, r->p, r->n_keys * sizeof(float));
}

/* Runs the case on 1, 2 and 4 threads, compares with the softmax over the keys that the method says it sees, and
 * returns what came out: [n_rows][n_head * head_dim]. */
static float *run_case(const attend_case *c)
{
    lw_attention_choice choice;
    lw_kv_shape shape = {N_LAYER, c->n_head_kv, c->head_dim, c->type};
    gsize n = c->start + c->n_rows, d = c->head_dim, group = c->n_head / c->n_head_kv;
    lw_kv_cache *cache = lw_kv_cache_new(&shape, &storage, n);
    lw_kv_seq *kv = lw_kv_seq_new(cache);
    g_autoptr(GError) error = NULL;
    g_autofree float *k = g_new(float, n * c->n_head_kv * d),
                     *v = g_new(float, n * c->n_head_kv * d);
    g_autofree float *q = g_new(float, c->n_rows * c->n_head * d), *out1 = NULL;
    gsize n_out = c->n_rows * c->n_head * d;
    guint32 seed = 7;

    g_assert_true(lw_attention_choose(c->method, &choice, &error));
    const lw_attention_method *method = choice.method;
    const lw_crude *crude = choice.params;
    g_assert_true(lw_kv_seq_reserve(kv, n, &error));
    for (gsize i = 0; i < n; i++)
        for (guint h = 0; h < c->n_head_kv; h++) {
            float *ki = k + (i * c->n_head_kv + h) * d, *vi = v + (i * c->n_head_kv + h) * d;
            for (gsize e = 0; e < d; e++) {
                ki[e] = random_float(&seed);
                vi[e] = random_float(&seed);
            }
            /* Compare with what the cache holds, not with what was given to it. */
            lw_kv_store_k(lw_kernels_get(), kv, LAYER, h, i, ki);
            lw_kv_store_v(lw_kernels_get(), kv, LAYER, h, i, vi);
            lw_kv_load_k(kv, LAYER, h, i, ki);
            lw_kv_load_v(kv, LAYER, h, i, vi);
        }
    lw_kv_seq_commit(kv, c->start); /* a method runs before its own rows are committed */
    for (gsize i = 0; i < n_out; i++)
        q[i] = 3 * random_float(&seed);

    g_autofree float *probabilities = g_new0(float, c->n_rows * c->n_head * n), *row_p = g_new(float, LW_WATCH_ROWS * c->n_head * n);
    watched seen = {c->start, c->n_head, n, probabilities};
    lw_attention_watch watch = {c->start, n, keep_row, &seen, row_p};

    for (int threads = 1; threads <= 4; threads *= 2) {
        lw_pool *pool = lw_pool_new(threads);
        char *scratch =
            lw_alloc_try(lw_attention_scratch_bytes(&shape, c->n_head, c->n_rows, n, threads),
                         "scratch", &error);
        g_autofree float *out = g_new(float, n_out);
        lw_attend call = {
            .layer = LAYER,
            .start = c->start,
            .n_rows = c->n_rows,
            .q = q,
            .out = out,
            .n_head = c->n_head,
            .scale = c->scale,
            .window = c->window,
            .kv = kv,
            .params = choice.params,
            .pool = pool,
            .kernels = lw_kernels_get(),
            .scratch = scratch,
        };
        lw_attention *state = NULL;

        g_assert_no_error(error);
        if (method->new) {
            state = method->new (&shape, &error);
            g_assert_no_error(error);
        }
        g_assert_true(method->run(state, &call));
        g_assert_true(lw_attention_watch_run(&watch, &call));
        if (method->free)
            method->free(state);
        lw_free(scratch);
        lw_pool_free(pool);
        if (!out1)
            out1 = g_steal_pointer(&out);
        else
            g_assert_cmpmem(out, n_out * sizeof(float), out1, n_out * sizeof(float));
    }

    /* 8-bit kernels may cut q to 15 bits. */
    double bar = c->type == LW_KV_Q8_0 ? 1e-4 : 1e-5;
    g_autofree double *s = g_new(double, n);
    for (gsize r = 0; r < c->n_rows; r++) {
        gsize pos = c->start + r, first = c->window && pos >= c->window ? pos - c->window + 1 : 0;
        for (guint h = 0; h < c->n_head; h++) {
            gsize kv_head = h / group;
            const float *row = q + (r * c->n_head + h) * d;
            double max = -INFINITY, sum = 0;
            for (gsize j = first; j <= pos; j++) {
                s[j] = -INFINITY;
                if (crude && !lw_crude_sees(crude, LAYER, (guint)kv_head, pos, j))
                    continue;
                s[j] = 0;
                for (gsize e = 0; e < d; e++)
                    s[j] += (double)row[e] * k[(j * c->n_head_kv + kv_head) * d + e];
                s[j] *= c->scale;
                max = MAX(max, s[j]);
            }
            for (gsize j = first; j <= pos; j++)
                sum += s[j] = exp(s[j] - max);
            /* What is watched is exact, whatever the method sees. */
            for (gsize j = 0; !crude && j < n; j++) {
                double want = j >= first && j <= pos ? s[j] / sum : 0;
                g_assert_cmpfloat_with_epsilon(probabilities[(r * c->n_head + h) * n + j], want, 1e-5);
            }
            for (gsize e = 0; e < d; e++) {
                double want = 0;
                for (gsize j = first; j <= pos; j++)
                    want += s[j] / sum * v[(j * c->n_head_kv + kv_head) * d + e];
                float got = out1[(r * c->n_head + h) * d + e];
                if (!(fabs(got - want) <= bar))
                    g_error("%" G_GSIZE_FORMAT "+%" G_GSIZE_FORMAT
                            " tokens, window %" G_GSIZE_FORMAT
                            ", type %d: position %" G_GSIZE_FORMAT
                            ", head %u, element %" G_GSIZE_FORMAT " is %.8g, not %.8g",
                            c->start, c->n_rows, c->window, c->type, pos, h, e, got, want);
            }
        }
    }
    lw_kv_seq_free(kv);
    lw_kv_cache_free(cache);
    lw_attention_choice_clear(&choice);
    return g_steal_pointer(&out1);
}

/* Windows of one key, of less than a page, of pages, beside page borders, longer than everything.
 */
static void test_windows(void)
{
    static const gsize windows[] = {0, 1, 5, 63, 64, 65, 128, 500, 513, 5000};
    static const gsize spans[][2] = {{0, 1},   {0, 100}, {63, 1},   {64, 1},
                                     {511, 8}, {700, 3}, {1100, 1}, {500, 200}};
    static const lw_kv_type types[] = {LW_KV_F16, LW_KV_F32, LW_KV_Q8_0};

    for (guint w = 0; w < G_N_ELEMENTS(windows); w++)
        for (guint s = 0; s < G_N_ELEMENTS(spans); s++) {
            attend_case c = {
                .type = types[(w + s) % G_N_ELEMENTS(types)],
                .n_head = 4,
                .n_head_kv = 2,
                .head_dim = 32,
                .start = spans[s][0],
                .n_rows = spans[s][1],
                .window = windows[w],
                .scale = 1 / sqrtf(32),
            };
            g_free(run_case(&c));
        }
}

/* Head sizes, group sizes, a scale of the model's own. */
static void test_shapes(void)
{
    static const guint shapes[][3] = {
        {7, 1, 64}, {14, 2, 64}, {8, 8, 40}, {16, 2, 128}, {4, 1, 256}};

    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++)
        for (guint rows = 1; rows <= 70; rows += 23) {
            attend_case c = {
                .type = shapes[i][2] % 32 ? LW_KV_F32 : rows % 2 ? LW_KV_F16 : LW_KV_Q8_0,
                .n_head = shapes[i][0],
                .n_head_kv = shapes[i][1],
                .head_dim = shapes[i][2],
                .start = 130,
                .n_rows = rows,
                .window = rows % 2 ? 0 : 77,
                .scale = 0.0625f,
            };
            g_free(run_case(&c));
        }
}

/* Crude methods see what their rule says, and nothing else. */
static void test_crude(void)
{
    static const char *const methods[] = {"window:4+60", "window:0+1", "window:100+30", "window:64+64",
                                          "window:3+500", "random:10%", "random:1.5%@9", "random:90%"};
    static const gsize spans[][2] = {{0, 1}, {0, 130}, {63, 2}, {700, 3}, {1100, 1}, {500, 200}};
    static const lw_kv_type types[] = {LW_KV_F16, LW_KV_F32, LW_KV_Q8_0};

    for (guint m = 0; m < G_N_ELEMENTS(methods); m++)
        for (guint s = 0; s < G_N_ELEMENTS(spans); s++)
            for (guint window = 0; window <= 333; window += 333) {
                attend_case c = {
                    .type = types[(m + s) % G_N_ELEMENTS(types)],
                    .n_head = 6,
                    .n_head_kv = 2,
                    .head_dim = 32,
                    .start = spans[s][0],
                    .n_rows = spans[s][1],
                    .window = window,
                    .scale = 1 / sqrtf(32),
                    .method = methods[m],
                };
                g_free(run_case(&c));
            }
}

/* Keeping everything is dense attention, bit for bit; keeping less is not. */
static void test_crude_whole(void)
{
    static const char *const whole[] = {"window:all", "random:100%", "window:0+701", "window:701+1"};
    static const gsize spans[][2] = {{700, 1}, {640, 61}, {0, 300}};

    for (guint s = 0; s < G_N_ELEMENTS(spans); s++) {
        attend_case c = {
            .type = LW_KV_F16,
            .n_head = 4,
            .n_head_kv = 2,
            .head_dim = 64,
            .start = spans[s][0],
            .n_rows = spans[s][1],
            .scale = 0.125f,
        };
        gsize bytes = c.n_rows * c.n_head * c.head_dim * sizeof(float);
        g_autofree float *dense = run_case(&c);
        for (guint i = 0; i < G_N_ELEMENTS(whole); i++) {
            c.method = whole[i];
            g_autofree float *out = run_case(&c);
            g_assert_cmpmem(out, bytes, dense, bytes);
        }
        c.method = "random:99%";
        g_autofree float *less = run_case(&c);
        g_assert_true(memcmp(less, dense, bytes) != 0);
    }
}

/* How many keys random keeps, and that another seed, layer and head keep others. */
static void test_crude_share(void)
{
    lw_attention_choice a, b;
    guint n = 0, other_seed = 0, other_layer = 0, other_head = 0, total = 100000;

    g_assert_true(lw_attention_choose("random:10%", &a, NULL));
    g_assert_true(lw_attention_choose("random:10%@5", &b, NULL));
    for (gsize j = 64; j < 64 + total; j++) {
        gboolean sees = lw_crude_sees(a.params, 0, 0, 1000000, j);
        n += sees;
        other_seed += sees && lw_crude_sees(b.params, 0, 0, 1000000, j);
        other_layer += sees && lw_crude_sees(a.params, 1, 0, 1000000, j);
        other_head += sees && lw_crude_sees(a.params, 0, 1, 1000000, j);
    }
    g_assert_cmpint(ABS((int)n - 10000), <, 400); /* four deviations */
    g_assert_cmpint(ABS((int)other_seed - 1000), <, 150);
    g_assert_cmpint(ABS((int)other_layer - 1000), <, 150);
    g_assert_cmpint(ABS((int)other_head - 1000), <, 150);
    lw_attention_choice_clear(&a);
    lw_attention_choice_clear(&b);
}

static void test_choose(void)
{
    static const char *const bad[] = {"", "dens", "dense:", "dense:1", "window", "window:", "window:4", "window:4+",
                                      "window:4+0", "window:+4", "window:4+5+6", "window:-1+4", "window:4+9999999999",
                                      "random", "random:", "random:10", "random:0%", "random:101%", "random:nan%",
                                      "random:10%x", "random:10%@", "random:10%@-1", ":", "window:all+4", "random:1e999%"};
    lw_attention_choice c;

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(lw_attention_choose(bad[i], &c, &error));
        g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
        g_assert_null(c.params);
        g_assert_null(c.name);
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(lw_attention_choose("wide", &c, &error));
    g_assert_cmpstr(error->message, ==,
                    "unknown attention method \"wide\" (there is: dense, window:SINK+LOCAL, random:P%)");
    g_assert_true(lw_attention_choose(NULL, &c, NULL));
    g_assert_cmpstr(c.name, ==, "dense");
    lw_attention_choice_clear(&c);
    g_assert_true(lw_attention_choose("window:4+508", &c, NULL));
    g_assert_cmpstr(c.name, ==, "window:4+508");
    g_assert_cmpuint(((lw_crude *)c.params)->sink, ==, 4);
    g_assert_cmpuint(((lw_crude *)c.params)->local, ==, 508);
    lw_attention_choice_clear(&c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/attention/windows", test_windows);
    g_test_add_func("/attention/shapes", test_shapes);
    g_test_add_func("/attention/crude", test_crude);
    g_test_add_func("/attention/crude-whole", test_crude_whole);
    g_test_add_func("/attention/crude-share", test_crude_share);
    g_test_add_func("/attention/choose", test_choose);
    return g_test_run();
}
