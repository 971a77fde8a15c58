#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""lw eval: oracles, resuming, Ctrl-C, paired modes, and what is said when something is wrong."""
import json
import re
import signal
import subprocess
import xml.etree.ElementTree

from lwtest import ENV, LIMIT, LW, MODEL, TMP, check_failure, endless_model, fails, main, test, wait_until, works

SMALL = ("eval", "kv,vt", "-m", MODEL, "--units", "8", "--turns", "3", "--sessions", "2", "-t", "1")


def figures(*args):
    return json.loads(works(*args, "--json").out)


def answers(folder):
    """Question -> what was answered, without times."""
    found = {}
    for line in (folder / "results.jsonl").read_text().splitlines():
        r = json.loads(line)
        if r["what"] == "turn":
            key = tuple(r[k] for k in ("task", "size", "attention", "session", "turn"))
            found[key] = {k: v for k, v in r.items() if not k.endswith("_seconds") and k != "first_token"}
    return found


def so_far(folder):
    """What a program that still runs has written; the end may be half a line, and half a character."""
    try:
        return (folder / "results.jsonl").read_bytes()
    except FileNotFoundError:
        return b""


def without_times(found):
    for cell in found["cells"]:
        del cell["first_token_seconds"], cell["tokens_per_second"]
    return found


@test
def tasks_are_listed():
    listed = works("eval", "--list").out
    assert re.search(r"^text\n  kv +\w", listed), listed
    assert "\nvisual\n" in listed
    for word in ("kv", "prefix_suffix", "vt"):
        assert f"  {word} " in listed


@test
def oracles_score_all_and_nothing():
    perfect = figures("eval", "text", "--oracle", "perfect", "--lengths", "2k", "--sessions", "3")
    names = {c["task"] for c in perfect["cells"]}
    assert names >= {"kv", "prefix_suffix", "vt"}, names
    assert perfect["model"] is None and perfect["complete"]
    for cell in perfect["cells"]:
        assert cell["mean"] == 1.0 and cell["n"] == 15 and cell["high"] == 1.0, cell
        assert [t["mean"] for t in cell["by_turn"]] == [1.0] * 5, cell
        assert (cell["depth_least"], cell["depth_spread"]) in ((1.0, 0.0), (None, None)), cell
    empty = figures("eval", "text", "--oracle", "empty", "--lengths", "2k", "--sessions", "3")
    for cell in empty["cells"]:
        assert cell["mean"] == 0.0 and cell["low"] == 0.0 and cell["n"] == 15, cell
    text = works("eval", "kv", "--oracle", "perfect", "--lengths", "2k", "--sessions", "1")
    assert re.search(r"^kv +2,048 +auto +5 +100\.0 ", text.out, re.M), text.out
    # A model lends its tokenizer: lengths are exact then.
    lent = figures("eval", "kv", "-m", MODEL, "--oracle", "perfect", "--lengths", "3k", "--sessions", "2")
    assert all(2900 < s["tokens"] <= 3072 for s in lent["samples"]), lent["samples"]


@test
def both_modes_and_what_they_reuse():
    turns, requests = figures(*SMALL), figures(*SMALL, "--mode", "requests")
    for found in (turns, requests):
        assert [(c["task"], c["units"], c["n"]) for c in found["cells"]] == [("kv", 8, 6), ("vt", 8, 6)]
        for cell in found["cells"]:
            assert cell["missed_tokens"] == 0, cell
            assert cell["kv_bytes"] > 0 and cell["tokens_per_second"] > 0
            assert len(cell["first_token_seconds"]) == 3
        assert len({s["sha256"] for s in found["samples"]}) == 4
        assert all(s["turns"] == 3 and s["units"] >= 8 for s in found["samples"])
    assert [s["sha256"] for s in turns["samples"]] == [s["sha256"] for s in requests["samples"]]
    assert 0.5 < turns["cells"][0]["reused_later"] < 1 and turns["cells"][0]["reused"] < 0.9
    assert requests["cells"][0]["reused"] > turns["cells"][0]["reused"]
    text = works(*SMALL).out
    for heading in ("percent right by turn", "percent right by depth", "seconds to the first token"):
        assert heading in text


@test
def the_same_whatever_runs_beside():
    one, four = TMP / "one", TMP / "four"
    a = figures(*SMALL, "--out", one)
    b = figures(*SMALL, "--out", four, "--jobs", "4")
    del a["device"], b["device"]
    assert without_times(a) == without_times(b)
    assert answers(one) == answers(four) and len(answers(one)) == 12
    other = figures(*SMALL, "--seed", "2")
    assert {s["sha256"] for s in other["samples"]}.isdisjoint({s["sha256"] for s in a["samples"]})


@test
def a_mode_does_not_differ_from_itself():
    found = figures(*SMALL, "--attn", "dense,dense")
    assert [c["attention"] for c in found["cells"]] == ["dense", "dense#2"] * 2
    for pair in found["differences"]:
        assert (pair["a"], pair["b"], pair["n"]) == ("dense", "dense#2", 6)
        assert pair["difference"] == pair["low"] == pair["high"] == 0 == pair["better"] == pair["worse"]
    assert found["differences"][0]["mcnemar_p"] == 1.0 and found["differences"][1]["mcnemar_p"] is None
    assert "dense#2 - dense: +0.0 (+0.0 to +0.0)" in works(*SMALL, "--attn", "dense,dense").out


