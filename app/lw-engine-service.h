/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine thread: it owns the model, its session and the opened media; the UI thread queues
 * requests.  Text collects in a locked buffer that one pending timeout hands to the UI, so a fast model
 * does not flood the main loop.
 *
 * One session is kept per model; lw_session_sync() finds what a conversation has in common with what
 * the session holds, so the next turn computes only what is new.  What is private gets a session without
 * snapshots: another one, where snapshots are kept of the rest.
 */
#pragma once

#include <gio/gio.h>

#include "app/lw-types.h"
#include "engine/lw-engine.h"

G_BEGIN_DECLS

#define LW_TYPE_ENGINE_SERVICE (lw_engine_service_get_type ())
G_DECLARE_FINAL_TYPE (LwEngineService, lw_engine_service, LW, ENGINE_SERVICE, GObject)

LwEngineService *lw_engine_service_new (void);
/* The model that is open, or NULL.  Free with lw_model_unref(). */
lw_model *lw_engine_service_dup_model (LwEngineService *self);
/* Tokens that fit the context of the open model's session; before there is one, what the model was trained
 * for; 0: no model is open. */
gint64 lw_engine_service_get_context (LwEngineService *self);
/* Once what runs has ended: drop what the session holds of any chat, and remove the snapshots on disk, the one
 * that the end of a turn writes included. */
void lw_engine_service_forget (LwEngineService *self);
/* Cancel what runs and end the thread.  Blocks (at most as long as cancelling takes). */
void lw_engine_service_shutdown (LwEngineService *self);

/* How models run.  What is set counts from the next request on; nothing is computed twice for it. */
typedef struct
{
  int n_threads;          /* as in lw_session_params */
  guint32 n_ctx;
  lw_kv_type kv_type;
  gboolean only_cpu;
  gboolean keep_snapshots;
  guint64 snapshot_bytes;
  gboolean stop_repeating; /* answers that repeat themselves, see LW_REPEAT_STOP */
} LwEngineConfig;

void lw_engine_service_configure (LwEngineService *self, const LwEngineConfig *config);

/* What can be done about the last request that did not fit the context; FALSE: nothing is known of it. */
gboolean lw_engine_service_get_choices (LwEngineService *self, lw_fit_choices *out);

/* What the window shows of a model; a copy that outlives it. */
typedef struct
{
  char *path, *name, *description; /* description may be NULL */
  char *vision_missing;            /* why it cannot see, or NULL */
  gboolean has_vision;
  char *chat_warning;              /* its chat template had to be guessed: why; or NULL */
  gboolean is_default; /* the one that comes with the program */
  guint32 n_ctx_train;
} LwModelSummary;

void lw_model_summary_free (LwModelSummary *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwModelSummary, lw_model_summary_free)

/* Open a model (path, or NULL for the default one) and describe it. */
void lw_engine_service_describe_async (LwEngineService *self, const char *path,
                                       GAsyncReadyCallback callback, gpointer user_data);
LwModelSummary *lw_engine_service_describe_finish (LwEngineService *self, GAsyncResult *result,
                                                   GError **error);

/* One turn of a conversation. */
typedef struct
{
  lw_role role;
  char *text;
  GPtrArray *media, *names; /* paths of pictures and films, in order, and what people call them */
  GPtrArray *documents; /* paths of text files, each followed by its name */
} LwTurn;

LwTurn *lw_turn_new (lw_role role, const char *text);
void lw_turn_free (LwTurn *turn);

/* A request: created, queued once, dropped.  Reference-counted, any thread. */
typedef struct _LwEngineRequest LwEngineRequest;

/* Smaller models do not follow instructions well enough for what is done unasked (titles).  The environment
 * variable LW_IDLE_PARAMS takes its place in tests. */
#define LW_ENGINE_IDLE_PARAMS 300000000ll

typedef enum
{
  LW_ENGINE_OPENING, /* the model or the media */
  LW_ENGINE_READING,
  LW_ENGINE_WRITING,
} LwEngineStage;

/* Called on the UI thread.  text: what arrived since the last call, may be "".
 * progress: NULL unless reading. */
typedef void (*LwEngineUpdate) (gpointer user_data, LwEngineStage stage, const char *text,
                                const lw_progress *progress);

/* turns: of LwTurn, taken over.  update is not called any more after the task's callback has run. */
LwEngineRequest *lw_engine_request_new (const char *model_path, GPtrArray *turns,
                                        LwEngineUpdate update, gpointer user_data);
/* Before it is queued: what the answer says already; the model goes on from there. */
void lw_engine_request_set_begun (LwEngineRequest *r, const char *text);
/* What is asked for beside the turns; before it is queued. */
typedef struct
{
  gboolean own;       /* the model's own sampling; else these, as in lw_sampler_params */
  double temperature;
  int top_k;
  double top_p, min_p, repeat_penalty;
  guint max_tokens;   /* 0: until it ends */
  gint64 seed;        /* < 0: another one each time */
} LwSampling;

/* system: instructions to the model, NULL: none. */
void lw_engine_request_set_options (LwEngineRequest *r, const char *system,
                                    const LwSampling *sampling);
/* Before it is queued: something nobody waits for.  It is carried out only by the model that is open, if that
 * has LW_ENGINE_IDLE_PARAMS parameters, and ends as cancelled as soon as anything else is asked. */
void lw_engine_request_set_idle (LwEngineRequest *r, guint max_tokens);
/* Before it is queued: nothing of it is written to the disk. */
void lw_engine_request_set_private (LwEngineRequest *r, gboolean is_private);
LwEngineRequest *lw_engine_request_ref (LwEngineRequest *r);
void lw_engine_request_unref (LwEngineRequest *r);
/* What the media of the newest turn cost and, in *details, how they are looked at, in lines, or NULL each; complete
 * once reading began.  Any thread.  Free both with g_free(). */
char *lw_engine_request_dup_notes (LwEngineRequest *r, char **details);
/* Whether an answer is being made, which the next one has to wait for; a request nobody waits for is none.  Any
 * thread. */
gboolean lw_engine_service_is_answering (LwEngineService *self);
/* Any thread; honoured within 100 ms. */
void lw_engine_request_cancel (LwEngineRequest *r);

/* On success *result tells how it ended. Being cancelled before the first word is the error
 * LW_ENGINE_ERROR_CANCELLED. */
void lw_engine_service_generate_async (LwEngineService *self, LwEngineRequest *request,
                                       GAsyncReadyCallback callback, gpointer user_data);
gboolean lw_engine_service_generate_finish (LwEngineService *self, GAsyncResult *result,
                                            lw_generate_result *out, GError **error);

G_END_DECLS
