/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One file from the web onto the disk, for people whose lines are slow and whose quota is short:
 * what has arrived is never deleted.
 *
 * The bytes go to NAME.part, with a sidecar NAME.part.info that says what they belong to; a later
 * call goes on where the last one stopped, provided the server still has the same file (If-Range
 * with its ETag or date).  When it has another one, the old part is set aside as NAME.part.old.  A
 * finished file gets its name only when its size is right, and its SHA-256 where one is known:
 * given by the caller, or announced by the server (X-Linked-ETag, Docker-Content-Digest,
 * Repr-Digest, a URL that ends in sha256:HEX).  A file with the wrong one is set aside as
 * NAME.wrong-sha256.
 *
 * Only http and https; redirects are limited and never lead from https to http.  No proxy, cookie
 * or credential of anybody's is used beyond what GIO's proxy resolver says.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define LW_DOWNLOAD_ERROR (lw_download_error_quark())
GQuark lw_download_error_quark(void);

typedef enum {
    LW_DOWNLOAD_ERROR_URL,      /* not a URL that can be fetched, or no file name in it */
    LW_DOWNLOAD_ERROR_NETWORK,  /* no connection, or one that broke too often */
    LW_DOWNLOAD_ERROR_SERVER,   /* an answer that is no file: 404, a web page, too many redirects */
    LW_DOWNLOAD_ERROR_CHECKSUM, /* set aside; the message says where */
    LW_DOWNLOAD_ERROR_EXISTS,   /* another file has the name */
    LW_DOWNLOAD_ERROR_DISK,     /* no space, or a file that cannot be written */
    LW_DOWNLOAD_ERROR_CANCELLED, /* the part stays */
} lw_download_error;

#define LW_DOWNLOAD_MAX_REDIRECTS 10

typedef struct {
    const char *url;
    const char *folder; /* made when it is not there */
    const char *name;   /* file name; see lw_download_name() */
    const char *sha256; /* 64 hexadecimal digits, NULL: what the server announces */
    const char *magic;  /* the first bytes that the file must have ("GGUF"), NULL: any */
    guint retries;      /* attempts in a row that may fail without a byte arriving */
    guint retry_ms;     /* wait before the first retry, doubled for each one more; 0: 1000 */
    guint timeout_s;    /* a connection that is silent for so long has failed; 0: 60 */
} lw_download_params;

typedef enum {
    LW_DOWNLOAD_CONNECTING,
    LW_DOWNLOAD_CHECKING, /* reading what an earlier call left */
    LW_DOWNLOAD_RECEIVING,
} lw_download_stage;

typedef enum {
    LW_DOWNLOAD_NOTE_NONE,
    LW_DOWNLOAD_NOTE_RETRY,     /* the connection broke */
    LW_DOWNLOAD_NOTE_SET_ASIDE, /* the server has another file now: beginning again, the part stays */
} lw_download_note;

typedef struct {
    lw_download_stage stage;
    const char *name;
    guint64 done, total;     /* bytes of the file; total 0: the server does not say */
    double bytes_per_second; /* of the last seconds; 0: not known yet */
    double seconds_left;     /* < 0: not known */
    lw_download_note noted;
    const char *note;        /* the same in a sentence, to be shown once; usually NULL */
} lw_download_progress;

/* Called from the downloading thread, at most ten times a second besides notes. */
typedef void (*lw_download_progress_fn)(void *user, const lw_download_progress *p);

typedef struct {
    char *path;   /* of the finished file */
    char *sha256; /* of its bytes; NULL when it was there already and nothing said what to expect */
    const char *verified; /* "given", "announced by the server"; NULL: nothing to compare with */
    guint64 bytes;
    guint64 resumed_from; /* bytes that were there already */
    gboolean was_there;   /* nothing had to be fetched */
} lw_download_result;

void lw_download_result_clear(lw_download_result *r);

/* Fetch one file.  Blocks; any thread, but from the first call to the last one of it the default
 * main context of the thread must not be iterated by another.  progress and cancellable may be
 * NULL. Errors: LW_DOWNLOAD_ERROR. */
gboolean lw_download(const lw_download_params *params, lw_download_progress_fn progress, void *user,
                     GCancellable *cancellable, lw_download_result *result, GError **error);

/* A file name out of a URL: its last part, decoded, without anything that could leave a folder,
 * hide the file or confuse a terminal; with `suffix` appended when it does not end in it. g_free().
 * Errors: URL. */
char *lw_download_name(const char *url, const char *suffix, GError **error);

/* The URL with another last part; query and fragment are kept.  NULL: not a URL with a path.
 * g_free(). */
char *lw_download_sibling(const char *url, const char *name);

/* Would a redirect from one URL to another (possibly relative) one be followed?  Errors: URL,
 * SERVER. */
gboolean lw_download_may_redirect(const char *from, const char *to, GError **error);

/* 64 hexadecimal digits? */
gboolean lw_download_is_sha256(const char *text);

G_END_DECLS
