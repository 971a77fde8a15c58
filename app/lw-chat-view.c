/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-chat-view.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/lw-chat-list.h"
#include "app/lw-message.h"
#include "app/lw-problem.h"
#include "app/lw-welcome.h"

struct _LwChatView
{
  GtkWidget parent_instance;
  LwConversation *conversation;
  GSignalGroup *conversation_signals, *list_signals;
  char *wanted;       /* the message to go to, or NULL */

  GtkWidget *stack;
  AdwStatusPage *greeting;
  GtkLabel *can_do;
  GtkWidget *welcome;
  GtkScrolledWindow *scroller;
  LwChatList *list;
};

enum
{
  SIGNAL_REGENERATE,
  SIGNAL_CONTINUE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwChatView, lw_chat_view, GTK_TYPE_WIDGET)

/* ---- What is done to messages ---- */

static LwMessage *
find_message (LwChatView *self, const char *id)
{
  GListModel *messages = lw_conversation_get_messages (self->conversation);

  for (guint i = g_list_model_get_n_items (messages); i-- > 0;)
    {
      g_autoptr (LwMessage) m = g_list_model_get_item (messages, i);

      if (g_str_equal (lw_message_get_id (m), id))
        return g_steal_pointer (&m);
    }
  return NULL;
}

static void
message_action (GtkWidget *widget, const char *name, GVariant *target)
{
  LwChatView *self = LW_CHAT_VIEW (widget);
  const char *verb = strchr (name, '.') + 1;
  g_autoptr (LwMessage) message = NULL;

  if (!self->conversation)
    return;
  message = find_message (self, g_variant_get_string (target, NULL));
  if (!message)
    return;
  if (g_str_equal (verb, "edit"))
    lw_conversation_edit (self->conversation, message);
  else if (g_str_equal (verb, "delete"))
    lw_conversation_delete (self->conversation, message);
  else if (g_str_equal (verb, "previous"))
    lw_conversation_step_branch (self->conversation, message, -1);
  else if (g_str_equal (verb, "next"))
    lw_conversation_step_branch (self->conversation, message, 1);
  else if (g_str_equal (verb, "regenerate"))
    g_signal_emit (self, signals[SIGNAL_REGENERATE], 0, message);
  else
    g_signal_emit (self, signals[SIGNAL_CONTINUE], 0);
}

static const char *const message_actions[] = {
  "message.edit", "message.delete",   "message.previous", "message.next", "message.regenerate",
  "message.continue",
};

static void
update_actions (LwChatView *self)
{
  gboolean idle = self->conversation && !lw_conversation_get_busy (self->conversation);

  for (gsize i = 0; i < G_N_ELEMENTS (message_actions); i++)
    gtk_widget_action_set_enabled (GTK_WIDGET (self), message_actions[i], idle);
}

/* ---- Pages ---- */

static void
update_page (LwChatView *self)
{
  const char *page = "empty";

  if (self->conversation && !lw_conversation_get_loaded (self->conversation))
    page = "loading";
  else if (self->conversation
           && g_list_model_get_n_items (lw_conversation_get_messages (self->conversation)))
    page = "messages";
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), page);
}

static void
go_to_wanted (LwChatView *self)
{
  g_autoptr (LwMessage) message
      = self->wanted && self->conversation ? find_message (self, self->wanted) : NULL;
  guint position;

  if (!message
      || !g_list_store_find (G_LIST_STORE (lw_conversation_get_messages (self->conversation)), message,
                             &position))
    return;
  g_clear_pointer (&self->wanted, g_free);
  lw_chat_list_scroll_to (self->list, position);
  lw_message_point_out (message);
}

void
lw_chat_view_show_message (LwChatView *self, const char *message)
{
  g_autoptr (LwMessage) here = NULL;

  g_return_if_fail (LW_IS_CHAT_VIEW (self));

  if (!self->conversation)
    return;
  g_free (self->wanted);
  self->wanted = g_strdup (message);
  here = lw_conversation_get_loaded (self->conversation) ? find_message (self, message) : NULL;
  if (here)
    go_to_wanted (self);
  else
    lw_conversation_show_message (self->conversation, message);
}

static void
items_changed (LwChatView *self, guint position, guint removed, guint added)
{
  /* A new question is looked at, wherever the view was. */
  if (added)
    lw_chat_list_scroll_to_end (self->list);
  update_page (self);
  go_to_wanted (self);
}

