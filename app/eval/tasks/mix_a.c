/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mix_a: digest's documents with seven-digit numbers hidden in them, five or one for each turn that asks for
 * one; the turns ask in alternation for a summary ("digest") and for a number ("needle").
 * Unit: a sentence.
 */
#include "app/eval/tasks/documents.h"
#include "app/eval/tasks/tasks.h"

#define NEEDLES 5

typedef struct {
  const char *name, *number;
  guint slot;
} Needle;

static void
ask_needle (LwEvalSample *sample, const LwEvalDocuments *documents, const Needle *needle)
{
  LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "needle");

  turn->question = lw_eval_form ("What is the secret number of %s? Reply with the number only.", needle->name,
                                 NULL);
  lw_eval_turn_answer (turn, needle->number);
  turn->score = LW_EVAL_SCORE_INTEGER;
  turn->cap = 15;
  lw_eval_turn_place (turn, 0, documents->story.at[needle->slot], documents->story.lines[needle->slot],
                      needle->slot, documents->story.slots.n);
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  if (!lw_eval_options_check ("mix_a", units, options, NULL, NULL, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "mix_a", side);
  guint turns = options->turns, n_digests = (turns + 1) / 2, n_needles = MAX (NEEDLES, turns / 2);
  guint golds[LW_EVAL_TURNS_MAX], places[LW_EVAL_TURNS_MAX];
  LwEvalSample *sample = lw_eval_sample_new ("mix_a", seed, side, units);
  g_autoptr (LwEvalWords) words = lw_eval_words_new (&random, side);
  g_auto (LwEvalDocuments) documents = { 0 };
  g_auto (LwEvalSlots) slots = { NULL };
  Needle needles[LW_EVAL_TURNS_MAX];
  GString *text = g_string_new ("Read the documents. Each question asks for a summary of one of them, "
                                "or for a secret number.");

  lw_eval_documents_init (&documents, n_digests, units, n_needles, words);
  sample->units = documents.story.slots.n;
  lw_eval_slots_init (&slots, documents.n);
  lw_eval_slots_spread (&slots, &random, n_digests, -1, golds);
  lw_eval_slots_spread (&documents.story.slots, &random, n_needles, -1, places);
  for (guint i = 0; i < n_needles; i++)
    {
      needles[i] = (Needle){ lw_eval_words_name (words), lw_eval_words_number (words, 7), places[i] };
      lw_eval_story_put (&documents.story, places[i],
                         lw_eval_form ("The secret number of %s is %s.", needles[i].name, needles[i].number));
    }
  lw_eval_documents_write (&documents, &random, text);
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));
  for (guint j = 0; j < turns; j++)
    if (j % 2 == 0)
      lw_eval_documents_ask (&documents, golds[j / 2], lw_eval_sample_add_turn (sample, "digest"));
    else
      ask_needle (sample, &documents, &needles[j / 2]);
  return sample;
}

const LwEvalTask lw_eval_task_mix_a = {
  .name = "mix_a",
  .title = "summaries and hidden numbers in turn",
  .least_units = 8,
  .tokens_per_unit = 19,
  .make = make,
};
