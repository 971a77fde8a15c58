/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The letters of pictures: data/model/glyphs.npz, put into the program by the build
 * (data/model/glyphs_to_c.py).  16 fonts of A-Z a-z 0-9, 28 pixels to the em.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_EVAL_GLYPH_FONTS 16
#define LW_EVAL_GLYPH_CHARS 62
#define LW_EVAL_GLYPH_CELL 36 /* pixels a side */
#define LW_EVAL_GLYPH_PEN 4   /* where in a cell the pen starts */
#define LW_EVAL_GLYPH_EM 28
#define LW_EVAL_GLYPH_BYTES (LW_EVAL_GLYPH_CELL * LW_EVAL_GLYPH_CELL / 2)

/* [fonts][chars] pixels */
extern const float lw_eval_glyph_advance[LW_EVAL_GLYPH_FONTS * LW_EVAL_GLYPH_CHARS];
/* [fonts][chars][rows][18]: 0 to 15, two pixels a byte, the left one in the low half */
extern const unsigned char
  lw_eval_glyph_cells[LW_EVAL_GLYPH_FONTS * LW_EVAL_GLYPH_CHARS * LW_EVAL_GLYPH_BYTES + 1];

/* A-Z a-z 0-9 to 0 to 61; -1 for anything else. */
static inline int
lw_eval_glyph_of (char c)
{
  return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 :
         c >= '0' && c <= '9' ? c - '0' + 52 : -1;
}

G_END_DECLS
