/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The schema as a list of steps.  PRAGMA user_version says how many a file has seen; each missing one
 * runs in a transaction of its own together with the new number, so an interrupted upgrade resumes
 * where it stopped.  Steps are never edited once released: a change is a new step.
 */
#include "memory/store-private.h"

static const char *const steps[] = {
    /* 1: conversations and messages. */
    "CREATE TABLE conversations ("
    "  id TEXT PRIMARY KEY NOT NULL,"
    "  title TEXT NOT NULL DEFAULT '',"
    "  model TEXT,"
    "  created INTEGER NOT NULL,"
    "  updated INTEGER NOT NULL);"
    "CREATE TABLE messages ("
    "  rowid INTEGER PRIMARY KEY,"
    "  id TEXT UNIQUE NOT NULL,"
    "  conversation TEXT NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,"
    "  position INTEGER NOT NULL,"
    "  role INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  text TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  n_prompt INTEGER NOT NULL DEFAULT 0,"
    "  n_reused INTEGER NOT NULL DEFAULT 0,"
    "  n_generated INTEGER NOT NULL DEFAULT 0,"
    "  tokens_per_second REAL NOT NULL DEFAULT 0);"
    "CREATE INDEX messages_by_conversation ON messages(conversation, position);"
    "CREATE TABLE attachments ("
    "  message TEXT NOT NULL REFERENCES messages(id) ON DELETE CASCADE,"
    "  position INTEGER NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  label TEXT NOT NULL DEFAULT '',"
    "  file TEXT NOT NULL,"
    "  copied INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL DEFAULT 0,"
    "  mtime INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (message, position)) WITHOUT ROWID;",

    /* 2: the bin, so that deleting can be undone and survives a crash. */
    "ALTER TABLE conversations ADD COLUMN binned INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX conversations_by_update ON conversations(binned, updated DESC);"
    "CREATE INDEX attachments_by_file ON attachments(file) WHERE copied;",
};

static gboolean read_version(lw_mem *m, int *version, GError **error)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(m->db, "PRAGMA user_version", -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *version = sqlite3_column_int(st, 0);
    else
        lw_mem_set_error(m, rc, "reading its version", error);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW;
}

gboolean lw_mem_migrate(lw_mem *m, GError **error)
{
    int version;

    if (!read_version(m, &version, error))
        return FALSE;
    if (version < 0 || version > (int)G_N_ELEMENTS(steps)) {
        g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_NEWER,
                    "%s: its format is version %d, this program knows versions up to %d; "
                    "it was probably written by a newer Longwave",
                    m->path, version, (int)G_N_ELEMENTS(steps));
        return FALSE;
    }
    while (version < (int)G_N_ELEMENTS(steps)) {
        g_autofree char *sql = NULL;
        int now;

        if (!lw_mem_exec(m, "BEGIN IMMEDIATE", error))
            return FALSE;
        /* Another program may have upgraded the file while this one waited for the lock. */
        if (!read_version(m, &now, error)) {
            lw_mem_exec(m, "ROLLBACK", NULL);
            return FALSE;
        }
        if (now == version) {
            sql = g_strdup_printf("%sPRAGMA user_version = %d;", steps[version], version + 1);
            if (!lw_mem_exec(m, sql, error)) {
                lw_mem_exec(m, "ROLLBACK", NULL);
                return FALSE;
            }
            now = version + 1;
        }
        if (!lw_mem_exec(m, "COMMIT", error)) {
            lw_mem_exec(m, "ROLLBACK", NULL);
            return FALSE;
        }
        version = now;
    }
    return TRUE;
}
