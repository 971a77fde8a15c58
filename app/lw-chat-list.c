/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-chat-list.h"

#include <string.h>

#include "app/lw-message-row.h"
#include "app/lw-slices.h"

/* Logical pixels. */
#define PAD_TOP 12
#define PAD_BOTTOM 6
#define GUESS 120  /* of a row's height before any is known */
#define SCROLL_TO_TOP 48 /* where a row goes that is scrolled to */

/* Rows that are kept for the next message, of each kind. */
#define MAX_SPARE 16

typedef struct
{
  int height;
  gboolean known; /* measured, else a guess */
} Item;

typedef struct
{
  LwMessageRow *row;
  int y;
} Live;

/* Questions look different from answers, so that a row only ever shows one of them. */
enum
{
  KIND_QUESTION,
  KIND_ANSWER,
  N_KINDS
};

struct _LwChatList
{
  GtkWidget parent_instance;
  GListModel *model;
  gulong model_handler;
  GArray *items; /* of Item, one for each message */
  gint64 known_sum;
  guint n_known;

  guint first;       /* the message of the first live row */
  GArray *live;      /* of Live */
  /* Rows that show nothing now are hidden children still: a widget that comes into a window has to find out anew
   * what it looks like, with all that is in it, which takes longer than to give it another text. */
  GPtrArray *spare[N_KINDS]; /* of LwMessageRow */
  GPtrArray *leaving; /* of LwMessageRow: their widgets are being taken down */
  guint leaving_source;

  gboolean at_end;
  guint anchor;      /* else this message's row is... */
  int anchor_y;      /* ...so far below the top of the view */

  int width, height;
  guint tick;
  GtkAdjustment *hadjustment, *vadjustment;
  gboolean configuring;

  guint made;          /* rows, in this layout */
  gboolean incomplete; /* more are wanted */
};

enum
{
  PROP_0,
  PROP_HADJUSTMENT,
  PROP_VADJUSTMENT,
  PROP_HSCROLL_POLICY,
  PROP_VSCROLL_POLICY,
};

G_DEFINE_FINAL_TYPE_WITH_CODE (LwChatList, lw_chat_list, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_SCROLLABLE, NULL))

/* ---- Rows ---- */

static Live *
live_at (LwChatList *self, guint position)
{
  if (position < self->first || position - self->first >= self->live->len)
    return NULL;
  return &g_array_index (self->live, Live, position - self->first);
}

static int
guess (LwChatList *self)
{
  return self->n_known ? (int)(self->known_sum / self->n_known) : GUESS;
}

static int
height_of (LwChatList *self, guint position)
{
  Item *item = &g_array_index (self->items, Item, position);

  return item->known ? item->height : guess (self);
}

static void
remember_height (LwChatList *self, guint position, int height)
{
  Item *item = &g_array_index (self->items, Item, position);

  if (item->known)
    self->known_sum -= item->height;
  else
    self->n_known++;
  item->known = TRUE;
  item->height = height;
  self->known_sum += height;
}

static LwMessageRow *
take_row (LwChatList *self, guint position, GtkWidget *before)
{
  g_autoptr (LwMessage) message = g_list_model_get_item (self->model, position);
  GPtrArray *spare = self->spare[lw_message_get_role (message) == LW_MEM_ROLE_USER ? KIND_QUESTION : KIND_ANSWER];
  GtkWidget *row;

  if (spare->len)
    row = g_ptr_array_steal_index (spare, spare->len - 1);
  else
    row = lw_message_row_new ();
  gtk_widget_insert_before (row, GTK_WIDGET (self), before);
  lw_message_row_set_message (LW_MESSAGE_ROW (row), message);
  gtk_widget_set_visible (row, TRUE);
  return LW_MESSAGE_ROW (row);
}

/* FALSE: there are enough. */
static gboolean
put_away (LwChatList *self, LwMessageRow *row)
{
  GPtrArray *spare = self->spare[lw_message_row_get_question (row) ? KIND_QUESTION : KIND_ANSWER];

  if (spare->len >= MAX_SPARE)
    return FALSE;
  g_ptr_array_add (spare, row);
  return TRUE;
}

static gboolean
go_on_leaving (gpointer data)
{
  LwChatList *self = data;
  LwMessageRow *row = self->leaving->pdata[0];

  if (lw_message_row_take_down (row))
    {
      g_ptr_array_remove_index (self->leaving, 0);
      if (!put_away (self, row))
        gtk_widget_unparent (GTK_WIDGET (row));
    }
  if (self->leaving->len)
    return TRUE;
  self->leaving_source = 0;
  return FALSE;
}

