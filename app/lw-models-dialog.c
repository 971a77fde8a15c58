/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-models-dialog.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "app/lw-file-chooser.h"
#include "app/lw-graphics-finder.h"
#include "app/lw-model-row.h"
#include "app/lw-names.h"
#include "app/lw-problem.h"
#include "app/lw-quick-layout.h"
#include "app/lw-slices.h"
#include "app/lw-transfer-row.h"
#include "app/models/install.h"

/* New rows that are made before the window is shown, so that it does not open empty: making one and laying it out takes
 * some 2 ms.  The others follow one by one. */
#define ROWS_AT_ONCE 4

struct _LwModelsDialog
{
  AdwWindow parent_instance;
  LwModelLibrary *library;
  char *current;
  char *why_processor;   /* when there is a graphics card; NULL: there is none, or it is being looked for */
  GPtrArray *rows;       /* LwModelRow, in the order of the library */
  guint rebuild_source;  /* more rows are to come */
  GPtrArray *moving;     /* LwTransferRow, likewise */
  GtkFileChooserNative *chooser;

  GtkWidget *add_button;
  AdwToastOverlay *toasts;
  AdwPreferencesPage *page;
  AdwPreferencesGroup *summary, *transfers, *with_program, *own, *ollama, *lm_studio, *larger;
};

enum
{
  SIGNAL_CHOSEN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwModelsDialog, lw_models_dialog, ADW_TYPE_WINDOW)

/* What is waited for may come when the window is gone, and a window must not outlive the one it belongs
 * to: GTK 4.8 would look at that again. */
static gpointer
hold_weakly (LwModelsDialog *self)
{
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  g_weak_ref_init (weak, self);
  return weak;
}

/* A new reference, or NULL. */
static LwModelsDialog *
take_weakly (gpointer user_data)
{
  GWeakRef *weak = user_data;
  LwModelsDialog *self = g_weak_ref_get (weak);

  g_weak_ref_clear (weak);
  g_free (weak);
  return self;
}

/* ---- Telling ---- */

static void
toast (LwModelsDialog *self, const char *message)
{
  g_autofree char *escaped = g_markup_escape_text (message, -1);

  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (escaped));
}

/* More than fits a toast. */
static void
explain (LwModelsDialog *self, const char *heading, const char *message)
{
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), heading, message);

  adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "close", _("_Close"));
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
explain_error (LwModelsDialog *self, const char *heading, const GError *error)
{
  g_autofree char *problem = lw_problem_describe (error);

  explain (self, heading, problem);
}

static void
library_notice (LwModelsDialog *self, gboolean problem, const char *message)
{
  if (problem)
    explain (self, _("That Did Not Work"), message);
  else
    toast (self, message);
}

/* ---- The lists ---- */

static AdwPreferencesGroup *
group_for (LwModelsDialog *self, lw_library_source source)
{
  switch (source)
    {
    case LW_LIBRARY_DEFAULT:
      return self->with_program;
    case LW_LIBRARY_OLLAMA:
      return self->ollama;
    case LW_LIBRARY_LM_STUDIO:
      return self->lm_studio;
    case LW_LIBRARY_OWN:
    default:
      return self->own;
    }
}

static void
update_summary (LwModelsDialog *self)
{
  GListModel *models = self->library ? lw_model_library_get_models (self->library) : NULL;
  guint n = models ? g_list_model_get_n_items (models) : 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwModelItem) item = g_list_model_get_item (models, i);
      const LwModelFacts *f = lw_model_item_get_facts (item);
      g_autofree char *available = NULL, *total = NULL, *text = NULL;

      if (!f || !f->memory_total)
        continue;
      available = g_format_size (f->memory_available);
      total = g_format_size (f->memory_total);
      if (self->why_processor)
        /* Translators: sizes of memory, and a sentence about graphics cards that are not used */
        text = g_strdup_printf (_("%1$s of %2$s memory are free. %3$s."), available, total, self->why_processor);
      else
        /* Translators: sizes of memory */
        text = g_strdup_printf (_("%1$s of %2$s memory are free. Models run on the processor."),
                                available, total);
      adw_preferences_group_set_description (self->summary, text);
      return;
    }
}

