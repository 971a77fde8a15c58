/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Forgetting everything, down to the pages of the file.
 */
#include "memory/store-private.h"

#include <glib/gstdio.h>

/* A damaged file that was kept holds chats, too. */
static void remove_kept(const lw_mem *m)
{
    g_autoptr(GPtrArray) kept = lw_mem_list_kept(m);

    for (guint i = 0; i < kept->len; i++)
        g_remove(kept->pdata[i]);
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
    /* All of them belong to a message, and none is left. */
    lw_mem_remove_attachments(m);
    remove_kept(m);
    /* Deleted rows stay readable in free pages and in the log until these are written anew. */
    return lw_mem_exec(m, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);", error);
}
