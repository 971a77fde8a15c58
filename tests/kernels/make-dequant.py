#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write dequant.bin: blocks of every quantised type and the values that somebody else finds in them.

    pip install gguf numpy && python3 tests/kernels/make-dequant.py

The values come from gguf.quants.dequantize() of the gguf Python package (the committed file: 0.19.0, numpy
2.4.6).  Blocks are random bytes with scales of ordinary size; the last one of each type has all bits set
but for them.  Layout: case-convert.c.
"""

import struct
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGML_QUANT_SIZES, quants

# Where a block has f16 fields; MXFP4 has an exponent.
SCALES = {
    T.Q8_0: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q2_K: [80, 82], T.Q3_K: [108],
    T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0], T.MXFP4: [],
}


def main() -> None:
    rng = np.random.default_rng(3)
    out = b""
    for kind, fields in SCALES.items():
        elems, size = GGML_QUANT_SIZES[kind]
        n = 5 if elems == 256 else 16
        blocks = rng.integers(0, 256, (n, size), np.uint8)
        blocks[-1] = 255
        for at in fields:
            d = rng.uniform(-0.1, 0.1, n).astype("<f2")
            d[1] = 6e-7  # denormal
            blocks[:, at:at + 2] = d.view(np.uint8).reshape(n, 2)
        if kind == T.MXFP4:
            blocks[:, 0] = [*range(6), *range(120, 120 + n - 7), 251]
        values = quants.dequantize(blocks.reshape(-1), kind).astype("<f4")
        assert values.size == n * elems and np.isfinite(values).all()
        out += struct.pack("<3I", kind, n, blocks.size) + blocks.tobytes() + values.tobytes()
    (Path(__file__).parent / "dequant.bin").write_bytes(out)


main()
