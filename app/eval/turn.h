/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sine and cosine whose last bits are the same with every C library, so that a seed paints the same bytes
 * everywhere.  Only IEEE additions and products in a fixed order.
 */
#pragma once

/* radians: -100 to 100; error below 1e-12. */
static inline double
lw_eval_sin (double a)
{
  const double pi = 3.14159265358979323846;
  double q = a / pi + 0.5;
  long n = (long) q - (q < 0 && q != (double) (long) q);
  double x = a - (double) n * pi, x2 = x * x; /* -pi/2 to pi/2 */
  double s = 1.0;

  for (int k = 21; k > 1; k -= 2)
    s = 1.0 - x2 * s / (double) (k * (k - 1));
  return n & 1 ? -x * s : x * s;
}

static inline double
lw_eval_cos (double a)
{
  return lw_eval_sin (a + 1.57079632679489661923);
}
