#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden fixtures of the text architectures: tiny random models and what transformers computes with them.

    python3 tests/golden/make_text.py            # writes fixtures/text.json and what it names
    python3 tests/golden/make_text.py llama      # makes the models whose id begins so, keeps the others

Expected logits come from Hugging Face's model classes in float32 with eager attention, on token ids that a
seed draws; the GGUF files are written by data/convert/text.py.  As in make.py, weights are rounded to what
f16 holds, so that a file's type changes nothing.  Sizes are awkward on purpose: three or five heads, heads
of 24 or 40, nothing a power of two.
"""

from __future__ import annotations

import copy
import json
import platform
import sys
import zlib

import numpy as np
import torch
import transformers

import make
from make import GREEDY, GREEDY_MARGIN, INIT_STD, OUT, QUERY_STD, VOCAB, Values
from data.convert import text as convert

ROWS = 12                               # logits kept of a case: of its last tokens
CASES = {"short": 21, "long": 150}      # tokens; 150 is three pages of the cache and five chunks of 32



def LONGROPE(n_rot: int, part: float) -> dict:
    half = n_rot // 2
    return dict(rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=part,
                short_factor=[round(1 + 0.05 * i, 3) for i in range(half)],
                long_factor=[round(1.1 + 0.7 * i, 3) for i in range(half)])


# id, architecture, transformers' class, the file's type, configuration.  `common` is added to each.
MODELS = [
    # Plain: grouped heads, tied output.
    ("llama", "llama", "Llama", "f16", dict(
        hidden_size=72, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1,
        intermediate_size=104, tie_word_embeddings=True, rms_norm_eps=1e-5)),
    # Biases on all four, heads wider than embd / heads, factors of Llama 3.1 with all three ranges.
    ("llama-31", "llama", "Llama", "f16", dict(
        hidden_size=56, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=40,
        intermediate_size=88, tie_word_embeddings=False, attention_bias=True,
        rope_parameters=dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0,
                             high_freq_factor=4.0, original_max_position_embeddings=64))),
    ("llama-linear", "llama", "Llama", "f32", dict(
        hidden_size=48, num_hidden_layers=1, num_attention_heads=3, num_key_value_heads=3,
        intermediate_size=72, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.5))),
    ("llama-yarn", "llama", "Llama", "f16", dict(
        hidden_size=80, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
        intermediate_size=72, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=4.0,
                             original_max_position_embeddings=48))),
    # A window that is shorter than the long case and no multiple of anything.
    ("mistral", "llama", "Mistral", "f16", dict(
        hidden_size=72, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1, head_dim=24,
        intermediate_size=104, tie_word_embeddings=True, sliding_window=37)),
    # Fused weights and a window.
    ("phi3", "phi3", "Phi3", "f16", dict(
        hidden_size=72, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1,
        intermediate_size=104, tie_word_embeddings=False, sliding_window=29)),
    # Sessions of these tests have 512 tokens of context: more than 16, so the long factors count; three
    # quarters of each head turn.
    ("phi3-long", "phi3", "Phi3", "f16", dict(
        hidden_size=80, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        intermediate_size=72, tie_word_embeddings=True, max_position_embeddings=256,
        original_max_position_embeddings=16, partial_rotary_factor=0.75, rope_parameters=LONGROPE(30, 0.75))),
    # And less than 1,024: the short ones.
    ("phi3-short", "phi3", "Phi3", "f16", dict(
        hidden_size=80, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        intermediate_size=72, tie_word_embeddings=True, original_max_position_embeddings=1024,
        rope_parameters=LONGROPE(40, 1.0))),
    # Five heads of 16 on one KV head.
    ("qwen2", "qwen2", "Qwen2", "f16", dict(
        hidden_size=80, num_hidden_layers=2, num_attention_heads=5, num_key_value_heads=1,
        intermediate_size=88, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    # As Qwen2.5's cards recommend for long texts: YaRN whose ramp has both ends inside the head.
    ("qwen2-yarn", "qwen2", "Qwen2", "f16", dict(
        hidden_size=72, num_hidden_layers=1, num_attention_heads=3, num_key_value_heads=3,
        intermediate_size=56, tie_word_embeddings=True, max_position_embeddings=128,
        rope_parameters=dict(rope_type="yarn", rope_theta=1e6, factor=2.0,
                             original_max_position_embeddings=64))),
    # Four heads of 32 over an embedding of 72: nothing is square.
    ("qwen3", "qwen3", "Qwen3", "f16", dict(
        hidden_size=72, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
        intermediate_size=104, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    ("qwen3-untied", "qwen3", "Qwen3", "f16", dict(
        hidden_size=56, num_hidden_layers=1, num_attention_heads=6, num_key_value_heads=2, head_dim=24,
        intermediate_size=72, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    # Seven layers: five slide, one is full with a factor, one slides; a scale of its own as the 27B has.
    ("gemma3", "gemma3", "Gemma3Text", "f16", dict(
        hidden_size=48, num_hidden_layers=7, num_attention_heads=3, num_key_value_heads=1, head_dim=24,
        intermediate_size=56, tie_word_embeddings=True, sliding_window=23, query_pre_attn_scalar=16,
        rope_parameters=dict(full_attention=dict(rope_type="linear", rope_theta=1e6, factor=8.0),
                             sliding_attention=dict(rope_type="default", rope_theta=10000.0)))),
    # As the 1B: no factor; a window wider than the texts.
    ("gemma3-1b", "gemma3", "Gemma3Text", "f16", dict(
        hidden_size=40, num_hidden_layers=6, num_attention_heads=2, num_key_value_heads=1, head_dim=32,
        intermediate_size=56, tie_word_embeddings=True, sliding_window=512, query_pre_attn_scalar=32)),
]


def make_model(seed: int, cls: str, cfg: dict, ids):
    common = dict(vocab_size=VOCAB, max_position_embeddings=4096, bos_token_id=ids.bos_id,
                  eos_token_id=ids.eos_id, pad_token_id=ids.pad_id)
    config = getattr(transformers, cls + "Config")(**{**common, **cfg})
    config._attn_implementation = "eager"
    model_class = getattr(transformers, cls.replace("Text", "") + "ForCausalLM")
    model = model_class(config).float().eval()
    # Gemma keeps norms as what is added to 1.
    around = 0 if "Gemma" in cls else 1
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            narrow = any(part in name for part in ("q_proj", "k_proj", "qkv_proj"))
            value = torch.randn(p.shape, generator=rng) * (QUERY_STD if narrow else INIT_STD)
            p.copy_(((around if "norm" in name else 0) + value).half().float())
    assert model.config._attn_implementation == "eager"
    return model


@torch.no_grad()
def run_case(name: str, model, keep, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, VOCAB - len(make.SPECIALS), CASES[name]).tolist()

    def forward(m, ids):
        return m(input_ids=torch.tensor([ids]), use_cache=False).logits[0]

    logits = forward(model, ids)
    noise = float((logits.double() - forward(copy.deepcopy(model).double(), ids)).abs().max())
    assert noise < 2e-4, f"{name}: float32 itself is {noise} away from float64, the bar of 1e-3 is too near"

    greedy, row = [], logits[-1]
    while len(greedy) < GREEDY:
        best = row.topk(2)
        if float(best.values[0] - best.values[1]) < GREEDY_MARGIN:
            break
        greedy.append(int(best.indices[0]))
        row = forward(model, ids + greedy)[-1]
    return {"name": name, "ids": ids,
            "logits": {"first": len(ids) - ROWS, "rows": ROWS, "at": keep(logits[-ROWS:])},
            "logits_std": float(logits.std()), "float32_noise": noise, "greedy": greedy}


def make_entry(label: str, arch: str, cls: str, kind: str, cfg: dict) -> dict:
    _, ids = make.make_tokenizer()
    seed = zlib.crc32(label.encode())
    model = make_model(seed, cls, cfg, ids)
    hp = model.config.to_dict()
    path = OUT / f"{label}.gguf"
    size = convert.convert_text(path, model.state_dict(), hp, ids, arch=arch, kind=kind,
                                name=f"golden {label}")
    keep = Values()
    cases = [run_case(name, model, keep, seed + n) for n, name in enumerate(CASES)]
    keep.write(OUT / f"{label}.f32")
    for c in cases:
        print(f"{label:14} {c['name']:6} {size:7} bytes, logits std {c['logits_std']:.2f}, "
              f"f32 noise {c['float32_noise']:.1e}, greedy {len(c['greedy'])}")
    assert size < 400_000, f"{path.name} is {size} bytes"
    return {"id": label, "text": path.name, "values": f"{label}.f32", "class": type(model).__name__,
            "runs": [{"kv": "f32", "logits": 1e-3}, {"kv": "f16", "logits": 1e-2}],
            "n_embd": cfg["hidden_size"], "n_vocab": VOCAB, "cases": cases}


def main(argv) -> int:
    torch.set_num_threads(2)
    OUT.mkdir(exist_ok=True)
    target = OUT / "text.json"
    old = {m["id"]: m for m in json.loads(target.read_text())["models"]} if argv and target.exists() else {}
    entries = []
    for label, *rest in MODELS:
        if label in old and not any(label.startswith(a) for a in argv):
            entries.append(old[label])
        else:
            entries.append(make_entry(label, *rest))
    made = {"command": "python3 tests/golden/make_text.py", "python": platform.python_version(),
            "torch": torch.__version__, "transformers": transformers.__version__, "numpy": np.__version__}
    target.write_text(make.dump({"made_with": made, "models": entries}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
