/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A conversation as a file: Markdown for people (the branch that is shown), JSON with all branches, which can
 * be read back.  SQLite's own JSON functions write and parse it.
 *
 *   {"format": "longwave-chat", "version": 1, "title": "...", "created": MICROSECONDS, "head": "ID",
 *    "messages": [{"id": "ID", "parent": "ID" or null, "role": "user" or "assistant", "state": 0,
 *                  "text": "...", "created": MICROSECONDS, "n_prompt": 0, "n_generated": 0,
 *                  "tokens_per_second": 0.0,
 *                  "attachments": [{"kind": 1, "label": "...", "file": "...", "copied": 1, "bytes": 0,
 *                                   "mtime": 0}]}]}
 *
 * Every message comes after its parent.  Pictures are named, not contained: they are found again on the
 * machine where they are.
 */
#include "memory/store-private.h"

#include <string.h>

/* Longest title and label, characters. */
#define MAX_NAME_CHARS 1000

/* ---- Writing ---- */

static const char export_sql[] =
    "SELECT json_object('format', 'longwave-chat', 'version', 1, 'title', c.title, 'created', c.created,"
    " 'head', c.head, 'messages', (SELECT json_group_array(json(one)) FROM (SELECT json_object("
    "'id', g.id, 'parent', g.parent, 'role', CASE g.role WHEN 1 THEN 'user' ELSE 'assistant' END,"
    " 'state', g.state, 'text', g.text, 'created', g.created, 'n_prompt', g.n_prompt,"
    " 'n_generated', g.n_generated, 'tokens_per_second', g.tokens_per_second, 'attachments',"
    " (SELECT json_group_array(json(a)) FROM (SELECT json_object('kind', kind, 'label', label,"
    " 'file', file, 'copied', copied, 'bytes', bytes, 'mtime', mtime) AS a FROM attachments"
    " WHERE message = g.id ORDER BY position))) AS one FROM messages g WHERE g.conversation = c.id"
    " AND NOT g.binned ORDER BY g.rowid))) FROM conversations c WHERE c.id = ? AND NOT c.binned";

char *lw_mem_export_json(lw_mem *m, const char *conversation, GError **error)
{
    g_return_val_if_fail(m && conversation, NULL);

    static const char what[] = "exporting a conversation";
    sqlite3_stmt *st = lw_mem_prepare(m, export_sql, what, error);
    char *json = NULL;
    int rc;

    if (!st)
        return NULL;
    lw_mem_bind_text(st, 1, conversation);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        json = g_strconcat((const char *)sqlite3_column_text(st, 0), "\n", NULL);
    else if (rc == SQLITE_DONE)
        g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_MISSING, "there is no conversation \"%s\"",
                    conversation);
    else
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    return json;
}

static char *format_time(gint64 microseconds)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(microseconds / G_USEC_PER_SEC);
    g_autoptr(GDateTime) local = utc ? g_date_time_to_local(utc) : NULL;

    return local ? g_date_time_format(local, "%Y-%m-%d %H:%M") : g_strdup("");
}

/* <...> around an address takes everything but these. */
static void append_address(GString *s, const char *path)
{
    g_string_append_c(s, '<');
    for (const char *p = path; *p; p++) {
        if (strchr("<>\\", *p))
            g_string_append_c(s, '\\');
        g_string_append_c(s, *p == '\n' ? ' ' : *p);
    }
    g_string_append_c(s, '>');
}

static void append_label(GString *s, const char *label)
{
    for (const char *p = label; *p; p++) {
        if (strchr("[]\\", *p))
            g_string_append_c(s, '\\');
        g_string_append_c(s, *p == '\n' ? ' ' : *p);
    }
}

