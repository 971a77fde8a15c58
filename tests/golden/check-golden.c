/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine against Hugging Face transformers: tiny random Qwen2.5-VL models, and for each of a few
 * conversations the token ids, M-RoPE positions, vision rows, logits and greedy tokens that
 * transformers computed (make.py, README.md).
 *
 * Everything goes through the public headers, from messages and pixels to logits, so that a wrong
 * template, resize, patch order, window, rotation or mask shows up here.
 */
#include "engine/lw-engine.h"
#include "engine/models/vision.h"
#include "vision/lw-vision.h"
#include "vision/vision-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

/* ---- Fixtures ---- */

typedef struct {
    JsonObject *json;
    float *values; /* every stored float of this model */
    gsize n_values;
    int n_embd, n_vocab;
    int row_width; /* of what the tower makes: n_embd, and as much for every deepstack part */
    lw_model *model; /* opened by the first test that needs it */
} golden_model;

typedef struct {
    golden_model *golden;
    JsonObject *json;
    JsonObject *run; /* KV type and bar; NULL in tests without logits */
} golden_case;

static char *fixture_path(const char *name)
{
    return g_test_build_filename(G_TEST_DIST, "fixtures", name, NULL);
}

/* rows x width expected floats whose first one is values[at]. */
static const float *expected(const golden_model *g, gint64 at, gsize rows, gsize width)
{
    g_assert_cmpint(at, >=, 0);
    g_assert_cmpuint((gsize)at + rows * width, <=, g->n_values);
    return g->values + at;
}

static lw_model *get_model(golden_model *g)
{
    if (!g->model) {
        g_autofree char *text = fixture_path(json_object_get_string_member(g->json, "text"));
        g_autofree char *mmproj = fixture_path(json_object_get_string_member(g->json, "mmproj"));
        lw_model_params params = {.mmproj = mmproj};
        g_autoptr(GError) error = NULL;
        g->model = lw_model_open(text, &params, &error);
        g_assert_no_error(error);
        g_assert_true(lw_model_get_info(g->model)->has_vision);
        g_assert_cmpuint(lw_model_get_info(g->model)->n_vocab, ==, (guint)g->n_vocab);
    }
    return g->model;
}

/* ---- Pictures and films that a formula draws ---- */

static guint8 *draw(JsonObject *medium, int frame, int *width, int *height)
{
    int w = (int)json_object_get_int_member(medium, "width");
    int h = (int)json_object_get_int_member(medium, "height");
    int seed = (int)json_object_get_int_member(medium, "seed");
    guint8 *rgb = g_malloc((gsize)w * (gsize)h * 3);
    guint8 *out = rgb;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            for (int c = 0; c < 3; c++) {
                int v = x * (7 + 2 * c) + y * (13 - 3 * c) + ((x * y) >> (4 + c)) + 29 * frame + 17 * seed;
                *out++ = (guint8)(v & 255);
            }
        }
    }
    *width = w;
    *height = h;
    return rgb;
}

/* A film whose frames are drawn instead of decoded; resize and patches are the real ones. */
typedef struct {
    lw_media media;
    double *seconds;
    JsonObject *json;
    lw_vision_spec spec;
    lw_vis_norm norm;
} drawn_film;

static gboolean drawn_film_read_grid(lw_media *m, int t, float *patches, GError **error)
{
    drawn_film *film = (drawn_film *)m;
    int to_w = m->grid_w * film->spec.patch_size, to_h = m->grid_h * film->spec.patch_size;
    g_autofree guint8 *resized = g_malloc((gsize)to_w * (gsize)to_h * 3);
    for (int i = 0; i < film->spec.temporal_patch_size; i++) {
        int w, h;
        g_autofree guint8 *rgb = draw(film->json, t * film->spec.temporal_patch_size + i, &w, &h);
        if (!lw_vis_resize_bicubic(rgb, w, h, resized, to_w, to_h, error))
            return FALSE;
        lw_vis_patchify(resized, m->grid_h, m->grid_w, &film->spec, &film->norm, i, patches);
    }
    return TRUE;
}

static void drawn_film_free(lw_media *m)
{
    g_free(((drawn_film *)m)->seconds);
    g_free(m->label);
    g_free(m->note);
    g_free(m);
}

