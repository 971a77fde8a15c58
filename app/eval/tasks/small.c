/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * small: one shape of 9 to 12 pixels' radius, hard: 6 to 8, in a picture of any size, beside 1 to 4 large
 * ones; which it is, its colour, its shape, where it is.  Whoever runs it decides how many tokens the
 * picture may become; what is asked of the model grows with `units`, the cells of the whole picture.
 * Unit: a cell of the picture.  Variant "8x6": cells across and down.
 */
#include "app/eval/questions.h"
#include "app/eval/tasks/tasks.h"

enum { WHICH, COLOUR, SHAPE, WHERE, N_KINDS };

/* d->things[0] is the small one. */
static gboolean
draw (LwEvalDrawing *d, LwEvalRandom *random, int width, int height, gboolean hard)
{
  int n = lw_eval_random_range (random, 1, 4);
  double side = MIN (width, height);
  gboolean clear;

  lw_eval_drawing_start (d, random, width, height);
  d->border = 0;
  if (!lw_eval_drawing_put (d, random, LW_EVAL_ANY, LW_EVAL_ANY, hard ? 6 : 9, hard ? 8 : 12))
    return FALSE;
  lw_eval_drawing_place (d, &d->things[0], &clear);
  if (!clear)
    return FALSE;
  for (int i = 0; i < n; i++)
    if (!lw_eval_drawing_put (d, random, LW_EVAL_ANY, LW_EVAL_ANY, MAX (18, 0.12 * side),
                              MAX (20, 0.24 * side)))
      return FALSE;
  return lw_eval_drawing_count (d, d->things[0].colour, LW_EVAL_ANY, NULL) == 1 &&
         lw_eval_drawing_count (d, LW_EVAL_ANY, d->things[0].shape, NULL) == 1;
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  LwEvalRandom random = lw_eval_random_start (seed, "small", side);
  guint kinds[N_KINDS] = { WHICH, COLOUR, SHAPE, WHERE }, first;
  GPtrArray *scenes;
  LwEvalSample *sample;
  LwEvalDrawing d;
  int across, down;

  if (!lw_eval_picture_options ("small", units, options, FALSE, &random, &across, &down, NULL, error))
    return NULL;
  while (!draw (&d, &random, across * LW_EVAL_CELL, down * LW_EVAL_CELL, options->hard) ||
         !lw_eval_drawing_on_side (&d, "small", side))
    ;

  sample = lw_eval_sample_new ("small", seed, side, across * down);
  scenes = lw_eval_scenes_new (1);
  g_ptr_array_add (scenes, lw_eval_drawing_scene (&d, &random));
  lw_eval_sample_add_scenes (sample, LW_EVAL_PART_PICTURE, scenes, 0);

  lw_eval_random_shuffle (&random, kinds, N_KINDS);
  first = lw_eval_random_below (&random, LW_EVAL_PHRASINGS);
  for (guint j = 0; j < (guint) options->turns; j++)
    {
      guint phrasing = first + j / N_KINDS;

      switch (kinds[j % N_KINDS])
        {
        case WHICH:
          lw_eval_ask_smallest (sample, &d.things[0], phrasing);
          break;
        case COLOUR:
          lw_eval_ask_colour (sample, &d.things[0], phrasing);
          break;
        case SHAPE:
          lw_eval_ask_shape (sample, &d.things[0], phrasing);
          break;
        default:
          lw_eval_ask_where (sample, &d, &d.things[0], phrasing);
        }
    }
  return sample;
}

const LwEvalTask lw_eval_task_small = {
  .name = "small",
  .title = "one small object in a large picture",
  .visual = TRUE,
  .least_units = LW_EVAL_CELLS_LEAST * LW_EVAL_CELLS_LEAST,
  .tokens_per_unit = 1,
  .make = make,
};
