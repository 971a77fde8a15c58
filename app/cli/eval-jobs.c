/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/eval-jobs.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/cli.h"
#include "app/eval/digest.h"
#include "app/eval/length.h"
#include "app/eval/published.h"
#include "app/eval/score.h"

/* Of the progress when stderr is no terminal, seconds. */
#define NOTE_EVERY 30

typedef struct {
    lw_cli_eval_plan *e;
    pthread_mutex_t lock; /* of pthread, which the thread sanitizer knows */
    /* Under the lock. */
    guint next;      /* unit */
    GError *error;   /* the first one */
    double *share;   /* [n_jobs] of the unit that each thread is at */
    guint *unit;     /* [n_jobs] which one; G_MAXUINT: none */
    double cost, cost_done; /* of all units, of finished ones */
    gint64 start, said; /* microseconds */
    LwEvalPublished *published; /* the file that is being read, and the row that comes next */
    const char *file;
    int row;
} state;

typedef struct {
    state *s;
    int job;
    GThread *thread;
    const lw_cli_eval_unit *unit;
    guint mode, n_todo, n_asked; /* the mode under way; modes to ask and asked of this unit */
    const LwEvalSample *sample;
    LwEvalSample *given; /* of a file */
} worker;

/* ---- Progress ---- */

/* Reading is linear and attention quadratic; only the proportions matter. */
static double cost_of(const lw_cli_eval_unit *u, guint n_modes)
{
    double size = u->size;
    guint n = 0;

    for (guint i = 0; i < n_modes; i++)
        n += !u->done[i];
    return n * (size + size * size / 16384);
}

static void say_progress(state *s)
{
    gint64 now = g_get_monotonic_time();
    gboolean tty = isatty(STDERR_FILENO);
    double done = s->cost_done;

    if (now - s->said < (tty ? G_USEC_PER_SEC / 5 : NOTE_EVERY * G_USEC_PER_SEC))
        return;
    s->said = now;
    const lw_cli_eval_unit *at = NULL;
    for (int i = 0; i < s->e->n_jobs; i++) {
        if (s->unit[i] == G_MAXUINT)
            continue;
        at = &g_array_index(s->e->units, lw_cli_eval_unit, s->unit[i]);
        done += s->share[i] * cost_of(at, s->e->n_modes);
    }
    double left = done > 0 ? (double)(now - s->start) * 1e-6 * (s->cost - done) / done : -1;
    g_autofree char *time = left < 0      ? g_strdup("")
                            : left < 90   ? g_strdup_printf(", about %.0f s left", left)
                            : left < 5400 ? g_strdup_printf(", about %.0f min left", left / 60)
                                          : g_strdup_printf(", about %.1f h left", left / 3600);
    g_autofree char *what = at ? g_strdup_printf(", %s %d", at->task->name, at->size) : g_strdup("");
    if (tty)
        lw_cli_status("%u of %u samples%s%s", s->e->n_done, s->e->units->len, what, time);
    else
        lw_cli_note("%u of %u samples%s%s", s->e->n_done, s->e->units->len, what, time);
}

static void on_progress(gpointer user, double done)
{
    worker *w = user;
    state *s = w->s;

    pthread_mutex_lock(&s->lock);
    s->share[w->job] = (w->n_asked + done) / w->n_todo;
    say_progress(s);
    pthread_mutex_unlock(&s->lock);
}

/* ---- Answers ---- */

/* May the score lie between 0 and 1, strict or compat? */
static gboolean is_graded(LwEvalScore score)
{
    return score == LW_EVAL_SCORE_RECALL || score == LW_EVAL_SCORE_FACTS || score == LW_EVAL_SCORE_ORDER ||
           score == LW_EVAL_SCORE_CHARACTERS || score == LW_EVAL_SCORE_SUMMARY;
}

static LwEvalResult *make_result(const worker *w, const LwEvalAnswer *a)
{
    const LwEvalTurn *turn = w->sample->turns->pdata[a->turn];
    LwEvalResult *r = g_new0(LwEvalResult, 1);

    r->task = g_strdup(w->unit->task->name);
    r->attention = g_strdup(w->s->e->modes[w->mode].label);
    r->size = w->unit->size;
    r->session = w->unit->session;
    r->turn = (int)a->turn;
    r->kind = g_strdup(turn->kind);
    r->graded = is_graded(turn->score);
    r->strict = lw_eval_score(turn, a->reply, TRUE);
    r->compat = lw_eval_score(turn, a->reply, FALSE);
    r->depth = turn->depth < 0 ? -1 : MIN(turn->depth, 1);
    r->answer = g_strdup(turn->answers[0]);
    r->reply = g_strdup(a->reply);
    r->stop = g_strdup(a->stop);
    r->n_prompt = a->n_prompt;
    r->n_shared = a->n_shared;
    r->n_reused = a->n_reused;
    r->n_generated = a->n_generated;
    r->kv_bytes = a->kv_bytes;
    r->first_token = a->first_token;
    r->vision_seconds = a->vision_seconds;
    r->prefill_seconds = a->prefill_seconds;
    r->generate_seconds = a->generate_seconds;
    return r;
}

