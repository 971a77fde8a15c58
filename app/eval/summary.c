/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/summary.h"

#include <math.h>
#include <string.h>

static double
score_of (const LwEvalResult *r, gboolean strict)
{
  return strict ? r->strict : r->compat;
}

static gboolean
same_cell (const LwEvalResult *a, const LwEvalResult *b)
{
  return a->size == b->size && strcmp (a->task, b->task) == 0 && strcmp (a->attention, b->attention) == 0;
}

/* Place in a list; those that are not in it come behind. */
static guint
rank (const char *const *list, const char *name)
{
  guint i = 0;

  while (list[i] != NULL && strcmp (list[i], name) != 0)
    i++;
  return i;
}

/* ---- Cells ---- */

static void
count_times (LwEvalCell *cell, LwEvalResult *const *r)
{
  g_autofree double *times = g_new (double, cell->n);

  for (guint turn = 0; turn < cell->n_turns; turn++)
    {
      guint n = 0;

      for (guint i = 0; i < cell->n; i++)
        if (r[i]->turn == (int) turn)
          times[n++] = r[i]->first_token;
      cell->first_token[turn] = lw_eval_median (times, n);
    }
}

/* r: [n] results of one cell, by session and turn. */
static void
make_cell (LwEvalCell *cell, LwEvalResult *const *r, guint n, gboolean strict)
{
  g_autofree double *scores = g_new (double, n);
  g_autofree int *sessions = g_new (int, n);
  gint64 generated = 0, prompt = 0, reused = 0, prompt_later = 0, reused_later = 0;
  double seconds = 0, right = 0;
  gboolean graded = FALSE;

  *cell = (LwEvalCell){ .task = r[0]->task, .attention = r[0]->attention, .size = r[0]->size, .n = n };
  for (guint i = 0; i < n; i++)
    {
      double score = score_of (r[i], strict);

      scores[i] = score;
      sessions[i] = r[i]->session;
      right += score;
      cell->n_sessions += i == 0 || sessions[i] != sessions[i - 1];
      graded |= r[i]->graded;
      cell->n_turns = MAX (cell->n_turns, (guint) r[i]->turn + 1);
      cell->by_turn[r[i]->turn].sum += score;
      cell->by_turn[r[i]->turn].n++;
      if (r[i]->depth >= 0)
        {
          guint bin = MIN ((guint) (r[i]->depth * LW_EVAL_DEPTH_BINS), LW_EVAL_DEPTH_BINS - 1);

          cell->by_depth[bin].sum += score;
          cell->by_depth[bin].n++;
        }
      generated += r[i]->n_generated;
      seconds += r[i]->generate_seconds;
      prompt += r[i]->n_prompt;
      reused += r[i]->n_reused;
      if (r[i]->turn > 0)
        {
          prompt_later += r[i]->n_prompt;
          reused_later += r[i]->n_reused;
        }
      cell->kv_bytes = MAX (cell->kv_bytes, r[i]->kv_bytes);
      cell->missed = MAX (cell->missed, r[i]->n_shared - r[i]->n_reused);
    }
  cell->mean = lw_eval_mean (scores, n);
  cell->interval = graded ? lw_eval_bootstrap (scores, sessions, n) : (LwEvalInterval){ 0, 0 };
  /* Sessions that are all alike have nothing to draw from; Wilson's interval is then the wider one: no score
   * between 0 and 1 scatters more than right and wrong do. */
  cell->bootstrap = cell->interval.high > cell->interval.low;
  if (!cell->bootstrap)
    cell->interval = lw_eval_wilson (right, n);
  cell->tokens_per_second = generated > 0 && seconds > 0 ? (double) generated / seconds : NAN;
  cell->reused = prompt > 0 ? (double) reused / (double) prompt : NAN;
  cell->reused_later = prompt_later > 0 ? (double) reused_later / (double) prompt_later : NAN;
  count_times (cell, r);
}

typedef struct {
  const char *const *tasks, *const *attentions;
} Order;

