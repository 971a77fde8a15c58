# SPDX-License-Identifier: GPL-3.0-or-later
"""The generators as training has them: built by the very lines in app/eval/export.h, without meson.

    LW_SOURCE=. python3 tests/model/generators.py

The library opens in Python and gives the bytes of tests/unit/eval-golden.h.  TAP on stdout.
"""
import ctypes
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["LW_SOURCE"]).resolve()


def commands():
    """What export.h tells to type, in order: first the letters, then the library."""
    text = (SOURCE / "app/eval/export.h").read_text()
    letters = re.search(r"after `([^`]+)`", text).group(1)
    build = re.search(r"^ \*   (cc .*?)\n \*\n", text, re.S | re.M).group(1).replace("\n *", "\n")
    return letters, build


def build(folder):
    """Runs them in a folder with links to the source, so that nothing is written there."""
    for name in ("app", "data", "engine"):
        (folder / name).symlink_to(SOURCE / name)
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    for line in commands():
        done = subprocess.run(["bash", "-c", line], cwd=folder, env=env, capture_output=True, text=True,
                              timeout=300)
        if done.returncode:
            sys.exit("Bail out! %s: %s" % (line, done.stderr[-2000:]))
    library = ctypes.CDLL(str(folder / "liblw-generators.so"))
    library.lw_eval_json.restype = ctypes.c_void_p
    library.lw_eval_json.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                                     ctypes.c_char_p, ctypes.c_uint64, ctypes.c_int]
    library.lw_eval_json_free.argtypes = [ctypes.c_void_p]
    return library


def sample(library, task, seed, units, turns, hard, side):
    at = library.lw_eval_json(task.encode(), units, turns, hard, None, seed, side)
    text = ctypes.string_at(at)
    library.lw_eval_json_free(at)
    return text


def main():
    with tempfile.TemporaryDirectory(prefix="lw-generators-") as name:
        library = build(pathlib.Path(name))
    golden = re.findall(r'^\{"(\w+)", (\d+), (\d+), (\d+), (TRUE|FALSE), "(\w+)"\}',
                        (SOURCE / "tests/unit/eval-golden.h").read_text(), re.M)
    failed = len(golden) < 10
    print("1..%d" % (len(golden) + 1))
    for i, (task, seed, units, turns, hard, expected) in enumerate(golden):
        text = sample(library, task, int(seed), int(units), int(turns), hard == "TRUE", i % 2)
        good = hashlib.sha256(text).hexdigest() == expected and json.loads(text)["task"] == task
        failed |= not good
        print("%s %d %s of seed %s has the bytes that test-eval knows"
              % ("ok" if good else "not ok", i + 1, task, seed))
    good = "no task" in json.loads(sample(library, "no such", 1, 1, 1, 0, 0)).get("error", "")
    print("%s %d a task that is not there is an error" % ("ok" if good else "not ok", len(golden) + 1))
    sys.exit(1 if failed or not good else 0)


main()
