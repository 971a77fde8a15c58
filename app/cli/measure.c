/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/measure.h"

#include <string.h>

#include "engine/base/pool.h"

#define CHUNK ((gsize)1 << 18)

typedef struct {
    const guint8 *bytes;
    gsize n;
    guint64 sums[LW_POOL_MAX_THREADS][8]; /* a cache line each */
} read_job;

static void read_chunk(void *ctx, int task, int worker)
{
    read_job *job = ctx;
    const guint8 *p = job->bytes + (gsize)task * CHUNK;
    gsize n = MIN(CHUNK, job->n - (gsize)task * CHUNK) / 64;
    guint64 s[8] = {0};
    for (gsize i = 0; i < n; i++, p += 64) {
        guint64 w[8];
        memcpy(w, p, 64);
        for (int k = 0; k < 8; k++)
            s[k] += w[k];
    }
    for (int k = 0; k < 8; k++)
        job->sums[worker][k] += s[k];
}

double lw_cli_measure_read(const void *p, gsize n_bytes)
{
    int n_tasks = (int)MIN((n_bytes + CHUNK - 1) / CHUNK, (gsize)G_MAXINT);
    if (n_tasks == 0)
        return 0;
    g_autofree read_job *job = g_new0(read_job, 1);
    job->bytes = p;
    job->n = n_bytes;
    lw_pool *pool = lw_pool_new(0);
    lw_pool_run(pool, n_tasks, read_chunk, job, NULL);

    /* Passes until 50 ms have gone by, so that a small model is timed as well as a large one. */
    gint64 start = g_get_monotonic_time(), took;
    gint64 passes = 0;
    do {
        lw_pool_run(pool, n_tasks, read_chunk, job, NULL);
        passes++;
        took = g_get_monotonic_time() - start;
    } while (took < 50000);
    lw_pool_free(pool);

    volatile guint64 used = job->sums[0][0]; /* the sums must not be optimised away */
    (void)used;
    return (double)n_bytes * (double)passes / ((double)took / G_USEC_PER_SEC);
}
