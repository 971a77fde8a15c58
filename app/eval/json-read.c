/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/json-read.h"

#include <string.h>

void
lw_eval_json_init (LwEvalJson *json, const char *text, gsize n)
{
  *json = (LwEvalJson){ .text = text, .n = n };
}

void
lw_eval_json_clear (LwEvalJson *json)
{
  g_clear_pointer (&json->error, g_free);
}

void
lw_eval_json_fail (LwEvalJson *json, const char *what)
{
  if (json->error == NULL)
    json->error = g_strdup_printf ("byte %" G_GSIZE_FORMAT ": %s", json->at, what);
}

static gboolean
fail (LwEvalJson *json, const char *what)
{
  lw_eval_json_fail (json, what);
  return FALSE;
}

/* The byte after white space, or 0 at the end. */
static char
next_byte (LwEvalJson *json)
{
  while (json->at < json->n && strchr (" \t\r\n", json->text[json->at]) != NULL && json->text[json->at] != 0)
    json->at++;
  return json->at < json->n ? json->text[json->at] : 0;
}

static gboolean
take (LwEvalJson *json, char wanted)
{
  if (json->error != NULL || next_byte (json) != wanted || wanted == 0)
    return FALSE;
  json->at++;
  return TRUE;
}

char
lw_eval_json_peek (LwEvalJson *json)
{
  char c = json->error != NULL ? 0 : next_byte (json);

  if (c == '{' || c == '[' || c == '"' || c == 't' || c == 'f')
    return c;
  return c == 'n' ? '0' : c == '-' || g_ascii_isdigit (c) ? 'n' : 0;
}

static gboolean
enter (LwEvalJson *json, char opening, const char *what)
{
  if (!take (json, opening))
    return fail (json, what);
  if (json->depth == LW_EVAL_JSON_DEPTH)
    return fail (json, "nested deeper than 16 levels");
  json->first[json->depth++] = TRUE;
  return TRUE;
}

/* Past the comma before another member, or past the closing byte. */
static gboolean
next (LwEvalJson *json, char closing)
{
  gboolean first;

  if (json->error != NULL || json->depth == 0)
    return FALSE;
  first = json->first[json->depth - 1];
  json->first[json->depth - 1] = FALSE;
  if (take (json, closing))
    {
      json->depth--;
      return FALSE;
    }
  if (!first && !take (json, ','))
    return fail (json, "a comma or a closing bracket is missing");
  return TRUE;
}

gboolean
lw_eval_json_object (LwEvalJson *json)
{
  return enter (json, '{', "not an object");
}

gboolean
lw_eval_json_array (LwEvalJson *json)
{
  return enter (json, '[', "not an array");
}

gboolean
lw_eval_json_object_next (LwEvalJson *json, char **key_taken)
{
  *key_taken = NULL;
  if (!next (json, '}'))
    return FALSE;
  if ((*key_taken = lw_eval_json_string (json)) == NULL)
    return FALSE;
  if (take (json, ':'))
    return TRUE;
  g_clear_pointer (key_taken, g_free);
  return fail (json, "no colon after a key");
}

gboolean
lw_eval_json_array_next (LwEvalJson *json)
{
  return next (json, ']');
}

/* Four hexadecimal digits at `at`, or -1. */
static int
hex4 (const LwEvalJson *json, gsize at)
{
  int value = 0;

  if (at > json->n || json->n - at < 4)
    return -1;
  for (guint i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (json->text[at + i]);

      if (digit < 0)
        return -1;
      value = value * 16 + digit;
    }
  return value;
}

