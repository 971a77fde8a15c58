/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The chat of `lw run` without a prompt: questions, and a few commands that begin with "/".
 */
#pragma once

#include "app/cli/conversation.h"

G_BEGIN_DECLS

/* Says on stderr which of its options ended an answer, --max-tokens or --repeat-stop; nothing otherwise. */
void lw_cli_note_limit(const lw_generate_result *r);

/* Until the person leaves.  Errors of single questions are printed and the chat goes on. */
gboolean lw_cli_chat(lw_cli_conversation *c, const lw_model_info *info, GError **error);

G_END_DECLS
