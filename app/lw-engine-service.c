/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-engine-service.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "engine/library/lw-library.h"
#include "app/count.h"
#include "app/lw-document.h"
#include "app/lw-problem.h"
#include "app/media-fit.h"
#include "app/media-note.h"
#include "vision/lw-vision.h"

/* Time between two hand-overs of text to the UI, milliseconds: about two frames. */
#define DRAIN_MS 33

struct _LwEngineRequest
{
  gatomicrefcount refs;
  gint cancel;

  char *model_path;
  GPtrArray *turns;
  char *begun; /* of the answer, or NULL */
  gboolean idle, is_private;
  guint max_tokens; /* 0: as many as it likes */
  LwSampling sampling;
  LwEngineUpdate update; /* UI thread; NULL once finished */
  gpointer user_data;

  GMutex lock;
  GString *text;
  GString *notes, *details; /* of the newest media: what they cost, and how they are looked at */
  LwEngineStage stage;
  lw_progress progress;
  guint pending; /* source id of the hand-over */
};

typedef struct
{
  gboolean quit, forget;
  GTask *task;
  char *model_path;         /* describe */
  LwEngineRequest *request; /* generate */
} Command;

struct _LwEngineService
{
  GObject parent_instance;
  GAsyncQueue *queue;
  GThread *thread;

  LwEngineRequest *idle; /* UI thread: the last one that nobody waits for */

  GMutex lock;
  LwEngineRequest *current; /* under lock */
  gboolean closing;         /* under lock */
  lw_model *shared;         /* under lock: the open model, for others */
  gint64 n_ctx;             /* under lock: see lw_engine_service_get_context() */
  LwEngineConfig config;    /* under lock */
  lw_fit_choices choices;   /* under lock: n_needed is 0 when nothing is known */

  /* Engine thread only. */
  lw_model *model;
  lw_session *session;
  LwEngineConfig session_config; /* that session was made with */
  char *path;        /* of model */
  gboolean is_default; /* nobody chose it */
  gboolean device_lost; /* a device failed: the processor computes from then on */
  GHashTable *media; /* key -> lw_media of the last request */
};

G_DEFINE_FINAL_TYPE (LwEngineService, lw_engine_service, G_TYPE_OBJECT)

/* ---- Values ---- */

void
lw_model_summary_free (LwModelSummary *s)
{
  if (!s)
    return;
  g_free (s->path);
  g_free (s->name);
  g_free (s->description);
  g_free (s->vision_missing);
  g_free (s->chat_warning);
  g_free (s);
}

LwTurn *
lw_turn_new (lw_role role, const char *text)
{
  LwTurn *turn = g_new0 (LwTurn, 1);

  turn->role = role;
  turn->text = g_strdup (text);
  turn->media = g_ptr_array_new_with_free_func (g_free);
  turn->names = g_ptr_array_new_with_free_func (g_free);
  turn->documents = g_ptr_array_new_with_free_func (g_free);
  return turn;
}

void
lw_turn_free (LwTurn *turn)
{
  g_free (turn->text);
  g_ptr_array_unref (turn->media);
  g_ptr_array_unref (turn->names);
  g_ptr_array_unref (turn->documents);
  g_free (turn);
}

LwEngineRequest *
lw_engine_request_new (const char *model_path, GPtrArray *turns, LwEngineUpdate update,
                       gpointer user_data)
{
  LwEngineRequest *r = g_new0 (LwEngineRequest, 1);

  g_atomic_ref_count_init (&r->refs);
  g_mutex_init (&r->lock);
  r->model_path = g_strdup (model_path);
  r->turns = turns;
  r->sampling.own = TRUE;
  r->update = update;
  r->user_data = user_data;
  r->text = g_string_new (NULL);
  r->notes = g_string_new (NULL);
  r->details = g_string_new (NULL);
  return r;
}

void
lw_engine_request_set_begun (LwEngineRequest *r, const char *text)
{
  g_free (r->begun);
  r->begun = g_strdup (text);
}

void
lw_engine_request_set_options (LwEngineRequest *r, const char *system, const LwSampling *sampling)
{
  if (system && *system)
    g_ptr_array_insert (r->turns, 0, lw_turn_new (LW_ROLE_SYSTEM, system));
  r->sampling = *sampling;
}

