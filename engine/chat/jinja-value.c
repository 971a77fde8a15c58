/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Values of a run: making, comparing, writing them as text, all as Python does.
 */
#include "engine/chat/jinja-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Lists in lists. */
#define MAX_NESTING 64

/* ---- Making ---- */

lw_jvalue lw_jinja_none(void)
{
    return (lw_jvalue){.kind = LW_J_NONE};
}

lw_jvalue lw_jinja_bool(gboolean b)
{
    return (lw_jvalue){.kind = LW_J_BOOL, .b = b != FALSE};
}

lw_jvalue lw_jinja_int(gint64 i)
{
    return (lw_jvalue){.kind = LW_J_INT, .i = i};
}

lw_jvalue lw_jinja_float(double f)
{
    return (lw_jvalue){.kind = LW_J_FLOAT, .f = f};
}

lw_jvalue lw_jinja_text(lw_text t)
{
    return (lw_jvalue){.kind = LW_J_TEXT, .text = t};
}

lw_jvalue lw_jinja_new_text(lw_jinja_run *r, const char *text, gsize n, lw_origin origin)
{
    char *bytes = lw_jalloc(r, n, 1);
    guint8 *origins = lw_jalloc(r, n, 1);

    if (!bytes || !origins)
        return (lw_jvalue){0};
    if (n > 0)
        memcpy(bytes, text, n);
    memset(origins, (int)origin, n);
    return lw_jinja_text((lw_text){bytes, origins, n});
}

lw_jlist *lw_jlist_new(lw_jinja_run *r, gsize n)
{
    lw_jlist *l = lw_jalloc(r, 1, sizeof *l);
    lw_jvalue *items = l && n > 0 ? lw_jalloc(r, n, sizeof *items) : NULL;

    if (!l || (n > 0 && !items))
        return NULL;
    if (n > 0)
        memset(items, 0, n * sizeof *items);
    *l = (lw_jlist){.items = items, .n = n};
    return l;
}

lw_jvalue lw_jinja_new_list(lw_jinja_run *r, const lw_jvalue *items, gsize n)
{
    lw_jlist *l = lw_jlist_new(r, n);

    if (!l)
        return (lw_jvalue){0};
    if (n > 0)
        memcpy(l->items, items, n * sizeof *items);
    return (lw_jvalue){.kind = LW_J_LIST, .list = l};
}

lw_jvalue lw_jinja_new_map(lw_jinja_run *r)
{
    lw_jmap *m = lw_jalloc(r, 1, sizeof *m);

    if (!m)
        return (lw_jvalue){0};
    *m = (lw_jmap){0};
    return (lw_jvalue){.kind = LW_J_MAP, .map = m};
}

lw_text lw_jliteral(const char *constant)
{
    static const guint8 outside[256];
    gsize n = MIN(strlen(constant), sizeof outside);

    return (lw_text){constant, outside, n};
}

static lw_jvalue *find_key(const lw_jmap *m, const char *key, gsize n, gboolean number)
{
    for (gsize i = 0; i < m->n; i++) {
        if (!m->pairs[i].number == !number && lw_text_equal(m->pairs[i].key, key, n))
            return &m->pairs[i].value;
    }
    return NULL;
}

lw_jvalue *lw_jmap_get(const lw_jmap *m, const char *key, gsize n)
{
    return find_key(m, key, n, FALSE);
}

lw_jvalue *lw_jmap_find(const lw_jmap *m, const lw_jvalue *key)
{
    char digits[24];

    if (key->kind == LW_J_TEXT)
        return lw_jmap_get(m, key->text.bytes, key->text.n);
    if (key->kind != LW_J_INT)
        return NULL;
    g_snprintf(digits, sizeof digits, "%" G_GINT64_FORMAT, key->i);
    return find_key(m, digits, strlen(digits), TRUE);
}

lw_jvalue lw_jpair_key(const lw_jpair *p)
{
    char digits[24] = "";

    if (!p->number)
        return lw_jinja_text(p->key);
    memcpy(digits, p->key.bytes, MIN(p->key.n, sizeof digits - 1));
    return lw_jinja_int(g_ascii_strtoll(digits, NULL, 10));
}

