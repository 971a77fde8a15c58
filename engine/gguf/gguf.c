/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Opening a GGUF file: header, keys, tensor table, then every offset.  Nothing in the file is
 * believed; each count is compared with the bytes left before it is used for anything.
 */
#include "engine/gguf/gguf-private.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/lw-error.h"

/* Limits on what a file may hold.  The largest real files have about 60 keys and 3,000 tensors. */
#define MAX_KV 65536
#define MAX_KEY_BYTES (64 * 1024)
#define MAX_STRING_BYTES (16 * 1024 * 1024)
#define MAX_ARRAY_COUNT (G_GUINT64_CONSTANT(1) << 30)
#define MAX_ALIGNMENT (1024 * 1024)
#define DEFAULT_ALIGNMENT 32

/* Numbers from here on are given by forks (ik_llama.cpp) and mean nothing elsewhere. */
#define FIRST_PRIVATE_TYPE 97
#define PRIVATE_TYPE_HINT " (a type of one program alone; take a file in a common one such as Q4_K_M or Q8_0)"

/* The shortest possible records: length + 1 byte of key + type + 1 byte of value; length + 1 byte of
 * name + n_dims + one dimension + type + offset. */
#define MIN_KV_BYTES (8 + 1 + 4 + 1)
#define MIN_TENSOR_BYTES (8 + 1 + 4 + 8 + 4 + 8)

typedef struct {
    const guint8 *bytes;
    gsize n, at;
    const char *path;
    GError **error;
} reader;

static gboolean G_GNUC_PRINTF(4, 5)
fail_at(reader *r, gsize at, lw_model_error code, const char *format, ...)
{
    va_list args;
    char *what;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(r->error, LW_MODEL_ERROR, code, "%s: %s, at offset %" G_GSIZE_FORMAT, r->path, what,
                at);
    g_free(what);
    return FALSE;
}

#define corrupt(r, at, ...) fail_at((r), (at), LW_MODEL_ERROR_CORRUPT, __VA_ARGS__)
#define unsupported(r, at, ...) fail_at((r), (at), LW_MODEL_ERROR_UNSUPPORTED, __VA_ARGS__)

static gsize left(const reader *r)
{
    return r->n - r->at;
}

static gboolean read_bytes(reader *r, void *out, gsize n, const char *what)
{
    if (n > left(r))
        return corrupt(r, r->at,
                       "the file ends in %s: %" G_GSIZE_FORMAT " bytes needed, %" G_GSIZE_FORMAT
                       " left",
                       what, n, left(r));
    memcpy(out, r->bytes + r->at, n);
    r->at += n;
    return TRUE;
}

static gboolean read_u32(reader *r, guint32 *out, const char *what)
{
    if (!read_bytes(r, out, sizeof *out, what))
        return FALSE;
    *out = GUINT32_FROM_LE(*out);
    return TRUE;
}

static gboolean read_u64(reader *r, guint64 *out, const char *what)
{
    if (!read_bytes(r, out, sizeof *out, what))
        return FALSE;
    *out = GUINT64_FROM_LE(*out);
    return TRUE;
}

/* A string's length, checked so that the cursor may be moved past it. */
static gboolean read_length(reader *r, guint64 *out, guint64 limit, const char *what)
{
    gsize at = r->at;

    if (!read_u64(r, out, what))
        return FALSE;
    if (*out > limit)
        return corrupt(r, at, "%s of %" G_GUINT64_FORMAT " bytes, the limit is %" G_GUINT64_FORMAT, what,
                       *out, limit);
    if (*out > left(r))
        return corrupt(r, at,
                       "the file ends in %s: %" G_GUINT64_FORMAT " bytes needed, %" G_GSIZE_FORMAT
                       " left",
                       what, *out, left(r));
    return TRUE;
}

