/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Messages: a tree in each conversation.  A message knows the one before it; those with the same one before
 * are branches of each other, and the conversation's head is the end of the branch that is shown.
 */
#include "memory/store-private.h"

#include <string.h>

/* ---- Writing ---- */

static gboolean put_attachments(lw_mem *m, const lw_mem_message *msg, GError **error)
{
    static const char what[] = "saving attachments";
    sqlite3_stmt *st = lw_mem_prepare(m, "DELETE FROM attachments WHERE message = ?", what, error);

    if (!st)
        return FALSE;
    lw_mem_bind_text(st, 1, msg->id);
    if (!lw_mem_finish(m, st, what, error))
        return FALSE;
    for (guint i = 0; msg->attachments && i < msg->attachments->len; i++) {
        const lw_mem_attachment *a = msg->attachments->pdata[i];
        g_autofree char *base = g_path_get_basename(a->path);

        st = lw_mem_prepare(m,
                     "INSERT INTO attachments (message, position, kind, label, file, copied, bytes,"
                     " mtime) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                     what, error);
        if (!st)
            return FALSE;
        lw_mem_bind_text(st, 1, msg->id);
        sqlite3_bind_int(st, 2, (int)i);
        sqlite3_bind_int(st, 3, a->kind);
        lw_mem_bind_text(st, 4, a->label ? a->label : "");
        lw_mem_bind_text(st, 5, a->copied ? base : a->path);
        sqlite3_bind_int(st, 6, a->copied);
        sqlite3_bind_int64(st, 7, a->bytes);
        sqlite3_bind_int64(st, 8, a->mtime);
        if (!lw_mem_finish(m, st, what, error))
            return FALSE;
    }
    return TRUE;
}

/* Run a statement with up to two ids. */
static gboolean run(lw_mem *m, const char *sql, const char *first, const char *second, const char *what,
                    GError **error)
{
    sqlite3_stmt *st = lw_mem_prepare(m, sql, what, error);

    if (!st)
        return FALSE;
    if (first)
        lw_mem_bind_text(st, 1, first);
    if (second)
        lw_mem_bind_text(st, 2, second);
    return lw_mem_finish(m, st, what, error);
}

/* Insert or replace the row, and when it follows the head, be the head. */
static gboolean put_row(lw_mem *m, const lw_mem_message *msg, GError **error)
{
    static const char what[] = "saving a message";
    sqlite3_stmt *st = lw_mem_prepare(
        m,
        "INSERT INTO messages (id, conversation, position, role, state, text, created,"
        " n_prompt, n_reused, n_generated, tokens_per_second, parent)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, CASE WHEN ?12 IS NULL AND ?3 > 0"
        " THEN (SELECT head FROM conversations WHERE id = ?2) ELSE ?12 END)"
        " ON CONFLICT (id) DO UPDATE SET position = ?3, role = ?4, state = ?5, text = ?6,"
        " created = ?7, n_prompt = ?8, n_reused = ?9, n_generated = ?10,"
        " tokens_per_second = ?11",
        what, error);

    if (!st)
        return FALSE;
    lw_mem_bind_text(st, 1, msg->id);
    lw_mem_bind_text(st, 2, msg->conversation);
    sqlite3_bind_int(st, 3, msg->position);
    sqlite3_bind_int(st, 4, msg->role);
    sqlite3_bind_int(st, 5, msg->state);
    lw_mem_bind_text(st, 6, msg->text ? msg->text : "");
    sqlite3_bind_int64(st, 7, msg->created);
    sqlite3_bind_int(st, 8, msg->n_prompt);
    sqlite3_bind_int(st, 9, msg->n_reused);
    sqlite3_bind_int(st, 10, msg->n_generated);
    sqlite3_bind_double(st, 11, msg->tokens_per_second);
    lw_mem_bind_text(st, 12, msg->parent);
    if (!lw_mem_finish(m, st, what, error))
        return FALSE;
    if (!run(m,
             "UPDATE conversations SET head = ?1 WHERE id = ?2"
             " AND head IS (SELECT parent FROM messages WHERE id = ?1)",
             msg->id, msg->conversation, what, error))
        return FALSE;
    st = lw_mem_prepare(m, "UPDATE conversations SET updated = max(updated, ?2) WHERE id = ?1", what, error);
    if (!st)
        return FALSE;
    lw_mem_bind_text(st, 1, msg->conversation);
    sqlite3_bind_int64(st, 2, msg->created);
    return lw_mem_finish(m, st, what, error);
}

gboolean lw_mem_put_message_inside(lw_mem *m, const lw_mem_message *msg, GError **error)
{
    return put_row(m, msg, error) && put_attachments(m, msg, error);
}

gboolean lw_mem_put_message(lw_mem *m, const lw_mem_message *msg, GError **error)
{
    g_return_val_if_fail(m && msg && msg->id && msg->conversation, FALSE);

    if (!lw_mem_exec(m, "BEGIN IMMEDIATE", error))
        return FALSE;
    if (lw_mem_put_message_inside(m, msg, error) && lw_mem_exec(m, "COMMIT", error))
        return TRUE;
    lw_mem_exec(m, "ROLLBACK", NULL);
    return FALSE;
}

/* The newest message below ?1 (itself when there is none): children are always newer than their parents, so
 * it is the end of a branch.  UNION and not UNION ALL: a damaged file may contain a circle. */
#define NEWEST_BELOW                                                                                      \
    "(WITH RECURSIVE below(id) AS (SELECT ?1 UNION SELECT g.id FROM messages g JOIN below b"             \
    " ON g.parent = b.id WHERE NOT g.binned)"                                                             \
    " SELECT g.id FROM below b JOIN messages g ON g.id = b.id ORDER BY g.rowid DESC LIMIT 1)"

gboolean lw_mem_set_head(lw_mem *m, const char *conversation, const char *message, GError **error)
{
    g_return_val_if_fail(m && conversation, FALSE);

    return run(m, "UPDATE conversations SET head = ?1 WHERE id = ?2", message, conversation,
               "choosing a branch", error);
}

gboolean lw_mem_choose_branch(lw_mem *m, const char *message, GError **error)
{
    g_return_val_if_fail(m && message, FALSE);

    return run(m,
               "UPDATE conversations SET head = " NEWEST_BELOW
               " WHERE id = (SELECT conversation FROM messages WHERE id = ?1 AND NOT binned)",
               message, NULL, "choosing a branch", error);
}

gboolean lw_mem_delete_message(lw_mem *m, const char *id, GError **error)
{
    g_return_val_if_fail(m && id, FALSE);

    static const char what[] = "removing a message";

    if (!lw_mem_exec(m, "BEGIN IMMEDIATE", error))
        return FALSE;
    if (run(m, "UPDATE conversations SET head = (SELECT parent FROM messages WHERE id = ?1) WHERE head = ?1",
            id, NULL, what, error) &&
        run(m, "DELETE FROM messages WHERE id = ?1", id, NULL, what, error) &&
        lw_mem_exec(m, "COMMIT", error))
        return TRUE;
    lw_mem_exec(m, "ROLLBACK", NULL);
    return FALSE;
}

gboolean lw_mem_bin_message(lw_mem *m, const char *id, gboolean in_bin, GError **error)
{
    g_return_val_if_fail(m && id, FALSE);

    /* The mark of what went together is the row of the first: bringing it back leaves what was deleted
     * before it where it is. */
    static const char what[] = "deleting a message";
    const char *mark = in_bin
                           ? "WITH RECURSIVE below(id) AS (SELECT ?1 UNION SELECT g.id FROM messages g"
                             " JOIN below b ON g.parent = b.id)"
                             " UPDATE messages SET binned = (SELECT rowid FROM messages WHERE id = ?1)"
                             " WHERE id IN below AND NOT binned"
                           : "UPDATE messages SET binned = 0 WHERE binned ="
                             " (SELECT rowid FROM messages WHERE id = ?1)";
    /* The newest that is left beside it, or what came before it. */
    const char *head =
        in_bin ? "UPDATE conversations SET head = (WITH RECURSIVE below(id) AS ("
                 "SELECT g.id FROM messages g, messages gone WHERE gone.id = ?1"
                 " AND (g.id = gone.parent OR (g.parent IS gone.parent"
                 " AND g.conversation = gone.conversation)) AND NOT g.binned"
                 " UNION SELECT g.id FROM messages g JOIN below b ON g.parent = b.id WHERE NOT g.binned)"
                 " SELECT g.id FROM below b JOIN messages g ON g.id = b.id ORDER BY g.rowid DESC LIMIT 1)"
                 " WHERE id = (SELECT conversation FROM messages WHERE id = ?1)"
                 " AND (head IS NULL OR head NOT IN (SELECT id FROM messages WHERE NOT binned))"
               : "UPDATE conversations SET head = " NEWEST_BELOW
                 " WHERE id = (SELECT conversation FROM messages WHERE id = ?1)";

    if (!lw_mem_exec(m, "BEGIN IMMEDIATE", error))
        return FALSE;
    if (run(m, mark, id, NULL, what, error) && run(m, head, id, NULL, what, error) &&
        lw_mem_exec(m, "COMMIT", error))
        return TRUE;
    lw_mem_exec(m, "ROLLBACK", NULL);
    return FALSE;
}

/* ---- Reading ---- */

lw_mem_message *lw_mem_read_message(sqlite3_stmt *st, int first, const char *conversation)
{
    lw_mem_message *g = g_new0(lw_mem_message, 1);
    int state = sqlite3_column_int(st, first + 3);

    g->id = lw_mem_column_text(st, first);
    g->conversation = g_strdup(conversation);
    g->position = sqlite3_column_int(st, first + 1);
    g->role = sqlite3_column_int(st, first + 2) == LW_MEM_ROLE_USER ? LW_MEM_ROLE_USER : LW_MEM_ROLE_ASSISTANT;
    g->state = lw_mem_state_from_int(state);
    g->text = lw_mem_column_text(st, first + 4);
    g->created = sqlite3_column_int64(st, first + 5);
    g->n_prompt = sqlite3_column_int(st, first + 6);
    g->n_reused = sqlite3_column_int(st, first + 7);
    g->n_generated = sqlite3_column_int(st, first + 8);
    g->tokens_per_second = sqlite3_column_double(st, first + 9);
    g->parent = lw_mem_column_text(st, first + 10);
    g->branch = 1;
    g->n_branches = 1;
    g->attachments = g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_attachment_free);
    return g;
}

