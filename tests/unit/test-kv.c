/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kv/pages.h"

#include "engine/base/alloc.h"
#include "engine/kv/slabs.h"
#include "engine/kv/store.h"

#include <math.h>
#include <string.h>

static void *page_alloc(gsize n, GError **error)
{
    return lw_alloc_try(n, "a page", error);
}

static void page_copy(void *dst, const void *src, gsize n)
{
    memcpy(dst, src, n);
}

static const lw_kv_storage storage = {page_alloc, lw_free, page_copy};
static const lw_kv_shape shape = {.n_layer = 3, .n_head_kv = 2, .head_dim = 8, .type = LW_KV_F32};

/* Write a recognisable value into K and V of every layer and head of tokens [len, len + n). */
static void put(lw_kv_seq *s, gsize n, float value)
{
    g_autoptr(GError) error = NULL;
    gsize at = lw_kv_seq_len(s);

    g_assert_true(lw_kv_seq_reserve(s, n, &error));
    for (gsize i = at; i < at + n; i++)
        for (guint l = 0; l < shape.n_layer; l++)
            for (guint h = 0; h < shape.n_head_kv; h++) {
                float *k = (float *)lw_kv_seq_k(s, l, h, i / LW_KV_PAGE) + i % LW_KV_PAGE * shape.head_dim;
                float *v = (float *)lw_kv_seq_v(s, l, h, i / LW_KV_PAGE) + i % LW_KV_PAGE * shape.head_dim;
                for (guint d = 0; d < shape.head_dim; d++) {
                    k[d] = value + (float)i + (float)(l * 2 + h) * 0.125f;
                    v[d] = -k[d];
                }
            }
    lw_kv_seq_commit(s, n);
}

static void check(const lw_kv_seq *s, gsize from, gsize to, float value)
{
    for (gsize i = from; i < to; i++)
        for (guint l = 0; l < shape.n_layer; l++)
            for (guint h = 0; h < shape.n_head_kv; h++) {
                const float *k = (float *)lw_kv_seq_k(s, l, h, i / LW_KV_PAGE) +
                                 i % LW_KV_PAGE * shape.head_dim;
                const float *v = (float *)lw_kv_seq_v(s, l, h, i / LW_KV_PAGE) +
                                 i % LW_KV_PAGE * shape.head_dim;
                float want = value + (float)i + (float)(l * 2 + h) * 0.125f;
                g_assert_cmpfloat(k[shape.head_dim - 1], ==, want);
                g_assert_cmpfloat(v[0], ==, -want);
            }
}

static void test_grow_and_truncate(void)
{
    lw_kv_cache *c = lw_kv_cache_new(&shape, &storage, 1000);
    lw_kv_seq *s = lw_kv_seq_new(c);

    g_assert_cmpuint(lw_kv_page_bytes(&shape), ==, 3 * 2 * 2 * 64 * 8 * 4);
    put(s, 63, 0);
    put(s, 1, 0);
    g_assert_cmpuint(lw_kv_cache_bytes(c), ==, lw_kv_page_bytes(&shape));
    put(s, 65, 0);
    check(s, 0, 129, 0);
    g_assert_cmpuint(lw_kv_cache_bytes(c), ==, 3 * lw_kv_page_bytes(&shape));
    lw_kv_seq_truncate(s, 64);
    g_assert_cmpuint(lw_kv_cache_bytes(c), ==, lw_kv_page_bytes(&shape));
    put(s, 10, 500);
    check(s, 0, 64, 0);
    check(s, 64, 74, 500);
    lw_kv_seq_free(s);
    g_assert_cmpuint(lw_kv_cache_bytes(c), ==, 0);
    lw_kv_cache_free(c);
}

