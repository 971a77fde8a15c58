/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Films: which frames arrive, at what times, in how much memory, and what is refused.  The films
 * are encoded here; every frame carries its number as 16 black or white bars.
 */
#include "vision/film-private.h"

#include <glib/gstdio.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define W 128
#define H 64
#define BARS 16

/* Small cells, so that a 128x64 film is shown as it is: 16x8 merged cells. */
static const lw_vision_spec spec = {
    .patch_size = 4,
    .merge_size = 2,
    .temporal_patch_size = 2,
    .min_pixels = 64,
    .max_pixels = 64 * 16384,
    .mean = {0.5f, 0.5f, 0.5f},
    .std = {0.5f, 0.5f, 0.5f},
    .tokens_per_second = 2,
};

static char *tmp_dir;

static char *tmp_path(const char *name)
{
    return g_build_filename(tmp_dir, name, NULL);
}

/* ---- writing ---- */

typedef struct {
    const char *name;
    enum AVCodecID codec;
    int frames;
    AVRational fps;
    int gop, b_frames;
    const int *pts;  /* in 1/1000 s instead of the rate */
    double rotation; /* degrees clockwise, of the display matrix */
    gboolean fast_start;
} film_spec;

static void check(int r)
{
    if (r < 0)
        g_error("libav: %s", av_err2str(r));
}

static void draw(AVFrame *f, int number)
{
    check(av_frame_make_writable(f));
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++)
            f->data[0][y * f->linesize[0] + x] = number >> (x * BARS / W) & 1 ? 235 : 16;
    }
    for (int p = 1; p < 3; p++) {
        for (int y = 0; y < H / 2; y++)
            memset(f->data[p] + y * f->linesize[p], 128, W / 2);
    }
}

static void write_packets(AVFormatContext *fmt, AVCodecContext *enc, AVStream *st, AVPacket *pkt)
{
    int r;
    while ((r = avcodec_receive_packet(enc, pkt)) >= 0) {
        pkt->stream_index = st->index;
        if (pkt->duration == 0)
            pkt->duration = 1;
        av_packet_rescale_ts(pkt, enc->time_base, st->time_base);
        check(av_interleaved_write_frame(fmt, pkt));
    }
}

static char *write_film(const film_spec *s)
{
    char *path = tmp_path(s->name);
    AVFormatContext *fmt = NULL;
    const AVCodec *codec = avcodec_find_encoder(s->codec);
    g_assert_nonnull(codec);
    check(avformat_alloc_output_context2(&fmt, NULL, NULL, path));
    AVCodecContext *enc = avcodec_alloc_context3(codec);
    enc->width = W;
    enc->height = H;
    enc->pix_fmt = s->codec == AV_CODEC_ID_MJPEG ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    enc->time_base = s->pts ? (AVRational){1, 1000} : av_inv_q(s->fps);
    enc->framerate = s->fps;
    enc->gop_size = s->gop;
    enc->max_b_frames = s->b_frames;
    enc->bit_rate = 400000;
    enc->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
    enc->global_quality = 2 * FF_QP2LAMBDA;
    enc->thread_count = 1;
    if (fmt->oformat->flags & AVFMT_GLOBALHEADER)
        enc->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    check(avcodec_open2(enc, codec, NULL));
    AVStream *st = avformat_new_stream(fmt, NULL);
    check(avcodec_parameters_from_context(st->codecpar, enc));
    st->time_base = enc->time_base;
    st->avg_frame_rate = s->fps;
    if (s->rotation != 0) {
        gint32 *m =
            (gint32 *)(void *)av_stream_new_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof *m);
        av_display_rotation_set(m, s->rotation);
    }
    AVDictionary *options = NULL;
    if (s->fast_start)
        av_dict_set(&options, "movflags", "+faststart", 0);
    check(avio_open(&fmt->pb, path, AVIO_FLAG_WRITE));
    check(avformat_write_header(fmt, &options));
    av_dict_free(&options);

    AVFrame *f = av_frame_alloc();
    f->width = W;
    f->height = H;
    f->format = enc->pix_fmt;
    check(av_frame_get_buffer(f, 0));
    AVPacket *pkt = av_packet_alloc();
    for (int i = 0; i < s->frames; i++) {
        draw(f, i);
        f->pts = s->pts ? s->pts[i] : i;
        f->quality = enc->global_quality;
        check(avcodec_send_frame(enc, f));
        write_packets(fmt, enc, st, pkt);
    }
    check(avcodec_send_frame(enc, NULL));
    write_packets(fmt, enc, st, pkt);
    check(av_write_trailer(fmt));
    av_frame_free(&f);
    av_packet_free(&pkt);
    avcodec_free_context(&enc);
    avio_closep(&fmt->pb);
    avformat_free_context(fmt);
    return path;
}

