/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "memory/lw-memory.h"

#include <errno.h>

char *lw_mem_private_folder_new(GError **error)
{
    const char *const parents[] = {g_getenv("XDG_RUNTIME_DIR"), g_get_tmp_dir()};
    int err = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(parents); i++) {
        g_autofree char *folder = g_build_filename(parents[i] ? parents[i] : "", "longwave-XXXXXX", NULL);

        if (!g_path_is_absolute(folder))
            continue;
        if (g_mkdtemp_full(folder, 0700))
            return g_steal_pointer(&folder);
        err = errno;
    }
    g_set_error(error, LW_MEM_ERROR, err == ENOSPC || err == EDQUOT ? LW_MEM_ERROR_FULL : LW_MEM_ERROR_IO,
                "%s: no folder can be created: %s", g_get_tmp_dir(), g_strerror(err));
    return NULL;
}
