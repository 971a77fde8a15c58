/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-store-service.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "app/lw-chat-options.h"
#include "app/lw-problem.h"
#include "app/lw-unsaved-pictures.h"
#include "engine/lw-engine.h"

/* How long to wait before a failed write is tried again, seconds. */
#define RETRY_SECONDS 10

typedef enum
{
  CMD_LIST,
  CMD_MESSAGES,
  CMD_STEP_BRANCH,
  CMD_SEARCH,
  CMD_EXPORT,
  CMD_IMPORT,
  CMD_KEEP,
  CMD_PUT_CONVERSATION,
  CMD_PUT_MESSAGE,
  CMD_DELETE_MESSAGE,
  CMD_BIN_MESSAGE,
  CMD_SET_HEAD,
  CMD_CHOOSE_BRANCH,
  CMD_BIN,
  CMD_PURGE,
  CMD_DELETE_ALL,
  CMD_LIST_OPTIONS,
  CMD_PUT_OPTIONS,
  CMD_DELETE_OPTIONS,
  CMD_QUIT,
} CommandKind;

typedef struct
{
  CommandKind kind;
  GTask *task;  /* reads */
  char *id;     /* of the thing it is about */
  gboolean on;  /* CMD_BIN, CMD_BIN_MESSAGE; CMD_EXPORT: Markdown */
  char *other;  /* a second id */
  int step;     /* CMD_SEARCH: the limit */
  lw_mem_conversation *conversation;
  lw_mem_message *message;
  lw_mem_options *options;
  char *path, *label;
  lw_mem_kind media;
  GdkTexture *texture;
} Command;

struct _LwStoreService
{
  GObject parent_instance;
  GAsyncQueue *queue;
  GThread *thread;
  LwChatOptions *options;
  gboolean temporary;

  /* Database thread only. */
  lw_mem *mem;
  gboolean mended;
  GQueue failed; /* of Command: writes to repeat, oldest first */
  LwUnsavedPictures *unsaved;
  gboolean failing;
};

enum
{
  SIGNAL_NOTICE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwStoreService, lw_store_service, G_TYPE_OBJECT)

static void
command_free (Command *c)
{
  g_clear_object (&c->task);
  g_clear_object (&c->texture);
  g_free (c->id);
  g_free (c->other);
  g_free (c->path);
  g_free (c->label);
  lw_mem_conversation_free (c->conversation);
  lw_mem_message_free (c->message);
  lw_mem_options_free (c->options);
  g_free (c);
}

/* ---- Database thread ---- */

typedef struct
{
  LwStoreService *self;
  gboolean failing;
  char *message;
} Notice;

static gboolean
emit_notice (gpointer data)
{
  Notice *n = data;

  g_signal_emit (n->self, signals[SIGNAL_NOTICE], 0, n->failing, n->message);
  return G_SOURCE_REMOVE;
}

static void
notice_free (gpointer data)
{
  Notice *n = data;

  g_object_unref (n->self);
  g_free (n->message);
  g_free (n);
}

static void
tell (LwStoreService *self, gboolean failing, char *message)
{
  Notice *n = g_new0 (Notice, 1);

  n->self = g_object_ref (self);
  n->failing = failing;
  n->message = message;
  g_idle_add_full (G_PRIORITY_DEFAULT, emit_notice, n, notice_free);
}

