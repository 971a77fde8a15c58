/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-watchdog.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <gtk/gtk.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/cpu-time.h"

#define STALL_US (LW_WATCHDOG_STALL_MS * 1000)
#define FRAME_US (G_USEC_PER_SEC / 60)
#define MAX_FRAMES 64

/* All times in microseconds. */
typedef struct
{
  gint64 wall, cpu, queued; /* queued: ready, but another program had the processor */
} Reading;

static struct
{
  gboolean running;
  gint64 begin;
  Reading turn; /* at its begin */
  gboolean in_turn;
  gboolean painted, first_turn; /* a window was, so that somebody may wait; in this turn for the first time */
  gint64 layout_end, painting; /* CPU time: painting of this turn */

  /* Frames of all windows. */
  gint64 frame_begin, update_end; /* CPU time */
  guint n_frames_painted, updates, updated_frames, most_updates;
  gboolean growing; /* a text has grown: since then frames are counted for themselves, too */
  guint late, growing_frames, growing_late;
  gint64 frames_own, frames_painting;
  GArray *frame_times, *references; /* gint64: of each frame, without painting; of reference_work() now and then */
  guint stalls, faults;
  gint64 longest, longest_at;
  int schedstat;

  /* The looking thread. */
  pthread_t main;
  GThread *looker;
  GMutex lock;
  GCond wake;
  gboolean quit;         /* under lock */
  gint64 turn_began;     /* under lock; 0: the loop polls */
  sem_t answered;
  volatile sig_atomic_t telling; /* the main thread waits for the lock */
  void *frames[MAX_FRAMES];
  int n_frames;
  char *own_wait;        /* under lock: the stack that waits in a call of our own, in this turn */
  char *seen;            /* under lock: the stack that was seen last in this turn */
} dog;

/* ---- Measuring ---- */

/* Without the kernel's account of it nothing is known of the queue, and waiting cannot be told from it. */
static gint64
queue_time (void)
{
  char line[128];
  unsigned long long cpu, queued;
  ssize_t n = dog.schedstat >= 0 ? pread (dog.schedstat, line, sizeof line - 1, 0) : -1;

  if (n <= 0)
    return -1;
  line[n] = 0;
  return sscanf (line, "%llu %llu", &cpu, &queued) == 2 ? (gint64)(queued / 1000) : -1;
}

static Reading
read_clocks (void)
{
  return (Reading){ g_get_monotonic_time (), lw_cpu_time (), queue_time () };
}

/* ---- The reference processor ---- */

/* How long reference_work() takes on it, microseconds of CPU time: the first of two hardware threads of an Intel
 * Xeon of 2023 (Emerald Rapids) while nothing else runs on its core; with MALLOC_PERTURB_ set, as meson sets it.
 * When the other thread of the core is busy, as with the X server, it takes twice as long there. */
#define REFERENCE_US 600
#define N_REFERENCES 5
/* Frames between two looks at how fast the processor is. */
#define FRAMES_PER_REFERENCE 16

/* What a user interface does most: small allocations, pointers, comparing strings. */
static gint64
reference_work (void)
{
  gint64 begin = lw_cpu_time ();
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint found = 0;

  for (int i = 0; i < 3000; i++)
    g_hash_table_add (table, g_strdup_printf ("%d words", i));
  for (int i = 0; i < 3000; i += 3)
    {
      char text[32];

      g_snprintf (text, sizeof text, "%d words", i);
      found += g_hash_table_contains (table, text);
    }
  return found ? MAX (1, lw_cpu_time () - begin) : 1;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

  return (x > y) - (x < y);
}

/* A processor that is slower, or that shares its core with another program, takes longer for the same: that is
 * not this program's fault either.  So CPU time is reduced to the reference's, by the same work done at once. */
static gint64
on_reference (gint64 cpu)
{
  gint64 now[N_REFERENCES];

  reference_work (); /* finds its memory */
  for (guint i = 0; i < N_REFERENCES; i++)
    now[i] = reference_work ();
  qsort (now, N_REFERENCES, sizeof *now, compare_times);
  return cpu * REFERENCE_US / MAX (REFERENCE_US, now[N_REFERENCES / 2]);
}

/* ---- Looking at the stack ---- */

static void
on_signal (int number)
{
  dog.n_frames = dog.telling ? 0 : backtrace (dog.frames, MAX_FRAMES);
  sem_post (&dog.answered);
}

