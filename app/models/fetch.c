/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/fetch.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/gguf/gguf.h"
#include "engine/library/lw-library.h"

#define GROUP "download"
/* More than anyone has begun; stops a folder that holds a million others. */
#define MAX_UNFINISHED 256

static void item_free(void *data)
{
    lw_fetch_item *i = data;
    lw_download_result_clear(&i->result);
    g_free(i->url);
    g_free(i->name);
    g_free(i);
}

static void add(GPtrArray *items, char *url, char *name)
{
    lw_fetch_item *i = g_new0(lw_fetch_item, 1);
    i->url = url;
    i->name = name;
    g_ptr_array_add(items, i);
}

void lw_fetch_free(lw_fetch *f)
{
    if (!f)
        return;
    g_free(f->folder);
    g_free(f->title);
    g_free(f->url);
    g_free(f->mmproj);
    g_free(f->sha256);
    g_ptr_array_unref(f->items);
    g_free(f);
}

/* ---- The plan ---- */

static gboolean add_model(lw_fetch *f, const char *name, GError **error)
{
    guint32 no, count;
    gsize n_stem;

    if (!lw_gguf_parse_split_name(name, &no, &count, &n_stem) || count < 2) {
        add(f->items, g_strdup(f->url), g_strdup(name));
        f->title = g_strndup(name, strlen(name) - strlen(".gguf"));
        return TRUE;
    }
    if (count > LW_GGUF_MAX_PARTS) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    _("%s: %u parts, the limit is %d"), name, count, LW_GGUF_MAX_PARTS);
        return FALSE;
    }
    if (f->sha256) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    _("a SHA-256 is for one file, %s is one of %u parts"), name, count);
        return FALSE;
    }
    for (guint32 i = 1; i <= count; i++) {
        char *part = lw_gguf_split_sibling(name, i);
        add(f->items, i == no ? g_strdup(f->url) : lw_download_sibling(f->url, part), part);
    }
    f->title = g_strndup(name, n_stem);
    return TRUE;
}

static gboolean add_vision(lw_fetch *f, GError **error)
{
    char *name = lw_download_name(f->mmproj, ".gguf", error);
    if (!name)
        return FALSE;
    g_autofree char *lower = g_ascii_strdown(name, -1);
    if (!strstr(lower, "mmproj")) { /* it is found by its name */
        char *named = g_strconcat("mmproj-", name, NULL);
        g_free(name);
        name = named;
    }
    add(f->items, g_strdup(f->mmproj), name);
    return TRUE;
}

static char *dup_stripped(const char *text)
{
    g_autofree char *s = text ? g_strstrip(g_strdup(text)) : NULL;
    return s && *s ? g_steal_pointer(&s) : NULL;
}

lw_fetch *lw_fetch_plan(const char *url, const char *mmproj_url, const char *sha256, GError **error)
{
    g_autoptr(lw_fetch) f = g_new0(lw_fetch, 1);

    f->items = g_ptr_array_new_with_free_func(item_free);
    f->url = g_strstrip(g_strdup(url));
    f->mmproj = dup_stripped(mmproj_url);
    f->sha256 = dup_stripped(sha256);
    g_autofree char *name = lw_download_name(f->url, ".gguf", error);
    if (!name || !add_model(f, name, error) || (f->mmproj && !add_vision(f, error)))
        return NULL;
    if (f->sha256 && !lw_download_is_sha256(f->sha256)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    _("“%s” is not a SHA-256 (64 hexadecimal digits)"), f->sha256);
        return NULL;
    }
    g_autofree char *library = lw_library_folder();
    f->folder = g_build_filename(library, f->title, NULL);
    return g_steal_pointer(&f);
}

/* ---- Remembering ---- */

/* Readable by nobody else: an address may hold a key.  A disk that does not take it will not take the model
 * either, and lw_download() says so better. */
