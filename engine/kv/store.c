/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kv/store.h"

#include <string.h>

#define MAX_BLOCKS (512 / LW_QK) /* of the largest head a kernel takes */

static lw_f16 *tile_scale(void *tile, guint d, gsize slot, guint block)
{
    return (lw_f16 *)(void *)((char *)tile + LW_TILE_Q8_SCALES(d)) + block * LW_ATTN_TILE + slot;
}

/* Where element i of a token's codes lies. */
static gsize k_at(gsize slot, guint i)
{
    return (i / 4 * LW_ATTN_TILE + slot) * 4 + i % 4;
}

static void store_q8_0(const lw_kernels *k, void *tile, gsize slot, guint d, gboolean is_k, const float *x)
{
    int8_t q[MAX_BLOCKS * LW_QK];
    float scale[MAX_BLOCKS];

    k->quant_q8(x, q, scale, (int)d);
    for (guint b = 0; b < d / LW_QK; b++)
        *tile_scale(tile, d, slot, b) = lw_f32_to_f16(scale[b]);
    if (!is_k) {
        memcpy((int8_t *)tile + slot * d, q, d);
        return;
    }
    for (guint i = 0; i < d; i += 4) {
        guint32 four;
        memcpy(&four, q + i, 4);
        four ^= 0x80808080u; /* code + 128 */
        memcpy((char *)tile + k_at(slot, i), &four, 4);
    }
}

static void store(const lw_kernels *k, const lw_kv_shape *shape, void *tile, gsize slot, gboolean is_k,
                  const float *x)
{
    gsize d = shape->head_dim;

    switch (shape->type) {
    case LW_KV_F16:
        k->f32_to_f16(x, (lw_f16 *)tile + slot * d, d);
        break;
    case LW_KV_F32:
        memcpy((float *)tile + slot * d, x, d * sizeof(float));
        break;
    case LW_KV_Q8_0:
        store_q8_0(k, tile, slot, shape->head_dim, is_k, x);
        break;
    }
}

static void load(const lw_kv_shape *shape, void *tile, gsize slot, gboolean is_k, float *x)
{
    guint d = shape->head_dim;

    for (guint i = 0; i < d; i++)
        switch (shape->type) {
        case LW_KV_F16:
            x[i] = lw_f16_to_f32(((const lw_f16 *)tile)[slot * d + i]);
            break;
        case LW_KV_F32:
            x[i] = ((const float *)tile)[slot * d + i];
            break;
        case LW_KV_Q8_0: {
            int code = is_k ? ((const uint8_t *)tile)[k_at(slot, i)] - 128
                            : ((const int8_t *)tile)[slot * d + i];
            x[i] = (float)code * lw_f16_to_f32(*tile_scale(tile, d, slot, i / LW_QK));
            break;
        }
        }
}

void lw_kv_store_k(const lw_kernels *k, lw_kv_seq *s, guint layer, guint head, gsize token, const float *x)
{
    store(k, lw_kv_seq_shape(s), lw_kv_seq_k(s, layer, head, token / LW_KV_PAGE), token % LW_KV_PAGE, TRUE, x);
}

void lw_kv_store_v(const lw_kernels *k, lw_kv_seq *s, guint layer, guint head, gsize token, const float *x)
{
    store(k, lw_kv_seq_shape(s), lw_kv_seq_v(s, layer, head, token / LW_KV_PAGE), token % LW_KV_PAGE, FALSE, x);
}

void lw_kv_load_k(const lw_kv_seq *s, guint layer, guint head, gsize token, float *x)
{
    load(lw_kv_seq_shape(s), lw_kv_seq_k(s, layer, head, token / LW_KV_PAGE), token % LW_KV_PAGE, TRUE, x);
}

void lw_kv_load_v(const lw_kv_seq *s, guint layer, guint head, gsize token, float *x)
{
    load(lw_kv_seq_shape(s), lw_kv_seq_v(s, layer, head, token / LW_KV_PAGE), token % LW_KV_PAGE, FALSE, x);
}