@test
def everything_kept_is_dense():
    folder = TMP / "kept"
    found = figures(*SMALL, "--attn", "dense,window:all,random:100%,window:0+1", "--out", folder)
    assert [p["b"] for p in found["differences"]] == ["window:all", "random:100%", "window:0+1"] * 2
    said = answers(folder)
    for (task, size, mode, *which), answer in said.items():
        if mode in ("window:all", "random:100%"):
            assert answer["reply"] == said[(task, size, "dense", *which)]["reply"]
    assert any(a["reply"] != said[(k[0], k[1], "dense", *k[3:])]["reply"] for k, a in said.items() if k[2] == "window:0+1")


@test
def resuming_equals_going_through():
    whole, parts = TMP / "whole", TMP / "parts"
    through = without_times(figures(*SMALL, "--out", whole))
    figures("eval", "vt", *SMALL[2:], "--out", parts)  # half of the tasks
    lines = so_far(parts).splitlines(keepends=True)
    # As a kill in the middle of a sample leaves it: a question is missing, and half a line is there, of a reply
    # of which half a character is.
    turns = [i for i, line in enumerate(lines) if b'"what":"turn"' in line]
    half = re.match(rb'.*"reply":"', lines[turns[-1]])[0] + "\N{EURO SIGN}".encode()[:2]
    (parts / "results.jsonl").write_bytes(b"".join(lines[:turns[-1]]) + half)
    resumed = without_times(figures(*SMALL, "--out", parts, "--resume"))
    assert resumed == through
    assert answers(parts) == answers(whole) and len(answers(whole)) == 12
    # Nothing is left to do, and nothing is done.
    size = (parts / "results.jsonl").stat().st_size
    assert without_times(figures(*SMALL, "--out", parts, "--resume")) == through
    assert (parts / "results.jsonl").stat().st_size == size
    fails((*SMALL, "--out", parts), "--resume")
    fails((*SMALL, "--out", parts, "--resume", "--seed", "9"), 'seed "1", not "9"')
    fails((*SMALL, "--out", parts, "--resume", "--mode", "requests"), 'mode "turns", not "requests"')
    # More sessions go on from there.
    more = figures(*SMALL, "--out", parts, "--resume", "--sessions", "3")
    assert [c["n"] for c in more["cells"]] == [9, 9]


@test
def ctrl_c_keeps_and_prints_what_is_done():
    folder = TMP / "stopped"
    # A random model without an end goes on to the cap of every reply.
    args = ("eval", "kv", "-m", endless_model(), "--units", "40", "--turns", "4", "--sessions", "500", "-t", "1")
    running = subprocess.Popen([LW, *map(str, args), "--out", str(folder)], env=ENV, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    try:
        # As soon as some answers are there.
        wait_until(lambda: running.poll() is not None or so_far(folder).count(b'"what":"turn"') >= 6)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=LIMIT)
    finally:
        running.kill()
    running.err = err.decode()
    check_failure(args, running, (r"\d+ of 500 samples asked; --out \S+ --resume goes on: stopped",))
    kept = answers(folder)
    assert 6 <= len(kept) < 2000
    n = int(re.search(r"^kv +40 +auto +(\d+) ", out.decode(), re.M)[1])
    assert n == len(kept), (n, len(kept))
    resumed = figures(*args[:-3], str(max(k[3] for k in kept) + 1), "-t", "1", "--out", folder, "--resume")
    again = answers(folder)
    assert all(again[k] == kept[k] for k in kept)
    assert resumed["complete"] and resumed["cells"][0]["n"] == len(again) >= len(kept)


@test
def a_picture_of_it():
    path = TMP / "heat.svg"
    works(*SMALL, "--attn", "auto,dense", "--svg", path)
    root = xml.etree.ElementTree.parse(path).getroot()
    assert root.tag.endswith("svg")
    text = " ".join(e.text or "" for e in root.iter())
    for words in ("kv, auto", "vt, dense", "percent right", "8 units, depth 0–20 %"):
        assert words in text, words
    fails((*SMALL, "--svg", TMP / "no" / "where.svg"), "--svg", "where.svg")


@test
def what_does_not_fit():
    done = works("eval", "kv", "-m", MODEL, "--lengths", "700", "--turns", "9", "--sessions", "1", "-t", "1")
    assert re.search(r"kv, 700 tokens: no more than \d of 9 questions fit", done.err), done.err
    fails(("eval", "kv", "-m", MODEL, "--lengths", "20"), "nothing could be asked")
    both = works("eval", "kv", "-m", MODEL, "--lengths", "20,2k", "--turns", "1", "--sessions", "1", "-t", "1")
    assert "left out: kv: 1 question and the least context" in both.err and "more than 20" in both.err, both.err


