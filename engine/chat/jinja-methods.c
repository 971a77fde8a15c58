/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Methods of texts, mappings, lists and loops, as far as they change nothing.
 */
#include "engine/chat/jinja-private.h"
#include "engine/chat/jinja-text.h"

#include <string.h>

#define METHOD(name)                                                                               \
    static gboolean name(lw_jinja_run *r, const lw_jvalue *self, const lw_jargs *args,             \
                         const lw_jvalue *const *v, lw_jvalue *out)

/* ---- Texts ---- */

static gboolean strip(lw_jinja_run *r, const lw_jvalue *self, const lw_jvalue *set, gboolean left,
                      gboolean right, lw_jvalue *out)
{
    lw_text t;

    if (!lw_jcost(r, self->text.n) || !lw_jtrim(r, self->text, set, left, right, &t))
        return FALSE;
    *out = lw_jinja_text(t);
    return TRUE;
}

METHOD(text_strip)
{
    return strip(r, self, v[0], TRUE, TRUE, out);
}

METHOD(text_lstrip)
{
    return strip(r, self, v[0], TRUE, FALSE, out);
}

METHOD(text_rstrip)
{
    return strip(r, self, v[0], FALSE, TRUE, out);
}

METHOD(text_split)
{
    return lw_jsplit(r, self->text, v[0], v[1], FALSE, out);
}

METHOD(text_rsplit)
{
    return lw_jsplit(r, self->text, v[0], v[1], TRUE, out);
}

METHOD(text_splitlines)
{
    return lw_jlines(r, self->text, out);
}

METHOD(text_upper)
{
    return lw_jcase(r, self->text, LW_JCASE_UPPER, out);
}

METHOD(text_lower)
{
    return lw_jcase(r, self->text, LW_JCASE_LOWER, out);
}

METHOD(text_title)
{
    return lw_jcase(r, self->text, LW_JCASE_TITLE, out);
}

METHOD(text_capitalize)
{
    return lw_jcase(r, self->text, LW_JCASE_CAPITALIZE, out);
}

METHOD(text_replace)
{
    return lw_jreplace(r, self->text, v[0], v[1], v[2], out);
}

METHOD(text_join)
{
    const lw_jlist *items;

    if (!v[0] || !lw_jiterate(r, v[0], &items))
        return lw_jfail(r, "join() needs a list");
    return lw_jjoin(r, items, self->text, out);
}

/* Does the text begin (or end) with part, or with one of the parts of a tuple? */
static gboolean affix(lw_jinja_run *r, lw_text t, const lw_jvalue *part, gboolean at_end,
                      lw_jvalue *out)
{
    lw_jlist one = {(lw_jvalue *)part, 1, TRUE};
    const lw_jlist *parts = part && part->kind == LW_J_LIST ? part->list : &one;
    gboolean hit = FALSE;

    for (gsize i = 0; !hit && i < parts->n; i++) {
        lw_text p;

        if (!part || !lw_jarg_text(r, &parts->items[i], &p))
            return lw_jfail(r, "a text expected");
        hit =
            p.n <= t.n && lw_text_equal(lw_text_part(t, at_end ? t.n - p.n : 0, p.n), p.bytes, p.n);
        if (!lw_jcost(r, p.n))
            return FALSE;
    }
    *out = lw_jinja_bool(hit);
    return TRUE;
}

METHOD(text_startswith)
{
    return affix(r, self->text, v[0], FALSE, out);
}

METHOD(text_endswith)
{
    return affix(r, self->text, v[0], TRUE, out);
}

static gboolean remove_affix(lw_jinja_run *r, lw_text t, const lw_jvalue *part, gboolean at_end,
                             lw_jvalue *out)
{
    lw_jvalue hit;

    if (!affix(r, t, part, at_end, &hit) || part->kind != LW_J_TEXT)
        return lw_jfail(r, "a text expected");
    if (hit.b)
        t = lw_text_part(t, at_end ? 0 : part->text.n, t.n - part->text.n);
    *out = lw_jinja_text(t);
    return TRUE;
}

METHOD(text_removeprefix)
{
    return remove_affix(r, self->text, v[0], FALSE, out);
}

METHOD(text_removesuffix)
{
    return remove_affix(r, self->text, v[0], TRUE, out);
}

/* Position in characters, -1: nowhere. */
static gboolean find(lw_jinja_run *r, lw_text t, const lw_jvalue *part, gboolean last,
                     lw_jvalue *out)
{
    gssize hit = -1;
    gsize from = 0;
    gint64 n = 0;
    lw_text p;

    if (!lw_jarg_text(r, part, &p) || !lw_jcost(r, t.n))
        return FALSE;
    for (gssize next; (next = lw_text_find(t, p.bytes, p.n, from)) >= 0; from = (gsize)next + 1) {
        hit = next;
        if (!last || !lw_jcost(r, 1))
            break;
    }
    for (gsize at = 0; hit >= 0 && at < (gsize)hit; n++)
        at += lw_text_char(t.bytes + at, t.n - at, NULL);
    *out = lw_jinja_int(hit < 0 ? -1 : n);
    return TRUE;
}

METHOD(text_find)
{
    return find(r, self->text, v[0], FALSE, out);
}

METHOD(text_rfind)
{
    return find(r, self->text, v[0], TRUE, out);
}

METHOD(text_index)
{
    if (!find(r, self->text, v[0], FALSE, out))
        return FALSE;
    return out->i >= 0 || lw_jfail(r, "index() of a text that is not there");
}

