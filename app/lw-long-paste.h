/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inserting a text of any length into a text view without holding the window up: GTK needs 150 ms for a megabyte,
 * so it gets a slice at a time, and may draw in between.  For the user it is one step, also to undo; meanwhile
 * the view is not editable.
 *
 * Thread: UI.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Bytes that are inserted at a time. */
#define LW_LONG_PASTE_SLICE (64 * 1024)

/* Bytes of the longest line that goes into a text view, which lays out a line as a whole: some 40 ms.  A text
 * with a longer one is attached as a document. */
#define LW_LONG_PASTE_LINE 20000

typedef struct _LwLongPaste LwLongPaste;

/* In the place of the selection, or at the cursor.  view: outlives this.  text: UTF-8, taken.
 * ended: called once all of it is there, and then this is freed; not from this call.
 * NULL, and ended is not called, when it was short enough to be there at once. */
LwLongPaste *lw_long_paste_start (GtkTextView *view, char *text, void (*ended) (gpointer data), gpointer data);
/* Insert the rest at once; calls ended. */
void lw_long_paste_finish (LwLongPaste *self);

G_END_DECLS
