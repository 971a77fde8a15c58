/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of a film: file (film-file.c) -> survey (film-survey.c) -> plan (film-plan.c) -> frames
 * (film-reader.c) -> medium (film.c).
 */
#pragma once

#include "vision/vision-private.h"

#include <libavformat/avformat.h>

G_BEGIN_DECLS

/* One frame: 8K and a little; a decoder may hold twenty of them. */
#define LW_FILM_MAX_PIXELS (36ll * 1000 * 1000)
#define LW_FILM_MAX_STREAMS 64
#define LW_FILM_MAX_PACKETS (20ll * 1000 * 1000) /* 92 hours at 60 frames a second */
#define LW_FILM_STALL_SECONDS 30                 /* without a new packet or new bytes */
#define LW_FILM_MAX_BAD_PACKETS 1000             /* in a row */

/* ---- file ---- */

typedef struct {
    int fd;
    gint64 size;
    gint64 at, furthest; /* read position; where reading has been */
    gint64 deadline;     /* monotonic time */
    gboolean stalled;
    char *label; /* for messages */
    AVIOContext *pb;
    AVFormatContext *fmt;
    AVStream *video;
    int orientation; /* EXIF's numbers */
} lw_film_file;

/* Opens a regular file with the demuxers we allow; no other file or address can be reached from it.
 */
gboolean lw_film_file_open(lw_film_file *f, const char *path, GError **error);
/* Start over with a fresh demuxer on the same file. */
gboolean lw_film_file_reopen(lw_film_file *f, GError **error);
void lw_film_file_close(lw_film_file *f);

/* Next packet of the video stream. 0, AVERROR_EOF or another error. */
int lw_film_file_read(lw_film_file *f, AVPacket *pkt);

/* Can frames be found by time: keyframes are indexed and marked. */
gboolean lw_film_file_seekable(const lw_film_file *f);

/* ---- survey: what is in it, without decoding ---- */

typedef struct {
    gint64 frames;
    double fps;         /* average */
    double first, last; /* seconds, of the first and last frame */
    gboolean timed;     /* frames have timestamps; else they are counted */
    gint64 cut_off;     /* frames the file's table promises beyond its end */
} lw_film_survey;

/* Counts packets; for files above index_above bytes the container's own table serves where it has
 * one. Leaves the file at the start. */
gboolean lw_film_survey_run(lw_film_file *f, gint64 index_above, lw_film_survey *s, GError **error);

/* ---- plan: which frames, how large ---- */

typedef struct {
    int n;             /* frames, even */
    int width, height; /* each */
    double sampled_fps;
    gboolean smaller, fewer; /* than the model's own limits ask for, because of max_tokens */
} lw_film_plan;

/* Qwen2.5-VL's number of frames. */
int lw_film_n_frames(gint64 total, double video_fps, double fps, int max_frames);
/* The i-th of n frames chosen out of total. */
gint64 lw_film_frame_index(gint64 total, int n, int i);

gboolean lw_film_plan_make(const lw_film_survey *s, int width, int height,
                           const lw_vision_spec *spec, const lw_vis_options *options,
                           lw_film_plan *plan, GError **error);

/* ---- reader: decode in order, skip where that is cheaper ---- */

typedef struct {
    lw_film_file *file;
    const lw_film_survey *survey;
    AVCodecContext *decoder;
    AVPacket *pkt;
    AVFrame *now, *next;
    double now_time, next_time; /* seconds; valid when the frame is */
    double asked;               /* what the last call wanted */
    gboolean has_now, has_next, drained;
    gint64 counter; /* frames decoded since the start, for films without timestamps */
    gint64 last_dts;
    gboolean no_seek;
    gint64 decoded, seeks; /* for tests and curiosity */
} lw_film_reader;

gboolean lw_film_reader_init(lw_film_reader *r, lw_film_file *f, const lw_film_survey *s,
                             GError **error);
void lw_film_reader_clear(lw_film_reader *r);
/* The frame nearest to a time; past the end the last one.  Owned by the reader, until the next
 * call. */
const AVFrame *lw_film_reader_at(lw_film_reader *r, double time, double *actual, GError **error);

G_END_DECLS
