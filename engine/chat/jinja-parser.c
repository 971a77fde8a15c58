/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tokens -> tree, with jinja2's precedence, from loose to tight:
 *
 *   a if b else c · or · and · not · comparisons, in · + - · ~ · * / // % · ** · unary - + · .x [x]
 * (x) · |f is t
 */
#include "engine/chat/jinja-private.h"
#include "engine/lw-error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of the tree; running it takes the machine's stack. */
#define MAX_DEPTH 200
/* Memory of the tree. */
#define MAX_TREE ((gsize)48 * 1024 * 1024)

typedef struct {
    lw_jinja *j;
    const lw_jtoken *t; /* the next token */
    guint depth;        /* of the parser itself */
    guint loops;        /* around the statement being read */
    GError **error;
} parser;

typedef struct {
    GPtrArray *array;
} node_list;

/* ---- Tools ---- */

static lw_jnode *fail(parser *p, const char *what)
{
    if (p->error && *p->error)
        return NULL;
    if (p->t->kind == LW_JT_NAME || p->t->kind == LW_JT_OP)
        g_set_error(p->error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "line %u: %s near \"%.*s\"", p->t->line, what, (int)MIN(p->t->n, 40),
                    p->t->text);
    else
        g_set_error(p->error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED, "line %u: %s", p->t->line,
                    what);
    return NULL;
}

static void *tree_alloc(parser *p, gsize n)
{
    void *memory = lw_jarena_alloc(&p->j->arena, n);

    if (!memory)
        fail(p, "the template is too long");
    return memory;
}

static lw_jnode *node(parser *p, lw_jnode_kind kind)
{
    lw_jnode *n = tree_alloc(p, sizeof *n);

    if (n)
        *n = (lw_jnode){.kind = (guint8)kind, .line = p->t->line, .depth = 1};
    return n;
}

/* Note the depth of children; NULL when it is too much, or n is NULL. */
static lw_jnode *finish(parser *p, lw_jnode *n)
{
    guint depth = 0;

    if (!n)
        return NULL;
    if (n->a)
        depth = MAX(depth, n->a->depth);
    if (n->b)
        depth = MAX(depth, n->b->depth);
    if (n->c)
        depth = MAX(depth, n->c->depth);
    for (guint i = 0; i < n->n_items; i++) {
        if (n->items[i])
            depth = MAX(depth, n->items[i]->depth);
    }
    if (depth >= MAX_DEPTH)
        return fail(p, "an expression or block that is nested too deeply");
    n->depth = (guint16)(depth + 1);
    return n;
}

static void list_init(node_list *l)
{
    l->array = g_ptr_array_new();
}

/* Move the list into n. */
static lw_jnode *list_into(parser *p, node_list *l, lw_jnode *n)
{
    if (n && l->array->len > 0) {
        n->n_items = l->array->len;
        n->items = tree_alloc(p, sizeof(lw_jnode *) * l->array->len);
        if (n->items)
            memcpy(n->items, l->array->pdata, sizeof(lw_jnode *) * l->array->len);
        else
            n = NULL;
    }
    g_ptr_array_unref(l->array);
    return finish(p, n);
}

static lw_jnode *list_drop(node_list *l)
{
    g_ptr_array_unref(l->array);
    return NULL;
}

static gboolean is_op(const parser *p, const char *op)
{
    return p->t->kind == LW_JT_OP && strcmp(p->t->op, op) == 0;
}

static gboolean skip_op(parser *p, const char *op)
{
    gboolean hit = is_op(p, op);

    p->t += hit;
    return hit;
}

static gboolean token_is_name(const lw_jtoken *t, const char *name)
{
    return t->kind == LW_JT_NAME && t->n == strlen(name) && memcmp(t->text, name, t->n) == 0;
}

static gboolean is_name(const parser *p, const char *name)
{
    return token_is_name(p->t, name);
}

static gboolean skip_name(parser *p, const char *name)
{
    gboolean hit = is_name(p, name);

    p->t += hit;
    return hit;
}

static gboolean expect_op(parser *p, const char *op)
{
    char what[32];

    if (skip_op(p, op))
        return TRUE;
    g_snprintf(what, sizeof what, "\"%s\" expected", op);
    return fail(p, what) != NULL;
}

static gboolean expect_block_end(parser *p)
{
    if (p->t->kind != LW_JT_BLOCK_END)
        return fail(p, "the end of the tag expected") != NULL;
    p->t++;
    return TRUE;
}

