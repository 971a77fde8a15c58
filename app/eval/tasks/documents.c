/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/tasks/documents.h"

#include <string.h>

#define SENTENCES 30

static char *
invent_fact (LwEvalWords *words)
{
  static const char *const relations[] = { "%s weighs %s pounds.", "%s costs %s coins.",   "%s has %s doors.",
                                           "%s holds %s jars.",    "%s owns %s sheep.",    "%s sold %s maps.",
                                           "%s grew %s roses.",    "%s counted %s stars." };
  LwEvalRandom *random = lw_eval_words_random (words);
  const char *name = lw_eval_words_name (words), *number = lw_eval_words_number (words, 4);

  return lw_eval_form (relations[lw_eval_random_below (random, G_N_ELEMENTS (relations))], name, number);
}

static int
by_number (gconstpointer a, gconstpointer b)
{
  guint x = *(const guint *) a, y = *(const guint *) b;

  return (x > y) - (x < y);
}

void
lw_eval_documents_init (LwEvalDocuments *documents, guint least, guint sentences, guint spare,
                        LwEvalWords *words)
{
  LwEvalRandom *random = lw_eval_words_random (words);
  guint n = MAX (least, sentences / SENTENCES), total;

  /* Half of the sentences of a short document, but always one. */
  documents->n = n;
  documents->facts = CLAMP (sentences / n / 2, 1, LW_EVAL_DOCUMENT_FACTS);
  total = MAX (sentences, n * documents->facts + spare);
  documents->first = g_new (guint, n + 1);
  documents->heading_at = g_new0 (gint64, n);
  documents->fact_slots = g_new (guint, n * documents->facts);
  lw_eval_story_init (&documents->story, total);
  lw_eval_noise_init (&documents->noise, words);
  for (guint d = 0; d <= n; d++)
    documents->first[d] = (guint64) total * d / n;
  for (guint d = 0; d < n; d++)
    {
      guint *slots = documents->fact_slots + d * documents->facts, order[4 * SENTENCES];
      guint room = MIN (documents->first[d + 1] - documents->first[d], G_N_ELEMENTS (order));

      /* A document has fewer than 2 * SENTENCES, or some spare ones more; facts are among the first. */
      for (guint i = 0; i < room; i++)
        order[i] = documents->first[d] + i;
      lw_eval_random_shuffle (random, order, room);
      memcpy (slots, order, documents->facts * sizeof *slots);
      qsort (slots, documents->facts, sizeof *slots, by_number);
      for (guint f = 0; f < documents->facts; f++)
        lw_eval_story_put (&documents->story, lw_eval_slots_take (&documents->story.slots, slots[f]),
                           invent_fact (words));
    }
}

void
lw_eval_documents_clear (LwEvalDocuments *documents)
{
  g_clear_pointer (&documents->first, g_free);
  g_clear_pointer (&documents->heading_at, g_free);
  g_clear_pointer (&documents->fact_slots, g_free);
  lw_eval_story_clear (&documents->story);
}

void
lw_eval_documents_write (LwEvalDocuments *documents, LwEvalRandom *random, GString *out)
{
  for (guint d = 0; d < documents->n; d++)
    {
      g_string_append (out, "\n\n");
      documents->heading_at[d] = out->len;
      g_string_append_printf (out, "Document %u:\n", d + 1);
      for (guint i = documents->first[d]; i < documents->first[d + 1]; i++)
        {
          if (i > documents->first[d])
            g_string_append_c (out, ' ');
          documents->story.at[i] = out->len;
          if (documents->story.lines[i] != NULL)
            g_string_append (out, documents->story.lines[i]);
          else
            lw_eval_noise_append (&documents->noise, random, out);
        }
    }
}

void
lw_eval_documents_ask (const LwEvalDocuments *documents, guint k, LwEvalTurn *turn)
{
  g_autofree char *heading = g_strdup_printf ("Document %u:", k + 1);

  turn->question = g_strdup_printf ("Summarise document %u: repeat every fact of it that has a number.",
                                    k + 1);
  turn->answers = g_new0 (char *, documents->facts + 1);
  for (guint f = 0; f < documents->facts; f++)
    turn->answers[f] = g_strdup (documents->story.lines[documents->fact_slots[k * documents->facts + f]]);
  turn->reply = g_strjoinv (" ", turn->answers);
  turn->score = LW_EVAL_SCORE_FACTS;
  turn->cap = 24 + 16 * documents->facts;
  lw_eval_turn_place (turn, 0, documents->heading_at[k], heading, k, documents->n);
}
