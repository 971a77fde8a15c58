/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Norm, activations, rotation and quantisation of activations.
 */
#include "tests/kernels/check.h"

static const int sizes[] = {1, 3, 8, 15, 16, 17, 31, 33, 64, 100, 896, 1000};

void test_rmsnorm(const lw_kernels *ref, const lw_kernels *k)
{
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        for (check_fill fill = 0; fill < N_FILLS; fill++) {
            int n = sizes[s];
            float *x = check_alloc(n * 4, 4), *w = check_alloc(n * 4, 0);
            float *got = check_alloc(n * 4, 4), *want = check_alloc(n * 4, 0);
            check_fill_f32(x, n, fill);
            check_fill_f32(w, n, FILL_NORMAL);
            ref->rmsnorm(x, w, want, n, 1e-6f);
            k->rmsnorm(x, w, got, n, 1e-6f);
            check_close_f32("rmsnorm", got, want, n, 1e-6f, 1e-37f);
            memcpy(got, x, n * 4); /* in place */
            k->rmsnorm(got, w, got, n, 1e-6f);
            check_close_f32("rmsnorm in place", got, want, n, 1e-6f, 1e-37f);
            check_free(x);
            check_free(w);
            check_free(got);
            check_free(want);
        }
    }
}

void test_layernorm(const lw_kernels *ref, const lw_kernels *k)
{
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        for (check_fill fill = 0; fill < N_FILLS; fill++) {
            int n = sizes[s];
            float *x = check_alloc(n * 4, 4), *w = check_alloc(n * 4, 0),
                  *b = check_alloc(n * 4, 4);
            float *got = check_alloc(n * 4, 4), *want = check_alloc(n * 4, 0);
            check_fill_f32(x, n, fill);
            check_fill_f32(w, n, FILL_NORMAL);
            check_fill_f32(b, n, FILL_NORMAL);
            for (int i = 0; i < n && fill == FILL_NORMAL; i++)
                x[i] += 30; /* the mean is what a norm without one would miss */
            ref->layernorm(x, w, b, want, n, 1e-6f);
            for (int i = 0; fill == FILL_NORMAL && i < n; i++) {
                double mean = 0, square = 0;
                for (int j = 0; j < n; j++)
                    mean += (double)x[j] / n;
                for (int j = 0; j < n; j++)
                    square += (x[j] - mean) * (x[j] - mean) / n;
                float exact =
                    (float)((x[i] - mean) / sqrt(square + 1e-6) * (double)w[i] + (double)b[i]);
                check_close_f32("layernorm, formula", want + i, &exact, 1, 1e-5f, 2e-5f);
            }
            k->layernorm(x, w, b, got, n, 1e-6f);
            check_close_f32("layernorm", got, want, n, 2e-6f, 4e-6f);
            memcpy(got, x, n * 4);
            k->layernorm(got, w, b, got, n, 1e-6f);
            check_close_f32("layernorm in place", got, want, n, 2e-6f, 4e-6f);
            check_free(x);
            check_free(w);
            check_free(b);
            check_free(got);
            check_free(want);
        }
    }
}

void test_add_scaled(const lw_kernels *ref, const lw_kernels *k)
{
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        int n = sizes[s];
        float *x = check_alloc(n * 4, 4), *got = check_alloc(n * 4, 4),
              *want = check_alloc(n * 4, 0);
        check_fill_f32(x, n, FILL_NORMAL);
        check_fill_f32(want, n, FILL_NORMAL);
        memcpy(got, want, n * 4);
        ref->add_scaled(want, x, -0.37f, n);
        k->add_scaled(got, x, -0.37f, n);
        check_close_f32("add_scaled", got, want, n, 1e-6f, 1e-6f);
        check_free(x);
        check_free(got);
        check_free(want);
    }
}

