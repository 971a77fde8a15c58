# SPDX-License-Identifier: GPL-3.0-or-later
"""Embedding models in Hugging Face form -> GGUF: bert and nomic-bert.

bert_writer() and nomic_writer() take a mapping of transformers' names (BertModel, NomicBertModel) to tensors,
the configuration as a dict and the tokens of vocab.txt in order.  Names, keys and shapes are those of
llama.cpp's conversions; as there, "##x" becomes "x", and a token that begins a word gets U+2581 in front.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .gguf import FILE_TYPES, GGUFWriter
from .hf import CONTROL, NORMAL, Tokenizer
from .text import (QUANTIZATION_VERSION, add_matrix, check_names, rope_of, tokenizer_keys, values_of)

POOLING = {"mean": 1, "cls": 2, "last": 3}
_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def wordpiece(vocab: list[str]) -> Tokenizer:
    def stored(token: str) -> str:
        if token.startswith("[") and token.endswith("]"):
            return token
        return token[2:] if token.startswith("##") else "\u2581" + token

    at = vocab.index
    return Tokenizer([stored(t) for t in vocab], [CONTROL if t in _MARKS else NORMAL for t in vocab], [],
                     add_bos=True, pad_id=at("[PAD]"), unk_id=at("[UNK]"), model="bert", pre="jina-v2-en",
                     extra={})


def _writer(path, arch: str, hp: dict, vocab: list[str], pooling: str, kind: str, name: str | None) -> GGUFWriter:
    w = GGUFWriter(path, arch)
    w.add_string("general.type", "model")
    if name:
        w.add_string("general.name", name)
    w.add_u32("general.file_type", FILE_TYPES[kind])
    w.add_u32("general.quantization_version", QUANTIZATION_VERSION)
    w.add_u32(f"{arch}.block_count", hp["num_hidden_layers"])
    w.add_u32(f"{arch}.context_length", hp["max_position_embeddings"])
    w.add_u32(f"{arch}.embedding_length", hp["hidden_size"])
    w.add_u32(f"{arch}.feed_forward_length", hp["intermediate_size"])
    w.add_u32(f"{arch}.attention.head_count", hp["num_attention_heads"])
    w.add_f32(f"{arch}.attention.layer_norm_epsilon", hp["layer_norm_eps"])
    w.add_bool(f"{arch}.attention.causal", False)
    w.add_u32(f"{arch}.pooling_type", POOLING[pooling])
    tokenizer_keys(w, wordpiece(vocab))
    w.add_u32("tokenizer.ggml.token_type_count", hp["type_vocab_size"])
    w.add_u32("tokenizer.ggml.cls_token_id", vocab.index("[CLS]"))
    w.add_u32("tokenizer.ggml.seperator_token_id", vocab.index("[SEP]"))  # files spell it so
    return w


def _pairs(names: Mapping[str, str]) -> dict[str, str]:
    return {f"{hf}.{part}": f"{gguf}.{part}" for hf, gguf in names.items() for part in ("weight", "bias")}


def _add_all(w: GGUFWriter, wanted: Mapping, tensors: Mapping, kind: str) -> None:
    for hf, gguf in wanted.items():
        x = tensors[hf]
        # Tables whose rows are added stay as they are.
        whole = gguf in ("token_types.weight", "position_embd.weight")
        add_matrix(w, gguf, x.shape, "f32" if whole else kind, lambda x=x: values_of(x))


def bert_writer(path, tensors: Mapping, hp: dict, vocab: list[str], *, pooling: str = "mean", kind: str = "f16",
                name: str | None = None) -> GGUFWriter:
    w = _writer(path, "bert", hp, vocab, pooling, kind, name)
    names = {}
    for i in range(int(hp["num_hidden_layers"])):
        for hf, gguf in {"attention.self.query": "attn_q", "attention.self.key": "attn_k",
                         "attention.self.value": "attn_v", "attention.output.dense": "attn_output",
                         "attention.output.LayerNorm": "attn_output_norm", "intermediate.dense": "ffn_up",
                         "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}.items():
            names[f"encoder.layer.{i}.{hf}"] = f"blk.{i}.{gguf}"
    wanted = {**_pairs({**names, "embeddings.LayerNorm": "token_embd_norm"}),
              "embeddings.word_embeddings.weight": "token_embd.weight",
              "embeddings.token_type_embeddings.weight": "token_types.weight",
              "embeddings.position_embeddings.weight": "position_embd.weight"}
    unused = {n for n in tensors if n.startswith("pooler.") or n.endswith("position_ids")}
    check_names(wanted, tensors, unused, "bert")
    _add_all(w, wanted, tensors, kind)
    return w


def nomic_writer(path, tensors: Mapping, hp: dict, vocab: list[str], *, pooling: str = "mean",
                 kind: str = "f16", name: str | None = None) -> GGUFWriter:
    w = _writer(path, "nomic-bert", hp, vocab, pooling, kind, name)
    w.add_f32("nomic-bert.rope.freq_base", rope_of(hp)["rope_theta"])
    wanted = {"embeddings.word_embeddings.weight": "token_embd.weight",
              "embeddings.token_type_embeddings.weight": "token_types.weight",
              **_pairs({"embeddings.LayerNorm": "token_embd_norm"})}
    fused = {}
    for i in range(int(hp["num_hidden_layers"])):
        at = f"layers.{i}."
        wanted.update(_pairs({at + "post_attention_layernorm": f"blk.{i}.attn_output_norm",
                              at + "post_mlp_layernorm": f"blk.{i}.layer_output_norm"}))
        for hf, gguf in {"self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
                         "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}.items():
            wanted[f"{at}{hf}.weight"] = f"blk.{i}.{gguf}.weight"
        fused[f"blk.{i}.attn_qkv.weight"] = [f"{at}self_attn.{x}_proj.weight" for x in "qkv"]
    parts = {p: "" for three in fused.values() for p in three}
    unused = {n for n in tensors if n.startswith("pooler.")}
    check_names({**wanted, **parts}, tensors, unused, "nomic-bert")
    _add_all(w, wanted, tensors, kind)
    for gguf, three in fused.items():
        shape = (sum(tensors[p].shape[0] for p in three), tensors[three[0]].shape[1])
        add_matrix(w, gguf, shape, kind,
                   lambda three=three: np.concatenate([values_of(tensors[p]) for p in three]))
    return w
