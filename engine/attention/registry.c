/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/attention/attention.h"

extern const lw_attention_method lw_attention_dense;

const lw_attention_method *const lw_attention_methods[] = {
    &lw_attention_dense,
    NULL,
};

const lw_attention_method *lw_attention_find(const char *name, GError **error)
{
    if (!name)
        return lw_attention_methods[0];

    GString *known = g_string_new(NULL);
    for (int i = 0; lw_attention_methods[i]; i++) {
        if (g_str_equal(lw_attention_methods[i]->name, name)) {
            g_string_free(known, TRUE);
            return lw_attention_methods[i];
        }
        g_string_append_printf(known, "%s%s", i ? ", " : "", lw_attention_methods[i]->name);
    }
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                "unknown attention method \"%s\" (there is: %s)", name, known->str);
    g_string_free(known, TRUE);
    return NULL;
}
