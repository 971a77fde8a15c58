/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GBNF text -> syntax tree -> nodes.  The tree exists because a repeat writes its body out several
 * times.  Nodes are made from the end to the beginning: every construct is compiled for the node
 * that follows it, so nothing has to be patched but loops and calls.
 */
#include "engine/grammar/grammar-private.h"

#include <string.h>

#include "engine/lw-error.h"

/* ---- Tree ---- */

typedef enum { TREE_CHARS, TREE_RULE, TREE_SEQUENCE, TREE_CHOICE, TREE_REPEAT } tree_kind;

typedef struct {
    gunichar first, last;
} char_range;

typedef struct tree tree;
struct tree {
    tree_kind kind;
    GArray *ranges;      /* CHARS: char_range, sorted and apart; empty: nothing matches */
    guint rule;          /* RULE */
    GPtrArray *children; /* SEQUENCE, CHOICE; REPEAT has one */
    guint min, max;      /* REPEAT; max G_MAXUINT: without end */
};

static void tree_free(gpointer p)
{
    tree *t = p;

    if (t == NULL)
        return;
    if (t->ranges)
        g_array_unref(t->ranges);
    if (t->children)
        g_ptr_array_unref(t->children);
    g_free(t);
}

static tree *tree_new(tree_kind kind)
{
    tree *t = g_new0(tree, 1);

    t->kind = kind;
    if (kind == TREE_CHARS)
        t->ranges = g_array_new(FALSE, FALSE, sizeof(char_range));
    else if (kind != TREE_RULE)
        t->children = g_ptr_array_new_with_free_func(tree_free);
    return t;
}

typedef struct {
    char *name;
    tree *body;     /* NULL: used and not defined (yet) */
    const char *at; /* in the text, where it was first used or defined */
    guint32 entry;  /* first node, once compiled */
    gboolean nullable;
} rule;

static void rule_clear(gpointer p)
{
    rule *r = p;

    g_free(r->name);
    tree_free(r->body);
}

/* ---- Parser ---- */

typedef struct {
    const char *text, *p, *end;
    GArray *rules;       /* rule */
    GHashTable *by_name; /* borrowed name -> index + 1 */
    guint depth;
    GError **error;
} parser;

static void fail_at(const parser *c, const char *at, const char *what)
{
    gsize line = 1;

    for (const char *q = c->text; q < at; q++)
        line += *q == '\n';
    g_set_error(c->error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                "the grammar, line %" G_GSIZE_FORMAT ": %s", line, what);
}

static gboolean fail(parser *c, const char *what)
{
    fail_at(c, c->p, what);
    return FALSE;
}

static void skip_blank(parser *c)
{
    for (; c->p < c->end; c->p++) {
        if (*c->p == '#') {
            while (c->p < c->end && *c->p != '\n')
                c->p++;
            if (c->p == c->end)
                return;
        } else if (!g_ascii_isspace(*c->p)) {
            return;
        }
    }
}

static gboolean is_name_char(char ch)
{
    return g_ascii_isalnum(ch) || ch == '-' || ch == '_';
}

static gsize name_length(const parser *c)
{
    gsize n = 0;

    while (c->p + n < c->end && is_name_char(c->p[n]))
        n++;
    return n;
}

/* Does `name ::=` begin here?  Then the rule before it has ended. */
static gboolean at_definition(const parser *c)
{
    parser look = *c;

    look.p += name_length(c);
    if (look.p == c->p)
        return FALSE;
    skip_blank(&look);
    return look.end - look.p >= 3 && memcmp(look.p, "::=", 3) == 0;
}

static guint rule_index(parser *c, const char *name, gsize n)
{
    g_autofree char *key = g_strndup(name, n);
    guint i = GPOINTER_TO_UINT(g_hash_table_lookup(c->by_name, key));

    if (i == 0) {
        rule r = {.name = g_steal_pointer(&key), .at = name};
        g_array_append_val(c->rules, r);
        i = c->rules->len;
        g_hash_table_insert(c->by_name, r.name, GUINT_TO_POINTER(i));
    }
    return i - 1;
}

static int hex_digits(parser *c, int n, gunichar *out)
{
    gunichar v = 0;

    for (int i = 0; i < n; i++, c->p++) {
        int d = c->p < c->end ? g_ascii_xdigit_value(*c->p) : -1;
        if (d < 0)
            return fail(c, "an escape needs more hexadecimal digits");
        v = v << 4 | (gunichar)d;
    }
    *out = v;
    return TRUE;
}

