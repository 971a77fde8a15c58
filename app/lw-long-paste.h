/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inserting a text of any length without holding the window up: GTK needs 150 ms for a megabyte, so it is inserted in
 * slices (app/lw-slices.h).  It goes into the buffer, whoever shows that: it goes on when no view does any more.  For
 * the user it is one step, also to undo; a view that shows the buffer must not be editable meanwhile, and who takes its
 * text or replaces it calls lw_long_paste_finish() before.
 *
 * Thread: UI.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Bytes that are inserted in one step: some 2 ms.  A text of no more is there at once. */
#define LW_LONG_PASTE_STEP (16 * 1024)

/* Bytes of the longest line that goes into a text view, which lays out a line as a whole: some 40 ms.  A text
 * with a longer one is attached as a document. */
#define LW_LONG_PASTE_LINE 20000

/* In the place of the selection, or at the cursor.  text: UTF-8, taken.  view: NULL, or a view that shows the cursor
 * in the end if it shows the buffer then.  Ends early when the buffer goes, and does nothing when another text is
 * still being inserted. */
void lw_long_paste_start (GtkTextBuffer *buffer, char *text, GtkTextView *view);

/* Not all of a text is there yet.  It changes with the buffer's signals begin-user-action and end-user-action, before
 * what they do by default. */
gboolean lw_long_paste_goes_on (GtkTextBuffer *buffer);

/* Insert the rest at once, if a text is being inserted. */
void lw_long_paste_finish (GtkTextBuffer *buffer);

G_END_DECLS
