/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>
#include <locale.h>

#include "app/lw-application.h"

int
main (int argc, char **argv)
{
  g_autoptr (LwApplication) app = NULL;
  /* For tests, and for runs from a build folder. */
  const char *folder = g_getenv ("LW_LOCALEDIR");

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, folder ? folder : LW_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  g_set_application_name ("Longwave");
  app = lw_application_new ();
  return g_application_run (G_APPLICATION (app), argc, argv);
}
