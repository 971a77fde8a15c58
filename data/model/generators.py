# SPDX-License-Identifier: GPL-3.0-or-later
"""The evaluation's own generators (app/eval, in C), drawn from their training side.

liblw-generators.so comes from the build (ninja app/eval/liblw-generators.so) or from the lines in
app/eval/export.h; LW_GENERATORS names another place.
"""
import ctypes
import json
import os

import numpy as np

from layout import GROUND_W, SHAPE_W, TEXT_W

HERE = os.path.dirname(os.path.abspath(__file__))
TRAIN = 1
_lib = None


class Visual(ctypes.Structure):
    """LwEvalVisual of app/eval/visual.h"""
    _fields_ = [(n, ctypes.c_int) for n in ("n_frames", "width", "height", "n_shapes_max", "n_texts_max")] + \
               [(n, ctypes.POINTER(ctypes.c_float)) for n in ("ground", "shapes", "texts")] + [("json", ctypes.c_char_p)]


def library():
    global _lib
    if _lib is None:
        path = os.environ.get("LW_GENERATORS") or os.path.join(HERE, "../../build/app/eval/liblw-generators.so")
        _lib = ctypes.CDLL(path)
        _lib.lw_eval_json.restype = ctypes.c_void_p
        _lib.lw_eval_json.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_char_p,
                                      ctypes.c_uint64, ctypes.c_int]
        _lib.lw_eval_json_free.argtypes = [ctypes.c_void_p]
        _lib.lw_eval_task_names.restype = ctypes.c_char_p
        _lib.lw_eval_visual.restype = ctypes.POINTER(Visual)
        _lib.lw_eval_visual.argtypes = _lib.lw_eval_json.argtypes
        _lib.lw_eval_visual_free.argtypes = [ctypes.POINTER(Visual)]
    return _lib


def tasks():
    return library().lw_eval_task_names().decode().split()


def text_sample(task, units, turns, seed, hard=0, variant=None, side=TRAIN):
    """A sample as a dictionary; ValueError with the generator's own words."""
    lib = library()
    p = lib.lw_eval_json(task.encode(), units, turns, hard, variant.encode() if variant else None, seed, side)
    s = json.loads(ctypes.string_at(p))
    lib.lw_eval_json_free(p)
    if "error" in s:
        raise ValueError(s["error"])
    return s


def visual_sample(task, units, turns, seed, hard=0, variant=None, side=TRAIN):
    """(sample, ground [n, 12], shapes [n, s, 13], texts [n, k, 21], width, height)"""
    lib = library()
    p = lib.lw_eval_visual(task.encode(), units, turns, hard, variant.encode() if variant else None, seed, side)
    try:
        v = p.contents
        s = json.loads(v.json)
        if "error" in s:
            raise ValueError(s["error"])

        def rows(x, *shape):
            return np.ctypeslib.as_array(x, shape).copy() if all(shape) else np.zeros(shape, np.float32)
        return (s, rows(v.ground, v.n_frames, GROUND_W), rows(v.shapes, v.n_frames, v.n_shapes_max, SHAPE_W),
                rows(v.texts, v.n_frames, v.n_texts_max, TEXT_W), v.width, v.height)
    finally:
        lib.lw_eval_visual_free(p)
