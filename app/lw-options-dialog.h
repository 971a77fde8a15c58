/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the model is asked in one chat: instructions, sampling, presets.  What is changed counts from the
 * next question on and is kept with the chat, or for all chats with the model.
 */
#pragma once

#include <adwaita.h>

#include "app/lw-chat-options.h"

G_BEGIN_DECLS

#define LW_TYPE_OPTIONS_DIALOG (lw_options_dialog_get_type ())
G_DECLARE_FINAL_TYPE (LwOptionsDialog, lw_options_dialog, LW, OPTIONS_DIALOG, AdwWindow)

/* model: its path, NULL for the default one. */
LwOptionsDialog *lw_options_dialog_new (LwChatOptions *options, const char *chat, const char *model,
                                        const char *model_name);

G_END_DECLS
