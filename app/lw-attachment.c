/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-attachment.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>

#include "app/lw-document.h"
#include "app/lw-problem.h"
#include "engine/base/alloc.h"
#include "vision/lw-vision.h"

struct _LwAttachment
{
  GObject parent_instance;
  char *label, *path, *problem;
  char *own_file; /* of a text, in a folder of its own: goes when this does */
  GdkTexture *texture, *original;
  lw_mem_attachment *record;
  double duration;
  gboolean film, document, ready;
  gboolean started; /* its thumbnail is being made, or was */
  gint64 cost;
};

enum
{
  PROP_0,
  PROP_TEXTURE,
  PROP_PROBLEM,
  PROP_READY,
  PROP_COST,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (LwAttachment, lw_attachment, G_TYPE_OBJECT)

/* ---- Thumbnails ---- */

typedef struct
{
  char *path, *text, *label;
} Source;

typedef struct
{
  GdkTexture *texture;
  double duration;
  gboolean document;
  char *own_file;
} Thumbnail;

static void
source_free (gpointer data)
{
  Source *s = data;

  g_free (s->path);
  g_free (s->text);
  g_free (s->label);
  g_free (s);
}

static void
thumbnail_free (Thumbnail *t)
{
  g_clear_object (&t->texture);
  g_free (t->own_file);
  g_free (t);
}

static void
delete_own_file (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  g_unlink (path);
  g_rmdir (folder);
}

/* A text without a file gets one, with a name that says what it is. */
static Thumbnail *
save_text (const Source *s, GError **error)
{
  g_autofree char *folder = NULL, *name = g_strconcat (s->label, ".txt", NULL), *path = NULL;
  gsize n = strlen (s->text);
  Thumbnail *result;

  if (n > LW_DOCUMENT_MAX_BYTES)
    {
      lw_document_set_too_large (error, s->label, n);
      return NULL;
    }
  folder = lw_mem_private_folder_new (error);
  if (!folder)
    return NULL;
  path = g_build_filename (folder, name, NULL);
  if (!g_file_set_contents_full (path, s->text, (gssize)n, G_FILE_SET_CONTENTS_NONE, 0600, error))
    {
      delete_own_file (path);
      return NULL;
    }
  result = g_new0 (Thumbnail, 1);
  result->document = TRUE;
  result->own_file = g_steal_pointer (&path);
  return result;
}

static void
make_thumbnail (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Source *from = task_data;
  const char *path = from->path;
  lw_vis_image image = { 0 };
  Thumbnail *result;
  GError *error = NULL;
  double duration = 0;

  if (from->text)
    {
      result = save_text (from, &error);
      if (result)
        g_task_return_pointer (task, result, (GDestroyNotify)thumbnail_free);
      else
        g_task_return_error (task, error);
      return;
    }
  if (lw_document_may_be (path))
    {
      gsize n;
      g_autofree char *text = lw_document_read (path, &n, &error);

      if (text)
        {
          result = g_new0 (Thumbnail, 1);
          result->document = TRUE;
          g_task_return_pointer (task, result, (GDestroyNotify)thumbnail_free);
          return;
        }
      /* A picture without a telling name. */
      if (lw_vis_thumbnail (path, LW_THUMBNAIL_SIDE, &image, &duration, NULL))
        {
          g_clear_error (&error);
        }
      else
        {
          g_task_return_error (task, error);
          return;
        }
    }
  else if (!lw_vis_thumbnail (path, LW_THUMBNAIL_SIDE, &image, &duration, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  gsize stride = (gsize)image.width * 3;
  g_autoptr (GBytes) bytes = g_bytes_new_with_free_func (image.rgb, stride * (gsize)image.height,
                                                         lw_free, image.rgb);
  result = g_new0 (Thumbnail, 1);
  result->texture =
      gdk_memory_texture_new (image.width, image.height, GDK_MEMORY_R8G8B8, bytes, stride);
  result->duration = duration;
  g_task_return_pointer (task, result, (GDestroyNotify)thumbnail_free);
}

static void
thumbnail_ready (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwAttachment) self = LW_ATTACHMENT (user_data);
  g_autoptr (GError) error = NULL;
  Thumbnail *t = g_task_propagate_pointer (G_TASK (result), &error);

  if (!t)
    {
      self->problem = lw_problem_describe (error);
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PROBLEM]);
      return;
    }
  self->duration = t->duration;
  self->film = t->duration > 0;
  self->document = t->document;
  if (t->own_file)
    {
      self->own_file = g_steal_pointer (&t->own_file);
      self->path = g_strdup (self->own_file);
    }
  g_set_object (&self->texture, t->texture);
  thumbnail_free (t);
  self->ready = TRUE;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TEXTURE]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_READY]);
}

