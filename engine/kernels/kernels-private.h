/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between the kernels' files: one init function per stem and instruction set.
 */
#pragma once

#include "engine/kernels/blocks.h"
#include "engine/kernels/kernels.h"

G_BEGIN_DECLS

#define LW_KERNEL_STEMS(X)                                                                         \
    X(convert) X(norm) X(activation) X(rope) X(quant) X(matvec) X(pack) X(matmul) X(attention)         \
    X(attention_q8)

#define X(stem)                                                                                    \
    void lw_##stem##_init_c(lw_kernels *k);                                                        \
    void lw_##stem##_init_avx2(lw_kernels *k);                                                     \
    void lw_##stem##_init_avx512(lw_kernels *k);
LW_KERNEL_STEMS(X)
#undef X

/* Before a loop over registers: an array of vectors stays out of memory only when unrolled. */
#if defined(__clang__)
#define LW_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LW_UNROLL _Pragma("GCC unroll 16")
#endif

G_END_DECLS
