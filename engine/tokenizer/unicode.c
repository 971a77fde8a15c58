/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * NFC works on windows: from a boundary character up to the next one.  Nothing outside a window can
 * change what is inside it, so plain text costs one table lookup a character.  Decomposition and
 * composition of single characters are GLib's; the ordering of marks is ours, because a hostile text may
 * hold millions of them in a row and GLib's own normalisation sorts them in quadratic time.
 */
#include "engine/tokenizer/unicode.h"

#include <string.h>

#include "engine/tokenizer/unicode-tables.h"

/* Combining classes are 0 to 254. */
#define N_CLASSES 256
/* A run of marks at least this long is sorted by counting, a shorter one by insertion. */
#define LONG_RUN 32
/* Longest window that is normalised, in bytes. */
#define MAX_WINDOW (64 * 1024)

guint lw_unicode_class(guint32 cp)
{
    guint at;

    if (cp > 0x10FFFF)
        return 0;
    at = lw_unicode_index[cp / LW_UNICODE_BLOCK] * LW_UNICODE_BLOCK + cp % LW_UNICODE_BLOCK;
    return (lw_unicode_nibbles[at / 2] >> (at % 2 * 4)) & 15;
}

static gboolean is_tail(guint8 b)
{
    return (b & 0xC0) == 0x80;
}

gsize lw_utf8_read(const guint8 *p, const guint8 *end, guint32 *cp)
{
    gsize n = (gsize)(end - p);
    guint32 c = p[0];

    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    if (c >= 0xC2 && c < 0xE0 && n >= 2 && is_tail(p[1])) {
        *cp = (c & 0x1F) << 6 | (p[1] & 0x3F);
        return 2;
    }
    if (c >= 0xE0 && c < 0xF0 && n >= 3 && is_tail(p[1]) && is_tail(p[2])) {
        *cp = (c & 0x0F) << 12 | (guint32)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
        if (*cp >= 0x800 && (*cp < 0xD800 || *cp > 0xDFFF))
            return 3;
    }
    if (c >= 0xF0 && c < 0xF5 && n >= 4 && is_tail(p[1]) && is_tail(p[2]) && is_tail(p[3])) {
        *cp = (c & 0x07) << 18 | (guint32)(p[1] & 0x3F) << 12 | (guint32)(p[2] & 0x3F) << 6 |
              (p[3] & 0x3F);
        if (*cp >= 0x10000 && *cp <= 0x10FFFF)
            return 4;
    }
    *cp = LW_UNI_INVALID;
    return 1;
}

static gboolean is_boundary(guint32 cp)
{
    return cp < 0x300 || cp == LW_UNI_INVALID || (lw_unicode_class(cp) & LW_UNI_BOUNDARY) != 0;
}

gboolean lw_nfc_is_plain(const guint8 *text, gsize n)
{
    const guint8 *p = text, *end = text + n;

    while (p < end) {
        guint32 cp;

        /* All characters below U+0300 begin with a byte below 0xCC. */
        if (*p < 0xCC) {
            p++;
            continue;
        }
        p += lw_utf8_read(p, end, &cp);
        if (!is_boundary(cp))
            return FALSE;
    }
    return TRUE;
}

/* Stable sort by combining class of c[0..n), none of which has class 0. */
static void order_marks(gunichar *c, gsize n)
{
    if (n < LONG_RUN) {
        for (gsize i = 1; i < n; i++) {
            gunichar x = c[i];
            gint class = g_unichar_combining_class(x);
            gsize k = i;

            for (; k > 0 && g_unichar_combining_class(c[k - 1]) > class; k--)
                c[k] = c[k - 1];
            c[k] = x;
        }
    } else {
        gsize start[N_CLASSES + 1] = {0};
        gunichar *sorted = g_new(gunichar, n);

        for (gsize i = 0; i < n; i++)
            start[g_unichar_combining_class(c[i]) + 1]++;
        for (gsize k = 1; k <= N_CLASSES; k++)
            start[k] += start[k - 1];
        for (gsize i = 0; i < n; i++)
            sorted[start[g_unichar_combining_class(c[i])]++] = c[i];
        memcpy(c, sorted, n * sizeof *c);
        g_free(sorted);
    }
}

/* Canonical composition in place; returns the new length. */
static gsize compose(gunichar *c, gsize n)
{
    gsize out = 0, starter = G_MAXSIZE;
    gint last_class = -1; /* class of the last character kept after the starter, -1: none */

    for (gsize i = 0; i < n; i++) {
        gint class = g_unichar_combining_class(c[i]);
        gunichar joined;

        /* Blocked when something of the same or a higher class stands between; -1 < 0 lets an adjacent
         * starter (Hangul) through. */
        if (starter != G_MAXSIZE && last_class < class &&
            g_unichar_compose(c[starter], c[i], &joined)) {
            c[starter] = joined;
            continue;
        }
        if (class == 0) {
            starter = out;
            last_class = -1;
        } else {
            last_class = class;
        }
        c[out++] = c[i];
    }
    return out;
}

/* One window of valid characters, written to out; `chars` is scratch. */
static gsize write_window(const guint8 *p, const guint8 *end, GArray *chars, guint8 *out)
{
    gunichar *c;
    gsize n, n_out = 0;

    g_array_set_size(chars, 0);
    while (p < end) {
        gunichar parts[G_UNICHAR_MAX_DECOMPOSITION_LENGTH];
        guint32 cp;

        p += lw_utf8_read(p, end, &cp);
        n = g_unichar_fully_decompose(cp, FALSE, parts, G_N_ELEMENTS(parts));
        g_array_append_vals(chars, parts, (guint)n);
    }
    c = (gunichar *)chars->data;
    n = chars->len;
    for (gsize i = 0; i < n;) {
        gsize first = i;

        while (i < n && g_unichar_combining_class(c[i]) != 0)
            i++;
        if (i > first + 1)
            order_marks(c + first, i - first);
        if (i < n)
            i++;
    }
    n = compose(c, n);
    for (gsize i = 0; i < n; i++)
        n_out += (gsize)g_unichar_to_utf8(c[i], (char *)out + n_out);
    return n_out;
}

gsize lw_nfc(const guint8 *text, gsize n, guint8 *out)
{
    const guint8 *p = text, *end = text + n, *copied = text, *boundary = text;
    GArray *chars = g_array_new(FALSE, FALSE, sizeof(gunichar));
    gsize n_out = 0;

    while (p < end) {
        const guint8 *at = p;
        guint32 cp;

        p += lw_utf8_read(p, end, &cp);
        if (is_boundary(cp)) {
            /* An invalid byte may not begin a window: it is no character. */
            boundary = cp == LW_UNI_INVALID ? p : at;
            continue;
        }
        /* The window runs on to the next boundary. */
        while (p < end) {
            gsize k = lw_utf8_read(p, end, &cp);

            if (is_boundary(cp))
                break;
            p += k;
        }
        if (p - boundary <= MAX_WINDOW) {
            memcpy(out + n_out, copied, (gsize)(boundary - copied));
            n_out += (gsize)(boundary - copied);
            n_out += write_window(boundary, p, chars, out + n_out);
            copied = p;
        }
        boundary = p;
    }
    memcpy(out + n_out, copied, (gsize)(end - copied));
    n_out += (gsize)(end - copied);
    g_array_free(chars, TRUE);
    return n_out;
}
