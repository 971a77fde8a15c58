/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Frames painted on demand as lw_media; one at a time is in memory.
 */
#include "vision/vision-private.h"

#include "engine/base/alloc.h"

#define MAX_FRAMES 4000000

typedef struct {
    lw_media media;
    lw_vision_spec spec;
    lw_vis_norm norm;
    lw_vis_frames source;
    int width, height;         /* as the model sees it */
    guint8 *painted, *resized; /* resized: NULL when there is nothing to resize */
    double *seconds;           /* media.grid_seconds */
} frames;

static gboolean frames_read_grid(lw_media *m, int t, float *patches, GError **error)
{
    frames *f = (frames *)m;
    int per_grid = f->spec.temporal_patch_size;

    if (t < 0 || t >= m->grid_t) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: there are %d grids, number %d was asked for", m->label, m->grid_t, t);
        return FALSE;
    }
    for (int i = 0; i < per_grid; i++) {
        int frame = MIN(t * per_grid + i, f->source.n_frames - 1);
        /* A still fills every time slice. */
        if ((i == 0 || frame == t * per_grid + i) &&
            (!f->source.paint(f->source.user, frame, f->painted, error) ||
             (f->resized && !lw_vis_resize_bicubic(f->painted, f->source.width, f->source.height, f->resized, f->width,
                                                   f->height, error))))
            return FALSE;
        lw_vis_patchify(f->resized ? f->resized : f->painted, m->grid_h, m->grid_w, &f->spec, &f->norm, i, patches);
    }
    return TRUE;
}

static void frames_free(lw_media *m)
{
    frames *f = (frames *)m;

    if (f->source.free)
        f->source.free(f->source.user);
    lw_free(f->painted);
    lw_free(f->resized);
    g_free(f->seconds);
    g_free(m->label);
    g_free(m->note);
    g_free(f);
}

static void hash(frames *f)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *head =
        g_strdup_printf("frames %d of %dx%d at %dx%d, %a a second|", f->source.n_frames, f->source.width,
                        f->source.height, f->width, f->height, f->source.fps);

    lw_vis_hash_spec(sum, &f->spec);
    g_checksum_update(sum, (const guchar *)head, -1);
    g_checksum_update(sum, f->source.hash, sizeof f->source.hash);
    lw_vis_hash_finish(sum, f->media.hash);
}

static gboolean check(const lw_vis_frames *s, const char *label, GError **error)
{
    gboolean film = s->kind == LW_MEDIA_FILM;

    if (!lw_vis_check_dimensions(s->width, s->height, label, error))
        return FALSE;
    if (s->n_frames >= 1 && s->n_frames <= (film ? MAX_FRAMES : 1) && (!film || (s->fps > 0 && s->fps <= 1000)))
        return TRUE;
    g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT, "%s: %d frames at %g a second; %s", label, s->n_frames, s->fps,
                film ? "a film has 1 to 4,000,000, and up to 1,000 a second" : "a picture has one");
    return FALSE;
}

/* When each grid is seen: the mean of its frames. */
static void fill_seconds(frames *f)
{
    int per_grid = f->spec.temporal_patch_size;

    f->seconds = g_new(double, f->media.grid_t);
    for (int t = 0; t < f->media.grid_t; t++)
        f->seconds[t] = (t * per_grid + (MIN((t + 1) * per_grid, f->source.n_frames) - 1)) / 2.0 / f->source.fps;
    f->media.grid_seconds = f->seconds;
}

static gboolean set_up(frames *f, const lw_vis_options *options, GError **error)
{
    const lw_vision_spec *spec = &f->spec;
    lw_media *m = &f->media;

    if (!check(&f->source, m->label, error))
        return FALSE;
    if (!lw_vis_fit(f->source.height, f->source.width, spec->patch_size * spec->merge_size, spec->min_pixels,
                    spec->max_pixels, options ? options->max_tokens : 0, &f->height, &f->width, error)) {
        g_prefix_error(error, "%s: ", m->label);
        return FALSE;
    }
    gboolean same = f->width == f->source.width && f->height == f->source.height;
    f->painted = lw_vis_alloc((gsize)f->source.width * (gsize)f->source.height * 3, "painted frame", error);
    if (f->painted && !same)
        f->resized = lw_vis_alloc((gsize)f->width * (gsize)f->height * 3, "resized frame", error);
    if (!f->painted || (!same && !f->resized))
        return FALSE;

    lw_vis_norm_init(&f->norm, spec);
    m->kind = f->source.kind;
    m->grid_t = (f->source.n_frames + spec->temporal_patch_size - 1) / spec->temporal_patch_size;
    m->grid_h = f->height / spec->patch_size;
    m->grid_w = f->width / spec->patch_size;
    m->merge_size = spec->merge_size;
    m->patch_dim = 3 * spec->temporal_patch_size * spec->patch_size * spec->patch_size;
    if (m->kind == LW_MEDIA_FILM) {
        m->seconds_per_grid = spec->temporal_patch_size / f->source.fps;
        if (spec->film_by_grid)
            fill_seconds(f);
    }
    m->note = g_strdup_printf("%d frame%s of %d\303\227%d%s, %" G_GINT64_FORMAT " tokens", f->source.n_frames,
                              f->source.n_frames == 1 ? "" : "s", f->width, f->height, same ? "" : " (resized)",
                              lw_media_n_tokens(m));
    hash(f);
    return TRUE;
}

lw_media *lw_vis_open_frames(const lw_vis_frames *source, const char *label, const lw_vision_spec *spec,
                             const lw_vis_options *options, GError **error)
{
    frames *f = g_new0(frames, 1);

    g_atomic_ref_count_init(&f->media.refs);
    f->spec = *spec;
    f->source = *source;
    f->media.label = g_strdup(label);
    f->media.read_grid = frames_read_grid;
    f->media.free = frames_free;
    if (!lw_vis_check_spec(spec, error) || !set_up(f, options, error)) {
        frames_free(&f->media);
        return NULL;
    }
    return &f->media;
}
