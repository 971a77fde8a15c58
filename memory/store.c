/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Statements of the store.  Each function prepares, runs and finalizes; a few thousand rows a day do
 * not ask for a statement cache.
 */
#include "memory/store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DB_NAME "longwave.db"

/* How long to wait for the terminal program (or the window) to finish a write. */
#define BUSY_MS 5000

G_DEFINE_QUARK(lw-mem-error-quark, lw_mem_error)

/* ---- Errors ---- */

/* The system's reason for a refused write.  sqlite3_system_errno() does not always know it (the log is
 * a second file), so the two files are asked themselves. */
static int last_errno(const lw_mem *m)
{
    static const int which[] = {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER};
    int err = m->db ? sqlite3_system_errno(m->db) : 0;

    for (gsize i = 0; m->db && !err && i < G_N_ELEMENTS(which); i++) {
        sqlite3_file *file = NULL;

        if (sqlite3_file_control(m->db, "main", which[i], &file) == SQLITE_OK && file &&
            file->pMethods && file->pMethods->xFileControl)
            file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &err);
    }
    return err;
}

void lw_mem_set_error(const lw_mem *m, int rc, const char *what, GError **error)
{
    const char *reason = m->db ? sqlite3_errmsg(m->db) : sqlite3_errstr(rc);
    int sys = 0;
    int code = LW_MEM_ERROR_IO;

    switch (rc & 0xff) {
    case SQLITE_FULL:
        code = LW_MEM_ERROR_FULL;
        break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        code = LW_MEM_ERROR_READ_ONLY;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        code = LW_MEM_ERROR_CORRUPT;
        break;
    case SQLITE_CONSTRAINT: /* the only one that callers can break is the foreign key */
        code = LW_MEM_ERROR_MISSING;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = LW_MEM_ERROR_BUSY;
        break;
    default:
        break;
    }
    if ((rc & 0xff) == SQLITE_IOERR || code == LW_MEM_ERROR_FULL)
        sys = last_errno(m);
    if (code == LW_MEM_ERROR_IO && (sys == ENOSPC || sys == EDQUOT || sys == EFBIG))
        code = LW_MEM_ERROR_FULL;
    if (code == LW_MEM_ERROR_FULL && sys)
        g_set_error(error, LW_MEM_ERROR, code, "%s: %s: no room left (%s)", m->path, what,
                    g_strerror(sys));
    else
        g_set_error(error, LW_MEM_ERROR, code, "%s: %s: %s", m->path, what, reason);
}

gboolean lw_mem_exec(lw_mem *m, const char *sql, GError **error)
{
    int rc = sqlite3_exec(m->db, sql, NULL, NULL, NULL);

    if (rc == SQLITE_OK)
        return TRUE;
    lw_mem_set_error(m, rc, "writing", error);
    return FALSE;
}

sqlite3_stmt *lw_mem_prepare(lw_mem *m, const char *sql, const char *what, GError **error)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(m->db, sql, -1, &st, NULL);

    if (rc != SQLITE_OK)
        lw_mem_set_error(m, rc, what, error);
    return st;
}

gboolean lw_mem_finish(lw_mem *m, sqlite3_stmt *st, const char *what, GError **error)
{
    int rc;

    if (!st)
        return FALSE;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        ;
    if (rc != SQLITE_DONE)
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE;
}

void lw_mem_bind_text(sqlite3_stmt *st, int i, const char *s)
{
    if (s)
        sqlite3_bind_text(st, i, s, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(st, i);
}

char *lw_mem_column_text(sqlite3_stmt *st, int i)
{
    const char *s = (const char *)sqlite3_column_text(st, i);

    return s ? g_utf8_make_valid(s, -1) : NULL;
}

/* ---- Lifecycle ---- */

char *lw_mem_default_folder(void)
{
    return g_build_filename(g_get_user_data_dir(), "longwave", NULL);
}

char *lw_mem_new_id(void)
{
    return g_strdup_printf("%08x%08x", g_random_int(), g_random_int());
}

/* TRUE when the last user of the database did not close it: SQLite removes the log when the last
 * connection closes.  (Another program that is using it right now looks the same, and costs a check.) */
static gboolean log_left_behind(const lw_mem *m)
{
    g_autofree char *wal = g_strconcat(m->path, "-wal", NULL);
    struct stat st;

    return stat(wal, &st) == 0 && st.st_size > 0;
}

static gboolean check_integrity(lw_mem *m, GError **error)
{
    sqlite3_stmt *st = lw_mem_prepare(m, "PRAGMA integrity_check(1)", "checking it", error);
    gboolean ok = FALSE;
    int rc;

    if (!st)
        return FALSE;
    rc = sqlite3_step(st);
    if (rc != SQLITE_ROW) {
        lw_mem_set_error(m, rc, "checking it", error);
    } else {
        const char *s = (const char *)sqlite3_column_text(st, 0);
        ok = g_strcmp0(s, "ok") == 0;
        if (!ok)
            g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_CORRUPT, "%s: is damaged: %s", m->path, s);
    }
    sqlite3_finalize(st);
    return ok;
}

