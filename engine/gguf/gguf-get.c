/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading an open GGUF file.  Values of arrays are read from the mapping each time, and string
 * lengths are compared with the bytes left again: the file may have been rewritten since it was opened.
 */
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/gguf/gguf-private.h"
#include "engine/lw-error.h"

/* Longest part of a string value that lw_gguf_format_value() shows, in bytes. */
#define MAX_SHOWN_BYTES 120

const char *lw_gguf_path(const lw_gguf *g)
{
    return g->path;
}

const void *lw_gguf_head(const lw_gguf *g, gsize *n)
{
    *n = g->data_at;
    return g->bytes;
}

gsize lw_gguf_file_bytes(const lw_gguf *g)
{
    gsize n = g->n_bytes;

    for (guint32 i = 0; i < g->n_parts; i++)
        n += g->parts[i]->n_bytes;
    return n;
}

guint32 lw_gguf_n_files(const lw_gguf *g)
{
    return 1 + g->n_parts;
}

gboolean lw_gguf_is_intact(const lw_gguf *g)
{
    for (guint32 i = 0; i < g->n_parts; i++) {
        if (!lw_gguf_is_intact(g->parts[i]))
            return FALSE;
    }
    return g->mapping == NULL || lw_mapping_is_intact(g->mapping);
}

gsize lw_gguf_n_kv(const lw_gguf *g)
{
    return g->n_kv;
}

gsize lw_gguf_n_tensors(const lw_gguf *g)
{
    return g->n_tensors;
}

const lw_gguf_tensor *lw_gguf_tensor_at(const lw_gguf *g, gsize i)
{
    g_return_val_if_fail(i < g->n_tensors, NULL);
    return &g->tensors[i];
}

