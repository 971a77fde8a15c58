/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the CPU can do, and the mask that lowers it.  The environment variable LW_CPU = "c", "avx2"
 * or "avx512" (without AMX) caps the level (tests walk all of them); "native" or unset is everything found.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
    LW_CPU_AVX2 = 1 << 0,        /* AVX2, FMA, F16C, BMI2 */
    LW_CPU_AVX512 = 1 << 1,      /* F, BW, DQ, VL (and AVX2) */
    LW_CPU_AVX512_VNNI = 1 << 2, /* vpdpbusd on 512 bits */
    LW_CPU_AVX512_BF16 = 1 << 3, /* vdpbf16ps */
    LW_CPU_AMX = 1 << 4,         /* products of tiles of bytes and of bf16; the system lets this process use them */
} lw_cpu_flags;

/* Flags of this machine, without the mask. */
guint lw_cpu_detect(void);

/* Flags to use: detected, lowered by LW_CPU.  Read once per process. */
guint lw_cpu_flags_get(void);

/* "AVX-512 VNNI BF16", "AVX2", "portable C": for logs and `lw bench`. */
const char *lw_cpu_describe(guint flags);

/* CPUs this process may be scheduled on (affinity mask and cgroup quota), at least 1. */
int lw_cpu_count(void);

G_END_DECLS
