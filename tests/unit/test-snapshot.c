/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Snapshots: the same tokens with and without a restart, what a turn writes, and everything that
 * can be wrong with a file, a folder or a disk.
 */
#define G_LOG_DOMAIN "longwave"

#include "engine/base/alloc.h"
#include "engine/base/checksum.h"
#include "engine/lw-engine.h"
#include "engine/session/identity.h"
#include "engine/session/snapshot-folder.h"
#include "engine/session/snapshot-table.h"
#include "tests/unit/remove-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIXTURES "../golden/fixtures"

static const char *self; /* this program */

/* ---- Sessions on the tiny model ---- */

static lw_model *open_named(const char *text, const char *vision)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, FIXTURES, text, NULL);
    g_autofree char *mmproj = g_test_build_filename(G_TEST_DIST, FIXTURES, vision, NULL);
    g_autoptr(GError) error = NULL;
    lw_model *m = lw_model_open(path, &(lw_model_params){.mmproj = mmproj}, &error);

    g_assert_no_error(error);
    return m;
}

static lw_model *open_model(void)
{
    return open_named("a-text-f16.gguf", "a-mmproj-f16.gguf");
}

static lw_session *open_with(lw_model *m, const char *folder, guint64 budget, lw_kv_type type)
{
    g_autoptr(GError) error = NULL;
    lw_session *s = lw_session_new(m,
                                   &(lw_session_params){.n_ctx = 2048,
                                                        .n_threads = 2,
                                                        .kv_type = type,
                                                        .snapshots = folder,
                                                        .snapshot_bytes = budget},
                                   &error);

    g_assert_no_error(error);
    return s;
}

static lw_session *open_session(lw_model *m, const char *folder)
{
    return open_with(m, folder, 0, LW_KV_F32);
}

static lw_prompt *some_tokens(lw_model *m, gsize n, guint32 seed)
{
    g_autofree gint32 *ids = g_new(gint32, n);
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        ids[i] = (gint32)(seed >> 16) % 250;
    }
    lw_prompt *p = lw_prompt_new_tokens(m, ids, n, &error);
    g_assert_no_error(error);
    return p;
}

/* The ids of a prompt and more behind them. */
static lw_prompt *go_on(lw_model *m, const lw_prompt *p, const gint32 *more, gsize n_more)
{
    gsize n = lw_prompt_n_tokens(p);
    g_autofree gint32 *ids = g_new(gint32, n + n_more);
    g_autoptr(GError) error = NULL;

    memcpy(ids, lw_prompt_ids(p), n * sizeof *ids);
    memcpy(ids + n, more, n_more * sizeof *ids);
    lw_prompt *q = lw_prompt_new_tokens(m, ids, n + n_more, &error);
    g_assert_no_error(error);
    return q;
}

static gint32 likeliest(const lw_session *s)
{
    const float *logits = lw_session_get_logits(s);
    gint32 best = 0, n = (gint32)lw_model_get_info(lw_session_get_model(s))->n_vocab;

    for (gint32 i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

/* One turn without a sampler: n greedy tokens after the prompt. */
static void turn(lw_session *s, const lw_prompt *p, gint32 *out, gsize n)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(lw_session_sync(s, p, NULL, NULL, NULL, &error));
    for (gsize i = 0; i < n; i++) {
        out[i] = likeliest(s);
        g_assert_true(lw_session_decode(s, out[i], NULL, NULL, &error));
    }
    g_assert_no_error(error);
}

static void save(lw_session *s)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(lw_session_save(s, &error));
    g_assert_no_error(error);
}

static float *sync_logits(lw_session *s, const lw_prompt *p)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(lw_session_sync(s, p, NULL, NULL, NULL, &error));
    g_assert_no_error(error);
    return g_memdup2(lw_session_get_logits(s),
                     lw_model_get_info(lw_session_get_model(s))->n_vocab * sizeof(float));
}

static void assert_close(lw_model *m, const float *a, const float *b)
{
    for (gsize i = 0; i < lw_model_get_info(m)->n_vocab; i++)
        g_assert_cmpfloat(fabsf(a[i] - b[i]), <=, 1e-4f);
}

/* ---- Folders ---- */

static char *new_folder(void)
{
    g_autoptr(GError) error = NULL;
    char *folder = g_dir_make_tmp("lw-snapshot-XXXXXX", &error);

    g_assert_no_error(error);
    return folder;
}

/* Paths of the files below a folder with this suffix; "" for all. */
static GPtrArray *files(const char *root, const char *suffix)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(root, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(root, name, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR)) {
            g_autoptr(GPtrArray) below = files(child, suffix);
            for (guint i = 0; i < below->len; i++)
                g_ptr_array_add(out, g_strdup(below->pdata[i]));
        } else if (g_str_has_suffix(name, suffix)) {
            g_ptr_array_add(out, g_strdup(child));
        }
    }
    if (dir)
        g_dir_close(dir);
    return out;
}

static char *only_file(const char *root, const char *suffix)
{
    g_autoptr(GPtrArray) all = files(root, suffix);

    g_assert_cmpuint(all->len, ==, 1);
    return g_strdup(all->pdata[0]);
}

static gint64 size_of(const char *path)
{
    GStatBuf st;

    g_assert_cmpint(g_stat(path, &st), ==, 0);
    return st.st_size;
}

static void poke(const char *path, goffset at, const void *bytes, gsize n)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint(pwrite(fd, bytes, n, at), ==, (gssize)n);
    close(fd);
}

static guint n_logged;
static char *last_logged;

static void on_log(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
    n_logged++;
    g_free(last_logged);
    last_logged = g_strdup(message);
}

/* ---- Restart ---- */

/* Two turns; with a restart between them everything is the same, bit for bit, and only what is new
 * is computed. */
static void test_restart(void)
{
    static const lw_kv_type types[] = {LW_KV_F32, LW_KV_F16, LW_KV_Q8_0};
    lw_model *m = open_model();
    gsize n_vocab = lw_model_get_info(m)->n_vocab;

    for (guint k = 0; k < G_N_ELEMENTS(types); k++)
        for (gsize first = 60; first <= 700; first += 128) { /* 60 + 4: a page border */
            g_autofree char *folder = new_folder();
            lw_session *whole = open_with(m, NULL, 0, types[k]),
                       *s = open_with(m, folder, 0, types[k]);
            gint32 said[40], want[20], got[20];
            lw_prompt *p = some_tokens(m, first, 1);
            gsize n_said = first == 60 ? 4 : 40;

            turn(whole, p, said, n_said);
            turn(s, p, said, n_said);
            save(s);
            lw_session_free(s);
            gint32 question[50];
            memcpy(question, said, n_said * sizeof *said);
            for (gsize i = n_said; i < 50; i++)
                question[i] = (gint32)i;
            lw_prompt *q = go_on(m, p, question, 50);
            turn(whole, q, want, 20);
            s = open_with(m, folder, 0, types[k]);
            turn(s, q, got, 20);
            g_assert_cmpuint(lw_session_get_n_restored(s), ==, first + n_said);
            g_assert_cmpuint(lw_session_get_n_reused(s), ==, first + n_said);
            g_assert_cmpmem(got, sizeof got, want, sizeof want);
            g_assert_cmpmem(lw_session_get_logits(s), n_vocab * sizeof(float),
                            lw_session_get_logits(whole), n_vocab * sizeof(float));
            /* The next sync restores nothing: it is all there. */
            g_free(sync_logits(s, q));
            g_assert_cmpuint(lw_session_get_n_restored(s), ==, 0);
            lw_prompt_free(p);
            lw_prompt_free(q);
            lw_session_free(whole);
            lw_session_free(s);
            remove_tree(folder);
        }
    lw_model_unref(m);
}

