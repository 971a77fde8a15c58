/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by the files of this folder.
 */
#pragma once

#include "memory/lw-memory.h"

#include <sqlite3.h>

struct lw_mem {
    sqlite3 *db;
    char *folder;
    char *path; /* of the database */
    gboolean read_only;
    gboolean temporary; /* the folder goes when it is closed */
};

/* A database wherever it is, as lw_mem_open() opens one that cannot be written; its log is read and left as it is.
 * attachments/ is beside it. */
lw_mem *lw_mem_open_for_reading(const char *path, GError **error);

/* Fill *error from the connection's last error, as "path: what: reason". */
void lw_mem_set_error(const lw_mem *m, int rc, const char *what, GError **error);

/* Run SQL without results. */
gboolean lw_mem_exec(lw_mem *m, const char *sql, GError **error);

/* NULL: *error says why. */
sqlite3_stmt *lw_mem_prepare(lw_mem *m, const char *sql, const char *what, GError **error);

/* Run a statement that gives no rows, and finalize it. */
gboolean lw_mem_finish(lw_mem *m, sqlite3_stmt *st, const char *what, GError **error);

/* NULL binds NULL. */
void lw_mem_bind_text(sqlite3_stmt *st, int i, const char *s);

/* The file is outside bytes too: what comes out is valid UTF-8 without NULs, or NULL. */
char *lw_mem_column_text(sqlite3_stmt *st, int i);
/* What was stored or imported, DONE when this program does not know it. */
lw_mem_state lw_mem_state_from_int(int state);

/* Records from the columns of a row, first: the number of the first of them. */
#define LW_MEM_CONVERSATION_COLUMNS "id, title, model, created, updated, titled, pinned, folder"
lw_mem_conversation *lw_mem_read_conversation(sqlite3_stmt *st, int first);
/* g: messages.  Without its attachments. */
#define LW_MEM_MESSAGE_COLUMNS                                                                            \
    "g.id, g.position, g.role, g.state, g.text, g.created, g.n_prompt, g.n_reused, g.n_generated,"        \
    " g.tokens_per_second, g.parent"
lw_mem_message *lw_mem_read_message(sqlite3_stmt *st, int first, const char *conversation);
/* a: attachments.  The row begins with them.  folder: of the attachments. */
#define LW_MEM_ATTACHMENT_COLUMNS "a.kind, a.label, a.file, a.copied, a.bytes, a.mtime"
lw_mem_attachment *lw_mem_read_attachment(sqlite3_stmt *st, const char *folder);

/* lw_mem_put_message() inside a transaction of the caller's. */
gboolean lw_mem_put_message_inside(lw_mem *m, const lw_mem_message *msg, GError **error);

/* Create or upgrade the tables. */
gboolean lw_mem_migrate(lw_mem *m, GError **error);

/* Paths of what lw_mem_set_aside() has kept in m's folder, logs included.  Free with g_ptr_array_unref(). */
GPtrArray *lw_mem_list_kept(const lw_mem *m);

/* Delete those of these files in the attachments folder that no row refers to. */
gboolean lw_mem_remove_unused(lw_mem *m, GPtrArray *names, GError **error);

/* The same for the whole folder, sparing files so new that their message may not be saved yet.  Nothing is removed
 * while a damaged database is kept, which may refer to it. */
gboolean lw_mem_sweep_attachments(lw_mem *m, GError **error);

char *lw_mem_attachments_folder(const lw_mem *m);
/* Every file in that folder. */
void lw_mem_remove_attachments(const lw_mem *m);
