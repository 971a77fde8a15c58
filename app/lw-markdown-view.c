/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-markdown-view.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <string.h>

#include "app/lw-code-block.h"
#include "app/lw-side-scroller.h"
#include "app/lw-slices.h"
#include "app/markdown/lw-markdown.h"

/* Laying out is what costs, GTK measures a label several times before it stands: so widgets are made a few in
 * each frame.  A text begins with blocks of this cost (see block_cost()), and all texts together go on with less
 * in each frame that follows. */
#define COST_AT_FIRST 3000
#define COST_OF_FRAME 4000
/* What a widget costs beside its text, in bytes of text that take as long to lay out. */
#define WIDGET_COST 400

/* Plain text is cut into labels of about this size, bytes: laying one out takes a few milliseconds. */
#define PLAIN_BYTES 1000

/* Longer cells of a table are broken into lines of this length. */
#define CELL_CHARS 32

#define INDENT 22 /* pixels a level */
#define MARKER_GAP 6

/* A text of more characters is never narrower than so many: GTK would lay it out one character a line to see how
 * narrow it can be, which takes longer than everything else. */
#define LONG_CHARS 60
#define LEAST_CHARS 20

struct _LwMarkdownView
{
  GtkWidget parent_instance;
  gboolean plain;

  gsize length;      /* of the text that was seen */
  gsize settled;     /* bytes of it whose blocks do not change any more */
  lw_md_state state; /* of the parser there */
  guint n_settled;   /* their blocks */
  GPtrArray *blocks; /* of lw_md_block: all of them */
  gboolean renewed;  /* they are those of another text */

  guint from;         /* the first block that is a widget */
  GPtrArray *widgets; /* of GtkWidget, borrowed: blocks[from], blocks[from + 1]... */
  gboolean growing;
  guint more_source;

  GtkWidget *box, *earlier, *later;
};

G_DEFINE_FINAL_TYPE (LwMarkdownView, lw_markdown_view, GTK_TYPE_WIDGET)

/* ---- An item of a list ---- */

/* Its marker, and what it says beside it.  Not a GtkBox: that asks how wide a text is at a height, which a label
 * answers by laying itself out a dozen times. */
#define LW_TYPE_LIST_ITEM (lw_list_item_get_type ())
G_DECLARE_FINAL_TYPE (LwListItem, lw_list_item, LW, LIST_ITEM, GtkWidget)

struct _LwListItem
{
  GtkWidget parent_instance;
  GtkWidget *marker, *content; /* marker may be NULL */
};

G_DEFINE_FINAL_TYPE (LwListItem, lw_list_item, GTK_TYPE_WIDGET)

static GtkSizeRequestMode
height_for_width (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
lw_list_item_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                      int *minimum_baseline, int *natural_baseline)
{
  LwListItem *self = LW_LIST_ITEM (widget);
  int least;

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      gtk_widget_measure (self->content, orientation, -1, minimum, natural, NULL, NULL);
      *minimum += INDENT;
      *natural += INDENT;
      return;
    }
  gtk_widget_measure (self->content, orientation, for_size < 0 ? -1 : MAX (for_size - INDENT, 0), minimum,
                      natural, NULL, NULL);
  if (!self->marker)
    return;
  gtk_widget_measure (self->marker, orientation, -1, &least, NULL, NULL, NULL);
  *minimum = MAX (*minimum, least);
  *natural = MAX (*natural, least);
}

static void
lw_list_item_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  LwListItem *self = LW_LIST_ITEM (widget);
  gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  GtkAllocation content = { rtl ? 0 : INDENT, 0, MAX (width - INDENT, 0), height }, marker;
  int wide;

  gtk_widget_size_allocate (self->content, &content, -1);
  if (!self->marker)
    return;
  gtk_widget_measure (self->marker, GTK_ORIENTATION_HORIZONTAL, -1, &wide, NULL, NULL, NULL);
  gtk_widget_measure (self->marker, GTK_ORIENTATION_VERTICAL, -1, &marker.height, NULL, NULL, NULL);
  /* A long number begins further out. */
  marker.width = MAX (wide, INDENT - MARKER_GAP);
  marker.x = rtl ? width - INDENT + MARKER_GAP : INDENT - MARKER_GAP - marker.width;
  marker.y = 0;
  gtk_widget_size_allocate (self->marker, &marker, -1);
}

