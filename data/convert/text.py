# SPDX-License-Identifier: GPL-3.0-or-later
"""Text models in Hugging Face form -> GGUF: one converter, a table entry per family.

From a shell, for a local folder with config.json, tokenizer and *.safetensors:

    python3 -m data.convert.text HF_FOLDER OUT.gguf --type q8_0

From Python, for a model that is in memory: convert_text().  It takes
  tensors  a mapping of Hugging Face names ("model.layers.0.self_attn.q_proj.weight", with or without the
           newer "model.language_model." prefix) to numpy arrays, torch tensors or hf.StoredTensor
  hp       the text configuration as a dict (config.json's keys)
and names, keys and shapes are those that llama.cpp's conversions have.  A new family is a Family in
FAMILIES: what its layers are called, and a function for keys or values that only it has.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .gguf import F32, FILE_TYPES, I32, STRING, GGUFWriter, fit_type
from .hf import SafetensorsFolder, Tokenizer, read_chat_template, read_json, read_tokenizer

QUANTIZATION_VERSION = 2

_GLOBAL = {
    "embed_tokens.weight": "token_embd.weight",
    "norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_ATTENTION = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
}
_MLP = {
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_PLAIN = {**_ATTENTION, "post_attention_layernorm": "ffn_norm", **_MLP}
_HEAD_NORMS = {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}
_GEMMA = {**_ATTENTION, **_HEAD_NORMS, "post_attention_layernorm": "post_attention_norm",
          "pre_feedforward_layernorm": "ffn_norm", "post_feedforward_layernorm": "post_ffw_norm", **_MLP}
_FUSED = {
    "input_layernorm": "attn_norm",
    "self_attn.qkv_proj": "attn_qkv",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


@dataclass(frozen=True)
class Family:
    """One architecture: `layer` maps module names in a layer to GGUF's.  A bias is converted where the model
    has one.  `keys(writer, hp)` adds keys and tensors of its own; `values(name, array, hp)` changes a
    tensor's values, name being GGUF's without "blk.N."."""

    arch: str
    model_types: tuple[str, ...]
    layer: Mapping[str, str] = field(default_factory=lambda: _PLAIN)
    keys: Callable | None = None
    values: Callable | None = None
    rope: Callable | None = None  # hp -> the rotation of its (full) layers; default: rope_of()


def values_of(x) -> np.ndarray:
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


def add_matrix(w: GGUFWriter, name: str, shape, kind: str, source) -> None:
    w.add_lazy(name, shape, fit_type(shape, kind), source)


def check_names(wanted: Mapping, have: Mapping, ignored: set[str], what: str) -> None:
    missing = sorted(set(wanted) - set(have))
    unknown = sorted(n for n in set(have) - set(wanted) - ignored if not n.endswith("inv_freq"))
    if missing:
        raise KeyError(f"{what} model: {len(missing)} tensors are missing, the first is {missing[0]!r}")
    if unknown:
        raise KeyError(f"{what} model: {len(unknown)} tensors have no place in a GGUF file, the first is "
                       f"{unknown[0]!r}")


def tokenizer_keys(w: GGUFWriter, t: Tokenizer) -> None:
    w.add_string("tokenizer.ggml.model", t.model)
    w.add_string("tokenizer.ggml.pre", t.pre)
    w.add_array("tokenizer.ggml.tokens", STRING, t.tokens)
    if t.scores is not None:
        w.add_array("tokenizer.ggml.scores", F32, t.scores)
    w.add_array("tokenizer.ggml.token_type", I32, t.types)
    if t.model == "gpt2":
        w.add_array("tokenizer.ggml.merges", STRING, t.merges)
    for key, value in (("bos", t.bos_id), ("eos", t.eos_id), ("unknown", t.unk_id), ("padding", t.pad_id)):
        if value is not None:
            w.add_u32(f"tokenizer.ggml.{key}_token_id", value)
    w.add_bool("tokenizer.ggml.add_bos_token", t.add_bos)
    if t.add_space_prefix is not None:
        w.add_bool("tokenizer.ggml.add_space_prefix", t.add_space_prefix)
    for key, value in t.extra.items():
        w.add(key, value)


# ---- Rotary positions ----

def rope_of(hp: dict) -> dict:
    """rope_theta, rope_type and what belongs to the type, from any of the places that versions of
    config.json keep them in."""
    nested = {**(hp.get("rope_scaling") or {}), **(hp.get("rope_parameters") or {})}
    nested["rope_theta"] = float(hp.get("rope_theta") or nested.get("rope_theta") or 10000.0)
    nested["rope_type"] = nested.get("rope_type") or nested.get("type") or "default"
    for key in ("original_max_position_embeddings", "partial_rotary_factor"):
        if hp.get(key) is not None:
            nested[key] = hp[key]
    return nested


def head_size(hp: dict) -> int:
    return int(hp.get("head_dim") or hp["hidden_size"] // hp["num_attention_heads"])


def llama3_factors(rope: dict, n_rot: int) -> np.ndarray:
    """Divisors of the frequencies: 1 for short wavelengths, `factor` for long ones, a ramp between."""
    factor, low, high = (float(rope[k]) for k in ("factor", "low_freq_factor", "high_freq_factor"))
    context = float(rope["original_max_position_embeddings"])
    wavelength = 2 * math.pi * rope["rope_theta"] ** (np.arange(0, n_rot, 2, dtype=np.float64) / n_rot)
    s = (context / wavelength - low) / (high - low)
    ramp = 1 / ((1 - s) / factor + s)
    return np.where(wavelength < context / high, 1.0, np.where(wavelength > context / low, factor, ramp))


def rope_keys(w: GGUFWriter, arch: str, hp: dict, rope: dict) -> None:
    kind = rope["rope_type"]
    n_rot = int(head_size(hp) * float(rope.get("partial_rotary_factor", 1.0)))
    # Readers differ in what they take for granted when heads are not embd / heads wide.
    if n_rot != hp["hidden_size"] // hp["num_attention_heads"]:
        w.add_u32(f"{arch}.rope.dimension_count", n_rot)
    w.add_f32(f"{arch}.rope.freq_base", rope["rope_theta"])
    if kind in ("default", "mrope"):
        return
    original = rope.get("original_max_position_embeddings")
    scaling = f"{arch}.rope.scaling."
    if kind == "linear":
        w.add_string(scaling + "type", "linear")
        w.add_f32(scaling + "factor", rope["factor"])
    elif kind == "yarn":
        factor = float(rope["factor"])
        usual = 0.1 * math.log(factor) + 1 if factor > 1 else 1.0
        w.add_string(scaling + "type", "yarn")
        w.add_f32(scaling + "factor", factor)
        w.add_u32(scaling + "original_context_length", original or hp["max_position_embeddings"])
        if rope.get("attention_factor") not in (None, usual):
            w.add_f32(scaling + "attn_factor", rope["attention_factor"] / usual)
        for key in ("beta_fast", "beta_slow"):
            if rope.get(key):
                w.add_f32(f"{scaling}yarn_{key}", rope[key])
    elif kind == "llama3":
        w.add_tensor("rope_freqs.weight", llama3_factors(rope, n_rot).astype(np.float32))
    elif kind in ("longrope", "su"):
        ratio = float(rope.get("factor") or hp["max_position_embeddings"] / original)
        usual = math.sqrt(1 + math.log(ratio) / math.log(original)) if ratio > 1 else 1.0
        w.add_u32(scaling + "original_context_length", original)
        w.add_f32(scaling + "attn_factor", rope.get("attention_factor") or usual)
        for which in ("long", "short"):
            factors = np.asarray(rope[which + "_factor"], np.float32)
            if factors.shape != (n_rot // 2,):
                raise ValueError(f"{which}_factor has {factors.size} numbers for {n_rot // 2} pairs")
            w.add_tensor(f"rope_factors_{which}.weight", factors)
    else:
        raise ValueError(f"rope_type {kind!r} cannot be said in a GGUF file")


# ---- Families ----

def _permute(rows: np.ndarray, n_heads: int) -> np.ndarray:
    """Rows of half-split heads -> rows whose adjacent ones make a pair: new 2i is old i, new 2i + 1 is old
    i + d/2."""
    d = rows.shape[0] // n_heads
    return np.ascontiguousarray(
        rows.reshape(n_heads, 2, d // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape))


def _llama_values(name, x, hp):
    heads = {"attn_q": hp["num_attention_heads"],
             "attn_k": hp.get("num_key_value_heads") or hp["num_attention_heads"]}
    n = heads.get(name.rpartition(".")[0])
    return _permute(x, int(n)) if n else x


def _window_keys(w, arch, hp):
    if hp.get("sliding_window"):
        w.add_u32(f"{arch}.attention.sliding_window", hp["sliding_window"])


def _phi3_keys(w, arch, hp):
    # Always there: without it, readers guess from the numbers of layers and tokens.
    w.add_u32(f"{arch}.attention.sliding_window", hp.get("sliding_window") or 0)


def _qwen2vl_keys(w, arch, hp):
    rope = rope_of(hp)
    sections = hp.get("mrope_section") or rope.get("mrope_section")
    half = head_size(hp) // 2
    if not sections or len(sections) > 4 or sum(sections) != half:
        raise ValueError(f"mrope_section {sections}: at most four numbers whose sum is half the head size "
                         f"({half}) are needed")
    w.add_array(f"{arch}.rope.dimension_sections", I32, [*sections, *[0] * (4 - len(sections))])


def _qwen3vl_keys(w, arch, hp):
    _qwen2vl_keys(w, arch, hp)
    # The tower's configuration has it: len(deepstack_visual_indexes).
    w.add_u32(f"{arch}.n_deepstack_layers", int(hp.get("n_deepstack_layers", 3)))


def _gemma3_rope(hp, which):
    """Full and sliding layers turn differently; older configurations keep the sliding base beside."""
    nested = (hp.get("rope_parameters") or {}).get(which)
    if nested is None:
        nested = ({"rope_theta": hp.get("rope_theta", 1e6), **(hp.get("rope_scaling") or {})}
                  if which == "full_attention" else {"rope_theta": hp.get("rope_local_base_freq", 10000.0)})
    return rope_of({"rope_parameters": nested})


def _gemma3_keys(w, arch, hp):
    local = _gemma3_rope(hp, "sliding_attention")
    types = hp.get("layer_types")
    if types and types != ["sliding_attention" if (i + 1) % 6 else "full_attention" for i in range(len(types))]:
        raise ValueError(f"layer_types {types}: every sixth layer must be the full one")
    if local["rope_type"] != "default":
        raise ValueError(f"sliding layers with rope_type {local['rope_type']!r} cannot be said in a GGUF file")
    if hp.get("final_logit_softcapping") or hp.get("attn_logit_softcapping"):
        raise ValueError("soft caps are Gemma 2's, gemma3 has none")
    w.add_u32(f"{arch}.attention.sliding_window", hp["sliding_window"])
    if local["rope_theta"] != 10000.0:
        w.add_f32(f"{arch}.rope.freq_base_swa", local["rope_theta"])
    if int(hp.get("query_pre_attn_scalar", head_size(hp))) != head_size(hp):
        w.add_f32(f"{arch}.attention.scale", float(hp["query_pre_attn_scalar"]) ** -0.5)


def _gemma3_values(name, x, hp):
    return x + np.float32(1) if name.endswith("norm.weight") else x


FAMILIES = {f.arch: f for f in (
    Family("gemma3", ("gemma3", "gemma3_text"), layer=_GEMMA, keys=_gemma3_keys, values=_gemma3_values,
           rope=lambda hp: _gemma3_rope(hp, "full_attention")),
    Family("llama", ("llama", "mistral"), keys=_window_keys, values=_llama_values),
    Family("phi3", ("phi3",), layer=_FUSED, keys=_phi3_keys),
    Family("qwen2", ("qwen2",)),
    Family("qwen3", ("qwen3",), layer={**_PLAIN, **_HEAD_NORMS}),
    Family("qwen2vl", ("qwen2_vl", "qwen2_vl_text", "qwen2_5_vl", "qwen2_5_vl_text"), keys=_qwen2vl_keys),
    Family("qwen3vl", ("qwen3_vl", "qwen3_vl_text"), layer={**_PLAIN, **_HEAD_NORMS}, keys=_qwen3vl_keys),
)}


def family_of(model_type: str | None) -> Family:
    for f in FAMILIES.values():
        if model_type in f.model_types:
            return f
    known = ", ".join(sorted(t for f in FAMILIES.values() for t in f.model_types))
    raise ValueError(f"model_type {model_type!r} is not converted (there is: {known})")


# ---- Writing ----

def text_writer(path, tensors: Mapping, hp: dict, tokenizer: Tokenizer, *, arch: str, kind: str = "f16",
                chat_template: str | None = None, name: str | None = None,
                extra: dict | None = None) -> GGUFWriter:
    """The file, ready for write().  Output weights are left out when they are the embedding's
    (hp["tie_word_embeddings"], or no lm_head.weight among the tensors)."""
    family = FAMILIES[arch]
    text, _ = split_names(tensors)
    heads, layers = int(hp["num_attention_heads"]), int(hp["num_hidden_layers"])
    vocab_size = int(text["embed_tokens.weight"].shape[0])
    tokenizer.pad_to(vocab_size)

    w = GGUFWriter(path, arch)
    w.add_string("general.type", "model")
    if name:
        w.add_string("general.name", name)
    w.add_u32("general.file_type", FILE_TYPES[kind])
    w.add_u32("general.quantization_version", QUANTIZATION_VERSION)
    w.add_u32(f"{arch}.block_count", layers)
    w.add_u32(f"{arch}.context_length", hp["max_position_embeddings"])
    w.add_u32(f"{arch}.embedding_length", hp["hidden_size"])
    w.add_u32(f"{arch}.feed_forward_length", hp["intermediate_size"])
    w.add_u32(f"{arch}.attention.head_count", heads)
    w.add_u32(f"{arch}.attention.head_count_kv", hp.get("num_key_value_heads") or heads)
    if head_size(hp) * heads != hp["hidden_size"]:
        w.add_u32(f"{arch}.attention.key_length", head_size(hp))
        w.add_u32(f"{arch}.attention.value_length", head_size(hp))
    w.add_f32(f"{arch}.attention.layer_norm_rms_epsilon", hp["rms_norm_eps"])
    rope_keys(w, arch, hp, (family.rope or rope_of)(hp))
    if family.keys:
        family.keys(w, arch, hp)
    tokenizer_keys(w, tokenizer)
    if chat_template:
        w.add_string("tokenizer.chat_template", chat_template)
    for key, value in (extra or {}).items():
        w.add(key, value)

    tied = bool(hp.get("tie_word_embeddings")) or "lm_head.weight" not in text
    wanted = {hf: gguf for hf, gguf in _GLOBAL.items() if not (tied and hf == "lm_head.weight")}
    for i in range(layers):
        for hf, gguf in family.layer.items():
            wanted[f"layers.{i}.{hf}.weight"] = f"blk.{i}.{gguf}.weight"
            if f"layers.{i}.{hf}.bias" in text:
                wanted[f"layers.{i}.{hf}.bias"] = f"blk.{i}.{gguf}.bias"
    check_names(wanted, text, {"lm_head.weight"} if tied else set(), "text")
    for hf, gguf in wanted.items():
        x = text[hf]

        def source(x=x, gguf=gguf):
            v = values_of(x)
            return family.values(gguf.split(".", 2)[2] if gguf.startswith("blk.") else gguf, v, hp) \
                if family.values else v

        add_matrix(w, gguf, x.shape, kind, source)
    return w


def convert_text(path, tensors, hp, tokenizer, **options) -> int:
    """text_writer() and write(); the file's size in bytes."""
    return text_writer(path, tensors, hp, tokenizer, **options).write()


