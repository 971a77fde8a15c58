/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * count: how many shapes, circles, red shapes, red circles a picture has: 1 to 9 shapes in all.
 * Unit: a cell of the picture.  Variant "8x6": cells across and down.
 */
#include <math.h>

#include "app/eval/questions.h"
#include "app/eval/tasks/tasks.h"

typedef struct {
  int colour, shape;
} Fact;

/* Everything that can be counted; [0] is all shapes. */
static guint
facts_of (const LwEvalDrawing *d, Fact *facts)
{
  guint n = 0;

  facts[n++] = (Fact){ LW_EVAL_ANY, LW_EVAL_ANY };
  for (int c = LW_EVAL_ANY; c < LW_EVAL_N_COLOURS; c++)
    for (int s = LW_EVAL_ANY; s < LW_EVAL_N_PLAIN_SHAPES; s++)
      if ((c != LW_EVAL_ANY || s != LW_EVAL_ANY) && lw_eval_drawing_count (d, c, s, NULL) > 0)
        facts[n++] = (Fact){ c, s };
  return n;
}

static gboolean
draw (LwEvalDrawing *d, LwEvalRandom *random, int width, int height)
{
  int n = lw_eval_random_range (random, 1, 9), side = MIN (width, height);
  double most = MIN (0.36 * side, 0.42 * sqrt ((double) width * height / n)), least = MAX (9, 0.055 * side);
  gboolean few = lw_eval_chance (random, 0.5);
  int shapes[2], colours[3];

  for (int i = 0; i < 2; i++)
    shapes[i] = few ? (int) lw_eval_random_below (random, LW_EVAL_N_PLAIN_SHAPES) : LW_EVAL_ANY;
  few = lw_eval_chance (random, 0.4);
  for (int i = 0; i < 3; i++)
    colours[i] = few ? (int) lw_eval_random_below (random, LW_EVAL_N_COLOURS) : LW_EVAL_ANY;

  lw_eval_drawing_start (d, random, width, height);
  for (int i = 0; i < n; i++)
    if (!lw_eval_drawing_put (d, random, shapes[lw_eval_random_below (random, 2)],
                              colours[lw_eval_random_below (random, 3)], least, most))
      return FALSE;
  return TRUE;
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  LwEvalRandom random = lw_eval_random_start (seed, "count", side);
  Fact facts[1 + LW_EVAL_N_COLOURS + LW_EVAL_N_PLAIN_SHAPES + LW_EVAL_THINGS_MAX];
  guint order[G_N_ELEMENTS (facts)], n, first;
  GPtrArray *scenes;
  LwEvalSample *sample;
  LwEvalDrawing d;
  int across, down;

  if (!lw_eval_picture_options ("count", units, options, FALSE, &random, &across, &down, NULL, error))
    return NULL;
  while (!draw (&d, &random, across * LW_EVAL_CELL, down * LW_EVAL_CELL) ||
         !lw_eval_drawing_on_side (&d, "picture", side))
    ;

  sample = lw_eval_sample_new ("count", seed, side, across * down);
  scenes = lw_eval_scenes_new (1);
  g_ptr_array_add (scenes, lw_eval_drawing_scene (&d, &random));
  lw_eval_sample_add_scenes (sample, LW_EVAL_PART_PICTURE, scenes, 0);

  n = facts_of (&d, facts);
  for (guint i = 0; i < n; i++)
    order[i] = i;
  lw_eval_random_shuffle (&random, order + 1, n - 1);
  /* All shapes are asked for first, or not at once. */
  if (lw_eval_chance (&random, 0.5))
    lw_eval_random_shuffle (&random, order, n);
  first = lw_eval_random_below (&random, LW_EVAL_PHRASINGS);
  for (guint j = 0; j < (guint) options->turns; j++)
    {
      const Fact *f = &facts[order[j % n]];

      lw_eval_ask_count (sample, lw_eval_drawing_count (&d, f->colour, f->shape, NULL), f->colour, f->shape,
                         first + j + j / n);
    }
  return sample;
}

const LwEvalTask lw_eval_task_count = {
  .name = "count",
  .title = "how many shapes a picture has",
  .visual = TRUE,
  .least_units = LW_EVAL_CELLS_LEAST * LW_EVAL_CELLS_LEAST,
  .tokens_per_unit = 1,
  .make = make,
};
