/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Days of the year in words: "the third of March".
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_EVAL_MONTHS 12
/* The same for every month, so that no calendar matters. */
#define LW_EVAL_MONTH_DAYS 28

/* month and day count from 0.  Owned by the caller. */
char *lw_eval_date (guint month, guint day);

G_END_DECLS
