/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The folder of snapshots: names, locks, the disk budget.
 *
 *   FOLDER/<owner's key, 32 hex digits>/<id, 16 hex digits>.table   what is there; replaced by
 * renaming
 *                                      /<id>.pages                  pages; only ever appended to
 *                                      /<id>.<pid>.tmp              a table being written
 *
 * Any number of processes may use it at the same time: a page file is appended to and removed only
 * by whoever holds its lock (flock), a table appears whole or not at all, and a file that somebody
 * has mapped stays readable when it is removed.  Files with other names are left alone.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The budget when none is asked for: this, or a tenth of the free space (with what the snapshots
 * take now counted as free) if that is less. */
#define LW_SNAPSHOT_BUDGET ((guint64)8 << 30)
/* Free space that a save leaves on the disk. */
#define LW_SNAPSHOT_LEAVE_FREE ((guint64)256 << 20)
/* A table that nobody finished for so long is removed, microseconds. */
#define LW_SNAPSHOT_STALE_USEC ((gint64)600 * G_USEC_PER_SEC)

/* Take the lock of an opened page file; FALSE when another process (or session) holds it, or when
 * the file has been removed. */
gboolean lw_snapshot_lock(int fd);
/* The paths of a snapshot: suffix "table" or "pages".  Free with g_free(). */
char *lw_snapshot_path(const char *folder, const char *id, const char *suffix);
/* Is it a name that a table of ours has?  *id gets a copy (g_free). */
gboolean lw_snapshot_is_table(const char *name, char **id);

/* Bytes that the snapshots may take: asked, or the default. */
guint64 lw_snapshot_budget(const char *root, guint64 asked, guint64 used);
/* Bytes of all snapshots of all owners in root. */
guint64 lw_snapshot_used(const char *root);
/* Remove the snapshots not used for longest until all together take no more than `budget` bytes,
 * and what crashes left behind.  Those in use, and `keep` (an id), stay.  Returns the bytes that
 * were freed. */
guint64 lw_snapshot_evict(const char *root, guint64 budget, const char *keep);
/* Remove all snapshots of all owners, those in use as well (who uses one starts a new one). */
void lw_snapshot_clear(const char *root);
/* Remove one snapshot that the caller has locked. */
void lw_snapshot_remove(const char *folder, const char *id);

G_END_DECLS
