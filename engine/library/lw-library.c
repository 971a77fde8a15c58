/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/library/lw-library.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/gguf/gguf.h"
#include "engine/library/lw-library-paths.h"
#include "engine/lw-error.h"

/* More than anyone keeps; stops a folder that happens to hold a million files. */
#define MAX_ENTRIES 4096
/* Characters of a name shown to people. */
#define MAX_NAME_CHARS 120

void lw_library_entry_free(lw_library_entry *e)
{
    if (!e)
        return;
    g_free(e->path);
    g_free(e->name);
    g_free(e->problem);
    g_free(e);
}

char *lw_library_folder(void)
{
    return g_build_filename(g_get_user_data_dir(), "longwave", "models", NULL);
}

static gboolean has_suffix_nocase(const char *s, const char *suffix)
{
    gsize n = strlen(s), k = strlen(suffix);
    return n > k && g_ascii_strcasecmp(s + n - k, suffix) == 0;
}

/* By name alone: what can be a text model.  Later shards of a split file belong to the first one. */
static gboolean is_model_name(const char *base)
{
    if (base[0] == '.' || !has_suffix_nocase(base, ".gguf") ||
        g_ascii_strncasecmp(base, "mmproj", 6) == 0)
        return FALSE;
    gsize n = strlen(base);
    const char *shard = n > 20 ? base + n - 20 : ""; /* "-00002-of-00003.gguf" */
    if (shard[0] == '-' && g_str_has_prefix(shard + 6, "-of-") && strncmp(shard + 1, "00001", 5) != 0)
        return FALSE;
    return TRUE;
}

/* A name out of a file: one printable line, so that it can go to a terminal or a label. */
static char *printable_name(const char *bytes, gsize n)
{
    g_autofree char *valid = g_utf8_make_valid(bytes, (gssize)MIN(n, 4 * MAX_NAME_CHARS));
    GString *s = g_string_new(NULL);
    guint chars = 0;

    for (const char *p = valid; *p && chars < MAX_NAME_CHARS; p = g_utf8_next_char(p), chars++) {
        gunichar c = g_utf8_get_char(p);
        g_string_append_unichar(s, g_unichar_isprint(c) ? c : ' ');
    }
    char *name = g_string_free(s, FALSE);
    return g_strstrip(name);
}

static char *base_name_of(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *shown = g_filename_display_name(base);
    if (has_suffix_nocase(shown, ".gguf"))
        shown[strlen(shown) - 5] = 0;
    return printable_name(shown, strlen(shown));
}

/* NULL when the file turns out to be a vision file under another name. */
static lw_library_entry *entry_new(const char *path, gboolean is_default)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return NULL;

    lw_library_entry *e = g_new0(lw_library_entry, 1);
    e->path = g_strdup(path);
    e->bytes = st.st_size;
    e->is_default = is_default;

    g_autoptr(GError) error = NULL;
    lw_gguf *g = lw_gguf_open(path, &error);
    if (!g) {
        e->problem = g_strdup(error->message);
        e->name = base_name_of(path);
        return e;
    }

    lw_gguf_str s;
    if (lw_gguf_get_str(g, "general.architecture", &s, &error)) {
        if (s.n == 4 && memcmp(s.bytes, "clip", 4) == 0) {
            lw_gguf_free(g);
            lw_library_entry_free(e);
            return NULL;
        }
    } else {
        e->problem = error ? g_strdup(error->message)
                           : g_strdup_printf("%s: no key general.architecture", path);
        g_clear_error(&error);
    }
    if (lw_gguf_get_str(g, "general.name", &s, NULL))
        e->name = printable_name(s.bytes, s.n);
    if (!e->name || !*e->name) {
        g_free(e->name);
        e->name = base_name_of(path);
    }
    guint32 shards;
    if (!e->problem && lw_gguf_get_u32(g, "split.count", &shards, NULL) && shards > 1)
        e->problem = g_strdup_printf("%s: a model split into %u files; join them into one", path,
                                     shards);
    lw_gguf_free(g);
    return e;
}

static int by_string(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Model files of a folder, sorted by file name; depth: levels of sub-folders still allowed. */
static void collect(const char *folder, int depth, GPtrArray *paths)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    if (!dir)
        return;
    const char *base;
    while ((base = g_dir_read_name(dir)) && paths->len < MAX_ENTRIES) {
        g_autofree char *path = g_build_filename(folder, base, NULL);
        if (is_model_name(base) && g_file_test(path, G_FILE_TEST_IS_REGULAR))
            g_ptr_array_add(paths, g_steal_pointer(&path));
        else if (depth > 0 && base[0] != '.' && g_file_test(path, G_FILE_TEST_IS_DIR))
            collect(path, depth - 1, paths);
    }
    g_dir_close(dir);
    g_ptr_array_sort(paths, by_string);
}

/* The source tree counts only for a program that lies in the build folder. */
static gboolean runs_from_build(void)
{
    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    return exe && g_str_has_prefix(exe, LW_LIBRARY_BUILD_DIR "/");
}

