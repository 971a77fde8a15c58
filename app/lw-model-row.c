/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-model-row.h"

#include <glib/gi18n.h>

#include "app/count.h"
#include "app/lw-problem.h"
#include "app/lw-quick-layout.h"
#include "app/models/install.h"

struct _LwModelRow
{
  AdwExpanderRow parent_instance;
  LwModelItem *item;
  gboolean current;
  GPtrArray *details; /* rows, borrowed; made when they are looked at */
  GtkWidget *use_button, *current_mark;
};

enum
{
  SIGNAL_USE,
  SIGNAL_REMOVE,
  SIGNAL_MEASURE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwModelRow, lw_model_row, ADW_TYPE_EXPANDER_ROW)

static void
use_clicked (LwModelRow *self)
{
  g_signal_emit (self, signals[SIGNAL_USE], 0);
}

static void
remove_clicked (LwModelRow *self)
{
  g_signal_emit (self, signals[SIGNAL_REMOVE], 0);
}

static void
measure_clicked (LwModelRow *self, GtkWidget *button)
{
  gtk_widget_set_sensitive (button, FALSE);
  gtk_button_set_label (GTK_BUTTON (button), _("Measuring…"));
  g_signal_emit (self, signals[SIGNAL_MEASURE], 0);
}

/* ---- Below the line ---- */

static AdwActionRow *
add_detail (LwModelRow *self, const char *title, const char *text)
{
  GtkWidget *row = adw_action_row_new ();
  g_autofree char *escaped = g_markup_escape_text (text, -1);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), escaped);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_add_css_class (row, "property");
  adw_expander_row_add_row (ADW_EXPANDER_ROW (self), row);
  g_ptr_array_add (self->details, row);
  return ADW_ACTION_ROW (row);
}

static void
add_memory (LwModelRow *self, const LwModelFacts *f)
{
  g_autofree char *files = g_format_size ((guint64)f->file_bytes);
  g_autofree char *one = g_format_size ((guint64)f->kv_bytes_per_token), *text = NULL;

  if (f->does_not_fit)
    {
      g_autofree char *all = g_format_size (f->memory_total);

      /* Translators: sizes; what a model needs, and what the computer has */
      text = g_strdup_printf (_("%1$s, and this computer has %2$s. A smaller model, or one with smaller "
                                "numbers, may fit."),
                              files, all);
    }
  else if (f->only_embeds || !f->kv_bytes_per_token)
    text = g_strdup (files);
  else
    /* Translators: sizes; what the model itself takes, and each token of a chat */
    text = g_strdup_printf (_("%1$s, and %2$s for each token of the chat"), files, one);
  add_detail (self, _("Memory"), text);
}

static void
add_context (LwModelRow *self, const LwModelFacts *f)
{
  GString *s = g_string_new (NULL);
  g_autofree char *now = lw_count (f->n_ctx), *trained = lw_count (f->n_ctx_train);

  if (f->n_ctx && f->n_ctx < f->n_ctx_train)
    /* Translators: numbers of tokens */
    g_string_append_printf (s, _("%1$s tokens fit the memory now; made for %2$s"), now, trained);
  else
    g_string_append_printf (s, ngettext ("%s token", "%s tokens", (gulong)f->n_ctx_train), trained);
  for (guint i = 0; i < f->n_contexts; i++)
    {
      const lw_report_context *c = &f->contexts[i];
      gboolean fits = f->kv_type == LW_KV_Q8_0 ? c->fits_q8_0 : c->fits_f16;
      g_autofree char *bytes = g_format_size ((guint64)f->context_bytes[i]), *count = lw_count (c->tokens);

      g_string_append_c (s, '\n');
      if (!fits && !c->fits_q8_0)
        /* Translators: a length of chat, a size of memory */
        g_string_append_printf (s, _("%1$s tokens take %2$s: too much"), count, bytes);
      else if (!fits)
        g_string_append_printf (s, _("%1$s tokens take %2$s: only in 8 bits"), count, bytes);
      else if (f->context_speed[i] > 0)
        g_string_append_printf (s, _("%1$s tokens take %2$s; then about %3$.1f tokens/s (estimate)"),
                                count, bytes, f->context_speed[i]);
      else
        g_string_append_printf (s, _("%1$s tokens take %2$s"), count, bytes);
    }
  add_detail (self, _("Context"), s->str);
  g_string_free (s, TRUE);
}

static void
add_speed (LwModelRow *self, const LwModelFacts *f)
{
  g_autofree char *text = NULL;
  AdwActionRow *row;
  GtkWidget *button;

  if (f->speed <= 0)
    text = g_strdup (_("Not measured on this computer yet"));
  else if (f->prompt_speed > 0)
    text = g_strdup_printf (_("Estimate: writes about %1$.1f and reads about %2$.0f tokens a second"),
                            f->speed, f->prompt_speed);
  else
    text = g_strdup_printf (_("Estimate: writes about %.1f tokens a second"), f->speed);
  row = add_detail (self, _("Speed"), text);
  if (f->kind == LW_SPEED_STORED || f->kind == LW_SPEED_FULL)
    return;
  button = gtk_button_new_with_label (_("Measure"));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, _("Reads up to 1 GB of this model, for about a second"));
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (measure_clicked), self);
  adw_action_row_add_suffix (row, button);
}

