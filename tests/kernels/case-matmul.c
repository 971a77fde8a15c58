/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Panels: packing is exact, byte for byte in the rows that exist; products as in case-matvec.c.
 */
#include "tests/kernels/check.h"

#include "engine/gguf/gguf.h"

static void pack_int(guint type, void (*ref)(const void *, gsize, int, int, uint8_t *, float *),
                     void (*f)(const void *, gsize, int, int, uint8_t *, float *))
{
    static const int blocks[] = {1, 2, 5, 28};

    for (guint i = 0; i < G_N_ELEMENTS(blocks); i++) {
        for (int n_rows = 1; n_rows <= LW_PANEL_I8_ROWS; n_rows++) {
            int k = blocks[i] * LW_QK;
            gsize row_bytes;
            void *w = check_weights(type, n_rows, k, &row_bytes);
            uint8_t *got = check_alloc(LW_PANEL_I8_BYTES(k), 0),
                    *want = check_alloc(LW_PANEL_I8_BYTES(k), 0);
            float *sgot = check_alloc(LW_PANEL_I8_SCALES(k) * 4, 0);
            float *swant = check_alloc(LW_PANEL_I8_SCALES(k) * 4, 0);
            ref(w, row_bytes, n_rows, k, want, swant);
            f(w, row_bytes, n_rows, k, got, sgot);
            for (int b = 0; b < blocks[i]; b++) {
                check_equal_f32("panel scales", sgot + b * 16, swant + b * 16, n_rows);
                for (int g = 0; g < 8; g++)
                    g_assert_cmpmem(got + b * 512 + g * 64, n_rows * 4, want + b * 512 + g * 64,
                                    n_rows * 4);
            }
            check_free(w);
            check_free(got);
            check_free(want);
            check_free(sgot);
            check_free(swant);
        }
    }
}

void test_pack_q8_0(const lw_kernels *ref, const lw_kernels *k)
{
    pack_int(LW_TYPE_Q8_0, ref->pack_q8_0, k->pack_q8_0);
}

void test_pack_q4_0(const lw_kernels *ref, const lw_kernels *k)
{
    pack_int(LW_TYPE_Q4_0, ref->pack_q4_0, k->pack_q4_0);
}

static void pack_float(guint type, void (*f)(const void *, gsize, int, int, float *))
{
    static const int ks[] = {1, 3, 8, 16, 17, 40, 100}, rows[] = {1, 2, 7, 8, 15, 16, 17, 31, 32};

    for (guint i = 0; i < G_N_ELEMENTS(ks); i++) {
        for (guint j = 0; j < G_N_ELEMENTS(rows); j++) {
            int k = ks[i], n = rows[j];
            gsize row_bytes;
            char *w = check_weights(type, n, k, &row_bytes);
            float *panel = check_alloc(LW_PANEL_F32_FLOATS(k) * 4, 0), *row = check_alloc(k * 4, 0);
            f(w, row_bytes, n, k, panel);
            for (int r = 0; r < n; r++) {
                check_row_f32(type, w + r * row_bytes, k, row);
                for (int c = 0; c < k; c++)
                    g_assert_cmpfloat(panel[c * LW_PANEL_F32_ROWS + r], ==, row[c]);
            }
            check_free(w);
            check_free(panel);
            check_free(row);
        }
    }
}

void test_pack_f32(const lw_kernels *ref, const lw_kernels *k)
{
    pack_float(LW_TYPE_F32, k->pack_f32);
}

void test_pack_f16(const lw_kernels *ref, const lw_kernels *k)
{
    pack_float(LW_TYPE_F16, k->pack_f16);
}

void test_pack_bf16(const lw_kernels *ref, const lw_kernels *k)
{
    pack_float(LW_TYPE_BF16, k->pack_bf16);
}

/* Rows of y lie further apart than they are long: what is between must stay. */
#define GAP 3

