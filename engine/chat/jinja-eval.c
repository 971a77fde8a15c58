/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Expressions -> values.
 */
#include "engine/chat/jinja-private.h"

#include <math.h>
#include <string.h>

/* ---- Names ---- */

static gboolean eval_name(lw_jinja_run *r, lw_text name, lw_jvalue *out)
{
    const lw_jfunction *global;
    gsize visited = 0;

    for (const lw_jframe *f = r->frame; f; f = f->parent) {
        visited += f->n;
        for (guint i = f->n; i > 0; i--) {
            if (lw_text_equal(f->variables[i - 1].key, name.bytes, name.n)) {
                *out = f->variables[i - 1].value;
                return lw_jcost(r, visited);
            }
        }
    }
    global = lw_jfind_global(name.bytes, name.n);
    *out = global ? (lw_jvalue){.kind = LW_J_FUNCTION, .function = global}
                  : (lw_jvalue){.kind = LW_J_UNDEFINED, .text = name};
    return lw_jcost(r, visited);
}

/* depth counts recursive loops only, which there are not. */
static gboolean loop_attr(const lw_jloop *l, lw_text name, lw_jvalue *out)
{
    static const char *const names[] = {"index",  "index0",   "revindex", "revindex0",
                                        "first",  "last",     "length",   "depth",
                                        "depth0", "previtem", "nextitem"};
    gint64 i = (gint64)l->index, n = (gint64)l->items->n;
    gsize k = 0;

    while (k < G_N_ELEMENTS(names) && !lw_text_equal(name, names[k], strlen(names[k])))
        k++;
    switch (k) {
    case 0:
        *out = lw_jinja_int(i + 1);
        return TRUE;
    case 1:
        *out = lw_jinja_int(i);
        return TRUE;
    case 2:
        *out = lw_jinja_int(n - i);
        return TRUE;
    case 3:
        *out = lw_jinja_int(n - i - 1);
        return TRUE;
    case 4:
        *out = lw_jinja_bool(i == 0);
        return TRUE;
    case 5:
        *out = lw_jinja_bool(i + 1 == n);
        return TRUE;
    case 6:
        *out = lw_jinja_int(n);
        return TRUE;
    case 7:
        *out = lw_jinja_int(1);
        return TRUE;
    case 8:
        *out = lw_jinja_int(0);
        return TRUE;
    case 9:
        if (i > 0)
            *out = l->items->items[i - 1];
        return TRUE;
    case 10:
        if (i + 1 < n)
            *out = l->items->items[i + 1];
        return TRUE;
    default:
        return TRUE;
    }
}

/* "'x' is undefined", as the message of an operation on something that is not there. */
static gboolean fail_undefined(lw_jinja_run *r, const lw_jvalue *v)
{
    return lw_jfail(r, "'%.*s' is undefined", (int)MIN(v->text.n, 60),
                    v->text.n ? v->text.bytes : "");
}

gboolean lw_jattr(lw_jinja_run *r, const lw_jvalue *v, lw_text name, lw_jvalue *out)
{
    const lw_jvalue *there;
    lw_jvalue missing = {.kind = LW_J_UNDEFINED, .text = name};

    switch (v->kind) {
    case LW_J_UNDEFINED:
        return fail_undefined(r, v);
    case LW_J_MAP:
    case LW_J_NAMESPACE:
        there = lw_jmap_get(v->map, name.bytes, name.n);
        *out = there ? *there : missing;
        return lw_jcost(r, v->map->n);
    case LW_J_LOOP:
        *out = missing;
        return loop_attr(v->loop, name, out);
    default:
        *out = missing;
        return TRUE;
    }
}

