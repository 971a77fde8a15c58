/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-conversation-list.h"

#include <glib/gi18n.h>

#include "app/lw-list-keys.h"
#include "app/lw-problem.h"
#include "app/lw-store-service.h"

/* Hits of a search that are shown. */
#define MAX_HITS 200
/* How long typing must pause before it is searched for, milliseconds. */
#define SEARCH_DELAY_MS 120

struct _LwConversationList
{
  GtkWidget parent_instance;
  LwStoreService *store;
  GListModel *conversations;
  GListStore *rows; /* of LwConversation, and GtkStringObject for the heading of a group */
  GtkSingleSelection *selection;
  gboolean selecting; /* by us, not by the user */
  LwConversation *open;

  GListStore *hits; /* of GtkStringObject with a lw_mem_hit */
  guint search_source, search_number;

  GtkWidget *box, *stack;
  GtkSearchEntry *search;
  GtkListView *list, *results;
  GtkLabel *no_results;
};

enum
{
  SIGNAL_OPENED,
  SIGNAL_RENAME,
  SIGNAL_DELETE,
  SIGNAL_EXPORT,
  SIGNAL_FOLDER,
  SIGNAL_HIT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwConversationList, lw_conversation_list, GTK_TYPE_WIDGET)

/* ---- Groups ---- */

/* In the order of the list. */
enum
{
  GROUP_TEMPORARY,
  GROUP_PINNED,
  GROUP_FOLDER, /* one after the other by name */
  GROUP_DATE,
};

/* "Pinned", a folder, "Today"... and where it stands in the list. */
static char *
group_of (LwConversation *c, GDateTime *now, int *order)
{
  g_autoptr (GDateTime) utc
      = g_date_time_new_from_unix_utc (lw_conversation_get_updated (c) / G_USEC_PER_SEC);
  g_autoptr (GDateTime) t = utc ? g_date_time_to_local (utc) : NULL;
  GDate today, day;
  int days;

  *order = GROUP_TEMPORARY;
  if (lw_conversation_is_temporary (c))
    return g_strdup (_("Temporary"));
  *order = GROUP_PINNED;
  if (lw_conversation_get_pinned (c))
    return g_strdup (_("Pinned"));
  *order = GROUP_FOLDER;
  if (*lw_conversation_get_folder (c))
    return g_strdup (lw_conversation_get_folder (c));
  *order = GROUP_DATE;
  if (!t)
    return g_strdup (_("Older"));
  g_date_set_dmy (&today, (GDateDay)g_date_time_get_day_of_month (now),
                  (GDateMonth)g_date_time_get_month (now), (GDateYear)g_date_time_get_year (now));
  g_date_set_dmy (&day, (GDateDay)g_date_time_get_day_of_month (t),
                  (GDateMonth)g_date_time_get_month (t), (GDateYear)g_date_time_get_year (t));
  days = g_date_days_between (&day, &today);
  if (days <= 0)
    return g_strdup (_("Today"));
  if (days == 1)
    return g_strdup (_("Yesterday"));
  if (days < 7)
    return g_strdup (_("Last 7 Days"));
  if (days < 30)
    return g_strdup (_("Last 30 Days"));
  /* Translators: a month and a year, as the heading of a group; see the manual page of strftime */
  return g_date_time_format (t, _("%OB %Y"));
}

typedef struct
{
  LwConversation *conversation;
  char *group;
  int order;
} Entry;

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  const Entry *x = a, *y = b;
  gint64 s = lw_conversation_get_updated (x->conversation);
  gint64 t = lw_conversation_get_updated (y->conversation);
  int folders;

  if (x->order != y->order)
    return x->order - y->order;
  folders = x->order == GROUP_FOLDER ? g_utf8_collate (x->group, y->group) : 0;
  if (folders)
    return folders;
  return s < t ? 1 : s > t ? -1 : 0;
}

