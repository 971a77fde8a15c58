# SPDX-License-Identifier: GPL-3.0-or-later
"""Qwen2.5-VL in Hugging Face form -> a text GGUF (qwen2vl) and a vision GGUF (clip).

From a shell, for a local folder with safetensors:

    python3 -m data.convert.qwen25vl HF_FOLDER OUT_DIR --type q8_0

From Python, for a model that is in memory: convert_text() and convert_vision().  Both take
  tensors  a mapping of Hugging Face names ("model.layers.0.self_attn.q_proj.weight",
           "visual.blocks.0.norm1.weight", with or without the newer "model.language_model." and
           "model.visual." prefixes) to numpy arrays, torch tensors or hf.StoredTensor
  hp       the text_config / vision_config as a dict (config.json's keys)
and names, keys and shapes are those that llama.cpp's conversions have.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from . import text as text_models
from .gguf import F32, FILE_TYPES, GGUFWriter
from .hf import SafetensorsFolder, read_json
from .text import (QUANTIZATION_VERSION, add_matrix as _add, check_names as _check_names, split_names,
                   tokenizer_keys, values_of as _values)

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
MIN_PIXELS, MAX_PIXELS = 4 * 28 * 28, 16384 * 28 * 28

VISION_EPS = 1e-6  # fixed in the architecture, whatever the text configuration says

_BLOCK = {
    "norm1": "ln1",
    "norm2": "ln2",
    "attn.proj": "attn_out",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_TOWER = {
    "merger.ln_q.weight": "v.post_ln.weight",
    "merger.mlp.0.weight": "mm.0.weight",
    "merger.mlp.0.bias": "mm.0.bias",
    "merger.mlp.2.weight": "mm.2.weight",
    "merger.mlp.2.bias": "mm.2.bias",
}


def vision_writer(path, tensors: Mapping, hp: dict, *, kind: str = "f16", image_mean=CLIP_MEAN,
                  image_std=CLIP_STD, min_pixels: int = MIN_PIXELS, max_pixels: int = MAX_PIXELS,
                  image_size: int = 560, name: str | None = None,
                  extra: dict | None = None) -> GGUFWriter:
    """The vision file (mmproj), ready for write()."""
    _, vision = split_names(tensors)
    depth = int(hp["depth"])
    width = int(hp["hidden_size"])
    full = sorted(hp["fullatt_block_indexes"])
    pattern = full[0] + 1
    if full != list(range(pattern - 1, depth, pattern)):
        raise ValueError(f"fullatt_block_indexes {full} of {depth} blocks is not every n-th block, which "
                         "is all that clip.vision.n_wa_pattern can say")
    if hp.get("hidden_act", "silu") != "silu":
        raise ValueError(f"hidden_act {hp['hidden_act']!r} of the tower is not silu")

    w = GGUFWriter(path, "clip")
    w.add_string("general.type", "mmproj")
    if name:
        w.add_string("general.name", name)
    w.add_u32("general.file_type", FILE_TYPES[kind])
    w.add_u32("general.quantization_version", QUANTIZATION_VERSION)
    w.add_bool("clip.has_vision_encoder", True)
    w.add_string("clip.projector_type", "qwen2.5vl_merger")
    w.add_bool("clip.use_silu", True)
    v = "clip.vision."
    w.add_u32(v + "image_size", image_size)
    w.add_u32(v + "patch_size", hp["patch_size"])
    w.add_u32(v + "embedding_length", width)
    w.add_u32(v + "feed_forward_length", hp["intermediate_size"])
    w.add_u32(v + "block_count", depth)
    w.add_u32(v + "projection_dim", hp["out_hidden_size"])
    w.add_u32(v + "attention.head_count", hp["num_heads"])
    w.add_f32(v + "attention.layer_norm_epsilon", VISION_EPS)
    w.add_array(v + "image_mean", F32, image_mean)
    w.add_array(v + "image_std", F32, image_std)
    w.add_u32(v + "spatial_merge_size", hp["spatial_merge_size"])
    w.add_u32(v + "n_wa_pattern", pattern)
    w.add_u32(v + "window_size", hp["window_size"])
    w.add_u32(v + "image_min_pixels", min_pixels)
    w.add_u32(v + "image_max_pixels", max_pixels)
    for key, value in (extra or {}).items():
        w.add(key, value)

    wanted = dict(_TOWER)
    for i in range(depth):
        for hf, gguf in _BLOCK.items():
            wanted[f"blocks.{i}.{hf}.weight"] = f"v.blk.{i}.{gguf}.weight"
            if not gguf.startswith("ln"):
                wanted[f"blocks.{i}.{hf}.bias"] = f"v.blk.{i}.{gguf}.bias"
    fused = {f"blocks.{i}.attn.qkv.{part}": i for i in range(depth) for part in ("weight", "bias")}
    _check_names({**wanted, **fused, "patch_embed.proj.weight": ""}, vision, set(), "vision")

    patch = vision["patch_embed.proj.weight"]  # [width, 3, 2, patch, patch]
    if len(patch.shape) != 5 or patch.shape[2] != 2:
        raise ValueError(f"patch_embed.proj.weight: shape {tuple(patch.shape)}, not [width, 3, 2, p, p]")
    shape = (*patch.shape[:2], *patch.shape[3:])
    patch_kind = "f32" if kind == "f32" else "f16"  # rows of `patch_size` values fill no blocks
    for t, suffix in enumerate(("", ".1")):
        w.add_lazy("v.patch_embd.weight" + suffix, shape, patch_kind,
                   lambda t=t: np.ascontiguousarray(_values(patch)[:, :, t]))
    for i in range(depth):
        for part in ("weight", "bias"):
            x = vision[f"blocks.{i}.attn.qkv.{part}"]
            shape = (width, *x.shape[1:])
            for n, letter in enumerate("qkv"):
                _add(w, f"v.blk.{i}.attn_{letter}.{part}", shape, kind,
                     lambda x=x, n=n: _values(x)[n * width:(n + 1) * width])
    for hf, gguf in wanted.items():
        x = vision[hf]
        _add(w, gguf, x.shape, kind, lambda x=x: _values(x))
    return w


def convert_text(path, tensors, hp, tokenizer, **options) -> int:
    """text.convert_text() for this architecture; the file's size in bytes."""
    return text_models.convert_text(path, tensors, hp, tokenizer, arch="qwen2vl", **options)


