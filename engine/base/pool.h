/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fixed pool of worker threads that runs one parallel loop at a time.  Tasks are handed out
 * dynamically, so a task must not depend on which worker runs it nor on the order: results are then
 * the same for every thread count.  Workers spin shortly between loops, then sleep.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct lw_pool lw_pool;

#define LW_POOL_MAX_THREADS 256

/* n_threads counts the calling thread; 0 means one per CPU this process may run on.
 * Never fails: fewer threads are used when they cannot be created. */
lw_pool *lw_pool_new(int n_threads);
void lw_pool_free(lw_pool *pool);

int lw_pool_n_threads(const lw_pool *pool);

/* task in [0, n_tasks), worker in [0, n_threads): worker indexes per-thread scratch. */
typedef void (*lw_task_fn)(void *ctx, int task, int worker);

/* Run fn for every task and wait for all of them.  The caller takes part as worker 0.
 * If *cancel (may be NULL, read atomically) becomes non-zero no further task is started and FALSE is
 * returned; results are then incomplete.  One caller at a time. */
gboolean lw_pool_run(lw_pool *pool, int n_tasks, lw_task_fn fn, void *ctx, const gint *cancel);

G_END_DECLS
