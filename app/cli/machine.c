/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/machine.h"

#include <string.h>

#include "engine/base/pool.h"

/* The number in a small file such as memory.max; -1: none ("max"), or no such file. */
static gint64 file_number(const char *path)
{
    g_autofree char *text = NULL;
    guint64 v;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return -1;
    return g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, G_MAXINT64, &v, NULL) ? (gint64)v : -1;
}

static gint64 meminfo_bytes(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    if (!at || (at != text && at[-1] != '\n'))
        return -1;
    return g_ascii_strtoll(at + strlen(key), NULL, 10) * 1024;
}

/* The control group of this process and every one above it may set a limit. */
static void apply_group_limits(lw_cli_memory *m)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL) || strncmp(text, "0::/", 4) != 0)
        return;
    g_autofree char *group = g_strndup(text + 3, strcspn(text + 3, "\n"));
    for (;;) {
        g_autofree char *max = g_strdup_printf("/sys/fs/cgroup%s/memory.max", group);
        g_autofree char *now = g_strdup_printf("/sys/fs/cgroup%s/memory.current", group);
        gint64 limit = file_number(max), used = file_number(now);
        if (limit >= 0 && used >= 0) {
            m->total = m->total < 0 ? limit : MIN(m->total, limit);
            m->available = m->available < 0 ? MAX(limit - used, 0)
                                            : MIN(m->available, MAX(limit - used, 0));
        }
        char *slash = strrchr(group, '/');
        if (!slash || !*group)
            break;
        *slash = 0;
    }
}

lw_cli_memory lw_cli_memory_get(void)
{
    lw_cli_memory m = {-1, -1};
    g_autofree char *text = NULL;
    if (g_file_get_contents("/proc/meminfo", &text, NULL, NULL)) {
        m.total = meminfo_bytes(text, "MemTotal:");
        m.available = meminfo_bytes(text, "MemAvailable:");
    }
    apply_group_limits(&m);
    return m;
}

/* ---- Read speed ---- */

#define CHUNK ((gsize)1 << 20)

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
