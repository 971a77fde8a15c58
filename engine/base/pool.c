/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One 64-bit word, `state`, is the whole protocol: its low half counts the tasks not yet taken, its
 * high half the loops run so far.  A thread takes a task by lowering the count with
 * compare-and-swap. The job's fields change only while the count is zero and every taken task has
 * ended, so a thread whose swap succeeded has read the fields of the loop it joined; a late one
 * finds the word changed. The caller waits for tasks, not for workers: one that overslept the whole
 * loop costs nothing.
 */
#include "engine/base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "engine/base/cpu.h"

/* Between two loops of one token lie a few microseconds, between two tokens a few more. */
#define SPIN_US 40

#define COUNT_MASK 0xffffffffu

struct lw_pool {
    int n_threads;
    gboolean spin; /* more threads than CPUs: spinning would only steal time */

    _Atomic(lw_task_fn) fn;
    _Atomic(void *) ctx;
    _Atomic(const gint *) cancel;
    atomic_int n_tasks;

    _Alignas(64) _Atomic(guint64) state;
    _Alignas(64) atomic_int n_done;
    atomic_bool skipped; /* a task was dropped because of *cancel */
    _Alignas(64) atomic_int n_sleeping;
    atomic_bool caller_sleeps, quit;

    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct worker {
        lw_pool *pool;
        int index;
        pthread_t thread;
    } *workers; /* [n_threads - 1] */
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Take and run tasks until none is left. */
static void work_off(lw_pool *p, int worker)
{
    for (;;) {
        guint64 s = atomic_load_explicit(&p->state, memory_order_acquire);
        guint32 left = (guint32)(s & COUNT_MASK);
        if (left == 0)
            return;

        lw_task_fn fn = atomic_load_explicit(&p->fn, memory_order_relaxed);
        void *ctx = atomic_load_explicit(&p->ctx, memory_order_relaxed);
        const gint *cancel = atomic_load_explicit(&p->cancel, memory_order_relaxed);
        int n = atomic_load_explicit(&p->n_tasks, memory_order_relaxed);
        if (!atomic_compare_exchange_weak_explicit(&p->state, &s, s - 1, memory_order_acq_rel,
                                                   memory_order_relaxed))
            continue;

        if (cancel != NULL && g_atomic_int_get(cancel) != 0)
            atomic_store_explicit(&p->skipped, TRUE, memory_order_relaxed);
        else
            fn(ctx, n - (int)left, worker);

        /* seq_cst pairs with the caller's announcement that it sleeps. */
        if (atomic_fetch_add(&p->n_done, 1) + 1 == n && atomic_load(&p->caller_sleeps)) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static inline gboolean has_work(lw_pool *p)
{
    return (atomic_load(&p->state) & COUNT_MASK) != 0 || atomic_load(&p->quit);
}

static inline gboolean is_done(lw_pool *p, int n_tasks)
{
    return atomic_load(&p->n_done) == n_tasks;
}

/* Spin for SPIN_US; TRUE as soon as the condition holds. */
#define SPIN_UNTIL(p, cond)                                                                        \
    ({                                                                                             \
        gboolean ok_ = (cond);                                                                     \
        if (!ok_ && (p)->spin) {                                                                   \
            gint64 end_ = g_get_monotonic_time() + SPIN_US;                                        \
            do {                                                                                   \
                for (int i_ = 0; i_ < 16 && !(ok_ = (cond)); i_++)                                 \
                    relax();                                                                       \
            } while (!ok_ && g_get_monotonic_time() < end_);                                       \
        }                                                                                          \
        ok_;                                                                                       \
    })

static void *worker_main(void *data)
{
    struct worker *w = data;
    lw_pool *p = w->pool;

    for (;;) {
        if (!SPIN_UNTIL(p, has_work(p))) {
            pthread_mutex_lock(&p->lock);
            atomic_fetch_add(&p->n_sleeping, 1);
            while (!has_work(p))
                pthread_cond_wait(&p->work, &p->lock);
            atomic_fetch_sub(&p->n_sleeping, 1);
            pthread_mutex_unlock(&p->lock);
        }
        if (atomic_load(&p->quit))
            return NULL;
        work_off(p, w->index);
    }
}

lw_pool *lw_pool_new(int n_threads)
{
    int n_cpus = lw_cpu_count();
    sigset_t all, before;

    if (n_threads <= 0)
        n_threads = n_cpus;
    n_threads = MIN(n_threads, LW_POOL_MAX_THREADS);

    lw_pool *p = g_aligned_alloc0(1, sizeof *p, 64);
    p->n_threads = 1;
    p->spin = n_threads <= n_cpus;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    p->workers = g_new0(struct worker, n_threads);

    /* Signals belong to the program's own threads.  Not the ones that a thread's own reads raise: while they
     * are blocked the kernel ends the program instead of asking the handler (gguf/mapping.c has one). */
    sigfillset(&all);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 1; i < n_threads; i++) {
        struct worker *w = &p->workers[i - 1];
        w->pool = p;
        w->index = i;
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
            g_warning("only %d of %d worker threads could be started", i, n_threads);
            break;
        }
        pthread_setname_np(w->thread, "lw-pool");
        p->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

void lw_pool_free(lw_pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->quit, TRUE);
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 1; i < p->n_threads; i++)
        pthread_join(p->workers[i - 1].thread, NULL);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    g_free(p->workers);
    g_aligned_free(p);
}

int lw_pool_n_threads(const lw_pool *p)
{
    return p->n_threads;
}

/* Alone, or with a single task: no hand-out. */
static gboolean run_inline(int n_tasks, lw_task_fn fn, void *ctx, const gint *cancel)
{
    for (int i = 0; i < n_tasks; i++) {
        if (cancel != NULL && g_atomic_int_get(cancel) != 0)
            return FALSE;
        fn(ctx, i, 0);
    }
    return TRUE;
}

gboolean lw_pool_run(lw_pool *p, int n_tasks, lw_task_fn fn, void *ctx, const gint *cancel)
{
    if (n_tasks <= 1 || p->n_threads == 1)
        return run_inline(n_tasks, fn, ctx, cancel);

    atomic_store_explicit(&p->fn, fn, memory_order_relaxed);
    atomic_store_explicit(&p->ctx, ctx, memory_order_relaxed);
    atomic_store_explicit(&p->cancel, cancel, memory_order_relaxed);
    atomic_store_explicit(&p->n_tasks, n_tasks, memory_order_relaxed);
    atomic_store_explicit(&p->skipped, FALSE, memory_order_relaxed);
    atomic_store_explicit(&p->n_done, 0, memory_order_relaxed);

    guint64 loop = (atomic_load_explicit(&p->state, memory_order_relaxed) >> 32) + 1;
    atomic_store(&p->state, loop << 32 | (guint32)n_tasks);
    if (atomic_load(&p->n_sleeping) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->lock);
    }

    work_off(p, 0);

    if (!SPIN_UNTIL(p, is_done(p, n_tasks))) {
        pthread_mutex_lock(&p->lock);
        atomic_store(&p->caller_sleeps, TRUE);
        while (!is_done(p, n_tasks))
            pthread_cond_wait(&p->done, &p->lock);
        atomic_store(&p->caller_sleeps, FALSE);
        pthread_mutex_unlock(&p->lock);
    }
    return !atomic_load_explicit(&p->skipped, memory_order_relaxed);
}
