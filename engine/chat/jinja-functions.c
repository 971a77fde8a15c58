/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Functions without an object, and how all functions get their arguments.
 */
#include "engine/chat/family.h"
#include "engine/chat/jinja-private.h"

#include <string.h>

/* ---- Arguments ---- */

const lw_jfunction *lw_jfind_in(const lw_jfunction *table, const char *name, gsize n)
{
    for (; table->name; table++) {
        if (strlen(table->name) == n && memcmp(table->name, name, n) == 0)
            return table;
    }
    return NULL;
}

/* Index of the parameter `name` in "a,b,c", or -1. */
static int find_param(const char *params, lw_text name)
{
    for (int i = 0; *params; i++) {
        gsize n = strcspn(params, ",");

        if (lw_text_equal(name, params, n))
            return i;
        params += n + (params[n] == ',');
    }
    return -1;
}

static guint n_params(const char *params)
{
    guint n = *params ? 1 : 0;

    for (; *params; params++)
        n += *params == ',';
    return n;
}

gboolean lw_japply(lw_jinja_run *r, const lw_jfunction *f, const lw_jvalue *self,
                   const lw_jargs *args, lw_jvalue *out)
{
    const lw_jvalue *v[LW_JMAX_PARAMS] = {NULL};

    if (f->params) {
        if (args->n_positional > n_params(f->params))
            return lw_jfail(r, "\"%s\" takes %u arguments, not %u", f->name, n_params(f->params),
                            args->n_positional);
        for (guint i = 0; i < args->n_positional; i++)
            v[i] = &args->positional[i];
        for (guint i = 0; i < args->n_named; i++) {
            int k = find_param(f->params, args->named[i].key);

            if (k < 0 || v[k])
                return lw_jfail(r, "\"%s\" has no parameter \"%.*s\" here", f->name,
                                (int)MIN(args->named[i].key.n, 60), args->named[i].key.bytes);
            v[k] = &args->named[i].value;
        }
    }
    return f->call(r, self, args, v, out);
}

gboolean lw_jarg_int(lw_jinja_run *r, const lw_jvalue *v, gint64 otherwise, gint64 *out)
{
    if (v && v->kind != LW_J_INT && v->kind != LW_J_BOOL && v->kind != LW_J_NONE)
        return lw_jfail(r, "an integer expected, not %s", lw_jkind_name(v));
    *out = !v || v->kind == LW_J_NONE ? otherwise : v->kind == LW_J_INT ? v->i : v->b;
    return TRUE;
}

gboolean lw_jarg_text(lw_jinja_run *r, const lw_jvalue *v, lw_text *out)
{
    if (!v || v->kind != LW_J_TEXT)
        return lw_jfail(r, "a text expected, not %s", v ? lw_jkind_name(v) : "nothing");
    *out = v->text;
    return TRUE;
}

/* ---- The functions ---- */

static gboolean raise_exception(lw_jinja_run *r, const lw_jvalue *self, const lw_jargs *args,
                                const lw_jvalue *const *v, lw_jvalue *out)
{
    lw_text t = lw_jliteral("the template refuses the conversation");

    if (v[0] && v[0]->kind == LW_J_TEXT)
        t = v[0]->text;
    return lw_jfail(r, "%.*s", (int)MIN(t.n, 300), t.n > 0 ? t.bytes : "");
}

static gboolean strftime_now(lw_jinja_run *r, const lw_jvalue *self, const lw_jargs *args,
                             const lw_jvalue *const *v, lw_jvalue *out)
{
    g_autofree char *text = NULL;
    lw_text format;

    if (!lw_jarg_text(r, v[0], &format))
        return FALSE;
    if (format.n > 1024)
        return lw_jfail(r, "a date's format of more than 1024 bytes");
    text = lw_chat_format_date(r->date, format.bytes, format.n);
    *out = lw_jinja_new_text(r, text, strlen(text), LW_ORIGIN_OUTSIDE);
    return out->kind == LW_J_TEXT;
}

static gboolean range(lw_jinja_run *r, const lw_jvalue *self, const lw_jargs *args,
                      const lw_jvalue *const *v, lw_jvalue *out)
{
    gint64 from = 0, end, step;
    lw_jlist *l;
    gsize n;

    if (!v[0] || !lw_jarg_int(r, v[0], 0, &end) || !lw_jarg_int(r, v[2], 1, &step))
        return lw_jfail(r, "range() needs an integer");
    if (v[1]) {
        from = end;
        if (!lw_jarg_int(r, v[1], 0, &end))
            return FALSE;
    }
    if (step == 0 || ABS(step) > G_MAXINT32 || ABS(from) > G_MAXINT32 || ABS(end) > G_MAXINT32)
        return lw_jfail(r, "range() with a step of 0 or large numbers");
    n = step > 0 ? (end > from ? (gsize)((end - from + step - 1) / step) : 0)
                 : (end < from ? (gsize)((from - end - step - 1) / -step) : 0);
    if (n > 100000)
        return lw_jfail(r, "range() over %" G_GSIZE_FORMAT " numbers, more than 100000", n);
    if (!lw_jcost(r, n * 32) || !(l = lw_jlist_new(r, n)))
        return FALSE;
    for (gsize i = 0; i < n; i++)
        l->items[i] = lw_jinja_int(from + (gint64)i * step);
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return TRUE;
}

/* A mapping of the named arguments, after a mapping's (the positional one). */
static gboolean make_map(lw_jinja_run *r, const lw_jargs *args, lw_jvalue *out)
{
    const lw_jvalue *base = args->n_positional > 0 ? &args->positional[0] : NULL;

    *out = lw_jinja_new_map(r);
    if (out->kind != LW_J_MAP)
        return FALSE;
    if (base && base->kind != LW_J_MAP)
        return lw_jfail(r, "a mapping expected, not %s", lw_jkind_name(base));
    for (gsize i = 0; base && i < base->map->n; i++) {
        if (!lw_jmap_put(r, out->map, base->map->pairs[i].key, &base->map->pairs[i].value))
            return FALSE;
    }
    for (guint i = 0; i < args->n_named; i++) {
        if (!lw_jmap_put(r, out->map, args->named[i].key, &args->named[i].value))
            return FALSE;
    }
    return TRUE;
}

static gboolean dict(lw_jinja_run *r, const lw_jvalue *self, const lw_jargs *args,
                     const lw_jvalue *const *v, lw_jvalue *out)
{
    return make_map(r, args, out);
}

static gboolean make_namespace(lw_jinja_run *r, const lw_jvalue *self, const lw_jargs *args,
                               const lw_jvalue *const *v, lw_jvalue *out)
{
    if (!make_map(r, args, out))
        return FALSE;
    out->kind = LW_J_NAMESPACE;
    return TRUE;
}

const lw_jfunction *lw_jfind_global(const char *name, gsize n)
{
    static const lw_jfunction table[] = {
        {"raise_exception", raise_exception, "message"},
        {"strftime_now", strftime_now, "format"},
        {"range", range, "start,stop,step"},
        {"namespace", make_namespace, NULL},
        {"dict", dict, NULL},
        {0},
    };

    return lw_jfind_in(table, name, n);
}
