/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Statements, scopes and limits.
 *
 * Memory: values live until the run ends, but what an output or a turn of a loop made is dropped
 * afterwards, as nothing can refer to it any more unless something was stored in a namespace
 * meanwhile.
 */
#include "engine/chat/jinja-private.h"

#include "engine/lw-error.h"

#include <stdarg.h>
#include <string.h>

/* ---- Limits ---- */

gboolean lw_jfail(lw_jinja_run *r, const char *format, ...)
{
    g_autofree char *what = NULL, *valid = NULL;
    va_list args;

    if (r->error)
        return FALSE;
    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    valid = g_utf8_make_valid(what, -1);
    g_set_error(&r->error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "line %u: %s", r->line, valid);
    return FALSE;
}

gboolean lw_jcost(lw_jinja_run *r, gsize n)
{
    gsize steps = n / 32 + 1;

    if (steps <= r->steps_left) {
        r->steps_left -= steps;
        return !r->error;
    }
    r->steps_left = 0;
    return lw_jfail(r, "more steps than a chat template may take");
}

void *lw_jalloc(lw_jinja_run *r, gsize n, gsize size)
{
    void *p = n <= G_MAXSSIZE / size ? lw_jarena_alloc(&r->arena, n * size) : NULL;

    if (!p && r->arena.no_memory && !r->error)
        g_set_error(&r->error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                    "line %u: not enough memory for the chat template's values", r->line);
    else if (!p)
        lw_jfail(r, "more memory than a chat template may take");
    return p;
}

/* ---- Scopes ---- */

static lw_jframe *push_frame(lw_jinja_run *r, lw_jframe *parent)
{
    lw_jframe *f = lw_jalloc(r, 1, sizeof *f);

    if (f)
        *f = (lw_jframe){.parent = parent};
    return f;
}

gboolean lw_jset(lw_jinja_run *r, lw_jframe *f, lw_text name, const lw_jvalue *v)
{
    if (!lw_jcost(r, f->n))
        return FALSE;
    for (guint i = 0; i < f->n; i++) {
        if (lw_text_equal(f->variables[i].key, name.bytes, name.n)) {
            f->variables[i].value = *v;
            return TRUE;
        }
    }
    if (f->n == f->capacity) {
        guint capacity = MAX(f->capacity * 2, 8);
        lw_jpair *variables = lw_jalloc(r, capacity, sizeof *variables);

        if (!variables)
            return FALSE;
        if (f->n > 0)
            memcpy(variables, f->variables, f->n * sizeof *variables);
        f->variables = variables;
        f->capacity = capacity;
    }
    f->variables[f->n++] = (lw_jpair){name, *v};
    return TRUE;
}

static gboolean assign(lw_jinja_run *r, const lw_jnode *target, const lw_jvalue *v)
{
    const lw_jlist *parts;
    lw_jvalue ns;

    if (target->kind == LW_JN_NAME)
        return lw_jset(r, r->frame, target->text, v);
    if (target->kind == LW_JN_ATTR) {
        if (!lw_jeval(r, target->a, &ns))
            return FALSE;
        if (ns.kind != LW_J_NAMESPACE)
            return lw_jfail(r, "an attribute can only be set on a namespace, not on %s",
                            lw_jkind_name(&ns));
        r->stores++;
        return lw_jmap_put(r, ns.map, target->text, v);
    }
    if (!lw_jiterate(r, v, &parts))
        return FALSE;
    if (parts->n != target->n_items)
        return lw_jfail(r, "%" G_GSIZE_FORMAT " values for %u names", parts->n, target->n_items);
    for (guint i = 0; i < target->n_items; i++) {
        if (!assign(r, target->items[i], &parts->items[i]))
            return FALSE;
    }
    return TRUE;
}

/* ---- Output ---- */

static gboolean emit(lw_jinja_run *r, lw_text t)
{
    if (!lw_text_buf_append(r->out, t))
        return lw_jfail(r, r->out->over_limit ? "more output than a chat template may write"
                                              : "not enough memory for the prompt's text");
    return lw_jcost(r, t.n);
}

/* What a mark was taken for is over: drop what was made since. */
static void forget(lw_jinja_run *r, lw_jmark mark, guint64 stores)
{
    if (r->stores == stores && !r->error)
        lw_jarena_release(&r->arena, mark);
}

static gboolean run_print(lw_jinja_run *r, const lw_jnode *n)
{
    lw_jmark mark = lw_jarena_mark(&r->arena);
    guint64 stores = r->stores;
    lw_jvalue v;
    lw_text t;

    if (!lw_jeval(r, n->a, &v) || !lw_jstr(r, &v, &t) || !emit(r, t))
        return FALSE;
    forget(r, mark, stores);
    return TRUE;
}

gboolean lw_jcapture(lw_jinja_run *r, const lw_jnode *body, lw_text *out)
{
    lw_text_buf buf = {.limit = r->output_limit}, *before = r->out;
    gboolean ok;

    r->out = &buf;
    ok = lw_jexec(r, body);
    r->out = before;
    if (ok)
        return lw_jtake(r, &buf, out);
    lw_text_buf_clear(&buf);
    return FALSE;
}

