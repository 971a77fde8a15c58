/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GLM-4: [gMASK]<sop> then <|role|>\n content, without an end of turn: the next role ends it.  A
 * tool's result is an observation.
 */
#include "engine/chat/family.h"

static void render(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                   lw_text_buf *out)
{
    static const char *const openings[] = {
        [LW_ROLE_SYSTEM] = "<|system|>\n",
        [LW_ROLE_USER] = "<|user|>\n",
        [LW_ROLE_ASSISTANT] = "<|assistant|>\n",
        [LW_ROLE_TOOL] = "<|observation|>\n",
    };

    lw_text_buf_add_scaffold(out, "[gMASK]<sop>");
    for (gsize i = 0; i < n; i++) {
        lw_text_buf_add_scaffold(out, openings[m[i].role]);
        lw_text_buf_append(out, m[i].content);
    }
    if (params->add_generation)
        lw_text_buf_add_scaffold(out, "<|assistant|>");
}

static gboolean matches(const char *text, gsize n)
{
    return lw_chat_has(text, n, "[gMASK]<sop>") && lw_chat_has(text, n, "<|assistant|>");
}

const lw_chat_family lw_chat_glm4 = {.name = "glm4", .matches = matches, .render = render};
