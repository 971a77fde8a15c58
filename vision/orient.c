/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Decoder output -> upright RGB on white, in one pass.
 */
#include "vision/vision-private.h"

#include <string.h>

/* Rounded division by 255, as Pillow blends. */
static inline guint8 on_white(guint value, guint alpha)
{
    guint t = 255 * (255 - alpha) + value * alpha + 128;
    return (guint8)((t + (t >> 8)) >> 8);
}

static inline void put(guint8 *dst, const guint8 *s, int channels)
{
    switch (channels) {
    case 1:
        dst[0] = dst[1] = dst[2] = s[0];
        break;
    case 2:
        dst[0] = dst[1] = dst[2] = on_white(s[0], s[1]);
        break;
    case 3:
        dst[0] = s[0], dst[1] = s[1], dst[2] = s[2];
        break;
    default:
        for (int c = 0; c < 3; c++)
            dst[c] = on_white(s[c], s[3]);
    }
}

gboolean lw_vis_upright(const guint8 *src, gsize stride, int w, int h, int channels,
                        int orientation, lw_vis_image *out, GError **error)
{
    gboolean swap = orientation >= 5 && orientation <= 8;
    int W = swap ? h : w, H = swap ? w : h;
    gsize n;

    *out = (lw_vis_image){0};
    if (!g_size_checked_mul(&n, (gsize)W * 3, (gsize)H))
        n = G_MAXSIZE;
    guint8 *rgb = lw_vis_alloc(n, "picture", error);
    if (!rgb)
        return FALSE;

    /* EXIF's eight cases as steps in the target: source (x, y) lands at origin + x * dx + y * dy.
     */
    const gssize px = 3, row = (gssize)W * 3, right = (gssize)(W - 1) * px,
                 bottom = (gssize)(H - 1) * row;
    const struct {
        gssize origin, dx, dy;
    } steps[9] = {
        {0, px, row},       {0, px, row}, {right, -px, row}, {right + bottom, -px, -row},
        {bottom, px, -row}, {0, row, px}, {right, row, -px}, {right + bottom, -row, -px},
        {bottom, -row, px},
    };
    int o = orientation >= 1 && orientation <= 8 ? orientation : 1;
    const gssize dx = steps[o].dx, dy = steps[o].dy;

    if (o == 1 && channels == 3) {
        for (int y = 0; y < h; y++)
            memcpy(rgb + (gsize)y * W * 3, src + (gsize)y * stride, (gsize)w * 3);
    } else {
        /* Blocks of rows, so that turning by 90 degrees stays in the cache. */
        enum { BLOCK = 32 };
        for (int y0 = 0; y0 < h; y0 += BLOCK) {
            for (int x0 = 0; x0 < w; x0 += BLOCK) {
                for (int y = y0; y < MIN(y0 + BLOCK, h); y++) {
                    const guint8 *s = src + (gsize)y * stride + (gsize)x0 * channels;
                    guint8 *d = rgb + steps[o].origin + (gssize)x0 * dx + (gssize)y * dy;
                    for (int x = x0; x < MIN(x0 + BLOCK, w); x++, s += channels, d += dx)
                        put(d, s, channels);
                }
            }
        }
    }
    *out = (lw_vis_image){.width = W, .height = H, .rgb = rgb};
    return TRUE;
}
