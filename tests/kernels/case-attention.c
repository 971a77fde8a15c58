/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * attn_step against a softmax in double over everything visible, after one or several merged tiles.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/cpu.h"
#include "tests/kernels/check.h"

typedef enum { KV_F16, KV_F32, KV_Q8_0 } kv_type;

static const char *const kv_names[] = {"f16", "f32", "q8_0"};

typedef struct {
    kv_type type;
    int rows, d, n_keys; /* all tiles together */
    int tile;            /* keys per step */
    gboolean masked, windowed;
    float spread; /* of the scores: large ones make most weights vanish */
    gboolean split; /* AMX: floats as two bf16, 16 bits, if the rows are many and d fits its registers */
} attn_case;

/* One token of a q8_0 tile from floats; x becomes what the tile holds.  Scales are drawn apart, so
 * that a kernel that mixes them up is seen. */
static void put_q8_0(void *tile, int slot, int d, gboolean is_k, float *x)
{
    lw_f16 *scales = (void *)((char *)tile + LW_TILE_Q8_SCALES(d));

    for (int i = 0; i < d; i++) {
        lw_f16 *scale = &scales[i / LW_QK * LW_ATTN_TILE + slot];
        if (i % LW_QK == 0)
            *scale = lw_f32_to_f16(check_uniform(0.005f, 0.05f));
        float f = lw_f16_to_f32(*scale);
        int code = (int)CLAMP(rintf(x[i] / f), -127, 127);
        if (is_k)
            ((uint8_t *)tile)[(i / 4 * LW_ATTN_TILE + slot) * 4 + i % 4] = (uint8_t)(code + 128);
        else
            ((int8_t *)tile)[(gsize)slot * d + i] = (int8_t)code;
        x[i] = (float)code * f;
    }
}