gboolean lw_jitem(lw_jinja_run *r, const lw_jvalue *v, const lw_jvalue *key, lw_jvalue *out)
{
    gint64 i = key->kind == LW_J_BOOL ? key->b : key->i, n;
    gboolean has_length;

    if (key->kind == LW_J_TEXT && (v->kind != LW_J_UNDEFINED))
        return lw_jattr(r, v, key->text, out);
    if (v->kind == LW_J_UNDEFINED)
        return fail_undefined(r, v);
    *out = (lw_jvalue){.kind = LW_J_UNDEFINED, .text = lw_jliteral("an element")};
    if (v->kind == LW_J_MAP) {
        const lw_jvalue *there = lw_jmap_find(v->map, key);

        if (there)
            *out = *there;
        return lw_jcost(r, v->map->n);
    }
    if ((key->kind != LW_J_INT && key->kind != LW_J_BOOL) ||
        (v->kind != LW_J_LIST && v->kind != LW_J_TEXT))
        return TRUE;
    n = (gint64)lw_jlength(v, &has_length);
    if (i < 0)
        i += n;
    if (i < 0 || i >= n)
        return TRUE;
    if (v->kind == LW_J_LIST) {
        *out = v->list->items[i];
        return TRUE;
    }
    gsize at = 0;
    for (gint64 k = 0; k < i; k++)
        at += lw_text_char(v->text.bytes + at, v->text.n - at, NULL);
    *out = lw_jinja_text(
        lw_text_part(v->text, at, lw_text_char(v->text.bytes + at, v->text.n - at, NULL)));
    return lw_jcost(r, v->text.n);
}

/* ---- Slices ---- */

typedef struct {
    gint64 from, step;
    gsize n;
} slice;

static gint64 clamp_index(gint64 i, gint64 n, gint64 low, gint64 high)
{
    if (i < 0)
        i += n;
    return CLAMP(i, low, high);
}

/* Python's rules for a sequence of n. */
static gboolean resolve_slice(lw_jinja_run *r, const lw_jvalue *parts, gint64 n, slice *s)
{
    gint64 value[3] = {0, 0, 1}, end;
    gboolean given[3];

    for (guint i = 0; i < 3; i++) {
        given[i] = parts[i].kind != LW_J_NONE;
        if (given[i] && parts[i].kind != LW_J_INT)
            return lw_jfail(r, "a slice needs integers, not %s", lw_jkind_name(&parts[i]));
        if (given[i])
            value[i] = parts[i].i;
    }
    if (value[2] == 0)
        return lw_jfail(r, "a slice with step 0");
    s->step = CLAMP(value[2], -G_MAXINT32, G_MAXINT32);
    if (s->step > 0) {
        s->from = given[0] ? clamp_index(value[0], n, 0, n) : 0;
        end = given[1] ? clamp_index(value[1], n, 0, n) : n;
        s->n = end > s->from ? (gsize)((end - s->from + s->step - 1) / s->step) : 0;
    } else {
        s->from = given[0] ? clamp_index(value[0], n, -1, n - 1) : n - 1;
        end = given[1] ? clamp_index(value[1], n, -1, n - 1) : -1;
        s->n = end < s->from ? (gsize)((s->from - end - s->step - 1) / -s->step) : 0;
    }
    return TRUE;
}

static gboolean slice_text(lw_jinja_run *r, lw_text t, const slice *s, lw_jvalue *out)
{
    lw_text_buf b = {.limit = r->output_limit};
    g_autofree gsize *starts = NULL;
    gsize at = 0, n = 0;

    if (s->n == 0) {
        *out = lw_jinja_text((lw_text){0});
        return TRUE;
    }
    if (s->step == 1) {
        gsize from;

        for (gint64 i = 0; i < s->from; i++)
            at += lw_text_char(t.bytes + at, t.n - at, NULL);
        from = at;
        for (gsize i = 0; i < s->n; i++)
            at += lw_text_char(t.bytes + at, t.n - at, NULL);
        *out = lw_jinja_text(lw_text_part(t, from, at - from));
        return TRUE;
    }
    starts = g_try_new(gsize, t.n + 1);
    if (!starts)
        return lw_jfail(r, "not enough memory");
    for (; at < t.n; at += lw_text_char(t.bytes + at, t.n - at, NULL))
        starts[n++] = at;
    starts[n] = t.n;
    for (gsize i = 0; i < s->n; i++) {
        gsize k = (gsize)(s->from + (gint64)i * s->step);

        lw_text_buf_append(&b, lw_text_part(t, starts[k], starts[k + 1] - starts[k]));
    }
    out->kind = LW_J_TEXT;
    return lw_jtake(r, &b, &out->text);
}

