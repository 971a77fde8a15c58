# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills: one step of a long task, asked for many times in a row of tokens.

A question of the evaluation costs 60 tokens and more around the one or two that teach anything.  A drill
gives a list once and then goes through it in any order, saying of each line what a question would say and
then the line; only the lines are learned.  What makes a step hard is drawn from a stage, 0 to STAGES - 1,
which rises when the drill is right (train.py).

- ends, both: words of capitals; their end, or start and end, then the word.  Between the end and the word's first
  letter lies the whole word: stage 0 has words of 5 and 6 letters, the last one of 20 to 26.
- starts: words of capitals, each followed by its first letters, which is what `ends` needs to know at a word's end.
- names: "VAR A = 12345" and "VAR B = VAR A" among other lines: the value or name, then the name that is set to it.
"""
import random

LONGEST = [6, 7, 8, 9, 10, 12, 14, 16, 20, 26]
STAGES = len(LONGEST)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def letters(r, n):
    return "".join(LETTERS[int(r.random() * 26)] for _ in range(n))


# What the evaluation says around a list and its questions (app/eval/tasks/prefix_suffix.c).
ENDS = "Below is a list of words. Each question asks for the one word with a certain start and end."


def lengths(r, stage):
    longest = LONGEST[int(r.random() * stage)] if r.random() < 0.25 else LONGEST[stage]
    return max(5, longest - 6), longest


def ends(r, length, stage):
    """(context, what to do, [(cue, line), ...], chat): lines of the context in another order, by their ends; chat: a
    cue is a question."""
    shortest, longest = lengths(r, stage)
    chat = r.random() < 0.35
    per = (shortest + longest) / 2
    n = max(4, int((length - 60) / (2 * per + (48 if chat else 12))))
    listed = n
    if length >= 2048 and r.random() < 0.5:     # a longer list, of which a part is asked for
        n = int(n * (0.3 + 0.5 * r.random()))
        listed = max(n, int((length - 60 - n * (per + 20)) / (per + 1.2)))
    b, seen, words = 4 if r.random() < 0.7 or chat else 3, set(), []
    for _ in range(listed):
        w = letters(r, shortest + int(r.random() * (longest - shortest + 1)))
        if w[-b:] in seen:
            continue
        seen.add(w[-b:])
        words.append(w)
    cue = 'Which word ends with "%s"? Reply with the one word that has it.' if chat else 'to "%s":\n'
    asked = [(cue % w[-b:], w) for w in words]
    r.shuffle(asked)
    return ENDS + "\n\n" + "\n".join(words), "Write each word after its end.", asked[:n], chat


def both(r, length, stage):
    """As ends(), by start and end.  The words are part of a table of starts and ends, so that for each of them
    there are others with its start and others with its end."""
    shortest, longest = lengths(r, stage)
    chat = r.random() < 0.5
    per = (shortest + longest) / 2
    n = max(4, int((length - 60) / (2 * per + (56 if chat else 20))))
    listed = n
    if length >= 2048 and r.random() < 0.5:
        n = int(n * (0.3 + 0.5 * r.random()))
        listed = max(n, int((length - 60 - n * (per + 30)) / (per + 1.2)))
    a = 4 if shortest >= 9 else 1 + int(r.random() * 4)
    b = 4 if shortest >= 9 else min(shortest - a, 2 + int(r.random() * 3))
    # Mostly five to eleven words to a start, as in the evaluation: the start alone must not pay.
    k = max(2, round(listed / (5 + 6 * r.random())) if r.random() < 0.7 else round((listed * (1 + r.random() * 2)) ** 0.5))
    starts = list({letters(r, a) for _ in range(k)})
    tails = list({letters(r, b) for _ in range(max(2, int(listed * (1 + r.random()) / len(starts)) + 1))})
    pairs = [(s, t) for s in starts for t in tails]
    r.shuffle(pairs)
    lines = []
    for s, t in pairs[:listed]:
        m = max(0, shortest + int(r.random() * (longest - shortest + 1)) - a - b)
        lines.append((s, t, s + letters(r, m) + t))
    cue = 'Which word starts with "%s" and ends with "%s"? Reply with the one word that has both.' if chat else \
          '"%s" to "%s":\n'
    asked = [(cue % (s, t), w) for s, t, w in lines]
    r.shuffle(asked)
    return ENDS + "\n\n" + "\n".join(x[2] for x in lines), "Write each word after its ends.", asked[:n], chat


def names(r, length, stage):
    n = max(4, int((length - 60) / (14 + 13)))
    used, lines, asked, last = set(), [], [], []
    for _ in range(n):
        while True:
            name = letters(r, 5)
            if name not in used:
                break
        used.add(name)
        if last and r.random() < 0.6:
            of = last.pop(int(r.random() * len(last)))
            lines.append("VAR %s = VAR %s" % (name, of))
            asked.append((of + ":\n", name))
        else:
            v = str(10000 + int(r.random() * 90000))
            lines.append("VAR %s = %s" % (name, v))
            asked.append((v + ":\n", name))
        last.append(name)
    r.shuffle(asked)
    return "\n".join(lines), "Write after each value or variable what is set to it.", asked, False


def starts(r, length, stage):
    longest = LONGEST[min(stage + 2, STAGES - 1)]
    words = [letters(r, max(5, longest - 6) + int(r.random() * 7)) for _ in range(int((length - 60) / (longest + 3)))]
    return None, "Write words, and after each its start.", [(w + "\n", w[:4]) for w in words], False


DRILLS = {"ends": ends, "both": both, "starts": starts, "names": names}


def row(r, tok, name, length, stage, task_id):
    """(ids, answers) of at most length tokens, answers as in batch.Row."""
    context, ask, pairs, chat = DRILLS[name](r, length, stage)

    def enc(s):
        return tok.t.encode(s, add_special_tokens=False).ids
    context = context + "\n\n" if context else ""
    ids = [] if chat else tok.user + enc(context + ask) + tok.reply
    answers = []
    for cue, line in pairs:
        if chat:
            c = tok.user + enc(context + cue) + tok.reply
            w = enc(line) + tok.close
            if ids:
                c = tok.nl + c
            context = ""
        else:
            c, w = enc(cue), enc("\n" + line + "\n")[1:]      # as it stands in the list: after a line break
        if len(ids) + len(c) + len(w) + 2 > length:
            break
        ids += c
        answers.append((len(ids), len(ids) + len(w), task_id))
        ids += w
    if not answers:
        return None
    if not chat:
        ids += tok.close
    return ids[:length], answers
