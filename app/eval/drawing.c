/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/drawing.h"

#include <math.h>
#include <string.h>

#include "app/eval/words.h"

#define PI 3.14159265358979323846

/* ---- Colours ---- */

typedef struct {
  const char *name;
  float centre[3], stray[3];
  int n_pure;
  float pure[4][3];
} Palette;

static const Palette palette[LW_EVAL_N_COLOURS] = {
  { "red", { 216, 32, 32 }, { 34, 26, 26 }, 3, { { 255, 0, 0 }, { 220, 20, 60 }, { 200, 0, 0 } } },
  { "green", { 36, 156, 56 }, { 34, 44, 34 }, 4,
    { { 0, 128, 0 }, { 0, 200, 0 }, { 34, 139, 34 }, { 0, 255, 0 } } },
  { "blue", { 36, 74, 212 }, { 32, 40, 40 }, 4,
    { { 0, 0, 255 }, { 30, 60, 200 }, { 30, 100, 230 }, { 0, 0, 180 } } },
  { "yellow", { 245, 222, 44 }, { 12, 22, 40 }, 2, { { 255, 255, 0 }, { 255, 220, 0 } } },
  { "orange", { 246, 140, 24 }, { 10, 18, 22 }, 2, { { 255, 165, 0 }, { 255, 140, 0 } } },
  { "purple", { 130, 44, 166 }, { 26, 24, 36 }, 2, { { 128, 0, 128 }, { 150, 50, 200 } } },
  { "pink", { 250, 150, 190 }, { 8, 34, 24 }, 2, { { 255, 192, 203 }, { 255, 105, 180 } } },
  { "brown", { 122, 74, 34 }, { 22, 16, 16 }, 2, { { 139, 69, 19 }, { 150, 75, 0 } } },
  { "black", { 16, 16, 16 }, { 16, 16, 16 }, 1, { { 0, 0, 0 } } },
  { "white", { 248, 248, 248 }, { 7, 7, 7 }, 1, { { 255, 255, 255 } } },
  { "gray", { 134, 134, 134 }, { 26, 26, 26 }, 2, { { 128, 128, 128 }, { 150, 150, 150 } } },
};

static const struct {
  const char *one, *many;
} shapes[LW_EVAL_N_SHAPES] = {
  { "circle", "circles" }, { "square", "squares" }, { "triangle", "triangles" }, { "star", "stars" },
  { "diamond", "diamonds" }, { "cross", "crosses" }, { "ring", "rings" }, { "heart", "hearts" },
  { "moon", "moons" }, { "rectangle", "rectangles" }, { "arrow", "arrows" },
};

const char *
lw_eval_colour_name (LwEvalColour colour)
{
  return palette[colour].name;
}

const char *
lw_eval_shape_name (LwEvalShape shape)
{
  return shapes[shape].one;
}

const char *
lw_eval_shape_plural (LwEvalShape shape)
{
  return shapes[shape].many;
}

double
lw_eval_uniform (LwEvalRandom *random, double a, double b)
{
  return a + (b - a) * ((double) (lw_eval_random_next (random) >> 11) * 0x1p-53);
}

gboolean
lw_eval_chance (LwEvalRandom *random, double share)
{
  return lw_eval_uniform (random, 0, 1) < share;
}

void
lw_eval_colour_tone (LwEvalRandom *random, LwEvalColour colour, float rgb[3])
{
  const Palette *p = &palette[colour];

  if (lw_eval_chance (random, 0.4))
    {
      memcpy (rgb, p->pure[lw_eval_random_below (random, (guint32) p->n_pure)], sizeof p->pure[0]);
      return;
    }
  for (int i = 0; i < 3; i++)
    {
      double v = p->centre[i] + lw_eval_uniform (random, -p->stray[i], p->stray[i]);
      rgb[i] = (float) CLAMP (v, 0, 255);
    }
}

