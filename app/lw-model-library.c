/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-model-library.h"

#include <glib/gi18n.h>

#include "app/lw-problem.h"
#include "app/models/install.h"

struct _LwModelLibrary
{
  GObject parent_instance;
  GListStore *models, *transfers;
  gboolean reading, again; /* a refresh runs; another was asked for meanwhile */
  gboolean want_facts, looking;
  lw_kv_type kv_type;
  char *measure_path; /* the next look is a thorough one, at this model */
  gboolean closed;
};

enum
{
  SIGNAL_REFRESHED,
  SIGNAL_NOTICE,
  SIGNAL_ARRIVED,
  SIGNAL_REMOVED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwModelLibrary, lw_model_library, G_TYPE_OBJECT)

static void
tell (LwModelLibrary *self, gboolean problem, const char *message)
{
  g_signal_emit (self, signals[SIGNAL_NOTICE], 0, problem, message);
}

static void
tell_error (LwModelLibrary *self, const GError *error)
{
  g_autofree char *problem = lw_problem_describe (error);

  tell (self, TRUE, problem);
}

LwModelItem *
lw_model_library_find (LwModelLibrary *self, const char *path)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->models));

  for (guint i = 0; path && i < n; i++)
    {
      g_autoptr (LwModelItem) item = g_list_model_get_item (G_LIST_MODEL (self->models), i);

      if (g_str_equal (lw_model_item_get_entry (item)->path, path))
        return item; /* the list holds it */
    }
  return NULL;
}

/* ---- Downloads ---- */

static LwTransfer *
find_transfer (LwModelLibrary *self, const char *folder)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->transfers));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwTransfer) t = g_list_model_get_item (G_LIST_MODEL (self->transfers), i);

      if (g_str_equal (lw_transfer_get_folder (t), folder))
        return t;
    }
  return NULL;
}

static void
transfer_changed (LwModelLibrary *self, LwTransfer *transfer)
{
  guint position;

  if (lw_transfer_get_state (transfer) != LW_TRANSFER_DONE
      || !g_list_store_find (self->transfers, transfer, &position))
    return;
  g_object_ref (transfer);
  g_list_store_remove (self->transfers, position);
  lw_model_library_refresh (self);
  g_signal_emit (self, signals[SIGNAL_ARRIVED], 0, lw_transfer_get_path (transfer),
                 lw_transfer_get_title (transfer));
  g_object_unref (transfer);
}

static LwTransfer *
add_transfer (LwModelLibrary *self, lw_fetch *plan)
{
  g_autoptr (LwTransfer) t = lw_transfer_new (plan);

  g_signal_connect_object (t, "changed", G_CALLBACK (transfer_changed), self, G_CONNECT_SWAPPED);
  g_list_store_append (self->transfers, t);
  return t; /* the list holds it */
}

gboolean
lw_model_library_download (LwModelLibrary *self, const char *url, const char *mmproj_url,
                           const char *sha256, GError **error)
{
  g_autoptr (lw_fetch) plan = lw_fetch_plan (url, mmproj_url, sha256, error);
  LwTransfer *t;

  g_return_val_if_fail (LW_IS_MODEL_LIBRARY (self), FALSE);

  if (!plan)
    return FALSE;
  t = find_transfer (self, plan->folder);
  if (t && (lw_transfer_get_state (t) == LW_TRANSFER_RUNNING
            || lw_transfer_get_state (t) == LW_TRANSFER_PAUSING))
    {
      g_set_error (error, LW_APP_ERROR, LW_APP_ERROR_BUSY,
                   _("%s is being downloaded already"), plan->title);
      return FALSE;
    }
  if (t) /* the same files, perhaps from a better address */
    {
      guint position;

      if (g_list_store_find (self->transfers, t, &position))
        g_list_store_remove (self->transfers, position);
    }
  lw_transfer_start (add_transfer (self, g_steal_pointer (&plan)));
  return TRUE;
}

void
lw_model_library_discard (LwModelLibrary *self, LwTransfer *transfer)
{
  g_autoptr (GError) error = NULL;
  guint position;

  g_return_if_fail (LW_IS_MODEL_LIBRARY (self));

  if (lw_transfer_get_state (transfer) == LW_TRANSFER_RUNNING
      || lw_transfer_get_state (transfer) == LW_TRANSFER_PAUSING)
    return;
  if (!lw_transfer_discard (transfer, &error))
    tell_error (self, error);
  else if (g_list_store_find (self->transfers, transfer, &position))
    g_list_store_remove (self->transfers, position);
}

/* ---- Reading the folders ---- */

typedef struct
{
  GPtrArray *entries, *unfinished;
} Listing;

static void
listing_free (gpointer data)
{
  Listing *l = data;

  g_clear_pointer (&l->entries, g_ptr_array_unref);
  g_clear_pointer (&l->unfinished, g_ptr_array_unref);
  g_free (l);
}

static void
read_library (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Listing *l = g_new0 (Listing, 1);

  l->entries = lw_library_list ();
  l->unfinished = lw_fetch_unfinished ();
  g_task_return_pointer (task, l, listing_free);
}

