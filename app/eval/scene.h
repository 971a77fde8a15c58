/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A picture, or one frame of a film, as numbers: the rows that data/model/draw.py paints on the device
 * that trains and paint.c paints here.  Widths are those of data/model/layout.py.
 *
 * Ground row  [kind, R, G, B, R2, G2, B2, turn, noise, softness, tint, blur]
 * Shape row   [kind, x, y, radius, turn, R, G, B, border, bR, bG, bB, visible]
 * Text row    [x, y, scale, turn, R, G, B, font, n, 12 glyph numbers]
 *
 * Lengths in pixels (y down), angles in radians (clockwise), colours 0 to 255.  A text's x is the pen of
 * its first letter and y the top of its line; scale 1 is 28 pixels to the em.  Glyph numbers count
 * A-Z a-z 0-9.  The ground's noise is the standard deviation that a device adds; paint.c takes the
 * scene's own whole-numbered noise instead.
 */
#pragma once

#include "app/eval/sample.h"

G_BEGIN_DECLS

#define LW_EVAL_GROUND_W 12
#define LW_EVAL_SHAPE_W 13
#define LW_EVAL_TEXT_MAX 12
#define LW_EVAL_TEXT_W (9 + LW_EVAL_TEXT_MAX)
#define LW_EVAL_SCENE_SIDE_MAX 8192

typedef enum {
  LW_EVAL_GROUND_SOLID,
  LW_EVAL_GROUND_GRADIENT,
} LwEvalGround;

/* draw.py's kinds, in its order. */
typedef enum {
  LW_EVAL_CIRCLE,
  LW_EVAL_SQUARE,
  LW_EVAL_TRIANGLE,
  LW_EVAL_STAR,
  LW_EVAL_DIAMOND,
  LW_EVAL_CROSS,
  LW_EVAL_RING,
  LW_EVAL_HEART,
  LW_EVAL_MOON,
  LW_EVAL_RECTANGLE,
  LW_EVAL_ARROW, /* up at turn 0 */
  LW_EVAL_N_SHAPES,
} LwEvalShape;

struct _LwEvalScene {
  int width, height;         /* pixels, 1 to LW_EVAL_SCENE_SIDE_MAX */
  float ground[LW_EVAL_GROUND_W];
  float (*shapes)[LW_EVAL_SHAPE_W];
  float (*texts)[LW_EVAL_TEXT_W];
  int n_shapes, n_texts;
  int room_shapes, room_texts; /* rows allocated */
  int noise;                 /* every channel of every pixel is off by -noise to noise, 0 to 127 */
  guint64 noise_seed;
};

/* A white picture.  The scene owns its rows. */
LwEvalScene *lw_eval_scene_new (int width, int height);
void lw_eval_scene_free (LwEvalScene *scene);
LwEvalScene *lw_eval_scene_copy (const LwEvalScene *scene);

void lw_eval_scene_set_ground (LwEvalScene *scene, LwEvalGround kind, const float rgb[3], const float rgb2[3],
                               double turn);
/* Amplitude in levels of 255; also sets the row's standard deviation to that of the same noise. */
void lw_eval_scene_set_noise (LwEvalScene *scene, int amplitude, guint64 seed);

/* Append a row, painted over what is there; borrowed until the next one is added. */
float *lw_eval_scene_add_shape (LwEvalScene *scene, LwEvalShape kind, double x, double y, double radius,
                                double turn, const float rgb[3]);
/* string: 1 to LW_EVAL_TEXT_MAX of A-Z a-z 0-9.  font: below LW_EVAL_GLYPH_FONTS. */
float *lw_eval_scene_add_text (LwEvalScene *scene, double x, double y, double scale, double turn,
                               const float rgb[3], int font, const char *string);
/* Pixels from the first pen position to the last. */
double lw_eval_text_width (const char *string, int font, double scale);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwEvalScene, lw_eval_scene_free)

G_END_DECLS
