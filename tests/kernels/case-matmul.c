/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Panels: packing is exact, byte for byte in the rows that exist; products as in case-matvec.c.
 */
#include "tests/kernels/check.h"

#include "engine/gguf/gguf.h"

typedef void (*pack_fn)(const void *, gsize, int, int, uint8_t *, float *, float *);

static void pack_int(guint type, int elems, int group, gboolean minima, pack_fn ref, pack_fn f)
{
    static const int blocks[] = {1, 2, 5, 28};

    for (guint i = 0; i < G_N_ELEMENTS(blocks); i++) {
        for (int n_rows = 1; n_rows <= LW_PANEL_I8_ROWS; n_rows++) {
            int k = elems == 32 ? blocks[i] * elems : (blocks[i] + 8) / 9 * elems;
            gsize row_bytes, n_scales = LW_PANEL_I8_SCALES(k, group);
            void *w = check_weights(type, n_rows, k, &row_bytes);
            uint8_t *got = check_alloc(LW_PANEL_I8_BYTES(k), 0),
                    *want = check_alloc(LW_PANEL_I8_BYTES(k), 0);
            float *sgot = check_alloc(n_scales * 4, 0), *swant = check_alloc(n_scales * 4, 0);
            float *mgot = minima ? check_alloc(n_scales * 4, 0) : NULL;
            float *mwant = minima ? check_alloc(n_scales * 4, 0) : NULL;
            ref(w, row_bytes, n_rows, k, want, swant, mwant);
            f(w, row_bytes, n_rows, k, got, sgot, mgot);
            for (int g = 0; g < k / group; g++) {
                check_equal_f32("panel scales", sgot + g * 16, swant + g * 16, n_rows);
                if (minima)
                    check_equal_f32("panel minima", mgot + g * 16, mwant + g * 16, n_rows);
            }
            for (int g = 0; g < k / 4; g++)
                g_assert_cmpmem(got + g * 64, n_rows * 4, want + g * 64, n_rows * 4);
            check_free(w);
            check_free(got);
            check_free(want);
            check_free(sgot);
            check_free(swant);
            if (minima) {
                check_free(mgot);
                check_free(mwant);
            }
        }
    }
}