static gboolean
same_row (gpointer a, gpointer b)
{
  return a == b
         || (GTK_IS_STRING_OBJECT (a) && GTK_IS_STRING_OBJECT (b)
             && g_str_equal (gtk_string_object_get_string (a), gtk_string_object_get_string (b)));
}

/* Only what is different between the two ends is replaced, so that the list does not jump. */
static void
replace_rows (LwConversationList *self, GPtrArray *fresh)
{
  guint old = g_list_model_get_n_items (G_LIST_MODEL (self->rows)), head = 0, tail = 0;

  while (head < old && head < fresh->len)
    {
      g_autoptr (GObject) o = g_list_model_get_item (G_LIST_MODEL (self->rows), head);

      if (!same_row (o, fresh->pdata[head]))
        break;
      head++;
    }
  while (tail < old - head && tail < fresh->len - head)
    {
      g_autoptr (GObject) o
          = g_list_model_get_item (G_LIST_MODEL (self->rows), old - 1 - tail);

      if (!same_row (o, fresh->pdata[fresh->len - 1 - tail]))
        break;
      tail++;
    }
  if (old - head - tail || fresh->len - head - tail)
    g_list_store_splice (self->rows, head, old - head - tail, fresh->pdata + head,
                         fresh->len - head - tail);
}

static void
regroup (LwConversationList *self)
{
  guint n = self->conversations ? g_list_model_get_n_items (self->conversations) : 0;
  g_autoptr (GArray) entries = g_array_sized_new (FALSE, FALSE, sizeof (Entry), n);
  g_autoptr (GPtrArray) fresh = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  const char *group = NULL;

  for (guint i = 0; i < n; i++)
    {
      Entry e;

      e.conversation = g_list_model_get_item (self->conversations, i);
      e.group = group_of (e.conversation, now, &e.order);
      g_array_append_val (entries, e);
    }
  g_array_sort (entries, compare_entries);
  for (guint i = 0; i < n; i++)
    {
      Entry *e = &g_array_index (entries, Entry, i);

      if (g_strcmp0 (group, e->group) != 0)
        g_ptr_array_add (fresh, gtk_string_object_new (e->group));
      group = e->group;
      g_ptr_array_add (fresh, e->conversation);
    }
  self->selecting = TRUE;
  replace_rows (self, fresh);
  self->selecting = FALSE;
  for (guint i = 0; i < n; i++)
    g_free (g_array_index (entries, Entry, i).group);
  lw_conversation_list_select (self, self->open);
  if (!g_str_equal (gtk_stack_get_visible_child_name (GTK_STACK (self->stack)), "results"))
    gtk_stack_set_visible_child_name (GTK_STACK (self->stack), n ? "list" : "empty");
}

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

static GtkWidget *
part (GtkListItem *item, const char *name)
{
  return g_object_get_data (G_OBJECT (gtk_list_item_get_child (item)), name);
}

static void
name_item (GtkListItem *item, const char *name)
{
  GtkWidget *list_row = gtk_widget_get_parent (gtk_list_item_get_child (item));

  if (list_row)
    gtk_accessible_update_property (GTK_ACCESSIBLE (list_row), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                    -1);
}

static void
refresh_row (GtkListItem *item)
{
  LwConversation *c = gtk_list_item_get_item (item);
  g_autofree char *when = NULL;

  if (!LW_IS_CONVERSATION (c))
    return;
  when = format_time (lw_conversation_get_updated (c));
  gtk_label_set_label (GTK_LABEL (part (item, "title")), lw_conversation_get_title (c));
  gtk_label_set_label (GTK_LABEL (part (item, "time")), when);
  gtk_widget_set_visible (part (item, "pin"), lw_conversation_get_pinned (c));
  gtk_widget_set_visible (part (item, "spinner"), lw_conversation_get_busy (c));
  gtk_spinner_set_spinning (GTK_SPINNER (part (item, "spinner")), lw_conversation_get_busy (c));
  name_item (item, lw_conversation_get_title (c));
}

