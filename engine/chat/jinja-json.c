/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Values as Python's json.dumps() writes them.  A text keeps its origins; quotes, escapes and
 * punctuation are outside.
 */
#include "engine/chat/family.h"
#include "engine/chat/jinja-private.h"

#include <string.h>

#define MAX_NESTING 64

typedef struct {
    lw_jinja_run *r;
    const lw_jjson *style;
    lw_text_buf b;
} writer;

static void add(writer *w, const char *text)
{
    lw_text_buf_add(&w->b, text, strlen(text), LW_ORIGIN_OUTSIDE);
}

/* ensure_ascii: characters beyond ASCII as \uXXXX (two of them beyond the first plane). */
static void add_ascii_text(writer *w, lw_text t)
{
    lw_text_buf json = {.limit = w->b.limit};
    char escape[16];
    gunichar c;

    lw_chat_add_json(&json, t);
    t = lw_text_buf_view(&json);
    for (gsize at = 0, k; at < t.n; at += k) {
        k = lw_text_char(t.bytes + at, t.n - at, &c);
        if (c < 0x80) {
            lw_text_buf_append(&w->b, lw_text_part(t, at, k));
            continue;
        }
        if (c >= 0x110000)
            g_snprintf(escape, sizeof escape, "\\udc%02x", (guint8)t.bytes[at]);
        else if (c >= 0x10000)
            g_snprintf(escape, sizeof escape, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10),
                       0xDC00 + ((c - 0x10000) & 0x3FF));
        else
            g_snprintf(escape, sizeof escape, "\\u%04x", c);
        add(w, escape);
    }
    w->b.failed |= json.failed;
    lw_text_buf_clear(&json);
}

static gboolean add_text(writer *w, lw_text t)
{
    if (w->style->ascii)
        add_ascii_text(w, t);
    else
        lw_chat_add_json(&w->b, t);
    return lw_jcost(w->r, t.n);
}

static void new_line(writer *w, guint depth)
{
    if (w->style->indent < 0)
        return;
    add(w, "\n");
    for (gint64 i = 0; i < (gint64)w->style->indent * depth; i++)
        add(w, " ");
}

static int by_key(const void *a, const void *b)
{
    lw_text x = (*(const lw_jpair *const *)a)->key, y = (*(const lw_jpair *const *)b)->key;
    int d = MIN(x.n, y.n) > 0 ? memcmp(x.bytes, y.bytes, MIN(x.n, y.n)) : 0;

    return d != 0 ? d : x.n < y.n ? -1 : x.n > y.n;
}

static gboolean write_value(writer *w, const lw_jvalue *v, guint depth);

static gboolean write_map(writer *w, const lw_jmap *m, guint depth)
{
    const lw_jpair **order = lw_jalloc(w->r, m->n + 1, sizeof *order);

    if (!order)
        return FALSE;
    for (gsize i = 0; i < m->n; i++)
        order[i] = &m->pairs[i];
    if (w->style->sort_keys)
        qsort(order, m->n, sizeof *order, by_key);
    add(w, "{");
    for (gsize i = 0; i < m->n; i++) {
        if (i > 0)
            lw_text_buf_append(&w->b, w->style->comma);
        new_line(w, depth + 1);
        if (!add_text(w, order[i]->key))
            return FALSE;
        lw_text_buf_append(&w->b, w->style->colon);
        if (!write_value(w, &order[i]->value, depth + 1))
            return FALSE;
    }
    if (m->n > 0)
        new_line(w, depth);
    add(w, "}");
    return TRUE;
}

static gboolean write_list(writer *w, const lw_jlist *l, guint depth)
{
    if (l->generator)
        return lw_jfail(w->r, "a generator cannot be written as JSON; a list filter is missing");
    add(w, "[");
    for (gsize i = 0; i < l->n; i++) {
        if (i > 0)
            lw_text_buf_append(&w->b, w->style->comma);
        new_line(w, depth + 1);
        if (!write_value(w, &l->items[i], depth + 1))
            return FALSE;
    }
    if (l->n > 0)
        new_line(w, depth);
    add(w, "]");
    return TRUE;
}

static gboolean write_value(writer *w, const lw_jvalue *v, guint depth)
{
    char number[40];

    if (depth > MAX_NESTING)
        return lw_jfail(w->r, "values that are nested too deeply");
    if (w->b.failed)
        return lw_jfail(w->r, "more output than a chat template may write");
    if (!lw_jcost(w->r, 32))
        return FALSE;
    switch (v->kind) {
    case LW_J_NONE:
        add(w, "null");
        return TRUE;
    case LW_J_BOOL:
        add(w, v->b ? "true" : "false");
        return TRUE;
    case LW_J_INT:
        g_snprintf(number, sizeof number, "%" G_GINT64_FORMAT, v->i);
        add(w, number);
        return TRUE;
    case LW_J_FLOAT:
        lw_jnumber(v->f, number);
        add(w, g_str_equal(number, "nan")    ? "NaN"
               : g_str_equal(number, "inf")  ? "Infinity"
               : g_str_equal(number, "-inf") ? "-Infinity"
                                             : number);
        return TRUE;
    case LW_J_TEXT:
        return add_text(w, v->text);
    case LW_J_LIST:
        return write_list(w, v->list, depth);
    case LW_J_MAP:
        return write_map(w, v->map, depth);
    default:
        return lw_jfail(w->r, "%s cannot be written as JSON", lw_jkind_name(v));
    }
}

gboolean lw_jtojson(lw_jinja_run *r, const lw_jvalue *v, const lw_jjson *style, lw_text *out)
{
    writer w = {.r = r, .style = style, .b = {.limit = r->output_limit}};

    if (!write_value(&w, v, 0)) {
        lw_text_buf_clear(&w.b);
        return FALSE;
    }
    return lw_jtake(r, &w.b, out);
}
