# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the glyph atlas that the training pictures take their letters from.

Run once, where the DejaVu fonts are installed; the result, glyphs.npz, is in
the repository because a training machine may have no fonts at all.  One cell
per (font, character): 36 x 36 pixels, 28 pixels to the em, the pen at x = 4,
grey levels in four bits (two pixels a byte) to keep the file small.
"""
import os
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
FONTS = ["DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold",
         "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"]
CELL, EM, PEN = 36, 28, 4


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/fonts/truetype/dejavu"
    cells = np.zeros((len(FONTS), len(CHARS), CELL, CELL), np.uint8)
    adv = np.zeros((len(FONTS), len(CHARS)), np.float32)
    for f, name in enumerate(FONTS):
        font = ImageFont.truetype(os.path.join(folder, name + ".ttf"), EM)
        for c, ch in enumerate(CHARS):
            im = Image.new("L", (CELL, CELL), 0)
            ImageDraw.Draw(im).text((PEN, 1), ch, fill=255, font=font)
            cells[f, c] = np.asarray(im)
            adv[f, c] = font.getlength(ch)
    q = ((cells.astype(np.int32) + 8) // 17).clip(0, 15).astype(np.uint8)
    packed = (q[..., 0::2] | (q[..., 1::2] << 4))
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "glyphs.npz")
    np.savez_compressed(out, packed=packed, adv=adv, chars=np.array(CHARS),
                        fonts=np.array(FONTS), pen=PEN, em=EM)
    print(out, os.path.getsize(out), "bytes; widest", adv.max())


if __name__ == "__main__":
    main()