METHOD(text_count)
{
    gint64 n = 0;
    gsize from = 0;
    lw_text p;

    if (!lw_jarg_text(r, v[0], &p) || !lw_jcost(r, self->text.n))
        return FALSE;
    if (p.n == 0)
        return lw_jfail(r, "count() of an empty text");
    for (gssize next; (next = lw_text_find(self->text, p.bytes, p.n, from)) >= 0;
         from = (gsize)next + p.n)
        n++;
    *out = lw_jinja_int(n);
    return TRUE;
}

/* Is every character (and is there one) of the kind asked for? */
static gboolean all_chars(lw_jinja_run *r, lw_text t, gboolean (*is)(gunichar c), lw_jvalue *out)
{
    gboolean all = t.n > 0;
    gunichar c;

    if (!lw_jcost(r, t.n))
        return FALSE;
    for (gsize at = 0; all && at < t.n;) {
        at += lw_text_char(t.bytes + at, t.n - at, &c);
        all = c < 0x110000 && is(c);
    }
    *out = lw_jinja_bool(all);
    return TRUE;
}

static gboolean is_digit(gunichar c)
{
    return g_unichar_isdigit(c);
}

static gboolean is_alpha(gunichar c)
{
    return g_unichar_isalpha(c);
}

METHOD(text_isdigit)
{
    return all_chars(r, self->text, is_digit, out);
}

METHOD(text_isalpha)
{
    return all_chars(r, self->text, is_alpha, out);
}

METHOD(text_isspace)
{
    return all_chars(r, self->text, lw_text_is_space, out);
}

/* ---- Mappings ---- */

METHOD(map_get)
{
    const lw_jvalue *there = NULL;

    if (v[0])
        there = lw_jmap_find(self->map, v[0]);
    *out = there ? *there : v[1] ? *v[1] : lw_jinja_none();
    return lw_jcost(r, self->map->n * 32);
}

METHOD(map_items)
{
    return lw_jmap_list(r, self->map, LW_JMAP_ITEMS, out);
}

METHOD(map_keys)
{
    return lw_jmap_list(r, self->map, LW_JMAP_KEYS, out);
}

METHOD(map_values)
{
    return lw_jmap_list(r, self->map, LW_JMAP_VALUES, out);
}

/* ---- Lists and loops ---- */

static gboolean count_items(lw_jinja_run *r, const lw_jvalue *self, const lw_jvalue *item,
                            gint64 *first, gint64 *n)
{
    *first = -1;
    *n = 0;
    for (gsize i = 0; i < self->list->n; i++) {
        gboolean equal;

        if (!item || !lw_jequal(r, &self->list->items[i], item, &equal))
            return lw_jfail(r, "a value to look for expected");
        if (equal && (*n)++ == 0)
            *first = (gint64)i;
    }
    return TRUE;
}

METHOD(list_count)
{
    gint64 first, n;

    if (!count_items(r, self, v[0], &first, &n))
        return FALSE;
    *out = lw_jinja_int(n);
    return TRUE;
}

METHOD(list_index)
{
    gint64 first, n;

    if (!count_items(r, self, v[0], &first, &n))
        return FALSE;
    *out = lw_jinja_int(first);
    return n > 0 || lw_jfail(r, "index() of a value that is not there");
}

METHOD(loop_cycle)
{
    if (args->n_positional == 0)
        return lw_jfail(r, "cycle() needs values");
    *out = args->positional[self->loop->index % args->n_positional];
    return TRUE;
}

static const lw_jfunction text_methods[] = {
    {"strip", text_strip, "chars"},
    {"lstrip", text_lstrip, "chars"},
    {"rstrip", text_rstrip, "chars"},
    {"split", text_split, "sep,maxsplit"},
    {"rsplit", text_rsplit, "sep,maxsplit"},
    {"splitlines", text_splitlines, ""},
    {"upper", text_upper, ""},
    {"lower", text_lower, ""},
    {"title", text_title, ""},
    {"capitalize", text_capitalize, ""},
    {"replace", text_replace, "old,new,count"},
    {"join", text_join, "iterable"},
    {"startswith", text_startswith, "prefix"},
    {"endswith", text_endswith, "suffix"},
    {"removeprefix", text_removeprefix, "prefix"},
    {"removesuffix", text_removesuffix, "suffix"},
    {"find", text_find, "sub"},
    {"rfind", text_rfind, "sub"},
    {"index", text_index, "sub"},
    {"count", text_count, "sub"},
    {"isdigit", text_isdigit, ""},
    {"isnumeric", text_isdigit, ""},
    {"isalpha", text_isalpha, ""},
    {"isspace", text_isspace, ""},
    {0},
};

static const lw_jfunction map_methods[] = {
    {"get", map_get, "key,default"},
    {"items", map_items, ""},
    {"keys", map_keys, ""},
    {"values", map_values, ""},
    {0},
};

static const lw_jfunction list_methods[] = {
    {"count", list_count, "value"}, {"index", list_index, "value"}, {0}};
static const lw_jfunction loop_methods[] = {{"cycle", loop_cycle, NULL}, {0}};

const lw_jfunction *lw_jfind_method(lw_jkind kind, const char *name, gsize n)
{
    switch (kind) {
    case LW_J_TEXT:
        return lw_jfind_in(text_methods, name, n);
    case LW_J_MAP:
        return lw_jfind_in(map_methods, name, n);
    case LW_J_LIST:
        return lw_jfind_in(list_methods, name, n);
    case LW_J_LOOP:
        return lw_jfind_in(loop_methods, name, n);
    default:
        return NULL;
    }
}