/* Out of the way with the damaged file, and what can be read of it into a new one. */
static gboolean
start_anew (LwStoreService *self, const GError *damage, GError **error)
{
  g_autofree char *folder = lw_mem_default_folder ();
  g_autofree char *kept = lw_mem_set_aside (folder, NULL);
  g_autoptr (GError) unread = NULL;
  int n;

  if (!kept)
    {
      g_propagate_error (error, g_error_copy (damage));
      return FALSE;
    }
  g_message ("%s", damage->message); /* SQLite's words, for who looks into it */
  self->mem = lw_mem_open (folder, error);
  if (!self->mem)
    return FALSE;
  n = lw_mem_rescue (self->mem, kept, &unread);
  if (unread)
    g_message ("%s", unread->message);
  if (n > 0)
    tell (self, FALSE,
          /* Translators: %d is a number of chats, %s a file name */
          g_strdup_printf (ngettext ("The file with the chats is damaged. It was kept as %2$s, and what can be read of "
                                     "%1$d chat was taken over into a new one.",
                                     "The file with the chats is damaged. It was kept as %2$s, and what can be read of "
                                     "%1$d chats was taken over into a new one.",
                                     (gulong)n),
                           n, kept));
  else
    tell (self, FALSE,
          /* Translators: %s is a file name */
          g_strdup_printf (_("The file with the chats is damaged. It was kept as %s, and a new one was "
                             "started."),
                           kept));
  return TRUE;
}

static gboolean
ensure_open (LwStoreService *self, GError **error)
{
  g_autofree char *folder = lw_mem_default_folder ();
  g_autoptr (GError) first = NULL;

  if (self->mem)
    return TRUE;
  self->mem = self->temporary ? lw_mem_open_temporary (&first) : lw_mem_open (folder, &first);
  if (self->mem)
    return TRUE;
  if (!self->temporary && g_error_matches (first, LW_MEM_ERROR, LW_MEM_ERROR_CORRUPT))
    return start_anew (self, first, error);
  g_propagate_error (error, g_steal_pointer (&first));
  return FALSE;
}

/* Damage that shows only when the page is asked for.  Once: where the disk goes on damaging it, a new file each time
 * helps nobody. */
static gboolean
mend (LwStoreService *self, const GError *damage)
{
  if (self->mended || self->temporary || !self->mem || lw_mem_is_read_only (self->mem)
      || !g_error_matches (damage, LW_MEM_ERROR, LW_MEM_ERROR_CORRUPT))
    return FALSE;
  self->mended = TRUE;
  lw_mem_close (g_steal_pointer (&self->mem));
  return start_anew (self, damage, NULL);
}

static gboolean
try_write (LwStoreService *self, Command *c, GError **error)
{
  switch (c->kind)
    {
    case CMD_PUT_CONVERSATION:
      return lw_mem_put_conversation (self->mem, c->conversation, error);
    case CMD_PUT_MESSAGE:
      return lw_unsaved_pictures_save (self->unsaved, self->mem, c->message, error)
             && lw_mem_put_message (self->mem, c->message, error);
    case CMD_DELETE_MESSAGE:
      return lw_mem_delete_message (self->mem, c->id, error);
    case CMD_BIN_MESSAGE:
      return lw_mem_bin_message (self->mem, c->id, c->on, error);
    case CMD_SET_HEAD:
      return lw_mem_set_head (self->mem, c->id, c->other, error);
    case CMD_CHOOSE_BRANCH:
      return lw_mem_choose_branch (self->mem, c->id, error);
    case CMD_BIN:
      /* What is deleted does not stay readable in the cache folder; the other chats lose a little time. */
      if (c->on && !self->temporary)
        lw_session_clear_snapshots (NULL);
      return lw_mem_bin_conversation (self->mem, c->id, c->on, error);
    case CMD_PURGE:
      return lw_mem_purge (self->mem, c->id, error);
    case CMD_DELETE_ALL:
      lw_session_clear_snapshots (NULL);
      return lw_mem_delete_all (self->mem, error);
    case CMD_PUT_OPTIONS:
      return lw_mem_put_options (self->mem, c->options, error);
    case CMD_DELETE_OPTIONS:
      return lw_mem_delete_options (self->mem, c->options->kind, c->options->owner, error);
    default:
      g_return_val_if_reached (TRUE);
    }
}

