/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One line from a person at a terminal: UTF-8, cursor keys, history, paste of several lines.  When
 * stdin or stderr is no terminal, lines are read as they come and nothing is drawn.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct lw_line lw_line;

/* At most this many bytes a line; more is not taken in. */
#define LW_LINE_MAX_BYTES ((gsize)1 << 20)

typedef enum {
    LW_LINE_TEXT,      /* a line; *text is set */
    LW_LINE_INTERRUPT, /* Ctrl-C with something typed: it was dropped */
    LW_LINE_LEAVE,     /* Ctrl-C on an empty line */
    LW_LINE_END,       /* Ctrl-D on an empty line, end of the input */
} lw_line_result;

lw_line *lw_line_new(void);
void lw_line_free(lw_line *l);

/* Draws on stderr.  text: valid UTF-8 without the newline, pasted newlines kept; free with g_free(). */
lw_line_result lw_line_read(lw_line *l, const char *prompt, char **text);

G_END_DECLS
