/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/questions.h"

#include <string.h>

LwEvalPart *
lw_eval_sample_add_scenes (LwEvalSample *sample, LwEvalPartKind kind, GPtrArray *scenes_taken, double fps)
{
  LwEvalPart *part = g_new0 (LwEvalPart, 1);

  part->kind = kind;
  part->scenes = scenes_taken;
  part->fps = fps;
  g_ptr_array_add (sample->parts, part);
  return part;
}

GPtrArray *
lw_eval_scenes_new (guint n)
{
  return g_ptr_array_new_full (n, (GDestroyNotify) lw_eval_scene_free);
}

LwEvalTurn *
lw_eval_ask (LwEvalSample *sample, const char *kind, char *question_taken, char *reply_taken,
             const char *answer, LwEvalScore score)
{
  LwEvalTurn *turn = lw_eval_sample_add_turn (sample, kind);

  lw_eval_turn_answer (turn, answer);
  g_free (turn->reply);
  turn->reply = reply_taken;
  turn->question = question_taken;
  turn->score = score;
  return turn;
}

void
lw_eval_turn_foreign (LwEvalTurn *turn, const char *const *words, const char *answer)
{
  GStrvBuilder *list = g_strv_builder_new ();

  for (; *words; words++)
    if (strcmp (*words, answer) != 0)
      g_strv_builder_add (list, *words);
  g_strfreev (turn->foreign);
  turn->foreign = g_strv_builder_end (list);
  g_strv_builder_unref (list);
}

void
lw_eval_turn_foreign_colours (LwEvalTurn *turn, LwEvalColour answer)
{
  const char *names[LW_EVAL_N_COLOURS + 1];

  for (int i = 0; i < LW_EVAL_N_COLOURS; i++)
    names[i] = lw_eval_colour_name (i);
  names[LW_EVAL_N_COLOURS] = NULL;
  lw_eval_turn_foreign (turn, names, lw_eval_colour_name (answer));
}

/* Of a single picture, all of it: */
static LwEvalTurn *
about_picture (LwEvalTurn *turn)
{
  turn->part = 0;
  return turn;
}

/* A form has one hole. */
static char *
filled (const char *const forms[LW_EVAL_PHRASINGS], guint phrasing, const char *word)
{
  const char *form = forms[phrasing % LW_EVAL_PHRASINGS], *hole = strchr (form, '*');

  return g_strdup_printf ("%.*s%s%s", (int) (hole - form), form, word, hole + 1);
}

LwEvalTurn *
lw_eval_ask_count (LwEvalSample *sample, int n, int colour, int shape, guint phrasing)
{
  static const char *const forms[] = { "How many * are there?", "How many * do you see?", "Count the *." };
  g_autofree char *many = lw_eval_many (colour, shape), *said = lw_eval_counted (n, colour, shape);
  g_autofree char *answer = g_strdup_printf ("%d", n);

  return about_picture (lw_eval_ask (sample, "count", filled (forms, phrasing, many),
                                     g_strconcat (said, ".", NULL), answer, LW_EVAL_SCORE_INTEGER));
}

LwEvalTurn *
lw_eval_ask_colour (LwEvalSample *sample, const LwEvalThing *thing, guint phrasing)
{
  static const char *const forms[] = { "What colour is the *?", "Which colour does the * have?",
                                       "What is the colour of the *?" };
  const char *shape = lw_eval_shape_name (thing->shape), *colour = lw_eval_colour_name (thing->colour);
  LwEvalTurn *turn = lw_eval_ask (sample, "colour", filled (forms, phrasing, shape),
                                  g_strdup_printf ("The %s is %s.", shape, colour), colour,
                                  LW_EVAL_SCORE_WORD);

  lw_eval_turn_foreign_colours (turn, thing->colour);
  return about_picture (turn);
}

LwEvalTurn *
lw_eval_ask_shape (LwEvalSample *sample, const LwEvalThing *thing, guint phrasing)
{
  static const char *const forms[] = { "What shape is *?", "Which shape is *?", "What is the * shape?" };
  const char *shape = lw_eval_shape_name (thing->shape), *colour = lw_eval_colour_name (thing->colour);
  const char *names[LW_EVAL_N_PLAIN_SHAPES + 1];
  g_autofree char *a_shape = lw_eval_with_article (shape);
  LwEvalTurn *turn = lw_eval_ask (sample, "shape", filled (forms, phrasing, colour),
                                  g_strdup_printf ("The %s shape is %s.", colour, a_shape), shape,
                                  LW_EVAL_SCORE_WORD);

  for (int i = 0; i < LW_EVAL_N_PLAIN_SHAPES; i++)
    names[i] = lw_eval_shape_name (i);
  names[LW_EVAL_N_PLAIN_SHAPES] = NULL;
  lw_eval_turn_foreign (turn, names, shape);
  return about_picture (turn);
}

LwEvalTurn *
lw_eval_ask_where (LwEvalSample *sample, const LwEvalDrawing *drawing, const LwEvalThing *thing,
                   guint phrasing)
{
  static const char *const forms[] = { "Where is the *?", "Where do you see the *?",
                                       "What is the position of the *?" };
  g_autofree char *noun = lw_eval_thing_noun (thing);
  gboolean clear;
  const char *place = lw_eval_drawing_place (drawing, thing, &clear);

  return about_picture (lw_eval_ask (sample, "where", filled (forms, phrasing, noun),
                                     g_strdup_printf ("The %s is %s.", noun, place), place,
                                     LW_EVAL_SCORE_WORD));
}

LwEvalTurn *
lw_eval_ask_smallest (LwEvalSample *sample, const LwEvalThing *thing, guint phrasing)
{
  static const char *const forms[] = { "What is the * shape?", "Which shape is the *?",
                                       "Which is the * shape?" };
  g_autofree char *noun = lw_eval_thing_noun (thing);

  return about_picture (lw_eval_ask (sample, "size", filled (forms, phrasing, "smallest"),
                                     g_strdup_printf ("The smallest shape is the %s.", noun), noun,
                                     LW_EVAL_SCORE_WORD));
}
