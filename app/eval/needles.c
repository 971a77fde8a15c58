/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/needles.h"

#include <math.h>
#include <string.h>

#include "app/eval/glyphs.h"

#define PI 3.14159265358979323846
#define NOISE 4
#define N_COLOURS LW_EVAL_CARDS_MAX
#define N_OPTIONS 4

static const char *const directions[] = { "up", "right", "down", "left", NULL };

/* ---- Haystack ---- */

void
lw_eval_hay_init (LwEvalHay *hay, LwEvalRandom *random, int width, int height)
{
  static const LwEvalShape kinds[] = { LW_EVAL_SQUARE, LW_EVAL_TRIANGLE, LW_EVAL_DIAMOND, LW_EVAL_CROSS,
                                       LW_EVAL_RING, LW_EVAL_HEART, LW_EVAL_MOON, LW_EVAL_RECTANGLE };
  double side = MIN (width, height);

  hay->width = width;
  hay->height = height;
  for (int i = 0; i < 3; i++)
    {
      hay->tone[i] = (float) lw_eval_uniform (random, 30, 240);
      hay->tone2[i] = (float) lw_eval_uniform (random, 30, 240);
    }
  hay->turn = lw_eval_uniform (random, 0, 2 * PI);
  hay->turning = lw_eval_uniform (random, -0.03, 0.03);
  hay->noise = lw_eval_random_next (random);
  for (int i = 0; i < LW_EVAL_HAY_SHAPES; i++)
    {
      LwEvalThing *t = &hay->shapes[i].thing;

      t->shape = kinds[lw_eval_random_below (random, G_N_ELEMENTS (kinds))];
      t->colour = lw_eval_random_below (random, LW_EVAL_N_COLOURS);
      lw_eval_colour_tone (random, t->colour, t->rgb);
      t->r = lw_eval_uniform (random, 0.07, 0.15) * side;
      t->x = lw_eval_uniform (random, t->r, width - t->r);
      t->y = lw_eval_uniform (random, t->r, height - t->r);
      t->turn = lw_eval_uniform (random, -0.5, 0.5);
      hay->shapes[i].dx = lw_eval_uniform (random, -0.025, 0.025) * side;
      hay->shapes[i].dy = lw_eval_uniform (random, -0.025, 0.025) * side;
    }
}

/* Between least and most, there and back. */
static double
reflected (double at, double least, double most)
{
  double way = most - least, period = 2 * way, along = at - least;

  along -= floor (along / period) * period;
  return least + (along < way ? along : period - along);
}

LwEvalScene *
lw_eval_hay_frame (const LwEvalHay *hay, gint64 frame)
{
  LwEvalScene *scene = lw_eval_scene_new (hay->width, hay->height);
  double turns = (hay->turn + hay->turning * (double) frame) / (2 * PI);

  lw_eval_scene_set_ground (scene, LW_EVAL_GROUND_GRADIENT, hay->tone, hay->tone2,
                            (turns - floor (turns)) * 2 * PI);
  lw_eval_scene_set_noise (scene, NOISE, hay->noise + (guint64) frame);
  for (int i = 0; i < LW_EVAL_HAY_SHAPES; i++)
    {
      LwEvalThing t = hay->shapes[i].thing;

      t.x = reflected (t.x + hay->shapes[i].dx * (double) frame, t.r, hay->width - t.r);
      t.y = reflected (t.y + hay->shapes[i].dy * (double) frame, t.r, hay->height - t.r);
      lw_eval_scene_add_thing (scene, &t);
    }
  return scene;
}

/* ---- Needles ---- */

