/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Grammars that an answer must follow: a context-free grammar over bytes, from GBNF text (the
 * notation of llama.cpp's grammars/README.md) or from a JSON Schema.  A grammar is immutable;
 * constraint.h walks one along the tokens of an answer.
 *
 * GBNF: `name ::= body`, "literals", [character classes], . (any character), (groups), a | b, and
 * the repeats * + ? {n} {n,} {n,m}.  # starts a comment.  The rule `root` is where an answer
 * begins. Characters are Unicode; they are compiled to the bytes of their UTF-8 form, so an answer
 * that follows a grammar is valid UTF-8.
 *
 * Threads: any.  Errors: LW_ENGINE_ERROR_INVALID, naming the line or the schema's path.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Limits, checked while compiling. */
#define LW_GRAMMAR_MAX_TEXT (1 << 18)  /* bytes of GBNF or schema */
#define LW_GRAMMAR_MAX_NODES (1 << 18) /* after repeats were written out */
#define LW_GRAMMAR_MAX_REPEAT 10000    /* of {n,m} */
#define LW_GRAMMAR_MAX_DEPTH 64        /* of groups, and of a schema's nesting */

typedef struct lw_grammar lw_grammar;

/* n < 0: text is NUL-terminated. */
lw_grammar *lw_grammar_new(const char *gbnf, gssize n, GError **error);

/* The JSON values that a schema describes.  Understood: type, enum, const, properties, required,
 * additionalProperties, items, prefixItems, minItems, maxItems, minLength, maxLength, minimum,
 * maximum, exclusiveMinimum, exclusiveMaximum (of integers), anyOf, oneOf, $ref to #, #/$defs and
 * #/definitions. An object's properties come in the order of the schema; without
 * additionalProperties an object that names properties has no others.  Other keywords that would
 * restrict values (pattern, multipleOf, allOf, ...) are an error, never ignored; annotations
 * (title, description, default, format, ...) are skipped.  "{}" is any JSON value. */
lw_grammar *lw_grammar_new_json_schema(const char *schema, gssize n, GError **error);

/* The same as GBNF text, to look at or to change.  Free with g_free(). */
char *lw_grammar_json_schema_to_gbnf(const char *schema, gssize n, GError **error);

lw_grammar *lw_grammar_ref(lw_grammar *g);
void lw_grammar_unref(lw_grammar *g);

G_END_DECLS
