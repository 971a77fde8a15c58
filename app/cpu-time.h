/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How long the calling thread has computed, microseconds: unlike a clock it does not count what other programs do
 * meanwhile, so that a busy machine changes no decision.
 */
#pragma once

#include <glib.h>
#include <time.h>

G_BEGIN_DECLS

static inline gint64
lw_cpu_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (gint64)t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
}

G_END_DECLS
