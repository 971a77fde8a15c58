/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions about pictures and films, in the words of data/model/scenes.py and films.py: several ways to ask,
 * one form of answer.  The model was trained on these; a task that needs another question adds a short one.
 */
#pragma once

#include "app/eval/drawing.h"

G_BEGIN_DECLS

/* A picture (one scene) or a film (a scene a frame); scenes is an array with lw_eval_scene_free. */
LwEvalPart *lw_eval_sample_add_scenes (LwEvalSample *sample, LwEvalPartKind kind, GPtrArray *scenes_taken,
                                       double fps);
GPtrArray *lw_eval_scenes_new (guint n);

/* A turn whose right reply is a sentence that holds the answer.  answer is copied. */
LwEvalTurn *lw_eval_ask (LwEvalSample *sample, const char *kind, char *question_taken, char *reply_taken,
                         const char *answer, LwEvalScore score);
/* Everything of a list but the answer is foreign. */
void lw_eval_turn_foreign_colours (LwEvalTurn *turn, LwEvalColour answer);
void lw_eval_turn_foreign (LwEvalTurn *turn, const char *const *words, const char *answer);

/* phrasing: any number, taken modulo the ways there are. */
#define LW_EVAL_PHRASINGS 3
LwEvalTurn *lw_eval_ask_count (LwEvalSample *sample, int n, int colour, int shape, guint phrasing);
LwEvalTurn *lw_eval_ask_colour (LwEvalSample *sample, const LwEvalThing *thing, guint phrasing);
LwEvalTurn *lw_eval_ask_shape (LwEvalSample *sample, const LwEvalThing *thing, guint phrasing);
LwEvalTurn *lw_eval_ask_where (LwEvalSample *sample, const LwEvalDrawing *drawing, const LwEvalThing *thing,
                               guint phrasing);
/* It is the smallest. */
LwEvalTurn *lw_eval_ask_smallest (LwEvalSample *sample, const LwEvalThing *thing, guint phrasing);

G_END_DECLS
