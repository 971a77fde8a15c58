/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The store: what is put comes back after reopening, old schemas are upgraded, and neither a killed
 * program, a full disk nor a damaged file loses what was saved before.
 */
#include "memory/lw-memory.h"
#include "memory/store-private.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    char *folder;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
    f->folder = g_dir_make_tmp("lw-store-XXXXXX", NULL);
    g_assert_nonnull(f->folder);
}

static void remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR))
            remove_tree(child);
        else
            g_unlink(child);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(path);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    remove_tree(f->folder);
    g_free(f->folder);
}

static lw_mem *open_store(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    lw_mem *m = lw_mem_open(f->folder, &error);

    g_assert_no_error(error);
    g_assert_nonnull(m);
    return m;
}

static char *in_folder(Fixture *f, const char *name)
{
    return g_build_filename(f->folder, name, NULL);
}

static void put_conversation(lw_mem *m, const char *id, const char *title, gint64 updated)
{
    g_autoptr(GError) error = NULL;
    lw_mem_conversation c = {.id = (char *)id, .title = (char *)title, .created = 1, .updated = updated};

    g_assert_true(lw_mem_put_conversation(m, &c, &error));
    g_assert_no_error(error);
}

static gboolean put_text(lw_mem *m, const char *conversation, const char *id, int position,
                         lw_mem_role role, lw_mem_state state, const char *text, GError **error)
{
    lw_mem_message msg = {.id = (char *)id,
                          .conversation = (char *)conversation,
                          .position = position,
                          .role = role,
                          .state = state,
                          .text = (char *)text,
                          .created = 100 + position};

    return lw_mem_put_message(m, &msg, error);
}

static GPtrArray *messages_of(lw_mem *m, const char *id)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *list = lw_mem_list_messages(m, id, &error);

    g_assert_no_error(error);
    return list;
}

