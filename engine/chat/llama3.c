/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Llama 3:
 *
 *   <|begin_of_text|> then <|start_header_id|>role<|end_header_id|>\n\n content <|eot_id|>
 *
 * Content is trimmed.  From 3.1 on a system block with two dates opens every conversation, and a
 * tool's result stands in the role ipython as a JSON string (the template's test for "iterable"
 * holds for every text).  3.1 writes the date of its release for today, 3.2 the real one.
 */
#include "engine/chat/family.h"

#include <string.h>

static void open_turn(lw_text_buf *out, const char *role)
{
    lw_text_buf_add_scaffold(out, "<|start_header_id|>");
    lw_text_buf_add_scaffold(out, role);
    lw_text_buf_add_scaffold(out, "<|end_header_id|>\n\n");
}

static const char *role_name(lw_role role)
{
    switch (role) {
    case LW_ROLE_SYSTEM:
        return "system";
    case LW_ROLE_ASSISTANT:
        return "assistant";
    case LW_ROLE_TOOL:
        return "tool";
    case LW_ROLE_USER:
        break;
    }
    return "user";
}

/* today: NULL leaves the dates and the role ipython out (Llama 3). */
static void render(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                   const char *today, lw_text_buf *out)
{
    gsize first = 0;

    if (today || n > 0)
        lw_text_buf_add_scaffold(out, "<|begin_of_text|>");
    if (today) {
        open_turn(out, "system");
        lw_text_buf_add_scaffold(out, "Cutting Knowledge Date: December 2023\nToday Date: ");
        lw_text_buf_add(out, today, strlen(today), LW_ORIGIN_OUTSIDE);
        lw_text_buf_add_scaffold(out, "\n\n");
        if (n > 0 && m[0].role == LW_ROLE_SYSTEM)
            lw_text_buf_append(out, lw_text_trim(m[first++].content, TRUE, TRUE));
        lw_text_buf_add_scaffold(out, "<|eot_id|>");
    }
    for (gsize i = first; i < n; i++) {
        if (today && m[i].role == LW_ROLE_TOOL) {
            open_turn(out, "ipython");
            lw_chat_add_json(out, m[i].content);
        } else {
            open_turn(out, role_name(m[i].role));
            lw_text_buf_append(out, lw_text_trim(m[i].content, TRUE, TRUE));
        }
        lw_text_buf_add_scaffold(out, "<|eot_id|>");
    }
    if (params->add_generation)
        open_turn(out, "assistant");
}

static void render_3(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                     lw_text_buf *out)
{
    render(m, n, params, NULL, out);
}

static void render_31(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                      lw_text_buf *out)
{
    render(m, n, params, "26 Jul 2024", out);
}

static void render_32(const lw_chat_message *m, gsize n, const lw_chat_params *params,
                      lw_text_buf *out)
{
    g_autofree char *today = lw_chat_format_date(params->date, "%d %b %Y", strlen("%d %b %Y"));

    render(m, n, params, today, out);
}

static gboolean matches_3(const char *text, gsize n)
{
    return lw_chat_has(text, n, "<|start_header_id|>") && lw_chat_has(text, n, "<|eot_id|>");
}

static gboolean matches_31(const char *text, gsize n)
{
    return matches_3(text, n) && lw_chat_has(text, n, "Today Date: ");
}

static gboolean matches_32(const char *text, gsize n)
{
    return matches_31(text, n) && lw_chat_has(text, n, "strftime_now");
}

const lw_chat_family lw_chat_llama3 = {.name = "llama3", .matches = matches_3, .render = render_3};
const lw_chat_family lw_chat_llama31 = {
    .name = "llama3.1", .matches = matches_31, .render = render_31};
const lw_chat_family lw_chat_llama32 = {
    .name = "llama3.2", .matches = matches_32, .render = render_32};
