/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The library of model files: what is listed, what is left out, and how people's names for a model
 * are understood.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/library/lw-library.h"
#include "engine/lw-error.h"
#include "tests/unit/remove-tree.h"

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

/* Every test begins with an empty data folder. */
static void begin(void)
{
    static const char *const folders[] = {"longwave", ".ollama", ".lmstudio", ".cache"};
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(g_get_user_data_dir(), folders[i], NULL);
        remove_tree(path);
    }
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
    g_autofree char *expected = g_build_filename(g_get_user_data_dir(), "longwave", "models", NULL);
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
    g_free(make_file(folder, "zz-00002-of-00003.gguf", "qwen2vl", NULL));
    g_free(make_file(folder, "zz-00003-of-00003.gguf", "qwen2vl", NULL));
    g_autofree char *bad = g_build_filename(folder, "broken.gguf", NULL);
    g_assert_true(g_file_set_contents(bad, "GGUF\003", 5, NULL));
    g_autofree char *text = g_build_filename(folder, "notes.txt", NULL);
    g_assert_true(g_file_set_contents(text, "x", 1, NULL));

    g_autoptr(GPtrArray) list = lw_library_list();
    g_assert_cmpuint(list->len, ==, 5);

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
    g_assert_true(at(list, 3)->is_file);
    /* An incomplete split model once, by the first part that is there. */
    g_assert_cmpstr(at(list, 4)->name, ==, "zz");
    g_assert_true(g_str_has_suffix(at(list, 4)->path, "zz-00002-of-00003.gguf"));

    g_assert_cmpstr(at(list, 1)->arch, ==, "qwen2vl");
    g_assert_cmpint(at(list, 1)->source, ==, LW_LIBRARY_OWN);
    g_assert_true(g_str_has_suffix(at(list, 1)->mmproj, "mmproj-alpha.gguf"));
    g_assert_null(at(list, 2)->mmproj);
}

static void test_unsupported(void)
{
    begin();
    g_free(set_default("Standard"));
    g_autofree char *folder = lw_library_folder();
    g_autofree char *path = make_file(folder, "strange.gguf", "mamba9", "Strange");
    g_free(make_file(folder, "ollama.gguf", "qwen25vl", "Zoo"));

    g_autoptr(GPtrArray) list = lw_library_list();
    g_assert_cmpuint(list->len, ==, 3);
    g_assert_cmpstr(at(list, 1)->arch, ==, "mamba9");
    g_assert_nonnull(strstr(at(list, 1)->problem, "unsupported architecture \"mamba9\""));
    g_assert_nonnull(strstr(at(list, 2)->problem, "mmproj file"));
    /* Named all the same, for `lw info --keys`. */
    g_autofree char *got = lw_library_resolve("strange", NULL);
    g_assert_cmpstr(got, ==, path);
}

/* ---- Ollama ---- */

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define LAYER(kind, digest)                                                                        \
    "{\"mediaType\":\"application/vnd.ollama.image." kind "\",\"digest\":\"" digest "\",\"size\":" \
                                                                                    "1}"

static char *store(void)
{
    return g_build_filename(g_get_home_dir(), ".ollama", "models", NULL);
}

static void put_manifest(const char *relative, const char *json)
{
    g_autofree char *root = store(), *path = g_build_filename(root, "manifests", relative, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(path, json, -1, NULL));
}

static char *put_blob(const char *hex, const char *arch, const char *name)
{
    g_autofree char *root = store(), *blobs = g_build_filename(root, "blobs", NULL);
    g_autofree char *base = g_strconcat("sha256-", hex, NULL);
    return make_file(blobs, base, arch, name);
}

static const lw_library_entry *named(GPtrArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++)
        if (strcmp(at(list, i)->name, name) == 0)
            return at(list, i);
    g_error("no %s in the list", name);
}

static void resolves(const char *what, const char *path);
static void does_not_resolve(const char *what, const char *fragment);

