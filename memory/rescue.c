/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Taking over what can still be read of a damaged database.  A page that is broken hides what is on it, and
 * what an index has on it; so no index is asked: the tables are gone through by rowid, and a row that cannot be
 * read is stepped over.
 */
#include "memory/store-private.h"

#include <string.h>

/* Rows of one table that are stepped over: more than one page that leads to others can hide, and no more than a
 * second of looking where nothing is. */
#define MAX_UNREADABLE 100000

/* Characters of a question that become the title of a chat whose own is lost. */
#define TITLE_CHARS 60

typedef struct {
    lw_mem *from, *to;
    GHashTable *binned; /* ids of conversations that were deleted */
    GHashTable *heads;  /* of those taken over: id -> the message it ended with, or "" */
    GHashTable *newest; /* conversation -> the last of its messages taken over */
    GHashTable *taken;  /* ids of messages */
} rescue;

typedef gboolean (*take_func)(rescue *r, sqlite3_stmt *st, GError **error);

/* Every row that can be read, once each and by its rowid, which is the first column.  FALSE: one could not be
 * written. */
static gboolean for_each_row(rescue *r, const char *sql, take_func take, GError **error)
{
    sqlite3_stmt *st = lw_mem_prepare(r->from, sql, "reading a damaged file", error);
    gint64 next = 1;
    gboolean ok = st != NULL;
    int rc = SQLITE_ROW;

    for (int n = 0; ok && rc != SQLITE_DONE && n < MAX_UNREADABLE; n++, next++) {
        sqlite3_bind_int64(st, 1, next);
        while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW) {
            gint64 rowid = sqlite3_column_int64(st, 0);

            /* Pages that lead to each other would never end. */
            if (rowid < next || rowid == G_MAXINT64)
                break;
            next = rowid + 1;
            ok = take(r, st, error);
        }
        sqlite3_reset(st);
    }
    sqlite3_finalize(st);
    return ok;
}

/* ---- Conversations ---- */

static gboolean take_conversation(rescue *r, sqlite3_stmt *st, GError **error)
{
    lw_mem_conversation *c = lw_mem_read_conversation(st, 3);
    char *head = lw_mem_column_text(st, 2);
    gboolean ok = TRUE;

    if (!c->id) {
        g_free(head);
    } else if (sqlite3_column_int(st, 1)) {
        g_hash_table_add(r->binned, g_strdup(c->id));
        g_free(head);
    } else {
        ok = lw_mem_put_conversation(r->to, c, error);
        g_hash_table_insert(r->heads, g_strdup(c->id), head ? head : g_strdup(""));
    }
    lw_mem_conversation_free(c);
    return ok;
}

/* One whose row is lost, named by the first of its messages that is there. */
static gboolean make_conversation(rescue *r, const lw_mem_message *first, GError **error)
{
    g_autofree char *line = g_strndup(first->text, strcspn(first->text, "\n"));
    g_autofree char *title = g_utf8_substring(line, 0, MIN(g_utf8_strlen(line, -1), TITLE_CHARS));
    lw_mem_conversation c = {.id = first->conversation,
                             .title = title,
                             .created = first->created,
                             .updated = first->created};

    g_hash_table_insert(r->heads, g_strdup(c.id), g_strdup(""));
    return lw_mem_put_conversation(r->to, &c, error);
}

/* ---- Messages ---- */

/* Those that cannot be read are left out. */
static void read_attachments(rescue *r, lw_mem_message *g)
{
    g_autofree char *folder = lw_mem_attachments_folder(r->from);
    sqlite3_stmt *st = lw_mem_prepare(r->from,
                                      "SELECT " LW_MEM_ATTACHMENT_COLUMNS " FROM attachments a"
                                      " WHERE message = ? ORDER BY position",
                                      "reading attachments", NULL);

    if (!st)
        return;
    lw_mem_bind_text(st, 1, g->id);
    while (sqlite3_step(st) == SQLITE_ROW && g->attachments->len < LW_MEM_MAX_IMPORT_ATTACHMENTS)
        g_ptr_array_add(g->attachments, lw_mem_read_attachment(st, folder));
    sqlite3_finalize(st);
}