static void
lw_list_item_dispose (GObject *object)
{
  LwListItem *self = LW_LIST_ITEM (object);

  g_clear_pointer (&self->marker, gtk_widget_unparent);
  g_clear_pointer (&self->content, gtk_widget_unparent);
  G_OBJECT_CLASS (lw_list_item_parent_class)->dispose (object);
}

static void
lw_list_item_class_init (LwListItemClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_list_item_dispose;
  widget_class->measure = lw_list_item_measure;
  widget_class->size_allocate = lw_list_item_size_allocate;
  widget_class->get_request_mode = height_for_width;
}

static void
lw_list_item_init (LwListItem *self)
{
}

static GtkWidget *
list_item_new (const char *marker, GtkWidget *content)
{
  LwListItem *self = g_object_new (LW_TYPE_LIST_ITEM, NULL);

  if (marker)
    {
      self->marker = gtk_label_new (marker);
      gtk_label_set_xalign (GTK_LABEL (self->marker), 1);
      gtk_widget_add_css_class (self->marker, "marker");
      gtk_widget_set_parent (self->marker, GTK_WIDGET (self));
    }
  self->content = content;
  gtk_widget_set_parent (content, GTK_WIDGET (self));
  return GTK_WIDGET (self);
}

/* ---- Blocks to widgets ---- */

static void
set_markup (GtkLabel *label, const char *markup)
{
  const char *text;

  gtk_label_set_markup (label, markup);
  text = gtk_label_get_text (label);
  gtk_label_set_width_chars (label, g_utf8_strlen (text, 4 * LONG_CHARS) > LONG_CHARS ? LEAST_CHARS : -1);
}

static GtkWidget *
make_label (const char *markup)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  set_markup (GTK_LABEL (label), markup);
  return label;
}

static char *
maths_source (gpointer data)
{
  return g_strdup (g_object_get_data (G_OBJECT (data), "source"));
}

static GtkWidget *
make_maths (const lw_md_block *b)
{
  /* Beside the button a long one would be asked for its width at a height, see LwListItem. */
  gboolean is_long = strlen (b->text) > 4 * LONG_CHARS;
  GtkWidget *box = gtk_box_new (is_long ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = gtk_label_new (b->text), *copy;

  g_object_set_data_full (G_OBJECT (box), "source", g_strdup (b->source), g_free);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, "maths");
  copy = lw_copy_button_new (_("Copy LaTeX source"), maths_source, box);
  gtk_widget_set_valign (copy, GTK_ALIGN_CENTER);
  if (is_long)
    {
      gtk_label_set_width_chars (GTK_LABEL (label), LEAST_CHARS);
      gtk_widget_set_halign (copy, GTK_ALIGN_START);
    }
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), copy);
  return box;
}