void
lw_engine_request_set_idle (LwEngineRequest *r, guint max_tokens)
{
  r->idle = TRUE;
  r->max_tokens = max_tokens;
}

void
lw_engine_request_set_private (LwEngineRequest *r, gboolean is_private)
{
  r->is_private = is_private;
}

LwEngineRequest *
lw_engine_request_ref (LwEngineRequest *r)
{
  g_atomic_ref_count_inc (&r->refs);
  return r;
}

void
lw_engine_request_unref (LwEngineRequest *r)
{
  if (!r || !g_atomic_ref_count_dec (&r->refs))
    return;
  g_mutex_clear (&r->lock);
  g_free (r->model_path);
  g_ptr_array_unref (r->turns);
  g_free (r->begun);
  g_string_free (r->text, TRUE);
  g_string_free (r->notes, TRUE);
  g_string_free (r->details, TRUE);
  g_free (r);
}

char *
lw_engine_request_dup_notes (LwEngineRequest *r, char **details)
{
  g_mutex_lock (&r->lock);
  char *notes = r->notes->len ? g_strndup (r->notes->str, r->notes->len) : NULL;
  *details = r->details->len ? g_strndup (r->details->str, r->details->len) : NULL;
  g_mutex_unlock (&r->lock);
  return notes;
}

void
lw_engine_request_cancel (LwEngineRequest *r)
{
  g_atomic_int_set (&r->cancel, 1);
}

/* ---- From the engine thread to the UI ---- */

static gboolean
drain (gpointer data)
{
  LwEngineRequest *r = data;
  g_autofree char *text = NULL;
  lw_progress progress;
  LwEngineStage stage;

  g_mutex_lock (&r->lock);
  text = g_strndup (r->text->str, r->text->len);
  g_string_truncate (r->text, 0);
  stage = r->stage;
  progress = r->progress;
  r->pending = 0;
  g_mutex_unlock (&r->lock);

  if (r->update)
    r->update (r->user_data, stage, text, stage == LW_ENGINE_READING ? &progress : NULL);
  return G_SOURCE_REMOVE;
}

/* Under the request's lock. */
static void
schedule_drain (LwEngineRequest *r)
{
  if (!r->pending)
    r->pending = g_timeout_add_full (G_PRIORITY_DEFAULT, DRAIN_MS, drain,
                                     lw_engine_request_ref (r),
                                     (GDestroyNotify)lw_engine_request_unref);
}

static void
set_stage (LwEngineRequest *r, LwEngineStage stage)
{
  g_mutex_lock (&r->lock);
  r->stage = stage;
  schedule_drain (r);
  g_mutex_unlock (&r->lock);
}

static void
on_text (void *user, const char *text, gsize n)
{
  LwEngineRequest *r = user;

  g_mutex_lock (&r->lock);
  r->stage = LW_ENGINE_WRITING;
  g_string_append_len (r->text, text, (gssize)n);
  schedule_drain (r);
  g_mutex_unlock (&r->lock);
}

static void
on_progress (void *user, const lw_progress *p)
{
  LwEngineRequest *r = user;

  g_mutex_lock (&r->lock);
  r->stage = LW_ENGINE_READING;
  r->progress = *p;
  schedule_drain (r);
  g_mutex_unlock (&r->lock);
}

/* ---- Engine thread ---- */

static void
drop_model (LwEngineService *self)
{
  g_hash_table_remove_all (self->media);
  g_clear_pointer (&self->session, lw_session_free);
  g_clear_pointer (&self->model, lw_model_unref);
  g_clear_pointer (&self->path, g_free);
}

/* What other threads may know of the model. */
static void
share_model (LwEngineService *self)
{
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->shared, lw_model_unref);
  self->shared = self->model ? lw_model_ref (self->model) : NULL;
  self->n_ctx = self->session ? lw_session_get_n_ctx (self->session)
                : self->model ? lw_model_get_info (self->model)->n_ctx_train
                              : 0;
  g_mutex_unlock (&self->lock);
}

/* Have self->model be this one.  The old one goes only once the new one is open: when the new one is
 * broken, the conversation can go on with the old. */