static const char *
module_of (void *address)
{
  Dl_info info;
  const char *base;

  if (!dladdr (address, &info) || !info.dli_fname)
    return "?";
  base = strrchr (info.dli_fname, '/');
  return base ? base + 1 : info.dli_fname;
}

/* The call that waits is this program's own: outwards from the C library and GLib it is the first. */
static gboolean
waits_by_itself (void)
{
  const char *own = module_of ((void *)on_signal);
  gboolean waits = FALSE;

  /* The handler and the signal's frame come first. */
  for (int i = 2; i < dog.n_frames; i++)
    {
      const char *module = module_of (dog.frames[i]);
      Dl_info info;

      /* GLib's settings file, which takes the place of the desktop's settings in tests, is synced at once. */
      if (dladdr (dog.frames[i], &info) && g_strcmp0 (info.dli_sname, "g_settings_set_value") == 0)
        return FALSE;
      /* The main loop itself. */
      if (dladdr (dog.frames[i], &info) && info.dli_sname
          && g_str_has_prefix (info.dli_sname, "g_main_context_"))
        return FALSE;

      if (g_str_has_prefix (module, "libc.") || g_str_has_prefix (module, "libglib-")
          || g_str_has_prefix (module, "libgio-") || g_str_has_prefix (module, "libsqlite3."))
        {
          waits = TRUE;
          continue;
        }
      return waits && g_str_equal (module, own);
    }
  return FALSE;
}

/* Names where the dynamic linker knows them, else the place in the file, for nm. */
static char *
describe_stack (void)
{
  GString *s = g_string_new (NULL);

  for (int i = 2; i < dog.n_frames; i++)
    {
      Dl_info info;

      if (!dladdr (dog.frames[i], &info))
        continue;
      g_string_append_printf (s, "%s%s", s->len ? " < " : "", module_of (dog.frames[i]));
      if (info.dli_sname)
        g_string_append_printf (s, ":%s", info.dli_sname);
      else
        g_string_append_printf (s, "+0x%zx", (gsize)((char *)dog.frames[i] - (char *)info.dli_fbase));
    }
  return g_string_free (s, FALSE);
}

/* Is the main thread asleep, whatever for? */
static gboolean
main_sleeps (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%d/stat", (int)getpid ());
  g_autofree char *text = NULL;
  const char *end;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  end = strrchr (text, ')');
  return end && (end[2] == 'S' || end[2] == 'D');
}

/* Under the lock. */
static void
look (void)
{
  gboolean sleeps = main_sleeps ();
  struct timespec until;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += 1;
  if (pthread_kill (dog.main, SIGUSR2) != 0 || sem_timedwait (&dog.answered, &until) != 0)
    return;
  g_free (dog.seen);
  dog.seen = describe_stack ();
  if (sleeps && !dog.own_wait && waits_by_itself ())
    dog.own_wait = g_strdup (dog.seen);
}

static gpointer
looker_thread (gpointer data)
{
  g_mutex_lock (&dog.lock);
  while (!dog.quit)
    {
      gint64 until;

      if (!dog.turn_began)
        {
          g_cond_wait (&dog.wake, &dog.lock);
          continue;
        }
      until = dog.turn_began + STALL_US;
      while (until <= g_get_monotonic_time ())
        until += STALL_US;
      if (!g_cond_wait_until (&dog.wake, &dog.lock, until) && dog.turn_began
          && g_get_monotonic_time () - dog.turn_began >= STALL_US)
        look ();
    }
  g_mutex_unlock (&dog.lock);
  return NULL;
}

static void
tell_looker (gint64 began)
{
  if (!dog.looker)
    return;
  dog.telling = 1;
  g_mutex_lock (&dog.lock);
  dog.turn_began = began;
  if (began)
    {
      g_clear_pointer (&dog.own_wait, g_free);
      g_clear_pointer (&dog.seen, g_free);
    }
  g_cond_signal (&dog.wake);
  g_mutex_unlock (&dog.lock);
  dog.telling = 0;
}

/* ---- Turns ---- */