# ---- A folder ----

_SAMPLING = {"temperature": "temp", "top_k": "top_k", "top_p": "top_p", "min_p": "min_p",
             "repetition_penalty": "penalty_repeat"}


def sampling_keys(folder: Path) -> dict:
    """general.sampling.*: what the publisher recommends in generation_config.json."""
    generation = read_json(folder / "generation_config.json", {})
    return {"general.sampling." + key: int(generation[hf]) if key == "top_k" else float(generation[hf])
            for hf, key in _SAMPLING.items() if generation.get(hf) is not None}


def convert_folder(folder, out, kind: str = "f16") -> Path:
    """Convert the text model of a local folder to the file `out`."""
    folder, out = Path(folder), Path(out)
    config = read_json(folder / "config.json")
    if config is None:
        raise FileNotFoundError(f"{folder}: no config.json in it")
    inner = config.get("text_config", {})
    hp = {**config, **inner}
    # Newer versions keep the flag outside, older ones inside the text configuration.
    hp["tie_word_embeddings"] = bool(config.get("tie_word_embeddings") or inner.get("tie_word_embeddings"))
    family = family_of(inner.get("model_type") or config.get("model_type"))
    tokenizer = read_tokenizer(folder)
    for which in ("bos", "eos", "pad"):
        value = hp.get(f"{which}_token_id")
        if getattr(tokenizer, f"{which}_id") is None and isinstance(value, int):
            setattr(tokenizer, f"{which}_id", value)
    out.parent.mkdir(parents=True, exist_ok=True)
    convert_text(out, SafetensorsFolder(folder), hp, tokenizer, arch=family.arch, kind=kind,
                 name=folder.resolve().name, extra=sampling_keys(folder),
                 chat_template=read_chat_template(folder))
    return out


def main(argv=None) -> int:
    p = argparse.ArgumentParser(prog="python3 -m data.convert.text", description="Text model folder -> GGUF")
    p.add_argument("folder", help="local folder with config.json, tokenizer and *.safetensors")
    p.add_argument("out", help="the GGUF file to write")
    p.add_argument("--type", default="f16", choices=sorted(FILE_TYPES), help="of the matrices")
    args = p.parse_args(argv)
    try:
        path = convert_folder(args.folder, args.out, args.type)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    except (OSError, ValueError, KeyError) as e:
        print(f"text: {e.args[0] if isinstance(e, KeyError) else e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
