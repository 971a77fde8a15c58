/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/models/foreign.h"

#include <string.h>

#include "engine/lw-error.h"

/* general.architecture that only Ollama's own conversions have (others call the first one qwen2vl).
 */
static const char *const archs[] = {"qwen25vl", "mllama"};

static gboolean is(const lw_gguf_str *s, const char *name)
{
    return s->n == strlen(name) && memcmp(s->bytes, name, s->n) == 0;
}

static gboolean refuse(const lw_gguf *g, const char *what, GError **error)
{
    g_set_error(
        error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
        "%s: a file that Ollama converted for itself (%s), text and vision in one; take the same "
        "model "
        "as two GGUF files, the text model and its mmproj file, for instance from Hugging Face",
        lw_gguf_path(g), what);
    return FALSE;
}

gboolean lw_foreign_check(const lw_gguf *g, GError **error)
{
    lw_gguf_str arch = {"", 0};

    lw_gguf_get_str(g, "general.architecture", &arch,
                    NULL); /* a wrong type is told by lw_arch_find() */
    if (is(&arch, "clip"))
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(archs); i++) {
        if (is(&arch, archs[i])) {
            g_autofree char *what = g_strdup_printf("its architecture is \"%s\"", archs[i]);
            return refuse(g, what, error);
        }
    }
    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++) {
        const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
        if (g_str_has_prefix(t->name, "v.") || g_str_has_prefix(t->name, "mm.")) {
            g_autofree char *what = g_strdup_printf("it holds the tensor %s", t->name);
            return refuse(g, what, error);
        }
    }
    return TRUE;
}
