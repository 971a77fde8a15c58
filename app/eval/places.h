/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which unit of a context holds what: golds are spread over the whole depth, everything else goes where
 * there is room; and a story, a text whose sentences were put at such places with filler between them.
 */
#pragma once

#include "app/eval/random.h"

G_BEGIN_DECLS

typedef struct {
  guint8 *taken;
  guint n, left;
} LwEvalSlots;

void lw_eval_slots_init (LwEvalSlots *slots, guint n);
void lw_eval_slots_clear (LwEvalSlots *slots);
/* The wanted unit, or the next free one after it, from the start again behind the last.  One must be left. */
guint lw_eval_slots_take (LwEvalSlots *slots, guint wanted);
guint lw_eval_slots_take_any (LwEvalSlots *slots, LwEvalRandom *random);
/* One unit for each of `turns` golds: gold j is in bin perm[j] of `turns` equal ones, at a random place of
 * it; with fixed_depth 0 to 100 all are at that percentage instead, or next to it.  out: [turns]. */
void lw_eval_slots_spread (LwEvalSlots *slots, LwEvalRandom *random, guint turns, int fixed_depth,
                           guint *out);

typedef void (*LwEvalFiller) (gpointer user, LwEvalRandom *random, GString *out);

typedef struct {
  LwEvalSlots slots;
  char **lines;  /* [n] the sentence at each slot, owned; NULL where filler goes */
  gint64 *at;    /* [n] its byte offset, after lw_eval_story_write */
} LwEvalStory;

void lw_eval_story_init (LwEvalStory *story, guint n);
void lw_eval_story_clear (LwEvalStory *story);
/* The slot was taken from story->slots. */
void lw_eval_story_put (LwEvalStory *story, guint slot, char *sentence_taken);
/* Appends the sentences with a space between them, and a line break after every `a_line`. */
void lw_eval_story_write (LwEvalStory *story, guint a_line, LwEvalFiller filler, gpointer user,
                          LwEvalRandom *random, GString *out);

/* A filler: `user` is an LwEvalNoise. */
void lw_eval_filler_noise (gpointer user, LwEvalRandom *random, GString *out);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LwEvalSlots, lw_eval_slots_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LwEvalStory, lw_eval_story_clear)

G_END_DECLS
