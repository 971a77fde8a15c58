/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Resize, smart_resize and patches against Pillow and transformers (tests/golden/pillow/make.py).
 */
#include "vision/lw-vision.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const lw_vision_spec qwen = {
    .patch_size = 14,
    .merge_size = 2,
    .temporal_patch_size = 2,
    .min_pixels = 3136,
    .max_pixels = 1003520,
    .mean = {0.48145466f, 0.4578275f, 0.40821073f},
    .std = {0.26862954f, 0.26130258f, 0.27577711f},
    .tokens_per_second = 2,
};

/* pixels() of make.py */
static guint8 *pixels(int w, int h)
{
    guint8 *p = g_malloc((gsize)w * h * 3), *d = p;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            for (int c = 0; c < 3; c++) {
                guint32 v =
                    (guint32)x * 2654435761u + (guint32)y * 40503u + (guint32)c * 97u + 12345u;
                v ^= v >> 15;
                v *= 2246822519u;
                v ^= v >> 13;
                int slope = x * 255 / MAX(w - 1, 1) + y * 3 + c * 80;
                *d++ = x * 2 < w ? (guint8)v : (guint8)slope;
            }
        }
    }
    return p;
}

/* The lines of a golden file that are not comments. */
static char **golden_lines(const char *name)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "..", "golden", "pillow", name, NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    char **lines = g_strsplit(g_strchomp(text), "\n", -1);
    int n = 0;
    for (int i = 0; lines[i]; i++) {
        if (lines[i][0] == '#')
            g_free(lines[i]);
        else
            lines[n++] = lines[i];
    }
    lines[n] = NULL;
    g_assert_cmpint(n, >, 0);
    return lines;
}

static void test_resize(void)
{
    g_auto(GStrv) lines = golden_lines("resize.txt");
    for (int i = 0; lines[i]; i++) {
        int sw, sh, dw, dh;
        char sha[65], first[97];
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(sscanf(lines[i], "%d %d %d %d %64s %96s", &sw, &sh, &dw, &dh, sha, first),
                        ==, 6);
        g_autofree guint8 *src = pixels(sw, sh);
        gsize n = (gsize)dw * dh * 3;
        g_autofree guint8 *dst = g_malloc(n);
        g_assert_true(lw_vis_resize_bicubic(src, sw, sh, dst, dw, dh, &error));
        g_assert_no_error(error);

        g_autoptr(GString) hex = g_string_new(NULL);
        for (gsize k = 0; k < MIN(n, 48); k++)
            g_string_append_printf(hex, "%02x", dst[k]);
        g_test_message("%dx%d -> %dx%d", sw, sh, dw, dh);
        g_assert_cmpstr(hex->str, ==, first);
        g_autofree char *got = g_compute_checksum_for_data(G_CHECKSUM_SHA256, dst, n);
        g_assert_cmpstr(got, ==, sha);
    }
}

static void test_smart_resize(void)
{
    g_auto(GStrv) lines = golden_lines("smart-resize.txt");
    for (int i = 0; lines[i]; i++) {
        int h, w, f, H, W, got_h, got_w;
        gint64 lo, hi;
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(sscanf(lines[i], "%d %d %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %d %d",
                               &h, &w, &f, &lo, &hi, &H, &W),
                        ==, 7);
        g_assert_true(lw_vis_smart_resize(h, w, f, lo, hi, &got_h, &got_w, &error));
        g_assert_no_error(error);
        g_test_message("%s", lines[i]);
        g_assert_cmpint(got_h, ==, H);
        g_assert_cmpint(got_w, ==, W);
    }
}

static void test_smart_resize_limits(void)
{
    int h, w;
    g_autoptr(GError) error = NULL;
    g_assert_true(lw_vis_smart_resize(10, 2000, 28, 3136, 12845056, &h, &w, NULL));
    g_assert_false(lw_vis_smart_resize(10, 2001, 28, 3136, 12845056, &h, &w, &error));
    g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT);
    g_assert_nonnull(strstr(error->message, "2001x10"));
    g_assert_nonnull(strstr(error->message, "200 times"));
    g_clear_error(&error);
    g_assert_false(lw_vis_smart_resize(0, 5, 28, 3136, 12845056, &h, &w, &error));
    g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT);
    g_clear_error(&error);
    /* A lower bound that would make a huge picture. */
    g_assert_false(
        lw_vis_smart_resize(100, 100, 28, G_MAXINT64 / 4, G_MAXINT64 / 2, &h, &w, &error));
    g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT);
}

static float *read_grid(lw_media *m)
{
    g_autoptr(GError) error = NULL;
    float *p = g_new(float, (gsize)m->grid_h * m->grid_w * m->patch_dim);
    g_assert_true(m->read_grid(m, 0, p, &error));
    g_assert_no_error(error);
    return p;
}

