# SPDX-License-Identifier: GPL-3.0-or-later
"""Short moving scenes: one to three shapes, one or two things that happen."""
from scenes import (COLOUR_NAMES, Scene, Shape, article, colour_rgb, counted, far, make_ground, make_turn, pick, uni)
from words import SHAPES, held_out

MOVES = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
TO = {"left": "to the left", "right": "to the right", "up": "up", "down": "down"}


class Event:
    __slots__ = ("shape", "what", "arg", "t0", "t1")

    def phrase(self):
        w = self.what
        return {"move": lambda: "moves " + TO[self.arg], "grow": lambda: "grows", "shrink": lambda: "shrinks",
                "appear": lambda: "appears", "vanish": lambda: "disappears",
                "colour": lambda: "turns " + self.arg[0]}[w]()


def make_film(r, w, h, frames, level, held):
    """(scene of the first state, events, rows [frames][shapes][13])"""
    for _ in range(300):
        sc = Scene()
        sc.w, sc.h, sc.shapes, sc.texts, sc.clutter, sc.border, sc.extra = w, h, [], [], None, None, None
        c1, c2 = make_ground(r, sc)
        sc.ground[0] = min(sc.ground[0], 1)     # clouds would be drawn anew for every frame
        n = 1 + int(r.random() * (1 + 1.99 * level))
        side = min(w, h)
        used = set()
        # lanes keep shapes apart while they move
        across = r.random() < 0.5
        span = (h if across else w) / n
        for i in range(n):
            for _try in range(30):
                s = Shape()
                s.r = uni(r, max(9.0, 0.07 * side), max(10.0, min(0.2 * side, 0.44 * span)))
                s.kind, s.colour = pick(r, SHAPES), pick(r, COLOUR_NAMES)
                s.rgb, s.turn, s.name = colour_rgb(r, s.colour), make_turn(r, s.kind), None
                if s.noun() in used or s.colour == sc.ground_name or not (far(s.rgb, c1) and far(s.rgb, c2)):
                    continue
                lane = uni(r, i * span + s.r, max(i * span + s.r, (i + 1) * span - s.r))
                along = uni(r, s.r, (w if across else h) - s.r)
                s.x, s.y = (along, lane) if across else (lane, along)
                used.add(s.noun())
                sc.shapes.append(s)
                break
        if not sc.shapes or held_out("film" + sc.key()) != held:
            continue
        k = r.random()
        count = 0 if k < 0.06 else 2 if k < 0.06 + 0.4 * level else 1
        events = []
        for e in range(count):
            ev = Event()
            free = [s for s in sc.shapes if all(o.shape is not s for o in events)]
            if not free:
                break
            ev.shape = pick(r, free)
            ev.what = pick(r, ("move", "move", "move", "move", "grow", "shrink", "appear", "vanish", "colour"))
            if count == 2:
                ev.t0, ev.t1 = (0.0, 0.45) if e == 0 else (0.55, 1.0)
            else:
                ev.t0, ev.t1 = 0.0, 1.0
            s = ev.shape
            if ev.what == "move":
                ev.arg = pick(r, ("left", "right") if across else ("up", "down"))
                reach = (w if across else h)
                a = uni(r, s.r, max(s.r, 0.3 * reach))
                b = reach - uni(r, s.r, max(s.r, 0.3 * reach))
                if ev.arg in ("left", "up"):
                    a, b = b, a
                if abs(a - b) < 0.2 * reach:
                    break
                ev.arg = (ev.arg, a, b)
            elif ev.what == "colour":
                for _try in range(20):
                    c = pick(r, COLOUR_NAMES)
                    rgb = colour_rgb(r, c)
                    if c not in (s.colour, sc.ground_name) and far(rgb, c1) and far(rgb, c2):
                        ev.arg = (c, rgb)
                        break
                else:
                    break
            elif ev.what in ("grow", "shrink"):
                ev.arg = uni(r, 0.35, 0.55)
            else:
                ev.arg = None
            events.append(ev)
        if len(events) != count:
            continue
        rows = []
        for f in range(frames):
            t = f / (frames - 1)
            frame = []
            for s in sc.shapes:
                x, y, rad, rgb, vis = s.x, s.y, s.r, s.rgb, 1.0
                for ev in events:
                    if ev.shape is not s:
                        continue
                    q = min(1.0, max(0.0, (t - ev.t0) / (ev.t1 - ev.t0)))
                    if ev.what == "move":
                        at = ev.arg[1] + (ev.arg[2] - ev.arg[1]) * q
                        x, y = (at, y) if across else (x, at)
                    elif ev.what == "grow":
                        rad = s.r * (ev.arg + (1 - ev.arg) * q)
                    elif ev.what == "shrink":
                        rad = s.r * (1 + (ev.arg - 1) * q)
                    elif ev.what == "appear":
                        vis = 1.0 if q > 0.5 else 0.0
                    elif ev.what == "vanish":
                        vis = 0.0 if q > 0.5 else 1.0
                    elif ev.what == "colour" and q > 0.5:
                        rgb = ev.arg[1]
                frame.append([SHAPES.index(s.kind), x, y, rad, s.turn, *rgb, 0, 0, 0, 0, vis])
            rows.append(frame)
        for ev in events:
            if ev.what == "move":
                ev.arg = ev.arg[0]
        return sc, events, rows
    raise RuntimeError("no film fits %d x %d" % (w, h))