static gboolean
open_model (LwEngineService *self, const char *path, GError **error)
{
  g_autoptr (GError) missing = NULL;
  g_autofree char *found = path ? g_strdup (path) : lw_library_default_model (&missing);
  lw_model *model;

  /* Its file is gone, but it is still open. */
  if (!found && self->model && self->is_default)
    return TRUE;
  if (!found)
    {
      g_propagate_error (error, g_steal_pointer (&missing));
      return FALSE;
    }
  if (self->model && g_strcmp0 (found, self->path) == 0)
    return TRUE;
  model = lw_model_open (found, NULL, error);
  if (!model)
    return FALSE;
  drop_model (self);
  self->model = model;
  self->path = g_steal_pointer (&found);
  self->is_default = path == NULL;
  share_model (self);
  return TRUE;
}

static gboolean
open_session (LwEngineService *self, gboolean is_private, GError **error)
{
  LwEngineConfig c, *old = &self->session_config;

  g_mutex_lock (&self->lock);
  c = self->config;
  g_mutex_unlock (&self->lock);
  c.keep_snapshots = c.keep_snapshots && !is_private;
  if (self->session
      && (c.n_threads != old->n_threads || c.n_ctx != old->n_ctx || c.kv_type != old->kv_type
          || c.only_cpu != old->only_cpu || c.keep_snapshots != old->keep_snapshots
          || c.snapshot_bytes != old->snapshot_bytes))
    g_clear_pointer (&self->session, lw_session_free);
  if (!self->session)
    {
      g_autofree char *snapshots = c.keep_snapshots ? lw_session_default_snapshots () : NULL;
      lw_session_params params = { .snapshots = snapshots,
                                   .snapshot_bytes = c.snapshot_bytes,
                                   .n_threads = c.n_threads,
                                   .n_ctx = c.n_ctx,
                                   .kv_type = c.kv_type,
                                   .backend = c.only_cpu || self->device_lost ? "cpu" : NULL };

      /* A model whose heads are too narrow for 8 bits runs with 16. */
      if (!lw_model_info_kv_bytes_per_token (lw_model_get_info (self->model), c.kv_type))
        params.kv_type = LW_KV_F16;
      self->session_config = c;

      self->session = lw_session_new (self->model, &params, error);
      share_model (self);
    }
  return self->session != NULL;
}

/* A file that changed is another picture. */
static char *
media_key (const char *path)
{
  GStatBuf st;

  if (g_stat (path, &st) != 0)
    return g_strdup (path);
  return g_strdup_printf ("%s\n%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, path,
                          (gint64)st.st_size, (gint64)st.st_mtime);
}

static lw_media *
open_media (LwEngineService *self, const char *path, gint64 max_tokens, GHashTable *now,
            GError **error)
{
  const lw_vis_options options = { .max_tokens = max_tokens };
  const lw_vision_spec *spec = lw_model_get_vision_spec (self->model);
  g_autofree char *key = NULL;
  lw_media *media;

  if (!spec)
    {
      g_autofree char *why = lw_problem_of_vision (lw_model_get_info (self->model));

      g_set_error_literal (error, LW_APP_ERROR, LW_APP_ERROR_CANNOT_SEE, why);
      return NULL;
    }
  key = media_key (path);
  media = max_tokens ? NULL : g_hash_table_lookup (self->media, key);
  if (media)
    media = lw_media_ref (media);
  else
    media = lw_vis_open (path, spec, &options, error);
  if (media)
    g_hash_table_insert (now, g_steal_pointer (&key), lw_media_ref (media));
  return media;
}

static void
media_unref (gpointer media)
{
  lw_media_unref (media);
}

static GHashTable *
media_table_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, media_unref);
}

typedef struct
{
  LwEngineService *self;
  const LwTurn *turn;
  GHashTable *now;
} Fitting;

static lw_media *
reopen_media (void *user, guint index, gint64 max_tokens, GError **error)
{
  Fitting *f = user;

  return open_media (f->self, f->turn->media->pdata[index], max_tokens, f->now, error);
}

/* name: of which one of several media, or NULL. */
static void
add_line (GString *s, const char *name, const char *text)
{
  if (s->len)
    g_string_append_c (s, '\n');
  if (name)
    g_string_append_printf (s, "%s: ", name);
  g_string_append (s, text);
}

