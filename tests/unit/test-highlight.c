/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model may write any word after a fence: no grammar of GtkSourceView may crash the program.
 */
#include "app/lw-highlight.h"

#include <gtksourceview/gtksource.h>
#include <time.h>

static const char code[] = "{\"a\": [1, true]} // x\nfunction f(a) { return \"s\" + 1.5; }\n"
                           "<b>x</b> /* c */\ndef g(): pass\n# h\n$x = 'q';\n\\begin{a}\n";

static void
test_every_language (void)
{
  g_autoptr (GtkSourceLanguageManager) manager = gtk_source_language_manager_new ();
  const char *const *ids = gtk_source_language_manager_get_language_ids (manager);
  guint n_coloured = 0, n_hidden = 0;

  g_assert_nonnull (ids);
  for (; *ids; ids++)
    {
      GtkSourceLanguage *language = gtk_source_language_manager_get_language (manager, *ids);
      gboolean hidden = gtk_source_language_get_hidden (language);
      g_autofree char *name = lw_highlight_dup_language_name (*ids);
      clock_t begin = clock ();
      g_autoptr (PangoAttrList) list = lw_highlight (code, *ids, FALSE);

      g_test_message ("%s: %.0f ms", *ids, 1e3 * (double)(clock () - begin) / CLOCKS_PER_SEC);
      n_hidden += hidden;
      n_coloured += list != NULL;
      if (hidden)
        g_assert_null (list);
    }
  g_assert_cmpuint (n_coloured, >, 100);
  g_assert_cmpuint (n_hidden, >, 0);
}

static void
test_names (void)
{
  static const struct
  {
    const char *written, *name;
  } cases[] = {
    { "py", "Python" }, { "Python", "Python" }, { "c++", "C++" }, { "JSON", "JSON" },
    { "js", "JavaScript" }, { "text", NULL }, { "def", NULL }, { "nosuch", NULL }, { "", NULL }, { NULL, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = lw_highlight_dup_language_name (cases[i].written);
      g_autoptr (PangoAttrList) list = lw_highlight ("x = \"1\"\n", cases[i].written, TRUE);

      /* "Python 3", as some versions say. */
      g_assert_true (name ? cases[i].name && g_str_has_prefix (name, cases[i].name) : !cases[i].name);
      g_assert_true ((list != NULL) == (name != NULL));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  gtk_source_init ();
  /* Some grammars have expressions that today's PCRE2 warns of. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/highlight/every-language", test_every_language);
  g_test_add_func ("/highlight/names", test_names);
  return g_test_run ();
}
