/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The library of model files: what is listed, what is left out, and how people's names for a model
 * are understood.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "engine/library/lw-library.h"
#include "engine/lw-error.h"

static void put_u32(GByteArray *b, guint32 v)
{
    v = GUINT32_TO_LE(v);
    g_byte_array_append(b, (const guint8 *)&v, 4);
}

static void put_u64(GByteArray *b, guint64 v)
{
    v = GUINT64_TO_LE(v);
    g_byte_array_append(b, (const guint8 *)&v, 8);
}

static void put_str(GByteArray *b, const char *s)
{
    put_u64(b, strlen(s));
    g_byte_array_append(b, (const guint8 *)s, strlen(s));
}

static void put_key_str(GByteArray *b, const char *key, const char *value)
{
    put_str(b, key);
    put_u32(b, 8); /* string */
    put_str(b, value);
}

/* A GGUF file with two keys and no tensors, at folder/base (folder is made). */
static char *make_file(const char *folder, const char *base, const char *arch, const char *name)
{
    g_autoptr(GByteArray) b = g_byte_array_new();
    g_byte_array_append(b, (const guint8 *)"GGUF", 4);
    put_u32(b, 3);
    put_u64(b, 0);
    put_u64(b, name ? 2 : 1);
    put_key_str(b, "general.architecture", arch);
    if (name)
        put_key_str(b, "general.name", name);
    while (b->len % 32)
        g_byte_array_append(b, (const guint8 *)"", 1);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    char *path = g_build_filename(folder, base, NULL);
    g_autoptr(GError) error = NULL;
    g_file_set_contents(path, (const char *)b->data, b->len, &error);
    g_assert_no_error(error);
    return path;
}

static const lw_library_entry *at(GPtrArray *list, guint i)
{
    g_assert_cmpuint(i, <, list->len);
    return list->pdata[i];
}

static void remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *base;
    while (dir && (base = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, base, NULL);
        remove_tree(child);
    }
    if (dir)
        g_dir_close(dir);
    g_remove(path);
}

/* Every test begins with an empty data folder. */
static void begin(void)
{
    g_autofree char *longwave = g_build_filename(g_get_user_data_dir(), "longwave", NULL);
    remove_tree(longwave);
}

/* A default model outside the folder, so that no test depends on the source tree's one. */
static char *set_default(const char *name)
{
    g_autofree char *folder = g_build_filename(g_get_user_data_dir(), "standard", NULL);
    char *path = make_file(folder, "standard.gguf", "qwen2vl", name);
    g_setenv("LW_DEFAULT_MODEL", path, TRUE);
    return path;
}

static void test_folder(void)
{
    begin();
    g_autofree char *folder = lw_library_folder();
    g_autofree char *expected =
        g_build_filename(g_get_user_data_dir(), "longwave", "models", NULL);
    g_assert_cmpstr(folder, ==, expected);
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
}

static void test_list(void)
{
    begin();
    g_autofree char *standard = set_default("Small one");
    g_autofree char *folder = lw_library_folder();
    g_autofree char *sub = g_build_filename(folder, "publisher", NULL);
    g_autofree char *deep = g_build_filename(sub, "repository", NULL);
    g_autofree char *a = make_file(folder, "zz.gguf", "qwen2vl", "Alpha");
    g_free(make_file(sub, "beta-7b.GGUF", "qwen2vl", NULL));
    g_free(make_file(deep, "too-deep.gguf", "qwen2vl", "Too deep"));
    g_free(make_file(folder, "mmproj-alpha.gguf", "clip", "Alpha vision"));
    g_free(make_file(folder, "vision-of-alpha.gguf", "clip", "Alpha vision"));
    g_free(make_file(folder, ".hidden.gguf", "qwen2vl", "Hidden"));
    g_free(make_file(folder, "big-00002-of-00003.gguf", "qwen2vl", "Second part"));
    g_autofree char *bad = g_build_filename(folder, "broken.gguf", NULL);
    g_assert_true(g_file_set_contents(bad, "GGUF\003", 5, NULL));
    g_autofree char *text = g_build_filename(folder, "notes.txt", NULL);
    g_assert_true(g_file_set_contents(text, "x", 1, NULL));

    g_autoptr(GPtrArray) list = lw_library_list();
    g_assert_cmpuint(list->len, ==, 4);

    g_assert_cmpstr(at(list, 0)->name, ==, "Small one");
    g_assert_true(at(list, 0)->is_default);
    g_assert_cmpstr(at(list, 0)->path, ==, standard);

    g_assert_cmpstr(at(list, 1)->name, ==, "Alpha");
    g_assert_cmpstr(at(list, 1)->path, ==, a);
    g_assert_null(at(list, 1)->problem);
    g_assert_false(at(list, 1)->is_default);
    g_assert_cmpint(at(list, 1)->bytes, >, 0);

    g_assert_cmpstr(at(list, 2)->name, ==, "beta-7b");
    g_assert_cmpstr(at(list, 3)->name, ==, "broken");
    g_assert_cmpint(at(list, 3)->bytes, ==, 5);
    g_assert_nonnull(at(list, 3)->problem);
    g_assert_nonnull(strstr(at(list, 3)->problem, "broken.gguf"));
}

