#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: one clear line that names the thing and the number, exit status 1, no crash, no hang."""
import io
import os
import wave

from lwtest import (FIXTURES, MMPROJ, MODEL, TMP, Gguf, check_failure, copy, fails, lw, main, picture,
                    png, test, works, write, write_larger_than_memory)

VERBS = [("run", "-m"), ("info",), ("tokenize", "-m"), ("logits", "--tokens", "1", "-m"), ("embed", "-m"),
         ("bench", "-p", "8", "-n", "1", "-r", "1", "-m")]


def every_verb(path, *patterns):
    """A model file that no verb can use."""
    for verb in VERBS:
        # tokenize reads its text only once the model is known to be good
        fails((*verb, path) + (("hello",) if verb[0] == "run" else ()), *patterns)


# ---- Model files ----

@test
def truncated_model():
    data = MODEL.read_bytes()
    for n in (3, 20, 200, 5000, len(data) // 2, len(data) - 1):
        path = write("truncated.gguf", data[:n])
        fails(("info", path), r"truncated\.gguf", r"\d")
        fails(("run", "-m", path, "hello"), r"truncated\.gguf", r"\d")
    every_verb(path, r"truncated\.gguf", r"\d")


@test
def mutated_model():
    data = MODEL.read_bytes()
    step = max(len(data) // 4000, 1)
    places = list(range(0, 400, 7)) + list(range(400, min(len(data), 16000), 331 * step))
    refused = 0
    for place in places:
        for value in (0xff, data[place] ^ 0x80):
            path = write("mutated.gguf", data[:place] + bytes([value]) + data[place + 1:])
            done = lw("info", path)
            if done.returncode:
                check_failure(("info", place), done, [r"\S"])
                refused += 1
    assert refused > 20, f"only {refused} of {2 * len(places)} were refused"


@test
def mutated_model_still_answers_or_refuses():
    data = MODEL.read_bytes()
    for place in range(len(data) // 3, len(data), len(data) // 10):
        path = write("weights.gguf", data[:place] + b"\xff" * 64 + data[place + 64:])
        done = lw("run", "-m", path, "--temp", "0", "--max-tokens", "4", "hello")
        if done.returncode:
            check_failure(("run", place), done, [r"\d"])


@test
def weights_that_are_no_numbers():
    """Legal bytes, so that a model opens; --check finds them."""
    done = works("info", "--check", MODEL)
    assert "all of them numbers" in done.err, done.err
    data = bytearray(MODEL.read_bytes())
    name, dims, kind, payload = next(t for t in Gguf(MODEL).tensors if t[2] == 1)  # F16
    at = data.index(payload)
    data[at + 10:at + 14] = b"\x00\x7c\x01\x7c"  # infinity, not a number
    path = write("nan.gguf", bytes(data))
    works("info", path)
    fails(("info", "--check", path), r"nan\.gguf", r"\b2 of \d+ weights", name)


@test
def wrong_file():
    every_verb(picture("picture.png"), r"picture\.png")
    every_verb(write("empty.gguf", b""), r"empty\.gguf", r"\b0\b|empty")
    every_verb(write("text.gguf", b"Just some text, longer than a header of a file would be.\n" * 4),
               r"text\.gguf")


@test
def model_that_is_not_there():
    every_verb(TMP / "absent.gguf", r"absent\.gguf", r"No such file")
    (TMP / "folder.gguf").mkdir()
    every_verb(TMP / "folder.gguf", r"folder\.gguf", r"folder|directory")
    fails(("run", "-m", "no-such-name", "hello"), r"no-such-name")
    fails(("run", "hello"), r"no-default\.gguf")


@test
def unreadable_model():
    path = copy(MODEL, "unreadable.gguf")
    path.chmod(0)
    if os.access(path, os.R_OK):
        return  # root reads everything
    every_verb(path, r"unreadable\.gguf", r"Permission")


@test
def unknown_architecture():
    path = write("strange.gguf", MODEL.read_bytes().replace(b"qwen2vl", b"qwenXvl"))
    for verb in VERBS:
        if verb[0] != "tokenize":  # the vocabulary does not depend on it
            fails((*verb, path) + (("hello",) if verb[0] == "run" else ()), r"qwenXvl")


@test
def vision_file_as_model():
    fails(("run", "-m", MMPROJ, "hello"), r"mmproj|clip")
    fails(("run", "-m", MODEL, "--mmproj", MODEL, "hello"), r"a-text-f16")


@test
def model_larger_than_memory():
    write_larger_than_memory(TMP / "large.gguf")
    fails(("run", "-m", TMP / "large.gguf", "hello"), r"\d.*(memory|RAM)")
    fails(("bench", "-m", TMP / "large.gguf", "-p", "8"), r"\d.*(memory|RAM)")
    # `info` still tells what it is, and that it does not fit.
    done = works("info", TMP / "large.gguf")
    assert "no: " in done.out, done.out
    (TMP / "large.gguf").unlink()


# ---- Pictures and films ----

@test
def picture_bomb():
    bomb = write("bomb.png", png(60000, 60000))
    fails(("run", "-m", MODEL, "--mmproj", MMPROJ, "--image", bomb, "hello"), r"bomb\.png", r"60000",
          r"200,?000,?000|200 ")


@test
def damaged_picture():
    whole = picture("whole.png").read_bytes()
    half = write("half.png", whole[:len(whole) // 2])
    done = lw("run", "-m", MODEL, "--mmproj", MMPROJ, "--max-tokens", "2", "--image", half, "hello")
    check_failure("half a picture", done, [r"half\.png"])
    fails(("run", "-m", MODEL, "--mmproj", MMPROJ, "--image", write("e.png", b""), "hello"), r"e\.png")
    fails(("run", "-m", MODEL, "--mmproj", MMPROJ, "--image", TMP / "none.png", "hello"),
          r"none\.png", r"No such file")
    thin = picture("thin.png", 2000, 1)
    fails(("run", "-m", MODEL, "--mmproj", MMPROJ, "--image", thin, "hello"), r"thin\.png", r"200")


@test
def film_without_video_stream():
    sound = io.BytesIO()
    with wave.open(sound, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(bytes(16000))
    path = write("sound.wav", sound.getvalue())
    fails(("run", "-m", MODEL, "--mmproj", MMPROJ, "--video", path, "hello"), r"sound\.wav", r"video")


@test
def film_that_is_none():
    path = write("text.mp4", b"not a film at all\n" * 100)
    fails(("run", "-m", MODEL, "--mmproj", MMPROJ, "--video", path, "hello"), r"text\.mp4")


@test
def missing_vision_file():
    alone = copy(MODEL, "alone/model.gguf")
    shot = picture("shot.png")
    fails(("run", "-m", alone, "--image", shot, "hello"), r"shot\.png|mmproj", r"mmproj")
    fails(("logits", "-m", alone, "--image", shot, "--prompt", "hello"), r"mmproj")
    fails(("run", "-m", MODEL, "--mmproj", TMP / "no-mmproj.gguf", "--image", shot, "hello"),
          r"no-mmproj\.gguf")


@test
def vision_file_of_another_model():
    fails(("run", "-m", MODEL, "--mmproj", FIXTURES / "b-mmproj-f32.gguf", "--image",
           picture("shot.png"), "hello"), r"b-mmproj-f32", r"\d")


# ---- Documents and text ----

@test
def documents():
    large = write("large.txt", b"x" * ((1 << 20) + 1))
    fails(("run", "-m", MODEL, "--doc", large, "hello"), r"large\.txt", r"1048576")
    binary = write("binary.txt", b"abc\0def")
    fails(("run", "-m", MODEL, "--doc", binary, "hello"), r"binary\.txt", r"offset 3")
    latin = write("latin.txt", "Gr\xfc\xdfe".encode("latin-1"))
    fails(("run", "-m", MODEL, "--doc", latin, "hello"), r"latin\.txt", r"0xfc", r"offset 2")
    fails(("run", "-m", MODEL, "--doc", TMP / "no.txt", "hello"), r"no\.txt", r"No such file")


@test
def empty_prompt():
    fails(("run", "-m", MODEL), r"empty", stdin=b"  \n")
    fails(("run", "-m", MODEL, ""), r"empty")


# ---- Limits ----

@test
def full_context():
    words = "one two three four five six seven eight nine ten " * 20
    fails(("run", "-m", MODEL, "--ctx", "64", words), r"\b64\b", r"context")
    # The prompt fits, the answer does not.
    done = lw("run", "-m", MODEL, "--ctx", "48", "--temp", "0", "hello")
    if done.returncode:
        check_failure("answer", done, [r"\b48\b", r"context"])
    fails(("run", "-m", MODEL, "--mmproj", MMPROJ, "--ctx", "24", "--image", picture("s.png", 300, 200),
           "What is this?"), r"s\.png", r"\b24\b", r"context")


@test
def picture_reduced_to_fit():
    shot = picture("wide.png", 640, 480)
    done = works("run", "-m", MODEL, "--mmproj", MMPROJ, "--ctx", "64", "--max-tokens", "4", "--image",
                 shot, "hello")
    assert "do not fit the context of 64" in done.err and "reduced to" in done.err, done.err


@test
def full_disk():
    if not os.path.exists("/dev/full"):
        return
    fails(("logits", "-m", MODEL, "--tokens", "1,2,3", "--out", "/dev/full"), r"/dev/full",
          r"\d+ bytes", r"No space left")
    with open("/dev/full", "wb") as full:
        for args in (("run", "-m", MODEL, "--max-tokens", "4", "hello"), ("info", MODEL),
                     ("info", MODEL, "--json"), ("--help",)):
            done = lw(*args, stdout=full)
            check_failure(args, done, [r"standard output", r"No space left"])


@test
def failed_write_leaves_the_old_file():
    old = write("out/old.npy", b"precious")
    os.mkdir(TMP / "out" / "old.npy.part")  # the temporary name is taken
    fails(("logits", "-m", MODEL, "--tokens", "1", "--out", old), r"old\.npy")
    assert old.read_bytes() == b"precious"
    fails(("logits", "-m", MODEL, "--tokens", "1", "--out", TMP / "nowhere" / "x.npy"), r"x\.npy")


# ---- The command line ----

@test
def unknown_words():
    fails((), r"no verb")
    fails(("frobnicate",), r"frobnicate")
    fails(("--frobnicate",), r"--frobnicate")
    for verb in ("run", "models", "info", "tokenize", "logits", "embed", "bench"):
        fails((verb, "--frobnicate"), r"frobnicate", rf"lw {verb} --help")
    fails(("help", "frobnicate"), r"frobnicate")


@test
def bad_numbers():
    run = ("run", "-m", MODEL, "hello")
    fails((*run, "--ctx", "-5"), r"-5")
    fails((*run, "--ctx", "many"), r"many")
    fails((*run, "--threads", "-1"), r"-1")
    fails((*run, "--max-tokens", "-1"), r"-1")
    fails((*run, "--kv", "q1"), r"q1")
    fails((*run, "--attn", "magic"), r"magic")
    fails((*run, "--top-p", "7"), r"7")
    fails((*run, "--ctx", "2000000000"), r"2000000000|memory")
    fails(("logits", "-m", MODEL), r"--tokens")
    fails(("logits", "-m", MODEL, "--tokens", "1,x"), r"\"x\"")
    fails(("logits", "-m", MODEL, "--tokens", "512"), r"512", r"511")
    fails(("logits", "-m", MODEL, "--tokens", "-1"), r"-1")
    fails(("logits", "-m", MODEL, "--tokens", ","), r"empty")
    fails(("bench", "-m", MODEL, "-r", "0"), r"--repetitions 0")
    fails(("bench", "-m", MODEL, "-p", "5000000"), r"5000000", r"4194304")
    fails(("info", MODEL, "extra"), r"extra")


@test
def control_characters_in_names():
    line = fails(("info", "bad\033[31m\nname.gguf"), r"name\.gguf")
    assert "\033" not in line


@test
def closed_output():
    """A reader that leaves is no reason for a message, nor for a crash."""
    read, out = os.pipe()
    os.close(read)
    try:
        done = lw("info", "--keys", MODEL, stdout=out)
    finally:
        os.close(out)
    assert done.returncode == 1 and done.err == "", done.err


if __name__ == "__main__":
    main()
