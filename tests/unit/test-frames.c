/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures and films that are painted on demand.
 */
#include "vision/lw-vision.h"

#include <string.h>

static const lw_vision_spec spec = {
    .patch_size = 14,
    .merge_size = 2,
    .temporal_patch_size = 2,
    .min_pixels = 28 * 28,
    .max_pixels = 200 * 200,
    .mean = {0.5f, 0.4f, 0.3f},
    .std = {0.2f, 0.3f, 0.4f},
    .tokens_per_second = 2,
};

typedef struct {
    int width, height;
    int painted[16]; /* how often each frame was */
    int freed;
    gboolean broken;
} painter;

static guint8 pixel(int frame, int i)
{
    return (guint8)(frame * 37 + i * 11);
}

static gboolean paint(void *user, int frame, guint8 *rgb, GError **error)
{
    painter *p = user;

    p->painted[frame]++;
    if (p->broken) {
        g_set_error_literal(error, LW_VIS_ERROR, LW_VIS_ERROR_IO, "no paint left");
        return FALSE;
    }
    for (int i = 0; i < p->width * p->height * 3; i++)
        rgb[i] = pixel(frame, i);
    return TRUE;
}

static void release(void *user)
{
    ((painter *)user)->freed++;
}

static lw_media *open_frames(painter *p, lw_media_kind kind, int n, double fps, GError **error)
{
    lw_vis_frames f = {
        .kind = kind,
        .n_frames = n,
        .width = p->width,
        .height = p->height,
        .fps = fps,
        .hash = {1},
        .paint = paint,
        .free = release,
        .user = p,
    };

    return lw_vis_open_frames(&f, "drawn", &spec, NULL, error);
}

static float *read_grid(lw_media *m, int t)
{
    float *patches = g_new0(float, m->grid_h * m->grid_w * m->patch_dim);
    g_autoptr(GError) error = NULL;

    g_assert_true(m->read_grid(m, t, patches, &error));
    g_assert_no_error(error);
    return patches;
}

/* A picture shows the tower what the same pixels from memory do, resized or not. */
static void test_picture(void)
{
    static const int sides[][2] = {{112, 56}, {300, 250}, {20, 20}};

    for (gsize i = 0; i < G_N_ELEMENTS(sides); i++) {
        painter p = {.width = sides[i][0], .height = sides[i][1]};
        g_autofree guint8 *rgb = g_malloc((gsize)p.width * (gsize)p.height * 3);
        g_autoptr(GError) error = NULL;
        lw_media *m = open_frames(&p, LW_MEDIA_PICTURE, 1, 0, &error), *same;

        g_assert_no_error(error);
        for (int k = 0; k < p.width * p.height * 3; k++)
            rgb[k] = pixel(0, k);
        same = lw_vis_open_rgb(rgb, p.width, p.height, "drawn", &spec, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpint(m->kind, ==, LW_MEDIA_PICTURE);
        g_assert_cmpint(m->grid_t, ==, 1);
        g_assert_cmpint(m->grid_h, ==, same->grid_h);
        g_assert_cmpint(m->grid_w, ==, same->grid_w);
        g_assert_cmpint(p.painted[0], ==, 0); /* nothing is painted that nobody looks at */
        g_autofree float *a = read_grid(m, 0), *b = read_grid(same, 0);
        gsize bytes = (gsize)(m->grid_h * m->grid_w * m->patch_dim) * sizeof(float);
        g_assert_cmpmem(a, bytes, b, bytes);
        g_assert_cmpint(p.painted[0], ==, 1);
        lw_media_unref(m);
        lw_media_unref(same);
        g_assert_cmpint(p.freed, ==, 1);
    }
}

/* Every frame is in its grid; the last one fills it up. */
static void test_film(void)
{
    painter p = {.width = 56, .height = 84};
    g_autoptr(GError) error = NULL;
    lw_media *m = open_frames(&p, LW_MEDIA_FILM, 5, 4, &error);

    g_assert_no_error(error);
    g_assert_cmpint(m->grid_t, ==, 3);
    g_assert_cmpint(lw_media_n_tokens(m), ==, 3 * 2 * 3);
    g_assert_cmpfloat(m->seconds_per_grid, ==, 0.5);
    g_assert_null(m->grid_seconds);
    for (int t = 0; t < 3; t++) {
        g_autofree float *grid = read_grid(m, t);
        /* Row order of a patch: channel, time, y, x: the first pixel of either frame. */
        for (int i = 0; i < 2; i++) {
            float want = ((float)pixel(MIN(2 * t + i, 4), 0) / 255 - 0.5f) / 0.2f;
            g_assert_cmpfloat_with_epsilon(grid[i * 14 * 14], want, 1e-5);
        }
    }
    for (int i = 0; i < 5; i++)
        g_assert_cmpint(p.painted[i], ==, 1);
    /* Again, and beyond the end. */
    g_free(read_grid(m, 1));
    float none[1];
    g_assert_false(m->read_grid(m, 3, none, &error));
    g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT);
    g_clear_error(&error);
    p.broken = TRUE;
    g_autofree float *room = g_new0(float, m->grid_h * m->grid_w * m->patch_dim);
    g_assert_false(m->read_grid(m, 0, room, &error));
    g_assert_cmpstr(error->message, ==, "no paint left");
    lw_media_unref(m);
    g_assert_cmpint(p.freed, ==, 1);
}

