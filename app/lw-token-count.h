/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What something would cost in tokens of the open model, before it is sent.  Counted on worker threads, so
 * that an answer that is being written does not delay it.
 *
 * Thread: UI.
 */
#pragma once

#include <gdk/gdk.h>

#include "app/lw-types.h"
#include "memory/lw-memory.h"

G_BEGIN_DECLS

/* Of a file (path), of a picture that has none yet, or of a text; the others are NULL. */
void lw_token_count_async (LwEngineService *engine, const char *path, GdkTexture *texture,
                           lw_mem_kind kind, const char *text, GAsyncReadyCallback callback, gpointer user_data);
/* < 0: it cannot be said (no model is open yet, or it cannot see pictures), and *error says why. */
gint64 lw_token_count_finish (GAsyncResult *result, GError **error);

G_END_DECLS
