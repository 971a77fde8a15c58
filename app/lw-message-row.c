/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-message-row.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/lw-attachment-tile.h"
#include "app/lw-code-block.h"
#include "app/lw-markdown-view.h"
#include "app/lw-watchdog.h"

/* Several pictures stand in squares, two beside each other: that fits a window of 360 pixels. */
#define COLUMNS 2

/* Characters of the text in the name of the row. */
#define NAME_CHARS 300
#define NAME_BYTES (4 * NAME_CHARS) /* that many at most */

/* Blocks of a text that stay for the next one.  The others are taken down, few at a time: a screen reader is told
 * of each of their widgets, which makes it 0.3 ms for an item of a list. */
#define KEPT_BLOCKS 12
#define TAKEN_DOWN_BLOCKS 4

struct _LwMessageRow
{
  GtkWidget parent_instance;
  LwMessage *message;
  GSignalGroup *signals;
  gboolean question; /* of the user, else an answer */
  gboolean busy; /* as far as screen readers know */

  GtkWidget *clamp;
  GtkBox *box;
  GtkGrid *tiles;
  LwMarkdownView *text, *thoughts;
  GtkWidget *thoughts_box;
  GtkButton *thoughts_button;
  GtkBox *foot, *actions;
  GtkWidget *branches, *edit, *regenerate, *continue_button;
  GtkLabel *branch;
  GtkLabel *status, *footer;
  GtkWidget *progress;
  GtkSpinner *spinner;
  GtkProgressBar *bar;
  guint tick; /* of the text that has grown */
};

G_DEFINE_FINAL_TYPE (LwMessageRow, lw_message_row, GTK_TYPE_WIDGET)

/* What stands around the thoughts of models that think aloud. */
#define THINK_OPEN "<think>"
#define THINK_CLOSE "</think>"

/* Where the answer proper begins; *thoughts gets what comes before, or NULL.  A template may have opened the
 * thoughts already, so the closing mark alone tells. */
static const char *
split_thoughts (const char *text, char **thoughts)
{
  const char *close = strstr (text, THINK_CLOSE), *start = text;
  gboolean open = g_str_has_prefix (text, THINK_OPEN);

  *thoughts = NULL;
  if (!open && !close)
    return text;
  if (open)
    start += strlen (THINK_OPEN);
  *thoughts = g_strstrip (close ? g_strndup (start, (gsize)(close - start)) : g_strdup (start));
  if (!close)
    return text + strlen (text);
  close += strlen (THINK_CLOSE);
  return close + strspn (close, "\n ");
}

/* What screen readers say.  Not with every word of an answer that is being written, but a row that comes to show
 * it only now must not keep the name of what it showed before. */
static void
name_row (LwMessageRow *self)
{
  gboolean user = lw_message_get_role (self->message) == LW_MEM_ROLE_USER;
  g_autofree char *name = NULL, *start = NULL, *thoughts = NULL;
  const char *text = lw_message_get_text (self->message);

  if (!user)
    text = split_thoughts (text, &thoughts);
  /* The text may be a megabyte, of which only the beginning is looked at. */
  start = g_utf8_substring (text, 0, MIN (NAME_CHARS, g_utf8_strlen (text, NAME_BYTES)));
  name = g_strdup_printf ("%s: %s", user ? _("You") : _("Longwave"), start);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

static void
update_text (LwMessageRow *self)
{
  gboolean user = lw_message_get_role (self->message) == LW_MEM_ROLE_USER;
  gboolean writing = lw_message_get_phase (self->message) == LW_PHASE_WRITING;
  const char *text = lw_message_get_text (self->message);
  g_autofree char *thoughts = NULL;

  if (!user)
    text = split_thoughts (text, &thoughts);
  gtk_widget_set_visible (self->thoughts_box, thoughts && *thoughts);
  if (thoughts && *thoughts)
    {
      gtk_button_set_label (self->thoughts_button,
                            *text || !writing ? _("Thoughts") : _("Thinking…"));
      lw_markdown_view_set_text (self->thoughts, thoughts, FALSE, writing);
    }
  /* A question is shown as it was typed. */
  lw_markdown_view_set_text (self->text, text, user, writing);
}

static gboolean
update_grown_text (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  LwMessageRow *self = LW_MESSAGE_ROW (widget);

  self->tick = 0;
  lw_watchdog_note_update ();
  update_text (self);
  return G_SOURCE_REMOVE;
}

static void
forget_tick (LwMessageRow *self)
{
  if (self->tick)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick);
  self->tick = 0;
}