def film_questions(r, sc, events):
    p = pick(r, ("the film", "the video", "this film", "this video", "the clip"))
    for _ in range(60):
        k = r.random()
        if k < 0.30:
            q = pick(r, ("What happens in {p}?", "What happens?", "Describe {p}.", "What do you see in {p}?",
                         "What is going on?", "What does {p} show?", "Tell me what happens.")).format(p=p)
            if not events:
                return "film-what", q, "Nothing moves. The film shows %s." % " and ".join(article(s.noun()) for s in sc.shapes)
            if len(events) == 1:
                return "film-what", q, "The %s %s." % (events[0].shape.noun(), events[0].phrase())
            return "film-what", q, "First the %s %s, then the %s %s." % (
                events[0].shape.noun(), events[0].phrase(), events[1].shape.noun(), events[1].phrase())
        if k < 0.52:
            s = pick(r, sc.shapes)
            noun = s.noun() if r.random() < 0.6 or sum(o.kind == s.kind for o in sc.shapes) > 1 else s.kind
            ev = [e for e in events if e.shape is s]
            if ev and ev[0].what == "move":
                q = pick(r, ("Which way does the {n} move?", "In which direction does the {n} move?", "Where does the {n} go?",
                             "Which direction does the {n} move in?", "What does the {n} do?")).format(n=noun)
            else:
                q = pick(r, ("What does the {n} do?", "What happens to the {n}?", "Does the {n} move?",
                             "Which way does the {n} move?")).format(n=noun)
                if "move" in q and (not ev):
                    return "film-move", q, "The %s does not move." % noun
                if "move" in q:
                    return "film-move", q, "The %s does not move, it %s." % (noun, ev[0].phrase())
            return "film-move", q, "The %s %s." % (noun, ev[0].phrase() if ev else "does not move")
        if k < 0.66 and len(events) == 2:
            first = r.random() < 0.5
            q = pick(r, ("What happens first?", "What is the first thing that happens?") if first else
                     ("What happens last?", "What happens at the end?", "What happens then?", "What happens second?"))
            ev = events[0 if first else 1]
            return "film-order", q, "The %s %s." % (ev.shape.noun(), ev.phrase())
        if k < 0.76:
            end = r.random() < 0.5
            gone = "vanish" if end else "appear"
            n = len(sc.shapes) - sum(e.what == gone for e in events)
            q = pick(r, ("How many shapes are there {w}?", "How many shapes do you see {w}?", "How many shapes are left {w}?"
                         if end else "How many shapes are there {w}?")).format(w="at the end" if end else "at the start")
            return "film-count", q, counted(n, "shape") + " %s." % ("at the end" if end else "at the start")
        if k < 0.86:
            s = pick(r, sc.shapes)
            if sum(o.kind == s.kind for o in sc.shapes) > 1:
                continue
            ev = [e for e in events if e.shape is s and e.what == "colour"]
            if ev:
                q = pick(r, ("What colour is the {k} at the end?", "Which colour does the {k} turn?",
                             "What color is the {k} at the end?"))
                return "film-colour", q.format(k=s.kind), "The %s is %s at the end." % (s.kind, ev[0].arg[0])
            return "film-colour", pick(r, ("What colour is the {k}?", "What color is the {k}?",
                                           "Which colour does the {k} have?")).format(k=s.kind), \
                "The %s is %s." % (s.kind, s.colour)
        if k < 0.94 and events:
            ev = pick(r, events)
            q = {"move": ("Which shape moves?", "What moves?"), "grow": ("Which shape grows?", "What grows?"),
                 "shrink": ("Which shape shrinks?", "What shrinks?"), "appear": ("What appears?", "Which shape appears?"),
                 "vanish": ("What disappears?", "Which shape disappears?"),
                 "colour": ("Which shape changes its colour?", "What changes its colour?")}[ev.what]
            if sum(e.what == ev.what for e in events) > 1:
                continue
            return "film-what", pick(r, q), "The %s %s." % (ev.shape.noun(), ev.phrase())
        if k >= 0.94 and not any(e.what in ("appear", "vanish", "colour") for e in events):
            kind = pick(r, sc.shapes).kind if r.random() < 0.5 else pick(r, SHAPES)
            have = [s for s in sc.shapes if s.kind == kind]
            q = "Is there a %s in %s?" % (kind, p)
            if not have:
                return "film-count", q, "No, there is no %s." % kind
            if len(have) == 1:
                return "film-count", q, "Yes, there is %s." % article(have[0].noun())
    return "film-count", "How many frames are there?", "I cannot tell."
