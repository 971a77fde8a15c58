/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * No allocation per generated token: every malloc of the process is counted, in all threads.  One
 * token in 64 begins a page of the cache, and may allocate it.
 */
#include "engine/lw-engine.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__has_feature)
#define HAS(x) __has_feature(x)
#else
#define HAS(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS(address_sanitizer) ||     \
    HAS(thread_sanitizer) || HAS(memory_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* A sanitizer allocates for a thread when the thread first does something, which can be late. */
#define N_THREADS (SANITIZED ? 1 : 2)

static gint n_allocs;

static void count(void)
{
    g_atomic_int_inc(&n_allocs);
}

#if SANITIZED
/* The sanitizers own malloc and offer hooks. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *p, size_t n)
{
    count();
}

static void on_free(const volatile void *p)
{
}

static gboolean install(void)
{
    return __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0;
}
#else
/* These take the place of libc's in the whole process; libc keeps its own under other names. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
    count();
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    count();
    return __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    count();
    return __libc_memalign(align, n);
}

void *memalign(size_t align, size_t n);
void *memalign(size_t align, size_t n)
{
    count();
    return __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    count();
    *p = __libc_memalign(align, n);
    return *p ? 0 : ENOMEM;
}

static gboolean install(void)
{
    return TRUE;
}
#endif

static lw_model *open_model(void)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "../golden/fixtures/b-text-q8_0.gguf", NULL);
    g_autoptr(GError) error = NULL;
    lw_model *m = lw_model_open(path, &(lw_model_params){.mmproj = ""}, &error);

    g_assert_no_error(error);
    return m;
}

static lw_session *open_session(lw_model *m)
{
    g_autoptr(GError) error = NULL;
    lw_session *s =
        lw_session_new(m, &(lw_session_params){.n_ctx = 2048, .n_threads = N_THREADS}, &error);

    g_assert_no_error(error);
    return s;
}

static lw_prompt *some_tokens(lw_model *m)
{
    gint32 ids[100];
    g_autoptr(GError) error = NULL;

    for (int i = 0; i < 100; i++)
        ids[i] = i * 7 % 250;
    lw_prompt *p = lw_prompt_new_tokens(m, ids, 100, &error);
    g_assert_no_error(error);
    return p;
}

static void test_counter(void)
{
#if defined(__SANITIZE_THREAD__)
    g_test_skip("the thread sanitizer does not tell of aligned allocations");
    return;
#endif
    gint before = g_atomic_int_get(&n_allocs);

    g_free(g_malloc(10));
    g_free(g_new0(int, 10));
    g_aligned_free(g_aligned_alloc(1, 64, 64));
    g_assert_cmpint(g_atomic_int_get(&n_allocs), >=, before + 3);
}

/* What lw_session_generate() does for a token, step by step. */
static void test_steps(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m);
    lw_prompt *p = some_tokens(m);
    const lw_tokenizer *t = lw_model_get_tokenizer(m);
    lw_sampler_params params = lw_sampler_params_default();
    GString *text = g_string_sized_new(1 << 16);
    g_autoptr(GError) error = NULL;
    int n_pages = 0;

    params.seed = 3;
    lw_sampler *sampler = lw_sampler_new(lw_tokenizer_n_tokens(t), &params, &error);
    lw_detokenizer *detok = lw_detokenizer_new(t);
    g_assert_true(lw_session_sync(s, p, NULL, NULL, NULL, &error));
    for (int i = 0; i < 200; i++) {
        gint before = g_atomic_int_get(&n_allocs);
        gint32 token = lw_sampler_sample(sampler, lw_session_get_logits(s), NULL);
        lw_sampler_accept(sampler, token);
        lw_detokenizer_push(detok, token, text);
        gint middle = g_atomic_int_get(&n_allocs);
        gboolean page = lw_session_get_n_tokens(s) % 64 == 0;
        gboolean ok = lw_session_decode(s, token, NULL, NULL, NULL);
        gint after = g_atomic_int_get(&n_allocs);

        g_assert_true(ok);
        if (i < 64) /* warming up */
            continue;
        g_assert_cmpint(middle - before, ==, 0);
        /* The page, its entry in the table, perhaps a longer table. */
        g_assert_cmpint(after - middle, <=, page ? 3 : 0);
        n_pages += page;
    }
    g_assert_cmpint(n_pages, ==, 2);
    lw_sampler_free(sampler);
    lw_detokenizer_free(detok);
    g_string_free(text, TRUE);
    lw_prompt_free(p);
    lw_session_free(s);
    lw_model_unref(m);
}

typedef struct {
    lw_session *session;
    gint last;       /* allocations when text came before */
    gsize last_held; /* and tokens held */
    guint n_calls, n_pages;
} watcher;

static void on_text(void *user, const char *text, gsize n)
{
    watcher *w = user;
    gint now = g_atomic_int_get(&n_allocs);
    gsize held = lw_session_get_n_tokens(w->session);
    guint pages = (guint)((held + 63) / 64 - (w->last_held + 63) / 64);

    if (w->n_calls++ >= 40) {
        g_assert_cmpint(now - w->last, <=, 3 * (gint)pages);
        w->n_pages += pages;
    }
    w->last_held = held;
    w->last = g_atomic_int_get(&n_allocs);
}

/* The whole of it. */
static void test_generate(void)
{
    lw_model *m = open_model();
    lw_session *s = open_session(m);
    lw_prompt *p = some_tokens(m);
    lw_generate_params gp = {.sampling = lw_sampler_params_default(), .max_tokens = 300};
    watcher w = {.session = s};
    g_autoptr(GError) error = NULL;

    /* A seed whose answer is long. */
    for (gp.sampling.seed = 1; gp.sampling.seed < 50; gp.sampling.seed++) {
        lw_generate_result r;
        w = (watcher){.session = s};
        g_assert_true(lw_session_generate(s, p, &gp, on_text, NULL, &w, NULL, &r, &error));
        if (r.n_generated == 300)
            break;
    }
    g_assert_cmpuint(w.n_calls, >=, 100);
    g_assert_cmpuint(w.n_pages, >=, 1);
    lw_prompt_free(p);
    lw_session_free(s);
    lw_model_unref(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(install());
    g_test_add_func("/no-alloc/counter", test_counter);
    g_test_add_func("/no-alloc/steps", test_steps);
    g_test_add_func("/no-alloc/generate", test_generate);
    return g_test_run();
}
