/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model may write any word after a fence: no grammar of GtkSourceView may crash the program.
 */
#include "app/lw-contrast.h"
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
      g_autoptr (PangoAttrList) list = lw_highlight (code, *ids, FALSE, LW_CONTRAST_TEXT);

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
      g_autoptr (PangoAttrList) list = lw_highlight ("x = \"1\"\n", cases[i].written, TRUE, LW_CONTRAST_TEXT);

      /* "Python 3", as some versions say. */
      g_assert_true (name ? cases[i].name && g_str_has_prefix (name, cases[i].name) : !cases[i].name);
      g_assert_true ((list != NULL) == (name != NULL));
    }
}

/* The least contrast of all the colours in code, and that of the comment in it. */
static double
least_contrast (const char *language, gboolean dark, double wanted, double *of_comment)
{
  g_autoptr (PangoAttrList) list = lw_highlight (code, language, dark, wanted);
  g_autoptr (GSList) attributes = list ? pango_attr_list_get_attributes (list) : NULL;
  guint comment = (guint)(strstr (code, "# h") - code);
  double least = 21;
  GdkRGBA ground;

  gdk_rgba_parse (&ground, dark ? LW_HIGHLIGHT_GROUND_DARK : LW_HIGHLIGHT_GROUND_LIGHT);
  for (GSList *l = attributes; l; l = l->next)
    {
      PangoAttribute *a = l->data;

      if (a->klass->type == PANGO_ATTR_FOREGROUND)
        {
          PangoColor c = ((PangoAttrColor *)a)->color;
          GdkRGBA rgba = { (float)c.red / 65535, (float)c.green / 65535, (float)c.blue / 65535, 1 };
          double contrast = lw_contrast (&rgba, &ground);

          least = MIN (least, contrast);
          if (of_comment && a->start_index <= comment && a->end_index > comment)
            *of_comment = contrast;
        }
      pango_attribute_destroy (a);
    }
  return least;
}

/* Everything that is coloured can be read, and those who asked for high contrast get it. */
static void
test_contrast (void)
{
  g_autoptr (GtkSourceLanguageManager) manager = gtk_source_language_manager_new ();
  const char *const *ids = gtk_source_language_manager_get_language_ids (manager);
  const double wanted[] = { LW_CONTRAST_TEXT, LW_CONTRAST_HIGH };

  for (int dark = 0; dark < 2; dark++)
    {
      double comment = 0;

      /* As GtkSourceView has it: else this file would not be needed. */
      g_assert_cmpfloat (least_contrast ("sh", dark, 1, NULL), <, LW_CONTRAST_HIGH);
      least_contrast ("sh", dark, LW_CONTRAST_HIGH, &comment);
      g_assert_cmpfloat (comment, >=, LW_CONTRAST_HIGH - 0.01);
      for (gsize k = 0; k < G_N_ELEMENTS (wanted); k++)
        for (gsize i = 0; ids[i]; i++)
          g_assert_cmpfloat (least_contrast (ids[i], dark, wanted[k], NULL), >=, wanted[k] - 0.01);
    }
}

static void
test_contrast_of_two (void)
{
  static const GdkRGBA black = { 0, 0, 0, 1 }, white = { 1, 1, 1, 1 };
  GdkRGBA grey, enough, most;

  gdk_rgba_parse (&grey, "#777777");
  g_assert_cmpfloat_with_epsilon (lw_contrast (&black, &white), 21, 0.001);
  g_assert_cmpfloat_with_epsilon (lw_contrast (&white, &grey), 4.478, 0.001); /* just too little */
  enough = lw_contrast_at_least (&grey, &black, 3);
  g_assert_true (gdk_rgba_equal (&enough, &grey));
  enough = lw_contrast_at_least (&grey, &white, 7);
  g_assert_cmpfloat (lw_contrast (&enough, &white), >=, 7);
  g_assert_cmpfloat (lw_contrast (&enough, &white), <, 7.2);
  most = lw_contrast_at_least (&grey, &grey, 20);
  g_assert_cmpfloat_with_epsilon (lw_contrast (&most, &black), 1, 0.001);
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
  g_test_add_func ("/highlight/contrast", test_contrast);
  g_test_add_func ("/highlight/contrast-of-two", test_contrast_of_two);
  return g_test_run ();
}
