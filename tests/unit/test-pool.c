/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>

#include "engine/base/cpu.h"
#include "engine/base/pool.h"

#define MAX_TASKS 5000

typedef struct {
    gint ran[MAX_TASKS];                  /* times each task ran */
    gint per_worker[LW_POOL_MAX_THREADS]; /* a worker index is used by one thread at a time */
    gint busy[LW_POOL_MAX_THREADS];
    int n_threads;
    gint *cancel;
    int cancel_at;
} record;

static void count(void *ctx, int task, int worker)
{
    record *r = ctx;

    g_assert_cmpint(worker, >=, 0);
    g_assert_cmpint(worker, <, r->n_threads);
    g_assert_true(g_atomic_int_compare_and_exchange(&r->busy[worker], 0, 1));
    g_atomic_int_inc(&r->ran[task]);
    r->per_worker[worker]++;
    if (r->cancel != NULL && task == r->cancel_at)
        g_atomic_int_set(r->cancel, 1);
    /* Tasks start in order: a later one waits, so that no schedule can end the loop before. */
    while (r->cancel != NULL && task > r->cancel_at && g_atomic_int_get(r->cancel) == 0)
        g_thread_yield();
    g_atomic_int_set(&r->busy[worker], 0);
}

static void test_every_task_once(gconstpointer data)
{
    static const int sizes[] = {0, 1, 2, 3, 7, 64, 301, MAX_TASKS};
    int n_threads = GPOINTER_TO_INT(data);
    lw_pool *pool = lw_pool_new(n_threads);

    g_assert_cmpint(lw_pool_n_threads(pool), ==, n_threads);
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        g_autofree record *r = g_new0(record, 1);
        int total = 0;
        r->n_threads = n_threads;
        g_assert_true(lw_pool_run(pool, sizes[s], count, r, NULL));
        for (int i = 0; i < MAX_TASKS; i++)
            g_assert_cmpint(r->ran[i], ==, i < sizes[s] ? 1 : 0);
        for (int i = 0; i < n_threads; i++)
            total += r->per_worker[i];
        g_assert_cmpint(total, ==, sizes[s]);
    }
    lw_pool_free(pool);
}

/* Plain memory written by one loop is read by the next, in other threads: what joining promises. */
typedef struct {
    int n;
    int *from, *to;
} shift;

static void shift_task(void *ctx, int task, int worker)
{
    shift *s = ctx;
    s->to[task] = s->from[(task + 1) % s->n] + 1;
}

static void test_loops_follow_each_other(gconstpointer data)
{
    enum { N = 37, LOOPS = 3000 };
    int a[N] = {0}, b[N] = {0};
    lw_pool *pool = lw_pool_new(GPOINTER_TO_INT(data));

    for (int i = 0; i < LOOPS; i++) {
        shift s = {N, i % 2 ? b : a, i % 2 ? a : b};
        g_assert_true(lw_pool_run(pool, N, shift_task, &s, NULL));
        if (i % 500 == 0)
            g_usleep(1000); /* long enough for the workers to fall asleep */
    }
    for (int i = 0; i < N; i++)
        g_assert_cmpint(a[i], ==, LOOPS);
    lw_pool_free(pool);
}

static void test_cancel(gconstpointer data)
{
    g_autofree record *r = g_new0(record, 1);
    lw_pool *pool = lw_pool_new(GPOINTER_TO_INT(data));
    gint cancel = 1;
    int ran = 0;

    r->n_threads = GPOINTER_TO_INT(data);
    g_assert_false(lw_pool_run(pool, 100, count, r, &cancel));
    for (int i = 0; i < 100; i++)
        g_assert_cmpint(r->ran[i], ==, 0);

    /* Set from inside task 10: tasks already started end, the rest never start. */
    cancel = 0;
    r->cancel = &cancel;
    r->cancel_at = 10;
    g_assert_false(lw_pool_run(pool, MAX_TASKS, count, r, &cancel));
    for (int i = 0; i < MAX_TASKS; i++)
        ran += r->ran[i];
    g_assert_cmpint(r->ran[10], ==, 1);
    g_assert_cmpint(ran, <=, 10 + r->n_threads + r->n_threads);

    /* The pool is as good as new. */
    cancel = 0;
    r->cancel = NULL;
    g_assert_true(lw_pool_run(pool, MAX_TASKS, count, r, &cancel));
    for (int i = 0; i < MAX_TASKS; i++)
        g_assert_cmpint(r->ran[i], >=, 1);
    lw_pool_free(pool);
}