static void test_ollama(void)
{
    begin();
    g_unsetenv("LW_DEFAULT_MODEL");
    g_setenv("LW_DEFAULT_MODEL", "/nowhere", TRUE);
    g_autofree char *a = put_blob(HEX_A, "qwen2vl", "Inside Name");
    g_autofree char *c = put_blob(HEX_C, "clip", NULL);
#define LIBRARY "registry.ollama.ai/library/"
    put_manifest(LIBRARY "llama3.2/3b",
                 "{\"schemaVersion\":2,\"layers\":[" LAYER("license", "x") "," LAYER(
                     "model", "sha256:" HEX_A) "," LAYER("params", "y") "]}");
    put_manifest(LIBRARY "seer/latest", "{\"layers\":[" LAYER("model", "sha256:" HEX_A) "," LAYER(
                                            "projector", "sha256:" HEX_C) "]}");
    put_manifest(LIBRARY "seer/7b", "{\"layers\":[" LAYER("model", "sha256:" HEX_A) "]}");
    put_manifest("registry.ollama.ai/someone/theirs/v1",
                 "{\"layers\":[" LAYER("model", "sha256:" HEX_A) "]}");
    put_manifest("hf.co/who/repo/Q4_K_M", "{\"layers\":[" LAYER("model", "sha256:" HEX_A) "]}");
    put_manifest(LIBRARY "gone/1b", "{\"layers\":[" LAYER("model", "sha256:" HEX_B) "]}");
    put_manifest(LIBRARY "cloud/1b", "{\"layers\":[" LAYER("license", "z") "]}");
    put_manifest(LIBRARY "tuned/1b", "{\"layers\":[" LAYER("model", "sha256:" HEX_A) "," LAYER(
                                         "adapter", "sha256:" HEX_B) "]}");
    put_manifest(LIBRARY "text/1b", "not json");
    put_manifest(LIBRARY "list/1b", "[]");
    put_manifest(LIBRARY "layerless/1b", "{}");
    put_manifest(LIBRARY "number/1b", "{\"layers\":[7]}");
    put_manifest(LIBRARY "typed/1b", "{\"layers\":[{\"mediaType\":7,\"digest\":{}}]}");
    put_manifest(LIBRARY "escape/1b",
                 "{\"layers\":[" LAYER("model", "sha256:../../../../etc/passwd") "]}");
    put_manifest(LIBRARY "empty/1b", "");
    g_autofree char *deep = g_strnfill(100000, '[');
    put_manifest(LIBRARY "deep/1b", deep);
    put_manifest("too-short", "{}");

    g_autoptr(GPtrArray) list = lw_library_list();
    g_assert_cmpuint(list->len, ==, 16);
    static const char *const good[] = {"llama3.2:3b", "seer:latest", "seer:7b", "someone/theirs:v1",
                                       "hf.co/who/repo:Q4_K_M"};
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        const lw_library_entry *e = named(list, good[i]);
        g_assert_cmpstr(e->path, ==, a);
        g_assert_cmpint(e->source, ==, LW_LIBRARY_OLLAMA);
        g_assert_null(e->problem);
        g_assert_cmpstr(e->mmproj, ==, c);
    }
    static const struct {
        const char *name, *why;
    } bad[] = {{"gone:1b", "sha256-" HEX_B " is missing"},
               {"cloud:1b", "no GGUF file"},
               {"tuned:1b", "adapter"},
               {"text:1b", "not JSON"},
               {"list:1b", "no layers"},
               {"layerless:1b", "no layers"},
               {"number:1b", "not an object"},
               {"typed:1b", "mediaType"},
               {"escape:1b", "64 digits"},
               {"empty:1b", "layers"},
               {"deep:1b", "nested"}};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        const lw_library_entry *e = named(list, bad[i].name);
        g_assert_false(e->is_file);
        if (!strstr(e->problem, bad[i].why))
            g_error("%s does not say %s", e->problem, bad[i].why);
        does_not_resolve(bad[i].name, bad[i].why);
    }

    resolves("llama3.2:3b", a);
    resolves("LLAMA", a);
    resolves("seer", a); /* :latest */
    resolves("hf.co/who/repo:Q4_K_M", a);
    resolves("someone/theirs", a);
    does_not_resolve("s", "fits 3 models");
    does_not_resolve("some/where.gguf", "some/where.gguf: ");
    g_autofree char *projector = lw_library_find_mmproj(a);
    g_assert_cmpstr(projector, ==, c);
}

/* OLLAMA_MODELS may name the usual folder again, or another one. */
static void test_ollama_models_variable(void)
{
    begin();
    g_setenv("LW_DEFAULT_MODEL", "/nowhere", TRUE);
    g_free(put_blob(HEX_A, "qwen2vl", NULL));
    put_manifest("registry.ollama.ai/library/m/1b",
                 "{\"layers\":[" LAYER("model", "sha256:" HEX_A) "]}");
    g_autofree char *root = store();
    g_setenv("OLLAMA_MODELS", root, TRUE);
    g_autoptr(GPtrArray) once = lw_library_list();
    g_assert_cmpuint(once->len, ==, 1);
    g_autofree char *moved = g_build_filename(g_get_home_dir(), "elsewhere", NULL);
    g_assert_cmpint(g_rename(root, moved), ==, 0);
    g_autoptr(GPtrArray) none = lw_library_list();
    g_assert_cmpuint(none->len, ==, 0);
    g_setenv("OLLAMA_MODELS", moved, TRUE);
    g_autoptr(GPtrArray) there = lw_library_list();
    g_assert_cmpuint(there->len, ==, 1);
    g_assert_cmpstr(at(there, 0)->name, ==, "m:1b");
    g_unsetenv("OLLAMA_MODELS");
    g_setenv("LW_OLLAMA_SYSTEM", moved, TRUE);
    g_autoptr(GPtrArray) system = lw_library_list();
    g_assert_cmpuint(system->len, ==, 1);
    g_setenv("LW_OLLAMA_SYSTEM", "", TRUE);
    remove_tree(moved);
}