/* The prompt leaves the saved conversation in the middle of a page: the page is copied before it is
 * written to. */
static void test_diverges(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    lw_session *whole = open_session(m, NULL), *s = open_session(m, folder);
    lw_prompt *p = some_tokens(m, 500, 1), *start = some_tokens(m, 300, 1);
    gint32 other[100], want[10], got[10];

    for (gint32 i = 0; i < 100; i++)
        other[i] = 249 - i;
    lw_prompt *q = go_on(m, start, other, 100);
    g_free(sync_logits(whole, p));
    turn(whole, q, want, 10);
    g_free(sync_logits(s, p));
    save(s);
    lw_session_free(s);
    g_autofree char *pages = only_file(folder, ".pages"), *before = NULL, *after = NULL;
    gsize n_before, n_after;
    g_assert_true(g_file_get_contents(pages, &before, &n_before, NULL));
    s = open_session(m, folder);
    turn(s, q, got, 10);
    g_assert_cmpuint(lw_session_get_n_restored(s), ==, lw_session_get_n_reused(whole));
    g_assert_cmpuint(lw_session_get_n_restored(s) % 64, !=, 0);
    g_assert_cmpmem(got, sizeof got, want, sizeof want);
    g_assert_true(g_file_get_contents(pages, &after, &n_after, NULL));
    g_assert_cmpmem(before, n_before, after, n_after);
    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_prompt_free(start);
    lw_session_free(s);
    lw_session_free(whole);
    lw_model_unref(m);
    remove_tree(folder);
}

static void append_text(void *user, const char *text, gsize n)
{
    g_string_append_len(user, text, (gssize)n);
}

/* Through lw_session_generate(), which saves by itself, over several restarts. */
static void test_generate_saves(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    lw_session *whole = open_session(m, NULL);
    lw_generate_params gp = {.sampling = lw_sampler_params_default(), .max_tokens = 30};
    lw_message messages[8] = {{LW_ROLE_SYSTEM,
                               "A long beginning, so that there is something worth keeping: "
                               "one two three four five six seven eight nine ten."}};
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    gsize n = 1;

    gp.sampling.temperature = 0;
    for (int t = 0; t < 3; t++) {
        lw_session *s = open_session(m, folder);
        g_autoptr(GError) error = NULL;
        GString *a = g_string_new(NULL), *b = g_string_new(NULL);
        lw_generate_result ra, rb;

        messages[n++] =
            (lw_message){LW_ROLE_USER, t ? "And then?" : "Tell me everything you know."};
        lw_prompt *p = lw_prompt_new_chat(m, messages, n, NULL, &error);
        g_assert_true(lw_session_generate(whole, p, &gp, append_text, NULL, a, NULL, &ra, &error));
        g_assert_true(lw_session_generate(s, p, &gp, append_text, NULL, b, NULL, &rb, &error));
        g_assert_cmpstr(a->str, ==, b->str);
        g_assert_cmpuint(rb.n_reused, ==, ra.n_reused);
        g_assert_cmpuint(rb.n_restored, ==, t ? ra.n_reused : 0);
        messages[n++] = (lw_message){LW_ROLE_ASSISTANT, a->str};
        g_ptr_array_add(texts, g_string_free(a, FALSE));
        g_string_free(b, TRUE);
        lw_prompt_free(p);
        lw_session_free(s);
    }
    lw_session_free(whole);
    lw_model_unref(m);
    remove_tree(folder);
}

/* ---- Media ---- */

typedef struct {
    lw_media base;
    int reads;
    float value;
} test_media;

static gboolean read_grid(lw_media *m, int t, float *patches, GError **error)
{
    test_media *tm = (test_media *)m;

    tm->reads++;
    for (gsize i = 0; i < (gsize)m->grid_h * (gsize)m->grid_w * (gsize)m->patch_dim; i++)
        patches[i] = tm->value + (float)(i % 17) * 0.05f + (float)t * 0.3f;
    return TRUE;
}

static void media_free(lw_media *m)
{
    g_free(m);
}

static test_media *medium(lw_media_kind kind, int t, int rows, int cols, float value)
{
    test_media *tm = g_new0(test_media, 1);
    lw_media *m = &tm->base;

    g_atomic_ref_count_init(&m->refs);
    m->kind = kind;
    m->grid_t = t;
    m->grid_h = rows * 2;
    m->grid_w = cols * 2;
    m->merge_size = 2;
    m->patch_dim = 1176;
    m->seconds_per_grid = 1;
    memset(m->hash, (int)(value * 16), sizeof m->hash);
    m->label = (char *)"test";
    m->read_grid = read_grid;
    m->free = media_free;
    tm->value = value;
    return tm;
}

static lw_prompt *ask(lw_model *m, test_media *a, test_media *b, const char *text)
{
    lw_media *list[2] = {&a->base, &b->base};
    lw_message msg = {LW_ROLE_USER, text, list, 2};
    g_autoptr(GError) error = NULL;
    lw_prompt *p = lw_prompt_new_chat(m, &msg, 1, NULL, &error);

    g_assert_no_error(error);
    return p;
}

/* Pictures and films are found by their content; neither is opened again after a restart. */
static void test_media_restart(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    lw_session *s = open_session(m, folder), *whole = open_session(m, NULL);
    test_media *cat = medium(LW_MEDIA_PICTURE, 1, 6, 8, 1.0f),
               *film = medium(LW_MEDIA_FILM, 5, 4, 5, 2.0f);
    lw_prompt *p = ask(m, cat, film, "What is it?");
    gint32 want[10], got[10];

    turn(whole, p, want, 10);
    turn(s, p, got, 10);
    save(s);
    lw_session_free(s);

    test_media *cat2 = medium(LW_MEDIA_PICTURE, 1, 6, 8, 1.0f),
               *film2 = medium(LW_MEDIA_FILM, 5, 4, 5, 2.0f);
    lw_prompt *q = ask(m, cat2, film2, "What is it? And where is it going to be found tomorrow?");
    s = open_session(m, folder);
    turn(whole, q, want, 10);
    turn(s, q, got, 10);
    g_assert_cmpuint(lw_session_get_n_restored(s), ==, lw_session_get_n_reused(whole));
    g_assert_cmpuint(lw_session_get_n_restored(s), >, 150);
    g_assert_cmpint(cat2->reads + film2->reads, ==, 0);
    g_assert_cmpmem(got, sizeof got, want, sizeof want);
    lw_session_free(s);

    /* Another film behind the same picture: only the picture is taken. */
    test_media *other = medium(LW_MEDIA_FILM, 5, 4, 5, 3.0f);
    lw_prompt *r = ask(m, cat2, other, "What is it?");
    s = open_with(m, folder, 0, LW_KV_F32);
    turn(s, r, got, 10);
    g_assert_cmpint(other->reads, ==, 5);
    g_assert_cmpuint(lw_session_get_n_restored(s), <, 48 + 64);
    lw_session_free(whole);
    whole = open_session(m, NULL);
    turn(whole, r, want, 10);
    g_assert_cmpmem(got, sizeof got, want, sizeof want);

    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_prompt_free(r);
    lw_media_unref(&cat->base);
    lw_media_unref(&film->base);
    lw_media_unref(&cat2->base);
    lw_media_unref(&film2->base);
    lw_media_unref(&other->base);
    lw_session_free(s);
    lw_session_free(whole);
    lw_model_unref(m);
    remove_tree(folder);
}

