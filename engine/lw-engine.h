/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine's public face: a *model* is immutable and shared, a *session* is one mutable timeline of
 * tokens with its KV cache.  lw_session_sync() takes the whole conversation every time and decides by
 * itself what can be kept (the longest common prefix); nothing is ever cut to make something fit.
 *
 * Threads: models from any thread; a session from one thread at a time.  Calls that compute block;
 * stop them through the `cancel` integer that the caller owns (set it non-zero atomically from any
 * thread; it is honoured within 100 ms).
 * Errors: LW_MODEL_ERROR and LW_ENGINE_ERROR (lw-error.h).
 */
#pragma once

#include "engine/chat/chat.h"
#include "engine/grammar/grammar.h"
#include "engine/lw-error.h"
#include "engine/lw-media.h"
#include "engine/sampler/sampler.h"
#include "engine/tokenizer/tokenizer.h"

G_BEGIN_DECLS

/* ---- Model ---- */

typedef struct lw_model lw_model;

typedef struct {
    const char *mmproj; /* vision file; NULL: "mmproj*.gguf" beside the model; "": none */
} lw_model_params;

/* How the vectors of a text's tokens become one. */
typedef enum {
    LW_POOLING_NONE, /* the file does not say */
    LW_POOLING_MEAN, /* of all tokens, those around the text included */
    LW_POOLING_CLS,  /* the first token's */
    LW_POOLING_LAST, /* the last token's */
} lw_pooling;

/* Why a model cannot see pictures. */
typedef enum {
    LW_VISION_LACK_NOTHING,    /* it sees */
    LW_VISION_LACK_TEXT_MODEL, /* nobody taught it to */
    LW_VISION_LACK_NO_FILE,    /* its vision file is not there */
    LW_VISION_LACK_BAD_FILE,   /* its vision file cannot be used */
} lw_vision_lack;

typedef struct {
    const char *path;
    const char *name;         /* general.name or the file's base name */
    const char *arch;         /* "qwen2vl" */
    const char *types;        /* the tensor types by share of bytes: "Q8_0, F32" */
    const char *chat;         /* template family */
    gboolean chat_guessed;    /* the file's template cannot be used: a family was assumed */
    const char *chat_warning; /* chat_guessed: why, in a sentence; else NULL */
    const char *think_open, *think_close; /* what stands around its thoughts; NULL: it does not think aloud */
    const char *description;  /* general.description: what it can and cannot do; may be NULL */
    gint64 n_params;
    gint64 file_bytes;        /* text + vision file */
    gint64 weight_bytes;      /* tensor data of the text model */
    guint32 n_ctx_train;      /* tokens */
    guint32 n_layer, n_embd, n_head, n_head_kv, head_dim, n_vocab;
    gboolean only_embeds;     /* reads a text in both directions and makes a vector of it; cannot answer */
    lw_pooling pooling;       /* of a model that was made for embeddings */
    gboolean has_vision;
    lw_vision_lack vision_lack; /* why not */
    const char *vision_missing; /* the same in a sentence; NULL when it has vision */
    const char *mmproj_path;    /* NULL when there is none */
} lw_model_info;

/* Map, check and bind a model file (and its vision file).  Reads no tensor data; under 50 ms.
 * params may be NULL. */
lw_model *lw_model_open(const char *path, const lw_model_params *params, GError **error);
lw_model *lw_model_ref(lw_model *m);
void lw_model_unref(lw_model *m);

const lw_model_info *lw_model_get_info(const lw_model *m);
const lw_tokenizer *lw_model_get_tokenizer(const lw_model *m);
const lw_gguf *lw_model_get_gguf(const lw_model *m);
/* NULL when the model has no vision. */
const lw_vision_spec *lw_model_get_vision_spec(const lw_model *m);
/* Sampling the publisher recommends (general.sampling.*), else lw_sampler_params_default(). */
lw_sampler_params lw_model_get_sampling(const lw_model *m);

/* ---- Prompt ---- */

