/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a reply is worth, by the turn's rule (LwEvalScore).  compat: as SCBench's published scripts count,
 * their mistakes included, so that figures can be set beside published ones.  strict: what the rule is meant
 * to say.
 *
 *               strict                                        compat
 *   SUBSTRING   an answer stands in the reply as a whole      an answer is in the reply
 *               word, case-sensitive
 *   RECALL      share of the answers that stand in it as      share that is in it, whatever the case, in
 *               whole words; 0 when a foreign one does        hundredths
 *   INTEGER     the first number is the answer                the first number's whole part is
 *   LETTER      the first (X), else the first lone letter     the first letter when it is an option's, else
 *               that is an option                             the one after "answer is", else the first lone
 *   WORD        an answer's words stand one after another in  an answer's words stand in this order in the
 *               the first line, whatever the case             reply, whatever the case
 *   FACTS       hits less half of the other sentences with a  the same
 *               number of three and more digits, by facts
 *   ORDER       all words in this order: 1, else 0            Kendall's tau of the words' order, not below 0;
 *                                                             pairs with a missing word count against it
 *   QA          an answer is in the reply, whatever the case  the same
 *   SHOT        the first (X) is the answer's                 any one character of the answer is in the reply
 *   CHARACTERS  best F1 over an answer's characters           the same over each single character of the
 *               without spaces and punctuation                first answer, as if it were an answer
 *   SUMMARY     ROUGE-Lsum, F1, best answer                   the same
 *   CODE        1 when of the answer and the foreign ones     the same
 *               the answer has the highest BLEU, at least 0.8
 *
 * A leading "the", "a" or "an" of an answer of several words need not be said.  In strict scoring a foreign
 * word that stands in the reply, and not in the answer, makes 0 of WORD, SUBSTRING and RECALL.
 */
#pragma once

#include "app/eval/sample.h"

G_BEGIN_DECLS

/* 0 to 1.  reply: NULL counts as empty; need not be valid UTF-8.  Any thread. */
double lw_eval_score (const LwEvalTurn *turn, const char *reply, gboolean strict);

/* "substring", "recall", ...: static. */
const char *lw_eval_score_name (LwEvalScore score);

G_END_DECLS
