/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by lw-window.c and lw-window-*.c.
 */
#pragma once

#include "app/lw-window.h"

#include "app/lw-chat-view.h"
#include "app/lw-chats.h"
#include "app/lw-composer.h"
#include "app/lw-conversation-list.h"
#include "app/lw-engine-service.h"
#include "app/lw-model-list.h"
#include "app/lw-models-dialog.h"
#include "app/lw-settings.h"
#include "app/lw-store-service.h"

G_BEGIN_DECLS

/* What a banner's buttons do; flags. */
typedef enum
{
  LW_REMEDY_NONE = 0,
  LW_REMEDY_CHOOSE_MODEL = 1 << 0,
  LW_REMEDY_ADD_MODEL = 1 << 1,
  LW_REMEDY_NEW_CHAT = 1 << 2,
  LW_REMEDY_LARGER_CONTEXT = 1 << 3,
  LW_REMEDY_SMALLER_CACHE = 1 << 4, /* and a context that is larger by it */
} LwRemedy;

struct _LwWindow
{
  AdwApplicationWindow parent_instance;
  LwSettings *settings;
  LwStoreService *store;
  LwEngineService *engine;
  LwModelLibrary *library;
  LwModelsDialog *models_dialog; /* while it is open */
  LwChats *chats;
  GListStore *conversations; /* of chats */
  LwConversation *current;
  /* The new chats of this window, in no list before something is asked, or NULL. */
  LwConversation *unasked, *unasked_temporary;
  GSignalGroup *current_signals;
  char *model_path; /* NULL: the default model */
  char *described_path; /* of the model that was opened last */
  char *pending_chat;       /* to open once the list has been read */
  GPtrArray *pending_files; /* of GFile: to attach once a conversation is open */
  gboolean first;           /* there was no other one when it was made */
  gboolean listed;          /* the conversations have been read */

  AdwToast *undo;    /* the last one on offer */
  guint n_forgotten; /* how often all chats were deleted */

  AdwToastOverlay *toasts;
  AdwFlap *flap;
  LwConversationList *list;
  AdwHeaderBar *header;
  GtkMenuButton *title_button, *menu_button;
  GtkLabel *title, *subtitle;
  LwModelList *models;
  GtkWidget *new_button;
  GtkBox *banners; /* of GtkInfoBar */
  GtkWidget *temporary_note;
  LwChatView *chat;
  LwComposer *composer;
  GtkRevealer *drop_veil;
};

/* When the sidebar comes, goes, or folds. */
void lw_window_sidebar_changed (LwWindow *self);
/* At once, so that what is typed next arrives there. */
void lw_window_reveal_sidebar (LwWindow *self);
/* Once the window belongs to its application. */
void lw_window_prepare_shortcuts (LwWindow *self);
void lw_window_install_actions (GtkWidgetClass *widget_class);
void lw_window_install_chats (GtkWidgetClass *widget_class);
/* Once the settings are there. */
void lw_window_add_enter_action (LwWindow *self);

/* Follow its signals; once, however often it is said. */
void lw_window_watch_conversation (LwWindow *self, LwConversation *conversation);

void lw_window_open_conversation (LwWindow *self, LwConversation *conversation);
void lw_window_new_chat (LwWindow *self, gboolean temporary);
void lw_window_choose_model (LwWindow *self, const char *path);
LwModelsDialog *lw_window_show_models (LwWindow *self);
/* Below those that are there; the same message is there once.  message: a problem (lw-problem.h). */
void lw_window_show_banner (LwWindow *self, GtkMessageType type, const char *message,
                            LwRemedy offered);
void lw_window_show_error (LwWindow *self, GtkMessageType type, const GError *error, LwRemedy offered);
/* All but what lasts. */
void lw_window_hide_banners (LwWindow *self);
/* While saving fails its message lasts; the next notice takes its place. */
void lw_window_store_notice (LwWindow *self, gboolean failing, const char *message);
/* Tokens, within what memory and model allow; smaller_cache: with a q8_0 cache. */
guint32 lw_window_wider_context (const lw_fit_choices *fit, gboolean smaller_cache);
/* For the request that did not fit last. */
LwRemedy lw_window_remedies_when_full (LwWindow *self);
void lw_window_show_toast (LwWindow *self, const char *message);
void lw_window_rename (LwWindow *self, LwConversation *conversation);
void lw_window_delete (LwWindow *self, LwConversation *conversation);
/* Offer to bring them back. */
void lw_window_messages_deleted (LwWindow *self, const char *message, guint n,
                                 LwConversation *conversation);

G_END_DECLS
