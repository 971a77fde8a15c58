#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verbs print when all is well."""
import fcntl
import json
import os
import select
import shutil
import signal
import struct
import subprocess

from lwtest import (ENV, FIXTURES, LIMIT, LW, MMPROJ, MODEL, TMP, Gguf, copy, endless_model, fails, main,
                    picture, test, works, write)


@test
def version_and_help():
    assert works("--version").out.startswith("lw ")
    overview = works("--help").out
    assert works("help").out == overview == works("-h").out
    for verb in ("run", "models", "info", "pull", "tokenize", "logits", "embed", "bench", "eval"):
        assert f"  {verb} " in overview
        text = works(verb, "--help").out
        assert f"lw {verb}" in text
        assert works("help", verb).out == text


@test
def answer_on_stdout_and_the_rest_on_stderr():
    args = ("run", "-m", MODEL, "--temp", "0", "--max-tokens", "12", "hello")
    first, second = works(*args), works(*args)
    assert first.out == second.out, "the same question, two answers"
    assert first.out.endswith("\n")
    assert "[prompt " in first.err and "answer 12 tokens in " in first.err, first.err
    assert "\033" not in first.out + first.err


@test
def grammar_and_schema_bind_the_answer():
    (TMP / "yes.gbnf").write_text('root ::= ("yes" | "no") "!"{2}')
    (TMP / "age.json").write_text('{"type": "object", "properties": {"age": {"type": "integer", "minimum": 1, '
                                  '"maximum": 99}}, "required": ["age"]}')
    args = ("run", "-m", MODEL, "--temp", "1.5", "--top-k", "0", "hello")
    for seed in range(4):
        done = works(*args, "--seed", str(seed), "--grammar", TMP / "yes.gbnf", "--logprobs", "2")
        assert done.out in ("yes!!\n", "no!!\n"), done.out
        tokens = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
        assert "".join(t["text"] for t in tokens) == done.out.strip(), done.err
        assert all(len(t["top"]) == 2 and t["logprob"] <= t["top"][0]["logprob"] <= 0 for t in tokens)
        age = json.loads(works(*args, "--seed", str(seed), "--json-schema", TMP / "age.json").out)
        assert 1 <= age["age"] <= 99, age
    (TMP / "bad.gbnf").write_text("root ::= a")
    fails((*args, "--grammar", TMP / "bad.gbnf"), "bad.gbnf", "rule a is used and not defined")


@test
def crude_attention_is_seen_to_be_crude():
    long = "one two three four five six seven eight nine ten " * 4
    args = ("logits", "-m", MODEL, "--prompt", long, "--top", "5")
    dense = works(*args).out
    assert works(*args, "--attn", "dense").out == dense == works(*args, "--attn", "auto").out
    assert works(*args, "--attn", "window:all").out == works(*args, "--attn", "random:100%").out == dense
    assert works(*args, "--attn", "window:1+8").out != dense
    asked = ("run", "-m", MODEL, "--temp", "0", "--max-tokens", "8", long)
    assert works(*asked, "--attn", "window:all").out == works(*asked).out
    works("bench", "-m", MODEL, "-p", "80", "-n", "4", "-r", "1", "--attn", "random:10%@3")
    for bad, says in (("window", "window:SINK[+]LOCAL"), ("window:4", "two numbers"), ("random:0%", "share above 0%"),
                      ("dense:1", "there is")):
        fails((*args, "--attn", bad), bad, says)


@test
def bias_penalties_and_stop_are_options():
    args = ("run", "-m", MODEL, "--temp", "0", "--max-tokens", "12", "hello")
    plain = works(*args).out
    first = json.loads(works(*args, "--logprobs", "0").err.splitlines()[0])
    assert plain.startswith(first["text"]) or first["text"].encode()
    other = works(*args, "--logit-bias", f"{first['token']}=never", "--logprobs", "0")
    assert json.loads(other.err.splitlines()[0])["token"] != first["token"]
    assert works(*args, "--stop", plain[2:4]).out.rstrip("\n") == plain[:plain.index(plain[2:4])]
    works(*args, "--repeat-penalty", "1.3", "--dry", "0.8", "--typical", "0.9", "--xtc", "0.5", "--top-n-sigma", "2")
    for bad, says in ((("--logit-bias", "x=1"), "ID=X"), (("--logit-bias", "3=lots"), "lots"),
                      (("--typical", "0"), "typical-p is 0"), (("--logprobs", "65"), "at most 64"),
                      (("--grammar", "/nowhere"), "/nowhere"), (("--dry-base", "0.1"), "DRY base is 0.1")):
        fails((*args, *bad), says)


