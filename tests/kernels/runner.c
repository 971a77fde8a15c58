/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every kernel, in every version this CPU can run, against the C reference.
 *
 *   kernels-test [--mask c|avx2|avx512|amx] [GLib test options]    one version only
 *   kernels-test --bench [PATTERN]                              GB/s and GFLOP/s instead
 */
#include "tests/kernels/check.h"

#include "engine/base/cpu.h"
#include "tests/kernels/bench.h"

void test_linear(const lw_kernels *k);
void test_linear_cancel(const lw_kernels *k);

typedef void (*kernel_test)(const lw_kernels *ref, const lw_kernels *k);

static const struct {
    const char *name;
    kernel_test test;
} roster[] = {
#define X(name, ret, args) {#name, test_##name},
    LW_KERNELS(X)
#undef X
};

static const struct {
    const char *name;
    guint needs, flags;
} masks[] = {
    {"c", 0, 0},
    {"avx2", LW_CPU_AVX2, LW_CPU_AVX2},
    {"avx512", LW_CPU_AVX2 | LW_CPU_AVX512 | LW_CPU_AVX512_VNNI, ~(guint)LW_CPU_AMX},
    {"amx", LW_CPU_AMX, ~0u},
};

typedef struct {
    guint kernel, mask;
} one_test;

static gboolean have(guint mask)
{
    return (lw_cpu_detect() & masks[mask].needs) == masks[mask].needs;
}

static gboolean skip_without(guint mask)
{
    if (have(mask))
        return FALSE;
    g_autofree char *why = g_strdup_printf("this CPU has no %s", masks[mask].name);
    g_test_skip(why);
    return TRUE;
}

static void run_kernel(gconstpointer data)
{
    const one_test *t = data;
    lw_kernels ref, k;

    if (skip_without(t->mask))
        return;
    check_seed(t->kernel + 1);
    lw_kernels_init(&ref, 0);
    lw_kernels_init(&k, masks[t->mask].flags & lw_cpu_detect());
    roster[t->kernel].test(&ref, &k);
}

static void run_linear(gconstpointer data)
{
    const one_test *t = data;
    lw_kernels k;

    if (skip_without(t->mask))
        return;
    check_seed(99);
    lw_kernels_init(&k, masks[t->mask].flags & lw_cpu_detect());
    test_linear(&k);
    test_linear_cancel(&k);
}

/* A level may inherit from the one below, but the hot ones must really be overridden. */
static void test_dispatch(void)
{
    lw_kernels c, avx2, avx512;

    lw_kernels_init(&c, 0);
    lw_kernels_init(&avx2, LW_CPU_AVX2);
    lw_kernels_init(&avx512, ~0u);
#define X(name, ret, args)                                                                         \
    g_assert_true(c.name != NULL && avx2.name != NULL && avx512.name != NULL);
    LW_KERNELS(X)
#undef X
#if defined(__x86_64__)
#define X(name, ret, args)                                                                         \
    if (c.name == avx2.name || avx2.name == avx512.name)                                           \
        g_error("%s has no version of its own for AVX2 or AVX-512", #name);
    LW_KERNELS(X)
#undef X
#endif
}

static void add_tests(guint mask)
{
    for (guint i = 0; i < G_N_ELEMENTS(roster); i++) {
        one_test *t = g_new(one_test, 1);
        g_autofree char *path = g_strdup_printf("/kernels/%s/%s", masks[mask].name, roster[i].name);
        *t = (one_test){i, mask};
        g_test_add_data_func_full(path, t, run_kernel, g_free);
    }
    one_test *t = g_new(one_test, 1);
    g_autofree char *path = g_strdup_printf("/kernels/%s/linear", masks[mask].name);
    *t = (one_test){0, mask};
    g_test_add_data_func_full(path, t, run_linear, g_free);
}

static int bench(const char *pattern)
{
    bench_ceilings(lw_cpu_detect());
    for (guint m = 0; m < G_N_ELEMENTS(masks); m++) {
        lw_kernels k;
        if (!have(m))
            continue;
        lw_kernels_init(&k, masks[m].flags & lw_cpu_detect());
        bench_kernels(masks[m].name, &k, pattern);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *only = NULL;

    if (argc >= 2 && strcmp(argv[1], "--bench") == 0)
        return bench(argc >= 3 ? argv[2] : NULL);
    if (argc >= 3 && strcmp(argv[1], "--mask") == 0) {
        only = argv[2];
        argv[2] = argv[0];
        argv += 2;
        argc -= 2;
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kernels/dispatch", test_dispatch);
    for (guint m = 0; m < G_N_ELEMENTS(masks); m++)
        if (only == NULL || strcmp(only, masks[m].name) == 0)
            add_tests(m);
    return g_test_run();
}
