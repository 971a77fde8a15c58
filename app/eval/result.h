/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What became of one question, and the line of JSON that it is kept as.
 *
 * Lines are written by this program and read back by --resume; they are treated like anybody's file: a
 * line has at most LW_EVAL_LINE_MAX bytes, every field is checked for its type and range.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_EVAL_LINE_MAX (1 << 20)
#define LW_EVAL_MAX_TURNS 64

/* Which cell of the table it belongs to, and who was asked. */
typedef struct {
  char *task;
  char *attention;      /* as typed after --attn */
  int size;             /* tokens at most, or units with --units; 1.. */
  int session;          /* 0.. */
  int turn;             /* 0.. */

  char *kind;           /* what was asked */
  gboolean graded;      /* the score may lie between 0 and 1 */
  double strict, compat; /* scores, 0..1 */
  double depth;         /* of the gold, 0..1; negative: spread */
  char *answer;         /* what was right */
  char *reply;          /* what was said */
  char *stop;           /* why it ended: end, length, string, context */

  gint64 n_prompt;      /* tokens of the whole prompt */
  gint64 n_shared;      /* of these, what the prompt has in common with what was read before */
  gint64 n_reused;      /* of these, taken from the cache */
  gint64 n_generated;
  gint64 kv_bytes;      /* of the cache, when the answer had been given */
  double first_token;   /* seconds from the question to the first token of the reply */
  double vision_seconds, prefill_seconds; /* parts of it: looking, reading */
  double generate_seconds;
} LwEvalResult;

/* About one sample: what two machines compare to know that they asked the same. */
typedef struct {
  char *task;
  int size, session;
  guint64 seed;
  char *generator;      /* version of the generators */
  int units, turns;     /* turns: fewer than asked for where so many do not fit */
  gint64 n_tokens;      /* context, questions and room for the replies; 0: not counted (no model) */
  char *sha256;         /* of the context */
} LwEvalManifest;

void lw_eval_result_free (LwEvalResult *r);
void lw_eval_manifest_free (LwEvalManifest *m);

/* One line with a newline at its end.  Free with g_free(). */
char *lw_eval_result_to_line (const LwEvalResult *r);
char *lw_eval_manifest_to_line (const LwEvalManifest *m);

/* What a line holds: exactly one of *result and *manifest is set on success; both NULL: another kind of
 * line.  Errors: G_IO_ERROR_INVALID_DATA naming the field. */
gboolean lw_eval_line_parse (const char *line, gsize n, LwEvalResult **result, LwEvalManifest **manifest,
                             GError **error);

/* By task, size, attention, session, turn; tasks and modes in alphabetical order. */
int lw_eval_result_compare (const LwEvalResult *a, const LwEvalResult *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwEvalResult, lw_eval_result_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwEvalManifest, lw_eval_manifest_free)

G_END_DECLS
