# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the glyph atlas that the pictures take their letters from, in training and in `lw eval`.

Run once, where the fonts are installed (Debian: fonts-dejavu-core, fonts-dejavu-extra,
fonts-liberation2, fonts-cantarell); the result, glyphs.npz, is in the repository because a
training machine may have no fonts at all.  One cell per (font, character): 36 x 36 pixels,
28 pixels to the em, the pen at x = 4, grey levels in four bits (two pixels a byte) to keep the
file small.  glyphs_to_c.py turns the same file into what the program is built with.

  make_glyphs.py [FOLDER ...]     folders that are searched for the fonts
"""
import os
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# A font's number is its place here; new ones go to the end.
FONTS = ["DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold",
         "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSansCondensed", "DejaVuSansCondensed-Bold",
         "LiberationSans-Regular", "LiberationSans-Bold", "LiberationSerif-Regular", "LiberationSerif-Bold",
         "LiberationMono-Regular", "LiberationMono-Bold", "Cantarell-Regular", "Cantarell-Bold"]
CELL, EM, PEN = 36, 28, 4


def find(folders):
    files = {}
    for folder in folders:
        for at, _, names in os.walk(folder):
            for name in names:
                files.setdefault(os.path.splitext(name)[0], os.path.join(at, name))
    missing = [f for f in FONTS if f not in files]
    if missing:
        raise SystemExit("not installed: " + ", ".join(missing))
    return [files[f] for f in FONTS]


def main():
    paths = find(sys.argv[1:] or ["/usr/share/fonts"])
    cells = np.zeros((len(FONTS), len(CHARS), CELL, CELL), np.uint8)
    adv = np.zeros((len(FONTS), len(CHARS)), np.float32)
    for f, path in enumerate(paths):
        font = ImageFont.truetype(path, EM)
        for c, ch in enumerate(CHARS):
            im = Image.new("L", (CELL, CELL), 0)
            ImageDraw.Draw(im).text((PEN, 1), ch, fill=255, font=font)
            cells[f, c] = np.asarray(im)
            adv[f, c] = font.getlength(ch)
            left, top, right, bottom = font.getbbox(ch)
            if left < -PEN or right > CELL - PEN or bottom > CELL - 2:
                raise SystemExit("%s: %s does not fit a cell" % (FONTS[f], ch))
    q = ((cells.astype(np.int32) + 8) // 17).clip(0, 15).astype(np.uint8)
    packed = (q[..., 0::2] | (q[..., 1::2] << 4))
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "glyphs.npz")
    np.savez_compressed(out, packed=packed, adv=adv, chars=np.array(CHARS),
                        fonts=np.array(FONTS), pen=PEN, em=EM)
    print(out, os.path.getsize(out), "bytes; widest", adv.max())


if __name__ == "__main__":
    main()