/* Open the media of a turn and make them fit beside what comes before: messages, the turn's own text
 * included, without them. What is decided here depends on nothing that comes later, so a turn's media
 * stay the same in every later request and their part of the cache is found again. */
static gboolean
open_turn_media (LwEngineService *self, LwEngineRequest *r, const LwTurn *turn, GArray *messages,
                 GPtrArray *media, GHashTable *now, gboolean newest, GError **error)
{
  guint n = turn->media->len;
  gint64 n_ctx = lw_session_get_n_ctx (self->session);
  g_autofree gint64 *shrunk = g_new0 (gint64, n);
  Fitting f = { self, turn, now };
  lw_prompt *without;
  gboolean ok;

  for (guint j = 0; j < n; j++)
    {
      lw_media *one = open_media (self, turn->media->pdata[j], 0, now, error);

      if (!one)
        return FALSE;
      g_ptr_array_add (media, one);
      if (g_atomic_int_get (&r->cancel))
        {
          g_set_error_literal (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED, _("Stopped"));
          return FALSE;
        }
    }
  without = lw_prompt_new_chat (self->model, (const lw_message *)(void *)messages->data,
                                messages->len, NULL, error);
  if (!without)
    return FALSE;
  ok = lw_media_fit ((lw_media **)media->pdata, shrunk, n, n_ctx,
                     (gint64)lw_prompt_n_tokens (without), lw_media_fit_answer (n_ctx),
                     reopen_media, &f, error);
  lw_prompt_free (without);
  for (guint j = 0; ok && newest && j < n; j++)
    {
      const lw_media *one = media->pdata[j];
      g_autofree char *details = NULL, *note = lw_media_describe (one, &details);
      g_autofree char *all = lw_count (shrunk[j]), *room = lw_count (n_ctx);

      g_mutex_lock (&r->lock);
      add_line (r->notes, n > 1 ? turn->names->pdata[j] : NULL, note);
      if (shrunk[j])
        /* Translators: a picture or film was made smaller; first number: tokens it would have needed */
        g_string_append_printf (r->notes, _(" (all %s tokens do not fit the context of %s)"), all, room);
      if (details)
        add_line (r->details, n > 1 ? turn->names->pdata[j] : NULL, details);
      g_mutex_unlock (&r->lock);
    }
  return ok;
}

/* The texts of a turn's documents, in lw_document; they live as long as texts does. */
static gboolean
read_documents (const LwTurn *turn, GArray *documents, GPtrArray *texts, GError **error)
{
  for (guint i = 0; i + 1 < turn->documents->len; i += 2)
    {
      gsize n;
      char *text = lw_document_read (turn->documents->pdata[i], &n, error);
      lw_document d = { turn->documents->pdata[i + 1], text };

      if (!text)
        return FALSE;
      g_ptr_array_add (texts, text);
      g_array_append_val (documents, d);
    }
  return TRUE;
}

static lw_prompt *
build_prompt (LwEngineService *self, LwEngineRequest *r, GError **error)
{
  g_autoptr (GArray) messages = g_array_new (FALSE, TRUE, sizeof (lw_message));
  /* One array of media per turn; borrowed by messages until the prompt is made. */
  g_autoptr (GPtrArray) lists = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);
  g_autoptr (GPtrArray) documents = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) now = media_table_new ();
  lw_prompt *prompt;

  for (guint i = 0; i < r->turns->len; i++)
    {
      const LwTurn *turn = r->turns->pdata[i];
      GPtrArray *media = g_ptr_array_new_with_free_func (media_unref);
      lw_message m = { .role = turn->role, .text = turn->text }, *last;
      GArray *own = g_array_new (FALSE, FALSE, sizeof (lw_document));

      g_ptr_array_add (lists, media);
      g_ptr_array_add (documents, own);
      if (!read_documents (turn, own, texts, error))
        return NULL;
      m.documents = (const lw_document *)(void *)own->data;
      m.n_documents = own->len;
      g_array_append_val (messages, m);
      if (turn->media->len
          && !open_turn_media (self, r, turn, messages, media, now, i + 1 == r->turns->len, error))
        return NULL;
      last = &g_array_index (messages, lw_message, i);
      last->media = (lw_media *const *)media->pdata;
      last->n_media = media->len;
    }
  prompt = lw_prompt_new_chat (self->model, (const lw_message *)(void *)messages->data,
                               messages->len, NULL, error);
  if (prompt && r->begun && !lw_prompt_append_text (prompt, self->model, r->begun, error))
    g_clear_pointer (&prompt, lw_prompt_free);
  if (prompt)
    {
      /* What this conversation does not mention is not kept open. */
      g_hash_table_unref (self->media);
      self->media = g_steal_pointer (&now);
    }
  return prompt;
}