/* However often the text grows, a frame shows it once. */
static void
text_changed (LwMessageRow *self)
{
  if (lw_message_get_phase (self->message) == LW_PHASE_WRITING)
    {
      if (!self->tick)
        self->tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), update_grown_text, NULL, NULL);
      return;
    }
  forget_tick (self);
  update_text (self);
}

static char *
message_text (gpointer data)
{
  LwMessageRow *self = data;

  return self->message ? g_strdup (lw_message_get_text (self->message)) : NULL;
}

static void
update_branches (LwMessageRow *self)
{
  int n, branch = lw_message_get_branch (self->message, &n);
  g_autofree char *text = g_strdup_printf ("%d / %d", branch, n);

  gtk_widget_set_visible (self->branches, n > 1);
  gtk_label_set_label (self->branch, text);
}

static void
update_pointed_out (LwMessageRow *self)
{
  if (lw_message_is_pointed_out (self->message))
    gtk_widget_add_css_class (GTK_WIDGET (self), "pointed-out");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "pointed-out");
}

static void
update_continue (LwMessageRow *self)
{
  gtk_widget_set_visible (self->continue_button,
                          lw_message_get_role (self->message) == LW_MEM_ROLE_ASSISTANT
                              && lw_message_get_last (self->message)
                              && lw_message_get_state (self->message) != LW_MEM_STATE_DONE
                              && *lw_message_get_text (self->message));
}

/* To a screen reader an answer that is being written is a busy row, and what it says is told once it is whole:
 * read word by word as it arrives, it would drown everything else.  GTK can say it aloud since 4.14; before,
 * the row's name is what there is, and "busy" until then: Orca 43 would speak an alert that comes into sight, but
 * GTK 4.8 tells it of none (no event at all when a label with that role becomes visible). */
static void
tell (LwMessageRow *self, gboolean busy)
{
  if (busy == self->busy)
    return;
  self->busy = busy;
  gtk_accessible_update_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_BUSY, busy, -1);
#if GTK_CHECK_VERSION(4, 14, 0)
  if (!busy && lw_message_get_role (self->message) == LW_MEM_ROLE_ASSISTANT)
    {
      g_autofree char *thoughts = NULL;

      gtk_accessible_announce (GTK_ACCESSIBLE (self),
                               split_thoughts (lw_message_get_text (self->message), &thoughts),
                               GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
    }
#endif
}

static void
update_progress (LwMessageRow *self)
{
  LwPhase phase = lw_message_get_phase (self->message);
  const char *status = lw_message_get_status (self->message);
  double fraction = lw_message_get_fraction (self->message);
  gboolean waiting = phase == LW_PHASE_WAITING || phase == LW_PHASE_READING;

  gtk_widget_set_visible (self->progress, waiting);
  gtk_spinner_set_spinning (self->spinner, waiting);
  gtk_label_set_label (self->status, status ? status : "");
  gtk_widget_set_visible (GTK_WIDGET (self->bar), fraction >= 0);
  if (fraction >= 0)
    gtk_progress_bar_set_fraction (self->bar, fraction);
  gtk_widget_set_visible (GTK_WIDGET (self->actions), phase == LW_PHASE_SETTLED);
  if (phase == LW_PHASE_SETTLED && self->tick)
    {
      forget_tick (self);
      update_text (self);
    }
  update_continue (self);
  if (phase == LW_PHASE_SETTLED)
    name_row (self);
  tell (self, phase != LW_PHASE_SETTLED);
}