static void
add_item (GMenu *menu, const char *label, const char *action, const char *id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, action, "s", id);
  g_menu_append_item (menu, item);
}

/* Made when it is opened: the folders may be others by then. */
static void
make_menu (GtkMenuButton *button, gpointer data)
{
  GtkListItem *item = data;
  LwConversation *c = gtk_list_item_get_item (item);
  g_autoptr (GMenu) menu = g_menu_new (), first = g_menu_new (), last = g_menu_new ();
  const char *id;

  if (!LW_IS_CONVERSATION (c))
    return;
  id = lw_conversation_get_id (c);
  /* What is gone tomorrow has no place of its own. */
  if (!lw_conversation_is_temporary (c))
    add_item (first, lw_conversation_get_pinned (c) ? _("Un_pin") : _("_Pin"), "chats.pin", id);
  add_item (first, _("_Rename…"), "chats.rename", id);
  if (!lw_conversation_is_temporary (c))
    add_item (first, _("Move to _Folder…"), "chats.folder", id);
  g_menu_append_section (menu, NULL, G_MENU_MODEL (first));
  add_item (last, _("Export as _Markdown…"), "chats.export-markdown", id);
  add_item (last, _("Export as _JSON…"), "chats.export-json", id);
  g_menu_append_section (menu, NULL, G_MENU_MODEL (last));
  add_item (menu, _("_Delete"), "chats.delete", id);
  gtk_menu_button_set_menu_model (button, G_MENU_MODEL (menu));
}

/* Of the second button or a long press, on touch screens. */
static void
open_menu (GtkGesture *gesture)
{
  GtkWidget *both = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (gesture));

  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  if (gtk_widget_get_visible (g_object_get_data (G_OBJECT (both), "row")))
    gtk_menu_button_popup (g_object_get_data (G_OBJECT (both), "menu"));
}

static void
add_menu_gestures (GtkWidget *both)
{
  GtkGesture *click = gtk_gesture_click_new (), *press = gtk_gesture_long_press_new ();

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), GDK_BUTTON_SECONDARY);
  g_signal_connect (click, "pressed", G_CALLBACK (open_menu), NULL);
  gtk_widget_add_controller (both, GTK_EVENT_CONTROLLER (click));
  gtk_gesture_single_set_touch_only (GTK_GESTURE_SINGLE (press), TRUE);
  g_signal_connect (press, "pressed", G_CALLBACK (open_menu), NULL);
  gtk_widget_add_controller (both, GTK_EVENT_CONTROLLER (press));
}

