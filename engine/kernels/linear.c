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
#define MATVEC_ROWS 3

/* Weight bytes of one matvec task: long enough to stream, short enough to share out evenly. */
#define MATVEC_TASK_BYTES (48 * 1024)

/* Per thread: unpacked panels that are multiplied with one block of activation rows in turn, and the
 * bytes of such a block.  Both together stay in a 1 MiB second-level cache. */
#define PANEL_BYTES (256 * 1024)
#define ROW_BLOCK_BYTES (384 * 1024)

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
    /* A float panel is the largest: an integer one with its scales takes 18 bytes per column. */
    return align64(MAX(LW_PANEL_F32_FLOATS(n_in) * sizeof(float), PANEL_BYTES));
}

static gsize quant_bytes(int rows, int n_in, gsize *scale_at, gsize *qsum_at)
{
    gsize n_blocks = ((gsize)n_in + LW_QK - 1) / LW_QK;

    *scale_at = align64((gsize)rows * n_blocks * LW_QK);
    *qsum_at = *scale_at + align64((gsize)rows * n_blocks * sizeof(float));
    return *qsum_at + align64((gsize)rows * n_blocks * sizeof(int32_t));
}

gsize lw_linear_scratch_bytes(int max_rows, int max_in, int n_threads)
{
    gsize scale_at, qsum_at;

    return quant_bytes(max_rows, max_in, &scale_at, &qsum_at) +
           (gsize)n_threads * panel_area_bytes(max_in);
}

/* -- activations ------------------------------------------------------------------------------ */

#define QUANT_TASK_ROWS 8

static void quantise_rows(void *ctx, int task, int worker)
{
    const job *j = ctx;
    gsize n_blocks = (gsize)j->n_in / LW_QK;

    for (int r = task * QUANT_TASK_ROWS; r < MIN((task + 1) * QUANT_TASK_ROWS, j->rows); r++) {
        int8_t *q = j->q + (gsize)r * j->n_in;
        j->k->quant_q8(j->x + (gsize)r * j->x_stride, q, j->scale + r * n_blocks, j->n_in);
        j->k->qsum_q8(q, j->qsum + r * n_blocks, j->n_in);
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

static gsize panel_bytes(const job *j, const lw_weight *w)
{
    if (is_int_type(w->type))
        return LW_PANEL_I8_BYTES(j->n_in) + LW_PANEL_I8_SCALES(j->n_in) * sizeof(float);
    return LW_PANEL_F32_FLOATS(j->n_in) * sizeof(float);
}

static void panel_task(void *ctx, int task, int worker)
{
    const job *j = ctx;
    int part = task % j->row_parts;
    int iw = weight_of_task(j, task / j->row_parts);
    const lw_weight *w = j->w[iw];
    gboolean is_int = is_int_type(w->type);
    int panel0 = (task / j->row_parts - j->first[iw]) * j->group[iw];
    int row0 = panel0 * LW_PANEL_ROWS;
    int n_rows = MIN(j->group[iw] * LW_PANEL_ROWS, w->n_out - row0);
    char *area = j->panels + (gsize)worker * j->area_bytes;
    gsize one = panel_bytes(j, w), data = is_int ? LW_PANEL_I8_BYTES(j->n_in) : one;

    for (int c = 0; c < n_rows; c += LW_PANEL_ROWS) {
        char *p = area + c / LW_PANEL_ROWS * one;
        pack(j, w, row0 + c, MIN(n_rows - c, LW_PANEL_ROWS), p, (float *)(void *)(p + data));
    }

    int end = MIN((part + 1) * j->rows_per_part, j->rows);
    gsize row_bytes = (gsize)j->n_in * (is_int ? 1 : sizeof(float));
    int step = (int)CLAMP(ROW_BLOCK_BYTES / row_bytes, 24, 1024) / 24 * 24;
    for (int i = part * j->rows_per_part; i < end; i += step) {
        for (int c = 0; c < n_rows; c += LW_PANEL_ROWS) {
            const char *p = area + c / LW_PANEL_ROWS * one;
            gsize n_blocks = (gsize)j->n_in / LW_QK;
            float bias[LW_PANEL_ROWS] = {0};
            lw_panel_mul mul = {
                .panel = p,
                .panel_scale = (const float *)(const void *)(p + data),
                .k = j->n_in,
                .rows = MIN(step, end - i),
                .cols = MIN(n_rows - c, LW_PANEL_ROWS),
                .x = j->x + (gsize)i * j->x_stride,
                .x_stride = j->x_stride,
                .q = j->q + (gsize)i * j->n_in,
                .scale = j->scale + i * n_blocks,
                .qsum = j->qsum + i * n_blocks,
                .y = j->y[iw] + (gsize)i * j->y_stride[iw] + row0 + c,
                .y_stride = j->y_stride[iw],
            };
            if (w->bias != NULL) {
                memcpy(bias, w->bias + row0 + c, mul.cols * sizeof(float));
                mul.bias = bias;
            }
            if (is_int)
                j->k->panel_i8(&mul);
            else
                j->k->panel_f32(&mul);
        }
    }
}

/* -- the cut ------------------------------------------------------------------------------------ */

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
    gint64 n_panels = 0;

    for (int i = 0; i < j->n_w; i++)
        n_panels += (j->w[i]->n_out + LW_PANEL_ROWS - 1) / LW_PANEL_ROWS;
    for (int i = 0; i < j->n_w; i++) {
        int panels = (j->w[i]->n_out + LW_PANEL_ROWS - 1) / LW_PANEL_ROWS;
        gint64 fits = (gint64)(j->area_bytes / panel_bytes(j, j->w[i]));
        j->group[i] = (int)CLAMP(MIN(fits, n_panels / want), 1, panels);
        j->first[i + 1] = j->first[i] + (panels + j->group[i] - 1) / j->group[i];
    }
    /* Too few panels for many threads: cut the rows too, and pay for unpacking a panel twice. */
    int tasks = j->first[j->n_w];
    j->row_parts = CLAMP((want / 2 + tasks - 1) / tasks, 1, MAX(1, j->rows / 64));
    j->rows_per_part = (j->rows + j->row_parts - 1) / j->row_parts;
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
        .k = k, .w = w, .n_w = n_w, .n_in = w[0]->n_in, .rows = rows,
        .x = x, .x_stride = x_stride, .y = y, .y_stride = y_stride,
    };
    for (int i = 0; i < n_w; i++) {
        g_return_val_if_fail(w[i]->n_in == j.n_in && w[i]->n_out >= 1, FALSE);
        gboolean is_int = is_int_type(w[i]->type);
        g_return_val_if_fail(is_int || w[i]->type == LW_TYPE_F32 || w[i]->type == LW_TYPE_F16 ||
                                 w[i]->type == LW_TYPE_BF16, FALSE);
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
        if (!lw_pool_run(pool, n, quantise_rows, &j, cancel))
            return FALSE;
    }
    if (rows <= MATVEC_ROWS)
        return lw_pool_run(pool, cut_matvec(&j), matvec_task, &j, cancel);
    return lw_pool_run(pool, cut_panels(&j, n_threads), panel_task, &j, cancel);
}
