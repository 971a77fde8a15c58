# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure Longwave Mini on a draw that training never sees.

    eval_draw.py CHECKPOINT --out eval.json [--n 4000]   greedy answers to held-out questions
    eval_draw.py --make-pack                             write eval/ (pictures, films, questions.json)
    eval_draw.py CHECKPOINT --pack                       answer eval/ in PyTorch

Scenes, words and names come from the held-out side of words.held_out().  The
first question of a conversation is answered greedily, token by token.  Two
figures: "right", the words that carry the answer are the expected ones in the
expected order (filler words and punctuation are dropped), and "same", the
whole sentence is the expected one.
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import numpy as np  # noqa: E402
import batch as batches  # noqa: E402
import films  # noqa: E402
import scenes  # noqa: E402
import talk  # noqa: E402
import texts  # noqa: E402
from batch import Row, TASKS, Tok  # noqa: E402

FILLER = set("the a an is are there it says say in on at of this that picture pictures image text shows has have s "
             "shape shapes and to with film then first word number background does".split())
KEEP_FIRST = ("pair-compare", "pair-change", "film-order")


def content(answer, task=""):
    """The words of an answer that carry it, in order."""
    fill = FILLER - {"first"} if task in KEEP_FIRST else FILLER
    return [w for w in re.findall(r"[^\W_]+", answer.lower()) if w not in fill]


class Answerer:
    def __init__(self, checkpoint, device=""):
        import torch
        from draw import Painter
        from model import Longwave
        self.torch = torch
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        import weights
        config, state = weights.load(checkpoint)
        self.net = Longwave(config)
        self.net.load_state_dict(state)
        self.net = self.net.to(self.device).eval()
        self.painter = Painter(self.device)
        self.tok = Tok()

    def answer(self, rows, img=None, gh=0, gw=0, per_row=1, most=72):
        """rows: Row objects that end where the answer begins -> strings.  img as Longwave.features() takes it."""
        torch = self.torch
        with torch.no_grad(), torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.device != "cpu"):
            b, n = len(rows), max(len(r.ids) for r in rows) + most
            ids = torch.full((b, n), self.tok.ids["<|endoftext|>"], dtype=torch.long)
            pos = torch.zeros(3, b, n, dtype=torch.long)
            index = torch.full((b, n), -1, dtype=torch.long)
            at = torch.tensor([len(r.ids) for r in rows])
            for i, r in enumerate(rows):
                k = len(r.ids)
                ids[i, :k] = torch.tensor(r.ids)
                pos[:, i, :k] = torch.tensor(r.pos3).T
                pos[:, i, k:] = torch.arange(r.p, r.p + n - k)
                index[i, :k] = torch.tensor(r.index)
            ids, pos, index, at = (t.to(self.device) for t in (ids, pos, index, at))
            feats = None if img is None else self.net.features(img, gh, gw, per_row)
            line = torch.arange(b, device=self.device)
            done = torch.zeros(b, dtype=torch.bool, device=self.device)
            out = [[] for _ in rows]
            start = at.clone()
            for _ in range(most):
                top = int(at.max())
                h = self.net.hidden(ids[:, :top], pos[:, :, :top], feats, None if feats is None else index[:, :top])
                nxt = self.net.logits(h[line, at - 1]).float().argmax(-1)
                done |= nxt == self.tok.end
                nxt = torch.where(done, torch.full_like(nxt, self.tok.ids["<|endoftext|>"]), nxt)
                ids[line, at] = nxt
                at = torch.where(done, at, at + 1)
                if bool(done.all()):
                    break
            for i in range(b):
                out[i] = self.tok.t.decode(ids[i, start[i]:at[i]].tolist())
        return out


def prompt_of(row):
    """The row cut before its first answer; (row, expected, task)."""
    a0, a1, t = row.answers[0]
    expected = row.tok.t.decode(row.ids[a0:a1 - 1])
    row.ids, row.pos3, row.index = row.ids[:a0], row.pos3[:a0], row.index[:a0]
    row.p = row.pos3[-1][0] + 1
    return row, expected, TASKS[t]


class Catcher(batches.Maker):
    """A Maker whose rows can be had before they become arrays."""

    def pack(self, rows, length, stream):
        self.rows = [prompt_of(r) for r in rows]
        n = len(rows)
        return dict(stream=stream, index=None if rows[0].n_feat == 0 else True, tokens=np.zeros((n, 1)))