/* ---- LM Studio ---- */

static void test_lm_studio(void)
{
    begin();
    g_setenv("LW_DEFAULT_MODEL", "/nowhere", TRUE);
    g_autofree char *now = g_build_filename(g_get_home_dir(), ".lmstudio", "models", NULL);
    g_autofree char *old =
        g_build_filename(g_get_home_dir(), ".cache", "lm-studio", "models", NULL);
    g_autofree char *repo = g_build_filename(now, "publisher", "repo", NULL);
    g_autofree char *old_repo = g_build_filename(old, "publisher", "repo", NULL);
    g_autofree char *m = make_file(repo, "model-q4.gguf", "qwen2vl", "Studio One");
    g_free(make_file(repo, "mmproj-model.gguf", "clip", NULL));
    g_free(make_file(old_repo, "older.gguf", "qwen2vl", "Studio Two"));
    g_free(make_file(repo, "s-00001-of-00002.gguf", "qwen2vl", "Split"));
    g_free(make_file(repo, "s-00002-of-00002.gguf", "qwen2vl", NULL));

    g_autoptr(GPtrArray) list = lw_library_list();
    g_assert_cmpuint(list->len, ==, 3);
    g_assert_cmpint(named(list, "Studio One")->source, ==, LW_LIBRARY_LM_STUDIO);
    g_assert_nonnull(named(list, "Studio One")->mmproj);
    g_assert_cmpint(named(list, "Studio Two")->source, ==, LW_LIBRARY_LM_STUDIO);
    named(list, "Split");

    /* Linked into the user's own folder, as the window does: one model, the user's. */
    g_autofree char *folder = lw_library_folder(),
                    *link = g_build_filename(folder, "linked.gguf", NULL);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_cmpint(symlink(m, link), ==, 0);
    g_autoptr(GPtrArray) again = lw_library_list();
    g_assert_cmpuint(again->len, ==, 3);
    g_assert_cmpint(named(again, "Studio One")->source, ==, LW_LIBRARY_OWN);
    resolves("studio one", link);
}

/* Links to nowhere and in circles, and folders that cannot be read: a line each at most. */
static void test_trouble(void)
{
    begin();
    g_setenv("LW_DEFAULT_MODEL", "/nowhere", TRUE);
    g_autofree char *folder = lw_library_folder();
    g_free(make_file(folder, "good.gguf", "qwen2vl", "Good"));
    g_autofree char *dangling = g_build_filename(folder, "dangling.gguf", NULL);
    g_autofree char *circle = g_build_filename(folder, "circle", NULL);
    g_autofree char *closed = g_build_filename(folder, "closed", NULL);
    g_assert_cmpint(symlink("/nowhere/at-all.gguf", dangling), ==, 0);
    g_assert_cmpint(symlink(".", circle), ==, 0);
    g_assert_cmpint(g_mkdir(closed, 0), ==, 0);

    g_autoptr(GPtrArray) list = lw_library_list();
    g_assert_nonnull(strstr(named(list, "dangling")->problem, "not there"));
    named(list, "Good");
    if (access(closed, R_OK) != 0)
        g_assert_nonnull(strstr(named(list, "closed")->problem, "closed"));
    does_not_resolve("dangling", "not there");
    g_chmod(closed, 0700);
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
    g_setenv("HOME", data, TRUE);
    g_setenv("LW_OLLAMA_SYSTEM", "", TRUE);
    g_unsetenv("OLLAMA_MODELS");
    g_test_add_func("/library/folder", test_folder);
    g_test_add_func("/library/list", test_list);
    g_test_add_func("/library/hostile-name", test_hostile_name);
    g_test_add_func("/library/default-missing", test_default_missing);
    g_test_add_func("/library/resolve", test_resolve);
    g_test_add_func("/library/unsupported", test_unsupported);
    g_test_add_func("/library/ollama", test_ollama);
    g_test_add_func("/library/ollama-models-variable", test_ollama_models_variable);
    g_test_add_func("/library/lm-studio", test_lm_studio);
    g_test_add_func("/library/trouble", test_trouble);
    int status = g_test_run();
    remove_tree(data);
    return status;
}
