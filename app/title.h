/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Titles of chats, out of what was asked or out of what a model wrote when it was asked for one.
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

/* Widest title made of a question, columns (a Chinese character has two), without the "…". */
#define LW_TITLE_MAX_COLUMNS 42

/* The beginning of a question as one line: its first sentence where that fits, else as many whole words as
 * fit and "…".  Markdown's marks, control characters and the insides of code blocks are left out; a word that
 * does not fit at all, or a language without spaces, is cut between two characters as they are seen.
 * NULL: nothing is left.  Free with g_free(). */
char *lw_title_from_question(const char *question);

G_END_DECLS