/* One character of a literal or a class, escapes undone. */
static gboolean parse_char(parser *c, gunichar *out)
{
    if (c->p == c->end)
        return fail(c, "the text ends inside a literal or a class");
    if (*c->p != '\\') {
        gunichar u = g_utf8_get_char_validated(c->p, c->end - c->p);
        if (u == (gunichar)-1 || u == (gunichar)-2)
            return fail(c, "the text is not valid UTF-8");
        c->p = g_utf8_next_char(c->p);
        *out = u;
        return TRUE;
    }
    if (++c->p == c->end)
        return fail(c, "the text ends inside an escape");
    char e = *c->p++;
    switch (e) {
    case 'n':
        *out = '\n';
        return TRUE;
    case 'r':
        *out = '\r';
        return TRUE;
    case 't':
        *out = '\t';
        return TRUE;
    case 'x':
        return hex_digits(c, 2, out);
    case 'u':
        return hex_digits(c, 4, out);
    case 'U':
        return hex_digits(c, 8, out);
    case '\\':
    case '"':
    case '[':
    case ']':
    case '-':
    case '^':
        *out = (gunichar)e;
        return TRUE;
    default:
        c->p--;
        return fail(c, "an unknown escape");
    }
}

#define LAST_CHAR 0x10FFFF

