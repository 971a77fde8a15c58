/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kv: one JSON object on one line, keys and values UUIDs; a turn asks for the value of one key.
 * Unit: a pair.  hard: up to 3 decoy keys per gold that differ from it in one hexadecimal digit, as many as
 * fit. Variant "at=N": the golds at N percent.
 */
#include <string.h>

#include "app/eval/places.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/words.h"

#define DECOYS 3

typedef struct {
  char key[LW_EVAL_UUID_SIZE];
  char value[LW_EVAL_UUID_SIZE];
} Pair;

/* `out` differs from `key` in one digit other than version and variant, on the same side. */
static void
decoy_of (const char *key, LwEvalRandom *random, LwEvalSide side, char *out)
{
  static const char hex[] = "0123456789abcdef";

  do
    {
      guint i = lw_eval_random_below (random, 36);
      char digit = hex[lw_eval_random_below (random, 16)];

      memcpy (out, key, LW_EVAL_UUID_SIZE);
      if (key[i] != '-' && i != 14 && i != 19)
        out[i] = digit;
    }
  while (strcmp (out, key) == 0 || !lw_eval_word_on_side (out, side));
}

static gboolean
among (const Pair *pairs, const guint *which, guint n, const char *key)
{
  for (guint i = 0; i < n; i++)
    if (strcmp (pairs[which[i]].key, key) == 0)
      return TRUE;
  return FALSE;
}

static void
put_decoys (Pair *pairs, const guint *golds, guint turns, guint each, LwEvalSlots *slots,
            LwEvalRandom *random, LwEvalSide side)
{
  for (guint j = 0; j < turns; j++)
    {
      guint made[DECOYS];

      for (guint d = 0; d < each; d++)
        {
          char key[LW_EVAL_UUID_SIZE];

          do
            decoy_of (pairs[golds[j]].key, random, side, key);
          while (among (pairs, made, d, key));
          made[d] = lw_eval_slots_take_any (slots, random);
          memcpy (pairs[made[d]].key, key, sizeof key);
        }
    }
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  int depth;

  if (!lw_eval_options_check ("kv", units, options, NULL, &depth, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "kv", side);
  guint turns = options->turns, n = MAX ((guint) units, options->hard ? 2 * turns : turns);
  guint golds[LW_EVAL_TURNS_MAX];
  LwEvalSample *sample = lw_eval_sample_new ("kv", seed, side, n);
  g_autofree Pair *pairs = g_new (Pair, n);
  g_autofree gint64 *at = g_new (gint64, n);
  g_auto (LwEvalSlots) slots = { NULL };
  GString *text = g_string_sized_new (128 + (gsize) n * 80);

  for (guint i = 0; i < n; i++)
    {
      lw_eval_uuid (&random, side, pairs[i].key);
      lw_eval_uuid (&random, side, pairs[i].value);
    }
  lw_eval_slots_init (&slots, n);
  lw_eval_slots_spread (&slots, &random, turns, depth, golds);
  if (options->hard)
    put_decoys (pairs, golds, turns, MIN (DECOYS, n / turns - 1), &slots, &random, side);

  g_string_append (text, "Below is a JSON object. Each question asks for the value of one key.\n\n{");
  for (guint i = 0; i < n; i++)
    {
      g_string_append_printf (text, "%s\"%s\": \"", i > 0 ? ", " : "", pairs[i].key);
      at[i] = text->len;
      g_string_append_len (text, pairs[i].value, LW_EVAL_UUID_SIZE - 1);
      g_string_append_c (text, '"');
    }
  g_string_append_c (text, '}');
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));

  for (guint j = 0; j < turns; j++)
    {
      LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "kv");
      const Pair *gold = &pairs[golds[j]];

      turn->question = g_strdup_printf ("What is the value of \"%s\"? Reply with the value only.", gold->key);
      lw_eval_turn_answer (turn, gold->value);
      turn->score = LW_EVAL_SCORE_SUBSTRING;
      turn->cap = 64;
      lw_eval_turn_place (turn, 0, at[golds[j]], gold->value, golds[j], n);
    }
  return sample;
}

const LwEvalTask lw_eval_task_kv = {
  .name = "kv",
  .title = "the value of a key in a JSON object of UUIDs",
  .least_units = 2,
  .tokens_per_unit = 75,
  .make = make,
};
