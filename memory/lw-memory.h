/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What Longwave keeps: conversations, their messages and the pictures in them, in one SQLite database
 * (WAL, foreign keys, versioned migrations in schema.c).  Plain C over GLib, so that the window and
 * the terminal program share it.
 *
 * Ids are texts that the caller makes (lw_mem_new_id()), and every write is "put": it inserts or
 * replaces.  Someone whose write failed keeps the record in memory and puts it again later; nothing has
 * to be renumbered.
 *
 * Pictures and documents are copied beside the database, as attachments/<sha256>.<extension>, so that a
 * conversation survives the original being moved.  Those over LW_MEM_MAX_COPY_BYTES and all films stay where
 * they are and are remembered by path, size and time of change.
 *
 * Thread: everything that takes an lw_mem belongs to the one thread that opened it.
 * Errors: LW_MEM_ERROR; messages name the file and SQLite's or the system's reason.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_MEM_ERROR (lw_mem_error_quark())
GQuark lw_mem_error_quark(void);

typedef enum {
    LW_MEM_ERROR_IO,        /* cannot open, read or write */
    LW_MEM_ERROR_FULL,      /* no room: disk, quota or file size limit */
    LW_MEM_ERROR_READ_ONLY, /* the folder or the file must not be written */
    LW_MEM_ERROR_CORRUPT,   /* the database is damaged or is not one */
    LW_MEM_ERROR_NEWER,     /* written by a later version of the program */
    LW_MEM_ERROR_BUSY,      /* another program holds it for too long */
    LW_MEM_ERROR_MISSING,   /* no such conversation (any more) */
    LW_MEM_ERROR_INVALID,   /* a file to import is not what it should be */
} lw_mem_error;

/* Largest picture that is copied into the attachments folder. */
#define LW_MEM_MAX_COPY_BYTES (64ll << 20)

typedef struct lw_mem lw_mem;

/* ---- Lifecycle ---- */

/* $XDG_DATA_HOME/longwave.  Free with g_free(). */
char *lw_mem_default_folder(void);

/* Open folder/longwave.db, creating both when absent (mode 0700 and 0600), and bring its schema up to
 * date.  After an unclean end (a write-ahead log was left behind) the file is checked first.
 * A file that is there but cannot be written (a read-only home) is opened for reading: every write then fails
 * with READ_ONLY.  Blocks; errors: all but MISSING. */
lw_mem *lw_mem_open(const char *folder, GError **error);
/* Opened for reading only.  That it can be written again is noticed by opening it again. */
gboolean lw_mem_is_read_only(const lw_mem *m);

/* For what must not outlive the program: a database in memory, and lw_mem_private_folder_new() for pictures that are
 * copied.  Errors: IO, FULL. */
lw_mem *lw_mem_open_temporary(GError **error);

/* Checkpoints and closes; nothing is left of a temporary one.  NULL is allowed. */
void lw_mem_close(lw_mem *m);

/* After CORRUPT: move the database (and its log) aside as longwave.db.damaged-<date>, so that the next
 * lw_mem_open() starts a new one.  Returns where it is kept; free with g_free(). */
char *lw_mem_set_aside(const char *folder, GError **error);

/* After lw_mem_set_aside(): take over into m, which is new, what can still be read of the file that is kept, and
 * change nothing of that.  A row that is on a broken page is left out; a message whose predecessor is lost follows
 * the one before; a chat whose title is lost gets one of its first message.  What was in the bin is left there.
 * Returns the number of chats, all of them written or none; < 0: *error, CORRUPT when nothing can be read at all,
 * or NEWER, or why m cannot be written. */
int lw_mem_rescue(lw_mem *m, const char *kept, GError **error);

/* A new folder that nobody else can look into, for files that are needed for a while: in $XDG_RUNTIME_DIR, which is in
 * memory and emptied when the user logs out, else in the folder for temporary files.  Returns its path; free with
 * g_free().  The caller removes it.  Any thread.  Errors: IO, FULL. */
char *lw_mem_private_folder_new(GError **error);

/* 16 random hexadecimal digits.  Free with g_free(). */
char *lw_mem_new_id(void);

/* ---- Records ---- */

/* Where a title comes from: a better one replaces only what nobody chose. */
typedef enum {
    LW_MEM_TITLED_BY_QUESTION,
    LW_MEM_TITLED_BY_MODEL,
    LW_MEM_TITLED_BY_USER,
} lw_mem_titled;

