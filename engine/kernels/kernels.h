/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table of CPU kernels.  LW_KERNELS lists each one once; the list makes the struct, the roster of
 * the kernel tests (a kernel without a test does not link) and, later, a device's table.  The C
 * reference fills the table first, AVX2 and AVX-512 versions overwrite entries upward (as dav1d does).
 *
 * All kernels: any thread, no allocation, no state; pointers need no alignment unless said; n may be
 * anything >= 1 including tails.  Activations are f32.  Shapes were validated by the caller.
 */
#pragma once

#include <stdint.h>
#include <glib.h>
#include "engine/base/half.h"

G_BEGIN_DECLS

/* Elements per block of quantised activations. */
#define LW_QK 32

/* Activations quantised for integer dot products, one rule for every ISA: per block of 32
 * d = amax / 127 (f32, kept as f32), q = round-half-to-even(x * (127 / amax)), amax = 0 gives zeros.
 * A block with amax < LW_QUANT_TINY counts as zeros with d = 0 (127 / amax would overflow).
 * NaN or infinity in a block: q = 0 and d = NaN, so that a broken model shows and never crashes. */
#define LW_QUANT_TINY 0x1p-120f

/* The quantised tensor types, one line each: T(X, name, NAME, elements per block, elements per scale,
 * has minima).  Layouts and values: blocks.h.  `name` is the suffix of the type's kernels, LW_TYPE_NAME
 * its number in a file.  X is handed through. */
#define LW_BLOCK_TYPES(T, X)                                                                       \
    T(X, q8_0, Q8_0, 32, 32, FALSE)                                                                \
    T(X, q4_0, Q4_0, 32, 32, FALSE)                                                                \
    T(X, q4_1, Q4_1, 32, 32, TRUE)                                                                 \
    T(X, q5_0, Q5_0, 32, 32, FALSE)                                                                \
    T(X, q5_1, Q5_1, 32, 32, TRUE)                                                                 \
    T(X, q2_k, Q2_K, 256, 16, TRUE)                                                                \
    T(X, q3_k, Q3_K, 256, 16, FALSE)                                                               \
    T(X, q4_k, Q4_K, 256, 32, TRUE)                                                                \
    T(X, q5_k, Q5_K, 256, 32, TRUE)                                                                \
    T(X, q6_k, Q6_K, 256, 16, FALSE)                                                               \
    T(X, iq4_nl, IQ4_NL, 32, 32, FALSE)                                                            \
    T(X, iq4_xs, IQ4_XS, 256, 32, FALSE)                                                           \
    T(X, mxfp4, MXFP4, 32, 32, FALSE)

/* One activation row for integer products: q and scale of quant_q8, and scale * (sum of q) over 32 and
 * over 16 columns for the types with minima. */
typedef struct {
    const int8_t *q;     /* [k] */
    const float *scale;  /* [k / 32] */
    const float *sum32;  /* [k / 32] */
    const float *sum16;  /* [k / 16] */
} lw_quant_row;

/* A panel: some weight rows unpacked once into cache and multiplied with many activation rows.
 * 64-byte aligned.  When fewer rows were packed, the rest of the panel holds finite or stale values
 * whose products nobody reads.
 *
 * Integer panel (every quantised type), 16 rows: per block of 32 columns 512 bytes, [8 groups of 4
 * columns][16 rows][4 columns] (the operand order of vpdpbusd) of code + 128 as u8, or of the code itself
 * where the type has minima; scales f32 in a second array, [k / 32][16 rows] or [k / 16][16 rows] as the
 * type has them; minima f32 in a third one like it.
 * Float panel (F32, F16, BF16), 32 rows: [k][32 rows] f32. */
#define LW_PANEL_I8_ROWS 16
#define LW_PANEL_F32_ROWS 32
#define LW_PANEL_I8_BYTES(k) ((gsize)(k) * LW_PANEL_I8_ROWS)
#define LW_PANEL_I8_SCALES(k, group) ((gsize)(k) / (group) * LW_PANEL_I8_ROWS)
#define LW_PANEL_F32_FLOATS(k) ((gsize)(k) * LW_PANEL_F32_ROWS)

/* Activation rows for integer panels go in tiles of 16 rows, each [k / 32 blocks][16 rows][32], their
 * scales [tiles][k / 32][16 rows], the two kinds of sums per group of 16 or 32 columns as the panel's
 * scales are, [tiles][k / group][16 rows]: one tile is read front to back and every offset is constant. */
#define LW_TILE_ROWS 16

/* y[i][c] = panel row c . x_i + bias[c] for i < rows, c < cols.  Each element is summed in the same
 * order whatever `rows` and `cols` are. */
