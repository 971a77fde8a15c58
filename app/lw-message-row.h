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
void lw_message_row_set_message (LwMessageRow *self, LwMessage *message);
/* Whether it shows, or showed last, what the user wrote. */
gboolean lw_message_row_get_question (LwMessageRow *self);
/* Unbinds.  TRUE: it can show another message as it is; FALSE: it has so many widgets that they have to be taken
 * down first. */
gboolean lw_message_row_let_go (LwMessageRow *self);
/* Takes some widgets of a row down that was let go.  TRUE: no more than another message can use are left. */
gboolean lw_message_row_take_down (LwMessageRow *self);

G_END_DECLS