static void
setup_row (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *both = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *heading = gtk_label_new (NULL);
  GtkWidget *title = gtk_label_new (NULL), *time = gtk_label_new (NULL);
  GtkWidget *pin = gtk_image_new_from_icon_name ("view-pin-symbolic");
  GtkWidget *spinner = gtk_spinner_new (), *menu = gtk_menu_button_new ();

  gtk_label_set_xalign (GTK_LABEL (heading), 0);
  gtk_label_set_ellipsize (GTK_LABEL (heading), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (heading, "group");
  gtk_label_set_ellipsize (GTK_LABEL (title), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_widget_set_hexpand (title, TRUE);
  gtk_widget_add_css_class (time, "dim-label");
  gtk_widget_add_css_class (time, "caption");
  gtk_widget_add_css_class (time, "numeric");
  gtk_widget_add_css_class (pin, "dim-label");
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (menu), "view-more-symbolic");
  gtk_widget_add_css_class (menu, "flat");
  gtk_widget_set_valign (menu, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (menu, _("Chat menu"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (menu), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("Chat menu"), -1);
  /* By keyboard the row has the focus, and its menu opens with the Menu key: the focus passes by the button,
   * but goes into its menu. */
  gtk_widget_set_focusable (gtk_widget_get_first_child (menu), FALSE);
  gtk_menu_button_set_create_popup_func (GTK_MENU_BUTTON (menu), make_menu, item, NULL);
  gtk_widget_add_css_class (row, "conversation");
  gtk_widget_set_vexpand (row, TRUE);
  gtk_box_append (GTK_BOX (row), title);
  gtk_box_append (GTK_BOX (row), spinner);
  gtk_box_append (GTK_BOX (row), pin);
  gtk_box_append (GTK_BOX (row), time);
  gtk_box_append (GTK_BOX (row), menu);
  gtk_box_append (GTK_BOX (both), heading);
  gtk_box_append (GTK_BOX (both), row);
  g_object_set_data (G_OBJECT (both), "heading", heading);
  g_object_set_data (G_OBJECT (both), "row", row);
  g_object_set_data (G_OBJECT (both), "title", title);
  g_object_set_data (G_OBJECT (both), "time", time);
  g_object_set_data (G_OBJECT (both), "pin", pin);
  g_object_set_data (G_OBJECT (both), "spinner", spinner);
  g_object_set_data (G_OBJECT (both), "menu", menu);
  gtk_list_item_set_child (item, both);
  lw_list_keys_setup (item);
  add_menu_gestures (both);
}

static void
bind_row (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GObject *o = gtk_list_item_get_item (item);
  gboolean heading = GTK_IS_STRING_OBJECT (o);

  gtk_list_item_set_selectable (item, !heading);
  gtk_list_item_set_activatable (item, !heading);
  gtk_widget_set_visible (part (item, "heading"), heading);
  gtk_widget_set_visible (part (item, "row"), !heading);
  if (heading)
    {
      const char *name = gtk_string_object_get_string (GTK_STRING_OBJECT (o));

      gtk_label_set_label (GTK_LABEL (part (item, "heading")), name);
      name_item (item, name);
      return;
    }
  g_signal_connect_object (o, "notify", G_CALLBACK (refresh_row), item, G_CONNECT_SWAPPED);
  refresh_row (item);
}

static void
unbind_row (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  g_signal_handlers_disconnect_by_func (gtk_list_item_get_item (item), refresh_row, item);
}

/* ---- Search ---- */

static lw_mem_hit *
hit_of (gpointer item)
{
  return g_object_get_data (G_OBJECT (item), "hit");
}

static void
setup_hit (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  GtkWidget *title = gtk_label_new (NULL), *snippet = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_ellipsize (GTK_LABEL (title), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (title, "caption-heading");
  gtk_label_set_xalign (GTK_LABEL (snippet), 0);
  gtk_label_set_wrap (GTK_LABEL (snippet), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (snippet), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_lines (GTK_LABEL (snippet), 3);
  gtk_label_set_ellipsize (GTK_LABEL (snippet), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (snippet, "caption");
  gtk_box_append (GTK_BOX (box), title);
  gtk_box_append (GTK_BOX (box), snippet);
  g_object_set_data (G_OBJECT (box), "title", title);
  g_object_set_data (G_OBJECT (box), "snippet", snippet);
  gtk_list_item_set_child (item, box);
}

static void
bind_hit (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  const lw_mem_hit *h = hit_of (gtk_list_item_get_item (item));
  g_autofree char *before = g_markup_escape_text (h->snippet, (gssize)h->match_start);
  g_autofree char *word
      = g_markup_escape_text (h->snippet + h->match_start, (gssize)(h->match_end - h->match_start));
  g_autofree char *after = g_markup_escape_text (h->snippet + h->match_end, -1);
  g_autofree char *markup = g_strdup_printf ("%s<b>%s</b>%s", before, word, after);
  g_autofree char *when = format_time (h->created);
  g_autofree char *title = g_strdup_printf ("%s · %s", h->title, when);
  g_autofree char *name = g_strdup_printf ("%s: %s", h->title, h->snippet);

  gtk_label_set_label (GTK_LABEL (part (item, "title")), title);
  gtk_label_set_markup (GTK_LABEL (part (item, "snippet")), markup);
  name_item (item, name);
}

typedef struct
{
  LwConversationList *self;
  guint number;
} Search;

static void
search_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Search *s = user_data;
  g_autoptr (LwConversationList) self = s->self;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) hits
      = lw_store_service_search_finish (LW_STORE_SERVICE (source), result, &error);
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);
  gboolean current = s->number == self->search_number && self->stack;
  g_autofree char *problem = NULL;

  g_free (s);
  if (!current)
    return;
  for (guint i = 0; hits && i < hits->len; i++)
    {
      GtkStringObject *o = gtk_string_object_new ("");

      g_object_set_data_full (G_OBJECT (o), "hit", hits->pdata[i], (GDestroyNotify)lw_mem_hit_free);
      g_ptr_array_add (items, o);
    }
  if (hits)
    g_ptr_array_set_free_func (hits, NULL);
  g_list_store_splice (self->hits, 0, g_list_model_get_n_items (G_LIST_MODEL (self->hits)),
                       items->pdata, items->len);
  if (error)
    problem = lw_problem_describe (error);
  gtk_label_set_label (self->no_results, problem ? problem : _("Nothing found"));
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), items->len ? "results" : "nothing");
}

static gboolean
search_now (gpointer data)
{
  LwConversationList *self = data;
  const char *query = gtk_editable_get_text (GTK_EDITABLE (self->search));
  Search *s;

  self->search_source = 0;
  self->search_number++;
  if (!*query || !self->store)
    {
      gtk_stack_set_visible_child_name (
          GTK_STACK (self->stack),
          g_list_model_get_n_items (G_LIST_MODEL (self->rows)) ? "list" : "empty");
      return G_SOURCE_REMOVE;
    }
  s = g_new0 (Search, 1);
  s->self = g_object_ref (self);
  s->number = self->search_number;
  lw_store_service_search_async (self->store, query, MAX_HITS, search_ended, s);
  return G_SOURCE_REMOVE;
}

static void
search_changed (LwConversationList *self)
{
  g_clear_handle_id (&self->search_source, g_source_remove);
  self->search_source = g_timeout_add (SEARCH_DELAY_MS, search_now, self);
}

static void
search_stopped (LwConversationList *self)
{
  gtk_editable_set_text (GTK_EDITABLE (self->search), "");
}

static void
hit_activated (LwConversationList *self, guint position)
{
  g_autoptr (GObject) item = g_list_model_get_item (G_LIST_MODEL (self->hits), position);
  const lw_mem_hit *h = item ? hit_of (item) : NULL;

  if (h)
    g_signal_emit (self, signals[SIGNAL_HIT], 0, h->conversation, h->message);
}

void
lw_conversation_list_start_search (LwConversationList *self)
{
  g_return_if_fail (LW_IS_CONVERSATION_LIST (self));

  gtk_widget_grab_focus (GTK_WIDGET (self->search));
  gtk_editable_select_region (GTK_EDITABLE (self->search), 0, -1);
}

/* ---- List ---- */

static void
selected (LwConversationList *self)
{
  gpointer c = gtk_single_selection_get_selected_item (self->selection);

  if (c && LW_IS_CONVERSATION (c) && !self->selecting)
    {
      self->open = c;
      g_signal_emit (self, signals[SIGNAL_OPENED], 0, c);
    }
}

void
lw_conversation_list_set_model (LwConversationList *self, GListModel *conversations)
{
  g_return_if_fail (LW_IS_CONVERSATION_LIST (self));

  g_set_object (&self->conversations, conversations);
  g_signal_connect_object (conversations, "items-changed", G_CALLBACK (regroup), self,
                           G_CONNECT_SWAPPED);
  regroup (self);
}

void
lw_conversation_list_set_store (LwConversationList *self, LwStoreService *store)
{
  g_return_if_fail (LW_IS_CONVERSATION_LIST (self));

  g_set_object (&self->store, store);
}

void
lw_conversation_list_resort (LwConversationList *self)
{
  g_return_if_fail (LW_IS_CONVERSATION_LIST (self));

  regroup (self);
}

/* A row, and the heading right above it. */
static void
bring_into_sight (LwConversationList *self, guint position)
{
  g_autoptr (GObject) above
      = position ? g_list_model_get_item (G_LIST_MODEL (self->rows), position - 1) : NULL;

  if (GTK_IS_STRING_OBJECT (above))
    gtk_widget_activate_action (GTK_WIDGET (self->list), "list.scroll-to-item", "u", position - 1);
  gtk_widget_activate_action (GTK_WIDGET (self->list), "list.scroll-to-item", "u", position);
}

void
lw_conversation_list_select (LwConversationList *self, LwConversation *conversation)
{
  guint found = GTK_INVALID_LIST_POSITION;
  gboolean new;

  g_return_if_fail (LW_IS_CONVERSATION_LIST (self));

  /* One that stays where it is may be out of sight because somebody looks at others. */
  new = self->open != conversation
        || gtk_single_selection_get_selected (self->selection) == GTK_INVALID_LIST_POSITION;
  self->open = conversation;
  if (!conversation || !g_list_store_find (self->rows, conversation, &found))
    found = GTK_INVALID_LIST_POSITION;
  self->selecting = TRUE;
  gtk_single_selection_set_selected (self->selection, found);
  self->selecting = FALSE;
  if (new && found != GTK_INVALID_LIST_POSITION)
    bring_into_sight (self, found);
}

static void
row_action (GtkWidget *widget, const char *name, GVariant *target)
{
  LwConversationList *self = LW_CONVERSATION_LIST (widget);
  const char *id = g_variant_get_string (target, NULL);
  guint n = self->conversations ? g_list_model_get_n_items (self->conversations) : 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwConversation) c = g_list_model_get_item (self->conversations, i);

      if (!g_str_equal (lw_conversation_get_id (c), id))
        continue;
      if (g_str_equal (name, "chats.pin"))
        lw_conversation_set_pinned (c, !lw_conversation_get_pinned (c));
      else if (g_str_equal (name, "chats.rename"))
        g_signal_emit (self, signals[SIGNAL_RENAME], 0, c);
      else if (g_str_equal (name, "chats.folder"))
        g_signal_emit (self, signals[SIGNAL_FOLDER], 0, c);
      else if (g_str_equal (name, "chats.delete"))
        g_signal_emit (self, signals[SIGNAL_DELETE], 0, c);
      else
        g_signal_emit (self, signals[SIGNAL_EXPORT], 0, c,
                       g_str_equal (name, "chats.export-markdown"));
      return;
    }
}

