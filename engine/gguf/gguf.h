/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GGUF v2/v3 reader: the file is mapped read-only, every count, offset and type is checked against
 * the bytes that are really there before anything is allocated, and nothing is copied but small
 * tables.  Layout and checks: ggml docs/gguf.md.  It knows nothing of architectures.  A model that is split
 * into several files is one lw_gguf: whichever part is opened, all are.
 *
 * Thread: a lw_gguf is immutable after opening and may be read from any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Value types of keys (the file's own numbers). */
typedef enum {
    LW_GGUF_U8 = 0,
    LW_GGUF_I8,
    LW_GGUF_U16,
    LW_GGUF_I16,
    LW_GGUF_U32,
    LW_GGUF_I32,
    LW_GGUF_F32,
    LW_GGUF_BOOL,
    LW_GGUF_STRING,
    LW_GGUF_ARRAY,
    LW_GGUF_U64,
    LW_GGUF_I64,
    LW_GGUF_F64,
} lw_gguf_type;

/* Tensor element types (the file's own numbers); the ones the engine can compute with. */
typedef enum {
    LW_TYPE_F32 = 0,
    LW_TYPE_F16 = 1,
    LW_TYPE_Q4_0 = 2,
    LW_TYPE_Q4_1 = 3,
    LW_TYPE_Q5_0 = 6,
    LW_TYPE_Q5_1 = 7,
    LW_TYPE_Q8_0 = 8,
    LW_TYPE_Q2_K = 10,
    LW_TYPE_Q3_K = 11,
    LW_TYPE_Q4_K = 12,
    LW_TYPE_Q5_K = 13,
    LW_TYPE_Q6_K = 14,
    LW_TYPE_IQ4_NL = 20,
    LW_TYPE_IQ4_XS = 23,
    LW_TYPE_BF16 = 30,
    LW_TYPE_MXFP4 = 39,
} lw_type;

/* Bytes per block and elements per block; block_elems is 0 for a type we do not know.
 * name: "Q8_0", or "type 97".  The entry of an unknown type is overwritten by the next unknown number
 * asked for in the same thread. */
typedef struct {
    const char *name;
    guint block_elems;
    guint block_bytes;
    gboolean supported; /* the kernels can use it */
} lw_type_info;
const lw_type_info *lw_type_get_info(guint type);

/* Bytes of n elements (a multiple of the block), 0 when it is not a whole number of blocks. */
gsize lw_type_row_bytes(guint type, gsize n);

typedef struct {
    const char *name; /* NUL-terminated copy, < 64 bytes, valid UTF-8 */
    guint type;       /* lw_type or a known-but-unsupported id */
    guint n_dims;     /* 1..4 */
    guint64 dims[4];  /* dims[0] = row length (fastest); unused ones are 1 */
    gsize n_bytes;
    const void *data; /* into the mapping; aligned to general.alignment */
} lw_gguf_tensor;

/* A string inside the mapping: not NUL-terminated, any bytes. */
typedef struct {
    const char *bytes;
    gsize n;
} lw_gguf_str;

typedef struct lw_gguf lw_gguf;

/* Files of a split model, at most. */
#define LW_GGUF_MAX_PARTS 512

/* Open and check a whole file.  Does not read tensor data.
 * path may be any part of a split model (base-00002-of-00003.gguf): keys and path are then those of the
 * first part, tensors those of all; the other parts are looked for beside it under their names.
 * Errors: LW_MODEL_ERROR (IO, CORRUPT, UNSUPPORTED, MISSING for a part), naming path, item, offset and
 * number. */
lw_gguf *lw_gguf_open(const char *path, GError **error);

/* One file in memory, borrowed until lw_gguf_free(); name is used in messages.  A part of a split model is
 * UNSUPPORTED. */
lw_gguf *lw_gguf_open_bytes(const void *bytes, gsize n, const char *name, GError **error);
void lw_gguf_free(lw_gguf *g);

const char *lw_gguf_path(const lw_gguf *g);
gsize lw_gguf_file_bytes(const lw_gguf *g); /* of all parts */
guint32 lw_gguf_n_files(const lw_gguf *g);  /* 1, or the parts of a split model */
/* FALSE once the file became shorter (or unreadable) while it was mapped: what was read since then may
 * be zeros, so a result computed from it must not be used.  Any thread; cheap. */
gboolean lw_gguf_is_intact(const lw_gguf *g);
gsize lw_gguf_n_kv(const lw_gguf *g);
gsize lw_gguf_n_tensors(const lw_gguf *g);
const lw_gguf_tensor *lw_gguf_tensor_at(const lw_gguf *g, gsize i);
const lw_gguf_tensor *lw_gguf_find_tensor(const lw_gguf *g, const char *name); /* NULL: absent */

/* "Q8_0, F32": the tensor types, the largest share of bytes first; g_free().  The counts may be NULL. */
char *lw_gguf_describe_types(const lw_gguf *g, gint64 *weight_bytes, gint64 *n_params);

/* The bytes in front of the tensor data: all keys and the table of tensors (of the first part, when there
 * are several).  Borrowed. */
const void *lw_gguf_head(const lw_gguf *g, gsize *n);

/* Keys in file order, for `lw info`; *type gets the value's type. */
const char *lw_gguf_key_at(const lw_gguf *g, gsize i, lw_gguf_type *type);
gboolean lw_gguf_has(const lw_gguf *g, const char *key);
/* A key's value as a short line ("[151936 strings]"), for people.  Free with g_free(). */
char *lw_gguf_format_value(const lw_gguf *g, gsize i);

/* Typed reads.  TRUE and *out set when the key exists with a fitting type; a missing key gives FALSE
 * without error; a key of the wrong type or out of the range gives FALSE with CORRUPT.
 * Any unsigned or signed integer type is accepted for u32/i64 as long as the value fits. */
gboolean lw_gguf_get_u32(const lw_gguf *g, const char *key, guint32 *out, GError **error);
gboolean lw_gguf_get_i64(const lw_gguf *g, const char *key, gint64 *out, GError **error);
gboolean lw_gguf_get_f32(const lw_gguf *g, const char *key, float *out, GError **error);
gboolean lw_gguf_get_bool(const lw_gguf *g, const char *key, gboolean *out, GError **error);
gboolean lw_gguf_get_str(const lw_gguf *g, const char *key, lw_gguf_str *out, GError **error);

/* Arrays.  *n elements; the numeric forms convert into a fresh array (g_free), any integer type that
 * fits is accepted (bools too, as 0 and 1); strings are borrowed slices in a fresh array (g_free). */
gboolean lw_gguf_get_i32_array(const lw_gguf *g, const char *key, gint32 **out, gsize *n, GError **error);
gboolean lw_gguf_get_f32_array(const lw_gguf *g, const char *key, float **out, gsize *n, GError **error);
gboolean lw_gguf_get_str_array(const lw_gguf *g, const char *key, lw_gguf_str **out, gsize *n,
                               GError **error);

/* The name of a part of a split model: "base-00002-of-00003.gguf" gives no 2 (from 1), count 3, n_stem 4.
 * FALSE for other names. */
gboolean lw_gguf_parse_split_name(const char *base, guint32 *no, guint32 *count, gsize *n_stem);
/* The path of part `no` (from 1) of the model that path is a part of; NULL when there is none.  g_free(). */
char *lw_gguf_split_sibling(const char *path, guint32 no);

/* Ask the kernel to start reading the tensor data (madvise); a hint. */
void lw_gguf_prefetch(const lw_gguf *g);

G_END_DECLS
