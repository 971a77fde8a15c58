/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/paint.h"

#include <math.h>
#include <string.h>

#include "app/eval/glyphs.h"
#include "app/eval/turn.h"
#include "engine/base/alloc.h"

#define CELL LW_EVAL_GLYPH_CELL
/* Below this scale letters are taken from cells at half the resolution: fewer steps between pixels. */
#define SMALL_SCALE 0.62f
#define STAR_IN 0.42f
#define COS36 0.80901699437494742f
#define SIN36 0.58778525229247313f
#define COS72 0.30901699437494742f
#define SIN72 0.95105651629515357f

/* ---- Shapes: signed distances, radius 1, negative inside ---- */

static float
star (float u, float v)
{
  /* The tip that the point is nearest to, turned to the right: p along it, q across. */
  static const float tips[5][2] = {
    { 1, 0 }, { COS72, SIN72 }, { -COS36, SIN36 }, { -COS36, -SIN36 }, { COS72, -SIN72 },
  };
  const float ex = STAR_IN * COS36 - 1.0f, ey = STAR_IN * SIN36;
  float p = -v, q = u;

  for (int i = 1; i < 5; i++)
    {
      float along = -v * tips[i][0] + u * tips[i][1];
      if (along > p)
        {
          p = along;
          q = u * tips[i][0] + v * tips[i][1];
        }
    }
  return ((p - 1.0f) * ey - fabsf (q) * ex) / sqrtf (ex * ex + ey * ey);
}

static float
heart (float u, float v)
{
  float a = (u - (v - 0.12f)) * 0.70710678f, b = (u + (v - 0.12f)) * 0.70710678f;
  float body = MAX (fabsf (a), fabsf (b)) - 0.56f;
  float lobe1 = sqrtf (a * a + (b + 0.56f) * (b + 0.56f)) - 0.56f;
  float lobe2 = sqrtf ((a - 0.56f) * (a - 0.56f) + b * b) - 0.56f;

  return MIN (body, MIN (lobe1, lobe2));
}

static float
arrow (float au, float v)
{
  float shaft = MAX (au - 0.22f, fabsf (v - 0.35f) - 0.6f);
  float head = MAX (v - 0.05f, 0.8f * au - 0.6f * (v + 0.95f));

  return MIN (shaft, head);
}

static inline float
distance (LwEvalShape kind, float u, float v)
{
  float au = fabsf (u), av = fabsf (v);

  switch (kind)
    {
    case LW_EVAL_SQUARE:
      return MAX (au, av) - 0.8f;
    case LW_EVAL_TRIANGLE:
      return MAX (v - 0.55f, 0.8660254f * au - 0.5f * v - 0.55f * 0.9f);
    case LW_EVAL_STAR:
      return star (u, v);
    case LW_EVAL_DIAMOND:
      return (au * 1.45f + av - 1.0f) / 1.76f;
    case LW_EVAL_CROSS:
      return MIN (MAX (au - 0.95f, av - 0.31f), MAX (av - 0.95f, au - 0.31f));
    case LW_EVAL_RING:
      return fabsf (sqrtf (u * u + v * v) - 0.71f) - 0.23f;
    case LW_EVAL_HEART:
      return heart (u, v);
    case LW_EVAL_MOON:
      return MAX (sqrtf (u * u + v * v) - 0.95f, 0.78f - sqrtf ((u - 0.45f) * (u - 0.45f) + v * v));
    case LW_EVAL_RECTANGLE:
      return MAX (au - 0.95f, av - 0.5f);
    case LW_EVAL_ARROW:
      return arrow (au, v);
    case LW_EVAL_CIRCLE:
    default:
      return sqrtf (u * u + v * v) - 0.92f;
    }
}

static inline float
unit (float a)
{
  return a < 0 ? 0 : a > 1 ? 1 : a;
}

/* Pixels [*x0, *x1) of a row that reach from a to b. */
static gboolean
span (double a, double b, int width, int *x0, int *x1)
{
  *x0 = (int) CLAMP (floor (a), 0, width);
  *x1 = (int) CLAMP (ceil (b), 0, width);
  return *x0 < *x1;
}

typedef struct {
  const float *row;
  LwEvalShape kind;
  float c, n, r;
  double reach; /* nothing is drawn farther from the centre */
} Shape;

static Shape
shape_of (const float *row, float soft)
{
  Shape s = { row, (LwEvalShape) row[0], (float) lw_eval_cos (row[4]), (float) lw_eval_sin (row[4]),
              MAX (row[3], 0.5f), 0 };

  /* Corners are at most at 1.14 radii; the edge of a sharp one fades farther out than it is soft. */
  s.reach = 1.2 * s.r + 2.0 * soft + 1.0;
  return s;
}

