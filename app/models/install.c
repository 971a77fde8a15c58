/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/install.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "app/models/fetch.h"
#include "engine/gguf/gguf.h"

#define ASIDE_PREFIX ".removed-"
/* In a folder of removed files: the name of the library's sub-folder they came from, "" for none. */
#define ORIGIN_FILE ".origin"

static gboolean fail_errno(GError **error, const char *path, int saved)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved), "%s: %s", path, g_strerror(saved));
    return FALSE;
}

static gboolean make_folder(const char *folder, GError **error)
{
    return g_mkdir_with_parents(folder, 0755) == 0 || fail_errno(error, folder, errno);
}

/* ---- Adding ---- */

static gboolean has_suffix_nocase(const char *s, const char *suffix)
{
    gsize n = strlen(s), k = strlen(suffix);
    return n > k && g_ascii_strcasecmp(s + n - k, suffix) == 0;
}

static gboolean is_vision_file(const char *base)
{
    return g_ascii_strncasecmp(base, "mmproj", 6) == 0 && has_suffix_nocase(base, ".gguf");
}

static gboolean same_file(const char *a, const char *b)
{
    GStatBuf x, y;
    return g_stat(a, &x) == 0 && g_stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static gboolean link_into(const char *folder, const char *file, GError **error)
{
    g_autofree char *base = g_path_get_basename(file);
    g_autofree char *target = g_build_filename(folder, base, NULL);

    if (symlink(file, target) == 0 || same_file(file, target))
        return TRUE;
    int saved = errno;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved), _("%s cannot be linked: %s"), target,
                g_strerror(saved));
    return FALSE;
}

/* Every part of a split model, or the one file. */
static gboolean link_parts(const char *folder, const char *file, GError **error)
{
    g_autofree char *base = g_path_get_basename(file);
    guint32 no, count;
    gsize n;

    if (!lw_gguf_parse_split_name(base, &no, &count, &n))
        return link_into(folder, file, error);
    for (guint32 i = 1; i <= MIN(count, LW_GGUF_MAX_PARTS); i++) {
        g_autofree char *part = lw_gguf_split_sibling(file, i);

        /* A missing part is told by name when the model is opened. */
        if (g_file_test(part, G_FILE_TEST_EXISTS) && !link_into(folder, part, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean link_vision_files(const char *folder, const char *beside, GError **error)
{
    GDir *dir = g_dir_open(beside, 0, NULL);
    const char *name;
    gboolean ok = TRUE;

    while (ok && dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(beside, name, NULL);
        if (is_vision_file(name))
            ok = link_into(folder, path, error);
    }
    if (dir)
        g_dir_close(dir);
    return ok;
}

char *lw_install_link(const char *file, GError **error)
{
    g_autofree char *absolute = g_canonicalize_filename(file, NULL);
    g_autofree char *base = g_path_get_basename(absolute), *beside = g_path_get_dirname(absolute);
    g_autofree char *library = lw_library_folder();

    if (!has_suffix_nocase(base, ".gguf")) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _("%s is not a GGUF file"), base);
        return NULL;
    }
    if (is_vision_file(base)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    _("%s is the vision part of a model: choose the model beside it"), base);
        return NULL;
    }
    /* A file without the right beginning is told now, not after a click on it. */
    lw_gguf *g = lw_gguf_open(absolute, error);
    if (!g)
        return NULL;
    lw_gguf_free(g);

    g_autofree char *stem = g_strndup(base, strlen(base) - strlen(".gguf"));
    g_autofree char *folder = g_build_filename(library, stem, NULL);
    /* It lies in the library already. */
    if (g_str_has_prefix(absolute, library) && absolute[strlen(library)] == G_DIR_SEPARATOR)
        return g_steal_pointer(&absolute);
    if (!make_folder(folder, error) || !link_parts(folder, absolute, error) ||
        !link_vision_files(folder, beside, error))
        return NULL;
    return g_build_filename(folder, base, NULL);
}

/* Beside a model that is in the library now. */
static gboolean link_vision_file(const char *model, const char *file, GError **error)
{
    g_autofree char *absolute = g_canonicalize_filename(file, NULL), *folder = g_path_get_dirname(model);
    lw_gguf *g = lw_gguf_open(absolute, error);

    if (!g)
        return FALSE;
    lw_gguf_free(g);
    return link_into(folder, absolute, error);
}

char *lw_install_link_files(const char *const *files, GError **error)
{
    g_autoptr(GPtrArray) vision = g_ptr_array_new(), models = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; files[i]; i++) {
        g_autofree char *base = g_path_get_basename(files[i]);

        if (is_vision_file(base))
            g_ptr_array_add(vision, (gpointer)files[i]);
    }
    for (gsize i = 0; files[i]; i++) {
        if (g_ptr_array_find(vision, files[i], NULL) && vision->len < g_strv_length((char **)files))
            continue;
        char *path = lw_install_link(files[i], error);
        if (!path)
            return NULL;
        g_ptr_array_add(models, path);
    }
    for (guint i = 0; i < vision->len; i++)
        for (guint k = 0; k < models->len; k++)
            if (!link_vision_file(models->pdata[k], vision->pdata[i], error))
                return NULL;
    return models->len ? g_strdup(models->pdata[0]) : NULL;
}

/* ---- Removing ---- */

gboolean lw_install_can_remove(const lw_library_entry *e)
{
    g_autofree char *library = lw_library_folder();
    return e->source == LW_LIBRARY_OWN && g_str_has_prefix(e->path, library) &&
           e->path[strlen(library)] == G_DIR_SEPARATOR;
}

