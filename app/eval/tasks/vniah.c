/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * vniah, the visual needle in a haystack: a long film (needles.h), a needle a turn at depths that are
 * spread over it, each on the two frames of one pair; half of the questions offer four answers, half ask
 * for the answer.
 * hard: every needle is a card in a colour of its own, every question wants its number and offers nothing, so that
 * guessing does not pay.  With small frames, "4x4", a part of the keys does not either: this is what an
 * approximation is judged by (a tenth of 8x8 cells tells every third number).
 * Unit: a frame, two a second; an odd number is made even, and there is a pair for every turn.
 * Variants "4x4" to ...: cells across and down, 8x8 without one, which makes 64 tokens a pair; "at=N".
 */
#include "app/eval/needles.h"
#include "app/eval/places.h"
#include "app/eval/tasks/tasks.h"

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  LwEvalRandom random = lw_eval_random_start (seed, "vniah", side);
  g_autoptr (LwEvalWords) words = lw_eval_words_new (&random, side);
  LwEvalNeedle needles[LW_EVAL_NEEDLES_MAX];
  const guint most = options->hard ? LW_EVAL_CARDS_MAX : LW_EVAL_NEEDLES_MAX;
  guint pairs, turns = (guint) options->turns, places[LW_EVAL_NEEDLES_MAX], choice;
  g_auto (LwEvalSlots) slots = { NULL };
  int across, down, fixed_depth;
  LwEvalSample *sample;
  GPtrArray *scenes;
  LwEvalHay hay;

  if (!lw_eval_picture_options ("vniah", units, options, TRUE, &random, &across, &down, &fixed_depth, error))
    return NULL;
  if (turns > most)
    {
      g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_OPTION, "vniah: %u turns; 1 to %u can be told apart", turns,
                   most);
      return NULL;
    }

  pairs = MAX (((guint) units + 1) / 2, turns);
  sample = lw_eval_sample_new ("vniah", seed, side, (int) pairs * 2);
  lw_eval_hay_init (&hay, &random, across * LW_EVAL_CELL, down * LW_EVAL_CELL);
  lw_eval_needles_init (needles, turns, &random, words, options->hard);
  lw_eval_slots_init (&slots, pairs);
  lw_eval_slots_spread (&slots, &random, turns, fixed_depth, places);

  scenes = lw_eval_scenes_new (pairs * 2);
  for (guint f = 0; f < pairs * 2; f++)
    g_ptr_array_add (scenes, slots.taken[f / 2] ? NULL : lw_eval_hay_frame (&hay, f));
  lw_eval_sample_add_scenes (sample, LW_EVAL_PART_FILM, scenes, LW_EVAL_FILM_FPS);

  choice = lw_eval_random_below (&random, 2);
  for (guint j = 0; j < turns; j++)
    {
      LwEvalScene *look = lw_eval_needle_frame (&needles[j], &hay, &random);
      LwEvalTurn *turn;

      lw_eval_needle_show (look, &hay, scenes, 2 * places[j], 2 * places[j]);
      turn = lw_eval_needle_ask (&needles[j], sample, &random, !options->hard && (choice + j) % 2 == 1, FALSE);
      lw_eval_turn_place (turn, 0, 2 * places[j], NULL, places[j], pairs);
    }
  return sample;
}

const LwEvalTask lw_eval_task_vniah = {
  .name = "vniah",
  .title = "two odd frames in a long film",
  .visual = TRUE,
  .least_units = 2,
  .tokens_per_unit = 32,
  .make = make,
};