static lw_media *drawn_film_new(JsonObject *json, const lw_vision_spec *spec)
{
    drawn_film *film = g_new0(drawn_film, 1);
    double fps = json_object_get_double_member(json, "fps");
    JsonArray *grid = json_object_get_array_member(json, "grid");
    lw_media *m = &film->media;
    g_atomic_ref_count_init(&m->refs);
    m->kind = LW_MEDIA_FILM;
    m->grid_t = (int)json_array_get_int_element(grid, 0);
    m->grid_h = (int)json_array_get_int_element(grid, 1);
    m->grid_w = (int)json_array_get_int_element(grid, 2);
    m->merge_size = spec->merge_size;
    m->patch_dim = 3 * spec->temporal_patch_size * spec->patch_size * spec->patch_size;
    m->seconds_per_grid = json_object_get_double_member(json, "seconds_per_grid");
    film->seconds = g_new(double, m->grid_t);
    for (int t = 0; t < m->grid_t; t++)
        film->seconds[t] = (2 * t / fps + (2 * t + 1) / fps) / 2;
    m->grid_seconds = film->seconds;
    /* Any hash will do that no other medium of these tests has. */
    m->hash[0] = (guint8)json_object_get_int_member(json, "seed");
    m->label = g_strdup("drawn film");
    m->note = g_strdup("");
    m->read_grid = drawn_film_read_grid;
    m->free = drawn_film_free;
    film->json = json;
    film->spec = *spec;
    lw_vis_norm_init(&film->norm, spec);
    return m;
}

static lw_media *open_medium(golden_case *c, JsonObject *json)
{
    const lw_vision_spec *spec = lw_model_get_vision_spec(get_model(c->golden));
    if (strcmp(json_object_get_string_member(json, "kind"), "film") == 0)
        return drawn_film_new(json, spec);
    int w, h;
    g_autofree guint8 *rgb = draw(json, 0, &w, &h);
    g_autoptr(GError) error = NULL;
    lw_media *m = lw_vis_open_rgb(rgb, w, h, "drawn picture", spec, NULL, &error);
    g_assert_no_error(error);
    return m;
}

/* ---- A case's conversation ---- */

static lw_role role_of(const char *name)
{
    if (strcmp(name, "system") == 0)
        return LW_ROLE_SYSTEM;
    return strcmp(name, "assistant") == 0 ? LW_ROLE_ASSISTANT : LW_ROLE_USER;
}

/* The prompt of the first n messages. */
static lw_prompt *make_prompt(golden_case *c, guint n)
{
    JsonArray *turns = json_object_get_array_member(c->json, "messages");
    g_autoptr(GPtrArray) media = g_ptr_array_new_with_free_func((GDestroyNotify)lw_media_unref);
    g_autofree lw_message *messages = g_new0(lw_message, n);
    g_autofree gsize *first = g_new0(gsize, n);
    for (guint i = 0; i < n; i++) {
        JsonObject *turn = json_array_get_object_element(turns, i);
        JsonArray *list = json_object_get_array_member(turn, "media");
        messages[i].role = role_of(json_object_get_string_member(turn, "role"));
        messages[i].text = json_object_get_string_member(turn, "text");
        messages[i].n_media = json_array_get_length(list);
        first[i] = media->len;
        for (guint j = 0; j < messages[i].n_media; j++)
            g_ptr_array_add(media, open_medium(c, json_array_get_object_element(list, j)));
    }
    /* Only now does the array stay where it is. */
    for (guint i = 0; i < n; i++) {
        if (messages[i].n_media > 0)
            messages[i].media = (lw_media *const *)media->pdata + first[i];
    }
    g_autoptr(GError) error = NULL;
    lw_prompt *p = lw_prompt_new_chat(get_model(c->golden), messages, n, NULL, &error);
    g_assert_no_error(error);
    g_assert_nonnull(p);
    return p;
}

static guint n_messages(golden_case *c)
{
    return json_array_get_length(json_object_get_array_member(c->json, "messages"));
}

/* ---- Tests ---- */

