/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-code-block.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <string.h>

#include "app/lw-contrast.h"
#include "app/lw-highlight.h"
#include "app/lw-side-scroller.h"

/* Lines of one label.  Laying out a label costs in proportion to its length, and only the last changes. */
#define LINES_PER_LABEL 60

/* While code arrives, colouring it may take this part of the time. */
#define COLOUR_SHARE 10

#define COPIED_MS 1500

struct _LwCodeBlock
{
  GtkWidget parent_instance;
  char *code, *language;
  gboolean named; /* the label says the language as people call it */
  GPtrArray *labels; /* of GtkLabel, borrowed from lines */
  GArray *starts;    /* gsize: where each label's text begins, bytes */
  gint64 next_colour; /* monotonic time, microseconds */
  guint colour_source;

  LwCodeBlockText copy_func;
  gpointer copy_data;

  GtkWidget *box, *lines;
  GtkLabel *name;
};

G_DEFINE_FINAL_TYPE (LwCodeBlock, lw_code_block, GTK_TYPE_WIDGET)

/* ---- Copy button ---- */

typedef struct
{
  LwCopyText func;
  gpointer user_data;
  char *label;
  guint source;
} Copy;

static void
copy_free (gpointer data)
{
  Copy *c = data;

  g_clear_handle_id (&c->source, g_source_remove);
  g_free (c->label);
  g_free (c);
}

static void
show_copied (GtkWidget *button, gboolean copied)
{
  Copy *c = g_object_get_data (G_OBJECT (button), "copy");
  const char *label = copied ? _("Copied") : c->label;

  gtk_button_set_icon_name (GTK_BUTTON (button),
                            copied ? "object-select-symbolic" : "edit-copy-symbolic");
  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static gboolean
copied_over (gpointer data)
{
  Copy *c = g_object_get_data (G_OBJECT (data), "copy");

  c->source = 0;
  show_copied (data, FALSE);
  return G_SOURCE_REMOVE;
}

static void
copy_clicked (GtkWidget *button)
{
  Copy *c = g_object_get_data (G_OBJECT (button), "copy");
  g_autofree char *text = c->func (c->user_data);

  gdk_clipboard_set_text (gtk_widget_get_clipboard (button), text ? text : "");
  show_copied (button, TRUE);
  g_clear_handle_id (&c->source, g_source_remove);
  c->source = g_timeout_add (COPIED_MS, copied_over, button);
}

GtkWidget *
lw_copy_button_new (const char *label, LwCopyText func, gpointer user_data)
{
  GtkWidget *button = gtk_button_new ();
  Copy *c = g_new0 (Copy, 1);

  c->func = func;
  c->user_data = user_data;
  c->label = g_strdup (label);
  g_object_set_data_full (G_OBJECT (button), "copy", c, copy_free);
  gtk_widget_add_css_class (button, "flat");
  show_copied (button, FALSE);
  g_signal_connect (button, "clicked", G_CALLBACK (copy_clicked), NULL);
  return button;
}

/* ---- Code ---- */

static gsize
start_of (LwCodeBlock *self, guint i)
{
  return i < self->starts->len ? g_array_index (self->starts, gsize, i) : strlen (self->code) + 1;
}

/* The attributes of the whole code, cut for each label. */
static void
set_attributes (LwCodeBlock *self, PangoAttrList *all)
{
  for (guint i = 0; i < self->labels->len; i++)
    {
      gsize from = start_of (self, i), to = start_of (self, i + 1);
      g_autoptr (PangoAttrList) part = pango_attr_list_new ();
      g_autoptr (GSList) attributes = all ? pango_attr_list_get_attributes (all) : NULL;

      for (GSList *l = attributes; l; l = l->next)
        {
          PangoAttribute *a = l->data;

          if (a->end_index > from && a->start_index < to)
            {
              PangoAttribute *copy = pango_attribute_copy (a);

              copy->start_index = a->start_index > from ? a->start_index - (guint)from : 0;
              copy->end_index = a->end_index - (guint)from;
              pango_attr_list_insert (part, copy);
            }
          pango_attribute_destroy (a);
        }
      gtk_label_set_attributes (self->labels->pdata[i], part);
    }
}

static void
colour (LwCodeBlock *self)
{
  AdwStyleManager *style = adw_style_manager_get_default ();
  double contrast = adw_style_manager_get_high_contrast (style) ? LW_CONTRAST_HIGH : LW_CONTRAST_TEXT;
  gint64 begin = g_get_monotonic_time (), end;
  PangoAttrList *list;

  g_clear_handle_id (&self->colour_source, g_source_remove);
  list = lw_highlight (self->code, self->language, adw_style_manager_get_dark (style), contrast);
  set_attributes (self, list);
  g_clear_pointer (&list, pango_attr_list_unref);
  end = g_get_monotonic_time ();
  self->next_colour = end + COLOUR_SHARE * (end - begin);
}

/* The first name that is looked up, and the first code of a language that is coloured, make GtkSourceView read its
 * files: each is a turn of its own. */
static gboolean
colour_later (gpointer data)
{
  LwCodeBlock *self = data;

  if (self->name && !self->named)
    {
      g_autofree char *name = lw_highlight_dup_language_name (self->language);

      if (name)
        gtk_label_set_label (self->name, name);
      self->named = TRUE;
      self->colour_source = g_idle_add_full (G_PRIORITY_LOW, colour_later, self, NULL);
      return G_SOURCE_REMOVE;
    }
  self->colour_source = 0;
  colour (self);
  return G_SOURCE_REMOVE;
}

static void
colour_soon (LwCodeBlock *self)
{
  gint64 wait = self->next_colour - g_get_monotonic_time ();

  if (!self->language || self->colour_source)
    return;
  if (wait <= 0)
    self->colour_source = g_idle_add_full (G_PRIORITY_LOW, colour_later, self, NULL);
  else
    self->colour_source = g_timeout_add ((guint)(wait / 1000) + 1, colour_later, self);
}

static void
recolour (LwCodeBlock *self)
{
  self->next_colour = 0;
  colour_soon (self);
}

static GtkLabel *
add_label (LwCodeBlock *self)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_set_halign (label, GTK_ALIGN_START);
  gtk_widget_set_direction (label, GTK_TEXT_DIR_LTR);
  gtk_box_append (GTK_BOX (self->lines), label);
  g_ptr_array_add (self->labels, label);
  return GTK_LABEL (label);
}