lw_mem_attachment *lw_mem_read_attachment(sqlite3_stmt *st, const char *folder)
{
    lw_mem_attachment *a = lw_mem_attachment_new();
    const char *file = (const char *)sqlite3_column_text(st, 2);
    int kind = sqlite3_column_int(st, 0);

    a->kind = kind >= LW_MEM_PICTURE && kind <= LW_MEM_DOCUMENT ? (lw_mem_kind)kind : LW_MEM_PICTURE;
    a->label = lw_mem_column_text(st, 1);
    a->copied = sqlite3_column_int(st, 3) != 0;
    a->bytes = sqlite3_column_int64(st, 4);
    a->mtime = sqlite3_column_int64(st, 5);
    if (a->copied) {
        /* Only a name: a damaged file must not lead out of the folder. */
        g_autofree char *base = g_path_get_basename(file ? file : "");
        a->path = g_build_filename(folder, base, NULL);
    } else {
        a->path = g_strdup(file ? file : "");
    }
    return a;
}

/* All attachments of a conversation at once, to the messages that are listed. */
static gboolean list_attachments(lw_mem *m, const char *conversation, GHashTable *by_id, GError **error)
{
    static const char what[] = "reading attachments";
    sqlite3_stmt *st = lw_mem_prepare(m,
                                      "SELECT " LW_MEM_ATTACHMENT_COLUMNS ", a.message"
                                      " FROM messages g JOIN attachments a ON a.message = g.id"
                                      " WHERE g.conversation = ? ORDER BY a.message, a.position",
                                      what, error);
    g_autofree char *folder = lw_mem_attachments_folder(m);
    int rc;

    if (!st)
        return FALSE;
    lw_mem_bind_text(st, 1, conversation);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(st, 6);
        lw_mem_message *g = id ? g_hash_table_lookup(by_id, id) : NULL;

        if (g)
            g_ptr_array_add(g->attachments, lw_mem_read_attachment(st, folder));
    }
    if (rc != SQLITE_DONE)
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE;
}

