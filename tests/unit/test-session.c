/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sessions on the tiny random model of tests/golden: reuse, cancelling, limits, determinism.
 */
#include "engine/lw-engine.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define FIXTURES "../golden/fixtures"
#define TEXT_MODEL "a-text-f16.gguf"
#define VISION_FILE "a-mmproj-f16.gguf"

static lw_model *open_model(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, FIXTURES, TEXT_MODEL, NULL);
    g_autofree char *mmproj = g_test_build_filename(G_TEST_DIST, FIXTURES, VISION_FILE, NULL);
    g_autoptr(GError) error = NULL;
    lw_model *m = lw_model_open(path, &(lw_model_params){.mmproj = mmproj}, &error);

    g_assert_no_error(error);
    return m;
}

static lw_session *open_session_kv(lw_model *m, guint32 n_ctx, int n_threads, lw_kv_type type)
{
    g_autoptr(GError) error = NULL;
    lw_session *s = lw_session_new(
        m, &(lw_session_params){.n_ctx = n_ctx, .n_threads = n_threads, .kv_type = type}, &error);

    g_assert_no_error(error);
    return s;
}

static lw_session *open_session(lw_model *m, guint32 n_ctx, int n_threads)
{
    return open_session_kv(m, n_ctx, n_threads, LW_KV_F32);
}

/* n pseudo-random text ids. */
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

static float *sync_logits(lw_session *s, const lw_prompt *p)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(lw_session_sync(s, p, NULL, NULL, NULL, &error));
    g_assert_no_error(error);
    return g_memdup2(lw_session_get_logits(s),
                     lw_model_get_info(lw_session_get_model(s))->n_vocab * sizeof(float));
}

static void assert_close(const float *a, const float *b, gsize n, float bound)
{
    for (gsize i = 0; i < n; i++)
        g_assert_cmpfloat(fabsf(a[i] - b[i]), <=, bound);
}

/* A longer prompt computes only what is new, with the same result as from nothing. */
static void test_reuse(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 2048, 2), *fresh = open_session(m, 2048, 2);
    lw_prompt *shorter = some_tokens(m, 700, 1), *longer = some_tokens(m, 900, 1);
    gsize n = lw_model_get_info(m)->n_vocab;

    g_free(sync_logits(s, shorter));
    g_assert_cmpuint(lw_session_get_n_reused(s), ==, 0);
    g_autofree float *a = sync_logits(s, longer);
    g_assert_cmpuint(lw_session_get_n_reused(s), ==, 700);
    g_autofree float *b = sync_logits(fresh, longer);
    assert_close(a, b, n, 1e-4f);

    /* The same prompt again costs nothing; a shorter one costs its last token. */
    g_free(sync_logits(s, longer));
    g_assert_cmpuint(lw_session_get_n_reused(s), ==, 900);
    g_autofree float *c = sync_logits(s, shorter);
    g_assert_cmpuint(lw_session_get_n_reused(s), ==, 699);
    g_assert_cmpuint(lw_session_get_n_tokens(s), ==, 700);
    lw_session_free(fresh);
    fresh = open_session(m, 2048, 2);
    g_autofree float *d = sync_logits(fresh, shorter);
    assert_close(c, d, n, 1e-4f);

    /* Another conversation shares nothing. */
    lw_prompt *other = some_tokens(m, 50, 99);
    g_free(sync_logits(s, other));
    g_assert_cmpuint(lw_session_get_n_reused(s), ==, 0);
    lw_prompt_free(other);
    lw_prompt_free(shorter);
    lw_prompt_free(longer);
    lw_session_free(fresh);
    lw_session_free(s);
    lw_model_unref(m);
}

/* Token by token equals all at once. */
static void test_decode_equals_prefill(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 1024, 2), *step = open_session(m, 1024, 2);
    lw_prompt *all = some_tokens(m, 600, 5), *first = some_tokens(m, 1, 5);
    gsize n = lw_model_get_info(m)->n_vocab;
    g_autoptr(GError) error = NULL;

    g_autofree float *a = sync_logits(s, all);
    g_free(sync_logits(step, first));
    for (gsize i = 1; i < 600; i++)
        g_assert_true(lw_session_decode(step, lw_prompt_ids(all)[i], NULL, NULL, &error));
    assert_close(a, lw_session_get_logits(step), n, 1e-4f);
    lw_prompt_free(all);
    lw_prompt_free(first);
    lw_session_free(s);
    lw_session_free(step);
    lw_model_unref(m);
}

/* Bit for bit the same for every thread count, prefill and decode. */
static void test_threads(gconstpointer kv_type)
{
    lw_model *m = open_model();
    gsize bytes = lw_model_get_info(m)->n_vocab * sizeof(float);
    g_autofree float *want = NULL, *want_decode = NULL;
    g_autoptr(GError) error = NULL;

    for (int threads = 1; threads <= 4; threads *= 2) {
        lw_session *s = open_session_kv(m, 2048, threads, (lw_kv_type)GPOINTER_TO_INT(kv_type));
        lw_prompt *p = some_tokens(m, 1300, 7);
        g_autofree float *got = sync_logits(s, p);
        const float *decoded;
        g_assert_true(lw_session_decode(s, 42, &decoded, NULL, &error));
        if (!want) {
            want = g_steal_pointer(&got);
            want_decode = g_memdup2(decoded, bytes);
        } else {
            g_assert_cmpmem(got, bytes, want, bytes);
            g_assert_cmpmem(decoded, bytes, want_decode, bytes);
        }
        lw_prompt_free(p);
        lw_session_free(s);
    }
    lw_model_unref(m);
}