/* Without a log it can only be read as a file that nobody changes; SQLite does not find out by itself. */
static gboolean open_read_only(lw_mem *m, GError **error)
{
    static const char *const ways[] = {"?mode=ro", "?mode=ro&immutable=1"};
    g_autofree char *uri = g_filename_to_uri(m->path, NULL, error);
    int rc = SQLITE_CANTOPEN;

    if (!uri)
        return FALSE;
    for (gsize i = 0; rc != SQLITE_OK && i < G_N_ELEMENTS(ways); i++) {
        g_autofree char *name = g_strconcat(uri, ways[i], NULL);

        sqlite3_close(m->db);
        m->db = NULL;
        rc = sqlite3_open_v2(name, &m->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
        if (rc == SQLITE_OK)
            rc = sqlite3_exec(m->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        lw_mem_set_error(m, rc, "cannot be opened for reading", error);
        return FALSE;
    }
    sqlite3_extended_result_codes(m->db, 1);
    sqlite3_busy_timeout(m->db, BUSY_MS);
    m->read_only = TRUE;
    return lw_mem_migrate(m, error);
}

lw_mem *lw_mem_open_for_reading(const char *path, GError **error)
{
    lw_mem *m = g_new0(lw_mem, 1);

    m->path = g_canonicalize_filename(path, NULL);
    m->folder = g_path_get_dirname(m->path);
    if (!open_read_only(m, error))
        g_clear_pointer(&m, lw_mem_close);
    return m;
}

gboolean lw_mem_is_read_only(const lw_mem *m)
{
    return m->read_only;
}

static gboolean set_up(lw_mem *m, GError **error)
{
    sqlite3_extended_result_codes(m->db, 1);
    sqlite3_busy_timeout(m->db, BUSY_MS);
    /* Deleted text is overwritten, not only forgotten. */
    return lw_mem_exec(m,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                       "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;",
                       error);
}

lw_mem *lw_mem_open(const char *folder, GError **error)
{
    g_return_val_if_fail(folder, NULL);

    lw_mem *m = g_new0(lw_mem, 1);
    gboolean check;
    int rc, err = 0;

    m->folder = g_canonicalize_filename(folder, NULL);
    m->path = g_build_filename(m->folder, DB_NAME, NULL);
    if (g_mkdir_with_parents(m->folder, 0700) != 0) {
        err = errno;
        g_set_error(error, LW_MEM_ERROR,
                    err == EACCES || err == EROFS || err == EPERM ? LW_MEM_ERROR_READ_ONLY
                    : err == ENOSPC || err == EDQUOT              ? LW_MEM_ERROR_FULL
                                                                  : LW_MEM_ERROR_IO,
                    "%s: cannot be created: %s", m->folder, g_strerror(err));
        goto fail;
    }
    /* SQLite gives the log and the index the database's own mode: make that private first. */
    int fd = open(m->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    err = fd < 0 ? errno : access(m->folder, W_OK) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (err == EROFS || err == EACCES || err == EPERM) {
        if (access(m->path, R_OK) == 0) {
            if (open_read_only(m, error))
                return m;
        } else {
            g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_READ_ONLY, "%s: cannot be created: %s", m->path,
                        g_strerror(err));
        }
        goto fail;
    }

    check = log_left_behind(m);
    rc = sqlite3_open_v2(m->path, &m->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (rc != SQLITE_OK) {
        lw_mem_set_error(m, rc, "cannot be opened", error);
        goto fail;
    }
    if (!set_up(m, error) || (check && !check_integrity(m, error)) || !lw_mem_migrate(m, error))
        goto fail;
    return m;
fail:
    lw_mem_close(m);
    return NULL;
}

lw_mem *lw_mem_open_temporary(GError **error)
{
    lw_mem *m = g_new0(lw_mem, 1);
    int rc;

    m->folder = lw_mem_private_folder_new(error);
    m->temporary = m->folder != NULL;
    m->path = g_strdup(":memory:");
    if (!m->folder)
        goto fail;
    rc = sqlite3_open_v2(m->path, &m->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (rc != SQLITE_OK) {
        lw_mem_set_error(m, rc, "cannot be opened", error);
        goto fail;
    }
    if (set_up(m, error) && lw_mem_migrate(m, error))
        return m;
fail:
    lw_mem_close(m);
    return NULL;
}

static void remove_folder(const lw_mem *m)
{
    g_autofree char *attachments = lw_mem_attachments_folder(m);

    lw_mem_remove_attachments(m);
    g_rmdir(attachments);
    g_rmdir(m->folder);
}

void lw_mem_close(lw_mem *m)
{
    if (!m)
        return;
    sqlite3_close(m->db);
    if (m->temporary)
        remove_folder(m);
    g_free(m->folder);
    g_free(m->path);
    g_free(m);
}

#define KEPT DB_NAME ".damaged-"

GPtrArray *lw_mem_list_kept(const lw_mem *m)
{
    GPtrArray *kept = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(m->folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        if (g_str_has_prefix(name, KEPT))
            g_ptr_array_add(kept, g_build_filename(m->folder, name, NULL));
    if (dir)
        g_dir_close(dir);
    return kept;
}

char *lw_mem_set_aside(const char *folder, GError **error)
{
    static const char *const tails[] = {"-wal", "-shm", ""};
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *date = g_date_time_format(now, "%Y%m%d-%H%M%S");
    g_autofree char *path = g_build_filename(folder, DB_NAME, NULL);
    g_autofree char *name = g_strconcat(KEPT, date, NULL);
    char *kept = g_build_filename(folder, name, NULL);

    for (int i = 2; g_file_test(kept, G_FILE_TEST_EXISTS); i++) {
        g_free(kept);
        kept = g_strdup_printf("%s" G_DIR_SEPARATOR_S "%s-%d", folder, name, i);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(tails); i++) {
        g_autofree char *from = g_strconcat(path, tails[i], NULL);
        g_autofree char *to = g_strconcat(kept, tails[i], NULL);

        if (g_rename(from, to) != 0 && !(errno == ENOENT && *tails[i])) {
            g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_IO, "%s: cannot be set aside as %s: %s", from,
                        to, g_strerror(errno));
            g_free(kept);
            return NULL;
        }
    }
    return kept;
}

/* ---- Records ---- */

lw_mem_state lw_mem_state_from_int(int state)
{
    return state >= LW_MEM_STATE_DONE && state <= LW_MEM_STATE_REPEATED ? (lw_mem_state)state : LW_MEM_STATE_DONE;
}

void lw_mem_conversation_free(lw_mem_conversation *c)
{
    if (!c)
        return;
    g_free(c->id);
    g_free(c->title);
    g_free(c->model);
    g_free(c->folder);
    g_free(c);
}

void lw_mem_message_free(lw_mem_message *m)
{
    if (!m)
        return;
    g_free(m->id);
    g_free(m->conversation);
    g_free(m->parent);
    g_free(m->text);
    g_clear_pointer(&m->attachments, g_ptr_array_unref);
    g_free(m);
}

lw_mem_attachment *lw_mem_attachment_new(void)
{
    return g_new0(lw_mem_attachment, 1);
}

lw_mem_attachment *lw_mem_attachment_copy(const lw_mem_attachment *a)
{
    lw_mem_attachment *b = g_memdup2(a, sizeof *a);

    b->label = g_strdup(a->label);
    b->path = g_strdup(a->path);
    return b;
}

void lw_mem_attachment_free(lw_mem_attachment *a)
{
    if (!a)
        return;
    g_free(a->label);
    g_free(a->path);
    g_free(a);
}

/* ---- Conversations ---- */

gboolean lw_mem_put_conversation(lw_mem *m, const lw_mem_conversation *c, GError **error)
{
    g_return_val_if_fail(m && c && c->id, FALSE);

    sqlite3_stmt *st = lw_mem_prepare(m,
                               "INSERT INTO conversations (id, title, model, created, updated, titled,"
                               " pinned, folder) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                               " ON CONFLICT (id) DO UPDATE SET title = ?2, model = ?3, created = ?4,"
                               " updated = ?5, titled = ?6, pinned = ?7, folder = ?8",
                               "saving a conversation", error);
    if (!st)
        return FALSE;
    lw_mem_bind_text(st, 1, c->id);
    lw_mem_bind_text(st, 2, c->title ? c->title : "");
    lw_mem_bind_text(st, 3, c->model);
    sqlite3_bind_int64(st, 4, c->created);
    sqlite3_bind_int64(st, 5, c->updated);
    sqlite3_bind_int(st, 6, c->titled);
    sqlite3_bind_int(st, 7, c->pinned);
    lw_mem_bind_text(st, 8, c->folder ? c->folder : "");
    return lw_mem_finish(m, st, "saving a conversation", error);
}

lw_mem_conversation *lw_mem_read_conversation(sqlite3_stmt *st, int first)
{
    lw_mem_conversation *c = g_new0(lw_mem_conversation, 1);

    c->id = lw_mem_column_text(st, first);
    c->title = lw_mem_column_text(st, first + 1);
    c->model = lw_mem_column_text(st, first + 2);
    c->created = sqlite3_column_int64(st, first + 3);
    c->updated = sqlite3_column_int64(st, first + 4);
    c->titled = (lw_mem_titled)CLAMP(sqlite3_column_int(st, first + 5), LW_MEM_TITLED_BY_QUESTION,
                                     LW_MEM_TITLED_BY_USER);
    c->pinned = sqlite3_column_int(st, first + 6) != 0;
    c->folder = lw_mem_column_text(st, first + 7);
    return c;
}

GPtrArray *lw_mem_list_conversations(lw_mem *m, GError **error)
{
    g_return_val_if_fail(m, NULL);

    static const char what[] = "listing conversations";
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_conversation_free);
    sqlite3_stmt *st = lw_mem_prepare(m,
                               "SELECT " LW_MEM_CONVERSATION_COLUMNS " FROM conversations"
                               " WHERE NOT binned ORDER BY updated DESC, id",
                               what, error);
    int rc;

    if (!st)
        return NULL;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        g_ptr_array_add(list, lw_mem_read_conversation(st, 0));
    if (rc != SQLITE_DONE)
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? g_steal_pointer(&list) : NULL;
}

lw_mem_conversation *lw_mem_find_conversation(lw_mem *m, const char *id_prefix, GError **error)
{
    g_return_val_if_fail(m && id_prefix, NULL);

    static const char what[] = "looking for a conversation";
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_conversation_free);
    sqlite3_stmt *st = lw_mem_prepare(m,
                               "SELECT " LW_MEM_CONVERSATION_COLUMNS " FROM conversations"
                               " WHERE NOT binned AND substr(id, 1, length(?1)) = ?1"
                               " ORDER BY length(id) LIMIT 2",
                               what, error);
    int rc;

    if (!st)
        return NULL;
    lw_mem_bind_text(st, 1, id_prefix);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        g_ptr_array_add(list, lw_mem_read_conversation(st, 0));
    if (rc != SQLITE_DONE)
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    if (rc != SQLITE_DONE)
        return NULL;
    if (list->len == 0 || !*id_prefix) {
        g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_MISSING, "there is no conversation \"%s\"",
                    id_prefix);
        return NULL;
    }
    lw_mem_conversation *first = list->pdata[0];
    if (list->len == 2 && strcmp(first->id, id_prefix) != 0) {
        g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_MISSING,
                    "more than one conversation begins with \"%s\"", id_prefix);
        return NULL;
    }
    return g_ptr_array_steal_index(list, 0);
}

