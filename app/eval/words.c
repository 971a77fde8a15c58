/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/words.h"

#include <string.h>

#define LONGEST_WORD 63
/* Draws before a pool counts as empty: pseudo (2) to measure with has about 1,000 words of 8,100. */
#define TRIES 4000

typedef enum { POOL_PSEUDO, POOL_NAME, POOL_CAPITALS, POOL_NUMBER, N_POOLS } Pool;
#define POOL_LENGTHS 16

struct _LwEvalWords {
  LwEvalRandom *random;
  LwEvalSide side;
  guint8 longer[N_POOLS][POOL_LENGTHS]; /* by how much, since the words of that length ran out */
  GHashTable *used;
  GStringChunk *chunk;
};

gboolean
lw_eval_word_on_side (const char *word, LwEvalSide side)
{
  char lower[LONGEST_WORD + 1];
  gsize n = strlen (word);

  g_return_val_if_fail (n <= LONGEST_WORD, FALSE);
  for (gsize i = 0; i < n; i++)
    lower[i] = g_ascii_tolower (word[i]);
  return (lw_eval_hash (lower, n) % 8 == 3) == (side == LW_EVAL_SIDE_MEASURE);
}

void
lw_eval_uuid (LwEvalRandom *random, LwEvalSide side, char *out)
{
  static const char hex[] = "0123456789abcdef";

  do
    {
      guint64 half[2] = { lw_eval_random_next (random), lw_eval_random_next (random) };
      guint nibble = 0;

      for (guint i = 0; i < 36; i++)
        {
          if (i == 8 || i == 13 || i == 18 || i == 23)
            {
              out[i] = '-';
              continue;
            }
          out[i] = hex[(half[nibble / 16] >> (4 * (nibble % 16))) & 15];
          nibble++;
        }
      out[14] = '4';
      out[19] = hex[8 + ((half[1] >> 60) & 3)];
      out[36] = 0;
    }
  while (!lw_eval_word_on_side (out, side));
}

void
lw_eval_letters (LwEvalRandom *random, guint n, char *out)
{
  for (guint i = 0; i < n; i++)
    out[i] = 'A' + lw_eval_random_below (random, 26);
  out[n] = 0;
}

LwEvalWords *
lw_eval_words_new (LwEvalRandom *random, LwEvalSide side)
{
  LwEvalWords *words = g_new0 (LwEvalWords, 1);

  words->random = random;
  words->side = side;
  words->used = g_hash_table_new (g_str_hash, g_str_equal);
  words->chunk = g_string_chunk_new (4096);
  return words;
}

void
lw_eval_words_free (LwEvalWords *words)
{
  if (words == NULL)
    return;
  g_hash_table_unref (words->used);
  g_string_chunk_free (words->chunk);
  g_free (words);
}

LwEvalRandom *
lw_eval_words_random (LwEvalWords *words)
{
  return words->random;
}

const char *
lw_eval_words_keep (LwEvalWords *words, const char *text)
{
  return g_string_chunk_insert_const (words->chunk, text);
}

const char *
lw_eval_words_claim (LwEvalWords *words, const char *word)
{
  char *kept;

  if (!lw_eval_word_on_side (word, words->side) || g_hash_table_contains (words->used, word))
    return NULL;
  kept = g_string_chunk_insert (words->chunk, word);
  g_hash_table_add (words->used, kept);
  return kept;
}

/* After so many draws in vain, words of this length count as used up. */
static void
run_dry (LwEvalWords *words, Pool pool, guint length, guint tries)
{
  guint8 *longer = &words->longer[pool][length % POOL_LENGTHS];

  if (tries % TRIES != 0 || (length + *longer) * 2 + 4 > LONGEST_WORD)
    return;
  (*longer)++;
}

static guint
length_now (const LwEvalWords *words, Pool pool, guint length)
{
  return length + words->longer[pool][length % POOL_LENGTHS];
}

static guint
put_syllables (LwEvalRandom *random, guint syllables, char *out)
{
  static const char consonants[] = "bdfghjklmnprstvwyz", vowels[] = "aeiou";

  for (guint i = 0; i < syllables; i++)
    {
      guint k = lw_eval_random_below (random, (sizeof consonants - 1) * 5);

      out[2 * i] = consonants[k / 5];
      out[2 * i + 1] = vowels[k % 5];
    }
  out[2 * syllables] = 0;
  return 2 * syllables;
}