/* It is out of sight at once.  A row of a long text has hundreds of widgets: they go while nothing else is to be
 * done. */
static void
give_row (LwChatList *self, LwMessageRow *row)
{
  GtkWidget *focus = gtk_widget_get_focus_child (GTK_WIDGET (self));

  /* The keyboard must not fall out of the window. */
  if (focus == GTK_WIDGET (row))
    gtk_widget_grab_focus (GTK_WIDGET (self));
  gtk_widget_set_visible (GTK_WIDGET (row), FALSE);
  if (lw_message_row_let_go (row) && put_away (self, row))
    return;
  g_ptr_array_add (self->leaving, row);
  if (!self->leaving_source)
    self->leaving_source = lw_slices_add (go_on_leaving, self);
}

static void
drop_live (LwChatList *self, guint from, guint n)
{
  for (guint i = 0; i < n; i++)
    give_row (self, g_array_index (self->live, Live, from + i).row);
  if (n)
    g_array_remove_range (self->live, from, n);
}

/* Have a row for this message, which is beside those that are live (or there are none). */
static void
make_live (LwChatList *self, guint position)
{
  Live l = { 0 };

  if (!self->live->len || position == self->first + self->live->len)
    {
      if (!self->live->len)
        self->first = position;
      l.row = take_row (self, position, NULL);
      g_array_append_val (self->live, l);
    }
  else
    {
      l.row = take_row (self, position, GTK_WIDGET (g_array_index (self->live, Live, 0).row));
      g_array_prepend_val (self->live, l);
      self->first = position;
    }
}

/* Making a row and laying it out takes milliseconds, so that a frame has room for a few; one always, to come to an
 * end. */
static gboolean
may_measure (LwChatList *self, guint position, gboolean create)
{
  if (!create || live_at (self, position))
    return TRUE;
  if (!self->made || lw_slices_frame_has_room (GTK_WIDGET (self)))
    return TRUE;
  self->incomplete = TRUE;
  return FALSE;
}

/* The height of a row; create: it becomes live if it is not. */
static int
measure_row (LwChatList *self, guint position, gboolean create)
{
  Live *l = live_at (self, position);
  int height;

  if (!l && create)
    {
      make_live (self, position);
      self->made++;
      l = live_at (self, position);
    }
  if (!l)
    return height_of (self, position);
  gtk_widget_measure (GTK_WIDGET (l->row), GTK_ORIENTATION_VERTICAL, self->width, &height, NULL,
                      NULL, NULL);
  remember_height (self, position, height);
  return height;
}

/* ---- Layout ---- */

static void
configure (LwChatList *self)
{
  guint n = self->items->len;
  gint64 whole = PAD_TOP + PAD_BOTTOM, above = PAD_TOP;

  if (!self->vadjustment)
    return;
  for (guint i = 0; i < n; i++)
    {
      int height = height_of (self, i);

      if (i < self->anchor)
        above += height;
      whole += height;
    }
  self->configuring = TRUE;
  gtk_adjustment_configure (self->vadjustment, (double)above - self->anchor_y, 0,
                            MAX ((double)whole, self->height), self->height * 0.1,
                            self->height * 0.9, self->height);
  self->configuring = FALSE;
}

static void complete_soon (LwChatList *self);

