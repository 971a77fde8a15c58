/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The window: sidebar, conversation, composer, and the banner that says what went wrong and what to do
 * about it.
 */
#pragma once

#include <adwaita.h>

#include "app/lw-types.h"

G_BEGIN_DECLS

#define LW_TYPE_WINDOW (lw_window_get_type ())
G_DECLARE_FINAL_TYPE (LwWindow, lw_window, LW, WINDOW, AdwApplicationWindow)

/* The first one opens the chat that was open last, another one a new chat. */
LwWindow *lw_window_new (GtkApplication *app, LwSettings *settings, LwStoreService *store,
                         LwEngineService *engine, LwModelLibrary *library, LwChats *chats);

/* Attach files to the open conversation's draft; models (GGUF) go into the library instead. */
void lw_window_attach (LwWindow *self, GFile **files, int n_files);

/* Open a chat by its id, as soon as the list has been read. */
void lw_window_open_chat (LwWindow *self, const char *id);
/* This chat has been deleted, or for NULL all have: if it is shown, begin a new one. */
void lw_window_forget (LwWindow *self, LwConversation *conversation);

G_END_DECLS