static void test_sizes(void)
{
    lw_pool *pool = lw_pool_new(0);

    g_assert_cmpint(lw_cpu_count(), >=, 1);
    g_assert_cmpint(lw_pool_n_threads(pool), ==, MIN(lw_cpu_count(), LW_POOL_MAX_THREADS));
    lw_pool_free(pool);
    lw_pool_free(NULL);
    pool = lw_pool_new(1);
    g_assert_cmpint(lw_pool_n_threads(pool), ==, 1);
    lw_pool_free(pool);
}

static void test_cpu(void)
{
    guint found = lw_cpu_detect(), used = lw_cpu_flags_get();

    g_assert_cmpuint(used & ~found, ==, 0);
    g_assert_true((found & LW_CPU_AVX2) || !(found & LW_CPU_AVX512));
    g_assert_cmpstr(lw_cpu_describe(0), ==, "portable C");
    g_assert_cmpstr(lw_cpu_describe(LW_CPU_AVX2), ==, "AVX2");
    g_assert_cmpstr(lw_cpu_describe(LW_CPU_AVX2 | LW_CPU_AVX512), ==, "AVX-512");
    g_assert_cmpstr(lw_cpu_describe(~0u), ==, "AVX-512 VNNI BF16, AMX");
    g_assert_cmpstr(lw_cpu_describe(~(guint)LW_CPU_AMX), ==, "AVX-512 VNNI BF16");
}

/* The system keeps AMX's registers only for who has room for them: with a stack for signals that is
 * too small for them it refuses.  Permission stays with a process, so a new one asks. */
static void test_cpu_refused(void)
{
    if (g_test_subprocess()) {
        static char room[8192]; /* enough for AVX-512, AMX alone takes as much */
        stack_t small = {.ss_sp = room, .ss_size = sizeof room};
        guint found;

        g_assert_cmpint(sigaltstack(&small, NULL), ==, 0);
        found = lw_cpu_detect();
        g_assert_cmpuint(found & LW_CPU_AMX, ==, 0);
        small.ss_flags = SS_DISABLE;
        g_assert_cmpint(sigaltstack(&small, NULL), ==, 0);
        g_assert_cmpuint(lw_cpu_detect() & ~(guint)LW_CPU_AMX, ==, found);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
}

/* LW_CPU is read once per process: each value in a process of its own. */
static void test_cpu_env(gconstpointer data)
{
    const char *cap = data;

    if (g_test_subprocess()) {
        guint found = lw_cpu_detect(), want = found;
        g_setenv("LW_CPU", cap, TRUE);
        if (g_str_equal(cap, "c"))
            want = 0;
        else if (g_str_equal(cap, "avx2"))
            want &= LW_CPU_AVX2;
        else if (g_str_equal(cap, "avx512"))
            want &= ~(guint)LW_CPU_AMX;
        g_assert_cmpuint(lw_cpu_flags_get(), ==, want);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
}

int main(int argc, char **argv)
{
    static const int counts[] = {1, 2, 3, 8};
    static const char *const caps[] = {"c", "avx2", "avx512", "native"};

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
        gpointer n = GINT_TO_POINTER(counts[i]);
        g_autofree char *a = g_strdup_printf("/pool/once/%d", counts[i]);
        g_autofree char *b = g_strdup_printf("/pool/follow/%d", counts[i]);
        g_autofree char *c = g_strdup_printf("/pool/cancel/%d", counts[i]);
        g_test_add_data_func(a, n, test_every_task_once);
        g_test_add_data_func(b, n, test_loops_follow_each_other);
        g_test_add_data_func(c, n, test_cancel);
    }
    g_test_add_func("/pool/sizes", test_sizes);
    g_test_add_func("/cpu/flags", test_cpu);
    g_test_add_func("/cpu/refused", test_cpu_refused);
    for (guint i = 0; i < G_N_ELEMENTS(caps); i++) {
        g_autofree char *path = g_strdup_printf("/cpu/env/%s", caps[i]);
        g_test_add_data_func(path, caps[i], test_cpu_env);
    }
    return g_test_run();
}
