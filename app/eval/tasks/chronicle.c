/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * chronicle: 12 invented persons (fewer in a short text) whose other names are told early; what they did is
 * told under the other name, and a turn asks under the first: what, where or on which day.
 * Unit: a sentence.  Events of different persons share verb and place, and every verb has only three places.
 * hard: the other name has yet another name, and events are told under that.
 * Variant "choice": four answers to choose from.
 */
#include "app/eval/places.h"
#include "app/eval/tasks/dates.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/words.h"

#define MOST_PERSONS 12
#define VERBS 8
#define PLACES 3
#define CHOICES 4

typedef enum { ASK_OBJECT, ASK_PLACE, ASK_DATE, N_ASKS } Ask;

static const struct {
  const char *past, *plain;
} verbs[VERBS] = { { "found", "find" },   { "hid", "hide" },   { "lost", "lose" },   { "sold", "sell" },
                   { "mended", "mend" },  { "drew", "draw" },  { "broke", "break" }, { "buried", "bury" } };

typedef struct {
  const char *name, *alias, *second;
} Person;

typedef struct {
  guint person, verb;
  const char *object, *place;
  char *date;
  guint slot;
} Event;

typedef struct {
  Person persons[MOST_PERSONS];
  const char *places[VERBS][PLACES];
  Event events[MOST_PERSONS * VERBS];
  guint n_persons, n_events;
  gboolean hard, choice;
} Chronicle;

static const char *
draw_place (LwEvalWords *words)
{
  static const char *const kinds[] = { "mill", "bridge", "tower", "inn", "well", "gate", "barn", "ford" };
  LwEvalRandom *random = lw_eval_words_random (words);
  g_autofree char *place = g_strdup_printf ("%s %s", lw_eval_words_pseudo (words, 2),
                                            kinds[lw_eval_random_below (random, G_N_ELEMENTS (kinds))]);

  return lw_eval_words_keep (words, place);
}

static void
invent (Chronicle *chronicle, LwEvalWords *words)
{
  LwEvalRandom *random = lw_eval_words_random (words);
  guint deeds[MOST_PERSONS * VERBS], days[LW_EVAL_MONTHS * LW_EVAL_MONTH_DAYS];

  for (guint p = 0; p < chronicle->n_persons; p++)
    {
      chronicle->persons[p].name = lw_eval_words_name (words);
      chronicle->persons[p].alias = lw_eval_words_name (words);
      chronicle->persons[p].second = chronicle->hard ? lw_eval_words_name (words) : NULL;
    }
  for (guint v = 0; v < VERBS; v++)
    for (guint i = 0; i < PLACES; i++)
      chronicle->places[v][i] = draw_place (words);
  for (guint i = 0; i < chronicle->n_persons * VERBS; i++)
    deeds[i] = i;
  lw_eval_random_shuffle (random, deeds, chronicle->n_persons * VERBS);
  for (guint i = 0; i < G_N_ELEMENTS (days); i++)
    days[i] = i;
  lw_eval_random_shuffle (random, days, G_N_ELEMENTS (days));
  for (guint i = 0; i < chronicle->n_events; i++)
    {
      guint verb = deeds[i] % VERBS;

      chronicle->events[i] = (Event){
        .person = deeds[i] / VERBS,
        .verb = verb,
        .object = lw_eval_words_pseudo (words, 3),
        .place = chronicle->places[verb][lw_eval_random_below (random, PLACES)],
        .date = lw_eval_date (days[i] / LW_EVAL_MONTH_DAYS, days[i] % LW_EVAL_MONTH_DAYS),
      };
    }
}

static char *
tell (const Chronicle *chronicle, const Event *event)
{
  const Person *person = &chronicle->persons[event->person];

  return g_strdup_printf ("On %s, %s %s the %s at the %s.", event->date,
                          person->second != NULL ? person->second : person->alias, verbs[event->verb].past,
                          event->object, event->place);
}

static char *
tell_alias (const char *name, const char *alias, LwEvalRandom *random)
{
  static const char *const forms[] = { "%s is also called %s.", "People know %s as %s.",
                                       "%s goes by the name of %s." };

  return lw_eval_form (forms[lw_eval_random_below (random, G_N_ELEMENTS (forms))], name, alias);
}

/* In the first quarter, or behind it when that is full. */
static void
put_aliases (LwEvalStory *story, const Chronicle *chronicle, LwEvalRandom *random)
{
  guint early = MAX (1, story->slots.n / 4);

  for (guint p = 0; p < chronicle->n_persons; p++)
    {
      const Person *person = &chronicle->persons[p];

      lw_eval_story_put (story, lw_eval_slots_take (&story->slots, lw_eval_random_below (random, early)),
                         tell_alias (person->name, person->alias, random));
      if (person->second != NULL)
        lw_eval_story_put (story, lw_eval_slots_take (&story->slots, lw_eval_random_below (random, early)),
                           tell_alias (person->alias, person->second, random));
    }
}

static const char *
value_of (const Event *event, Ask ask)
{
  return ask == ASK_OBJECT ? event->object : ask == ASK_PLACE ? event->place : event->date;
}