static void test_fork_copies_on_write(void)
{
    lw_kv_cache *c = lw_kv_cache_new(&shape, &storage, 1000);
    lw_kv_seq *a = lw_kv_seq_new(c), *b;

    put(a, 100, 0);
    b = lw_kv_seq_fork(a);
    g_assert_cmpuint(lw_kv_cache_bytes(c), ==, 2 * lw_kv_page_bytes(&shape));
    put(b, 5, 1000);
    g_assert_cmpuint(lw_kv_cache_bytes(c), ==, 3 * lw_kv_page_bytes(&shape));
    put(a, 5, 2000);
    check(a, 0, 100, 0);
    check(b, 0, 100, 0);
    check(a, 100, 105, 2000);
    check(b, 100, 105, 1000);
    lw_kv_seq_free(a);
    check(b, 0, 100, 0);
    lw_kv_seq_free(b);
    lw_kv_cache_free(c);
}

static void test_full_changes_nothing(void)
{
    lw_kv_cache *c = lw_kv_cache_new(&shape, &storage, 100); /* two pages */
    lw_kv_seq *s = lw_kv_seq_new(c);
    g_autoptr(GError) error = NULL;

    put(s, 60, 0);
    g_assert_false(lw_kv_seq_reserve(s, 100, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL);
    g_assert_nonnull(strstr(error->message, "128"));
    g_assert_cmpuint(lw_kv_seq_len(s), ==, 60);
    g_assert_cmpuint(lw_kv_cache_bytes(c), ==, lw_kv_page_bytes(&shape));
    check(s, 0, 60, 0);
    put(s, 68, 0);
    check(s, 0, 128, 0);
    lw_kv_seq_free(s);
    lw_kv_cache_free(c);
}

static void test_failed_page(void)
{
    lw_kv_cache *c = lw_kv_cache_new(&shape, &storage, 10000);
    lw_kv_seq *s = lw_kv_seq_new(c);
    g_autoptr(GError) error = NULL;

    put(s, 64, 0);
    lw_alloc_fail_at(2);
    g_assert_false(lw_kv_seq_reserve(s, 640, &error));
    lw_alloc_fail_at(-1);
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);
    g_assert_cmpuint(lw_kv_cache_bytes(c), ==, lw_kv_page_bytes(&shape));
    check(s, 0, 64, 0);
    lw_kv_seq_free(s);
    lw_kv_cache_free(c);
}

/* q8_0: blocks of 32 elements, every store and load of a token is on its own. */
static void test_q8_0(void)
{
    static const lw_kv_shape q8 = {.n_layer = 2, .n_head_kv = 2, .head_dim = 96, .type = LW_KV_Q8_0};
    lw_kv_cache *c = lw_kv_cache_new(&q8, &storage, 200);
    lw_kv_seq *s = lw_kv_seq_new(c);
    g_autoptr(GError) error = NULL;
    float x[96], y[96];

    g_assert_true(lw_kv_shape_check(&q8, &error));
    g_assert_cmpuint(lw_kv_page_bytes(&q8), ==, 2 * 2 * 2 * 64 * 96 / 32 * 34);
    g_assert_true(lw_kv_seq_reserve(s, 130, &error));
    /* Written from the last token to the first: no write may reach another one. */
    for (int pass = 0; pass < 2; pass++)
        for (int t = 129; t >= 0; t--)
            for (guint h = 0; h < 2; h++)
                for (int v = 0; v < 2; v++) {
                    for (int i = 0; i < 96; i++)
                        x[i] = sinf((float)(t * 7 + i * i + (int)h * 3 + v)) * (float)(1 + t % 5 + i / 32);
                    if (pass == 0) {
                        (v ? lw_kv_store_v : lw_kv_store_k)(lw_kernels_get(), s, 1, h, (gsize)t, x);
                        continue;
                    }
                    (v ? lw_kv_load_v : lw_kv_load_k)(s, 1, h, (gsize)t, y);
                    for (int b = 0; b < 96; b += 32) {
                        float amax = 0;
                        for (int i = b; i < b + 32; i++)
                            amax = MAX(amax, fabsf(x[i]));
                        for (int i = b; i < b + 32; i++) /* half a step, and the scale's own rounding */
                            g_assert_cmpfloat(fabsf(x[i] - y[i]), <=, amax * (0.5f / 127 + 0x1p-11f));
                    }
                }
    lw_kv_seq_free(s);
    lw_kv_cache_free(c);
}

static int slabs_now;

static void *slab_alloc(gsize n, GError **error)
{
    slabs_now++;
    return page_alloc(n, error);
}