void
lw_eval_needles_init (LwEvalNeedle *needles, guint n, LwEvalRandom *random, LwEvalWords *words, gboolean cards)
{
  guint kinds[LW_EVAL_N_NEEDLES], colours[LW_EVAL_N_NEEDLES][N_COLOURS], used[LW_EVAL_N_NEEDLES] = { 0 };
  guint next = lw_eval_random_below (random, LW_EVAL_N_NEEDLES - 1);

  g_return_if_fail (n >= 1 && n <= (guint) (cards ? LW_EVAL_CARDS_MAX : LW_EVAL_NEEDLES_MAX));
  for (guint k = 0; k < LW_EVAL_N_NEEDLES; k++)
    {
      kinds[k] = k;
      for (guint c = 0; c < N_COLOURS; c++)
        colours[k][c] = c; /* red to brown */
      lw_eval_random_shuffle (random, colours[k], N_COLOURS);
    }
  lw_eval_random_shuffle (random, kinds, LW_EVAL_N_NEEDLES);

  for (guint i = 0; i < n; i++)
    {
      LwEvalNeedle *needle = &needles[i];
      /* One of each, then cards, arrows and dots in turn: the star is the film's only one. */
      guint kind = cards                  ? LW_EVAL_NEEDLE_CARD
                   : i < LW_EVAL_N_NEEDLES ? kinds[i]
                                           : next++ % (LW_EVAL_N_NEEDLES - 1);

      *needle = (LwEvalNeedle){ .kind = kind, .colour = colours[kind][used[kind]++] };
      if (kind == LW_EVAL_NEEDLE_CARD)
        needle->number = lw_eval_words_number (words, 4);
      else if (kind == LW_EVAL_NEEDLE_ARROW)
        needle->value = (int) lw_eval_random_below (random, 4);
      else if (kind == LW_EVAL_NEEDLE_DOTS)
        needle->value = lw_eval_random_range (random, 1, 9);
    }
  for (guint i = 0; i < n; i++)
    needles[i].named = used[needles[i].kind] > 1;
}

static void
put_card (LwEvalScene *scene, const LwEvalNeedle *needle, const float tone[3], LwEvalRandom *random)
{
  double side = MIN (scene->width, scene->height), em = lw_eval_uniform (random, 0.22, 0.32) * side;
  double scale = em / LW_EVAL_GLYPH_EM, wide, x, y;
  int font = (int) lw_eval_random_below (random, LW_EVAL_GLYPH_FONTS);
  float ink[3];

  do
    lw_eval_colour_tone (random, lw_eval_random_below (random, LW_EVAL_N_COLOURS), ink);
  while (!lw_eval_tones_apart (ink, tone, 140));
  x = scene->width * 0.5 + lw_eval_uniform (random, -0.02, 0.02) * side;
  y = scene->height * 0.5 + lw_eval_uniform (random, -0.2, 0.2) * side;
  lw_eval_scene_add_shape (scene, LW_EVAL_RECTANGLE, x, y, 0.48 * side, 0, tone);
  wide = lw_eval_text_width (needle->number, font, scale);
  /* Digits stand on a line 26 or so of 28 pixels below the top, and are 20 high. */
  lw_eval_scene_add_text (scene, x - wide / 2, y - 17 * scale, scale, 0, ink, font, needle->number);
}

static void
put_dots (LwEvalScene *scene, const LwEvalNeedle *needle, const float tone[3], LwEvalRandom *random)
{
  double side = MIN (scene->width, scene->height), r = lw_eval_uniform (random, 0.06, 0.1) * side;
  LwEvalDrawing d = { .width = scene->width, .height = scene->height };

  while (d.n < needle->value)
    {
      double x = lw_eval_uniform (random, r + 2, d.width - r - 2),
             y = lw_eval_uniform (random, r + 2, d.height - r - 2);

      if (!lw_eval_drawing_free (&d, x, y, r, NULL))
        continue;
      d.things[d.n++] = (LwEvalThing){ .x = x, .y = y, .r = r };
      lw_eval_scene_add_shape (scene, LW_EVAL_CIRCLE, x, y, r, 0, tone);
    }
}

