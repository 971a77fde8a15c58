# SPDX-License-Identifier: GPL-3.0-or-later
"""Driving the real `lw`: TAP output, runs with a time limit, and files to feed it.

The environment names the program (LW_BIN) and the tiny models (LW_FIXTURES, made by tests/golden).
Only Python's standard library is used.
"""
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib

LW = os.environ["LW_BIN"]
FIXTURES = pathlib.Path(os.environ["LW_FIXTURES"])
# A hang is a failure; no test depends on how fast the machine is below this.
LIMIT = 120

TMP = pathlib.Path(tempfile.mkdtemp(prefix="lw-cli-"))
ENV = {k: v for k, v in os.environ.items() if not k.startswith(("LW_", "XDG_", "LC_", "LANG", "OLLAMA"))}
ENV.update(LC_ALL="C.UTF-8", HOME=str(TMP), XDG_DATA_HOME=str(TMP / "data"), XDG_CACHE_HOME=str(TMP / "cache"),
           LW_DEFAULT_MODEL=str(TMP / "no-default.gguf"), LW_OLLAMA_SYSTEM="")

MODEL = FIXTURES / "a-text-f16.gguf"
MMPROJ = FIXTURES / "a-mmproj-f16.gguf"


class Skip(Exception):
    """A test that cannot run here, with the reason."""


_tests = []


def test(function):
    _tests.append(function)
    return function


def main():
    failed = 0
    try:
        print(f"1..{len(_tests)}")
        for number, function in enumerate(_tests, 1):
            name = function.__name__.replace("_", "-")
            try:
                function()
                print(f"ok {number} - {name}", flush=True)
            except Skip as reason:
                print(f"ok {number} - {name} # SKIP {reason}", flush=True)
            except Exception:
                failed += 1
                for line in traceback.format_exc().splitlines():
                    print(line, file=sys.stderr)  # meson shows this and not the TAP comments
                print(f"not ok {number} - {name}", flush=True)
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
    sys.exit(1 if failed else 0)


# ---- Running lw ----

def lw(*args, stdin=b"", stdout=subprocess.PIPE, env=None):
    """Run to the end; a crash, a hang or a sanitizer's report is an error whatever the test wants."""
    done = subprocess.run([LW, *map(str, args)], input=stdin, stdout=stdout, stderr=subprocess.PIPE,
                          env={**ENV, **(env or {})}, timeout=LIMIT, check=False)
    done.err = done.stderr.decode("utf-8", "replace")
    done.out = (done.stdout or b"").decode("utf-8", "replace")
    assert done.returncode in (0, 1), f"{args}: exit status {done.returncode}\n{done.err}"
    assert "Sanitizer" not in done.err and "runtime error" not in done.err, done.err
    return done


def works(*args, **kwargs):
    done = lw(*args, **kwargs)
    assert done.returncode == 0, f"{args}: {done.err}"
    assert not re.search("^lw: ", done.err, re.M), done.err
    return done


def check_failure(args, done, patterns):
    lines = [line for line in done.err.splitlines() if line.startswith("lw: ")]
    assert done.returncode == 1, f"{args}: exit status {done.returncode}\n{done.err}"
    assert len(lines) == 1, f"{args}: {len(lines)} lines of error\n{done.err}"
    assert done.err.endswith(lines[0] + "\n"), f"{args}: the error is not the last line\n{done.err}"
    for pattern in patterns:
        assert re.search(pattern, lines[0]), f"{args}: no {pattern!r} in {lines[0]!r}"
    return lines[0]


def fails(args, *patterns, **kwargs):
    """Exit status 1 and exactly one line "lw: ..." on stderr, the last one, matching every pattern."""
    return check_failure(args, lw(*args, **kwargs), patterns)


def wait_until(happened):
    """Ask until it is so, without taking the processor from the program that is waited for."""
    deadline = time.monotonic() + LIMIT
    while not happened():
        assert time.monotonic() < deadline, f"waited {LIMIT} s in vain"
        time.sleep(0.005)


# ---- Files ----

def write(name, data):
    path = TMP / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def copy(source, name):
    return write(name, pathlib.Path(source).read_bytes())


def endless_model():
    """The tiny model with no token that ends an answer: it goes on until the context is full."""
    data = MODEL.read_bytes()
    for known, unknown in ((b"ggml.eos_token_id", b"ggml.xos_token_id"), (b"<|im_end|>", b"<|im_enX|>"),
                           (b"<|endoftext|>", b"<|endofXext|>")):
        assert known in data
        data = data.replace(known, unknown)
    return write("endless.gguf", data)


