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

from .gguf import FILE_TYPES, I32, STRING, F32, GGUFWriter, fit_type
from .hf import (SafetensorsFolder, Tokenizer, read_chat_template, read_json, read_tokenizer)

QUANTIZATION_VERSION = 2

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
MIN_PIXELS, MAX_PIXELS = 4 * 28 * 28, 16384 * 28 * 28

VISION_EPS = 1e-6  # fixed in the architecture, whatever the text configuration says

_LAYER = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_GLOBAL = {
    "embed_tokens.weight": "token_embd.weight",
    "norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
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


def _values(x) -> np.ndarray:
    if hasattr(x, "load"):
        return x.load()
    if hasattr(x, "detach"):  # torch
        return x.detach().float().cpu().numpy()
    return np.asarray(x)


def split_names(tensors: Mapping) -> tuple[dict, dict]:
    """(text, vision): stored tensors under names without the model's outer prefixes."""
    text, vision = {}, {}
    for name, x in tensors.items():
        for prefix in ("model.visual.", "visual."):
            if name.startswith(prefix):
                vision[name[len(prefix):]] = x
                break
        else:
            for prefix in ("model.language_model.", "language_model.model.", "language_model.", "model."):
                if name.startswith(prefix):
                    name = name[len(prefix):]
                    break
            text[name] = x
    return text, vision


def _add(w: GGUFWriter, name: str, shape, kind: str, source) -> None:
    w.add_lazy(name, shape, fit_type(shape, kind), source)


def _rope(hp: dict) -> tuple[float, list[int] | None]:
    """(base, M-RoPE sections) from any of the places that versions of config.json keep them in."""
    nested = hp.get("rope_parameters") or hp.get("rope_scaling") or {}
    theta = hp.get("rope_theta", nested.get("rope_theta", 1e6))
    return float(theta), hp.get("mrope_section") or nested.get("mrope_section")


def tokenizer_keys(w: GGUFWriter, t: Tokenizer) -> None:
    w.add_string("tokenizer.ggml.model", "gpt2")
    w.add_string("tokenizer.ggml.pre", t.pre)
    w.add_array("tokenizer.ggml.tokens", STRING, t.tokens)
    w.add_array("tokenizer.ggml.token_type", I32, t.types)
    w.add_array("tokenizer.ggml.merges", STRING, t.merges)
    for key, value in (("bos", t.bos_id), ("eos", t.eos_id), ("padding", t.pad_id)):
        if value is not None:
            w.add_u32(f"tokenizer.ggml.{key}_token_id", value)
    w.add_bool("tokenizer.ggml.add_bos_token", t.add_bos)
    for key, value in t.extra.items():
        w.add(key, value)


def text_writer(path, tensors: Mapping, hp: dict, tokenizer: Tokenizer, *, kind: str = "f16",
                chat_template: str | None = None, name: str | None = None, extra: dict | None = None,
                arch: str = "qwen2vl") -> GGUFWriter:
    """The text file, ready for write().  Output weights are left out when they are the embedding's
    (hp["tie_word_embeddings"], or no lm_head.weight among the tensors)."""
    text, _ = split_names(tensors)
    heads = int(hp["num_attention_heads"])
    base, sections = _rope(hp)
    head_size = int(hp["hidden_size"]) // heads
    vocab_size = int(text["embed_tokens.weight"].shape[0])
    tokenizer.pad_to(vocab_size)

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
    w.add_u32(f"{arch}.attention.head_count", heads)
    w.add_u32(f"{arch}.attention.head_count_kv", hp.get("num_key_value_heads") or heads)
    w.add_f32(f"{arch}.attention.layer_norm_rms_epsilon", hp["rms_norm_eps"])
    w.add_f32(f"{arch}.rope.freq_base", base)
    if arch == "qwen2vl":
        if not sections or len(sections) > 4 or sum(sections) != head_size // 2:
            raise ValueError(f"mrope_section {sections}: at most four numbers whose sum is half the head "
                             f"size ({head_size // 2}) are needed")
        w.add_array("qwen2vl.rope.dimension_sections", I32, [*sections, *[0] * (4 - len(sections))])
    tokenizer_keys(w, tokenizer)
    if chat_template:
        w.add_string("tokenizer.chat_template", chat_template)
    for key, value in (extra or {}).items():
        w.add(key, value)

    tied = bool(hp.get("tie_word_embeddings")) or "lm_head.weight" not in text
    layers = int(hp["num_hidden_layers"])
    wanted = {hf: gguf for hf, gguf in _GLOBAL.items() if not (tied and hf == "lm_head.weight")}
    for i in range(layers):
        for hf, gguf in _LAYER.items():
            wanted[f"layers.{i}.{hf}.weight"] = f"blk.{i}.{gguf}.weight"
            if gguf in ("attn_q", "attn_k", "attn_v"):
                wanted[f"layers.{i}.{hf}.bias"] = f"blk.{i}.{gguf}.bias"
    _check_names(wanted, text, {"lm_head.weight"} if tied else set(), "text")
    for hf, gguf in wanted.items():
        x = text[hf]
        _add(w, gguf, x.shape, kind, lambda x=x: _values(x))
    return w


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


def _check_names(wanted: Mapping, have: Mapping, ignored: set[str], what: str) -> None:
    missing = sorted(set(wanted) - set(have))
    unknown = sorted(n for n in set(have) - set(wanted) - ignored if not n.endswith("inv_freq"))
    if missing:
        raise KeyError(f"{what} model: {len(missing)} tensors are missing, the first is {missing[0]!r}")
    if unknown:
        raise KeyError(f"{what} model: {len(unknown)} tensors have no place in a GGUF file, the first is "
                       f"{unknown[0]!r}")


def convert_text(path, tensors, hp, tokenizer, **options) -> int:
    """text_writer() and write(); the file's size in bytes."""
    return text_writer(path, tensors, hp, tokenizer, **options).write()


def convert_vision(path, tensors, hp, **options) -> int:
    """vision_writer() and write(); the file's size in bytes."""
    return vision_writer(path, tensors, hp, **options).write()


# ---- A folder ----

_SAMPLING = {"temperature": "temp", "top_k": "top_k", "top_p": "top_p", "min_p": "min_p",
             "repetition_penalty": "penalty_repeat"}


def convert_folder(folder, out_dir, kind: str = "f16", vision_kind: str | None = None) -> list[Path]:
    """Convert a local folder; returns the two paths."""
    folder, out_dir = Path(folder), Path(out_dir)
    config = read_json(folder / "config.json")
    if config is None:
        raise FileNotFoundError(f"{folder}: no config.json in it")
    if config.get("model_type") != "qwen2_5_vl":
        raise ValueError(f"{folder}/config.json: model_type {config.get('model_type')!r}, only "
                         "'qwen2_5_vl' is converted")
    hp = {**config, **config.get("text_config", {})}
    # Newer versions keep the flag outside, older ones inside the text configuration.
    hp["tie_word_embeddings"] = bool(config.get("tie_word_embeddings")
                                     or config.get("text_config", {}).get("tie_word_embeddings"))
    tensors = SafetensorsFolder(folder)
    tokenizer = read_tokenizer(folder)
    if tokenizer.bos_id is None and isinstance(hp.get("bos_token_id"), int):
        tokenizer.bos_id = hp["bos_token_id"]

    extra = {}
    generation = read_json(folder / "generation_config.json", {})
    for hf, key in _SAMPLING.items():
        if generation.get(hf) is not None:
            value = generation[hf]
            extra["general.sampling." + key] = int(value) if key == "top_k" else float(value)

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
    convert_text(paths[0], tensors, hp, tokenizer, kind=kind, name=name, extra=extra,
                 chat_template=read_chat_template(folder))
    convert_vision(paths[1], tensors, config["vision_config"], kind=vision_kind, name=name, **limits)
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
