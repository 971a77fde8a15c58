/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One line a task: the file of that name in this folder defines it, registry.c lists it.
 */
#pragma once

#include "app/eval/task.h"

G_BEGIN_DECLS

extern const LwEvalTask lw_eval_task_kv;
extern const LwEvalTask lw_eval_task_prefix_suffix;
extern const LwEvalTask lw_eval_task_vt;
extern const LwEvalTask lw_eval_task_mf;
extern const LwEvalTask lw_eval_task_icl;
extern const LwEvalTask lw_eval_task_digest;
extern const LwEvalTask lw_eval_task_chronicle;
extern const LwEvalTask lw_eval_task_mix_a;
extern const LwEvalTask lw_eval_task_mdqa;
extern const LwEvalTask lw_eval_task_reorder;
extern const LwEvalTask lw_eval_task_twofact;
extern const LwEvalTask lw_eval_task_vniah;
extern const LwEvalTask lw_eval_task_mmniah;
extern const LwEvalTask lw_eval_task_filmorder;
extern const LwEvalTask lw_eval_task_shapes;
extern const LwEvalTask lw_eval_task_count;
extern const LwEvalTask lw_eval_task_word;
extern const LwEvalTask lw_eval_task_small;

G_END_DECLS
