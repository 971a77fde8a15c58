/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The popover with the models of the library.  The folder is read on a worker each time it opens.
 *
 * Signals: "chosen" (const char *path); "notice" (gboolean is_problem, const char *message).
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LW_TYPE_MODEL_LIST (lw_model_list_get_type ())
G_DECLARE_FINAL_TYPE (LwModelList, lw_model_list, LW, MODEL_LIST, GtkPopover)

/* The one with the check mark; NULL: none. */
void lw_model_list_set_current (LwModelList *self, const char *path);

/* Show the models folder in the file manager. */
void lw_model_list_open_folder (LwModelList *self);
/* Let the user choose a GGUF file to add to the folder. */
void lw_model_list_add (LwModelList *self);

G_END_DECLS
