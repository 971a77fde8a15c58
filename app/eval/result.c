/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/result.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

void
lw_eval_result_free (LwEvalResult *r)
{
  if (r == NULL)
    return;
  g_free (r->task);
  g_free (r->attention);
  g_free (r->kind);
  g_free (r->answer);
  g_free (r->reply);
  g_free (r->stop);
  g_free (r);
}

void
lw_eval_manifest_free (LwEvalManifest *m)
{
  if (m == NULL)
    return;
  g_free (m->task);
  g_free (m->generator);
  g_free (m->sha256);
  g_free (m);
}

int
lw_eval_result_compare (const LwEvalResult *a, const LwEvalResult *b)
{
  int by = strcmp (a->task, b->task);

  if (by == 0)
    by = (a->size > b->size) - (a->size < b->size);
  if (by == 0)
    by = strcmp (a->attention, b->attention);
  if (by == 0)
    by = (a->session > b->session) - (a->session < b->session);
  return by != 0 ? by : (a->turn > b->turn) - (a->turn < b->turn);
}

/* ---- The fields of a line ---- */

typedef enum {
  TEXT,   /* char * */
  INT,    /* int */
  INT64,
  UINT64, /* a string of hexadecimal digits: JSON's numbers end at 2^53 */
  NUMBER, /* double */
  BOOL,
} FieldKind;

typedef struct {
  const char *name;
  FieldKind kind;
  gsize offset;
  double least, most; /* of INT, INT64 and NUMBER */
} Field;

#define R(kind, field, least, most) { #field, kind, G_STRUCT_OFFSET (LwEvalResult, field), least, most }
#define M(kind, field, least, most) { #field, kind, G_STRUCT_OFFSET (LwEvalManifest, field), least, most }
#define COUNT_MAX 1e15
#define SECONDS_MAX 1e9
#define MAX_LEVELS 8

static const Field result_fields[] = {
  R (TEXT, task, 0, 0),
  R (INT, size, 1, G_MAXINT),
  R (TEXT, attention, 0, 0),
  R (INT, session, 0, G_MAXINT),
  R (INT, turn, 0, LW_EVAL_MAX_TURNS - 1),
  R (TEXT, kind, 0, 0),
  R (NUMBER, depth, -1, 1),
  R (NUMBER, strict, 0, 1),
  R (NUMBER, compat, 0, 1),
  R (BOOL, graded, 0, 0),
  R (TEXT, answer, 0, 0),
  R (TEXT, reply, 0, 0),
  R (TEXT, stop, 0, 0),
  R (INT64, n_prompt, 0, COUNT_MAX),
  R (INT64, n_shared, 0, COUNT_MAX),
  R (INT64, n_reused, 0, COUNT_MAX),
  R (INT64, n_generated, 0, COUNT_MAX),
  R (INT64, kv_bytes, 0, COUNT_MAX),
  R (NUMBER, first_token, 0, SECONDS_MAX),
  R (NUMBER, vision_seconds, 0, SECONDS_MAX),
  R (NUMBER, prefill_seconds, 0, SECONDS_MAX),
  R (NUMBER, generate_seconds, 0, SECONDS_MAX),
};

static const Field manifest_fields[] = {
  M (TEXT, task, 0, 0),
  M (INT, size, 1, G_MAXINT),
  M (INT, session, 0, G_MAXINT),
  M (UINT64, seed, 0, 0),
  M (TEXT, generator, 0, 0),
  M (INT, units, 0, G_MAXINT),
  M (INT, turns, 1, LW_EVAL_MAX_TURNS),
  M (INT64, n_tokens, 0, COUNT_MAX),
  M (TEXT, sha256, 0, 0),
};

/* ---- Writing ---- */

static void
add_fields (JsonBuilder *b, const void *thing, const Field *fields, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      const char *at = (const char *) thing + fields[i].offset;

      json_builder_set_member_name (b, fields[i].name);
      switch (fields[i].kind)
        {
        case TEXT:
          json_builder_add_string_value (b, *(char *const *) at ? *(char *const *) at : "");
          break;
        case INT:
          json_builder_add_int_value (b, *(const int *) at);
          break;
        case INT64:
          json_builder_add_int_value (b, *(const gint64 *) at);
          break;
        case UINT64:
          {
            g_autofree char *hex = g_strdup_printf ("%016" G_GINT64_MODIFIER "x", *(const guint64 *) at);
            json_builder_add_string_value (b, hex);
          }
          break;
        case NUMBER:
          json_builder_add_double_value (b, *(const double *) at);
          break;
        case BOOL:
          json_builder_add_boolean_value (b, *(const gboolean *) at);
          break;
        }
    }
}

static char *
to_line (const char *what, const void *thing, const Field *fields, gsize n)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();

  json_builder_begin_object (b);
  json_builder_set_member_name (b, "what");
  json_builder_add_string_value (b, what);
  add_fields (b, thing, fields, n);
  json_builder_end_object (b);

  g_autoptr (JsonNode) root = json_builder_get_root (b);
  g_autofree char *text = json_to_string (root, FALSE);
  return g_strconcat (text, "\n", NULL);
}

