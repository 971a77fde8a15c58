/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each scanner tries the alternatives of its pattern in order at one place.  Every alternative is
 * decided with one character of look-ahead, so there is no backtracking: a text is scanned in linear
 * time.  Invalid bytes are characters of no class.
 */
#include "engine/tokenizer/pretokenize.h"

#include <string.h>

#include "engine/tokenizer/unicode.h"

/* A character and its classes. */
typedef struct {
    guint32 cp;
    guint class; /* LETTER, NUMBER, SPACE */
    gsize n;     /* bytes; 0 at the end of the text */
} character;

/* Classes of ASCII. */
static const guint8 ascii_class[128] = {
    ['\t' ... '\r'] = LW_UNI_SPACE, [' '] = LW_UNI_SPACE,          ['0' ... '9'] = LW_UNI_NUMBER,
    ['A' ... 'Z'] = LW_UNI_LETTER,  ['a' ... 'z'] = LW_UNI_LETTER,
};

static inline character look(const guint8 *p, const guint8 *end)
{
    character c = {.cp = LW_UNI_INVALID};

    if (p >= end)
        return c;
    if (*p < 0x80)
        return (character){.cp = *p, .class = ascii_class[*p], .n = 1};
    c.n = lw_utf8_read(p, end, &c.cp);
    c.class = lw_unicode_class(c.cp) & (LW_UNI_LETTER | LW_UNI_NUMBER | LW_UNI_SPACE);
    return c;
}

static gboolean is_newline(character c)
{
    return c.cp == '\r' || c.cp == '\n';
}

/* End of the longest run from p whose characters have exactly this class (0: none of the three). */
static const guint8 *run(const guint8 *p, const guint8 *end, guint class)
{
    for (;;) {
        character c = look(p, end);

        if (c.n == 0 || c.class != class)
            return p;
        p += c.n;
    }
}

/* The letter of a contraction in lower case.  U+017F (long s) folds to s. */
static char fold(const guint8 *p, const guint8 *end, gsize *n)
{
    *n = 1;
    if (p >= end)
        return '\0';
    if (end - p >= 2 && p[0] == 0xC5 && p[1] == 0xBF) {
        *n = 2;
        return 's';
    }
    return g_ascii_tolower((char)*p);
}

/* Length of 's 't 're 've 'm 'll 'd at p, 0 when there is none. */
static gsize contraction(const guint8 *p, const guint8 *end, gboolean any_case)
{
    gsize n1, n2;
    char a, b;

    if (p >= end || *p != '\'')
        return 0;
    a = fold(p + 1, end, &n1);
    b = a != '\0' ? fold(p + 1 + n1, end, &n2) : '\0';
    if (!any_case) {
        a = p + 1 < end ? (char)p[1] : '\0';
        b = p + 2 < end ? (char)p[2] : '\0';
    }
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return 1 + n1;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
        return 3;
    return 0;
}

/* \s+(?!\S)|\s+ : a run of spaces leaves its last character to the word that follows. */
static gsize spaces(const guint8 *p, const guint8 *end)
{
    const guint8 *q = p, *last = p;

    for (;;) {
        character c = look(q, end);

        if (c.n == 0 || (c.class & LW_UNI_SPACE) == 0)
            break;
        last = q;
        q += c.n;
    }
    return (gsize)((q < end && last > p ? last : q) - p);
}

/* \s*[\r\n]+ : up to the last newline of a run of spaces, 0 without one. */
static gsize through_newlines(const guint8 *p, const guint8 *end)
{
    const guint8 *q = p, *after = p;

    for (;;) {
        character c = look(q, end);

        if (c.n == 0 || (c.class & LW_UNI_SPACE) == 0)
            return (gsize)(after - p);
        q += c.n;
        if (is_newline(c))
            after = q;
    }
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,max_digits} |
 * ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+ */
static inline gsize piece_gpt4(const guint8 *p, const guint8 *end, guint max_digits)
{
    gsize n = contraction(p, end, TRUE);
    character c, next;
    const guint8 *q;

    if (n > 0)
        return n;
    c = look(p, end);
    if (c.class == LW_UNI_LETTER)
        return (gsize)(run(p + c.n, end, LW_UNI_LETTER) - p);
    next = look(p + c.n, end);
    if (c.class == LW_UNI_NUMBER) {
        for (q = p + c.n; next.class == LW_UNI_NUMBER && --max_digits > 0; next = look(q, end))
            q += next.n;
        return (gsize)(q - p);
    }
    if (!is_newline(c) && next.class == LW_UNI_LETTER)
        return (gsize)(run(p + c.n + next.n, end, LW_UNI_LETTER) - p);
    if (c.class == 0 || (c.cp == ' ' && next.n > 0 && next.class == 0)) {
        q = run(p + c.n, end, 0);
        while (q < end && (*q == '\r' || *q == '\n'))
            q++;
        return (gsize)(q - p);
    }
    n = through_newlines(p, end);
    return n > 0 ? n : spaces(p, end);
}

static gsize piece_qwen2(const guint8 *p, const guint8 *end)
{
    return piece_gpt4(p, end, 1);
}

static gsize piece_llama3(const guint8 *p, const guint8 *end)
{
    return piece_gpt4(p, end, 3);
}

/* 's|'t|'re|'ve|'m|'ll|'d | ?\p{L}+ | ?\p{N}+ | ?[^\s\p{L}\p{N}]+ | \s+(?!\S) | \s+ */
static gsize piece_gpt2(const guint8 *p, const guint8 *end)
{
    gsize n = contraction(p, end, FALSE);
    const guint8 *q = p;
    character c;

    if (n > 0)
        return n;
    c = look(p, end);
    if (c.cp == ' ') {
        character next = look(p + 1, end);

        if (next.n == 0 || next.class == LW_UNI_SPACE)
            return spaces(p, end);
        q = p + 1;
        c = next;
    }
    if (c.class == LW_UNI_SPACE)
        return spaces(p, end);
    return (gsize)(run(q, end, c.class) - p);
}

static const lw_pretokenizer pretokenizers[] = {
    {.name = "gpt-2", .piece = piece_gpt2},
    {.name = "phi-2", .piece = piece_gpt2},
    {.name = "qwen2", .piece = piece_qwen2, .nfc = TRUE},
    {.name = "deepseek-r1-qwen", .piece = piece_qwen2, .nfc = TRUE},
    {.name = "llama-bpe", .piece = piece_llama3, .add_bos = TRUE, .whole_pieces = TRUE},
    {.name = "llama3", .piece = piece_llama3, .add_bos = TRUE, .whole_pieces = TRUE},
    {.name = "llama-v3", .piece = piece_llama3, .add_bos = TRUE, .whole_pieces = TRUE},
    {.name = "glm4", .piece = piece_llama3},
    {.name = "chatglm-bpe", .piece = piece_llama3},
};

const lw_pretokenizer *lw_pretokenizer_find(const char *name, gsize n)
{
    for (gsize i = 0; i < G_N_ELEMENTS(pretokenizers); i++) {
        if (strlen(pretokenizers[i].name) == n && memcmp(pretokenizers[i].name, name, n) == 0)
            return &pretokenizers[i];
    }
    return NULL;
}

char *lw_pretokenizer_names(void)
{
    GString *s = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(pretokenizers); i++)
        g_string_append_printf(s, "%s%s", i > 0 ? ", " : "", pretokenizers[i].name);
    return g_string_free(s, FALSE);
}