/* ---- reading ---- */

static int number_in(const lw_media *m, const float *patches, int time)
{
    int number = 0;
    g_assert_cmpint(m->grid_h, ==, H / 4);
    g_assert_cmpint(m->grid_w, ==, W / 4);
    for (int bar = 0; bar < BARS; bar++) {
        /* Middle row of cells, first patch of the cell, pixel (2, 2), red. */
        gsize row = (gsize)((H / 16) * BARS + bar) * 4;
        float v = patches[row * (gsize)m->patch_dim + (gsize)time * 16 + 2 * 4 + 2];
        g_assert_cmpfloat(fabsf(v), >, 0.1f); /* coarse encoders smear */
        if (v > 0)
            number |= 1 << bar;
    }
    return number;
}

/* Numbers of all frames that the tower would see. */
static int *numbers(lw_media *m)
{
    g_autofree float *patches = g_new(float, (gsize)m->grid_h * m->grid_w * m->patch_dim);
    int *got = g_new(int, m->grid_t * 2);
    for (int t = 0; t < m->grid_t; t++) {
        g_autoptr(GError) error = NULL;
        m->read_grid(m, t, patches, &error);
        g_assert_no_error(error);
        got[2 * t] = number_in(m, patches, 0);
        got[2 * t + 1] = number_in(m, patches, 1);
    }
    return got;
}

static lw_media *open_film(const char *path, const lw_vis_options *options)
{
    g_autoptr(GError) error = NULL;
    lw_media *m = lw_vis_open(path, &spec, options, &error);
    g_assert_no_error(error);
    g_test_message("%s: %s", m->label, m->note);
    g_assert_cmpint(m->kind, ==, LW_MEDIA_FILM);
    return m;
}

/* The rule in double, which agrees with the reference's floats for these sizes. */
static void assert_chosen(lw_media *m, int total)
{
    int n = m->grid_t * 2;
    g_autofree int *got = numbers(m);
    for (int i = 0; i < n; i++) {
        int want = (int)rint((double)(total - 1) * i / (n - 1));
        if (got[i] != want)
            g_error("%s: frame %d of %d: got %d, expected %d", m->label, i, n, got[i], want);
    }
}

static void test_frame_choice(void)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "..", "golden", "pillow", "frame-choice.txt", NULL);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    int tried = 0;
    for (int i = 0; lines[i]; i++) {
        gint64 total;
        double video_fps, fps;
        int max_frames, n;
        char sha[65];
        if (lines[i][0] == '#')
            continue;
        g_assert_cmpint(sscanf(lines[i], "%" G_GINT64_FORMAT " %lf %lf %d %d %64s", &total,
                               &video_fps, &fps, &max_frames, &n, sha),
                        ==, 6);
        g_test_message("%s", lines[i]);
        g_assert_cmpint(lw_film_n_frames(total, video_fps, fps, max_frames), ==, n);
        g_autofree guint32 *index = g_new(guint32, n);
        for (int k = 0; k < n; k++)
            index[k] = GUINT32_TO_LE((guint32)lw_film_frame_index(total, n, k));
        g_autofree char *got =
            g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)index, (gsize)n * 4);
        g_assert_cmpstr(got, ==, sha);
        tried++;
    }
    g_assert_cmpint(tried, >, 300);
}