typedef struct {
    char *id;
    char *title;
    char *model;    /* path of the model used last, or NULL */
    gint64 created; /* microseconds since 1970, UTC */
    gint64 updated;
    lw_mem_titled titled;
    gboolean pinned;
    char *folder; /* "": none; NULL is "" */
} lw_mem_conversation;

typedef enum {
    LW_MEM_ROLE_USER = 1,
    LW_MEM_ROLE_ASSISTANT = 2,
} lw_mem_role;

typedef enum {
    LW_MEM_STATE_DONE,
    LW_MEM_STATE_PARTIAL, /* being written; found after a restart: the program ended meanwhile */
    LW_MEM_STATE_STOPPED, /* stopped by the user, or by an error after some text */
    LW_MEM_STATE_REPEATED, /* stopped because it repeated itself */
} lw_mem_state;

typedef enum {
    LW_MEM_PICTURE = 1,
    LW_MEM_FILM = 2,
    LW_MEM_DOCUMENT = 3, /* text that goes whole with the question */
} lw_mem_kind;

typedef struct {
    lw_mem_kind kind;
    char *label;     /* for people: file name or "Pasted picture" */
    char *path;      /* absolute, where the bytes are now */
    gboolean copied; /* path is inside the attachments folder */
    gint64 bytes;    /* size and time of change when it was added, to notice a replaced film */
    gint64 mtime;    /* seconds since 1970 */
} lw_mem_attachment;

typedef struct {
    char *id;
    char *conversation;
    char *parent;   /* the message before it.  NULL: at position 0 none; else, when it is put for the first
                     * time, the one that the conversation ends with */
    int position;   /* how many come before it in its branch */
    int branch, n_branches; /* listed only: it is the first, second... of so many with the same parent */
    lw_mem_role role;
    lw_mem_state state;
    char *text;
    gint64 created;
    int n_prompt;   /* tokens; 0: unknown */
    int n_reused;
    int n_generated;
    double tokens_per_second; /* 0: unknown */
    GPtrArray *attachments;   /* of lw_mem_attachment, may be NULL */
} lw_mem_message;

void lw_mem_conversation_free(lw_mem_conversation *c);
void lw_mem_message_free(lw_mem_message *m);
lw_mem_attachment *lw_mem_attachment_new(void);
lw_mem_attachment *lw_mem_attachment_copy(const lw_mem_attachment *a);
void lw_mem_attachment_free(lw_mem_attachment *a);

/* ---- Conversations ---- */

gboolean lw_mem_put_conversation(lw_mem *m, const lw_mem_conversation *c, GError **error);

/* Most recently updated first, those in the bin left out.  Of lw_mem_conversation; free with
 * g_ptr_array_unref(). */
GPtrArray *lw_mem_list_conversations(lw_mem *m, GError **error);

/* One by its id or by an unambiguous beginning of it.  Errors: MISSING. */
lw_mem_conversation *lw_mem_find_conversation(lw_mem *m, const char *id_prefix, GError **error);

/* In and out of the bin: what is in it is not listed, and the next purge removes it for good. */
gboolean lw_mem_bin_conversation(lw_mem *m, const char *id, gboolean in_bin, GError **error);

/* Remove what is in the bin (id: only this one; NULL: everything), and attachments nobody refers to. */
gboolean lw_mem_purge(lw_mem *m, const char *id, GError **error);

/* Every conversation, message, picture, option and preset, for good: the file is written anew, so that nothing of
 * them can be read in it any more, and damaged ones that were kept are removed. */
gboolean lw_mem_delete_all(lw_mem *m, GError **error);

/* ---- Messages ---- */

/* A conversation is a tree; its head is the end of the branch that is shown. */

/* One transaction: the message and its attachments, and the conversation's time of update.  A message whose
 * parent is the head becomes the head.  An existing message keeps its parent.
 * Errors: MISSING when the conversation was never put, or has been purged. */
gboolean lw_mem_put_message(lw_mem *m, const lw_mem_message *msg, GError **error);

/* For good, without what follows it; the head goes back to its parent. */
gboolean lw_mem_delete_message(lw_mem *m, const char *id, GError **error);

/* A message and all that follows it, into the bin and out of it.  When the head goes with it, the newest
 * branch beside it is shown, or what came before.  lw_mem_purge() removes what is in the bin. */
gboolean lw_mem_bin_message(lw_mem *m, const char *id, gboolean in_bin, GError **error);

/* message: the end of what is shown from now on; NULL: nothing is, the next message is a first one. */
gboolean lw_mem_set_head(lw_mem *m, const char *conversation, const char *message, GError **error);
/* Show a branch that contains this message, to the newest of its ends. */
gboolean lw_mem_choose_branch(lw_mem *m, const char *message, GError **error);
/* The message with the same parent that was written next (step > 0) or before.  Errors: MISSING. */
char *lw_mem_find_branch(lw_mem *m, const char *message, int step, GError **error);