static gboolean put(lw_jinja_run *r, lw_jmap *m, lw_text key, gboolean number,
                    const lw_jvalue *value)
{
    lw_jvalue *there = find_key(m, key.bytes, key.n, number);

    if (!lw_jcost(r, m->n * 32))
        return FALSE;
    if (there) {
        *there = *value;
        return TRUE;
    }
    if (m->n == m->capacity) {
        gsize capacity = MAX(m->capacity * 2, 4);
        lw_jpair *pairs = lw_jalloc(r, capacity, sizeof *pairs);

        if (!pairs)
            return FALSE;
        if (m->n > 0)
            memcpy(pairs, m->pairs, m->n * sizeof *pairs);
        m->pairs = pairs;
        m->capacity = capacity;
    }
    m->pairs[m->n++] = (lw_jpair){key, *value, number};
    return TRUE;
}

gboolean lw_jmap_put(lw_jinja_run *r, lw_jmap *m, lw_text key, const lw_jvalue *value)
{
    return put(r, m, key, FALSE, value);
}

gboolean lw_jmap_put_value(lw_jinja_run *r, lw_jmap *m, const lw_jvalue *key,
                           const lw_jvalue *value)
{
    lw_text t;

    if (key->kind != LW_J_TEXT && key->kind != LW_J_INT)
        return lw_jfail(r, "a mapping's key that is %s", lw_jkind_name(key));
    return lw_jstr(r, key, &t) && put(r, m, t, key->kind == LW_J_INT, value);
}

void lw_jinja_map_put(lw_jinja_run *r, lw_jvalue map, const char *key, lw_jvalue value)
{
    if (map.kind == LW_J_MAP)
        lw_jmap_put(r, map.map, lw_jliteral(key), &value);
}

/* ---- Looking ---- */

const char *lw_jkind_name(const lw_jvalue *v)
{
    static const char *const names[] = {"undefined",   "none",   "a boolean", "an integer",
                                        "a number",    "a text", "a list",    "a mapping",
                                        "a namespace", "a loop", "a macro",   "a function"};

    return names[v->kind];
}

gsize lw_jlength(const lw_jvalue *v, gboolean *has_length)
{
    gsize n = 0;

    *has_length = TRUE;
    switch (v->kind) {
    case LW_J_TEXT:
        for (gsize at = 0; at < v->text.n; n++)
            at += lw_text_char(v->text.bytes + at, v->text.n - at, NULL);
        return n;
    case LW_J_LIST:
        *has_length = !v->list->generator;
        return v->list->n;
    case LW_J_MAP:
        return v->map->n;
    case LW_J_UNDEFINED:
        return 0;
    case LW_J_LOOP:
        return v->loop->items->n;
    default:
        *has_length = FALSE;
        return 0;
    }
}

gboolean lw_jtrue(const lw_jvalue *v)
{
    switch (v->kind) {
    case LW_J_UNDEFINED:
    case LW_J_NONE:
        return FALSE;
    case LW_J_BOOL:
        return v->b;
    case LW_J_INT:
        return v->i != 0;
    case LW_J_FLOAT:
        return v->f != 0;
    case LW_J_TEXT:
        return v->text.n > 0;
    case LW_J_LIST:
        return v->list->n > 0 || v->list->generator;
    case LW_J_MAP:
        return v->map->n > 0;
    default:
        return TRUE;
    }
}

/* ---- Comparing ---- */

static gboolean is_number(const lw_jvalue *v)
{
    return v->kind == LW_J_BOOL || v->kind == LW_J_INT || v->kind == LW_J_FLOAT;
}

static double as_double(const lw_jvalue *v)
{
    return v->kind == LW_J_FLOAT ? v->f : v->kind == LW_J_INT ? (double)v->i : (double)v->b;
}

static int order_numbers(const lw_jvalue *a, const lw_jvalue *b)
{
    double x = as_double(a), y = as_double(b);

    if (a->kind != LW_J_FLOAT && b->kind != LW_J_FLOAT) {
        gint64 i = a->kind == LW_J_INT ? a->i : a->b, k = b->kind == LW_J_INT ? b->i : b->b;
        return i < k ? -1 : i > k;
    }
    return x < y ? -1 : x > y;
}

