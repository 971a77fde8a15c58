/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-model-list.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "app/lw-types.h"
#include "app/models/install.h"
#include "engine/library/lw-library.h"

struct _LwModelList
{
  GtkPopover parent_instance;
  char *current;
  gboolean reading;
  GtkFileChooserNative *chooser;

  GtkListBox *list;
  GtkWidget *add_button, *folder_button;
};

enum
{
  SIGNAL_CHOSEN,
  SIGNAL_NOTICE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwModelList, lw_model_list, GTK_TYPE_POPOVER)

static void
tell (LwModelList *self, gboolean problem, const char *message)
{
  g_signal_emit (self, signals[SIGNAL_NOTICE], 0, problem, message);
}

/* ---- The list ---- */

static GtkWidget *
build_row (LwModelList *self, const lw_library_entry *e)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *labels = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *name = gtk_label_new (e->name), *detail = gtk_label_new (NULL);
  GtkWidget *check = gtk_image_new_from_icon_name ("object-select-symbolic");
  g_autofree char *size = g_format_size ((guint64)e->bytes), *text = NULL;
  gboolean current = g_strcmp0 (e->path, self->current) == 0;

  if (e->problem)
    text = g_strdup (e->problem);
  else if (e->is_default)
    /* Translators: %s is a file size */
    text = g_strdup_printf (_("%s · comes with Longwave"), size);
  else if (e->source == LW_LIBRARY_OLLAMA || e->source == LW_LIBRARY_LM_STUDIO)
    text = g_strdup_printf ("%s · %s", size, lw_library_source_name (e->source));
  else
    text = g_strdup (size);
  gtk_label_set_label (GTK_LABEL (detail), text);
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
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), !e->problem);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, e->name,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text, -1);
  g_object_set_data_full (G_OBJECT (row), "path", g_strdup (e->path), g_free);
  return row;
}

static void
read_library (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_pointer (task, lw_library_list (), (GDestroyNotify)g_ptr_array_unref);
}

static void
library_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwModelList) self = user_data;
  g_autoptr (GPtrArray) entries = g_task_propagate_pointer (G_TASK (result), NULL);
  GtkWidget *child;

  self->reading = FALSE;
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->list)))
         && GTK_IS_LIST_BOX_ROW (child))
    gtk_list_box_remove (self->list, child);
  for (guint i = 0; entries && i < entries->len; i++)
    gtk_list_box_append (self->list, build_row (self, entries->pdata[i]));
}

static void
refresh (LwModelList *self)
{
  g_autoptr (GTask) task = NULL;

  if (self->reading)
    return;
  self->reading = TRUE;
  task = g_task_new (NULL, NULL, library_read, g_object_ref (self));
  g_task_set_source_tag (task, refresh);
  g_task_run_in_thread (task, read_library);
}

static void
row_activated (LwModelList *self, GtkListBoxRow *row)
{
  gtk_popover_popdown (GTK_POPOVER (self));
  g_signal_emit (self, signals[SIGNAL_CHOSEN], 0, g_object_get_data (G_OBJECT (row), "path"));
}

void
lw_model_list_set_current (LwModelList *self, const char *path)
{
  g_return_if_fail (LW_IS_MODEL_LIST (self));

  if (g_strcmp0 (self->current, path) == 0)
    return;
  g_free (self->current);
  self->current = g_strdup (path);
  refresh (self);
}

/* ---- The folder ---- */

static void
make_folder (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autofree char *folder = lw_library_folder ();

  if (g_mkdir_with_parents (folder, 0755) != 0)
    g_task_return_new_error (task, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", folder,
                             g_strerror (errno));
  else
    g_task_return_pointer (task, g_filename_to_uri (folder, NULL, NULL), g_free);
}

static void
folder_made (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwModelList) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = g_task_propagate_pointer (G_TASK (result), &error);
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  if (!uri)
    tell (self, TRUE, error->message);
  else
    gtk_show_uri (GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL, uri, GDK_CURRENT_TIME);
}

void
lw_model_list_open_folder (LwModelList *self)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (LW_IS_MODEL_LIST (self));

  gtk_popover_popdown (GTK_POPOVER (self));
  task = g_task_new (NULL, NULL, folder_made, g_object_ref (self));
  g_task_set_source_tag (task, lw_model_list_open_folder);
  g_task_run_in_thread (task, make_folder);
}

/* ---- Adding ---- */

static void
add_model (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  char *added = lw_install_link (data, &error);

  if (added)
    g_task_return_pointer (task, added, g_free);
  else
    g_task_return_error (task, error);
}

static void
model_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwModelList) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_task_propagate_pointer (G_TASK (result), &error);

  if (!path)
    {
      tell (self, TRUE, error->message);
      return;
    }
  tell (self, FALSE, _("Added. The file stays where it is."));
  refresh (self);
  g_signal_emit (self, signals[SIGNAL_CHOSEN], 0, path);
}

static void
chooser_response (LwModelList *self, int response, GtkFileChooserNative *chooser)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser));
      char *path = file ? g_file_get_path (file) : NULL;

      if (path)
        {
          g_autoptr (GTask) task = g_task_new (NULL, NULL, model_added, g_object_ref (self));

          g_task_set_source_tag (task, lw_model_list_add);
          g_task_set_task_data (task, path, g_free);
          g_task_run_in_thread (task, add_model);
        }
    }
  g_clear_object (&self->chooser);
}

void
lw_model_list_add (LwModelList *self)
{
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  g_return_if_fail (LW_IS_MODEL_LIST (self));

  gtk_popover_popdown (GTK_POPOVER (self));
  if (self->chooser)
    return;
  gtk_file_filter_set_name (filter, _("Models (GGUF)"));
  gtk_file_filter_add_pattern (filter, "*.gguf");
  self->chooser = gtk_file_chooser_native_new (_("Add a Model"), GTK_WINDOW (root),
                                               GTK_FILE_CHOOSER_ACTION_OPEN, _("_Add"),
                                               _("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), filter);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (chooser_response), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

/* ---- Object ---- */

static void
lw_model_list_finalize (GObject *object)
{
  LwModelList *self = LW_MODEL_LIST (object);

  g_clear_object (&self->chooser);
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
  signals[SIGNAL_NOTICE]
      = g_signal_new ("notice", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, G_TYPE_BOOLEAN, G_TYPE_STRING);
  gtk_widget_class_set_template_from_resource (widget_class, LW_RESOURCE_BASE "/lw-model-list.ui");
  gtk_widget_class_bind_template_child (widget_class, LwModelList, list);
  gtk_widget_class_bind_template_child (widget_class, LwModelList, add_button);
  gtk_widget_class_bind_template_child (widget_class, LwModelList, folder_button);
  gtk_widget_class_bind_template_callback (widget_class, row_activated);
  gtk_widget_class_bind_template_callback (widget_class, lw_model_list_add);
  gtk_widget_class_bind_template_callback (widget_class, lw_model_list_open_folder);
}

static void
lw_model_list_init (LwModelList *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect (self, "map", G_CALLBACK (refresh), NULL);
  refresh (self);
}