@test
def seed_decides_the_answer():
    def answer(seed):
        return works("run", "-m", MODEL, "--temp", "1.5", "--top-k", "0", "--top-p", "1", "--min-p", "0",
                     "--seed", seed, "--max-tokens", "24", "hello").out
    assert answer(7) == answer(7)
    assert len({answer(seed) for seed in range(1, 5)}) > 1
    done = works("run", "-m", MODEL, "--max-tokens", "2", "hello")
    assert "seed " in done.err, done.err


@test
def an_answer_that_repeats_itself():
    loop = ("run", "-m", endless_model(), "--logit-bias", "65=1000", "--ctx", "4096")
    done = works(*loop, "hello")
    assert "answer 1024 tokens" in done.err and "began to repeat itself; --repeat-stop 0" in done.err, done.err
    short = works(*loop, "--repeat-stop", "40", "hello")
    assert "answer 40 tokens" in short.err and "began to repeat itself" in short.err, short.err
    assert done.out.startswith(short.out.rstrip("\n"))
    lasting = works(*loop, "--repeat-stop", "0", "--max-tokens", "1100", "hello")
    assert "answer 1100 tokens" in lasting.err and "repeat itself" not in lasting.err, lasting.err
    fails((*loop, "--repeat-stop", "-1", "hello"), r"--repeat-stop -1")


@test
def prompt_from_stdin():
    asked = works("run", "-m", MODEL, "--temp", "0", "--max-tokens", "8", "hello there").out
    for args in ((), ("-",)):
        done = works("run", "-m", MODEL, "--temp", "0", "--max-tokens", "8", *args,
                     stdin=b"hello there\n")
        assert done.out == asked
    after_dashes = works("run", "-m", MODEL, "--temp", "0", "--max-tokens", "8", "--", "hello", "there")
    assert after_dashes.out == asked


@test
def a_stored_conversation_goes_on():
    import sqlite3
    run = ("run", "-m", MODEL, "--mmproj", MMPROJ, "--temp", "0", "--max-tokens", "6")
    fails((*run, "--chat", "cafe", "hello"), "cafe")  # makes the database
    path = TMP / "data" / "longwave" / "longwave.db"
    shown = picture("stored.png")
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO conversations (id, title, created, updated) VALUES ('cafe01', 'Sea', 1, 1)")
        for at, (role, text) in enumerate(((1, "What is this?"), (2, "The sea."))):
            db.execute("INSERT INTO messages (id, conversation, position, role, state, text, created, parent)"
                       " VALUES (?, 'cafe01', ?, ?, 0, ?, 1, ?)",
                       (f"m{at}", at, role, text, f"m{at - 1}" if at else None))
        db.execute("UPDATE conversations SET head = 'm1'")
        db.execute("INSERT INTO attachments (message, position, kind, label, file, copied)"
                   " VALUES ('m0', 0, 1, 'stored.png', ?, 0)", (str(shown),))
    db.close()
    first = works(*run, "--chat", "cafe", "And now?")
    assert 'going on with "Sea" (cafe01): 2 messages' in first.err, first.err
    second = works(*run, "--chat", "cafe01", "--image", shown, "And this?")
    assert "4 messages" in second.err, second.err
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT position, role, text FROM messages ORDER BY position").fetchall()
        kept = db.execute("SELECT COUNT(*) FROM attachments").fetchone()[0]
    db.close()
    assert [r[:2] for r in rows] == [(i, 1 + i % 2) for i in range(6)], rows
    assert rows[2][2] == "And now?" and rows[3][2] == first.out.rstrip("\n"), rows
    assert kept == 2
    line = fails((*run, "--chat", "beef", "hello"), "beef", 'cafe01 "Sea"')
    assert line.count("\n") == 0
    shown.unlink()
    fails((*run, "--chat", "cafe", "And then?"), "stored.png")


@test
def threads_do_not_change_the_answer():
    outs = {works("run", "-m", MODEL, "--temp", "0", "--max-tokens", "16", "-t", t, "hello").out
            for t in (1, 2, 3)}
    assert len(outs) == 1


