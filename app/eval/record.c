/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/record.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_NAME "results.jsonl"

struct _LwEvalRecord {
  char *path;
  int fd;
  GPtrArray *results, *manifests;
};

static gboolean
fail_errno (GError **error, const char *path, int saved)
{
  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved), "%s: %s", path, g_strerror (saved));
  return FALSE;
}

static gboolean
write_all (int fd, const char *bytes, gsize n)
{
  while (n > 0)
    {
      gssize wrote = write (fd, bytes, n);

      if (wrote < 0 && errno == EINTR)
        continue;
      if (wrote < 0)
        return FALSE;
      bytes += wrote;
      n -= (gsize) wrote;
    }
  return TRUE;
}

gboolean
lw_eval_record_add (LwEvalRecord *record, const char *line, GError **error)
{
  off_t before = lseek (record->fd, 0, SEEK_END);
  int saved;

  if (write_all (record->fd, line, strlen (line)))
    return TRUE;
  saved = errno;
  /* Half a line would spoil the next one. */
  if (before < 0 || ftruncate (record->fd, before) != 0)
    g_debug ("%s: cannot be cut back", record->path);
  return fail_errno (error, record->path, saved);
}

/* ---- Settings ---- */

static char *
settings_line (const char *const *settings)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();

  json_builder_begin_object (b);
  json_builder_set_member_name (b, "what");
  json_builder_add_string_value (b, "run");
  for (gsize i = 0; settings[i] != NULL; i += 2)
    {
      json_builder_set_member_name (b, settings[i]);
      json_builder_add_string_value (b, settings[i + 1]);
    }
  json_builder_end_object (b);

  g_autoptr (JsonNode) root = json_builder_get_root (b);
  g_autofree char *text = json_to_string (root, FALSE);
  return g_strconcat (text, "\n", NULL);
}

/* The line was accepted by lw_eval_line_parse(). */
static gboolean
check_settings (const char *path, const char *line, gsize n, const char *const *settings, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();

  if (!json_parser_load_from_data (parser, line, (gssize) n, error))
    return FALSE;
  JsonObject *o = json_node_get_object (json_parser_get_root (parser));
  for (gsize i = 0; settings[i] != NULL; i += 2)
    {
      JsonNode *node = json_object_get_member (o, settings[i]);
      const char *was = node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
                          ? json_node_get_string (node)
                          : "(nothing)";

      if (strcmp (was, settings[i + 1]) != 0)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       "%s was begun with %s \"%s\", not \"%s\": results would not be comparable", path,
                       settings[i], was, settings[i + 1]);
          return FALSE;
        }
    }
  return TRUE;
}

/* ---- Reading ---- */

static int
by_question (gconstpointer a, gconstpointer b)
{
  return lw_eval_result_compare (*(LwEvalResult *const *) a, *(LwEvalResult *const *) b);
}

void
lw_eval_results_tidy (GPtrArray *results)
{
  /* Stable, so that later lines stay behind earlier ones. */
  g_ptr_array_sort (results, by_question);
  for (guint i = 0; i + 1 < results->len;)
    if (lw_eval_result_compare (results->pdata[i], results->pdata[i + 1]) == 0)
      g_ptr_array_remove_index (results, i);
    else
      i++;
}

static gboolean
read_line (LwEvalRecord *record, const char *line, gsize n, guint number, const char *const *settings,
           GError **error)
{
  LwEvalResult *result;
  LwEvalManifest *manifest;

  if (!lw_eval_line_parse (line, n, &result, &manifest, error))
    {
      g_prefix_error (error, "%s: line %u: ", record->path, number);
      return FALSE;
    }
  if (result != NULL)
    g_ptr_array_add (record->results, result);
  if (manifest != NULL)
    g_ptr_array_add (record->manifests, manifest);
  if (number == 1)
    return check_settings (record->path, line, n, settings, error);
  return TRUE;
}

static gboolean
read_all (LwEvalRecord *record, const char *const *settings, GError **error)
{
  off_t size = lseek (record->fd, 0, SEEK_END);
  g_autoptr (GMappedFile) file = NULL;
  guint number = 0;

  if (size < 0)
    return fail_errno (error, record->path, errno);
  if (size > LW_EVAL_RECORD_MAX)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "%s: %" G_GINT64_FORMAT " bytes, more than the limit of %lld", record->path, (gint64) size,
                   LW_EVAL_RECORD_MAX);
      return FALSE;
    }
  if (size == 0)
    return TRUE;
  file = g_mapped_file_new_from_fd (record->fd, FALSE, error);
  if (file == NULL)
    return FALSE;

  const char *text = g_mapped_file_get_contents (file), *end = text + g_mapped_file_get_length (file);
  const char *at = text;
  for (const char *next; (next = memchr (at, '\n', (gsize) (end - at))) != NULL; at = next + 1)
    if (!read_line (record, at, (gsize) (next - at), ++number, settings, error))
      return FALSE;
  if (at < end && ftruncate (record->fd, at - text) != 0)
    return fail_errno (error, record->path, errno);
  return TRUE;
}

/* ---- Opening ---- */

LwEvalRecord *
lw_eval_record_open (const char *folder, const char *const *settings, gboolean resume, GError **error)
{
  LwEvalRecord *record = g_new0 (LwEvalRecord, 1);

  record->path = g_build_filename (folder, FILE_NAME, NULL);
  record->results = g_ptr_array_new_with_free_func ((GDestroyNotify) lw_eval_result_free);
  record->manifests = g_ptr_array_new_with_free_func ((GDestroyNotify) lw_eval_manifest_free);
  record->fd = -1;
  if (g_mkdir_with_parents (folder, 0755) != 0)
    {
      fail_errno (error, folder, errno);
      goto fail;
    }
  record->fd = open (record->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (record->fd < 0)
    {
      fail_errno (error, record->path, errno);
      goto fail;
    }
  if (flock (record->fd, LOCK_EX | LOCK_NB) != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "%s: another run is writing to it", record->path);
      goto fail;
    }
  if (!resume && lseek (record->fd, 0, SEEK_END) > 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, "%s holds results already; --resume goes on with them",
                   record->path);
      goto fail;
    }
  if (!read_all (record, settings, error))
    goto fail;
  lw_eval_results_tidy (record->results);
  if (lseek (record->fd, 0, SEEK_END) == 0)
    {
      g_autofree char *line = settings_line (settings);
      if (!lw_eval_record_add (record, line, error))
        goto fail;
    }
  return record;

fail:
  lw_eval_record_free (record);
  return NULL;
}

void
lw_eval_record_free (LwEvalRecord *record)
{
  if (record == NULL)
    return;
  if (record->fd >= 0)
    close (record->fd); /* and the lock goes */
  g_clear_pointer (&record->results, g_ptr_array_unref);
  g_clear_pointer (&record->manifests, g_ptr_array_unref);
  g_free (record->path);
  g_free (record);
}

GPtrArray *
lw_eval_record_take_results (LwEvalRecord *record)
{
  return g_steal_pointer (&record->results);
}

GPtrArray *
lw_eval_record_take_manifests (LwEvalRecord *record)
{
  return g_steal_pointer (&record->manifests);
}
