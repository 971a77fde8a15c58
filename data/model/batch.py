# SPDX-License-Identifier: GPL-3.0-or-later
"""From invented conversations to arrays; and the processes that keep making them.

A micro-batch holds rows of one length whose pictures have one size, about
`tokens` tokens together.  Nothing here needs torch: workers are forked before
the device is touched.
"""
import os
import random

import numpy as np
from tokenizers import Tokenizer

import exercises
import films
import scenes
import talk
import texts
from layout import GROUND_W, SHAPE_W, TEXT_W
from scenes import pick

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM = "You are a helpful assistant."
TASKS = ["copy64", "recall64", "colour", "shape", "count", "where", "exist", "place", "size", "relation", "describe",
         "background", "clutter", "word", "number", "letters", "text-colour", "pair-compare", "pair-change", "film-what",
         "film-move", "film-order", "film-count", "film-colour", "facts", "sums", "copy", "order", "chat", "kv", "prefix_suffix",
         "vt", "twofact", "mdqa", "icl", "mf", "digest", "chronicle", "mix_a", "reorder", "vniah", "mmniah", "small",
         "shapes", "filmorder", "prefix_suffix-step", "vt-step", "twofact-step", "ends", "both", "starts", "names"]
TASK_ID = {t: i for i, t in enumerate(TASKS)}
# Sizes of pictures in cells of 28 px; 4 and 8 and 12 are whole windows.
SMALL = [(4, 4)] * 6 + [(4, 8), (8, 4), (5, 5), (6, 6), (5, 7), (6, 5), (4, 6), (7, 5)]
MIDDLE = [(8, 8)] * 4 + [(6, 8), (8, 6), (7, 7), (7, 9), (9, 7), (6, 10), (10, 6), (8, 8), (5, 9), (9, 5)]
LARGE = [(12, 12)] * 2 + [(9, 12), (12, 9), (10, 10), (8, 12), (12, 8), (9, 16), (16, 9), (10, 13), (13, 10), (11, 11)]
MIN_PIXELS, MAX_PIXELS = 112 * 112, 336 * 336


class Tok:
    def __init__(self, path=os.path.join(HERE, "tokenizer.json")):
        self.t = Tokenizer.from_file(path)
        ids = {s: self.t.token_to_id(s) for s in ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>",
                                                  "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")}
        self.ids = ids
        self.cache = {}
        self.start, self.end = ids["<|im_start|>"], ids["<|im_end|>"]
        nl = self.enc("\n")
        self.user = [self.start] + self.enc("user\n")
        self.reply = [self.end] + nl + [self.start] + self.enc("assistant\n")
        self.close = [self.end]
        self.nl = nl
        self.system = [self.start] + self.enc("system\n" + SYSTEM) + [self.end] + nl
        self.n_plain = min(ids.values())

    def enc(self, s):
        v = self.cache.get(s)
        if v is None:
            v = self.t.encode(s, add_special_tokens=False).ids
            if len(s) < 90 and len(self.cache) < 400000:
                self.cache[s] = v
        return v


class Row:
    """One conversation being laid out: ids, M-RoPE places, picture places, what is learned."""

    def __init__(self, tok, length):
        self.tok, self.length = tok, length
        self.ids, self.pos3, self.index = [], [], []
        self.p = 0
        self.answers = []           # (start, end, task): tokens learned
        self.n_feat = 0

    def add(self, ids):
        p = self.p
        self.ids += ids
        self.pos3 += [(q, q, q) for q in range(p, p + len(ids))]
        self.index += [-1] * len(ids)
        self.p = p + len(ids)

    def picture(self, gh, gw, grids=1, step=0.0, film=False):
        """Vision tags and one pad a cell; step: temporal ids per grid (films)."""
        t = self.tok.ids
        self.add([t["<|vision_start|>"]])
        n = grids * gh * gw
        self.ids += [t["<|video_pad|>" if film else "<|image_pad|>"]] * n
        p = self.p
        for g in range(grids):
            tt = p + int(g * step)
            self.pos3 += [(tt, p + y, p + x) for y in range(gh) for x in range(gw)]
        self.index += list(range(self.n_feat, self.n_feat + n))
        self.n_feat += n
        self.p = p + max(gh, gw, int((grids - 1) * step) + 1)
        self.add([t["<|vision_end|>"]])

    def turn(self, task, q, a, pictures=(), after=False, first=False):
        """False when the turn does not fit.  pictures: arguments for picture()."""
        tok = self.tok
        qi, ai = tok.enc(q), tok.enc(a)
        need = len(qi) + len(ai) + 14 + sum(p[0] * p[1] * (p[2] if len(p) > 2 else 1) + 2 for p in pictures)
        if len(self.ids) + need > self.length:
            return False
        if self.ids and self.answers:
            self.add(tok.nl)
        self.add(tok.user)
        if after:
            self.add(qi)
        for p in pictures:
            self.picture(*p)
        if not after:
            self.add(qi)
        self.add(tok.reply)
        a0 = len(self.ids)
        self.add(ai)
        self.add(tok.close)
        self.answers.append((a0, len(self.ids), TASK_ID[task]))
        return True