static void
update_footer (LwMessageRow *self)
{
  const char *footer = lw_message_get_footer (self->message);
  g_autofree char *details = lw_message_dup_details (self->message);

  gtk_label_set_label (self->footer, footer ? footer : "");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->footer), details);
  gtk_widget_set_visible (GTK_WIDGET (self->footer), footer != NULL);
}

static void
clear_tiles (LwMessageRow *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->tiles))))
    gtk_grid_remove (self->tiles, child);
}

static void
update_tiles (LwMessageRow *self)
{
  GListModel *list = G_LIST_MODEL (lw_message_get_attachments (self->message));
  guint n = g_list_model_get_n_items (list);

  clear_tiles (self);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwAttachment) a = g_list_model_get_item (list, i);
      GtkWidget *tile = lw_attachment_tile_new (a, n > 1);

      gtk_grid_attach (self->tiles, tile, (int)i % COLUMNS, (int)i / COLUMNS, 1, 1);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->tiles), n > 0);
}

static void
lw_message_row_dispose (GObject *object)
{
  LwMessageRow *self = LW_MESSAGE_ROW (object);

  forget_tick (self);
  g_clear_object (&self->signals);
  g_clear_object (&self->message);
  g_clear_pointer (&self->clamp, gtk_widget_unparent);
  G_OBJECT_CLASS (lw_message_row_parent_class)->dispose (object);
}

static void
lw_message_row_class_init (LwMessageRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_message_row_dispose;
  g_type_ensure (LW_TYPE_MARKDOWN_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               LW_RESOURCE_BASE "/lw-message-row.ui");
  gtk_widget_class_set_css_name (widget_class, "message");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_LIST_ITEM);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, clamp);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, box);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, tiles);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, text);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, thoughts);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, thoughts_box);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, thoughts_button);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, foot);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, actions);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, progress);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, spinner);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, status);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, bar);
  gtk_widget_class_bind_template_child (widget_class, LwMessageRow, footer);
}

/* A flat button for an action of the chat view; target it with target_button(). */
static GtkWidget *
add_button (GtkWidget *box, const char *icon, const char *label, const char *action)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", "");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  gtk_box_append (GTK_BOX (box), button);
  return button;
}

static void
make_actions (LwMessageRow *self)
{
  GtkWidget *box = GTK_WIDGET (self->actions);

  self->branches = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  add_button (self->branches, "go-previous-symbolic", _("Previous version"), "message.previous");
  self->branch = GTK_LABEL (gtk_label_new (NULL));
  gtk_widget_add_css_class (GTK_WIDGET (self->branch), "caption");
  gtk_widget_add_css_class (GTK_WIDGET (self->branch), "numeric");
  gtk_box_append (GTK_BOX (self->branches), GTK_WIDGET (self->branch));
  add_button (self->branches, "go-next-symbolic", _("Next version"), "message.next");
  gtk_box_append (self->actions, self->branches);

  gtk_box_append (self->actions, lw_copy_button_new (_("Copy message"), message_text, self));
  self->edit = add_button (box, "document-edit-symbolic", _("Edit question"), "message.edit");
  self->regenerate
      = add_button (box, "view-refresh-symbolic", _("Answer again"), "message.regenerate");
  self->continue_button
      = add_button (box, "media-seek-forward-symbolic", _("Go on writing"), "message.continue");
  add_button (box, "user-trash-symbolic", _("Delete message"), "message.delete");
}

/* The actions are told which message they are about. */
static void
target_buttons (GtkWidget *widget, const char *id)
{
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child;
       child = gtk_widget_get_next_sibling (child))
    {
      if (GTK_IS_BUTTON (child) && gtk_actionable_get_action_name (GTK_ACTIONABLE (child)))
        gtk_actionable_set_action_target (GTK_ACTIONABLE (child), "s", id);
      else
        target_buttons (child, id);
    }
}

