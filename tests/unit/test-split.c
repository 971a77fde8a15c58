/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models split into several files: any part opens the whole, and everything the parts can say
 * against each other is refused.
 */
#include <glib/gstdio.h>
#include <unistd.h>

#include "engine/gguf/gguf-private.h"
#include "engine/lw-error.h"
#include "tests/unit/gguf-build.h"

static char *folder;

/* A part as gguf-split writes it; hostile tests change a number. */
typedef struct {
    guint16 no, count;
    gint32 n_tensors;
    const char *tensor; /* NULL: none */
    float value;
} part;

static void put_u16(gguf_build *b, const char *key, guint16 v)
{
    v = GUINT16_TO_LE(v);
    gguf_build_raw(b, key, LW_GGUF_U16, &v, sizeof v);
}

static gguf_build *begin_part(const part *p)
{
    gguf_build *b = gguf_build_new();
    gint32 n = GINT32_TO_LE(p->n_tensors);

    if (p->no == 0)
        gguf_build_str(b, "general.architecture", "qwen2vl");
    put_u16(b, "split.no", p->no);
    put_u16(b, "split.count", p->count);
    gguf_build_raw(b, "split.tensors.count", LW_GGUF_I32, &n, sizeof n);
    return b;
}

static GByteArray *build_part(const part *p)
{
    static const guint64 dims[] = {8};
    gguf_build *b = begin_part(p);
    float values[8];

    for (guint i = 0; i < 8; i++)
        values[i] = p->value;
    if (p->tensor != NULL)
        gguf_build_tensor(b, p->tensor, LW_TYPE_F32, 1, dims, values, sizeof values);
    return gguf_build_finish(b);
}

static char *write_file(const char *base, GByteArray *bytes)
{
    char *path = g_build_filename(folder, base, NULL);

    g_assert_true(g_file_set_contents(path, (const char *)bytes->data, bytes->len, NULL));
    g_byte_array_unref(bytes);
    return path;
}

static char *write_part(const char *base, const part *p)
{
    return write_file(base, build_part(p));
}

static void clean(void)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *base;

    while ((base = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, base, NULL);

        g_unlink(path);
    }
    g_dir_close(dir);
}

static void refused(const char *path, lw_model_error code, const char *fragment)
{
    g_autoptr(GError) error = NULL;
    lw_gguf *g = lw_gguf_open(path, &error);

    g_assert_null(g);
    g_assert_error(error, LW_MODEL_ERROR, (gint)code);
    if (strstr(error->message, fragment) == NULL)
        g_error("the message \"%s\" does not say \"%s\"", error->message, fragment);
}

static const part good[3] = {
    {0, 3, 3, "a", 1},
    {1, 3, 3, "b", 2},
    {2, 3, 3, "c", 3},
};
static const char *const names[3] = {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf",
                                     "m-00003-of-00003.gguf"};

static void write_good(char *paths[3])
{
    clean();
    for (guint i = 0; i < 3; i++)
        paths[i] = write_part(names[i], &good[i]);
}

static void free_paths(char *paths[3])
{
    for (guint i = 0; i < 3; i++)
        g_free(paths[i]);
}

static void test_any_part_opens_all(void)
{
    char *paths[3];

    write_good(paths);
    for (guint i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;
        lw_gguf *g = lw_gguf_open(paths[i], &error);
        lw_gguf_str s;
        gsize bytes = 0;

        g_assert_no_error(error);
        g_assert_cmpstr(lw_gguf_path(g), ==, paths[0]);
        g_assert_cmpuint(lw_gguf_n_files(g), ==, 3);
        g_assert_cmpuint(lw_gguf_n_tensors(g), ==, 3);
        g_assert_true(lw_gguf_get_str(g, "general.architecture", &s, NULL));
        for (guint k = 0; k < 3; k++) {
            const lw_gguf_tensor *t = lw_gguf_find_tensor(g, good[k].tensor);
            GStatBuf st;

            g_assert_nonnull(t);
            g_assert_true(t == lw_gguf_tensor_at(g, k));
            g_assert_cmpfloat(((const float *)t->data)[7], ==, good[k].value);
            g_assert_cmpint(g_stat(paths[k], &st), ==, 0);
            bytes += (gsize)st.st_size;
        }
        g_assert_cmpuint(lw_gguf_file_bytes(g), ==, bytes);
        lw_gguf_prefetch(g);
        g_assert_true(lw_gguf_is_intact(g));
        lw_gguf_free(g);
    }
    free_paths(paths);
}

/* The first part may hold only the keys, as gguf-split --no-tensor-first-split writes it. */
static void test_first_without_tensors(void)
{
    clean();
    g_autofree char *a = write_part("k-00001-of-00002.gguf", &(part){0, 2, 1, NULL, 0});
    g_autofree char *b = write_part("k-00002-of-00002.gguf", &(part){1, 2, 1, "b", 2});
    lw_gguf *g = lw_gguf_open(a, NULL);

    g_assert_nonnull(g);
    g_assert_nonnull(lw_gguf_find_tensor(g, "b"));
    lw_gguf_free(g);
}

