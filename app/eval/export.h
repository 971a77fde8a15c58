/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Samples as JSON, for whoever is not written in C: the training script opens liblw-generators.so, which
 * meson builds, and which also builds alone, from the root of the repository, with
 *
 *   cc -O2 -ffp-contract=off -shared -fPIC -I. -o liblw-generators.so glyphs.c \
 *      app/eval/{drawing,export,needles,places,questions,random,registry,sample,scene}.c \
 *      app/eval/{score,score-text,visual,words}.c app/eval/tasks/[a-z]*.c \
 *      $(pkg-config --cflags --libs glib-2.0) -lm
 *
 * after `python3 data/model/glyphs_to_c.py data/model/glyphs.npz glyphs.c`
 *
 * One object, ASCII but for what the texts hold (UTF-8), no line breaks outside strings:
 *
 *   {"id":SEED,"task":"kv","side":"train","units":12,
 *    "context":"...",                    all parts are text: joined
 *    "parts":[{"kind":"text","text":"..."},{"kind":"picture","first":0,"count":1},
 *             {"kind":"film","fps":2,"first":1,"count":64},...]   instead of "context" when one is not;
 *                                        frames count from the sample's start (visual.h)
 *    "multi_turns":[{"input":"...","question":"...",   the same, the first as published files call it
 *      "answer":"...",                   answers[0]; an integer for score "integer", the list for "recall"
 *      "answers":["..."],"foreign":[...],"options":[...],   the last two only where there are any
 *      "reply":"...","task":"kv","score":"substring","cap":64,
 *      "depth":0.1234,"part":0,"at":81,"gold":"..."}]}   -1, -1, -1 and no gold when it is spread
 *
 * "task" of a turn is its kind.  depth has four decimals.  at counts bytes of UTF-8.
 */
#pragma once

#include "app/eval/sample.h"

G_BEGIN_DECLS

/* side: 0 measure, 1 train.  variant: NULL or "" for the default.  Never NULL: {"error":"..."} when the
 * sample cannot be made.  Free with lw_eval_json_free.  Any thread; no state is shared. */
char *lw_eval_json (const char *task, int units, int turns, int hard, const char *variant, guint64 seed,
                    int side);
void lw_eval_json_free (char *json);

/* The names of all tasks, with a space between them; static. */
const char *lw_eval_task_names (void);

/* A sample that was made already. */
char *lw_eval_sample_to_json (const LwEvalSample *sample);

G_END_DECLS
