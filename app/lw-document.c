/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-document.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>

gboolean
lw_document_may_be (const char *path)
{
  g_autofree char *type = g_content_type_guess (path, NULL, 0, NULL);
  gboolean media = type && (g_str_has_prefix (type, "image/") || g_str_has_prefix (type, "video/"));

  /* A drawing in XML is text. */
  return !media || g_str_has_suffix (path, ".svg") || g_str_has_suffix (path, ".ts");
}

char *
lw_document_read (const char *path, gsize *n, GError **error)
{
  g_autofree char *text = NULL;
  const char *end, *zero;
  GStatBuf info;

  /* Before it is read. */
  if (g_stat (path, &info) == 0 && info.st_size > LW_DOCUMENT_MAX_BYTES)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   _("%s: has %.0f bytes, a document may have %d"), path,
                   (double)info.st_size, LW_DOCUMENT_MAX_BYTES);
      return NULL;
    }
  if (!g_file_get_contents (path, &text, n, error))
    return NULL;
  zero = memchr (text, 0, *n);
  if (!g_utf8_validate_len (text, zero ? (gsize)(zero - text) : *n, &end) || zero)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   _("%s: is neither a picture, a film nor text in UTF-8 (byte 0x%02x at offset "
                     "%.0f)"),
                   path, (guint)(guchar)*end, (double)(end - text));
      return NULL;
    }
  return g_steal_pointer (&text);
}
