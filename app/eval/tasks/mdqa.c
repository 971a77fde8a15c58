/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mdqa, multi-document question answering: entries on invented things of one kind (towns, ships, ...), all
 * with the same attributes; a turn asks for one attribute of one of them.
 * Unit: a document of 60 to 100 tokens.  Up to 3 documents per gold have nearly its name (one letter
 * differs), as many as fit; hard: up to 6.  Variant "at=N": the golds at N percent.
 */
#include <string.h>

#include "app/eval/places.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/words.h"

#define FACTS 5
#define NEAR 3
#define NEAR_HARD 6

typedef enum { VALUE_NAME, VALUE_YEAR, VALUE_WORD } Value;

/* %s: first the entry's name, then (in `says`) the value. */
typedef struct {
  Value value;
  const char *says[2];
  const char *asks;
} Fact;

typedef struct {
  const char *opening;
  Fact facts[FACTS];
} Kind;

static const Kind kinds[] = {
  {
    .opening = "%s is a town between the hills and the sea.",
    .facts = {
      { VALUE_NAME,
        { "The town of %s was founded by %s.",
          "The founder of %s was called %s." },
        "Who founded the town of %s?" },
      { VALUE_YEAR,
        { "%s got its town wall in the year %s.",
          "The wall of %s was built in %s." },
        "In which year was the wall of %s built?" },
      { VALUE_NAME,
        { "Through %s flows the river %s.",
          "The river of %s is the %s." },
        "Which river flows through %s?" },
      { VALUE_NAME,
        { "The mayor of %s is called %s.",
          "At present %s has a mayor named %s." },
        "Who is the mayor of %s?" },
      { VALUE_WORD,
        { "The people of %s make %s and sell it.",
          "Most families in %s live from %s." },
        "What do the people of %s make?" },
    },
  },
  {
    .opening = "%s is a ship with three masts.",
    .facts = {
      { VALUE_NAME,
        { "The captain of the %s is called %s.",
          "On the %s the captain is %s." },
        "Who is the captain of the %s?" },
      { VALUE_YEAR,
        { "The %s was launched in the year %s.",
          "The first voyage of the %s was in %s." },
        "In which year was the %s launched?" },
      { VALUE_NAME,
        { "The home port of the %s is %s.",
          "The %s comes back each autumn to the port of %s." },
        "What is the home port of the %s?" },
      { VALUE_NAME,
        { "The %s was built by %s.",
          "The builder of the %s was named %s." },
        "Who built the %s?" },
      { VALUE_WORD,
        { "The %s carries %s.",
          "In the hold of the %s there is mostly %s." },
        "What does the %s carry?" },
    },
  },
  {
    .opening = "%s is a school with two yards.",
    .facts = {
      { VALUE_NAME,
        { "The head of the school %s is %s.",
          "The school %s is led by %s." },
        "Who leads the school %s?" },
      { VALUE_YEAR,
        { "The school %s was opened in the year %s.",
          "At %s the first lesson was given in %s." },
        "In which year was the school %s opened?" },
      { VALUE_NAME,
        { "The school %s stands in %s street.",
          "You find the school %s in the street called %s." },
        "In which street is the school %s?" },
      { VALUE_NAME,
        { "The oldest teacher of %s is called %s.",
          "Nobody has taught at %s for longer than %s." },
        "Who is the oldest teacher of the school %s?" },
      { VALUE_WORD,
        { "At noon the children of %s eat %s.",
          "In the kitchen of %s they cook %s." },
        "What do the children of the school %s eat?" },
    },
  },
  {
    .opening = "%s is a plant of the wet woods.",
    .facts = {
      { VALUE_NAME,
        { "The plant %s was first described by %s.",
          "The first to draw the plant %s was %s." },
        "Who first described the plant %s?" },
      { VALUE_YEAR,
        { "The plant %s was found in the year %s.",
          "Books tell of the plant %s since %s." },
        "In which year was the plant %s found?" },
      { VALUE_NAME,
        { "Most of %s grows on the island %s.",
          "The island where %s grows is %s." },
        "On which island does the plant %s grow?" },
      { VALUE_NAME,
        { "The plant %s is kept in the garden of %s.",
          "To see the plant %s, go to the garden of %s." },
        "In whose garden is the plant %s?" },
      { VALUE_WORD,
        { "From the leaves of %s people make %s.",
          "The leaves of %s are used for %s." },
        "What is made from the leaves of %s?" },
    },
  },
};

typedef struct {
  const char *name;
  const char *values[FACTS];
  guint form[FACTS];
  guint order[FACTS];   /* of telling */
  gint64 at[FACTS];
} Document;

static const char *
draw_year (LwEvalWords *words, LwEvalSide side)
{
  char year[8];

  do
    g_snprintf (year, sizeof year, "%d", lw_eval_random_range (lw_eval_words_random (words), 1000, 1999));
  while (!lw_eval_word_on_side (year, side));
  return lw_eval_words_keep (words, year);
}