/* The name at the next token, with scaffold's origin (it is the template's own text). */
static lw_text take_name(parser *p)
{
    lw_text t = {.bytes = p->t->text, .n = p->t->n};

    p->t++;
    return t;
}

/* ---- Literals ---- */

static guint hex(const char *s, gsize n, gsize digits, guint32 *value)
{
    *value = 0;
    for (gsize i = 0; i < digits; i++) {
        if (i >= n || !g_ascii_isxdigit(s[i]))
            return 0;
        *value = *value * 16 + (guint32)g_ascii_xdigit_value(s[i]);
    }
    return 1;
}

/* One escape at s (behind the backslash); appends, returns the bytes it took. */
static gsize unescape(const char *s, gsize n, GString *out)
{
    static const char letters[] = "abfnrtv\\'\"", values[] = "\a\b\f\n\r\t\v\\'\"";
    const char *hit = s[0] ? strchr(letters, s[0]) : NULL;
    guint32 code = 0;
    gsize k = 0;

    if (hit) {
        g_string_append_c(out, values[hit - letters]);
        return 1;
    }
    if (s[0] == '\n')
        return 1;
    if (s[0] >= '0' && s[0] <= '7') {
        for (; k < 3 && k < n && s[k] >= '0' && s[k] <= '7'; k++)
            code = code * 8 + (guint32)(s[k] - '0');
    } else if (s[0] == 'x' || s[0] == 'u' || s[0] == 'U') {
        k = s[0] == 'x' ? 2 : s[0] == 'u' ? 4 : 8;
        k = hex(s + 1, n - 1, k, &code) ? k + 1 : 0;
    }
    if (k == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
        g_string_append_c(out, '\\');
        return 0; /* stays as it is */
    }
    g_string_append_unichar(out, code);
    return k;
}

/* Neighbouring strings are one. */
static lw_jnode *parse_string(parser *p)
{
    lw_jnode *n = node(p, LW_JN_CONST);
    GString *s = g_string_new(NULL);
    char *bytes;
    guint8 *origins;

    for (; p->t->kind == LW_JT_STRING; p->t++) {
        for (gsize i = 0; i < p->t->n;) {
            if (p->t->text[i] != '\\' || i + 1 == p->t->n)
                g_string_append_c(s, p->t->text[i++]);
            else
                i += 1 + unescape(p->t->text + i + 1, p->t->n - i - 1, s);
        }
    }
    bytes = tree_alloc(p, s->len);
    origins = tree_alloc(p, s->len);
    if (!n || !bytes || !origins) {
        g_string_free(s, TRUE);
        return NULL;
    }
    memcpy(bytes, s->str, s->len);
    memset(origins, LW_ORIGIN_TEMPLATE, s->len);
    n->value = (lw_jvalue){.kind = LW_J_TEXT, .text = {bytes, origins, s->len}};
    g_string_free(s, TRUE);
    return n;
}

static lw_jnode *parse_number(parser *p)
{
    lw_jnode *n = node(p, LW_JN_CONST);
    char digits[64], *end;
    gsize k = 0;

    if (!n)
        return NULL;
    for (gsize i = 0; i < p->t->n; i++) {
        if (p->t->text[i] == '_')
            continue;
        if (k + 1 == sizeof digits)
            return fail(p, "a number with too many digits");
        digits[k++] = p->t->text[i];
    }
    digits[k] = '\0';
    errno = 0;
    if (p->t->kind == LW_JT_FLOAT) {
        n->value = (lw_jvalue){.kind = LW_J_FLOAT, .f = g_ascii_strtod(digits, &end)};
    } else {
        gboolean prefix = k > 1 && digits[0] == '0' && g_ascii_isalpha(digits[1]);
        guint base = !prefix                     ? 10
                     : (digits[1] | 0x20) == 'x' ? 16
                     : (digits[1] | 0x20) == 'o' ? 8
                                                 : 2;

        n->value = (lw_jvalue){.kind = LW_J_INT,
                               .i = g_ascii_strtoll(digits + (prefix ? 2 : 0), &end, base)};
    }
    if (errno != 0 || *end != '\0')
        return fail(p, "a number that is too large or malformed");
    p->t++;
    return n;
}

/* ---- Expressions ---- */

static lw_jnode *parse_expression(parser *p);
static lw_jnode *parse_or(parser *p);
static lw_jnode *parse_unary(parser *p, gboolean with_filters);

/* Everything that can contain itself comes through here. */
static gboolean enter(parser *p)
{
    if (++p->depth <= MAX_DEPTH)
        return TRUE;
    return fail(p, "an expression or block that is nested too deeply") != NULL;
}

