/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reorder, a timeline: events, told out of order, each with its day in words; a turn names up to five of
 * them and asks for their order.
 * Unit: a sentence, an event or one that says nothing.  A third are events, at most 20.  hard: all days are
 * in two months.
 */
#include <string.h>

#include "app/eval/places.h"
#include "app/eval/tasks/dates.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/words.h"

#define MOST_EVENTS 20
#define ASKED 5

typedef struct {
  const char *name;
  guint day; /* of the year */
} Event;

static char *
tell (const Event *event, LwEvalRandom *random)
{
  static const char *const forms[] = { "The fair of %s was on %s.", "The feast of %s was held on %s.",
                                       "They held the market of %s on %s.",
                                       "The race of %s took place on %s." };
  g_autofree char *date = lw_eval_date (event->day / LW_EVAL_MONTH_DAYS, event->day % LW_EVAL_MONTH_DAYS);

  return lw_eval_form (forms[lw_eval_random_below (random, G_N_ELEMENTS (forms))], event->name, date);
}

static int
by_day (gconstpointer a, gconstpointer b)
{
  const Event *x = a, *y = b;

  return (x->day > y->day) - (x->day < y->day);
}

static char *
join (const Event *events, guint n, const char *between)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? between : "", events[i].name);
  return g_string_free (out, FALSE);
}

static void
ask (LwEvalSample *sample, const Event *events, guint n_events, GHashTable *sets, LwEvalRandom *random)
{
  LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "reorder");
  guint order[MOST_EVENTS], n = MIN (ASKED, n_events), set;
  Event asked[ASKED];
  g_autofree char *list = NULL, *answer = NULL;

  do
    {
      set = 0;
      for (guint i = 0; i < n_events; i++)
        order[i] = i;
      lw_eval_random_shuffle (random, order, n_events);
      for (guint i = 0; i < n; i++)
        {
          asked[i] = events[order[i]];
          set |= 1u << order[i];
        }
    }
  while (!g_hash_table_add (sets, GUINT_TO_POINTER (set)));
  list = join (asked, n, ", ");
  turn->question = g_strdup_printf ("Put these in the order of their dates, earliest first: %s. "
                                    "Reply with the names only.", list);
  qsort (asked, n, sizeof *asked, by_day);
  answer = join (asked, n, " ");
  lw_eval_turn_answer (turn, answer);
  turn->score = LW_EVAL_SCORE_ORDER;
  turn->cap = 40;
}

/* Enough for every turn to name another five. */
static guint
least_events (guint turns)
{
  return turns == 1 ? 2 : turns <= 6 ? 6 : turns <= 21 ? 7 : 9;
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  if (!lw_eval_options_check ("reorder", units, options, NULL, NULL, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "reorder", side);
  guint turns = options->turns, n_events = CLAMP ((guint) units / 3, least_events (turns), MOST_EVENTS);
  guint n = MAX ((guint) units, n_events);
  guint days[LW_EVAL_MONTHS * LW_EVAL_MONTH_DAYS], first = 0, n_days = G_N_ELEMENTS (days);
  LwEvalSample *sample = lw_eval_sample_new ("reorder", seed, side, n);
  g_autoptr (LwEvalWords) words = lw_eval_words_new (&random, side);
  g_autoptr (GHashTable) sets = g_hash_table_new (NULL, NULL); /* bits of events that were asked together */
  g_auto (LwEvalStory) story = { { NULL } };
  Event events[MOST_EVENTS];
  LwEvalNoise noise;
  GString *text = g_string_sized_new (256 + (gsize) n * 56);

  if (options->hard)
    {
      first = lw_eval_random_below (&random, LW_EVAL_MONTHS - 1) * LW_EVAL_MONTH_DAYS;
      n_days = 2 * LW_EVAL_MONTH_DAYS;
    }
  for (guint d = 0; d < n_days; d++)
    days[d] = first + d;
  lw_eval_random_shuffle (&random, days, n_days);
  lw_eval_story_init (&story, n);
  for (guint e = 0; e < n_events; e++)
    {
      events[e] = (Event){ lw_eval_words_name (words), days[e] };
      lw_eval_story_put (&story, lw_eval_slots_take_any (&story.slots, &random), tell (&events[e], &random));
    }
  lw_eval_noise_init (&noise, words);

  g_string_append (text, "Read what happened in one year; it is not told in order. "
                         "Each question asks for the order of some events.\n\n");
  lw_eval_story_write (&story, 8, lw_eval_filler_noise, &noise, &random, text);
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));
  for (guint j = 0; j < turns; j++)
    ask (sample, events, n_events, sets, &random);
  return sample;
}

const LwEvalTask lw_eval_task_reorder = {
  .name = "reorder",
  .title = "the order of events that are told out of order",
  .least_units = 6,
  .tokens_per_unit = 22,
  .make = make,
};
