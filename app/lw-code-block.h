/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Source code in an answer: the language, a copy button, and the code in its colours, which scrolls
 * sideways.  It may grow while it is written; only its end is laid out again then.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LW_TYPE_CODE_BLOCK (lw_code_block_get_type ())
G_DECLARE_FINAL_TYPE (LwCodeBlock, lw_code_block, LW, CODE_BLOCK, GtkWidget)

/* continued: it goes on from the block above, and has no header. */
GtkWidget *lw_code_block_new (gboolean continued);

/* language may be NULL. */
void lw_code_block_set_code (LwCodeBlock *self, const char *code, const char *language);

/* What the copy button copies when it is more than this block; called with the block. */
typedef char *(*LwCodeBlockText) (LwCodeBlock *self, gpointer user_data);
void lw_code_block_set_copy_func (LwCodeBlock *self, LwCodeBlockText func, gpointer user_data);

/* A flat button that copies and says that it did.  func is asked when it is pressed; its result is freed. */
typedef char *(*LwCopyText) (gpointer user_data);
GtkWidget *lw_copy_button_new (const char *label, LwCopyText func, gpointer user_data);

G_END_DECLS