/* A card that is there and is not used takes some explaining. */
static void
graphics_found (gpointer owner, const lw_graphics *graphics)
{
  LwModelsDialog *self = owner;

  if (!self->library || graphics->backend || !*graphics->cards)
    return;
  self->why_processor = g_strdup (graphics->text);
  update_summary (self);
}

static void
item_changed (LwModelsDialog *self)
{
  update_summary (self);
}

static void row_used (LwModelsDialog *self, LwModelRow *row);
static void row_removed (LwModelsDialog *self, LwModelRow *row);
static void row_measured (LwModelsDialog *self, LwModelRow *row);

static LwModelRow *
build_row (LwModelsDialog *self, LwModelItem *item)
{
  GtkWidget *row = lw_model_row_new (item);

  g_signal_connect_object (row, "use", G_CALLBACK (row_used), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (row, "remove", G_CALLBACK (row_removed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (row, "measure", G_CALLBACK (row_measured), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (item, "changed", G_CALLBACK (item_changed), self, G_CONNECT_SWAPPED);
  return LW_MODEL_ROW (row);
}

static GPtrArray *
rows_in (LwModelsDialog *self, GPtrArray *rows, AdwPreferencesGroup *group)
{
  GPtrArray *result = g_ptr_array_new ();

  for (guint i = 0; i < rows->len; i++)
    if (group_for (self, lw_model_item_get_entry (lw_model_row_get_item (rows->pdata[i]))->source) == group)
      g_ptr_array_add (result, rows->pdata[i]);
  return result;
}

/* The group shows what is in rows; what stays where it was is not touched. */
static void
fill_group (LwModelsDialog *self, AdwPreferencesGroup *group, GPtrArray *rows)
{
  g_autoptr (GPtrArray) shown = rows_in (self, self->rows, group), wanted = rows_in (self, rows, group);
  guint same = 0;

  while (same < shown->len && same < wanted->len && shown->pdata[same] == wanted->pdata[same])
    same++;
  for (guint i = same; i < shown->len; i++)
    adw_preferences_group_remove (group, shown->pdata[i]);
  for (guint i = same; i < wanted->len; i++)
    adw_preferences_group_add (group, wanted->pdata[i]);
  gtk_widget_set_visible (GTK_WIDGET (group), wanted->len > 0);
}

/* Makes at most so many new rows.  FALSE: all are there. */
static gboolean
make_rows (LwModelsDialog *self, guint most)
{
  AdwPreferencesGroup *groups[]
      = { self->with_program, self->own, self->ollama, self->lm_studio };
  GListModel *models = lw_model_library_get_models (self->library);
  g_autoptr (GHashTable) older = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = g_list_model_get_n_items (models), n_new = 0;
  gboolean more = FALSE;

  for (guint i = 0; i < self->rows->len; i++)
    g_hash_table_insert (older,
                         lw_model_item_get_entry (lw_model_row_get_item (self->rows->pdata[i]))->path,
                         self->rows->pdata[i]);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwModelItem) item = g_list_model_get_item (models, i);
      const char *path = lw_model_item_get_entry (item)->path;
      LwModelRow *row = g_hash_table_lookup (older, path);

      if (!row && n_new >= most)
        {
          more = TRUE;
          continue;
        }
      if (!row || lw_model_row_get_item (row) != item)
        {
          gboolean open = row && adw_expander_row_get_expanded (ADW_EXPANDER_ROW (row));

          n_new++;
          row = build_row (self, item);
          lw_model_row_set_current (row, g_strcmp0 (path, self->current) == 0);
          adw_expander_row_set_expanded (ADW_EXPANDER_ROW (row), open);
          g_object_ref_sink (row);
        }
      else
        {
          g_object_ref (row);
        }
      g_ptr_array_add (rows, row);
    }
  for (guint k = 0; k < G_N_ELEMENTS (groups); k++)
    fill_group (self, groups[k], rows);
  g_ptr_array_unref (self->rows);
  self->rows = g_steal_pointer (&rows);
  update_summary (self);
  return more;
}

static gboolean
make_one_more (gpointer user_data)
{
  LwModelsDialog *self = user_data;

  if (make_rows (self, 1))
    return TRUE;
  self->rebuild_source = 0;
  return FALSE;
}

static void
rebuild (LwModelsDialog *self)
{
  g_clear_handle_id (&self->rebuild_source, g_source_remove);
  if (make_rows (self, ROWS_AT_ONCE))
    self->rebuild_source = lw_slices_add (make_one_more, self);
}

static void row_discarded (LwModelsDialog *self, LwTransferRow *row);

static void
rebuild_transfers (LwModelsDialog *self)
{
  GListModel *list = lw_model_library_get_transfers (self->library);
  guint n = g_list_model_get_n_items (list);

  for (guint i = 0; i < self->moving->len; i++)
    adw_preferences_group_remove (self->transfers, self->moving->pdata[i]);
  g_ptr_array_set_size (self->moving, 0);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwTransfer) t = g_list_model_get_item (list, i);
      GtkWidget *row = lw_transfer_row_new (t);

      g_signal_connect_object (row, "discard", G_CALLBACK (row_discarded), self, G_CONNECT_SWAPPED);
      adw_preferences_group_add (self->transfers, row);
      g_ptr_array_add (self->moving, row);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->transfers), n > 0);
}

