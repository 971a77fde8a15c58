/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-list-keys.h"

#define ITEM "lw-list-item"
#define KEYS "lw-list-keys"

/* Rows that Page Up and Page Down pass. */
#define PAGE 10

typedef struct
{
  gboolean (*is_heading) (gpointer item);
  LwListKeyFunc pressed;
  gpointer data;
} Keys;

static guint
count (GtkListView *list)
{
  GListModel *model = G_LIST_MODEL (gtk_list_view_get_model (list));

  return model ? g_list_model_get_n_items (model) : 0;
}

static gboolean
is_heading (GtkListView *list, guint position)
{
  Keys *keys = g_object_get_data (G_OBJECT (list), KEYS);
  g_autoptr (GObject) item
      = g_list_model_get_item (G_LIST_MODEL (gtk_list_view_get_model (list)), position);

  return keys->is_heading (item);
}

/* The child that stands at a position, or that has the focus; NULL: none. */
static GtkWidget *
find_row (GtkListView *list, guint wanted, guint *position)
{
  GtkWidget *focus = gtk_widget_get_focus_child (GTK_WIDGET (list));

  for (GtkWidget *w = gtk_widget_get_first_child (GTK_WIDGET (list)); w;
       w = gtk_widget_get_next_sibling (w))
    {
      GtkWidget *child = gtk_widget_get_first_child (w);
      GtkListItem *item = child ? g_object_get_data (G_OBJECT (child), ITEM) : NULL;

      if (!item || (wanted == GTK_INVALID_LIST_POSITION ? w != focus
                                                        : gtk_list_item_get_position (item) != wanted))
        continue;
      *position = gtk_list_item_get_position (item);
      return child;
    }
  return NULL;
}

static gboolean
focus_exactly (GtkListView *list, guint position)
{
  GtkWidget *row;

  /* It may be out of sight, and have no widget. */
  gtk_widget_activate_action (GTK_WIDGET (list), "list.scroll-to-item", "u", position);
  row = find_row (list, position, &position);
  return row && gtk_widget_grab_focus (gtk_widget_get_parent (row));
}

gboolean
lw_list_keys_focus (GtkListView *list, guint position)
{
  guint n = count (list);

  for (guint i = position; i < n; i++)
    if (!is_heading (list, i))
      return focus_exactly (list, i);
  for (guint i = MIN (position, n); i-- > 0;)
    if (!is_heading (list, i))
      return focus_exactly (list, i);
  return FALSE;
}

/* by rows, headings not counted; as far as there are any. */
static void
move (GtkListView *list, guint from, int by)
{
  gint64 n = count (list), target = from;

  for (gint64 i = (gint64)from + (by > 0 ? 1 : -1); by && i >= 0 && i < n; i += by > 0 ? 1 : -1)
    if (!is_heading (list, (guint)i))
      {
        target = i;
        by -= by > 0 ? 1 : -1;
        if (!by)
          break;
      }
  if (target == from)
    gtk_widget_error_bell (GTK_WIDGET (list));
  else
    focus_exactly (list, (guint)target);
}

static gboolean
key_pressed (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType held,
             GtkListView *list)
{
  Keys *keys = g_object_get_data (G_OBJECT (list), KEYS);
  guint position;
  GtkWidget *row = find_row (list, GTK_INVALID_LIST_POSITION, &position);
  gboolean shift = (held & GDK_SHIFT_MASK) != 0;

  /* A popover of the row has its own keys. */
  if (!row || !gtk_widget_is_focus (gtk_widget_get_parent (row))
      || (held & (GDK_CONTROL_MASK | GDK_ALT_MASK)))
    return GDK_EVENT_PROPAGATE;
  switch (key)
    {
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      move (list, position, -1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      move (list, position, 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Up:
    case GDK_KEY_KP_Page_Up:
      move (list, position, -PAGE);
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Down:
    case GDK_KEY_KP_Page_Down:
      move (list, position, PAGE);
      return GDK_EVENT_STOP;
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      lw_list_keys_focus (list, 0);
      return GDK_EVENT_STOP;
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      lw_list_keys_focus (list, count (list) - 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
    case GDK_KEY_ISO_Enter:
    case GDK_KEY_space:
    case GDK_KEY_KP_Space:
      keys->pressed (keys->data, position, row, LW_LIST_KEY_OPEN);
      return GDK_EVENT_STOP;
    case GDK_KEY_F2:
      keys->pressed (keys->data, position, row, LW_LIST_KEY_RENAME);
      return GDK_EVENT_STOP;
    case GDK_KEY_Delete:
    case GDK_KEY_KP_Delete:
      keys->pressed (keys->data, position, row, LW_LIST_KEY_DELETE);
      return GDK_EVENT_STOP;
    case GDK_KEY_F10:
      if (!shift)
        return GDK_EVENT_PROPAGATE;
      G_GNUC_FALLTHROUGH;
    case GDK_KEY_Menu:
      keys->pressed (keys->data, position, row, LW_LIST_KEY_MENU);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

static gboolean
go_in (gpointer data)
{
  GtkListView *list = data;
  GtkWidget *scroller = gtk_widget_get_ancestor (GTK_WIDGET (list), GTK_TYPE_SCROLLED_WINDOW);
  GtkSelectionModel *model = gtk_list_view_get_model (list);
  g_autoptr (GtkBitset) selected = NULL;

  if (!scroller || !gtk_widget_is_focus (scroller) || !model)
    return G_SOURCE_REMOVE;
  selected = gtk_selection_model_get_selection (model);
  lw_list_keys_focus (list, gtk_bitset_is_empty (selected) ? 0 : gtk_bitset_get_minimum (selected));
  return G_SOURCE_REMOVE;
}

/* GTK gave up and focuses the scrolled window: on to the row that is selected, or the first one, as soon as
 * GTK is done with that and before the next key. */
static void
entered (GtkEventControllerFocus *controller, GtkListView *list)
{
  if (gtk_event_controller_focus_is_focus (controller))
    g_idle_add_full (G_PRIORITY_HIGH, go_in, g_object_ref (list), g_object_unref);
}

void
lw_list_keys_setup (GtkListItem *item)
{
  g_object_set_data (G_OBJECT (gtk_list_item_get_child (item)), ITEM, item);
}

void
lw_list_keys_add (GtkListView *list, gboolean (*heading) (gpointer item), LwListKeyFunc pressed,
                  gpointer data)
{
  GtkEventController *keyboard = gtk_event_controller_key_new (), *focus;
  Keys *keys = g_new0 (Keys, 1);

  keys->is_heading = heading;
  keys->pressed = pressed;
  keys->data = data;
  g_object_set_data_full (G_OBJECT (list), KEYS, keys, g_free);
  gtk_event_controller_set_propagation_phase (keyboard, GTK_PHASE_CAPTURE);
  g_signal_connect_object (keyboard, "key-pressed", G_CALLBACK (key_pressed), list, 0);
  gtk_widget_add_controller (GTK_WIDGET (list), keyboard);
  focus = gtk_event_controller_focus_new ();
  g_signal_connect_object (focus, "enter", G_CALLBACK (entered), list, 0);
  gtk_widget_add_controller (gtk_widget_get_ancestor (GTK_WIDGET (list), GTK_TYPE_SCROLLED_WINDOW),
                             focus);
}
