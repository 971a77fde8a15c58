/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A long text that is inserted bit by bit: what of it is there, whatever else happens to the buffer.
 */
#include <string.h>

#include "app/lw-long-paste.h"

static char *
make_text (void)
{
  GString *s = g_string_new (NULL);

  for (int i = 0; i < 4000; i++)
    g_string_append_printf (s, "line %d, żółw\r\n", i);
  g_assert_cmpuint (s->len, >, 4 * LW_LONG_PASTE_STEP);
  return g_string_free (s, FALSE);
}

static char *
text_of (GtkTextBuffer *buffer)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  return gtk_text_buffer_get_text (buffer, &start, &end, TRUE);
}

static void
wait_for_end (GtkTextBuffer *buffer)
{
  while (lw_long_paste_goes_on (buffer))
    g_main_context_iteration (NULL, TRUE);
}

static void
count (GtkTextBuffer *buffer, guint *n)
{
  (*n)++;
}

/* Nothing shows the buffer, and something is typed before it meanwhile. */
static void
test_whole (void)
{
  g_autoptr (GtkTextBuffer) buffer = gtk_text_buffer_new (NULL);
  g_autofree char *text = make_text (), *expected = g_strconcat ("before ", "and ", text, "behind", NULL), *all = NULL;
  guint changes = 0;
  GtkTextIter it;

  gtk_text_buffer_set_text (buffer, "before behind", -1);
  gtk_text_buffer_get_iter_at_offset (buffer, &it, 7);
  gtk_text_buffer_place_cursor (buffer, &it);
  g_signal_connect (buffer, "changed", G_CALLBACK (count), &changes);
  lw_long_paste_start (buffer, g_strdup (text), NULL);
  g_assert_true (lw_long_paste_goes_on (buffer));
  g_assert_cmpint (gtk_text_buffer_get_char_count (buffer), <, (int)(strlen ("before behind") + LW_LONG_PASTE_STEP));
  gtk_text_buffer_get_iter_at_offset (buffer, &it, 7);
  gtk_text_buffer_insert (buffer, &it, "and ", -1);
  /* Another one has to wait. */
  lw_long_paste_start (buffer, g_strdup ("not this"), NULL);
  wait_for_end (buffer);
  g_assert_cmpuint (changes, >, 4);
  all = text_of (buffer);
  g_assert_cmpstr (all, ==, expected);
}

/* In the place of what is selected, and one step to undo. */
static void
test_undo (void)
{
  g_autoptr (GtkTextBuffer) buffer = gtk_text_buffer_new (NULL);
  g_autofree char *text = make_text (), *all = NULL, *before = NULL;
  GtkTextIter start, end;

  gtk_text_buffer_set_enable_undo (buffer, TRUE);
  gtk_text_buffer_set_text (buffer, "what was there", -1);
  gtk_text_buffer_get_bounds (buffer, &start, &end);
  gtk_text_buffer_select_range (buffer, &start, &end);
  lw_long_paste_start (buffer, g_strdup (text), NULL);
  wait_for_end (buffer);
  all = text_of (buffer);
  g_assert_cmpstr (all, ==, text);
  g_assert_true (gtk_text_buffer_get_can_undo (buffer));
  gtk_text_buffer_undo (buffer);
  before = text_of (buffer);
  g_assert_cmpstr (before, ==, "what was there");
}

static void
test_short (void)
{
  g_autoptr (GtkTextBuffer) buffer = gtk_text_buffer_new (NULL);
  g_autofree char *all = NULL;

  lw_long_paste_start (buffer, g_strdup ("short"), NULL);
  g_assert_false (lw_long_paste_goes_on (buffer));
  all = text_of (buffer);
  g_assert_cmpstr (all, ==, "short");
}

/* Who needs the text gets all of it. */
static void
test_finish (void)
{
  g_autoptr (GtkTextBuffer) buffer = gtk_text_buffer_new (NULL);
  g_autofree char *text = make_text (), *all = NULL, *other = NULL;

  lw_long_paste_finish (buffer);
  lw_long_paste_start (buffer, g_strdup (text), NULL);
  lw_long_paste_finish (buffer);
  g_assert_false (lw_long_paste_goes_on (buffer));
  all = text_of (buffer);
  g_assert_cmpstr (all, ==, text);
  gtk_text_buffer_set_text (buffer, "other", -1);
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  other = text_of (buffer);
  g_assert_cmpstr (other, ==, "other");
}

static void
test_buffer_goes (void)
{
  GtkTextBuffer *buffer = gtk_text_buffer_new (NULL);

  lw_long_paste_start (buffer, make_text (), NULL);
  g_assert_true (lw_long_paste_goes_on (buffer));
  g_assert_finalize_object (buffer);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/long-paste/whole", test_whole);
  g_test_add_func ("/long-paste/undo", test_undo);
  g_test_add_func ("/long-paste/short", test_short);
  g_test_add_func ("/long-paste/finish", test_finish);
  g_test_add_func ("/long-paste/buffer-goes", test_buffer_goes);
  return g_test_run ();
}
