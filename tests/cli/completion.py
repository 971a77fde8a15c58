#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Completion in bash, zsh and fish, as the shells themselves do it."""
import os
import pathlib
import shutil
import subprocess

from lwtest import LIMIT, LW, Skip, main, test

FOLDER = pathlib.Path(os.environ["LW_SOURCE"]) / "data" / "completions"
BIN = os.path.dirname(LW)


def shell(name, script):
    if not shutil.which(name):
        raise Skip(f"{name} is not installed")
    env = dict(os.environ, PATH=BIN + ":" + os.environ["PATH"], LC_ALL="C.UTF-8")
    done = subprocess.run([name, "-c", script], env=env, capture_output=True, text=True, timeout=LIMIT,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def bash(*words):
    quoted = " ".join(f"'{w}'" for w in words)
    return shell("bash", f"source '{FOLDER}/lw.bash'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _lw; "
                         'printf "%s\\n" "${COMPREPLY[@]}"')


@test
def bash_completes_verbs_options_and_models():
    assert bash("lw", "tok") == ["tokenize"]
    assert {"run", "models", "info", "bench", "--version"} <= set(bash("lw", ""))
    assert bash("lw", "help", "be") == ["bench"]
    assert bash("lw", "run", "--im") == ["--image"]
    assert {"--model", "-m", "--seed", "--json-schema"} <= set(bash("lw", "run", "-"))
    assert "--seed" not in bash("lw", "info", "-")
    assert bash("lw", "run", "-m", "Long") == ["Longwave\\ Mini"]
    assert bash("lw", "run", "--attn", "d") == ["dense"]
    assert bash("lw", "eval", "prefix") == ["prefix_suffix"]
    assert {"text", "visual", "all", "kv", "vt"} <= set(bash("lw", "eval", "kv", ""))
    assert "--oracle" in bash("lw", "eval", "--or")
    assert bash("lw", "info", "Long") == ["Longwave\\ Mini"]


@test
def fish_completes_verbs_options_and_models():
    def complete(line):
        found = shell("fish", f"source '{FOLDER}/lw.fish'; complete -C '{line}'")
        return {f.split("\t")[0] for f in found}
    assert "tokenize" in complete("lw tok")
    assert "--image" in complete("lw run --im")
    assert {"kv", "text"} <= complete("lw eval ")
    assert "Longwave Mini" in complete("lw run -m Long") or "Longwave\\ Mini" in complete("lw run -m Long")


@test
def zsh_reads_its_file():
    assert shell("zsh", f"zmodload zsh/complist; autoload -Uz compinit; zsh -n '{FOLDER}/_lw' && echo fine") == ["fine"]


main()
