/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the interpreter's files share: tokens, nodes, values, a run.
 */
#pragma once

#include "engine/chat/jinja.h"

G_BEGIN_DECLS

/* ---- Memory of a template or a run: only grows, up to a limit; can go back to a mark ---- */

typedef struct lw_jchunk lw_jchunk;
typedef struct {
    lw_jchunk *last;
    gsize used, limit;  /* bytes in all chunks */
    gboolean no_memory; /* the machine's, not the limit */
} lw_jarena;

typedef struct {
    lw_jchunk *last;
    gsize at;
} lw_jmark;

/* NULL over the limit or without memory.  Aligned to 16; not cleared. */
void *lw_jarena_alloc(lw_jarena *a, gsize n);
void lw_jarena_clear(lw_jarena *a);
lw_jmark lw_jarena_mark(const lw_jarena *a);
void lw_jarena_release(lw_jarena *a, lw_jmark mark);

/* ---- Tokens (jinja-lexer.c) ---- */

typedef enum {
    LW_JT_END, /* of the template */
    LW_JT_DATA,
    LW_JT_PRINT_BEGIN,
    LW_JT_PRINT_END,
    LW_JT_BLOCK_BEGIN,
    LW_JT_BLOCK_END,
    LW_JT_NAME,
    LW_JT_STRING, /* as written, without its quotes */
    LW_JT_INT,
    LW_JT_FLOAT,
    LW_JT_OP,
} lw_jtoken_kind;

typedef struct {
    guint8 kind; /* lw_jtoken_kind */
    char op[3];  /* OP: its characters */
    guint32 line, n;
    const char *text;
} lw_jtoken;

/* Line endings become \n in place (n shrinks); returns [*n_tokens], freed with g_free(). */
lw_jtoken *lw_jinja_lex(char *text, gsize n, gsize *n_tokens, GError **error);

/* ---- Nodes (jinja-parser.c) ---- */

typedef enum {
    /* statements */
    LW_JN_DATA,         /* text */
    LW_JN_PRINT,        /* a */
    LW_JN_BODY,         /* items */
    LW_JN_IF,           /* items: condition, body, condition, body ...; b: else */
    LW_JN_FOR,          /* a: target, b: sequence, c: condition, items: body, else (may be NULL) */
    LW_JN_SET,          /* a: target, b: value */
    LW_JN_SET_BLOCK,    /* a: target, b: body, c: filters over PIECE (may be NULL) */
    LW_JN_FILTER_BLOCK, /* b: body, c: filters over PIECE */
    LW_JN_MACRO, /* text: name, a: body, items: parameters (NAME), defaults in b->items (NULL: none)
                  */
    LW_JN_WITH,  /* items: target, value ...; a: body */
    LW_JN_BREAK,
    LW_JN_CONTINUE,
    /* expressions */
    LW_JN_CONST,  /* value */
    LW_JN_NAME,   /* text */
    LW_JN_PIECE,  /* the text a filter block works on */
    LW_JN_ATTR,   /* a, text */
    LW_JN_ITEM,   /* a[b] */
    LW_JN_SLICE,  /* a[items[0] : items[1] : items[2]], each may be NULL */
    LW_JN_CALL,   /* a(items) */
    LW_JN_KWARG,  /* text = a, among a call's items */
    LW_JN_FILTER, /* a | text(items), function */
    LW_JN_TEST,   /* a is text(items), function; op '!': is not */
    LW_JN_NOT,
    LW_JN_NEGATE,
    LW_JN_PLUS,
    LW_JN_AND,
    LW_JN_OR,
    LW_JN_BINARY,  /* a op b: + - * / % and 'F' (//), 'P' (**) */
    LW_JN_CONCAT,  /* a ~ b */
    LW_JN_COMPARE, /* a, then items with their op: < > and 'l' (<=) 'g' (>=) 'e' (==) 'n' (!=) 'i'
                      (in) 'x' (not in) */
    LW_JN_COND,    /* a if b else c (may be NULL) */
    LW_JN_LIST,
    LW_JN_TUPLE,
    LW_JN_MAP, /* items: key, value ... */
} lw_jnode_kind;

typedef struct lw_jnode lw_jnode;
struct lw_jnode {
    guint8 kind; /* lw_jnode_kind */
    char op;
    guint16 depth; /* of the tree below */
    guint32 line, n_items;
    lw_jnode *a, *b, *c;
    lw_jnode **items;
    union {
        lw_text text;
        lw_jvalue value;
    };
    const lw_jfunction *function;
};

struct lw_jinja {
    lw_jarena arena; /* everything below */
    const lw_jnode *body;
};

/* ---- Values (jinja-value.c) ---- */

struct lw_jlist {
    lw_jvalue *items;
    gsize n;
    gboolean tuple;
    gboolean generator; /* Python gives no list here: always true, without a length */
};

typedef struct {
    lw_text key; /* a number is written out */
    lw_jvalue value;
    gboolean number; /* the key is an integer */
} lw_jpair;

struct lw_jmap {
    lw_jpair *pairs; /* in order of insertion */
    gsize n, capacity;
};

struct lw_jloop {
    const lw_jlist *items;
    gsize index; /* from 0 */
};

typedef struct lw_jframe lw_jframe;

struct lw_jmacro {
    const lw_jnode *node;
    lw_jframe *frame; /* where it was defined */
};

/* Variables of one scope. */
struct lw_jframe {
    lw_jframe *parent;
    lw_jpair *variables;
    guint n, capacity;
};

typedef enum { LW_JFLOW_ON, LW_JFLOW_BREAK, LW_JFLOW_CONTINUE } lw_jflow;

