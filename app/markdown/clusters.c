/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What Unicode counts as one character however long it is: emoji joined by ZWJ, Hangul letters, spacing marks.  A
 * line is never broken inside of one, so a model that says such a thing for ever makes a window wider than the
 * screen.
 */
#include "app/markdown/lw-markdown.h"

#include <string.h>

#define ZWJ 0x200d
#define BREAK_CHAR 0x200b
#define BREAK "\xe2\x80\x8b" /* U+200B, where a line may be broken and nothing is seen */

/* Whether c goes on with the character before it, and takes room. */
static gboolean goes_on(gunichar before, gunichar c)
{
    if (before == ZWJ)
        return c != BREAK_CHAR;
    if (g_unichar_type(c) == G_UNICODE_SPACING_MARK)
        return TRUE;
    switch (g_unichar_break_type(c)) {
    case G_UNICODE_BREAK_HANGUL_L_JAMO:
    case G_UNICODE_BREAK_HANGUL_V_JAMO:
    case G_UNICODE_BREAK_HANGUL_T_JAMO:
        return g_unichar_break_type(before) >= G_UNICODE_BREAK_HANGUL_L_JAMO &&
               g_unichar_break_type(before) <= G_UNICODE_BREAK_HANGUL_LVT_SYLLABLE;
    default:
        return FALSE;
    }
}

/* Takes no room and ends nothing. */
static gboolean is_part(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);

    return c == ZWJ || type == G_UNICODE_NON_SPACING_MARK || type == G_UNICODE_ENCLOSING_MARK ||
           (c >= 0x1f3fb && c <= 0x1f3ff); /* colours of skin */
}

char *lw_md_break_clusters(char *text)
{
    GString *out = NULL;
    const char *done = text;
    gunichar before = 0;
    guint n = 0; /* parts of the character that take room */

    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar c;

        /* The usual text is passed over quickly. */
        if ((guchar)*p < 0x80) {
            before = 0;
            n = 0;
            continue;
        }
        c = g_utf8_get_char(p);
        if (goes_on(before, c)) {
            if (++n >= LW_MD_MAX_CLUSTER) {
                if (!out)
                    out = g_string_sized_new(2 * strlen(text));
                g_string_append_len(out, done, p - done);
                g_string_append(out, BREAK);
                done = p;
                n = 0;
            }
        } else if (!is_part(c)) {
            n = 0;
        }
        before = c;
    }
    if (!out)
        return text;
    g_string_append(out, done);
    g_free(text);
    return g_string_free(out, FALSE);
}
