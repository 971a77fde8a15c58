/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The models there are and the ones on their way, for all windows.  Folders are read and models opened on
 * workers; nothing is fetched from the web unless lw_model_library_download() says so.
 *
 * Signals: "refreshed" (the list has been read again); "notice" (gboolean is_problem, const char *message);
 * "arrived" (const char *path, const char *name); "removed" (const char *path).  Thread: UI.
 */
#pragma once

#include "app/lw-model-item.h"
#include "app/lw-transfer.h"

G_BEGIN_DECLS

#define LW_TYPE_MODEL_LIBRARY (lw_model_library_get_type ())
G_DECLARE_FINAL_TYPE (LwModelLibrary, lw_model_library, LW, MODEL_LIBRARY, GObject)

LwModelLibrary *lw_model_library_new (void);
/* Pause the downloads, wait for them, and delete what was removed for good. */
void lw_model_library_shutdown (LwModelLibrary *self);

/* Of LwModelItem; default first, then by name. */
GListModel *lw_model_library_get_models (LwModelLibrary *self);
/* Of LwTransfer: what has not arrived whole. */
GListModel *lw_model_library_get_transfers (LwModelLibrary *self);
/* By path, NULL: not there (any more). */
LwModelItem *lw_model_library_find (LwModelLibrary *self, const char *path);

/* Read the folders again. */
void lw_model_library_refresh (LwModelLibrary *self);
/* Find out whether each fits, one after the other, and again when the list changes. */
void lw_model_library_look (LwModelLibrary *self);
/* Measure this computer on the weights of a model; all facts are found out again afterwards. */
void lw_model_library_measure (LwModelLibrary *self, LwModelItem *item);

/* What the context is kept in, for the figures of all models.  At first f16. */
void lw_model_library_set_kv_type (LwModelLibrary *self, lw_kv_type type);

/* Link files into the library.  _finish returns the first model's path there; free with g_free(). */
void lw_model_library_add_async (LwModelLibrary *self, const char *const *files, GAsyncReadyCallback callback,
                                 gpointer user_data);
char *lw_model_library_add_finish (LwModelLibrary *self, GAsyncResult *result, GError **error);

/* Set one aside.  _finish returns where, for one of the two below; free with g_free(). */
void lw_model_library_remove_async (LwModelLibrary *self, LwModelItem *item,
                                    GAsyncReadyCallback callback, gpointer user_data);
char *lw_model_library_remove_finish (LwModelLibrary *self, GAsyncResult *result, GError **error);
void lw_model_library_restore (LwModelLibrary *self, const char *aside);
void lw_model_library_purge (LwModelLibrary *self, const char *aside);

/* Begin a download; see lw_fetch_plan().  FALSE: it cannot be one, or is on its way already. */
gboolean lw_model_library_download (LwModelLibrary *self, const char *url, const char *mmproj_url,
                                    const char *sha256, GError **error);
/* Throw away a download that is not running. */
void lw_model_library_discard (LwModelLibrary *self, LwTransfer *transfer);

G_END_DECLS