/* The task has no source object: its last reference may go on the worker. */
static void
start_thumbnail (LwAttachment *self, char *text)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, thumbnail_ready, g_object_ref (self));
  Source *from = g_new0 (Source, 1);

  from->path = g_strdup (self->path);
  from->text = text;
  from->label = g_strdup (self->label);
  self->started = TRUE;
  g_task_set_source_tag (task, start_thumbnail);
  g_task_set_task_data (task, from, source_free);
  g_task_run_in_thread (task, make_thumbnail);
}

/* ---- Object ---- */

static void
lw_attachment_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LwAttachment *self = LW_ATTACHMENT (object);

  switch (id)
    {
    case PROP_TEXTURE:
      g_value_set_object (value, self->texture);
      break;
    case PROP_PROBLEM:
      g_value_set_string (value, self->problem);
      break;
    case PROP_READY:
      g_value_set_boolean (value, self->ready);
      break;
    case PROP_COST:
      g_value_set_int64 (value, self->cost);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
lw_attachment_finalize (GObject *object)
{
  LwAttachment *self = LW_ATTACHMENT (object);

  g_free (self->label);
  g_free (self->path);
  g_free (self->problem);
  if (self->own_file)
    delete_own_file (self->own_file);
  g_free (self->own_file);
  g_clear_object (&self->texture);
  g_clear_object (&self->original);
  lw_mem_attachment_free (self->record);
  G_OBJECT_CLASS (lw_attachment_parent_class)->finalize (object);
}

static void
lw_attachment_class_init (LwAttachmentClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = lw_attachment_get_property;
  object_class->finalize = lw_attachment_finalize;
  props[PROP_TEXTURE] = g_param_spec_object ("texture", NULL, NULL, GDK_TYPE_TEXTURE,
                                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  props[PROP_PROBLEM] = g_param_spec_string ("problem", NULL, NULL, NULL,
                                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  props[PROP_READY] = g_param_spec_boolean ("ready", NULL, NULL, FALSE,
                                            G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  props[PROP_COST] = g_param_spec_int64 ("cost", NULL, NULL, -1, G_MAXINT64, -1,
                                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
lw_attachment_init (LwAttachment *self)
{
  self->cost = -1;
}

LwAttachment *
lw_attachment_new_for_file (const char *path)
{
  LwAttachment *self = g_object_new (LW_TYPE_ATTACHMENT, NULL);
  g_autofree char *type = g_content_type_guess (path, NULL, 0, NULL);

  self->path = g_strdup (path);
  self->label = lw_document_dup_name (path);
  /* By name, until the thumbnail tells by content. */
  self->film = type && g_str_has_prefix (type, "video/");
  start_thumbnail (self, NULL);
  return self;
}

LwAttachment *
lw_attachment_new_for_texture (GdkTexture *texture, const char *label)
{
  LwAttachment *self = g_object_new (LW_TYPE_ATTACHMENT, NULL);

  self->label = g_strdup (label);
  self->ready = TRUE;
  self->started = TRUE;
  self->texture = g_object_ref (texture);
  self->original = g_object_ref (texture);
  return self;
}

LwAttachment *
lw_attachment_new_for_text (char *text, const char *label)
{
  LwAttachment *self = g_object_new (LW_TYPE_ATTACHMENT, NULL);

  self->label = g_strdup (label);
  self->document = TRUE;
  start_thumbnail (self, text);
  return self;
}

LwAttachment *
lw_attachment_new_for_record (const lw_mem_attachment *record)
{
  LwAttachment *self = g_object_new (LW_TYPE_ATTACHMENT, NULL);

  self->record = lw_mem_attachment_copy (record);
  self->path = g_strdup (record->path);
  self->label = g_strdup (record->label);
  self->film = record->kind == LW_MEM_FILM;
  self->document = record->kind == LW_MEM_DOCUMENT;
  /* Its thumbnail is made when somebody looks: a long chat has many. */
  self->ready = TRUE;
  self->started = self->document;
  return self;
}

const char *
lw_attachment_get_label (LwAttachment *self)
{
  return self->label;
}

const char *
lw_attachment_get_path (LwAttachment *self)
{
  return self->path;
}

GdkTexture *
lw_attachment_get_texture (LwAttachment *self)
{
  if (!self->started)
    start_thumbnail (self, NULL);
  return self->texture;
}

GdkTexture *
lw_attachment_get_original (LwAttachment *self)
{
  return self->path ? NULL : self->original;
}

gboolean
lw_attachment_is_film (LwAttachment *self)
{
  return self->film;
}

gboolean
lw_attachment_is_document (LwAttachment *self)
{
  return self->document;
}

lw_mem_kind
lw_attachment_get_kind (LwAttachment *self)
{
  return self->document ? LW_MEM_DOCUMENT : self->film ? LW_MEM_FILM : LW_MEM_PICTURE;
}

gboolean
lw_attachment_get_ready (LwAttachment *self)
{
  return self->ready;
}

gint64
lw_attachment_get_cost (LwAttachment *self)
{
  return self->cost;
}

void
lw_attachment_set_cost (LwAttachment *self, gint64 cost)
{
  if (self->cost == cost)
    return;
  self->cost = cost;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_COST]);
}

double
lw_attachment_get_duration (LwAttachment *self)
{
  return self->duration;
}

const char *
lw_attachment_get_problem (LwAttachment *self)
{
  return self->problem;
}

gboolean
lw_attachment_is_useless (LwAttachment *self)
{
  return self->problem && !self->record;
}

const lw_mem_attachment *
lw_attachment_get_record (LwAttachment *self)
{
  return self->record;
}

void
lw_attachment_set_record (LwAttachment *self, const lw_mem_attachment *record)
{
  lw_mem_attachment_free (self->record);
  self->record = lw_mem_attachment_copy (record);
  g_free (self->record->label);
  self->record->label = g_strdup (self->label);
  /* A copy of the text is kept. */
  if (self->own_file && g_strcmp0 (self->own_file, record->path) != 0)
    {
      delete_own_file (self->own_file);
      g_clear_pointer (&self->own_file, g_free);
    }
  g_free (self->path);
  self->path = g_strdup (record->path);
}

char *
lw_format_duration (double seconds)
{
  gint64 s = (gint64)(CLAMP (seconds, 0, 1e9) + 0.5);

  if (s >= 3600)
    return g_strdup_printf ("%d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
  return g_strdup_printf ("%d:%02d", (int)(s / 60), (int)(s % 60));
}

char *
lw_attachment_describe (LwAttachment *self)
{
  if (self->document)
    return g_strdup_printf (_("Document %s"), self->label);
  if (self->film && self->duration > 0)
    {
      g_autofree char *time = lw_format_duration (self->duration);
      /* Translators: a film's file name and its length, such as 1:20 */
      return g_strdup_printf (_("Film %s, %s"), self->label, time);
    }
  if (self->film)
    return g_strdup_printf (_("Film %s"), self->label);
  return g_strdup_printf (_("Picture %s"), self->label);
}
