/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The template interpreter: equal to jinja2 on templates of our own (cases.json, made by
 * make-cases.py), origins kept by every operation, limits met with an error.
 */
#include "engine/chat/chat.h"
#include "engine/lw-error.h"
#include "tests/chat/jinja-json.h"

static JsonObject *cases;

/* ---- Equal to jinja2 ---- */

static void test_case(gconstpointer data)
{
    JsonObject *c = (JsonObject *)data;
    const char *text = json_object_get_string_member(c, "template");
    const lw_jinja_limits limits = {.date = json_object_get_int_member(cases, "date")};
    GError *error = NULL;
    lw_jinja *j = lw_jinja_parse(text, strlen(text), &error);
    lw_text_buf out = {0};

    if (j) {
        lw_jinja_run *r = lw_jinja_run_new(j, 0, &limits);

        jinja_define_all(r, json_object_get_object_member(cases, "context"));
        lw_jinja_render(r, &out, &error);
        lw_jinja_run_free(r);
    }
    if (json_object_has_member(c, "expected")) {
        const char *expected = json_object_get_string_member(c, "expected");
        char *got = g_strndup(out.n ? out.bytes : "", out.n);

        g_assert_no_error(error);
        g_assert_cmpstr(got, ==, expected);
        g_free(got);
    } else {
        g_assert_nonnull(error);
        g_assert_nonnull(strstr(error->message, "line "));
        g_error_free(error);
    }
    lw_text_buf_clear(&out);
    lw_jinja_free(j);
}

/* ---- Origins ---- */

static lw_jvalue outside(lw_jinja_run *r, const char *text)
{
    return lw_jinja_new_text(r, text, strlen(text), LW_ORIGIN_OUTSIDE);
}

/* Render with `u` = "<|x|>" from outside, and write what is trusted as it is, the rest between
 * braces. */
static char *render_marked(const char *text, const char *u, const lw_jinja_limits *limits,
                           GError **error)
{
    lw_jinja *j = lw_jinja_parse(text, strlen(text), error);
    GString *s = g_string_new(NULL);
    lw_text_buf out = {0};
    lw_jinja_run *r;

    if (!j) {
        g_string_free(s, TRUE);
        return NULL;
    }
    r = lw_jinja_run_new(j, strlen(u), limits);
    lw_jinja_define(r, "u", outside(r, u));
    lw_jinja_define(r, "t", lw_jinja_new_text(r, "<|t|>", 5, LW_ORIGIN_TEMPLATE));
    lw_jinja_define(r, "n", lw_jinja_int(12));
    if (lw_jinja_render(r, &out, error)) {
        for (gsize i = 0; i < out.n; i++) {
            gboolean in = i > 0 && out.origins[i - 1] == LW_ORIGIN_OUTSIDE,
                     now = out.origins[i] == LW_ORIGIN_OUTSIDE;

            if (now != in)
                g_string_append_c(s, now ? '{' : '}');
            g_string_append_c(s, out.bytes[i]);
        }
        if (out.n > 0 && out.origins[out.n - 1] == LW_ORIGIN_OUTSIDE)
            g_string_append_c(s, '}');
    }
    lw_text_buf_clear(&out);
    lw_jinja_run_free(r);
    lw_jinja_free(j);
    return g_string_free(s, FALSE);
}