const lw_gguf_tensor *lw_gguf_find_tensor(const lw_gguf *g, const char *name)
{
    gsize low = 0, high = g->n_tensors;

    while (low < high) {
        gsize mid = low + (high - low) / 2;
        const lw_gguf_tensor *t = &g->tensors[g->tensor_by_name[mid]];
        int order = strcmp(name, t->name);

        if (order == 0)
            return t;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

static const lw_gguf_kv *find(const lw_gguf *g, const char *key)
{
    gsize low = 0, high = g->n_kv;

    while (low < high) {
        gsize mid = low + (high - low) / 2;
        const lw_gguf_kv *kv = &g->kv[g->kv_by_key[mid]];
        int order = strcmp(key, kv->key);

        if (order == 0)
            return kv;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const char *lw_gguf_key_at(const lw_gguf *g, gsize i, lw_gguf_type *type)
{
    g_return_val_if_fail(i < g->n_kv, NULL);
    if (type != NULL)
        *type = g->kv[i].type;
    return g->kv[i].key;
}

gboolean lw_gguf_has(const lw_gguf *g, const char *key)
{
    return find(g, key) != NULL;
}

/* ---- Numbers ---- */

/* Every integer type fits sign + magnitude: TRUE when v was set from an integer type. */
typedef struct {
    gboolean negative;
    guint64 bits; /* two's complement when negative */
} integer;

static gboolean integer_from_raw(lw_gguf_type type, guint64 raw, integer *v)
{
    gint64 s;

    switch (type) {
    case LW_GGUF_U8:
    case LW_GGUF_U16:
    case LW_GGUF_U32:
    case LW_GGUF_U64:
        v->negative = FALSE;
        v->bits = raw;
        return TRUE;
    case LW_GGUF_I8:
        s = (gint8)(guint8)raw;
        break;
    case LW_GGUF_I16:
        s = (gint16)(guint16)raw;
        break;
    case LW_GGUF_I32:
        s = (gint32)(guint32)raw;
        break;
    case LW_GGUF_I64:
        s = (gint64)raw;
        break;
    default:
        return FALSE;
    }
    v->negative = s < 0;
    v->bits = (guint64)s;
    return TRUE;
}

/* An f32, or an f64 that an f32 can hold. */
static gboolean float_from_raw(lw_gguf_type type, guint64 raw, float *v)
{
    if (type == LW_GGUF_F32) {
        guint32 bits = (guint32)raw;

        memcpy(v, &bits, sizeof *v);
        return TRUE;
    }
    if (type == LW_GGUF_F64) {
        double d;

        memcpy(&d, &raw, sizeof d);
        if (isfinite(d) && fabs(d) > G_MAXFLOAT)
            return FALSE;
        *v = (float)d;
        return TRUE;
    }
    return FALSE;
}

/* Element i of a numeric array.  Its bytes were inside the file when it was opened, and the mapping's
 * length never changes. */
static guint64 element(const lw_gguf *g, const lw_gguf_kv *kv, gsize i)
{
    gsize n = lw_gguf_scalar_bytes(kv->elem_type);
    guint64 raw = 0;

    memcpy(&raw, g->bytes + kv->at + i * n, n);
    return GUINT64_FROM_LE(raw);
}

static gboolean wrong_type(const lw_gguf *g, const lw_gguf_kv *kv, const char *wanted, GError **error)
{
    if (kv->type == LW_GGUF_ARRAY)
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT, "%s: key '%s' is an array of %s, not %s",
                    g->path, kv->key, lw_gguf_type_name(kv->elem_type), wanted);
    else
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT, "%s: key '%s' is of type %s, not %s",
                    g->path, kv->key, lw_gguf_type_name(kv->type), wanted);
    return FALSE;
}

static gboolean out_of_range(const lw_gguf *g, const lw_gguf_kv *kv, integer v, const char *wanted,
                             GError **error)
{
    char *number = v.negative ? g_strdup_printf("%" G_GINT64_FORMAT, (gint64)v.bits)
                              : g_strdup_printf("%" G_GUINT64_FORMAT, v.bits);

    g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT, "%s: key '%s' holds %s, which is not %s",
                g->path, kv->key, number, wanted);
    g_free(number);
    return FALSE;
}

gboolean lw_gguf_get_u32(const lw_gguf *g, const char *key, guint32 *out, GError **error)
{
    const lw_gguf_kv *kv = find(g, key);
    integer v;

    if (kv == NULL)
        return FALSE;
    if (!integer_from_raw(kv->type, kv->raw, &v))
        return wrong_type(g, kv, "an integer", error);
    if (v.negative || v.bits > G_MAXUINT32)
        return out_of_range(g, kv, v, "a number from 0 to 4294967295", error);
    *out = (guint32)v.bits;
    return TRUE;
}

gboolean lw_gguf_get_i64(const lw_gguf *g, const char *key, gint64 *out, GError **error)
{
    const lw_gguf_kv *kv = find(g, key);
    integer v;

    if (kv == NULL)
        return FALSE;
    if (!integer_from_raw(kv->type, kv->raw, &v))
        return wrong_type(g, kv, "an integer", error);
    if (!v.negative && v.bits > G_MAXINT64)
        return out_of_range(g, kv, v, "a signed 64-bit number", error);
    *out = (gint64)v.bits;
    return TRUE;
}

gboolean lw_gguf_get_f32(const lw_gguf *g, const char *key, float *out, GError **error)
{
    const lw_gguf_kv *kv = find(g, key);

    if (kv == NULL)
        return FALSE;
    return float_from_raw(kv->type, kv->raw, out) || wrong_type(g, kv, "a 32-bit float", error);
}

gboolean lw_gguf_get_bool(const lw_gguf *g, const char *key, gboolean *out, GError **error)
{
    const lw_gguf_kv *kv = find(g, key);

    if (kv == NULL)
        return FALSE;
    if (kv->type != LW_GGUF_BOOL)
        return wrong_type(g, kv, "a bool", error);
    *out = kv->raw != 0;
    return TRUE;
}

gboolean lw_gguf_get_str(const lw_gguf *g, const char *key, lw_gguf_str *out, GError **error)
{
    const lw_gguf_kv *kv = find(g, key);

    if (kv == NULL)
        return FALSE;
    if (kv->type != LW_GGUF_STRING)
        return wrong_type(g, kv, "a string", error);
    out->bytes = (const char *)g->bytes + kv->at;
    out->n = kv->count;
    return TRUE;
}

/* ---- Arrays ---- */

gboolean lw_gguf_get_i32_array(const lw_gguf *g, const char *key, gint32 **out, gsize *n, GError **error)
{
    const lw_gguf_kv *kv = find(g, key);
    gint32 *a;

    if (kv == NULL)
        return FALSE;
    if (kv->type != LW_GGUF_ARRAY)
        return wrong_type(g, kv, "an array of integers", error);
    a = lw_alloc0_array_try(kv->count, sizeof *a, key, error);
    if (a == NULL)
        return FALSE;
    for (gsize i = 0; i < kv->count; i++) {
        guint64 raw = element(g, kv, i);
        integer v;

        if (kv->elem_type == LW_GGUF_BOOL) {
            v.negative = FALSE;
            v.bits = raw != 0;
        } else if (!integer_from_raw(kv->elem_type, raw, &v)) {
            lw_free(a);
            return wrong_type(g, kv, "integers", error);
        }
        if (v.negative ? (gint64)v.bits < G_MININT32 : v.bits > G_MAXINT32) {
            lw_free(a);
            return out_of_range(g, kv, v, "a signed 32-bit number", error);
        }
        a[i] = (gint32)v.bits;
    }
    *out = a;
    *n = kv->count;
    return TRUE;
}

gboolean lw_gguf_get_f32_array(const lw_gguf *g, const char *key, float **out, gsize *n, GError **error)
{
    const lw_gguf_kv *kv = find(g, key);
    float *a;

    if (kv == NULL)
        return FALSE;
    if (kv->type != LW_GGUF_ARRAY || (kv->elem_type != LW_GGUF_F32 && kv->elem_type != LW_GGUF_F64))
        return wrong_type(g, kv, "an array of floats", error);
    a = lw_alloc0_array_try(kv->count, sizeof *a, key, error);
    if (a == NULL)
        return FALSE;
    for (gsize i = 0; i < kv->count; i++) {
        if (!float_from_raw(kv->elem_type, element(g, kv, i), &a[i])) {
            lw_free(a);
            return wrong_type(g, kv, "floats of 32 bits", error);
        }
    }
    *out = a;
    *n = kv->count;
    return TRUE;
}

gboolean lw_gguf_get_str_array(const lw_gguf *g, const char *key, lw_gguf_str **out, gsize *n,
                               GError **error)
{
    const lw_gguf_kv *kv = find(g, key);
    lw_gguf_str *a;
    gsize at;

    if (kv == NULL)
        return FALSE;
    if (kv->type != LW_GGUF_ARRAY || kv->elem_type != LW_GGUF_STRING)
        return wrong_type(g, kv, "an array of strings", error);
    a = lw_alloc0_array_try(kv->count, sizeof *a, key, error);
    if (a == NULL)
        return FALSE;
    at = kv->at;
    for (gsize i = 0; i < kv->count; i++) {
        guint64 length = 0;

        if (g->n_bytes - at >= sizeof length) {
            memcpy(&length, g->bytes + at, sizeof length);
            length = GUINT64_FROM_LE(length);
            at += sizeof length;
        } else {
            length = G_MAXUINT64;
        }
        if (length > g->n_bytes - at) {
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_IO,
                        "%s: key '%s' changed in the file after it was opened", g->path, key);
            lw_free(a);
            return FALSE;
        }
        a[i].bytes = (const char *)g->bytes + at;
        a[i].n = length;
        at += length;
    }
    *out = a;
    *n = kv->count;
    return TRUE;
}