static gboolean
is_heading (gpointer item)
{
  return !LW_IS_CONVERSATION (item);
}

static void
key_pressed (gpointer data, guint position, GtkWidget *row, LwListKey key)
{
  LwConversationList *self = data;
  g_autoptr (LwConversation) c = g_list_model_get_item (G_LIST_MODEL (self->rows), position);

  switch (key)
    {
    case LW_LIST_KEY_OPEN:
      if (c == self->open)
        g_signal_emit (self, signals[SIGNAL_OPENED], 0, c);
      else
        gtk_single_selection_set_selected (self->selection, position);
      break;
    case LW_LIST_KEY_MENU:
      gtk_menu_button_popup (g_object_get_data (G_OBJECT (row), "menu"));
      break;
    case LW_LIST_KEY_RENAME:
      g_signal_emit (self, signals[SIGNAL_RENAME], 0, c);
      break;
    case LW_LIST_KEY_DELETE:
      g_signal_emit (self, signals[SIGNAL_DELETE], 0, c);
      /* The next one takes its place. */
      lw_list_keys_focus (self->list, position);
      break;
    default:
      break;
    }
}

static void
lw_conversation_list_dispose (GObject *object)
{
  LwConversationList *self = LW_CONVERSATION_LIST (object);

  g_clear_handle_id (&self->search_source, g_source_remove);
  self->stack = NULL;
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->selection);
  g_clear_object (&self->rows);
  g_clear_object (&self->hits);
  g_clear_object (&self->conversations);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (lw_conversation_list_parent_class)->dispose (object);
}

