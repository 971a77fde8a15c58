/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * filmorder: 3 or 4 things happen in a film one after the other, hard: 5; what first, second, last, what
 * after another.  In half of the films everything that happens is that a shape appears; in the others
 * shapes move, grow, shrink, disappear and change their colour as well.
 * Unit: a frame, two a second; an odd number is made even.  Variant "8x6": cells across and down.
 */
#include <string.h>

#include "app/eval/needles.h"
#include "app/eval/tasks/tasks.h"

#define EVENTS_MAX 5
#define SMALLEST 0.45 /* of a shape before it grew */

typedef enum { APPEAR, VANISH, GROW, SHRINK, COLOUR, LEFT, RIGHT, UP, DOWN, N_WHATS } What;

typedef struct {
  int thing;
  What what;
  int colour;          /* COLOUR: what it turns to */
  float rgb[3];
  double reach;        /* moves: pixels */
  guint start, end;    /* pairs; what takes time takes until the end of the pair before `end` */
} Event;

static char *
phrase_of (const LwEvalDrawing *d, const Event *e)
{
  static const char *const verbs[] = { "appears", "disappears", "grows", "shrinks", "turns",
                                       "moves to the left", "moves to the right", "moves up", "moves down" };
  g_autofree char *noun = lw_eval_thing_noun (&d->things[e->thing]);

  return g_strdup_printf ("the %s %s%s%s", noun, verbs[e->what], e->what == COLOUR ? " " : "",
                          e->what == COLOUR ? lw_eval_colour_name ((LwEvalColour) e->colour) : "");
}

/* How far a thing can go before it meets another or the border. */
static double
way_of (const LwEvalDrawing *d, const LwEvalThing *t, What what)
{
  double dx = what == LEFT ? -1 : what == RIGHT ? 1 : 0, dy = what == UP ? -1 : what == DOWN ? 1 : 0, way = 0;

  for (;; way += 2)
    {
      double x = t->x + dx * (way + 2), y = t->y + dy * (way + 2);

      if (x < t->r || y < t->r || x > d->width - t->r || y > d->height - t->r ||
          !lw_eval_drawing_free (d, x, y, t->r, t))
        return way;
    }
}

static gboolean
choose (Event *e, const LwEvalDrawing *d, LwEvalRandom *random, gboolean appear)
{
  const LwEvalThing *t = &d->things[e->thing];

  e->what = appear ? APPEAR : lw_eval_random_below (random, N_WHATS);
  if (e->what >= LEFT)
    {
      /* A thing that moves comes back to no other's place: ways are free of where all things ever start. */
      e->reach = way_of (d, t, e->what);
      return e->reach >= 0.2 * (e->what <= RIGHT ? d->width : d->height);
    }
  if (e->what == COLOUR)
    {
      e->colour = (int) lw_eval_random_below (random, LW_EVAL_N_COLOURS);
      lw_eval_colour_tone (random, (LwEvalColour) e->colour, e->rgb);
      return e->colour != (int) t->colour && e->colour != d->ground_colour &&
             lw_eval_tones_apart (e->rgb, d->tone, 88) && lw_eval_tones_apart (e->rgb, d->tone2, 88) &&
             lw_eval_tones_apart (e->rgb, t->rgb, 88);
    }
  return TRUE;
}

/* Things of which no two have the same name, an event for each of the first n. */
static gboolean
draw (LwEvalDrawing *d, Event *events, guint n, gboolean appear, LwEvalRandom *random, int width, int height)
{
  guint n_things = n + lw_eval_random_below (random, 2);
  double side = MIN (width, height);

  lw_eval_drawing_start (d, random, width, height);
  d->border = 0;
  for (guint i = 0; i < n_things; i++)
    {
      const LwEvalThing *t;

      if (!lw_eval_drawing_put (d, random, LW_EVAL_ANY, LW_EVAL_ANY, MAX (9, 0.08 * side), 0.15 * side))
        return FALSE;
      t = &d->things[i];
      if (lw_eval_drawing_count (d, (int) t->colour, (int) t->shape, NULL) > 1)
        return FALSE;
    }
  for (guint i = 0; i < n; i++)
    {
      events[i] = (Event){ .thing = (int) i };
      if (!choose (&events[i], d, random, appear))
        return FALSE;
    }
  /* Two moves could meet where neither starts. */
  for (guint i = 0, moves = 0; i < n; i++)
    if (events[i].what >= LEFT && ++moves > 1)
      return FALSE;
  return TRUE;
}

/* One after the other, each within its share of the pairs after the first. */
static void
schedule (Event *events, guint n, guint pairs, LwEvalRandom *random)
{
  for (guint i = 0; i < n; i++)
    {
      guint from = 1 + i * (pairs - 1) / n, to = 1 + (i + 1) * (pairs - 1) / n;

      events[i].start = (guint) lw_eval_random_range (random, (int) from,
                                                      (int) (to - from > 2 ? to - 2 : from));
      events[i].end = to;
    }
}