@test
def picture_is_reported_and_matters():
    args = ("run", "-m", MODEL, "--mmproj", MMPROJ, "--temp", "0", "--max-tokens", "8")
    without = works(*args, "What is this?")
    shot = picture("a picture.png", 150, 100)
    done = works(*args, "--image", shot, "What is this?")
    assert "a picture.png: 150" in done.err and "tokens" in done.err, done.err
    assert done.out != without.out


@test
def documents_and_system_prompt():
    args = ("run", "-m", MODEL, "--temp", "0", "--max-tokens", "8")
    plain = works(*args, "What is this?")
    notes = write("notes.txt", "Buy milk.\n".encode())
    with_doc = works(*args, "--doc", notes, "What is this?")
    assert "10 bytes, attached whole" in with_doc.err, with_doc.err
    assert with_doc.out != plain.out
    assert works(*args, "--system", "Speak like a pirate.", "What is this?").out != plain.out


@test
def info_as_text_and_json():
    text = works("info", MODEL).out
    for word in ("qwen2vl", "layers", "cache", "memory", "types"):
        assert word in text
    data = json.loads(works("info", "--json", MODEL).out)
    assert data["architecture"] == "qwen2vl"
    assert data["path"] == str(MODEL)
    assert data["fits"] is True and data["context_chosen"] > 0
    assert sum(t["bytes"] for t in data["types"]) == data["weight_bytes"]
    assert data["kv_bytes_per_token_f16"] == 2 * 2 * data["layers"] * data["kv_heads"] * data["head_size"]
    assert data["kv_bytes_per_token_q8_0"] * 64 == data["kv_bytes_per_token_f16"] * 34
    # What was just read is in memory: looked at in a hurry, and nothing is stored.
    assert data["measurement"] == "quick" and data["estimated_tokens_per_second"] > 0, data
    assert "in a hurry" in works("info", MODEL).out
    trained = data["contexts"][-1]
    assert trained["tokens"] == data["context"] and all(c["tokens"] < data["context"] for c in
                                                        data["contexts"][:-1])
    for c in data["contexts"]:
        assert c["kv_bytes_f16"] == c["tokens"] * data["kv_bytes_per_token_f16"] and c["fits_f16"], c
        weights = data["weight_bytes_per_generated_token"]
        rate = data["measured_read_bytes_per_second"] / (weights + c["kv_bytes_f16"])
        assert abs(c["estimated_tokens_per_second_f16"] / rate - 1) < 1e-6, c
    measured = json.loads(works("info", "--json", "--measure", MODEL).out)
    assert measured["measurement"] == "full" and measured["estimated_tokens_per_second"] > 0
    assert measured["estimated_prompt_tokens_per_second"] > 0
    again = json.loads(works("info", "--json", MODEL).out)
    assert again["measurement"] == "stored" and again["measured_at"] == measured["measured_at"], again
    assert again["estimated_prompt_tokens_per_second"] == measured["estimated_prompt_tokens_per_second"]
    assert f"measured on {again['measured_at'][:10]}" in works("info", MODEL).out
    # Figures of another processor mode, and a damaged file, count for nothing.
    other = json.loads(works("info", "--json", MODEL, env={"LW_CPU": "c"}).out)
    assert other["measurement"] == "quick", other
    store = TMP / "cache" / "longwave" / "speed.ini"
    store.write_bytes(b"[nonsense\0")
    assert json.loads(works("info", "--json", MODEL).out)["measurement"] == "quick"


@test
def info_lists():
    keys = works("info", "--keys", MODEL).out
    assert "general.architecture = qwen2vl" in keys
    tensors = works("info", "--tensors", MMPROJ).out
    assert "v." in tensors and "bytes" in tensors
    data = json.loads(works("info", "--keys", "--tensors", "--json", MODEL).out)
    assert set(data["keys"]) == set(Gguf(MODEL).keys)
    assert all(t["bytes"] > 0 and t["dims"] for t in data["tensors"])