void test_add(const lw_kernels *ref, const lw_kernels *k)
{
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        int n = sizes[s];
        float *x = check_alloc(n * 4, 4), *got = check_alloc(n * 4, 4),
              *want = check_alloc(n * 4, 0);
        check_fill_f32(x, n, FILL_EXTREME);
        check_fill_f32(want, n, FILL_NORMAL);
        memcpy(got, want, n * 4);
        ref->add(want, x, n);
        k->add(got, x, n);
        check_equal_f32("add", got, want, n);
        check_free(x);
        check_free(got);
        check_free(want);
    }
}

/* Both against double precision. */
static double silu(double x)
{
    return x / (1 + exp(-x));
}

static double gelu(double x)
{
    return 0.5 * x * erfc(-x * M_SQRT1_2);
}

void test_swiglu(const lw_kernels *ref, const lw_kernels *k)
{
    enum { N = 40001 };
    float *g = check_alloc(N * 4, 4), *u = check_alloc(N * 4, 0);
    float *got = check_alloc(N * 4, 4), *want = check_alloc(N * 4, 0);

    for (int i = 0; i < N; i++) {
        g[i] = i < 20000 ? (i - 10000) * 0.012f : check_normal() * 4; /* -120 .. 120 */
        u[i] = i < 20000 ? 1.0f : check_normal();
        want[i] = (float)(silu(g[i]) * u[i]);
    }
    k->swiglu(g, u, got, N);
    check_close_f32("swiglu", got, want, N, 5e-7f, 1e-36f);
    ref->swiglu(g, u, got, N);
    check_close_f32("swiglu, reference", got, want, N, 5e-7f, 1e-36f);

    float ends[] = {3e38f, -3e38f, NAN, -0.0f, 1e-40f}, one[] = {1, 1, 1, 1, 1}, y[5], z[5];
    k->swiglu(ends, one, y, 5);
    ref->swiglu(ends, one, z, 5);
    check_close_f32("swiglu, ends", y, z, 5, 5e-7f, 0);
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        float *tail = check_alloc(sizes[s] * 4, 4);
        k->swiglu(g + 20000, u + 20000, tail, sizes[s]);
        check_close_f32("swiglu, tail", tail, want + 20000, sizes[s], 5e-7f, 1e-36f);
        check_free(tail);
    }
    check_free(g);
    check_free(u);
    check_free(got);
    check_free(want);
}

/* An activation of one variable against its formula in double; `rel` and `abs` bound both versions.
 */
static void check_activation(const char *name, void (*ref)(const float *, float *, gsize),
                             void (*k)(const float *, float *, gsize), double (*formula)(double),
                             float rel, float abs)
{
    enum { N = 24001 };
    float *x = check_alloc(N * 4, 4), *got = check_alloc(N * 4, 4), *want = check_alloc(N * 4, 0);

    for (int i = 0; i < N; i++) {
        x[i] = (i - 12000) * 0.001f;
        want[i] = (float)formula(x[i]);
    }
    k(x, got, N);
    check_close_f32(name, got, want, N, rel, abs);
    ref(x, got, N);
    check_close_f32(name, got, want, N, rel, abs);

    float ends[] = {3e38f, NAN, -0.0f, 1e-40f, 30.0f}, y[5], z[5];
    k(ends, y, 5);
    ref(ends, z, 5);
    check_close_f32(name, y, z, 5, rel, 0);
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        float *tail = check_alloc(sizes[s] * 4, 4);
        k(x + 12500, tail, sizes[s]);
        check_close_f32(name, tail, want + 12500, sizes[s], rel, abs);
        check_free(tail);
    }
    check_free(x);
    check_free(got);
    check_free(want);
}

void test_gelu_erf(const lw_kernels *ref, const lw_kernels *k)
{
    /* 1 + erf cancels on the negative side: absolute there, as in the formula itself. */
    check_activation("gelu_erf", ref->gelu_erf, k->gelu_erf, gelu, 4e-7f, 5e-7f);
}

static double gelu_by_tanh(double x)
{
    return 0.5 * x * (1 + tanh(sqrt(2 / G_PI) * (x + 0.044715 * x * x * x)));
}

