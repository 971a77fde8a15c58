/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures and films of the evaluation: what the questions say is true of the rows that are painted,
 * needles are where they are said to be and nowhere else, and the same seed paints the same bytes.
 */
#include <json-glib/json-glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/eval/drawing.h"
#include "app/eval/glyphs.h"
#include "app/eval/needles.h"
#include "app/eval/paint.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/visual.h"
#include "app/eval/words.h"
#include "engine/base/alloc.h"

static LwEvalSample *
make (const char *task, guint64 seed, LwEvalSide side, int units, int turns, gboolean hard,
      const char *variant)
{
  LwEvalOptions options = { turns, hard, variant };
  GError *error = NULL;
  LwEvalSample *sample = lw_eval_task_find (task)->make (seed, side, units, &options, &error);

  g_assert_no_error (error);
  g_assert_nonnull (sample);
  return sample;
}

static LwEvalTurn *
turn_of (const LwEvalSample *sample, guint i)
{
  return sample->turns->pdata[i];
}

static const LwEvalScene *
frame_of (const LwEvalSample *sample, int part, gint64 frame)
{
  const LwEvalPart *p = sample->parts->pdata[part];

  g_assert_cmpint (frame, >=, 0);
  g_assert_cmpint (frame, <, p->scenes->len);
  return p->scenes->pdata[frame];
}

static int
kind_of (const LwEvalScene *scene, int i)
{
  return (int) scene->shapes[i][0];
}

static int
count_kind (const LwEvalScene *scene, int kind)
{
  int n = 0;

  for (int i = 0; i < scene->n_shapes; i++)
    n += kind == LW_EVAL_ANY || kind_of (scene, i) == kind;
  return n;
}

static char *
text_of (const LwEvalScene *scene, int i)
{
  static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  GString *out = g_string_new (NULL);

  for (int k = 0; k < (int) scene->texts[i][8]; k++)
    g_string_append_c (out, chars[(int) scene->texts[i][9 + k]]);
  return g_string_free (out, FALSE);
}

/* The colour whose middle is nearest: not always the right name, nearly always. */
static const char *
nearest_colour (const float *rgb)
{
  static const struct {
    const char *name;
    float rgb[3];
  } middles[] = {
    { "red", { 216, 25, 38 } },    { "green", { 30, 150, 45 } },   { "blue", { 30, 70, 215 } },
    { "yellow", { 248, 226, 30 } }, { "orange", { 248, 146, 14 } }, { "purple", { 134, 36, 166 } },
    { "pink", { 252, 150, 190 } }, { "brown", { 132, 73, 25 } },   { "black", { 12, 12, 12 } },
    { "white", { 250, 250, 250 } }, { "gray", { 136, 136, 136 } },
  };
  const char *best = NULL;
  double least = G_MAXDOUBLE;

  for (guint i = 0; i < G_N_ELEMENTS (middles); i++)
    {
      double d = 0;

      for (int k = 0; k < 3; k++)
        d += ((double) rgb[k] - middles[i].rgb[k]) * ((double) rgb[k] - middles[i].rgb[k]);
      if (d < least)
        {
          least = d;
          best = middles[i].name;
        }
    }
  return best;
}

/* Share of colours that the nearest middle names right; kept over a test. */
typedef struct {
  int right, all;
} Tally;

static void
tally (Tally *t, gboolean right)
{
  t->right += right;
  t->all++;
}

static int
shape_named (const char *name)
{
  for (int i = 0; i < LW_EVAL_N_SHAPES; i++)
    if (strcmp (lw_eval_shape_name (i), name) == 0 || strcmp (lw_eval_shape_plural (i), name) == 0)
      return i;
  return LW_EVAL_ANY;
}

static const char *
last_word (const char *text)
{
  const char *space = strrchr (text, ' ');

  return space ? space + 1 : text;
}

/* What a reply is worth, as sample.h says of each score. */
static gboolean
is_right (const LwEvalTurn *turn, const char *reply)
{
  g_autofree char *pattern = NULL, *quoted = g_regex_escape_string (turn->answers[0], -1);

  switch (turn->score)
    {
    case LW_EVAL_SCORE_WORD:
      pattern = g_strdup_printf ("(?i)\\b%s\\b", quoted);
      return g_regex_match_simple (pattern, reply, 0, 0);
    case LW_EVAL_SCORE_SUBSTRING:
      return strstr (reply, turn->answers[0]) != NULL;
    case LW_EVAL_SCORE_INTEGER:
      {
        const char *digit = strpbrk (reply, "0123456789");
        return digit && strtol (digit, NULL, 10) == strtol (turn->answers[0], NULL, 10);
      }
    case LW_EVAL_SCORE_LETTER:
      {
        const char *letter = strpbrk (reply, "ABCD");
        return letter && *letter == turn->answers[0][1];
      }
    default:
      g_assert_not_reached ();
    }
}

/* ---- All tasks ---- */

static void
check_scene (const LwEvalScene *scene, int width, int height)
{
  g_assert_cmpint (scene->width, ==, width);
  g_assert_cmpint (scene->height, ==, height);
  g_assert_true (scene->ground[0] == 0 || scene->ground[0] == 1);
  for (int i = 0; i < scene->n_shapes; i++)
    {
      const float *row = scene->shapes[i];
      /* A card fills its frame from side to side and lies flat. */
      float high = scene->n_texts > 0 && kind_of (scene, i) == LW_EVAL_RECTANGLE ? row[3] / 2 : row[3];

      g_assert_cmpint ((int) row[0], <, LW_EVAL_N_SHAPES);
      /* Wholly inside. */
      g_assert_cmpfloat (row[1], >=, row[3] - 0.01);
      g_assert_cmpfloat (row[1], <=, width - row[3] + 0.01);
      g_assert_cmpfloat (row[2], >=, high - 0.01);
      g_assert_cmpfloat (row[2], <=, height - high + 0.01);
    }
  for (int i = 0; i < scene->n_texts; i++)
    {
      const float *row = scene->texts[i];
      g_autofree char *text = text_of (scene, i);

      g_assert_cmpfloat (row[0], >=, 0);
      g_assert_cmpfloat (row[0] + lw_eval_text_width (text, (int) row[7], row[2]), <=, width);
      g_assert_cmpfloat (row[1], >=, 0);
      g_assert_cmpfloat (row[1] + 30 * row[2], <=, height);
      g_assert_cmpfloat (row[2] * LW_EVAL_GLYPH_EM, >=, 14);
    }
}

