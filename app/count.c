/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/count.h"

#include <locale.h>
#include <string.h>

/* A comma before each three digits but the first. */
static char *
with_commas (gint64 n)
{
  g_autofree char *digits = g_strdup_printf ("%" G_GINT64_FORMAT, n);
  gsize sign = *digits == '-', length = strlen (digits);
  GString *s = g_string_new (NULL);

  for (gsize i = 0; i < length; i++)
    {
      if (i > sign && (length - i) % 3 == 0)
        g_string_append_c (s, ',');
      g_string_append_c (s, digits[i]);
    }
  return g_string_free (s, FALSE);
}

char *
lw_count (gint64 n)
{
  const struct lconv *l = localeconv ();
  g_autofree char *text = NULL;
  char *utf8;

  if (!*l->thousands_sep && g_str_equal (l->decimal_point, "."))
    return with_commas (n);
  text = g_strdup_printf ("%'" G_GINT64_FORMAT, n);
  utf8 = g_locale_to_utf8 (text, -1, NULL, NULL, NULL);
  return utf8 ? utf8 : g_strdup_printf ("%" G_GINT64_FORMAT, n);
}
