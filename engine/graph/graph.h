/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model's forward pass as a list of ops over row-major f32 buffers.  A model file builds it once
 * when it is opened; a backend plans it for a number of rows and runs it many times.  The number of rows
 * (tokens, or patches) is symbolic, so one graph serves prefill chunks and single tokens.
 *
 * Deliberately small: an op exists because a model needs it, attention is one op behind a method
 * table, and the cache is addressed by layer.  Nothing here knows which device computes.
 *
 * Building is for one thread; a finished graph is immutable.
 */
#pragma once

#include "engine/kernels/linear.h"
#include "engine/kv/pages.h"

G_BEGIN_DECLS

/* A value: an index into lw_graph.values. */
typedef int lw_val;
#define LW_NO_VAL (-1)

/* How many rows a value has in a run of n rows. */
typedef enum {
    LW_ROWS_ALL,    /* n */
    LW_ROWS_OUT,    /* the selected output rows, 0..n */
    LW_ROWS_MERGED, /* n / merge (the vision merger) */
} lw_row_class;

typedef enum {
    LW_OP_INPUT,    /* out = step input rows */
    LW_OP_EMBED,    /* out = token embeddings * scale, or the step's own rows as they are (pictures) */
    LW_OP_RMSNORM,  /* out = rmsnorm(a) * norm */
    LW_OP_LAYERNORM, /* out = layernorm(a) * norm + bias */
    LW_OP_LINEAR,   /* out[i] = w[i] a + bias */
    LW_OP_HEAD_NORM, /* every head of a is normalised by rmsnorm in place */
    LW_OP_ROPE,     /* rotate a in place with one of the step's tables */
    LW_OP_STORE_KV, /* cache of `layer` <- a (K), b (V) */
    LW_OP_ATTEND,   /* out = attention(a = Q) over the cache of `layer` */
    LW_OP_ATTEND_SEGMENTS, /* out = attention inside segment list `layer` of the step; a, b, c = Q, K, V */
    LW_OP_ADD,      /* a += b in place */
    LW_OP_ADD_VECTOR, /* a += norm in every row, in place */
    LW_OP_ADD_TABLE,  /* a += the step's mix of rows of a table of positions, in place */
    LW_OP_ADD_MEDIA,  /* a += part `layer` of the step's own rows where given (deepstack), in place */
    LW_OP_SWIGLU,   /* out = silu(a) * b */
    LW_OP_GEGLU,    /* out = gelu(a) * b, by tanh */
    LW_OP_GELU,     /* out = gelu(a), by erf */
    LW_OP_GELU_TANH,
    LW_OP_GELU_QUICK,
    LW_OP_CONCAT,   /* out = the columns of a, then those of b */
    LW_OP_SELECT,   /* out = rows of a that the step wants as output */
    LW_OP_MERGE,    /* out = a seen as n / merge rows of merge * cols (no copy) */
} lw_op;

/* What one layer's attention may have of its own; all zero: causal, over everything. */
typedef struct {
    guint32 window; /* tokens: the query at position p sees keys with p - key < window; 0: all */
    float scale;    /* of q.k; 0: 1 / sqrt(head_dim) */
} lw_attend_params;

/* How one layer rotates; all zero: whole heads, pairs (i, i + head_dim / 2), the first table. */
typedef struct {
    guint table;       /* index of the step's tables, < LW_ROPE_TABLES */
    int n_rot;         /* values at the start of every head that turn; the table has n_rot / 2 columns.
                        * 0: the whole head */
    gboolean adjacent; /* pairs (2i, 2i + 1) */
} lw_rope_params;

/* Tables a step may bring: layers of one model may turn in two ways. */
#define LW_ROPE_TABLES 2

typedef struct {
    lw_op op;
    lw_val a, b, c;
    lw_val out[4];
    int n_out;
    const lw_weight *w[4]; /* LINEAR: n_out of them; EMBED: w[0] */
    const float *norm;     /* RMSNORM, LAYERNORM, ADD_VECTOR: [cols]; HEAD_NORM: [cols / n_heads];
                            * ADD_TABLE: [table rows][cols] */
    const float *bias;     /* LAYERNORM: [cols] */
    float eps;
    float scale;           /* EMBED */
    guint layer;
    int n_heads;           /* HEAD_NORM, ROPE, ATTEND*: heads in a */
    lw_rope_params rope;   /* ROPE */
    lw_attend_params attend; /* ATTEND */
} lw_node;

