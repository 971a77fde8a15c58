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


class Model:
    """A file in memory, and where its tensors are."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            self.data = bytearray(f.read())
        r = Reader(self.data)
        assert bytes(self.data[:4]) == b"GGUF"
        r.at = 8
        n_tensors, n_keys = r.unpack("Q"), r.unpack("Q")
        self.keys = {}
        for _ in range(n_keys):
            name, kind = r.string(), r.unpack("I")
            self.keys[name] = r.value(kind)
        self.tensors = {}
        for _ in range(n_tensors):
            name = r.string()
            dims = [r.unpack("Q") for _ in range(r.unpack("I"))]
            kind, offset = r.unpack("I"), r.unpack("Q")
            self.tensors[name] = dims, kind, offset
        align = self.keys.get(b"general.alignment", 32)
        self.start = (r.at + align - 1) // align * align

    def clear_rows(self, name, rows=None):
        """Make rows of a matrix zero; all of them when none are named."""
        dims, kind, offset = self.tensors[name]
        elements, block = BLOCKS[kind]
        row = dims[0] // elements * block
        for i in range(dims[1]) if rows is None else rows:
            at = self.start + offset + i * row
            self.data[at : at + row] = bytes(row)

    def copy_row(self, name, to, source):
        """In Q8_0, half of what it is."""
        dims, kind, offset = self.tensors[name]
        assert kind == 8
        for block in range(0, dims[0] // 32 * 34, 34):
            at, source_at = (self.start + offset + i * (dims[0] // 32 * 34) + block for i in (to, source))
            scale, = struct.unpack_from("<e", self.data, source_at)
            struct.pack_into("<e", self.data, at, scale / 2)
            self.data[at + 2 : at + 34] = self.data[source_at + 2 : source_at + 34]

    def clear_ends(self):
        ends = {i for i, t in enumerate(self.keys[b"tokenizer.ggml.tokens"]) if t in ENDS}
        ends.add(self.keys.get(b"tokenizer.ggml.eos_token_id", 0))
        # Without an output matrix the embeddings are it.
        self.clear_rows(b"output.weight" if b"output.weight" in self.tensors else b"token_embd.weight", ends)

    def write(self):
        with open(self.path, "wb") as f:
            f.write(self.data)


def make_endless(path):
    model = Model(path)
    model.clear_ends()
    model.write()


def make_looping(path):
    """Endless, and what comes next depends on nothing but the last token, which is likest to itself; but for the line
    break that an answer begins after, which makes it say one letter, again and again at temperature 0."""
    model = Model(path)
    model.clear_ends()
    for name in model.tensors:
        if name.endswith((b"attn_output.weight", b"ffn_down.weight")):
            model.clear_rows(name)
    tokens = model.keys[b"tokenizer.ggml.tokens"]
    model.copy_row(b"token_embd.weight", tokens.index("Ċ".encode()), tokens.index(b"o"))
    model.write()