static void
lw_conversation_list_class_init (LwConversationListClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  static const char *const one[] = { "opened", "rename", "delete" };
  static const char *const actions[] = { "chats.pin",    "chats.rename",          "chats.folder",
                                         "chats.delete", "chats.export-markdown", "chats.export-json" };

  G_OBJECT_CLASS (klass)->dispose = lw_conversation_list_dispose;
  for (gsize i = 0; i < G_N_ELEMENTS (one); i++)
    signals[i] = g_signal_new (one[i], G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                               NULL, G_TYPE_NONE, 1, LW_TYPE_CONVERSATION);
  signals[SIGNAL_EXPORT]
      = g_signal_new ("export", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, LW_TYPE_CONVERSATION, G_TYPE_BOOLEAN);
  signals[SIGNAL_FOLDER]
      = g_signal_new ("folder", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 1, LW_TYPE_CONVERSATION);
  signals[SIGNAL_HIT]
      = g_signal_new ("hit", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_class_install_action (widget_class, actions[i], "s", row_action);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               LW_RESOURCE_BASE "/lw-conversation-list.ui");
  gtk_widget_class_bind_template_child (widget_class, LwConversationList, box);
  gtk_widget_class_bind_template_child (widget_class, LwConversationList, search);
  gtk_widget_class_bind_template_child (widget_class, LwConversationList, stack);
  gtk_widget_class_bind_template_child (widget_class, LwConversationList, list);
  gtk_widget_class_bind_template_child (widget_class, LwConversationList, results);
  gtk_widget_class_bind_template_child (widget_class, LwConversationList, no_results);
  gtk_widget_class_bind_template_callback (widget_class, search_changed);
  gtk_widget_class_bind_template_callback (widget_class, search_stopped);
  gtk_widget_class_bind_template_callback (widget_class, hit_activated);
}

