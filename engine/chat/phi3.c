/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Phi-3 and 3.5: <|role|>\n content <|end|>\n.  An empty system text makes no turn; a conversation
 * that is not to be answered ends in <|endoftext|>.
 */
#include "engine/chat/family.h"

static void render(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                   lw_text_buf *out)
{
    for (gsize i = 0; i < n; i++) {
        switch (m[i].role) {
        case LW_ROLE_SYSTEM:
            if (m[i].content.n == 0)
                continue;
            lw_text_buf_add_scaffold(out, "<|system|>\n");
            break;
        case LW_ROLE_USER:
            lw_text_buf_add_scaffold(out, "<|user|>\n");
            break;
        case LW_ROLE_ASSISTANT:
            lw_text_buf_add_scaffold(out, "<|assistant|>\n");
            break;
        case LW_ROLE_TOOL: /* the model knows none */
            lw_text_buf_add_scaffold(out, "<|user|>\n" LW_CHAT_TOOL_RESULT);
            break;
        }
        lw_text_buf_append(out, m[i].content);
        lw_text_buf_add_scaffold(out, "<|end|>\n");
    }
    lw_text_buf_add_scaffold(out, params->add_generation ? "<|assistant|>\n" : "<|endoftext|>");
}

static gboolean matches(const char *text, gsize n)
{
    return lw_chat_has(text, n, "<|user|>") && lw_chat_has(text, n, "<|assistant|>") &&
           lw_chat_has(text, n, "<|end|>");
}

const lw_chat_family lw_chat_phi3 = {.name = "phi3", .matches = matches, .render = render};
