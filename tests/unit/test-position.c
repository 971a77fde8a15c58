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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/position/ids", test_ids);
    g_test_add_func("/position/tables", test_tables);
    g_test_add_func("/position/windows", test_windows);
    return g_test_run();
}
