/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A picture's bytes -> upright RGB.  The header is asked for the size before anything of that size
 * is allocated; stb_image first, libheif for HEIC, FFmpeg for the rest.
 */
#include "vision/vision-private.h"

#include "engine/base/alloc.h"

#include <string.h>

/* What stb_image may hold at once: 16-bit RGBA twice and its 8-bit copy, the gathered IDAT chunks,
 * tables. */
#define STB_BYTES_PER_PIXEL 32
#define STB_EXTRA (16ll << 20)

/* The densest encodings of these formats (a blank 1-bit PNG) hold 8,256 pixels in a byte.  A small
 * file that claims far more is refused before its canvas is allocated. */
#define DENSEST 10000
#define SMALL_CANVAS (16ll * 1000 * 1000)

static gboolean stb_can(lw_vis_format format, const guint8 *bytes, gsize n)
{
    return format == LW_VIS_FORMAT_PNG || format == LW_VIS_FORMAT_GIF ||
           format == LW_VIS_FORMAT_BMP ||
           (format == LW_VIS_FORMAT_JPEG && lw_vis_jpeg_tables_ok(bytes, n));
}

/* A picture of w x h pixels, by its header.  FALSE without *error: not for stb_image, try FFmpeg;
 * *reason says why. */
static gboolean with_stb(const guint8 *bytes, gsize n, gint64 w, gint64 h, const char *label,
                         int orientation, lw_vis_image *out, const char **reason, GError **error)
{
    gboolean out_of_budget = FALSE;
    lw_stb_image img;

    gint64 budget = w * h * STB_BYTES_PER_PIXEL + 4 * (gint64)n + STB_EXTRA;
    if (!lw_stb_load(bytes, n, budget, &img, reason, &out_of_budget)) {
        if (out_of_budget)
            g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_NO_MEMORY,
                        "%s: not enough memory to decode %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT
                        " pixels (limit %" G_GINT64_FORMAT " bytes)",
                        label, w, h, budget);
        return FALSE;
    }
    gboolean ok = lw_vis_check_dimensions(img.width, img.height, label, error) &&
                  lw_vis_upright(img.pixels, (gsize)img.width * (gsize)img.channels, img.width,
                                 img.height, img.channels, orientation, out, error);
    lw_stb_free(&img);
    return ok;
}

gboolean lw_vis_image_decode(const void *data, gsize n, const char *label, lw_vis_image *out,
                             GError **error)
{
    const guint8 *bytes = data;
    GError *stb_error = NULL;
    const char *reason = NULL;

    *out = (lw_vis_image){0};
    if (n == 0) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT, "%s: the picture is empty (0 bytes)",
                    label);
        return FALSE;
    }
    if (n > LW_VIS_MAX_PICTURE_BYTES) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: %" G_GSIZE_FORMAT " bytes are too many for a picture, the limit is %lld",
                    label, n, LW_VIS_MAX_PICTURE_BYTES);
        return FALSE;
    }
    lw_vis_format format = lw_vis_sniff(bytes, n);
    if (format == LW_VIS_FORMAT_OTHER) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                    "%s: not a picture in a format that can be decoded (PNG, JPEG, WebP, GIF, BMP, "
                    "TIFF, HEIC, AVIF...)",
                    label);
        return FALSE;
    }
    if (!lw_vis_is_complete(format, bytes, n)) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                    "%s: the %s picture is cut off: it ends after %" G_GSIZE_FORMAT " bytes", label,
                    lw_vis_format_name(format), n);
        return FALSE;
    }

    gint64 w = 0, h = 0;
    gboolean has_size = lw_vis_header_size(format, bytes, n, &w, &h);
    if (has_size && !lw_vis_check_dimensions(w, h, label, error))
        return FALSE;
    gboolean stb = has_size && stb_can(format, bytes, n);
    if (stb && w * h > SMALL_CANVAS && w * h / DENSEST > (gint64)n) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT
                    " pixels cannot be in %" G_GSIZE_FORMAT " bytes of %s",
                    label, w, h, n, lw_vis_format_name(format));
        return FALSE;
    }
#ifdef LW_HAVE_HEIF
    if (format == LW_VIS_FORMAT_HEIC)
        return lw_vis_heif_still(bytes, n, label, out, error);
#endif
    int orientation = lw_vis_exif_orientation(format, bytes, n);
    if (stb) {
        if (with_stb(bytes, n, w, h, label, orientation, out, &reason, &stb_error))
            return TRUE;
        if (stb_error) {
            g_propagate_error(error, stb_error);
            return FALSE;
        }
    }

    g_autofree guint8 *still = NULL;
    if (format == LW_VIS_FORMAT_WEBP) {
        gsize still_n;
        still = lw_vis_webp_first_frame(bytes, n, &still_n);
        if (still) {
            bytes = still;
            n = still_n;
        }
    }
    if (lw_vis_ffmpeg_still(format, bytes, n, label, orientation, out, error))
        return TRUE;
    if (reason)
        g_prefix_error(error, "%s: damaged picture (%s); ", label, reason);
    return FALSE;
}

gboolean lw_vis_image_load(const char *path, lw_vis_image *out, GError **error)
{
    guint8 *bytes;
    gsize n;
    g_autofree char *name = g_filename_display_name(path);

    *out = (lw_vis_image){0};
    if (!lw_vis_read_file(path, &bytes, &n, error))
        return FALSE;
    gboolean ok = lw_vis_image_decode(bytes, n, name, out, error);
    lw_free(bytes);
    return ok;
}