static GtkWidget *
make_table (const lw_md_block *b)
{
  GtkWidget *grid = gtk_grid_new ();

  for (int row = 0; row < b->n_rows; row++)
    for (int column = 0; column < b->n_columns; column++)
      {
        GtkWidget *cell = make_label (b->cells[row * b->n_columns + column]);
        char align = b->align[column];

        /* A width that does not depend on the room there is: the table scrolls sideways, and its height
         * must be known without it. */
        if (g_utf8_strlen (gtk_label_get_text (GTK_LABEL (cell)), -1) > CELL_CHARS)
          {
            gtk_label_set_width_chars (GTK_LABEL (cell), CELL_CHARS);
            gtk_label_set_max_width_chars (GTK_LABEL (cell), CELL_CHARS);
          }
        else
          {
            gtk_label_set_wrap (GTK_LABEL (cell), FALSE);
          }
        gtk_label_set_xalign (GTK_LABEL (cell), align == 'r' ? 1 : align == 'c' ? 0.5f : 0);
        gtk_widget_set_valign (cell, GTK_ALIGN_FILL);
        gtk_label_set_yalign (GTK_LABEL (cell), 0);
        gtk_widget_add_css_class (cell, "cell");
        if (row == 0 && b->has_head)
          gtk_widget_add_css_class (cell, "head");
        gtk_grid_attach (GTK_GRID (grid), cell, column, row, 1, 1);
      }
  gtk_widget_add_css_class (grid, "table");
  gtk_widget_set_halign (grid, GTK_ALIGN_START);
  return lw_side_scroller_new (grid, FALSE);
}

static guint
index_of (LwMarkdownView *self, GtkWidget *code)
{
  for (guint i = 0; i < self->widgets->len; i++)
    if (g_object_get_data (self->widgets->pdata[i], "content") == code)
      return self->from + i;
  return G_MAXUINT;
}

/* A code block together with those that go on from it. */
static char *
whole_code (LwCodeBlock *code, gpointer user_data)
{
  LwMarkdownView *self = user_data;
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = index_of (self, GTK_WIDGET (code)); i < self->blocks->len; i++)
    {
      const lw_md_block *b = self->blocks->pdata[i];

      if (b->kind != LW_MD_CODE || (all->len && !b->continued))
        break;
      if (all->len)
        g_string_append_c (all, '\n');
      g_string_append (all, b->text);
    }
  return g_strdup (all->str);
}

/* Quotes are drawn as lines at the left of each of their blocks. */
static GtkWidget *
wrap (const lw_md_block *b, GtkWidget *content)
{
  GtkWidget *widget = content;

  if (b->indent || b->marker)
    {
      widget = list_item_new (b->marker, content);
      gtk_widget_set_margin_start (widget, MAX (0, b->indent - 1) * INDENT);
      gtk_widget_add_css_class (widget, "item");
    }
  for (int i = 0; i < b->quote; i++)
    {
      GtkWidget *quote = adw_bin_new ();

      gtk_widget_add_css_class (quote, "quote");
      adw_bin_set_child (ADW_BIN (quote), widget);
      widget = quote;
    }
  g_object_set_data (G_OBJECT (widget), "content", content);
  return widget;
}

static GtkWidget *
make_widget (LwMarkdownView *self, const lw_md_block *b)
{
  static const char *const headings[] = { "h1", "h2", "h3", "h4", "h5", "h6" };
  GtkWidget *content, *widget;

  switch (b->kind)
    {
    case LW_MD_CODE:
      content = lw_code_block_new (b->continued);
      lw_code_block_set_code (LW_CODE_BLOCK (content), b->text, b->language);
      lw_code_block_set_copy_func (LW_CODE_BLOCK (content), whole_code, self);
      break;
    case LW_MD_MATHS:
      content = make_maths (b);
      break;
    case LW_MD_TABLE:
      content = make_table (b);
      break;
    case LW_MD_RULE:
      content = gtk_separator_new (GTK_ORIENTATION_HORIZONTAL);
      break;
    case LW_MD_HEADING:
      content = make_label (b->text);
      gtk_widget_add_css_class (content, headings[CLAMP (b->level, 1, 6) - 1]);
      break;
    case LW_MD_TEXT:
    default:
      content = make_label (b->text);
    }
  widget = wrap (b, content);
  if (b->kind == LW_MD_CODE && b->continued)
    gtk_widget_add_css_class (widget, "continued");
  gtk_widget_add_css_class (widget, "block");
  return widget;
}

