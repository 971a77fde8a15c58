/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-application.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>

#include "app/lw-attention.h"
#include "app/lw-chats.h"
#include "app/lw-engine-service.h"
#include "app/lw-model-library.h"
#include "app/lw-names.h"
#include "app/lw-preferences.h"
#include "app/lw-search-provider.h"
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
  LwChats *chats;
  LwAttention *attention;
  LwSearchProvider *search;
};

G_DEFINE_FINAL_TYPE (LwApplication, lw_application, ADW_TYPE_APPLICATION)

static LwWindow *
make_window (LwApplication *self)
{
  return lw_window_new (GTK_APPLICATION (self), self->settings, self->store, self->engine,
                        self->library, self->chats);
}

static LwWindow *
get_window (LwApplication *self)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l; l = l->next)
    if (LW_IS_WINDOW (l->data) && (!window || !LW_IS_WINDOW (window)))
      window = l->data;
  if (LW_IS_WINDOW (window))
    return LW_WINDOW (window);
  return make_window (self);
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

LwAttention *
lw_application_get_attention (LwApplication *self)
{
  return self->attention;
}

static void
action_new_window (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_window_present (GTK_WINDOW (make_window (user_data)));
}

/* From a notification or a search. */
static void
action_open_chat (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  LwWindow *window = get_window (user_data);

  lw_window_open_chat (window, g_variant_get_string (parameter, NULL));
  gtk_window_present (GTK_WINDOW (window));
}

static void
search_activated (LwApplication *self, const char *chat, const char *terms)
{
  LwWindow *window = get_window (self);

  if (chat)
    lw_window_open_chat (window, chat);
  gtk_window_present (GTK_WINDOW (window));
}

static void
delete_all (LwApplication *self)
{
  lw_chats_delete_all (self->chats);
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l; l = l->next)
    if (LW_IS_WINDOW (l->data))
      lw_window_forget (l->data, NULL);
}

static void
action_preferences (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  LwApplication *self = user_data;
  LwPreferences *preferences = lw_preferences_new (self->settings);
  GtkWindow *window = GTK_WINDOW (get_window (self));

  gtk_window_set_transient_for (GTK_WINDOW (preferences), window);
  gtk_window_set_destroy_with_parent (GTK_WINDOW (preferences), TRUE);
  g_signal_connect_object (preferences, "delete-all", G_CALLBACK (delete_all), self,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (preferences));
}

static void
settings_changed (LwApplication *self)
{
  static const AdwColorScheme schemes[]
      = { ADW_COLOR_SCHEME_DEFAULT, ADW_COLOR_SCHEME_FORCE_LIGHT, ADW_COLOR_SCHEME_FORCE_DARK };
  int scheme = lw_settings_get_int (self->settings, "color-scheme");
  LwEngineConfig config = {
    .n_threads = lw_settings_get_int (self->settings, "threads"),
    .n_ctx = (guint32)lw_settings_get_int (self->settings, "context-tokens"),
    .kv_type = lw_settings_get_int (self->settings, "kv-precision") == 1 ? LW_KV_Q8_0 : LW_KV_F16,
    .only_cpu = !lw_settings_get_boolean (self->settings, "use-gpu"),
    .keep_snapshots = lw_settings_get_boolean (self->settings, "keep-snapshots"),
    .stop_repeating = lw_settings_get_boolean (self->settings, "stop-repeating"),
    .snapshot_bytes
    = (guint64)lw_settings_get_int (self->settings, "snapshot-gigabytes") * 1000 * 1000 * 1000,
  };

  adw_style_manager_set_color_scheme (adw_style_manager_get_default (),
                                      schemes[CLAMP (scheme, 0, 2)]);
  lw_engine_service_configure (self->engine, &config);
  lw_model_library_set_kv_type (self->library, config.kv_type);
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
    { .name = "new-window", .activate = action_new_window },
    { .name = "open-chat", .activate = action_open_chat, .parameter_type = "s" },
    { .name = "preferences", .activate = action_preferences },
  };
  static const struct
  {
    const char *action, *keys[3];
  } accels[] = {
    { "app.preferences", { "<Control>comma" } },
    { "app.new-window", { "<Control><Shift>n" } },
    { "app.quit", { "<Control>q" } },        { "window.close", { "<Control>w" } },
    { "win.search", { "<Control>f" } },
    { "win.new-chat", { "<Control>n" } },    { "win.attach", { "<Control>o" } },
    { "win.new-temporary-chat", { "<Control><Shift>t" } },
    { "win.toggle-sidebar", { "F9" } },      { "win.stop", { "Escape" } },
    { "win.chat-options", { "<Control>e" } },
    { "win.models", { "<Control><Shift>m" } },
    { "win.show-help-overlay", { "<Control>question", "<Control><Shift>question" } },
  };
  LwApplication *self = LW_APPLICATION (app);

  G_APPLICATION_CLASS (lw_application_parent_class)->startup (app);
  lw_name_buttons_once ();
  lw_watchdog_start ();
  gtk_window_set_default_icon_name (LW_APP_ID);
  /* For tests: GTK takes the direction from its own translations. */
  if (g_strcmp0 (g_getenv ("LW_DIRECTION"), "rtl") == 0)
    gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
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
  self->chats = lw_chats_new (self->store, self->engine);
  self->attention = lw_attention_new (GTK_APPLICATION (app), self->settings);
  lw_search_provider_set_store (self->search, self->store);
  g_signal_connect_swapped (self->settings, "changed", G_CALLBACK (settings_changed), self);
  settings_changed (self);
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
  if (self->chats)
    lw_chats_shutdown (self->chats);
  if (self->store)
    {
      lw_store_service_purge (self->store, NULL);
      lw_store_service_shutdown (self->store);
    }
  lw_watchdog_stop ();
  G_APPLICATION_CLASS (lw_application_parent_class)->shutdown (app);
}