static void
add_file (LwModelRow *self, const lw_library_entry *e)
{
  g_autofree char *path = g_filename_display_name (e->path);
  AdwActionRow *row = add_detail (self, _("File"), path);
  GtkWidget *button;

  adw_action_row_set_title_lines (row, 1);
  if (!lw_install_can_remove (e))
    return;
  button = gtk_button_new_with_label (_("Remove"));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "destructive-action");
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (remove_clicked), self);
  adw_action_row_add_suffix (row, button);
}

static void
add_details (LwModelRow *self)
{
  const lw_library_entry *e = lw_model_item_get_entry (self->item);
  const LwModelFacts *f = lw_model_item_get_facts (self->item);
  g_autofree char *problem = lw_model_item_dup_problem (self->item);

  if (problem && lw_problem_get_detail (problem))
    add_detail (self, _("What is wrong"), lw_problem_get_detail (problem));
  if (f && !f->error)
    {
      add_memory (self, f);
      if (!f->only_embeds)
        add_context (self, f);
      if (!f->only_embeds && !f->does_not_fit)
        add_speed (self, f);
      if (f->vision_missing)
        add_detail (self, _("Pictures and films"), f->vision_missing);
    }
  if (e->types)
    add_detail (self, _("Kind of numbers"), e->types);
  add_file (self, e);
}

/* An expander measures what it hides too, each line at several widths: a page of closed rows would take a
 * quarter of a second to lay out. */
static void
expanded_changed (LwModelRow *self)
{
  if (!self->details->len && adw_expander_row_get_expanded (ADW_EXPANDER_ROW (self)))
    add_details (self);
}

static void
update (LwModelRow *self)
{
  g_autofree char *summary = lw_model_item_dup_summary (self->item);
  g_autofree char *escaped = g_markup_escape_text (summary, -1);
  g_autofree char *name = g_markup_escape_text (lw_model_item_get_entry (self->item)->name, -1);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), name);
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self), escaped);
  lw_model_row_set_current (self, self->current);
  /* It is looked at again, and what there is to know stands until then: all rows at once would be much to lay out. */
  if (self->details->len && !lw_model_item_get_facts (self->item))
    return;
  for (guint i = 0; i < self->details->len; i++)
    adw_expander_row_remove (ADW_EXPANDER_ROW (self), self->details->pdata[i]);
  g_ptr_array_set_size (self->details, 0);
  expanded_changed (self);
}

void
lw_model_row_set_current (LwModelRow *self, gboolean current)
{
  g_return_if_fail (LW_IS_MODEL_ROW (self));

  self->current = current;
  gtk_widget_set_visible (self->use_button, !current && lw_model_item_is_usable (self->item));
  gtk_widget_set_visible (self->current_mark, current);
}

LwModelItem *
lw_model_row_get_item (LwModelRow *self)
{
  return self->item;
}

/* ---- Object ---- */

static void
lw_model_row_dispose (GObject *object)
{
  LwModelRow *self = LW_MODEL_ROW (object);

  g_clear_object (&self->item);
  g_clear_pointer (&self->details, g_ptr_array_unref);
  G_OBJECT_CLASS (lw_model_row_parent_class)->dispose (object);
}

static void
lw_model_row_class_init (LwModelRowClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_model_row_dispose;
  signals[SIGNAL_USE]
      = g_signal_new ("use", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_REMOVE]
      = g_signal_new ("remove", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_MEASURE]
      = g_signal_new ("measure", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
lw_model_row_init (LwModelRow *self)
{
  self->details = g_ptr_array_new ();
}

GtkWidget *
lw_model_row_new (LwModelItem *item)
{
  LwModelRow *self = g_object_new (LW_TYPE_MODEL_ROW, NULL);
  const char *name = lw_model_item_get_entry (item)->name;
  g_autofree char *label = NULL;
  GtkWidget *hidden;

  self->item = g_object_ref (item);
  self->use_button = gtk_button_new_with_label (_("Use"));
  gtk_widget_set_valign (self->use_button, GTK_ALIGN_CENTER);
  /* Translators: %s is a model's name; what a screen reader says of the button "Use" */
  label = g_strdup_printf (_("Use %s"), name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->use_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_signal_connect_swapped (self->use_button, "clicked", G_CALLBACK (use_clicked), self);
  self->current_mark = gtk_image_new_from_icon_name ("object-select-symbolic");
  gtk_widget_set_tooltip_text (self->current_mark, _("In use"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->current_mark),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _("In use"), -1);
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS /* since 1.4, where add_suffix() took its place */
  adw_expander_row_add_action (ADW_EXPANDER_ROW (self), self->use_button);
  adw_expander_row_add_action (ADW_EXPANDER_ROW (self), self->current_mark);
  G_GNUC_END_IGNORE_DEPRECATIONS
  /* There is more to see while it is closed, too: it must not look empty. */
  hidden = gtk_list_box_row_new ();
  gtk_widget_set_visible (hidden, FALSE);
  adw_expander_row_add_row (ADW_EXPANDER_ROW (self), hidden);
  g_signal_connect (self, "notify::expanded", G_CALLBACK (expanded_changed), NULL);
  g_signal_connect_object (item, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
  lw_quick_layout (GTK_WIDGET (self));
  return GTK_WIDGET (self);
}
