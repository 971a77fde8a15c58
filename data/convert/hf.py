# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a local Hugging Face model folder with numpy alone: safetensors, tokenizer, JSON files."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

# tokenizer.ggml.token_type
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4",
           "U8": "u1", "I8": "i1"}


def read_json(path: Path, default=None):
    if not path.exists():
        return default
    with open(path, encoding="utf-8") as f:
        return json.load(f)


@dataclass
class StoredTensor:
    """A tensor that stays in its file until load()."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def load(self) -> np.ndarray:
        raw = np.memmap(self.path, mode="r", dtype=_DTYPES[self.dtype], offset=self.offset,
                        shape=self.shape)
        if self.dtype == "BF16":
            return (np.asarray(raw).astype("<u4") << 16).view("<f4")
        return np.asarray(raw)


class SafetensorsFolder(Mapping):
    """Names -> StoredTensor over every *.safetensors file of a folder."""

    def __init__(self, folder: Path):
        self._index: dict[str, StoredTensor] = {}
        files = sorted(Path(folder).glob("*.safetensors"))
        if not files:
            raise FileNotFoundError(f"{folder}: no .safetensors file in it")
        for path in files:
            with open(path, "rb") as f:
                (n,) = struct.unpack("<Q", f.read(8))
                header = json.loads(f.read(n))
            for name, entry in header.items():
                if name == "__metadata__":
                    continue
                if entry["dtype"] not in _DTYPES:
                    raise ValueError(f"{path.name}: tensor {name!r} has type {entry['dtype']}, which is "
                                     "not one we convert")
                self._index[name] = StoredTensor(path, entry["dtype"], tuple(entry["shape"]),
                                                 8 + n + entry["data_offsets"][0])

    def __getitem__(self, name): return self._index[name]
    def __iter__(self): return iter(self._index)
    def __len__(self): return len(self._index)


@dataclass
class Tokenizer:
    """A vocabulary as GGUF files carry it: byte-level BPE ("gpt2": tokens in the GPT-2 printable alphabet,
    merges) or SentencePiece ("llama": scores)."""

    tokens: list[str]
    types: list[int]
    merges: list[str]                       # "left right"
    eos_id: int | None = None
    bos_id: int | None = None
    pad_id: int | None = None
    add_bos: bool = False
    pre: str = "qwen2"
    model: str = "gpt2"
    scores: list[float] | None = None       # "llama" only
    unk_id: int | None = None
    add_space_prefix: bool | None = None
    extra: dict = field(default_factory=dict)  # further tokenizer.ggml.* keys

    def id(self, token: str) -> int:
        return self.tokens.index(token)

    def pad_to(self, n: int) -> None:
        """Fill up to the rows of the embedding, under names that no text produces."""
        if len(self.tokens) > n:
            raise ValueError(f"the vocabulary has {len(self.tokens)} tokens, the embedding {n} rows")
        for i in range(len(self.tokens), n):
            self.tokens.append(f"[PAD{i}]")
            self.types.append(UNUSED)
            if self.scores is not None:
                self.scores.append(-10000.0)


def _merges_of(raw) -> list[str]:
    return [m if isinstance(m, str) else " ".join(m) for m in raw]


def _text_of(entry) -> str | None:
    return entry.get("content") if isinstance(entry, dict) else entry


def _fields(raw: bytes):
    """(number, value) of a protobuf message: ints for varints, bytes for the rest."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(raw):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(tag & 7) or varint()
        yield tag >> 3, raw[at:at + size]
        at += size


def read_sentencepiece(path: Path) -> Tokenizer:
    """tokenizer.model (ModelProto): pieces (1), trainer (2), normalizer (3).  Piece types are GGUF's."""
    tokens, types, scores, prefix = [], [], [], True
    ids = {40: 0, 41: 1, 42: 2, 43: -1}  # unk, bos, eos, pad of the trainer
    for number, value in _fields(path.read_bytes()):
        if number == 1:
            piece = dict(_fields(value))
            tokens.append(piece.get(1, b"").decode("utf-8"))
            scores.append(struct.unpack("<f", piece[2])[0] if 2 in piece else 0.0)
            types.append(piece.get(3, NORMAL))
        elif number == 2:
            ids.update({k: v - (1 << 64) if v >> 63 else v for k, v in _fields(value) if k in ids})
        elif number == 3:
            prefix = bool(dict(_fields(value)).get(3, 1))
    unk, bos, eos, pad = (ids[k] if 0 <= ids[k] < len(tokens) else None for k in (40, 41, 42, 43))
    return Tokenizer(tokens, types, [], eos_id=eos, bos_id=bos, pad_id=pad, unk_id=unk, add_bos=True,
                     pre="default", model="llama", scores=scores, add_space_prefix=prefix)


