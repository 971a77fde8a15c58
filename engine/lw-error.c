/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/lw-error.h"

typedef lw_error_facts LwModelErrorPrivate, LwEngineErrorPrivate;

/* A file may hold anything for a name: it shall not break the line that it is shown in. */
static char *fit_to_show(const char *name)
{
    char *shown = g_filename_display_name(name);

    for (char *c = shown; *c; c++)
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    return shown;
}

static void copy_facts(const lw_error_facts *from, lw_error_facts *to)
{
    *to = *from;
    for (gsize i = 0; i < G_N_ELEMENTS(to->name); i++)
        to->name[i] = from->name[i] ? fit_to_show(from->name[i]) : NULL;
}

static void clear_facts(lw_error_facts *f)
{
    for (gsize i = 0; i < G_N_ELEMENTS(f->name); i++)
        g_free(f->name[i]);
}

/* The names that the macro below wants. */
static void lw_model_error_private_init(LwModelErrorPrivate *f)
{
    *f = (lw_error_facts){.kind = LW_FACTS_NONE};
}

static void lw_model_error_private_copy(const LwModelErrorPrivate *from, LwModelErrorPrivate *to)
{
    copy_facts(from, to);
}

static void lw_model_error_private_clear(LwModelErrorPrivate *f)
{
    clear_facts(f);
}

static void lw_engine_error_private_init(LwEngineErrorPrivate *f)
{
    *f = (lw_error_facts){.kind = LW_FACTS_NONE};
}

static void lw_engine_error_private_copy(const LwEngineErrorPrivate *from, LwEngineErrorPrivate *to)
{
    copy_facts(from, to);
}

static void lw_engine_error_private_clear(LwEngineErrorPrivate *f)
{
    clear_facts(f);
}

G_DEFINE_EXTENDED_ERROR(LwModelError, lw_model_error)
G_DEFINE_EXTENDED_ERROR(LwEngineError, lw_engine_error)

static lw_error_facts *facts_of(const GError *error)
{
    if (error->domain == LW_MODEL_ERROR)
        return lw_model_error_get_private(error);
    if (error->domain == LW_ENGINE_ERROR)
        return lw_engine_error_get_private(error);
    return NULL;
}

const lw_error_facts *lw_error_get_facts(const GError *error)
{
    return facts_of(error);
}

void lw_error_set_facts(GError **error, const lw_error_facts *facts)
{
    lw_error_facts *f = error && *error ? facts_of(*error) : NULL;

    g_return_if_fail(f || !error || !*error);
    if (!f)
        return;
    clear_facts(f);
    copy_facts(facts, f);
}
