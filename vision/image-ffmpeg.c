/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The picture formats stb_image lacks, through FFmpeg.  Most are one packet for one decoder; AVIF
 * (and HEIC in a build without libheif) is boxes that only the mov demuxer opens.
 */
#include "vision/vision-private.h"

#include <libavformat/avformat.h>
#include <string.h>

typedef struct {
    const guint8 *bytes;
    gint64 n, at;
} memory_io;

static int memory_read(void *opaque, guint8 *buf, int want)
{
    memory_io *io = opaque;
    gint64 n = MIN((gint64)want, io->n - io->at);
    if (n <= 0)
        return AVERROR_EOF;
    memcpy(buf, io->bytes + io->at, (gsize)n);
    io->at += n;
    return (int)n;
}

static gint64 memory_seek(void *opaque, gint64 to, int whence)
{
    memory_io *io = opaque;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return io->n;
    if (whence == SEEK_CUR)
        to += io->at;
    else if (whence == SEEK_END)
        to += io->n;
    if (to < 0 || to > io->n)
        return AVERROR(EINVAL);
    return io->at = to;
}

static int deny_open(AVFormatContext *s, AVIOContext **pb, const char *url, int flags,
                     AVDictionary **options)
{
    return AVERROR(EPERM);
}

static enum AVCodecID still_codec(lw_vis_format format)
{
    switch (format) {
    case LW_VIS_FORMAT_JPEG:
        return AV_CODEC_ID_MJPEG;
    case LW_VIS_FORMAT_PNG:
        return AV_CODEC_ID_PNG;
    case LW_VIS_FORMAT_GIF:
        return AV_CODEC_ID_GIF;
    case LW_VIS_FORMAT_BMP:
        return AV_CODEC_ID_BMP;
    case LW_VIS_FORMAT_PNM:
        return AV_CODEC_ID_PPM;
    case LW_VIS_FORMAT_WEBP:
        return AV_CODEC_ID_WEBP;
    case LW_VIS_FORMAT_TIFF:
        return AV_CODEC_ID_TIFF;
    case LW_VIS_FORMAT_JP2:
        return AV_CODEC_ID_JPEG2000;
    case LW_VIS_FORMAT_JXL:
        return AV_CODEC_ID_JPEGXL;
    default:
        return AV_CODEC_ID_NONE;
    }
}

/* One packet in, one frame out. */
static int decode_one(const AVCodec *codec, const AVCodecParameters *par, const AVPacket *pkt,
                      AVFrame *frame)
{
    AVCodecContext *ctx = avcodec_alloc_context3(codec);
    if (!ctx)
        return AVERROR(ENOMEM);
    int r = par ? avcodec_parameters_to_context(ctx, par) : 0;
    ctx->max_pixels = LW_VIS_MAX_PICTURE_PIXELS;
    ctx->thread_count = 1;
    ctx->err_recognition = codec->id == AV_CODEC_ID_TIFF ? 0 : AV_EF_EXPLODE;
    if (r >= 0)
        r = avcodec_open2(ctx, codec, NULL);
    if (r >= 0)
        r = avcodec_send_packet(ctx, pkt);
    if (r >= 0)
        r = avcodec_receive_frame(ctx, frame);
    if (r == AVERROR(EAGAIN) && (r = avcodec_send_packet(ctx, NULL)) >= 0)
        r = avcodec_receive_frame(ctx, frame);
    avcodec_free_context(&ctx);
    return r;
}

static int decode_plain(lw_vis_format format, const guint8 *bytes, gsize n, AVPacket *pkt,
                        AVFrame *frame)
{
    const AVCodec *codec = avcodec_find_decoder(still_codec(format));
    if (!codec)
        return AVERROR_DECODER_NOT_FOUND;
    int r = av_new_packet(pkt, (int)n);
    if (r < 0)
        return r;
    memcpy(pkt->data, bytes, n);
    pkt->flags |= AV_PKT_FLAG_KEY;
    return decode_one(codec, NULL, pkt, frame);
}

static int decode_boxed(const guint8 *bytes, gsize n, AVPacket *pkt, AVFrame *frame)
{
    enum { IO_BUFFER = 1 << 16 };
    memory_io io = {.bytes = bytes, .n = (gint64)n};
    guint8 *buf = av_malloc(IO_BUFFER);
    AVIOContext *pb =
        buf ? avio_alloc_context(buf, IO_BUFFER, 0, &io, memory_read, NULL, memory_seek) : NULL;
    AVFormatContext *fmt = avformat_alloc_context();
    const AVInputFormat *mov = av_find_input_format("mov");
    int r = AVERROR(ENOMEM);

    if (pb && fmt) {
        fmt->pb = pb;
        fmt->io_open = deny_open;
        fmt->flags |= AVFMT_FLAG_CUSTOM_IO;
        r = mov ? avformat_open_input(&fmt, NULL, mov, NULL) : AVERROR_DEMUXER_NOT_FOUND;
        int stream = r < 0 ? r : av_find_best_stream(fmt, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
        if (r >= 0 && stream < 0)
            r = AVERROR_PATCHWELCOME;
        while (r >= 0) {
            r = av_read_frame(fmt, pkt);
            if (r < 0 || pkt->stream_index == stream)
                break;
            av_packet_unref(pkt);
        }
        if (r >= 0) {
            const AVCodecParameters *par = fmt->streams[stream]->codecpar;
            const AVCodec *codec = avcodec_find_decoder(par->codec_id);
            r = codec ? decode_one(codec, par, pkt, frame) : AVERROR_DECODER_NOT_FOUND;
        }
    }
    avformat_close_input(&fmt);
    if (pb)
        av_freep(&pb->buffer);
    else
        av_free(buf);
    avio_context_free(&pb);
    return r;
}

gboolean lw_vis_ffmpeg_still(lw_vis_format format, const guint8 *bytes, gsize n, const char *label,
                             int orientation, lw_vis_image *out, GError **error)
{
    gboolean boxed = format == LW_VIS_FORMAT_AVIF || format == LW_VIS_FORMAT_HEIC;
    AVPacket *pkt = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    gboolean ok = FALSE;
    int r = AVERROR(ENOMEM);

    av_log_set_level(AV_LOG_QUIET);
    if (pkt && frame)
        r = boxed ? decode_boxed(bytes, n, pkt, frame) : decode_plain(format, bytes, n, pkt, frame);
    if (r < 0 && boxed) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                    "%s: this %s picture cannot be decoded by the installed FFmpeg (libavcodec "
                    "%d.%d); save it "
                    "as JPEG or PNG",
                    label, lw_vis_format_name(format), avcodec_version() >> 16,
                    avcodec_version() >> 8 & 255);
    } else if (r < 0) {
        g_autofree char *doing =
            g_strdup_printf("the %s picture cannot be decoded", lw_vis_format_name(format));
        lw_vis_set_av_error(error, label, doing, r);
    } else if (lw_vis_check_dimensions(frame->width, frame->height, label, error)) {
        lw_vis_converter c = {0};
        ok = lw_vis_convert(&c, frame, error) &&
             lw_vis_upright(c.pixels, c.stride, frame->width, frame->height, c.channels,
                            orientation, out, error);
        if (!ok)
            g_prefix_error(error, "%s: ", label);
        lw_vis_converter_clear(&c);
    }
    av_frame_free(&frame);
    av_packet_free(&pkt);
    return ok;
}