static gboolean eval_slice(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out)
{
    lw_jvalue v, parts[3] = {{LW_J_NONE}, {LW_J_NONE}, {LW_J_NONE}};
    gboolean has_length;
    lw_jlist *l;
    slice s = {0};

    if (!lw_jeval(r, n->a, &v))
        return FALSE;
    for (guint i = 0; i < 3; i++) {
        if (n->items[i] && !lw_jeval(r, n->items[i], &parts[i]))
            return FALSE;
    }
    if (v.kind == LW_J_UNDEFINED)
        return fail_undefined(r, &v);
    if (v.kind != LW_J_TEXT && v.kind != LW_J_LIST)
        return lw_jfail(r, "%s has no slices", lw_jkind_name(&v));
    if (!resolve_slice(r, parts, (gint64)lw_jlength(&v, &has_length), &s))
        return FALSE;
    if (v.kind == LW_J_TEXT)
        return lw_jcost(r, v.text.n) && slice_text(r, v.text, &s, out);
    if (!lw_jcost(r, s.n) || !(l = lw_jlist_new(r, s.n)))
        return FALSE;
    for (gsize i = 0; i < s.n; i++)
        l->items[i] = v.list->items[s.from + (gint64)i * s.step];
    l->tuple = v.list->tuple;
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return TRUE;
}

/* ---- Operators ---- */

static gboolean join_texts(lw_jinja_run *r, lw_text a, lw_text b, lw_jvalue *out)
{
    char *bytes;
    guint8 *origins;

    if (a.n == 0 || b.n == 0) {
        *out = lw_jinja_text(a.n ? a : b);
        return TRUE;
    }
    bytes = lw_jalloc(r, a.n + b.n, 1);
    origins = lw_jalloc(r, a.n + b.n, 1);
    if (!bytes || !origins || !lw_jcost(r, a.n + b.n))
        return FALSE;
    memcpy(bytes, a.bytes, a.n);
    memcpy(bytes + a.n, b.bytes, b.n);
    memcpy(origins, a.origins, a.n);
    memcpy(origins + a.n, b.origins, b.n);
    *out = lw_jinja_text((lw_text){bytes, origins, a.n + b.n});
    return TRUE;
}

static gboolean join_lists(lw_jinja_run *r, const lw_jlist *a, const lw_jlist *b, lw_jvalue *out)
{
    lw_jlist *l;

    if (!lw_jcost(r, a->n + b->n) || !(l = lw_jlist_new(r, a->n + b->n)))
        return FALSE;
    if (a->n > 0)
        memcpy(l->items, a->items, a->n * sizeof *l->items);
    if (b->n > 0)
        memcpy(l->items + a->n, b->items, b->n * sizeof *l->items);
    l->tuple = a->tuple;
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return TRUE;
}

static gboolean repeat_text(lw_jinja_run *r, lw_text t, gint64 times, lw_jvalue *out)
{
    lw_text_buf b = {.limit = r->output_limit};

    for (gint64 i = 0; i < times && t.n > 0 && !b.failed; i++)
        lw_text_buf_append(&b, t);
    out->kind = LW_J_TEXT;
    return lw_jtake(r, &b, &out->text);
}

static gboolean integer(const lw_jvalue *v, gint64 *i)
{
    *i = v->kind == LW_J_BOOL ? v->b : v->i;
    return v->kind == LW_J_BOOL || v->kind == LW_J_INT;
}

static gboolean power(gint64 base, gint64 exponent, gint64 *result)
{
    *result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1 && __builtin_mul_overflow(*result, base, result))
            return FALSE;
        if (exponent > 1 && __builtin_mul_overflow(base, base, &base))
            return FALSE;
    }
    return TRUE;
}

static gboolean integer_arithmetic(lw_jinja_run *r, char op, gint64 a, gint64 b, lw_jvalue *out)
{
    gint64 result = 0;
    gboolean fits = TRUE;

    if ((op == '/' || op == 'F' || op == '%') && b == 0)
        return lw_jfail(r, "a division by zero");
    switch (op) {
    case '+':
        fits = !__builtin_add_overflow(a, b, &result);
        break;
    case '-':
        fits = !__builtin_sub_overflow(a, b, &result);
        break;
    case '*':
        fits = !__builtin_mul_overflow(a, b, &result);
        break;
    case '/':
        *out = lw_jinja_float((double)a / (double)b);
        return TRUE;
    case 'P':
        if (b < 0) {
            *out = lw_jinja_float(pow((double)a, (double)b));
            return TRUE;
        }
        fits = power(a, b, &result);
        break;
    default: /* rounded down, and the remainder has the divisor's sign */
        if (b == -1) {
            fits = !__builtin_sub_overflow((gint64)0, a, &result);
            result = op == '%' ? 0 : result;
            fits = fits || op == '%';
        } else {
            gint64 q = a / b, m = a % b;
            gboolean off = m != 0 && (m < 0) != (b < 0);

            result = op == '%' ? (off ? m + b : m) : (off ? q - 1 : q);
        }
    }
    if (!fits)
        return lw_jfail(r, "a number that is too large");
    *out = lw_jinja_int(result);
    return TRUE;
}