/* The text of a block through its filters (NULL: none). */
static gboolean run_filters(lw_jinja_run *r, const lw_jnode *body, const lw_jnode *filters,
                            lw_jvalue *out)
{
    lw_text before = r->piece;
    gboolean ok;

    out->kind = LW_J_TEXT;
    if (!lw_jcapture(r, body, &out->text))
        return FALSE;
    if (!filters)
        return TRUE;
    r->piece = out->text;
    ok = lw_jeval(r, filters, out);
    r->piece = before;
    return ok;
}

/* ---- Blocks ---- */

static gboolean run_if(lw_jinja_run *r, const lw_jnode *n)
{
    for (guint i = 0; i + 1 < n->n_items; i += 2) {
        lw_jvalue condition;

        if (!lw_jeval(r, n->items[i], &condition))
            return FALSE;
        if (lw_jtrue(&condition))
            return lw_jexec(r, n->items[i + 1]);
    }
    return !n->b || lw_jexec(r, n->b);
}

/* The elements for which the loop's condition holds. */
static gboolean filter_items(lw_jinja_run *r, const lw_jnode *n, const lw_jlist **items)
{
    lw_jlist *kept = lw_jlist_new(r, (*items)->n);
    lw_jframe *outer = r->frame, *frame = push_frame(r, outer);
    gsize k = 0;

    if (!kept || !frame)
        return FALSE;
    r->frame = frame;
    for (gsize i = 0; i < (*items)->n; i++) {
        lw_jvalue condition;

        if (!assign(r, n->a, &(*items)->items[i]) || !lw_jeval(r, n->c, &condition)) {
            r->frame = outer;
            return FALSE;
        }
        if (lw_jtrue(&condition))
            kept->items[k++] = (*items)->items[i];
    }
    kept->n = k;
    *items = kept;
    r->frame = outer;
    return TRUE;
}

static gboolean run_turn(lw_jinja_run *r, const lw_jnode *n, lw_jloop *loop)
{
    lw_jvalue as_value = {.kind = LW_J_LOOP, .loop = loop};
    lw_jframe *outer = r->frame, *frame = push_frame(r, outer);
    gboolean ok;

    if (!frame)
        return FALSE;
    r->frame = frame;
    ok = lw_jset(r, frame, lw_jliteral("loop"), &as_value) &&
         assign(r, n->a, &loop->items->items[loop->index]) && lw_jexec(r, n->items[0]);
    r->frame = outer;
    return ok;
}

static gboolean run_for(lw_jinja_run *r, const lw_jnode *n)
{
    lw_jloop *loop;
    lw_jvalue v;
    const lw_jlist *items;

    if (!lw_jeval(r, n->b, &v) || !lw_jiterate(r, &v, &items))
        return FALSE;
    if (n->c && !filter_items(r, n, &items))
        return FALSE;
    if (items->n == 0)
        return !n->items[1] || lw_jexec(r, n->items[1]);
    loop = lw_jalloc(r, 1, sizeof *loop);
    if (!loop)
        return FALSE;
    *loop = (lw_jloop){.items = items};
    for (; loop->index < items->n; loop->index++) {
        lw_jmark mark = lw_jarena_mark(&r->arena);
        guint64 stores = r->stores;

        if (!run_turn(r, n, loop))
            return FALSE;
        forget(r, mark, stores);
        if (r->flow == LW_JFLOW_BREAK)
            break;
        r->flow = LW_JFLOW_ON;
    }
    r->flow = LW_JFLOW_ON;
    return TRUE;
}

static gboolean run_with(lw_jinja_run *r, const lw_jnode *n)
{
    lw_jframe *outer = r->frame, *frame = push_frame(r, outer);
    gboolean ok = frame != NULL;
    lw_jvalue v;

    for (guint i = 0; ok && i + 1 < n->n_items; i += 2)
        ok = lw_jeval(r, n->items[i + 1], &v) && lw_jset(r, frame, n->items[i]->text, &v);
    if (ok) {
        r->frame = frame;
        ok = lw_jexec(r, n->a);
        r->frame = outer;
    }
    return ok;
}

static gboolean define_macro(lw_jinja_run *r, const lw_jnode *n)
{
    lw_jmacro *m = lw_jalloc(r, 1, sizeof *m);
    lw_jvalue v = {.kind = LW_J_MACRO, .macro = m};

    if (!m)
        return FALSE;
    *m = (lw_jmacro){n, r->frame};
    return lw_jset(r, r->frame, n->text, &v);
}

