/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shapes: a picture of 1 to 5 shapes, hard: to 9; the colour of one, the shape of one, where one is, how many
 * there are, by turns.
 * Unit: a cell of the picture.  Variant "8x6": cells across and down.
 */
#include <math.h>

#include "app/eval/questions.h"
#include "app/eval/tasks/tasks.h"

enum { COLOUR, SHAPE, WHERE, COUNT, N_KINDS };

typedef struct {
  const LwEvalThing *things[LW_EVAL_THINGS_MAX];
  guint n;
} Things;

/* Things that a question of the kind can be about: the only one of its shape, of its colour, or the only red
 * circle and not between two places. */
static void
find (const LwEvalDrawing *d, Things found[N_KINDS])
{
  for (int k = 0; k < N_KINDS; k++)
    found[k].n = 0;
  for (int i = 0; i < d->n; i++)
    {
      const LwEvalThing *t = &d->things[i];
      gboolean clear;

      lw_eval_drawing_place (d, t, &clear);
      if (lw_eval_drawing_count (d, LW_EVAL_ANY, t->shape, NULL) == 1)
        found[COLOUR].things[found[COLOUR].n++] = t;
      if (lw_eval_drawing_count (d, t->colour, LW_EVAL_ANY, NULL) == 1)
        found[SHAPE].things[found[SHAPE].n++] = t;
      if (clear && lw_eval_drawing_count (d, t->colour, t->shape, NULL) == 1)
        found[WHERE].things[found[WHERE].n++] = t;
      found[COUNT].things[found[COUNT].n++] = t;
    }
}

static gboolean
draw (LwEvalDrawing *d, LwEvalRandom *random, int width, int height, int most_things, Things found[N_KINDS])
{
  int n = lw_eval_random_range (random, 1, most_things), side = MIN (width, height);
  double most = MIN (0.36 * side, 0.42 * sqrt ((double) width * height / n)), least = MAX (9, 0.055 * side);

  lw_eval_drawing_start (d, random, width, height);
  for (int i = 0; i < n; i++)
    if (!lw_eval_drawing_put (d, random, LW_EVAL_ANY, LW_EVAL_ANY, least, most))
      return FALSE;
  find (d, found);
  for (int k = 0; k < N_KINDS; k++)
    if (found[k].n == 0)
      return FALSE;
  return TRUE;
}

static void
ask (LwEvalSample *sample, const LwEvalDrawing *d, guint kind, const LwEvalThing *t, guint phrasing,
     gboolean all)
{
  switch (kind)
    {
    case COLOUR:
      lw_eval_ask_colour (sample, t, phrasing);
      break;
    case SHAPE:
      lw_eval_ask_shape (sample, t, phrasing);
      break;
    case WHERE:
      lw_eval_ask_where (sample, d, t, phrasing);
      break;
    default:
      lw_eval_ask_count (sample, all ? d->n : lw_eval_drawing_count (d, LW_EVAL_ANY, t->shape, NULL),
                         LW_EVAL_ANY, all ? LW_EVAL_ANY : (int) t->shape, phrasing);
    }
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  LwEvalRandom random = lw_eval_random_start (seed, "shapes", side);
  guint kinds[N_KINDS] = { COLOUR, SHAPE, WHERE, COUNT }, first;
  Things found[N_KINDS];
  GPtrArray *scenes;
  LwEvalSample *sample;
  LwEvalDrawing d;
  int across, down;

  if (!lw_eval_picture_options ("shapes", units, options, FALSE, &random, &across, &down, NULL, error))
    return NULL;
  while (!draw (&d, &random, across * LW_EVAL_CELL, down * LW_EVAL_CELL, options->hard ? 9 : 5, found) ||
         !lw_eval_drawing_on_side (&d, "picture", side))
    ;

  sample = lw_eval_sample_new ("shapes", seed, side, across * down);
  scenes = lw_eval_scenes_new (1);
  g_ptr_array_add (scenes, lw_eval_drawing_scene (&d, &random));
  lw_eval_sample_add_scenes (sample, LW_EVAL_PART_PICTURE, scenes, 0);

  lw_eval_random_shuffle (&random, kinds, N_KINDS);
  first = lw_eval_random_below (&random, LW_EVAL_PHRASINGS * LW_EVAL_THINGS_MAX);
  for (guint j = 0; j < (guint) options->turns; j++)
    {
      guint kind = kinds[j % N_KINDS], round = first + j / N_KINDS;

      ask (sample, &d, kind, found[kind].things[round % found[kind].n], round, round % 2 == 0);
    }
  return sample;
}

const LwEvalTask lw_eval_task_shapes = {
  .name = "shapes",
  .title = "colour, shape, place and number in a picture",
  .visual = TRUE,
  .least_units = LW_EVAL_CELLS_LEAST * LW_EVAL_CELLS_LEAST,
  .tokens_per_unit = 1,
  .make = make,
};
