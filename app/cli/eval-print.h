/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `lw eval` prints: tables for people, the same figures as JSON, and the picture.
 */
#pragma once

#include "app/cli/eval-jobs.h"

G_BEGIN_DECLS

typedef struct {
    const char *model;  /* NULL: there is none */
    const char *device; /* NULL: an oracle answered */
    const char *kv, *how, *who; /* "f16", "turns", "model" */
    guint64 seed;
    gboolean strict, by_units, hard, own_answers, complete;
    int turns;
    const char *variant; /* NULL: the tasks' own */
    const char *const *tasks, *const *attentions; /* in the order asked for */
} lw_cli_eval_heading;

gboolean lw_cli_eval_print_text(const lw_cli_eval_heading *h, GPtrArray *results, GError **error);
gboolean lw_cli_eval_print_json(const lw_cli_eval_heading *h, GPtrArray *results, GPtrArray *manifests,
                                GError **error);
gboolean lw_cli_eval_write_svg(const lw_cli_eval_heading *h, GPtrArray *results, const char *path,
                               GError **error);

G_END_DECLS