static void slab_free(void *p)
{
    slabs_now--;
    lw_free(p);
}

/* Large pages come several to a slab, tile beside tile, never overlap, are used again, and the slabs go back. */
static void test_slabs(void)
{
    static const lw_kv_storage counted = {.alloc = slab_alloc, .free = slab_free, .copy = page_copy};
    gsize page = (gsize)1 << 20, tile = page / 4;
    lw_kv_slabs *s = lw_kv_slabs_new(&counted, page, tile);
    gsize stride = lw_kv_slabs_stride(s);
    guint8 *p[20];
    g_autoptr(GError) error = NULL;

    slabs_now = 0;
    g_assert_cmpuint(stride, ==, 8 * tile);
    for (int i = 0; i < 20; i++) {
        p[i] = lw_kv_slabs_take(s, &error);
        g_assert_no_error(error);
        for (int t = 0; t < 4; t++)
            memset(p[i] + t * stride, i * 4 + t, tile);
    }
    g_assert_cmpint(slabs_now, ==, 3); /* of 8 MiB */
    g_assert_true(p[1] == p[0] + tile);
    for (int i = 0; i < 20; i++)
        for (int t = 0; t < 4; t++)
            g_assert_true(p[i][t * stride] == i * 4 + t && p[i][t * stride + tile - 1] == i * 4 + t);
    lw_kv_slabs_give(s, p[5]);
    g_assert_true(lw_kv_slabs_take(s, &error) != NULL);
    g_assert_cmpint(slabs_now, ==, 3);
    for (int i = 8; i < 16; i++)
        lw_kv_slabs_give(s, p[i]);
    g_assert_cmpint(slabs_now, ==, 2);
    lw_kv_slabs_free(s);
    g_assert_cmpint(slabs_now, ==, 0);
}

static void test_types(void)
{
    g_autoptr(GError) error = NULL;
    lw_kv_type type;
    lw_model_info info = {.n_layer = 24, .n_head_kv = 2, .head_dim = 64};

    for (int t = LW_KV_F16; t <= LW_KV_Q8_0; t++) {
        g_assert_true(lw_kv_type_parse(lw_kv_type_name((lw_kv_type)t), &type, &error));
        g_assert_cmpint(type, ==, t);
    }
    g_assert_true(lw_kv_type_parse(NULL, &type, &error));
    g_assert_cmpint(type, ==, LW_KV_F16);
    g_assert_false(lw_kv_type_parse("q9", &type, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "q9"));
    g_clear_error(&error);

    g_assert_cmpint(lw_model_info_kv_bytes_per_token(&info, LW_KV_F16), ==, 12288);
    g_assert_cmpint(lw_model_info_kv_bytes_per_token(&info, LW_KV_F32), ==, 24576);
    g_assert_cmpint(lw_model_info_kv_bytes_per_token(&info, LW_KV_Q8_0), ==, 6528);
    info.head_dim = 80;
    g_assert_cmpint(lw_model_info_kv_bytes_per_token(&info, LW_KV_Q8_0), ==, 0);
    g_assert_false(lw_kv_shape_check(&(lw_kv_shape){24, 2, 80, LW_KV_Q8_0}, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "80"));
}

/* ---- Lent pages ---- */

typedef struct {
    int freed;
    gboolean intact;
} library;

static gboolean library_is_intact(void *user)
{
    return ((library *)user)->intact;
}

static void library_free(void *user)
{
    ((library *)user)->freed++;
}

