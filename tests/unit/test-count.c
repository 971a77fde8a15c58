/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/count.h"

#include <locale.h>

static void
check (gint64 n, const char *expected)
{
  g_autofree char *text = lw_count (n);

  g_assert_cmpstr (text, ==, expected);
}

/* What containers have. */
static void
test_c (void)
{
  static const char *const names[] = { "C", "C.UTF-8" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (!setlocale (LC_ALL, names[i]))
        {
          g_test_message ("no locale %s here", names[i]);
          continue;
        }
      check (0, "0");
      check (999, "999");
      check (1000, "1,000");
      check (30720, "30,720");
      check (123456, "123,456");
      check (1048576, "1,048,576");
      check (-999, "-999");
      check (-1000, "-1,000");
      check (G_MAXINT64, "9,223,372,036,854,775,807");
      check (G_MININT64, "-9,223,372,036,854,775,808");
    }
}

static void
test_german (void)
{
  if (!setlocale (LC_ALL, "de_DE.UTF-8"))
    {
      g_test_skip ("no locale de_DE.UTF-8 here");
      return;
    }
  check (999, "999");
  check (30720, "30.720");
  check (-1048576, "-1.048.576");
  setlocale (LC_ALL, "C");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/count/c", test_c);
  g_test_add_func ("/count/german", test_german);
  return g_test_run ();
}
