/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-slices.h"

#include "app/cpu-time.h"

/* ---- In a frame ---- */

typedef struct
{
  gint64 counter; /* of the frame */
  gint64 begin;   /* CPU time */
} Frame;

static void
frame_begins (GdkFrameClock *clock, Frame *frame)
{
  frame->counter = gdk_frame_clock_get_frame_counter (clock);
  frame->begin = lw_cpu_time ();
}

gboolean
lw_slices_frame_has_room (GtkWidget *widget)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (widget);
  Frame *frame;

  if (!clock)
    return TRUE;
  frame = g_object_get_data (G_OBJECT (clock), "lw-slices");
  if (!frame)
    {
      frame = g_new0 (Frame, 1);
      g_object_set_data_full (G_OBJECT (clock), "lw-slices", frame, g_free);
      g_signal_connect (clock, "before-paint", G_CALLBACK (frame_begins), frame);
      frame_begins (clock, frame);
    }
  return gdk_frame_clock_get_frame_counter (clock) != frame->counter || lw_cpu_time () - frame->begin < LW_SLICE_US;
}

/* ---- Between frames ---- */

typedef struct
{
  LwSliceStep step;
  gpointer data;
} Work;

static gboolean
do_slice (gpointer user_data)
{
  const Work *work = user_data;
  GSource *source = g_main_current_source ();
  gint64 end = lw_cpu_time () + LW_SLICE_US;

  do
    if (!work->step (work->data))
      return G_SOURCE_REMOVE;
  while (!g_source_is_destroyed (source) && lw_cpu_time () < end);
  return G_SOURCE_CONTINUE;
}

guint
lw_slices_add (LwSliceStep step, gpointer data)
{
  Work *work = g_new (Work, 1);

  work->step = step;
  work->data = data;
  return g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, do_slice, work, g_free);
}