/* TRUE: the widget of `old` shows `new` now. */
static gboolean
update_widget (GtkWidget *widget, const lw_md_block *old, const lw_md_block *new)
{
  GtkWidget *content = g_object_get_data (G_OBJECT (widget), "content");

  if (old->kind != new->kind || old->quote != new->quote || old->indent != new->indent
      || old->level != new->level || old->continued != new->continued || !old->marker != !new->marker)
    return FALSE;
  if (g_strcmp0 (old->marker, new->marker) != 0)
    gtk_label_set_label (GTK_LABEL (LW_LIST_ITEM (gtk_widget_get_parent (content))->marker), new->marker);
  switch (new->kind)
    {
    case LW_MD_TEXT:
    case LW_MD_HEADING:
      set_markup (GTK_LABEL (content), new->text);
      return TRUE;
    case LW_MD_CODE:
      lw_code_block_set_code (LW_CODE_BLOCK (content), new->text, new->language);
      return TRUE;
    default:
      return FALSE;
    }
}

/* ---- Which blocks are widgets ---- */

static void
remove_widget (LwMarkdownView *self, guint i)
{
  gtk_box_remove (GTK_BOX (self->box), self->widgets->pdata[i]);
  g_ptr_array_remove_index (self->widgets, i);
}

static GtkWidget *
widget_before (LwMarkdownView *self, guint i)
{
  return i ? self->widgets->pdata[i - 1] : self->earlier;
}

static void
insert_widget (LwMarkdownView *self, guint i)
{
  GtkWidget *widget = make_widget (self, self->blocks->pdata[self->from + i]);

  gtk_box_insert_child_after (GTK_BOX (self->box), widget, widget_before (self, i));
  g_ptr_array_insert (self->widgets, (int)i, widget);
  if (self->from + i == 0)
    gtk_widget_add_css_class (widget, "first");
}

static gsize
block_bytes (const lw_md_block *b)
{
  gsize n = b->text ? strlen (b->text) : 0;

  for (int i = 0; b->cells && b->cells[i]; i++)
    n += strlen (b->cells[i]);
  return n;
}

static gsize
block_cost (const lw_md_block *b)
{
  gsize widgets = 1;

  for (int i = 0; b->cells && b->cells[i]; i++)
    widgets++;
  return block_bytes (b) + widgets * WIDGET_COST;
}

static gboolean
is_full (LwMarkdownView *self)
{
  gsize bytes = 0;

  for (guint i = 0; i < self->widgets->len; i++)
    bytes += block_bytes (self->blocks->pdata[self->from + i]);
  return self->widgets->len >= LW_MARKDOWN_VIEW_BLOCKS || bytes >= LW_MARKDOWN_VIEW_BYTES;
}

static void
update_buttons (LwMarkdownView *self)
{
  guint end = self->from + self->widgets->len;

  gtk_widget_set_visible (self->earlier, self->from > 0);
  gtk_widget_set_visible (self->later,
                          !self->more_source && end < self->blocks->len && is_full (self));
  gtk_widget_set_visible (GTK_WIDGET (self), self->blocks->len > 0);
}

static void
skip_to_end (LwMarkdownView *self)
{
  gsize bytes = 0;
  guint from = self->blocks->len;

  while (from > self->from && self->blocks->len - from < LW_MARKDOWN_VIEW_BLOCKS
         && bytes < LW_MARKDOWN_VIEW_BYTES)
    bytes += block_bytes (self->blocks->pdata[--from]);
  self->from = from;
}

static gboolean add_more (GtkWidget *widget, GdkFrameClock *clock, gpointer data);

/* Widgets for what is there, as far as the limit and this cost go.  Returns what they cost. */
static gsize
fill (LwMarkdownView *self, gsize cost)
{
  gsize made = 0, next;

  /* What grows is looked at where it ends. */
  if (self->growing && !self->widgets->len)
    skip_to_end (self);
  while (self->from + self->widgets->len < self->blocks->len)
    {
      while (is_full (self) && self->growing && self->widgets->len > 1)
        {
          remove_widget (self, 0);
          self->from++;
        }
      if (is_full (self) && !self->growing)
        break;
      next = block_cost (self->blocks->pdata[self->from + self->widgets->len]);
      if (made >= cost || (made && made + next > cost))
        {
          if (!self->more_source)
            self->more_source = gtk_widget_add_tick_callback (GTK_WIDGET (self), add_more, NULL, NULL);
          break;
        }
      made += next;
      insert_widget (self, self->widgets->len);
    }
  update_buttons (self);
  return made;
}

