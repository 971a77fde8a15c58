/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * While answers are made: the computer does not go to sleep, and a long one that ends while no window is
 * in front is told with a notification that leads to its chat.
 *
 * Thread: UI.
 */
#pragma once

#include <adwaita.h>

#include "app/lw-conversation.h"
#include "app/lw-types.h"

G_BEGIN_DECLS

/* An answer that took at least this is a long one, seconds.  LW_LONG_ANSWER overrides it, for tests. */
#define LW_ATTENTION_LONG_SECONDS 15

#define LW_TYPE_ATTENTION (lw_attention_get_type ())
G_DECLARE_FINAL_TYPE (LwAttention, lw_attention, LW, ATTENTION, GObject)

/* app: borrowed, it owns this. */
LwAttention *lw_attention_new (GtkApplication *app, LwSettings *settings);

/* Look after a conversation for as long as it exists. */
void lw_attention_watch (LwAttention *self, LwConversation *conversation);
/* Answers that are being made. */
guint lw_attention_get_n_busy (LwAttention *self);

G_END_DECLS