static void test_hostile_name(void)
{
    begin();
    g_free(set_default("\033[31mred\n\xff name"));
    g_autoptr(GPtrArray) list = lw_library_list();
    g_assert_cmpuint(list->len, ==, 1);
    const char *name = at(list, 0)->name;
    g_assert_true(g_utf8_validate(name, -1, NULL));
    g_assert_null(strchr(name, '\033'));
    g_assert_null(strchr(name, '\n'));
    g_assert_nonnull(strstr(name, "red"));
}

static void test_default_missing(void)
{
    begin();
    g_setenv("LW_DEFAULT_MODEL", "/nowhere/at-all.gguf", TRUE);
    g_autoptr(GError) error = NULL;
    g_assert_null(lw_library_default_model(&error));
    g_assert_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING);
    g_assert_nonnull(strstr(error->message, "/nowhere/at-all.gguf"));

    g_autoptr(GPtrArray) list = lw_library_list();
    g_assert_cmpuint(list->len, ==, 0);
}

static void resolves(const char *what, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *got = lw_library_resolve(what, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(got, ==, path);
}

static void does_not_resolve(const char *what, const char *fragment)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *got = lw_library_resolve(what, &error);
    g_assert_null(got);
    g_assert_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, fragment));
}

static void test_resolve(void)
{
    begin();
    g_autofree char *standard = set_default("Longwave Default");
    g_autofree char *folder = lw_library_folder();
    g_autofree char *a = make_file(folder, "qwen-3b-q8.gguf", "qwen2vl", "Qwen Three");
    g_autofree char *b = make_file(folder, "qwen-7b-q8.gguf", "qwen2vl", "Qwen Seven");
    g_autofree char *c = make_file(folder, "qwen.gguf", "qwen2vl", "Other");

    resolves(a, a);
    resolves("Qwen Three", a);
    resolves("qwen three", a);
    resolves("QWEN S", b);
    resolves("qwen-7b-q8.gguf", b);
    resolves("qwen-7b", b);
    resolves("qwen", c); /* an exact name wins over prefixes */
    resolves("longwave", standard);

    does_not_resolve("qwe", "fits 3 models");
    does_not_resolve("gemma", "Qwen Seven");
    does_not_resolve("", "empty");
    does_not_resolve("/nowhere/m.gguf", "/nowhere/m.gguf");
    g_autofree char *with_slash = g_strconcat(folder, "/", NULL);
    does_not_resolve(with_slash, "folder");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *data = g_dir_make_tmp("lw-library-XXXXXX", NULL);
    g_assert_nonnull(data);
    /* G_TEST_OPTION_ISOLATE_DIRS would do, but leaks in GLib 2.74, and the leak sanitizer tells. */
    g_setenv("XDG_DATA_HOME", data, TRUE);
    g_test_add_func("/library/folder", test_folder);
    g_test_add_func("/library/list", test_list);
    g_test_add_func("/library/hostile-name", test_hostile_name);
    g_test_add_func("/library/default-missing", test_default_missing);
    g_test_add_func("/library/resolve", test_resolve);
    int status = g_test_run();
    remove_tree(data);
    return status;
}
