/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/line.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Lines remembered. */
#define MAX_HISTORY 500

struct lw_line {
    gboolean terminal;
    struct termios saved;
    GPtrArray *history; /* of char * */
    /* The line being edited: */
    GString *text;
    gsize cursor;       /* byte offset of a character's start */
    guint history_at;   /* history->len: the new line */
    char *draft;        /* the new line while history is shown */
    gboolean pasting;
    const char *prompt;
};

lw_line *lw_line_new(void)
{
    lw_line *l = g_new0(lw_line, 1);
    l->terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    l->history = g_ptr_array_new_with_free_func(g_free);
    l->text = g_string_new(NULL);
    return l;
}

void lw_line_free(lw_line *l)
{
    if (!l)
        return;
    g_ptr_array_unref(l->history);
    g_string_free(l->text, TRUE);
    g_free(l->draft);
    g_free(l);
}

/* ---- Drawing ---- */

static int columns(gunichar c)
{
    if (c < 32 || c == 127)
        return 1; /* drawn as a mark */
    if (g_unichar_iszerowidth(c))
        return 0;
    return g_unichar_iswide(c) ? 2 : 1;
}

static int text_columns(const char *from, const char *to)
{
    int n = 0;
    for (const char *p = from; p < to; p = g_utf8_next_char(p))
        n += columns(g_utf8_get_char(p));
    return n;
}

/* One screen row; a longer line scrolls sideways so that the cursor stays in sight. */
static void draw(const lw_line *l)
{
    struct winsize ws;
    int width = ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 ? ws.ws_col : 80;
    int room = width - text_columns(l->prompt, l->prompt + strlen(l->prompt)) - 1;
    room = MAX(room, 8);

    const char *start = l->text->str, *cursor = l->text->str + l->cursor;
    while (start < cursor && text_columns(start, cursor) > room)
        start = g_utf8_next_char(start);

    GString *s = g_string_new("\r");
    g_string_append(s, l->prompt);
    int used = 0;
    for (const char *p = start; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (used + columns(c) > room)
            break;
        used += columns(c);
        if (c == '\n')
            g_string_append(s, "\xe2\x86\xb5"); /* a return sign */
        else if (g_unichar_iscntrl(c))
            g_string_append_c(s, '?');
        else
            g_string_append_unichar(s, c);
    }
    g_string_append(s, "\033[K\r");
    int at = text_columns(l->prompt, l->prompt + strlen(l->prompt)) + text_columns(start, cursor);
    if (at > 0)
        g_string_append_printf(s, "\033[%dC", at);
    fwrite(s->str, 1, s->len, stderr);
    fflush(stderr);
    g_string_free(s, TRUE);
}

/* ---- Editing ---- */

static gsize previous(const lw_line *l, gsize at)
{
    return (gsize)(g_utf8_prev_char(l->text->str + at) - l->text->str);
}

static gsize next(const lw_line *l, gsize at)
{
    return (gsize)(g_utf8_next_char(l->text->str + at) - l->text->str);
}

static gsize word_start(const lw_line *l)
{
    gsize at = l->cursor;
    while (at > 0 && l->text->str[previous(l, at)] == ' ')
        at = previous(l, at);
    while (at > 0 && l->text->str[previous(l, at)] != ' ')
        at = previous(l, at);
    return at;
}

static void erase(lw_line *l, gsize from, gsize to)
{
    g_string_erase(l->text, (gssize)from, (gssize)(to - from));
    l->cursor = from;
}

static void insert(lw_line *l, const char *bytes, gsize n)
{
    if (l->text->len + n > LW_LINE_MAX_BYTES)
        return;
    g_string_insert_len(l->text, (gssize)l->cursor, bytes, (gssize)n);
    l->cursor += n;
}

static void show_history(lw_line *l, int step)
{
    if ((step < 0 && l->history_at == 0) || (step > 0 && l->history_at == l->history->len))
        return;
    if (l->history_at == l->history->len) {
        g_free(l->draft);
        l->draft = g_strdup(l->text->str);
    }
    l->history_at += (guint)step;
    g_string_assign(l->text, l->history_at == l->history->len
                                 ? l->draft
                                 : (const char *)l->history->pdata[l->history_at]);
    l->cursor = l->text->len;
}

/* ---- Keys ---- */

static gboolean waiting(int milliseconds)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&p, 1, milliseconds) > 0;
}

