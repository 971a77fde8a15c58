/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/speed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/cpu.h"
#include "engine/base/pool.h"
#include "engine/kernels/linear.h"

#define PIECE_BYTES ((gsize)1 << 20)
#define FULL_BYTES ((gsize)1 << 30)
/* Large enough not to lie in a cache that the last program left warm, small enough to be read at
 * once. */
#define QUICK_BYTES ((gsize)96 << 20)
/* A quick measurement on less than this, of a model that is larger, would say more of caches than
 * of memory. */
#define QUICK_MIN_BYTES ((gsize)32 << 20)
#define FULL_SECONDS 0.25
#define QUICK_SECONDS 0.004
/* Rows of a product: like a prompt's chunk in what a weight is reused. */
#define ROWS 128
#define QUICK_FLOP 2e8
#define FULL_FLOP 4e9

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

static double now(void)
{
    return (double)g_get_monotonic_time() / G_USEC_PER_SEC;
}

/* ---- Reading ---- */

typedef struct {
    const guint8 *bytes;
    gsize n;
} piece;

typedef struct {
    const piece *pieces;
    double *rates; /* [pieces] bytes per second of one thread, the best pass */
    guint64 sums[LW_POOL_MAX_THREADS][8]; /* a cache line each */
} read_job;

static void read_piece(void *ctx, int task, int worker)
{
    read_job *job = ctx;
    const guint8 *p = job->pieces[task].bytes;
    gsize n = job->pieces[task].n / 64;
    guint64 s[8] = {0};
    double start = now();
    for (gsize i = 0; i < n; i++, p += 64) {
        guint64 w[8];
        memcpy(w, p, 64);
        for (int k = 0; k < 8; k++)
            s[k] += w[k];
    }
    for (int k = 0; k < 8; k++)
        job->sums[worker][k] += s[k];
    job->rates[task] =
        MAX(job->rates[task], (double)job->pieces[task].n / MAX(now() - start, 1e-6));
}

static int by_rate(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Whole pages around bytes of a mapping. */
static void *page_span(const void *bytes, gsize n, gsize *n_span)
{
    gsize page = (gsize)sysconf(_SC_PAGESIZE), start = (gsize)bytes & ~(page - 1);
    *n_span = ((gsize)bytes + n - start + page - 1) & ~(page - 1);
    return (void *)start;
}

/* In memory, all of it? */
static gboolean is_resident(const void *bytes, gsize n)
{
    gsize span, page = (gsize)sysconf(_SC_PAGESIZE);
    void *start = page_span(bytes, n, &span);
    g_autofree guchar *in = g_malloc(span / page);
    if (mincore(start, span, in) != 0)
        return FALSE;
    for (gsize i = 0; i < span / page; i++)
        if (!(in[i] & 1))
            return FALSE;
    return TRUE;
}

/* Pieces of the weights, evenly spread, `limit` bytes at most; quick: only what is in memory. */
static GArray *choose_pieces(const lw_gguf *g, gsize limit, gboolean quick, gsize *n_bytes)
{
    GArray *pieces = g_array_new(FALSE, FALSE, sizeof(piece));
    gsize total = 0, at = 0, next = 0, step;

    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++)
        total += lw_gguf_tensor_at(g, i)->n_bytes;
    step = total > limit ? (gsize)((double)PIECE_BYTES * ((double)total / (double)limit))
                         : PIECE_BYTES;
    *n_bytes = 0;
    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++) {
        const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
        for (; next < at + t->n_bytes; next += step) {
            gsize from = next - at;
            piece p = {(const guint8 *)t->data + from, MIN(PIECE_BYTES, t->n_bytes - from)};
            if (quick && !is_resident(p.bytes, p.n))
                continue;
            gsize span;
            void *start = page_span(p.bytes, p.n, &span);
            if (quick) /* page tables only: the data stay out of the processor's caches */
                madvise(start, span, MADV_POPULATE_READ);
            g_array_append_val(pieces, p);
            *n_bytes += p.n;
        }
        at += t->n_bytes;
        /* Everything, or one piece in so many. */
        next = total > limit ? MAX(next, at) : at;
    }
    return pieces;
}

