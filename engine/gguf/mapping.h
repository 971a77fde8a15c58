/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole file mapped read-only, safe against the file being cut short while it is in use.
 *
 * Reading a mapped page that no longer exists in the file (or that the disk cannot deliver) raises
 * SIGBUS, which would end the program.  The first mapping installs a process-wide handler; when the
 * faulting address lies in one of our mappings, zero pages replace the rest of that mapping from there
 * on, the mapping is marked as lost and the read goes on with zeros.  Whoever uses the data asks
 * lw_mapping_is_intact() when a computation is done and before its result is shown.  Any other SIGBUS
 * goes to the handler that was installed before ours.  A handler installed after ours must do the same.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct lw_mapping lw_mapping;

/* Files mapped at the same time, in one process. */
#define LW_MAPPING_MAX 1024

/* Only regular files that are not empty.  Errors: LW_MODEL_ERROR_IO, and CORRUPT for an empty file. */
lw_mapping *lw_mapping_new(const char *path, GError **error);
/* NULL is allowed.  Nothing may read the bytes any more. */
void lw_mapping_free(lw_mapping *m);

const void *lw_mapping_bytes(const lw_mapping *m);
gsize lw_mapping_size(const lw_mapping *m);

/* FALSE once a page could not be read; never becomes TRUE again.  Any thread. */
gboolean lw_mapping_is_intact(const lw_mapping *m);

G_END_DECLS
