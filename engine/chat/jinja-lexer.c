/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Template text -> tokens.  White space around tags is settled here, by jinja2's rules for
 * trim_blocks and lstrip_blocks:
 *
 *   - a newline right after a block or a comment goes;
 *   - white space between the start of a line and a block or a comment goes;
 *   - a minus inside a tag takes all white space on its side, a plus keeps it;
 *   - one newline at the template's end goes.
 */
#include "engine/chat/jinja-private.h"
#include "engine/lw-error.h"

#include <string.h>

#define MAX_TOKENS 400000
#define MAX_BRACKETS 200

typedef struct {
    const char *s;
    gsize n, at;
    gsize counted; /* newlines before here are in line */
    guint32 line;
    GArray *tokens;
    GError **error;
} lexer;

static guint32 line_at(lexer *l, gsize at)
{
    for (; l->counted < at; l->counted++)
        l->line += l->s[l->counted] == '\n';
    return l->line;
}

static gboolean fail(lexer *l, gsize at, const char *what)
{
    g_set_error(l->error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED, "line %u: %s", line_at(l, at),
                what);
    return FALSE;
}

static gboolean add(lexer *l, lw_jtoken_kind kind, gsize at, gsize n)
{
    lw_jtoken t = {
        .kind = (guint8)kind, .line = line_at(l, at), .n = (guint32)n, .text = l->s + at};

    if (l->tokens->len == MAX_TOKENS)
        return fail(l, at, "the template is too long");
    if (kind == LW_JT_OP)
        memcpy(t.op, t.text, MIN(n, 2));
    g_array_append_val(l->tokens, t);
    return TRUE;
}

static gboolean starts(const lexer *l, gsize at, const char *part)
{
    gsize n = strlen(part);
    return n <= l->n - at && memcmp(l->s + at, part, n) == 0;
}

/* Behind the white space that begins at `at`. */
static gsize skip_space(const lexer *l, gsize at)
{
    gunichar c;

    while (at < l->n) {
        gsize k = lw_text_char(l->s + at, l->n - at, &c);

        if (!lw_text_is_space(c))
            break;
        at += k;
    }
    return at;
}

/* Where the white space begins that ends at `end`, not before `from`. */
static gsize before_space(const lexer *l, gsize from, gsize end)
{
    while (end > from) {
        gsize k = 1;
        gunichar c;

        while (k < 3 && k < end - from && ((guint8)l->s[end - k] & 0xC0) == 0x80)
            k++;
        if (lw_text_char(l->s + end - k, k, &c) != k || !lw_text_is_space(c))
            break;
        end -= k;
    }
    return end;
}

/* Text [from, end) in front of a tag with this sign. */
static gboolean add_data(lexer *l, gsize from, gsize end, char sign, gboolean is_print)
{
    if (sign == '-') {
        end = before_space(l, from, end);
    } else if (sign != '+' && !is_print) {
        gsize line = end;

        while (line > from && l->s[line - 1] != '\n')
            line--;
        /* Does the text begin with a line?  Behind a tag only if that took the newline. */
        if ((line > from || from == 0 || l->s[from - 1] == '\n') &&
            before_space(l, line, end) == line)
            end = line;
    }
    return end == from || add(l, LW_JT_DATA, from, end - from);
}

/* ---- Inside tags ---- */

static gboolean is_name_char(char c)
{
    return g_ascii_isalnum(c) || c == '_' || (guint8)c >= 0x80;
}

static gboolean lex_string(lexer *l)
{
    char quote = l->s[l->at];
    gsize end = l->at + 1;

    while (end < l->n && l->s[end] != quote)
        end += l->s[end] == '\\' ? 2 : 1;
    if (end >= l->n)
        return fail(l, l->at, "a string without its end");
    if (!add(l, LW_JT_STRING, l->at + 1, end - l->at - 1))
        return FALSE;
    l->at = end + 1;
    return TRUE;
}

static gsize digits(const lexer *l, gsize at)
{
    while (at < l->n && (g_ascii_isdigit(l->s[at]) ||
                         (l->s[at] == '_' && at + 1 < l->n && g_ascii_isdigit(l->s[at + 1]))))
        at++;
    return at;
}

