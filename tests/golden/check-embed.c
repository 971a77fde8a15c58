/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Embeddings against Hugging Face transformers: token ids and vectors of tiny random models
 * (make_embed.py, README.md), and that a vector depends on its text alone: not on the texts beside it, not
 * on the number of threads.
 */
#include "engine/lw-engine.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

typedef struct {
    JsonObject *json;
    const char *id;
    lw_model *model;
    gsize n, n_embd;
    const char **texts; /* [n + 1], NULL behind the last one */
    float *values;      /* [n][n_embd] */
    double max_difference; /* of a number; vectors have length 1 */
} golden;

static char *fixture_path(const char *name)
{
    return g_test_build_filename(G_TEST_DIST, "fixtures", name, NULL);
}

static golden *load(JsonObject *json)
{
    golden *g = g_new0(golden, 1);
    g_autofree char *path = fixture_path(json_object_get_string_member(json, "text"));
    g_autofree char *values = fixture_path(json_object_get_string_member(json, "values"));
    g_autoptr(GError) error = NULL;
    JsonArray *texts = json_object_get_array_member(json, "texts");
    gsize n_bytes;

    g->json = json;
    g->id = json_object_get_string_member(json, "id");
    g->model = lw_model_open(path, NULL, &error);
    g_assert_no_error(error);
    g->n = json_array_get_length(texts);
    g->n_embd = (gsize)json_object_get_int_member(json, "n_embd");
    g->max_difference = json_object_get_double_member(json, "max_difference");
    g->texts = g_new0(const char *, g->n + 1);
    for (guint i = 0; i < g->n; i++)
        g->texts[i] = json_object_get_string_member(json_array_get_object_element(texts, i), "text");
    g_assert_true(g_file_get_contents(values, (char **)&g->values, &n_bytes, &error));
    g_assert_cmpuint(n_bytes, ==, g->n * g->n_embd * sizeof(float));
    return g;
}

static void golden_free(gpointer p)
{
    golden *g = p;

    lw_model_unref(g->model);
    g_free(g->texts);
    g_free(g->values);
    g_free(g);
}

static lw_embedder *new_embedder(const golden *g, int n_threads)
{
    /* An f32 cache, so that what is compared is arithmetic and not the rounding of a cache. */
    lw_embedder_params params = {.n_threads = n_threads, .kv_type = LW_KV_F32};
    g_autoptr(GError) error = NULL;
    lw_embedder *e = lw_embedder_new(g->model, &params, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(lw_embedder_get_n_embd(e), ==, g->n_embd);
    g_assert_cmpstr(lw_pooling_name(lw_embedder_get_pooling(e)), ==,
                    json_object_get_string_member(g->json, "pooling"));
    return e;
}

static float *run(lw_embedder *e, const char *const *texts, gsize n)
{
    float *out = g_new(float, n * lw_embedder_get_n_embd(e));
    g_autoptr(GError) error = NULL;
    gboolean ok = lw_embedder_run(e, texts, n, out, NULL, &error);

    g_assert_no_error(error);
    g_assert_true(ok);
    return out;
}

static void test_ids(gconstpointer data)
{
    const golden *g = data;
    const lw_tokenizer *t = lw_model_get_tokenizer(g->model);
    JsonArray *texts = json_object_get_array_member(g->json, "texts");

    for (guint i = 0; i < g->n; i++) {
        JsonArray *want = json_object_get_array_member(json_array_get_object_element(texts, i), "ids");
        g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint32));
        g_autoptr(GError) error = NULL;
        const lw_span span = {g->texts[i], strlen(g->texts[i]), FALSE};
        lw_tokenizer_encode_whole(t, &span, 1, ids, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(ids->len, ==, json_array_get_length(want));
        for (guint k = 0; k < ids->len; k++)
            g_assert_cmpint(g_array_index(ids, gint32, k), ==, json_array_get_int_element(want, k));
    }
}

static void test_vectors(gconstpointer data)
{
    const golden *g = data;
    lw_embedder *e = new_embedder(g, 2);
    g_autofree float *got = run(e, g->texts, g->n);
    double worst = 0, least = 1;

    for (gsize i = 0; i < g->n; i++) {
        const float *a = got + i * g->n_embd, *b = g->values + i * g->n_embd;
        double ab = 0, aa = 0;
        for (gsize k = 0; k < g->n_embd; k++) {
            ab += (double)a[k] * (double)b[k];
            aa += (double)a[k] * (double)a[k];
            double d = fabs((double)a[k] - (double)b[k]);
            if (!(d <= worst))
                worst = d;
        }
        g_assert_cmpfloat_with_epsilon(aa, 1, 1e-6);
        least = MIN(least, ab);
    }
    g_test_message("%" G_GSIZE_FORMAT " texts: least cosine %.8f, largest difference %.2e", g->n, least, worst);
    g_assert_true(worst <= g->max_difference);
    lw_embedder_free(e);
}

/* One by one, backwards and with other threads: the same bits. */
static void test_alone(gconstpointer data)
{
    const golden *g = data;
    lw_embedder *e = new_embedder(g, 1), *four = new_embedder(g, 4);
    g_autofree float *all = run(e, g->texts, g->n), *again = run(four, g->texts, g->n);

    g_assert_cmpmem(all, g->n * g->n_embd * sizeof(float), again, g->n * g->n_embd * sizeof(float));
    for (gsize i = g->n; i-- > 0;) {
        g_autofree float *one = run(e, g->texts + i, 1);
        g_assert_cmpmem(one, g->n_embd * sizeof(float), all + i * g->n_embd, g->n_embd * sizeof(float));
    }
    lw_embedder_free(e);
    lw_embedder_free(four);
}

