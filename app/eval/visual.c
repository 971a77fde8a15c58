/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/visual.h"

#include <string.h>

#include "app/eval/export.h"
#include "app/eval/scene.h"
#include "app/eval/task.h"

#define EXPORT __attribute__ ((visibility ("default")))

/* All scenes of all parts, borrowed. */
static GPtrArray *
scenes_of (const LwEvalSample *sample)
{
  GPtrArray *all = g_ptr_array_new ();

  for (guint i = 0; i < sample->parts->len; i++)
    {
      const LwEvalPart *part = sample->parts->pdata[i];

      for (guint k = 0; part->scenes != NULL && k < part->scenes->len; k++)
        g_ptr_array_add (all, part->scenes->pdata[k]);
    }
  return all;
}

static void
fill (LwEvalVisual *v, GPtrArray *scenes)
{
  float *ground, *shapes, *texts;

  v->n_frames = (int) scenes->len;
  v->n_shapes_max = 1;
  for (guint i = 0; i < scenes->len; i++)
    {
      const LwEvalScene *scene = scenes->pdata[i];

      v->width = scene->width;
      v->height = scene->height;
      v->n_shapes_max = MAX (v->n_shapes_max, scene->n_shapes);
      v->n_texts_max = MAX (v->n_texts_max, scene->n_texts);
    }
  v->ground = ground = g_new0 (float, (gsize) scenes->len * LW_EVAL_GROUND_W);
  v->shapes = shapes = g_new0 (float, (gsize) scenes->len * (gsize) v->n_shapes_max * LW_EVAL_SHAPE_W);
  v->texts = texts = g_new0 (float, (gsize) scenes->len * (gsize) v->n_texts_max * LW_EVAL_TEXT_W);
  for (guint i = 0; i < scenes->len; i++)
    {
      const LwEvalScene *scene = scenes->pdata[i];

      memcpy (ground, scene->ground, sizeof scene->ground);
      if (scene->n_shapes > 0)
        memcpy (shapes, scene->shapes, (gsize) scene->n_shapes * sizeof *scene->shapes);
      if (scene->n_texts > 0)
        memcpy (texts, scene->texts, (gsize) scene->n_texts * sizeof *scene->texts);
      ground += LW_EVAL_GROUND_W;
      shapes += v->n_shapes_max * LW_EVAL_SHAPE_W;
      texts += v->n_texts_max * LW_EVAL_TEXT_W;
    }
}

EXPORT LwEvalVisual *
lw_eval_visual (const char *task, int units, int turns, int hard, const char *variant, guint64 seed, int side)
{
  LwEvalVisual *v = g_new0 (LwEvalVisual, 1);
  const LwEvalTask *maker = task != NULL ? lw_eval_task_find (task) : NULL;
  LwEvalOptions options = { turns, hard != 0, variant != NULL && *variant != 0 ? variant : NULL };
  g_autoptr (LwEvalSample) sample = NULL;
  g_autoptr (GPtrArray) scenes = NULL;

  if (maker != NULL)
    sample = maker->make (seed, side == 1 ? LW_EVAL_SIDE_TRAIN : LW_EVAL_SIDE_MEASURE, units, &options, NULL);
  if (sample == NULL)
    {
      v->json = lw_eval_json (task, units, turns, hard, variant, seed, side); /* which says why */
      return v;
    }
  scenes = scenes_of (sample);
  fill (v, scenes);
  v->json = lw_eval_sample_to_json (sample);
  return v;
}

EXPORT void
lw_eval_visual_free (LwEvalVisual *v)
{
  if (v == NULL)
    return;
  g_free ((gpointer) v->ground);
  g_free ((gpointer) v->shapes);
  g_free ((gpointer) v->texts);
  g_free ((gpointer) v->json);
  g_free (v);
}
