/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What decoders have in common: hyper-parameters under every family's prefix, refusals that name
 * the key, and the rotations that a file can ask for, against formulas written out here.
 */
#include "engine/models/arch.h"
#include "engine/position/scaling.h"
#include "tests/unit/gguf-build.h"

#include <math.h>

static const char *const decoders[] = {"gemma3", "llama", "phi3", "qwen2", "qwen3"};

static const lw_arch *arch_of(const char *name)
{
    for (int i = 0; lw_archs[i]; i++)
        if (g_str_equal(lw_archs[i]->name, name))
            return lw_archs[i];
    g_error("no architecture %s", name);
}

/* A file's keys, under one prefix. */
typedef struct {
    const char *arch;
    gguf_build *b;
} keys;

static char *key_of(const keys *k, const char *name)
{
    return g_strdup_printf("%s.%s", k->arch, name);
}

static void put_u32(keys *k, const char *name, guint32 v)
{
    g_autofree char *key = key_of(k, name);
    gguf_build_u32(k->b, key, v);
}

static void put_f32(keys *k, const char *name, float v)
{
    g_autofree char *key = key_of(k, name);
    gguf_build_f32(k->b, key, v);
}

static void put_str(keys *k, const char *name, const char *v)
{
    g_autofree char *key = key_of(k, name);
    gguf_build_str(k->b, key, v);
}

static void put_i32s(keys *k, const char *name, const gint32 *v, gsize n)
{
    g_autofree char *key = key_of(k, name);
    gguf_build_i32s(k->b, key, v, n);
}

/* 4 layers, 64 wide, 4 heads of 16; the names in `without` are left for the caller. */
static keys start(const char *arch, const char *without)
{
    static const struct {
        const char *name;
        guint32 value;
    } numbers[] = {{"block_count", 4},
                   {"embedding_length", 64},
                   {"context_length", 256},
                   {"feed_forward_length", 96},
                   {"attention.head_count", 4}};
    keys k = {arch, gguf_build_new()};
    static const guint64 one[] = {32};

    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (!strstr(without, numbers[i].name))
            put_u32(&k, numbers[i].name, numbers[i].value);
    put_f32(&k, "attention.layer_norm_rms_epsilon", 1e-6f);
    if (g_str_equal(arch, "gemma3"))
        put_u32(&k, "attention.sliding_window", 8);
    gguf_build_tensor(k.b, "some.weight", LW_TYPE_F32, 1, one, NULL, 128);
    return k;
}

static gboolean read_keys(keys *k, lw_hparams *h, GError **error)
{
    GByteArray *bytes = gguf_build_finish(k->b);
    g_autoptr(GError) err = NULL;

    lw_gguf *g = lw_gguf_open_bytes(bytes->data, bytes->len, "test", &err);
    g_assert_no_error(err);
    memset(h, 0, sizeof *h);
    gboolean ok = arch_of(k->arch)->read_hparams(g, h, error);
    lw_gguf_free(g);
    g_byte_array_unref(bytes);
    return ok;
}

