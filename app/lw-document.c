/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-document.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

gboolean
lw_document_may_be (const char *path)
{
  g_autofree char *type = g_content_type_guess (path, NULL, 0, NULL);
  gboolean media = type && (g_str_has_prefix (type, "image/") || g_str_has_prefix (type, "video/"));

  /* A drawing in XML is text. */
  return !media || g_str_has_suffix (path, ".svg") || g_str_has_suffix (path, ".ts");
}

/* Marks and overrides of the direction, and what ends a line or a paragraph. */
static gboolean
disturbs (gunichar c)
{
  return g_unichar_iscntrl (c) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e)
         || (c >= 0x2066 && c <= 0x2069);
}

char *
lw_document_dup_name (const char *path)
{
  g_autofree char *shown = g_filename_display_basename (path);
  GString *name = g_string_new (NULL);

  for (const char *p = shown; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      g_string_append_unichar (name, disturbs (c) ? 0xfffd : c);
    }
  return g_string_free (name, FALSE);
}

void
lw_document_set_too_large (GError **error, const char *name, guint64 bytes)
{
  g_autofree char *size = g_format_size (bytes), *most = g_format_size (LW_DOCUMENT_MAX_BYTES);

  /* Translators: a file, its size and the largest size, such as 314 MB */
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
               _("“%s” is too large for a document: it has %s, at most %s can be read."), name, size, most);
}

/* Something that is there and may be read whole. */
static gboolean
check_kind (const char *path, const char *name, GError **error)
{
  GStatBuf info;

  if (g_stat (path, &info) != 0)
    {
      /* Translators: %s is a file, and why */
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), _("“%s” cannot be opened: %s"), name,
                   g_strerror (errno));
      return FALSE;
    }
  if (S_ISDIR (info.st_mode))
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   _("“%s” is a folder. The files in it can be attached."), name);
      return FALSE;
    }
  if (!S_ISREG (info.st_mode))
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, _("“%s” is not a file that can be read whole."), name);
      return FALSE;
    }
  if (info.st_size > LW_DOCUMENT_MAX_BYTES)
    {
      lw_document_set_too_large (error, name, (guint64)info.st_size);
      return FALSE;
    }
  return TRUE;
}

char *
lw_document_read (const char *path, gsize *n, GError **error)
{
  g_autofree char *name = lw_document_dup_name (path);
  g_autofree char *text = NULL;
  const char *end, *zero;

  if (!check_kind (path, name, error) || !g_file_get_contents (path, &text, n, error))
    return NULL;
  zero = memchr (text, 0, *n);
  if (!g_utf8_validate_len (text, zero ? (gsize)(zero - text) : *n, &end) || zero)
    {
      g_autofree char *sentence = g_strdup_printf (
          _("“%s” cannot be read. Longwave reads pictures, films and plain text."), name);
      /* Translators: the text of a file is no UTF-8 */
      g_autofree char *reason = g_strdup_printf (_("not text in UTF-8: byte 0x%02x at offset %.0f"),
                                                 (guint)(guchar)*end, (double)(end - text));

      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s\n%s", sentence, reason);
      return NULL;
    }
  return g_steal_pointer (&text);
}