/* What follows a message that is lost follows the one before that: nothing that is there is out of reach. */
static void join(rescue *r, lw_mem_message *g)
{
    const char *before = g_hash_table_lookup(r->newest, g->conversation);

    if (g->parent && !g_hash_table_contains(r->taken, g->parent)) {
        g_free(g->parent);
        g->parent = g_strdup(before);
    }
    if (!g->parent)
        g->position = 0;
}

static gboolean take_message(rescue *r, sqlite3_stmt *st, GError **error)
{
    g_autofree char *conversation = lw_mem_column_text(st, 2);
    lw_mem_message *g;
    gboolean ok = TRUE;

    if (sqlite3_column_int(st, 1) || !conversation || g_hash_table_contains(r->binned, conversation))
        return TRUE;
    g = lw_mem_read_message(st, 3, conversation);
    if (g->id && g->text && !g_hash_table_contains(r->taken, g->id)) {
        join(r, g);
        read_attachments(r, g);
        if (!g_hash_table_contains(r->heads, conversation))
            ok = make_conversation(r, g, error);
        ok = ok && lw_mem_put_message_inside(r->to, g, error);
        g_hash_table_add(r->taken, g_strdup(g->id));
        g_hash_table_insert(r->newest, g_strdup(conversation), g_strdup(g->id));
    }
    lw_mem_message_free(g);
    return ok;
}

/* Each chat shows the branch it showed, or when its end is lost the newest. */
static gboolean set_heads(rescue *r, GError **error)
{
    GHashTableIter it;
    gpointer conversation, head;

    g_hash_table_iter_init(&it, r->heads);
    while (g_hash_table_iter_next(&it, &conversation, &head)) {
        if (!g_hash_table_contains(r->taken, head))
            head = g_hash_table_lookup(r->newest, conversation);
        if (!lw_mem_set_head(r->to, conversation, head, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- All of it ---- */

static gboolean take_options(rescue *r, GError **error)
{
    g_autoptr(GPtrArray) list = lw_mem_list_options(r->from, NULL);

    for (guint i = 0; list && i < list->len; i++) {
        const lw_mem_options *o = list->pdata[i];

        if (o->owner && !lw_mem_put_options(r->to, o, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean take_all(rescue *r, GError **error)
{
    return for_each_row(r,
                        "SELECT rowid, binned, head, " LW_MEM_CONVERSATION_COLUMNS
                        " FROM conversations NOT INDEXED WHERE rowid >= ? ORDER BY rowid",
                        take_conversation, error) &&
           for_each_row(r,
                        "SELECT g.rowid, g.binned, g.conversation, " LW_MEM_MESSAGE_COLUMNS
                        " FROM messages g NOT INDEXED WHERE rowid >= ? ORDER BY rowid",
                        take_message, error) &&
           set_heads(r, error) && take_options(r, error);
}

int lw_mem_rescue(lw_mem *m, const char *kept, GError **error)
{
    g_return_val_if_fail(m && kept, -1);

    rescue r = {.to = m};
    int n = -1;

    r.from = lw_mem_open_for_reading(kept, error);
    if (!r.from)
        return -1;
    r.binned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    r.heads = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    r.newest = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    r.taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (lw_mem_exec(m, "BEGIN IMMEDIATE", error)) {
        if (take_all(&r, error) && lw_mem_exec(m, "COMMIT", error))
            n = (int)g_hash_table_size(r.heads);
        else
            lw_mem_exec(m, "ROLLBACK", NULL);
    }
    g_hash_table_unref(r.binned);
    g_hash_table_unref(r.heads);
    g_hash_table_unref(r.newest);
    g_hash_table_unref(r.taken);
    lw_mem_close(r.from);
    return n;
}