/* Token ids and the three position ids of each: exact. */
static void test_prompt(gconstpointer data)
{
    golden_case *c = (golden_case *)data;
    lw_prompt *p = make_prompt(c, n_messages(c));
    JsonArray *ids = json_object_get_array_member(c->json, "ids");
    JsonArray *axes = json_object_get_array_member(c->json, "positions");
    const gint32 *got = lw_prompt_ids(p), *pos = lw_prompt_positions(p);
    gsize n = lw_prompt_n_tokens(p);
    gsize n_same = 0;
    while (n_same < n && n_same < json_array_get_length(ids) &&
           got[n_same] == json_array_get_int_element(ids, (guint)n_same))
        n_same++;
    if (n_same < n)
        g_test_message("ids are equal up to number %" G_GSIZE_FORMAT ", there comes %d", n_same, got[n_same]);
    g_assert_cmpuint(n, ==, json_array_get_length(ids));
    g_assert_cmpuint(n_same, ==, n);
    for (gsize i = 0; i < n; i++) {
        for (guint axis = 0; axis < 3; axis++) {
            JsonArray *line = json_array_get_array_element(axes, axis);
            gint64 want = json_array_get_int_element(line, (guint)i);
            if (pos[3 * i + axis] != want)
                g_test_message("position of token %" G_GSIZE_FORMAT ", axis %u", i, axis);
            g_assert_cmpint(pos[3 * i + axis], ==, want);
        }
    }
    lw_prompt_free(p);
}

/* The order in which windows visit the merged cells: exact. */
static void check_windows(JsonObject *medium)
{
    JsonArray *grid = json_object_get_array_member(medium, "grid");
    JsonArray *want = json_object_get_array_member(medium, "window_order");
    int rows = (int)json_array_get_int_element(grid, 1) / 2, cols = (int)json_array_get_int_element(grid, 2) / 2;
    g_autofree gint32 *order = g_new(gint32, rows * cols);
    g_autofree gint32 *bounds = g_new(gint32, rows * cols + 1);
    int n = lw_window_order(rows, cols, 4, order, bounds);
    g_assert_cmpint(n, ==, ((rows + 3) / 4) * ((cols + 3) / 4));
    g_assert_cmpint(bounds[0], ==, 0);
    g_assert_cmpint(bounds[n], ==, rows * cols);
    g_assert_cmpuint(json_array_get_length(want), ==, (guint)(rows * cols));
    for (int i = 0; i < rows * cols; i++)
        g_assert_cmpint(order[i], ==, json_array_get_int_element(want, (guint)i));
}

static double cosine(const float *a, const float *b, int n)
{
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

static void check_medium(golden_case *c, JsonObject *json, double *worst_cosine, double *worst_diff)
{
    golden_model *g = c->golden;
    if (json_object_has_member(json, "window_order"))
        check_windows(json);
    lw_media *m = open_medium(c, json);
    JsonArray *grid = json_object_get_array_member(json, "grid");
    g_assert_cmpint(m->grid_t, ==, json_array_get_int_element(grid, 0));
    g_assert_cmpint(m->grid_h, ==, json_array_get_int_element(grid, 1));
    g_assert_cmpint(m->grid_w, ==, json_array_get_int_element(grid, 2));

    gsize n = (gsize)lw_media_grid_tokens(m), width = (gsize)g->row_width;
    const float *want = expected(g, json_object_get_int_member(json, "rows"), (gsize)m->grid_t * n, width);
    g_autofree float *rows = g_new(float, n * width);
    for (int t = 0; t < m->grid_t; t++, want += n * width) {
        g_autoptr(GError) error = NULL;
        gboolean ok = lw_model_encode_media(get_model(g), m, t, rows, &error);
        g_assert_no_error(error);
        g_assert_true(ok);
        for (gsize i = 0; i < n; i++) {
            double same = cosine(rows + i * width, want + i * width, g->row_width);
            /* The negation also catches a NaN. */
            if (!(same >= *worst_cosine))
                *worst_cosine = same;
            for (gsize k = i * width; k < (i + 1) * width; k++)
                *worst_diff = MAX(*worst_diff, fabs((double)rows[k] - (double)want[k]));
        }
    }
    lw_media_unref(m);
}

/* Grid and window order of every medium, and what the tower makes of it row by row in raster order. */
static void test_rows(gconstpointer data)
{
    golden_case *c = (golden_case *)data;
    double least = json_object_get_double_member(c->golden->json, "min_cosine");
    JsonArray *turns = json_object_get_array_member(c->json, "messages");
    double worst_cosine = 1, worst_diff = 0;
    for (guint i = 0; i < n_messages(c); i++) {
        JsonArray *list = json_object_get_array_member(json_array_get_object_element(turns, i), "media");
        for (guint j = 0; j < json_array_get_length(list); j++)
            check_medium(c, json_array_get_object_element(list, j), &worst_cosine, &worst_diff);
    }
    g_test_message("least cosine %.8f, largest difference %.2e", worst_cosine, worst_diff);
    g_assert_true(worst_cosine >= least);
}

static double max_difference(const float *a, const float *b, gsize n)
{
    double worst = 0;
    for (gsize i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= worst))
            worst = d;
    }
    return worst;
}