static gboolean float_arithmetic(lw_jinja_run *r, char op, double a, double b, lw_jvalue *out)
{
    double m;

    if ((op == '/' || op == 'F' || op == '%') && b == 0)
        return lw_jfail(r, "a division by zero");
    switch (op) {
    case '+':
        *out = lw_jinja_float(a + b);
        return TRUE;
    case '-':
        *out = lw_jinja_float(a - b);
        return TRUE;
    case '*':
        *out = lw_jinja_float(a * b);
        return TRUE;
    case '/':
        *out = lw_jinja_float(a / b);
        return TRUE;
    case 'P':
        *out = lw_jinja_float(pow(a, b));
        return TRUE;
    case 'F':
        *out = lw_jinja_float(floor(a / b));
        return TRUE;
    default:
        m = fmod(a, b);
        *out = lw_jinja_float(m != 0 && (m < 0) != (b < 0) ? m + b : m);
        return TRUE;
    }
}

static gboolean arithmetic(lw_jinja_run *r, char op, const lw_jvalue *a, const lw_jvalue *b,
                           lw_jvalue *out)
{
    gint64 i, k;
    gboolean a_int = integer(a, &i), b_int = integer(b, &k);

    if (a->kind == LW_J_UNDEFINED || b->kind == LW_J_UNDEFINED)
        return fail_undefined(r, a->kind == LW_J_UNDEFINED ? a : b);
    if (a_int && b_int)
        return integer_arithmetic(r, op, i, k, out);
    if ((a_int || a->kind == LW_J_FLOAT) && (b_int || b->kind == LW_J_FLOAT))
        return float_arithmetic(r, op, a_int ? (double)i : a->f, b_int ? (double)k : b->f, out);
    if (op == '+' && a->kind == LW_J_TEXT && b->kind == LW_J_TEXT)
        return join_texts(r, a->text, b->text, out);
    if (op == '+' && a->kind == LW_J_LIST && b->kind == LW_J_LIST)
        return join_lists(r, a->list, b->list, out);
    if (op == '*' && a->kind == LW_J_TEXT && b_int)
        return repeat_text(r, a->text, k, out);
    if (op == '*' && a_int && b->kind == LW_J_TEXT)
        return repeat_text(r, b->text, i, out);
    return lw_jfail(r, "\"%s\" between %s and %s",
                    op == 'F'   ? "//"
                    : op == 'P' ? "**"
                    : op == '+' ? "+"
                    : op == '-' ? "-"
                    : op == '*' ? "*"
                    : op == '/' ? "/"
                                : "%",
                    lw_jkind_name(a), lw_jkind_name(b));
}

static gboolean compare(lw_jinja_run *r, char op, const lw_jvalue *a, const lw_jvalue *b,
                        gboolean *result)
{
    int order = 0;

    switch (op) {
    case 'e':
    case 'n':
        if (!lw_jequal(r, a, b, result))
            return FALSE;
        *result = *result == (op == 'e');
        return TRUE;
    case 'i':
    case 'x':
        if (!lw_jcontains(r, b, a, result))
            return FALSE;
        *result = *result == (op == 'i');
        return TRUE;
    default:
        if (!lw_jorder(r, a, b, FALSE, &order))
            return FALSE;
        *result = op == '<'   ? order < 0
                  : op == '>' ? order > 0
                  : op == 'l' ? order <= 0
                              : order >= 0;
        return TRUE;
    }
}