char *
lw_eval_result_to_line (const LwEvalResult *r)
{
  return to_line ("turn", r, result_fields, G_N_ELEMENTS (result_fields));
}

char *
lw_eval_manifest_to_line (const LwEvalManifest *m)
{
  return to_line ("sample", m, manifest_fields, G_N_ELEMENTS (manifest_fields));
}

/* ---- Reading ---- */

static gboolean
bad (GError **error, const char *name, const char *why)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "field \"%s\" %s", name, why);
  return FALSE;
}

static gboolean
read_number (JsonNode *node, const Field *f, double *value, GError **error)
{
  GType type = node ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (type != G_TYPE_INT64 && (type != G_TYPE_DOUBLE || f->kind != NUMBER))
    return bad (error, f->name, f->kind == NUMBER ? "is not a number" : "is not a whole number");
  *value = json_node_get_double (node);
  if (type == G_TYPE_INT64)
    *value = (double) json_node_get_int (node);
  if (!(*value >= f->least && *value <= f->most))
    return bad (error, f->name, "is out of range");
  return TRUE;
}

static gboolean
read_field (JsonNode *node, const Field *f, char *at, GError **error)
{
  double v;

  switch (f->kind)
    {
    case TEXT:
    case UINT64:
      if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
        return bad (error, f->name, "is not a text");
      if (f->kind == TEXT)
        *(char **) at = g_strdup (json_node_get_string (node));
      else if (!g_ascii_string_to_unsigned (json_node_get_string (node), 16, 0, G_MAXUINT64, (guint64 *) at, NULL))
        return bad (error, f->name, "is not a hexadecimal number");
      return TRUE;
    case INT:
      if (!read_number (node, f, &v, error))
        return FALSE;
      *(int *) at = (int) v;
      return TRUE;
    case INT64:
      if (!read_number (node, f, &v, error))
        return FALSE;
      *(gint64 *) at = json_node_get_int (node);
      return TRUE;
    case NUMBER:
      return read_number (node, f, (double *) at, error);
    case BOOL:
      if (node == NULL || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
        return bad (error, f->name, "is neither true nor false");
      *(gboolean *) at = json_node_get_boolean (node);
      return TRUE;
    }
  g_return_val_if_reached (FALSE);
}

static JsonNode *
value_member (JsonObject *o, const char *name)
{
  JsonNode *node = json_object_get_member (o, name);

  return node && JSON_NODE_HOLDS_VALUE (node) ? node : NULL;
}

static gboolean
read_fields (JsonObject *o, const Field *fields, gsize n, void *thing, GError **error)
{
  for (gsize i = 0; i < n; i++)
    if (!read_field (value_member (o, fields[i].name), &fields[i], (char *) thing + fields[i].offset, error))
      return FALSE;
  return TRUE;
}

/* json-glib calls itself for every level and takes comments and other quotes, in which levels could hide. */
static gboolean
check_form (const char *line, gsize n, GError **error)
{
  gboolean in_text = FALSE;
  int level = 0;

  for (gsize i = 0; i < n; i++)
    {
      char c = line[i];

      if (in_text && c == '\\')
        i++;
      else if (c == '"')
        in_text = !in_text;
      else if (in_text)
        continue;
      else if (c == '{' || c == '[')
        level++;
      else if (c == '}' || c == ']')
        level--;
      else if (!g_ascii_isalnum (c) && !strchr (",:.+- \t\r\n", c))
        level = MAX_LEVELS + 1;
      if (level > MAX_LEVELS)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "byte %" G_GSIZE_FORMAT " does not belong in a line",
                       i + 1);
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
lw_eval_line_parse (const char *line, gsize n, LwEvalResult **result, LwEvalManifest **manifest, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (LwEvalResult) r = NULL;
  g_autoptr (LwEvalManifest) m = NULL;

  *result = NULL;
  *manifest = NULL;
  if (n > LW_EVAL_LINE_MAX)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "a line of %" G_GSIZE_FORMAT " bytes, more than the limit of %d", n, LW_EVAL_LINE_MAX);
      return FALSE;
    }
  if (!g_utf8_validate (line, (gssize) n, NULL))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "not UTF-8 text");
      return FALSE;
    }
  if (!check_form (line, n, error))
    return FALSE;
  if (!json_parser_load_from_data (parser, line, (gssize) n, error))
    return FALSE;

  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "not an object");
      return FALSE;
    }
  JsonObject *o = json_node_get_object (root);
  JsonNode *node = value_member (o, "what");
  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return bad (error, "what", "is not a text");
  const char *what = json_node_get_string (node);

  if (strcmp (what, "turn") == 0)
    {
      r = g_new0 (LwEvalResult, 1);
      if (!read_fields (o, result_fields, G_N_ELEMENTS (result_fields), r, error))
        return FALSE;
      *result = g_steal_pointer (&r);
    }
  else if (strcmp (what, "sample") == 0)
    {
      m = g_new0 (LwEvalManifest, 1);
      if (!read_fields (o, manifest_fields, G_N_ELEMENTS (manifest_fields), m, error))
        return FALSE;
      *manifest = g_steal_pointer (&m);
    }
  return TRUE;
}