static void
check_turns (const LwEvalSample *sample, int turns)
{
  g_assert_cmpint (sample->turns->len, ==, turns);
  for (int j = 0; j < turns; j++)
    {
      const LwEvalTurn *turn = turn_of (sample, j);

      g_assert_true (is_right (turn, turn->reply));
      g_assert_false (is_right (turn, ""));
      g_assert_cmpint (turn->part, >=, 0);
      g_assert_cmpint (turn->part, <, sample->parts->len);
      g_assert_cmpfloat (turn->depth, <=, 1);
      for (char **f = turn->foreign; f && *f; f++)
        g_assert_cmpstr (*f, !=, turn->answers[0]);
      if (turn->score == LW_EVAL_SCORE_LETTER)
        {
          int right = turn->answers[0][1] - 'A';

          g_assert_cmpint (g_strv_length (turn->options), ==, 4);
          g_assert_cmpint (right, >=, 0);
          g_assert_cmpint (right, <, 4);
          for (int a = 0; a < 4; a++)
            {
              g_assert_nonnull (strstr (turn->question, turn->options[a]));
              g_assert_cmpint (turn->options[a][1], ==, 'A' + a);
              for (int b = 0; b < a; b++)
                g_assert_cmpstr (turn->options[a] + 4, !=, turn->options[b] + 4);
            }
        }
    }
}

static void
test_every_task (gconstpointer data)
{
  const LwEvalTask *task = data;
  static const int sizes[] = { 1, 2, 9, 16, 25, 64, 150, 301 }, turns[] = { 1, 2, 5, 12, 25 };
  static const char *const variants[] = { NULL, "4x4", "5x7", "16x9" };

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (guint t = 0; t < G_N_ELEMENTS (turns); t++)
      for (guint64 seed = 0; seed < 12; seed++)
        {
          const char *variant = variants[seed % 4];
          gboolean cards = task == &lw_eval_task_vniah && turns[t] > LW_EVAL_CARDS_MAX; /* not so many */
          LwEvalSample *sample = make (task->name, seed, seed / 4 % 2, sizes[s], turns[t],
                                       seed % 3 == 2 && !cards, variant);
          const LwEvalScene *first = NULL;

          g_assert_cmpstr (sample->task, ==, task->name);
          for (guint i = 0; i < sample->parts->len; i++)
            {
              const LwEvalPart *part = sample->parts->pdata[i];

              if (part->kind == LW_EVAL_PART_TEXT)
                continue;
              g_assert_cmpint (part->scenes->len, >, 0);
              if (part->kind == LW_EVAL_PART_PICTURE)
                g_assert_cmpint (part->scenes->len, ==, 1);
              else
                {
                  g_assert_cmpint (part->scenes->len % 2, ==, 0);
                  g_assert_cmpfloat (part->fps, >, 0);
                }
              if (!first)
                first = part->scenes->pdata[0];
              for (guint k = 0; k < part->scenes->len; k++)
                check_scene (part->scenes->pdata[k], first->width, first->height);
            }
          g_assert_cmpint (first->width % LW_EVAL_CELL, ==, 0);
          g_assert_cmpint (first->height % LW_EVAL_CELL, ==, 0);
          if (variant)
            {
              g_autofree char *size = g_strdup_printf ("%dx%d", first->width / LW_EVAL_CELL,
                                                       first->height / LW_EVAL_CELL);
              g_assert_cmpstr (size, ==, variant);
            }
          check_turns (sample, turns[t]);
          lw_eval_sample_free (sample);
        }
}

/* Pictures without a variant have about as many cells as were asked for, and not more. */
static void
test_sizes (void)
{
  static const char *const pictures[] = { "shapes", "count", "small", "word" };

  for (guint t = 0; t < G_N_ELEMENTS (pictures); t++)
    for (int units = 16; units < 3000; units = units * 3 / 2)
      for (guint64 seed = 0; seed < 8; seed++)
        {
          LwEvalSample *sample = make (pictures[t], seed, 0, units, 1, FALSE, NULL);
          const LwEvalScene *scene = frame_of (sample, 0, 0);

          g_assert_cmpint (scene->width / LW_EVAL_CELL * (scene->height / LW_EVAL_CELL), ==, sample->units);
          g_assert_cmpint (sample->units, <=, units);
          g_assert_cmpint (sample->units, >=, units * 3 / 4);
          lw_eval_sample_free (sample);
        }
}

/* ---- Pictures ---- */

/* The only row of this kind, or NULL. */
static const float *
only (const LwEvalScene *scene, int kind)
{
  const float *row = NULL;

  if (count_kind (scene, kind) != 1)
    return NULL;
  for (int i = 0; i < scene->n_shapes; i++)
    if (kind_of (scene, i) == kind)
      row = scene->shapes[i];
  return row;
}

static const char *
place_of (const LwEvalScene *scene, const float *row)
{
  static const char *const places[] = { "in the top left", "at the top", "in the top right",
                                        "on the left", "in the centre", "on the right",
                                        "in the bottom left", "at the bottom", "in the bottom right" };
  int x = (int) (row[1] / (float) scene->width * 3), y = (int) (row[2] / (float) scene->height * 3);

  return places[3 * y + x];
}

