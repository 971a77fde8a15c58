/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Speed of the kernels, beside what the machine could do at most.  Prints; judges nothing.
 */
#pragma once

#include "engine/kernels/kernels.h"

G_BEGIN_DECLS

/* Read bandwidth by number of threads, peak multiply-add rate of one thread. */
void bench_ceilings(guint cpu_flags);

/* Kernels whose name contains pattern (NULL: all), one thread, then lw_linear() with 1 and 2. */
void bench_kernels(const char *mask, const lw_kernels *k, const char *pattern);

/* One line of figures when the name is wanted; alone: by the thread's own time, else by the clock. */
void bench_report(const char *name, const char *shape, void (*run)(void *ctx), void *ctx, gboolean alone,
                  double bytes, double flops);

/* Dense attention over the paged cache of a 0.5B qwen2 shape, from memory. */
void bench_attend(const lw_kernels *k);

G_END_DECLS
