/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The file that results are kept in while a run goes on: FOLDER/results.jsonl, one line for the run's
 * settings, then one for every sample and every answered question.  A line is written in one piece, so a
 * run that is killed leaves whole lines; half a line at the end (a full disk) is cut off when the run is
 * resumed.  Where lines contradict each other the later one holds: a sample that was interrupted is asked
 * anew.
 *
 * Thread: one at a time.
 */
#pragma once

#include "app/eval/result.h"

G_BEGIN_DECLS

/* All lines together. */
#define LW_EVAL_RECORD_MAX (1ll << 30)

typedef struct _LwEvalRecord LwEvalRecord;

/* settings: NULL-terminated pairs of name and value: what must be the same for results to be comparable.
 * resume FALSE: the folder is made if need be and holds no results yet; TRUE: what is there is read (nothing
 * there is fine).  Errors: G_IO_ERROR, naming the file and the line, setting or reason. */
LwEvalRecord *lw_eval_record_open (const char *folder, const char *const *settings, gboolean resume,
                                   GError **error);
void lw_eval_record_free (LwEvalRecord *record);

/* What resuming found, ownership taken: of LwEvalResult (sorted, no two for the same question) and of
 * LwEvalManifest. */
GPtrArray *lw_eval_record_take_results (LwEvalRecord *record);
GPtrArray *lw_eval_record_take_manifests (LwEvalRecord *record);

/* Errors: G_IO_ERROR (a full disk). */
gboolean lw_eval_record_add (LwEvalRecord *record, const char *line, GError **error);

/* Sort, and of results for the same question keep the last. */
void lw_eval_results_tidy (GPtrArray *results);

G_END_DECLS