/* Another name with one letter changed for one of its sort; with two when no such name is left. */
static const char *
near_name (const char *name, LwEvalWords *words)
{
  static const char vowels[] = "aeiou", consonants[] = "bdfghjklmnprstvwyz";
  LwEvalRandom *random = lw_eval_words_random (words);
  g_autofree char *near = g_strdup (name);
  const char *kept;
  guint n = strlen (name);

  for (guint tries = 0;; tries++)
    {
      memcpy (near, name, n);
      for (guint changes = 0; changes <= tries / 400; changes++)
        {
          char *letter = near + 1 + lw_eval_random_below (random, n - 1);

          *letter = strchr (vowels, *letter) != NULL
                      ? vowels[lw_eval_random_below (random, sizeof vowels - 1)]
                      : consonants[lw_eval_random_below (random, sizeof consonants - 1)];
        }
      if ((kept = lw_eval_words_claim (words, near)) != NULL)
        return kept;
    }
}

static void
fill (Document *document, const Kind *kind, LwEvalWords *words, LwEvalSide side)
{
  LwEvalRandom *random = lw_eval_words_random (words);

  for (guint f = 0; f < FACTS; f++)
    {
      Value value = kind->facts[f].value;

      document->values[f] = value == VALUE_NAME ? lw_eval_words_name (words)
                            : value == VALUE_YEAR ? draw_year (words, side)
                                                  : lw_eval_words_pseudo (words, 3);
      document->form[f] = lw_eval_random_below (random, 2);
      document->order[f] = f;
    }
  lw_eval_random_shuffle (random, document->order, FACTS);
}

static char *
tell (const Document *document, const Kind *kind, guint fact)
{
  return lw_eval_form (kind->facts[fact].says[document->form[fact]], document->name, document->values[fact]);
}

static void
write_document (GString *text, Document *document, const Kind *kind, guint number)
{
  g_autofree char *opening = lw_eval_form (kind->opening, document->name, NULL);

  g_string_append_printf (text, "\n\nDocument %u: %s\n%s", number, document->name, opening);
  for (guint i = 0; i < FACTS; i++)
    {
      guint f = document->order[i];
      g_autofree char *sentence = tell (document, kind, f);

      g_string_append_c (text, ' ');
      document->at[f] = text->len;
      g_string_append (text, sentence);
    }
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  int depth;

  if (!lw_eval_options_check ("mdqa", units, options, NULL, &depth, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "mdqa", side);
  const Kind *kind = &kinds[lw_eval_random_below (&random, G_N_ELEMENTS (kinds))];
  guint turns = options->turns, n = MAX (units, options->turns), golds[LW_EVAL_TURNS_MAX];
  guint near = MIN (options->hard ? NEAR_HARD : NEAR, n / turns - 1);
  LwEvalSample *sample = lw_eval_sample_new ("mdqa", seed, side, n);
  g_autoptr (LwEvalWords) words = lw_eval_words_new (&random, side);
  g_autofree Document *documents = g_new0 (Document, n);
  g_auto (LwEvalSlots) slots = { NULL };
  GString *text = g_string_sized_new (128 + (gsize) n * 320);

  lw_eval_slots_init (&slots, n);
  lw_eval_slots_spread (&slots, &random, turns, depth, golds);
  for (guint j = 0; j < turns; j++)
    documents[golds[j]].name = lw_eval_words_name (words);
  for (guint j = 0; j < turns; j++)
    for (guint d = 0; d < near; d++)
      documents[lw_eval_slots_take_any (&slots, &random)].name = near_name (documents[golds[j]].name, words);

  g_string_append (text, "Read the documents. Each question is answered by one of them.");
  for (guint i = 0; i < n; i++)
    {
      if (documents[i].name == NULL)
        documents[i].name = lw_eval_words_name (words);
      fill (&documents[i], kind, words, side);
      write_document (text, &documents[i], kind, i + 1);
    }
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));

  for (guint j = 0; j < turns; j++)
    {
      LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "mdqa");
      const Document *document = &documents[golds[j]];
      guint f = lw_eval_random_below (&random, FACTS);
      g_autofree char *sentence = tell (document, kind, f);

      turn->question = lw_eval_form (kind->facts[f].asks, document->name, NULL);
      lw_eval_turn_answer (turn, document->values[f]);
      turn->score = LW_EVAL_SCORE_WORD;
      turn->cap = 24;
      lw_eval_turn_place (turn, 0, document->at[f], sentence, golds[j], n);
    }
  return sample;
}

const LwEvalTask lw_eval_task_mdqa = {
  .name = "mdqa",
  .title = "a question that one of many like documents answers",
  .least_units = 2,
  .tokens_per_unit = 113,
  .make = make,
};