/* KL(softmax(want) || softmax(got)), in nats. */
static double kl_divergence(const float *want, const float *got, int n)
{
    double most[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0}, kl = 0;
    for (int i = 0; i < n; i++) {
        most[0] = fmax(most[0], (double)want[i]);
        most[1] = fmax(most[1], (double)got[i]);
    }
    for (int i = 0; i < n; i++) {
        sum[0] += exp((double)want[i] - most[0]);
        sum[1] += exp((double)got[i] - most[1]);
    }
    for (int i = 0; i < n; i++) {
        double log_p = (double)want[i] - most[0] - log(sum[0]);
        double log_q = (double)got[i] - most[1] - log(sum[1]);
        kl += exp(log_p) * (log_p - log_q);
    }
    return kl;
}

static gint32 argmax(const float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++) {
        if (x[i] > x[best])
            best = i;
    }
    return best;
}

static void check_logits(golden_case *c, const float *got, gsize n_tokens)
{
    golden_model *g = c->golden;
    JsonObject *o = json_object_get_object_member(c->json, "logits");
    gsize first = (gsize)json_object_get_int_member(o, "first");
    gsize rows = (gsize)json_object_get_int_member(o, "rows"), width = (gsize)g->n_vocab;
    const float *want = expected(g, json_object_get_int_member(o, "at"), rows, width);
    g_assert_cmpuint(first + rows, ==, n_tokens);
    got += first * width;
    double diff = max_difference(got, want, rows * width), kl = 0;
    for (gsize i = 0; i < rows; i++)
        kl += kl_divergence(want + i * width, got + i * width, g->n_vocab) / (double)rows;
    g_test_message("%" G_GSIZE_FORMAT " rows of logits: largest difference %.2e, mean KL %.2e", rows, diff, kl);
    if (json_object_has_member(c->run, "logits"))
        g_assert_true(diff <= json_object_get_double_member(c->run, "logits"));
    if (json_object_has_member(c->run, "kl"))
        g_assert_true(kl <= json_object_get_double_member(c->run, "kl"));
}

static lw_session *new_session(golden_case *c, gboolean all_logits)
{
    lw_session_params params = {.n_ctx = 512, .n_threads = 2};
    g_autoptr(GError) error = NULL;
    lw_kv_type_parse(json_object_get_string_member(c->run, "kv"), &params.kv_type, &error);
    g_assert_no_error(error);
    lw_session *s = lw_session_new(get_model(c->golden), &params, &error);
    g_assert_no_error(error);
    lw_session_keep_all_logits(s, all_logits);
    return s;
}