gboolean
lw_eval_tones_apart (const float a[3], const float b[3], double least)
{
  double r = (double) a[0] - b[0], g = (double) a[1] - b[1], u = (double) a[2] - b[2];

  return 0.9 * r * r + 1.2 * g * g + 0.9 * u * u > least * least;
}

/* ---- Words ---- */

char *
lw_eval_thing_noun (const LwEvalThing *thing)
{
  return g_strdup_printf ("%s %s", palette[thing->colour].name, shapes[thing->shape].one);
}

char *
lw_eval_with_article (const char *noun)
{
  return g_strconcat (strchr ("aeio", noun[0]) ? "an " : "a ", noun, NULL);
}

char *
lw_eval_many (int colour, int shape)
{
  return g_strconcat (colour == LW_EVAL_ANY ? "" : palette[colour].name, colour == LW_EVAL_ANY ? "" : " ",
                      shape == LW_EVAL_ANY ? "shapes" : shapes[shape].many, NULL);
}

char *
lw_eval_counted (int n, int colour, int shape)
{
  const char *tone = colour == LW_EVAL_ANY ? "" : palette[colour].name,
             *space = colour == LW_EVAL_ANY ? "" : " ";

  if (n == 1)
    return g_strdup_printf ("There is 1 %s%s%s", tone, space,
                            shape == LW_EVAL_ANY ? "shape" : shapes[shape].one);
  return g_strdup_printf ("There are %d %s%s%s", n, tone, space,
                          shape == LW_EVAL_ANY ? "shapes" : shapes[shape].many);
}

/* ---- Drawings ---- */

static void
choose_ground (LwEvalDrawing *d, LwEvalRandom *random)
{
  double k = lw_eval_uniform (random, 0, 1);

  d->ground = LW_EVAL_GROUND_SOLID;
  if (k < 0.5)
    {
      double v = lw_eval_chance (random, 0.6) ? 255 : lw_eval_uniform (random, 238, 255);

      d->ground_colour = LW_EVAL_WHITE;
      d->tone[0] = d->tone[1] = d->tone[2] = (float) v;
    }
  else if (k < 0.86)
    {
      d->ground_colour = (int) lw_eval_random_below (random, LW_EVAL_N_COLOURS);
      lw_eval_colour_tone (random, d->ground_colour, d->tone);
    }
  else
    {
      d->ground = LW_EVAL_GROUND_GRADIENT;
      d->ground_colour = LW_EVAL_ANY;
      for (int i = 0; i < 3; i++)
        {
          double to;

          d->tone[i] = (float) lw_eval_uniform (random, 120, 255);
          to = d->tone[i] + lw_eval_uniform (random, -60, 60);
          d->tone2[i] = (float) CLAMP (to, 0, 255);
        }
      d->turn = lw_eval_uniform (random, 0, 2 * PI);
      return;
    }
  memcpy (d->tone2, d->tone, sizeof d->tone);
}

void
lw_eval_drawing_start (LwEvalDrawing *d, LwEvalRandom *random, int width, int height)
{
  memset (d, 0, sizeof *d);
  d->width = width;
  d->height = height;
  choose_ground (d, random);
  d->softness = lw_eval_uniform (random, 0.6, 1.6);
  if (lw_eval_chance (random, 0.12))
    {
      d->border = (float) lw_eval_uniform (random, 1, 3.5);
      if (lw_eval_chance (random, 0.3))
        for (int i = 0; i < 3; i++)
          d->border_rgb[i] = (float) lw_eval_uniform (random, 0, 255);
    }
}

static double
turn_of (LwEvalRandom *random, LwEvalShape shape)
{
  double t = lw_eval_chance (random, 0.5) ? lw_eval_uniform (random, -0.2, 0.2) : 0;

  if (shape == LW_EVAL_RECTANGLE && lw_eval_chance (random, 0.5))
    t += PI / 2;
  else if (shape == LW_EVAL_TRIANGLE && lw_eval_chance (random, 0.15))
    t += PI;
  else if (shape == LW_EVAL_MOON && lw_eval_chance (random, 0.5))
    t += PI;
  return t;
}

