/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The attachments folder: files named by what they contain.  The name makes a second copy of the same
 * picture free, and lets a sweep find files that no message refers to any more.
 */
#include "memory/store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (256 * 1024)

/* A file that was written but not yet mentioned by a message is left alone for this long. */
#define SWEEP_GRACE_SECONDS (60 * 60)

char *lw_mem_attachments_folder(const lw_mem *m)
{
    return g_build_filename(m->folder, "attachments", NULL);
}

static void set_errno(GError **error, const char *path, const char *what, int err)
{
    int code = err == ENOSPC || err == EDQUOT || err == EFBIG ? LW_MEM_ERROR_FULL
               : err == EROFS || err == EACCES || err == EPERM ? LW_MEM_ERROR_READ_ONLY
                                                               : LW_MEM_ERROR_IO;

    g_autofree char *name = g_filename_display_name(path);
    g_set_error(error, LW_MEM_ERROR, code, "%s: %s: %s", name, what, g_strerror(err));
}

/* Letters and digits only: the name goes into a path. */
static char *clean_extension(const char *name)
{
    const char *dot = name ? strrchr(name, '.') : NULL;
    const char *s = dot ? dot + 1 : name;
    GString *out = g_string_new(NULL);

    for (; s && *s && out->len < 8; s++)
        if (g_ascii_isalnum(*s))
            g_string_append_c(out, g_ascii_tolower(*s));
    if (!out->len)
        g_string_append(out, "bin");
    return g_string_free(out, FALSE);
}

static gboolean write_all(int fd, const guint8 *p, gsize n)
{
    while (n) {
        gssize w = write(fd, p, n);
        if (w < 0) {
            if (errno == EINTR)
                continue;
            return FALSE;
        }
        p += w;
        n -= (gsize)w;
    }
    return TRUE;
}

/* Rename the finished temporary file to its content's name; the folder is synced so that the name
 * survives a power cut together with the row that mentions it. */
static char *publish(const char *folder, char *tmp, int fd, GChecksum *sum, const char *extension,
                     GError **error)
{
    g_autofree char *name = g_strdup_printf("%s.%s", g_checksum_get_string(sum), extension);
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (fsync(fd) != 0 || rename(tmp, path) != 0) {
        set_errno(error, path, "cannot be written", errno);
        return NULL;
    }
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        fsync(dir);
        close(dir);
    }
    return g_steal_pointer(&path);
}

static int open_temporary(const lw_mem *m, char **folder, char **tmp, GError **error)
{
    *folder = lw_mem_attachments_folder(m);
    if (g_mkdir_with_parents(*folder, 0700) != 0) {
        set_errno(error, *folder, "cannot be created", errno);
        return -1;
    }
    *tmp = g_build_filename(*folder, ".incoming-XXXXXX", NULL);
    int fd = g_mkstemp_full(*tmp, O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        set_errno(error, *folder, "cannot be written", errno);
    return fd;
}

static char *copy_in(lw_mem *m, int src, const char *src_path, gint64 *n_bytes, GError **error)
{
    g_autofree char *folder = NULL, *tmp = NULL, *ext = clean_extension(src_path);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree guint8 *buf = g_malloc(CHUNK);
    char *path = NULL;
    int fd = open_temporary(m, &folder, &tmp, error);

    if (fd < 0)
        return NULL;
    for (*n_bytes = 0;;) {
        gssize n = read(src, buf, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            set_errno(error, src_path, "cannot be read", errno);
            goto out;
        }
        if (!n)
            break;
        *n_bytes += n;
        if (*n_bytes > LW_MEM_MAX_COPY_BYTES) {
            g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_IO,
                        "%s: grew while it was copied, now over %lld bytes", src_path,
                        (long long)LW_MEM_MAX_COPY_BYTES);
            goto out;
        }
        g_checksum_update(sum, buf, n);
        if (!write_all(fd, buf, (gsize)n)) {
            set_errno(error, tmp, "cannot be written", errno);
            goto out;
        }
    }
    path = publish(folder, tmp, fd, sum, ext, error);
out:
    if (!path)
        g_unlink(tmp);
    close(fd);
    return path;
}

