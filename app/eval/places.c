/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/places.h"

#include "app/eval/task.h"
#include "app/eval/words.h"

void
lw_eval_slots_init (LwEvalSlots *slots, guint n)
{
  slots->taken = g_new0 (guint8, n);
  slots->n = slots->left = n;
}

void
lw_eval_slots_clear (LwEvalSlots *slots)
{
  g_clear_pointer (&slots->taken, g_free);
}

guint
lw_eval_slots_take (LwEvalSlots *slots, guint wanted)
{
  /* Units are counted before they are taken: an empty table is a mistake of the task's. */
  if (slots->left == 0 || wanted >= slots->n)
    g_error ("unit %u wanted, %u of %u left", wanted, slots->left, slots->n);
  while (slots->taken[wanted])
    wanted = wanted + 1 < slots->n ? wanted + 1 : 0;
  slots->taken[wanted] = TRUE;
  slots->left--;
  return wanted;
}

guint
lw_eval_slots_take_any (LwEvalSlots *slots, LwEvalRandom *random)
{
  return lw_eval_slots_take (slots, lw_eval_random_below (random, slots->n));
}

void
lw_eval_slots_spread (LwEvalSlots *slots, LwEvalRandom *random, guint turns, int fixed_depth, guint *out)
{
  guint bins[LW_EVAL_TURNS_MAX];

  g_return_if_fail (turns >= 1 && turns <= LW_EVAL_TURNS_MAX);
  for (guint j = 0; j < turns; j++)
    bins[j] = j;
  lw_eval_random_shuffle (random, bins, turns);
  for (guint j = 0; j < turns; j++)
    {
      /* floor ((bin + u) / turns * n), u in 24 bits */
      guint64 place = ((guint64) bins[j] << 24) + (lw_eval_random_next (random) >> 40);
      guint wanted = (place * slots->n / turns) >> 24;

      if (fixed_depth >= 0)
        wanted = (guint64) (slots->n - 1) * fixed_depth / 100;
      out[j] = lw_eval_slots_take (slots, wanted);
    }
}

void
lw_eval_story_init (LwEvalStory *story, guint n)
{
  lw_eval_slots_init (&story->slots, n);
  story->lines = g_new0 (char *, n);
  story->at = g_new0 (gint64, n);
}

void
lw_eval_story_clear (LwEvalStory *story)
{
  if (story->lines == NULL)
    return;
  for (guint i = 0; i < story->slots.n; i++)
    g_free (story->lines[i]);
  g_clear_pointer (&story->lines, g_free);
  g_clear_pointer (&story->at, g_free);
  lw_eval_slots_clear (&story->slots);
}

void
lw_eval_story_put (LwEvalStory *story, guint slot, char *sentence_taken)
{
  g_return_if_fail (story->lines[slot] == NULL);
  story->lines[slot] = sentence_taken;
}

void
lw_eval_story_write (LwEvalStory *story, guint a_line, LwEvalFiller filler, gpointer user,
                     LwEvalRandom *random, GString *out)
{
  for (guint i = 0; i < story->slots.n; i++)
    {
      if (i > 0)
        g_string_append_c (out, i % a_line == 0 ? '\n' : ' ');
      story->at[i] = out->len;
      if (story->lines[i] != NULL)
        g_string_append (out, story->lines[i]);
      else
        filler (user, random, out);
    }
}

void
lw_eval_filler_noise (gpointer user, LwEvalRandom *random, GString *out)
{
  lw_eval_noise_append (user, random, out);
}
