/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Picture files: every format against Pillow's view of it, and everything that can be wrong with
 * one.
 */
#include "engine/base/alloc.h"
#include "vision/lw-vision.h"

#include <glib/gstdio.h>
#include <string.h>

static const lw_vision_spec qwen = {
    .patch_size = 14,
    .merge_size = 2,
    .temporal_patch_size = 2,
    .min_pixels = 784,
    .max_pixels = 1003520,
    .mean = {0.5f, 0.5f, 0.5f},
    .std = {0.5f, 0.5f, 0.5f},
    .tokens_per_second = 2,
};

static char *picture_path(const char *name)
{
    return g_test_build_filename(G_TEST_DIST, "..", "golden", "pillow", "pictures", name, NULL);
}

static guint8 *picture_bytes(const char *name, gsize *n)
{
    g_autofree char *path = picture_path(name);
    g_autoptr(GError) error = NULL;
    char *bytes = NULL;
    g_file_get_contents(path, &bytes, n, &error);
    g_assert_no_error(error);
    return (guint8 *)bytes;
}

static void test_formats(void)
{
    g_autofree char *table =
        g_test_build_filename(G_TEST_DIST, "..", "golden", "pillow", "pictures.txt", NULL);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(table, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    int tried = 0;

    for (int i = 0; lines[i]; i++) {
        if (lines[i][0] == '#')
            continue;
        g_auto(GStrv) f = g_strsplit(lines[i], " ", -1);
        g_assert_cmpuint(g_strv_length(f), ==, 5);
        int w = atoi(f[1]), h = atoi(f[2]), tolerance = atoi(f[3]);
        g_autofree char *path = picture_path(f[0]);
        g_autoptr(GError) error = NULL;
        lw_vis_image img;
        gboolean ok = lw_vis_image_load(path, &img, &error);
        if (!ok && g_str_has_suffix(f[0], ".avif")) {
            /* Older FFmpeg: at least say so. */
            g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT);
            g_assert_nonnull(strstr(error->message, "AVIF"));
            g_test_message("%s", error->message);
            continue;
        }
        g_assert_no_error(error);
        g_assert_true(ok);
        g_assert_cmpint(img.width, ==, w);
        g_assert_cmpint(img.height, ==, h);
        gint64 sum = 0;
        int n = w * h * 3;
        g_assert_cmpuint(strlen(f[4]), ==, 2 * n);
        for (int k = 0; k < n; k++) {
            int want =
                g_ascii_xdigit_value(f[4][2 * k]) * 16 + g_ascii_xdigit_value(f[4][2 * k + 1]);
            sum += ABS(want - img.rgb[k]);
        }
        g_test_message("%s: mean difference %.2f, allowed %d", f[0], (double)sum / n, tolerance);
        g_assert_cmpint(sum, <=, (gint64)tolerance * n);
        lw_vis_image_clear(&img);
        tried++;
    }
    g_assert_cmpint(tried, >=, 25);
}

static void put32(guint8 *p, guint32 v)
{
    p[0] = (guint8)(v >> 24), p[1] = (guint8)(v >> 16), p[2] = (guint8)(v >> 8), p[3] = (guint8)v;
}

static void expect_limit(const guint8 *bytes, gsize n, const char *a, const char *b)
{
    g_autoptr(GError) error = NULL;
    lw_vis_image img;
    g_assert_false(lw_vis_image_decode(bytes, n, "bomb", &img, &error));
    g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, a));
    g_assert_nonnull(strstr(error->message, b));
}

/* make.py's drawing at another size: mean difference to `img`; alpha: how opaque it was on white.
 */
static double off_drawing(const lw_vis_image *img, int alpha)
{
    static const guint8 fields[4][3] = {
        {200, 30, 30}, {30, 180, 60}, {40, 60, 200}, {220, 210, 40}};
    gint64 sum = 0;
    for (int y = 0; y < img->height; y++) {
        for (int x = 0; x < img->width; x++) {
            int field = (x * 2 >= img->width) + 2 * (y * 3 >= img->height * 2);
            for (int c = 0; c < 3; c++) {
                int want = (fields[field][c] * alpha + 255 * (255 - alpha)) / 255;
                sum += ABS(want - img->rgb[((gsize)y * img->width + x) * 3 + c]);
            }
        }
    }
    return (double)sum / ((double)img->width * img->height * 3);
}

