/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mf, math find: a list of three-digit integers; a turn asks for the largest, smallest, second largest,
 * second smallest or the median, and from the sixth turn on for the third largest and so on.
 * Unit: an integer; their number is made odd.  Every extreme that can be asked for occurs once.  Least and
 * largest are drawn for each list, and belong to a side by the text "LEAST-LARGEST"; the numbers between do
 * not.
 */
#include <string.h>

#include "app/eval/places.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/words.h"

#define MOST_RANKS (2 + LW_EVAL_TURNS_MAX / 2)

/* What is asked: rank 0 is the extreme itself. */
typedef struct {
  enum { LARGEST, SMALLEST, MEDIAN } end;
  guint rank;
} Statistic;

typedef struct {
  int smallest[MOST_RANKS], largest[MOST_RANKS];
  guint ranks;
} Extremes;

static void
draw_extremes (Extremes *extremes, guint ranks, LwEvalRandom *random, LwEvalSide side)
{
  char pair[16];

  extremes->ranks = ranks;
  do
    {
      extremes->smallest[0] = lw_eval_random_range (random, 100, 300);
      extremes->largest[0] = lw_eval_random_range (random, 700, 999);
      g_snprintf (pair, sizeof pair, "%d-%d", extremes->smallest[0], extremes->largest[0]);
    }
  while (!lw_eval_word_on_side (pair, side));
  for (guint i = 1; i < ranks; i++)
    {
      extremes->smallest[i] = extremes->smallest[i - 1] + lw_eval_random_range (random, 1, 3);
      extremes->largest[i] = extremes->largest[i - 1] - lw_eval_random_range (random, 1, 3);
    }
}

static int
median_of (const int *numbers, guint n)
{
  guint count[1000] = { 0 }, seen = 0;
  int value = -1;

  for (guint i = 0; i < n; i++)
    count[numbers[i]]++;
  while (seen <= n / 2)
    seen += count[++value];
  return value;
}

static char *
name_of (Statistic asked)
{
  static const char *const words[] = { "", "second ", "third ", "fourth ", "fifth ",
                                       "sixth ", "seventh ", "eighth ", "ninth ", "tenth " };
  const char *end = asked.end == LARGEST ? "largest" : "smallest";
  guint rank = asked.rank + 1;

  if (asked.end == MEDIAN)
    return g_strdup ("median");
  if (rank <= G_N_ELEMENTS (words))
    return g_strdup_printf ("%s%s number", words[rank - 1], end);
  return g_strdup_printf ("%u%s %s number", rank,
                          rank / 10 == 1 ? "th" : rank % 10 == 1 ? "st" : rank % 10 == 2 ? "nd"
                                                                      : rank % 10 == 3   ? "rd"
                                                                                         : "th",
                          end);
}

/* The five usual ones in random order, then further ranks. */
static void
choose (Statistic *asked, guint turns, LwEvalRandom *random)
{
  static const Statistic usual[] = { { LARGEST, 0 }, { SMALLEST, 0 }, { LARGEST, 1 }, { SMALLEST, 1 },
                                     { MEDIAN, 0 } };
  guint order[G_N_ELEMENTS (usual)];

  for (guint i = 0; i < G_N_ELEMENTS (usual); i++)
    order[i] = i;
  lw_eval_random_shuffle (random, order, G_N_ELEMENTS (usual));
  for (guint j = 0; j < turns; j++)
    if (j < G_N_ELEMENTS (usual))
      asked[j] = usual[order[j]];
    else
      asked[j] = (Statistic){ j % 2 ? LARGEST : SMALLEST, 2 + (j - G_N_ELEMENTS (usual)) / 2 };
}

static void
put_extremes (int *numbers, LwEvalSlots *slots, const Extremes *extremes, const Statistic *asked, guint turns,
              const guint *golds, LwEvalRandom *random)
{
  for (guint end = LARGEST; end <= SMALLEST; end++)
    for (guint rank = 0; rank < extremes->ranks; rank++)
      {
        guint slot = G_MAXUINT;

        for (guint j = 0; j < turns; j++)
          if (asked[j].end == end && asked[j].rank == rank)
            slot = golds[j];
        if (slot == G_MAXUINT)
          slot = lw_eval_slots_take_any (slots, random);
        numbers[slot] = (end == LARGEST ? extremes->largest : extremes->smallest)[rank];
      }
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  if (!lw_eval_options_check ("mf", units, options, NULL, NULL, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "mf", side);
  guint turns = options->turns, ranks = turns <= 5 ? 2 : 2 + (turns - 4) / 2, golds[LW_EVAL_TURNS_MAX];
  guint n = MAX ((guint) units, 2 * ranks + 1) | 1;
  LwEvalSample *sample = lw_eval_sample_new ("mf", seed, side, n);
  g_autofree int *numbers = g_new0 (int, n);
  g_autofree gint64 *at = g_new (gint64, n);
  g_auto (LwEvalSlots) slots = { NULL };
  Statistic asked[LW_EVAL_TURNS_MAX];
  Extremes extremes;
  GString *text = g_string_sized_new (128 + (gsize) n * 5);

  draw_extremes (&extremes, ranks, &random, side);
  choose (asked, turns, &random);
  lw_eval_slots_init (&slots, n);
  lw_eval_slots_spread (&slots, &random, turns, -1, golds);
  put_extremes (numbers, &slots, &extremes, asked, turns, golds, &random);
  for (guint i = 0; i < n; i++)
    if (numbers[i] == 0)
      numbers[i] = lw_eval_random_range (&random, extremes.smallest[ranks - 1] + 1,
                                         extremes.largest[ranks - 1] - 1);

  g_string_append (text, "Below is a list of integers. Each question asks for one of its statistics.\n\n[");
  for (guint i = 0; i < n; i++)
    {
      char digits[] = { '0' + numbers[i] / 100, '0' + numbers[i] / 10 % 10, '0' + numbers[i] % 10 };

      if (i > 0)
        g_string_append (text, ", ");
      at[i] = text->len;
      g_string_append_len (text, digits, 3);
    }
  g_string_append_c (text, ']');
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));

  for (guint j = 0; j < turns; j++)
    {
      LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "mf");
      g_autofree char *name = name_of (asked[j]), *answer = NULL;

      answer = g_strdup_printf ("%d", asked[j].end == MEDIAN ? median_of (numbers, n) : numbers[golds[j]]);
      turn->question = g_strdup_printf ("What is the %s in the list? Reply with one integer.", name);
      lw_eval_turn_answer (turn, answer);
      turn->score = LW_EVAL_SCORE_INTEGER;
      turn->cap = 8;
      if (asked[j].end != MEDIAN)
        lw_eval_turn_place (turn, 0, at[golds[j]], answer, golds[j], n);
    }
  return sample;
}

const LwEvalTask lw_eval_task_mf = {
  .name = "mf",
  .title = "largest, smallest and median of a list of integers",
  .least_units = 5,
  .tokens_per_unit = 5,
  .make = make,
};
