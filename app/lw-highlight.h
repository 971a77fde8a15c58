/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The colours of source code, by GtkSourceView's grammars, as attributes for a label.  A label and not a
 * text view: its height is known at once, so a list of messages does not move while it is shown.
 *
 * The first code of a language makes GtkSourceView read its grammar and those that it includes, and compile all of
 * their expressions: 10 ms for Python, 25 for JSON and JavaScript, 35 to 40 for HTML, PHP and Markdown
 * (tests/unit/test-highlight prints it).  That is one turn of the main loop, because it is one call, and each language
 * reads what it includes for itself, so that nothing is gained by having read that before.  In another thread it would
 * be GTK's text buffer and tags that are used there, which are for the UI thread only.
 *
 * Thread: UI.
 */
#pragma once

#include <pango/pango.h>

G_BEGIN_DECLS

/* What people call it ("Python" for "py"), or NULL when there is no such language.  Free with g_free(). */
char *lw_highlight_dup_language_name (const char *language);

/* The grounds that code is shown on, at their worst: in a question, whose bubble has the desktop's accent colour
 * (app/style.css). */
#define LW_HIGHLIGHT_GROUND_LIGHT "#d4dfee"
#define LW_HIGHLIGHT_GROUND_DARK "#2d3848"

/* language: as written after a fence ("py", "c++", "javascript"), or NULL.  contrast: what each colour has at least
 * on these grounds (app/lw-contrast.h); those of GtkSourceView's comments have less.  Returns NULL when the language is
 * not known.  Costs a few milliseconds for some ten thousand bytes. */
PangoAttrList *lw_highlight (const char *code, const char *language, gboolean dark, double contrast);

G_END_DECLS