static void
lw_message_row_init (LwMessageRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  make_actions (self);
  self->signals = g_signal_group_new (LW_TYPE_MESSAGE);
  g_signal_group_connect_swapped (self->signals, "notify::text", G_CALLBACK (text_changed), self);
  g_signal_group_connect_swapped (self->signals, "notify::phase", G_CALLBACK (update_progress),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::status", G_CALLBACK (update_progress),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::fraction", G_CALLBACK (update_progress),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::footer", G_CALLBACK (update_footer),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::branches", G_CALLBACK (update_branches),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::pointed-out",
                                  G_CALLBACK (update_pointed_out), self);
  g_signal_group_connect_swapped (self->signals, "notify::last", G_CALLBACK (update_continue),
                                  self);
}

GtkWidget *
lw_message_row_new (void)
{
  return g_object_new (LW_TYPE_MESSAGE_ROW, NULL);
}

/* Nothing comes from the old message any more. */
static void
part (LwMessageRow *self)
{
  g_signal_group_set_target (self->signals, NULL);
  forget_tick (self);
  clear_tiles (self);
  g_clear_object (&self->message);
}

gboolean
lw_message_row_let_go (LwMessageRow *self)
{
  g_return_val_if_fail (LW_IS_MESSAGE_ROW (self), TRUE);

  part (self);
  lw_markdown_view_renew (self->text);
  lw_markdown_view_renew (self->thoughts);
  return lw_markdown_view_get_n_live (self->text) <= KEPT_BLOCKS
         && lw_markdown_view_get_n_live (self->thoughts) == 0;
}

gboolean
lw_message_row_take_down (LwMessageRow *self)
{
  g_return_val_if_fail (LW_IS_MESSAGE_ROW (self), TRUE);

  return lw_markdown_view_take_down (self->text, TAKEN_DOWN_BLOCKS, KEPT_BLOCKS)
         && lw_markdown_view_take_down (self->thoughts, TAKEN_DOWN_BLOCKS, 0);
}

gboolean
lw_message_row_get_question (LwMessageRow *self)
{
  g_return_val_if_fail (LW_IS_MESSAGE_ROW (self), FALSE);

  return self->question;
}

void
lw_message_row_set_message (LwMessageRow *self, LwMessage *message)
{
  gboolean user;

  g_return_if_fail (LW_IS_MESSAGE_ROW (self));
  g_return_if_fail (LW_IS_MESSAGE (message));

  part (self);
  lw_markdown_view_renew (self->text);
  lw_markdown_view_renew (self->thoughts);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->thoughts_button), FALSE);
  g_set_object (&self->message, message);

  user = self->question = lw_message_get_role (message) == LW_MEM_ROLE_USER;
  gtk_widget_set_halign (GTK_WIDGET (self->text), user ? GTK_ALIGN_END : GTK_ALIGN_FILL);
  gtk_widget_set_halign (GTK_WIDGET (self->foot), user ? GTK_ALIGN_END : GTK_ALIGN_FILL);
  gtk_label_set_xalign (self->footer, user ? 1 : 0);
  gtk_label_set_justify (self->footer, user ? GTK_JUSTIFY_RIGHT : GTK_JUSTIFY_LEFT);
  if (user)
    {
      gtk_widget_remove_css_class (GTK_WIDGET (self), "assistant");
      gtk_widget_add_css_class (GTK_WIDGET (self), "user");
    }
  else
    {
      gtk_widget_remove_css_class (GTK_WIDGET (self), "user");
      gtk_widget_add_css_class (GTK_WIDGET (self), "assistant");
    }
  gtk_widget_set_visible (self->edit, user);
  gtk_widget_set_visible (self->regenerate, !user);
  /* It may have been another message's. */
  self->busy = lw_message_get_phase (message) != LW_PHASE_SETTLED;
  gtk_accessible_update_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_BUSY, self->busy, -1);
  target_buttons (GTK_WIDGET (self->actions), lw_message_get_id (message));
  update_branches (self);
  update_pointed_out (self);
  update_text (self);
  update_progress (self);
  update_footer (self);
  update_tiles (self);
  name_row (self);
  g_signal_group_set_target (self->signals, message);
}
