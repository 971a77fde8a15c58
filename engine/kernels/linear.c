/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How one product is cut into tasks.  The cut depends on sizes and on the number of threads; no
 * element's sum does: every kernel adds along k in an order of its own, whatever rows it is given.
 */
#include "engine/kernels/linear.h"

#include <string.h>

#include "engine/kernels/weight.h"

#define MAX_WEIGHTS 4

/* Up to here each activation row reads the weights (then from cache) by itself; unpacking a panel
 * costs about as much as three products with it. */
#define MATVEC_ROWS 2

/* Weight bytes of one matvec task: a kernel reads it as several runs, and each begins cold; a second row of
 * activations finds it in a second-level cache. */
#define MATVEC_TASK_BYTES (384 * 1024)

/* ... unless the product is small: tasks per thread worth having, so that the last ones end together. */
#define MATVEC_TASKS_PER_THREAD 4

/* Per thread: unpacked panels that are multiplied with one block of activation rows in turn, and
 * the bytes of such a block.  Both together stay in a 1 MiB second-level cache. */
#define PANEL_BYTES (256 * 1024)
#define ROW_BLOCK_BYTES (384 * 1024)

/* A multiple of what the panel kernels take at once. */
#define ROW_STEP LW_TILE_ROWS

/* Tasks per thread worth having, so that the last ones end at about the same time. */
#define TASKS_PER_THREAD 6

/* Quantised activations, one row after the other or in tiles, and the sums that kernels want beside
 * them, as kernels.h has them.  Sums for groups of 16 columns are made when a weight needs them. */
typedef struct {
    int8_t *q;
    float *scale;
    int32_t *start32, *start16;
    float *sum32, *sum16;
    gboolean any16;
} quantised;

typedef struct {
    const lw_kernels *k;
    const lw_weight *const *w;
    int n_w, n_in, rows;
    const float *x;
    gsize x_stride;
    float *const *y;
    const gsize *y_stride;
    const lw_weight_type *type[MAX_WEIGHTS];
    gboolean any_int;

    quantised act;
    char *panels; /* [n_threads] areas */
    gsize area_bytes;

    int first[MAX_WEIGHTS + 1]; /* tasks of weight i: first[i] .. first[i + 1], before row parts */
    int group[MAX_WEIGHTS];     /* weight rows (matvec) or panels per task */
    int row_parts, rows_per_part;
} job;

static gsize align64(gsize n)
{
    return (n + 63) & ~(gsize)63;
}

static gsize panel_area_bytes(int n_in)
{
    /* A float panel is the largest (128 bytes per column; an integer one takes 24 with all scales).
     */
    return align64(MAX(LW_PANEL_F32_FLOATS(n_in) * sizeof(float), (gsize)PANEL_BYTES));
}

static gsize quant_blocks(int rows, int n_in)
{
    gsize whole = ((gsize)rows + LW_TILE_ROWS - 1) / LW_TILE_ROWS * LW_TILE_ROWS;

    return whole * (((gsize)n_in + LW_QK - 1) / LW_QK);
}

/* q, scale, start32, start16, sum32, sum16 of so many blocks.  There are 16 rows at least: every
 * part stays 64-byte aligned. */
#define QUANT_BLOCK_BYTES (LW_QK + 7 * sizeof(float))

static void lay_out(quantised *a, char *s, gsize blocks)
{
    a->q = (int8_t *)s;
    a->scale = (float *)(void *)(s + blocks * LW_QK);
    a->start32 = (int32_t *)(void *)(a->scale + blocks);
    a->start16 = a->start32 + blocks;
    a->sum32 = (float *)(void *)(a->start16 + 2 * blocks);
    a->sum16 = a->sum32 + blocks;
}

gsize lw_linear_scratch_bytes(int max_rows, int max_in, int n_threads)
{
    return quant_blocks(max_rows, max_in) * QUANT_BLOCK_BYTES +
           (gsize)n_threads * panel_area_bytes(max_in);
}

/* -- activations ------------------------------------------------------------------------------- */

#define QUANT_TASK_ROWS 8

/* Room in the worker's panel area for a row's sums (and, for tiles, for the row). */
static int32_t *sums_area(const job *j, int worker)
{
    return (int32_t *)(void *)(j->panels + (gsize)worker * j->area_bytes);
}

static void quantise_rows(void *ctx, int task, int worker)
{
    const job *j = ctx;
    const quantised *a = &j->act;
    gsize n_blocks = (gsize)j->n_in / LW_QK;
    int32_t *sums = sums_area(j, worker);

    for (int r = task * QUANT_TASK_ROWS; r < MIN((task + 1) * QUANT_TASK_ROWS, j->rows); r++) {
        gsize at = (gsize)r * n_blocks;
        j->k->quant_q8(j->x + (gsize)r * j->x_stride, a->q + at * LW_QK, a->scale + at, j->n_in);
        j->k->sums_q8(a->q + at * LW_QK, sums, j->n_in);
        for (gsize b = 0; b < n_blocks; b++) {
            float scale = a->scale[at + b];
            a->sum32[at + b] = scale * (float)(sums[2 * b] + sums[2 * b + 1]);
            a->sum16[2 * (at + b)] = scale * (float)sums[2 * b];
            a->sum16[2 * (at + b) + 1] = scale * (float)sums[2 * b + 1];
        }
    }
}