/* Pages of somebody else are read, shared, and never written to; the last one to go gives them back. */
static void test_lent_pages(void)
{
    lw_kv_cache *c = lw_kv_cache_new(&shape, &storage, 1000);
    lw_kv_seq *a = lw_kv_seq_new(c), *b = lw_kv_seq_new(c), *f;
    gsize page = lw_kv_page_bytes(&shape);
    library lib = {0, TRUE};
    lw_kv_lender *lender = lw_kv_lender_new(library_is_intact, library_free, &lib);
    g_autoptr(GError) error = NULL;

    put(a, 192, 0);
    g_autofree char *shelf = g_malloc(3 * page), *buf = g_malloc(page), *before = NULL;
    const void *pages[3];
    for (gsize i = 0; i < 3; i++)
        pages[i] = memcpy(shelf + i * page, lw_kv_seq_page(a, i, buf), page);
    before = g_memdup2(shelf, 3 * page);
    lw_kv_seq_free(a);

    g_assert_true(lw_kv_seq_append_lent(b, pages, 150, lender, &error));
    lw_kv_lender_unref(lender);
    g_assert_cmpint(lib.freed, ==, 0);
    g_assert_cmpuint(lw_kv_cache_bytes(c), ==, 0);
    g_assert_cmpuint(lw_kv_cache_lent_bytes(c), ==, 3 * page);
    g_assert_cmpuint(lw_kv_seq_len(b), ==, 150);
    g_assert_true(lw_kv_seq_page(b, 1, buf) == pages[1]);
    check(b, 0, 150, 0);

    put(b, 10, 500); /* into the third page, which nobody else has: copied all the same */
    check(b, 0, 150, 0);
    check(b, 150, 160, 500);
    lw_kv_seq_truncate(b, 150);
    f = lw_kv_seq_fork(b);
    put(b, 10, 500);
    check(f, 0, 150, 0);
    g_assert_cmpuint(lw_kv_cache_bytes(c), ==, 2 * page); /* the copy of b, and of the copy */
    lw_kv_seq_truncate(f, 70);
    put(f, 10, 900);
    check(f, 70, 80, 900);
    check(b, 0, 150, 0);
    g_assert_cmpmem(shelf, 3 * page, before, 3 * page);

    g_assert_true(lw_kv_seq_is_intact(b));
    lib.intact = FALSE;
    g_assert_false(lw_kv_seq_is_intact(b));
    g_assert_false(lw_kv_seq_is_intact(f));
    lw_kv_seq_truncate(b, 0);
    g_assert_true(lw_kv_seq_is_intact(b));
    g_assert_cmpint(lib.freed, ==, 0);
    lw_kv_seq_free(f);
    g_assert_cmpint(lib.freed, ==, 1);
    g_assert_cmpuint(lw_kv_cache_lent_bytes(c), ==, 0);

    /* A copy of a page with fewer tokens. */
    g_assert_true(lw_kv_seq_append_copy(b, pages[0], 20, &error));
    check(b, 0, 20, 0);
    put(b, 5, 300);
    check(b, 20, 25, 300);
    g_assert_cmpmem(shelf, 3 * page, before, 3 * page);
    lw_kv_seq_free(b);
    lw_kv_cache_free(c);
}

/* The bound counts lent pages as well. */
static void test_lent_pages_are_bounded(void)
{
    lw_kv_cache *c = lw_kv_cache_new(&shape, &storage, 100); /* two pages */
    lw_kv_seq *s = lw_kv_seq_new(c);
    library lib = {0, TRUE};
    lw_kv_lender *lender = lw_kv_lender_new(library_is_intact, library_free, &lib);
    const void *pages[3] = {"", "", ""};
    g_autoptr(GError) error = NULL;

    g_assert_false(lw_kv_seq_append_lent(s, pages, 129, lender, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL);
    g_assert_cmpuint(lw_kv_seq_len(s), ==, 0);
    g_assert_cmpuint(lw_kv_cache_lent_bytes(c), ==, 0);
    lw_kv_seq_free(s);
    lw_kv_lender_unref(lender);
    g_assert_cmpint(lib.freed, ==, 1);
    lw_kv_cache_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kv/grow-and-truncate", test_grow_and_truncate);
    g_test_add_func("/kv/fork-copies-on-write", test_fork_copies_on_write);
    g_test_add_func("/kv/full-changes-nothing", test_full_changes_nothing);
    g_test_add_func("/kv/failed-page", test_failed_page);
    g_test_add_func("/kv/q8_0", test_q8_0);
    g_test_add_func("/kv/slabs", test_slabs);
    g_test_add_func("/kv/types", test_types);
    g_test_add_func("/kv/lent-pages", test_lent_pages);
    g_test_add_func("/kv/lent-pages-are-bounded", test_lent_pages_are_bounded);
    return g_test_run();
}