typedef struct {
    const void *panel;
    const float *panel_scale; /* integer panels */
    const float *panel_min;   /* integer panels of types with minima */
    int k, rows, cols;        /* cols <= the panel's rows */
    const float *x;           /* float panels: [rows] rows of k floats, x_stride apart */
    gsize x_stride;
    const int8_t *q;          /* integer panels: tiles of quant_q8's results, the first one full */
    const float *scale;
    const int32_t *start;     /* without minima: -128 * (sum of q), what code + 128 adds too much */
    const float *sum;         /* with minima: scale * (sum of q) */
    const float *bias;        /* one per panel row, or NULL */
    float *y;                 /* [rows] rows, y_stride apart */
    gsize y_stride;
} lw_panel_mul;

#define LW_ATTN_TILE 64
#define LW_ATTN_AHEAD 4

/* Arguments of one online-softmax step: `rows` query rows against one tile of keys (FlashAttention's
 * inner loop).  For every row r, over keys first[r] <= j < visible[r] (all n_keys when these are NULL):
 *   s_j = scale * q_r.k_j ; m' = max(m, max s) ; l = l*e^(m-m') + sum e^(s_j-m') ;
 *   o = o*e^(m-m') + sum e^(s_j-m') v_j
 * A row that sees nothing is left unchanged.  Start: m = -INFINITY, l = 0, o = 0; the result is o / l.
 * All accumulation in f32; of what is multiplied, AMX keeps 16 bits (x86/attention_amx.h).  Hidden keys among the n_keys may be read and weighted with 0: what lies
 * there must be initialised, and a NaN or infinity in it may show in rows that do not see it. */
typedef struct {
    const float *q;   /* [rows] rows of d floats, q_stride elements apart */
    gsize q_stride;
    const void *k, *v; /* [n_keys] rows of d elements of the kernel's KV type */
    gsize kv_stride;  /* elements between two keys, the same for k and v */
    int rows, n_keys, d; /* n_keys in 1..LW_ATTN_TILE, d a multiple of 8, <= 512 */
    float scale;
    const int32_t *visible; /* [rows], any order, may lie outside 0..n_keys; NULL: n_keys */
    const int32_t *first;   /* [rows], the same (sliding windows); NULL: 0 */
    float *m, *l;           /* [rows] */
    float *o;               /* [rows][d], contiguous */
    void *scratch;          /* LW_ATTN_SCRATCH bytes, 64-byte aligned, per thread */
    /* Tiles that the next steps read, laid out like these.  Few rows fetch a part of each meanwhile, the
     * nearest one's last: memory gives more from several places than from one.  NULL in the first: none. */
    const void *ahead_k[LW_ATTN_AHEAD], *ahead_v[LW_ATTN_AHEAD];
    void *q_work;           /* attn_step_f16, attn_step_q8_0: LW_ATTN_Q_WORK bytes, 64-byte aligned, per thread:
                             * q in the kernel's own form */
    gboolean same_q;        /* q, q_stride, rows and d are those of the step before, and q_work is untouched
                             * since */
    gboolean last;          /* no other step follows soon: give back what was kept for it */
} lw_attn_step;

#define LW_ATTN_SCRATCH (512u * 1024u)
#define LW_ATTN_Q_WORK(rows, d) ((((gsize)(rows) + 15) / 16 * 16) * ((gsize)(d) * 5) + 64)

/* A tile of 8-bit keys or values: 64 tokens, d a multiple of 32; in each token and block of 32 elements
 * value = code * scale, quantised by the rule of quant_q8 with the scale rounded to f16.
 *   keys:   codes + 128 as u8 [d / 4][64 tokens][4]: what 16 keys multiply with 4 elements of q is one
 *           operand of vpdpbusd, and the sums come out with keys side by side
 *   values: codes as s8 [64 tokens][d]
 *   then in both f16 scales [d / 32][64 tokens]
 * kv_stride says nothing here.  Tokens from n_keys on may hold anything. */
#define LW_TILE_Q8_SCALES(d) ((gsize)(d) * LW_ATTN_TILE) /* where the scales start, bytes */
#define LW_TILE_Q8_BYTES(d) ((gsize)(d) * LW_ATTN_TILE / 32 * 34)

/* Of each quantised type: the values of the first n elements, exact; a product as matvec_f32 (k is a
 * multiple of the type's block); 1 <= n_rows <= 16 rows unpacked into an integer panel (min: NULL for
 * a type without minima). */
#define LW_TYPE_KERNELS(X, name, NAME, elems, group, minima)                                       \
    X(dequant_##name, void, (const void *src, float *dst, gsize n))                                \
    X(matvec_##name, void, (const void *w, gsize row_bytes, int n_rows, int k,                     \
                            const lw_quant_row *x, float *y))                                      \
    X(pack_##name, void, (const void *w, gsize row_bytes, int n_rows, int k, uint8_t *panel,       \
                          float *scale, float *min))

