# SPDX-License-Identifier: GPL-3.0-or-later
"""Long rows: the evaluation's tasks at a given length, many questions to a context.

All processes of a run take micro-batch k at the same length (length_of), so that none waits for another
that drew a longer one.  A third of the rows have gaps in their positions, up to the far end of the
context the model is meant for: a short row then practises distances of a long one (after PoSE,
arXiv 2309.10400).
"""
import random

import numpy as np

import drills
import generators
import batch as batches
from batch import TASK_ID, Row, Tok

LENGTHS = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144]
DEAR = 6
FARTHEST = 262144
# task: (share, first guess of tokens a unit, tokens a question with its answer, most questions)
TASKS = {
    "kv": (0.12, 75, 90, 48), "prefix_suffix": (0.30, 25, 65, 48), "vt": (0.16, 26, 55, 24),
    "twofact": (0.16, 18, 60, 48), "mdqa": (0.06, 80, 40, 24), "icl": (0.04, 40, 45, 24),
    "mf": (0.02, 5, 30, 5), "digest": (0.02, 300, 160, 8), "chronicle": (0.04, 24, 40, 24),
    "mix_a": (0.02, 300, 120, 8), "reorder": (0.03, 30, 60, 12),
}
# Of the few rows from FAR on, with more questions each.
FAR = 131072
FAR_TASKS = {"kv": 0.4, "prefix_suffix": 0.24, "vt": 0.2, "twofact": 0.16}
FAR_QUESTIONS = 64
# Variant "step" of a task asks for one of its steps alone, which is what the whole is learned from: with
# the whole alone two of these three stayed at what guessing gives (LOG.md).
STEPS = ("prefix_suffix", "vt", "twofact")
VISUAL = {"vniah": 0.2, "mmniah": 0.05, "filmorder": 0.08, "word": 0.36, "shapes": 0.05, "count": 0.22, "small": 0.04}
ONES = 0.2              # of count's questions whose answer is 1, which two of three are; that many are kept
FRAMES_MOST = 256
DRILLS = {"ends": 0.2, "both": 0.5, "starts": 0.05, "names": 0.25}
DRILL_MOST = 8192       # tokens of a row of drills

CORE = ("kv", "prefix_suffix", "vt")     # what decides whether rows get longer


def length_of(k, top):
    """Length of micro-batch k when the curriculum has reached LENGTHS[top]: the same everywhere."""
    r = random.Random(k * 7919 + 17)
    x = r.random()
    if top > DEAR:              # the longest rows cost many times what the others do
        if x < 0.03:
            return top
        if x < 0.06:
            return max(top - 1, DEAR + 1)
        if x < 0.12:
            return DEAR + 1
        top, x = DEAR, (x - 0.12) / 0.88
    if x < 0.35 or top == 0:
        return top
    if x < 0.55:
        return top - 1
    return int(r.random() * top)