/* Three other values of the same sort, those of other events first. */
static void
draw_choices (const Chronicle *chronicle, const Event *event, Ask ask, LwEvalWords *words,
              const char **choices)
{
  LwEvalRandom *random = lw_eval_words_random (words);
  guint order[MOST_PERSONS * VERBS], n = 1, gold;

  choices[0] = value_of (event, ask);
  for (guint i = 0; i < chronicle->n_events; i++)
    order[i] = i;
  lw_eval_random_shuffle (random, order, chronicle->n_events);
  for (guint i = 0; i < chronicle->n_events && n < CHOICES; i++)
    {
      const char *other = value_of (&chronicle->events[order[i]], ask);
      gboolean there = FALSE;

      for (guint c = 0; c < n; c++)
        there |= g_str_equal (choices[c], other);
      if (!there)
        choices[n++] = other;
    }
  while (n < CHOICES)
    {
      g_autofree char *date = lw_eval_date (lw_eval_random_below (random, LW_EVAL_MONTHS),
                                            lw_eval_random_below (random, LW_EVAL_MONTH_DAYS));
      gboolean there = FALSE;

      for (guint c = 0; c < n; c++)
        there |= ask == ASK_DATE && g_str_equal (choices[c], date);
      if (!there)
        choices[n++] = ask == ASK_OBJECT  ? lw_eval_words_pseudo (words, 3)
                       : ask == ASK_PLACE ? draw_place (words)
                                          : lw_eval_words_keep (words, date);
    }
  gold = lw_eval_random_below (random, CHOICES);
  choices[0] = choices[gold];
  choices[gold] = value_of (event, ask);
}

static void
offer_choices (LwEvalTurn *turn, const char **choices, const char *gold)
{
  GString *question = g_string_new (turn->question);
  char answer[] = "(A)";

  turn->options = g_new0 (char *, CHOICES + 1);
  for (guint c = 0; c < CHOICES; c++)
    {
      turn->options[c] = g_strdup_printf ("(%c) %s", 'A' + c, choices[c]);
      g_string_append_printf (question, " %s", turn->options[c]);
      if (choices[c] == gold)
        answer[1] = 'A' + c;
    }
  g_string_append (question, " Reply with its letter.");
  g_free (turn->question);
  turn->question = g_string_free (question, FALSE);
  lw_eval_turn_answer (turn, answer);
  turn->score = LW_EVAL_SCORE_LETTER;
}

static void
ask (LwEvalSample *sample, const Chronicle *chronicle, const LwEvalStory *story, const Event *event,
     LwEvalWords *words)
{
  LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "chronicle");
  const char *name = chronicle->persons[event->person].name, *verb = verbs[event->verb].plain;
  Ask what = lw_eval_random_below (lw_eval_words_random (words), N_ASKS);
  const char *choices[CHOICES];

  if (what == ASK_OBJECT)
    turn->question = g_strdup_printf ("What did %s %s at the %s?", name, verb, event->place);
  else if (what == ASK_PLACE)
    turn->question = g_strdup_printf ("Where did %s %s the %s?", name, verb, event->object);
  else
    turn->question = g_strdup_printf ("On which day did %s %s the %s?", name, verb, event->object);
  lw_eval_turn_answer (turn, value_of (event, what));
  turn->score = LW_EVAL_SCORE_WORD;
  turn->cap = 24;
  lw_eval_turn_place (turn, 0, story->at[event->slot], story->lines[event->slot], event->slot,
                      story->slots.n);
  if (!chronicle->choice)
    return;
  draw_choices (chronicle, event, what, words, choices);
  offer_choices (turn, choices, value_of (event, what));
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  static const char *const variants[] = { "choice", NULL };

  if (!lw_eval_options_check ("chronicle", units, options, variants, NULL, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "chronicle", side);
  guint turns = options->turns, n, aliases, golds[LW_EVAL_TURNS_MAX];
  g_autofree Chronicle *chronicle = g_new0 (Chronicle, 1);
  g_autoptr (LwEvalWords) words = lw_eval_words_new (&random, side);
  g_auto (LwEvalStory) story = { { NULL } };
  LwEvalSample *sample;
  LwEvalNoise noise;
  GString *text = g_string_new ("Read the chronicle. Some people in it have more than one name. "
                                "Each question asks what somebody did.\n\n");

  chronicle->hard = options->hard;
  chronicle->choice = options->variant != NULL;
  chronicle->n_persons = CLAMP ((guint) units / 4, MAX (2, (turns + VERBS - 1) / VERBS), MOST_PERSONS);
  aliases = chronicle->n_persons * (options->hard ? 2 : 1);
  /* Half of what is left are events, and at least one a person. */
  chronicle->n_events = CLAMP (((guint) units - MIN ((guint) units, aliases)) / 2,
                               MAX (turns, chronicle->n_persons), chronicle->n_persons * VERBS);
  n = MAX ((guint) units, aliases + chronicle->n_events);
  sample = lw_eval_sample_new ("chronicle", seed, side, n);

  invent (chronicle, words);
  lw_eval_noise_init (&noise, words);
  lw_eval_story_init (&story, n);
  lw_eval_slots_spread (&story.slots, &random, turns, -1, golds);
  put_aliases (&story, chronicle, &random);
  for (guint i = 0; i < chronicle->n_events; i++)
    {
      Event *event = &chronicle->events[i];

      event->slot = i < turns ? golds[i] : lw_eval_slots_take_any (&story.slots, &random);
      lw_eval_story_put (&story, event->slot, tell (chronicle, event));
    }
  lw_eval_story_write (&story, 8, lw_eval_filler_noise, &noise, &random, text);
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));
  for (guint j = 0; j < turns; j++)
    ask (sample, chronicle, &story, &chronicle->events[j], words);
  for (guint i = 0; i < chronicle->n_events; i++)
    g_free (chronicle->events[i].date);
  return sample;
}

const LwEvalTask lw_eval_task_chronicle = {
  .name = "chronicle",
  .title = "what people did who are told of under another name",
  .least_units = 8,
  .tokens_per_unit = 24,
  .make = make,
};
