/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * icl, learning from examples: items with four attributes and their labels; two of the attributes decide the
 * label by a rule made for the sample.  A turn shows a new item and four labels to choose from.
 * Unit: an example.  Four values an attribute, hard: six.  Each pair of deciding values that is asked about
 * has at least 3 examples, and none of them has the same four values as the asked item.
 */
#include "app/eval/places.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/words.h"

#define ATTRIBUTES 4
#define MOST_VALUES 6
#define LABELS 6
#define CHOICES 4
#define EXAMPLES 3

typedef struct {
  guint values;                               /* of an attribute */
  const char *words[ATTRIBUTES][MOST_VALUES];
  const char *labels[LABELS];
  guint decides[2], rest[2];                  /* attributes */
  guint label_of[MOST_VALUES * MOST_VALUES];  /* by the pair of deciding values */
  gboolean asked[MOST_VALUES * MOST_VALUES][MOST_VALUES * MOST_VALUES]; /* [pair][the other two values] */
} Rule;

typedef struct {
  guint pair, rest;
} Item;

static void
invent (Rule *rule, LwEvalWords *words)
{
  LwEvalRandom *random = lw_eval_words_random (words);
  guint attributes[ATTRIBUTES] = { 0, 1, 2, 3 };
  guint order[MOST_VALUES * MOST_VALUES], pairs = rule->values * rule->values;

  for (guint a = 0; a < ATTRIBUTES; a++)
    for (guint v = 0; v < rule->values; v++)
      rule->words[a][v] = lw_eval_words_pseudo (words, 2);
  for (guint l = 0; l < LABELS; l++)
    rule->labels[l] = lw_eval_words_pseudo (words, 2);
  lw_eval_random_shuffle (random, attributes, ATTRIBUTES);
  for (guint i = 0; i < 2; i++)
    {
      rule->decides[i] = attributes[i];
      rule->rest[i] = attributes[2 + i];
    }
  for (guint p = 0; p < pairs; p++)
    order[p] = p;
  lw_eval_random_shuffle (random, order, pairs);
  for (guint p = 0; p < pairs; p++)
    rule->label_of[order[p]] = p < LABELS ? p : lw_eval_random_below (random, LABELS);
}

static void
append_item (GString *out, const Rule *rule, Item item)
{
  guint value[ATTRIBUTES];

  value[rule->decides[0]] = item.pair / rule->values;
  value[rule->decides[1]] = item.pair % rule->values;
  value[rule->rest[0]] = item.rest / rule->values;
  value[rule->rest[1]] = item.rest % rule->values;
  g_string_append (out, "Item:");
  for (guint a = 0; a < ATTRIBUTES; a++)
    g_string_append_printf (out, "%s %c=%s", a > 0 ? ";" : "", 'a' + a, rule->words[a][value[a]]);
}

/* Any item, or with that pair, that no turn asks about. */
static Item
example (const Rule *rule, int pair, LwEvalRandom *random)
{
  guint pairs = rule->values * rule->values;
  Item item;

  do
    {
      item.pair = pair >= 0 ? (guint) pair : lw_eval_random_below (random, pairs);
      item.rest = lw_eval_random_below (random, pairs);
    }
  while (rule->asked[item.pair][item.rest]);
  return item;
}

static void
ask (LwEvalSample *sample, const Rule *rule, Item item, LwEvalRandom *random)
{
  LwEvalTurn *turn = lw_eval_sample_add_turn (sample, "icl");
  GString *question = g_string_new (NULL);
  guint gold = rule->label_of[item.pair], others[LABELS], chosen = 1u << gold, n = 0;
  char answer[] = { '(', 'A' + gold, ')', 0 };

  for (guint l = 0; l < LABELS; l++)
    if (l != gold)
      others[n++] = l;
  lw_eval_random_shuffle (random, others, n);
  for (guint c = 0; c < CHOICES - 1; c++)
    chosen |= 1u << others[c];

  append_item (question, rule, item);
  g_string_append (question, " Options:");
  turn->options = g_new0 (char *, CHOICES + 1);
  n = 0;
  for (guint l = 0; l < LABELS; l++)
    if (chosen & 1u << l)
      {
        turn->options[n] = g_strdup_printf ("(%c) %s", 'A' + l, rule->labels[l]);
        g_string_append_printf (question, " %s", turn->options[n++]);
      }
  g_string_append (question, "\nWhich label has this item? Reply with its letter.");
  turn->question = g_string_free (question, FALSE);
  lw_eval_turn_answer (turn, answer);
  turn->score = LW_EVAL_SCORE_LETTER;
  turn->cap = 10;
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  if (!lw_eval_options_check ("icl", units, options, NULL, NULL, error))
    return NULL;

  LwEvalRandom random = lw_eval_random_start (seed, "icl", side);
  guint turns = options->turns;
  g_autofree Rule *rule = g_new0 (Rule, 1);
  guint pairs, n, n_asked, order[MOST_VALUES * MOST_VALUES];
  g_autoptr (LwEvalWords) words = lw_eval_words_new (&random, side);
  g_autofree Item *items = NULL;
  g_auto (LwEvalSlots) slots = { NULL };
  Item asked[LW_EVAL_TURNS_MAX];
  LwEvalSample *sample;
  GString *text;

  rule->values = options->hard ? MOST_VALUES : 4;
  pairs = rule->values * rule->values;
  n_asked = MIN (turns, pairs);
  n = MAX ((guint) units, EXAMPLES * n_asked);
  sample = lw_eval_sample_new ("icl", seed, side, n);
  items = g_new (Item, n);
  text = g_string_sized_new (256 + (gsize) n * 56);

  invent (rule, words);
  for (guint p = 0; p < pairs; p++)
    order[p] = p;
  lw_eval_random_shuffle (&random, order, pairs);
  for (guint j = 0; j < turns; j++)
    {
      asked[j] = example (rule, order[j % pairs], &random);
      rule->asked[asked[j].pair][asked[j].rest] = TRUE;
    }
  lw_eval_slots_init (&slots, n);
  for (guint p = 0; p < n_asked; p++)
    for (guint e = 0; e < EXAMPLES; e++)
      items[lw_eval_slots_take_any (&slots, &random)] = example (rule, order[p], &random);
  for (guint i = 0; i < n; i++)
    if (!slots.taken[i])
      items[i] = example (rule, -1, &random);

  g_string_append (text, "Each item below has one of six labels:");
  for (guint l = 0; l < LABELS; l++)
    g_string_append_printf (text, " (%c) %s", 'A' + l, rule->labels[l]);
  g_string_append (text, ". Each question asks for the label of a new item.\n");
  for (guint i = 0; i < n; i++)
    {
      g_string_append_c (text, '\n');
      append_item (text, rule, items[i]);
      g_string_append_printf (text, " Answer: (%c)", 'A' + rule->label_of[items[i].pair]);
    }
  lw_eval_sample_add_text (sample, g_string_free (text, FALSE));
  for (guint j = 0; j < turns; j++)
    ask (sample, rule, asked[j], &random);
  return sample;
}

const LwEvalTask lw_eval_task_icl = {
  .name = "icl",
  .title = "the label of a new item, from many labelled ones",
  .least_units = 3,
  .tokens_per_unit = 34,
  .make = make,
};
