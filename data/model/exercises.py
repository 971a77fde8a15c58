# SPDX-License-Identifier: GPL-3.0-or-later
"""Small exercises: sums, counting, sorting, repeating, spelling, days and opposites."""
from words import COMMON, DAYS, MONTHS, word
from scenes import listing, pick

NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
OPPOSITES = """hot cold, big small, old new, fast slow, good bad, day night, black white, up down, left right, open closed, early late,
happy sad, full empty, hard soft, high low, light dark, long short, loud quiet, near far, rich poor, strong weak, thick thin, warm cool,
wet dry, wide narrow, young old, first last, in out, yes no, true false, before after, easy difficult, sweet sour, heavy light,
inside outside, above below, always never, more less, love hate, friend enemy, win lose, begin end, buy sell, push pull"""
OPPOSITES = [tuple(p.split()) for p in OPPOSITES.split(",")]
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def figure(r, n):
    return NUMBERS[n] if n < len(NUMBERS) and r.random() < 0.4 else str(n)


def count_up(r, held):
    n = 3 + int(r.random() ** 1.5 * 28)
    a, how = 1, r.random()
    q = pick(r, ("Count to %s.", "Please count to %s.", "Can you count to %s?", "Count up to %s", "count to %s",
                 "Count from 1 to %s.")) % figure(r, n)
    if how > 0.5:
        a = 1 + int(r.random() * 30)
        q = pick(r, ("Count from %d to %d.", "List the numbers from %d to %d.")) % (a, a + n - 1)
    said = [str(a + i) for i in range(n)]
    if how > 0.8:
        q, said = pick(r, ("Count down from %d to %d.", "Count backwards from %d to %d.")) % (a + n - 1, a), said[::-1]
    return "sums", q, ", ".join(said) + "."


def plus(r, held):
    a, b = int(r.random() * 21), int(r.random() * 21)
    q = pick(r, ("What is {a} + {b}?", "{a} + {b} = ?", "How much is {a} plus {b}?", "What is {a} plus {b}?", "Add {a} and {b}.",
                 "{a}+{b}", "{a} + {b}", "{a}+{b}=", "Calculate {a} + {b}.", "what's {a}+{b}?", "What do {a} and {b} make?"))
    return "sums", q.format(a=a, b=b), "%d + %d = %d." % (a, b, a + b)


def minus(r, held):
    a, b = int(r.random() * 21), int(r.random() * 21)
    a, b = max(a, b), min(a, b)
    q = pick(r, ("What is {a} - {b}?", "{a} - {b} = ?", "How much is {a} minus {b}?", "What is {a} minus {b}?", "{a}-{b}",
                 "{a} - {b}", "Take {b} from {a}.", "Calculate {a} - {b}.", "{a}-{b}="))
    return "sums", q.format(a=a, b=b), "%d - %d = %d." % (a, b, a - b)


def times(r, held):
    a, b = int(r.random() * 13), int(r.random() * 13)
    q = pick(r, ("What is {a} times {b}?", "{a} x {b} = ?", "How much is {a} times {b}?", "{a}*{b}", "{a} * {b}", "{a} x {b}",
                 "Multiply {a} by {b}.", "What is {a} x {b}?", "What's {a} times {b}?"))
    return "sums", q.format(a=a, b=b), "%d x %d = %d." % (a, b, a * b)


def larger(r, held):
    a, b = int(r.random() * 100), int(r.random() * 100)
    b += a == b
    if r.random() < 0.5:
        return "sums", pick(r, ("Which is larger, {a} or {b}?", "Which number is bigger, {a} or {b}?")).format(a=a, b=b), \
            "%d is larger." % max(a, b)
    how = pick(r, ("larger", "larger", "bigger", "smaller", "greater"))
    yes = (a < b) == (how == "smaller")
    return "sums", "Is %d %s than %d?" % (a, how, b), \
        ("Yes, %d is %s than %d." if yes else "No, %d is not %s than %d.") % (a, how, b)


def neighbour(r, held):
    a = int(r.random() * 60)
    if r.random() < 0.5:
        return "sums", pick(r, ("What comes after %d?", "Which number comes after %d?")) % a, "%d comes after %d." % (a + 1, a)
    return "sums", pick(r, ("What comes before %d?", "Which number comes before %d?")) % (a + 1), "%d comes before %d." % (a, a + 1)


def calendar(r, held):
    k = r.random()
    if k < 0.15:
        return "order", *pick(r, ((pick(r, ("Name the days of the week.", "What are the days of the week?")), listing(DAYS) + "."),
                                  (pick(r, ("Name the months.", "What are the months of the year?", "List the months.")),
                                   listing(MONTHS) + "."),
                                  (pick(r, ("Say the alphabet.", "What is the alphabet?", "Write the alphabet.")), " ".join(ALPHABET)),
                                  ("How many days are in a week?", "A week has 7 days."),
                                  ("How many months are in a year?", "A year has 12 months."),
                                  ("How many hours are in a day?", "A day has 24 hours."),
                                  ("How many letters are in the alphabet?", "The alphabet has 26 letters.")))
    what, row = pick(r, (("day", DAYS), ("month", MONTHS), ("letter", ALPHABET)))
    at = int(r.random() * len(row))
    if r.random() < 0.6:
        at = min(at, len(row) - 2) if what == "letter" else at
        return "order", "%s %s comes after %s?" % (pick(r, ("What", "Which")), what, row[at]), \
            "%s comes after %s." % (row[(at + 1) % len(row)], row[at])
    at = max(at, 1) if what == "letter" else at
    return "order", "%s %s comes before %s?" % (pick(r, ("What", "Which")), what, row[at]), \
        "%s comes before %s." % (row[at - 1], row[at])


