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
void lw_attention_init_amx(lw_kernels *k);
void lw_attention_q8_init_amx(lw_kernels *k);

/* Before a loop over registers: an array of vectors stays out of memory only when unrolled.  Under a
 * sanitizer, where every access is instrumented, unrolling costs minutes of compiling and gains nothing. */
#if defined(__has_feature)
#define LW_HAS_FEATURE(x) __has_feature(x)
#else
#define LW_HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || LW_HAS_FEATURE(address_sanitizer) ||         \
    LW_HAS_FEATURE(thread_sanitizer) || LW_HAS_FEATURE(memory_sanitizer)
#define LW_UNROLL
#elif defined(__clang__)
#define LW_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LW_UNROLL _Pragma("GCC unroll 16")
#endif

G_END_DECLS
