/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What computes a graph: the table a device implements.  The CPU is always there; others register in
 * lw_backends and are asked whether they can work here, with a reason when not.
 *
 * Thread: the engine thread.
 */
#pragma once

#include "engine/attention/watch.h"
#include "engine/graph/graph.h"

G_BEGIN_DECLS

/* Everything one run of a graph reads, besides the weights. */
typedef struct {
    gsize n_rows;               /* tokens or patches, 1..max_rows */
    const gint32 *tokens;       /* EMBED: [n_rows] */
    const float *const *row;    /* EMBED: [n_rows], non-NULL entries replace the embedding; or NULL.
                                 * ADD_MEDIA finds its part behind the first cols numbers. */
    const float *input;         /* INPUT: [n_rows][cols] */
    const gint32 *table_rows;   /* ADD_TABLE: [n_rows][table_mix] rows of the table to add */
    const float *table_shares;  /* [n_rows][table_mix], or NULL: all of each */
    int table_mix;              /* 1 (a position) to 4 (the corners around a point) */
    const gint32 *input_order;  /* INPUT: [n_rows], row r is input[input_order[r]]; NULL: as it comes */
    const float *cos[LW_ROPE_TABLES], *sin[LW_ROPE_TABLES]; /* ROPE: [n_rows][n_rot / 2] */
    gsize n_out;                /* SELECT: rows wanted, 0..max_out */
    const gint32 *out_rows;     /* [n_out], ascending */

    lw_kv_seq *kv;              /* STORE_KV, ATTEND: rows follow lw_kv_seq_len(), already reserved */
    const lw_attention_method *method;
    const void *method_params;  /* of lw_attention_choice */
    lw_attention *attention;    /* the method's state */
    const lw_attention_watch *watch; /* ATTEND: who looks on; NULL: nobody.  The CPU only */
    const lw_modality_run *runs;
    gsize n_runs;

    const gint32 *bounds[2];    /* ATTEND_SEGMENTS: two lists of n_segments + 1 row bounds */
    int n_segments[2];

    const gint *cancel;
} lw_step;

typedef struct lw_device lw_device; /* an opened backend; the backend defines it */
typedef struct lw_exec lw_exec;     /* a graph planned on a device */

typedef struct {
    const char *name;    /* "cpu" */
    /* Can it work on this machine?  FALSE: *why (g_free) says why not. */
    gboolean (*available)(char **why);

    lw_device *(*open)(int n_threads, GError **error);
    void (*close)(lw_device *d);
    const char *(*describe)(const lw_device *d); /* "CPU, 2 threads, AVX-512 VNNI" */
    const lw_kv_storage *kv_storage;

    /* Plan for up to max_rows rows, max_out output rows and max_ctx tokens of cache (kv may be NULL for
     * graphs without one).  The graph must outlive it.  Errors: NO_MEMORY. */
    lw_exec *(*plan)(lw_device *d, const lw_graph *g, const lw_kv_shape *kv, gsize max_rows,
                     gsize max_out, gsize max_ctx, GError **error);
    void (*free_plan)(lw_exec *e);

    /* Run.  *result: the graph's result rows in host memory, borrowed until the next run (NULL when there
     * are none).  Errors: CANCELLED (results and the rows' K and V are then incomplete), DEVICE. */
    gboolean (*run)(lw_exec *e, const lw_step *step, const float **result, GError **error);
} lw_backend;

/* In order of preference, NULL-terminated. */
extern const lw_backend *const lw_backends[];

/* By name, or the first available one for NULL.  Errors: INVALID, DEVICE (with the reason). */
const lw_backend *lw_backend_find(const char *name, GError **error);

G_END_DECLS
