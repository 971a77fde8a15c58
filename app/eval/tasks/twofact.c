/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * twofact: a text about invented people, their towns, the things they own and where these are.  A turn asks
 * what only two sentences together tell: who owns the thing in a place, where somebody's thing is, in which
 * town the owner of a thing lives, what the one in a town owns.
 * Unit: a sentence.  About a third are facts, the rest says other things about the same people or nothing.
 * Variant "step" asks for one fact.  hard: two thirds are facts.  The gold is the sentence that gives the answer, the other fact is anywhere.
 */
#include "app/eval/places.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/words.h"

typedef enum { FACT_HOME, FACT_OWNS, FACT_PLACE, N_FACTS } Fact;

typedef struct {
  const char *name, *town, *thing, *place;
  guint slot[N_FACTS];
  gboolean asked[N_FACTS];
} Person;

typedef struct {
  const Person *persons;
  guint n;
  LwEvalNoise noise;
} World;

static const char *const things[] = { "lamp", "clock", "flute", "ring",   "mask", "map",   "chest",
                                      "cup",  "drum",  "bell",  "mirror", "rug",  "crown", "sword" };
static const char *const places[] = { "tower", "barn", "mill",  "cellar", "garden", "chapel", "library",
                                      "hall",  "shed", "store", "stable", "bridge", "attic",  "school" };

static char *
tell (const Person *person, Fact fact, LwEvalRandom *random)
{
  static const char *const home[] = { "%s lives in %s.", "The home of %s is in %s.",
                                      "%s has a house in %s." };
  static const char *const owns[] = { "%s owns the %s.", "%s is the owner of the %s.", "%s bought the %s." };
  static const char *const owned[] = { "The %s belongs to %s.", "The %s is the property of %s." };
  static const char *const place[] = { "The %s is in the %s.", "The %s is kept in the %s.",
                                       "The %s can be found in the %s." };

  switch (fact)
    {
    case FACT_HOME:
      return lw_eval_form (home[lw_eval_random_below (random, 3)], person->name, person->town);
    case FACT_OWNS:
      if (lw_eval_random_below (random, 2) == 0)
        return lw_eval_form (owns[lw_eval_random_below (random, 3)], person->name, person->thing);
      return lw_eval_form (owned[lw_eval_random_below (random, 2)], person->thing, person->name);
    default:
      return lw_eval_form (place[lw_eval_random_below (random, 3)], person->thing, person->place);
    }
}

/* Half of the filler tells something else about the people. */
static void
fill (gpointer user, LwEvalRandom *random, GString *out)
{
  static const char *const alone[] = { "%s sat by the fire and read a letter.",
                                       "In the morning %s went for a walk.",
                                       "%s likes honey but not cheese.", "Nobody had seen %s for two days.",
                                       "%s was tired and went home early." };
  static const char *const both[] = { "%s met %s on the road.", "%s wrote a long letter to %s.",
                                      "%s sang a song, and %s danced.", "Once %s asked %s for help.",
                                      "%s is older than %s." };
  const World *world = user;
  guint form = lw_eval_random_below (random, 10);
  const char *first = world->persons[lw_eval_random_below (random, world->n)].name;
  const char *second = world->persons[lw_eval_random_below (random, world->n)].name;
  g_autofree char *sentence = NULL;

  if (lw_eval_random_below (random, 2) == 0)
    {
      lw_eval_noise_append (&world->noise, random, out);
      return;
    }
  sentence = form < 5 || first == second ? lw_eval_form (alone[form % 5], first, NULL)
                                         : lw_eval_form (both[form % 5], first, second);
  g_string_append (out, sentence);
}

static void
ask (LwEvalSample *sample, const LwEvalStory *story, const Person *person, Fact fact, LwEvalRandom *random)
{
  LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "twofact");
  g_autofree char *place = g_strdup_printf ("the %s", person->place);
  g_autofree char *thing = g_strdup_printf ("the %s", person->thing);
  g_autofree char *owns = lw_eval_form ("%s owns the %s.", person->name, person->thing);
  g_autofree char *lives = lw_eval_form ("%s lives in %s.", person->name, person->town);
  g_autofree char *is_in = lw_eval_form ("The %s is in the %s.", person->thing, person->place);
  const char *first = owns, *second = owns;

  switch (fact)
    {
    case FACT_HOME:
      second = lives;
      turn->question = lw_eval_form ("In which town does the owner of the %s live?", person->thing, NULL);
      lw_eval_turn_answer (turn, person->town);
      break;
    case FACT_PLACE:
      second = is_in;
      turn->question = lw_eval_form ("Where is the thing that %s owns?", person->name, NULL);
      lw_eval_turn_answer (turn, place);
      break;
    default:
      if (lw_eval_random_below (random, 2) == 0)
        {
          first = is_in;
          turn->question = lw_eval_form ("Who owns the thing in the %s?", person->place, NULL);
          lw_eval_turn_answer (turn, person->name);
          break;
        }
      first = lives;
      turn->question = lw_eval_form ("What does the one who lives in %s own?", person->town, NULL);
      lw_eval_turn_answer (turn, thing);
    }
  /* The gold reply goes the way of the question: both facts, the one that leads to the other first. */
  g_free (turn->reply);
  turn->reply = lw_eval_form ("%s %s", first, second);
  turn->score = LW_EVAL_SCORE_WORD;
  turn->cap = 64;
  lw_eval_turn_place (turn, 0, story->at[person->slot[fact]], story->lines[person->slot[fact]],
                      person->slot[fact], story->slots.n);
}