typedef struct {
    gint cancel;
    guint calls, stop_at;
} canceller;

static void cancel_on_progress(void *user, const lw_progress *p)
{
    canceller *c = user;

    g_assert_cmpuint(p->done, <=, p->total);
    if (++c->calls == c->stop_at)
        g_atomic_int_set(&c->cancel, 1);
}

/* Stopping while reading keeps a valid prefix; going on later gives the right answer. */
static void test_cancel(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 2048, 2), *fresh = open_session(m, 2048, 2);
    lw_prompt *p = some_tokens(m, 1800, 3);
    gsize n = lw_model_get_info(m)->n_vocab;
    canceller c = {.stop_at = 3};
    g_autoptr(GError) error = NULL;

    g_assert_false(lw_session_sync(s, p, cancel_on_progress, &c, &c.cancel, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED);
    g_assert_cmpuint(lw_session_get_n_tokens(s), ==, 1024);
    g_assert_null(lw_session_get_logits(s));
    g_autofree float *a = sync_logits(s, p), *b = sync_logits(fresh, p);
    assert_close(a, b, n, 1e-4f);
    g_assert_cmpuint(lw_session_get_n_reused(s), ==, 1024);

    g_clear_error(&error);
    c.cancel = 1;
    g_assert_false(lw_session_decode(s, 1, NULL, &c.cancel, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED);
    g_assert_cmpuint(lw_session_get_n_tokens(s), ==, 1800);
    lw_prompt_free(p);
    lw_session_free(s);
    lw_session_free(fresh);
    lw_model_unref(m);
}

/* Nothing is cut to make it fit. */
static void test_context_full(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 100, 1);
    lw_prompt *fits = some_tokens(m, 100, 1), *too_long = some_tokens(m, 101, 1);
    g_autoptr(GError) error = NULL;

    g_free(sync_logits(s, fits));
    g_assert_false(lw_session_sync(s, too_long, NULL, NULL, NULL, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL);
    g_assert_nonnull(strstr(error->message, "101"));
    g_assert_nonnull(strstr(error->message, "100"));
    /* The choices are offered: this tiny model has room for more. */
    g_assert_nonnull(strstr(error->message, "would hold it"));
    lw_fit_choices choices;
    lw_session_get_choices(s, 101, &choices);
    g_assert_true(choices.larger_helps);
    g_assert_cmpuint(choices.n_ctx, ==, 100);
    g_assert_cmpuint(lw_session_get_n_tokens(s), ==, 100);
    g_clear_error(&error);
    g_assert_false(lw_session_decode(s, 1, NULL, NULL, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL);
    g_clear_error(&error);

    lw_generate_result r;
    lw_generate_params gp = {.sampling = lw_sampler_params_default()};
    g_assert_true(lw_session_generate(s, fits, &gp, NULL, NULL, NULL, NULL, &r, &error));
    g_assert_cmpint(r.stop, ==, LW_STOP_CONTEXT);
    lw_prompt_free(fits);
    lw_prompt_free(too_long);
    lw_session_free(s);
    lw_model_unref(m);
}

static void test_bad_requests(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 100, 1);
    gint32 n_vocab = (gint32)lw_model_get_info(m)->n_vocab;
    g_autoptr(GError) error = NULL;

    g_assert_null(lw_prompt_new_tokens(m, &n_vocab, 1, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_clear_error(&error);
    lw_prompt *empty = lw_prompt_new_tokens(m, NULL, 0, &error);
    g_assert_false(lw_session_sync(s, empty, NULL, NULL, NULL, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_false(lw_session_decode(s, -1, NULL, NULL, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_null(lw_session_new(m, &(lw_session_params){.attention = "guesswork"}, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "dense"));
    g_clear_error(&error);
    g_assert_null(lw_session_new(m, &(lw_session_params){.backend = "abacus"}, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_null(lw_session_new(m, &(lw_session_params){.n_ctx = G_MAXUINT32}, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);
    lw_prompt_free(empty);
    lw_session_free(s);
    lw_model_unref(m);
}

/* ---- Media ---- */

typedef struct {
    lw_media base;
    int reads;
    float value;
    gboolean broken;
} test_media;

static gboolean read_grid(lw_media *m, int t, float *patches, GError **error)
{
    test_media *tm = (test_media *)m;

    tm->reads++;
    if (tm->broken) {
        g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "the disk is gone");
        return FALSE;
    }
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
    lw_media *list[2] = {a ? &a->base : NULL, b ? &b->base : NULL};
    lw_message msg = {LW_ROLE_USER, text, list, (gsize)(a != NULL) + (b != NULL)};
    g_autoptr(GError) error = NULL;
    lw_prompt *p = lw_prompt_new_chat(m, &msg, 1, NULL, &error);

    g_assert_no_error(error);
    return p;
}

/* A picture that is asked about twice is encoded once, also when the conversation begins anew. */
static void test_encoded_once(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 2048, 2);
    test_media *cat = medium(LW_MEDIA_PICTURE, 1, 3, 5, 1.0f), *dog = medium(LW_MEDIA_PICTURE, 1, 2, 2, 2.0f);
    test_media *again = medium(LW_MEDIA_PICTURE, 1, 3, 5, 1.0f);
    lw_prompt *p = ask(m, cat, NULL, "What is it?"), *q = ask(m, again, NULL, "Where is it?");
    lw_prompt *both = ask(m, dog, again, "Which is larger?");

    g_autofree float *first = sync_logits(s, p);
    g_assert_cmpint(cat->reads, ==, 1);
    g_free(sync_logits(s, q));
    g_assert_cmpint(again->reads, ==, 0);
    g_free(sync_logits(s, both));
    g_assert_cmpint(again->reads, ==, 0);
    g_assert_cmpint(dog->reads, ==, 1);
    g_autofree float *second = sync_logits(s, p);
    g_assert_cmpint(cat->reads, ==, 1);
    assert_close(first, second, lw_model_get_info(m)->n_vocab, 1e-4f);

    /* Another picture of the same size is not mistaken for it. */
    test_media *bird = medium(LW_MEDIA_PICTURE, 1, 3, 5, 3.0f);
    lw_prompt *r = ask(m, bird, NULL, "What is it?");
    g_autofree float *third = sync_logits(s, r);
    g_assert_cmpint(bird->reads, ==, 1);
    g_assert_cmpuint(lw_session_get_n_reused(s), <, lw_prompt_n_tokens(p) - 15);
    g_assert_true(memcmp(first, third, 100 * sizeof(float)) != 0);

    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_prompt_free(both);
    lw_prompt_free(r);
    lw_media_unref(&cat->base);
    lw_media_unref(&again->base);
    lw_media_unref(&dog->base);
    lw_media_unref(&bird->base);
    lw_session_free(s);
    lw_model_unref(m);
}

/* A film longer than a chunk, then one that breaks while it is read. */
static void test_films(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 4096, 2);
    test_media *film = medium(LW_MEDIA_FILM, 40, 4, 5, 1.0f), *bad = medium(LW_MEDIA_FILM, 4, 4, 5, 2.0f);
    lw_prompt *p = ask(m, film, NULL, "What happens?"), *q = ask(m, bad, NULL, "What happens?");
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(lw_prompt_n_tokens(p), >, 800);
    g_autofree float *a = sync_logits(s, p);
    g_assert_cmpint(film->reads, ==, 40);
    bad->broken = TRUE;
    g_assert_false(lw_session_sync(s, q, NULL, NULL, NULL, &error));
    g_assert_cmpstr(error->message, ==, "the disk is gone");
    g_autofree float *b = sync_logits(s, p);
    assert_close(a, b, lw_model_get_info(m)->n_vocab, 1e-4f);
    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_media_unref(&film->base);
    lw_media_unref(&bad->base);
    lw_session_free(s);
    lw_model_unref(m);
}

typedef struct {
    guint n[2]; /* calls per stage */
    gsize last_done;
} stages;

static void count_stages(void *user, const lw_progress *p)
{
    stages *st = user;

    st->n[p->stage]++;
    g_assert_cmpuint(p->done, >=, st->last_done);
    g_assert_cmpuint(p->done, <=, p->total);
    st->last_done = p->done;
}

/* Encoding is reported apart from reading, and only where there is something to encode. */
static void test_stages(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 2048, 2);
    test_media *cat = medium(LW_MEDIA_PICTURE, 1, 3, 5, 1.0f);
    lw_prompt *with = ask(m, cat, NULL, "What is it?"), *text = some_tokens(m, 900, 4);
    stages st = {{0, 0}, 0};
    g_autoptr(GError) error = NULL;

    g_assert_true(lw_session_sync(s, with, count_stages, &st, NULL, &error));
    g_assert_cmpuint(st.n[LW_STAGE_VISION], ==, 1);
    g_assert_cmpuint(st.n[LW_STAGE_PREFILL], ==, 2);
    g_assert_cmpuint(st.last_done, ==, lw_prompt_n_tokens(with));
    st = (stages){{0, 0}, 0};
    g_assert_true(lw_session_sync(s, text, count_stages, &st, NULL, &error));
    g_assert_cmpuint(st.n[LW_STAGE_VISION], ==, 0);
    g_assert_cmpuint(st.n[LW_STAGE_PREFILL], ==, 3);
    lw_prompt_free(with);
    lw_prompt_free(text);
    lw_media_unref(&cat->base);
    lw_session_free(s);
    lw_model_unref(m);
}

/* A model file that is cut short while it is mapped: an error with its name, no crash. */
static void test_file_shrinks(void)
{
    g_autofree char *from = g_test_build_filename(G_TEST_DIST, FIXTURES, TEXT_MODEL, NULL);
    g_autofree char *dir = g_dir_make_tmp("lw-session-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "model.gguf", NULL);
    g_autofree char *bytes = NULL;
    gsize n = 0;
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_get_contents(from, &bytes, &n, NULL));
    g_assert_true(g_file_set_contents(path, bytes, (gssize)n, NULL));
    lw_model *m = lw_model_open(path, &(lw_model_params){.mmproj = ""}, &error);
    g_assert_no_error(error);
    lw_session *s = open_session(m, 512, 1);
    lw_prompt *p = some_tokens(m, 100, 1);
    g_assert_cmpint(truncate(path, 4096), ==, 0);
    g_assert_false(lw_session_sync(s, p, NULL, NULL, NULL, &error));
    g_assert_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "model.gguf"));
    g_assert_cmpuint(lw_session_get_n_tokens(s), ==, 0);
    lw_prompt_free(p);
    lw_session_free(s);
    lw_model_unref(m);
    g_unlink(path);
    g_rmdir(dir);
}

static void test_no_vision(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, FIXTURES, TEXT_MODEL, NULL);
    g_autoptr(GError) error = NULL;
    lw_model *m = lw_model_open(path, &(lw_model_params){.mmproj = ""}, &error);
    test_media *cat = medium(LW_MEDIA_PICTURE, 1, 3, 5, 1.0f);
    lw_media *list[1] = {&cat->base};
    lw_message msg = {LW_ROLE_USER, "What is it?", list, 1};

    g_assert_no_error(error);
    g_assert_false(lw_model_get_info(m)->has_vision);
    g_assert_null(lw_prompt_new_chat(m, &msg, 1, NULL, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "mmproj"));
    lw_media_unref(&cat->base);
    lw_model_unref(m);
}

/* The beginning of an answer follows the prompt as text, whatever it looks like, one position a token. */
static void test_begun_answer(void)
{
    lw_model *m = open_model();
    const lw_message msg = {.role = LW_ROLE_USER, .text = "Count"};
    const lw_tokenizer *t = lw_model_get_tokenizer(m);
    const char *begun = "one, two <|im_end|>";
    const lw_span span = {begun, strlen(begun), FALSE};
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    g_autoptr(GError) error = NULL;
    lw_prompt *p = lw_prompt_new_chat(m, &msg, 1, NULL, &error);
    gsize n = lw_prompt_n_tokens(p);
    gint32 position = lw_prompt_positions(p)[3 * (n - 1)];

    g_assert_true(lw_prompt_append_text(p, m, begun, &error));
    g_assert_no_error(error);
    g_assert_true(lw_tokenizer_encode(t, &span, 1, ids, &error));
    g_assert_cmpuint(ids->len, >, 2);
    g_assert_cmpuint(lw_prompt_n_tokens(p), ==, n + ids->len);
    g_assert_cmpmem(lw_prompt_ids(p) + n, ids->len * sizeof(gint32), ids->data, ids->len * sizeof(gint32));
    for (guint i = 0; i < ids->len; i++) {
        g_assert_cmpint(lw_prompt_ids(p)[n + i], !=, lw_tokenizer_find_special(t, "<|im_end|>"));
        g_assert_cmpint(lw_prompt_positions(p)[3 * (n + i)], ==, position + 1 + (gint32)i);
    }
    lw_prompt_free(p);
    lw_model_unref(m);
}

/* ---- Generation ---- */

typedef struct {
    GString *text;
    gint cancel;
    gsize stop_after; /* bytes; 0: never */
} collected;

static void collect(void *user, const char *text, gsize n)
{
    collected *c = user;

    g_assert_true(g_utf8_validate_len(text, n, NULL));
    g_string_append_len(c->text, text, (gssize)n);
    if (c->stop_after && c->text->len >= c->stop_after)
        g_atomic_int_set(&c->cancel, 1);
}

static lw_generate_result run(lw_session *s, const lw_prompt *p, lw_generate_params *gp, collected *c)
{
    lw_generate_result r;
    g_autoptr(GError) error = NULL;

    c->text = g_string_new(NULL);
    g_assert_true(lw_session_generate(s, p, gp, collect, NULL, c, &c->cancel, &r, &error));
    g_assert_no_error(error);
    return r;
}

static void test_generate(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 2048, 2);
    lw_prompt *p = ask(m, NULL, NULL, "Tell me everything you know.");
    lw_generate_params gp = {.sampling = lw_sampler_params_default(), .max_tokens = 60};
    collected plain = {0}, again = {0}, cut = {0}, stopped = {0};

    gp.sampling.temperature = 0;
    lw_generate_result r = run(s, p, &gp, &plain);
    g_assert_cmpuint(r.n_generated, >, 10);
    g_assert_cmpuint(r.n_prompt, ==, lw_prompt_n_tokens(p));

    /* Greedy is repeatable, and the second time the prompt is there already. */
    r = run(s, p, &gp, &again);
    g_assert_cmpstr(plain.text->str, ==, again.text->str);
    g_assert_cmpuint(r.n_reused, >=, r.n_prompt - 1);

    /* A stop string ends the text before itself, wherever token borders fall. */
    g_autofree char *needle = g_utf8_substring(plain.text->str, 6, 9);
    const char *stop[] = {needle, NULL};
    gp.stop = stop;
    r = run(s, p, &gp, &cut);
    g_assert_cmpint(r.stop, ==, LW_STOP_STRING);
    const char *at = strstr(plain.text->str, needle);
    g_assert_cmpuint(cut.text->len, ==, (gsize)(at - plain.text->str));
    g_assert_true(strncmp(cut.text->str, plain.text->str, cut.text->len) == 0);

    /* Stop keeps what is there. */
    gp.stop = NULL;
    stopped.stop_after = 5;
    r = run(s, p, &gp, &stopped);
    g_assert_cmpint(r.stop, ==, LW_STOP_CANCELLED);
    g_assert_cmpuint(stopped.text->len, >=, 5);
    g_assert_true(g_str_has_prefix(plain.text->str, stopped.text->str) ||
                  g_str_has_suffix(stopped.text->str, "\357\277\275"));

    g_string_free(plain.text, TRUE);
    g_string_free(again.text, TRUE);
    g_string_free(cut.text, TRUE);
    g_string_free(stopped.text, TRUE);
    lw_prompt_free(p);
    lw_session_free(s);
    lw_model_unref(m);
}

/* An answer that says one thing for ever is stopped when that is asked for; what it said stays, and is the
 * beginning of what it says otherwise. */
static void test_repeat_stop(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 2048, 2);
    lw_prompt *p = ask(m, NULL, NULL, "Tell me everything you know.");
    const lw_logit_bias always = {65, 1000};
    lw_generate_params gp = {.sampling = lw_sampler_params_default(), .max_tokens = 90};
    collected whole = {0}, stopped = {0};

    gp.sampling.bias = &always;
    gp.sampling.n_bias = 1;
    lw_generate_result r = run(s, p, &gp, &whole);
    g_assert_cmpint(r.stop, ==, LW_STOP_LENGTH);
    g_assert_cmpuint(r.n_generated, ==, 90);

    gp.repeat_stop = 30;
    r = run(s, p, &gp, &stopped);
    g_assert_cmpint(r.stop, ==, LW_STOP_REPEATS);
    g_assert_cmpuint(r.n_generated, ==, 30);
    g_assert_true(g_str_has_prefix(whole.text->str, stopped.text->str));
    g_assert_cmpuint(stopped.text->len, ==, whole.text->len / 3);

    g_string_free(whole.text, TRUE);
    g_string_free(stopped.text, TRUE);
    lw_prompt_free(p);
    lw_session_free(s);
    lw_model_unref(m);
}

/* ---- Under a grammar, with log-probabilities ---- */

typedef struct {
    collected base; /* first: collect() takes it */
    GString *bytes;
    guint n;
    float sum;
} reported;

static void on_token(void *user, const lw_generated_token *t)
{
    reported *r = user;

    g_string_append_len(r->bytes, t->bytes, (gssize)t->n);
    g_assert_cmpuint(t->n_top, ==, 3);
    g_assert_cmpfloat(t->top[0].logprob, >=, t->top[1].logprob);
    g_assert_cmpfloat(t->logprob, <=, t->top[0].logprob);
    g_assert_cmpfloat(t->logprob, <=, 0);
    r->n++;
    r->sum += t->logprob;
}

static void test_grammar(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m, 2048, 2);
    lw_prompt *p = ask(m, NULL, NULL, "How many stones?");
    GError *error = NULL;
    lw_grammar *g = lw_grammar_new_json_schema(
        "{\"type\":\"object\",\"properties\":{\"count\":{\"type\":\"integer\",\"minimum\":2,\"maximum\":47},"
        "\"sure\":{\"type\":\"boolean\"}},\"required\":[\"count\",\"sure\"]}",
        -1, &error);
    g_assert_no_error(error);
    lw_generate_params gp = {.sampling = lw_sampler_params_default(), .max_tokens = 400, .grammar = g,
                             .on_token = on_token, .n_top = 3};

    /* A model with random weights, at any seed: only the grammar can be why this is JSON. */
    for (guint64 seed = 0; seed < 12; seed++) {
        reported r = {.bytes = g_string_new(NULL)};
        int count = 0, end = 0;
        char sure[8];
        gp.sampling.seed = seed;
        gp.sampling.temperature = seed ? 1 : 0;
        r.base.text = g_string_new(NULL);
        lw_generate_result result;
        g_assert_true(lw_session_generate(s, p, &gp, collect, NULL, &r, NULL, &result, &error));
        g_assert_no_error(error);
        g_assert_cmpint(result.stop, ==, LW_STOP_END);
        g_assert_cmpuint(r.n, ==, result.n_generated);
        g_assert_cmpstr(r.bytes->str, ==, r.base.text->str);
        g_assert_cmpint(sscanf(r.base.text->str, " { \"count\" : %d , \"sure\" : %7[a-z] }%n", &count, sure, &end), ==, 2);
        g_assert_cmpint(end, ==, (int)r.base.text->len);
        g_assert_cmpint(count, >=, 2);
        g_assert_cmpint(count, <=, 47);
        g_assert_true(!strcmp(sure, "true") || !strcmp(sure, "false"));
        g_string_free(r.base.text, TRUE);
        g_string_free(r.bytes, TRUE);
    }
    lw_grammar_unref(g);

    /* Nothing may be said: an error, and the session goes on. */
    gp.grammar = g = lw_grammar_new("root ::= []", -1, NULL);
    g_assert_false(lw_session_generate(s, p, &gp, NULL, NULL, NULL, NULL, NULL, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_clear_error(&error);
    lw_grammar_unref(g);
    lw_prompt_free(p);
    lw_session_free(s);
    lw_model_unref(m);
}

/* ---- Forks ---- */

static void decode_some(lw_session *s, gint32 first, gint32 step, int n)
{
    g_autoptr(GError) error = NULL;

    for (int i = 0; i < n; i++)
        g_assert_true(lw_session_decode(s, (first + i * step) % 250, NULL, NULL, &error));
    g_assert_no_error(error);
}

static void assert_same_logits(const lw_session *a, const lw_session *b)
{
    gsize n = lw_model_get_info(lw_session_get_model(a))->n_vocab * sizeof(float);

    g_assert_cmpmem(lw_session_get_logits(a), n, lw_session_get_logits(b), n);
}

/* Both sides of a fork give, bit for bit, what separate sessions give, whoever goes first or away. */
static void test_fork(void)
{
    lw_model *m = open_model();
    lw_session *a = open_session(m, 2048, 2), *b, *a2 = open_session(m, 2048, 2), *b2 = open_session(m, 2048, 2);
    lw_prompt *p = some_tokens(m, 500, 1), *q = some_tokens(m, 700, 1);
    g_autoptr(GError) error = NULL;

    g_free(sync_logits(a, p));
    g_free(sync_logits(a2, p));
    g_free(sync_logits(b2, p));
    gsize bytes = lw_session_get_kv_bytes(a), page = bytes / 8; /* 500 tokens */
    b = lw_session_fork(a, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(lw_session_get_n_tokens(b), ==, 500);
    assert_same_logits(a, b);
    g_assert_cmpuint(lw_session_get_kv_bytes(a), ==, bytes);

    decode_some(b, 3, 5, 40);
    g_assert_cmpuint(lw_session_get_kv_bytes(a), ==, bytes + 2 * page); /* the copy, and one more */
    decode_some(a, 7, 11, 40);
    decode_some(b2, 3, 5, 40);
    decode_some(a2, 7, 11, 40);
    assert_same_logits(a, a2);
    assert_same_logits(b, b2);

    /* Back into what is shared, and on from there. */
    lw_session_truncate(a, 300);
    lw_session_truncate(a2, 300);
    g_assert_null(lw_session_get_logits(a));
    g_assert_cmpuint(lw_session_get_n_tokens(a), ==, 300);
    decode_some(a, 1, 1, 70);
    decode_some(a2, 1, 1, 70);
    assert_same_logits(a, a2);
    decode_some(b, 9, 2, 30);
    decode_some(b2, 9, 2, 30);
    assert_same_logits(b, b2);
    lw_session_truncate(b, 5000); /* nothing to cut */
    assert_same_logits(b, b2);

    /* A fork of a fork; then its parents go. */
    lw_session *c = lw_session_fork(b, &error), *c2 = b2;
    lw_session_free(a);
    lw_session_free(b);
    decode_some(c, 100, 3, 10);
    decode_some(c2, 100, 3, 10);
    assert_same_logits(c, c2);
    g_free(sync_logits(c, q));
    g_free(sync_logits(c2, q));
    g_assert_cmpuint(lw_session_get_n_reused(c), ==, 500);
    assert_same_logits(c, c2);
    lw_session_free(c);
    lw_session_free(c2);
    lw_session_free(a2);
    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_model_unref(m);
}

/* One cache bounds parent and forks together; a full one ends an answer and spoils nothing. */
static void test_fork_is_bounded(void)
{
    lw_model *m = open_model();
    lw_session *a = open_session(m, 256, 1), *b;
    lw_prompt *p = some_tokens(m, 180, 1);
    lw_generate_params gp = {.sampling = lw_sampler_params_default()};
    lw_generate_result r;
    g_autoptr(GError) error = NULL;

    g_free(sync_logits(a, p)); /* 3 of 4 pages */
    b = lw_session_fork(a, &error);
    decode_some(a, 1, 1, 12); /* takes the copy of the third page, which is the fourth */
    decode_some(b, 1, 1, 12); /* owns the third alone now */
    assert_same_logits(a, b);
    g_assert_false(lw_session_decode(a, 1, NULL, NULL, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL);
    g_assert_cmpuint(lw_session_get_n_tokens(a), ==, 192);
    g_clear_error(&error);
    g_assert_true(lw_session_generate(b, p, &gp, NULL, NULL, NULL, NULL, &r, &error));
    lw_session_free(b);
    decode_some(a, 1, 1, 64);
    g_assert_cmpuint(lw_session_get_n_tokens(a), ==, 256);
    lw_prompt_free(p);
    lw_session_free(a);
    lw_model_unref(m);
}

/* A picture in the shared part is encoded once for both. */
static void test_fork_with_media(void)
{
    lw_model *m = open_model();
    lw_session *a = open_session(m, 2048, 2), *b, *whole = open_session(m, 2048, 2);
    test_media *cat = medium(LW_MEDIA_PICTURE, 1, 3, 5, 1.0f);
    lw_prompt *p = ask(m, cat, NULL, "What is it?"), *q = ask(m, cat, NULL, "What is it not?");
    g_autoptr(GError) error = NULL;

    g_free(sync_logits(a, p));
    b = lw_session_fork(a, &error);
    lw_session_free(a);
    g_free(sync_logits(b, q));
    g_assert_cmpint(cat->reads, ==, 1);
    g_free(sync_logits(whole, p));
    g_free(sync_logits(whole, q));
    assert_same_logits(b, whole);
    lw_prompt_free(p);
    lw_prompt_free(q);
    lw_media_unref(&cat->base);
    lw_session_free(b);
    lw_session_free(whole);
    lw_model_unref(m);
}

/* What two questions about a picture have in common is a prompt of its own: read first, forked for each. */
static void test_prefix(void)
{
    lw_model *m = open_model();
    lw_session *a = open_session(m, 2048, 2), *fresh = open_session(m, 2048, 2), *b;
    test_media *cat = medium(LW_MEDIA_PICTURE, 1, 3, 5, 1.0f), *dog = medium(LW_MEDIA_PICTURE, 1, 3, 5, 2.0f);
    lw_prompt *p = ask(m, cat, NULL, "What is it?"), *q = ask(m, cat, NULL, "Who is there?");
    lw_prompt *other = ask(m, dog, NULL, "What is it?");
    gsize n = lw_prompt_common(p, q), n_vocab = lw_model_get_info(m)->n_vocab;
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(n, >, 15); /* the picture */
    g_assert_cmpuint(n, <, MIN(lw_prompt_n_tokens(p), lw_prompt_n_tokens(q)));
    g_assert_cmpint(lw_prompt_ids(p)[n], !=, lw_prompt_ids(q)[n]);
    g_assert_cmpuint(lw_prompt_common(p, p), ==, lw_prompt_n_tokens(p));
    g_assert_cmpuint(lw_prompt_common(p, other), <, n - 14); /* equal ids, another picture */

    lw_prompt *shared = lw_prompt_new_prefix(p, n), *whole = lw_prompt_new_prefix(p, lw_prompt_n_tokens(p));
    lw_prompt *middle = lw_prompt_new_prefix(p, n - 8); /* ends inside the picture */
    g_assert_cmpuint(lw_prompt_n_tokens(shared), ==, n);
    g_assert_cmpuint(lw_prompt_common(shared, q), ==, n);
    g_assert_cmpuint(lw_prompt_common(whole, p), ==, lw_prompt_n_tokens(p));
    g_assert_cmpuint(lw_prompt_common(middle, p), ==, n - 8);
    g_free(sync_logits(a, middle));
    g_free(sync_logits(a, shared));
    g_assert_cmpuint(lw_session_get_n_reused(a), ==, n - 8);
    b = lw_session_fork(a, &error);
    g_assert_no_error(error);
    g_autofree float *asked = sync_logits(b, q), *alone = sync_logits(fresh, q);
    g_assert_cmpuint(lw_session_get_n_reused(b), ==, n);
    g_assert_cmpint(cat->reads, ==, 2); /* once in each of the two sessions that share nothing */
    assert_close(asked, alone, n_vocab, 1e-4f);

    lw_prompt *all[] = {p, q, other, shared, whole, middle};
    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        lw_prompt_free(all[i]);
    lw_media_unref(&cat->base);
    lw_media_unref(&dog->base);
    lw_session_free(b);
    lw_session_free(a);
    lw_session_free(fresh);
    lw_model_unref(m);
}

/* Pictures inside the text of a message. */
static void test_interleaved(void)
{
    lw_model *m = open_model();
    test_media *cat = medium(LW_MEDIA_PICTURE, 1, 3, 5, 1.0f), *dog = medium(LW_MEDIA_PICTURE, 1, 2, 2, 2.0f);
    lw_media *media[] = {&cat->base, &dog->base};
    const gsize first[] = {0, 0}, around[] = {0, 4};
    lw_message msg = {.role = LW_ROLE_USER, .text = "then what?", .media = media, .n_media = 2};
    gint32 pad = lw_tokenizer_find_special(lw_model_get_tokenizer(m), "<|image_pad|>");
    g_autoptr(GError) error = NULL;
    lw_prompt *plain = lw_prompt_new_chat(m, &msg, 1, NULL, &error), *same, *apart;

    msg.media_at = first;
    same = lw_prompt_new_chat(m, &msg, 1, NULL, &error);
    msg.media_at = around;
    apart = lw_prompt_new_chat(m, &msg, 1, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(lw_prompt_common(plain, same), ==, lw_prompt_n_tokens(plain));

    /* 15 places, "<|vision_end|>then<|vision_start|>", 4 places; one run of all 19 when nothing is between. */
    gsize n = lw_prompt_n_tokens(apart), at = 0, between = 0;
    const gint32 *ids = lw_prompt_ids(apart);
    while (ids[at] != pad)
        at++;
    for (gsize i = 0; i < 15; i++)
        g_assert_cmpint(ids[at + i], ==, pad);
    for (at += 15; at < n && ids[at] != pad; at++)
        between++;
    g_assert_cmpuint(between, >, 2);
    for (gsize i = 0; i < 4; i++)
        g_assert_cmpint(ids[at + i], ==, pad);
    lw_session *s = open_session(m, 512, 2);
    g_free(sync_logits(s, apart));
    g_assert_cmpint(cat->reads + dog->reads, ==, 2);

    lw_session_free(s);
    lw_prompt_free(plain);
    lw_prompt_free(same);
    lw_prompt_free(apart);
    lw_media_unref(&cat->base);
    lw_media_unref(&dog->base);
    lw_model_unref(m);
}

typedef struct {
    gsize n_rows;
    guint n_head, head;
    double first_key; /* all that the first key got */
} watcher;

static void watch_row(void *user, const lw_attention_row *r)
{
    watcher *w = user;
    double sum = 0;

    /* Rows of a chunk, layer by layer, heads inside. */
    g_assert_cmpuint(r->head, ==, w->head);
    g_assert_cmpuint(r->n_keys, ==, r->row + 1);
    g_assert_cmpuint(r->row, >=, 590);
    g_assert_cmpuint(r->row, <, 602);
    for (gsize k = 0; k < r->n_keys; k++) {
        g_assert_cmpfloat(r->p[k], >=, 0);
        sum += r->p[k];
    }
    g_assert_cmpfloat_with_epsilon(sum, 1, 1e-4);
    w->first_key += r->p[0];
    w->head = (r->head + 1) % w->n_head;
    w->n_rows++;
}

/* Every watched row of every head, whatever the mode; and the results are what they are without. */
static void test_watch(void)
{
    lw_model *m = open_model();
    const lw_model_info *info = lw_model_get_info(m);
    lw_session *s = open_session(m, 1024, 2), *plain = open_session(m, 1024, 2);
    lw_prompt *p = some_tokens(m, 600, 5);
    watcher w = {.n_head = info->n_head};
    g_autoptr(GError) error = NULL;

    g_assert_true(lw_session_watch(s, 590, 602, watch_row, &w, &error));
    g_autofree float *a = sync_logits(s, p), *b = sync_logits(plain, p);
    g_assert_cmpmem(a, info->n_vocab * sizeof(float), b, info->n_vocab * sizeof(float));
    g_assert_cmpuint(w.n_rows, ==, 10 * info->n_layer * info->n_head);
    g_assert_true(lw_session_decode(s, 7, NULL, NULL, &error));
    g_assert_cmpuint(w.n_rows, ==, 11 * info->n_layer * info->n_head);
    g_assert_cmpfloat(w.first_key, >, 0);
    g_assert_true(lw_session_watch(s, 0, 0, NULL, NULL, &error));
    g_assert_true(lw_session_decode(s, 7, NULL, NULL, &error));
    g_assert_cmpuint(w.n_rows, ==, 11 * info->n_layer * info->n_head);
    lw_session_free(s);

    /* In the first layer what is looked at does not depend on what was seen. */
    s = lw_session_new(m, &(lw_session_params){.n_ctx = 1024, .kv_type = LW_KV_F32, .attention = "window:0+2"}, &error);
    watcher crude = {.n_head = info->n_head};
    g_assert_true(lw_session_watch(s, 590, 602, watch_row, &crude, &error));
    g_free(sync_logits(s, p));
    g_assert_cmpuint(crude.n_rows, ==, 10 * info->n_layer * info->n_head);
    lw_session_free(s);
    lw_session_free(plain);
    lw_prompt_free(p);
    lw_model_unref(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/session/reuse", test_reuse);
    g_test_add_func("/session/decode-equals-prefill", test_decode_equals_prefill);
    for (int t = LW_KV_F16; t <= LW_KV_Q8_0; t++) {
        g_autofree char *name = g_strdup_printf("/session/threads/%s", lw_kv_type_name((lw_kv_type)t));
        g_test_add_data_func(name, GINT_TO_POINTER(t), test_threads);
    }
    g_test_add_func("/session/cancel", test_cancel);
    g_test_add_func("/session/context-full", test_context_full);
    g_test_add_func("/session/bad-requests", test_bad_requests);
    g_test_add_func("/session/encoded-once", test_encoded_once);
    g_test_add_func("/session/films", test_films);
    g_test_add_func("/session/stages", test_stages);
    g_test_add_func("/session/file-shrinks", test_file_shrinks);
    g_test_add_func("/session/no-vision", test_no_vision);
    g_test_add_func("/session/begun-answer", test_begun_answer);
    g_test_add_func("/session/generate", test_generate);
    g_test_add_func("/session/repeat-stop", test_repeat_stop);
    g_test_add_func("/session/fork", test_fork);
    g_test_add_func("/session/fork-is-bounded", test_fork_is_bounded);
    g_test_add_func("/session/fork-with-media", test_fork_with_media);
    g_test_add_func("/session/prefix", test_prefix);
    g_test_add_func("/session/interleaved", test_interleaved);
    g_test_add_func("/session/watch", test_watch);
    g_test_add_func("/session/grammar", test_grammar);
    return g_test_run();
}