/* a, b, c up to `close`: a tuple, or what stands alone.  conditions: `if` is the ternary operator.
 */
static lw_jnode *parse_tuple(parser *p, const char *close, gboolean conditions)
{
    lw_jnode *first = NULL, *tuple;
    gboolean comma = FALSE;
    node_list l;

    list_init(&l);
    while (!(close && is_op(p, close))) {
        if (!close && comma && (p->t->kind == LW_JT_BLOCK_END || p->t->kind == LW_JT_PRINT_END))
            break;
        lw_jnode *n = conditions ? parse_expression(p) : parse_or(p);

        if (!n)
            return list_drop(&l);
        if (!first)
            first = n;
        g_ptr_array_add(l.array, n);
        if (!skip_op(p, ","))
            break;
        comma = TRUE;
    }
    if (close && !expect_op(p, close))
        return list_drop(&l);
    if (first && !comma) {
        list_drop(&l);
        return first;
    }
    tuple = node(p, LW_JN_TUPLE);
    return list_into(p, &l, tuple);
}

static lw_jnode *parse_list(parser *p)
{
    lw_jnode *n = node(p, LW_JN_LIST);
    node_list l;

    list_init(&l);
    while (!is_op(p, "]")) {
        lw_jnode *item = parse_expression(p);

        if (!item)
            return list_drop(&l);
        g_ptr_array_add(l.array, item);
        if (!skip_op(p, ","))
            break;
    }
    if (!expect_op(p, "]"))
        return list_drop(&l);
    return list_into(p, &l, n);
}

static lw_jnode *parse_map(parser *p)
{
    lw_jnode *n = node(p, LW_JN_MAP);
    node_list l;

    list_init(&l);
    while (!is_op(p, "}")) {
        lw_jnode *key = parse_expression(p), *value;

        if (!key || !expect_op(p, ":") || !(value = parse_expression(p)))
            return list_drop(&l);
        g_ptr_array_add(l.array, key);
        g_ptr_array_add(l.array, value);
        if (!skip_op(p, ","))
            break;
    }
    if (!expect_op(p, "}"))
        return list_drop(&l);
    return list_into(p, &l, n);
}

/* The three words that are values; NULL: none of them. */
static lw_jnode *parse_word(parser *p)
{
    static const struct {
        const char *name;
        lw_jkind kind;
        gboolean b;
    } words[] = {{"true", LW_J_BOOL, TRUE},   {"True", LW_J_BOOL, TRUE},
                 {"false", LW_J_BOOL, FALSE}, {"False", LW_J_BOOL, FALSE},
                 {"none", LW_J_NONE, FALSE},  {"None", LW_J_NONE, FALSE}};

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (is_name(p, words[i].name)) {
            lw_jnode *n = node(p, LW_JN_CONST);

            if (n)
                n->value = (lw_jvalue){.kind = words[i].kind, .b = words[i].b};
            p->t++;
            return n;
        }
    }
    return NULL;
}

static lw_jnode *parse_primary(parser *p)
{
    lw_jnode *n;

    switch ((lw_jtoken_kind)p->t->kind) {
    case LW_JT_NAME:
        n = parse_word(p);
        if (n || (p->error && *p->error))
            return n;
        n = node(p, LW_JN_NAME);
        if (n)
            n->text = take_name(p);
        return n;
    case LW_JT_STRING:
        return parse_string(p);
    case LW_JT_INT:
    case LW_JT_FLOAT:
        return parse_number(p);
    default:
        if (skip_op(p, "("))
            return parse_tuple(p, ")", TRUE);
        if (skip_op(p, "["))
            return parse_list(p);
        if (skip_op(p, "{"))
            return parse_map(p);
        return fail(p, "an expression expected");
    }
}

/* Arguments behind "(" up to ")", into n->items. */
static lw_jnode *parse_arguments(parser *p, lw_jnode *n)
{
    node_list l;

    list_init(&l);
    while (n && !is_op(p, ")")) {
        lw_jnode *item;

        if (is_op(p, "*") || is_op(p, "**")) {
            fail(p, "arguments from a list or mapping are not supported,");
            return list_drop(&l);
        }
        if (p->t->kind == LW_JT_NAME && p->t[1].kind == LW_JT_OP && strcmp(p->t[1].op, "=") == 0) {
            item = node(p, LW_JN_KWARG);
            if (item) {
                item->text = take_name(p);
                p->t++;
                item->a = parse_expression(p);
                item = item->a ? finish(p, item) : NULL;
            }
        } else {
            item = parse_expression(p);
        }
        if (!item)
            return list_drop(&l);
        g_ptr_array_add(l.array, item);
        if (!skip_op(p, ","))
            break;
    }
    if (!n || !expect_op(p, ")"))
        return list_drop(&l);
    return list_into(p, &l, n);
}