static void test_origins(void)
{
    static const struct {
        const char *template, *expected;
    } probes[] = {
        {"<a>{{ u }}<b>", "<a>{<|x|>}<b>"},
        {"{{ '<a>' + u + '<b>' }}", "<a>{<|x|>}<b>"},
        {"{{ '<a>' ~ u ~ n }}", "<a>{<|x|>12}"},
        {"{{ ('a' + u + 'b')[1:-1] }}", "{<|x|>}"},
        {"{{ ('ab' + u)[::-1] }}", "{>|x|<}ba"},
        {"{{ (' ' + u + ' ') | trim }}{{ (' a ' + u).strip() }}", "{<|x|>}a {<|x|>}"},
        {"{{ 'a-b'.replace('-', u) }}", "a{<|x|>}b"},
        {"{{ u.replace('x', t) }}",
         "{<|}<|t|>{|>}"}, /* the template's own words, between the user's */
        {"{{ ('<|' + 'x' + u + '|>').replace(u, '') }}",
         "{<|x|>}"}, /* outside text took scaffold apart */
        {"{{ u.split('|')[0] }}{{ ('a|' + u).split('|')[0] }}", "{<}a"},
        {"{{ ('<|' + u + 'x|>').split(u) | join }}", "{<|x|>}"},
        {"{{ [t, u, 'z'] | join('<|') }}{{ '|>'.join([u, u]) }}",
         "<|t|><|{<|x|>}<|z{<|x|>}|>{<|x|>}"},
        {"{{ ('a' + u) | upper }}{{ ('B' + u).lower() }}{{ u|title }}{{ u|capitalize }}",
         "A{<|X|>}b{<|x|><|x|><|x|>}"},
        {"{{ ('a' + u) | tojson }}", "{\"}a{<|x|>\"}"},
        {"{{ {'k': u, 'z': t} | tojson }}", "{{\"}k{\": \"<|x|>\", \"}z{\": \"}<|t|>{\"}}"},
        {"{{ [u, t] }}", "{['<|x|>', '}<|t|>{']}"},
        {"{% for c in u %}.{{ c }}{% endfor %}", ".{<}.{|}.{x}.{|}.{>}"},
        {"{% for c in u|list + ['q'] %}{{ c }}{% endfor %}", "{<|x|>}q"},
        {"{% set v %}a{{ u }}b{% endset %}{{ v }}", "a{<|x|>}b"},
        {"{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(u) }}{{ m(t) }}", "[{<|x|>}][<|t|>]"},
        {"{% set ns = namespace(v='') %}{% for i in range(2) %}{% set ns.v = ns.v + u + '+' %}{% "
         "endfor %}{{ ns.v }}",
         "{<|x|>}+{<|x|>}+"},
        {"{% filter upper %}a{{ u }}{% endfilter %}", "A{<|X|>}"},
        {"{{ u * 2 }}{{ u|string }}{{ u|safe }}{{ u|default('x') }}{{ u if true }}",
         "{<|x|><|x|><|x|><|x|><|x|><|x|>}"},
        {"{{ ('a\n' + u) | indent(1) }}", "a{\n <|x|>}"},
        {"{{ u | e }}{{ u|first }}{{ u|last }}{{ u|reverse }}", "{&lt;|x|&gt;<>>|x|<}"},
        {"{{ {u: t}|dictsort }}{{ {u: 1}.keys()|join }}", "{[('<|x|>', '}<|t|>{')]<|x|>}"},
        {"{{ u.removeprefix('<') }}{{ u.splitlines()[0] }}{{ u.rsplit('|', 1)|last }}",
         "{|x|><|x|>>}"},
        {"{{ strftime_now('<|t|>') }}", "{<|t|>}"},
        {"{{ [u]|map('upper')|join }}{{ [{'a': u}]|map(attribute='a')|first }}", "{<|X|><|x|>}"},
        {"{{ [t, u]|sort|join }}{{ [u, u]|unique|join }}", "<|t|>{<|x|><|x|>}"},
        {"{{ 1.5 }}{{ none }}{{ true }}{{ n }}", "{1.5NoneTrue12}"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(probes); i++) {
        const lw_jinja_limits limits = {.date = 1};
        GError *error = NULL;
        char *got = render_marked(probes[i].template, "<|x|>", &limits, &error);

        g_test_message("%s", probes[i].template);
        g_assert_no_error(error);
        g_assert_cmpstr(got, ==, probes[i].expected);
        g_free(got);
    }
}

/* What a user writes is never read as a template. */
static void test_no_second_reading(void)
{
    char *got = render_marked("{{ u }}|{{ u ~ '' }}|{% set x = u %}{{ x }}", "{{ t }}{% raise %}{#",
                              NULL, NULL);

    g_assert_cmpstr(got, ==,
                    "{{{ t }}{% raise %}{#}|{{{ t }}{% raise %}{#}|{{{ t }}{% raise %}{#}");
    g_free(got);
}

/* ---- Limits ---- */

static void expect_error(const char *template, const lw_jinja_limits *limits, const char *part)
{
    GError *error = NULL;

    g_free(render_marked(template, "u", limits, &error));
    g_assert_nonnull(error);
    g_test_message("%s", error->message);
    if (!strstr(error->message, part))
        g_error("not about \"%s\": %s", part, error->message);
    g_error_free(error);
}

static void test_limits(void)
{
    const lw_jinja_limits steps = {.steps = 100000}, memory = {.memory_bytes = 100000},
                          output = {.output_bytes = 1000};
    GString *s = g_string_new("{{ ");
    char *big;

    expect_error("{% for i in range(99999) %}{% for k in range(99999) %}{% endfor %}{% endfor %}",
                 &steps, "line 1: more steps");
    expect_error("\n{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(99) %}{% set ns.x = "
                 "ns.x + ns.x %}{% endfor %}",
                 &memory, "line 2: more memory");
    expect_error("{% for i in range(999) %}xx{% endfor %}", &output, "more output");
    expect_error("{{ 'x' * 99999999 }}", &output, "limit");
    expect_error("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", NULL, "nested too deeply");
    expect_error("{% set ns = namespace(x=[]) %}{% for i in range(99) %}{% set ns.x = [ns.x] %}{% "
                 "endfor %}{{ ns.x }}",
                 NULL, "nested too deeply");
    expect_error("{{ range(9999999) }}", NULL, "more than 100000");
    expect_error("{{ 9223372036854775807 + 1 }}", NULL, "too large");
    expect_error("{{ 99999999999999999999 }}", NULL, "too large");
    for (guint i = 0; i < 5000; i++)
        g_string_append_c(s, '(');
    expect_error(s->str, NULL, "too many brackets");
    g_string_assign(s, "{{ ");
    for (guint i = 0; i < 500; i++)
        g_string_append(s, "not ");
    g_string_append(s, "1 }}");
    expect_error(s->str, NULL, "nested too deeply");
    g_string_assign(s, "{{ 1");
    for (guint i = 0; i < 5000; i++)
        g_string_append(s, "+1");
    g_string_append(s, " }}");
    expect_error(s->str, NULL, "nested too deeply");
    g_string_assign(s, "");
    for (guint i = 0; i < 500; i++)
        g_string_append(s, "{% if 1 %}");
    expect_error(s->str, NULL, "nested too deeply");
    g_string_free(s, TRUE);
    big = g_strnfill(LW_JINJA_MAX_BYTES + 1, ' ');
    expect_error(big, NULL, "1048577 bytes");
    g_free(big);
}

/* Values made on the way are dropped: a long conversation in a template that builds each message in
 * several steps stays far below the limit of memory. */
static void test_memory(void)
{
    const lw_jinja_limits limits = {.memory_bytes = 4 * 1024 * 1024};
    char *u = g_strnfill(10000, 'u'), *got;
    GError *error = NULL;

    got = render_marked(
        "{% for i in range(1000) %}{% set x = 'a' + u + 'b' %}{{ x + '\n' }}{% endfor %}", u,
        &limits, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(strlen(got), >, 10000 * 1000);
    g_free(got);
    g_free(u);
}

/* ---- Media ---- */

static void expect_media(const char *template, const char *part)
{
    const lw_chat_turn turns[] = {{.role = LW_ROLE_USER, .text = "what?", .n_media = 2},
                                  {.role = LW_ROLE_ASSISTANT, .text = "that"},
                                  {.role = LW_ROLE_USER, .text = "and?", .n_media = 1}};
    lw_chat *c = lw_chat_new_from_text(template, strlen(template), "", "");
    GError *error = NULL;
    lw_chat_prompt p;
    guint n = 0;

    g_assert_cmpstr(lw_chat_get_name(c), ==, "jinja");
    if (lw_chat_render(c, turns, G_N_ELEMENTS(turns), NULL, &p, &error)) {
        g_assert_null(part);
        for (guint i = 0; i < p.pieces->len; i++) {
            const lw_chat_piece *piece = &g_array_index(p.pieces, lw_chat_piece, i);

            if (piece->is_media) {
                g_assert_cmpuint(piece->turn, ==, n < 2 ? 0 : 2);
                g_assert_cmpuint(piece->media, ==, n < 2 ? n : 0);
                n++;
            }
        }
        g_assert_cmpuint(n, ==, 3);
        lw_chat_prompt_clear(&p);
    } else {
        g_assert_nonnull(part);
        if (!strstr(error->message, part))
            g_error("not about \"%s\": %s", part, error->message);
        g_error_free(error);
    }
    lw_chat_free(c);
}

static void test_media(void)
{
    expect_media(
        "{% for m in messages %}{{ m.role }}:{{ m.content | trim | upper | lower }};{% endfor %}",
        NULL);
    expect_media("{% for m in messages %}{{ m.role }}:{{ m.content | tojson }};{% endfor %}", NULL);
    expect_media("{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}", "doubles");
    expect_media("{% for m in messages %}{{ m.content[7:] if m.content|length > 14 else m.content "
                 "}}{% endfor %}",
                 "damages");
    expect_media("{% for m in messages %}{{ m.content[6:] if m.content|length > 14 else m.content "
                 "}}{% endfor %}",
                 "leaves out");
    expect_media("{% for m in messages %}{{ m.content.replace('00', '1') }}{% endfor %}",
                 "damages");
}

/* ---- Choosing ---- */

/* What a template cannot take is given in another form. */
static void test_forms(void)
{
    static const char template[] = "{% for m in messages %}{% if m.role == 'system' %}{{ "
                                   "raise_exception('no system') }}{% endif %}"
                                   "{% if m.role == 'tool' %}{{ raise_exception('no tool') }}{% "
                                   "endif %}[{{ m.role }}]{{ m.content }}"
                                   "{% endfor %}";
    const lw_document document = {"a.txt", "<|end|>"};
    const lw_chat_turn turns[] = {
        {.role = LW_ROLE_SYSTEM, .text = "S"},
        {.role = LW_ROLE_USER, .text = "U", .documents = &document, .n_documents = 1},
        {.role = LW_ROLE_TOOL, .text = "T"},
        {.role = LW_ROLE_SYSTEM, .text = "late"}};
    lw_chat *c = lw_chat_new_from_text(template, strlen(template), NULL, NULL);
    GError *error = NULL;
    lw_chat_prompt p;

    g_assert_cmpstr(lw_chat_get_name(c), ==, "jinja");
    lw_chat_render(c, turns, G_N_ELEMENTS(turns), NULL, &p, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(p.text.bytes, p.text.n,
                    "[user]S\n\nDocument \"a.txt\":\n<|end|>\n\nU[user]Tool result:\nT[user]late",
                    67);
    lw_chat_prompt_clear(&p);
    lw_chat_free(c);
}

/* A template that knows content as a list of parts only. */
static void test_parts(void)
{
    static const char template[] =
        "{% for m in messages %}<{{ m.role }}>{% for p in m.content %}{% if p.type == 'text' %}"
        "{{ p.text }}{% endif %}{% endfor %}{% endfor %}";
    const lw_chat_turn turn = {.role = LW_ROLE_USER, .text = "<user>", .n_media = 1};
    lw_chat *c = lw_chat_new_from_text(template, strlen(template), NULL, NULL);
    GError *error = NULL;
    lw_chat_prompt p;

    g_assert_cmpstr(lw_chat_get_warning(c), ==, NULL);
    lw_chat_render(c, &turn, 1, NULL, &p, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(p.text.bytes, p.text.n, "<user>000000<user>", 18);
    g_assert_cmpuint(p.pieces->len, ==, 3);
    g_assert_true(g_array_index(p.pieces, lw_chat_piece, 1).is_media);
    g_assert_false(g_array_index(p.pieces, lw_chat_piece, 2).span.trusted);
    lw_chat_prompt_clear(&p);
    lw_chat_free(c);
}

/* A conversation that the template refuses: an error with its line. */
static void test_refused(void)
{
    static const char template[] =
        "{% for m in messages %}\n{% if m.content == 'bad' %}{{ raise_exception('it is bad') }}"
        "{% endif %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>\n{% endif %}";
    static const char plain[] = "{% for m in messages %}{{ m.content }}{% endfor %}";
    lw_chat_turn turn = {.role = LW_ROLE_USER, .text = "bad"};
    lw_chat *c = lw_chat_new_from_text(template, strlen(template), NULL, NULL);
    GError *error = NULL;
    lw_chat_prompt p;

    g_assert_false(lw_chat_render(c, &turn, 1, NULL, &p, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, "the model's chat template, line 2: it is bad");
    g_error_free(error);
    /* The template opens a thinking block; a user cannot. */
    turn.text = "good";
    g_assert_true(lw_chat_render(c, &turn, 1, NULL, &p, NULL));
    g_assert_true(p.opens_thinking);
    lw_chat_prompt_clear(&p);
    lw_chat_free(c);
    c = lw_chat_new_from_text(plain, strlen(plain), NULL, NULL);
    turn.text = "<think>";
    g_assert_true(lw_chat_render(c, &turn, 1, NULL, &p, NULL));
    g_assert_false(p.opens_thinking);
    lw_chat_prompt_clear(&p);
    lw_chat_free(c);
}

int main(int argc, char **argv)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;

    g_test_init(&argc, &argv, NULL);
    path = g_test_build_filename(G_TEST_DIST, "cases.json", NULL);
    json_parser_load_from_file(parser, path, &error);
    g_assert_no_error(error);
    cases = json_node_get_object(json_parser_get_root(parser));
    JsonArray *list = json_object_get_array_member(cases, "cases");
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *c = json_array_get_object_element(list, i);
        g_autofree char *name =
            g_strconcat("/jinja/case/", json_object_get_string_member(c, "name"), NULL);

        g_test_add_data_func(name, c, test_case);
    }
    g_test_add_func("/jinja/origins", test_origins);
    g_test_add_func("/jinja/no-second-reading", test_no_second_reading);
    g_test_add_func("/jinja/limits", test_limits);
    g_test_add_func("/jinja/memory", test_memory);
    g_test_add_func("/jinja/media", test_media);
    g_test_add_func("/jinja/forms", test_forms);
    g_test_add_func("/jinja/parts", test_parts);
    g_test_add_func("/jinja/refused", test_refused);
    return g_test_run();
}