/* ---- What a turn writes ---- */

#define PAGE_BYTES (2 * 2 * 64 * 64 * 4) /* layers, K and V, one head, tokens, head_dim, f32 */

static void test_incremental(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    lw_session *s = open_session(m, folder);
    lw_prompt *p = some_tokens(m, 1000, 1), *q = some_tokens(m, 1100, 1),
              *r = some_tokens(m, 800, 1);

    g_free(sync_logits(s, p));
    save(s);
    g_autofree char *pages = only_file(folder, ".pages"), *table = only_file(folder, ".table");
    g_assert_cmpint(size_of(pages), ==, 4096 + 15 * PAGE_BYTES);
    g_assert_cmpint(size_of(table), ==, 128 + 1000 * 24 + 15 * 16 + PAGE_BYTES);

    /* The first 15 pages stay as they are on disk: spoil one and see that it was not written again.
     */
    g_autofree char *spoiled = g_malloc0(PAGE_BYTES);
    poke(pages, 4096, spoiled, PAGE_BYTES);
    g_free(sync_logits(s, q));
    save(s);
    g_assert_cmpint(size_of(pages), ==, 4096 + 17 * PAGE_BYTES);
    g_autofree char *bytes = NULL;
    gsize n;
    g_assert_true(g_file_get_contents(pages, &bytes, &n, NULL));
    g_assert_cmpmem(bytes + 4096, PAGE_BYTES, spoiled, PAGE_BYTES);

    /* Nothing new: nothing written. */
    GStatBuf before, after;
    g_stat(table, &before);
    save(s);
    g_stat(table, &after);
    g_assert_cmpuint(before.st_ino, ==, after.st_ino);

    /* Shorter, then longer with other tokens: the dead pages stay until they are the greater part.
     */
    g_free(sync_logits(s, r));
    save(s);
    g_assert_cmpint(size_of(pages), ==, 4096 + 17 * PAGE_BYTES);
    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_prompt_free(r);
    lw_session_free(s);
    lw_model_unref(m);
    remove_tree(folder);
}

/* Answering anew again and again does not let the file grow without end, and restores the last
 * answer. */
static void test_dead_pages(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    lw_session *s = open_session(m, folder);
    lw_prompt *p = some_tokens(m, 640, 1), *q = NULL;

    for (gint32 i = 0; i < 30; i++) {
        gint32 answer[300];
        for (gint32 k = 0; k < 300; k++)
            answer[k] = (i * 7 + k) % 250;
        if (q)
            lw_prompt_free(q);
        q = go_on(m, p, answer, 300);
        g_free(sync_logits(s, q));
        save(s);
        g_autofree char *pages = only_file(folder, ".pages");
        g_assert_cmpint(size_of(pages), <=, 4096 + 40 * PAGE_BYTES);
    }
    g_autofree float *want = sync_logits(s, q);
    lw_session_free(s);
    s = open_session(m, folder);
    g_autofree float *got = sync_logits(s, q);
    g_assert_cmpuint(lw_session_get_n_reused(s), ==, 939);
    assert_close(m, got, want);
    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_session_free(s);
    lw_model_unref(m);
    remove_tree(folder);
}

/* One session, two conversations in turn: each finds its own snapshot again. */
static void test_two_conversations(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    lw_session *s = open_session(m, folder);
    lw_prompt *p = some_tokens(m, 500, 1), *q = some_tokens(m, 400, 2);

    g_autofree float *a = sync_logits(s, p);
    save(s);
    g_autofree float *b = sync_logits(s, q);
    g_assert_cmpuint(lw_session_get_n_restored(s), ==, 0);
    save(s);
    g_autoptr(GPtrArray) two = files(folder, ".table");
    g_assert_cmpuint(two->len, ==, 2);
    g_autofree float *c = sync_logits(s, p);
    g_assert_cmpuint(lw_session_get_n_restored(s), ==, 500);
    g_autofree float *d = sync_logits(s, q);
    g_assert_cmpuint(lw_session_get_n_restored(s), ==, 400);
    assert_close(m, a, c);
    assert_close(m, b, d);
    save(s);
    g_autoptr(GPtrArray) still = files(folder, ".table");
    g_assert_cmpuint(still->len, ==, 2);
    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_session_free(s);
    lw_model_unref(m);
    remove_tree(folder);
}

/* Two who go on with the same conversation: the second gets a file of its own, and neither spoils
 * the other. */
static void test_two_at_once(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    lw_session *a = open_session(m, folder), *b;
    gint32 left[200], right[200];
    lw_prompt *p = some_tokens(m, 500, 1);

    for (gint32 i = 0; i < 200; i++) {
        left[i] = i;
        right[i] = 249 - i;
    }
    lw_prompt *l = go_on(m, p, left, 200), *r = go_on(m, p, right, 200);
    g_free(sync_logits(a, p));
    save(a);
    b = open_session(m, folder);
    g_free(sync_logits(b, p));
    g_assert_cmpuint(lw_session_get_n_restored(b), ==, 500);
    g_autofree float *la = sync_logits(a, l), *rb = sync_logits(b, r);
    save(a);
    save(b);
    g_autoptr(GPtrArray) two = files(folder, ".table");
    g_assert_cmpuint(two->len, ==, 2);
    lw_session_free(a);
    lw_session_free(b);
    a = open_session(m, folder);
    g_autofree float *la2 = sync_logits(a, l);
    g_assert_cmpuint(lw_session_get_n_restored(a), ==, 700);
    g_autofree float *rb2 = sync_logits(a, r);
    g_assert_cmpuint(lw_session_get_n_restored(a), ==, 700);
    assert_close(m, la, la2);
    assert_close(m, rb, rb2);
    lw_prompt_free(p);
    lw_prompt_free(l);
    lw_prompt_free(r);
    lw_session_free(a);
    lw_model_unref(m);
    remove_tree(folder);
}

/* ---- Damage ---- */

static lw_snapshot_owner some_owner(gsize page_bytes)
{
    lw_snapshot_owner o = {.page_bytes = page_bytes};

    for (int i = 0; i < 32; i++)
        o.key[i] = (guint8)(i * 5 + 1);
    return o;
}

