#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden fixtures of Qwen2-VL and Qwen3-VL: what make.py does, with other models.

    python3 tests/golden/make_vision.py     # writes tests/golden/fixtures/vision.json and its files

Positions, rows and logits come from transformers' Qwen2VLForConditionalGeneration and
Qwen3VLForConditionalGeneration in float32 with eager attention, the times before a film's grids from
Qwen3VLProcessor; tokenizer, pixels and cases are make.py's.
"""

from __future__ import annotations

import copy
import sys

import numpy as np
import torch
from transformers import (Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen3VLConfig,
                          Qwen3VLForConditionalGeneration, Qwen3VLProcessor)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (Qwen2VLImageProcessorPil,
                                                                        smart_resize)

import make
from make import (GREEDY, GREEDY_MARGIN, LAST_ROWS, OUT, PIXEL_FORMULA, SYSTEM, TEMPLATE, TEXT_ROWS, VOCAB, Values,
                  as_stored, dump, film, formula_rgb, picture, resize)
from data.convert import text as text_models, towers

CASES = {
    "text": make.CASES["text"],
    "picture-half": make.CASES["picture-half"],
    "picture-strip": [SYSTEM, ("user", "What does the sign say?", [picture(280, 20, 3)])],
    "two-turns": make.CASES["two-turns"],
    # Three grids, at a speed that would give other temporal ids if it counted.
    "film": [SYSTEM, ("user", "What moves first?", [film(126, 98, 8, 6, 0.8)])],
}


class Qwen2VL:
    """Qwen2-VL: LayerNorm, quick GELU, full attention."""

    factor, patch = 28, 14
    limits = (4 * 28 * 28, 64 * 28 * 28)

    def __init__(self):
        self.processor = Qwen2VLImageProcessorPil(
            size={"shortest_edge": self.limits[0], "longest_edge": self.limits[1]})

    def model(self, spec: dict, ids):
        text = dict(spec["text"])
        sections = text.pop("mrope_section")
        config = Qwen2VLConfig(
            text_config=dict(text, vocab_size=VOCAB, rms_norm_eps=1e-6, max_position_embeddings=4096,
                             bos_token_id=ids.bos_id, eos_token_id=ids.eos_id,
                             rope_parameters={"rope_type": "default", "rope_theta": 1e6,
                                              "mrope_section": sections}),
            vision_config=dict(spec["vision"], hidden_size=text["hidden_size"], patch_size=14,
                               spatial_merge_size=2, temporal_patch_size=2, hidden_act="quick_gelu"),
            tie_word_embeddings=spec["tied"],
            image_token_id=ids.id("<|image_pad|>"), video_token_id=ids.id("<|video_pad|>"),
            vision_start_token_id=ids.id("<|vision_start|>"), vision_end_token_id=ids.id("<|vision_end|>"))
        config._attn_implementation = "eager"
        return Qwen2VLForConditionalGeneration(config)

    def write_text(self, path, state, hp, ours, **options):
        text_models.convert_text(path, state, hp, ours, arch="qwen2vl", **options)

    def write_vision(self, path, state, hp, spec, **options):
        towers.qwen2vl_writer(path, state, hp, like_2024=spec.get("like_2024", False), **options).write()

    def film_text(self, m, tok) -> str:
        """What stands for a film in the text, its placeholder once a grid."""
        return "<|vision_start|><|video_pad|><|vision_end|>"

    def placeholders(self, m) -> list[int]:
        """Tokens behind each placeholder of a medium."""
        t, h, w = m["grid"]
        return [t * h * w // 4]

    def rows(self, model, pixels, grid):
        return model.model.visual(pixels, grid_thw=grid).pooler_output


class Qwen3VL(Qwen2VL):
    """Qwen3-VL: a table of positions, deepstack, interleaved M-RoPE, films by grid with times."""

    factor, patch = 32, 16
    limits = (4 * 32 * 32, 64 * 32 * 32)

    def __init__(self):
        self.processor = Qwen2VLImageProcessorPil(
            size={"shortest_edge": self.limits[0], "longest_edge": self.limits[1]}, patch_size=16,
            image_mean=[0.5] * 3, image_std=[0.5] * 3)

    def model(self, spec: dict, ids):
        text = dict(spec["text"])
        sections = text.pop("mrope_section")
        config = Qwen3VLConfig(
            text_config=dict(text, vocab_size=VOCAB, rms_norm_eps=1e-6, max_position_embeddings=4096,
                             bos_token_id=ids.bos_id, eos_token_id=ids.eos_id,
                             rope_parameters={"rope_type": "default", "rope_theta": spec["theta"],
                                              "mrope_section": sections, "mrope_interleaved": True}),
            vision_config=dict(spec["vision"], out_hidden_size=text["hidden_size"], patch_size=16,
                               spatial_merge_size=2, temporal_patch_size=2,
                               hidden_act="gelu_pytorch_tanh"),
            tie_word_embeddings=spec["tied"],
            image_token_id=ids.id("<|image_pad|>"), video_token_id=ids.id("<|video_pad|>"),
            vision_start_token_id=ids.id("<|vision_start|>"), vision_end_token_id=ids.id("<|vision_end|>"))
        config._attn_implementation = "eager"
        return Qwen3VLForConditionalGeneration(config)

    def write_text(self, path, state, hp, ours, **options):
        text_models.convert_text(path, state, hp, ours, arch="qwen3vl", **options)

    def write_vision(self, path, state, hp, spec, **options):
        towers.qwen3vl_writer(path, state, hp, **options).write()

    def film_text(self, m, tok) -> str:
        times = Qwen3VLProcessor._calculate_timestamps(None, list(range(m["frames"])), m["fps"], 2)
        m["grid_seconds"] = times
        return "".join(f"<{t:.1f} seconds><|vision_start|><|video_pad|><|vision_end|>" for t in times)

    def placeholders(self, m) -> list[int]:
        t, h, w = m["grid"]
        return [h * w // 4] * (t if m["kind"] == "film" else 1)

    def rows(self, model, pixels, grid):
        out = model.model.visual(pixels, grid_thw=grid)
        return torch.cat([out.pooler_output, *out.deepstack_features], dim=1)


def fill(model, seed: int):
    model = model.float().eval()
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            std = make.QUERY_STD if any(x in name for x in ("q_proj", "k_proj", "qkv")) else make.INIT_STD
            value = torch.randn(p.shape, generator=rng) * std
            if p.dim() == 1 and name.endswith("weight"):  # every norm, and nothing else
                value = 1 + value
            p.copy_(value.half().float())
    assert model.config._attn_implementation == "eager"
    return model


def process_medium(family, m: dict, size) -> tuple[np.ndarray, list[int]]:
    """make.process_medium() for any size of patch."""
    frames = [formula_rgb(m["width"], m["height"], m["seed"], f) for f in range(m.get("frames", 1))]
    done = [family.processor(images=resize(f, size), return_tensors="np") for f in frames]
    _, h, w = (int(v) for v in done[0]["image_grid_thw"][0])
    rows = np.stack([d["pixel_values"] for d in done])
    if m["kind"] == "picture":
        return rows[0], [1, h, w]
    p = family.patch
    still = rows.reshape(len(frames) // 2, 2, h * w, 3, 2, p, p)
    pairs = np.stack([still[:, 0, :, :, 0], still[:, 1, :, :, 0]], axis=3)
    return pairs.reshape(-1, rows.shape[-1]), [len(frames) // 2, h, w]


@torch.no_grad()
def run_case(family, name: str, model, tok, keep) -> dict:
    config = model.config
    media, patches, turns = [], {"picture": [], "film": []}, []
    for role, text, attached in CASES[name]:
        content = []
        for m in attached:
            m = dict(m)
            rh, rw = smart_resize(m["height"], m["width"], family.factor, *family.limits)
            values, grid = process_medium(family, m, (rw, rh))
            patches[m["kind"]].append(values)
            assert [rh, rw] == [grid[1] * family.patch, grid[2] * family.patch]
            m.update(resized=[rw, rh], grid=grid)
            if m["kind"] == "film":
                m["seconds_per_grid"] = 2 / m["fps"]
            content.append({"type": "image" if m["kind"] == "picture" else "video"})
            media.append(m)
        content.append({"type": "text", "text": text})
        turns.append({"role": role, "content": content})

    rendered = tok.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    for m in (m for m in media if m["kind"] == "film"):
        rendered = rendered.replace("<|vision_start|><|video_pad|><|vision_end|>",
                                    family.film_text(m, tok).replace("video_pad", "\0"), 1)
    rendered = rendered.replace("\0", "video_pad")
    pads = {config.image_token_id: 1, config.video_token_id: 2}
    ids, queue = [], [n for m in media for n in family.placeholders(m)]
    for i in tok(rendered)["input_ids"]:
        ids += [i] * (queue.pop(0) if i in pads else 1)
    assert not queue
    types = torch.tensor([[pads.get(i, 0) for i in ids]])
    pictures = [m["grid"] for m in media if m["kind"] == "picture"]
    films = [m["grid"] for m in media if m["kind"] == "film"]
    pos, _ = model.model.get_rope_index(
        torch.tensor([ids]), types, image_grid_thw=torch.tensor(pictures) if pictures else None,
        video_grid_thw=torch.tensor(films) if films else None)
    pos = pos[:, 0]

    tensors = {}
    if pictures:
        tensors.update(pixel_values=torch.from_numpy(np.concatenate(patches["picture"])),
                       image_grid_thw=torch.tensor(pictures))
    if films:
        tensors.update(pixel_values_videos=torch.from_numpy(np.concatenate(patches["film"])),
                       video_grid_thw=torch.tensor(films))

    def forward(model, ids, pos):
        cast = {k: v.to(model.dtype) if v.is_floating_point() else v for k, v in tensors.items()}
        return model(input_ids=torch.tensor([ids]), position_ids=pos[:, None], use_cache=False,
                     mm_token_type_ids=torch.tensor([[pads.get(i, 0) for i in ids]]), **cast).logits[0]

    logits = forward(model, ids, pos)
    noise = float((logits.double() - forward(copy.deepcopy(model).double(), ids, pos)).abs().max())
    assert noise < 2e-4, f"{name}: float32 itself is {noise} away from float64, the bar of 1e-3 is too near"

    greedy, more_ids, more_pos, row = [], list(ids), pos, logits[-1]
    while len(greedy) < GREEDY:
        best = row.topk(2)
        if float(best.values[0] - best.values[1]) < GREEDY_MARGIN:
            break
        greedy.append(int(best.indices[0]))
        more_ids.append(greedy[-1])
        more_pos = torch.cat([more_pos, more_pos.max() + torch.ones(3, 1, dtype=torch.long)], dim=1)
        row = forward(model, more_ids, more_pos)[-1]

    for key, kind in (("pixel_values", "picture"), ("pixel_values_videos", "film")):
        if key not in tensors:
            continue
        rows = family.rows(model, tensors[key],
                           tensors["image_grid_thw" if kind == "picture" else "video_grid_thw"])
        at = 0
        for m in (m for m in media if m["kind"] == kind):
            n = int(np.prod(m["grid"])) // 4
            m["rows"] = keep(rows[at:at + n])
            at += n
    n_rows = min(len(ids), LAST_ROWS if media else TEXT_ROWS)
    queue = iter(media)
    return {
        "name": name,
        "messages": [{"role": role, "text": text, "media": [next(queue) for _ in attached]}
                     for role, text, attached in CASES[name]],
        "rendered": rendered,
        "ids": ids,
        "positions": pos.tolist(),
        "logits": {"first": len(ids) - n_rows, "rows": n_rows, "at": keep(logits[-n_rows:])},
        "logits_std": float(logits.std()),
        "float32_noise": noise,
        "greedy": greedy,
    }


# Label, family, and what the model is like.
PLAN = [
    # Three blocks of three heads of 16.
    ("vl2a", Qwen2VL, "f16", dict(
        text=dict(hidden_size=96, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1,
                  intermediate_size=160, mrope_section=[4, 6, 6]),
        vision=dict(embed_dim=48, depth=3, num_heads=3, mlp_ratio=2), tied=True, seed=31)),
    # A file like those of 2024; heads of 24, one head of keys for two of 40.
    ("vl2b", Qwen2VL, "f32", dict(
        text=dict(hidden_size=80, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
                  intermediate_size=144, mrope_section=[4, 8, 8]),
        vision=dict(embed_dim=48, depth=2, num_heads=2, mlp_ratio=3), tied=True, seed=32,
        like_2024=True)),
    # Heads whose size does not follow from the width; sections that leave pair 31 to the tail, at a base so
    # small that the tail turns visibly; a tower with a table of 7 x 7 and two mergers behind blocks that are
    # not next to each other.
    ("vl3a", Qwen3VL, "f16", dict(
        text=dict(hidden_size=80, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1,
                  head_dim=64, intermediate_size=128, mrope_section=[12, 10, 10]),
        vision=dict(hidden_size=40, depth=3, num_heads=5, intermediate_size=72, num_position_embeddings=49,
                    deepstack_visual_indexes=[0, 2]), tied=True, seed=33, theta=100.0)),
    # An output matrix of its own, three heads of 32 in 64 columns, heads of 24 in the tower.
    ("vl3b", Qwen3VL, "f16", dict(
        text=dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1,
                  head_dim=32, intermediate_size=96, mrope_section=[6, 5, 5]),
        vision=dict(hidden_size=48, depth=2, num_heads=2, intermediate_size=64, num_position_embeddings=16,
                    deepstack_visual_indexes=[1]), tied=False, seed=34, theta=5e6)),
]


def main() -> int:
    torch.set_num_threads(2)
    OUT.mkdir(exist_ok=True)
    tok, _ = make.make_tokenizer()
    runs = [{"kv": "f32", "logits": 1e-3}, {"kv": "f16", "logits": 1e-2}]
    entries = []
    for label, kind_of, kind, spec in PLAN:
        family = kind_of()
        _, ours = make.make_tokenizer()
        model = fill(family.model(spec, ours), spec["seed"])
        state = model.state_dict()
        stack = len(spec["vision"].get("deepstack_visual_indexes", []))
        hp = {**model.config.text_config.to_dict(), "tie_word_embeddings": spec["tied"],
              "n_deepstack_layers": stack}
        text, mmproj = f"{label}-text-{kind}.gguf", f"{label}-mmproj-f16.gguf"
        family.write_text(OUT / text, state, hp, ours, kind=kind, chat_template=TEMPLATE,
                          name=f"golden {label}")
        family.write_vision(OUT / mmproj, state, model.config.vision_config.to_dict(), spec, kind="f16",
                            min_pixels=family.limits[0], max_pixels=family.limits[1], name=f"golden {label}")
        keep = Values()
        done = [run_case(family, name, model, tok, keep) for name in CASES]
        keep.write(OUT / f"{label}.f32")
        entries.append({"id": label, "text": text, "mmproj": mmproj, "values": f"{label}.f32", "runs": runs,
                        "min_cosine": 0.999999, "n_embd": spec["text"]["hidden_size"],
                        "row_parts": 1 + stack, "n_vocab": VOCAB, "cases": done})
        for c in done:
            print(f"{label} {c['name']:20} {len(c['ids']):4} tokens, logits std {c['logits_std']:.2f}, "
                  f"f32 noise {c['float32_noise']:.1e}, greedy {len(c['greedy'])}")
        for f in (text, mmproj, f"{label}.f32"):
            print(f"{f:24} {(OUT / f).stat().st_size:9}")
    (OUT / "vision.json").write_text(
        dump({"made_with": make.made_with("make_vision.py"), "pixel_formula": PIXEL_FORMULA,
              "models": entries}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