/* One byte, -1 at the end. */
static int get_byte(void)
{
    guchar c;
    gssize n;
    do
        n = read(STDIN_FILENO, &c, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 ? c : -1;
}

/* After ESC: cursor keys, Home, End, Delete, the marks around a paste. */
static void escape_sequence(lw_line *l)
{
    char seq[16];
    gsize n = 0;
    if (!waiting(50))
        return;
    int c = get_byte();
    if (c != '[' && c != 'O')
        return;
    while (n + 1 < sizeof seq) {
        c = get_byte();
        if (c < 0)
            return;
        seq[n++] = (char)c;
        if (c >= 0x40 && c <= 0x7e)
            break;
    }
    seq[n] = 0;
    gsize end = l->text->len;
    if (!strcmp(seq, "A"))
        show_history(l, -1);
    else if (!strcmp(seq, "B"))
        show_history(l, 1);
    else if (!strcmp(seq, "C") && l->cursor < end)
        l->cursor = next(l, l->cursor);
    else if (!strcmp(seq, "D") && l->cursor > 0)
        l->cursor = previous(l, l->cursor);
    else if (!strcmp(seq, "H") || !strcmp(seq, "1~"))
        l->cursor = 0;
    else if (!strcmp(seq, "F") || !strcmp(seq, "4~"))
        l->cursor = end;
    else if (!strcmp(seq, "3~") && l->cursor < end)
        erase(l, l->cursor, next(l, l->cursor));
    else if (!strcmp(seq, "200~"))
        l->pasting = TRUE;
    else if (!strcmp(seq, "201~"))
        l->pasting = FALSE;
}

/* A whole UTF-8 character that begins with `first`; bad bytes are dropped. */
static void character(lw_line *l, int first)
{
    char bytes[6] = {(char)first};
    gsize n = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    for (gsize i = 1; i < n; i++) {
        int c = get_byte();
        if (c < 0)
            return;
        bytes[i] = (char)c;
    }
    if (n && g_utf8_validate(bytes, (gssize)n, NULL))
        insert(l, bytes, n);
}

enum { CTRL_A = 1, CTRL_B, CTRL_C, CTRL_D, CTRL_E, CTRL_F, CTRL_H = 8, CTRL_K = 11, CTRL_L = 12,
       CTRL_N = 14, CTRL_P = 16, CTRL_U = 21, CTRL_W = 23, ESCAPE = 27, DELETE = 127 };

/* TRUE when the line is over; *result says how. */
static gboolean handle_key(lw_line *l, int c, lw_line_result *result)
{
    if (l->pasting && c != ESCAPE) {
        if (c == '\r')
            c = '\n';
        if (c >= 32 || c == '\n' || c == '\t')
            character(l, c);
        return FALSE;
    }
    switch (c) {
    case '\r':
    case '\n':
        *result = LW_LINE_TEXT;
        return TRUE;
    case CTRL_C:
        *result = l->text->len ? LW_LINE_INTERRUPT : LW_LINE_LEAVE;
        return TRUE;
    case CTRL_D:
        if (!l->text->len) {
            *result = LW_LINE_END;
            return TRUE;
        }
        if (l->cursor < l->text->len)
            erase(l, l->cursor, next(l, l->cursor));
        break;
    case CTRL_A:
        l->cursor = 0;
        break;
    case CTRL_E:
        l->cursor = l->text->len;
        break;
    case CTRL_B:
        if (l->cursor > 0)
            l->cursor = previous(l, l->cursor);
        break;
    case CTRL_F:
        if (l->cursor < l->text->len)
            l->cursor = next(l, l->cursor);
        break;
    case CTRL_H:
    case DELETE:
        if (l->cursor > 0)
            erase(l, previous(l, l->cursor), l->cursor);
        break;
    case CTRL_K:
        erase(l, l->cursor, l->text->len);
        break;
    case CTRL_U:
        erase(l, 0, l->cursor);
        break;
    case CTRL_W:
        erase(l, word_start(l), l->cursor);
        break;
    case CTRL_P:
        show_history(l, -1);
        break;
    case CTRL_N:
        show_history(l, 1);
        break;
    case CTRL_L:
        fputs("\033[H\033[2J", stderr);
        break;
    case ESCAPE:
        escape_sequence(l);
        break;
    default:
        if (c >= 32)
            character(l, c);
    }
    return FALSE;
}

static lw_line_result edit(lw_line *l)
{
    lw_line_result result = LW_LINE_END;
    for (;;) {
        if (!waiting(0)) /* draw once for a burst of keys */
            draw(l);
        int c = get_byte();
        if (c < 0)
            return LW_LINE_END;
        if (handle_key(l, c, &result))
            return result;
    }
}

static void remember(lw_line *l)
{
    guint n = l->history->len;
    if (!l->text->len || (n && !strcmp(l->history->pdata[n - 1], l->text->str)))
        return;
    if (n == MAX_HISTORY)
        g_ptr_array_remove_index(l->history, 0);
    g_ptr_array_add(l->history, g_strdup(l->text->str));
}

static lw_line_result read_plain(lw_line *l)
{
    for (;;) {
        int c = get_byte();
        if (c < 0)
            return l->text->len ? LW_LINE_TEXT : LW_LINE_END;
        if (c == '\n')
            return LW_LINE_TEXT;
        if (c && l->text->len < LW_LINE_MAX_BYTES)
            g_string_append_c(l->text, (char)c);
    }
}

lw_line_result lw_line_read(lw_line *l, const char *prompt, char **text)
{
    lw_line_result result;

    g_string_truncate(l->text, 0);
    l->cursor = 0;
    l->history_at = l->history->len;
    l->pasting = FALSE;
    l->prompt = prompt;
    *text = NULL;

    if (l->terminal && tcgetattr(STDIN_FILENO, &l->saved) == 0) {
        struct termios raw = l->saved;
        raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | ISTRIP | IXON);
        raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG | IEXTEN);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
        fputs("\033[?2004h", stderr); /* tell pastes from typing */
        result = edit(l);
        fputs("\033[?2004l\r\n", stderr);
        fflush(stderr);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &l->saved);
    } else {
        result = read_plain(l);
    }
    if (result == LW_LINE_TEXT) {
        remember(l);
        *text = g_utf8_make_valid(l->text->str, (gssize)l->text->len);
    }
    return result;
}
