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

/* The name of a file to be shown, on one line and in its own order: what breaks lines, turns the direction of
 * writing or is no UTF-8 becomes U+FFFD.  Free with g_free(). */
char *lw_document_dup_name (const char *path);

/* The text of a file, *n bytes of UTF-8 without zero bytes.  Nothing but a file is read: a pipe or a device may
 * have no end.  Free with g_free().
 * Errors: G_FILE_ERROR; a folder, something else that is no file, a file that is too large or no text is
 * G_FILE_ERROR_INVAL: a sentence, and for some a line below it with the reason (app/lw-problem.h). */
char *lw_document_read (const char *path, gsize *n, GError **error);

/* That a document of this name, which can be shown, and so many bytes is too large. */
void lw_document_set_too_large (GError **error, const char *name, guint64 bytes);

G_END_DECLS