void
lw_models_dialog_set_current (LwModelsDialog *self, const char *path)
{
  g_return_if_fail (LW_IS_MODELS_DIALOG (self));

  g_free (self->current);
  self->current = g_strdup (path);
  for (guint i = 0; i < self->rows->len; i++)
    {
      LwModelRow *row = self->rows->pdata[i];
      const char *own = lw_model_item_get_entry (lw_model_row_get_item (row))->path;

      lw_model_row_set_current (row, g_strcmp0 (own, path) == 0);
    }
}

/* ---- What rows ask for ---- */

static void
row_used (LwModelsDialog *self, LwModelRow *row)
{
  const lw_library_entry *e = lw_model_item_get_entry (lw_model_row_get_item (row));
  g_autofree char *text = g_strdup_printf (_("%s answers from now on"), e->name);

  lw_models_dialog_set_current (self, e->path);
  g_signal_emit (self, signals[SIGNAL_CHOSEN], 0, e->path);
  toast (self, text);
}

static void
row_measured (LwModelsDialog *self, LwModelRow *row)
{
  lw_model_library_measure (self->library, lw_model_row_get_item (row));
}

/* A removal that can still be undone. */
typedef struct
{
  LwModelLibrary *library;
  char *aside;
  gboolean undone;
} Removal;

static void
removal_free (gpointer data, GClosure *closure)
{
  Removal *r = data;

  g_object_unref (r->library);
  g_free (r->aside);
  g_free (r);
}

static void
undo_clicked (AdwToast *toast, gpointer data)
{
  Removal *r = data;

  r->undone = TRUE;
  lw_model_library_restore (r->library, r->aside);
}

static void
toast_dismissed (AdwToast *toast, gpointer data)
{
  Removal *r = data;

  if (!r->undone)
    lw_model_library_purge (r->library, r->aside);
}

static void
model_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwModelsDialog) self = take_weakly (user_data);
  g_autoptr (GError) error = NULL;
  LwModelLibrary *library = LW_MODEL_LIBRARY (source);
  LwModelItem *item = g_task_get_task_data (G_TASK (result));
  char *aside = lw_model_library_remove_finish (library, result, &error);
  g_autofree char *escaped = NULL, *title = NULL;
  AdwToast *t;
  Removal *r;

  if (!self || !self->library) /* closed meanwhile; nobody can undo it any more */
    {
      if (aside)
        lw_model_library_purge (library, aside);
      g_free (aside);
      return;
    }
  if (!aside)
    {
      explain_error (self, _("The Model Was Not Removed"), error);
      return;
    }
  r = g_new0 (Removal, 1);
  r->library = g_object_ref (library);
  r->aside = aside;
  escaped = g_markup_escape_text (lw_model_item_get_entry (item)->name, -1);
  /* Translators: %s is a model's name */
  title = g_strdup_printf (_("“%s” removed"), escaped);
  t = adw_toast_new (title);
  adw_toast_set_timeout (t, 10);
  adw_toast_set_button_label (t, _("Undo"));
  g_signal_connect (t, "button-clicked", G_CALLBACK (undo_clicked), r);
  g_signal_connect_data (t, "dismissed", G_CALLBACK (toast_dismissed), r, removal_free, 0);
  adw_toast_overlay_add_toast (self->toasts, t);
}