static void test_by_grid(void)
{
    painter p = {.width = 56, .height = 56};
    lw_vision_spec by_grid = spec;
    lw_vis_frames f = {
        .kind = LW_MEDIA_FILM, .n_frames = 5, .width = 56, .height = 56, .fps = 2, .paint = paint, .user = &p};
    g_autoptr(GError) error = NULL;

    by_grid.film_by_grid = TRUE;
    lw_media *m = lw_vis_open_frames(&f, "drawn", &by_grid, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpfloat(m->grid_seconds[0], ==, 0.25);
    g_assert_cmpfloat(m->grid_seconds[1], ==, 1.25);
    g_assert_cmpfloat(m->grid_seconds[2], ==, 2); /* one frame */
    lw_media_unref(m);
}

/* Equal means equal rows: what is painted, how large, how often and for which tower. */
static void test_hash(void)
{
    painter p = {.width = 56, .height = 56};
    lw_vis_frames f = {.kind = LW_MEDIA_FILM, .n_frames = 4, .width = 56, .height = 56, .fps = 2, .paint = paint, .user = &p};
    lw_vision_spec other = spec;
    lw_media *m[6];

    other.mean[0] = 0.1f;
    m[0] = lw_vis_open_frames(&f, "a", &spec, NULL, NULL);
    m[1] = lw_vis_open_frames(&f, "b", &spec, NULL, NULL);
    m[2] = lw_vis_open_frames(&f, "a", &other, NULL, NULL);
    f.hash[31] = 1;
    m[3] = lw_vis_open_frames(&f, "a", &spec, NULL, NULL);
    f.hash[31] = 0;
    f.n_frames = 3;
    m[4] = lw_vis_open_frames(&f, "a", &spec, NULL, NULL);
    f.n_frames = 4;
    f.fps = 1;
    m[5] = lw_vis_open_frames(&f, "a", &spec, NULL, NULL);
    g_assert_cmpmem(m[0]->hash, 32, m[1]->hash, 32);
    for (int i = 2; i < 6; i++)
        g_assert_true(memcmp(m[0]->hash, m[i]->hash, 32) != 0);
    for (int i = 0; i < 6; i++)
        lw_media_unref(m[i]);
}

static void test_limits(void)
{
    static const struct {
        int width, height, n;
        double fps;
        lw_media_kind kind;
    } bad[] = {
        {0, 10, 1, 1, LW_MEDIA_FILM},       {10, -1, 1, 1, LW_MEDIA_FILM},   {56, 56, 0, 1, LW_MEDIA_FILM},
        {56, 56, 5000000, 1, LW_MEDIA_FILM}, {56, 56, 4, 0, LW_MEDIA_FILM},   {56, 56, 4, -2, LW_MEDIA_FILM},
        {56, 56, 2, 0, LW_MEDIA_PICTURE},   {60000, 60000, 1, 1, LW_MEDIA_FILM}, {9000, 20, 1, 1, LW_MEDIA_FILM},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        painter p = {.width = bad[i].width, .height = bad[i].height};
        g_autoptr(GError) error = NULL;

        g_assert_null(open_frames(&p, bad[i].kind, bad[i].n, bad[i].fps, &error));
        g_assert_nonnull(error);
        g_assert_true(g_str_has_prefix(error->message, "drawn: "));
        g_assert_cmpint(p.freed, ==, 1);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/frames/picture", test_picture);
    g_test_add_func("/frames/film", test_film);
    g_test_add_func("/frames/by-grid", test_by_grid);
    g_test_add_func("/frames/hash", test_hash);
    g_test_add_func("/frames/limits", test_limits);
    return g_test_run();
}