/* A table of n text tokens. */
static guint8 *some_table(const lw_snapshot_owner *o, gsize n, lw_timeline *t, gsize *n_bytes)
{
    g_autofree gint32 *ids = g_new(gint32, n);
    g_autofree lw_snapshot_page *pages = g_new(lw_snapshot_page, n / 64 + 1);
    g_autofree guint8 *tail = g_malloc(o->page_bytes);
    lw_snapshot_table head = {.n_slots = n / 64 + 3, .stamp = 77, .nonce = "0123456789abcde"};
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < n; i++)
        ids[i] = (gint32)(i * 31 % 1000);
    lw_timeline_init(t);
    lw_timeline_add_text(t, ids, n);
    for (gsize i = 0; i < n / 64; i++)
        pages[i] = (lw_snapshot_page){i + 2, i * 1000003};
    memset(tail, 0x5a, o->page_bytes);
    guint8 *b = lw_snapshot_table_write(&head, o, t, pages, tail, n_bytes, &error);
    g_assert_no_error(error);
    return b;
}

static gboolean accepted(const guint8 *bytes, gsize n, const lw_snapshot_owner *o)
{
    /* Exactly n bytes, so that a sanitizer sees a read past the end. */
    g_autofree guint8 *copy = g_memdup2(bytes, n ? n : 1);
    g_autoptr(GError) error = NULL;
    lw_snapshot_table t;
    gboolean ok =
        lw_snapshot_table_open(&t, copy, n, o, &error) && lw_snapshot_table_check(&t, &error);

    g_assert_true(ok == (error == NULL));
    return ok;
}

static void test_table(void)
{
    lw_snapshot_owner o = some_owner(512), other = o;
    static const gsize lengths[] = {1, 63, 64, 65, 200};

    for (guint k = 0; k < G_N_ELEMENTS(lengths); k++) {
        lw_timeline want;
        gsize n;
        guint8 *b = some_table(&o, lengths[k], &want, &n);
        lw_snapshot_table t;

        g_assert_true(accepted(b, n, &o));
        g_assert_true(lw_snapshot_table_open(&t, b, n, &o, NULL));
        g_assert_cmpuint(t.stamp, ==, 77);
        g_assert_cmpuint(lw_snapshot_table_common(&t, &want), ==, lengths[k]);
        for (gsize i = 0; i < lengths[k] / 64; i++) {
            g_assert_cmpuint(lw_snapshot_table_page(&t, i).slot, ==, i + 2);
            g_assert_cmpuint(lw_snapshot_table_page(&t, i).checksum, ==, i * 1000003);
        }
        g_assert_true((t.tail != NULL) == (lengths[k] % 64 != 0));
        if (t.tail)
            g_assert_cmpint(t.tail[511], ==, 0x5a);

        /* Every bit of the file matters. */
        for (gsize i = 0; i < n; i++) {
            b[i] ^= (guint8)(1 << i % 8);
            g_assert_false(accepted(b, n, &o));
            b[i] ^= (guint8)(1 << i % 8);
        }
        /* So does every length. */
        for (gsize cut = 0; cut < n; cut++)
            g_assert_false(accepted(b, cut, &o));
        g_autofree guint8 *longer = g_malloc0(n + 1);
        memcpy(longer, b, n);
        g_assert_false(accepted(longer, n + 1, &o));

        other.key[31] ^= 1;
        g_assert_false(accepted(b, n, &other));
        other = o;
        other.page_bytes = 256;
        g_assert_false(accepted(b, n, &other));
        other = o;

        /* Claims under correct checksums. */
        static const guint64 huge[] = {
            0, 1 << 20, (guint64)1 << 28, (guint64)1 << 32, (guint64)1 << 61, G_MAXUINT64};
        for (int at = 72; at <= 88; at += 8)
            for (guint h = 0; h < G_N_ELEMENTS(huge); h++) {
                g_autofree guint8 *claim = g_memdup2(b, n);
                if (at == 80 && h == 0) /* no media is what it has */
                    continue;
                memcpy(claim + at, &huge[h], 8);
                lw_snapshot_table_seal(claim, n);
                if (at == 88 && huge[h] > lengths[k] / 64 && huge[h] <= LW_SNAPSHOT_MAX_SLOTS)
                    g_assert_true(accepted(claim, n, &o)); /* only the page file can tell */
                else if (at == 88 && lengths[k] < 64 && huge[h] <= LW_SNAPSHOT_MAX_SLOTS)
                    g_assert_true(accepted(claim, n, &o));
                else
                    g_assert_false(accepted(claim, n, &o));
            }
        if (lengths[k] >= 64) { /* a slot that is not in use */
            guint64 slot = lengths[k] / 64 + 3;
            memcpy(b + 128 + lengths[k] * 24, &slot, 8);
            lw_snapshot_table_seal(b, n);
            g_assert_false(accepted(b, n, &o));
        }
        lw_free(b);
        lw_timeline_clear(&want);
    }
}

/* Where tokens, positions or media differ, the common part ends. */
static void test_table_common(void)
{
    lw_snapshot_owner o = some_owner(512);
    test_media *cat = medium(LW_MEDIA_PICTURE, 1, 2, 3, 1.0f),
               *dog = medium(LW_MEDIA_PICTURE, 1, 2, 3, 2.0f);
    static const gint32 text[] = {1, 2, 3, 4};
    lw_timeline a, b, c;
    lw_snapshot_table t, head = {.n_slots = 0};
    g_autofree guint8 *tail = g_malloc0(512);
    g_autoptr(GError) error = NULL;
    gsize n;

    lw_timeline_init(&a);
    lw_timeline_add_text(&a, text, 4);
    lw_timeline_add_media(&a, &cat->base, 100, 2);
    lw_timeline_add_text(&a, text, 4);
    guint8 *bytes = lw_snapshot_table_write(&head, &o, &a, NULL, tail, &n, &error);
    g_assert_no_error(error);
    g_assert_true(lw_snapshot_table_open(&t, bytes, n, &o, &error));
    g_assert_cmpuint(lw_snapshot_table_common(&t, &a), ==, 14);

    lw_timeline_init(&b);
    lw_timeline_add_text(&b, text, 4);
    lw_timeline_add_media(&b, &dog->base, 100, 2);
    lw_timeline_add_text(&b, text, 4);
    g_assert_cmpuint(lw_snapshot_table_common(&t, &b), ==, 4);

    /* The same ids at other positions. */
    lw_timeline_init(&c);
    lw_timeline_append(&c, &a, 0, 14);
    g_array_index(c.pos, gint32, 3 * 12 + 1)++;
    g_assert_cmpuint(lw_snapshot_table_common(&t, &c), ==, 12);

    /* A medium that the table does not have. */
    guint32 medium = 7;
    memcpy(bytes + 128 + 32 + 6 * 24 + 16, &medium, 4);
    g_assert_cmpuint(lw_snapshot_table_common(&t, &a), ==, 6);
    lw_free(bytes);
    lw_timeline_clear(&a);
    lw_timeline_clear(&b);
    lw_timeline_clear(&c);
    lw_media_unref(&cat->base);
    lw_media_unref(&dog->base);
}

