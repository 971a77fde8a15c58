/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the kernel tests share: deterministic fills, buffers that notice a write past their end, and
 * comparisons that print the first element that differs.
 */
#pragma once

#include <math.h>
#include <string.h>

#include "engine/kernels/kernels-private.h"

G_BEGIN_DECLS

/* One declaration per kernel of the list: a kernel without a test does not link. */
#define X(name, ret, args) void test_##name(const lw_kernels *ref, const lw_kernels *k);
LW_KERNELS(X)
#undef X

/* An own generator, so that a failure repeats anywhere. */
guint32 check_random(void);
void check_seed(guint32 seed);
float check_uniform(float lo, float hi);
float check_normal(void);

typedef enum {
    FILL_NORMAL,
    FILL_ZERO,
    FILL_EXTREME,  /* magnitudes from 1e-30 to 1e30 */
    FILL_DENORMAL, /* denormals and zeros of both signs */
    FILL_SPIKES,   /* small values, a few large */
    N_FILLS,
} check_fill;

void check_fill_f32(float *x, gsize n, check_fill fill);

/* n_bytes that end (almost) at a guard; check_free() fails the test when the guard was written.
 * 64-byte aligned plus `shift` bytes. */
void *check_alloc(gsize n_bytes, gsize shift);
void check_free(void *p);

/* A matrix of n_rows rows of k elements of a tensor type (lw_type), row_bytes apart. */
void *check_weights(guint type, int n_rows, int k, gsize *row_bytes);

/* One row as floats, by the reference kernels; and the magnitude of what each value is the sum of,
 * which is what rounding errors of a product are relative to. */
void check_row_f32(guint type, const void *row, int k, float *out);
void check_row_size(guint type, const void *row, int k, float *out);

/* An activation row and what integer products take of it.  n is a multiple of 32. */
typedef struct {
    int n;
    int8_t *q;
    float *scale, *sum32, *sum16;
} check_quant;

check_quant check_quantise(const float *x, int n);
void check_quant_free(check_quant *a);
/* The activations that q stands for, in place of x. */
void check_quant_values(const check_quant *a, float *x);

/* got[i] == want[i] bit for bit, any NaN equal to any NaN. */
void check_equal_f32(const char *what, const float *got, const float *want, gsize n);

/* |got - want| <= rel * |want| + abs, NaN equal to NaN, infinities equal. */
void check_close_f32(const char *what, const float *got, const float *want, gsize n, float rel,
                     float abs);

G_END_DECLS
