/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a well-formed GGUF file can claim about a model, and what is not believed: hyper-parameters,
 * shapes, types, vision keys, and files of other programs.
 */
#include <glib/gstdio.h>
#include <math.h>

#include "engine/lw-engine.h"
#include "engine/models/vision.h"
#include "tests/unit/tiny-model.h"

static char *path; /* one file, written again and again */

static void write_file(gguf_build *b)
{
    GByteArray *bytes = gguf_build_finish(b);

    g_assert_true(g_file_set_contents(path, (const char *)bytes->data, bytes->len, NULL));
    g_byte_array_unref(bytes);
}

static void check(GError *error, lw_model_error code, const char *fragment)
{
    g_assert_error(error, LW_MODEL_ERROR, (gint)code);
    if (strstr(error->message, fragment) == NULL || strstr(error->message, path) == NULL)
        g_error("the message \"%s\" does not say \"%s\" and the path", error->message, fragment);
}

static void refused(const tiny_change *c, lw_model_error code, const char *fragment)
{
    lw_model_params params = {.mmproj = ""};
    g_autoptr(GError) error = NULL;

    write_file(tiny_build(c));
    lw_model *m = lw_model_open(path, &params, &error);
    if (m != NULL)
        g_error("opened, \"%s\" was expected", fragment);
    check(error, code, fragment);
}