typedef struct {
    lw_row_class rows;
    int cols;
} lw_value;

typedef struct {
    GArray *nodes;   /* lw_node, in order of execution */
    GArray *values;  /* lw_value */
    lw_val result;
    int merge;       /* rows per merged row, 1 when unused */
    int head_dim;    /* of every attention in the graph */
    int n_head;
    GPtrArray *weights; /* owned lw_weight */
} lw_graph;

lw_graph *lw_graph_new(void);
void lw_graph_free(lw_graph *g);

lw_val lw_graph_input(lw_graph *g, int cols);
/* scale: of the table's rows only, 1 for most models. */
lw_val lw_graph_embed(lw_graph *g, const lw_weight *table, float scale);
lw_val lw_graph_rmsnorm(lw_graph *g, lw_val a, const float *norm, float eps);
lw_val lw_graph_layernorm(lw_graph *g, lw_val a, const float *norm, const float *bias, float eps);
lw_val lw_graph_linear(lw_graph *g, lw_val a, const lw_weight *w);
/* n (1..4) products of the same input in one op, so that activations are quantised once. */
void lw_graph_linear_n(lw_graph *g, lw_val a, const lw_weight *const *w, int n, lw_val *out);
/* norm: [columns of a / n_heads]. */
void lw_graph_head_norm(lw_graph *g, lw_val a, int n_heads, const float *norm, float eps);
void lw_graph_rope(lw_graph *g, lw_val a, int n_heads);
void lw_graph_rope_with(lw_graph *g, lw_val a, int n_heads, lw_rope_params params);
void lw_graph_store_kv(lw_graph *g, guint layer, lw_val k, lw_val v);
lw_val lw_graph_attend(lw_graph *g, guint layer, lw_val q, int n_heads);
lw_val lw_graph_attend_with(lw_graph *g, guint layer, lw_val q, int n_heads, lw_attend_params params);
lw_val lw_graph_attend_segments(lw_graph *g, guint list, lw_val q, lw_val k, lw_val v, int n_heads);
void lw_graph_add(lw_graph *g, lw_val a, lw_val b);
void lw_graph_add_vector(lw_graph *g, lw_val a, const float *v);
/* table: [rows][cols of a] f32; which rows, and how much of each, is the step's to say. */
void lw_graph_add_table(lw_graph *g, lw_val a, const float *table);
/* part 0 is what EMBED takes, part i the next cols of a behind it. */
void lw_graph_add_media(lw_graph *g, lw_val a, guint part);
lw_val lw_graph_swiglu(lw_graph *g, lw_val gate, lw_val up);
lw_val lw_graph_geglu(lw_graph *g, lw_val gate, lw_val up);
lw_val lw_graph_gelu(lw_graph *g, lw_val a);
lw_val lw_graph_gelu_tanh(lw_graph *g, lw_val a);
lw_val lw_graph_gelu_quick(lw_graph *g, lw_val a);
lw_val lw_graph_concat(lw_graph *g, lw_val a, lw_val b);
lw_val lw_graph_select(lw_graph *g, lw_val a);
lw_val lw_graph_merge(lw_graph *g, lw_val a, int merge);

/* Take the last op, a LINEAR whose output is the result, away again: the result is what it took.  For the
 * vectors before an output matrix. */
void lw_graph_drop_output(lw_graph *g);

/* Rows of a value in a run. */
gsize lw_graph_rows(const lw_graph *g, lw_val v, gsize n_rows, gsize n_out);

/* ---- Plan: where each value lies in one arena, reusing space of dead values ---- */

typedef struct {
    gsize *offset;    /* [n_values] bytes, 64-byte aligned */
    gsize arena_bytes;
    gsize max_rows, max_out;
    gsize linear_rows, linear_cols; /* largest LINEAR */
} lw_plan;

/* Errors: NO_MEMORY when sizes overflow. */
lw_plan *lw_plan_new(const lw_graph *g, gsize max_rows, gsize max_out, GError **error);
void lw_plan_free(lw_plan *p);

G_END_DECLS
