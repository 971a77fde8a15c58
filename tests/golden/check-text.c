/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The text architectures against Hugging Face transformers: tiny random models, token ids, and the
 * logits and greedy tokens that transformers computed (make_text.py, README.md).  And the roster:
 * an architecture that no fixture uses fails.
 */
#include "engine/lw-engine.h"
#include "engine/models/arch.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

typedef struct {
    JsonObject *json;
    float *values; /* every stored float of this model */
    gsize n_values;
    gsize n_vocab;
    lw_model *model; /* opened by the first test that needs it */
} golden_model;

typedef struct {
    golden_model *golden;
    JsonObject *json;
    JsonObject *run; /* KV type and bar */
} golden_case;

static char *fixture_path(const char *name)
{
    return g_test_build_filename(G_TEST_DIST, "fixtures", name, NULL);
}

static lw_model *get_model(golden_model *g)
{
    if (!g->model) {
        g_autofree char *path = fixture_path(json_object_get_string_member(g->json, "text"));
        g_autoptr(GError) error = NULL;
        g->model = lw_model_open(path, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(lw_model_get_info(g->model)->n_vocab, ==, g->n_vocab);
    }
    return g->model;
}

/* The expected logits: [*rows][n_vocab], of the case's last tokens. */
static const float *expected(const golden_case *c, gsize *rows)
{
    JsonObject *o = json_object_get_object_member(c->json, "logits");
    gint64 at = json_object_get_int_member(o, "at");

    *rows = (gsize)json_object_get_int_member(o, "rows");
    g_assert_cmpint(at, >=, 0);
    g_assert_cmpuint((gsize)at + *rows * c->golden->n_vocab, <=, c->golden->n_values);
    return c->golden->values + at;
}

/* The case's first n tokens; 0: all. */
static lw_prompt *make_prompt(golden_case *c, gsize n)
{
    JsonArray *list = json_object_get_array_member(c->json, "ids");
    gsize n_all = json_array_get_length(list);
    g_autofree gint32 *ids = g_new(gint32, n_all);
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < n_all; i++)
        ids[i] = (gint32)json_array_get_int_element(list, (guint)i);
    lw_prompt *p = lw_prompt_new_tokens(get_model(c->golden), ids, n ? n : n_all, &error);
    g_assert_no_error(error);
    return p;
}

static lw_session *new_session(golden_case *c, gboolean all_logits, int n_threads)
{
    gboolean f32 = strcmp(json_object_get_string_member(c->run, "kv"), "f32") == 0;
    lw_session_params params = {
        .n_ctx = 512, .kv_type = f32 ? LW_KV_F32 : LW_KV_F16, .n_threads = n_threads};
    g_autoptr(GError) error = NULL;

    lw_session *s = lw_session_new(get_model(c->golden), &params, &error);
    g_assert_no_error(error);
    lw_session_keep_all_logits(s, all_logits);
    return s;
}

