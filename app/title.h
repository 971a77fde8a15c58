/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a model wrote when it was asked for a title, as a title.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Longest title that is taken from a model, characters and words: one that says more did not understand. */
#define LW_TITLE_MAX_CHARS 60
#define LW_TITLE_MAX_WORDS 9

/* Its first line without thoughts, quotation marks, Markdown, "Title:" and a full stop.  NULL: it is no
 * title.  Free with g_free(). */
char *lw_title_from_answer(const char *answer);

G_END_DECLS
