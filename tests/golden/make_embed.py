#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden fixtures of embedding models: tiny random ones and what transformers computes with them.

    python3 tests/golden/make_embed.py      # writes fixtures/embed.json and what it names

Token ids come from transformers' BertTokenizer and the tokenizer of make.py, rows from BertModel,
NomicBertModel and Qwen3Model in float32 with eager attention, one text at a time; what is pooled and brought
to length 1 is done here, in a few lines of torch.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

import torch
from tokenizers import normalizers, pre_tokenizers
from transformers import (BertConfig, BertModel, BertTokenizer, NomicBertConfig, NomicBertModel, Qwen3Config,
                          Qwen3Model)

import make
from make import OUT, TRAINING_TEXT, VOCAB, Values, as_stored, dump
from make_vision import fill
from data.convert import bert, text as text_models

WORDS = 240
LONG = " ".join(["the long wave came in over the flat sand and left three red stones on the shore"] * 40)
TEXTS = ["How many stones are in the picture?", "three", "Grüße aus Köln; ça va, señor? привет 北京!",
         "The ferry leaves at half past nine, they've said: it's the third time we've asked.",
         "A small boat with a blue sail stood behind the pier, and the people on the pier counted the waves."]


def wordpiece() -> tuple[BertTokenizer, list[str]]:
    normal, split = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words = Counter(w for w, _ in split.pre_tokenize_str(normal.normalize_str(TRAINING_TEXT)))
    letters = sorted({c for w in words for c in w})
    # The library's own trainer breaks ties by chance: this is the same every time.
    parts = Counter("##" + w[-n:] for w in words for n in (2, 3) if len(w) > n)
    common = sorted(words, key=lambda w: (-words[w], w)) + sorted(parts, key=lambda p: (-parts[p], p))
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + c for c in letters)]
    vocab += [w for w in common if w not in vocab][:WORDS - len(vocab)]
    return BertTokenizer(vocab={w: i for i, w in enumerate(vocab)}), vocab


def pool(rows: torch.Tensor, how: str) -> torch.Tensor:
    v = {"mean": rows.double().mean(0), "cls": rows[0].double(), "last": rows[-1].double()}[how]
    return (v / v.norm()).float()


def bert_model(how: str, kind: str, label: str, seed: int, **cfg):
    tok, vocab = wordpiece()
    config = BertConfig(vocab_size=len(vocab), hidden_act="gelu", type_vocab_size=2, **cfg)
    config._attn_implementation = "eager"
    model = fill(BertModel(config, add_pooling_layer=False), seed)
    path = OUT / f"{label}.gguf"
    bert.bert_writer(path, model.state_dict(), config.to_dict(), vocab, pooling=how, kind=kind,
                     name=f"golden {label}").write()
    return as_file(model, kind), lambda t: tok(t)["input_ids"], TEXTS * 9


def nomic_model(how: str, kind: str, label: str, seed: int, **cfg):
    tok, vocab = wordpiece()
    config = NomicBertConfig(vocab_size=len(vocab), type_vocab_size=2, **cfg)
    config._attn_implementation = "eager"
    model = fill(NomicBertModel(config), seed)
    path = OUT / f"{label}.gguf"
    bert.nomic_writer(path, model.state_dict(), config.to_dict(), vocab, pooling=how, kind=kind,
                      name=f"golden {label}").write()
    return as_file(model, kind), lambda t: tok(t)["input_ids"], [*TEXTS, LONG]


def qwen3_model(how: str, kind: str, label: str, seed: int, **cfg):
    tok, ours = make.make_tokenizer()
    config = Qwen3Config(vocab_size=VOCAB, max_position_embeddings=2048, tie_word_embeddings=True, **cfg)
    config._attn_implementation = "eager"
    model = fill(Qwen3Model(config), seed)
    # As Qwen3-Embedding's files: an end-of-text behind every text, and the last token's row.
    end = ours.id("<|endoftext|>")
    ours.eos_id = end
    extra = {"tokenizer.ggml.add_eos_token": True}
    w = text_models.text_writer(OUT / f"{label}.gguf", model.state_dict(), config.to_dict(), ours, arch="qwen3",
                                kind=kind, name=f"golden {label}", extra=extra)
    w.add_u32("qwen3.pooling_type", bert.POOLING[how])
    w.write()
    return as_file(model, kind), lambda t: tok(t)["input_ids"] + [end], [*TEXTS, LONG]


def as_file(model, kind: str):
    return model if kind in ("f16", "f32") else as_stored(model, kind)


# Label, maker, pooling, file's type, seed, largest difference, configuration.
PLAN = [
    # Three heads of 16, a feed-forward row that fills no blocks of 32.
    ("bert-mean", bert_model, "mean", "f16", 41, 2e-6, dict(
        hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=80,
        max_position_embeddings=96, layer_norm_eps=1e-12)),
    ("bert-cls", bert_model, "cls", "f32", 42, 2e-6, dict(
        hidden_size=40, num_hidden_layers=1, num_attention_heads=1, intermediate_size=72,
        max_position_embeddings=64, layer_norm_eps=1e-12)),
    ("bert-q8", bert_model, "mean", "q8_0", 43, 2e-2, dict(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=96,
        max_position_embeddings=64, layer_norm_eps=1e-12)),
    # One text of more than 512 tokens.
    ("nomic", nomic_model, "mean", "f16", 44, 2e-6, dict(
        hidden_size=72, num_hidden_layers=2, num_attention_heads=3, intermediate_size=88,
        max_position_embeddings=1024, layer_norm_eps=1e-12)),
    ("qwen3-last", qwen3_model, "last", "f16", 45, 2e-6, dict(
        hidden_size=56, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
        intermediate_size=72, rms_norm_eps=1e-6, rope_parameters=dict(rope_type="default", rope_theta=1e6))),
]


@torch.no_grad()
def main() -> int:
    torch.set_num_threads(2)
    entries = []
    for label, maker, how, kind, seed, bar, cfg in PLAN:
        model, encode, texts = maker(how, kind, label, seed, **cfg)
        keep, done = Values(), []
        for text in texts:
            ids = encode(text)
            done.append({"text": text, "ids": ids,
                         "at": keep(pool(model(input_ids=torch.tensor([ids])).last_hidden_state[0], how))})
        # Texts that repeat are there to fill more than one run; their values are the first one's.
        keep.write(OUT / f"{label}.f32")
        entries.append({"id": label, "text": f"{label}.gguf", "values": f"{label}.f32", "pooling": how,
                        "n_embd": cfg["hidden_size"], "max_difference": bar, "texts": done})
        size = (OUT / f"{label}.gguf").stat().st_size
        print(f"{label:12} {size:8} bytes, {sum(len(d['ids']) for d in done)} tokens, longest "
              f"{max(len(d['ids']) for d in done)}")
    (OUT / "embed.json").write_text(json.dumps({"made_with": make.made_with("make_embed.py"), "models": entries}, ensure_ascii=False,
                                               separators=(", ", ": "))
                                    .replace('{"id": ', '\n{"id": ').replace('{"text": ', '\n{"text": ') + "\n",
                                    encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