static int by_first(const void *a, const void *b)
{
    const char_range *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

/* Sort, join what touches, turn around when negated, and take the surrogates out. */
static void tidy_ranges(GArray **ranges, gboolean negate)
{
    GArray *in = *ranges, *out = g_array_new(FALSE, FALSE, sizeof(char_range));
    gunichar next = 0;

    g_array_sort(in, by_first);
    for (guint i = 0; i < in->len; i++) {
        char_range r = g_array_index(in, char_range, i);
        char_range *last = out->len ? &g_array_index(out, char_range, out->len - 1) : NULL;
        if (last && r.first <= last->last + 1)
            last->last = MAX(last->last, r.last);
        else
            g_array_append_val(out, r);
    }
    if (negate) {
        g_array_set_size(in, 0);
        for (guint i = 0; i < out->len; i++) {
            char_range r = g_array_index(out, char_range, i);
            if (r.first > next)
                g_array_append_val(in, ((char_range){next, r.first - 1}));
            next = r.last + 1;
        }
        if (next <= LAST_CHAR)
            g_array_append_val(in, ((char_range){next, LAST_CHAR}));
    } else {
        GArray *swap = in;
        in = out;
        out = swap;
    }
    g_array_set_size(out, 0);
    for (guint i = 0; i < in->len; i++) {
        char_range r = g_array_index(in, char_range, i);
        if (r.first < 0xD800)
            g_array_append_val(out, ((char_range){r.first, MIN(r.last, 0xD7FF)}));
        if (r.last > 0xDFFF)
            g_array_append_val(out, ((char_range){MAX(r.first, 0xE000), r.last}));
    }
    g_array_unref(in);
    *ranges = out;
}

static gboolean add_range(parser *c, tree *t, gunichar first, gunichar last)
{
    if (last > LAST_CHAR)
        return fail(c, "a character above U+10FFFF");
    if (first > last)
        return fail(c, "a range whose end comes before its start");
    g_array_append_val(t->ranges, ((char_range){first, last}));
    return TRUE;
}

static tree *parse_class(parser *c)
{
    tree *t = tree_new(TREE_CHARS);
    gboolean negate = c->p < c->end && *c->p == '^';

    c->p += negate;
    while (c->p < c->end && *c->p != ']') {
        gunichar first, last;
        if (!parse_char(c, &first))
            goto bad;
        last = first;
        if (c->end - c->p >= 2 && c->p[0] == '-' && c->p[1] != ']') {
            c->p++;
            if (!parse_char(c, &last))
                goto bad;
        }
        if (!add_range(c, t, first, last))
            goto bad;
    }
    if (c->p == c->end) {
        fail(c, "a class without its ]");
        goto bad;
    }
    c->p++;
    tidy_ranges(&t->ranges, negate);
    return t;
bad:
    tree_free(t);
    return NULL;
}

static tree *parse_literal(parser *c)
{
    tree *t = tree_new(TREE_SEQUENCE);

    while (c->p < c->end && *c->p != '"') {
        gunichar ch;
        tree *one = tree_new(TREE_CHARS);
        g_ptr_array_add(t->children, one);
        if (!parse_char(c, &ch) || !add_range(c, one, ch, ch))
            goto bad;
        tidy_ranges(&one->ranges, FALSE);
    }
    if (c->p == c->end) {
        fail(c, "a literal without its closing quote");
        goto bad;
    }
    c->p++;
    return t;
bad:
    tree_free(t);
    return NULL;
}

static gboolean parse_count(parser *c, guint *out)
{
    guint v = 0;

    if (c->p == c->end || !g_ascii_isdigit(*c->p))
        return fail(c, "a repeat needs a number");
    for (; c->p < c->end && g_ascii_isdigit(*c->p); c->p++) {
        v = v * 10 + (guint)(*c->p - '0');
        if (v > LW_GRAMMAR_MAX_REPEAT)
            return fail(c, "a repeat above " G_STRINGIFY(LW_GRAMMAR_MAX_REPEAT));
    }
    *out = v;
    skip_blank(c);
    return TRUE;
}

/* {n} {n,} {n,m} {,m} behind the opening brace. */
static gboolean parse_braces(parser *c, guint *min, guint *max)
{
    skip_blank(c);
    *min = 0;
    if (c->p < c->end && *c->p != ',' && !parse_count(c, min))
        return FALSE;
    *max = *min;
    if (c->p < c->end && *c->p == ',') {
        c->p++;
        skip_blank(c);
        *max = G_MAXUINT;
        if (c->p < c->end && *c->p != '}' && !parse_count(c, max))
            return FALSE;
    }
    if (c->p == c->end || *c->p != '}')
        return fail(c, "a repeat without its }");
    c->p++;
    if (*max < *min)
        return fail(c, "a repeat whose maximum is below its minimum");
    return TRUE;
}

static tree *parse_choice(parser *c);

static tree *parse_item(parser *c)
{
    switch (*c->p) {
    case '"':
        c->p++;
        return parse_literal(c);
    case '[':
        c->p++;
        return parse_class(c);
    case '.': {
        tree *any = tree_new(TREE_CHARS);
        c->p++;
        tidy_ranges(&any->ranges, TRUE);
        return any;
    }
    case '(': {
        if (c->depth >= LW_GRAMMAR_MAX_DEPTH) {
            fail(c, "groups are nested deeper than " G_STRINGIFY(LW_GRAMMAR_MAX_DEPTH));
            return NULL;
        }
        c->p++;
        c->depth++;
        tree *group = parse_choice(c);
        c->depth--;
        if (!group)
            return NULL;
        if (c->p == c->end || *c->p != ')') {
            fail(c, "a group without its )");
            tree_free(group);
            return NULL;
        }
        c->p++;
        return group;
    }
    default:
        break;
    }
    gsize n = name_length(c);
    if (n == 0) {
        fail(c, "a literal, a class, a group or the name of a rule was expected");
        return NULL;
    }
    tree *ref = tree_new(TREE_RULE);
    ref->rule = rule_index(c, c->p, n);
    c->p += n;
    return ref;
}

static gboolean ends_sequence(const parser *c)
{
    return c->p == c->end || *c->p == '|' || *c->p == ')' || at_definition(c);
}

/* They nest in the tree, and the tree is walked by recursion. */
#define MAX_REPEATS_IN_A_ROW 4

static tree *parse_sequence(parser *c)
{
    tree *t = tree_new(TREE_SEQUENCE);

    for (skip_blank(c); !ends_sequence(c); skip_blank(c)) {
        tree *item = parse_item(c);
        if (!item)
            goto bad;
        g_ptr_array_add(t->children, item);
        skip_blank(c);
        for (int n = 0; c->p < c->end && *c->p && strchr("*+?{", *c->p); n++) {
            guint min = 0, max = G_MAXUINT;
            if (n == MAX_REPEATS_IN_A_ROW) {
                fail(c, "more than " G_STRINGIFY(MAX_REPEATS_IN_A_ROW) " repeats in a row");
                goto bad;
            }
            char op = *c->p++;
            if (op == '+')
                min = 1;
            else if (op == '?')
                max = 1;
            else if (op == '{' && !parse_braces(c, &min, &max))
                goto bad;
            tree *repeat = tree_new(TREE_REPEAT);
            repeat->min = min;
            repeat->max = max;
            g_ptr_array_add(repeat->children,
                            g_ptr_array_steal_index(t->children, t->children->len - 1));
            g_ptr_array_add(t->children, repeat);
            skip_blank(c);
        }
    }
    return t;
bad:
    tree_free(t);
    return NULL;
}

static tree *parse_choice(parser *c)
{
    tree *t = tree_new(TREE_CHOICE);

    for (;;) {
        tree *one = parse_sequence(c);
        if (!one) {
            tree_free(t);
            return NULL;
        }
        g_ptr_array_add(t->children, one);
        if (c->p == c->end || *c->p != '|')
            return t;
        c->p++;
    }
}

static gboolean parse_rules(parser *c)
{
    for (skip_blank(c); c->p < c->end; skip_blank(c)) {
        if (!at_definition(c))
            return fail(c, "a rule (name ::= ...) was expected");
        const char *at = c->p;
        gsize n = name_length(c);
        guint i = rule_index(c, at, n);
        c->p += n;
        skip_blank(c);
        c->p += 3; /* ::= */
        if (g_array_index(c->rules, rule, i).body) {
            c->p = at;
            return fail(c, "a rule is defined twice");
        }
        tree *body = parse_choice(c);
        if (!body)
            return FALSE;
        g_array_index(c->rules, rule, i).body = body;
        if (c->p < c->end && *c->p == ')')
            return fail(c, "a ) without its (");
    }
    return TRUE;
}

/* ---- Compiler ---- */

typedef struct {
    GArray *nodes; /* lw_grammar_node */
    GArray *rules;
    gboolean full;
} compiler;

static guint32 node(compiler *k, lw_grammar_node n)
{
    if (k->nodes->len >= LW_GRAMMAR_MAX_NODES) {
        k->full = TRUE;
        return 0;
    }
    g_array_append_val(k->nodes, n);
    return k->nodes->len - 1;
}

/* a or b; 0 (RETURN) is a node like any other, so "nothing yet" is G_MAXUINT32. */
static guint32 either(compiler *k, guint32 a, guint32 b)
{
    return a == G_MAXUINT32 ? b : node(k, (lw_grammar_node){LW_NODE_SPLIT, 0, 0, a, b});
}

/* The bytes of first..last, both with the same number n of UTF-8 bytes: split where a prefix
 * differs. */
static guint32 compile_utf8(compiler *k, const guint8 *first, const guint8 *last, int n,
                            guint32 next)
{
    static const guint8 low[4] = {0x80, 0x80, 0x80, 0x80}, high[4] = {0xBF, 0xBF, 0xBF, 0xBF};

    if (n == 1)
        return node(k, (lw_grammar_node){LW_NODE_BYTE, first[0], last[0], next, 0});
    if (first[0] == last[0])
        return node(k, (lw_grammar_node){LW_NODE_BYTE, first[0], last[0],
                                         compile_utf8(k, first + 1, last + 1, n - 1, next), 0});

    gboolean whole_first = memcmp(first + 1, low, (gsize)n - 1) == 0;
    gboolean whole_last = memcmp(last + 1, high, (gsize)n - 1) == 0;
    int from = first[0] + !whole_first, to = last[0] - !whole_last;
    guint32 all = G_MAXUINT32;
    if (from <= to)
        all = node(k, (lw_grammar_node){LW_NODE_BYTE, (guint8)from, (guint8)to,
                                        compile_utf8(k, low, high, n - 1, next), 0});
    if (!whole_last)
        all = either(k, all,
                     node(k, (lw_grammar_node){LW_NODE_BYTE, last[0], last[0],
                                               compile_utf8(k, low, last + 1, n - 1, next), 0}));
    if (!whole_first)
        all = either(k, all,
                     node(k, (lw_grammar_node){LW_NODE_BYTE, first[0], first[0],
                                               compile_utf8(k, first + 1, high, n - 1, next), 0}));
    return all;
}

static guint32 compile_chars(compiler *k, const GArray *ranges, guint32 next)
{
    static const gunichar last_of_length[4] = {0x7F, 0x7FF, 0xFFFF, LAST_CHAR};
    guint32 all = G_MAXUINT32;

    for (guint i = 0; i < ranges->len; i++) {
        char_range r = g_array_index(ranges, char_range, i);
        for (int n = 1; n <= 4 && r.first <= r.last; n++) {
            gunichar end = MIN(r.last, last_of_length[n - 1]);
            char first[6], last[6];
            if (r.first > last_of_length[n - 1])
                continue;
            g_unichar_to_utf8(r.first, first);
            g_unichar_to_utf8(end, last);
            all = either(k, all, compile_utf8(k, (guint8 *)first, (guint8 *)last, n, next));
            r.first = end + 1;
        }
    }
    /* An empty class takes a byte that does not exist. */
    return all == G_MAXUINT32 ? node(k, (lw_grammar_node){LW_NODE_BYTE, 1, 0, next, 0}) : all;
}

static guint32 compile(compiler *k, const tree *t, guint32 next)
{
    guint32 at = next;

    if (k->full)
        return 0;
    switch (t->kind) {
    case TREE_CHARS:
        return compile_chars(k, t->ranges, next);
    case TREE_RULE: /* the entry is filled in when all rules have one */
        return node(k, (lw_grammar_node){LW_NODE_CALL, 0, 0, t->rule, next});
    case TREE_SEQUENCE:
        for (guint i = t->children->len; i-- > 0;)
            at = compile(k, t->children->pdata[i], at);
        return at;
    case TREE_CHOICE:
        at = compile(k, t->children->pdata[t->children->len - 1], next);
        for (guint i = t->children->len - 1; i-- > 0;)
            at = either(k, compile(k, t->children->pdata[i], next), at);
        return at;
    case TREE_REPEAT:
        if (t->max == G_MAXUINT) {
            at = node(k, (lw_grammar_node){LW_NODE_SPLIT, 0, 0, 0, next});
            guint32 body = compile(k, t->children->pdata[0], at);
            if (!k->full)
                g_array_index(k->nodes, lw_grammar_node, at).a = body;
        } else {
            for (guint i = t->min; i < t->max && !k->full; i++)
                at = either(k, compile(k, t->children->pdata[0], at), next);
        }
        for (guint i = 0, len = k->nodes->len; i < t->min && !k->full; i++) {
            at = compile(k, t->children->pdata[0], at);
            if (k->nodes->len == len) /* an empty body, however often */
                break;
        }
        return at;
    }
    return 0;
}

static gboolean tree_nullable(const tree *t, const GArray *rules)
{
    gboolean all = TRUE, any = FALSE;

    for (guint i = 0; t->children && i < t->children->len; i++) {
        gboolean one = tree_nullable(t->children->pdata[i], rules);
        all &= one;
        any |= one;
    }
    switch (t->kind) {
    case TREE_CHARS:
        return FALSE;
    case TREE_RULE:
        return g_array_index(rules, rule, t->rule).nullable;
    case TREE_SEQUENCE:
        return all;
    case TREE_CHOICE:
        return any;
    case TREE_REPEAT:
        return t->min == 0 || all;
    }
    return FALSE;
}

/* Which rules may match nothing: the least fixed point. */
static void find_nullable(GArray *rules)
{
    gboolean changed = TRUE;

    while (changed) {
        changed = FALSE;
        for (guint i = 0; i < rules->len; i++) {
            rule *r = &g_array_index(rules, rule, i);
            if (!r->nullable && tree_nullable(r->body, rules))
                changed = r->nullable = TRUE;
        }
    }
}

/* Mark in `first` the rules that t may begin with. */
static void begin_rules(const tree *t, const GArray *rules, gboolean *first)
{
    if (t->kind == TREE_RULE)
        first[t->rule] = TRUE;
    for (guint i = 0; t->children && i < t->children->len; i++) {
        begin_rules(t->children->pdata[i], rules, first);
        if (t->kind == TREE_SEQUENCE && !tree_nullable(t->children->pdata[i], rules))
            return;
    }
}

/* Depth-first over "may begin with"; a rule met on the way to itself is left-recursive.  The path
 * is a list and not the C stack: a file may have many rules. */
static gboolean check_left_recursion(const parser *c)
{
    GArray *rules = c->rules;
    guint n = rules->len;
    g_autofree guint8 *state = g_new0(guint8, n); /* 0 new, 1 on the path, 2 done */
    g_autofree gboolean *first = g_new(gboolean, n);
    g_autoptr(GPtrArray) edges = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint i = 0; i < n; i++) {
        GArray *to = g_array_new(FALSE, FALSE, sizeof(guint));
        memset(first, 0, n * sizeof *first);
        begin_rules(g_array_index(rules, rule, i).body, rules, first);
        for (guint j = 0; j < n; j++) {
            if (first[j])
                g_array_append_val(to, j);
        }
        g_ptr_array_add(edges, to);
    }
    for (guint i = 0; i < n; i++) {
        if (state[i] == 0)
            g_array_append_val(path, i);
        while (path->len) {
            guint at = g_array_index(path, guint, path->len - 1);
            GArray *to = edges->pdata[at];
            state[at] = 1;
            if (to->len == 0) {
                state[at] = 2;
                g_array_set_size(path, path->len - 1);
                continue;
            }
            guint next = g_array_index(to, guint, to->len - 1);
            g_array_set_size(to, to->len - 1);
            if (state[next] == 1) {
                const rule *r = &g_array_index(rules, rule, next);
                g_autofree char *what = g_strdup_printf(
                    "rule %s begins with itself; write it so that it takes something first",
                    r->name);
                fail_at(c, r->at, what);
                return FALSE;
            }
            if (state[next] == 0)
                g_array_append_val(path, next);
        }
    }
    return TRUE;
}

