/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * word: a picture with one printed word of 3 to 12 letters, in one of the atlas's fonts; what it says,
 * then single letters of it and how many there are.  Words are invented, three in four of them speakable.
 * Unit: a cell of the picture.  Variant "8x6": cells across and down.
 */
#include <string.h>

#include "app/eval/glyphs.h"
#include "app/eval/questions.h"
#include "app/eval/tasks/tasks.h"
#include "app/eval/turn.h"
#include "app/eval/words.h"

/* Smaller letters are not told apart. */
#define LEAST_EM 14.0
#define LINE 34.0 /* pixels from the top of an ascender to the end of a descender, at scale 1 */

static void
invent (LwEvalRandom *random, guint n, char *out)
{
  static const char consonants[] = "bcdfghjklmnpqrstvwxz", vowels[] = "aeiouy";
  gboolean speakable = lw_eval_chance (random, 0.75), vowel = lw_eval_chance (random, 0.25);

  for (guint i = 0; i < n; i++)
    {
      if (!speakable)
        out[i] = (char) ('a' + lw_eval_random_below (random, 26));
      else
        out[i] = vowel ? vowels[lw_eval_random_below (random, sizeof vowels - 1)]
                       : consonants[lw_eval_random_below (random, sizeof consonants - 1)];
      /* Now and then two of a kind. */
      vowel = lw_eval_chance (random, 0.15) ? vowel : !vowel;
    }
  out[n] = 0;
}

/* In capitals, with one, or without. */
static void
style (LwEvalRandom *random, char *word)
{
  double k = lw_eval_uniform (random, 0, 1);

  for (char *p = word; *p; p++)
    if (k < 0.35 || (k < 0.65 && p == word))
      *p = g_ascii_toupper (*p);
}

/* FALSE when it does not fit or no colour stands out. */
static gboolean
print (LwEvalScene *scene, const LwEvalDrawing *d, LwEvalRandom *random, const char *word)
{
  int font = (int) lw_eval_random_below (random, LW_EVAL_GLYPH_FONTS);
  double room = (d->width - 8) / lw_eval_text_width (word, font, 1) * LW_EVAL_GLYPH_EM;
  double em = lw_eval_uniform (random, 16, 48), scale, wide, tall, turn, sink, x, y;

  em = MIN (em, room);
  if (em < LEAST_EM)
    return FALSE;
  scale = em / LW_EVAL_GLYPH_EM;
  wide = lw_eval_text_width (word, font, scale);
  tall = LINE * scale;
  turn = lw_eval_chance (random, 0.3) ? lw_eval_uniform (random, -0.06, 0.06) : 0;
  sink = lw_eval_sin (turn) * wide;
  if (tall + MAX (sink, -sink) + 4 > d->height)
    return FALSE;
  x = lw_eval_uniform (random, 3, MAX (3, d->width - wide - 3));
  y = lw_eval_uniform (random, 2 + MAX (0, -sink), MAX (3, d->height - tall - 2 - MAX (0, sink)));

  for (int tries = 0; tries < 24; tries++)
    {
      int colour = lw_eval_chance (random, 0.4) ? LW_EVAL_BLACK
                                                : (int) lw_eval_random_below (random, LW_EVAL_N_COLOURS);
      float rgb[3];

      lw_eval_colour_tone (random, colour, rgb);
      if (colour == d->ground_colour || !lw_eval_tones_apart (rgb, d->tone, 120) ||
          !lw_eval_tones_apart (rgb, d->tone2, 120))
        continue;
      lw_eval_scene_add_text (scene, x, y, scale, turn, rgb, font, word);
      return TRUE;
    }
  return FALSE;
}

static void
ask_word (LwEvalSample *sample, const char *word, guint phrasing)
{
  static const char *const forms[] = { "What does it say?", "What is written in the picture?",
                                       "Read the word.", "Which word is written here?",
                                       "What word do you see?" };

  lw_eval_ask (sample, "word", g_strdup (forms[phrasing % G_N_ELEMENTS (forms)]),
               g_strdup_printf ("It says \"%s\".", word), word, LW_EVAL_SCORE_WORD)->part = 0;
}

static void
ask_letter (LwEvalSample *sample, const char *word, guint which)
{
  static const char *const places[] = { "first", "second", "last" };
  gsize at = which == 2 ? strlen (word) - 1 : which;
  char letter[] = { word[at], 0 };

  lw_eval_ask (sample, "letters", g_strdup_printf ("What is the %s letter?", places[which]),
               g_strdup_printf ("The %s letter is \"%s\".", places[which], letter), letter,
               LW_EVAL_SCORE_WORD)->part = 0;
}

static void
ask_length (LwEvalSample *sample, const char *word)
{
  g_autofree char *n = g_strdup_printf ("%d", (int) strlen (word));

  lw_eval_ask (sample, "letters", g_strdup ("How many letters does the word have?"),
               g_strdup_printf ("The word has %s letters.", n), n, LW_EVAL_SCORE_INTEGER)->part = 0;
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  LwEvalRandom random = lw_eval_random_start (seed, "word", side);
  char word[LW_EVAL_TEXT_MAX + 1];
  LwEvalScene *scene;
  GPtrArray *scenes;
  LwEvalSample *sample;
  guint first;
  int across, down;

  if (!lw_eval_picture_options ("word", units, options, FALSE, &random, &across, &down, NULL, error))
    return NULL;
  for (;;)
    {
      LwEvalDrawing d;

      invent (&random, (guint) lw_eval_random_range (&random, 3, LW_EVAL_TEXT_MAX), word);
      if (!lw_eval_word_on_side (word, side))
        continue;
      style (&random, word);
      lw_eval_drawing_start (&d, &random, across * LW_EVAL_CELL, down * LW_EVAL_CELL);
      scene = lw_eval_drawing_scene (&d, &random);
      if (print (scene, &d, &random, word))
        break;
      lw_eval_scene_free (scene);
    }

  sample = lw_eval_sample_new ("word", seed, side, across * down);
  scenes = lw_eval_scenes_new (1);
  g_ptr_array_add (scenes, scene);
  lw_eval_sample_add_scenes (sample, LW_EVAL_PART_PICTURE, scenes, 0);

  first = lw_eval_random_below (&random, 5);
  for (guint j = 0; j < (guint) options->turns; j++)
    {
      guint k = j % 5;

      if (k == 0)
        ask_word (sample, word, first + j / 5);
      else if (k == 4)
        ask_length (sample, word);
      else
        ask_letter (sample, word, k - 1);
    }
  return sample;
}

const LwEvalTask lw_eval_task_word = {
  .name = "word",
  .title = "reading a printed word",
  .visual = TRUE,
  .least_units = LW_EVAL_CELLS_LEAST * LW_EVAL_CELLS_LEAST,
  .tokens_per_unit = 1,
  .make = make,
};
