/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * y = W x (+ bias) for weights in any supported type, one row or many, spread over the pool: what the
 * graph's LINEAR op calls.  One row takes the matvec kernels straight from the mapped file; many rows
 * unpack panels of weights once into cache and reuse them for every activation row, so the file's
 * mapping stays shared and nothing is repacked in memory.
 *
 * Results do not depend on the number of threads.
 */
#pragma once

#include "engine/base/pool.h"
#include "engine/kernels/kernels.h"

G_BEGIN_DECLS

typedef struct {
    guint type;         /* lw_type */
    int n_in, n_out;    /* row length, rows */
    const void *data;   /* [n_out] rows, row_bytes apart */
    gsize row_bytes;
    const float *bias;  /* [n_out] f32 or NULL */
} lw_weight;

/* Scratch for any lw_linear() up to these sizes, in bytes; 64-byte aligned when passed. */
gsize lw_linear_scratch_bytes(int max_rows, int max_in, int n_threads);

/* y[w] = W[w] x for n_w weights (1..4) with the same n_in, activations quantised once.
 * x: [rows] rows of n_in f32, x_stride apart; y[w]: [rows] rows of n_out f32, y_stride[w] apart.
 * FALSE: *cancel became non-zero, y is incomplete. */
gboolean lw_linear(lw_pool *pool, const lw_kernels *k, const lw_weight *const *w, int n_w,
                   const float *x, gsize x_stride, int rows, float *const *y, const gsize *y_stride,
                   void *scratch, const gint *cancel);

G_END_DECLS
