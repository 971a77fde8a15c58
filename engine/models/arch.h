/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model family in one file: it exports one const lw_arch (text) or lw_projector (vision tower) and
 * one array line registers it.  Nothing else in the engine knows its name.
 */
#pragma once

#include "engine/backend/backend.h"
#include "engine/gguf/gguf.h"
#include "engine/position/mrope.h"

G_BEGIN_DECLS

/* Limits of hyper-parameters, checked when they are read. */
#define LW_MAX_LAYERS 512
#define LW_MAX_HEAD_DIM 512
#define LW_MAX_GROUP 64      /* query heads per KV head */
#define LW_MAX_EMBD (1 << 17)
#define LW_MAX_DEEPSTACK 8   /* further parts of a medium's row */

/* One decoder's numbers.  What a family does not have stays 0. */
typedef struct {
    guint32 n_layer, n_embd, n_ff, n_head, n_head_kv, head_dim, n_ctx_train, n_vocab;
    float eps;
    guint32 window;    /* sliding attention, in the layers that the family says: tokens; 0: none */
    float attn_scale;  /* of q.k; 0: 1 / sqrt(head_dim) */
    guint32 n_deepstack; /* layers behind which a further part of a medium's row is added; 0: none */
    guint n_rope;      /* tables in use, 1..LW_ROPE_TABLES */
    lw_rope rope[LW_ROPE_TABLES];
    /* LongRoPE has two sets of frequencies: a session whose context is larger than n_ctx_short takes
     * rope_long in place of rope[0].  0: there is only rope[0]. */
    guint32 n_ctx_short;
    lw_rope rope_long;
} lw_hparams;

/* The table of a session with n_ctx tokens of context.  Keys are stored rotated, so a cache may only be used
 * with the table that it was made with: lw_hparams_is_long() tells the two apart. */
const lw_rope *lw_hparams_get_rope(const lw_hparams *h, guint table, guint32 n_ctx);
gboolean lw_hparams_is_long(const lw_hparams *h, guint32 n_ctx);

/* Binds tensors of one file to weights of one graph. */
typedef struct {
    const lw_gguf *g;
    lw_graph *graph;
} lw_binder;

/* A matrix [n_out rows of n_in]; with_bias also binds ".bias" in place of ".weight".  The name is a
 * printf format with the layer, ending in ".weight".  NULL on error: MISSING, CORRUPT (shape, both
 * given), UNSUPPORTED (type).  Owned by the graph. */
const lw_weight *lw_bind(lw_binder *b, gboolean with_bias, guint32 n_in, guint32 n_out, GError **error,
                         const char *name_format, ...) G_GNUC_PRINTF(6, 7);
/* A vector of n floats (F32), or NULL. */
const float *lw_bind_vector(lw_binder *b, guint32 n, GError **error, const char *name_format, ...)
    G_GNUC_PRINTF(4, 5);
/* A table [n_rows][n_cols] whose rows are added, as f32: in the file, or converted from F16 or BF16 into
 * memory of the graph.  n_rows 0: whatever the file has.  *out_rows (may be NULL) tells.  NULL on error. */
const float *lw_bind_table(lw_binder *b, guint32 n_cols, guint32 n_rows, guint32 *out_rows, GError **error,
                           const char *name);
/* Rows [first, first + n_out) of a bound matrix, for fused tensors. */
const lw_weight *lw_bind_rows(lw_binder *b, const lw_weight *w, guint32 first, guint32 n_out);

/* An optional vector: *out is NULL when there is no such tensor.  FALSE on error. */
gboolean lw_bind_optional_vector(const lw_gguf *g, const char *name, guint32 n, const float **out,
                                 GError **error);

/* Required keys: MISSING when absent, CORRUPT outside [min, max]. */
gboolean lw_require_u32(const lw_gguf *g, const char *key, guint32 min, guint32 max, guint32 *out,
                        GError **error);