def measure(who, n, seed=990001):
    import torch
    score, wrong = {}, []
    m = Catcher(seed, 16384, held=True)
    per = {"still": 0.5, "pair": 0.12, "film": 0.14, "text": 0.16, "chat": 0.08}
    gen = torch.Generator(device=who.device).manual_seed(seed)
    for stream, share in per.items():
        left = int(n * share)
        while left > 0:
            b = getattr(m, stream)(1.0)
            rows = m.rows[:64]
            img = None
            if b["index"]:
                pr, fr = b["per_row"], b["frames"]
                k = len(rows) * pr * fr
                d = {x: torch.from_numpy(b[x][:k]).to(who.device) for x in ("ground", "shapes", "text")}
                h, w = b["gh"] * 28, b["gw"] * 28
                img = who.painter.paint(d, h, w, gen).view(-1, fr, 3, h, w)
            got = who.answer([r[0] for r in rows], img, b.get("gh", 0), b.get("gw", 0), b.get("per_row", 1))
            for (row, expected, task), g in zip(rows, got):
                s = score.setdefault(task, [0, 0, 0])
                right = content(expected, task) == content(g, task)
                s[0] += right
                s[1] += g == expected
                s[2] += 1
                if not right and len(wrong) < 120 and random.random() < 0.5:
                    q = who.tok.t.decode(row.ids, skip_special_tokens=True)
                    wrong.append([task, q[-160:], expected, g])
            left -= len(rows)
    tasks = {t: dict(right=round(a / c, 4), same=round(b / c, 4), n=c) for t, (a, b, c) in sorted(score.items())}
    kinds = {"own kind of picture": [t for t in tasks if t in ("colour", "shape", "count", "where", "exist", "place", "size",
                                                               "relation", "background", "word", "number", "letters",
                                                               "text-colour", "describe")],
             "two pictures": [t for t in tasks if t.startswith("pair")],
             "films": [t for t in tasks if t.startswith("film")],
             "text": [t for t in tasks if t in ("facts", "sums", "copy", "order")],
             "everyday turns": [t for t in tasks if t == "chat"]}
    groups = {}
    for g, ts in kinds.items():
        c = sum(score[t][2] for t in ts)
        if c:
            groups[g] = dict(right=round(sum(score[t][0] for t in ts) / c, 4), n=c)
    return dict(groups=groups, tasks=tasks, wrong=wrong)


# --- the pack that other programs can be measured on ---------------------------------

def pil_picture(r, w, h):
    """A simple scene drawn by another rasteriser, edges not smoothed: (image, questions)."""
    from PIL import Image, ImageDraw
    from words import PURE
    sc = scenes.Scene()
    sc.w, sc.h, sc.shapes, sc.texts, sc.clutter, sc.border, sc.extra = w, h, [], [], None, None, None
    sc.ground_name = "white"
    im = Image.new("RGB", (w, h), "white")
    d = ImageDraw.Draw(im)
    n = 1 + int(r.random() * 4)
    while len(sc.shapes) < n:
        s = scenes.Shape()
        s.kind = scenes.pick(r, ("circle", "square", "triangle", "rectangle", "diamond", "ring"))
        s.colour = scenes.pick(r, ("red", "green", "blue", "yellow", "orange", "purple", "black", "brown"))
        s.r = scenes.uni(r, 0.09, 0.16) * min(w, h)
        s.x, s.y, s.turn, s.name = scenes.uni(r, s.r + 2, w - s.r - 2), scenes.uni(r, s.r + 2, h - s.r - 2), 0, None
        if not sc.place(s)[1] or any((s.x - o.x) ** 2 + (s.y - o.y) ** 2 < (1.3 * (s.r + o.r)) ** 2 for o in sc.shapes):
            continue
        s.rgb = PURE[s.colour][0]
        x, y, q = s.x, s.y, s.r
        if s.kind == "circle":
            d.ellipse((x - q, y - q, x + q, y + q), fill=s.rgb)
        elif s.kind == "ring":
            d.ellipse((x - q, y - q, x + q, y + q), outline=s.rgb, width=max(3, int(q * 0.4)))
        elif s.kind == "square":
            d.rectangle((x - q * .8, y - q * .8, x + q * .8, y + q * .8), fill=s.rgb)
        elif s.kind == "rectangle":
            d.rectangle((x - q, y - q * .5, x + q, y + q * .5), fill=s.rgb)
        elif s.kind == "triangle":
            d.polygon((x, y - q, x + q * .9, y + q * .6, x - q * .9, y + q * .6), fill=s.rgb)
        else:
            d.polygon((x, y - q, x + q * .7, y, x, y + q, x - q * .7, y), fill=s.rgb)
        sc.shapes.append(s)
    sc.shapes.sort(key=lambda s: (int(s.y / h * 3), s.x))
    return im, sc


