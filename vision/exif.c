/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Just enough EXIF to hold a photo upright: the orientation tag, wherever the container keeps it.
 */
#include "vision/vision-private.h"

#include <string.h>

#define TAG_ORIENTATION 0x112

static guint32 u16(const guint8 *p, gboolean big)
{
    return big ? (guint32)p[0] << 8 | p[1] : (guint32)p[1] << 8 | p[0];
}

static guint32 u32(const guint8 *p, gboolean big)
{
    return big ? u16(p, big) << 16 | u16(p + 2, big) : u16(p + 2, big) << 16 | u16(p, big);
}

gboolean lw_vis_tiff_tag(const guint8 *t, gsize n, guint tag, guint32 *value)
{
    if (n < 8 || (memcmp(t, "II*\0", 4) != 0 && memcmp(t, "MM\0*", 4) != 0))
        return FALSE;
    gboolean big = t[0] == 'M';
    gsize at = u32(t + 4, big);
    if (at > n - 2)
        return FALSE;
    gsize count = u16(t + at, big);
    at += 2;
    for (gsize i = 0; i < count && n - at >= 12; i++, at += 12) {
        const guint8 *e = t + at;
        if (u16(e, big) != tag)
            continue;
        guint32 type = u16(e + 2, big);
        if (u32(e + 4, big) != 1 || (type != 3 && type != 4))
            return FALSE;
        *value = type == 3 ? u16(e + 8, big) : u32(e + 8, big);
        return TRUE;
    }
    return FALSE;
}

/* With or without the "Exif\0\0" that JPEG puts in front. */
static int from_exif(const guint8 *p, gsize n)
{
    guint32 v;
    if (n >= 6 && memcmp(p, "Exif\0\0", 6) == 0) {
        p += 6;
        n -= 6;
    }
    return lw_vis_tiff_tag(p, n, TAG_ORIENTATION, &v) && v >= 1 && v <= 8 ? (int)v : 1;
}

static int from_jpeg(const guint8 *p, gsize n)
{
    gsize at = 2;
    while (n - at >= 4 && p[at] == 0xff) {
        guint marker = p[at + 1];
        if (marker == 0xff) { /* fill byte */
            at++;
            continue;
        }
        gsize len = u16(p + at + 2, TRUE);
        if (marker == 0xda || marker == 0xd9 || len < 2 || len > n - at - 2)
            break;
        if (marker == 0xe1 && len >= 8 && memcmp(p + at + 4, "Exif\0\0", 6) == 0)
            return from_exif(p + at + 4, len - 2);
        at += 2 + len;
    }
    return 1;
}

static int from_png(const guint8 *p, gsize n)
{
    gsize at = 8;
    while (n > at && n - at >= 12) {
        gsize len = u32(p + at, TRUE);
        if (len > n - at - 12)
            break;
        if (memcmp(p + at + 4, "eXIf", 4) == 0)
            return from_exif(p + at + 8, len);
        at += 12 + len;
    }
    return 1;
}

static int from_webp(const guint8 *p, gsize n)
{
    gsize at = 12;
    while (n > at && n - at >= 8) {
        gsize len = u32(p + at + 4, FALSE);
        if (len > n - at - 8)
            break;
        if (memcmp(p + at, "EXIF", 4) == 0)
            return from_exif(p + at + 8, len);
        at += 8 + len + (len & 1);
    }
    return 1;
}

int lw_vis_exif_orientation(lw_vis_format format, const guint8 *bytes, gsize n)
{
    switch (format) {
    case LW_VIS_FORMAT_JPEG:
        return n > 2 ? from_jpeg(bytes, n) : 1;
    case LW_VIS_FORMAT_PNG:
        return from_png(bytes, n);
    case LW_VIS_FORMAT_WEBP:
        return from_webp(bytes, n);
    case LW_VIS_FORMAT_TIFF:
        return from_exif(bytes, n);
    default:
        return 1;
    }
}
