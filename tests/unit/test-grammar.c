/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Grammars by what they take and what they refuse, JSON schemas by answers drawn at random under
 * their constraint and read back with json-glib, and what may be said about broken ones.
 */
#include <json-glib/json-glib.h>
#include <string.h>

#include "engine/grammar/constraint.h"
#include "engine/lw-error.h"
#include "tests/unit/gguf-build.h"

static lw_grammar *new_grammar(const char *gbnf)
{
    GError *error = NULL;
    lw_grammar *g = lw_grammar_new(gbnf, -1, &error);

    g_assert_no_error(error);
    return g;
}

static gboolean takes(lw_grammar *g, const char *text)
{
    lw_matcher *m = lw_matcher_new(g);
    lw_matcher_state s = lw_matcher_start(m);
    gboolean ok;

    for (; *text && s; text++)
        s = lw_matcher_step(m, s, (guint8)*text);
    ok = lw_matcher_may_end(m, s);
    lw_matcher_free(m);
    return ok;
}

static void check(const char *gbnf, const char *const *good, const char *const *bad)
{
    lw_grammar *g = new_grammar(gbnf);

    for (; *good; good++) {
        if (!takes(g, *good))
            g_error("not taken: %s", *good);
    }
    for (; *bad; bad++) {
        if (takes(g, *bad))
            g_error("taken: %s", *bad);
    }
    lw_grammar_unref(g);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_gbnf(void)
{
    check("root ::= \"yes\" | \"no\"", LIST("yes", "no"), LIST("", "ye", "yesno", "maybe"));
    check("root ::= [a-c]+ [^a-c]?", LIST("a", "cab", "abd", "bé"), LIST("", "d", "add", "ab\xC3"));
    check("root ::= \"a\"{2,3} (\"b\" | \"c\" \"d\"){2} \"e\"{1,}  # a comment\n",
          LIST("aabbe", "aaabcde", "aacdcdeee"), LIST("abbe", "aaaabbe", "aabe", "aabb", "aabbbe"));
    check("root ::= x{,2} \".\"\nx ::= [0-9]", LIST(".", "1.", "12."), LIST("123.", "1"));
    check("root ::= list\nlist ::= \"(\" list* \")\" | \"x\"", LIST("x", "()", "(x(x)())"),
          LIST("(", "x)", "(x"));
    /* Right recursion needs no stack, nullable bodies of loops need no end. */
    check("root ::= \"a\" root | \"\"", LIST("", "aaaaaaaaaa"), LIST("b", "aab"));
    check("root ::= (\"a\"* \"b\"?)* \"c\"", LIST("c", "aababbc"), LIST("", "ab"));
    check("root ::= \"\\\"\\\\\\n\\x41\\u00e9\\U0001F600\"",
          LIST("\"\\\nA\xC3\xA9\xF0\x9F\x98\x80"), LIST("A"));
    check("root ::= .", LIST("a", "é", "€", "😀"),
          LIST("", "ab", "\x80", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80"));
    check("root ::= []", LIST("") + 1, LIST("", "a"));
}

/* Every character of a class and none beside it: the lower planes whole, the upper ones in steps.
 */
static void test_utf8_ranges(void)
{
    static const gunichar ranges[][2] = {{0x41, 0x5A},      {0x7E, 0x81},      {0x7F0, 0x805},
                                         {0xD7F0, 0xE010},  {0xFFF0, 0x10010}, {0x10FFF0, 0x10FFFF},
                                         {0x3042, 0x2F805}, {0, 0x10FFFF}};

    for (gsize i = 0; i < G_N_ELEMENTS(ranges); i++) {
        g_autofree char *text =
            g_strdup_printf("root ::= [\\U%08X-\\U%08X]", ranges[i][0], ranges[i][1]);
        lw_grammar *g = new_grammar(text);
        lw_matcher *m = lw_matcher_new(g);
        for (gunichar u = 0; u <= 0x10FFFF; u += u < 0x11000 || u > 0x10FFE0 ? 1 : 31) {
            char bytes[6];
            lw_matcher_state s = lw_matcher_start(m);
            int n = g_unichar_to_utf8(u, bytes);
            for (int k = 0; k < n; k++)
                s = lw_matcher_step(m, s, (guint8)bytes[k]);
            gboolean want = u >= ranges[i][0] && u <= ranges[i][1] && !(u >= 0xD800 && u <= 0xDFFF);
            if (lw_matcher_may_end(m, s) != want)
                g_error("U+%04X in range %zu: %d", u, i, !want);
        }
        lw_matcher_free(m);
        lw_grammar_unref(g);
    }
}

static void refuse(const char *gbnf, const char *part)
{
    GError *error = NULL;

    g_assert_null(lw_grammar_new(gbnf, -1, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    if (!strstr(error->message, part))
        g_error("\"%s\" does not say \"%s\"", error->message, part);
    g_error_free(error);
}

static void test_broken(void)
{
    refuse("", "no rule named root");
    refuse("x ::= \"a\"", "no rule named root");
    refuse("root ::= a\n\nb ::= \"b\"", "line 1: rule a is used and not defined");
    refuse("root ::= \"a\"\nroot ::= \"b\"", "line 2: a rule is defined twice");
    refuse("root ::= \"a", "closing quote");
    refuse("root ::= [a", "without its ]");
    refuse("root ::= (\"a\"", "without its )");
    refuse("root ::= \"a\")", "without its (");
    refuse("root ::= \"\\q\"", "unknown escape");
    refuse("root ::= \"\\x4\"", "hexadecimal");
    refuse("root ::= [\\U00110000]", "above U+10FFFF");
    refuse("root ::= [z-a]", "before its start");
    refuse("root ::= \"\xFF\"", "UTF-8");
    refuse("root ::= \"a\"{3,2}", "below its minimum");
    refuse("root ::= \"a\"{99999}", "10000");
    refuse("root ::= \"a\"{", "repeat");
    refuse("root ::= \"a\"******", "in a row");
    refuse("root ::= * \"a\"", "expected");
    refuse("nonsense", "expected");
    refuse("root ::= a\na ::= b \"x\"\nb ::= \"y\"? a", "begins with itself");
    refuse("root ::= root", "begins with itself");
    refuse("root ::= (\"a\"{10000}){10000}", "nodes");
    /* An empty body repeated without end or often takes no time. */
    lw_grammar_unref(new_grammar("root ::= (((\"\"{10000}){10000}){10000}){10000} \"a\"*"));

    g_autoptr(GString) deep = g_string_new("root ::= ");
    for (int i = 0; i < 100; i++)
        g_string_append_c(deep, '(');
    refuse(deep->str, "deeper than 64");
    g_autofree char *longest = g_strnfill(LW_GRAMMAR_MAX_TEXT + 1, 'a');
    refuse(longest, "at most 262144");
}

/* Deeper than the stack may be: refused as "does not match", and said so. */
static void test_limit(void)
{
    lw_grammar *g = new_grammar("root ::= \"(\" root \")\" | \"x\"");
    lw_matcher *m = lw_matcher_new(g);
    lw_matcher_state s = lw_matcher_start(m);
    int n = 0;

    while (n < 5000 && (s = lw_matcher_step(m, s, '(')) != 0)
        n++;
    g_assert_cmpint(n, >=, 1000);
    g_assert_cmpint(n, <, 1100);
    g_assert_true(lw_matcher_hit_limit(m));
    lw_matcher_free(m);
    lw_grammar_unref(g);
}

static void test_forget(void)
{
    lw_grammar *g = new_grammar("root ::= \"(\" root \")\" | \"x\"");
    lw_matcher *m = lw_matcher_new(g);
    lw_matcher_state s = lw_matcher_start(m);

    for (int i = 0; i < 10; i++)
        s = lw_matcher_step(m, s, '(');
    s = lw_matcher_forget(m, s);
    s = lw_matcher_step(m, s, 'x');
    for (int i = 0; i < 10; i++) {
        g_assert_false(lw_matcher_may_end(m, s));
        s = lw_matcher_step(m, s, ')');
        if (i == 4)
            s = lw_matcher_forget(m, s);
    }
    g_assert_true(lw_matcher_may_end(m, s));
    lw_matcher_free(m);
    lw_grammar_unref(g);
}

/* ---- JSON schemas ---- */

static void check_schema(const char *schema, const char *const *good, const char *const *bad)
{
    GError *error = NULL;
    g_autofree char *gbnf = lw_grammar_json_schema_to_gbnf(schema, -1, &error);

    g_assert_no_error(error);
    check(gbnf, good, bad);
}

static void test_schema(void)
{
    check_schema(
        "{}",
        LIST("1", "-0.5e3", "\"a\\u00e9\\n\"", "[1, {\"a\": []}]", "{ }", "null",
             "\"\\ud83d\\ude00\""),
        LIST("", "01", "{a: 1}", "[1,]", "\"\n\"", "nul", "1 2", "\"\\ud83d\"", "\"\\q\""));
    check_schema("{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": "
                 "{\"type\": \"string\"},"
                 " \"c\": {\"type\": \"boolean\"}}, \"required\": [\"b\"]}",
                 LIST("{\"a\":1,\"b\":\"x\",\"c\":true}", "{\"b\":\"\"}",
                      "{ \"b\": \"x\", \"c\": false }", "{\"a\":-3,\"b\":\"\"}"),
                 LIST("{}", "{\"a\":1}", "{\"b\":\"\",\"a\":1}", "{\"a\":1.5,\"b\":\"\"}",
                      "{\"b\":\"\",}", "{\"b\":\"\",\"d\":1}", "{\"b\":\"\",\"b\":\"\"}",
                      "{,\"b\":\"\"}"));
    check_schema("{\"type\": \"array\", \"items\": {\"type\": \"integer\", \"minimum\": 0, "
                 "\"maximum\": 120},"
                 " \"minItems\": 1, \"maxItems\": 3}",
                 LIST("[0]", "[1,99,120]", "[100, 7]"),
                 LIST("[]", "[121]", "[-1]", "[1,2,3,4]", "[00]", "[1 2]"));
    check_schema("{\"enum\": [\"red\", 3, null, {\"a\": [1]}]}",
                 LIST("\"red\"", "3", "null", "{\"a\":[1]}"), LIST("red", "\"blue\"", "4"));
    check_schema(
        "{\"anyOf\": [{\"type\": \"null\"}, {\"type\": \"array\", \"items\": {\"$ref\": \"#\"}}]}",
        LIST("null", "[]", "[[],[null]]"), LIST("1", "[1]"));
    check_schema("{\"$ref\": \"#/$defs/tree\", \"$defs\": {\"tree\": {\"type\": \"object\", "
                 "\"properties\": {\"v\": "
                 "{\"const\": 1}, \"kids\": {\"type\": \"array\", \"items\": {\"$ref\": "
                 "\"#/$defs/tree\"}}}, "
                 "\"required\": [\"v\"]}}}",
                 LIST("{\"v\":1}", "{\"v\":1,\"kids\":[{\"v\":1,\"kids\":[]}]}"),
                 LIST("{}", "{\"v\":2}"));
    check_schema(
        "{\"type\": \"object\", \"properties\": {\"ab\": {\"const\": 1}, \"ad\": {\"const\": 2}},"
        " \"additionalProperties\": {\"type\": \"integer\"}}",
        LIST("{}", "{\"ab\":1,\"ad\":2,\"a\":7,\"abc\":1}", "{\"x\":1,\"\":2}"),
        LIST("{\"ab\":2}", "{\"x\":1,\"ab\":3}", "{\"x\":null}"));
    check_schema("{\"type\": [\"string\", \"null\"], \"minLength\": 1, \"maxLength\": 2}",
                 LIST("null", "\"a\"", "\"é😀\"", "\"\\n\\u00e9\""), LIST("\"\"", "\"abc\"", "1"));
    check_schema("{\"prefixItems\": [{\"type\": \"integer\"}, {\"type\": \"string\"}]}",
                 LIST("[1,\"a\"]"), LIST("[1]", "[1,\"a\",2]", "[\"a\",1]"));
    check_schema("true", LIST("1"), LIST("x"));
}

/* Every bound against counting. */
static void test_integer_bounds(void)
{
    GRand *rand = g_rand_new_with_seed(7);

    for (int round = 0; round < 60; round++) {
        int lo = g_rand_int_range(rand, -1300, 1300), hi = lo + g_rand_int_range(rand, 0, 1500);
        g_autofree char *schema =
            g_strdup_printf("{\"type\":\"integer\",\"minimum\":%d,\"maximum\":%d}", lo, hi);
        lw_grammar *g = lw_grammar_new_json_schema(schema, -1, NULL);
        g_assert_nonnull(g);
        for (int v = -2900; v <= 2900;
             v += 1 + (v < lo - 20 || (v > lo + 20 && v < hi - 20) || v > hi + 20) * 13) {
            char text[16];
            g_snprintf(text, sizeof text, "%d", v);
            if (takes(g, text) != (v >= lo && v <= hi))
                g_error("%d in %d..%d", v, lo, hi);
        }
        g_assert_false(takes(g, "-0"));
        lw_grammar_unref(g);
    }
    g_rand_free(rand);
}

static void refuse_schema(const char *schema, const char *part)
{
    GError *error = NULL;

    g_assert_null(lw_grammar_new_json_schema(schema, -1, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    if (!strstr(error->message, part))
        g_error("\"%s\" does not say \"%s\"", error->message, part);
    g_error_free(error);
}

static void test_broken_schema(void)
{
    refuse_schema("", "not JSON");
    refuse_schema("{", "not JSON");
    refuse_schema("3", "must be an object or true");
    refuse_schema("{\"type\": \"strnig\"}", "unknown type \"strnig\"");
    refuse_schema("{\"type\": \"object\", \"properties\": {\"a\": {\"pattern\": \"x\"}}}",
                  "at #/properties/a: \"pattern\" is not supported");
    refuse_schema("{\"type\": \"array\", \"minItems\": 3, \"maxItems\": 2}",
                  "minItems 3 is above maxItems 2");
    refuse_schema("{\"type\": \"integer\", \"minimum\": 3, \"maximum\": 2}", "no whole number");
    refuse_schema("{\"type\": \"number\", \"minimum\": 3}", "of a number is not supported");
    refuse_schema("{\"$ref\": \"#/nowhere\"}", "leads nowhere");
    refuse_schema("{\"$ref\": \"#\"}", "begins with itself");
    refuse_schema("{\"required\": [\"a\"], \"properties\": {}}", "\"a\" is required");
    refuse_schema("{\"enum\": []}", "not empty");
    g_autofree char *deep = g_strnfill(5000, '[');
    refuse_schema(deep, "deeper");
}

/* ---- Tokens ---- */

typedef struct {
    GByteArray *file;
    lw_gguf *g;
    lw_tokenizer *t;
} vocab;

static vocab new_vocab(void)
{
    vocab v;
    gguf_build *b = gguf_build_new();

    gguf_build_vocab(b, "qwen2");
    v.file = gguf_build_finish(b);
    v.g = lw_gguf_open_bytes(v.file->data, v.file->len, "tiny.gguf", NULL);
    v.t = lw_tokenizer_new(v.g, NULL);
    g_assert_nonnull(v.t);
    return v;
}

static void clear_vocab(vocab *v)
{
    lw_tokenizer_free(v->t);
    lw_gguf_free(v->g);
    g_byte_array_unref(v->file);
}

static gboolean is_set(const guint32 *set, gint32 id)
{
    return set[id / 32] >> id % 32 & 1;
}

/* The set of allowed tokens is what trying each one says. */
static void check_allowed(const vocab *v, lw_constraint *c, lw_grammar *g, const GString *so_far)
{
    const guint32 *set = lw_constraint_allowed(c, NULL);
    lw_matcher *m = lw_matcher_new(g);
    lw_matcher_state at = lw_matcher_start(m);

    g_assert_nonnull(set);
    for (gsize i = 0; i < so_far->len; i++)
        at = lw_matcher_step(m, at, (guint8)so_far->str[i]);
    for (gint32 id = 0; id < lw_tokenizer_n_tokens(v->t); id++) {
        gsize n;
        const char *bytes = lw_tokenizer_token_bytes(v->t, id, &n);
        lw_matcher_state s = at;
        gboolean want;
        for (gsize i = 0; i < n; i++)
            s = lw_matcher_step(m, s, (guint8)bytes[i]);
        want = n > 0 && s != 0 && !lw_tokenizer_is_control(v->t, id);
        if (lw_tokenizer_is_eog(v->t, id))
            want = lw_matcher_may_end(m, at);
        if (is_set(set, id) != want)
            g_error("token %d after \"%s\": %d", id, so_far->str, !want);
    }
    lw_matcher_free(m);
}

/* Draw an answer; the longer it gets, the rather it ends. */
static void draw(const vocab *v, lw_constraint *c, lw_grammar *g, GRand *rand, gboolean check_sets,
                 GString *out)
{
    lw_constraint_reset(c);
    g_string_truncate(out, 0);
    for (int step = 0; step < 4000; step++) {
        GError *error = NULL;
        const guint32 *set = lw_constraint_allowed(c, &error);
        g_assert_no_error(error);
        if (check_sets && step < 40)
            check_allowed(v, c, g, out);
        if (lw_constraint_may_end(c) && g_rand_int_range(rand, 0, 4) == 0)
            return;
        gint32 id;
        static const char closers[] = "\"]}";
        int tries = 0;
        do {
            if (++tries > 100000) { /* nothing but the end is left */
                g_assert_true(lw_constraint_may_end(c));
                return;
            }
            id = g_rand_int_range(rand, 0, TINY_N_TOKENS);
            if (step > 60 && g_rand_boolean(rand)) {
                GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
                lw_tokenizer_encode_text(v->t, &closers[g_rand_int_range(rand, 0, 3)], 1, FALSE,
                                         ids, NULL);
                id = g_array_index(ids, gint32, 0);
                g_array_unref(ids);
            }
        } while (!is_set(set, id) || lw_tokenizer_is_eog(v->t, id));
        gsize n;
        const char *bytes = lw_tokenizer_token_bytes(v->t, id, &n);
        g_string_append_len(out, bytes, (gssize)n);
        g_assert_true(lw_constraint_accept(c, id));
    }
    g_error("no end: %s", out->str);
}

static void test_draws(void)
{
    static const char schema[] =
        "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\", \"maxLength\": "
        "8},"
        " \"tags\": {\"type\": \"array\", \"items\": {\"enum\": [\"a\", \"b\"]}},"
        " \"n\": {\"type\": \"integer\", \"minimum\": -3, \"maximum\": 250}, \"any\": {}},"
        " \"required\": [\"name\", \"n\"]}";
    vocab v = new_vocab();
    GError *error = NULL;
    lw_grammar *g = lw_grammar_new_json_schema(schema, -1, &error);
    g_assert_no_error(error);
    lw_constraint *c = lw_constraint_new(g, v.t, &error);
    g_assert_no_error(error);
    GRand *rand = g_rand_new_with_seed(3);
    GString *text = g_string_new(NULL);

    for (int round = 0; round < 300; round++) {
        g_autoptr(JsonParser) parser = json_parser_new();
        draw(&v, c, g, rand, round < 3, text);
        if (!json_parser_load_from_data(parser, text->str, (gssize)text->len, &error))
            g_error("%s: %s", error->message, text->str);
        JsonObject *o = json_node_get_object(json_parser_get_root(parser));
        g_assert_cmpint(g_utf8_strlen(json_object_get_string_member(o, "name"), -1), <=, 8);
        g_assert_cmpint(json_object_get_int_member(o, "n"), >=, -3);
        g_assert_cmpint(json_object_get_int_member(o, "n"), <=, 250);
    }
    g_string_free(text, TRUE);
    g_rand_free(rand);
    lw_constraint_free(c);
    lw_grammar_unref(g);
    clear_vocab(&v);
}

static void test_accept(void)
{
    vocab v = new_vocab();
    lw_grammar *g = new_grammar("root ::= \"<|im_start|>\" | \"b\"");
    lw_constraint *c = lw_constraint_new(g, v.t, NULL);
    gint32 b;
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));

    lw_tokenizer_encode_text(v.t, "b", 1, FALSE, ids, NULL);
    b = g_array_index(ids, gint32, 0);
    /* A control token's text may be wanted; the token itself never is. */
    g_assert_false(is_set(lw_constraint_allowed(c, NULL), TINY_IM_START));
    g_assert_false(lw_constraint_accept(c, TINY_IM_START));
    g_assert_false(lw_constraint_accept(c, TINY_IM_END));
    g_assert_true(lw_constraint_accept(c, b));
    g_assert_false(lw_constraint_accept(c, b));
    g_assert_true(lw_constraint_may_end(c));
    g_assert_true(lw_constraint_accept(c, TINY_IM_END));
    g_assert_true(is_set(lw_constraint_allowed(c, NULL), TINY_IM_END));
    lw_constraint_reset(c);
    g_assert_false(lw_constraint_may_end(c));
    g_array_unref(ids);
    lw_constraint_free(c);
    lw_grammar_unref(g);

    /* Nothing can be said. */
    GError *error = NULL;
    g = new_grammar("root ::= []");
    c = lw_constraint_new(g, v.t, NULL);
    g_assert_null(lw_constraint_allowed(c, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
    g_error_free(error);
    lw_constraint_free(c);
    lw_grammar_unref(g);
    clear_vocab(&v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/grammar/gbnf", test_gbnf);
    g_test_add_func("/grammar/utf8-ranges", test_utf8_ranges);
    g_test_add_func("/grammar/broken", test_broken);
    g_test_add_func("/grammar/limit", test_limit);
    g_test_add_func("/grammar/forget", test_forget);
    g_test_add_func("/grammar/schema", test_schema);
    g_test_add_func("/grammar/integer-bounds", test_integer_bounds);
    g_test_add_func("/grammar/broken-schema", test_broken_schema);
    g_test_add_func("/grammar/draws", test_draws);
    g_test_add_func("/grammar/accept", test_accept);
    return g_test_run();
}