static void
end_turn (void)
{
  Reading now = read_clocks ();
  gint64 wall = now.wall - dog.turn.wall, cpu = now.cpu - dog.turn.cpu, waited = 0;
  gint64 painting = dog.painting, at = (dog.turn.wall - dog.begin) / 1000;
  gboolean counts = dog.painted && !dog.first_turn;
  gint64 own = cpu - painting;
  const char *why = NULL, *stack;

  tell_looker (0);
  dog.first_turn = FALSE;
  if (wall > dog.longest)
    {
      dog.longest = wall;
      dog.longest_at = at;
    }
  if (wall <= STALL_US)
    return;
  if (now.queued >= 0 && dog.turn.queued >= 0)
    waited = MAX (0, wall - cpu - (now.queued - dog.turn.queued));
  dog.stalls++;
  if (own > STALL_US)
    own = on_reference (own);
  if (counts && own > STALL_US)
    why = "it computed";
  else if (counts && waited > STALL_US && dog.own_wait)
    why = "it waited";
  stack = dog.own_wait ? dog.own_wait : dog.seen;
  g_printerr ("watchdog: stall of %d ms: computed %d ms, %d of them painting, and waited %d ms, %d ms after the "
              "start%s%s%s\n",
              (int)(wall / 1000), (int)(cpu / 1000), (int)(painting / 1000), (int)(waited / 1000), (int)at,
              counts ? "" : " (before the first window)",
              !why && stack ? ", seen in " : "", !why && stack ? stack : "");
  if (!why)
    return;
  dog.faults++;
  g_printerr ("watchdog: fault: %s for %d ms%s%s\n", why, (int)((own > STALL_US ? own : waited) / 1000),
              stack ? ", seen in " : "", stack ? stack : "");
}

static int
poll_between_turns (GPollFD *fds, guint n_fds, int timeout)
{
  int result;

  if (dog.in_turn)
    end_turn ();
  result = g_poll (fds, n_fds, timeout);
  dog.in_turn = TRUE;
  dog.painting = 0;
  /* Before the clocks: the looker may hold its lock. */
  tell_looker (g_get_monotonic_time ());
  dog.turn = read_clocks ();
  return result;
}

/* ---- Painting ---- */

/* For the test of this file: do what it must find. */
static gboolean
misbehave (gpointer data)
{
  const char *how = data;
  gint64 end = lw_cpu_time () + 16 * STALL_US;

  if (g_str_equal (how, "wait"))
    g_usleep (8 * STALL_US);
  while (g_str_equal (how, "compute") && lw_cpu_time () < end)
    ;
  return G_SOURCE_REMOVE;
}

void
lw_watchdog_note_update (void)
{
  dog.updates++;
}

static void
frame_began (GdkFrameClock *clock)
{
  dog.frame_begin = dog.update_end = dog.layout_end = lw_cpu_time ();
}

/* Its time is what it computed, beside painting: 60 frames a second have 16.7 ms each. */
static void
count_frame (gint64 painting)
{
  gint64 own = dog.layout_end - dog.frame_begin, reduced = own > FRAME_US && dog.looker ? on_reference (own) : own;

  dog.growing |= dog.updates > 0;
  dog.growing_frames += dog.growing;
  if (reduced > FRAME_US)
    {
      dog.late++;
      dog.growing_late += dog.growing;
      g_printerr ("watchdog: late frame: computed %.1f ms, on the reference %.1f, %d %% of it before the layout, "
                  "%d ms after the start\n",
                  (double)own / 1000, (double)reduced / 1000,
                  (int)(100 * (dog.update_end - dog.frame_begin) / own),
                  (int)((g_get_monotonic_time () - dog.begin) / 1000));
    }
  dog.n_frames_painted++;
  dog.frames_own += own;
  dog.frames_painting += painting;
  g_array_append_val (dog.frame_times, own);
  dog.updated_frames += dog.updates > 0;
  dog.most_updates = MAX (dog.most_updates, dog.updates);
  dog.updates = 0;
}

/* The phases before it; connected behind GTK's handlers. */
static void
update_ended (GdkFrameClock *clock)
{
  dog.update_end = dog.layout_end = lw_cpu_time ();
}

static void
layout_ended (GdkFrameClock *clock)
{
  dog.layout_end = lw_cpu_time ();
}

static void
painted (GdkFrameClock *clock)
{
  gint64 painting = lw_cpu_time () - dog.layout_end;

  if (!dog.running)
    return;
  count_frame (painting);
  painting = lw_cpu_time () - dog.layout_end;
  if (dog.looker && dog.n_frames_painted % FRAMES_PER_REFERENCE == 0)
    {
      gint64 reference = reference_work ();

      g_array_append_val (dog.references, reference);
      painting = lw_cpu_time () - dog.layout_end;
    }
  dog.painting += painting;
  if (!dog.painted && g_getenv ("LW_WATCHDOG_MISBEHAVE"))
    g_idle_add (misbehave, (gpointer)g_getenv ("LW_WATCHDOG_MISBEHAVE"));
  if (!dog.painted)
    dog.first_turn = TRUE;
  dog.painted = TRUE;
}

