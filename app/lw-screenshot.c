/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-screenshot.h"

#include <glib/gi18n.h>

#ifdef LW_HAVE_PORTAL
#include <libportal-gtk4/portal-gtk4.h>
#include <libportal/portal.h>

/* In words for people: the bus names its own. */
static GError *
explain (GError *error)
{
  g_dbus_error_strip_remote_error (error);
  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
      || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER)
      || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_INTERFACE)
      || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD)
      || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
    {
      g_free (error->message);
      /* Translators: after "No screenshot could be taken: " */
      error->message = g_strdup (_("This desktop has no service for it (xdg-desktop-portal)."));
    }
  return error;
}

static void
taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autofree char *uri = xdp_portal_take_screenshot_finish (XDP_PORTAL (source), result, &error);

  if (uri)
    g_task_return_pointer (task, g_file_new_for_uri (uri), g_object_unref);
  else
    g_task_return_error (task, explain (error));
}

void
lw_screenshot_async (GtkWindow *parent, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (parent, NULL, callback, user_data);
  g_autoptr (XdpPortal) portal = xdp_portal_new ();
  XdpParent *window = xdp_parent_new_gtk (parent);

  g_task_set_source_tag (task, lw_screenshot_async);
  xdp_portal_take_screenshot (portal, window, XDP_SCREENSHOT_FLAG_INTERACTIVE, NULL, taken, task);
  xdp_parent_free (window);
}
#else
void
lw_screenshot_async (GtkWindow *parent, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (parent, NULL, callback, user_data);

  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           _("This Longwave was built without libportal, which takes screenshots"));
}
#endif

GFile *
lw_screenshot_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