static void test_checksum(void)
{
    guint8 b[300] = {0};
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

    /* Lengths and seeds tell apart what looks the same; the values are part of the format. */
    for (gsize n = 0; n <= sizeof b; n++)
        for (guint64 seed = 0; seed < 3; seed++) {
            guint64 h = lw_checksum64(b, n, seed);
            g_assert_true(g_hash_table_add(seen, g_memdup2(&h, 8)));
        }
    for (gsize i = 0; i < sizeof b; i++)
        b[i] = (guint8)i;
    g_assert_cmphex(lw_checksum64(b, 0, 0), ==, G_GUINT64_CONSTANT(0xd84adc89efb35abf));
    g_assert_cmphex(lw_checksum64(b, 300, 5), ==, G_GUINT64_CONSTANT(0x9036eacbfff49ad1));
    for (gsize i = 0; i < 300 * 8; i++) {
        b[i / 8] ^= (guint8)(1 << i % 8);
        g_assert_cmphex(lw_checksum64(b, 300, 5), !=, G_GUINT64_CONSTANT(0x9036eacbfff49ad1));
        b[i / 8] ^= (guint8)(1 << i % 8);
    }
}

typedef struct {
    lw_model *model;
    char *folder, *table, *pages;
    lw_prompt *saved, *next;
    float *want; /* after next, computed without a snapshot */
} damaged;

/* A snapshot of 500 tokens, and a prompt that goes on from it. */
static void damaged_init(damaged *d)
{
    d->model = open_model();
    d->folder = new_folder();
    d->saved = some_tokens(d->model, 500, 1);
    d->next = some_tokens(d->model, 560, 1);
    lw_session *s = open_session(d->model, d->folder), *plain = open_session(d->model, NULL);
    g_free(sync_logits(s, d->saved));
    save(s);
    d->want = sync_logits(plain, d->next);
    d->table = only_file(d->folder, ".table");
    d->pages = only_file(d->folder, ".pages");
    lw_session_free(s);
    lw_session_free(plain);
    n_logged = 0;
}

static void damaged_clear(damaged *d)
{
    lw_prompt_free(d->saved);
    lw_prompt_free(d->next);
    lw_model_unref(d->model);
    remove_tree(d->folder);
    g_free(d->folder);
    g_free(d->table);
    g_free(d->pages);
    g_free(d->want);
}

/* The answer is right, so many tokens came from disk, and so many lines were logged. */
static void damaged_check(damaged *d, gsize restored, guint lines)
{
    lw_session *s = open_session(d->model, d->folder);
    g_autofree float *got = sync_logits(s, d->next);

    assert_close(d->model, got, d->want);
    g_assert_cmpuint(lw_session_get_n_restored(s), ==, restored);
    g_assert_cmpuint(n_logged, ==, lines);
    /* It is not complained about again. */
    g_free(sync_logits(s, d->saved));
    lw_session_truncate(s, 0);
    g_free(sync_logits(s, d->next));
    g_assert_cmpuint(n_logged, ==, lines);
    n_logged = 0;
    lw_session_free(s);
}

static void test_damage(void)
{
    damaged d;
    guint8 byte;
    g_autofree char *table = NULL, *pages = NULL;
    gsize n_table, n_pages;

    damaged_init(&d);
    g_assert_true(g_file_get_contents(d.table, &table, &n_table, NULL));
    g_assert_true(g_file_get_contents(d.pages, &pages, &n_pages, NULL));
    damaged_check(&d, 500, 0);

    /* The table, region by region: magic, version, key, page bytes, nonce, counts, stamp, sums,
     * tokens behind what is asked for, pages, tail. */
    const gsize at[] = {0,
                        8,
                        16,
                        48,
                        56,
                        72,
                        80,
                        88,
                        96,
                        104,
                        112,
                        120,
                        128 + 499 * 24 + 20,
                        128 + 500 * 24,
                        128 + 500 * 24 + 8,
                        n_table - 1};
    for (guint i = 0; i < G_N_ELEMENTS(at); i++) {
        byte = (guint8)table[at[i]] ^ 4;
        poke(d.table, (goffset)at[i], &byte, 1);
        damaged_check(&d, 0, 1);
        poke(d.table, (goffset)at[i], table + at[i], 1);
    }
    /* A damaged token is not in common any more: the rest is not believed either. */
    byte = (guint8)table[128 + 300 * 24] ^ 4;
    poke(d.table, 128 + 300 * 24, &byte, 1);
    damaged_check(&d, 0, 1);
    poke(d.table, 128 + 300 * 24, table + 128 + 300 * 24, 1);

    /* The page file: its head spoils all, page 3 what comes from there on. */
    byte = (guint8)pages[20] ^ 1;
    poke(d.pages, 20, &byte, 1);
    damaged_check(&d, 0, 1);
    poke(d.pages, 20, pages + 20, 1);
    byte = (guint8)pages[4096 + 3 * PAGE_BYTES + 777] ^ 1;
    poke(d.pages, 4096 + 3 * PAGE_BYTES + 777, &byte, 1);
    damaged_check(&d, 192, 1);
    g_assert_nonnull(strstr(last_logged, "page 3"));
    poke(d.pages, 4096 + 3 * PAGE_BYTES + 777, pages + 4096 + 3 * PAGE_BYTES + 777, 1);

    /* Cut short. */
    for (gsize cut = 0; cut < n_pages; cut += n_pages / 9) {
        g_assert_true(g_file_set_contents(d.pages, pages, (gssize)cut, NULL));
        damaged_check(&d, 0, 1);
    }
    g_assert_true(g_file_set_contents(d.pages, pages, (gssize)n_pages, NULL));
    for (gsize cut = 0; cut < n_table; cut += n_table / 9) {
        g_assert_true(g_file_set_contents(d.table, table, (gssize)cut, NULL));
        damaged_check(&d, 0, 1);
    }
    g_assert_true(g_file_set_contents(d.table, table, (gssize)n_table, NULL));
    damaged_check(&d, 500, 0);

    /* Gone, a folder, a link to nowhere, a pipe that nobody writes to. */
    g_unlink(d.pages);
    damaged_check(&d, 0, 1);
    g_mkdir(d.pages, 0700);
    damaged_check(&d, 0, 1);
    g_rmdir(d.pages);
    g_assert_cmpint(symlink("/nowhere/at/all", d.pages), ==, 0);
    damaged_check(&d, 0, 1);
    g_unlink(d.pages);
    g_assert_cmpint(mkfifo(d.pages, 0600), ==, 0);
    damaged_check(&d, 0, 1);
    g_unlink(d.pages);
    damaged_clear(&d);
}

/* Whoever can write to the folder can make checksums fit.  What is then computed is nonsense, but
 * nothing breaks: here every number in the cache is a NaN. */
static void test_hostile_pages(void)
{
    damaged d;
    g_autofree char *table = NULL, *pages = NULL;
    gsize n_table, n_pages;
    g_autoptr(GError) error = NULL;
    lw_generate_params gp = {.sampling = lw_sampler_params_default(), .max_tokens = 5};

    damaged_init(&d);
    g_assert_true(g_file_get_contents(d.table, &table, &n_table, NULL));
    g_assert_true(g_file_get_contents(d.pages, &pages, &n_pages, NULL));
    memset(pages + 4096, 0xff, n_pages - 4096);
    for (gsize i = 0; i < 7; i++) {
        guint64 sum = lw_checksum64(pages + 4096 + i * PAGE_BYTES, PAGE_BYTES, 21);
        memcpy(table + 128 + 500 * 24 + i * 16 + 8, &sum, 8);
    }
    memset(table + n_table - PAGE_BYTES, 0xff, PAGE_BYTES);
    lw_snapshot_table_seal((guint8 *)table, n_table);
    g_assert_true(g_file_set_contents(d.table, table, (gssize)n_table, NULL));
    g_assert_true(g_file_set_contents(d.pages, pages, (gssize)n_pages, NULL));
    lw_session *s = open_session(d.model, d.folder);
    g_assert_true(lw_session_generate(s, d.next, &gp, NULL, NULL, NULL, NULL, NULL, &error));
    g_assert_cmpuint(lw_session_get_n_restored(s), ==, 500);
    gp.sampling.temperature = 0;
    g_assert_true(lw_session_generate(s, d.next, &gp, NULL, NULL, NULL, NULL, NULL, &error));
    lw_session_free(s);
    damaged_clear(&d);
}

