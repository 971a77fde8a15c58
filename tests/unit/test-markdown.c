/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Markdown to blocks: what each construct becomes, that growing text gives the same in the end, and that
 * hostile text stays within the limits.
 */
#include "app/markdown/lw-markdown.h"

#include <string.h>

static const char *const kinds[] = {"text", "h", "code", "maths", "table", "rule"};

/* One line a block: "kind quote/indent marker |text|". */
static char *describe(GPtrArray *blocks)
{
    GString *s = g_string_new(NULL);

    for (guint i = 0; i < blocks->len; i++) {
        const lw_md_block *b = blocks->pdata[i];

        g_string_append(s, kinds[b->kind]);
        if (b->level)
            g_string_append_printf(s, "%d", b->level);
        if (b->quote)
            g_string_append_printf(s, " quote%d", b->quote);
        if (b->indent)
            g_string_append_printf(s, " in%d", b->indent);
        if (b->marker)
            g_string_append_printf(s, " %s", b->marker);
        if (b->language)
            g_string_append_printf(s, " <%s>", b->language);
        if (b->text)
            g_string_append_printf(s, " |%s|", b->text);
        if (b->source)
            g_string_append_printf(s, " from |%s|", b->source);
        if (b->cells) {
            g_autofree char *cells = g_strjoinv("|", b->cells);
            g_string_append_printf(s, " %dx%d%s |%s|", b->n_columns, b->n_rows,
                                   b->has_head ? " head" : "", cells);
        }
        g_string_append_c(s, '\n');
    }
    return g_string_free(s, FALSE);
}

static void check(const char *text, const char *expected)
{
    g_autoptr(GPtrArray) blocks = lw_md_parse_all(text);
    g_autofree char *got = describe(blocks);

    g_assert_cmpstr(got, ==, expected);
}

static void test_blocks(void)
{
    check("One *two* **three** ~~four~~ `a<b`\nnext & line",
          "text |One <i>two</i> <b>three</b> <s>four</s> <span face=\"monospace\" background=\"#808080\" "
          "background_alpha=\"20%\">a&lt;b</span>\nnext &amp; line|\n");
    check("# Big\n\ntext\n\n### Small *x*\n---\n", "h1 |Big|\ntext |text|\nh3 |Small <i>x</i>|\nrule\n");
    check("> quoted\n> > deeper\n\nout", "text quote1 |quoted|\ntext quote2 |deeper|\ntext |out|\n");
    check("```python\nif a < b:\n    print('$x$')\n```\n",
          "code <python> |if a < b:\n    print('$x$')|\n");
    check("    indented\n", "code |indented|\n");
    check("&copy; &#65; &bogus; &lt;b&gt; <b>not bold</b>",
          "text |© A &amp;bogus; &lt;b&gt; &lt;b&gt;not bold&lt;/b&gt;|\n");
    check("", "");
    check("\n\n", "");
}

static void test_lists(void)
{
    check("- a\n- b\n  - c\n  - d\n- e\n",
          "text in1 • |a|\ntext in1 • |b|\ntext in2 ◦ |c|\ntext in2 ◦ |d|\ntext in1 • |e|\n");
    check("3. a\n4. b\n", "text in1 3. |a|\ntext in1 4. |b|\n");
    check("1. a\n\n   more\n\n2. b\n", "text in1 1. |a|\ntext in1 |more|\ntext in1 2. |b|\n");
    check("- [ ] open\n- [x] done\n", "text in1 ☐ |open|\ntext in1 ☑ |done|\n");
    check("- a\n  ```c\n  x\n  ```\n  b\n- c", "text in1 • |a|\ncode in1 <c> |x|\ntext in1 |b|\ntext in1 • |c|\n");
    check("- \n- b\n", "text in1 • ||\ntext in1 • |b|\n");
    check("- - a\n", "text in1 • ||\ntext in2 ◦ |a|\n");
    check("- a\n  - b\n\n  after\n", "text in1 • |a|\ntext in2 ◦ |b|\ntext in1 |after|\n");
}

