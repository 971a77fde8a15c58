/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Snapshots: the keys and values of a conversation on disk, so that after a restart the next turn
 * computes only what is new.  Losing one costs time, never an answer: whatever is damaged, foreign,
 * outdated or cut short is ignored with one line in the log, and pages whose checksum is wrong are
 * never computed with.
 *
 * A snapshot is two files (snapshot-table.h): pages that are appended once and stay, and a table
 * that every turn replaces.  A turn therefore writes its new pages, 24 bytes for each token of the
 * conversation and one page for the unfinished end.  Order: pages, fdatasync, new table under
 * another name, fsync, rename; a crash at any moment leaves the table of the turn before, or the
 * new one.
 *
 * Restoring maps the page file and lends its pages to the cache, which copies one before it writes
 * to it.  All pages that will be used are read and checked at once (about 10 GB/s from memory; from
 * a disk, its speed): the first generated token would have read them anyway.
 *
 * Thread: that of the session.  Folder discipline between processes: snapshot-folder.h.
 */
#pragma once

#include "engine/session/snapshot-table.h"

G_BEGIN_DECLS

/* Shorter conversations are computed faster than a file is worth. */
#define LW_SNAPSHOT_MIN_TOKENS LW_KV_PAGE

/* A folder as one session sees it. */
typedef struct lw_snapshots lw_snapshots;
/* What of a session's cache lies on disk already. */
typedef struct lw_snapshot_link lw_snapshot_link;
/* A snapshot that was found, checked and not used yet. */
typedef struct lw_snapshot_find lw_snapshot_find;

/* budget: bytes for all snapshots in the folder, 0: the default (snapshot-folder.h).  The folder is
 * made when something is saved. */
lw_snapshots *lw_snapshots_new(const char *folder, guint64 budget, const lw_snapshot_owner *owner);
void lw_snapshots_free(lw_snapshots *s);

/* The snapshot that has most tokens in common with the prompt; NULL when none has more than
 * `at_least`. Problems are logged, once for each file. */
lw_snapshot_find *lw_snapshots_search(lw_snapshots *s, const lw_timeline *want, gsize at_least);
gsize lw_snapshot_find_n_tokens(const lw_snapshot_find *f);
/* Fill an empty sequence with it.  *link (NULL before) gets what was restored, or stays NULL when
 * another process is writing to the snapshot.  Errors: CONTEXT_FULL, NO_MEMORY; kv is empty then.
 */
gboolean lw_snapshot_find_use(lw_snapshot_find *f, lw_kv_seq *kv, lw_snapshot_link **link,
                              GError **error);
void lw_snapshot_find_free(lw_snapshot_find *f);

typedef struct {
    guint64 page_bytes, table_bytes; /* written */
    gboolean new_file;
} lw_snapshot_written;

/* Save what a session holds: timeline and kv agree.  *link is made or renewed; it remembers what is
 * on disk. A conversation that keeps at least half of what the snapshot has goes on in it;
 * otherwise it gets a snapshot of its own.  written may be NULL. Errors: INVALID (the budget or the
 * disk is too small, with numbers; the folder cannot be written to).  What was on disk before is
 * still valid then, and nothing half-written stays. */
gboolean lw_snapshots_save(lw_snapshots *s, const lw_timeline *t, const lw_kv_seq *kv,
                           lw_snapshot_link **link, lw_snapshot_written *written, GError **error);

/* The session was cut to n tokens: what comes later differs from what is on disk.  link may be
 * NULL. */
void lw_snapshot_link_cut(lw_snapshot_link *link, gsize n);
void lw_snapshot_link_free(lw_snapshot_link *link);

G_END_DECLS