/* The thing as it looks in a frame; FALSE when it is not there. */
static gboolean
look_of (LwEvalThing *t, const Event *e, guint frame)
{
  guint begin = 2 * e->start, last = 2 * e->end - 1;
  gboolean done = frame >= begin;
  double q = !done ? 0 : frame >= last ? 1 : (double) (frame - begin) / (double) (last - begin);

  switch (e->what)
    {
    case APPEAR:
      return done;
    case VANISH:
      return !done;
    case GROW:
      t->r *= SMALLEST + (1 - SMALLEST) * q;
      break;
    case SHRINK:
      t->r *= 1 - (1 - SMALLEST) * q;
      break;
    case COLOUR:
      if (done)
        memcpy (t->rgb, e->rgb, sizeof e->rgb);
      break;
    case LEFT:
    case RIGHT:
      t->x += (e->what == LEFT ? -1 : 1) * e->reach * q;
      break;
    case UP:
    case DOWN:
    default:
      t->y += (e->what == UP ? -1 : 1) * e->reach * q;
    }
  return TRUE;
}

static GPtrArray *
film_of (const LwEvalDrawing *d, const Event *events, guint n, guint frames, LwEvalRandom *random)
{
  GPtrArray *scenes = lw_eval_scenes_new (frames);
  int noise = lw_eval_chance (random, 0.5) ? 4 : 0;
  guint64 seed = lw_eval_random_next (random);

  for (guint f = 0; f < frames; f++)
    {
      LwEvalScene *scene = lw_eval_drawing_sheet (d);

      lw_eval_scene_set_noise (scene, noise, seed + f);
      for (int i = 0; i < d->n; i++)
        {
          LwEvalThing t = d->things[i];

          if (i >= (int) n || look_of (&t, &events[i], f))
            lw_eval_scene_add_thing (scene, &t);
        }
      g_ptr_array_add (scenes, scene);
    }
  return scenes;
}

/* Event `which` by its number, or otherwise: as the last, or by the one before it. */
static void
ask (LwEvalSample *sample, const LwEvalDrawing *d, const Event *events, guint n, gboolean appear, guint which,
     gboolean otherwise, guint pairs)
{
  static const char *const ordinals[] = { "first", "second", "third", "fourth", "fifth" };
  const char *names[LW_EVAL_THINGS_MAX + 1], *verb = appear ? "appears" : "happens";
  g_autofree char *noun = lw_eval_thing_noun (&d->things[events[which].thing]);
  g_autofree char *phrase = phrase_of (d, &events[which]);
  char *question, *reply;
  LwEvalTurn *turn;

  if (!otherwise || which == 0)
    question = g_strdup_printf ("What %s %s?", verb, ordinals[which]);
  else if (which == n - 1)
    question = g_strdup_printf ("What %s last?", verb);
  else
    {
      g_autofree char *before = appear ? lw_eval_thing_noun (&d->things[events[which - 1].thing])
                                       : phrase_of (d, &events[which - 1]);

      question = g_strdup_printf ("What %s after %s%s?", verb, appear ? "the " : "", before);
    }
  reply = g_strconcat ("T", phrase + 1, ".", NULL);
  turn = lw_eval_ask (sample, "film-order", question, reply, noun, LW_EVAL_SCORE_WORD);
  for (int i = 0; i < d->n; i++)
    names[i] = lw_eval_thing_noun (&d->things[i]);
  names[d->n] = NULL;
  lw_eval_turn_foreign (turn, names, noun);
  for (int i = 0; i < d->n; i++)
    g_free ((char *) names[i]);
  lw_eval_turn_place (turn, 0, 2 * events[which].start, NULL, events[which].start, pairs);
}

static LwEvalSample *
make (guint64 seed, LwEvalSide side, int units, const LwEvalOptions *options, GError **error)
{
  LwEvalRandom random = lw_eval_random_start (seed, "filmorder", side);
  guint order[EVENTS_MAX], n, pairs, other;
  Event events[EVENTS_MAX];
  LwEvalSample *sample;
  LwEvalDrawing d;
  gboolean appear;
  int across, down;

  if (!lw_eval_picture_options ("filmorder", units, options, TRUE, &random, &across, &down, NULL, error))
    return NULL;
  n = options->hard ? EVENTS_MAX : (guint) lw_eval_random_range (&random, 3, 4);
  pairs = MAX (((guint) units + 1) / 2, n + 1);
  appear = lw_eval_chance (&random, 0.5);
  while (!draw (&d, events, n, appear, &random, across * LW_EVAL_CELL, down * LW_EVAL_CELL) ||
         !lw_eval_drawing_on_side (&d, "film", side))
    ;
  schedule (events, n, pairs, &random);

  sample = lw_eval_sample_new ("filmorder", seed, side, (int) pairs * 2);
  lw_eval_sample_add_scenes (sample, LW_EVAL_PART_FILM, film_of (&d, events, n, 2 * pairs, &random),
                             LW_EVAL_FILM_FPS);

  /* Every event is asked for before one is again, and then in other words. */
  for (guint k = 0; k < n; k++)
    order[k] = k;
  lw_eval_random_shuffle (&random, order, n);
  other = lw_eval_random_below (&random, 2);
  for (guint j = 0; j < (guint) options->turns; j++)
    ask (sample, &d, events, n, appear, order[j % n], (order[j % n] + other + j / n) % 2 == 1, pairs);
  return sample;
}

const LwEvalTask lw_eval_task_filmorder = {
  .name = "filmorder",
  .title = "what happens first, second, last in a film",
  .visual = TRUE,
  .least_units = 8,
  .tokens_per_unit = 32,
  .make = make,
};