static gboolean lex_number(lexer *l)
{
    gboolean after_dot = l->at > 0 && l->s[l->at - 1] == '.', is_float = FALSE;
    gsize end = l->at, exponent;

    if (l->s[end] == '0' && end + 1 < l->n && strchr("xXoObB", l->s[end + 1])) {
        end += 2;
        while (end < l->n && (g_ascii_isxdigit(l->s[end]) || l->s[end] == '_'))
            end++;
    } else {
        end = digits(l, end);
        if (!after_dot && end + 1 < l->n && l->s[end] == '.' && g_ascii_isdigit(l->s[end + 1])) {
            end = digits(l, end + 1);
            is_float = TRUE;
        }
        if (!after_dot && end < l->n && (l->s[end] | 0x20) == 'e') {
            exponent = end + 1;
            if (exponent < l->n && (l->s[exponent] == '+' || l->s[exponent] == '-'))
                exponent++;
            if (exponent < l->n && g_ascii_isdigit(l->s[exponent])) {
                end = digits(l, exponent);
                is_float = TRUE;
            }
        }
    }
    if (!add(l, is_float ? LW_JT_FLOAT : LW_JT_INT, l->at, end - l->at))
        return FALSE;
    l->at = end;
    return TRUE;
}

/* Is this the end of the tag?  Moves behind it. */
static gboolean lex_end(lexer *l, gboolean is_print)
{
    const char *close = is_print ? "}}" : "%}";
    char sign = l->s[l->at];
    gsize at = l->at + (sign == '-' || (sign == '+' && !is_print));

    if (at > l->n || !starts(l, at, close))
        return FALSE;
    at += 2;
    if (sign == '-')
        at = skip_space(l, at);
    else if (sign != '+' && !is_print && at < l->n && l->s[at] == '\n')
        at++;
    l->at = at;
    return TRUE;
}

