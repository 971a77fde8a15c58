/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a growing text can be cut so that what is before the cut means the same with and without what comes
 * after: at a line that begins at the left margin after an empty line, outside code, and does not go on with
 * a numbered list.
 */
#include "app/markdown/parts.h"

#include <string.h>

gsize lw_md_fence(const char *line, gsize n, guint *indent, char *c)
{
    gsize i = 0, run = 0;

    while (i < n && i < 4 && line[i] == ' ')
        i++;
    if (i == 4 || i >= n || (line[i] != '`' && line[i] != '~'))
        return 0;
    *indent = (guint)i;
    *c = line[i];
    while (i + run < n && line[i + run] == *c)
        run++;
    if (run < 3)
        return 0;
    /* `code` in a line of text is no fence. */
    if (*c == '`' && memchr(line + i + run, '`', n - i - run))
        return 0;
    return run;
}

gboolean lw_md_closes_fence(const char *line, gsize n, const lw_md_state *state)
{
    guint indent;
    char c;
    gsize run = lw_md_fence(line, n, &indent, &c);

    if (run < state->fence_length || c != state->fence)
        return FALSE;
    for (gsize i = indent + run; i < n; i++)
        if (!g_ascii_isspace(line[i]))
            return FALSE;
    return TRUE;
}

static void open_fence(const char *line, gsize n, gsize run, guint indent, char c, lw_md_state *state)
{
    gsize i = indent + run, len = 0;

    state->fence = c;
    state->fence_length = (guint)run;
    state->fence_indent = indent;
    while (i < n && (line[i] == ' ' || line[i] == '\t'))
        i++;
    while (i + len < n && !g_ascii_isspace(line[i + len]))
        len++;
    /* Longer than any name of a language: it only serves to choose the colours. */
    len = MIN(len, sizeof state->language - 1);
    while (len && i + len < n && (line[i + len] & 0xc0) == 0x80)
        len--;
    memcpy(state->language, line + i, len);
    state->language[len] = 0;
}

static gboolean is_blank(const char *line, gsize n)
{
    for (gsize i = 0; i < n; i++)
        if (!g_ascii_isspace(line[i]))
            return FALSE;
    return TRUE;
}

/* "12." or "12)" */
static gboolean is_numbered(const char *line, gsize n)
{
    gsize i = 0;

    while (i < n && i < 9 && g_ascii_isdigit(line[i]))
        i++;
    return i > 0 && i < n && (line[i] == '.' || line[i] == ')');
}

static gboolean is_list_item(const char *line, gsize n)
{
    while (n && (*line == ' ' || *line == '\t'))
        line++, n--;
    return is_numbered(line, n) || (n > 1 && strchr("-*+", *line) && (line[1] == ' ' || line[1] == '\t'));
}

/* A place to cut a text that has none, not inside a character. */
static gsize forced_cut(const char *text, gsize n)
{
    gsize cut = LW_MD_MAX_PART;
    const char *line_break = g_strrstr_len(text, LW_MD_MAX_PART, "\n");

    if (line_break && line_break > text)
        return (gsize)(line_break - text) + 1;
    while (cut > LW_MD_MAX_PART - 4 && (text[cut] & 0xc0) == 0x80)
        cut--;
    return cut;
}

/* Where the first line's first word that is too long is cut, or 0: there is none within LW_MD_MAX_LINE. */
static gsize word_cut(const char *text, gsize n)
{
    gsize word = 0;

    for (gsize i = 0; i < MIN(n, LW_MD_MAX_LINE) && text[i] != '\n'; i++) {
        if (!g_ascii_isgraph(text[i]))
            word = i + 1;
        else if (i - word >= LW_MD_MAX_WORD)
            return i;
    }
    return 0;
}

/* Where a line that is too long is cut, or 0: it is not.  Code is cut by its lines. */
static gsize line_cut(const char *text, gsize n, const lw_md_state *state)
{
    gsize cut = LW_MD_MAX_LINE, word = state->fence ? 0 : word_cut(text, n);
    const char *space;

    if (word)
        return word;
    if (n <= cut || state->fence || memchr(text, '\n', cut))
        return 0;
    space = g_strrstr_len(text, (gssize)cut, " ");
    if (space && space > text + cut / 2)
        return (gsize)(space - text) + 1;
    while ((text[cut] & 0xc0) == 0x80 && cut > LW_MD_MAX_LINE - 4)
        cut--;
    return cut;
}

gsize lw_md_part(const char *text, gsize n, lw_md_state *state)
{
    lw_md_state now = *state;
    gsize cut = line_cut(text, n, state);
    gsize at = 0;
    gboolean after_blank = FALSE, in_list = FALSE, any = FALSE;

    if (cut)
        return cut;
    while (at < n && at < LW_MD_MAX_PART) {
        const char *line = text + at, *nl = memchr(line, '\n', n - at);
        gsize len = nl ? (gsize)(nl - line) : n - at, run;
        guint indent;
        char c;

        if (!nl) { /* may still grow, but what it begins with may tell already */
            if (!now.fence && any && after_blank && len >= 12 && !g_ascii_isspace(*line) &&
                !is_numbered(line, len)) {
                *state = now;
                return at;
            }
            break;
        }
        if (now.fence) {
            if (lw_md_closes_fence(line, len, &now)) {
                now.fence = 0;
                now.language[0] = 0;
                if (state->fence) { /* the rest of a code block is a part of its own */
                    *state = now;
                    return at + len + 1;
                }
            }
            after_blank = FALSE;
        } else if (is_blank(line, len)) {
            after_blank = any;
        } else {
            if (after_blank && !g_ascii_isspace(*line) && !is_numbered(line, len)) {
                *state = now;
                return at;
            }
            run = lw_md_fence(line, len, &indent, &c);
            /* An indented fence in a list ends with its item, whatever comes. */
            if (run && (indent == 0 || !in_list))
                open_fence(line, len, run, indent, c, &now);
            in_list = in_list || is_list_item(line, len);
            after_blank = FALSE;
        }
        any = TRUE;
        at += len + 1;
    }
    if (n <= LW_MD_MAX_PART)
        return 0;
    /* Once more up to the cut: is it inside code? */
    cut = forced_cut(text, n);
    now = *state;
    in_list = FALSE;
    for (at = 0; at < cut;) {
        const char *line = text + at, *nl = memchr(line, '\n', cut - at);
        gsize len = nl ? (gsize)(nl - line) : cut - at, run;
        guint indent;
        char c;

        if (now.fence) {
            if (lw_md_closes_fence(line, len, &now)) {
                now.fence = 0;
                now.language[0] = 0;
            }
        } else {
            run = lw_md_fence(line, len, &indent, &c);
            if (run && (indent == 0 || !in_list))
                open_fence(line, len, run, indent, c, &now);
            in_list = in_list || is_list_item(line, len);
        }
        at += len + 1;
    }
    *state = now;
    return cut;
}
