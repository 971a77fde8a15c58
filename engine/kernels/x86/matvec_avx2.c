/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/kernels-private.h"

void lw_matvec_init_avx2(lw_kernels *k)
{
}
