/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/scene.h"

#include <math.h>
#include <string.h>

#include "app/eval/glyphs.h"

static const float white[3] = { 255, 255, 255 };

LwEvalScene *
lw_eval_scene_new (int width, int height)
{
  LwEvalScene *scene;

  g_return_val_if_fail (width > 0 && width <= LW_EVAL_SCENE_SIDE_MAX, NULL);
  g_return_val_if_fail (height > 0 && height <= LW_EVAL_SCENE_SIDE_MAX, NULL);

  scene = g_new0 (LwEvalScene, 1);
  scene->width = width;
  scene->height = height;
  lw_eval_scene_set_ground (scene, LW_EVAL_GROUND_SOLID, white, white, 0);
  scene->ground[9] = 1; /* an edge as soft as a pixel */
  return scene;
}

void
lw_eval_scene_free (LwEvalScene *scene)
{
  if (!scene)
    return;
  g_free (scene->shapes);
  g_free (scene->texts);
  g_free (scene);
}

LwEvalScene *
lw_eval_scene_copy (const LwEvalScene *scene)
{
  LwEvalScene *copy = g_memdup2 (scene, sizeof *scene);

  copy->shapes = g_memdup2 (scene->shapes, (gsize) scene->n_shapes * sizeof *scene->shapes);
  copy->texts = g_memdup2 (scene->texts, (gsize) scene->n_texts * sizeof *scene->texts);
  copy->room_shapes = copy->n_shapes;
  copy->room_texts = copy->n_texts;
  return copy;
}

void
lw_eval_scene_set_ground (LwEvalScene *scene, LwEvalGround kind, const float rgb[3], const float rgb2[3],
                          double turn)
{
  scene->ground[0] = (float) kind;
  for (int i = 0; i < 3; i++)
    {
      scene->ground[1 + i] = rgb[i];
      scene->ground[4 + i] = rgb2[i];
    }
  scene->ground[7] = (float) turn;
}

void
lw_eval_scene_set_noise (LwEvalScene *scene, int amplitude, guint64 seed)
{
  g_return_if_fail (amplitude >= 0 && amplitude <= 127);

  scene->noise = amplitude;
  scene->noise_seed = seed;
  scene->ground[8] = (float) sqrt (amplitude * (amplitude + 1) / 3.0);
}

/* Room for one more row. */
static void *
grown (void *rows, int n, int *room, gsize width)
{
  if (n < *room)
    return rows;
  *room = MAX (8, *room * 2);
  return g_realloc_n (rows, (gsize) *room, width * sizeof (float));
}

float *
lw_eval_scene_add_shape (LwEvalScene *scene, LwEvalShape kind, double x, double y, double radius,
                         double turn, const float rgb[3])
{
  float *row;

  scene->shapes = grown (scene->shapes, scene->n_shapes, &scene->room_shapes, LW_EVAL_SHAPE_W);
  row = scene->shapes[scene->n_shapes++];
  memset (row, 0, LW_EVAL_SHAPE_W * sizeof *row);
  row[0] = (float) kind;
  row[1] = (float) x;
  row[2] = (float) y;
  row[3] = (float) radius;
  row[4] = (float) turn;
  memcpy (row + 5, rgb, 3 * sizeof *rgb);
  row[12] = 1;
  return row;
}

float *
lw_eval_scene_add_text (LwEvalScene *scene, double x, double y, double scale, double turn,
                        const float rgb[3], int font, const char *string)
{
  gsize n = strlen (string);
  float *row;

  g_return_val_if_fail (n >= 1 && n <= LW_EVAL_TEXT_MAX, NULL);
  g_return_val_if_fail (font >= 0 && font < LW_EVAL_GLYPH_FONTS, NULL);

  scene->texts = grown (scene->texts, scene->n_texts, &scene->room_texts, LW_EVAL_TEXT_W);
  row = scene->texts[scene->n_texts++];
  memset (row, 0, LW_EVAL_TEXT_W * sizeof *row);
  row[0] = (float) x;
  row[1] = (float) y;
  row[2] = (float) scale;
  row[3] = (float) turn;
  memcpy (row + 4, rgb, 3 * sizeof *rgb);
  row[7] = (float) font;
  row[8] = (float) n;
  for (gsize i = 0; i < n; i++)
    row[9 + i] = (float) MAX (0, lw_eval_glyph_of (string[i]));
  return row;
}

double
lw_eval_text_width (const char *string, int font, double scale)
{
  double sum = 0;

  for (; *string; string++)
    sum += (double) lw_eval_glyph_advance[font * LW_EVAL_GLYPH_CHARS + MAX (0, lw_eval_glyph_of (*string))];
  return sum * scale;
}
