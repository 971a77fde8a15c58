/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model's own template: messages -> its variables, and what it can take.
 */
#include "engine/chat/own.h"

#include "engine/chat/jinja.h"
#include "engine/lw-error.h"

#include <string.h>

struct lw_chat_own {
    lw_jinja *template;
    char *bos, *eos;
    gboolean system_turns, tool_turns; /* it takes such messages as they are */
    gboolean parts; /* content is a list of parts, [{"type": "text", "text": ...}] */
};

/* ---- Rendering ---- */

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

/* Messages in the form this template takes.  Texts that had to be joined are kept in bufs. */
static GArray *adapt(const lw_chat_own *o, const lw_chat_message *m, gsize n, GPtrArray *bufs)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(lw_chat_message));
    gboolean merge = n > 0 && m[0].role == LW_ROLE_SYSTEM && !o->system_turns;

    for (gsize i = merge && n > 1 && m[1].role == LW_ROLE_USER ? 1 : 0; i < n; i++) {
        gboolean is_tool = m[i].role == LW_ROLE_TOOL && !o->tool_turns, first = merge && i == 1;
        lw_chat_message one = m[i];

        if (is_tool || first) {
            lw_text_buf *b = g_new0(lw_text_buf, 1);

            g_ptr_array_add(bufs, b);
            if (first && list->len == 0) {
                lw_text_buf_append(b, m[0].content);
                lw_text_buf_add_scaffold(b, "\n\n");
            }
            if (is_tool)
                lw_text_buf_add_scaffold(b, LW_CHAT_TOOL_RESULT);
            lw_text_buf_append(b, one.content);
            one.content = lw_text_buf_view(b);
        }
        if (is_tool || (one.role == LW_ROLE_SYSTEM && !o->system_turns))
            one.role = LW_ROLE_USER;
        g_array_append_val(list, one);
    }
    return list;
}

static void free_buf(gpointer p)
{
    lw_text_buf_clear(p);
    g_free(p);
}

static gboolean buf_failed(const GPtrArray *bufs)
{
    for (guint i = 0; i < bufs->len; i++) {
        if (((const lw_text_buf *)bufs->pdata[i])->failed)
            return TRUE;
    }
    return FALSE;
}

static void define_text(lw_jinja_run *r, const char *name, const char *text)
{
    lw_jinja_define(r, name, lw_jinja_new_text(r, text, strlen(text), LW_ORIGIN_TEMPLATE));
}

static lw_jvalue content(lw_jinja_run *r, const lw_chat_own *o, lw_text t)
{
    lw_jvalue part;

    if (!o->parts)
        return lw_jinja_text(t);
    part = lw_jinja_new_map(r);
    lw_jinja_map_put(r, part, "type", lw_jinja_new_text(r, "text", 4, LW_ORIGIN_TEMPLATE));
    lw_jinja_map_put(r, part, "text", lw_jinja_text(t));
    return lw_jinja_new_list(r, &part, 1);
}

static void define(lw_jinja_run *r, const lw_chat_own *o, const GArray *messages,
                   const lw_chat_params *p)
{
    g_autofree lw_jvalue *list = g_new0(lw_jvalue, messages->len + 1);

    for (guint i = 0; i < messages->len; i++) {
        const lw_chat_message *m = &g_array_index(messages, lw_chat_message, i);
        const char *role = role_name(m->role);

        list[i] = lw_jinja_new_map(r);
        /* A role is the program's word and may become part of scaffold. */
        lw_jinja_map_put(r, list[i], "role",
                         lw_jinja_new_text(r, role, strlen(role), LW_ORIGIN_TEMPLATE));
        lw_jinja_map_put(r, list[i], "content", content(r, o, m->content));
    }
    lw_jinja_define(r, "messages", lw_jinja_new_list(r, list, messages->len));
    lw_jinja_define(r, "add_generation_prompt", lw_jinja_bool(p->add_generation));
    lw_jinja_define(r, "tools", lw_jinja_none());
    lw_jinja_define(r, "documents", lw_jinja_none());
    if (p->thinking != LW_THINKING_DEFAULT)
        lw_jinja_define(r, "enable_thinking", lw_jinja_bool(p->thinking == LW_THINKING_ON));
    define_text(r, "bos_token", o->bos);
    define_text(r, "eos_token", o->eos);
}

static gboolean render(const lw_chat_own *o, const lw_chat_message *m, gsize n,
                       const lw_chat_params *params, gsize max_steps, lw_text_buf *out,
                       GError **error)
{
    g_autoptr(GPtrArray) bufs = g_ptr_array_new_with_free_func(free_buf);
    g_autoptr(GArray) list = adapt(o, m, n, bufs);
    const lw_jinja_limits limits = {.steps = max_steps, .date = params->date};
    gsize n_input = 0;
    lw_jinja_run *r;
    gboolean ok;

    if (buf_failed(bufs)) {
        g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                            "not enough memory for the prompt's text");
        return FALSE;
    }
    for (guint i = 0; i < list->len; i++)
        n_input += g_array_index(list, lw_chat_message, i).content.n + 512;
    r = lw_jinja_run_new(o->template, n_input, &limits);
    define(r, o, list, params);
    ok = lw_jinja_render(r, out, error);
    lw_jinja_run_free(r);
    return ok;
}

