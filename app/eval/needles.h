/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a long film is searched for.  The haystack: a gradient of two colours that turns, six shapes that
 * drift and are reflected at the borders, light noise; no letters, circles, stars or arrows.  A needle
 * replaces two frames wholly, those that one temporal patch merges: a card with four digits, the only star
 * of the film in one of 8 colours, an arrow in one of 4 directions, 1 to 9 dots.
 */
#pragma once

#include "app/eval/questions.h"
#include "app/eval/words.h"

G_BEGIN_DECLS

#define LW_EVAL_HAY_SHAPES 6
#define LW_EVAL_FILM_FPS 2.0
/* One star; cards, arrows and dots in 8 colours. */
#define LW_EVAL_NEEDLES_MAX 25
#define LW_EVAL_CARDS_MAX 8

typedef struct {
  int width, height;
  float tone[3], tone2[3];
  double turn, turning;          /* radians, radians a frame */
  guint64 noise;
  struct {
    LwEvalThing thing;           /* where it is at frame 0 */
    double dx, dy;               /* pixels a frame */
  } shapes[LW_EVAL_HAY_SHAPES];
} LwEvalHay;

void lw_eval_hay_init (LwEvalHay *hay, LwEvalRandom *random, int width, int height);
LwEvalScene *lw_eval_hay_frame (const LwEvalHay *hay, gint64 frame);

typedef enum {
  LW_EVAL_NEEDLE_CARD,
  LW_EVAL_NEEDLE_ARROW,
  LW_EVAL_NEEDLE_DOTS,
  LW_EVAL_NEEDLE_STAR,
  LW_EVAL_N_NEEDLES,
} LwEvalNeedleKind;

typedef struct {
  LwEvalNeedleKind kind;
  LwEvalColour colour;
  gboolean named;                /* there are others of its kind: the question names the colour */
  const char *number;            /* CARD: four digits, owned by the words */
  int value;                     /* ARROW: up, right, down, left; DOTS: how many */
} LwEvalNeedle;

/* n, 1 to LW_EVAL_NEEDLES_MAX, of which no two are asked for in the same words.  cards: of that kind only, and
 * 1 to LW_EVAL_CARDS_MAX. */
void lw_eval_needles_init (LwEvalNeedle *needles, guint n, LwEvalRandom *random, LwEvalWords *words, gboolean cards);
LwEvalScene *lw_eval_needle_frame (const LwEvalNeedle *needle, const LwEvalHay *hay, LwEvalRandom *random);
/* The frame twice, from scenes[at] on, which are NULL; with the noise of frames `frame` and the next.
 * Takes look. */
void lw_eval_needle_show (LwEvalScene *look_taken, const LwEvalHay *hay, GPtrArray *scenes, guint at,
                          gint64 frame);
/* choice: four options, lettered, instead of a sentence.  hard: the wrong numbers differ in one digit. */
LwEvalTurn *lw_eval_needle_ask (const LwEvalNeedle *needle, LwEvalSample *sample, LwEvalRandom *random,
                                gboolean choice, gboolean hard);

G_END_DECLS