/* The open model, unless it is too small or another one is wanted. */
static gboolean
is_fit_for_idle (LwEngineService *self, const LwEngineRequest *r)
{
  const char *least = g_getenv ("LW_IDLE_PARAMS");
  gint64 n = least ? g_ascii_strtoll (least, NULL, 10) : LW_ENGINE_IDLE_PARAMS;

  return self->model && (r->model_path ? g_strcmp0 (r->model_path, self->path) == 0 : self->is_default)
         && lw_model_get_info (self->model)->n_params >= n;
}

/* n_needed: tokens, or 0 to forget what was known. */
static void
note_choices (LwEngineService *self, gsize n_needed)
{
  lw_fit_choices choices = { 0 };

  if (n_needed)
    lw_session_get_choices (self->session, n_needed, &choices);
  g_mutex_lock (&self->lock);
  self->choices = choices;
  g_mutex_unlock (&self->lock);
}

/* Work goes on without it.  What its session holds is of no use any more. */
static void
give_up_device (LwEngineService *self, GError **failed)
{
  g_autoptr (GError) why = g_steal_pointer (failed);
  g_autofree char *problem = NULL;

  self->device_lost = TRUE;
  g_clear_pointer (&self->session, lw_session_free);
  problem = lw_problem_join (_("What computed the answer has failed. What it wrote is kept; the processor "
                               "computes from now on, and you can go on."),
                             why->message);
  *failed = g_error_new_literal (LW_APP_ERROR, LW_APP_ERROR_DEVICE, problem);
}

static gboolean
generate (LwEngineService *self, LwEngineRequest *r, lw_generate_result *result, GError **error)
{
  lw_generate_params params = { 0 };
  lw_prompt *prompt;
  GError *failed = NULL;
  gboolean ok;

  if (g_atomic_int_get (&r->cancel))
    {
      g_set_error_literal (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED, _("Stopped"));
      return FALSE;
    }
  if (!r->idle)
    note_choices (self, 0);
  if (r->idle && !is_fit_for_idle (self, r))
    {
      g_set_error_literal (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED, _("Stopped"));
      return FALSE;
    }
  set_stage (r, LW_ENGINE_OPENING);
  if (!open_model (self, r->model_path, error) || !open_session (self, r->is_private, error))
    return FALSE;
  prompt = build_prompt (self, r, error);
  if (!prompt)
    return FALSE;
  params.sampling = lw_model_get_sampling (self->model);
  g_mutex_lock (&self->lock);
  params.repeat_stop = self->config.stop_repeating ? LW_REPEAT_STOP : 0;
  g_mutex_unlock (&self->lock);
  if (!r->sampling.own)
    {
      params.sampling.temperature = (float)r->sampling.temperature;
      params.sampling.top_k = r->sampling.top_k;
      params.sampling.top_p = (float)r->sampling.top_p;
      params.sampling.min_p = (float)r->sampling.min_p;
      params.sampling.repeat_penalty = (float)r->sampling.repeat_penalty;
      params.sampling.seed
          = r->sampling.seed < 0 ? g_random_int () : (guint64)r->sampling.seed;
      params.max_tokens = r->sampling.max_tokens;
    }
  ok = lw_session_generate (self->session, prompt, &params, on_text, on_progress, r, &r->cancel,
                            result, &failed);
  /* One token more than there was room for, at the least. */
  if (!r->idle
      && (ok ? result->stop == LW_STOP_CONTEXT
             : g_error_matches (failed, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL)))
    note_choices (self, MAX (lw_prompt_n_tokens (prompt),
                             (gsize)lw_session_get_n_ctx (self->session)) + 1);
  if (g_error_matches (failed, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL))
    {
      lw_fit_choices fit;
      g_autofree char *problem = NULL;

      lw_session_get_choices (self->session, lw_prompt_n_tokens (prompt), &fit);
      problem = lw_problem_of_room (lw_prompt_n_tokens (prompt), &fit);
      g_set_error_literal (error, LW_APP_ERROR, LW_APP_ERROR_CONTEXT_FULL, problem);
      g_clear_error (&failed);
    }
  if (g_error_matches (failed, LW_ENGINE_ERROR, LW_ENGINE_ERROR_DEVICE) && !self->device_lost)
    give_up_device (self, &failed);
  if (failed)
    g_propagate_error (error, failed);
  lw_prompt_free (prompt);
  return ok;
}