static void
row_removed (LwModelsDialog *self, LwModelRow *row)
{
  lw_model_library_remove_async (self->library, lw_model_row_get_item (row), model_removed,
                                 hold_weakly (self));
}

typedef struct
{
  LwModelLibrary *library;
  LwTransfer *transfer;
} Discarding;

static void
discarding_free (gpointer data, GClosure *closure)
{
  Discarding *d = data;

  g_object_unref (d->library);
  g_object_unref (d->transfer);
  g_free (d);
}

static void
discard_response (AdwMessageDialog *dialog, const char *response, gpointer data)
{
  Discarding *d = data;

  if (g_str_equal (response, "discard"))
    lw_model_library_discard (d->library, d->transfer);
}

static void
row_discarded (LwModelsDialog *self, LwTransferRow *row)
{
  LwTransfer *t = lw_transfer_row_get_transfer (row);
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), _("Discard This Download?"), NULL);
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);
  Discarding *d = g_new0 (Discarding, 1);

  d->library = g_object_ref (self->library);
  d->transfer = g_object_ref (t);
  /* Translators: %1$s is a model's name, %2$s how far its download has come */
  adw_message_dialog_format_body (message, _("What has arrived of “%1$s” is deleted. %2$s"),
                                  lw_transfer_get_title (t), lw_transfer_get_status (t));
  adw_message_dialog_add_responses (message, "cancel", _("_Keep"), "discard", _("_Discard"), NULL);
  adw_message_dialog_set_response_appearance (message, "discard", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_close_response (message, "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (discard_response), d, discarding_free, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* ---- Adding a file ---- */

static void
files_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwModelsDialog) self = take_weakly (user_data);
  g_autoptr (GError) error = NULL;
  g_autofree char *path
      = lw_model_library_add_finish (LW_MODEL_LIBRARY (source), result, &error);

  if (!self || !self->library) /* closed meanwhile */
    return;
  if (path)
    toast (self, _("Added. The file stays where it is."));
  else
    explain_error (self, _("The Model Was Not Added"), error);
}

void
lw_models_dialog_add_files (LwModelsDialog *self, GSList *files)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) paths = NULL;

  g_return_if_fail (LW_IS_MODELS_DIALOG (self));

  for (GSList *l = files; l; l = l->next)
    {
      g_autofree char *path = g_file_get_path (l->data);

      if (path)
        g_strv_builder_add (builder, path);
    }
  paths = g_strv_builder_end (builder);
  if (*paths)
    lw_model_library_add_async (self->library, (const char *const *)paths, files_added,
                                hold_weakly (self));
  else
    explain (self, _("The Model Was Not Added"), _("Only files on this computer can be added."));
}

static void
chooser_response (LwModelsDialog *self, int response, GtkFileChooserNative *chooser)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GListModel) chosen = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (chooser));
      GSList *files = NULL;

      for (guint i = g_list_model_get_n_items (chosen); i-- > 0;)
        files = g_slist_prepend (files, g_list_model_get_item (chosen, i));
      if (files)
        lw_models_dialog_add_files (self, files);
      g_slist_free_full (files, g_object_unref);
    }
  g_clear_object (&self->chooser);
}