gboolean lw_require_f32(const lw_gguf *g, const char *key, float *out, GError **error);
/* Optional: *out is left alone when the key is absent. */
gboolean lw_optional_u32(const lw_gguf *g, const char *key, guint32 min, guint32 max, guint32 *out,
                         GError **error);

/* Optional and, when there, finite and > 0. */
gboolean lw_optional_f32(const lw_gguf *g, const char *key, float *out, GError **error);

/* ---- What decoders share (hparams.c); keys are ARCH.NAME ---- */

/* Sizes, heads, context length and eps, checked together.  Lengths that may be given per layer are
 * accepted when all layers have the same.  Errors: MISSING, CORRUPT, UNSUPPORTED (unequal layers, experts,
 * unequal sizes of keys and values). */
gboolean lw_hparams_read(const lw_gguf *g, const char *arch, lw_hparams *h, GError **error);

/* rope[0], after lw_hparams_read(): base (default when the file names none), rotated values, scaling
 * (linear, YaRN, LongRoPE), and frequency factors where the file has such a tensor.  sections as in
 * lw_rope_init().  Errors as above; UNSUPPORTED for an unknown kind of scaling. */
gboolean lw_hparams_read_rope(const lw_gguf *g, const char *arch, float default_base,
                              const gint32 *sections, lw_hparams *h, GError **error);

/* ARCH.rope.dimension_sections: the pairs of M-RoPE that turn with t, h and w.  Errors: MISSING, CORRUPT
 * (their sum must be head_dim / 2; a fourth entry must be 0). */
gboolean lw_hparams_read_sections(const lw_gguf *g, const char *arch, const lw_hparams *h,
                                  gint32 sections[3], GError **error);

/* A text decoder. */
typedef struct {
    const char *name; /* general.architecture */
    gboolean embeds;  /* only makes vectors: rows of a text see all its rows (segment list 0), the result is
                       * the selected rows themselves */
    gboolean sees;    /* takes rows of pictures: a vision file beside it is looked for */
    gboolean (*read_hparams)(const lw_gguf *g, lw_hparams *h, GError **error);
    /* Bind every tensor and build the graph: tokens in, logits of the selected rows out. */
    gboolean (*build)(lw_binder *b, const lw_hparams *h, GError **error);
} lw_arch;

extern const lw_arch *const lw_archs[]; /* NULL-terminated */
/* By general.architecture.  Errors: MISSING, UNSUPPORTED (listing what there is). */
const lw_arch *lw_arch_find(const lw_gguf *g, GError **error);

/* ---- Vision tower ---- */

typedef enum {
    LW_VISION_GELU_QUICK,
    LW_VISION_GELU_TANH,
} lw_vision_activation;

typedef struct {
    guint32 n_layer, width, n_ff, n_head, projection_dim;
    guint32 n_deepstack; /* further parts of projection_dim columns in every row; 0: none */
    guint32 table_side;  /* of a square table of positions stretched over the grid; 0: none */
    guint32 full_every; /* full attention in every n-th layer, windows elsewhere; 1: all full */
    guint32 window;     /* merged cells per window side */
    lw_vision_activation activation; /* of towers that have a choice */
    float eps;
    lw_vision_spec spec;
} lw_vision_hparams;

typedef struct {
    const char *name; /* clip.projector_type */
    gboolean (*read_hparams)(const lw_gguf *g, lw_vision_hparams *h, GError **error);
    /* Patches in window order in, one row of (1 + n_deepstack) * projection_dim per merged cell out. */
    gboolean (*build)(lw_binder *b, const lw_vision_hparams *h, GError **error);
} lw_projector;

/* Columns of what a tower makes of a merged cell. */
static inline gsize lw_vision_row_cols(const lw_vision_hparams *h)
{
    return (gsize)(1 + h->n_deepstack) * h->projection_dim;
}

extern const lw_projector *const lw_projectors[]; /* NULL-terminated */
const lw_projector *lw_projector_find(const lw_gguf *g, GError **error);

G_END_DECLS