static gboolean
lw_application_dbus_register (GApplication *app, GDBusConnection *bus, const char *path,
                              GError **error)
{
  return G_APPLICATION_CLASS (lw_application_parent_class)->dbus_register (app, bus, path, error)
         && lw_search_provider_export (LW_APPLICATION (app)->search, bus, error);
}

static void
lw_application_dbus_unregister (GApplication *app, GDBusConnection *bus, const char *path)
{
  lw_search_provider_unexport (LW_APPLICATION (app)->search);
  G_APPLICATION_CLASS (lw_application_parent_class)->dbus_unregister (app, bus, path);
}

/* --new-window: in the instance that runs already, when there is one. */
static int
lw_application_handle_local_options (GApplication *app, GVariantDict *options)
{
  g_autoptr (GError) error = NULL;

  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("longwave %s\n", LW_VERSION);
      return 0;
    }
  if (!g_variant_dict_contains (options, "new-window"))
    return -1;
  if (!g_application_register (app, NULL, &error))
    {
      g_printerr ("longwave: %s\n", error->message);
      return 1;
    }
  if (!g_application_get_is_remote (app))
    return -1; /* the first window is a new one */
  g_action_group_activate_action (G_ACTION_GROUP (app), "new-window", NULL);
  return 0;
}

static void
lw_application_finalize (GObject *object)
{
  LwApplication *self = LW_APPLICATION (object);

  g_clear_object (&self->settings);
  g_clear_object (&self->search);
  g_clear_object (&self->attention);
  g_clear_object (&self->chats);
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
  app_class->dbus_register = lw_application_dbus_register;
  app_class->dbus_unregister = lw_application_dbus_unregister;
  app_class->handle_local_options = lw_application_handle_local_options;
}

static void
lw_application_init (LwApplication *self)
{
  static const GOptionEntry entries[]
      = { { "new-window", 'w', 0, G_OPTION_ARG_NONE, NULL, N_ ("Open a new window"), NULL },
          { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Print the version"), NULL },
          { NULL } };

  g_application_add_main_option_entries (G_APPLICATION (self), entries);
  self->search = lw_search_provider_new ();
  g_signal_connect_object (self->search, "activated", G_CALLBACK (search_activated), self,
                           G_CONNECT_SWAPPED);
}

LwApplication *
lw_application_new (void)
{
  return g_object_new (LW_TYPE_APPLICATION, "application-id", LW_APP_ID, "flags",
                       G_APPLICATION_HANDLES_OPEN, "resource-base-path", LW_RESOURCE_BASE, NULL);
}