static lw_jnode *parse_call(parser *p, lw_jnode *callee)
{
    lw_jnode *n = node(p, LW_JN_CALL);

    if (n)
        n->a = callee;
    p->t++;
    return parse_arguments(p, n);
}

/* Behind "[": an index or a slice. */
static lw_jnode *parse_subscript(parser *p, lw_jnode *object)
{
    lw_jnode *n = node(p, LW_JN_ITEM), *parts[3] = {NULL};
    gboolean slice = FALSE;
    guint k = 0;

    if (!n)
        return NULL;
    n->a = object;
    while (!is_op(p, "]")) {
        if (skip_op(p, ":")) {
            slice = TRUE;
            if (++k == 3)
                return fail(p, "a slice with too many parts");
            continue;
        }
        if (parts[k])
            return fail(p, "\"]\" expected");
        parts[k] = parse_expression(p);
        if (!parts[k])
            return NULL;
    }
    p->t++;
    if (!slice) {
        n->b = parts[0];
        return n->b ? finish(p, n) : fail(p, "an index expected");
    }
    n->kind = LW_JN_SLICE;
    n->n_items = 3;
    n->items = tree_alloc(p, sizeof parts);
    if (!n->items)
        return NULL;
    memcpy(n->items, parts, sizeof parts);
    return finish(p, n);
}

static lw_jnode *parse_postfix(parser *p, lw_jnode *n)
{
    while (n) {
        if (is_op(p, "(")) {
            n = parse_call(p, n);
        } else if (skip_op(p, "[")) {
            n = parse_subscript(p, n);
        } else if (is_op(p, ".")) {
            lw_jnode *attr = node(p, LW_JN_ATTR);

            p->t++;
            if (!attr)
                return NULL;
            attr->a = n;
            if (p->t->kind == LW_JT_NAME) {
                attr->text = take_name(p);
            } else if (p->t->kind == LW_JT_INT) {
                attr->kind = LW_JN_ITEM;
                attr->b = parse_number(p);
                if (!attr->b)
                    return NULL;
            } else {
                return fail(p, "a name expected behind the dot");
            }
            n = finish(p, attr);
        } else {
            break;
        }
    }
    return n;
}

/* Behind "|". */
static lw_jnode *parse_filter(parser *p, lw_jnode *value)
{
    lw_jnode *n = node(p, LW_JN_FILTER);

    if (!n)
        return NULL;
    if (p->t->kind != LW_JT_NAME)
        return fail(p, "the name of a filter expected");
    n->a = value;
    n->text = take_name(p);
    n->function = lw_jfind_filter(n->text.bytes, n->text.n);
    return skip_op(p, "(") ? parse_arguments(p, n) : finish(p, n);
}

/* Behind "is". */
static lw_jnode *parse_test(parser *p, lw_jnode *value)
{
    lw_jnode *n = node(p, LW_JN_TEST);

    if (!n)
        return NULL;
    n->a = value;
    n->op = skip_name(p, "not") ? '!' : '\0';
    if (p->t->kind != LW_JT_NAME)
        return fail(p, "the name of a test expected");
    n->text = take_name(p);
    n->function = lw_jfind_test(n->text.bytes, n->text.n);
    if (skip_op(p, "("))
        return parse_arguments(p, n);
    gboolean argument = p->t->kind == LW_JT_STRING || p->t->kind == LW_JT_INT ||
                        p->t->kind == LW_JT_FLOAT || is_op(p, "[") || is_op(p, "{") ||
                        (p->t->kind == LW_JT_NAME && !is_name(p, "else") && !is_name(p, "or") &&
                         !is_name(p, "and") && !is_name(p, "is") && !is_name(p, "if") &&
                         !is_name(p, "not") && !is_name(p, "in"));
    if (argument) {
        n->items = tree_alloc(p, sizeof(lw_jnode *));
        if (!n->items)
            return NULL;
        n->items[0] = parse_postfix(p, parse_primary(p));
        n->n_items = 1;
        if (!n->items[0])
            return NULL;
    }
    return finish(p, n);
}

