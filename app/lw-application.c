/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-application.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>

#include "app/lw-engine-service.h"
#include "app/lw-model-library.h"
#include "app/lw-settings.h"
#include "app/lw-store-service.h"
#include "app/lw-watchdog.h"
#include "app/lw-window.h"

struct _LwApplication
{
  AdwApplication parent_instance;
  LwSettings *settings;
  LwStoreService *store;
  LwEngineService *engine;
  LwModelLibrary *library;
};

G_DEFINE_FINAL_TYPE (LwApplication, lw_application, ADW_TYPE_APPLICATION)

static LwWindow *
get_window (LwApplication *self)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  if (LW_IS_WINDOW (window))
    return LW_WINDOW (window);
  return lw_window_new (GTK_APPLICATION (self), self->settings, self->store, self->engine,
                        self->library);
}

static void
lw_application_activate (GApplication *app)
{
  gtk_window_present (GTK_WINDOW (get_window (LW_APPLICATION (app))));
}

static void
lw_application_open (GApplication *app, GFile **files, int n_files, const char *hint)
{
  LwWindow *window = get_window (LW_APPLICATION (app));

  lw_window_attach (window, files, n_files);
  gtk_window_present (GTK_WINDOW (window));
}

static void
action_about (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  LwApplication *self = user_data;

  adw_show_about_window (gtk_application_get_active_window (GTK_APPLICATION (self)),
                         "application-name", _("Longwave"), "application-icon", LW_APP_ID,
                         "version", LW_VERSION, "developer-name", _("The Longwave developers"),
                         "license-type", GTK_LICENSE_GPL_3_0, "comments",
                         _("Chat about pictures and films with a model that runs on this "
                           "computer."),
                         NULL);
}

static void
action_quit (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  /* Held: a window takes its dialogs with it. */
  GList *windows = g_list_copy_deep (gtk_application_get_windows (GTK_APPLICATION (user_data)),
                                     (GCopyFunc)(void (*) (void))g_object_ref, NULL);

  /* Closing lets each window save its state. */
  for (GList *l = windows; l; l = l->next)
    gtk_window_close (l->data);
  g_list_free_full (windows, g_object_unref);
}

/* The session ends, or somebody pressed Ctrl+C in a terminal. */
static gboolean
signalled (gpointer user_data)
{
  action_quit (NULL, NULL, user_data);
  return G_SOURCE_REMOVE;
}

static void
lw_application_startup (GApplication *app)
{
  static const GActionEntry actions[] = {
    { .name = "about", .activate = action_about },
    { .name = "quit", .activate = action_quit },
  };
  static const struct
  {
    const char *action, *keys[3];
  } accels[] = {
    { "app.quit", { "<Control>q" } },        { "window.close", { "<Control>w" } },
    { "win.search", { "<Control>f" } },
    { "win.new-chat", { "<Control>n" } },    { "win.attach", { "<Control>o" } },
    { "win.toggle-sidebar", { "F9" } },      { "win.stop", { "Escape" } },
    { "win.chat-options", { "<Control>e" } },
    { "win.models", { "<Control><Shift>m" } },
    { "win.show-help-overlay", { "<Control>question", "<Control><Shift>question" } },
  };
  LwApplication *self = LW_APPLICATION (app);

  G_APPLICATION_CLASS (lw_application_parent_class)->startup (app);
  lw_watchdog_start ();
  gtk_window_set_default_icon_name (LW_APP_ID);
  g_action_map_add_action_entries (G_ACTION_MAP (app), actions, G_N_ELEMENTS (actions), app);
  for (gsize i = 0; i < G_N_ELEMENTS (accels); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (app), accels[i].action,
                                           accels[i].keys);
  g_unix_signal_add (SIGTERM, signalled, app);
  g_unix_signal_add (SIGINT, signalled, app);
  self->settings = lw_settings_new ();
  self->store = lw_store_service_new ();
  self->engine = lw_engine_service_new ();
  self->library = lw_model_library_new ();
}

static void
lw_application_shutdown (GApplication *app)
{
  LwApplication *self = LW_APPLICATION (app);

  if (self->library)
    lw_model_library_shutdown (self->library);
  /* The engine first: what it still says is saved by the store. */
  if (self->engine)
    lw_engine_service_shutdown (self->engine);
  if (self->store)
    {
      lw_store_service_purge (self->store, NULL);
      lw_store_service_shutdown (self->store);
    }
  lw_watchdog_stop ();
  G_APPLICATION_CLASS (lw_application_parent_class)->shutdown (app);
}

static void
lw_application_finalize (GObject *object)
{
  LwApplication *self = LW_APPLICATION (object);

  g_clear_object (&self->settings);
  g_clear_object (&self->library);
  g_clear_object (&self->engine);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (lw_application_parent_class)->finalize (object);
}

static void
lw_application_class_init (LwApplicationClass *klass)
{
  GApplicationClass *app_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lw_application_finalize;
  app_class->activate = lw_application_activate;
  app_class->open = lw_application_open;
  app_class->startup = lw_application_startup;
  app_class->shutdown = lw_application_shutdown;
}

static void
lw_application_init (LwApplication *self)
{
}

LwApplication *
lw_application_new (void)
{
  return g_object_new (LW_TYPE_APPLICATION, "application-id", LW_APP_ID, "flags",
                       G_APPLICATION_HANDLES_OPEN, "resource-base-path", LW_RESOURCE_BASE, NULL);
}