/* Another model, another type of cache: another key, so not even looked at; under our name:
 * refused. */
static void test_foreign(void)
{
    damaged d;
    g_autofree char *table = NULL, *pages = NULL;
    gsize n_table, n_pages;

    damaged_init(&d);
    g_assert_true(g_file_get_contents(d.table, &table, &n_table, NULL));
    g_assert_true(g_file_get_contents(d.pages, &pages, &n_pages, NULL));
    lw_model *others[2] = {d.model, open_named("b-text-f32.gguf", "b-mmproj-f32.gguf")};
    lw_kv_type types[2] = {LW_KV_F16, LW_KV_F32};
    guint8 ids[2][32];

    for (int i = 0; i < 2; i++) {
        lw_model_identity(others[i], ids[i]);
        lw_session *s = open_with(others[i], d.folder, 0, types[i]);
        lw_prompt *p = some_tokens(others[i], 500, 1);
        g_free(sync_logits(s, p));
        g_assert_cmpuint(lw_session_get_n_restored(s), ==, 0);
        g_assert_cmpuint(n_logged, ==, 0);
        save(s);
        lw_session_free(s);

        /* Put the other snapshot where this one looks. */
        g_autoptr(GPtrArray) all = files(d.folder, ".table");
        g_assert_cmpuint(all->len, ==, 2);
        const char *path = all->pdata[strcmp(all->pdata[0], d.table) == 0 ? 1 : 0];
        g_assert_true(g_file_set_contents(path, table, (gssize)n_table, NULL));
        s = open_with(others[i], d.folder, 0, types[i]);
        g_free(sync_logits(s, p));
        g_assert_cmpuint(lw_session_get_n_restored(s), ==, 0);
        g_assert_cmpuint(n_logged, ==, 1);
        n_logged = 0;
        lw_session_free(s);
        lw_prompt_free(p);
        g_autofree char *other_folder = g_path_get_dirname(path);
        remove_tree(other_folder);
    }
    g_assert_true(memcmp(ids[0], ids[1], 32) != 0);
    /* Strange names are not ours to complain about. */
    g_autofree char *own = g_path_get_dirname(d.table),
                    *strange = g_build_filename(own, "notes.table", NULL);
    g_assert_true(g_file_set_contents(strange, "hello", -1, NULL));
    damaged_check(&d, 500, 0);
    lw_model_unref(others[1]);
    damaged_clear(&d);
}

/* A copy of the model elsewhere is the same model; one weight in the middle of a tensor makes it
 * another. */
static void test_identity(void)
{
    g_autofree char *folder = new_folder(), *copy = g_build_filename(folder, "renamed.gguf", NULL);
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, FIXTURES, "a-text-f16.gguf", NULL);
    g_autofree char *bytes = NULL;
    g_autoptr(GError) error = NULL;
    guint8 a[32], b[32], c[32], v[32];
    gsize n;

    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    g_assert_true(g_file_set_contents(copy, bytes, (gssize)n, NULL));
    lw_model *m = lw_model_open(path, &(lw_model_params){.mmproj = ""}, &error);
    lw_model_identity(m, a);
    const lw_gguf_tensor *t = lw_gguf_find_tensor(lw_model_get_gguf(m), "blk.1.ffn_down.weight");
    gsize n_head, at;
    const char *head = lw_gguf_head(lw_model_get_gguf(m), &n_head);
    at = (gsize)((const char *)t->data - head) + t->n_bytes / 2;
    lw_model_unref(m);
    m = lw_model_open(copy, &(lw_model_params){.mmproj = ""}, &error);
    lw_model_identity(m, b);
    lw_model_unref(m);
    g_assert_cmpmem(a, 32, b, 32);
    bytes[at] ^= 1;
    g_assert_true(g_file_set_contents(copy, bytes, (gssize)n, NULL));
    m = lw_model_open(copy, &(lw_model_params){.mmproj = ""}, &error);
    lw_model_identity(m, c);
    lw_model_unref(m);
    g_assert_true(memcmp(a, c, 32) != 0);
    m = open_model();
    lw_model_identity(m, v);
    lw_model_unref(m);
    g_assert_true(memcmp(a, v, 32) != 0);
    remove_tree(folder);
}

/* The page file is cut while its pages are lent to the cache: everything is computed again. */
static void test_shrinks(void)
{
    damaged d;
    g_autoptr(GError) error = NULL;

    for (int when = 0; when < 2; when++) {
        damaged_init(&d);
        lw_session *s = open_session(d.model, d.folder);
        lw_prompt *more = some_tokens(d.model, 700, 1);
        lw_session *plain = open_session(d.model, NULL);
        g_autofree float *want = sync_logits(plain, more);

        g_free(sync_logits(s, d.next));
        g_assert_cmpuint(lw_session_get_n_restored(s), ==, 500);
        g_assert_cmpint(truncate(d.pages, 4096 + 2 * PAGE_BYTES), ==, 0);
        if (when == 0) { /* seen by a sync */
            g_autofree float *got = sync_logits(s, more);
            assert_close(d.model, got, want);
        } else { /* seen by a decode */
            for (gsize i = 560; i < 700; i++)
                g_assert_true(lw_session_decode(s, lw_prompt_ids(more)[i], NULL, NULL, &error));
            assert_close(d.model, lw_session_get_logits(s), want);
        }
        g_assert_cmpuint(n_logged, ==, 1);
        save(s);
        lw_session_free(s);
        s = open_session(d.model, d.folder);
        g_autofree float *again = sync_logits(s, more);
        assert_close(d.model, again, want);
        g_assert_cmpuint(lw_session_get_n_restored(s), ==, 700);
        lw_session_free(s);
        lw_session_free(plain);
        lw_prompt_free(more);
        damaged_clear(&d);
    }
}

/* ---- Disks ---- */

/* The folder is full, or cannot be written to: the turn goes well, one line says so, nothing half
 * stays. */
