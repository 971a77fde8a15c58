/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A picture or a film on its way into a model: what vision/ hands to the engine.  The engine pulls
 * one temporal grid at a time (attention in the tower never crosses grids), so a film needs memory for
 * one grid, however long it is.
 *
 * Terms follow Qwen2.5-VL: a *patch* is patch_size x patch_size pixels of two frames, a *grid* is the
 * patches of one pair of frames, *merged* cells are merge x merge patches and become one token.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a model wants to see; read from its mmproj file (lw_model_get_vision_spec()). */
typedef struct {
    int patch_size;          /* pixels, 14 */
    int merge_size;          /* patches per merged cell side, 2 */
    int temporal_patch_size; /* frames per grid, 2 */
    gint64 min_pixels, max_pixels; /* area of a resized picture */
    float mean[3], std[3];   /* of pixels scaled to 0..1 */
    gboolean film_by_grid;   /* every grid of a film stands alone behind a text with its time (Qwen3-VL) */
    double tokens_per_second; /* temporal ids advance, 2; 0: by one a grid, whatever its length */
} lw_vision_spec;

typedef enum {
    LW_MEDIA_PICTURE,
    LW_MEDIA_FILM,
} lw_media_kind;

typedef struct lw_media lw_media;

/* What was done to a file, for those who tell it in other words than `note` does.  All 0: not known. */
typedef struct {
    int width, height;             /* pixels of the file, after orientation */
    int shown_width, shown_height; /* as the model sees it */
    gint64 free_tokens; /* pictures made smaller to fit: what the model could have looked at; else 0 */
    gboolean first_of_many; /* pictures: the first frame of an animation */
    double seconds, fps;    /* films */
    gint64 n_frames, n_shown;          /* films: there are, the model sees */
    gboolean smaller, fewer, repeated; /* films: frames, to fit; the last one again to fill a grid */
    gint64 cut_off;                    /* films: frames that the file's end should still have */
} lw_media_facts;

/* patches: [grid_h * grid_w][3 * temporal * patch * patch] f32, normalised, rows in merged-cell order
 * (merged row, merged column, then the merge x merge patches inside), each row in order channel, time,
 * y, x.  Grids are asked for in ascending order; a lower t than the last one starts over.
 * Blocks (decoding); engine thread. */
typedef gboolean (*lw_media_read_grid_fn)(lw_media *m, int t, float *patches, GError **error);

struct lw_media {
    gatomicrefcount refs;
    lw_media_kind kind;
    int grid_t;         /* temporal grids, 1 for a picture */
    int grid_h, grid_w; /* in patches; multiples of merge_size */
    int merge_size, patch_dim;
    double seconds_per_grid; /* films: temporal_patch_size / sampled frames per second */
    const double *grid_seconds; /* [grid_t], films that go by grid: mean time of a grid's frames, 0 being the
                                 * film's start; else NULL */
    guint8 hash[32];    /* SHA-256 of what the tower will see (spec included): equal means equal rows */
    char *label;        /* for messages: file name or "pasted picture" */
    lw_media_facts facts;
    char *note;         /* what was done to it, for people ("1920x1080 -> 1036x588, 777 tokens") */
    lw_media_read_grid_fn read_grid;
    void (*free)(lw_media *m); /* frees the object itself */
};

static inline lw_media *lw_media_ref(lw_media *m)
{
    g_atomic_ref_count_inc(&m->refs);
    return m;
}

/* NULL is allowed. */
static inline void lw_media_unref(lw_media *m)
{
    if (m && g_atomic_ref_count_dec(&m->refs))
        m->free(m);
}

/* Tokens of one grid and of the whole medium. */
static inline int lw_media_grid_tokens(const lw_media *m)
{
    return m->grid_h / m->merge_size * (m->grid_w / m->merge_size);
}

static inline gint64 lw_media_n_tokens(const lw_media *m)
{
    return (gint64)m->grid_t * lw_media_grid_tokens(m);
}
/* Of the words around one grid of a film that goes by grid: its time, vision start and end. */
#define LW_MEDIA_GRID_WORDS 14

/* What it takes of a context: its tokens and the words between its grids. */
static inline gint64 lw_media_room(const lw_media *m)
{
    return lw_media_n_tokens(m) + (m->grid_seconds ? (gint64)m->grid_t * LW_MEDIA_GRID_WORDS : 0);
}

G_END_DECLS
