/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/models/arch.h"

#include <math.h>

static const lw_gguf_tensor *find(const lw_gguf *g, const char *name, GError **error)
{
    const lw_gguf_tensor *t = lw_gguf_find_tensor(g, name);

    if (!t)
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING, "%s: tensor %s is missing",
                    lw_gguf_path(g), name);
    return t;
}

static gboolean check_shape(const lw_gguf *g, const lw_gguf_tensor *t, guint64 d0, guint64 d1, GError **error)
{
    guint64 rest = t->dims[2] * t->dims[3];

    if (t->dims[0] == d0 && t->dims[1] == d1 && rest == 1)
        return TRUE;
    g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                "%s: tensor %s is %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT
                ", the hyper-parameters ask for %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT,
                lw_gguf_path(g), t->name, t->dims[0], t->dims[1], rest, d0, d1);
    return FALSE;
}

static const float *vector(const lw_gguf *g, const char *name, guint32 n, GError **error)
{
    const lw_gguf_tensor *t = find(g, name, error);

    if (!t || !check_shape(g, t, n, 1, error))
        return NULL;
    if (t->type != LW_TYPE_F32) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: tensor %s has type %s, a vector must be F32", lw_gguf_path(g), name,
                    lw_type_get_info(t->type)->name);
        return NULL;
    }
    return t->data;
}

const float *lw_bind_vector(lw_binder *b, guint32 n, GError **error, const char *name_format, ...)
{
    va_list ap;

    va_start(ap, name_format);
    g_autofree char *name = g_strdup_vprintf(name_format, ap);
    va_end(ap);
    return vector(b->g, name, n, error);
}

gboolean lw_bind_optional_vector(const lw_gguf *g, const char *name, guint32 n, const float **out,
                                 GError **error)
{
    *out = NULL;
    return !lw_gguf_find_tensor(g, name) || (*out = vector(g, name, n, error)) != NULL;
}

const lw_weight *lw_bind(lw_binder *b, gboolean with_bias, guint32 n_in, guint32 n_out, GError **error,
                         const char *name_format, ...)
{
    va_list ap;

    va_start(ap, name_format);
    g_autofree char *name = g_strdup_vprintf(name_format, ap);
    va_end(ap);

    const lw_gguf_tensor *t = find(b->g, name, error);
    if (!t || !check_shape(b->g, t, n_in, n_out, error))
        return NULL;
    if (!lw_type_get_info(t->type)->supported) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: unsupported type %s in tensor %s", lw_gguf_path(b->g),
                    lw_type_get_info(t->type)->name, name);
        return NULL;
    }

    lw_weight *w = g_new0(lw_weight, 1);
    g_ptr_array_add(b->graph->weights, w);
    w->type = t->type;
    w->n_in = (int)n_in;
    w->n_out = (int)n_out;
    w->data = t->data;
    w->row_bytes = lw_type_row_bytes(t->type, n_in);
    if (with_bias) {
        g_autofree char *bias = g_strdup_printf("%.*s.bias", (int)(strlen(name) - strlen(".weight")), name);
        w->bias = vector(b->g, bias, n_out, error);
        if (!w->bias)
            return NULL;
    }
    return w;
}

const float *lw_bind_table(lw_binder *b, guint32 n_cols, guint32 n_rows, guint32 *out_rows, GError **error,
                           const char *name)
{
    const lw_gguf_tensor *t = find(b->g, name, error);

    if (!t || !check_shape(b->g, t, n_cols, n_rows ? n_rows : t->dims[1], error))
        return NULL;
    if (t->dims[1] > G_MAXINT32) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: tensor %s has %" G_GUINT64_FORMAT " rows", lw_gguf_path(b->g), name, t->dims[1]);
        return NULL;
    }
    if (out_rows)
        *out_rows = (guint32)t->dims[1];
    if (t->type == LW_TYPE_F32)
        return t->data;
    if (t->type != LW_TYPE_F16 && t->type != LW_TYPE_BF16) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: tensor %s has type %s, a table of positions must be F32, F16 or BF16",
                    lw_gguf_path(b->g), name, lw_type_get_info(t->type)->name);
        return NULL;
    }
    gsize n = (gsize)t->dims[0] * (gsize)t->dims[1];
    float *table = g_try_malloc_n(n, sizeof *table);
    if (!table) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                    "no memory for %s (%" G_GSIZE_FORMAT " numbers)", name, n);
        return NULL;
    }
    g_ptr_array_add(b->graph->weights, table);
    if (t->type == LW_TYPE_F16)
        lw_kernels_get()->f16_to_f32(t->data, table, n);
    else
        lw_kernels_get()->bf16_to_f32(t->data, table, n);
    return table;
}

const lw_weight *lw_bind_rows(lw_binder *b, const lw_weight *w, guint32 first, guint32 n_out)
{
    lw_weight *part = g_new0(lw_weight, 1);

    g_ptr_array_add(b->graph->weights, part);
    *part = *w;
    part->n_out = (int)n_out;
    part->data = (const char *)w->data + first * w->row_bytes;
    part->bias = w->bias ? w->bias + first : NULL;
    return part;
}

gboolean lw_optional_u32(const lw_gguf *g, const char *key, guint32 min, guint32 max, guint32 *out,
                         GError **error)
{
    GError *err = NULL;
    guint32 v;

    if (!lw_gguf_get_u32(g, key, &v, &err)) {
        if (!err)
            return TRUE;
        g_propagate_error(error, err);
        return FALSE;
    }
    if (v < min || v > max) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT, "%s: %s is %u, must be %u to %u",
                    lw_gguf_path(g), key, v, min, max);
        return FALSE;
    }
    *out = v;
    return TRUE;
}

static gboolean missing(const lw_gguf *g, const char *key, GError **error)
{
    g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING, "%s: key %s is missing", lw_gguf_path(g),
                key);
    return FALSE;
}

gboolean lw_require_u32(const lw_gguf *g, const char *key, guint32 min, guint32 max, guint32 *out,
                        GError **error)
{
    if (!lw_gguf_has(g, key))
        return missing(g, key, error);
    return lw_optional_u32(g, key, min, max, out, error);
}

gboolean lw_require_f32(const lw_gguf *g, const char *key, float *out, GError **error)
{
    GError *err = NULL;

    if (!lw_gguf_get_f32(g, key, out, &err)) {
        if (!err)
            return missing(g, key, error);
        g_propagate_error(error, err);
        return FALSE;
    }
    if (!isfinite(*out) || *out <= 0) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: %s is %g, must be finite and positive", lw_gguf_path(g), key, (double)*out);
        return FALSE;
    }
    return TRUE;
}

gboolean lw_optional_f32(const lw_gguf *g, const char *key, float *out, GError **error)
{
    return !lw_gguf_has(g, key) || lw_require_f32(g, key, out, error);
}
