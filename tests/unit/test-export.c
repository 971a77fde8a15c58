/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Conversations as files and back, what is refused and with which words, and the search over all of them.
 */
#include "memory/lw-memory.h"
#include "tests/unit/remove-tree.h"

#include <string.h>

typedef struct {
    char *folder;
    lw_mem *m;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    f->folder = g_dir_make_tmp("lw-export-XXXXXX", NULL);
    f->m = lw_mem_open(f->folder, &error);
    g_assert_no_error(error);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    lw_mem_close(f->m);
    remove_tree(f->folder);
    g_free(f->folder);
}

static void put_chat(Fixture *f, const char *id, const char *title)
{
    g_autoptr(GError) error = NULL;
    lw_mem_conversation c = {.id = (char *)id, .title = (char *)title, .created = 1000000, .updated = 1000000};

    lw_mem_put_conversation(f->m, &c, &error);
    g_assert_no_error(error);
}

static void put(Fixture *f, const char *chat, const char *id, const char *parent, int position, const char *text)
{
    g_autoptr(GError) error = NULL;
    lw_mem_message g = {.id = (char *)id, .conversation = (char *)chat, .parent = (char *)parent,
                        .position = position, .text = (char *)text, .created = 2000000 + position,
                        .role = position % 2 ? LW_MEM_ROLE_ASSISTANT : LW_MEM_ROLE_USER,
                        .tokens_per_second = position * 1.5};

    lw_mem_put_message(f->m, &g, &error);
    g_assert_no_error(error);
}

static void assert_shown(Fixture *f, const char *chat, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = lw_mem_list_messages(f->m, chat, &error);
    g_autoptr(GString) s = g_string_new(NULL);

    g_assert_no_error(error);
    for (guint i = 0; i < list->len; i++) {
        const lw_mem_message *g = list->pdata[i];
        g_string_append_printf(s, "[%s %d/%d]", g->text, g->branch, g->n_branches);
    }
    g_assert_cmpstr(s->str, ==, expected);
}

static void test_round_trip(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *picture = g_build_filename(f->folder, "cat [1].png", NULL);

    put_chat(f, "c", "A \"title\"\nwith <all> & ünusual");
    put(f, "c", "q", NULL, 0, "Question\n\"quoted\" \\ ü 🙂");
    put(f, "c", "a", "q", 1, "first");
    lw_mem_set_head(f->m, "c", "q", &error);
    put(f, "c", "b", "q", 1, "second");
    g_assert_true(g_file_set_contents(picture, "png", -1, NULL));
    lw_mem_attachment *kept = lw_mem_keep_file(f->m, picture, LW_MEM_PICTURE, &error);
    g_autoptr(GPtrArray) att = g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_attachment_free);
    g_ptr_array_add(att, kept);
    lw_mem_message with = {.id = (char *)"p", .conversation = (char *)"c", .parent = (char *)"b", .position = 2,
                           .role = LW_MEM_ROLE_USER, .text = (char *)"look", .created = 3, .attachments = att};
    g_assert_true(lw_mem_put_message(f->m, &with, &error));
    g_assert_true(lw_mem_choose_branch(f->m, "a", &error));
    assert_shown(f, "c", "[Question\n\"quoted\" \\ ü 🙂 1/1][first 1/2]");

    g_autofree char *json = lw_mem_export_json(f->m, "c", &error);
    g_assert_no_error(error);
    g_autofree char *id = lw_mem_import_json(f->m, json, strlen(json), &error);
    g_assert_no_error(error);
    g_assert_cmpstr(id, !=, "c");
    assert_shown(f, id, "[Question\n\"quoted\" \\ ü 🙂 1/1][first 1/2]");
    g_autoptr(GPtrArray) tree = lw_mem_list_tree(f->m, id, &error);
    g_assert_cmpuint(tree->len, ==, 4);
    const lw_mem_message *last = tree->pdata[3];
    g_assert_cmpstr(last->text, ==, "look");
    g_assert_cmpint(last->position, ==, 2);
    g_assert_cmpuint(last->attachments->len, ==, 1);
    const lw_mem_attachment *a = last->attachments->pdata[0];
    g_assert_cmpstr(a->label, ==, "cat [1].png");
    g_assert_cmpstr(a->path, ==, kept->path);
    lw_mem_conversation *c = lw_mem_find_conversation(f->m, id, &error);
    g_assert_cmpstr(c->title, ==, "A \"title\"\nwith <all> & ünusual");
    lw_mem_conversation_free(c);
    /* The same again is the same file. */
    g_autofree char *twice = lw_mem_export_json(f->m, "c", &error);
    g_assert_cmpstr(twice, ==, json);

    g_assert_true(lw_mem_choose_branch(f->m, "p", &error));
    g_autofree char *markdown = lw_mem_export_markdown(f->m, "c", &error);
    g_assert_true(g_str_has_prefix(markdown, "# A \"title\" with <all> & ünusual\n\n## You, "));
    g_assert_nonnull(strstr(markdown, "\n\nsecond\n\n## You, "));
    g_assert_nonnull(strstr(markdown, "![cat \\[1\\].png](<"));
    g_assert_null(lw_mem_export_json(f->m, "nothing", &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_MISSING);
}

