# SPDX-License-Identifier: GPL-3.0-or-later
"""Invented pictures and what can be asked about them.

A scene is what is drawn (numbers for draw.py) together with what is true of it;
the questions read the truth, never the pixels.  Each kind of question has many
phrasings and one form of answer, so that learning goes into looking, not into
guessing which way the answer will be put.
"""
import math

from layout import TEXT_MAX
from words import COLOURS, PLACES, PLURAL, PURE, SHAPES, held_out, number, word

COLOUR_NAMES = list(COLOURS)
CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
CHAR_ID = {c: i for i, c in enumerate(CHARS)}
N_FONTS = 16


def pick(r, seq):
    return seq[int(r.random() * len(seq))]


def uni(r, a, b):
    return a + (b - a) * r.random()


def colour_rgb(r, name):
    if r.random() < 0.4:
        return pick(r, PURE[name])
    c, j = COLOURS[name]
    return tuple(min(255.0, max(0.0, c[i] + uni(r, -j[i], j[i]))) for i in range(3))


def far(a, b, least=88.0):
    return math.sqrt(0.9 * (a[0] - b[0]) ** 2 + 1.2 * (a[1] - b[1]) ** 2 + 0.9 * (a[2] - b[2]) ** 2) > least


def article(noun):
    return ("an " if noun[0] in "aeio" else "a ") + noun


def listing(items):
    if len(items) == 1:
        return items[0]
    return ", ".join(items[:-1]) + " and " + items[-1]


class Shape:
    __slots__ = ("kind", "colour", "rgb", "x", "y", "r", "turn", "name")

    def noun(self):
        return self.colour + " " + self.kind


class Scene:
    """w, h; ground row; shapes; texts [(string, row)]; ground_name or None; clutter colours or None"""
    __slots__ = ("w", "h", "ground", "ground_name", "shapes", "texts", "border", "clutter", "extra")

    def place(self, s):
        cx, cy = s.x / self.w * 3, s.y / self.h * 3
        clear = min(abs(cx - 1), abs(cx - 2), abs(cy - 1), abs(cy - 2)) > 0.09
        return PLACES[min(2, int(cy))][min(2, int(cx))], clear

    def key(self):
        return "|".join(sorted(s.noun() for s in self.shapes))


def make_ground(r, sc, plain=False):
    k = r.random()
    softness = uni(r, 0.6, 1.6) if r.random() < 0.8 else uni(r, 0.15, 3.0)
    noise = 0.0 if r.random() < 0.6 else uni(r, 0, 14)
    sc.ground_name = None
    if k < 0.45 or plain:
        name = "white"
        c = (255, 255, 255) if r.random() < 0.6 else (uni(r, 238, 255),) * 3
        sc.ground_name = name
        kind, c1, c2 = 0, c, c
    elif k < 0.80:
        name = pick(r, COLOUR_NAMES)
        c = colour_rgb(r, name)
        sc.ground_name = name
        kind, c1, c2 = 0, c, c
    else:
        c1 = tuple(uni(r, 120, 255) for _ in range(3))
        c2 = tuple(min(255, max(0, v + uni(r, -60, 60))) for v in c1)
        kind = 1 if k < 0.92 else 2
    sc.ground = [kind, *c1, *c2, uni(r, 0, 6.283), noise, softness, 0.0, 0.0]
    return c1, c2


def make_turn(r, kind):
    t = uni(r, -0.2, 0.2) if r.random() < 0.5 else 0.0
    if kind == "rectangle" and r.random() < 0.5:
        t += math.pi / 2
    elif kind == "triangle" and r.random() < 0.15:
        t += math.pi
    elif kind == "moon" and r.random() < 0.5:
        t += math.pi
    return t