static void sync_prompt(lw_session *s, lw_prompt *p)
{
    g_autoptr(GError) error = NULL;

    gboolean ok = lw_session_sync(s, p, NULL, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void check_close(const golden_case *c, const char *what, const float *got, const float *want,
                        gsize n)
{
    double bar = json_object_get_double_member(c->run, "logits"), worst = 0;

    for (gsize i = 0; i < n; i++) {
        double d = fabs((double)got[i] - (double)want[i]);
        if (!(d <= worst)) /* also catches a NaN */
            worst = d;
    }
    g_test_message("%s: largest difference %.2e", what, worst);
    g_assert_true(worst <= bar);
}

/* Logits of the last tokens, in chunks of 32 as `lw logits` computes them; the bits are the same
 * for any number of threads. */
static void test_logits(gconstpointer data)
{
    golden_case *c = (golden_case *)data;
    lw_prompt *p = make_prompt(c, 0);
    gsize rows, n, n_vocab = c->golden->n_vocab;
    const float *want = expected(c, &rows);
    g_autofree float *first = NULL;

    for (int n_threads = 1; n_threads <= 4; n_threads *= 2) {
        lw_session *s = new_session(c, TRUE, n_threads);
        sync_prompt(s, p);
        const float *all = lw_session_get_all_logits(s, &n);
        g_assert_nonnull(all);
        g_assert_cmpuint(n, ==, lw_prompt_n_tokens(p));
        if (!first) {
            check_close(c, "last rows", all + (n - rows) * n_vocab, want, rows * n_vocab);
            first = g_memdup2(all, n * n_vocab * sizeof *all);
        }
        g_assert_cmpmem(all, n * n_vocab * sizeof *all, first, n * n_vocab * sizeof *all);
        lw_session_free(s);
    }
    lw_prompt_free(p);
}

/* The prompt as one chunk, then the greedy continuation token by token; both with nothing cached
 * and on top of the prompt's first half. */
static void test_greedy(gconstpointer data)
{
    golden_case *c = (golden_case *)data;
    JsonArray *greedy = json_object_get_array_member(c->json, "greedy");
    gsize rows, n_vocab = c->golden->n_vocab;
    const float *want = expected(c, &rows) + (rows - 1) * n_vocab;
    lw_prompt *whole = make_prompt(c, 0);
    lw_prompt *half = make_prompt(c, lw_prompt_n_tokens(whole) / 2);

    for (int reuse = 0; reuse < 2; reuse++) {
        lw_session *s = new_session(c, FALSE, 2);
        if (reuse)
            sync_prompt(s, half);
        sync_prompt(s, whole);
        g_assert_cmpuint(lw_session_get_n_reused(s), ==, reuse ? lw_prompt_n_tokens(half) : 0);
        const float *logits = lw_session_get_logits(s);
        check_close(c, reuse ? "last row, half reused" : "last row", logits, want, n_vocab);
        for (guint i = 0; i < json_array_get_length(greedy); i++) {
            gint32 best = 0;
            for (gsize t = 1; t < n_vocab; t++)
                best = logits[t] > logits[best] ? (gint32)t : best;
            g_assert_cmpint(best, ==, json_array_get_int_element(greedy, i));
            g_autoptr(GError) error = NULL;
            gboolean ok = lw_session_decode(s, best, &logits, NULL, &error);
            g_assert_no_error(error);
            g_assert_true(ok);
        }
        lw_session_free(s);
    }
    lw_prompt_free(whole);
    lw_prompt_free(half);
}

/* ---- The roster ---- */

/* Add the architectures of the models that one list of fixtures names. */
static void collect(GHashTable *archs, const char *list)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;

    json_parser_load_from_file(parser, list, &error);
    g_assert_no_error(error);
    JsonObject *root = json_node_get_object(json_parser_get_root(parser));
    JsonArray *models = json_object_get_array_member(root, "models");
    for (guint i = 0; i < json_array_get_length(models); i++) {
        JsonObject *m = json_array_get_object_element(models, i);
        g_autofree char *path = fixture_path(json_object_get_string_member(m, "text"));
        lw_gguf *g = lw_gguf_open(path, &error);
        g_assert_no_error(error);
        lw_gguf_str name;
        g_assert_true(lw_gguf_get_str(g, "general.architecture", &name, NULL));
        g_hash_table_add(archs, g_strndup(name.bytes, name.n));
        lw_gguf_free(g);
    }
}

/* Every architecture of the array has golden values in one of the lists. */
static void test_roster(void)
{
    g_autoptr(GHashTable) archs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *folder = g_test_build_filename(G_TEST_DIST, "fixtures", NULL);
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_str_has_suffix(name, ".json"))
            collect(archs, path);
    }
    g_dir_close(dir);
    for (int i = 0; lw_archs[i]; i++) {
        if (!g_hash_table_contains(archs, lw_archs[i]->name))
            g_error("architecture %s has no golden values; engine/models/README.md says how to "
                    "make some",
                    lw_archs[i]->name);
    }
}

/* ---- Registration ---- */

static golden_model *load_model(JsonObject *json)
{
    golden_model *g = g_new0(golden_model, 1);
    g_autofree char *path = fixture_path(json_object_get_string_member(json, "values"));
    g_autoptr(GError) error = NULL;
    gsize n_bytes;

    g->json = json;
    g->n_vocab = (gsize)json_object_get_int_member(json, "n_vocab");
    if (!g_file_get_contents(path, (char **)&g->values, &n_bytes, &error))
        g_error("%s", error->message);
    g->n_values = n_bytes / sizeof(float);
    return g;
}

static void model_free(gpointer data)
{
    golden_model *g = data;

    lw_model_unref(g->model);
    g_free(g->values);
    g_free(g);
}

static void add_tests(GPtrArray *all, golden_model *g)
{
    JsonArray *cases = json_object_get_array_member(g->json, "cases");
    JsonArray *runs = json_object_get_array_member(g->json, "runs");

    for (guint i = 0; i < json_array_get_length(cases) * json_array_get_length(runs); i++) {
        golden_case *c = g_new0(golden_case, 1);
        g_ptr_array_add(all, c);
        c->golden = g;
        c->json = json_array_get_object_element(cases, i / json_array_get_length(runs));
        c->run = json_array_get_object_element(runs, i % json_array_get_length(runs));
        g_autofree char *path =
            g_strdup_printf("/text/%s/%s/kv-%s", json_object_get_string_member(g->json, "id"),
                            json_object_get_string_member(c->json, "name"),
                            json_object_get_string_member(c->run, "kv"));
        g_autofree char *logits = g_strconcat(path, "/logits", NULL);
        g_autofree char *greedy = g_strconcat(path, "/greedy", NULL);
        g_test_add_data_func(logits, c, test_logits);
        g_test_add_data_func(greedy, c, test_greedy);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *path = fixture_path("text.json");
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonParser) parser = json_parser_new();

    if (!json_parser_load_from_file(parser, path, &error))
        g_error("%s", error->message);
    JsonArray *list =
        json_object_get_array_member(json_node_get_object(json_parser_get_root(parser)), "models");
    g_autoptr(GPtrArray) models = g_ptr_array_new_with_free_func(model_free);
    g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < json_array_get_length(list); i++) {
        g_ptr_array_add(models, load_model(json_array_get_object_element(list, i)));
        add_tests(cases, models->pdata[i]);
    }
    g_test_add_func("/text/roster", test_roster);
    return g_test_run();
}