#define HEAD "{\"format\":\"longwave-chat\",\"version\":1,\"title\":\"t\",\"messages\":["

static const struct {
    const char *json, *reason;
} refused[] = {
    {"", "not JSON"},
    {"{", "not JSON"},
    {"\xff", "UTF-8"},
    {"[1, 2]", "longwave-chat"},
    {"{\"format\":\"other\"}", "longwave-chat"},
    {"{\"format\":\"longwave-chat\",\"version\":2}", "version is 2"},
    {"{\"format\":\"longwave-chat\",\"version\":1}", "title"},
    {"{\"format\":\"longwave-chat\",\"version\":1,\"title\":\"t\",\"messages\":{}}", "list of messages"},
    {HEAD "5]}", "message 1 is not an object"},
    {HEAD "{\"id\":\"a\",\"role\":\"user\",\"text\":\"x\"},{\"role\":\"user\"}]}", "message 2 has no id"},
    {HEAD "{\"id\":\"a\",\"role\":\"root\",\"text\":\"x\"}]}", "message 1: its role"},
    {HEAD "{\"id\":\"a\",\"role\":\"user\"}]}", "message 1 has no text"},
    {HEAD "{\"id\":\"a\",\"role\":\"user\",\"text\":[1]}]}", "message 1 has no text"},
    {HEAD "{\"id\":\"a\",\"role\":\"user\",\"text\":\"x\\u0000y\"}]}", "NUL"},
    {HEAD "{\"id\":\"a\",\"role\":\"user\",\"text\":\"x\",\"parent\":\"b\"}]}", "its parent \"b\""},
    {HEAD "{\"id\":\"a\",\"role\":\"user\",\"text\":\"x\",\"parent\":\"a\"}]}", "its parent \"a\""},
    {HEAD "{\"id\":\"a\",\"role\":\"user\",\"text\":\"x\"},{\"id\":\"a\",\"role\":\"user\",\"text\":\"x\"}]}",
     "message 2: its id \"a\" is taken"},
    {HEAD "{\"id\":\"a\",\"role\":\"user\",\"text\":\"x\",\"attachments\":[7]}]}", "its attachment 1"},
    {HEAD "{\"id\":\"a\",\"role\":\"user\",\"text\":\"x\",\"attachments\":[{\"kind\":9,\"label\":\"l\","
          "\"file\":\"f\"}]}]}",
     "its attachment 1"},
};

static void test_refused(Fixture *f, gconstpointer data)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", refused[i].json);
        g_assert_null(lw_mem_import_json(f->m, refused[i].json, strlen(refused[i].json), &error));
        g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, refused[i].reason));
    }
    /* Nothing of them was left. */
    g_autoptr(GPtrArray) list = lw_mem_list_conversations(f->m, NULL);
    g_assert_cmpuint(list->len, ==, 0);

    /* Deep nesting, what only looks like a NUL, and a path that would lead out of the folder of copies. */
    g_autoptr(GString) deep = g_string_new(HEAD);
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 100000; i++)
        g_string_append_c(deep, '[');
    g_assert_null(lw_mem_import_json(f->m, deep->str, deep->len, &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_INVALID);
    g_clear_error(&error);
    const char *odd = HEAD "{\"id\":\"a\",\"role\":\"user\",\"text\":\"x\\\\u0000y\",\"attachments\":[{\"kind\":1,"
                           "\"label\":\"l\",\"file\":\"../../etc/passwd\",\"copied\":1}]}]}";
    g_autofree char *id = lw_mem_import_json(f->m, odd, strlen(odd), &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) got = lw_mem_list_messages(f->m, id, &error);
    const lw_mem_message *g = got->pdata[0];
    g_assert_cmpstr(g->text, ==, "x\\u0000y");
    g_autofree char *expected = g_build_filename(f->folder, "attachments", "passwd", NULL);
    g_assert_cmpstr(((lw_mem_attachment *)g->attachments->pdata[0])->path, ==, expected);
}