def put_shapes(r, sc, n, c1, c2, few_kinds):
    w, h = sc.w, sc.h
    side = min(w, h)
    biggest = min(0.36 * side, 0.42 * math.sqrt(w * h / n))
    least = max(9.0, 0.055 * side)
    kinds = SHAPES if not few_kinds else [pick(r, SHAPES) for _ in range(2)]
    cols = [c for c in COLOUR_NAMES if c != sc.ground_name]
    if few_kinds and r.random() < 0.6:
        cols = [pick(r, cols) for _ in range(3)]
    for _ in range(n):
        for _try in range(30):
            s = Shape()
            s.r = uni(r, least, max(least + 1, biggest))
            s.x, s.y = uni(r, s.r + 1, w - s.r - 1), uni(r, s.r + 1, h - s.r - 1)
            if any((s.x - o.x) ** 2 + (s.y - o.y) ** 2 < ((s.r + o.r) * 1.03 + 2) ** 2 for o in sc.shapes):
                continue
            s.kind, s.colour = pick(r, kinds), pick(r, cols)
            if r.random() < 0.5 and not sc.place(s)[1]:
                continue
            s.rgb = colour_rgb(r, s.colour)
            if not (far(s.rgb, c1) and far(s.rgb, c2)):
                continue
            s.turn = make_turn(r, s.kind)
            s.name = None
            sc.shapes.append(s)
            break
    sc.shapes.sort(key=lambda s: (int(s.y / h * 3), s.x))


def put_text(r, sc, string, c1, c2):
    w, h = sc.w, sc.h
    font = int(r.random() * N_FONTS)
    n = len(string)
    for _try in range(30):
        em = uni(r, 15, 44) if r.random() < 0.9 else uni(r, 13, 70)
        scale = em / 28.0
        width = n * 21.5 * scale       # a wide letter's advance; the drawn width is less
        if width + 6 > w:
            em = max(12.0, (w - 8) / (n * 21.5) * 28)
            scale, width = em / 28.0, n * 21.5 * em / 28
        tall = 34 * scale
        if tall + 4 > h:
            continue
        x, y = uni(r, 2, max(3, w - width - 2)), uni(r, 1, max(2, h - tall - 2))
        box = (x - 2, y, x + width, y + tall)
        if any(s.x + s.r > box[0] and s.x - s.r < box[2] and s.y + s.r > box[1] and s.y - s.r < box[3]
               for s in sc.shapes):
            continue
        if any(b[0] < box[2] and b[2] > box[0] and b[1] < box[3] and b[3] > box[1] for _, _, b, _ in sc.texts):
            continue
        for _c in range(12):
            colour = "black" if r.random() < 0.4 else pick(r, COLOUR_NAMES)
            rgb = colour_rgb(r, colour)
            if colour != sc.ground_name and far(rgb, c1, 120) and far(rgb, c2, 120):
                break
        else:
            return False
        turn = 0.0 if r.random() < 0.7 else uni(r, -0.06, 0.06)
        row = [x, y, scale, turn, *rgb, font, n] + [CHAR_ID[c] for c in string] + [0] * (TEXT_MAX - n)
        sc.texts.append((string, colour, box, row))
        return True
    return False


def style(r, s):
    k = r.random()
    if k < 0.3:
        return s.upper()
    if k < 0.6:
        return s.capitalize()
    return s


def make_scene(r, w, h, level, held, what):
    """what: shapes, text, clutter.  level 0..1: how crowded.  held: the asked side of the division."""
    for attempt in range(200):
        sc = Scene()
        sc.w, sc.h, sc.shapes, sc.texts, sc.clutter, sc.border = w, h, [], [], None, None
        sc.extra = None
        if what == "clutter":
            return make_clutter(r, sc)
        c1, c2 = make_ground(r, sc, plain=r.random() < 0.2 * (1 - level))
        if r.random() < 0.12:
            sc.border = (uni(r, 1, 3.5), *((0, 0, 0) if r.random() < 0.7 else [uni(r, 0, 255) for _ in range(3)]))
        if what == "text":
            k = r.random()
            texts = 1 if k < 0.75 or level < 0.3 else 2
            n = 0 if r.random() < 0.6 else 1 + int(r.random() * 2)
            for _ in range(texts):
                s = number(r, held) if r.random() < 0.25 else style(r, word(r, held))
                put_text(r, sc, s, c1, c2)
            if not sc.texts:
                continue
            if n:
                put_some(r, sc, n, c1, c2)
            return sc
        top = 1 + int(level * 8.999)
        n = 1 + int(r.random() ** 1.3 * top)
        put_shapes(r, sc, n, c1, c2, r.random() < 0.35)
        if not sc.shapes:
            if r.random() < 0.5 and not held:
                return sc
            continue
        if held_out(sc.key()) != held:
            continue
        if level > 0.4 and r.random() < 0.08:
            put_text(r, sc, style(r, word(r, held)), c1, c2)
        return sc
    return sc