static lw_jnode *parse_filters(parser *p, lw_jnode *n)
{
    while (n) {
        if (skip_op(p, "|"))
            n = parse_filter(p, n);
        else if (skip_name(p, "is"))
            n = parse_test(p, n);
        else if (is_op(p, "("))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

static lw_jnode *parse_unary(parser *p, gboolean with_filters)
{
    lw_jnode *n = NULL;

    if (!enter(p))
        return NULL;
    if (is_op(p, "-") || is_op(p, "+")) {
        n = node(p, is_op(p, "-") ? LW_JN_NEGATE : LW_JN_PLUS);
        p->t++;
        if (n) {
            n->a = parse_unary(p, FALSE);
            n = n->a ? finish(p, n) : NULL;
        }
    } else {
        n = parse_primary(p);
    }
    n = parse_postfix(p, n);
    if (with_filters)
        n = parse_filters(p, n);
    p->depth--;
    return n;
}

/* left op right, left to right. */
static lw_jnode *binary(parser *p, lw_jnode_kind kind, char op, lw_jnode *left, lw_jnode *right)
{
    lw_jnode *n = left && right ? node(p, kind) : NULL;

    if (n) {
        n->a = left;
        n->b = right;
        n->op = op;
    }
    return finish(p, n);
}

static lw_jnode *parse_power(parser *p)
{
    lw_jnode *n = parse_unary(p, TRUE);

    while (n && skip_op(p, "**"))
        n = binary(p, LW_JN_BINARY, 'P', n, parse_unary(p, TRUE));
    return n;
}

static lw_jnode *parse_product(parser *p)
{
    lw_jnode *n = parse_power(p);

    while (n && (is_op(p, "*") || is_op(p, "/") || is_op(p, "//") || is_op(p, "%"))) {
        char op = is_op(p, "//") ? 'F' : p->t->op[0];

        p->t++;
        n = binary(p, LW_JN_BINARY, op, n, parse_power(p));
    }
    return n;
}

static lw_jnode *parse_concat(parser *p)
{
    lw_jnode *n = parse_product(p);

    while (n && skip_op(p, "~"))
        n = binary(p, LW_JN_CONCAT, '~', n, parse_product(p));
    return n;
}

static lw_jnode *parse_sum(parser *p)
{
    lw_jnode *n = parse_concat(p);

    while (n && (is_op(p, "+") || is_op(p, "-"))) {
        char op = p->t->op[0];

        p->t++;
        n = binary(p, LW_JN_BINARY, op, n, parse_concat(p));
    }
    return n;
}

/* The comparison at the next token, or 0; moves behind it. */
static char take_comparison(parser *p)
{
    static const struct {
        const char *text;
        char op;
    } operators[] = {{"==", 'e'}, {"!=", 'n'}, {"<", '<'}, {">", '>'}, {"<=", 'l'}, {">=", 'g'}};

    for (gsize i = 0; i < G_N_ELEMENTS(operators); i++) {
        if (skip_op(p, operators[i].text))
            return operators[i].op;
    }
    if (skip_name(p, "in"))
        return 'i';
    if (is_name(p, "not") && token_is_name(p->t + 1, "in")) {
        p->t += 2;
        return 'x';
    }
    return '\0';
}

static lw_jnode *parse_comparison(parser *p)
{
    lw_jnode *first = parse_sum(p), *n;
    node_list l;
    char op;

    if (!first)
        return NULL;
    list_init(&l);
    while ((op = take_comparison(p)) != '\0') {
        lw_jnode *side = node(p, LW_JN_PLUS); /* holds op and operand */

        if (!side || !(side->a = parse_sum(p)) || !finish(p, side))
            return list_drop(&l);
        side->op = op;
        g_ptr_array_add(l.array, side);
    }
    if (l.array->len == 0) {
        list_drop(&l);
        return first;
    }
    n = node(p, LW_JN_COMPARE);
    if (n)
        n->a = first;
    return list_into(p, &l, n);
}

static lw_jnode *parse_not(parser *p)
{
    lw_jnode *n;

    if (!is_name(p, "not"))
        return parse_comparison(p);
    if (!enter(p))
        return NULL;
    n = node(p, LW_JN_NOT);
    p->t++;
    if (n) {
        n->a = parse_not(p);
        n = n->a ? finish(p, n) : NULL;
    }
    p->depth--;
    return n;
}

static lw_jnode *parse_and(parser *p)
{
    lw_jnode *n = parse_not(p);

    while (n && skip_name(p, "and"))
        n = binary(p, LW_JN_AND, '&', n, parse_not(p));
    return n;
}

static lw_jnode *parse_or(parser *p)
{
    lw_jnode *n = parse_and(p);

    while (n && skip_name(p, "or"))
        n = binary(p, LW_JN_OR, '|', n, parse_and(p));
    return n;
}

static lw_jnode *parse_expression(parser *p)
{
    lw_jnode *value, *n;

    if (!enter(p))
        return NULL;
    value = parse_or(p);
    while (value && skip_name(p, "if")) {
        n = node(p, LW_JN_COND);
        if (!n)
            return NULL;
        n->a = value;
        n->b = parse_or(p);
        if (!n->b)
            return NULL;
        if (skip_name(p, "else") && !(n->c = parse_expression(p)))
            return NULL;
        value = finish(p, n);
    }
    p->depth--;
    return value;
}

/* ---- Statements ---- */

static lw_jnode *parse_body(parser *p, const char *const *ends);

/* After a body: the tag that ended it, whose name is eaten. */
static gboolean end_tag(parser *p, const char *name)
{
    if (!skip_name(p, name))
        return FALSE;
    return TRUE;
}

/* name, name.attribute or a tuple of names. */
static lw_jnode *parse_target(parser *p)
{
    lw_jnode *n, *name = NULL;
    node_list l;
    gboolean bracket = skip_op(p, "(");

    list_init(&l);
    do {
        if (p->t->kind != LW_JT_NAME) {
            if (l.array->len > 0)
                break; /* a comma at the end */
            list_drop(&l);
            return fail(p, "a name expected");
        }
        name = node(p, LW_JN_NAME);
        if (!name)
            return list_drop(&l);
        name->text = take_name(p);
        g_ptr_array_add(l.array, name);
    } while (skip_op(p, ","));
    if (bracket && !expect_op(p, ")"))
        return list_drop(&l);
    if (l.array->len == 1) {
        list_drop(&l);
        if (!is_op(p, "."))
            return name;
        n = node(p, LW_JN_ATTR);
        p->t++;
        if (!n || p->t->kind != LW_JT_NAME)
            return fail(p, "a name expected behind the dot");
        n->a = name;
        n->text = take_name(p);
        return finish(p, n);
    }
    n = node(p, LW_JN_TUPLE);
    return list_into(p, &l, n);
}

static lw_jnode *parse_if(parser *p)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    lw_jnode *n = node(p, LW_JN_IF);
    node_list l;

    list_init(&l);
    do {
        lw_jnode *condition = parse_tuple(p, NULL, FALSE), *body;

        if (!n || !condition || !expect_block_end(p) || !(body = parse_body(p, ends)))
            return list_drop(&l);
        g_ptr_array_add(l.array, condition);
        g_ptr_array_add(l.array, body);
    } while (skip_name(p, "elif"));
    if (skip_name(p, "else")) {
        if (!expect_block_end(p) || !(n->b = parse_body(p, ends + 2)))
            return list_drop(&l);
    }
    if (!end_tag(p, "endif")) {
        list_drop(&l);
        return fail(p, "endif expected");
    }
    return list_into(p, &l, n);
}

static lw_jnode *parse_for(parser *p)
{
    static const char *const ends[] = {"else", "endfor", NULL};
    lw_jnode *n = node(p, LW_JN_FOR);

    if (!n || !(n->a = parse_target(p)))
        return NULL;
    if (!skip_name(p, "in"))
        return fail(p, "\"in\" expected");
    if (!(n->b = parse_tuple(p, NULL, FALSE)))
        return NULL;
    if (skip_name(p, "if") && !(n->c = parse_expression(p)))
        return NULL;
    if (is_name(p, "recursive"))
        return fail(p, "recursive loops are not supported,");
    n->n_items = 2;
    n->items = tree_alloc(p, 2 * sizeof(lw_jnode *));
    if (!n->items || !expect_block_end(p))
        return NULL;
    n->items[1] = NULL;
    p->loops++;
    n->items[0] = parse_body(p, ends);
    p->loops--;
    if (!n->items[0])
        return NULL;
    if (skip_name(p, "else")) {
        if (!expect_block_end(p) || !(n->items[1] = parse_body(p, ends + 1)))
            return NULL;
    }
    if (!end_tag(p, "endfor"))
        return fail(p, "endfor expected");
    return finish(p, n);
}

/* filter|filter|... over the text of a block. */
static lw_jnode *parse_block_filters(parser *p)
{
    lw_jnode *n = node(p, LW_JN_PIECE);

    do {
        n = n ? parse_filter(p, n) : NULL;
    } while (n && skip_op(p, "|"));
    return n;
}

static lw_jnode *parse_set(parser *p)
{
    static const char *const ends[] = {"endset", NULL};
    lw_jnode *n = node(p, LW_JN_SET);

    if (!n || !(n->a = parse_target(p)))
        return NULL;
    if (skip_op(p, "="))
        return (n->b = parse_tuple(p, NULL, TRUE)) ? finish(p, n) : NULL;
    n->kind = LW_JN_SET_BLOCK;
    if (skip_op(p, "|") && !(n->c = parse_block_filters(p)))
        return NULL;
    if (!expect_block_end(p) || !(n->b = parse_body(p, ends)))
        return NULL;
    return end_tag(p, "endset") ? finish(p, n) : fail(p, "endset expected");
}

static lw_jnode *parse_filter_block(parser *p)
{
    static const char *const ends[] = {"endfilter", NULL};
    lw_jnode *n = node(p, LW_JN_FILTER_BLOCK);

    if (!n || !(n->c = parse_block_filters(p)) || !expect_block_end(p) ||
        !(n->b = parse_body(p, ends)))
        return NULL;
    return end_tag(p, "endfilter") ? finish(p, n) : fail(p, "endfilter expected");
}

/* Parameters become n->items, their defaults n->b->items. */
static gboolean parse_parameters(parser *p, lw_jnode *n)
{
    node_list names, defaults;
    lw_jnode *holder = node(p, LW_JN_TUPLE);
    gboolean ok = holder && expect_op(p, "(");

    list_init(&names);
    list_init(&defaults);
    while (ok && !is_op(p, ")")) {
        lw_jnode *name = p->t->kind == LW_JT_NAME ? node(p, LW_JN_NAME) : NULL, *value = NULL;

        if (!name) {
            ok = fail(p, "the name of a parameter expected") != NULL;
            break;
        }
        name->text = take_name(p);
        if (skip_op(p, "="))
            ok = (value = parse_expression(p)) != NULL;
        g_ptr_array_add(names.array, name);
        g_ptr_array_add(defaults.array, value);
        if (!skip_op(p, ","))
            break;
    }
    ok = ok && expect_op(p, ")");
    holder = list_into(p, &defaults, ok ? holder : NULL);
    n->b = holder;
    return list_into(p, &names, holder ? n : NULL) != NULL;
}

static lw_jnode *parse_macro(parser *p)
{
    static const char *const ends[] = {"endmacro", NULL};
    lw_jnode *n = node(p, LW_JN_MACRO);
    guint loops = p->loops;

    if (!n)
        return NULL;
    if (p->t->kind != LW_JT_NAME)
        return fail(p, "the name of a macro expected");
    n->text = take_name(p);
    p->loops = 0;
    if (!parse_parameters(p, n) || !expect_block_end(p) || !(n->a = parse_body(p, ends)))
        return NULL;
    p->loops = loops;
    return end_tag(p, "endmacro") ? finish(p, n) : fail(p, "endmacro expected");
}

static lw_jnode *parse_with(parser *p)
{
    static const char *const ends[] = {"endwith", NULL};
    lw_jnode *n = node(p, LW_JN_WITH);
    node_list l;

    list_init(&l);
    while (n && p->t->kind != LW_JT_BLOCK_END) {
        lw_jnode *name = p->t->kind == LW_JT_NAME ? node(p, LW_JN_NAME) : NULL, *value;

        if (!name) {
            list_drop(&l);
            return fail(p, "a name expected");
        }
        name->text = take_name(p);
        if (!expect_op(p, "=") || !(value = parse_expression(p)))
            return list_drop(&l);
        g_ptr_array_add(l.array, name);
        g_ptr_array_add(l.array, value);
        if (!skip_op(p, ","))
            break;
    }
    if (!n || !expect_block_end(p) || !(n->a = parse_body(p, ends)))
        return list_drop(&l);
    if (!end_tag(p, "endwith")) {
        list_drop(&l);
        return fail(p, "endwith expected");
    }
    return list_into(p, &l, n);
}

/* transformers' mark of what the model wrote: only its content counts here. */
static lw_jnode *parse_generation(parser *p)
{
    static const char *const ends[] = {"endgeneration", NULL};
    lw_jnode *n;

    if (!expect_block_end(p) || !(n = parse_body(p, ends)))
        return NULL;
    return end_tag(p, "endgeneration") ? n : fail(p, "endgeneration expected");
}

static lw_jnode *parse_jump(parser *p, lw_jnode_kind kind)
{
    return p->loops > 0 ? node(p, kind) : fail(p, "break or continue outside a loop");
}

static lw_jnode *parse_statement(parser *p)
{
    lw_jnode *n;

    if (p->t->kind != LW_JT_NAME)
        return fail(p, "the name of a tag expected");
    if (skip_name(p, "if"))
        n = parse_if(p);
    else if (skip_name(p, "for"))
        n = parse_for(p);
    else if (skip_name(p, "set"))
        n = parse_set(p);
    else if (skip_name(p, "macro"))
        n = parse_macro(p);
    else if (skip_name(p, "filter"))
        n = parse_filter_block(p);
    else if (skip_name(p, "with"))
        n = parse_with(p);
    else if (skip_name(p, "generation"))
        n = parse_generation(p);
    else if (skip_name(p, "break"))
        n = parse_jump(p, LW_JN_BREAK);
    else if (skip_name(p, "continue"))
        n = parse_jump(p, LW_JN_CONTINUE);
    else
        return fail(p, "an unknown or unsupported tag");
    return n && expect_block_end(p) ? n : NULL;
}

static gboolean is_end(const parser *p, const char *const *ends)
{
    for (gsize i = 0; ends && ends[i]; i++) {
        if (token_is_name(p->t + 1, ends[i]))
            return TRUE;
    }
    return FALSE;
}

static lw_jnode *parse_data(parser *p)
{
    lw_jnode *n = node(p, LW_JN_DATA);
    guint8 *origins = tree_alloc(p, p->t->n);

    if (!n || !origins)
        return NULL;
    memset(origins, LW_ORIGIN_TEMPLATE, p->t->n);
    n->text = (lw_text){p->t->text, origins, p->t->n};
    p->t++;
    return n;
}

static lw_jnode *parse_print(parser *p)
{
    lw_jnode *n = node(p, LW_JN_PRINT);

    p->t++;
    if (!n || !(n->a = parse_tuple(p, NULL, TRUE)))
        return NULL;
    if (p->t->kind != LW_JT_PRINT_END)
        return fail(p, "\"}}\" expected");
    p->t++;
    return finish(p, n);
}

/* Statements up to a tag of one of these names, which is the next token then; ends NULL: to the
 * end. */
static lw_jnode *parse_body(parser *p, const char *const *ends)
{
    lw_jnode *body = node(p, LW_JN_BODY), *n;
    node_list l;

    if (!enter(p))
        return NULL;
    list_init(&l);
    while (p->t->kind != LW_JT_END) {
        if (p->t->kind == LW_JT_DATA) {
            n = parse_data(p);
        } else if (p->t->kind == LW_JT_PRINT_BEGIN) {
            n = parse_print(p);
        } else {
            if (is_end(p, ends))
                break;
            p->t++;
            n = parse_statement(p);
        }
        if (!n)
            return list_drop(&l);
        g_ptr_array_add(l.array, n);
    }
    p->depth--;
    if (ends) {
        if (p->t->kind == LW_JT_END) {
            list_drop(&l);
            return fail(p, "a block without its end");
        }
        p->t++; /* at the name of the tag */
    }
    return list_into(p, &l, body);
}

/* ---- Doors ---- */

lw_jinja *lw_jinja_parse(const char *text, gsize n, GError **error)
{
    lw_jinja *j = g_new0(lw_jinja, 1);
    g_autofree lw_jtoken *tokens = NULL;
    GError *local = NULL;
    gsize n_tokens = 0;
    char *copy;

    j->arena.limit = MAX_TREE;
    if (n > LW_JINJA_MAX_BYTES)
        g_set_error(&local, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "the template has %" G_GSIZE_FORMAT " bytes, more than the limit of %d", n,
                    LW_JINJA_MAX_BYTES);
    else if (!(copy = lw_jarena_alloc(&j->arena, n)))
        g_set_error_literal(&local, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                            "not enough memory for the chat template");
    else {
        if (n > 0)
            memcpy(copy, text, n);
        tokens = lw_jinja_lex(copy, n, &n_tokens, &local);
    }
    if (tokens) {
        parser p = {.j = j, .t = tokens, .error = &local};

        j->body = parse_body(&p, NULL);
    }
    if (!j->body) {
        if (!local)
            g_set_error_literal(&local, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                                "the template is malformed");
        if (!g_utf8_validate(local->message, -1, NULL)) {
            char *valid = g_utf8_make_valid(local->message, -1);

            g_free(local->message);
            local->message = valid;
        }
        g_propagate_error(error, local);
        g_clear_pointer(&j, lw_jinja_free);
    }
    return j;
}

void lw_jinja_free(lw_jinja *j)
{
    if (!j)
        return;
    lw_jarena_clear(&j->arena);
    g_free(j);
}
