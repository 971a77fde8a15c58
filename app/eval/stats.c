/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/stats.h"

#include <math.h>
#include <stdlib.h>

#define Z 1.959963984540054 /* 97.5 % of a normal distribution */

double
lw_eval_mean (const double *values, guint n)
{
  double sum = 0;

  for (guint i = 0; i < n; i++)
    sum += values[i];
  return n ? sum / n : NAN;
}

static int
by_value (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

double
lw_eval_median (const double *values, guint n)
{
  if (n == 0)
    return NAN;

  g_autofree double *sorted = g_memdup2 (values, n * sizeof (double));
  qsort (sorted, n, sizeof (double), by_value);
  return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

LwEvalInterval
lw_eval_wilson (double right, guint n)
{
  if (n == 0)
    return (LwEvalInterval){ NAN, NAN };

  double p = right / n, z2 = Z * Z;
  double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  double half = Z / (1 + z2 / n) * sqrt (p * (1 - p) / n + z2 / (4.0 * n * n));

  /* Rounding must not push an end beyond what is possible. */
  return (LwEvalInterval){ right <= 0 ? 0 : MAX (centre - half, 0), right >= n ? 1 : MIN (centre + half, 1) };
}

/* SplitMix64 */
static guint64
next_random (guint64 *state)
{
  guint64 z = *state += 0x9E3779B97F4A7C15u;

  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

LwEvalInterval
lw_eval_bootstrap (const double *values, const int *groups, guint n)
{
  g_autofree double *sums = g_new (double, n + 1), *means = g_new (double, LW_EVAL_RESAMPLES);
  g_autofree guint *counts = g_new (guint, n + 1);
  guint n_groups = 0;
  guint64 state = 1;

  for (guint i = 0; i < n; i++)
    {
      if (i == 0 || groups[i] != groups[i - 1])
        {
          sums[n_groups] = 0;
          counts[n_groups++] = 0;
        }
      sums[n_groups - 1] += values[i];
      counts[n_groups - 1]++;
    }
  if (n_groups < 2)
    return (LwEvalInterval){ NAN, NAN };

  for (guint b = 0; b < LW_EVAL_RESAMPLES; b++)
    {
      double sum = 0;
      guint count = 0;

      for (guint k = 0; k < n_groups; k++)
        {
          guint g = (guint) (((next_random (&state) >> 32) * n_groups) >> 32);

          sum += sums[g];
          count += counts[g];
        }
      means[b] = sum / count;
    }
  qsort (means, LW_EVAL_RESAMPLES, sizeof (double), by_value);
  return (LwEvalInterval){ means[LW_EVAL_RESAMPLES * 25 / 1000], means[LW_EVAL_RESAMPLES * 975 / 1000 - 1] };
}

double
lw_eval_mcnemar (guint better, guint worse)
{
  guint n = better + worse, k = MIN (better, worse);
  double p = 0;

  if (n == 0)
    return 1;
  for (guint i = 0; i <= k; i++)
    p += exp (lgamma (n + 1.0) - lgamma (i + 1.0) - lgamma (n - i + 1.0) - n * M_LN2);
  return MIN (2 * p, 1);
}