def put_some(r, sc, n, c1, c2):
    """Small shapes beside a text that is already there."""
    for _ in range(n):
        for _try in range(20):
            s = Shape()
            s.r = uni(r, 9, max(10, 0.16 * min(sc.w, sc.h)))
            s.x, s.y = uni(r, s.r + 1, sc.w - s.r - 1), uni(r, s.r + 1, sc.h - s.r - 1)
            if any(s.x + s.r > b[0] and s.x - s.r < b[2] and s.y + s.r > b[1] and s.y - s.r < b[3]
                   for _, _, b, _ in sc.texts):
                continue
            if any((s.x - o.x) ** 2 + (s.y - o.y) ** 2 < ((s.r + o.r) * 1.03 + 2) ** 2 for o in sc.shapes):
                continue
            s.kind, s.colour = pick(r, SHAPES), pick(r, COLOUR_NAMES)
            s.rgb = colour_rgb(r, s.colour)
            if s.colour == sc.ground_name or not (far(s.rgb, c1) and far(s.rgb, c2)):
                continue
            s.turn, s.name = make_turn(r, s.kind), None
            sc.shapes.append(s)
            break
    sc.shapes.sort(key=lambda s: (int(s.y / sc.h * 3), s.x))


def make_clutter(r, sc):
    """Something that is not of the model's kind: clouds of colour, blurred heaps."""
    a = pick(r, COLOUR_NAMES)
    b = pick(r, [c for c in COLOUR_NAMES if c != a])
    c1, c2 = colour_rgb(r, a), colour_rgb(r, b)
    sc.clutter, sc.ground_name = (a, b), None
    sc.ground = [2, *c1, *c2, uni(r, 0, 6.28), uni(r, 4, 28), 1.0, 0.0, uni(r, 0, 1) if r.random() < 0.6 else 0.0]
    sc.extra = []
    if r.random() < 0.7:                    # soft heaps in shades of the same two colours
        for _ in range(3 + int(r.random() * 7)):
            k = r.random() * r.random()
            base, other = (c1, c2) if r.random() < 0.5 else (c2, c1)
            rgb = [min(255, max(0, base[i] * (1 - 0.4 * k) + other[i] * 0.4 * k + uni(r, -25, 25))) for i in range(3)]
            sc.extra.append([int(pick(r, (0, 1, 2, 9, 1))), uni(r, 0, sc.w), uni(r, 0, sc.h),
                             uni(r, 0.05, 0.5) * min(sc.w, sc.h), uni(r, 0, 6.28), *rgb, 0, 0, 0, 0, uni(r, 0.2, 0.7)])
        sc.ground[9] = uni(r, 6, 30)
    return sc


def shape_rows(sc):
    rows = []
    for s in sc.shapes:
        b = sc.border
        rows.append([SHAPES.index(s.kind), s.x, s.y, s.r, s.turn, *s.rgb,
                     *((b[0], *b[1:4]) if b else (0, 0, 0, 0)), 1.0])
    if sc.extra:
        rows += sc.extra
    return rows


# --- questions ----------------------------------------------------------------

def groups(sc):
    by_kind, by_colour, by_noun = {}, {}, {}
    for s in sc.shapes:
        by_kind.setdefault(s.kind, []).append(s)
        by_colour.setdefault(s.colour, []).append(s)
        by_noun.setdefault(s.noun(), []).append(s)
    return by_kind, by_colour, by_noun


def counted(n, noun):
    """A phrase with its verb: there is 1 circle, there are 3 circles."""
    kind = noun.split()[-1]
    many = noun[:len(noun) - len(kind)] + (PLURAL.get(kind) or kind + "s")
    if n == 0:
        return "There are no " + many
    return "There is 1 " + noun if n == 1 else "There are %d %s" % (n, many)


