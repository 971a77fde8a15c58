/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small GGUF files in memory for tests: keys in any order, then gguf_build_finish().  Nothing is checked
 * here, so that a test can write nonsense on purpose.
 */
#pragma once

#include <string.h>

#include "engine/gguf/gguf.h"

typedef struct {
    GByteArray *keys, *infos, *data;
    guint64 n_keys, n_tensors;
    guint32 version, alignment; /* alignment of the data; write the key yourself when it is not 32 */
} gguf_build;

static inline gguf_build *gguf_build_new(void)
{
    gguf_build *b = g_new0(gguf_build, 1);

    b->keys = g_byte_array_new();
    b->infos = g_byte_array_new();
    b->data = g_byte_array_new();
    b->version = 3;
    b->alignment = 32;
    return b;
}

static inline void gguf_put(GByteArray *a, const void *bytes, gsize n)
{
    g_byte_array_append(a, bytes, (guint)n);
}

static inline void gguf_put_u32(GByteArray *a, guint32 v)
{
    v = GUINT32_TO_LE(v);
    gguf_put(a, &v, sizeof v);
}

static inline void gguf_put_u64(GByteArray *a, guint64 v)
{
    v = GUINT64_TO_LE(v);
    gguf_put(a, &v, sizeof v);
}

static inline void gguf_put_bytes(GByteArray *a, const char *text, gsize n)
{
    gguf_put_u64(a, n);
    gguf_put(a, text, n);
}

static inline void gguf_put_str(GByteArray *a, const char *text)
{
    gguf_put_bytes(a, text, strlen(text));
}

/* ---- Keys ---- */

/* Any type, any bytes for the value. */
static inline void gguf_build_raw(gguf_build *b, const char *key, guint32 type, const void *value,
                                  gsize n)
{
    gguf_put_str(b->keys, key);
    gguf_put_u32(b->keys, type);
    gguf_put(b->keys, value, n);
    b->n_keys++;
}

static inline void gguf_build_u32(gguf_build *b, const char *key, guint32 v)
{
    v = GUINT32_TO_LE(v);
    gguf_build_raw(b, key, LW_GGUF_U32, &v, sizeof v);
}

static inline void gguf_build_f32(gguf_build *b, const char *key, float v)
{
    gguf_build_raw(b, key, LW_GGUF_F32, &v, sizeof v);
}

static inline void gguf_build_bool(gguf_build *b, const char *key, gboolean v)
{
    guint8 byte = v != FALSE;

    gguf_build_raw(b, key, LW_GGUF_BOOL, &byte, 1);
}

static inline void gguf_build_str(gguf_build *b, const char *key, const char *v)
{
    gguf_build_raw(b, key, LW_GGUF_STRING, NULL, 0);
    gguf_put_str(b->keys, v);
}

/* The head of an array; its elements follow with gguf_put*(b->keys, ...). */
static inline void gguf_build_array(gguf_build *b, const char *key, guint32 elem_type, guint64 count)
{
    gguf_build_raw(b, key, LW_GGUF_ARRAY, NULL, 0);
    gguf_put_u32(b->keys, elem_type);
    gguf_put_u64(b->keys, count);
}

static inline void gguf_build_i32s(gguf_build *b, const char *key, const gint32 *v, gsize n)
{
    gguf_build_array(b, key, LW_GGUF_I32, n);
    gguf_put(b->keys, v, n * sizeof *v);
}

static inline void gguf_build_f32s(gguf_build *b, const char *key, const float *v, gsize n)
{
    gguf_build_array(b, key, LW_GGUF_F32, n);
    gguf_put(b->keys, v, n * sizeof *v);
}

static inline void gguf_build_strs(gguf_build *b, const char *key, const char *const *v, gsize n)
{
    gguf_build_array(b, key, LW_GGUF_STRING, n);
    for (gsize i = 0; i < n; i++)
        gguf_put_str(b->keys, v[i]);
}

/* ---- Tensors ---- */

/* A record with an offset of your own and no data. */
static inline void gguf_build_record(gguf_build *b, const char *name, guint32 type, guint32 n_dims,
                                     const guint64 *dims, guint64 offset)
{
    gguf_put_str(b->infos, name);
    gguf_put_u32(b->infos, n_dims);
    for (guint32 i = 0; i < n_dims; i++)
        gguf_put_u64(b->infos, dims[i]);
    gguf_put_u32(b->infos, type);
    gguf_put_u64(b->infos, offset);
    b->n_tensors++;
}

