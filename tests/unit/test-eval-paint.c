/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/paint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/eval/glyphs.h"
#include "app/eval/turn.h"
#include "engine/base/alloc.h"
#include "vision/lw-vision.h"

static double
number (char **at)
{
  char *end;
  double v = g_ascii_strtod (*at, &end);

  g_assert_true (end != *at);
  *at = end;
  return v;
}

static LwEvalScene *
read_scene (char **at)
{
  int w = (int) number (at), h = (int) number (at), n_shapes = (int) number (at), n_texts = (int) number (at);
  LwEvalScene *scene = lw_eval_scene_new (w, h);
  const float black[3] = { 0 };

  for (int i = 0; i < LW_EVAL_GROUND_W; i++)
    scene->ground[i] = (float) number (at);
  for (int k = 0; k < n_shapes; k++)
    {
      float *row = lw_eval_scene_add_shape (scene, LW_EVAL_CIRCLE, 0, 0, 1, 0, black);
      for (int i = 0; i < LW_EVAL_SHAPE_W; i++)
        row[i] = (float) number (at);
    }
  for (int k = 0; k < n_texts; k++)
    {
      float *row = lw_eval_scene_add_text (scene, 0, 0, 1, 0, black, 0, "a");
      for (int i = 0; i < LW_EVAL_TEXT_W; i++)
        row[i] = (float) number (at);
    }
  return scene;
}

/* Pictures that draw.py made: paint/make.py. */
static void
test_like_training (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "paint", "scenes.txt", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gboolean kinds[LW_EVAL_N_SHAPES] = { FALSE }, fonts[LW_EVAL_GLYPH_FONTS] = { FALSE };
  gint64 off = 0, all = 0;
  int n = 0;
  char *at;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  for (at = g_strchug (text); *at; g_strchug (at), n++)
    {
      g_autoptr (LwEvalScene) scene = read_scene (&at);
      g_autofree char *name = g_strdup_printf ("%02d.png", n);
      g_autofree char *file = g_test_build_filename (G_TEST_DIST, "paint", name, NULL);
      guint8 *rgb = lw_eval_paint_new (scene, &error);
      lw_vis_image want = { 0 };

      g_assert_no_error (error);
      lw_vis_image_load (file, &want, &error);
      g_assert_no_error (error);
      g_assert_cmpint (want.width, ==, scene->width);
      g_assert_cmpint (want.height, ==, scene->height);
      for (int i = 0; i < want.width * want.height * 3; i++, all++)
        {
          int d = abs (rgb[i] - want.rgb[i]);

          off += d > 0;
          if (d > 2)
            g_error ("%s: channel %d of pixel (%d, %d) is %d, not %d", name, i % 3, i / 3 % want.width,
                     i / 3 / want.width, rgb[i], want.rgb[i]);
        }
      for (int i = 0; i < scene->n_shapes; i++)
        kinds[(int) scene->shapes[i][0]] = TRUE;
      for (int i = 0; i < scene->n_texts; i++)
        fonts[(int) scene->texts[i][7]] = TRUE;
      lw_vis_image_clear (&want);
      lw_free (rgb);
    }
  g_test_message ("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bytes differ, by 2 at most, in %d pictures",
                  off, all, n);
  g_assert_cmpint (n, ==, 34);
  /* Rounding decides a byte here and there, not more. */
  g_assert_cmpint (off, <, all / 1000);
  for (int i = 0; i < LW_EVAL_N_SHAPES; i++)
    g_assert_true (kinds[i]);
  for (int i = 0; i < LW_EVAL_GLYPH_FONTS; i++)
    g_assert_true (fonts[i]);
}

static void
test_turn (void)
{
  for (int i = -1000; i <= 1000; i++)
    {
      double a = i * 0.01234;

      g_assert_cmpfloat_with_epsilon (lw_eval_sin (a), sin (a), 1e-12);
      g_assert_cmpfloat_with_epsilon (lw_eval_cos (a), cos (a), 1e-12);
    }
}