/* split.count 1, or 0, is a whole model whatever its name is. */
static void test_one_of_one(void)
{
    clean();
    for (guint16 count = 0; count < 2; count++) {
        g_autofree char *path = write_part("any-name.gguf", &(part){0, count, 1, "a", 1});
        lw_gguf *g = lw_gguf_open(path, NULL);

        g_assert_nonnull(g);
        g_assert_cmpuint(lw_gguf_n_files(g), ==, 1);
        lw_gguf_free(g);
    }
}

/* Siblings come from the name that was opened: a link in another folder finds the links beside it,
 * not the files beside its target. */
static void test_links(void)
{
    char *paths[3];
    g_autofree char *other = g_build_filename(folder, "links", NULL);

    write_good(paths);
    g_assert_cmpint(g_mkdir(other, 0700), ==, 0);
    g_autofree char *first = g_build_filename(other, "z-00001-of-00003.gguf", NULL);
    g_autofree char *second = g_build_filename(other, "z-00002-of-00003.gguf", NULL);
    g_autofree char *third = g_build_filename(other, "z-00003-of-00003.gguf", NULL);
    g_assert_cmpint(symlink(paths[0], first), ==, 0);
    refused(first, LW_MODEL_ERROR_MISSING, "links/z-00002-of-00003.gguf");
    g_assert_cmpint(symlink(paths[1], second), ==, 0);
    g_assert_cmpint(symlink(paths[2], third), ==, 0);
    lw_gguf *g = lw_gguf_open(second, NULL);
    g_assert_nonnull(g);
    g_assert_cmpstr(lw_gguf_path(g), ==, first);
    lw_gguf_free(g);
    g_unlink(first);
    g_unlink(second);
    g_unlink(third);
    g_rmdir(other);
    free_paths(paths);
}

static void test_missing_part(void)
{
    char *paths[3];

    write_good(paths);
    g_unlink(paths[1]);
    refused(paths[0], LW_MODEL_ERROR_MISSING, "part 2 of 3");
    refused(paths[2], LW_MODEL_ERROR_MISSING, names[1]);
    /* A part that cannot be read is told apart from a missing one. */
    g_autofree char *bad = g_build_filename(folder, names[1], NULL);
    g_assert_true(g_file_set_contents(bad, "GGUF", 4, NULL));
    refused(paths[0], LW_MODEL_ERROR_CORRUPT, names[1]);
    free_paths(paths);
}

static void test_renamed(void)
{
    clean();
    g_autofree char *plain = write_part("model.gguf", &good[1]);
    refused(plain, LW_MODEL_ERROR_MISSING, "-00002-of-00003.gguf");
    g_autofree char *wrong = write_part("m-00001-of-00003.gguf", &good[1]);
    refused(wrong, LW_MODEL_ERROR_CORRUPT, "the name says part 1 of 3");
    g_autofree char *fewer = write_part("m-00002-of-00002.gguf", &good[1]);
    refused(fewer, LW_MODEL_ERROR_CORRUPT, "part 2 of 2");
}

/* Two good parts and a third one that lies. */
static void liar(const part *p, lw_model_error code, const char *fragment)
{
    char *paths[3];

    write_good(paths);
    g_free(write_part(names[2], p));
    refused(paths[0], code, fragment);
    refused(paths[1], code, fragment);
    free_paths(paths);
}

static void test_contradictions(void)
{
    liar(&(part){1, 3, 3, "c", 3}, LW_MODEL_ERROR_CORRUPT, "split.no is 1");
    liar(&(part){2, 4, 3, "c", 3}, LW_MODEL_ERROR_CORRUPT, "split.count is 4");
    liar(&(part){2, 3, 4, "c", 3}, LW_MODEL_ERROR_CORRUPT, "split.tensors.count is 4");
    liar(&(part){2, 3, 3, NULL, 3}, LW_MODEL_ERROR_CORRUPT, "hold 2 tensors");
    liar(&(part){2, 3, 3, "a", 3}, LW_MODEL_ERROR_CORRUPT, "'a' appears twice");
    liar(&(part){3, 3, 3, "c", 3}, LW_MODEL_ERROR_CORRUPT, "split.no is 3");
    liar(&(part){2, 1, 3, "c", 3}, LW_MODEL_ERROR_CORRUPT, "split.count is 1");
}

