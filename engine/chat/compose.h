/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns -> messages: media places, documents and text of a turn in one text with origins; and back,
 * the rendered text -> pieces.
 */
#pragma once

#include "engine/chat/family.h"

G_BEGIN_DECLS

typedef struct {
    lw_chat_message *messages; /* [n]; their texts live in bufs */
    lw_text_buf *bufs;         /* [n] */
    gsize n;
    guint *first_medium; /* [n + 1]: number of a turn's first medium */
} lw_chat_composed;

/* Errors: NO_MEMORY, INVALID (too many media). */
gboolean lw_chat_compose(const lw_chat_turn *turns, gsize n, lw_chat_composed *c, GError **error);
void lw_chat_composed_clear(lw_chat_composed *c);

/* Fill p->pieces from p->text.  Errors: INVALID when a medium's place is damaged, doubled or
 * missing. */
gboolean lw_chat_cut(const lw_chat_composed *c, lw_chat_prompt *p, GError **error);

G_END_DECLS