/* name, result, arguments */
#define LW_KERNELS(X)                                                                              \
    /* conversions of n elements; exact where the target can hold it, else half to even */        \
    X(f16_to_f32, void, (const lw_f16 *src, float *dst, gsize n))                                  \
    X(f32_to_f16, void, (const float *src, lw_f16 *dst, gsize n))                                  \
    X(bf16_to_f32, void, (const lw_bf16 *src, float *dst, gsize n))                                \
    /* y = x / sqrt(mean x^2 + eps) * w ; sum in double in the reference */                        \
    X(rmsnorm, void, (const float *x, const float *w, float *y, int n, float eps))                 \
    /* y = (x - mean) / sqrt(mean (x - mean)^2 + eps) * w + b ; sums in double */                  \
    X(layernorm, void, (const float *x, const float *w, const float *b, float *y, int n, float eps)) \
    X(add, void, (float *y, const float *x, gsize n))              /* y += x */                   \
    X(add_scaled, void, (float *y, const float *x, float s, gsize n)) /* y += s x */              \
    X(swiglu, void, (const float *gate, const float *up, float *y, gsize n)) /* silu(g)*u */      \
    X(gelu_erf, void, (const float *x, float *y, gsize n))         /* exact GELU, by erf */       \
    /* x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */                                        \
    X(gelu_tanh, void, (const float *x, float *y, gsize n))                                        \
    X(gelu_quick, void, (const float *x, float *y, gsize n))       /* x sigmoid(1.702 x) */       \
    X(geglu, void, (const float *gate, const float *up, float *y, gsize n)) /* gelu_tanh(g)*u */  \
    /* rotate the first d of each of n_heads heads, `stride` floats apart, in place: pairs         \
     * (i, i + d/2), or adjacent ones (2i, 2i + 1); cos, sin: [d/2] for this token */             \
    X(rope_half, void, (float *x, int n_heads, int stride, int d, const float *cos,               \
                        const float *sin))                                                         \
    X(rope_adjacent, void, (float *x, int n_heads, int stride, int d, const float *cos,           \
                            const float *sin))                                                     \
    X(quant_q8, void, (const float *x, int8_t *q, float *scale, int n)) /* n: multiple of 32 */   \
    /* the sum of each 16 of q */                                                                  \
    X(sums_q8, void, (const int8_t *q, int32_t *sum, int n))                                       \
    /* y[r] = w_r . x for n_rows rows of weights, row_bytes apart; k elements each */              \
    X(matvec_f32, void, (const void *w, gsize row_bytes, int n_rows, int k, const float *x, float *y)) \
    X(matvec_f16, void, (const void *w, gsize row_bytes, int n_rows, int k, const float *x, float *y)) \
    X(matvec_bf16, void, (const void *w, gsize row_bytes, int n_rows, int k, const float *x, float *y)) \
    /* unpack 1 <= n_rows <= 32 rows of k elements into a float panel */                           \
    X(pack_f32, void, (const void *w, gsize row_bytes, int n_rows, int k, float *panel))           \
    X(pack_f16, void, (const void *w, gsize row_bytes, int n_rows, int k, float *panel))           \
    X(pack_bf16, void, (const void *w, gsize row_bytes, int n_rows, int k, float *panel))          \
    LW_BLOCK_TYPES(LW_TYPE_KERNELS, X)                                                             \
    X(panel_f32, void, (const lw_panel_mul *a))                                                    \
    /* integer panels: elements per scale, with minima or without */                               \
    X(panel_i8_32, void, (const lw_panel_mul *a))                                                  \
    X(panel_i8_16, void, (const lw_panel_mul *a))                                                  \
    X(panel_i8_32_min, void, (const lw_panel_mul *a))                                              \
    X(panel_i8_16_min, void, (const lw_panel_mul *a))                                              \
    X(attn_step_f16, void, (const lw_attn_step *a))                                                \
    X(attn_step_f32, void, (const lw_attn_step *a))                                                \
    X(attn_step_q8_0, void, (const lw_attn_step *a))

typedef struct lw_kernels {
#define X(name, ret, args) ret(*name) args;
    LW_KERNELS(X)
#undef X
} lw_kernels;

/* Fill the table for the given CPU flags (base/cpu.h); 0 gives the C reference. */
void lw_kernels_init(lw_kernels *k, guint cpu_flags);

/* The process-wide table for lw_cpu_flags_get(). */
const lw_kernels *lw_kernels_get(void);

G_END_DECLS
