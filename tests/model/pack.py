# SPDX-License-Identifier: GPL-3.0-or-later
"""The default model, asked through the real `lw`, on held-out pictures and films (data/model/eval).

    LW_BIN=build/app/cli/lw python3 tests/model/pack.py

An answer is right when the words that carry it are the expected ones, in order (questions.json says
how).  Pass: at least 9 in 10 over all, the bar the model was accepted with.  TAP on stdout.
"""
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "..", "..", "data", "model")
PACK = os.path.join(MODEL, "eval")
BAR = 0.9


def content(answer, task, pack):
    fill = set(pack["filler"])
    if task in pack["filler_keeps_first"]:
        fill.discard("first")
    return [w for w in re.findall(r"[^\W_]+", answer.lower()) if w not in fill]


def ask(lw, model, sample):
    command = [lw, "run", "-m", model]
    for name in sample.get("images", []):
        command += ["--image", os.path.join(PACK, name)]
    if "video" in sample:
        command += ["--video", os.path.join(PACK, sample["video"])]
    done = subprocess.run(command + ["--", sample["question"]], capture_output=True, text=True, timeout=120)
    if done.returncode:
        return "(%s)" % done.stderr.strip()
    return done.stdout.strip()


def main():
    lw, model = os.environ["LW_BIN"], os.path.join(MODEL, "longwave-mini.gguf")
    if not os.path.exists(model):
        print("1..0 # SKIP there is no data/model/longwave-mini.gguf")
        return
    with open(os.path.join(PACK, "questions.json")) as f:
        pack = json.load(f)
    by_task = {}
    for s in pack["samples"]:
        got = ask(lw, model, s)
        right = content(got, s["task"], pack) == s["content"]
        by_task.setdefault(s["task"], []).append(right)
        if not right:
            print("# %s %s: %s -> %s (expected %s)" % (s["id"], s["task"], s["question"], got, s["answer"]))
    for task, results in sorted(by_task.items()):
        print("# %-14s %d of %d" % (task, sum(results), len(results)))
    right, n = sum(map(sum, by_task.values())), len(pack["samples"])
    print("# all            %d of %d (%.1f %%), bar %.0f %%" % (right, n, 100 * right / n, 100 * BAR))
    print("%sok 1 - held-out questions through lw" % ("" if right >= BAR * n else "not "))
    print("1..1")
    sys.exit(right < BAR * n)


main()