static void test_hostile_numbers(void)
{
    clean();
    g_autofree char *many = write_part("n-00001-of-65535.gguf", &(part){0, 65535, 3, "a", 1});
    refused(many, LW_MODEL_ERROR_UNSUPPORTED, "65535");
    g_autofree char *negative = write_part("n-00001-of-00002.gguf", &(part){0, 2, -1, "a", 1});
    refused(negative, LW_MODEL_ERROR_CORRUPT, "-1");

    gguf_build *b = gguf_build_new();
    put_u16(b, "split.count", 2);
    g_autofree char *no_no = write_file("o-00001-of-00002.gguf", gguf_build_finish(b));
    refused(no_no, LW_MODEL_ERROR_MISSING, "split.no");
    b = gguf_build_new();
    gguf_build_str(b, "split.count", "2");
    g_autofree char *text = write_file("p-00001-of-00002.gguf", gguf_build_finish(b));
    refused(text, LW_MODEL_ERROR_CORRUPT, "split.count");

    GByteArray *bytes = build_part(&good[0]);
    g_autoptr(GError) error = NULL;
    g_assert_null(lw_gguf_open_bytes(bytes->data, bytes->len, "memory", &error));
    g_assert_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED);
    g_byte_array_unref(bytes);
}

static void test_names(void)
{
    static const char *const bad[] = {
        "m.gguf",
        "-00001-of-00003.gguf",
        "m-00000-of-00003.gguf",
        "m-00004-of-00003.gguf",
        "m-0001-of-00003.gguf",
        "m-00001-of-00003.bin",
        "m-00001-of-0003.gguf",
        "m_00001-of-00003.gguf",
        "m-00001_of-00003.gguf",
        "m-+0001-of-00003.gguf",
        "m-00001-of-00000.gguf",
        "",
    };
    guint32 no, count;
    gsize n;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(lw_gguf_parse_split_name(bad[i], &no, &count, &n));
    g_assert_true(lw_gguf_parse_split_name("a-b-00012-of-00345.GGUF", &no, &count, &n));
    g_assert_cmpuint(no, ==, 12);
    g_assert_cmpuint(count, ==, 345);
    g_assert_cmpuint(n, ==, 3);

    g_autofree char *beside = lw_gguf_split_sibling("m-00002-of-00003.GGUF", 3);
    g_assert_cmpstr(beside, ==, "m-00003-of-00003.GGUF");
    g_autofree char *in = lw_gguf_split_sibling("/x/y/m-00002-of-00003.gguf", 1);
    g_assert_cmpstr(in, ==, "/x/y/m-00001-of-00003.gguf");
    g_assert_null(lw_gguf_split_sibling("/x/y/m-00002-of-00003.gguf", 4));
    g_assert_null(lw_gguf_split_sibling("/x/y/m.gguf", 1));
}

/* One part cut short while it is mapped makes the whole model lost. */
static void test_shrinking_part(void)
{
    static const guint64 dims[] = {64 * 1024};
    gguf_build *b = begin_part(&(part){1, 2, 2, NULL, 0});

    clean();
    gguf_build_tensor(b, "b", LW_TYPE_F32, 1, dims, NULL, 256 * 1024);
    g_autofree char *first = write_part("s-00001-of-00002.gguf", &(part){0, 2, 2, "a", 1});
    g_autofree char *second = write_file("s-00002-of-00002.gguf", gguf_build_finish(b));
    lw_gguf *g = lw_gguf_open(first, NULL);
    g_assert_nonnull(g);
    const volatile guint8 *data = lw_gguf_find_tensor(g, "b")->data;
    g_assert_cmpint(truncate(second, 4096), ==, 0);
    g_assert_cmpuint(data[200 * 1024], ==, 0);
    g_assert_false(lw_gguf_is_intact(g));
    lw_gguf_free(g);
}

/* Open mappings are given back after every kind of failure above. */
static void test_nothing_leaks(void)
{
    char *paths[3];

    write_good(paths);
    g_free(write_part(names[2], &(part){2, 3, 4, "c", 3}));
    for (guint i = 0; i < 2 * LW_MAPPING_MAX; i++)
        refused(paths[0], LW_MODEL_ERROR_CORRUPT, "split.tensors.count");
    free_paths(paths);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("lw-split-XXXXXX", NULL);
    g_assert_nonnull(folder);
    g_test_add_func("/split/any-part-opens-all", test_any_part_opens_all);
    g_test_add_func("/split/first-without-tensors", test_first_without_tensors);
    g_test_add_func("/split/one-of-one", test_one_of_one);
    g_test_add_func("/split/links", test_links);
    g_test_add_func("/split/missing-part", test_missing_part);
    g_test_add_func("/split/renamed", test_renamed);
    g_test_add_func("/split/contradictions", test_contradictions);
    g_test_add_func("/split/hostile-numbers", test_hostile_numbers);
    g_test_add_func("/split/names", test_names);
    g_test_add_func("/split/shrinking-part", test_shrinking_part);
    g_test_add_func("/split/nothing-leaks", test_nothing_leaks);
    int status = g_test_run();
    clean();
    g_rmdir(folder);
    g_free(folder);
    return status;
}
