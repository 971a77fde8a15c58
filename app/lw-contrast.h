/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How well a colour can be read on another one, as WCAG 2 counts it: from 1 (not at all) to 21 (black on white).
 * 4.5 is what text needs, and 7 what it needs for those who asked for high contrast.
 */
#pragma once

#include <gdk/gdk.h>

G_BEGIN_DECLS

#define LW_CONTRAST_TEXT 4.5
#define LW_CONTRAST_HIGH 7.0

/* Both are taken to be opaque. */
double lw_contrast (const GdkRGBA *a, const GdkRGBA *b);

/* The colour, made as much lighter (on a dark ground) or darker as it takes; as it was where that is enough.  With a
 * ratio that no colour has on this ground it becomes white or black. */
GdkRGBA lw_contrast_at_least (const GdkRGBA *colour, const GdkRGBA *ground, double ratio);

G_END_DECLS