def make_pack():
    import torch
    from PIL import Image
    from draw import Painter
    r = random.Random(424242)
    painter = Painter("cpu")
    out = os.path.join(HERE, "eval")
    os.makedirs(out, exist_ok=True)
    for f in os.listdir(out):
        os.remove(os.path.join(out, f))
    samples, made = [], 0

    def store(im, name):
        im.quantize(64).save(os.path.join(out, name), optimize=True) if im.getcolors(64) is None else \
            im.quantize(64, dither=0).save(os.path.join(out, name), optimize=True)

    def draw(sc):
        sc.ground[8] = 0.0
        d = batches.Maker.pack_pictures([(sc.ground, scenes.shape_rows(sc), [t[3] for t in sc.texts])])
        d = {k: torch.from_numpy(v) for k, v in d.items() if hasattr(v, "dtype")}
        a = painter.paint(d, sc.h, sc.w, normalise=False)[0].permute(1, 2, 0).byte().numpy()
        return Image.fromarray(a)

    def ask(task, files, q, a, film=False):
        samples.append(dict(id=len(samples), task=task, **({"video": files[0]} if film else {"images": files}),
                            question=q, answer=a, content=content(a, task)))

    wanted = ["colour"] * 5 + ["shape"] * 4 + ["count"] * 6 + ["where"] * 5 + ["exist"] * 4 + ["size"] * 2 + \
        ["relation"] * 2 + ["describe"] * 3 + ["background"] * 2 + ["word"] * 7 + ["number"] * 3 + ["clutter"] * 1
    sizes = [(112, 112), (140, 140), (168, 168), (224, 168), (224, 224), (200, 150), (280, 196), (96, 96)]
    for task in wanted:
        what = "text" if task in ("word", "number") else "clutter" if task == "clutter" else "shapes"
        while True:
            w, h = scenes.pick(r, sizes)
            sc = scenes.make_scene(r, w, h, 0.7, True, what)
            if sc.ground[0] == 2 and what != "clutter" or any(t[3][2] < 0.55 for t in sc.texts):
                continue
            for _ in range(40):
                t, q, a = scenes.questions(r, sc)
                if t == task and "there is no text" not in a.lower():
                    break
            else:
                continue
            break
        name = "s%02d.png" % made
        made += 1
        store(draw(sc), name)
        ask(task, [name], q, a)
    for i in range(10):
        w, h = scenes.pick(r, ((200, 200), (320, 240), (256, 256), (160, 120)))
        im, sc = pil_picture(r, w, h)
        name = "p%02d.png" % i
        store(im, name)
        t, q, a = scenes.questions(r, sc)
        ask(t, [name], q, a)
    for i in range(4):
        while True:
            a_, b_ = (scenes.make_scene(r, 140, 140, 0.4, True, "shapes") for _ in range(2))
            if a_.ground[0] == 2 or b_.ground[0] == 2:
                continue
            x = scenes.pair_question(r, a_, b_, None)
            if x and x[0] == "pair-compare":
                break
        names = ["d%da.png" % i, "d%db.png" % i]
        for sc, name in zip((a_, b_), names):
            store(draw(sc), name)
        ask(x[0], names, x[1], x[2])
    for i in range(5):
        while True:
            sc, events, _ = films.make_film(r, 168, 168, 4, 0.6, True)
            if sc.ground[0] == 0 and len(events) == 1 and events[0].what in ("move", "grow", "vanish", "appear"):
                break
        # the same film again, with the frames of five seconds at 8 a second
        keep = r.getstate()
        frames = refilm(r, sc, events)
        r.setstate(keep)
        sc.ground[8] = 0
        n = len(frames)
        d = dict(ground=torch.tensor([sc.ground] * n), shapes=torch.tensor(frames, dtype=torch.float32),
                 text=torch.zeros(n, 0, batches.TEXT_W))
        a = painter.paint(d, 168, 168, normalise=False).permute(0, 2, 3, 1).byte().numpy()
        name = "f%d.mp4" % i
        p = subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "168x168", "-r", "8",
                            "-i", "-", "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", os.path.join(out, name)],
                           input=a.tobytes())
        if p.returncode:
            raise SystemExit("ffmpeg failed")
        t, q, an = "film-what", "What happens in the film?", "The %s %s." % (events[0].shape.noun(), events[0].phrase())
        ask(t, [name], q, an, True)
    for i in range(6):
        f = texts.Facts(r, 6, True)
        t, q, a = f.questions()[0]
        ask(t, [], f.text() + "\n" + q, a)
    for q, a in (("Hello", talk.EVERYDAY[0][0]), ("Who are you?", talk.EVERYDAY[1][0]),
                 ("What can you do?", talk.EVERYDAY[2][0]), ("What is 7 + 5?", "7 + 5 = 12.")):
        ask("sums" if "+" in q else "chat", [], q, a)
    with open(os.path.join(out, "questions.json"), "w") as f:
        json.dump(dict(note="Made by eval_draw.py --make-pack from the held-out side.  An answer is right when its words, "
                       "in lower case, without punctuation and without the filler words, are `content` in this order.",
                       filler=sorted(FILLER), filler_keeps_first=list(KEEP_FIRST), samples=samples), f, indent=1)
        f.write("\n")
    total = sum(os.path.getsize(os.path.join(out, x)) for x in os.listdir(out))
    print(len(samples), "samples,", total, "bytes")


