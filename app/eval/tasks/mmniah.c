/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mmniah, mixed modality: a film (needles.h) cut at borders of pairs, with documents that say nothing
 * between its pieces, up to a quarter of all tokens; what is asked for is by turns in the film and in a
 * document.
 * hard: wrong numbers among the offered ones differ in one digit.
 * Unit: a frame, two a second; there are enough for one document.  Variant "8x6": cells across and down.
 */
#include <string.h>

#include "app/eval/needles.h"
#include "app/eval/places.h"
#include "app/eval/tasks/tasks.h"

/* Tokens, of Longwave Mini. */
#define DOCUMENT_LEAST 300
#define DOCUMENT_MOST 800
#define BYTES_PER_TOKEN 2.3
#define TURNS_MAX (2 * LW_EVAL_NEEDLES_MAX - 1)

typedef struct {
  const char *name, *number;
  double within;       /* of its document, 0 to 1 */
  int part;
  gint64 at;
  double depth;
} Fact;

typedef struct {
  guint border;        /* pairs before it */
  guint tokens;
  Fact *facts[TURNS_MAX];
  guint n;
} Document;

static int
by_border (gconstpointer a, gconstpointer b)
{
  const Document *x = a, *y = b;

  return (x->border > y->border) - (x->border < y->border);
}

/* Sizes that fill a third of the film's tokens, which is a quarter of all. */
static GArray *
plan_documents (LwEvalRandom *random, guint pairs, guint cells)
{
  GArray *documents = g_array_new (FALSE, TRUE, sizeof (Document));
  gint64 left = (gint64) pairs * cells / 3;

  while (left >= DOCUMENT_LEAST)
    {
      Document d = { 0 };

      d.tokens = (guint) lw_eval_random_range (random, DOCUMENT_LEAST, (int) MIN (left, DOCUMENT_MOST));
      d.border = 1 + lw_eval_random_below (random, pairs - 1);
      g_array_append_val (documents, d);
      left -= d.tokens;
    }
  g_array_sort (documents, by_border);
  return documents;
}

/* Facts are spread over the documents as golds are over units, and lie anywhere in theirs. */
static void
give_facts (GArray *documents, Fact *facts, guint n, LwEvalRandom *random, LwEvalWords *words)
{
  guint order[TURNS_MAX];

  for (guint i = 0; i < n; i++)
    order[i] = i;
  lw_eval_random_shuffle (random, order, n);
  for (guint i = 0; i < n; i++)
    {
      Fact *f = &facts[order[i]];
      Document *d = &g_array_index (documents, Document,
                                    (guint) ((i + lw_eval_uniform (random, 0, 1)) / n * documents->len));

      f->name = lw_eval_words_name (words);
      f->number = lw_eval_words_number (words, 7);
      /* In the order of their places, two do not want the same one. */
      f->within = lw_eval_uniform (random, 0, 1);
      d->facts[d->n++] = f;
    }
}

static int
by_place (gconstpointer a, gconstpointer b)
{
  const Fact *x = *(Fact *const *) a, *y = *(Fact *const *) b;

  return (x->within > y->within) - (x->within < y->within);
}

static char *
sentence_of (const Fact *f)
{
  return g_strdup_printf ("The secret number of %s is %s.", f->name, f->number);
}

/* The text of a document that becomes part `part`, `before` tokens from the start. */
static char *
write_document (Document *d, const LwEvalNoise *noise, LwEvalRandom *random, int part, double before)
{
  gsize bytes = (gsize) (d->tokens * BYTES_PER_TOKEN);
  GString *text = g_string_sized_new (bytes + 256);
  guint next = 0;

  qsort (d->facts, d->n, sizeof *d->facts, by_place);
  while (text->len < bytes || next < d->n)
    {
      if (text->len > 0)
        g_string_append_c (text, ' ');
      if (next < d->n &&
          ((double) text->len >= d->facts[next]->within * ((double) bytes - 40.0) || text->len >= bytes))
        {
          g_autofree char *sentence = sentence_of (d->facts[next]);

          d->facts[next]->part = part;
          d->facts[next]->at = (gint64) text->len;
          d->facts[next]->depth = before + (double) text->len / BYTES_PER_TOKEN;
          g_string_append (text, sentence);
          next++;
        }
      else
        lw_eval_noise_append (noise, random, text);
    }
  return g_string_free (text, FALSE);
}

typedef struct {
  LwEvalSample *sample;
  const LwEvalHay *hay;
  LwEvalScene **looks;   /* [pairs] the needle there, or NULL; taken */
  guint cells;
  int *part;             /* [pairs] which part a pair went to */
  guint *first;          /* [pairs] the pair that part starts with */
  double *depth;         /* [pairs] tokens before it */
  double tokens;         /* so far */
} Cutter;

