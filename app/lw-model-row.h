/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One model on the page of models: a line that says what matters, and what there is to know below it.
 *
 * Signals: "use", "remove", "measure".
 */
#pragma once

#include <adwaita.h>

#include "app/lw-model-item.h"

G_BEGIN_DECLS

#define LW_TYPE_MODEL_ROW (lw_model_row_get_type ())
G_DECLARE_FINAL_TYPE (LwModelRow, lw_model_row, LW, MODEL_ROW, AdwExpanderRow)

GtkWidget *lw_model_row_new (LwModelItem *item);
LwModelItem *lw_model_row_get_item (LwModelRow *self);
/* It is the one in use. */
void lw_model_row_set_current (LwModelRow *self, gboolean current);

G_END_DECLS