LwEvalScene *
lw_eval_needle_frame (const LwEvalNeedle *needle, const LwEvalHay *hay, LwEvalRandom *random)
{
  LwEvalScene *scene = lw_eval_scene_new (hay->width, hay->height);
  double side = MIN (hay->width, hay->height), r, x, y;
  float tone[3], ground[3];
  LwEvalColour colour;

  lw_eval_colour_tone (random, needle->colour, tone);
  do
    {
      colour = lw_eval_chance (random, 0.4) ? LW_EVAL_WHITE
                                            : lw_eval_random_below (random, LW_EVAL_N_COLOURS);
      lw_eval_colour_tone (random, colour, ground);
    }
  while (colour == needle->colour || !lw_eval_tones_apart (ground, tone, 100));
  lw_eval_scene_set_ground (scene, LW_EVAL_GROUND_SOLID, ground, ground, 0);

  r = lw_eval_uniform (random, 0.22, 0.4) * side;
  x = lw_eval_uniform (random, r, hay->width - r);
  y = lw_eval_uniform (random, r, hay->height - r);
  switch (needle->kind)
    {
    case LW_EVAL_NEEDLE_CARD:
      put_card (scene, needle, tone, random);
      break;
    case LW_EVAL_NEEDLE_ARROW:
      lw_eval_scene_add_shape (scene, LW_EVAL_ARROW, x, y, r,
                               needle->value * PI / 2 + lw_eval_uniform (random, -0.1, 0.1), tone);
      break;
    case LW_EVAL_NEEDLE_DOTS:
      put_dots (scene, needle, tone, random);
      break;
    case LW_EVAL_NEEDLE_STAR:
    default:
      lw_eval_scene_add_shape (scene, LW_EVAL_STAR, x, y, r, lw_eval_uniform (random, -0.2, 0.2), tone);
    }
  return scene;
}

void
lw_eval_needle_show (LwEvalScene *look, const LwEvalHay *hay, GPtrArray *scenes, guint at, gint64 frame)
{
  LwEvalScene *twin = lw_eval_scene_copy (look);

  lw_eval_scene_set_noise (look, NOISE, hay->noise + (guint64) frame);
  lw_eval_scene_set_noise (twin, NOISE, hay->noise + (guint64) frame + 1);
  scenes->pdata[at] = look;
  scenes->pdata[at + 1] = twin;
}

/* ---- Questions ---- */

/* "red " or nothing. */
static const char *
name_of (const LwEvalNeedle *needle, char out[16])
{
  if (needle->named)
    g_snprintf (out, 16, "%s ", lw_eval_colour_name (needle->colour));
  else
    out[0] = 0;
  return out;
}

static char *
question_of (const LwEvalNeedle *needle)
{
  char name[16];

  name_of (needle, name);
  switch (needle->kind)
    {
    case LW_EVAL_NEEDLE_CARD:
      return g_strdup_printf ("What number is on the %scard?", name);
    case LW_EVAL_NEEDLE_ARROW:
      return g_strdup_printf ("Which way does the %sarrow point?", name);
    case LW_EVAL_NEEDLE_DOTS:
      return g_strdup_printf ("How many %sdots are there?", name);
    case LW_EVAL_NEEDLE_STAR:
    default:
      return g_strdup ("What colour is the star?");
    }
}

static char *
answer_of (const LwEvalNeedle *needle)
{
  switch (needle->kind)
    {
    case LW_EVAL_NEEDLE_CARD:
      return g_strdup (needle->number);
    case LW_EVAL_NEEDLE_ARROW:
      return g_strdup (directions[needle->value]);
    case LW_EVAL_NEEDLE_DOTS:
      return g_strdup_printf ("%d", needle->value);
    case LW_EVAL_NEEDLE_STAR:
    default:
      return g_strdup (lw_eval_colour_name (needle->colour));
    }
}

static char *
reply_of (const LwEvalNeedle *needle)
{
  char name[16];

  name_of (needle, name);
  switch (needle->kind)
    {
    case LW_EVAL_NEEDLE_CARD:
      return g_strdup_printf ("It says \"%s\".", needle->number);
    case LW_EVAL_NEEDLE_ARROW:
      return g_strdup_printf ("The %sarrow points %s.", name, directions[needle->value]);
    case LW_EVAL_NEEDLE_DOTS:
      return needle->value == 1 ? g_strdup_printf ("There is 1 %sdot.", name)
                                : g_strdup_printf ("There are %d %sdots.", needle->value, name);
    case LW_EVAL_NEEDLE_STAR:
    default:
      return g_strdup_printf ("The star is %s.", lw_eval_colour_name (needle->colour));
    }
}