static gboolean
write_command (LwStoreService *self, Command *c, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (!ensure_open (self, error))
    return FALSE;
  if (try_write (self, c, &local))
    return TRUE;
  if (mend (self, local))
    {
      g_clear_error (&local);
      if (try_write (self, c, &local))
        return TRUE;
    }
  /* A message of a chat that was deleted meanwhile has nowhere to go, and need not. */
  if (g_error_matches (local, LW_MEM_ERROR, LW_MEM_ERROR_MISSING))
    return TRUE;
  /* Whether it can be written meanwhile is found out by opening it. */
  if (self->mem && lw_mem_is_read_only (self->mem))
    lw_mem_close (g_steal_pointer (&self->mem));
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Repeat failed writes in their order; stop at the first that fails again. */
static gboolean
repeat_failed (LwStoreService *self, GError **error)
{
  while (!g_queue_is_empty (&self->failed))
    {
      if (!write_command (self, g_queue_peek_head (&self->failed), error))
        return FALSE;
      command_free (g_queue_pop_head (&self->failed));
    }
  if (self->failing)
    {
      self->failing = FALSE;
      tell (self, FALSE, g_strdup (_("Saving works again.")));
    }
  return TRUE;
}

static void
report_failure (LwStoreService *self, const GError *error)
{
  if (self->failing)
    return;
  g_autofree char *problem = lw_problem_describe (error), *why = lw_problem_dup_sentence (problem);
  g_autofree char *sentence = NULL;

  self->failing = TRUE;
  /* Translators: %s is a sentence that says why */
  sentence = g_strdup_printf (_("Conversations cannot be saved at the moment. %s They stay in memory, and "
                                "saving is tried again."),
                              why);
  tell (self, TRUE, lw_problem_join (sentence, lw_problem_get_detail (problem)));
}

/* A newer version of the same message makes the older one pointless. */
static void
remember_failed (LwStoreService *self, Command *c)
{
  for (GList *l = self->failed.head; l && c->kind == CMD_PUT_MESSAGE; l = l->next)
    {
      Command *old = l->data;

      if (old->kind == CMD_PUT_MESSAGE && g_str_equal (old->message->id, c->message->id))
        {
          lw_mem_message_free (old->message);
          old->message = g_steal_pointer (&c->message);
          command_free (c);
          return;
        }
    }
  g_queue_push_tail (&self->failed, c);
}

static void
do_write (LwStoreService *self, Command *c)
{
  g_autoptr (GError) error = NULL;

  if (repeat_failed (self, &error) && write_command (self, c, &error))
    {
      command_free (c);
      return;
    }
  report_failure (self, error);
  remember_failed (self, c);
}

/* A file that cannot be copied is asked about where it is; a picture without one must be somewhere. */
static lw_mem_attachment *
keep (LwStoreService *self, Command *c, GError **error)
{
  g_autoptr (GBytes) png = NULL;
  lw_mem_attachment *a = NULL;

  if (c->path)
    return ensure_open (self, error) ? lw_mem_keep_file (self->mem, c->path, c->media, error) : NULL;
  png = gdk_texture_save_to_png_bytes (c->texture);
  if (ensure_open (self, NULL))
    a = lw_mem_keep_bytes (self->mem, g_bytes_get_data (png, NULL), g_bytes_get_size (png), "png", c->label,
                           NULL);
  /* Why it cannot be saved is told when its message is put. */
  return a ? a : lw_unsaved_pictures_add (self->unsaved, png, c->label, error);
}

static GPtrArray *
step_branch (LwStoreService *self, Command *c, GError **error)
{
  g_autofree char *found = lw_mem_find_branch (self->mem, c->other, c->step, error);

  if (!found || !lw_mem_choose_branch (self->mem, found, error))
    return NULL;
  return lw_mem_list_messages (self->mem, c->id, error);
}

static gpointer
export_chat (LwStoreService *self, Command *c, GError **error)
{
  g_autofree char *text = c->on ? lw_mem_export_markdown (self->mem, c->id, error)
                                : lw_mem_export_json (self->mem, c->id, error);

  return text && g_file_set_contents (c->path, text, -1, error) ? GINT_TO_POINTER (TRUE) : NULL;
}

static lw_mem_conversation *
import_chat (LwStoreService *self, Command *c, GError **error)
{
  g_autofree char *text = NULL, *id = NULL;
  GStatBuf info;
  gsize n;

  /* Before it is read: it may be any file. */
  if (g_stat (c->path, &info) == 0 && info.st_size > LW_MEM_MAX_IMPORT_BYTES)
    {
      g_set_error (error, LW_MEM_ERROR, LW_MEM_ERROR_INVALID,
                   _("%s: it has %.0f bytes, more than %.0f"), c->path,
                   (double)info.st_size, (double)LW_MEM_MAX_IMPORT_BYTES);
      return NULL;
    }
  if (!g_file_get_contents (c->path, &text, &n, error))
    return NULL;
  id = lw_mem_import_json (self->mem, text, n, error);
  if (!id)
    {
      g_prefix_error (error, "%s: ", c->path);
      return NULL;
    }
  return lw_mem_find_conversation (self->mem, id, error);
}

static gpointer
try_read (LwStoreService *self, Command *c, GError **error)
{
  switch (c->kind)
    {
    case CMD_LIST:
      return lw_mem_list_conversations (self->mem, error);
    case CMD_MESSAGES:
      return lw_mem_list_messages (self->mem, c->id, error);
    case CMD_STEP_BRANCH:
      return step_branch (self, c, error);
    case CMD_SEARCH:
      return lw_mem_search (self->mem, c->other, (guint)c->step, error);
    case CMD_EXPORT:
      return export_chat (self, c, error);
    case CMD_IMPORT:
      return import_chat (self, c, error);
    case CMD_LIST_OPTIONS:
      return lw_mem_list_options (self->mem, error);
    case CMD_KEEP:
      return keep (self, c, error);
    default:
      g_return_val_if_reached (NULL);
    }
}

/* What try_read() gives of this kind goes with it. */
static GDestroyNotify
free_func (CommandKind kind)
{
  switch (kind)
    {
    case CMD_EXPORT:
      return NULL;
    case CMD_IMPORT:
      return (GDestroyNotify)lw_mem_conversation_free;
    case CMD_KEEP:
      return (GDestroyNotify)lw_mem_attachment_free;
    default:
      return (GDestroyNotify)g_ptr_array_unref;
    }
}

static void
do_read (LwStoreService *self, Command *c)
{
  GError *error = NULL;
  gpointer result = NULL;

  if (c->kind == CMD_KEEP || ensure_open (self, &error))
    result = try_read (self, c, &error);
  if (!result && mend (self, error))
    {
      g_clear_error (&error);
      result = try_read (self, c, &error);
    }
  if (result)
    g_task_return_pointer (c->task, result, free_func (c->kind));
  else
    g_task_return_error (c->task, error);
  command_free (c);
}

static gpointer
database_thread (gpointer data)
{
  LwStoreService *self = data;

  for (;;)
    {
      Command *c = g_queue_is_empty (&self->failed)
                       ? g_async_queue_pop (self->queue)
                       : g_async_queue_timeout_pop (self->queue, RETRY_SECONDS * G_USEC_PER_SEC);

      if (!c)
        repeat_failed (self, NULL);
      else if (c->kind == CMD_QUIT)
        {
          command_free (c);
          break;
        }
      else if (c->task)
        do_read (self, c);
      else
        do_write (self, c);
    }
  repeat_failed (self, NULL);
  lw_mem_close (g_steal_pointer (&self->mem));
  g_queue_clear_full (&self->failed, (GDestroyNotify)command_free);
  lw_unsaved_pictures_free (self->unsaved);
  return NULL;
}

/* ---- UI thread ---- */

static void
lw_store_service_finalize (GObject *object)
{
  LwStoreService *self = LW_STORE_SERVICE (object);

  lw_store_service_shutdown (self);
  g_clear_object (&self->options);
  g_clear_pointer (&self->queue, g_async_queue_unref);
  G_OBJECT_CLASS (lw_store_service_parent_class)->finalize (object);
}

static void
lw_store_service_class_init (LwStoreServiceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lw_store_service_finalize;
  signals[SIGNAL_NOTICE]
      = g_signal_new ("notice", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, G_TYPE_BOOLEAN, G_TYPE_STRING);
}

static void
lw_store_service_init (LwStoreService *self)
{
  self->queue = g_async_queue_new_full ((GDestroyNotify)command_free);
  g_queue_init (&self->failed);
  self->unsaved = lw_unsaved_pictures_new ();
}

static LwStoreService *
start (LwStoreService *self, LwChatOptions *shared)
{
  self->thread = g_thread_new ("lw-database", database_thread, self);
  self->options = lw_chat_options_new (self, shared);
  return self;
}

LwStoreService *
lw_store_service_new (void)
{
  return start (g_object_new (LW_TYPE_STORE_SERVICE, NULL), NULL);
}

LwStoreService *
lw_store_service_new_temporary (LwStoreService *main)
{
  LwStoreService *self = g_object_new (LW_TYPE_STORE_SERVICE, NULL);

  self->temporary = TRUE;
  return start (self, main->options);
}

gboolean
lw_store_service_is_temporary (LwStoreService *self)
{
  g_return_val_if_fail (LW_IS_STORE_SERVICE (self), FALSE);

  return self->temporary;
}

static Command *
command_new (CommandKind kind, const char *id)
{
  Command *c = g_new0 (Command, 1);

  c->kind = kind;
  c->id = g_strdup (id);
  return c;
}

void
lw_store_service_shutdown (LwStoreService *self)
{
  g_return_if_fail (LW_IS_STORE_SERVICE (self));

  if (!self->thread)
    return;
  g_async_queue_push (self->queue, command_new (CMD_QUIT, NULL));
  g_thread_join (g_steal_pointer (&self->thread));
}

static void
push (LwStoreService *self, Command *c)
{
  /* After the shutdown nobody listens. */
  if (self->thread)
    g_async_queue_push (self->queue, c);
  else
    command_free (c);
}

void
lw_store_service_list_async (LwStoreService *self, GAsyncReadyCallback callback, gpointer user_data)
{
  Command *c = command_new (CMD_LIST, NULL);

  g_return_if_fail (LW_IS_STORE_SERVICE (self));
  c->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (c->task, lw_store_service_list_async);
  push (self, c);
}

GPtrArray *
lw_store_service_list_finish (LwStoreService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
lw_store_service_messages_async (LwStoreService *self, const char *conversation,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  Command *c = command_new (CMD_MESSAGES, conversation);

  g_return_if_fail (LW_IS_STORE_SERVICE (self));
  c->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (c->task, lw_store_service_messages_async);
  push (self, c);
}

GPtrArray *
lw_store_service_messages_finish (LwStoreService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
lw_store_service_step_branch_async (LwStoreService *self, const char *conversation,
                                    const char *message, int step, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  Command *c = command_new (CMD_STEP_BRANCH, conversation);

  g_return_if_fail (LW_IS_STORE_SERVICE (self));
  c->other = g_strdup (message);
  c->step = step;
  c->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (c->task, lw_store_service_step_branch_async);
  push (self, c);
}

void
lw_store_service_search_async (LwStoreService *self, const char *query, guint limit,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  Command *c = command_new (CMD_SEARCH, NULL);

  g_return_if_fail (LW_IS_STORE_SERVICE (self));
  c->other = g_strdup (query);
  c->step = (int)limit;
  c->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (c->task, lw_store_service_search_async);
  push (self, c);
}

GPtrArray *
lw_store_service_search_finish (LwStoreService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
lw_store_service_export_async (LwStoreService *self, const char *conversation, gboolean markdown,
                               const char *path, GAsyncReadyCallback callback, gpointer user_data)
{
  Command *c = command_new (CMD_EXPORT, conversation);

  g_return_if_fail (LW_IS_STORE_SERVICE (self));
  c->on = markdown;
  c->path = g_strdup (path);
  c->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (c->task, lw_store_service_export_async);
  push (self, c);
}

gboolean
lw_store_service_export_finish (LwStoreService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_pointer (G_TASK (result), error) != NULL;
}

void
lw_store_service_import_async (LwStoreService *self, const char *path,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  Command *c = command_new (CMD_IMPORT, NULL);

  g_return_if_fail (LW_IS_STORE_SERVICE (self));
  c->path = g_strdup (path);
  c->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (c->task, lw_store_service_import_async);
  push (self, c);
}

lw_mem_conversation *
lw_store_service_import_finish (LwStoreService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
lw_store_service_keep_async (LwStoreService *self, const char *path, lw_mem_kind kind,
                             GdkTexture *texture, const char *label, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  Command *c = command_new (CMD_KEEP, NULL);

  g_return_if_fail (LW_IS_STORE_SERVICE (self));
  g_return_if_fail (path || texture);
  c->path = g_strdup (path);
  c->media = kind;
  c->label = g_strdup (label);
  if (!path)
    c->texture = g_object_ref (texture);
  c->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (c->task, lw_store_service_keep_async);
  push (self, c);
}

lw_mem_attachment *
lw_store_service_keep_finish (LwStoreService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
lw_store_service_put_conversation (LwStoreService *self, lw_mem_conversation *record)
{
  Command *c = command_new (CMD_PUT_CONVERSATION, record->id);

  c->conversation = record;
  push (self, c);
}

void
lw_store_service_put_message (LwStoreService *self, lw_mem_message *record)
{
  Command *c = command_new (CMD_PUT_MESSAGE, record->id);

  c->message = record;
  push (self, c);
}

void
lw_store_service_delete_message (LwStoreService *self, const char *id)
{
  push (self, command_new (CMD_DELETE_MESSAGE, id));
}

void
lw_store_service_bin_message (LwStoreService *self, const char *id, gboolean in_bin)
{
  Command *c = command_new (CMD_BIN_MESSAGE, id);

  c->on = in_bin;
  push (self, c);
}

void
lw_store_service_set_head (LwStoreService *self, const char *conversation, const char *message)
{
  Command *c = command_new (CMD_SET_HEAD, conversation);

  c->other = g_strdup (message);
  push (self, c);
}

void
lw_store_service_choose_branch (LwStoreService *self, const char *message)
{
  push (self, command_new (CMD_CHOOSE_BRANCH, message));
}

void
lw_store_service_bin_conversation (LwStoreService *self, const char *id, gboolean in_bin)
{
  Command *c = command_new (CMD_BIN, id);

  c->on = in_bin;
  push (self, c);
}

void
lw_store_service_purge (LwStoreService *self, const char *id)
{
  push (self, command_new (CMD_PURGE, id));
}

LwChatOptions *
lw_store_service_get_options (LwStoreService *self)
{
  g_return_val_if_fail (LW_IS_STORE_SERVICE (self), NULL);

  return self->options;
}

void
lw_store_service_list_options_async (LwStoreService *self, GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  Command *c = command_new (CMD_LIST_OPTIONS, NULL);

  g_return_if_fail (LW_IS_STORE_SERVICE (self));
  c->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (c->task, lw_store_service_list_options_async);
  push (self, c);
}

GPtrArray *
lw_store_service_list_options_finish (LwStoreService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
lw_store_service_put_options (LwStoreService *self, lw_mem_options *options)
{
  Command *c = command_new (CMD_PUT_OPTIONS, NULL);

  c->options = options;
  push (self, c);
}

void
lw_store_service_delete_options (LwStoreService *self, lw_mem_options_kind kind, const char *owner)
{
  Command *c = command_new (CMD_DELETE_OPTIONS, NULL);

  c->options = lw_mem_options_new (kind, owner);
  push (self, c);
}

void
lw_store_service_delete_all (LwStoreService *self)
{
  g_return_if_fail (LW_IS_STORE_SERVICE (self));

  lw_chat_options_forget (self->options);
  push (self, command_new (CMD_DELETE_ALL, NULL));
}