char *lw_library_default_model(GError **error)
{
    const char *env = g_getenv("LW_DEFAULT_MODEL");
    if (env && *env) {
        if (g_file_test(env, G_FILE_TEST_IS_REGULAR))
            return g_strdup(env);
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING,
                    "%s (from LW_DEFAULT_MODEL): no such file", env);
        return NULL;
    }

    const char *places[3];
    guint n = 0;
    if (runs_from_build())
        places[n++] = LW_LIBRARY_SOURCE_MODELS;
    places[n++] = LW_LIBRARY_INSTALLED_MODELS;
    for (guint i = 0; i < n; i++) {
        g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
        collect(places[i], 0, paths);
        if (paths->len > 0)
            return g_strdup(paths->pdata[0]);
    }
    g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING,
                "no default model: no .gguf file in %s%s%s; name one with -m or LW_DEFAULT_MODEL",
                places[0], n > 1 ? " nor in " : "", n > 1 ? places[1] : "");
    return NULL;
}

static int by_name(gconstpointer a, gconstpointer b)
{
    const lw_library_entry *x = *(lw_library_entry *const *)a, *y = *(lw_library_entry *const *)b;
    if (x->is_default != y->is_default)
        return x->is_default ? -1 : 1;
    g_autofree char *fx = g_utf8_casefold(x->name, -1), *fy = g_utf8_casefold(y->name, -1);
    int c = strcmp(fx, fy);
    return c ? c : strcmp(x->path, y->path);
}

GPtrArray *lw_library_list(void)
{
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)lw_library_entry_free);
    g_autofree char *folder = lw_library_folder();
    g_autofree char *standard = lw_library_default_model(NULL);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    if (standard) {
        lw_library_entry *e = entry_new(standard, TRUE);
        if (e)
            g_ptr_array_add(list, e);
    }
    collect(folder, 1, paths);
    for (guint i = 0; i < paths->len; i++) {
        if (standard && strcmp(standard, paths->pdata[i]) == 0)
            continue;
        lw_library_entry *e = entry_new(paths->pdata[i], FALSE);
        if (e)
            g_ptr_array_add(list, e);
    }
    g_ptr_array_sort(list, by_name);
    return list;
}

/* 2: equal, 1: begins with, 0: neither.  `what` is folded. */
static int match(const char *what, const char *candidate)
{
    g_autofree char *folded = g_utf8_casefold(candidate, -1);
    if (strcmp(folded, what) == 0)
        return 2;
    return g_str_has_prefix(folded, what) ? 1 : 0;
}

static int match_entry(const char *what, const lw_library_entry *e)
{
    g_autofree char *base = g_path_get_basename(e->path);
    g_autofree char *file = g_filename_display_name(base);
    g_autofree char *stem = base_name_of(e->path);
    return MAX(match(what, e->name), MAX(match(what, file), match(what, stem)));
}

static void append_names(GString *s, GPtrArray *entries)
{
    enum { SHOWN = 12 };
    for (guint i = 0; i < entries->len && i < SHOWN; i++)
        g_string_append_printf(s, "%s%s", i ? ", " : "",
                               ((lw_library_entry *)entries->pdata[i])->name);
    if (entries->len > SHOWN)
        g_string_append_printf(s, " and %u more", entries->len - SHOWN);
}

char *lw_library_resolve(const char *what, GError **error)
{
    struct stat st;
    if (!*what) {
        g_set_error_literal(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING, "the model name is empty");
        return NULL;
    }
    int missing = stat(what, &st) == 0 ? 0 : errno;
    if (!missing && !S_ISDIR(st.st_mode))
        return g_strdup(what);
    if (strchr(what, '/')) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING, "%s: %s", what,
                    missing ? g_strerror(missing) : "a folder, not a model file");
        return NULL;
    }

    g_autofree char *valid = g_utf8_make_valid(what, -1);
    g_autofree char *folded = g_utf8_casefold(valid, -1);
    g_autoptr(GPtrArray) all = lw_library_list();
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    int best = 1;

    for (guint i = 0; i < all->len; i++) {
        int m = match_entry(folded, all->pdata[i]);
        if (m > best) {
            best = m;
            g_ptr_array_set_size(found, 0);
        }
        if (m == best)
            g_ptr_array_add(found, all->pdata[i]);
    }
    if (found->len == 1)
        return g_strdup(((lw_library_entry *)found->pdata[0])->path);

    g_autofree char *folder = lw_library_folder();
    GString *s = g_string_new(NULL);
    if (found->len > 1) {
        g_string_printf(s, "\"%s\" fits %u models: ", valid, found->len);
        append_names(s, found);
    } else {
        g_string_printf(s, "no model \"%s\": no such file, and %s holds ", valid, folder);
        if (all->len)
            append_names(s, all);
        else
            g_string_append(s, "no models");
    }
    g_autofree char *text = g_string_free(s, FALSE);
    g_set_error_literal(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING, text);
    return NULL;
}
