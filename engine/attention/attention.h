/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Attention methods behind one table.  A method sees post-RoPE queries, the paged keys and values, and
 * where the media stand; whether it visits every tile (dense), a block list chosen from probes, or the
 * clusters of an index is its own business, and the graph does not change.  Scale and sliding window
 * belong to the model, not to the method: every method keeps to them.  A registry lists the methods;
 * `--attn NAME` picks one.
 */
#pragma once

#include "engine/base/pool.h"
#include "engine/kernels/kernels.h"
#include "engine/kv/pages.h"

G_BEGIN_DECLS

/* A run of timeline tokens of one modality.  Runs are in order and cover the timeline; index math uses
 * token positions in the timeline, never M-RoPE ids. */
typedef struct {
    gsize start, n;      /* tokens */
    gboolean is_media;
    lw_media_kind kind;  /* when is_media */
    int grid_t, rows, cols; /* media: temporal grids begun, merged cells: strides cols and rows * cols */
} lw_modality_run;

/* One attention call: n_rows new tokens of one layer against everything up to and including them. */
typedef struct {
    guint layer;
    gsize start;      /* timeline index of row 0; its K and V are stored already */
    gsize n_rows;
    const float *q;   /* [n_rows][n_head * head_dim], after RoPE */
    float *out;       /* same shape */
    guint n_head;
    float scale;      /* of q.k, usually 1 / sqrt(head_dim) */
    gsize window;     /* tokens: the query at position p sees keys with p - key < window; 0: all keys */
    const lw_kv_seq *kv;
    const lw_modality_run *runs;
    gsize n_runs;
    const void *params; /* of the method, as its parse() made them; NULL when it takes none */

    lw_pool *pool;
    const lw_kernels *kernels;
    char *scratch;    /* lw_attention_scratch_bytes(), 64-byte aligned */
    const gint *cancel;
} lw_attend;

typedef struct lw_attention lw_attention; /* a method's state for one session; the method defines it */

typedef struct {
    const char *name;    /* for --attn */
    const char *params;  /* what stands behind "name:", in words: "SINK+LOCAL"; NULL: it takes no parameters */
    const char *summary; /* one line for --help */

    /* The text behind "name:" as a block of memory for g_free(), constant from then on.  Errors:
     * LW_ENGINE_ERROR_INVALID. */
    gpointer (*parse)(const char *text, GError **error);

    /* State for one session; NULL when the method keeps none (then new is NULL as well). */
    lw_attention *(*new)(const lw_kv_shape *shape, GError **error);
    void (*free)(lw_attention *a);

    /* K and V of the last n tokens of a layer were stored (before run() for them); optional. */
    void (*stored)(lw_attention *a, guint layer, const lw_kv_seq *kv, gsize n);
    /* The timeline was cut to n tokens; optional. */
    void (*truncated)(lw_attention *a, gsize n);

    /* Compute.  FALSE: cancelled. */
    gboolean (*run)(lw_attention *a, const lw_attend *call);
} lw_attention_method;

/* All methods, NULL-terminated; the first is the default. */
extern const lw_attention_method *const lw_attention_methods[];

extern const lw_attention_method lw_attention_dense;

/* A method with its parameters. */
typedef struct {
    const lw_attention_method *method;
    gpointer params; /* owned; NULL: none */
    char *name;      /* owned: "dense", "window:4+508" */
} lw_attention_choice;

/* "name" or "name:parameters"; NULL: the default.  Errors: LW_ENGINE_ERROR_INVALID (listing what there is, or
 * saying what the parameters look like); *choice is then cleared. */
gboolean lw_attention_choose(const char *text, lw_attention_choice *choice, GError **error);
void lw_attention_choice_clear(lw_attention_choice *choice);

/* Scratch that any method may use for calls up to n_rows. */
gsize lw_attention_scratch_bytes(const lw_kv_shape *shape, guint n_head, gsize max_rows, gsize max_ctx,
                                 int n_threads);

/* Bidirectional attention inside segments of one buffer (the vision tower; no cache): row ranges
 * [bounds[i], bounds[i + 1]) attend to themselves.  q, k, v: [rows] rows of n_head * head_dim f32,
 * `stride` apart; out: [rows][n_head * head_dim].  scratch as above. */
gboolean lw_attend_segments(lw_pool *pool, const lw_kernels *k, const float *q, const float *key,
                            const float *value, gsize stride, float *out, guint n_head, int head_dim,
                            const gint32 *bounds, int n_segments, char *scratch, const gint *cancel);
gsize lw_attend_segments_scratch_bytes(int head_dim, int n_threads);

G_END_DECLS
