/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a picture's size to a grid, from pixels to normalised patches, as Qwen2-VL's processor does
 * it.
 */
#include "vision/vision-private.h"

#include <math.h>
#include <string.h>

gboolean lw_vis_check_spec(const lw_vision_spec *s, GError **error)
{
    const char *bad = NULL;
    if (s->patch_size < 1 || s->patch_size > 128)
        bad = "patch size";
    else if (s->merge_size < 1 || s->merge_size > 16)
        bad = "merge size";
    else if (s->temporal_patch_size < 1 || s->temporal_patch_size > 16)
        bad = "temporal patch size";
    else if (s->min_pixels < 0 || s->max_pixels < 1 || s->min_pixels > s->max_pixels)
        bad = "pixel range";
    for (int c = 0; c < 3 && !bad; c++) {
        if (!isfinite(s->mean[c]) || !isfinite(s->std[c]) || !(s->std[c] > 0))
            bad = "mean or standard deviation";
    }
    if (!bad)
        return TRUE;
    g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                "the model's vision %s is not usable (patch %d, merge %d, frames %d, pixels "
                "%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ")",
                bad, s->patch_size, s->merge_size, s->temporal_patch_size, s->min_pixels,
                s->max_pixels);
    return FALSE;
}

gboolean lw_vis_smart_resize(int height, int width, int factor, gint64 min_pixels,
                             gint64 max_pixels, int *out_height, int *out_width, GError **error)
{
    if (height < 1 || width < 1 || factor < 1) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT, "a picture of %dx%d pixels is empty",
                    width, height);
        return FALSE;
    }
    double h = height, w = width, f = factor;
    if (MAX(h, w) / MIN(h, w) > LW_VIS_MAX_ASPECT) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%dx%d pixels is too thin: the sides differ %.0f times, the limit is %d times",
                    width, height, MAX(h, w) / MIN(h, w), LW_VIS_MAX_ASPECT);
        return FALSE;
    }

    /* rint() rounds halves to even, as Python's round() does. */
    double H = MAX(f, rint(h / f) * f), W = MAX(f, rint(w / f) * f);
    if (H * W > (double)max_pixels) {
        double beta = sqrt(h * w / (double)max_pixels);
        H = MAX(f, floor(h / beta / f) * f);
        W = MAX(f, floor(w / beta / f) * f);
    } else if (H * W < (double)min_pixels) {
        double beta = sqrt((double)min_pixels / (h * w));
        H = ceil(h * beta / f) * f;
        W = ceil(w * beta / f) * f;
    }
    if (H * W > (double)LW_VIS_MAX_PICTURE_PIXELS) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%dx%d pixels would be resized to %.0fx%.0f; the limit is %lld pixels", width,
                    height, W, H, LW_VIS_MAX_PICTURE_PIXELS);
        return FALSE;
    }
    *out_height = (int)H;
    *out_width = (int)W;
    return TRUE;
}

gboolean lw_vis_fit(int height, int width, int factor, gint64 min_pixels, gint64 max_pixels,
                    gint64 max_cells, int *out_height, int *out_width, GError **error)
{
    gint64 cell = (gint64)factor * factor;
    if (max_cells > 0 && max_cells < max_pixels / cell)
        max_pixels = max_cells * cell;
    min_pixels = MIN(min_pixels, max_pixels);
    for (;;) {
        if (!lw_vis_smart_resize(height, width, factor, min_pixels, max_pixels, out_height,
                                 out_width, error))
            return FALSE;
        gint64 cells = (gint64)(*out_height / factor) * (*out_width / factor);
        if (max_cells <= 0 || cells <= max_cells)
            return TRUE;
        /* A thin picture keeps its short side at one cell, or the lower bound was rounded up past
         * the upper one: ask for less. */
        min_pixels = 0;
        if (max_pixels == 1) {
            *out_height = *out_width = factor;
            return TRUE;
        }
        max_pixels = MAX(max_pixels * max_cells / cells, 1);
    }
}

void lw_vis_norm_init(lw_vis_norm *norm, const lw_vision_spec *spec)
{
    for (int c = 0; c < 3; c++) {
        for (int v = 0; v < 256; v++) {
            float x = (float)(v * (1.0 / 255.0));
            norm->value[c][v] = (x - spec->mean[c]) / spec->std[c];
        }
    }
}

void lw_vis_patchify(const guint8 *rgb, int grid_h, int grid_w, const lw_vision_spec *spec,
                     const lw_vis_norm *norm, int time, float *patches)
{
    const int p = spec->patch_size, merge = spec->merge_size, frames = spec->temporal_patch_size;
    const gsize stride = (gsize)grid_w * p * 3, plane = (gsize)p * p;
    float *row = patches;

    for (int cy = 0; cy < grid_h; cy += merge) {
        for (int cx = 0; cx < grid_w; cx += merge) {
            for (int cell = 0; cell < merge * merge; cell++) {
                const guint8 *src = rgb + (gsize)(cy + cell / merge) * p * stride +
                                    (gsize)(cx + cell % merge) * p * 3;
                for (int c = 0; c < 3; c++) {
                    const float *value = norm->value[c];
                    float *dst = row + ((gsize)c * frames + time) * plane;
                    for (int y = 0; y < p; y++) {
                        const guint8 *s = src + (gsize)y * stride + c;
                        for (int x = 0; x < p; x++)
                            *dst++ = value[s[x * 3]];
                    }
                }
                row += 3 * frames * plane;
            }
        }
    }
}

void lw_vis_hash_spec(GChecksum *sum, const lw_vision_spec *spec)
{
    char text[256];
    /* %a: every bit of the floats, and no padding bytes of the struct. */
    int n = g_snprintf(text, sizeof text, "lw-vision 1|%d %d %d|%a %a %a|%a %a %a|",
                       spec->patch_size, spec->merge_size, spec->temporal_patch_size, spec->mean[0],
                       spec->mean[1], spec->mean[2], spec->std[0], spec->std[1], spec->std[2]);
    g_checksum_update(sum, (const guchar *)text, MIN(n, (int)sizeof text - 1));
}

void lw_vis_hash_finish(GChecksum *sum, guint8 hash[32])
{
    gsize n = 32;
    g_checksum_get_digest(sum, hash, &n);
    g_checksum_free(sum);
}
