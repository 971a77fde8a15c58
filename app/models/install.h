/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models into the library and out of it again.  A file that somebody has already is linked, not copied or
 * moved: gigabytes stay where they are.  Only the library's own models can be removed; what belongs to
 * Ollama, to LM Studio or to the program is never touched, nor is the target of a link.
 *
 * Removing sets the files aside in a hidden folder of the library, so that it can be undone until they are
 * purged.  Any thread; blocks for as long as the file system does.
 */
#pragma once

#include "engine/library/lw-library.h"

G_BEGIN_DECLS

/* Link a GGUF file, the other parts of a split one and the vision files beside it into a folder of their
 * own.  Returns the path in the library; free with g_free().  Errors: G_IO_ERROR naming the file. */
char *lw_install_link(const char *file, GError **error);
/* The same for several files chosen together, NULL at the end: vision files among them go with every model
 * among them, wherever they lie.  Without a model they are refused.  Returns the first model's path in the
 * library.  On error what was linked before it stays. */
char *lw_install_link_files(const char *const *files, GError **error);

/* May it be removed? */
gboolean lw_install_can_remove(const lw_library_entry *e);

/* Set a model aside.  Returns the folder it is in now, for the two functions below; free with g_free().
 * Errors: G_IO_ERROR (PERMISSION_DENIED for what is not the library's own). */
char *lw_install_remove(const lw_library_entry *e, GError **error);
/* Put everything back where it was.  Errors: G_IO_ERROR. */
gboolean lw_install_restore(const char *aside, GError **error);
/* Delete what was set aside; NULL: by anyone, ever. */
void lw_install_purge(const char *aside);

G_END_DECLS