static void
action_add_file (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LwModelsDialog *self = LW_MODELS_DIALOG (widget);
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  if (self->chooser)
    return;
  gtk_file_filter_set_name (filter, _("Models (GGUF)"));
  gtk_file_filter_add_suffix (filter, "gguf");
  self->chooser = gtk_file_chooser_native_new (_("Add a Model"), GTK_WINDOW (self),
                                               GTK_FILE_CHOOSER_ACTION_OPEN, _("_Add"),
                                               _("_Cancel"));
  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (self->chooser), TRUE);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), filter);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (chooser_response), self,
                           G_CONNECT_SWAPPED);
  lw_file_chooser_show (self->chooser);
}

static gboolean
dropped (LwModelsDialog *self, const GValue *value)
{
  GSList *files = g_value_get_boxed (value);

  if (files)
    lw_models_dialog_add_files (self, files);
  return files != NULL;
}

/* ---- Adding an address ---- */

typedef struct
{
  LwModelsDialog *self;
  AdwMessageDialog *dialog; /* owns this */
  GtkEditable *url, *mmproj, *sha256;
  GtkLabel *problem;
} Address;

static lw_fetch *
plan_of (Address *a, GError **error)
{
  return lw_fetch_plan (gtk_editable_get_text (a->url), gtk_editable_get_text (a->mmproj),
                        gtk_editable_get_text (a->sha256), error);
}

static void
address_changed (Address *a)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (lw_fetch) plan = plan_of (a, &error);
  g_autofree char *problem = error ? lw_problem_describe (error) : NULL;
  gboolean empty = !*gtk_editable_get_text (a->url);

  adw_message_dialog_set_response_enabled (a->dialog, "download", plan != NULL);
  gtk_label_set_label (a->problem, plan || empty ? "" : problem);
  gtk_widget_set_visible (GTK_WIDGET (a->problem), !plan && !empty);
}

static void
address_response (AdwMessageDialog *dialog, const char *response, Address *a)
{
  g_autoptr (GError) error = NULL;

  if (!g_str_equal (response, "download"))
    return;
  if (!lw_model_library_download (a->self->library, gtk_editable_get_text (a->url),
                                  gtk_editable_get_text (a->mmproj),
                                  gtk_editable_get_text (a->sha256), &error))
    explain_error (a->self, _("The Download Did Not Begin"), error);
}

static GtkEditable *
add_entry (AdwPreferencesGroup *group, const char *title, Address *a)
{
  GtkWidget *row = adw_entry_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_entry_row_set_activates_default (ADW_ENTRY_ROW (row), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  adw_preferences_group_add (group, row);
  g_signal_connect_swapped (row, "changed", G_CALLBACK (address_changed), a);
  return GTK_EDITABLE (row);
}

void
lw_models_dialog_ask_address (LwModelsDialog *self)
{
  GtkWidget *dialog = adw_message_dialog_new (
      GTK_WINDOW (self), _("Download a Model"),
      _("The address of a GGUF file. Nothing else is fetched, and nothing is sent."));
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);
  AdwPreferencesGroup *group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  Address *a = g_new0 (Address, 1);

  g_return_if_fail (LW_IS_MODELS_DIALOG (self));

  a->self = self; /* the dialog is transient for it */
  a->dialog = message;
  a->url = add_entry (group, _("Address of the model"), a);
  a->mmproj = add_entry (group, _("Address of its vision file (optional)"), a);
  a->sha256 = add_entry (group, _("SHA-256 (optional)"), a);
  a->problem = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_wrap (a->problem, TRUE);
  gtk_label_set_wrap_mode (a->problem, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (a->problem, 40);
  gtk_widget_set_visible (GTK_WIDGET (a->problem), FALSE);
  gtk_widget_add_css_class (GTK_WIDGET (a->problem), "error");
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (group));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (a->problem));
  adw_message_dialog_set_extra_child (message, box);
  adw_message_dialog_add_responses (message, "cancel", _("_Cancel"), "download", _("_Download"),
                                    NULL);
  adw_message_dialog_set_response_appearance (message, "download", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (message, "download");
  adw_message_dialog_set_close_response (message, "cancel");
  g_signal_connect (dialog, "response", G_CALLBACK (address_response), a);
  g_object_set_data_full (G_OBJECT (dialog), "address", a, g_free);
  address_changed (a);
  gtk_window_present (GTK_WINDOW (dialog));
  gtk_widget_grab_focus (GTK_WIDGET (a->url));
}

