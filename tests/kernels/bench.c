/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/kernels/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/cpu.h"
#include "engine/base/pool.h"
#include "engine/gguf/gguf.h"
#include "engine/kernels/linear.h"

/* Each figure is the median of runs that last this long together: other programs slow some down,
 * and a virtual machine's clock makes some look too fast. */
#define BENCH_NS 60000000
#define MAX_RUNS 200

/* Larger than any cache we expect a share of. */
#define STREAM_BYTES ((gsize)512 << 20)

static gint64 now_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * G_GINT64_CONSTANT(1000000000) + t.tv_nsec;
}

static int compare_ns(const void *a, const void *b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return (x > y) - (x < y);
}

/* One thread is timed by what the scheduler gave it, a pool by the clock on the wall. */
static double seconds_of(void (*run)(void *ctx), void *ctx, clockid_t clock)
{
    gint64 end = now_ns(clock) + BENCH_NS, runs[MAX_RUNS];
    int repeat = 1, n = 0;

    do {
        gint64 t = now_ns(clock);
        for (int i = 0; i < repeat; i++)
            run(ctx);
        t = now_ns(clock) - t;
        if (t < 300000 && repeat < 1 << 20) /* reading the clock must not count */
            repeat *= 2;
        else
            runs[n++] = t;
    } while (n == 0 || (n < MAX_RUNS && now_ns(clock) < end));
    qsort(runs, n, sizeof *runs, compare_ns);
    return runs[n / 2] * 1e-9 / repeat;
}

static void *filled(gsize n_bytes)
{
    guint32 *p = g_aligned_alloc(1, (n_bytes + 63) / 64 * 64, 64);

    for (gsize i = 0; i < n_bytes / 4; i++) /* tame as f32 (0.1 to 0.4), f16 and bf16 */
        p[i] = 0x3e003c00u ^ ((guint32)i * 2654435761u & 0x817f817fu);
    return p;
}

/* -- ceilings ---------------------------------------------------------------------------------- */

typedef struct {
    lw_pool *pool;
    const char *data;
    gsize n_bytes;
} stream;

#define STREAM_TASKS 64

static void read_part(void *ctx, int task, int worker)
{
    const stream *s = ctx;
    gsize n = s->n_bytes / STREAM_TASKS;
    const guint64 *p = (const void *)(s->data + task * n);
    guint64 x[8] = {0};

    for (gsize i = 0; i < n / 8; i += 8)
        for (int j = 0; j < 8; j++)
            x[j] |= p[i + j];
    __asm__ volatile("" : : "r"(x) : "memory");
}

static void read_all(void *ctx)
{
    stream *s = ctx;
    lw_pool_run(s->pool, STREAM_TASKS, read_part, s, NULL);
}

#if defined(__x86_64__)
#define LOOPS 100000
#define TEN(op)                                                                                    \
    op "0\n\t" op "1\n\t" op "2\n\t" op "3\n\t" op "4\n\t" op "5\n\t" op "6\n\t" op "7\n\t" op     \
       "8\n\t" op "9\n\t"
