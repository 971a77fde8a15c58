# SPDX-License-Identifier: GPL-3.0-or-later
"""A small GGUF version 3 writer (numpy only).

Usage:

    w = GGUFWriter("out.gguf", arch="qwen2vl")
    w.add_u32("qwen2vl.block_count", 24)
    w.add_tensor("token_embd.weight", array, "q8_0")     # array: PyTorch order, [out, in]
    w.add_lazy("blk.0.ffn_up.weight", (n_out, n_in), "q8_0", lambda: load_rows())
    w.write()

A tensor that is added lazily is produced, quantised and written one at a time (and in slices of rows),
so that the memory needed is that of the largest source tensor, whatever the size of the file.
Quantisers are ours; the layouts are those of ggml (18- and 34-byte blocks of 32 values).
"""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from typing import Callable, Iterable, Sequence

import numpy as np

ALIGNMENT = 32
MAX_NAME_BYTES = 63

# Value types of the key-value section.
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)

_SCALAR = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q",
           I64: "q", F64: "d"}

# Tensor types: name -> (id, values per block, bytes per block).  q5_0 and the K types are written from
# stored bytes only.
TENSOR_TYPES = {
    "f32": (0, 1, 4),
    "f16": (1, 1, 2),
    "q4_0": (2, 32, 18),
    "q5_0": (6, 32, 22),
    "q8_0": (8, 32, 34),
    "q4_k": (12, 256, 144),
    "q5_k": (13, 256, 176),
    "q6_k": (14, 256, 210),
    "bf16": (30, 1, 2),
}

# general.file_type, which names the type most tensors have.
FILE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7, "bf16": 32}


# ---- Quantisers: float32 [rows, cols] -> bytes as uint8 [rows, bytes of a row] ----

def to_bf16(x: np.ndarray) -> np.ndarray:
    """Round to nearest even; a NaN stays a (quiet) NaN."""
    bits = np.ascontiguousarray(x, dtype="<f4").view("<u4")
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1))) >> 16
    quiet = (bits >> 16) | 0x40
    return np.where(np.isnan(x), quiet, rounded).astype("<u2")


def _blocks(x: np.ndarray) -> np.ndarray:
    x = np.ascontiguousarray(x, dtype=np.float32)
    if x.shape[-1] % 32:
        raise ValueError(f"a row of {x.shape[-1]} values cannot be cut into blocks of 32")
    return x.reshape(-1, 32)


def quantize_q8_0(x: np.ndarray) -> np.ndarray:
    """d = amax / 127 stored as f16; q = round(x / d) with the d that was not yet rounded."""
    rows = x.reshape(-1, x.shape[-1])
    b = _blocks(rows)
    d = np.abs(b).max(axis=1) / np.float32(127)
    inverse = np.divide(np.float32(1), d, out=np.zeros_like(d), where=d > 0)
    out = np.empty((b.shape[0], 34), np.uint8)
    out[:, :2] = d.astype("<f2").view(np.uint8).reshape(-1, 2)
    scaled = b * inverse[:, None]
    # Half away from zero, which is what C's roundf() does.
    q = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))
    out[:, 2:] = np.clip(q, -127, 127).astype(np.int8).view(np.uint8)
    return out.reshape(rows.shape[0], -1)


def quantize_q4_0(x: np.ndarray) -> np.ndarray:
    """d = the extreme with its sign / -8, so that this value lands exactly on code 0."""
    rows = x.reshape(-1, x.shape[-1])
    b = _blocks(rows)
    at = np.abs(b).argmax(axis=1)
    d = b[np.arange(b.shape[0]), at] / np.float32(-8)
    inverse = np.divide(np.float32(1), d, out=np.zeros_like(d), where=d != 0)
    q = np.clip(np.trunc(b * inverse[:, None] + np.float32(8.5)), 0, 15).astype(np.uint8)
    out = np.empty((b.shape[0], 18), np.uint8)
    out[:, :2] = d.astype("<f2").view(np.uint8).reshape(-1, 2)
    out[:, 2:] = q[:, :16] | (q[:, 16:] << 4)
    return out.reshape(rows.shape[0], -1)


def encode(x: np.ndarray, kind: str) -> np.ndarray:
    """Values as the file stores them: uint8, C order."""
    if kind == "f32":
        return np.ascontiguousarray(x, dtype="<f4").reshape(-1).view(np.uint8)
    if kind == "f16":
        return np.ascontiguousarray(x, dtype="<f2").reshape(-1).view(np.uint8)
    if kind == "bf16":
        return to_bf16(np.asarray(x, np.float32)).reshape(-1).view(np.uint8)
    if kind == "q8_0":
        return quantize_q8_0(np.asarray(x, np.float32)).reshape(-1)
    if kind == "q4_0":
        return quantize_q4_0(np.asarray(x, np.float32)).reshape(-1)
    raise ValueError(f"unknown tensor type {kind!r}")