/* Bind arguments to the parameters of a macro in r->frame. */
static gboolean bind_parameters(lw_jinja_run *r, const lw_jnode *macro, const lw_jargs *args)
{
    guint used = 0;

    if (args->n_positional > macro->n_items)
        return lw_jfail(r, "the macro \"%.*s\" takes %u arguments, not %u",
                        (int)MIN(macro->text.n, 60), macro->text.bytes, macro->n_items,
                        args->n_positional);
    for (guint i = 0; i < macro->n_items; i++) {
        lw_text name = macro->items[i]->text;
        lw_jvalue v = {.kind = LW_J_UNDEFINED, .text = name};
        const lw_jpair *named = NULL;

        for (guint k = 0; k < args->n_named; k++) {
            if (lw_text_equal(args->named[k].key, name.bytes, name.n))
                named = &args->named[k];
        }
        used += named != NULL;
        if (i < args->n_positional)
            v = args->positional[i];
        else if (named)
            v = named->value;
        else if (macro->b->items[i] && !lw_jeval(r, macro->b->items[i], &v))
            return FALSE;
        if (!lw_jset(r, r->frame, name, &v))
            return FALSE;
    }
    if (used < args->n_named)
        return lw_jfail(r, "the macro \"%.*s\" has no such parameter", (int)MIN(macro->text.n, 60),
                        macro->text.bytes);
    return TRUE;
}

gboolean lw_jcall_macro(lw_jinja_run *r, const lw_jmacro *m, const lw_jargs *args, lw_jvalue *out)
{
    lw_jframe *before = r->frame, *frame = push_frame(r, m->frame);
    lw_text piece = r->piece;
    gboolean ok;

    if (!frame)
        return FALSE;
    r->frame = frame;
    out->kind = LW_J_TEXT;
    ok = bind_parameters(r, m->node, args) && lw_jcapture(r, m->node->a, &out->text);
    r->frame = before;
    r->piece = piece;
    return ok;
}

/* ---- All of them ---- */

static gboolean exec(lw_jinja_run *r, const lw_jnode *n)
{
    lw_jvalue v;

    switch ((lw_jnode_kind)n->kind) {
    case LW_JN_DATA:
        return emit(r, n->text);
    case LW_JN_PRINT:
        return run_print(r, n);
    case LW_JN_BODY:
        for (guint i = 0; i < n->n_items && r->flow == LW_JFLOW_ON; i++) {
            if (!lw_jexec(r, n->items[i]))
                return FALSE;
        }
        return TRUE;
    case LW_JN_IF:
        return run_if(r, n);
    case LW_JN_FOR:
        return run_for(r, n);
    case LW_JN_SET:
        return lw_jeval(r, n->b, &v) && assign(r, n->a, &v);
    case LW_JN_SET_BLOCK:
        return run_filters(r, n->b, n->c, &v) && assign(r, n->a, &v);
    case LW_JN_FILTER_BLOCK: {
        lw_text t;

        return run_filters(r, n->b, n->c, &v) && lw_jstr(r, &v, &t) && emit(r, t);
    }
    case LW_JN_MACRO:
        return define_macro(r, n);
    case LW_JN_WITH:
        return run_with(r, n);
    case LW_JN_BREAK:
        r->flow = LW_JFLOW_BREAK;
        return TRUE;
    case LW_JN_CONTINUE:
        r->flow = LW_JFLOW_CONTINUE;
        return TRUE;
    default:
        return lw_jfail(r, "a statement expected");
    }
}

#define MAX_DEPTH 1000

gboolean lw_jexec(lw_jinja_run *r, const lw_jnode *n)
{
    gboolean ok;

    r->line = n->line;
    if (r->depth >= MAX_DEPTH)
        return lw_jfail(r, "blocks that are nested too deeply");
    r->depth++;
    ok = lw_jcost(r, 1) && exec(r, n);
    r->depth--;
    return ok;
}

/* ---- Doors ---- */

lw_jinja_run *lw_jinja_run_new(const lw_jinja *j, gsize n_input, const lw_jinja_limits *limits)
{
    const lw_jinja_limits none = {0};
    lw_jinja_run *r = g_new0(lw_jinja_run, 1);
    const gsize MiB = 1024 * 1024;

    if (!limits)
        limits = &none;
    n_input = MIN(n_input, G_MAXSSIZE / 128);
    r->j = j;
    r->line = 1;
    r->date = limits->date;
    r->steps_left = limits->steps ? limits->steps : 20000000 + n_input;
    r->arena.limit = limits->memory_bytes ? limits->memory_bytes : 64 * MiB + 64 * n_input;
    r->output_limit = limits->output_bytes ? limits->output_bytes : 16 * MiB + 8 * n_input;
    r->frame = push_frame(r, NULL);
    return r;
}

void lw_jinja_run_free(lw_jinja_run *r)
{
    if (!r)
        return;
    lw_jarena_clear(&r->arena);
    g_clear_error(&r->error);
    g_free(r);
}

void lw_jinja_define(lw_jinja_run *r, const char *name, lw_jvalue value)
{
    if (r->frame)
        lw_jset(r, r->frame, lw_jliteral(name), &value);
}

gboolean lw_jinja_render(lw_jinja_run *r, lw_text_buf *out, GError **error)
{
    gboolean ok = !r->error && r->frame;

    if (ok) {
        out->limit = r->output_limit;
        r->out = out;
        ok = lw_jexec(r, r->j->body);
    }
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&r->error));
    return ok;
}
