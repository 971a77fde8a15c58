# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw whole batches of pictures on the device that trains.

The processes that invent scenes only send numbers; here they become pixels.
Every shape is a signed distance function evaluated for all pixels of all
pictures at once, blended with an anti-aliased edge, so drawing costs a few
milliseconds for thousands of pictures.  Letters are sampled from glyphs.npz.

Shape row   [kind, cx, cy, r, turn, R, G, B, border, bR, bG, bB, visible]   pixels, radians, 0..255
Ground row  [kind, R, G, B, R2, G2, B2, turn, noise, softness, tint, blur]
Text row    [x, y, scale, turn, R, G, B, font, n, 12 glyph numbers]

The same rows are painted without a device by app/eval/paint.c; tests/unit/paint/ holds what this file makes of some,
and a test that the two agree.  Whoever changes one changes the other.
"""
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

from layout import GROUND_W, SHAPE_W, TEXT_MAX, TEXT_W  # noqa: F401

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
_c5, _s5 = math.cos(math.pi / 5), math.sin(math.pi / 5)
_STAR_IN = 0.42
GROUND_SOLID, GROUND_GRADIENT, GROUND_CLOUDS = 0, 1, 2


def distance(u, v, kind):
    """Signed distance (shape radius = 1, y down) to the outline of each kind; negative inside."""
    r = torch.sqrt(u * u + v * v + 1e-12)
    au, av = u.abs(), v.abs()
    big = torch.maximum(au, av)
    circle = r - 0.92
    square = big - 0.8
    triangle = torch.maximum(v - 0.55, 0.8660254 * au - 0.5 * v - 0.55 * 0.9)
    a = torch.atan2(u, -v)                       # 0 is up
    k = 2 * math.pi / 5
    a = a - k * torch.round(a / k)
    sx, sy = r * torch.cos(a), r * torch.sin(a).abs()
    ex, ey = _STAR_IN * _c5 - 1.0, _STAR_IN * _s5            # edge from the tip (1,0) to the notch
    star = ((sx - 1.0) * ey - sy * ex) / math.hypot(ex, ey)
    diamond = (au * 1.45 + av - 1.0) / 1.76
    cross = torch.minimum(torch.maximum(au - 0.95, av - 0.31), torch.maximum(av - 0.95, au - 0.31))
    ring = (r - 0.71).abs() - 0.23
    # heart: a square on its corner with a half disc on each upper side
    hu, hv = (u - (v - 0.12)) * 0.70710678, (u + (v - 0.12)) * 0.70710678   # corner axes
    body = torch.maximum(hu.abs(), hv.abs()) - 0.56
    lobe1 = torch.sqrt(hu * hu + (hv + 0.56) ** 2 + 1e-12) - 0.56
    lobe2 = torch.sqrt((hu - 0.56) ** 2 + hv * hv + 1e-12) - 0.56
    heart = torch.minimum(body, torch.minimum(lobe1, lobe2))
    moon = torch.maximum(r - 0.95, 0.78 - torch.sqrt((u - 0.45) ** 2 + v * v + 1e-12))
    rect = torch.maximum(au - 0.95, av - 0.5)
    # arrow, up at turn 0: a shaft and a head whose sides fall 4 for each 3 outwards
    shaft = torch.maximum(au - 0.22, (v - 0.35).abs() - 0.6)
    head = torch.maximum(v - 0.05, 0.8 * au - 0.6 * (v + 0.95))
    arrow = torch.minimum(shaft, head)
    d = circle
    for i, s in enumerate((square, triangle, star, diamond, cross, ring, heart, moon, rect, arrow)):
        d = torch.where(kind == i + 1, s, d)
    return d


def blend_shape(img, s, soft):
    """img [P,3,H,W] 0..255; s [P,SHAPE_W]; soft [P]"""
    h, w = img.shape[2:]
    s = s[:, :, None, None]
    y = torch.arange(h, device=img.device, dtype=torch.float32)[None, :, None] + 0.5
    x = torch.arange(w, device=img.device, dtype=torch.float32)[None, None, :] + 0.5
    dx, dy = x - s[:, 1], y - s[:, 2]
    c, n = torch.cos(s[:, 4]), torch.sin(s[:, 4])
    r = s[:, 3].clamp(min=0.5)
    u, v = (dx * c + dy * n) / r, (dy * c - dx * n) / r
    d = distance(u, v, s[:, 0]) * r
    soft = soft[:, None, None]
    a = (0.5 - d / soft).clamp(0, 1) * s[:, 12]
    fill = (0.5 - (d + s[:, 8]) / soft).clamp(0, 1)
    fill = torch.where(s[:, 8] > 0, fill, torch.ones_like(fill))[:, None]
    col = s[:, 5:8] * fill + s[:, 9:12] * (1 - fill)
    return img + (col - img) * a[:, None]


def blend_text(img, t, cum, atlas, pen, cell):
    """t [P,TEXT_W]; cum [P,TEXT_MAX+1] pen positions in atlas pixels; atlas [2, glyphs, cell*cell] 0..1"""
    p, _, h, w = img.shape
    y = torch.arange(h, device=img.device, dtype=torch.float32)[None, :, None] + 0.5
    x = torch.arange(w, device=img.device, dtype=torch.float32)[None, None, :] + 0.5
    q = t[:, :, None, None]
    scale = q[:, 2].clamp(min=0.05)
    c, n = torch.cos(q[:, 3]), torch.sin(q[:, 3])
    dx, dy = (x - q[:, 0]) / scale, (y - q[:, 1]) / scale
    u, v = dx * c + dy * n, dy * c - dx * n
    k = torch.zeros_like(u)
    glyph = q[:, 9].expand_as(u)
    start = torch.zeros_like(u)
    for i in range(1, TEXT_MAX):
        edge = cum[:, i, None, None]
        past = (u >= edge) & (q[:, 8] > i)
        glyph = torch.where(past, q[:, 9 + i], glyph)
        start = torch.where(past, edge, start)
    total = cum[:, TEXT_MAX, None, None]
    inside = (u >= -2) & (u < total + 2) & (v >= 0) & (v < cell - 1) & (q[:, 8] > 0)
    gu = (u - start + pen - 0.5).clamp(0, cell - 1.001)
    gv = (v - 0.5).clamp(0, cell - 1.001)
    i0, j0 = gu.floor(), gv.floor()
    fu, fv = gu - i0, gv - j0
    level = (scale < 0.62).to(torch.int64)
    n_glyph = atlas.shape[1]
    base = ((level * n_glyph + glyph.to(torch.int64)) * cell + j0.to(torch.int64)) * cell + i0.to(torch.int64)
    flat = atlas.reshape(-1)
    a = (flat[base] * (1 - fu) + flat[base + 1] * fu) * (1 - fv) + \
        (flat[base + cell] * (1 - fu) + flat[base + cell + 1] * fu) * fv
    a = torch.where(inside, a, torch.zeros_like(a))
    return img + (q[:, 4:7] - img) * a[:, None]


class Painter:
    def __init__(self, device, compile=False):
        here = os.path.dirname(os.path.abspath(__file__))
        z = np.load(os.path.join(here, "glyphs.npz"))
        packed = z["packed"]
        f, n, cell, half = packed.shape
        full = np.empty((f, n, cell, cell), np.float32)
        full[..., 0::2] = (packed & 15) / 15.0
        full[..., 1::2] = (packed >> 4) / 15.0
        a = torch.tensor(full.reshape(f * n, 1, cell, cell))
        small = F.interpolate(F.avg_pool2d(a, 2), scale_factor=2, mode="bilinear")
        self.atlas = torch.stack((a, small)).view(2, f * n, cell * cell).to(device).contiguous()
        self.adv = torch.tensor(z["adv"].reshape(-1)).to(device)
        self.pen, self.cell, self.per_font = float(z["pen"]), cell, n
        self.device = device
        wrap = (lambda fn: torch.compile(fn, dynamic=True)) if compile else (lambda fn: fn)
        self.shape, self.text = wrap(blend_shape), wrap(blend_text)
        self.mean = torch.tensor(MEAN, device=device).view(1, 3, 1, 1) * 255
        self.inv = 1 / (torch.tensor(STD, device=device).view(1, 3, 1, 1) * 255)

    def ground(self, g, h, w, gen, clouds):
        p = g.shape[0]
        y = (torch.arange(h, device=g.device) + 0.5)[None, :, None] / h - 0.5
        x = (torch.arange(w, device=g.device) + 0.5)[None, None, :] / w - 0.5
        t = g[:, 7, None, None]
        m = (0.5 + (x * torch.cos(t) + y * torch.sin(t)) * 0.72).clamp(0, 1)
        if clouds:
            f = 0
            for n, amp in ((3, 1.0), (7, 0.7), (15, 0.5), (37, 0.35)):
                z = torch.randn(p, 1, n, n, device=g.device, generator=gen)
                f = f + amp * F.interpolate(z, (h, w), mode="bicubic")
            m = torch.where(g[:, 0, None, None] == GROUND_CLOUDS, (0.5 + 0.55 * f[:, 0]).clamp(0, 1), m)
        m = torch.where(g[:, 0, None, None] == GROUND_SOLID, torch.zeros_like(m), m)[:, None]
        img = g[:, 1:4, None, None] * (1 - m) + g[:, 4:7, None, None] * m
        return img

    @torch.no_grad()
    def paint(self, scene, h, w, gen=None, normalise=True):
        """scene: ground [P,G], shapes [P,S,13], text [P,K,21] tensors -> [P,3,H,W] float.  scene["clouds"] and
        scene["blur"] (are there any?) save asking the device, which would have to wait for its queue."""
        g, s, t = scene["ground"], scene["shapes"], scene["text"]
        clouds = scene["clouds"] if "clouds" in scene else bool((g[:, 0] == GROUND_CLOUDS).any())
        blur = scene["blur"] if "blur" in scene else bool((g[:, 11] > 0).any())
        img = self.ground(g, h, w, gen, clouds)
        soft = g[:, 9].contiguous()
        for i in range(s.shape[1]):
            img = self.shape(img, s[:, i].contiguous(), soft)
        for k in range(t.shape[1]):
            row = t[:, k].clone()
            gl = (row[:, 7:8] * self.per_font + row[:, 9:]).long()
            adv = self.adv[gl] * (torch.arange(TEXT_MAX, device=row.device) < row[:, 8:9])
            cum = torch.cat((torch.zeros_like(adv[:, :1]), adv.cumsum(1)), 1)
            row[:, 9:] = gl.float()
            img = self.text(img, row, cum, self.atlas, self.pen, self.cell)
        if blur:                                # a soft lens, for pictures of no known kind
            k = g[:, 11, None, None, None]
            img = img * (1 - k) + F.avg_pool2d(img, 9, 1, 4, count_include_pad=False) * k
        noise = g[:, 8, None, None, None]
        img = img + noise * torch.randn(img.shape, device=img.device, generator=gen)
        img = img.round().clamp(0, 255)
        return (img - self.mean) * self.inv if normalise else img