static void
blend_shape (float *line, int y, int width, const Shape *s, float soft)
{
  const float *row = s->row;
  float dy = (float) y + 0.5f - row[2];
  int x0, x1;

  if (fabsf (dy) > s->reach || row[12] <= 0 || !span (row[1] - s->reach, row[1] + s->reach, width, &x0, &x1))
    return;
  for (int x = x0; x < x1; x++)
    {
      float dx = (float) x + 0.5f - row[1];
      float d = distance (s->kind, (dx * s->c + dy * s->n) / s->r, (dy * s->c - dx * s->n) / s->r) * s->r;
      float a = unit (0.5f - d / soft) * row[12];
      float fill = row[8] > 0 ? unit (0.5f - (d + row[8]) / soft) : 1.0f;

      if (a > 0)
        for (int i = 0; i < 3; i++)
          {
            float to = row[5 + i] * fill + row[9 + i] * (1 - fill);
            line[3 * x + i] += (to - line[3 * x + i]) * a;
          }
    }
}

/* ---- Letters ---- */

typedef struct {
  const float *row;
  int n;
  float c, s, scale;
  float start[LW_EVAL_TEXT_MAX + 1]; /* the pen before each letter; the last one after all */
  double left, right, top, bottom;   /* what it can touch, pixels */
  float (*cells)[CELL * CELL];       /* [n] 0 to 1 */
} Text;

static void
unpack (float *cell, int glyph, gboolean small)
{
  const unsigned char *packed = lw_eval_glyph_cells + (gsize) glyph * LW_EVAL_GLYPH_BYTES;
  float half[CELL / 2][CELL / 2];

  for (int i = 0; i < LW_EVAL_GLYPH_BYTES; i++)
    {
      cell[2 * i] = (float) (packed[i] & 15) / 15.0f;
      cell[2 * i + 1] = (float) (packed[i] >> 4) / 15.0f;
    }
  if (!small)
    return;
  for (int y = 0; y < CELL / 2; y++)
    for (int x = 0; x < CELL / 2; x++)
      {
        const float *p = cell + 2 * y * CELL + 2 * x;
        half[y][x] = (p[0] + p[1] + p[CELL] + p[CELL + 1]) / 4;
      }
  /* Twice as large again, linearly: each pixel lies a quarter from its own half and its neighbour's. */
  for (int y = 0; y < CELL; y++)
    for (int x = 0; x < CELL; x++)
      {
        int hy = y / 2, hx = x / 2;
        int ny = CLAMP (y & 1 ? hy + 1 : hy - 1, 0, CELL / 2 - 1);
        int nx = CLAMP (x & 1 ? hx + 1 : hx - 1, 0, CELL / 2 - 1);

        cell[y * CELL + x] = 0.75f * (0.75f * half[hy][hx] + 0.25f * half[hy][nx]) +
                             0.25f * (0.75f * half[ny][hx] + 0.25f * half[ny][nx]);
      }
}

static void
text_init (Text *t, const float *row)
{
  int font = (int) row[7];
  float wide;

  t->row = row;
  t->n = (int) row[8];
  t->c = (float) lw_eval_cos (row[3]);
  t->s = (float) lw_eval_sin (row[3]);
  t->scale = MAX (row[2], 0.05f);
  t->cells = g_malloc_n ((gsize) t->n, sizeof *t->cells);
  t->start[0] = 0;
  for (int i = 0; i < t->n; i++)
    {
      int glyph = font * LW_EVAL_GLYPH_CHARS + (int) row[9 + i];

      t->start[i + 1] = t->start[i] + lw_eval_glyph_advance[glyph];
      unpack (t->cells[i], glyph, t->scale < SMALL_SCALE);
    }

  wide = t->start[t->n];
  t->left = t->top = G_MAXDOUBLE;
  t->right = t->bottom = -G_MAXDOUBLE;
  for (int i = 0; i < 4; i++)
    {
      double u = i & 1 ? wide + 2 : -2, v = i & 2 ? CELL - 1 : 0;
      double x = row[0] + (u * t->c - v * t->s) * t->scale, y = row[1] + (v * t->c + u * t->s) * t->scale;

      t->left = MIN (t->left, x - 1);
      t->right = MAX (t->right, x + 1);
      t->top = MIN (t->top, y - 1);
      t->bottom = MAX (t->bottom, y + 1);
    }
}

