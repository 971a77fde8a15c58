/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/kernels/check.h"

#include "engine/gguf/gguf.h"

static const gsize sizes[] = {1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 100, 1000};

void test_f16_to_f32(const lw_kernels *ref, const lw_kernels *k)
{
    lw_f16 *src = check_alloc(65536 * 2, 2);
    float *got = check_alloc(65536 * 4, 4), *want = check_alloc(65536 * 4, 0);

    for (int i = 0; i < 65536; i++) /* every half there is */
        src[i] = (lw_f16)i;
    ref->f16_to_f32(src, want, 65536);
    k->f16_to_f32(src, got, 65536);
    check_equal_f32("all halves", got, want, 65536);
    check_free(got);
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        got = check_alloc(sizes[s] * 4, 4);
        k->f16_to_f32(src + 15000, got, sizes[s]);
        check_equal_f32("tail", got, want + 15000, sizes[s]);
        check_free(got);
    }
    check_free(src);
    check_free(want);
}

/* Equal bits, any NaN equal to any NaN. */
static void same_halves(const lw_f16 *got, const lw_f16 *want, const float *src, gsize n)
{
    for (gsize i = 0; i < n; i++)
        if (got[i] != want[i] && !(isnan(lw_f16_to_f32(got[i])) && isnan(lw_f16_to_f32(want[i]))))
            g_error("%.9g became half %04x, not %04x", src[i], got[i], want[i]);
}

void test_f32_to_f16(const lw_kernels *ref, const lw_kernels *k)
{
    enum { N = 3 * 65536 };
    float *src = check_alloc(N * 4, 4);
    lw_f16 *got = check_alloc(N * 2, 2), *want = check_alloc(N * 2, 0);

    for (int i = 0; i < 65536; i++) {
        float exact = lw_f16_to_f32((lw_f16)i); /* each half, its tie upward, and just beyond */
        guint32 tie = lw_f32_bits(exact) + 0x1000;
        src[i * 3] = exact;
        src[i * 3 + 1] = lw_f32_from_bits(tie);
        src[i * 3 + 2] = lw_f32_from_bits(tie + (check_random() & 1 ? 1 : -1));
    }
    ref->f32_to_f16(src, want, N);
    k->f32_to_f16(src, got, N);
    same_halves(got, want, src, N);
    for (int i = 0; i < 65536; i++)
        if ((i & 0x7c00) != 0x7c00)
            g_assert_cmphex(got[i * 3], ==, i);

    for (int i = 0; i < N; i++) /* any bits: infinities, NaN, denormals */
        src[i] = lw_f32_from_bits(check_random());
    ref->f32_to_f16(src, want, N);
    k->f32_to_f16(src, got, N);
    same_halves(got, want, src, N);
    check_free(got);
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        got = check_alloc(sizes[s] * 2, 2);
        k->f32_to_f16(src, got, sizes[s]);
        same_halves(got, want, src, sizes[s]);
        check_free(got);
    }
    check_free(src);
    check_free(want);
}

void test_bf16_to_f32(const lw_kernels *ref, const lw_kernels *k)
{
    lw_bf16 *src = check_alloc(65536 * 2, 2);
    float *want = check_alloc(65536 * 4, 0);

    for (int i = 0; i < 65536; i++)
        src[i] = (lw_bf16)i;
    ref->bf16_to_f32(src, want, 65536);
    for (guint s = 0; s <= G_N_ELEMENTS(sizes); s++) {
        gsize n = s < G_N_ELEMENTS(sizes) ? sizes[s] : 65536;
        float *got = check_alloc(n * 4, 4);
        k->bf16_to_f32(src, got, n);
        check_equal_f32("bf16", got, want, n);
        check_free(got);
    }
    check_free(src);
    check_free(want);
}

/* dequant.bin (make-dequant.py) has, of each type, blocks and the values that the gguf Python
 * package finds in them: "type, blocks, bytes of blocks" as u32, the blocks, the values as f32. */
static void check_file(guint type, void (*f)(const void *, float *, gsize))
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "dequant.bin", NULL), *all = NULL;
    gsize n_all, at = 0;

    g_assert_true(g_file_get_contents(path, &all, &n_all, NULL));
    while (at + 12 <= n_all) {
        guint32 head[3]; /* the file is little-endian, as this engine's files are */
        memcpy(head, all + at, 12);
        gsize n = (gsize)head[1] * lw_type_get_info(head[0])->block_elems;
        at += 12 + head[2];
        if (head[0] == type) {
            g_assert_cmpuint(lw_type_row_bytes(type, n), ==, head[2]);
            float *want = check_alloc(n * 4, 0), *got = check_alloc(n * 4, 4);
            memcpy(want, all + at, n * 4);
            f(all + at - head[2], got, n);
            check_equal_f32(lw_type_get_info(type)->name, got, want, n);
            check_free(want);
            check_free(got);
            return;
        }
        at += n * 4;
    }
    g_error("dequant.bin has no %s", lw_type_get_info(type)->name);
}

static void dequant(guint type, void (*f)(const void *, float *, gsize),
                    void (*ref)(const void *, float *, gsize))
{
    gsize row_bytes;
    guint8 *w = check_weights(type, 1, 4096, &row_bytes);
    float *want = check_alloc(4096 * 4, 0);

    check_file(type, f);
    ref(w, want, 4096);
    for (guint s = 0; s <= G_N_ELEMENTS(sizes); s++) {
        gsize n = s < G_N_ELEMENTS(sizes) ? sizes[s] : 4096;
        float *got = check_alloc(n * 4, 4);
        f(w, got, n);
        check_equal_f32("dequantised", got, want, n);
        check_free(got);
    }
    check_free(w);
    check_free(want);
}

#define TEST(X, name, NAME, ...)                                                                   \
    void test_dequant_##name(const lw_kernels *ref, const lw_kernels *k)                           \
    {                                                                                              \
        dequant(LW_TYPE_##NAME, k->dequant_##name, ref->dequant_##name);                           \
    }
LW_BLOCK_TYPES(TEST, )