/* e^-a has the relative error of its argument, which shows far out on the negative side, where the
 * values are tiny: at -12 the exponents are 145 and 20. */
void test_gelu_tanh(const lw_kernels *ref, const lw_kernels *k)
{
    float far[] = {-3e38f, -1e4f, -40.0f}, y[3];

    check_activation("gelu_tanh", ref->gelu_tanh, k->gelu_tanh, gelu_by_tanh, 4e-7f, 2e-7f);
    k->gelu_tanh(far, y, 3);
    for (int i = 0; i < 3; i++)
        g_assert_cmpfloat(y[i], ==, 0);
}

static double gelu_by_sigmoid(double x)
{
    return x / (1 + exp(-1.702 * x));
}

void test_gelu_quick(const lw_kernels *ref, const lw_kernels *k)
{
    float far[] = {-3e38f, -1e4f}, y[2];

    check_activation("gelu_quick", ref->gelu_quick, k->gelu_quick, gelu_by_sigmoid, 2e-6f, 1e-37f);
    k->gelu_quick(far, y, 2);
    for (int i = 0; i < 2; i++)
        g_assert_cmpfloat(y[i], ==, 0);
}

void test_geglu(const lw_kernels *ref, const lw_kernels *k)
{
    enum { N = 24001 };
    float *g = check_alloc(N * 4, 4), *u = check_alloc(N * 4, 0);
    float *got = check_alloc(N * 4, 4), *want = check_alloc(N * 4, 0);

    for (int i = 0; i < N; i++) {
        g[i] = (i - 12000) * 0.001f; /* -12 .. 12 */
        u[i] = i % 3 ? 1.0f : check_normal();
        want[i] = (float)(gelu_by_tanh(g[i]) * u[i]);
    }
    /* The exponent is up to 26 in the interesting range, and its rounding is the result's. */
    k->geglu(g, u, got, N);
    check_close_f32("geglu", got, want, N, 1e-6f, 5e-7f);
    ref->geglu(g, u, got, N);
    check_close_f32("geglu, reference", got, want, N, 1e-6f, 5e-7f);

    float ends[] = {3e38f, -3e38f, NAN, -0.0f, 1e-40f, 40.0f, -40.0f}, one[] = {1, 1, 1, 1, 1, 1, 1}, y[7], z[7];
    k->geglu(ends, one, y, 7);
    ref->geglu(ends, one, z, 7);
    check_close_f32("geglu, ends", y, z, 7, 1e-6f, 0);
    g_assert_cmpfloat(y[0], ==, 3e38f);
    g_assert_cmpfloat(y[1], ==, 0);
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        float *tail = check_alloc(sizes[s] * 4, 4);
        k->geglu(g + 12500, u + 12500, tail, sizes[s]);
        check_close_f32("geglu, tail", tail, want + 12500, sizes[s], 1e-6f, 5e-7f);
        check_free(tail);
    }
    check_free(g);
    check_free(u);
    check_free(got);
    check_free(want);
}

typedef void (*rope_fn)(float *, int, int, int, const float *, const float *);

