/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * FFmpeg frames -> packed RGB, with the matrix and range the file says.
 */
#include "vision/vision-private.h"

#include "engine/base/alloc.h"

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <string.h>

/* Same pixels on every machine, chroma not shifted; both matter more here than speed. */
#define SWS_FLAGS                                                                                  \
    (SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT)

static int sws_matrix(enum AVColorSpace space, int height)
{
    switch (space) {
    case AVCOL_SPC_BT709:
        return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
        return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
        return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return SWS_CS_BT2020;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        return SWS_CS_ITU601;
    default: /* not said: high definition is BT.709 by custom */
        return height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
    }
}

/* The yuvj formats are the plain ones with the range in their name. */
static enum AVPixelFormat plain_format(int format, gboolean *full)
{
    static const enum AVPixelFormat pairs[][2] = {
        {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P}, {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P},
        {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P}, {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P},
        {AV_PIX_FMT_YUVJ411P, AV_PIX_FMT_YUV411P},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        if (format == pairs[i][0]) {
            *full = TRUE;
            return pairs[i][1];
        }
    }
    return format;
}

static gboolean set_up(lw_vis_converter *c, const AVFrame *f, GError **error)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(f->format);
    gboolean full = f->color_range == AVCOL_RANGE_JPEG;

    lw_vis_converter_clear(c);
    if (!desc || desc->flags & AV_PIX_FMT_FLAG_HWACCEL) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT, "pixel format %d cannot be converted",
                    f->format);
        return FALSE;
    }
    /* Palettes carry alpha in their entries. */
    gboolean alpha = desc->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL);
    enum AVPixelFormat src = plain_format(f->format, &full);
    /* SIMD rows may write a little past their end. */
    gsize stride = (((gsize)f->width * (alpha ? 4 : 3)) + 63) / 64 * 64;
    c->pixels = lw_vis_alloc(stride * (gsize)f->height + 64, "decoded frame", error);
    if (!c->pixels)
        return FALSE;
    c->stride = stride;
    c->channels = alpha ? 4 : 3;
    c->sws =
        sws_getContext(f->width, f->height, src, f->width, f->height,
                       alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24, SWS_FLAGS, NULL, NULL, NULL);
    if (!c->sws) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                    "pixel format %s of %dx%d cannot be converted", desc->name, f->width,
                    f->height);
        lw_vis_converter_clear(c);
        return FALSE;
    }
    /* Grey has a range too; RGB ignores the call. */
    const int *m = sws_getCoefficients(sws_matrix(f->colorspace, f->height));
    sws_setColorspaceDetails(c->sws, m, full, m, 1, 0, 1 << 16, 1 << 16);
    c->width = f->width;
    c->height = f->height;
    c->format = f->format;
    c->colorspace = f->colorspace;
    c->range = f->color_range;
    return TRUE;
}

gboolean lw_vis_convert(lw_vis_converter *c, const AVFrame *f, GError **error)
{
    if (f->width < 1 || f->height < 1 || f->height > LW_VIS_MAX_PICTURE_PIXELS / f->width) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "a frame of %dx%d pixels is over the limit of %lld", f->width, f->height,
                    LW_VIS_MAX_PICTURE_PIXELS);
        return FALSE;
    }
    if ((!c->sws || c->width != f->width || c->height != f->height || c->format != f->format ||
         c->colorspace != (int)f->colorspace || c->range != (int)f->color_range) &&
        !set_up(c, f, error))
        return FALSE;

    guint8 *dst[4] = {c->pixels};
    int strides[4] = {(int)c->stride};
    if (sws_scale(c->sws, (const guint8 *const *)f->data, f->linesize, 0, f->height, dst,
                  strides) != f->height) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                    "a frame of %dx%d pixels cannot be converted", f->width, f->height);
        return FALSE;
    }
    return TRUE;
}

void lw_vis_converter_clear(lw_vis_converter *c)
{
    sws_freeContext(c->sws);
    lw_free(c->pixels);
    *c = (lw_vis_converter){0};
}
