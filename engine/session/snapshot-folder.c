/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/session/snapshot-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ID_DIGITS 16
#define KEY_DIGITS 32

gboolean lw_snapshot_lock(int fd)
{
    struct stat st;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0)
        if (errno != EINTR)
            return FALSE;
    return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

char *lw_snapshot_path(const char *folder, const char *id, const char *suffix)
{
    return g_strdup_printf("%s/%s.%s", folder, id, suffix);
}

static gboolean is_hex(const char *s, gsize n)
{
    return strspn(s, "0123456789abcdef") >= n && strlen(s) >= n;
}

/* "<id>.<suffix>" */
static gboolean is_ours(const char *name, const char *suffix)
{
    return is_hex(name, ID_DIGITS) && name[ID_DIGITS] == '.' &&
           strcmp(name + ID_DIGITS + 1, suffix) == 0;
}

gboolean lw_snapshot_is_table(const char *name, char **id)
{
    if (!is_ours(name, "table"))
        return FALSE;
    *id = g_strndup(name, ID_DIGITS);
    return TRUE;
}

guint64 lw_snapshot_budget(const char *root, guint64 asked, guint64 used)
{
    struct statvfs fs;

    if (asked)
        return asked;
    if (statvfs(root, &fs) != 0)
        return LW_SNAPSHOT_BUDGET;
    return MIN(LW_SNAPSHOT_BUDGET, ((guint64)fs.f_bavail * fs.f_frsize + used) / 10);
}

/* ---- What is there ---- */

typedef struct {
    char *folder, *id;
    guint64 bytes;
    gint64 used_at; /* microseconds; G_MININT64: there is no table */
} entry;

static void entry_free(gpointer p)
{
    entry *e = p;

    g_free(e->folder);
    g_free(e->id);
    g_free(e);
}

static gboolean regular(const char *path, struct stat *st)
{
    return lstat(path, st) == 0 && S_ISREG(st->st_mode);
}

static gint64 mtime_usec(const struct stat *st)
{
    return (gint64)st->st_mtim.tv_sec * G_USEC_PER_SEC + st->st_mtim.tv_nsec / 1000;
}

/* A table that was being written: its writer renames or removes it within seconds. */
static void remove_stale(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat st;

    if (regular(path, &st) && g_get_real_time() - mtime_usec(&st) > LW_SNAPSHOT_STALE_USEC)
        unlink(path);
}

static void scan_folder(const char *folder, GPtrArray *out, gboolean clean)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        gboolean pages = is_ours(name, "pages");
        struct stat st;

        if (clean && is_hex(name, ID_DIGITS) && g_str_has_suffix(name, ".tmp"))
            remove_stale(folder, name);
        if (!pages && !is_ours(name, "table"))
            continue;
        g_autofree char *id = g_strndup(name, ID_DIGITS);
        g_autofree char *other = lw_snapshot_path(folder, id, pages ? "table" : "pages");
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (!regular(path, &st))
            continue;
        entry *e = g_new0(entry, 1);
        e->bytes = (guint64)st.st_size;
        e->used_at = pages ? G_MININT64 : mtime_usec(&st);
        if (regular(other, &st)) {
            if (pages) { /* counted with its table */
                g_free(e);
                continue;
            }
            e->bytes += (guint64)st.st_size;
        }
        e->folder = g_strdup(folder);
        e->id = g_steal_pointer(&id);
        g_ptr_array_add(out, e);
    }
    if (dir)
        g_dir_close(dir);
}

static GPtrArray *scan(const char *root, gboolean clean)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(entry_free);
    GDir *dir = g_dir_open(root, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        if (!is_hex(name, KEY_DIGITS) || name[KEY_DIGITS])
            continue;
        g_autofree char *folder = g_build_filename(root, name, NULL);
        scan_folder(folder, all, clean);
    }
    if (dir)
        g_dir_close(dir);
    return all;
}

static guint64 sum(const GPtrArray *all)
{
    guint64 n = 0;

    for (guint i = 0; i < all->len; i++)
        n += ((const entry *)all->pdata[i])->bytes;
    return n;
}

guint64 lw_snapshot_used(const char *root)
{
    g_autoptr(GPtrArray) all = scan(root, FALSE);

    return sum(all);
}

/* ---- Removing ---- */

void lw_snapshot_remove(const char *folder, const char *id)
{
    g_autofree char *table = lw_snapshot_path(folder, id, "table");
    g_autofree char *pages = lw_snapshot_path(folder, id, "pages");

    unlink(table); /* first: a table without pages would be complained about */
    unlink(pages);
}

void lw_snapshot_clear(const char *root)
{
    g_autoptr(GPtrArray) all = scan(root, TRUE);

    for (guint i = 0; i < all->len; i++) {
        const entry *e = all->pdata[i];
        lw_snapshot_remove(e->folder, e->id);
    }
}

/* FALSE: somebody uses it. */
static gboolean try_remove(const entry *e)
{
    g_autofree char *pages = lw_snapshot_path(e->folder, e->id, "pages");
    int fd = open(pages, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    gboolean free_to_go = fd >= 0 ? lw_snapshot_lock(fd) : errno == ENOENT;

    if (free_to_go)
        lw_snapshot_remove(e->folder, e->id);
    if (fd >= 0)
        close(fd);
    return free_to_go;
}

static int oldest_first(const void *a, const void *b)
{
    const entry *x = *(entry *const *)a, *y = *(entry *const *)b;

    if (x->used_at != y->used_at)
        return x->used_at < y->used_at ? -1 : 1;
    return strcmp(x->id, y->id);
}

guint64 lw_snapshot_evict(const char *root, guint64 budget, const char *keep)
{
    g_autoptr(GPtrArray) all = scan(root, TRUE);
    guint64 used = sum(all), before = used;

    g_ptr_array_sort(all, oldest_first);
    for (guint i = 0; i < all->len; i++) {
        const entry *e = all->pdata[i];
        gboolean orphan = e->used_at == G_MININT64;
        if (used <= budget && !orphan)
            break;
        if (!(keep && strcmp(e->id, keep) == 0) && try_remove(e))
            used -= e->bytes;
    }
    return before - used;
}
