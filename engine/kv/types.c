/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a token of the cache takes, by type: the one place that knows.
 */
#include "engine/kernels/kernels.h"
#include "engine/kv/pages.h"

G_STATIC_ASSERT(LW_KV_PAGE == LW_ATTN_TILE);

static const char *const names[] = {[LW_KV_F16] = "f16", [LW_KV_F32] = "f32", [LW_KV_Q8_0] = "q8_0"};

gboolean lw_kv_type_parse(const char *name, lw_kv_type *type, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (!name || g_str_equal(name, names[i])) {
            *type = (lw_kv_type)i;
            return TRUE;
        }
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                "unknown type of the cache \"%s\" (there is: f16, q8_0, f32)", name);
    return FALSE;
}

const char *lw_kv_type_name(lw_kv_type type)
{
    return names[type];
}

/* Bytes of one head's key (or value) of one token, 0 when the type cannot hold this head size. */
static gsize row_bytes(lw_kv_type type, gsize head_dim)
{
    switch (type) {
    case LW_KV_F16:
        return head_dim * sizeof(lw_f16);
    case LW_KV_F32:
        return head_dim * sizeof(float);
    case LW_KV_Q8_0:
        return head_dim % LW_QK ? 0 : LW_TILE_Q8_BYTES(head_dim) / LW_ATTN_TILE;
    }
    return 0;
}

gint64 lw_model_info_kv_bytes_per_token(const lw_model_info *info, lw_kv_type type)
{
    if (info->only_embeds) /* no cache */
        return 0;
    return (gint64)info->n_layer * 2 * info->n_head_kv * (gint64)row_bytes(type, info->head_dim);
}

gboolean lw_kv_shape_check(const lw_kv_shape *s, GError **error)
{
    if (row_bytes(s->type, s->head_dim) > 0)
        return TRUE;
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                "a cache of type %s needs heads of a multiple of %d elements, this model's have %u; f16 works "
                "with any",
                lw_kv_type_name(s->type), LW_QK, s->head_dim);
    return FALSE;
}

gsize lw_kv_tile_bytes(const lw_kv_shape *s)
{
    return LW_KV_PAGE * row_bytes(s->type, s->head_dim);
}
