/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-watchdog.h"

#include <time.h>

#define TICK_MS 10

static guint source;
static gint64 begin, last, last_cpu;
static gint64 longest, longest_at; /* ms, ms after the start */
static guint stalls;

/* What this thread has computed, microseconds: a stall without it is the machine's, or a wait. */
static gint64
cpu_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (gint64)t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
}

static gboolean
tick (gpointer data)
{
  gint64 now = g_get_monotonic_time (), cpu = cpu_time ();
  gint64 late = (now - last) / 1000 - TICK_MS;

  if (late > LW_WATCHDOG_STALL_MS)
    {
      stalls++;
      g_printerr ("watchdog: stall of %d ms, %d ms of it computing, %d ms after the start\n", (int)late,
                  (int)((cpu - last_cpu) / 1000), (int)((now - begin) / 1000));
    }
  last_cpu = cpu;
  if (late > longest)
    {
      longest = late;
      longest_at = (now - begin) / 1000;
    }
  last = now;
  return G_SOURCE_CONTINUE;
}

void
lw_watchdog_start (void)
{
#ifdef NDEBUG
  if (g_strcmp0 (g_getenv ("LW_WATCHDOG"), "1") != 0)
    return;
#endif
  if (source)
    return;
  begin = last = g_get_monotonic_time ();
  last_cpu = cpu_time ();
  source = g_timeout_add_full (G_PRIORITY_HIGH, TICK_MS, tick, NULL, NULL);
}

void
lw_watchdog_stop (void)
{
  if (!source)
    return;
  g_clear_handle_id (&source, g_source_remove);
  g_printerr ("watchdog: %u stalls over %d ms, longest %d ms (%d ms after the start)\n", stalls,
              LW_WATCHDOG_STALL_MS, (int)longest, (int)longest_at);
}