/* "... the red circle?" to the kind at the end. */
static int
asked_shape (const char *question)
{
  g_autofree char *plain = g_strndup (question, strlen (question) - 1);

  return shape_named (last_word (plain));
}

static void
check_picture_turn (const LwEvalScene *scene, const LwEvalTurn *turn, Tally *colours, Tally *places)
{
  if (strcmp (turn->kind, "count") == 0)
    {
      g_auto (GStrv) words = g_strsplit_set (turn->question, " ?.", -1);
      guint at = 2; /* "How many", "Count the" */
      const char *colour = shape_named (words[at]) == LW_EVAL_ANY && strcmp (words[at], "shapes") != 0
                               ? words[at++]
                               : NULL;
      int kind = shape_named (words[at]), n = 0;

      if (!colour)
        g_assert_cmpint (count_kind (scene, kind), ==, atoi (turn->answers[0]));
      else
        {
          for (int i = 0; i < scene->n_shapes; i++)
            n += (kind == LW_EVAL_ANY || kind_of (scene, i) == kind) &&
                 strcmp (nearest_colour (scene->shapes[i] + 5), colour) == 0;
          tally (colours, n == atoi (turn->answers[0]));
        }
    }
  else if (strcmp (turn->kind, "colour") == 0)
    {
      int kind = LW_EVAL_ANY;
      g_auto (GStrv) words = g_strsplit_set (turn->question, " ?", -1);
      const float *row;

      for (guint i = 0; words[i]; i++)
        kind = MAX (kind, shape_named (words[i]));
      row = only (scene, kind);
      g_assert_nonnull (row);
      tally (colours, strcmp (nearest_colour (row + 5), turn->answers[0]) == 0);
    }
  else if (strcmp (turn->kind, "shape") == 0)
    {
      g_autofree char *colour = g_strdup (turn->reply + strlen ("The "));
      int n = 0, n_right = 0;

      *strchr (colour, ' ') = 0;
      for (int i = 0; i < scene->n_shapes; i++)
        if (strcmp (nearest_colour (scene->shapes[i] + 5), colour) == 0)
          {
            n++;
            n_right += kind_of (scene, i) == shape_named (turn->answers[0]);
          }
      g_assert_cmpint (count_kind (scene, shape_named (turn->answers[0])), >, 0);
      tally (colours, n == 1 && n_right == 1);
    }
  else if (strcmp (turn->kind, "where") == 0)
    {
      int kind = asked_shape (turn->question);
      const float *row = only (scene, kind);
      gboolean there = FALSE;

      g_assert_cmpint (kind, !=, LW_EVAL_ANY);
      for (int i = 0; i < scene->n_shapes; i++)
        there = there || (kind_of (scene, i) == kind &&
                          strcmp (place_of (scene, scene->shapes[i]), turn->answers[0]) == 0);
      g_assert_true (there);
      if (row)
        tally (places, strcmp (place_of (scene, row), turn->answers[0]) == 0);
    }
}

static void
check_tally (const Tally *t, int least, double share)
{
  g_assert_cmpint (t->all, >, least);
  g_assert_cmpfloat (t->right, >=, share * t->all);
}

static void
test_shapes (void)
{
  static const char *const all_kinds[] = { "colour", "shape", "where", "count" };
  Tally colours = { 0 }, places = { 0 };
  int most = 0, most_hard = 0;

  for (guint64 seed = 0; seed < 300; seed++)
    {
      gboolean hard = seed % 3 == 0;
      LwEvalSample *sample = make ("shapes", seed, seed % 2, 64, 9, hard, NULL);
      const LwEvalScene *scene = frame_of (sample, 0, 0);
      guint kinds = 0;

      if (hard)
        most_hard = MAX (most_hard, scene->n_shapes);
      else
        most = MAX (most, scene->n_shapes);
      for (guint j = 0; j < 9; j++)
        {
          const LwEvalTurn *turn = turn_of (sample, j);

          check_picture_turn (scene, turn, &colours, &places);
          if (j < 4)
            for (guint k = 0; k < 4; k++)
              kinds |= strcmp (turn->kind, all_kinds[k]) == 0 ? 1u << k : 0;
        }
      g_assert_cmpuint (kinds, ==, 15);
      lw_eval_sample_free (sample);
    }
  g_assert_cmpint (most, ==, 5);
  g_assert_cmpint (most_hard, >, 5);
  check_tally (&colours, 900, 0.9);
  check_tally (&places, 500, 1);
}

static void
test_count (void)
{
  Tally colours = { 0 }, places = { 0 };
  int seen[10] = { 0 };

  for (guint64 seed = 0; seed < 900; seed++)
    {
      LwEvalSample *sample = make ("count", seed, seed % 2, 64, 6, FALSE, seed % 3 ? NULL : "4x4");
      const LwEvalScene *scene = frame_of (sample, 0, 0);

      seen[scene->n_shapes]++;
      for (guint j = 0; j < 6; j++)
        check_picture_turn (scene, turn_of (sample, j), &colours, &places);
      lw_eval_sample_free (sample);
    }
  /* Every number comes about as often: 100 times. */
  for (int n = 1; n <= 9; n++)
    g_assert_cmpint (seen[n], >, 60);
  check_tally (&colours, 1000, 0.85);
}

