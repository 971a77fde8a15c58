/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Making the pictures and films of one question fit a context: room is shared evenly, small ones keep
 * all of theirs, larger ones are opened again with a token budget, and each one's note says what was
 * done to it.  The terminal and the window use the same rule.
 */
#pragma once

#include "engine/lw-engine.h"

G_BEGIN_DECLS

/* Open medium `index` again with at most max_tokens. */
typedef lw_media *(*lw_media_reopen_fn)(void *user, guint index, gint64 max_tokens, GError **error);

/* Tokens kept free for the answer when nobody asked for a number. */
gint64 lw_media_fit_answer(gint64 n_ctx);

/* media: [n], entries are replaced by smaller ones where needed (the old reference is dropped);
 * shrunk: [n] tokens it would have needed, 0 when it was left alone.  n_text: tokens of the prompt
 * without these media.  Errors: CONTEXT_FULL with all the numbers, and what reopening says. */
gboolean lw_media_fit(lw_media **media, gint64 *shrunk, guint n, gint64 n_ctx, gint64 n_text,
                      gint64 n_answer, lw_media_reopen_fn reopen, void *user, GError **error);

G_END_DECLS
