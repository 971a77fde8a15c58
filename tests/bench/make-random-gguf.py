#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write model files of real shapes with random weights, to measure speed with.

    python3 tests/bench/make-random-gguf.py --preset 0.5b --type q8_0 bench.gguf
    python3 tests/bench/make-random-gguf.py --preset 1.5b --type q4_0 --mmproj mmproj-bench.gguf bench.gguf
    python3 tests/bench/make-random-gguf.py --preset 1.5b --type q4_k_m --arch qwen2 peer.gguf

Needs numpy only.  Blocks are drawn directly in their stored form (uniform codes, one scale per tensor
with a little spread), scaled so that activations keep their size from layer to layer.  The answers mean
nothing.  --arch qwen2 leaves out the M-RoPE sections, for programs without qwen2vl.  q4_k_m and q5_k_m mix
types as llama.cpp's files of that name do.  The same arguments
give the same file.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from data.convert import gguf, hf  # noqa: E402
from data.convert.qwen25vl import CLIP_MEAN, CLIP_STD, VISION_EPS, tokenizer_keys  # noqa: E402

PIECE = 64 << 20  # bytes drawn at a time


@dataclass
class Shape:
    layers: int
    embd: int
    ffn: int
    heads: int
    kv_heads: int
    vocab: int = 151936
    context: int = 32768
    base: float = 1e6
    eps: float = 1e-6

    @property
    def head(self) -> int:
        return self.embd // self.heads


PRESETS = {
    "0.5b": Shape(layers=24, embd=896, ffn=4864, heads=14, kv_heads=2),
    "1.5b": Shape(layers=28, embd=1536, ffn=8960, heads=12, kv_heads=2),
    "tiny": Shape(layers=2, embd=256, ffn=512, heads=4, kv_heads=2, vocab=2048, context=4096),
}

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
            "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>",
            "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


# ---- Vocabulary ----


def byte_alphabet() -> list[str]:
    """The printable character that stands for each byte in byte-level BPE."""
    kept = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    out, more = [], 0
    for b in range(256):
        if b in kept:
            out.append(chr(b))
        else:
            out.append(chr(256 + more))
            more += 1
    return out


def make_vocabulary(n: int, specials: list[str]) -> hf.Tokenizer:
    """Bytes, then every pair and triple of letters that fits, each made by one merge; specials last but
    for padding, where Qwen's stand in a vocabulary of real size."""
    tokens = byte_alphabet()
    merges: list[str] = []
    space = tokens[ord(" ")]
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    starts = [space, *letters, *letters.upper()]
    room = min(n, 151643 if n > 151643 + len(specials) else n - len(specials)) - len(tokens)
    level = starts
    while room > 0:
        grown = []
        for a in level:
            for b in letters:
                if room == 0:
                    break
                grown.append(a + b)
                merges.append(f"{a} {b}")
                room -= 1
        tokens += grown
        level = grown
    types = [hf.NORMAL] * len(tokens) + [hf.CONTROL] * len(specials)
    tokens += specials
    assert len(set(tokens)) == len(tokens)
    ids = {t: len(tokens) - len(specials) + i for i, t in enumerate(specials)}
    t = hf.Tokenizer(tokens, types, merges, eos_id=ids["<|im_end|>"], bos_id=ids["<|endoftext|>"],
                     pad_id=ids["<|endoftext|>"])
    t.pad_to(n)
    return t


# ---- Random tensors in stored form ----

# Mixes: general.file_type and the type of most matrices; attn_v, ffn_down and a tied token table have more
# bits, and rows that are not whole blocks of 256 fall back to blocks of 32.
MIXES = {"q4_k_m": (15, "q4_k"), "q5_k_m": (17, "q5_k"), "q6_k": (18, "q6_k")}
FALLBACK = {"q4_k": "q5_0", "q5_k": "q8_0", "q6_k": "q8_0"}


