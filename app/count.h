/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Large numbers as people read them.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "30,720": grouped as the locale does it.  One that does not say, such as C.UTF-8, but writes fractions with
 * a point, gets commas.  UTF-8; free with g_free().  Any thread. */
char *lw_count (gint64 n);

G_END_DECLS
