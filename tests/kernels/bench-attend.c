/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dense method as a model calls it: one token against 16,384 in every layer (what the memory gives),
 * and a chunk of 512 at the end of 8,192 in one layer (what the arithmetic gives).
 */
#include <stdio.h>
#include <string.h>

#include "engine/attention/attention.h"
#include "engine/base/alloc.h"
#include "engine/base/cpu.h"
#include "tests/kernels/bench.h"

#define LAYERS 24
#define HEADS 14
#define KV_HEADS 2
#define DIM 64
#define CHUNK 512

typedef struct {
    lw_attend call;
    const lw_attention_method *method;
    guint n_layer;
} attend_ctx;

static void *page_alloc(gsize n, GError **error)
{
    return lw_alloc_try(n, "a page", error);
}

static void page_copy(void *dst, const void *src, gsize n)
{
    memcpy(dst, src, n);
}

static const lw_kv_storage storage = {.alloc = page_alloc, .free = lw_free, .copy = page_copy};

static void run_attend(void *ctx)
{
    attend_ctx *c = ctx;

    for (c->call.layer = 0; c->call.layer < c->n_layer; c->call.layer++)
        c->method->run(NULL, &c->call);
}

static void bench_case(const lw_kernels *k, lw_kv_type type, gsize start, gsize n_rows, guint n_layer,
                       int n_threads)
{
    lw_kv_shape shape = {n_layer, KV_HEADS, DIM, type};
    lw_kv_cache *cache = lw_kv_cache_new(&shape, &storage, start + n_rows);
    lw_kv_seq *kv = lw_kv_seq_new(cache);
    lw_pool *pool = lw_pool_new(n_threads);
    gsize n = n_rows * HEADS * DIM, n_pages = (start + n_rows + LW_KV_PAGE - 1) / LW_KV_PAGE;
    float *q = g_new0(float, n), *out = g_new0(float, n);
    char *scratch = lw_alloc_try(
        lw_attention_scratch_bytes(&shape, HEADS, n_rows, start + n_rows, n_threads), "scratch", NULL);
    g_autofree char *label = g_strdup_printf("%s, %" G_GSIZE_FORMAT "+%" G_GSIZE_FORMAT ", %u layers, %d thr",
                                             lw_kv_type_name(type), start, n_rows, n_layer, n_threads);

    g_assert_true(lw_kv_seq_reserve(kv, start + n_rows, NULL));
    for (gsize i = 0; i < n_pages; i++) /* 0x28 as f16 and f32 is small and positive */
        for (guint j = 0; j < n_layer * KV_HEADS; j++) {
            memset(lw_kv_seq_k(kv, j / KV_HEADS, j % KV_HEADS, i), 0x28, lw_kv_tile_bytes(&shape));
            memset(lw_kv_seq_v(kv, j / KV_HEADS, j % KV_HEADS, i), 0x28, lw_kv_tile_bytes(&shape));
        }
    lw_kv_seq_commit(kv, start);
    for (gsize i = 0; i < n; i++)
        q[i] = (float)(i % 13) - 6;
    attend_ctx c = {
        .call = {.start = start, .n_rows = n_rows, .q = q, .out = out, .n_head = HEADS, .scale = 0.125f,
                 .kv = kv, .pool = pool, .kernels = k, .scratch = scratch},
        .method = lw_attention_methods[0],
        .n_layer = n_layer,
    };
    double keys = (double)start + ((double)n_rows + 1) / 2;
    bench_report("attend", label, run_attend, &c, n_threads == 1,
                 (double)lw_kv_page_bytes(&shape) * (double)n_pages,
                 4.0 * HEADS * DIM * (double)n_rows * keys * n_layer);
    lw_free(scratch);
    g_free(q);
    g_free(out);
    lw_pool_free(pool);
    lw_kv_seq_free(kv);
    lw_kv_cache_free(cache);
}

void bench_attend(const lw_kernels *k)
{
    static const lw_kv_type types[] = {LW_KV_F16, LW_KV_Q8_0};

    for (guint t = 0; t < G_N_ELEMENTS(types); t++)
        for (int n_threads = 1; n_threads <= MIN(lw_cpu_count(), 2); n_threads++) {
            bench_case(k, types[t], 16384, 1, LAYERS, n_threads);
            bench_case(k, types[t], 8192 - CHUNK, CHUNK, 1, n_threads);
        }
}