/* Names are shown to people and kept NUL-terminated: valid UTF-8 without control characters. */
static gboolean is_name(const guint8 *bytes, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (bytes[i] < 0x20 || bytes[i] == 0x7f)
            return FALSE;
    }
    return n > 0 && g_utf8_validate((const char *)bytes, (gssize)n, NULL);
}

gsize lw_gguf_scalar_bytes(guint32 type)
{
    static const guint8 sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

    return type < G_N_ELEMENTS(sizes) ? sizes[type] : 0;
}

const char *lw_gguf_type_name(guint32 type)
{
    static const char *const names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                        "bool", "string", "array", "u64", "i64", "f64"};

    return type < G_N_ELEMENTS(names) ? names[type] : "unknown";
}

/* ---- Keys ---- */

static gboolean check_bools(reader *r, const char *key, gsize at, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (r->bytes[at + i] > 1)
            return corrupt(r, at + i, "key '%s' has the byte %u for a bool", key, r->bytes[at + i]);
    }
    return TRUE;
}

static gboolean read_array(reader *r, lw_gguf_kv *kv)
{
    gsize at = r->at, elem_bytes;
    guint32 elem_type = 0;

    if (!read_u32(r, &elem_type, "an array's type") || !read_u64(r, &kv->count, "an array's count"))
        return FALSE;
    if (elem_type == LW_GGUF_ARRAY)
        return unsupported(r, at, "key '%s' is an array of arrays", kv->key);
    if (elem_type > LW_GGUF_F64)
        return corrupt(r, at, "key '%s' is an array of unknown type %u", kv->key, elem_type);

    kv->elem_type = (lw_gguf_type)elem_type;
    kv->at = r->at;
    elem_bytes = elem_type == LW_GGUF_STRING ? 8 : lw_gguf_scalar_bytes(elem_type);
    /* The division cannot overflow where count * elem_bytes could. */
    if (kv->count > MAX_ARRAY_COUNT || kv->count > left(r) / elem_bytes)
        return corrupt(r, at,
                       "key '%s' claims %" G_GUINT64_FORMAT " elements of at least %" G_GSIZE_FORMAT
                       " bytes, %" G_GSIZE_FORMAT " bytes are left",
                       kv->key, kv->count, elem_bytes, left(r));

    if (elem_type == LW_GGUF_STRING) {
        for (guint64 i = 0; i < kv->count; i++) {
            guint64 n = 0;

            if (!read_length(r, &n, MAX_STRING_BYTES, "a string of an array"))
                return FALSE;
            r->at += n;
        }
        return TRUE;
    }
    if (elem_type == LW_GGUF_BOOL && !check_bools(r, kv->key, r->at, kv->count))
        return FALSE;
    r->at += kv->count * elem_bytes;
    return TRUE;
}

static gboolean read_value(reader *r, lw_gguf_kv *kv)
{
    gsize at = r->at;
    guint32 type = 0;

    if (!read_u32(r, &type, "a key's type"))
        return FALSE;
    if (type > LW_GGUF_F64)
        return corrupt(r, at, "key '%s' has the unknown type %u", kv->key, type);
    kv->type = (lw_gguf_type)type;
    kv->at = r->at;

    if (type == LW_GGUF_ARRAY)
        return read_array(r, kv);
    if (type == LW_GGUF_STRING) {
        if (!read_length(r, &kv->count, MAX_STRING_BYTES, "a string"))
            return FALSE;
        kv->at = r->at;
        r->at += kv->count;
        return TRUE;
    }
    if (!read_bytes(r, &kv->raw, lw_gguf_scalar_bytes(type), "a value"))
        return FALSE;
    kv->raw = GUINT64_FROM_LE(kv->raw);
    return type != LW_GGUF_BOOL || check_bools(r, kv->key, kv->at, 1);
}

