/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A film as lw_media: grids are decoded when the tower asks for them, so a long film needs no more
 * memory than a short one.
 */
#include "vision/film-private.h"

#include "engine/base/alloc.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Above this the container's own table of frames is believed, so that opening need not read
 * everything. */
#define INDEX_ABOVE (256ll << 20)

/* Films up to this size are hashed whole, larger ones in samples with size and date. */
#define HASH_WHOLE (64ll << 20)
#define HASH_SAMPLES 256
#define HASH_SAMPLE_BYTES (64 << 10)

typedef struct {
    lw_media media;
    lw_vision_spec spec;
    lw_vis_norm norm;
    lw_film_file file;
    lw_film_survey survey;
    lw_film_plan plan;
    double *seconds; /* media.grid_seconds */
    lw_film_reader reader;
    lw_vis_converter converter;
    guint8 *rgb; /* one resized frame */
} film;

/* Index of the i-th chosen frame; the last one is repeated to fill its grid. */
static gint64 wanted_index(const film *f, int i)
{
    return lw_film_frame_index(f->survey.frames, f->plan.n, MIN(i, f->plan.n - 1));
}

static double wanted_time(const film *f, int i)
{
    gint64 total = f->survey.frames, index = wanted_index(f, i);
    if (total < 2)
        return f->survey.first;
    return f->survey.first +
           (f->survey.last - f->survey.first) * ((double)index / (double)(total - 1));
}

/* When each grid is seen, as Qwen3VLProcessor counts it: by index and average frame rate, the mean of the
 * grid's first and last frame. */
static void fill_grid_seconds(film *f)
{
    int per_grid = f->spec.temporal_patch_size;

    f->seconds = g_new(double, f->media.grid_t);
    for (int t = 0; t < f->media.grid_t; t++) {
        double first = (double)wanted_index(f, t * per_grid) / f->survey.fps;
        double last = (double)wanted_index(f, (t + 1) * per_grid - 1) / f->survey.fps;
        f->seconds[t] = (first + last) / 2;
    }
    f->media.grid_seconds = f->seconds;
}

/* One decoded frame, upright, resized into f->rgb. */
static gboolean take_frame(film *f, const AVFrame *frame, GError **error)
{
    lw_vis_converter *c = &f->converter;
    lw_vis_image turned = {0};
    const guint8 *rgb;
    gsize stride;
    int w = frame->width, h = frame->height;

    if (!lw_vis_convert(c, frame, error))
        return FALSE;
    rgb = c->pixels;
    stride = c->stride;
    if (f->file.orientation != 1 || c->channels != 3) {
        if (!lw_vis_upright(c->pixels, c->stride, w, h, c->channels, f->file.orientation, &turned,
                            error))
            return FALSE;
        rgb = turned.rgb;
        w = turned.width;
        h = turned.height;
        stride = (gsize)w * 3;
    }
    gboolean ok =
        lw_vis_resize_rows(rgb, stride, w, h, f->rgb, f->plan.width, f->plan.height, error);
    lw_vis_image_clear(&turned);
    return ok;
}

static gboolean film_read_grid(lw_media *m, int t, float *patches, GError **error)
{
    film *f = (film *)m;
    int per_grid = f->spec.temporal_patch_size;

    if (t < 0 || t >= m->grid_t) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: the film has %d grids, number %d was asked for", m->label, m->grid_t, t);
        return FALSE;
    }
    for (int i = 0; i < per_grid; i++) {
        const AVFrame *frame =
            lw_film_reader_at(&f->reader, wanted_time(f, t * per_grid + i), NULL, error);
        if (!frame)
            return FALSE;
        if (!take_frame(f, frame, error)) {
            g_prefix_error(error, "%s: ", m->label);
            return FALSE;
        }
        lw_vis_patchify(f->rgb, m->grid_h, m->grid_w, &f->spec, &f->norm, i, patches);
    }
    return TRUE;
}

static void film_free(lw_media *m)
{
    film *f = (film *)m;
    lw_film_reader_clear(&f->reader);
    lw_film_file_close(&f->file);
    lw_vis_converter_clear(&f->converter);
    lw_free(f->rgb);
    g_free(f->seconds);
    g_free(m->label);
    g_free(m->note);
    g_free(f);
}

static gboolean hash_range(GChecksum *sum, int fd, gint64 at, gint64 n, guint8 *buf, gsize buf_n)
{
    while (n > 0) {
        ssize_t got = pread(fd, buf, MIN((gsize)n, buf_n), at);
        if (got <= 0)
            return FALSE;
        g_checksum_update(sum, buf, got);
        at += got;
        n -= got;
    }
    return TRUE;
}

