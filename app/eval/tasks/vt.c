/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * vt, variable tracking: chains of assignments strewn in order among sentences that say nothing; a turn
 * gives a number and asks for every name that has it.
 * Unit: a line, a statement or a sentence.  A chain a turn, at least two; each has a root and 2 hops, hard:
 * 4. Variant "repeat": the same sentence again and again (which compresses well).
 */
#include "app/eval/places.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/words.h"

#define HOPS 2
#define HOPS_HARD 4

typedef struct {
  const char *root;
  const char *names[1 + HOPS_HARD];
} Chain;

static int
by_number (gconstpointer a, gconstpointer b)
{
  guint x = *(const guint *) a, y = *(const guint *) b;

  return (x > y) - (x < y);
}

static void
same_sentence (gpointer user, LwEvalRandom *random, GString *out)
{
  g_string_append (out, user);
}

static void
put_chain (LwEvalStory *story, const Chain *chain, guint hops, LwEvalRandom *random)
{
  guint slots[1 + HOPS_HARD];

  for (guint h = 0; h <= hops; h++)
    slots[h] = lw_eval_slots_take_any (&story->slots, random);
  qsort (slots, hops + 1, sizeof *slots, by_number);
  lw_eval_story_put (story, slots[0], g_strdup_printf ("VAR %s = %s", chain->names[0], chain->root));
  for (guint h = 1; h <= hops; h++)
    lw_eval_story_put (story, slots[h],
                       g_strdup_printf ("VAR %s = VAR %s", chain->names[h], chain->names[h - 1]));
}

static void
ask (LwEvalSample *sample, const Chain *chains, guint n_chains, guint asked, guint hops)
{
  LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "vt");
  GPtrArray *answers = g_ptr_array_new (), *foreign = g_ptr_array_new ();

  turn->question = g_strdup_printf ("Which variables have the value %s? Reply with their names only.",
                                    chains[asked].root);
  for (guint c = 0; c < n_chains; c++)
    for (guint h = 0; h <= hops; h++)
      g_ptr_array_add (c == asked ? answers : foreign, g_strdup (chains[c].names[h]));
  g_ptr_array_add (answers, NULL);
  g_ptr_array_add (foreign, NULL);
  turn->answers = (char **) g_ptr_array_free (answers, FALSE);
  turn->foreign = (char **) g_ptr_array_free (foreign, FALSE);
  turn->reply = g_strjoinv (" ", turn->answers);
  turn->score = LW_EVAL_SCORE_RECALL;
  turn->cap = hops > HOPS ? 48 : 30;
}

/* One link of a chain, to practise on. */
static void
ask_step (LwEvalSample *sample, const Chain *chain, guint hops, LwEvalRandom *random)
{
  LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "vt");
  guint hop = lw_eval_random_below (random, hops);

  switch (lw_eval_random_below (random, 3))
    {
    case 0:
      turn->question = lw_eval_form ("Which variable is %s? Reply with its name only.", chain->root, NULL);
      lw_eval_turn_answer (turn, chain->names[0]);
      break;
    case 1:
      turn->question = lw_eval_form ("What is VAR %s set to? Reply with its name only.", chain->names[hop + 1], NULL);
      lw_eval_turn_answer (turn, chain->names[hop]);
      break;
    default:
      turn->question = lw_eval_form ("Which variable is set to VAR %s? Reply with its name only.", chain->names[hop],
                                     NULL);
      lw_eval_turn_answer (turn, chain->names[hop + 1]);
    }
  turn->score = LW_EVAL_SCORE_SUBSTRING;
  turn->cap = 12;
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  static const char *const variants[] = { "repeat", "step", NULL };

  if (!lw_eval_options_check ("vt", units, options, variants, NULL, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "vt", side);
  guint hops = options->hard ? HOPS_HARD : HOPS, turns = options->turns, n_chains = MAX (turns, 2);
  guint n = MAX ((guint) units, n_chains * (hops + 1));
  LwEvalSample *sample = lw_eval_sample_new ("vt", seed, side, n);
  g_autoptr (LwEvalWords) words = lw_eval_words_new (&random, side);
  g_autofree Chain *chains = g_new0 (Chain, n_chains);
  g_auto (LwEvalStory) story = { { NULL } };
  GString *text = g_string_sized_new (128 + (gsize) n * 64);
  guint order[LW_EVAL_TURNS_MAX];
  LwEvalNoise noise;

  lw_eval_story_init (&story, n);
  for (guint c = 0; c < n_chains; c++)
    {
      chains[c].root = lw_eval_words_number (words, 5);
      for (guint h = 0; h <= hops; h++)
        chains[c].names[h] = lw_eval_words_capitals (words, 5);
      put_chain (&story, &chains[c], hops, &random);
    }
  lw_eval_noise_init (&noise, words);

  g_string_append (text, "Below, variables get values. A variable set to another one has the same value. "
                         "Each question asks for all variables with a value.\n\n");
  if (g_strcmp0 (options->variant, "repeat") == 0)
    {
      g_autoptr (GString) sentence = g_string_new (NULL);

      lw_eval_noise_append (&noise, &random, sentence);
      lw_eval_story_write (&story, 1, same_sentence, sentence->str, &random, text);
    }
  else
    lw_eval_story_write (&story, 1, lw_eval_filler_noise, &noise, &random, text);
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));

  for (guint c = 0; c < n_chains; c++)
    order[c] = c;
  lw_eval_random_shuffle (&random, order, n_chains);
  for (guint j = 0; j < turns; j++)
    if (g_strcmp0 (options->variant, "step") == 0)
      ask_step (sample, &chains[order[j]], hops, &random);
    else
      ask (sample, chains, n_chains, order[j], hops);
  return sample;
}

const LwEvalTask lw_eval_task_vt = {
  .name = "vt",
  .title = "all variables that inherit a value",
  .least_units = 6,
  .tokens_per_unit = 21,
  .make = make,
};