static void run_case(const attn_case *c, void (*step)(const lw_attn_step *))
{
    gsize q_stride = c->d + 5, kv_stride = c->d + 8, n_kv = c->n_keys * kv_stride;
    float *q = check_alloc(c->rows * q_stride * 4, 4);
    float *kf = check_alloc(n_kv * 4, 4), *vf = check_alloc(n_kv * 4, 4);
    lw_f16 *kh = check_alloc(n_kv * 2, 2), *vh = check_alloc(n_kv * 2, 2);
    float *m = check_alloc(c->rows * 4, 4), *l = check_alloc(c->rows * 4, 4);
    float *o = check_alloc((gsize)c->rows * c->d * 4, 4);
    gint32 *visible = check_alloc(c->rows * 4, 4), *seen = check_alloc(c->rows * 4, 4);
    gint32 *first_in_tile = check_alloc(c->rows * 4, 4), *from = check_alloc(c->rows * 4, 4);
    void *scratch = check_alloc(LW_ATTN_SCRATCH, 0);
    void *q_work = check_alloc(LW_ATTN_Q_WORK(c->rows, c->d), 0);
    /* Whole tiles of q8_0: what lies behind the last key is NaN in every scale. */
    gsize tile_bytes = c->type == KV_Q8_0 ? LW_TILE_Q8_BYTES(c->d) : 0;
    int n_tiles = (c->n_keys + c->tile - 1) / c->tile;
    char *kq = check_alloc(n_tiles * tile_bytes, 2), *vq = check_alloc(n_tiles * tile_bytes, 2);
    /* 15-bit codes of q; or two bf16. */
    double bar = c->type == KV_Q8_0 ? 1e-4 : c->split && c->rows > 8 && c->d % 32 == 0 ? 8e-6 : 2e-6;
    float scale = c->spread / sqrtf((float)c->d);

    memset(scratch, 0xff, LW_ATTN_SCRATCH); /* NaN: what is left over must not leak in */

    check_fill_f32(q, c->rows * q_stride, FILL_NORMAL);
    for (gsize i = 0; i < n_kv; i++) {
        kh[i] = lw_f32_to_f16(check_normal());
        vh[i] = lw_f32_to_f16(check_normal());
        kf[i] = lw_f16_to_f32(kh[i]);
        vf[i] = lw_f16_to_f32(vh[i]);
    }
    memset(kq, 0xff, n_tiles * tile_bytes);
    memset(vq, 0xff, n_tiles * tile_bytes);
    for (int j = 0; c->type == KV_Q8_0 && j < c->n_keys; j++) {
        put_q8_0(kq + j / c->tile * tile_bytes, j % c->tile, c->d, TRUE, kf + j * kv_stride);
        put_q8_0(vq + j / c->tile * tile_bytes, j % c->tile, c->d, FALSE, vf + j * kv_stride);
    }
    for (int r = 0; r < c->rows; r++) {
        m[r] = -INFINITY;
        /* Some see nothing, some everything, some stop inside a tile. */
        seen[r] = !c->masked || r % 5 == 4 ? c->n_keys
                  : r % 5 == 1             ? 0
                                           : (gint32)(check_random() % (c->n_keys + 1));
        /* The window starts anywhere, also at the first key and behind the last visible one. */
        from[r] = !c->windowed || r % 7 == 3 ? 0 : (gint32)(check_random() % (c->n_keys + 1));
    }
    for (int first = 0; first < c->n_keys; first += c->tile) {
        for (int r = 0; r < c->rows; r++) { /* may be negative or beyond the tile */
            visible[r] = seen[r] - first;
            first_in_tile[r] = from[r] - first;
        }
        const void *k[] = {kh + first * kv_stride, kf + first * kv_stride,
                           kq + first / c->tile * tile_bytes};
        const void *v[] = {vh + first * kv_stride, vf + first * kv_stride,
                           vq + first / c->tile * tile_bytes};
        step(&(lw_attn_step){
            .q = q,
            .q_stride = q_stride,
            .k = k[c->type],
            .v = v[c->type],
            .kv_stride = kv_stride,
            .rows = c->rows,
            .n_keys = MIN(c->tile, c->n_keys - first),
            .d = c->d,
            .scale = scale,
            .visible = c->masked ? visible : NULL,
            .first = c->windowed ? first_in_tile : NULL,
            .m = m,
            .l = l,
            .o = o,
            .scratch = scratch,
            .q_work = q_work,
            .same_q = first > 0,
            .last = first + c->tile >= c->n_keys,
        });
    }

    g_autofree double *s = g_new(double, c->n_keys);
    for (int r = 0; r < c->rows; r++) {
        double max = -INFINITY, sum = 0;
        for (int j = from[r]; j < seen[r]; j++) {
            s[j] = 0;
            for (int i = 0; i < c->d; i++)
                s[j] += (double)q[r * q_stride + i] * kf[j * kv_stride + i];
            s[j] *= scale;
            max = MAX(max, s[j]);
        }
        for (int j = from[r]; j < seen[r]; j++)
            sum += s[j] = exp(s[j] - max);
        if (seen[r] <= from[r]) {
            g_assert_true(m[r] == -INFINITY && l[r] == 0);
            for (int i = 0; i < c->d; i++)
                g_assert_cmpfloat(o[(gsize)r * c->d + i], ==, 0);
            continue;
        }
        g_assert_cmpfloat(fabs(m[r] - max), <=, 5 * bar * (1 + c->spread + fabs(max)));
        for (int i = 0; i < c->d; i++) {
            double want = 0, size = 0;
            for (int j = from[r]; j < seen[r]; j++) {
                want += s[j] / sum * vf[j * kv_stride + i];
                size += s[j] / sum * fabs(vf[j * kv_stride + i]);
            }
            float got = o[(gsize)r * c->d + i] / l[r];
            if (!(fabs(got - want) <= bar * (1 + c->spread) * (1 + size)))
                g_error("attention %s, %d rows, %d keys by %d, d %d: row %d, column %d is %.9g, "
                        "not %.9g",
                        kv_names[c->type], c->rows, c->n_keys, c->tile, c->d, r, i, got, want);
        }
    }
    check_free(q);
    check_free(kf);
    check_free(vf);
    check_free(kh);
    check_free(vh);
    check_free(m);
    check_free(l);
    check_free(o);
    check_free(visible);
    check_free(seen);
    check_free(first_in_tile);
    check_free(from);
    check_free(scratch);
    check_free(q_work);
    check_free(kq);
    check_free(vq);
}

static void all_cases(kv_type type, void (*step)(const lw_attn_step *), gboolean split)
{
    static const int dims[] = {8, 24, 32, 64, 72, 80, 128, 256, 512},
                     rows[] = {1, 2, 6, 7, 8, 9, 13, 29};
    static const int keys[] = {1, 15, 16, 33, 64, 65, 200};

    for (guint d = 0; d < G_N_ELEMENTS(dims); d++) {
        if (type == KV_Q8_0 && dims[d] % LW_QK)
            continue;
        for (guint r = 0; r < G_N_ELEMENTS(rows); r++) {
            for (guint n = 0; n < G_N_ELEMENTS(keys); n++) {
                attn_case c = {
                    .type = type,
                    .rows = rows[r],
                    .d = dims[d],
                    .n_keys = keys[n],
                    .tile = n % 2 ? LW_ATTN_TILE : 47,
                    .masked = (d + r + n) % 2,
                    .windowed = (d + r + n) % 3 == 0,
                    .spread = r % 2 ? 8 : 1,
                    .split = split,
                };
                run_case(&c, step);
            }
        }
    }
    for (int n = 3; n <= 8; n++) {
        attn_case c = {.type = type,
                       .rows = n,
                       .d = 64,
                       .n_keys = 150,
                       .tile = 64,
                       .masked = TRUE,
                       .spread = 3};
        run_case(&c, step);
        c.windowed = TRUE;
        run_case(&c, step);
    }
    attn_case many = {.type = type,
                      .rows = 7 * 64,
                      .d = 64,
                      .n_keys = 150,
                      .tile = 64,
                      .masked = TRUE,
                      .spread = 3,
                      .split = split};
    run_case(&many, step);
    many.windowed = TRUE;
    run_case(&many, step);
}

