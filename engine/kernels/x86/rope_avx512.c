/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/kernels-private.h"

void lw_rope_init_avx512(lw_kernels *k)
{
}
