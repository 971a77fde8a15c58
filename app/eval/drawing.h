/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is true of a drawn picture: its ground and the shapes on it, with the names that people have for them.
 * The same colours, shapes and places as data/model/words.py, and the same ways to put them on paper as
 * data/model/scenes.py; questions read the truth, never the pixels.
 */
#pragma once

#include "app/eval/random.h"
#include "app/eval/scene.h"
#include "app/eval/task.h"

G_BEGIN_DECLS

/* words.py's colours, in its order. */
typedef enum {
  LW_EVAL_RED,
  LW_EVAL_GREEN,
  LW_EVAL_BLUE,
  LW_EVAL_YELLOW,
  LW_EVAL_ORANGE,
  LW_EVAL_PURPLE,
  LW_EVAL_PINK,
  LW_EVAL_BROWN,
  LW_EVAL_BLACK,
  LW_EVAL_WHITE,
  LW_EVAL_GRAY,
  LW_EVAL_N_COLOURS,
} LwEvalColour;

#define LW_EVAL_ANY (-1)
/* The kinds that pictures have; the arrow is a film's needle only. */
#define LW_EVAL_N_PLAIN_SHAPES LW_EVAL_ARROW
#define LW_EVAL_THINGS_MAX 12
/* A cell is what becomes one token: 28 x 28 pixels of a picture, of two frames of a film. */
#define LW_EVAL_CELL 28
#define LW_EVAL_CELLS_LEAST 4 /* a side */

const char *lw_eval_colour_name (LwEvalColour colour);
const char *lw_eval_shape_name (LwEvalShape shape);
const char *lw_eval_shape_plural (LwEvalShape shape);

/* Evenly from a to b, in steps of 2^-53 of the way. */
double lw_eval_uniform (LwEvalRandom *random, double a, double b);
gboolean lw_eval_chance (LwEvalRandom *random, double share);
/* A tone that goes by this name. */
void lw_eval_colour_tone (LwEvalRandom *random, LwEvalColour colour, float rgb[3]);
/* Can they be told apart on sight?  88 is enough for a shape, 120 for a text. */
gboolean lw_eval_tones_apart (const float a[3], const float b[3], double least);

typedef struct {
  LwEvalShape shape;
  LwEvalColour colour;
  float rgb[3];
  double x, y, r, turn;
} LwEvalThing;

/* "red circle": owned by the caller. */
char *lw_eval_thing_noun (const LwEvalThing *thing);
/* "a star", "an orange heart": owned by the caller. */
char *lw_eval_with_article (const char *noun);
/* "There is 1 red circle", "There are 3 shapes".  colour, shape: LW_EVAL_ANY for "shape" of any. */
char *lw_eval_counted (int n, int colour, int shape);
/* "red circles", "shapes". */
char *lw_eval_many (int colour, int shape);

typedef struct {
  int width, height;             /* pixels */
  LwEvalGround ground;
  int ground_colour;             /* an LwEvalColour, or LW_EVAL_ANY for one without a name */
  float tone[3], tone2[3];
  double turn, softness;
  float border;                  /* pixels; 0: none */
  float border_rgb[3];
  LwEvalThing things[LW_EVAL_THINGS_MAX];
  int n;
} LwEvalDrawing;

/* An empty sheet. */
void lw_eval_drawing_start (LwEvalDrawing *drawing, LwEvalRandom *random, int width, int height);
/* A thing at a free place, its radius from least to most.  FALSE when there is no room or no tone that stands
 * out was found: nothing is put. */
gboolean lw_eval_drawing_put (LwEvalDrawing *drawing, LwEvalRandom *random, int shape, int colour,
                              double least, double most);
/* Would a thing there keep its distance from all others?  except: one that does not count, or NULL. */
gboolean lw_eval_drawing_free (const LwEvalDrawing *drawing, double x, double y, double r,
                               const LwEvalThing *except);
/* How many things are of this colour and shape (LW_EVAL_ANY: whichever); first: one of them, or NULL. */
int lw_eval_drawing_count (const LwEvalDrawing *drawing, int colour, int shape, const LwEvalThing **first);
/* "in the top left", ... (words.py PLACES); clear: is it well within its ninth of the picture? */
const char *lw_eval_drawing_place (const LwEvalDrawing *drawing, const LwEvalThing *thing, gboolean *clear);
/* Pictures with the same things, whatever their places, are all on one side; key says what else they have. */
gboolean lw_eval_drawing_on_side (const LwEvalDrawing *drawing, const char *key, LwEvalSide side);
/* Half of all pictures have noise. */
LwEvalScene *lw_eval_drawing_scene (const LwEvalDrawing *drawing, LwEvalRandom *random);
/* One row of it, for films that change it. */
float *lw_eval_scene_add_thing (LwEvalScene *scene, const LwEvalThing *thing);
/* The ground alone. */
LwEvalScene *lw_eval_drawing_sheet (const LwEvalDrawing *drawing);

/* The size of a task's pictures or frames, in cells: variant "8x6" (across x down), else for films 8 x 8
 * and for pictures `units` cells at some common proportion.  fixed_depth as in lw_eval_options_check. */
gboolean lw_eval_picture_options (const char *task, int units, const LwEvalOptions *options, gboolean film,
                                  LwEvalRandom *random, int *across, int *down, int *fixed_depth,
                                  GError **error);

G_END_DECLS