#define PEAK(name, op)                                                                             \
    static void name(void *ctx)                                                                    \
    {                                                                                              \
        for (int i = 0; i < LOOPS; i++)                                                            \
            __asm__ volatile(TEN(op)                                                               \
                             :                                                                     \
                             :                                                                     \
                             : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",     \
                               "xmm8", "xmm9");                                                    \
    }

PEAK(peak_fma256, "vfmadd231ps %%ymm14, %%ymm15, %%ymm")
PEAK(peak_fma512, "vfmadd231ps %%zmm14, %%zmm15, %%zmm")
PEAK(peak_vnni512, "vpdpbusd %%zmm14, %%zmm15, %%zmm")
#endif

void bench_ceilings(guint cpu_flags)
{
    stream s = {.data = filled(STREAM_BYTES), .n_bytes = STREAM_BYTES};

    printf("%s, %d CPUs\n", lw_cpu_describe(cpu_flags), lw_cpu_count());
    for (int n = 1; n <= lw_cpu_count(); n *= 2) {
        s.pool = lw_pool_new(n);
        printf("ceiling: reading memory, %d threads: %.1f GB/s\n", n,
               STREAM_BYTES / seconds_of(read_all, &s, CLOCK_MONOTONIC) / 1e9);
        lw_pool_free(s.pool);
    }
    g_aligned_free((void *)s.data);
#if defined(__x86_64__)
    if (cpu_flags & LW_CPU_AVX2)
        printf("ceiling: f32 fma, 256 bits, one thread: %.0f GFLOP/s\n",
               LOOPS * 160.0 / seconds_of(peak_fma256, NULL, CLOCK_THREAD_CPUTIME_ID) / 1e9);
    if (cpu_flags & LW_CPU_AVX512)
        printf("ceiling: f32 fma, 512 bits, one thread: %.0f GFLOP/s\n",
               LOOPS * 320.0 / seconds_of(peak_fma512, NULL, CLOCK_THREAD_CPUTIME_ID) / 1e9);
    if (cpu_flags & LW_CPU_AVX512_VNNI)
        printf("ceiling: vpdpbusd, 512 bits, one thread: %.0f GOP/s\n",
               LOOPS * 1280.0 / seconds_of(peak_vnni512, NULL, CLOCK_THREAD_CPUTIME_ID) / 1e9);
#endif
}

/* -- single kernels ---------------------------------------------------------------------------- */

/* Arguments of whatever is measured: each RUN() names the fields it uses. */
typedef struct {
    const lw_kernels *k;
    gsize n;
    float *x, *y, *z;
    void *w;
    gsize row_bytes;
    int rows, cols;
    int8_t *q;
    float *scale;
    int32_t *sums;
    lw_quant_row quant;
    lw_panel_mul mul;
    lw_attn_step attn;
    lw_pool *pool;
    lw_weight weight;
    void *scratch;
} args;

#define RUN(name, call)                                                                            \
    static void run_##name(void *ctx)                                                              \
    {                                                                                              \
        args *a = ctx;                                                                             \
        a->k->call;                                                                                \
    }

RUN(f16_to_f32, f16_to_f32(a->w, a->y, a->n))
RUN(f32_to_f16, f32_to_f16(a->x, a->w, a->n))
RUN(bf16_to_f32, bf16_to_f32(a->w, a->y, a->n))
RUN(rmsnorm, rmsnorm(a->x, a->z, a->y, (int)a->n, 1e-6f))
RUN(layernorm, layernorm(a->x, a->z, a->z, a->y, (int)a->n, 1e-6f))
RUN(add, add(a->y, a->x, a->n))
RUN(add_scaled, add_scaled(a->y, a->x, 0.5f, a->n))
RUN(swiglu, swiglu(a->x, a->z, a->y, a->n))
RUN(gelu_erf, gelu_erf(a->x, a->y, a->n))
RUN(gelu_tanh, gelu_tanh(a->x, a->y, a->n))
RUN(gelu_quick, gelu_quick(a->x, a->y, a->n))
RUN(geglu, geglu(a->x, a->z, a->y, a->n))
RUN(rope_half, rope_half(a->x, (int)a->n / 64, 64, 64, a->z, a->z + 32))
RUN(rope_adjacent, rope_adjacent(a->x, (int)a->n / 64, 64, 64, a->z, a->z + 32))
RUN(quant_q8, quant_q8(a->x, a->q, a->scale, (int)a->n))
RUN(sums_q8, sums_q8(a->q, a->sums, (int)a->n))
RUN(matvec_f32, matvec_f32(a->w, a->row_bytes, a->rows, a->cols, a->x, a->y))
RUN(matvec_f16, matvec_f16(a->w, a->row_bytes, a->rows, a->cols, a->x, a->y))
RUN(matvec_bf16, matvec_bf16(a->w, a->row_bytes, a->rows, a->cols, a->x, a->y))
RUN(pack_f32, pack_f32(a->w, a->row_bytes, 32, a->cols, a->y))
RUN(pack_f16, pack_f16(a->w, a->row_bytes, 32, a->cols, a->y))
RUN(pack_bf16, pack_bf16(a->w, a->row_bytes, 32, a->cols, a->y))
RUN(panel_f32, panel_f32(&a->mul))
RUN(panel_i8_32, panel_i8_32(&a->mul))
RUN(panel_i8_16, panel_i8_16(&a->mul))
RUN(panel_i8_32_min, panel_i8_32_min(&a->mul))
RUN(panel_i8_16_min, panel_i8_16_min(&a->mul))
#define RUN_TYPE(X, name, ...)                                                                     \
    RUN(dequant_##name, dequant_##name(a->w, a->y, a->n))                                          \
    RUN(matvec_##name, matvec_##name(a->w, a->row_bytes, a->rows, a->cols, &a->quant, a->y))       \
    RUN(pack_##name, pack_##name(a->w, a->row_bytes, 16, a->cols, (uint8_t *)a->y, a->scale, a->z))
LW_BLOCK_TYPES(RUN_TYPE, )
RUN(attn_step_f16, attn_step_f16(&a->attn))
RUN(attn_step_f32, attn_step_f32(&a->attn))
RUN(attn_step_q8_0, attn_step_q8_0(&a->attn))

static const char *mask_name, *wanted;

void bench_report(const char *name, const char *shape, void (*run)(void *ctx), void *ctx, gboolean alone,
                  double bytes, double flops)
{
    if (wanted != NULL && strstr(name, wanted) == NULL)
        return;
    double t = seconds_of(run, ctx, alone ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC);
    printf("%-7s %-15s %-30s %10.2f us %8.2f GB/s", mask_name, name, shape, t * 1e6,
           bytes / t / 1e9);
    if (flops > 0)
        printf(" %8.1f GFLOP/s", flops / t / 1e9);
    printf("\n");
    fflush(stdout);
}

static void report(const char *name, const char *shape, void (*run)(void *), args *a, double bytes,
                   double flops)
{
    gboolean alone = a->pool == NULL || lw_pool_n_threads(a->pool) == 1;

    bench_report(name, shape, run, a, alone, bytes, flops);
}

#define REPORT(name, shape, bytes, flops) report(#name, shape, run_##name, a, bytes, flops)

static void elementwise(args *a)
{
    double n = a->n = 4096;

    REPORT(f16_to_f32, "4096", n * 6, 0);
    REPORT(f32_to_f16, "4096", n * 6, 0);
    REPORT(bf16_to_f32, "4096", n * 6, 0);
#define DEQUANT(X, name, NAME, ...)                                                                \
    REPORT(dequant_##name, "4096", n * 4 + lw_type_row_bytes(LW_TYPE_##NAME, 4096), 0);
    LW_BLOCK_TYPES(DEQUANT, )
    REPORT(rmsnorm, "4096", n * 12, 0);
    REPORT(layernorm, "4096", n * 16, 0);
    REPORT(add, "4096", n * 12, 0);
    REPORT(add_scaled, "4096", n * 12, 0);
    REPORT(swiglu, "4096", n * 12, 0);
    REPORT(gelu_erf, "4096", n * 8, 0);
    REPORT(gelu_tanh, "4096", n * 8, 0);
    REPORT(gelu_quick, "4096", n * 8, 0);
    REPORT(geglu, "4096", n * 12, 0);
    memset(a->z, 0, 64 * sizeof(float));
    REPORT(rope_half, "64 heads of 64", n * 8, 0);
    REPORT(rope_adjacent, "64 heads of 64", n * 8, 0);
    REPORT(quant_q8, "4096", n * 5, 0);
    REPORT(sums_q8, "4096", n, 0);
}

/* name over the given rows of type t; one row's work is 2 x columns operations. */
#define ROWS(name, t, what)                                                                        \
    {                                                                                              \
        g_autofree char *shape = g_strdup_printf("%d x %d%s", a->rows, a->cols, what);             \
        a->row_bytes = lw_type_row_bytes(t, a->cols);                                              \
        REPORT(name, shape, (double)a->row_bytes * a->rows, 2.0 * a->rows * a->cols);              \
    }

static void products(args *a)
{
    a->quant = (lw_quant_row){a->q, a->scale, a->scale, a->scale};
    a->cols = 1536;
    a->rows = 64; /* cached: what the kernel itself can do */
    ROWS(matvec_f32, LW_TYPE_F32, ", cached")
    ROWS(matvec_f16, LW_TYPE_F16, ", cached")
    ROWS(matvec_bf16, LW_TYPE_BF16, ", cached")
#define CACHED(X, name, NAME, ...) ROWS(matvec_##name, LW_TYPE_##NAME, ", cached")
    LW_BLOCK_TYPES(CACHED, )
    a->rows = 90000;
    ROWS(matvec_q8_0, LW_TYPE_Q8_0, ", memory")
    ROWS(matvec_q4_0, LW_TYPE_Q4_0, ", memory")
    ROWS(matvec_q4_k, LW_TYPE_Q4_K, ", memory")
    ROWS(matvec_q5_k, LW_TYPE_Q5_K, ", memory")
    ROWS(matvec_q6_k, LW_TYPE_Q6_K, ", memory")

    a->rows = 32;
    ROWS(pack_f32, LW_TYPE_F32, "")
    ROWS(pack_f16, LW_TYPE_F16, "")
    ROWS(pack_bf16, LW_TYPE_BF16, "")
    a->rows = 16;
#define PACK(X, name, NAME, ...) ROWS(pack_##name, LW_TYPE_##NAME, "")
    LW_BLOCK_TYPES(PACK, )

    a->mul = (lw_panel_mul){.panel = a->w,
                            .panel_scale = a->z,
                            .panel_min = a->z,
                            .k = 1536,
                            .rows = 256,
                            .cols = 16,
                            .x = a->x,
                            .x_stride = 1536,
                            .q = a->q,
                            .scale = a->scale,
                            .start = a->sums,
                            .sum = a->scale,
                            .y = a->y,
                            .y_stride = 32};
    double bytes = 1536.0 * (16 + 256), flops = 2.0 * 1536 * 16 * 256;
    REPORT(panel_i8_32, "16 x 1536 x 256 rows", bytes, flops);
    REPORT(panel_i8_16, "16 x 1536 x 256 rows", bytes, flops);
    REPORT(panel_i8_32_min, "16 x 1536 x 256 rows", bytes, flops);
    REPORT(panel_i8_16_min, "16 x 1536 x 256 rows", bytes, flops);
    a->mul.cols = 32;
    REPORT(panel_f32, "32 x 1536 x 256 rows", 4 * 1536.0 * (32 + 256), 4.0 * 1536 * 16 * 256);
}

static void attention(args *a)
{
    static const struct {
        int rows, d;
    } shapes[] = {{1, 64}, {7, 64}, {8, 128}, {448, 64}, {256, 128}, {64, 80}};

    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++) {
        int rows = shapes[i].rows, d = shapes[i].d;
        g_autofree char *shape = g_strdup_printf("%d rows, d %d", rows, d);
        double flops = 4.0 * rows * d * LW_ATTN_TILE, elems = 2.0 * d * LW_ATTN_TILE;
        /* As behind the first tile of many, all alike: sums neither grow nor fade. */
        for (int r = 0; r < rows; r++) {
            a->z[r] = -INFINITY;
            a->scale[r] = 0;
        }
        memset(a->y, 0, (gsize)rows * (gsize)d * sizeof(float));
        a->attn = (lw_attn_step){.q = a->x,
                                 .q_stride = d,
                                 .k = a->w,
                                 .v = (char *)a->w + (1 << 20),
                                 .kv_stride = d,
                                 .rows = rows,
                                 .n_keys = LW_ATTN_TILE,
                                 .d = d,
                                 .scale = 1e-3f,
                                 .m = a->z,
                                 .l = a->scale,
                                 .o = a->y,
                                 .scratch = a->scratch,
                                 .q_work = a->q};
        REPORT(attn_step_f16, shape, elems * 2, flops);
        REPORT(attn_step_f32, shape, elems * 4, flops);
        if (d % LW_QK == 0) { /* as in a run of tiles: q was prepared for the first */
            a->k->attn_step_q8_0(&a->attn);
            a->attn.same_q = TRUE;
            REPORT(attn_step_q8_0, shape, elems / 32 * 34, flops);
        }
    }
}

/* -- lw_linear() ------------------------------------------------------------------------------- */

static void run_linear(void *ctx)
{
    args *a = ctx;
    const lw_weight *w = &a->weight;
    gsize stride = w->n_out;

    lw_linear(a->pool, a->k, &w, 1, a->x, w->n_in, a->rows, &a->y, &stride, a->scratch, NULL);
}

static void linear(args *a)
{
    static const guint types[] = {LW_TYPE_Q8_0, LW_TYPE_Q4_0, LW_TYPE_Q4_K, LW_TYPE_Q6_K,
                                  LW_TYPE_F16};
    static const int rows[] = {1, 2, 4, 8, 32, 512};
    static const int shapes[][2] = {{1536, 8960}, {8960, 1536}};

    for (int n_threads = 1; n_threads <= lw_cpu_count(); n_threads *= 2) {
        a->pool = lw_pool_new(n_threads);
        for (guint t = 0; t < G_N_ELEMENTS(types); t++) {
            for (guint s = 0; s < G_N_ELEMENTS(shapes); s++) {
                for (guint r = 0; r < G_N_ELEMENTS(rows); r++) {
                    int n_in = shapes[s][0], n_out = shapes[s][1];
                    gsize row_bytes = lw_type_row_bytes(types[t], n_in);
                    g_autofree char *shape = g_strdup_printf("%s %dx%d, %d rows, %d thr",
                                                             lw_type_get_info(types[t])->name, n_in,
                                                             n_out, rows[r], n_threads);
                    a->weight = (lw_weight){types[t], n_in, n_out, a->w, row_bytes, NULL};
                    a->rows = rows[r];
                    REPORT(linear, shape, (double)row_bytes * n_out, 2.0 * n_in * n_out * rows[r]);
                }
            }
        }
        lw_pool_free(a->pool);
        a->pool = NULL;
    }
}

void bench_kernels(const char *mask, const lw_kernels *k, const char *pattern)
{
    gsize n = 512 * 8960;
    args a = {
        .k = k,
        .x = filled(n * 4),
        .y = filled(n * 4),
        .z = filled(n * 4),
        .w = filled((gsize)160 << 20),
        .q = filled(n),
        .scale = filled(n / 8),
        .sums = filled(n / 8),
        .scratch = filled(MAX(LW_ATTN_SCRATCH, lw_linear_scratch_bytes(512, 8960, 64))),
    };

    mask_name = mask;
    wanted = pattern;
    elementwise(&a);
    products(&a);
    memset(a.w, 0x28, (gsize)2 << 20); /* small and positive as f16, f32, and as q8_0's scales */
    attention(&a);
    if (wanted == NULL || strstr("attend", wanted) != NULL)
        bench_attend(k);
    linear(&a);
    g_aligned_free(a.x);
    g_aligned_free(a.y);
    g_aligned_free(a.z);
    g_aligned_free(a.w);
    g_aligned_free(a.q);
    g_aligned_free(a.scale);
    g_aligned_free(a.sums);
    g_aligned_free(a.scratch);
}