@test
def models_are_listed_and_named():
    folder = TMP / "data" / "longwave" / "models"
    copy(MODEL, folder / "tiny" / "tiny-f16.gguf")
    copy(MMPROJ, folder / "tiny" / "mmproj-tiny.gguf")
    write(folder / "broken.gguf", b"GGUF")
    text = works("models").out
    assert "golden a" in text and "mmproj" not in text
    assert "broken" in text and "cannot be used" in text
    data = json.loads(works("models", "--json").out)
    assert [m["problem"] is None for m in data] == [False, True], data
    tiny = data[1]
    assert tiny["vision"] and tiny["mmproj"].endswith("mmproj-tiny.gguf") and tiny["source"] == "own", tiny
    assert tiny["architecture"] == "qwen2vl" and tiny["types"].startswith("F16") and tiny["files"] == 1
    args = ("--temp", "0", "--max-tokens", "4", "hello")
    by_path = works("run", "-m", MODEL, *args).out
    for name in ("golden a", "GOLDEN", "tiny-f16.gguf", "tiny"):
        assert works("run", "-m", name, *args).out == by_path
    default = works("run", *args, env={"LW_DEFAULT_MODEL": str(MODEL)})
    assert default.out == by_path


def manifest(name, model, projector=None):
    layers = [{"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{model}", "size": 1}]
    if projector:
        layers.append({"mediaType": "application/vnd.ollama.image.projector",
                       "digest": f"sha256:{projector}", "size": 1})
    write(f".ollama/models/manifests/registry.ollama.ai/library/{name}",
          json.dumps({"schemaVersion": 2, "layers": layers}).encode())


@test
def models_of_other_programs():
    """Ollama's names work everywhere, with the projector; nothing in their folders is touched."""
    store = TMP / ".ollama" / "models"
    copy(MODEL, store / "blobs" / ("sha256-" + "a" * 64))
    copy(MMPROJ, store / "blobs" / ("sha256-" + "b" * 64))
    manifest("seer/7b", "a" * 64, "b" * 64)
    manifest("gone/latest", "c" * 64)
    manifest("broken/1b", "../../etc/passwd")
    studio = TMP / ".lmstudio" / "models" / "someone" / "repo"
    copy(FIXTURES / "b-text-q8_0.gguf", studio / "b-text-q8_0.gguf")
    write("data/longwave/models/odd.gguf",
          MODEL.read_bytes().replace(b"qwen2vl", b"qwenXvl").replace(b"golden a", b"golden x"))

    def tree():
        return sorted((str(p), p.stat().st_mtime_ns) for p in store.rglob("*"))
    before = tree()
    data = {m["name"]: m for m in json.loads(works("models", "--json").out)}
    assert data["seer:7b"]["source"] == "Ollama" and data["seer:7b"]["vision"]
    assert "missing" in data["gone:latest"]["problem"] and "64 digits" in data["broken:1b"]["problem"]
    assert any(m["source"] == "LM Studio" for m in data.values()), data
    odd = [m for m in data.values() if m["architecture"] == "qwenXvl"]
    assert len(odd) == 1 and "unsupported architecture" in odd[0]["problem"], data
    text = works("models").out
    assert "seer:7b" in text and "Ollama: " in text and "LM Studio: " in text

    shot = picture("ollama.png")
    args = ("--temp", "0", "--max-tokens", "4", "--image", shot, "hello")
    assert works("run", "-m", "seer:7b", *args).out == works("run", "-m", MODEL, "--mmproj", MMPROJ, *args).out
    assert json.loads(works("info", "--json", "seer:7b").out)["vision"] is True
    fails(("run", "-m", "gone", "hello"), r"gone", r"missing")
    fails(("info", "broken:1b"), r"64 digits")
    assert tree() == before
    for path in (store, studio.parent.parent):
        shutil.rmtree(path)
    (TMP / "data/longwave/models/odd.gguf").unlink()


def split(source, base, count):
    """As gguf-split does: the keys in the first part, tensors spread over all."""
    g = Gguf(source)
    paths = []
    for no in range(count):
        path = TMP / f"{base}-{no + 1:05}-of-{count:05}.gguf"
        path.parent.mkdir(parents=True, exist_ok=True)
        g.write_part(path, no, count)
        paths.append(path)
    return paths


@test
def split_model():
    parts = split(MODEL, "split/m", 3)
    args = ("--temp", "0", "--max-tokens", "8", "hello")
    whole = works("run", "-m", MODEL, *args).out
    for part in parts:
        assert works("run", "-m", part, *args).out == whole
    info = json.loads(works("info", "--json", parts[1]).out)
    assert info["path"] == str(parts[0])
    assert info["file_bytes"] == sum(p.stat().st_size for p in parts)
    assert info["weight_bytes"] == json.loads(works("info", "--json", MODEL).out)["weight_bytes"]
    works("info", "--measure", parts[0])
    parts[1].unlink()
    fails(("run", "-m", parts[0], "hello"), r"part 2 of 3", r"m-00002-of-00003\.gguf")


