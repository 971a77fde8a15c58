/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SCBench's published files (JSON lines, one session each), as samples like our own: instruction and context
 * are one text, options are lettered in the question, each turn has its rule and its most tokens.  One line
 * is in memory at a time.
 *
 * Where an answer is in the context exactly once, the turn says where (depth by bytes); so a runner that has
 * to leave out the middle of a context knows which turns lost their answer.
 *
 * Limits: a line of LW_EVAL_PUBLISHED_LINE bytes, LW_EVAL_PUBLISHED_TURNS turns, LW_EVAL_PUBLISHED_ANSWERS
 * answers a turn, 26 options, functions of LW_EVAL_PUBLISHED_FUNCTION bytes, 16 levels of nesting.
 */
#pragma once

#include "app/eval/sample.h"

G_BEGIN_DECLS

#define LW_EVAL_PUBLISHED_LINE (256 * 1024 * 1024)
#define LW_EVAL_PUBLISHED_TURNS 64
#define LW_EVAL_PUBLISHED_ANSWERS 4096
#define LW_EVAL_PUBLISHED_FUNCTION (64 * 1024)

typedef struct _LwEvalPublished LwEvalPublished;

/* The task is the file's name: "scbench_kv.jsonl", or "kv.jsonl".
 * Errors: LW_EVAL_ERROR_FORMAT for a name of none of the twelve tasks, G_FILE_ERROR. */
LwEvalPublished *lw_eval_published_open (const char *path, GError **error);
void lw_eval_published_free (LwEvalPublished *published);

/* The next session, or NULL: at the end without an error.  Errors: LW_EVAL_ERROR_FORMAT and _LIMIT, naming
 * file, line and byte; the next call goes on with the next line after FORMAT, never after LIMIT.  Blocks on
 * the disk. */
LwEvalSample *lw_eval_published_next (LwEvalPublished *published, GError **error);

/* One line of a file of that task ("kv", ...); row counts from 0 and stands in for a missing id. */
LwEvalSample *lw_eval_published_parse (const char *task, const char *line, gsize n, guint64 row,
                                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwEvalPublished, lw_eval_published_free)

G_END_DECLS