/* ---- For people ---- */

static void append_number(GString *s, lw_gguf_type type, guint64 raw)
{
    integer v;
    double d;
    float f;

    if (type == LW_GGUF_BOOL) {
        g_string_append(s, raw != 0 ? "true" : "false");
    } else if (integer_from_raw(type, raw, &v)) {
        if (v.negative)
            g_string_append_printf(s, "%" G_GINT64_FORMAT, (gint64)v.bits);
        else
            g_string_append_printf(s, "%" G_GUINT64_FORMAT, v.bits);
    } else if (type == LW_GGUF_F64) {
        memcpy(&d, &raw, sizeof d);
        g_string_append_printf(s, "%g", d);
    } else if (float_from_raw(type, raw, &f)) {
        g_string_append_printf(s, "%g", (double)f);
    }
}

/* One line: control characters and bytes that are not UTF-8 are replaced. */
static void append_text(GString *s, const char *bytes, gsize n)
{
    char *valid = g_utf8_make_valid(bytes, (gssize)MIN(n, MAX_SHOWN_BYTES));
    char *end;

    /* A character cut by the limit became U+FFFD: drop it. */
    if (n > MAX_SHOWN_BYTES && g_str_has_suffix(valid, "\xef\xbf\xbd"))
        valid[strlen(valid) - 3] = '\0';
    for (end = valid; *end != '\0'; end = g_utf8_next_char(end)) {
        gunichar c = g_utf8_get_char(end);

        if (c == '\n')
            g_string_append(s, "\\n");
        else
            g_string_append_unichar(s, g_unichar_iscntrl(c) ? ' ' : c);
    }
    g_free(valid);
    if (n > MAX_SHOWN_BYTES)
        g_string_append_printf(s, "… (%" G_GSIZE_FORMAT " bytes)", n);
}

char *lw_gguf_format_value(const lw_gguf *g, gsize i)
{
    const lw_gguf_kv *kv;
    GString *s;

    g_return_val_if_fail(i < g->n_kv, NULL);
    kv = &g->kv[i];
    s = g_string_new(NULL);
    if (kv->type == LW_GGUF_STRING) {
        append_text(s, (const char *)g->bytes + kv->at, kv->count);
    } else if (kv->type != LW_GGUF_ARRAY) {
        append_number(s, kv->type, kv->raw);
    } else if (kv->elem_type == LW_GGUF_STRING || kv->count > 8) {
        g_string_append_printf(s, "[%" G_GUINT64_FORMAT " %s%s]", kv->count,
                               lw_gguf_type_name(kv->elem_type), kv->count == 1 ? "" : "s");
    } else {
        g_string_append_c(s, '[');
        for (gsize k = 0; k < kv->count; k++) {
            if (k > 0)
                g_string_append(s, ", ");
            append_number(s, kv->elem_type, element(g, kv, k));
        }
        g_string_append_c(s, ']');
    }
    return g_string_free(s, FALSE);
}

void lw_gguf_prefetch(const lw_gguf *g)
{
    gsize page, start;

    for (guint32 i = 0; i < g->n_parts; i++)
        lw_gguf_prefetch(g->parts[i]);
    if (g->mapping == NULL || g->n_tensors == 0)
        return;
    page = (gsize)sysconf(_SC_PAGESIZE);
    start = g->data_at & ~(page - 1);
    madvise((void *)(g->bytes + start), g->n_bytes - start, MADV_WILLNEED);
}
