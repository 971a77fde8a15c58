/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chats in the search of GNOME Shell: org.gnome.Shell.SearchProvider2 on the session bus, answered by the
 * store's full-text search.  A result is a chat's id.
 *
 * Signal: "activated" (const char *chat or NULL, const char *terms).  Thread: UI.
 */
#pragma once

#include <gio/gio.h>

#include "app/lw-types.h"

G_BEGIN_DECLS

#define LW_TYPE_SEARCH_PROVIDER (lw_search_provider_get_type ())
G_DECLARE_FINAL_TYPE (LwSearchProvider, lw_search_provider, LW, SEARCH_PROVIDER, GObject)

LwSearchProvider *lw_search_provider_new (void);

/* Before anything is asked. */
void lw_search_provider_set_store (LwSearchProvider *self, LwStoreService *store);
gboolean lw_search_provider_export (LwSearchProvider *self, GDBusConnection *bus, GError **error);
void lw_search_provider_unexport (LwSearchProvider *self);

G_END_DECLS