static void
action_add_address (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lw_models_dialog_ask_address (LW_MODELS_DIALOG (widget));
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
  g_autoptr (LwModelsDialog) self = take_weakly (user_data);
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = g_task_propagate_pointer (G_TASK (result), &error);

  if (!self || !self->library)
    return;
  if (!uri)
    explain_error (self, _("The Folder Cannot Be Opened"), error);
  else
    gtk_show_uri (GTK_WINDOW (self), uri, GDK_CURRENT_TIME);
}

static void
action_open_folder (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, folder_made,
                                       hold_weakly (LW_MODELS_DIALOG (widget)));

  g_task_set_source_tag (task, action_open_folder);
  g_task_run_in_thread (task, make_folder);
}

/* ---- Object ---- */

static void
lw_models_dialog_dispose (GObject *object)
{
  LwModelsDialog *self = LW_MODELS_DIALOG (object);

  g_clear_handle_id (&self->rebuild_source, g_source_remove);
  g_clear_object (&self->chooser);
  /* Somebody may still hold this one while a file is added. */
  if (self->library)
    {
      g_signal_handlers_disconnect_by_data (self->library, self);
      g_signal_handlers_disconnect_by_data (lw_model_library_get_transfers (self->library), self);
    }
  g_clear_object (&self->library);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->moving, g_ptr_array_unref);
  g_clear_pointer (&self->why_processor, g_free);
  g_clear_pointer (&self->current, g_free);
  G_OBJECT_CLASS (lw_models_dialog_parent_class)->dispose (object);
}

static void
lw_models_dialog_class_init (LwModelsDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_models_dialog_dispose;
  signals[SIGNAL_CHOSEN] = g_signal_new ("chosen", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                         NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               LW_RESOURCE_BASE "/lw-models-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, LwModelsDialog, add_button);
  gtk_widget_class_bind_template_child (widget_class, LwModelsDialog, toasts);
  gtk_widget_class_bind_template_child (widget_class, LwModelsDialog, page);
  gtk_widget_class_bind_template_child (widget_class, LwModelsDialog, summary);
  gtk_widget_class_bind_template_child (widget_class, LwModelsDialog, transfers);
  gtk_widget_class_bind_template_child (widget_class, LwModelsDialog, with_program);
  gtk_widget_class_bind_template_child (widget_class, LwModelsDialog, own);
  gtk_widget_class_bind_template_child (widget_class, LwModelsDialog, ollama);
  gtk_widget_class_bind_template_child (widget_class, LwModelsDialog, lm_studio);
  gtk_widget_class_bind_template_child (widget_class, LwModelsDialog, larger);
  gtk_widget_class_install_action (widget_class, "models.add-file", NULL, action_add_file);
  gtk_widget_class_install_action (widget_class, "models.add-address", NULL, action_add_address);
  gtk_widget_class_install_action (widget_class, "models.open-folder", NULL, action_open_folder);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
lw_models_dialog_init (LwModelsDialog *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  self->rows = g_ptr_array_new_with_free_func (g_object_unref);
  self->moving = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  lw_name_icon_buttons_to_come (GTK_WIDGET (self->toasts));
  lw_quick_layout (GTK_WIDGET (self->page));
  g_signal_connect_swapped (target, "drop", G_CALLBACK (dropped), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

LwModelsDialog *
lw_models_dialog_new (LwModelLibrary *library)
{
  LwModelsDialog *self = g_object_new (LW_TYPE_MODELS_DIALOG, NULL);

  self->library = g_object_ref (library);
  g_signal_connect_object (library, "refreshed", G_CALLBACK (rebuild), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (library, "notice", G_CALLBACK (library_notice), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (lw_model_library_get_transfers (library), "items-changed",
                           G_CALLBACK (rebuild_transfers), self, G_CONNECT_SWAPPED);
  rebuild (self);
  rebuild_transfers (self);
  lw_model_library_refresh (library);
  lw_model_library_look (library);
  lw_graphics_find (G_OBJECT (self), graphics_found);
  return self;
}