/* The same into the tiles that integer panels read. */
static void quantise_tiles(void *ctx, int task, int worker)
{
    const job *j = ctx;
    const quantised *a = &j->act;
    gsize n_blocks = (gsize)j->n_in / LW_QK;
    /* One row at a time in the worker's panel area (128 bytes per column and more). */
    int32_t *sums = sums_area(j, worker);
    float *scale = (float *)(void *)(sums + 2 * n_blocks);
    int8_t *q = (int8_t *)(scale + n_blocks);

    for (int r = task * QUANT_TASK_ROWS; r < MIN((task + 1) * QUANT_TASK_ROWS, j->rows); r++) {
        gsize at = (gsize)(r / LW_TILE_ROWS) * n_blocks * LW_TILE_ROWS + r % LW_TILE_ROWS;
        gsize at16 = 2 * (at - r % LW_TILE_ROWS) + r % LW_TILE_ROWS;
        j->k->quant_q8(j->x + (gsize)r * j->x_stride, q, scale, j->n_in);
        j->k->sums_q8(q, sums, j->n_in);
        for (gsize b = 0; b < n_blocks; b++, at += LW_TILE_ROWS) {
            int32_t sum = sums[2 * b] + sums[2 * b + 1];
            memcpy(a->q + at * LW_QK, q + b * LW_QK, LW_QK);
            a->scale[at] = scale[b];
            a->start32[at] = -128 * sum;
            a->sum32[at] = scale[b] * (float)sum;
        }
        for (gsize g = 0; a->any16 && g < 2 * n_blocks; g++, at16 += LW_TILE_ROWS) {
            a->start16[at16] = -128 * sums[g];
            a->sum16[at16] = scale[g / 2] * (float)sums[g];
        }
    }
}

/* -- few rows: straight from the file ---------------------------------------------------------- */

static int weight_of_task(const job *j, int task)
{
    int iw = 0;

    while (task >= j->first[iw + 1])
        iw++;
    return iw;
}

static void matvec_task(void *ctx, int task, int worker)
{
    const job *j = ctx;
    int iw = weight_of_task(j, task);
    const lw_weight *w = j->w[iw];
    int row = (task - j->first[iw]) * j->group[iw];
    int n = MIN(j->group[iw], w->n_out - row);
    gsize n_blocks = (gsize)j->n_in / LW_QK;

    for (int i = 0; i < j->rows; i++) {
        float *y = j->y[iw] + (gsize)i * j->y_stride[iw] + row;
        lw_activation x = {
            .x = j->x + (gsize)i * j->x_stride,
            .q = {j->act.q + (gsize)i * j->n_in, j->act.scale + i * n_blocks,
                  j->act.sum32 + i * n_blocks, j->act.sum16 + 2 * i * n_blocks},
        };
        j->type[iw]->matvec(j->k, (const char *)w->data + (gsize)row * w->row_bytes, w->row_bytes,
                            n, j->n_in, &x, y);
        if (w->bias != NULL)
            j->k->add(y, w->bias + row, n);
    }
}

/* -- many rows: panels ------------------------------------------------------------------------- */

static int n_panels(const job *j, int iw)
{
    int width = (int)j->type[iw]->panel_rows;

    return (j->w[iw]->n_out + width - 1) / width;
}

/* All panels at p times activation rows i .. end. */
static void multiply(const job *j, int iw, int row0, int n_rows, const char *p, int i, int end)
{
    const lw_weight *w = j->w[iw];
    const lw_weight_type *t = j->type[iw];
    const quantised *a = &j->act;
    gsize one = lw_panel_bytes(t, j->n_in), at = (gsize)i * ((gsize)j->n_in / LW_QK);
    int width = (int)t->panel_rows;

    for (int c = 0; c < n_rows; c += width, p += one) {
        float bias[LW_PANEL_F32_ROWS] = {0};
        lw_panel_mul mul = {
            .panel = p,
            .k = j->n_in,
            .rows = end - i,
            .cols = MIN(n_rows - c, width),
            .x = j->x + (gsize)i * j->x_stride,
            .x_stride = j->x_stride,
            .q = a->q + at * LW_QK,
            .scale = a->scale + at,
            .start = t->group == 16 ? a->start16 + 2 * at : a->start32 + at,
            .sum = t->group == 16 ? a->sum16 + 2 * at : a->sum32 + at,
            .y = j->y[iw] + (gsize)i * j->y_stride[iw] + row0 + c,
            .y_stride = j->y_stride[iw],
        };
        if (w->bias != NULL) {
            memcpy(bias, w->bias + row0 + c, (gsize)mul.cols * sizeof(float));
            mul.bias = bias;
        }
        t->multiply(j->k, &mul);
    }
}