/* More rules than this make the analysis above slow. */
#define MAX_RULES 2048

static gboolean check_rules(const parser *c)
{
    GArray *rules = c->rules;
    gboolean has_root = FALSE;

    for (guint i = 0; i < rules->len; i++) {
        const rule *r = &g_array_index(rules, rule, i);
        if (!r->body) {
            g_autofree char *what = g_strdup_printf("rule %s is used and not defined", r->name);
            fail_at(c, r->at, what);
            return FALSE;
        }
        has_root |= strcmp(r->name, "root") == 0;
    }
    if (!has_root) {
        g_set_error_literal(c->error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                            "the grammar has no rule named root");
        return FALSE;
    }
    if (rules->len > MAX_RULES) {
        g_set_error(c->error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "the grammar has %u rules, at most %d are allowed", rules->len, MAX_RULES);
        return FALSE;
    }
    find_nullable(rules);
    return check_left_recursion(c);
}

static lw_grammar *compile_rules(GArray *rules, GError **error)
{
    compiler k = {g_array_new(FALSE, FALSE, sizeof(lw_grammar_node)), rules, FALSE};
    guint32 root = 0;

    node(&k, (lw_grammar_node){LW_NODE_RETURN, 0, 0, 0, 0});
    for (guint i = 0; i < rules->len; i++) {
        rule *r = &g_array_index(rules, rule, i);
        r->entry = compile(&k, r->body, 0);
        if (strcmp(r->name, "root") == 0)
            root = r->entry;
    }
    if (k.full) {
        g_array_unref(k.nodes);
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "the grammar needs more than %d nodes once its repeats are written out",
                    LW_GRAMMAR_MAX_NODES);
        return NULL;
    }
    for (guint i = 0; i < k.nodes->len; i++) {
        lw_grammar_node *n = &g_array_index(k.nodes, lw_grammar_node, i);
        if (n->kind == LW_NODE_CALL)
            n->a = g_array_index(rules, rule, n->a).entry;
    }
    lw_grammar *g = g_new0(lw_grammar, 1);
    g_atomic_ref_count_init(&g->refs);
    g->n_nodes = k.nodes->len;
    g->nodes = (lw_grammar_node *)g_array_free(k.nodes, FALSE);
    g->root = root;
    return g;
}