def refilm(r, sc, events, n=40):
    """Frames of a film whose events are known, more of them than the model sees."""
    ev = events[0]
    rows = []
    across = ev.what == "move" and ev.arg in ("left", "right")
    reach = sc.w if across else sc.h
    s0 = ev.shape
    a, b = 0.12 * reach + s0.r, 0.88 * reach - s0.r
    if ev.what == "move" and ev.arg in ("left", "up"):
        a, b = b, a
    for f in range(n):
        q = f / (n - 1)
        frame = []
        for s in sc.shapes:
            x, y, rad, vis = s.x, s.y, s.r, 1.0
            if s is s0:
                if ev.what == "move":
                    x, y = (a + (b - a) * q, y) if across else (x, a + (b - a) * q)
                elif ev.what == "grow":
                    rad = s.r * (0.45 + 0.55 * q)
                else:
                    vis = float((q > 0.5) == (ev.what == "appear"))
            frame.append([scenes.SHAPES.index(s.kind), x, y, rad, s.turn, *s.rgb, 0, 0, 0, 0, vis])
        rows.append(frame)
    return rows


def smart_size(h, w, lo=batches.MIN_PIXELS, hi=batches.MAX_PIXELS, f=28):
    H, W = max(f, f * round(h / f)), max(f, f * round(w / f))
    if H * W > hi:
        b = (h * w / hi) ** 0.5
        H, W = max(f, f * int(h / b // f)), max(f, f * int(w / b // f))
    elif H * W < lo:
        b = (lo / (h * w)) ** 0.5
        H, W = f * -int(-(h * b) // f), f * -int(-(w * b) // f)
    return H, W


def run_pack(who):
    import torch
    from PIL import Image
    with open(os.path.join(HERE, "eval", "questions.json")) as f:
        pack = json.load(f)["samples"]
    right = n = 0
    for s in pack:
        files = s.get("images") or []
        if "video" in s:
            continue                              # films are decoded by the program under test
        row = Row(who.tok, 4000)
        pics, imgs = [], []
        for name in files:
            im = Image.open(os.path.join(HERE, "eval", name)).convert("RGB")
            H, W = smart_size(im.height, im.width)
            im = im.resize((W, H), Image.BICUBIC)
            a = torch.from_numpy(np.asarray(im, dtype=np.float32).copy()).permute(2, 0, 1)[None].to(who.device)
            imgs.append((a - who.painter.mean) * who.painter.inv)
            pics.append((H // 28, W // 28))
        row.turn("chat", s["question"], "", pics)
        row.answers = [(len(row.ids) - 1, len(row.ids), 0)]
        row = prompt_of(row)[0]
        img = torch.stack(imgs) if imgs else None
        got = who.answer([row], img, *(pics[0] if pics else (0, 0)), per_row=max(1, len(pics)))[0]
        ok = content(got, s["task"]) == s["content"]
        right += ok
        n += 1
        if not ok:
            print("%-12s %s -> %s (expected %s)" % (s["task"], s["question"][-70:], got, s["answer"]))
    print("pack: %d of %d" % (right, n))
    return dict(right=round(right / n, 4), n=n)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("checkpoint", nargs="?")
    a.add_argument("--out")
    a.add_argument("--n", type=int, default=4000)
    a.add_argument("--make-pack", action="store_true")
    a.add_argument("--pack", action="store_true")
    a.add_argument("--device", default="")
    args = a.parse_args()
    if args.make_pack:
        return make_pack()
    who = Answerer(args.checkpoint, args.device)
    result = {}
    if not args.pack or args.out:
        result = measure(who, args.n)
        for t, v in {**result["groups"], **result["tasks"]}.items():
            print("%-22s right %.3f  n %d" % (t, v["right"], v["n"]))
    if os.path.exists(os.path.join(HERE, "eval", "questions.json")):
        result["pack"] = run_pack(who)
    if args.out:
        with open(args.out, "w") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
