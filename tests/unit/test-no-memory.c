/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every allocation whose size comes from a file or a user fails once, in turn, on the whole way
 * from opening a model to an answer: each time there is one clean NO_MEMORY error (or the work is
 * done without what was lacking), what is already there still works, and the answer is the same as
 * ever. Under the address sanitizer nothing may leak.
 */
#include "engine/base/alloc.h"
#include "engine/lw-engine.h"

#include <glib/gstdio.h>
#include <string.h>

#include "tests/unit/remove-tree.h"

/* Allocations that the whole way has at most; more means that the loop does not end. */
#define MAX_ALLOCATIONS 400

typedef struct {
    int k; /* the allocation to fail; -1: none */
    guint n_errors;
    char *folder; /* snapshots */
} attempt;

/* A call that may fail, and is then made again: the failure was injected once. */
#define TRY(a, call)                                                                               \
    do {                                                                                           \
        GError *error = NULL;                                                                      \
        if (!(call)) {                                                                             \
            g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);                     \
            g_assert_nonnull(strstr(error->message, "not enough memory"));                         \
            g_assert_false(lw_alloc_fail_pending());                                               \
            g_clear_error(&error);                                                                 \
            g_assert_cmpuint((a)->n_errors++, ==, 0);                                              \
            g_assert_true(call);                                                                   \
        }                                                                                          \
        g_assert_no_error(error);                                                                  \
    } while (0)

static gboolean read_grid(lw_media *m, int t, float *patches, GError **error)
{
    for (gsize i = 0; i < (gsize)m->grid_h * (gsize)m->grid_w * (gsize)m->patch_dim; i++)
        patches[i] = (float)(i % 23) * 0.05f;
    return TRUE;
}

static void media_free(lw_media *m)
{
    g_free(m);
}

static lw_media *picture(void)
{
    lw_media *m = g_new0(lw_media, 1);

    g_atomic_ref_count_init(&m->refs);
    m->kind = LW_MEDIA_PICTURE;
    m->grid_t = 1;
    m->grid_h = m->grid_w = 6;
    m->merge_size = 2;
    m->patch_dim = 1176;
    memset(m->hash, 7, sizeof m->hash);
    m->label = (char *)"test";
    m->read_grid = read_grid;
    m->free = media_free;
    return m;
}

static void collect(void *user, const char *text, gsize n)
{
    g_string_append_len(user, text, (gssize)n);
}

static void session(attempt *a, lw_model *m, lw_media *seen, GString *out)
{
    lw_session_params params = {.n_ctx = 1024, .n_threads = 2, .snapshots = a->folder};
    lw_generate_params gp = {.sampling = lw_sampler_params_default(), .max_tokens = 30};
    lw_message msg = {.role = LW_ROLE_USER,
                      .text = "What do you see? Tell me about all of it, at length.",
                      .media = &seen,
                      .n_media = 1};
    lw_session *s, *fork;
    lw_prompt *p;
    lw_generate_result r;

    gp.sampling.repeat_penalty = 1.1f;
    gp.sampling.dry_multiplier = 0.5f;
    gp.sampling.typical_p = 0.9f;
    gp.sampling.bias = &(lw_logit_bias){3, -1};
    gp.sampling.n_bias = 1;
    gp.grammar = lw_grammar_new("root ::= [a-z ]{20,40}", -1, NULL);
    TRY(a, (s = lw_session_new(m, &params, &error)) != NULL);
    TRY(a, (p = lw_prompt_new_chat(m, &msg, 1, NULL, &error)) != NULL);
    TRY(a, (g_string_truncate(out, 0),
            lw_session_generate(s, p, &gp, collect, NULL, out, NULL, &r, &error)));
    g_assert_cmpuint(r.n_prompt, ==, lw_prompt_n_tokens(p));

    TRY(a, (fork = lw_session_fork(s, &error)) != NULL);
    lw_session_truncate(fork, r.n_prompt);
    TRY(a, lw_session_decode(fork, 5, NULL, NULL, &error));
    lw_session_free(fork);

    lw_session_keep_all_logits(s, TRUE);
    TRY(a, lw_session_sync(s, p, NULL, NULL, NULL, &error));
    lw_prompt_free(p);
    lw_session_free(s);
    lw_grammar_unref(gp.grammar);
}

static void whole_way(attempt *a, GString *out)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "../golden/fixtures/a-text-f16.gguf", NULL);
    g_autofree char *mmproj =
        g_test_build_filename(G_TEST_DIST, "../golden/fixtures/a-mmproj-f16.gguf", NULL);
    lw_model_params params = {.mmproj = mmproj};
    lw_media *seen = picture();
    lw_model *m;

    a->folder = g_dir_make_tmp("lw-no-memory-XXXXXX", NULL);
    lw_alloc_fail_at(a->k);
    TRY(a, (m = lw_model_open(path, &params, &error)) != NULL);
    session(a, m, seen, out);
    session(a, m, seen, out); /* and once more, from the snapshot */
    lw_model_unref(m);
    lw_media_unref(seen);
    remove_tree(a->folder);
    g_free(a->folder);
}

static void test_each_fails(void)
{
    g_autoptr(GString) want = g_string_new(NULL);
    attempt none = {.k = -1};
    guint n_errors = 0;
    int k;

    whole_way(&none, want);
    g_assert_cmpuint(want->len, >=, 20);
    for (k = 0;; k++) {
        g_autoptr(GString) got = g_string_new(NULL);
        attempt a = {.k = k};
        g_assert_cmpint(k, <, MAX_ALLOCATIONS);
        whole_way(&a, got);
        g_assert_cmpstr(got->str, ==, want->str);
        n_errors += a.n_errors;
        if (lw_alloc_fail_pending())
            break; /* there are only k of them */
    }
    lw_alloc_fail_at(-1);
    g_test_message("%d allocations, %u of them reported as an error", k, n_errors);
    g_assert_cmpint(k, >, 40);
    g_assert_cmpuint(n_errors, >, 30);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/no-memory/each-fails", test_each_fails);
    return g_test_run();
}
