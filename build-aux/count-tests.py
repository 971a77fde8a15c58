#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count what meson's test runs did, subtests of TAP programs one by one, and say what was skipped, and what passed
only when it was run again (a line "unsteady: why").

Usage: count-tests.py LABEL=BUILD_FOLDER...

The last line is "N passed, N failed, N skipped"; the exit status is 1 when something failed or when a
folder holds no results.
"""
import json
import pathlib
import re
import sys

POINT = re.compile(r"^(?P<no>not )?ok\b\s*\d*\s*-?\s*(?P<name>[^#]*?)\s*(?:#\s*(?P<note>.*))?$")
SKIP_ALL = re.compile(r"^1\.\.0\b\s*(?:#\s*(?:skip\S*\s*)?(?P<why>.*))?$", re.IGNORECASE)


def points(text):
    """Yield (state, name, reason) for every TAP line at the outer level."""
    for line in text.splitlines():
        whole = SKIP_ALL.match(line)
        if whole:
            yield "skipped", "", whole["why"] or "no reason given"
        point = POINT.match(line)
        if not point:
            continue
        note = point["note"] or ""
        if note.lower().startswith("skip"):
            yield "skipped", point["name"], note[4:].lstrip(" :") or "no reason given"
        elif note.lower().startswith("todo"):
            yield "skipped", point["name"], note
        else:
            yield "failed" if point["no"] else "passed", point["name"], ""


def count(label, folder, totals):
    log = pathlib.Path(folder) / "meson-logs" / "testlog.json"
    if not log.exists():
        print(f"failed: {label}: no results in {log}")
        totals["failed"] += 1
        return
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        test = json.loads(line)
        seen = {"passed": 0, "failed": 0, "skipped": 0}
        for state, name, reason in points(test.get("stdout") or ""):
            seen[state] += 1
            if state != "passed":
                print(f"{state}: {label}: {test['name']} {name}{': ' if reason else ''}{reason}")
        for why in re.findall(r"^unsteady: (.*)", test.get("stdout") or "", re.MULTILINE):
            print(f"unsteady: {label}: {test['name']}: {why}")
        result = test["result"]
        good = result in ("OK", "EXPECTEDFAIL")
        if not good and result != "SKIP" and not seen["failed"]:
            seen["failed"] += 1  # crashed, timed out, or exited non-zero after its last point
            print(f"failed: {label}: {test['name']}: {result}")
        elif not any(seen.values()):
            seen["passed" if good else "skipped"] += 1
            if not good:
                said = (test.get("stdout") or "").strip().splitlines()
                print(f"skipped: {label}: {test['name']}: {said[-1] if said else 'no reason given'}")
        for state, n in seen.items():
            totals[state] += n


def main():
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for argument in sys.argv[1:]:
        label, _, folder = argument.partition("=")
        count(label, folder, totals)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**totals))
    return 1 if totals["failed"] or not totals["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