EMBEDDER = FIXTURES / "bert-mean.gguf"


@test
def embed():
    """One vector a line, of length 1, the same as the file's golden values and as --json and --out give."""
    golden = next(m for m in json.loads((FIXTURES / "embed.json").read_text())["models"] if m["id"] == "bert-mean")
    texts = [t["text"] for t in golden["texts"][:4]]
    width = golden["n_embd"]
    want = struct.unpack_from(f"<{4 * width}f", (FIXTURES / "bert-mean.f32").read_bytes())
    path = write("texts.txt", "\r\n".join(texts).encode() + b"\n")
    lines = works("embed", "-m", EMBEDDER, path).out.splitlines()
    assert len(lines) == 4
    got = [float(x) for line in lines for x in line.split(" ")]
    assert len(got) == len(want)
    assert max(abs(a - b) for a, b in zip(got, want)) < 1e-5
    assert abs(sum(x * x for x in got[:width]) - 1) < 1e-5
    assert works("embed", "-m", EMBEDDER, "-", stdin="\n".join(texts).encode()).out.splitlines() == lines

    done = json.loads(works("embed", "-m", EMBEDDER, "--json", path).out)
    assert (done["dimensions"], done["texts"], done["pooling"]) == (width, 4, "mean")
    as_f32 = lambda numbers: [struct.unpack("f", struct.pack("f", x))[0] for x in numbers]
    assert as_f32(x for row in done["embeddings"] for x in row) == as_f32(got)
    out = TMP / "vectors.npy"
    assert works("embed", "-m", EMBEDDER, "--out", out, path).out == ""
    rows, columns, values = read_npy(out)
    assert (rows, columns) == (4, width)
    assert list(values) == as_f32(got), "nine digits are not enough"

    first = works("embed", "-m", EMBEDDER, "--pooling", "cls", path).out.splitlines()
    assert len(first) == 4 and first[0] != lines[0]
    whole = works("embed", "-m", EMBEDDER, "--whole", stdin=b"one\n\ntwo").out
    assert whole.count("\n") == 1
    # A chat model, when it is told how.
    assert len(works("embed", "-m", MODEL, "--pooling", "last", path).out.splitlines()) == 4


@test
def embed_refuses_in_a_sentence():
    fails(("embed", "-m", MODEL), r"pooling_type", stdin=b"hello")
    fails(("embed", "-m", EMBEDDER), r"line 2 is empty", stdin=b"one\n\ntwo\n")
    fails(("embed", "-m", EMBEDDER), r"no text", stdin=b"")
    fails(("embed", "-m", EMBEDDER), r"text 2 is \d+ tokens", r"takes 96", stdin=b"one\n" + b"boat " * 200)
    fails(("embed", "-m", EMBEDDER, "--ctx", "97"), r"97", r"96", stdin=b"one")
    fails(("embed", "-m", EMBEDDER, "--pooling", "middle"), r"middle", stdin=b"one")
    fails(("run", "-m", EMBEDDER, "hello"), r"only makes embeddings")
    fails(("logits", "-m", EMBEDDER, "--tokens", "5"), r"only makes embeddings")
    fails(("bench", "-m", EMBEDDER, "-p", "8", "-n", "1", "-r", "1"), r"only makes embeddings")
    assert "makes vectors of texts" in works("info", EMBEDDER).out
    assert json.loads(works("info", EMBEDDER, "--json").out)["pooling"] == "mean"


@test
def tokenize():
    def ids(text, *args):
        line = works("tokenize", "-m", MODEL, *args, stdin=text.encode()).out
        assert line.endswith("\n") and line.count("\n") == 1
        return [int(i) for i in line.split()]
    plain = ids("<|im_start|>user")
    special = ids("<|im_start|>user", "--special")
    assert len(special) < len(plain)
    assert plain[:3] != special[:3]
    assert ids("") == []
    path = write("text.txt", b"hello there")
    assert works("tokenize", "-m", MODEL, path).out.split() == [str(i) for i in ids("hello there")]


