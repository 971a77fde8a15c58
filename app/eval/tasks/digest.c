/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * digest: documents with 12 facts each (fewer when the whole is short) among sentences that say nothing; a
 * turn asks for the facts of one document.
 * Unit: a sentence.  A document has about 30, each of the two kinds of sentence at most 12 and 18.
 */
#include "app/eval/tasks/documents.h"
#include "app/eval/tasks/tasks.h"

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  if (!lw_eval_options_check ("digest", units, options, NULL, NULL, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "digest", side);
  guint turns = options->turns, golds[LW_EVAL_TURNS_MAX];
  LwEvalSample *sample = lw_eval_sample_new ("digest", seed, side, units);
  g_autoptr (LwEvalWords) words = lw_eval_words_new (&random, side);
  g_auto (LwEvalDocuments) documents = { 0 };
  g_auto (LwEvalSlots) slots = { NULL };
  GString *text = g_string_new ("Read the documents. Each question asks for a summary of one of them.");

  lw_eval_documents_init (&documents, turns, units, 0, words);
  sample->units = documents.story.slots.n;
  lw_eval_slots_init (&slots, documents.n);
  lw_eval_slots_spread (&slots, &random, turns, -1, golds);
  lw_eval_documents_write (&documents, &random, text);
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));
  for (guint j = 0; j < turns; j++)
    lw_eval_documents_ask (&documents, golds[j], lw_eval_sample_add_turn (sample, "digest"));
  return sample;
}

const LwEvalTask lw_eval_task_digest = {
  .name = "digest",
  .title = "all facts of one of many documents",
  .least_units = 4,
  .tokens_per_unit = 19,
  .make = make,
};