gboolean lw_chat_own_render(const lw_chat_own *o, const lw_chat_message *messages, gsize n,
                            const lw_chat_params *params, lw_text_buf *out, GError **error)
{
    if (render(o, messages, n, params, 0, out, error))
        return TRUE;
    g_prefix_error(error, "the model's chat template, ");
    return FALSE;
}

/* ---- Trying out ---- */

/* A short conversation takes a real template some thousand steps. */
#define PROBE_STEPS 300000

/* 12:00 UTC on 2 January 2000. */
#define PROBE_DATE 946814400

static lw_chat_message probe(lw_role role, const char *text)
{
    static const guint8 outside[64];

    g_assert(strlen(text) <= sizeof outside);
    return (lw_chat_message){role, {text, outside, strlen(text)}};
}

/* Render and look whether what was said is there. */
static gboolean takes(const lw_chat_own *o, const lw_chat_message *m, gsize n, GError **error)
{
    const lw_chat_params params = {.add_generation = TRUE, .date = PROBE_DATE};
    lw_text_buf out = {0};
    gboolean ok = render(o, m, n, &params, PROBE_STEPS, &out, error);

    for (gsize i = 0; ok && i < n; i++) {
        ok = lw_text_find(lw_text_buf_view(&out), m[i].content.bytes, m[i].content.n, 0) >= 0;
        if (!ok)
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                        "it leaves out what the %s said", role_name(m[i].role));
    }
    lw_text_buf_clear(&out);
    return ok;
}

static gboolean try_out(lw_chat_own *o, GError **error)
{
    const lw_chat_message talk[] = {probe(LW_ROLE_USER, "lw-question"),
                                    probe(LW_ROLE_ASSISTANT, "lw-answer"),
                                    probe(LW_ROLE_USER, "lw-more")};
    const lw_chat_message with_system[] = {probe(LW_ROLE_SYSTEM, "lw-system"), talk[0]};
    const lw_chat_message with_tool[] = {talk[0], talk[1], probe(LW_ROLE_TOOL, "lw-result")};

    o->system_turns = o->tool_turns = TRUE;
    if (!takes(o, talk, 1, NULL)) {
        /* Some templates for pictures know lists of parts only. */
        o->parts = TRUE;
        if (!takes(o, talk, 1, NULL))
            o->parts = FALSE; /* for the message */
    }
    if (!takes(o, talk, 1, error) || !takes(o, talk, 3, error))
        return FALSE;
    o->system_turns = takes(o, with_system, 2, NULL);
    o->tool_turns = takes(o, with_tool, 3, NULL);
    return TRUE;
}

gboolean lw_chat_own_agrees(const lw_chat_own *o, const lw_chat_family *family)
{
    const lw_chat_message talk[] = {
        probe(LW_ROLE_SYSTEM, "Be brief, please."),
        probe(LW_ROLE_USER, " Is it\n so? \n"),
        probe(LW_ROLE_ASSISTANT, "<think>\nhm\n</think>\n\nIt is.\n"),
        probe(LW_ROLE_USER, "Really?"),
        probe(LW_ROLE_ASSISTANT, "Yes."),
    };
    static const struct {
        guint8 first, n;
        lw_chat_params params;
    } probes[] = {
        {1, 1, {TRUE, LW_THINKING_DEFAULT, PROBE_DATE}},
        {0, 4, {TRUE, LW_THINKING_DEFAULT, PROBE_DATE}},
        {1, 3, {TRUE, LW_THINKING_OFF, PROBE_DATE}},
        {0, 2, {TRUE, LW_THINKING_ON, PROBE_DATE}},
        {1, 4, {FALSE, LW_THINKING_DEFAULT, PROBE_DATE}},
        {0, 5, {FALSE, LW_THINKING_DEFAULT, PROBE_DATE}},
    };
    gboolean same = TRUE;

    for (gsize i = 0; same && i < G_N_ELEMENTS(probes); i++) {
        const lw_chat_message *m = talk + probes[i].first;
        lw_text_buf a = {0}, b = {0};

        if (m->role == LW_ROLE_SYSTEM && !o->system_turns)
            continue;
        if (render(o, m, probes[i].n, &probes[i].params, PROBE_STEPS, &a, NULL)) {
            family->render(m, probes[i].n, &probes[i].params, &b);
            same = lw_text_equal(lw_text_buf_view(&a), b.bytes, b.n);
        }
        lw_text_buf_clear(&a);
        lw_text_buf_clear(&b);
    }
    return same;
}

/* ---- Lifecycle ---- */

lw_chat_own *lw_chat_own_new(const char *text, gsize n, const char *bos, const char *eos,
                             GError **error)
{
    lw_jinja *template = lw_jinja_parse(text, n, error);
    lw_chat_own *o;

    if (!template)
        return NULL;
    o = g_new0(lw_chat_own, 1);
    o->template = template;
    o->bos = g_strdup(bos ? bos : "");
    o->eos = g_strdup(eos ? eos : "");
    if (!try_out(o, error))
        g_clear_pointer(&o, lw_chat_own_free);
    return o;
}

void lw_chat_own_free(lw_chat_own *o)
{
    if (!o)
        return;
    lw_jinja_free(o->template);
    g_free(o->bos);
    g_free(o->eos);
    g_free(o);
}