def mixed(name: str, shape, kind: str, layers: int) -> str:
    """The type of a matrix in a file of type `kind`."""
    if kind not in MIXES:
        return kind
    kind = MIXES[kind][1]
    if name == "token_embd.weight":
        kind = "q6_k"
    elif "attn_v" in name or "ffn_down" in name:
        i = int(name.split(".")[1])
        if i < layers // 8 or i >= 7 * layers // 8 or (i - layers // 8) % 3 == 2:
            kind = "q6_k"
    return FALLBACK[kind] if shape[-1] % 256 else kind


def random_k(rng: np.random.Generator, out: np.ndarray, kind: str, std: float) -> None:
    """Scales into K blocks of random bytes, so that values have mean 0 and the given deviation."""
    n = len(out)
    spread = lambda unit: ((rng.random(n, np.float32) * np.float32(0.4) + np.float32(0.8)) *
                           np.float32(std / unit)).astype("<f2").view(np.uint8).reshape(n, 2)
    if kind == "q6_k":
        out[:, 208:] = spread(73.9 * 18.5)
        return
    # The same six-bit number (36.5 in the mean square) as scale and as minimum, m = d * half the codes.
    top, codes = (15, 4.61) if kind == "q4_k" else (31, 9.23)
    out[:, 8:12] = out[:, 4:8]
    out[:, 12:16] = (out[:, 12:16] & 15) * 17
    d = spread(36.5 * codes)
    out[:, :2] = d
    out[:, 2:4] = (d.view("<f2").astype(np.float32) * top / 2).astype("<f2").view(np.uint8)