static gboolean
add_more (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  /* All views of this program share what a frame has room for. */
  static gint64 frame = -1;
  static gsize spent;
  LwMarkdownView *self = LW_MARKDOWN_VIEW (widget);

  if (gdk_frame_clock_get_frame_counter (clock) != frame)
    spent = 0;
  frame = gdk_frame_clock_get_frame_counter (clock);
  if (spent >= COST_OF_FRAME || !lw_slices_frame_has_room (widget))
    return G_SOURCE_CONTINUE;
  self->more_source = 0;
  spent += fill (self, COST_OF_FRAME - spent);
  return G_SOURCE_REMOVE;
}

static void
stop_filling (LwMarkdownView *self)
{
  if (self->more_source)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->more_source);
  self->more_source = 0;
}

/* Half a window further up or down. */
static void
move_window (LwMarkdownView *self, gboolean down)
{
  gsize bytes = 0;
  guint n = 0;

  stop_filling (self);
  self->growing = FALSE;
  while (n++ < LW_MARKDOWN_VIEW_BLOCKS / 2 && bytes < LW_MARKDOWN_VIEW_BYTES / 2)
    {
      guint next = down ? self->from + self->widgets->len : self->from - 1;

      if (down ? next >= self->blocks->len : self->from == 0)
        break;
      bytes += block_bytes (self->blocks->pdata[next]);
      while (is_full (self) && self->widgets->len > 1)
        {
          remove_widget (self, down ? 0 : self->widgets->len - 1);
          self->from += down;
        }
      if (!down)
        self->from--;
      insert_widget (self, down ? self->widgets->len : 0);
    }
  update_buttons (self);
}

static void
earlier_clicked (LwMarkdownView *self)
{
  move_window (self, FALSE);
}

static void
later_clicked (LwMarkdownView *self)
{
  move_window (self, TRUE);
}

/* ---- Text to blocks ---- */

/* Put the new blocks where the unsettled ones are; those that are the same keep their widgets. */
static void
replace_tail (LwMarkdownView *self, guint at, GPtrArray *fresh)
{
  guint i;

  for (i = 0; i < fresh->len && at + i < self->blocks->len; i++)
    {
      lw_md_block *old = self->blocks->pdata[at + i], *new = fresh->pdata[i];
      guint shown = at + i - self->from;

      if (!lw_md_block_equal (old, new) && at + i >= self->from && shown < self->widgets->len
          && !update_widget (self->widgets->pdata[shown], old, new))
        {
          remove_widget (self, shown);
          self->blocks->pdata[at + i] = new;
          insert_widget (self, shown);
        }
      self->blocks->pdata[at + i] = new;
      lw_md_block_free (old);
    }
  for (guint j = i; j < fresh->len; j++)
    g_ptr_array_add (self->blocks, fresh->pdata[j]);
  while (self->blocks->len > at + fresh->len)
    {
      guint last = self->blocks->len - 1;

      if (last >= self->from && last - self->from < self->widgets->len)
        remove_widget (self, last - self->from);
      g_ptr_array_remove_index (self->blocks, last);
    }
  /* Its blocks have new owners. */
  g_ptr_array_set_free_func (fresh, NULL);
}

/* Another text, of these blocks: the widgets of the old one are used for it where they fit.  Returns what they
 * cost; those beyond this cost go. */