#define TEST(X, name, NAME, elems, group, minima)                                                  \
    void test_pack_##name(const lw_kernels *ref, const lw_kernels *k)                              \
    {                                                                                              \
        pack_int(LW_TYPE_##NAME, elems, group, minima, ref->pack_##name, k->pack_##name);          \
    }
LW_BLOCK_TYPES(TEST, )

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

/* One activation row of the test into its place in the tiles. */
static void place(const check_quant *a, int r, int group, int8_t *q, float *scale, int32_t *start,
                  float *sum)
{
    gsize blocks = a->n / LW_QK, groups = a->n / group;

    for (gsize b = 0; b < blocks; b++) {
        gsize at = ((gsize)(r / 16) * blocks + b) * 16 + r % 16;
        memcpy(q + at * 32, a->q + b * 32, 32);
        scale[at] = a->scale[b];
    }
    for (gsize g = 0; g < groups; g++) {
        gsize at = ((gsize)(r / 16) * groups + g) * 16 + r % 16;
        start[at] = 0;
        for (int i = 0; i < group; i++)
            start[at] -= 128 * a->q[g * group + i];
        sum[at] = group == 16 ? a->sum16[g] : a->sum32[g];
    }
}

static void panel_int(int group, gboolean minima, void (*f)(const lw_panel_mul *))
{
    for (int rows = 1; rows <= 51; rows += rows < 34 ? 1 : 17) {
        int cols = rows % 3 == 0 ? 16 : 1 + (int)(check_random() % 16);
        int n = LW_QK * (1 + (int)(check_random() % 12));
        gsize tiles = (rows + LW_TILE_ROWS - 1) / LW_TILE_ROWS,
              n_scales = LW_PANEL_I8_SCALES(n, group);
        gsize n_q = tiles * LW_TILE_ROWS * n, stride = cols + GAP;
        uint8_t *panel = check_alloc(LW_PANEL_I8_BYTES(n), 0);
        float *wscale = check_alloc(n_scales * 4, 0), *wmin = check_alloc(n_scales * 4, 0);
        int8_t *q = check_alloc(n_q, 0);
        float *scale = check_alloc(n_q / 32 * 4, 0), *sum = check_alloc(n_q / group * 4, 0);
        gint32 *start = check_alloc(n_q / group * 4, 0);
        float *x = check_alloc((gsize)rows * n * 4, 0), *y = check_alloc(rows * stride * 4, 4);
        float bias[16];

        for (gsize i = 0; i < LW_PANEL_I8_BYTES(n); i++)
            panel[i] = (uint8_t)(minima ? check_random() % 32 : check_random());
        if (rows % 7 == 0)
            memset(panel, minima ? 31 : rows % 2 ? 0 : 255, LW_PANEL_I8_BYTES(n));
        check_fill_f32(wscale, n_scales, FILL_NORMAL);
        check_fill_f32(wmin, n_scales, FILL_NORMAL);
        check_fill_f32(bias, 16, rows % 4 == 0 ? FILL_ZERO : FILL_NORMAL);
        for (int r = 0; r < rows; r++) {
            float *xr = x + (gsize)r * n;
            check_fill_f32(xr, n, r % 2 ? FILL_SPIKES : FILL_NORMAL);
            if (r % 5 == 0)
                for (int i = 0; i < n; i++)
                    xr[i] = r % 2 ? -1 : 1; /* the largest sums there are */
            check_quant a = check_quantise(xr, n);
            place(&a, r, group, q, scale, start, sum);
            check_quant_values(&a, xr);
            check_quant_free(&a);
        }
        for (gsize i = 0; i < rows * stride; i++)
            y[i] = 12345;
        f(&(lw_panel_mul){
            .panel = panel,
            .panel_scale = wscale,
            .panel_min = minima ? wmin : NULL,
            .k = n,
            .rows = rows,
            .cols = cols,
            .q = q,
            .scale = scale,
            .start = minima ? NULL : start,
            .sum = minima ? sum : NULL,
            .bias = rows % 4 ? bias : NULL,
            .y = y,
            .y_stride = stride,
        });
        for (int r = 0; r < rows; r++) {
            float *yr = y + r * stride;
            for (int c = 0; c < GAP; c++)
                g_assert_cmpfloat(yr[cols + c], ==, 12345);
            for (int c = 0; c < cols; c++) {
                double want = bias[c], size = fabs(want);
                for (int i = 0; i < n; i++) {
                    int code = panel[(gsize)(i / 4) * 64 + c * 4 + i % 4] - (minima ? 0 : 128);
                    double xi = x[(gsize)r * n + i],
                           p = (double)code * wscale[i / group * 16 + c] * xi;
                    double m = minima ? wmin[i / group * 16 + c] * xi : 0;
                    want += p + m;
                    size += fabs(p) + fabs(m);
                }
                if (!(fabs(yr[c] - want) <= 2e-6 * size + 1e-37))
                    g_error("panel_i8_%d%s: row %d of %d, column %d of %d, k %d: %.9g, not %.9g",
                            group, minima ? "_min" : "", r, rows, c, cols, n, yr[c], want);
            }
        }
        check_free(panel);
        check_free(wscale);
        check_free(wmin);
        check_free(q);
        check_free(scale);
        check_free(sum);
        check_free(start);
        check_free(x);
        check_free(y);
    }
}

void test_panel_i8_32(const lw_kernels *ref, const lw_kernels *k)
{
    panel_int(32, FALSE, k->panel_i8_32);
}

void test_panel_i8_16(const lw_kernels *ref, const lw_kernels *k)
{
    panel_int(16, FALSE, k->panel_i8_16);
}

void test_panel_i8_32_min(const lw_kernels *ref, const lw_kernels *k)
{
    panel_int(32, TRUE, k->panel_i8_32_min);
}

void test_panel_i8_16_min(const lw_kernels *ref, const lw_kernels *k)
{
    panel_int(16, TRUE, k->panel_i8_16_min);
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
