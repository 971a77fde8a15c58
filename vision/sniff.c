/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a file is, by its bytes: format, whether all of it is there, whether it moves.
 */
#include "vision/vision-private.h"

#include <string.h>

static guint32 le16(const guint8 *p)
{
    return (guint32)p[1] << 8 | p[0];
}

static guint32 le32(const guint8 *p)
{
    return le16(p + 2) << 16 | le16(p);
}

static guint32 le24(const guint8 *p)
{
    return (guint32)p[2] << 16 | le16(p);
}

static guint32 be32(const guint8 *p)
{
    return (guint32)p[0] << 24 | (guint32)p[1] << 16 | (guint32)p[2] << 8 | p[3];
}

static gboolean starts(const guint8 *p, gsize n, const char *magic, gsize m)
{
    return n >= m && memcmp(p, magic, m) == 0;
}

/* ISO media: the brands of the first box decide.  A still has avif, or one of HEIF's. */
static lw_vis_format sniff_ftyp(const guint8 *p, gsize n)
{
    static const char heic[][5] = {"heic", "heix", "heim", "heis", "mif1", "msf1"};
    gsize end = MIN(be32(p), n);
    gboolean heif = FALSE;

    for (gsize at = 8; at + 4 <= end && at < 8 + 64 * 4; at += at == 8 ? 8 : 4) {
        if (memcmp(p + at, "avif", 4) == 0)
            return LW_VIS_FORMAT_AVIF;
        for (gsize i = 0; i < G_N_ELEMENTS(heic); i++)
            heif |= memcmp(p + at, heic[i], 4) == 0;
    }
    return heif ? LW_VIS_FORMAT_HEIC : LW_VIS_FORMAT_OTHER;
}