struct lw_jinja_run {
    const lw_jinja *j;
    lw_jarena arena;
    lw_jframe *frame;
    lw_text_buf *out;
    lw_text piece; /* of the innermost filter block */
    lw_jflow flow;
    guint32 line; /* being run */
    guint depth;
    guint64 stores; /* assignments to namespaces: values may outlive the scope they were made in */
    gsize steps_left, output_limit;
    gint64 date;
    GError *error; /* the first one */
};

/* Set the run's error (once) and return FALSE. */
gboolean lw_jfail(lw_jinja_run *r, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Count steps for n bytes or elements of work. */
gboolean lw_jcost(lw_jinja_run *r, gsize n);
void *lw_jalloc(lw_jinja_run *r, gsize n, gsize size); /* NULL: the error is set */

/* Values. */
gboolean lw_jtrue(const lw_jvalue *v);
gsize lw_jlength(const lw_jvalue *v, gboolean *has_length);
/* Both may fail on deep nesting; *result is valid on TRUE. */
gboolean lw_jequal(lw_jinja_run *r, const lw_jvalue *a, const lw_jvalue *b, gboolean *result);
/* <0, 0, >0 as in Python's order; fails on kinds that have none. */
gboolean lw_jorder(lw_jinja_run *r, const lw_jvalue *a, const lw_jvalue *b, gboolean fold,
                   int *result);
gboolean lw_jcontains(lw_jinja_run *r, const lw_jvalue *whole, const lw_jvalue *part,
                      gboolean *result);
const char *lw_jkind_name(const lw_jvalue *v);
lw_text lw_jliteral(const char *constant); /* outside: text made by the program */
lw_jvalue *lw_jmap_get(const lw_jmap *m, const char *key, gsize n);
/* The same by a text or an integer; NULL for every other kind. */
lw_jvalue *lw_jmap_find(const lw_jmap *m, const lw_jvalue *key);
lw_jvalue lw_jpair_key(const lw_jpair *p);
gboolean lw_jmap_put(lw_jinja_run *r, lw_jmap *m, lw_text key, const lw_jvalue *value);
/* key: a text or an integer. */
gboolean lw_jmap_put_value(lw_jinja_run *r, lw_jmap *m, const lw_jvalue *key,
                           const lw_jvalue *value);
lw_jlist *lw_jlist_new(lw_jinja_run *r, gsize n); /* items cleared */
/* Text as str() gives it. */
gboolean lw_jstr(lw_jinja_run *r, const lw_jvalue *v, lw_text *out);
/* What a for loop runs over. */
gboolean lw_jiterate(lw_jinja_run *r, const lw_jvalue *v, const lw_jlist **out);
/* Copy the buffer's text into the run and clear the buffer. */
gboolean lw_jtake(lw_jinja_run *r, lw_text_buf *b, lw_text *out);
void lw_jnumber(double f, char out[40]); /* as Python's repr() */

/* jinja-json.c */
typedef struct {
    int indent; /* <0: one line */
    gboolean ascii, sort_keys;
    lw_text comma, colon;
} lw_jjson;
gboolean lw_jtojson(lw_jinja_run *r, const lw_jvalue *v, const lw_jjson *style, lw_text *out);

/* ---- Functions: filters, tests, methods, globals ---- */

typedef struct {
    const lw_jvalue *positional;
    guint n_positional;
    const lw_jpair *named;
    guint n_named;
} lw_jargs;

#define LW_JMAX_PARAMS 5

/* self: the value a filter, a test or a method is about.  v: arguments in the order of the
 * function's parameters, NULL where none was given. */
typedef gboolean (*lw_jcall)(lw_jinja_run *r, const lw_jvalue *self, const lw_jargs *args,
                             const lw_jvalue *const *v, lw_jvalue *out);

struct lw_jfunction {
    const char *name;
    lw_jcall call;
    const char
        *params; /* names, separated by commas; NULL: any, the function looks at args itself */
};

const lw_jfunction *lw_jfind_filter(const char *name, gsize n); /* NULL: unknown */
const lw_jfunction *lw_jfind_test(const char *name, gsize n);
const lw_jfunction *lw_jfind_global(const char *name, gsize n);
const lw_jfunction *lw_jfind_method(lw_jkind kind, const char *name, gsize n);
const lw_jfunction *lw_jfind_in(const lw_jfunction *table, const char *name, gsize n);
/* Sort out the arguments and call. */
gboolean lw_japply(lw_jinja_run *r, const lw_jfunction *f, const lw_jvalue *self,
                   const lw_jargs *args, lw_jvalue *out);
/* Argument readers: fail when the kind is wrong; the default when it was not given. */
gboolean lw_jarg_int(lw_jinja_run *r, const lw_jvalue *v, gint64 otherwise, gint64 *out);
gboolean lw_jarg_text(lw_jinja_run *r, const lw_jvalue *v, lw_text *out);

/* ---- Running ---- */

gboolean lw_jeval(lw_jinja_run *r, const lw_jnode *n, lw_jvalue *out); /* jinja-eval.c */
gboolean lw_jexec(lw_jinja_run *r, const lw_jnode *n);                 /* jinja-run.c */
gboolean lw_jattr(lw_jinja_run *r, const lw_jvalue *v, lw_text name, lw_jvalue *out);
gboolean lw_jitem(lw_jinja_run *r, const lw_jvalue *v, const lw_jvalue *key, lw_jvalue *out);
gboolean lw_jset(lw_jinja_run *r, lw_jframe *f, lw_text name, const lw_jvalue *v);
gboolean lw_jcall_macro(lw_jinja_run *r, const lw_jmacro *m, const lw_jargs *args, lw_jvalue *out);
/* Capture what body writes. */
gboolean lw_jcapture(lw_jinja_run *r, const lw_jnode *body, lw_text *out);

G_END_DECLS