static void test_cannot_write(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder(), *file = g_build_filename(folder, "a-file", NULL);
    g_autofree char *below = g_build_filename(file, "kv", NULL),
                    *closed = g_build_filename(folder, "closed", NULL);
    lw_generate_params gp = {.sampling = lw_sampler_params_default(), .max_tokens = 5};
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(file, "x", -1, NULL));
    g_assert_cmpint(g_mkdir(closed, 0500), ==, 0);
    const char *bad[] = {below, geteuid() == 0 ? "/proc/no-such" : closed};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        lw_session *s = open_session(m, bad[i]);
        lw_prompt *p = some_tokens(m, 300, 1), *q = some_tokens(m, 400, 1);
        n_logged = 0;
        g_assert_true(lw_session_generate(s, p, &gp, NULL, NULL, NULL, NULL, NULL, &error));
        g_assert_cmpuint(n_logged, ==, 1);
        g_assert_true(lw_session_generate(s, q, &gp, NULL, NULL, NULL, NULL, NULL, &error));
        g_assert_cmpuint(n_logged, ==, 1);
        g_assert_false(lw_session_save(s, &error));
        g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
        g_clear_error(&error);
        lw_prompt_free(p);
        lw_prompt_free(q);
        lw_session_free(s);
    }
    lw_session *none = open_session(m, NULL);
    g_assert_false(lw_session_save(none, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    lw_session_free(none);
    remove_tree(folder);
    lw_model_unref(m);
}

/* A limit on the size of files stands for a full disk: the write fails in the middle. */
static void test_disk_full(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    lw_session *s = open_session(m, folder);
    lw_prompt *p = some_tokens(m, 300, 1), *q = some_tokens(m, 900, 1);
    struct rlimit before, small;
    g_autoptr(GError) error = NULL;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    /* A new file that does not fit is removed again. */
    small.rlim_cur = 4096 + 2 * PAGE_BYTES + 100;
    setrlimit(RLIMIT_FSIZE, &small);
    g_free(sync_logits(s, p));
    g_assert_false(lw_session_save(s, &error));
    setrlimit(RLIMIT_FSIZE, &before);
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, ".pages"));
    g_autoptr(GPtrArray) nothing = files(folder, "");
    g_assert_cmpuint(nothing->len, ==, 0);
    g_clear_error(&error);

    /* With room it is saved; then the pages, or the table, of the next turn do not fit. */
    save(s);
    g_autofree char *pages = only_file(folder, ".pages"), *table = only_file(folder, ".table");
    gint64 n_pages = size_of(pages);
    g_autofree char *was = NULL;
    gsize n_was, n_is;
    g_assert_true(g_file_get_contents(table, &was, &n_was, NULL));
    const rlim_t limits[] = {4096 + 8 * PAGE_BYTES + 5, PAGE_BYTES};
    for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
        g_autofree char *is = NULL;
        /* The second time the pages are few, the table has a tail that does not fit. */
        lw_prompt *r = i ? some_tokens(m, 310, 1) : NULL;
        g_free(sync_logits(s, i ? r : q));
        small.rlim_cur = limits[i];
        setrlimit(RLIMIT_FSIZE, &small);
        g_assert_false(lw_session_save(s, &error));
        setrlimit(RLIMIT_FSIZE, &before);
        g_clear_error(&error);
        g_assert_cmpint(size_of(pages), ==, n_pages);
        g_assert_true(g_file_get_contents(table, &is, &n_is, NULL));
        g_assert_cmpmem(is, n_is, was, n_was);
        g_autoptr(GPtrArray) all = files(folder, "");
        g_assert_cmpuint(all->len, ==, 2);
        if (r)
            lw_prompt_free(r);
    }
    g_autofree float *want = sync_logits(s, q);
    save(s);
    lw_session_free(s);
    s = open_session(m, folder);
    g_autofree float *got = sync_logits(s, q);
    g_assert_cmpuint(lw_session_get_n_reused(s), ==, 899);
    assert_close(m, got, want);
    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_session_free(s);
    lw_model_unref(m);
    remove_tree(folder);
}

/* The folder is emptied while it is in use. */
static void test_emptied(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    lw_session *s = open_session(m, folder);
    lw_prompt *p = some_tokens(m, 300, 1), *q = some_tokens(m, 400, 1);

    g_free(sync_logits(s, p));
    save(s);
    remove_tree(folder);
    g_autofree float *want = sync_logits(s, q);
    save(s);
    lw_session_free(s);
    s = open_session(m, folder);
    g_autofree float *got = sync_logits(s, q);
    g_assert_cmpuint(lw_session_get_n_restored(s), ==, 400);
    assert_close(m, got, want);
    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_session_free(s);
    lw_model_unref(m);
    remove_tree(folder);
}

/* ---- Budget ---- */

static void set_age(const char *path, int minutes)
{
    struct timespec t[2];

    clock_gettime(CLOCK_REALTIME, &t[0]);
    t[0].tv_sec -= 60 * minutes;
    t[1] = t[0];
    g_assert_cmpint(utimensat(AT_FDCWD, path, t, 0), ==, 0);
}

static gint64 all_bytes(const char *folder)
{
    g_autoptr(GPtrArray) all = files(folder, "");
    gint64 n = 0;

    for (guint i = 0; i < all->len; i++)
        n += size_of(all->pdata[i]);
    return n;
}