@test
def published_files_are_asked():
    path = TMP / "scbench_kv.jsonl"
    sessions = []
    for number, pairs in enumerate((3, 400, 3)):
        keys = [f"key-{number}-{i}" for i in range(pairs)]
        context = json.dumps({k: f"value-{k}" for k in keys})
        sessions.append(json.dumps({"id": number, "context": context, "multi_turns": [
            {"input": f'Key: "{k}"', "answer": f"value-{k}"} for k in (keys[0], keys[-1])]}))
    path.write_text("\n".join([sessions[0], "{broken", sessions[1], "", sessions[2]]) + "\n")
    perfect = figures("eval", "--data", path, "--oracle", "perfect")
    cell, = perfect["cells"]
    assert (cell["task"], cell["n"], cell["sessions"], cell["mean"]) == ("scbench_kv", 6, 3, 1.0), cell
    done = works("eval", "--data", path, "-m", MODEL, "--lengths", "2k", "-t", "1", "--turns", "1", "--json")
    assert "scbench_kv.jsonl, line 2" in done.err and "session 2: " in done.err and "more than 2048" in done.err, done.err
    found = json.loads(done.out)
    assert [c["n"] for c in found["cells"]] == [2] and not found["complete"]
    folder = TMP / "published"
    figures("eval", "--data", path, "-m", MODEL, "--lengths", "2k", "-t", "1", "--sessions", "1", "--out", folder)
    figures("eval", "--data", path, "-m", MODEL, "--lengths", "2k", "-t", "1", "--jobs", "2", "--out", folder, "--resume")
    assert sorted(k[3:] for k in answers(folder)) == [(0, 0), (0, 1), (3, 0), (3, 1)]
    fails(("eval", "kv", "--data", path, "--oracle", "perfect"), "in place of a suite")
    fails(("eval", "--data", path, "--lengths", "1k,2k", "--oracle", "perfect"), "one length")
    fails(("eval", "--data", TMP / "scbench_what.jsonl", "--oracle", "perfect"), "scbench_what.jsonl")
    (TMP / "scbench_vt.jsonl").write_text("{}\n")
    fails(("eval", "--data", TMP / "scbench_vt.jsonl", "--oracle", "perfect"), "no session in it can be read")


@test
def attention_is_weighed():
    found = figures("eval", "mass", "-m", MODEL, "--units", "10", "--sessions", "1", "-t", "1")
    cell, = found["cells"]
    assert (cell["task"], cell["units"]) == ("kv", 10) and found["shares"] == [0.001, 0.01, 0.05]
    heads = {(h["layer"], h["head"]) for h in cell["heads"]}
    assert len(heads) == len(cell["heads"]) >= 4
    for head in cell["heads"]:
        for rows in (head["question"], head["answer"]):
            assert rows["rows"] > 5 and 0 < rows["top"][0] < rows["top"][1] < rows["top"][2] <= 1.001, head
    text = works("eval", "mass", "vt", "-m", MODEL, "--units", "10", "--sessions", "2", "-t", "1").out
    assert "vt, 10 units, 2 samples" in text and re.search(r"^  all +\d", text, re.M), text
    fails(("eval", "mass", "--oracle", "perfect"), "--oracle")
    fails(("eval", "mass", "nothing", "-m", MODEL), '"nothing"')


@test
def bad_command_lines():
    fails(("eval",), "no suite given")
    fails(("eval", "nothing", "--oracle", "perfect"), '"nothing"', "--list")
    for bad, says in ((("--lengths", "4x"), '"4x"'), (("--lengths", "0"), '"0"'), (("--lengths", "17m"), '"17m"'),
                      (("--lengths", ","), "empty"), (("--lengths", "1k,1024"), "twice"),
                      (("--units", "-3"), '"-3"'), (("--units", "4", "--lengths", "1k"), "one or the other"),
                      (("--turns", "0"), "--turns 0: not from 1 to"), (("--turns", "65"), "65"),
                      (("--sessions", "-1"), "--sessions -1"), (("--jobs", "0"), "--jobs 0"),
                      (("--threads", "-2"), "--threads -2"), (("--seed", "-1"), "--seed -1"),
                      (("--mode", "both"), "--mode both"), (("--oracle", "wise"), "--oracle wise"),
                      (("--strict", "--compat"), "one or the other"), (("--resume",), "--out"),
                      (("--mode", "requests", "--own-answers"), "--own-answers"), (("--kv", "q9"), "q9"),
                      (("--attn", "dense,,dense"), "empty name"), (("--variant", "odd"), '"odd"')):
        fails(("eval", "kv", "--oracle", "perfect", *bad), says)
    fails(("eval", "kv", "-m", MODEL, "--attn", "dense,wrong"), '"wrong"')
    fails(("eval", "kv", "-m", "/nowhere.gguf"), "nowhere.gguf")
    fails(("eval", "kv", "--oracle", "perfect", "--out", "/dev/null/x"), "/dev/null/x")
    fails(("eval", "--list", "kv"), '"kv"')


if __name__ == "__main__":
    main()
