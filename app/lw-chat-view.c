/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-chat-view.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/lw-message-row.h"

/* Within this distance of the end (logical pixels) the view counts as being at its end. */
#define END_SLACK 24

struct _LwChatView
{
  GtkWidget parent_instance;
  LwConversation *conversation;
  GSignalGroup *conversation_signals, *list_signals;
  gboolean at_end;    /* follow what is written */
  gboolean following; /* we are scrolling */
  guint follow_tick;
  gint64 last_input;  /* microseconds */
  char *wanted;       /* the message to go to, or NULL */
  guint wanted_tick, wanted_frames;

  GtkWidget *stack;
  AdwStatusPage *greeting;
  GtkLabel *can_do;
  GtkScrolledWindow *scroller;
  GtkListView *list;
};

enum
{
  SIGNAL_REGENERATE,
  SIGNAL_CONTINUE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwChatView, lw_chat_view, GTK_TYPE_WIDGET)

/* ---- Rows ---- */

static void
setup_row (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  gtk_list_item_set_activatable (item, FALSE);
  gtk_list_item_set_selectable (item, FALSE);
  gtk_list_item_set_child (item, lw_message_row_new ());
}

static void
bind_row (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  lw_message_row_set_message (LW_MESSAGE_ROW (gtk_list_item_get_child (item)),
                              gtk_list_item_get_item (item));
}

static void
unbind_row (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  lw_message_row_set_message (LW_MESSAGE_ROW (gtk_list_item_get_child (item)), NULL);
}

/* ---- Staying at the end ----
 *
 * The list guesses the heights of rows it has not shown, so it moves and resizes its extent by itself
 * while text arrives.  Only what follows the user's own input says where they want to be. */

/* How long after an input a movement counts as its effect, microseconds. */
#define INPUT_EFFECT_US (400 * 1000)

static gboolean
follow (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  LwChatView *self = LW_CHAT_VIEW (widget);
  GtkAdjustment *v = gtk_scrolled_window_get_vadjustment (self->scroller);

  self->follow_tick = 0;
  if (self->at_end)
    {
      self->following = TRUE;
      gtk_adjustment_set_value (v, gtk_adjustment_get_upper (v)
                                       - gtk_adjustment_get_page_size (v));
      self->following = FALSE;
    }
  return G_SOURCE_REMOVE;
}

/* Not at once: the list may be in the middle of its allocation. */
static void
follow_soon (LwChatView *self)
{
  if (self->at_end && !self->follow_tick)
    self->follow_tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), follow, NULL, NULL);
}

static void
adjustment_moved (LwChatView *self, GtkAdjustment *v)
{
  double end = gtk_adjustment_get_upper (v) - gtk_adjustment_get_page_size (v);

  if (!self->following && g_get_monotonic_time () - self->last_input < INPUT_EFFECT_US)
    self->at_end = gtk_adjustment_get_value (v) >= end - END_SLACK;
  follow_soon (self);
}

static void
edge_reached (LwChatView *self, GtkPositionType edge)
{
  if (edge == GTK_POS_BOTTOM)
    self->at_end = TRUE;
}

static gboolean
input_seen (LwChatView *self, GdkEvent *event)
{
  GdkModifierType buttons = GDK_BUTTON1_MASK | GDK_BUTTON2_MASK;

  switch (gdk_event_get_event_type (event))
    {
    case GDK_MOTION_NOTIFY:
      if (!(gdk_event_get_modifier_state (event) & buttons))
        break;
      G_GNUC_FALLTHROUGH;
    case GDK_SCROLL:
    case GDK_KEY_PRESS:
    case GDK_BUTTON_PRESS:
    case GDK_TOUCH_UPDATE:
      self->last_input = g_get_monotonic_time ();
      break;
    default:
      break;
    }
  return GDK_EVENT_PROPAGATE;
}

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

/* The list knows where a row is only once it has been laid out, and better each time. */
#define GO_FRAMES 8

static gboolean
go_to_wanted (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  LwChatView *self = LW_CHAT_VIEW (widget);
  g_autoptr (LwMessage) message
      = self->wanted && self->conversation ? find_message (self, self->wanted) : NULL;
  guint position;

  if (message
      && g_list_store_find (G_LIST_STORE (lw_conversation_get_messages (self->conversation)), message,
                            &position))
    {
      self->at_end = FALSE;
      gtk_widget_activate_action (GTK_WIDGET (self->list), "list.scroll-to-item", "u", position);
      if (self->wanted_frames++ == 0)
        lw_message_point_out (message);
      if (self->wanted_frames < GO_FRAMES)
        return G_SOURCE_CONTINUE;
    }
  g_clear_pointer (&self->wanted, g_free);
  self->wanted_tick = 0;
  return G_SOURCE_REMOVE;
}

/* After the list has seen the new items. */
static void
go_to_wanted_soon (LwChatView *self)
{
  if (!self->wanted || !self->conversation || self->wanted_tick)
    return;
  self->wanted_frames = 0;
  self->wanted_tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), go_to_wanted, NULL, NULL);
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
    go_to_wanted_soon (self);
  else
    lw_conversation_show_message (self->conversation, message);
}

