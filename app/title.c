/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/title.h"

#include <string.h>

/* A title is looked for in as much of a question, bytes: twenty thousand pasted lines cost nothing. */
#define MAX_LOOKED_AT 4096
/* A sentence shorter than this, columns, says too little: "Hello." */
#define MIN_SENTENCE 12

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

/* ---- Out of a question ---- */

static gboolean is_rule(const char *line)
{
    return *line && strspn(line, "-*_= ") == strlen(line);
}

/* A line without what makes it a heading, a quotation or a point of a list. */
static const char *skip_block_marks(const char *line)
{
    for (;;) {
        gsize n = strspn(line, "#");

        if (n && line[n] == ' ')
            line += n;
        else if (*line == '>' || (strchr("-*+", *line) && *line && line[1] == ' '))
            line++;
        else
            return line;
        line += strspn(line, " \t");
    }
}

/* Lines in one, those of code blocks (code) or all others. */
static char *join_lines(char **lines, gboolean code)
{
    GString *s = g_string_new(NULL);
    gboolean inside = FALSE;

    for (char **l = lines; *l; l++) {
        const char *line = *l + strspn(*l, " \t\r");

        if (g_str_has_prefix(line, "```") || g_str_has_prefix(line, "~~~")) {
            inside = !inside;
            continue;
        }
        if (inside != code || (!code && is_rule(line)))
            continue;
        g_string_append_printf(s, "%s ", code ? line : skip_block_marks(line));
    }
    return g_string_free(s, FALSE);
}

/* Without the marks inside a line; what only looks like one (2 * 3, snake_case) stays. */
static char *drop_inline_marks(const char *text)
{
    static const char *const marks[][2] = {
        {"!?\\[([^\\]]*)\\]\\([^) ]*[^)]*\\)", "\\1"},
        {"`+([^`]+)`+", "\\1"},
        {"(\\*\\*|__|~~)(?=\\S)(.+?)(?<=\\S)\\1", "\\2"},
        {"(?<![\\w*])([*_])(?=\\S)([^*_]+?)(?<=\\S)\\1(?![\\w*])", "\\2"},
    };
    char *s = g_strdup(text);

    for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
        g_autoptr(GRegex) r = g_regex_new(marks[i][0], 0, 0, NULL);
        char *next = g_regex_replace(r, s, -1, 0, marks[i][1], 0, NULL);

        if (next) { /* NULL: more backtracking than is allowed */
            g_free(s);
            s = next;
        }
    }
    return s;
}

/* Marks of direction and order that would reach out of a title into what stands beside it. */
static gboolean is_format(gunichar c)
{
    return c == 0xfeff || c == 0x200b || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

static char *squeeze(const char *text)
{
    GString *s = g_string_new(NULL);

    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (is_format(c))
            continue;
        if (g_unichar_isspace(c) || g_unichar_iscntrl(c))
            c = ' ';
        if (c != ' ' || (s->len && s->str[s->len - 1] != ' '))
            g_string_append_unichar(s, c);
    }
    if (s->len && s->str[s->len - 1] == ' ')
        g_string_truncate(s, s->len - 1);
    return g_string_free(s, FALSE);
}

/* May a title end before c?  before: the character there. */
static gboolean is_apart(gunichar before, gunichar c, guint n_flags)
{
    gboolean flag = c >= 0x1f1e6 && c <= 0x1f1ff;

    return !g_unichar_ismark(c) && !g_unichar_iszerowidth(c) && c != 0x200d && before != 0x200d &&
           !(c >= 0x1f3fb && c <= 0x1f3ff) && !(flag && n_flags % 2);
}

static gboolean ends_sentence(gunichar c, gunichar next)
{
    if (c == 0x3002 || c == 0xff1f || c == 0xff01) /* 。？！ */
        return TRUE;
    return (next == ' ' || next == 0) && (c == '.' || c == '?' || c == '!' || c == 0x061f || c == 0x0964);
}

/* Without what joins or opens, which nothing follows any more. */
static char *take(const char *s, const char *end)
{
    static const gunichar loose[] = {' ',    ',',    ';',    ':',    '-',    '(',    '[',    '{',
                                     '"',    0x2013, 0x2014, 0x201c, 0x201e, 0xab,   0xff0c, 0x3001,
                                     0xff1a, 0xff1b, 0xff08, 0x300c, 0x300e, 0x300a, 0x060c};

    while (end > s) {
        const char *last = g_utf8_prev_char(end);
        gboolean found = FALSE;

        for (gsize i = 0; i < G_N_ELEMENTS(loose); i++)
            found = found || loose[i] == g_utf8_get_char(last);
        if (!found)
            break;
        end = last;
    }
    return g_strndup(s, (gsize)(end - s));
}

/* s: squeezed. */
static char *shorten(const char *s)
{
    const char *word = NULL, *sentence = NULL, *piece = s, *p;
    gunichar before = 0;
    int columns = 0, word_at = 0;
    guint n_flags = 0;

    for (p = s; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p), next = g_utf8_get_char(g_utf8_next_char(p));
        int width = g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;

        if (is_apart(before, c, n_flags)) {
            piece = p;
            if (c == ' ' || (before && !g_unichar_ispunct(c) && g_unichar_iswide(before)) ||
                (g_unichar_iswide(c) && !g_unichar_ispunct(c))) {
                word = p;
                word_at = columns;
            }
        }
        if (columns + width > LW_TITLE_MAX_COLUMNS)
            break;
        columns += width;
        if (!sentence && columns >= MIN_SENTENCE && ends_sentence(c, next))
            sentence = c == '.' || c == 0x3002 ? p : g_utf8_next_char(p);
        n_flags = c >= 0x1f1e6 && c <= 0x1f1ff ? n_flags + 1 : 0;
        before = c;
    }
    if (!*p)
        return g_strdup(s);
    if (sentence)
        return take(s, sentence);
    g_autofree char *cut = take(s, word && word_at >= LW_TITLE_MAX_COLUMNS / 2 ? word : piece);
    return g_strconcat(cut, "…", NULL);
}

char *lw_title_from_question(const char *question)
{
    gsize n = strlen(question);
    const char *end = question + n;

    if (n > MAX_LOOKED_AT)
        end = g_utf8_find_prev_char(question, question + MAX_LOOKED_AT);
    g_autofree char *beginning = g_strndup(question, (gsize)(end - question));
    g_auto(GStrv) lines = g_strsplit(beginning, "\n", -1);

    for (int code = 0; code < 2; code++) {
        g_autofree char *joined = join_lines(lines, code);
        g_autofree char *plain = code ? g_strdup(joined) : drop_inline_marks(joined);
        g_autofree char *flat = squeeze(plain);

        if (*flat)
            return shorten(flat);
    }
    return NULL;
}