/* Tokens with their M-RoPE positions and the media behind placeholder tokens. */
typedef struct lw_prompt lw_prompt;

typedef struct {
    lw_role role;
    const char *text;        /* untrusted UTF-8 */
    lw_media *const *media;  /* borrowed; the prompt takes references */
    gsize n_media;
    const lw_document *documents; /* borrowed for the call; rendered before the text */
    gsize n_documents;
    const gsize *media_at;   /* [n_media], borrowed for the call: the byte of the text that each medium stands
                              * before, ascending; NULL: all stand before the documents */
} lw_message;

/* Render with the model's chat template; params may be NULL (lw_chat_params_default()).
 * Errors: INVALID when there are media and the model has no vision (the message says which file is
 * missing), or when the model's template refuses the messages; NO_MEMORY. */
lw_prompt *lw_prompt_new_chat(const lw_model *m, const lw_message *messages, gsize n,
                              const lw_chat_params *params, GError **error);
/* The prompt ends inside a thinking block: the answer begins with thoughts, up to think_close. */
gboolean lw_prompt_opens_thinking(const lw_prompt *p);
/* Raw token ids (text only); every id is checked. */
lw_prompt *lw_prompt_new_tokens(const lw_model *m, const gint32 *ids, gsize n, GError **error);
/* Raw text: BOS if the model wants one, media (may be NULL) before the text, no template. */
lw_prompt *lw_prompt_new_text(const lw_model *m, const char *text, lw_media *const *media,
                              gsize n_media, GError **error);
/* Add the beginning of an answer (untrusted UTF-8) to a chat that waits for one: the model goes on from there.
 * Errors: NO_MEMORY; the prompt is as it was. */
gboolean lw_prompt_append_text(lw_prompt *p, const lw_model *m, const char *text, GError **error);
void lw_prompt_free(lw_prompt *p);
gsize lw_prompt_n_tokens(const lw_prompt *p);
/* [n] ids, borrowed. */
const gint32 *lw_prompt_ids(const lw_prompt *p);
/* [n][3] M-RoPE ids t, h, w, borrowed. */
const gint32 *lw_prompt_positions(const lw_prompt *p);
/* How many tokens both begin with: the same ids at the same positions, the same media behind them. */
gsize lw_prompt_common(const lw_prompt *a, const lw_prompt *b);
/* The first n tokens (1 to all of them) as a prompt of their own: what several questions have in common, to be
 * read before any of them is known. */
lw_prompt *lw_prompt_new_prefix(const lw_prompt *p, gsize n);

/* ---- Session ---- */

typedef struct lw_session lw_session;

typedef enum {
    LW_KV_F16,  /* default */
    LW_KV_F32,
    LW_KV_Q8_0, /* 34 bytes per 32 values; the head size must be a multiple of 32 */
} lw_kv_type;

/* "f16", "f32", "q8_0"; NULL name: f16.  Errors: LW_ENGINE_ERROR_INVALID, listing what there is. */
gboolean lw_kv_type_parse(const char *name, lw_kv_type *type, GError **error);
const char *lw_kv_type_name(lw_kv_type type);

/* Bytes of cache that one token takes in all layers; 0: the model cannot have this type. */
gint64 lw_model_info_kv_bytes_per_token(const lw_model_info *info, lw_kv_type type);

typedef struct {
    guint32 n_ctx;         /* tokens; 0: what the model was trained for, or less if memory is short
                            * (lw_session_get_n_ctx() tells) */
    lw_kv_type kv_type;
    int n_threads;         /* 0: one per usable CPU */
    const char *attention; /* "dense"; crude ones for testing: "window:SINK+LOCAL", "random:P%"; NULL: the
                            * default */
    const char *backend;   /* "cpu"; NULL: the best one available */
    const char *snapshots; /* folder that conversations are kept in for the next start; NULL: none are.
                            * Everything in it may be deleted at any time; only speed is lost */
    guint64 snapshot_bytes; /* all snapshots in the folder together, 0: 8 GiB, or a tenth of the free space
                             * of the disk if that is less; the least recently used go first */
} lw_session_params;