#ifdef LW_HAVE_HEIF
static void test_heic(void)
{
    static const struct {
        const char *name;
        int width, height, alpha;
    } files[] = {
        {"still.heic", 64, 64, 255},
        {"alpha.heic", 64, 64, 128},
        {"tiles.heic", 100, 120, 255}, /* four tiles, cropped, a quarter turn */
    };
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = picture_path(files[i].name);
        g_autoptr(GError) error = NULL;
        lw_vis_image img;
        g_assert_true(lw_vis_image_load(path, &img, &error));
        g_assert_no_error(error);
        g_assert_cmpint(img.width, ==, files[i].width);
        g_assert_cmpint(img.height, ==, files[i].height);
        double off = off_drawing(&img, files[i].alpha);
        g_test_message("%s: mean difference %.2f", files[i].name, off);
        g_assert_cmpfloat(off, <, 6);
        lw_vis_image_clear(&img);

        double seconds = -1;
        g_assert_true(lw_vis_thumbnail(path, 32, &img, &seconds, &error));
        g_assert_no_error(error);
        g_assert_cmpint(MAX(img.width, img.height), ==, 32);
        g_assert_cmpfloat(seconds, ==, 0);
        g_assert_cmpfloat(off_drawing(&img, files[i].alpha), <, 14);
        lw_vis_image_clear(&img);

        gsize n;
        g_autofree guint8 *bytes = picture_bytes(files[i].name, &n);
        for (gsize cut = 16; cut < n; cut++) {
            g_autofree guint8 *copy = g_memdup2(bytes, cut);
            g_assert_false(lw_vis_image_decode(copy, cut, files[i].name, &img, &error));
            g_assert_cmpint(error->domain, ==, LW_VIS_ERROR);
            g_assert_nonnull(strstr(error->message, files[i].name));
            g_clear_error(&error);
        }
    }
}

/* The last `kind` box's place behind its name. */
static guint8 *find_box(guint8 *bytes, gsize n, const char *kind)
{
    guint8 *found = NULL;
    for (gsize i = 0; i + 4 <= n; i++) {
        if (memcmp(bytes + i, kind, 4) == 0)
            found = bytes + i + 4;
    }
    g_assert_nonnull(found);
    return found;
}

static void test_heic_lies(void)
{
    gsize n;
    g_autofree guint8 *bytes = picture_bytes("tiles.heic", &n);
    guint8 *grid = bytes + n - 8; /* the last item: version, flags, rows, columns, width, height */

    /* A canvas larger than the picture's size, which is all that was checked. */
    grid[4] = grid[6] = 0x7f;
    expect_limit(bytes, n, "bomb", "32");
    g_free(g_steal_pointer(&bytes));

    bytes = picture_bytes("tiles.heic", &n);
    guint8 *size = find_box(bytes, n, "ispe");
    put32(size + 4, 30000);
    put32(size + 8, 20000);
    expect_limit(bytes, n, "30000x20000", "200000000");
    put32(size + 4, 30000);
    put32(size + 8, 100);
    expect_limit(bytes, n, "30000x100", "200 times");
    put32(size + 4, 0x7fffffff);
    expect_limit(bytes, n, "2147483647", "32768");
}
#else
static void test_heic(void)
{
    g_autofree char *path = picture_path("still.heic");
    g_autoptr(GError) error = NULL;
    lw_vis_image img;
    if (!lw_vis_image_load(path, &img, &error)) {
        g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT);
        g_assert_nonnull(strstr(error->message, "HEIC"));
        g_assert_nonnull(strstr(error->message, "still.heic"));
        g_test_skip("built without libheif: HEIC is refused, with a message that says so");
        return;
    }
    g_assert_cmpfloat(off_drawing(&img, 255), <, 6); /* this FFmpeg can */
    lw_vis_image_clear(&img);
    g_test_skip("built without libheif: only a HEIC without tiles was tried");
}
#endif