static void
test_small (void)
{
  Tally colours = { 0 }, places = { 0 };

  for (guint64 seed = 0; seed < 100; seed++)
    {
      gboolean hard = seed % 2;
      LwEvalSample *sample = make ("small", seed, seed / 2 % 2, seed % 5 == 0 ? 16 : 1024, 4, hard, NULL);
      const LwEvalScene *scene = frame_of (sample, 0, 0);
      int smallest = 0, n_small = 0;

      for (int i = 0; i < scene->n_shapes; i++)
        {
          smallest = scene->shapes[i][3] < scene->shapes[smallest][3] ? i : smallest;
          n_small += scene->shapes[i][3] <= (hard ? 8 : 12);
        }
      g_assert_cmpint (n_small, ==, 1);
      g_assert_cmpint (scene->n_shapes, >, 1);
      for (guint j = 0; j < 4; j++)
        {
          const LwEvalTurn *turn = turn_of (sample, j);

          check_picture_turn (scene, turn, &colours, &places);
          if (strcmp (turn->kind, "size") == 0)
            g_assert_cmpint (shape_named (last_word (turn->answers[0])), ==, kind_of (scene, smallest));
          if (strcmp (turn->kind, "shape") == 0)
            g_assert_cmpint (shape_named (turn->answers[0]), ==, kind_of (scene, smallest));
          if (strcmp (turn->kind, "where") == 0)
            g_assert_cmpstr (place_of (scene, scene->shapes[smallest]), ==, turn->answers[0]);
        }
      lw_eval_sample_free (sample);
    }
  check_tally (&colours, 150, 0.9);
  check_tally (&places, 90, 1);
}

static void
test_word (void)
{
  int lengths[LW_EVAL_TEXT_MAX + 1] = { 0 }, fonts[LW_EVAL_GLYPH_FONTS] = { 0 };

  for (guint64 seed = 0; seed < 600; seed++)
    {
      LwEvalSample *sample = make ("word", seed, seed % 2, 64, 5, FALSE, NULL);
      const LwEvalScene *scene = frame_of (sample, 0, 0);
      g_autofree char *word = text_of (scene, 0);
      gsize n = strlen (word);

      g_assert_cmpint (scene->n_texts, ==, 1);
      g_assert_true (lw_eval_word_on_side (word, sample->side));
      g_assert_cmpint (n, >=, 3);
      lengths[n]++;
      fonts[(int) scene->texts[0][7]]++;
      g_assert_cmpstr (turn_of (sample, 0)->answers[0], ==, word);
      g_assert_cmpint (turn_of (sample, 1)->answers[0][0], ==, word[0]);
      g_assert_cmpint (turn_of (sample, 2)->answers[0][0], ==, word[1]);
      g_assert_cmpint (turn_of (sample, 3)->answers[0][0], ==, word[n - 1]);
      g_assert_cmpint (atoi (turn_of (sample, 4)->answers[0]), ==, n);
      lw_eval_sample_free (sample);
    }
  for (int n = 3; n <= LW_EVAL_TEXT_MAX; n++)
    g_assert_cmpint (lengths[n], >, 30);
  for (int f = 0; f < LW_EVAL_GLYPH_FONTS; f++)
    g_assert_cmpint (fonts[f], >, 15);
}

/* Pictures of one shape tell their names, and no name is on both sides. */
static void
test_sides (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  int n[2] = { 0 };

  for (guint64 seed = 0; seed < 600; seed++)
    for (int side = 0; side < 2; side++)
      {
        LwEvalSample *sample = make ("shapes", seed, side, 16, 4, FALSE, "4x4");

        for (guint j = 0; j < 4 && frame_of (sample, 0, 0)->n_shapes == 1; j++)
          {
            const LwEvalTurn *turn = turn_of (sample, j);
            gpointer other;

            if (strcmp (turn->kind, "where") != 0)
              continue;
            g_autofree char *name = g_strndup (turn->reply,
                                               (gsize) (strstr (turn->reply, " is ") - turn->reply));
            if (g_hash_table_lookup_extended (names, name, NULL, &other))
              g_assert_cmpint (GPOINTER_TO_INT (other), ==, side);
            g_hash_table_insert (names, g_strdup (name), GINT_TO_POINTER (side));
            n[side]++;
          }
        lw_eval_sample_free (sample);
      }
  g_assert_cmpint (n[0], >, 30);
  g_assert_cmpint (n[1], >, 30);
}

/* ---- Films ---- */

static gboolean
is_hay (const LwEvalScene *scene)
{
  return scene->n_shapes == LW_EVAL_HAY_SHAPES && scene->n_texts == 0 &&
         scene->ground[0] == LW_EVAL_GROUND_GRADIENT && count_kind (scene, LW_EVAL_CIRCLE) == 0 &&
         count_kind (scene, LW_EVAL_STAR) == 0 && count_kind (scene, LW_EVAL_ARROW) == 0;
}

static void
assert_same_look (const LwEvalScene *a, const LwEvalScene *b)
{
  g_assert_cmpmem (a->ground, sizeof a->ground, b->ground, sizeof b->ground);
  g_assert_cmpmem (a->shapes, (gsize) a->n_shapes * sizeof *a->shapes, b->shapes,
                   (gsize) b->n_shapes * sizeof *b->shapes);
  g_assert_cmpmem (a->texts, (gsize) a->n_texts * sizeof *a->texts, b->texts,
                   (gsize) b->n_texts * sizeof *b->texts);
  g_assert_cmpuint (a->noise_seed, !=, b->noise_seed);
}

static const char *
answer_of (const LwEvalTurn *turn)
{
  return turn->score == LW_EVAL_SCORE_LETTER ? turn->options[turn->answers[0][1] - 'A'] + 4 : turn->answers[0];
}