static gboolean on_answer(gpointer user, const LwEvalAnswer *a, GError **error)
{
    worker *w = user;
    LwEvalResult *r = make_result(w, a);
    g_autofree char *line = lw_eval_result_to_line(r);

    pthread_mutex_lock(&w->s->lock);
    gboolean ok = !w->s->e->record || lw_eval_record_add(w->s->e->record, line, error);
    g_ptr_array_add(w->s->e->results, r);
    pthread_mutex_unlock(&w->s->lock);
    return ok;
}

/* ---- Samples ---- */

static gboolean keep_manifest(worker *w, gint64 n_tokens, GError **error)
{
    lw_cli_eval_plan *e = w->s->e;
    LwEvalManifest *m = g_new0(LwEvalManifest, 1);

    *m = (LwEvalManifest){
        .task = g_strdup(w->unit->task->name),
        .size = w->unit->size,
        .session = w->unit->session,
        .seed = w->unit->seed,
        .generator = g_strdup(LW_VERSION),
        .units = w->sample->units,
        .turns = (int)w->sample->turns->len,
        .n_tokens = n_tokens,
        .sha256 = lw_eval_sample_digest(w->sample),
    };
    g_autofree char *line = lw_eval_manifest_to_line(m);

    pthread_mutex_lock(&w->s->lock);
    gboolean ok = !e->record || lw_eval_record_add(e->record, line, error);
    g_ptr_array_add(e->manifests, m);
    pthread_mutex_unlock(&w->s->lock);
    return ok;
}

/* A session of a file, with as many questions as were asked for; nothing of it is cut. */
static LwEvalSample *check_given(worker *w, gint64 *n_tokens, GError **error)
{
    const lw_cli_eval_plan *e = w->s->e;
    LwEvalSample *sample = g_steal_pointer(&w->given);

    *n_tokens = 0;
    if ((int)sample->turns->len > e->options.turns)
        g_ptr_array_set_size(sample->turns, e->options.turns);
    if (!e->model)
        return sample;
    g_autoptr(LwEvalLayout) layout = lw_eval_layout_new(e->model, sample, error);
    *n_tokens = layout ? lw_eval_layout_room(layout, error) : -1;
    if (*n_tokens > w->unit->size)
        g_set_error(error, LW_EVAL_ERROR, LW_EVAL_ERROR_ROOM,
                    "%s, session %d: %" G_GINT64_FORMAT " tokens, more than %d; a larger --lengths asks it whole",
                    sample->task, w->unit->session, *n_tokens, w->unit->size);
    if (*n_tokens < 0 || *n_tokens > w->unit->size)
        g_clear_pointer(&sample, lw_eval_sample_free);
    return sample;
}

/* With fewer questions when so many do not fit. */
static LwEvalSample *make_sample(worker *w, gint64 *n_tokens, GError **error)
{
    const lw_cli_eval_plan *e = w->s->e;
    const lw_cli_eval_unit *u = w->unit;
    LwEvalRuler ruler = {.model = e->model, .cancel = &lw_cli_cancel};
    LwEvalOptions options = e->options;

    if (w->given)
        return check_given(w, n_tokens, error);
    if (e->by_units)
        return lw_eval_sample_of_units(&ruler, u->task, u->seed, LW_EVAL_SIDE_MEASURE, u->size, &options, n_tokens,
                                       error);
    for (;; options.turns--) {
        GError *local = NULL;
        LwEvalSample *sample = lw_eval_sample_of_length(&ruler, u->task, u->seed, LW_EVAL_SIDE_MEASURE, u->size,
                                                        &options, n_tokens, &local);
        if (sample || options.turns == 1 || !g_error_matches(local, LW_EVAL_ERROR, LW_EVAL_ERROR_ROOM)) {
            if (local)
                g_propagate_error(error, local);
            if (sample && options.turns < e->options.turns && u->session == 0)
                lw_cli_note("%s, %d tokens: no more than %d of %d questions fit", u->task->name, u->size, options.turns,
                            e->options.turns);
            if (sample && u->session == 0 && *n_tokens > 0 && *n_tokens < u->size / 2)
                lw_cli_note("%s, %d tokens: the largest there is takes %" G_GINT64_FORMAT, u->task->name, u->size,
                            *n_tokens);
            return sample;
        }
        g_error_free(local);
    }
}

static gboolean ask_unit(worker *w, GError **error)
{
    lw_cli_eval_plan *e = w->s->e;
    gint64 n_tokens;
    g_autoptr(LwEvalSample) sample = make_sample(w, &n_tokens, error);
    gboolean ok = sample != NULL;

    w->sample = sample;
    ok = ok && keep_manifest(w, n_tokens, error);
    for (w->mode = 0; ok && w->mode < e->n_modes; w->mode++) {
        if (w->unit->done[w->mode])
            continue;
        LwEvalRunner runner = {
            .who = e->who,
            .model = e->model,
            .mode = e->how,
            .own_answers = e->own_answers,
            .session = e->session,
            .cancel = &lw_cli_cancel,
            .on_answer = on_answer,
            .on_progress = on_progress,
            .user = w,
        };
        runner.session.attention = e->modes[w->mode].mode;
        ok = lw_eval_run(&runner, sample, n_tokens, error);
        w->n_asked++;
    }
    return ok;
}

