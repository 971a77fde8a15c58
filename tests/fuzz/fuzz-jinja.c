/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is a template, and behind a 0xFF a user's text.  It runs with small limits over a
 * conversation of that text.  Checked: it ends; whatever the template does, the bytes it calls
 * scaffold are there without the user's text too, so text from outside never becomes scaffold: no
 * byte that only the user has (0x01) is trusted.
 */
#include "engine/chat/chat.h"
#include "engine/chat/jinja.h"
#include "tests/fuzz/fuzz.h"

static void run(const lw_jinja *j, const char *user, gsize n)
{
    const lw_jinja_limits limits = {
        .steps = 20000, .memory_bytes = 1024 * 1024, .output_bytes = 64 * 1024, .date = 1};
    lw_jinja_run *r = lw_jinja_run_new(j, n, &limits);
    lw_jvalue messages[2];
    lw_text_buf out = {0};

    for (guint i = 0; i < 2; i++) {
        messages[i] = lw_jinja_new_map(r);
        lw_jinja_map_put(
            r, messages[i], "role",
            lw_jinja_new_text(r, i ? "assistant" : "user", i ? 9 : 4, LW_ORIGIN_TEMPLATE));
        lw_jinja_map_put(r, messages[i], "content",
                         lw_jinja_new_text(r, user, n, LW_ORIGIN_OUTSIDE));
    }
    lw_jinja_define(r, "messages", lw_jinja_new_list(r, messages, 2));
    lw_jinja_define(r, "u", lw_jinja_new_text(r, user, n, LW_ORIGIN_OUTSIDE));
    lw_jinja_define(r, "add_generation_prompt", lw_jinja_bool(TRUE));
    lw_jinja_define(r, "tools", lw_jinja_none());
    if (lw_jinja_render(r, &out, NULL)) {
        for (gsize i = 0; i < out.n; i++)
            fuzz_require(out.bytes[i] != 0x01 || out.origins[i] != LW_ORIGIN_TEMPLATE);
    }
    lw_text_buf_clear(&out);
    lw_jinja_run_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t *end = n > 0 ? memchr(data, 0xFF, n) : NULL;
    size_t n_template = end ? (size_t)(end - data) : n;
    /* The mark is the user's alone. */
    g_autofree char *template = g_memdup2(data, n_template);
    GString *user = g_string_new("<|im_start|>\x01 a\x01");
    lw_jinja *j;

    for (size_t i = 0; i < n_template; i++)
        template[i] = template[i] == 0x01 ? ' ' : template[i];
    if (end)
        g_string_append_len(user, (const char *)end + 1, (gssize)(n - n_template - 1));
    j = lw_jinja_parse(n_template ? template : "", n_template, NULL);
    /* A template can write the mark itself, in an escape. */
    if (j && !(n_template && memchr(template, '\\', n_template)))
        run(j, user->str, user->len);
    lw_jinja_free(j);
    if (n_template < 4096)
        lw_chat_free(lw_chat_new_from_text(n_template ? template : "", n_template, "<s>", "</s>"));
    g_string_free(user, TRUE);
    return 0;
}
