#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The man page and --help name the same verbs and the same options."""
import os
import pathlib
import re

from lwtest import main, test, works

ROOT = pathlib.Path(os.environ["LW_SOURCE"])


def help_options(verb):
    found = set()
    for line in works(verb, "--help").out.splitlines():
        match = re.match(r"\s+(?:(-\w), )?(--[a-z][a-z0-9-]*)", line)
        if match:
            found |= {o for o in match.groups() if o}
    return found - {"-h", "--help"}


def man_sections():
    """Verb -> options, as the page's `.Ss lw VERB` sections list them."""
    sections, verb = {}, None
    for line in (ROOT / "data" / "man" / "lw.1").read_text().splitlines():
        if line.startswith((".Ss ", ".Sh ")):
            words = line.split()
            verb = words[2] if words[:2] == [".Ss", "lw"] else None
            if verb:
                sections[verb] = set()
        elif verb and line.startswith(".It Fl"):
            sections[verb] |= {"-" + o for o in re.findall(r"Fl (-?[\w-]+)", line)}
    return sections


def listed_verbs():
    return re.findall(r"^  (\w+) ", works("--help").out, re.M)


@test
def man_page_has_every_verb():
    assert sorted(man_sections()) == sorted(listed_verbs())


@test
def man_page_has_every_option():
    sections = man_sections()
    for verb in listed_verbs():
        if verb != "help":
            assert sections[verb] == help_options(verb), (verb, sections[verb] ^ help_options(verb))


@test
def readme_names_only_what_there_is():
    text = (ROOT / "README.md").read_text()
    verbs = set(listed_verbs())
    used = re.findall(r"\blw (run|[a-z]+)((?: -{1,2}[\w-]+)*)", text)
    assert used
    for verb, _ in used:
        assert verb in verbs, f"README.md: lw {verb}"
    for block in re.findall(rf"(?:lw|build-aux/run)(?: ({'|'.join(verbs)}))? ([^\n`]*)", text):
        verb, rest = block[0] or "run", block[1]
        for option in re.findall(r"(?<!\S)(--[a-z][a-z0-9-]*)", rest):
            assert option in help_options(verb) | {"--help", "--version"}, f"README.md: {verb} {option}"


if __name__ == "__main__":
    main()
