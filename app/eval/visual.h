/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sample with pictures or films as arrays of rows, for the training script, which paints them on its
 * device: data/model/draw.py's Painter.paint takes ground, shapes and text as they are here.  In
 * liblw-generators.so (export.h says how to build it).
 */
#pragma once

#include "app/eval/sample.h"

G_BEGIN_DECLS

typedef struct {
  int n_frames;              /* pictures and frames of all parts, in order; 0 for a task of text */
  int width, height;         /* pixels, the same for all */
  int n_shapes_max;          /* rows a frame, at least 1; those that a frame does not use are all 0 */
  int n_texts_max;           /* may be 0 */
  const float *ground;       /* [n_frames][12] */
  const float *shapes;       /* [n_frames][n_shapes_max][13] */
  const float *texts;        /* [n_frames][n_texts_max][21] */
  const char *json;          /* as in export.h: a film's frames are those from "first" on, "count" of them */
} LwEvalVisual;

/* side: 0 measure, 1 train.  variant: NULL or "" for the default, "8x6": cells of 28 pixels across and
 * down.  Never NULL: when the sample cannot be made n_frames is 0 and json is {"error":"..."}.  Any
 * thread; no state is shared. */
LwEvalVisual *lw_eval_visual (const char *task, int units, int turns, int hard, const char *variant,
                              guint64 seed, int side);
void lw_eval_visual_free (LwEvalVisual *visual);

G_END_DECLS