static gboolean read_kv(reader *r, lw_gguf_kv *kv)
{
    gsize at = r->at;
    guint64 n = 0;

    if (!read_length(r, &n, MAX_KEY_BYTES, "a key"))
        return FALSE;
    if (!is_name(r->bytes + r->at, n))
        return corrupt(r, at, "a key of %" G_GUINT64_FORMAT " bytes is empty or not plain text", n);
    kv->key = lw_alloc_try(n + 1, "a key of the model file", r->error);
    if (kv->key == NULL)
        return FALSE;
    memcpy(kv->key, r->bytes + r->at, n);
    kv->key[n] = '\0';
    r->at += n;
    return read_value(r, kv);
}

/* ---- Name tables ---- */

/* Sorted tables instead of hashes: no choice of names makes them slow. */
static int compare_keys(const void *a, const void *b, void *user)
{
    const lw_gguf *g = user;

    return strcmp(g->kv[*(const guint32 *)a].key, g->kv[*(const guint32 *)b].key);
}

static int compare_tensor_names(const void *a, const void *b, void *user)
{
    const lw_gguf *g = user;

    return strcmp(g->tensors[*(const guint32 *)a].name, g->tensors[*(const guint32 *)b].name);
}

static int compare_tensor_offsets(const void *a, const void *b, void *user)
{
    const lw_gguf *g = user;
    const char *x = g->tensors[*(const guint32 *)a].data, *y = g->tensors[*(const guint32 *)b].data;

    return x < y ? -1 : x > y;
}

/* A permutation of 0..n-1 in the order of `compare`, or NULL. */
static guint32 *sorted_indices(lw_gguf *g, gsize n, int (*compare)(const void *, const void *, void *),
                               GError **error)
{
    guint32 *index = lw_alloc0_array_try(n, sizeof *index, "the model file's name table", error);

    if (index == NULL)
        return NULL;
    for (gsize i = 0; i < n; i++)
        index[i] = (guint32)i;
    qsort_r(index, n, sizeof *index, compare, g);
    return index;
}

static gboolean read_keys(lw_gguf *g, reader *r, gsize n)
{
    g->kv = lw_alloc0_array_try(n, sizeof *g->kv, "the model file's keys", r->error);
    if (g->kv == NULL)
        return FALSE;
    for (; g->n_kv < n; g->n_kv++) {
        if (!read_kv(r, &g->kv[g->n_kv])) {
            lw_free(g->kv[g->n_kv].key);
            return FALSE;
        }
    }
    g->kv_by_key = sorted_indices(g, n, compare_keys, r->error);
    if (g->kv_by_key == NULL)
        return FALSE;
    for (gsize i = 1; i < n; i++) {
        if (compare_keys(&g->kv_by_key[i - 1], &g->kv_by_key[i], g) == 0)
            return corrupt(r, g->kv[g->kv_by_key[i]].at, "key '%s' appears twice",
                           g->kv[g->kv_by_key[i]].key);
    }
    return TRUE;
}

static gboolean read_alignment(lw_gguf *g, reader *r)
{
    GError *local = NULL;

    g->alignment = DEFAULT_ALIGNMENT;
    if (!lw_gguf_get_u32(g, "general.alignment", &g->alignment, &local) && local != NULL) {
        g_propagate_error(r->error, local);
        return FALSE;
    }
    /* The format asks for a multiple of 8; all writers use powers of two. */
    if (g->alignment < 8 || g->alignment > MAX_ALIGNMENT || (g->alignment & (g->alignment - 1)) != 0)
        return corrupt(r, r->at,
                       "general.alignment is %u, it must be a power of two from 8 to %d", g->alignment,
                       MAX_ALIGNMENT);
    return TRUE;
}

/* ---- Tensors ---- */

