/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-graphics-finder.h"

#include <gio/gio.h>

typedef struct
{
  GWeakRef owner;
  LwGraphicsFound found;
} Asked;

static void
look (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_pointer (task, lw_device_find_graphics (), (GDestroyNotify)lw_graphics_free);
}

static void
looked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asked *asked = user_data;
  g_autoptr (lw_graphics) graphics = g_task_propagate_pointer (G_TASK (result), NULL);
  g_autoptr (GObject) owner = g_weak_ref_get (&asked->owner);

  if (owner && graphics)
    asked->found (owner, graphics);
  g_weak_ref_clear (&asked->owner);
  g_free (asked);
}

void
lw_graphics_find (GObject *owner, LwGraphicsFound found)
{
  g_autoptr (GTask) task = NULL;
  Asked *asked = g_new0 (Asked, 1);

  g_weak_ref_init (&asked->owner, owner);
  asked->found = found;
  task = g_task_new (NULL, NULL, looked, asked);
  g_task_set_source_tag (task, lw_graphics_find);
  g_task_run_in_thread (task, look);
}
