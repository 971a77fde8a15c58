/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-inhibitor.h"

/* org.gnome.SessionManager's flag. */
#define SUSPEND 4

struct _LwInhibitor
{
  guint refs; /* an answer that is waited for holds one */
  GtkApplication *app;  /* borrowed; not looked at once nothing is wanted */
  GDBusConnection *bus; /* NULL: there is none */
  char *reason;
  gboolean wanted, asking;
  guint cookie, gtk_cookie; /* 0: none */
};

static void
unref (LwInhibitor *self)
{
  if (--self->refs)
    return;
  g_clear_object (&self->bus);
  g_free (self->reason);
  g_free (self);
}

static void
call (LwInhibitor *self, const char *method, GVariant *arguments, const GVariantType *answer,
      GAsyncReadyCallback callback)
{
  self->refs += callback != NULL;
  g_dbus_connection_call (self->bus, "org.gnome.SessionManager", "/org/gnome/SessionManager",
                          "org.gnome.SessionManager", method, arguments, answer,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, callback, callback ? self : NULL);
}

static void
let_go (LwInhibitor *self)
{
  call (self, "Uninhibit", g_variant_new ("(u)", self->cookie), NULL, NULL);
  self->cookie = 0;
}

static void
answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LwInhibitor *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  self->asking = FALSE;
  if (answer)
    g_variant_get (answer, "(u)", &self->cookie);
  if (answer && !self->wanted)
    let_go (self);
  /* No such service; one that does not answer would let GTK wait as well. */
  if (!answer && self->wanted && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
      && !g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY))
    self->gtk_cookie = gtk_application_inhibit (self->app, gtk_application_get_active_window (self->app),
                                                GTK_APPLICATION_INHIBIT_SUSPEND, self->reason);
  unref (self);
}

void
lw_inhibitor_hold (LwInhibitor *self, const char *reason)
{
  self->wanted = TRUE;
  if (self->asking || self->cookie || self->gtk_cookie || !self->bus)
    return;
  g_free (self->reason);
  self->reason = g_strdup (reason);
  self->asking = TRUE;
  call (self, "Inhibit",
        g_variant_new ("(susu)", g_application_get_application_id (G_APPLICATION (self->app)), 0, reason,
                       SUSPEND),
        G_VARIANT_TYPE ("(u)"), answered);
}

void
lw_inhibitor_release (LwInhibitor *self)
{
  self->wanted = FALSE;
  if (self->cookie)
    let_go (self);
  /* Conversations may end after the application has. */
  if (self->gtk_cookie && g_application_get_is_registered (G_APPLICATION (self->app)))
    gtk_application_uninhibit (self->app, self->gtk_cookie);
  self->gtk_cookie = 0;
}

LwInhibitor *
lw_inhibitor_new (GtkApplication *app)
{
  LwInhibitor *self = g_new0 (LwInhibitor, 1);

  self->refs = 1;
  self->app = app;
  g_set_object (&self->bus, g_application_get_dbus_connection (G_APPLICATION (app)));
  return self;
}

void
lw_inhibitor_free (LwInhibitor *self)
{
  if (!self)
    return;
  self->wanted = FALSE;
  unref (self);
}
