/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/random.h"

#include <string.h>

static guint64
finalise (guint64 z)
{
  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

guint64
lw_eval_hash (const void *bytes, gsize n)
{
  const guint8 *p = bytes;
  guint64 h = G_GUINT64_CONSTANT (0xcbf29ce484222325);

  for (gsize i = 0; i < n; i++)
    h = (h ^ p[i]) * G_GUINT64_CONSTANT (0x100000001b3);
  return finalise (h);
}

guint64
lw_eval_seed (guint64 suite, const char *task, guint64 length, guint64 session)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT "/%s/%" G_GUINT64_FORMAT
                                           "/%" G_GUINT64_FORMAT, suite, task, length, session);

  return lw_eval_hash (text, strlen (text));
}

LwEvalRandom
lw_eval_random_start (guint64 seed, const char *task, LwEvalSide side)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT "/%s/%s", seed, task,
                                           side == LW_EVAL_SIDE_MEASURE ? "measure" : "train");

  return (LwEvalRandom){ lw_eval_hash (text, strlen (text)) };
}

guint64
lw_eval_random_next (LwEvalRandom *random)
{
  random->state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return finalise (random->state);
}

guint32
lw_eval_random_below (LwEvalRandom *random, guint32 n)
{
  return ((lw_eval_random_next (random) >> 32) * n) >> 32;
}

int
lw_eval_random_range (LwEvalRandom *random, int least, int most)
{
  return least + (int) lw_eval_random_below (random, most - least + 1);
}

void
lw_eval_random_shuffle (LwEvalRandom *random, guint *items, guint n)
{
  for (guint i = n; i > 1; i--)
    {
      guint j = lw_eval_random_below (random, i), kept = items[i - 1];

      items[i - 1] = items[j];
      items[j] = kept;
    }
}
