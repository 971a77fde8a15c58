/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/task.h"

#include <string.h>

#include "app/eval/tasks/tasks.h"

static const LwEvalTask *const roster[] = {
  &lw_eval_task_kv,
  &lw_eval_task_prefix_suffix,
  &lw_eval_task_vt,
  &lw_eval_task_mf,
  &lw_eval_task_icl,
  &lw_eval_task_digest,
  &lw_eval_task_chronicle,
  &lw_eval_task_mix_a,
  &lw_eval_task_mdqa,
  &lw_eval_task_reorder,
  &lw_eval_task_twofact,
  &lw_eval_task_vniah,
  &lw_eval_task_mmniah,
  &lw_eval_task_filmorder,
  &lw_eval_task_shapes,
  &lw_eval_task_count,
  &lw_eval_task_word,
  &lw_eval_task_small,
  NULL,
};

const LwEvalTask *const *
lw_eval_tasks (void)
{
  return roster;
}

const LwEvalTask *
lw_eval_task_find (const char *name)
{
  for (guint i = 0; roster[i] != NULL; i++)
    if (strcmp (roster[i]->name, name) == 0)
      return roster[i];
  return NULL;
}

/* "at=N", N from 0 to 100; else FALSE. */
static gboolean
parse_depth (const char *variant, int *depth)
{
  guint64 value;

  if (!g_str_has_prefix (variant, "at=")
      || !g_ascii_string_to_unsigned (variant + 3, 10, 0, 100, &value, NULL))
    return FALSE;
  *depth = (int) value;
  return TRUE;
}

gboolean
lw_eval_options_check (const char *task, int units, const LwEvalOptions *options, const char *const *variants,
                       int *fixed_depth, GError **error)
{
  g_autofree char *known = NULL;

  if (fixed_depth != NULL)
    *fixed_depth = -1;
  if (options->turns < 1 || options->turns > LW_EVAL_TURNS_MAX)
    {
      g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_OPTION, "%s: %d turns; 1 to %d can be asked", task,
                   options->turns, LW_EVAL_TURNS_MAX);
      return FALSE;
    }
  if (units < 1 || units > LW_EVAL_UNITS_MAX)
    {
      g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_OPTION, "%s: %d units; 1 to %d can be made", task,
                   units, LW_EVAL_UNITS_MAX);
      return FALSE;
    }
  if (options->variant == NULL || (variants != NULL && g_strv_contains (variants, options->variant)))
    return TRUE;
  if (fixed_depth != NULL && parse_depth (options->variant, fixed_depth))
    return TRUE;
  known = variants != NULL ? g_strjoinv (", ", (char **) variants) : g_strdup ("");
  g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_OPTION, "%s: no variant \"%s\"; there is %s%s%s", task,
               options->variant, known, *known != 0 && fixed_depth != NULL ? ", " : "",
               fixed_depth != NULL ? "at=0 to at=100" : *known != 0 ? "" : "none");
  return FALSE;
}
