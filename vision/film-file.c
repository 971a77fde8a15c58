/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A film's file and its demuxer.  libavformat reads through our own descriptor: it never opens
 * anything, so playlists and references cannot reach other files or the network.
 */
#include "vision/film-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IO_BUFFER (1 << 16)
#define PROBE_BYTES (1 << 20)

/* Formats that point elsewhere, or that turn text into pictures. */
static const char *const denied[] = {
    "hls",
    "applehttp",
    "dash",
    "concat",
    "concatf",
    "ffmetadata",
    "imf",
    "sdp",
    "rtsp",
    "rtp",
    "image2",
    "lavfi",
    "tty",
    "bintext",
    "xbin",
    "idf",
    "adf",
    "vobsub",
    "webm_dash_manifest",
    "avisynth",
    "vapoursynth",
    "libgme",
    "libopenmpt",
    "libmodplug",
};

static int io_read(void *opaque, guint8 *buf, int want)
{
    lw_film_file *f = opaque;
    ssize_t got;

    if (g_get_monotonic_time() > f->deadline) {
        f->stalled = TRUE;
        return AVERROR_EXIT;
    }
    do
        got = pread(f->fd, buf, (gsize)want, f->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return AVERROR(errno);
    if (got == 0)
        return AVERROR_EOF;
    f->at += got;
    if (f->at > f->furthest) {
        f->furthest = f->at;
        f->deadline = g_get_monotonic_time() + LW_FILM_STALL_SECONDS * G_USEC_PER_SEC;
    }
    return (int)got;
}

static gint64 io_seek(void *opaque, gint64 to, int whence)
{
    lw_film_file *f = opaque;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return f->size;
    if (whence == SEEK_CUR)
        to = to > G_MAXINT64 - f->at ? -1 : to + f->at;
    else if (whence == SEEK_END)
        to = to > G_MAXINT64 - f->size ? -1 : to + f->size;
    if (to < 0)
        return AVERROR(EINVAL);
    return f->at = to;
}

static int interrupted(void *opaque)
{
    lw_film_file *f = opaque;
    if (g_get_monotonic_time() <= f->deadline)
        return 0;
    f->stalled = TRUE;
    return 1;
}

static int deny_open(AVFormatContext *s, AVIOContext **pb, const char *url, int flags,
                     AVDictionary **options)
{
    return AVERROR(EPERM);
}

static void start_clock(lw_film_file *f)
{
    f->stalled = FALSE;
    f->furthest = 0;
    f->deadline = g_get_monotonic_time() + LW_FILM_STALL_SECONDS * G_USEC_PER_SEC;
}

static gboolean is_denied(const AVInputFormat *format)
{
    g_auto(GStrv) names = g_strsplit(format->name, ",", -1);
    for (int i = 0; names[i]; i++) {
        for (gsize k = 0; k < G_N_ELEMENTS(denied); k++) {
            if (strcmp(names[i], denied[k]) == 0)
                return TRUE;
        }
        if (g_str_has_suffix(names[i], "_pipe"))
            return TRUE; /* a still picture, see image.c */
    }
    return FALSE;
}

/* The 2x2 part of a display matrix as one of EXIF's eight cases. */
static int orientation_of(const gint32 *m)
{
    gint64 a = m[0], b = m[1], c = m[3], d = m[4];
    if (ABS(a) + ABS(d) >= ABS(b) + ABS(c))
        return a >= 0 ? (d >= 0 ? 1 : 4) : (d >= 0 ? 2 : 3);
    return c >= 0 ? (b >= 0 ? 5 : 8) : (b >= 0 ? 6 : 7);
}

static int stream_orientation(const AVStream *st)
{
    const guint8 *matrix = NULL;
#if LIBAVFORMAT_VERSION_MAJOR >= 61
    const AVPacketSideData *sd = av_packet_side_data_get(
        st->codecpar->coded_side_data, st->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    if (sd && sd->size >= 9 * sizeof(gint32))
        matrix = sd->data;
#else
    size_t size = 0;
    matrix = av_stream_get_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, &size);
    if (size < 9 * sizeof(gint32))
        matrix = NULL;
#endif
    gint32 m[9];
    if (!matrix)
        return 1;
    memcpy(m, matrix, sizeof m);
    return orientation_of(m);
}

static gboolean is_moving(const AVStream *st)
{
    return st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
           !(st->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS));
}

static gboolean pick_stream(lw_film_file *f, GError **error)
{
    int best = av_find_best_stream(f->fmt, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    gboolean cover = FALSE, audio = FALSE;

    if (best >= 0 && !is_moving(f->fmt->streams[best]))
        best = -1;
    for (guint i = 0; i < f->fmt->nb_streams; i++) {
        AVStream *st = f->fmt->streams[i];
        if (best < 0 && is_moving(st))
            best = (int)i;
        cover |= st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
        audio |= st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    }
    if (best < 0) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_NO_VIDEO,
                    "%s: no video stream among %u stream%s%s", f->label, f->fmt->nb_streams,
                    f->fmt->nb_streams == 1 ? "" : "s",
                    cover   ? " (only a cover picture)"
                    : audio ? " (only sound)"
                            : "");
        return FALSE;
    }
    for (guint i = 0; i < f->fmt->nb_streams; i++)
        f->fmt->streams[i]->discard = (int)i == best ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    f->video = f->fmt->streams[best];

    const AVCodecParameters *par = f->video->codecpar;
    if (!avcodec_find_decoder(par->codec_id)) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                    "%s: there is no decoder for its video (%s) in the installed FFmpeg", f->label,
                    avcodec_get_name(par->codec_id));
        return FALSE;
    }
    if (par->width < 1 || par->height < 1) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                    "%s: its video (%s) has no size; the file is damaged", f->label,
                    avcodec_get_name(par->codec_id));
        return FALSE;
    }
    if (par->height > LW_FILM_MAX_PIXELS / par->width) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: frames of %dx%d pixels are over the limit of %lld pixels", f->label,
                    par->width, par->height, LW_FILM_MAX_PIXELS);
        return FALSE;
    }
    f->orientation = stream_orientation(f->video);
    return TRUE;
}

