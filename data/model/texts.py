# SPDX-License-Identifier: GPL-3.0-or-later
"""Short texts of facts about people and things that do not exist, and questions about them."""
from words import ANIMALS, CITIES, DAYS, FOODS, JOBS, TCOL, THINGS, name
from scenes import article, pick

EVENTS = "meeting party concert game lesson exam picnic wedding market trip film dinner shop train bus ferry school class show match museum".split()


class Facts:
    """People who do not exist, and one sentence for each thing that is true of them."""

    def __init__(self, r, n, held):
        self.r, self.held = r, held
        self.names, self.qa, self.lines, self.used = [], [], [], set()
        people = max(1, min(n, 1 + int(r.random() * n)))
        while len(self.names) < people:
            s = name(r, held)
            if s not in self.names:
                self.names.append(s)
        kinds = [self.has, self.lives, self.job, self.likes, self.number, self.age, self.pet, self.code, self.thing,
                 self.event, self.compared]
        if r.random() < 0.25:
            kinds = [pick(r, kinds)]
        tries = 0
        while len(self.lines) < n and tries < n * 8:
            tries += 1
            pick(r, kinds)()
        order = list(range(len(self.lines)))
        r.shuffle(order)
        self.lines = [self.lines[i] for i in order]

    def once(self, *key):
        if key in self.used:
            return False
        self.used.add(key)
        return True

    def has(self):
        r, p, t = self.r, pick(self.r, self.names), pick(self.r, THINGS)
        if not self.once("has", p, t):
            return
        c = pick(r, TCOL)
        self.lines.append("%s has %s %s." % (p, article(c), t))
        self.qa.append((("What colour is {p}'s {t}?", "Which colour is the {t} of {p}?", "What color is {p}'s {t}?"),
                        dict(p=p, t=t), "%s's %s is %s." % (p, t, c), None))
        if self.once("owner", c, t):
            self.qa.append((("Who has {c} {t}?", "Whose {t} is {d}?"), dict(c=article(c), t=t, d=c),
                            "%s has %s %s." % (p, article(c), t), ("owner", c, t)))

    def lives(self):
        r, p = self.r, pick(self.r, self.names)
        if not self.once("lives", p):
            return
        c = pick(r, CITIES)
        self.lines.append(pick(r, ("%s lives in %s.", "%s lives in %s.", "%s's home is in %s.")) % (p, c))
        self.qa.append((("Where does {p} live?", "In which city does {p} live?", "Where is {p}'s home?"), dict(p=p),
                        "%s lives in %s." % (p, c), None))
        if self.once("city", c):
            self.qa.append((("Who lives in {c}?",), dict(c=c), "%s lives in %s." % (p, c), ("city", c)))

    def job(self):
        r, p = self.r, pick(self.r, self.names)
        if not self.once("job", p):
            return
        j = pick(r, JOBS)
        self.lines.append(pick(r, ("%s is %s.", "%s works as %s.")) % (p, article(j)))
        self.qa.append((("What is {p}'s job?", "What does {p} do?", "What does {p} work as?"), dict(p=p),
                        "%s is %s." % (p, article(j)), None))
        if self.once("jobs", j):
            self.qa.append((("Who is the {j}?", "Who is {a}?"), dict(j=j, a=article(j)), "%s is %s." % (p, article(j)), ("jobs", j)))

    def likes(self):
        r, p = self.r, pick(self.r, self.names)
        if not self.once("likes", p):
            return
        f = pick(r, FOODS)
        self.lines.append(pick(r, ("%s likes %s.", "%s likes to eat %s.", "%s loves %s.")) % (p, f))
        self.qa.append((("What does {p} like?", "What does {p} like to eat?", "Which food does {p} like?"), dict(p=p),
                        "%s likes %s." % (p, f), None))
        if self.once("food", f):
            self.qa.append((("Who likes {f}?",), dict(f=f), "%s likes %s." % (p, f), ("food", f)))

    def number(self):
        r, p, t = self.r, pick(self.r, self.names), pick(self.r, THINGS + ANIMALS)
        if not self.once("has", p, t):
            return
        n = 2 + int(r.random() * 18)
        many = {"fish": "fish", "sheep": "sheep", "goose": "geese", "mouse": "mice", "box": "boxes", "pony": "ponies",
                "violin": "violins"}.get(t, t + "s")
        self.lines.append("%s has %d %s." % (p, n, many))
        self.qa.append((("How many {t} does {p} have?",), dict(p=p, t=many), "%s has %d %s." % (p, n, many), None))

    def age(self):
        r, p = self.r, pick(self.r, self.names)
        if not self.once("age", p):
            return
        n = 2 + int(r.random() * 88)
        self.lines.append("%s is %d years old." % (p, n))
        self.qa.append((("How old is {p}?", "What is {p}'s age?"), dict(p=p), "%s is %d years old." % (p, n), None))

    def pet(self):
        r, p, t = self.r, pick(self.r, self.names), pick(self.r, ANIMALS)
        if not self.once("pet", p, t):
            return
        n = name(r, self.held)
        self.lines.append("%s's %s is called %s." % (p, t, n))
        self.qa.append((("What is {p}'s {t} called?", "What is the name of {p}'s {t}?"), dict(p=p, t=t),
                        "%s's %s is called %s." % (p, t, n), None))

    def code(self):
        r, p = self.r, pick(self.r, self.names)
        if not self.once("code", p):
            return
        n = "".join(str(int(r.random() * 10)) for _ in range(pick(r, (2, 3, 4, 4, 5))))
        w = pick(r, ("code", "number", "key"))
        self.lines.append("The %s of %s is %s." % (w, p, n))
        self.qa.append((("What is the {w} of {p}?", "What is {p}'s {w}?", "Which {w} does {p} have?"), dict(p=p, w=w),
                        "The %s of %s is %s." % (w, p, n), None))

    def thing(self):
        r, t = self.r, pick(self.r, THINGS)
        if not self.once("thing", t):
            return
        o = pick(r, [x for x in THINGS if x != t])
        prep = pick(r, ("under", "behind", "beside", "near", "above"))
        self.lines.append("The %s is %s the %s." % (t, prep, o))
        self.qa.append((("Where is the {t}?",), dict(t=t), "The %s is %s the %s." % (t, prep, o), None))

    def event(self):
        r, e = self.r, pick(self.r, EVENTS)
        if not self.once("event", e):
            return
        if r.random() < 0.4:
            at = "%d:%02d" % (r.random() * 24, 5 * int(r.random() * 12))
            does = pick(r, ("begins", "starts", "ends", "is", "opens", "leaves"))
            self.lines.append("The %s %s at %s." % (e, does, at))
            q = "When is the {e}?" if does == "is" else "When does the {e} %s?" % does[:-1]
            self.qa.append(((q, q.replace("When", "At what time")), dict(e=e), "The %s %s at %s." % (e, does, at), None))
            return
        d = pick(r, DAYS)
        self.lines.append("The %s is on %s." % (e, d))
        self.qa.append((("When is the {e}?", "On which day is the {e}?", "What day is the {e}?"), dict(e=e),
                        "The %s is on %s." % (e, d), None))

    def compared(self):
        r, how = self.r, pick(self.r, ("older", "taller", "faster", "stronger", "younger"))
        if len(self.names) < 2 or not self.once("compared", how):
            return
        a, b = r.sample(self.names, 2)
        self.lines.append("%s is %s than %s." % (a, how, b))
        self.qa.append((("Who is {h}, {x} or {y}?", "Who is {h}, {y} or {x}?"), dict(h=how, x=a, y=b), "%s is %s." % (a, how), None))
        if len(self.names) == 2:
            self.qa.append((("Who is {h}?",), dict(h=how), "%s is %s." % (a, how), None))

    def text(self):
        return ("\n" if self.r.random() < 0.15 else " ").join(self.lines)

    def questions(self):
        """All that can be asked, shuffled.  A reverse question is kept only when one person answers it."""
        r, out = self.r, []
        for forms, args, answer, rev in self.qa:
            if rev and rev[0] == "owner" and sum((" %s %s." % (rev[1], rev[2])) in x for x in self.lines) != 1:
                continue
            if rev and rev[0] != "owner" and sum(rev[1] in x.replace(".", " ").split() for x in self.lines) != 1:
                continue
            out.append(("facts", pick(r, forms).format(**args), answer))
        if r.random() < 0.5:
            s = name(r, self.held)
            if s not in self.names:
                out.append(("facts", pick(r, ("Where does %s live?", "What does %s like?", "How old is %s?", "What is %s's job?")) % s,
                            "The text does not say."))
        r.shuffle(out)
        return out