/* Pairs [from, to) as the next part. */
static void
add_film (Cutter *c, guint from, guint to)
{
  GPtrArray *scenes = lw_eval_scenes_new (2 * (to - from));

  for (guint p = from; p < to; p++)
    {
      c->part[p] = (int) c->sample->parts->len;
      c->first[p] = from;
      c->depth[p] = c->tokens;
      c->tokens += c->cells;
      g_ptr_array_add (scenes, c->looks[p] ? NULL : lw_eval_hay_frame (c->hay, 2 * (gint64) p));
      g_ptr_array_add (scenes, c->looks[p] ? NULL : lw_eval_hay_frame (c->hay, 2 * (gint64) p + 1));
      if (c->looks[p])
        lw_eval_needle_show (c->looks[p], c->hay, scenes, 2 * (p - from), 2 * (gint64) p);
    }
  lw_eval_sample_add_scenes (c->sample, LW_EVAL_PART_FILM, scenes, LW_EVAL_FILM_FPS);
}

static void
assemble (Cutter *c, guint pairs, GArray *documents, const LwEvalNoise *noise, LwEvalRandom *random)
{
  guint from = 0;

  for (guint i = 0; i < documents->len; i++)
    {
      Document *d = &g_array_index (documents, Document, i);
      char *text;

      if (d->border > from)
        add_film (c, from, d->border);
      from = d->border;
      text = write_document (d, noise, random, (int) c->sample->parts->len, c->tokens);
      c->tokens += (double) strlen (text) / BYTES_PER_TOKEN;
      lw_eval_sample_add_text (c->sample, text);
    }
  add_film (c, from, pairs);
}

static void
ask_fact (LwEvalSample *sample, const Fact *f, double tokens)
{
  char *question = g_strdup_printf ("What is the secret number of %s? Reply with the number only.", f->name);
  LwEvalTurn *turn = lw_eval_ask (sample, "text", question, g_strdup (f->number), f->number,
                                  LW_EVAL_SCORE_SUBSTRING);
  g_autofree char *sentence = sentence_of (f);

  lw_eval_turn_place (turn, f->part, f->at, sentence, 0, 1);
  turn->depth = f->depth / tokens;
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  LwEvalRandom random = lw_eval_random_start (seed, "mmniah", side);
  g_autoptr (LwEvalWords) words = lw_eval_words_new (&random, side);
  LwEvalNeedle needles[LW_EVAL_NEEDLES_MAX];
  Fact facts[TURNS_MAX] = { { NULL } };
  guint turns = (guint) options->turns, first, seen, read, pairs, cells, places[LW_EVAL_NEEDLES_MAX];
  g_auto (LwEvalSlots) slots = { NULL };
  g_autoptr (GArray) documents = NULL;
  int across, down;
  LwEvalNoise noise;
  LwEvalHay hay;

  if (!lw_eval_picture_options ("mmniah", units, options, TRUE, &random, &across, &down, NULL, error))
    return NULL;
  if (turns > TURNS_MAX)
    {
      g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_OPTION, "mmniah: %u turns; 1 to %d can be told apart",
                   turns, TURNS_MAX);
      return NULL;
    }

  /* Turn j is about the film when first + j is even. */
  first = lw_eval_random_below (&random, 2);
  seen = (turns + 1 - first) / 2;
  read = turns - seen;
  cells = (guint) (across * down);
  pairs = MAX (((guint) units + 1) / 2, MAX (seen, 2));
  pairs = MAX (pairs, (3 * DOCUMENT_LEAST + cells - 1) / cells);

  lw_eval_hay_init (&hay, &random, across * LW_EVAL_CELL, down * LW_EVAL_CELL);
  lw_eval_noise_init (&noise, words);
  documents = plan_documents (&random, pairs, cells);
  if (read > 0)
    give_facts (documents, facts, read, &random, words);
  lw_eval_slots_init (&slots, pairs);
  if (seen > 0)
    {
      lw_eval_needles_init (needles, seen, &random, words, FALSE);
      lw_eval_slots_spread (&slots, &random, seen, -1, places);
    }

  LwEvalSample *sample = lw_eval_sample_new ("mmniah", seed, side, (int) pairs * 2);
  g_autofree LwEvalScene **looks = g_new0 (LwEvalScene *, pairs);
  g_autofree int *part = g_new (int, pairs);
  g_autofree guint *start = g_new (guint, pairs);
  g_autofree double *depth = g_new (double, pairs);
  Cutter cutter = { sample, &hay, looks, cells, part, start, depth, 0 };

  for (guint i = 0; i < seen; i++)
    looks[places[i]] = lw_eval_needle_frame (&needles[i], &hay, &random);
  assemble (&cutter, pairs, documents, &noise, &random);

  for (guint j = 0, film = 0, text = 0; j < turns; j++)
    {
      LwEvalTurn *turn;
      guint p;

      if ((first + j) % 2 == 1)
        {
          ask_fact (sample, &facts[text++], cutter.tokens);
          continue;
        }
      p = places[film];
      turn = lw_eval_needle_ask (&needles[film], sample, &random, (first + film) % 2 == 1, options->hard);
      lw_eval_turn_place (turn, part[p], 2 * (p - start[p]), NULL, 0, 1);
      turn->depth = depth[p] / cutter.tokens;
      film++;
    }
  return sample;
}

const LwEvalTask lw_eval_task_mmniah = {
  .name = "mmniah",
  .title = "needles in a film and in documents between its pieces",
  .visual = TRUE,
  .least_units = 30,
  .tokens_per_unit = 43,
  .make = make,
};