void
lw_code_block_set_code (LwCodeBlock *self, const char *code, const char *language)
{
  gsize kept = 0;
  guint label = 0;

  g_return_if_fail (LW_IS_CODE_BLOCK (self));

  if (g_strcmp0 (language, self->language) != 0)
    {
      g_free (self->language);
      self->language = g_strdup (language);
      if (self->name)
        gtk_label_set_label (self->name, language ? language : _("Code"));
      self->named = FALSE;
      self->next_colour = 0;
    }
  /* What is there already stays; the last label takes what is new. */
  if (self->code && g_str_has_prefix (code, self->code) && self->labels->len)
    {
      label = self->labels->len - 1;
      kept = start_of (self, label);
    }
  else
    {
      g_array_set_size (self->starts, 0);
      g_array_append_val (self->starts, kept);
    }
  g_free (self->code);
  self->code = g_strdup (code);
  for (;;)
    {
      const char *start = self->code + kept, *end = start;
      g_autofree char *text = NULL;

      for (int i = 0; i < LINES_PER_LABEL && *end; i++)
        {
          end = strchrnul (end, '\n');
          if (*end && i + 1 < LINES_PER_LABEL)
            end++;
        }
      text = g_strndup (start, (gsize)(end - start));
      gtk_label_set_label (label < self->labels->len ? self->labels->pdata[label] : add_label (self),
                           text);
      label++;
      if (!*end)
        break;
      kept = (gsize)(end - self->code) + 1; /* the line break is between two labels */
      if (label < self->starts->len)
        g_array_index (self->starts, gsize, label) = kept;
      else
        g_array_append_val (self->starts, kept);
    }
  while (self->labels->len > label)
    {
      gtk_box_remove (GTK_BOX (self->lines), self->labels->pdata[self->labels->len - 1]);
      g_ptr_array_remove_index (self->labels, self->labels->len - 1);
    }
  g_array_set_size (self->starts, label);
  colour_soon (self);
}

static char *
code_text (gpointer data)
{
  LwCodeBlock *self = data;

  return self->copy_func ? self->copy_func (self, self->copy_data) : g_strdup (self->code);
}

void
lw_code_block_set_copy_func (LwCodeBlock *self, LwCodeBlockText func, gpointer user_data)
{
  self->copy_func = func;
  self->copy_data = user_data;
}

/* ---- Object ---- */

static void
lw_code_block_dispose (GObject *object)
{
  LwCodeBlock *self = LW_CODE_BLOCK (object);

  g_clear_handle_id (&self->colour_source, g_source_remove);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (lw_code_block_parent_class)->dispose (object);
}

static void
lw_code_block_finalize (GObject *object)
{
  LwCodeBlock *self = LW_CODE_BLOCK (object);

  g_free (self->code);
  g_free (self->language);
  g_ptr_array_unref (self->labels);
  g_array_unref (self->starts);
  G_OBJECT_CLASS (lw_code_block_parent_class)->finalize (object);
}

static void
lw_code_block_class_init (LwCodeBlockClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lw_code_block_dispose;
  G_OBJECT_CLASS (klass)->finalize = lw_code_block_finalize;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "codeblock");
}

static void
lw_code_block_init (LwCodeBlock *self)
{
  self->labels = g_ptr_array_new ();
  self->starts = g_array_new (FALSE, FALSE, sizeof (gsize));
  g_signal_connect_object (adw_style_manager_get_default (), "notify::dark", G_CALLBACK (recolour),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (adw_style_manager_get_default (), "notify::high-contrast", G_CALLBACK (recolour),
                           self, G_CONNECT_SWAPPED);
}

GtkWidget *
lw_code_block_new (gboolean continued)
{
  LwCodeBlock *self = g_object_new (LW_TYPE_CODE_BLOCK, NULL);

  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  if (!continued)
    {
      GtkWidget *header = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
      GtkWidget *copy = lw_copy_button_new (_("Copy code"), code_text, self);

      gtk_widget_add_css_class (header, "header");
      self->name = GTK_LABEL (gtk_label_new (_("Code")));
      gtk_label_set_xalign (self->name, 0);
      gtk_label_set_ellipsize (self->name, PANGO_ELLIPSIZE_END);
      gtk_widget_set_hexpand (GTK_WIDGET (self->name), TRUE);
      gtk_widget_add_css_class (GTK_WIDGET (self->name), "caption");
      gtk_widget_add_css_class (GTK_WIDGET (self->name), "dim-label");
      gtk_box_append (GTK_BOX (header), GTK_WIDGET (self->name));
      gtk_box_append (GTK_BOX (header), copy);
      gtk_box_append (GTK_BOX (self->box), header);
    }
  self->lines = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_widget_add_css_class (self->lines, "lines");
  gtk_box_append (GTK_BOX (self->box), lw_side_scroller_new (self->lines, TRUE));
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  return GTK_WIDGET (self);
}