static gboolean move(const char *from_folder, const char *to_folder, const char *name, GError **error)
{
    g_autofree char *from = g_build_filename(from_folder, name, NULL);
    g_autofree char *to = g_build_filename(to_folder, name, NULL);
    GStatBuf st;

    if (g_lstat(from, &st) != 0) /* parts that never were */
        return TRUE;
    return g_rename(from, to) == 0 || fail_errno(error, from, errno);
}

/* Is another text model in the folder, which may need the vision files? */
static gboolean is_shared(const char *folder, GHashTable *own)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;
    gboolean found = FALSE;

    while (!found && dir && (name = g_dir_read_name(dir)))
        found = has_suffix_nocase(name, ".gguf") && !is_vision_file(name) &&
                !g_hash_table_contains(own, name);
    if (dir)
        g_dir_close(dir);
    return found;
}

/* Names in its folder that go with a model. */
static GHashTable *names_of(const char *folder, const char *base, gboolean top)
{
    GHashTable *own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint32 no, count;
    gsize n;

    g_hash_table_add(own, g_strdup(base));
    if (lw_gguf_parse_split_name(base, &no, &count, &n))
        for (guint32 i = 1; i <= MIN(count, LW_GGUF_MAX_PARTS); i++)
            g_hash_table_add(own, lw_gguf_split_sibling(base, i));
    if (top || is_shared(folder, own))
        return own;

    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir)))
        if (is_vision_file(name) || strcmp(name, LW_FETCH_FILE) == 0 || strstr(name, ".gguf.part"))
            g_hash_table_add(own, g_strdup(name));
    if (dir)
        g_dir_close(dir);
    return own;
}

static char *make_aside(const char *library, const char *origin, GError **error)
{
    g_autofree char *folder = g_build_filename(library, ASIDE_PREFIX "XXXXXX", NULL);

    if (!g_mkdtemp(folder)) {
        fail_errno(error, folder, errno);
        return NULL;
    }
    g_autofree char *note = g_build_filename(folder, ORIGIN_FILE, NULL);
    if (!g_file_set_contents(note, origin, -1, error)) {
        g_rmdir(folder);
        return NULL;
    }
    return g_steal_pointer(&folder);
}

char *lw_install_remove(const lw_library_entry *e, GError **error)
{
    g_autofree char *library = lw_library_folder();
    g_autofree char *folder = g_path_get_dirname(e->path), *base = g_path_get_basename(e->path);
    g_autofree char *sub = g_path_get_basename(folder);
    gboolean top = strcmp(folder, library) == 0;
    gboolean linked = !top && g_file_test(folder, G_FILE_TEST_IS_SYMLINK);

    if (!lw_install_can_remove(e)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                    _("%s is not one of Longwave’s own models: remove it where it was installed"),
                    e->name);
        return NULL;
    }
    char *aside = make_aside(library, top || linked ? "" : sub, error);
    if (!aside)
        return NULL;
    gboolean ok = TRUE;
    if (linked) { /* only the link goes */
        ok = move(library, aside, sub, error);
    } else {
        g_autoptr(GHashTable) names = names_of(folder, base, top);
        GHashTableIter iter;
        gpointer name;
        g_hash_table_iter_init(&iter, names);
        while (ok && g_hash_table_iter_next(&iter, &name, NULL))
            ok = move(folder, aside, name, error);
        if (ok && !top)
            g_rmdir(folder); /* unless something else is in it */
    }
    if (!ok) {
        lw_install_restore(aside, NULL);
        g_clear_pointer(&aside, g_free);
    }
    return aside;
}

gboolean lw_install_restore(const char *aside, GError **error)
{
    g_autofree char *library = lw_library_folder();
    g_autofree char *note = g_build_filename(aside, ORIGIN_FILE, NULL), *origin = NULL;
    GError *local = NULL;

    if (!g_file_get_contents(note, &origin, NULL, &local)) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, local->message);
        g_error_free(local);
        return FALSE;
    }
    g_autofree char *folder =
        *origin ? g_build_filename(library, origin, NULL) : g_strdup(library);
    if (!make_folder(folder, error))
        return FALSE;

    GDir *dir = g_dir_open(aside, 0, NULL);
    const char *name;
    gboolean ok = TRUE;
    while (ok && dir && (name = g_dir_read_name(dir))) {
        g_autofree char *target = g_build_filename(folder, name, NULL);
        if (strcmp(name, ORIGIN_FILE) == 0)
            continue;
        if (g_file_test(target, G_FILE_TEST_EXISTS)) { /* added again meanwhile */
            ok = fail_errno(error, target, EEXIST);
            break;
        }
        ok = move(aside, folder, name, error);
    }
    if (dir)
        g_dir_close(dir);
    if (ok) {
        unlink(note);
        g_rmdir(aside);
    }
    return ok;
}

static void purge_one(const char *aside)
{
    GDir *dir = g_dir_open(aside, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(aside, name, NULL);
        unlink(path); /* files and links; nothing here is a folder */
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(aside);
}

void lw_install_purge(const char *aside)
{
    if (aside) {
        purge_one(aside);
        return;
    }
    g_autofree char *library = lw_library_folder();
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(library, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        if (g_str_has_prefix(name, ASIDE_PREFIX))
            g_ptr_array_add(found, g_build_filename(library, name, NULL));
    if (dir)
        g_dir_close(dir);
    for (guint i = 0; i < found->len; i++)
        purge_one(found->pdata[i]);
}
