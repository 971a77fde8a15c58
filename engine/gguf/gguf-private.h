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
    lw_gguf_tensor *tensors;
    char (*tensor_names)[64];
    guint32 *tensor_by_name;
};

/* Bytes of a scalar or of one array element, 0 for strings and arrays. */
gsize lw_gguf_scalar_bytes(guint32 type);
const char *lw_gguf_type_name(guint32 type);