static void test_reopen(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *picture = in_folder(f, "a picture.JPG");
    lw_mem *m = open_store(f);

    put_conversation(m, "c1", "Old", 10);
    put_conversation(m, "c2", "Grüße \"' -- DROP", 20);
    g_assert_true(g_file_set_contents(picture, "not really a picture", -1, NULL));

    lw_mem_attachment *a = lw_mem_keep_file(m, picture, LW_MEM_PICTURE, &error);
    g_assert_no_error(error);
    g_assert_true(a->copied);
    g_assert_cmpstr(a->label, ==, "a picture.JPG");
    g_assert_true(g_str_has_suffix(a->path, ".jpg"));
    lw_mem_attachment *film = lw_mem_keep_file(m, picture, LW_MEM_FILM, &error);
    g_assert_no_error(error);
    g_assert_false(film->copied);
    g_assert_cmpstr(film->path, ==, picture);
    g_assert_cmpint(film->bytes, ==, 20);

    /* A name that is no UTF-8 has a label that is. */
    g_autofree char *odd = in_folder(f, "odd\xff.jpg");
    g_assert_true(g_file_set_contents(odd, "not really a picture", -1, NULL));
    lw_mem_attachment *named = lw_mem_keep_file(m, odd, LW_MEM_PICTURE, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(named->label, ==, "odd\xef\xbf\xbd.jpg");
    lw_mem_attachment_free(named);
    g_unlink(odd);
    g_assert_null(lw_mem_keep_file(m, odd, LW_MEM_PICTURE, &error));
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    g_clear_error(&error);

    g_autoptr(GPtrArray) att =
        g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_attachment_free);
    g_ptr_array_add(att, a);
    g_ptr_array_add(att, film);
    lw_mem_message msg = {.id = (char *)"m1",
                          .conversation = (char *)"c2",
                          .position = 0,
                          .role = LW_MEM_ROLE_USER,
                          .text = (char *)"What is this?\n\"quoted\"",
                          .created = 30,
                          .attachments = att};
    g_assert_true(lw_mem_put_message(m, &msg, &error));
    lw_mem_message answer = {.id = (char *)"m2",
                             .conversation = (char *)"c2",
                             .position = 1,
                             .role = LW_MEM_ROLE_ASSISTANT,
                             .state = LW_MEM_STATE_STOPPED,
                             .text = (char *)"A pict",
                             .created = 31,
                             .n_prompt = 400,
                             .n_reused = 300,
                             .n_generated = 3,
                             .tokens_per_second = 12.5};
    g_assert_true(lw_mem_put_message(m, &answer, &error));
    lw_mem_close(m);

    /* The original may go; what was copied stays. */
    g_unlink(picture);
    m = open_store(f);
    g_autoptr(GPtrArray) list = lw_mem_list_conversations(m, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(list->len, ==, 2);
    lw_mem_conversation *c = list->pdata[0];
    g_assert_cmpstr(c->id, ==, "c2");
    g_assert_cmpstr(c->title, ==, "Grüße \"' -- DROP");
    g_assert_cmpint(c->updated, ==, 31);

    g_autoptr(GPtrArray) got = messages_of(m, "c2");
    g_assert_cmpuint(got->len, ==, 2);
    lw_mem_message *q = got->pdata[0], *r = got->pdata[1];
    g_assert_cmpstr(q->text, ==, "What is this?\n\"quoted\"");
    g_assert_cmpuint(q->attachments->len, ==, 2);
    lw_mem_attachment *back = q->attachments->pdata[0];
    g_autofree char *bytes = NULL;
    g_assert_true(g_file_get_contents(back->path, &bytes, NULL, NULL));
    g_assert_cmpstr(bytes, ==, "not really a picture");
    g_assert_cmpint(r->state, ==, LW_MEM_STATE_STOPPED);
    g_assert_cmpint(r->n_reused, ==, 300);
    g_assert_cmpfloat(r->tokens_per_second, ==, 12.5);

    lw_mem_close(m);
}

static void test_find_and_delete(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    lw_mem *m = open_store(f);
    lw_mem_attachment *a;

    put_conversation(m, "abc1", "One", 1);
    put_conversation(m, "abd2", "Two", 2);
    lw_mem_conversation *c = lw_mem_find_conversation(m, "abd", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(c->title, ==, "Two");
    lw_mem_conversation_free(c);
    g_assert_null(lw_mem_find_conversation(m, "ab", &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_MISSING);
    g_clear_error(&error);
    g_assert_null(lw_mem_find_conversation(m, "", &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_MISSING);
    g_clear_error(&error);

    /* Both conversations show the same picture; it goes with the last of them. */
    for (int i = 0; i < 2; i++) {
        g_autoptr(GPtrArray) att =
            g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_attachment_free);
        a = lw_mem_keep_bytes(m, "png!", 4, "png", "Pasted picture", &error);
        g_assert_no_error(error);
        g_ptr_array_add(att, a);
        lw_mem_message msg = {.id = (char *)(i ? "m2" : "m1"),
                              .conversation = (char *)(i ? "abd2" : "abc1"),
                              .role = LW_MEM_ROLE_USER,
                              .text = (char *)"",
                              .attachments = att};
        g_assert_true(lw_mem_put_message(m, &msg, &error));
    }
    g_autoptr(GPtrArray) before = messages_of(m, "abd2");
    lw_mem_message *msg = before->pdata[0];
    const char *file = ((lw_mem_attachment *)msg->attachments->pdata[0])->path;

    g_assert_true(lw_mem_bin_conversation(m, "abc1", TRUE, &error));
    g_autoptr(GPtrArray) one = lw_mem_list_conversations(m, &error);
    g_assert_cmpuint(one->len, ==, 1);
    g_assert_true(lw_mem_bin_conversation(m, "abc1", FALSE, &error));
    g_autoptr(GPtrArray) both = lw_mem_list_conversations(m, &error);
    g_assert_cmpuint(both->len, ==, 2);

    g_assert_true(lw_mem_bin_conversation(m, "abc1", TRUE, &error));
    g_assert_true(lw_mem_purge(m, "abd2", &error));
    g_autoptr(GPtrArray) kept = messages_of(m, "abc1");
    g_assert_cmpuint(kept->len, ==, 1);
    g_assert_true(lw_mem_purge(m, NULL, &error));
    g_autoptr(GPtrArray) gone = messages_of(m, "abc1");
    g_assert_cmpuint(gone->len, ==, 0);
    g_assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
    g_assert_true(lw_mem_bin_conversation(m, "abd2", TRUE, &error));
    g_assert_true(lw_mem_purge(m, NULL, &error));
    g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));

    /* A message needs its conversation. */
    g_assert_false(put_text(m, "nowhere", "m9", 0, LW_MEM_ROLE_USER, LW_MEM_STATE_DONE, "x", &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_MISSING);
    lw_mem_close(m);
}

static void run_sql(Fixture *f, const char *sql)
{
    g_autofree char *path = in_folder(f, "longwave.db");
    sqlite3 *db = NULL;

    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(db);
}

static void test_migration(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    lw_mem *m;

    /* A file as version 1 of the schema left it. */
    run_sql(f,
            "CREATE TABLE conversations (id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL DEFAULT '',"
            " model TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL);"
            "CREATE TABLE messages (rowid INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL,"
            " conversation TEXT NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,"
            " position INTEGER NOT NULL, role INTEGER NOT NULL, state INTEGER NOT NULL,"
            " text TEXT NOT NULL, created INTEGER NOT NULL, n_prompt INTEGER NOT NULL DEFAULT 0,"
            " n_reused INTEGER NOT NULL DEFAULT 0, n_generated INTEGER NOT NULL DEFAULT 0,"
            " tokens_per_second REAL NOT NULL DEFAULT 0);"
            "CREATE TABLE attachments (message TEXT NOT NULL REFERENCES messages(id) ON DELETE CASCADE,"
            " position INTEGER NOT NULL, kind INTEGER NOT NULL, label TEXT NOT NULL DEFAULT '',"
            " file TEXT NOT NULL, copied INTEGER NOT NULL, bytes INTEGER NOT NULL DEFAULT 0,"
            " mtime INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (message, position)) WITHOUT ROWID;"
            "INSERT INTO conversations VALUES ('c1', 'From version 1', NULL, 1, 2), ('c2', 'Other', NULL, 1, 1),"
            " ('c3', 'Empty', NULL, 1, 0);"
            "INSERT INTO messages (id, conversation, position, role, state, text, created)"
            " VALUES ('m3', 'c1', 2, 1, 0, 'third', 3), ('m1', 'c1', 0, 1, 0, 'still here', 1),"
            " ('m2', 'c1', 1, 2, 0, 'second', 2), ('n1', 'c2', 0, 1, 0, 'elsewhere', 1);"
            "INSERT INTO attachments VALUES ('m1', 0, 1, 'odd', '../../etc/passwd', 1, 0, 0);"
            "PRAGMA user_version = 1;");
    m = open_store(f);
    g_autoptr(GPtrArray) list = lw_mem_list_conversations(m, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(list->len, ==, 3);
    g_autoptr(GPtrArray) messages = messages_of(m, "c1");
    lw_mem_message *msg = messages->pdata[0];
    g_assert_cmpuint(messages->len, ==, 3);
    g_assert_cmpstr(msg->text, ==, "still here");
    /* The list became a tree with one branch, in its order. */
    const char *parent = NULL;
    for (guint i = 0; i < messages->len; i++) {
        lw_mem_message *g = messages->pdata[i];
        g_autofree char *id = g_strdup_printf("m%u", i + 1);

        g_assert_cmpstr(g->id, ==, id);
        g_assert_cmpstr(g->parent, ==, parent);
        g_assert_cmpint(g->n_branches, ==, 1);
        parent = g->id;
    }
    /* And goes on where it ended. */
    g_assert_true(put_text(m, "c1", "m4", 3, LW_MEM_ROLE_ASSISTANT, LW_MEM_STATE_DONE, "fourth", &error));
    g_autoptr(GPtrArray) longer = messages_of(m, "c1");
    g_assert_cmpuint(longer->len, ==, 4);
    g_assert_cmpstr(((lw_mem_message *)longer->pdata[3])->parent, ==, "m3");
    g_autoptr(GPtrArray) empty = messages_of(m, "c3");
    g_assert_cmpuint(empty->len, ==, 0);
    /* A copied file's name never leads out of the attachments folder. */
    lw_mem_attachment *a = msg->attachments->pdata[0];
    g_autofree char *expected = g_build_filename(f->folder, "attachments", "passwd", NULL);
    g_assert_cmpstr(a->path, ==, expected);
    g_assert_true(lw_mem_bin_conversation(m, "c1", TRUE, &error));
    lw_mem_close(m);

    run_sql(f, "PRAGMA user_version = 99;");
    g_assert_null(lw_mem_open(f->folder, &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_NEWER);
    g_assert_nonnull(strstr(error->message, "99"));
}

/* "a b c2/3": the texts of the branch that is shown, and which branch they are where there are several. */
static char *shown(lw_mem *m, const char *conversation)
{
    g_autoptr(GPtrArray) list = messages_of(m, conversation);
    GString *s = g_string_new(NULL);

    for (guint i = 0; i < list->len; i++) {
        const lw_mem_message *g = list->pdata[i];

        g_string_append_printf(s, "%s%s", i ? " " : "", g->text);
        if (g->n_branches > 1)
            g_string_append_printf(s, "%d/%d", g->branch, g->n_branches);
    }
    return g_string_free(s, FALSE);
}

#define assert_shown(expected)                                                                          \
    do {                                                                                                  \
        g_autofree char *got_ = shown(m, "c");                                                            \
        g_assert_cmpstr(got_, ==, expected);                                                              \
    } while (0)

static void put_child(lw_mem *m, const char *parent, const char *id, int position)
{
    g_autoptr(GError) error = NULL;
    lw_mem_message msg = {.id = (char *)id,
                          .conversation = (char *)"c",
                          .parent = (char *)parent,
                          .position = position,
                          .role = position % 2 ? LW_MEM_ROLE_ASSISTANT : LW_MEM_ROLE_USER,
                          .text = (char *)id,
                          .created = 5};

    lw_mem_put_message(m, &msg, &error);
    g_assert_no_error(error);
}

static void test_branches(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    lw_mem *m = open_store(f);

    put_conversation(m, "c", "Tree", 1);
    assert_shown("");
    put_child(m, NULL, "q1", 0);
    put_child(m, "q1", "a1", 1);
    put_child(m, "a1", "q2", 2);
    put_child(m, "q2", "a2", 3);
    assert_shown("q1 a1 q2 a2");

    /* The second answer again. */
    g_assert_true(lw_mem_set_head(m, "c", "q2", &error));
    put_child(m, "q2", "b2", 3);
    assert_shown("q1 a1 q2 b22/2");
    /* Saving the first one once more does not bring it back. */
    put_child(m, "q2", "a2", 3);
    assert_shown("q1 a1 q2 b22/2");
    /* The first question another way. */
    g_assert_true(lw_mem_set_head(m, "c", NULL, &error));
    put_child(m, NULL, "r1", 0);
    put_child(m, "r1", "s1", 1);
    assert_shown("r12/2 s1");
    g_assert_true(lw_mem_choose_branch(m, "q1", &error));
    assert_shown("q11/2 a1 q2 b22/2");
    g_autofree char *before = lw_mem_find_branch(m, "b2", -1, &error);
    g_assert_cmpstr(before, ==, "a2");
    g_assert_true(lw_mem_choose_branch(m, before, &error));
    assert_shown("q11/2 a1 q2 a21/2");
    g_assert_null(lw_mem_find_branch(m, "a2", -1, &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_MISSING);
    g_clear_error(&error);

    /* Deleted with all that follows, and back. */
    g_assert_true(lw_mem_bin_message(m, "a2", TRUE, &error));
    assert_shown("q11/2 a1 q2 b2");
    g_assert_true(lw_mem_bin_message(m, "a1", TRUE, &error));
    assert_shown("q11/2");
    g_assert_true(lw_mem_bin_message(m, "q1", TRUE, &error));
    assert_shown("r1 s1");
    g_assert_true(lw_mem_bin_message(m, "r1", TRUE, &error));
    assert_shown("");
    g_assert_true(lw_mem_bin_message(m, "r1", FALSE, &error));
    g_assert_true(lw_mem_bin_message(m, "q1", FALSE, &error));
    assert_shown("q11/2");
    g_assert_true(lw_mem_bin_message(m, "a1", FALSE, &error));
    /* What was deleted before stays deleted. */
    assert_shown("q11/2 a1 q2 b2");
    g_autoptr(GPtrArray) tree = lw_mem_list_tree(m, "c", &error);
    g_assert_cmpuint(tree->len, ==, 6);
    lw_mem_close(m);

    /* A damaged file with a circle and a head that is not there ends all the same. */
    run_sql(f, "UPDATE messages SET parent = 'q2' WHERE id = 'q1';");
    m = open_store(f);
    g_autoptr(GPtrArray) circle = messages_of(m, "c");
    g_assert_cmpuint(circle->len, <=, 7);
    g_assert_true(lw_mem_choose_branch(m, "q1", &error));
    g_assert_true(lw_mem_set_head(m, "c", "nothing", &error));
    g_autoptr(GPtrArray) lost = messages_of(m, "c");
    g_assert_cmpuint(lost->len, >, 0);
    g_assert_true(lw_mem_purge(m, NULL, &error));
    g_assert_no_error(error);
    lw_mem_close(m);
}

/* A child saves a question, then a growing answer, and tells of each save through a pipe; it is killed while it
 * goes on.  A hundred times: nothing finished is lost, and of the answer at most what was not saved yet. */
#define KILLS 100

static void test_killed(Fixture *f, gconstpointer data)
{
    for (int round = 0; round < KILLS; round++) {
        g_autofree char *id = g_strdup_printf("k%d", round);
        int pipe_fd[2], status, seen = 0;
        pid_t pid;

        g_assert_cmpint(pipe(pipe_fd), ==, 0);
        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (!pid) {
            GString *text = g_string_new(NULL);
            lw_mem *m = lw_mem_open(f->folder, NULL);
            lw_mem_conversation c = {.id = id, .title = (char *)"Killed", .created = 1, .updated = 1};

            close(pipe_fd[0]);
            g_autofree char *question = g_strconcat(id, "-question", NULL);

            if (!m || !lw_mem_put_conversation(m, &c, NULL) ||
                !put_text(m, id, question, 0, LW_MEM_ROLE_USER, LW_MEM_STATE_DONE, question, NULL))
                _exit(3);
            for (;;) {
                g_string_append(text, "word ");
                if (!put_text(m, id, id, 1, LW_MEM_ROLE_ASSISTANT, LW_MEM_STATE_PARTIAL, text->str,
                              NULL) ||
                    write(pipe_fd[1], "+", 1) != 1)
                    _exit(4);
            }
        }
        close(pipe_fd[1]);
        while (seen < 1 + round * 7 % 40) {
            char c;
            g_assert_cmpint(read(pipe_fd[0], &c, 1), ==, 1);
            seen++;
        }
        kill(pid, SIGKILL);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFSIGNALED(status));
        close(pipe_fd[0]);

        g_autofree char *wal = in_folder(f, "longwave.db-wal");
        g_assert_true(g_file_test(wal, G_FILE_TEST_EXISTS));
        lw_mem *m = open_store(f);
        g_autoptr(GPtrArray) messages = messages_of(m, id);
        g_assert_cmpuint(messages->len, ==, 2);
        lw_mem_message *msg = messages->pdata[1];
        g_assert_cmpint(msg->state, ==, LW_MEM_STATE_PARTIAL);
        g_assert_cmpuint(strlen(msg->text), >=, (gsize)seen * 5);
        lw_mem_close(m);
        g_assert_false(g_file_test(wal, G_FILE_TEST_EXISTS));
    }

    lw_mem *m = open_store(f);
    for (int round = 0; round < KILLS; round++) {
        g_autofree char *id = g_strdup_printf("k%d", round), *question = g_strconcat(id, "-question", NULL);
        g_autoptr(GPtrArray) messages = messages_of(m, id);

        g_assert_cmpuint(messages->len, ==, 2);
        g_assert_cmpstr(((lw_mem_message *)messages->pdata[0])->text, ==, question);
    }
    lw_mem_close(m);
}

static void test_full_disk(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *big = g_strnfill(64 * 1024, 'x');
    struct rlimit old, small;
    int saved = 0;
    lw_mem *m = open_store(f);

    put_conversation(m, "c1", "Full", 1);
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
    signal(SIGXFSZ, SIG_IGN);
    small = old;
    small.rlim_cur = 512 * 1024;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);

    for (; saved < 100; saved++) {
        g_autofree char *id = g_strdup_printf("m%d", saved);
        if (!put_text(m, "c1", id, saved, LW_MEM_ROLE_USER, LW_MEM_STATE_DONE, big, &error))
            break;
    }
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_FULL);
    g_assert_nonnull(strstr(error->message, "longwave.db"));
    g_clear_error(&error);

    g_autofree char *picture = g_strnfill(600 * 1024, 'p');
    g_assert_null(lw_mem_keep_bytes(m, picture, 600 * 1024, "png", "Pasted picture", &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_FULL);
    g_clear_error(&error);
    /* No half file is left. */
    g_autofree char *folder = in_folder(f, "attachments");
    GDir *dir = g_dir_open(folder, 0, NULL);
    g_assert_nonnull(dir);
    g_assert_null(g_dir_read_name(dir));
    g_dir_close(dir);

    /* What was saved is readable, and saving goes on once there is room. */
    g_autoptr(GPtrArray) during = messages_of(m, "c1");
    g_assert_cmpuint(during->len, ==, saved);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
    signal(SIGXFSZ, SIG_DFL);
    g_assert_true(put_text(m, "c1", "again", saved, LW_MEM_ROLE_USER, LW_MEM_STATE_DONE, big, &error));
    g_assert_no_error(error);
    lw_mem_close(m);

    m = open_store(f);
    g_autoptr(GPtrArray) after = messages_of(m, "c1");
    g_assert_cmpuint(after->len, ==, saved + 1);
    lw_mem_close(m);
}

static void test_damaged(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_folder(f, "longwave.db");
    g_autofree char *noise = g_strnfill(8192, 'Z');
    g_autofree char *kept = NULL, *bytes = NULL;
    lw_mem *m;

    g_assert_true(g_file_set_contents(path, noise, 8192, NULL));
    g_assert_null(lw_mem_open(f->folder, &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_CORRUPT);
    g_assert_nonnull(strstr(error->message, path));
    g_clear_error(&error);

    kept = lw_mem_set_aside(f->folder, &error);
    g_assert_no_error(error);
    m = open_store(f);
    put_conversation(m, "c1", "New start", 1);
    lw_mem_close(m);
    g_assert_true(g_file_get_contents(kept, &bytes, NULL, NULL));
    g_assert_cmpstr(bytes, ==, noise);

    /* All that is kept goes when everything is to go. */
    m = open_store(f);
    g_assert_true(lw_mem_delete_all(m, &error));
    lw_mem_close(m);
    g_assert_false(g_file_test(kept, G_FILE_TEST_EXISTS));
}

/* Pages overwritten inside a real database, found by the check after an unclean end. */
static void test_damaged_inside(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_folder(f, "longwave.db"), *wal = in_folder(f, "longwave.db-wal");
    g_autofree char *big = g_strnfill(200 * 1024, 'x');
    char *bytes = NULL;
    gsize n;
    lw_mem *m = open_store(f);

    put_conversation(m, "c1", "Damaged", 1);
    for (int i = 0; i < 20; i++) {
        g_autofree char *id = g_strdup_printf("m%d", i);
        g_assert_true(put_text(m, "c1", id, i, LW_MEM_ROLE_USER, LW_MEM_STATE_DONE, "text", &error));
    }
    g_assert_true(put_text(m, "c1", "big", 20, LW_MEM_ROLE_USER, LW_MEM_STATE_DONE, big, &error));
    lw_mem_close(m);

    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    g_assert_cmpuint(n, >, 16384);
    memset(bytes + 4096, 0xA5, 8192);
    g_assert_true(g_file_set_contents(path, bytes, (gssize)n, NULL));
    g_free(bytes);
    g_assert_true(g_file_set_contents(wal, "left behind", -1, NULL));
    g_assert_null(lw_mem_open(f->folder, &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_CORRUPT);
}

/* ---- What can be read of a damaged file ---- */

#define PAGE 4096
#define CHATS 24
#define TURNS 6

/* A text that tells where it belongs, some of them longer than a page. */
static char *text_of(int chat, int turn)
{
    g_autofree char *filler = g_strnfill(chat % 20 == 7 && turn == 3 ? 3 * PAGE : 300, 'x');

    return g_strdup_printf("%d-%d %s", chat, turn, filler);
}

static void fill_chats(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *picture = in_folder(f, "square.png");
    lw_mem *m = open_store(f);
    lw_mem_attachment *a;

    g_assert_true(g_file_set_contents(picture, "not really a picture", -1, NULL));
    a = lw_mem_keep_file(m, picture, LW_MEM_PICTURE, &error);
    g_assert_no_error(error);
    for (int chat = 0; chat < CHATS; chat++) {
        g_autofree char *id = g_strdup_printf("c%d", chat), *title = g_strdup_printf("Chat %d", chat);

        put_conversation(m, id, title, 1000 + chat);
        for (int turn = 0; turn < TURNS; turn++) {
            g_autofree char *name = g_strdup_printf("%s-%d", id, turn), *text = text_of(chat, turn);
            g_autoptr(GPtrArray) attachments = g_ptr_array_new();
            lw_mem_message msg = {.id = name,
                                  .conversation = id,
                                  .position = turn,
                                  .role = turn % 2 ? LW_MEM_ROLE_ASSISTANT : LW_MEM_ROLE_USER,
                                  .text = text,
                                  .created = 100 + turn,
                                  .attachments = attachments};

            if (turn == 0)
                g_ptr_array_add(attachments, a);
            g_assert_true(lw_mem_put_message(m, &msg, &error));
        }
    }
    lw_mem_attachment_free(a);
    g_assert_true(lw_mem_bin_conversation(m, "c5", TRUE, &error));
    lw_mem_options *o = lw_mem_options_new(LW_MEM_OPTIONS_CHAT, "c1");
    o->system = g_strdup("Be kind.");
    g_assert_true(lw_mem_put_options(m, o, &error));
    lw_mem_options_free(o);
    lw_mem_close(m);
}

/* How many messages are there and can be reached; each is what it was. */
static int count_rescued(lw_mem *m)
{
    g_autoptr(GPtrArray) chats = lw_mem_list_conversations(m, NULL);
    int n = 0;

    g_assert_nonnull(chats);
    for (guint i = 0; i < chats->len; i++) {
        const lw_mem_conversation *c = chats->pdata[i];
        g_autoptr(GPtrArray) shown = messages_of(m, c->id), tree = lw_mem_list_tree(m, c->id, NULL);

        g_assert_cmpuint(shown->len, ==, tree->len);
        for (guint k = 0; k < shown->len; k++) {
            const lw_mem_message *g = shown->pdata[k];
            int chat, turn;

            g_assert_cmpint(sscanf(g->id, "c%d-%d", &chat, &turn), ==, 2);
            g_autofree char *text = text_of(chat, turn);
            /* There are no sums over the bytes of a long text. */
            if (strlen(text) < PAGE)
                g_assert_cmpstr(g->text, ==, text);
            g_assert_cmpint(g->role, ==, turn % 2 ? LW_MEM_ROLE_ASSISTANT : LW_MEM_ROLE_USER);
            n++;
        }
    }
    return n;
}

static void test_rescue(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_folder(f, "longwave.db"), *whole = NULL;
    gsize n_bytes;
    int n_lost_all = 0;

    fill_chats(f);
    g_assert_true(g_file_get_contents(path, &whole, &n_bytes, NULL));
    g_assert_cmpuint(n_bytes, >, 30 * PAGE);
    /* Page 0: nothing is damaged. */
    for (gsize page = 0; page < n_bytes / PAGE; page++) {
        g_autofree char *kept = NULL, *damaged = g_memdup2(whole, n_bytes), *after = NULL;
        gsize n_after;
        lw_mem *m;
        int n;

        if (page)
            memset(damaged + page * PAGE, 0xA5, PAGE);
        g_assert_true(g_file_set_contents(path, damaged, (gssize)n_bytes, NULL));
        kept = lw_mem_set_aside(f->folder, &error);
        g_assert_no_error(error);
        m = open_store(f);
        n = lw_mem_rescue(m, kept, &error);
        if (n < 0) {
            g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_CORRUPT);
            g_clear_error(&error);
        }
        if (!page) {
            g_autoptr(GPtrArray) options = lw_mem_list_options(m, NULL), first = messages_of(m, "c0");
            const lw_mem_message *g = first->pdata[0];
            lw_mem_conversation *c = lw_mem_find_conversation(m, "c23", &error);

            g_assert_cmpint(n, ==, CHATS - 1);
            g_assert_cmpint(count_rescued(m), ==, (CHATS - 1) * TURNS);
            g_assert_cmpstr(c->title, ==, "Chat 23");
            g_assert_cmpint(c->updated, ==, 1023);
            lw_mem_conversation_free(c);
            g_assert_cmpstr(((lw_mem_options *)options->pdata[0])->system, ==, "Be kind.");
            g_assert_cmpuint(g->attachments->len, ==, 1);
            g_assert_true(g_file_test(((lw_mem_attachment *)g->attachments->pdata[0])->path, G_FILE_TEST_EXISTS));
            g_assert_null(lw_mem_find_conversation(m, "c5", NULL));
        } else if (n <= 0) {
            n_lost_all++;
        } else {
            /* What one page holds: a leaf's rows, or a text's. */
            n = (CHATS - 1) * TURNS - count_rescued(m);
            if (n > PAGE / 300)
                n_lost_all++;
        }
        lw_mem_close(m);
        g_assert_true(g_file_get_contents(kept, &after, &n_after, NULL));
        g_assert_cmpmem(after, n_after, damaged, n_bytes);
        g_unlink(kept);
        g_unlink(path);
    }
    /* The pages that lead to all others: the table of tables, the messages. */
    g_test_message("%d of %" G_GSIZE_FORMAT " pages hide more than themselves", n_lost_all, n_bytes / PAGE);
    g_assert_cmpint(n_lost_all, <=, 3);
}

/* The last that was written is in the log, as after a crash. */
static void test_rescue_log(Fixture *f, gconstpointer data)
{
    static const char *const tails[] = {"", "-wal"};
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_folder(f, "longwave.db"), *kept = NULL;
    char *bytes[2];
    gsize n[2];
    lw_mem *m = open_store(f);

    put_conversation(m, "c1", "In the log", 1);
    g_assert_true(put_text(m, "c1", "m1", 0, LW_MEM_ROLE_USER, LW_MEM_STATE_DONE, "Is it there?", &error));
    for (int i = 0; i < 2; i++) {
        g_autofree char *name = g_strconcat(path, tails[i], NULL);
        g_assert_true(g_file_get_contents(name, &bytes[i], &n[i], NULL));
        g_assert_cmpuint(n[i], >, 0);
    }
    lw_mem_close(m);
    for (int i = 0; i < 2; i++) {
        g_autofree char *name = g_strconcat(path, tails[i], NULL);
        g_assert_true(g_file_set_contents(name, bytes[i], (gssize)n[i], NULL));
    }
    kept = lw_mem_set_aside(f->folder, &error);
    g_assert_no_error(error);
    m = open_store(f);
    g_assert_cmpint(lw_mem_rescue(m, kept, &error), ==, 1);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) messages = messages_of(m, "c1");
    g_assert_cmpuint(messages->len, ==, 1);
    lw_mem_close(m);
    for (int i = 0; i < 2; i++) {
        g_autofree char *name = g_strconcat(kept, tails[i], NULL), *after = NULL;
        gsize n_after;

        g_assert_true(g_file_get_contents(name, &after, &n_after, NULL));
        g_assert_cmpmem(after, n_after, bytes[i], n[i]);
        g_free(bytes[i]);
    }
}

static void test_private(Fixture *f, gconstpointer data)
{
    g_autofree char *folder = g_build_filename(f->folder, "deep", "longwave", NULL);
    g_autofree char *path = g_build_filename(folder, "longwave.db", NULL);
    lw_mem *m = lw_mem_open(folder, NULL);
    struct stat st;

    g_assert_nonnull(m);
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);
    g_assert_cmpint(stat(folder, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0700);
    lw_mem_close(m);
}

/* ---- A folder that cannot be written ---- */

/* Permissions do not bind root: there the folder is mounted read-only, for this program only.  FALSE: neither
 * can be done here. */
static gboolean set_read_only(Fixture *f, gboolean on)
{
    static gboolean own_mounts;

    if (geteuid() != 0)
        return chmod(f->folder, on ? 0500 : 0700) == 0;
    if (!own_mounts && (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
        return FALSE;
    own_mounts = TRUE;
    if (!on)
        return umount2(f->folder, MNT_DETACH) == 0; /* SQLite may keep a closed file for its locks */
    return mount(f->folder, f->folder, NULL, MS_BIND, NULL) == 0 &&
           mount(NULL, f->folder, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0;
}

static void test_read_only(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    lw_mem *m;

    if (!set_read_only(f, TRUE)) {
        g_test_skip("nothing can be made read-only here");
        return;
    }
    /* Nothing is there, and nothing can be. */
    g_assert_null(lw_mem_open(f->folder, &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_READ_ONLY);
    g_assert_true(strstr(error->message, "longwave.db: cannot be created: ") != NULL);
    g_clear_error(&error);
    g_assert_true(set_read_only(f, FALSE));

    m = open_store(f);
    g_assert_false(lw_mem_is_read_only(m));
    put_conversation(m, "c1", "Kept", 5);
    lw_mem_close(m);

    /* What is there can be read, and says why it cannot be written. */
    g_assert_true(set_read_only(f, TRUE));
    m = open_store(f);
    g_assert_true(lw_mem_is_read_only(m));
    g_autoptr(GPtrArray) list = lw_mem_list_conversations(m, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpstr(((lw_mem_conversation *)list->pdata[0])->title, ==, "Kept");
    lw_mem_conversation c = {.id = (char *)"c2", .title = (char *)"Not kept", .created = 1, .updated = 6};
    g_assert_false(lw_mem_put_conversation(m, &c, &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_READ_ONLY);
    g_clear_error(&error);
    lw_mem_close(m);

    g_assert_true(set_read_only(f, FALSE));
    m = open_store(f);
    g_assert_false(lw_mem_is_read_only(m));
    g_assert_true(lw_mem_put_conversation(m, &c, &error));
    g_assert_no_error(error);
    lw_mem_close(m);
}

/* Another program has it open: its log is read, too. */
static void test_read_only_log(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    lw_mem *writer = open_store(f), *m;

    put_conversation(writer, "c1", "In the log", 5);
    if (!set_read_only(f, TRUE)) {
        g_test_skip("nothing can be made read-only here");
        lw_mem_close(writer);
        return;
    }
    m = lw_mem_open(f->folder, &error);
    g_assert_no_error(error);
    g_assert_true(lw_mem_is_read_only(m));
    g_autoptr(GPtrArray) list = lw_mem_list_conversations(m, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(list->len, ==, 1);
    lw_mem_close(m);
    g_assert_true(set_read_only(f, FALSE));
    lw_mem_close(writer);
}

/* An older schema would have to be written. */
static void test_read_only_old(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    lw_mem *m = open_store(f);

    g_assert_true(lw_mem_exec(m, "PRAGMA user_version = 1", &error));
    lw_mem_close(m);
    if (!set_read_only(f, TRUE)) {
        g_test_skip("nothing can be made read-only here");
        return;
    }
    g_assert_null(lw_mem_open(f->folder, &error));
    g_assert_error(error, LW_MEM_ERROR, LW_MEM_ERROR_READ_ONLY);
    g_assert_true(strstr(error->message, "version 1 ") != NULL);
    g_assert_true(set_read_only(f, FALSE));
}

static void test_options(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    lw_mem *m = open_store(f);
    lw_mem_conversation c = {.id = (char *)"c1", .title = (char *)"A", .created = 1, .updated = 2};
    lw_mem_options *o = lw_mem_options_new(LW_MEM_OPTIONS_CHAT, "c1");

    g_assert_true(lw_mem_put_conversation(m, &c, &error));
    g_assert_true(o->own);
    o->system = g_strdup("Answer in rhymes.");
    o->own = FALSE;
    o->temperature = 0.25;
    o->top_k = 7;
    o->max_tokens = 99;
    o->seed = G_MAXINT64;
    g_assert_true(lw_mem_put_options(m, o, &error));
    g_assert_no_error(error);
    g_free(o->system);
    o->system = NULL;
    o->kind = LW_MEM_OPTIONS_PRESET;
    g_free(o->name);
    o->name = g_strdup("Beta");
    g_assert_true(lw_mem_put_options(m, o, &error));
    g_free(o->owner);
    o->owner = g_strdup("p2");
    g_free(o->name);
    o->name = g_strdup("Alpha");
    g_assert_true(lw_mem_put_options(m, o, &error));
    g_free(o->name); /* replaced, not added */
    o->name = g_strdup("alpha two");
    g_assert_true(lw_mem_put_options(m, o, &error));
    lw_mem_close(m);

    m = open_store(f);
    GPtrArray *list = lw_mem_list_options(m, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(list->len, ==, 3);
    const lw_mem_options *chat = list->pdata[0], *first = list->pdata[1], *second = list->pdata[2];
    g_assert_cmpint(chat->kind, ==, LW_MEM_OPTIONS_CHAT);
    g_assert_cmpstr(chat->system, ==, "Answer in rhymes.");
    g_assert_false(chat->own);
    g_assert_cmpfloat(chat->temperature, ==, 0.25);
    g_assert_cmpint(chat->top_k, ==, 7);
    g_assert_cmpint(chat->max_tokens, ==, 99);
    g_assert_cmpint(chat->seed, ==, G_MAXINT64);
    g_assert_cmpstr(first->name, ==, "alpha two");
    g_assert_null(first->system);
    g_assert_cmpstr(second->name, ==, "Beta");
    g_ptr_array_unref(list);

    /* A chat's go with the chat, a preset when it is told to. */
    g_assert_true(lw_mem_bin_conversation(m, "c1", TRUE, &error));
    g_assert_true(lw_mem_purge(m, "c1", &error));
    g_assert_true(lw_mem_delete_options(m, LW_MEM_OPTIONS_PRESET, "p2", &error));
    list = lw_mem_list_options(m, &error);
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpstr(((lw_mem_options *)list->pdata[0])->name, ==, "Beta");
    g_ptr_array_unref(list);

    /* More than anybody writes is refused, with the numbers. */
    g_free(o->system);
    o->system = g_strnfill(LW_MEM_MAX_SYSTEM + 1, 'x');
    g_assert_false(lw_mem_put_options(m, o, &error));
    g_assert_nonnull(strstr(error->message, "262145"));
    lw_mem_options_free(o);
    lw_mem_close(m);
}

/* The paths below a folder that begin like a store's. */
static guint count_private_folders(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;
    guint n = 0;

    while ((name = g_dir_read_name(dir)))
        n += g_str_has_prefix(name, "longwave-");
    g_dir_close(dir);
    return n;
}

/* All of it works as in a file, and nothing is left. */
static void test_temporary(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct stat info;

    g_setenv("XDG_RUNTIME_DIR", f->folder, TRUE);
    lw_mem *m = lw_mem_open_temporary(&error), *other = lw_mem_open_temporary(&error);
    g_assert_no_error(error);
    g_assert_cmpuint(count_private_folders(f->folder), ==, 2);

    put_conversation(m, "t1", "Secret", 10);
    g_assert_true(put_text(m, "t1", "m1", 0, LW_MEM_ROLE_USER, LW_MEM_STATE_DONE, "Whispered", &error));
    lw_mem_attachment *a = lw_mem_keep_bytes(m, "picture", 7, "png", "Pasted picture", &error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_prefix(a->path, f->folder));
    g_assert_cmpint(stat(m->folder, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0700);
    g_autoptr(GPtrArray) messages = messages_of(m, "t1"), hits = lw_mem_search(m, "whispered", 10, &error);
    g_assert_cmpuint(messages->len, ==, 1);
    g_assert_cmpuint(hits->len, ==, 1);
    g_autoptr(GPtrArray) elsewhere = lw_mem_list_conversations(other, &error);
    g_assert_cmpuint(elsewhere->len, ==, 0);
    g_assert_true(lw_mem_bin_conversation(m, "t1", TRUE, &error));
    g_assert_true(lw_mem_purge(m, NULL, &error));
    lw_mem_attachment_free(a);
    lw_mem_close(other);
    lw_mem_close(m);
    g_assert_cmpuint(count_private_folders(f->folder), ==, 0);

    /* As after `su`: the folder of somebody else, or none. */
    g_autofree char *nowhere = in_folder(f, "nowhere");
    g_setenv("XDG_RUNTIME_DIR", nowhere, TRUE);
    m = lw_mem_open_temporary(&error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_prefix(m->folder, g_get_tmp_dir()));
    g_autofree char *folder = g_strdup(m->folder);
    lw_mem_close(m);
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
    g_unsetenv("XDG_RUNTIME_DIR");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/store/" name, Fixture, NULL, set_up, func, tear_down)
    ADD("options", test_options);
    ADD("reopen", test_reopen);
    ADD("find-and-delete", test_find_and_delete);
    ADD("migration", test_migration);
    ADD("branches", test_branches);
    ADD("killed", test_killed);
    ADD("full-disk", test_full_disk);
    ADD("damaged", test_damaged);
    ADD("damaged-inside", test_damaged_inside);
    ADD("rescue", test_rescue);
    ADD("rescue-log", test_rescue_log);
    ADD("read-only", test_read_only);
    ADD("read-only-log", test_read_only_log);
    ADD("read-only-old", test_read_only_old);
    ADD("private", test_private);
    ADD("temporary", test_temporary);
    return g_test_run();
}
