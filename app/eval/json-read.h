/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON of files from elsewhere, read once from left to right without a tree: long lines need no more memory
 * than the strings that are asked for.  Nesting is limited, numbers are integers or skipped, strings are
 * UTF-8 without NUL.
 *
 * After the first mistake every call fails and the reader's error tells the byte.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_EVAL_JSON_DEPTH 16

typedef struct {
  const char *text; /* borrowed */
  gsize n, at;
  guint depth;
  gboolean first[LW_EVAL_JSON_DEPTH]; /* no member of the array or object at this depth was read yet */
  char *error;                        /* owned; NULL while all is well */
} LwEvalJson;

void lw_eval_json_init (LwEvalJson *json, const char *text, gsize n);
void lw_eval_json_clear (LwEvalJson *json);
/* Fails with this message from now on, if it has not failed before. */
void lw_eval_json_fail (LwEvalJson *json, const char *what);

/* What comes next: '{' '[' '"' 'n' (number) 't' 'f' '0' (null), or 0 at the end or for anything else. */
char lw_eval_json_peek (LwEvalJson *json);

/* Each *_next is TRUE when there is another member; after the last one the object or array is left. */
gboolean lw_eval_json_object (LwEvalJson *json);
gboolean lw_eval_json_object_next (LwEvalJson *json, char **key_taken);
gboolean lw_eval_json_array (LwEvalJson *json);
gboolean lw_eval_json_array_next (LwEvalJson *json);

/* NULL on failure; owned by the caller. */
char *lw_eval_json_string (LwEvalJson *json);
gboolean lw_eval_json_integer (LwEvalJson *json, gint64 *value);
/* Any value. */
gboolean lw_eval_json_skip (LwEvalJson *json);
/* Nothing but white space is left. */
gboolean lw_eval_json_end (LwEvalJson *json);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LwEvalJson, lw_eval_json_clear)

G_END_DECLS