def pack(tok, rows, length, stream):
    """Rows of at most `length` tokens as the arrays of a micro-batch."""
    b = len(rows)
    ids = np.full((b, length), tok.ids["<|endoftext|>"], np.int16)
    pos = np.zeros((3, b, length), np.int32)
    feats = rows[0].n_feat > 0
    index = np.full((b, length), -1, np.int16) if feats else None
    at, label, task, seg = [], [], [], []
    n_seg = 0
    for i, row in enumerate(rows):
        n = len(row.ids)
        ids[i, :n] = row.ids
        pos[:, i, :n] = np.array(row.pos3, np.int32).T
        if feats:
            index[i, :n] = row.index
        for a0, a1, t in row.answers:
            at.extend(range(i * length + a0 - 1, i * length + a1 - 1))
            label.extend(row.ids[a0:a1])
            task.extend([t] * (a1 - a0))
            seg.extend([n_seg] * (a1 - a0))
            n_seg += 1
    return finish(dict(stream=stream, tokens=ids, pos=pos, index=index), at, label, task, seg)


def finish(out, at, label, task, seg, doubling=0):
    """doubling: fewest places of an answer; more are twice that, four times, ... so that few sizes occur."""
    n = len(at)
    m = max(doubling, 1 << (n - 1).bit_length()) if doubling else (n + 1023) // 1024 * 1024
    out["at"] = np.zeros(m, np.int32)
    out["label"] = np.full(m, -100, np.int16)
    out["task"] = np.zeros(m, np.int8)
    out["seg"] = np.zeros(m, np.int32)
    out["at"][:n], out["label"][:n], out["task"][:n], out["seg"][:n] = at, label, task, seg
    out["n_answer"] = n
    return out