/* The frame shows what the answer says, and the colour that the question names. */
static void
check_needle (const LwEvalScene *scene, const LwEvalTurn *turn, Tally *colours)
{
  static const char *const ways[] = { "up", "right", "down", "left" };
  const char *answer = answer_of (turn), *named = NULL;
  g_auto (GStrv) words = g_strsplit_set (turn->question, " ?", -1);

  for (guint i = 1; words[i]; i++)
    if (g_str_has_prefix (words[i], "card") || g_str_has_prefix (words[i], "arrow") ||
        g_str_has_prefix (words[i], "dots"))
      {
        named = words[i - 1];
        break;
      }
  if (named && strcmp (named, "the") != 0 && strcmp (named, "many") != 0)
    tally (colours, strcmp (nearest_colour (scene->shapes[0] + 5), named) == 0);

  if (strcmp (turn->kind, "card") == 0)
    {
      g_autofree char *digits = text_of (scene, 0);

      g_assert_cmpstr (digits, ==, answer);
      g_assert_cmpint (scene->n_shapes, ==, 1);
    }
  else if (strcmp (turn->kind, "star") == 0)
    {
      g_assert_nonnull (only (scene, LW_EVAL_STAR));
      tally (colours, strcmp (nearest_colour (scene->shapes[0] + 5), answer) == 0);
    }
  else if (strcmp (turn->kind, "arrow") == 0)
    {
      const float *row = only (scene, LW_EVAL_ARROW);

      g_assert_nonnull (row);
      g_assert_cmpstr (ways[(int) lround (row[4] / (G_PI / 2)) & 3], ==, answer);
    }
  else
    {
      g_assert_cmpstr (turn->kind, ==, "dots");
      g_assert_cmpint (count_kind (scene, LW_EVAL_CIRCLE), ==, atoi (answer));
      g_assert_cmpint (scene->n_shapes, ==, atoi (answer));
    }
}

static void
test_vniah (void)
{
  static const int turns[] = { 1, 4, 5, 12, 25 };
  Tally colours = { 0 };

  for (guint64 seed = 0; seed < 60; seed++)
    {
      int r = turns[seed % 5], frames = seed % 7 == 0 ? 2 : 100, choices = 0;
      gboolean hard = seed % 3 == 0 && r <= LW_EVAL_CARDS_MAX;
      LwEvalSample *sample = make ("vniah", seed, seed % 2, frames, r, hard, seed % 4 ? "4x4" : NULL);
      GPtrArray *scenes = ((LwEvalPart *) sample->parts->pdata[0])->scenes;
      g_autoptr (GHashTable) asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      guint n = scenes->len, odd = 0, bins = 0;
      int numbers[2] = { 0 };

      g_assert_cmpint (n, ==, sample->units);
      g_assert_cmpint (n, ==, MAX (frames, 2 * r));
      for (guint f = 0; f < n; f++)
        odd += !is_hay (scenes->pdata[f]);
      g_assert_cmpint (odd, ==, 2 * r);

      for (int j = 0; j < r; j++)
        {
          const LwEvalTurn *turn = turn_of (sample, j);
          g_autofree char *stem = g_strdup (turn->question);

          g_assert_cmpint (turn->at % 2, ==, 0);
          g_assert_cmpfloat_with_epsilon (turn->depth, n > 2 ? (turn->at / 2) / (n / 2 - 1.0) : 0, 1e-9);
          check_needle (scenes->pdata[turn->at], turn, &colours);
          assert_same_look (scenes->pdata[turn->at], scenes->pdata[turn->at + 1]);
          bins |= 1u << MIN (r - 1, (int) ((double) (turn->at / 2) / (n / 2) * r));
          choices += turn->score == LW_EVAL_SCORE_LETTER;
          if (hard)
            g_assert_cmpstr (turn->kind, ==, "card");
          if (strcmp (turn->kind, "card") == 0)
            numbers[lw_eval_word_on_side (answer_of (turn), sample->side)]++;
          /* No two are asked for in the same words. */
          *strchr (stem, '?') = 0;
          g_assert_false (g_hash_table_contains (asked, stem));
          g_hash_table_add (asked, g_strdup (stem));
        }
      g_assert_cmpint (numbers[0], ==, 0);
      if (hard)
        g_assert_cmpint (choices, ==, 0);
      else
        g_assert_cmpint (abs (2 * choices - r), <=, 1);
      if (r <= 5)
        g_assert_cmpuint (bins, ==, (1u << r) - 1);
      lw_eval_sample_free (sample);
    }
  check_tally (&colours, 100, 0.9);
}

/* The six shapes move by a little from frame to frame and never jump. */
static void
test_hay_drifts (void)
{
  LwEvalRandom random = { 5 };
  double moved = 0;
  LwEvalHay hay;

  lw_eval_hay_init (&hay, &random, 224, 168);
  for (int f = 0; f < 3000; f++)
    {
      g_autoptr (LwEvalScene) a = lw_eval_hay_frame (&hay, f), b = lw_eval_hay_frame (&hay, f + 1);

      g_assert_true (is_hay (a));
      check_scene (a, 224, 168);
      for (int i = 0; i < LW_EVAL_HAY_SHAPES; i++)
        {
          double dx = fabs (b->shapes[i][1] - a->shapes[i][1]), dy = fabs (b->shapes[i][2] - a->shapes[i][2]);

          g_assert_cmpfloat (dx, <, 0.026 * 168);
          g_assert_cmpfloat (dy, <, 0.026 * 168);
          moved += dx + dy;
        }
    }
  g_assert_cmpfloat (moved / 3000 / LW_EVAL_HAY_SHAPES, >, 1);
}

static void
test_fixed_depth (void)
{
  for (int percent = 0; percent <= 100; percent += 20)
    {
      g_autofree char *variant = g_strdup_printf ("at=%d", percent);
      LwEvalSample *sample = make ("vniah", 3, 0, 202, 1, FALSE, variant);

      g_assert_cmpfloat_with_epsilon (turn_of (sample, 0)->depth, percent / 100.0, 1e-9);
      g_assert_cmpint (turn_of (sample, 0)->at, ==, percent * 2);
      lw_eval_sample_free (sample);
    }
}