/* Something else that could be the answer. */
static char *
decoy_of (const LwEvalNeedle *needle, LwEvalRandom *random, gboolean hard)
{
  LwEvalNeedle other = *needle;
  char number[8];

  other.value = needle->kind == LW_EVAL_NEEDLE_DOTS ? lw_eval_random_range (random, 1, 9)
                                                    : (int) lw_eval_random_below (random, 4);
  other.colour = lw_eval_random_below (random, N_COLOURS);
  if (needle->kind == LW_EVAL_NEEDLE_CARD)
    {
      g_snprintf (number, sizeof number, "%d", lw_eval_random_range (random, 1000, 9999));
      if (hard)
        {
          guint at = lw_eval_random_below (random, 4);
          char digit = number[at == 0 ? 0 : 3];

          memcpy (number, needle->number, 4);
          number[at] = digit;
        }
      other.number = number;
    }
  return answer_of (&other);
}

static LwEvalTurn *
ask_choice (const LwEvalNeedle *needle, LwEvalSample *sample, const char *kind, LwEvalRandom *random,
            gboolean hard)
{
  g_autofree char *question = question_of (needle), *seen = NULL;
  char **options = g_new0 (char *, N_OPTIONS + 1);
  guint right = lw_eval_random_below (random, N_OPTIONS);
  char letter[] = { '(', (char) ('A' + right), ')', 0 };
  GString *text = g_string_new (question);
  LwEvalTurn *turn;

  options[0] = answer_of (needle);
  for (guint i = 1; i < N_OPTIONS;)
    {
      g_autofree char *decoy = decoy_of (needle, random, hard);

      if (!g_strv_contains ((const char *const *) options, decoy))
        options[i++] = g_steal_pointer (&decoy);
    }
  /* The right one changes places with the one that had its letter. */
  if (right > 0)
    {
      char *other = options[right];

      options[right] = options[0];
      options[0] = other;
    }
  for (guint i = 0; i < N_OPTIONS; i++)
    {
      char *option = g_strdup_printf ("(%c) %s", (char) ('A' + i), options[i]);

      g_free (options[i]);
      options[i] = option;
      g_string_append_printf (text, " %s", option);
    }
  g_string_append (text, " Reply with its letter.");
  /* The gold reply says what is seen first: a letter alone asks for looking, comparing and naming at once. */
  seen = reply_of (needle);
  seen[strlen (seen) - 1] = 0; /* the full stop */
  turn = lw_eval_ask (sample, kind, g_string_free (text, FALSE), g_strdup_printf ("%s: %s", seen, letter), letter,
                      LW_EVAL_SCORE_LETTER);
  turn->options = options;
  turn->cap = 24;
  return turn;
}

LwEvalTurn *
lw_eval_needle_ask (const LwEvalNeedle *needle, LwEvalSample *sample, LwEvalRandom *random, gboolean choice,
                    gboolean hard)
{
  static const char *const kinds[] = { "card", "arrow", "dots", "star" };
  g_autofree char *answer = NULL;
  LwEvalTurn *turn;

  if (choice)
    return ask_choice (needle, sample, kinds[needle->kind], random, hard);
  answer = answer_of (needle);
  turn = lw_eval_ask (sample, kinds[needle->kind], question_of (needle), reply_of (needle), answer,
                      needle->kind == LW_EVAL_NEEDLE_DOTS ? LW_EVAL_SCORE_INTEGER : LW_EVAL_SCORE_WORD);
  if (needle->kind == LW_EVAL_NEEDLE_STAR)
    lw_eval_turn_foreign_colours (turn, needle->colour);
  else if (needle->kind == LW_EVAL_NEEDLE_ARROW)
    lw_eval_turn_foreign (turn, directions, answer);
  return turn;
}