/* $XDG_CACHE_HOME/longwave/kv.  Free with g_free(). */
char *lw_session_default_snapshots(void);
/* Remove every snapshot in a folder (NULL: the default one), for example because a conversation was deleted:
 * a snapshot contains its text as token ids.  Sessions that use one go on, and save anew.  Any thread. */
void lw_session_clear_snapshots(const char *folder);
/* Bytes of all snapshots in a folder (NULL: the default one): what snapshot_bytes limits.  Any thread. */
guint64 lw_session_measure_snapshots(const char *folder);
/* Remove the least recently used snapshots in a folder (NULL: the default one) until they take no more than bytes
 * (0: what snapshot_bytes 0 allows), as the next save would.  Those in use stay.  Any thread; blocks. */
void lw_session_trim_snapshots(const char *folder, guint64 bytes);

/* params may be NULL.  KV pages are allocated as they are needed, never beyond n_ctx. */
lw_session *lw_session_new(lw_model *m, const lw_session_params *params, GError **error);
void lw_session_free(lw_session *s);

typedef enum {
    LW_STAGE_VISION,   /* encoding pictures and films */
    LW_STAGE_PREFILL,  /* reading the prompt */
} lw_stage;

typedef struct {
    lw_stage stage;
    gsize done, total; /* tokens of the prompt that had to be computed: so far, in all */
    gsize reused;      /* tokens taken from the cache */
    gsize restored;    /* of these, from a snapshot on disk by this sync */
    double seconds_left; /* estimate, < 0 while unknown */
} lw_progress;

typedef void (*lw_progress_fn)(void *user, const lw_progress *p);

/* Make the session hold exactly this prompt, computing only what follows the longest prefix that it
 * already holds or that a snapshot on disk has.  On success the logits of the last token are ready.  On
 * CANCELLED or another error the session keeps a valid, shorter prefix.  CONTEXT_FULL names both numbers, says what can be done
 * about it (lw_session_get_choices()) and changes nothing.
 * progress (may be NULL) is called from this thread, at least once a chunk. */
gboolean lw_session_sync(lw_session *s, const lw_prompt *prompt, lw_progress_fn progress, void *user,
                         const gint *cancel, GError **error);

/* What can be done about a conversation that does not fit; nothing is ever cut, somebody has to choose. */
typedef struct {
    gsize n_needed;           /* tokens */
    guint32 n_ctx;            /* of the session */
    guint32 n_ctx_train;      /* what the model was trained for */
    guint32 n_ctx_largest;    /* memory allows, with the session's type of cache */
    guint32 n_ctx_largest_q8; /* with a q8_0 cache; 0: it is one already, or the model cannot have it */
    gboolean larger_helps;    /* a new session with a larger context would hold it */
    gboolean q8_helps;        /* only one with a q8_0 cache would */
    gboolean beyond_training; /* it is longer than anything the model was trained for */
} lw_fit_choices;

/* For n_needed tokens, by the memory that is available now. */
void lw_session_get_choices(const lw_session *s, gsize n_needed, lw_fit_choices *out);
/* "a context of 24,576 would hold it; or leave something out": a half-sentence for people; CONTEXT_FULL of
 * lw_session_sync() ends with it.  Free with g_free(). */
char *lw_fit_choices_describe(const lw_fit_choices *c);

/* Append one token and compute the next logits: [n_vocab] f32, borrowed, valid until the next call.
 * logits may be NULL. */
gboolean lw_session_decode(lw_session *s, gint32 token, const float **logits, const gint *cancel,
                           GError **error);

/* Write what the session holds to the snapshot folder (lw_session_generate() does so at its end).  Only what is
 * new is written; nothing when nothing is, or for less than 64 tokens.  Blocks until it is on the disk.
 * Errors: INVALID (no folder was given, the budget or the disk is too small, the folder cannot be written to);
 * the session and what was saved before stay as they are. */
gboolean lw_session_save(lw_session *s, GError **error);

