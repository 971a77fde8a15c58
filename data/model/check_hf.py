# SPDX-License-Identifier: GPL-3.0-or-later
"""Does model.py compute what transformers' Qwen2.5-VL computes?  (Needs transformers; a CPU is enough.)

Random weights, float32, eager attention: a picture with clipped windows, a
picture of whole windows, two pictures, a film and plain text.  Fails when any
logit differs by more than 1e-4.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import torch  # noqa: E402

from batch import Row, Tok  # noqa: E402
from model import Config, Longwave, hf_config, patchify  # noqa: E402


def pixel_values(frames, gh, gw):
    """[T even, 3, H, W] -> transformers' flat patches."""
    t = frames.shape[0]
    x = patchify(frames.view(t // 2, 2, *frames.shape[1:]), gh, gw)
    return x.reshape(-1, x.shape[-1])


def main():
    from transformers import Qwen2_5_VLForConditionalGeneration
    torch.manual_seed(0)
    tok = Tok()
    c = Config()
    net = Longwave(c).init_weights(3).eval()
    for p in net.parameters():
        p.data += torch.randn_like(p) * (0.02 if p.dim() == 1 else 0.3 * p.std())
    cfg = hf_config(c, tok.ids)
    cfg._attn_implementation = "eager"
    ref = Qwen2_5_VLForConditionalGeneration(cfg).eval().float()
    state = {k: v for k, v in net.state_dict().items()}
    missing, extra = ref.load_state_dict(state, strict=False)
    missing = [m for m in missing if m != "lm_head.weight"]
    assert not missing and not extra, (missing, extra)
    ref.tie_weights()
    worst_of_all = 0.0
    cases = [("text", []), ("whole windows 8x4", [(8, 4, 1, 0.0, False)]), ("clipped 5x7", [(5, 7, 1, 0.0, False)]),
             ("two 6x5", [(6, 5, 1, 0.0, False)] * 2), ("film 3 grids 4x6", [(4, 6, 3, 2.0, True)]),
             ("one cell row 4x1", [(4, 1, 1, 0.0, False)])]
    for label, pics in cases:
        row = Row(tok, 4000)
        row.add(tok.system)
        row.turn("colour", "What colour is the circle?", "The circle is red.", pics)
        row.turn("count", "How many shapes are there?", "There are 3 shapes.")
        ids = torch.tensor([row.ids])
        pos = torch.tensor(row.pos3).T[:, None]
        kw = {}
        feats = index = None
        if pics:
            gh, gw, grids, step, film = pics[0]
            frames = torch.randn(len(pics) * grids, 2, 3, gh * 28, gw * 28)
            if not film:
                frames[:, 1] = frames[:, 0]
            mine = frames if film else frames[:, :1]
            feats = net.features(mine, gh, gw, mine.shape[0])
            index = torch.tensor([row.index])
            values = torch.cat([pixel_values(f, gh, gw) for f in frames])
            grid = torch.tensor([[grids, gh * 2, gw * 2]] if film else [[1, gh * 2, gw * 2]] * len(pics))
            if film:
                kw = dict(pixel_values_videos=values, video_grid_thw=grid, second_per_grid_ts=torch.tensor([step / 2]))
            else:
                kw = dict(pixel_values=values, image_grid_thw=grid)
        with torch.no_grad():
            got = net.logits(net.hidden(ids, pos, feats, index))
            types = torch.zeros_like(ids)
            types[ids == tok.ids["<|image_pad|>"]] = 1
            types[ids == tok.ids["<|video_pad|>"]] = 2
            want = ref(input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=types, **kw).logits
        worst = (got - want).abs().max().item()
        worst_of_all = max(worst, worst_of_all)
        print("%-20s %4d tokens  logits up to %6.2f  largest difference %.2e" % (label, ids.shape[1], want.abs().max(), worst))
    if worst_of_all > 1e-4:
        print("FAILED")
        return 1
    print("equal within 1e-4")
    return 0


if __name__ == "__main__":
    sys.exit(main())