/* The branch that is shown, in order.  Of lw_mem_message; free with g_ptr_array_unref(). */
GPtrArray *lw_mem_list_messages(lw_mem *m, const char *conversation, GError **error);
/* All branches, every message after its parent. */
GPtrArray *lw_mem_list_tree(lw_mem *m, const char *conversation, GError **error);

/* ---- Search ---- */

typedef struct {
    char *conversation;
    char *message;                     /* NULL: the title of the conversation is what was found */
    char *title;                       /* of the conversation */
    char *snippet;                     /* one line around the first word; of a title, what its chat begins with */
    gsize match_start, match_end;      /* of the word in it, bytes */
    lw_mem_role role;
    gint64 created;                    /* of a title, when its chat was updated */
} lw_mem_hit;

void lw_mem_hit_free(lw_mem_hit *h);

/* Conversations whose title contains every word of the query (parts of words count, case does not) but none of whose
 * messages is found, then messages, in all branches, that do: each the newest first, at most limit in all.
 * Of lw_mem_hit; free with g_ptr_array_unref(). */
GPtrArray *lw_mem_search(lw_mem *m, const char *query, guint limit, GError **error);

/* ---- Files ---- */

#define LW_MEM_MAX_IMPORT_BYTES (256ll << 20)
#define LW_MEM_MAX_IMPORT_MESSAGES 100000
#define LW_MEM_MAX_IMPORT_ATTACHMENTS 1000

/* The branch that is shown, as Markdown; all branches, as JSON (export.c describes it).  Free with g_free().
 * Errors: MISSING. */
char *lw_mem_export_markdown(lw_mem *m, const char *conversation, GError **error);
char *lw_mem_export_json(lw_mem *m, const char *conversation, GError **error);

/* Read n bytes of such JSON into a new conversation, all of it or nothing.  Returns its id; free with g_free().
 * Errors: INVALID says what is wrong and in which message. */
char *lw_mem_import_json(lw_mem *m, const char *json, gsize n, GError **error);

/* ---- How a model is asked ---- */

typedef enum {
    LW_MEM_OPTIONS_CHAT = 1,   /* owner: a conversation's id; goes with it */
    LW_MEM_OPTIONS_MODEL = 2,  /* owner: a model's path; for chats that have none of their own */
    LW_MEM_OPTIONS_PRESET = 3, /* owner: an id; has a name */
} lw_mem_options_kind;

/* Longest instructions, bytes. */
#define LW_MEM_MAX_SYSTEM (256 << 10)

typedef struct {
    lw_mem_options_kind kind;
    char *owner;
    char *name;         /* of a preset */
    char *system;       /* instructions to the model, NULL: none */
    gboolean own;       /* the model's own sampling: the figures below do not count */
    double temperature; /* as in lw_sampler_params */
    int top_k;
    double top_p, min_p, repeat_penalty;
    int max_tokens; /* of an answer; 0: until it ends */
    gint64 seed;    /* < 0: another one each time */
} lw_mem_options;

/* No instructions, the model's own sampling, and its usual figures. */
lw_mem_options *lw_mem_options_new(lw_mem_options_kind kind, const char *owner);
lw_mem_options *lw_mem_options_copy(const lw_mem_options *o);
void lw_mem_options_free(lw_mem_options *o);

gboolean lw_mem_put_options(lw_mem *m, const lw_mem_options *o, GError **error);
gboolean lw_mem_delete_options(lw_mem *m, lw_mem_options_kind kind, const char *owner, GError **error);
/* All of them, presets by name.  Of lw_mem_options; free with g_ptr_array_unref(). */
GPtrArray *lw_mem_list_options(lw_mem *m, GError **error);

/* ---- Attachments ---- */

/* Take in a file.  A picture or document within the limit is copied (to a temporary name, synced, renamed: other
 * readers never see half a file); one that is already there is not copied again. */
lw_mem_attachment *lw_mem_keep_file(lw_mem *m, const char *path, lw_mem_kind kind, GError **error);

/* Take in bytes that have no file, such as a pasted picture.  extension: "png". */
lw_mem_attachment *lw_mem_keep_bytes(lw_mem *m, const void *bytes, gsize n, const char *extension,
                                     const char *label, GError **error);

/* Time between two saves of an answer that is being written: a killed program loses less than this. */
#define LW_MEM_PARTIAL_SAVE_MS 750

G_END_DECLS