/* No cut of any file may crash; the ones that lose pixels must say so. */
static void test_truncated(void)
{
    static const struct {
        const char *name;
        double keep; /* up to this share of the file the pixels cannot all be there */
    } files[] = {
        {"orientation-1.jpg", 0.99}, {"progressive.jpg", 0.99}, {"cmyk.jpg", 0.99},
        {"plain.gif", 0.9},          {"plain.bmp", 0.99},       {"lossless.webp", 0.95},
        {"alpha.png", 0.8},          {"16-bit.png", 0.7},       {"deflate.tiff", 0.9},
        {"plain.ppm", 0.9},          {"still.avif", 0.7},       {"moving.gif", 0.3},
        {"moving.webp", 0.9},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        gsize n;
        g_autofree guint8 *bytes = picture_bytes(files[i].name, &n);
        for (gsize cut = 0; cut < n; cut++) {
            g_autoptr(GError) error = NULL;
            lw_vis_image img;
            /* An own block of exactly this size, so that a sanitizer sees reads past the end. */
            g_autofree guint8 *copy = g_memdup2(bytes, MAX(cut, 1));
            gboolean ok = lw_vis_image_decode(copy, cut, files[i].name, &img, &error);
            if (ok) {
                if ((double)cut <= files[i].keep * (double)n)
                    g_error("%s cut to %d of %d bytes was accepted", files[i].name, (int)cut,
                            (int)n);
                lw_vis_image_clear(&img);
            } else {
                g_assert_nonnull(error);
                g_assert_cmpint(error->domain, ==, LW_VIS_ERROR);
                g_assert_nonnull(strstr(error->message, files[i].name));
            }
        }
    }
}

static void test_mutated(void)
{
    g_autofree char *folder = picture_path("");
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_assert_nonnull(dir);
    const char *name;
    guint32 seed = 7;
    while ((name = g_dir_read_name(dir))) {
        gsize n;
        g_autofree guint8 *bytes = picture_bytes(name, &n);
        for (int round = 0; round < 60; round++) {
            g_autofree guint8 *copy = g_memdup2(bytes, n);
            for (int k = 0; k < 1 + round % 5; k++) {
                seed = seed * 1664525u + 1013904223u;
                copy[(seed >> 8) % n] = (guint8)(seed >> 3);
            }
            g_autoptr(GError) error = NULL;
            lw_vis_image img;
            if (lw_vis_image_decode(copy, n, name, &img, &error)) {
                g_assert_nonnull(img.rgb);
                g_assert_cmpint((gint64)img.width * img.height, <=, LW_VIS_MAX_PICTURE_PIXELS);
                lw_vis_image_clear(&img);
            } else {
                g_assert_cmpint(error->domain, ==, LW_VIS_ERROR);
            }
        }
    }
}

/* CRC-32 of PNG. */
static guint32 crc32_png(const guint8 *p, gsize n)
{
    guint32 c = 0xffffffffu;
    for (gsize i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    }
    return ~c;
}

/* A header that promises the world. */
static void test_bombs(void)
{
    gsize n;
    g_autofree guint8 *png = picture_bytes("alpha.png", &n);
    put32(png + 16, 60000);
    put32(png + 20, 50000);
    put32(png + 29, crc32_png(png + 12, 17));
    expect_limit(png, n, "60000x50000", "200000000");
    put32(png + 16, 60000);
    put32(png + 20, 100);
    put32(png + 29, crc32_png(png + 12, 17));
    expect_limit(png, n, "60000x100", "200 times");

    put32(png + 16, 10000);
    put32(png + 20, 10000);
    put32(png + 29, crc32_png(png + 12, 17));
    expect_limit(png, n, "10000x10000", "125 bytes");

    g_autofree guint8 *jpg = picture_bytes("grey.jpg", &n);
    for (gsize i = 0; i + 9 < n; i++) {
        if (jpg[i] == 0xff && jpg[i + 1] == 0xc0) {
            jpg[i + 5] = jpg[i + 6] = jpg[i + 7] = jpg[i + 8] = 0xff;
            break;
        }
    }
    expect_limit(jpg, n, "65535x65535", "200000000");

    g_autofree guint8 *webp = picture_bytes("orientation-6.webp", &n); /* has VP8X */
    memset(webp + 24, 0xff, 6);
    expect_limit(webp, n, "16777216x16777216", "200000000");
}