static void test_tables(void)
{
    check("| a | b |\n|:-:|--:|\n| 1 | `x` |\n| 2 |\n",
          "table 2x3 head |a|b|1|<span face=\"monospace\" background=\"#808080\" background_alpha=\"20%\">x"
          "</span>|2||\n");
    g_autoptr(GPtrArray) blocks = lw_md_parse_all("| a | b | c |\n|:-:|--:|--|\n| 1 | 2 | 3 |\n");
    const lw_md_block *t = blocks->pdata[0];
    g_assert_cmpint(t->align[0], ==, 'c');
    g_assert_cmpint(t->align[1], ==, 'r');
    g_assert_cmpint(t->align[2], ==, 'l');
    check("text\n\n| a |\n|---|\n| $x|y$ |\n\nafter", "text |text|\ntable 1x2 head |a|<i>x|y</i>|\ntext |after|\n");

    /* A long one becomes several, and nothing is lost. */
    g_autoptr(GString) longer = g_string_new("| n | m |\n|---|---|\n");
    for (int i = 0; i < 500; i++)
        g_string_append_printf(longer, "| %d | x |\n", i);
    g_autoptr(GPtrArray) many = lw_md_parse_all(longer->str);
    int rows = 0;
    g_assert_cmpuint(many->len, >, 3);
    for (guint i = 0; i < many->len; i++) {
        const lw_md_block *b = many->pdata[i];
        g_assert_cmpint(b->kind, ==, LW_MD_TABLE);
        g_assert_cmpint(b->n_rows * b->n_columns, <=, LW_MD_MAX_CELLS);
        g_assert_cmpint(b->has_head, ==, i == 0);
        rows += b->n_rows;
    }
    g_assert_cmpint(rows, ==, 501);
}

static void test_links(void)
{
    check("[a](https://b.c/?x=1&y=2) [f](file:///etc/passwd) ![alt](http://p.q/r.png)",
          "text |<a href=\"https://b.c/?x=1&amp;y=2\">a</a> <u>f</u> <a href=\"http://p.q/r.png\">🖼 alt</a>|\n");
    check("see https://example.org/a_b_c.", "text |see <a href=\"https://example.org/a_b_c\">"
                                            "https://example.org/a_b_c</a>.|\n");
    check("[x](javascript:alert(1))", "text |<u>x</u>|\n");
    check("[a](http://x/\"><b>)", "text |<a href=\"http://x/&quot;&gt;&lt;b&gt;\">a</a>|\n");
    g_assert_true(lw_md_is_safe_link("HTTPS://x"));
    g_assert_false(lw_md_is_safe_link("file:///x"));
    g_assert_false(lw_md_is_safe_link("data:text/html,x"));
}

static void test_maths(void)
{
    check("The area $\\pi r^2$ and \\(a_1*b*c\\).", "text |The area <i>πr²</i> and <i>a₁*b*c</i>.|\n");
    check("It costs $5 or $10, not $ 3.", "text |It costs $5 or $10, not $ 3.|\n");
    check("`$a` and $b$ and \\$c$", "text |<span face=\"monospace\" background=\"#808080\" "
                                     "background_alpha=\"20%\">$a</span> and <i>b</i> and $c$|\n");
    check("before\n\n$$\n\\frac{a}{b}\n$$\n\nafter", "text |before|\nmaths |a/b| from |\\frac{a}{b}|\ntext |after|\n");
    check("so \\[ x = 1 \\] holds", "text |so |\nmaths |x = 1| from |x = 1|\ntext | holds|\n");
    check("1. first\n   \\[ y^2 \\]\n2. second", "text in1 1. |first|\nmaths in1 |y²| from |y^2|\ntext in1 2. |second|\n");
    check("a \xef\xb7\x90" "0\xef\xb7\x91 b", "text |a \xef\xbf\xbd" "0\xef\xbf\xbd b|\n");
    check("```\n\\(x\\) $$y$$\n```\n~~~\n$z$\n~~~", "code |\\(x\\) $$y$$|\ncode |$z$|\n");
    check("[a $x$](http://b/$y$)", "text |<a href=\"http://b/$y$\">a <i>x</i></a>|\n");
}

static const char sample[] =
    "# Title\n\nSome *text* with `code`.\n\n- one\n- two\n\n  deeper\n\n1. first\n\n2. second\n\n```c\n"
    "int x;\n\nint y;\n```\n\n> quote\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n$$x^2$$\n\nEnd with a longer line.\n\n"
    "Another paragraph that ends it all.\n";