static gboolean lex_operator(lexer *l, char *brackets, guint *n_brackets)
{
    static const char two[][3] = {"//", "**", "==", "!=", ">=", "<="};
    char c = l->s[l->at];

    for (gsize i = 0; i < G_N_ELEMENTS(two); i++) {
        if (starts(l, l->at, two[i])) {
            l->at += 2;
            return add(l, LW_JT_OP, l->at - 2, 2);
        }
    }
    if (!strchr("+-/*%~[](){}><=.:|,;", c) || c == '\0')
        return fail(l, l->at, "an unexpected character");
    if (strchr("([{", c)) {
        if (*n_brackets == MAX_BRACKETS)
            return fail(l, l->at, "too many brackets in each other");
        brackets[(*n_brackets)++] = c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (strchr(")]}", c)) {
        if (*n_brackets == 0 || brackets[--*n_brackets] != c)
            return fail(l, l->at, "a closing bracket without an opening one");
    }
    return add(l, LW_JT_OP, l->at++, 1);
}

static gboolean lex_tag(lexer *l, gboolean is_print)
{
    char brackets[MAX_BRACKETS];
    guint n_brackets = 0;
    gsize begin = l->at;

    for (;;) {
        l->at = skip_space(l, l->at);
        if (l->at >= l->n)
            return fail(l, begin, "a tag without its end");
        gsize at = l->at;
        char c = l->s[at];
        gboolean ok;

        if (n_brackets == 0 && lex_end(l, is_print))
            return add(l, is_print ? LW_JT_PRINT_END : LW_JT_BLOCK_END, at, 0);
        if (c == '"' || c == '\'') {
            ok = lex_string(l);
        } else if (g_ascii_isdigit(c)) {
            ok = lex_number(l);
        } else if (is_name_char(c)) {
            while (l->at < l->n && is_name_char(l->s[l->at]))
                l->at++;
            ok = add(l, LW_JT_NAME, at, l->at - at);
        } else {
            ok = lex_operator(l, brackets, &n_brackets);
        }
        if (!ok)
            return FALSE;
    }
}

/* ---- Outside tags ---- */

static gboolean lex_comment(lexer *l)
{
    const char *end = l->at < l->n ? memmem(l->s + l->at, l->n - l->at, "#}", 2) : NULL;
    char sign;

    if (!end)
        return fail(l, l->at, "a comment without its end");
    sign = end > l->s + l->at ? end[-1] : '\0';
    l->at = (gsize)(end - l->s) + 2;
    if (sign == '-')
        l->at = skip_space(l, l->at);
    else if (sign != '+' && l->at < l->n && l->s[l->at] == '\n')
        l->at++;
    return TRUE;
}

/* Is there `{% word %}` at `at`?  *end gets the place behind it, *sign its first sign. */
static gboolean is_word_tag(lexer *l, gsize at, const char *word, char *sign, gsize *end)
{
    gsize after;

    if (!starts(l, at, "{%"))
        return FALSE;
    at += 2;
    *sign = at < l->n ? l->s[at] : '\0';
    at = skip_space(l, at + (*sign == '-' || *sign == '+'));
    if (!starts(l, MIN(at, l->n), word))
        return FALSE;
    after = skip_space(l, at + strlen(word));
    if (after >= l->n)
        return FALSE;
    at = l->at;
    l->at = after;
    gboolean is_end = lex_end(l, FALSE);
    *end = l->at;
    l->at = at;
    return is_end;
}

/* Everything up to endraw is text. */
static gboolean lex_raw(lexer *l, gsize from)
{
    char sign;
    gsize end;

    for (gsize at = from; at < l->n; at++) {
        if (l->s[at] == '{' && is_word_tag(l, at, "endraw", &sign, &end)) {
            l->at = end;
            return add_data(l, from, at, sign, FALSE);
        }
    }
    return fail(l, from, "a raw block without its end");
}

static gboolean lex_all(lexer *l)
{
    while (l->at < l->n) {
        gsize from = l->at, tag = from, end;
        gboolean ok, is_print;
        char sign, raw_sign;

        while (tag < l->n && !(l->s[tag] == '{' && tag + 1 < l->n && strchr("{%#", l->s[tag + 1]) &&
                               l->s[tag + 1] != '\0'))
            tag++;
        if (tag == l->n)
            return add(l, LW_JT_DATA, from, l->n - from);
        sign = tag + 2 < l->n ? l->s[tag + 2] : '\0';
        is_print = l->s[tag + 1] == '{';
        if (!add_data(l, from, tag, sign, is_print))
            return FALSE;
        l->at = tag + 2 + (sign == '-' || sign == '+');
        if (l->s[tag + 1] == '#')
            ok = lex_comment(l);
        else if (!is_print && is_word_tag(l, tag, "raw", &raw_sign, &end))
            ok = lex_raw(l, l->s[end - 1] == '\n' && l->s[end - 2] == '}' ? end - 1 : end);
        else
            ok = add(l, is_print ? LW_JT_PRINT_BEGIN : LW_JT_BLOCK_BEGIN, tag, 2) &&
                 lex_tag(l, is_print);
        if (!ok)
            return FALSE;
    }
    return TRUE;
}

/* \r\n and \r become \n; one at the end goes. */
static gsize normalise(char *s, gsize n)
{
    gsize out = 0;

    for (gsize i = 0; i < n; i++) {
        if (s[i] == '\r' && i + 1 < n && s[i + 1] == '\n')
            continue;
        s[out++] = s[i] == '\r' ? '\n' : s[i];
    }
    return out > 0 && s[out - 1] == '\n' ? out - 1 : out;
}

lw_jtoken *lw_jinja_lex(char *text, gsize n, gsize *n_tokens, GError **error)
{
    lexer l = {.s = text,
               .n = normalise(text, n),
               .line = 1,
               .tokens = g_array_new(FALSE, FALSE, sizeof(lw_jtoken)),
               .error = error};

    if (!lex_all(&l) || !add(&l, LW_JT_END, l.n, 0)) {
        g_array_unref(l.tokens);
        return NULL;
    }
    *n_tokens = l.tokens->len;
    return (lw_jtoken *)(void *)g_array_free(l.tokens, FALSE);
}
