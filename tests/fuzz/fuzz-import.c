/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A file to import: it is refused with a reason and leaves nothing, or becomes a conversation that can be
 * listed, exported and imported again with the same result.
 */
#include "memory/lw-memory.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/remove-tree.h"

static lw_mem *store;
static char *folder;

static void clean_up(void)
{
    lw_mem_close(store);
    remove_tree(folder);
    g_free(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GError *error = NULL;

    if (!store) {
        folder = g_dir_make_tmp("lw-fuzz-XXXXXX", NULL);
        store = lw_mem_open(folder, NULL);
        fuzz_require(store);
        atexit(clean_up);
    }
    char *id = lw_mem_import_json(store, (const char *)data, n, &error);
    fuzz_require((id == NULL) == (error != NULL));
    if (!id) {
        fuzz_require(g_utf8_validate(error->message, -1, NULL));
        g_error_free(error);
        GPtrArray *none = lw_mem_list_conversations(store, NULL);
        fuzz_require(none && none->len == 0);
        g_ptr_array_unref(none);
        return 0;
    }
    GPtrArray *tree = lw_mem_list_tree(store, id, NULL), *shown = lw_mem_list_messages(store, id, NULL);
    fuzz_require(tree && shown && shown->len <= tree->len);
    char *json = lw_mem_export_json(store, id, NULL), *markdown = lw_mem_export_markdown(store, id, NULL);
    fuzz_require(json && markdown);
    char *again = lw_mem_import_json(store, json, strlen(json), NULL);
    fuzz_require(again);
    GPtrArray *other = lw_mem_list_tree(store, again, NULL);
    fuzz_require(other && other->len == tree->len);
    for (guint i = 0; i < tree->len; i++)
        fuzz_require(g_str_equal(((lw_mem_message *)tree->pdata[i])->text,
                                 ((lw_mem_message *)other->pdata[i])->text));
    fuzz_require(lw_mem_bin_conversation(store, id, TRUE, NULL) &&
                 lw_mem_bin_conversation(store, again, TRUE, NULL) && lw_mem_purge(store, NULL, NULL));
    g_ptr_array_unref(tree);
    g_ptr_array_unref(shown);
    g_ptr_array_unref(other);
    g_free(json);
    g_free(markdown);
    g_free(id);
    g_free(again);
    return 0;
}
