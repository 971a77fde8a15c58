/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The preferences: appearance and keys, device, memory and disk, privacy.  Everything counts at once.
 *
 * Signals: "delete-all" (the user wants every chat gone, and has confirmed it).
 */
#pragma once

#include <adwaita.h>

#include "app/lw-types.h"

G_BEGIN_DECLS

#define LW_TYPE_PREFERENCES (lw_preferences_get_type ())
G_DECLARE_FINAL_TYPE (LwPreferences, lw_preferences, LW, PREFERENCES, AdwPreferencesWindow)

LwPreferences *lw_preferences_new (LwSettings *settings);

G_END_DECLS