/* Which of how many branches each listed message is. */
static gboolean count_branches(lw_mem *m, const char *conversation, GHashTable *by_id, GError **error)
{
    static const char what[] = "counting branches";
    sqlite3_stmt *st = lw_mem_prepare(m,
                                      "SELECT id, row_number() OVER w, count(*) OVER (PARTITION BY parent)"
                                      " FROM messages WHERE conversation = ? AND NOT binned"
                                      " WINDOW w AS (PARTITION BY parent ORDER BY rowid)",
                                      what, error);
    int rc;

    if (!st)
        return FALSE;
    lw_mem_bind_text(st, 1, conversation);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(st, 0);
        lw_mem_message *g = id ? g_hash_table_lookup(by_id, id) : NULL;

        if (g) {
            g->branch = sqlite3_column_int(st, 1);
            g->n_branches = sqlite3_column_int(st, 2);
        }
    }
    if (rc != SQLITE_DONE)
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE;
}

/* From the head back to the first; a head that is not there (a damaged file) is the newest message.  Depth
 * ends a circle. */
static const char path_sql[] =
    "WITH RECURSIVE path(id, parent, depth) AS (SELECT id, parent, 0 FROM messages WHERE id = coalesce("
    "(SELECT g.id FROM conversations c JOIN messages g ON g.id = c.head WHERE c.id = ?1"
    " AND g.conversation = ?1 AND NOT g.binned),"
    "(SELECT id FROM messages WHERE conversation = ?1 AND NOT binned ORDER BY rowid DESC LIMIT 1))"
    " UNION ALL SELECT g.id, g.parent, depth + 1 FROM messages g JOIN path p ON g.id = p.parent"
    " WHERE g.conversation = ?1 AND depth < (SELECT count(*) FROM messages WHERE conversation = ?1))"
    "SELECT " LW_MEM_MESSAGE_COLUMNS " FROM path p JOIN messages g ON g.id = p.id ORDER BY depth DESC";