char *lw_mem_export_markdown(lw_mem *m, const char *conversation, GError **error)
{
    g_return_val_if_fail(m && conversation, NULL);

    lw_mem_conversation *c = lw_mem_find_conversation(m, conversation, error);
    g_autoptr(GPtrArray) list = c ? lw_mem_list_messages(m, conversation, error) : NULL;
    g_autoptr(GString) s = g_string_new("# ");

    if (!list) {
        lw_mem_conversation_free(c);
        return NULL;
    }
    g_autofree char *title = g_strdelimit(g_strdup(c->title), "\n\r", ' ');
    g_string_append_printf(s, "%s\n", title);
    lw_mem_conversation_free(c);
    for (guint i = 0; i < list->len; i++) {
        const lw_mem_message *g = list->pdata[i];
        g_autofree char *time = format_time(g->created);

        g_string_append_printf(s, "\n## %s, %s\n\n", g->role == LW_MEM_ROLE_USER ? "You" : "Longwave", time);
        for (guint j = 0; j < g->attachments->len; j++) {
            const lw_mem_attachment *a = g->attachments->pdata[j];

            g_string_append(s, a->kind == LW_MEM_PICTURE ? "![" : "[");
            append_label(s, a->label);
            g_string_append(s, "](");
            append_address(s, a->path);
            g_string_append(s, ")\n\n");
        }
        g_string_append_printf(s, "%s\n", g->text);
    }
    return g_string_free(g_steal_pointer(&s), FALSE);
}

/* ---- Reading ---- */

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean refuse(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, LW_MEM_ERROR, LW_MEM_ERROR_INVALID, message);
    return FALSE;
}

/* A string may contain NULs when it comes from JSON. */
static char *json_text(sqlite3_stmt *st, int i)
{
    const char *s = (const char *)sqlite3_column_text(st, i);

    return s ? g_utf8_make_valid(s, sqlite3_column_bytes(st, i)) : NULL;
}

typedef struct {
    lw_mem *m;
    const char *json;
    char *conversation;
    GHashTable *ids;       /* the file's id -> ours */
    GHashTable *positions; /* the file's id -> how many come before it, + 1 */
    GError **error;
} importer;

static gboolean import_attachments(importer *im, const char *json, int number, GPtrArray *list)
{
    static const char what[] = "reading attachments";
    sqlite3_stmt *st = lw_mem_prepare(
        im->m,
        "SELECT type, CASE type WHEN 'object' THEN json_extract(value, '$.kind') END,"
        " CASE type WHEN 'object' THEN json_extract(value, '$.label') END,"
        " CASE type WHEN 'object' THEN json_extract(value, '$.file') END,"
        " CASE type WHEN 'object' THEN json_extract(value, '$.copied') END,"
        " CASE type WHEN 'object' THEN json_extract(value, '$.bytes') END,"
        " CASE type WHEN 'object' THEN json_extract(value, '$.mtime') END FROM json_each(?)",
        what, im->error);
    g_autofree char *folder = lw_mem_attachments_folder(im->m);
    gboolean ok = TRUE;
    int rc = SQLITE_DONE;

    if (!st)
        return FALSE;
    lw_mem_bind_text(st, 1, json);
    while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        g_autofree char *file = json_text(st, 3);
        lw_mem_attachment *a = lw_mem_attachment_new();
        int kind = sqlite3_column_int(st, 1);

        a->label = json_text(st, 2);
        a->copied = sqlite3_column_int(st, 4) != 0;
        a->bytes = sqlite3_column_int64(st, 5);
        a->mtime = sqlite3_column_int64(st, 6);
        a->kind = (lw_mem_kind)kind;
        g_ptr_array_add(list, a);
        if (kind < LW_MEM_PICTURE || kind > LW_MEM_DOCUMENT || !a->label || !file)
            ok = refuse(im->error, "message %d: its attachment %u has no known kind, label and file", number,
                        list->len);
        else if (g_utf8_strlen(a->label, -1) > MAX_NAME_CHARS)
            ok = refuse(im->error, "message %d: the label of its attachment %u is longer than %d characters",
                        number, list->len, MAX_NAME_CHARS);
        else if (list->len > LW_MEM_MAX_IMPORT_ATTACHMENTS)
            ok = refuse(im->error, "message %d: more than %d attachments", number,
                        LW_MEM_MAX_IMPORT_ATTACHMENTS);
        /* A file from elsewhere names only what lies in our folder of copies, or a path that the person has:
         * a copy never leads out of that folder. */
        if (a->copied && file) {
            g_autofree char *base = g_path_get_basename(file);
            a->path = g_build_filename(folder, base, NULL);
        } else {
            a->path = g_strdup(file ? file : "");
        }
    }
    if (ok && rc != SQLITE_DONE) {
        lw_mem_set_error(im->m, rc, what, im->error);
        ok = FALSE;
    }
    sqlite3_finalize(st);
    return ok;
}