class Maker:
    def __init__(self, seed, tokens=32768, held=False, quick=False):
        self.r = random.Random(seed)
        self.np = np.random.default_rng(seed)
        self.tok = Tok()
        self.tokens, self.held, self.quick = tokens, held, quick

    @staticmethod
    def pack_pictures(pics):
        """pics: (ground, shape rows, text rows) each -> arrays"""
        n = len(pics)
        s = max(1, max(len(p[1]) for p in pics))
        k = max(len(p[2]) for p in pics)
        ground = np.zeros((n, GROUND_W), np.float32)
        shapes = np.zeros((n, s, SHAPE_W), np.float32)
        text = np.zeros((n, k, TEXT_W), np.float32)
        for i, (g, sh, tx) in enumerate(pics):
            ground[i] = g
            if sh:
                shapes[i, :len(sh)] = sh
            if tx:
                text[i, :len(tx)] = tx
        return dict(ground=ground, shapes=shapes, text=text, clouds=bool((ground[:, 0] == 2).any()),
                    blur=bool((ground[:, 11] > 0).any()))

    def pack(self, rows, length, stream):
        return pack(self.tok, rows, length, stream)

    def rows_for(self, length):
        return max(1, self.tokens // length)

    # -- streams

    def copy64(self, level):
        """Half copying, half key and value recall, 64 random tokens long; no Python per row."""
        g, b, n = self.np, self.rows_for(64), 64
        top = self.tok.n_plain
        ids = np.zeros((b, n), np.int64)
        half = b // 2
        x = g.integers(0, top, (half, 32))
        ids[:half, :32] = x
        ids[:half, 32:] = x
        keys = np.argsort(g.random((b - half, 512)), 1)[:, :12] + g.integers(0, top - 512, (b - half, 1))
        vals = g.integers(0, top, (b - half, 12))
        ids[half:, 0:24:2], ids[half:, 1:24:2] = keys, vals
        order = g.integers(0, 12, (b - half, 20))
        r = np.arange(b - half)[:, None]
        ids[half:, 24::2], ids[half:, 25::2] = keys[r, order], vals[r, order]
        mask = np.zeros((b, n), bool)
        mask[:half, 33:] = True
        mask[half:, 25::2] = True
        task = np.zeros((b, n), np.int8)
        task[half:] = 1
        rr, cc = np.nonzero(mask)
        pos = np.broadcast_to(np.arange(n, dtype=np.int16), (3, b, n)).copy()
        return finish(dict(stream="copy64", tokens=ids.astype(np.int16), pos=pos, index=None),
                           rr * n + cc - 1, ids[rr, cc], task[rr, cc], np.arange(len(rr)))

    def opening(self, row):
        if self.r.random() < 0.5:
            row.add(self.tok.system)

    def size(self, level):
        r = self.r
        k = r.random()
        if self.quick:
            return pick(r, SMALL[:4])
        if level < 0.15 or k < 0.50 - 0.12 * level:
            return pick(r, SMALL)
        if k < 0.86:
            return pick(r, MIDDLE)
        return pick(r, LARGE)

    def still(self, level):
        r = self.r
        gh, gw = self.size(level)
        length = (gh * gw + 190 + 31) // 32 * 32
        rows, pics = [], []
        for _ in range(self.rows_for(length)):
            k = r.random()
            what = "text" if k < 0.42 else "clutter" if k > 0.965 else "shapes"
            sc = scenes.make_scene(r, gw * 28, gh * 28, level, self.held, what)
            row = Row(self.tok, length)
            self.opening(row)
            if r.random() < 0.04:
                row.turn(*talk.everyday(r))
            said = set()
            pictures, misses = [(gh, gw)], 0
            while misses < 3:
                if r.random() < 0.02:
                    t, q, a = talk.everyday(r)
                else:
                    t, q, a = scenes.questions(r, sc)
                if (q in said) or not row.turn(t, talk.casual(r, q), a, pictures, r.random() < 0.08):
                    misses += 1
                    continue
                said.add(q)
                pictures = []
            if pictures:        # nothing fitted: a short question always does
                row = Row(self.tok, length)
                row.turn("count", "How many shapes are there?", scenes.counted(len(sc.shapes), "shape") + ".", [(gh, gw)])
            rows.append(row)
            pics.append((sc.ground, scenes.shape_rows(sc), [t[3] for t in sc.texts]))
        out = self.pack(rows, length, "still")
        out.update(self.pack_pictures(pics), gh=gh, gw=gw, per_row=1, frames=1)
        return out

    def pair(self, level):
        r = self.r
        gh, gw = pick(r, SMALL if r.random() < 0.7 or self.quick else MIDDLE)
        length = (2 * gh * gw + 200 + 31) // 32 * 32
        rows, pics = [], []
        for _ in range(self.rows_for(length)):
            while True:
                a = scenes.make_scene(r, gw * 28, gh * 28, level * 0.6, self.held, "text" if r.random() < 0.15 else "shapes")
                change, b = None, None
                k = r.random()
                if k < 0.35:
                    c = scenes.changed(r, a, self.held)
                    if c:
                        b, change = c
                elif k < 0.42:
                    b, change = a, ""
                if b is None:
                    b = scenes.make_scene(r, gw * 28, gh * 28, level * 0.6, self.held, "text" if r.random() < 0.15 else "shapes")
                row = Row(self.tok, length)
                self.opening(row)
                together = r.random() < 0.75
                pictures, misses, second = [(gh, gw)] * 2, 0, together
                if not together:
                    t, q, an = scenes.questions(r, a)
                    row.turn(t, talk.casual(r, q), an, [(gh, gw)])
                    pictures = [(gh, gw)]
                    if row.n_feat == 0:
                        continue
                while misses < 3:
                    if r.random() < 0.5 or (not second and r.random() < 0.4):
                        if pictures and not together:
                            t, q, an = scenes.questions(r, b)
                        else:
                            w = pick(r, ("first", "second"))
                            t, q, an = scenes.questions(r, a if w == "first" else b, w)
                            if t in ("letters",) or " picture" not in q:
                                misses += 0.2
                                continue
                    else:
                        x = scenes.pair_question(r, a, b, change)
                        if x is None:
                            misses += 1
                            continue
                        t, q, an = x
                    if row.turn(t, talk.casual(r, q), an, pictures):
                        pictures = []
                    else:
                        misses += 1
                if not pictures:
                    break
            rows.append(row)
            for sc in (a, b):
                pics.append((sc.ground, scenes.shape_rows(sc), [t[3] for t in sc.texts]))
        out = self.pack(rows, length, "pair")
        out.update(self.pack_pictures(pics), gh=gh, gw=gw, per_row=2, frames=1)
        return out

    def film(self, level):
        r = self.r
        if r.random() < 0.68 or self.quick:
            gh, gw = pick(r, ((4, 4), (4, 4), (4, 5), (5, 4), (5, 5), (4, 6), (6, 4), (6, 6)))
            grids = 2 + int(r.random() * (3 + 4.99 * level))
        else:
            gh, gw = pick(r, ((8, 8), (10, 12), (12, 10), (11, 11), (9, 14), (12, 12), (8, 8), (9, 15)))
            grids = 2 + int(r.random() * (1 + 3.99 * level))    # 128 cells a frame is Qwen2.5-VL's least for films
        step = pick(r, (2.0, 2.0, 2.0, 1.0, 4.0))
        # A picture asked about before: what is asked of the film then is not about both.  A grid shows it twice.
        before = 1 if r.random() < 0.2 else 0
        length = ((grids + before) * gh * gw + 130 + 70 * before + 31) // 32 * 32
        rows, ground, frames = [], [], []
        for _ in range(self.rows_for(length)):
            sc, events, fr = films.make_film(r, gw * 28, gh * 28, grids * 2, level, self.held)
            row = Row(self.tok, length)
            self.opening(row)
            grounds = [sc.ground] * (grids * 2)
            if before:
                still = scenes.make_scene(r, gw * 28, gh * 28, level * 0.6, self.held, "shapes")
                still.ground[0] = min(still.ground[0], 1)     # as films
                fr = [scenes.shape_rows(still)] * 2 + list(fr)
                grounds = [still.ground] * 2 + grounds
                pictures = [(gh, gw)]
                while pictures or (r.random() < 0.4 and len(row.ids) < gh * gw + 90):
                    t, q, a = scenes.questions(r, still)
                    if len(q) + len(a) < 160 and row.turn(t, talk.casual(r, q), a, pictures):
                        pictures = []
            pictures, misses = [(gh, gw, grids, step, True)], 0
            while misses < 3:
                t, q, a = films.film_questions(r, sc, events)
                if row.turn(t, talk.casual(r, q), a, pictures):
                    pictures = []
                else:
                    misses += 1
            if pictures:
                raise RuntimeError("no room for a question")
            rows.append(row)
            ground += grounds
            frames.append(fr)
        out = self.pack(rows, length, "film")
        f = (grids + before) * 2
        s = max(len(shown) for x in frames for shown in x)
        shapes = np.zeros((len(rows), f, s, SHAPE_W), np.float32)
        for i, x in enumerate(frames):
            for j, shown in enumerate(x):
                if len(shown):
                    shapes[i, j, :len(shown)] = shown
        ground = np.array(ground, np.float32)
        out.update(ground=ground, shapes=shapes.reshape(-1, s, SHAPE_W), text=np.zeros((len(rows) * f, 0, TEXT_W), np.float32),
                   clouds=bool((ground[:, 0] == 2).any()), blur=bool((ground[:, 11] > 0).any()), gh=gh, gw=gw,
                   per_row=grids + before, frames=2)
        return out

    def text(self, level):
        r = self.r
        k = r.random()
        if level < 0.2:
            length = pick(r, (128, 128, 192))
        else:
            length = 192 if k < 0.35 else 384 if k < 0.65 else 768 if k < 0.85 or level < 0.5 else 1536 if k < 0.95 else 3072
        if self.quick:
            length = min(length, 192)
        rows = []
        for _ in range(self.rows_for(length)):
            row = Row(self.tok, length)
            self.opening(row)
            misses = 0
            while misses < 2:
                k = r.random()
                if k < 0.5:
                    room = length - len(row.ids)
                    most = max(1, int((room - 30) / 14))
                    if length >= 768 and not row.answers:
                        n = max(3, int(most * (0.3 + 0.5 * r.random())))
                    else:
                        n = min(most, 1 + int(r.random() * (3 + 17 * level)))
                    f = texts.Facts(r, n, self.held)
                    qs = f.questions()
                    if not qs:
                        continue
                    t, q, a = qs[0]
                    body = f.text()
                    m = r.random()
                    q2 = body + (" " if m < 0.4 else "\n") + q if m < 0.8 else q + "\n" + body
                    if m > 0.95:
                        ok = row.turn("chat", body, "All right. What would you like to ask?")
                        if ok:
                            ok = row.turn(t, q, a)
                    else:
                        ok = row.turn(t, q2, a)
                    if not ok:
                        misses += 1
                        continue
                    for t, q, a in qs[1:1 + int(r.random() * (4 if length < 768 else 30))]:
                        if not row.turn(t, talk.casual(r, q), a):
                            break
                elif k < 0.72:
                    misses += not row.turn(*exercises.exercise(r, self.held))
                elif k < 0.96 or row.answers:
                    misses += not row.turn(*talk.everyday(r, not row.answers))
                else:
                    t, q, a = talk.no_picture(r)
                    misses += not row.turn(t, talk.casual(r, q), a)
            if not row.answers:
                row.turn("chat", "Hi", talk.EVERYDAY[6][0])
            rows.append(row)
        return self.pack(rows, length, "text")

    def chat(self, level):
        """Many short rows: the first turn is what people type first."""
        r, rows = self.r, []
        length = pick(r, (128, 128, 256))
        for _ in range(self.rows_for(length)):
            row = Row(self.tok, length)
            self.opening(row)
            k = r.random()
            t, q, a = talk.everyday(r, True) if k < 0.6 else talk.no_picture(r) if k < 0.75 else exercises.exercise(r, self.held)
            misses = 0
            if k > 0.9:
                for t, q, a in talk.small_talk(r, self.held):
                    row.turn(t, talk.casual(r, q), a)
            else:
                row.turn(t, talk.casual(r, q), a)
            while misses < 2:
                misses += not row.turn(*(talk.everyday(r) if r.random() < 0.7 else exercises.exercise(r, self.held)))
            rows.append(row)
        return self.pack(rows, length, "chat")

    def draw_stream(self, progress):
        """Which stream comes next, at this part of the whole run (0..1)."""
        if progress < 0.12:
            w = dict(copy64=0.18, still=0.56, pair=0.03, film=0.08, text=0.11, chat=0.04)
        elif progress < 0.3:
            w = dict(copy64=0.08, still=0.55, pair=0.06, film=0.11, text=0.15, chat=0.05)
        else:
            w = dict(copy64=0.01, still=0.50, pair=0.09, film=0.12, text=0.18, chat=0.10)
        k = self.r.random()
        for name, p in w.items():
            k -= p
            if k < 0:
                return name
        return "still"

    def next(self, progress):
        level = min(1.0, 0.08 + progress / 0.30)
        return getattr(self, self.draw_stream(progress))(level)


def fill(queue, make):
    """Puts what make() gives into the queue until the parent goes away."""
    import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["RAYON_NUM_THREADS"] = "1"
    parent = os.getppid()
    while os.getppid() == parent:
        out = make()
        while True:
            try:
                queue.put(out, timeout=5)
                break
            except Exception:
                if os.getppid() != parent:
                    return


def worker(seed, tokens, quick, progress, queue):
    m = Maker(seed, tokens, False, quick)
    fill(queue, lambda: m.next(progress.value))