def describe(sc, pic):
    parts = [article(s.noun()) + " " + sc.place(s)[0] for s in sc.shapes]
    words = ['the %s "%s"' % ("number" if t[0].isdigit() else "word", t[0]) for t in sc.texts]
    if not parts and not words:
        return "%s shows nothing but the background." % pic
    if not parts:
        return "%s shows %s." % (pic, listing(words))
    if len(parts) > 4:
        head = "%s shows %d shapes: " % (pic, len(parts))
    else:
        head = "%s shows " % pic
    return head + listing(parts + words) + "."


def side_of(a, b):
    """Where a is, seen from b, when one direction clearly wins."""
    dx, dy = a.x - b.x, a.y - b.y
    if abs(dx) > 1.6 * abs(dy):
        return "left of" if dx < 0 else "right of"
    if abs(dy) > 1.6 * abs(dx):
        return "above" if dy < 0 else "below"
    return None


OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
# {i} may be nothing: with a picture beside it, "What do you see?" is what people ask first.
WHATQ = ["What is in {p}?", "What do you see{i}?", "What do you see{i}?", "What do you see{i}?", "Describe {p}.",
         "What does {p} show?", "What can you see{i}?", "What can you see{i}?", "Tell me what is in {p}.", "What is this?",
         "Which shapes are where{i}?", "Please describe {p}.", "Describe what you see{i}.", "What is on {p}?", "What's in {p}?",
         "Can you describe {p}?", "What's this?", "Describe it.", "What is shown{i}?", "What do we see{i}?",
         "Tell me what you see{i}."]


def unusual(sc):
    return ("I only know simple drawn shapes and words, and this does not look like them. "
            "The main colours are %s and %s." % sc.clutter)


