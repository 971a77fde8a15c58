/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model's own template, run by the interpreter.
 */
#pragma once

#include "engine/chat/family.h"

G_BEGIN_DECLS

typedef struct lw_chat_own lw_chat_own;

/* Parse and try out on a few short conversations: a template that fails on the simplest ones, or
 * leaves out what was said, is of no use.  What it cannot take otherwise is given in another form:
 * a system message at the beginning of the first question, a tool's result as a user's turn. text:
 * n bytes, copied; bos, eos: the token's texts, "" for none. Errors: why it cannot be used, with
 * the line. */
lw_chat_own *lw_chat_own_new(const char *text, gsize n, const char *bos, const char *eos,
                             GError **error);
void lw_chat_own_free(lw_chat_own *o);

/* Errors: LW_ENGINE_ERROR: INVALID, NO_MEMORY. */
gboolean lw_chat_own_render(const lw_chat_own *o, const lw_chat_message *messages, gsize n,
                            const lw_chat_params *params, lw_text_buf *out, GError **error);

/* Does the family write the same on some conversations as this template?  Those that the template
 * refuses do not count. */
gboolean lw_chat_own_agrees(const lw_chat_own *o, const lw_chat_family *family);

G_END_DECLS
