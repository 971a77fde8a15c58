#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the golden fixtures: tiny random Qwen2.5-VL models and what transformers computes with them.

    python3 tests/golden/make.py            # writes tests/golden/fixtures/

Needs torch, transformers, tokenizers, pillow and numpy (README.md names the versions).  Everything that
is expected of the engine comes from Hugging Face's code: token ids from its tokenizer, patches from its
image processor (Pillow), positions from get_rope_index(), rows and logits from
Qwen2_5_VLForConditionalGeneration in float32 with eager attention.  Only the GGUF files are ours.

Weights are rounded to values that f16 holds exactly, so that one set of expected numbers is right for an
F16 file and for an F32 file.
"""

from __future__ import annotations

import copy
import json
import platform
import sys
from pathlib import Path

import numpy as np
import PIL
import PIL.Image
import tokenizers
import torch
import transformers
from tokenizers import Tokenizer as FastTokenizer, models, pre_tokenizers, trainers
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (Qwen2VLImageProcessorPil,
                                                                        smart_resize)
from transformers.vision_utils import get_vision_window_index

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
from data.convert import gguf, hf, qwen25vl  # noqa: E402

OUT = HERE / "fixtures"
INIT_STD = 0.2        # 0.02 would give logits so flat that errors hide in them
QUERY_STD = 0.1       # of queries and keys: at 0.2 attention is so sharp that an f16 cache alone costs 2e-2
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
            "<|image_pad|>", "<|video_pad|>"]
VOCAB = 512           # 256 bytes, merges, specials
MIN_PIXELS, MAX_PIXELS = 4 * 28 * 28, 64 * 28 * 28
GREEDY = 6            # tokens to continue each case with
GREEDY_MARGIN = 0.05  # the list stops before a choice closer than this
LAST_ROWS = 6         # logits kept of a case with media
TEXT_ROWS = 24        # and of a case without

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% for c in m.content %}"
    "{% if c.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif c.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ c.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")

TRAINING_TEXT = """The long wave came in over the flat sand and left three red stones on the shore.
A small boat with a blue sail stood behind the pier, and the people on the pier counted the waves.
How many stones are in the picture? There are three stones, and the largest one is on the left.
What does the sign say? The sign says that the ferry leaves at half past nine in the morning.
You are a helpful assistant. Answer in one sentence. First the sail moves, then the boat turns away.
It's the third time we've asked, and they'll say they don't know; I'm sure it wasn't here, it's there.
In 2024 the pier was 132 metres long; in 1987 it had been 95. Grüße aus Köln, ça va, señor, привет.
The ferry turned before the pier; its green lamp was the last light over the water that evening.
"""

# ---- Inputs ----

PIXEL_FORMULA = "value(c, x, y, f) = (x*(7+2c) + y*(13-3c) + ((x*y) >> (4+c)) + 29*f + 17*seed) & 255"


def formula_rgb(width: int, height: int, seed: int, frame: int = 0) -> np.ndarray:
    x = np.arange(width)[None, :, None]
    y = np.arange(height)[:, None, None]
    c = np.arange(3)[None, None, :]
    return ((x * (7 + 2 * c) + y * (13 - 3 * c) + ((x * y) >> (4 + c)) + 29 * frame + 17 * seed)
            & 255).astype(np.uint8)


def picture(width, height, seed):
    return {"kind": "picture", "width": width, "height": height, "seed": seed}


def film(width, height, seed, frames, fps):
    return {"kind": "film", "width": width, "height": height, "seed": seed, "frames": frames, "fps": fps}


SYSTEM = ("system", "You are a helpful assistant.", [])
CASES = {
    "text": [SYSTEM, ("user", "How many waves are there?\n\nI've counted 12; don't say 3.  Grüße, привет 北京 🙂!",
                      [])],
    # 70 / 28 = 2.5 rounds to 2, half to even; C's round() would give 3.
    "picture-half": [SYSTEM, ("user", "What is in this picture?", [picture(100, 70, 1)])],
    # 5 x 5 merged cells: windows of 4 x 4 are cut at two edges.
    "picture-odd-windows": [SYSTEM, ("user", "\nCount the stones.", [picture(150, 130, 2)])],
    # One merged cell high.
    "picture-strip": [SYSTEM, ("user", "What does the sign say?", [picture(280, 20, 3)])],
    # One below the smallest area, one above the largest.
    "two-pictures": [SYSTEM, ("user", "Which one is larger?", [picture(12, 10, 4), picture(640, 400, 5)])],
    "two-turns": [SYSTEM, ("user", "What is this?", [picture(70, 126, 6)]),
                  ("assistant", "A small boat with a blue sail.", []),
                  ("user", "And this, is it the same boat?", [picture(182, 98, 7)])],
    # Temporal ids 0, 1, 3 from floor(i * 2 * 0.8); they end where the heights do.
    "film": [SYSTEM, ("user", "What moves first?", [film(126, 98, 8, 6, 2.5)])],
    # Temporal ids 0, 5, 10 reach beyond heights and widths.
    "film-slow": [SYSTEM, ("user", "And then?", [film(98, 126, 9, 6, 0.8)])],
}

# ---- Models ----


def config_a() -> dict:
    """Heads of 64 with M-RoPE sections as real ones in proportion, tied output, four tower blocks."""
    return dict(
        text=dict(hidden_size=128, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
                  intermediate_size=256, mrope_section=[8, 12, 12]),
        vision=dict(hidden_size=64, depth=4, num_heads=4, intermediate_size=128,
                    fullatt_block_indexes=[1, 3]),
        tied=True, seed=25)


def config_b() -> dict:
    """Nothing a power of two: 96 wide, three heads, a feed-forward row that no blocks of 32 fill, a
    tower with heads of 24, an output matrix of its own."""
    return dict(
        text=dict(hidden_size=96, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1,
                  intermediate_size=144, mrope_section=[4, 6, 6]),
        vision=dict(hidden_size=48, depth=2, num_heads=2, intermediate_size=80,
                    fullatt_block_indexes=[1]),
        tied=False, seed=29)


def make_tokenizer():
    """(HF tokenizer, ours): a small byte-level BPE with Qwen's split, trained on the text above."""
    plain = Qwen2Tokenizer(vocab={"<|endoftext|>": 0}, merges=[])
    trained = FastTokenizer(models.BPE())
    trained.normalizer = plain.backend_tokenizer.normalizer
    trained.pre_tokenizer = plain.backend_tokenizer.pre_tokenizer
    trained.train_from_iterator(
        TRAINING_TEXT.splitlines(keepends=True),
        trainers.BpeTrainer(vocab_size=VOCAB - len(SPECIALS), show_progress=False, min_frequency=1,
                            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    state = json.loads(trained.to_str())["model"]
    vocab = dict(state["vocab"])
    merges = [tuple(m) if not isinstance(m, str) else tuple(m.split(" ")) for m in state["merges"]]
    assert len(vocab) == VOCAB - len(SPECIALS), len(vocab)
    tok = Qwen2Tokenizer(vocab=vocab, merges=merges, unk_token=None, eos_token="<|im_end|>",
                         pad_token="<|endoftext|>", additional_special_tokens=SPECIALS)
    tok.add_special_tokens({"additional_special_tokens": SPECIALS})
    tok.chat_template = TEMPLATE
    tokens = [tok.convert_ids_to_tokens(i) for i in range(VOCAB)]
    assert len(tok) == VOCAB and set(SPECIALS) <= set(tokens)
    ours = hf.Tokenizer(tokens, [hf.CONTROL if t in SPECIALS else hf.NORMAL for t in tokens],
                        [" ".join(m) for m in merges], eos_id=tokens.index("<|im_end|>"),
                        bos_id=tokens.index("<|endoftext|>"), pad_id=tokens.index("<|endoftext|>"))
    return tok, ours


def make_model(spec: dict, ids: hf.Tokenizer) -> Qwen2_5_VLForConditionalGeneration:
    text = dict(spec["text"])
    sections = text.pop("mrope_section")
    config = Qwen2_5_VLConfig(
        text_config=dict(text, vocab_size=VOCAB, rms_norm_eps=1e-6, max_position_embeddings=4096,
                         bos_token_id=ids.bos_id, eos_token_id=ids.eos_id,
                         rope_parameters={"rope_type": "default", "rope_theta": 1e6,
                                          "mrope_section": sections}),
        vision_config=dict(spec["vision"], out_hidden_size=text["hidden_size"], patch_size=14,
                           spatial_merge_size=2, temporal_patch_size=2, tokens_per_second=2,
                           window_size=112, hidden_act="silu"),
        tie_word_embeddings=spec["tied"],
        image_token_id=ids.id("<|image_pad|>"), video_token_id=ids.id("<|video_pad|>"),
        vision_start_token_id=ids.id("<|vision_start|>"), vision_end_token_id=ids.id("<|vision_end|>"))
    config._attn_implementation = "eager"
    model = Qwen2_5_VLForConditionalGeneration(config).float().eval()
    rng = torch.Generator().manual_seed(spec["seed"])
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            std = QUERY_STD if any(part in name for part in ("q_proj", "k_proj", "qkv")) else INIT_STD
            value = torch.randn(p.shape, generator=rng) * std
            if "norm" in name or name.endswith("ln_q.weight"):
                value = 1 + value
            p.copy_(value.half().float())
    assert model.config._attn_implementation == "eager"
    return model


# ---- What transformers makes of a case ----


def resize(frame: np.ndarray, size: tuple[int, int]) -> PIL.Image.Image:
    """Pillow's bicubic, rows first and then columns.  Pillow always worked in that order until version 13
    began to choose by size, which changes pixels by up to 15; the models were trained before."""
    image = PIL.Image.fromarray(frame)
    image = image.resize((size[0], image.height), PIL.Image.Resampling.BICUBIC)
    return image.resize(size, PIL.Image.Resampling.BICUBIC)


def process_medium(m: dict, size: tuple[int, int], processor) -> tuple[np.ndarray, list[int]]:
    """(patches, grid t h w).  A film's frames go through the same picture code one by one, and each pair
    becomes one temporal grid: the order of values is channel, time, y, x."""
    frames = [formula_rgb(m["width"], m["height"], m["seed"], f) for f in range(m.get("frames", 1))]
    done = [processor(images=resize(f, size), return_tensors="np") for f in frames]
    _, h, w = (int(v) for v in done[0]["image_grid_thw"][0])
    rows = np.stack([d["pixel_values"] for d in done])  # [frame, patch, 3 * 2 * 14 * 14]
    if m["kind"] == "picture":
        return rows[0], [1, h, w]
    still = rows.reshape(len(frames) // 2, 2, h * w, 3, 2, 14, 14)
    pairs = np.stack([still[:, 0, :, :, 0], still[:, 1, :, :, 0]], axis=3)  # [grid, patch, 3, time, y, x]
    return pairs.reshape(-1, rows.shape[-1]), [len(frames) // 2, h, w]


def positions_of(model, ids, types, pictures, films, seconds):
    """[3][n] ids of get_rope_index(), and whether text after a film was moved.

    Qwen2.5-VL was trained with text that continues at the largest id so far + 1.  The installed
    transformers continues at start + max(rows, columns) instead, also when a film's temporal ids reach
    further.  Where the two differ the rule of training is kept: what follows is moved by the
    difference, the film's own ids stay as they are."""
    kw = dict(image_grid_thw=torch.tensor(pictures) if pictures else None,
              video_grid_thw=torch.tensor(films) if films else None,
              second_per_grid_ts=seconds or None)
    pos, _ = model.model.get_rope_index(torch.tensor([ids]), torch.tensor([types]), **kw)
    pos = pos[:, 0].clone()
    moved = False
    for i in range(1, len(ids)):
        if types[i] == 0 and types[i - 1] != 0:
            gap = int(pos[:, :i].max()) + 1 - int(pos[0, i])
            if gap:
                pos[:, i:] += gap
                moved = True
    return pos, moved


@torch.no_grad()
def run_case(name: str, model, tok, processor, keep) -> dict:
    messages = CASES[name]
    config = model.config
    media, patches = [], {"picture": [], "film": []}
    turns = []
    for role, text, attached in messages:
        content = []
        for m in attached:
            m = dict(m)
            rh, rw = smart_resize(m["height"], m["width"], 28, MIN_PIXELS, MAX_PIXELS)
            values, grid = process_medium(m, (rw, rh), processor)
            patches[m["kind"]].append(values)
            assert [rh, rw] == [grid[1] * 14, grid[2] * 14]
            order, _ = get_vision_window_index(torch.tensor([[1, *grid[1:]]]), 2, 112, 14)
            m.update(resized=[rw, rh], grid=grid, window_order=order.tolist())
            if m["kind"] == "film":
                m["seconds_per_grid"] = 2 / m["fps"]
            content.append({"type": "image" if m["kind"] == "picture" else "video"})
            media.append(m)
        content.append({"type": "text", "text": text})
        turns.append({"role": role, "content": content})

    rendered = tok.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    short = tok(rendered)["input_ids"]
    pads = {config.image_token_id: 1, config.video_token_id: 2}
    ids, queue = [], list(media)
    for i in short:
        if i in pads:
            t, h, w = queue.pop(0)["grid"]
            ids += [i] * (t * h * w // 4)
        else:
            ids.append(i)
    types = [pads.get(i, 0) for i in ids]
    pictures = [m["grid"] for m in media if m["kind"] == "picture"]
    films = [m["grid"] for m in media if m["kind"] == "film"]
    seconds = [m["seconds_per_grid"] for m in media if m["kind"] == "film"]
    pos, moved = positions_of(model, ids, types, pictures, films, seconds)

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
    exact = forward(copy.deepcopy(model).double(), ids, pos)
    noise = float((logits.double() - exact).abs().max())
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
        grid = tensors["image_grid_thw" if kind == "picture" else "video_grid_thw"]
        rows = model.model.visual(tensors[key], grid_thw=grid).pooler_output
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
                     for role, text, attached in messages],
        "rendered": rendered,
        "ids": ids,
        "positions": pos.tolist(),
        "moved_after_film": moved,
        "logits": {"first": len(ids) - n_rows, "rows": n_rows, "at": keep(logits[-n_rows:])},
        "logits_std": float(logits.std()),
        "float32_noise": noise,
        "greedy": greedy,
    }


class Values:
    """The f32 numbers of one model, one after the other; JSON has the index of each first one."""

    def __init__(self):
        self.parts, self.n = [], 0

    def __call__(self, x: torch.Tensor) -> int:
        a = np.ascontiguousarray(x.numpy(), dtype="<f4").reshape(-1)
        at, self.n = self.n, self.n + a.size
        self.parts.append(a)
        return at

    def write(self, path: Path) -> None:
        path.write_bytes(np.concatenate(self.parts).tobytes())


def write_files(model, spec, ours, label: str, kind: str, vision_kind: str | None) -> tuple[str, str]:
    state = model.state_dict()
    hp = {**model.config.text_config.to_dict(), "tie_word_embeddings": spec["tied"]}
    text, mmproj = f"{label}-text-{kind}.gguf", f"{label}-mmproj-{vision_kind or 'f32'}.gguf"
    qwen25vl.convert_text(OUT / text, state, hp, ours, kind=kind, chat_template=TEMPLATE,
                          name=f"golden {label}")
    if vision_kind:
        qwen25vl.convert_vision(OUT / mmproj, state, model.config.vision_config.to_dict(), kind=vision_kind,
                                min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS, name=f"golden {label}")
    return text, mmproj


def as_stored(model, kind: str):
    """A copy whose text matrices are what a file of this type holds."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "visual" in name or p.dim() == 1:
                continue
            k = gguf.fit_type(tuple(p.shape), kind)
            p.copy_(torch.from_numpy(gguf.decode(gguf.encode(p.numpy(), k), p.shape, k)))
    return model


def dump(value) -> str:
    """JSON with one line per model, case and medium, so that a change can be read."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    for mark in ('{"id": ', '{"name": ', '"messages": ', '{"kind": ', '"ids": ', '"positions": ', '"rendered": ',
                 '"logits": {', '"cases": ', '"models": ', '"pixel_formula": '):
        text = text.replace(mark, "\n" + mark)
    return text + "\n"


def made_with(script: str) -> dict:
    return {"command": f"python3 tests/golden/{script}", "python": platform.python_version(),
            "torch": torch.__version__, "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__, "pillow": PIL.__version__, "numpy": np.__version__}


def main() -> int:
    torch.set_num_threads(2)
    OUT.mkdir(exist_ok=True)
    for old in OUT.glob("[ab]-*"):
        old.unlink()
    tok, ours = make_tokenizer()
    processor = Qwen2VLImageProcessorPil(size={"shortest_edge": MIN_PIXELS, "longest_edge": MAX_PIXELS})
    exact = [{"kv": "f32", "logits": 1e-3}, {"kv": "f16", "logits": 1e-2}, {"kv": "q8_0", "kl": 1e-3}]
    # Against the model that the stored blocks stand for: what is left is the rounding of activations to
    # 8 bits, which costs this sharp random model 0.5e-3 to 1.1e-3 when it is imitated in torch.
    near = [{"kv": "f32", "kl": 2e-3}]
    some = ["text", "picture-half"]
    plan = [  # label, spec, text type, vision type (None: the file before), bars, cases
        ("a", config_a(), "f16", "f16", exact, list(CASES)),
        ("b", config_b(), "f32", "f32", exact, list(CASES)),
        ("b", config_b(), "q8_0", None, near, some),
        ("b", config_b(), "q4_0", None, near, some),
    ]
    entries = []
    for label, spec, kind, vision_kind, runs, cases in plan:
        model = make_model(spec, ours)
        text, mmproj = write_files(model, spec, ours, label, kind, vision_kind)
        if kind not in ("f16", "f32"):
            model = as_stored(model, kind)
        keep = Values()
        done = [run_case(name, model, tok, processor, keep) for name in cases]
        values = f"{label}-{kind}.f32"
        keep.write(OUT / values)
        entries.append({"id": f"{label}-{kind}", "text": text, "mmproj": mmproj, "values": values,
                        "runs": runs, "min_cosine": 0.9999, "n_embd": spec["text"]["hidden_size"],
                        "n_vocab": VOCAB, "cases": done})
        for c in done:
            print(f"{label}-{kind} {c['name']:20} {len(c['ids']):4} tokens, logits std {c['logits_std']:.2f}, "
                  f"f32 noise {c['float32_noise']:.1e}, greedy {len(c['greedy'])}")
    (OUT / "golden.json").write_text(
        dump({"made_with": made_with("make.py"), "pixel_formula": PIXEL_FORMULA, "models": entries}), encoding="utf-8")
    total = 0
    for p in sorted(OUT.iterdir()):
        total += p.stat().st_size
        print(f"{p.name:24} {p.stat().st_size:9}")
    print(f"{'together':24} {total:9}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
