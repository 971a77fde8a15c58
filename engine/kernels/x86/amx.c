/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/amx.h"

#include <stddef.h>

static _Thread_local const lw_amx_config *in_use;

void lw_amx_use(const lw_amx_config *config)
{
    if (in_use == config)
        return;
    _tile_loadconfig(config);
    in_use = config;
}

void lw_amx_release(void)
{
    _tile_release();
    in_use = NULL;
}