/* One row of messages; number counts from 1. */
static gboolean import_message(importer *im, sqlite3_stmt *st, int number)
{
    g_autofree char *type = json_text(st, 0), *id = json_text(st, 1), *parent = json_text(st, 2);
    g_autofree char *role = json_text(st, 3), *text = json_text(st, 4), *attachments = json_text(st, 10);
    g_autofree char *own = lw_mem_new_id(), *text_type = json_text(st, 11);
    lw_mem_message msg = {.id = own, .conversation = im->conversation, .text = text};
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_attachment_free);
    int state = sqlite3_column_int(st, 5);

    if (!type || !g_str_equal(type, "object"))
        return refuse(im->error, "message %d is not an object", number);
    if (number > LW_MEM_MAX_IMPORT_MESSAGES)
        return refuse(im->error, "more than %d messages", LW_MEM_MAX_IMPORT_MESSAGES);
    if (!id || !*id || strlen(id) > 64)
        return refuse(im->error, "message %d has no id of 1 to 64 bytes", number);
    if (g_hash_table_contains(im->ids, id))
        return refuse(im->error, "message %d: its id \"%s\" is taken by an earlier one", number, id);
    if (!text || g_strcmp0(text_type, "text") != 0)
        return refuse(im->error, "message %d has no text", number);
    if (g_strcmp0(role, "user") == 0)
        msg.role = LW_MEM_ROLE_USER;
    else if (g_strcmp0(role, "assistant") == 0)
        msg.role = LW_MEM_ROLE_ASSISTANT;
    else
        return refuse(im->error, "message %d: its role is neither \"user\" nor \"assistant\"", number);
    if (parent) {
        msg.parent = g_hash_table_lookup(im->ids, parent);
        if (!msg.parent)
            return refuse(im->error, "message %d: its parent \"%.64s\" is not among those before it", number,
                          parent);
        msg.position = GPOINTER_TO_INT(g_hash_table_lookup(im->positions, parent));
    }
    msg.state = lw_mem_state_from_int(state);
    msg.created = CLAMP(sqlite3_column_int64(st, 6), 0, g_get_real_time());
    msg.n_prompt = sqlite3_column_int(st, 7);
    msg.n_generated = sqlite3_column_int(st, 8);
    msg.tokens_per_second = sqlite3_column_double(st, 9);
    if (attachments && !import_attachments(im, attachments, number, list))
        return FALSE;
    msg.attachments = list;
    if (!lw_mem_put_message_inside(im->m, &msg, im->error))
        return FALSE;
    g_hash_table_insert(im->positions, g_strdup(id), GINT_TO_POINTER(msg.position + 1));
    g_hash_table_insert(im->ids, g_steal_pointer(&id), g_strdup(own));
    return TRUE;
}

static gboolean import_messages(importer *im)
{
    static const char what[] = "reading messages";
    sqlite3_stmt *st = lw_mem_prepare(
        im->m,
#define FIELD(name) " CASE type WHEN 'object' THEN json_extract(value, '$." name "') END"
        "SELECT type," FIELD("id") "," FIELD("parent") "," FIELD("role") "," FIELD("text") "," FIELD(
            "state") "," FIELD("created") "," FIELD("n_prompt") "," FIELD("n_generated") ","
            FIELD("tokens_per_second") ", CASE type WHEN 'object' THEN CASE json_type(value, '$.attachments')"
                                       " WHEN 'array' THEN json_extract(value, '$.attachments') END END,"
                                       " CASE type WHEN 'object' THEN json_type(value, '$.text') END"
                                       " FROM json_each(?, '$.messages')",
#undef FIELD
        what, im->error);
    gboolean ok = TRUE;
    int rc = SQLITE_DONE, number = 0;

    if (!st)
        return FALSE;
    lw_mem_bind_text(st, 1, im->json);
    while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW)
        ok = import_message(im, st, ++number);
    if (ok && rc != SQLITE_DONE) {
        lw_mem_set_error(im->m, rc, what, im->error);
        ok = FALSE;
    }
    sqlite3_finalize(st);
    return ok;
}

