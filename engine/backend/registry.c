/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/backend/backend.h"
#include "engine/backend/frail.h"

extern const lw_backend lw_backend_cpu;

const lw_backend *const lw_backends[] = {
    &lw_backend_cpu,
    NULL,
};

const lw_backend *lw_backend_find(const char *name, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    if (!name && lw_backend_frail())
        return lw_backend_frail();
    for (int i = 0; lw_backends[i]; i++) {
        g_autofree char *why = NULL;
        if (name && !g_str_equal(name, lw_backends[i]->name)) {
            g_string_append_printf(known, "%s%s", known->len ? ", " : "", lw_backends[i]->name);
            continue;
        }
        if (lw_backends[i]->available(&why))
            return lw_backends[i];
        if (name) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_DEVICE, "%s cannot be used: %s", name, why);
            return NULL;
        }
    }
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "unknown device \"%s\" (there is: %s)",
                name ? name : "", known->str);
    return NULL;
}