static void expect(gboolean ok, GError **error, GQuark domain, int code, const char *says)
{
    g_assert_false(ok);
    g_assert_error(*error, domain, code);
    if (!strstr((*error)->message, says))
        g_error("\"%s\" does not say \"%s\"", (*error)->message, says);
    g_clear_error(error);
}

static void test_errors(gconstpointer data)
{
    const golden *g = data;
    const lw_model_info *info = lw_model_get_info(g->model);
    lw_embedder *e = new_embedder(g, 1);
    GError *error = NULL;
    gsize too_many = lw_embedder_get_n_ctx(e) + 1;
    g_autofree gint32 *ids = g_new0(gint32, too_many + 1);
    g_autofree float *out = g_new(float, 2 * g->n_embd);

    gsize long_second[3] = {0, 1, 1 + too_many};
    g_autofree char *both = g_strdup_printf("text 2 is %" G_GSIZE_FORMAT " tokens long, %s takes %u", too_many,
                                            info->name, lw_embedder_get_n_ctx(e));
    expect(lw_embedder_run_tokens(e, ids, long_second, 2, out, NULL, &error), &error, LW_ENGINE_ERROR,
           LW_ENGINE_ERROR_CONTEXT_FULL, both);
    gsize none_first[3] = {0, 0, 1};
    expect(lw_embedder_run_tokens(e, ids, none_first, 2, out, NULL, &error), &error, LW_ENGINE_ERROR,
           LW_ENGINE_ERROR_INVALID, "text 1 is empty");
    gsize one[2] = {0, 1};
    ids[0] = (gint32)info->n_vocab;
    expect(lw_embedder_run_tokens(e, ids, one, 1, out, NULL, &error), &error, LW_ENGINE_ERROR,
           LW_ENGINE_ERROR_INVALID, "outside the vocabulary");
    gint cancel = 1;
    expect(lw_embedder_run(e, g->texts, 1, out, &cancel, &error), &error, LW_ENGINE_ERROR,
           LW_ENGINE_ERROR_CANCELLED, "stopped");
    /* All is well afterwards, and nothing at all is no mistake. */
    g_autofree float *first = run(e, g->texts, 1);
    g_assert_true(lw_embedder_run(e, g->texts, 0, out, NULL, &error));
    lw_embedder_free(e);

    if (!info->only_embeds)
        return;
    expect(lw_session_new(g->model, NULL, &error) != NULL, &error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
           "only makes embeddings");
    lw_embedder_params params = {.n_ctx = info->n_ctx_train + 1};
    expect(lw_embedder_new(g->model, &params, &error) != NULL, &error, LW_ENGINE_ERROR,
           LW_ENGINE_ERROR_INVALID, "at most");
}

/* A chat model embeds when it is told how. */
static void test_chat_model(void)
{
    g_autofree char *path = fixture_path("qwen2.gguf");
    g_autoptr(GError) error = NULL;
    lw_model *m = lw_model_open(path, NULL, &error);
    static const lw_pooling ways[] = {LW_POOLING_MEAN, LW_POOLING_CLS, LW_POOLING_LAST};
    const gint32 ids[3] = {5, 6, 7};
    const gsize bounds[4] = {0, 3, 4, 5};

    g_assert_no_error(error);
    expect(lw_embedder_new(m, NULL, &error) != NULL, &error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
           "qwen2.pooling_type");
    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        lw_embedder_params params = {.pooling = ways[i], .n_ctx = 64, .kv_type = LW_KV_F32};
        lw_embedder *e = lw_embedder_new(m, &params, &error);
        g_assert_no_error(error);
        gsize n_embd = lw_embedder_get_n_embd(e);
        g_autofree float *v = g_new(float, n_embd), *first = g_new(float, n_embd);
        g_assert_true(lw_embedder_run_tokens(e, ids, bounds, 1, v, NULL, &error));
        g_assert_true(lw_embedder_run_tokens(e, ids, bounds + 1, 0, first, NULL, &error));
        const gsize alone[2] = {0, 1};
        g_assert_true(lw_embedder_run_tokens(e, ids, alone, 1, first, NULL, &error));
        double dot = 0;
        for (gsize k = 0; k < n_embd; k++)
            dot += (double)v[k] * (double)first[k];
        /* Attention looks back only: the first token's vector is that of a text of one token. */
        if (ways[i] == LW_POOLING_CLS)
            g_assert_cmpfloat_with_epsilon(dot, 1, 1e-5);
        else
            g_assert_cmpfloat(dot, <, 0.999);
        lw_embedder_free(e);
    }
    lw_model_unref(m);
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) models = g_ptr_array_new_with_free_func(golden_free);
    g_autoptr(GError) error = NULL;

    g_test_init(&argc, &argv, NULL);
    g_autofree char *path = fixture_path("embed.json");
    g_autoptr(JsonParser) parser = json_parser_new();
    if (!json_parser_load_from_file(parser, path, &error))
        g_error("%s", error->message);
    JsonObject *root = json_node_get_object(json_parser_get_root(parser));
    JsonArray *list = json_object_get_array_member(root, "models");
    static const struct {
        const char *name;
        GTestDataFunc func;
    } tests[] = {{"ids", test_ids}, {"vectors", test_vectors}, {"alone", test_alone}, {"errors", test_errors}};
    for (guint i = 0; i < json_array_get_length(list); i++) {
        golden *g = load(json_array_get_object_element(list, i));
        g_ptr_array_add(models, g);
        for (gsize k = 0; k < G_N_ELEMENTS(tests); k++) {
            g_autofree char *name = g_strdup_printf("/embed/%s/%s", g->id, tests[k].name);
            g_test_add_data_func(name, g, tests[k].func);
        }
    }
    g_test_add_func("/embed/chat-model", test_chat_model);
    return g_test_run();
}