/* Heads of `d` rotated values and some that stay; every pair (i, partner) against double. */
static void check_rope(rope_fn fn, gboolean adjacent)
{
    static const int heads[] = {1, 2, 14}, dims[] = {2, 6, 8, 10, 22, 32, 64, 80, 96, 128}, rest[] = {0, 2, 24};

    for (guint h = 0; h < G_N_ELEMENTS(heads) * G_N_ELEMENTS(rest); h++) {
        for (guint i = 0; i < G_N_ELEMENTS(dims); i++) {
            int d = dims[i], n_heads = heads[h % G_N_ELEMENTS(heads)];
            int stride = d + rest[h / G_N_ELEMENTS(heads)], n = n_heads * stride;
            float *c = check_alloc(d / 2 * 4, 4), *s = check_alloc(d / 2 * 4, 0);
            float *got = check_alloc(n * 4, 4), *want = check_alloc(n * 4, 0);
            for (int j = 0; j < d / 2; j++) {
                float a = check_uniform(-4, 4);
                c[j] = cosf(a);
                s[j] = sinf(a);
            }
            check_fill_f32(want, n, FILL_NORMAL);
            memcpy(got, want, n * 4);
            fn(got, n_heads, stride, d, c, s);
            for (int at = 0; at < n; at += stride) {
                for (int j = 0; j < d / 2; j++) {
                    float *p = want + at + (adjacent ? 2 * j : j), *q = p + (adjacent ? 1 : d / 2);
                    double a = *p, b = *q;
                    *p = (float)(a * c[j] - b * s[j]);
                    *q = (float)(b * c[j] + a * s[j]);
                }
            }
            check_close_f32(adjacent ? "rope, adjacent" : "rope, half", got, want, n, 1e-6f, 1e-6f);
            check_free(c);
            check_free(s);
            check_free(got);
            check_free(want);
        }
    }
}

void test_rope_half(const lw_kernels *ref, const lw_kernels *k)
{
    check_rope(ref->rope_half, FALSE);
    check_rope(k->rope_half, FALSE);
}

void test_rope_adjacent(const lw_kernels *ref, const lw_kernels *k)
{
    check_rope(ref->rope_adjacent, TRUE);
    check_rope(k->rope_adjacent, TRUE);
}

void test_quant_q8(const lw_kernels *ref, const lw_kernels *k)
{
    enum { N = 32 * 40 };
    float *x = check_alloc(N * 4, 4);
    int8_t *got = check_alloc(N, 1), *want = check_alloc(N, 0);
    float *sgot = check_alloc(N / 32 * 4, 4), *swant = check_alloc(N / 32 * 4, 0);

    for (int round = 0; round < 50; round++) {
        check_fill_f32(x, N, round % N_FILLS);
        if (round >= 40) { /* values that fall on .5 exactly */
            for (int i = 0; i < N; i++)
                x[i] = ((int)(check_random() % 254) - 127) * 0.5f;
            for (int i = 0; i < N; i += 32)
                x[i] = 127;
        }
        if (round >= 45) { /* broken and tiny blocks between good ones */
            x[5] = NAN;
            x[32 + 31] = INFINITY;
            x[64] = -INFINITY;
            for (int i = 96; i < 128; i++)
                x[i] = 1e-37f;
            x[128] = 3.4e38f;
        }
        ref->quant_q8(x, want, swant, N);
        k->quant_q8(x, got, sgot, N);
        g_assert_cmpmem(got, N, want, N);
        check_equal_f32("scale", sgot, swant, N / 32);
        for (int i = 0; i < N; i++)
            g_assert_cmpint(got[i], >=, -127);
        if (round >= 45) {
            g_assert_true(isnan(sgot[0]) && isnan(sgot[1]) && isnan(sgot[2]));
            g_assert_cmpint(got[6], ==, 0);
            g_assert_cmpfloat(sgot[3], ==, 0);
            g_assert_cmpint(got[128], ==, 127);
        }
    }
    check_free(x);
    check_free(got);
    check_free(want);
    check_free(sgot);
    check_free(swant);
}

void test_sums_q8(const lw_kernels *ref, const lw_kernels *k)
{
    enum { N = 32 * 33 };
    int8_t *q = check_alloc(N, 1);
    gint32 *got = check_alloc(N / 16 * 4, 4);

    for (int i = 0; i < N; i++)
        q[i] = i < 32 ? -127 : i < 64 ? 127 : (int8_t)(check_random() % 255 - 127);
    k->sums_q8(q, got, N);
    for (int g = 0; g < N / 16; g++) {
        int sum = 0;
        for (int i = 0; i < 16; i++)
            sum += q[g * 16 + i];
        g_assert_cmpint(got[g], ==, sum);
    }
    check_free(q);
    check_free(got);
}
