/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A small interpreter of Jinja, as far as chat templates use it, behaving as transformers
 * configures jinja2 (trim_blocks, lstrip_blocks, loop controls, its own tojson).  Templates come
 * from model files, so they are believed in nothing: steps, depth, memory and output are limited,
 * there is no input or output, and a template sees plain values only.
 *
 * Every text carries the origin of each of its bytes (text.h): literals of the template are
 * scaffold, what comes out of messages stays outside, through concatenation, slices, replace,
 * split, join, upper, tojson and loops.  Bytes that an operation makes (digits, quotes, escapes)
 * are outside.  Where text from outside decides what is cut out of scaffold (the first argument of
 * replace, the separator of split), the result is outside as a whole.
 *
 * Left out: include, import, extends, call blocks, recursive loops, methods that change a list or a
 * mapping, the format operator.  Using one is an error with its line, not a wrong result.
 *
 * Thread: a lw_jinja is immutable; a lw_jinja_run belongs to one thread.
 */
#pragma once

#include "engine/chat/text.h"

G_BEGIN_DECLS

typedef struct lw_jinja lw_jinja;

/* Longer templates are refused. */
#define LW_JINJA_MAX_BYTES (1024 * 1024)

/* text: n bytes, copied.  Errors: LW_MODEL_ERROR: UNSUPPORTED, with the line. */
lw_jinja *lw_jinja_parse(const char *text, gsize n, GError **error);
void lw_jinja_free(lw_jinja *j);

/* ---- Values ---- */

typedef struct lw_jinja_run lw_jinja_run;
typedef struct lw_jlist lw_jlist;
typedef struct lw_jmap lw_jmap;
typedef struct lw_jloop lw_jloop;
typedef struct lw_jmacro lw_jmacro;
typedef struct lw_jfunction lw_jfunction;

typedef enum {
    LW_J_UNDEFINED = 0,
    LW_J_NONE,
    LW_J_BOOL,
    LW_J_INT,
    LW_J_FLOAT,
    LW_J_TEXT,
    LW_J_LIST,
    LW_J_MAP,
    LW_J_NAMESPACE,
    LW_J_LOOP,
    LW_J_MACRO,
    LW_J_FUNCTION,
} lw_jkind;

/* A plain value; what it points to belongs to its run. */
typedef struct {
    lw_jkind kind;
    union {
        gboolean b;
        gint64 i;
        double f;
        lw_text text; /* UNDEFINED: the name that was looked for, for messages */
        lw_jlist *list;
        lw_jmap *map; /* MAP, NAMESPACE */
        lw_jloop *loop;
        const lw_jmacro *macro;
        const lw_jfunction *function;
    };
} lw_jvalue;

/* ---- Running ---- */

typedef struct {
    gsize steps; /* visited nodes and 32-byte pieces of text; 0: 20 million and one per byte of
                    input */
    gsize memory_bytes; /* for values; 0: 64 MiB and 64 times the input */
    gsize output_bytes; /* 0: 16 MiB and 8 times the input */
    gint64 date;        /* strftime_now(): seconds since 1970; 0: now */
} lw_jinja_limits;

/* n_input: bytes of text that will be given, for the limits.  limits may be NULL. */
lw_jinja_run *lw_jinja_run_new(const lw_jinja *j, gsize n_input, const lw_jinja_limits *limits);
void lw_jinja_run_free(lw_jinja_run *r);

/* Values for the template; NULL pieces and failures to allocate surface when it is rendered. */
lw_jvalue lw_jinja_none(void);
lw_jvalue lw_jinja_bool(gboolean b);
lw_jvalue lw_jinja_int(gint64 i);
lw_jvalue lw_jinja_float(double f);
/* Borrowed until the run is freed. */
lw_jvalue lw_jinja_text(lw_text t);
/* Copied, one origin for all. */
lw_jvalue lw_jinja_new_text(lw_jinja_run *r, const char *text, gsize n, lw_origin origin);
/* items are copied. */
lw_jvalue lw_jinja_new_list(lw_jinja_run *r, const lw_jvalue *items, gsize n);
lw_jvalue lw_jinja_new_map(lw_jinja_run *r);
/* key: a constant. */
void lw_jinja_map_put(lw_jinja_run *r, lw_jvalue map, const char *key, lw_jvalue value);
/* A variable of the template. */
void lw_jinja_define(lw_jinja_run *r, const char *name, lw_jvalue value);

/* Append what the template writes to out (whose limit is set here).
 * Errors: LW_ENGINE_ERROR: INVALID with the line (the template raised one, or met a limit),
 * NO_MEMORY. */
gboolean lw_jinja_render(lw_jinja_run *r, lw_text_buf *out, GError **error);

G_END_DECLS