def decode(data: np.ndarray, shape: Sequence[int], kind: str) -> np.ndarray:
    """The float32 values that stored bytes stand for."""
    raw = np.ascontiguousarray(data, dtype=np.uint8).reshape(-1)
    if kind == "f32":
        return raw.view("<f4").reshape(shape).copy()
    if kind == "f16":
        return raw.view("<f2").astype(np.float32).reshape(shape)
    if kind == "bf16":
        return (raw.view("<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    if kind == "q8_0":
        b = raw.reshape(-1, 34)
        d = b[:, :2].copy().view("<f2").astype(np.float32)
        return (d * b[:, 2:].view(np.int8).astype(np.float32)).reshape(shape)
    if kind == "q4_0":
        b = raw.reshape(-1, 18)
        d = b[:, :2].copy().view("<f2").astype(np.float32)
        q = np.concatenate([b[:, 2:] & 15, b[:, 2:] >> 4], axis=1).astype(np.float32) - 8
        return (d * q).reshape(shape)
    raise ValueError(f"unknown tensor type {kind!r}")


def fit_type(shape: Sequence[int], kind: str) -> str:
    """The type a tensor of this shape gets when the file's type is `kind`.

    Vectors (norms, biases) stay F32; a row that is not a whole number of blocks becomes F16."""
    if len(shape) == 1:
        return "f32"
    if shape[-1] % TENSOR_TYPES[kind][1]:
        return "f16"
    return kind


# ---- Writer ----

def _string(s: str | bytes) -> bytes:
    raw = s.encode("utf-8") if isinstance(s, str) else bytes(s)
    return struct.pack("<Q", len(raw)) + raw


@dataclass
class _Tensor:
    name: str
    shape: tuple[int, ...]
    kind: str
    source: Callable[[], np.ndarray]
    raw: bool  # the source gives stored bytes, not values

    @property
    def n_bytes(self) -> int:
        _, block, size = TENSOR_TYPES[self.kind]
        return math.prod(self.shape) // block * size


class GGUFWriter:
    """Collect keys and tensors, then write() once."""

    def __init__(self, path: str | os.PathLike, arch: str | None = None, alignment: int = ALIGNMENT):
        if alignment < 8 or alignment & (alignment - 1):
            raise ValueError(f"alignment {alignment} is not a power of two of at least 8")
        self.path = os.fspath(path)
        self.alignment = alignment
        self._keys: dict[str, bytes] = {}
        self._tensors: dict[str, _Tensor] = {}
        if arch is not None:
            self.add_string("general.architecture", arch)
        if alignment != ALIGNMENT:
            self.add_u32("general.alignment", alignment)

    # Keys.  add() guesses the type: bool, int (u32, i32, u64, i64), float (f32), str, list.

    def _put(self, key: str, payload: bytes) -> None:
        if not key or len(key.encode()) > 65535:
            raise ValueError(f"key {key!r}: empty or longer than 65535 bytes")
        if key in self._keys:
            raise ValueError(f"key {key!r} was given twice")
        self._keys[key] = payload

    def add_scalar(self, key: str, kind: int, value) -> None:
        self._put(key, struct.pack("<I" + _SCALAR[kind], kind, value))

    def add_u8(self, key, v): self.add_scalar(key, U8, v)
    def add_i8(self, key, v): self.add_scalar(key, I8, v)
    def add_u16(self, key, v): self.add_scalar(key, U16, v)
    def add_i16(self, key, v): self.add_scalar(key, I16, v)
    def add_u32(self, key, v): self.add_scalar(key, U32, int(v))
    def add_i32(self, key, v): self.add_scalar(key, I32, int(v))
    def add_f32(self, key, v): self.add_scalar(key, F32, float(v))
    def add_bool(self, key, v): self.add_scalar(key, BOOL, bool(v))
    def add_u64(self, key, v): self.add_scalar(key, U64, int(v))
    def add_i64(self, key, v): self.add_scalar(key, I64, int(v))
    def add_f64(self, key, v): self.add_scalar(key, F64, float(v))

    def add_string(self, key: str, value: str | bytes) -> None:
        self._put(key, struct.pack("<I", STRING) + _string(value))

    def add_array(self, key: str, kind: int, values: Iterable) -> None:
        values = list(values)
        if kind == STRING:
            body = b"".join(_string(v) for v in values)
        elif kind in _SCALAR:
            body = struct.pack(f"<{len(values)}{_SCALAR[kind]}", *values)
        else:
            raise ValueError(f"key {key!r}: arrays of type {kind} are not written")
        self._put(key, struct.pack("<IIQ", ARRAY, kind, len(values)) + body)

    def add(self, key: str, value) -> None:
        if isinstance(value, (bool, np.bool_)):
            self.add_bool(key, value)
        elif isinstance(value, (int, np.integer)):
            value = int(value)
            kind = (U32 if 0 <= value < 1 << 32 else I32 if -(1 << 31) <= value < 0 else
                    U64 if value >= 0 else I64)
            self.add_scalar(key, kind, value)
        elif isinstance(value, (float, np.floating)):
            self.add_f32(key, value)
        elif isinstance(value, (str, bytes)):
            self.add_string(key, value)
        elif isinstance(value, (list, tuple, np.ndarray)):
            values = list(value)
            if not values:
                raise ValueError(f"key {key!r}: the element type of an empty list is unknown")
            first = values[0]
            kind = (BOOL if isinstance(first, (bool, np.bool_)) else
                    STRING if isinstance(first, (str, bytes)) else
                    F32 if any(isinstance(v, (float, np.floating)) for v in values) else I32)
            self.add_array(key, kind, values)
        else:
            raise TypeError(f"key {key!r}: {type(value).__name__} has no GGUF type")

    # Tensors.  Shapes are in PyTorch order; the file has the fastest dimension first.

    def _tensor(self, t: _Tensor) -> None:
        if not t.name or len(t.name.encode()) > MAX_NAME_BYTES:
            raise ValueError(f"tensor name {t.name!r}: empty or longer than {MAX_NAME_BYTES} bytes")
        if t.name in self._tensors:
            raise ValueError(f"tensor {t.name!r} was given twice")
        if not 1 <= len(t.shape) <= 4 or min(t.shape) < 1:
            raise ValueError(f"tensor {t.name!r}: shape {t.shape} is not 1 to 4 positive numbers")
        if t.kind not in TENSOR_TYPES:
            raise ValueError(f"tensor {t.name!r}: unknown type {t.kind!r}")
        block = TENSOR_TYPES[t.kind][1]
        if t.shape[-1] % block:
            raise ValueError(f"tensor {t.name!r}: a row of {t.shape[-1]} is not a multiple of {block}")
        self._tensors[t.name] = t

    def add_tensor(self, name: str, array: np.ndarray, kind: str = "f32") -> None:
        """Values that are already in memory; the array is kept until write()."""
        array = np.asarray(array)
        self._tensor(_Tensor(name, tuple(array.shape), kind, lambda: array, False))

    def add_lazy(self, name: str, shape: Sequence[int], kind: str,
                 source: Callable[[], np.ndarray]) -> None:
        """Values that `source` produces when they are written."""
        self._tensor(_Tensor(name, tuple(int(n) for n in shape), kind, source, False))

    def add_raw(self, name: str, shape: Sequence[int], kind: str,
                source: Callable[[], np.ndarray]) -> None:
        """As add_lazy(), but `source` gives the stored bytes: one array, or an iterator of pieces."""
        self._tensor(_Tensor(name, tuple(int(n) for n in shape), kind, source, True))

    @property
    def tensor_names(self) -> list[str]:
        return list(self._tensors)

    def tensor_type(self, name: str) -> str:
        return self._tensors[name].kind

    def write(self) -> int:
        """Write the file (through a temporary one beside it) and return its size in bytes."""
        part = self.path + ".part"
        pad = lambda n: -n % self.alignment
        try:
            with open(part, "wb") as f:
                f.write(struct.pack("<4sIQQ", b"GGUF", 3, len(self._tensors), len(self._keys)))
                for key, payload in self._keys.items():
                    f.write(_string(key))
                    f.write(payload)
                offset = 0
                for t in self._tensors.values():
                    f.write(_string(t.name))
                    f.write(struct.pack(f"<I{len(t.shape)}Q", len(t.shape), *reversed(t.shape)))
                    f.write(struct.pack("<IQ", TENSOR_TYPES[t.kind][0], offset))
                    offset += t.n_bytes + pad(t.n_bytes)
                f.write(b"\0" * pad(f.tell()))
                for t in self._tensors.values():
                    written = self._write_data(f, t)
                    if written != t.n_bytes:
                        raise ValueError(f"tensor {t.name!r}: {written} bytes came, {t.n_bytes} "
                                         "were declared")
                    f.write(b"\0" * pad(written))
                size = f.tell()
            os.replace(part, self.path)
        except BaseException:
            if os.path.exists(part):
                os.unlink(part)
            raise
        return size

    @staticmethod
    def _write_data(f, t: _Tensor) -> int:
        data = t.source()
        if t.raw:
            pieces = [data] if isinstance(data, np.ndarray) else data
            written = 0
            for piece in pieces:
                raw = np.ascontiguousarray(piece).reshape(-1).view(np.uint8)
                f.write(raw.data)
                written += raw.size
            return written
        if tuple(data.shape) != t.shape:
            raise ValueError(f"tensor {t.name!r}: shape {tuple(data.shape)} came, {t.shape} was declared")
        rows = np.asarray(data).reshape(-1, t.shape[-1])
        step = max(1, (4 << 20) // t.shape[-1])  # about 4 million values at a time
        written = 0
        for at in range(0, rows.shape[0], step):
            raw = encode(rows[at:at + step], t.kind)
            f.write(raw.data)
            written += raw.size
        return written
