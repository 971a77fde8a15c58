/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scenes to pixels, equal to data/model/draw.py within rounding but for noise: there it comes from the
 * device's generator, here from the scene's seed, in whole numbers.  The same scene gives the same bytes
 * on every machine.  Clouds, tint and blur of draw.py are not painted here; no task has any.
 */
#pragma once

#include "app/eval/scene.h"

G_BEGIN_DECLS

/* rgb: [height][width][3], written.  Any thread. */
void lw_eval_paint (const LwEvalScene *scene, guint8 *rgb);

/* The same into new memory; NULL with LW_ENGINE_ERROR_NO_MEMORY. */
guint8 *lw_eval_paint_new (const LwEvalScene *scene, GError **error);

G_END_DECLS