static void look_at_next (LwModelLibrary *self);

static void
library_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LwModelLibrary *self = LW_MODEL_LIBRARY (source);
  Listing *l = g_task_propagate_pointer (G_TASK (result), NULL);
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);

  self->reading = FALSE;
  g_ptr_array_set_free_func (l->entries, NULL);
  for (guint i = 0; i < l->entries->len; i++)
    {
      lw_library_entry *e = l->entries->pdata[i];
      LwModelItem *older = lw_model_library_find (self, e->path);

      /* What is known of it stays, and so does its row on the page. */
      if (older && lw_model_item_is_of (older, e))
        {
          g_ptr_array_add (items, g_object_ref (older));
          lw_library_entry_free (e);
        }
      else
        {
          g_ptr_array_add (items, lw_model_item_new (e));
        }
    }
  g_list_store_splice (self->models, 0, g_list_model_get_n_items (G_LIST_MODEL (self->models)),
                       items->pdata, items->len);
  g_ptr_array_set_free_func (l->unfinished, NULL);
  for (guint i = 0; i < l->unfinished->len; i++)
    {
      lw_fetch *f = l->unfinished->pdata[i];

      if (self->closed || find_transfer (self, f->folder))
        lw_fetch_free (f);
      else
        add_transfer (self, f);
    }
  listing_free (l);
  g_signal_emit (self, signals[SIGNAL_REFRESHED], 0);
  if (self->again)
    {
      self->again = FALSE;
      lw_model_library_refresh (self);
    }
  else if (self->want_facts)
    {
      look_at_next (self);
    }
}

void
lw_model_library_refresh (LwModelLibrary *self)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (LW_IS_MODEL_LIBRARY (self));

  if (self->closed)
    return;
  if (self->reading)
    {
      self->again = TRUE;
      return;
    }
  self->reading = TRUE;
  task = g_task_new (self, NULL, library_read, NULL);
  g_task_set_source_tag (task, lw_model_library_refresh);
  g_task_run_in_thread (task, read_library);
}

/* ---- Looking at them ---- */

typedef struct
{
  char *path;
  gboolean measure;
  lw_kv_type kv_type;
} Look;

static void
look_free (gpointer data)
{
  Look *l = data;

  g_free (l->path);
  g_free (l);
}

static void
look (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Look *l = data;

  g_task_return_pointer (task, lw_model_facts_new (l->path, l->measure, l->kv_type),
                         (GDestroyNotify)lw_model_facts_free);
}

/* Of all models but one (or NULL); they are looked at again. */
static void
forget_facts (LwModelLibrary *self, LwModelItem *but)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->models));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwModelItem) item = g_list_model_get_item (G_LIST_MODEL (self->models), i);

      if (item != but && lw_model_item_get_facts (item))
        lw_model_item_set_facts (item, NULL);
    }
}

static void
looked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LwModelLibrary *self = LW_MODEL_LIBRARY (source);
  Look *l = g_task_get_task_data (G_TASK (result));
  LwModelFacts *facts = g_task_propagate_pointer (G_TASK (result), NULL);
  LwModelItem *item = lw_model_library_find (self, l->path);

  self->looking = FALSE;
  if (l->measure) /* the others' speeds follow from the same figures */
    forget_facts (self, item);
  if (item && l->kv_type == self->kv_type)
    lw_model_item_set_facts (item, facts);
  else
    lw_model_facts_free (facts);
  look_at_next (self);
}

/* One at a time: a measurement is worth nothing beside another. */
static void
look_at_next (LwModelLibrary *self)
{
  g_autoptr (GTask) task = NULL;
  Look *l;
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->models));

  if (self->looking || self->closed)
    return;
  l = g_new0 (Look, 1);
  l->kv_type = self->kv_type;
  if (self->measure_path)
    {
      l->path = g_steal_pointer (&self->measure_path);
      l->measure = TRUE;
    }
  for (guint i = 0; !l->path && i < n; i++)
    {
      g_autoptr (LwModelItem) item = g_list_model_get_item (G_LIST_MODEL (self->models), i);
      const lw_library_entry *e = lw_model_item_get_entry (item);

      if (!lw_model_item_get_facts (item) && e->is_file && !e->problem)
        l->path = g_strdup (e->path);
    }
  if (!l->path)
    {
      look_free (l);
      return;
    }
  self->looking = TRUE;
  task = g_task_new (self, NULL, looked, NULL);
  g_task_set_source_tag (task, look_at_next);
  g_task_set_task_data (task, l, look_free);
  g_task_run_in_thread (task, look);
}

void
lw_model_library_look (LwModelLibrary *self)
{
  g_return_if_fail (LW_IS_MODEL_LIBRARY (self));

  self->want_facts = TRUE;
  look_at_next (self);
}

void
lw_model_library_set_kv_type (LwModelLibrary *self, lw_kv_type type)
{
  g_return_if_fail (LW_IS_MODEL_LIBRARY (self));

  if (self->kv_type == type)
    return;
  self->kv_type = type;
  forget_facts (self, NULL);
  if (self->want_facts)
    look_at_next (self);
}