/* Elements and bytes of a tensor from its type and dimensions. */
static gboolean size_tensor(reader *r, gsize at, lw_gguf_tensor *t)
{
    const lw_type_info *info = lw_type_get_info(t->type);
    guint64 n_elems = 1;
    gsize row_bytes, n_rows;

    if (info->block_elems == 0)
        return unsupported(r, at, "unsupported %s in tensor '%s'%s", info->name, t->name,
                           t->type >= FIRST_PRIVATE_TYPE ? PRIVATE_TYPE_HINT : "");
    for (guint i = 0; i < t->n_dims; i++) {
        if (t->dims[i] == 0)
            return corrupt(r, at, "dimension %u of tensor '%s' is 0", i, t->name);
        if (t->dims[i] > (guint64)G_MAXINT64 / n_elems)
            return corrupt(r, at, "tensor '%s' has too many elements (dimension %u is %" G_GUINT64_FORMAT
                           ")", t->name, i, t->dims[i]);
        n_elems *= t->dims[i];
    }
    if (t->dims[0] % info->block_elems != 0)
        return corrupt(r, at,
                       "tensor '%s' has rows of %" G_GUINT64_FORMAT
                       " elements, %s needs a multiple of %u",
                       t->name, t->dims[0], info->name, info->block_elems);
    row_bytes = lw_type_row_bytes(t->type, t->dims[0]);
    n_rows = n_elems / t->dims[0];
    if (row_bytes == 0 || __builtin_mul_overflow(row_bytes, n_rows, &t->n_bytes))
        return corrupt(r, at, "the size of tensor '%s' (%" G_GUINT64_FORMAT " elements) overflows",
                       t->name, n_elems);
    return TRUE;
}

/* One record.  Its offset is returned: the data section's start is not known yet. */
static gboolean read_tensor(lw_gguf *g, reader *r, gsize i, guint64 *offset)
{
    lw_gguf_tensor *t = &g->tensors[i];
    char *name = g->tensor_names[i];
    gsize at = r->at;
    guint64 n = 0;

    if (!read_length(r, &n, sizeof *g->tensor_names - 1, "a tensor's name"))
        return FALSE;
    if (!is_name(r->bytes + r->at, n))
        return corrupt(r, at, "the name of tensor %" G_GSIZE_FORMAT " is empty or not plain text", i);
    memcpy(name, r->bytes + r->at, n); /* the table is zeroed and n < 64 */
    r->at += n;
    t->name = name;

    if (!read_u32(r, &t->n_dims, "a tensor's record"))
        return FALSE;
    if (t->n_dims < 1 || t->n_dims > G_N_ELEMENTS(t->dims))
        return corrupt(r, at, "tensor '%s' has %u dimensions, 1 to 4 are possible", name, t->n_dims);
    for (guint d = 0; d < G_N_ELEMENTS(t->dims); d++)
        t->dims[d] = 1;
    for (guint d = 0; d < t->n_dims; d++) {
        if (!read_u64(r, &t->dims[d], "a tensor's record"))
            return FALSE;
    }
    if (!read_u32(r, &t->type, "a tensor's record") || !read_u64(r, offset, "a tensor's record"))
        return FALSE;
    return size_tensor(r, at, t);
}

static gboolean place_tensor(lw_gguf *g, reader *r, lw_gguf_tensor *t, guint64 offset)
{
    gsize room = g->n_bytes - g->data_at;

    if (offset % g->alignment != 0)
        return corrupt(r, g->data_at, "the offset %" G_GUINT64_FORMAT
                       " of tensor '%s' is not a multiple of %u", offset, t->name, g->alignment);
    if (offset > room || t->n_bytes > room - offset)
        return corrupt(r, g->data_at,
                       "tensor '%s' needs %" G_GSIZE_FORMAT " bytes from %" G_GUINT64_FORMAT
                       " of a data section of %" G_GSIZE_FORMAT
                       ": the file is cut short or its offsets are wrong",
                       t->name, t->n_bytes, offset, room);
    t->data = g->bytes + g->data_at + offset;
    return TRUE;
}

