/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Invented words, names, numbers and keys, and the rule that keeps measuring and training apart.
 *
 * The rule: a word belongs to LW_EVAL_SIDE_MEASURE when lw_eval_hash of its bytes in ASCII lower case is 3
 * modulo 8, else to LW_EVAL_SIDE_TRAIN.  It holds for every invented word, name, number of four and more
 * digits, UUID and string; the English of the templates (verbs, months, kinds of place) is the same on both
 * sides.
 */
#pragma once

#include "app/eval/random.h"

G_BEGIN_DECLS

gboolean lw_eval_word_on_side (const char *word, LwEvalSide side);

/* A UUID of version 4 as text: 36 characters and NUL. */
#define LW_EVAL_UUID_SIZE 37
void lw_eval_uuid (LwEvalRandom *random, LwEvalSide side, char *out);

/* n random capitals and NUL. */
void lw_eval_letters (LwEvalRandom *random, guint n, char *out);

/* Words of one sample: each is drawn once only.  What the functions return is owned by the collection.  When
 * words of a length have run out, a longer one is given. */
typedef struct _LwEvalWords LwEvalWords;

LwEvalWords *lw_eval_words_new (LwEvalRandom *random, LwEvalSide side);
void lw_eval_words_free (LwEvalWords *words);
/* Syllables of a consonant and a vowel: "dako" is pseudo (2). */
const char *lw_eval_words_pseudo (LwEvalWords *words, guint syllables);
/* An invented proper name, 5 to 7 letters, as "Dakomer". */
const char *lw_eval_words_name (LwEvalWords *words);
/* n capitals. */
const char *lw_eval_words_capitals (LwEvalWords *words, guint n);
/* A decimal number of so many digits, not starting with 0. */
const char *lw_eval_words_number (LwEvalWords *words, guint digits);
/* Counts a word of the caller's own making as drawn; NULL when it was already, or is of the other side. */
const char *lw_eval_words_claim (LwEvalWords *words, const char *word);
/* A copy that lives as long as the collection; may be asked for again and again. */
const char *lw_eval_words_keep (LwEvalWords *words, const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwEvalWords, lw_eval_words_free)

/* `form` with its first %s replaced by a and its second one by b (NULL when there is none); no other %. */
char *lw_eval_form (const char *form, const char *a, const char *b);

/* Sentences that say nothing: 8 to 14 words each, nouns and verbs from 200-word lists of the sample's own. */
#define LW_EVAL_NOISE_WORDS 200

typedef struct {
  const char *nouns[LW_EVAL_NOISE_WORDS];
  const char *verbs[LW_EVAL_NOISE_WORDS];
} LwEvalNoise;

/* Draws the lists; they live as long as `words`. */
void lw_eval_noise_init (LwEvalNoise *noise, LwEvalWords *words);
/* Appends one sentence with its full stop. */
void lw_eval_noise_append (const LwEvalNoise *noise, LwEvalRandom *random, GString *out);

/* The collection's own stream, for callers that hold nothing else. */
LwEvalRandom *lw_eval_words_random (LwEvalWords *words);

G_END_DECLS