static void accepted(keys k, lw_hparams *h)
{
    g_autoptr(GError) error = NULL;

    gboolean ok = read_keys(&k, h, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void refused(keys k, lw_model_error code, const char *fragment)
{
    g_autoptr(GError) error = NULL;
    lw_hparams h;

    g_assert_false(read_keys(&k, &h, &error));
    g_assert_error(error, LW_MODEL_ERROR, (gint)code);
    if (!strstr(error->message, fragment))
        g_error("the message \"%s\" does not say \"%s\"", error->message, fragment);
}

static void test_plain(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(decoders); i++) {
        lw_hparams h;
        accepted(start(decoders[i], ""), &h);
        g_assert_cmpuint(h.n_layer, ==, 4);
        g_assert_cmpuint(h.n_ff, ==, 96);
        g_assert_cmpuint(h.n_head_kv, ==, 4);
        g_assert_cmpuint(h.head_dim, ==, 16);
        g_assert_cmpuint(h.n_ctx_short, ==, 0);
        g_assert_cmpint(h.rope[0].n_rot, ==, 16);
        g_assert_cmpfloat(h.rope[0].magnitude, ==, 1);
    }
}

/* Numbers per layer: equal ones are one number, others are not supported, and never believed. */
static void test_per_layer(void)
{
    static const gint32 same[] = {96, 96, 96, 96}, differ[] = {96, 96, 64, 96},
                        negative[] = {96, 96, 96, -1};
    static const gint32 heads[] = {2, 2, 2, 2}, mixed[] = {4, 4, 2, 4}, none[] = {0, 0, 0, 0};

    for (guint i = 0; i < G_N_ELEMENTS(decoders); i++) {
        lw_hparams h;
        keys k = start(decoders[i], "feed_forward_length attention.head_count");
        put_i32s(&k, "feed_forward_length", same, 4);
        put_i32s(&k, "attention.head_count", heads, 4);
        put_i32s(&k, "attention.head_count_kv", heads, 4);
        accepted(k, &h);
        g_assert_cmpuint(h.n_ff, ==, 96);
        g_assert_cmpuint(h.n_head, ==, 2);
        g_assert_cmpuint(h.n_head_kv, ==, 2);

        k = start(decoders[i], "feed_forward_length");
        put_i32s(&k, "feed_forward_length", differ, 4);
        refused(k, LW_MODEL_ERROR_UNSUPPORTED, "64 in layer 2");
        k = start(decoders[i], "feed_forward_length");
        put_i32s(&k, "feed_forward_length", negative, 4);
        refused(k, LW_MODEL_ERROR_CORRUPT, "feed_forward_length[3]");
        k = start(decoders[i], "feed_forward_length");
        put_i32s(&k, "feed_forward_length", same, 3);
        refused(k, LW_MODEL_ERROR_CORRUPT, "3 numbers for 4 layers");
        k = start(decoders[i], "attention.head_count");
        put_i32s(&k, "attention.head_count", mixed, 4);
        refused(k, LW_MODEL_ERROR_UNSUPPORTED, "attention.head_count differs");
        k = start(decoders[i], "");
        put_i32s(&k, "attention.head_count_kv", none, 4);
        refused(k, LW_MODEL_ERROR_CORRUPT, "head_count_kv[0]");
    }
}

static void test_refused(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(decoders); i++) {
        keys k = start(decoders[i], "");
        put_u32(&k, "expert_count", 8);
        refused(k, LW_MODEL_ERROR_UNSUPPORTED, "8 experts");
        k = start(decoders[i], "");
        put_u32(&k, "attention.head_count_kv", 3);
        refused(k, LW_MODEL_ERROR_CORRUPT, "cannot share 3 KV heads");
        k = start(decoders[i], "");
        put_u32(&k, "attention.key_length", 20);
        refused(k, LW_MODEL_ERROR_UNSUPPORTED, "head size 20");
        k = start(decoders[i], "");
        put_u32(&k, "attention.key_length", 24);
        put_u32(&k, "attention.value_length", 16);
        refused(k, LW_MODEL_ERROR_UNSUPPORTED, "values of 16");
        k = start(decoders[i], "");
        put_u32(&k, "rope.dimension_count", 7);
        refused(k, LW_MODEL_ERROR_CORRUPT, "rope.dimension_count is 7");
        k = start(decoders[i], "");
        put_u32(&k, "rope.dimension_count", 18);
        refused(k, LW_MODEL_ERROR_CORRUPT, "rope.dimension_count is 18");
        k = start(decoders[i], "");
        put_f32(&k, "rope.freq_base", -1);
        refused(k, LW_MODEL_ERROR_CORRUPT, "rope.freq_base");
        k = start(decoders[i], "");
        put_f32(&k, "rope.scaling.factor", INFINITY);
        refused(k, LW_MODEL_ERROR_CORRUPT, "rope.scaling.factor");
        k = start(decoders[i], "");
        put_str(&k, "rope.scaling.type", "spiral\xff");
        refused(k, LW_MODEL_ERROR_UNSUPPORTED, "there is: none, linear, yarn, longrope");
    }
    keys k = start("llama", "");
    put_u32(&k, "rope.dimension_count", 8);
    refused(k, LW_MODEL_ERROR_UNSUPPORTED, "only whole heads of 16");
    k = start("gemma3", "");
    put_u32(&k, "attention.sliding_window_pattern", 4);
    refused(k, LW_MODEL_ERROR_UNSUPPORTED, "sliding_window_pattern is 4");
}

/* ---- Rotation ---- */

static void test_linear(void)
{
    lw_hparams h;
    keys k = start("qwen2", "");

    put_f32(&k, "rope.scaling.factor", 4); /* no type: linear */
    accepted(k, &h);
    for (int i = 0; i < 8; i++)
        g_assert_cmpfloat_with_epsilon(h.rope[0].inv_freq[i], pow(10000, -i / 8.0) / 4, 1e-15);
    k = start("qwen2", "");
    put_f32(&k, "rope.scaling.factor", 4);
    put_str(&k, "rope.scaling.type", "none");
    accepted(k, &h);
    g_assert_cmpfloat(h.rope[0].inv_freq[0], ==, 1);
}

/* 64 of base 10,000 trained for 1,024 tokens: pairs 5.7 and 17.7 turn 32 times and once. */
static void test_yarn(void)
{
    lw_rope r;

    lw_rope_init(&r, 64, 10000, NULL);
    lw_rope_scale_yarn(&r, 4, 1024, 32, 1);
    for (int i = 0; i < 32; i++) {
        double f = pow(10000, -2.0 * i / 64), r0 = i <= 5 ? 0 : i >= 18 ? 1 : (i - 5) / 13.0;
        g_assert_cmpfloat_with_epsilon(r.inv_freq[i], f * (1 - r0) + f / 4 * r0, 1e-15);
    }
    g_assert_cmpfloat_with_epsilon(r.magnitude, 1 + 0.1 * log(4), 1e-12);

    gint32 pos[3] = {3, 3, 3};
    float c[32], s[32];
    lw_rope_tables(&r, pos, 1, c, s);
    g_assert_cmpfloat_with_epsilon(c[0], cos(3) * r.magnitude, 1e-6);
    g_assert_cmpfloat_with_epsilon(s[0], sin(3) * r.magnitude, 1e-6);
}

