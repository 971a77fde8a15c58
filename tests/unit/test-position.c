/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * M-RoPE ids and tables, and the vision tower's window order.
 */
#include "engine/models/vision.h"
#include "engine/position/mrope.h"

#include <math.h>

static void check_ids(const GArray *a, const gint32 *want, gsize n)
{
    g_assert_cmpuint(a->len, ==, n);
    for (gsize i = 0; i < n; i++)
        g_assert_cmpint(g_array_index(a, gint32, i), ==, want[i]);
}

static void test_ids(void)
{
    g_autoptr(GArray) a = g_array_new(FALSE, FALSE, sizeof(gint32));
    gint64 next = 0;

    /* Two words, a picture of 2 x 3 cells, a word: text goes on at the largest id + 1. */
    lw_mrope_text(a, &next, 2);
    lw_mrope_media(a, &next, 1, 2, 3, 0);
    lw_mrope_text(a, &next, 1);
    static const gint32 picture[] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 2, 2, 4,
                                     2, 3, 2, 2, 3, 3, 2, 3, 4, 5, 5, 5};
    check_ids(a, picture, G_N_ELEMENTS(picture));
    g_assert_cmpint(next, ==, 6);

    /* A film of three grids of one cell at 1.5 ids a grid: floor(0, 1.5, 3). */
    g_array_set_size(a, 0);
    next = 10;
    lw_mrope_media(a, &next, 3, 1, 1, 1.5);
    static const gint32 film[] = {10, 10, 10, 11, 10, 10, 13, 10, 10};
    check_ids(a, film, G_N_ELEMENTS(film));
    g_assert_cmpint(next, ==, 14);
}

static void test_tables(void)
{
    static const gint32 sections[3] = {1, 2, 1};
    gint32 pos[3] = {3, 5, 7};
    lw_rope r;
    float c[4], s[4];

    lw_rope_init(&r, 8, 10000.0, sections);
    lw_rope_tables(&r, pos, 1, c, s);
    for (int i = 0; i < 4; i++) {
        double id = i == 0 ? 3 : i < 3 ? 5 : 7, angle = id * pow(10000.0, -2.0 * i / 8);
        g_assert_cmpfloat_with_epsilon(c[i], cos(angle), 1e-7);
        g_assert_cmpfloat_with_epsilon(s[i], sin(angle), 1e-7);
    }
    gint32 rc[2] = {2, 9};
    lw_rope_tables_2d(8, rc, 1, c, s);
    for (int i = 0; i < 4; i++) {
        double angle = rc[i / 2] * pow(10000.0, -2.0 * (i % 2) / 4);
        g_assert_cmpfloat_with_epsilon(c[i], cos(angle), 1e-7);
        g_assert_cmpfloat_with_epsilon(s[i], sin(angle), 1e-7);
    }
}

static void test_windows(void)
{
    gint32 order[30], bounds[31];

    /* 3 x 5 cells in windows of 2: clipped right and below. */
    g_assert_cmpint(lw_window_order(3, 5, 2, order, bounds), ==, 6);
    static const gint32 want[] = {0, 1, 5, 6, 2, 3, 7, 8, 4, 9, 10, 11, 12, 13, 14};
    static const gint32 ends[] = {0, 4, 8, 10, 12, 14, 15};
    for (guint i = 0; i < G_N_ELEMENTS(want); i++)
        g_assert_cmpint(order[i], ==, want[i]);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
        g_assert_cmpint(bounds[i], ==, ends[i]);
    g_assert_cmpint(lw_window_order(1, 1, 4, order, bounds), ==, 1);
}

/* Qwen3-VL's real sections: t, h, w in turn while h and w have pairs left; the last ones are t's. */
static void test_interleaved(void)
{
    static const gint32 sections[3] = {24, 20, 20}, pos[3] = {1000, 200, 30};
    float c[64], s[64];
    lw_rope r;
    int n[3] = {0};

    lw_rope_init(&r, 128, 5e6, sections);
    lw_rope_interleave(&r, sections);
    for (int i = 0; i < 64; i++) {
        g_assert_cmpint(r.axis[i], ==, i < 60 ? i % 3 : 0);
        n[r.axis[i]]++;
    }
    for (int axis = 0; axis < 3; axis++)
        g_assert_cmpint(n[axis], ==, sections[axis]);
    lw_rope_tables(&r, pos, 1, c, s);
    for (int i = 0; i < 64; i++) {
        double a = pos[i < 60 ? i % 3 : 0] * pow(5e6, -2.0 * i / 128);
        g_assert_cmpfloat_with_epsilon(c[i], cos(a), 1e-7);
        g_assert_cmpfloat_with_epsilon(s[i], sin(a), 1e-7);
    }
    g_assert_cmpfloat(s[61], >, 0);
}

static void test_table_of_corners(void)
{
    /* 3 x 5 patches over 4 x 4 positions: corners on corners, shares that add up to 1. */
    gint32 rc[2 * 15], at[4 * 15];
    float share[4 * 15];

    for (int i = 0; i < 15; i++) {
        rc[2 * i] = i / 5;
        rc[2 * i + 1] = i % 5;
    }
    lw_vision_stretch_table(4, 3, 5, rc, 15, at, share);
    static const struct {
        int patch;
        gint32 at;
    } corners[] = {{0, 0}, {4, 3}, {10, 12}, {14, 15}};
    for (guint k = 0; k < G_N_ELEMENTS(corners); k++) {
        g_assert_cmpint(at[4 * corners[k].patch], ==, corners[k].at);
        g_assert_cmpfloat(share[4 * corners[k].patch], ==, 1);
    }
    for (int i = 0; i < 15; i++) {
        double y = 0, x = 0, sum = 0;
        for (int k = 0; k < 4; k++) {
            g_assert_cmpint(at[4 * i + k], >=, 0);
            g_assert_cmpint(at[4 * i + k], <, 16);
            sum += (double)share[4 * i + k];
            y += (double)share[4 * i + k] * (at[4 * i + k] / 4);
            x += (double)share[4 * i + k] * (at[4 * i + k] % 4);
        }
        g_assert_cmpfloat_with_epsilon(sum, 1, 1e-6);
        g_assert_cmpfloat_with_epsilon(y, 3.0 / 2 * (i / 5), 1e-6);
        g_assert_cmpfloat_with_epsilon(x, 3.0 / 4 * (i % 5), 1e-6);
    }
    /* One patch: the first position alone. */
    lw_vision_stretch_table(48, 1, 1, rc, 1, at, share);
    g_assert_cmpint(at[0], ==, 0);
    g_assert_cmpfloat(share[0], ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/position/ids", test_ids);
    g_test_add_func("/position/tables", test_tables);
    g_test_add_func("/position/windows", test_windows);
    g_test_add_func("/position/interleaved", test_interleaved);
    g_test_add_func("/position/table-of-corners", test_table_of_corners);
    return g_test_run();
}
