/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How often the texts of a page of preferences are broken into lines when its window is laid out for the first time,
 * as libadwaita makes it and with app/lw-quick-layout: "plain TIMES HEIGHT" and "quick TIMES HEIGHT" on the output.
 */
#include <adwaita.h>
#include <dlfcn.h>

#include "app/lw-quick-layout.h"

#define WIDTH 480

static guint breaks;

/* In the place of Pango's for all who call it. */
void
pango_layout_get_size (PangoLayout *layout, int *width, int *height)
{
  static void (*real) (PangoLayout *, int *, int *);

  if (!real)
    real = (void (*) (PangoLayout *, int *, int *))dlsym (RTLD_NEXT, "pango_layout_get_size");
  breaks++;
  real (layout, width, height);
}

static GtkWidget *
make_page (void)
{
  GtkWidget *page = adw_preferences_page_new (), *group = adw_preferences_group_new ();
  GtkWidget *row = adw_expander_row_new ();

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), "A Larger Model");
  adw_preferences_group_set_description (
      ADW_PREFERENCES_GROUP (group),
      "The model that comes with the program is very small. For daily work add another one: choose its file here, "
      "drop it on this window, or paste the address of a file to download.");
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), "A model with a name");
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (row),
                                 "21.9 MB · sees pictures and films · fits · about 600 tokens/s (estimate)");
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), row);
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (group));
  return page;
}

static void
report (const char *name, gboolean quick)
{
  GtkWidget *window = gtk_window_new (), *page = make_page ();
  int height;

  gtk_window_set_child (GTK_WINDOW (window), page);
  if (quick)
    lw_quick_layout (page);
  breaks = 0;
  gtk_widget_measure (window, GTK_ORIENTATION_HORIZONTAL, -1, NULL, NULL, NULL, NULL);
  gtk_widget_measure (page, GTK_ORIENTATION_VERTICAL, WIDTH, NULL, &height, NULL, NULL);
  g_print ("%s %u %d\n", name, breaks, height);
  gtk_window_destroy (GTK_WINDOW (window));
}

int
main (void)
{
  adw_init ();
  report ("plain", FALSE);
  report ("quick", TRUE);
  return 0;
}