static void test_wrong_files(void)
{
    g_autofree char *dir = g_dir_make_tmp("lw-image-XXXXXX", NULL);
    static const struct {
        const char *name, *content;
        lw_vis_error code;
        const char *says;
    } files[] = {
        {"empty.png", "", LW_VIS_ERROR_FORMAT, "empty"},
        {"notes.txt", "just some text, no picture at all, and a little longer than any header\n",
         LW_VIS_ERROR_FORMAT, "not a picture"},
        {"BMtext.txt", "BM is how this text begins, by chance, as some texts do",
         LW_VIS_ERROR_FORMAT, "not a picture"},
        {"P5.txt", "P5 looks like a grey map", LW_VIS_ERROR_FORMAT, "P5.txt"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(dir, files[i].name, NULL);
        g_autoptr(GError) error = NULL;
        g_assert_true(g_file_set_contents(path, files[i].content, -1, NULL));
        g_assert_null(lw_vis_open_picture(path, &qwen, NULL, &error));
        g_assert_error(error, LW_VIS_ERROR, (int)files[i].code);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, files[i].name));
        g_assert_nonnull(strstr(error->message, files[i].says));
        g_unlink(path);
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *gone = g_build_filename(dir, "gone.jpg", NULL);
    g_assert_null(lw_vis_open_picture(gone, &qwen, NULL, &error));
    g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_IO);
    g_clear_error(&error);
    g_assert_null(lw_vis_open_picture(dir, &qwen, NULL, &error));
    g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_IO);
    g_rmdir(dir);
}

/* Memory that runs out at any point is an error, not an abort. */
static void test_no_memory(void)
{
    static const char *const names[] = {"orientation-6.jpg", "progressive.jpg", "alpha.png",
                                        "plain.gif", "lossy.webp"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = picture_path(names[i]);
        gboolean done = FALSE;
        int failures = 0;
        for (int k = 0; !done; k++) {
            g_autoptr(GError) error = NULL;
            g_assert_cmpint(k, <, 200);
            lw_alloc_fail_at(k);
            lw_media *m = lw_vis_open_picture(path, &qwen, NULL, &error);
            lw_alloc_fail_at(-1);
            if (m) {
                done = k > 0 && failures > 0;
                lw_media_unref(m);
                if (!done)
                    continue; /* a fallback saved it */
            } else {
                g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_NO_MEMORY);
                failures++;
            }
        }
        g_test_message("%s: %d allocations", names[i], failures);
        g_assert_cmpint(failures, >=, 3);
    }
}

static void test_open(void)
{
    g_autofree char *path = picture_path("orientation-6.jpg");
    g_autoptr(GError) error = NULL;
    lw_media *m = lw_vis_open_picture(path, &qwen, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(m->label, ==, "orientation-6.jpg");
    g_assert_nonnull(strstr(m->note, "16×12"));
    lw_media_unref(m);

    /* One picture, two files: the same hash, so it is encoded once. */
    g_autofree char *png = picture_path("palette.png");
    g_autofree char *bmp = picture_path("plain.bmp");
    lw_media *a = lw_vis_open_picture(png, &qwen, NULL, &error);
    lw_media *b = lw_vis_open_picture(bmp, &qwen, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(a->hash, 32, b->hash, 32);
    lw_media_unref(a);
    lw_media_unref(b);

    g_autofree char *webp = picture_path("moving.webp");
    m = lw_vis_open_picture(webp, &qwen, NULL, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(m->note, "first frame"));
    lw_media_unref(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/formats", test_formats);
    g_test_add_func("/image/heic", test_heic);
#ifdef LW_HAVE_HEIF
    g_test_add_func("/image/heic-lies", test_heic_lies);
#endif
    g_test_add_func("/image/truncated", test_truncated);
    g_test_add_func("/image/mutated", test_mutated);
    g_test_add_func("/image/bombs", test_bombs);
    g_test_add_func("/image/wrong-files", test_wrong_files);
    g_test_add_func("/image/no-memory", test_no_memory);
    g_test_add_func("/image/open", test_open);
    return g_test_run();
}