/* A second session that holds the same tokens.  Both share the pages of the cache until one writes to them,
 * and together they hold no more than n_ctx tokens (shared ones count once).  They also share their working
 * memory, so both belong to one thread.  A fork restores nothing and saves nothing.  Errors: NO_MEMORY. */
lw_session *lw_session_fork(lw_session *s, GError **error);
/* FALSE: its attention mode keeps a state of its own, which cannot be in two places. */
gboolean lw_session_can_fork(const lw_session *s);
/* Forget everything from token n on. */
void lw_session_truncate(lw_session *s, gsize n);

/* Logits after the last sync or decode, NULL when there are none. */
const float *lw_session_get_logits(const lw_session *s);
/* Make later syncs compute logits for every prompt token: [n][n_vocab] f32, borrowed, valid until the next
 * sync, for tests and `lw logits`.  Such a sync reuses nothing: it computes the whole prompt. */
void lw_session_keep_all_logits(lw_session *s, gboolean keep);
const float *lw_session_get_all_logits(const lw_session *s, gsize *n_rows);

gsize lw_session_get_n_tokens(const lw_session *s); /* tokens held */
guint32 lw_session_get_n_ctx(const lw_session *s);
gsize lw_session_get_n_reused(const lw_session *s); /* by the last sync */
gsize lw_session_get_n_restored(const lw_session *s); /* of these, from disk: "picked up where we left off" */
gsize lw_session_get_kv_bytes(const lw_session *s); /* allocated now; without what is mapped from a snapshot */
const char *lw_session_get_device(const lw_session *s); /* "CPU, 2 threads, AVX-512 VNNI" */
lw_model *lw_session_get_model(const lw_session *s);

/* ---- Generation ---- */

typedef enum {
    LW_STOP_END,       /* the model ended its turn */
    LW_STOP_LENGTH,    /* max_tokens */
    LW_STOP_STRING,    /* a stop string (not emitted) */
    LW_STOP_CANCELLED, /* what was produced so far stays */
    LW_STOP_CONTEXT,   /* the context is full */
    LW_STOP_REPEATS,   /* the answer repeats itself; what it said stays */
} lw_stop_reason;

/* A token as it is chosen, before its text may be complete. */
typedef struct {
    gint32 token;
    const char *bytes; /* what it stands for, n bytes; may be a part of a character */
    gsize n;
    float logprob;     /* as the model gives it: before penalties, filters, temperature and grammar */
    const lw_logprob *top; /* [n_top] likeliest tokens of that step, the likeliest first */
    gsize n_top;
} lw_generated_token;

typedef void (*lw_token_fn)(void *user, const lw_generated_token *t);

/* A repeat_stop for people, tokens: more than somebody may have asked to be repeated (a sentence a hundred times, a
 * table of zeros), and over in a minute or two on a slow machine. */
#define LW_REPEAT_STOP 1024

/* Most alternatives that can be asked for a token. */
#define LW_MAX_TOP_LOGPROBS 64

typedef struct {
    lw_sampler_params sampling;     /* DRY without breakers of its own: tokens with a line break, : " or * */
    guint max_tokens;               /* 0: until the model ends or the context is full */
    const char *const *stop;        /* NULL-terminated, or NULL; each 1..256 bytes, at most 16 */
    lw_grammar *grammar;            /* the answer follows it; borrowed; NULL: free */
    guint repeat_stop;              /* stop once this many tokens at the end are four or more times the same 1..512
                                     * tokens (engine/session/repetition.h); 0: never */
    lw_token_fn on_token;           /* NULL: log-probabilities are not computed */
    guint n_top;                    /* alternatives reported with each token, 0..LW_MAX_TOP_LOGPROBS */
} lw_generate_params;

typedef struct {
    lw_stop_reason stop;
    gsize n_prompt, n_reused, n_generated; /* tokens */
    gsize n_restored; /* of n_reused, from a snapshot on disk */
    double vision_seconds, prompt_seconds, generate_seconds;
} lw_generate_result;