static void
set_factory (GtkListView *list, gpointer setup, gpointer bind, gpointer unbind)
{
  g_autoptr (GtkListItemFactory) factory = gtk_signal_list_item_factory_new ();

  g_signal_connect (factory, "setup", G_CALLBACK (setup), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind), NULL);
  if (unbind)
    g_signal_connect (factory, "unbind", G_CALLBACK (unbind), NULL);
  gtk_list_view_set_factory (list, factory);
}

static void
lw_conversation_list_init (LwConversationList *self)
{
  g_autoptr (GtkNoSelection) hits = NULL;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->rows = g_list_store_new (G_TYPE_OBJECT);
  self->selection = gtk_single_selection_new (G_LIST_MODEL (g_object_ref (self->rows)));
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);
  set_factory (self->list, setup_row, bind_row, unbind_row);
  gtk_list_view_set_model (self->list, GTK_SELECTION_MODEL (self->selection));
  lw_list_keys_add (self->list, is_heading, key_pressed, self);
  g_signal_connect_object (self->selection, "notify::selected-item", G_CALLBACK (selected), self,
                           G_CONNECT_SWAPPED);

  self->hits = g_list_store_new (GTK_TYPE_STRING_OBJECT);
  hits = gtk_no_selection_new (G_LIST_MODEL (g_object_ref (self->hits)));
  set_factory (self->results, setup_hit, bind_hit, NULL);
  gtk_list_view_set_model (self->results, GTK_SELECTION_MODEL (hits));
}
