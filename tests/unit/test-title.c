/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Titles from what models answer; and what is none.
 */
#include "app/title.h"

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

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/title/cases", test_cases);
    return g_test_run();
}