lw_mem_attachment *lw_mem_keep_file(lw_mem *m, const char *path, lw_mem_kind kind, GError **error)
{
    g_return_val_if_fail(m && path, NULL);

    lw_mem_attachment *a;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) != 0) {
        set_errno(error, path, "cannot be opened", errno);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        g_autofree char *name = g_filename_display_name(path);
        g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_IO, "%s: is not a regular file", name);
        close(fd);
        return NULL;
    }
    a = lw_mem_attachment_new();
    a->kind = kind;
    /* Names need not be UTF-8, but what is shown and exported must be. */
    a->label = g_filename_display_basename(path);
    a->bytes = st.st_size;
    a->mtime = st.st_mtime;

    g_autofree char *folder = lw_mem_attachments_folder(m);
    g_autofree char *inside = g_strconcat(folder, "/", NULL);

    if (g_str_has_prefix(path, inside)) {
        a->path = g_strdup(path);
        a->copied = TRUE;
    } else if (kind != LW_MEM_FILM && st.st_size <= LW_MEM_MAX_COPY_BYTES) {
        a->path = copy_in(m, fd, path, &a->bytes, error);
        a->copied = TRUE;
        if (!a->path)
            g_clear_pointer(&a, lw_mem_attachment_free);
    } else {
        a->path = g_canonicalize_filename(path, NULL);
    }
    close(fd);
    return a;
}

lw_mem_attachment *lw_mem_keep_bytes(lw_mem *m, const void *bytes, gsize n, const char *extension,
                                     const char *label, GError **error)
{
    g_return_val_if_fail(m && bytes, NULL);

    g_autofree char *folder = NULL, *tmp = NULL, *ext = clean_extension(extension);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    lw_mem_attachment *a = NULL;
    char *path = NULL;

    if (n > (gsize)LW_MEM_MAX_COPY_BYTES) {
        g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_IO, "%s: has %zu bytes, the limit is %lld", label,
                    n, (long long)LW_MEM_MAX_COPY_BYTES);
        return NULL;
    }
    int fd = open_temporary(m, &folder, &tmp, error);
    if (fd < 0)
        return NULL;
    g_checksum_update(sum, bytes, (gssize)n);
    if (write_all(fd, bytes, n))
        path = publish(folder, tmp, fd, sum, ext, error);
    else
        set_errno(error, tmp, "cannot be written", errno);
    if (!path)
        g_unlink(tmp);
    close(fd);
    if (path) {
        a = lw_mem_attachment_new();
        a->kind = LW_MEM_PICTURE;
        a->label = g_strdup(label);
        a->path = path;
        a->copied = TRUE;
        a->bytes = (gint64)n;
        a->mtime = g_get_real_time() / G_USEC_PER_SEC;
    }
    return a;
}

/* TRUE when no row mentions the file. */
static gboolean is_unused(sqlite3_stmt *st, const char *name)
{
    int rc;

    sqlite3_bind_text(st, 1, name, -1, SQLITE_TRANSIENT);
    rc = sqlite3_step(st);
    sqlite3_reset(st);
    return rc == SQLITE_DONE;
}

static sqlite3_stmt *prepare_unused(lw_mem *m, GError **error)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(m->db, "SELECT 1 FROM attachments WHERE copied AND file = ?", -1, &st,
                                NULL);

    if (rc != SQLITE_OK)
        lw_mem_set_error(m, rc, "looking for unused attachments", error);
    return st;
}

gboolean lw_mem_remove_unused(lw_mem *m, GPtrArray *names, GError **error)
{
    g_autofree char *folder = lw_mem_attachments_folder(m);
    sqlite3_stmt *st = prepare_unused(m, error);

    if (!st)
        return FALSE;
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *base = g_path_get_basename(names->pdata[i]);
        g_autofree char *path = g_build_filename(folder, base, NULL);

        if (is_unused(st, base))
            g_unlink(path);
    }
    sqlite3_finalize(st);
    return TRUE;
}

gboolean lw_mem_sweep_attachments(lw_mem *m, GError **error)
{
    g_autofree char *folder = lw_mem_attachments_folder(m);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(GPtrArray) kept = lw_mem_list_kept(m);
    sqlite3_stmt *st;
    GDir *dir;
    const char *name;

    if (kept->len)
        return TRUE;
    st = prepare_unused(m, error);
    if (!st)
        return FALSE;
    dir = g_dir_open(folder, 0, NULL);
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct stat info;

        if (lstat(path, &info) == 0 && S_ISREG(info.st_mode) &&
            now - MAX(info.st_mtime, info.st_ctime) > SWEEP_GRACE_SECONDS && is_unused(st, name))
            g_unlink(path);
    }
    if (dir)
        g_dir_close(dir);
    sqlite3_finalize(st);
    return TRUE;
}

void lw_mem_remove_attachments(const lw_mem *m)
{
    g_autofree char *folder = lw_mem_attachments_folder(m);
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_remove(path);
    }
    if (dir)
        g_dir_close(dir);
}
