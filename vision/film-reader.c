/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Frames of a film by time.  Two frames are held at most, and what the decoder needs; the position
 * only moves forward, by decoding or by jumping to a keyframe that lies between here and the wanted
 * frame.
 */
#include "vision/film-private.h"

#include <math.h>

#define MAX_THREADS 4

static gboolean open_decoder(lw_film_reader *r, GError **error)
{
    const AVCodecParameters *par = r->file->video->codecpar;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    int e = AVERROR_DECODER_NOT_FOUND;

    avcodec_free_context(&r->decoder);
    if (codec && (r->decoder = avcodec_alloc_context3(codec))) {
        e = avcodec_parameters_to_context(r->decoder, par);
        r->decoder->pkt_timebase = r->file->video->time_base;
        r->decoder->max_pixels = LW_FILM_MAX_PIXELS;
        r->decoder->thread_count = (int)MIN(g_get_num_processors(), MAX_THREADS);
        if (e >= 0)
            e = avcodec_open2(r->decoder, codec, NULL);
    }
    if (e < 0)
        lw_vis_set_av_error(error, r->file->label, "the video cannot be decoded", e);
    return e >= 0;
}

static void forget_frames(lw_film_reader *r)
{
    av_frame_unref(r->now);
    av_frame_unref(r->next);
    r->has_now = r->has_next = r->drained = FALSE;
    r->counter = 0;
    r->last_dts = AV_NOPTS_VALUE;
}

gboolean lw_film_reader_init(lw_film_reader *r, lw_film_file *f, const lw_film_survey *s,
                             GError **error)
{
    *r = (lw_film_reader){.file = f, .survey = s, .last_dts = AV_NOPTS_VALUE};
    r->pkt = av_packet_alloc();
    r->now = av_frame_alloc();
    r->next = av_frame_alloc();
    r->no_seek = !s->timed || !lw_film_file_seekable(f);
    if (!r->pkt || !r->now || !r->next)
        lw_vis_set_av_error(error, f->label, "cannot decode", AVERROR(ENOMEM));
    else if (open_decoder(r, error))
        return TRUE;
    lw_film_reader_clear(r);
    return FALSE;
}

void lw_film_reader_clear(lw_film_reader *r)
{
    avcodec_free_context(&r->decoder);
    av_packet_free(&r->pkt);
    av_frame_free(&r->now);
    av_frame_free(&r->next);
    *r = (lw_film_reader){0};
}

/* The time of a decoded frame; never earlier than the one before. */
static double frame_time(const lw_film_reader *r, const AVFrame *frame)
{
    double period = 1.0 / r->survey->fps;
    double before = r->has_now ? r->now_time : -INFINITY;
    if (!r->survey->timed)
        return (double)r->counter * period;
    gint64 ts = frame->best_effort_timestamp;
    double t = ts == AV_NOPTS_VALUE ? (r->has_now ? r->now_time + period : r->survey->first)
                                    : (double)ts * av_q2d(r->file->video->time_base);
    return MAX(t, before);
}

/* Decode one frame into `next`.  FALSE with *error on failure, without it at the end. */
static gboolean decode_next(lw_film_reader *r, GError **error)
{
    int bad = 0;

    while (!r->has_next) {
        int e = avcodec_receive_frame(r->decoder, r->next);
        if (e >= 0) {
            r->next_time = frame_time(r, r->next);
            r->has_next = TRUE;
            r->counter++;
            r->decoded++;
            return TRUE;
        }
        if (e == AVERROR_EOF)
            return FALSE;
        if (e != AVERROR(EAGAIN) && ++bad > LW_FILM_MAX_BAD_PACKETS)
            goto damaged;
        if (r->drained) {
            if (e == AVERROR(EAGAIN))
                return FALSE;
            continue;
        }

        e = lw_film_file_read(r->file, r->pkt);
        if (e < 0) {
            if (r->file->stalled) {
                g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                            "%s: reading it made no progress for %d seconds", r->file->label,
                            LW_FILM_STALL_SECONDS);
                return FALSE;
            }
            r->drained = TRUE;
            avcodec_send_packet(r->decoder, NULL);
            continue;
        }
        if (r->pkt->dts != AV_NOPTS_VALUE)
            r->last_dts = r->pkt->dts;
        e = avcodec_send_packet(r->decoder, r->pkt);
        av_packet_unref(r->pkt);
        if (e == AVERROR(ENOMEM)) {
            lw_vis_set_av_error(error, r->file->label, "cannot decode", e);
            return FALSE;
        }
        /* A damaged packet costs its frame, not the film. */
        if (e < 0 && e != AVERROR(EAGAIN) && ++bad > LW_FILM_MAX_BAD_PACKETS)
            goto damaged;
    }
    return TRUE;

