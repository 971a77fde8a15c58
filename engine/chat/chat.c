/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which template a model has, and rendering with it.
 */
#include "engine/chat/chat.h"

#include "engine/chat/compose.h"
#include "engine/lw-error.h"

#include <string.h>

/* A longer template is no template. */
#define MAX_TEMPLATE_BYTES (1024 * 1024)

struct lw_chat {
    const lw_chat_family *family;
    char *warning;
    gboolean thinks;
};

lw_chat_params lw_chat_params_default(void)
{
    return (lw_chat_params){.add_generation = TRUE};
}

/* ---- Choosing ---- */

static lw_chat *chat_new(const lw_chat_family *family)
{
    lw_chat *c = g_new0(lw_chat, 1);

    c->family = family;
    c->thinks = family == &lw_chat_chatml_qwen3;
    return c;
}

static lw_chat *assume_chatml(char *warning)
{
    lw_chat *c = chat_new(&lw_chat_chatml);

    c->warning = warning;
    return c;
}

lw_chat *lw_chat_new_family(const char *name)
{
    const lw_chat_family *family = lw_chat_family_find(name);

    return family ? chat_new(family) : NULL;
}

lw_chat *lw_chat_new_from_text(const char *text, gsize n, const char *bos, const char *eos)
{
    if (n > MAX_TEMPLATE_BYTES)
        return assume_chatml(g_strdup_printf("the chat template has %" G_GSIZE_FORMAT
                                             " bytes, more than the limit of %d; ChatML is assumed",
                                             n, MAX_TEMPLATE_BYTES));
    for (gsize i = 0; lw_chat_families[i]; i++) {
        if (lw_chat_families[i]->matches(text, n)) {
            lw_chat *c = chat_new(lw_chat_families[i]);
            c->thinks = lw_chat_has(text, n, "</think>");
            return c;
        }
    }
    return assume_chatml(g_strdup("no known chat template in the file; ChatML is assumed"));
}

lw_chat *lw_chat_new(const lw_gguf *g, const lw_tokenizer *t)
{
    lw_gguf_str text;

    if (!lw_gguf_get_str(g, "tokenizer.chat_template", &text, NULL))
        return assume_chatml(g_strdup("there is no chat template in the file; ChatML is assumed"));
    return lw_chat_new_from_text(text.bytes, text.n, NULL, NULL);
}

void lw_chat_free(lw_chat *c)
{
    if (!c)
        return;
    g_free(c->warning);
    g_free(c);
}

const char *lw_chat_get_name(const lw_chat *c)
{
    return c->family->name;
}

const char *lw_chat_get_warning(const lw_chat *c)
{
    return c->warning;
}

gboolean lw_chat_get_thinking_marks(const lw_chat *c, const char **open, const char **close)
{
    *open = c->thinks ? "<think>" : NULL;
    *close = c->thinks ? "</think>" : NULL;
    return c->thinks;
}

/* ---- Rendering ---- */

void lw_chat_prompt_clear(lw_chat_prompt *p)
{
    g_clear_pointer(&p->pieces, g_array_unref);
    lw_text_buf_clear(&p->text);
}

/* Does the text end inside a thinking block that the template opened? */
static gboolean ends_in_thinking(lw_text t)
{
    static const char mark[] = "<think>";
    gsize n = sizeof mark - 1;

    t = lw_text_trim(t, FALSE, TRUE);
    return t.n >= n && memcmp(t.bytes + t.n - n, mark, n) == 0 &&
           lw_text_is_trusted(lw_text_part(t, t.n - n, n));
}

gboolean lw_chat_render(const lw_chat *c, const lw_chat_turn *turns, gsize n,
                        const lw_chat_params *params, lw_chat_prompt *out, GError **error)
{
    lw_chat_params defaults = lw_chat_params_default();
    lw_chat_composed composed;
    gboolean ok;

    if (!params)
        params = &defaults;
    *out = (lw_chat_prompt){.pieces = g_array_new(FALSE, TRUE, sizeof(lw_chat_piece))};
    if (!lw_chat_compose(turns, n, &composed, error)) {
        lw_chat_prompt_clear(out);
        return FALSE;
    }
    c->family->render(composed.messages, n, params, &out->text);
    ok = !out->text.failed;
    if (!ok)
        g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                            "not enough memory for the prompt's text");
    ok = ok && lw_chat_cut(&composed, out, error);
    if (ok)
        out->opens_thinking =
            params->add_generation && ends_in_thinking(lw_text_buf_view(&out->text));
    else
        lw_chat_prompt_clear(out);
    lw_chat_composed_clear(&composed);
    return ok;
}