static void
do_generate (LwEngineService *self, Command *c)
{
  lw_generate_result *result = g_new0 (lw_generate_result, 1);
  GError *error = NULL;

  g_mutex_lock (&self->lock);
  self->current = c->request;
  if (self->closing)
    lw_engine_request_cancel (c->request);
  g_mutex_unlock (&self->lock);

  if (generate (self, c->request, result, &error))
    {
      g_task_return_pointer (c->task, result, g_free);
    }
  else
    {
      g_free (result);
      g_task_return_error (c->task, error);
    }

  g_mutex_lock (&self->lock);
  self->current = NULL;
  g_mutex_unlock (&self->lock);
}

static void
do_describe (LwEngineService *self, Command *c)
{
  GError *error = NULL;

  if (!open_model (self, c->model_path, &error))
    {
      g_task_return_error (c->task, error);
      return;
    }
  const lw_model_info *info = lw_model_get_info (self->model);
  LwModelSummary *s = g_new0 (LwModelSummary, 1);

  s->path = g_strdup (self->path);
  s->name = g_strdup (info->name);
  s->description = g_strdup (info->description);
  s->vision_missing = lw_problem_of_vision (info);
  s->chat_warning = lw_problem_of_chat (info);
  s->has_vision = info->has_vision;
  {
    g_autofree char *standard = lw_library_default_model (NULL);

    s->is_default = g_strcmp0 (standard, self->path) == 0;
  }
  s->n_ctx_train = info->n_ctx_train;
  g_task_return_pointer (c->task, s, (GDestroyNotify)lw_model_summary_free);
}

static void
command_free (Command *c)
{
  g_clear_object (&c->task);
  g_clear_pointer (&c->request, lw_engine_request_unref);
  g_free (c->model_path);
  g_free (c);
}

static gpointer
engine_thread (gpointer data)
{
  LwEngineService *self = data;

  for (;;)
    {
      Command *c = g_async_queue_pop (self->queue);
      gboolean quit = c->quit;

      if (c->forget)
        {
          g_hash_table_remove_all (self->media);
          g_clear_pointer (&self->session, lw_session_free);
          lw_session_clear_snapshots (NULL);
        }
      else if (c->request)
        do_generate (self, c);
      else if (c->task)
        do_describe (self, c);
      command_free (c);
      if (quit)
        break;
    }
  drop_model (self);
  share_model (self);
  return NULL;
}

/* ---- UI thread ---- */

static void
lw_engine_service_finalize (GObject *object)
{
  LwEngineService *self = LW_ENGINE_SERVICE (object);

  lw_engine_service_shutdown (self);
  g_clear_pointer (&self->idle, lw_engine_request_unref);
  g_clear_pointer (&self->queue, g_async_queue_unref);
  g_clear_pointer (&self->media, g_hash_table_unref);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (lw_engine_service_parent_class)->finalize (object);
}

static void
lw_engine_service_class_init (LwEngineServiceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lw_engine_service_finalize;
}

static void
lw_engine_service_init (LwEngineService *self)
{
  g_mutex_init (&self->lock);
  self->config.keep_snapshots = TRUE;
  self->config.stop_repeating = TRUE;
  self->media = media_table_new ();
  self->queue = g_async_queue_new_full ((GDestroyNotify)command_free);
  self->thread = g_thread_new ("lw-engine", engine_thread, self);
}

lw_model *
lw_engine_service_dup_model (LwEngineService *self)
{
  lw_model *model;

  g_return_val_if_fail (LW_IS_ENGINE_SERVICE (self), NULL);
  g_mutex_lock (&self->lock);
  model = self->shared ? lw_model_ref (self->shared) : NULL;
  g_mutex_unlock (&self->lock);
  return model;
}

