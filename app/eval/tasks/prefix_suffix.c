/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * prefix_suffix: random strings of 20 to 26 capitals, one a line (so that a first letter is not merged with a
 * space before it); a turn gives four letters at the start and four at the end, and one string has both.
 * Unit: a string.  Of the others up to 6 have only the start and 6 only the end, as many as fit; no further
 * string has either.  hard: the decoys share one more letter with what is asked on the other end.
 * Variant "at=N": the golds at N percent; to practise on, "short": strings of 8 letters
 * and more, and "step": these, and a question gives one end only.
 */
#include <string.h>

#include "app/eval/places.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/words.h"

#define LEAST 20
#define MOST 26
#define END 4
#define DECOYS 6
#define CODES (26 * 26 * 26 * 26)

/* Which four letters are asked for, one bit a code. */
typedef struct {
  guint8 bits[CODES / 8];
} Ends;

static guint
code_of (const char *four)
{
  guint code = 0;

  for (guint i = 0; i < END; i++)
    code = code * 26 + (four[i] - 'A');
  return code;
}

static gboolean
has (const Ends *ends, const char *four)
{
  guint code = code_of (four);

  return ends->bits[code / 8] >> (code % 8) & 1;
}

static void
mark (Ends *ends, const char *four)
{
  guint code = code_of (four);

  ends->bits[code / 8] |= 1 << (code % 8);
}

static const char *
tail_of (const char *string)
{
  return string + strlen (string) - END;
}

/* A string with the given start and end, either may be NULL; an end that is not given is none that is asked
 * for, and when `near` is given it has its letters but one. */
static void
draw (LwEvalRandom *random, LwEvalSide side, guint least, guint most, const char *start, const char *end, const char *near,
      const Ends *starts, const Ends *ends, char *out)
{
  do
    {
      guint n = lw_eval_random_range (random, least, most);
      char *other;

      lw_eval_letters (random, n, out);
      if (start != NULL)
        memcpy (out, start, END);
      if (end != NULL)
        memcpy (out + n - END, end, END);
      if (near == NULL)
        continue;
      other = start != NULL ? out + n - END : out;
      memcpy (other, near, END);
      other[lw_eval_random_below (random, END)] = 'A' + lw_eval_random_below (random, 26);
    }
  while ((start == NULL && has (starts, out)) || (end == NULL && has (ends, tail_of (out)))
         || !lw_eval_word_on_side (out, side));
}

typedef char String[MOST + 1];

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  static const char *const variants[] = { "step", "short", NULL };
  int depth;

  if (!lw_eval_options_check ("prefix_suffix", units, options, variants, &depth, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "prefix_suffix", side);
  guint turns = options->turns, n = MAX (units, options->turns), golds[LW_EVAL_TURNS_MAX];
  gboolean step = g_strcmp0 (options->variant, "step") == 0;
  guint least = LEAST, most = MOST;
  guint each = step ? 0 : MIN (DECOYS, (n / turns - 1) / 2);
  LwEvalSample *sample = lw_eval_sample_new ("prefix_suffix", seed, side, n);
  g_autofree String *strings = g_new (String, n);
  g_autofree gint64 *at = g_new (gint64, n);
  g_autofree Ends *starts = g_new0 (Ends, 1), *ends = g_new0 (Ends, 1);
  g_auto (LwEvalSlots) slots = { NULL };
  GString *text = g_string_sized_new (128 + (gsize) n * 25);

  /* To practise on: the shorter the string, the nearer its two ends. */
  if (step || g_strcmp0 (options->variant, "short") == 0)
    {
      most = lw_eval_random_range (&random, 9, MOST);
      least = MAX (8, most - 6);
    }
  lw_eval_slots_init (&slots, n);
  lw_eval_slots_spread (&slots, &random, turns, depth, golds);
  for (guint j = 0; j < turns; j++)
    {
      char *gold = strings[golds[j]];

      /* No start and no end is asked for twice. */
      draw (&random, side, least, most, NULL, NULL, NULL, starts, ends, gold);
      mark (starts, gold);
      mark (ends, tail_of (gold));
    }
  for (guint j = 0; j < turns; j++)
    for (guint d = 0; d < 2 * each; d++)
      {
        const char *gold = strings[golds[j]], *start = d % 2 == 0 ? gold : NULL;
        const char *end = d % 2 == 1 ? tail_of (gold) : NULL;
        const char *near = !options->hard ? NULL : start != NULL ? tail_of (gold) : gold;

        draw (&random, side, least, most, start, end, near, starts, ends,
              strings[lw_eval_slots_take_any (&slots, &random)]);
      }
  for (guint i = 0; i < n; i++)
    if (!slots.taken[i])
      draw (&random, side, least, most, NULL, NULL, NULL, starts, ends, strings[i]);

  g_string_append (text, "Below is a list of words. "
                         "Each question asks for the one word with a certain start and end.\n");
  for (guint i = 0; i < n; i++)
    {
      g_string_append_c (text, '\n');
      at[i] = text->len;
      g_string_append (text, strings[i]);
    }
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));

  for (guint j = 0; j < turns; j++)
    {
      LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "prefix_suffix");
      const char *gold = strings[golds[j]];

      if (step)
        {
          gboolean by_start = lw_eval_random_below (&random, 4) == 0;

          turn->question = g_strdup_printf ("Which word %s with \"%.*s\"? Reply with the one word that has it.",
                                            by_start ? "starts" : "ends", END, by_start ? gold : tail_of (gold));
        }
      else
        turn->question = g_strdup_printf ("Which word starts with \"%.*s\" and ends with \"%s\"? "
                                          "Reply with the one word that has both.", END, gold, tail_of (gold));
      lw_eval_turn_answer (turn, gold);
      turn->score = LW_EVAL_SCORE_SUBSTRING;
      turn->cap = 40;
      lw_eval_turn_place (turn, 0, at[golds[j]], gold, golds[j], n);
    }
  return sample;
}

const LwEvalTask lw_eval_task_prefix_suffix = {
  .name = "prefix_suffix",
  .title = "the one string with a start and an end",
  .least_units = 2,
  .tokens_per_unit = 24,
  .make = make,
};
