/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Errors as people read them: every code of every module has a sentence, and what the module says stays.
 */
#include "app/lw-problem.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gguf/gguf.h"
#include "engine/library/lw-download.h"
#include "engine/session/fit.h"
#include "memory/lw-memory.h"
#include "vision/lw-vision.h"

static void test_every_code(void)
{
    const struct {
        GQuark domain;
        int n_codes;
    } domains[] = {
        {LW_MODEL_ERROR, LW_MODEL_ERROR_NOT_GGUF + 1}, {LW_ENGINE_ERROR, LW_ENGINE_ERROR_DEVICE + 1},
        {LW_VIS_ERROR, LW_VIS_ERROR_NO_MEMORY + 1},    {LW_MEM_ERROR, LW_MEM_ERROR_INVALID + 1},
        {LW_DOWNLOAD_ERROR, LW_DOWNLOAD_ERROR_CANCELLED + 1},
    };

    for (gsize d = 0; d < G_N_ELEMENTS(domains); d++) {
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (int code = 0; code < domains[d].n_codes; code++) {
            g_autoptr(GError) error = g_error_new(domains[d].domain, code, "x.gguf: byte %d", code);
            g_autofree char *problem = lw_problem_describe(error);
            char *sentence = lw_problem_dup_sentence(problem);

            g_test_message("%s %d: %s", g_quark_to_string(domains[d].domain), code, sentence);
            g_assert_cmpstr(sentence, !=, error->message);
            g_assert_true(g_str_has_suffix(sentence, ".") || !strcmp(sentence, "Stopped"));
            g_assert_cmpstr(lw_problem_get_detail(problem), ==, error->message);
            /* No two say the same. */
            g_assert_true(g_hash_table_add(seen, sentence));
        }
        /* One more is unknown, and still says something. */
        g_autoptr(GError) error = g_error_new_literal(domains[d].domain, domains[d].n_codes, "what?");
        g_autofree char *problem = lw_problem_describe(error);
        g_assert_cmpstr(problem, ==, "what?");
    }
}

static void test_as_they_are(void)
{
    const GQuark domains[] = {LW_APP_ERROR, G_IO_ERROR, G_FILE_ERROR};

    for (gsize i = 0; i < G_N_ELEMENTS(domains); i++) {
        g_autoptr(GError) error = g_error_new_literal(domains[i], 0, "No.\nReally.");
        g_autofree char *problem = lw_problem_describe(error), *sentence = lw_problem_dup_sentence(problem);

        g_assert_cmpstr(problem, ==, "No.\nReally.");
        g_assert_cmpstr(sentence, ==, "No.");
        g_assert_cmpstr(lw_problem_get_detail(problem), ==, "Really.");
    }
    g_autofree char *alone = lw_problem_join("No.", NULL), *empty = lw_problem_join("No.", "");
    g_assert_cmpstr(alone, ==, "No.");
    g_assert_cmpstr(empty, ==, "No.");
    g_assert_null(lw_problem_get_detail(alone));
}