gint64
lw_engine_service_get_context (LwEngineService *self)
{
  gint64 n;

  g_return_val_if_fail (LW_IS_ENGINE_SERVICE (self), 0);
  g_mutex_lock (&self->lock);
  n = self->n_ctx;
  g_mutex_unlock (&self->lock);
  return n;
}

gboolean
lw_engine_service_get_choices (LwEngineService *self, lw_fit_choices *out)
{
  g_return_val_if_fail (LW_IS_ENGINE_SERVICE (self), FALSE);
  g_mutex_lock (&self->lock);
  *out = self->choices;
  g_mutex_unlock (&self->lock);
  return out->n_needed > 0;
}

LwEngineService *
lw_engine_service_new (void)
{
  return g_object_new (LW_TYPE_ENGINE_SERVICE, NULL);
}

void
lw_engine_service_shutdown (LwEngineService *self)
{
  Command *c;

  g_return_if_fail (LW_IS_ENGINE_SERVICE (self));
  if (!self->thread)
    return;
  g_mutex_lock (&self->lock);
  self->closing = TRUE;
  if (self->current)
    lw_engine_request_cancel (self->current);
  g_mutex_unlock (&self->lock);
  c = g_new0 (Command, 1);
  c->quit = TRUE;
  g_async_queue_push (self->queue, c);
  g_thread_join (g_steal_pointer (&self->thread));
}

void
lw_engine_service_configure (LwEngineService *self, const LwEngineConfig *config)
{
  g_return_if_fail (LW_IS_ENGINE_SERVICE (self));

  g_mutex_lock (&self->lock);
  self->config = *config;
  g_mutex_unlock (&self->lock);
}

static void
push (LwEngineService *self, Command *c)
{
  if (self->thread)
    {
      g_async_queue_push (self->queue, c);
      return;
    }
  g_task_return_new_error (c->task, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED, "%s", _("Stopped"));
  command_free (c);
}

void
lw_engine_service_forget (LwEngineService *self)
{
  Command *c = g_new0 (Command, 1);

  c->forget = TRUE;
  if (self->thread)
    g_async_queue_push (self->queue, c);
  else
    command_free (c);
}

void
lw_engine_service_describe_async (LwEngineService *self, const char *path,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  Command *c = g_new0 (Command, 1);

  c->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (c->task, lw_engine_service_describe_async);
  c->model_path = g_strdup (path);
  push (self, c);
}

LwModelSummary *
lw_engine_service_describe_finish (LwEngineService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
lw_engine_service_is_answering (LwEngineService *self)
{
  gboolean answering;

  g_return_val_if_fail (LW_IS_ENGINE_SERVICE (self), FALSE);

  g_mutex_lock (&self->lock);
  answering = self->current && !self->current->idle;
  g_mutex_unlock (&self->lock);
  return answering;
}

void
lw_engine_service_generate_async (LwEngineService *self, LwEngineRequest *request,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  Command *c = g_new0 (Command, 1);

  c->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (c->task, lw_engine_service_generate_async);
  g_task_set_task_data (c->task, lw_engine_request_ref (request),
                        (GDestroyNotify)lw_engine_request_unref);
  /* What nobody waits for makes way. */
  if (self->idle)
    lw_engine_request_cancel (self->idle);
  g_clear_pointer (&self->idle, lw_engine_request_unref);
  if (request->idle)
    self->idle = lw_engine_request_ref (request);
  c->request = lw_engine_request_ref (request);
  push (self, c);
}

gboolean
lw_engine_service_generate_finish (LwEngineService *self, GAsyncResult *result,
                                   lw_generate_result *out, GError **error)
{
  LwEngineRequest *r;
  lw_generate_result *got;
  guint pending;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  /* Nothing of the text may come after the end. */
  r = g_task_get_task_data (G_TASK (result));
  g_mutex_lock (&r->lock);
  pending = r->pending;
  g_mutex_unlock (&r->lock);
  if (pending)
    {
      g_source_remove (pending);
      drain (r);
    }
  r->update = NULL;

  got = g_task_propagate_pointer (G_TASK (result), error);
  if (!got)
    return FALSE;
  *out = *got;
  g_free (got);
  return TRUE;
}