gboolean
lw_eval_drawing_free (const LwEvalDrawing *d, double x, double y, double r, const LwEvalThing *except)
{
  for (int i = 0; i < d->n; i++)
    {
      const LwEvalThing *o = &d->things[i];
      double dx = x - o->x, dy = y - o->y, least = (r + o->r) * 1.03 + 2;

      if (o != except && dx * dx + dy * dy < least * least)
        return FALSE;
    }
  return TRUE;
}

gboolean
lw_eval_drawing_put (LwEvalDrawing *d, LwEvalRandom *random, int shape, int colour, double least, double most)
{
  g_return_val_if_fail (d->n < LW_EVAL_THINGS_MAX, FALSE);

  for (int tries = 0; tries < 60; tries++)
    {
      LwEvalThing t = { 0 };

      t.r = lw_eval_uniform (random, least, MAX (least, most));
      t.x = lw_eval_uniform (random, t.r + 1, d->width - t.r - 1);
      t.y = lw_eval_uniform (random, t.r + 1, d->height - t.r - 1);
      if (t.x < t.r || t.y < t.r || !lw_eval_drawing_free (d, t.x, t.y, t.r, NULL))
        continue;
      t.shape = shape != LW_EVAL_ANY ? (LwEvalShape) shape
                                     : lw_eval_random_below (random, LW_EVAL_N_PLAIN_SHAPES);
      t.colour = colour != LW_EVAL_ANY ? (LwEvalColour) colour
                                       : lw_eval_random_below (random, LW_EVAL_N_COLOURS);
      if ((int) t.colour == d->ground_colour)
        continue;
      lw_eval_colour_tone (random, t.colour, t.rgb);
      if (!lw_eval_tones_apart (t.rgb, d->tone, 88) || !lw_eval_tones_apart (t.rgb, d->tone2, 88))
        continue;
      t.turn = turn_of (random, t.shape);
      d->things[d->n++] = t;
      return TRUE;
    }
  return FALSE;
}

int
lw_eval_drawing_count (const LwEvalDrawing *d, int colour, int shape, const LwEvalThing **first)
{
  int n = 0;

  for (int i = 0; i < d->n; i++)
    {
      const LwEvalThing *t = &d->things[i];

      if ((colour != LW_EVAL_ANY && (int) t->colour != colour) ||
          (shape != LW_EVAL_ANY && (int) t->shape != shape))
        continue;
      if (n++ == 0 && first != NULL)
        *first = t;
    }
  return n;
}

const char *
lw_eval_drawing_place (const LwEvalDrawing *d, const LwEvalThing *t, gboolean *clear)
{
  static const char *const places[3][3] = {
    { "in the top left", "at the top", "in the top right" },
    { "on the left", "in the centre", "on the right" },
    { "in the bottom left", "at the bottom", "in the bottom right" },
  };
  double x = t->x / d->width * 3, y = t->y / d->height * 3;

  *clear = fabs (x - 1) > 0.09 && fabs (x - 2) > 0.09 && fabs (y - 1) > 0.09 && fabs (y - 2) > 0.09;
  return places[CLAMP ((int) y, 0, 2)][CLAMP ((int) x, 0, 2)];
}

static int
by_noun (gconstpointer a, gconstpointer b)
{
  return *(const int *) a - *(const int *) b;
}

gboolean
lw_eval_drawing_on_side (const LwEvalDrawing *d, const char *key, LwEvalSide side)
{
  g_autoptr (GString) text = g_string_new (key);
  int nouns[LW_EVAL_THINGS_MAX];

  for (int i = 0; i < d->n; i++)
    nouns[i] = (int) d->things[i].colour * LW_EVAL_N_SHAPES + (int) d->things[i].shape;
  qsort (nouns, (gsize) d->n, sizeof *nouns, by_noun);
  for (int i = 0; i < d->n; i++)
    g_string_append_printf (text, "|%d", nouns[i]);
  /* The same division as that of words. */
  return (lw_eval_hash (text->str, text->len) % 8 == 3) == (side == LW_EVAL_SIDE_MEASURE);
}