static guint
occurrences (const LwEvalSample *sample, const char *needle)
{
  guint n = 0;

  for (guint i = 0; i < sample->parts->len; i++)
    {
      const LwEvalPart *part = sample->parts->pdata[i];

      for (const char *p = part->text; p && (p = strstr (p, needle)); p++)
        n++;
    }
  return n;
}

static void
test_mmniah (void)
{
  Tally colours = { 0 };
  double text_share = 0;
  guint samples = 0;

  for (guint64 seed = 0; seed < 40; seed++)
    {
      int turns = 1 + (int) (seed % 9), units = seed % 8 == 0 ? 1 : 200;
      LwEvalSample *sample = make ("mmniah", seed, seed % 2, units, turns, seed % 3 == 0, NULL);
      guint frames = 0, odd = 0, seen = 0, choices = 0, bytes = 0, documents = 0;
      gboolean before = FALSE;
      double last_depth[64];

      for (guint i = 0; i < sample->parts->len; i++)
        {
          const LwEvalPart *part = sample->parts->pdata[i];

          if (part->kind == LW_EVAL_PART_TEXT)
            {
              bytes += (guint) strlen (part->text);
              documents++;
              /* 300 to 800 tokens, and a sentence more at most for each fact and the last one. */
              g_assert_cmpuint (strlen (part->text), >=, 690);
              g_assert_cmpuint (strlen (part->text), <, 1840 + 100 * (1 + (guint) turns));
              g_assert_true (g_utf8_validate (part->text, -1, NULL));
              continue;
            }
          g_assert_cmpint (part->scenes->len % 2, ==, 0);
          frames += part->scenes->len;
          for (guint k = 0; k < part->scenes->len; k++)
            odd += !is_hay (part->scenes->pdata[k]);
        }
      g_assert_cmpint (frames, ==, sample->units);
      g_assert_cmpuint (documents, >=, 1);
      g_assert_cmpint (((LwEvalPart *) sample->parts->pdata[0])->kind, ==, LW_EVAL_PART_FILM);

      for (int j = 0; j < turns; j++)
        {
          const LwEvalTurn *turn = turn_of (sample, j);
          const LwEvalPart *part = sample->parts->pdata[turn->part];
          gboolean text = strcmp (turn->kind, "text") == 0;

          /* By turns. */
          if (j > 0)
            g_assert_true (text != before);
          before = text;
          g_assert_cmpfloat (turn->depth, >=, 0);
          g_assert_cmpfloat (turn->depth, <, 1);
          last_depth[j] = turn->depth;
          if (text)
            {
              g_assert_true (g_str_has_prefix (part->text + turn->at, turn->gold));
              g_assert_nonnull (strstr (turn->gold, turn->answers[0]));
              g_assert_cmpuint (occurrences (sample, turn->gold), ==, 1);
              g_assert_cmpuint (occurrences (sample, turn->answers[0]), ==, 1);
              g_assert_true (lw_eval_word_on_side (turn->answers[0], sample->side));
              continue;
            }
          seen++;
          choices += turn->score == LW_EVAL_SCORE_LETTER;
          g_assert_cmpint (turn->at % 2, ==, 0);
          check_needle (part->scenes->pdata[turn->at], turn, &colours);
          assert_same_look (part->scenes->pdata[turn->at], part->scenes->pdata[turn->at + 1]);
        }
      g_assert_cmpuint (odd, ==, 2 * seen);
      g_assert_cmpint (abs ((int) (2 * choices) - (int) seen), <=, 1);
      /* What lies in a later part, or later in the same, is deeper. */
      for (int a = 0; a < turns; a++)
        for (int b = 0; b < turns; b++)
          {
            const LwEvalTurn *x = turn_of (sample, a), *y = turn_of (sample, b);

            if (x->part < y->part || (x->part == y->part && x->at < y->at))
              g_assert_cmpfloat (last_depth[a], <, last_depth[b]);
          }
      if (units == 200)
        {
          double tokens = bytes / 2.3;

          text_share += tokens / (tokens + frames * 32.0);
          samples++;
        }
      lw_eval_sample_free (sample);
    }
  g_assert_cmpfloat (text_share / samples, >, 0.2);
  g_assert_cmpfloat (text_share / samples, <, 0.27);
  check_tally (&colours, 15, 0.85);
}

/* Five turns ask for all events: their frames in order are what the questions count. */
static void
check_order (const LwEvalSample *sample)
{
  static const char *const ordinals[] = { " first?", " second?", " third?", " fourth?", " fifth?" };
  const LwEvalTurn *events[5];
  guint n = 0;

  for (guint j = 0; j < 5; j++)
    {
      guint at = 0;

      while (at < n && events[at]->at < turn_of (sample, j)->at)
        at++;
      if (at < n && events[at]->at == turn_of (sample, j)->at)
        continue;
      memmove (events + at + 1, events + at, (n++ - at) * sizeof *events);
      events[at] = turn_of (sample, j);
    }
  g_assert_cmpuint (n, >=, 3);
  for (guint j = 0; j < 5; j++)
    {
      const LwEvalTurn *turn = turn_of (sample, j);
      guint rank = 0;

      while (events[rank]->at != turn->at)
        rank++;
      g_assert_cmpstr (turn->answers[0], ==, events[rank]->answers[0]);
      if (strstr (turn->question, " after "))
        g_assert_nonnull (strstr (turn->question, events[rank - 1]->answers[0]));
      else if (strstr (turn->question, " last?"))
        g_assert_cmpuint (rank, ==, n - 1);
      else
        g_assert_nonnull (strstr (turn->question, ordinals[rank]));
    }
}

