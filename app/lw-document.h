/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text files that go whole with a question: text, Markdown, source code.
 *
 * Any thread; blocks.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Largest document, bytes: some four million tokens, more than any context. */
#define LW_DOCUMENT_MAX_BYTES (16 << 20)

/* Whether a file may be one, by its name: not what is named as a picture or a film. */
gboolean lw_document_may_be (const char *path);

/* The text of a file: UTF-8 without zero bytes.  Free with g_free().
 * Errors: G_FILE_ERROR; a file that is too large or no text is G_FILE_ERROR_INVAL, with the reason. */
char *lw_document_read (const char *path, gsize *n, GError **error);

G_END_DECLS