lw_grammar *lw_grammar_new(const char *gbnf, gssize n, GError **error)
{
    gsize length = n < 0 ? strlen(gbnf) : (gsize)n;
    lw_grammar *g = NULL;

    if (length > LW_GRAMMAR_MAX_TEXT) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "the grammar has %" G_GSIZE_FORMAT " bytes, at most %d are allowed", length,
                    LW_GRAMMAR_MAX_TEXT);
        return NULL;
    }
    parser c = {.text = gbnf, .p = gbnf, .end = gbnf + length, .error = error};
    c.rules = g_array_new(FALSE, FALSE, sizeof(rule));
    g_array_set_clear_func(c.rules, rule_clear);
    c.by_name = g_hash_table_new(g_str_hash, g_str_equal);
    if (parse_rules(&c) && check_rules(&c))
        g = compile_rules(c.rules, error);
    g_hash_table_unref(c.by_name);
    g_array_unref(c.rules);
    return g;
}

lw_grammar *lw_grammar_ref(lw_grammar *g)
{
    g_atomic_ref_count_inc(&g->refs);
    return g;
}

void lw_grammar_unref(lw_grammar *g)
{
    if (!g || !g_atomic_ref_count_dec(&g->refs))
        return;
    g_free(g->nodes);
    g_free(g);
}
