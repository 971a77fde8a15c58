/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON Schema -> GBNF text, one rule per subschema.  Everything that would restrict a value and is
 * not understood is an error: a constraint that is silently dropped would be worse than none.
 */
#include "engine/grammar/grammar.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "engine/lw-error.h"

typedef struct {
    GString *out;
    JsonNode *root;
    GHashTable *refs; /* "#/$defs/x" -> rule name */
    guint n_rules;
    guint depth;
    GPtrArray *path; /* of const char *, for messages */
    GError **error;
} writer;

/* Rules that any schema may use.  White space between tokens is one blank, or a line break with an
 * indentation: room for every usual layout, and none to run away in. */
static const char common_rules[] =
    "ws ::= ( \" \" | \"\\n\" \" \"{0,32} )?\n"
    "value ::= object | array | string | number | \"true\" | \"false\" | \"null\"\n"
    "object ::= \"{\" ws ( member ( \",\" ws member )* )? \"}\"\n"
    "member ::= string ws \":\" ws value ws\n"
    "array ::= \"[\" ws ( value ws ( \",\" ws value ws )* )? \"]\"\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "char ::= [^\"\\\\\\x00-\\x1F] | \"\\\\\" ( [\"\\\\/bfnrt] | \"u\" unit )\n"
    /* A surrogate comes as a pair or not at all. */
    "unit ::= ( [0-9a-cA-CefEF] hex | [dD] [0-7] ) hex hex | [dD] [89abAB] hex hex \"\\\\u\" [dD] "
    "[c-fC-F] hex hex\n"
    "hex ::= [0-9a-fA-F]\n"
    "number ::= integer ( \".\" [0-9]{1,16} )? ( [eE] [-+]? [0-9]{1,3} )?\n"
    "integer ::= \"-\"? ( \"0\" | [1-9] [0-9]{0,17} )\n";

static gboolean fail(writer *w, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean fail(writer *w, const char *format, ...)
{
    g_autoptr(GString) at = g_string_new("#");
    va_list ap;

    va_start(ap, format);
    g_autofree char *what = g_strdup_vprintf(format, ap);
    va_end(ap);
    for (guint i = 0; i < w->path->len; i++)
        g_string_append_printf(at, "/%s", (const char *)w->path->pdata[i]);
    g_set_error(w->error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "the JSON schema at %s: %s",
                at->str, what);
    return FALSE;
}

static void enter(writer *w, const char *key)
{
    g_ptr_array_add(w->path, (gpointer)key);
}

static void leave(writer *w)
{
    g_ptr_array_set_size(w->path, (gint)w->path->len - 1);
}

/* A GBNF literal of text's bytes. */
static void append_literal(GString *s, const char *text)
{
    g_string_append_c(s, '"');
    for (; *text; text++) {
        guint8 ch = (guint8)*text;
        if (ch == '"' || ch == '\\')
            g_string_append_printf(s, "\\%c", ch);
        else if (ch < 0x20 || ch == 0x7F)
            g_string_append_printf(s, "\\x%02X", ch);
        else
            g_string_append_c(s, (char)ch);
    }
    g_string_append_c(s, '"');
}

/* The JSON text of a constant, compact, as a literal. */
static void append_constant(GString *s, JsonNode *node)
{
    g_autofree char *json = json_to_string(node, FALSE);
    append_literal(s, json);
}

static gboolean get_count(writer *w, JsonObject *o, const char *key, guint *out)
{
    JsonNode *n = json_object_get_member(o, key);

    if (!n)
        return TRUE;
    if (!JSON_NODE_HOLDS_VALUE(n) || json_node_get_value_type(n) != G_TYPE_INT64 ||
        json_node_get_int(n) < 0 || json_node_get_int(n) > LW_GRAMMAR_MAX_REPEAT)
        return fail(w, "%s must be a whole number from 0 to %d", key, LW_GRAMMAR_MAX_REPEAT);
    *out = (guint)json_node_get_int(n);
    return TRUE;
}

/* ---- Integers in a range ---- */

/* Decimal digits of the numbers lo..hi, both of n digits, leading zeros kept. */
static void append_digits(GString *s, const char *lo, const char *hi, gsize n)
{
    gsize same = 0;

    while (same < n && lo[same] == hi[same])
        same++;
    if (same)
        g_string_append_printf(s, "\"%.*s\" ", (int)same, lo);
    if (same == n)
        return;
    lo += same;
    hi += same;
    n -= same;
    if (n == 1) {
        g_string_append_printf(s, "[%c-%c] ", lo[0], hi[0]);
        return;
    }

    gboolean low_whole = strspn(lo + 1, "0") >= n - 1, high_whole = strspn(hi + 1, "9") >= n - 1;
    char from = (char)(lo[0] + !low_whole), to = (char)(hi[0] - !high_whole);
    char zeros[24], nines[24];
    memset(zeros, '0', n);
    memset(nines, '9', n);
    const char * or = "";
    g_string_append(s, "( ");
    if (!low_whole) {
        g_string_append_printf(s, "\"%c\" ", lo[0]);
        append_digits(s, lo + 1, nines, n - 1);
        or = "| ";
    }
    if (from <= to) {
        g_string_append_printf(s, "%s[%c-%c] [0-9]{%" G_GSIZE_FORMAT "} ", or, from, to, n - 1);
        or = "| ";
    }
    if (!high_whole) {
        g_string_append_printf(s, "%s\"%c\" ", or, hi[0]);
        append_digits(s, zeros, hi + 1, n - 1);
    }
    g_string_append(s, ") ");
}

/* Alternatives for lo..hi, 0 <= lo <= hi: one for every number of digits. */
static void append_naturals(GString *s, guint64 lo, guint64 hi, const char ** or, const char *sign)
{
    for (;;) {
        char a[24], b[24];
        gsize n = (gsize)g_snprintf(a, sizeof a, "%" G_GUINT64_FORMAT, lo);
        guint64 last = hi; /* of n digits */
        if ((gsize)g_snprintf(b, sizeof b, "%" G_GUINT64_FORMAT, hi) > n) {
            memset(b, '9', n);
            b[n] = 0;
            last = g_ascii_strtoull(b, NULL, 10);
        }
        g_string_append_printf(s, "%s%s", * or, sign);
        append_digits(s, a, b, n);
        * or = "| ";
        if (last == hi)
            return;
        lo = last + 1;
    }
}

/* Bounds beyond this are as good as none: `integer` has 18 digits. */
#define MAX_INTEGER G_GINT64_CONSTANT(999999999999999999)

static gboolean get_bound(writer *w, JsonObject *o, const char *key, gint64 shift, gboolean upper,
                          gint64 *bound, gboolean *any)
{
    JsonNode *n = json_object_get_member(o, key);
    gint64 v;

    if (!n)
        return TRUE;
    if (!JSON_NODE_HOLDS_VALUE(n) || json_node_get_value_type(n) != G_TYPE_INT64)
        return fail(w, "%s must be a whole number", key);
    v = CLAMP(json_node_get_int(n), -MAX_INTEGER, MAX_INTEGER) + shift;
    *bound = upper ? MIN(*bound, v) : MAX(*bound, v);
    *any = TRUE;
    return TRUE;
}

static gboolean write_integer(writer *w, JsonObject *o, GString *s)
{
    gint64 lo = -MAX_INTEGER, hi = MAX_INTEGER;
    gboolean any = FALSE;
    const char * or = "";

    if (!get_bound(w, o, "minimum", 0, FALSE, &lo, &any) ||
        !get_bound(w, o, "exclusiveMinimum", 1, FALSE, &lo, &any) ||
        !get_bound(w, o, "maximum", 0, TRUE, &hi, &any) ||
        !get_bound(w, o, "exclusiveMaximum", -1, TRUE, &hi, &any))
        return FALSE;
    if (!any) {
        g_string_append(s, "integer ");
        return TRUE;
    }
    if (lo > hi)
        return fail(w, "no whole number lies between %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT,
                    lo, hi);
    g_string_append(s, "( ");
    if (lo < 0)
        append_naturals(s, hi < 0 ? (guint64)-hi : 1, (guint64)-lo, & or, "\"-\" ");
    if (hi >= 0)
        append_naturals(s, lo > 0 ? (guint64)lo : 0, (guint64)hi, & or, "");
    g_string_append(s, ") ");
    return TRUE;
}

/* ---- The other types ---- */

static gboolean write_schema(writer *w, JsonNode *node, GString *s);

/* A subschema as a rule of its own; its name goes to s. */
static gboolean write_rule(writer *w, JsonNode *node, GString *s)
{
    g_autoptr(GString) body = g_string_new(NULL);
    guint n = w->n_rules++;

    if (!write_schema(w, node, body))
        return FALSE;
    g_string_append_printf(w->out, "r%u ::= %s\n", n, body->str);
    g_string_append_printf(s, "r%u ", n);
    return w->out->len <= LW_GRAMMAR_MAX_TEXT ||
           fail(w, "its grammar is longer than %d bytes", LW_GRAMMAR_MAX_TEXT);
}

static gboolean write_string(writer *w, JsonObject *o, GString *s)
{
    guint min = 0, max = G_MAXUINT;

    if (!get_count(w, o, "minLength", &min) || !get_count(w, o, "maxLength", &max))
        return FALSE;
    if (min > max)
        return fail(w, "minLength %u is above maxLength %u", min, max);
    if (max == G_MAXUINT)
        g_string_append_printf(s, "\"\\\"\" char{%u,} \"\\\"\" ", min);
    else
        g_string_append_printf(s, "\"\\\"\" char{%u,%u} \"\\\"\" ", min, max);
    return TRUE;
}

static gboolean write_array(writer *w, JsonObject *o, GString *s)
{
    guint min = 0, max = G_MAXUINT, n_first = 0;
    JsonNode *items = json_object_get_member(o, "items"),
             *prefix = json_object_get_member(o, "prefixItems");
    g_autoptr(GString) item = g_string_new(NULL);

    if (!get_count(w, o, "minItems", &min) || !get_count(w, o, "maxItems", &max))
        return FALSE;
    if (min > max)
        return fail(w, "minItems %u is above maxItems %u", min, max);
    if (prefix) {
        if (!JSON_NODE_HOLDS_ARRAY(prefix))
            return fail(w, "prefixItems must be an array");
        n_first = json_array_get_length(json_node_get_array(prefix));
        if (min != 0 && min != n_first)
            return fail(w,
                        "minItems %u beside %u prefixItems is not supported; leave it out or make "
                        "them equal",
                        min, n_first);
        if (items && !(JSON_NODE_HOLDS_VALUE(items) && !json_node_get_boolean(items)))
            return fail(
                w,
                "items beside prefixItems is not supported; leave it out (no more items) or false");
    } else if (items) {
        enter(w, "items");
        if (!write_rule(w, items, item))
            return FALSE;
        leave(w);
    } else {
        g_string_append(item, "value ");
    }

    g_string_append(s, "\"[\" ws ");
    if (prefix) {
        enter(w, "prefixItems");
        for (guint i = 0; i < n_first; i++) {
            if (i)
                g_string_append(s, "\",\" ws ");
            if (!write_rule(w, json_array_get_element(json_node_get_array(prefix), i), s))
                return FALSE;
            g_string_append(s, "ws ");
        }
        leave(w);
    } else if (max > 0) {
        /* item (, item){min - 1, max - 1}, the whole optional when there may be none */
        g_string_append_printf(s, "( %sws ( \",\" ws %sws ){%u,", item->str, item->str,
                               min ? min - 1 : 0);
        if (max != G_MAXUINT)
            g_string_append_printf(s, "%u", max - 1);
        g_string_append_printf(s, "} )%s ", min ? "" : "?");
    }
    g_string_append(s, "\"]\" ");
    return TRUE;
}

/* A key that is none of names[from, to), which share their first `depth` bytes and are sorted: a
 * path through the tree of the names that leaves it, or ends inside it. */
static void append_other_key(GString *s, char **names, guint from, guint to, gsize depth)
{
    static const char others[] = "\"\\\\\\x00-\\x1F"; /* of a class */
    g_autoptr(GString) firsts = g_string_new(NULL);
    gboolean is_name = from < to && names[from][depth] == 0;

    g_string_append(s, "( ");
    for (guint i = from + is_name; i < to;) {
        gunichar ch = g_utf8_get_char(names[i] + depth);
        guint end = i;
        while (end < to && g_utf8_get_char(names[end] + depth) == ch)
            end++;
        g_string_append_printf(firsts, "\\U%08X", ch);
        g_string_append_printf(s, "[\\U%08X] ", ch);
        append_other_key(s, names, i, end, depth + (gsize)g_unichar_to_utf8(ch, NULL));
        g_string_append(s, "| ");
        i = end;
    }
    g_string_append_printf(s, "[^%s%s] [^%s]* %s) ", others, firsts->str, others,
                           is_name ? "" : "| \"\" ");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static gboolean is_required(JsonArray *required, const char *name)
{
    for (guint i = 0; required && i < json_array_get_length(required); i++) {
        if (g_strcmp0(json_array_get_string_element(required, i), name) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean check_required(writer *w, JsonNode *node, JsonObject *properties)
{
    if (!JSON_NODE_HOLDS_ARRAY(node))
        return fail(w, "required must be an array of names");
    JsonArray *a = json_node_get_array(node);
    for (guint i = 0; i < json_array_get_length(a); i++) {
        JsonNode *e = json_array_get_element(a, i);
        if (!JSON_NODE_HOLDS_VALUE(e) || json_node_get_value_type(e) != G_TYPE_STRING)
            return fail(w, "required must be an array of names");
        if (!properties || !json_object_has_member(properties, json_node_get_string(e)))
            return fail(w, "\"%s\" is required and not among the properties",
                        json_node_get_string(e));
    }
    return TRUE;
}

/* Properties in their order.  With i..n-1 left, two rules say what may follow:
 *   first_i: none was written yet          next_i: some was
 *   first_i ::= member_i next_i | first_i+1 (when i may be left out)
 *   next_i  ::= "," ws member_i next_i+1 | next_i+1 (likewise)
 * and behind the last come the additional ones. */
static gboolean write_object(writer *w, JsonObject *o, GString *s)
{
    JsonNode *pn = json_object_get_member(o, "properties"),
             *rn = json_object_get_member(o, "required");
    JsonNode *an = json_object_get_member(o, "additionalProperties");
    JsonObject *properties = NULL;
    JsonArray *required = NULL;
    gboolean additional = FALSE;
    g_autoptr(GString) other = g_string_new(NULL);

    if (pn) {
        if (!JSON_NODE_HOLDS_OBJECT(pn))
            return fail(w, "properties must be an object");
        properties = json_node_get_object(pn);
    }
    if (rn) {
        if (!check_required(w, rn, properties))
            return FALSE;
        required = json_node_get_array(rn);
    }
    guint n = properties ? json_object_get_size(properties) : 0;
    if (an && JSON_NODE_HOLDS_OBJECT(an)) {
        additional = TRUE;
        enter(w, "additionalProperties");
        if (!write_rule(w, an, other))
            return FALSE;
        leave(w);
    } else if (an && JSON_NODE_HOLDS_VALUE(an) && json_node_get_value_type(an) == G_TYPE_BOOLEAN) {
        additional = json_node_get_boolean(an);
        g_string_assign(other, "value ");
    } else if (an) {
        return fail(w, "additionalProperties must be true, false or a schema");
    } else if (!properties) {
        additional = TRUE;
        g_string_assign(other, "value ");
    }

    guint id = w->n_rules++;
    g_autofree char **names = g_new0(char *, n + 1);
    JsonObjectIter iter;
    const char *name;
    JsonNode *sub;
    guint i = 0;
    enter(w, "properties");
    if (properties) {
        json_object_iter_init_ordered(&iter, properties);
        while (json_object_iter_next_ordered(&iter, &name, &sub)) {
            gboolean must = is_required(required, name);
            g_autoptr(GString) member = g_string_new(NULL);
            g_autoptr(JsonNode) key = json_node_init_string(json_node_alloc(), name);
            names[i] = (char *)name;
            enter(w, name);
            append_constant(member, key);
            g_string_append(member, " ws \":\" ws ");
            if (!write_rule(w, sub, member))
                return FALSE;
            leave(w);
            g_string_append_printf(w->out, "o%u-first%u ::= %sws o%u-next%u", id, i, member->str,
                                   id, i + 1);
            if (!must)
                g_string_append_printf(w->out, " | o%u-first%u", id, i + 1);
            g_string_append_printf(w->out, "\no%u-next%u ::= \",\" ws %sws o%u-next%u", id, i,
                                   member->str, id, i + 1);
            if (!must)
                g_string_append_printf(w->out, " | o%u-next%u", id, i + 1);
            g_string_append_c(w->out, '\n');
            i++;
        }
    }
    leave(w);
    if (additional) {
        qsort(names, n, sizeof *names, by_text);
        g_string_append_printf(w->out, "o%u-other ::= \"\\\"\" ", id);
        append_other_key(w->out, names, 0, n, 0);
        g_string_append_printf(w->out, "\"\\\"\" ws \":\" ws %sws\n", other->str);
        g_string_append_printf(w->out, "o%u-first%u ::= ( o%u-other o%u-next%u )?\n", id, n, id, id,
                               n);
        g_string_append_printf(w->out, "o%u-next%u ::= ( \",\" ws o%u-other )*\n", id, n, id);
    } else {
        g_string_append_printf(w->out, "o%u-first%u ::= \"\"\no%u-next%u ::= \"\"\n", id, n, id, n);
    }
    g_string_append_printf(s, "\"{\" ws o%u-first0 \"}\" ", id);
    return TRUE;
}

static gboolean write_type(writer *w, const char *type, JsonObject *o, GString *s)
{
    if (strcmp(type, "object") == 0)
        return write_object(w, o, s);
    if (strcmp(type, "array") == 0)
        return write_array(w, o, s);
    if (strcmp(type, "string") == 0)
        return write_string(w, o, s);
    if (strcmp(type, "integer") == 0)
        return write_integer(w, o, s);
    if (strcmp(type, "number") == 0) {
        static const char *const bounds[] = {"minimum", "maximum", "exclusiveMinimum",
                                             "exclusiveMaximum"};
        for (gsize i = 0; i < G_N_ELEMENTS(bounds); i++) {
            if (json_object_has_member(o, bounds[i]))
                return fail(w, "%s of a number is not supported (of an integer it is)", bounds[i]);
        }
        g_string_append(s, "number ");
        return TRUE;
    }
    if (strcmp(type, "boolean") == 0)
        g_string_append(s, "( \"true\" | \"false\" ) ");
    else if (strcmp(type, "null") == 0)
        g_string_append(s, "\"null\" ");
    else
        return fail(w, "unknown type \"%s\"", type);
    return TRUE;
}

static gboolean write_types(writer *w, JsonNode *types, JsonObject *o, GString *s)
{
    if (JSON_NODE_HOLDS_VALUE(types) && json_node_get_value_type(types) == G_TYPE_STRING)
        return write_type(w, json_node_get_string(types), o, s);
    if (!JSON_NODE_HOLDS_ARRAY(types) || json_array_get_length(json_node_get_array(types)) == 0)
        return fail(w, "type must be a name or an array of names");

    JsonArray *a = json_node_get_array(types);
    g_string_append(s, "( ");
    for (guint i = 0; i < json_array_get_length(a); i++) {
        JsonNode *t = json_array_get_element(a, i);
        if (!JSON_NODE_HOLDS_VALUE(t) || json_node_get_value_type(t) != G_TYPE_STRING)
            return fail(w, "type must be a name or an array of names");
        if (i)
            g_string_append(s, "| ");
        if (!write_type(w, json_node_get_string(t), o, s))
            return FALSE;
    }
    g_string_append(s, ") ");
    return TRUE;
}

static gboolean write_choices(writer *w, const char *key, JsonNode *node, GString *s)
{
    if (!JSON_NODE_HOLDS_ARRAY(node) || json_array_get_length(json_node_get_array(node)) == 0)
        return fail(w, "%s must be an array that is not empty", key);
    JsonArray *a = json_node_get_array(node);
    g_string_append(s, "( ");
    enter(w, key);
    for (guint i = 0; i < json_array_get_length(a); i++) {
        if (i)
            g_string_append(s, "| ");
        if (strcmp(key, "enum") == 0)
            append_constant(s, json_array_get_element(a, i));
        else if (!write_rule(w, json_array_get_element(a, i), s))
            return FALSE;
        g_string_append_c(s, ' ');
    }
    leave(w);
    g_string_append(s, ") ");
    return TRUE;
}

/* "#", "#/$defs/NAME", "#/definitions/NAME": a rule, written when it is first met. */
static gboolean write_ref(writer *w, JsonNode *node, GString *s)
{
    const char *ref = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : NULL;
    JsonNode *target = NULL;

    if (!ref)
        return fail(w, "$ref must be text");
    const char *known = g_hash_table_lookup(w->refs, ref);
    if (known) {
        g_string_append_printf(s, "%s ", known);
        return TRUE;
    }
    if (strcmp(ref, "#") == 0) {
        target = w->root;
    } else if (JSON_NODE_HOLDS_OBJECT(w->root)) {
        static const char *const places[] = {"$defs", "definitions"};
        for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
            g_autofree char *prefix = g_strdup_printf("#/%s/", places[i]);
            JsonNode *defs = json_object_get_member(json_node_get_object(w->root), places[i]);
            if (g_str_has_prefix(ref, prefix) && defs && JSON_NODE_HOLDS_OBJECT(defs))
                target = json_object_get_member(json_node_get_object(defs), ref + strlen(prefix));
        }
    }
    if (!target)
        return fail(w, "$ref \"%s\" leads nowhere (supported: #, #/$defs/NAME, #/definitions/NAME)",
                    ref);

    char *name = g_strdup_printf("def%u", g_hash_table_size(w->refs));
    g_hash_table_insert(w->refs, g_strdup(ref), name);
    g_autoptr(GString) body = g_string_new(NULL);
    if (!write_schema(w, target, body))
        return FALSE;
    g_string_append_printf(w->out, "%s ::= %s\n", name, body->str);
    g_string_append_printf(s, "%s ", name);
    return TRUE;
}

/* What is understood somewhere above, and what only describes. */
static gboolean is_known_keyword(const char *key)
{
    static const char *const known[] = {
        "$ref",
        "$defs",
        "definitions",
        "type",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "$schema",
        "$id",
        "$comment",
        "$anchor",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "format",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (strcmp(key, known[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean write_schema_object(writer *w, JsonObject *o, GString *s)
{
    static const char *const choices[] = {"enum", "anyOf", "oneOf"};
    JsonObjectIter iter;
    const char *key;
    JsonNode *node;

    json_object_iter_init_ordered(&iter, o);
    while (json_object_iter_next_ordered(&iter, &key, &node)) {
        if (!is_known_keyword(key))
            return fail(w, "\"%s\" is not supported", key);
    }
    if ((node = json_object_get_member(o, "$ref")))
        return write_ref(w, node, s);
    if ((node = json_object_get_member(o, "const"))) {
        append_constant(s, node);
        g_string_append_c(s, ' ');
        return TRUE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(choices); i++) {
        if ((node = json_object_get_member(o, choices[i])))
            return write_choices(w, choices[i], node, s);
    }
    if ((node = json_object_get_member(o, "type")))
        return write_types(w, node, o, s);
    if (json_object_has_member(o, "properties") ||
        json_object_has_member(o, "additionalProperties"))
        return write_object(w, o, s);
    if (json_object_has_member(o, "items") || json_object_has_member(o, "prefixItems"))
        return write_array(w, o, s);
    g_string_append(s, "value ");
    return TRUE;
}

static gboolean write_schema(writer *w, JsonNode *node, GString *s)
{
    gboolean ok;

    if (w->depth >= LW_GRAMMAR_MAX_DEPTH)
        return fail(w, "schemas are nested deeper than %d", LW_GRAMMAR_MAX_DEPTH);
    w->depth++;
    if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_BOOLEAN &&
        json_node_get_boolean(node)) {
        g_string_append(s, "value ");
        ok = TRUE;
    } else if (JSON_NODE_HOLDS_OBJECT(node)) {
        ok = write_schema_object(w, json_node_get_object(node), s);
    } else {
        ok = fail(w, "a schema must be an object or true");
    }
    w->depth--;
    return ok;
}

/* json-glib reads nested values by recursion: refuse what is too deep before it does. */
static gboolean check_nesting(const char *text, gsize n, GError **error)
{
    gsize depth = 0;
    gboolean in_string = FALSE;

    for (gsize i = 0; i < n; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else
                in_string = text[i] != '"';
        } else if (text[i] == '"') {
            in_string = TRUE;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > 4 * LW_GRAMMAR_MAX_DEPTH) {
                g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                            "the JSON schema is nested deeper than %d", 4 * LW_GRAMMAR_MAX_DEPTH);
                return FALSE;
            }
        } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
            depth--;
        }
    }
    return TRUE;
}

char *lw_grammar_json_schema_to_gbnf(const char *schema, gssize n, GError **error)
{
    gsize length = n < 0 ? strlen(schema) : (gsize)n;
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    g_autoptr(GString) root = g_string_new(NULL);
    GError *err = NULL;

    if (length > LW_GRAMMAR_MAX_TEXT) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "the JSON schema has %" G_GSIZE_FORMAT " bytes, at most %d are allowed", length,
                    LW_GRAMMAR_MAX_TEXT);
        return NULL;
    }
    if (!check_nesting(schema, length, error))
        return NULL;
    if (!g_utf8_validate(schema, (gssize)length, NULL) ||
        !json_parser_load_from_data(parser, schema, (gssize)length, &err) ||
        !json_parser_get_root(parser)) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "the JSON schema is not JSON: %s",
                    err ? err->message : "it is empty or not valid UTF-8");
        g_clear_error(&err);
        return NULL;
    }
    writer w = {
        .out = g_string_new(common_rules),
        .root = json_parser_get_root(parser),
        .refs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .path = g_ptr_array_new(),
        .error = error,
    };
    gboolean ok = write_schema(&w, w.root, root);
    g_hash_table_unref(w.refs);
    g_ptr_array_unref(w.path);
    if (!ok) {
        g_string_free(w.out, TRUE);
        return NULL;
    }
    g_string_append_printf(w.out, "root ::= %s\n", root->str);
    return g_string_free(w.out, FALSE);
}

lw_grammar *lw_grammar_new_json_schema(const char *schema, gssize n, GError **error)
{
    g_autofree char *gbnf = lw_grammar_json_schema_to_gbnf(schema, n, error);

    return gbnf ? lw_grammar_new(gbnf, -1, error) : NULL;
}
