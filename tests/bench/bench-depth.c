/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one generated token costs at a depth of context, and what of it attention takes.  The cache is
 * filled with made-up rows, since reading 16,384 tokens for every figure takes minutes: bytes and operations
 * are the same, the text means nothing.  The number in brackets is a logit: two builds that compute the same
 * bits print the same one.
 *
 *     bench-depth MODEL [-t THREADS] [-d DEPTH,..] [-n TOKENS] [-k f16|q8_0|f32]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/backend/backend.h"
#include "engine/kv/store.h"
#include "engine/models/model.h"
#include "engine/position/mrope.h"

static gint64 attention_ns;

/* One thread: the time that the scheduler gave it. */
static clockid_t clock_id = CLOCK_MONOTONIC;

static gint64 now_ns(void)
{
    struct timespec t;

    clock_gettime(clock_id, &t);
    return (gint64)t.tv_sec * 1000000000 + t.tv_nsec;
}

static gboolean timed_run(lw_attention *state, const lw_attend *a)
{
    gint64 start = now_ns();
    gboolean ok = lw_attention_methods[0]->run(state, a);

    attention_ns += now_ns() - start;
    return ok;
}

/* Uniform in [-1, 1). */
static float noise(guint32 *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

/* n tokens: one page of noise per layer and head, repeated. */
static void fill(lw_kv_seq *kv, gsize n)
{
    const lw_kv_shape *shape = lw_kv_seq_shape(kv);
    const lw_kernels *k = lw_kernels_get();
    float *row = g_new(float, shape->head_dim);
    gsize pages = (n + LW_KV_PAGE - 1) / LW_KV_PAGE, bytes = lw_kv_tile_bytes(shape);
    guint32 seed = 1;

    if (n == 0 || !lw_kv_seq_reserve(kv, n, NULL))
        return;
    for (guint l = 0; l < shape->n_layer; l++)
        for (guint h = 0; h < shape->n_head_kv; h++) {
            for (gsize t = 0; t < MIN(n, (gsize)LW_KV_PAGE); t++) {
                for (guint i = 0; i < shape->head_dim; i++)
                    row[i] = noise(&seed);
                lw_kv_store_k(k, kv, l, h, t, row);
                for (guint i = 0; i < shape->head_dim; i++)
                    row[i] = noise(&seed);
                lw_kv_store_v(k, kv, l, h, t, row);
            }
            for (gsize p = 1; p < pages; p++) {
                memcpy(lw_kv_seq_k(kv, l, h, p), lw_kv_seq_k(kv, l, h, 0), bytes);
                memcpy(lw_kv_seq_v(kv, l, h, p), lw_kv_seq_v(kv, l, h, 0), bytes);
            }
        }
    lw_kv_seq_commit(kv, n);
    g_free(row);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(lw_model *m, const lw_backend *b, lw_device *device, lw_kv_type type, guint depth,
                    guint n)
{
    const lw_hparams *h = lw_model_get_hparams(m);
    lw_kv_shape shape = {h->n_layer, h->n_head_kv, h->head_dim, type};
    lw_attention_method method = *lw_attention_methods[0];
    gsize n_ctx = (gsize)depth + n;
    GError *error = NULL;
    lw_exec *exec = b->plan(device, lw_model_get_graph(m), &shape, 512, 1, n_ctx, &error);
    lw_kv_cache *cache = lw_kv_cache_new(&shape, b->kv_storage, n_ctx);
    lw_kv_seq *kv = lw_kv_seq_new(cache);
    float *cos[LW_ROPE_TABLES] = {NULL}, *sin[LW_ROPE_TABLES] = {NULL};
    double *all = g_new(double, n), *rest = g_new(double, n);
    double last = 0, least = G_MAXDOUBLE;

    if (!exec)
        g_error("%s", error->message);
    for (guint i = 0; i < LW_ROPE_TABLES; i++) {
        cos[i] = g_new0(float, h->head_dim);
        sin[i] = g_new0(float, h->head_dim);
    }
    fill(kv, depth);
    method.run = timed_run;
    for (guint i = 0; i < n; i++) {
        gint32 token = (gint32)((i * 7919u + 17u) % h->n_vocab), out_row = 0;
        gint32 pos[3] = {(gint32)(depth + i), (gint32)(depth + i), (gint32)(depth + i)};
        const float *logits;

        attention_ns = 0;
        gint64 start = now_ns();
        for (guint t = 0; t < h->n_rope; t++)
            lw_rope_tables(lw_hparams_get_rope(h, t, n_ctx), pos, 1, cos[t], sin[t]);
        lw_step step = {
            .n_rows = 1,
            .tokens = &token,
            .cos = {cos[0], cos[1]},
            .sin = {sin[0], sin[1]},
            .n_out = 1,
            .out_rows = &out_row,
            .kv = kv,
            .method = &method,
        };
        if (!lw_kv_seq_reserve(kv, 1, &error) || !b->run(exec, &step, &logits, &error))
            g_error("%s", error->message);
        lw_kv_seq_commit(kv, 1);
        all[i] = (double)(now_ns() - start) / 1e6;
        rest[i] = all[i] - (double)attention_ns / 1e6;
        least = MIN(least, all[i] - rest[i]);
        last = logits[0];
    }
    qsort(all, n, sizeof *all, by_value);
    qsort(rest, n, sizeof *rest, by_value);
    printf("%-5s depth %6u: %6.2f ms least, %6.2f median (%5.1f tokens/s); without attention %6.2f, %6.2f;"
           " attention %6.2f  [%.4f]\n",
           lw_kv_type_name(type), depth, all[0], all[n / 2], 1000 / all[n / 2], rest[0], rest[n / 2], least,
           last);
    fflush(stdout);
    for (guint i = 0; i < LW_ROPE_TABLES; i++) {
        g_free(cos[i]);
        g_free(sin[i]);
    }
    g_free(all);
    g_free(rest);
    b->free_plan(exec);
    lw_kv_seq_free(kv);
    lw_kv_cache_free(cache);
}

int main(int argc, char **argv)
{
    const char *kv_name = "f16", *depths = "0,16384";
    int n_threads = 2, n = 48;
    GError *error = NULL;

    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-t") == 0)
            n_threads = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "-n") == 0)
            n = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "-d") == 0)
            depths = argv[i + 1];
        else if (strcmp(argv[i], "-k") == 0)
            kv_name = argv[i + 1];
    }
    lw_kv_type type = LW_KV_F16;
    if (strcmp(kv_name, "q8_0") == 0)
        type = LW_KV_Q8_0;
    else if (strcmp(kv_name, "f32") == 0)
        type = LW_KV_F32;
    if (argc < 2 || n < 1) {
        fputs("usage: bench-depth MODEL [-t THREADS] [-d DEPTH,..] [-n TOKENS] [-k f16|q8_0|f32]\n", stderr);
        return 2;
    }
    lw_model *m = lw_model_open(argv[1], NULL, &error);
    const lw_backend *b = m ? lw_backend_find("cpu", &error) : NULL;
    lw_device *device = b ? b->open(n_threads, &error) : NULL;
    if (!device) {
        fprintf(stderr, "bench-depth: %s\n", error->message);
        return 1;
    }
    if (n_threads == 1)
        clock_id = CLOCK_THREAD_CPUTIME_ID;
    char **list = g_strsplit(depths, ",", -1);
    for (int i = 0; list[i]; i++)
        measure(m, b, device, type, (guint)atoi(list[i]), (guint)n);
    g_strfreev(list);
    b->close(device);
    lw_model_unref(m);
    return 0;
}
