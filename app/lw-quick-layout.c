/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-quick-layout.h"

#include <adwaita.h>

/* No line of a page's text is narrower: at widths below it need not be tried.  Rows have room for it in a window of
 * 340 pixels. */
#define LEAST_CHARS 14

/* The title and description of a group lie beside its suffix.  Where there is none they need no row. */
static void
stack_header (GtkWidget *group)
{
  GtkWidget *box = gtk_widget_get_first_child (group);
  GtkWidget *header = box ? gtk_widget_get_first_child (box) : NULL;
  GtkWidget *titles = header ? gtk_widget_get_first_child (header) : NULL;

  if (!titles || !GTK_IS_BOX (header) || !GTK_IS_BOX (titles)
      || adw_preferences_group_get_header_suffix (ADW_PREFERENCES_GROUP (group)))
    return;
  gtk_orientable_set_orientation (GTK_ORIENTABLE (header), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_homogeneous (GTK_BOX (header), TRUE); /* all of its height, as in a row */
}

void
lw_quick_layout (GtkWidget *widget)
{
  if (GTK_IS_LABEL (widget))
    {
      if (gtk_label_get_wrap (GTK_LABEL (widget)) && gtk_label_get_width_chars (GTK_LABEL (widget)) < 0)
        gtk_label_set_width_chars (GTK_LABEL (widget), LEAST_CHARS);
      return;
    }
  if (ADW_IS_PREFERENCES_GROUP (widget))
    stack_header (widget);
  for (GtkWidget *w = gtk_widget_get_first_child (widget); w; w = gtk_widget_get_next_sibling (w))
    lw_quick_layout (w);
}