static void test_containers(void)
{
    static const film_spec films[] = {
        {"mpeg4.mp4", AV_CODEC_ID_MPEG4, 100, {10, 1}, 12, 0},
        {"b-frames.mp4", AV_CODEC_ID_MPEG4, 90, {30000, 1001}, 12, 2},
        {"b-frames.mkv", AV_CODEC_ID_MPEG4, 90, {30000, 1001}, 12, 2},
        {"mjpeg.avi", AV_CODEC_ID_MJPEG, 61, {25, 1}, 1, 0},
        {"mpeg4.avi", AV_CODEC_ID_MPEG4, 75, {25, 1}, 15, 2},
        {"mpeg2.ts", AV_CODEC_ID_MPEG2VIDEO, 75, {25, 1}, 12, 2},
        {"mpeg1.mpg", AV_CODEC_ID_MPEG1VIDEO, 75, {25, 1}, 12, 2},
        {"raw.m2v", AV_CODEC_ID_MPEG2VIDEO, 75, {25, 1}, 12, 2},
        {"ffv1.mkv", AV_CODEC_ID_FFV1, 40, {24, 1}, 1, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(films); i++) {
        g_autofree char *path = write_film(&films[i]);
        lw_media *m = open_film(path, NULL);
        double fps = av_q2d(films[i].fps);
        int n = lw_film_n_frames(films[i].frames, fps, 2, 768);
        g_assert_cmpint(m->grid_t * 2, ==, n);
        g_assert_cmpfloat_with_epsilon(m->seconds_per_grid,
                                       2.0 / ((double)n / films[i].frames * fps), 1e-6);
        assert_chosen(m, films[i].frames);
        assert_chosen(m, films[i].frames); /* again from the start */
        lw_media_unref(m);

        /* All frames, and half of them. */
        lw_media *all = open_film(path, &(lw_vis_options){.fps = 500});
        g_assert_cmpint(all->grid_t * 2, ==, films[i].frames / 2 * 2);
        assert_chosen(all, films[i].frames);
        lw_media_unref(all);
        g_unlink(path);
    }
}

/* Few frames from many: jumps to keyframes must not change which ones arrive. */
static void test_seek(void)
{
    static const film_spec films[] = {
        {"long.mp4", AV_CODEC_ID_MPEG4, 2000, {25, 1}, 25, 2},
        {"long.mkv", AV_CODEC_ID_MPEG4, 2000, {25, 1}, 50, 2},
        {"long.avi", AV_CODEC_ID_MPEG4, 2000, {25, 1}, 50, 0},
        {"one-keyframe.mp4", AV_CODEC_ID_MPEG4, 500, {25, 1}, 600, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(films); i++) {
        g_autofree char *path = write_film(&films[i]);
        lw_media *m = open_film(path, &(lw_vis_options){.max_frames = 12});
        g_assert_cmpint(m->grid_t, ==, 6);
        assert_chosen(m, films[i].frames);

        /* Out of order. */
        g_autofree float *patches = g_new(float, (gsize)m->grid_h * m->grid_w * m->patch_dim);
        static const int order[] = {5, 2, 2, 4, 0, 5};
        for (gsize k = 0; k < G_N_ELEMENTS(order); k++) {
            g_autoptr(GError) error = NULL;
            m->read_grid(m, order[k], patches, &error);
            g_assert_no_error(error);
            g_assert_cmpint(number_in(m, patches, 1), ==,
                            (int)rint((films[i].frames - 1) * (2.0 * order[k] + 1) / 11));
        }
        lw_media_unref(m);

        /* The reader itself: did it jump where it can? */
        lw_film_file file;
        lw_film_survey survey;
        lw_film_reader reader;
        g_autoptr(GError) error = NULL;
        g_assert_true(lw_film_file_open(&file, path, &error));
        g_assert_true(lw_film_survey_run(&file, 1 << 30, &survey, &error));
        g_assert_cmpint(survey.frames, ==, films[i].frames);
        g_assert_true(lw_film_reader_init(&reader, &file, &survey, &error));
        for (int k = 0; k < 5; k++) {
            double time;
            int index = k * (films[i].frames - 1) / 4;
            g_assert_nonnull(
                lw_film_reader_at(&reader, survey.first + index / 25.0, &time, &error));
            g_assert_cmpfloat_with_epsilon(time, survey.first + index / 25.0, 0.002);
        }
        g_test_message("%s: %d of %d frames decoded, %d jumps", films[i].name, (int)reader.decoded,
                       films[i].frames, (int)reader.seeks);
        if (films[i].gop < 100) {
            g_assert_cmpint(reader.seeks, >, 0);
            g_assert_cmpint(reader.decoded, <, films[i].frames / 2);
        } else {
            g_assert_cmpint(reader.decoded, <=, films[i].frames);
        }
        lw_film_reader_clear(&reader);
        lw_film_file_close(&file);
        g_unlink(path);
    }
}

/* Half of the frames in the first second, the rest one per second: chosen by time, not by number.
 */
static void test_variable_rate(void)
{
    enum { FAST = 20, SLOW = 20, N = FAST + SLOW };
    int pts[N];
    for (int i = 0; i < N; i++)
        pts[i] = i < FAST ? i * 50 : 1000 + (i - FAST) * 1000;
    static const char *const names[] = {"vfr.mkv", "vfr.mp4"};
    for (gsize k = 0; k < G_N_ELEMENTS(names); k++) {
        film_spec s = {names[k], AV_CODEC_ID_MPEG4, N, {2, 1}, 10, 0, .pts = pts};
        g_autofree char *path = write_film(&s);
        lw_media *m = open_film(path, &(lw_vis_options){.max_frames = 10});
        int n = m->grid_t * 2;
        g_autofree int *got = numbers(m);
        for (int i = 0; i < n; i++) {
            int index = (int)rint((double)(N - 1) * i / (n - 1)), best = 0;
            double want = pts[N - 1] * (double)index / (N - 1);
            for (int j = 1; j < N; j++) {
                if (fabs(pts[j] - want) < fabs(pts[best] - want))
                    best = j;
            }
            g_assert_cmpint(got[i], ==, best);
        }
        lw_media_unref(m);
        g_unlink(path);
    }
}

static void test_short(void)
{
    for (int frames = 1; frames <= 5; frames++) {
        film_spec s = {"short.mkv", AV_CODEC_ID_MJPEG, frames, {10, 1}, 1, 0};
        g_autofree char *path = write_film(&s);
        lw_media *m = open_film(path, NULL);
        g_autofree int *got = numbers(m);
        g_assert_cmpint(m->grid_t, ==, frames < 4 ? 1 : 2);
        g_assert_cmpint(got[0], ==, 0);
        g_assert_cmpint(got[m->grid_t * 2 - 1], ==, frames - 1);
        g_assert_true(isfinite(m->seconds_per_grid) && m->seconds_per_grid > 0);
        g_assert_cmpint(strstr(m->note, "repeated") != NULL, ==, frames == 1);
        lw_media_unref(m);
        g_unlink(path);
    }
}

static void test_rotation(void)
{
    /* The bars run down the side after a quarter turn: read them from the picture. */
    film_spec s = {"phone.mp4", AV_CODEC_ID_MPEG4, 8, {4, 1}, 4, 0, .rotation = 90};
    g_autofree char *path = write_film(&s);
    g_autoptr(GError) error = NULL;
    lw_vis_image img;
    double seconds;
    g_assert_true(lw_vis_thumbnail(path, 1000, &img, &seconds, &error));
    g_assert_no_error(error);
    g_assert_cmpint(img.width, ==, H);
    g_assert_cmpint(img.height, ==, W);
    g_assert_cmpfloat_with_epsilon(seconds, 2.0, 0.01);
    lw_vis_image_clear(&img);

    lw_media *m = open_film(path, &(lw_vis_options){.fps = 4});
    g_assert_cmpint(m->grid_h, ==, W / 4);
    g_assert_cmpint(m->grid_w, ==, H / 4);
    /* Frame 1: bar 0 is white.  Turned clockwise, the left bar is on top. */
    g_autofree float *patches = g_new(float, (gsize)m->grid_h * m->grid_w * m->patch_dim);
    g_assert_true(m->read_grid(m, 0, patches, &error));
    int cells_w = m->grid_w / 2, cells_h = m->grid_h / 2;
    for (int row = 0; row < cells_h; row++) {
        float v = patches[(gsize)(row * cells_w + cells_w / 2) * 4 * (gsize)m->patch_dim + 16 +
                          2 * 4 + 2];
        g_assert_cmpint(v > 0, ==, row == 0);
    }
    lw_media_unref(m);
    g_unlink(path);
}

static void test_max_tokens(void)
{
    film_spec s = {"budget.mkv", AV_CODEC_ID_MPEG4, 200, {10, 1}, 10, 0};
    g_autofree char *path = write_film(&s);
    lw_media *free_size = open_film(path, NULL);
    g_assert_null(strstr(free_size->note, "to fit"));
    static const gint64 caps[] = {1, 2, 15, 16, 17, 100, 320, 1000, 100000};
    for (gsize i = 0; i < G_N_ELEMENTS(caps); i++) {
        lw_media *m = open_film(path, &(lw_vis_options){.max_tokens = caps[i]});
        g_autofree float *patches = g_new(float, (gsize)m->grid_h * m->grid_w * m->patch_dim);
        g_assert_true(m->read_grid(m, m->grid_t - 1, patches, NULL));
        g_assert_cmpint(lw_media_n_tokens(m), >, 0);
        g_assert_cmpint(lw_media_n_tokens(m), <=, caps[i]);
        g_assert_cmpint(strstr(m->note, "to fit") != NULL, ==,
                        lw_media_n_tokens(m) < lw_media_n_tokens(free_size));
        if (m->grid_t < free_size->grid_t)
            g_assert_nonnull(strstr(m->note, "fewer"));
        if (m->grid_h * m->grid_w < free_size->grid_h * free_size->grid_w) {
            g_assert_nonnull(strstr(m->note, "smaller"));
            g_assert_true(memcmp(m->hash, free_size->hash, 32) != 0);
        }
        /* Frames shrink before any is dropped. */
        if (caps[i] >= 16 * free_size->grid_t)
            g_assert_cmpint(m->grid_t, ==, free_size->grid_t);
        lw_media_unref(m);
    }
    lw_media *again = open_film(path, NULL);
    g_assert_cmpmem(again->hash, 32, free_size->hash, 32);
    lw_media_unref(again);
    lw_media_unref(free_size);
    g_unlink(path);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static gint64 peak_kib(void)
{
    g_autofree char *text = NULL;
    const char *at;
    if (!g_file_get_contents("/proc/self/status", &text, NULL, NULL) ||
        !(at = strstr(text, "VmHWM:")))
        return -1;
    return g_ascii_strtoll(at + 6, NULL, 10);
}
#endif

static void test_memory(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    g_test_skip("a sanitizer keeps freed memory, or shadows it");
#else
    film_spec few = {"few.mp4", AV_CODEC_ID_MPEG4, 20, {25, 1}, 12, 2};
    film_spec many = {"many.mp4", AV_CODEC_ID_MPEG4, 4000, {25, 1}, 12, 2};
    g_autofree char *a = write_film(&few), *b = write_film(&many);
    gint64 peak[2];
    for (int k = 0; k < 2; k++) {
        lw_media *m = open_film(k ? b : a, &(lw_vis_options){.fps = 5});
        g_autofree int *got = numbers(m);
        g_assert_cmpint(got[m->grid_t * 2 - 1], ==, k ? 3999 : 19);
        peak[k] = peak_kib();
        lw_media_unref(m);
    }
    if (peak[0] < 0) {
        g_test_skip("no VmHWM in /proc/self/status");
    } else {
        /* One decoded frame is 12 KiB, 4,000 would be 48 MiB. */
        g_test_message("peak %d KiB for 20 frames, %d KiB for 4000", (int)peak[0], (int)peak[1]);
        g_assert_cmpint(peak[1] - peak[0], <, 6 * 1024);
    }
    g_unlink(a);
    g_unlink(b);
#endif
}

static void expect(const char *path, lw_vis_error code, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *base = g_path_get_basename(path);
    lw_media *m = lw_vis_open(path, &spec, NULL, &error);
    g_assert_null(m);
    g_test_message("%s", error->message);
    g_assert_error(error, LW_VIS_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, base));
    g_assert_nonnull(strstr(error->message, says));
    lw_vis_image img;
    g_assert_false(lw_vis_thumbnail(path, 64, &img, NULL, NULL));
}

static void write_bytes(const char *path, const void *bytes, gsize n)
{
    g_autoptr(GError) error = NULL;
    g_file_set_contents(path, bytes, (gssize)n, &error);
    g_assert_no_error(error);
}

static void test_truncated(void)
{
    film_spec s = {"whole.mp4", AV_CODEC_ID_MPEG4, 100, {10, 1}, 10, 0};
    g_autofree char *path = write_film(&s), *cut = tmp_path("cut.mp4");
    g_autofree char *bytes = NULL;
    gsize n;
    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    /* The table is at the end: without it there is nothing to show. */
    write_bytes(cut, bytes, n / 2);
    expect(cut, LW_VIS_ERROR_FORMAT, "cut.mp4");
    write_bytes(cut, bytes, 20);
    expect(cut, LW_VIS_ERROR_FORMAT, "cut.mp4");
    g_unlink(path);

    /* The table is in front: the first half is shown, and the note says so. */
    film_spec fast = s;
    fast.fast_start = TRUE;
    g_autofree char *front = write_film(&fast);
    g_autofree char *front_bytes = NULL;
    g_assert_true(g_file_get_contents(front, &front_bytes, &n, NULL));
    write_bytes(cut, front_bytes, n * 6 / 10);
    lw_media *m = open_film(cut, NULL);
    g_assert_nonnull(strstr(m->note, "cut off"));
    g_autofree int *got = numbers(m);
    g_assert_cmpint(got[0], ==, 0);
    g_assert_cmpint(got[m->grid_t * 2 - 1], <, 80);
    lw_media_unref(m);

    /* The same from the table alone, as for large files. */
    lw_film_file file;
    lw_film_survey by_table, by_count;
    g_assert_true(lw_film_file_open(&file, cut, NULL));
    g_assert_true(lw_film_survey_run(&file, 0, &by_table, NULL));
    g_assert_true(lw_film_survey_run(&file, G_MAXINT64, &by_count, NULL));
    g_assert_cmpint(by_table.cut_off, >, 20);
    g_assert_cmpint(ABS(by_table.frames - by_count.frames), <=, 1);
    lw_film_file_close(&file);
    g_unlink(front);
    g_unlink(cut);
}

/* No single damaged byte may crash; whatever opens must be readable or fail with our error. */
static void test_mutated(void)
{
    film_spec films[] = {
        {"mutant.mp4", AV_CODEC_ID_MPEG4, 12, {10, 1}, 4, 0},
        {"mutant.mkv", AV_CODEC_ID_MJPEG, 6, {10, 1}, 1, 0},
        {"mutant.avi", AV_CODEC_ID_MPEG4, 12, {10, 1}, 4, 0},
    };
    guint32 seed = 99;
    for (gsize i = 0; i < G_N_ELEMENTS(films); i++) {
        g_autofree char *path = write_film(&films[i]);
        g_autofree char *bytes = NULL;
        gsize n;
        g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
        for (int round = 0; round < 60; round++) {
            g_autofree char *copy = g_memdup2(bytes, n);
            for (int k = 0; k < 1 + round % 8; k++) {
                seed = seed * 1664525u + 1013904223u;
                copy[(seed >> 4) % n] = (char)(seed >> 20);
            }
            write_bytes(path, copy, n);
            g_autoptr(GError) error = NULL;
            lw_media *m = lw_vis_open(path, &spec, NULL, &error);
            if (m) {
                g_autofree float *patches =
                    g_new(float, (gsize)m->grid_h * m->grid_w * m->patch_dim);
                for (int t = 0; t < MIN(m->grid_t, 8); t++) {
                    if (!m->read_grid(m, t, patches, &error)) {
                        g_assert_cmpint(error->domain, ==, LW_VIS_ERROR);
                        break;
                    }
                }
                lw_media_unref(m);
            } else {
                g_assert_cmpint(error->domain, ==, LW_VIS_ERROR);
            }
        }
        g_unlink(path);
    }
}

/* A song with a cover picture, as music collections have them. */
static char *write_song(const char *name)
{
    char *path = tmp_path(name);
    AVFormatContext *fmt = NULL;
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_FLAC);
    g_assert_nonnull(codec);
    check(avformat_alloc_output_context2(&fmt, NULL, "flac", path));
    AVCodecContext *enc = avcodec_alloc_context3(codec);
    enc->sample_rate = 8000;
    enc->sample_fmt = AV_SAMPLE_FMT_S16;
    av_channel_layout_default(&enc->ch_layout, 1);
    enc->time_base = (AVRational){1, 8000};
    check(avcodec_open2(enc, codec, NULL));
    AVStream *sound = avformat_new_stream(fmt, NULL), *cover = avformat_new_stream(fmt, NULL);
    check(avcodec_parameters_from_context(sound->codecpar, enc));
    sound->time_base = enc->time_base;
    cover->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    cover->codecpar->codec_id = AV_CODEC_ID_PNG;
    cover->codecpar->width = 16;
    cover->codecpar->height = 12;
    cover->disposition = AV_DISPOSITION_ATTACHED_PIC;
    check(avio_open(&fmt->pb, path, AVIO_FLAG_WRITE));
    check(avformat_write_header(fmt, NULL));

    g_autofree char *png_path = g_test_build_filename(G_TEST_DIST, "..", "golden", "pillow",
                                                      "pictures", "palette.png", NULL);
    g_autofree char *png = NULL;
    gsize n;
    g_assert_true(g_file_get_contents(png_path, &png, &n, NULL));
    AVPacket *pkt = av_packet_alloc();
    check(av_new_packet(pkt, (int)n));
    memcpy(pkt->data, png, n);
    pkt->stream_index = cover->index;
    check(av_interleaved_write_frame(fmt, pkt));

    AVFrame *f = av_frame_alloc();
    f->nb_samples = enc->frame_size;
    f->format = enc->sample_fmt;
    check(av_channel_layout_copy(&f->ch_layout, &enc->ch_layout));
    check(av_frame_get_buffer(f, 0));
    memset(f->data[0], 0, (gsize)f->nb_samples * 2);
    f->pts = 0;
    check(avcodec_send_frame(enc, f));
    write_packets(fmt, enc, sound, pkt);
    check(avcodec_send_frame(enc, NULL));
    write_packets(fmt, enc, sound, pkt);
    check(av_write_trailer(fmt));
    av_frame_free(&f);
    av_packet_free(&pkt);
    avcodec_free_context(&enc);
    avio_closep(&fmt->pb);
    avformat_free_context(fmt);
    return path;
}

static void test_no_video(void)
{
    g_autofree char *song = write_song("song.flac");
    expect(song, LW_VIS_ERROR_NO_VIDEO, "cover picture");
    g_unlink(song);

    guint8 wav[44 + 8000] =
        "RIFF\x64\x1f\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x40\x1f";
    g_autofree char *sound = tmp_path("sound.wav");
    write_bytes(sound, wav, sizeof wav);
    expect(sound, LW_VIS_ERROR_NO_VIDEO, "only sound");
    g_unlink(sound);
}

static void test_wrong_files(void)
{
    static const struct {
        const char *name, *content;
    } files[] = {
        {"notes.txt", "Only text.\nNothing that moves, and nothing to see.\n"},
        {"letters.mp4", "This is not a film, whatever its name says.\n"},
        {"list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-VERSION:3\n#EXTINF:10,\nwhole."
                      "mp4\n#EXT-X-ENDLIST\n"},
        {"list.ffconcat", "ffconcat version 1.0\nfile whole.mp4\n"},
        {"stream.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video "
                       "5004 RTP/AVP 96\n"},
        {"picture.svg",
         "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"></svg>\n"},
        {"manifest.mpd",
         "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = tmp_path(files[i].name);
        write_bytes(path, files[i].content, strlen(files[i].content));
        expect(path, LW_VIS_ERROR_FORMAT, "neither a picture nor a film");
        g_unlink(path);
    }
    g_autofree char *empty = tmp_path("empty.mp4"), *gone = tmp_path("gone.mp4");
    write_bytes(empty, "", 0);
    expect(empty, LW_VIS_ERROR_FORMAT, "empty");
    g_unlink(empty);
    expect(gone, LW_VIS_ERROR_IO, "No such file");
    expect(tmp_dir, LW_VIS_ERROR_IO, "");
}

static void test_animations(void)
{
    static const struct {
        const char *name;
        lw_media_kind kind;
    } files[] = {
        {"moving.gif", LW_MEDIA_FILM},   {"moving.png", LW_MEDIA_FILM},
        {"plain.gif", LW_MEDIA_PICTURE}, {"palette.png", LW_MEDIA_PICTURE},
        {"grey.jpg", LW_MEDIA_PICTURE},  {"moving.webp", LW_MEDIA_PICTURE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "golden", "pillow",
                                                      "pictures", files[i].name, NULL);
        g_autoptr(GError) error = NULL;
        lw_media *m = lw_vis_open(path, &spec, NULL, &error);
        g_assert_no_error(error);
        g_test_message("%s: %s", m->label, m->note);
        if (g_str_has_suffix(files[i].name, "webp"))
            g_assert_true(m->kind == LW_MEDIA_FILM || strstr(m->note, "first frame"));
        else
            g_assert_cmpint(m->kind, ==, files[i].kind);
        if (m->kind == LW_MEDIA_FILM)
            g_assert_cmpint(m->grid_t, ==, 2);
        /* First and second frame differ: a drawing and a dark field. */
        if (m->kind == LW_MEDIA_FILM) {
            g_autofree float *p = g_new(float, (gsize)m->grid_h * m->grid_w * m->patch_dim);
            g_assert_true(m->read_grid(m, 0, p, &error));
            g_assert_cmpfloat(p[0], >, 0.4f);   /* red of the drawing's corner is 200 */
            g_assert_cmpfloat(p[16], <, -0.8f); /* the same pixel of the second frame is 9 */
        }
        lw_media_unref(m);
    }
}

static void test_thumbnail(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "golden", "pillow", "pictures",
                                                  "orientation-6.jpg", NULL);
    g_autoptr(GError) error = NULL;
    lw_vis_image img;
    double seconds = -1;
    g_assert_true(lw_vis_thumbnail(path, 8, &img, &seconds, &error));
    g_assert_no_error(error);
    g_assert_cmpint(img.width, ==, 8);
    g_assert_cmpint(img.height, ==, 6);
    g_assert_cmpfloat(seconds, ==, 0);
    lw_vis_image_clear(&img);
    g_assert_false(lw_vis_thumbnail(path, 0, &img, NULL, &error));
    g_assert_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT);
}

/* For a model that sees every grid behind its time, times are means of two frames, and the words count. */
static void test_by_grid(void)
{
    film_spec s = {"grids.mkv", AV_CODEC_ID_MPEG4, 200, {10, 1}, 10, 0};
    g_autofree char *path = write_film(&s);
    g_autoptr(GError) error = NULL;
    lw_vision_spec grids = spec;
    grids.film_by_grid = TRUE;

    lw_media *m = lw_vis_open_film(path, &grids, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(m->grid_t, ==, 20); /* 20 s, 40 frames */
    for (int t = 0; t < m->grid_t; t++) {
        double first = rint(199.0 / 39 * (2 * t)) / 10, last = rint(199.0 / 39 * (2 * t + 1)) / 10;
        g_assert_cmpfloat_with_epsilon(m->grid_seconds[t], (first + last) / 2, 1e-9);
    }
    g_assert_cmpint(lw_media_room(m), ==, lw_media_n_tokens(m) + 20 * LW_MEDIA_GRID_WORDS);
    lw_media_unref(m);

    static const gint64 caps[] = {LW_MEDIA_GRID_WORDS + 1, 40, 100, 320, 620, 1000, 2000};
    for (gsize i = 0; i < G_N_ELEMENTS(caps); i++) {
        m = lw_vis_open_film(path, &grids, &(lw_vis_options){.max_tokens = caps[i]}, &error);
        g_assert_no_error(error);
        g_assert_cmpint(lw_media_room(m), <=, caps[i]);
        lw_media_unref(m);
    }
    m = open_film(path, NULL);
    g_assert_null(m->grid_seconds);
    lw_media_unref(m);
    g_unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    av_log_set_level(AV_LOG_QUIET);
    tmp_dir = g_dir_make_tmp("lw-film-XXXXXX", NULL);
    g_assert_nonnull(tmp_dir);
    /* First: the peak of the process must not come from another test. */
    g_test_add_func("/film/memory", test_memory);
    g_test_add_func("/film/frame-choice", test_frame_choice);
    g_test_add_func("/film/containers", test_containers);
    g_test_add_func("/film/seek", test_seek);
    g_test_add_func("/film/variable-rate", test_variable_rate);
    g_test_add_func("/film/short", test_short);
    g_test_add_func("/film/rotation", test_rotation);
    g_test_add_func("/film/max-tokens", test_max_tokens);
    g_test_add_func("/film/truncated", test_truncated);
    g_test_add_func("/film/mutated", test_mutated);
    g_test_add_func("/film/no-video", test_no_video);
    g_test_add_func("/film/wrong-files", test_wrong_files);
    g_test_add_func("/film/animations", test_animations);
    g_test_add_func("/film/thumbnail", test_thumbnail);
    g_test_add_func("/film/by-grid", test_by_grid);
    int r = g_test_run();
    g_rmdir(tmp_dir);
    g_free(tmp_dir);
    return r;
}
