/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/title.h"

#include <string.h>

/* Characters that stand around a title and are none of it. */
static gboolean is_wrapping(gunichar c)
{
    return c < 0x80 ? strchr("*_#`\"' \t", (char)c) != NULL
                    : c == 0x201c || c == 0x201d || c == 0x2018 || c == 0x2019 || c == 0x201e || c == 0xab ||
                          c == 0xbb || c == 0x300c || c == 0x300d || c == 0x300a || c == 0x300b;
}

static char *unwrap(const char *start, const char *end)
{
    while (start < end && is_wrapping(g_utf8_get_char(start)))
        start = g_utf8_next_char(start);
    while (end > start && is_wrapping(g_utf8_get_char(g_utf8_prev_char(end))))
        end = g_utf8_prev_char(end);
    return g_strndup(start, (gsize)(end - start));
}

char *lw_title_from_answer(const char *answer)
{
    static const char *const labels[] = {"title:", "titel:", "标题：", "标题:"};
    const char *thoughts = strstr(answer, "</think>"), *line = thoughts ? thoughts + 8 : answer;
    g_autofree char *title = NULL;
    int words = 1;

    if (!thoughts && strstr(answer, "<think>"))
        return NULL;
    while (g_ascii_isspace(*line))
        line++;
    title = unwrap(line, strchrnul(line, '\n'));
    for (gsize i = 0; i < G_N_ELEMENTS(labels); i++)
        if (g_ascii_strncasecmp(title, labels[i], strlen(labels[i])) == 0) {
            char *rest = unwrap(title + strlen(labels[i]), title + strlen(title));

            g_free(title);
            title = rest;
        }
    if (g_str_has_suffix(title, ".")) {
        char *rest = unwrap(title, title + strlen(title) - 1);

        g_free(title);
        title = rest;
    }
    for (const char *p = title; *p; p = g_utf8_next_char(p)) {
        if (g_unichar_iscntrl(g_utf8_get_char(p)))
            return NULL;
        words += *p == ' ';
    }
    if (g_utf8_strlen(title, -1) < 2 || g_utf8_strlen(title, -1) > LW_TITLE_MAX_CHARS ||
        words > LW_TITLE_MAX_WORDS)
        return NULL;
    return g_steal_pointer(&title);
}