/* One fact of two, to practise on; the reply is the sentence that is asked for. */
static void
ask_one (LwEvalSample *sample, const Person *person, Fact fact, LwEvalRandom *random)
{
  static const char *const questions[N_FACTS][2] = {
    { "Where does %s live?", "Who lives in %s?" },
    { "What does %s own?", "Who owns the %s?" },
    { "Where is the %s?", "What is in the %s?" },
  };
  const char *const keys[N_FACTS][2] = { { person->name, person->town },
                                         { person->name, person->thing },
                                         { person->thing, person->place } };
  static const char *const replies[N_FACTS] = { "%s lives in %s.", "%s owns the %s.", "The %s is in the %s." };
  LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "twofact");
  guint way = lw_eval_random_below (random, 2);
  const char *const *key = keys[fact];

  turn->question = lw_eval_form (questions[fact][way], key[way], NULL);
  lw_eval_turn_answer (turn, key[1 - way]);
  g_free (turn->reply);
  turn->reply = lw_eval_form (replies[fact], key[0], key[1]);
  turn->score = LW_EVAL_SCORE_WORD;
  turn->cap = 40;
}

static void
invent (Person *person, LwEvalWords *words)
{
  LwEvalRandom *random = lw_eval_words_random (words);
  g_autofree char *thing = NULL, *place = NULL;

  person->name = lw_eval_words_name (words);
  person->town = lw_eval_words_name (words);
  thing = g_strdup_printf ("%s %s", lw_eval_words_pseudo (words, 3),
                           things[lw_eval_random_below (random, G_N_ELEMENTS (things))]);
  place = g_strdup_printf ("%s %s", lw_eval_words_pseudo (words, 3),
                           places[lw_eval_random_below (random, G_N_ELEMENTS (places))]);
  person->thing = lw_eval_words_keep (words, thing);
  person->place = lw_eval_words_keep (words, place);
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  static const char *const variants[] = { "step", NULL };

  if (!lw_eval_options_check ("twofact", units, options, variants, NULL, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "twofact", side);
  guint turns = options->turns, who[LW_EVAL_TURNS_MAX], golds[LW_EVAL_TURNS_MAX];
  Fact what[LW_EVAL_TURNS_MAX];
  /* Each person has three facts, each of which answers one question. */
  guint n_persons = MAX ((guint) units * (options->hard ? 2 : 1) / 9, MAX (2, (turns + 2) / 3));
  guint n = MAX ((guint) units, N_FACTS * n_persons);
  LwEvalSample *sample = lw_eval_sample_new ("twofact", seed, side, n);
  g_autoptr (LwEvalWords) words = lw_eval_words_new (&random, side);
  g_autofree Person *persons = g_new0 (Person, n_persons);
  g_auto (LwEvalStory) story = { { NULL } };
  World world = { persons, n_persons };
  GString *text = g_string_sized_new (128 + (gsize) n * 56);

  lw_eval_noise_init (&world.noise, words);
  for (guint i = 0; i < n_persons; i++)
    invent (&persons[i], words);

  lw_eval_story_init (&story, n);
  lw_eval_slots_spread (&story.slots, &random, turns, -1, golds);
  for (guint j = 0; j < turns; j++)
    {
      guint k = lw_eval_random_below (&random, n_persons * N_FACTS);

      while (persons[k / N_FACTS].asked[k % N_FACTS])
        k = (k + 1) % (n_persons * N_FACTS);
      who[j] = k / N_FACTS;
      what[j] = k % N_FACTS;
      persons[who[j]].asked[what[j]] = TRUE;
      persons[who[j]].slot[what[j]] = golds[j];
    }
  for (guint i = 0; i < n_persons; i++)
    for (guint f = 0; f < N_FACTS; f++)
      {
        if (!persons[i].asked[f])
          persons[i].slot[f] = lw_eval_slots_take_any (&story.slots, &random);
        lw_eval_story_put (&story, persons[i].slot[f], tell (&persons[i], f, &random));
      }

  g_string_append (text, "Read the text. Each question needs two facts of it.\n\n");
  lw_eval_story_write (&story, 8, fill, &world, &random, text);
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));
  for (guint j = 0; j < turns; j++)
    if (options->variant != NULL)
      ask_one (sample, &persons[who[j]], what[j], &random);
    else
      ask (sample, &story, &persons[who[j]], what[j], &random);
  return sample;
}

const LwEvalTask lw_eval_task_twofact = {
  .name = "twofact",
  .title = "questions that need two facts of a text about invented people",
  .least_units = 6,
  .tokens_per_unit = 16,
  .make = make,
};
