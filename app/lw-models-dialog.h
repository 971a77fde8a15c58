/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The page of models: what is installed and where, what each needs, whether it fits this computer and how
 * fast it should be; adding by file, drop or address, with the downloads; removing, with undo.
 *
 * Signals: "chosen" (const char *path).
 */
#pragma once

#include <adwaita.h>

#include "app/lw-model-library.h"

G_BEGIN_DECLS

#define LW_TYPE_MODELS_DIALOG (lw_models_dialog_get_type ())
G_DECLARE_FINAL_TYPE (LwModelsDialog, lw_models_dialog, LW, MODELS_DIALOG, AdwWindow)

LwModelsDialog *lw_models_dialog_new (LwModelLibrary *library);

/* The one in use; NULL: none. */
void lw_models_dialog_set_current (LwModelsDialog *self, const char *path);
/* Ask for an address to download from. */
void lw_models_dialog_ask_address (LwModelsDialog *self);
/* Link GGUF files into the library and tell how it went.  files: of GFile, borrowed; vision files among them
 * go with the models among them. */
void lw_models_dialog_add_files (LwModelsDialog *self, GSList *files);

G_END_DECLS