static gboolean import_all(importer *im)
{
    static const char what[] = "reading a file";
    sqlite3_stmt *st = lw_mem_prepare(im->m,
                                      "SELECT json_extract(?1, '$.format'), json_extract(?1, '$.version'),"
                                      " json_extract(?1, '$.title'), json_extract(?1, '$.created'),"
                                      " json_extract(?1, '$.head'), json_type(?1, '$.messages')",
                                      what, im->error);
    g_autofree char *format = NULL, *title = NULL, *head = NULL, *messages = NULL;
    gint64 version, created;
    const char *end;

    if (!st)
        return FALSE;
    lw_mem_bind_text(st, 1, im->json);
    if (sqlite3_step(st) != SQLITE_ROW) {
        sqlite3_finalize(st);
        return refuse(im->error, "it is not JSON");
    }
    format = json_text(st, 0);
    version = sqlite3_column_int64(st, 1);
    title = json_text(st, 2);
    created = sqlite3_column_int64(st, 3);
    head = json_text(st, 4);
    messages = json_text(st, 5);
    sqlite3_finalize(st);
    if (g_strcmp0(format, "longwave-chat") != 0)
        return refuse(im->error, "it is not a chat that Longwave exported (\"format\" is not "
                                 "\"longwave-chat\")");
    if (version != 1)
        return refuse(im->error, "its version is %" G_GINT64_FORMAT ", this program knows version 1", version);
    if (!title || g_utf8_strlen(title, -1) > MAX_NAME_CHARS)
        return refuse(im->error, "it has no title of at most %d characters", MAX_NAME_CHARS);
    if (g_strcmp0(messages, "array") != 0)
        return refuse(im->error, "it has no list of messages");

    lw_mem_conversation c = {.id = im->conversation,
                             .title = title,
                             .created = CLAMP(created, 0, g_get_real_time()),
                             .updated = g_get_real_time(),
                             .titled = LW_MEM_TITLED_BY_USER};
    if (!lw_mem_put_conversation(im->m, &c, im->error) || !import_messages(im))
        return FALSE;
    end = head ? g_hash_table_lookup(im->ids, head) : NULL;
    return !end || lw_mem_set_head(im->m, im->conversation, end, im->error);
}

/* As a byte or as \\u0000: SQLite would cut the text there. */
static gboolean has_nul(const char *json, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (!json[i])
            return TRUE;
        if (json[i] == '\\') {
            if (n - i >= 6 && memcmp(json + i, "\\u0000", 6) == 0)
                return TRUE;
            i++;
        }
    }
    return FALSE;
}

char *lw_mem_import_json(lw_mem *m, const char *json, gsize n, GError **error)
{
    g_return_val_if_fail(m && json, NULL);

    importer im = {.m = m, .error = error};
    g_autofree char *text = NULL, *id = NULL;
    gboolean ok;

    if (n > LW_MEM_MAX_IMPORT_BYTES) {
        refuse(error, "it has %" G_GSIZE_FORMAT " bytes, more than %lld", n,
               (long long)LW_MEM_MAX_IMPORT_BYTES);
        return NULL;
    }
    if (!g_utf8_validate_len(json, n, NULL)) {
        refuse(error, "it is not text in UTF-8");
        return NULL;
    }
    if (has_nul(json, n)) {
        refuse(error, "one of its texts contains the character NUL");
        return NULL;
    }
    text = g_strndup(json, n);
    id = lw_mem_new_id();
    im.json = text;
    im.conversation = id;
    im.ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    im.positions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ok = lw_mem_exec(m, "BEGIN IMMEDIATE", error);
    if (ok && !(import_all(&im) && lw_mem_exec(m, "COMMIT", error))) {
        lw_mem_exec(m, "ROLLBACK", NULL);
        ok = FALSE;
    }
    g_hash_table_unref(im.ids);
    g_hash_table_unref(im.positions);
    return ok ? g_steal_pointer(&id) : NULL;
}