lw_vis_format lw_vis_sniff(const guint8 *p, gsize n)
{
    static const struct {
        const char *magic;
        gsize n;
        lw_vis_format format;
    } table[] = {
        {"\x89PNG\r\n\x1a\n", 8, LW_VIS_FORMAT_PNG},
        {"\xff\xd8\xff", 3, LW_VIS_FORMAT_JPEG},
        {"GIF87a", 6, LW_VIS_FORMAT_GIF},
        {"GIF89a", 6, LW_VIS_FORMAT_GIF},
        {"II*\0", 4, LW_VIS_FORMAT_TIFF},
        {"MM\0*", 4, LW_VIS_FORMAT_TIFF},
        {"P5", 2, LW_VIS_FORMAT_PNM},
        {"P6", 2, LW_VIS_FORMAT_PNM},
        {"\0\0\0\x0cjP  \r\n\x87\n", 12, LW_VIS_FORMAT_JP2},
        {"\xff\x4f\xff\x51", 4, LW_VIS_FORMAT_JP2},
        {"\0\0\0\x0cJXL \r\n\x87\n", 12, LW_VIS_FORMAT_JXL},
        {"\xff\x0a", 2, LW_VIS_FORMAT_JXL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (!starts(p, n, table[i].magic, table[i].n))
            continue;
        if (table[i].format == LW_VIS_FORMAT_PNM && (n < 3 || !g_ascii_isspace(p[2])))
            continue;
        return table[i].format;
    }
    if (n >= 16 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0)
        return LW_VIS_FORMAT_WEBP;
    /* "BM" alone begins many texts; the size of the second header is one of a few. */
    if (n >= 26 && memcmp(p, "BM", 2) == 0 &&
        (le32(p + 14) == 12 || (le32(p + 14) >= 40 && le32(p + 14) <= 124)))
        return LW_VIS_FORMAT_BMP;
    if (n >= 16 && memcmp(p + 4, "ftyp", 4) == 0)
        return sniff_ftyp(p, n);
    return LW_VIS_FORMAT_OTHER;
}

const char *lw_vis_format_name(lw_vis_format format)
{
    static const char *const names[] = {
        [LW_VIS_FORMAT_OTHER] = "other",   [LW_VIS_FORMAT_PNG] = "PNG",
        [LW_VIS_FORMAT_JPEG] = "JPEG",     [LW_VIS_FORMAT_GIF] = "GIF",
        [LW_VIS_FORMAT_BMP] = "BMP",       [LW_VIS_FORMAT_PNM] = "PNM",
        [LW_VIS_FORMAT_WEBP] = "WebP",     [LW_VIS_FORMAT_TIFF] = "TIFF",
        [LW_VIS_FORMAT_JP2] = "JPEG 2000", [LW_VIS_FORMAT_JXL] = "JPEG XL",
        [LW_VIS_FORMAT_AVIF] = "AVIF",     [LW_VIS_FORMAT_HEIC] = "HEIC",
    };
    return names[format];
}

/* ---- complete? ---- */

/* Is there an end-of-image marker behind the last scan? */
static gboolean jpeg_complete(const guint8 *p, gsize n)
{
    gsize at = 2;
    while (at < n) {
        const guint8 *ff = memchr(p + at, 0xff, n - at);
        if (!ff)
            return FALSE;
        at = (gsize)(ff - p) + 1;
        if (at >= n)
            return FALSE;
        guint marker = p[at];
        if (marker == 0xff) /* fill byte */
            continue;
        at++;
        if (marker == 0xd9)
            return TRUE;
        if (marker == 0 || marker == 1 || (marker >= 0xd0 && marker <= 0xd7))
            continue; /* a stuffed byte or restart inside a scan: no length follows */
        if (n - at < 2)
            return FALSE;
        gsize len = (gsize)p[at] << 8 | p[at + 1];
        if (len > n - at)
            return FALSE;
        at += len;
    }
    return FALSE;
}

/* stb_image 2.27 writes past its tables when one Huffman table claims more than 256 codes.  Every
 * place that any reader could take for a table is looked at; a wrong alarm only means that FFmpeg
 * decodes the picture. */
gboolean lw_vis_jpeg_tables_ok(const guint8 *p, gsize n)
{
    gsize at = 0;
    while (at < n) {
        const guint8 *c4 = memchr(p + at, 0xc4, n - at);
        if (!c4)
            return TRUE;
        at = (gsize)(c4 - p) + 1;
        if (c4 == p || c4[-1] != 0xff || n - at < 2)
            continue;
        gssize left = (gssize)((gsize)p[at] << 8 | p[at + 1]) - 2;
        for (gsize t = at + 2; left > 0 && t < n;) {
            guint codes = 0;
            for (gsize i = 1; i <= 16 && t + i < n; i++)
                codes += p[t + i];
            if (codes > 256)
                return FALSE;
            t += 17 + codes;
            left -= (gssize)(17 + codes);
        }
    }
    return TRUE;
}

/* Walks a GIF's blocks; counts pictures up to `want`.  FALSE at a cut. */
static gboolean gif_walk(const guint8 *p, gsize n, int want, int *frames)
{
    *frames = 0;
    if (n < 13)
        return FALSE;
    gsize at = 13;
    if (p[10] & 0x80)
        at += (gsize)3 << ((p[10] & 7) + 1);
    while (at < n) {
        guint8 kind = p[at++];
        if (kind == 0x3b)
            return TRUE;
        if (kind == 0x21) {
            at += 1; /* label */
        } else if (kind == 0x2c) {
            if (n - at < 10)
                return FALSE;
            guint8 flags = p[at + 8];
            at += 9 + (flags & 0x80 ? (gsize)3 << ((flags & 7) + 1) : 0) + 1;
        } else {
            return TRUE; /* rubbish behind a picture; the decoder judges */
        }
        for (;;) {
            if (at >= n)
                return FALSE;
            gsize len = p[at++];
            if (len == 0)
                break;
            if (len > n - at)
                return FALSE;
            at += len;
        }
        if (kind == 0x2c && ++*frames == want)
            return TRUE;
    }
    return FALSE;
}

gboolean lw_vis_is_complete(lw_vis_format format, const guint8 *p, gsize n)
{
    int frames;
    switch (format) {
    case LW_VIS_FORMAT_JPEG:
        return jpeg_complete(p, n);
    case LW_VIS_FORMAT_GIF:
        return gif_walk(p, n, 1, &frames);
    case LW_VIS_FORMAT_WEBP:
        return (guint64)le32(p + 4) + 8 <= (guint64)n + 1; /* writers disagree about the pad byte */
    case LW_VIS_FORMAT_BMP: {
        if (n < 54 || le32(p + 14) < 40 || le32(p + 30) == 1 || le32(p + 30) == 2)
            return TRUE; /* old header or run lengths: no fixed size */
        gint64 w = (gint32)le32(p + 18), h = ABS((gint64)(gint32)le32(p + 22));
        if (w < 1 || h > LW_VIS_MAX_PICTURE_PIXELS / w)
            return TRUE; /* refused by its size */
        return (gint64)le32(p + 10) + (w * le16(p + 28) + 31) / 32 * 4 * h <= (gint64)n;
    }
    default:
        return TRUE;
    }
}

/* ---- animated? ---- */

static gboolean apng(const guint8 *p, gsize n)
{
    gsize at = 8;
    while (n > at && n - at >= 12) {
        gsize len = be32(p + at);
        if (memcmp(p + at + 4, "IDAT", 4) == 0 || len > n - at - 12)
            return FALSE;
        if (memcmp(p + at + 4, "acTL", 4) == 0)
            return len >= 8 && be32(p + at + 8) > 1;
        at += 12 + len;
    }
    return FALSE;
}

/* The count-th chunk of that name in a WebP file, or NULL; its payload lies inside the file. */
static const guint8 *webp_chunk(const guint8 *p, gsize n, const char *name, int count, gsize *len)
{
    gsize at = 12;
    while (n > at && n - at >= 8) {
        *len = le32(p + at + 4);
        if (*len > n - at - 8)
            return NULL;
        if (memcmp(p + at, name, 4) == 0 && count-- == 0)
            return p + at + 8;
        at += 8 + *len + (*len & 1);
    }
    return NULL;
}

gboolean lw_vis_is_animated(lw_vis_format format, const guint8 *p, gsize n)
{
    int frames;
    gsize len;
    switch (format) {
    case LW_VIS_FORMAT_GIF:
        gif_walk(p, n, 2, &frames);
        return frames > 1;
    case LW_VIS_FORMAT_PNG:
        return apng(p, n);
    case LW_VIS_FORMAT_WEBP:
        return webp_chunk(p, n, "ANMF", 1, &len) != NULL;
    default:
        return FALSE;
    }
}

guint8 *lw_vis_webp_first_frame(const guint8 *p, gsize n, gsize *out_n)
{
    gsize len;
    const guint8 *frame = webp_chunk(p, n, "ANMF", 0, &len);
    if (!frame || len < 16 + 8 || len > LW_VIS_MAX_PICTURE_BYTES)
        return NULL;

    /* RIFF header, VP8X with the frame's own size and "has alpha", then the frame's chunks. */
    gsize total = 12 + 18 + (len - 16);
    guint8 *out = g_try_malloc0(total + 1);
    if (!out)
        return NULL;
    guint32 riff = GUINT32_TO_LE((guint32)(total - 8)), vp8x = GUINT32_TO_LE(10u);
    memcpy(out, "RIFF", 4);
    memcpy(out + 4, &riff, 4);
    memcpy(out + 8, "WEBPVP8X", 8);
    memcpy(out + 16, &vp8x, 4);
    out[20] = 0x10;
    memcpy(out + 24, frame + 6, 6);
    memcpy(out + 30, frame + 16, len - 16);
    *out_n = total;
    return out;
}

static gboolean jpeg_size(const guint8 *p, gsize n, gint64 *width, gint64 *height)
{
    gsize at = 2;
    while (n > at && n - at >= 9 && p[at] == 0xff) {
        guint marker = p[at + 1];
        if (marker == 0xff) { /* fill byte */
            at++;
            continue;
        }
        /* Start of frame: C0 to CF without the tables C4, C8, CC. */
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
            marker != 0xcc) {
            *height = p[at + 5] << 8 | p[at + 6];
            *width = p[at + 7] << 8 | p[at + 8];
            return TRUE;
        }
        at += 2 + ((gsize)p[at + 2] << 8 | p[at + 3]);
    }
    return FALSE;
}

