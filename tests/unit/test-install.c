/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models into the library and out of it: links, what is removed and what never is, undo, downloads that
 * were begun and how the report reads a machine.
 */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "app/models/device.h"
#include "app/models/fetch.h"
#include "app/models/install.h"
#include "app/models/report.h"
#include "engine/session/fit.h"
#include "tests/unit/remove-tree.h"

/* The smallest file that the reader takes: no keys, no tensors. */
static const guint8 empty_gguf[32] = {'G', 'G', 'U', 'F', 3};

static char *root, *library;

static char *put(const char *folder, const char *base, const void *bytes, gsize n)
{
    char *path = g_build_filename(folder, base, NULL);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(path, bytes, (gssize)n, NULL));
    return path;
}

static char *put_model(const char *folder, const char *base)
{
    return put(folder, base, empty_gguf, sizeof empty_gguf);
}

static gboolean exists(const char *folder, const char *sub, const char *base)
{
    g_autofree char *path = g_build_filename(folder, sub, base, NULL);
    GStatBuf st;
    return g_lstat(path, &st) == 0;
}

static guint n_in(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    guint n = 0;
    while (dir && g_dir_read_name(dir))
        n++;
    if (dir)
        g_dir_close(dir);
    return n;
}

static void begin(void)
{
    remove_tree(root);
    g_assert_cmpint(g_mkdir_with_parents(library, 0700), ==, 0);
}

/* The library's entry of a file, as lw_library_list() would make it. */
static lw_library_entry entry(const char *path, lw_library_source source)
{
    return (lw_library_entry){
        .path = (char *)path, .name = (char *)"Some Model", .source = source, .is_file = TRUE};
}

static void test_link(void)
{
    begin();
    g_autofree char *mine = g_build_filename(root, "mine", NULL);
    g_autofree char *model = put_model(mine, "a-00001-of-00002.gguf");
    g_autofree char *second = put_model(mine, "a-00002-of-00002.gguf");
    g_autofree char *vision = put_model(mine, "MMPROJ-a.GGUF");
    g_autoptr(GError) error = NULL;

    g_autofree char *got = lw_install_link(model, &error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_suffix(got, "/a-00001-of-00002/a-00001-of-00002.gguf"));
    g_assert_true(exists(library, "a-00001-of-00002", "a-00002-of-00002.gguf"));
    g_assert_true(exists(library, "a-00001-of-00002", "MMPROJ-a.GGUF"));
    /* All parts go and come back together. */
    lw_library_entry e = entry(got, LW_LIBRARY_OWN);
    g_autofree char *aside = lw_install_remove(&e, &error);
    g_assert_no_error(error);
    g_assert_false(exists(library, "a-00001-of-00002", ""));
    g_assert_true(lw_install_restore(aside, &error));
    g_assert_true(exists(library, "a-00001-of-00002", "a-00002-of-00002.gguf"));
}

