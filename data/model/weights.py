# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights to begin from: a pair of GGUF files read back, and a model made deeper.

    load(path) -> (Config, state_dict)      of state.pt, weights.pt or a text GGUF with its mmproj- beside it
    from_gguf(text, mmproj) -> the same
    deepen(state, config, layers) -> state_dict with more text layers that compute the same

A checkpoint with its optimiser is ten times the size of the Q8_0 files, so the files are what travels
between machines; Q8_0 rounds each weight by less than half a percent of its block's largest.
"""
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent))

from data.convert.qwen25vl import _BLOCK, _TOWER  # noqa: E402
from data.convert.text import _GLOBAL, _PLAIN  # noqa: E402

_SCALAR = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class Reader:
    def __init__(self, path):
        self.data = Path(path).read_bytes()
        self.at = 0

    def take(self, fmt):
        v = struct.unpack_from("<" + fmt, self.data, self.at)
        self.at += struct.calcsize("<" + fmt)
        return v[0]

    def string(self):
        n = self.take("Q")
        s = self.data[self.at:self.at + n]
        self.at += n
        return s.decode("utf-8")

    def value(self, kind):
        if kind == 8:
            return self.string()
        if kind == 9:
            item, n = self.take("I"), self.take("Q")
            return [self.value(item) for _ in range(n)]
        return self.take(_SCALAR[kind])


def read_gguf(path):
    """(keys, {name: float32 array in PyTorch order}) of a file that export.py wrote."""
    r = Reader(path)
    if r.take("4s") != b"GGUF" or r.take("I") != 3:
        raise ValueError("%s: not GGUF version 3" % path)
    n_tensor, n_key = r.take("Q"), r.take("Q")
    keys = {}
    for _ in range(n_key):
        name = r.string()
        keys[name] = r.value(r.take("I"))
    infos = []
    for _ in range(n_tensor):
        name = r.string()
        shape = [r.take("Q") for _ in range(r.take("I"))][::-1]
        infos.append((name, shape, r.take("I"), r.take("Q")))
    align = keys.get("general.alignment", 32)
    base = (r.at + align - 1) // align * align
    tensors = {}
    for name, shape, kind, offset in infos:
        n = int(np.prod(shape))
        at = base + offset
        if kind == 0:
            x = np.frombuffer(r.data, "<f4", n, at)
        elif kind == 1:
            x = np.frombuffer(r.data, "<f2", n, at).astype(np.float32)
        elif kind == 8:
            b = np.frombuffer(r.data, np.uint8, n // 32 * 34, at).reshape(-1, 34)
            d = b[:, :2].copy().view("<f2").astype(np.float32)
            x = (b[:, 2:].view(np.int8).astype(np.float32) * d).reshape(-1)
        else:
            raise ValueError("%s: tensor %s has type %d, which export.py does not write" % (path, name, kind))
        tensors[name] = x.reshape(shape)
    return keys, tensors


def from_gguf(text, mmproj):
    import torch
    from model import Config
    k, t = read_gguf(text)
    _, v = read_gguf(mmproj)
    a = "qwen2vl."
    c = Config(layers=k[a + "block_count"], width=k[a + "embedding_length"], heads=k[a + "attention.head_count"],
               kv_heads=k[a + "attention.head_count_kv"], ffn=k[a + "feed_forward_length"],
               rope_base=k[a + "rope.freq_base"], context=k[a + "context_length"],
               vocab=len(k["tokenizer.ggml.tokens"]))
    state = {}
    for hf, name in _GLOBAL.items():
        if name in t:
            state["model.language_model." + hf] = t[name]
    for i in range(c.layers):
        for hf, name in _PLAIN.items():
            for part in ("weight", "bias"):
                x = t.get("blk.%d.%s.%s" % (i, name, part))
                if x is not None:
                    state["model.language_model.layers.%d.%s.%s" % (i, hf, part)] = x
    for hf, name in _TOWER.items():
        state["model.visual." + hf] = v[name]
    for i in range(c.v_layers):
        for part in ("weight", "bias"):
            state["model.visual.blocks.%d.attn.qkv.%s" % (i, part)] = np.concatenate(
                [v["v.blk.%d.attn_%s.%s" % (i, p, part)] for p in "qkv"])
        for hf, name in _BLOCK.items():
            for part in ("weight", "bias"):
                x = v.get("v.blk.%d.%s.%s" % (i, name, part))
                if x is not None:
                    state["model.visual.blocks.%d.%s.%s" % (i, hf, part)] = x
    state["model.visual.patch_embed.proj.weight"] = np.stack(
        (v["v.patch_embd.weight"], v["v.patch_embd.weight.1"]), 2)
    return c, {n: torch.tensor(x) for n, x in state.items()}


def load(path):
    import torch
    from model import Config
    path = Path(path)
    if path.suffix == ".gguf":
        return from_gguf(path, path.with_name("mmproj-" + path.name))
    st = torch.load(path, map_location="cpu", weights_only=False)
    return Config(**{**st["config"], "sections": tuple(st["config"]["sections"])}), {k: v.float() for k, v in st["model"].items()}


def deepen(state, c, layers, seed=7):
    """New layers, spread evenly, whose two output matrices are zero: the model computes what it did and
    learns from there.  (config, state)"""
    import torch
    extra = layers - c.layers
    if extra <= 0:
        return c, state
    g = torch.Generator().manual_seed(seed)
    after = {int((j + 1) * c.layers / (extra + 1) + 0.5) for j in range(extra)}
    assert len(after) == extra, "deepening %d layers to %d at once is too much" % (c.layers, layers)
    pre = "model.language_model.layers."
    out = {n: x for n, x in state.items() if not n.startswith(pre)}
    to = 0
    for i in range(c.layers + 1):
        if i in after:
            source = max(0, i - 1)
            for n, x in state.items():
                if not n.startswith("%s%d." % (pre, source)):
                    continue
                part = n[len("%s%d." % (pre, source)):]
                if "o_proj" in part or "down_proj" in part:
                    y = torch.zeros_like(x)
                elif x.dim() == 2:
                    y = torch.randn(x.shape, generator=g) * (0.7 / x.shape[1] ** 0.5)
                else:
                    y = torch.ones_like(x) if "norm" in part else torch.zeros_like(x)
                out["%s%d.%s" % (pre, to, part)] = y
            to += 1
        if i < c.layers:
            for n, x in state.items():
                if n.startswith("%s%d." % (pre, i)):
                    out["%s%d.%s" % (pre, to, n[len("%s%d." % (pre, i)):])] = x
            to += 1
    return replace(c, layers=layers), out