static gsize
replace_all (LwMarkdownView *self, GPtrArray *fresh, gsize cost)
{
  g_autoptr (GPtrArray) old = self->blocks;
  guint old_from = self->from, i;
  gsize made = 0;

  self->blocks = g_ptr_array_ref (fresh);
  self->from = 0;
  if (self->growing)
    skip_to_end (self);
  for (i = 0; i < self->widgets->len && self->from + i < fresh->len; i++)
    {
      const lw_md_block *b = fresh->pdata[self->from + i], *was = old->pdata[old_from + i];

      /* Code keeps more than its text: where it was scrolled to, and its colours. */
      if (lw_md_block_equal (was, b) && b->kind != LW_MD_CODE)
        continue;
      made += block_cost (b);
      if (i && made > cost)
        break;
      if (b->kind == LW_MD_CODE || !update_widget (self->widgets->pdata[i], was, b))
        {
          remove_widget (self, i);
          insert_widget (self, i);
        }
    }
  while (self->widgets->len > i)
    remove_widget (self, self->widgets->len - 1);
  if (i && self->from == 0)
    gtk_widget_add_css_class (self->widgets->pdata[0], "first");
  else if (i)
    gtk_widget_remove_css_class (self->widgets->pdata[0], "first");
  return made;
}

/* The first piece of a plain text: to its last line break, else its last space, else between characters. */
static gsize
plain_piece (const char *text, gsize n)
{
  const char *end, *cut;

  if (n <= PLAIN_BYTES)
    return n;
  end = g_utf8_find_prev_char (text, text + PLAIN_BYTES);
  cut = g_strrstr_len (text, end - text, "\n");
  if (!cut || cut == text)
    cut = g_strrstr_len (text, end - text, " ");
  if (!cut || cut == text)
    return (gsize)(end - text);
  return (gsize)(cut - text) + 1;
}

static GPtrArray *
parse_plain (const char *text, gsize n)
{
  GPtrArray *blocks = g_ptr_array_new_with_free_func ((GDestroyNotify)lw_md_block_free);
  lw_md_block *b = g_new0 (lw_md_block, 1);
  gsize end = n;

  /* The break between two labels stands for the line break. */
  if (end && text[end - 1] == '\n')
    end--;
  b->kind = LW_MD_TEXT;
  b->text = lw_md_break_clusters (g_markup_escape_text (text, (gssize)end));
  g_ptr_array_add (blocks, b);
  return blocks;
}

static gsize
next_part (LwMarkdownView *self, const char *text, gsize n)
{
  gsize len;

  if (!self->plain)
    return lw_md_part (text, n, &self->state);
  len = plain_piece (text, n);
  return len < n ? len : 0;
}

/* Blocks of what is not settled yet, and of more of it, which is now. */
static GPtrArray *
parse_on (LwMarkdownView *self, const char *text, gsize n)
{
  GPtrArray *fresh = g_ptr_array_new_with_free_func ((GDestroyNotify)lw_md_block_free);
  lw_md_state before = self->state;
  gsize len;

  while ((len = next_part (self, text + self->settled, n - self->settled)))
    {
      GPtrArray *part = self->plain ? parse_plain (text + self->settled, len)
                                    : lw_md_parse (text + self->settled, len, &before);

      self->n_settled += part->len;
      g_ptr_array_extend_and_steal (fresh, part);
      self->settled += len;
      before = self->state;
    }
  if (self->settled < n)
    g_ptr_array_extend_and_steal (fresh, self->plain
                                             ? parse_plain (text + self->settled, n - self->settled)
                                             : lw_md_parse (text + self->settled, n - self->settled, &self->state));
  return fresh;
}

void
lw_markdown_view_set_text (LwMarkdownView *self, const char *text, gboolean plain, gboolean growing)
{
  g_autoptr (GPtrArray) fresh = NULL;
  gsize n = strlen (text), cost;
  guint at;

  g_return_if_fail (LW_IS_MARKDOWN_VIEW (self));

  if (n < self->length || plain != self->plain)
    lw_markdown_view_renew (self);
  self->plain = plain;
  self->growing = growing;
  self->length = n;
  at = self->n_settled;
  fresh = parse_on (self, text, n);
  cost = self->widgets->len && !self->renewed ? COST_OF_FRAME : COST_AT_FIRST;
  if (self->renewed)
    cost -= MIN (cost, replace_all (self, fresh, cost));
  else
    replace_tail (self, at, fresh);
  self->renewed = FALSE;
  if (!self->more_source)
    fill (self, cost);
  update_buttons (self);
}