static double measure_read(lw_pool *pool, const lw_gguf *g, gboolean quick)
{
    gsize n_bytes, n_all = 0;
    g_autoptr(GArray) pieces = choose_pieces(g, quick ? QUICK_BYTES : FULL_BYTES, quick, &n_bytes);
    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++)
        n_all += lw_gguf_tensor_at(g, i)->n_bytes;
    if (!pieces->len || (quick && n_bytes < MIN(QUICK_MIN_BYTES, n_all)))
        return 0;

    g_autofree read_job *job = g_new0(read_job, 1);
    g_autofree double *rates = g_new0(double, pieces->len);
    job->pieces = (const piece *)(void *)pieces->data;
    job->rates = rates;
    if (!quick) /* brings them into memory */
        lw_pool_run(pool, (int)pieces->len, read_piece, job, NULL);
    /* The median of the pieces, so that a thread that had to wait for its turn in between does not
     * count. */
    double start = now();
    memset(job->rates, 0, pieces->len * sizeof *job->rates);
    do {
        lw_pool_run(pool, (int)pieces->len, read_piece, job, NULL);
    } while (now() - start < (quick ? QUICK_SECONDS : FULL_SECONDS));
    qsort(job->rates, pieces->len, sizeof *job->rates, by_rate);
    volatile guint64 used = job->sums[0][0]; /* the sums must not be optimised away */
    (void)used;
    return rates[pieces->len / 2] * lw_pool_n_threads(pool);
}

/* ---- Multiplying ---- */

/* The largest matrix of the type that most bytes of the layers have. */
static const lw_gguf_tensor *choose_matrix(const lw_gguf *g)
{
    gsize bytes[64] = {0};
    const lw_gguf_tensor *largest[64] = {NULL}, *best = NULL;
    guint best_type = 0;

    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++) {
        const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
        if (t->n_dims != 2 || t->type >= G_N_ELEMENTS(bytes) ||
            !g_str_has_prefix(t->name, "blk.") || !lw_type_get_info(t->type)->supported ||
            t->dims[0] > 1 << 17 || t->dims[1] > 1 << 20)
            continue;
        bytes[t->type] += t->n_bytes;
        if (!largest[t->type] || t->n_bytes > largest[t->type]->n_bytes)
            largest[t->type] = t;
        if (!best || bytes[t->type] > bytes[best_type])
            best_type = t->type;
        best = largest[best_type];
    }
    return best;
}

static double measure_flops(lw_pool *pool, const lw_gguf_tensor *t, gboolean quick)
{
    if (!t)
        return 0;
    int n_in = (int)t->dims[0], n_out = (int)t->dims[1];
    double limit = (quick ? QUICK_FLOP : FULL_FLOP) / (2.0 * n_in * ROWS);
    n_out = limit < n_out ? MAX((int)limit, MIN(n_out, 64)) : n_out;
    gsize row_bytes = lw_type_row_bytes(t->type, (gsize)n_in);
    if (quick && !is_resident(t->data, row_bytes * (gsize)n_out))
        return 0;

    lw_weight w = {
        .type = t->type, .n_in = n_in, .n_out = n_out, .data = t->data, .row_bytes = row_bytes};
    const lw_weight *list[1] = {&w};
    float *x = lw_alloc0_array_try((gsize)ROWS * (gsize)n_in, sizeof *x, "a measurement", NULL);
    float *y = lw_alloc0_array_try((gsize)ROWS * (gsize)n_out, sizeof *y, "a measurement", NULL);
    void *scratch = lw_alloc_try(lw_linear_scratch_bytes(ROWS, n_in, lw_pool_n_threads(pool)),
                                 "a measurement", NULL);
    double flops = 0;
    if (x && y && scratch) {
        gsize stride = (gsize)n_out;
        double flop = 2.0 * n_in * n_out * ROWS, start;
        for (gsize i = 0; i < (gsize)ROWS * (gsize)n_in; i++)
            x[i] = (float)((double)(i % 17) / 17 - 0.5);
        start = now();
        lw_linear(pool, lw_kernels_get(), list, 1, x, (gsize)n_in, ROWS, &y, &stride, scratch,
                  NULL);
        flops = flop / MAX(now() - start, 1e-6);
        for (double begun = start; start - begun < (quick ? QUICK_SECONDS : FULL_SECONDS);) {
            start = now();
            lw_linear(pool, lw_kernels_get(), list, 1, x, (gsize)n_in, ROWS, &y, &stride, scratch,
                      NULL);
            flops =
                MAX(flops, flop / MAX(now() - start, 1e-6)); /* the first one fetched pages too */
        }
    }
    lw_free(x);
    lw_free(y);
    lw_free(scratch);
    return flops;
}