static gboolean check_overlap(lw_gguf *g, reader *r)
{
    guint32 *order = sorted_indices(g, g->n_tensors, compare_tensor_offsets, r->error);
    gboolean ok = order != NULL;

    for (gsize i = 1; ok && i < g->n_tensors; i++) {
        const lw_gguf_tensor *a = &g->tensors[order[i - 1]], *b = &g->tensors[order[i]];

        if ((gsize)((const guint8 *)b->data - (const guint8 *)a->data) < a->n_bytes)
            ok = corrupt(r, (gsize)((const guint8 *)b->data - g->bytes),
                         "tensors '%s' and '%s' overlap", a->name, b->name);
    }
    lw_free(order);
    return ok;
}

gboolean lw_gguf_sort_tensors(lw_gguf *g, GError **error)
{
    g->tensor_by_name = sorted_indices(g, g->n_tensors, compare_tensor_names, error);
    if (g->tensor_by_name == NULL)
        return FALSE;
    for (gsize i = 1; i < g->n_tensors; i++) {
        if (compare_tensor_names(&g->tensor_by_name[i - 1], &g->tensor_by_name[i], g) == 0) {
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT, "%s: tensor '%s' appears twice",
                        g->path, g->tensors[g->tensor_by_name[i]].name);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean read_tensors(lw_gguf *g, reader *r, gsize n)
{
    guint64 *offsets;
    gboolean ok = FALSE;

    g->tensors = lw_alloc0_array_try(n, sizeof *g->tensors, "the tensor table", r->error);
    if (g->tensors == NULL)
        return FALSE;
    g->tensor_names = lw_alloc0_array_try(n, sizeof *g->tensor_names, "the tensor table", r->error);
    if (g->tensor_names == NULL)
        return FALSE;
    offsets = lw_alloc0_array_try(n, sizeof *offsets, "the tensor table", r->error);
    if (offsets == NULL)
        return FALSE;

    for (g->n_tensors = 0; g->n_tensors < n; g->n_tensors++) {
        if (!read_tensor(g, r, g->n_tensors, &offsets[g->n_tensors]))
            goto out;
    }
    /* r->at <= n_bytes <= G_MAXSSIZE and the alignment is small: no wrap.  A file without tensors may
     * end right after its keys. */
    g->data_at = (r->at + g->alignment - 1) & ~(gsize)(g->alignment - 1);
    if (g->data_at > g->n_bytes) {
        if (n > 0) {
            corrupt(r, r->at, "the file ends before its tensor data");
            goto out;
        }
        g->data_at = g->n_bytes;
    }
    for (gsize i = 0; i < n; i++) {
        if (!place_tensor(g, r, &g->tensors[i], offsets[i]))
            goto out;
    }

    ok = lw_gguf_sort_tensors(g, r->error) && check_overlap(g, r);
out:
    lw_free(offsets);
    return ok;
}

/* ---- The file ---- */

static gboolean read_header(lw_gguf *g, reader *r, gsize *n_kv, gsize *n_tensors)
{
    guint8 magic[4];
    guint64 n_t = 0, n_k = 0;

    if (!read_bytes(r, magic, sizeof magic, "the header"))
        return FALSE;
    if (memcmp(magic, "GGUF", sizeof magic) != 0) {
        g_autofree char *bytes = g_strdup_printf("%02x %02x %02x %02x", magic[0], magic[1], magic[2], magic[3]);
        fail_at(r, 0, LW_MODEL_ERROR_NOT_GGUF, "not a GGUF file (it begins with bytes %s)", bytes);
        lw_error_set_facts(r->error, &(lw_error_facts){.kind = LW_FACTS_NOT_GGUF, .name = {(char *)r->path, bytes}});
        return FALSE;
    }
    if (!read_u32(r, &g->version, "the header"))
        return FALSE;
    if ((g->version & 0xffff) == 0)
        return unsupported(r, 4, "a big-endian GGUF file; only little-endian files can be read");
    if (g->version != 2 && g->version != 3)
        return unsupported(r, 4, "GGUF version %u; versions 2 and 3 can be read", g->version);
    if (!read_u64(r, &n_t, "the header") || !read_u64(r, &n_k, "the header"))
        return FALSE;
    if (n_t > LW_GGUF_MAX_TENSORS || n_t > left(r) / MIN_TENSOR_BYTES)
        return corrupt(r, 8, "%" G_GUINT64_FORMAT " tensors claimed; the limit is %d and %" G_GSIZE_FORMAT
                       " bytes are left", n_t, LW_GGUF_MAX_TENSORS, left(r));
    if (n_k > MAX_KV || n_k > left(r) / MIN_KV_BYTES)
        return corrupt(r, 16, "%" G_GUINT64_FORMAT " keys claimed; the limit is %d and %" G_GSIZE_FORMAT
                       " bytes are left", n_k, MAX_KV, left(r));
    *n_tensors = n_t;
    *n_kv = n_k;
    return TRUE;
}

static gboolean read_all(lw_gguf *g, GError **error)
{
    reader r = {.bytes = g->bytes, .n = g->n_bytes, .path = g->path, .error = error};
    gsize n_kv = 0, n_tensors = 0;

    if (!read_header(g, &r, &n_kv, &n_tensors) || !read_keys(g, &r, n_kv) || !read_alignment(g, &r) ||
        !read_tensors(g, &r, n_tensors))
        return FALSE;
    if (!lw_gguf_is_intact(g))
        return fail_at(&r, r.at, LW_MODEL_ERROR_IO, "the file became shorter while it was read");
    return TRUE;
}

lw_gguf *lw_gguf_open_one(const char *path, GError **error)
{
    lw_gguf *g;
    lw_mapping *mapping;

    mapping = lw_mapping_new(path, error);
    if (mapping == NULL)
        return NULL;
    g = g_new0(lw_gguf, 1);
    g->path = g_strdup(path);
    g->mapping = mapping;
    g->bytes = lw_mapping_bytes(mapping);
    g->n_bytes = lw_mapping_size(mapping);
    if (!read_all(g, error))
        g_clear_pointer(&g, lw_gguf_free);
    return g;
}

lw_gguf *lw_gguf_open_one_bytes(const void *bytes, gsize n, const char *name, GError **error)
{
    lw_gguf *g;

    g = g_new0(lw_gguf, 1);
    g->path = g_strdup(name);
    g->bytes = bytes;
    g->n_bytes = n;
    if (!read_all(g, error))
        g_clear_pointer(&g, lw_gguf_free);
    return g;
}

lw_gguf *lw_gguf_open_bytes(const void *bytes, gsize n, const char *name, GError **error)
{
    lw_gguf_split split;
    lw_gguf *g;

    g_return_val_if_fail(bytes != NULL || n == 0, NULL);
    g = lw_gguf_open_one_bytes(bytes, n, name, error);
    if (g == NULL)
        return NULL;
    if (!lw_gguf_split_read(g, &split, error)) {
        g_clear_pointer(&g, lw_gguf_free);
    } else if (split.count > 1) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: part %u of %u of a split model; its files have to be opened by name", name,
                    split.no + 1, split.count);
        g_clear_pointer(&g, lw_gguf_free);
    }
    return g;
}

void lw_gguf_free(lw_gguf *g)
{
    if (g == NULL)
        return;
    for (guint32 i = 0; i < g->n_parts; i++)
        lw_gguf_free(g->parts[i]);
    g_free(g->parts);
    for (gsize i = 0; i < g->n_kv; i++)
        lw_free(g->kv[i].key);
    lw_free(g->kv);
    lw_free(g->kv_by_key);
    lw_free(g->tensors);
    lw_free(g->tensor_names);
    lw_free(g->tensor_by_name);
    lw_mapping_free(g->mapping);
    g_free(g->path);
    g_free(g);
}