void
lw_markdown_view_renew (LwMarkdownView *self)
{
  g_return_if_fail (LW_IS_MARKDOWN_VIEW (self));

  stop_filling (self);
  if (self->blocks->len > self->from + self->widgets->len)
    g_ptr_array_set_size (self->blocks, (int)(self->from + self->widgets->len));
  self->length = self->settled = 0;
  self->n_settled = 0;
  memset (&self->state, 0, sizeof self->state);
  self->renewed = TRUE;
}

gboolean
lw_markdown_view_take_down (LwMarkdownView *self, guint n, guint kept)
{
  g_return_val_if_fail (LW_IS_MARKDOWN_VIEW (self), TRUE);

  for (; n && self->widgets->len > kept; n--)
    remove_widget (self, self->widgets->len - 1);
  return self->widgets->len <= kept;
}

guint
lw_markdown_view_get_n_live (LwMarkdownView *self)
{
  return self->widgets->len;
}

/* ---- Object ---- */

static void
lw_markdown_view_dispose (GObject *object)
{
  LwMarkdownView *self = LW_MARKDOWN_VIEW (object);

  stop_filling (self);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (lw_markdown_view_parent_class)->dispose (object);
}

static void
lw_markdown_view_finalize (GObject *object)
{
  LwMarkdownView *self = LW_MARKDOWN_VIEW (object);

  g_ptr_array_unref (self->blocks);
  g_ptr_array_unref (self->widgets);
  G_OBJECT_CLASS (lw_markdown_view_parent_class)->finalize (object);
}

/* The width is never asked for a height: a label answers that by trying one width after the other, and the answer
 * is not used. */
static void
lw_markdown_view_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                          int *natural, int *minimum_baseline, int *natural_baseline)
{
  LwMarkdownView *self = LW_MARKDOWN_VIEW (widget);

  gtk_widget_measure (self->box, orientation, orientation == GTK_ORIENTATION_HORIZONTAL ? -1 : for_size,
                      minimum, natural, NULL, NULL);
}

static void
lw_markdown_view_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  gtk_widget_allocate (LW_MARKDOWN_VIEW (widget)->box, width, height, -1, NULL);
}

static void
lw_markdown_view_class_init (LwMarkdownViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_markdown_view_dispose;
  G_OBJECT_CLASS (klass)->finalize = lw_markdown_view_finalize;
  widget_class->measure = lw_markdown_view_measure;
  widget_class->size_allocate = lw_markdown_view_size_allocate;
  widget_class->get_request_mode = height_for_width;
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "markdown");
}

static GtkWidget *
make_button (LwMarkdownView *self, const char *label, GCallback clicked)
{
  GtkWidget *button = gtk_button_new_with_label (label);

  gtk_widget_set_halign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "pill");
  gtk_widget_add_css_class (button, "more");
  gtk_widget_set_visible (button, FALSE);
  g_signal_connect_swapped (button, "clicked", clicked, self);
  return button;
}

static void
lw_markdown_view_init (LwMarkdownView *self)
{
  self->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify)lw_md_block_free);
  self->widgets = g_ptr_array_new ();
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  self->earlier = make_button (self, _("Show what comes before"), G_CALLBACK (earlier_clicked));
  self->later = make_button (self, _("Show what comes after"), G_CALLBACK (later_clicked));
  gtk_box_append (GTK_BOX (self->box), self->earlier);
  gtk_box_append (GTK_BOX (self->box), self->later);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}

GtkWidget *
lw_markdown_view_new (void)
{
  return g_object_new (LW_TYPE_MARKDOWN_VIEW, NULL);
}
