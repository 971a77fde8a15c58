/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lw_linear(): every type, few and many rows, odd sizes, several weights at once; the same bits for
 * every number of threads.
 */
#include "tests/kernels/check.h"

#include "engine/gguf/gguf.h"
#include "engine/kernels/linear.h"
#include "engine/kernels/weight.h"

void test_linear(const lw_kernels *k);
void test_linear_cancel(const lw_kernels *k);

#define NUMBER(X, name, NAME, ...) LW_TYPE_##NAME,
static const guint types[] = {LW_TYPE_F32, LW_TYPE_F16, LW_TYPE_BF16, LW_BLOCK_TYPES(NUMBER, )};
static const int thread_counts[] = {1, 2, 4};
#define N_W 3

typedef struct {
    lw_weight w[N_W];
    void *data[N_W];
    float bias[N_W][300];
} weights;

static void make_weights(weights *s, guint type, int n_in)
{
    static const int n_outs[N_W] = {199, 33, 16};

    for (int i = 0; i < N_W; i++) {
        /* One call may mix types, as files do. */
        guint t = i == 1 && type == LW_TYPE_Q8_0   ? LW_TYPE_F16
                  : i == 1 && type == LW_TYPE_Q4_K ? LW_TYPE_Q6_K
                                                   : type;
        gsize row_bytes;
        s->data[i] = check_weights(t, n_outs[i], n_in, &row_bytes);
        check_fill_f32(s->bias[i], n_outs[i], FILL_NORMAL);
        s->w[i] = (lw_weight){.type = t,
                              .n_in = n_in,
                              .n_out = n_outs[i],
                              .data = s->data[i],
                              .row_bytes = row_bytes,
                              .bias = i == 1 ? NULL : s->bias[i]};
    }
}

/* Element by element in double, from activations as the type sees them. */
static void compare(const lw_weight *w, const float *x, gsize x_stride, int rows, const float *y,
                    gsize y_stride)
{
    gboolean is_int = lw_weight_type_get(w->type)->is_int;
    g_autofree float *all = g_new(float, (gsize)w->n_out * w->n_in), *xr = g_new(float, w->n_in);
    g_autofree float *parts = g_new(float, (gsize)w->n_out * w->n_in);

    for (int c = 0; c < w->n_out; c++) {
        const char *row = (const char *)w->data + c * w->row_bytes;
        check_row_f32(w->type, row, w->n_in, all + (gsize)c * w->n_in);
        check_row_size(w->type, row, w->n_in, parts + (gsize)c * w->n_in);
    }
    for (int r = 0; r < rows; r++) {
        memcpy(xr, x + r * x_stride, w->n_in * sizeof(float));
        if (is_int) {
            check_quant a = check_quantise(xr, w->n_in);
            check_quant_values(&a, xr);
            check_quant_free(&a);
        }
        for (int c = 0; c < w->n_out; c++) {
            double sum = w->bias ? w->bias[c] : 0, size = fabs(sum);
            for (int i = 0; i < w->n_in; i++) {
                sum += (double)all[(gsize)c * w->n_in + i] * xr[i];
                size += fabs((double)parts[(gsize)c * w->n_in + i] * xr[i]);
            }
            if (!(fabs(y[r * y_stride + c] - sum) <= 4e-6 * size + 1e-37))
                g_error("linear %s, %d rows of %d to %d: element %d, %d is %.9g, not %.9g",
                        lw_type_get_info(w->type)->name, rows, w->n_in, w->n_out, r, c,
                        y[r * y_stride + c], sum);
        }
    }
}

static void one_case(const lw_kernels *k, lw_pool **pools, guint type, int n_in, int rows)
{
    gsize x_stride = n_in + 3, y_stride[N_W];
    float *x = check_alloc(rows * x_stride * 4, 4), *y[N_W], *first[N_W];
    weights s;
    const lw_weight *w[N_W];

    make_weights(&s, type, n_in);
    check_fill_f32(x, rows * x_stride, rows % 2 ? FILL_SPIKES : FILL_NORMAL);
    for (guint t = 0; t < G_N_ELEMENTS(thread_counts); t++) {
        gsize n_scratch = lw_linear_scratch_bytes(rows, n_in, thread_counts[t]);
        void *scratch = memset(check_alloc(n_scratch, 0), 0xff, n_scratch);
        for (int i = 0; i < N_W; i++) {
            w[i] = &s.w[i];
            y_stride[i] = w[i]->n_out + i;
            y[i] = check_alloc(rows * y_stride[i] * 4, 4);
        }
        g_assert_true(
            lw_linear(pools[t], k, w, N_W, x, x_stride, rows, y, y_stride, scratch, NULL));
        for (int i = 0; i < N_W; i++) {
            if (t == 0) {
                compare(w[i], x, x_stride, rows, y[i], y_stride[i]);
                first[i] = y[i];
            } else {
                g_assert_cmpmem(y[i], rows * y_stride[i] * 4, first[i], rows * y_stride[i] * 4);
                check_free(y[i]);
            }
        }
        check_free(scratch);
    }
    for (int i = 0; i < N_W; i++) {
        check_free(first[i]);
        check_free(s.data[i]);
    }
    check_free(x);
}

void test_linear(const lw_kernels *k)
{
    static const int rows[] = {1, 2, 3, 5, 8, 17, 64, 200}, widths[] = {32, 96, 224};
    lw_pool *pools[G_N_ELEMENTS(thread_counts)];

    for (guint t = 0; t < G_N_ELEMENTS(thread_counts); t++)
        pools[t] = lw_pool_new(thread_counts[t]);
    for (guint t = 0; t < G_N_ELEMENTS(types); t++)
        for (guint i = 0; i < G_N_ELEMENTS(widths); i++)
            for (guint r = 0; r < G_N_ELEMENTS(rows); r++)
                if (rows[r] < 64 || i == 1)
                    one_case(k, pools, types[t],
                             lw_type_get_info(types[t])->block_elems == 256 ? (int)i * 256 + 256
                                                                            : widths[i],
                             rows[r]);
    one_case(k, pools, LW_TYPE_F32, 37, 9); /* float rows need no whole blocks */
    one_case(k, pools, LW_TYPE_F16, 1, 1);
    for (guint t = 0; t < G_N_ELEMENTS(thread_counts); t++)
        lw_pool_free(pools[t]);
}

void test_linear_cancel(const lw_kernels *k)
{
    gsize row_bytes, y_stride = 64;
    void *data = check_weights(LW_TYPE_Q8_0, 64, 64, &row_bytes);
    lw_weight w = {
        .type = LW_TYPE_Q8_0, .n_in = 64, .n_out = 64, .data = data, .row_bytes = row_bytes};
    const lw_weight *ws = &w;
    float *x = check_alloc(10 * 64 * 4, 0), *y = check_alloc(10 * 64 * 4, 0);
    void *scratch = check_alloc(lw_linear_scratch_bytes(10, 64, 2), 0);
    lw_pool *pool = lw_pool_new(2);
    gint cancel = 1;

    g_assert_false(lw_linear(pool, k, &ws, 1, x, 64, 10, &y, &y_stride, scratch, &cancel));
    cancel = 0;
    g_assert_true(lw_linear(pool, k, &ws, 1, x, 64, 10, &y, &y_stride, scratch, &cancel));
    lw_pool_free(pool);
    check_free(data);
    check_free(x);
    check_free(y);
    check_free(scratch);
}
