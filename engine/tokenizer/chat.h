/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chat template: messages -> spans {bytes, trusted} with places for media.  Scaffold bytes are
 * trusted, everything a person or a tool wrote is not.  A media place is a span of its own kind, never
 * text, so no file name or caption can imitate one.  One const lw_chat_template per family, in an
 * array; ChatML (Qwen) is the first.
 */
#pragma once

#include "engine/tokenizer/tokenizer.h"

G_BEGIN_DECLS

typedef enum {
    LW_ROLE_SYSTEM,
    LW_ROLE_USER,
    LW_ROLE_ASSISTANT,
} lw_role;

/* What a template sees of a message.  Media stand before the text, in order. */
typedef struct {
    lw_role role;
    const char *text; /* NUL-terminated UTF-8, untrusted; "" allowed */
    gsize n_media;
} lw_chat_turn;

/* One piece of the rendered prompt: bytes, or the place of the message's media. */
typedef struct {
    gboolean is_media;
    guint turn, media; /* is_media: index of the turn and of the medium in it */
    lw_span span;      /* else: bytes owned by the lw_chat_render */
} lw_chat_piece;

typedef struct {
    GArray *pieces;       /* of lw_chat_piece, in order */
    GPtrArray *storage;   /* keeps span bytes alive */
} lw_chat_render;

typedef struct {
    const char *name; /* "chatml" */
    /* TRUE when the model's template text belongs to this family. */
    gboolean (*matches)(const char *template_text, gsize n);
    /* add_generation: end with the assistant's opening so that the model answers next. */
    void (*render)(const lw_chat_turn *turns, gsize n, gboolean add_generation, lw_chat_render *out);
} lw_chat_template;

/* All families, NULL-terminated. */
extern const lw_chat_template *const lw_chat_templates[];

/* The family of a GGUF file.  When none matches (or the file has no template) ChatML is returned and
 * *guessed (may be NULL) is set: say so to the user. */
const lw_chat_template *lw_chat_template_for(const lw_gguf *g, gboolean *guessed);

void lw_chat_render_init(lw_chat_render *r);
void lw_chat_render_clear(lw_chat_render *r);

G_END_DECLS