def opposite(r, held):
    a, b = pick(r, OPPOSITES)
    a, b = (b, a) if r.random() < 0.5 and (b, a) != ("light", "heavy") and (b, a) != ("old", "young") else (a, b)
    a, b = ("light", "dark") if a == "light" else ("old", "new") if a == "old" else (a, b)
    return "order", pick(r, ("What is the opposite of %s?", "The opposite of %s?", "What's the opposite of %s?",
                             "Which word is the opposite of %s?")) % a, "The opposite of %s is %s." % (a, b)


def some_words(r, held, most=6):
    words = []
    n = 2 + int(r.random() * most)
    while len(words) < n:
        w = word(r, held) if r.random() < 0.4 else pick(r, COMMON)
        if w not in words:
            words.append(w)
    return words


def repeat(r, held):
    words = some_words(r, held)
    s = " ".join(words[:1] if r.random() < 0.2 else words)
    if r.random() < 0.2:
        n, w = 2 + int(r.random() * 5), words[0]
        how = "twice" if n == 2 and r.random() < 0.5 else figure(r, n) + " times"
        return "copy", pick(r, ("Write the word {w} {n}.", "Say {w} {n}.", "Repeat the word {w} {n}.", "Write {w} {n}.")).format(
            w=w, n=how), " ".join([w] * n)
    return "copy", pick(r, ("Repeat: %s", "Say: %s", "Repeat after me: %s", "Copy this: %s", "Say this again: %s", "Say %s",
                            "Write %s", 'Say "%s".', "Please say %s", "Repeat this: %s", "Type: %s")) % s, s


def how_many(r, held):
    words = some_words(r, held)
    s = pick(r, (", ", ", ", " ")).join(words)
    return "order", pick(r, ("How many words are these: %s?", "Count these words: %s.", "How many words are these: %s",
                             "How many words are there: %s")) % s, "These are %d words." % len(words)


def which_word(r, held):
    words = some_words(r, held)
    n, s = len(words), ", ".join(words)
    at = int(r.random() * min(n, 5))
    o = ("first", "second", "third", "fourth", "fifth")[at]
    if r.random() < 0.3:
        at, o = n - 1, "last"
    return "order", pick(r, ("What is the {o} word: {s}?", "Which is the {o} word in {s}?")).format(o=o, s=s), \
        "The %s word is %s." % (o, words[at])


def spell(r, held):
    w = word(r, held) if r.random() < 0.4 else pick(r, COMMON)
    k = r.random()
    if k < 0.25:
        return "copy", pick(r, ("How many letters are in %s?", "How many letters has the word %s?", "Count the letters of %s.",
                                "How many letters does %s have?")) % w, "%s: %d letters." % ("-".join(w), len(w))
    if k < 0.45:
        o, c = pick(r, (("first", w[0]), ("last", w[-1])))
        return "copy", pick(r, ("What is the %s letter of %s?", "Which is the %s letter of the word %s?",
                                "What is the %s letter in %s?")) % (o, w), 'The %s letter is "%s".' % (o, c)
    return "copy", pick(r, ("Spell %s.", "How do you spell %s?", "Spell the word %s.", "spell %s", "Please spell %s.")) % w, \
        "-".join(w) + "."


def sort(r, held):
    joint = pick(r, (", ", ", ", " "))
    if r.random() < 0.3:
        words = some_words(r, held, 4)
        return "order", pick(r, ("Sort these words: %s.", "Put these words in alphabetical order: %s.", "Sort: %s")) % \
            joint.join(words), ", ".join(sorted(words)) + "."
    nums, most = [], pick(r, (10, 50, 100))
    n = 2 + int(r.random() * 5)
    while len(nums) < n:
        x = int(r.random() * most)
        if x not in nums:
            nums.append(x)
    down = r.random() < 0.2
    q = pick(r, ("Sort these numbers: %s.", "Put these numbers in order: %s.", "Sort: %s", "Sort %s", "sort %s")) % joint.join(map(str, nums))
    if down:
        q = pick(r, ("Sort these numbers from large to small: %s.", "Sort down: %s", "Put these numbers in reverse order: %s.")) % \
            joint.join(map(str, nums))
    return "order", q, ", ".join(map(str, sorted(nums, reverse=down))) + "."


ALL = {count_up: 6, plus: 12, minus: 8, times: 7, larger: 7, neighbour: 5, calendar: 6, opposite: 4, repeat: 14, how_many: 6,
       which_word: 9, spell: 9, sort: 10}


def exercise(r, held):
    return r.choices(list(ALL), ALL.values())[0](r, held)