static gboolean equal(lw_jinja_run *r, const lw_jvalue *a, const lw_jvalue *b, guint depth,
                      gboolean *result)
{
    if (depth > MAX_NESTING)
        return lw_jfail(r, "values that are nested too deeply");
    if (!lw_jcost(r, 1))
        return FALSE;
    *result = FALSE;
    if (is_number(a) && is_number(b)) {
        *result = order_numbers(a, b) == 0;
        return TRUE;
    }
    if (a->kind != b->kind)
        return TRUE;
    switch (a->kind) {
    case LW_J_UNDEFINED:
    case LW_J_NONE:
        *result = TRUE;
        return TRUE;
    case LW_J_TEXT:
        *result = lw_text_equal(a->text, b->text.bytes, b->text.n);
        return lw_jcost(r, *result ? a->text.n : 1);
    case LW_J_LIST:
        if (a->list->n != b->list->n || a->list->tuple != b->list->tuple)
            return TRUE;
        *result = TRUE;
        for (gsize i = 0; *result && i < a->list->n; i++) {
            if (!equal(r, &a->list->items[i], &b->list->items[i], depth + 1, result))
                return FALSE;
        }
        return TRUE;
    case LW_J_MAP:
        if (a->map->n != b->map->n)
            return TRUE;
        *result = TRUE;
        for (gsize i = 0; *result && i < a->map->n; i++) {
            const lw_jpair *p = &a->map->pairs[i];
            const lw_jvalue *other = find_key(b->map, p->key.bytes, p->key.n, p->number);

            *result = other != NULL;
            if (!lw_jcost(r, b->map->n * 32) ||
                (other && !equal(r, &a->map->pairs[i].value, other, depth + 1, result)))
                return FALSE;
        }
        return TRUE;
    default:
        *result = a->map == b->map; /* the same thing */
        return TRUE;
    }
}

gboolean lw_jequal(lw_jinja_run *r, const lw_jvalue *a, const lw_jvalue *b, gboolean *result)
{
    return equal(r, a, b, 0, result);
}

