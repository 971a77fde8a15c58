/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/attention/crude.h"

#include <string.h>

const lw_attention_method *const lw_attention_methods[] = {
    &lw_attention_dense,
    &lw_attention_window,
    &lw_attention_random,
    NULL,
};

static gboolean unknown(const char *text, GError **error)
{
    GString *known = g_string_new(NULL);

    for (int i = 0; lw_attention_methods[i]; i++) {
        const lw_attention_method *m = lw_attention_methods[i];
        g_string_append_printf(known, "%s%s%s%s", i ? ", " : "", m->name, m->params ? ":" : "",
                               m->params ? m->params : "");
    }
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                "unknown attention method \"%s\" (there is: %s)", text, known->str);
    g_string_free(known, TRUE);
    return FALSE;
}

gboolean lw_attention_choose(const char *text, lw_attention_choice *choice, GError **error)
{
    const lw_attention_method *m = lw_attention_methods[0];
    gsize n = text ? strcspn(text, ":") : 0;

    *choice = (lw_attention_choice){NULL};
    if (text) {
        int i = 0;
        for (; (m = lw_attention_methods[i]); i++)
            if (strlen(m->name) == n && strncmp(m->name, text, n) == 0 && (m->parse != NULL) == (text[n] == ':'))
                break;
        if (!m)
            return unknown(text, error);
    }
    if (m->parse && !(choice->params = m->parse(text + n + 1, error)))
        return FALSE;
    choice->method = m;
    choice->name = g_strdup(text ? text : m->name);
    return TRUE;
}

void lw_attention_choice_clear(lw_attention_choice *choice)
{
    g_clear_pointer(&choice->params, g_free);
    g_clear_pointer(&choice->name, g_free);
    choice->method = NULL;
}