/* Something about a thing is new from the said frame on, and the thing is of the answer's kind. */
static void
test_filmorder (void)
{
  int appears = 0, n_events = 0;

  for (guint64 seed = 0; seed < 150; seed++)
    {
      gboolean hard = seed % 3 == 0;
      LwEvalSample *sample = make ("filmorder", seed, seed % 2, seed % 5 == 0 ? 2 : 40, 5, hard,
                                   seed % 4 ? "4x4" : NULL);
      GPtrArray *scenes = ((LwEvalPart *) sample->parts->pdata[0])->scenes;
      gint64 first = -1;

      for (guint f = 1; f < scenes->len; f++)
        {
          const LwEvalScene *a = scenes->pdata[f - 1], *b = scenes->pdata[f];

          if (a->n_shapes != b->n_shapes ||
              (a->n_shapes > 0 && memcmp (a->shapes, b->shapes, (gsize) a->n_shapes * sizeof *a->shapes) != 0))
            first = first < 0 ? (gint64) f : first;
        }
      for (guint j = 0; j < 5; j++)
        {
          const LwEvalTurn *turn = turn_of (sample, j);
          const LwEvalScene *now = frame_of (sample, 0, turn->at), *then = frame_of (sample, 0, turn->at - 1);
          int kind = shape_named (last_word (turn->answers[0]));

          g_assert_cmpint (turn->at % 2, ==, 0);
          g_assert_cmpfloat_with_epsilon (turn->depth, (turn->at / 2) / (scenes->len / 2 - 1.0), 1e-9);
          n_events++;
          if (strstr (turn->reply, " appears"))
            {
              appears++;
              g_assert_cmpint (now->n_shapes, ==, then->n_shapes + 1);
              g_assert_cmpint (count_kind (now, kind), ==, count_kind (then, kind) + 1);
            }
          else if (strstr (turn->reply, " disappears"))
            g_assert_cmpint (count_kind (now, kind), ==, count_kind (then, kind) - 1);
          else if (strstr (turn->reply, " turns "))
            g_assert_cmpint (count_kind (now, kind), ==, count_kind (then, kind));
          if (strstr (turn->question, " first?"))
            /* What takes time starts with the frame after the one that begins it. */
            g_assert_true (first == turn->at || first == turn->at + 1);
          /* The things of the answer and of what it is not are as many as there are. */
          g_assert_cmpint (g_strv_length (turn->foreign), >=, 2);
        }
      check_order (sample);
      lw_eval_sample_free (sample);
    }
  g_assert_cmpint (appears, >, n_events / 2);
  g_assert_cmpint (appears, <, n_events * 4 / 5);
}

/* ---- Bad options, bytes, the library ---- */

static void
test_bad_options (void)
{
  static const struct {
    const char *task;
    int units, turns;
    const char *variant, *says;
    gboolean hard;
  } bad[] = {
    { "count", 64, 1, "3x8", "3x8" },         { "count", 64, 1, "8x999", "8x999" },
    { "vniah", 64, 1, "8x", "\"8x\"" },       { "vniah", 64, 1, "8x8x8", "\"8x8x8\"" },
    { "vniah", 64, 1, "99999999999999999999x8", "99999999999999999999x8" },
    { "vniah", 64, 26, NULL, "26 turns" },    { "mmniah", 64, 50, NULL, "50 turns" },
    { "vniah", 64, 9, NULL, "9 turns", TRUE },
    { "shapes", 60000, 1, NULL, "60000 cells" }, { "word", 64, 1, "at=50", "at=50" },
    { "filmorder", 64, 1, "-8x8", "-8x8" },   { "small", 64, 1, "8x 8", "8x 8" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      LwEvalOptions options = { bad[i].turns, bad[i].hard, bad[i].variant };
      g_autoptr (GError) error = NULL;

      g_assert_null (lw_eval_task_find (bad[i].task)->make (1, 0, bad[i].units, &options, &error));
      g_assert_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_OPTION);
      g_assert_nonnull (strstr (error->message, bad[i].task));
      g_assert_nonnull (strstr (error->message, bad[i].says));
    }
}

static void
add_bytes (GChecksum *sum, const LwEvalSample *sample)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < sample->parts->len; i++)
    {
      const LwEvalPart *part = sample->parts->pdata[i];

      if (part->text)
        g_checksum_update (sum, (const guchar *) part->text, -1);
      for (guint k = 0; part->scenes && k < part->scenes->len; k++)
        {
          const LwEvalScene *scene = part->scenes->pdata[k];
          guint8 *rgb = lw_eval_paint_new (scene, &error);

          g_assert_no_error (error);
          g_checksum_update (sum, rgb, scene->width * scene->height * 3);
          lw_free (rgb);
        }
    }
  for (guint j = 0; j < sample->turns->len; j++)
    {
      g_checksum_update (sum, (const guchar *) turn_of (sample, j)->question, -1);
      g_checksum_update (sum, (const guchar *) turn_of (sample, j)->reply, -1);
    }
}

/* Changing a generator or the painter changes what was measured with it: then these change, knowingly.
 * `build/tests/unit/test-eval-visual -p /eval/visual/same-bytes --verbose` prints the new ones. */
static void
test_same_bytes (void)
{
  static const struct {
    const char *task;
    int units;
    const char *variant, *sha256;
  } golden[] = {
#include "eval-visual-golden.h"
  };
  gboolean changed = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (golden); i++)
    {
      g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

      for (guint64 seed = 0; seed < 6; seed++)
        {
          LwEvalSample *sample = make (golden[i].task, seed, seed % 2, golden[i].units, 4, seed % 3 == 2,
                                       golden[i].variant);

          add_bytes (sum, sample);
          lw_eval_sample_free (sample);
        }
      if (strcmp (g_checksum_get_string (sum), golden[i].sha256) == 0)
        continue;
      g_test_message ("is now { \"%s\", %d, %s%s%s, \"%s\" },", golden[i].task, golden[i].units,
                      golden[i].variant ? "\"" : "", golden[i].variant ? golden[i].variant : "NULL",
                      golden[i].variant ? "\"" : "", g_checksum_get_string (sum));
      changed = TRUE;
    }
  g_assert_false (changed);
}