static void test_budget(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    gint64 one = 4096 + 5 * PAGE_BYTES + 128 + 320 * 24 + 5 * 16; /* 320 tokens, no tail */
    guint64 budget = (guint64)one * 3 + 1000;
    g_autofree char *oldest = NULL;
    g_autoptr(GError) error = NULL;

    /* Three fit; they are used in the order 1, 2, 3, then 1 again. */
    for (guint32 seed = 1; seed <= 3; seed++) {
        lw_session *s = open_with(m, folder, budget, LW_KV_F32);
        lw_prompt *p = some_tokens(m, 320, seed);
        g_free(sync_logits(s, p));
        save(s);
        g_autoptr(GPtrArray) tables = files(folder, ".table");
        for (guint i = 0; i < tables->len; i++) {
            GStatBuf st;
            g_stat(tables->pdata[i], &st);
            if (g_get_real_time() / G_USEC_PER_SEC - st.st_mtime < 100)
                set_age(tables->pdata[i], 60 - 10 * (int)seed);
        }
        lw_prompt_free(p);
        lw_session_free(s);
    }
    g_assert_cmpint(all_bytes(folder), ==, 3 * one);
    lw_session *s = open_with(m, folder, budget, LW_KV_F32);
    lw_prompt *first = some_tokens(m, 330, 1), *p = some_tokens(m, 320, 4);
    g_free(sync_logits(s, first));
    g_assert_cmpuint(lw_session_get_n_restored(s), ==, 320);
    lw_session_free(s);

    /* A fourth: the second one goes, it was not used for longest. */
    s = open_with(m, folder, budget, LW_KV_F32);
    g_free(sync_logits(s, p));
    save(s);
    g_assert_cmpint(all_bytes(folder), ==, 3 * one);
    lw_session_free(s);
    static const gsize there[] = {0, 320, 0, 320, 320};
    for (guint32 seed = 1; seed <= 4; seed++) {
        lw_prompt *q = some_tokens(m, 330, seed);
        s = open_with(m, folder, budget, LW_KV_F32);
        g_free(sync_logits(s, q));
        g_assert_cmpuint(lw_session_get_n_restored(s), ==, there[seed]);
        lw_session_free(s);
        lw_prompt_free(q);
    }

    /* One that is in use stays, even if it was not used for longer than the others. */
    lw_session *user = open_with(m, folder, budget, LW_KV_F32);
    g_free(sync_logits(user, first));
    g_autoptr(GPtrArray) tables = files(folder, ".table");
    for (guint i = 0; i < tables->len; i++)
        set_age(tables->pdata[i], 5);
    lw_prompt_free(p);
    for (guint32 seed = 5; seed <= 8; seed++) {
        p = some_tokens(m, 320, seed);
        s = open_with(m, folder, budget, LW_KV_F32);
        g_free(sync_logits(s, p));
        save(s);
        lw_session_free(s);
        lw_prompt_free(p);
        g_assert_cmpint(all_bytes(folder), ==, 3 * one);
    }
    lw_session_free(user);
    s = open_with(m, folder, budget, LW_KV_F32);
    g_free(sync_logits(s, first));
    g_assert_cmpuint(lw_session_get_n_restored(s), ==, 320);
    lw_session_free(s);

    /* One that is larger than the budget is not written at all. */
    p = some_tokens(m, 2000, 9);
    s = open_with(m, folder, budget, LW_KV_F32);
    g_free(sync_logits(s, p));
    g_assert_false(lw_session_save(s, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_assert_cmpint(all_bytes(folder), ==, 3 * one);
    lw_session_free(s);

    /* A limit that is lowered acts without a save. */
    lw_session_trim_snapshots(folder, budget);
    g_assert_cmpint(all_bytes(folder), ==, 3 * one);
    lw_session_trim_snapshots(folder, (guint64)one * 2 + 1000);
    g_assert_cmpint(all_bytes(folder), ==, 2 * one);

    /* What crashes leave goes with the next save: pages without a table, old half tables. */
    g_autofree char *own = g_path_get_dirname(tables->pdata[0]);
    g_autofree char *orphan = g_build_filename(own, "00000000000000aa.pages", NULL);
    g_autofree char *half = g_build_filename(own, "00000000000000aa.123.tmp", NULL);
    g_autofree char *fresh = g_build_filename(own, "00000000000000ab.124.tmp", NULL);
    g_autofree char *alien = g_build_filename(own, "README", NULL);
    g_assert_true(g_file_set_contents(orphan, "x", -1, NULL));
    g_assert_true(g_file_set_contents(half, "x", -1, NULL));
    g_assert_true(g_file_set_contents(fresh, "x", -1, NULL));
    g_assert_true(g_file_set_contents(alien, "x", -1, NULL));
    set_age(half, 11);
    lw_prompt_free(p);
    p = some_tokens(m, 320, 10);
    s = open_with(m, folder, budget, LW_KV_F32);
    g_free(sync_logits(s, p));
    save(s);
    g_assert_false(g_file_test(orphan, G_FILE_TEST_EXISTS));
    g_assert_false(g_file_test(half, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_test(fresh, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_test(alien, G_FILE_TEST_EXISTS));
    lw_session_free(s);
    lw_prompt_free(p);
    lw_prompt_free(first);
    lw_model_unref(m);
    remove_tree(folder);
}

/* ---- kill -9 ---- */

/* The child: conversations that grow turn by turn, saved each time, until somebody kills it. */
static int write_until_killed(const char *folder)
{
    lw_model *m = open_model();

    for (guint32 seed = 1;; seed++) {
        lw_session *s = open_session(m, folder);
        for (gsize n = 100; n < 1200; n += 90) {
            lw_prompt *p = some_tokens(m, n, seed % 3 + 1);
            g_free(sync_logits(s, p));
            save(s);
            lw_prompt_free(p);
            if (write(STDOUT_FILENO, ".", 1) != 1)
                return 1;
        }
        lw_session_free(s);
        if (seed == 1000) /* nobody killed it */
            return 1;
    }
}

static void test_kill(void)
{
    lw_model *m = open_model();
    g_autofree char *folder = new_folder();
    lw_prompt *p[4] = {NULL};
    float *want[4] = {NULL};
    guint restored = 0;
    GRand *rand = g_rand_new_with_seed(20261126);

    for (guint32 seed = 1; seed <= 3; seed++) {
        lw_session *plain = open_session(m, NULL);
        p[seed] = some_tokens(m, 1250, seed);
        want[seed] = sync_logits(plain, p[seed]);
        lw_session_free(plain);
    }
    for (int i = 0; i < 50; i++) {
        const char *argv[] = {self, "--write-until-killed", folder, NULL};
        g_autoptr(GError) error = NULL;
        GPid pid;
        int out, status;
        char dot;

        g_assert_true(g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
                                               NULL, NULL, &pid, NULL, &out, NULL, &error));
        for (int k = g_rand_int_range(rand, 1, 8); k > 0; k--)
            g_assert_cmpint(read(out, &dot, 1), ==, 1);
        g_usleep((gulong)g_rand_int_range(rand, 0, 8000)); /* a moment of no meaning */
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        close(out);
        g_assert_true(WIFSIGNALED(status));

        n_logged = 0;
        guint32 seed = (guint32)i % 3 + 1;
        lw_session *s = open_session(m, folder);
        g_autofree float *got = sync_logits(s, p[seed]);
        assert_close(m, got, want[seed]);
        restored += lw_session_get_n_restored(s) > 0;
        /* Neither a half table nor a table without its pages ever shows. */
        g_assert_cmpuint(n_logged, ==, 0);
        save(s);
        lw_session_free(s);
    }
    g_assert_cmpuint(restored, >, 25);
    for (guint32 seed = 1; seed <= 3; seed++) {
        lw_prompt_free(p[seed]);
        g_free(want[seed]);
    }
    g_rand_free(rand);
    lw_model_unref(m);
    remove_tree(folder);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write-until-killed") == 0) {
        char *folder = argv[2];
        argc = 1;
        g_test_init(&argc, &argv, NULL);
        return write_until_killed(folder);
    }
    self = argv[0];
    g_test_init(&argc, &argv, NULL);
    g_log_set_handler("longwave", G_LOG_LEVEL_MESSAGE, on_log, NULL);
    g_test_add_func("/snapshot/checksum", test_checksum);
    g_test_add_func("/snapshot/table", test_table);
    g_test_add_func("/snapshot/table-common", test_table_common);
    g_test_add_func("/snapshot/restart", test_restart);
    g_test_add_func("/snapshot/diverges", test_diverges);
    g_test_add_func("/snapshot/generate-saves", test_generate_saves);
    g_test_add_func("/snapshot/media-restart", test_media_restart);
    g_test_add_func("/snapshot/incremental", test_incremental);
    g_test_add_func("/snapshot/dead-pages", test_dead_pages);
    g_test_add_func("/snapshot/two-conversations", test_two_conversations);
    g_test_add_func("/snapshot/two-at-once", test_two_at_once);
    g_test_add_func("/snapshot/damage", test_damage);
    g_test_add_func("/snapshot/hostile-pages", test_hostile_pages);
    g_test_add_func("/snapshot/foreign", test_foreign);
    g_test_add_func("/snapshot/identity", test_identity);
    g_test_add_func("/snapshot/shrinks", test_shrinks);
    g_test_add_func("/snapshot/cannot-write", test_cannot_write);
    g_test_add_func("/snapshot/disk-full", test_disk_full);
    g_test_add_func("/snapshot/emptied", test_emptied);
    g_test_add_func("/snapshot/budget", test_budget);
    g_test_add_func("/snapshot/kill", test_kill);
    int rc = g_test_run();
    g_free(last_logged);
    return rc;
}