def questions(r, sc, which=None):
    """An endless draw of (task, question, answer).  which: None, or "first" / "second" picture."""
    if which:
        i, p = " in the %s picture" % which, "the %s picture" % which
        P = "The %s picture" % which
        tail = i
    else:
        p, P = pick(r, ("this picture", "the picture", "this image", "the image", "this drawing")), "The picture"
        i = " in " + p if r.random() < 0.5 else ""
        tail = pick(r, ("", "", " in the picture", " in this picture", " here", " in the image"))
    by_kind, by_colour, by_noun = groups(sc)
    unique = [v[0] for v in by_noun.values() if len(v) == 1]
    clear = [s for s in unique if sc.place(s)[1]]
    if sc.clutter:
        q = pick(r, WHATQ + ["Who is this?", "Where was this taken?", "What animal is this?", "What is this a photo of?",
                             "How many people are there?", "Is there a dog in {p}?", "What kind of place is this?"])
        if r.random() < 0.25:
            return ("clutter", pick(r, ("What are the main colours{t}?", "What colours are{t}?", "Which colours do you see{t}?",
                                        "What colors do you see{t}?")).format(t=tail).replace("are?", "are there?"),
                    "The main colours are %s and %s." % sc.clutter)
        return "clutter", q.format(p=p, i=i), unusual(sc)
    shapes, texts = sc.shapes, sc.texts
    for _ in range(60):
        k = r.random()
        if texts and r.random() < 0.75:
            if len(texts) == 1:
                s, colour, box, _row = texts[0]
                num = s.isdigit()
                if k < 0.62:
                    q = pick(r, ("What does it say{t}?", "What does {p} say?", "Read the text{t}.", "What is written{t}?",
                                 "Which word is written{t}?", "What word do you see{t}?", "Read it.", "What text is{t}?",
                                 "Can you read this?", "What is the word{t}?", "Read the word{t}.")
                             if not num or r.random() < 0.5 else
                             ("What number is{t}?", "Which number is written{t}?", "Read the number{t}.",
                              "What number do you see{t}?", "What is the number{t}?"))
                    q = q.format(t=tail, p=p)
                    q = q.replace(" is?", " is it?") if q.endswith(" is?") else q
                    return ("number" if num else "word"), q, 'It says "%s".' % s
                if k < 0.74:
                    q = pick(r, ("What colour is the {n}{t}?", "What color is the {n}{t}?", "Which colour does the {n} have{t}?",
                                 "What colour is the text{t}?")).format(n="number" if num else "word", t=tail)
                    return "text-colour", q, "The %s is %s." % ("number" if num or False else "word", colour)
                if k < 0.82:
                    if num:
                        return "letters", "How many digits does the number have?", "The number has %d digit%s." % (
                            len(s), "" if len(s) == 1 else "s")
                    return "letters", pick(r, ("How many letters does the word have?", "How many letters are in the word?",
                                               "How long is the word?")), "The word has %d letters." % len(s)
                if k < 0.94 and not num:
                    at = pick(r, ((0, "first"), (len(s) - 1, "last"), (1, "second")))
                    return "letters", pick(r, ("What is the {o} letter?", "Which letter is the {o} one?",
                                               "What is the {o} letter of the word?")).format(o=at[1]), \
                        'The %s letter is "%s".' % (at[1], s[at[0]])
                if not shapes:
                    return "exist", pick(r, ("Are there any shapes{t}?", "Is there a shape{t}?")).format(t=tail), "No, there are no shapes."
            else:
                a, b = texts[0], texts[1]
                if k < 0.3:
                    up = min((a, b), key=lambda t: t[2][1])
                    order = [up, b if up is a else a]
                    if abs(a[2][1] - b[2][1]) > 12:
                        return "word", pick(r, ("What does it say{t}?", "What does {p} say?", "Read the text{t}.",
                                                "What is written{t}?")).format(t=tail, p=p), \
                            'It says "%s" and "%s".' % (order[0][0], order[1][0])
                elif k < 0.7 and abs(a[2][1] - b[2][1]) > 12:
                    o = pick(r, ("top", "bottom"))
                    t = min((a, b), key=lambda t: t[2][1] if o == "top" else -t[2][1])
                    return "word", pick(r, ("What does it say at the {o}?", "What is written at the {o}?",
                                            "Read the text at the {o}.")).format(o=o), 'It says "%s".' % t[0]
                elif a[1] != b[1]:
                    t = pick(r, (a, b))
                    return "word", pick(r, ("What does the {c} text say{t}?", "Read the {c} text{t}.",
                                            "What is written in {c}?")).format(c=t[1], t=tail), 'It says "%s".' % t[0]
        if not texts and k > 0.985:
            return "word", pick(r, ("What does it say{t}?", "What is written{t}?", "Read the text{t}.")).format(t=tail), \
                "There is no text in the picture."
        k = r.random()
        if k < 0.09 and by_kind:                                   # colour of a kind
            kind = pick(r, list(by_kind)) if r.random() < 0.93 else pick(r, SHAPES)
            q = pick(r, ("What colour is the {k}{t}?", "What color is the {k}{t}?", "Which colour does the {k} have{t}?",
                         "What is the colour of the {k}{t}?", "Tell me the colour of the {k}.", "Colour of the {k}?",
                         "What is the color of the {k}{t}?")).format(k=kind, t=tail)
            have = by_kind.get(kind, ())
            if not have:
                return "colour", q, "There is no %s in the picture." % kind
            if len(have) == 1:
                return "colour", q, "The %s is %s." % (kind, have[0].colour)
            cols = []
            for s in have:
                if s.colour not in cols:
                    cols.append(s.colour)
            q = pick(r, ("What colours are the {k}{t}?", "What colors are the {k}{t}?",
                         "Which colours do the {k} have{t}?")).format(k=PLURAL[kind], t=tail)
            return "colour", q, "The %s are %s." % (PLURAL[kind], listing(cols))
        if k < 0.17 and by_colour:                                 # kind of a colour
            c = pick(r, list(by_colour)) if r.random() < 0.93 else pick(r, COLOUR_NAMES)
            have = by_colour.get(c, ())
            q = pick(r, ("What shape is {c}{t}?", "Which shape is {c}{t}?", "What is the {c} shape{t}?", "What is {c}{t}?",
                         "What {c} shape is there{t}?", "Which shape is the {c} one{t}?")).format(c=c, t=tail)
            if not have:
                return "shape", q, "There is no %s shape in the picture." % c
            if len(have) == 1:
                return "shape", q, "The %s shape is %s." % (c, article(have[0].kind))
        elif k < 0.25:                                             # count all
            q = pick(r, ("How many shapes are there{t}?", "How many shapes do you see{t}?", "Count the shapes{t}.",
                         "How many shapes are in {p}?", "How many shapes in total{t}?", "How many things are there{t}?",
                         "How many objects are there{t}?", "What is the number of shapes{t}?")).format(t=tail, p=p)
            return "count", q, counted(len(shapes), "shape") + "."
        elif k < 0.33:                                             # count kind or colour
            if r.random() < 0.6:
                kind = pick(r, list(by_kind)) if by_kind and r.random() < 0.85 else pick(r, SHAPES)
                n, noun, many = len(by_kind.get(kind, ())), kind, PLURAL[kind]
            elif r.random() < 0.6:
                c = pick(r, list(by_colour)) if by_colour and r.random() < 0.85 else pick(r, COLOUR_NAMES)
                n, noun, many = len(by_colour.get(c, ())), c + " shape", c + " shapes"
            else:
                noun = pick(r, list(by_noun)) if by_noun and r.random() < 0.8 else pick(r, COLOUR_NAMES) + " " + pick(r, SHAPES)
                n = len(by_noun.get(noun, ()))
                many = noun.split()[0] + " " + PLURAL[noun.split()[1]]
            q = pick(r, ("How many {m} are there{t}?", "How many {m} do you see{t}?", "Count the {m}{t}.",
                         "How many {m} are in {p}?", "How many {m}?")).format(m=many, t=tail, p=p)
            return "count", q, counted(n, noun) + "."
        elif k < 0.44 and clear:                                   # where
            s = pick(r, clear)
            short = len(by_kind[s.kind]) == 1 and r.random() < 0.5
            noun = s.kind if short else s.noun()
            q = pick(r, ("Where is the {n}{t}?", "Where is the {n}?", "Where do you see the {n}?", "In which place is the {n}?",
                         "Where can I find the {n}{t}?", "What is the position of the {n}?", "Where's the {n}?")
                     ).format(n=noun, t=tail)
            return "where", q, "The %s is %s." % (noun, sc.place(s)[0])
        elif k < 0.54:                                             # exists
            m = r.random()
            if m < 0.5:
                kind = pick(r, list(by_kind)) if by_kind and r.random() < 0.5 else pick(r, SHAPES)
                have, noun = by_kind.get(kind, ()), kind
            else:
                if by_noun and r.random() < 0.5:
                    noun = pick(r, list(by_noun))
                elif shapes and r.random() < 0.6:
                    noun = pick(r, shapes).colour + " " + pick(r, shapes).kind
                else:
                    noun = pick(r, COLOUR_NAMES) + " " + pick(r, SHAPES)
                have = by_noun.get(noun, ())
            q = pick(r, ("Is there {a}{t}?", "Do you see {a}{t}?", "Can you see {a}{t}?", "Is {a} in {p}?",
                         "Does {p} show {a}?", "Does {p} have {a}?")).format(a=article(noun), t=tail, p=p)
            if not have:
                return "exist", q, "No, there is no %s." % noun
            if len(have) == 1:
                return "exist", q, "Yes, there is %s." % article(have[0].noun())
            kind = noun.split()[-1]
            return "exist", q, "Yes, there are %d %s." % (len(have), noun[:len(noun) - len(kind)] + PLURAL[kind])
        elif k < 0.60:                                             # what is there
            place = pick(r, pick(r, PLACES)) if r.random() < 0.3 or not shapes else sc.place(pick(r, shapes))[0]
            here, doubt = [], False
            for s in shapes:
                pl, ok = sc.place(s)
                if pl == place:
                    here.append(s)
                if not ok:
                    doubt = True
            if doubt or texts:
                continue
            q = pick(r, ("What is {l}{t}?", "What do you see {l}?", "Which shape is {l}{t}?", "What shape is {l}?",
                         "What is there {l}?")).format(l=place, t=i if r.random() < 0.4 else "")
            if not here:
                return "place", q, "There is nothing %s." % place
            return "place", q, "There is %s %s." % (listing([article(s.noun()) for s in here]), place)
        elif k < 0.67 and len(unique) >= 2:                        # sizes
            a = pick(r, unique)
            b = pick(r, unique)
            if a is b or max(a.r, b.r) < 1.3 * min(a.r, b.r):
                continue
            word_, flip = pick(r, (("larger", 0), ("bigger", 0), ("smaller", 1)))
            win = (a if a.r > b.r else b) if not flip else (a if a.r < b.r else b)
            q = pick(r, ("Which is {w}, the {a} or the {b}?", "What is {w}, the {a} or the {b}?",
                         "Is the {a} or the {b} {w}?")).format(w=word_, a=a.noun(), b=b.noun())
            if which:
                q = "In the %s picture, which is %s, the %s or the %s?" % (which, word_, a.noun(), b.noun())
            return "size", q, "The %s is %s." % (win.noun(), word_)
        elif k < 0.71 and len(shapes) >= 2:                        # extremes
            order = sorted(shapes, key=lambda s: s.r)
            if r.random() < 0.5:
                win, second, w2 = order[-1], order[-2], ("largest", "biggest")
                ok = win.r > 1.18 * second.r
            else:
                win, second, w2 = order[0], order[1], ("smallest",)
                ok = second.r > 1.18 * win.r
            if not ok:
                continue
            w2 = pick(r, w2)
            q = pick(r, ("What is the {w} shape{t}?", "Which shape is the {w}{t}?", "Which is the {w} shape{t}?")).format(w=w2, t=tail)
            return "size", q, "The %s shape is the %s." % (w2, win.noun())
        elif k < 0.79 and len(unique) >= 2:                        # relations
            a, b = pick(r, unique), pick(r, unique)
            if a is b:
                continue
            rel = side_of(a, b)
            if not rel:
                continue
            if r.random() < 0.5:
                say = rel if r.random() < 0.5 else OPPOSITE[rel]
                q = pick(r, ("Is the {a} {s} the {b}?", "Is the {a} {s} the {b}{t}?")).format(
                    a=a.noun(), b=b.noun(), s=say if say in ("above", "below") or r.random() < 0.6 else "to the " + say, t=tail)
                if say == rel:
                    return "relation", q, "Yes, the %s is %s the %s." % (a.noun(), rel, b.noun())
                return "relation", q, "No, the %s is %s the %s." % (a.noun(), rel, b.noun())
            w2 = {"left of": "further left", "right of": "further right", "above": "higher", "below": "lower"}
            one, win = (w2[rel], a) if r.random() < 0.5 else (w2[OPPOSITE[rel]], b)
            q = "Which is %s, the %s or the %s?" % (one, a.noun(), b.noun())
            return "relation", q, "The %s is %s." % (win.noun(), one)
        elif k < 0.89:                                             # everything
            return "describe", pick(r, WHATQ).format(p=p, i=i), describe(sc, P)
        elif k < 0.93 and sc.ground_name:
            q = pick(r, ("What colour is the background{t}?", "What color is the background{t}?",
                         "Which colour does the background have{t}?", "What is the background colour{t}?")).format(t=tail)
            return "background", q, "The background is %s." % sc.ground_name
        elif k < 0.96 and shapes:
            cols = []
            for s in shapes:
                if s.colour not in cols:
                    cols.append(s.colour)
            q = pick(r, ("What colours do the shapes have{t}?", "Which colours do you see{t}?", "What colors are the shapes{t}?",
                         "What colours are the shapes{t}?")).format(t=tail)
            if len(shapes) == 1:
                return "colour", q, "The shape is %s." % cols[0]
            return "colour", q, "The shapes are %s." % listing(cols)
        elif by_kind:                                              # is it
            kind = pick(r, list(by_kind))
            if len(by_kind[kind]) != 1:
                continue
            s = by_kind[kind][0]
            c = s.colour if r.random() < 0.5 else pick(r, COLOUR_NAMES)
            q = "Is the %s %s%s?" % (kind, c, tail)
            if c == s.colour:
                return "colour", q, "Yes, the %s is %s." % (kind, c)
            return "colour", q, "No, the %s is %s." % (kind, s.colour)
    return "count", "How many shapes are there%s?" % tail, counted(len(shapes), "shape") + "."


