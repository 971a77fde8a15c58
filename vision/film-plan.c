/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which frames of a film, and how large: the rule of qwen-vl-utils, and what gives way when the
 * caller has fewer tokens.
 */
#include "vision/film-private.h"

#include <math.h>

#define FRAME_FACTOR 2 /* the number of frames is a multiple */
#define FEWEST 4
#define DEFAULT_FPS 2.0
#define DEFAULT_MAX_FRAMES 768
#define MOST_FRAMES 65536

/* Area of one frame in merged cells. */
#define CELLS_MIN 128.0
#define CELLS_MAX 768.0
#define CELLS_TOTAL (0.9 * 128000.0) /* of the film, counted before frames are paired */
#define CELLS_LEAST 16               /* below this the number of frames gives way */

int lw_film_n_frames(gint64 total, double video_fps, double fps, int max_frames)
{
    double most = floor((double)MIN((gint64)max_frames, total) / FRAME_FACTOR) * FRAME_FACTOR;
    double n = (double)total / video_fps * fps;
    n = MIN(MIN(MAX(n, FEWEST), most), (double)total);
    n = floor(n / FRAME_FACTOR) * FRAME_FACTOR;
    /* A single frame is shown twice. */
    return (int)MAX(n, FRAME_FACTOR);
}

gint64 lw_film_frame_index(gint64 total, int n, int i)
{
    if (total < n || n < 2)
        return MIN((gint64)i, total - 1);
    /* In float, from both ends, fused on the way down, halves to even: as the reference's tensors
     * compute it. */
    float end = (float)(total - 1);
    float step = end / (float)(n - 1);
    float at = i < n / 2 ? step * (float)i : fmaf(-step, (float)(n - 1 - i), end);
    return CLAMP((gint64)rintf(at), 0, total - 1);
}

static gboolean fit_frame(int height, int width, const lw_vision_spec *spec, int n,
                          gint64 max_cells, int *out_h, int *out_w, GError **error)
{
    int factor = spec->patch_size * spec->merge_size;
    double area = (double)factor * factor;
    double total = CELLS_TOTAL * area, least = CELLS_MIN * area;
    double most = MAX(MIN(CELLS_MAX * area, total / n * FRAME_FACTOR), floor(least * 1.05));
    most = MIN(most, (double)spec->max_pixels);
    return lw_vis_fit(height, width, factor, (gint64)MIN(least, most), (gint64)most, max_cells,
                      out_h, out_w, error);
}

gboolean lw_film_plan_make(const lw_film_survey *s, int width, int height,
                           const lw_vision_spec *spec, const lw_vis_options *options,
                           lw_film_plan *plan, GError **error)
{
    double fps = options && options->fps > 0 && options->fps < 1000 ? options->fps : DEFAULT_FPS;
    int max_frames = options && options->max_frames > 0 ? options->max_frames : DEFAULT_MAX_FRAMES;
    gint64 budget = options ? options->max_tokens : 0;
    int factor = spec->patch_size * spec->merge_size, per_grid = spec->temporal_patch_size;
    gint64 words = spec->film_by_grid ? LW_MEDIA_GRID_WORDS : 0; /* of every grid, beside its cells */

    int n = lw_film_n_frames(s->frames, s->fps, fps, CLAMP(max_frames, FRAME_FACTOR, MOST_FRAMES));
    *plan = (lw_film_plan){0};
    if (!fit_frame(height, width, spec, n, 0, &plan->height, &plan->width, error))
        return FALSE;

    gint64 cells = (gint64)(plan->height / factor) * (plan->width / factor);
    if (budget > 0 && (n + per_grid - 1) / per_grid * (cells + words) > budget) {
        /* First smaller frames, then fewer of them, then both to the end. */
        gint64 least = MIN(cells, MAX(CELLS_LEAST, spec->min_pixels / ((gint64)factor * factor)));
        gint64 grids = (n + per_grid - 1) / per_grid;
        if (budget / grids < least + words) {
            int h, w;
            if (!fit_frame(height, width, spec, n, least, &h, &w, error))
                return FALSE;
            least = (gint64)(h / factor) * (w / factor);
            gint64 fit = MAX(budget / (least + words), 1) * per_grid / FRAME_FACTOR * FRAME_FACTOR;
            plan->fewer = fit < n;
            n = (int)CLAMP(fit, FRAME_FACTOR, n);
            grids = (n + per_grid - 1) / per_grid;
        }
        int h = plan->height, w = plan->width;
        if (!fit_frame(height, width, spec, n, MAX(budget / grids - words, 1), &h, &w, error))
            return FALSE;
        plan->smaller = (gint64)h * w < (gint64)plan->height * plan->width;
        plan->height = h;
        plan->width = w;
    }
    plan->n = n;
    plan->sampled_fps = (double)n / (double)MAX(s->frames, 1) * s->fps;
    return TRUE;
}
