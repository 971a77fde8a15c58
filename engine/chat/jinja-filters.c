/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What can stand behind "|".
 */
#include "engine/chat/jinja-private.h"
#include "engine/chat/jinja-text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILTER(name)                                                                               \
    static gboolean name(lw_jinja_run *r, const lw_jvalue *self, const lw_jargs *args,             \
                         const lw_jvalue *const *v, lw_jvalue *out)

/* ---- Texts ---- */

FILTER(do_trim)
{
    lw_text t;

    if (!lw_jstr(r, self, &t) || !lw_jcost(r, t.n) || !lw_jtrim(r, t, v[0], TRUE, TRUE, &t))
        return FALSE;
    *out = lw_jinja_text(t);
    return TRUE;
}

static gboolean change_case(lw_jinja_run *r, const lw_jvalue *self, lw_jcase_kind kind,
                            lw_jvalue *out)
{
    lw_text t;

    return lw_jstr(r, self, &t) && lw_jcase(r, t, kind, out);
}

FILTER(do_upper)
{
    return change_case(r, self, LW_JCASE_UPPER, out);
}

FILTER(do_lower)
{
    return change_case(r, self, LW_JCASE_LOWER, out);
}

FILTER(do_title)
{
    return change_case(r, self, LW_JCASE_WORDS, out);
}

FILTER(do_capitalize)
{
    return change_case(r, self, LW_JCASE_CAPITALIZE, out);
}

FILTER(do_replace)
{
    lw_text t;

    return lw_jstr(r, self, &t) && lw_jreplace(r, t, v[0], v[1], v[2], out);
}

/* As text: nothing is escaped for a browser here, so "safe" is the same. */
FILTER(do_string)
{
    lw_text t;

    if (!lw_jstr(r, self, &t))
        return FALSE;
    *out = lw_jinja_text(t);
    return TRUE;
}

/* Where the next line of t begins behind `at` (at t.n: no more), and where this one ends. */
static gsize next_line(lw_text t, gsize at, gsize *end)
{
    gunichar c;

    for (gsize k; at < t.n; at += k) {
        k = lw_text_char(t.bytes + at, t.n - at, &c);
        *end = at;
        if ((c >= 10 && c <= 13) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
            c == 0x2029)
            return at + k + (c == '\r' && at + 1 < t.n && t.bytes[at + 1] == '\n');
    }
    *end = t.n;
    return t.n;
}

FILTER(do_indent)
{
    gboolean first = v[1] && lw_jtrue(v[1]), blank = v[2] && lw_jtrue(v[2]), more;
    lw_text_buf b = {.limit = r->output_limit};
    lw_text t, width = {0};
    gint64 spaces = 4;
    gsize at = 0, end;

    if (!lw_jstr(r, self, &t) || !lw_jcost(r, t.n))
        return FALSE;
    if (v[0] && v[0]->kind == LW_J_TEXT)
        width = v[0]->text;
    else if (!lw_jarg_int(r, v[0], 4, &spaces))
        return FALSE;
    else
        width = (lw_text){
            lw_jliteral("                                                                ").bytes,
            lw_jliteral(" ").origins, (gsize)CLAMP(spaces, 0, 64)};
    if (spaces > 64)
        return lw_jfail(r, "an indent of more than 64");
    do {
        gboolean is_first = at == 0;
        gsize begin = at;

        at = next_line(t, at, &end);
        more = at > end; /* there was a line's end */
        if (is_first ? first : blank || end > begin)
            lw_text_buf_append(&b, width);
        lw_text_buf_append(&b, lw_text_part(t, begin, end - begin));
        if (more)
            lw_text_buf_add(&b, "\n", 1, LW_ORIGIN_OUTSIDE);
        if (!lw_jcost(r, width.n)) {
            lw_text_buf_clear(&b);
            return FALSE;
        }
    } while (more && !b.failed);
    out->kind = LW_J_TEXT;
    return lw_jtake(r, &b, &out->text);
}

