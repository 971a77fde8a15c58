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

    /* 3: branches.  What was a list becomes a tree with one branch, in the order in which it was listed. */
    "ALTER TABLE messages ADD COLUMN parent TEXT;"
    "ALTER TABLE messages ADD COLUMN binned INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE conversations ADD COLUMN head TEXT;"
    "UPDATE messages SET parent = (SELECT p.id FROM messages p"
    "  WHERE p.conversation = messages.conversation"
    "  AND (p.position, p.rowid) < (messages.position, messages.rowid)"
    "  ORDER BY p.position DESC, p.rowid DESC LIMIT 1);"
    "UPDATE conversations SET head = (SELECT g.id FROM messages g WHERE g.conversation = conversations.id"
    "  ORDER BY g.position DESC, g.rowid DESC LIMIT 1);"
    "CREATE INDEX messages_by_parent ON messages(parent);",

    /* 4: what the list of chats shows: who made the title, pins, folders. */
    "ALTER TABLE conversations ADD COLUMN titled INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE conversations ADD COLUMN folder TEXT NOT NULL DEFAULT '';",

    /* 5: full-text search.  Three letters at a time, so that it finds parts of words, and languages that
     * write none. */
    "CREATE VIRTUAL TABLE found USING fts5(text, content = 'messages', content_rowid = 'rowid',"
    "  tokenize = 'trigram');"
    "INSERT INTO found(found) VALUES ('rebuild');"
    "CREATE TRIGGER found_insert AFTER INSERT ON messages BEGIN"
    "  INSERT INTO found(rowid, text) VALUES (new.rowid, new.text); END;"
    "CREATE TRIGGER found_delete AFTER DELETE ON messages BEGIN"
    "  INSERT INTO found(found, rowid, text) VALUES ('delete', old.rowid, old.text); END;"
    "CREATE TRIGGER found_update AFTER UPDATE OF text ON messages WHEN old.text IS NOT new.text BEGIN"
    "  INSERT INTO found(found, rowid, text) VALUES ('delete', old.rowid, old.text);"
    "  INSERT INTO found(rowid, text) VALUES (new.rowid, new.text); END;",

    /* 6: how a model is asked in a chat, in all chats, and presets of that.  A chat's go with it. */
    "CREATE TABLE options ("
    "  kind INTEGER NOT NULL,"
    "  owner TEXT NOT NULL,"
    "  name TEXT,"
    "  system TEXT,"
    "  own INTEGER NOT NULL,"
    "  temperature REAL NOT NULL,"
    "  top_k INTEGER NOT NULL,"
    "  top_p REAL NOT NULL,"
    "  min_p REAL NOT NULL,"
    "  repeat_penalty REAL NOT NULL,"
    "  max_tokens INTEGER NOT NULL,"
    "  seed INTEGER NOT NULL,"
    "  PRIMARY KEY (kind, owner)) WITHOUT ROWID;"
    "CREATE TRIGGER options_go_with_chat AFTER DELETE ON conversations BEGIN"
    "  DELETE FROM options WHERE kind = 1 AND owner = old.id;"
    " END;",
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
    if (m->read_only && version < (int)G_N_ELEMENTS(steps)) {
        g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_READ_ONLY,
                    "%s: its format is version %d and has to be brought to version %d, but it cannot be written",
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
