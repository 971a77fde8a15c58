/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole model file of a few kilobytes, with zeros for weights, and one thing in it changed: for tests of
 * what a model file may say.
 */
#pragma once

#include "tests/unit/gguf-build.h"

#define TINY_EMBD 16
#define TINY_FF 32
#define TINY_HEADS 2
#define TINY_KV_HEADS 1
#define TINY_HEAD_DIM 8

/* Adds a hyper-parameter of its own in place of the usual one; see tiny_build(). */
typedef void (*tiny_key_fn)(gguf_build *b, const char *key);

typedef struct {
    const char *arch;     /* NULL: qwen2vl */
    const char *key;      /* the hyper-parameter left out, without "qwen2vl." */
    tiny_key_fn put;      /* what stands there instead; NULL: nothing */
    const char *tensor;   /* the tensor left out or changed */
    guint32 type;         /* its type; with n_dims 0 it is left out */
    guint n_dims;
    guint64 dims[4];
    gsize n_bytes;
    const char *also;     /* a tensor too many: F32 [16] */
} tiny_change;

static inline gboolean tiny_key(gguf_build *b, const tiny_change *c, const char *key, char **name)
{
    *name = g_strdup_printf("qwen2vl.%s", key);
    if (c->key == NULL || strcmp(c->key, key) != 0)
        return TRUE;
    if (c->put != NULL)
        c->put(b, *name);
    return FALSE;
}

static inline void tiny_u32(gguf_build *b, const tiny_change *c, const char *key, guint32 v)
{
    char *name;

    if (tiny_key(b, c, key, &name))
        gguf_build_u32(b, name, v);
    g_free(name);
}

static inline void tiny_f32(gguf_build *b, const tiny_change *c, const char *key, float v)
{
    char *name;

    if (tiny_key(b, c, key, &name))
        gguf_build_f32(b, name, v);
    g_free(name);
}

static inline void tiny_tensor(gguf_build *b, const tiny_change *c, const char *name, guint64 d0, guint64 d1)
{
    guint64 dims[2] = {d0, d1};

    if (c->tensor != NULL && strcmp(c->tensor, name) == 0) {
        if (c->n_dims > 0)
            gguf_build_tensor(b, name, c->type, c->n_dims, c->dims, NULL, c->n_bytes);
        return;
    }
    gguf_build_tensor(b, name, LW_TYPE_F32, d1 > 1 ? 2 : 1, dims, NULL, d0 * d1 * sizeof(float));
}

/* One layer; vocabulary of gguf_build_vocab(). */
static inline gguf_build *tiny_build(const tiny_change *c)
{
    static const gint32 sections[] = {2, 1, 1, 0};
    gguf_build *b = gguf_build_new();
    char *name;

    gguf_build_str(b, "general.architecture", c->arch != NULL ? c->arch : "qwen2vl");
    tiny_u32(b, c, "block_count", 1);
    tiny_u32(b, c, "embedding_length", TINY_EMBD);
    tiny_u32(b, c, "feed_forward_length", TINY_FF);
    tiny_u32(b, c, "context_length", 256);
    tiny_u32(b, c, "attention.head_count", TINY_HEADS);
    tiny_u32(b, c, "attention.head_count_kv", TINY_KV_HEADS);
    tiny_u32(b, c, "attention.key_length", TINY_HEAD_DIM);
    tiny_f32(b, c, "attention.layer_norm_rms_epsilon", 1e-6f);
    tiny_f32(b, c, "rope.freq_base", 10000);
    if (tiny_key(b, c, "rope.dimension_sections", &name))
        gguf_build_i32s(b, name, sections, G_N_ELEMENTS(sections));
    g_free(name);
    gguf_build_vocab(b, "qwen2");

    tiny_tensor(b, c, "token_embd.weight", TINY_EMBD, TINY_N_TOKENS);
    tiny_tensor(b, c, "output_norm.weight", TINY_EMBD, 1);
    tiny_tensor(b, c, "blk.0.attn_norm.weight", TINY_EMBD, 1);
    tiny_tensor(b, c, "blk.0.attn_q.weight", TINY_EMBD, TINY_HEADS * TINY_HEAD_DIM);
    tiny_tensor(b, c, "blk.0.attn_q.bias", TINY_HEADS * TINY_HEAD_DIM, 1);
    tiny_tensor(b, c, "blk.0.attn_k.weight", TINY_EMBD, TINY_KV_HEADS * TINY_HEAD_DIM);
    tiny_tensor(b, c, "blk.0.attn_k.bias", TINY_KV_HEADS * TINY_HEAD_DIM, 1);
    tiny_tensor(b, c, "blk.0.attn_v.weight", TINY_EMBD, TINY_KV_HEADS * TINY_HEAD_DIM);
    tiny_tensor(b, c, "blk.0.attn_v.bias", TINY_KV_HEADS * TINY_HEAD_DIM, 1);
    tiny_tensor(b, c, "blk.0.attn_output.weight", TINY_HEADS * TINY_HEAD_DIM, TINY_EMBD);
    tiny_tensor(b, c, "blk.0.ffn_norm.weight", TINY_EMBD, 1);
    tiny_tensor(b, c, "blk.0.ffn_gate.weight", TINY_EMBD, TINY_FF);
    tiny_tensor(b, c, "blk.0.ffn_up.weight", TINY_EMBD, TINY_FF);
    tiny_tensor(b, c, "blk.0.ffn_down.weight", TINY_FF, TINY_EMBD);
    if (c->also != NULL) {
        static const guint64 dims[] = {16};

        gguf_build_tensor(b, c->also, LW_TYPE_F32, 1, dims, NULL, 64);
    }
    return b;
}
