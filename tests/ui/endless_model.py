# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a model of random weights never end its turn, so that there is time to stop it.

The output rows of the tokens that end a turn become zero, which is never among the 40 best of random
logits; they are changed in place, the file's layout stays.
"""

import struct

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
BLOCKS = {0: (1, 4), 1: (1, 2), 8: (32, 34), 30: (1, 2)}  # elements and bytes: F32, F16, Q8_0, BF16
ENDS = (b"<|im_end|>", b"<|endoftext|>")


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def unpack(self, fmt):
        value = struct.unpack_from("<" + fmt, self.data, self.at)[0]
        self.at += struct.calcsize("<" + fmt)
        return value

    def string(self):
        n = self.unpack("Q")
        self.at += n
        return bytes(self.data[self.at - n : self.at])

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element = self.unpack("I")
            return [self.value(element) for _ in range(self.unpack("Q"))]
        return self.unpack(SCALARS[kind])


def make_endless(path):
    with open(path, "rb") as f:
        data = bytearray(f.read())
    r = Reader(data)
    assert bytes(data[:4]) == b"GGUF"
    r.at = 8
    n_tensors, n_keys = r.unpack("Q"), r.unpack("Q")
    keys = {}
    for _ in range(n_keys):
        name, kind = r.string(), r.unpack("I")
        keys[name] = r.value(kind)
    tensors = {}
    for _ in range(n_tensors):
        name = r.string()
        dims = [r.unpack("Q") for _ in range(r.unpack("I"))]
        kind, offset = r.unpack("I"), r.unpack("Q")
        tensors[name] = dims, kind, offset
    align = keys.get(b"general.alignment", 32)
    start = (r.at + align - 1) // align * align
    # Without an output matrix the embeddings are it.
    dims, kind, offset = tensors.get(b"output.weight") or tensors[b"token_embd.weight"]
    elements, block = BLOCKS[kind]
    row = dims[0] // elements * block
    ends = {i for i, t in enumerate(keys[b"tokenizer.ggml.tokens"]) if t in ENDS}
    ends.add(keys.get(b"tokenizer.ggml.eos_token_id", 0))
    for i in ends:
        at = start + offset + i * row
        data[at : at + row] = bytes(row)
    with open(path, "wb") as f:
        f.write(data)
