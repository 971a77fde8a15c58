/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Render a chat template as the engine does, for compare-templates.py:
 *
 *     render-template FILE < requests.json
 *
 * Requests: [{"context": {...}}] runs the interpreter with these variables; [{"chat": {...}}]
 * renders the messages as a session would, with the family that the template belongs to.  Answers:
 * [{"text": ...} or
 * {"error": ...}], and for a chat "family" and, if there is one, "warning".
 */
#include "engine/chat/chat.h"
#include "tests/chat/jinja-json.h"

#include <stdio.h>

static void answer(JsonBuilder *b, const char *key, const char *value)
{
    json_builder_set_member_name(b, key);
    json_builder_add_string_value(b, value);
}

static void run_context(const char *text, gsize n, JsonObject *request, JsonBuilder *b)
{
    g_autoptr(GError) error = NULL;
    lw_jinja *j = lw_jinja_parse(text, n, &error);
    const lw_jinja_limits limits = {
        .date = json_object_get_int_member_with_default(request, "date", 0)};
    lw_text_buf out = {0};

    if (j) {
        lw_jinja_run *r = lw_jinja_run_new(j, 0, &limits);

        jinja_define_all(r, json_object_get_object_member(request, "context"));
        lw_jinja_render(r, &out, &error);
        lw_jinja_run_free(r);
    }
    if (error) {
        answer(b, "error", error->message);
    } else {
        g_autofree char *s = g_strndup(out.n ? out.bytes : "", out.n);
        answer(b, "text", s);
    }
    lw_text_buf_clear(&out);
    lw_jinja_free(j);
}

static lw_role role_of(const char *name)
{
    return g_str_equal(name, "system")      ? LW_ROLE_SYSTEM
           : g_str_equal(name, "assistant") ? LW_ROLE_ASSISTANT
           : g_str_equal(name, "tool")      ? LW_ROLE_TOOL
                                            : LW_ROLE_USER;
}

static void run_chat(const char *text, gsize n, JsonObject *request, JsonBuilder *b)
{
    JsonObject *context = json_object_get_object_member(request, "chat");
    JsonArray *messages = json_object_get_array_member(context, "messages");
    guint n_turns = json_array_get_length(messages);
    g_autofree lw_chat_turn *turns = g_new0(lw_chat_turn, n_turns + 1);
    lw_chat *c = lw_chat_new_from_text(text, n, json_object_get_string_member(context, "bos_token"),
                                       json_object_get_string_member(context, "eos_token"));
    lw_chat_params params = {.add_generation =
                                 json_object_get_boolean_member(context, "add_generation_prompt"),
                             .date = json_object_get_int_member_with_default(request, "date", 0)};
    g_autoptr(GError) error = NULL;
    lw_chat_prompt prompt;

    if (json_object_has_member(context, "enable_thinking"))
        params.thinking = json_object_get_boolean_member(context, "enable_thinking")
                              ? LW_THINKING_ON
                              : LW_THINKING_OFF;
    for (guint i = 0; i < n_turns; i++) {
        JsonObject *m = json_array_get_object_element(messages, i);

        turns[i].role = role_of(json_object_get_string_member(m, "role"));
        turns[i].text = json_object_get_string_member(m, "content");
    }
    answer(b, "family", lw_chat_get_name(c));
    if (lw_chat_get_warning(c))
        answer(b, "warning", lw_chat_get_warning(c));
    if (lw_chat_render(c, turns, n_turns, &params, &prompt, &error)) {
        g_autofree char *s = g_strndup(prompt.text.n ? prompt.text.bytes : "", prompt.text.n);
        answer(b, "text", s);
        lw_chat_prompt_clear(&prompt);
    } else {
        answer(b, "error", error->message);
    }
    lw_chat_free(c);
}

int main(int argc, char **argv)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(JsonBuilder) b = json_builder_new();
    g_autoptr(GString) input = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL, *output = NULL;
    char chunk[65536];
    gsize n;

    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
        g_string_append_len(input, chunk, (gssize)n);
    if (argc != 2 || !g_file_get_contents(argv[1], &text, &n, &error) ||
        !json_parser_load_from_data(parser, input->str, (gssize)input->len, &error)) {
        fprintf(stderr, "render-template FILE < requests.json%s%s\n", error ? ": " : "",
                error ? error->message : "");
        return 1;
    }
    JsonArray *requests = json_node_get_array(json_parser_get_root(parser));
    json_builder_begin_array(b);
    for (guint i = 0; i < json_array_get_length(requests); i++) {
        JsonObject *request = json_array_get_object_element(requests, i);

        json_builder_begin_object(b);
        if (json_object_has_member(request, "chat"))
            run_chat(text, n, request, b);
        else
            run_context(text, n, request, b);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
    g_autoptr(JsonNode) root = json_builder_get_root(b);
    output = json_to_string(root, FALSE);
    puts(output);
    return 0;
}
