/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HEIC through libheif, which puts the tiles of a phone's picture together and follows the boxes
 * for rotation, mirror and crop.  EXIF orientation repeats those boxes, so it is not used.  AVIF is
 * not decoded here: on damaged files libheif 1.15 leaks what dav1d holds.
 *
 * The planes are taken as they were decoded and are interleaved here: libheif believes that an
 * alpha plane is as large as its picture, which a file may break.
 */
#include "vision/vision-private.h"

#include "engine/base/alloc.h"

#include <libheif/heif.h>
#include <string.h>

/* libheif's own bound on a side, said here so that no version of it has another. */
#define MAX_SIDE 32768

typedef struct {
    const guint8 *data;
    gsize stride;
    int shift; /* bits above 8; samples then have two bytes */
} plane;

static gboolean failed(struct heif_error e, const char *label, GError **error)
{
    lw_vis_error code = LW_VIS_ERROR_FORMAT;

    if (e.code == heif_error_Ok)
        return FALSE;
    if (e.subcode == heif_suberror_Security_limit_exceeded)
        code = LW_VIS_ERROR_LIMIT;
    else if (e.code == heif_error_Memory_allocation_error)
        code = LW_VIS_ERROR_NO_MEMORY;
    /* Part of the text can come from the file, and some of it ends in a line break. */
    g_autofree char *says = g_utf8_make_valid(e.message ? e.message : "unknown error", -1);
    g_strchomp(says);
    g_set_error(error, LW_VIS_ERROR, code, "%s: the HEIC picture cannot be decoded: %s", label,
                says);
    return TRUE;
}

/* FALSE when the channel is not w x h samples of 8 to 16 bits. */
static gboolean get_plane(const struct heif_image *img, enum heif_channel channel, int w, int h,
                          plane *p)
{
    int stride = 0;
    int bits = heif_image_get_bits_per_pixel_range(img, channel);

    p->data = heif_image_get_plane_readonly(img, channel, &stride);
    p->stride = (gsize)stride;
    p->shift = bits - 8;
    return p->data && bits >= 8 && bits <= 16 && heif_image_get_width(img, channel) == w &&
           heif_image_get_height(img, channel) == h && stride >= w * (bits > 8 ? 2 : 1);
}

static void pack_row(const plane *p, int y, guint8 *dst, int step, int w)
{
    const guint8 *row = p->data + (gsize)y * p->stride;

    for (int x = 0; x < w; x++, dst += step) {
        guint16 sample = row[x * (p->shift ? 2 : 1)];
        if (p->shift) {
            memcpy(&sample, row + (gsize)x * 2, 2);
            sample = MIN(sample >> p->shift, 255);
        }
        *dst = (guint8)sample;
    }
}

/* Colour that was stored times alpha, put on white: the picture is opaque then. */
static void premultiplied_on_white(guint8 *rgba, int w)
{
    for (int x = 0; x < w; x++, rgba += 4) {
        for (int c = 0; c < 3; c++)
            rgba[c] = (guint8)MIN(rgba[c] + 255 - rgba[3], 255);
        rgba[3] = 255;
    }
}

static gboolean interleave(struct heif_image *img, const char *label, lw_vis_image *out,
                           GError **error)
{
    static const enum heif_channel ids[] = {heif_channel_R, heif_channel_G, heif_channel_B,
                                            heif_channel_Alpha};
    plane planes[4];
    int w = heif_image_get_width(img, heif_channel_R);
    int h = heif_image_get_height(img, heif_channel_R);
    int channels = heif_image_has_channel(img, heif_channel_Alpha) ? 4 : 3;

    /* What was decoded need not be what the boxes said. */
    if (!lw_vis_check_dimensions(w, h, label, error))
        return FALSE;
    for (int c = 0; c < channels; c++) {
        if (!get_plane(img, ids[c], w, h, &planes[c])) {
            g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                        "%s: damaged HEIC picture: channel %d of %d is not %dx%d samples", label,
                        c + 1, channels, w, h);
            return FALSE;
        }
    }
    /* At most 200 million pixels: no overflow. */
    gsize row = (gsize)w * (gsize)channels;
    guint8 *pixels = lw_vis_alloc(row * (gsize)h, "decoded picture", error);
    if (!pixels) {
        g_prefix_error(error, "%s: ", label);
        return FALSE;
    }
    gboolean premultiplied = channels == 4 && heif_image_is_premultiplied_alpha(img);
    for (int y = 0; y < h; y++) {
        guint8 *dst = pixels + (gsize)y * row;
        for (int c = 0; c < channels; c++)
            pack_row(&planes[c], y, dst + c, channels, w);
        if (premultiplied)
            premultiplied_on_white(dst, w);
    }
    gboolean ok = lw_vis_upright(pixels, row, w, h, channels, 1, out, error);
    if (!ok)
        g_prefix_error(error, "%s: ", label);
    lw_free(pixels);
    return ok;
}

gboolean lw_vis_heif_still(const guint8 *bytes, gsize n, const char *label, lw_vis_image *out,
                           GError **error)
{
    struct heif_image_handle *handle = NULL;
    struct heif_image *img = NULL;
    struct heif_context *ctx = heif_context_alloc();
    gboolean ok = FALSE;

    *out = (lw_vis_image){0};
    if (!ctx) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_NO_MEMORY, "%s: libheif cannot start", label);
        return FALSE;
    }
    heif_context_set_maximum_image_size_limit(ctx, MAX_SIDE);
    if (failed(heif_context_read_from_memory_without_copy(ctx, bytes, n, NULL), label, error) ||
        failed(heif_context_get_primary_image_handle(ctx, &handle), label, error))
        goto out;

    /* Both the upright, cropped size and the stored one. */
    int stored_w = heif_image_handle_get_ispe_width(handle);
    int stored_h = heif_image_handle_get_ispe_height(handle);
    if (!lw_vis_check_dimensions(stored_w, stored_h, label, error) ||
        !lw_vis_check_dimensions(heif_image_handle_get_width(handle),
                                 heif_image_handle_get_height(handle), label, error))
        goto out;
    /* A grid has a size of its own, which nobody compared with the one just checked; the bound for
     * it is exclusive. */
    heif_context_set_maximum_image_size_limit(ctx, MIN(MAX(stored_w, stored_h) + 1, MAX_SIDE));

    if (!failed(heif_decode_image(handle, &img, heif_colorspace_RGB, heif_chroma_444, NULL), label,
                error))
        ok = interleave(img, label, out, error);
out:
    heif_image_release(img);
    heif_image_handle_release(handle);
    heif_context_free(ctx);
    return ok;
}