static void put_factors(keys *k, const char *name, float first, float step)
{
    static const guint64 dims[] = {8};
    float f[8];

    for (int i = 0; i < 8; i++)
        f[i] = first + step * (float)i;
    gguf_build_tensor(k->b, name, LW_TYPE_F32, 1, dims, f, sizeof f);
}

static void test_factors(void)
{
    lw_hparams h;
    keys k = start("llama", "");

    put_factors(&k, "rope_freqs.weight", 1, 0.5f);
    accepted(k, &h);
    g_assert_cmpfloat_with_epsilon(h.rope[0].inv_freq[6], pow(10000, -6 / 8.0) / 4, 1e-15);
    k = start("llama", "");
    put_factors(&k, "rope_freqs.weight", 1, -0.25f);
    refused(k, LW_MODEL_ERROR_CORRUPT, "rope_freqs.weight[4] is 0");
    k = start("llama", "");
    put_factors(&k, "rope_freqs.weight", NAN, 0);
    refused(k, LW_MODEL_ERROR_CORRUPT, "rope_freqs.weight[0]");
}

/* Two sets: which one counts is decided by the context, the magnitude is the same. */
static void test_longrope(void)
{
    lw_hparams h;
    keys k = start("phi3", "");

    put_u32(&k, "rope.scaling.original_context_length", 16);
    put_factors(&k, "rope_factors_short.weight", 1, 0);
    put_factors(&k, "rope_factors_long.weight", 2, 0);
    accepted(k, &h);
    g_assert_false(lw_hparams_is_long(&h, 16));
    g_assert_true(lw_hparams_is_long(&h, 17));
    g_assert_cmpfloat(lw_hparams_get_rope(&h, 0, 16)->inv_freq[0], ==, 1);
    g_assert_cmpfloat(lw_hparams_get_rope(&h, 0, 17)->inv_freq[0], ==, 0.5);
    /* 256 tokens over 16: ln 16 / ln 16 */
    g_assert_cmpfloat_with_epsilon(h.rope[0].magnitude, sqrt(2), 1e-12);
    g_assert_cmpfloat(h.rope_long.magnitude, ==, h.rope[0].magnitude);

    k = start("phi3", "");
    put_factors(&k, "rope_factors_short.weight", 1, 0);
    refused(k, LW_MODEL_ERROR_MISSING, "rope_factors_long.weight is missing");
}

/* What two families know beside their files. */
static void test_families(void)
{
    lw_hparams h;

    accepted(start("gemma3", ""), &h);
    g_assert_cmpuint(h.n_rope, ==, 2);
    g_assert_cmpfloat(h.rope[0].base, ==, 1e6);
    g_assert_cmpfloat(h.rope[1].base, ==, 10000);
    g_assert_cmpfloat(h.attn_scale, ==, 0);
    keys k = start("gemma3", "block_count");
    put_u32(&k, "block_count", 62); /* the 27B */
    put_u32(&k, "attention.key_length", 32);
    accepted(k, &h);
    g_assert_cmpfloat_with_epsilon(h.attn_scale, 1 / sqrt(64 / 4), 1e-7);

    k = start("phi3", "block_count context_length");
    put_u32(&k, "block_count", 32);
    put_u32(&k, "context_length", 4096);
    accepted(k, &h);
    g_assert_cmpuint(h.window, ==, 2047);
    accepted(start("phi3", ""), &h);
    g_assert_cmpuint(h.window, ==, 0);
}

static void test_unknown(void)
{
    keys k = {"mamba", gguf_build_new()};
    static const guint64 one[] = {32};
    g_autoptr(GError) error = NULL;

    gguf_build_str(k.b, "general.architecture", "mamba");
    gguf_build_tensor(k.b, "some.weight", LW_TYPE_F32, 1, one, NULL, 128);
    GByteArray *bytes = gguf_build_finish(k.b);
    lw_gguf *g = lw_gguf_open_bytes(bytes->data, bytes->len, "test", NULL);
    g_assert_null(lw_arch_find(g, &error));
    g_assert_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED);
    for (int i = 0; lw_archs[i]; i++)
        g_assert_nonnull(strstr(error->message, lw_archs[i]->name));
    lw_gguf_free(g);
    g_byte_array_unref(bytes);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hparams/plain", test_plain);
    g_test_add_func("/hparams/per-layer", test_per_layer);
    g_test_add_func("/hparams/refused", test_refused);
    g_test_add_func("/hparams/linear", test_linear);
    g_test_add_func("/hparams/yarn", test_yarn);
    g_test_add_func("/hparams/factors", test_factors);
    g_test_add_func("/hparams/longrope", test_longrope);
    g_test_add_func("/hparams/families", test_families);
    g_test_add_func("/hparams/unknown-architecture", test_unknown);
    return g_test_run();
}
