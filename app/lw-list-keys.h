/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The keyboard in a list view that has headings between its rows.  GTK 4.8 cannot focus a heading, and so the
 * arrows end before it and Tab never gets into a list that begins with one; here they go past.  Moving only
 * moves the focus: to open what one passes would take the focus away.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum
{
  LW_LIST_KEY_OPEN,   /* Return, Space */
  LW_LIST_KEY_MENU,   /* Menu, Shift+F10 */
  LW_LIST_KEY_RENAME, /* F2 */
  LW_LIST_KEY_DELETE, /* Delete */
} LwListKey;

/* row: the child of the list item that has the focus. */
typedef void (*LwListKeyFunc) (gpointer data, guint position, GtkWidget *row, LwListKey key);

/* In a GtkScrolledWindow.  is_heading is asked with an item; data must outlive the list. */
void lw_list_keys_add (GtkListView *list, gboolean (*is_heading) (gpointer item),
                       LwListKeyFunc pressed, gpointer data);

/* In the factory's setup, once the child is set: the keys find the row by it. */
void lw_list_keys_setup (GtkListItem *item);

/* Give the focus to this row, or to the next one that is none of the headings; FALSE: there is none. */
gboolean lw_list_keys_focus (GtkListView *list, guint position);

G_END_DECLS
