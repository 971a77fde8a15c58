/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The measures of likeness between two texts that published SCBench files are scored with.  All are 0 to 1;
 * texts are read up to LW_EVAL_SCORE_TOKENS tokens.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_EVAL_SCORE_TOKENS 4096

/* F1 over the multiset of characters, spaces and punctuation left out, case folded.  Not valid UTF-8: 0. */
double lw_eval_character_f1 (const char *gold, const char *reply);

/* ROUGE-Lsum, F1: a line is a sentence, tokens are runs of a-z and 0-9 in lower case, no stemming. */
double lw_eval_rouge_lsum (const char *gold, const char *reply);

/* Sentence BLEU of up to 4-grams, tokens between white space, smoothed by method 4 of Chen and Cherry
 * (2014). */
double lw_eval_bleu (const char *gold, const char *reply);

/* The first function of the first code block of a reply (of the whole reply without one).  Owned by the
 * caller. */
char *lw_eval_first_function (const char *reply);

G_END_DECLS