def png(width, height, rows=None):
    """A PNG; without rows only a header that claims the size."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = zlib.compress(b"".join(b"\0" + row for row in rows) if rows else b"")
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def picture(name, width=64, height=48):
    rows = [bytes((x * 3 + y * 5 + c * 40) % 256 for x in range(width) for c in range(3))
            for y in range(height)]
    return write(name, png(width, height, rows))


SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q",
           12: "<d"}


class Gguf:
    """The key section of a GGUF file, to be written again with other values and other tensors."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        _, _, _, n_keys = struct.unpack_from("<4sIQQ", data)
        self.keys = {}  # name -> (type, raw bytes)
        at = 24
        for _ in range(n_keys):
            n, = struct.unpack_from("<Q", data, at)
            name = data[at + 8:at + 8 + n].decode()
            kind, = struct.unpack_from("<I", data, at + 8 + n)
            start = at + 12 + n
            at = self._end(data, start, kind)
            self.keys[name] = (kind, data[start:at])
        self.tensors = self._tensors(data, at)  # (name, dims, type, bytes)

    @staticmethod
    def _tensors(data, at):
        n_tensors, = struct.unpack_from("<Q", data, 8)
        found = []
        for _ in range(n_tensors):
            n, = struct.unpack_from("<Q", data, at)
            name = data[at + 8:at + 8 + n].decode()
            n_dims, = struct.unpack_from("<I", data, at + 8 + n)
            at += 12 + n
            *dims, kind, offset = struct.unpack_from(f"<{n_dims}QIQ", data, at)
            at += 8 * n_dims + 12
            found.append((name, dims, kind, offset))
        start = at + -at % 32
        # A tensor's bytes end where the next one begins: some padding may come along.
        ends = sorted(offset for *_, offset in found) + [len(data) - start]
        return [(name, dims, kind, data[start + offset:start + ends[ends.index(offset) + 1]])
                for name, dims, kind, offset in found]

    def _end(self, data, at, kind):
        if kind in SCALARS:
            return at + struct.calcsize(SCALARS[kind])
        if kind == 8:
            return at + 8 + struct.unpack_from("<Q", data, at)[0]
        element, count = struct.unpack_from("<IQ", data, at)
        at += 12
        if element in SCALARS:
            return at + count * struct.calcsize(SCALARS[element])
        for _ in range(count):
            at = self._end(data, at, element)
        return at

    def set_u32(self, name, value):
        self.keys[name] = (4, struct.pack("<I", value))

    def set_i32s(self, name, values):
        self.keys[name] = (9, struct.pack(f"<IQ{len(values)}i", 5, len(values), *values))

    def write_part(self, path, no, count):
        """Part `no` of a split model: every count-th tensor with its bytes; keys in the first one."""
        keys = dict(self.keys) if no == 0 else {}
        keys["split.no"] = (2, struct.pack("<H", no))
        keys["split.count"] = (2, struct.pack("<H", count))
        keys["split.tensors.count"] = (5, struct.pack("<i", len(self.tensors)))
        mine = self.tensors[no::count]
        out = [struct.pack("<4sIQQ", b"GGUF", 3, len(mine), len(keys))]
        for name, (kind, raw) in keys.items():
            out.append(struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + raw)
        body = b""
        for name, dims, kind, data in mine:
            out.append(struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", len(dims)))
            out.append(struct.pack(f"<{len(dims)}QIQ", *dims, kind, len(body)))
            body += data + bytes(-len(data) % 32)
        head = b"".join(out)
        path.write_bytes(head + bytes(-len(head) % 32) + body)

    def write_sparse(self, path, tensors):
        """tensors: name -> dims, all F32 zeros that take no room on the disk.  Returns the size."""
        out = [struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(self.keys))]
        for name, (kind, raw) in self.keys.items():
            out.append(struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + raw)
        at = 0
        for name, dims in tensors.items():
            out.append(struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", len(dims)))
            out.append(struct.pack(f"<{len(dims)}QIQ", *dims, 0, at))
            size = 4
            for d in dims:
                size *= d
            at += (size + 31) // 32 * 32
        head = b"".join(out)
        head += bytes(-len(head) % 32)
        with open(path, "wb") as f:
            f.write(head)
            try:
                f.truncate(len(head) + at)
            except OSError as e:
                raise Skip(f"this file system takes no sparse file of {at} bytes: {e}") from e
        return len(head) + at


def write_larger_than_memory(path):
    """A model of 6 TiB that takes no room on the disk."""
    g = Gguf(MODEL)
    embd, ff, heads, head, layers = 131072, 1048576, 512, 256, 4
    vocab = 512
    g.set_u32("qwen2vl.embedding_length", embd)
    g.set_u32("qwen2vl.feed_forward_length", ff)
    g.set_u32("qwen2vl.block_count", layers)
    g.set_u32("qwen2vl.attention.head_count", heads)
    g.set_u32("qwen2vl.attention.head_count_kv", 8)
    g.set_i32s("qwen2vl.rope.dimension_sections", [32, 48, 48, 0])
    tensors = {"token_embd.weight": (embd, vocab), "output_norm.weight": (embd,)}
    for i in range(layers):
        b = f"blk.{i}."
        tensors.update({b + "attn_norm.weight": (embd,), b + "ffn_norm.weight": (embd,),
                        b + "attn_q.weight": (embd, heads * head), b + "attn_q.bias": (heads * head,),
                        b + "attn_k.weight": (embd, 8 * head), b + "attn_k.bias": (8 * head,),
                        b + "attn_v.weight": (embd, 8 * head), b + "attn_v.bias": (8 * head,),
                        b + "attn_output.weight": (heads * head, embd),
                        b + "ffn_gate.weight": (embd, ff), b + "ffn_up.weight": (embd, ff),
                        b + "ffn_down.weight": (ff, embd)})
    assert g.write_sparse(path, tensors) > 6 << 40
