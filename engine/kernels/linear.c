/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How one product is cut into tasks.  The cut depends on sizes and on the number of threads; no
 * element's sum does: every kernel adds along k in an order of its own, whatever rows it is given.
 */
#include "engine/kernels/linear.h"

#include <string.h>

#include "engine/gguf/gguf.h"

#define MAX_WEIGHTS 4

/* Up to here each activation row reads the weights (then from cache) by itself; unpacking a panel
 * costs about as much as three products with it. */
#define MATVEC_ROWS 2

/* Weight bytes of one matvec task: long enough to stream, short enough to share out evenly. */
#define MATVEC_TASK_BYTES (48 * 1024)

/* Per thread: unpacked panels that are multiplied with one block of activation rows in turn, and
 * the bytes of such a block.  Both together stay in a 1 MiB second-level cache. */
#define PANEL_BYTES (256 * 1024)
#define ROW_BLOCK_BYTES (384 * 1024)

/* A multiple of what the panel kernels take at once. */
#define ROW_STEP LW_TILE_ROWS

/* Tasks per thread worth having, so that the last ones end at about the same time. */
#define TASKS_PER_THREAD 6

typedef struct {
    const lw_kernels *k;
    const lw_weight *const *w;
    int n_w, n_in, rows;
    const float *x;
    gsize x_stride;
    float *const *y;
    const gsize *y_stride;
    gboolean any_int;

    int8_t *q;
    float *scale;
    int32_t *qsum;
    char *panels; /* [n_threads] areas */
    gsize area_bytes;

    int first[MAX_WEIGHTS + 1]; /* tasks of weight i: first[i] .. first[i + 1], before row parts */
    int group[MAX_WEIGHTS];     /* weight rows (matvec) or panels per task */
    int row_parts, rows_per_part;
} job;

static gboolean is_int_type(guint type)
{
    return type == LW_TYPE_Q8_0 || type == LW_TYPE_Q4_0;
}

static gsize align64(gsize n)
{
    return (n + 63) & ~(gsize)63;
}

static gsize panel_area_bytes(int n_in)
{
    /* A float panel is the largest (128 bytes per column; an integer one with scales takes 18). */
    return align64(MAX(LW_PANEL_F32_FLOATS(n_in) * sizeof(float), (gsize)PANEL_BYTES));
}

static gsize quant_bytes(int rows, int n_in, gsize *scale_at, gsize *qsum_at)
{
    gsize whole = ((gsize)rows + LW_TILE_ROWS - 1) / LW_TILE_ROWS * LW_TILE_ROWS;
    gsize blocks = whole * (((gsize)n_in + LW_QK - 1) / LW_QK);

    *scale_at = blocks * LW_QK; /* 16 rows at least: every part stays 64-byte aligned */
    *qsum_at = *scale_at + blocks * sizeof(float);
    return *qsum_at + blocks * sizeof(int32_t);
}

gsize lw_linear_scratch_bytes(int max_rows, int max_in, int n_threads)
{
    gsize scale_at, qsum_at;

    return quant_bytes(max_rows, max_in, &scale_at, &qsum_at) +
           (gsize)n_threads * panel_area_bytes(max_in);
}

/* -- activations ------------------------------------------------------------------------------- */

#define QUANT_TASK_ROWS 8

static void quantise_rows(void *ctx, int task, int worker)
{
    const job *j = ctx;

    for (int r = task * QUANT_TASK_ROWS; r < MIN((task + 1) * QUANT_TASK_ROWS, j->rows); r++)
        j->k->quant_q8(j->x + (gsize)r * j->x_stride, j->q + (gsize)r * j->n_in,
                       j->scale + (gsize)r * (j->n_in / LW_QK), j->n_in);
}

