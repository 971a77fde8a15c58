/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Preferences of the window.  GSettings when its schema is installed; else the same keys in memory,
 * because GSettings itself ends the program when a schema is missing.
 *
 * Keys: see data/io.github.longwave.Longwave.gschema.xml.  Signal "changed" (const char *key).  Thread: UI.
 */
#pragma once

#include <glib-object.h>

#include "app/lw-types.h"

G_BEGIN_DECLS

#define LW_TYPE_SETTINGS (lw_settings_get_type ())
G_DECLARE_FINAL_TYPE (LwSettings, lw_settings, LW, SETTINGS, GObject)

LwSettings *lw_settings_new (void);

int lw_settings_get_int (LwSettings *self, const char *key);
void lw_settings_set_int (LwSettings *self, const char *key, int value);
gboolean lw_settings_get_boolean (LwSettings *self, const char *key);
void lw_settings_set_boolean (LwSettings *self, const char *key, gboolean value);
char *lw_settings_dup_string (LwSettings *self, const char *key);
void lw_settings_set_string (LwSettings *self, const char *key, const char *value);

G_END_DECLS