static void panel_task(void *ctx, int task, int worker)
{
    const job *j = ctx;
    int part = task % j->row_parts;
    int iw = weight_of_task(j, task / j->row_parts);
    const lw_weight *w = j->w[iw];
    const lw_weight_type *t = j->type[iw];
    int width = (int)t->panel_rows;
    int row0 = (task / j->row_parts - j->first[iw]) * j->group[iw] * width;
    int n_rows = MIN(j->group[iw] * width, w->n_out - row0);
    char *area = j->panels + (gsize)worker * j->area_bytes, *p = area;

    for (int c = 0; c < n_rows; c += width, p += lw_panel_bytes(t, j->n_in))
        t->pack(j->k, (const char *)w->data + (gsize)(row0 + c) * w->row_bytes, w->row_bytes,
                MIN(n_rows - c, width), j->n_in, p);

    int end = MIN((part + 1) * j->rows_per_part, j->rows);
    gsize row_bytes = (gsize)j->n_in * (t->is_int ? 1 : sizeof(float));
    int step = (int)CLAMP(ROW_BLOCK_BYTES / row_bytes, ROW_STEP, 1024) / ROW_STEP * ROW_STEP;
    for (int i = part * j->rows_per_part; i < end; i += step)
        multiply(j, iw, row0, n_rows, area, i, MIN(i + step, end));
}

/* -- the cut ----------------------------------------------------------------------------------- */

static int cut_matvec(job *j, int n_threads)
{
    gsize bytes = 0;

    for (int i = 0; i < j->n_w; i++)
        bytes += (gsize)j->w[i]->n_out * j->w[i]->row_bytes;
    bytes = MIN(MATVEC_TASK_BYTES, bytes / ((gsize)n_threads * MATVEC_TASKS_PER_THREAD));
    for (int i = 0; i < j->n_w; i++) {
        const lw_weight *w = j->w[i];
        j->group[i] = (int)CLAMP(bytes / w->row_bytes / 8 * 8, 8, 2048);
        j->first[i + 1] = j->first[i] + (w->n_out + j->group[i] - 1) / j->group[i];
    }
    j->row_parts = 1;
    return j->first[j->n_w];
}

static int cut_panels(job *j, int n_threads)
{
    int want = n_threads * TASKS_PER_THREAD;
    gint64 all = 0;

    for (int i = 0; i < j->n_w; i++)
        all += n_panels(j, i);
    for (int i = 0; i < j->n_w; i++) {
        int panels = n_panels(j, i);
        gint64 fits = (gint64)(j->area_bytes / lw_panel_bytes(j->type[i], j->n_in));
        j->group[i] = (int)CLAMP(MIN(fits, all / want), 1, panels);
        j->first[i + 1] = j->first[i] + (panels + j->group[i] - 1) / j->group[i];
    }
    /* Too few panels for many threads: cut the rows too, and pay for unpacking a panel twice. */
    int tasks = j->first[j->n_w];
    j->row_parts = CLAMP((want / 2 + tasks - 1) / tasks, 1, MAX(1, j->rows / 64));
    j->rows_per_part = (j->rows + j->row_parts - 1) / j->row_parts;
    j->rows_per_part = (j->rows_per_part + ROW_STEP - 1) / ROW_STEP * ROW_STEP;
    return tasks * j->row_parts;
}

gboolean lw_linear(lw_pool *pool, const lw_kernels *k, const lw_weight *const *w, int n_w,
                   const float *x, gsize x_stride, int rows, float *const *y, const gsize *y_stride,
                   void *scratch, const gint *cancel)
{
    int n_threads = lw_pool_n_threads(pool);

    g_return_val_if_fail(n_w >= 1 && n_w <= MAX_WEIGHTS && rows >= 1, FALSE);
    job j = {
        .k = k,
        .w = w,
        .n_w = n_w,
        .n_in = w[0]->n_in,
        .rows = rows,
        .x = x,
        .x_stride = x_stride,
        .y = y,
        .y_stride = y_stride,
    };
    for (int i = 0; i < n_w; i++) {
        g_return_val_if_fail(w[i]->n_in == j.n_in && w[i]->n_out >= 1, FALSE);
        const lw_weight_type *t = j.type[i] = lw_weight_type_get(w[i]->type);
        g_return_val_if_fail(t != NULL && j.n_in % t->elems == 0, FALSE);
        j.any_int |= t->is_int;
        j.act.any16 |= t->group == 16;
    }

    gsize blocks = quant_blocks(rows, j.n_in);
    lay_out(&j.act, scratch, blocks);
    j.panels = (char *)scratch + blocks * QUANT_BLOCK_BYTES;
    j.area_bytes = panel_area_bytes(j.n_in);

    if (j.any_int) {
        int n = (rows + QUANT_TASK_ROWS - 1) / QUANT_TASK_ROWS;
        if (!lw_pool_run(pool, n, rows <= MATVEC_ROWS ? quantise_rows : quantise_tiles, &j, cancel))
            return FALSE;
    }
    if (rows <= MATVEC_ROWS)
        return lw_pool_run(pool, cut_matvec(&j, n_threads), matvec_task, &j, cancel);
    return lw_pool_run(pool, cut_panels(&j, n_threads), panel_task, &j, cancel);
}
