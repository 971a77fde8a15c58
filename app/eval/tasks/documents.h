/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The text of digest and mix_a: numbered documents, each with facts (an invented entity, a relation, a
 * number) among sentences that say nothing.
 */
#pragma once

#include "app/eval/places.h"
#include "app/eval/words.h"

G_BEGIN_DECLS

#define LW_EVAL_DOCUMENT_FACTS 12

typedef struct {
  guint n;             /* documents */
  guint facts;         /* in each, at most LW_EVAL_DOCUMENT_FACTS */
  guint *first;        /* [n + 1] a document's first sentence */
  gint64 *heading_at;  /* [n] after lw_eval_documents_write */
  LwEvalStory story;   /* all sentences */
  guint *fact_slots;   /* [n][facts] ascending */
  LwEvalNoise noise;
} LwEvalDocuments;

/* At least `least` documents, about 30 sentences each, of `sentences` in all (more when there must be more);
 * `spare` of them are free of facts. */
void lw_eval_documents_init (LwEvalDocuments *documents, guint least, guint sentences, guint spare,
                             LwEvalWords *words);
void lw_eval_documents_clear (LwEvalDocuments *documents);
void lw_eval_documents_write (LwEvalDocuments *documents, LwEvalRandom *random, GString *out);
/* Asks turn to sum up document k: question, answers, reply, score and place, after the text is written. */
void lw_eval_documents_ask (const LwEvalDocuments *documents, guint k, LwEvalTurn *turn);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LwEvalDocuments, lw_eval_documents_clear)

G_END_DECLS