static void
test_library (gconstpointer data)
{
  const LwEvalTask *task = data;
  LwEvalVisual *v = lw_eval_visual (task->name, 40, 3, 0, "5x4", 11, 1);
  LwEvalSample *sample = make (task->name, 11, LW_EVAL_SIDE_TRAIN, 40, 3, FALSE, "5x4");
  JsonParser *parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  JsonObject *object;
  JsonArray *parts;
  int n = 0;

  json_parser_load_from_data (parser, v->json, -1, &error);
  g_assert_no_error (error);
  object = json_node_get_object (json_parser_get_root (parser));
  parts = json_object_get_array_member (object, "parts");
  g_assert_cmpuint (json_array_get_length (parts), ==, sample->parts->len);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "multi_turns")), ==, 3);
  g_assert_cmpint (v->width, ==, 140);
  g_assert_cmpint (v->height, ==, 112);
  for (guint i = 0; i < sample->parts->len; i++)
    {
      const LwEvalPart *part = sample->parts->pdata[i];
      JsonObject *told = json_array_get_object_element (parts, i);

      if (part->kind == LW_EVAL_PART_TEXT)
        {
          g_assert_cmpstr (json_object_get_string_member (told, "text"), ==, part->text);
          continue;
        }
      g_assert_cmpint (json_object_get_int_member (told, "first"), ==, n);
      g_assert_cmpint (json_object_get_int_member (told, "count"), ==, part->scenes->len);
      g_assert_cmpint (json_object_has_member (told, "fps"), ==, part->kind == LW_EVAL_PART_FILM);
      for (guint k = 0; k < part->scenes->len; k++, n++)
        {
          const LwEvalScene *scene = part->scenes->pdata[k];
          const float *shapes = v->shapes + (gsize) n * (gsize) v->n_shapes_max * LW_EVAL_SHAPE_W;
          const float *texts = v->texts + (gsize) n * (gsize) v->n_texts_max * LW_EVAL_TEXT_W;

          g_assert_cmpmem (v->ground + (gsize) n * LW_EVAL_GROUND_W, sizeof scene->ground, scene->ground,
                           sizeof scene->ground);
          for (int s = 0; s < v->n_shapes_max; s++)
            for (int w = 0; w < LW_EVAL_SHAPE_W; w++)
              g_assert_cmpfloat (shapes[s * LW_EVAL_SHAPE_W + w], ==,
                                 s < scene->n_shapes ? scene->shapes[s][w] : 0);
          for (int s = 0; s < v->n_texts_max; s++)
            for (int w = 0; w < LW_EVAL_TEXT_W; w++)
              g_assert_cmpfloat (texts[s * LW_EVAL_TEXT_W + w], ==,
                                 s < scene->n_texts ? scene->texts[s][w] : 0);
        }
    }
  g_assert_cmpint (n, ==, v->n_frames);
  g_object_unref (parser);
  lw_eval_sample_free (sample);
  lw_eval_visual_free (v);

  v = lw_eval_visual (task->name, 40, 3, 0, "1x1", 11, 1);
  g_assert_cmpint (v->n_frames, ==, 0);
  g_assert_true (g_str_has_prefix (v->json, "{\"error\":"));
  lw_eval_visual_free (v);
}

static void
test_library_text (void)
{
  LwEvalVisual *v = lw_eval_visual ("kv", 10, 2, 0, NULL, 1, 1);

  g_assert_cmpint (v->n_frames, ==, 0);
  g_assert_nonnull (strstr (v->json, "\"context\":"));
  lw_eval_visual_free (v);
  v = lw_eval_visual (NULL, 10, 2, 0, NULL, 1, 1);
  g_assert_nonnull (strstr (v->json, "\"error\":"));
  lw_eval_visual_free (v);
  lw_eval_visual_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (const LwEvalTask *const *task = lw_eval_tasks (); *task; task++)
    if ((*task)->visual)
      {
        g_autofree char *golds = g_strconcat ("/eval/visual/golds/", (*task)->name, NULL);
        g_autofree char *library = g_strconcat ("/eval/visual/library/", (*task)->name, NULL);

        g_test_add_data_func (golds, *task, test_every_task);
        g_test_add_data_func (library, *task, test_library);
      }
  g_test_add_func ("/eval/visual/library-text", test_library_text);
  g_test_add_func ("/eval/visual/sizes", test_sizes);
  g_test_add_func ("/eval/visual/shapes", test_shapes);
  g_test_add_func ("/eval/visual/count", test_count);
  g_test_add_func ("/eval/visual/small", test_small);
  g_test_add_func ("/eval/visual/word", test_word);
  g_test_add_func ("/eval/visual/sides", test_sides);
  g_test_add_func ("/eval/visual/vniah", test_vniah);
  g_test_add_func ("/eval/visual/hay-drifts", test_hay_drifts);
  g_test_add_func ("/eval/visual/fixed-depth", test_fixed_depth);
  g_test_add_func ("/eval/visual/mmniah", test_mmniah);
  g_test_add_func ("/eval/visual/filmorder", test_filmorder);
  g_test_add_func ("/eval/visual/bad-options", test_bad_options);
  g_test_add_func ("/eval/visual/same-bytes", test_same_bytes);
  return g_test_run ();
}