damaged:
    g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT, "%s: %d damaged frames in a row",
                r->file->label, LW_FILM_MAX_BAD_PACKETS);
    return FALSE;
}

/* next -> now */
static void step(lw_film_reader *r)
{
    av_frame_unref(r->now);
    av_frame_move_ref(r->now, r->next);
    r->now_time = r->next_time;
    r->has_now = TRUE;
    r->has_next = FALSE;
}

static gboolean start_over(lw_film_reader *r, GError **error)
{
    forget_frames(r);
    return lw_film_file_reopen(r->file, error) && open_decoder(r, error);
}

/* Is there a keyframe ahead of the demuxer that a jump to `ts` would reach? */
static gboolean jump_pays(lw_film_reader *r, gint64 ts)
{
    AVStream *st = r->file->video;
    int i = av_index_search_timestamp(st, ts, AVSEEK_FLAG_BACKWARD);
    const AVIndexEntry *e = i >= 0 ? avformat_index_get_entry(st, i) : NULL;
    return e && (r->last_dts == AV_NOPTS_VALUE || e->timestamp > r->last_dts);
}

/* Jump so that the next decoded frame is not after `time`.  A jump that lands too late is tried
 * again from further back; a film where that fails is decoded from the start, without jumps from
 * then on. */
static gboolean jump(lw_film_reader *r, double time, GError **error)
{
    static const double back[] = {0, 2, 15};
    double base = av_q2d(r->file->video->time_base), period = 1.0 / r->survey->fps;

    for (gsize i = 0; i < G_N_ELEMENTS(back); i++) {
        gint64 ts = (gint64)floor(MAX(time - back[i], r->survey->first) / base);
        forget_frames(r);
        avcodec_flush_buffers(r->decoder);
        r->seeks++;
        if (av_seek_frame(r->file->fmt, r->file->video->index, ts, AVSEEK_FLAG_BACKWARD) < 0)
            break;
        GError *local = NULL;
        if (!decode_next(r, &local)) {
            if (local) {
                g_propagate_error(error, local);
                return FALSE;
            }
            continue;
        }
        if (r->next_time <= time + period / 4 || r->next_time <= r->survey->first + period / 4)
            return TRUE;
    }
    r->no_seek = TRUE;
    return start_over(r, error);
}

const AVFrame *lw_film_reader_at(lw_film_reader *r, double time, double *actual, GError **error)
{
    double period = 1.0 / r->survey->fps;
    GError *local = NULL;

    if (r->has_now && time < r->asked && !start_over(r, error))
        return NULL;
    r->asked = time;
    if (!r->no_seek && (!r->has_now || time - r->now_time > 2 * period)) {
        double ts = floor(time / av_q2d(r->file->video->time_base));
        if (fabs(ts) < 9e18 && (!r->has_next || r->next_time < time - period) &&
            jump_pays(r, (gint64)ts) && (r->has_now || time > r->survey->first + period) &&
            !jump(r, time, error))
            return NULL;
    }

    while (!r->has_now || r->now_time < time) {
        if (!r->has_next && !decode_next(r, &local)) {
            if (!local)
                break; /* the end: the last frame stands */
            g_propagate_error(error, local);
            return NULL;
        }
        if (r->has_now && r->next_time - time > time - r->now_time)
            break;
        step(r);
    }
    if (!r->has_now) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                    "%s: no frame of the film can be decoded", r->file->label);
        return NULL;
    }
    if (actual)
        *actual = r->now_time;
    return r->now;
}
