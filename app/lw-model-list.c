/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-model-list.h"

#include <glib/gi18n.h>

#include "app/lw-problem.h"
#include "app/lw-types.h"

struct _LwModelList
{
  GtkPopover parent_instance;
  char *current;
  LwModelLibrary *library;

  GtkListBox *list;
};

enum
{
  SIGNAL_CHOSEN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwModelList, lw_model_list, GTK_TYPE_POPOVER)

/* ---- The list ---- */

/* Shorter than on the page of models. */
static char *
describe (LwModelItem *item)
{
  const lw_library_entry *e = lw_model_item_get_entry (item);
  const LwModelFacts *f = lw_model_item_get_facts (item);
  g_autofree char *size = g_format_size ((guint64)e->bytes), *problem = lw_model_item_dup_problem (item);

  if (problem)
    return lw_problem_dup_sentence (problem);
  if (f && f->does_not_fit)
    /* Translators: %s is a file size */
    return g_strdup_printf (_("%s · does not fit this computer"), size);
  if (e->is_default)
    /* Translators: %s is a file size */
    return g_strdup_printf (_("%s · comes with Longwave"), size);
  if (e->source == LW_LIBRARY_OLLAMA || e->source == LW_LIBRARY_LM_STUDIO)
    return g_strdup_printf ("%s · %s", size, lw_library_source_name (e->source));
  return g_steal_pointer (&size);
}

static GtkWidget *
build_row (LwModelItem *item, const char *current_path)
{
  const lw_library_entry *e = lw_model_item_get_entry (item);
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *labels = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *name = gtk_label_new (e->name);
  g_autofree char *text = describe (item);
  GtkWidget *detail = gtk_label_new (text);
  GtkWidget *check = gtk_image_new_from_icon_name ("object-select-symbolic");
  gboolean current = g_strcmp0 (e->path, current_path) == 0;

  gtk_label_set_xalign (GTK_LABEL (name), 0);
  gtk_label_set_ellipsize (GTK_LABEL (name), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_xalign (GTK_LABEL (detail), 0);
  gtk_label_set_wrap (GTK_LABEL (detail), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (detail), 40);
  gtk_widget_add_css_class (detail, "caption");
  gtk_widget_add_css_class (detail, e->problem ? "error" : "dim-label");
  gtk_widget_set_hexpand (labels, TRUE);
  gtk_widget_set_opacity (check, current ? 1 : 0);
  gtk_box_append (GTK_BOX (labels), name);
  gtk_box_append (GTK_BOX (labels), detail);
  gtk_box_append (GTK_BOX (box), labels);
  gtk_box_append (GTK_BOX (box), check);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), lw_model_item_is_usable (item));
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, e->name,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text, -1);
  g_object_set_data_full (G_OBJECT (row), "path", g_strdup (e->path), g_free);
  return row;
}

static void
rebuild (LwModelList *self)
{
  GListModel *models = lw_model_library_get_models (self->library);
  guint n = g_list_model_get_n_items (models);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->list)))
         && GTK_IS_LIST_BOX_ROW (child))
    gtk_list_box_remove (self->list, child);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwModelItem) item = g_list_model_get_item (models, i);

      gtk_list_box_append (self->list, build_row (item, self->current));
    }
}

static void
row_activated (LwModelList *self, GtkListBoxRow *row)
{
  gtk_popover_popdown (GTK_POPOVER (self));
  g_signal_emit (self, signals[SIGNAL_CHOSEN], 0, g_object_get_data (G_OBJECT (row), "path"));
}

static void
opened (LwModelList *self)
{
  if (self->library)
    lw_model_library_refresh (self->library);
}

void
lw_model_list_set_current (LwModelList *self, const char *path)
{
  g_return_if_fail (LW_IS_MODEL_LIST (self));

  if (g_strcmp0 (self->current, path) == 0)
    return;
  g_free (self->current);
  self->current = g_strdup (path);
  if (self->library)
    rebuild (self);
}

void
lw_model_list_set_library (LwModelList *self, LwModelLibrary *library)
{
  g_return_if_fail (LW_IS_MODEL_LIST (self));
  g_return_if_fail (!self->library);

  self->library = g_object_ref (library);
  g_signal_connect_object (library, "refreshed", G_CALLBACK (rebuild), self, G_CONNECT_SWAPPED);
  rebuild (self);
}

/* ---- Object ---- */

static void
lw_model_list_finalize (GObject *object)
{
  LwModelList *self = LW_MODEL_LIST (object);

  g_clear_object (&self->library);
  g_free (self->current);
  G_OBJECT_CLASS (lw_model_list_parent_class)->finalize (object);
}

static void
lw_model_list_class_init (LwModelListClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lw_model_list_finalize;
  signals[SIGNAL_CHOSEN] = g_signal_new ("chosen", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                         NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_template_from_resource (widget_class, LW_RESOURCE_BASE "/lw-model-list.ui");
  gtk_widget_class_bind_template_child (widget_class, LwModelList, list);
  gtk_widget_class_bind_template_callback (widget_class, row_activated);
  gtk_widget_class_bind_template_callback (widget_class, gtk_popover_popdown);
}

static void
lw_model_list_init (LwModelList *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect (self, "map", G_CALLBACK (opened), NULL);
}
