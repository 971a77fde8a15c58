/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chat template families.  A family renders by itself what the models' own Jinja templates would give;
 * which family a file belongs to is seen from characteristic strings in its template.
 */
#include "engine/tokenizer/chat.h"

#include <string.h>

/* A longer template is no template. */
#define MAX_TEMPLATE_BYTES (1024 * 1024)

void lw_chat_render_init(lw_chat_render *r)
{
    r->pieces = g_array_new(FALSE, TRUE, sizeof(lw_chat_piece));
    r->storage = g_ptr_array_new_with_free_func(g_free);
}

void lw_chat_render_clear(lw_chat_render *r)
{
    g_clear_pointer(&r->pieces, g_array_unref);
    g_clear_pointer(&r->storage, g_ptr_array_unref);
}

/* Scaffold: a constant of ours.  The only place that makes trusted bytes. */
static void add_trusted(lw_chat_render *r, const char *literal)
{
    lw_chat_piece piece = {.span = {.bytes = literal, .n = strlen(literal), .trusted = TRUE}};

    g_array_append_val(r->pieces, piece);
}

static void add_untrusted(lw_chat_render *r, const char *text)
{
    lw_chat_piece piece = {.span = {.n = strlen(text), .trusted = FALSE}};
    char *copy;

    if (piece.span.n == 0)
        return;
    copy = g_strdup(text);
    g_ptr_array_add(r->storage, copy);
    piece.span.bytes = copy;
    g_array_append_val(r->pieces, piece);
}

static void add_media(lw_chat_render *r, gsize turn, gsize media)
{
    lw_chat_piece piece = {.is_media = TRUE, .turn = (guint)turn, .media = (guint)media};

    g_array_append_val(r->pieces, piece);
}

/* ---- ChatML ---- */

static const char *chatml_opening(lw_role role)
{
    switch (role) {
    case LW_ROLE_SYSTEM:
        return "<|im_start|>system\n";
    case LW_ROLE_ASSISTANT:
        return "<|im_start|>assistant\n";
    case LW_ROLE_USER:
        break;
    }
    return "<|im_start|>user\n";
}

/* default_system: a whole turn that opens a conversation without a system message, or NULL. */
static void chatml_render(const lw_chat_turn *turns, gsize n, gboolean add_generation,
                          const char *default_system, lw_chat_render *out)
{
    if (default_system != NULL && n > 0 && turns[0].role != LW_ROLE_SYSTEM)
        add_trusted(out, default_system);
    for (gsize i = 0; i < n; i++) {
        add_trusted(out, chatml_opening(turns[i].role));
        for (gsize k = 0; k < turns[i].n_media; k++) {
            add_trusted(out, "<|vision_start|>");
            add_media(out, i, k);
            add_trusted(out, "<|vision_end|>");
        }
        add_untrusted(out, turns[i].text);
        add_trusted(out, "<|im_end|>\n");
    }
    if (add_generation)
        add_trusted(out, chatml_opening(LW_ROLE_ASSISTANT));
}

static gboolean contains(const char *text, gsize n, const char *part)
{
    return memmem(text, n, part, strlen(part)) != NULL;
}

static gboolean is_chatml(const char *text, gsize n)
{
    return contains(text, n, "<|im_start|>") && contains(text, n, "<|im_end|>");
}

/* Qwen2.5's text models: the default system turn names the model and its maker. */
static gboolean matches_qwen25(const char *text, gsize n)
{
    return is_chatml(text, n) &&
           contains(text, n, "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
}

static void render_qwen25(const lw_chat_turn *turns, gsize n, gboolean add_generation,
                          lw_chat_render *out)
{
    chatml_render(turns, n, add_generation,
                  "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
                  "assistant.<|im_end|>\n",
                  out);
}

/* Qwen2, Qwen2-VL and Qwen2.5-VL: the bare sentence. */
static gboolean matches_qwen_vl(const char *text, gsize n)
{
    return is_chatml(text, n) && contains(text, n, "You are a helpful assistant.") &&
           !matches_qwen25(text, n);
}

static void render_qwen_vl(const lw_chat_turn *turns, gsize n, gboolean add_generation,
                           lw_chat_render *out)
{
    chatml_render(turns, n, add_generation,
                  "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n", out);
}

static void render_chatml(const lw_chat_turn *turns, gsize n, gboolean add_generation,
                          lw_chat_render *out)
{
    chatml_render(turns, n, add_generation, NULL, out);
}

static const lw_chat_template chatml_qwen25 = {
    .name = "chatml-qwen2.5", .matches = matches_qwen25, .render = render_qwen25};
static const lw_chat_template chatml_qwen_vl = {
    .name = "chatml-qwen-vl", .matches = matches_qwen_vl, .render = render_qwen_vl};
static const lw_chat_template chatml = {
    .name = "chatml", .matches = is_chatml, .render = render_chatml};

/* The first match counts: special cases before the general one. */
const lw_chat_template *const lw_chat_templates[] = {&chatml_qwen25, &chatml_qwen_vl, &chatml, NULL};

const lw_chat_template *lw_chat_template_for(const lw_gguf *g, gboolean *guessed)
{
    lw_gguf_str text;

    if (guessed != NULL)
        *guessed = FALSE;
    if (lw_gguf_get_str(g, "tokenizer.chat_template", &text, NULL) && text.n <= MAX_TEMPLATE_BYTES) {
        for (gsize i = 0; lw_chat_templates[i] != NULL; i++) {
            if (lw_chat_templates[i]->matches(text.bytes, text.n))
                return lw_chat_templates[i];
        }
    }
    if (guessed != NULL)
        *guessed = TRUE;
    return &chatml;
}