/* A tensor with its bytes (NULL: zeros), placed after the one before. */
static inline void gguf_build_tensor(gguf_build *b, const char *name, guint32 type, guint32 n_dims,
                                     const guint64 *dims, const void *data, gsize n_bytes)
{
    guint8 zero = 0;

    while (b->data->len % b->alignment != 0)
        gguf_put(b->data, &zero, 1);
    gguf_build_record(b, name, type, n_dims, dims, b->data->len);
    if (data != NULL) {
        gguf_put(b->data, data, n_bytes);
    } else {
        guint at = b->data->len;

        g_byte_array_set_size(b->data, at + (guint)n_bytes);
        memset(b->data->data + at, 0, n_bytes);
    }
}

/* The file; b is freed.  g_byte_array_unref() it. */
static inline GByteArray *gguf_build_finish(gguf_build *b)
{
    GByteArray *file = g_byte_array_new();
    guint8 zero = 0;

    gguf_put(file, "GGUF", 4);
    gguf_put_u32(file, b->version);
    gguf_put_u64(file, b->n_tensors);
    gguf_put_u64(file, b->n_keys);
    gguf_put(file, b->keys->data, b->keys->len);
    gguf_put(file, b->infos->data, b->infos->len);
    while (b->n_tensors > 0 && file->len % b->alignment != 0)
        gguf_put(file, &zero, 1);
    gguf_put(file, b->data->data, b->data->len);
    g_byte_array_unref(b->keys);
    g_byte_array_unref(b->infos);
    g_byte_array_unref(b->data);
    g_free(b);
    return file;
}

/* ---- A vocabulary ---- */

/* The first special id of gguf_build_vocab(): 256 bytes and 6 merge results stand before. */
#define TINY_FIRST_SPECIAL 262

enum {
    TINY_ENDOFTEXT = TINY_FIRST_SPECIAL,
    TINY_IM_START,
    TINY_IM_END,
    TINY_VISION_START,
    TINY_VISION_END,
    TINY_IMAGE_PAD,
    TINY_VIDEO_PAD,
    TINY_TOOL_CALL, /* user-defined */
    TINY_THINK,     /* user-defined */
    TINY_N_TOKENS,
};

/* A byte as a character of the GPT-2 alphabet, NUL-terminated in out. */
static inline void gguf_alphabet_char(guint8 byte, char out[3])
{
    gunichar c = byte;

    if (byte < 0x21)
        c = 0x100u + byte;
    else if (byte >= 0x7F && byte <= 0xA0)
        c = 0x100u + 33u + (byte - 0x7Fu);
    else if (byte == 0xAD)
        c = 0x100u + 67u;
    out[g_unichar_to_utf8(c, out)] = '\0';
}

/* The keys of a byte-level BPE vocabulary: token id = byte for the first 256, then "he", "ll", "hell",
 * "hello", " w", "é", then the special tokens above. */
static inline void gguf_build_vocab(gguf_build *b, const char *pre)
{
    static const char *const merged[] = {"he", "ll", "hell", "hello", "\xc4\xa0w", "\xc3\x83\xc2\xa9"};
    static const char *const merges[] = {"h e",      "l l",        "he ll",
                                         "hell o",   "\xc4\xa0 w", "\xc3\x83 \xc2\xa9"};
    static const char *const specials[] = {
        "<|endoftext|>",  "<|im_start|>",  "<|im_end|>",    "<|vision_start|>", "<|vision_end|>",
        "<|image_pad|>",  "<|video_pad|>", "<tool_call>",   "<think>"};
    gint32 types[TINY_N_TOKENS];

    gguf_build_str(b, "tokenizer.ggml.model", "gpt2");
    gguf_build_str(b, "tokenizer.ggml.pre", pre);
    gguf_build_array(b, "tokenizer.ggml.tokens", LW_GGUF_STRING, TINY_N_TOKENS);
    for (guint i = 0; i < 256; i++) {
        char c[3];

        gguf_alphabet_char((guint8)i, c);
        gguf_put_str(b->keys, c);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(merged); i++)
        gguf_put_str(b->keys, merged[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(specials); i++)
        gguf_put_str(b->keys, specials[i]);
    for (gint i = 0; i < TINY_N_TOKENS; i++)
        types[i] = i < TINY_FIRST_SPECIAL ? 1 : i < TINY_TOOL_CALL ? 3 : 4;
    gguf_build_i32s(b, "tokenizer.ggml.token_type", types, TINY_N_TOKENS);
    gguf_build_strs(b, "tokenizer.ggml.merges", merges, G_N_ELEMENTS(merges));
    gguf_build_u32(b, "tokenizer.ggml.eos_token_id", TINY_IM_END);
    gguf_build_u32(b, "tokenizer.ggml.bos_token_id", TINY_ENDOFTEXT);
    gguf_build_bool(b, "tokenizer.ggml.add_bos_token", FALSE);
}