/* Whatever arrives byte by byte, the parts that are said to be final never change. */
static void test_growing(void)
{
    const gsize n = strlen(sample);
    g_autoptr(GPtrArray) whole = lw_md_parse_all(sample);
    g_autofree char *expected = describe(whole);
    g_autoptr(GString) got = g_string_new(NULL);
    lw_md_state state = {0};
    gsize at = 0;
    int parts = 0;

    for (gsize have = 1; have <= n; have++) {
        lw_md_state before = state;
        gsize len;

        while ((len = lw_md_part(sample + at, have - at, &state))) {
            g_autoptr(GPtrArray) part = lw_md_parse(sample + at, len, &before);
            g_autofree char *text = describe(part);

            g_string_append(got, text);
            at += len;
            before = state;
            parts++;
        }
    }
    g_autoptr(GPtrArray) rest = lw_md_parse(sample + at, n - at, &state);
    g_autofree char *text = describe(rest);
    g_string_append(got, text);
    g_assert_cmpstr(got->str, ==, expected);
    g_assert_cmpint(parts, >=, 7);
}

/* A code block longer than a part goes on in the next. */
static void test_long_code(void)
{
    g_autoptr(GString) text = g_string_new("```python\n");
    g_autoptr(GString) all = g_string_new(NULL);

    for (int i = 0; i < 3000; i++)
        g_string_append_printf(text, "line %d\n\n", i);
    g_string_append(text, "```\n\nafter it");
    g_autoptr(GPtrArray) blocks = lw_md_parse_all(text->str);
    g_assert_cmpuint(blocks->len, >, 2);
    for (guint i = 0; i + 1 < blocks->len; i++) {
        const lw_md_block *b = blocks->pdata[i];

        g_assert_cmpint(b->kind, ==, LW_MD_CODE);
        g_assert_cmpstr(b->language, ==, "python");
        g_assert_cmpint(b->continued, ==, i > 0);
        g_string_append(all, b->text);
        g_string_append_c(all, '\n');
    }
    for (int i = 0; i < 3000; i++) {
        g_autofree char *line = g_strdup_printf("line %d\n", i);
        g_assert_nonnull(strstr(all->str, line));
    }
    const lw_md_block *last = blocks->pdata[blocks->len - 1];
    g_assert_cmpstr(last->text, ==, "after it");
}

static char *repeat(const char *what, gsize n)
{
    GString *s = g_string_new(NULL);

    for (gsize i = 0; i < n; i++)
        g_string_append(s, what);
    return g_string_free(s, FALSE);
}

/* Everything must come out, within the limits, whatever the nesting. */
static void test_hostile(void)
{
    static const char *const pieces[] = {
        "[", "![", "*", "**a ", "_a*", "> ", "- ", "`", "`a``", "$", "$$ ", "\\(", "\\[", "<", "&", "|", "|-",
        "\\", "~", "http://a@", "[a](", "[a](<b", "a|b\n-|-\n", "1. ", "```\n", "#", "\t", "\n\n", "é", "\xff",
        "[a]: /b\n", "[[]", "*a_ ", "$a`", "&#1;", "|a|b|c|\n", "> - ",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autofree char *text = repeat(pieces[i], (1 << 20) / strlen(pieces[i]));
        gint64 begin = g_get_monotonic_time();
        g_autoptr(GPtrArray) blocks = lw_md_parse_all(text);

        for (guint j = 0; j < blocks->len; j++) {
            const lw_md_block *b = blocks->pdata[j];

            g_assert_cmpint(b->quote, <=, LW_MD_MAX_DEPTH);
            g_assert_cmpint(b->indent, <=, LW_MD_MAX_DEPTH);
            g_assert_cmpint(b->n_columns, <=, LW_MD_MAX_COLUMNS);
        }
        g_test_message("1 MiB of %s: %u blocks, %d ms", pieces[i], blocks->len,
                       (int)((g_get_monotonic_time() - begin) / 1000));
    }
    /* One line of a megabyte keeps every character. */
    g_autofree char *line = repeat("0123456789abcdef", 1 << 16);
    g_autoptr(GPtrArray) blocks = lw_md_parse_all(line);
    gsize total = 0;
    for (guint i = 0; i < blocks->len; i++)
        total += strlen(((lw_md_block *)blocks->pdata[i])->text);
    g_assert_cmpuint(total, ==, strlen(line));
}