float *
lw_eval_scene_add_thing (LwEvalScene *scene, const LwEvalThing *t)
{
  return lw_eval_scene_add_shape (scene, t->shape, t->x, t->y, t->r, t->turn, t->rgb);
}

LwEvalScene *
lw_eval_drawing_sheet (const LwEvalDrawing *d)
{
  LwEvalScene *scene = lw_eval_scene_new (d->width, d->height);

  lw_eval_scene_set_ground (scene, d->ground, d->tone, d->tone2, d->turn);
  scene->ground[9] = (float) d->softness;
  return scene;
}

LwEvalScene *
lw_eval_drawing_scene (const LwEvalDrawing *d, LwEvalRandom *random)
{
  LwEvalScene *scene = lw_eval_drawing_sheet (d);

  if (lw_eval_chance (random, 0.5))
    lw_eval_scene_set_noise (scene, 4, lw_eval_random_next (random));
  for (int i = 0; i < d->n; i++)
    {
      float *row = lw_eval_scene_add_thing (scene, &d->things[i]);

      row[8] = d->border;
      memcpy (row + 9, d->border_rgb, sizeof d->border_rgb);
    }
  return scene;
}

/* ---- Options ---- */

/* "8x6"; FALSE when it is something else. */
static gboolean
parse_size (const char *variant, int *across, int *down)
{
  char *end;
  guint64 a, b;

  if (!g_ascii_isdigit (variant[0]))
    return FALSE;
  a = g_ascii_strtoull (variant, &end, 10);
  if (end[0] != 'x' || !g_ascii_isdigit (end[1]))
    return FALSE;
  b = g_ascii_strtoull (end + 1, &end, 10);
  if (end[0] != 0)
    return FALSE;
  *across = (int) MIN (a, G_MAXINT);
  *down = (int) MIN (b, G_MAXINT);
  return TRUE;
}

gboolean
lw_eval_picture_options (const char *task, int units, const LwEvalOptions *options, gboolean film,
                         LwEvalRandom *random, int *across, int *down, int *fixed_depth, GError **error)
{
  static const double proportions[] = { 1, 1, 4.0 / 3, 3.0 / 4, 3.0 / 2, 2.0 / 3 };
  const int most = LW_EVAL_SCENE_SIDE_MAX / LW_EVAL_CELL;
  LwEvalOptions rest = *options;
  double proportion;

  *across = *down = 8;
  if (options->variant != NULL && parse_size (options->variant, across, down))
    {
      if (*across < LW_EVAL_CELLS_LEAST || *across > most || *down < LW_EVAL_CELLS_LEAST || *down > most)
        {
          g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_OPTION,
                       "%s: pictures of %s cells; %d to %d a side can be made", task, options->variant,
                       LW_EVAL_CELLS_LEAST, most);
          return FALSE;
        }
      rest.variant = NULL;
      return lw_eval_options_check (task, units, &rest, NULL, fixed_depth, error);
    }
  if (!lw_eval_options_check (task, units, options, NULL, fixed_depth, error))
    return FALSE;
  if (film)
    return TRUE;
  if (units > most * most / 2)
    {
      g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_OPTION,
                   "%s: a picture of %d cells; up to %d can be made", task, units, most * most / 2);
      return FALSE;
    }

  units = MAX (units, LW_EVAL_CELLS_LEAST * LW_EVAL_CELLS_LEAST);
  proportion = proportions[lw_eval_random_below (random, G_N_ELEMENTS (proportions))];
  *across = (int) (sqrt (units * proportion) + 0.5);
  *down = *across > 0 ? units / *across : 0;
  if (*across < LW_EVAL_CELLS_LEAST || *down < LW_EVAL_CELLS_LEAST)
    {
      *across = (int) sqrt (units);
      *down = units / *across;
    }
  return TRUE;
}
