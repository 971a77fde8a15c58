/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One download on the page of models: how far it is, and buttons to pause, go on and discard.
 *
 * Signal: "discard" (only offered while it does not run).
 */
#pragma once

#include <adwaita.h>

#include "app/lw-transfer.h"

G_BEGIN_DECLS

#define LW_TYPE_TRANSFER_ROW (lw_transfer_row_get_type ())
G_DECLARE_FINAL_TYPE (LwTransferRow, lw_transfer_row, LW, TRANSFER_ROW, AdwPreferencesRow)

GtkWidget *lw_transfer_row_new (LwTransfer *transfer);
LwTransfer *lw_transfer_row_get_transfer (LwTransferRow *self);

G_END_DECLS
