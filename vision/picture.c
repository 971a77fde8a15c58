/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A picture as lw_media.  Only the resized pixels are kept; patches are written when the tower
 * asks.
 */
#include "vision/vision-private.h"

#include "engine/base/alloc.h"

typedef struct {
    lw_media media;
    lw_vision_spec spec;
    lw_vis_norm norm;
    guint8 *rgb; /* resized */
} picture;

static gboolean picture_read_grid(lw_media *m, int t, float *patches, GError **error)
{
    picture *p = (picture *)m;
    if (t != 0) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: a picture has 1 grid, number %d was asked for", m->label, t);
        return FALSE;
    }
    /* A still fills every time slice. */
    for (int i = 0; i < p->spec.temporal_patch_size; i++)
        lw_vis_patchify(p->rgb, m->grid_h, m->grid_w, &p->spec, &p->norm, i, patches);
    return TRUE;
}

static void picture_free(lw_media *m)
{
    picture *p = (picture *)m;
    lw_free(p->rgb);
    g_free(m->label);
    g_free(m->note);
    g_free(p);
}

static void picture_hash(picture *p, int w, int h)
{
    char head[64];
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    lw_vis_hash_spec(sum, &p->spec);
    int n = g_snprintf(head, sizeof head, "picture %dx%d|", w, h);
    g_checksum_update(sum, (const guchar *)head, n);
    /* gssize lengths: the resized picture is far below. */
    g_checksum_update(sum, p->rgb, (gssize)w * h * 3);
    lw_vis_hash_finish(sum, p->media.hash);
}

static char *picture_note(const lw_media_facts *f, gint64 tokens)
{
    GString *s = g_string_new(NULL);
    if (f->width == f->shown_width && f->height == f->shown_height)
        g_string_append_printf(s, "%d×%d", f->width, f->height);
    else
        g_string_append_printf(s, "%d×%d → %d×%d", f->width, f->height, f->shown_width, f->shown_height);
    g_string_append_printf(s, ", %" G_GINT64_FORMAT " tokens", tokens);
    if (f->free_tokens)
        g_string_append_printf(
            s, ", made smaller to fit (the model could look at %" G_GINT64_FORMAT " tokens)",
            f->free_tokens);
    if (f->first_of_many)
        g_string_append(s, ", first frame of an animation");
    return g_string_free(s, FALSE);
}

lw_media *lw_vis_picture_new(lw_vis_image *img, const char *label, gboolean first_of_many,
                             const lw_vision_spec *spec, const lw_vis_options *options,
                             GError **error)
{
    int W, H, W0, H0, factor = spec->patch_size * spec->merge_size;
    picture *p = NULL;

    if (!lw_vis_check_spec(spec, error) ||
        !lw_vis_fit(img->height, img->width, factor, spec->min_pixels, spec->max_pixels, 0, &H0,
                    &W0, error) ||
        !lw_vis_fit(img->height, img->width, factor, spec->min_pixels, spec->max_pixels,
                    options ? options->max_tokens : 0, &H, &W, error)) {
        g_prefix_error(error, "%s: ", label);
        lw_vis_image_clear(img);
        return NULL;
    }
    guint8 *rgb = NULL;
    if (W == img->width && H == img->height) {
        rgb = g_steal_pointer(&img->rgb);
    } else {
        rgb = lw_vis_alloc((gsize)W * (gsize)H * 3, "resized picture", error);
        if (rgb && !lw_vis_resize_bicubic(img->rgb, img->width, img->height, rgb, W, H, error))
            g_clear_pointer(&rgb, lw_free);
    }
    if (!rgb) {
        g_prefix_error(error, "%s: ", label);
        lw_vis_image_clear(img);
        return NULL;
    }

    p = g_new0(picture, 1);
    g_atomic_ref_count_init(&p->media.refs);
    p->spec = *spec;
    p->rgb = rgb;
    lw_vis_norm_init(&p->norm, spec);
    p->media.kind = LW_MEDIA_PICTURE;
    p->media.grid_t = 1;
    p->media.grid_h = H / spec->patch_size;
    p->media.grid_w = W / spec->patch_size;
    p->media.merge_size = spec->merge_size;
    p->media.patch_dim = 3 * spec->temporal_patch_size * spec->patch_size * spec->patch_size;
    p->media.label = g_strdup(label);
    gint64 tokens = lw_media_n_tokens(&p->media), free_tokens = (gint64)(H0 / factor) * (W0 / factor);
    p->media.facts = (lw_media_facts){.width = img->width,
                                      .height = img->height,
                                      .shown_width = W,
                                      .shown_height = H,
                                      .free_tokens = tokens < free_tokens ? free_tokens : 0,
                                      .first_of_many = first_of_many};
    p->media.note = picture_note(&p->media.facts, tokens);
    p->media.read_grid = picture_read_grid;
    p->media.free = picture_free;
    picture_hash(p, W, H);
    lw_vis_image_clear(img);
    return &p->media;
}

lw_media *lw_vis_open_picture_bytes(const void *bytes, gsize n, const char *label,
                                    const lw_vision_spec *spec, const lw_vis_options *options,
                                    GError **error)
{
    lw_vis_image img;
    if (!lw_vis_image_decode(bytes, n, label, &img, error))
        return NULL;
    return lw_vis_picture_new(&img, label, lw_vis_is_animated(lw_vis_sniff(bytes, n), bytes, n),
                              spec, options, error);
}

lw_media *lw_vis_open_picture(const char *path, const lw_vision_spec *spec,
                              const lw_vis_options *options, GError **error)
{
    guint8 *bytes;
    gsize n;
    g_autofree char *label = g_filename_display_basename(path);

    if (!lw_vis_read_file(path, &bytes, &n, error))
        return NULL;
    lw_media *m = lw_vis_open_picture_bytes(bytes, n, label, spec, options, error);
    lw_free(bytes);
    return m;
}

lw_media *lw_vis_open_rgb(const guint8 *rgb, int width, int height, const char *label,
                          const lw_vision_spec *spec, const lw_vis_options *options, GError **error)
{
    lw_vis_image img = {0};
    if (!lw_vis_check_dimensions(width, height, label, error) ||
        !lw_vis_upright(rgb, (gsize)width * 3, width, height, 3, 1, &img, error))
        return NULL;
    return lw_vis_picture_new(&img, label, FALSE, spec, options, error);
}