static const char all_sql[] =
    "SELECT " LW_MEM_MESSAGE_COLUMNS " FROM messages g WHERE conversation = ?1 AND NOT binned ORDER BY rowid";

static GPtrArray *list_messages(lw_mem *m, const char *conversation, const char *sql, GError **error)
{
    static const char what[] = "reading a conversation";
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_message_free);
    g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);
    sqlite3_stmt *st = lw_mem_prepare(m, sql, what, error);
    int rc;

    if (!st)
        return NULL;
    lw_mem_bind_text(st, 1, conversation);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        lw_mem_message *g = lw_mem_read_message(st, 0, conversation);

        /* A circle comes round again; its beginning is enough. */
        if (!g->id || !g->text || g_hash_table_contains(by_id, g->id)) {
            lw_mem_message_free(g);
        } else {
            g_hash_table_insert(by_id, g->id, g);
            g_ptr_array_add(list, g);
        }
    }
    if (rc != SQLITE_DONE)
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    if (rc != SQLITE_DONE || !list_attachments(m, conversation, by_id, error) ||
        !count_branches(m, conversation, by_id, error))
        return NULL;
    return g_steal_pointer(&list);
}

GPtrArray *lw_mem_list_messages(lw_mem *m, const char *conversation, GError **error)
{
    g_return_val_if_fail(m && conversation, NULL);

    return list_messages(m, conversation, path_sql, error);
}

GPtrArray *lw_mem_list_tree(lw_mem *m, const char *conversation, GError **error)
{
    g_return_val_if_fail(m && conversation, NULL);

    return list_messages(m, conversation, all_sql, error);
}

char *lw_mem_find_branch(lw_mem *m, const char *message, int step, GError **error)
{
    g_return_val_if_fail(m && message, NULL);

    static const char what[] = "looking for a branch";
    sqlite3_stmt *st = lw_mem_prepare(
        m,
        step > 0 ? "SELECT o.id FROM messages o, messages g WHERE g.id = ? AND o.parent IS g.parent"
                   " AND o.conversation = g.conversation AND NOT o.binned AND o.rowid > g.rowid"
                   " ORDER BY o.rowid LIMIT 1"
                 : "SELECT o.id FROM messages o, messages g WHERE g.id = ? AND o.parent IS g.parent"
                   " AND o.conversation = g.conversation AND NOT o.binned AND o.rowid < g.rowid"
                   " ORDER BY o.rowid DESC LIMIT 1",
        what, error);
    char *found = NULL;
    int rc;

    if (!st)
        return NULL;
    lw_mem_bind_text(st, 1, message);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        found = lw_mem_column_text(st, 0);
    else if (rc == SQLITE_DONE)
        g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_MISSING, "there is no other branch there");
    else
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    return found;
}