/* The five characters that HTML wants written out. */
FILTER(do_escape)
{
    static const char special[] = "&<>\"'";
    static const char *const escapes[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    lw_text_buf b = {.limit = r->output_limit};
    lw_text t;

    if (!lw_jstr(r, self, &t))
        return FALSE;
    for (gsize i = 0; i < t.n; i++) {
        const char *hit = t.bytes[i] ? strchr(special, t.bytes[i]) : NULL;

        if (hit && t.origins[i] != LW_ORIGIN_MEDIA)
            lw_text_buf_add(&b, escapes[hit - special], strlen(escapes[hit - special]),
                            LW_ORIGIN_OUTSIDE);
        else
            lw_text_buf_append(&b, lw_text_part(t, i, 1));
    }
    out->kind = LW_J_TEXT;
    return lw_jtake(r, &b, &out->text);
}

/* ---- JSON ---- */

FILTER(do_tojson)
{
    lw_jjson style = {.indent = -1,
                      .ascii = v[0] && lw_jtrue(v[0]),
                      .sort_keys = v[3] && lw_jtrue(v[3]),
                      .comma = lw_jliteral(", "),
                      .colon = lw_jliteral(": ")};
    gint64 indent;

    if (!lw_jarg_int(r, v[1], -1, &indent))
        return FALSE;
    style.indent = (int)CLAMP(indent, -1, 16);
    if (style.indent >= 0)
        style.comma = lw_jliteral(",");
    if (v[2] && v[2]->kind == LW_J_LIST && v[2]->list->n == 2) {
        if (!lw_jarg_text(r, &v[2]->list->items[0], &style.comma) ||
            !lw_jarg_text(r, &v[2]->list->items[1], &style.colon))
            return FALSE;
    }
    out->kind = LW_J_TEXT;
    return lw_jtojson(r, self, &style, &out->text);
}

/* ---- Numbers ---- */

/* The text as a number, FALSE when it is none. */
static gboolean text_to_number(lw_text t, gint64 base, lw_jvalue *out)
{
    g_autofree char *s = NULL;
    char *end;

    t = lw_text_trim(t, TRUE, TRUE);
    if (t.n == 0 || t.n > 64 || base < 2 || base > 36)
        return FALSE;
    s = g_strndup(t.bytes, t.n);
    errno = 0;
    out->kind = LW_J_INT;
    out->i = g_ascii_strtoll(s, &end, (guint)base);
    if (errno == 0 && *end == '\0' && end != s)
        return TRUE;
    out->kind = LW_J_FLOAT;
    out->f = g_ascii_strtod(s, &end);
    return *end == '\0' && end != s && !strchr(s, 'x') && !strchr(s, 'X');
}

FILTER(do_int)
{
    lw_jvalue n = *self;
    gint64 base;

    if (!lw_jarg_int(r, v[1], 10, &base))
        return FALSE;
    *out = v[0] ? *v[0] : lw_jinja_int(0);
    if (self->kind == LW_J_TEXT && !text_to_number(self->text, base, &n))
        return TRUE;
    if (n.kind == LW_J_BOOL)
        *out = lw_jinja_int(n.b);
    else if (n.kind == LW_J_INT)
        *out = n;
    else if (n.kind == LW_J_FLOAT && fabs(n.f) < 9e18)
        *out = lw_jinja_int((gint64)n.f);
    return TRUE;
}

FILTER(do_float)
{
    lw_jvalue n = *self;

    *out = v[0] ? *v[0] : lw_jinja_float(0);
    if (self->kind == LW_J_TEXT && !text_to_number(self->text, 10, &n))
        return TRUE;
    if (n.kind == LW_J_BOOL || n.kind == LW_J_INT)
        *out = lw_jinja_float(n.kind == LW_J_BOOL ? n.b : (double)n.i);
    else if (n.kind == LW_J_FLOAT)
        *out = n;
    return TRUE;
}

FILTER(do_abs)
{
    if (self->kind == LW_J_FLOAT)
        *out = lw_jinja_float(fabs(self->f));
    else if (self->kind == LW_J_INT && self->i > G_MININT64)
        *out = lw_jinja_int(ABS(self->i));
    else
        return lw_jfail(r, "abs of %s", lw_jkind_name(self));
    return TRUE;
}

FILTER(do_round)
{
    char format[8], written[400];
    gint64 digits;

    if (!lw_jarg_int(r, v[0], 0, &digits) || digits < 0 || digits > 15 ||
        (self->kind != LW_J_FLOAT && self->kind != LW_J_INT))
        return lw_jfail(r, "round needs a number and 0 to 15 digits");
    *out = *self;
    if (self->kind == LW_J_FLOAT && isfinite(self->f)) {
        /* As Python: the decimal form of the exact value decides, not a scaled one. */
        g_snprintf(format, sizeof format, "%%.%df", (int)digits);
        out->f = g_ascii_strtod(g_ascii_formatd(written, sizeof written, format, self->f), NULL);
    }
    return TRUE;
}

/* ---- Sequences ---- */

FILTER(do_length)
{
    gboolean has_length;
    gsize n = lw_jlength(self, &has_length);

    if (!has_length)
        return lw_jfail(r, "%s has no length", lw_jkind_name(self));
    *out = lw_jinja_int((gint64)n);
    return lw_jcost(r, self->kind == LW_J_TEXT ? self->text.n : 1);
}

FILTER(do_default)
{
    gboolean falsy = v[1] && lw_jtrue(v[1]);

    if (self->kind == LW_J_UNDEFINED || (falsy && !lw_jtrue(self)))
        *out = v[0] ? *v[0] : lw_jinja_text((lw_text){0});
    else
        *out = *self;
    return TRUE;
}

FILTER(do_first)
{
    const lw_jlist *items;

    if (!lw_jiterate(r, self, &items))
        return FALSE;
    *out = items->n > 0
               ? items->items[0]
               : (lw_jvalue){.kind = LW_J_UNDEFINED, .text = lw_jliteral("the first element")};
    return TRUE;
}

FILTER(do_last)
{
    const lw_jlist *items;

    if (!lw_jiterate(r, self, &items))
        return FALSE;
    *out = items->n > 0
               ? items->items[items->n - 1]
               : (lw_jvalue){.kind = LW_J_UNDEFINED, .text = lw_jliteral("the last element")};
    return TRUE;
}

FILTER(do_list)
{
    const lw_jlist *items;
    lw_jlist *l;

    if (!lw_jiterate(r, self, &items) || !(l = lw_jlist_new(r, items->n)))
        return FALSE;
    if (items->n > 0)
        memcpy(l->items, items->items, items->n * sizeof *l->items);
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return lw_jcost(r, items->n * 32);
}

/* Python gives generators for these: what asks for their truth or length sees no list. */
static gboolean as_generator(lw_jvalue *v)
{
    if (v->kind == LW_J_LIST)
        v->list->generator = TRUE;
    return TRUE;
}

FILTER(do_reverse)
{
    const lw_jlist *items;
    lw_jlist *l;

    if (!lw_jiterate(r, self, &items) || !(l = lw_jlist_new(r, items->n)) ||
        !lw_jcost(r, items->n * 32))
        return FALSE;
    for (gsize i = 0; i < items->n; i++)
        l->items[i] = items->items[items->n - 1 - i];
    if (self->kind == LW_J_TEXT)
        return lw_jjoin(r, l, (lw_text){0}, out);
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return as_generator(out);
}

FILTER(do_items)
{
    if (self->kind == LW_J_UNDEFINED) {
        *out = lw_jinja_new_list(r, NULL, 0);
        return out->kind == LW_J_LIST;
    }
    if (self->kind != LW_J_MAP)
        return lw_jfail(r, "items of %s", lw_jkind_name(self));
    return lw_jmap_list(r, self->map, LW_JMAP_ITEMS, out) && as_generator(out);
}

/* ---- Attributes ---- */

/* item.a.b by a path "a.b" (or an integer); otherwise: stands for each step that leads nowhere, or
 * NULL. */
static gboolean follow_or(lw_jinja_run *r, const lw_jvalue *item, const lw_jvalue *path,
                          const lw_jvalue *otherwise, lw_jvalue *out)
{
    lw_text rest;

    *out = *item;
    if (!path || path->kind == LW_J_NONE)
        return TRUE;
    if (path->kind == LW_J_INT)
        return lw_jitem(r, item, path, out);
    if (!lw_jarg_text(r, path, &rest))
        return FALSE;
    for (;;) {
        gssize dot = lw_text_find(rest, ".", 1, 0);
        lw_jvalue part = lw_jinja_text(dot < 0 ? rest : lw_text_part(rest, 0, (gsize)dot)), next;
        lw_jvalue number;

        if (part.text.n > 0 && g_ascii_isdigit(part.text.bytes[0]) &&
            text_to_number(part.text, 10, &number))
            part = number;
        if (!lw_jitem(r, out, &part, &next))
            return FALSE;
        *out = otherwise && next.kind == LW_J_UNDEFINED ? *otherwise : next;
        if (dot < 0)
            return TRUE;
        rest = lw_text_part(rest, (gsize)dot + 1, rest.n - (gsize)dot - 1);
    }
}

static gboolean follow(lw_jinja_run *r, const lw_jvalue *item, const lw_jvalue *path,
                       lw_jvalue *out)
{
    return follow_or(r, item, path, NULL, out);
}

FILTER(do_join)
{
    lw_text separator = {0};
    const lw_jlist *items;
    lw_jlist *l;

    if (v[0] && !lw_jstr(r, v[0], &separator))
        return FALSE;
    if (!lw_jiterate(r, self, &items))
        return FALSE;
    if (v[1]) {
        if (!(l = lw_jlist_new(r, items->n)))
            return FALSE;
        for (gsize i = 0; i < items->n; i++) {
            if (!follow(r, &items->items[i], v[1], &l->items[i]))
                return FALSE;
        }
        items = l;
    }
    return lw_jjoin(r, items, separator, out);
}

/* The arguments behind the first n. */
static lw_jargs rest_of(const lw_jargs *args, guint n)
{
    lw_jargs rest = *args;

    n = MIN(n, args->n_positional);
    if (n > 0)
        rest.positional += n;
    rest.n_positional -= n;
    return rest;
}

static const lw_jvalue *named(const lw_jargs *args, const char *name)
{
    for (guint i = 0; i < args->n_named; i++) {
        if (lw_text_equal(args->named[i].key, name, strlen(name)))
            return &args->named[i].value;
    }
    return NULL;
}

/* What map and select make of nothing. */
static gboolean empty(lw_jinja_run *r, lw_jvalue *out)
{
    *out = lw_jinja_new_list(r, NULL, 0);
    if (out->kind == LW_J_LIST)
        out->list->generator = TRUE;
    return out->kind == LW_J_LIST;
}

FILTER(do_map)
{
    const lw_jvalue *attribute = named(args, "attribute"), *otherwise = named(args, "default");
    const lw_jfunction *f = NULL;
    lw_jargs rest = rest_of(args, 1);
    const lw_jlist *items;
    lw_jlist *l;

    if (!lw_jtrue(self))
        return empty(r, out);
    if (!lw_jiterate(r, self, &items) || !(l = lw_jlist_new(r, items->n)))
        return FALSE;
    l->generator = TRUE;
    if (!attribute) {
        lw_text name;

        if (args->n_positional == 0 || !lw_jarg_text(r, &args->positional[0], &name))
            return lw_jfail(r, "map needs a filter or an attribute");
        f = lw_jfind_filter(name.bytes, name.n);
        if (!f)
            return lw_jfail(r, "there is no filter \"%.*s\"", (int)MIN(name.n, 60),
                            name.n ? name.bytes : "");
    }
    for (gsize i = 0; i < items->n; i++) {
        if (f ? !lw_japply(r, f, &items->items[i], &rest, &l->items[i])
              : !follow_or(r, &items->items[i], attribute, otherwise, &l->items[i]))
            return FALSE;
    }
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return TRUE;
}

/* Items (or their attribute) that pass a test; without a test, those that are true. */
static gboolean choose(lw_jinja_run *r, const lw_jvalue *self, const lw_jargs *args,
                       gboolean by_attribute, gboolean keep, lw_jvalue *out)
{
    guint skip = by_attribute ? 1 : 0;
    lw_jargs rest = rest_of(args, skip + 1);
    const lw_jfunction *test = NULL;
    const lw_jlist *items;
    lw_jlist *l;
    gsize n = 0;

    if (by_attribute && args->n_positional == 0)
        return lw_jfail(r, "the name of an attribute expected");
    if (args->n_positional > skip) {
        lw_text name;

        if (!lw_jarg_text(r, &args->positional[skip], &name))
            return FALSE;
        test = lw_text_equal(name, "==", 2) ? lw_jfind_test("eq", 2)
                                            : lw_jfind_test(name.bytes, name.n);
        if (!test)
            return lw_jfail(r, "there is no test \"%.*s\"", (int)MIN(name.n, 60),
                            name.n ? name.bytes : "");
    }
    if (!lw_jtrue(self))
        return empty(r, out);
    if (!lw_jiterate(r, self, &items) || !(l = lw_jlist_new(r, items->n)))
        return FALSE;
    l->generator = TRUE;
    for (gsize i = 0; i < items->n; i++) {
        lw_jvalue subject, passed;

        if (!lw_jcost(r, 32) ||
            !follow(r, &items->items[i], by_attribute ? &args->positional[0] : NULL, &subject))
            return FALSE;
        passed = subject;
        if (test && !lw_japply(r, test, &subject, &rest, &passed))
            return FALSE;
        if (lw_jtrue(&passed) == keep)
            l->items[n++] = items->items[i];
    }
    l->n = n;
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return TRUE;
}

FILTER(do_select)
{
    return choose(r, self, args, FALSE, TRUE, out);
}

FILTER(do_reject)
{
    return choose(r, self, args, FALSE, FALSE, out);
}

FILTER(do_selectattr)
{
    return choose(r, self, args, TRUE, TRUE, out);
}

FILTER(do_rejectattr)
{
    return choose(r, self, args, TRUE, FALSE, out);
}

/* ---- Order ---- */

/* Stable merge sort of items[0..n) by keys (in step), largest first when reversed. */
static gboolean merge_sort(lw_jinja_run *r, lw_jvalue *items, lw_jvalue *keys, lw_jvalue *spare,
                           gsize n, gboolean fold, gboolean reverse)
{
    gsize half = n / 2, i = 0, k = half, to = 0;

    if (n < 2)
        return TRUE;
    if (!merge_sort(r, items, keys, spare, half, fold, reverse) ||
        !merge_sort(r, items + half, keys + half, spare, n - half, fold, reverse))
        return FALSE;
    while (i < half || k < n) {
        int order = i == half ? 1 : k == n ? -1 : 0;

        if (order == 0 && !lw_jorder(r, &keys[i], &keys[k], fold, &order))
            return FALSE;
        else if (i < half && k < n && reverse)
            order = -order;
        spare[to] = order <= 0 ? items[i] : items[k];
        spare[n + to++] = order <= 0 ? keys[i] : keys[k];
        *(order <= 0 ? &i : &k) += 1;
    }
    memcpy(items, spare, n * sizeof *items);
    memcpy(keys, spare + n, n * sizeof *keys);
    return TRUE;
}

static gboolean sort_list(lw_jinja_run *r, lw_jlist *l, const lw_jvalue *path, gboolean fold,
                          gboolean reverse)
{
    lw_jvalue *keys = lw_jalloc(r, l->n + 1, sizeof *keys);
    lw_jvalue *spare = lw_jalloc(r, 2 * l->n + 1, sizeof *spare);

    if (!keys || !spare)
        return FALSE;
    for (gsize i = 0; i < l->n; i++) {
        if (!follow(r, &l->items[i], path, &keys[i]))
            return FALSE;
    }
    return merge_sort(r, l->items, keys, spare, l->n, fold, reverse);
}

FILTER(do_sort)
{
    gboolean reverse = v[0] && lw_jtrue(v[0]), exact = v[1] && lw_jtrue(v[1]);

    return do_list(r, self, args, v, out) && sort_list(r, out->list, v[2], !exact, reverse);
}

FILTER(do_dictsort)
{
    gboolean exact = v[0] && lw_jtrue(v[0]), reverse = v[2] && lw_jtrue(v[2]);
    lw_jvalue column = lw_jinja_int(0);

    if (v[1] && v[1]->kind == LW_J_TEXT && lw_text_equal(v[1]->text, "value", 5))
        column.i = 1;
    if (self->kind != LW_J_MAP)
        return lw_jfail(r, "dictsort of %s", lw_jkind_name(self));
    return lw_jmap_list(r, self->map, LW_JMAP_ITEMS, out) &&
           sort_list(r, out->list, &column, !exact, reverse);
}

FILTER(do_unique)
{
    gboolean exact = v[0] && lw_jtrue(v[0]);
    const lw_jlist *items;
    lw_jvalue *keys;
    lw_jlist *l;
    gsize n = 0;

    if (!lw_jiterate(r, self, &items) || !(l = lw_jlist_new(r, items->n)) ||
        !(keys = lw_jalloc(r, items->n + 1, sizeof *keys)))
        return FALSE;
    for (gsize i = 0; i < items->n; i++) {
        gboolean there = FALSE;

        if (!follow(r, &items->items[i], v[1], &keys[n]))
            return FALSE;
        for (gsize k = 0; !there && k < n; k++) {
            int order = 0;

            if (!exact && keys[k].kind == LW_J_TEXT && keys[n].kind == LW_J_TEXT) {
                if (!lw_jorder(r, &keys[k], &keys[n], TRUE, &order))
                    return FALSE;
                there = order == 0;
            } else if (!lw_jequal(r, &keys[k], &keys[n], &there)) {
                return FALSE;
            }
        }
        if (!there)
            l->items[n++] = items->items[i];
    }
    l->n = n;
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return as_generator(out);
}

static gboolean extreme(lw_jinja_run *r, const lw_jvalue *self, const lw_jvalue *const *v, int sign,
                        lw_jvalue *out)
{
    gboolean exact = v[0] && lw_jtrue(v[0]);
    const lw_jlist *items;
    lw_jvalue best = {0}, key;

    *out = (lw_jvalue){.kind = LW_J_UNDEFINED, .text = lw_jliteral("an element")};
    if (!lw_jiterate(r, self, &items))
        return FALSE;
    for (gsize i = 0; i < items->n; i++) {
        int order = sign;

        if (!follow(r, &items->items[i], v[1], &key) ||
            (i > 0 && !lw_jorder(r, &key, &best, !exact, &order)))
            return FALSE;
        if (i == 0 || (order != 0 && (order < 0) == (sign < 0))) {
            best = key;
            *out = items->items[i];
        }
    }
    return TRUE;
}

FILTER(do_min)
{
    return extreme(r, self, v, -1, out);
}

FILTER(do_max)
{
    return extreme(r, self, v, 1, out);
}

const lw_jfunction *lw_jfind_filter(const char *name, gsize n)
{
    static const lw_jfunction table[] = {
        {"trim", do_trim, "chars"},
        {"upper", do_upper, ""},
        {"lower", do_lower, ""},
        {"title", do_title, ""},
        {"capitalize", do_capitalize, ""},
        {"replace", do_replace, "old,new,count"},
        {"string", do_string, ""},
        {"safe", do_string, ""},
        {"escape", do_escape, ""},
        {"e", do_escape, ""},
        {"indent", do_indent, "width,first,blank"},
        {"tojson", do_tojson, "ensure_ascii,indent,separators,sort_keys"},
        {"int", do_int, "default,base"},
        {"float", do_float, "default"},
        {"abs", do_abs, ""},
        {"round", do_round, "precision"},
        {"length", do_length, ""},
        {"count", do_length, ""},
        {"default", do_default, "default_value,boolean"},
        {"d", do_default, "default_value,boolean"},
        {"first", do_first, ""},
        {"last", do_last, ""},
        {"list", do_list, ""},
        {"reverse", do_reverse, ""},
        {"items", do_items, ""},
        {"join", do_join, "d,attribute"},
        {"map", do_map, NULL},
        {"select", do_select, NULL},
        {"reject", do_reject, NULL},
        {"selectattr", do_selectattr, NULL},
        {"rejectattr", do_rejectattr, NULL},
        {"sort", do_sort, "reverse,case_sensitive,attribute"},
        {"dictsort", do_dictsort, "case_sensitive,by,reverse"},
        {"unique", do_unique, "case_sensitive,attribute"},
        {"min", do_min, "case_sensitive,attribute"},
        {"max", do_max, "case_sensitive,attribute"},
        {0},
    };

    return lw_jfind_in(table, name, n);
}
