/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A text, Markdown or plain, as widgets below each other.  Text that grows is parsed from the last part on,
 * and only blocks that differ are touched.  However long it is, at most LW_MARKDOWN_VIEW_BLOCKS of its blocks
 * and about LW_MARKDOWN_VIEW_BYTES of its text are widgets; buttons at the ends show the others.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LW_TYPE_MARKDOWN_VIEW (lw_markdown_view_get_type ())
G_DECLARE_FINAL_TYPE (LwMarkdownView, lw_markdown_view, LW, MARKDOWN_VIEW, GtkWidget)

#define LW_MARKDOWN_VIEW_BLOCKS 240
#define LW_MARKDOWN_VIEW_BYTES (32 << 10)

GtkWidget *lw_markdown_view_new (void);

/* text: what is there now.  When it begins with what was shown before, only its end is looked at.
 * plain: no Markdown.  growing: its end is what is looked at; else its beginning. */
void lw_markdown_view_set_text (LwMarkdownView *self, const char *text, gboolean plain,
                                gboolean growing);
/* The next text is another one.  What is shown stays until then, and is used for it as far as it fits. */
void lw_markdown_view_renew (LwMarkdownView *self);
/* Between two texts: removes at most n blocks and leaves at least `kept`.  TRUE: no more than those are left. */
gboolean lw_markdown_view_take_down (LwMarkdownView *self, guint n, guint kept);

/* Widgets of blocks now, for tests. */
guint lw_markdown_view_get_n_live (LwMarkdownView *self);

G_END_DECLS