/* Files chosen or dropped together. */
static void test_link_files(void)
{
    begin();
    g_autofree char *mine = g_build_filename(root, "mine", NULL);
    g_autofree char *other = g_build_filename(root, "other", NULL);
    g_autofree char *model = put_model(mine, "a.gguf"), *second = put_model(other, "b.gguf");
    g_autofree char *vision = put_model(other, "mmproj-far.gguf");
    g_autoptr(GError) error = NULL;

    /* In any order; the vision file lies elsewhere, and twice is once. */
    for (int i = 0; i < 2; i++) {
        g_autofree char *got =
            lw_install_link_files((const char *[]){vision, model, second, vision, NULL}, &error);
        g_assert_no_error(error);
        g_assert_true(g_str_has_suffix(got, "/models/a/a.gguf"));
    }
    g_assert_true(exists(library, "a", "mmproj-far.gguf"));
    g_assert_true(exists(library, "b", "mmproj-far.gguf"));
    /* Alone it is nothing, and what is none is told. */
    g_assert_null(lw_install_link_files((const char *[]){vision, NULL}, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull(strstr(error->message, "mmproj-far.gguf"));
    g_clear_error(&error);
    g_autofree char *fake = put(other, "mmproj-x.gguf", "hello", 5);
    g_assert_null(lw_install_link_files((const char *[]){model, fake, NULL}, &error));
    g_assert_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_NOT_GGUF);
    g_assert_false(exists(library, "a", "mmproj-x.gguf"));
}

static void test_link_one(void)
{
    begin();
    g_autofree char *mine = g_build_filename(root, "mine", NULL);
    g_autofree char *model = put_model(mine, "a.gguf");
    g_autofree char *vision = put_model(mine, "MMPROJ-a.GGUF");
    g_autofree char *other = put_model(mine, "b.gguf");
    g_autoptr(GError) error = NULL;

    g_autofree char *got = lw_install_link(model, &error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_suffix(got, "/models/a/a.gguf"));
    g_assert_true(g_file_test(got, G_FILE_TEST_IS_SYMLINK));
    g_assert_true(exists(library, "a", "MMPROJ-a.GGUF"));
    g_assert_false(exists(library, "a", "b.gguf"));
    /* Twice is once; another file of the name is told. */
    g_autofree char *again = lw_install_link(model, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(again, ==, got);
    g_autofree char *elsewhere = g_build_filename(root, "elsewhere", NULL);
    g_autofree char *twin = put_model(elsewhere, "a.gguf");
    g_assert_null(lw_install_link(twin, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS);
    g_clear_error(&error);
    /* What lies in the library already stays as it is. */
    g_autofree char *there = lw_install_link(got, &error);
    g_assert_cmpstr(there, ==, got);

    g_assert_null(lw_install_link(vision, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    g_clear_error(&error);
    g_autofree char *text = put(mine, "c.txt", "hello", 5);
    g_assert_null(lw_install_link(text, &error));
    g_assert_nonnull(strstr(error->message, "c.txt"));
    g_clear_error(&error);
    g_autofree char *fake = put(mine, "d.gguf", "hello", 5);
    g_assert_null(lw_install_link(fake, &error));
    g_assert_nonnull(strstr(error->message, "d.gguf"));
    g_assert_false(exists(library, "d", ""));
}

static void test_remove(void)
{
    begin();
    g_autofree char *folder = g_build_filename(library, "a", NULL);
    g_autofree char *model = put_model(folder, "a.gguf");
    g_autofree char *vision = put_model(folder, "mmproj-a.gguf");
    g_autofree char *note = put(folder, "my notes.txt", "keep me", 7);
    g_autoptr(GError) error = NULL;
    lw_library_entry e = entry(model, LW_LIBRARY_OWN);

    g_autofree char *aside = lw_install_remove(&e, &error);
    g_assert_no_error(error);
    g_assert_false(exists(library, "a", "a.gguf"));
    g_assert_false(exists(library, "a", "mmproj-a.gguf"));
    g_assert_true(exists(library, "a", "my notes.txt"));
    g_assert_true(lw_install_restore(aside, &error));
    g_assert_no_error(error);
    g_assert_true(exists(library, "a", "a.gguf"));
    g_assert_true(exists(library, "a", "mmproj-a.gguf"));
    g_assert_cmpuint(n_in(library), ==, 1);

    /* For good; a folder that is empty goes, a vision file that another model needs stays. */
    unlink(note);
    g_free(g_steal_pointer(&aside));
    aside = lw_install_remove(&e, &error);
    g_assert_false(exists(library, "a", ""));
    lw_install_purge(aside);
    g_assert_cmpuint(n_in(library), ==, 0);

    g_autofree char *first = put_model(folder, "a.gguf"), *second = put_model(folder, "b.gguf");
    g_autofree char *shared = put_model(folder, "mmproj-a.gguf");
    g_free(g_steal_pointer(&aside));
    aside = lw_install_remove(&e, &error);
    g_assert_true(exists(library, "a", "mmproj-a.gguf"));
    g_assert_true(exists(library, "a", "b.gguf"));
    /* Added again before the undo: nothing is replaced. */
    g_autofree char *newer = put_model(folder, "a.gguf");
    g_assert_false(lw_install_restore(aside, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS);
    g_assert_true(exists(aside, "", "a.gguf"));
    lw_install_purge(NULL); /* what an earlier run left */
    g_assert_false(exists(aside, "", "a.gguf"));
    g_assert_true(exists(library, "a", "a.gguf"));
}

static void test_remove_links(void)
{
    begin();
    g_autofree char *mine = g_build_filename(root, "mine", NULL);
    g_autofree char *model = put_model(mine, "a.gguf");
    g_autoptr(GError) error = NULL;
    g_autofree char *got = lw_install_link(model, &error);
    lw_library_entry e = entry(got, LW_LIBRARY_OWN);

    g_autofree char *aside = lw_install_remove(&e, &error);
    g_assert_no_error(error);
    lw_install_purge(aside);
    g_assert_true(g_file_test(model, G_FILE_TEST_EXISTS));

    /* A linked folder: the link goes, what it leads to stays. */
    g_autofree char *link = g_build_filename(library, "all", NULL);
    g_assert_cmpint(symlink(mine, link), ==, 0);
    g_autofree char *through = g_build_filename(link, "a.gguf", NULL);
    lw_library_entry f = entry(through, LW_LIBRARY_OWN);
    g_free(g_steal_pointer(&aside));
    aside = lw_install_remove(&f, &error);
    g_assert_no_error(error);
    g_assert_false(exists(library, "all", ""));
    g_assert_true(lw_install_restore(aside, &error));
    g_assert_true(exists(library, "all", "a.gguf"));
    g_free(g_steal_pointer(&aside));
    aside = lw_install_remove(&f, &error);
    lw_install_purge(aside);
    g_assert_true(g_file_test(model, G_FILE_TEST_EXISTS));
}

static void test_never_removed(void)
{
    begin();
    g_autofree char *mine = g_build_filename(root, "ollama", NULL);
    g_autofree char *model = put_model(mine, "a.gguf");
    const lw_library_source others[] = {LW_LIBRARY_OLLAMA, LW_LIBRARY_LM_STUDIO, LW_LIBRARY_DEFAULT,
                                        LW_LIBRARY_OWN /* but outside of the library */};

    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        lw_library_entry e = entry(model, others[i]);
        g_autoptr(GError) error = NULL;
        g_assert_false(lw_install_can_remove(&e));
        g_assert_null(lw_install_remove(&e, &error));
        g_assert_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
        g_assert_true(g_file_test(model, G_FILE_TEST_EXISTS));
    }
    g_assert_cmpuint(n_in(library), ==, 0);
}

static void test_plan(void)
{
    g_autoptr(GError) error = NULL;
    const char *sha = "9360df2f36716c4acbb71fb3536be891398cb6739d075692ac5b67d824d7d396";

    g_autoptr(lw_fetch) f = lw_fetch_plan(" https://example.org/m/x-00002-of-00003.gguf?a=b ",
                                          "https://example.org/v/vision.gguf", "", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(f->title, ==, "x");
    g_assert_cmpuint(f->items->len, ==, 4);
    const lw_fetch_item *one = f->items->pdata[0], *eye = f->items->pdata[3];
    g_assert_cmpstr(one->url, ==, "https://example.org/m/x-00001-of-00003.gguf?a=b");
    g_assert_cmpstr(one->name, ==, "x-00001-of-00003.gguf");
    g_assert_cmpstr(eye->name, ==, "mmproj-vision.gguf");

    g_assert_null(lw_fetch_plan("https://example.org/x-00001-of-00003.gguf", NULL, sha, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    g_clear_error(&error);
    g_assert_null(lw_fetch_plan("https://example.org/x.gguf", NULL, "12", &error));
    g_assert_nonnull(strstr(error->message, "12"));
    g_clear_error(&error);
    g_assert_null(lw_fetch_plan("", NULL, NULL, &error));
    g_assert_error(error, LW_DOWNLOAD_ERROR, LW_DOWNLOAD_ERROR_URL);
}

static void test_unfinished(void)
{
    begin();
    g_autofree char *folder = g_build_filename(library, "x", NULL);
    const char *ini = "[download]\nurl=https://example.org/x.gguf\nmmproj=https://example.org/mmproj.gguf\n";
    g_autofree char *a = put(folder, LW_FETCH_FILE, ini, strlen(ini));
    g_autofree char *b = put(folder, "x.gguf.part", "GGUF", 4);
    const char *info = "[download]\nurl=https://example.org/x.gguf\ntotal=100\n";
    g_autofree char *c = put(folder, "x.gguf.part.info", info, strlen(info));
    g_autofree char *other = g_build_filename(library, "y", NULL);
    g_autofree char *d = put(other, LW_FETCH_FILE, "rubbish", 7);
    g_autoptr(GError) error = NULL;

    g_autoptr(GPtrArray) list = lw_fetch_unfinished();
    g_assert_cmpuint(list->len, ==, 1);
    const lw_fetch *f = list->pdata[0];
    g_assert_cmpstr(f->title, ==, "x");
    g_assert_cmpuint(f->done, ==, 4);
    g_assert_cmpuint(f->total, ==, 0); /* nothing is known of the vision file */
    g_autofree char *e = put_model(folder, "mmproj.gguf");
    g_autoptr(GPtrArray) now = lw_fetch_unfinished();
    f = now->pdata[0];
    g_assert_cmpuint(f->done, ==, 36);
    g_assert_cmpuint(f->total, ==, 132);

    /* Discarding keeps what is whole. */
    g_assert_true(lw_fetch_discard(f, &error));
    g_assert_no_error(error);
    g_assert_false(exists(library, "x", "x.gguf.part"));
    g_assert_false(exists(library, "x", LW_FETCH_FILE));
    g_assert_true(exists(library, "x", "mmproj.gguf"));
}

static void test_report(void)
{
    /* 4 KiB a token as f16, 2,176 bytes as q8_0. */
    lw_model_info info = {.n_ctx_train = 20000, .n_layer = 8, .n_head_kv = 2, .head_dim = 64};
    lw_report r = {.free_bytes = 40 << 20,
                   .bytes_per_token = 500000000,
                   .flop_per_token = 1e9,
                   .speed = {.kind = LW_SPEED_QUICK, .read_bytes_per_second = 1e10, .flops = 2e11}};
    lw_report_context rows[LW_REPORT_MAX_CONTEXTS];

    g_assert_cmpuint(lw_report_contexts(&r, &info, rows), ==, 3);
    g_assert_cmpint(rows[0].tokens, ==, 4096);
    g_assert_cmpint(rows[0].f16, ==, 16 << 20);
    g_assert_true(rows[0].fits_f16);
    g_assert_false(rows[1].fits_f16); /* 64 MiB */
    g_assert_true(rows[1].fits_q8_0); /* 34 MiB */
    g_assert_cmpint(rows[2].tokens, ==, 20000);
    g_assert_false(rows[2].fits_q8_0);
    g_assert_cmpfloat_with_epsilon(lw_report_generation_speed(&r, 0), 20, 1e-9);
    g_assert_cmpfloat_with_epsilon(lw_report_generation_speed(&r, 500000000), 10, 1e-9);
    g_assert_cmpfloat_with_epsilon(lw_report_prompt_speed(&r), 200, 1e-9);
    info.only_embeds = TRUE;
    g_assert_cmpuint(lw_report_contexts(&r, &info, rows), ==, 0);
}

/* A card under root/sys, and what its driver tells under root/proc (NULL: nothing). */
static void put_card(const char *device, const char *class, const char *vendor, const char *file, const char *told)
{
    g_autofree char *pci = g_build_filename(root, "sys/bus/pci/devices", device, NULL);
    g_autofree char *nvidia = g_build_filename(root, "proc/driver/nvidia/gpus", device, NULL);
    g_autofree char *a = put(pci, "class", class, strlen(class));
    g_autofree char *b = put(pci, "vendor", vendor, strlen(vendor));
    g_autofree char *c = told ? put(strcmp(file, "information") == 0 ? nvidia : pci, file, told, strlen(told)) : NULL;
}

static void assert_found(const char *wanted)
{
    g_autofree char *found = lw_device_find_cards(root);
    g_assert_cmpstr(found, ==, wanted);
}

static void test_cards(void)
{
    begin();
    assert_found("");
    put_card("0000:00:02.0", "0x030000\n", "0x8086\n", "", NULL);
    put_card("0000:01:00.0", "0x030200\n", "0x10de\n", "", NULL);
    put_card("0000:02:00.0", "0x020000\n", "0x1002\n" /* a network card */, "", NULL);
    put_card("0000:03:00.0", "0x030000\n", "0x1234\n" /* an emulated one */, "", NULL);
    assert_found("NVIDIA, Intel");
    put_card("0000:04:00.0", "0x030000\n", "0x1002\n", "mem_info_vram_total", "8573157376\n");
    put_card("0000:05:00.0", "0x030000\n", "0x1002\n", "mem_info_vram_total", "much\n");
    assert_found("NVIDIA, AMD, AMD (8.6\302\240GB), Intel");
    g_autoptr(lw_graphics) here = lw_device_find_graphics(); /* whatever there is */
    g_assert_cmpuint(strlen(here->text), >, 10);
    g_assert_null(here->backend);
}

/* Names that NVIDIA's driver tells, and what is no name. */
static void test_card_names(void)
{
    static const char *const told[] = {
        "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 37\nBus Location: \t 0000:01:00.0\n",
        "Model: \t\t GeForce GTX 1080\n",
        "Model: \t\t NVIDIA H100 80GB HBM3\n",
        "Model: \n",
        "IRQ:   \t\t 37\n",
        "Model: \t\t \xff\n",
        "Model: 12345678901234567890123456789012345678901234567890123456789012345678901234567890"
        "12345678901234567890\n",
        NULL /* no driver */};

    begin();
    for (guint i = 0; i < G_N_ELEMENTS(told); i++) {
        g_autofree char *device = g_strdup_printf("0000:%02u:00.0", i);
        put_card(device, "0x030200\n", "0x10de\n", "information", told[i]);
    }
    assert_found("5 × NVIDIA, NVIDIA GeForce GTX 1080, 2 × NVIDIA H100 80GB HBM3");
    g_autofree char *module = g_build_filename(root, "sys/module/nvidia", NULL);
    g_autofree char *version = put(module, "version", "580.95.05\n", 10);
    assert_found("5 × NVIDIA (driver 580.95.05), NVIDIA GeForce GTX 1080 (driver 580.95.05), "
                 "2 × NVIDIA H100 80GB HBM3 (driver 580.95.05)");
}

int main(int argc, char **argv)
{
    root = g_dir_make_tmp("lw-install-XXXXXX", NULL);
    g_setenv("XDG_DATA_HOME", root, TRUE);
    library = lw_library_folder();
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/install/link-split", test_link);
    g_test_add_func("/install/link", test_link_one);
    g_test_add_func("/install/link-files", test_link_files);
    g_test_add_func("/install/remove", test_remove);
    g_test_add_func("/install/remove-links", test_remove_links);
    g_test_add_func("/install/never-removed", test_never_removed);
    g_test_add_func("/install/plan", test_plan);
    g_test_add_func("/install/unfinished", test_unfinished);
    g_test_add_func("/install/report", test_report);
    g_test_add_func("/install/cards", test_cards);
    g_test_add_func("/install/card-names", test_card_names);
    int rc = g_test_run();
    remove_tree(root);
    g_free(root);
    g_free(library);
    return rc;
}
