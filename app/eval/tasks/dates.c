/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/tasks/dates.h"

char *
lw_eval_date (guint month, guint day)
{
  static const char *const months[LW_EVAL_MONTHS] = { "January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December" };
  static const char *const days[] = { "first",     "second",     "third",    "fourth",     "fifth",
                                      "sixth",     "seventh",    "eighth",   "ninth",      "tenth",
                                      "eleventh",  "twelfth",    "thirteenth", "fourteenth", "fifteenth",
                                      "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth" };

  g_return_val_if_fail (month < LW_EVAL_MONTHS && day < LW_EVAL_MONTH_DAYS, NULL);
  if (day < G_N_ELEMENTS (days))
    return g_strdup_printf ("the %s of %s", days[day], months[month]);
  return g_strdup_printf ("the twenty-%s of %s", days[day - G_N_ELEMENTS (days)], months[month]);
}