void test_panel_i8(const lw_kernels *ref, const lw_kernels *k)
{
    for (int rows = 1; rows <= 51; rows += rows < 34 ? 1 : 17) {
        int cols = rows % 3 == 0 ? 16 : 1 + (int)(check_random() % 16);
        int blocks = 1 + (int)(check_random() % 12), n = blocks * LW_QK;
        int tiles = (rows + LW_TILE_ROWS - 1) / LW_TILE_ROWS;
        gsize n_q = (gsize)tiles * LW_TILE_ROWS * n, row_bytes, stride = cols + GAP;
        guint type = rows & 1 ? LW_TYPE_Q8_0 : LW_TYPE_Q4_0;
        char *w = check_weights(type, cols, n, &row_bytes);
        uint8_t *panel = check_alloc(LW_PANEL_I8_BYTES(n), 0);
        float *wscale = check_alloc(LW_PANEL_I8_SCALES(n) * 4, 0);
        int8_t *q = check_alloc(n_q, 0), *row = check_alloc(n, 0);
        float *scale = check_alloc(n_q / 32 * 4, 0), *row_scale = check_alloc(blocks * 4, 0);
        gint32 *qsum = check_alloc(n_q / 32 * 4, 0), *row_sum = check_alloc(blocks * 4, 0);
        float *x = check_alloc((gsize)rows * n * 4, 0), *y = check_alloc(rows * stride * 4, 4);
        float bias[16];

        (type == LW_TYPE_Q8_0 ? ref->pack_q8_0 : ref->pack_q4_0)(w, row_bytes, cols, n, panel,
                                                                 wscale);
        check_fill_f32(bias, 16, rows % 4 == 0 ? FILL_ZERO : FILL_NORMAL);
        for (int r = 0; r < rows; r++) {
            float *xr = x + (gsize)r * n;
            check_fill_f32(xr, n, r % 2 ? FILL_SPIKES : FILL_NORMAL);
            if (r % 5 == 0)
                for (int i = 0; i < n; i++)
                    xr[i] = r % 2 ? -1 : 1; /* the largest sums there are */
            ref->quant_q8(xr, row, row_scale, n);
            ref->qsum_q8(row, row_sum, n);
            for (int i = 0; i < n; i++)
                xr[i] = row[i] * row_scale[i / 32];
            for (int b = 0; b < blocks; b++) {
                gsize at = ((gsize)(r / 16) * blocks + b) * 16 + r % 16;
                memcpy(q + at * 32, row + b * 32, 32);
                scale[at] = row_scale[b];
                qsum[at] = row_sum[b];
            }
        }
        for (gsize i = 0; i < rows * stride; i++)
            y[i] = 12345;
        k->panel_i8(&(lw_panel_mul){
            .panel = panel,
            .panel_scale = wscale,
            .k = n,
            .rows = rows,
            .cols = cols,
            .q = q,
            .scale = scale,
            .qsum = qsum,
            .bias = rows % 4 ? bias : NULL,
            .y = y,
            .y_stride = stride,
        });
        for (int r = 0; r < rows; r++) {
            float *yr = y + r * stride;
            for (int c = 0; c < GAP; c++)
                g_assert_cmpfloat(yr[cols + c], ==, 12345);
            for (int c = 0; c < cols; c++) {
                double sum = bias[c], size = fabs(sum);
                for (int i = 0; i < n; i++) {
                    gsize at = (gsize)(i / 32) * 512 + i % 32 / 4 * 64 + c * 4 + i % 4;
                    double p =
                        (double)(panel[at] - 128) * wscale[i / 32 * 16 + c] * x[(gsize)r * n + i];
                    sum += p;
                    size += fabs(p);
                }
                if (!(fabs(yr[c] - sum) <= 2e-6 * size + 1e-37))
                    g_error("panel_i8: row %d of %d, column %d of %d, k %d: %.9g, not %.9g", r,
                            rows, c, cols, n, yr[c], sum);
            }
        }
        check_free(w);
        check_free(panel);
        check_free(wscale);
        check_free(q);
        check_free(row);
        check_free(scale);
        check_free(row_scale);
        check_free(qsum);
        check_free(row_sum);
        check_free(x);
        check_free(y);
    }
}

void test_panel_f32(const lw_kernels *ref, const lw_kernels *k)
{
    for (int rows = 1; rows <= 40; rows++) {
        int cols = rows % 3 == 0 ? 32 : 1 + (int)(check_random() % 32);
        int n = 1 + (int)(check_random() % 300);
        gsize stride = cols + GAP, x_stride = n + GAP;
        float *panel = check_alloc(LW_PANEL_F32_FLOATS(n) * 4, 0);
        float *x = check_alloc(rows * x_stride * 4, 4), *y = check_alloc(rows * stride * 4, 4);
        float bias[32];

        check_fill_f32(panel, LW_PANEL_F32_FLOATS(n), FILL_NORMAL);
        check_fill_f32(x, rows * x_stride, rows % 2 ? FILL_SPIKES : FILL_NORMAL);
        check_fill_f32(bias, 32, rows % 4 == 0 ? FILL_ZERO : FILL_NORMAL);
        for (gsize i = 0; i < rows * stride; i++)
            y[i] = 12345;
        k->panel_f32(&(lw_panel_mul){
            .panel = panel,
            .k = n,
            .rows = rows,
            .cols = cols,
            .x = x,
            .x_stride = x_stride,
            .bias = rows % 4 ? bias : NULL,
            .y = y,
            .y_stride = stride,
        });
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < GAP; c++)
                g_assert_cmpfloat(y[r * stride + cols + c], ==, 12345);
            for (int c = 0; c < cols; c++) {
                double sum = bias[c], size = fabs(sum);
                for (int i = 0; i < n; i++) {
                    double p = (double)panel[i * 32 + c] * x[r * x_stride + i];
                    sum += p;
                    size += fabs(p);
                }
                if (!(fabs(y[r * stride + c] - sum) <= 4e-6 * size + 1e-37))
                    g_error("panel_f32: row %d of %d, column %d of %d, k %d: %.9g, not %.9g", r,
                            rows, c, cols, n, y[r * stride + c], sum);
            }
        }
        check_free(panel);
        check_free(x);
        check_free(y);
    }
}
