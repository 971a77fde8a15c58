# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint -> longwave-mini.gguf and mmproj-longwave-mini.gguf (needs torch and numpy only).

    python3 data/model/export.py CHECKPOINT OUT_DIR [--type q8_0] [--split MB]
"""
import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent))

from batch import MAX_PIXELS, MIN_PIXELS  # noqa: E402
from data.convert import hf, qwen25vl  # noqa: E402
import weights  # noqa: E402

NAME = "Longwave Mini"
DESCRIPTION = (
    "A very small model (29 million parameters) that comes with Longwave, so that the program works before you have "
    "installed another one. It answers short questions about simple drawn shapes (kind, colour, place, number), reads "
    "short words and numbers in pictures, says what moves in short films, and finds facts in short English texts. It does "
    "not know the real world, does not recognise photos, cannot write or translate, and makes mistakes; for daily work "
    "please install a larger model such as Qwen2.5-VL or Qwen3-VL.")
TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{%- if message['content'] is string -%}{{ message['content'] }}"
    "{%- else -%}{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif part['type'] == 'video' -%}{{ '<|vision_start|><|video_pad|><|vision_end|>' }}"
    "{%- else -%}{{ part['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{ '<|im_end|>\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}")
EXTRA = {"general.description": DESCRIPTION, "general.license": "gpl-3.0-or-later", "general.author": "Longwave",
         "general.size_label": "29M"}


def text_config(c):
    return dict(vocab_size=c.vocab, hidden_size=c.width, num_hidden_layers=c.layers, num_attention_heads=c.heads,
                num_key_value_heads=c.kv_heads, intermediate_size=c.ffn, rms_norm_eps=c.eps,
                max_position_embeddings=c.context, tie_word_embeddings=True, rope_theta=c.rope_base,
                mrope_section=list(c.sections))


def vision_config(c):
    return dict(depth=c.v_layers, hidden_size=c.v_width, num_heads=c.v_heads, intermediate_size=c.v_ffn,
                out_hidden_size=c.width, patch_size=c.patch, spatial_merge_size=2,
                window_size=c.window_cells * 2 * c.patch, hidden_act="silu",
                fullatt_block_indexes=[i for i in range(c.v_layers) if (i + 1) % c.v_full_every == 0])


def export(state, c, out, kind="q8_0"):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.float().cpu() for k, v in state.items()}
    tok = hf.read_tokenizer(HERE)
    tok.eos_id, tok.pad_id = tok.id("<|im_end|>"), tok.id("<|endoftext|>")
    tok.bos_id = tok.pad_id
    text, vision = out / "longwave-mini.gguf", out / "mmproj-longwave-mini.gguf"
    n = qwen25vl.convert_text(text, tensors, text_config(c), tok, kind=kind, name=NAME, chat_template=TEMPLATE,
                              extra={**EXTRA, "general.sampling.temp": 0.0})
    m = qwen25vl.convert_vision(vision, tensors, vision_config(c), kind=kind, name=NAME, min_pixels=MIN_PIXELS,
                                max_pixels=MAX_PIXELS, image_size=336, extra=EXTRA)
    print("%s %.1f MB, %s %.1f MB" % (text.name, n / 1e6, vision.name, m / 1e6), flush=True)
    return text, vision


def split(path, size):
    """Parts of at most `size` bytes beside the file; cat joins them again."""
    data = Path(path).read_bytes()
    if len(data) <= size:
        return [path]
    parts = []
    for i in range(0, len(data), size):
        part = Path("%s.part%d" % (path, i // size))
        part.write_bytes(data[i:i + size])
        parts.append(part)
    os.remove(path)
    return parts


def main():
    a = argparse.ArgumentParser()
    a.add_argument("checkpoint", help="state.pt, weights.pt or a text GGUF")
    a.add_argument("out")
    a.add_argument("--type", default="q8_0")
    a.add_argument("--split", type=float, default=0, help="split files larger than so many MB")
    args = a.parse_args()
    config, state = weights.load(args.checkpoint)
    for path in export(state, config, args.out, args.type):
        if args.split:
            print(*split(path, int(args.split * 1e6)))


if __name__ == "__main__":
    main()