static void set_open_error(lw_film_file *f, const char *doing, int r, GError **error)
{
    if (f->stalled)
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: reading it made no progress for %d seconds", f->label,
                    LW_FILM_STALL_SECONDS);
    else
        lw_vis_set_av_error(error, f->label, doing, r);
}

/* A stream's decoder must not allocate more than ours may while libavformat looks at it. */
static int find_info(lw_film_file *f)
{
    guint n = f->fmt->nb_streams;
    AVDictionary **options = g_new0(AVDictionary *, MAX(n, 1));
    for (guint i = 0; i < n; i++)
        av_dict_set_int(&options[i], "max_pixels", LW_FILM_MAX_PIXELS, 0);
    int r = avformat_find_stream_info(f->fmt, n ? options : NULL);
    for (guint i = 0; i < n; i++)
        av_dict_free(&options[i]);
    g_free(options);
    return r;
}

static gboolean open_demuxer(lw_film_file *f, GError **error)
{
    const AVInputFormat *format = NULL;
    guint8 *buf = av_malloc(IO_BUFFER);

    f->at = 0;
    start_clock(f);
    f->pb = buf ? avio_alloc_context(buf, IO_BUFFER, 0, f, io_read, NULL, io_seek) : NULL;
    f->fmt = avformat_alloc_context();
    if (!f->pb || !f->fmt) {
        if (!f->pb)
            av_free(buf);
        lw_vis_set_av_error(error, f->label, "cannot open", AVERROR(ENOMEM));
        return FALSE;
    }
    /* Without a name, so that only the content decides. */
    int score = av_probe_input_buffer2(f->pb, &format, NULL, NULL, 0, PROBE_BYTES);
    if (score < 0 || !format || is_denied(format) || score < AVPROBE_SCORE_RETRY / 2) {
        if (f->stalled || score == AVERROR(EIO))
            set_open_error(f, "cannot read", score, error);
        else
            g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                        "%s: neither a picture nor a film in a format that can be decoded",
                        f->label);
        return FALSE;
    }

    AVDictionary *options = NULL;
    av_dict_set(&options, "protocol_whitelist", "none", 0);
    av_dict_set_int(&options, "max_streams", LW_FILM_MAX_STREAMS, 0);
    f->fmt->pb = f->pb;
    f->fmt->flags |= AVFMT_FLAG_CUSTOM_IO;
    f->fmt->io_open = deny_open;
    f->fmt->interrupt_callback = (AVIOInterruptCB){interrupted, f};
    f->fmt->probesize = 8 << 20;
    f->fmt->max_analyze_duration = 10 * AV_TIME_BASE;
    int r = avformat_open_input(&f->fmt, NULL, format, &options);
    av_dict_free(&options);
    if (r >= 0)
        r = find_info(f);
    if (r < 0) {
        g_autofree char *doing =
            g_strdup_printf("damaged or unfinished film (%s)", format->long_name);
        set_open_error(f, doing, r, error);
        return FALSE;
    }
    return pick_stream(f, error);
}

static void close_demuxer(lw_film_file *f)
{
    avformat_close_input(&f->fmt);
    if (f->pb)
        av_freep(&f->pb->buffer);
    avio_context_free(&f->pb);
    f->video = NULL;
}

gboolean lw_film_file_open(lw_film_file *f, const char *path, GError **error)
{
    struct stat st;

    *f = (lw_film_file){.fd = -1, .orientation = 1};
    f->label = g_filename_display_name(path);
    av_log_set_level(AV_LOG_QUIET);
    /* Non-blocking: opening a pipe by mistake must not hang. */
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0)
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_IO, "%s: cannot open: %s", f->label,
                    g_strerror(errno));
    else if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode))
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_IO, "%s: not a file that can be read",
                    f->label);
    else if (st.st_size == 0)
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT, "%s: the file is empty (0 bytes)",
                    f->label);
    else {
        f->size = st.st_size;
        if (open_demuxer(f, error))
            return TRUE;
    }
    lw_film_file_close(f);
    return FALSE;
}

gboolean lw_film_file_reopen(lw_film_file *f, GError **error)
{
    close_demuxer(f);
    if (!open_demuxer(f, error))
        return FALSE;
    /* Matroska reads its index of keyframes on the first seek. */
    if (lw_film_file_seekable(f) && f->video->start_time != AV_NOPTS_VALUE)
        av_seek_frame(f->fmt, f->video->index, f->video->start_time, AVSEEK_FLAG_BACKWARD);
    return TRUE;
}

void lw_film_file_close(lw_film_file *f)
{
    close_demuxer(f);
    if (f->fd >= 0)
        close(f->fd);
    g_free(f->label);
    *f = (lw_film_file){.fd = -1};
}

int lw_film_file_read(lw_film_file *f, AVPacket *pkt)
{
    for (;;) {
        f->deadline = g_get_monotonic_time() + LW_FILM_STALL_SECONDS * G_USEC_PER_SEC;
        int r = av_read_frame(f->fmt, pkt);
        if (r < 0)
            return r;
        if (pkt->stream_index == f->video->index)
            return 0;
        av_packet_unref(pkt);
    }
}

gboolean lw_film_file_seekable(const lw_film_file *f)
{
    const char *name = f->fmt->iformat->name;
    return strstr(name, "mov") || strstr(name, "matroska") || strcmp(name, "avi") == 0;
}