const char *
lw_eval_words_pseudo (LwEvalWords *words, guint syllables)
{
  char word[LONGEST_WORD + 1];
  const char *kept;

  for (guint tries = 1;; tries++)
    {
      put_syllables (words->random, length_now (words, POOL_PSEUDO, syllables), word);
      if ((kept = lw_eval_words_claim (words, word)) != NULL)
        return kept;
      run_dry (words, POOL_PSEUDO, syllables, tries);
    }
}

const char *
lw_eval_words_name (LwEvalWords *words)
{
  static const char ends[] = "lmnrst";
  char word[LONGEST_WORD + 1];
  const char *kept;

  for (guint tries = 1;; tries++)
    {
      /* Two syllables and an end, three, or three and an end. */
      guint form = lw_eval_random_below (words->random, 3);
      guint n = put_syllables (words->random, length_now (words, POOL_NAME, 2) + (form > 0), word);

      if (form != 1)
        {
          word[n] = ends[lw_eval_random_below (words->random, sizeof ends - 1)];
          word[n + 1] = 0;
        }
      word[0] = g_ascii_toupper (word[0]);
      if ((kept = lw_eval_words_claim (words, word)) != NULL)
        return kept;
      run_dry (words, POOL_NAME, 2, tries);
    }
}

const char *
lw_eval_words_capitals (LwEvalWords *words, guint n)
{
  char word[LONGEST_WORD + 1];
  const char *kept;

  for (guint tries = 1;; tries++)
    {
      lw_eval_letters (words->random, length_now (words, POOL_CAPITALS, n), word);
      if ((kept = lw_eval_words_claim (words, word)) != NULL)
        return kept;
      run_dry (words, POOL_CAPITALS, n, tries);
    }
}

const char *
lw_eval_words_number (LwEvalWords *words, guint digits)
{
  char word[LONGEST_WORD + 1];
  const char *kept;

  for (guint tries = 1;; tries++)
    {
      guint n = length_now (words, POOL_NUMBER, digits);

      for (guint i = 0; i < n; i++)
        word[i] = i == 0 ? '1' + lw_eval_random_below (words->random, 9)
                         : '0' + lw_eval_random_below (words->random, 10);
      word[n] = 0;
      if ((kept = lw_eval_words_claim (words, word)) != NULL)
        return kept;
      run_dry (words, POOL_NUMBER, digits, tries);
    }
}

char *
lw_eval_form (const char *form, const char *a, const char *b)
{
  GString *out = g_string_new (NULL);
  const char *next = a;

  for (const char *p = form; *p != 0; p++)
    {
      if (p[0] != '%' || p[1] != 's')
        {
          g_string_append_c (out, *p);
          continue;
        }
      g_string_append (out, next);
      next = b;
      p++;
    }
  return g_string_free (out, FALSE);
}

void
lw_eval_noise_init (LwEvalNoise *noise, LwEvalWords *words)
{
  for (guint i = 0; i < LW_EVAL_NOISE_WORDS; i++)
    {
      noise->nouns[i] = lw_eval_words_pseudo (words, 2);
      noise->verbs[i] = lw_eval_words_pseudo (words, 2);
    }
}

void
lw_eval_noise_append (const LwEvalNoise *noise, LwEvalRandom *random, GString *out)
{
  /* N a noun, V a verb. */
  static const char *const forms[] = {
    "The N V the N near the N.",
    "The N of the N V the N.",
    "A N and a N V the N.",
    "The N V the N under the N and the N.",
    "The N of the N V the N behind the N.",
    "Every N V a N, but the N V the N.",
    "The N V the N, and the N V the N beside it.",
    "When the N V the N, a N V the N of the N.",
    "A N V the N before the N, and then the N V it.",
  };

  for (const char *p = forms[lw_eval_random_below (random, G_N_ELEMENTS (forms))]; *p != 0; p++)
    {
      if (*p == 'N')
        g_string_append (out, noise->nouns[lw_eval_random_below (random, LW_EVAL_NOISE_WORDS)]);
      else if (*p == 'V')
        g_string_append (out, noise->verbs[lw_eval_random_below (random, LW_EVAL_NOISE_WORDS)]);
      else
        g_string_append_c (out, *p);
    }
}
