/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Qwen3: ChatML whose answers begin with a block of thoughts.  No default system turn.  Thoughts of
 * answers before the last question are left out of the history; those after it (answers between
 * results of tools) stay, in the template's own marks.  Thinking is switched off by an empty block
 * that the answer continues from.
 */
#include "engine/chat/family.h"

#include <string.h>

#define OPEN "<think>"
#define CLOSE "</think>"

static gboolean starts(lw_text t, const char *part)
{
    gsize n = strlen(part);
    return t.n >= n && memcmp(t.bytes, part, n) == 0;
}

static gboolean ends(lw_text t, const char *part)
{
    gsize n = strlen(part);
    return t.n >= n && memcmp(t.bytes + t.n - n, part, n) == 0;
}

/* Index of the last question; a user's turn that holds a tool's response is none. */
static gsize last_question(const lw_chat_message *m, gsize n)
{
    for (gsize i = n; i > 0; i--) {
        lw_text t = m[i - 1].content;

        if (m[i - 1].role == LW_ROLE_USER &&
            !(starts(t, "<tool_response>") && ends(t, "</tool_response>")))
            return i - 1;
    }
    return n > 0 ? n - 1 : 0;
}

/* Cut an answer into thoughts (in front of the first closing mark) and what follows the last one.
 */
static void split_thoughts(lw_text answer, lw_text *thoughts, lw_text *rest)
{
    gssize first = lw_text_find(answer, CLOSE, strlen(CLOSE), 0), last, open;

    *thoughts = (lw_text){0};
    *rest = answer;
    if (first < 0)
        return;
    last = lw_text_find_last(answer, CLOSE, strlen(CLOSE));
    *rest =
        lw_text_part(answer, (gsize)last + strlen(CLOSE), answer.n - (gsize)last - strlen(CLOSE));
    *rest = lw_text_trim_set(*rest, "\n", TRUE, FALSE);
    *thoughts = lw_text_trim_set(lw_text_part(answer, 0, (gsize)first), "\n", FALSE, TRUE);
    open = lw_text_find_last(*thoughts, OPEN, strlen(OPEN));
    if (open >= 0)
        *thoughts = lw_text_part(*thoughts, (gsize)open + strlen(OPEN),
                                 thoughts->n - (gsize)open - strlen(OPEN));
    *thoughts = lw_text_trim_set(*thoughts, "\n", TRUE, TRUE);
}

static void render_answer(lw_text answer, gboolean is_last, gboolean after_question,
                          lw_text_buf *out)
{
    lw_text thoughts, rest;

    split_thoughts(answer, &thoughts, &rest);
    lw_text_buf_add_scaffold(out, "<|im_start|>assistant\n");
    if (after_question && (is_last || thoughts.n > 0)) {
        lw_text_buf_add_scaffold(out, OPEN "\n");
        lw_text_buf_append(out, thoughts);
        lw_text_buf_add_scaffold(out, "\n" CLOSE "\n\n");
        rest = lw_text_trim_set(rest, "\n", TRUE, FALSE);
    }
    lw_text_buf_append(out, rest);
    lw_text_buf_add_scaffold(out, "<|im_end|>\n");
}

static void render(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                   lw_text_buf *out)
{
    gsize question = last_question(m, n);

    for (gsize i = 0; i < n; i++) {
        switch (m[i].role) {
        case LW_ROLE_ASSISTANT:
            render_answer(m[i].content, i + 1 == n, i > question, out);
            break;
        case LW_ROLE_TOOL:
            if (i == 0 || m[i - 1].role != LW_ROLE_TOOL)
                lw_text_buf_add_scaffold(out, "<|im_start|>user");
            lw_text_buf_add_scaffold(out, "\n<tool_response>\n");
            lw_text_buf_append(out, m[i].content);
            lw_text_buf_add_scaffold(out, "\n</tool_response>");
            if (i + 1 == n || m[i + 1].role != LW_ROLE_TOOL)
                lw_text_buf_add_scaffold(out, "<|im_end|>\n");
            break;
        case LW_ROLE_SYSTEM:
        case LW_ROLE_USER:
            lw_text_buf_add_scaffold(out, m[i].role == LW_ROLE_SYSTEM ? "<|im_start|>system\n"
                                                                      : "<|im_start|>user\n");
            lw_text_buf_append(out, m[i].content);
            lw_text_buf_add_scaffold(out, "<|im_end|>\n");
            break;
        }
    }
    if (params->add_generation) {
        lw_text_buf_add_scaffold(out, "<|im_start|>assistant\n");
        if (params->thinking == LW_THINKING_OFF)
            lw_text_buf_add_scaffold(out, OPEN "\n\n" CLOSE "\n\n");
    }
}

static gboolean matches(const char *text, gsize n)
{
    return lw_chat_has(text, n, "<|im_start|>") && lw_chat_has(text, n, CLOSE) &&
           lw_chat_has(text, n, "enable_thinking");
}

const lw_chat_family lw_chat_chatml_qwen3 = {
    .name = "chatml-qwen3", .matches = matches, .render = render};