static void test_patches(void)
{
    g_auto(GStrv) lines = golden_lines("patches.txt");
    for (int i = 0; lines[i]; i++) {
        int w, h, gh, gw;
        char sha[65];
        lw_vision_spec spec = qwen;
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(sscanf(lines[i],
                               "%d %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %d %d %64s", &w, &h,
                               &spec.min_pixels, &spec.max_pixels, &gh, &gw, sha),
                        ==, 7);
        g_autofree guint8 *src = pixels(w, h);
        lw_media *m = lw_vis_open_rgb(src, w, h, "drawn", &spec, NULL, &error);
        g_assert_no_error(error);
        g_test_message("%s: %s", lines[i], m->note);
        g_assert_cmpint(m->kind, ==, LW_MEDIA_PICTURE);
        g_assert_cmpint(m->grid_t, ==, 1);
        g_assert_cmpint(m->grid_h, ==, gh);
        g_assert_cmpint(m->grid_w, ==, gw);
        g_assert_cmpint(m->patch_dim, ==, 1176);
        g_assert_cmpint(lw_media_n_tokens(m), ==, gh * gw / 4);
        gsize n = (gsize)gh * gw * 1176;
        g_autofree float *got = read_grid(m);

        if (i == 0) { /* stored in full: says where they differ */
            g_autofree char *path =
                g_test_build_filename(G_TEST_DIST, "..", "golden", "pillow", "patches.f32", NULL);
            g_autofree char *raw = NULL;
            gsize size;
            g_assert_true(g_file_get_contents(path, &raw, &size, NULL));
            g_assert_cmpuint(size, ==, n * sizeof(float));
            const float *want = (const float *)raw;
            for (gsize k = 0; k < n; k++) {
                if (fabsf(got[k] - want[k]) > 1e-6f)
                    g_error("patch %" G_GSIZE_FORMAT " value %" G_GSIZE_FORMAT ": %g, expected %g",
                            k / 1176, k % 1176, (double)got[k], (double)want[k]);
            }
        }
        /* The same rounding steps give the same bits. */
        g_autofree char *sum =
            g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)got, n * sizeof(float));
        g_assert_cmpstr(sum, ==, sha);
        lw_media_unref(m);
    }
}

static lw_media *open_drawn(int w, int h, const lw_vision_spec *spec, gint64 max_tokens)
{
    lw_vis_options options = {.max_tokens = max_tokens};
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *src = pixels(w, h);
    lw_media *m = lw_vis_open_rgb(src, w, h, "drawn", spec, &options, &error);
    g_assert_no_error(error);
    return m;
}

static void test_max_tokens(void)
{
    static const int sizes[][2] = {{640, 480}, {2000, 10},  {10, 2000},
                                   {28, 28},   {333, 1000}, {1, 1}};
    static const gint64 caps[] = {1, 2, 3, 4, 7, 16, 100, 100000};
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        lw_media *free_size = open_drawn(sizes[i][0], sizes[i][1], &qwen, 0);
        for (gsize k = 0; k < G_N_ELEMENTS(caps); k++) {
            lw_media *m = open_drawn(sizes[i][0], sizes[i][1], &qwen, caps[k]);
            g_test_message("%dx%d in %d: %s", sizes[i][0], sizes[i][1], (int)caps[k], m->note);
            g_assert_cmpint(lw_media_n_tokens(m), >=, 1);
            g_assert_cmpint(lw_media_n_tokens(m), <=, caps[k]);
            gboolean shrunk = lw_media_n_tokens(m) < lw_media_n_tokens(free_size);
            g_assert_cmpint(strstr(m->note, "smaller") != NULL, ==, shrunk);
            if (lw_media_n_tokens(free_size) <= caps[k])
                g_assert_cmpint(lw_media_n_tokens(m), ==, lw_media_n_tokens(free_size));
            lw_media_unref(m);
        }
        lw_media_unref(free_size);
    }
    /* Close to the bound, not far below. */
    lw_media *m = open_drawn(1000, 1000, &qwen, 400);
    g_assert_cmpint(lw_media_n_tokens(m), ==, 400);
    lw_media_unref(m);
}

static void test_hash(void)
{
    lw_vision_spec other = qwen;
    other.mean[1] += 0.001f;
    lw_media *a = open_drawn(100, 80, &qwen, 0), *b = open_drawn(100, 80, &qwen, 0);
    lw_media *c = open_drawn(100, 80, &other, 0), *d = open_drawn(100, 80, &qwen, 6);
    lw_media *e = open_drawn(100, 79, &qwen, 0);
    g_assert_cmpmem(a->hash, 32, b->hash, 32);
    g_assert_true(memcmp(a->hash, c->hash, 32) != 0);
    g_assert_true(memcmp(a->hash, d->hash, 32) != 0);
    g_assert_true(memcmp(a->hash, e->hash, 32) != 0);
    lw_media_unref(lw_media_ref(a));
    lw_media *all[] = {a, b, c, d, e};
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        lw_media_unref(all[i]);
}

static void test_bad_spec(void)
{
    guint8 rgb[3] = {0};
    lw_vision_spec specs[] = {qwen, qwen, qwen, qwen, qwen, qwen};
    specs[0].patch_size = 0;
    specs[1].merge_size = -2;
    specs[2].temporal_patch_size = 1 << 30;
    specs[3].std[2] = 0;
    specs[4].mean[0] = NAN;
    specs[5].max_pixels = 100;
    for (gsize i = 0; i < G_N_ELEMENTS(specs); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(lw_vis_open_rgb(rgb, 1, 1, "dot", &specs[i], NULL, &error));
        g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT);
    }
}

static void test_grid_out_of_range(void)
{
    lw_media *m = open_drawn(56, 56, &qwen, 0);
    g_autofree float *p = g_new(float, (gsize)m->grid_h * m->grid_w * m->patch_dim);
    g_autoptr(GError) error = NULL;
    g_assert_false(m->read_grid(m, 1, p, &error));
    g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT);
    lw_media_unref(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/preprocess/resize", test_resize);
    g_test_add_func("/preprocess/smart-resize", test_smart_resize);
    g_test_add_func("/preprocess/smart-resize-limits", test_smart_resize_limits);
    g_test_add_func("/preprocess/patches", test_patches);
    g_test_add_func("/preprocess/max-tokens", test_max_tokens);
    g_test_add_func("/preprocess/hash", test_hash);
    g_test_add_func("/preprocess/bad-spec", test_bad_spec);
    g_test_add_func("/preprocess/grid-out-of-range", test_grid_out_of_range);
    return g_test_run();
}