class Maker:
    """drill: the share of drills (drills.py) among short rows; drills: of each of them; stage: how hard they are."""

    def __init__(self, seed, tokens=32768, drill=0.0, drills=DRILLS):
        self.r = random.Random(seed)
        self.tok = Tok()
        self.tokens = tokens
        self.drill, self.drills, self.stage = drill, drills, 0
        self.cost = {t: [v[1], v[2]] for t, v in TASKS.items()}
        have = generators.tasks()
        self.names = [t for t in TASKS if t in have]
        self.shares = [TASKS[t][0] for t in self.names]

    def seed(self):
        return self.r.getrandbits(63)

    def text_row(self, task, length):
        """(ids, answers) of at most length tokens; answers as in batch.Row."""
        r, tok = self.r, self.tok
        per_unit, per_turn = self.cost[task]
        most = FAR_QUESTIONS if length >= FAR else TASKS[task][3]
        want = max(1, min(most, int(length * (0.15 + 0.5 * r.random()) / per_turn)))
        units = max(2, int((length - want * per_turn - 30) * 0.97 / per_unit))
        hard = int(task in ("kv", "twofact") and r.random() < 0.25)
        variant = "repeat" if task == "vt" and r.random() < 0.1 else None
        step = task in STEPS and r.random() < (0.3 if length <= 4096 else 0.2)
        if step:
            variant = "step"
        elif task == "prefix_suffix":
            variant = "short" if r.random() < 0.25 else None
            want = max(1, min(want, units // 9))        # room for decoys: with few of them guessing pays
        for _ in range(6):
            try:
                s = generators.text_sample(task, units, want, self.seed(), hard, variant)
            except ValueError:
                want = max(1, want // 2)        # more questions than units have room for
                units += 1
                continue
            text = s["context"]
            if not isinstance(text, str):
                text = "".join(p for p in text)
            turns = s["multi_turns"]
            ids = list(tok.system) if r.random() < 0.3 else []
            answers = []
            for i, t in enumerate(turns):
                q = t["input"] if i else text + "\n\n" + t["input"]
                qi, ai = (tok.t.encode(x, add_special_tokens=False).ids for x in (q, t["reply"]))
                if len(ids) + len(qi) + len(ai) + 16 > length:
                    break
                if i:
                    ids += tok.nl
                ids += tok.user + qi + tok.reply
                a0 = len(ids)
                ids += ai + tok.close
                answers.append((a0, len(ids), TASK_ID[task + "-step" if step else task]))
                if i == 0:
                    context = len(qi)
                elif i == 1:
                    per_turn = 0.9 * per_turn + 0.1 * (len(ids) - a0 + len(qi) + 8)
            if answers:
                self.cost[task] = [0.9 * self.cost[task][0] + 0.1 * context / units, per_turn]
                return ids, answers
            units = max(2, int(units * 0.85))
            want = max(1, int(want * 0.85))
        return None

    def positions(self, n, length):
        r = self.r
        pos = np.arange(length, dtype=np.int32)
        if r.random() < 0.33:
            extra = int((FARTHEST - length) * 2.0 ** (-7 * r.random()))
            cuts = sorted(int(r.random() * n) for _ in range(1 + int(r.random() * 4)))
            parts = sorted(r.random() for _ in range(len(cuts) - 1))
            sizes = np.diff([0.0] + parts + [1.0]) * extra
            for at, size in zip(cuts, sizes):
                pos[at:] += int(size)
        return pos

    def text(self, level):
        """A micro-batch of text rows at LENGTHS[level]."""
        length = LENGTHS[level]
        n = max(1, self.tokens // length)
        ids = np.full((n, length), self.tok.ids["<|endoftext|>"], np.int16)
        pos = np.zeros((n, length), np.int32)
        at, label, kind, seg = [], [], [], []
        for i in range(n):
            row = None
            while row is None:
                if length <= DRILL_MOST and self.r.random() < self.drill:
                    task = self.r.choices(list(self.drills), self.drills.values())[0]
                    row = drills.row(self.r, self.tok, task, length, self.stage, TASK_ID[task])
                else:
                    shares = (FAR_TASKS.keys(), FAR_TASKS.values()) if length >= FAR else (self.names, self.shares)
                    task = self.r.choices(*map(list, shares))[0]
                    row = self.text_row(task, length)
            ids[i, :len(row[0])] = row[0]
            pos[i] = self.positions(len(row[0]), length)
            for a0, a1, t in row[1]:
                at.extend(range(i * length + a0 - 1, i * length + a1 - 1))
                label.extend(row[0][a0:a1])
                kind.extend([t] * (a1 - a0))
                seg.extend([seg[-1] + 1 if seg else 0] * (a1 - a0))
        return batches.finish(dict(stream="long", level=level, tokens=ids, pos=pos, index=None), at, label, kind, seg,
                              doubling=8192)


    def visual_row(self, task, frames, length):
        """A batch.Row and its scenes, or None when a picture of another size or too many tokens came out."""
        r, tok = self.r, self.tok
        turns = 1 + int(r.random() * min(12, max(2, frames // (2 if frames <= 16 else 3)))) if frames else 1 + int(r.random() * 6)
        if task == "count":
            turns += 4
        cells = "%dx%d" % self.cells
        units = frames or self.cells[0] * self.cells[1]
        hard = int(r.random() < 0.3)
        for _ in range(4):
            try:
                s, ground, shapes, texts, w, h = generators.visual_sample(task, units, turns, self.seed(), hard, cells)
                break
            except ValueError:
                turns = max(1, turns // 2)
        else:
            return None
        row = Row(tok, length)
        if r.random() < 0.3:
            row.add(tok.system)
        row.add(tok.user)
        gw, gh = w // 28, h // 28
        parts = s.get("parts") or [dict(kind="text", text=s["context"])]
        text = ""
        for p in parts:
            if p["kind"] == "text":
                text += p["text"]
                continue
            if text:
                row.add(tok.t.encode(text, add_special_tokens=False).ids)
                text = ""
            if p["kind"] == "film":
                row.picture(gh, gw, p["count"] // 2, 4.0 / p["fps"], True)
            else:
                row.picture(gh, gw)
        asked = s["multi_turns"]
        if task == "count":
            asked = [t for t in asked if t["answer"] != 1 or r.random() < ONES]
        for i, t in enumerate(asked):
            q = t["input"] if i else text + ("\n\n" if text else "") + t["input"]
            qi, ai = (tok.t.encode(x, add_special_tokens=False).ids for x in (q, t["reply"]))
            if len(row.ids) + len(qi) + len(ai) + 16 > length:
                break
            if i:
                row.add(tok.nl + tok.user)
            row.add(qi)
            row.add(tok.reply)
            a0 = len(row.ids)
            row.add(ai + tok.close)
            row.answers.append((a0, len(row.ids), TASK_ID[task]))
        if not row.answers:
            return None
        return row, ground, shapes, texts, w, h

    def visual(self, level):
        """A micro-batch of rows about pictures or films of one size."""
        r = self.r
        length = min(LENGTHS[level], 9216)
        while True:
            task = r.choices(list(VISUAL), VISUAL.values())[0]
            film = task in ("vniah", "mmniah", "filmorder")
            if film:
                self.cells = (8, 8) if length >= 2048 or r.random() < 0.3 else (4, 4) if r.random() < 0.5 else (5, 6)
                a_pair = self.cells[0] * self.cells[1]
                most = min(FRAMES_MOST, int((length - 260) / a_pair / (1.4 if task == "mmniah" else 1.0)) * 2)
                if task == "filmorder":
                    most = min(most, 64)
                if task != "filmorder" and r.random() < 0.4:    # a few frames, most of them asked about
                    most = min(most, 16)
                frames = max(4, int(most * (1 - 0.7 * r.random() ** 2)) // 2 * 2)
                need = min(length, int(frames / 2 * a_pair * (1.45 if task == "mmniah" else 1.0)) + 700)
            else:
                self.cells = batches.pick(r, batches.SMALL + batches.MIDDLE + batches.LARGE)
                frames, need = 0, self.cells[0] * self.cells[1] + 250
            need = (need + 31) // 32 * 32
            rows = []
            for _ in range(max(1, self.tokens // need)):
                x = self.visual_row(task, frames, need)
                if x and (not rows or (x[1].shape[0] == rows[0][1].shape[0] and x[4:] == rows[0][4:])):
                    rows.append(x)
            if rows:
                break
        out = batches.pack(self.tok, [x[0] for x in rows], need, "visual")
        n, k = (max(x[i].shape[1] for x in rows) for i in (2, 3))
        ground = np.concatenate([x[1] for x in rows])
        shapes = np.concatenate([np.pad(x[2], ((0, 0), (0, n - x[2].shape[1]), (0, 0))) for x in rows])
        texts = np.concatenate([np.pad(x[3], ((0, 0), (0, k - x[3].shape[1]), (0, 0))) for x in rows])
        pictures = rows[0][1].shape[0]
        out.update(ground=ground, shapes=shapes, text=texts, clouds=False, blur=False, gh=rows[0][5] // 28,
                   gw=rows[0][4] // 28, per_row=pictures // 2 if film else pictures, frames=2 if film else 1, level=level)
        return out


def text_worker(seed, tokens, drill, drills, first, step, top, stage, queue):
    """Makes text micro-batches first, first + step, ..."""
    m = Maker(seed, tokens, drill, drills)
    k = [first]

    def make():
        m.stage = stage.value
        k[0] += step
        return m.text(length_of(k[0] - step, top.value))
    batches.fill(queue, make)


def visual_worker(seed, tokens, top, queue):
    m = Maker(seed, tokens)
    batches.fill(queue, lambda: m.visual(length_of(m.r.getrandbits(40), top.value)))
