/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/length.h"

/* So close to the limit is close enough. */
#define SLACK(length) ((length) / 100)

LwEvalSample *
lw_eval_sample_of_units (const LwEvalRuler *ruler, const LwEvalTask *task, guint64 seed, LwEvalSide side,
                         int units, const LwEvalOptions *options, gint64 *n_tokens, GError **error)
{
  if (ruler->cancel != NULL && g_atomic_int_get (ruler->cancel))
    {
      g_set_error_literal (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED, "stopped");
      return NULL;
    }

  LwEvalSample *sample = task->make (seed, side, units, options, error);
  *n_tokens = 0;
  if (sample == NULL || ruler->model == NULL)
    return sample;

  g_autoptr (LwEvalLayout) layout = lw_eval_layout_new (ruler->model, sample, error);
  *n_tokens = layout != NULL ? lw_eval_layout_room (layout, error) : -1;
  if (*n_tokens < 0)
    g_clear_pointer (&sample, lw_eval_sample_free);
  return sample;
}

/* A number of units that was tried, and the tokens it takes; units 0: none was; tokens 0: it cannot be made. */
typedef struct {
  gint64 units, tokens;
} Tried;

/* Where to look next: along the line through what is known, aiming a little below the limit. */
static gint64
next_units (const LwEvalTask *task, gint64 length, Tried fits, Tried too_long, int round)
{
  double aim = (double) (length - SLACK (length) / 2), guess;

  if (too_long.units && !too_long.tokens)
    guess = (double) (MAX (fits.units, task->least_units) + too_long.units) / 2;
  else if (fits.units && too_long.units)
    guess = round % 3 == 2 /* a crooked line must not keep us */
              ? (double) (fits.units + too_long.units) / 2
              : (double) fits.units + (aim - (double) fits.tokens) * (double) (too_long.units - fits.units)
                                        / (double) MAX (too_long.tokens - fits.tokens, 1);
  else if (fits.units || too_long.units)
    guess = (double) (fits.units + too_long.units) * aim / (double) (fits.tokens + too_long.tokens);
  else
    guess = aim / MAX (task->tokens_per_unit, 0.01);
  guess = MIN (guess, too_long.units ? (double) too_long.units - 1 : LW_EVAL_UNITS_MAX);
  return (gint64) MAX (guess, MAX ((double) fits.units + 1, task->least_units));
}

LwEvalSample *
lw_eval_sample_of_length (const LwEvalRuler *ruler, const LwEvalTask *task, guint64 seed, LwEvalSide side,
                          gint64 length, const LwEvalOptions *options, gint64 *n_tokens, GError **error)
{
  g_autoptr (LwEvalSample) best = NULL;
  Tried fits = { 0, 0 }, too_long = { 0, 0 };

  for (int round = 0;; round++)
    {
      gint64 units = next_units (task, length, fits, too_long, round), n;
      g_autoptr (GError) local = NULL;
      g_autoptr (LwEvalSample) sample
          = lw_eval_sample_of_units (ruler, task, seed, side, (int) units, options, &n, &local);

      if (sample == NULL)
        {
          /* A picture may be as large as that and no larger. */
          if (local->domain != LW_EVAL_ERROR || units <= task->least_units)
            {
              g_propagate_error (error, g_steal_pointer (&local));
              return NULL;
            }
          too_long = (Tried){ units, 0 };
        }
      else if (n > length)
        {
          if (units <= task->least_units)
            {
              g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_ROOM,
                           "%s: %d question%s and the least context, %d units, take %" G_GINT64_FORMAT
                           " tokens, more than %" G_GINT64_FORMAT,
                           task->name, options->turns, options->turns == 1 ? "" : "s", sample->units, n, length);
              return NULL;
            }
          too_long = (Tried){ units, n };
        }
      else
        {
          fits = (Tried){ MAX (sample->units, units), n };
          g_clear_pointer (&best, lw_eval_sample_free);
          best = g_steal_pointer (&sample);
          *n_tokens = n;
          if (ruler->model == NULL || n >= length - SLACK (length) || fits.units >= LW_EVAL_UNITS_MAX)
            break;
        }
      if (best != NULL && too_long.units && too_long.units - fits.units <= 1)
        break;
    }
  return g_steal_pointer (&best);
}
