# SPDX-License-Identifier: GPL-3.0-or-later
"""The vision towers of Qwen2-VL and Qwen3-VL in Hugging Face form -> a vision GGUF (clip).

qwen2vl_writer() and qwen3vl_writer() take what qwen25vl.vision_writer() takes: a mapping of Hugging Face
names to tensors, and vision_config as a dict.  Names, keys and shapes are those of llama.cpp's
conversions.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .gguf import BOOL, F32, FILE_TYPES, GGUFWriter
from .qwen25vl import CLIP_MEAN, CLIP_STD, MAX_PIXELS, MIN_PIXELS, VISION_EPS
from .text import (QUANTIZATION_VERSION, add_matrix as _add, check_names as _check_names, split_names,
                   values_of as _values)


def _writer(path, projector: str, hp: dict, *, kind, width, n_ff, out, image_mean, image_std, min_pixels,
            max_pixels, image_size, name) -> GGUFWriter:
    w = GGUFWriter(path, "clip")
    w.add_string("general.type", "mmproj")
    if name:
        w.add_string("general.name", name)
    w.add_u32("general.file_type", FILE_TYPES[kind])
    w.add_u32("general.quantization_version", QUANTIZATION_VERSION)
    w.add_bool("clip.has_vision_encoder", True)
    w.add_string("clip.projector_type", projector)
    v = "clip.vision."
    w.add_u32(v + "image_size", image_size)
    w.add_u32(v + "patch_size", hp["patch_size"])
    w.add_u32(v + "embedding_length", width)
    w.add_u32(v + "feed_forward_length", n_ff)
    w.add_u32(v + "block_count", hp["depth"])
    w.add_u32(v + "projection_dim", out)
    w.add_u32(v + "attention.head_count", hp["num_heads"])
    w.add_f32(v + "attention.layer_norm_epsilon", VISION_EPS)
    w.add_array(v + "image_mean", F32, image_mean)
    w.add_array(v + "image_std", F32, image_std)
    w.add_u32(v + "spatial_merge_size", hp["spatial_merge_size"])
    w.add_u32(v + "image_min_pixels", min_pixels)
    w.add_u32(v + "image_max_pixels", max_pixels)
    return w


def _add_patches(w: GGUFWriter, patch, kind: str) -> None:
    if len(patch.shape) != 5 or patch.shape[2] != 2:
        raise ValueError(f"patch_embed.proj.weight: shape {tuple(patch.shape)}, not [width, 3, 2, p, p]")
    shape = (*patch.shape[:2], *patch.shape[3:])
    patch_kind = "f32" if kind == "f32" else "f16"  # rows of `patch_size` values fill no blocks
    for t, suffix in enumerate(("", ".1")):
        w.add_lazy("v.patch_embd.weight" + suffix, shape, patch_kind,
                   lambda t=t: np.ascontiguousarray(_values(patch)[:, :, t]))


def _pairs(names: Mapping[str, str]) -> dict[str, str]:
    """Every name twice, with .weight and with .bias."""
    return {f"{hf}.{part}": f"{gguf}.{part}" for hf, gguf in names.items() for part in ("weight", "bias")}


def qwen2vl_writer(path, tensors: Mapping, hp: dict, *, kind: str = "f16", image_mean=CLIP_MEAN,
                   image_std=CLIP_STD, min_pixels: int = MIN_PIXELS, max_pixels: int = MAX_PIXELS,
                   name: str | None = None, like_2024: bool = False) -> GGUFWriter:
    """like_2024: as the first converter wrote them, with ffn_up and ffn_down exchanged, a feed-forward
    length of 0 and separate q, k, v."""
    _, vision = split_names(tensors)
    if hp.get("hidden_act", "quick_gelu") != "quick_gelu":
        raise ValueError(f"hidden_act {hp['hidden_act']!r} of the tower is not quick_gelu")
    width, depth = int(hp["embed_dim"]), int(hp["depth"])
    n_ff = int(vision["blocks.0.mlp.fc1.weight"].shape[0])
    w = _writer(path, "qwen2vl_merger", hp, kind=kind, width=width, n_ff=0 if like_2024 else n_ff,
                out=hp["hidden_size"], image_mean=image_mean, image_std=image_std, min_pixels=min_pixels,
                max_pixels=max_pixels, image_size=560, name=name)
    w.add_bool("clip.use_silu", False)
    w.add_bool("clip.use_gelu", False)  # neither: quick GELU
    up, down = ("ffn_down", "ffn_up") if like_2024 else ("ffn_up", "ffn_down")
    wanted = {"merger.ln_q": "v.post_ln", "merger.mlp.0": "mm.0", "merger.mlp.2": "mm.2"}
    for i in range(depth):
        for hf, gguf in {"norm1": "ln1", "norm2": "ln2", "attn.proj": "attn_out", "mlp.fc1": up,
                         "mlp.fc2": down, "attn.qkv": "attn_qkv"}.items():
            wanted[f"blocks.{i}.{hf}"] = f"v.blk.{i}.{gguf}"
    wanted = _pairs(wanted)
    _check_names({**wanted, "patch_embed.proj.weight": ""}, vision, set(), "vision")
    _add_patches(w, vision["patch_embed.proj.weight"], kind)
    for hf, gguf in wanted.items():
        x = vision[hf]
        if like_2024 and ".attn_qkv." in gguf:
            for n, letter in enumerate("qkv"):
                _add(w, gguf.replace("attn_qkv", "attn_" + letter), (width, *x.shape[1:]), kind,
                     lambda x=x, n=n: _values(x)[n * width:(n + 1) * width])
        else:
            _add(w, gguf, x.shape, kind, lambda x=x: _values(x))
    return w


def qwen3vl_writer(path, tensors: Mapping, hp: dict, *, kind: str = "f16", image_mean=(0.5, 0.5, 0.5),
                   image_std=(0.5, 0.5, 0.5), min_pixels: int = 65536, max_pixels: int = 16777216,
                   name: str | None = None) -> GGUFWriter:
    _, vision = split_names(tensors)
    if hp.get("hidden_act", "gelu_pytorch_tanh") != "gelu_pytorch_tanh":
        raise ValueError(f"hidden_act {hp['hidden_act']!r} of the tower is not gelu_pytorch_tanh")
    depth, stack = int(hp["depth"]), list(hp["deepstack_visual_indexes"])
    w = _writer(path, "qwen3vl_merger", hp, kind=kind, width=hp["hidden_size"], n_ff=hp["intermediate_size"],
                out=hp["out_hidden_size"], image_mean=image_mean, image_std=image_std, min_pixels=min_pixels,
                max_pixels=max_pixels, image_size=768, name=name)
    w.add_bool("clip.use_gelu", True)
    w.add_array("clip.vision.is_deepstack_layers", BOOL, [i in stack for i in range(depth)])
    wanted = {"merger.norm": "v.post_ln", "merger.linear_fc1": "mm.0", "merger.linear_fc2": "mm.2"}
    for i in range(depth):
        for hf, gguf in {"norm1": "ln1", "norm2": "ln2", "attn.qkv": "attn_qkv", "attn.proj": "attn_out",
                         "mlp.linear_fc1": "ffn_up", "mlp.linear_fc2": "ffn_down"}.items():
            wanted[f"blocks.{i}.{hf}"] = f"v.blk.{i}.{gguf}"
    for i, layer in enumerate(stack):  # the file's number is the block's, not the merger's
        for hf, gguf in {"norm": "norm", "linear_fc1": "fc1", "linear_fc2": "fc2"}.items():
            wanted[f"deepstack_merger_list.{i}.{hf}"] = f"v.deepstack.{layer}.{gguf}"
    wanted = {**_pairs(wanted), "patch_embed.proj.bias": "v.patch_embd.bias",
              "pos_embed.weight": "v.position_embd.weight"}
    _check_names({**wanted, "patch_embed.proj.weight": ""}, vision, set(), "vision")
    _add_patches(w, vision["patch_embed.proj.weight"], kind)
    for hf, gguf in wanted.items():
        x = vision[hf]
        # Tables that are added row by row stay unquantised.
        row_kind = kind if gguf != "v.position_embd.weight" or kind in ("f32", "f16") else "f16"
        _add(w, gguf, x.shape, row_kind, lambda x=x: _values(x))
    return w
