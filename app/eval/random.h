/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The only source of chance in a sample: SplitMix64 and integer arithmetic, so that every machine makes the
 * same bytes.
 */
#pragma once

#include "app/eval/sample.h"

G_BEGIN_DECLS

typedef struct {
  guint64 state;
} LwEvalRandom;

/* FNV-1a over the bytes (offset 0xcbf29ce484222325, prime 0x100000001b3), then SplitMix64's finaliser. */
guint64 lw_eval_hash (const void *bytes, gsize n);

/* The seed of one session of a suite: the hash of the text "SUITE/TASK/LENGTH/SESSION" in decimal. */
guint64 lw_eval_seed (guint64 suite, const char *task, guint64 length, guint64 session);

/* The stream that a sample is made from: its state is the hash of "SEED/TASK/measure" or ".../train". */
LwEvalRandom lw_eval_random_start (guint64 seed, const char *task, LwEvalSide side);

guint64 lw_eval_random_next (LwEvalRandom *random);
/* 0 to n - 1; n at least 1. */
guint32 lw_eval_random_below (LwEvalRandom *random, guint32 n);
/* Both ends included. */
int lw_eval_random_range (LwEvalRandom *random, int least, int most);
void lw_eval_random_shuffle (LwEvalRandom *random, guint *items, guint n);

G_END_DECLS
