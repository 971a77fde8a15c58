/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which template a model has, and rendering with it.
 */
#include "engine/chat/chat.h"

#include "engine/chat/compose.h"
#include "engine/chat/own.h"
#include "engine/lw-error.h"

#include <string.h>

struct lw_chat {
    const lw_chat_family *family; /* NULL: own */
    lw_chat_own *own;             /* the model's own template, where no family does the same */
    lw_chat_own *tool_use;        /* its variant for conversations with results of tools, or NULL */
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

/* why: taken; a sentence without its end. */
static lw_chat *assume(const lw_chat_family *family, char *why)
{
    lw_chat *c = chat_new(family);

    c->warning = g_strconcat(why, "; ", family == &lw_chat_chatml ? "ChatML" : family->name,
                             " is assumed", NULL);
    g_free(why);
    return c;
}

lw_chat *lw_chat_new_family(const char *name)
{
    const lw_chat_family *family = lw_chat_family_find(name);

    return family ? chat_new(family) : NULL;
}

/* The family that this text is like: one that agrees with it, or the first that looks like it when
 * the template itself is of no use (own is NULL). */
static const lw_chat_family *recognise(const char *text, gsize n, const lw_chat_own *own)
{
    for (gsize i = 0; lw_chat_families[i]; i++) {
        if (lw_chat_families[i]->matches(text, n) &&
            (!own || lw_chat_own_agrees(own, lw_chat_families[i])))
            return lw_chat_families[i];
    }
    return NULL;
}

lw_chat *lw_chat_new_from_text(const char *text, gsize n, const char *bos, const char *eos)
{
    const lw_chat_family *family;
    g_autoptr(GError) error = NULL;
    lw_chat_own *own;
    lw_chat *c;

    if (n > LW_CHAT_MAX_TEMPLATE)
        return assume(&lw_chat_chatml, g_strdup_printf("the chat template has %" G_GSIZE_FORMAT
                                                       " bytes, more than the limit of %d",
                                                       n, LW_CHAT_MAX_TEMPLATE));
    family = lw_chat_family_known(text, n);
    if (family)
        return chat_new(family);
    own = lw_chat_own_new(text, n, bos, eos, &error);
    family = recognise(text, n, own);
    if (!own)
        return assume(family ? family : &lw_chat_chatml,
                      g_strdup_printf("the chat template cannot be used: %s", error->message));
    c = chat_new(family);
    if (family)
        lw_chat_own_free(own);
    else
        c->own = own;
    c->thinks = lw_chat_has(text, n, "</think>");
    return c;
}

/* A token's text as a string, "" when there is none. */
static char *token_text(const lw_tokenizer *t, gint64 id)
{
    const char *bytes;
    gsize n = 0;

    if (id < 0 || id >= lw_tokenizer_n_tokens(t))
        return g_strdup("");
    bytes = lw_tokenizer_token_bytes(t, (gint32)id, &n);
    return g_strndup(bytes, n);
}

lw_chat *lw_chat_new(const lw_gguf *g, const lw_tokenizer *t)
{
    g_autofree char *bos = token_text(t, lw_tokenizer_bos(t)), *eos = NULL;
    gint64 eos_id = -1;
    lw_gguf_str text;
    lw_chat *c;

    lw_gguf_get_i64(g, "tokenizer.ggml.eos_token_id", &eos_id, NULL);
    eos = token_text(t, eos_id);
    if (!lw_gguf_get_str(g, "tokenizer.chat_template", &text, NULL))
        return assume(&lw_chat_chatml, g_strdup("there is no chat template in the file"));
    c = lw_chat_new_from_text(text.bytes, text.n, bos, eos);
    if (lw_gguf_get_str(g, "tokenizer.chat_template.tool_use", &text, NULL) &&
        text.n <= LW_CHAT_MAX_TEMPLATE)
        c->tool_use = lw_chat_own_new(text.bytes, text.n, bos, eos, NULL);
    return c;
}

void lw_chat_free(lw_chat *c)
{
    if (!c)
        return;
    lw_chat_own_free(c->own);
    lw_chat_own_free(c->tool_use);
    g_free(c->warning);
    g_free(c);
}

const char *lw_chat_get_name(const lw_chat *c)
{
    return c->family ? c->family->name : "jinja";
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

static gboolean has_tools(const lw_chat_turn *turns, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (turns[i].role == LW_ROLE_TOOL)
            return TRUE;
    }
    return FALSE;
}

static gboolean render_text(const lw_chat *c, const lw_chat_composed *composed, gboolean tools,
                            const lw_chat_params *params, lw_text_buf *out, GError **error)
{
    const lw_chat_own *own = tools && c->tool_use ? c->tool_use : c->own;

    if (own)
        return lw_chat_own_render(own, composed->messages, composed->n, params, out, error);
    c->family->render(composed->messages, composed->n, params, out);
    if (out->failed)
        g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                            "not enough memory for the prompt's text");
    return !out->failed;
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
    ok = render_text(c, &composed, has_tools(turns, n), params, &out->text, error) &&
         lw_chat_cut(&composed, out, error);
    if (ok)
        out->opens_thinking =
            params->add_generation && ends_in_thinking(lw_text_buf_view(&out->text));
    else
        lw_chat_prompt_clear(out);
    lw_chat_composed_clear(&composed);
    return ok;
}