gboolean lw_mem_bin_conversation(lw_mem *m, const char *id, gboolean in_bin, GError **error)
{
    g_return_val_if_fail(m && id, FALSE);

    static const char what[] = "deleting a conversation";
    sqlite3_stmt *st = lw_mem_prepare(m, "UPDATE conversations SET binned = ?2 WHERE id = ?1", what, error);

    if (!st)
        return FALSE;
    lw_mem_bind_text(st, 1, id);
    sqlite3_bind_int(st, 2, in_bin);
    return lw_mem_finish(m, st, what, error);
}

/* The attachments of what is about to go; those that nothing else needs are removed afterwards. */
static GPtrArray *list_binned_files(lw_mem *m, const char *id, GError **error)
{
    static const char what[] = "looking for a deleted conversation's pictures";
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    sqlite3_stmt *st = lw_mem_prepare(m,
                               "SELECT DISTINCT a.file FROM attachments a"
                               " JOIN messages g ON g.id = a.message"
                               " JOIN conversations c ON c.id = g.conversation"
                               " WHERE a.copied AND (c.binned OR g.binned) AND (?1 IS NULL OR c.id = ?1)",
                               what, error);
    int rc;

    if (!st)
        return NULL;
    lw_mem_bind_text(st, 1, id);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        g_ptr_array_add(files, lw_mem_column_text(st, 0));
    if (rc != SQLITE_DONE)
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? g_steal_pointer(&files) : NULL;
}

gboolean lw_mem_purge(lw_mem *m, const char *id, GError **error)
{
    g_return_val_if_fail(m, FALSE);

    static const char what[] = "removing deleted conversations";
    g_autoptr(GPtrArray) files = list_binned_files(m, id, error);
    sqlite3_stmt *st;

    if (!files)
        return FALSE;
    static const char *const statements[] = {
        "DELETE FROM conversations WHERE binned AND (?1 IS NULL OR id = ?1)",
        "DELETE FROM messages WHERE binned AND (?1 IS NULL OR conversation = ?1)",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(statements); i++) {
        st = lw_mem_prepare(m, statements[i], what, error);
        if (!st)
            return FALSE;
        lw_mem_bind_text(st, 1, id);
        if (!lw_mem_finish(m, st, what, error))
            return FALSE;
    }
    return lw_mem_remove_unused(m, files, error) && lw_mem_sweep_attachments(m, error);
}