def read_npy(path):
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    n, = struct.unpack_from("<H", data, 8)
    assert (10 + n) % 64 == 0
    head = eval(data[10:10 + n].decode("ascii"), {"__builtins__": {}})
    assert head["descr"] == "<f4" and head["fortran_order"] is False
    rows, columns = head["shape"]
    values = struct.unpack_from(f"<{rows * columns}f", data, 10 + n)
    assert len(data) == 10 + n + 4 * rows * columns
    return rows, columns, values


@test
def logits_agree_with_themselves():
    out = TMP / "all.npy"
    top = json.loads(works("logits", "-m", MODEL, "--tokens", "1,2 3", "--all", "--top", "2", "--json",
                           "--out", out).out)
    rows, columns, values = read_npy(out)
    assert (rows, columns) == (3, 512) == (len(top["positions"]), top["vocabulary"])
    for p in top["positions"]:
        row = values[p["position"] * columns:(p["position"] + 1) * columns]
        best = max(range(columns), key=lambda i: row[i])
        assert p["top"][0]["id"] == best
        assert abs(p["top"][0]["logit"] - row[best]) < 1e-6
        assert len(p["top"]) == 2
    last = TMP / "last.npy"
    works("logits", "-m", MODEL, "--tokens", "1,2,3", "--out", last)
    rows, columns, one = read_npy(last)
    # One row goes through another kernel than three: the sums may be taken in another order.
    assert rows == 1 and max(abs(a - b) for a, b in zip(one, values[2 * columns:])) < 1e-3
    assert not (TMP / "last.npy.part").exists()


@test
def logits_equal_the_stored_ones():
    """The terminal program gives what the golden test gives: transformers' numbers."""
    golden = json.loads((FIXTURES / "golden.json").read_text())
    models = golden["models"] if isinstance(golden, dict) else golden
    entry = next(m for m in models if m["text"] == "a-text-f16.gguf")
    case = next(c for c in entry["cases"] if c["name"] == "text")
    out = TMP / "golden.npy"
    works("logits", "-m", MODEL, "--kv", "f32", "--all", "--top", "0", "--out", out, "--tokens",
          ",".join(map(str, case["ids"])))
    rows, columns, got = read_npy(out)
    assert rows == len(case["ids"])
    stored = (FIXTURES / entry["values"]).read_bytes()
    want = case["logits"]
    n = want["rows"] * columns
    expected = struct.unpack_from(f"<{n}f", stored, 4 * want["at"])
    mine = got[want["first"] * columns:want["first"] * columns + n]
    worst = max(abs(a - b) for a, b in zip(mine, expected))
    assert worst < 1e-2, worst


@test
def bench_json():
    data = json.loads(works("bench", "-m", MODEL, "-p", "16,32", "-n", "4", "-d", "0,64", "-r", "2",
                            "--json").out)
    assert [(r["n_prompt"], r["n_gen"], r["depth"]) for r in data["results"]] == [
        (16, 0, 0), (32, 0, 0), (0, 4, 0), (16, 0, 64), (32, 0, 64), (0, 4, 64)]
    for r in data["results"]:
        assert len(r["tokens_per_second"]) == 2
        assert r["min_tokens_per_second"] <= r["median_tokens_per_second"] <= r["max_tokens_per_second"]
    assert data["weight_bytes"] > 0 and "CPU" in data["device"]
    text = works("bench", "-m", MODEL, "-p", "16", "-n", "0", "-r", "1").out
    assert "pp16" in text and "tg" not in text


@test
def interrupt_stops_an_answer():
    """SIGINT while the answer is being written: what is there stays, one line says so."""
    read, out = os.pipe()
    fcntl.fcntl(out, 1031, 4096)  # F_SETPIPE_SZ: the program blocks once this much is unread
    process = subprocess.Popen([LW, "run", "-m", str(endless_model()), "--ctx", "100000",
                                "tell me everything"],
                               stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=ENV)
    os.close(out)
    # The answer has begun, and cannot end before it is read.
    select.select([read], [], [], LIMIT)
    process.send_signal(signal.SIGINT)
    text = b""
    while chunk := os.read(read, 65536):
        text += chunk
    os.close(read)
    error = process.communicate(timeout=LIMIT)[1].decode()
    assert process.returncode == 1, error
    lines = [line for line in error.splitlines() if line.startswith("lw: ")]
    assert len(lines) == 1 and "stopped after" in lines[0] and error.endswith(lines[0] + "\n"), error
    assert text.endswith(b"\n")


if __name__ == "__main__":
    main()
