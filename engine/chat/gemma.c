/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gemma 2 and 3: <bos> then <start_of_turn>role\n content <end_of_turn>\n.  The assistant is called
 * model, content is trimmed, and there is no system turn: its text opens the first turn, which is
 * what Gemma 3's template does (Gemma 2's refuses a system message).
 */
#include "engine/chat/family.h"

static void close_turn(lw_text_buf *out)
{
    lw_text_buf_add_scaffold(out, "<end_of_turn>\n");
}

static void render(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                   lw_text_buf *out)
{
    gsize first = n > 0 && m[0].role == LW_ROLE_SYSTEM;

    lw_text_buf_add_scaffold(out, "<bos>");
    if (first == 1 && (n == 1 || m[1].role == LW_ROLE_ASSISTANT))
        first = 0; /* no user's turn to open: it becomes one */
    for (gsize i = first; i < n; i++) {
        lw_text_buf_add_scaffold(out, m[i].role == LW_ROLE_ASSISTANT ? "<start_of_turn>model\n"
                                                                     : "<start_of_turn>user\n");
        if (i == 1 && first == 1) {
            lw_text_buf_append(out, m[0].content);
            lw_text_buf_add_scaffold(out, "\n\n");
        }
        if (m[i].role == LW_ROLE_TOOL)
            lw_text_buf_add_scaffold(out, LW_CHAT_TOOL_RESULT);
        lw_text_buf_append(out, lw_text_trim(m[i].content, TRUE, TRUE));
        close_turn(out);
    }
    if (params->add_generation)
        lw_text_buf_add_scaffold(out, "<start_of_turn>model\n");
}

static gboolean matches(const char *text, gsize n)
{
    return lw_chat_has(text, n, "<start_of_turn>") && lw_chat_has(text, n, "<end_of_turn>");
}

const lw_chat_family lw_chat_gemma = {.name = "gemma", .matches = matches, .render = render};