void
lw_chat_view_set_conversation (LwChatView *self, LwConversation *conversation)
{
  g_return_if_fail (LW_IS_CHAT_VIEW (self));

  if (!g_set_object (&self->conversation, conversation))
    return;
  g_signal_group_set_target (self->conversation_signals, conversation);
  /* Before our own handler, which goes to places in the list. */
  lw_chat_list_set_model (self->list,
                          conversation ? lw_conversation_get_messages (conversation) : NULL);
  g_signal_group_set_target (self->list_signals,
                             conversation ? lw_conversation_get_messages (conversation) : NULL);
  g_clear_pointer (&self->wanted, g_free);
  update_page (self);
  update_actions (self);
}

void
lw_chat_view_set_model (LwChatView *self, const LwModelSummary *model, const char *problem)
{
  g_autofree char *seen = NULL;

  g_return_if_fail (LW_IS_CHAT_VIEW (self));

  if (!model)
    {
      adw_status_page_set_title (self->greeting, _("No model yet"));
      adw_status_page_set_description (self->greeting, NULL);
      /* The banner has the detail. */
      g_autofree char *sentence = lw_problem_dup_sentence (problem ? problem : "");

      gtk_label_set_label (self->can_do, sentence);
      gtk_widget_set_visible (self->welcome, FALSE);
      return;
    }
  adw_status_page_set_title (self->greeting, _("What would you like to know?"));
  if (model->has_vision)
    /* Translators: %s is a model's name */
    seen = g_strdup_printf (_("Ask %s about a picture, a film or anything else."), model->name);
  else if (model->vision_missing)
    seen = lw_problem_dup_sentence (model->vision_missing);
  else
    /* Translators: %s is a model's name */
    seen = g_strdup_printf (_("Ask %s. It cannot see pictures."), model->name);
  g_autofree char *escaped = g_markup_escape_text (seen, -1);
  adw_status_page_set_description (self->greeting, escaped);
  gtk_label_set_label (self->can_do, model->description ? model->description : "");
  /* The program's own introduces itself, in the user's language. */
  gtk_widget_set_visible (GTK_WIDGET (self->can_do), model->description && !model->is_default);
  gtk_widget_set_visible (self->welcome, model->is_default);
}

static void
lw_chat_view_dispose (GObject *object)
{
  LwChatView *self = LW_CHAT_VIEW (object);

  g_clear_pointer (&self->wanted, g_free);
  g_clear_object (&self->conversation_signals);
  g_clear_object (&self->list_signals);
  g_clear_object (&self->conversation);
  g_clear_pointer (&self->stack, gtk_widget_unparent);
  G_OBJECT_CLASS (lw_chat_view_parent_class)->dispose (object);
}

static void
lw_chat_view_class_init (LwChatViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_chat_view_dispose;
  g_type_ensure (LW_TYPE_CHAT_LIST);
  signals[SIGNAL_REGENERATE]
      = g_signal_new ("regenerate", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 1, LW_TYPE_MESSAGE);
  signals[SIGNAL_CONTINUE]
      = g_signal_new ("continue", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (message_actions); i++)
    gtk_widget_class_install_action (widget_class, message_actions[i], "s", message_action);
  g_type_ensure (LW_TYPE_WELCOME);
  gtk_widget_class_set_template_from_resource (widget_class, LW_RESOURCE_BASE "/lw-chat-view.ui");
  gtk_widget_class_bind_template_child (widget_class, LwChatView, stack);
  gtk_widget_class_bind_template_child (widget_class, LwChatView, greeting);
  gtk_widget_class_bind_template_child (widget_class, LwChatView, can_do);
  gtk_widget_class_bind_template_child (widget_class, LwChatView, welcome);
  gtk_widget_class_bind_template_child (widget_class, LwChatView, scroller);
  gtk_widget_class_bind_template_child (widget_class, LwChatView, list);
}

static void
lw_chat_view_init (LwChatView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->conversation_signals = g_signal_group_new (LW_TYPE_CONVERSATION);
  g_signal_group_connect_swapped (self->conversation_signals, "notify::loaded",
                                  G_CALLBACK (update_page), self);
  g_signal_group_connect_swapped (self->conversation_signals, "notify::busy",
                                  G_CALLBACK (update_actions), self);
  self->list_signals = g_signal_group_new (G_TYPE_LIST_MODEL);
  g_signal_group_connect_swapped (self->list_signals, "items-changed",
                                  G_CALLBACK (items_changed), self);
}