/* Decide where rows are.  create: rows may come and go; else only their places change. */
static void
lay_out (LwChatList *self, gboolean create)
{
  guint n = self->items->len, lo, hi;
  int margin = MAX (200, self->height / 2), top, bottom, shift;

  if (self->width <= 0 || self->height <= 0)
    return;
  self->incomplete = FALSE;
  self->made = 0;
  if (!n)
    {
      if (create)
        drop_live (self, 0, self->live->len);
      self->anchor = 0;
      self->anchor_y = PAD_TOP;
      configure (self);
      return;
    }
  if (self->at_end)
    self->anchor = n - 1;
  self->anchor = MIN (self->anchor, n - 1);
  lo = hi = self->anchor;
  /* Rows that are live must stay beside each other. */
  if (create && self->live->len && !live_at (self, lo) && lo + 1 != self->first
      && lo != self->first + self->live->len)
    drop_live (self, 0, self->live->len);
  bottom = measure_row (self, lo, create);
  top = self->at_end ? self->height - PAD_BOTTOM - bottom : self->anchor_y;
  bottom += top;

  /* What is in sight first. */
  while (hi + 1 < n && bottom < self->height && may_measure (self, hi + 1, create))
    bottom += measure_row (self, ++hi, create);
  while (lo > 0 && top > 0 && may_measure (self, lo - 1, create))
    top -= measure_row (self, --lo, create);
  while (lo > 0 && top > -margin && may_measure (self, lo - 1, create))
    top -= measure_row (self, --lo, create);
  while (hi + 1 < n && bottom < self->height + margin && may_measure (self, hi + 1, create))
    bottom += measure_row (self, ++hi, create);
  /* No gap at the end... */
  shift = self->height - PAD_BOTTOM - bottom;
  if (hi + 1 == n && shift > 0)
    {
      top += shift;
      bottom += shift;
      while (lo > 0 && top > -margin && may_measure (self, lo - 1, create))
        top -= measure_row (self, --lo, create);
    }
  /* ...and before that, none at the beginning. */
  shift = PAD_TOP - top;
  if (lo == 0 && shift < 0)
    {
      top += shift;
      bottom += shift;
      while (hi + 1 < n && bottom < self->height + margin && may_measure (self, hi + 1, create))
        bottom += measure_row (self, ++hi, create);
    }
  if (self->incomplete)
    complete_soon (self);
  if (create)
    {
      if (self->first + self->live->len > hi + 1)
        drop_live (self, hi + 1 - self->first, self->first + self->live->len - hi - 1);
      if (self->first < lo)
        {
          drop_live (self, 0, lo - self->first);
          self->first = lo;
        }
    }
  /* The row at the top of the view is the new anchor. */
  for (guint i = lo; i <= hi; i++)
    {
      Live *l = live_at (self, i);
      int height = height_of (self, i);

      if (l)
        l->y = top;
      if (i == lo || (top <= 0 && top + height > 0))
        {
          self->anchor = i;
          self->anchor_y = top;
        }
      top += height;
    }
  configure (self);
}

/* Is every place in sight taken by a row? */
static gboolean
is_covered (LwChatList *self)
{
  Live *first, *last;
  guint end = self->first + self->live->len;

  if (!self->items->len)
    return !self->live->len;
  if (!self->live->len)
    return FALSE;
  first = &g_array_index (self->live, Live, 0);
  last = &g_array_index (self->live, Live, self->live->len - 1);
  return (first->y <= 0 || self->first == 0)
         && (last->y + height_of (self, end - 1) >= self->height || end == self->items->len);
}

static gboolean
complete (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  LwChatList *self = LW_CHAT_LIST (widget);

  self->tick = 0;
  lay_out (self, TRUE);
  gtk_widget_queue_allocate (widget);
  return G_SOURCE_REMOVE;
}

static void
complete_soon (LwChatList *self)
{
  if (!self->tick)
    self->tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), complete, NULL, NULL);
}

static void
lw_chat_list_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  LwChatList *self = LW_CHAT_LIST (widget);

  if (width != self->width)
    {
      /* What was measured is a guess now. */
      for (guint i = 0; i < self->items->len; i++)
        g_array_index (self->items, Item, i).known = FALSE;
      self->known_sum = self->n_known = 0;
    }
  self->width = width;
  self->height = height;
  lay_out (self, FALSE);
  for (guint i = 0; i < self->live->len; i++)
    {
      Live *l = &g_array_index (self->live, Live, i);
      GtkAllocation place = { 0, l->y, width, height_of (self, self->first + i) };
      int least;

      gtk_widget_measure (GTK_WIDGET (l->row), GTK_ORIENTATION_HORIZONTAL, -1, &least, NULL, NULL,
                          NULL);
      place.width = MAX (width, least);
      gtk_widget_size_allocate (GTK_WIDGET (l->row), &place, -1);
    }
  /* Rows cannot be made in the middle of an allocation. */
  if (!is_covered (self))
    complete_soon (self);
}

static void
lw_chat_list_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                      int *natural, int *minimum_baseline, int *natural_baseline)
{
  LwChatList *self = LW_CHAT_LIST (widget);

  *minimum = *natural = 0;
  for (guint i = 0; i < self->live->len && orientation == GTK_ORIENTATION_HORIZONTAL; i++)
    {
      int least, wish;

      gtk_widget_measure (GTK_WIDGET (g_array_index (self->live, Live, i).row), orientation, -1,
                          &least, &wish, NULL, NULL);
      *minimum = MAX (*minimum, least);
      *natural = MAX (*natural, wish);
    }
}

