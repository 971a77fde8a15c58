/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Titles from what models answer, and what is none; titles from what people ask.
 */
#include "app/title.h"

#include <string.h>

static const struct {
    const char *answer, *title;
} cases[] = {
    {"Planning a garden", "Planning a garden"},
    {"\n\n**Title:** \"Planning a Garden\".\n\nI hope this helps!", "Planning a Garden"},
    {"Title: 'Red circle'", "Red circle"},
    {"# Ein Titel", "Ein Titel"},
    {"„Kreise und Quadrate“", "Kreise und Quadrate"},
    {"《红色的圆》", "红色的圆"},
    {"<think>\nThey want a title.\n</think>\n\nShips at sea", "Ships at sea"},
    {"<think>\nThey want", NULL},
    {"", NULL},
    {"\n", NULL},
    {"x", NULL},
    {"**", NULL},
    {"I am sorry, but I can only describe pictures that you show me.", NULL},
    {"a b c d e f g h i j", NULL},
    {"bell \a", NULL},
};

static void test_cases(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = lw_title_from_answer(cases[i].answer);

        g_test_message("%s", cases[i].answer);
        g_assert_cmpstr(got, ==, cases[i].title);
    }
}

static const struct {
    const char *question, *title;
} questions[] = {
    {"What colour is the sky?", "What colour is the sky?"},
    {"  Hello \n\t there  ", "Hello there"},
    /* At a word, with nothing loose before the dots. */
    {"Please explain to me how the tides of the sea come about",
     "Please explain to me how the tides of the…"},
    {"Compare these two for me at some length - the old and the new",
     "Compare these two for me at some length…"},
    {"Tell me everything there is to know, fully (and more", "Tell me everything there is to know, fully…"},
    /* The first sentence, when all is too long for a line. */
    {"What is a monad? Answer in two sentences and give an example.", "What is a monad?"},
    {"Summarise the text below. Keep names and numbers as they are.", "Summarise the text below"},
    {"Hi. Please explain to me how the tides of the sea come about",
     "Hi. Please explain to me how the tides of…"},
    {"Is 3.5 larger than 3.25, and by how much is it larger then?",
     "Is 3.5 larger than 3.25, and by how much…"},
    /* Markdown, and what only looks like it. */
    {"# Heading\n\n> quoted **bold** and *soft*", "Heading quoted bold and soft"},
    {"- one\n- two\n* three", "one two three"},
    {"---\nWhat is `ls -l` for?\n===", "What is ls -l for?"},
    {"See [the page](https://example.org/a_b) and ![a cat](cat.png)", "See the page and a cat"},
    {"Is 2 * 3 * 4 equal to 24?", "Is 2 * 3 * 4 equal to 24?"},
    {"What does my_long_name and a*b*c do", "What does my_long_name and a*b*c do"},
    {"~~Old~~ __new__ _title_", "Old new title"},
    {"Why does this fail?\n```c\nint x = 1\n```", "Why does this fail?"},
    {"```c\nint x = 1;\n```\n", "int x = 1;"},
    {"~~~\nunclosed", "unclosed"},
    /* Languages without spaces: two columns each, never inside what is seen as one character. */
    {"请告诉我红色的圆在哪里", "请告诉我红色的圆在哪里"},
    {"请用简单的话解释一下为什么天空在白天是蓝色的而在傍晚变成红色", "请用简单的话解释一下为什么天空在白天是蓝色…"},
    {"天空为什么是蓝色的？请用简单的话解释一下，并给出一个可以在家里做的实验", "天空为什么是蓝色的？"},
    {"请用 Python 写一个排序算法然后解释它的复杂度是多少以及为什么这样", "请用 Python 写一个排序算法然后解释它的复杂…"},
    {"Gr\u00fc\u00dfe aus Donaudampfschifffahrtsgesellschaftskapit\u00e4nsm\u00fctzenfabrik",
     "Gr\u00fc\u00dfe aus Donaudampfschifffahrtsgesellscha…"},
    {"ما هو لون السماء في النهار ولماذا يتغير عند الغروب يا صديقي؟",
     "ما هو لون السماء في النهار ولماذا يتغير…"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaE\u0301\u0301bbbbb",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaE\u0301\u0301…"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\U0001f468\u200d\U0001f469\u200d\U0001f467bb",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\U0001f1e9\U0001f1eabbbb",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"},
    /* Nothing that changes what stands beside it. */
    {"bell \a and \u202eevil", "bell and evil"},
    {"", NULL},
    {" \n\t", NULL},
    {"---", NULL},
    {"```\n```", NULL},
};

static void test_questions(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(questions); i++) {
        g_autofree char *got = lw_title_from_question(questions[i].question);

        g_test_message("%s", questions[i].question);
        g_assert_cmpstr(got, ==, questions[i].title);
    }
}

/* Whatever is pasted: valid, one line, no longer than it may be, and soon. */
static void test_pasted(void)
{
    static const char *const pieces[] = {"*",      "_",      "`",          "[",          "](",     ")", "\n",
                                         " ",      "a",      "**",         "~~",         "\u202e", "#", ".",
                                         "\u4f60", "\u0301", "\u200d",     "\U0001f468", "```\n",
                                         "\U0001f1e9"};
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);

    for (int round = 0; round < 400; round++) {
        g_autoptr(GString) s = g_string_new(NULL);
        guint n = round < 390 ? 200 : 200000;

        for (guint i = 0; i < n; i++)
            g_string_append(s, pieces[g_rand_int_range(rand, 0, round % 2 ? 3 : G_N_ELEMENTS(pieces))]);
        g_autofree char *got = lw_title_from_question(s->str);
        int columns = 0;

        if (!got)
            continue;
        g_assert_true(g_utf8_validate(got, -1, NULL));
        g_assert_cmpstr(got, !=, "");
        g_assert_null(strchr(got, '\n'));
        for (const char *p = got; *p; p = g_utf8_next_char(p)) {
            gunichar c = g_utf8_get_char(p);
            columns += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
        }
        g_assert_cmpint(columns, <=, LW_TITLE_MAX_COLUMNS + 1);
    }
}

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/title/answers", test_cases);
    g_test_add_func("/title/questions", test_questions);
    g_test_add_func("/title/pasted", test_pasted);
    return g_test_run();
}
