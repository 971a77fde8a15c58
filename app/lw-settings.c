/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-settings.h"

#include <gio/gio.h>

struct _LwSettings
{
  GObject parent_instance;
  GSettings *settings; /* NULL: no schema */
  GHashTable *values;  /* key -> GVariant, without a schema */
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwSettings, lw_settings, G_TYPE_OBJECT)

static void
lw_settings_finalize (GObject *object)
{
  LwSettings *self = LW_SETTINGS (object);

  g_clear_object (&self->settings);
  g_clear_pointer (&self->values, g_hash_table_unref);
  G_OBJECT_CLASS (lw_settings_parent_class)->finalize (object);
}

static void
lw_settings_class_init (LwSettingsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lw_settings_finalize;
  signals[SIGNAL_CHANGED]
      = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
key_changed (LwSettings *self, const char *key)
{
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0, key);
}

static void
lw_settings_init (LwSettings *self)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema = NULL;

  self->values =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
  if (source)
    schema = g_settings_schema_source_lookup (source, LW_APP_ID, TRUE);
  if (schema)
    {
      self->settings = g_settings_new_full (schema, NULL, NULL);
      g_signal_connect_swapped (self->settings, "changed", G_CALLBACK (key_changed), self);
    }
  else
    {
      g_message ("The settings schema %s is not installed: preferences are forgotten at the end",
                 LW_APP_ID);
      /* The schema's defaults that are not zero or empty. */
      lw_settings_set_int (self, "window-width", 1000);
      lw_settings_set_int (self, "window-height", 720);
      lw_settings_set_boolean (self, "sidebar-visible", TRUE);
      lw_settings_set_boolean (self, "enter-sends", TRUE);
      lw_settings_set_boolean (self, "notify-finished", TRUE);
      lw_settings_set_boolean (self, "use-gpu", TRUE);
      lw_settings_set_boolean (self, "keep-snapshots", TRUE);
      lw_settings_set_boolean (self, "stop-repeating", TRUE);
    }
}

LwSettings *
lw_settings_new (void)
{
  return g_object_new (LW_TYPE_SETTINGS, NULL);
}

static void
set (LwSettings *self, const char *key, GVariant *value)
{
  if (self->settings)
    {
      g_settings_set_value (self->settings, key, value);
      return;
    }
  g_hash_table_insert (self->values, g_strdup (key), g_variant_ref_sink (value));
  key_changed (self, key);
}

static GVariant *
get (LwSettings *self, const char *key)
{
  GVariant *value;

  if (self->settings)
    return g_settings_get_value (self->settings, key);
  value = g_hash_table_lookup (self->values, key);
  return value ? g_variant_ref (value) : NULL;
}

int
lw_settings_get_int (LwSettings *self, const char *key)
{
  g_autoptr (GVariant) value = get (self, key);

  return value ? g_variant_get_int32 (value) : 0;
}

void
lw_settings_set_int (LwSettings *self, const char *key, int value)
{
  set (self, key, g_variant_new_int32 (value));
}

gboolean
lw_settings_get_boolean (LwSettings *self, const char *key)
{
  g_autoptr (GVariant) value = get (self, key);

  return value ? g_variant_get_boolean (value) : FALSE;
}

void
lw_settings_set_boolean (LwSettings *self, const char *key, gboolean value)
{
  set (self, key, g_variant_new_boolean (value));
}

char *
lw_settings_dup_string (LwSettings *self, const char *key)
{
  g_autoptr (GVariant) value = get (self, key);

  return value ? g_variant_dup_string (value, NULL) : g_strdup ("");
}

void
lw_settings_set_string (LwSettings *self, const char *key, const char *value)
{
  set (self, key, g_variant_new_string (value ? value : ""));
}
