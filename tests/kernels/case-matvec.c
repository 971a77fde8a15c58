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
    g_autofree float *row = g_new(float, k);

    for (int r = 0; r < n_rows; r++) {
        double sum = 0, size = 0;
        check_row_f32(type, (const char *)w + r * row_bytes, k, row);
        for (int i = 0; i < k; i++) {
            sum += (double)row[i] * x[i];
            size += fabs((double)row[i] * x[i]);
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

static void int_case(guint type, const lw_kernels *ref,
                     void (*f)(const void *, gsize, int, int, const int8_t *, const float *,
                               float *))
{
    static const int blocks[] = {1, 2, 3, 15, 16, 17, 28, 31, 33, 152}, rows[] = {1, 2, 5, 8, 17};

    for (guint i = 0; i < G_N_ELEMENTS(blocks); i++) {
        for (guint j = 0; j < G_N_ELEMENTS(rows); j++) {
            int k = blocks[i] * 32;
            gsize row_bytes;
            void *w = check_weights(type, rows[j], k, &row_bytes);
            float *x = check_alloc(k * 4, 4), *y = check_alloc(rows[j] * 4, 4);
            int8_t *q = check_alloc(k, 1);
            float *scale = check_alloc(blocks[i] * 4, 4);
            check_fill_f32(x, k, j % 2 ? FILL_SPIKES : FILL_NORMAL);
            if (j == 2) /* the largest integers: all +-127 */
                for (int c = 0; c < k; c++)
                    x[c] = check_random() & 1 ? 1 : -1;
            ref->quant_q8(x, q, scale, k);
            f(w, row_bytes, rows[j], k, q, scale, y);
            for (int c = 0; c < k; c++)
                x[c] = q[c] * scale[c / 32];
            check_dots("matvec", y, type, w, row_bytes, rows[j], k, x);

            scale[blocks[i] - 1] = NAN; /* a broken activation shows */
            f(w, row_bytes, rows[j], k, q, scale, y);
            for (int r = 0; r < rows[j]; r++)
                g_assert_true(isnan(y[r]));
            check_free(w);
            check_free(x);
            check_free(y);
            check_free(q);
            check_free(scale);
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

void test_matvec_q8_0(const lw_kernels *ref, const lw_kernels *k)
{
    int_case(LW_TYPE_Q8_0, ref, k->matvec_q8_0);
}

void test_matvec_q4_0(const lw_kernels *ref, const lw_kernels *k)
{
    int_case(LW_TYPE_Q4_0, ref, k->matvec_q4_0);
}
