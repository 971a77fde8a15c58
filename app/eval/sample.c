/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/sample.h"

G_DEFINE_QUARK (lw-eval-error-quark, lw_eval_error)

static void
part_free (LwEvalPart *part)
{
  g_free (part->text);
  g_clear_pointer (&part->scenes, g_ptr_array_unref);
  g_free (part);
}

static void
turn_free (LwEvalTurn *turn)
{
  g_free (turn->kind);
  g_free (turn->question);
  g_strfreev (turn->answers);
  g_strfreev (turn->foreign);
  g_strfreev (turn->options);
  g_free (turn->reply);
  g_free (turn->gold);
  g_free (turn);
}

LwEvalSample *
lw_eval_sample_new (const char *task, guint64 seed, LwEvalSide side, int units)
{
  LwEvalSample *sample = g_new0 (LwEvalSample, 1);

  sample->task = g_strdup (task);
  sample->seed = seed;
  sample->side = side;
  sample->units = units;
  sample->parts = g_ptr_array_new_with_free_func ((GDestroyNotify) part_free);
  sample->turns = g_ptr_array_new_with_free_func ((GDestroyNotify) turn_free);
  return sample;
}

void
lw_eval_sample_free (LwEvalSample *sample)
{
  if (sample == NULL)
    return;
  g_free (sample->task);
  g_ptr_array_unref (sample->parts);
  g_ptr_array_unref (sample->turns);
  g_free (sample);
}

LwEvalPart *
lw_eval_sample_add_text (LwEvalSample *sample, char *text_taken)
{
  LwEvalPart *part = g_new0 (LwEvalPart, 1);

  part->kind = LW_EVAL_PART_TEXT;
  part->text = text_taken;
  g_ptr_array_add (sample->parts, part);
  return part;
}

LwEvalTurn *
lw_eval_sample_add_turn (LwEvalSample *sample, const char *kind)
{
  LwEvalTurn *turn = g_new0 (LwEvalTurn, 1);

  turn->kind = g_strdup (kind);
  turn->cap = 32;
  turn->depth = -1;
  turn->part = -1;
  turn->at = -1;
  g_ptr_array_add (sample->turns, turn);
  return turn;
}

void
lw_eval_turn_place (LwEvalTurn *turn, int part, gint64 at, const char *gold, guint index, guint n)
{
  turn->part = part;
  turn->at = at;
  turn->depth = n > 1 ? (double) index / (n - 1) : 0;
  g_free (turn->gold);
  turn->gold = g_strdup (gold);
}

void
lw_eval_turn_answer (LwEvalTurn *turn, const char *answer)
{
  g_strfreev (turn->answers);
  turn->answers = g_new0 (char *, 2);
  turn->answers[0] = g_strdup (answer);
  g_free (turn->reply);
  turn->reply = g_strdup (answer);
}
