/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-transfer.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/lw-problem.h"

#define RETRIES 5
#define RETRY_MS 1000

struct _LwTransfer
{
  GObject parent_instance;
  lw_fetch *plan; /* the thread's while it runs */
  char *title, *folder;
  LwTransferState state;
  double fraction;
  char *status;
  GThread *thread;
  GCancellable *cancellable;

  GMutex lock;
  /* Under the lock. */
  lw_download_stage stage;
  guint64 done, total;
  double bytes_per_second, seconds_left;
  guint index, n_items;
  char *note;
  guint pending; /* source id of the hand-over */
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwTransfer, lw_transfer, G_TYPE_OBJECT)

static void
set_status (LwTransfer *self, char *status)
{
  g_free (self->status);
  self->status = status;
}

static void
changed (LwTransfer *self)
{
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/* ---- From its thread to the UI ---- */

static char *
format_time (double seconds)
{
  guint s = (guint)MIN (seconds + 0.5, 999 * 3600.0);

  if (s < 90)
    return g_strdup_printf (ngettext ("about %u second left", "about %u seconds left", s), s);
  if (s < 90 * 60)
    return g_strdup_printf (ngettext ("about %u minute left", "about %u minutes left", s / 60),
                            s / 60);
  return g_strdup_printf (ngettext ("about %u hour left", "about %u hours left", s / 3600), s / 3600);
}

/* "1.2 GB of 4.4 GB", "1.2 GB". */
static char *
format_amount (guint64 done, guint64 total)
{
  g_autofree char *have = g_format_size (done), *all = g_format_size (total);

  if (!total)
    return g_steal_pointer (&have);
  /* Translators: how much of a file is there, "1.2 GB of 4.4 GB" */
  return g_strdup_printf (_("%1$s of %2$s"), have, all);
}

static gboolean
drain (gpointer data)
{
  LwTransfer *self = data;
  GString *s = g_string_new (NULL);
  g_autofree char *amount = NULL;

  g_mutex_lock (&self->lock);
  self->pending = 0;
  amount = format_amount (self->done, self->total);
  if (self->note)
    g_string_append_printf (s, "%s\n", self->note);
  if (self->n_items > 1)
    {
      g_autofree char *which = NULL;

      /* Translators: of the files that make up a model */
      which = g_strdup_printf (_("file %1$u of %2$u"), self->index + 1, self->n_items);
      g_string_append_printf (s, "%s · ", which);
    }
  if (self->stage == LW_DOWNLOAD_CONNECTING)
    g_string_append (s, _("Connecting…"));
  else if (self->stage == LW_DOWNLOAD_CHECKING)
    g_string_append_printf (s, _("Checking what is there: %s"), amount);
  else
    g_string_append (s, amount);
  if (self->stage == LW_DOWNLOAD_RECEIVING && self->bytes_per_second > 0)
    {
      g_autofree char *rate = g_format_size ((guint64)self->bytes_per_second);

      /* Translators: %s is a size; how much arrives in a second */
      g_string_append (s, " · ");
      g_string_append_printf (s, _("%s/s"), rate);
    }
  if (self->stage == LW_DOWNLOAD_RECEIVING && self->seconds_left >= 0)
    {
      g_autofree char *left = format_time (self->seconds_left);

      g_string_append_printf (s, " · %s", left);
    }
  self->fraction = self->total ? (double)self->done / (double)self->total : -1;
  g_mutex_unlock (&self->lock);
  if (self->state == LW_TRANSFER_RUNNING)
    {
      set_status (self, g_string_free (s, FALSE));
      changed (self);
    }
  else
    {
      g_string_free (s, TRUE);
    }
  return G_SOURCE_REMOVE;
}

/* Under the lock. */
static void
schedule (LwTransfer *self)
{
  if (!self->pending)
    self->pending = g_idle_add_full (G_PRIORITY_DEFAULT, drain, g_object_ref (self), g_object_unref);
}

static void
on_progress (void *user, const lw_download_progress *p)
{
  LwTransfer *self = user;

  g_mutex_lock (&self->lock);
  if (p->note)
    {
      g_free (self->note);
      self->note = lw_problem_join (p->noted == LW_DOWNLOAD_NOTE_RETRY
                                        ? _("The connection broke. Trying again.")
                                        : _("The server has another file now. Beginning again; what has "
                                            "arrived is kept."),
                                    p->note);
    }
  self->stage = p->stage;
  if (p->stage != LW_DOWNLOAD_CONNECTING || !p->note)
    {
      self->done = p->done;
      self->total = p->total;
      self->bytes_per_second = p->bytes_per_second;
      self->seconds_left = p->seconds_left;
    }
  schedule (self);
  g_mutex_unlock (&self->lock);
}

static void
on_item (void *user, const lw_fetch *f, guint index, gboolean finished)
{
  LwTransfer *self = user;

  g_mutex_lock (&self->lock);
  self->index = index;
  self->n_items = f->items->len;
  g_clear_pointer (&self->note, g_free);
  schedule (self);
  g_mutex_unlock (&self->lock);
}

typedef struct
{
  LwTransfer *self;
  GError *error;
} Ending;

static gboolean
ended (gpointer data)
{
  Ending *e = data;
  LwTransfer *self = e->self;
  g_autofree char *amount = NULL;

  if (self->thread) /* not joined by a shutdown */
    g_thread_join (g_steal_pointer (&self->thread));
  g_mutex_lock (&self->lock);
  amount = format_amount (self->done, self->total);
  g_clear_pointer (&self->note, g_free);
  g_mutex_unlock (&self->lock);
  if (!e->error)
    {
      self->state = LW_TRANSFER_DONE;
      self->fraction = 1;
      set_status (self, g_strdup (_("Done")));
    }
  else if (g_error_matches (e->error, LW_DOWNLOAD_ERROR, LW_DOWNLOAD_ERROR_CANCELLED))
    {
      self->state = LW_TRANSFER_PAUSED;
      /* Translators: a download; %s is "1.2 GB of 4.4 GB" */
      set_status (self, g_strdup_printf (_("Paused · %s"), amount));
    }
  else
    {
      self->state = LW_TRANSFER_FAILED;
      set_status (self, lw_problem_describe (e->error));
    }
  changed (self);
  g_clear_error (&e->error);
  g_object_unref (self);
  g_free (e);
  return G_SOURCE_REMOVE;
}

static gpointer
fetch_thread (gpointer data)
{
  Ending *e = data;
  LwTransfer *self = e->self;
  lw_fetch_params params = { .retries = RETRIES,
                             .retry_ms = RETRY_MS,
                             .progress = on_progress,
                             .item = on_item,
                             .user = self };
  /* The download runs a main context; the UI's is taken. */
  GMainContext *context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  lw_fetch_run (self->plan, &params, self->cancellable, &e->error);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  g_idle_add_full (G_PRIORITY_DEFAULT, ended, e, NULL);
  return NULL;
}

/* ---- UI thread ---- */

void
lw_transfer_start (LwTransfer *self)
{
  Ending *e;

  g_return_if_fail (LW_IS_TRANSFER (self));

  if (self->thread || self->state == LW_TRANSFER_DONE)
    return;
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  self->state = LW_TRANSFER_RUNNING;
  set_status (self, g_strdup (_("Connecting…")));
  e = g_new0 (Ending, 1);
  e->self = g_object_ref (self);
  self->thread = g_thread_new ("lw-download", fetch_thread, e);
  changed (self);
}

void
lw_transfer_pause (LwTransfer *self)
{
  g_return_if_fail (LW_IS_TRANSFER (self));

  if (self->state != LW_TRANSFER_RUNNING)
    return;
  self->state = LW_TRANSFER_PAUSING;
  g_cancellable_cancel (self->cancellable);
  changed (self);
}

void
lw_transfer_shutdown (LwTransfer *self)
{
  g_return_if_fail (LW_IS_TRANSFER (self));

  if (!self->thread)
    return;
  g_cancellable_cancel (self->cancellable);
  g_thread_join (g_steal_pointer (&self->thread));
}

gboolean
lw_transfer_discard (LwTransfer *self, GError **error)
{
  g_return_val_if_fail (LW_IS_TRANSFER (self), FALSE);
  g_return_val_if_fail (!self->thread, FALSE);

  return lw_fetch_discard (self->plan, error);
}

LwTransferState
lw_transfer_get_state (LwTransfer *self)
{
  return self->state;
}

const char *
lw_transfer_get_title (LwTransfer *self)
{
  return self->title;
}

const char *
lw_transfer_get_folder (LwTransfer *self)
{
  return self->folder;
}

double
lw_transfer_get_fraction (LwTransfer *self)
{
  return self->fraction;
}

const char *
lw_transfer_get_status (LwTransfer *self)
{
  return self->status;
}

const char *
lw_transfer_get_path (LwTransfer *self)
{
  const lw_fetch_item *first = self->plan->items->pdata[0];

  return self->state == LW_TRANSFER_DONE ? first->result.path : NULL;
}

const char *
lw_transfer_get_verified (LwTransfer *self)
{
  const lw_fetch_item *first = self->plan->items->pdata[0];

  return self->state == LW_TRANSFER_DONE ? first->result.verified : NULL;
}

/* ---- Object ---- */

static void
lw_transfer_finalize (GObject *object)
{
  LwTransfer *self = LW_TRANSFER (object);

  g_clear_object (&self->cancellable);
  g_mutex_clear (&self->lock);
  g_free (self->title);
  g_free (self->folder);
  g_free (self->status);
  g_free (self->note);
  lw_fetch_free (self->plan);
  G_OBJECT_CLASS (lw_transfer_parent_class)->finalize (object);
}

static void
lw_transfer_class_init (LwTransferClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lw_transfer_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
lw_transfer_init (LwTransfer *self)
{
  g_mutex_init (&self->lock);
}

LwTransfer *
lw_transfer_new (lw_fetch *plan)
{
  LwTransfer *self = g_object_new (LW_TYPE_TRANSFER, NULL);
  g_autofree char *amount = format_amount (plan->done, plan->total);

  self->plan = plan;
  self->title = g_strdup (plan->title);
  self->folder = g_strdup (plan->folder);
  self->done = plan->done;
  self->total = plan->total;
  self->fraction = plan->total ? (double)plan->done / (double)plan->total : -1;
  self->status = g_strdup_printf (_("Paused · %s"), amount);
  return self;
}
