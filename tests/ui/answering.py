# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that answer in tests."""

import glob
import os
import shutil
import sys

from desktop import run
from endless_model import make_endless, make_looping

TMP = os.environ["TMPDIR"]
FIXTURES = os.environ["LW_FIXTURES"]


def make_model():
    """The one that comes with the program, else a tiny random one."""
    own = [p for p in glob.glob(os.path.join(os.environ["LW_DEFAULT_MODEL_FOLDER"], "*.gguf"))
           if not os.path.basename(p).startswith("mmproj")]
    if own:
        return own[0]
    folder = os.path.join(TMP, "model")
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(FIXTURES, "a-text-f16.gguf"), os.path.join(folder, "tiny.gguf"))
    return os.path.join(folder, "tiny.gguf")


def make_slow_model():
    """Random weights that never end their turn, slow enough to be stopped by hand."""
    folder = os.path.join(TMP, "endless")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "endless.gguf")
    run(sys.executable, os.environ["LW_MAKE_RANDOM"], "--preset", "0.5b", "--type", "q8_0", "--layers",
        "4", "--vocab", "2048", "--context", "16384", path)
    make_endless(path)
    return path


def make_wide_model():
    """Random weights that never end their turn, small and fast, for very long chats."""
    folder = os.path.join(TMP, "wide")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "wide.gguf")
    run(sys.executable, os.environ["LW_MAKE_RANDOM"], "--preset", "tiny", "--type", "q8_0", "--layers", "1",
        "--context", "200000", path)
    make_endless(path)
    return path


def make_looping_model():
    """An answer that says the same few words again and again."""
    folder = os.path.join(TMP, "looping")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "looping.gguf")
    run(sys.executable, os.environ["LW_MAKE_RANDOM"], "--preset", "tiny", "--type", "q8_0", "--layers", "1",
        "--temp", "0", "--context", "16384", path)
    make_looping(path)
    return path
