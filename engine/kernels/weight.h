/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the engine can do with one tensor type: the type's row of kernels.  Made from the list of
 * types in kernels.h; nothing else in the engine asks which type a tensor has.
 */
#pragma once

#include "engine/kernels/kernels.h"

G_BEGIN_DECLS

/* One activation row in both forms; a quantised type reads q, a float type x. */
typedef struct {
    const float *x;
    lw_quant_row q;
} lw_activation;

typedef struct {
    guint elems; /* per block */
    guint block_bytes;
    gboolean is_int; /* products of quantised activations, integer panels */
    guint group;     /* is_int: elements per scale, 16 or 32 */
    gboolean minima; /* is_int: values have a minimum beside the scale */
    guint panel_rows;

    /* The values of one row of n elements, exact. */
    void (*dequant)(const lw_kernels *k, const void *row, float *dst, gsize n);
    /* n_rows rows, row_bytes apart, times one activation row. */
    void (*matvec)(const lw_kernels *k, const void *w, gsize row_bytes, int n_rows, int n_in,
                   const lw_activation *x, float *y);
    /* n_rows rows into a panel of lw_panel_bytes(). */
    void (*pack)(const lw_kernels *k, const void *w, gsize row_bytes, int n_rows, int n_in,
                 void *panel);
    /* The panel, given in a->panel, times a->rows rows; scales and minima are found. */
    void (*multiply)(const lw_kernels *k, lw_panel_mul *a);
} lw_weight_type;

/* NULL for a type that the kernels do not know; any number may be asked for. */
const lw_weight_type *lw_weight_type_get(guint type);

/* Bytes of one panel with its scales and minima; a multiple of 64. */
gsize lw_panel_bytes(const lw_weight_type *t, int n_in);

G_END_DECLS