/* json->at is behind "\u". */
static gboolean
read_unicode (LwEvalJson *json, GString *out)
{
  int unit = hex4 (json, json->at), low;

  if (unit <= 0)
    return fail (json, unit == 0 ? "a string has a NUL" : "not four hexadecimal digits after \\u");
  json->at += 4;
  if (unit >= 0xdc00 && unit <= 0xdfff)
    return fail (json, "half a surrogate pair");
  if (unit >= 0xd800 && unit <= 0xdbff)
    {
      if (json->n - json->at < 6 || json->text[json->at] != '\\' || json->text[json->at + 1] != 'u')
        return fail (json, "half a surrogate pair");
      low = hex4 (json, json->at + 2);
      if (low < 0xdc00 || low > 0xdfff)
        return fail (json, "half a surrogate pair");
      json->at += 6;
      unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
  if (out != NULL)
    g_string_append_unichar (out, unit);
  return TRUE;
}

/* json->at is behind the backslash. */
static gboolean
read_escape (LwEvalJson *json, GString *out)
{
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  char c = json->at < json->n ? json->text[json->at] : 0;
  const char *letter;

  json->at++;
  if (c == 'u')
    return read_unicode (json, out);
  letter = c != 0 ? strchr (letters, c) : NULL;
  if (letter == NULL)
    return fail (json, "no such escape");
  if (out != NULL)
    g_string_append_c (out, meant[letter - letters]);
  return TRUE;
}

/* out: NULL to pass over it. */
static gboolean
read_string (LwEvalJson *json, GString *out)
{
  if (!take (json, '"'))
    return fail (json, "not a string");
  for (;;)
    {
      gsize start = json->at;

      while (json->at < json->n && json->text[json->at] != '"' && json->text[json->at] != '\\'
             && (guchar) json->text[json->at] >= 0x20)
        json->at++;
      if (!g_utf8_validate_len (json->text + start, json->at - start, NULL))
        return fail (json, "a string is not UTF-8");
      if (out != NULL)
        g_string_append_len (out, json->text + start, json->at - start);
      if (json->at == json->n)
        return fail (json, "a string does not end");
      if (json->text[json->at] == '"')
        break;
      if (json->text[json->at] != '\\')
        return fail (json, "a control character in a string");
      json->at++;
      if (!read_escape (json, out))
        return FALSE;
    }
  json->at++;
  return TRUE;
}

char *
lw_eval_json_string (LwEvalJson *json)
{
  GString *out;

  if (json->error != NULL)
    return NULL;
  out = g_string_new (NULL);
  if (read_string (json, out))
    return g_string_free (out, FALSE);
  g_string_free (out, TRUE);
  return NULL;
}

/* Past a number; its text is from *start on. */
static gboolean
read_number (LwEvalJson *json, gsize *start)
{
  if (lw_eval_json_peek (json) != 'n')
    return fail (json, "not a number");
  *start = json->at;
  while (json->at < json->n && json->text[json->at] != 0
         && (g_ascii_isdigit (json->text[json->at]) || strchr ("+-.eE", json->text[json->at]) != NULL))
    json->at++;
  return TRUE;
}

gboolean
lw_eval_json_integer (LwEvalJson *json, gint64 *value)
{
  gsize start;
  g_autofree char *digits = NULL;

  if (json->error != NULL || !read_number (json, &start))
    return FALSE;
  digits = g_strndup (json->text + start, MIN (json->at - start, 32));
  if (!g_ascii_string_to_signed (digits, 10, G_MININT64, G_MAXINT64, value, NULL))
    return fail (json, "not an integer");
  return TRUE;
}

static gboolean
skip_word (LwEvalJson *json)
{
  static const char *const words[] = { "true", "false", "null" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize n = strlen (words[i]);

      if (json->n - json->at >= n && memcmp (json->text + json->at, words[i], n) == 0)
        {
          json->at += n;
          return TRUE;
        }
    }
  return fail (json, "not a value");
}

gboolean
lw_eval_json_skip (LwEvalJson *json)
{
  gsize start;

  /* The depth that enter() allows bounds this recursion. */
  switch (lw_eval_json_peek (json))
    {
    case '{':
      if (!lw_eval_json_object (json))
        return FALSE;
      while (next (json, '}'))
        {
          if (!read_string (json, NULL))
            return FALSE;
          if (!take (json, ':'))
            return fail (json, "no colon after a key");
          if (!lw_eval_json_skip (json))
            return FALSE;
        }
      return json->error == NULL;
    case '[':
      if (!lw_eval_json_array (json))
        return FALSE;
      while (next (json, ']'))
        if (!lw_eval_json_skip (json))
          return FALSE;
      return json->error == NULL;
    case '"':
      return read_string (json, NULL);
    case 'n':
      return read_number (json, &start);
    default:
      return json->error == NULL && next_byte (json) != 0 ? skip_word (json)
                                                          : fail (json, "a value is missing");
    }
}

gboolean
lw_eval_json_end (LwEvalJson *json)
{
  if (json->error == NULL && next_byte (json) == 0 && json->at == json->n)
    return TRUE;
  return fail (json, "more after the end");
}