static void
realized (GtkWidget *window)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (window);

  if (g_object_get_data (G_OBJECT (clock), "lw-watchdog"))
    return;
  g_object_set_data (G_OBJECT (clock), "lw-watchdog", clock);
  g_signal_connect (clock, "before-paint", G_CALLBACK (frame_began), NULL);
  g_signal_connect_after (clock, "update", G_CALLBACK (update_ended), NULL);
  g_signal_connect_after (clock, "layout", G_CALLBACK (layout_ended), NULL);
  g_signal_connect_after (clock, "paint", G_CALLBACK (painted), NULL);
}

static void
windows_changed (GListModel *windows, guint position, guint removed, guint added)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      g_signal_connect_after (window, "realize", G_CALLBACK (realized), NULL);
    }
}

/* ---- On and off ---- */

static void
start_looking (void)
{
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

  /* The first call loads a library, which a signal handler must not. */
  dog.n_frames = backtrace (dog.frames, MAX_FRAMES);
  sem_init (&dog.answered, 0, 0);
  dog.main = pthread_self ();
  sigaction (SIGUSR2, &action, NULL);
  dog.looker = g_thread_new ("lw-watchdog", looker_thread, NULL);
}

void
lw_watchdog_start (void)
{
  gboolean asked = g_strcmp0 (g_getenv ("LW_WATCHDOG"), "1") == 0;

#ifdef NDEBUG
  if (!asked)
    return;
#endif
  if (dog.running)
    return;
  dog.running = TRUE;
  dog.frame_times = g_array_new (FALSE, FALSE, sizeof (gint64));
  dog.references = g_array_new (FALSE, FALSE, sizeof (gint64));
  dog.begin = g_get_monotonic_time ();
  dog.schedstat = open ("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  g_signal_connect (gtk_window_get_toplevels (), "items-changed", G_CALLBACK (windows_changed), NULL);
  if (asked)
    start_looking ();
  g_main_context_set_poll_func (NULL, poll_between_turns);
}

/* Microseconds of the frame that `percent` of all are not longer than; 100: the longest.  Sorted before. */
static gint64
frame_time_at (double percent)
{
  guint n = dog.frame_times->len;

  return n ? g_array_index (dog.frame_times, gint64, MIN (n - 1, (guint)(n * percent / 100))) : 0;
}

static void
report_frames (void)
{
  gint64 reference = REFERENCE_US;
  double scale;

  g_array_sort (dog.references, compare_times);
  g_array_sort (dog.frame_times, compare_times);
  if (dog.references->len)
    reference = g_array_index (dog.references, gint64, dog.references->len / 2);
  scale = (double)REFERENCE_US / (double)MAX (REFERENCE_US, reference);
  g_printerr ("watchdog: %u frames, %.1f ms each and %.1f ms painting; on the reference 95 %% of them within "
              "%.1f ms, 99 %% within %.1f ms, the longest %.1f ms, %u over 16.7 ms; "
              "%u of them with growing text, at most %u updates in one; %u since it grew, %u of those over 16.7 ms\n",
              dog.n_frames_painted, (double)dog.frames_own / 1000 / MAX (dog.n_frames_painted, 1),
              (double)dog.frames_painting / 1000 / MAX (dog.n_frames_painted, 1),
              (double)frame_time_at (95) * scale / 1000, (double)frame_time_at (99) * scale / 1000,
              (double)frame_time_at (100) * scale / 1000, dog.late, dog.updated_frames, dog.most_updates,
              dog.growing_frames, dog.growing_late);
}

void
lw_watchdog_stop (void)
{
  if (!dog.running)
    return;
  dog.running = FALSE;
  g_main_context_set_poll_func (NULL, NULL);
  if (dog.looker)
    {
      g_mutex_lock (&dog.lock);
      dog.quit = TRUE;
      g_cond_signal (&dog.wake);
      g_mutex_unlock (&dog.lock);
      g_thread_join (g_steal_pointer (&dog.looker));
    }
  if (dog.schedstat >= 0)
    close (dog.schedstat);
  g_printerr ("watchdog: %u stalls over %d ms, longest %d ms (%d ms after the start), %u faults\n", dog.stalls,
              LW_WATCHDOG_STALL_MS, (int)(dog.longest / 1000), (int)dog.longest_at, dog.faults);
  report_frames ();
  g_clear_pointer (&dog.frame_times, g_array_unref);
  g_clear_pointer (&dog.references, g_array_unref);
}
