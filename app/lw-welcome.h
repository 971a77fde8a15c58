/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a new user sees: the model that comes with the program says what it is and what it cannot do, and a
 * card tells how to get a larger one.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LW_TYPE_WELCOME (lw_welcome_get_type ())
G_DECLARE_FINAL_TYPE (LwWelcome, lw_welcome, LW, WELCOME, GtkBox)

G_END_DECLS