static gboolean webp_size(const guint8 *p, gsize n, gint64 *width, gint64 *height)
{
    gsize len;
    const guint8 *c;

    if ((c = webp_chunk(p, n, "VP8X", 0, &len)) && len >= 10) {
        *width = (gint64)le24(c + 4) + 1;
        *height = (gint64)le24(c + 7) + 1;
        return TRUE;
    }
    if ((c = webp_chunk(p, n, "VP8L", 0, &len)) && len >= 5) {
        *width = (le32(c + 1) & 0x3fff) + 1;
        *height = (le32(c + 1) >> 14 & 0x3fff) + 1;
        return TRUE;
    }
    if ((c = webp_chunk(p, n, "VP8 ", 0, &len)) && len >= 10) {
        *width = le16(c + 6) & 0x3fff;
        *height = le16(c + 8) & 0x3fff;
        return TRUE;
    }
    return FALSE;
}

gboolean lw_vis_header_size(lw_vis_format format, const guint8 *p, gsize n, gint64 *width,
                            gint64 *height)
{
    guint32 w, h;

    switch (format) {
    case LW_VIS_FORMAT_PNG:
        if (n < 24 || memcmp(p + 12, "IHDR", 4) != 0)
            return FALSE;
        *width = be32(p + 16);
        *height = be32(p + 20);
        return TRUE;
    case LW_VIS_FORMAT_JPEG:
        return jpeg_size(p, n, width, height);
    case LW_VIS_FORMAT_GIF:
        if (n < 10)
            return FALSE;
        *width = le16(p + 6);
        *height = le16(p + 8);
        return TRUE;
    case LW_VIS_FORMAT_BMP:
        if (le32(p + 14) == 12) {
            *width = le16(p + 18);
            *height = le16(p + 20);
        } else {
            *width = (gint32)le32(p + 18);
            *height = ABS((gint64)(gint32)le32(p + 22)); /* negative: top down */
        }
        return TRUE;
    case LW_VIS_FORMAT_WEBP:
        return webp_size(p, n, width, height);
    case LW_VIS_FORMAT_TIFF:
        if (!lw_vis_tiff_tag(p, n, 256, &w) || !lw_vis_tiff_tag(p, n, 257, &h))
            return FALSE;
        *width = w;
        *height = h;
        return TRUE;
    default:
        return FALSE;
    }
}
