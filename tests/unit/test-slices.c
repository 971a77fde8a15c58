/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Work in slices between frames: how much of it is done in one turn of the main loop.
 */
#include "app/cpu-time.h"
#include "app/lw-slices.h"

typedef struct
{
  guint left, done, source;
  gint64 compute;      /* microseconds of each step */
  gboolean end_itself; /* after the third */
} Work;

static gboolean
step (gpointer data)
{
  Work *work = data;
  gint64 end = lw_cpu_time () + work->compute;

  while (lw_cpu_time () < end)
    ;
  work->done++;
  if (work->end_itself && work->done == 3)
    g_source_remove (work->source);
  return --work->left > 0;
}

/* A step that fills a slice is alone in its turn, however busy the machine is. */
static void
test_long_steps (void)
{
  Work work = { .left = 5, .compute = LW_SLICE_US };

  work.source = lw_slices_add (step, &work);
  for (guint turn = 1; turn <= 5; turn++)
    {
      g_main_context_iteration (NULL, FALSE);
      g_assert_cmpuint (work.done, ==, turn);
    }
  g_assert_null (g_main_context_find_source_by_id (NULL, work.source));
  g_assert_false (g_main_context_iteration (NULL, FALSE));
}

/* Short ones share a turn. */
static void
test_short_steps (void)
{
  Work work = { .left = 1000 };
  guint turns = 0;

  work.source = lw_slices_add (step, &work);
  while (g_main_context_iteration (NULL, FALSE))
    turns++;
  g_assert_cmpuint (work.done, ==, 1000);
  g_assert_cmpuint (turns, <, 500);
}

static void
test_removed_in_a_step (void)
{
  Work work = { .left = 1000, .end_itself = TRUE };

  work.source = lw_slices_add (step, &work);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (work.done, ==, 3);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/slices/long-steps", test_long_steps);
  g_test_add_func ("/slices/short-steps", test_short_steps);
  g_test_add_func ("/slices/removed-in-a-step", test_removed_in_a_step);
  return g_test_run ();
}