/* The tower's rows follow from the file's bytes, the spec and the plan. */
static gboolean film_hash(film *f, GError **error)
{
    enum { BUF = 1 << 16 };
    g_autofree guint8 *buf = g_malloc(BUF);
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    gint64 size = f->file.size;
    gboolean ok = TRUE;
    char text[256];
    struct stat st;

    lw_vis_hash_spec(sum, &f->spec);
    int n =
        g_snprintf(text, sizeof text, "film %dx%d %d frames of %" G_GINT64_FORMAT " from %a to %a|",
                   f->plan.width, f->plan.height, f->plan.n, f->survey.frames, f->survey.first,
                   f->survey.last);
    g_checksum_update(sum, (const guchar *)text, n);
    if (size <= HASH_WHOLE) {
        ok = hash_range(sum, f->file.fd, 0, size, buf, BUF);
    } else if ((ok = fstat(f->file.fd, &st) == 0)) {
        n = g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT " bytes, %" G_GINT64_FORMAT ".%09ld|",
                       size, (gint64)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        g_checksum_update(sum, (const guchar *)text, n);
        for (int i = 0; i < HASH_SAMPLES && ok; i++)
            ok = hash_range(sum, f->file.fd, (size - HASH_SAMPLE_BYTES) / (HASH_SAMPLES - 1) * i,
                            HASH_SAMPLE_BYTES, buf, BUF);
    }
    lw_vis_hash_finish(sum, f->media.hash);
    if (!ok)
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_IO,
                    "%s: cannot read all of %" G_GINT64_FORMAT " bytes", f->file.label, size);
    return ok;
}

static lw_media_facts film_facts(const film *f, int width, int height)
{
    const lw_film_survey *s = &f->survey;
    const lw_film_plan *p = &f->plan;

    return (lw_media_facts){.width = width,
                            .height = height,
                            .shown_width = p->width,
                            .shown_height = p->height,
                            .seconds = s->last - s->first + 1.0 / s->fps,
                            .fps = s->fps,
                            .n_frames = s->frames,
                            .n_shown = MIN(p->n, s->frames),
                            .smaller = p->smaller,
                            .fewer = p->fewer,
                            .repeated = s->frames < p->n,
                            .cut_off = MAX(s->cut_off, 0)};
}

static char *film_note(const lw_media_facts *f, gint64 tokens)
{
    GString *note = g_string_new(NULL);

    g_string_append_printf(note,
                           "%d×%d, %.1f s, %.4g fps → %d of %" G_GINT64_FORMAT
                           " frames at %d×%d, %" G_GINT64_FORMAT " tokens",
                           f->width, f->height, f->seconds, f->fps, (int)f->n_shown, f->n_frames,
                           f->shown_width, f->shown_height, tokens);
    if (f->smaller && f->fewer)
        g_string_append(note, ", smaller and fewer frames than usual to fit");
    else if (f->smaller)
        g_string_append(note, ", smaller frames than usual to fit");
    else if (f->fewer)
        g_string_append(note, ", fewer frames than usual to fit");
    if (f->repeated)
        g_string_append(note, ", the last frame repeated");
    if (f->cut_off > 0)
        g_string_append_printf(
            note, ", the file is cut off: %" G_GINT64_FORMAT " more frames are missing",
            f->cut_off);
    return g_string_free(note, FALSE);
}

static gboolean set_up(film *f, const char *path, const lw_vis_options *options, GError **error)
{
    const lw_vision_spec *spec = &f->spec;
    lw_media *m = &f->media;

    if (!lw_film_file_open(&f->file, path, error) ||
        !lw_film_survey_run(&f->file, INDEX_ABOVE, &f->survey, error))
        return FALSE;
    gboolean swap = f->file.orientation >= 5;
    const AVCodecParameters *par = f->file.video->codecpar;
    int width = swap ? par->height : par->width, height = swap ? par->width : par->height;
    if (!lw_film_plan_make(&f->survey, width, height, spec, options, &f->plan, error)) {
        g_prefix_error(error, "%s: ", f->file.label);
        return FALSE;
    }
    f->rgb = lw_vis_alloc((gsize)f->plan.width * (gsize)f->plan.height * 3, "resized frame", error);
    if (!f->rgb || !film_hash(f, error) ||
        !lw_film_reader_init(&f->reader, &f->file, &f->survey, error))
        return FALSE;
    /* A film of which nothing can be decoded is refused here, not in the middle of an answer. */
    if (!lw_film_reader_at(&f->reader, f->survey.first, NULL, error))
        return FALSE;

    lw_vis_norm_init(&f->norm, spec);
    m->grid_t = (f->plan.n + spec->temporal_patch_size - 1) / spec->temporal_patch_size;
    m->grid_h = f->plan.height / spec->patch_size;
    m->grid_w = f->plan.width / spec->patch_size;
    m->merge_size = spec->merge_size;
    m->patch_dim = 3 * spec->temporal_patch_size * spec->patch_size * spec->patch_size;
    m->seconds_per_grid = spec->temporal_patch_size / f->plan.sampled_fps;
    if (spec->film_by_grid)
        fill_grid_seconds(f);
    m->facts = film_facts(f, width, height);
    m->note = film_note(&m->facts, lw_media_n_tokens(m));
    return TRUE;
}

lw_media *lw_vis_open_film(const char *path, const lw_vision_spec *spec,
                           const lw_vis_options *options, GError **error)
{
    if (!lw_vis_check_spec(spec, error))
        return NULL;
    film *f = g_new0(film, 1);
    g_atomic_ref_count_init(&f->media.refs);
    f->spec = *spec;
    f->file.fd = -1;
    f->media.kind = LW_MEDIA_FILM;
    f->media.label = g_filename_display_basename(path);
    f->media.read_grid = film_read_grid;
    f->media.free = film_free;
    if (!set_up(f, path, options, error)) {
        film_free(&f->media);
        return NULL;
    }
    return &f->media;
}