/* ---- Scrolling ---- */

/* Somebody else moved the adjustment. */
static void
value_changed (LwChatList *self)
{
  double value = gtk_adjustment_get_value (self->vadjustment);
  double end = gtk_adjustment_get_upper (self->vadjustment) - self->height;
  gint64 y = PAD_TOP;
  guint i, n = self->items->len;

  if (self->configuring || !n)
    return;
  self->at_end = value >= end - 1;
  for (i = 0; i + 1 < n && y + height_of (self, i) <= value; i++)
    y += height_of (self, i);
  self->anchor = i;
  self->anchor_y = (int)((double)y - value);
  /* A wheel turns many times between two frames; rows are made for where it ends. */
  complete_soon (self);
}

void
lw_chat_list_scroll_to_end (LwChatList *self)
{
  g_return_if_fail (LW_IS_CHAT_LIST (self));

  self->at_end = TRUE;
  complete_soon (self);
}

void
lw_chat_list_scroll_to (LwChatList *self, guint position)
{
  g_return_if_fail (LW_IS_CHAT_LIST (self));

  self->at_end = FALSE;
  self->anchor = position;
  self->anchor_y = SCROLL_TO_TOP;
  complete_soon (self);
}

/* The keyboard goes to something that may be out of sight. */
static void
lw_chat_list_set_focus_child (GtkWidget *widget, GtkWidget *child)
{
  LwChatList *self = LW_CHAT_LIST (widget);
  GtkRoot *root = gtk_widget_get_root (widget);
  GtkWidget *focus = root ? gtk_root_get_focus (root) : NULL;
  graphene_rect_t r;

  GTK_WIDGET_CLASS (lw_chat_list_parent_class)->set_focus_child (widget, child);
  if (!child || !focus || focus == widget || !gtk_widget_is_ancestor (focus, widget)
      || !gtk_widget_compute_bounds (focus, widget, &r) || r.size.height > (float)self->height)
    return;
  if (r.origin.y < 0)
    self->anchor_y += (int)-r.origin.y + PAD_TOP;
  else if (r.origin.y + r.size.height > (float)self->height)
    self->anchor_y -= (int)(r.origin.y + r.size.height) - self->height + PAD_TOP;
  else
    return;
  self->at_end = FALSE;
  complete_soon (self);
}

/* ---- Model ---- */

static void
items_changed (LwChatList *self, guint position, guint removed, guint added)
{
  Item unknown = { 0 };
  guint end = self->first + self->live->len;

  for (guint i = position; i < position + removed; i++)
    if (g_array_index (self->items, Item, i).known)
      {
        self->n_known--;
        self->known_sum -= g_array_index (self->items, Item, i).height;
      }
  if (removed)
    g_array_remove_range (self->items, position, removed);
  if (position == self->items->len)
    {
      guint old = self->items->len;

      g_array_set_size (self->items, old + added);
      memset (&g_array_index (self->items, Item, old), 0, added * sizeof (Item));
    }
  else
    {
      for (guint i = 0; i < added; i++)
        g_array_insert_val (self->items, position, unknown);
    }

  /* Live rows before the change stay; those behind it do when they are still beside them. */
  if (position + removed <= self->first && self->live->len)
    {
      self->first = self->first - removed + added;
    }
  else if (position < end && self->live->len)
    {
      guint keep = position > self->first ? position - self->first : 0;

      drop_live (self, keep, self->live->len - keep);
    }
  if (position + removed <= self->anchor)
    self->anchor = self->anchor - removed + added;
  else if (position <= self->anchor)
    self->anchor = position;
  complete_soon (self);
}

void
lw_chat_list_set_model (LwChatList *self, GListModel *model)
{
  guint n;

  g_return_if_fail (LW_IS_CHAT_LIST (self));

  if (self->model)
    g_clear_signal_handler (&self->model_handler, self->model);
  drop_live (self, 0, self->live->len);
  g_set_object (&self->model, model);
  n = model ? g_list_model_get_n_items (model) : 0;
  g_array_set_size (self->items, 0);
  g_array_set_size (self->items, n);
  if (n)
    memset (self->items->data, 0, n * sizeof (Item));
  self->known_sum = self->n_known = 0;
  if (model)
    self->model_handler = g_signal_connect_object (model, "items-changed",
                                                   G_CALLBACK (items_changed), self,
                                                   G_CONNECT_SWAPPED);
  self->at_end = TRUE;
  complete_soon (self);
}