/* ---- Threads ---- */

/* Read on to the unit's row; under the lock.  FALSE: s->error. */
static gboolean read_given(worker *w)
{
    state *s = w->s;
    const lw_cli_eval_unit *u = w->unit;

    if (!u->file)
        return TRUE;
    if (s->file != u->file) {
        lw_eval_published_free(s->published);
        s->published = lw_eval_published_open(u->file, &s->error);
        s->file = u->file;
        s->row = 0;
    }
    while (s->published && s->row <= u->session) {
        g_autoptr(GError) local = NULL;
        lw_eval_sample_free(w->given);
        w->given = lw_eval_published_next(s->published, &local);
        /* Rows that cannot be read were left out of the list. */
        if (!w->given && !g_error_matches(local, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT)) {
            s->error = local ? g_steal_pointer(&local)
                             : g_error_new(LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT, "%s became shorter", u->file);
            break;
        }
        s->row++;
    }
    if (!s->error && !w->given)
        s->error = g_error_new(LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT, "%s changed while it was read", u->file);
    return !s->error;
}

static gboolean take_unit(worker *w)
{
    state *s = w->s;
    gboolean found = FALSE;

    pthread_mutex_lock(&s->lock);
    while (!found && !s->error && !g_atomic_int_get(&lw_cli_cancel) && s->next < s->e->units->len) {
        w->unit = &g_array_index(s->e->units, lw_cli_eval_unit, s->next);
        w->n_asked = w->n_todo = 0;
        for (guint i = 0; i < s->e->n_modes; i++)
            w->n_todo += !w->unit->done[i];
        s->unit[w->job] = s->next++;
        s->share[w->job] = 0;
        found = w->n_todo > 0;
        if (!found)
            s->e->n_done++;
        else
            found = read_given(w);
    }
    if (!found)
        s->unit[w->job] = G_MAXUINT;
    say_progress(s);
    pthread_mutex_unlock(&s->lock);
    return found;
}

static gpointer work(gpointer user)
{
    worker *w = user;
    state *s = w->s;

    while (take_unit(w)) {
        GError *error = NULL;
        gboolean ok = ask_unit(w, &error);

        pthread_mutex_lock(&s->lock);
        s->cost_done += cost_of(w->unit, s->e->n_modes);
        s->unit[w->job] = G_MAXUINT;
        if (ok) {
            s->e->n_done++;
        } else if (g_error_matches(error, LW_EVAL_ERROR, LW_EVAL_ERROR_ROOM)) {
            /* Of every session that is made the same; said once. */
            if (w->unit->session == 0 || w->unit->file)
                lw_cli_note("left out: %s", error->message);
            s->e->n_skipped++;
            g_error_free(error);
        } else if (!s->error) {
            s->error = error;
            g_atomic_int_set(&lw_cli_cancel, 1); /* the others stop, too */
        } else {
            g_error_free(error);
        }
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

gboolean lw_cli_eval_run(lw_cli_eval_plan *e, GError **error)
{
    g_autofree double *share = g_new0(double, e->n_jobs);
    g_autofree guint *unit = g_new(guint, e->n_jobs);
    g_autofree worker *workers = g_new0(worker, e->n_jobs);
    state s = {.e = e, .share = share, .unit = unit, .start = g_get_monotonic_time()};

    s.said = s.start;
    pthread_mutex_init(&s.lock, NULL);
    for (guint i = 0; i < e->units->len; i++)
        s.cost += cost_of(&g_array_index(e->units, lw_cli_eval_unit, i), e->n_modes);
    for (int i = 0; i < e->n_jobs; i++)
        unit[i] = G_MAXUINT;
    for (int i = 0; i < e->n_jobs; i++) {
        workers[i] = (worker){.s = &s, .job = i};
        if (i + 1 < e->n_jobs) /* the last one is this thread */
            workers[i].thread = g_thread_try_new("eval", work, &workers[i], NULL);
        else
            work(&workers[i]);
    }
    for (int i = 0; i < e->n_jobs; i++)
        if (workers[i].thread)
            g_thread_join(workers[i].thread);
    pthread_mutex_destroy(&s.lock);
    lw_eval_published_free(s.published);
    for (int i = 0; i < e->n_jobs; i++)
        lw_eval_sample_free(workers[i].given);
    lw_cli_status_clear();
    if (!s.error && g_atomic_int_get(&lw_cli_cancel))
        g_set_error_literal(&s.error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED, "stopped");
    if (s.error)
        g_propagate_error(error, s.error);
    return s.error == NULL;
}