/* Files as people have them. */
static void test_files(void)
{
    static const struct {
        const char *name;
        const void *bytes; /* NULL: no file */
        gsize n;
        lw_model_error code;
    } files[] = {
        {"gone.gguf", NULL, 0, LW_MODEL_ERROR_NOT_FOUND},
        {"a-file/below.gguf", NULL, 0, LW_MODEL_ERROR_NOT_FOUND},
        {"empty.gguf", "", 0, LW_MODEL_ERROR_NOT_GGUF},
        {"page.gguf", "<!DOCTYPE html><html>", 21, LW_MODEL_ERROR_NOT_GGUF},
        {"cut.gguf", "GGUF\3\0\0\0\1\0\0\0\0\0\0\0", 16, LW_MODEL_ERROR_CORRUPT},
        {"new.gguf", "GGUF\x63\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, LW_MODEL_ERROR_UNSUPPORTED},
    };
    /* In the user's language; the others say what the message says. */
    static const char *const told[G_N_ELEMENTS(files)] = {
        "There is no file %s.", "There is no file %s.", "The file %s is empty.",
        "The file %s begins with the bytes 3c 21 44 4f, not with “GGUF”."};
    g_autofree char *folder = g_dir_make_tmp("lw-problem-XXXXXX", NULL);
    g_autofree char *plain = g_build_filename(folder, "a-file", NULL);

    g_assert_true(g_file_set_contents(plain, "x", 1, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(folder, files[i].name, NULL);
        g_autoptr(GError) error = NULL;

        if (files[i].bytes)
            g_assert_true(g_file_set_contents(path, files[i].bytes, (gssize)files[i].n, NULL));
        g_assert_null(lw_gguf_open(path, &error));
        g_assert_error(error, LW_MODEL_ERROR, (int)files[i].code);
        g_assert_nonnull(strstr(error->message, path));

        g_autoptr(GError) copy = g_error_copy(error); /* as it goes from thread to thread */
        g_autofree char *problem = lw_problem_describe(copy);
        g_auto(GStrv) around = g_strsplit(told[i] ? told[i] : "", "%s", 2);
        g_autofree char *detail = told[i] ? g_strjoinv(path, around) : g_strdup(error->message);
        g_assert_cmpstr(lw_problem_get_detail(problem), ==, detail);
        if (files[i].bytes)
            g_unlink(path);
    }
    g_unlink(plain);
    g_rmdir(folder);
}

static void assert_detail(const GError *error, const char *wanted)
{
    g_autofree char *problem = lw_problem_describe(error);
    g_assert_cmpstr(lw_problem_get_detail(problem), ==, wanted);
}

/* What the engine refuses with numbers is told with them. */
static void test_facts(void)
{
    lw_model_info m = {.name = (char *)"Some Model", .file_bytes = 100 * 1000 * 1000, .n_ctx_train = 4096,
                       .n_layer = 2, .n_head_kv = 1, .head_dim = 64};
    g_autoptr(GError) error = NULL;
    guint32 n;

    g_assert_false(lw_fit_context(&m, 0, LW_KV_F16, 1000, 90 * 1000 * 1000, &n, &error));
    assert_detail(error, "Some Model needs 100.0\302\240MB, and this computer has 90.0\302\240MB.");
    g_clear_error(&error);

    g_autofree char *kv = g_format_size((guint64)lw_model_info_kv_bytes_per_token(&m, LW_KV_F16) * 1000000);
    g_autofree char *context
        = g_strdup_printf("A context of 1,000,000 tokens needs %s beside the 100.0\302\240MB of the model, and this "
                          "computer has 110.0\302\240MB.", kv);
    g_assert_false(lw_fit_context(&m, 1000000, LW_KV_F16, 1000, 110 * 1000 * 1000, &n, &error));
    assert_detail(error, context);
    g_clear_error(&error);

    g_autofree char *all = g_format_size(G_MAXSSIZE);
    g_autofree char *asked = g_strdup_printf("%s were asked for.", all);
    g_assert_null(lw_alloc_try(G_MAXSSIZE, "everything", &error));
    g_prefix_error(&error, "so ");
    assert_detail(error, asked);
    g_clear_error(&error);

    /* One without facts, and one of another domain that has none. */
    g_set_error_literal(&error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY, "no memory");
    assert_detail(error, "no memory");
    g_autoptr(GError) other = g_error_new_literal(G_IO_ERROR, 0, "no");
    g_assert_null(lw_error_get_facts(other));
    lw_error_set_facts(NULL, &(lw_error_facts){.kind = LW_FACTS_EMPTY});
}

/* A file with nothing but its architecture. */
static void test_architecture(void)
{
    static const struct {
        const char *arch, *detail;
    } cases[] = {{"gpt2", " holds a model of the kind “gpt2”. Longwave knows: "},
                 {"a\nb", " holds a model of the kind “a b”. "},
                 {"clip", " is the vision part of a model: choose the model that it belongs to."}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *folder = g_dir_make_tmp("lw-problem-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(folder, "odd.gguf", NULL);
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        const char *key = "general.architecture";
        guint64 lengths[2] = {strlen(key), strlen(cases[i].arch)};
        guint32 string_type = 8;

        g_byte_array_append(bytes, (const guint8 *)"GGUF\3\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 24);
        g_byte_array_append(bytes, (const guint8 *)&lengths[0], 8);
        g_byte_array_append(bytes, (const guint8 *)key, (guint)lengths[0]);
        g_byte_array_append(bytes, (const guint8 *)&string_type, 4);
        g_byte_array_append(bytes, (const guint8 *)&lengths[1], 8);
        g_byte_array_append(bytes, (const guint8 *)cases[i].arch, (guint)lengths[1]);
        g_assert_true(g_file_set_contents(path, (const char *)bytes->data, bytes->len, NULL));
        g_assert_null(lw_model_open(path, NULL, &error));
        g_assert_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED);

        g_autofree char *problem = lw_problem_describe(error);
        g_autofree char *begin = g_strdup_printf("The file %s%s", path, cases[i].detail);
        g_assert_true(g_str_has_prefix(lw_problem_get_detail(problem), begin));
        g_assert_null(strchr(lw_problem_get_detail(problem), '\n'));
        g_unlink(path);
        g_rmdir(folder);
    }
}

static void test_guesses(void)
{
    lw_model_info info = {.name = "Seer"};

    g_assert_null(lw_problem_of_vision(&info));
    g_assert_null(lw_problem_of_chat(&info));
    info.vision_missing = "Seer cannot see pictures: why";
    for (int lack = LW_VISION_LACK_TEXT_MODEL; lack <= LW_VISION_LACK_BAD_FILE; lack++) {
        info.vision_lack = (lw_vision_lack)lack;
        g_autofree char *problem = lw_problem_of_vision(&info);

        g_assert_true(g_str_has_prefix(problem, "Seer cannot see pictures: "));
        g_assert_cmpstr(lw_problem_get_detail(problem), ==,
                        lack == LW_VISION_LACK_TEXT_MODEL ? NULL : info.vision_missing);
    }
    info.chat_warning = "no template";
    g_autofree char *problem = lw_problem_of_chat(&info);
    g_assert_cmpstr(lw_problem_get_detail(problem), ==, "no template");
}

/* What can be done is said once, and not what cannot. */
static void test_room(void)
{
    static const struct {
        lw_fit_choices fit;
        const char *detail;
    } cases[] = {
        {{.n_ctx = 256, .n_ctx_largest = 9000, .n_ctx_train = 9000, .larger_helps = TRUE},
         "A larger context would hold it."},
        {{.n_ctx = 256, .n_ctx_largest = 9000, .n_ctx_train = 512, .larger_helps = TRUE, .beyond_training = TRUE},
         "A larger context would hold it. The model was made for 512 and may lose the thread beyond."},
        {{.n_ctx = 256, .n_ctx_largest = 300, .n_ctx_largest_q8 = 900, .n_ctx_train = 9000, .q8_helps = TRUE},
         "The memory has room for one that would hold it, in 8 bits."},
        {{.n_ctx = 256, .n_ctx_largest = 300, .n_ctx_largest_q8 = 500, .n_ctx_train = 512, .beyond_training = TRUE},
         "The memory has room for a context of 500 at most: something has to be left out."},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *problem = lw_problem_of_room(1234, &cases[i].fit), *sentence = lw_problem_dup_sentence(problem);
        g_assert_cmpstr(sentence, ==, "The chat and the question are 1,234 tokens long, the context holds 256.");
        g_assert_cmpstr(lw_problem_get_detail(problem), ==, cases[i].detail);
    }
}

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/problem/every-code", test_every_code);
    g_test_add_func("/problem/as-they-are", test_as_they_are);
    g_test_add_func("/problem/files", test_files);
    g_test_add_func("/problem/facts", test_facts);
    g_test_add_func("/problem/architecture", test_architecture);
    g_test_add_func("/problem/guesses", test_guesses);
    g_test_add_func("/problem/room", test_room);
    return g_test_run();
}