/* text: complete UTF-8, n bytes, not NUL-terminated. */
typedef void (*lw_text_fn)(void *user, const char *text, gsize n);

/* Sync, then sample until a stop.  on_text is called from this thread as text appears.
 * The answer's tokens stay in the session, so that the next turn reuses them; a session with a snapshot
 * folder saves them at the end, and a failure to do so is only logged.
 * Returns FALSE only for errors; being cancelled after the prompt was read is a normal stop, being
 * cancelled while it is read is the error CANCELLED. */
gboolean lw_session_generate(lw_session *s, const lw_prompt *prompt, const lw_generate_params *params,
                             lw_text_fn on_text, lw_progress_fn on_progress, void *user,
                             const gint *cancel, lw_generate_result *result, GError **error);

/* ---- Looking inside ---- */

/* What one head of one layer looks at while it reads one token. */
typedef struct {
    guint layer, head;
    gsize row;      /* the token, counted from the start of the prompt */
    gsize n_keys;   /* row + 1 */
    const float *p; /* [n_keys] probabilities that add up to 1, borrowed for the call */
} lw_attention_row;

typedef void (*lw_attention_row_fn)(void *user, const lw_attention_row *row);

/* From now on, while tokens [from, to) are computed, fn is called for each, layer by layer, head by head, on the
 * session's thread.  The probabilities are those of exact attention to what the cache holds, whatever mode the
 * session uses; results do not change.  Slow: every row is computed beside.  NULL fn: no longer (which costs
 * nothing).  Errors: NO_MEMORY; nobody looks on then. */
gboolean lw_session_watch(lw_session *s, gsize from, gsize to, lw_attention_row_fn fn, void *user,
                          GError **error);

/* ---- Embeddings ---- */

/* Working memory to turn texts into vectors; belongs to one thread.  Takes models that only embed (bert,
 * nomic-bert) and decoders (Qwen3-Embedding); prefixes such as "search_query: " are the caller's. */
typedef struct lw_embedder lw_embedder;

typedef struct {
    lw_pooling pooling;  /* LW_POOLING_NONE: what the file says */
    guint32 n_ctx;       /* tokens of the longest text; 0: what the model was trained for */
    lw_kv_type kv_type;  /* of decoders */
    int n_threads;       /* 0: one per usable CPU */
    const char *backend; /* NULL: the best one available */
} lw_embedder_params;

/* params may be NULL.  Errors: INVALID (neither the file nor params say how to pool; n_ctx beyond what a
 * model that only embeds was trained for), NO_MEMORY, DEVICE, LW_MODEL_ERROR. */
lw_embedder *lw_embedder_new(lw_model *m, const lw_embedder_params *params, GError **error);
void lw_embedder_free(lw_embedder *e);
guint32 lw_embedder_get_n_embd(const lw_embedder *e);
guint32 lw_embedder_get_n_ctx(const lw_embedder *e);
lw_pooling lw_embedder_get_pooling(const lw_embedder *e);
/* "mean", "cls", "last"; NULL for NONE. */
const char *lw_pooling_name(lw_pooling p);

/* n untrusted texts (UTF-8, NUL-terminated) -> out[n][n_embd] f32, each of length 1.  A text's vector does
 * not depend on the others.  All texts are looked at before any is computed: nothing is cut, and on failure
 * out is undefined.
 * Errors: CONTEXT_FULL names the text's number (from 1) and both lengths; INVALID (a text without tokens),
 * CANCELLED, NO_MEMORY. */
gboolean lw_embedder_run(lw_embedder *e, const char *const *texts, gsize n, float *out, const gint *cancel,
                         GError **error);

/* The same for token ids: text i is ids[bounds[i]] to ids[bounds[i + 1] - 1], bounds [n + 1] beginning with 0.
 * Nothing is put around them.  Errors also: INVALID for an id outside the vocabulary. */
gboolean lw_embedder_run_tokens(lw_embedder *e, const gint32 *ids, const gsize *bounds, gsize n, float *out,
                                const gint *cancel, GError **error);

G_END_DECLS