static void sync_prompt(lw_session *s, const lw_prompt *p)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = lw_session_sync(s, p, NULL, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

/* The prompt's last token alone, as a conversation computes it. */
static void check_last_logits(golden_case *c, const lw_session *s)
{
    JsonObject *o = json_object_get_object_member(c->json, "logits");
    gsize rows = (gsize)json_object_get_int_member(o, "rows"), width = (gsize)c->golden->n_vocab;
    const float *last = expected(c->golden, json_object_get_int_member(o, "at"), rows, width);
    last += (rows - 1) * width;
    const float *got = lw_session_get_logits(s);
    g_assert_nonnull(got);
    double diff = max_difference(got, last, width), kl = kl_divergence(last, got, c->golden->n_vocab);
    g_test_message("last token, %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " tokens reused: largest difference "
                   "%.2e, KL %.2e", lw_session_get_n_reused(s), lw_session_get_n_tokens(s), diff, kl);
    if (json_object_has_member(c->run, "logits"))
        g_assert_true(diff <= json_object_get_double_member(c->run, "logits"));
    if (json_object_has_member(c->run, "kl"))
        g_assert_true(kl <= 2 * json_object_get_double_member(c->run, "kl"));
}

/* Logits of the prompt's last tokens, as `lw logits` asks for them. */
static void test_logits(gconstpointer data)
{
    golden_case *c = (golden_case *)data;
    lw_prompt *p = make_prompt(c, n_messages(c));
    lw_session *s = new_session(c, TRUE);
    sync_prompt(s, p);
    gsize n;
    const float *all = lw_session_get_all_logits(s, &n);
    g_assert_nonnull(all);
    g_assert_cmpuint(n, ==, lw_prompt_n_tokens(p));
    check_logits(c, all, n);
    lw_session_free(s);
    lw_prompt_free(p);
}

/* The greedy continuation, token by token. */
static void test_greedy(gconstpointer data)
{
    golden_case *c = (golden_case *)data;
    int n_vocab = c->golden->n_vocab;
    lw_prompt *p = make_prompt(c, n_messages(c));
    lw_session *s = new_session(c, FALSE);
    sync_prompt(s, p);
    check_last_logits(c, s);

    JsonArray *greedy = json_object_get_array_member(c->json, "greedy");
    const float *logits = lw_session_get_logits(s);
    for (guint i = 0; i < json_array_get_length(greedy); i++) {
        gint32 token = argmax(logits, n_vocab);
        g_assert_cmpint(token, ==, json_array_get_int_element(greedy, i));
        g_autoptr(GError) error = NULL;
        gboolean ok = lw_session_decode(s, token, &logits, NULL, &error);
        g_assert_no_error(error);
        g_assert_true(ok);
    }
    lw_session_free(s);
    lw_prompt_free(p);
}

/* Pictures included, the number of threads changes no bit. */
static void test_threads(gconstpointer data)
{
    golden_case *c = (golden_case *)data;
    gsize n_bytes = (gsize)c->golden->n_vocab * sizeof(float);
    g_autofree float *first = NULL;
    for (int n_threads = 1; n_threads <= 4; n_threads *= 2) {
        lw_session_params params = {.n_ctx = 512, .n_threads = n_threads};
        g_autoptr(GError) error = NULL;
        lw_session *s = lw_session_new(get_model(c->golden), &params, &error);
        g_assert_no_error(error);
        lw_prompt *p = make_prompt(c, n_messages(c));
        sync_prompt(s, p);
        if (first)
            g_assert_cmpmem(lw_session_get_logits(s), n_bytes, first, n_bytes);
        else
            first = g_memdup2(lw_session_get_logits(s), n_bytes);
        lw_prompt_free(p);
        lw_session_free(s);
    }
}

/* A second turn on top of the first one's cache gives the logits that reading it all at once gives. */
static void test_reuse(gconstpointer data)
{
    golden_case *c = (golden_case *)data;
    lw_prompt *start = make_prompt(c, 2), *whole = make_prompt(c, n_messages(c));
    gsize n_start = lw_prompt_n_tokens(start), n_whole = lw_prompt_n_tokens(whole);
    lw_session *s = new_session(c, FALSE);
    sync_prompt(s, start);
    sync_prompt(s, whole);
    g_assert_cmpuint(lw_session_get_n_reused(s), ==, n_start);
    g_assert_cmpuint(lw_session_get_n_tokens(s), ==, n_whole);
    check_last_logits(c, s);
    lw_session_free(s);
    lw_prompt_free(start);
    lw_prompt_free(whole);
}

/* ---- Registration ---- */

static void add_test(GPtrArray *cases, golden_model *g, JsonObject *json, JsonObject *run, const char *what,
                     GTestDataFunc func)
{
    golden_case *c = g_new0(golden_case, 1);
    c->golden = g;
    c->json = json;
    c->run = run;
    g_ptr_array_add(cases, c);
    const char *kv = run ? json_object_get_string_member(run, "kv") : NULL;
    g_autofree char *path =
        g_strdup_printf("/golden/%s/%s/%s%s%s", json_object_get_string_member(g->json, "id"),
                        json_object_get_string_member(json, "name"), what, kv ? "-kv-" : "", kv ? kv : "");
    g_test_add_data_func(path, c, func);
}

static gboolean has_media(JsonObject *json)
{
    JsonArray *turns = json_object_get_array_member(json, "messages");
    for (guint i = 0; i < json_array_get_length(turns); i++) {
        JsonObject *turn = json_array_get_object_element(turns, i);
        if (json_array_get_length(json_object_get_array_member(turn, "media")) > 0)
            return TRUE;
    }
    return FALSE;
}

static golden_model *load_model(JsonObject *json)
{
    golden_model *g = g_new0(golden_model, 1);
    g->json = json;
    g->n_embd = (int)json_object_get_int_member(json, "n_embd");
    g->n_vocab = (int)json_object_get_int_member(json, "n_vocab");
    g->row_width = g->n_embd;
    if (json_object_has_member(json, "row_parts"))
        g->row_width *= (int)json_object_get_int_member(json, "row_parts");
    g_autofree char *path = fixture_path(json_object_get_string_member(json, "values"));
    g_autoptr(GError) error = NULL;
    gsize n_bytes;
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

static void add_model(GPtrArray *cases, golden_model *g)
{
    JsonArray *list = json_object_get_array_member(g->json, "cases");
    JsonArray *runs = json_object_get_array_member(g->json, "runs");
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *json = json_array_get_object_element(list, i);
        add_test(cases, g, json, NULL, "prompt", test_prompt);
        if (has_media(json)) {
            add_test(cases, g, json, NULL, "rows", test_rows);
            add_test(cases, g, json, NULL, "threads", test_threads);
        }
        for (guint j = 0; j < json_array_get_length(runs); j++) {
            JsonObject *run = json_array_get_object_element(runs, j);
            add_test(cases, g, json, run, "logits", test_logits);
            add_test(cases, g, json, run, "greedy", test_greedy);
            if (strcmp(json_object_get_string_member(json, "name"), "two-turns") == 0)
                add_test(cases, g, json, run, "reuse", test_reuse);
        }
    }
}

/* A vision file of another model is refused in a sentence that says where the two part. */
static void test_foreign_towers(void)
{
    static const struct {
        const char *text, *mmproj, *says;
    } pairs[] = {
        {"vl3a-text-f16.gguf", "vl2a-mmproj-f16.gguf", "projects to 96 columns, the text model has 80"},
        {"vl3a-text-f16.gguf", "vl2b-mmproj-f16.gguf", "feeds 0 layers (deepstack), the text model has 2"},
        {"vl2b-text-f32.gguf", "vl3a-mmproj-f16.gguf", "feeds 2 layers (deepstack), the text model has 0"},
        {"qwen3.gguf", "vl3a-mmproj-f16.gguf", "takes no vision file"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *text = fixture_path(pairs[i].text), *mmproj = fixture_path(pairs[i].mmproj);
        lw_model_params params = {.mmproj = mmproj};
        g_autoptr(GError) error = NULL;
        g_assert_null(lw_model_open(text, &params, &error));
        g_assert_nonnull(error);
        if (!strstr(error->message, pairs[i].says))
            g_error("\"%s\" does not say \"%s\"", error->message, pairs[i].says);
    }
}

/* Every model of one of the fixtures' lists. */
static JsonParser *add_list(GPtrArray *models, GPtrArray *cases, const char *name)
{
    g_autofree char *path = fixture_path(name);
    g_autoptr(GError) error = NULL;
    JsonParser *parser = json_parser_new();
    if (!json_parser_load_from_file(parser, path, &error))
        g_error("%s", error->message);
    JsonObject *root = json_node_get_object(json_parser_get_root(parser));
    JsonArray *list = json_object_get_array_member(root, "models");
    for (guint i = 0; i < json_array_get_length(list); i++) {
        golden_model *g = load_model(json_array_get_object_element(list, i));
        g_ptr_array_add(models, g);
        add_model(cases, g);
    }
    return parser;
}

int main(int argc, char **argv)
{
    static const char *const lists[] = {"golden.json", "vision.json"};
    g_autoptr(GPtrArray) parsers = g_ptr_array_new_with_free_func(g_object_unref);
    g_autoptr(GPtrArray) models = g_ptr_array_new_with_free_func(model_free);
    g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(g_free);

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
        g_ptr_array_add(parsers, add_list(models, cases, lists[i]));
    g_test_add_func("/golden/foreign-towers", test_foreign_towers);
    return g_test_run();
}