static void remember(const lw_fetch *f)
{
    g_autoptr(GKeyFile) k = g_key_file_new();
    g_autofree char *path = g_build_filename(f->folder, LW_FETCH_FILE, NULL), *text = NULL;
    gsize n;

    g_key_file_set_string(k, GROUP, "url", f->url);
    if (f->mmproj)
        g_key_file_set_string(k, GROUP, "mmproj", f->mmproj);
    if (f->sha256)
        g_key_file_set_string(k, GROUP, "sha256", f->sha256);
    text = g_key_file_to_data(k, &n, NULL);
    if (g_mkdir_with_parents(f->folder, 0755) == 0)
        g_file_set_contents_full(path, text, (gssize)n, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

static void forget(const lw_fetch *f)
{
    g_autofree char *path = g_build_filename(f->folder, LW_FETCH_FILE, NULL);
    unlink(path);
}

gboolean lw_fetch_run(lw_fetch *f, const lw_fetch_params *params, GCancellable *cancellable,
                      GError **error)
{
    remember(f);
    for (guint k = 0; k < f->items->len; k++) {
        lw_fetch_item *i = f->items->pdata[k];
        lw_download_params one = {
            .url = i->url,
            .folder = f->folder,
            .name = i->name,
            .sha256 = k == 0 ? f->sha256 : NULL,
            .magic = "GGUF",
            .retries = params->retries,
            .retry_ms = params->retry_ms,
        };
        if (params->item)
            params->item(params->user, f, k, FALSE);
        lw_download_result_clear(&i->result);
        if (!lw_download(&one, params->progress, params->user, cancellable, &i->result, error)) {
            /* Nothing has come, so there is nothing to go on with. */
            g_autofree char *part = g_strconcat(f->folder, G_DIR_SEPARATOR_S, i->name, ".part", NULL);
            if (k == 0 && !g_file_test(part, G_FILE_TEST_EXISTS)) {
                forget(f);
                g_rmdir(f->folder);
            }
            return FALSE;
        }
        if (params->item)
            params->item(params->user, f, k, TRUE);
    }
    forget(f);
    return TRUE;
}

/* ---- Unfinished ones ---- */

static guint64 size_of(const char *path)
{
    GStatBuf st;
    return g_lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (guint64)st.st_size : 0;
}

/* Sizes of what is there; total stays 0 unless every file's is known. */
static void look_at_parts(lw_fetch *f)
{
    gboolean known = TRUE;

    for (guint k = 0; k < f->items->len; k++) {
        const lw_fetch_item *i = f->items->pdata[k];
        g_autofree char *whole = g_build_filename(f->folder, i->name, NULL);
        g_autofree char *part = g_strconcat(whole, ".part", NULL);
        g_autofree char *info = g_strconcat(part, ".info", NULL);
        g_autoptr(GKeyFile) ini = g_key_file_new();
        guint64 n = size_of(whole), total = n;

        if (!n) {
            n = size_of(part);
            total = g_key_file_load_from_file(ini, info, G_KEY_FILE_NONE, NULL)
                        ? g_key_file_get_uint64(ini, "download", "total", NULL)
                        : 0;
        }
        f->done += n;
        f->total += total;
        known = known && total;
    }
    if (!known || f->total < f->done)
        f->total = 0;
}

static lw_fetch *read_unfinished(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, LW_FETCH_FILE, NULL);
    g_autoptr(GKeyFile) k = g_key_file_new();

    if (!g_key_file_load_from_file(k, path, G_KEY_FILE_NONE, NULL))
        return NULL;
    g_autofree char *url = g_key_file_get_string(k, GROUP, "url", NULL);
    g_autofree char *mmproj = g_key_file_get_string(k, GROUP, "mmproj", NULL);
    g_autofree char *sha256 = g_key_file_get_string(k, GROUP, "sha256", NULL);
    lw_fetch *f = url ? lw_fetch_plan(url, mmproj, sha256, NULL) : NULL;

    if (!f)
        return NULL;
    /* Whatever the folder is called: the files that lie in it belong to it. */
    g_free(f->folder);
    f->folder = g_strdup(folder);
    look_at_parts(f);
    return f;
}

static int by_folder(gconstpointer a, gconstpointer b)
{
    return strcmp((*(lw_fetch *const *)a)->folder, (*(lw_fetch *const *)b)->folder);
}

GPtrArray *lw_fetch_unfinished(void)
{
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)lw_fetch_free);
    g_autofree char *library = lw_library_folder();
    GDir *dir = g_dir_open(library, 0, NULL);
    const char *name;

    while (dir && list->len < MAX_UNFINISHED && (name = g_dir_read_name(dir))) {
        g_autofree char *folder = g_build_filename(library, name, NULL);
        lw_fetch *f = name[0] == '.' ? NULL : read_unfinished(folder);
        if (f)
            g_ptr_array_add(list, f);
    }
    if (dir)
        g_dir_close(dir);
    g_ptr_array_sort(list, by_folder);
    return list;
}

gboolean lw_fetch_discard(const lw_fetch *f, GError **error)
{
    for (guint k = 0; k < f->items->len; k++) {
        const lw_fetch_item *i = f->items->pdata[k];
        g_autofree char *part = g_strconcat(f->folder, G_DIR_SEPARATOR_S, i->name, ".part", NULL);
        g_autofree char *info = g_strconcat(part, ".info", NULL);
        if (unlink(part) != 0 && errno != ENOENT) {
            int saved = errno;
            g_set_error(error, LW_DOWNLOAD_ERROR, LW_DOWNLOAD_ERROR_DISK, "%s: %s", part,
                        g_strerror(saved));
            return FALSE;
        }
        unlink(info);
    }
    forget(f);
    g_rmdir(f->folder); /* unless something else is in it */
    return TRUE;
}
