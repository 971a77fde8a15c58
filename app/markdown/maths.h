/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * LaTeX maths as a line of Unicode text: \frac{a}{b} is a/b, x_{ij}^2 is xᵢⱼ², \alpha is α.  Meant to be
 * read, by people and by screen readers, not to be typeset: what has no character of its own stays as
 * words (x_(max)), and a command that is not known stays as it was written.
 *
 * Any thread; no state.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Longest source that is converted, bytes; a longer one is shown as it is. */
#define LW_MATHS_MAX_BYTES 8192
/* Deepest nesting of groups; deeper ones are shown as they are written. */
#define LW_MATHS_MAX_DEPTH 24

/* source: n bytes of UTF-8 between the delimiters.  Never fails.  Rows of an environment (aligned, cases)
 * are separated by '\n'.  Free with g_free(). */
char *lw_maths_to_text(const char *source, gsize n);

G_END_DECLS
