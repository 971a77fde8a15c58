/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chat templates: messages -> spans {bytes, trusted} with places for media.  Scaffold bytes are
 * trusted, everything a person, a file, a tool or the model wrote is not, byte for byte, through
 * whatever the template does with it.  A media place is a piece of its own kind, never text, so no
 * file name or caption can imitate one.
 *
 * A model's template is looked for in this order:
 *   1. its text is one we know (a hash): the family, written in C, that renders the same;
 *   2. characteristic strings in it name a family, and the family agrees with the template on a few
 *      probing conversations;
 *   3. the template itself, run by a small interpreter of Jinja with limits (jinja.h);
 *   4. what it looks like, else ChatML, with a warning that says why.
 * When a conversation holds results of tools and the file has a variant "tool_use", that one is
 * taken.
 *
 * Thread: a lw_chat is immutable; any thread.
 */
#pragma once

#include "engine/chat/text.h"
#include "engine/tokenizer/tokenizer.h"

G_BEGIN_DECLS

typedef enum {
    LW_ROLE_SYSTEM,
    LW_ROLE_USER,
    LW_ROLE_ASSISTANT,
    LW_ROLE_TOOL, /* what a tool gave back */
} lw_role;

/* A text that came with a message.  Both are untrusted UTF-8, NUL-terminated and borrowed. */
typedef struct {
    const char *name; /* shown to the model in quotes; its control characters become spaces */
    const char *text; /* a byte-order mark at its start is left out */
} lw_document;

/* What a template sees of a message.  Documents stand before the text, media before the documents or where
 * media_at puts them in the text. */
typedef struct {
    lw_role role;
    const char *text; /* NUL-terminated UTF-8, untrusted; NULL is "" */
    gsize n_media;
    const lw_document *documents;
    gsize n_documents;
    const gsize *media_at; /* [n_media] byte of the text that each stands before, ascending; NULL: before all */
} lw_chat_turn;

/* For models that can think before they answer. */
typedef enum {
    LW_THINKING_DEFAULT, /* what the template does when it is not told */
    LW_THINKING_ON,
    LW_THINKING_OFF,
} lw_thinking;

typedef struct {
    gboolean add_generation; /* end with the assistant's opening, so that the model answers next */
    lw_thinking thinking;    /* ignored by models that know no such choice */
    gint64 date;             /* "today" for templates that name it, seconds since 1970; 0: now */
} lw_chat_params;

/* {TRUE, LW_THINKING_DEFAULT, 0} */
lw_chat_params lw_chat_params_default(void);

/* One piece of the rendered prompt: bytes, or the place of one of the message's media. */
typedef struct {
    gboolean is_media;
    guint turn, media; /* is_media: index of the turn and of the medium in it */
    lw_span span;      /* else: bytes owned by the lw_chat_prompt */
} lw_chat_piece;

typedef struct {
    GArray *pieces;          /* of lw_chat_piece, in order */
    gboolean opens_thinking; /* the prompt ends inside a thinking block: the answer begins with
                                thoughts */
    lw_text_buf text;
} lw_chat_prompt;

void lw_chat_prompt_clear(lw_chat_prompt *p);

typedef struct lw_chat lw_chat;

/* The template of a GGUF file; never NULL.  g and t are borrowed for the call. */
lw_chat *lw_chat_new(const lw_gguf *g, const lw_tokenizer *t);
/* From a template's text, with the texts of the tokens it may name (NULL: ""). */
lw_chat *lw_chat_new_from_text(const char *text, gsize n, const char *bos, const char *eos);
/* A family by name, or NULL. */
lw_chat *lw_chat_new_family(const char *name);
void lw_chat_free(lw_chat *c);

/* Names of all families, NULL-terminated. */
const char *const *lw_chat_family_names(void);

/* "qwen3", ...: the family; "jinja": the model's own template. */
const char *lw_chat_get_name(const lw_chat *c);
/* NULL, or why a family had to be assumed, in a sentence for people. */
const char *lw_chat_get_warning(const lw_chat *c);
/* What the model writes around its thoughts ("<think>", "</think>"), or FALSE when its template
 * knows of none. */
gboolean lw_chat_get_thinking_marks(const lw_chat *c, const char **open, const char **close);

/* Fill *out, which need not be initialised; on failure it is cleared.
 * Errors: LW_ENGINE_ERROR: INVALID (the template refuses these messages or meets a limit, with its
 * line; it left out or damaged a media place; media_at points nowhere), NO_MEMORY. */
gboolean lw_chat_render(const lw_chat *c, const lw_chat_turn *turns, gsize n,
                        const lw_chat_params *params, lw_chat_prompt *out, GError **error);

G_END_DECLS
