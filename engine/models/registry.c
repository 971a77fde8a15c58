/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/models/arch.h"

extern const lw_arch lw_arch_bert;
extern const lw_arch lw_arch_gemma3;
extern const lw_arch lw_arch_llama;
extern const lw_arch lw_arch_nomic_bert;
extern const lw_arch lw_arch_phi3;
extern const lw_arch lw_arch_qwen2;
extern const lw_arch lw_arch_qwen2vl;
extern const lw_arch lw_arch_qwen3;
extern const lw_arch lw_arch_qwen3vl;
extern const lw_projector lw_projector_qwen2vl;
extern const lw_projector lw_projector_qwen25vl;
extern const lw_projector lw_projector_qwen3vl;

const lw_arch *const lw_archs[] = {
    &lw_arch_bert,
    &lw_arch_gemma3,
    &lw_arch_llama,
    &lw_arch_nomic_bert,
    &lw_arch_phi3,
    &lw_arch_qwen2,
    &lw_arch_qwen2vl,
    &lw_arch_qwen3,
    &lw_arch_qwen3vl,
    NULL,
};

const lw_projector *const lw_projectors[] = {
    &lw_projector_qwen25vl,
    &lw_projector_qwen2vl,
    &lw_projector_qwen3vl,
    NULL,
};

/* A short printable copy of a name from the file. */
static char *printable(const lw_gguf_str *s)
{
    g_autofree char *raw = g_strndup(s->bytes, MIN(s->n, 64));
    return g_utf8_make_valid(raw, -1);
}

static gboolean equals(const lw_gguf_str *s, const char *name)
{
    return s->n == strlen(name) && memcmp(s->bytes, name, s->n) == 0;
}

const lw_arch *lw_arch_find(const lw_gguf *g, GError **error)
{
    lw_gguf_str name;
    GError *err = NULL;

    if (!lw_gguf_get_str(g, "general.architecture", &name, &err)) {
        if (err)
            g_propagate_error(error, err);
        else
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING,
                        "%s: key general.architecture is missing", lw_gguf_path(g));
        return NULL;
    }
    g_autoptr(GString) known = g_string_new(NULL);
    for (int i = 0; lw_archs[i]; i++) {
        if (equals(&name, lw_archs[i]->name))
            return lw_archs[i];
        g_string_append_printf(known, "%s%s", i ? ", " : "", lw_archs[i]->name);
    }
    g_autofree char *shown = printable(&name);
    gboolean is_vision = equals(&name, "clip");
    if (is_vision)
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s is a vision file (mmproj); open the text model it belongs to", lw_gguf_path(g));
    else
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: unsupported architecture \"%s\" (there is: %s)", lw_gguf_path(g), shown,
                    known->str);
    lw_error_set_facts(error, &(lw_error_facts){.kind = is_vision ? LW_FACTS_VISION : LW_FACTS_ARCH,
                                                .name = {(char *)lw_gguf_path(g), shown, known->str}});
    return NULL;
}

const lw_projector *lw_projector_find(const lw_gguf *g, GError **error)
{
    lw_gguf_str name = {"", 0};
    GError *err = NULL;

    if (!lw_gguf_get_str(g, "clip.projector_type", &name, &err) && !err)
        lw_gguf_get_str(g, "clip.vision.projector_type", &name, &err);
    if (err) {
        g_propagate_error(error, err);
        return NULL;
    }
    g_autoptr(GString) known = g_string_new(NULL);
    for (int i = 0; lw_projectors[i]; i++) {
        if (equals(&name, lw_projectors[i]->name))
            return lw_projectors[i];
        g_string_append_printf(known, "%s%s", i ? ", " : "", lw_projectors[i]->name);
    }
    g_autofree char *shown = printable(&name);
    g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                "%s: unsupported vision projector \"%s\" (there is: %s)", lw_gguf_path(g), shown,
                known->str);
    return NULL;
}