/* The same into the tiles that integer panels read. */
static void quantise_tiles(void *ctx, int task, int worker)
{
    const job *j = ctx;
    gsize n_blocks = (gsize)j->n_in / LW_QK;
    /* One row at a time in the worker's panel area (128 bytes per column and more). */
    char *area = j->panels + (gsize)worker * j->area_bytes;
    float *scale = (float *)(void *)area;
    int32_t *qsum = (int32_t *)scale + n_blocks;
    int8_t *q = (int8_t *)(qsum + n_blocks);

    for (int r = task * QUANT_TASK_ROWS; r < MIN((task + 1) * QUANT_TASK_ROWS, j->rows); r++) {
        gsize at = (gsize)(r / LW_TILE_ROWS) * n_blocks * LW_TILE_ROWS + r % LW_TILE_ROWS;
        j->k->quant_q8(j->x + (gsize)r * j->x_stride, q, scale, j->n_in);
        j->k->qsum_q8(q, qsum, j->n_in);
        for (gsize b = 0; b < n_blocks; b++, at += LW_TILE_ROWS) {
            memcpy(j->q + at * LW_QK, q + b * LW_QK, LW_QK);
            j->scale[at] = scale[b];
            j->qsum[at] = qsum[b];
        }
    }
}

/* -- few rows: straight from the file ---------------------------------------------------------- */

static void matvec_rows(const job *j, const lw_weight *w, int row, int n, int i, float *y)
{
    const char *rows = (const char *)w->data + (gsize)row * w->row_bytes;
    const float *x = j->x + (gsize)i * j->x_stride;
    const int8_t *q = j->q + (gsize)i * j->n_in;
    const float *scale = j->scale + (gsize)i * (j->n_in / LW_QK);

    switch (w->type) {
    case LW_TYPE_F32:
        j->k->matvec_f32(rows, w->row_bytes, n, j->n_in, x, y);
        break;
    case LW_TYPE_F16:
        j->k->matvec_f16(rows, w->row_bytes, n, j->n_in, x, y);
        break;
    case LW_TYPE_BF16:
        j->k->matvec_bf16(rows, w->row_bytes, n, j->n_in, x, y);
        break;
    case LW_TYPE_Q8_0:
        j->k->matvec_q8_0(rows, w->row_bytes, n, j->n_in, q, scale, y);
        break;
    case LW_TYPE_Q4_0:
        j->k->matvec_q4_0(rows, w->row_bytes, n, j->n_in, q, scale, y);
        break;
    default:
        g_assert_not_reached(); /* lw_linear() checked the types */
    }
    if (w->bias != NULL)
        j->k->add(y, w->bias + row, n);
}

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

    for (int i = 0; i < j->rows; i++)
        matvec_rows(j, w, row, n, i, j->y[iw] + (gsize)i * j->y_stride[iw] + row);
}

/* -- many rows: panels ------------------------------------------------------------------------- */

static void pack(const job *j, const lw_weight *w, int row, int n, void *panel, float *scale)
{
    const char *rows = (const char *)w->data + (gsize)row * w->row_bytes;

    switch (w->type) {
    case LW_TYPE_F32:
        j->k->pack_f32(rows, w->row_bytes, n, j->n_in, panel);
        break;
    case LW_TYPE_F16:
        j->k->pack_f16(rows, w->row_bytes, n, j->n_in, panel);
        break;
    case LW_TYPE_BF16:
        j->k->pack_bf16(rows, w->row_bytes, n, j->n_in, panel);
        break;
    case LW_TYPE_Q8_0:
        j->k->pack_q8_0(rows, w->row_bytes, n, j->n_in, panel, scale);
        break;
    case LW_TYPE_Q4_0:
        j->k->pack_q4_0(rows, w->row_bytes, n, j->n_in, panel, scale);
        break;
    default:
        g_assert_not_reached();
    }
}

static int panel_rows(const lw_weight *w)
{
    return is_int_type(w->type) ? LW_PANEL_I8_ROWS : LW_PANEL_F32_ROWS;
}

static int n_panels(const lw_weight *w)
{
    return (w->n_out + panel_rows(w) - 1) / panel_rows(w);
}

static gsize panel_bytes(const job *j, const lw_weight *w)
{
    if (is_int_type(w->type))
        return LW_PANEL_I8_BYTES(j->n_in) + LW_PANEL_I8_SCALES(j->n_in) * sizeof(float);
    return LW_PANEL_F32_FLOATS(j->n_in) * sizeof(float);
}

