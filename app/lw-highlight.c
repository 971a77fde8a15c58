/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-highlight.h"

#include <gtksourceview/gtksource.h>

#include "app/lw-contrast.h"

/* What is written after fences and is neither an id of GtkSourceView nor an extension it knows. */
static const struct
{
  const char *alias, *id;
} aliases[] = {
  { "bash", "sh" },         { "c#", "c-sharp" },       { "c++", "cpp" },     { "console", "sh" },
  { "csharp", "c-sharp" },  { "docker", "dockerfile" }, { "golang", "go" },  { "javascript", "js" },
  { "jsx", "jsx" },         { "objective-c", "objc" }, { "plaintext", NULL }, { "py", "python3" },
  { "python", "python3" },  { "shell", "sh" },         { "tex", "latex" },   { "text", NULL },
  { "ts", "typescript" },   { "yml", "yaml" },         { "zsh", "sh" },      { "html5", "html" },
};

/* GtkSourceView's, with the schema of data/language-specs.  The source tree's is for a program that lies in
 * the build folder. */
static GtkSourceLanguageManager *
get_languages (void)
{
  static GtkSourceLanguageManager *manager;
  g_autofree char *exe = NULL;
  const char *specs = LW_INSTALLED_SPECS;

  if (manager)
    return manager;
  manager = gtk_source_language_manager_new ();
  exe = g_file_read_link ("/proc/self/exe", NULL);
  if (exe && g_str_has_prefix (exe, LW_BUILD_DIR "/"))
    specs = LW_SOURCE_SPECS;
  if (g_file_test (specs, G_FILE_TEST_IS_DIR))
    gtk_source_language_manager_prepend_search_path (manager, specs);
  return manager;
}

static GtkSourceLanguage *
find_language (const char *language)
{
  GtkSourceLanguageManager *manager = get_languages ();
  g_autofree char *lower = NULL, *file = NULL;
  GtkSourceLanguage *found;
  const char *id;

  if (!language || !*language)
    return NULL;
  lower = g_ascii_strdown (language, -1);
  id = lower;
  for (gsize i = 0; i < G_N_ELEMENTS (aliases); i++)
    if (g_str_equal (lower, aliases[i].alias))
      id = aliases[i].id;
  if (!id)
    return NULL;
  found = gtk_source_language_manager_get_language (manager, id);
  if (!found)
    {
      file = g_strconcat ("code.", lower, NULL);
      found = gtk_source_language_manager_guess_language (manager, file, NULL);
    }
  /* Pieces of grammars that others include, such as "def": GtkSourceView crashes when it colours by one. */
  return found && !gtk_source_language_get_hidden (found) ? found : NULL;
}

char *
lw_highlight_dup_language_name (const char *language)
{
  GtkSourceLanguage *found = find_language (language);

  return found ? g_strdup (gtk_source_language_get_name (found)) : NULL;
}

static void
add (PangoAttrList *list, PangoAttribute *attribute, guint start, guint end)
{
  attribute->start_index = start;
  attribute->end_index = end;
  pango_attr_list_insert (list, attribute);
}

/* What a tag looks like, over the bytes from start to end. */
static void
add_tag (PangoAttrList *list, GtkTextTag *tag, const GdkRGBA *ground, double contrast, guint start, guint end)
{
  g_autoptr (GdkRGBA) colour = NULL;
  gboolean has_colour, has_weight, has_style;
  PangoStyle style;
  int weight;

  g_object_get (tag, "foreground-set", &has_colour, "foreground-rgba", &colour, "weight-set",
                &has_weight, "weight", &weight, "style-set", &has_style, "style", &style, NULL);
  if (has_colour && colour)
    {
      GdkRGBA c = lw_contrast_at_least (colour, ground, contrast);

      add (list,
           pango_attr_foreground_new ((guint16)(c.red * 65535), (guint16)(c.green * 65535), (guint16)(c.blue * 65535)),
           start, end);
    }
  if (has_weight)
    add (list, pango_attr_weight_new ((PangoWeight)weight), start, end);
  if (has_style)
    add (list, pango_attr_style_new (style), start, end);
}

PangoAttrList *
lw_highlight (const char *code, const char *language, gboolean dark, double contrast)
{
  static GtkSourceBuffer *buffer;
  GtkSourceLanguage *found = find_language (language);
  GtkSourceStyleSchemeManager *schemes = gtk_source_style_scheme_manager_get_default ();
  GtkTextBuffer *text;
  PangoAttrList *list;
  GtkTextIter at, end;
  GdkRGBA ground;
  guint offset = 0;

  if (!found)
    return NULL;
  gdk_rgba_parse (&ground, dark ? LW_HIGHLIGHT_GROUND_DARK : LW_HIGHLIGHT_GROUND_LIGHT);
  if (!buffer)
    buffer = gtk_source_buffer_new (NULL);
  text = GTK_TEXT_BUFFER (buffer);
  gtk_source_buffer_set_style_scheme (
      buffer, gtk_source_style_scheme_manager_get_scheme (schemes, dark ? "Adwaita-dark" : "Adwaita"));
  gtk_source_buffer_set_highlight_matching_brackets (buffer, FALSE);
  gtk_source_buffer_set_language (buffer, found);
  gtk_text_buffer_set_text (text, code, -1);
  gtk_text_buffer_get_bounds (text, &at, &end);
  gtk_source_buffer_ensure_highlight (buffer, &at, &end);

  list = pango_attr_list_new ();
  while (!gtk_text_iter_is_end (&at))
    {
      GtkTextIter start = at;
      g_autoptr (GSList) tags = gtk_text_iter_get_tags (&at);
      guint from = offset;

      if (!gtk_text_iter_forward_to_tag_toggle (&at, NULL))
        gtk_text_iter_forward_to_end (&at);
      g_autofree char *slice = gtk_text_iter_get_slice (&start, &at);
      offset += (guint)strlen (slice);
      for (GSList *l = tags; l; l = l->next)
        add_tag (list, l->data, &ground, contrast, from, offset);
    }
  gtk_text_buffer_set_text (text, "", 0);
  return list;
}
