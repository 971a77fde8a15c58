/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The colours of source code, by GtkSourceView's grammars, as attributes for a label.  A label and not a
 * text view: its height is known at once, so a list of messages does not move while it is shown.
 *
 * Thread: UI.
 */
#pragma once

#include <pango/pango.h>

G_BEGIN_DECLS

/* What people call it ("Python" for "py"), or NULL when there is no such language.  Free with g_free(). */
char *lw_highlight_dup_language_name (const char *language);

/* language: as written after a fence ("py", "c++", "javascript"), or NULL.  Returns NULL when it is not
 * known.  Costs a few milliseconds for some ten thousand bytes. */
PangoAttrList *lw_highlight (const char *code, const char *language, gboolean dark);

G_END_DECLS
