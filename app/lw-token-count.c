/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-token-count.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>

#include "app/lw-document.h"
#include "app/lw-engine-service.h"
#include "vision/lw-vision.h"

/* Tokens around a medium (vision start and end) and around a document (its name and line breaks). */
#define MEDIUM_FRAME 2
#define DOCUMENT_FRAME 8

typedef struct
{
  lw_model *model;
  char *path, *text;
  GdkTexture *texture;
  lw_mem_kind kind;
} Count;

static void
count_free (gpointer data)
{
  Count *c = data;

  lw_model_unref (c->model);
  g_free (c->path);
  g_free (c->text);
  g_clear_object (&c->texture);
  g_free (c);
}

static gint64
count_text (const lw_model *model, const char *text, GError **error)
{
  const lw_span span = { text, strlen (text), FALSE };
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));

  if (!lw_tokenizer_encode (lw_model_get_tokenizer (model), &span, 1, ids, error))
    return -1;
  return ids->len;
}

static gint64
count_file (const Count *c, GError **error)
{
  const lw_vision_spec *spec = lw_model_get_vision_spec (c->model);
  const lw_vis_options options = { 0 };
  lw_media *media;
  gint64 n;

  if (c->kind == LW_MEM_DOCUMENT)
    {
      gsize bytes;
      g_autofree char *text = lw_document_read (c->path, &bytes, error);

      n = text ? count_text (c->model, text, error) : -1;
      return n < 0 ? n : n + DOCUMENT_FRAME;
    }
  if (!spec)
    {
      g_set_error (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s cannot see pictures",
                   lw_model_get_info (c->model)->name);
      return -1;
    }
  media = lw_vis_open (c->path, spec, &options, error);
  if (!media)
    return -1;
  n = lw_media_room (media) + MEDIUM_FRAME;
  lw_media_unref (media);
  return n;
}

/* As it will be when it is sent: a file of its own. */
static gint64
count_texture (Count *c, GError **error)
{
  g_autoptr (GBytes) png = gdk_texture_save_to_png_bytes (c->texture);
  g_autofree char *folder = lw_mem_private_folder_new (error);
  gsize size;
  const char *data = g_bytes_get_data (png, &size);
  gint64 n = -1;

  if (!folder)
    return -1;
  c->path = g_build_filename (folder, "picture.png", NULL);
  if (g_file_set_contents_full (c->path, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, error))
    n = count_file (c, error);
  g_unlink (c->path);
  g_rmdir (folder);
  return n;
}

static void
count_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Count *c = task_data;
  GError *error = NULL;
  gint64 n = -1;

  if (!c->model)
    g_set_error_literal (&error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "no model is open");
  else
    n = c->text      ? count_text (c->model, c->text, &error)
        : c->texture ? count_texture (c, &error)
                     : count_file (c, &error);
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, (gssize)n);
}

void
lw_token_count_async (LwEngineService *engine, const char *path, GdkTexture *texture,
                      lw_mem_kind kind, const char *text, GAsyncReadyCallback callback, gpointer user_data)
{
  /* No source object: its last reference may go on the worker. */
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Count *c = g_new0 (Count, 1);

  c->model = lw_engine_service_dup_model (engine);
  c->path = g_strdup (path);
  c->text = g_strdup (text);
  c->texture = texture ? g_object_ref (texture) : NULL;
  c->kind = kind;
  g_task_set_source_tag (task, lw_token_count_async);
  g_task_set_task_data (task, c, count_free);
  g_task_run_in_thread (task, count_in_thread);
}

gint64
lw_token_count_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}
