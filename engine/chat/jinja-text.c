/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Operations on texts that keep the origin of every byte.
 */
#include "engine/chat/jinja-text.h"

#include <string.h>

/* Scaffold that text from outside took apart is not scaffold any more. */
static void demote(lw_text_buf *b)
{
    for (gsize i = 0; i < b->n; i++) {
        if (b->origins[i] == LW_ORIGIN_TEMPLATE)
            b->origins[i] = LW_ORIGIN_OUTSIDE;
    }
}

gboolean lw_jtrim(lw_jinja_run *r, lw_text t, const lw_jvalue *set, gboolean left, gboolean right,
                  lw_text *out)
{
    char chars[130];
    lw_text s;

    if (!set || set->kind == LW_J_NONE) {
        *out = lw_text_trim(t, left, right);
        return TRUE;
    }
    if (!lw_jarg_text(r, set, &s))
        return FALSE;
    if (s.n >= sizeof chars || memchr(s.n > 0 ? s.bytes : "", '\0', s.n))
        return lw_jfail(r, "too many characters to strip");
    for (gsize i = 0; i < s.n; i++) {
        if ((guint8)s.bytes[i] >= 0x80)
            return lw_jfail(r, "only ASCII characters can be stripped");
        chars[i] = s.bytes[i];
    }
    chars[s.n] = '\0';
    *out = lw_text_trim_set(t, chars, left, right);
    return TRUE;
}

/* ---- Split ---- */

typedef struct {
    gsize from, n;
} part;

/* Words between runs of white space, at most `limit` cuts from the left or right (the rest keeps
 * its space inside and at its far end). */
static void split_space(lw_text t, gint64 limit, gboolean from_right, GArray *parts)
{
    lw_text rest = lw_text_trim(t, TRUE, TRUE);
    gsize base = rest.n > 0 ? (gsize)(rest.bytes - t.bytes) : 0, begin = 0, at = 0;
    g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(part));
    gboolean in_word = FALSE;
    gunichar c;

    while (at < rest.n) {
        gsize k = lw_text_char(rest.bytes + at, rest.n - at, &c);
        gboolean space = rest.origins[at] != LW_ORIGIN_MEDIA && lw_text_is_space(c);

        if (in_word && space) {
            part p = {base + begin, at - begin};
            g_array_append_val(words, p);
        } else if (!in_word && !space) {
            begin = at;
        }
        in_word = !space;
        at += k;
    }
    if (in_word) {
        part p = {base + begin, rest.n - begin};
        g_array_append_val(words, p);
    }
    for (guint i = 0; i < words->len; i++) {
        part p = g_array_index(words, part, i);

        if (limit >= 0 && !from_right && i == (guint64)limit) {
            p.n = t.n - p.from; /* the rest, with the space at its end */
            g_array_append_val(parts, p);
            return;
        }
        if (limit >= 0 && from_right && words->len > limit && i < words->len - limit) {
            /* The first of the words that stay together. */
            part end = g_array_index(words, part, words->len - limit - 1);

            p = (part){0, end.from + end.n};
            i = (guint)(words->len - limit - 1);
        }
        g_array_append_val(parts, p);
    }
}

static void split_separator(lw_text t, lw_text s, gint64 limit, gboolean from_right, GArray *parts)
{
    gsize from = 0, skip = 0;
    gssize hit;

    if (from_right && limit >= 0) {
        gsize n = 0;

        for (gsize at = 0; (hit = lw_text_find(t, s.bytes, s.n, at)) >= 0; at = (gsize)hit + s.n)
            n++;
        /* The same cuts as from the left, unless separators overlap themselves. */
        skip = n > (gsize)limit ? n - (gsize)limit : 0;
        limit = -1;
    }
    for (gsize at = 0; limit != 0 && (hit = lw_text_find(t, s.bytes, s.n, at)) >= 0;) {
        at = (gsize)hit + s.n;
        if (skip > 0) {
            skip--;
            continue;
        }
        part p = {from, (gsize)hit - from};
        g_array_append_val(parts, p);
        from = at;
        limit -= limit > 0;
    }
    part last = {from, t.n - from};
    g_array_append_val(parts, last);
}

/* A list of the parts of t; outside as a whole when text from outside decided where to cut. */
static gboolean list_of_parts(lw_jinja_run *r, lw_text t, const GArray *parts, gboolean outside,
                              lw_jvalue *out)
{
    lw_jlist *l;

    if (outside && !lw_text_is_trusted(t)) {
        outside = FALSE;
        for (gsize i = 0; i < t.n; i++)
            outside |= t.origins[i] == LW_ORIGIN_TEMPLATE;
    }
    if (outside) {
        lw_text_buf b = {.limit = r->output_limit};

        lw_text_buf_append(&b, t);
        demote(&b);
        if (!lw_jtake(r, &b, &t))
            return FALSE;
    }
    if (!lw_jcost(r, t.n + (gsize)parts->len * 32) || !(l = lw_jlist_new(r, parts->len)))
        return FALSE;
    for (guint i = 0; i < parts->len; i++) {
        const part *p = &g_array_index(parts, part, i);

        l->items[i] = lw_jinja_text(lw_text_part(t, p->from, p->n));
    }
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return TRUE;
}

gboolean lw_jsplit(lw_jinja_run *r, lw_text t, const lw_jvalue *separator, const lw_jvalue *limit,
                   gboolean from_right, lw_jvalue *out)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(part));
    gboolean outside = FALSE;
    gint64 max;
    lw_text s;

    if (!lw_jarg_int(r, limit, -1, &max) || !lw_jcost(r, t.n))
        return FALSE;
    if (separator && separator->kind != LW_J_NONE) {
        if (!lw_jarg_text(r, separator, &s))
            return FALSE;
        if (s.n == 0)
            return lw_jfail(r, "an empty separator");
        outside = !lw_text_is_trusted(s);
        split_separator(t, s, max, from_right, parts);
    } else {
        split_space(t, MIN(max, G_MAXINT32), from_right, parts);
    }
    return list_of_parts(r, t, parts, outside, out);
}

