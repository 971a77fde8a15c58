#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every string can be translated, and every language of LINGUAS translates every string.

check.py SOURCE-ROOT: what the sources say now is extracted, the .po files are merged with it, and a string
that is missing, fuzzy, empty or whose format differs fails; so does a source file that POTFILES.in forgets,
or a string that a macro cuts in two."""
import os
import re
import subprocess
import sys
import tempfile

ROOT = sys.argv[1]
PO = os.path.join(ROOT, "po")
KEYWORDS = ["_", "N_", "C_:1c,2", "NC_:1c,2", "ngettext:1,2", "g_dngettext:2,3"]
TRANSLATABLE = re.compile(r'(?<![A-Za-z0-9_])(?:_|N_|C_|NC_|ngettext) ?\(|translatable="(?:yes|true)"')
# "..." G_GINT64_FORMAT "...": gettext sees only the first piece.
CUT = re.compile(r'(?<![A-Za-z0-9_])(?:_|N_|ngettext) ?\((?:[^()"]|"(?:[^"\\]|\\.)*")*"\s*'
                 r'(?:G_G|PRI)[A-Z0-9_a-z]+')


def run(*args):
    done = subprocess.run(args, capture_output=True, text=True, cwd=ROOT,
                          env=dict(os.environ, LC_ALL="C.UTF-8"))
    if done.returncode:
        sys.exit(f"{' '.join(args)}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def lines(name):
    with open(os.path.join(PO, name), encoding="utf-8") as f:
        return [line.strip() for line in f if line.strip() and not line.startswith("#")]


problems = []
listed = lines("POTFILES.in")
if listed != sorted(set(listed)):
    problems.append("POTFILES.in is not sorted")
for name in listed:
    if not os.path.exists(os.path.join(ROOT, name)):
        problems.append(f"POTFILES.in lists {name}, which is not there")
for folder, folders, names in os.walk(os.path.join(ROOT, "app")):
    # The terminal program speaks English only.
    folders[:] = [d for d in folders if d not in ("cli", "eval")]
    for name in sorted(n for n in names if n.endswith((".c", ".ui"))):
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        relative = os.path.relpath(path, ROOT)
        if TRANSLATABLE.search(text) and relative not in listed:
            problems.append(f"POTFILES.in forgets {relative}")
        for cut in CUT.finditer(text):
            problems.append(f"{relative}: a macro inside a translated string: {cut[0][:60]!r}")

with tempfile.TemporaryDirectory() as tmp:
    pot = os.path.join(tmp, "longwave.pot")
    run("xgettext", "--files-from=po/POTFILES.in", "--from-code=UTF-8", "--add-comments=Translators",
        "--package-name=longwave", "-o", pot, *("--keyword=" + k for k in KEYWORDS),
        "--flag=g_strdup_printf:1:c-format", "--flag=g_string_append_printf:2:c-format")
    languages = lines("LINGUAS")
    for wanted in ("de", "zh_CN"):
        if wanted not in languages:
            problems.append(f"LINGUAS lacks {wanted}")
    for language in languages:
        merged = os.path.join(tmp, language + ".po")
        run("msgmerge", "--quiet", "--no-fuzzy-matching", "-o", merged, f"po/{language}.po", pot)
        run("msgfmt", "--check", "-o", os.path.join(tmp, "x.mo"), merged)
        for kind in ("--untranslated", "--only-fuzzy"):
            left = re.findall(r'^msgid (?!""$)"(.*)"$|^msgid ""\n"(.*)"$',
                              run("msgattrib", kind, "--no-obsolete", merged), re.M)
            problems += [f"{language}.po: not translated: {a or b}" for a, b in left]

for problem in problems:
    print(problem)
sys.exit(bool(problems))