def random_pieces(rng: np.random.Generator, shape, kind: str, std: float):
    """Stored bytes of normal-sized random values, a piece at a time."""
    _, block, size = gguf.TENSOR_TYPES[kind]
    left = int(np.prod(shape)) // block
    while left > 0:
        n = min(left, PIECE // size)
        left -= n
        if kind in ("f32", "f16", "bf16"):
            # The sum of four bytes is near enough to a bell; standard deviation 147.8.
            raw = rng.integers(0, 256, (4, n), np.uint8, endpoint=False)
            values = (raw.sum(axis=0, dtype=np.int16).astype(np.float32) - 510) * np.float32(std / 147.8)
            yield gguf.encode(values, kind)
            continue
        out = rng.integers(0, 256, (n, size), np.uint8, endpoint=False)
        if size > 128:
            random_k(rng, out, kind, std)
            yield out
            continue
        # Codes are uniform: standard deviation 73.9 for 8 bits, 9.2 for 5, 4.6 for 4.
        unit = std / {"q8_0": 73.9, "q5_0": 9.25, "q4_0": 4.64}[kind]
        d = (rng.random(n, np.float32) * np.float32(0.4) + np.float32(0.8)) * np.float32(unit)
        if kind in ("q4_0", "q5_0"):
            d *= 1 - 2 * (out[:, 2] & 1).astype(np.float32)  # codes are -8..7 or -16..15: signs keep the mean at 0
        out[:, :2] = d.astype("<f2").view(np.uint8).reshape(n, 2)
        if kind == "q8_0":
            codes = out[:, 2:]
            codes[codes == 0x80] = 0  # -128 is never written by a quantiser
        yield out


class RandomFile:
    def __init__(self, path, arch: str, kind: str, seed: int, layers: int):
        self.w = gguf.GGUFWriter(path, arch)
        self.layers = layers
        self.kind = kind
        self.seed = seed

    def matrix(self, name: str, shape, gain: float = 1.0, kind: str | None = None) -> None:
        """Rows of n_in values of standard deviation gain / sqrt(n_in): unit input, output of size gain."""
        kind = gguf.fit_type(shape, mixed(name, shape, kind or self.kind, self.layers))
        std = gain / float(np.prod(shape[1:])) ** 0.5
        number = len(self.w.tensor_names)
        rng = lambda: np.random.Generator(np.random.SFC64([self.seed, number]))
        self.w.add_raw(name, shape, kind, lambda: random_pieces(rng(), shape, kind, std))

    def vector(self, name: str, n: int, mean: float, std: float) -> None:
        rng = np.random.Generator(np.random.SFC64([self.seed, len(self.w.tensor_names)]))
        self.w.add_tensor(name, (mean + std * rng.standard_normal(n)).astype(np.float32), "f32")


def write_text(path, s: Shape, arch: str, kind: str, name: str, seed: int, temp: float | None) -> int:
    f = RandomFile(path, arch, kind, seed, s.layers)
    w = f.w
    w.add_string("general.type", "model")
    w.add_string("general.name", name)
    w.add_string("general.description", "Random weights: for measuring speed, its answers mean nothing.")
    w.add_u32("general.file_type", MIXES[kind][0] if kind in MIXES else gguf.FILE_TYPES[kind])
    w.add_u32("general.quantization_version", 2)
    if temp is not None:
        w.add_f32("general.sampling.temp", temp)
    w.add_u32(f"{arch}.block_count", s.layers)
    w.add_u32(f"{arch}.context_length", s.context)
    w.add_u32(f"{arch}.embedding_length", s.embd)
    w.add_u32(f"{arch}.feed_forward_length", s.ffn)
    w.add_u32(f"{arch}.attention.head_count", s.heads)
    w.add_u32(f"{arch}.attention.head_count_kv", s.kv_heads)
    w.add_f32(f"{arch}.attention.layer_norm_rms_epsilon", s.eps)
    w.add_f32(f"{arch}.rope.freq_base", s.base)
    if arch == "qwen2vl":
        eighth = s.head // 16  # sections in the proportion 2 : 3 : 3 of half a head
        w.add_array("qwen2vl.rope.dimension_sections", gguf.I32, [2 * eighth, 3 * eighth, 3 * eighth, 0])
    tokenizer_keys(w, make_vocabulary(s.vocab, SPECIALS))
    w.add_string("tokenizer.chat_template", TEMPLATE)

    f.matrix("token_embd.weight", (s.vocab, s.embd))
    kv = s.kv_heads * s.head
    small = (2 * s.layers) ** -0.5  # keeps the sum over all layers near its start
    for i in range(s.layers):
        b = f"blk.{i}."
        f.vector(b + "attn_norm.weight", s.embd, 1, 0.05)
        for letter, n in (("q", s.embd), ("k", kv), ("v", kv)):
            f.matrix(b + f"attn_{letter}.weight", (n, s.embd))
            f.vector(b + f"attn_{letter}.bias", n, 0, 0.05)
        f.matrix(b + "attn_output.weight", (s.embd, s.embd), small)
        f.vector(b + "ffn_norm.weight", s.embd, 1, 0.05)
        f.matrix(b + "ffn_gate.weight", (s.ffn, s.embd))
        f.matrix(b + "ffn_up.weight", (s.ffn, s.embd))
        f.matrix(b + "ffn_down.weight", (s.embd, s.ffn), small)
    f.vector("output_norm.weight", s.embd, 1, 0.05)
    return w.write()


def write_vision(path, s: Shape, kind: str, name: str, seed: int, depth: int, width: int, ffn: int,
                 heads: int) -> int:
    """A Qwen2.5-VL tower that ends in this text model's width."""
    f = RandomFile(path, "clip", kind, seed, depth)
    w = f.w
    w.add_string("general.type", "mmproj")
    w.add_string("general.name", name)
    w.add_u32("general.file_type", gguf.FILE_TYPES[kind])
    w.add_u32("general.quantization_version", 2)
    w.add_bool("clip.has_vision_encoder", True)
    w.add_string("clip.projector_type", "qwen2.5vl_merger")
    w.add_bool("clip.use_silu", True)
    v = "clip.vision."
    for key, value in (("image_size", 560), ("patch_size", 14), ("embedding_length", width),
                       ("feed_forward_length", ffn), ("block_count", depth), ("projection_dim", s.embd),
                       ("attention.head_count", heads), ("spatial_merge_size", 2),
                       ("n_wa_pattern", min(8, depth)), ("window_size", 112),
                       ("image_min_pixels", 3136), ("image_max_pixels", 12845056)):
        w.add_u32(v + key, value)
    w.add_f32(v + "attention.layer_norm_epsilon", VISION_EPS)
    w.add_array(v + "image_mean", gguf.F32, CLIP_MEAN)
    w.add_array(v + "image_std", gguf.F32, CLIP_STD)

    patch_kind = "f32" if kind == "f32" else "f16"
    for suffix in ("", ".1"):
        f.matrix("v.patch_embd.weight" + suffix, (width, 3, 14, 14), 0.5, patch_kind)
    small = (2 * depth) ** -0.5
    for i in range(depth):
        b = f"v.blk.{i}."
        for part, n_out, n_in, gain in (("attn_q", width, width, 1), ("attn_k", width, width, 1),
                                        ("attn_v", width, width, 1), ("attn_out", width, width, small),
                                        ("ffn_gate", ffn, width, 1), ("ffn_up", ffn, width, 1),
                                        ("ffn_down", width, ffn, small)):
            f.matrix(b + part + ".weight", (n_out, n_in), gain)
            f.vector(b + part + ".bias", n_out, 0, 0.02)
        f.vector(b + "ln1.weight", width, 1, 0.05)
        f.vector(b + "ln2.weight", width, 1, 0.05)
    f.vector("v.post_ln.weight", width, 1, 0.05)
    f.matrix("mm.0.weight", (4 * width, 4 * width))
    f.vector("mm.0.bias", 4 * width, 0, 0.02)
    # Rows as large as the embedding's, 1 / sqrt(embd).
    f.matrix("mm.2.weight", (s.embd, 4 * width), s.embd ** -0.5)
    f.vector("mm.2.bias", s.embd, 0, 0.002)
    return w.write()


def main() -> int:
    p = argparse.ArgumentParser(description="GGUF files of real shapes with random weights")
    p.add_argument("out", help="the text file to write")
    p.add_argument("--preset", choices=sorted(PRESETS), default="0.5b")
    p.add_argument("--type", choices=("q8_0", "q4_0", *MIXES, "f16", "bf16", "f32"), default="q8_0")
    p.add_argument("--arch", choices=("qwen2vl", "qwen2"), default="qwen2vl")
    p.add_argument("--mmproj", metavar="FILE", help="write a vision file beside it")
    p.add_argument("--tower", choices=("real", "small"), default="small",
                   help="real: 32 blocks of 1280 as in Qwen2.5-VL (0.7 GB in Q8_0); small: 8 of 512")
    p.add_argument("--layers", type=int, help="another number of layers")
    p.add_argument("--vocab", type=int, help="another vocabulary size (at least 512)")
    p.add_argument("--context", type=int, help="another trained context, in tokens")
    p.add_argument("--temp", type=float, help="the temperature that the file recommends")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()

    shape = PRESETS[args.preset]
    changes = {k: v for k, v in (("layers", args.layers), ("vocab", args.vocab), ("context", args.context)) if v}
    shape = replace(shape, **changes)
    if shape.vocab < 512:
        p.error(f"--vocab {shape.vocab}: at least 512 are needed for bytes and special tokens")
    started = time.monotonic()
    size = write_text(args.out, shape, args.arch, args.type, f"random {args.preset}", args.seed, args.temp)
    print(f"{args.out}: {size / 1e6:.1f} MB in {time.monotonic() - started:.1f} s")
    if args.mmproj:
        started = time.monotonic()
        tower = (dict(depth=32, width=1280, ffn=3456, heads=16) if args.tower == "real" else
                 dict(depth=8, width=512, ffn=1376, heads=8))
        kind = args.type if args.type in ("f32", "f16", "bf16") else "q8_0"
        size = write_vision(args.mmproj, shape, kind, f"random {args.preset} tower", args.seed + 1, **tower)
        print(f"{args.mmproj}: {size / 1e6:.1f} MB in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