static int
by_order (gconstpointer p, gconstpointer q, gpointer user)
{
  const LwEvalCell *a = p, *b = q;
  const Order *o = user;
  int by = (int) rank (o->tasks, a->task) - (int) rank (o->tasks, b->task);

  if (by == 0)
    by = strcmp (a->task, b->task);
  if (by == 0)
    by = (a->size > b->size) - (a->size < b->size);
  if (by == 0)
    by = (int) rank (o->attentions, a->attention) - (int) rank (o->attentions, b->attention);
  return by != 0 ? by : strcmp (a->attention, b->attention);
}

GArray *
lw_eval_summarise (GPtrArray *results, gboolean strict, const char *const *tasks, const char *const *attentions)
{
  GArray *cells = g_array_new (FALSE, FALSE, sizeof (LwEvalCell));
  LwEvalResult *const *r = (LwEvalResult *const *) results->pdata;
  Order order = { tasks, attentions };

  for (guint i = 0, end; i < results->len; i = end)
    {
      LwEvalCell cell;

      for (end = i + 1; end < results->len && same_cell (r[i], r[end]);)
        end++;
      make_cell (&cell, r + i, end - i, strict);
      g_array_append_val (cells, cell);
    }
  g_array_sort_with_data (cells, by_order, &order);
  return cells;
}

/* ---- Pairs ---- */

/* Results of one task, size and mode. */
typedef struct {
  LwEvalResult *const *r;
  guint n;
} Slice;

static Slice
find_slice (GPtrArray *results, const LwEvalCell *like, const char *attention)
{
  Slice s = { NULL, 0 };

  for (guint i = 0; i < results->len; i++)
    {
      const LwEvalResult *r = results->pdata[i];

      if (r->size != like->size || strcmp (r->task, like->task) != 0 || strcmp (r->attention, attention) != 0)
        continue;
      if (s.r == NULL)
        s.r = (LwEvalResult *const *) results->pdata + i;
      s.n++;
    }
  return s;
}

static void
make_pair (LwEvalPair *pair, Slice a, Slice b, gboolean strict)
{
  g_autofree double *differences = g_new (double, MIN (a.n, b.n) + 1);
  g_autofree int *sessions = g_new (int, MIN (a.n, b.n) + 1);

  /* Both are in order of session and turn. */
  for (guint i = 0, j = 0; i < a.n && j < b.n;)
    {
      const LwEvalResult *x = a.r[i], *y = b.r[j];

      if (x->session != y->session || x->turn != y->turn)
        {
          if (x->session < y->session || (x->session == y->session && x->turn < y->turn))
            i++;
          else
            j++;
          continue;
        }
      double d = score_of (y, strict) - score_of (x, strict);
      differences[pair->n] = d;
      sessions[pair->n++] = x->session;
      pair->better += d > 0;
      pair->worse += d < 0;
      pair->graded |= x->graded;
      i++;
      j++;
    }
  pair->difference = lw_eval_mean (differences, pair->n);
  pair->interval = lw_eval_bootstrap (differences, sessions, pair->n);
  pair->p = lw_eval_mcnemar (pair->better, pair->worse);
}

GArray *
lw_eval_compare (GPtrArray *results, gboolean strict, const char *const *tasks, const char *const *attentions)
{
  GArray *pairs = g_array_new (FALSE, FALSE, sizeof (LwEvalPair));
  g_autoptr (GArray) cells = lw_eval_summarise (results, strict, tasks, attentions);

  for (guint c = 0; attentions[0] != NULL && c < cells->len; c++)
    {
      const LwEvalCell *cell = &g_array_index (cells, LwEvalCell, c);

      if (strcmp (cell->attention, attentions[0]) != 0)
        continue;
      for (guint i = 1; attentions[i] != NULL; i++)
        {
          LwEvalPair pair = { .task = cell->task, .a = attentions[0], .b = attentions[i], .size = cell->size };

          make_pair (&pair, find_slice (results, cell, attentions[0]), find_slice (results, cell, attentions[i]),
                     strict);
          if (pair.n > 0)
            g_array_append_val (pairs, pair);
        }
    }
  return pairs;
}
