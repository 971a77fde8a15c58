/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a question is written: text that grows up to a limit, attached pictures and films, Send or
 * Stop.  It edits the conversation's draft directly.
 *
 * Signals: "send"; "stop"; "problem" (const char *message).
 */
#pragma once

#include <gtk/gtk.h>

#include "app/lw-conversation.h"

G_BEGIN_DECLS

#define LW_TYPE_COMPOSER (lw_composer_get_type ())
G_DECLARE_FINAL_TYPE (LwComposer, lw_composer, LW, COMPOSER, GtkWidget)

void lw_composer_set_conversation (LwComposer *self, LwConversation *conversation);

/* Attach.  label: what the picture is called. */
void lw_composer_add_file (LwComposer *self, GFile *file);
void lw_composer_add_texture (LwComposer *self, GdkTexture *texture, const char *label);
/* A dropped or pasted value: GFile, GdkFileList or GdkTexture.  FALSE: nothing we can take. */
gboolean lw_composer_add_value (LwComposer *self, const GValue *value);
/* Let the user choose files. */
void lw_composer_choose_files (LwComposer *self);

/* Enter sends and Shift+Enter breaks the line (the default), or Enter breaks it and Ctrl+Enter sends. */
void lw_composer_set_enter_sends (LwComposer *self, gboolean enter_sends);

void lw_composer_focus (LwComposer *self);

/* A key that nobody wanted: a letter begins to write.  TRUE: it did. */
gboolean lw_composer_take_key (LwComposer *self, GtkEventControllerKey *controller, guint key,
                               GdkModifierType held);

G_END_DECLS
