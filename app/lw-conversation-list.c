/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-conversation-list.h"

#include <glib/gi18n.h>

struct _LwConversationList
{
  GtkWidget parent_instance;
  GtkSingleSelection *selection;
  GtkSortListModel *sorted;
  gboolean selecting; /* by us, not by the user */

  GtkWidget *stack;
  GtkListView *list;
};

enum
{
  SIGNAL_OPENED,
  SIGNAL_RENAME,
  SIGNAL_DELETE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwConversationList, lw_conversation_list, GTK_TYPE_WIDGET)

/* ---- Rows ---- */

/* "14:05", "Mon", "12 Mar" or "12.03.2024". */
static char *
format_time (gint64 microseconds)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (microseconds / G_USEC_PER_SEC);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autoptr (GDateTime) t = utc ? g_date_time_to_local (utc) : NULL;
  gint64 days;

  if (!t)
    return g_strdup ("");
  days = g_date_time_difference (now, t) / G_TIME_SPAN_DAY;
  if (g_date_time_get_day_of_year (t) == g_date_time_get_day_of_year (now) && days < 1)
    return g_date_time_format (t, "%H:%M");
  if (days < 6)
    return g_date_time_format (t, "%a");
  if (g_date_time_get_year (t) == g_date_time_get_year (now))
    return g_date_time_format (t, "%-d %b");
  return g_date_time_format (t, "%x");
}

static void
refresh_row (GtkListItem *item)
{
  GtkWidget *row = gtk_list_item_get_child (item);
  LwConversation *c = gtk_list_item_get_item (item);
  GtkWidget *title = g_object_get_data (G_OBJECT (row), "title");
  GtkWidget *time = g_object_get_data (G_OBJECT (row), "time");
  GtkWidget *spinner = g_object_get_data (G_OBJECT (row), "spinner");
  g_autofree char *when = NULL;
  GtkWidget *list_row = gtk_widget_get_parent (row);

  if (!c)
    return;
  when = format_time (lw_conversation_get_updated (c));
  gtk_label_set_label (GTK_LABEL (title), lw_conversation_get_title (c));
  gtk_label_set_label (GTK_LABEL (time), when);
  gtk_widget_set_visible (spinner, lw_conversation_get_busy (c));
  gtk_spinner_set_spinning (GTK_SPINNER (spinner), lw_conversation_get_busy (c));
  if (list_row)
    gtk_accessible_update_property (GTK_ACCESSIBLE (list_row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                    lw_conversation_get_title (c), -1);
}

static void
setup_row (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *title = gtk_label_new (NULL), *time = gtk_label_new (NULL);
  GtkWidget *spinner = gtk_spinner_new (), *menu = gtk_menu_button_new ();

  gtk_label_set_ellipsize (GTK_LABEL (title), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_widget_set_hexpand (title, TRUE);
  gtk_widget_add_css_class (time, "dim-label");
  gtk_widget_add_css_class (time, "caption");
  gtk_widget_add_css_class (time, "numeric");
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (menu), "view-more-symbolic");
  gtk_widget_add_css_class (menu, "flat");
  gtk_widget_set_valign (menu, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (menu, _("Chat menu"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (menu), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("Chat menu"), -1);
  gtk_widget_add_css_class (row, "conversation");
  gtk_box_append (GTK_BOX (row), title);
  gtk_box_append (GTK_BOX (row), spinner);
  gtk_box_append (GTK_BOX (row), time);
  gtk_box_append (GTK_BOX (row), menu);
  g_object_set_data (G_OBJECT (row), "title", title);
  g_object_set_data (G_OBJECT (row), "time", time);
  g_object_set_data (G_OBJECT (row), "spinner", spinner);
  g_object_set_data (G_OBJECT (row), "menu", menu);
  gtk_list_item_set_child (item, row);
}

static void
bind_row (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *row = gtk_list_item_get_child (item);
  LwConversation *c = gtk_list_item_get_item (item);
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autoptr (GMenuItem) rename = g_menu_item_new (_("_Rename…"), NULL);
  g_autoptr (GMenuItem) delete = g_menu_item_new (_("_Delete"), NULL);

  g_menu_item_set_action_and_target (rename, "chats.rename", "s", lw_conversation_get_id (c));
  g_menu_item_set_action_and_target (delete, "chats.delete", "s", lw_conversation_get_id (c));
  g_menu_append_item (menu, rename);
  g_menu_append_item (menu, delete);
  gtk_menu_button_set_menu_model (g_object_get_data (G_OBJECT (row), "menu"),
                                  G_MENU_MODEL (menu));
  g_signal_connect_object (c, "notify", G_CALLBACK (refresh_row), item, G_CONNECT_SWAPPED);
  refresh_row (item);
}

static void
unbind_row (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  g_signal_handlers_disconnect_by_func (gtk_list_item_get_item (item), refresh_row, item);
}

/* ---- List ---- */

static void
selected (LwConversationList *self)
{
  LwConversation *c = gtk_single_selection_get_selected_item (self->selection);

  if (c && !self->selecting)
    g_signal_emit (self, signals[SIGNAL_OPENED], 0, c);
}

static void
count_changed (LwConversationList *self)
{
  gboolean any = g_list_model_get_n_items (G_LIST_MODEL (self->selection)) > 0;

  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), any ? "list" : "empty");
}

void
lw_conversation_list_set_model (LwConversationList *self, GListModel *conversations)
{
  g_return_if_fail (LW_IS_CONVERSATION_LIST (self));

  self->selecting = TRUE;
  gtk_sort_list_model_set_model (self->sorted, conversations);
  self->selecting = FALSE;
}

void
lw_conversation_list_resort (LwConversationList *self)
{
  g_return_if_fail (LW_IS_CONVERSATION_LIST (self));

  self->selecting = TRUE;
  gtk_sorter_changed (gtk_sort_list_model_get_sorter (self->sorted), GTK_SORTER_CHANGE_DIFFERENT);
  self->selecting = FALSE;
}

void
lw_conversation_list_select (LwConversationList *self, LwConversation *conversation)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  guint found = GTK_INVALID_LIST_POSITION;

  g_return_if_fail (LW_IS_CONVERSATION_LIST (self));

  for (guint i = 0; i < n && conversation; i++)
    {
      g_autoptr (LwConversation) c = g_list_model_get_item (G_LIST_MODEL (self->selection), i);

      if (c == conversation)
        found = i;
    }
  self->selecting = TRUE;
  gtk_single_selection_set_selected (self->selection, found);
  self->selecting = FALSE;
}

