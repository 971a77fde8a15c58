/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by parts.c and markdown.c: what a fence of a code block is.
 */
#pragma once

#include "app/markdown/lw-markdown.h"

/* Length of the fence that a line (n bytes, without its line break) opens; 0: it opens none. */
gsize lw_md_fence(const char *line, gsize n, guint *indent, char *c);
gboolean lw_md_closes_fence(const char *line, gsize n, const lw_md_state *state);