/* All panels at p times activation rows i .. end. */
static void multiply(const job *j, int iw, int row0, int n_rows, const char *p, int i, int end)
{
    const lw_weight *w = j->w[iw];
    gboolean is_int = is_int_type(w->type);
    gsize one = panel_bytes(j, w), n_blocks = (gsize)j->n_in / LW_QK;
    int width = panel_rows(w);

    for (int c = 0; c < n_rows; c += width, p += one) {
        float bias[LW_PANEL_F32_ROWS] = {0};
        lw_panel_mul mul = {
            .panel = p,
            .k = j->n_in,
            .rows = end - i,
            .cols = MIN(n_rows - c, width),
            .y = j->y[iw] + (gsize)i * j->y_stride[iw] + row0 + c,
            .y_stride = j->y_stride[iw],
        };
        if (w->bias != NULL) {
            memcpy(bias, w->bias + row0 + c, (gsize)mul.cols * sizeof(float));
            mul.bias = bias;
        }
        if (is_int) {
            mul.panel_scale = (const float *)(const void *)(p + LW_PANEL_I8_BYTES(j->n_in));
            mul.q = j->q + (gsize)i * j->n_in;
            mul.scale = j->scale + (gsize)i * n_blocks;
            mul.qsum = j->qsum + (gsize)i * n_blocks;
            j->k->panel_i8(&mul);
        } else {
            mul.x = j->x + (gsize)i * j->x_stride;
            mul.x_stride = j->x_stride;
            j->k->panel_f32(&mul);
        }
    }
}

static void panel_task(void *ctx, int task, int worker)
{
    const job *j = ctx;
    int part = task % j->row_parts;
    int iw = weight_of_task(j, task / j->row_parts);
    const lw_weight *w = j->w[iw];
    int width = panel_rows(w);
    int row0 = (task / j->row_parts - j->first[iw]) * j->group[iw] * width;
    int n_rows = MIN(j->group[iw] * width, w->n_out - row0);
    char *area = j->panels + (gsize)worker * j->area_bytes, *p = area;

    for (int c = 0; c < n_rows; c += width, p += panel_bytes(j, w))
        pack(j, w, row0 + c, MIN(n_rows - c, width), p,
             (float *)(void *)(p + LW_PANEL_I8_BYTES(j->n_in)));

    int end = MIN((part + 1) * j->rows_per_part, j->rows);
    gsize row_bytes = (gsize)j->n_in * (is_int_type(w->type) ? 1 : sizeof(float));
    int step = (int)CLAMP(ROW_BLOCK_BYTES / row_bytes, ROW_STEP, 1024) / ROW_STEP * ROW_STEP;
    for (int i = part * j->rows_per_part; i < end; i += step)
        multiply(j, iw, row0, n_rows, area, i, MIN(i + step, end));
}

/* -- the cut ----------------------------------------------------------------------------------- */

static int cut_matvec(job *j)
{
    for (int i = 0; i < j->n_w; i++) {
        const lw_weight *w = j->w[i];
        j->group[i] = (int)CLAMP(MATVEC_TASK_BYTES / w->row_bytes / 8 * 8, 8, 512);
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
        all += n_panels(j->w[i]);
    for (int i = 0; i < j->n_w; i++) {
        int panels = n_panels(j->w[i]);
        gint64 fits = (gint64)(j->area_bytes / panel_bytes(j, j->w[i]));
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
    gsize scale_at, qsum_at;
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
        gboolean is_int = is_int_type(w[i]->type);
        g_return_val_if_fail(is_int || w[i]->type == LW_TYPE_F32 || w[i]->type == LW_TYPE_F16 ||
                                 w[i]->type == LW_TYPE_BF16,
                             FALSE);
        g_return_val_if_fail(!is_int || j.n_in % LW_QK == 0, FALSE);
        j.any_int |= is_int;
    }

    char *s = scratch;
    gsize quant = quant_bytes(rows, j.n_in, &scale_at, &qsum_at);
    j.q = (int8_t *)s;
    j.scale = (float *)(void *)(s + scale_at);
    j.qsum = (int32_t *)(void *)(s + qsum_at);
    j.panels = s + quant;
    j.area_bytes = panel_area_bytes(j.n_in);

    if (j.any_int) {
        int n = (rows + QUANT_TASK_ROWS - 1) / QUANT_TASK_ROWS;
        if (!lw_pool_run(pool, n, rows <= MATVEC_ROWS ? quantise_rows : quantise_tiles, &j, cancel))
            return FALSE;
    }
    if (rows <= MATVEC_ROWS)
        return lw_pool_run(pool, cut_matvec(&j), matvec_task, &j, cancel);
    return lw_pool_run(pool, cut_panels(&j, n_threads), panel_task, &j, cancel);
}
