/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/kernels-private.h"

#include "engine/base/cpu.h"

void lw_kernels_init(lw_kernels *k, guint cpu_flags)
{
#define X(stem) lw_##stem##_init_c(k);
    LW_KERNEL_STEMS(X)
#undef X
#if defined(__x86_64__)
    if (!(cpu_flags & LW_CPU_AVX2))
        return;
#define X(stem) lw_##stem##_init_avx2(k);
    LW_KERNEL_STEMS(X)
#undef X
    /* The AVX-512 files use VNNI for integers: machines with the one and not the other (2017-2019
     * Xeons) keep AVX2, which serves them about as well. */
    if (!(cpu_flags & LW_CPU_AVX512) || !(cpu_flags & LW_CPU_AVX512_VNNI))
        return;
#define X(stem) lw_##stem##_init_avx512(k);
    LW_KERNEL_STEMS(X)
#undef X
    if (cpu_flags & LW_CPU_AMX) {
        lw_attention_init_amx(k);
        lw_attention_q8_init_amx(k);
    }
#endif
}

const lw_kernels *lw_kernels_get(void)
{
    static lw_kernels table;
    static gsize once;

    if (g_once_init_enter(&once)) {
        lw_kernels_init(&table, lw_cpu_flags_get());
        g_once_init_leave(&once, 1);
    }
    return &table;
}
