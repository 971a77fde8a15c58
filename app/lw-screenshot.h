/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A screenshot by the desktop's portal: the desktop asks the person what to take, and nothing is taken
 * otherwise.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void lw_screenshot_async (GtkWindow *parent, GAsyncReadyCallback callback, gpointer user_data);
/* The picture's file; NULL with an error, G_IO_ERROR_CANCELLED when the person thought better of it. */
GFile *lw_screenshot_finish (GAsyncResult *result, GError **error);

G_END_DECLS
