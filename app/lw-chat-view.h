/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The messages of a conversation in a recycling list that stays at its end while text arrives, unless
 * the user has scrolled away; or, when there are none yet, a greeting that says what the model can do.
 *
 * Signals: "regenerate" (LwMessage *answer) and "continue": an answer is wanted.
 */
#pragma once

#include <adwaita.h>

#include "app/lw-conversation.h"
#include "app/lw-engine-service.h"

G_BEGIN_DECLS

#define LW_TYPE_CHAT_VIEW (lw_chat_view_get_type ())
G_DECLARE_FINAL_TYPE (LwChatView, lw_chat_view, LW, CHAT_VIEW, GtkWidget)

void lw_chat_view_set_conversation (LwChatView *self, LwConversation *conversation);

/* Go to a message of the conversation, in whichever branch it is, as soon as it has been read. */
void lw_chat_view_show_message (LwChatView *self, const char *message);

/* For the greeting.  model NULL: there is none, and problem says why. */
void lw_chat_view_set_model (LwChatView *self, const LwModelSummary *model, const char *problem);

G_END_DECLS