/* ---- Remembering ---- */

static char *store_path(void)
{
    return g_build_filename(g_get_user_cache_dir(), "longwave", "speed.ini", NULL);
}

/* What the figures hold for: another processor, fewer CPUs or a lowered LW_CPU make them void. */
static char *machine(void)
{
    g_autofree char *text = NULL;
    g_autofree char *model = NULL;
    if (g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL)) {
        const char *at = strstr(text, "model name"), *colon = at ? strchr(at, ':') : NULL;
        if (colon)
            model = g_strstrip(g_strndup(colon + 1, strcspn(colon, "\n") - 1));
    }
    return g_strdup_printf("%s, %d CPUs, %s", model ? model : "unknown", lw_cpu_count(),
                           lw_cpu_describe(lw_cpu_flags_get()));
}

static void store(const lw_speed *s, const lw_gguf_tensor *matrix)
{
    g_autofree char *path = store_path(), *folder = g_path_get_dirname(path), *name = machine();
    g_autoptr(GKeyFile) k = g_key_file_new();

    g_key_file_load_from_file(k, path, G_KEY_FILE_NONE, NULL);
    g_key_file_set_int64(k, name, "measured", s->when);
    g_key_file_set_double(k, name, "bytes_per_second", s->read_bytes_per_second);
    if (matrix) {
        g_autofree char *key = g_strdup_printf("flops_%s", lw_type_get_info(matrix->type)->name);
        g_key_file_set_double(k, name, key, s->flops);
    }
    g_mkdir_with_parents(folder, 0755);
    g_key_file_save_to_file(k, path, NULL);
}

/* FALSE: nothing sensible is remembered. */
static gboolean load(lw_speed *s, const lw_gguf_tensor *matrix)
{
    g_autofree char *path = store_path(), *name = machine();
    g_autoptr(GKeyFile) k = g_key_file_new();

    if (!g_key_file_load_from_file(k, path, G_KEY_FILE_NONE, NULL))
        return FALSE;
    s->read_bytes_per_second = g_key_file_get_double(k, name, "bytes_per_second", NULL);
    s->when = g_key_file_get_int64(k, name, "measured", NULL);
    if (!(s->read_bytes_per_second > 1e6 && s->read_bytes_per_second < 1e14) || s->when <= 0)
        return FALSE;
    s->kind = LW_SPEED_STORED;
    if (matrix) {
        g_autofree char *key = g_strdup_printf("flops_%s", lw_type_get_info(matrix->type)->name);
        s->flops = g_key_file_get_double(k, name, key, NULL);
        if (!(s->flops > 1e6 && s->flops < 1e18))
            s->flops = 0;
    }
    return TRUE;
}

lw_speed lw_speed_measure(const lw_gguf *g)
{
    lw_pool *pool = lw_pool_new(0);
    const lw_gguf_tensor *matrix = choose_matrix(g);
    lw_speed s = {.kind = LW_SPEED_FULL, .when = g_get_real_time() / G_USEC_PER_SEC};

    s.read_bytes_per_second = measure_read(pool, g, FALSE);
    s.flops = measure_flops(pool, matrix, FALSE);
    lw_pool_free(pool);
    if (s.read_bytes_per_second <= 0)
        return (lw_speed){0};
    store(&s, matrix);
    return s;
}

lw_speed lw_speed_get(const lw_gguf *g)
{
    const lw_gguf_tensor *matrix = choose_matrix(g);
    lw_speed s = {0};

    if (load(&s, matrix) && s.flops > 0)
        return s;
    lw_pool *pool = lw_pool_new(0);
    if (s.kind == LW_SPEED_UNKNOWN) {
        s.read_bytes_per_second = measure_read(pool, g, TRUE);
        if (s.read_bytes_per_second > 0) {
            s.kind = LW_SPEED_QUICK;
            s.when = g_get_real_time() / G_USEC_PER_SEC;
        }
    }
    if (s.kind != LW_SPEED_UNKNOWN)
        s.flops = measure_flops(pool, matrix, TRUE);
    lw_pool_free(pool);
    return s;
}