static void
test_noise (void)
{
  const float grey[3] = { 128, 128, 128 }, light[3] = { 253, 253, 253 };
  g_autoptr (LwEvalScene) scene = lw_eval_scene_new (64, 50);
  guint8 a[64 * 50 * 3], b[64 * 50 * 3];
  int seen[9] = { 0 };
  double square = 0;

  lw_eval_scene_set_ground (scene, LW_EVAL_GROUND_SOLID, grey, grey, 0);
  lw_eval_scene_set_noise (scene, 4, 77);
  lw_eval_paint (scene, a);
  lw_eval_paint (scene, b);
  g_assert_cmpmem (a, sizeof a, b, sizeof b);
  for (gsize i = 0; i < sizeof a; i++)
    {
      int d = a[i] - 128;

      g_assert_cmpint (abs (d), <=, 4);
      seen[d + 4]++;
      square += d * d;
    }
  /* Each of the nine values about as often, which gives the deviation that the row tells a device. */
  for (int i = 0; i < 9; i++)
    g_assert_cmpint (ABS (seen[i] - (int) sizeof a / 9), <, 150);
  g_assert_cmpfloat_with_epsilon (sqrt (square / sizeof a), scene->ground[8], 0.05);

  lw_eval_scene_set_noise (scene, 4, 78);
  lw_eval_paint (scene, b);
  g_assert_cmpint (memcmp (a, b, sizeof a), !=, 0);

  /* Near white it is cut, not wrapped. */
  lw_eval_scene_set_ground (scene, LW_EVAL_GROUND_SOLID, light, light, 0);
  lw_eval_paint (scene, b);
  for (gsize i = 0; i < sizeof b; i++)
    g_assert_cmpint (b[i], >=, 249);
}

/* Shapes and texts that lie outside, or partly, are cut at the edge. */
static void
test_outside (void)
{
  const float red[3] = { 255, 0, 0 };
  g_autoptr (LwEvalScene) scene = lw_eval_scene_new (20, 10);
  g_autoptr (GError) error = NULL;
  guint8 *rgb, blank[20 * 10 * 3];

  memset (blank, 255, sizeof blank);
  lw_eval_scene_add_shape (scene, LW_EVAL_STAR, -1e9, 3, 5, 1, red);
  lw_eval_scene_add_shape (scene, LW_EVAL_CIRCLE, 10, 500, 40, 0, red);
  lw_eval_scene_add_text (scene, 1e6, -1e6, 1, 0.1, red, 15, "Abc123xyzABC");
  rgb = lw_eval_paint_new (scene, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (rgb, sizeof blank, blank, sizeof blank);
  lw_free (rgb);

  lw_eval_scene_add_shape (scene, LW_EVAL_CIRCLE, 20, 0, 5, 0, red);
  rgb = lw_eval_paint_new (scene, &error);
  g_assert_cmpint (rgb[19 * 3 + 1], ==, 0);
  g_assert_cmpint (rgb[10 * 3 + 1], ==, 255);
  lw_free (rgb);

  lw_alloc_fail_at (0);
  rgb = lw_eval_paint_new (scene, &error);
  g_assert_null (rgb);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "20 x 10"));
}

static void
test_copy (void)
{
  const float red[3] = { 255, 0, 0 }, blue[3] = { 0, 0, 255 };
  g_autoptr (LwEvalScene) scene = lw_eval_scene_new (30, 20), copy = NULL;

  lw_eval_scene_add_shape (scene, LW_EVAL_SQUARE, 5, 5, 4, 0, red);
  lw_eval_scene_add_text (scene, 1, 1, 0.5, 0, red, 3, "Hi");
  copy = lw_eval_scene_copy (scene);
  for (int i = 0; i < 40; i++)
    lw_eval_scene_add_shape (copy, LW_EVAL_CIRCLE, i, 5, 4, 0, blue);
  g_assert_cmpint (scene->n_shapes, ==, 1);
  g_assert_cmpint (copy->n_shapes, ==, 41);
  g_assert_cmpfloat (copy->shapes[0][0], ==, LW_EVAL_SQUARE);
  g_assert_cmpfloat (copy->shapes[40][1], ==, 39);
  g_assert_cmpmem (scene->texts, sizeof *scene->texts, copy->texts, sizeof *copy->texts);
  /* Widths of DejaVu Sans Mono are all the same. */
  g_assert_cmpfloat_with_epsilon (lw_eval_text_width ("Hi", 2, 2), 4 * lw_eval_text_width ("W", 2, 1), 1e-9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/eval/paint/like-training", test_like_training);
  g_test_add_func ("/eval/paint/turn", test_turn);
  g_test_add_func ("/eval/paint/noise", test_noise);
  g_test_add_func ("/eval/paint/outside", test_outside);
  g_test_add_func ("/eval/paint/copy", test_copy);
  return g_test_run ();
}
