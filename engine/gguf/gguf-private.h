/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What gguf.c (the checks) and gguf-get.c (the reads) share.
 */
#pragma once

#include "engine/gguf/gguf.h"
#include "engine/gguf/mapping.h"

/* A value stays in the file; only scalars are copied. */
typedef struct {
    char *key;
    lw_gguf_type type;
    lw_gguf_type elem_type; /* arrays */
    guint64 count;          /* arrays: elements; strings: bytes */
    guint64 raw;            /* scalars: the value's bytes, little-endian, zero-extended */
    gsize at;               /* offset of the value, after a string's length or an array's head */
} lw_gguf_kv;

struct lw_gguf {
    char *path;
    lw_mapping *mapping; /* NULL: bytes are borrowed */
    const guint8 *bytes;
    gsize n_bytes;
    guint32 version;
    guint32 alignment;
    gsize data_at; /* where tensor data starts */

    gsize n_kv;
    lw_gguf_kv *kv;
    guint32 *kv_by_key; /* indices, sorted by key */

    gsize n_tensors;
    lw_gguf_tensor *tensors; /* of all parts */
    char (*tensor_names)[64]; /* of this file's own */
    guint32 *tensor_by_name;

    lw_gguf **parts; /* of a split model: the files after the first */
    guint32 n_parts;
};

/* Bytes of a scalar or of one array element, 0 for strings and arrays. */
gsize lw_gguf_scalar_bytes(guint32 type);
const char *lw_gguf_type_name(guint32 type);

#define LW_GGUF_MAX_TENSORS 65536

/* One file, whatever its split keys say. */
lw_gguf *lw_gguf_open_one(const char *path, GError **error);
lw_gguf *lw_gguf_open_one_bytes(const void *bytes, gsize n, const char *name, GError **error);

/* Fill tensor_by_name from `tensors`; a name that appears twice is CORRUPT. */
gboolean lw_gguf_sort_tensors(lw_gguf *g, GError **error);

/* The split.* keys; count is 1 for a model in one file. */
typedef struct {
    guint32 no, count, n_tensors;
} lw_gguf_split;
gboolean lw_gguf_split_read(const lw_gguf *g, lw_gguf_split *s, GError **error);

/* Make parts[0] the whole of n_parts >= 2 open parts; it owns the others afterwards.  On error nothing is
 * owned, and every part has to be freed. */
gboolean lw_gguf_join(lw_gguf **parts, guint32 n_parts, const lw_gguf_split *want, GError **error);

/* The parts of a split model (or one file) in memory, in order, borrowed: for tests. */
lw_gguf *lw_gguf_open_parts_bytes(const lw_gguf_str *bytes, guint32 n, GError **error);