void test_attn_step_f16(const lw_kernels *ref, const lw_kernels *k)
{
    lw_kernels plain;

    lw_kernels_init(&plain, lw_cpu_detect() & ~(guint)LW_CPU_AMX);
    all_cases(KV_F16, k->attn_step_f16,
              k->attn_step_f16 != plain.attn_step_f16 && k->attn_step_f32 == plain.attn_step_f32);
}

void test_attn_step_f32(const lw_kernels *ref, const lw_kernels *k)
{
    all_cases(KV_F32, k->attn_step_f32, FALSE);
}

/* ---- A step that goes on in another thread or process ---- */

#define ROWS 7
#define DIM 64

typedef struct {
    void (*step)(const lw_attn_step *);
    float q[ROWS * DIM], o[ROWS * DIM], m[ROWS], l[ROWS];
    void *tile, *scratch, *q_work;
    gboolean same_q, last;
} walk;

static gpointer go_on(gpointer data)
{
    walk *w = data;

    w->step(&(lw_attn_step){
        .q = w->q,
        .q_stride = DIM,
        .k = w->tile,
        .v = (char *)w->tile + LW_TILE_Q8_BYTES(DIM),
        .rows = ROWS,
        .n_keys = LW_ATTN_TILE,
        .d = DIM,
        .scale = 0.125f,
        .m = w->m,
        .l = w->l,
        .o = w->o,
        .scratch = w->scratch,
        .q_work = w->q_work,
        .same_q = w->same_q,
        .last = w->last,
    });
    return NULL;
}

static gpointer go_on_later(gpointer queue)
{
    return go_on(g_async_queue_pop(queue));
}

/* The second of two steps, by the thread of the first, by one that was there before it (new ones
 * inherit the registers) and by a process forked between the two: what a thread keeps for its next
 * step (AMX's set-up) is its own, and a fork must not believe in what it has lost. */
static void test_elsewhere(void (*step)(const lw_attn_step *))
{
    walk *first = g_new0(walk, 1), *here, *there;
    float x[DIM], child[ROWS * DIM];
    int ends[2], status;
    pid_t pid;
    GAsyncQueue *queue = g_async_queue_new();
    GThread *other = g_thread_new("elsewhere", go_on_later, queue);

    first->step = step;
    first->tile = check_alloc(2 * LW_TILE_Q8_BYTES(DIM), 2);
    first->scratch = check_alloc(LW_ATTN_SCRATCH, 0);
    first->q_work = check_alloc(LW_ATTN_Q_WORK(ROWS, DIM), 0);
    check_fill_f32(first->q, ROWS * DIM, FILL_NORMAL);
    for (int r = 0; r < ROWS; r++)
        first->m[r] = -INFINITY;
    for (int j = 0; j < 2 * LW_ATTN_TILE; j++) {
        for (int i = 0; i < DIM; i++)
            x[i] = check_normal();
        put_q8_0((char *)first->tile + j / LW_ATTN_TILE * LW_TILE_Q8_BYTES(DIM), j % LW_ATTN_TILE,
                 DIM, j < LW_ATTN_TILE, x);
    }
    go_on(first);
    first->same_q = TRUE;
    g_assert_cmpint(pipe(ends), ==, 0);
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        go_on(first);
        _exit(write(ends[1], first->o, sizeof first->o) == sizeof first->o ? 0 : 1);
    }
    here = g_memdup2(first, sizeof *first);
    there = g_memdup2(first, sizeof *first);
    g_async_queue_push(queue, there);
    g_thread_join(other);
    g_async_queue_unref(queue);
    here->last = TRUE;
    go_on(here);
    g_assert_cmpmem(there->o, sizeof there->o, here->o, sizeof here->o);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpint(read(ends[0], child, sizeof child), ==, sizeof child);
    g_assert_cmpmem(child, sizeof child, here->o, sizeof here->o);
    close(ends[0]);
    close(ends[1]);
    check_free(first->tile);
    check_free(first->scratch);
    check_free(first->q_work);
    g_free(first);
    g_free(here);
    g_free(there);
}

void test_attn_step_q8_0(const lw_kernels *ref, const lw_kernels *k)
{
    all_cases(KV_Q8_0, k->attn_step_q8_0, FALSE);
    test_elsewhere(k->attn_step_q8_0);
}
