/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-contrast.h"

#include <math.h>

static double
linear (double channel)
{
  return channel <= 0.04045 ? channel / 12.92 : pow ((channel + 0.055) / 1.055, 2.4);
}

static double
luminance (const GdkRGBA *c)
{
  return 0.2126 * linear (c->red) + 0.7152 * linear (c->green) + 0.0722 * linear (c->blue);
}

double
lw_contrast (const GdkRGBA *a, const GdkRGBA *b)
{
  double x = luminance (a), y = luminance (b);

  return (MAX (x, y) + 0.05) / (MIN (x, y) + 0.05);
}

static float
mix (float from, float to, double share)
{
  return (float)((1 - share) * from + share * to);
}

GdkRGBA
lw_contrast_at_least (const GdkRGBA *colour, const GdkRGBA *ground, double ratio)
{
  static const GdkRGBA black = { 0, 0, 0, 1 }, white = { 1, 1, 1, 1 };
  GdkRGBA end = lw_contrast (&white, ground) > lw_contrast (&black, ground) ? white : black, result = *colour;

  /* In steps as small as those of a screen. */
  for (int i = 1; i <= 256 && lw_contrast (&result, ground) < ratio; i++)
    {
      result.red = mix (colour->red, end.red, i / 256.0);
      result.green = mix (colour->green, end.green, i / 256.0);
      result.blue = mix (colour->blue, end.blue, i / 256.0);
    }
  return result;
}
