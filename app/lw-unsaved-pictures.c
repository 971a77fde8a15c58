/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-unsaved-pictures.h"

#include <glib/gstdio.h>

struct _LwUnsavedPictures
{
  char *folder;      /* NULL: none was needed yet */
  GHashTable *files; /* path -> lw_mem_attachment, what it was saved as; NULL: not yet */
};

static void
free_saved (gpointer saved)
{
  lw_mem_attachment_free (saved);
}

LwUnsavedPictures *
lw_unsaved_pictures_new (void)
{
  LwUnsavedPictures *self = g_new0 (LwUnsavedPictures, 1);

  self->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_saved);
  return self;
}

void
lw_unsaved_pictures_free (LwUnsavedPictures *self)
{
  GHashTableIter it;
  gpointer path;

  g_hash_table_iter_init (&it, self->files);
  while (g_hash_table_iter_next (&it, &path, NULL))
    g_unlink (path);
  if (self->folder)
    g_rmdir (self->folder);
  g_hash_table_unref (self->files);
  g_free (self->folder);
  g_free (self);
}

lw_mem_attachment *
lw_unsaved_pictures_add (LwUnsavedPictures *self, GBytes *png, const char *label, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%u.png", g_hash_table_size (self->files)), *path = NULL;
  lw_mem_attachment *a;

  if (!self->folder)
    self->folder = lw_mem_private_folder_new (error);
  if (!self->folder)
    return NULL;
  path = g_build_filename (self->folder, name, NULL);
  if (!g_file_set_contents_full (path, g_bytes_get_data (png, NULL), (gssize)g_bytes_get_size (png),
                                 G_FILE_SET_CONTENTS_CONSISTENT, 0600, error))
    return NULL;
  a = lw_mem_attachment_new ();
  a->kind = LW_MEM_PICTURE;
  a->label = g_strdup (label);
  a->path = g_strdup (path);
  a->bytes = (gint64)g_bytes_get_size (png);
  a->mtime = g_get_real_time () / G_USEC_PER_SEC;
  g_hash_table_insert (self->files, g_steal_pointer (&path), NULL);
  return a;
}

/* It could not be copied when it was sent (nothing is known of it then); as good as it was when it cannot be now. */
static void
copy_file (lw_mem *mem, lw_mem_attachment **attachment)
{
  lw_mem_attachment *a = *attachment, *kept;

  if (a->copied || a->bytes || a->kind == LW_MEM_FILM)
    return;
  kept = lw_mem_keep_file (mem, a->path, a->kind, NULL);
  if (!kept)
    return;
  g_free (kept->label);
  kept->label = g_steal_pointer (&a->label);
  lw_mem_attachment_free (a);
  *attachment = kept;
}

gboolean
lw_unsaved_pictures_save (LwUnsavedPictures *self, lw_mem *mem, lw_mem_message *message, GError **error)
{
  for (guint i = 0; message->attachments && i < message->attachments->len; i++)
    {
      lw_mem_attachment *a = message->attachments->pdata[i], *saved = NULL;
      gpointer path;

      if (!g_hash_table_lookup_extended (self->files, a->path, &path, (gpointer *)&saved))
        {
          copy_file (mem, (lw_mem_attachment **)&message->attachments->pdata[i]);
          continue;
        }
      if (!saved)
        {
          g_autofree char *bytes = NULL;
          gsize n;

          if (!g_file_get_contents (path, &bytes, &n, error))
            return FALSE;
          saved = lw_mem_keep_bytes (mem, bytes, n, "png", a->label, error);
          if (!saved)
            return FALSE;
          g_hash_table_insert (self->files, g_strdup (path), saved);
        }
      message->attachments->pdata[i] = lw_mem_attachment_copy (saved);
      lw_mem_attachment_free (a);
    }
  return TRUE;
}