gboolean lw_jlines(lw_jinja_run *r, lw_text t, lw_jvalue *out)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(part));
    gsize from = 0;
    gunichar c;

    for (gsize at = 0, k; at < t.n; at += k) {
        k = lw_text_char(t.bytes + at, t.n - at, &c);
        if (!((c >= 10 && c <= 13) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
              c == 0x2029))
            continue;
        part p = {from, at - from};
        g_array_append_val(parts, p);
        k += c == '\r' && at + 1 < t.n && t.bytes[at + 1] == '\n';
        from = at + k;
    }
    if (from < t.n) {
        part p = {from, t.n - from};
        g_array_append_val(parts, p);
    }
    return list_of_parts(r, t, parts, FALSE, out);
}

/* ---- Case ---- */

/* One character to one character; the few that become several (the sharp s) stay as they are. */
gboolean lw_jcase(lw_jinja_run *r, lw_text t, lw_jcase_kind kind, lw_jvalue *out)
{
    lw_text_buf b = {.limit = r->output_limit};
    gboolean in_word = FALSE;

    for (gsize at = 0, k; at < t.n; at += k) {
        char changed[8];
        gunichar c, to;
        guint8 origin;

        k = lw_text_char(t.bytes + at, t.n - at, &c);
        origin = t.origins[at];
        for (gsize i = 1; i < k; i++)
            origin = MIN(origin, t.origins[at + i]);
        if (c >= 0x110000 || origin == LW_ORIGIN_MEDIA) {
            lw_text_buf_append(&b, lw_text_part(t, at, k));
            in_word = FALSE;
            continue;
        }
        if (kind == LW_JCASE_UPPER || (kind != LW_JCASE_LOWER && !in_word))
            to = kind == LW_JCASE_UPPER ? g_unichar_toupper(c) : g_unichar_totitle(c);
        else
            to = g_unichar_tolower(c);
        in_word = kind == LW_JCASE_WORDS
                      ? !lw_text_is_space(c) && !(c < 0x80 && c > 0 && strchr("-({[<", (int)c))
                      : kind == LW_JCASE_CAPITALIZE || g_unichar_isalpha(c);
        lw_text_buf_add(&b, changed, (gsize)g_unichar_to_utf8(to, changed), (lw_origin)origin);
    }
    out->kind = LW_J_TEXT;
    return lw_jtake(r, &b, &out->text);
}

/* ---- Replace and join ---- */

gboolean lw_jreplace(lw_jinja_run *r, lw_text t, const lw_jvalue *old, const lw_jvalue *new,
                     const lw_jvalue *count, lw_jvalue *out)
{
    lw_text_buf b = {.limit = r->output_limit};
    gsize from = 0;
    lw_text o, n;
    gint64 left;
    gssize hit;

    if (!lw_jarg_text(r, old, &o) || !lw_jarg_text(r, new, &n) ||
        !lw_jarg_int(r, count, -1, &left) || !lw_jcost(r, t.n))
        return FALSE;
    if (o.n == 0)
        return lw_jfail(r, "replace() of an empty text");
    while (left != 0 && !b.failed && (hit = lw_text_find(t, o.bytes, o.n, from)) >= 0) {
        lw_text_buf_append(&b, lw_text_part(t, from, (gsize)hit - from));
        lw_text_buf_append(&b, n);
        from = (gsize)hit + o.n;
        left -= left > 0;
    }
    lw_text_buf_append(&b, lw_text_part(t, from, t.n - from));
    if (!lw_text_is_trusted(o))
        demote(&b);
    out->kind = LW_J_TEXT;
    return lw_jtake(r, &b, &out->text);
}

gboolean lw_jjoin(lw_jinja_run *r, const lw_jlist *items, lw_text separator, lw_jvalue *out)
{
    lw_text_buf b = {.limit = r->output_limit};

    for (gsize i = 0; i < items->n && !b.failed; i++) {
        lw_text t;

        if (!lw_jstr(r, &items->items[i], &t) || !lw_jcost(r, t.n + separator.n)) {
            lw_text_buf_clear(&b);
            return FALSE;
        }
        if (i > 0)
            lw_text_buf_append(&b, separator);
        lw_text_buf_append(&b, t);
    }
    out->kind = LW_J_TEXT;
    return lw_jtake(r, &b, &out->text);
}

/* ---- Mappings ---- */

gboolean lw_jmap_list(lw_jinja_run *r, const lw_jmap *m, lw_jmap_part which, lw_jvalue *out)
{
    lw_jlist *l = lw_jlist_new(r, m->n);

    if (!l || !lw_jcost(r, m->n * 32))
        return FALSE;
    for (gsize i = 0; i < m->n; i++) {
        lw_jvalue key = lw_jpair_key(&m->pairs[i]);
        lw_jlist *pair;

        if (which == LW_JMAP_KEYS) {
            l->items[i] = key;
        } else if (which == LW_JMAP_VALUES) {
            l->items[i] = m->pairs[i].value;
        } else {
            if (!(pair = lw_jlist_new(r, 2)))
                return FALSE;
            pair->tuple = TRUE;
            pair->items[0] = key;
            pair->items[1] = m->pairs[i].value;
            l->items[i] = (lw_jvalue){.kind = LW_J_LIST, .list = pair};
        }
    }
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return TRUE;
}