static void
items_changed (LwChatView *self, guint position, guint removed, guint added)
{
  /* A new question is looked at, wherever the view was. */
  if (added)
    self->at_end = TRUE;
  update_page (self);
  follow_soon (self);
  go_to_wanted_soon (self);
}

void
lw_chat_view_set_conversation (LwChatView *self, LwConversation *conversation)
{
  g_return_if_fail (LW_IS_CHAT_VIEW (self));

  if (!g_set_object (&self->conversation, conversation))
    return;
  g_signal_group_set_target (self->conversation_signals, conversation);
  g_signal_group_set_target (self->list_signals,
                             conversation ? lw_conversation_get_messages (conversation) : NULL);
  self->at_end = TRUE;
  g_clear_pointer (&self->wanted, g_free);
  if (conversation)
    {
      GListModel *messages = g_object_ref (lw_conversation_get_messages (conversation));
      g_autoptr (GtkNoSelection) selection = gtk_no_selection_new (messages);

      gtk_list_view_set_model (self->list, GTK_SELECTION_MODEL (selection));
    }
  else
    {
      gtk_list_view_set_model (self->list, NULL);
    }
  update_page (self);
  update_actions (self);
  follow_soon (self);
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
      gtk_label_set_label (self->can_do, problem ? problem : "");
      return;
    }
  adw_status_page_set_title (self->greeting, _("What would you like to know?"));
  if (model->has_vision)
    /* Translators: %s is a model's name */
    seen = g_strdup_printf (_("Ask %s about a picture, a film or anything else."), model->name);
  else if (model->vision_missing)
    seen = g_strdup_printf ("%s.", model->vision_missing);
  else
    /* Translators: %s is a model's name */
    seen = g_strdup_printf (_("Ask %s. It cannot see pictures."), model->name);
  g_autofree char *escaped = g_markup_escape_text (seen, -1);
  adw_status_page_set_description (self->greeting, escaped);
  gtk_label_set_label (self->can_do, model->description ? model->description : "");
  gtk_widget_set_visible (GTK_WIDGET (self->can_do), model->description != NULL);
}

static void
lw_chat_view_dispose (GObject *object)
{
  LwChatView *self = LW_CHAT_VIEW (object);

  if (self->wanted_tick)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->wanted_tick);
  self->wanted_tick = 0;
  g_clear_pointer (&self->wanted, g_free);
  g_clear_object (&self->conversation_signals);
  g_clear_object (&self->list_signals);
  g_clear_object (&self->conversation);
  if (self->follow_tick)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->follow_tick);
  self->follow_tick = 0;
  g_clear_pointer (&self->stack, gtk_widget_unparent);
  G_OBJECT_CLASS (lw_chat_view_parent_class)->dispose (object);
}

static void
lw_chat_view_class_init (LwChatViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_chat_view_dispose;
  signals[SIGNAL_REGENERATE]
      = g_signal_new ("regenerate", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 1, LW_TYPE_MESSAGE);
  signals[SIGNAL_CONTINUE]
      = g_signal_new ("continue", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (message_actions); i++)
    gtk_widget_class_install_action (widget_class, message_actions[i], "s", message_action);
  gtk_widget_class_set_template_from_resource (widget_class, LW_RESOURCE_BASE "/lw-chat-view.ui");
  gtk_widget_class_bind_template_child (widget_class, LwChatView, stack);
  gtk_widget_class_bind_template_child (widget_class, LwChatView, greeting);
  gtk_widget_class_bind_template_child (widget_class, LwChatView, can_do);
  gtk_widget_class_bind_template_child (widget_class, LwChatView, scroller);
  gtk_widget_class_bind_template_child (widget_class, LwChatView, list);
}

static void
lw_chat_view_init (LwChatView *self)
{
  g_autoptr (GtkListItemFactory) factory = gtk_signal_list_item_factory_new ();
  GtkEventController *input;
  GtkAdjustment *v;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->at_end = TRUE;

  g_signal_connect (factory, "setup", G_CALLBACK (setup_row), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_row), NULL);
  g_signal_connect (factory, "unbind", G_CALLBACK (unbind_row), NULL);
  gtk_list_view_set_factory (self->list, factory);

  v = gtk_scrolled_window_get_vadjustment (self->scroller);
  g_signal_connect_object (v, "value-changed", G_CALLBACK (adjustment_moved), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (v, "changed", G_CALLBACK (follow_soon), self, G_CONNECT_SWAPPED);
  g_signal_connect_swapped (self->scroller, "edge-reached", G_CALLBACK (edge_reached), self);
  input = gtk_event_controller_legacy_new ();
  gtk_event_controller_set_propagation_phase (input, GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (input, "event", G_CALLBACK (input_seen), self);
  gtk_widget_add_controller (GTK_WIDGET (self->scroller), input);

  self->conversation_signals = g_signal_group_new (LW_TYPE_CONVERSATION);
  g_signal_group_connect_swapped (self->conversation_signals, "notify::loaded",
                                  G_CALLBACK (update_page), self);
  g_signal_group_connect_swapped (self->conversation_signals, "notify::busy",
                                  G_CALLBACK (update_actions), self);
  self->list_signals = g_signal_group_new (G_TYPE_LIST_MODEL);
  g_signal_group_connect_swapped (self->list_signals, "items-changed",
                                  G_CALLBACK (items_changed), self);
}