# --- two pictures -----------------------------------------------------------------

def changed(r, sc, held):
    """A copy of a scene with one thing different; (scene, sentence) or None."""
    if not sc.shapes or sc.texts:
        return None
    new = Scene()
    for f in Scene.__slots__:
        setattr(new, f, getattr(sc, f))
    new.shapes = list(sc.shapes)
    at = int(r.random() * len(new.shapes))
    old = new.shapes[at]
    if sum(s.noun() == old.noun() for s in sc.shapes) > 1:
        return None
    k = r.random()
    s = Shape()
    for f in Shape.__slots__:
        setattr(s, f, getattr(old, f))
    c1, c2 = sc.ground[1:4], sc.ground[4:7]
    if k < 0.45:
        for _ in range(20):
            s.colour = pick(r, COLOUR_NAMES)
            s.rgb = colour_rgb(r, s.colour)
            if s.colour not in (old.colour, sc.ground_name) and far(s.rgb, c1) and far(s.rgb, c2):
                new.shapes[at] = s
                return new, "The %s is %s in the first picture and %s in the second picture." % (
                    s.kind if sum(o.kind == s.kind for o in sc.shapes) == 1 else "changed shape", old.colour, s.colour)
        return None
    if k < 0.7:
        s.kind = pick(r, [x for x in SHAPES if x != old.kind])
        s.turn = make_turn(r, s.kind)
        new.shapes[at] = s
        return new, "The %s shape is %s in the first picture and %s in the second picture." % (
            old.colour if sum(o.colour == old.colour for o in sc.shapes) == 1 else "changed", article(old.kind), article(s.kind))
    del new.shapes[at]
    if not new.shapes:
        return None
    return new, "The %s is missing in the second picture." % old.noun()