static void
row_action (GtkWidget *widget, const char *name, GVariant *target)
{
  LwConversationList *self = LW_CONVERSATION_LIST (widget);
  const char *id = g_variant_get_string (target, NULL);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->selection));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwConversation) c = g_list_model_get_item (G_LIST_MODEL (self->selection), i);

      if (g_str_equal (lw_conversation_get_id (c), id))
        {
          g_signal_emit (self,
                         signals[g_str_equal (name, "chats.rename") ? SIGNAL_RENAME
                                                                    : SIGNAL_DELETE],
                         0, c);
          return;
        }
    }
}

static void
lw_conversation_list_dispose (GObject *object)
{
  LwConversationList *self = LW_CONVERSATION_LIST (object);

  g_clear_pointer (&self->stack, gtk_widget_unparent);
  g_clear_object (&self->selection);
  g_clear_object (&self->sorted);
  G_OBJECT_CLASS (lw_conversation_list_parent_class)->dispose (object);
}

static void
lw_conversation_list_class_init (LwConversationListClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  static const char *const names[] = { "opened", "rename", "delete" };

  G_OBJECT_CLASS (klass)->dispose = lw_conversation_list_dispose;
  for (int i = 0; i < N_SIGNALS; i++)
    signals[i] = g_signal_new (names[i], G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                               NULL, NULL, G_TYPE_NONE, 1, LW_TYPE_CONVERSATION);
  gtk_widget_class_install_action (widget_class, "chats.rename", "s", row_action);
  gtk_widget_class_install_action (widget_class, "chats.delete", "s", row_action);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               LW_RESOURCE_BASE "/lw-conversation-list.ui");
  gtk_widget_class_bind_template_child (widget_class, LwConversationList, stack);
  gtk_widget_class_bind_template_child (widget_class, LwConversationList, list);
}

static void
lw_conversation_list_init (LwConversationList *self)
{
  g_autoptr (GtkListItemFactory) factory = gtk_signal_list_item_factory_new ();
  GtkExpression *updated = gtk_property_expression_new (LW_TYPE_CONVERSATION, NULL, "updated");
  GtkNumericSorter *sorter = gtk_numeric_sorter_new (updated);

  gtk_widget_init_template (GTK_WIDGET (self));

  gtk_numeric_sorter_set_sort_order (sorter, GTK_SORT_DESCENDING);
  self->sorted = gtk_sort_list_model_new (NULL, GTK_SORTER (sorter));
  self->selection = gtk_single_selection_new (G_LIST_MODEL (g_object_ref (self->sorted)));
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);

  g_signal_connect (factory, "setup", G_CALLBACK (setup_row), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_row), NULL);
  g_signal_connect (factory, "unbind", G_CALLBACK (unbind_row), NULL);
  gtk_list_view_set_factory (self->list, factory);
  gtk_list_view_set_model (self->list, GTK_SELECTION_MODEL (self->selection));
  g_signal_connect_object (self->selection, "notify::selected-item", G_CALLBACK (selected), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "items-changed", G_CALLBACK (count_changed), self,
                           G_CONNECT_SWAPPED);
}