/* Code points in order are bytes in order. */
static int order_texts(lw_text a, lw_text b, gboolean fold)
{
    gsize n = MIN(a.n, b.n);
    int d = 0;

    if (!fold) {
        d = n > 0 ? memcmp(a.bytes, b.bytes, n) : 0;
        return d != 0 ? d : a.n < b.n ? -1 : a.n > b.n;
    }
    for (gsize i = 0, k = 0; i < a.n && k < b.n;) {
        gunichar x, y;

        i += lw_text_char(a.bytes + i, a.n - i, &x);
        k += lw_text_char(b.bytes + k, b.n - k, &y);
        x = x < 0x110000 ? g_unichar_tolower(x) : x;
        y = y < 0x110000 ? g_unichar_tolower(y) : y;
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

static gboolean order(lw_jinja_run *r, const lw_jvalue *a, const lw_jvalue *b, gboolean fold,
                      guint depth, int *result)
{
    if (depth > MAX_NESTING)
        return lw_jfail(r, "values that are nested too deeply");
    if (is_number(a) && is_number(b)) {
        *result = order_numbers(a, b);
        return lw_jcost(r, 1);
    }
    if (a->kind == LW_J_TEXT && b->kind == LW_J_TEXT) {
        *result = order_texts(a->text, b->text, fold);
        return lw_jcost(r, MIN(a->text.n, b->text.n));
    }
    if (a->kind == LW_J_LIST && b->kind == LW_J_LIST) {
        for (gsize i = 0; i < MIN(a->list->n, b->list->n); i++) {
            if (!order(r, &a->list->items[i], &b->list->items[i], fold, depth + 1, result))
                return FALSE;
            if (*result != 0)
                return TRUE;
        }
        *result = a->list->n < b->list->n ? -1 : a->list->n > b->list->n;
        return TRUE;
    }
    return lw_jfail(r, "%s and %s have no order", lw_jkind_name(a), lw_jkind_name(b));
}

gboolean lw_jorder(lw_jinja_run *r, const lw_jvalue *a, const lw_jvalue *b, gboolean fold,
                   int *result)
{
    return order(r, a, b, fold, 0, result);
}

gboolean lw_jcontains(lw_jinja_run *r, const lw_jvalue *whole, const lw_jvalue *part,
                      gboolean *result)
{
    *result = FALSE;
    switch (whole->kind) {
    case LW_J_TEXT:
        if (part->kind != LW_J_TEXT)
            return lw_jfail(r, "\"in\" a text needs a text, not %s", lw_jkind_name(part));
        *result = lw_text_find(whole->text, part->text.bytes, part->text.n, 0) >= 0;
        return lw_jcost(r, whole->text.n);
    case LW_J_LIST:
        for (gsize i = 0; !*result && i < whole->list->n; i++) {
            if (!lw_jequal(r, &whole->list->items[i], part, result))
                return FALSE;
        }
        return TRUE;
    case LW_J_MAP:
        *result = lw_jmap_find(whole->map, part) != NULL;
        return lw_jcost(r, whole->map->n * 32);
    case LW_J_UNDEFINED:
        return TRUE;
    default:
        return lw_jfail(r, "\"in\" needs a text, a list or a mapping, not %s",
                        lw_jkind_name(whole));
    }
}

/* ---- Writing ---- */

void lw_jnumber(double f, char out[40])
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    gboolean negative = signbit(f) != 0;
    int precision = 0, exponent;
    GString *s = g_string_new(NULL);
    char *mark;

    if (!isfinite(f)) {
        g_strlcpy(out, isnan(f) ? "nan" : negative ? "-inf" : "inf", 40);
        g_string_free(s, TRUE);
        return;
    }
    /* The fewest digits that give the number back. */
    do {
        char format[8];

        g_snprintf(format, sizeof format, "%%.%de", precision);
        g_ascii_formatd(digits, sizeof digits, format, fabs(f));
    } while (g_ascii_strtod(digits, NULL) != fabs(f) && ++precision < 17);
    mark = strchr(digits, 'e');
    exponent = atoi(mark + 1);
    *mark = '\0';
    if (digits[1] == '.')
        memmove(digits + 1, digits + 2, strlen(digits + 2) + 1); /* d.ddd -> dddd */
    if (exponent < -4 || exponent >= 16) {
        g_string_append_c(s, digits[0]);
        if (digits[1])
            g_string_append_printf(s, ".%s", digits + 1);
        g_string_append_printf(s, "e%c%02d", exponent < 0 ? '-' : '+', ABS(exponent));
    } else if (exponent < 0) {
        g_string_append(s, "0.");
        for (int i = -1; i > exponent; i--)
            g_string_append_c(s, '0');
        g_string_append(s, digits);
    } else {
        int n = (int)strlen(digits);

        for (int i = 0; i < MAX(n, exponent + 2); i++) {
            if (i == exponent + 1)
                g_string_append_c(s, '.');
            g_string_append_c(s, i < n ? digits[i] : '0');
        }
    }
    g_snprintf(out, 40, "%s%s", negative ? "-" : "", s->str);
    g_string_free(s, TRUE);
}

static void add_made(lw_text_buf *b, const char *text)
{
    lw_text_buf_add(b, text, strlen(text), LW_ORIGIN_OUTSIDE);
}

/* A text inside a list, in Python's quotes. */
static void add_quoted(lw_text_buf *b, lw_text t)
{
    gboolean single = t.n > 0 && memchr(t.bytes, '\'', t.n),
             twice = t.n > 0 && memchr(t.bytes, '"', t.n);
    const char *quote = single && !twice ? "\"" : "'";

    add_made(b, quote);
    for (gsize i = 0; i < t.n; i++) {
        char c = t.bytes[i], escape[8] = "";

        if (t.origins[i] != LW_ORIGIN_MEDIA) {
            if (c == '\\' || c == quote[0])
                g_snprintf(escape, sizeof escape, "\\%c", c);
            else if (c == '\n' || c == '\r' || c == '\t')
                g_snprintf(escape, sizeof escape, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
            else if ((guint8)c < 0x20 || c == 0x7F)
                g_snprintf(escape, sizeof escape, "\\x%02x", (guint8)c);
        }
        if (escape[0])
            add_made(b, escape);
        else
            lw_text_buf_append(b, lw_text_part(t, i, 1));
    }
    add_made(b, quote);
}

static gboolean write_value(lw_jinja_run *r, lw_text_buf *b, const lw_jvalue *v, guint depth)
{
    char number[40];

    if (depth > MAX_NESTING)
        return lw_jfail(r, "values that are nested too deeply");
    if (!lw_jcost(r, 32))
        return FALSE;
    switch (v->kind) {
    case LW_J_UNDEFINED:
        return TRUE;
    case LW_J_NONE:
        add_made(b, "None");
        return TRUE;
    case LW_J_BOOL:
        add_made(b, v->b ? "True" : "False");
        return TRUE;
    case LW_J_INT:
        g_snprintf(number, sizeof number, "%" G_GINT64_FORMAT, v->i);
        add_made(b, number);
        return TRUE;
    case LW_J_FLOAT:
        lw_jnumber(v->f, number);
        add_made(b, number);
        return TRUE;
    case LW_J_TEXT:
        add_quoted(b, v->text);
        return lw_jcost(r, v->text.n);
    case LW_J_LIST:
        add_made(b, v->list->tuple ? "(" : "[");
        for (gsize i = 0; i < v->list->n; i++) {
            if (i > 0)
                add_made(b, ", ");
            if (b->failed || !write_value(r, b, &v->list->items[i], depth + 1))
                return !b->failed || lw_jfail(r, "over the limit of output");
        }
        add_made(b, v->list->tuple ? (v->list->n == 1 ? ",)" : ")") : "]");
        return TRUE;
    case LW_J_MAP:
        add_made(b, "{");
        for (gsize i = 0; i < v->map->n; i++) {
            if (i > 0)
                add_made(b, ", ");
            if (v->map->pairs[i].number)
                lw_text_buf_append(b, v->map->pairs[i].key);
            else
                add_quoted(b, v->map->pairs[i].key);
            add_made(b, ": ");
            if (b->failed || !write_value(r, b, &v->map->pairs[i].value, depth + 1))
                return !b->failed || lw_jfail(r, "over the limit of output");
        }
        add_made(b, "}");
        return TRUE;
    default:
        return lw_jfail(r, "%s cannot be written as text", lw_jkind_name(v));
    }
}

gboolean lw_jtake(lw_jinja_run *r, lw_text_buf *b, lw_text *out)
{
    gboolean ok = FALSE;
    char *bytes;
    guint8 *origins;

    if (b->failed) {
        lw_jfail(r, "over the limit of output or out of memory");
    } else if ((bytes = lw_jalloc(r, b->n, 1)) && (origins = lw_jalloc(r, b->n, 1))) {
        if (b->n > 0) {
            memcpy(bytes, b->bytes, b->n);
            memcpy(origins, b->origins, b->n);
        }
        *out = (lw_text){bytes, origins, b->n};
        ok = lw_jcost(r, b->n);
    }
    lw_text_buf_clear(b);
    return ok;
}

gboolean lw_jstr(lw_jinja_run *r, const lw_jvalue *v, lw_text *out)
{
    lw_text_buf b = {.limit = r->output_limit};

    if (v->kind == LW_J_TEXT) {
        *out = v->text;
        return TRUE;
    }
    if (!write_value(r, &b, v, 0)) {
        lw_text_buf_clear(&b);
        return FALSE;
    }
    return lw_jtake(r, &b, out);
}

/* ---- Iterating ---- */

gboolean lw_jiterate(lw_jinja_run *r, const lw_jvalue *v, const lw_jlist **out)
{
    gboolean has_length;
    gsize n = lw_jlength(v, &has_length);
    lw_jlist *l;

    if (v->kind == LW_J_LIST) {
        *out = v->list;
        return TRUE;
    }
    if (!has_length || v->kind == LW_J_LOOP)
        return lw_jfail(r, "%s has no elements", lw_jkind_name(v));
    if (!lw_jcost(r, n) || !(l = lw_jlist_new(r, n)))
        return FALSE;
    for (gsize i = 0, at = 0; i < n; i++) {
        if (v->kind == LW_J_MAP) {
            l->items[i] = lw_jpair_key(&v->map->pairs[i]);
        } else {
            gsize k = lw_text_char(v->text.bytes + at, v->text.n - at, NULL);

            l->items[i] = lw_jinja_text(lw_text_part(v->text, at, k));
            at += k;
        }
    }
    *out = l;
    return TRUE;
}
