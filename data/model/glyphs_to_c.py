# SPDX-License-Identifier: GPL-3.0-or-later
"""glyphs.npz as C, so that the program draws the letters that training draws.

  glyphs_to_c.py glyphs.npz OUT.c     run by the build; nothing but the standard library

The cells become one string of the same packed bytes, [font][character][row][18 bytes, low half
first]; the advances an array of float.
"""
import ast
import struct
import sys
import zipfile


def array(z, name):
    """(shape, dtype string, bytes) of one .npy in the archive."""
    b = z.read(name + ".npy")
    if b[:6] != b"\x93NUMPY" or b[6] != 1:
        raise SystemExit(name + ": not a version 1 array")
    n = struct.unpack("<H", b[8:10])[0]
    head = ast.literal_eval(b[10:10 + n].decode("latin1"))
    if head["fortran_order"]:
        raise SystemExit(name + ": columns first")
    return head["shape"], head["descr"], b[10 + n:]


def main():
    with zipfile.ZipFile(sys.argv[1]) as z:
        shape, kind, cells = array(z, "packed")
        adv_shape, adv_kind, adv = array(z, "adv")
        pen = struct.unpack("<q", array(z, "pen")[2])[0]
    fonts, chars, cell, half = shape
    if kind != "|u1" or adv_kind != "<f4" or adv_shape != (fonts, chars) or half * 2 != cell or \
            len(cells) != fonts * chars * cell * half:
        raise SystemExit("glyphs.npz: not the shape that was expected")
    adv = struct.unpack("<%df" % (fonts * chars), adv)
    with open(sys.argv[2], "w") as f:
        f.write("/* Made by data/model/glyphs_to_c.py. */\n#include \"app/eval/glyphs.h\"\n\n")
        for name, v in ("FONTS", fonts), ("CHARS", chars), ("CELL", cell), ("PEN", pen):
            f.write("_Static_assert(LW_EVAL_GLYPH_%s == %d, \"glyphs.h and glyphs.npz differ\");\n" % (name, v))
        f.write("\nconst float lw_eval_glyph_advance[%d] = {\n" % len(adv))
        for i in range(0, len(adv), 8):
            f.write("  " + " ".join("%sf," % v.hex() for v in adv[i:i + 8]) + "\n")
        # Three octal digits each: no digit that follows can be taken for a part of the escape.
        f.write("};\n\nconst unsigned char lw_eval_glyph_cells[%d + 1] =\n" % len(cells))
        step = half * 2
        for i in range(0, len(cells), step):
            f.write("  \"" + "".join("\\%03o" % b for b in cells[i:i + step]) + "\"\n")
        f.write("  ;\n")


if __name__ == "__main__":
    main()
