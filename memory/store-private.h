/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by store.c, attachments.c and schema.c.
 */
#pragma once

#include "memory/lw-memory.h"

#include <sqlite3.h>

struct lw_mem {
    sqlite3 *db;
    char *folder;
    char *path; /* of the database */
};

/* Fill *error from the connection's last error, as "path: what: reason". */
void lw_mem_set_error(const lw_mem *m, int rc, const char *what, GError **error);

/* Run SQL without results. */
gboolean lw_mem_exec(lw_mem *m, const char *sql, GError **error);

/* Create or upgrade the tables. */
gboolean lw_mem_migrate(lw_mem *m, GError **error);

/* Delete those of these files in the attachments folder that no row refers to. */
gboolean lw_mem_remove_unused(lw_mem *m, GPtrArray *names, GError **error);

/* The same for the whole folder, sparing files so new that their message may not be saved yet. */
gboolean lw_mem_sweep_attachments(lw_mem *m, GError **error);

char *lw_mem_attachments_folder(const lw_mem *m);
