/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ChatML without thinking:
 *
 *   <|im_start|>role\n content <|im_end|>\n
 *
 * Qwen2.5 opens with a default system turn that names the model, Qwen2 and the VL models with the
 * bare sentence; Qwen2.5 puts the results of tools into a user's turn, neighbours into one.
 */
#include "engine/chat/family.h"

static const char *opening(lw_role role)
{
    switch (role) {
    case LW_ROLE_SYSTEM:
        return "<|im_start|>system\n";
    case LW_ROLE_ASSISTANT:
        return "<|im_start|>assistant\n";
    case LW_ROLE_TOOL:
        return "<|im_start|>tool\n";
    case LW_ROLE_USER:
        break;
    }
    return "<|im_start|>user\n";
}

/* default_system: a whole turn that opens a conversation without a system message, or NULL. */
static void render(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                   const char *default_system, gboolean tool_turns, lw_text_buf *out)
{
    if (default_system && n > 0 && m[0].role != LW_ROLE_SYSTEM)
        lw_text_buf_add_scaffold(out, default_system);
    for (gsize i = 0; i < n; i++) {
        gboolean response = m[i].role == LW_ROLE_TOOL && !tool_turns;

        if (response) {
            if (i == 0 || m[i - 1].role != LW_ROLE_TOOL)
                lw_text_buf_add_scaffold(out, "<|im_start|>user");
            lw_text_buf_add_scaffold(out, "\n<tool_response>\n");
        } else {
            lw_text_buf_add_scaffold(out, opening(m[i].role));
        }
        lw_text_buf_append(out, m[i].content);
        if (response)
            lw_text_buf_add_scaffold(out, "\n</tool_response>");
        if (!response || i + 1 == n || m[i + 1].role != LW_ROLE_TOOL)
            lw_text_buf_add_scaffold(out, "<|im_end|>\n");
    }
    if (params->add_generation)
        lw_text_buf_add_scaffold(out, opening(LW_ROLE_ASSISTANT));
}

static gboolean is_chatml(const char *text, gsize n)
{
    return lw_chat_has(text, n, "<|im_start|>") && lw_chat_has(text, n, "<|im_end|>");
}

static gboolean matches_qwen25(const char *text, gsize n)
{
    return is_chatml(text, n) &&
           lw_chat_has(text, n,
                       "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
}

static void render_qwen25(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                          lw_text_buf *out)
{
    render(m, n, params,
           "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
           "assistant.<|im_end|>\n",
           FALSE, out);
}

static gboolean matches_qwen_vl(const char *text, gsize n)
{
    return is_chatml(text, n) && lw_chat_has(text, n, "You are a helpful assistant.") &&
           !matches_qwen25(text, n);
}

static void render_qwen_vl(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                           lw_text_buf *out)
{
    render(m, n, params, "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n", TRUE, out);
}

static void render_plain(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                         lw_text_buf *out)
{
    render(m, n, params, NULL, TRUE, out);
}

const lw_chat_family lw_chat_chatml_qwen25 = {
    .name = "chatml-qwen2.5", .matches = matches_qwen25, .render = render_qwen25};
const lw_chat_family lw_chat_chatml_qwen_vl = {
    .name = "chatml-qwen-vl", .matches = matches_qwen_vl, .render = render_qwen_vl};
const lw_chat_family lw_chat_chatml = {
    .name = "chatml", .matches = is_chatml, .render = render_plain};