void
lw_model_library_measure (LwModelLibrary *self, LwModelItem *item)
{
  g_return_if_fail (LW_IS_MODEL_LIBRARY (self));

  g_free (self->measure_path);
  self->measure_path = g_strdup (lw_model_item_get_entry (item)->path);
  look_at_next (self);
}

/* ---- Adding and removing ---- */

static void
add_files (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  char *path = lw_install_link_files (data, &error);

  if (path)
    g_task_return_pointer (task, path, g_free);
  else
    g_task_return_error (task, error);
}

void
lw_model_library_add_async (LwModelLibrary *self, const char *const *files,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lw_model_library_add_async);
  g_task_set_task_data (task, g_strdupv ((char **)files), (GDestroyNotify)g_strfreev);
  g_task_run_in_thread (task, add_files);
}

char *
lw_model_library_add_finish (LwModelLibrary *self, GAsyncResult *result, GError **error)
{
  char *path;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  path = g_task_propagate_pointer (G_TASK (result), error);
  if (path)
    lw_model_library_refresh (self);
  return path;
}

static void
remove_model (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  char *aside = lw_install_remove (lw_model_item_get_entry (data), &error);

  if (aside)
    g_task_return_pointer (task, aside, g_free);
  else
    g_task_return_error (task, error);
}

void
lw_model_library_remove_async (LwModelLibrary *self, LwModelItem *item, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lw_model_library_remove_async);
  g_task_set_task_data (task, g_object_ref (item), g_object_unref);
  g_task_run_in_thread (task, remove_model);
}

char *
lw_model_library_remove_finish (LwModelLibrary *self, GAsyncResult *result, GError **error)
{
  char *aside;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  aside = g_task_propagate_pointer (G_TASK (result), error);
  lw_model_library_refresh (self);
  if (aside)
    g_signal_emit (self, signals[SIGNAL_REMOVED], 0,
                   lw_model_item_get_entry (g_task_get_task_data (G_TASK (result)))->path);
  return aside;
}

static void
restore (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (lw_install_restore (data, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
restored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LwModelLibrary *self = LW_MODEL_LIBRARY (source);
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    tell_error (self, error);
  lw_model_library_refresh (self);
}

void
lw_model_library_restore (LwModelLibrary *self, const char *aside)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, restored, NULL);

  g_task_set_source_tag (task, lw_model_library_restore);
  g_task_set_task_data (task, g_strdup (aside), g_free);
  g_task_run_in_thread (task, restore);
}

static void
purge (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  lw_install_purge (data);
  g_task_return_boolean (task, TRUE);
}

void
lw_model_library_purge (LwModelLibrary *self, const char *aside)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, NULL, NULL);

  g_task_set_source_tag (task, lw_model_library_purge);
  g_task_set_task_data (task, g_strdup (aside), g_free);
  g_task_run_in_thread (task, purge);
}

/* ---- Object ---- */

void
lw_model_library_shutdown (LwModelLibrary *self)
{
  guint n;

  g_return_if_fail (LW_IS_MODEL_LIBRARY (self));

  self->closed = TRUE;
  n = g_list_model_get_n_items (G_LIST_MODEL (self->transfers));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwTransfer) t = g_list_model_get_item (G_LIST_MODEL (self->transfers), i);

      lw_transfer_pause (t); /* all of them before waiting for one */
    }
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwTransfer) t = g_list_model_get_item (G_LIST_MODEL (self->transfers), i);

      lw_transfer_shutdown (t);
    }
  lw_install_purge (NULL);
}

static void
lw_model_library_finalize (GObject *object)
{
  LwModelLibrary *self = LW_MODEL_LIBRARY (object);

  g_clear_object (&self->models);
  g_clear_object (&self->transfers);
  g_free (self->measure_path);
  G_OBJECT_CLASS (lw_model_library_parent_class)->finalize (object);
}

static void
lw_model_library_class_init (LwModelLibraryClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lw_model_library_finalize;
  signals[SIGNAL_REFRESHED]
      = g_signal_new ("refreshed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_NOTICE] = g_signal_new ("notice", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 2, G_TYPE_BOOLEAN, G_TYPE_STRING);
  signals[SIGNAL_ARRIVED] = g_signal_new ("arrived", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
  signals[SIGNAL_REMOVED] = g_signal_new ("removed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
lw_model_library_init (LwModelLibrary *self)
{
  self->models = g_list_store_new (LW_TYPE_MODEL_ITEM);
  self->transfers = g_list_store_new (LW_TYPE_TRANSFER);
}

LwModelLibrary *
lw_model_library_new (void)
{
  return g_object_new (LW_TYPE_MODEL_LIBRARY, NULL);
}

GListModel *
lw_model_library_get_models (LwModelLibrary *self)
{
  return G_LIST_MODEL (self->models);
}

GListModel *
lw_model_library_get_transfers (LwModelLibrary *self)
{
  return G_LIST_MODEL (self->transfers);
}