def pair_question(r, a, b, change):
    k = r.random()
    if change is not None and k < 0.35:
        return "pair-change", pick(r, ("What is different?", "What is the difference?", "What has changed?",
                                       "What changed in the second picture?", "How do the two pictures differ?",
                                       "What is the difference between the two pictures?")), change or "The two pictures are the same."
    if k < 0.55:
        na, nb = len(a.shapes), len(b.shapes)
        w = pick(r, ("more", "fewer"))
        q = pick(r, ("Which picture has {w} shapes?", "Which picture shows {w} shapes?", "Where are there {w} shapes?",
                     "Which of the two pictures has {w} shapes?")).format(w=w)
        if na == nb:
            return "pair-compare", q, "Both pictures have the same number of shapes."
        first = (na > nb) == (w == "more")
        return "pair-compare", q, "The %s picture has %s shapes." % ("first" if first else "second", w)
    if k < 0.8:
        pool = a.shapes + b.shapes
        if not pool:
            return None
        s = pick(r, pool)
        noun = s.noun() if r.random() < 0.6 else s.kind
        test = (lambda x: x.noun() == noun) if " " in noun else (lambda x: x.kind == noun)
        ina, inb = any(map(test, a.shapes)), any(map(test, b.shapes))
        q = pick(r, ("Which picture has {n}?", "In which picture is there {n}?", "Which picture shows {n}?",
                     "Where is there {n}, in the first or the second picture?")).format(n=article(noun))
        if ina and inb:
            return "pair-compare", q, "Both pictures have %s." % article(noun)
        return "pair-compare", q, "The %s picture has %s." % ("first" if ina else "second", article(noun))
    if k < 0.9 and change is not None:
        q = pick(r, ("Are the two pictures the same?", "Are both pictures the same?", "Do the pictures differ?" if False else
                     "Is the second picture the same as the first?"))
        return "pair-compare", q, "No, they differ." if change else "Yes, they are the same."
    if k < 0.95:
        return "pair-compare", pick(r, ("How many shapes are there in both pictures together?",
                                        "How many shapes do the two pictures have together?")), \
            counted(len(a.shapes) + len(b.shapes), "shape") + "."
    return "pair-compare", pick(r, ("How many pictures are there?", "How many pictures do you see?")), "There are 2 pictures."
