# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures painted by data/model/draw.py, for test-eval-paint to compare app/eval/paint.c with.

  make.py      writes scenes.txt (rows) and NN.png here; needs torch and Pillow

Made with torch 2.15 on a CPU.  The scenes come from data/model/scenes.py with a fixed seed, without noise and
blur; the last ones are chosen so that every kind of shape and every font is there.
"""
import os
import random
import sys

import numpy as np
import torch
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "data", "model"))
import draw  # noqa: E402
import scenes  # noqa: E402
from batch import Maker  # noqa: E402
from layout import TEXT_MAX  # noqa: E402

ARROW = 10


def chosen(r):
    """All kinds beside each other, turned, with and without a border; all fonts, large, small and turned."""
    out = []
    for border in (0, 2.5):
        shapes = [[k, 16 + 27.3 * (k % 5), 17 + 30.1 * (k // 5), 11.7, r.uniform(-3, 3) if border else 0.0,
                   *[r.uniform(0, 255) for _ in range(3)], border, 0, 40, 250, 1 if k else 0.6] for k in range(ARROW + 1)]
        out.append((140, 112, [1, 250, 240, 200, 90, 130, 250, 0.7, 0, 1.3 if border else 0.8, 0, 0], shapes, []))
    for big in (1.6, 1.0, 0.6, 0.45):
        for first in (0, 8):
            texts = []
            for i in range(8):
                word = "".join(r.choice(scenes.CHARS) for _ in range(TEXT_MAX if big < 0.7 else 7 if big < 1.2 else 4))
                texts.append([3 + i % 2 * 14 + r.random(), 2 + i * 32 * max(0.45, big) + r.random(), big,
                              r.uniform(-0.1, 0.1) if i % 2 else 0.0, 20, 20, 20 + 20 * i, first + i, len(word)] +
                             [scenes.CHAR_ID[c] for c in word] + [0] * (TEXT_MAX - len(word)))
            out.append((168, int(40 + 8 * 32 * max(0.45, big)), [0, 250, 250, 240, 0, 0, 0, 0, 0, 1, 0, 0], [], texts))
    return out


def main():
    r = random.Random(4)
    pictures = []
    while len(pictures) < 24:
        sc = scenes.make_scene(r, r.choice((84, 112, 140)), r.choice((84, 112, 140)), 1.0, False, r.choice(("shapes", "text")))
        if sc.ground[0] < 2:
            sc.ground[8] = sc.ground[11] = 0
            pictures.append((sc.w, sc.h, sc.ground, scenes.shape_rows(sc), [t[3] for t in sc.texts]))
    pictures += chosen(r)
    painter = draw.Painter("cpu")
    with open(os.path.join(HERE, "scenes.txt"), "w") as f:
        for i, (w, h, ground, shapes, texts) in enumerate(pictures):
            rows = Maker.pack_pictures([(ground, shapes, texts)])
            f.write("%d %d %d %d\n" % (w, h, len(shapes), len(texts)))
            for row in [rows["ground"][0], *rows["shapes"][0][:len(shapes)], *rows["text"][0]]:
                f.write(" ".join("%.9g" % v for v in row) + "\n")
            t = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in rows.items()}
            img = painter.paint(t, h, w, normalise=False)[0].permute(1, 2, 0)
            Image.fromarray(img.numpy().astype(np.uint8)).save(os.path.join(HERE, "%02d.png" % i), optimize=True)


if __name__ == "__main__":
    main()
