/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The database thread: it owns the one connection, the UI thread sends commands and gets snapshots.
 * A write that fails stays in memory, in order, and is repeated with the next command and every few
 * seconds; the window is told once when saving begins to fail and once when it works again.
 *
 * Signal "notice" (gboolean failing, const char *message): message is for people.
 */
#pragma once

#include <gtk/gtk.h>

#include "app/lw-types.h"
#include "memory/lw-memory.h"

G_BEGIN_DECLS

#define LW_TYPE_STORE_SERVICE (lw_store_service_get_type ())
G_DECLARE_FINAL_TYPE (LwStoreService, lw_store_service, LW, STORE_SERVICE, GObject)

LwStoreService *lw_store_service_new (void);
/* Keeps chats in memory until it goes (lw_mem_open_temporary()).  Presets and what is set for models are main's. */
LwStoreService *lw_store_service_new_temporary (LwStoreService *main);
gboolean lw_store_service_is_temporary (LwStoreService *self);
/* Carry out what is queued and end the thread.  Blocks; for the end of the program. */
void lw_store_service_shutdown (LwStoreService *self);

/* Of lw_mem_conversation. */
void lw_store_service_list_async (LwStoreService *self, GAsyncReadyCallback callback,
                                  gpointer user_data);
GPtrArray *lw_store_service_list_finish (LwStoreService *self, GAsyncResult *result, GError **error);

/* Of lw_mem_message. */
void lw_store_service_messages_async (LwStoreService *self, const char *conversation,
                                      GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *lw_store_service_messages_finish (LwStoreService *self, GAsyncResult *result,
                                             GError **error);

/* Show the branch beside this message that was written next (step > 0) or before, and read it. */
void lw_store_service_step_branch_async (LwStoreService *self, const char *conversation,
                                         const char *message, int step,
                                         GAsyncReadyCallback callback, gpointer user_data);
/* With lw_store_service_messages_finish(). */

/* Of lw_mem_hit. */
void lw_store_service_search_async (LwStoreService *self, const char *query, guint limit,
                                    GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *lw_store_service_search_finish (LwStoreService *self, GAsyncResult *result,
                                           GError **error);

/* Write a conversation to a file; read one from a file. */
void lw_store_service_export_async (LwStoreService *self, const char *conversation,
                                    gboolean markdown, const char *path,
                                    GAsyncReadyCallback callback, gpointer user_data);
gboolean lw_store_service_export_finish (LwStoreService *self, GAsyncResult *result,
                                         GError **error);
void lw_store_service_import_async (LwStoreService *self, const char *path,
                                    GAsyncReadyCallback callback, gpointer user_data);
lw_mem_conversation *lw_store_service_import_finish (LwStoreService *self, GAsyncResult *result,
                                                     GError **error);

/* Take in a file (path) or a picture without one (texture, saved as PNG). */
void lw_store_service_keep_async (LwStoreService *self, const char *path, lw_mem_kind kind,
                                  GdkTexture *texture, const char *label,
                                  GAsyncReadyCallback callback, gpointer user_data);
lw_mem_attachment *lw_store_service_keep_finish (LwStoreService *self, GAsyncResult *result,
                                                 GError **error);

/* Writes.  The records are taken over. */
void lw_store_service_put_conversation (LwStoreService *self, lw_mem_conversation *record);
void lw_store_service_put_message (LwStoreService *self, lw_mem_message *record);
void lw_store_service_delete_message (LwStoreService *self, const char *id);
/* With all that follows it; undone with FALSE until it is purged. */
void lw_store_service_bin_message (LwStoreService *self, const char *id, gboolean in_bin);
/* message: what the conversation ends with from now on, or NULL. */
void lw_store_service_set_head (LwStoreService *self, const char *conversation,
                                const char *message);
/* Show the branch that contains this message. */
void lw_store_service_choose_branch (LwStoreService *self, const char *message);
void lw_store_service_bin_conversation (LwStoreService *self, const char *id, gboolean in_bin);
/* Everything, for good; the snapshots of the engine too. */
void lw_store_service_delete_all (LwStoreService *self);

/* How models are asked; read once at the start.  Borrowed. */
LwChatOptions *lw_store_service_get_options (LwStoreService *self);
/* For it.  Of lw_mem_options. */
void lw_store_service_list_options_async (LwStoreService *self, GAsyncReadyCallback callback,
                                          gpointer user_data);
GPtrArray *lw_store_service_list_options_finish (LwStoreService *self, GAsyncResult *result,
                                                 GError **error);
void lw_store_service_put_options (LwStoreService *self, lw_mem_options *options);
void lw_store_service_delete_options (LwStoreService *self, lw_mem_options_kind kind,
                                      const char *owner);

/* id NULL: everything that is in the bin. */
void lw_store_service_purge (LwStoreService *self, const char *id);

G_END_DECLS