static void test_good(void)
{
    lw_model_params params = {.mmproj = ""};
    g_autoptr(GError) error = NULL;

    write_file(tiny_build(&(tiny_change){0}));
    lw_model *m = lw_model_open(path, &params, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(lw_model_get_info(m)->head_dim, ==, TINY_HEAD_DIM);
    g_assert_cmpuint(lw_model_get_info(m)->n_vocab, ==, TINY_N_TOKENS);
    lw_model_unref(m);
}

/* ---- Hyper-parameters ---- */

#define PUT_U32(n, value)                                                                          \
    static void put_##n(gguf_build *b, const char *key)                                            \
    {                                                                                              \
        gguf_build_u32(b, key, value);                                                             \
    }
#define PUT_F32(n, value)                                                                          \
    static void put_f_##n(gguf_build *b, const char *key)                                          \
    {                                                                                              \
        gguf_build_f32(b, key, value);                                                             \
    }
PUT_U32(0, 0)
PUT_U32(3, 3)
PUT_U32(9, 9)
PUT_U32(65, 65)
PUT_U32(513, 513)
PUT_U32(520, 520)
PUT_U32(17, 17)
PUT_U32(huge, G_MAXUINT32)
PUT_F32(zero, 0)
PUT_F32(minus, -1)
PUT_F32(nan, NAN)
PUT_F32(inf, INFINITY)

static void put_text(gguf_build *b, const char *key)
{
    gguf_build_str(b, key, "12");
}

static void put_negative(gguf_build *b, const char *key)
{
    gint32 v = GINT32_TO_LE(-1);

    gguf_build_raw(b, key, LW_GGUF_I32, &v, sizeof v);
}

/* One hyper-parameter, refused under its name. */
static void hparam(const char *key, tiny_key_fn put, lw_model_error code)
{
    refused(&(tiny_change){.key = key, .put = put}, code,
            strchr(key, '.') ? strrchr(key, '.') + 1 : key);
}

static void test_hyper_parameters(void)
{
    static const char *const required[] = {"block_count",
                                           "embedding_length",
                                           "feed_forward_length",
                                           "context_length",
                                           "attention.head_count",
                                           "attention.layer_norm_rms_epsilon",
                                           "rope.dimension_sections"};

    for (gsize i = 0; i < G_N_ELEMENTS(required); i++) {
        hparam(required[i], NULL, LW_MODEL_ERROR_MISSING);
        hparam(required[i], put_text, LW_MODEL_ERROR_CORRUPT);
    }
    for (gsize i = 0; i < 5; i++) {
        hparam(required[i], put_0, LW_MODEL_ERROR_CORRUPT);
        hparam(required[i], put_huge, LW_MODEL_ERROR_CORRUPT);
        hparam(required[i], put_negative, LW_MODEL_ERROR_CORRUPT);
    }
    hparam("block_count", put_513, LW_MODEL_ERROR_CORRUPT);
    hparam("attention.head_count_kv", put_0, LW_MODEL_ERROR_CORRUPT);
    hparam("attention.key_length", put_0, LW_MODEL_ERROR_CORRUPT);
    hparam("attention.key_length", put_520, LW_MODEL_ERROR_CORRUPT);
    refused(&(tiny_change){.key = "attention.key_length", .put = put_9}, LW_MODEL_ERROR_UNSUPPORTED,
            "head size 9");
    /* 3 heads over 2 would not divide; here 2 over 3 exceeds them */
    hparam("attention.head_count_kv", put_3, LW_MODEL_ERROR_CORRUPT);
    hparam("attention.layer_norm_rms_epsilon", put_f_zero, LW_MODEL_ERROR_CORRUPT);
    hparam("attention.layer_norm_rms_epsilon", put_f_minus, LW_MODEL_ERROR_CORRUPT);
    hparam("attention.layer_norm_rms_epsilon", put_f_nan, LW_MODEL_ERROR_CORRUPT);
    hparam("attention.layer_norm_rms_epsilon", put_f_inf, LW_MODEL_ERROR_CORRUPT);
    hparam("rope.freq_base", put_f_zero, LW_MODEL_ERROR_CORRUPT);
    hparam("rope.freq_base", put_f_nan, LW_MODEL_ERROR_CORRUPT);
}

/* More query heads than a KV head is shared by anywhere. */
static void test_groups(void)
{
    refused(&(tiny_change){.key = "attention.head_count", .put = put_65}, LW_MODEL_ERROR_CORRUPT,
            "65 heads cannot share 1 KV heads");
}

static void put_float_sections(gguf_build *b, const char *key)
{
    static const float v[] = {2, 1, 1, 0};

    gguf_build_f32s(b, key, v, 4);
}

static void put_two_sections(gguf_build *b, const char *key)
{
    static const gint32 v[] = {2, 2};

    gguf_build_i32s(b, key, v, 2);
}

static void put_many_sections(gguf_build *b, const char *key)
{
    gint32 v[64] = {4};

    gguf_build_i32s(b, key, v, 64);
}

static void put_negative_sections(gguf_build *b, const char *key)
{
    static const gint32 v[] = {8, -4, 0, 0};

    gguf_build_i32s(b, key, v, 4);
}

static void put_large_sections(gguf_build *b, const char *key)
{
    static const gint32 v[] = {2, 2, 2, 0};

    gguf_build_i32s(b, key, v, 4);
}

/* Arrays with elements of another type, and of other lengths (llama.cpp #26690). */
static void test_rope_sections(void)
{
    static const tiny_key_fn bad[] = {put_float_sections, put_two_sections, put_many_sections,
                                      put_negative_sections, put_large_sections};

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        hparam("rope.dimension_sections", bad[i], LW_MODEL_ERROR_CORRUPT);
}

/* ---- Tensors ---- */

static void test_shapes(void)
{
    static const char *const names[] = {
        "token_embd.weight",     "output_norm.weight",       "blk.0.attn_norm.weight",
        "blk.0.attn_q.weight",   "blk.0.attn_q.bias",        "blk.0.attn_k.weight",
        "blk.0.attn_k.bias",     "blk.0.attn_v.weight",      "blk.0.attn_v.bias",
        "blk.0.ffn_norm.weight", "blk.0.attn_output.weight", "blk.0.ffn_gate.weight",
        "blk.0.ffn_up.weight",   "blk.0.ffn_down.weight"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        refused(&(tiny_change){.tensor = names[i]}, LW_MODEL_ERROR_MISSING, names[i]);
        refused(
            &(tiny_change){
                .tensor = names[i], .type = LW_TYPE_F32, .n_dims = 1, .dims = {24}, .n_bytes = 96},
            LW_MODEL_ERROR_CORRUPT, names[i]);
    }
}

static void test_types(void)
{
    /* IQ1_S: known, and no kernel computes with it. */
    refused(&(tiny_change){.tensor = "blk.0.ffn_up.weight",
                           .type = 19,
                           .n_dims = 2,
                           .dims = {256, 2},
                           .n_bytes = 100},
            LW_MODEL_ERROR_CORRUPT, "blk.0.ffn_up.weight");
    /* Private to one fork: 99 is in no table. */
    refused(&(tiny_change){.tensor = "blk.0.ffn_up.weight",
                           .type = 99,
                           .n_dims = 2,
                           .dims = {TINY_EMBD, TINY_FF},
                           .n_bytes = 512},
            LW_MODEL_ERROR_UNSUPPORTED, "unsupported type 99 in tensor 'blk.0.ffn_up.weight'");
    /* A vector is read as floats. */
    refused(&(tiny_change){.tensor = "output_norm.weight",
                           .type = LW_TYPE_F16,
                           .n_dims = 1,
                           .dims = {TINY_EMBD},
                           .n_bytes = 2 * TINY_EMBD},
            LW_MODEL_ERROR_UNSUPPORTED, "output_norm.weight");
    refused(&(tiny_change){.tensor = "blk.0.attn_q.weight",
                           .type = 26,
                           .n_dims = 2,
                           .dims = {TINY_EMBD, 16},
                           .n_bytes = 4 * TINY_EMBD * 16},
            LW_MODEL_ERROR_UNSUPPORTED, "unsupported type I32 in tensor blk.0.attn_q.weight");
}

/* ---- Files of other programs ---- */

static void test_ollama_conversions(void)
{
    refused(&(tiny_change){.arch = "qwen25vl"}, LW_MODEL_ERROR_UNSUPPORTED, "Ollama");
    refused(&(tiny_change){.arch = "qwen25vl", .also = "v.patch_embd_0.weight"},
            LW_MODEL_ERROR_UNSUPPORTED, "mmproj");
    refused(&(tiny_change){.arch = "qwen3vl", .also = "v.patch_embed.weight"},
            LW_MODEL_ERROR_UNSUPPORTED, "v.patch_embed.weight");
    refused(&(tiny_change){.also = "v.blk.0.attn_q.weight"}, LW_MODEL_ERROR_UNSUPPORTED, "Ollama");
    refused(&(tiny_change){.also = "mm.0.weight"}, LW_MODEL_ERROR_UNSUPPORTED, "mm.0.weight");
    refused(&(tiny_change){.arch = "no-such"}, LW_MODEL_ERROR_UNSUPPORTED, "no-such");
    refused(&(tiny_change){.arch = "clip"}, LW_MODEL_ERROR_UNSUPPORTED, "mmproj");
}

/* ---- Vision keys ---- */

typedef struct {
    const char *key;
    tiny_key_fn put;
} vision_change;

static void vision_u32(gguf_build *b, const vision_change *c, const char *key, guint32 v)
{
    g_autofree char *name = g_strdup_printf("clip.vision.%s", key);

    if (c->key == NULL || strcmp(c->key, key) != 0)
        gguf_build_u32(b, name, v);
    else if (c->put != NULL)
        c->put(b, name);
}

static void vision_f32s(gguf_build *b, const vision_change *c, const char *key)
{
    static const float v[] = {0.5f, 0.5f, 0.5f};
    g_autofree char *name = g_strdup_printf("clip.vision.%s", key);

    if (c->key == NULL || strcmp(c->key, key) != 0)
        gguf_build_f32s(b, name, v, 3);
    else if (c->put != NULL)
        c->put(b, name);
}

static void vision_refused(const char *key, tiny_key_fn put, lw_model_error code,
                           const char *fragment)
{
    vision_change c = {key, put};
    g_autoptr(GError) error = NULL;
    gguf_build *b = gguf_build_new();

    gguf_build_str(b, "general.architecture", "clip");
    gguf_build_str(b, "clip.projector_type", "qwen2.5vl_merger");
    vision_u32(b, &c, "block_count", 1);
    vision_u32(b, &c, "embedding_length", 16);
    vision_u32(b, &c, "feed_forward_length", 32);
    vision_u32(b, &c, "attention.head_count", 2);
    vision_u32(b, &c, "projection_dim", 16);
    gguf_build_f32(b, "clip.vision.attention.layer_norm_epsilon", 1e-6f);
    vision_u32(b, &c, "patch_size", 14);
    vision_u32(b, &c, "spatial_merge_size", 2);
    vision_f32s(b, &c, "image_mean");
    vision_f32s(b, &c, "image_std");
    write_file(b);
    const lw_hparams text = {.n_embd = 16};
    g_assert_null(lw_vision_open(path, &text, &error));
    check(error, code, fragment);
}

static void put_two_floats(gguf_build *b, const char *key)
{
    static const float v[] = {0.5f, 0.5f};

    gguf_build_f32s(b, key, v, 2);
}

static void put_nan_floats(gguf_build *b, const char *key)
{
    static const float v[] = {0.5f, NAN, 0.5f};

    gguf_build_f32s(b, key, v, 3);
}

static void put_three_ints(gguf_build *b, const char *key)
{
    static const gint32 v[] = {1, 2, 3};

    gguf_build_i32s(b, key, v, 3);
}

static void test_vision(void)
{
    static const char *const numbers[] = {"block_count", "embedding_length", "feed_forward_length",
                                          "attention.head_count", "projection_dim"};
    static const char *const colours[] = {"image_mean", "image_std"};

    /* All keys are good: what is missing is the tensors. */
    vision_refused(NULL, NULL, LW_MODEL_ERROR_MISSING, "tensor ");
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        vision_refused(numbers[i], NULL, LW_MODEL_ERROR_MISSING, numbers[i]);
        vision_refused(numbers[i], put_0, LW_MODEL_ERROR_CORRUPT, numbers[i]);
        vision_refused(numbers[i], put_huge, LW_MODEL_ERROR_CORRUPT, numbers[i]);
    }
    vision_refused("block_count", put_513, LW_MODEL_ERROR_CORRUPT, "513");
    vision_refused("embedding_length", put_17, LW_MODEL_ERROR_CORRUPT, "17");
    vision_refused("patch_size", put_0, LW_MODEL_ERROR_CORRUPT, "patch_size");
    vision_refused("spatial_merge_size", put_9, LW_MODEL_ERROR_CORRUPT, "spatial_merge_size");
    for (gsize i = 0; i < G_N_ELEMENTS(colours); i++) {
        vision_refused(colours[i], NULL, LW_MODEL_ERROR_MISSING, colours[i]);
        vision_refused(colours[i], put_two_floats, LW_MODEL_ERROR_CORRUPT, colours[i]);
        vision_refused(colours[i], put_nan_floats, LW_MODEL_ERROR_CORRUPT, colours[i]);
        vision_refused(colours[i], put_three_ints, LW_MODEL_ERROR_CORRUPT, colours[i]);
        vision_refused(colours[i], put_text, LW_MODEL_ERROR_CORRUPT, colours[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    path = g_build_filename(g_get_tmp_dir(), "lw-model-file-XXXXXX", NULL);
    g_close(g_mkstemp(path), NULL);
    g_test_add_func("/model-file/good", test_good);
    g_test_add_func("/model-file/hyper-parameters", test_hyper_parameters);
    g_test_add_func("/model-file/groups", test_groups);
    g_test_add_func("/model-file/rope-sections", test_rope_sections);
    g_test_add_func("/model-file/shapes", test_shapes);
    g_test_add_func("/model-file/types", test_types);
    g_test_add_func("/model-file/ollama-conversions", test_ollama_conversions);
    g_test_add_func("/model-file/vision", test_vision);
    int status = g_test_run();
    g_unlink(path);
    g_free(path);
    return status;
}