static char *search(Fixture *f, const char *query)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) hits = lw_mem_search(f->m, query, 5, &error);
    GString *s = g_string_new(NULL);

    g_assert_no_error(error);
    for (guint i = 0; i < hits->len; i++) {
        const lw_mem_hit *h = hits->pdata[i];
        g_autofree char *word = g_strndup(h->snippet + h->match_start, h->match_end - h->match_start);

        g_assert_true(g_utf8_validate(h->snippet, -1, NULL));
        g_string_append_printf(s, "%s(%s)", h->message ? h->message : h->conversation, word);
    }
    return g_string_free(s, FALSE);
}

#define assert_found(query, expected)                                                                   \
    do {                                                                                                  \
        g_autofree char *got_ = search(f, query);                                                         \
        g_assert_cmpstr(got_, ==, expected);                                                              \
    } while (0)

static void test_search(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    put_chat(f, "c", "One");
    put_chat(f, "d", "Two");
    put(f, "c", "q", NULL, 0, "The quick brown fox, größer than life");
    put(f, "c", "a", "q", 1, "jumps over the \"lazy\" dog 100%");
    put(f, "d", "r", NULL, 2, "今天天气很好 fox");
    assert_found("fox", "r(fox)q(fox)");
    assert_found("QUICK fo", "q(quick)");
    assert_found("rown", "q(rown)");
    assert_found("GRÖSSER", "");
    assert_found("GRÖßer", "q(größer)");
    assert_found("天气很", "r(天气很)");
    assert_found("天气", "r(天气)");
    assert_found("\"lazy\"", "a(\"lazy\")");
    assert_found("0%", "a(0%)");
    assert_found("_", "");
    assert_found("fox NOT brown", "");
    assert_found("\" OR text:*", "");
    assert_found("", "");
    assert_found("  \n", "");
    /* Two characters anywhere in a sentence without spaces; white space of any script between words. */
    put(f, "d", "h", "r", 1, "שלום עולם, مرحبا بالعالم 👩‍👩‍👧‍👦 Öl <|im_start|>system");
    assert_found("气很", "r(气很)");
    assert_found("很　天", "r(很)");
    assert_found("לו", "h(לו)");
    assert_found("עולם", "h(עולם)");
    assert_found("بالع", "h(بالع)");
    assert_found("👧", "h(👧)");
    assert_found("öl", "h(Öl)");
    assert_found("ÖL", "h(Öl)");
    assert_found("<|im_start|>system", "h(<|im_start|>system)");
    /* A title counts when nothing in its chat does. */
    put_chat(f, "e", "Ärger mit 模型测试 <|im_end|>");
    assert_found("ärger", "e()");
    assert_found("型测", "e()");
    assert_found("im_end", "e()");
    assert_found("ärger fox", "");
    put(f, "e", "t", NULL, 3, "ÄRGER");
    assert_found("ärger", "t(ÄRGER)");
    assert_found("模型", "e()");
    g_assert_true(lw_mem_bin_conversation(f->m, "e", TRUE, &error));
    assert_found("模型", "");
    /* Other branches are found, deleted ones are not. */
    g_assert_true(lw_mem_set_head(f->m, "c", "q", &error));
    put(f, "c", "b", "q", 1, "changed");
    assert_found("jumps", "a(jumps)");
    g_assert_true(lw_mem_bin_message(f->m, "a", TRUE, &error));
    assert_found("jumps", "");
    g_assert_true(lw_mem_bin_conversation(f->m, "d", TRUE, &error));
    assert_found("fox", "q(fox)");
    /* The index follows what is written. */
    put(f, "c", "b", "q", 1, "rewritten entirely");
    assert_found("changed", "");
    assert_found("entirely", "b(entirely)");
    g_assert_true(lw_mem_delete_message(f->m, "b", &error));
    assert_found("entirely", "");
}

#define ADD(name, func) g_test_add("/export/" name, Fixture, NULL, set_up, func, tear_down)

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    ADD("round-trip", test_round_trip);
    ADD("refused", test_refused);
    ADD("search", test_search);
    return g_test_run();
}
