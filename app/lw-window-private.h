/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by lw-window.c and lw-window-actions.c.
 */
#pragma once

#include "app/lw-window.h"

#include "app/lw-chat-view.h"
#include "app/lw-composer.h"
#include "app/lw-conversation-list.h"
#include "app/lw-engine-service.h"
#include "app/lw-model-list.h"
#include "app/lw-models-dialog.h"
#include "app/lw-settings.h"
#include "app/lw-store-service.h"

G_BEGIN_DECLS

/* What the banner's button does. */
typedef enum
{
  LW_REMEDY_NONE,
  LW_REMEDY_CHOOSE_MODEL,
  LW_REMEDY_ADD_MODEL,
  LW_REMEDY_NEW_CHAT,
} LwRemedy;

struct _LwWindow
{
  AdwApplicationWindow parent_instance;
  LwSettings *settings;
  LwStoreService *store;
  LwEngineService *engine;
  LwModelLibrary *library;
  LwModelsDialog *models_dialog; /* while it is open */
  GListStore *conversations;
  LwConversation *current;
  GSignalGroup *current_signals;
  char *model_path; /* NULL: the default model */
  char *described_path; /* of the model that was opened last */
  char *pending_chat;       /* to open once the list has been read */
  GPtrArray *pending_files; /* of GFile: to attach once a conversation is open */
  LwRemedy remedy;
  gboolean listed;          /* the conversations have been read */

  AdwToastOverlay *toasts;
  AdwFlap *flap;
  LwConversationList *list;
  AdwHeaderBar *header;
  GtkMenuButton *title_button, *menu_button;
  GtkLabel *title, *subtitle;
  LwModelList *models;
  GtkWidget *new_button;
  GtkInfoBar *banner;
  GtkLabel *banner_text;
  GtkWidget *banner_button;
  LwChatView *chat;
  LwComposer *composer;
  GtkRevealer *drop_veil;
};

void lw_window_install_actions (GtkWidgetClass *widget_class);
void lw_window_install_chats (GtkWidgetClass *widget_class);
/* Once the settings are there. */
void lw_window_add_enter_action (LwWindow *self);

/* Follow its signals. */
void lw_window_watch_conversation (LwWindow *self, LwConversation *conversation);

void lw_window_open_conversation (LwWindow *self, LwConversation *conversation);
void lw_window_new_chat (LwWindow *self);
void lw_window_choose_model (LwWindow *self, const char *path);
LwModelsDialog *lw_window_show_models (LwWindow *self);
void lw_window_show_banner (LwWindow *self, GtkMessageType type, const char *message,
                            LwRemedy remedy);
void lw_window_show_toast (LwWindow *self, const char *message);
void lw_window_rename (LwWindow *self, LwConversation *conversation);
void lw_window_delete (LwWindow *self, LwConversation *conversation);
/* Offer to bring them back. */
void lw_window_messages_deleted (LwWindow *self, const char *message, guint n,
                                 LwConversation *conversation);

G_END_DECLS
