/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The popover to choose a model of the library from; everything else about them is on the page of models.
 * The folders are read again each time it opens.
 *
 * Signals: "chosen" (const char *path).
 */
#pragma once

#include <gtk/gtk.h>

#include "app/lw-model-library.h"

G_BEGIN_DECLS

#define LW_TYPE_MODEL_LIST (lw_model_list_get_type ())
G_DECLARE_FINAL_TYPE (LwModelList, lw_model_list, LW, MODEL_LIST, GtkPopover)

void lw_model_list_set_library (LwModelList *self, LwModelLibrary *library);
/* The one with the check mark; NULL: none. */
void lw_model_list_set_current (LwModelList *self, const char *path);

G_END_DECLS