static void
blend_text (float *line, int y, int width, const Text *t)
{
  const float last = CELL - 1.001f;
  float dy = ((float) y + 0.5f - t->row[1]) / t->scale;
  int x0, x1;

  if (t->n == 0 || y < t->top || y > t->bottom || !span (t->left, t->right, width, &x0, &x1))
    return;
  for (int x = x0; x < x1; x++)
    {
      float dx = ((float) x + 0.5f - t->row[0]) / t->scale;
      float u = dx * t->c + dy * t->s, v = dy * t->c - dx * t->s;
      float gu, gv, fu, fv, a;
      const float *p;
      int k = 0;

      if (!(u >= -2 && u < t->start[t->n] + 2 && v >= 0 && v < CELL - 1))
        continue;
      while (k + 1 < t->n && u >= t->start[k + 1])
        k++;
      gu = CLAMP (u - t->start[k] + LW_EVAL_GLYPH_PEN - 0.5f, 0, last);
      gv = CLAMP (v - 0.5f, 0, last);
      fu = gu - (float) (int) gu;
      fv = gv - (float) (int) gv;
      p = t->cells[k] + (int) gv * CELL + (int) gu;
      a = (p[0] * (1 - fu) + p[1] * fu) * (1 - fv) + (p[CELL] * (1 - fu) + p[CELL + 1] * fu) * fv;
      if (a > 0)
        for (int i = 0; i < 3; i++)
          line[3 * x + i] += (t->row[4 + i] - line[3 * x + i]) * a;
    }
}

/* ---- Ground, noise, all ---- */

static void
paint_ground (float *line, int y, const LwEvalScene *scene, float c, float n)
{
  const float *g = scene->ground;
  float fy = ((float) y + 0.5f) / (float) scene->height - 0.5f;

  for (int x = 0; x < scene->width; x++)
    {
      float fx = ((float) x + 0.5f) / (float) scene->width - 0.5f;
      float m = g[0] == LW_EVAL_GROUND_GRADIENT ? unit (0.5f + (fx * c + fy * n) * 0.72f) : 0;

      for (int i = 0; i < 3; i++)
        line[3 * x + i] = g[1 + i] * (1 - m) + g[4 + i] * m;
    }
}

/* SplitMix64's step, a byte of it for each channel. */
static guint64
next_noise (guint64 *state)
{
  guint64 z = *state += G_GUINT64_CONSTANT (0x9E3779B97F4A7C15);

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static void
finish (const float *line, guint8 *out, int n, int noise, guint64 *state)
{
  guint64 bits = 0;

  for (int i = 0; i < n; i++)
    {
      int v = (int) (line[i] + 0.5f);

      if (noise > 0)
        {
          if (i % 8 == 0)
            bits = next_noise (state);
          v += (int) ((bits & 255) * (guint) (2 * noise + 1) >> 8) - noise;
          bits >>= 8;
        }
      out[i] = (guint8) CLAMP (v, 0, 255);
    }
}

void
lw_eval_paint (const LwEvalScene *scene, guint8 *rgb)
{
  g_autofree float *line = g_new (float, 3 * (gsize) scene->width);
  g_autofree Shape *shapes = g_new (Shape, scene->n_shapes);
  g_autofree Text *texts = g_new (Text, scene->n_texts);
  float c = (float) lw_eval_cos (scene->ground[7]), n = (float) lw_eval_sin (scene->ground[7]);
  float soft = scene->ground[9];
  guint64 state = scene->noise_seed;

  for (int i = 0; i < scene->n_shapes; i++)
    shapes[i] = shape_of (scene->shapes[i], soft);
  for (int i = 0; i < scene->n_texts; i++)
    text_init (&texts[i], scene->texts[i]);

  for (int y = 0; y < scene->height; y++)
    {
      paint_ground (line, y, scene, c, n);
      for (int i = 0; i < scene->n_shapes; i++)
        blend_shape (line, y, scene->width, &shapes[i], soft);
      for (int i = 0; i < scene->n_texts; i++)
        blend_text (line, y, scene->width, &texts[i]);
      finish (line, rgb + (gsize) y * (gsize) scene->width * 3, 3 * scene->width, scene->noise, &state);
    }

  for (int i = 0; i < scene->n_texts; i++)
    g_free (texts[i].cells);
}

guint8 *
lw_eval_paint_new (const LwEvalScene *scene, GError **error)
{
  gsize bytes = (gsize) scene->width * (gsize) scene->height * 3;
  g_autofree char *what = g_strdup_printf ("a picture of %d x %d", scene->width, scene->height);
  guint8 *rgb = lw_alloc_try (bytes, what, error);

  if (rgb)
    lw_eval_paint (scene, rgb);
  return rgb;
}
