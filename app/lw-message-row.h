/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a message looks.  Rows are recycled: everything comes from the item.
 */
#pragma once

#include <gtk/gtk.h>

#include "app/lw-message.h"

G_BEGIN_DECLS

#define LW_TYPE_MESSAGE_ROW (lw_message_row_get_type ())
G_DECLARE_FINAL_TYPE (LwMessageRow, lw_message_row, LW, MESSAGE_ROW, GtkWidget)

GtkWidget *lw_message_row_new (void);
/* NULL unbinds. */
void lw_message_row_set_message (LwMessageRow *self, LwMessage *message);
/* Unbinds so that no frame waits for it: takes some of its widgets down.  FALSE: more are left, call it again. */
gboolean lw_message_row_let_go (LwMessageRow *self);

G_END_DECLS