def convert_vision(path, tensors, hp, **options) -> int:
    """vision_writer() and write(); the file's size in bytes."""
    return vision_writer(path, tensors, hp, **options).write()


# ---- A folder ----

def convert_folder(folder, out_dir, kind: str = "f16", vision_kind: str | None = None) -> list[Path]:
    """Convert a local folder; returns the two paths."""
    folder, out_dir = Path(folder), Path(out_dir)
    config = read_json(folder / "config.json")
    if config is None:
        raise FileNotFoundError(f"{folder}: no config.json in it")
    if config.get("model_type") != "qwen2_5_vl":
        raise ValueError(f"{folder}/config.json: model_type {config.get('model_type')!r}, only "
                         "'qwen2_5_vl' is converted")
    pixels = read_json(folder / "preprocessor_config.json", {})
    size = pixels.get("size") or {}
    limits = {}
    for key, names in (("min_pixels", ("min_pixels", "shortest_edge")),
                       ("max_pixels", ("max_pixels", "longest_edge"))):
        value = pixels.get(key) or next((size[n] for n in names if size.get(n)), None)
        if value:
            limits[key] = int(value)
    for key in ("image_mean", "image_std"):
        if pixels.get(key):
            limits[key] = pixels[key]

    name = folder.resolve().name
    vision_kind = vision_kind or ("f32" if kind == "f32" else "q8_0" if kind == "q8_0" else "f16")
    out_dir.mkdir(parents=True, exist_ok=True)
    paths = [out_dir / f"{name}-{kind.upper()}.gguf", out_dir / f"mmproj-{name}-{vision_kind.upper()}.gguf"]
    text_models.convert_folder(folder, paths[0], kind)
    convert_vision(paths[1], SafetensorsFolder(folder), config["vision_config"], kind=vision_kind, name=name, **limits)
    return paths


def main(argv=None) -> int:
    p = argparse.ArgumentParser(prog="python3 -m data.convert.qwen25vl",
                                description="Qwen2.5-VL folder -> GGUF text and vision files")
    p.add_argument("folder", help="local folder with config.json, tokenizer and *.safetensors")
    p.add_argument("out_dir")
    p.add_argument("--type", default="f16", choices=sorted(FILE_TYPES), help="of the text file's matrices")
    p.add_argument("--vision-type", choices=sorted(FILE_TYPES),
                   help="of the vision file's matrices (default: like --type, F16 for Q4_0)")
    args = p.parse_args(argv)
    try:
        for path in convert_folder(args.folder, args.out_dir, args.type, args.vision_type):
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    except (OSError, ValueError, KeyError) as e:
        print(f"qwen25vl: {e.args[0] if isinstance(e, KeyError) else e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
