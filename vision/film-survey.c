/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How many frames a film has, when they are shown.  Headers lie, so packets are counted: demuxing
 * reads the file once and decodes nothing.
 */
#include "vision/film-private.h"

#include <math.h>
#include <string.h>

typedef struct {
    gint64 seen, frames, untimed; /* packets, shown ones, shown ones without a timestamp */
    gint64 first, last;           /* in the stream's time base */
} tally;

static gboolean count_packets(lw_film_file *f, tally *t, GError **error)
{
    AVPacket *pkt = av_packet_alloc();
    int r = pkt ? 0 : AVERROR(ENOMEM);

    *t = (tally){.first = G_MAXINT64, .last = G_MININT64};
    while (r >= 0 && (r = lw_film_file_read(f, pkt)) >= 0) {
        gboolean shown = !(pkt->flags & AV_PKT_FLAG_DISCARD) && pkt->size > 0;
        if (shown) {
            t->frames++;
            if (pkt->pts == AV_NOPTS_VALUE) {
                t->untimed++;
            } else {
                t->first = MIN(t->first, pkt->pts);
                t->last = MAX(t->last, pkt->pts);
            }
        }
        av_packet_unref(pkt);
        if (++t->seen > LW_FILM_MAX_PACKETS) {
            g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT, "%s: more than %lld frames",
                        f->label, LW_FILM_MAX_PACKETS);
            av_packet_free(&pkt);
            return FALSE;
        }
    }
    av_packet_free(&pkt);
    if (f->stalled) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: reading it made no progress for %d seconds", f->label,
                    LW_FILM_STALL_SECONDS);
        return FALSE;
    }
    /* Any other error ends the film where the damage is; what came before is shown. */
    return TRUE;
}

/* mp4 has a table of all its samples. */
static gboolean read_index(lw_film_file *f, tally *t, gint64 *cut_off)
{
    const AVStream *st = f->video;
    int n = avformat_index_get_entries_count(st);

    if (!strstr(f->fmt->iformat->name, "mov") || st->nb_frames < 1 || n < st->nb_frames ||
        st->start_time == AV_NOPTS_VALUE)
        return FALSE;
    *t = (tally){.first = st->start_time};
    *cut_off = 0;
    gint64 first = 0, last = 0;
    for (int i = 0; i < n; i++) {
        const AVIndexEntry *e = avformat_index_get_entry((AVStream *)st, i);
        if (e->flags & AVINDEX_DISCARD_FRAME)
            continue;
        if (e->pos > f->size || e->size > f->size - e->pos) {
            ++*cut_off;
            continue;
        }
        if (t->frames++ == 0)
            first = e->timestamp;
        last = e->timestamp;
    }
    if (last < first || last - first > G_MAXINT64 / 2)
        return FALSE;
    t->last = t->first + (last - first); /* decode times, which are as far apart */
    return t->frames > 0;
}

static double positive(AVRational r)
{
    double v = r.num > 0 && r.den > 0 ? av_q2d(r) : 0;
    return v > 0 && v < 100000 ? v : 0;
}

gboolean lw_film_survey_run(lw_film_file *f, gint64 index_above, lw_film_survey *s, GError **error)
{
    tally t;
    gboolean read = FALSE;

    *s = (lw_film_survey){0};
    if (f->size <= index_above || !read_index(f, &t, &s->cut_off)) {
        if (!count_packets(f, &t, error))
            return FALSE;
        gint64 promised = f->video->nb_frames;
        if (strstr(f->fmt->iformat->name, "mov") && promised > t.seen)
            s->cut_off = promised - t.seen;
        read = TRUE;
    }
    if (t.frames == 0) {
        g_set_error(
            error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
            "%s: the video stream has no frames; the file is damaged or cut off (%" G_GINT64_FORMAT
            " bytes)",
            f->label, f->size);
        return FALSE;
    }

    double base = av_q2d(f->video->time_base);
    double said = positive(f->video->avg_frame_rate);
    if (said == 0)
        said = positive(f->video->r_frame_rate);
    s->frames = t.frames;
    s->timed =
        t.untimed == 0 && t.first <= t.last && (t.first < t.last || t.frames == 1) && base > 0;
    if (s->timed) {
        s->first = (double)t.first * base;
        s->last = (double)t.last * base;
        double span = s->last - s->first;
        double measured = span > 0 ? (double)(t.frames - 1) / span : 0;
        /* The header's rate is exact where timestamps are rounded, but it is only believed when
         * they agree. */
        s->fps = measured > 0 && fabs(said - measured) > 0.01 * measured ? measured : said;
        if (s->fps == 0)
            s->fps = measured > 0 ? measured : 1;
    } else {
        s->fps = said > 0 ? said : 25;
        s->first = 0;
        s->last = (double)(t.frames - 1) / s->fps;
    }
    return !read || lw_film_file_reopen(f, error);
}
