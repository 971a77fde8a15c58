/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every version, the reference too, against sums in double of the dequantised values.  The bound is
 * relative to the sum of magnitudes: what rounding can do, whatever cancels.
 */
#include "tests/kernels/check.h"

#include "engine/gguf/gguf.h"

#define BOUND 2e-6

static void check_dots(const char *what, const float *got, guint type, const void *w,
                       gsize row_bytes, int n_rows, int k, const float *x)
{
    g_autofree float *row = g_new(float, k), *part = g_new(float, k);

    for (int r = 0; r < n_rows; r++) {
        double sum = 0, size = 0;
        check_row_f32(type, (const char *)w + r * row_bytes, k, row);
        check_row_size(type, (const char *)w + r * row_bytes, k, part);
        for (int i = 0; i < k; i++) {
            sum += (double)row[i] * x[i];
            size += fabs((double)part[i] * x[i]);
        }
        if (!(fabs(got[r] - sum) <= BOUND * size + 1e-37))
            g_error("%s: %s, row %d of %d, k %d: %.9g, not %.9g +- %.2g", what,
                    lw_type_get_info(type)->name, r, n_rows, k, got[r], sum, BOUND * size);
    }
}

static void float_case(guint type, void (*f)(const void *, gsize, int, int, const float *, float *))
{
    static const int ks[] = {1, 5, 16, 31, 64, 100, 255, 896, 1000},
                     rows[] = {1, 2, 3, 4, 7, 16, 33};

    for (guint i = 0; i < G_N_ELEMENTS(ks); i++) {
        for (guint j = 0; j < G_N_ELEMENTS(rows); j++) {
            gsize row_bytes;
            void *w = check_weights(type, rows[j], ks[i], &row_bytes);
            float *x = check_alloc(ks[i] * 4, 4), *y = check_alloc(rows[j] * 4, 4);
            check_fill_f32(x, ks[i], j % 2 ? FILL_SPIKES : FILL_NORMAL);
            f(w, row_bytes, rows[j], ks[i], x, y);
            check_dots("matvec", y, type, w, row_bytes, rows[j], ks[i], x);
            check_free(w);
            check_free(x);
            check_free(y);
        }
    }
}

static void int_case(guint type,
                     void (*f)(const void *, gsize, int, int, const lw_quant_row *, float *))
{
    static const int blocks[] = {1, 2, 3, 15, 16, 17, 28, 31, 33, 152}, rows[] = {1, 2, 5, 8, 17};
    int elems = (int)lw_type_get_info(type)->block_elems;

    for (guint i = 0; i < G_N_ELEMENTS(blocks); i++) {
        for (guint j = 0; j < G_N_ELEMENTS(rows); j++) {
            int k = elems == 32 ? blocks[i] * 32 : (blocks[i] + 3) / 4 * elems;
            gsize row_bytes;
            void *w = check_weights(type, rows[j], k, &row_bytes);
            float *x = check_alloc(k * 4, 4), *y = check_alloc(rows[j] * 4, 4);
            check_fill_f32(x, k, j % 2 ? FILL_SPIKES : FILL_NORMAL);
            if (j == 2) /* the largest integers: all +-127 */
                for (int c = 0; c < k; c++)
                    x[c] = i % 2 || check_random() & 1 ? 1 : -1;
            check_quant a = check_quantise(x, k);
            lw_quant_row q = {a.q, a.scale, a.sum32, a.sum16};
            f(w, row_bytes, rows[j], k, &q, y);
            check_quant_values(&a, x);
            check_dots("matvec", y, type, w, row_bytes, rows[j], k, x);

            /* Any bytes are a legal block; nothing but the result may suffer. */
            memset(w, 0xff, row_bytes); /* scales that are NaN; MXFP4's overflow */
            f(w, row_bytes, rows[j], k, &q, y);
            g_assert_true(type == LW_TYPE_MXFP4 || isnan(y[0]));
            a.scale[k / 32 - 1] = NAN; /* a broken activation shows */
            f(w, row_bytes, rows[j], k, &q, y);
            for (int r = 0; r < rows[j]; r++)
                g_assert_true(isnan(y[r]));
            check_free(w);
            check_free(x);
            check_free(y);
            check_quant_free(&a);
        }
    }
}

void test_matvec_f32(const lw_kernels *ref, const lw_kernels *k)
{
    float_case(LW_TYPE_F32, k->matvec_f32);
}

void test_matvec_f16(const lw_kernels *ref, const lw_kernels *k)
{
    float_case(LW_TYPE_F16, k->matvec_f16);
}

void test_matvec_bf16(const lw_kernels *ref, const lw_kernels *k)
{
    float_case(LW_TYPE_BF16, k->matvec_bf16);
}

#define TEST(X, name, NAME, ...)                                                                   \
    void test_matvec_##name(const lw_kernels *ref, const lw_kernels *k)                            \
    {                                                                                              \
        int_case(LW_TYPE_##NAME, k->matvec_##name);                                                \
    }
LW_BLOCK_TYPES(TEST, )
