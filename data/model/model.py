# SPDX-License-Identifier: GPL-3.0-or-later
"""Longwave Mini in plain PyTorch: the Qwen2.5-VL architecture at 29M parameters.

Module names are those of the Hugging Face checkpoint, so state_dict() is the
checkpoint.  What differs is how it is computed, for training speed: all
pictures of a batch have one size, so the tower works on [pictures, patches]
with no variable-length machinery, and window attention is a reshape when the
picture is a whole number of windows and a mask when it is not.  check_hf.py
proves that the result is the same as the reference's.
"""
import functools
import math
from dataclasses import dataclass, asdict

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    vocab: int = 4096
    width: int = 384
    layers: int = 12
    heads: int = 6
    kv_heads: int = 2
    head: int = 64
    ffn: int = 1024
    eps: float = 1e-6
    rope_base: float = 1000000.0
    sections: tuple = (8, 12, 12)
    context: int = 131072
    v_width: int = 256
    v_layers: int = 8
    v_heads: int = 4
    v_ffn: int = 768
    v_full_every: int = 4
    patch: int = 14
    window_cells: int = 4       # 112 px / 14 / 2

    def dict(self):
        return asdict(self)


# The element-wise parts, each one kernel once compiled.  Compiling these few small functions takes
# seconds; compiling whole blocks for every shape of picture and row took longer than a training step
# could win back (first step after 97 s on an H200).

def _rms_norm(x, w, eps):
    h = x.float()
    h = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + eps)
    return (h * w).to(x.dtype)


def _rotate(x, cos, sin):
    """Half-split rotary; cos and sin hold half a head and broadcast over heads."""
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


def _gate(g, u):
    return F.silu(g) * u


rms_norm, rotate, gate = _rms_norm, _rotate, _gate


def compile_leaves(**how):
    global rms_norm, rotate, gate
    rms_norm, rotate, gate = (torch.compile(f, **how) for f in (_rms_norm, _rotate, _gate))


class RMSNorm(nn.Module):
    def __init__(self, n, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))
        self.eps = eps

    def forward(self, x):
        return rms_norm(x, self.weight, self.eps)


class MLP(nn.Module):
    def __init__(self, n, ffn, bias):
        super().__init__()
        self.gate_proj = nn.Linear(n, ffn, bias=bias)
        self.up_proj = nn.Linear(n, ffn, bias=bias)
        self.down_proj = nn.Linear(ffn, n, bias=bias)

    def forward(self, x):
        return self.down_proj(gate(self.gate_proj(x), self.up_proj(x)))


# --- the vision tower -------------------------------------------------------

class VisionAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c.v_heads
        self.qkv = nn.Linear(c.v_width, 3 * c.v_width)
        self.proj = nn.Linear(c.v_width, c.v_width)

    def forward(self, x, cos, sin, mask, nwin):
        b, n, w = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, w // self.heads).unbind(2)
        split = (b * nwin, n // nwin, self.heads, w // self.heads)     # equal windows become rows
        q = rotate(q, cos, sin).reshape(split).transpose(1, 2)
        k = rotate(k, cos, sin).reshape(split).transpose(1, 2)
        v = v.reshape(split).transpose(1, 2)
        if mask is None:
            o = F.scaled_dot_product_attention(q, k, v)
        else:       # written out: the fused kernels want masks of aligned width, and these are few
            s = (q @ k.mT).float() * (q.shape[-1] ** -0.5)
            o = s.masked_fill(~mask, float("-inf")).softmax(-1).to(v.dtype) @ v
        return self.proj(o.transpose(1, 2).reshape(b, n, w))


class VisionBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm1 = RMSNorm(c.v_width, c.eps)
        self.norm2 = RMSNorm(c.v_width, c.eps)
        self.attn = VisionAttention(c)
        self.mlp = MLP(c.v_width, c.v_ffn, True)

    def forward(self, x, cos, sin, mask, nwin):
        x = x + self.attn(self.norm1(x), cos, sin, mask, nwin)
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.proj = nn.Conv3d(3, c.v_width, (2, c.patch, c.patch), (2, c.patch, c.patch), bias=False)

    def forward(self, x, still):
        w = self.proj.weight
        if still:               # both time slices see the same frame
            w = w.sum(2)
        return F.linear(x, w.reshape(w.shape[0], -1))


class Merger(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln_q = RMSNorm(c.v_width, c.eps)
        m = 4 * c.v_width
        self.mlp = nn.Sequential(nn.Linear(m, m), nn.GELU(), nn.Linear(m, c.width))

    def forward(self, x):
        x = self.ln_q(x)
        return self.mlp(x.view(x.shape[0], x.shape[1] // 4, -1))


@functools.lru_cache(maxsize=256)
def window_plan(gh, gw, win):
    """Window order of a gh x gw grid of cells: (order, inverse, same-window mask or
    None, number of equal windows or None)."""
    order, owner, w = [], [], 0
    sizes = set()
    for y0 in range(0, gh, win):
        for x0 in range(0, gw, win):
            cells = [y * gw + x for y in range(y0, min(gh, y0 + win)) for x in range(x0, min(gw, x0 + win))]
            order += cells
            owner += [w] * len(cells)
            sizes.add(len(cells))
            w += 1
    order = torch.tensor(order)
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order))
    if len(sizes) == 1:
        return order, inverse, None, w
    own = torch.tensor(owner).repeat_interleave(4)
    return order, inverse, own[:, None] == own[None, :], None


def patchify(img, cells_h, cells_w, patch=14):
    """[P, T, 3, H, W] (T 1 or 2) -> [P, cells, 4, 3*T*14*14], cells in raster order."""
    p, t = img.shape[:2]
    x = img.view(p, t, 3, cells_h, 2, patch, cells_w, 2, patch)
    x = x.permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
    return x.reshape(p, cells_h * cells_w, 4, 3 * t * patch * patch)


class Vision(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.patch_embed = PatchEmbed(c)
        self.blocks = nn.ModuleList(VisionBlock(c) for _ in range(c.v_layers))
        self.merger = Merger(c)
        self.tables = {}

    def table(self, gh, gw, device):
        key = (gh, gw, str(device))
        if key not in self.tables:
            c = self.c
            order, inverse, mask, nwin = window_plan(gh, gw, c.window_cells)
            d = c.v_width // c.v_heads
            inv = 10000.0 ** (-torch.arange(0, d // 2, 2, dtype=torch.float64) / (d // 2))
            cell = torch.arange(gh * gw)
            y = (cell // gw)[:, None] * 2 + torch.tensor([0, 0, 1, 1])
            x = (cell % gw)[:, None] * 2 + torch.tensor([0, 1, 0, 1])
            ang = torch.cat((y.reshape(-1, 1).double() * inv, x.reshape(-1, 1).double() * inv), -1)
            ang = ang.view(gh * gw, 4, -1)[order].view(gh * gw * 4, 1, -1)
            self.tables[key] = (order.to(device), inverse.to(device),
                                None if mask is None else mask.to(device), nwin,
                                ang.cos().float().to(device), ang.sin().float().to(device))
        return self.tables[key]

    def forward(self, img, gh, gw):
        """img [P, T, 3, 28*gh, 28*gw], normalised -> [P, gh*gw, width]"""
        c = self.c
        order, inverse, mask, nwin, cos, sin = self.table(gh, gw, img.device)
        x = self.patch_embed(patchify(img, gh, gw, c.patch), img.shape[1] == 1)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        p, g = x.shape[:2]
        x = x[:, order].reshape(p, g * 4, c.v_width)
        for i, block in enumerate(self.blocks):
            full = (i + 1) % c.v_full_every == 0
            x = block(x, cos, sin, None if full else mask, 1 if full or nwin is None else nwin)
        return self.merger(x)[:, inverse]


# --- the text decoder ---------------------------------------------------------

class TextAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.q_proj = nn.Linear(c.width, c.heads * c.head)
        self.k_proj = nn.Linear(c.width, c.kv_heads * c.head)
        self.v_proj = nn.Linear(c.width, c.kv_heads * c.head)
        self.o_proj = nn.Linear(c.heads * c.head, c.width, bias=False)

    def forward(self, x, cos, sin):
        c = self.c
        b, n, _ = x.shape
        q = rotate(self.q_proj(x).view(b, n, c.heads, c.head), cos, sin).transpose(1, 2)
        k = rotate(self.k_proj(x).view(b, n, c.kv_heads, c.head), cos, sin).transpose(1, 2)
        v = self.v_proj(x).view(b, n, c.kv_heads, c.head).transpose(1, 2)
        o = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.o_proj(o.transpose(1, 2).reshape(b, n, -1))


class TextBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_layernorm = RMSNorm(c.width, c.eps)
        self.post_attention_layernorm = RMSNorm(c.width, c.eps)
        self.self_attn = TextAttention(c)
        self.mlp = MLP(c.width, c.ffn, False)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Text(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed_tokens = nn.Embedding(c.vocab, c.width)
        self.layers = nn.ModuleList(TextBlock(c) for _ in range(c.layers))
        self.norm = RMSNorm(c.width, c.eps)
        inv = c.rope_base ** (-torch.arange(0, c.head, 2, dtype=torch.float64) / c.head)
        sel = torch.repeat_interleave(torch.arange(3), torch.tensor(c.sections))
        self.register_buffer("inv_freq", inv.float(), persistent=False)
        self.register_buffer("section", sel, persistent=False)

    def rope(self, pos):
        """pos [3, B, L] -> cos, sin [B, L, 1, head/2]"""
        ang = pos.float()[self.section].permute(1, 2, 0) * self.inv_freq
        return ang.cos()[:, :, None], ang.sin()[:, :, None]

    def forward(self, tokens, pos, feats=None, index=None):
        """feats [B, K, width] with index [B, L] (place in K, or -1) puts picture rows in."""
        x = self.embed_tokens(tokens)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        if feats is not None:
            rows = torch.gather(feats, 1, index.clamp(min=0)[..., None].expand(-1, -1, feats.shape[-1]))
            x = torch.where((index >= 0)[..., None], rows.to(x.dtype), x)
        cos, sin = self.rope(pos)
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)


class Inner(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.visual = Vision(c)
        self.language_model = Text(c)


class Longwave(nn.Module):
    def __init__(self, c=None):
        super().__init__()
        self.c = c or Config()
        self.model = Inner(self.c)

    def init_weights(self, seed=0):
        g = torch.Generator().manual_seed(seed)
        for name, p in self.named_parameters():
            with torch.no_grad():
                if p.dim() < 2:
                    p.fill_(1.0 if "norm" in name or "ln_q" in name else 0.0)
                elif "embed_tokens" in name:
                    p.normal_(0, 0.05, generator=g)
                else:
                    fan = p[0].numel()
                    std = 0.7 / math.sqrt(fan)
                    if any(s in name for s in ("o_proj", "down_proj", "attn.proj")):
                        std /= math.sqrt(2 * self.c.layers)
                    p.normal_(0, std, generator=g)
        return self

    def features(self, img, gh, gw, per_row):
        """img [B*per_row, T, 3, H, W] -> [B, per_row*cells, width]"""
        f = self.model.visual(img, gh, gw)
        return f.view(f.shape[0] // per_row, per_row * f.shape[1], f.shape[2])

    def hidden(self, tokens, pos, feats=None, index=None):
        return self.model.language_model(tokens, pos, feats, index)

    def logits(self, h):
        return F.linear(h, self.model.language_model.embed_tokens.weight.to(h.dtype))


def hf_config(c, ids):
    """The same model as a transformers configuration (needs transformers)."""
    from transformers import Qwen2_5_VLConfig
    return Qwen2_5_VLConfig(
        text_config=dict(
            vocab_size=c.vocab, hidden_size=c.width, num_hidden_layers=c.layers,
            num_attention_heads=c.heads, num_key_value_heads=c.kv_heads, intermediate_size=c.ffn,
            rms_norm_eps=c.eps, max_position_embeddings=c.context, tie_word_embeddings=True,
            rope_theta=c.rope_base, hidden_act="silu",
            rope_parameters=dict(rope_type="default", rope_theta=c.rope_base, mrope_section=list(c.sections)),
            bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|im_end|>"]),
        vision_config=dict(
            depth=c.v_layers, hidden_size=c.v_width, num_heads=c.v_heads, intermediate_size=c.v_ffn,
            out_hidden_size=c.width, patch_size=c.patch, temporal_patch_size=2, spatial_merge_size=2,
            window_size=c.window_cells * 2 * c.patch, in_channels=3, tokens_per_second=2,
            fullatt_block_indexes=[i for i in range(c.v_layers) if (i + 1) % c.v_full_every == 0]),
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True)
