/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/runner.h"

#include <string.h>

/* Beyond the sample's own room: a reply read again as text may take some tokens more than it was generated with,
 * and a fork needs a copy of the last page. */
#define SPARE_TOKENS 192

/* A run under way. */
typedef struct {
  const LwEvalRunner *runner;
  const LwEvalSample *sample;
  LwEvalLayout *layout;
  lw_session *session;
  GString *reply;
  guint turn;
} Run;

static const LwEvalTurn *
turn_at (const LwEvalSample *sample, guint turn)
{
  return sample->turns->pdata[turn];
}

/* ---- One question ---- */

static void
on_text (void *user, const char *text, gsize n)
{
  g_string_append_len (((Run *) user)->reply, text, (gssize) n);
}

static void
on_progress (void *user, const lw_progress *p)
{
  const Run *run = user;
  double n = run->sample->turns->len;

  /* Nearly all of the work is in reading the context, which the first turn does. */
  if (run->runner->on_progress && p->total > 0)
    run->runner->on_progress (run->runner->user, run->turn == 0
                                                   ? 0.8 * (double) p->done / (double) p->total
                                                   : 0.8 + 0.2 * (run->turn + (double) p->done / (double) p->total) / n);
}

static const char *
stop_name (lw_stop_reason stop)
{
  switch (stop)
    {
    case LW_STOP_END:
      return "end";
    case LW_STOP_LENGTH:
      return "length";
    case LW_STOP_STRING:
      return "string";
    case LW_STOP_CONTEXT:
      return "context";
    case LW_STOP_CANCELLED:
      return "cancelled";
    case LW_STOP_REPEATS:
      return "repeats";
    }
  return "?";
}

/* Ask session with a prompt whose first n_shared tokens were read before; the reply is then in run->reply. */
static gboolean
ask (Run *run, lw_session *session, const lw_prompt *prompt, gsize n_shared, gint64 started, GError **error)
{
  lw_generate_params params = {
    .sampling = lw_sampler_params_default (),
    .max_tokens = (guint) turn_at (run->sample, run->turn)->cap,
  };
  lw_generate_result result;
  double built = (double) (g_get_monotonic_time () - started) * 1e-6;

  params.sampling.temperature = 0;
  g_string_truncate (run->reply, 0);
  if (!lw_session_generate (session, prompt, &params, on_text, on_progress, run, run->runner->cancel, &result, error))
    return FALSE;
  if (result.stop == LW_STOP_CANCELLED)
    {
      g_set_error_literal (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED, "stopped while it answered");
      return FALSE;
    }
  LwEvalAnswer answer = {
    .turn = run->turn,
    .reply = run->reply->str,
    .stop = stop_name (result.stop),
    .n_prompt = (gint64) result.n_prompt,
    .n_shared = (gint64) n_shared,
    .n_reused = (gint64) result.n_reused,
    .n_generated = (gint64) result.n_generated,
    .kv_bytes = (gint64) lw_session_get_kv_bytes (session),
    .first_token = built + result.vision_seconds + result.prompt_seconds,
    .vision_seconds = result.vision_seconds,
    .prefill_seconds = result.prompt_seconds,
    .generate_seconds = result.generate_seconds,
  };
  return run->runner->on_answer (run->runner->user, &answer, error);
}

/* ---- The two modes ---- */

static gboolean
run_turns (Run *run, GError **error)
{
  guint n = run->sample->turns->len;
  g_auto (GStrv) replies = g_new0 (char *, n + 1);
  lw_prompt *before = NULL;
  gboolean ok = TRUE;

  for (run->turn = 0; ok && run->turn < n; run->turn++)
    {
      gint64 started = g_get_monotonic_time ();
      lw_prompt *prompt = lw_eval_layout_turn (run->layout, (const char *const *) replies, run->turn, error);

      ok = prompt != NULL
           && ask (run, run->session, prompt, before ? lw_prompt_common (before, prompt) : 0, started, error);
      lw_prompt_free (before);
      before = prompt;
      if (!ok)
        break;
      replies[run->turn] = g_strdup (run->runner->own_answers ? run->reply->str
                                                              : turn_at (run->sample, run->turn)->reply);
      /* Even when it said the gold reply: that is then read as a prompt, like any other. */
      if (!run->runner->own_answers)
        lw_session_truncate (run->session, lw_prompt_n_tokens (prompt));
    }
  lw_prompt_free (before);
  return ok;
}

static gboolean
ask_fork (Run *run, gsize n_context, gint64 started, const lw_prompt *prompt, GError **error)
{
  if (!lw_session_can_fork (run->session))
    {
      lw_session_truncate (run->session, n_context);
      return ask (run, run->session, prompt, n_context, started, error);
    }

  lw_session *fork = lw_session_fork (run->session, error);
  gboolean ok = fork != NULL && ask (run, fork, prompt, n_context, started, error);
  lw_session_free (fork);
  return ok;
}

static gboolean
run_requests (Run *run, GError **error)
{
  lw_prompt *context = lw_eval_layout_context (run->layout, error);
  gboolean ok = context != NULL
                && lw_session_sync (run->session, context, on_progress, run, run->runner->cancel, error);

  for (; ok && run->turn < run->sample->turns->len; run->turn++)
    {
      gint64 started = g_get_monotonic_time ();
      lw_prompt *prompt = lw_eval_layout_request (run->layout, run->turn, error);

      ok = prompt != NULL && ask_fork (run, lw_prompt_n_tokens (context), started, prompt, error);
      lw_prompt_free (prompt);
    }
  lw_prompt_free (context);
  return ok;
}

static gboolean
run_oracle (const LwEvalRunner *runner, const LwEvalSample *sample, GError **error)
{
  for (guint i = 0; i < sample->turns->len; i++)
    {
      LwEvalAnswer answer = {
        .turn = i,
        .reply = runner->who == LW_EVAL_WHO_PERFECT ? turn_at (sample, i)->reply : "",
        .stop = "oracle",
      };
      if (!runner->on_answer (runner->user, &answer, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
lw_eval_run (const LwEvalRunner *runner, const LwEvalSample *sample, gint64 n_tokens, GError **error)
{
  if (runner->who != LW_EVAL_WHO_MODEL)
    return run_oracle (runner, sample, error);

  Run run = { .runner = runner, .sample = sample };
  lw_session_params params = runner->session;
  gboolean ok = FALSE;

  params.n_ctx = (guint32) MIN (n_tokens + SPARE_TOKENS, G_MAXUINT32);
  run.layout = lw_eval_layout_new (runner->model, sample, error);
  run.session = run.layout ? lw_session_new (runner->model, &params, error) : NULL;
  run.reply = g_string_new (NULL);
  if (run.session != NULL)
    ok = runner->mode == LW_EVAL_MODE_TURNS ? run_turns (&run, error) : run_requests (&run, error);
  g_string_free (run.reply, TRUE);
  lw_session_free (run.session);
  lw_eval_layout_free (run.layout);
  return ok;
}
