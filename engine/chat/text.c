/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text with an origin per byte.
 */
#include "engine/chat/text.h"

#include "engine/base/alloc.h"

#include <string.h>

/* ---- Characters ---- */

gsize lw_text_char(const char *p, gsize n, gunichar *c)
{
    guint8 first = (guint8)p[0];
    gunichar code;
    gsize length;

    if (first < 0x80) {
        if (c)
            *c = first;
        return 1;
    }
    length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    code = first >= 0xC2 && first <= 0xF4 ? g_utf8_get_char_validated(p, (gssize)MIN(n, length))
                                          : (gunichar)-1;
    if (code >= 0x110000) {
        code = G_MAXUINT32;
        length = 1;
    }
    if (c)
        *c = code;
    return length;
}

gboolean lw_text_is_space(gunichar c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

/* ---- Views ---- */

lw_text lw_text_part(lw_text t, gsize from, gsize n)
{
    if (n == 0)
        return (lw_text){0};
    return (lw_text){t.bytes + from, t.origins + from, n};
}

/* Bytes of the last character of a text that is not empty. */
static gsize last_char(lw_text t, gunichar *c)
{
    for (gsize k = MIN(t.n, 4); k > 1; k--) {
        if (lw_text_char(t.bytes + t.n - k, k, c) == k)
            return k;
    }
    lw_text_char(t.bytes + t.n - 1, 1, c);
    return 1;
}

/* A media place is never white space, whatever its bytes are. */
static gboolean is_member(lw_text t, gsize at, gunichar c, const char *set)
{
    if (t.origins[at] == LW_ORIGIN_MEDIA)
        return FALSE;
    return set ? c > 0 && c < 0x80 && strchr(set, (int)c) != NULL : lw_text_is_space(c);
}

static lw_text trim(lw_text t, const char *set, gboolean left, gboolean right)
{
    gunichar c;

    while (left && t.n > 0) {
        gsize k = lw_text_char(t.bytes, t.n, &c);

        if (!is_member(t, 0, c, set))
            break;
        t = lw_text_part(t, k, t.n - k);
    }
    while (right && t.n > 0) {
        gsize k = last_char(t, &c);

        if (!is_member(t, t.n - k, c, set))
            break;
        t = lw_text_part(t, 0, t.n - k);
    }
    return t;
}

lw_text lw_text_trim(lw_text t, gboolean left, gboolean right)
{
    return trim(t, NULL, left, right);
}

lw_text lw_text_trim_set(lw_text t, const char *set, gboolean left, gboolean right)
{
    return trim(t, set, left, right);
}

gssize lw_text_find(lw_text t, const char *needle, gsize n_needle, gsize from)
{
    const char *hit;

    if (from > t.n || n_needle > t.n - from)
        return -1;
    if (n_needle == 0)
        return (gssize)from;
    hit = memmem(t.bytes + from, t.n - from, needle, n_needle);
    return hit ? hit - t.bytes : -1;
}

gssize lw_text_find_last(lw_text t, const char *needle, gsize n_needle)
{
    for (gsize at = t.n; n_needle <= t.n && at + 1 > n_needle; at--) {
        if (n_needle == 0 || memcmp(t.bytes + at - n_needle, needle, n_needle) == 0)
            return (gssize)(at - n_needle);
    }
    return -1;
}

gboolean lw_text_equal(lw_text t, const char *bytes, gsize n)
{
    return t.n == n && (n == 0 || memcmp(t.bytes, bytes, n) == 0);
}

gboolean lw_text_is_trusted(lw_text t)
{
    for (gsize i = 0; i < t.n; i++) {
        if (t.origins[i] != LW_ORIGIN_TEMPLATE)
            return FALSE;
    }
    return TRUE;
}

gint64 lw_text_place_at(lw_text t, gsize at)
{
    gint64 number = 0;

    if (at > t.n || t.n - at < LW_TEXT_PLACE)
        return -1;
    for (gsize i = at; i < at + LW_TEXT_PLACE; i++) {
        if (t.origins[i] != LW_ORIGIN_MEDIA || !g_ascii_isdigit(t.bytes[i]))
            return -1;
        number = number * 10 + (t.bytes[i] - '0');
    }
    return number;
}

/* ---- A growing text ---- */

void lw_text_buf_clear(lw_text_buf *b)
{
    lw_free(b->bytes);
    lw_free(b->origins);
    *b = (lw_text_buf){.limit = b->limit};
}

/* Room for n more bytes. */
static gboolean reserve(lw_text_buf *b, gsize n)
{
    gsize capacity;
    char *bytes;
    guint8 *origins;

    if (b->failed)
        return FALSE;
    if (n > G_MAXSSIZE / 4 - b->n || (b->limit > 0 && n > b->limit - b->n)) {
        b->failed = b->over_limit = TRUE;
        return FALSE;
    }
    if (n <= b->capacity - b->n)
        return TRUE;
    capacity = MAX(MAX(b->capacity * 2, b->n + n), 256);
    bytes = lw_alloc_try(capacity, "the prompt's text", NULL);
    origins = lw_alloc_try(capacity, "the prompt's text", NULL);
    if (!bytes || !origins) {
        lw_free(bytes);
        lw_free(origins);
        b->failed = TRUE;
        return FALSE;
    }
    if (b->n > 0) {
        memcpy(bytes, b->bytes, b->n);
        memcpy(origins, b->origins, b->n);
    }
    lw_free(b->bytes);
    lw_free(b->origins);
    b->bytes = bytes;
    b->origins = origins;
    b->capacity = capacity;
    return TRUE;
}

gboolean lw_text_buf_add(lw_text_buf *b, const char *bytes, gsize n, lw_origin origin)
{
    if (!reserve(b, n))
        return FALSE;
    if (n > 0) {
        memcpy(b->bytes + b->n, bytes, n);
        memset(b->origins + b->n, (int)origin, n);
        b->n += n;
    }
    return TRUE;
}

gboolean lw_text_buf_add_scaffold(lw_text_buf *b, const char *literal)
{
    return lw_text_buf_add(b, literal, strlen(literal), LW_ORIGIN_TEMPLATE);
}

gboolean lw_text_buf_append(lw_text_buf *b, lw_text t)
{
    if (!reserve(b, t.n))
        return FALSE;
    if (t.n > 0) {
        memcpy(b->bytes + b->n, t.bytes, t.n);
        memcpy(b->origins + b->n, t.origins, t.n);
        b->n += t.n;
    }
    return TRUE;
}

gboolean lw_text_buf_add_place(lw_text_buf *b, guint medium)
{
    char digits[16];

    g_snprintf(digits, sizeof digits, "%06u", medium % LW_TEXT_MAX_MEDIA);
    return lw_text_buf_add(b, digits, LW_TEXT_PLACE, LW_ORIGIN_MEDIA);
}
