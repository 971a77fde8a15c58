/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/media-fit.h"

#include <string.h>

static void media_free(lw_media *m)
{
    g_free(m);
}

/* A picture of `tokens` merged cells in a row. */
static lw_media *picture(gint64 tokens)
{
    lw_media *m = g_new0(lw_media, 1);

    g_atomic_ref_count_init(&m->refs);
    m->grid_t = 1;
    m->grid_h = 2;
    m->grid_w = (int)tokens * 2;
    m->merge_size = 2;
    m->label = (char *)"holiday.png";
    m->free = media_free;
    return m;
}

/* Opens smaller pictures, but none below `least` tokens. */
typedef struct {
    gint64 least;
    guint n;
} opener;

static lw_media *reopen(void *user, guint index, gint64 max_tokens, GError **error)
{
    opener *o = user;

    o->n++;
    return picture(MAX(max_tokens, o->least));
}

static void test_small_ones_stay(void)
{
    lw_media *m[3] = {picture(10), picture(2000), picture(900)};
    gint64 shrunk[3] = {-1, -1, -1};
    opener o = {4, 0};
    g_autoptr(GError) error = NULL;

    /* 4096 - 496 - 1000: 2600 for all; 10 stays, 900 stays, the large one gets the rest. */
    g_assert_true(lw_media_fit(m, shrunk, 3, 4096, 496, 1000, reopen, &o, &error));
    g_assert_no_error(error);
    g_assert_cmpint(lw_media_n_tokens(m[0]), ==, 10);
    g_assert_cmpint(lw_media_n_tokens(m[2]), ==, 900);
    g_assert_cmpint(lw_media_n_tokens(m[1]), ==, 2600 - 14 - 904 - 4);
    g_assert_cmpint(shrunk[0], ==, 0);
    g_assert_cmpint(shrunk[1], ==, 2000);
    g_assert_cmpint(shrunk[2], ==, 0);
    g_assert_cmpuint(o.n, ==, 1);
    for (int i = 0; i < 3; i++)
        lw_media_unref(m[i]);
}

static void test_no_room(void)
{
    lw_media *m[1] = {picture(2000)};
    gint64 shrunk[1];
    opener o = {64, 0};
    g_autoptr(GError) error = NULL;

    g_assert_false(lw_media_fit(m, shrunk, 1, 1024, 900, 100, reopen, &o, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL);
    g_assert_nonnull(strstr(error->message, "holiday.png"));
    g_assert_nonnull(strstr(error->message, "1024"));
    g_assert_cmpint(lw_media_n_tokens(m[0]), ==, 2000);
    g_clear_error(&error);
    /* Not even a glimpse: nothing is opened again. */
    o.n = 0;
    g_assert_false(lw_media_fit(m, shrunk, 1, 1024, 1000, 100, reopen, &o, &error));
    g_assert_cmpuint(o.n, ==, 0);
    lw_media_unref(m[0]);
}

/* Nothing attached is no reason to fail, however full the context. */
static void test_nothing(void)
{
    g_assert_true(lw_media_fit(NULL, NULL, 0, 100, 200, 50, reopen, NULL, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/media-fit/small-ones-stay", test_small_ones_stay);
    g_test_add_func("/media-fit/no-room", test_no_room);
    g_test_add_func("/media-fit/nothing", test_nothing);
    return g_test_run();
}