/* A paragraph on one endless line is cut between words, the same however much of it is there. */
static void test_long_line(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    lw_md_state state = {0}, code = {.fence = '`', .fence_length = 3};
    gsize len;

    while (text->len < 3 * LW_MD_MAX_LINE)
        g_string_append(text, "some words ");
    len = lw_md_part(text->str, text->len, &state);
    g_assert_cmpuint(len, <=, LW_MD_MAX_LINE);
    g_assert_cmpuint(len, >, LW_MD_MAX_LINE / 2);
    g_assert_cmpint(text->str[len - 1], ==, ' ');
    g_assert_cmpuint(lw_md_part(text->str, LW_MD_MAX_LINE + 1, &state), ==, len);
    g_assert_cmpuint(lw_md_part(text->str, LW_MD_MAX_LINE, &state), ==, 0);
    g_assert_cmpuint(lw_md_part(text->str, LW_MD_MAX_LINE + 1, &code), ==, 0);
    /* Without spaces: not inside a character. */
    g_string_assign(text, "a");
    while (text->len < 2 * LW_MD_MAX_LINE)
        g_string_append(text, "é");
    len = lw_md_part(text->str, text->len, &state);
    g_assert_cmpuint(len, ==, LW_MD_MAX_LINE - 1);
    /* A word without an end, behind others: sooner, and as soon as it is that long. */
    g_string_assign(text, "It says é");
    gsize before = text->len;
    while (text->len < 2 * LW_MD_MAX_LINE)
        g_string_append(text, "o");
    len = lw_md_part(text->str, text->len, &state);
    g_assert_cmpuint(len, ==, before + LW_MD_MAX_WORD);
    g_assert_cmpuint(lw_md_part(text->str, len + 1, &state), ==, len);
    g_assert_cmpuint(lw_md_part(text->str, len, &state), ==, 0);
    g_assert_cmpuint(lw_md_part(text->str, len + 1, &code), ==, 0);
    /* It is the next line's. */
    text->str[4] = '\n';
    g_assert_cmpuint(lw_md_part(text->str, text->len, &state), !=, len);
}

/* A character that would be wider than any window can be broken; what means something stays as it is. */
static void test_clusters(void)
{
    static const char *const fine[] = {
        "plain", "", "👩🏽‍👩🏽‍👧🏽‍👦🏽👩🏽‍👩🏽‍👧🏽‍👦🏽", "🏴󠁧󠁢󠁥󠁮󠁧󠁿🏳️‍🌈❤️‍🔥", "한국어한국어한국어한국어한국어한국어한국어", "ё́ё́ё́ё́ё́ё́ё́ё́ё́ё́ё́ё́ё́ё́ё́ё́ё́ё́ё́",
        "नमस्ते दुनिया", "مرحبا بالعالم", "今天天气怎么样？请用一句话回答。今天天气怎么样？",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(fine); i++) {
        g_autofree char *got = lw_md_break_clusters(g_strdup(fine[i]));
        g_assert_cmpstr(got, ==, fine[i]);
    }
    static const char *const joined[] = {"👩\u200d", "ᄀ", "का\u093e\u093e", "👩🏽\u200d"};
    for (gsize i = 0; i < G_N_ELEMENTS(joined); i++) {
        g_autoptr(GString) s = g_string_new("He said: ");
        for (int k = 0; k < 150; k++) /* short enough for one block */
            g_string_append(s, joined[i]);
        g_string_append(s, " <b>");
        g_autoptr(GPtrArray) blocks = lw_md_parse_all(s->str);
        const lw_md_block *b = blocks->pdata[0];
        g_auto(GStrv) pieces = g_strsplit(b->text, "\u200b", -1);
        g_autofree char *whole = g_strjoinv("", pieces), *again = lw_md_break_clusters(g_strdup(b->text));
        g_assert_cmpuint(g_strv_length(pieces), >=, i == 2 ? 1 : 150 / LW_MD_MAX_CLUSTER);
        g_assert_true(g_str_has_prefix(whole, "He said: "));
        g_assert_true(g_str_has_suffix(whole, " &lt;b&gt;"));
        g_assert_cmpuint(g_utf8_strlen(whole, -1), ==, g_utf8_strlen(s->str, -1) + 6);
        g_assert_true(g_str_equal(again, b->text));
    }
}

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/markdown/blocks", test_blocks);
    g_test_add_func("/markdown/lists", test_lists);
    g_test_add_func("/markdown/tables", test_tables);
    g_test_add_func("/markdown/links", test_links);
    g_test_add_func("/markdown/maths", test_maths);
    g_test_add_func("/markdown/growing", test_growing);
    g_test_add_func("/markdown/long-code", test_long_code);
    g_test_add_func("/markdown/long-line", test_long_line);
    g_test_add_func("/markdown/clusters", test_clusters);
    g_test_add_func("/markdown/hostile", test_hostile);
    return g_test_run();
}
