/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Forgetting everything, down to the pages of the file.
 */
#include "memory/store-private.h"

#include <glib/gstdio.h>

/* Everything in the attachments folder belongs to a message, and none is left. */
static void remove_attachments(const lw_mem *m)
{
    g_autofree char *folder = lw_mem_attachments_folder(m);
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_remove(path);
    }
    if (dir)
        g_dir_close(dir);
}

gboolean lw_mem_delete_all(lw_mem *m, GError **error)
{
    if (!lw_mem_exec(m, "BEGIN IMMEDIATE", error))
        return FALSE;
    if (!lw_mem_exec(m, "DELETE FROM conversations; DELETE FROM options;", error)) {
        lw_mem_exec(m, "ROLLBACK", NULL);
        return FALSE;
    }
    if (!lw_mem_exec(m, "COMMIT", error))
        return FALSE;
    remove_attachments(m);
    /* Deleted rows stay readable in free pages and in the log until these are written anew. */
    return lw_mem_exec(m, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);", error);
}