/* ---- Object ---- */

static void
set_adjustment (LwChatList *self, GtkAdjustment **place, GtkAdjustment *adjustment)
{
  if (*place)
    g_signal_handlers_disconnect_by_func (*place, value_changed, self);
  g_set_object (place, adjustment);
  if (adjustment && place == &self->vadjustment)
    g_signal_connect_object (adjustment, "value-changed", G_CALLBACK (value_changed), self,
                             G_CONNECT_SWAPPED);
}

static void
lw_chat_list_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  LwChatList *self = LW_CHAT_LIST (object);

  switch (id)
    {
    case PROP_HADJUSTMENT:
      set_adjustment (self, &self->hadjustment, g_value_get_object (value));
      break;
    case PROP_VADJUSTMENT:
      set_adjustment (self, &self->vadjustment, g_value_get_object (value));
      break;
    case PROP_HSCROLL_POLICY:
    case PROP_VSCROLL_POLICY:
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
lw_chat_list_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LwChatList *self = LW_CHAT_LIST (object);

  switch (id)
    {
    case PROP_HADJUSTMENT:
      g_value_set_object (value, self->hadjustment);
      break;
    case PROP_VADJUSTMENT:
      g_value_set_object (value, self->vadjustment);
      break;
    case PROP_HSCROLL_POLICY:
    case PROP_VSCROLL_POLICY:
      g_value_set_enum (value, GTK_SCROLL_MINIMUM);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
lw_chat_list_dispose (GObject *object)
{
  LwChatList *self = LW_CHAT_LIST (object);
  GtkWidget *child;

  if (self->tick)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick);
  self->tick = 0;
  if (self->model)
    g_clear_signal_handler (&self->model_handler, self->model);
  g_clear_object (&self->model);
  drop_live (self, 0, self->live->len);
  g_clear_handle_id (&self->leaving_source, g_source_remove);
  g_ptr_array_set_size (self->leaving, 0);
  for (guint i = 0; i < N_KINDS; i++)
    g_ptr_array_set_size (self->spare[i], 0);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))))
    gtk_widget_unparent (child);
  set_adjustment (self, &self->hadjustment, NULL);
  set_adjustment (self, &self->vadjustment, NULL);
  G_OBJECT_CLASS (lw_chat_list_parent_class)->dispose (object);
}

static void
lw_chat_list_finalize (GObject *object)
{
  LwChatList *self = LW_CHAT_LIST (object);

  g_array_unref (self->items);
  g_array_unref (self->live);
  for (guint i = 0; i < N_KINDS; i++)
    g_ptr_array_unref (self->spare[i]);
  g_ptr_array_unref (self->leaving);
  G_OBJECT_CLASS (lw_chat_list_parent_class)->finalize (object);
}

static void
lw_chat_list_class_init (LwChatListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->set_property = lw_chat_list_set_property;
  object_class->get_property = lw_chat_list_get_property;
  object_class->dispose = lw_chat_list_dispose;
  object_class->finalize = lw_chat_list_finalize;
  widget_class->measure = lw_chat_list_measure;
  widget_class->size_allocate = lw_chat_list_size_allocate;
  widget_class->set_focus_child = lw_chat_list_set_focus_child;
  g_object_class_override_property (object_class, PROP_HADJUSTMENT, "hadjustment");
  g_object_class_override_property (object_class, PROP_VADJUSTMENT, "vadjustment");
  g_object_class_override_property (object_class, PROP_HSCROLL_POLICY, "hscroll-policy");
  g_object_class_override_property (object_class, PROP_VSCROLL_POLICY, "vscroll-policy");
  gtk_widget_class_set_css_name (widget_class, "chatlist");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_LIST);
}

static void
lw_chat_list_init (LwChatList *self)
{
  self->items = g_array_new (FALSE, TRUE, sizeof (Item));
  self->live = g_array_new (FALSE, TRUE, sizeof (Live));
  for (guint i = 0; i < N_KINDS; i++)
    self->spare[i] = g_ptr_array_new ();
  self->leaving = g_ptr_array_new ();
  self->at_end = TRUE;
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
}
