/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/mass.h"

#include <math.h>
#include <string.h>

#define EDGE 64 /* keys */

const double lw_eval_mass_shares[LW_EVAL_MASS_SHARES] = { 0.001, 0.01, 0.05 };

/* Order p so that its first k are its largest, 1 <= k <= n (Hoare's selection, descending). */
static void
select_top (float *p, gsize n, gsize k)
{
  gsize low = 0, high = n - 1;

  while (low < high)
    {
      float pivot = p[low + (high - low) / 2];
      gsize i = low, j = high;

      for (;;)
        {
          while (p[i] > pivot)
            i++;
          while (p[j] < pivot)
            j--;
          if (i >= j)
            break;
          float swap = p[i];
          p[i++] = p[j];
          p[j--] = swap;
        }
      /* All of [low, j] are at least as large as all of [j + 1, high], and neither is empty. */
      if (k - 1 <= j)
        high = j;
      else
        low = j + 1;
    }
}

void
lw_eval_mass_row (LwEvalMass *mass, float *p, gsize n)
{
  gsize before = n;
  double edges = 0;

  for (gsize i = 0; i < n; i++)
    if (i < EDGE || i + EDGE >= n)
      edges += p[i];
  mass->edges += edges;
  mass->n++;
  /* The largest share first; the smaller ones are within it. */
  for (int s = LW_EVAL_MASS_SHARES; s-- > 0;)
    {
      gsize k = MAX ((gsize) llround ((double) n * lw_eval_mass_shares[s]), 1);
      double sum = 0;

      select_top (p, before, k);
      for (gsize i = 0; i < k; i++)
        sum += p[i];
      mass->top[s] += sum;
      before = k;
    }
}

LwEvalMassTable *
lw_eval_mass_table_new (const lw_model_info *info)
{
  LwEvalMassTable *table = g_new0 (LwEvalMassTable, 1);

  table->n_layer = info->n_layer;
  table->n_head = info->n_head;
  table->question = g_new0 (LwEvalMass, table->n_layer * table->n_head);
  table->answer = g_new0 (LwEvalMass, table->n_layer * table->n_head);
  return table;
}

void
lw_eval_mass_table_free (LwEvalMassTable *table)
{
  if (table == NULL)
    return;
  g_free (table->question);
  g_free (table->answer);
  g_free (table);
}

typedef struct {
  LwEvalMassTable *table;
  gsize first_answer; /* the row that chooses the first token of the reply */
  float *copy;
} Watcher;

static void
on_row (void *user, const lw_attention_row *row)
{
  Watcher *w = user;
  LwEvalMass *masses = row->row >= w->first_answer ? w->table->answer : w->table->question;

  memcpy (w->copy, row->p, row->n_keys * sizeof (float));
  lw_eval_mass_row (&masses[row->layer * w->table->n_head + row->head], w->copy, row->n_keys);
}

/* The first question with its reply behind it: the beginning of what the second question is asked with. */
static lw_prompt *
answered (const LwEvalLayout *layout, const LwEvalSample *sample, gsize *n_asked, GError **error)
{
  const char *reply = ((const LwEvalTurn *) sample->turns->pdata[0])->reply;
  lw_prompt *asked = lw_eval_layout_turn (layout, NULL, 0, error);
  lw_prompt *next = asked ? lw_eval_layout_turn (layout, &reply, 1, error) : NULL, *prompt = NULL;
  gint64 n_reply = next ? lw_eval_layout_count (layout, reply, error) : -1;

  if (n_reply >= 0)
    {
      *n_asked = lw_prompt_common (asked, next);
      prompt = lw_prompt_new_prefix (next, MIN (*n_asked + (gsize) n_reply, lw_prompt_n_tokens (next)));
    }
  lw_prompt_free (asked);
  lw_prompt_free (next);
  return prompt;
}

gboolean
lw_eval_mass_add (LwEvalMassTable *table, lw_model *model, const lw_session_params *params,
                  const LwEvalSample *sample, gint64 n_tokens, lw_progress_fn progress, void *user,
                  const gint *cancel, GError **error)
{
  g_autoptr (LwEvalLayout) layout = lw_eval_layout_new (model, sample, error);
  lw_prompt *context = layout ? lw_eval_layout_context (layout, error) : NULL, *prompt = NULL;
  lw_session_params own = *params;
  lw_session *session = NULL;
  Watcher watcher = { .table = table };
  gsize n_asked = 0;
  gboolean ok = FALSE;

  own.n_ctx = (guint32) MIN (n_tokens, G_MAXUINT32);
  if (context != NULL)
    prompt = answered (layout, sample, &n_asked, error);
  if (prompt != NULL)
    session = lw_session_new (model, &own, error);
  if (session != NULL)
    {
      gsize n = lw_prompt_n_tokens (prompt);

      watcher.first_answer = n_asked - 1;
      watcher.copy = g_new (float, n);
      /* The last token of the reply chooses what comes after it. */
      ok = lw_session_watch (session, lw_prompt_n_tokens (context), n - 1, on_row, &watcher, error)
           && lw_session_sync (session, prompt, progress, user, cancel, error);
      g_free (watcher.copy);
    }
  lw_session_free (session);
  lw_prompt_free (prompt);
  lw_prompt_free (context);
  return ok;
}