def _add_tokens(t: Tokenizer, added: dict[int, tuple[str, bool]]) -> None:
    for i, (content, special) in sorted(added.items()):
        while len(t.tokens) <= i:
            t.pad_to(len(t.tokens) + 1)
        t.tokens[i] = content
        t.types[i] = CONTROL if special else USER_DEFINED


def pre_tokenizer_of(whole: dict) -> str:
    """tokenizer.ggml.pre, by the digits of the splitting pattern in tokenizer.json."""
    text = json.dumps(whole.get("pre_tokenizer"))
    if "N}{1,3}" in text:
        return "llama-bpe"
    if "N}" in text:
        return "qwen2"
    if "ByteLevel" in text:
        return "gpt-2"
    raise ValueError("the pre-tokenizer of tokenizer.json is none that we know")


def read_tokenizer(folder: Path) -> Tokenizer:
    """tokenizer.model with the added tokens of tokenizer_config.json, or tokenizer.json, or vocab.json +
    merges.txt."""
    folder = Path(folder)
    if (folder / "tokenizer.model").exists():
        t = read_sentencepiece(folder / "tokenizer.model")
        config = read_json(folder / "tokenizer_config.json", {})
        _add_tokens(t, {int(i): (a["content"], bool(a.get("special")))
                        for i, a in config.get("added_tokens_decoder", {}).items()})
        t.add_bos = bool(config.get("add_bos_token", True))
        return t
    config = read_json(folder / "tokenizer_config.json", {})
    added: dict[int, tuple[str, bool]] = {}
    whole = read_json(folder / "tokenizer.json")
    if whole:
        if whole["model"].get("type", "BPE") != "BPE":
            raise ValueError(f"{folder}/tokenizer.json: model type {whole['model']['type']!r}, not BPE")
        vocab, merges = whole["model"]["vocab"], _merges_of(whole["model"]["merges"])
        for t in whole.get("added_tokens", []):
            added[t["id"]] = (t["content"], bool(t.get("special")))
    else:
        vocab = read_json(folder / "vocab.json")
        if vocab is None:
            raise FileNotFoundError(f"{folder}: neither tokenizer.json nor vocab.json")
        lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
        merges = [m for m in lines if m and not m.startswith("#version")]
        for content, i in read_json(folder / "added_tokens.json", {}).items():
            added[i] = (content, True)
    for i, t in config.get("added_tokens_decoder", {}).items():
        added[int(i)] = (t["content"], bool(t.get("special")))

    by_id = {i: t for t, i in vocab.items()}
    n = max([*by_id, *added]) + 1
    tokens, types = [], []
    for i in range(n):
        if i in added:
            content, special = added[i]
            tokens.append(content)
            types.append(CONTROL if special else USER_DEFINED)
        elif i in by_id:
            tokens.append(by_id[i])
            types.append(NORMAL)
        else:
            tokens.append(f"[PAD{i}]")
            types.append(UNUSED)

    pre = pre_tokenizer_of(whole) if whole and whole.get("pre_tokenizer") else "qwen2"
    where = {t: i for i, t in enumerate(tokens)}
    id_of = lambda key: where.get(_text_of(config.get(key)))
    return Tokenizer(tokens, types, merges, eos_id=id_of("eos_token"), bos_id=id_of("bos_token"),
                     pad_id=id_of("pad_token"), add_bos=bool(config.get("add_bos_token", pre == "llama-bpe")), pre=pre)


def read_chat_template(folder: Path) -> str | None:
    folder = Path(folder)
    file = folder / "chat_template.jinja"
    if file.exists():
        return file.read_text(encoding="utf-8")
    for name in ("chat_template.json", "tokenizer_config.json"):
        template = read_json(folder / name, {}).get("chat_template")
        if isinstance(template, list):  # several, by name
            template = next((t["template"] for t in template if t["name"] == "default"), None)
        if template:
            return template
    return None