static gboolean eval_compare(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out)
{
    lw_jvalue left, right;
    gboolean result = TRUE;

    if (!lw_jeval(r, n->a, &left))
        return FALSE;
    for (guint i = 0; result && i < n->n_items; i++) {
        if (!lw_jeval(r, n->items[i]->a, &right) ||
            !compare(r, n->items[i]->op, &left, &right, &result))
            return FALSE;
        left = right;
    }
    *out = lw_jinja_bool(result);
    return TRUE;
}

static gboolean eval_sign(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out)
{
    gboolean negate = n->kind == LW_JN_NEGATE;
    gint64 i;

    if (!lw_jeval(r, n->a, out))
        return FALSE;
    if (integer(out, &i)) {
        if (negate && __builtin_sub_overflow((gint64)0, i, &i))
            return lw_jfail(r, "a number that is too large");
        *out = lw_jinja_int(i);
        return TRUE;
    }
    if (out->kind == LW_J_UNDEFINED)
        return fail_undefined(r, out);
    if (out->kind != LW_J_FLOAT)
        return lw_jfail(r, "a sign before %s", lw_jkind_name(out));
    out->f = negate ? -out->f : out->f;
    return TRUE;
}

/* ---- Calls ---- */

static gboolean eval_arguments(lw_jinja_run *r, const lw_jnode *n, lw_jargs *args)
{
    lw_jvalue *positional;
    lw_jpair *named;

    *args = (lw_jargs){0};
    if (n->n_items == 0)
        return TRUE;
    positional = lw_jalloc(r, n->n_items, sizeof *positional);
    named = lw_jalloc(r, n->n_items, sizeof *named);
    if (!positional || !named)
        return FALSE;
    args->positional = positional;
    args->named = named;
    for (guint i = 0; i < n->n_items; i++) {
        const lw_jnode *item = n->items[i];

        if (item->kind == LW_JN_KWARG) {
            named[args->n_named].key = item->text;
            if (!lw_jeval(r, item->a, &named[args->n_named++].value))
                return FALSE;
        } else if (args->n_named > 0) {
            return lw_jfail(r, "an argument without a name behind one with a name");
        } else if (!lw_jeval(r, item, &positional[args->n_positional++])) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean eval_call(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out)
{
    const lw_jnode *callee = n->a;
    const lw_jfunction *method;
    lw_jvalue object, f;
    lw_jargs args;

    if (callee->kind == LW_JN_ATTR) {
        if (!lw_jeval(r, callee->a, &object))
            return FALSE;
        if (object.kind == LW_J_UNDEFINED)
            return fail_undefined(r, &object);
        method = lw_jfind_method(object.kind, callee->text.bytes, callee->text.n);
        if (method)
            return eval_arguments(r, n, &args) && lw_japply(r, method, &object, &args, out);
        if (!lw_jattr(r, &object, callee->text, &f))
            return FALSE;
    } else if (!lw_jeval(r, callee, &f)) {
        return FALSE;
    }
    if (f.kind == LW_J_MACRO)
        return eval_arguments(r, n, &args) && lw_jcall_macro(r, f.macro, &args, out);
    if (f.kind == LW_J_FUNCTION)
        return eval_arguments(r, n, &args) && lw_japply(r, f.function, NULL, &args, out);
    if (callee->kind == LW_JN_ATTR || callee->kind == LW_JN_NAME)
        return lw_jfail(r, "there is no function \"%.*s\" of %s", (int)MIN(callee->text.n, 60),
                        callee->text.bytes,
                        callee->kind == LW_JN_ATTR ? lw_jkind_name(&object) : "this name");
    return lw_jfail(r, "%s cannot be called", lw_jkind_name(&f));
}

static gboolean eval_filter(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out)
{
    lw_jvalue value;
    lw_jargs args;

    if (!n->function)
        return lw_jfail(r, "there is no %s \"%.*s\"", n->kind == LW_JN_TEST ? "test" : "filter",
                        (int)MIN(n->text.n, 60), n->text.bytes);
    if (!lw_jeval(r, n->a, &value) || !eval_arguments(r, n, &args) ||
        !lw_japply(r, n->function, &value, &args, out))
        return FALSE;
    if (n->kind == LW_JN_TEST && n->op == '!')
        *out = lw_jinja_bool(!lw_jtrue(out));
    return TRUE;
}

/* ---- Literals ---- */

static gboolean eval_list(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out)
{
    lw_jlist *l = lw_jlist_new(r, n->n_items);

    if (!l)
        return FALSE;
    l->tuple = n->kind == LW_JN_TUPLE;
    for (guint i = 0; i < n->n_items; i++) {
        if (!lw_jeval(r, n->items[i], &l->items[i]))
            return FALSE;
    }
    *out = (lw_jvalue){.kind = LW_J_LIST, .list = l};
    return TRUE;
}

static gboolean eval_map(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out)
{
    lw_jvalue key, value, map = lw_jinja_new_map(r);

    if (map.kind != LW_J_MAP)
        return FALSE;
    for (guint i = 0; i + 1 < n->n_items; i += 2) {
        if (!lw_jeval(r, n->items[i], &key) || !lw_jeval(r, n->items[i + 1], &value))
            return FALSE;
        if (!lw_jmap_put_value(r, map.map, &key, &value))
            return FALSE;
    }
    *out = map;
    return TRUE;
}

/* ---- All of them ---- */

static gboolean eval_pair(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out)
{
    lw_jvalue a, b;
    lw_text left, right;

    if (!lw_jeval(r, n->a, &a) || !lw_jeval(r, n->b, &b))
        return FALSE;
    if (n->kind == LW_JN_ITEM)
        return lw_jitem(r, &a, &b, out);
    if (n->kind == LW_JN_CONCAT)
        return lw_jstr(r, &a, &left) && lw_jstr(r, &b, &right) && join_texts(r, left, right, out);
    return arithmetic(r, n->op, &a, &b, out);
}

static gboolean eval(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out)
{
    lw_jvalue v;

    switch ((lw_jnode_kind)n->kind) {
    case LW_JN_CONST:
        *out = n->value;
        return TRUE;
    case LW_JN_NAME:
        return eval_name(r, n->text, out);
    case LW_JN_PIECE:
        *out = lw_jinja_text(r->piece);
        return TRUE;
    case LW_JN_ATTR:
        return lw_jeval(r, n->a, &v) && lw_jattr(r, &v, n->text, out);
    case LW_JN_SLICE:
        return eval_slice(r, n, out);
    case LW_JN_CALL:
        return eval_call(r, n, out);
    case LW_JN_FILTER:
    case LW_JN_TEST:
        return eval_filter(r, n, out);
    case LW_JN_NOT:
        if (!lw_jeval(r, n->a, &v))
            return FALSE;
        *out = lw_jinja_bool(!lw_jtrue(&v));
        return TRUE;
    case LW_JN_NEGATE:
    case LW_JN_PLUS:
        return eval_sign(r, n, out);
    case LW_JN_AND:
    case LW_JN_OR:
        if (!lw_jeval(r, n->a, out))
            return FALSE;
        return lw_jtrue(out) == (n->kind == LW_JN_OR) || lw_jeval(r, n->b, out);
    case LW_JN_ITEM:
    case LW_JN_CONCAT:
    case LW_JN_BINARY:
        return eval_pair(r, n, out);
    case LW_JN_COMPARE:
        return eval_compare(r, n, out);
    case LW_JN_COND:
        if (!lw_jeval(r, n->b, &v))
            return FALSE;
        if (lw_jtrue(&v))
            return lw_jeval(r, n->a, out);
        if (n->c)
            return lw_jeval(r, n->c, out);
        *out = (lw_jvalue){.kind = LW_J_UNDEFINED, .text = lw_jliteral("the missing else")};
        return TRUE;
    case LW_JN_LIST:
    case LW_JN_TUPLE:
        return eval_list(r, n, out);
    case LW_JN_MAP:
        return eval_map(r, n, out);
    default:
        return lw_jfail(r, "an expression expected");
    }
}

/* Calls of calls and blocks in blocks; each takes some hundred bytes of stack. */
#define MAX_DEPTH 1000

gboolean lw_jeval(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out)
{
    guint32 line = r->line;
    gboolean ok;

    r->line = n->line;
    if (r->depth >= MAX_DEPTH)
        return lw_jfail(r, "calls that are nested too deeply");
    r->depth++;
    ok = lw_jcost(r, 1) && eval(r, n, out);
    r->depth--;
    r->line = line;
    return ok;
}
